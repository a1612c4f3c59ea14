/* SPDX-License-Identifier: Apache-2.0
 * utf: bytes become units, units codes; what is left of a unit or of a pair of surrogates waits for the next piece.
 */
#include "data/utf.h"

#include "base/err.h"
#include "base/text.h"

#include <string.h>

enum { HIGH = 0xd800, LOW = 0xdc00, BEHIND = 0xe000, CODE_MAX = 0x10ffff, MARK = 0xfeff };

/* ---- the form ---------------------------------------------------------------------------------------------------- */

enum prs_utf_form prs_utf_marked(const uint8_t *front, size_t n)
{
	/* that of UTF-16 is the beginning of one of UTF-32 */
	static const struct {
		uint8_t bytes[4];
		size_t n;
		enum prs_utf_form form;
	} marks[] = {
		{ { 0xff, 0xfe, 0, 0 }, 4, PRS_UTF_32LE },
		{ { 0, 0, 0xfe, 0xff }, 4, PRS_UTF_32BE },
		{ { 0xff, 0xfe }, 2, PRS_UTF_16LE },
		{ { 0xfe, 0xff }, 2, PRS_UTF_16BE },
	};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (n >= marks[i].n && !memcmp(front, marks[i].bytes, marks[i].n))
			return marks[i].form;
	return PRS_UTF_NONE;
}

static unsigned width(enum prs_utf_form form) { return form == PRS_UTF_16LE || form == PRS_UTF_16BE ? 2 : 4; }

enum prs_utf_form prs_utf_of(const uint8_t *front, size_t n, unsigned unit)
{
	enum prs_utf_form marked = prs_utf_marked(front, n);
	if (unit == 2 && n >= 2 && front[0] == 0xff && front[1] == 0xfe)
		return PRS_UTF_16LE; /* and U+0000 behind it */
	if (marked != PRS_UTF_NONE && width(marked) == unit)
		return marked;
	bool high_first = n >= unit && !front[0] && front[unit - 1];
	if (unit == 2)
		return high_first ? PRS_UTF_16BE : PRS_UTF_16LE;
	return high_first ? PRS_UTF_32BE : PRS_UTF_32LE;
}

const char *prs_utf_name(enum prs_utf_form form)
{
	static const char *const names[] = { "UTF-8", "UTF-16", "UTF-16", "UTF-32", "UTF-32" };
	return names[form];
}

/* ---- the text ---------------------------------------------------------------------------------------------------- */

void prs_utf_init(struct prs_utf *u, enum prs_utf_form form) { *u = (struct prs_utf){ .form = form }; }

static unsigned unit_of(const uint8_t *p, enum prs_utf_form form)
{
	switch (form) {
	case PRS_UTF_16LE: return (unsigned)p[0] | (unsigned)p[1] << 8;
	case PRS_UTF_16BE: return (unsigned)p[1] | (unsigned)p[0] << 8;
	case PRS_UTF_32LE: return (unsigned)p[0] | (unsigned)p[1] << 8 | (unsigned)p[2] << 16 | (unsigned)p[3] << 24;
	case PRS_UTF_32BE: return (unsigned)p[3] | (unsigned)p[2] << 8 | (unsigned)p[1] << 16 | (unsigned)p[0] << 24;
	case PRS_UTF_NONE: break;
	}
	return 0;
}

static void put(struct prs_utf *u, unsigned code, unsigned bytes, struct prs_buf *to)
{
	if (code != MARK || u->at + bytes != width(u->form)) /* the mark: the first unit */
		prs_put_utf8(to, code);
	u->at += bytes;
}

/* Surrogates come in pairs in UTF-16, and not at all in UTF-32. */
static int take_unit(struct prs_utf *u, unsigned unit, struct prs_buf *to)
{
	unsigned bytes = width(u->form);
	bool is_low = unit >= LOW && unit < BEHIND, is_high = unit >= HIGH && unit < LOW;
	if (unit > CODE_MAX || is_low != (u->high != 0) || (bytes == 4 && is_high))
		return -PRS_EINVALID;
	if (is_high) {
		u->high = unit;
		return 0;
	}
	if (is_low)
		unit = 0x10000 + ((u->high - HIGH) << 10) + (unit - LOW);
	put(u, unit, u->high ? 2 * bytes : bytes, to);
	u->high = 0;
	return 0;
}

int prs_utf_feed(struct prs_utf *u, const uint8_t *p, size_t n, struct prs_buf *to)
{
	unsigned bytes = width(u->form);
	for (; u->kept_n && n; p++, n--) {
		u->kept[u->kept_n++] = *p;
		if (u->kept_n < bytes)
			continue;
		u->kept_n = 0;
		if (take_unit(u, unit_of(u->kept, u->form), to) < 0)
			return -PRS_EINVALID;
	}
	for (; n >= bytes; p += bytes, n -= bytes)
		if (take_unit(u, unit_of(p, u->form), to) < 0)
			return -PRS_EINVALID;
	for (; n; p++, n--)
		u->kept[u->kept_n++] = *p;
	return 0;
}

int prs_utf_finish(struct prs_utf *u) { return u->kept_n || u->high ? -PRS_EINVALID : 0; }
