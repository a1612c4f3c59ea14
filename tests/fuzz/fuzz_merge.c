/* SPDX-License-Identifier: Apache-2.0
 * fuzz_merge: tables of several mini-batches as one, fed in pieces of any size, against a slow reference that goes
 * through the names one by one. Input: size of the pieces, then header and rows of each mini-batch in turn (fuzz.h).
 */
#include "fuzz.h"
#include "store/merge.h"

enum { TABLES = 8, CELLS = 4096 };

struct cell {
	const uint8_t *p;
	size_t n;
};

struct table {
	const uint8_t *header, *rows;
	size_t header_n, rows_n;
	uint32_t number;
	struct cell names[CELLS + 1];
	size_t names_n, places[CELLS];
};

static struct cell whole[TABLES * CELLS];
static uint8_t kinds[TABLES * CELLS];
static size_t whole_n;

/* Where the cell that begins at `at` ends. What stands behind the quote that closes it is text. */
static size_t slow_cell_end(const uint8_t *p, size_t n, size_t at, const uint8_t *dialect)
{
	bool open = at < n && p[at] == dialect[1];
	at += open;
	while (open && at < n) {
		bool quote = p[at] == dialect[1], two = quote && at + 1 < n && p[at + 1] == dialect[1];
		open = !quote || two;
		at += 1 + two;
	}
	while (!open && at < n && p[at] != dialect[0] && p[at] != '\n')
		at++;
	return at;
}

/* The cells of one row; returns its length with its line feed, 0 without one. The last one may have none where
 * that is `allowed`. */
static size_t slow_row(const uint8_t *p, size_t n, const uint8_t *dialect, bool allowed, struct cell *to, size_t *ret_n)
{
	*ret_n = 0;
	for (size_t begin = 0;;) {
		size_t end = slow_cell_end(p, n, begin, dialect);
		bool feed = end < n && p[end] == '\n';
		bool two = feed && (dialect[2] & 4) && end && p[end - 1] == '\r';
		MUST(*ret_n <= CELLS);
		to[(*ret_n)++] = (struct cell){ p + begin, end - two - begin };
		if (end == n)
			return allowed ? n : 0;
		if (feed)
			return end + 1;
		begin = end + 1;
	}
}

/* Where the whole has this name, at a place that the header has not taken yet. */
static size_t place_of(struct cell name, const size_t *taken, size_t taken_n)
{
	for (size_t i = 0; i < whole_n; i++) {
		bool used = false;
		for (size_t k = 0; k < taken_n; k++)
			used = used || taken[k] == i;
		if (!used && whole[i].n == name.n && !memcmp(whole[i].p, name.p, name.n))
			return i;
	}
	whole[whole_n] = name;
	kinds[whole_n] = 0;
	return whole_n++;
}

static void slow_add(struct table *t)
{
	const uint8_t *h = t->header;
	uint32_t n = (uint32_t)h[4] | (uint32_t)h[5] << 8;
	slow_row(h + 8 + n, t->header_n - 8 - n, h, false, t->names, &t->names_n);
	for (size_t i = 0; i < t->names_n; i++) {
		t->places[i] = place_of(t->names[i], t->places, i);
		if (h[8 + i] > kinds[t->places[i]])
			kinds[t->places[i]] = h[8 + i];
	}
}

static void slow_cell(const struct table *t, const struct cell *v, size_t i, struct prs_buf *to)
{
	static const char *const parts[] = { "", "", " 00:00:00", ".000000", "000" };
	uint8_t kind = i < t->names_n ? t->header[8 + i] : 0;
	prs_buf_put(to, v[i].p, v[i].n);
	if (kind && v[i].n)
		while (kind++ < kinds[t->places[i]])
			prs_buf_puts(to, parts[kind]);
}

static void slow_rows(const struct table *t, struct prs_buf *to)
{
	static struct cell v[CELLS + 1];
	size_t n, at = 0, row;
	const char *end = t->header[2] & 4 ? "\r\n" : "\n";
	while (at < t->rows_n) {
		row = slow_row(t->rows + at, t->rows_n - at, t->header, true, v, &n);
		for (size_t u = 0; u < whole_n; u++) {
			if (u)
				prs_buf_putc(to, (char)t->header[0]);
			for (size_t i = 0; i < t->names_n; i++)
				if (t->places[i] == u && i < n)
					slow_cell(t, v, i, to);
		}
		for (size_t i = t->names_n; i < n; i++) {
			prs_buf_putc(to, (char)t->header[0]);
			slow_cell(t, v, i, to);
		}
		prs_buf_puts(to, end);
		at += row;
	}
}

static void check_rows(struct prs_merge *m, const struct table *t, size_t piece)
{
	PRS_AUTOBUF out, want;
	prs_buf_init(&out, 1 << 30);
	prs_buf_init(&want, 1 << 30);
	if (prs_merge_begin(m, t->number))
		return;
	for (size_t at = 0; at < t->rows_n; at += piece) {
		size_t n = t->rows_n - at < piece ? t->rows_n - at : piece;
		uint8_t *exact = fuzz_copy(t->rows + at, n);
		MUST(prs_merge_feed(m, exact, n, &out) == 0);
		free(exact);
	}
	MUST(prs_merge_end(m, &out) == 0);
	slow_rows(t, &want);
	MUST(out.len == want.len && (!out.len || !memcmp(out.data, want.data, out.len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct table tables[TABLES];
	size_t tables_n = 0, piece = n && data[0] ? data[0] : 1;
	struct fuzz_pieces in = { data + (n > 0), n - (n > 0) };
	struct prs_merge *m = prs_merge_new();
	MUST(m != NULL);
	whole_n = 0;
	while (tables_n < TABLES) {
		struct table *t = &tables[tables_n];
		struct prs_err err = { 0 };
		uint32_t before;
		if (!fuzz_piece(&in, &t->header, &t->header_n) || !fuzz_piece(&in, &t->rows, &t->rows_n))
			break;
		if (t->header_n > CELLS || t->rows_n > CELLS)
			continue;
		bool knows = prs_merge_knows(m, t->header, t->header_n, &before);
		if (prs_merge_add(m, t->header, t->header_n, &t->number, &err) < 0) {
			MUST(err.code == -PRS_ECORRUPT && !knows);
			continue;
		}
		MUST(!knows || before == t->number);
		if (prs_merge_is_foreign(m, t->number) || !(t->header[2] & 1))
			continue;
		if (!knows)
			slow_add(t);
		else
			break;
		tables_n++;
	}
	for (size_t i = 0; i < tables_n; i++) {
		check_rows(m, &tables[i], piece);
		check_rows(m, &tables[i], n + 1);
	}
	prs_merge_free(m);
	return 0;
}
