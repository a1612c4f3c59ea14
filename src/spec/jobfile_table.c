/* SPDX-License-Identifier: Apache-2.0
 * jobfile_table: what the transformations of an MLTable make of its files: how they are read, and what is done with the
 * rows, in written order.
 *
 * A transformation is a row of a table below. What the workers do becomes a JSON list of steps; what the lister must
 * know as well stands in struct prs_table_input.
 */
#include "spec/jobfile_impl.h"

#include "base/partition.h"
#include "spec/job_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILTER_CHARACTERS = 10000 }; /* as the loader's filter.py has it */

struct reading {
	struct jobfile *m;
	struct prs_job_input *in;
	struct prs_job_table *t; /* of the input; NULL: nothing has said how the files are read */
	json_t *steps;
	const char *removes; /* the first transformation that leaves out rows by what they hold; NULL = none yet */
};

static void nomem(struct reading *r) { r->m->d->failed = true; }

static void wrong(struct reading *r, const struct prs_yaml *node, const char *key, const char *expected)
{
	if (node->kind == PRS_YAML_SCALAR)
		prs_yaml_find(r->m->d, PRS_MISTAKE, node->at, "%s: expected %s, found \"%.100s\"", key, expected,
		              node->text);
	else
		prs_yaml_find(r->m->d, PRS_MISTAKE, node->at, "%s: expected %s, found %s", key, expected,
		              prs_yaml_kind_name(node));
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool take_truth(struct reading *r, const struct prs_yaml *map, const char *key, bool *ret)
{
	const struct prs_yaml *v = jf_value(map, key);
	if (!v)
		return false;
	const char *text = v->kind == PRS_YAML_SCALAR ? v->value : "";
	bool yes = !strcasecmp(text, "true"), no = !strcasecmp(text, "false");
	if (yes || no)
		*ret = yes;
	else
		wrong(r, v, key, "true or false");
	return yes || no;
}

static bool take_count(struct reading *r, const struct prs_yaml *v, const char *key, json_int_t least, json_int_t *ret)
{
	char *end = NULL;
	const char *text = v->kind == PRS_YAML_SCALAR ? v->value : "";
	bool digits = *text && text[strspn(text, "0123456789")] == 0 && strlen(text) < 18;
	json_int_t n = digits ? strtoll(text, &end, 10) : -1;
	if (n >= least)
		*ret = n;
	else
		wrong(r, v, key,
		      least ? "a whole number from 1 to 99999999999999999"
		            : "a whole number from 0 to 99999999999999999");
	return n >= least;
}

/* A name, or a list of names. NULL after a mistake. */
static json_t *take_names(struct reading *r, const struct prs_yaml *v, const char *key, const char *expected)
{
	json_t *names = json_array();
	size_t n = v->kind == PRS_YAML_LIST ? v->n : 1;
	for (size_t i = 0; i < n; i++) {
		const struct prs_yaml *one = v->kind == PRS_YAML_LIST ? v->items[i] : v;
		if (one->kind == PRS_YAML_SCALAR && (one->text[0] || !one->plain)) {
			json_array_append_new(names, json_string(one->text));
			continue;
		}
		wrong(r, one, key, expected);
		json_decref(names);
		return NULL;
	}
	if (!n)
		wrong(r, v, key, expected);
	if (n)
		return names;
	json_decref(names);
	return NULL;
}

/* {"<name>": value}; takes the value, which may be NULL: no memory. */
static void add_step(struct reading *r, const char *name, json_t *value)
{
	if (!value || json_array_append_new(r->steps, json_pack("{s:o}", name, value)) < 0)
		nomem(r);
}

/* A column that a step names; "": what a filter names is known when it was read. */
static void add_name(struct reading *r, const char *step, const char *column, struct prs_mark at)
{
	if (r->t && prs_job_table_name(r->t, step, column, prs_yaml_where(r->m->d, at)) < 0)
		nomem(r);
}

static void add_names(struct reading *r, const char *step, const struct prs_yaml *v)
{
	size_t n = v->kind == PRS_YAML_LIST ? v->n : 1;
	for (size_t i = 0; i < n; i++) {
		const struct prs_yaml *one = v->kind == PRS_YAML_LIST ? v->items[i] : v;
		add_name(r, step, one->text, one->at);
	}
}

/* ---- how the files are read -------------------------------------------------------------------------------------- */

static void take_encoding(struct reading *r, const struct prs_yaml *map)
{
	const struct prs_yaml *v = jf_value(map, "encoding");
	static const char *const words[] = { "utf8",     "utf8bom",     "ascii", "latin1",
		                             "iso88591", "windows1252", "utf16", "utf32" };
	if (!v || v->kind != PRS_YAML_SCALAR)
		return;
	if (!prs_encoding_find(v->text, &r->t->in.encoding))
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at,
		              "encoding: expected one of utf8, utf8bom, ascii, latin1, iso88591, windows1252, utf16, "
		              "utf32, found \"%.100s\"%s",
		              v->text, jf_nearest(r->m->d, v->text, words, sizeof words / sizeof *words));
}

