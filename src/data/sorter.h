/* SPDX-License-Identifier: Apache-2.0
 * sorter: records in any order, each with a key, come out by key, those of one key in the order in which they came.
 *
 * Records are gathered in memory by their keys, up to so many bytes: a block. A full one is written to a file, its keys
 * sorted (memcmp); in the end the blocks are merged, the last one from memory: what fits into one is never written. The
 * file has no name from the moment on in which it is made: what a crash leaves is nothing.
 *
 * Keys are found by what they are made of (`raw`: the cells as they stand): the same cells have the same key, which is
 * asked for once.
 */
#ifndef PRS_DATA_SORTER_H
#define PRS_DATA_SORTER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "data/origin.h"

#include <stdbool.h>

enum { PRS_SORTER_KEYS_MAX = 10000000 };
#define PRS_SORTER_BLOCK_BYTES ((size_t)256 << 20)

struct prs_sorter; /* opaque */

enum { PRS_SORTER_UNWANTED = 1 };
/* Appends the key of the record that is being added; PRS_SORTER_UNWANTED: records with it are not kept. */
typedef int prs_sorter_key_fn(void *ctx, struct prs_buf *to, struct prs_err *err);
typedef int prs_sorter_put_fn(void *ctx, const void *bytes, size_t n, struct prs_err *err);

/* `path`: the file of the blocks; NULL: there is no place for one, records are only counted. The texts live as long.
 * NULL = no memory. */
struct prs_sorter *prs_sorter_new(const struct prs_fs *fs, const char *path, size_t block_bytes, prs_sorter_key_fn *key,
                                  void *key_ctx);
void prs_sorter_free(struct prs_sorter *s);

struct prs_sorter_record {
	const uint8_t *raw; /* what its key is made of */
	size_t raw_n;
	const uint8_t *p; /* the record, with a line end */
	size_t n;
	struct prs_origin origin;
	uint64_t global_row;
};
int prs_sorter_add(struct prs_sorter *s, const struct prs_sorter_record *r, struct prs_err *err);

/* All records of a key. */
struct prs_sorted {
	const uint8_t *key; /* until the next call */
	size_t key_n;
	uint64_t rows, bytes, origins_bytes;
	uint64_t global_row; /* of the first */
};
/* No record comes any more. */
int prs_sorter_end(struct prs_sorter *s, struct prs_err *err);
/* The next key: 1; 0: that were all. -PRS_ELIMIT: more keys than PRS_SORTER_KEYS_MAX. */
int prs_sorter_next(struct prs_sorter *s, struct prs_sorted *ret, struct prs_err *err);
/* Its records, then their origins; a key that nobody wants is passed over by the next prs_sorter_next(). */
int prs_sorter_put(struct prs_sorter *s, prs_sorter_put_fn *put, void *ctx, struct prs_err *err);

#endif
