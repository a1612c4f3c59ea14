/* SPDX-License-Identifier: Apache-2.0
 * test_cells: cells, types and names of tables: the examples of docs/tables.md, and what they do not say.
 */
#include "data/columns.h"
#include "base/mem.h"
#include "data/objects.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the page ---------------------------------------------------------------------------------------------------- */

struct example {
	json_t *v[3]; /* what stands in `backticks` as JSON, else the words as a string */
	char line[400];
};

typedef void example_fn(const struct example *e);

static json_t *value_of(char *text)
{
	size_t n = strlen(text);
	if (*text != '`')
		return json_string(text);
	text[n - 1] = 0;
	text++;
	json_t *v = strchr("\"[", *text) ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
	if (v)
		return v;
	return json_string(!strcmp(text, "\\t") ? "\t" : text);
}

static void run_example(const char *line, example_fn *fn)
{
	struct example e = { .v = { NULL } };
	snprintf(e.line, sizeof e.line, "%.*s", (int)strcspn(line, "\n"), line);
	char text[400];
	snprintf(text, sizeof text, "%s", e.line);
	char *p = text + 2;
	for (size_t i = 0; i < 3; i++) {
		char *end = strstr(p, " |");
		if (!end)
			break;
		*end = 0;
		e.v[i] = value_of(p);
		p = end[2] ? end + 3 : end + 2;
	}
	fn(&e);
	for (size_t i = 0; i < 3; i++)
		json_decref(e.v[i]);
}

/* Every row of the table with that first line; returns how many. */
static int run_examples(const char *head, example_fn *fn)
{
	FILE *f = fopen(PRS_SOURCE_ROOT "/docs/tables.md", "r");
	assert_non_null(f);
	char line[1000];
	int rows = -1; /* -1: not in the table; the line below its head is no row */
	bool in = false;
	while (fgets(line, sizeof line, f)) {
		if (!in)
			in = !strncmp(line, head, strlen(head));
		else if (line[0] != '|')
			break;
		else if (++rows > 0)
			run_example(line, fn);
	}
	fclose(f);
	return rows;
}

static const char *word(const json_t *v) { return json_string_value(v); }

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static void split(struct prs_cells *c, const json_t *record, char delimiter)
{
	size_t n = json_string_length(record), used;
	struct prs_err err = { 0 };
	prs_cells_init(c, 4096);
	uint8_t *exact = malloc(n);
	memcpy(exact, word(record), n);
	assert_int_equal(prs_cells_split(c, exact, n, delimiter, &used, &err), 0);
	free(exact);
	assert_int_equal(used, n);
}

static void check_record(const struct example *e)
{
	struct prs_cells c;
	split(&c, e->v[0], *word(e->v[1]));
	if (c.n != json_array_size(e->v[2]))
		fail_msg("%s: %zu cells", e->line, c.n);
	for (size_t i = 0; i < c.n; i++) {
		const json_t *want = json_array_get(e->v[2], i);
		if (c.v[i].n != json_string_length(want) || memcmp(prs_cells_at(&c, i), word(want), c.v[i].n))
			fail_msg("%s: cell %zu is \"%.*s\"", e->line, i, (int)c.v[i].n,
			         (const char *)prs_cells_at(&c, i));
	}
	prs_cells_done(&c);
}

static void test_records(void **state)
{
	(void)state;
	assert_true(run_examples("| record | delimiter | cells |", check_record) >= 16);
}

static enum prs_cell_class class_of(const json_t *cell)
{
	size_t n = json_string_length(cell);
	uint8_t *exact = malloc(n + 1);
	memcpy(exact, word(cell), n);
	enum prs_cell_class c = prs_cell_class(exact, n);
	free(exact);
	return c;
}

static void check_cell(const struct example *e)
{
	const char *is = prs_cell_class_name(class_of(e->v[0]));
	if (strcmp(is, word(e->v[1])))
		fail_msg("%s: it is %s", e->line, is);
}