static void take_path_column(struct reading *r, const struct prs_yaml *map)
{
	const struct prs_yaml *name = jf_value(map, "path_column");
	bool include = false;
	take_truth(r, map, "include_path_column", &include);
	if (!include)
		return;
	r->t->path_column = prs_strdup(name && name->kind == PRS_YAML_SCALAR ? name->text : "Path");
	if (!r->t->path_column)
		nomem(r);
}

static void take_header(struct reading *r, const struct prs_yaml *map)
{
	static const char *const words[] = { "all_files_same_headers", "all_files_different_headers", "from_first_file",
		                             "no_header" };
	const struct prs_yaml *v = jf_value(map, "header");
	if (v && v->kind == PRS_YAML_SCALAR && !prs_header_mode_find(v->text, &r->t->in.header))
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at,
		              "header: expected one of all_files_same_headers, all_files_different_headers, "
		              "from_first_file, no_header, found \"%.100s\"%s",
		              v->text, jf_nearest(r->m->d, v->text, words, sizeof words / sizeof *words));
}

/* One byte of ASCII; '\t', as YAML leaves it between single quotes, is a tab. */
static void take_delimiter(struct reading *r, const struct prs_yaml *map)
{
	const struct prs_yaml *v = prs_yaml_get(map, "delimiter");
	if (!v || v->kind != PRS_YAML_SCALAR || (v->plain && !v->text[0]))
		return;
	const char *text = strcmp(v->text, "\\t") ? v->text : "\t";
	if (strlen(text) > 1)
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at,
		              "delimiter: expected one character of ASCII, found \"%.100s\": no reader splits longer "
		              "ones right inside quotes; write the files with another delimiter",
		              text);
	else if (!*text || strchr("\"\n\r", *text))
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at,
		              "delimiter: expected one character of ASCII that is no quote and no line end, found %s",
		              *text ? "one of these" : "an empty text");
	else
		r->t->in.delimiter = *text;
}

static void read_delimited(struct reading *r, const struct prs_yaml *map)
{
	bool infer = true, many_lines = true;
	jf_check_keys(r->m, map, JF_TABLE_DELIMITED, "read_delimited");
	take_delimiter(r, map);
	take_encoding(r, map);
	take_header(r, map);
	take_path_column(r, map);
	take_truth(r, map, "empty_as_string", &r->t->in.empty_as_string);
	take_truth(r, map, "infer_column_types", &infer);
	take_truth(r, map, "support_multi_line", &many_lines);
	r->t->in.all_strings = !infer;
	r->t->in.one_line = !many_lines;
}

