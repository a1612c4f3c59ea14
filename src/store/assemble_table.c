/* SPDX-License-Identifier: Apache-2.0
 * assemble_table: csv and tsv: one header with the columns of all mini-batches, rows written again where their own
 * columns are others (merge). Headers are read twice: all of them before the first row is written.
 */
#include "store/assemble_impl.h"

#include <errno.h>

enum { ROWS_OUT = 64 << 10 };

bool table_init(struct table *t)
{
	prs_buf_init(&t->rows, HEADER_MAX);
	t->merge = prs_merge_new();
	return t->merge != NULL;
}

void table_done(struct table *t)
{
	prs_buf_done(&t->rows);
	prs_merge_free(t->merge);
	t->merge = NULL;
}

/* A new one counts only when its range is whole: another may come of the mini-batch that runs again. */
static int table_survey(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	struct table *t = &w->table;
	const struct prs_buf *header = &w->head.bytes;
	struct source *src;
	const char *why = NULL;
	uint32_t number;
	int r = source_of(w, s->file, &src);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = header_read(w, src, s);
	if (r || prs_merge_knows(t->merge, header->data, header->len, &number))
		return r < 0 ? r : 0;
	r = check_range(w, src, s, &why);
	if (r < 0 || why)
		return r;
	if (prs_merge_add(t->merge, header->data, header->len, &number, &w->why) < 0) {
		prs_wrap(&w->why, "mini-batch %llu", (unsigned long long)id);
		return told(w);
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
	w->head.known = false;
	return prs_merge_head(w->table.merge, &w->table.rows) < 0 ? -ENOMEM : put_rows(w);
}

static int table_begin(struct work *w, uint64_t id, const struct prs_index_slot *s)
{
	(void)id;
	if (!s->head_len) /* lines of text */
		w->table.as_is = true;
	return 0;
}

/* The header of a range is whole. */
static void begin_rows(struct work *w)
{
	struct table *t = &w->table;
	struct header *h = &w->head;
	h->known = h->known || prs_merge_knows(t->merge, h->bytes.data, h->bytes.len, &h->number);
	t->as_is = !h->known || prs_merge_begin(t->merge, h->number);
	w->ret->headers_differ += h->known && h->number != 0;
	w->ret->unfit += h->known && prs_merge_is_foreign(t->merge, h->number);
}

static int table_part(struct work *w, const struct prs_index_slot *s, const uint8_t *p, size_t n, uint64_t at)
{
	struct table *t = &w->table;
	size_t head;
	int r = header_put(w, s, p, n, at, &head);
	if (r == 1)
		begin_rows(w);
	if (r < 0 || head == n)
		return r < 0 ? r : 0;
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

const struct shape table_shape = { .survey = table_survey,
	                           .start = table_start,
	                           .begin = table_begin,
	                           .part = table_part,
	                           .end = table_end,
	                           .finish = flush_out };
