/* SPDX-License-Identifier: Apache-2.0
 * cells: a cell is copied piece by piece into one text, up to the byte that ends the piece; its class is found by the
 * first of a few small readers that takes all of it.
 */
#include "data/cells.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- records ----------------------------------------------------------------------------------------------------- */

void prs_cells_init(struct prs_cells *c, size_t max_bytes)
{
	*c = (struct prs_cells){ .n = 0 };
	prs_buf_init(&c->text, max_bytes);
}

void prs_cells_done(struct prs_cells *c)
{
	prs_buf_done(&c->text);
	prs_freep(&c->v);
	c->n = c->cap = 0;
}

static int add_cell(struct prs_cells *c, size_t at)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 16;
		struct prs_cell *v = prs_realloc(c->v, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = (struct prs_cell){ at, c->text.len - at };
	return 0;
}

/* Bytes of the line end at p: 0 when there is none. */
static size_t line_end(const uint8_t *p, size_t n)
{
	if (!n || (*p != '\n' && *p != '\r'))
		return 0;
	return *p == '\r' && n > 1 && p[1] == '\n' ? 2 : 1;
}

/* What stands between the quotes, p behind the first: returns how many bytes up to behind the second, 0 when there is
 * none. */
static size_t take_quoted(struct prs_cells *c, const uint8_t *p, size_t n)
{
	for (size_t at = 0;;) {
		const uint8_t *quote = memchr(p + at, '"', n - at);
		if (!quote)
			return 0;
		size_t to = (size_t)(quote - p) + 1;
		bool doubled = to < n && p[to] == '"';
		prs_buf_put(&c->text, p + at, to - at - (doubled ? 0 : 1));
		if (!doubled)
			return to;
		at = to + 1;
	}
}

static size_t take_text(struct prs_cells *c, const uint8_t *p, size_t n, char delimiter)
{
	size_t at = 0;
	while (at < n && p[at] != (uint8_t)delimiter && p[at] != '\n' && p[at] != '\r')
		at++;
	prs_buf_put(&c->text, p, at);
	return at;
}