static void test_classes(void **state)
{
	(void)state;
	assert_true(run_examples("| cell | is |", check_cell) >= 60);
	static const uint8_t nul[] = { '1', 0 };
	assert_int_equal(prs_cell_class(nul, 2), PRS_CELL_TEXT);
	assert_int_equal(prs_cell_class(nul, 1), PRS_CELL_INT);
	assert_int_equal(prs_cell_class((const uint8_t *)"1\0e5", 4), PRS_CELL_TEXT);
}

/* A slice, record by record: as many rows as the scan says, and every byte once. */
static void test_slice(void **state)
{
	(void)state;
	static const char text[] = "a,b\r\n\n\"x\ny\",1\r\r\n  \n\"\"\nlast,\"2\"";
	struct prs_cells c;
	struct prs_err err = { 0 };
	size_t at = 0, rows = 0, used;
	prs_cells_init(&c, 4096);
	for (; at < sizeof text - 1; at += used) {
		assert_int_equal(prs_cells_split(&c, (const uint8_t *)text + at, sizeof text - 1 - at, ',', &used,
		                                 &err),
		                 0);
		assert_true(used > 0);
		rows += c.n > 0;
	}
	assert_int_equal(at, sizeof text - 1);
	assert_int_equal(rows, 5);
	assert_int_equal(c.n, 2);
	prs_cells_done(&c);
}

static void test_what_is_no_record(void **state)
{
	(void)state;
	struct prs_cells c;
	struct prs_err err = { 0 };
	size_t used;
	prs_cells_init(&c, 8);
	assert_int_equal(prs_cells_split(&c, (const uint8_t *)"a,\"b\n", 5, ',', &used, &err), -PRS_EINVALID);
	assert_int_equal(prs_cells_split(&c, (const uint8_t *)"a,\"", 3, ',', &used, &err), -PRS_EINVALID);
	assert_int_equal(prs_cells_split(&c, (const uint8_t *)"\"\"\"", 3, ',', &used, &err), -PRS_EINVALID);
	assert_int_equal(prs_cells_split(&c, (const uint8_t *)"123456789", 9, ',', &used, &err), -PRS_ELIMIT);
	assert_int_equal(prs_cells_split(&c, (const uint8_t *)"12345678", 8, ',', &used, &err), 0);
	prs_cells_done(&c);
}

/* ---- types ------------------------------------------------------------------------------------------------------- */

static struct prs_column fold(const json_t *cells)
{
	struct prs_columns columns;
	struct prs_err err = { 0 };
	size_t i;
	json_t *cell;
	assert_int_equal(prs_columns_init(&columns, 1, &err), 0);
	json_array_foreach (cells, i, cell) {
		struct prs_cells row;
		size_t n = json_string_length(cell), used;
		char text[100] = "\"\"";
		if (n)
			snprintf(text, sizeof text, "%s", word(cell));
		prs_cells_init(&row, 4096);
		assert_int_equal(prs_cells_split(&row, (const uint8_t *)text, n ? n : 2, ',', &used, &err), 0);
		prs_columns_add(&columns, &row, NULL);
		prs_cells_done(&row);
	}
	assert_int_equal(columns.rows, json_array_size(cells));
	struct prs_column column = columns.v[0];
	prs_columns_done(&columns);
	return column;
}

static void check_type(const struct example *e)
{
	struct prs_column column = fold(e->v[0]);
	const char *is = prs_type_name(prs_column_type(&column, PRS_FORMAT_DELIMITED));
	if (strcmp(is, word(e->v[1])))
		fail_msg("%s: it is %s", e->line, is);
}

