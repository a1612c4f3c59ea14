/* SPDX-License-Identifier: Apache-2.0
 * path: paths are cut at slashes; only the system knows what a link or a ".." in one means, unless a person wrote it.
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

char *prs_path_absolute(const char *base, const char *path)
{
	char *joined = path[0] == '/' ? prs_strdup(path) : prs_strf("%s/%s", base, path);
	if (!joined)
		return NULL;
	char *to = joined; /* the result grows over the text it comes from */
	for (const char *p = joined; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && !strncmp(p, "..", 2)) {
			while (to > joined && *--to != '/')
				;
		} else if (n && !(n == 1 && *p == '.')) {
			*to++ = '/';
			memmove(to, p, n);
			to += n;
		}
		p += n;
		p += strspn(p, "/");
	}
	if (to == joined)
		*to++ = '/';
	*to = 0;
	return joined;
}

bool prs_path_is_pattern(const char *path) { return path[strcspn(path, "*?[")] != 0; }

char *prs_path_pattern_root(const char *pattern)
{
	size_t n = strcspn(pattern, "*?[");
	while (n > 1 && pattern[n - 1] != '/')
		n--;
	return prs_strf("%.*s", (int)(n > 1 ? n - 1 : 1), pattern);
}

char prs_path_kind(const struct prs_fs *fs, const char *path)
{
	struct prs_fs_stat st;
	if (fs->stat(fs->ctx, path, &st) < 0)
		return 0;
	if (S_ISREG(st.mode))
		return 'f';
	return S_ISDIR(st.mode) ? 'd' : 'o';
}

int prs_path_open(const struct prs_fs *fs, const char *path)
{
	switch (prs_path_kind(fs, path)) {
	case 'd': return -EISDIR;
	case 'o': return -PRS_ERRNO_NO_FILE;
	default: return fs->open(fs->ctx, path, O_RDONLY | O_NONBLOCK, 0);
	}
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