int prs_cells_split(struct prs_cells *c, const uint8_t *p, size_t n, char delimiter, size_t *ret_used,
                    struct prs_err *err)
{
	size_t at = line_end(p, n);
	prs_buf_clear(&c->text);
	c->n = 0;
	*ret_used = at;
	if (at)
		return 0;
	for (;;) {
		size_t cell = c->text.len;
		if (at < n && p[at] == '"') {
			size_t used = take_quoted(c, p + at + 1, n - at - 1);
			if (!used)
				return prs_fail(err, PRS_EINVALID, "a quote is still open where the text ends");
			at += 1 + used;
		}
		at += take_text(c, p + at, n - at, delimiter);
		if (add_cell(c, cell) < 0)
			return prs_fail(err, PRS_ENOMEM, "the cells of a record");
		if (at == n || p[at] != (uint8_t)delimiter)
			break;
		at++;
	}
	*ret_used = at + line_end(p + at, n - at);
	if (c->text.failed)
		return prs_fail(err, (enum prs_code) - c->text.failed, "the text of a record");
	return 0;
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

struct span {
	const uint8_t *p;
	size_t n;
};

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static bool is_blank(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static struct span trimmed(const uint8_t *p, size_t n)
{
	while (n && is_blank(p[0]))
		p++, n--;
	while (n && is_blank(p[n - 1]))
		n--;
	return (struct span){ p, n };
}

static bool is_word(struct span s, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == s.n && !strncasecmp((const char *)s.p, *words, s.n))
			return true;
	return false;
}

static struct span behind_sign(struct span s)
{
	size_t sign = s.n && (s.p[0] == '+' || s.p[0] == '-');
	return (struct span){ s.p + sign, s.n - sign };
}

/* Takes the digits at the front of s off and returns how many there were. */
static size_t take_digits(struct span *s)
{
	size_t n = 0;
	while (n < s->n && is_digit(s->p[n]))
		n++;
	s->p += n;
	s->n -= n;
	return n;
}

static bool take_byte(struct span *s, const char *any)
{
	if (!s->n || !s->p[0] || !strchr(any, s->p[0]))
		return false;
	s->p++;
	s->n--;
	return true;
}

/* Do digits without leading zeros stand for at most those of `most`? */
static bool at_most(struct span digits, const char *most)
{
	size_t n = strlen(most);
	return digits.n < n || (digits.n == n && memcmp(digits.p, most, n) <= 0);
}

static enum prs_cell_class integer_class(struct span s)
{
	struct span digits = behind_sign(s);
	bool negative = s.p[0] == '-';
	while (digits.n && digits.p[0] == '0')
		digits.p++, digits.n--;
	if (at_most(digits, "9007199254740992"))
		return PRS_CELL_INT;
	return at_most(digits, negative ? "9223372036854775808" : "9223372036854775807") ? PRS_CELL_WIDE
	                                                                                 : PRS_CELL_HUGE;
}

static bool is_integer(struct span s)
{
	s = behind_sign(s);
	return take_digits(&s) && !s.n;
}

static bool is_float(struct span s)
{
	static const char *const infinite[] = { "inf", "infinity", NULL };
	s = behind_sign(s);
	if (is_word(s, infinite))
		return true;
	size_t digits = take_digits(&s);
	if (take_byte(&s, "."))
		digits += take_digits(&s);
	if (!digits)
		return false;
	if (!take_byte(&s, "eE"))
		return !s.n;
	s = behind_sign(s);
	return take_digits(&s) && !s.n;
}

/* `width` digits with a value from `low` to `high`; what they say into ret. */
static bool take_number(struct span *s, size_t width, unsigned low, unsigned high, unsigned *ret)
{
	*ret = 0;
	if (s->n < width)
		return false;
	for (size_t i = 0; i < width; i++) {
		if (!is_digit(s->p[i]))
			return false;
		*ret = *ret * 10 + (unsigned)(s->p[i] - '0');
	}
	s->p += width;
	s->n -= width;
	return *ret >= low && *ret <= high;
}

static unsigned days_of(unsigned year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

enum { FIRST_YEAR = 1678, LAST_YEAR = 2261, FRACTION_DIGITS = 9, MICROSECOND_DIGITS = 6 };

/* .f: what lies below the microsecond must be zero */
static bool is_fraction(struct span s)
{
	struct span digits = { s.p + 1, s.n - 1 };
	if (!take_byte(&s, ".") || !take_digits(&s) || s.n || digits.n > FRACTION_DIGITS)
		return false;
	for (size_t i = MICROSECOND_DIGITS; i < digits.n; i++)
		if (digits.p[i] != '0')
			return false;
	return true;
}

/* HH[:MM[:SS[.f]]] */
static bool is_time(struct span s)
{
	unsigned v;
	if (!take_number(&s, 2, 0, 23, &v))
		return false;
	for (int i = 0; i < 2; i++) {
		if (!s.n)
			return true;
		if (!take_byte(&s, ":") || !take_number(&s, 2, 0, 59, &v))
			return false;
	}
	return !s.n || is_fraction(s);
}

static bool is_date(struct span s)
{
	unsigned year, month, day;
	if (!take_number(&s, 4, FIRST_YEAR, LAST_YEAR, &year) || !take_byte(&s, "-") ||
	    !take_number(&s, 2, 1, 12, &month) || !take_byte(&s, "-") || !take_number(&s, 2, 1, 31, &day) ||
	    day > days_of(year, month))
		return false;
	return !s.n || (take_byte(&s, " T") && is_time(s));
}

enum prs_cell_class prs_cell_class(const uint8_t *p, size_t n)
{
	static const char *const nulls[] = { "",       "na",      "n/a",     "nan",      "+nan", "-nan",
		                             "null",   "none",    "<na>",    "#n/a",     "#na",  "#n/a n/a",
		                             "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", NULL };
	static const char *const truths[] = { "true", "false", NULL };
	struct span s = trimmed(p, n);
	if (!n)
		return PRS_CELL_EMPTY;
	if (is_word(s, nulls))
		return PRS_CELL_NULL;
	if (is_integer(s))
		return integer_class(s);
	if (is_float(s))
		return PRS_CELL_FLOAT;
	if (is_word(s, truths))
		return PRS_CELL_BOOL;
	return is_date(s) ? PRS_CELL_DATE : PRS_CELL_TEXT;
}

const char *prs_cell_class_name(enum prs_cell_class c)
{
	static const char *const names[] = { "empty", "null", "int",  "wide int", "huge int",
		                             "float", "bool", "date", "text",     "nested" };
	return names[__builtin_ctz((unsigned)c)];
}
