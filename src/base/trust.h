/* SPDX-License-Identifier: Apache-2.0
 * trust: whose files may say what is run: ours, root's, and nobody else's who could write them; and up to which folder
 * such files are looked for.
 */
#ifndef PRS_BASE_TRUST_H
#define PRS_BASE_TRUST_H

#include "base/fs.h"

/* prs.yml and a workspace say what is run, so they count only when nobody but us and root could have written them. */
struct prs_trust {
	uint32_t uid;                                  /* who we are */
	const char *home;                              /* nothing above it is looked at; NULL = not known */
	bool (*own_group)(uint32_t uid, uint32_t gid); /* is this group the user's alone? */
};

/* Why somebody else could have written this; NULL = nobody could, or `t` is NULL. */
const char *prs_distrust(const struct prs_trust *t, const struct prs_fs_stat *st);
/* Nothing above this folder is about the job: home, the root of a repository, a place where others write. */
bool prs_trust_ends(const struct prs_trust *t, const struct prs_fs *fs, const char *folder);

#endif