static void read_json_lines(struct reading *r, const struct prs_yaml *map)
{
	const struct prs_yaml *invalid = jf_value(map, "invalid_lines");
	jf_check_keys(r->m, map, JF_TABLE_JSONL, "read_json_lines");
	r->t->in.format = PRS_TABLE_JSONL;
	r->t->in.delimiter = 0;
	take_encoding(r, map);
	take_path_column(r, map);
	if (jf_choice(r->m, invalid, "invalid_lines", "error|drop") && invalid)
		r->t->in.drop_invalid = !strcasecmp(invalid->text, "drop");
}

static void read_parquet(struct reading *r, const struct prs_yaml *map)
{
	jf_check_keys(r->m, map, JF_TABLE_PARQUET, "read_parquet");
	r->t->in.format = PRS_TABLE_PARQUET;
	r->t->in.delimiter = 0;
	take_path_column(r, map);
}

/* ---- what is done with the rows ---------------------------------------------------------------------------------- */

static void keep_columns(struct reading *r, const struct prs_yaml *v, const char *name)
{
	json_t *names = take_names(r, v, name, "the name of a column, or a list of names");
	if (!names)
		return;
	add_names(r, name, v);
	if (r->t && prs_job_table_name(r->t, name, "", "") < 0)
		nomem(r);
	add_step(r, name, names);
}

/* take and skip count the rows of the whole input. */
static void take_rows(struct reading *r, const struct prs_yaml *v, const char *name)
{
	json_int_t n = 0;
	if (r->removes)
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at,
		              "%s: counts rows of the whole input, and the %s above it leaves some out that are not "
		              "counted before the mini-batches run: write %s above %s",
		              name, r->removes, name, r->removes);
	else if (take_count(r, v, name, !strcmp(name, "take"), &n))
		add_step(r, name, json_integer(n));
}

static size_t characters(const char *utf8)
{
	size_t n = 0;
	for (; *utf8; utf8++)
		n += (*utf8 & 0xc0) != 0x80;
	return n;
}

static void filter_rows(struct reading *r, const struct prs_yaml *v, const char *name)
{
	r->removes = r->removes ? r->removes : name;
	if (v->kind != PRS_YAML_SCALAR || !v->text[0]) {
		wrong(r, v, name, "an expression in quotes, as in 'col(\"age\") > 30'");
		return;
	}
	if (characters(v->text) > FILTER_CHARACTERS) {
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at, "filter: expected at most %d characters, found %zu",
		              FILTER_CHARACTERS, characters(v->text));
		return;
	}
	add_name(r, name, "", v->at);
	add_step(r, name, json_string(v->text));
	if (prs_job_table_add_filter(r->t, v->text, v->at) < 0)
		nomem(r);
}

static void sample_rows(struct reading *r, const struct prs_yaml *v, const char *name)
{
	const struct prs_yaml *p = jf_value(v, "probability"), *seed = jf_value(v, "seed");
	char *end = NULL;
	json_int_t seeded = 0;
	r->removes = r->removes ? r->removes : name;
	if (v->kind != PRS_YAML_MAP || !p) {
		wrong(r, v, name, "probability: 0.1 below it, and perhaps seed: 7");
		return;
	}
	jf_check_keys(r->m, v, JF_TABLE_SAMPLE, name);
	double probability = p->kind == PRS_YAML_SCALAR ? strtod(p->value, &end) : -1;
	if (!end || end == p->value || *end || !(probability >= 0 && probability <= 1))
		wrong(r, p, "probability", "a number from 0 to 1");
	else if (!seed || take_count(r, seed, "seed", 0, &seeded))
		add_step(r, name, json_pack("{s:f, s:I}", "probability", probability, "seed", seeded));
}

