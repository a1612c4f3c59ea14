/* SPDX-License-Identifier: Apache-2.0
 * hex: golden bytes as text in tests. Header only; include behind <cmocka.h>.
 */
#ifndef PRS_TEST_HEX_H
#define PRS_TEST_HEX_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blanks are passed over. The bytes come from malloc, so that a read behind their end is seen by ASan. */
static inline uint8_t *hex_bytes(const char *hex, size_t *ret_n)
{
	char digits[3] = "";
	size_t n = 0, have = 0;
	uint8_t *to = malloc(strlen(hex) / 2 + 1);
	for (const char *p = hex; *p; p++) {
		if (*p == ' ')
			continue;
		digits[have++] = *p;
		if (have == 2) {
			to[n++] = (uint8_t)strtoul(digits, NULL, 16);
			have = 0;
		}
	}
	*ret_n = n;
	return realloc(to, n ? n : 1);
}

static inline void assert_bytes_hex(const uint8_t *p, size_t n, const char *hex, const char *what)
{
	size_t want_n;
	uint8_t *want = hex_bytes(hex, &want_n);
	if (n == want_n && (n == 0 || memcmp(p, want, n) == 0)) {
		free(want);
		return;
	}
	free(want);
	fprintf(stderr, "%s\n want %s\n have ", what, hex);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%02x", p[i]);
	fputs("\n", stderr);
	fail();
}

#endif
