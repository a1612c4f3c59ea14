/* SPDX-License-Identifier: Apache-2.0
 * seg: the record ROWS of segment and raw files: self-describing, so that a journal can be audited against it.
 *
 * record head (type 1, flags, len u32) · id u64 · lease u64 · item_first u32 · item_count u32 · succeeded u32 ·
 * head_len u32 · bytes, padded to 8
 */
#ifndef PRS_WIRE_SEG_H
#define PRS_WIRE_SEG_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/facts.h"

enum { PRS_SEG_ROWS = 1, PRS_SEG_HEAD_BYTES = 40 /* record head + fixed payload, in front of the bytes */ };

struct prs_rows {
	struct prs_unit unit;
	uint64_t lease;
	uint32_t succeeded, head_len;
	const uint8_t *bytes;
	uint64_t length;
};

/* Append the record; *ret_at = where the bytes begin, counted from the start of the buffer. */
int prs_rows_put(struct prs_buf *b, const struct prs_rows *r, uint64_t *ret_at);
/* Only the 40 B in front of r->length bytes (raw files: the bytes are streamed behind). */
void prs_rows_head(uint8_t raw[PRS_SEG_HEAD_BYTES], const struct prs_rows *r);
/* As prs_fact_next. */
int prs_rows_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_rows *ret, struct prs_err *err);

#endif
