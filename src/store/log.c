/* SPDX-License-Identifier: Apache-2.0
 * log: frames are written where they were placed, in that order, one sync each. Reading trusts nothing but checksums;
 * what it finds broken is a tail, and cut, unless a frame behind it says (`durable`) that it had been synced: then it
 * is damage.
 */
#include "store/log.h"

#include "base/killpoint.h"
#include "base/mem.h"
#include "base/path.h"
#include "wire/seg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { RAW_CHUNK = 1 << 20 };

enum moment { BEFORE_WRITE, AFTER_WRITE, AFTER_SYNC };

static void kill_point(const struct prs_log *l, enum moment m)
{
#ifdef PRS_KILL_POINTS
	static const char *const names[4][3] = {
		[PRS_FILE_JOURNAL] = { "store.journal.before_write", "store.journal.after_write",
		                       "store.journal.after_sync" },
		[PRS_FILE_PLAN] = { "store.plan.before_write", "store.plan.after_write", "store.plan.after_sync" },
		[PRS_FILE_SEGMENT] = { "store.segment.before_write", "store.segment.after_write",
		                       "store.segment.after_sync" },
		[PRS_FILE_RAW] = { "store.raw.before_write", "store.raw.after_write", "store.raw.after_sync" },
	};
	PRS_KILL_POINT(names[l->kind][m]);
#else
	(void)l;
	(void)m;
#endif
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int write_all(const struct prs_log *l, const uint8_t *p, size_t n, uint64_t offset)
{
	while (n) {
		ssize_t w = l->fs->pwrite(l->fs->ctx, l->fd, p, n, offset);
		if (w <= 0)
			return w < 0 ? (int)w : -EIO;
		p += w;
		n -= (size_t)w;
		offset += (uint64_t)w;
	}
	return 0;
}

static int write_header(struct prs_log *l, uint16_t minor, const struct prs_run_id *run)
{
	uint8_t raw[PRS_FILE_HEADER_BYTES];
	prs_file_header_put(raw, l->kind, minor, run);
	int r = write_all(l, raw, sizeof raw, 0);
	if (!r && !l->no_sync)
		r = l->fs->fdatasync(l->fs->ctx, l->fd);
	return r;
}

int prs_log_create(struct prs_log *l, const struct prs_fs *fs, const char *path, enum prs_file_kind kind,
                   const struct prs_run_id *run, uint64_t prealloc_bytes, struct prs_err *err)
{
	return prs_log_create_as(l, fs, path, kind, PRS_FORMAT_MINOR, run, prealloc_bytes, err);
}

int prs_log_create_as(struct prs_log *l, const struct prs_fs *fs, const char *path, enum prs_file_kind kind,
                      uint16_t minor, const struct prs_run_id *run, uint64_t prealloc_bytes, struct prs_err *err)
{
	*l = (struct prs_log){ .fs = fs, .fd = -1, .kind = kind, .prealloc = prealloc_bytes };
	l->path = prs_strdup(path);
	PRS_AUTOFREE char *folder = prs_path_folder(path);
	if (!l->path || !folder) {
		prs_log_close(l);
		return prs_fail(err, PRS_ENOMEM, "creating %s", path);
	}
	int r = fs->open(fs->ctx, path, O_RDWR | O_CREAT | O_EXCL | PRS_O_OWN, 0644);
	if (r < 0) {
		prs_log_close(l);
		return prs_fail_errno(err, -r, "creating %s", path);
	}
	l->fd = r;
	if (prealloc_bytes) {
		r = fs->fallocate(fs->ctx, l->fd, 0, prealloc_bytes);
		l->allocated = prealloc_bytes;
	}
	if (r >= 0)
		r = write_header(l, minor, run);
	if (r >= 0)
		r = fs->sync_dir(fs->ctx, folder);
	if (r < 0) {
		prs_fail_errno(err, -r, "creating %s", path);
		fs->unlink(fs->ctx, path);
		prs_log_close(l);
		return err ? err->code : prs_fail(NULL, PRS_EIO, "creating");
	}
	l->tail = l->durable = PRS_FILE_HEADER_BYTES;
	return 0;
}

void prs_log_close(struct prs_log *l)
{
	if (l->fs && l->fd >= 0) {
		if (l->allocated > l->tail &&
		    l->tail == l->durable) /* nothing is under way: what was allocated ahead goes back */
			l->fs->ftruncate(l->fs->ctx, l->fd, l->tail);
		l->fs->close(l->fs->ctx, l->fd);
	}
	l->fd = -1;
	prs_freep(&l->path);
}

int prs_log_begin(struct prs_buf *frame)
{
	prs_buf_clear(frame);
	return prs_buf_zero(frame, PRS_FRAME_HEADER_BYTES);
}

uint64_t prs_log_place(struct prs_log *l, struct prs_buf *frame)
{
	prs_buf_pad8(frame);
	uint64_t at = l->tail;
	l->tail += frame->len;
	return at;
}

/* No later commit touches the file. */
static int fail_stop(struct prs_log *l, int code)
{
	__atomic_store_n(&l->failed, code, __ATOMIC_RELEASE);
	return code;
}

static bool no_space(int r) { return r == -ENOSPC || r == -EDQUOT; }

/* Half of what was allocated ahead is used up: allocate more. When the disk has none, the other half is for the last
 * words. */
static int reserve(struct prs_log *l, uint64_t end)
{
	if (!l->prealloc || end + l->prealloc / 2 <= l->allocated)
		return 0;
	uint64_t want = end + l->prealloc;
	int r = l->fs->fallocate(l->fs->ctx, l->fd, l->allocated, want - l->allocated);
	__atomic_store_n(&l->full, no_space(r), __ATOMIC_RELEASE);
	if (!r)
		l->allocated = want;
	return no_space(r) ? 0 : r; /* the write itself will tell */
}

int prs_log_commit(struct prs_log *l, struct prs_buf *frame, uint64_t offset, struct prs_err *err)
{
	int failed = __atomic_load_n(&l->failed, __ATOMIC_ACQUIRE);
	if (failed)
		return prs_fail(err, (enum prs_code) - failed, "%s: an earlier write failed", l->path);
	if (frame->failed) /* its place is taken: what came behind it would be behind a hole */
		return fail_stop(l,
		                 prs_fail(err, (enum prs_code) - frame->failed, "%s: no memory for a frame", l->path));
	size_t body = frame->len - PRS_FRAME_HEADER_BYTES;
	struct prs_frame f = {
		.offset = offset,
		.durable = __atomic_load_n(&l->durable, __ATOMIC_ACQUIRE),
		.body_bytes = (uint32_t)body,
		.body_sum = prs_checksum(frame->data + PRS_FRAME_HEADER_BYTES, body),
	};
	prs_frame_put(frame->data, &f);
	int r = reserve(l, offset + frame->len);
	kill_point(l, BEFORE_WRITE);
	if (!r)
		r = write_all(l, frame->data, frame->len, offset);
	kill_point(l, AFTER_WRITE);
	if (!r && !l->no_sync)
		r = l->fs->fdatasync(l->fs->ctx, l->fd);
	kill_point(l, AFTER_SYNC);
	if (r < 0)
		return fail_stop(l, prs_fail_errno(err, -r, "writing %s", l->path));
	__atomic_store_n(&l->durable, offset + frame->len, __ATOMIC_RELEASE);
	return 0;
}

/* ---- raw files --------------------------------------------------------------------------------------------------- */

static ssize_t read_full(const struct prs_fs *fs, int fd, uint8_t *to, size_t n, uint64_t offset)
{
	size_t got = 0;
	while (got < n) {
		ssize_t r = fs->pread(fs->ctx, fd, to + got, n - got, offset + got);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

/* A pipe, a folder, a file that is open for writing: whoever passed it is to blame, not a disk. */
static bool cannot_be_read(ssize_t r)
{
	return r == -ESPIPE || r == -EBADF || r == -EISDIR || r == -EINVAL || r == -ENXIO;
}

/* Copy head, bytes and padding behind the frame header; checksums of the whole body and of the bytes. */
static int copy_raw(struct prs_log *l, const struct prs_rows *rows, int fd, uint8_t *space, uint32_t *ret_body,
                    uint32_t *ret_sum)
{
	XXH3_state_t *whole = XXH3_createState(), *part = XXH3_createState();
	int r = whole && part ? 0 : -ENOMEM;
	if (!r) {
		XXH3_64bits_reset(whole);
		XXH3_64bits_reset(part);
		prs_rows_head(space, rows);
		XXH3_64bits_update(whole, space, PRS_SEG_HEAD_BYTES);
		r = write_all(l, space, PRS_SEG_HEAD_BYTES, l->tail + PRS_FRAME_HEADER_BYTES);
	}
	uint64_t at = l->tail + PRS_FRAME_HEADER_BYTES + PRS_SEG_HEAD_BYTES;
	for (uint64_t done = 0; !r && done < rows->length;) {
		size_t n = rows->length - done < RAW_CHUNK ? (size_t)(rows->length - done) : RAW_CHUNK;
		ssize_t got = read_full(l->fs, fd, space, n, done);
		if (got != (ssize_t)n) {
			r = got >= 0 || cannot_be_read(got) ? -EPROTO : (int)got;
			break;
		}
		XXH3_64bits_update(part, space, n);
		done += n;
		if (done == rows->length) { /* the padding belongs to the body */
			size_t pad = (size_t)(-rows->length & 7);
			memset(space + n, 0, pad);
			n += pad;
		}
		XXH3_64bits_update(whole, space, n);
		r = write_all(l, space, n, at);
		at += n;
	}
	if (!r) {
		*ret_body = (uint32_t)XXH3_64bits_digest(whole);
		*ret_sum = (uint32_t)XXH3_64bits_digest(part);
	}
	XXH3_freeState(whole);
	XXH3_freeState(part);
	return r;
}

int prs_log_raw(struct prs_log *l, const struct prs_rows *head, int fd, uint64_t *ret_offset, uint32_t *ret_sum,
                struct prs_err *err)
{
	int failed = __atomic_load_n(&l->failed, __ATOMIC_ACQUIRE);
	if (failed)
		return prs_fail(err, (enum prs_code) - failed, "%s: an earlier write failed", l->path);
	uint64_t body = PRS_SEG_HEAD_BYTES + ((head->length + 7) & ~UINT64_C(7));
	if (body > PRS_RAW_FRAME_MAX_BYTES)
		return prs_fail(err, PRS_ELIMIT, "the rows of a mini-batch are larger than 4 GiB");
	PRS_AUTOFREE uint8_t *space = prs_malloc(RAW_CHUNK + 8);
	if (!space)
		return prs_fail(err, PRS_ENOMEM, "writing %s", l->path);
	struct prs_frame f = { .offset = l->tail, .durable = l->durable, .body_bytes = (uint32_t)body };
	uint8_t raw[PRS_FRAME_HEADER_BYTES];
	kill_point(l, BEFORE_WRITE);
	int r = copy_raw(l, head, fd, space, &f.body_sum, ret_sum);
	if (r == -EPROTO)
		return prs_fail(err, PRS_EPROTOCOL,
		                "a passed descriptor does not give the %llu bytes that were announced",
		                (unsigned long long)head->length);
	if (!r) {
		prs_frame_put(raw, &f);
		r = write_all(l, raw, sizeof raw, f.offset);
	}
	kill_point(l, AFTER_WRITE);
	if (!r && !l->no_sync)
		r = l->fs->fdatasync(l->fs->ctx, l->fd);
	kill_point(l, AFTER_SYNC);
	if (r < 0)
		return fail_stop(l, prs_fail_errno(err, -r, "writing %s", l->path));
	*ret_offset = f.offset + PRS_FRAME_HEADER_BYTES + PRS_SEG_HEAD_BYTES;
	l->tail += PRS_FRAME_HEADER_BYTES + body;
	__atomic_store_n(&l->durable, l->tail, __ATOMIC_RELEASE);
	return 0;
}

/* ---- scanning ---------------------------------------------------------------------------------------------------- */

struct scan {
	const struct prs_fs *fs;
	const char *path;
	int fd;
	uint64_t size;
	uint64_t max_body;
	struct prs_buf window; /* bytes [at, at + window.len) of the file */
	uint64_t at;
};

/* n bytes at offset, NULL when the file ends before, or on an error (*ret_r). Valid until the next call. */
static const uint8_t *bytes_at(struct scan *s, uint64_t offset, size_t n, int *ret_r)
{
	*ret_r = 0;
	if (offset + n > s->size)
		return NULL;
	if (offset >= s->at && offset + n <= s->at + s->window.len)
		return s->window.data + (offset - s->at);
	size_t want = n > RAW_CHUNK * 4 ? n : RAW_CHUNK * 4;
	if (want > s->size - offset)
		want = (size_t)(s->size - offset);
	prs_buf_clear(&s->window);
	uint8_t *to = prs_buf_reserve(&s->window, want);
	if (!to) {
		*ret_r = -ENOMEM;
		return NULL;
	}
	ssize_t got = read_full(s->fs, s->fd, to, want, offset);
	if (got < 0) {
		*ret_r = (int)got;
		return NULL;
	}
	s->at = offset;
	s->window.len = (size_t)got;
	return (size_t)got >= n ? to : NULL;
}

/* 1: a whole frame lies at `offset`; 0: none; < 0: -errno. *ret_body is valid until the next call. */
static int frame_at(struct scan *s, uint64_t offset, struct prs_frame *ret, const uint8_t **ret_body)
{
	int r;
	const uint8_t *p = bytes_at(s, offset, PRS_FRAME_HEADER_BYTES, &r);
	if (!p || !prs_frame_get(p, PRS_FRAME_HEADER_BYTES, offset, ret))
		return r;
	if (ret->body_bytes > s->max_body || ret->body_bytes % 8 ||
	    offset + PRS_FRAME_HEADER_BYTES + ret->body_bytes > s->size)
		return 0;
	p = bytes_at(s, offset, PRS_FRAME_HEADER_BYTES + (size_t)ret->body_bytes, &r);
	if (!p)
		return r;
	*ret_body = p + PRS_FRAME_HEADER_BYTES;
	return prs_checksum(*ret_body, ret->body_bytes) == ret->body_sum;
}

/* The highest `durable` that any frame header behind `offset` claims: what lies below it was synced once. */
static int claimed_durable(struct scan *s, uint64_t offset, uint64_t *ret)
{
	*ret = 0;
	for (uint64_t at = offset; at + PRS_FRAME_HEADER_BYTES <= s->size; at += 8) {
		int r;
		const uint8_t *p = bytes_at(s, at, PRS_FRAME_HEADER_BYTES, &r);
		struct prs_frame f;
		if (r < 0)
			return r;
		if (p && prs_frame_get(p, PRS_FRAME_HEADER_BYTES, at, &f) && f.durable > *ret && f.durable <= at)
			*ret = f.durable;
	}
	return 0;
}

const char *prs_path_end(const char *path)
{
	enum { SHOWN = 240 };
	size_t n = strlen(path);
	return n > SHOWN ? path + n - SHOWN : path;
}

static int corrupt(struct scan *s, uint64_t offset, const char *why, struct prs_err *err)
{
	return prs_fail(err, PRS_ECORRUPT,
	                "%s is damaged at offset %llu: %s. Restore the file from a copy, or start a new run",
	                prs_path_end(s->path), (unsigned long long)offset, why);
}

static int stop_at(struct scan *s, uint64_t offset, uint64_t sealed, struct prs_err *err)
{
	if (sealed != UINT64_MAX)
		return offset == sealed ? 0
		                        : corrupt(s, offset, "a later engine sealed the file at a greater length", err);
	uint64_t durable;
	int r = claimed_durable(s, offset, &durable);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", s->path);
	return durable > offset ? corrupt(s, offset, "these bytes were synced to the disk once", err) : 0;
}

static int scan_frames(struct scan *s, uint64_t sealed, prs_log_body_fn *each, void *ctx, uint64_t *ret_length,
                       struct prs_err *err)
{
	uint64_t at = PRS_FILE_HEADER_BYTES;
	if (sealed < at)
		return corrupt(s, sealed, "the sealed length is shorter than any file", err);
	while (at < sealed) {
		struct prs_frame f;
		const uint8_t *body = NULL;
		int r = frame_at(s, at, &f, &body);
		if (r < 0)
			return prs_fail_errno(err, -r, "reading %s", s->path);
		if (r == 0)
			break;
		if (sealed != UINT64_MAX && at + PRS_FRAME_HEADER_BYTES + f.body_bytes > sealed)
			return corrupt(s, at, "a frame reaches over the sealed length", err);
		if (each && (r = each(ctx, at, body, f.body_bytes, err)))
			return r;
		at += PRS_FRAME_HEADER_BYTES + f.body_bytes;
	}
	int r = stop_at(s, at, sealed, err);
	if (!r)
		*ret_length = at;
	return r;
}

/* A header that was never synced is a tail, as everything else; sealed, or with frames behind it, it was. */
static int header_is_torn(struct scan *s, uint64_t sealed, uint64_t *ret_length, struct prs_err *err)
{
	int r = stop_at(s, 0, sealed, err);
	if (!r)
		*ret_length = 0;
	return r;
}

static int scan_open(struct scan *s, enum prs_file_kind kind, const struct prs_run_id *run, uint64_t sealed,
                     prs_log_body_fn *each, void *ctx, uint64_t *ret_length, struct prs_err *err)
{
	struct prs_fs_stat st;
	int r = s->fs->fstat(s->fs->ctx, s->fd, &st);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", s->path);
	s->size = st.size;
	const uint8_t *p = bytes_at(s, 0, PRS_FILE_HEADER_BYTES, &r);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", s->path);
	if (!p || prs_get32(p + 28) != prs_checksum(p, 28))
		return header_is_torn(s, sealed, ret_length, err);
	r = prs_file_header_check(p, PRS_FILE_HEADER_BYTES, kind, run, err);
	if (r < 0) {
		prs_wrap(err, "%s", prs_path_end(s->path));
		return r;
	}
	return scan_frames(s, sealed, each, ctx, ret_length, err);
}

int prs_log_scan(const struct prs_fs *fs, const char *path, enum prs_file_kind kind, const struct prs_run_id *run,
                 uint64_t sealed, prs_log_body_fn *each, void *ctx, uint64_t *ret_length, struct prs_err *err)
{
	struct scan s = { .fs = fs, .path = path, .fd = fs->open(fs->ctx, path, O_RDONLY | PRS_O_OWN, 0) };
	s.max_body = kind == PRS_FILE_RAW ? PRS_RAW_FRAME_MAX_BYTES : PRS_FRAME_MAX_BYTES;
	if (s.fd < 0)
		return prs_fail_errno(err, -s.fd, "opening %s", path);
	prs_buf_init(&s.window, (size_t)(s.max_body + (8 << 20)));
	int r = scan_open(&s, kind, run, sealed, each, ctx, ret_length, err);
	prs_buf_done(&s.window);
	fs->close(fs->ctx, s.fd);
	return r;
}
