/* SPDX-License-Identifier: Apache-2.0
 * cut_table: the parts of such a cutter, begun and ended together.
 */
#include "data/cut_table.h"

int prs_cut_table_init(struct prs_cut_table *t, const struct prs_fs *fs, const struct prs_list_input *in,
                       uint16_t input)
{
	t->fs = fs;
	t->input = input;
	t->only = in->rows_only;
	t->spool_epoch = in->epoch ? in->epoch : 1; /* nobody reads where there is none */
	prs_sample_init(&t->sample, fs, in, &t->files);
	t->sample.then = &t->wanted;
	prs_schemas_init(&t->schemas, input);
	return prs_table_scan_init(&t->scan, fs, in->table, in->spool, in->warnings);
}

void prs_cut_table_done(struct prs_cut_table *t)
{
	prs_rows_list_done(&t->wanted);
	prs_table_files_done(&t->files);
	prs_sample_done(&t->sample);
	prs_schemas_done(&t->schemas);
	prs_table_scan_done(&t->scan);
}

int prs_cut_table_take(struct prs_cut_table *t, const struct prs_cut_files *f, struct prs_err *err)
{
	if (prs_table_files_add(&t->files, f) < 0)
		return prs_fail(err, PRS_ENOMEM, "the files of a table");
	return prs_rows_list_once(&t->wanted, t->fs, t->only, err);
}

int prs_cut_table_schema(struct prs_cut_table *t, struct prs_err *err)
{
	PRS_AUTOBUF json;
	prs_buf_init(&json, PRS_SCHEMA_BYTES_MAX);
	int r = prs_sample_schema(&t->sample, &json, err);
	return r < 0 ? r : prs_schemas_put_all(&t->schemas, &json, t->total, t->body, err);
}

void prs_cut_table_begin(struct prs_cut_table *t, struct prs_cut_total *total, struct prs_buf *body)
{
	t->total = total;
	t->body = body;
	t->from = body->len;
}

int prs_cut_table_end(struct prs_cut_table *t, int r, struct prs_err *err)
{
	int k = prs_spool_sync(&t->scan.spool, r < 0 ? NULL : err);
	if (k == 0)
		return r;
	t->body->len = t->from;
	return r < 0 ? r : k;
}
