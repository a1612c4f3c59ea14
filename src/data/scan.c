/* SPDX-License-Identifier: Apache-2.0
 * scan: 64 bytes at a time become masks of the few bytes that matter (quotes and line ends; the delimiter is only
 * looked at beside a quote), and a small state machine goes from one set bit to the next. What lies between two set
 * bits costs nothing.
 */
#include "data/scan.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum state { TEXT, QUOTED, CLOSED, CR, BLANK };
/* TEXT    outside quotes
 * QUOTED  inside
 * CLOSED  a quote was met inside: the next byte says whether it closed the field or was the first half of ""
 * CR      a \r ended a record: a \n right behind it belongs to it
 * BLANK   lines: nothing but white space since the record began
 */

enum { STEP = 64 };

struct masks {
	uint64_t quotes, breaks; /* bit i: of byte i */
};

/* ---- masks ------------------------------------------------------------------------------------------------------- */

static struct masks masks_scalar(const uint8_t *p, size_t n)
{
	struct masks m = { 0, 0 };
	for (size_t i = 0; i < n; i++) {
		m.quotes |= (uint64_t)(p[i] == '"') << i;
		m.breaks |= (uint64_t)(p[i] == '\n' || p[i] == '\r') << i;
	}
	return m;
}

#ifdef __SSE2__
static struct masks masks_vector(const uint8_t *p)
{
	const __m128i quote = _mm_set1_epi8('"'), lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
	struct masks m = { 0, 0 };
	for (int i = 0; i < STEP / 16; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
		__m128i end = _mm_or_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, cr));
		m.quotes |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote)) << (16 * i);
		m.breaks |= (uint64_t)(uint32_t)_mm_movemask_epi8(end) << (16 * i);
	}
	return m;
}
#else
static struct masks masks_vector(const uint8_t *p) { return masks_scalar(p, STEP); }
#endif

/* ---- slices ------------------------------------------------------------------------------------------------------ */

static int give_slice(struct prs_scan *s, struct prs_err *err)
{
	struct prs_slice slice = { s->first, s->end - s->first, s->rows };
	s->rows = 0;
	return slice.rows ? s->fn(s->ctx, &slice, err) : 0;
}

/* The rows in front of a record that is refused are a slice. */
static int too_long(struct prs_scan *s, struct prs_err *err)
{
	give_slice(s, NULL);
	return prs_fail(err, PRS_ELIMIT, "a record is longer than %llu bytes", (unsigned long long)s->o.max_record);
}

static int still_open(struct prs_scan *s, struct prs_err *err)
{
	give_slice(s, NULL);
	return prs_fail(err, PRS_EINVALID, "a quote is still open where the file ends");
}

/* The record ends at `end`; is it a row? */
static int end_record(struct prs_scan *s, uint64_t end, bool row, struct prs_err *err)
{
	int r = 0;
	if (end - s->record > s->o.max_record)
		return too_long(s, err);
	if (row && s->rows && end - s->first > s->o.max_bytes)
		r = give_slice(s, err);
	if (row && !s->rows)
		s->first = s->record;
	s->record = end;
	if (r || !row)
		return r;
	s->end = end;
	s->rows++;
	s->rows_all++;
	return s->rows == s->o.max_rows ? give_slice(s, err) : 0;
}

/* ---- delimited text ---------------------------------------------------------------------------------------------- */

static uint8_t byte_before(const struct prs_scan *s, const uint8_t *p, size_t i) { return i ? p[i - 1] : s->last; }

/* A state that waited for the byte behind its mark: byte i of p, at offset `at`, comes next or later. */
static int settle(struct prs_scan *s, uint64_t at, uint8_t byte, bool *taken, struct prs_err *err)
{
	enum state was = (enum state)s->state;
	bool next = at == s->mark + 1;
	if (was != CLOSED && was != CR)
		return 0;
	s->state = TEXT;
	if (was == CR) {
		*taken = next && byte == '\n';
		return end_record(s, s->mark + (*taken ? 2 : 1), s->mark != s->record, err);
	}
	*taken = next && byte == '"';
	if (*taken)
		s->state = QUOTED;
	return 0;
}

