/* SPDX-License-Identifier: Apache-2.0
 * record: what the bodies of journal, plan and segment frames are made of.
 *
 * type u16 · flags u16 (bit 0: an older reader may skip it) · len u32 · payload of len bytes, padded with zeros to 8.
 * A text: length u16 + bytes. Payloads only grow at the end: a reader takes the bytes it knows and ignores more.
 */
#ifndef PRS_WIRE_RECORD_H
#define PRS_WIRE_RECORD_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum { PRS_RECORD_HEAD_BYTES = 8, PRS_RECORD_MAY_SKIP = 1 };

/* A text inside a record: not closed by a NUL; points into the decoded bytes. */
struct prs_text {
	const char *p;
	uint16_t n;
};

struct prs_record {
	uint16_t type, flags;
	uint32_t bytes;
	const uint8_t *payload;
	size_t at; /* of the record in its body */
};

/* Take the next record of `body` at *offset (moved past it): 1 = a record, 0 = end of body, PRS_ECORRUPT = cut off. */
int prs_record_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_record *ret,
                    struct prs_err *err);
/* What to do about a type that the reader does not know: 0 = pass over it, else PRS_EVERSION. `kind`: "journal",
 * "plan", "segment" */
int prs_record_unknown(const struct prs_record *r, const char *kind, struct prs_err *err);
/* Start a record; its payload follows by puts. */
size_t prs_record_begin(struct prs_buf *b, uint16_t type, uint16_t flags);
/* Write its length and pad it. After a failed put the buffer is as it was before begin. */
int prs_record_end(struct prs_buf *b, size_t start);

/* Cut at 65535 bytes, the most that a text of a record holds. */
struct prs_text prs_text_of(const char *s);
void prs_put_text(struct prs_buf *b, struct prs_text t);
struct prs_text prs_read_text(struct prs_reader *r);

#endif
