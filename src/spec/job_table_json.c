/* SPDX-License-Identifier: Apache-2.0
 * job_table_json: a table in job.json, and what of it the workers are told.
 */
#include "spec/job_table.h"

#include "base/mem.h"
#include "spec/job_json.h"

#include <stdlib.h>
#include <string.h>

static const char *const header_names[] = { "all_files_same_headers", "all_files_different_headers", "from_first_file",
	                                    "no_header" };

static json_t *text_or_null(const char *s) { return s ? json_string(s) : json_null(); }

/* What is done with the rows; none: an empty list. */
static json_t *steps_of(const struct prs_job_table *t)
{
	return t->steps ? json_loads(t->steps, 0, NULL) : json_array();
}

json_t *prs_job_table_to(const struct prs_job_table *t)
{
	json_t *columns = json_array(), *named = json_array();
	for (size_t i = 0; i < t->named.n; i++)
		json_array_append_new(named, json_string(t->named.v[i]));
	char delimiter[2] = { t->in.delimiter, 0 };
	for (size_t i = 0; i < t->text_columns.n; i++)
		json_array_append_new(columns, json_string(t->text_columns.v[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o}", "format",
	                 prs_table_format_name(t->in.format), "delimiter", delimiter, "header",
	                 header_names[t->in.header], "encoding", prs_encoding_name(t->in.encoding), "one_line",
	                 t->in.one_line, "all_strings", t->in.all_strings, "empty_as_string", t->in.empty_as_string,
	                 "drop_invalid", t->in.drop_invalid, "by_ending", t->in.by_ending, "path_column",
	                 text_or_null(t->path_column), "text_columns", columns, "named", named, "steps", steps_of(t));
}

static bool format_find(const char *word, enum prs_table_format *ret)
{
	for (int i = PRS_TABLE_DELIMITED; word && i <= PRS_TABLE_JSONL; i++)
		if (!strcmp(word, prs_table_format_name((enum prs_table_format)i))) {
			*ret = (enum prs_table_format)i;
			return true;
		}
	return false;
}

static bool take_words(struct prs_job_table *t, const json_t *v)
{
	const char *header = json_string_value(json_object_get(v, "header")),
		   *encoding = json_string_value(json_object_get(v, "encoding")),
		   *delimiter = json_string_value(json_object_get(v, "delimiter"));
	t->in.delimiter = delimiter ? delimiter[0] : 0;
	return format_find(json_string_value(json_object_get(v, "format")), &t->in.format) && header &&
	       prs_header_mode_find(header, &t->in.header) && encoding && prs_encoding_find(encoding, &t->in.encoding);
}

static bool take_texts(struct prs_job_table *t, const json_t *v)
{
	const json_t *columns = json_object_get(v, "text_columns"), *steps = json_object_get(v, "steps"),
		     *path = json_object_get(v, "path_column"), *named = json_object_get(v, "named");
	bool whole = true;
	if (json_is_string(path))
		whole = (t->path_column = job_json_text(path)) != NULL;
	for (size_t i = 0; i < json_array_size(columns) && whole; i++) {
		const char *name = json_string_value(json_array_get(columns, i));
		whole = name && prs_list_add(&t->text_columns, name) == 0;
	}
	for (size_t i = 0; i < json_array_size(named) && whole; i++) {
		const char *one = json_string_value(json_array_get(named, i));
		whole = one && prs_list_add(&t->named, one) == 0;
	}
	whole = whole && t->named.n % 3 == 0;
	char *text = json_array_size(steps) ? json_dumps(steps, PRS_JOB_STEPS_JSON) : NULL;
	if (json_array_size(steps))
		whole = whole && text && (t->steps = prs_strdup(text)) != NULL;
	free(text);
	return whole;
}

struct prs_job_table *prs_job_table_from(const json_t *v)
{
	struct prs_job_table *t = prs_job_table_new();
	if (!t)
		return NULL;
	t->in.one_line = json_is_true(json_object_get(v, "one_line"));
	t->in.all_strings = json_is_true(json_object_get(v, "all_strings"));
	t->in.empty_as_string = json_is_true(json_object_get(v, "empty_as_string"));
	t->in.drop_invalid = json_is_true(json_object_get(v, "drop_invalid"));
	t->in.by_ending = json_is_true(json_object_get(v, "by_ending"));
	if (take_words(t, v) && take_texts(t, v))
		return t;
	prs_job_table_free(t);
	return NULL;
}

/* The keys in a path are columns, whoever says where they stand. */
static void add_format(json_t *steps, const char *format)
{
	static const char name[] = "extract_columns_from_partition_format";
	for (size_t i = 0; i < json_array_size(steps); i++)
		if (json_object_get(json_array_get(steps, i), name))
			return;
	if (format)
		json_array_append_new(steps, json_pack("{s:s}", name, format));
}

char *prs_job_table_tell(const struct prs_job *j, size_t i)
{
	const struct prs_job_table *t = j->inputs[i].table;
	json_t *steps = steps_of(t);
	add_format(steps, j->inputs[i].partition_format);
	json_t *v = json_pack("{s:I, s:s, s:o, s:o, s:b, s:b, s:b, s:b}", "input", (json_int_t)i, "format",
	                      prs_table_format_name(t->in.format), "steps", steps, "path_column",
	                      text_or_null(t->path_column), "drop_invalid", t->in.drop_invalid, "mixed",
	                      j->o.dataframe_mixed_types, "other_way", j->o.file_format == PRS_FILE_FORMAT_JSONL,
	                      "by_ending", t->in.by_ending);
	char *text = v ? json_dumps(v, PRS_JOB_STEPS_JSON) : NULL;
	json_decref(v);
	return text;
}
