/* SPDX-License-Identifier: Apache-2.0
 * plan_rows: the first rows of a table, as prs plan shows them: those of its first mini-batch where they can be read
 * without a run, else those of the first file of the input.
 */
#ifndef PRS_CLI_PLAN_ROWS_H
#define PRS_CLI_PLAN_ROWS_H

#include "base/table.h"
#include "data/footers.h"
#include "data/plan.h"

#include <jansson.h>

enum { PLAN_READ_BYTES = 1 << 20 };

struct plan_look {
	const struct prs_plan *plan;
	uint64_t id;   /* the first mini-batch of the input */
	uint64_t file; /* its first file */
	const struct prs_table_input *in;
	const struct prs_footers *footers; /* of Parquet files */
};

/* Lists of texts and nulls, as many as `schema` has columns; what cannot be read is left out. *ret_path: of the file
 * that they are in, which the caller frees; NULL: it is not known. */
json_t *plan_rows_read(const struct plan_look *look, const json_t *schema, char **ret_path);

#endif
