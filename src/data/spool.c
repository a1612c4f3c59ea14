/* SPDX-License-Identifier: Apache-2.0
 * spool: bytes are gathered to whole megabytes before they are written.
 */
#include "data/spool.h"

#include "base/killpoint.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

enum { OUT_BYTES = 1 << 20, READ_BYTES = 64 << 10, ORIGIN_BYTES_MAX = 5 * 10 };

void prs_spool_init(struct prs_spool *s, const struct prs_fs *fs, const char *path)
{
	*s = (struct prs_spool){ .fs = fs, .path = path, .fd = -1, .is_synced = true };
	prs_buf_init(&s->out, OUT_BYTES + 1);
}

void prs_spool_done(struct prs_spool *s)
{
	if (s->fd >= 0)
		s->fs->close(s->fs->ctx, s->fd);
	s->fd = -1;
	prs_buf_done(&s->out);
}

static int failed(const struct prs_spool *s, int errnum, struct prs_err *err)
{
	return prs_fail_errno(err, errnum, "writing %s, which holds the rows that cannot be read where they lie",
	                      s->path);
}

int prs_spool_room(const struct prs_spool *s, uint64_t bytes, const char *file, struct prs_err *err)
{
	uint64_t room;
	PRS_AUTOFREE char *folder = s->path ? prs_path_folder(s->path) : NULL;
	if (!folder || s->fs->free_bytes(s->fs->ctx, folder, &room) < 0 || bytes <= room)
		return 0;
	return prs_fail(err, PRS_ENOSPACE,
	                "%s needs at least %" PRIu64 " bytes in %s, where %" PRIu64 " are free: make room, then resume",
	                file, bytes, folder, room);
}

static int make(struct prs_spool *s, struct prs_err *err)
{
	s->fd = s->fs->open(s->fs->ctx, s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | PRS_O_OWN, 0644);
	if (s->fd < 0)
		return failed(s, -s->fd, err);
	PRS_AUTOFREE char *folder = prs_path_folder(s->path);
	if (!folder)
		return prs_fail(err, PRS_ENOMEM, "the spool");
	int r = s->fs->sync_dir(s->fs->ctx, folder);
	PRS_KILL_POINT("data.spool.created");
	return r < 0 ? failed(s, -r, err) : 0;
}

static int write_out(struct prs_spool *s, struct prs_err *err)
{
	int r = s->fd < 0 ? make(s, err) : 0;
	if (r < 0)
		return r;
	for (size_t at = 0; at < s->out.len;) {
		ssize_t n = s->fs->pwrite(s->fs->ctx, s->fd, s->out.data + at, s->out.len - at, s->written);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return failed(s, n ? (int)-n : EIO, err);
		at += (size_t)n;
		s->written += (uint64_t)n;
	}
	prs_buf_clear(&s->out);
	PRS_KILL_POINT("data.spool.after_write");
	return 0;
}

int prs_spool_put(struct prs_spool *s, const void *bytes, size_t n, struct prs_err *err)
{
	const uint8_t *p = bytes;
	s->bytes += n;
	if (!s->path)
		return 0;
	s->is_synced = s->is_synced && !n;
	while (n) {
		size_t room = OUT_BYTES - s->out.len, now = n < room ? n : room;
		if (prs_buf_put(&s->out, p, now) < 0)
			return prs_fail(err, PRS_ENOMEM, "the spool");
		p += now;
		n -= now;
		int r = s->out.len == OUT_BYTES ? write_out(s, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int prs_spool_sync(struct prs_spool *s, struct prs_err *err)
{
	if (s->is_synced)
		return 0;
	int r = s->out.len ? write_out(s, err) : 0;
	if (r < 0)
		return r;
	r = s->fs->fdatasync(s->fs->ctx, s->fd);
	if (r < 0)
		return failed(s, -r, err);
	PRS_KILL_POINT("data.spool.after_sync");
	s->is_synced = true;
	return 0;
}

/* ---- origins ----------------------------------------------------------------------------------------------------- */

/* Whole numbers of the file, from `at` on. */
static int fill(const struct prs_fs *fs, int fd, uint64_t *at, struct prs_buf *b)
{
	uint8_t *to = prs_buf_reserve(b, READ_BYTES);
	if (!to)
		return -PRS_ENOMEM;
	ssize_t n = fs->pread(fs->ctx, fd, to, READ_BYTES, *at);
	if (n < 0)
		return -PRS_EIO;
	b->len += (size_t)n;
	*at += (uint64_t)n;
	return 0;
}

static int each_origin(const struct prs_fs *fs, int fd, uint64_t at, uint64_t skip, uint64_t count, prs_origin_fn *fn,
                       void *ctx)
{
	struct prs_origin o = { .file = 0 };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 2 * READ_BYTES);
	int r = 0;
	for (uint64_t i = 0, used = 0; r >= 0 && i < skip + count; i++) {
		if (b.len - used < ORIGIN_BYTES_MAX) {
			prs_buf_consume(&b, used);
			used = 0;
			r = fill(fs, fd, &at, &b);
		}
		struct prs_reader in = { b.data + used, b.len - used, false };
		if (r == 0)
			prs_origin_next(&in, &o);
		used = b.len - in.left;
		if (r == 0 && in.bad)
			return -PRS_ECORRUPT;
		if (r == 0 && i >= skip)
			r = fn(ctx, &o);
	}
	return r < 0 ? r : 0;
}

int prs_spool_origins(const struct prs_fs *fs, const char *path, uint64_t offset, uint64_t skip, uint64_t count,
                      prs_origin_fn *fn, void *ctx)
{
	int fd = fs->open(fs->ctx, path, O_RDONLY | O_CLOEXEC | PRS_O_OWN, 0);
	if (fd < 0)
		return -PRS_ENOTFOUND;
	int r = each_origin(fs, fd, offset, skip, count, fn, ctx);
	fs->close(fs->ctx, fd);
	return r;
}
