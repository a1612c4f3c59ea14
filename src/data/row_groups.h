/* SPDX-License-Identifier: Apache-2.0
 * row_groups: the mini-batches of a Parquet file, from what its footer says. Pure.
 *
 * By bytes: row groups that follow each other are joined while they have no more bytes than the size; one that has more
 * is split into parts of as many rows. By rows: so many, whatever the row groups are. Row groups without rows are
 * passed over.
 */
#ifndef PRS_DATA_ROW_GROUPS_H
#define PRS_DATA_ROW_GROUPS_H

#include "wire/footers.h"
#include "wire/plan.h"

struct prs_row_groups {
	struct prs_footer footer;
	struct prs_batch_size size;
	uint32_t next;                 /* the next row group */
	uint64_t split_rows, split_in; /* of one that is split: rows that are left, in so many parts */
	uint64_t left;                 /* rows of the file */
	uint64_t row, end;             /* of the mini-batch that prs_row_groups_within() is in */
};

/* The footer lives as long. */
void prs_row_groups_init(struct prs_row_groups *g, const struct prs_footer *footer, struct prs_batch_size size);
/* The rows of the next mini-batch; 0: there is none. */
uint32_t prs_row_groups_next(struct prs_row_groups *g);
/* In place of it: what the next mini-batches have of the rows from `first` to before `end`: so many from *ret on; 0:
 * nothing more. Such ranges rise. */
uint32_t prs_row_groups_within(struct prs_row_groups *g, uint64_t first, uint64_t end, uint64_t *ret);

#endif
