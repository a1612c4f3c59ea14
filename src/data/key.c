/* SPDX-License-Identifier: Apache-2.0
 * key: numbers are turned so that their bytes rise with them: the highest first, the sign bit the other way round, of
 * a negative float all bits. In a column of integers a decimal stands between its neighbours: the integer below it,
 * then the float itself, which is zero for an integer.
 */
#include "data/key.h"

#include "base/mem.h"
#include "wire/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The kinds, by order. */
enum kind { BOOLEAN = 1, INTEGER, FLOAT, DATE, TEXT, NOTHING };
/* Where a number lies that stands between integers. */
enum place { BELOW, AMONG, ABOVE };
enum { DATE_BYTES = sizeof "YYYY-MM-DDTHH:MM:SS.ffffff" - 1, DAY_BYTES = 10, SECOND_BYTES = 19, DIGITS_MAX = 17 };
#define SIGN (UINT64_C(1) << 63)

/* ---- numbers as bytes -------------------------------------------------------------------------------------------- */

static void put_high_first(struct prs_buf *to, uint64_t v)
{
	uint8_t raw[8];
	for (int i = 0; i < 8; i++)
		raw[i] = (uint8_t)(v >> (56 - 8 * i));
	prs_buf_put(to, raw, sizeof raw);
}

static uint64_t take_high_first(const uint8_t *p)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static uint64_t turned(double v)
{
	uint64_t bits;
	v += 0.0; /* -0.0 is 0.0 */
	memcpy(&bits, &v, sizeof bits);
	return bits & SIGN ? ~bits : bits | SIGN;
}

static double turned_back(uint64_t v)
{
	uint64_t bits = v & SIGN ? v & ~SIGN : ~v;
	double ret;
	memcpy(&ret, &bits, sizeof ret);
	return ret;
}

static void put_kind(struct prs_buf *to, enum kind kind) { prs_buf_putc(to, (char)kind); }

static void put_float(struct prs_buf *to, double v)
{
	put_kind(to, FLOAT);
	put_high_first(to, turned(v));
}

static void put_integer(struct prs_buf *to, int64_t v)
{
	put_kind(to, INTEGER);
	prs_buf_putc(to, AMONG);
	put_high_first(to, (uint64_t)v ^ SIGN);
	put_high_first(to, 0);
}

/* A float in a column of integers: one without decimals is the integer. */
static void put_between(struct prs_buf *to, double v)
{
	double below = floor(v);
	if (below >= -0x1p63 && below < 0x1p63 && below == v) {
		put_integer(to, (int64_t)v);
		return;
	}
	put_kind(to, INTEGER);
	bool fits = below >= -0x1p63 && below < 0x1p63;
	enum place place = v < 0 ? BELOW : ABOVE;
	prs_buf_putc(to, (char)(fits ? AMONG : place));
	put_high_first(to, fits ? (uint64_t)(int64_t)below ^ SIGN : 0);
	put_high_first(to, turned(v));
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

struct span {
	const uint8_t *p;
	size_t n;
};

static bool is_blank(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static struct span trimmed(const uint8_t *p, size_t n)
{
	while (n && is_blank(p[0]))
		p++, n--;
	while (n && is_blank(p[n - 1]))
		n--;
	return (struct span){ p, n };
}

/* The number that an int or float cell says; < 0: no memory. */
static int number_of(struct span s, double *as_float, int64_t *as_integer)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, SIZE_MAX / 2);
	prs_buf_put(&text, s.p, s.n);
	const char *word = prs_buf_str(&text);
	if (text.failed)
		return -PRS_ENOMEM;
	*as_float = strtod(word, NULL);
	*as_integer = strtoll(word, NULL, 10);
	return 0;
}