static void test_types(void **state)
{
	(void)state;
	assert_true(run_examples("| cells of the sample | type |", check_type) >= 20);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static void header_of(struct prs_cells *c, const json_t *names)
{
	PRS_AUTOBUF text;
	struct prs_err err = { 0 };
	size_t i, used;
	json_t *name;
	prs_buf_init(&text, 4096);
	json_array_foreach (names, i, name)
		prs_buf_putf(&text, "%s\"%s\"", i ? "," : "", word(name));
	prs_cells_init(c, 4096);
	assert_int_equal(prs_cells_split(c, text.data, text.len, ',', &used, &err), 0);
}

static struct prs_names names_of(const json_t *header)
{
	struct prs_cells c;
	struct prs_names names;
	struct prs_err err = { 0 };
	header_of(&c, header);
	assert_int_equal(prs_names_of(&c, PRS_ENCODING_UTF8, &names, &err), 0);
	prs_cells_done(&c);
	return names;
}

static void check_names(const struct example *e)
{
	struct prs_names names = names_of(e->v[0]);
	assert_int_equal(names.n, json_array_size(e->v[1]));
	for (size_t i = 0; i < names.n; i++)
		if (strcmp(names.v[i], word(json_array_get(e->v[1], i))))
			fail_msg("%s: name %zu is \"%s\"", e->line, i, names.v[i]);
	prs_names_done(&names);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(run_examples("| header | names |", check_names) >= 7);
	struct prs_names names;
	struct prs_err err = { 0 };
	assert_int_equal(prs_names_numbered(2, &names, &err), 0);
	assert_string_equal(names.v[0], "Column1");
	assert_string_equal(names.v[1], "Column2");
	prs_names_done(&names);
}

static struct prs_names names_in(const char *json)
{
	json_t *list = json_loads(json, 0, NULL);
	struct prs_names names = names_of(list);
	json_decref(list);
	return names;
}

static void test_encodings(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		enum prs_encoding e;
		const char *name; /* NULL: refused */
	} rows[] = {
		{ "gr\xc3\xb6\xc3\x9f"
		  "e",
		  PRS_ENCODING_UTF8, "größe" },
		{ "gr\xf6\xdf"
		  "e",
		  PRS_ENCODING_UTF8, NULL },
		{ "gr\xf6\xdf"
		  "e",
		  PRS_ENCODING_LATIN1, "größe" },
		{ "gr\xf6\xdf"
		  "e",
		  PRS_ENCODING_WINDOWS1252, "größe" },
		{ "\x80", PRS_ENCODING_WINDOWS1252, "€" },
		{ "\x80", PRS_ENCODING_LATIN1, "\xc2\x80" },
		{ "\x81", PRS_ENCODING_WINDOWS1252, NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prs_cells c;
		struct prs_names names;
		struct prs_err err = { 0 };
		size_t used;
		prs_cells_init(&c, 4096);
		assert_int_equal(prs_cells_split(&c, (const uint8_t *)rows[i].bytes, strlen(rows[i].bytes), ',', &used,
		                                 &err),
		                 0);
		assert_int_equal(prs_names_of(&c, rows[i].e, &names, &err), rows[i].name ? 0 : -PRS_EINVALID);
		if (rows[i].name)
			assert_string_equal(names.v[0], rows[i].name);
		prs_names_done(&names);
		prs_cells_done(&c);
	}
	enum prs_encoding e;
	assert_true(prs_encoding_find("utf8bom", &e) && e == PRS_ENCODING_UTF8);
	assert_true(prs_encoding_find("iso88591", &e) && e == PRS_ENCODING_LATIN1);
	assert_true(prs_encoding_find("utf16", &e) && e == PRS_ENCODING_UTF16);
	assert_false(prs_encoding_find("utf-8", &e));
	assert_int_equal(prs_utf8_mark((const uint8_t *)"\xef\xbb\xbf"
	                                                "a",
	                               4),
	                 3);
	assert_int_equal(prs_utf8_mark((const uint8_t *)"\xef\xbb", 2), 0);
	/* a mark and a quoted header: the quote opens where the mark ends */
	static const char marked[] = "\xef\xbb\xbf\"a,b\",c\n";
	size_t mark = prs_utf8_mark((const uint8_t *)marked, sizeof marked - 1), used;
	struct prs_cells c;
	struct prs_err err = { 0 };
	prs_cells_init(&c, 4096);
	assert_int_equal(prs_cells_split(&c, (const uint8_t *)marked + mark, sizeof marked - 1 - mark, ',', &used,
	                                 &err),
	                 0);
	assert_int_equal(c.n, 2);
	prs_cells_done(&c);
}

static void test_other_headers(void **state)
{
	(void)state;
	struct prs_names first = names_in("[\"a\", \"b\", \"c\"]"), turned = names_in("[\"c\", \"a\", \"b\"]"),
			 less = names_in("[\"c\", \"a\"]"), other = names_in("[\"d\", \"b\"]");
	uint32_t fields[4];
	struct prs_err err = { 0 };
	assert_int_equal(prs_names_match(&first, "1.csv", &turned, "2.csv", fields, &err), 0);
	assert_int_equal(fields[0], 1);
	assert_int_equal(fields[1], 2);
	assert_int_equal(fields[2], 0);
	assert_int_equal(prs_names_match(&first, "1.csv", &less, "2.csv", fields, &err), -PRS_EINVALID);
	assert_string_equal(err.msg, "1.csv has a column \"b\" and 2.csv has none: "
	                             "all_files_different_headers takes the "
	                             "columns of all");
	assert_int_equal(prs_names_match(&less, "1.csv", &first, "2.csv", fields, &err), -PRS_EINVALID);
	assert_string_equal(err.msg, "2.csv has a column \"b\" and 1.csv has none: "
	                             "all_files_different_headers takes the "
	                             "columns of all");
	assert_int_equal(prs_names_unite(&first, &other, &err), 0);
	assert_int_equal(first.n, 4);
	assert_string_equal(first.v[3], "d");
	assert_int_equal(prs_names_place(&first, &other, fields, &err), 0);
	assert_int_equal(fields[0], PRS_NO_FIELD);
	assert_int_equal(fields[1], 1);
	assert_int_equal(fields[2], PRS_NO_FIELD);
	assert_int_equal(fields[3], 0);
	assert_true(prs_header_is_there(PRS_HEADER_SAME, 1) && prs_header_is_there(PRS_HEADER_DIFFERENT, 1));
	assert_true(prs_header_is_there(PRS_HEADER_FIRST, 0) && !prs_header_is_there(PRS_HEADER_FIRST, 1));
	assert_false(prs_header_is_there(PRS_HEADER_NONE, 0));
	prs_names_done(&first);
	prs_names_done(&turned);
	prs_names_done(&less);
	prs_names_done(&other);
}

/* ---- the schema -------------------------------------------------------------------------------------------------- */

static void add_row(struct prs_columns *columns, const char *text, const uint32_t *fields)
{
	struct prs_cells row;
	struct prs_err err = { 0 };
	size_t used;
	prs_cells_init(&row, 4096);
	assert_int_equal(prs_cells_split(&row, (const uint8_t *)text, strlen(text), '\t', &used, &err), 0);
	prs_columns_add(columns, &row, fields);
	prs_cells_done(&row);
}

static void test_schema(void **state)
{
	(void)state;
	struct prs_names names = names_in("[\"i\", \"\\\\ \", \"s\", \"none\"]");
	struct prs_columns columns;
	struct prs_err err = { 0 };
	static const uint32_t fields[] = { 2, 1, 0, PRS_NO_FIELD };
	PRS_AUTOBUF text;
	prs_buf_init(&text, 4096);
	assert_int_equal(prs_columns_init(&columns, 4, &err), 0);
	add_row(&columns, "7\t1.5\tNA\ttrue\textra", NULL);
	add_row(&columns, "NA\tNA\t8", fields);
	add_row(&columns, "9", NULL);
	struct prs_schema s = { .delimiter = '\t', .names = &names, .columns = &columns };
	assert_int_equal(prs_schema_put(&s, &text), 0);
	assert_string_equal(prs_buf_str(&text), "{\"version\":1,\"format\":\"delimited\",\"delimiter\":\"\\u0009\","
	                                        "\"fields\":4,"
	                                        "\"encoding\":\"utf8\",\"empty\":\"null\",\"sampled\":3,\"columns\":["
	                                        "{\"name\":\"i\",\"type\":\"int\",\"nulls\":0},"
	                                        "{\"name\":\"\\\\ \",\"type\":\"float\",\"nulls\":2},"
	                                        "{\"name\":\"s\",\"type\":\"string\",\"nulls\":1},"
	                                        "{\"name\":\"none\",\"type\":\"bool\",\"nulls\":2}]}");
	prs_buf_clear(&text);
	s.fields = fields;
	s.fields_n = 3;
	s.all_strings = s.empty_as_string = true;
	s.encoding = PRS_ENCODING_LATIN1;
	assert_int_equal(prs_schema_put(&s, &text), 0);
	assert_string_equal(prs_buf_str(&text), "{\"version\":1,\"format\":\"delimited\",\"delimiter\":\"\\u0009\","
	                                        "\"fields\":3,"
	                                        "\"encoding\":\"latin1\",\"empty\":\"text\",\"sampled\":3,\"columns\":["
	                                        "{\"name\":\"i\",\"type\":\"string\",\"nulls\":0,\"field\":2},"
	                                        "{\"name\":\"\\\\ \",\"type\":\"string\",\"nulls\":1,\"field\":1},"
	                                        "{\"name\":\"s\",\"type\":\"string\",\"nulls\":1,\"field\":0},"
	                                        "{\"name\":\"none\",\"type\":\"string\",\"nulls\":2,\"field\":null}]}");
	json_t *read = json_loads(prs_buf_str(&text), 0, NULL);
	assert_non_null(read);
	json_decref(read);
	prs_columns_done(&columns);
	prs_names_done(&names);
}

/* ---- JSON lines ------------------------------------------------------------------------------------------------ */

static int add_line(struct prs_objects *o, const char *line, enum prs_encoding e)
{
	struct prs_err err = { 0 };
	size_t n = strlen(line);
	uint8_t *exact = malloc(n + 1);
	memcpy(exact, line, n);
	uint8_t *tight = realloc(exact, n ? n : 1);
	int r = prs_objects_add(o, tight, n, e, &err);
	free(tight);
	return r;
}

static void check_lines(const struct example *e)
{
	struct prs_objects o;
	size_t i;
	json_t *line;
	prs_objects_init(&o);
	json_array_foreach (e->v[0], i, line)
		assert_int_equal(add_line(&o, word(line), PRS_ENCODING_UTF8), 0);
	assert_int_equal(o.columns.rows, json_array_size(e->v[0]));
	if (o.names.n != json_array_size(e->v[1]))
		fail_msg("%s: %zu columns", e->line, o.names.n);
	for (i = 0; i < o.names.n; i++) {
		enum prs_type type = prs_column_type(&o.columns.v[i], PRS_FORMAT_JSONL);
		char is[200];
		snprintf(is, sizeof is, "%s %s %llu", o.names.v[i], prs_type_name(type),
		         (unsigned long long)prs_column_nulls(&o.columns.v[i], type));
		if (strcmp(is, word(json_array_get(e->v[1], i))))
			fail_msg("%s: it is \"%s\"", e->line, is);
	}
	prs_objects_done(&o);
}

static void test_json_lines(void **state)
{
	(void)state;
	assert_true(run_examples("| lines of the sample | names, types, nulls |", check_lines) >= 15);
}

/* What is no object leaves no trace. */
static void test_what_is_no_object(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"",
		"[1]",
		"1",
		"{",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\": 1",
		"{\"a\": 1,}",
		"{\"a\": 1} x",
		"{a: 1}",
		"{\"a\": x}",
		"{\"a\": 1 \"b\": 2}",
		"{\"a\": [1}",
		"{\"a\": [}",
		"{\"a\": \"}",
		"{\"a\": \"\\",
		"{\"\\x\": 1}",
		"{\"\\u12\": 1}",
		"{\"\\ud800\": 1}",
		"{\"\\udc00\": 1}",
		"{\"\\u0000\": 1}",
		"{\"\xff\": 1}",
		"{\"a\": +1}",
		"{\"a\": .5}",
		"{\"a\": 1.}",
		"{\"a\": tru}",
		"{\"a\" 1}",
		"{\"b\": 1, \"\\ud800x\": 1}",
	};
	struct prs_objects o;
	prs_objects_init(&o);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		if (add_line(&o, lines[i], PRS_ENCODING_UTF8) != -PRS_EINVALID)
			fail_msg("taken: %s", lines[i]);
	assert_int_equal(o.columns.rows, 0);
	assert_int_equal(o.names.n, 0);
	char deep[2000] = "{\"a\": ";
	memset(deep + 6, '[', 1500);
	assert_int_equal(add_line(&o, deep, PRS_ENCODING_UTF8), -PRS_EINVALID);
	assert_int_equal(add_line(&o, "{\"\xe9\": 1}", PRS_ENCODING_LATIN1), 0);
	assert_string_equal(o.names.v[0], "é");
	prs_objects_done(&o);
}

