/* SPDX-License-Identifier: Apache-2.0
 * footers: a frame is walked through once, to its last byte; what is read from it afterwards is there.
 */
#include "wire/footers.h"

#include <string.h>

enum { REFUSED = 1, GROUP_BYTES = 16, NULLS_BYTES = 8, COUNT_AT = 8 };

int prs_footers_put_ask(struct prs_buf *b, uint32_t flags)
{
	prs_buf_u32(b, 0);
	prs_buf_u32(b, flags);
	return prs_buf_u32(b, 0);
}

int prs_footers_put_path(struct prs_buf *b, const char *path)
{
	size_t n = strlen(path);
	prs_buf_u32(b, (uint32_t)n);
	return prs_buf_put(b, path, n);
}

void prs_footers_end_ask(struct prs_buf *b, uint32_t count)
{
	if (b->failed)
		return;
	prs_put32(b->data, (uint32_t)(b->len - PRS_FOOTERS_HEADER_BYTES));
	prs_put32(b->data + COUNT_AT, count);
}

int prs_footers_put_rows(struct prs_buf *b, const char *path, uint64_t first, uint32_t rows)
{
	prs_footers_put_ask(b, PRS_FOOTERS_ROWS);
	prs_footers_put_path(b, path);
	prs_buf_u64(b, first);
	prs_buf_u32(b, rows);
	prs_footers_end_ask(b, 1);
	return b->failed;
}

static int bad(struct prs_err *err, const char *what)
{
	return prs_fail(err, PRS_EHELPER, "the answer of the process that reads Parquet footers: %s", what);
}

static struct prs_footers_text read_text(struct prs_reader *r)
{
	uint32_t n = prs_read32(r);
	const char *p = (const char *)prs_read(r, n);
	if (p && memchr(p, 0, n))
		r->bad = true;
	return (struct prs_footers_text){ p, p ? n : 0 };
}

/* 1: it was refused, why is in *ret. */
static int read_status(struct prs_reader *r, struct prs_footers_text *ret, struct prs_err *err)
{
	uint8_t status = prs_read8(r);
	if (!status)
		return 0;
	*ret = read_text(r);
	return status != REFUSED || r->bad || r->left ? bad(err, "neither yes nor no") : 1;
}

int prs_footers_get_hello(const uint8_t *p, size_t n, struct prs_footers_text *ret_why, struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	*ret_why = (struct prs_footers_text){ NULL, 0 };
	int k = read_status(&r, ret_why, err);
	if (k)
		return k < 0 ? k : 0;
	uint32_t protocol = prs_read32(&r);
	read_text(&r);
	if (r.bad || r.left || protocol != PRS_FOOTERS_PROTOCOL)
		return bad(err, "not its first words: engine and loader are of different versions");
	return 0;
}

/* Rows of all groups; `bad` when they are more than a file has. */
static uint64_t sum_rows(struct prs_reader *r, uint32_t groups)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < groups && !r->bad; i++) {
		uint64_t rows = prs_read64(r);
		prs_read64(r);
		sum += rows;
		r->bad = r->bad || rows > PRS_FOOTER_ROWS_MAX || sum > PRS_FOOTER_ROWS_MAX;
	}
	return sum;
}

int prs_footers_get(const uint8_t *p, size_t n, struct prs_footer *ret, struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	struct prs_footer f = { .refused = false };
	int k = read_status(&r, &f.why, err);
	f.refused = k == 1;
	if (k) {
		*ret = f;
		return k < 0 ? k : 0;
	}
	f.size = prs_read64(&r);
	f.mtime_us = prs_read64(&r);
	f.schema = prs_read32(&r);
	f.groups = prs_read32(&r);
	f.columns = prs_read32(&r);
	f.nulls = prs_read32(&r);
	f.columns_at = r.p;
	for (uint32_t i = 0; i < f.columns && !r.bad; i++) {
		read_text(&r);
		read_text(&r);
	}
	f.nulls_at = prs_read(&r, (size_t)f.nulls * NULLS_BYTES);
	f.groups_at = r.p;
	f.rows = sum_rows(&r, f.groups);
	if (r.bad || r.left)
		return bad(err, "a footer that is cut off, or longer than it says");
	*ret = f;
	return 0;
}

int prs_footers_get_rows(const uint8_t *p, size_t n, struct prs_footers_text *ret, struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	struct prs_footers_text text;
	int k = read_status(&r, &text, err);
	if (k < 0)
		return k;
	if (k)
		return prs_fail(err, PRS_EINVALID, "%.*s", (int)text.n, text.p);
	text = read_text(&r);
	if (r.bad || r.left)
		return bad(err, "rows that are cut off, or longer than they say");
	*ret = text;
	return 0;
}

struct prs_footer_group prs_footer_group(const struct prs_footer *f, uint32_t i)
{
	const uint8_t *at = f->groups_at + (size_t)i * GROUP_BYTES;
	return (struct prs_footer_group){ prs_get64(at), prs_get64(at + 8) };
}

uint64_t prs_footer_nulls(const struct prs_footer *f, uint32_t i)
{
	return i < f->nulls ? prs_get64(f->nulls_at + (size_t)i * NULLS_BYTES) : 0;
}

struct prs_footers_text prs_footers_next(const uint8_t **at)
{
	struct prs_footers_text t = { (const char *)*at + sizeof(uint32_t), prs_get32(*at) };
	*at += sizeof(uint32_t) + t.n;
	return t;
}
