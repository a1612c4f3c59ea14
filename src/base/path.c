/* SPDX-License-Identifier: Apache-2.0
 * path: paths are cut at slashes and never made shorter; only the system knows what a link or a ".." in one means.
 */
#include "base/path.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

char *prs_path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return prs_strdup(".");
	return slash == path ? prs_strdup("/") : prs_strf("%.*s", (int)(slash - path), path);
}

char *prs_path_flat(const char *path)
{
	char *flat = prs_strdup(path);
	for (char *c = flat; c && *c; c++)
		*c = *c == '/' ? '.' : *c;
	return flat;
}

int prs_path_make(const struct prs_fs *fs, const char *path, size_t from, uint32_t mode, size_t *ret_length)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	if (n >= sizeof part) {
		if (ret_length)
			*ret_length = n;
		return -ENAMETOOLONG;
	}
	memcpy(part, path, n + 1);
	for (char *p = strchr(part + from + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		int r = fs->mkdir(fs->ctx, part, mode);
		*p = '/';
		if (r == 0 || r == -EEXIST)
			continue;
		if (ret_length)
			*ret_length = (size_t)(p - part);
		return r;
	}
	return 0;
}

/* A fifo named RUN must hang nobody. */
bool prs_path_is_run(const struct prs_fs *fs, const char *folder)
{
	char magic[sizeof PRS_RUN_FILE_MAGIC - 1];
	struct prs_fs_stat st;
	PRS_AUTOFREE char *path = prs_strf("%s/RUN", folder);
	if (!path || fs->stat(fs->ctx, path, &st) < 0 || !S_ISREG(st.mode))
		return false;
	int fd = fs->open(fs->ctx, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	if (fd < 0)
		return false;
	ssize_t n = fs->pread(fs->ctx, fd, magic, sizeof magic, 0);
	fs->close(fs->ctx, fd);
	return n == (ssize_t)sizeof magic && !memcmp(magic, PRS_RUN_FILE_MAGIC, sizeof magic);
}