static void test_schema_of_json_lines(void **state)
{
	(void)state;
	struct prs_objects o;
	PRS_AUTOBUF text;
	prs_buf_init(&text, 4096);
	prs_objects_init(&o);
	assert_int_equal(add_line(&o, "{\"a\": 1, \"b\": []}", PRS_ENCODING_UTF8), 0);
	struct prs_schema s = { .format = PRS_FORMAT_JSONL, .names = &o.names, .columns = &o.columns };
	assert_int_equal(prs_schema_put(&s, &text), 0);
	assert_string_equal(prs_buf_str(&text), "{\"version\":1,\"format\":\"jsonl\",\"encoding\":"
	                                        "\"utf8\",\"empty\":\"null\","
	                                        "\"sampled\":1,\"columns\":[{\"name\":\"a\",\"type\":"
	                                        "\"int\",\"nulls\":0},"
	                                        "{\"name\":\"b\",\"type\":\"object\",\"nulls\":0}]}");
	prs_objects_done(&o);
}

/* A file that lacks a column makes it one with nulls, wherever the sample was taken. */
static void test_absent(void **state)
{
	(void)state;
	struct prs_columns columns;
	struct prs_err err = { 0 };
	static const uint32_t fields[] = { 0, PRS_NO_FIELD };
	assert_int_equal(prs_columns_init(&columns, 2, &err), 0);
	add_row(&columns, "7\t8", NULL);
	prs_columns_absent(&columns, fields);
	assert_int_equal(prs_column_type(&columns.v[0], PRS_FORMAT_DELIMITED), PRS_TYPE_INT);
	assert_int_equal(prs_column_type(&columns.v[1], PRS_FORMAT_DELIMITED), PRS_TYPE_FLOAT);
	prs_columns_done(&columns);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static int all_of_it(void)
{
	static const char header[] = "a,a,,a.1,b,c,d,e,f,g,h,i,j,k,l,m,n,o\n",
			  line[] = "{\"a\": 1, \"b\": [], \"c\": \"x\"}";
	struct prs_cells c;
	struct prs_names names = { .n = 0 }, all = { .n = 0 };
	struct prs_columns columns = { .n = 0 };
	struct prs_objects o;
	struct prs_err err = { 0 };
	uint32_t fields[18];
	size_t used;
	prs_cells_init(&c, 4096);
	prs_objects_init(&o);
	int r = prs_cells_split(&c, (const uint8_t *)header, sizeof header - 1, ',', &used, &err);
	if (!r)
		r = prs_names_of(&c, PRS_ENCODING_UTF8, &names, &err);
	if (!r)
		r = prs_names_unite(&all, &names, &err);
	if (!r)
		r = prs_names_match(&all, "1", &names, "2", fields, &err);
	if (!r)
		r = prs_columns_init(&columns, names.n, &err);
	if (!r)
		r = prs_objects_add(&o, (const uint8_t *)line, sizeof line - 1, PRS_ENCODING_UTF8, &err);
	prs_objects_done(&o);
	prs_columns_done(&columns);
	prs_names_done(&all);
	prs_names_done(&names);
	prs_cells_done(&c);
	return r;
}

static void test_every_allocation_fails_once(void **state)
{
	(void)state;
#ifdef PRS_KILL_POINTS
	assert_int_equal(all_of_it(), 0);
	long before = prs_mem_count();
	assert_int_equal(all_of_it(), 0);
	long n = prs_mem_count() - before;
	assert_true(n > 40);
	for (long i = 1; i <= n; i++) {
		prs_mem_fault(i);
		assert_int_equal(all_of_it(), -PRS_ENOMEM);
	}
	prs_mem_fault(0);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_slice),
		cmocka_unit_test(test_what_is_no_record),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_other_headers),
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_json_lines),
		cmocka_unit_test(test_what_is_no_object),
		cmocka_unit_test(test_schema_of_json_lines),
		cmocka_unit_test(test_every_allocation_fails_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
