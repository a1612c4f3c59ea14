/* SPDX-License-Identifier: Apache-2.0
 * cut_table: what the cutters of tables of text have in common: their files, the sample that says the columns, the
 * schemas of the plan, the scan of one file, and the spool.
 */
#ifndef PRS_DATA_CUT_TABLE_H
#define PRS_DATA_CUT_TABLE_H

#include "data/cut.h"
#include "data/rows_list.h"
#include "data/sample.h"
#include "data/schemas.h"
#include "data/table_scan.h"

struct prs_cut_table {
	const struct prs_fs *fs;
	uint16_t input;
	const char *only; /* the file that says what of the table runs again; NULL: all of it runs */
	struct prs_rows_list wanted;
	uint32_t spool_epoch;
	struct prs_table_files files;
	struct prs_sample sample;
	struct prs_schemas schemas;
	struct prs_table_scan scan;
	/* Of the call of cut(): */
	struct prs_cut_total *total;
	struct prs_buf *body;
	size_t from; /* where its records begin */
};

/* Points to `in`. < 0: no memory; prs_cut_table_done() is due all the same. */
int prs_cut_table_init(struct prs_cut_table *t, const struct prs_fs *fs, const struct prs_list_input *in,
                       uint16_t input);
void prs_cut_table_done(struct prs_cut_table *t);
int prs_cut_table_take(struct prs_cut_table *t, const struct prs_cut_files *f, struct prs_err *err);
/* Behind the sample: the schema of all files becomes a record. */
int prs_cut_table_schema(struct prs_cut_table *t, struct prs_err *err);
/* A call of cut() begins and ends. `r`: what came of it; the records count when the spool has all that they name. */
void prs_cut_table_begin(struct prs_cut_table *t, struct prs_cut_total *total, struct prs_buf *body);
int prs_cut_table_end(struct prs_cut_table *t, int r, struct prs_err *err);

#endif
