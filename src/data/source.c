/* SPDX-License-Identifier: Apache-2.0
 * source: bytes go through up to two stages, each of which takes a piece and makes one: unpack, then utf. What came out
 * of the last stage waits in `text`.
 */
#include "data/source.h"

#include "base/buf.h"
#include "base/mem.h"
#include "data/unpack.h"
#include "data/utf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
	PIECE_BYTES = 128 << 10,
	TEXT_BYTES = 4 * PIECE_BYTES, /* a unit of UTF-16 has at most 3 bytes in UTF-8 */
	FRONT_BYTES = 16 << 10        /* read at once when a file is opened, and kept */
};

struct prs_source {
	const struct prs_fs *fs;
	char *path;
	enum prs_encoding encoding;
	int fd;
	struct prs_fs_stat stat;
	uint8_t *front; /* the first bytes of the file */
	size_t front_n;
	enum prs_packed packed;
	struct prs_unpack *unpack; /* NULL: it is not packed */
	struct prs_utf utf;        /* form NONE: as it is */
	bool has_form;             /* the first piece was looked at */
	bool was_full;             /* unpack may have more without more bytes */
	uint64_t file_at;
	struct prs_buf packed_piece, piece; /* of the file when it is packed; before utf */
	size_t packed_used;
	struct prs_buf text; /* from text_at on */
	uint64_t text_at;
	bool is_ended;
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "reading a file of a table"); }

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* Without a read that would only say that the file ends there: whether it grew is asked by prs_source_check(). */
static ssize_t read_file(struct prs_source *s, void *to, size_t n, uint64_t offset, struct prs_err *err)
{
	size_t got = 0;
	if (offset < s->front_n) {
		got = s->front_n - offset < n ? (size_t)(s->front_n - offset) : n;
		memcpy(to, s->front + offset, got);
	}
	while (got < n && offset + got != s->stat.size) {
		ssize_t k = s->fs->pread(s->fs->ctx, s->fd, (uint8_t *)to + got, n - got, offset + got);
		if (k == -EINTR)
			continue;
		if (k < 0)
			return prs_fail_errno(err, (int)-k, "%s", s->path);
		if (k == 0)
			break;
		got += (size_t)k;
	}
	return (ssize_t)got;
}

/* The next piece of the file, in an empty buffer. */
static int read_piece(struct prs_source *s, struct prs_buf *to, struct prs_err *err)
{
	prs_buf_clear(to);
	uint8_t *at = prs_buf_reserve(to, PIECE_BYTES);
	if (!at)
		return nomem(err);
	ssize_t n = read_file(s, at, PIECE_BYTES, s->file_at, err);
	if (n < 0)
		return (int)n;
	to->len = (size_t)n;
	s->file_at += (uint64_t)n;
	return 0;
}

/* ---- unpack ------------------------------------------------------------------------------------------------------ */

static int refused(struct prs_source *s, struct prs_err *err) { return prs_wrap(err, "%s", s->path); }

/* A piece of what is in the packed file; nothing at its end. */
static int unpack_piece(struct prs_source *s, struct prs_buf *to, struct prs_err *err)
{
	prs_buf_clear(to);
	uint8_t *at = prs_buf_reserve(to, PIECE_BYTES);
	if (!at)
		return nomem(err);
	while (!to->len) {
		if (s->packed_used == s->packed_piece.len && !s->was_full) {
			s->packed_used = 0;
			int r = read_piece(s, &s->packed_piece, err);
			if (r < 0)
				return r;
			if (!s->packed_piece.len)
				break;
		}
		size_t used;
		long n = prs_unpack(s->unpack, s->packed_piece.data + s->packed_used,
		                    s->packed_piece.len - s->packed_used, &used, at, PIECE_BYTES, err);
		if (n < 0)
			return refused(s, err);
		s->packed_used += used;
		s->was_full = n == PIECE_BYTES;
		to->len = (size_t)n;
	}
	if (to->len || prs_unpack_is_whole(s->unpack))
		return 0;
	return prs_fail(err, PRS_EINVALID, "%s: the %s data ends in the middle: the file was cut off", s->path,
	                prs_source_kind(s));
}

/* ---- utf --------------------------------------------------------------------------------------------------------- */

