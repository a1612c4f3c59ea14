/* SPDX-License-Identifier: Apache-2.0
 * plan_table: what prs plan says of an input whose items are rows: sizes of mini-batches, columns and their types, the
 * first rows.
 */
#ifndef PRS_CLI_PLAN_TABLE_H
#define PRS_CLI_PLAN_TABLE_H

#include "base/buf.h"
#include "cli/plan_rows.h"

#include <jansson.h>

/* Numbers of which the least, the most and the median are asked. */
struct plan_numbers {
	uint64_t *v;
	size_t n, cap;
};

struct plan_table {
	uint64_t files, rows, bytes;
	uint64_t first_file;    /* of the input */
	uint64_t file, of_file; /* the file that mini-batches were counted of last, and how many */
	struct plan_numbers per_file, row_counts, byte_counts;
	json_t *schema; /* of the input; NULL: there is none */
	json_t *first;  /* rows (plan_rows.h) */
	/* Of the frame, in its order: name, type, from ("sample", "file", "convert_column_types", "path"), nulls; and
	 * at, where it stands in the schema, or what the path of the first rows says: value. */
	json_t *columns;
	json_t *steps; /* their names */
	char *path;    /* of the first rows; NULL: there are none */
};

void plan_table_done(struct plan_table *t);
/* A record of the input. -PRS_ENOMEM. */
int plan_table_add(struct plan_table *t, const struct prs_plan_record *r);
/* Behind all records: the columns, and the first rows. `format` of the path, NULL = none; the partition keys. */
void plan_table_read(struct plan_table *t, const struct plan_look *look, const char *format,
                     const struct prs_list *keys);
/* Lines of "  label  text"; `name` of the input when there are several, else NULL. */
void plan_table_put(struct plan_table *t, const char *name, struct prs_buf *to);
/* The same as members of `to`. */
void plan_table_json(struct plan_table *t, json_t *to);

#endif
