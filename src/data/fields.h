/* SPDX-License-Identifier: Apache-2.0
 * fields: where the fields of a record stand, as they stand, with their quotes (the field-start rule of data/scan.h).
 * Pure.
 */
#ifndef PRS_DATA_FIELDS_H
#define PRS_DATA_FIELDS_H

#include "base/buf.h"

struct prs_field {
	const uint8_t *p;
	size_t n;
};

/* Bytes of a record without the line end that closes it. */
size_t prs_fields_bytes(const uint8_t *p, size_t n);
/* The next field of a record whose bytes end at `end`; *at: behind the delimiter of the one before, NULL: there is none
 * any more. */
struct prs_field prs_fields_next(const uint8_t **at, const uint8_t *end, char delimiter);
/* The first `most` fields of the n bytes (no line end) of a record: returns how many there are of them. */
size_t prs_fields_find(const uint8_t *p, size_t n, char delimiter, struct prs_field *to, size_t most);
/* Appends the record with its fields in another order: of `count` ones field i is fields[i] of it, or, PRS_NO_FIELD,
 * empty; what stands behind the fields_n ones that a record of this file should have comes last. The line end is \n; a
 * record without a byte gets the quotes of an empty field, so that it stays a row. < 0: no memory. */
int prs_fields_reorder(const uint8_t *p, size_t n, char delimiter, const uint32_t *fields, size_t count,
                       size_t fields_n, struct prs_buf *to);

#endif
