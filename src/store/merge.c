/* SPDX-License-Identifier: Apache-2.0
 * merge: names of columns and whole headers are known by 128 bits of XXH3. Of equal names in one header the k-th is
 * the k-th of another one.
 */
#include "store/merge.h"

#include "base/bytes.h"
#include "base/many.h"
#include "base/mem.h"
#include "store/prints.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { COLUMNS_MAX = 1 << 20, NO_CELL = UINT32_MAX, HEAD_BYTES = 8 };
enum { REWRITABLE = 1, MARK = 2, CRLF = 4 }; /* flags of a header */
enum { KIND_OTHER, KIND_DATE, KIND_SECOND, KIND_MICRO, KIND_NANO, KINDS };
#define BYTES_MAX ((size_t)1 << 30)

/* What a date that ends before it gets, to have the parts of this kind, too. */
static const char *const parts[KINDS] = { "", "", " 00:00:00", ".000000", "000" };

/* ---- what a header says ------------------------------------------------------------------------------------------ */

struct dialect {
	uint8_t delimiter, quote, flags;
};

struct head {
	struct dialect is;
	uint32_t n; /* columns; 0 = not told */
	const uint8_t *kinds;
	const uint8_t *line;
	size_t line_n;
};

static bool is_dialect(const struct dialect *d)
{
	bool chars = d->delimiter && d->delimiter < 128 && d->quote && d->quote < 128 && d->quote != d->delimiter;
	for (const char *p = "\r\n"; *p; p++)
		chars = chars && d->delimiter != *p && d->quote != *p;
	return chars && !(d->flags & ~(REWRITABLE | MARK | CRLF));
}

static int read_head(const uint8_t *p, size_t n, struct head *ret, struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	const uint8_t *fixed = prs_read(&r, HEAD_BYTES);
	struct head h = { 0 };
	bool rewritable = fixed && (fixed[2] & REWRITABLE);
	if (fixed) {
		h.is = (struct dialect){ fixed[0], fixed[1], fixed[2] };
		h.n = prs_get32(fixed + 4);
	}
	h.kinds = prs_read(&r, h.n);
	for (uint32_t i = 0; !r.bad && i < h.n; i++)
		r.bad = h.kinds[i] >= KINDS;
	if (r.bad || !r.left || !h.n != !rewritable || (rewritable ? !is_dialect(&h.is) : h.is.flags != 0))
		return prs_fail(err, PRS_ECORRUPT, "the columns of a table are not what a header is");
	h.line = r.p;
	h.line_n = r.left;
	*ret = h;
	return 0;
}

/* ---- rows as cells ----------------------------------------------------------------------------------------------- */

enum state { CELL_BEGIN, IN_CELL, IN_QUOTES, BEHIND_QUOTE };

struct cells {
	struct prs_buf text; /* rows that were fed */
	struct prs_buf ends; /* of the cells so far: size_t each */
	size_t begin, at;    /* of the row; the next byte to look at */
	enum state state;
};

static void cells_clear(struct cells *c)
{
	prs_buf_clear(&c->text);
	prs_buf_clear(&c->ends);
	c->begin = c->at = 0;
	c->state = CELL_BEGIN;
}

static size_t cells_n(const struct cells *c) { return c->ends.len / sizeof(size_t); }

static size_t cell_end(const struct cells *c, size_t i)
{
	size_t end;
	memcpy(&end, c->ends.data + i * sizeof end, sizeof end);
	return end;
}

static const uint8_t *cell(const struct cells *c, size_t i, size_t *ret_n)
{
	size_t begin = i ? cell_end(c, i - 1) + 1 : c->begin;
	*ret_n = cell_end(c, i) - begin;
	return c->text.data + begin;
}

static void close_cell(struct cells *c, size_t end)
{
	prs_buf_put(&c->ends, &end, sizeof end);
	c->state = CELL_BEGIN;
}

