/* SPDX-License-Identifier: Apache-2.0
 * merge_text: headers of delimited tables as the loader makes them. Header only.
 */
#ifndef PRS_TEST_MERGE_TEXT_H
#define PRS_TEST_MERGE_TEXT_H

#include <stdint.h>
#include <string.h>

/* flags: 1 its rows can be written again, 2 a mark of UTF-8 stands in front, 4 lines end with CR LF. kinds: a digit for
 * each column. Returns the bytes of the header. */
static inline size_t merge_header(uint8_t *to, char delimiter, unsigned flags, const char *kinds, const char *line)
{
	size_t n = strlen(kinds), line_n = strlen(line);
	uint8_t fixed[8] = { (uint8_t)delimiter, '"', (uint8_t)flags, 0, (uint8_t)n, (uint8_t)(n >> 8), 0, 0 };
	memcpy(to, fixed, 8);
	for (size_t i = 0; i < n; i++)
		to[8 + i] = (uint8_t)(kinds[i] - '0');
	memcpy(to + 8 + n, line, line_n);
	return 8 + n + line_n;
}

#endif
