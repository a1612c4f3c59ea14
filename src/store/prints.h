/* SPDX-License-Identifier: Apache-2.0
 * prints: a map from 128 bits (XXH3 of something) to a number (private to store/).
 */
#ifndef PRS_STORE_PRINTS_H
#define PRS_STORE_PRINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

struct prs_prints {
	struct prs_prints_entry *v;
	size_t n, cap; /* cap: 0 or a power of two, at most half full */
};

bool prs_prints_get(const struct prs_prints *m, XXH128_hash_t key, uint32_t *ret);
/* A key that it does not have; -PRS_ENOMEM. */
int prs_prints_put(struct prs_prints *m, XXH128_hash_t key, uint32_t value);
void prs_prints_done(struct prs_prints *m);

#endif
