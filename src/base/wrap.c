/* SPDX-License-Identifier: Apache-2.0
 * wrap: widths of characters, lines word by word, cells that are cut.
 */
#include "base/wrap.h"

#include "base/text.h"

#include <string.h>

/* ---- widths ------------------------------------------------------------------------------------------------------ */

struct range {
	unsigned first, last;
};

/* Combining marks, joiners, variation selectors. */
static const struct range narrow[] = { { 0x300, 0x36f },   { 0x483, 0x489 },   { 0x591, 0x5bd },   { 0x610, 0x61a },
	                               { 0x64b, 0x65f },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
	                               { 0x20d0, 0x20f0 }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff } };
/* East Asian wide and full width (Unicode's EastAsianWidth: W, F), as blocks; emoji. */
static const struct range wide[] = { { 0x1100, 0x115f },   { 0x2e80, 0x303e },  { 0x3041, 0x33ff },
	                             { 0x3400, 0x4dbf },   { 0x4e00, 0x9fff },  { 0xa000, 0xa4cf },
	                             { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },  { 0xfe30, 0xfe6f },
	                             { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },  { 0x1f300, 0x1f64f },
	                             { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd } };

static bool is_in(unsigned code, const struct range *v, size_t n)
{
	for (size_t i = 0; i < n && code >= v[i].first; i++)
		if (code <= v[i].last)
			return true;
	return false;
}

static unsigned width_of(unsigned code)
{
	if (is_in(code, narrow, sizeof narrow / sizeof *narrow))
		return 0;
	return is_in(code, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}

/* One character, or a colour: its bytes, its columns into *ret. */
static size_t step(const char *p, size_t n, unsigned *ret)
{
	unsigned code = 0, len;
	const char *end = *p == '\033' ? memchr(p, 'm', n) : NULL;
	*ret = 0;
	if (end)
		return (size_t)(end - p) + 1;
	len = prs_utf8((const uint8_t *)p, n, &code);
	*ret = len ? width_of(code) : 1;
	return len ? len : 1;
}

unsigned prs_columns(const char *text, size_t n)
{
	unsigned all = 0, one;
	for (size_t i = 0; i < n; all += one)
		i += step(text + i, n - i, &one);
	return all;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static size_t blanks(const char *p, size_t n)
{
	size_t i = 0;
	while (i < n && p[i] == ' ')
		i++;
	return i;
}

static size_t word(const char *p, size_t n)
{
	const char *end = memchr(p, ' ', n);
	return end ? (size_t)(end - p) : n;
}

/* Bytes in front of the text that is wrapped: the indent, or "  label   ". */
static size_t beginning(const char *line, size_t n, unsigned columns)
{
	size_t indent = blanks(line, n);
	const char *gap = indent >= 2 ? memmem(line + indent, n - indent, "  ", 2) : NULL;
	if (!gap)
		return indent;
	size_t text = (size_t)(gap - line) + blanks(gap, n - (size_t)(gap - line));
	return text < n && prs_columns(line, text) <= columns / 2 ? text : indent;
}

/* "prs resume NAME", and not "prs resume: go on ..." */
static bool is_command(const char *text, size_t n)
{
	if (n < 5 || memcmp(text, "prs ", 4) != 0)
		return false;
	size_t len = word(text + 4, n - 4);
	return len > 0 && text[4 + len - 1] != ':';
}

static void put_line(struct prs_buf *to, const char *line, size_t n, unsigned columns)
{
	size_t at = beginning(line, n, columns);
	unsigned hang = prs_columns(line, at), column = hang;
	bool command = is_command(line + at, n - at), first = true;
	prs_buf_put(to, line, at);
	while (at < n) {
		size_t gap = blanks(line + at, n - at), len = word(line + at + gap, n - at - gap);
		unsigned w = prs_columns(line + at + gap, len), room = command && at + gap + len < n ? 2 : 0;
		if (!len) /* blanks at the end */
			return;
		if (first || column + gap + w + room <= columns) {
			prs_buf_put(to, line + at, gap + len);
			column += (unsigned)gap + w;
		} else {
			prs_buf_putf(to, "%s\n%*s", command ? " \\" : "", (int)hang, "");
			prs_buf_put(to, line + at + gap, len);
			column = hang + w;
		}
		first = false;
		at += gap + len;
	}
}

void prs_put_wrapped(struct prs_buf *to, const char *text, unsigned columns)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		if (columns && prs_columns(text, n) > columns)
			put_line(to, text, n, columns);
		else
			prs_buf_put(to, text, n);
		text += n;
		if (*text)
			prs_buf_putc(to, *text++);
	}
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

/* Bytes from the beginning that take at most `columns`. */
static size_t fitting(const char *text, size_t n, unsigned columns)
{
	unsigned all = 0, one;
	for (size_t i = 0, len; i < n; i += len) {
		len = step(text + i, n - i, &one);
		if (all + one > columns)
			return i;
		all += one;
	}
	return n;
}

void prs_put_cut(struct prs_buf *to, const char *text, unsigned columns, enum prs_cut where, bool utf8)
{
	size_t n = strlen(text), from = 0;
	unsigned all = prs_columns(text, n);
	const char *mark = utf8 ? "…" : "...";
	unsigned mark_columns = utf8 ? 1 : 3;
	if (all <= columns || columns < mark_columns) {
		prs_buf_put(to, text, fitting(text, n, columns));
		return;
	}
	if (where == PRS_CUT_END) {
		prs_buf_put(to, text, fitting(text, n, columns - mark_columns));
		prs_buf_puts(to, mark);
		return;
	}
	while (prs_columns(text + from, n - from) > columns - mark_columns) {
		unsigned one;
		from += step(text + from, n - from, &one);
	}
	prs_buf_puts(to, mark);
	prs_buf_put(to, text + from, n - from);
}
