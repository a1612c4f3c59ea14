/* SPDX-License-Identifier: Apache-2.0
 * trust: by owner and permissions alone.
 */
#include "base/trust.h"

#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>

const char *prs_distrust(const struct prs_trust *t, const struct prs_fs_stat *st)
{
	if (!t)
		return NULL;
	if (st->uid != t->uid && st->uid != 0)
		return "belongs to another user";
	if (st->mode & S_IWOTH)
		return "can be written to by everybody";
	if ((st->mode & S_IWGRP) && !t->own_group(st->uid, st->gid))
		return "can be written to by its group";
	return NULL;
}

static bool is_home(const struct prs_trust *t, const struct prs_fs *fs, const struct prs_fs_stat *folder)
{
	struct prs_fs_stat home;
	return t->home && fs->stat(fs->ctx, t->home, &home) == 0 && home.dev == folder->dev && home.ino == folder->ino;
}

static bool has(const struct prs_fs *fs, const char *folder, const char *name)
{
	struct prs_fs_stat st;
	PRS_AUTOFREE char *path = prs_strf("%s/%s", folder, name);
	return path && fs->stat(fs->ctx, path, &st) == 0;
}

bool prs_trust_ends(const struct prs_trust *t, const struct prs_fs *fs, const char *folder)
{
	static const char *const repositories[] = { ".git", ".hg", ".svn", ".jj" };
	struct prs_fs_stat st;
	if (!strcmp(folder, "/"))
		return true;
	if (!t)
		return false;
	if (fs->stat(fs->ctx, folder, &st) < 0 || is_home(t, fs, &st) || prs_distrust(t, &st))
		return true;
	for (size_t i = 0; i < sizeof repositories / sizeof *repositories; i++)
		if (has(fs, folder, repositories[i]))
			return true;
	return false;
}