/* {key:yyyy/MM}, as the documentation has it, is a map in YAML, with a key and no value: its text. The caller frees. */
static char *format_text(const struct prs_yaml *v)
{
	const struct prs_yaml *inner = v->kind == PRS_YAML_MAP ? jf_value(v, "partition_format") : v;
	bool bare = v->kind == PRS_YAML_MAP && v->n == 1 && !inner && strcmp(v->keys[0]->text, "partition_format");
	if (bare && v->items[0]->kind == PRS_YAML_SCALAR && v->items[0]->type == PRS_YAML_NULL)
		return prs_strf("{%s}", v->keys[0]->text);
	return inner && inner->kind == PRS_YAML_SCALAR && inner->text[0] ? prs_strdup(inner->text) : NULL;
}

static void take_format(struct reading *r, const struct prs_yaml *v, const char *name)
{
	struct prs_err err = { 0 };
	PRS_AUTOFREE char *text = format_text(v);
	if (!text) {
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at, "%s: expected partition_format: FORMAT below it", name);
		return;
	}
	prs_freep(&r->in->partition_format);
	r->in->partition_format = prs_strdup(text);
	if (!r->in->partition_format)
		nomem(r);
	if (!r->t)
		return;
	struct prs_partition *p = prs_partition_new(text, NULL, &err);
	if (!p)
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at, "%s", err.msg);
	prs_partition_free(p);
	for (const char *key = text; (key = strchr(key, '{')) != NULL;) {
		size_t n = strcspn(++key, ":}");
		PRS_AUTOFREE char *column = prs_strf("%.*s", (int)n, key);
		add_name(r, name, column ? column : "", v->at);
	}
	add_step(r, name, json_string(text));
}

/* ---- convert_column_types ---------------------------------------------------------------------------------------- */

static json_t *datetime_type(struct reading *r, const struct prs_yaml *v)
{
	static const char expected[] = "a format as Python's strptime has it, as in \"%d.%m.%Y\", or a list of them";
	const struct prs_yaml *formats = jf_value(v, "formats");
	if (v->kind == PRS_YAML_SCALAR && !v->text[0])
		return json_string("datetime");
	if (v->kind != PRS_YAML_MAP || !formats) {
		wrong(r, v, "datetime", "formats: below it, with a list of formats such as \"%d.%m.%Y\"");
		return NULL;
	}
	jf_check_keys(r->m, v, JF_TABLE_DATETIME, "datetime");
	json_t *list = take_names(r, formats, "formats", expected);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!strchr(json_string_value(json_array_get(list, i)), '%')) {
			wrong(r, formats->kind == PRS_YAML_LIST ? formats->items[i] : formats, "formats", expected);
			json_decref(list);
			return NULL;
		}
	return list ? json_pack("{s:{s:o}}", "datetime", "formats", list) : NULL;
}

static json_t *boolean_type(struct reading *r, const struct prs_yaml *v)
{
	static const char expected[] = "a list of texts, as in [\"yes\", \"1\"]";
	const struct prs_yaml *yes = jf_value(v, "true_values"), *no = jf_value(v, "false_values"),
			      *mismatch = jf_value(v, "mismatch_as");
	if (v->kind == PRS_YAML_SCALAR && !v->text[0])
		return json_string("boolean");
	if (v->kind != PRS_YAML_MAP || !yes || !no) {
		wrong(r, v, "boolean", "true_values: and false_values: below it");
		return NULL;
	}
	jf_check_keys(r->m, v, JF_TABLE_BOOLEAN, "boolean");
	if (mismatch && (mismatch->kind != PRS_YAML_SCALAR || strcmp(mismatch->text, "error") != 0))
		wrong(r, mismatch, "mismatch_as", "error: another value ends its mini-batch");
	json_t *true_values = take_names(r, yes, "true_values", expected),
	       *false_values = take_names(r, no, "false_values", expected);
	if (true_values && false_values)
		return json_pack("{s:{s:o, s:o}}", "boolean", "true_values", true_values, "false_values", false_values);
	json_decref(true_values);
	json_decref(false_values);
	return NULL;
}

