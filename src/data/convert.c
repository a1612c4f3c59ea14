/* SPDX-License-Identifier: Apache-2.0
 * convert: formats are matched as Python's strptime does: each number takes as many digits as it may, fewer when what
 * follows does not match otherwise; what is behind the format is no match.
 */
#include "data/convert.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_YEAR = 1678, LAST_YEAR = 2261 };

/* ---- what is made of a column ------------------------------------------------------------------------------------ */

static bool is_ascii(const char *s)
{
	while (*s && !(*s & 0x80))
		s++;
	return !*s;
}

/* Are all formats ones that are read here? */
static bool knows_formats(const char *s)
{
	for (; *s; s++)
		if (*s == '%' && (!*++s || !strchr("YmdHMSfy%", *s)))
			return false;
	return true;
}

struct prs_convert prs_convert_of(const char *text)
{
	static const struct {
		const char *word;
		enum prs_type type;
	} types[] = { { "int", PRS_TYPE_INT },
		      { "float", PRS_TYPE_FLOAT },
		      { "boolean", PRS_TYPE_BOOL },
		      { "datetime", PRS_TYPE_DATE } };
	size_t n = strcspn(text, "\n");
	const char *more = text[n] ? text + n + 1 : "";
	bool known = is_ascii(more) && (text[0] != 'd' || knows_formats(more));
	for (size_t i = 0; known && i < sizeof types / sizeof *types; i++)
		if (strlen(types[i].word) == n && !memcmp(types[i].word, text, n))
			return (struct prs_convert){ types[i].type, more };
	return (struct prs_convert){ PRS_TYPE_STRING, "" };
}

/* ---- dates ------------------------------------------------------------------------------------------------------- */

enum part { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MICROSECOND, PARTS };

struct date {
	int v[PARTS];
};

static const struct directive {
	char letter;
	unsigned char least, most; /* digits */
	int low, high;
	enum part part;
} directives[] = {
	{ 'Y', 4, 4, 0, 9999, YEAR }, { 'y', 2, 2, 0, 99, YEAR },
	{ 'm', 1, 2, 1, 12, MONTH },  { 'd', 1, 2, 1, 31, DAY },
	{ 'H', 1, 2, 0, 23, HOUR },   { 'M', 1, 2, 0, 59, MINUTE },
	{ 'S', 1, 2, 0, 61, SECOND }, { 'f', 1, 6, 0, 999999, MICROSECOND },
};

static const struct directive *directive_of(char letter)
{
	for (size_t i = 0; i < sizeof directives / sizeof *directives; i++)
		if (directives[i].letter == letter)
			return &directives[i];
	return NULL;
}

static const char *match(const char *format, const char *end, const char *text, struct date *d);

/* The number of so many digits, as the directive has it; -1: it is none. */
static int number(const struct directive *x, const char *text, unsigned digits)
{
	int v = 0;
	for (unsigned i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -1;
		v = v * 10 + (text[i] - '0');
	}
	for (unsigned i = digits; x->letter == 'f' && i < x->most; i++)
		v *= 10;
	return v < x->low || v > x->high ? -1 : v;
}

/* As POSIX has it. */
static int of_century(int year) { return year + (year < 69 ? 2000 : 1900); }

static const char *match_number(const struct directive *x, const char *format, const char *end, const char *text,
                                struct date *d)
{
	for (unsigned digits = x->most; digits >= x->least; digits--) {
		int v = number(x, text, digits);
		const char *behind = v < 0 ? NULL : match(format, end, text + digits, d);
		if (!behind)
			continue;
		d->v[x->part] = x->letter == 'y' ? of_century(v) : v;
		return behind;
	}
	return NULL;
}

/* One blank or more; what follows never begins with one. */
static const char *match_blanks(const char *format, const char *end, const char *text, struct date *d)
{
	if (!isspace((unsigned char)*text))
		return NULL;
	while (format < end && isspace((unsigned char)*format))
		format++;
	while (isspace((unsigned char)*text))
		text++;
	return match(format, end, text, d);
}