/* 1: a row, whose line feed is the byte before c->at. */
static int next_row(struct cells *c, const struct dialect *d)
{
	for (; c->at < c->text.len; c->at++) {
		uint8_t b = c->text.data[c->at];
		if (c->state == IN_QUOTES) {
			c->state = b == d->quote ? BEHIND_QUOTE : IN_QUOTES;
		} else if (b == d->quote && c->state != IN_CELL) {
			c->state = IN_QUOTES; /* also behind a quote: two of them are one that is text */
		} else if (b == d->delimiter) {
			close_cell(c, c->at);
		} else if (b == '\n') {
			bool two = (d->flags & CRLF) && c->at > c->begin && c->text.data[c->at - 1] == '\r';
			close_cell(c, c->at - two);
			c->at++;
			return c->ends.failed ? c->ends.failed : 1;
		} else {
			c->state = IN_CELL;
		}
	}
	return c->ends.failed;
}

static void pass_row(struct cells *c)
{
	prs_buf_clear(&c->ends);
	c->begin = c->at;
}

/* What is left is the begin of a row. */
static void drop_rows(struct cells *c)
{
	prs_buf_consume(&c->text, c->begin);
	for (size_t i = 0; i < cells_n(c); i++) {
		size_t end = cell_end(c, i) - c->begin;
		memcpy(c->ends.data + i * sizeof end, &end, sizeof end);
	}
	c->at -= c->begin;
	c->begin = 0;
}

/* ---- the columns of the whole ------------------------------------------------------------------------------------ */

struct column {
	size_t name, name_n; /* in m->names */
	uint8_t kind;        /* the one with the most parts */
};

struct known {
	size_t first; /* of its columns in m->places and m->kinds */
	uint32_t n;
	bool foreign;
};

struct prs_merge {
	struct prs_prints headers, columns;
	struct prs_buf known;  /* struct known each */
	struct prs_buf places; /* of the columns of each header in the whole: u32 each */
	struct prs_buf kinds;  /* of the same columns: u8 each */
	struct prs_buf whole;  /* struct column each */
	struct prs_buf names;  /* as they stand in the header */
	struct prs_buf line;   /* of the first header */
	struct dialect is;
	struct cells cells;
	/* of the rows that are fed */
	struct prs_buf from; /* for each column of the whole the cell that it takes: u32 each */
	uint32_t own;        /* columns of their header */
	const struct known *now;
};

struct prs_merge *prs_merge_new(void)
{
	struct prs_merge *m = prs_calloc(1, sizeof *m);
	if (!m)
		return NULL;
	struct prs_buf *bufs[] = { &m->known, &m->places, &m->kinds,      &m->whole,     &m->names,
		                   &m->line,  &m->from,   &m->cells.text, &m->cells.ends };
	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		prs_buf_init(bufs[i], BYTES_MAX);
	return m;
}

void prs_merge_free(struct prs_merge *m)
{
	if (!m)
		return;
	struct prs_buf *bufs[] = { &m->known, &m->places, &m->kinds,      &m->whole,     &m->names,
		                   &m->line,  &m->from,   &m->cells.text, &m->cells.ends };
	for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
		prs_buf_done(bufs[i]);
	prs_prints_done(&m->headers);
	prs_prints_done(&m->columns);
	prs_freep(&m);
}

static struct column *columns_of(const struct prs_merge *m) { return (struct column *)(void *)m->whole.data; }
static uint32_t columns_n(const struct prs_merge *m) { return (uint32_t)(m->whole.len / sizeof(struct column)); }
static uint32_t known_n(const struct prs_merge *m) { return (uint32_t)(m->known.len / sizeof(struct known)); }
static const struct known *known_at(const struct prs_merge *m, uint32_t i)
{
	return (const struct known *)(const void *)m->known.data + i;
}

static uint32_t place_at(const struct prs_merge *m, size_t i)
{
	return prs_get32(m->places.data + i * sizeof(uint32_t));
}

bool prs_merge_knows(const struct prs_merge *m, const uint8_t *header, size_t n, uint32_t *ret)
{
	return prs_prints_get(&m->headers, XXH3_128bits(header, n), ret);
}

bool prs_merge_is_foreign(const struct prs_merge *m, uint32_t header) { return known_at(m, header)->foreign; }

/* ---- adding a header --------------------------------------------------------------------------------------------- */

