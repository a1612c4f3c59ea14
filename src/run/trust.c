/* SPDX-License-Identifier: Apache-2.0
 * trust: who we are, where our home is, and which group is a user's own: the one that is called or numbered as the
 * user, as most systems make one for each. A group of several people is not.
 */
#include "run/trust.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool trust_own_group(uint32_t uid, uint32_t gid)
{
	if (uid == gid)
		return true;
	const struct passwd *user = getpwuid(uid);
	const struct group *group = user ? getgrgid(gid) : NULL;
	return group && !strcmp(user->pw_name, group->gr_name);
}

const struct prs_trust *prs_trust_us(void)
{
	static struct prs_trust us;
	const char *home = getenv("HOME");
	const struct passwd *user = home && home[0] == '/' ? NULL : getpwuid(geteuid());
	us = (struct prs_trust){ .uid = geteuid(), .home = user ? user->pw_dir : home, .own_group = trust_own_group };
	return &us;
}
