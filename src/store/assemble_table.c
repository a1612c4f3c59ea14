/* SPDX-License-Identifier: Apache-2.0
 * assemble_table: csv and tsv: one header with the columns of all mini-batches, rows written again where their own
 * columns are others (merge). Headers are read twice: all of them before the first row is written.
 */
#include "store/assemble_impl.h"

#include <errno.h>
#include <string.h>

enum { ROWS_OUT = 64 << 10 };

bool table_init(struct table *t)
{
	prs_buf_init(&t->header, HEADER_MAX);
	prs_buf_init(&t->rows, HEADER_MAX);
	t->merge = prs_merge_new();
	return t->merge != NULL;
}

void table_done(struct table *t)
{
	prs_buf_done(&t->header);
	prs_buf_done(&t->rows);
	prs_merge_free(t->merge);
	t->merge = NULL;
}

static bool is_last(const struct table *t, const uint8_t *p, size_t n)
{
	return t->known && t->header.len == n && !memcmp(t->header.data, p, n);
}

/* Into t->header; 1 when the file ends before. */
static int read_header(struct work *w, struct source *src, const struct prs_index_slot *s)
{
	struct prs_buf *b = &w->table.header;
	prs_buf_clear(b);
	if (s->head_len > s->length)
		return 1;
	uint8_t *to = prs_buf_reserve(b, s->head_len);
	if (!to)
		return -ENOMEM;
	while (b->len < s->head_len) {
		ssize_t n = w->fs->pread(w->fs->ctx, src->fd, to + b->len, s->head_len - b->len, s->offset + b->len);
		if (n <= 0)
			return n < 0 ? (int)n : 1;
		b->len += (size_t)n;
	}
	return 0;
}

/* A new one counts only when its range is whole: another may come of the mini-batch that runs again. */
static int table_survey(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	struct table *t = &w->table;
	struct source *src;
	const char *why = NULL;
	uint32_t number;
	int r = source_of(w, s->file, &src);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = read_header(w, src, s);
	if (r || prs_merge_knows(t->merge, t->header.data, t->header.len, &number))
		return r < 0 ? r : 0;
	r = check_range(w, src, s, &why);
	if (r < 0 || why)
		return r;
	if (prs_merge_add(t->merge, t->header.data, t->header.len, &number, &w->why) < 0) {
		prs_wrap(&w->why, "mini-batch %llu", (unsigned long long)id);
		return -EBADMSG;
	}
	return 0;
}

static int put_rows(struct work *w)
{
	struct prs_buf *rows = &w->table.rows;
	int r = put_out(w, rows->data, rows->len);
	prs_buf_clear(rows);
	return r;
}

static int table_start(struct work *w)
{
	w->table.known = false;
	prs_buf_clear(&w->table.header);
	return prs_merge_head(w->table.merge, &w->table.rows) < 0 ? -ENOMEM : put_rows(w);
}

static int table_begin(struct work *w, const struct prs_index_slot *s)
{
	if (!s->head_len) /* lines of text */
		w->table.as_is = true;
	return 0;
}

/* The header of a range is whole. */
static int begin_rows(struct work *w)
{
	struct table *t = &w->table;
	t->known = prs_merge_knows(t->merge, t->header.data, t->header.len, &t->number);
	t->as_is = !t->known || prs_merge_begin(t->merge, t->number);
	w->ret->headers_differ += t->known && t->number != 0;
	w->ret->unfit += t->known && prs_merge_is_foreign(t->merge, t->number);
	return 0;
}

static int put_header(struct work *w, const struct prs_index_slot *s, const uint8_t *p, size_t n, uint64_t at)
{
	struct table *t = &w->table;
	if (at == 0 && n == s->head_len && is_last(t, p, n))
		return begin_rows(w);
	if (at == 0) {
		prs_buf_clear(&t->header);
		t->known = false;
	}
	if (prs_buf_put(&t->header, p, n) < 0)
		return -ENOMEM;
	return at + n == s->head_len ? begin_rows(w) : 0;
}

static int table_part(struct work *w, const struct prs_index_slot *s, const uint8_t *p, size_t n, uint64_t at)
{
	struct table *t = &w->table;
	uint64_t left = at < s->head_len ? s->head_len - at : 0;
	size_t head = left < n ? (size_t)left : n;
	int r = head ? put_header(w, s, p, head, at) : 0;
	if (r < 0 || head == n)
		return r;
	if (t->as_is)
		return put_out(w, p + head, n - head);
	if (prs_merge_feed(t->merge, p + head, n - head, &t->rows) < 0)
		return -ENOMEM;
	return t->rows.len > ROWS_OUT ? put_rows(w) : 0;
}

static int table_end(struct work *w)
{
	struct table *t = &w->table;
	if (t->as_is)
		return 0;
	return prs_merge_end(t->merge, &t->rows) < 0 ? -ENOMEM : put_rows(w);
}

const struct shape table_shape = {
	.survey = table_survey, .start = table_start, .begin = table_begin, .part = table_part, .end = table_end
};
