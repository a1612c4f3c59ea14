/* SPDX-License-Identifier: Apache-2.0
 * fuzz_cells: any text and delimiter: the records are those of a slow reference, each has the cells that the reference
 * finds byte by byte, and each cell has the class that regular expressions give it. Input: delimiter, then the text.
 */
#include "data/cells.h"
#include "fuzz.h"
#include "scan_reference.h"

#include <errno.h>
#include <regex.h>

/* ---- cells, byte by byte ----------------------------------------------------------------------------------------- */

/* The next cell of the record p[0..n) without its line end, from *at: its text into `to`; false: there is none. */
static bool slow_cell(const uint8_t *p, size_t n, size_t *at, char delimiter, uint8_t *to, size_t *ret_n)
{
	if (*at > n)
		return false;
	bool quoted = false;
	size_t i = *at, used = 0;
	if (i < n && p[i] == '"') {
		quoted = true;
		i++;
	}
	for (; i < n; i++) {
		if (quoted && p[i] == '"' && i + 1 < n && p[i + 1] == '"')
			to[used++] = p[i++];
		else if (quoted && p[i] == '"')
			quoted = false;
		else if (!quoted && p[i] == (uint8_t)delimiter)
			break;
		else
			to[used++] = p[i];
	}
	*at = i + 1;
	*ret_n = used;
	return true;
}

static size_t without_line_end(const uint8_t *p, size_t n)
{
	if (n && p[n - 1] == '\n')
		return n > 1 && p[n - 2] == '\r' ? n - 2 : n - 1;
	return n && p[n - 1] == '\r' ? n - 1 : n;
}

/* ---- classes, by expressions ------------------------------------------------------------------------------------- */

#define BLANKS "[ \t\n\v\f\r]*"
#define WHOLE(x) "^" BLANKS "(" x ")" BLANKS "$"
#define YEAR "(167[89]|16[89][0-9]|1[789][0-9]{2}|2[01][0-9]{2}|22[0-5][0-9]|226[01])"
#define FRACTION "[.]([0-9]{1,6}|[0-9]{6}0{1,3})"
#define TIME "([01][0-9]|2[0-3])(:[0-5][0-9](:[0-5][0-9](" FRACTION ")?)?)?"

enum { NULLS, INTEGER, DECIMAL, TRUTH, DAY, EXPRESSIONS };
static const struct {
	const char *text;
	int flags;
} expressions[EXPRESSIONS] = {
	[NULLS] = { WHOLE("|n/?a|[+-]?nan|null|none|<na>|#n/a|#na|#n/a n/a|-?1[.]#(ind|qnan)"), REG_ICASE },
	[INTEGER] = { WHOLE("[+-]?[0-9]+"), 0 },
	[DECIMAL] = { WHOLE("[+-]?(([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?|inf(inity)?)"), REG_ICASE },
	[TRUTH] = { WHOLE("true|false"), REG_ICASE },
	[DAY] = { WHOLE(YEAR "-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([ T]" TIME ")?"), 0 },
};

static bool fits(unsigned i, const char *text)
{
	static regex_t compiled[EXPRESSIONS];
	static bool done[EXPRESSIONS];
	if (!done[i])
		MUST(regcomp(&compiled[i], expressions[i].text, REG_EXTENDED | REG_NOSUB | expressions[i].flags) == 0);
	done[i] = true;
	return regexec(&compiled[i], text, 0, NULL, 0) == 0;
}

static enum prs_cell_class slow_integer(const char *text)
{
	long long v;
	while (*text && !strchr("+-0123456789", *text))
		text++;
	errno = 0;
	v = strtoll(text, NULL, 10);
	if (errno)
		return PRS_CELL_HUGE;
	return v >= -(1LL << 53) && v <= 1LL << 53 ? PRS_CELL_INT : PRS_CELL_WIDE;
}

static enum prs_cell_class slow_day(const char *text)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y, m, d;
	MUST(sscanf(text, " %4d-%2d-%2d", &y, &m, &d) == 3);
	int leap = m == 2 && ((y % 4 == 0 && y % 100) || y % 400 == 0);
	return d <= days[m - 1] + leap ? PRS_CELL_DATE : PRS_CELL_TEXT;
}

static enum prs_cell_class slow_class(const char *text, size_t n)
{
	if (!n)
		return PRS_CELL_EMPTY;
	if (strlen(text) != n)
		return PRS_CELL_TEXT; /* a NUL */
	if (fits(NULLS, text))
		return PRS_CELL_NULL;
	if (fits(INTEGER, text))
		return slow_integer(text);
	if (fits(DECIMAL, text))
		return PRS_CELL_FLOAT;
	if (fits(TRUTH, text))
		return PRS_CELL_BOOL;
	return fits(DAY, text) ? slow_day(text) : PRS_CELL_TEXT;
}

/* ---- the target -------------------------------------------------------------------------------------------------- */

static void check_cell(const struct prs_cells *c, size_t i, const uint8_t *text, size_t n)
{
	MUST(c->v[i].n == n && !memcmp(prs_cells_at(c, i), text, n));
	char *copy = calloc(n + 1, 1);
	memcpy(copy, text, n);
	MUST(prs_cell_class(prs_cells_at(c, i), n) == slow_class(copy, n));
	free(copy);
}

static void check_record(const struct prs_cells *c, const uint8_t *p, size_t n, char delimiter)
{
	uint8_t *text = calloc(n + 1, 1);
	size_t at = 0, i = 0, text_n;
	for (; slow_cell(p, n, &at, delimiter, text, &text_n); i++) {
		MUST(i < c->n);
		check_cell(c, i, text, text_n);
	}
	MUST(i == c->n);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char delimiters[] = ",;\t| :x";
	if (!n)
		return 0;
	char delimiter = delimiters[data[0] % (sizeof delimiters - 1)];
	const uint8_t *p = data + 1;
	n--;
	struct slow want = slow_records(p, n, 0, delimiter, false);
	struct prs_cells c;
	struct prs_err err = { 0 };
	prs_cells_init(&c, SIZE_MAX);
	for (size_t i = 0; i < want.n; i++) {
		size_t first = want.v[i].first, size = want.v[i].end - first, used;
		MUST(prs_cells_split(&c, p + first, n - first, delimiter, &used, &err) == 0);
		MUST(used == size && (c.n != 0) == want.v[i].row);
		if (want.v[i].row)
			check_record(&c, p + first, without_line_end(p + first, size), delimiter);
	}
	size_t end = want.n ? want.v[want.n - 1].end : 0, used;
	if (want.open)
		MUST(prs_cells_split(&c, p + end, n - end, delimiter, &used, &err) == -PRS_EINVALID);
	prs_cells_done(&c);
	free(want.v);
	return 0;
}
