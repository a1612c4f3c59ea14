/* SPDX-License-Identifier: Apache-2.0
 * plan_table: numbers are kept as they are, 8 bytes a mini-batch, and sorted: a median is wanted, and a person asks for
 * a plan.
 */
#include "cli/plan_table.h"

#include "base/hive.h"
#include "base/many.h"
#include "base/mem.h"
#include "base/partition.h"
#include "base/text.h"
#include "base/wrap.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_SHOWN = 40, CELL_CHARACTERS = 24 };

void plan_table_done(struct plan_table *t)
{
	prs_freep(&t->per_file.v);
	prs_freep(&t->row_counts.v);
	prs_freep(&t->byte_counts.v);
	json_decref(t->schema);
	json_decref(t->first);
	json_decref(t->columns);
	json_decref(t->steps);
	prs_freep(&t->path);
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

static int add_number(struct plan_numbers *to, uint64_t v)
{
	if (to->n == to->cap) {
		size_t cap = to->cap ? to->cap * 2 : 64;
		uint64_t *grown = prs_realloc(to->v, cap * sizeof *grown);
		if (!grown)
			return -PRS_ENOMEM;
		to->v = grown;
		to->cap = cap;
	}
	to->v[to->n++] = v;
	return 0;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void sort(struct plan_numbers *v)
{
	if (v->n)
		qsort(v->v, v->n, sizeof *v->v, by_size);
}

static int add_mini_batch(struct plan_table *t, uint64_t rows, uint64_t bytes)
{
	t->rows += rows;
	t->bytes += bytes;
	if (add_number(&t->row_counts, rows) < 0 || (bytes && add_number(&t->byte_counts, bytes) < 0))
		return -PRS_ENOMEM;
	return 0;
}

static int end_file(struct plan_table *t)
{
	uint64_t n = t->of_file;
	t->of_file = 0;
	return n ? add_number(&t->per_file, n) : 0;
}

/* SLICES, PARQUET: those of a file follow each other. */
static int add_slices(struct plan_table *t, const struct prs_plan_record *r)
{
	bool parquet = r->type == PRS_PLAN_PARQUET;
	struct prs_reader packed = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { .offset = r->u.slices.offset };
	if (t->of_file && t->file != r->u.slices.file && end_file(t) < 0)
		return -PRS_ENOMEM;
	t->file = r->u.slices.file;
	while (packed.left && !packed.bad) {
		prs_slice_next(&packed, parquet, &at);
		t->of_file++;
		if (add_mini_batch(t, at.rows, at.bytes) < 0)
			return -PRS_ENOMEM;
	}
	return 0;
}

static int add_group(struct plan_table *t, const struct prs_plan_record *r)
{
	uint64_t rows = 0, bytes = 0;
	for (uint32_t i = 0; i < r->u.table_group.ranges_n; i++) {
		struct prs_table_range range = prs_table_range_get(r->u.table_group.ranges + i * PRS_TABLE_RANGE_BYTES);
		rows += range.rows;
		bytes += range.bytes;
	}
	return add_mini_batch(t, rows, bytes);
}

static int add_files(struct plan_table *t, const struct prs_plan_record *r)
{
	if (!t->files)
		t->first_file = r->u.files.first_file;
	t->files += r->u.files.count;
	return 0;
}

int plan_table_add(struct plan_table *t, const struct prs_plan_record *r)
{
	switch (r->type) {
	case PRS_PLAN_SLICES:
	case PRS_PLAN_PARQUET: return add_slices(t, r);
	case PRS_PLAN_TABLE_GROUP: return add_group(t, r);
	case PRS_PLAN_FILES: return add_files(t, r);
	case PRS_PLAN_SCHEMA:
		if (!t->schema)
			t->schema = json_loadb(r->u.schema.json, r->u.schema.bytes, 0, NULL);
		return 0;
	case PRS_PLAN_HEAD:
	case PRS_PLAN_INPUT:
	case PRS_PLAN_DIR:
	case PRS_PLAN_RULE:
	case PRS_PLAN_GROUP:
	case PRS_PLAN_END:
	case PRS_PLAN_PART: break;
	}
	return 0;
}

/* ---- the columns of the frame ------------------------------------------------------------------------------------ */

static size_t find_column(const json_t *columns, const char *name)
{
	size_t i = 0;
	while (i < json_array_size(columns) &&
	       strcmp(json_string_value(json_object_get(json_array_get(columns, i), "name")), name) != 0)
		i++;
	return i;
}

static bool has_name(const json_t *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++)
		if (!strcmp(json_string_value(json_array_get(names, i)), name))
			return true;
	return false;
}

/* Kind and value behind the name of the key; none for a null. */
static json_t *path_value(const char *key)
{
	const char *kind = key + strlen(key) + 1;
	size_t n = strlen(kind) - 1, day = sizeof "yyyy-MM-dd" - 1;
	if (*kind == PRS_KEY_NULL)
		return json_null();
	return json_stringn(kind + 1, *kind == PRS_KEY_DATE && !strcmp(kind + 1 + day, "T00:00:00") ? day : n);
}

/* What the path says of a key, by a format or its folders; NULL: nothing. */
static json_t *value_in_path(const char *path, const char *key, const char *format)
{
	struct prs_list one = { 0 };
	size_t missing;
	int k = 0;
	PRS_AUTOBUF found;
	prs_buf_init(&found, 1 << 20);
	if (!path || prs_list_add(&one, key) < 0)
		return NULL;
	struct prs_partition *p = format && format[0] ? prs_partition_new(format, &one, NULL) : NULL;
	if (p)
		k = prs_partition_match(p, path, &found);
	else if (!format || !format[0])
		k = prs_hive_match(&one, path, &found, &missing);
	prs_partition_free(p);
	prs_list_done(&one);
	return k == 1 && !found.failed ? path_value(prs_buf_str(&found)) : NULL;
}

/* Takes `value`; a column of the file with that name gives its place. */
static void add_of_path(json_t *columns, const char *name, const char *type, json_t *value)
{
	json_t *column = json_pack("{s:s, s:s, s:s}", "name", name, "type", type, "from", "path");
	size_t at = find_column(columns, name);
	if (value)
		json_object_set_new(column, "value", value);
	if (at < json_array_size(columns))
		json_array_set_new(columns, at, column);
	else
		json_array_append_new(columns, column);
}

/* The type of a key that the format has, which begins at `at`: {key} is a text, {key:...} a date. */
static const char *type_of_key(const char *at) { return at[strcspn(at, ":}")] == ':' ? "date" : "string"; }

static void add_extracted(struct plan_table *t, const char *format)
{
	for (const char *p = format; (p = strchr(p, '{')) != NULL; p++) {
		PRS_AUTOFREE char *name = prs_strf("%.*s", (int)strcspn(p + 1, ":}"), p + 1);
		if (name)
			add_of_path(t->columns, name, type_of_key(p + 1), value_in_path(t->path, name, format));
	}
}

static bool has_key(const char *format, const char *name, const char **ret_at)
{
	size_t n = strlen(name);
	for (const char *p = format; p && (p = strchr(p, '{')) != NULL;)
		if (!strncmp(++p, name, n) && p[n] && strchr(":}", p[n])) {
			*ret_at = p;
			return true;
		}
	return false;
}

/* Those that are no columns of the file, and that no step takes from the path. */
static void add_keys(struct plan_table *t, const struct prs_list *keys, const char *format, const char *extracted)
{
	for (size_t i = 0; i < keys->n; i++) {
		const char *name = keys->v[i], *at = "";
		bool in_format = has_key(format, name, &at), there = false;
		there = find_column(t->columns, name) < json_array_size(t->columns);
		if (!there && !has_key(extracted, name, &at))
			add_of_path(t->columns, name, in_format ? type_of_key(at) : "string",
			            value_in_path(t->path, name, format));
	}
}

static void keep(json_t *columns, const json_t *names, bool those)
{
	for (size_t i = json_array_size(columns); i-- > 0;) {
		const char *name = json_string_value(json_object_get(json_array_get(columns, i), "name"));
		if (has_name(names, name) != those)
			json_array_remove(columns, i);
	}
}

static void convert(json_t *columns, const json_t *entries)
{
	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i), *type = json_object_get(entry, "type");
		const char *word = json_is_string(type)
		                           ? json_string_value(type)
		                           : json_object_iter_key(json_object_iter((json_t *)(uintptr_t)type));
		for (size_t k = 0; k < json_array_size(columns); k++) {
			json_t *column = json_array_get(columns, k);
			const char *name = json_string_value(json_object_get(column, "name"));
			if (!word || !has_name(json_object_get(entry, "columns"), name))
				continue;
			json_object_set_new(column, "type", json_string(strcmp(word, "datetime") ? word : "date"));
			json_object_set_new(column, "from", json_string("convert_column_types"));
		}
	}
}