static int on_quote(struct prs_scan *s, const uint8_t *p, size_t i, uint64_t at)
{
	if (s->state == QUOTED) {
		s->state = CLOSED;
		s->mark = at;
	} else if (at == s->record || byte_before(s, p, i) == (uint8_t)s->o.delimiter) {
		s->state = QUOTED;
		s->opened = at;
	}
	return 0;
}

static int on_break(struct prs_scan *s, uint8_t byte, uint64_t at, struct prs_err *err)
{
	if (s->state == QUOTED) {
		if (s->quoted_break == PRS_SCAN_NONE)
			s->quoted_break = at + 1;
		return 0;
	}
	if (byte == '\n')
		return end_record(s, at + 1, at != s->record, err);
	s->state = CR;
	s->mark = at;
	return 0;
}

/* The bytes whose bits are set in `hits`; p[0] lies at s->at. */
static int delimited_hits(struct prs_scan *s, const uint8_t *p, size_t from, uint64_t hits, struct prs_err *err)
{
	int r = 0;
	for (; hits && !r; hits &= hits - 1) {
		size_t i = from + (size_t)__builtin_ctzll(hits);
		uint64_t at = s->at + i;
		bool taken = false;
		r = settle(s, at, p[i], &taken, err);
		if (r || taken)
			continue;
		r = p[i] == '"' ? on_quote(s, p, i, at) : on_break(s, p[i], at, err);
	}
	return r;
}

static int feed_delimited(struct prs_scan *s, const uint8_t *p, size_t n, struct prs_err *err)
{
	int r = 0;
	size_t i = 0;
	for (; i + STEP <= n && !r; i += STEP) {
		struct masks m = s->o.scalar ? masks_scalar(p + i, STEP) : masks_vector(p + i);
		r = delimited_hits(s, p, i, m.quotes | m.breaks, err);
	}
	if (!r && i < n) {
		struct masks m = masks_scalar(p + i, n - i);
		r = delimited_hits(s, p, i, m.quotes | m.breaks, err);
	}
	return r;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static int feed_lines(struct prs_scan *s, const uint8_t *p, size_t n, struct prs_err *err)
{
	for (size_t i = 0; i < n;) {
		if (s->state == BLANK) {
			while (i < n && is_blank(p[i]))
				i++;
			if (i == n)
				break;
			if (p[i] != '\n')
				s->state = TEXT;
		}
		const uint8_t *lf = memchr(p + i, '\n', n - i);
		if (!lf)
			break;
		i = (size_t)(lf - p) + 1;
		bool row = s->state == TEXT;
		s->state = BLANK;
		int r = end_record(s, s->at + i, row, err);
		if (r)
			return r;
	}
	return 0;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

void prs_scan_init(struct prs_scan *s, const struct prs_scan_options *o, uint64_t offset, prs_slice_fn *fn, void *ctx)
{
	*s = (struct prs_scan){ .o = *o, .fn = fn, .ctx = ctx, .state = o->lines ? BLANK : TEXT };
	s->at = s->record = s->end = s->first = offset;
}

int prs_scan_feed(struct prs_scan *s, const uint8_t *p, size_t n, struct prs_err *err)
{
	if (!n)
		return 0;
	int r = s->o.lines ? feed_lines(s, p, n, err) : feed_delimited(s, p, n, err);
	if (r)
		return r;
	s->at += n;
	s->last = p[n - 1];
	return s->at - s->record > s->o.max_record && s->state != CR ? too_long(s, err) : 0;
}

int prs_scan_finish(struct prs_scan *s, struct prs_err *err)
{
	bool taken = false;
	if (s->state == QUOTED)
		return still_open(s, err);
	int r = s->o.lines ? 0 : settle(s, s->at, 0, &taken, err);
	if (!r && s->at != s->record)
		r = end_record(s, s->at, s->state != BLANK, err);
	return r ? r : give_slice(s, err);
}
