/* SPDX-License-Identifier: Apache-2.0
 * slices: mini-batches of one file of a table, as SLICES and PARQUET (wire/plan.h) have them, in few bytes: the packed
 * numbers as they are, and at every 32nd mini-batch where it begins. About 7 bytes a mini-batch, 112 a file.
 */
#ifndef PRS_DATA_SLICES_H
#define PRS_DATA_SLICES_H

#include "wire/plan.h"

#include <stdbool.h>

struct prs_slices {
	struct prs_table_range first, end; /* where the first begins, and where one more would; rows and bytes are 0 */
	uint64_t size, mtime_us;           /* of the file */
	uint32_t count, spool;
	uint16_t input;
	bool parquet;
	uint32_t bytes, cap; /* of `packed` */
	uint8_t *packed;
	struct prs_slices_mark *marks;
	uint32_t marks_n, marks_cap;
};

/* Of a record; NULL = no memory. */
struct prs_slices *prs_slices_new(const struct prs_plan_record *r);
void prs_slices_free(struct prs_slices *s);
/* Does the record, of the same file as it was, go on where these end? */
bool prs_slices_go_on(const struct prs_slices *s, const struct prs_plan_record *r);
/* Append those of such a record; < 0: no memory, nothing was appended. */
int prs_slices_add(struct prs_slices *s, const struct prs_plan_record *r);
/* The k-th of them. */
struct prs_table_range prs_slices_at(const struct prs_slices *s, uint32_t k);

#endif