static int put_number(struct prs_buf *to, struct span s, enum prs_cell_class class, enum prs_type type)
{
	double as_float;
	int64_t as_integer;
	int r = number_of(s, &as_float, &as_integer);
	if (r < 0)
		return r;
	if (type == PRS_TYPE_FLOAT)
		put_float(to, as_float);
	else if (class == PRS_CELL_FLOAT)
		put_between(to, as_float);
	else
		put_integer(to, as_integer);
	return to->failed;
}

/* YYYY-MM-DD[( |T)HH[:MM[:SS[.f]]]]: as long as it can be */
static int put_date(struct prs_buf *to, struct span s)
{
	char whole[] = "0000-00-00T00:00:00.000000";
	size_t n = s.n < DATE_BYTES ? s.n : DATE_BYTES;
	memcpy(whole, s.p, n);
	whole[DAY_BYTES] = 'T';
	put_kind(to, DATE);
	return prs_buf_put(to, whole, DATE_BYTES);
}

/* A NUL would end it. */
static int put_text(struct prs_buf *to, const uint8_t *p, size_t n, enum prs_encoding e)
{
	put_kind(to, TEXT);
	if (prs_put_as_utf8(to, p, n, e) < 0)
		return -PRS_EVALUE_MISFIT;
	return prs_buf_putc(to, 0);
}

void prs_key_put_null(struct prs_buf *to) { put_kind(to, NOTHING); }

static int put_boolean(struct prs_buf *to, bool v)
{
	put_kind(to, BOOLEAN);
	return prs_buf_putc(to, (char)(v ? 1 : 0));
}

static int put_string(struct prs_buf *to, const uint8_t *p, size_t n, enum prs_encoding e, bool as_text)
{
	if (n || as_text)
		return put_text(to, p, n, e);
	prs_key_put_null(to);
	return to->failed;
}

/* What cells a column of a type takes beside nulls; docs/tables.md, "What was not in the sample may come later". */
static unsigned fits(enum prs_type type)
{
	switch (type) {
	case PRS_TYPE_INT: return PRS_CELL_INT | PRS_CELL_WIDE | PRS_CELL_FLOAT;
	case PRS_TYPE_FLOAT: return PRS_CELL_INT | PRS_CELL_FLOAT;
	case PRS_TYPE_BOOL: return PRS_CELL_BOOL;
	case PRS_TYPE_DATE: return PRS_CELL_DATE;
	case PRS_TYPE_STRING:
	case PRS_TYPE_OBJECT: break;
	}
	return 0;
}

int prs_key_put_cell(struct prs_buf *to, const uint8_t *p, size_t n, enum prs_type type, enum prs_encoding e,
                     bool as_text)
{
	if (type == PRS_TYPE_STRING || type == PRS_TYPE_OBJECT)
		return put_string(to, p, n, e, as_text);
	enum prs_cell_class class = prs_cell_class(p, n);
	struct span s = trimmed(p, n);
	if (class == PRS_CELL_EMPTY || class == PRS_CELL_NULL) {
		prs_key_put_null(to);
		return to->failed;
	}
	if (!(class & fits(type)))
		return -PRS_EVALUE_MISFIT;
	if (type == PRS_TYPE_BOOL)
		return put_boolean(to, s.p[0] == 't' || s.p[0] == 'T');
	return type == PRS_TYPE_DATE ? put_date(to, s) : put_number(to, s, class, type);
}

int prs_key_put_value(struct prs_buf *to, const char *value)
{
	const uint8_t *p = (const uint8_t *)value + 1;
	size_t n = strlen(value) - 1;
	switch ((enum prs_key_kind)value[0]) {
	case PRS_KEY_DATE: return put_date(to, (struct span){ p, n });
	case PRS_KEY_INTEGER: put_integer(to, strtoll(value + 1, NULL, 10)); return to->failed;
	case PRS_KEY_FLOAT: put_float(to, strtod(value + 1, NULL)); return to->failed;
	case PRS_KEY_BOOLEAN: return put_boolean(to, value[1] == 't');
	case PRS_KEY_NULL: prs_key_put_null(to); return to->failed;
	case PRS_KEY_TEXT: break;
	}
	put_kind(to, TEXT);
	return prs_buf_put(to, p, n + 1);
}