/* Where the format ends in the text; NULL: it does not match. */
static const char *match(const char *format, const char *end, const char *text, struct date *d)
{
	if (format == end)
		return text;
	if (isspace((unsigned char)*format))
		return match_blanks(format, end, text, d);
	const struct directive *x = *format == '%' ? directive_of(format[1]) : NULL;
	if (x)
		return match_number(x, format + 2, end, text, d);
	format += *format == '%'; /* %% */
	if (tolower((unsigned char)*format) != tolower((unsigned char)*text))
		return NULL;
	return match(format + 1, end, text + 1, d);
}

static bool is_there(const struct date *d)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = d->v[YEAR], leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return year && d->v[SECOND] < 60 && d->v[DAY] <= days[d->v[MONTH] - 1] + (d->v[MONTH] == 2 && leap);
}

/* By the first format that matches. */
static int put_date(const char *formats, const char *text, struct prs_buf *to)
{
	while (*formats) {
		size_t n = strcspn(formats, "\n");
		struct date d = { { 1900, 1, 1, 0, 0, 0, 0 } };
		const char *behind = match(formats, formats + n, text, &d);
		formats += n + (formats[n] != 0);
		if (!behind || *behind || !is_there(&d))
			continue;
		if (d.v[YEAR] < FIRST_YEAR || d.v[YEAR] > LAST_YEAR)
			return -PRS_EVALUE_MISFIT;
		return prs_buf_putf(to, "%04d-%02d-%02dT%02d:%02d:%02d.%06d", d.v[YEAR], d.v[MONTH], d.v[DAY],
		                    d.v[HOUR], d.v[MINUTE], d.v[SECOND], d.v[MICROSECOND]);
	}
	return -PRS_EVALUE_MISFIT;
}

/* ---- booleans ---------------------------------------------------------------------------------------------------- */

static bool same_word(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
			return false;
	return true;
}

/* "+yes", "-no": a word that is both is the last. */
static int put_boolean(const char *words, const char *text, size_t n, struct prs_buf *to)
{
	char found = 0;
	while (*words) {
		size_t k = strcspn(words, "\n");
		if (k == n + 1 && same_word(words + 1, text, n))
			found = words[0];
		words += k + (words[k] != 0);
	}
	return found ? prs_buf_puts(to, found == '+' ? "true" : "false") : -PRS_EVALUE_MISFIT;
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

/* 1.0, 1e5 */
static bool is_whole(const char *text)
{
	double v = strtod(text, NULL);
	return isfinite(v) && v == floor(v) && fabs(v) <= 0x1p53;
}

/* A text without the blanks around it. */
static int convert(const struct prs_convert *c, const char *text, size_t n, struct prs_buf *to)
{
	enum prs_cell_class class = prs_cell_class((const uint8_t *)text, n);
	bool by_words = *c->more && (c->type == PRS_TYPE_BOOL || c->type == PRS_TYPE_DATE);
	int r = -PRS_EVALUE_MISFIT;
	if (by_words)
		r = c->type == PRS_TYPE_BOOL ? put_boolean(c->more, text, n, to) : put_date(c->more, text, to);
	if (r != -PRS_EVALUE_MISFIT)
		return r;
	if (class & (PRS_CELL_EMPTY | PRS_CELL_NULL))
		return 0;
	if (by_words || (c->type == PRS_TYPE_INT && class == PRS_CELL_FLOAT && !is_whole(text)))
		return -PRS_EVALUE_MISFIT;
	return prs_buf_put(to, text, n);
}

int prs_convert_cell(const struct prs_convert *c, const uint8_t *p, size_t n, struct prs_buf *to)
{
	if (c->type == PRS_TYPE_STRING)
		return prs_buf_put(to, p, n);
	while (n && isspace(*p))
		p++, n--;
	while (n && isspace(p[n - 1]))
		n--;
	if (memchr(p, 0, n))
		return -PRS_EVALUE_MISFIT;
	PRS_AUTOBUF text;
	prs_buf_init(&text, SIZE_MAX / 2);
	prs_buf_put(&text, p, n);
	const char *s = prs_buf_str(&text);
	return text.failed ? -PRS_ENOMEM : convert(c, s, n, to);
}
