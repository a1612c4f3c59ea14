/* SPDX-License-Identifier: Apache-2.0
 * killpoint: see killpoint.h.
 */
#include "base/killpoint.h"

#ifdef PRS_KILL_POINTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void prs_kill_point(const char *name)
{
	static long left = -1; /* -1: not read yet, 0: off */
	static char wanted[64];
	long now = __atomic_load_n(&left, __ATOMIC_ACQUIRE);
	if (now == 0)
		return;
	if (now < 0) {
		const char *env = getenv("PRS_KILL");
		const char *colon = env ? strchr(env, ':') : NULL;
		if (!colon || (size_t)(colon - env) >= sizeof wanted) {
			__atomic_store_n(&left, 0, __ATOMIC_RELEASE);
			return;
		}
		memcpy(wanted, env, (size_t)(colon - env));
		__atomic_store_n(&left, strtol(colon + 1, NULL, 10), __ATOMIC_RELEASE);
	}
	if (strcmp(name, wanted) == 0 && __atomic_sub_fetch(&left, 1, __ATOMIC_ACQ_REL) == 0)
		raise(SIGKILL);
}
#else
typedef int prs_kill_points_are_off;
#endif
