/* SPDX-License-Identifier: Apache-2.0
 * fuzz_spool: what goes into a spool. Bytes that may be gzip or zstd give the same text in pieces of any size, or are
 * refused; those of UTF-16 and UTF-32 are refused where a slow reference does. Cells as values of keys: equal ones are
 * the same bytes, what a plan has of a value is that value again, and their order is that of the numbers. Input: what
 * to do, then its bytes.
 */
#include "data/key.h"
#include "data/unpack.h"
#include "data/utf.h"
#include "fuzz.h"
#include "wire/plan.h"

#include <math.h>

enum { TEXT_MAX = 4 << 20 };

/* ---- packed ------------------------------------------------------------------------------------------------------ */

/* The text in pieces of so many bytes; -1: refused. */
static long unpack(enum prs_packed kind, const uint8_t *p, size_t n, size_t piece, struct prs_buf *to)
{
	struct prs_unpack *u = prs_unpack_new(kind);
	uint8_t out[301];
	MUST(u);
	long r = 0;
	for (size_t at = 0, full = 0; (at < n || full) && r >= 0 && to->len < TEXT_MAX;) {
		size_t used, now = n - at < piece ? n - at : piece, room = piece < sizeof out ? piece : sizeof out;
		r = prs_unpack(u, p + at, now, &used, out, room, NULL);
		MUST(used <= now && r <= (long)room);
		MUST(r != 0 || used || !now || full); /* it goes on */
		if (r > 0)
			prs_buf_put(to, out, (size_t)r);
		full = r == (long)room;
		at += used;
	}
	if (r >= 0 && to->len < TEXT_MAX && !prs_unpack_is_whole(u))
		r = -1;
	prs_unpack_free(u);
	return r < 0 || to->len >= TEXT_MAX ? -1 : (long)to->len;
}

static void check_packed(const uint8_t *p, size_t n)
{
	enum prs_packed kind = prs_packed_of(p, n);
	MUST((prs_packed_name(p, n) == NULL) == (kind == PRS_PACKED_NOT));
	if (kind != PRS_PACKED_GZIP && kind != PRS_PACKED_ZSTD)
		return;
	PRS_AUTOBUF a;
	PRS_AUTOBUF b;
	prs_buf_init(&a, SIZE_MAX / 2);
	prs_buf_init(&b, SIZE_MAX / 2);
	long whole = unpack(kind, p, n, 300, &a);
	MUST(unpack(kind, p, n, 1, &b) == whole);
	MUST(whole < 0 || (a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len))));
}

/* ---- units ------------------------------------------------------------------------------------------------------- */

static unsigned slow_unit(const uint8_t *p, unsigned width, bool high_first)
{
	unsigned v = 0;
	for (unsigned i = 0; i < width; i++)
		v |= (unsigned)p[i] << 8 * (high_first ? width - 1 - i : i);
	return v;
}

/* Bytes up to the first unit that is no text. */
static size_t slow_good(const uint8_t *p, size_t n, unsigned width, bool high_first)
{
	size_t at = 0;
	while (n - at >= width) {
		unsigned v = slow_unit(p + at, width, high_first);
		size_t used = width;
		if (v > 0x10ffff || (v >= 0xdc00 && v < 0xe000) || (width == 4 && v >= 0xd800 && v < 0xdc00))
			return at;
		if (v >= 0xd800 && v < 0xdc00) {
			if (n - at < 4)
				return at;
			unsigned low = slow_unit(p + at + 2, 2, high_first);
			if (low < 0xdc00 || low >= 0xe000)
				return at;
			used = 4;
		}
		at += used;
	}
	return at;
}

static void check_units(const uint8_t *p, size_t n, unsigned width, size_t piece)
{
	struct prs_utf u;
	PRS_AUTOBUF to;
	prs_buf_init(&to, SIZE_MAX / 2);
	enum prs_utf_form form = prs_utf_of(p, n < 4 ? n : 4, width);
	bool high_first = form == PRS_UTF_16BE || form == PRS_UTF_32BE;
	prs_utf_init(&u, form);
	int r = 0;
	for (size_t at = 0; at < n && r == 0; at += piece)
		r = prs_utf_feed(&u, p + at, n - at < piece ? n - at : piece, &to);
	if (r == 0)
		r = prs_utf_finish(&u);
	size_t good = slow_good(p, n, width, high_first);
	MUST((r == 0) == (good == n));
	MUST(u.at == good);
	PRS_AUTOBUF again;
	prs_buf_init(&again, SIZE_MAX / 2);
	MUST(prs_put_as_utf8(&again, to.data, to.len, PRS_ENCODING_UTF8) == 0 || memchr(to.data, 0, to.len));
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static int compare(const struct prs_buf *a, const struct prs_buf *b)
{
	int c = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
	return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* The key of a cell; what a plan has of it into `text`. 0: it does not fit. */
static int key_of(const uint8_t *p, size_t n, enum prs_type type, struct prs_buf *key, struct prs_buf *text)
{
	uint8_t *exact = fuzz_copy(p, n);
	int r = prs_key_put_cell(key, exact, n, type, PRS_ENCODING_UTF8, false);
	free(exact);
	MUST(r == 0 || r == -PRS_EVALUE_MISFIT);
	if (r < 0)
		return 0;
	MUST(prs_key_take_value(key->data, key->len, text) == key->len);
	PRS_AUTOBUF again;
	prs_buf_init(&again, SIZE_MAX / 2);
	MUST(prs_key_put_value(&again, prs_buf_str(text)) == 0);
	if (type != PRS_TYPE_INT || text->data[0] != PRS_KEY_FLOAT)
		MUST(compare(&again, key) == 0);
	return 1;
}

static void check_keys(enum prs_type type, const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
	struct prs_buf v[4];
	for (int i = 0; i < 4; i++)
		prs_buf_init(&v[i], SIZE_MAX / 2);
	if (key_of(a, an, type, &v[0], &v[1]) && key_of(b, bn, type, &v[2], &v[3])) {
		int c = compare(&v[0], &v[2]);
		const char *x = prs_buf_str(&v[1]), *y = prs_buf_str(&v[3]);
		MUST((c == 0) == !strcmp(x, y));
		bool numbers = strchr("if", x[0]) && strchr("if", y[0]);
		double xv = strtod(x + 1, NULL), yv = strtod(y + 1, NULL);
		if (numbers && xv != yv)
			MUST((c < 0) == (xv < yv));
		if (x[0] == PRS_KEY_NULL && y[0] != PRS_KEY_NULL)
			MUST(c > 0);
		if (type == PRS_TYPE_STRING && x[0] == y[0] && x[0] == PRS_KEY_TEXT)
			MUST((c < 0) == (strcmp(x, y) < 0));
	}
	for (int i = 0; i < 4; i++)
		prs_buf_done(&v[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const enum prs_type types[] = { PRS_TYPE_INT, PRS_TYPE_FLOAT, PRS_TYPE_BOOL, PRS_TYPE_DATE,
		                               PRS_TYPE_STRING };
	if (n < 2)
		return 0;
	uint8_t what = data[0] % 8, how = data[1];
	data += 2;
	n -= 2;
	if (what == 0)
		check_packed(data, n);
	else if (what < 3)
		check_units(data, n, what == 1 ? 2 : 4, how + 1u);
	else
		check_keys(types[what - 3], data, how < n ? how : n, data + (how < n ? how : n), how < n ? n - how : 0);
	return 0;
}