static json_t *type_word(struct reading *r, const struct prs_yaml *v)
{
	static const char *const words[] = { "int", "float", "string", "boolean", "datetime" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(v->text, words[i]))
			return json_string(words[i]);
	if (!strcmp(v->text, "stream_info"))
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at,
		              "column_type: stream_info makes references to files of a cloud store of the texts of a "
		              "column; there is no such store here: leave the column a string, and open the file in "
		              "run()");
	else
		prs_yaml_find(r->m->d, PRS_MISTAKE, v->at,
		              "column_type: expected int, float, string, boolean or datetime, found \"%.100s\"%s",
		              v->text, jf_nearest(r->m->d, v->text, words, sizeof words / sizeof *words));
	return NULL;
}

static json_t *type_of(struct reading *r, const struct prs_yaml *v)
{
	if (v->kind == PRS_YAML_SCALAR)
		return type_word(r, v);
	const char *key = v->kind == PRS_YAML_MAP && v->n == 1 ? v->keys[0]->text : "";
	if (!strcmp(key, "datetime"))
		return datetime_type(r, v->items[0]);
	if (!strcmp(key, "boolean"))
		return boolean_type(r, v->items[0]);
	if (*key && v->items[0]->kind == PRS_YAML_SCALAR && !v->items[0]->text[0])
		return type_word(r, v->keys[0]);
	wrong(r, v, "column_type", "int, float, string, boolean, datetime, or datetime: or boolean: with their keys");
	return NULL;
}

static void add_text_columns(struct reading *r, const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		bool there = false;
		for (size_t k = 0; k < r->t->text_columns.n; k++)
			there = there || !strcmp(r->t->text_columns.v[k], name);
		if (!there && prs_list_add(&r->t->text_columns, name) < 0)
			nomem(r);
	}
}

static json_t *conversion(struct reading *r, const struct prs_yaml *v)
{
	const struct prs_yaml *columns = jf_value(v, "columns"), *type = jf_value(v, "column_type");
	if (v->kind != PRS_YAML_MAP || !columns || !type) {
		jf_check_keys(r->m, v, JF_TABLE_CONVERT, "convert_column_types");
		if (!jf_misspelt(r->m, "columns") && !jf_misspelt(r->m, "column_type"))
			wrong(r, v, "convert_column_types", "a list of entries with columns: and column_type:");
		return NULL;
	}
	jf_check_keys(r->m, v, JF_TABLE_CONVERT, "convert_column_types");
	json_t *names = take_names(r, columns, "columns", "the name of a column, or a list of names"),
	       *to = type_of(r, type);
	add_text_columns(r, names);
	if (names)
		add_names(r, "convert_column_types", columns);
	if (names && to)
		return json_pack("{s:o, s:o}", "columns", names, "type", to);
	json_decref(names);
	json_decref(to);
	return NULL;
}

static void convert_columns(struct reading *r, const struct prs_yaml *v, const char *name)
{
	json_t *all = json_array();
	size_t n = v->kind == PRS_YAML_LIST ? v->n : 1;
	for (size_t i = 0; i < n; i++) {
		json_t *one = conversion(r, v->kind == PRS_YAML_LIST ? v->items[i] : v);
		if (one)
			json_array_append_new(all, one);
	}
	add_step(r, name, all);
}

/* ---- the transformations ----------------------------------------------------------------------------------------- */

typedef void read_fn(struct reading *r, const struct prs_yaml *map);
typedef void step_fn(struct reading *r, const struct prs_yaml *value, const char *name);

static const struct transformation {
	const char *name;
	read_fn *read; /* how the files are read; its value may be missing */
	step_fn *step;
} transformations[] = {
	{ "read_delimited", read_delimited, NULL },
	{ "read_json_lines", read_json_lines, NULL },
	{ "read_parquet", read_parquet, NULL },
	{ "keep_columns", NULL, keep_columns },
	{ "drop_columns", NULL, keep_columns },
	{ "convert_column_types", NULL, convert_columns },
	{ "take", NULL, take_rows },
	{ "skip", NULL, take_rows },
	{ "filter", NULL, filter_rows },
	{ "take_random_sample", NULL, sample_rows },
	{ "extract_columns_from_partition_format", NULL, take_format },
};
enum { TRANSFORMATIONS = sizeof transformations / sizeof *transformations };

