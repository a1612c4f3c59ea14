/* SPDX-License-Identifier: Apache-2.0
 * fs: what is made of the functions of a table, whatever it is.
 */
#include "base/fs.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>

enum { READ_BYTES = 64 << 10 };

static int read_bytes(const struct prs_fs *fs, int fd, struct prs_buf *to)
{
	uint64_t at = 0;
	for (;;) {
		size_t want = to->max - to->len < READ_BYTES ? to->max - to->len : READ_BYTES;
		uint8_t one, *p = want ? prs_buf_reserve(to, want) : &one;
		if (!p)
			return -ENOMEM;
		ssize_t n = fs->pread(fs->ctx, fd, p, want ? want : 1, at);
		if (n <= 0)
			return (int)n;
		if (!want)
			return -EFBIG;
		to->len += (size_t)n;
		at += (uint64_t)n;
	}
}

static int read_file(const struct prs_fs *fs, const char *path, int flags, struct prs_buf *to, struct prs_err *err)
{
	int fd = fs->open(fs->ctx, path, O_RDONLY | flags, 0);
	int r = fd < 0 ? fd : read_bytes(fs, fd, to);
	if (fd >= 0)
		fs->close(fs->ctx, fd);
	if (r == -EFBIG)
		return prs_fail(err, PRS_ELIMIT, "reading %s: it is larger than %zu bytes", path, to->max);
	return r < 0 ? prs_fail_errno(err, -r, "reading %s", path) : 0;
}

int prs_read_file(const struct prs_fs *fs, const char *path, struct prs_buf *to, struct prs_err *err)
{
	return read_file(fs, path, 0, to, err);
}

int prs_read_own_file(const struct prs_fs *fs, const char *path, struct prs_buf *to, struct prs_err *err)
{
	return read_file(fs, path, PRS_O_OWN, to, err);
}
