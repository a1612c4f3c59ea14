/* SPDX-License-Identifier: Apache-2.0
 * plan_table: what prs plan says of an input whose items are rows: sizes of mini-batches, columns and their types, the
 * first rows.
 */
#ifndef PRS_CLI_PLAN_TABLE_H
#define PRS_CLI_PLAN_TABLE_H

#include "base/buf.h"
#include "base/table.h"
#include "data/plan.h"

#include <jansson.h>

/* Numbers of which the least, the most and the median are asked. */
struct plan_numbers {
	uint64_t *v;
	size_t n, cap;
};

struct plan_table {
	uint64_t files, rows, bytes;
	uint64_t file, of_file; /* the file that mini-batches were counted of last, and how many */
	struct plan_numbers per_file, row_counts, byte_counts;
	json_t *schema; /* of the input; NULL: there is none */
	json_t *first;  /* rows: lists of texts and nulls, as many as the schema has columns */
	/* Of the frame, in its order: name, type, from ("sample", "file", "convert_column_types", "path"), at (in the
	 * schema;
	 * not of those from the path), nulls. */
	json_t *columns;
	json_t *steps; /* their names */
};

void plan_table_done(struct plan_table *t);
/* A record of the input. -PRS_ENOMEM. */
int plan_table_add(struct plan_table *t, const struct prs_plan_record *r);
/* Behind all records: the columns, and the first rows from mini-batch `id` on, read where they lie; what cannot be read
 * is left out. `format` of the path, NULL = none. */
void plan_table_read(struct plan_table *t, const struct prs_plan *plan, uint64_t id, const struct prs_table_input *in,
                     const char *format);
/* Lines of "  label  text"; `name` of the input when there are several, else NULL. */
void plan_table_put(struct plan_table *t, const char *name, struct prs_buf *to);
/* The same as members of `to`. */
void plan_table_json(struct plan_table *t, json_t *to);

#endif
