/* SPDX-License-Identifier: Apache-2.0
 * scan_reference: the rules of data/scan.h once more, byte by byte, without a thought for speed. Header only.
 */
#ifndef PRS_TEST_SCAN_REFERENCE_H
#define PRS_TEST_SCAN_REFERENCE_H

#include "data/scan.h"

#include <stdlib.h>
#include <string.h>

struct slow_record {
	uint64_t first, end;
	bool row;
};

struct slow {
	struct slow_record *v;
	size_t n;
	bool open; /* a quote at the end */
};

static inline bool slow_is_row(const uint8_t *p, uint64_t first, uint64_t end, bool lines)
{
	if (!lines)
		return p[first] != '\n' && p[first] != '\r';
	while (first < end && (p[first] == ' ' || p[first] == '\t' || p[first] == '\r' || p[first] == '\n'))
		first++;
	return first < end;
}

/* Where the record that begins at `at` ends; sets `open` when the text ends inside quotes. */
static inline uint64_t slow_end(const uint8_t *p, uint64_t n, uint64_t at, char delimiter, bool lines, bool *open)
{
	bool field_start = true;
	while (at < n) {
		if (!lines && field_start && p[at] == '"') {
			for (at++;; at++) {
				if (at >= n) {
					*open = true;
					return n;
				}
				if (p[at] != '"')
					continue;
				if (at + 1 < n && p[at + 1] == '"')
					at++;
				else
					break;
			}
			at++;
			field_start = false;
			continue;
		}
		if (p[at] == '\n')
			return at + 1;
		if (!lines && p[at] == '\r')
			return at + 1 < n && p[at + 1] == '\n' ? at + 2 : at + 1;
		field_start = p[at] == (uint8_t)delimiter;
		at++;
	}
	return n;
}

/* The caller frees v. */
static inline struct slow slow_records(const uint8_t *p, uint64_t n, uint64_t at, char delimiter, bool lines)
{
	struct slow s = { calloc(n + 1, sizeof *s.v), 0, false };
	while (at < n && !s.open) {
		uint64_t end = slow_end(p, n, at, delimiter, lines, &s.open);
		if (!s.open)
			s.v[s.n++] = (struct slow_record){ at, end, slow_is_row(p, at, end, lines) };
		at = end;
	}
	return s;
}

/* The slices of those records; returns how many. `to` has room for one a record. */
static inline size_t slow_slices(const struct slow *s, uint64_t max_bytes, uint64_t max_rows, struct prs_slice *to)
{
	size_t n = 0;
	bool full = true;
	for (size_t i = 0; i < s->n; i++) {
		const struct slow_record *r = &s->v[i];
		if (!r->row)
			continue;
		if (full || r->end - to[n - 1].offset > max_bytes)
			to[n++] = (struct prs_slice){ r->first, 0, 0 };
		to[n - 1].bytes = r->end - to[n - 1].offset;
		full = ++to[n - 1].rows == max_rows;
	}
	return n;
}

#endif
