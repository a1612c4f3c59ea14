/* SPDX-License-Identifier: Apache-2.0
 * path: paths are cut at slashes and never made shorter; only the system knows what a link or a ".." in one means.
 */
#include "base/path.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>

char *prs_path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return prs_strdup(".");
	return slash == path ? prs_strdup("/") : prs_strf("%.*s", (int)(slash - path), path);
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