/* ---- back -------------------------------------------------------------------------------------------------------- */

/* "123.0" of the digits 123 and the exponent 2, as Python writes it. */
static void put_plain_float(struct prs_buf *to, const char *digits, size_t n, long exponent)
{
	if (exponent < 0) {
		prs_buf_puts(to, "0.");
		for (long zeros = -1; zeros > exponent; zeros--)
			prs_buf_putc(to, '0');
		prs_buf_put(to, digits, n);
		return;
	}
	for (long i = 0; i <= exponent; i++)
		prs_buf_putc(to, (size_t)i < n ? digits[i] : '0');
	prs_buf_putc(to, '.');
	if (n <= (size_t)exponent + 1)
		prs_buf_putc(to, '0');
	else
		prs_buf_put(to, digits + exponent + 1, n - (size_t)exponent - 1);
}

/* repr() of Python: the fewest digits that are this number. */
static void put_repr(struct prs_buf *to, double v)
{
	char text[40], digits[DIGITS_MAX + 1];
	if (isinf(v)) {
		prs_buf_puts(to, v < 0 ? "-inf" : "inf");
		return;
	}
	int most = 0; /* behind the first one */
	do
		snprintf(text, sizeof text, "%.*e", most, v);
	while (strtod(text, NULL) != v && ++most < DIGITS_MAX);
	const char *at = text + (text[0] == '-'), *e = strchr(at, 'e');
	long exponent = strtol(e + 1, NULL, 10);
	size_t n = 0;
	for (; at < e; at++)
		if (*at != '.')
			digits[n++] = *at;
	if (text[0] == '-')
		prs_buf_putc(to, '-');
	if (exponent < -4 || exponent >= 16)
		prs_buf_puts(to, text + (text[0] == '-'));
	else
		put_plain_float(to, digits, n, exponent);
}

static size_t take_float(const uint8_t *p, struct prs_buf *to)
{
	prs_buf_putc(to, PRS_KEY_FLOAT);
	put_repr(to, turned_back(take_high_first(p)));
	return 1 + 8;
}

static size_t take_integer(const uint8_t *p, struct prs_buf *to)
{
	uint64_t decimal = take_high_first(p + 9);
	if (decimal)
		take_float(p + 9, to);
	else
		prs_buf_putf(to, "%c%" PRId64, PRS_KEY_INTEGER, (int64_t)(take_high_first(p + 1) ^ SIGN));
	return 1 + 1 + 8 + 8;
}

static size_t take_date(const uint8_t *p, struct prs_buf *to)
{
	prs_buf_putc(to, PRS_KEY_DATE);
	prs_buf_put(to, p, memcmp(p + SECOND_BYTES, ".000000", DATE_BYTES - SECOND_BYTES) ? DATE_BYTES : SECOND_BYTES);
	return 1 + DATE_BYTES;
}

static size_t take_text(const uint8_t *p, size_t n, struct prs_buf *to)
{
	const uint8_t *end = memchr(p, 0, n);
	prs_buf_putc(to, PRS_KEY_TEXT);
	prs_buf_put(to, p, (size_t)(end - p));
	return 1 + (size_t)(end - p) + 1;
}

size_t prs_key_take_value(const uint8_t *key, size_t n, struct prs_buf *to)
{
	switch ((enum kind)key[0]) {
	case BOOLEAN: prs_buf_putf(to, "%c%s", PRS_KEY_BOOLEAN, key[1] ? "true" : "false"); return 2;
	case INTEGER: return take_integer(key + 1, to);
	case FLOAT: return take_float(key + 1, to);
	case DATE: return take_date(key + 1, to);
	case TEXT: return take_text(key + 1, n - 1, to);
	case NOTHING: break;
	}
	prs_buf_putc(to, PRS_KEY_NULL);
	return 1;
}
