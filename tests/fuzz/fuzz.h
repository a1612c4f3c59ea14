/* SPDX-License-Identifier: Apache-2.0
 * fuzz: what the targets share. Header only.
 */
#ifndef PRS_FUZZ_H
#define PRS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Like assert, in all builds, and told as what it is. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* An exact copy, so that ASan sees every read behind its end. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);
	if (n)
		memcpy(p, data, n);
	return p;
}

/* The next piece of an input: length u16, then that many bytes (or what is left). */
struct fuzz_pieces {
	const uint8_t *p;
	size_t left;
};

static inline bool fuzz_piece(struct fuzz_pieces *in, const uint8_t **ret, size_t *ret_n)
{
	if (in->left < 2)
		return false;
	size_t n = (size_t)in->p[0] | (size_t)in->p[1] << 8;
	in->p += 2;
	in->left -= 2;
	*ret = in->p;
	*ret_n = n < in->left ? n : in->left;
	in->p += *ret_n;
	in->left -= *ret_n;
	return true;
}

#endif
