/* SPDX-License-Identifier: Apache-2.0
 * trim: what dead lives had allocated ahead goes back to the disk: an engine that is killed cannot return it, and each
 * life has its own journal and segments.
 *
 * A file is cut to the length that it has, never below: no byte changes, whoever reads it, and what a HEAD sealed or a
 * DONE names lies inside that length. An engine that was taken over and wakes up in this very moment may lose what it
 * writes late, which nobody reads: its journal is sealed, so the rows that it still appends have no DONE that counts.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLACK_BYTES = 64 << 10 }; /* a file system's own units are not worth a write */

struct trim {
	const struct prs_fs *fs;
	const char *folder;
	const char *const *prefixes; /* of names: the epoch comes behind */
	uint32_t epoch;              /* of the life that trims */
};

static bool is_of_older(const struct trim *t, const char *name)
{
	for (const char *const *p = t->prefixes; *p; p++) {
		size_t n = strlen(*p);
		unsigned long epoch = strncmp(name, *p, n) == 0 ? strtoul(name + n, NULL, 10) : 0;
		if (epoch && epoch < t->epoch)
			return true;
	}
	return false;
}

static int trim_file(const struct trim *t, const char *path)
{
	struct prs_fs_stat st;
	int fd = t->fs->open(t->fs->ctx, path, O_RDWR | PRS_O_OWN, 0);
	if (fd < 0)
		return fd;
	int r = t->fs->fstat(t->fs->ctx, fd, &st);
	if (r >= 0 && st.allocated > st.size + SLACK_BYTES)
		r = t->fs->ftruncate(t->fs->ctx, fd, st.size);
	t->fs->close(t->fs->ctx, fd);
	return r < 0 ? r : 0;
}

static int trim_name(void *ctx, const char *name, char type)
{
	const struct trim *t = ctx;
	char path[PATH_MAX];
	if (type == 'd' || type == 'l' || type == 'o' || !is_of_older(t, name))
		return 0;
	snprintf(path, sizeof path, "%s/%s", t->folder, name);
	return trim_file(t, path);
}

int prs_store_trim(const struct prs_fs *fs, const char *dir, uint32_t epoch)
{
	static const char *const chains[] = { "journal-", "plan-", NULL }, *const segments[] = { "", NULL };
	char folder[PATH_MAX];
	struct trim of_chain = { fs, dir, chains, epoch }, of_segments = { fs, folder, segments, epoch };
	snprintf(folder, sizeof folder, "%s/seg", dir);
	int r = fs->list(fs->ctx, dir, trim_name, &of_chain);
	int r2 = fs->list(fs->ctx, folder, trim_name, &of_segments);
	return r ? r : r2;
}
