/* SPDX-License-Identifier: Apache-2.0
 * table: the scanner finds the records, of which no more than the one that is not complete is kept.
 */
#include "data/table.h"

#include "base/mem.h"

enum { HEAD_BLOCK_BYTES = 16 << 10 };

uint64_t prs_table_max_record(const struct prs_table_input *in)
{
	return in->max_record ? in->max_record : PRS_TABLE_RECORD_BYTES;
}

size_t prs_table_block_bytes(const struct prs_table_input *in)
{
	return in->block_bytes ? in->block_bytes : PRS_TABLE_BLOCK_BYTES;
}

size_t prs_table_mark(const struct prs_table_input *in, const uint8_t *p, size_t n)
{
	return in->encoding == PRS_ENCODING_UTF8 ? prs_utf8_mark(p, n) : 0;
}

struct prs_scan_options prs_table_scan_options(const struct prs_table_input *in)
{
	return (struct prs_scan_options){ .lines = in->format == PRS_TABLE_JSONL,
		                          .delimiter = in->delimiter,
		                          .max_bytes = UINT64_MAX,
		                          .max_rows = UINT64_MAX,
		                          .max_record = prs_table_max_record(in) };
}

enum prs_encoding prs_table_encoding(const struct prs_table_input *in)
{
	bool converted = in->encoding == PRS_ENCODING_UTF16 || in->encoding == PRS_ENCODING_UTF32;
	return converted ? PRS_ENCODING_UTF8 : in->encoding;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

uint64_t prs_table_count_lines(const uint8_t *p, size_t n, uint8_t before)
{
	uint64_t lines = 0;
	for (size_t i = 0; i < n; before = p[i++])
		lines += p[i] == '\r' || (p[i] == '\n' && before != '\r');
	return lines;
}

int prs_table_find_line(struct prs_source *source, uint64_t offset, uint64_t *ret, struct prs_err *err)
{
	uint64_t lines = 1;
	uint8_t before = 0;
	PRS_AUTOFREE uint8_t *block = prs_malloc(PRS_TABLE_BLOCK_BYTES);
	if (!block)
		return prs_fail(err, PRS_ENOMEM, "counting lines");
	for (uint64_t at = 0; at < offset;) {
		size_t most = offset - at < PRS_TABLE_BLOCK_BYTES ? (size_t)(offset - at) : PRS_TABLE_BLOCK_BYTES;
		ssize_t n = prs_source_read(source, block, most, at, err);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return prs_fail(err, PRS_EINPUT_CHANGED, "%s is shorter than it was", prs_source_path(source));
		lines += prs_table_count_lines(block, (size_t)n, before);
		before = block[n - 1];
		at += (uint64_t)n;
	}
	*ret = lines;
	return 0;
}

uint64_t prs_table_line(struct prs_source *source, uint64_t offset)
{
	uint64_t line;
	return prs_table_find_line(source, offset, &line, NULL) < 0 ? 0 : line;
}

void prs_table_warn_break(struct prs_source *source, uint64_t offset, struct prs_warnings *w)
{
	prs_warn_input(w,
	               "%s line %llu: this line goes on in the next, in quotes: it is read as one record, though "
	               "support_multi_line is false",
	               prs_source_path(source), (unsigned long long)prs_table_line(source, offset));
}

int prs_table_refused(struct prs_source *source, const struct prs_scan *s, int r, struct prs_err *err)
{
	const char *path = prs_source_path(source);
	if (r == -PRS_EINVALID)
		return prs_fail(err, PRS_EINVALID,
		                "%s line %llu: a quote that opens here is still open where the file ends: close it, or "
		                "double a quote that is meant as text and put its field in quotes",
		                path, (unsigned long long)prs_table_line(source, s->opened));
	if (r == -PRS_ELIMIT)
		return prs_fail(err, PRS_ELIMIT,
		                "%s line %llu: the record that begins here is longer than max_record (%llu bytes)%s",
		                path, (unsigned long long)prs_table_line(source, s->record),
		                (unsigned long long)s->o.max_record,
		                s->o.lines ? "" : ", as where a quote is left open");
	return r;
}

/* ---- the first records ------------------------------------------------------------------------------------------- */

struct head {
	const struct prs_table_input *in;
	struct prs_buf text; /* of the file, from `base` on */
	uint64_t base;
	prs_table_record_fn *fn;
	void *ctx;
	int said; /* by fn: 1 or < 0 */
};

static int head_row(void *ctx, const struct prs_slice *at, struct prs_err *err)
{
	struct head *h = ctx;
	struct prs_table_record r = { h->text.data + (at->offset - h->base), (size_t)at->bytes, at->offset };
	h->said = h->fn(h->ctx, &r, err);
	return h->said == 1 ? -PRS_ECANCELED : h->said;
}

/* A header and some rows are short. */
static size_t head_bytes(const struct prs_table_input *in)
{
	size_t block = prs_table_block_bytes(in);
	return block < HEAD_BLOCK_BYTES ? block : HEAD_BLOCK_BYTES;
}

/* 1 = there may be more, 0 = that was the end of the file. */
static int head_block(struct prs_source *source, struct head *h, struct prs_scan *s, struct prs_err *err)
{
	size_t block = head_bytes(h->in);
	uint8_t *to = prs_buf_reserve(&h->text, block);
	if (!to)
		return prs_fail(err, PRS_ENOMEM, "the first rows of %s", prs_source_path(source));
	ssize_t n = prs_source_read(source, to, block, s->at, err);
	if (n < 0)
		return (int)n;
	h->text.len += (size_t)n;
	int r = n ? prs_scan_feed(s, to, (size_t)n, err) : prs_scan_finish(s, err);
	if (r < 0)
		return h->said ? r : prs_table_refused(source, s, r, err);
	prs_buf_consume(&h->text, (size_t)(s->record - h->base));
	h->base = s->record;
	return n > 0;
}

int prs_table_head(struct prs_source *source, const struct prs_table_input *in, prs_table_record_fn *fn, void *ctx,
                   struct prs_err *err)
{
	struct head h = { .in = in, .fn = fn, .ctx = ctx };
	uint8_t front[3];
	ssize_t n = prs_source_read(source, front, sizeof front, 0, err);
	if (n < 0)
		return (int)n;
	struct prs_scan_options o = prs_table_scan_options(in);
	struct prs_scan s;
	o.max_rows = 1;
	h.base = prs_table_mark(in, front, (size_t)n);
	prs_buf_init(&h.text, SIZE_MAX / 2);
	prs_scan_init(&s, &o, h.base, head_row, &h);
	int r;
	do
		r = head_block(source, &h, &s, err);
	while (r == 1);
	prs_buf_done(&h.text);
	return h.said == 1 ? 0 : r;
}