static int new_column(struct prs_merge *m, const uint8_t *name, size_t n, XXH128_hash_t key)
{
	struct column c = { .name = m->names.len, .name_n = n };
	uint32_t number = columns_n(m);
	if (number == COLUMNS_MAX)
		return -PRS_ELIMIT;
	prs_buf_put(&m->names, name, n);
	prs_buf_put(&m->whole, &c, sizeof c);
	if (m->names.failed || m->whole.failed)
		return -PRS_ENOMEM;
	return prs_prints_put(&m->columns, key, number);
}

/* The place in the whole of the k-th column of this name. */
static int place_of(struct prs_merge *m, const uint8_t *name, size_t n, uint64_t k, uint32_t *ret)
{
	XXH128_hash_t key = XXH3_128bits_withSeed(name, n, k);
	if (prs_prints_get(&m->columns, key, ret))
		return 0;
	*ret = columns_n(m);
	return new_column(m, name, n, key);
}

/* The same, where the header has no other column at that place yet. */
static int place_once(struct prs_merge *m, const uint8_t *name, size_t n, struct prs_prints *taken, uint32_t *ret)
{
	uint32_t none;
	for (uint64_t k = 0;; k++) {
		int r = place_of(m, name, n, k, ret);
		XXH128_hash_t key = { *ret, *ret };
		if (r < 0)
			return r;
		if (!prs_prints_get(taken, key, &none))
			return prs_prints_put(taken, key, 1);
	}
}

static int add_columns(struct prs_merge *m, const struct head *h)
{
	struct prs_prints taken = { 0 };
	int r = 0;
	for (uint32_t i = 0; i < h->n && !r; i++) {
		size_t n;
		uint32_t place = 0;
		const uint8_t *name = cell(&m->cells, i, &n);
		r = place_once(m, name, n, &taken, &place);
		if (r)
			break;
		struct column *c = &columns_of(m)[place];
		c->kind = h->kinds[i] > c->kind ? h->kinds[i] : c->kind;
		prs_buf_u32(&m->places, place);
		r = prs_buf_put(&m->kinds, &h->kinds[i], 1);
	}
	prs_prints_done(&taken);
	return r < 0 ? r : m->places.failed;
}

/* The names, and that they are as many as it says. */
static int split_line(struct prs_merge *m, const struct head *h, struct prs_err *err)
{
	struct cells *c = &m->cells;
	cells_clear(c);
	if (prs_buf_put(&c->text, h->line, h->line_n) < 0)
		return prs_fail(err, PRS_ENOMEM, "the columns of a table");
	int r = next_row(c, &h->is);
	if (r < 0)
		return prs_fail(err, PRS_ENOMEM, "the columns of a table");
	if (r != 1 || c->at != c->text.len || cells_n(c) != h->n)
		return prs_fail(err, PRS_ECORRUPT, "a table has %s and names for %zu", prs_many(h->n, "column").text,
		                r == 1 ? cells_n(c) : 0);
	return 0;
}

static bool same_dialect(const struct dialect *a, const struct dialect *b)
{
	return a->delimiter == b->delimiter && a->quote == b->quote && a->flags == b->flags;
}

static int add_first(struct prs_merge *m, const struct head *h)
{
	m->is = h->is;
	return prs_buf_put(&m->line, h->line, h->line_n);
}

