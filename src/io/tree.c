/* SPDX-License-Identifier: Apache-2.0
 * tree: nftw() with a context. A folder that another process removes at the same time is no error: the aim is that it
 * is gone.
 */
#include "io/tree.h"

#include "base/killpoint.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 32, TRIES = 10 };

static struct walk {
	int (*each)(void *ctx, const struct prs_tree_entry *e);
	void *ctx;
	const char *last;
	char *at;
	size_t at_bytes;
} walk;

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static int tree_entry(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	struct prs_tree_entry e = { .path = path,
		                    .name = path + f->base,
		                    .st = st,
		                    .folder = flag == FTW_D || flag == FTW_DNR,
		                    .unreadable = flag == FTW_DNR || flag == FTW_NS,
		                    .depth = f->level };
	return walk.each(walk.ctx, &e);
}

int prs_tree_walk(const char *path, int (*each)(void *ctx, const struct prs_tree_entry *e), void *ctx)
{
	walk = (struct walk){ .each = each, .ctx = ctx };
	int r = nftw(path, tree_entry, DEPTH, FTW_PHYS);
	return r < 0 ? -errno : r;
}

/* ---- removing ---------------------------------------------------------------------------------------------------- */

static int tree_gone(const char *path, int r)
{
	if (r == 0 || errno == ENOENT)
		return 0;
	snprintf(walk.at, walk.at_bytes, "%s", path);
	return errno;
}

static int tree_remove(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	if (f->level == 0 || (f->level == 1 && walk.last && !strcmp(path + f->base, walk.last)))
		return 0;
	PRS_KILL_POINT("tree.removing");
	return tree_gone(path, remove(path));
}

int prs_tree_remove(const char *path, const char *last, char *at, size_t at_bytes)
{
	char file[4096];
	int r = -1;
	walk = (struct walk){ .last = last, .at = at, .at_bytes = at_bytes };
	snprintf(at, at_bytes, "%s", path);
	for (int i = 0; i < TRIES && r < 0; i++) {
		r = nftw(path, tree_remove, DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		if (r < 0 && errno != ENOENT)
			return -errno;
	}
	if (r > 0)
		return -r;
	if (last && (size_t)snprintf(file, sizeof file, "%s/%s", path, last) >= sizeof file)
		return -ENAMETOOLONG;
	r = last ? tree_gone(file, unlink(file)) : 0;
	if (!r)
		r = tree_gone(path, rmdir(path));
	return -r;
}
