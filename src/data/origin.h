/* SPDX-License-Identifier: Apache-2.0
 * origin: where a record of the spool came from, as it stands behind the records of a group (docs/formats.md,
 * section 5): what is not as in the record before is all that is written.
 */
#ifndef PRS_DATA_ORIGIN_H
#define PRS_DATA_ORIGIN_H

#include "base/buf.h"
#include "base/bytes.h"

struct prs_origin {
	uint64_t file;          /* of its input, from 0 */
	uint64_t row, line;     /* in the file: from 0, from 1 */
	uint64_t offset, bytes; /* in the file, or in its text when that is decompressed or converted */
};

/* Behind `last`, the one that was put before; NULL: the first. */
int prs_origin_put(struct prs_buf *to, const struct prs_origin *o, const struct prs_origin *last);
/* The next one; *at is the one before, zeros at first. r->bad: there is none. */
void prs_origin_next(struct prs_reader *r, struct prs_origin *at);

#endif