static void step(struct plan_table *t, const char *name, const json_t *value)
{
	json_array_append_new(t->steps, json_string(name));
	if (!strcmp(name, "keep_columns") || !strcmp(name, "drop_columns"))
		keep(t->columns, value, name[0] == 'k');
	else if (!strcmp(name, "convert_column_types"))
		convert(t->columns, value);
	else if (!strcmp(name, "extract_columns_from_partition_format"))
		add_extracted(t, json_string_value(value));
}

static const char *format_of(const json_t *steps)
{
	const char *found = NULL;
	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *format = json_object_get(json_array_get(steps, i),
		                                       "extract_columns_from_partition_format");
		found = format ? json_string_value(format) : found;
	}
	return found;
}

static void make_columns(struct plan_table *t, const struct prs_table_input *in, const char *format,
                         const struct prs_list *keys)
{
	const json_t *columns = json_object_get(t->schema, "columns");
	json_t *steps = in->steps ? json_loads(in->steps, 0, NULL) : NULL;
	bool parquet = in->format == PRS_TABLE_PARQUET;
	t->columns = json_array();
	t->steps = json_array();
	for (size_t i = 0; i < json_array_size(columns); i++) {
		json_t *column = json_deep_copy(json_array_get(columns, i));
		json_object_del(column, "field");
		json_object_set_new(column, "from", json_string(parquet ? "file" : "sample"));
		json_object_set_new(column, "at", json_integer((json_int_t)i));
		json_array_append_new(t->columns, column);
	}
	if (in->path_column)
		add_of_path(t->columns, in->path_column, "string", t->path ? json_string(t->path) : NULL);
	add_keys(t, keys, format, format_of(steps));
	for (size_t i = 0; i < json_array_size(steps); i++) {
		json_t *one = json_array_get(steps, i);
		void *at = json_object_iter(one);
		step(t, json_object_iter_key(at), json_object_iter_value(at));
	}
	json_decref(steps);
}

