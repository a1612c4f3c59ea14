/* SPDX-License-Identifier: Apache-2.0
 * fuzz_footers: what the process that reads Parquet footers may answer: what is taken is written again to the same
 * bytes, with as many rows as its groups have. Input: which frame, then its payload.
 */
#include "fuzz.h"
#include "wire/footers.h"

enum { REFUSED = 1 };

static void put_text(struct prs_buf *to, struct prs_footers_text t)
{
	prs_buf_u32(to, t.n);
	prs_buf_put(to, t.p, t.n);
	MUST(!memchr(t.p, 0, t.n));
}

static void put_columns(struct prs_buf *to, const struct prs_footer *f)
{
	const uint8_t *at = f->columns_at;
	for (uint32_t i = 0; i < f->columns; i++) {
		put_text(to, prs_footers_next(&at));
		put_text(to, prs_footers_next(&at));
	}
	MUST(at == f->nulls_at || !f->nulls);
}

static void put_groups(struct prs_buf *to, const struct prs_footer *f)
{
	uint64_t rows = 0;
	for (uint32_t i = 0; i < f->groups; i++) {
		struct prs_footer_group g = prs_footer_group(f, i);
		prs_buf_u64(to, g.rows);
		prs_buf_u64(to, g.bytes);
		rows += g.rows;
	}
	MUST(rows == f->rows && rows <= PRS_FOOTER_ROWS_MAX);
}

static void put_footer(struct prs_buf *to, const struct prs_footer *f)
{
	prs_buf_putc(to, f->refused ? REFUSED : 0);
	if (f->refused) {
		put_text(to, f->why);
		return;
	}
	prs_buf_u64(to, f->size);
	prs_buf_u64(to, f->mtime_us);
	prs_buf_u32(to, f->schema);
	prs_buf_u32(to, f->groups);
	prs_buf_u32(to, f->columns);
	prs_buf_u32(to, f->nulls);
	put_columns(to, f);
	for (uint32_t i = 0; i < f->nulls; i++)
		prs_buf_u64(to, prs_footer_nulls(f, i));
	put_groups(to, f);
}

static void try_footer(const uint8_t *p, size_t n, struct prs_err *err)
{
	struct prs_footer f;
	PRS_AUTOBUF again;
	prs_buf_init(&again, SIZE_MAX / 2);
	if (prs_footers_get(p, n, &f, err) < 0) {
		MUST(err->code == -PRS_EHELPER);
		return;
	}
	put_footer(&again, &f);
	MUST(again.len == n && !memcmp(again.data, p, n));
}

static void try_hello(const uint8_t *p, size_t n, struct prs_err *err)
{
	struct prs_footers_text why;
	int r = prs_footers_get_hello(p, n, &why, err);
	MUST(r == 0 || err->code == -PRS_EHELPER);
	MUST(r < 0 || !why.p || p[0] == REFUSED);
}

static void try_rows(const uint8_t *p, size_t n, struct prs_err *err)
{
	struct prs_footers_text rows;
	int r = prs_footers_get_rows(p, n, &rows, err);
	MUST(r == 0 || err->code == -PRS_EHELPER || (p[0] == REFUSED && err->code == -PRS_EINVALID));
	MUST(r < 0 || n == 1 + sizeof(uint32_t) + rows.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const tries[])(const uint8_t *p, size_t n, struct prs_err *err) = { try_footer, try_hello,
		                                                                          try_rows };
	struct prs_err err = { 0 };
	if (!n)
		return 0;
	uint8_t *p = fuzz_copy(data + 1, n - 1);
	tries[data[0] % 3](p, n - 1, &err);
	free(p);
	return 0;
}
