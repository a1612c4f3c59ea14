/* SPDX-License-Identifier: Apache-2.0
 * rows_list: of each range a path and a text of seven numbers, both closed by a NUL.
 */
#include "data/rows_list.h"

#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LIST_BYTES_MAX = 256 << 20, CHUNK_BYTES = 256 << 10, NUMBERS = 7 };
#define FORM "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 "%c"

static int parse(const char *numbers, struct prs_rows_wanted *w)
{
	char more;
	int n = sscanf(numbers, FORM, &w->row, &w->rows, &w->global_row, &w->hint_row, &w->offset, &w->size,
	               &w->mtime_us, &more);
	return n == NUMBERS && w->rows && w->hint_row <= w->row ? 0 : -PRS_ECORRUPT;
}

static void put(struct prs_buf *to, const struct prs_rows_wanted *w)
{
	prs_buf_puts(to, w->path);
	prs_buf_putc(to, 0);
	prs_buf_putf(to, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, w->row,
	             w->rows, w->global_row, w->hint_row, w->offset, w->size, w->mtime_us);
	prs_buf_putc(to, 0);
}

/* Of the rows at `at`, which are the last ones. */
static bool goes_on(struct prs_buf *to, size_t at, const struct prs_rows_at *rows, struct prs_rows_wanted *ret)
{
	const char *path = (const char *)to->data + at;
	return !strcmp(path, rows->path) && parse(path + strlen(path) + 1, ret) == 0 &&
	       ret->row + ret->rows == rows->at.row && ret->size == rows->size && ret->mtime_us == rows->mtime_us;
}

void prs_rows_list_put(struct prs_buf *to, size_t *last, const struct prs_rows_at *rows)
{
	struct prs_rows_wanted w;
	if (*last != SIZE_MAX && !to->failed && goes_on(to, *last, rows, &w)) {
		w.rows += rows->at.rows;
		to->len = *last;
	} else {
		w = (struct prs_rows_wanted){ .row = rows->at.row,
			                      .rows = rows->at.rows,
			                      .global_row = rows->at.global_row,
			                      .hint_row = rows->at.row - rows->skip,
			                      .offset = rows->at.offset,
			                      .size = rows->size,
			                      .mtime_us = rows->mtime_us };
		*last = to->len;
	}
	w.path = rows->path;
	put(to, &w);
}

static int read_text(const struct prs_fs *fs, const char *path, struct prs_buf *to, struct prs_err *err)
{
	int fd = fs->open(fs->ctx, path, O_RDONLY, 0);
	if (fd < 0)
		return prs_fail_errno(err, -fd, "%s", path);
	ssize_t n = 1;
	while (n > 0) {
		uint8_t *p = prs_buf_reserve(to, CHUNK_BYTES);
		n = p ? fs->pread(fs->ctx, fd, p, CHUNK_BYTES, to->len) : 0;
		to->len += n > 0 ? (size_t)n : 0;
	}
	fs->close(fs->ctx, fd);
	if (to->failed)
		return prs_fail(err, (enum prs_code) - to->failed, "%s", path);
	return n < 0 ? prs_fail_errno(err, (int)-n, "%s", path) : 0;
}

static int bad(const char *path, struct prs_err *err)
{
	return prs_fail(err, PRS_ECORRUPT, "%s: this is no list of rows", path);
}

int prs_rows_list_read(struct prs_rows_list *l, const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	prs_rows_list_done(l);
	prs_buf_init(&l->text, LIST_BYTES_MAX);
	int r = read_text(fs, path, &l->text, err);
	if (r < 0)
		return r;
	const char *text = (const char *)l->text.data;
	size_t nuls = 0;
	for (size_t i = 0; i < l->text.len; i++)
		nuls += !text[i];
	if (nuls % 2 || (l->text.len && text[l->text.len - 1]))
		return bad(path, err);
	l->v = prs_calloc(nuls / 2 + 1, sizeof *l->v);
	if (!l->v)
		return prs_fail(err, PRS_ENOMEM, "%s", path);
	for (const char *at = text; l->n < nuls / 2; l->n++) {
		struct prs_rows_wanted *w = &l->v[l->n];
		w->path = at;
		at += strlen(at) + 1;
		if (w->path[0] != '/' || parse(at, w) < 0)
			return bad(path, err);
		at += strlen(at) + 1;
	}
	return 0;
}

void prs_rows_list_done(struct prs_rows_list *l)
{
	prs_freep(&l->v);
	prs_buf_done(&l->text);
	l->n = 0;
}