static const struct transformation *find_transformation(const char *name)
{
	for (size_t i = 0; i < TRANSFORMATIONS; i++)
		if (!strcmp(transformations[i].name, name))
			return &transformations[i];
	return NULL;
}

static void unknown(struct reading *r, const struct prs_yaml *name)
{
	const char *names[TRANSFORMATIONS];
	for (size_t i = 0; i < TRANSFORMATIONS; i++)
		names[i] = transformations[i].name;
	if (name->kind != PRS_YAML_SCALAR)
		prs_yaml_find(r->m->d, PRS_MISTAKE, name->at,
		              "transformations: expected one transformation in each entry, as in - read_delimited:, "
		              "found %s",
		              prs_yaml_kind_name(name));
	else if (!strcmp(name->text, "read_delta_lake"))
		prs_yaml_find(r->m->d, PRS_MISTAKE, name->at,
		              "read_delta_lake: Delta tables are not read by this version: name the Parquet files of "
		              "one version, with read_parquet");
	else
		prs_yaml_find(r->m->d, PRS_MISTAKE, name->at, "%.100s is no transformation of an MLTable%s", name->text,
		              jf_nearest(r->m->d, name->text, names, TRANSFORMATIONS));
}

static void begin_table(struct reading *r, const struct transformation *t, const struct prs_yaml *name,
                        const struct prs_yaml *value)
{
	if (r->t) {
		prs_yaml_find(r->m->d, PRS_MISTAKE, name->at, "%s: the files are read already: keep one", t->name);
		return;
	}
	r->t = r->in->table = prs_job_table_new();
	if (!r->t)
		nomem(r);
	else if (value && value->kind != PRS_YAML_MAP)
		wrong(r, value, t->name, "keys and values, or nothing");
	else
		t->read(r, value);
}

static void one_transformation(struct reading *r, const struct prs_yaml *entry)
{
	bool pair = entry->kind == PRS_YAML_MAP && entry->n == 1;
	const struct prs_yaml *name = pair ? entry->keys[0] : entry, *value = pair ? entry->items[0] : NULL;
	const struct transformation *t = name->kind == PRS_YAML_SCALAR ? find_transformation(name->text) : NULL;
	if (value && value->kind == PRS_YAML_SCALAR && value->type == PRS_YAML_NULL)
		value = NULL;
	if (!t)
		unknown(r, name);
	else if (t->read)
		begin_table(r, t, name, value);
	else if (!r->t && t->step != take_format)
		prs_yaml_find(r->m->d, PRS_MISTAKE, name->at,
		              "%s: changes the rows of a table: write read_delimited, read_json_lines or read_parquet "
		              "above it; without one of them the input is the list of files",
		              t->name);
	else if (!value)
		prs_yaml_find(r->m->d, PRS_MISTAKE, name->at, "%s: expected %s", t->name,
		              t->step == take_format ? "partition_format: FORMAT below it" : "a value behind it");
	else
		t->step(r, value, t->name);
}

void jf_transformations(struct jobfile *m, struct prs_job_input *in, const struct prs_yaml *list)
{
	struct reading r = { .m = m, .in = in, .steps = json_array() };
	if (!r.steps)
		nomem(&r);
	for (size_t i = 0; i < list->n && !m->d->failed; i++)
		one_transformation(&r, list->items[i]);
	char *text = r.t && json_array_size(r.steps) ? json_dumps(r.steps, PRS_JOB_STEPS_JSON) : NULL;
	if (text && !(r.t->steps = prs_strdup(text)))
		nomem(&r);
	free(text);
	json_decref(r.steps);
}