static enum prs_utf_form form_of(const struct prs_source *s, const struct prs_buf *front)
{
	switch (s->encoding) {
	case PRS_ENCODING_UTF16: return front->len ? prs_utf_of(front->data, front->len, 2) : PRS_UTF_NONE;
	case PRS_ENCODING_UTF32: return front->len ? prs_utf_of(front->data, front->len, 4) : PRS_UTF_NONE;
	case PRS_ENCODING_UTF8: return prs_utf_marked(front->data, front->len);
	case PRS_ENCODING_LATIN1:
	case PRS_ENCODING_WINDOWS1252: break;
	}
	return PRS_UTF_NONE;
}

static int no_text(struct prs_source *s, struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID, "%s: byte %llu%s is no %s: is its encoding another one?", s->path,
	                (unsigned long long)s->utf.at, s->unpack ? " of what it holds" : "", prs_utf_name(s->utf.form));
}

/* The next piece before it is converted. */
static int next_piece(struct prs_source *s, struct prs_buf *to, struct prs_err *err)
{
	return s->unpack ? unpack_piece(s, to, err) : read_piece(s, to, err);
}

/* The first piece says what it is. */
static int begin(struct prs_source *s, struct prs_err *err)
{
	int r = next_piece(s, &s->piece, err);
	if (r == 0)
		prs_utf_init(&s->utf, form_of(s, &s->piece));
	s->has_form = r == 0;
	return r;
}

/* Behind the text that is there. */
static int convert(struct prs_source *s, struct prs_err *err)
{
	int r = s->piece.len ? prs_utf_feed(&s->utf, s->piece.data, s->piece.len, &s->text) : prs_utf_finish(&s->utf);
	if (r < 0)
		return no_text(s, err);
	return s->text.failed ? nomem(err) : 0;
}

/* The next piece of the text instead of the one that is there. */
static int next_text(struct prs_source *s, struct prs_err *err)
{
	s->text_at += s->text.len;
	prs_buf_clear(&s->text);
	while (!s->text.len && !s->is_ended) {
		int r = s->piece.len ? 0 : next_piece(s, &s->piece, err);
		if (r < 0)
			return r;
		s->is_ended = !s->piece.len;
		if (s->utf.form == PRS_UTF_NONE)
			prs_buf_put(&s->text, s->piece.data, s->piece.len);
		else
			r = convert(s, err);
		prs_buf_clear(&s->piece);
		if (r < 0)
			return r;
		if (s->text.failed)
			return nomem(err);
	}
	return 0;
}

/* ---- a source ---------------------------------------------------------------------------------------------------- */

/* To the beginning of its text. */
static int rewind_source(struct prs_source *s, struct prs_err *err)
{
	s->file_at = s->text_at = 0;
	s->packed_used = 0;
	s->was_full = s->is_ended = false;
	prs_buf_clear(&s->packed_piece);
	prs_buf_clear(&s->text);
	prs_unpack_free(s->unpack);
	s->unpack = s->packed == PRS_PACKED_NOT ? NULL : prs_unpack_new(s->packed);
	if (s->packed != PRS_PACKED_NOT && !s->unpack)
		return nomem(err);
	return begin(s, err);
}

static int look_at(struct prs_source *s, struct prs_err *err)
{
	s->front = prs_malloc(FRONT_BYTES);
	if (!s->front)
		return nomem(err);
	ssize_t n = read_file(s, s->front, FRONT_BYTES, 0, err);
	if (n < 0)
		return (int)n;
	s->front_n = (size_t)n;
	s->packed = prs_packed_of(s->front, s->front_n);
	if (s->packed == PRS_PACKED_OTHER)
		return prs_fail(err, PRS_EINVALID,
		                "%s is a %s file: a table of text is read as it is, or compressed with gzip or zstd",
		                s->path, prs_packed_name(s->front, s->front_n));
	if (s->packed != PRS_PACKED_NOT)
		return rewind_source(s, err);
	struct prs_buf front = { .data = s->front, .len = s->front_n };
	return form_of(s, &front) == PRS_UTF_NONE ? 0 : rewind_source(s, err);
}

