/* SPDX-License-Identifier: Apache-2.0
 * only_tables: types are taken from the plan of the run: a sample of what is there now could say something else, and
 * the output of both runs belongs together. What a job says anew of its table (another encoding, a conversion, more
 * rows of the sample) is what a person changed to make it run, and holds.
 */
#include "run/only_tables.h"

#include "data/rows_list.h"
#include "spec/job_table.h"

#include <jansson.h>
#include <string.h>

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static int put_path(struct prs_only_rows *t, const char *path) { return prs_buf_put(t->paths, path, strlen(path) + 1); }

/* Rows that follow each other in a text file; 0: the unit is none. */
static int take_slice(struct prs_only_rows *t, const struct prs_unit *u)
{
	struct prs_rows_at rows;
	PRS_AUTOBUF path;
	prs_buf_init(&path, PATH_MAX);
	int r = prs_plan_slice(t->plan, u, &rows, &path);
	if (r != 1)
		return r;
	prs_rows_list_put(t->to, &t->last, &rows);
	r = put_path(t, rows.path);
	return r < 0 ? r : 1;
}

static int take_rows(void *ctx, const char *path, const struct prs_table_range *rows, uint64_t line)
{
	struct prs_only_rows *t = ctx;
	struct prs_rows_at at = { .path = path, .at = *rows };
	(void)line;
	at.at.offset = 0; /* they are found by their number alone */
	prs_rows_list_put(t->to, &t->last, &at);
	return put_path(t, path);
}

/* A file with rows of a partition, which are found by their keys. */
static int take_file(void *ctx, const char *path, const struct prs_table_range *rows, uint64_t line)
{
	struct prs_only_rows *t = ctx;
	(void)line;
	if (rows->file == PRS_NO_FILE) {
		t->no_origins = true;
		return 0;
	}
	prs_rows_list_put_file(t->to, path);
	return put_path(t, path);
}

static int take_group(struct prs_only_rows *t, uint64_t id)
{
	size_t n;
	const struct prs_unit whole = { .id = id };
	const char *keys = prs_plan_keys(t->plan, id, &n);
	prs_rows_list_put_group(t->to, keys, n, prs_plan_global_row(t->plan, id));
	return prs_plan_each_rows(t->plan, &whole, take_file, t);
}

int prs_only_rows_take(struct prs_only_rows *t, const struct prs_unit *u, bool first_of_id)
{
	size_t n;
	const struct prs_unit whole = { .id = u->id };
	int r = take_slice(t, u);
	if (r == 0 && !prs_plan_keys(t->plan, u->id, &n))
		r = prs_plan_each_rows(t->plan, u, take_rows, t);
	else if (r == 0 && first_of_id &&
	         prs_plan_input_kind(t->plan, prs_plan_input_of(t->plan, u->id)) == PRS_INPUT_SPOOL)
		r = take_group(t, u->id);
	else if (r == 0 && first_of_id)
		r = prs_plan_each_rows(t->plan, &whole, take_rows, t);
	if (t->to->failed)
		return t->to->failed;
	return r < 0 ? r : t->paths->failed;
}

/* ---- types ------------------------------------------------------------------------------------------------------- */

static bool is_read_as_then(const struct prs_table_input *was, const struct prs_table_input *now)
{
	return was->format == now->format && was->header == now->header && was->delimiter == now->delimiter &&
	       was->encoding == now->encoding && was->all_strings == now->all_strings &&
	       was->empty_as_string == now->empty_as_string && was->infer_rows == now->infer_rows;
}

static bool is_converted(const struct prs_job_table *t, const char *column)
{
	bool there = false;
	for (size_t i = 0; i < t->text_columns.n && !there; i++)
		there = !strcmp(t->text_columns.v[i], column);
	return there;
}

static void put_columns(struct prs_only_rows *t, const json_t *schema, const struct prs_job_table *was,
                        const struct prs_job_table *now)
{
	size_t i;
	json_t *column;
	json_array_foreach (json_object_get(schema, "columns"), i, column) {
		const char *name = json_string_value(json_object_get(column, "name"));
		const char *type = json_string_value(json_object_get(column, "type"));
		json_int_t nulls = json_integer_value(json_object_get(column, "nulls"));
		if (name && type && !is_converted(was, name) && !is_converted(now, name))
			prs_rows_list_put_column(t->to, name, type, (uint64_t)nulls);
	}
}

int prs_only_rows_types(struct prs_only_rows *t, const struct prs_job *was, size_t k, const struct prs_job *now,
                        size_t i)
{
	const struct prs_job_table *then = was->inputs[k].table, *table = now->inputs[i].table;
	const char *text = prs_plan_schema_of_all(t->plan, (uint16_t)k);
	if (!text || !then || !is_read_as_then(&then->in, &table->in))
		return 0;
	json_t *schema = json_loads(text, 0, NULL);
	put_columns(t, schema, then, table);
	json_decref(schema);
	return t->to->failed;
}
