/* SPDX-License-Identifier: Apache-2.0
 * key: the values of partition keys as bytes whose order (memcmp) is that of the values. Pure.
 *
 * A value has its kind in front, and none is the beginning of another one: those of several keys simply follow each
 * other. Equal values have equal bytes, however they were written (7, 007 and "7"; 1.0 and 1e0; -0.0 and 0.0): they
 * are compared after typing. Numbers by their value, dates by time, false before true, texts by their bytes in UTF-8;
 * null is behind all others. Where a column has values of several kinds (JSON), they stand by kind.
 */
#ifndef PRS_DATA_KEY_H
#define PRS_DATA_KEY_H

#include "data/columns.h"

/* Appends the value of a cell in a column of that type. -PRS_EVALUE_MISFIT: it does not fit; -PRS_ENOMEM. A string is
 * that text; an empty one is null, or, as_text, the empty text. */
int prs_key_put_cell(struct prs_buf *to, const uint8_t *p, size_t n, enum prs_type type, enum prs_encoding e,
                     bool as_text);
/* Appends a value as a plan has it (wire/plan.h): its kind, then a text. */
int prs_key_put_value(struct prs_buf *to, const char *value);
void prs_key_put_null(struct prs_buf *to);
/* The first value of a key, as a plan has it, is appended without a NUL; returns how many bytes it takes. */
size_t prs_key_take_value(const uint8_t *key, size_t n, struct prs_buf *to);

#endif
