/* SPDX-License-Identifier: Apache-2.0
 * modes: a folder gives to others what its bits say, and nothing that lies behind a folder they may not enter. The
 * group of the copy may be another one than that of the original: then it gets what all get there.
 */
#include "run/modes.h"

#include "io/tree.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { READ_AND_ENTER = 5, ENTER = 1 };

struct reach {
	uint32_t gid; /* of the copy */
	uint32_t group, others;
};

static void limit(struct reach *r, const struct stat *st, bool above)
{
	uint32_t others = st->st_mode & 7, group = st->st_gid == r->gid ? st->st_mode >> 3 & 7 : others;
	if (above) { /* what is in it can be reached, or not */
		group = group & ENTER ? 7 : 0;
		others = others & ENTER ? 7 : 0;
	}
	r->group &= group;
	r->others &= others;
}

/* A folder that cannot be looked at gives nothing. */
static struct reach reach_of(const char *folder, uint32_t gid)
{
	struct reach r = { gid, READ_AND_ENTER, READ_AND_ENTER };
	char path[PATH_MAX];
	struct stat st;
	bool above = false;
	if (!realpath(folder, path))
		return (struct reach){ gid, 0, 0 };
	for (;;) {
		if (stat(path[0] ? path : "/", &st) < 0)
			return (struct reach){ gid, 0, 0 };
		limit(&r, &st, above);
		char *slash = strrchr(path, '/');
		if (!slash)
			return r;
		*slash = 0;
		above = true;
	}
}

static uint32_t umask_now(void)
{
	mode_t now = umask(077);
	umask(now);
	return now;
}

uint32_t prs_run_mode(const struct prs_job *j, uint32_t gid)
{
	struct reach r = reach_of(j->code_dir, gid);
	uint32_t mode = (0700 | r.group << 3 | r.others) & ~umask_now();
	return j->o.share ? mode | READ_AND_ENTER << 3 : mode;
}

void prs_run_share(const struct prs_job *j)
{
	if (j->o.share)
		umask(umask_now() & ~(mode_t)(READ_AND_ENTER << 3));
}

static int share_entry(void *ctx, const struct prs_tree_entry *e)
{
	(void)ctx;
	mode_t mode = e->st->st_mode & 07777;
	if (!S_ISREG(e->st->st_mode) && !S_ISDIR(e->st->st_mode))
		return 0;
	return chmod(e->path, mode | 0040 | (mode & 0100 ? 0010 : 0)) < 0;
}

int prs_run_share_copy(const struct prs_job *j, const char *folder, struct prs_err *err)
{
	if (j->o.share && prs_tree_walk(folder, share_entry, NULL) != 0)
		return prs_fail(err, PRS_EPERMISSION, "%s: not all of it could be opened to the group", folder);
	return 0;
}
