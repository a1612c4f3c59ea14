/* SPDX-License-Identifier: Apache-2.0
 * only_tables: of an input whose items are rows what --only-failed takes: rows, or whole partitions, and the types that
 * its columns had (data/rows_list.h).
 *
 * A partition is what run() was made for: it runs again as a whole, whatever of it failed.
 */
#ifndef PRS_RUN_ONLY_TABLES_H
#define PRS_RUN_ONLY_TABLES_H

#include "base/buf.h"
#include "data/plan.h"
#include "spec/job.h"

struct prs_only_rows {
	const struct prs_plan *plan;
	struct prs_buf *to;    /* the list */
	size_t last;           /* SIZE_MAX at first */
	struct prs_buf *paths; /* those of the files, each closed by a NUL; some stand there more than once */
	bool is_files;         /* items of this input are files: the list has their paths */
	bool no_origins;       /* the spool with the rows of a partition cannot be read */
};

/* The rows of a unit; of a partition, whose parts follow each other, all of it, with its first part. 0, or
 * -PRS_ENOMEM. */
int prs_only_rows_take(struct prs_only_rows *t, const struct prs_unit *u, bool first_of_id);
/* Behind all of them the types that the columns of input `k` of `was` had, where `in` of `now` is read as it was. */
int prs_only_rows_types(struct prs_only_rows *t, const struct prs_job *was, size_t k, const struct prs_job *now,
                        size_t i);

#endif
