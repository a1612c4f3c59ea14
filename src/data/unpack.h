/* SPDX-License-Identifier: Apache-2.0
 * unpack: the bytes of a gzip or zstd file, in pieces of any size. Pure but for the libraries behind it (zlib, zstd).
 *
 * Several members or frames in a file are one text, as gzip and zstd have it; zeros behind the last member of a gzip
 * file, which tapes leave there, are passed over. Whatever else is not whole to the last byte is refused.
 */
#ifndef PRS_DATA_UNPACK_H
#define PRS_DATA_UNPACK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum prs_packed { PRS_PACKED_NOT, PRS_PACKED_GZIP, PRS_PACKED_ZSTD, PRS_PACKED_OTHER };
enum { PRS_PACKED_TAIL_BYTES = 4 };

/* By the first bytes of a file. */
enum prs_packed prs_packed_of(const uint8_t *front, size_t n);
/* "gzip", "zstd", and of others what they are: "bzip2", "xz", "zip", "Parquet"; NULL: it is not packed */
const char *prs_packed_name(const uint8_t *front, size_t n);
/* So many bytes at least are in a file of `size` bytes with this front (up to 18 bytes) and these last 4 bytes; 0: it
 * is not known. */
uint64_t prs_packed_least(const uint8_t *front, size_t n, const uint8_t tail[PRS_PACKED_TAIL_BYTES], uint64_t size);

struct prs_unpack; /* opaque */

/* `kind`: gzip or zstd. NULL = no memory. */
struct prs_unpack *prs_unpack_new(enum prs_packed kind);
void prs_unpack_free(struct prs_unpack *u);
/* Takes of the n bytes at p what it can, how many into *used, and writes into `to` at most `room` bytes: returns how
 * many. -PRS_EINVALID: they are damaged; -PRS_ELIMIT: a window that is too large; -PRS_ENOMEM. */
long prs_unpack(struct prs_unpack *u, const uint8_t *p, size_t n, size_t *used, uint8_t *to, size_t room,
                struct prs_err *err);
/* May the file end here? */
bool prs_unpack_is_whole(const struct prs_unpack *u);

#endif