void plan_table_read(struct plan_table *t, const struct plan_look *look, const char *format,
                     const struct prs_list *keys)
{
	t->first = plan_rows_read(look, t->schema, &t->path);
	make_columns(t, look->in, format, keys);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void put_label(struct prs_buf *to, const char *label) { prs_buf_putf(to, "  %-14s", label); }

/* "12 rows", "5 to 12 rows, median 7" */
static void put_numbers(struct prs_buf *to, struct plan_numbers *v, const char *noun)
{
	sort(v);
	uint64_t least = v->v[0], most = v->v[v->n - 1];
	if (least != most) {
		prs_put_count(to, least);
		prs_buf_puts(to, " to ");
	}
	prs_put_many(to, most, noun);
	if (least != most) {
		prs_buf_puts(to, ", median ");
		prs_put_count(to, v->v[v->n / 2]);
	}
	prs_buf_putc(to, '\n');
}

/* So much of a text as a line has room for, as it may reach a terminal. */
static void put_cell(struct prs_buf *to, const json_t *v, enum prs_cut where)
{
	const char *text = json_is_string(v) ? json_string_value(v) : "null";
	PRS_AUTOBUF plain;
	prs_buf_init(&plain, PLAN_READ_BYTES * 8);
	prs_put_plain(&plain, text);
	prs_put_cut(to, prs_buf_str(&plain), CELL_CHARACTERS, where, cli_shows_utf8());
}

/* Of a column of the frame what the k-th of the first rows holds; NULL: that is not known. */
static json_t *cell_of(const struct plan_table *t, const json_t *column, size_t k)
{
	const json_t *at = json_object_get(column, "at");
	return at ? json_array_get(json_array_get(t->first, k), (size_t)json_integer_value(at))
	          : json_object_get(column, "value");
}

static void put_column(const struct plan_table *t, const json_t *column, struct prs_buf *to)
{
	const char *from = json_string_value(json_object_get(column, "from"));
	put_label(to, "");
	prs_put_plain(to, json_string_value(json_object_get(column, "name")));
	bool usual = !strcmp(from, "sample") || !strcmp(from, "file");
	prs_buf_putf(to, " (%s%s%s)", json_string_value(json_object_get(column, "type")), usual ? "" : ", ",
	             usual ? "" : from);
	for (size_t k = 0; k < json_array_size(t->first) && cell_of(t, column, k); k++) {
		prs_buf_puts(to, k ? ", " : ": ");
		put_cell(to, cell_of(t, column, k), strcmp(from, "path") ? PRS_CUT_END : PRS_CUT_FRONT);
	}
	prs_buf_putc(to, '\n');
}

static void put_columns(const struct plan_table *t, struct prs_buf *to)
{
	const json_t *sampled = json_object_get(t->schema, "sampled");
	size_t n = json_array_size(t->columns), shown = n > COLUMNS_SHOWN ? COLUMNS_SHOWN : n;
	put_label(to, "columns");
	const char *format = json_string_value(json_object_get(t->schema, "format"));
	bool parquet = format && !strcmp(format, "parquet");
	prs_buf_putf(to, "%zu, types from %s", n, parquet ? "the files" : "a sample of ");
	if (!parquet)
		prs_put_many(to, (uint64_t)json_integer_value(sampled), "row");
	prs_buf_puts(to, json_array_size(t->first) ? "; what the first ones hold:\n" : "\n");
	for (size_t i = 0; i < shown; i++)
		put_column(t, json_array_get(t->columns, i), to);
	if (shown < n) {
		put_label(to, "");
		prs_buf_putf(to, "and %zu more\n", n - shown);
	}
	for (size_t i = 0; i < json_array_size(t->steps); i++) {
		if (i == 0)
			put_label(to, "then");
		prs_buf_putf(to, "%s%s", i ? ", " : "", json_string_value(json_array_get(t->steps, i)));
	}
	if (json_array_size(t->steps))
		prs_buf_putc(to, '\n');
}

void plan_table_put(struct plan_table *t, const char *name, struct prs_buf *to)
{
	if (!t->row_counts.n || end_file(t) < 0)
		return;
	if (name) {
		put_label(to, "of");
		prs_buf_putf(to, "%s:\n", name);
	}
	if (t->per_file.n) {
		put_label(to, "a file has");
		put_numbers(to, &t->per_file, "mini-batch");
	}
	put_label(to, "each has");
	put_numbers(to, &t->row_counts, "row");
	if (t->byte_counts.n) {
		put_label(to, "");
		put_numbers(to, &t->byte_counts, "byte");
	}
	if (t->schema)
		put_columns(t, to);
}

/* ---- json -------------------------------------------------------------------------------------------------------- */

static json_t *numbers_of(struct plan_numbers *v)
{
	sort(v);
	if (!v->n)
		return json_null();
	return json_pack("{s:I, s:I, s:I}", "min", (json_int_t)v->v[0], "median", (json_int_t)v->v[v->n / 2], "max",
	                 (json_int_t)v->v[v->n - 1]);
}

/* The first rows by the columns of the frame. */
static json_t *rows_of(const struct plan_table *t)
{
	json_t *rows = json_array();
	for (size_t k = 0; k < json_array_size(t->first); k++) {
		json_t *row = json_object();
		for (size_t i = 0; i < json_array_size(t->columns); i++) {
			const json_t *column = json_array_get(t->columns, i);
			json_t *cell = cell_of(t, column, k);
			if (cell)
				json_object_set(row, json_string_value(json_object_get(column, "name")), cell);
		}
		json_array_append_new(rows, row);
	}
	return rows;
}

void plan_table_json(struct plan_table *t, json_t *to)
{
	if (end_file(t) < 0)
		return;
	const json_t *sampled = json_object_get(t->schema, "sampled");
	json_object_set_new(to, "first_rows", rows_of(t));
	for (size_t i = 0; i < json_array_size(t->columns); i++) {
		json_object_del(json_array_get(t->columns, i), "at");
		json_object_del(json_array_get(t->columns, i), "value");
	}
	json_object_set_new(to, "files", json_integer((json_int_t)t->files));
	json_object_set_new(to, "rows", json_integer((json_int_t)t->rows));
	json_object_set_new(to, "bytes", json_integer((json_int_t)t->bytes));
	json_object_set_new(to, "mini_batches_of_a_file", numbers_of(&t->per_file));
	json_object_set_new(to, "rows_of_a_mini_batch", numbers_of(&t->row_counts));
	json_object_set_new(to, "bytes_of_a_mini_batch", numbers_of(&t->byte_counts));
	json_object_set_new(to, "columns", t->columns ? json_incref(t->columns) : json_array());
	json_object_set_new(to, "steps", t->steps ? json_incref(t->steps) : json_array());
	json_object_set_new(to, "sampled_rows", sampled ? json_deep_copy(sampled) : json_integer(0));
}
