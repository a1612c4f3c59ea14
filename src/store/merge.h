/* SPDX-License-Identifier: Apache-2.0
 * merge: the delimited tables of many mini-batches as one (docs/formats.md, section 8). Pure: bytes in, bytes out.
 *
 * First all headers are added: the columns of the whole are those of all mini-batches, in the order in which they
 * appear. Then rows are fed, which stay as they are where their header has the columns of the whole, and are written
 * again where it has not: cells at their places, missing ones empty, dates of one column all with the same parts.
 */
#ifndef PRS_STORE_MERGE_H
#define PRS_STORE_MERGE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct prs_merge;
struct prs_merge *prs_merge_new(void); /* NULL: no memory */
void prs_merge_free(struct prs_merge *m);

/* The number of a header that was added before. */
bool prs_merge_knows(const struct prs_merge *m, const uint8_t *header, size_t n, uint32_t *ret);
/* *ret: its number, the same for the same bytes. PRS_ECORRUPT: it is no header; PRS_ELIMIT: too many columns. */
int prs_merge_add(struct prs_merge *m, const uint8_t *header, size_t n, uint32_t *ret, struct prs_err *err);
/* Its rows cannot be written again, or not among those of the first one: they stay as they are, whatever they hold. */
bool prs_merge_is_foreign(const struct prs_merge *m, uint32_t header);

/* What the file begins with. */
int prs_merge_head(const struct prs_merge *m, struct prs_buf *to);
/* The rows that follow have this header; true: they need no writing again and are not to be fed. */
bool prs_merge_begin(struct prs_merge *m, uint32_t header);
/* Rows, cut anywhere: those that are whole by now are appended to `to`. */
int prs_merge_feed(struct prs_merge *m, const uint8_t *p, size_t n, struct prs_buf *to);
/* What is left is a row, too. */
int prs_merge_end(struct prs_merge *m, struct prs_buf *to);

#endif