int prs_source_open(const struct prs_fs *fs, const char *path, const struct prs_table_input *in,
                    struct prs_source **ret, struct prs_err *err)
{
	struct prs_source *s = prs_calloc(1, sizeof *s);
	if (!s)
		return nomem(err);
	*s = (struct prs_source){ .fs = fs, .path = prs_strdup(path), .encoding = in->encoding, .fd = -1 };
	prs_buf_init(&s->packed_piece, PIECE_BYTES + 1);
	prs_buf_init(&s->piece, PIECE_BYTES + 1);
	prs_buf_init(&s->text, TEXT_BYTES);
	int r = s->path ? 0 : nomem(err);
	if (r == 0) {
		s->fd = fs->open(fs->ctx, path, O_RDONLY | O_CLOEXEC, 0);
		r = s->fd < 0 ? prs_fail_errno(err, -s->fd, "%s", path) : fs->fstat(fs->ctx, s->fd, &s->stat);
		if (s->fd >= 0 && r < 0)
			r = prs_fail_errno(err, -r, "%s", path);
	}
	if (r == 0)
		r = look_at(s, err);
	if (r < 0)
		prs_source_close(s);
	else
		*ret = s;
	return r;
}

void prs_source_close(struct prs_source *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		s->fs->close(s->fs->ctx, s->fd);
	prs_unpack_free(s->unpack);
	prs_buf_done(&s->packed_piece);
	prs_buf_done(&s->piece);
	prs_buf_done(&s->text);
	prs_freep(&s->front);
	prs_freep(&s->path);
	prs_freep(&s);
}

const char *prs_source_path(const struct prs_source *s) { return s->path; }

bool prs_source_is_plain(const struct prs_source *s) { return !s->unpack && s->utf.form == PRS_UTF_NONE; }

const char *prs_source_kind(const struct prs_source *s)
{
	return s->unpack ? prs_packed_name(s->front, s->front_n) : prs_utf_name(s->utf.form);
}

const struct prs_fs_stat *prs_source_stat(const struct prs_source *s) { return &s->stat; }

static int changed(const struct prs_source *s, const char *since, struct prs_err *err)
{
	return prs_fail(err, PRS_EINPUT_CHANGED, "%s: size or time of change is not as it was %s", s->path, since);
}

int prs_source_expect(const struct prs_source *s, uint64_t size, uint64_t mtime_us, const char *since,
                      struct prs_err *err)
{
	return s->stat.size == size && s->stat.mtime_us == mtime_us ? 0 : changed(s, since, err);
}

int prs_source_check(const struct prs_source *s, const char *since, struct prs_err *err)
{
	struct prs_fs_stat now;
	int r = s->fs->fstat(s->fs->ctx, s->fd, &now);
	if (r < 0)
		return prs_fail_errno(err, -r, "%s", s->path);
	if (now.size == s->stat.size && now.mtime_us == s->stat.mtime_us)
		return 0;
	return changed(s, since, err);
}

/* A unit is a byte of UTF-8 at least. */
uint64_t prs_source_least(const struct prs_source *s, struct prs_err *err)
{
	uint8_t tail[PRS_PACKED_TAIL_BYTES] = { 0 };
	if (prs_source_is_plain(s))
		return s->stat.size;
	if (!s->unpack)
		return s->stat.size / (s->encoding == PRS_ENCODING_UTF32 ? 4 : 2);
	if (s->stat.size < sizeof tail)
		return 0;
	struct prs_source *file = (struct prs_source *)(uintptr_t)s;
	ssize_t n = read_file(file, tail, sizeof tail, s->stat.size - sizeof tail, err);
	return n == (ssize_t)sizeof tail ? prs_packed_least(s->front, s->front_n, tail, s->stat.size) : 0;
}

static ssize_t read_text(struct prs_source *s, uint8_t *to, size_t n, uint64_t offset, struct prs_err *err)
{
	size_t got = 0;
	int r = offset < s->text_at ? rewind_source(s, err) : 0;
	while (r == 0 && got < n) {
		uint64_t at = offset + got, end = s->text_at + s->text.len;
		if (at < end) {
			size_t now = end - at < n - got ? (size_t)(end - at) : n - got;
			memcpy(to + got, s->text.data + (at - s->text_at), now);
			got += now;
			continue;
		}
		if (s->is_ended)
			break;
		r = next_text(s, err);
	}
	return r < 0 ? r : (ssize_t)got;
}

ssize_t prs_source_read(struct prs_source *s, void *to, size_t n, uint64_t offset, struct prs_err *err)
{
	return prs_source_is_plain(s) ? read_file(s, to, n, offset, err) : read_text(s, to, n, offset, err);
}