int prs_merge_add(struct prs_merge *m, const uint8_t *header, size_t n, uint32_t *ret, struct prs_err *err)
{
	struct head h = { 0 };
	if (prs_merge_knows(m, header, n, ret))
		return 0;
	int r = read_head(header, n, &h, err);
	if (!r && h.n)
		r = split_line(m, &h, err);
	if (r < 0)
		return r;
	bool first = !known_n(m);
	struct known k = { .first = m->kinds.len, .n = h.n };
	r = first ? add_first(m, &h) : 0;
	k.foreign = !first && (!h.n || !same_dialect(&h.is, &m->is));
	if (!r && h.n && !k.foreign)
		r = add_columns(m, &h);
	*ret = known_n(m);
	if (!r)
		r = prs_buf_put(&m->known, &k, sizeof k);
	if (!r)
		r = prs_prints_put(&m->headers, XXH3_128bits(header, n), *ret);
	if (r == -PRS_ELIMIT)
		return prs_fail(err, PRS_ELIMIT, "the tables have more than %d columns in all", COLUMNS_MAX);
	return r < 0 ? prs_fail(err, PRS_ENOMEM, "the columns of the output") : 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_line_end(const struct dialect *d, struct prs_buf *to)
{
	prs_buf_puts(to, d->flags & CRLF ? "\r\n" : "\n");
}

int prs_merge_head(const struct prs_merge *m, struct prs_buf *to)
{
	const struct column *v = columns_of(m);
	if (m->is.flags & MARK)
		prs_buf_puts(to, "\xef\xbb\xbf");
	if (!columns_n(m)) /* of another dialect: as it is */
		return prs_buf_put(to, m->line.data, m->line.len);
	for (uint32_t i = 0; i < columns_n(m); i++) {
		if (i)
			prs_buf_putc(to, (char)m->is.delimiter);
		prs_buf_put(to, m->names.data + v[i].name, v[i].name_n);
	}
	put_line_end(&m->is, to);
	return to->failed;
}

static uint8_t kind_at(const struct prs_merge *m, size_t i) { return m->kinds.data[i]; }

/* Dates of a column that has more parts elsewhere. */
static bool grows(const struct prs_merge *m, const struct known *k, uint32_t cell)
{
	uint8_t kind = kind_at(m, k->first + cell);
	return kind && kind < columns_of(m)[place_at(m, k->first + cell)].kind;
}

static bool is_whole(const struct prs_merge *m, const struct known *k)
{
	if (k->n != columns_n(m))
		return false;
	for (uint32_t i = 0; i < k->n; i++)
		if (place_at(m, k->first + i) != i || grows(m, k, i))
			return false;
	return true;
}

bool prs_merge_begin(struct prs_merge *m, uint32_t header)
{
	const struct known *k = known_at(m, header);
	cells_clear(&m->cells);
	m->now = k;
	if (k->foreign || !k->n || is_whole(m, k))
		return true;
	prs_buf_clear(&m->from);
	for (uint32_t i = 0; i < columns_n(m); i++)
		prs_buf_u32(&m->from, NO_CELL);
	for (uint32_t i = 0; i < k->n && !m->from.failed; i++)
		prs_put32(m->from.data + place_at(m, k->first + i) * sizeof(uint32_t), i);
	return false;
}

static void put_cell(const struct prs_merge *m, uint32_t i, struct prs_buf *to)
{
	size_t n;
	if (i >= cells_n(&m->cells)) /* also: none */
		return;
	const uint8_t *p = cell(&m->cells, i, &n);
	prs_buf_put(to, p, n);
	if (!n || i >= m->now->n || !grows(m, m->now, i))
		return;
	uint8_t kind = kind_at(m, m->now->first + i);
	while (kind++ < columns_of(m)[place_at(m, m->now->first + i)].kind)
		prs_buf_puts(to, parts[kind]);
}

/* Cells that no column has stay, behind the others. */
static int put_row(const struct prs_merge *m, struct prs_buf *to)
{
	if (m->from.failed)
		return m->from.failed;
	for (uint32_t i = 0; i < columns_n(m); i++) {
		if (i)
			prs_buf_putc(to, (char)m->is.delimiter);
		put_cell(m, prs_get32(m->from.data + i * sizeof(uint32_t)), to);
	}
	for (uint32_t i = m->now->n; i < cells_n(&m->cells); i++) {
		prs_buf_putc(to, (char)m->is.delimiter);
		put_cell(m, i, to);
	}
	put_line_end(&m->is, to);
	return to->failed;
}

int prs_merge_feed(struct prs_merge *m, const uint8_t *p, size_t n, struct prs_buf *to)
{
	struct cells *c = &m->cells;
	int r = prs_buf_put(&c->text, p, n), found;
	while (!r && (found = next_row(c, &m->is)) != 0) {
		r = found < 0 ? found : put_row(m, to);
		pass_row(c);
	}
	drop_rows(c);
	return r;
}

int prs_merge_end(struct prs_merge *m, struct prs_buf *to)
{
	struct cells *c = &m->cells;
	if (!c->text.len)
		return 0;
	close_cell(c, c->at);
	int r = c->ends.failed ? c->ends.failed : put_row(m, to);
	cells_clear(c);
	return r;
}
