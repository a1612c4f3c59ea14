/* SPDX-License-Identifier: Apache-2.0
 * test_cut_slices: the rows of files become slices and schemas; a plan that was cut behind any record goes on to the
 * same end. A case is a row of a table: files, what is said of them, and the plan as a text.
 */
#include "base/mem.h"
#include "data/list.h"
#include "data/plan.h"
#include "mem_fs.h"
#include "wire/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan_folds.h"

/* SCANNED: how often a file of one block is opened before it is scanned, that included */
enum { SCANNED = 3, FILES_MAX = 4, BODY_BYTES = 4 << 20 };

struct file {
	const char *name, *text;
};

struct given {
	const char *label;
	struct file files[FILES_MAX];
	/* Words: bytes=, rows=, header=, delimiter=, infer=, record=, column=, latin1, strings, text, jsonl, drop,
	 * line; keys= and format= of partition keys */
	const char *options;
	const char
		*plan; /* a word for each record of a schema and each mini-batch; NULL: whatever is there at an error */
	int code;
	const char *error;   /* NULL: there is none */
	const char *warning; /* the first one; NULL: there is none */
};

struct world {
	struct mem_fs *m;
	struct prs_table_input table;
	struct prs_list_input in;
	struct prs_list columns; /* that are texts */
	struct prs_list keys;
	char format[64];
	struct prs_buf body; /* all of the plan */
	char warning[256];
	struct prs_err err;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->m = mem_fs_new();
	w->m->fs.mkdir(w->m, "/in", 0755);
	prs_buf_init(&w->body, BODY_BYTES);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	assert_int_equal(mem_fs_open_files(w->m), 0);
	prs_buf_done(&w->body);
	prs_list_done(&w->columns);
	prs_list_done(&w->keys);
	mem_fs_free(w->m);
	free(w);
	return 0;
}

static void put_file(struct world *w, const char *name, const char *text)
{
	char path[96];
	snprintf(path, sizeof path, "/in/%s", name);
	for (char *slash = strchr(path + 4, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		w->m->fs.mkdir(w->m, path, 0755);
		*slash = '/';
	}
	mem_fs_put(w->m, path, text, strlen(text));
}

static void say(struct world *w, const char *words)
{
	static const char *const headers[] = { "same", "different", "first", "none" };
	unsigned long long v;
	char word[16];
	w->table = (struct prs_table_input){ .delimiter = ',', .text_columns = &w->columns };
	w->in = (struct prs_list_input){ .name = "t", .path = "/in", .table = &w->table, .keys = &w->keys };
	for (const char *p = words; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
		if (sscanf(p, "bytes=%llu", &v) == 1)
			w->in.size = (struct prs_batch_size){ PRS_SIZE_BYTES, v };
		if (sscanf(p, "rows=%llu", &v) == 1)
			w->table.rows = v;
		if (sscanf(p, "infer=%llu", &v) == 1)
			w->table.infer_rows = (uint32_t)v;
		if (sscanf(p, "record=%llu", &v) == 1)
			w->table.max_record = v;
		if (sscanf(p, "delimiter=%c", word) == 1)
			w->table.delimiter = word[0];
		if (!strncmp(p, "latin1", 6))
			w->table.encoding = PRS_ENCODING_LATIN1;
		if (sscanf(p, "keys=%15s", word) == 1)
			for (char *key = strtok(word, ","); key; key = strtok(NULL, ","))
				prs_list_add(&w->keys, key);
		if (sscanf(p, "format=%63s", w->format) == 1)
			w->in.format = w->format;
		if (sscanf(p, "column=%15s", word) == 1)
			prs_list_add(&w->columns, word);
		if (!strncmp(p, "jsonl", 5))
			w->table.format = PRS_TABLE_JSONL;
		w->table.drop_invalid |= !strncmp(p, "drop", 4);
		w->table.one_line |= !strncmp(p, "line", 4);
		w->table.all_strings |= !strncmp(p, "strings", 7);
		w->table.empty_as_string |= !strncmp(p, "text", 4);
		for (unsigned i = 0; i < 4 && sscanf(p, "header=%15s", word) == 1; i++)
			if (!strcmp(word, headers[i]))
				w->table.header = (enum prs_header_mode)i;
	}
}

/* Lists behind the first `fed` bytes of `from`, all into w->body. */
static int list(struct world *w, const uint8_t *from, size_t fed, uint32_t block)
{
	w->table.block_bytes = block;
	w->err = (struct prs_err){ 0 };
	struct prs_lister *l = prs_lister_new(&w->m->fs, &w->in, 1);
	prs_buf_clear(&w->body);
	prs_buf_put(&w->body, from, fed);
	assert_int_equal(fed ? prs_list_feed(l, from, fed, &w->err) : 0, 0);
	int r;
	size_t whole;
	do {
		whole = w->body.len;
		r = prs_list_next(l, &w->body, &w->err);
	} while (r == 1);
	assert_true(r == 0 || w->body.len == whole);
	assert_int_equal(prs_lister_minor(l), PRS_FORMAT_MINOR_TABLES);
	const char *warning = prs_lister_warning(l);
	snprintf(w->warning, sizeof w->warning, "%s", warning ? warning : "");
	assert_null(prs_lister_warning(l));
	prs_lister_free(l);
	return r;
}

/* "[*:a int,b string!2@1]": of all files or of one, the type, how many nulls, which field */
static void put_schema(const struct prs_plan_record *r, struct prs_buf *to)
{
	PRS_AUTOBUF json;
	prs_buf_init(&json, BODY_BYTES);
	prs_buf_put(&json, r->u.schema.json, r->u.schema.bytes);
	prs_buf_puts(to, to->len ? " [" : "[");
	if (r->u.schema.file != PRS_NO_FILE)
		prs_buf_putf(to, "%llu", (unsigned long long)r->u.schema.file);
	const char *at = prs_buf_str(&json);
	char sign = ':';
	while ((at = strstr(at, "{\"name\":\""))) {
		char name[32], type[16];
		unsigned nulls, field;
		int used = 0;
		assert_int_equal(sscanf(at, "{\"name\":\"%31[^\"]\",\"type\":\"%15[^\"]\",\"nulls\":%u%n", name, type,
		                        &nulls, &used),
		                 3);
		at += used;
		prs_buf_putf(to, "%c%s %s", sign, name, type);
		sign = ',';
		if (nulls)
			prs_buf_putf(to, "!%u", nulls);
		if (sscanf(at, ",\"field\":%u", &field) == 1)
			prs_buf_putf(to, "@%u", field);
		if (!strncmp(at, ",\"field\":null", 13))
			prs_buf_puts(to, "@-");
	}
	prs_buf_puts(to, "]");
}

struct numbers {
	uint64_t id, file, row, global_row;
};

/* "1:20+8/2s1": file 1, at byte 20, 8 bytes, 2 rows, schema 1 */
static void put_slices(const struct prs_plan_record *r, struct numbers *n, struct prs_buf *to)
{
	struct prs_reader packed = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { .offset = r->u.slices.offset, .row = r->u.slices.row };
	if (n->file != r->u.slices.file)
		n->row = 0;
	n->file = r->u.slices.file;
	assert_int_equal(r->u.slices.first_id, n->id);
	assert_int_equal(r->u.slices.row, n->row);
	assert_int_equal(r->u.slices.global_row, n->global_row);
	for (uint32_t i = 0; i < r->u.slices.count; i++) {
		prs_slice_next(&packed, false, &at);
		prs_buf_putf(to, "%s%llu:%llu+%llu/%u", to->len ? " " : "", (unsigned long long)n->file,
		             (unsigned long long)at.offset, (unsigned long long)at.bytes, at.rows);
		if (r->u.slices.schema)
			prs_buf_putf(to, "s%u", r->u.slices.schema);
		n->row += at.rows;
		n->global_row += at.rows;
	}
	n->id += r->u.slices.count;
}

/* "{a=s1 b=n 0:4+4/1#3 2:4+4/1#4}": the keys, ranges with the first row over the input */
static void put_group(const struct prs_plan_record *r, struct numbers *n, struct prs_buf *to)
{
	assert_int_equal(r->u.table_group.id, n->id++);
	prs_buf_puts(to, to->len ? " {" : "{");
	const char *end = r->u.table_group.keys + r->u.table_group.keys_bytes;
	for (const char *at = r->u.table_group.keys; at < end; at += strlen(at) + 1) {
		prs_buf_putf(to, "%s=", at);
		at += strlen(at) + 1;
		prs_buf_putf(to, "%s ", at);
	}
	for (uint32_t i = 0; i < r->u.table_group.ranges_n; i++) {
		struct prs_table_range at = prs_table_range_get(r->u.table_group.ranges +
		                                                (size_t)i * PRS_TABLE_RANGE_BYTES);
		prs_buf_putf(to, "%s%llu:%llu+%llu/%u#%llu", i ? " " : "", (unsigned long long)at.file,
		             (unsigned long long)at.offset, (unsigned long long)at.bytes, at.rows,
		             (unsigned long long)at.global_row);
		if (at.schema)
			prs_buf_putf(to, "s%u", at.schema);
	}
	prs_buf_puts(to, "}");
}

static const char *text_of(const struct prs_buf *body, struct prs_buf *to)
{
	struct prs_plan_record r;
	struct numbers n = { .file = UINT64_MAX };
	size_t at = 0;
	prs_buf_clear(to);
	while (prs_plan_next(body->data, body->len, &at, &r, NULL) == 1) {
		if (r.type == PRS_PLAN_SCHEMA)
			put_schema(&r, to);
		if (r.type == PRS_PLAN_SLICES)
			put_slices(&r, &n, to);
		if (r.type == PRS_PLAN_TABLE_GROUP)
			put_group(&r, &n, to);
	}
	return prs_buf_str(to);
}

/* Behind each record of rows or of their types the plan is cut, and goes on to the same text and end. */
static void check_resumes_to(struct world *w, const char *plan, int end)
{
	PRS_AUTOBUF whole, text;
	prs_buf_init(&whole, BODY_BYTES);
	prs_buf_init(&text, BODY_BYTES);
	prs_buf_put(&whole, w->body.data, w->body.len);
	struct prs_plan_record r;
	size_t at = 0;
	while (prs_plan_next(whole.data, whole.len, &at, &r, NULL) == 1) {
		bool cut = r.type == PRS_PLAN_SCHEMA || r.type == PRS_PLAN_SLICES || r.type == PRS_PLAN_TABLE_GROUP;
		bool is_files = r.type == PRS_PLAN_FILES && !w->keys.n; /* with keys, folders stand behind it */
		if (!cut && !is_files)
			continue;
		if (list(w, whole.data, at, 7) != end)
			fail_msg("behind byte %zu: %s", at, w->err.msg);
		plan_folds(&w->body, end == 0);
		assert_string_equal(text_of(&w->body, &text), plan);
	}
}

static void check_resumes(struct world *w, const char *plan) { check_resumes_to(w, plan, 0); }

static void run_case(struct world *w, const struct given *g)
{
	static const uint32_t blocks[] = { 0, 1, 5 };
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	for (unsigned i = 0; i < FILES_MAX && g->files[i].name; i++)
		put_file(w, g->files[i].name, g->files[i].text);
	say(w, g->options);
	for (unsigned i = 0; i < 3; i++) {
		int r = list(w, NULL, 0, blocks[i]);
		if (r != -g->code || strcmp(w->err.msg, g->error ? g->error : ""))
			fail_msg("%s: %d, %s", g->label, r, w->err.msg);
		plan_folds(&w->body, r == 0);
		if (!g->plan)
			continue;
		const char *got = text_of(&w->body, &text);
		assert_string_equal(w->warning, g->warning ? g->warning : "");
		if (strcmp(got, g->plan))
			fail_msg("%s: blocks of %u\n  got  %s\n  want %s", g->label, blocks[i], got, g->plan);
	}
	if (g->plan)
		check_resumes_to(w, g->plan, -g->code);
}

#define OPEN(file, line)                                                                                               \
	file " line " line ": a quote that opens here is still open where the file ends: close it, or double a quote " \
	     "that is meant as text and put its field in quotes"

static const struct given cases[] = {
	{ "by rows, never of two files",
	  { { "a.csv", "x,y\n1,a\n2,b\n3,c\n" }, { "b.csv", "x,y\n4,d" } },
	  "rows=2",
	  "[:x int,y string] 0:4+8/2 0:12+4/1 1:4+3/1",
	  0,
	  NULL },
	{ "by bytes: what fits, and a row that is larger",
	  { { "a.csv", "x\n1\n22\n333333333\n4\n5\n" } },
	  "bytes=5",
	  "[:x int] 0:2+5/2 0:7+10/1 0:17+4/2",
	  0,
	  NULL },
	{ "one byte: a row each", { { "a.csv", "x\n1\n2\n" } }, "bytes=1", "[:x int] 0:2+2/1 0:4+2/1", 0, NULL },
	{ "a mark, and a header in quotes",
	  { { "a.csv", "\xef\xbb\xbf\"x\"\n1\n" }, { "b.csv", "\xef\xbb\xbfx\n2\n" } },
	  "rows=9",
	  "[:x int] 0:7+2/1 1:5+2/1",
	  0,
	  NULL },
	{ "a mark where there is no header",
	  { { "a.csv", "\xef\xbb\xbf\"1\"\n2\n" } },
	  "rows=9 header=none",
	  "[:Column1 int] 0:3+6/2",
	  0,
	  NULL },
	{ "empty files, blank files, files with only a header",
	  { { "a.csv", "" }, { "b.csv", "\n\r\n" }, { "c.csv", "x\n" }, { "d.csv", "\nx\n7\n" } },
	  "rows=9",
	  "[:x int] 3:3+2/1",
	  0,
	  NULL },
	{ "all empty: no mini-batch, no schema", { { "a.csv", "" }, { "b.csv", "\n" } }, "rows=9", "", 0, NULL },
	{ "only headers", { { "a.csv", "x,y" } }, "rows=9", "[:x string,y string]", 0, NULL },
	{ "an empty record belongs to the slice behind it",
	  { { "a.csv", "x\n\n1\n\r\n\n2\n\n" } },
	  "rows=1",
	  "[:x int] 0:2+3/1 0:5+5/1",
	  0,
	  NULL },
	{ "a quoted line end at the border of a mini-batch and of blocks",
	  { { "a.csv", "x,y\n1,\"a\r\nb\"\n2,\"\"\"\n,\"\n3,c" } },
	  "bytes=9",
	  "[:x int,y string] 0:4+9/1 0:13+9/1 0:22+3/1",
	  0,
	  NULL },
	{ "a lone return, and one as the last byte",
	  { { "a.csv", "x\r1\r2\r" } },
	  "rows=1",
	  "[:x int] 0:2+2/1 0:4+2/1",
	  0,
	  NULL },
	{ "the same names in another order have a schema of their own",
	  { { "a.csv", "x,y\n1,a\n" }, { "b.csv", "y,x\nb,2\n" }, { "c.csv", "x,y\n3,c\n" }, { "d.csv", "y,x\nd,4" } },
	  "rows=9",
	  "[:x int,y string] 0:4+4/1 [1:x int@1,y string@0] 1:4+4/1s1 2:4+4/1 3:4+3/1s1",
	  0,
	  NULL },
	{ "a file without rows has no schema of its own",
	  { { "a.csv", "x,y\n1,a\n" }, { "b.csv", "y,x\n" }, { "c.csv", "y,x\nb,2\n" } },
	  "rows=9",
	  "[:x int,y string] 0:4+4/1 [2:x int@1,y string@0] 2:4+4/1s1",
	  0,
	  NULL },
	{ "different headers: the union, and what a file lacks is null",
	  { { "a.csv", "x,y\n1,a\n" }, { "b.csv", "z,x\n2.5,2\n" } },
	  "rows=9 header=different",
	  "[:x int,y string!1,z float!1] [0:x int@0,y string!1@1,z float!1@-] 0:4+4/1s1 "
	  "[1:x int@1,y string!1@-,z float!1@0] 1:4+6/1s2",
	  0,
	  NULL },
	{ "a header in the first file alone, which is the first that has a record",
	  { { "a.csv", "" }, { "b.csv", "x\n1\n" }, { "c.csv", "2\n3\n" } },
	  "rows=9 header=first",
	  "[:x int] 1:2+2/1 2:0+4/2",
	  0,
	  NULL },
	{ "types are those of all files, from their first rows",
	  { { "a.csv", "x\n1\n2\nz\n" }, { "b.csv", "x\n2.5\n" } },
	  "rows=9 infer=2",
	  "[:x float] 0:2+6/3 1:2+4/1",
	  0,
	  NULL },
	{ "strings alone",
	  { { "a.csv", "x;y\n1;\n" } },
	  "rows=9 delimiter=; strings",
	  "[:x string,y string!1] 0:4+3/1",
	  0,
	  NULL },
	{ "names in latin1", { { "a.csv", "\xe9\n1\n" } }, "rows=9 latin1", "[:\xc3\xa9 int] 0:2+2/1", 0, NULL },
	{ "a header that is not text",
	  { { "a.csv", "\xe9\n1\n" } },
	  "rows=9",
	  NULL,
	  PRS_EINVALID,
	  "/in/a.csv: the header: the name of column 1 is not text in utf8" },
	{ "other names",
	  { { "a.csv", "x,y\n" }, { "b.csv", "x,z\n1,2\n" } },
	  "rows=9",
	  NULL,
	  PRS_EINVALID,
	  "/in/a.csv has a column \"y\" and /in/b.csv has none: all_files_different_headers takes the columns of all" },
	{ "JSON lines: only \n ends one, blank ones are no rows",
	  { { "a.jsonl", "{\"a\": 1}\r\n \t\r\n\n{\"a\": \"\\\"\", \"b\": null}\n{}" }, { "b.jsonl", "" } },
	  "rows=1 jsonl",
	  "[:a object!1,b object!3] 0:0+10/1 0:10+28/1 0:38+2/1",
	  0,
	  NULL },
	{ "JSON lines by bytes, in a file behind one without rows",
	  { { "a.jsonl", "\n \n" }, { "b.jsonl", "\xef\xbb\xbf{\"a\":1}\n{\"a\":2}\n{\"a\":3}" } },
	  "bytes=16 jsonl",
	  "[:a int] 1:3+16/2 1:19+7/1",
	  0,
	  NULL },
	{ "JSON lines: a name that comes up in a later file; a quote is no quote of ours",
	  { { "a.jsonl", "{\"a\":1}\n" }, { "b.jsonl", "{\"b\":\"2024-02-29\"}\n\"\n" } },
	  "rows=9 jsonl",
	  "[:a float!1,b date!1] 0:0+8/1 1:0+21/2",
	  0,
	  NULL },
	{ "JSON lines: what is converted is as it is written",
	  { { "a.jsonl", "{\"a\":1,\"b\":1}\n" } },
	  "rows=9 jsonl column=b",
	  "[:a int,b object] 0:0+14/1",
	  0,
	  NULL },
	{ "no line is an object",
	  { { "a.jsonl", "\n1\n" }, { "b.jsonl", "{" } },
	  "rows=9 jsonl",
	  NULL,
	  PRS_EINVALID,
	  "/in/a.jsonl line 2 is no JSON object, nor is any other line of the sample" },
	{ "one list",
	  { { "a.jsonl", " [\n  {\"a\":1},\n  {\"a\":2}\n]\n" } },
	  "rows=9 jsonl",
	  NULL,
	  PRS_EINVALID,
	  "/in/a.jsonl begins with a JSON list: of JSON lines each is an object, one record of the table" },
	{ "one list, whose lines may be dropped",
	  { { "a.jsonl", "[\n{\"a\":1},\n{\"a\":2}\n]\n" } },
	  "rows=9 jsonl drop",
	  "[:a int] 0:0+21/4",
	  0,
	  NULL },
	{ "a line that is too long",
	  { { "a.jsonl", "{}\n{\"a\":1}\n" } },
	  "rows=9 jsonl record=7",
	  NULL,
	  PRS_ELIMIT,
	  "/in/a.jsonl line 2: the record that begins here is longer than max_record (7 bytes)" },
	{ "what is converted is a text, with the null words in it",
	  { { "a.csv", "x,y\n1,1\n2,NA\n3,\n" } },
	  "rows=9 column=y column=z",
	  "[:x int,y string!1] 0:4+12/3",
	  0,
	  NULL },
	{ "a long row says nothing of types, one with a trailing delimiter does",
	  { { "a.csv", "x,y\n1,1\n2,z,\"\"x\n3.5,4,\n" } },
	  "rows=9",
	  "[:x float,y int] 0:4+19/3",
	  0,
	  NULL },
	{ "a quoted line end where none is expected",
	  { { "a.csv", "x,y\r\n1,a\n" },
	    { "b.csv", "x,y\n1,a\r2,\"b\nc\"\n3,\"d\ne\"" },
	    { "c.csv", "x,y\n\"\n\",\n" } },
	  "rows=9 line",
	  "[:x float!1,y string!1] 0:5+4/1 1:4+19/3 2:4+5/1",
	  0,
	  NULL,
	  "/in/b.csv line 3: this line goes on in the next, in quotes: it is read as one record, though "
	  "support_multi_line is false" },
	{ "a header of two lines where none is expected",
	  { { "a.csv", "x,\"y\nz\"\n1,a\n" } },
	  "rows=9 line",
	  "[:x int,y\\u000az string] 0:8+4/1",
	  0,
	  NULL,
	  "/in/a.csv line 1: this line goes on in the next, in quotes: it is read as one record, though "
	  "support_multi_line is false" },
	{ "quoted line ends where they are expected",
	  { { "a.csv", "x\n\"\n\"\n" } },
	  "rows=9",
	  "[:x string] 0:2+4/1",
	  0,
	  NULL },
	{ "mixed line ends, no mark in the second file, no last line end",
	  { { "a.csv", "\xef\xbb\xbfx\r1\n2\r\n3" }, { "b.csv", "x\n4\r\r\n\n5" } },
	  "rows=2",
	  "[:x int] 0:5+5/2 0:10+1/1 1:2+6/2",
	  0,
	  NULL },
	{ "a mark and nothing else",
	  { { "a.csv", "\xef\xbb\xbf" }, { "b.csv", "x\n1\n" }, { "c.csv", "\xef\xbb\xbf\n" } },
	  "rows=2",
	  "[:x int] 1:2+2/1",
	  0,
	  NULL },
	{ "names that are empty or there twice",
	  { { "a.csv", "a,,a\n1,2,3\n" }, { "b.csv", "a,a,\n1,3,2\n" } },
	  "rows=2",
	  NULL,
	  PRS_EINVALID,
	  "/in/a.csv has a column \"Unnamed: 1\" and /in/b.csv has none: all_files_different_headers takes the columns "
	  "of all" },
	{ "names that are empty or there twice, in the same places",
	  { { "a.csv", "a,,a\n1,2,3\n" }, { "b.csv", "a,,a\n1,2,3\n" } },
	  "rows=2",
	  "[:a int,Unnamed: 1 int,a.1 int] 0:5+6/1 1:5+6/1",
	  0,
	  NULL },
	{ "by folders named key=value: all files of a key, in order; null is last, without rows none",
	  { { "b=x/a=2/1.csv", "x,y\n1,a\n" },
	    { "b=x/a=__HIVE_DEFAULT_PARTITION__/1.csv", "x,y\n2,b\n" },
	    { "b=y%2F/a=%32/1.csv", "y,x\nc,3\nd,4" },
	    { "b=z/a=0/1.csv", "x,y\n" } },
	  "rows=1 keys=a",
	  "[:x int,y string] [2:x int@1,y string@0] {a=s2 0:4+4/1#0 2:4+7/2#1s1} {a=n 1:4+4/1#3}",
	  0,
	  NULL },
	{ "by all keys, in the order in which they are given",
	  { { "b=2/a=1/1.csv", "x\n1\n" },
	    { "b=1/a=2/1.csv", "x\n2\n" },
	    { "b=1/a=1/1.csv", "x\n3\n" },
	    { "b=1/a=1/2.csv", "x\n\n\n4\n\n5\n" } },
	  "keys=a,b",
	  "[:x int] {a=s1 b=s1 0:2+2/1#0 1:4+5/2#1} {a=s1 b=s2 3:2+2/1#3} {a=s2 b=s1 2:2+2/1#4}",
	  0,
	  NULL },
	{ "by a format: dates, and what stands behind a = is decoded",
	  { { "2024/02/s=%41/1.csv", "x\n1\n" }, { "2024/01/s=A/1.csv", "x\n2\n" }, { "2024/02/s=A/1.csv", "x\n3\n" } },
	  "keys=s,d format={d:yyyy/MM}/s={s}/*.csv",
	  "[:x int] {s=sA d=d2024-01-01T00:00:00 0:2+2/1#0} {s=sA d=d2024-02-01T00:00:00 1:2+2/1#1 2:2+2/1#2}",
	  0,
	  NULL },
	{ "JSON lines by a folder",
	  { { "a=2/1.jsonl", "{\"x\":1}\n" }, { "a=1/1.jsonl", "\n{\"x\":2}\n{}" } },
	  "keys=a jsonl",
	  "[:x float!1] {a=s1 0:1+10/2#0} {a=s2 1:0+8/1#2}",
	  0,
	  NULL },
	{ "a file without the key",
	  { { "a=1/1.csv", "x\n1\n" }, { "b=1/1.csv", "x\n1\n" } },
	  "keys=a",
	  NULL,
	  PRS_EINVALID,
	  "partition key a: the file /in/b=1/1.csv is in no folder named a=..., and no partition_format says where its "
	  "value stands" },
	{ "a group with a record that is too long",
	  { { "a=1/1.csv", "x\n1\n12345678\n" } },
	  "keys=a infer=1 record=8",
	  NULL,
	  PRS_ELIMIT,
	  "/in/a=1/1.csv line 3: the record that begins here is longer than max_record (8 bytes), as where a quote is "
	  "left open" },
	{ "a quote that is open at the end, with the line where it opened",
	  { { "a.csv", "x,y\r\n1,\"a\nb\"\r2,\"c\nd\n" } },
	  "rows=9 infer=1",
	  NULL,
	  PRS_EINVALID,
	  OPEN("/in/a.csv", "4") },
	{ "the rows in front of an open quote are mini-batches",
	  { { "a.csv", "x\n1\n" }, { "b.csv", "x\n2\n3\n4\n\"5\n6\n" }, { "c.csv", "x\n7\n" } },
	  "rows=1 infer=1",
	  "[:x int] 0:2+2/1 1:2+2/1 1:4+2/1 1:6+2/1",
	  PRS_EINVALID,
	  OPEN("/in/b.csv", "5") },
	{ "the rows in front of a record that is too long are mini-batches",
	  { { "a.csv", "x\n1\n2\n3\n12345678\n3\n" } },
	  "bytes=4 infer=1 record=8",
	  "[:x int] 0:2+4/2 0:6+2/1",
	  PRS_ELIMIT,
	  "/in/a.csv line 5: the record that begins here is longer than max_record (8 bytes), as where a quote is left "
	  "open" },
	{ "the rows in front of an open quote, fewer than a mini-batch has",
	  { { "a.csv", "x\n1\n2\n3\n\"4\n" } },
	  "bytes=4 infer=1",
	  "[:x int] 0:2+4/2 0:6+2/1",
	  PRS_EINVALID,
	  OPEN("/in/a.csv", "5") },
	{ "the groups in front of one with an open quote are mini-batches",
	  { { "a=1/1.csv", "x\n1\n" }, { "a=2/1.csv", "x\n2\n" }, { "a=3/1.csv", "x\n3\n\"4\n" } },
	  "keys=a infer=1",
	  "[:x int] {a=s1 0:2+2/1#0} {a=s2 1:2+2/1#1}",
	  PRS_EINVALID,
	  OPEN("/in/a=3/1.csv", "3") },
	{ "a quote that is open in the sample",
	  { { "a.csv", "x\n1\n\n\"2\n" } },
	  "rows=9",
	  NULL,
	  PRS_EINVALID,
	  OPEN("/in/a.csv", "4") },
	{ "a record that is too long",
	  { { "a.csv", "x\n1\n12345678\n" } },
	  "rows=9 infer=1 record=8",
	  NULL,
	  PRS_ELIMIT,
	  "/in/a.csv line 3: the record that begins here is longer than max_record (8 bytes), as where a quote is left "
	  "open" },
};

static void test_cases(void **state)
{
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		void *fresh = NULL;
		setup(&fresh);
		run_case(fresh, &cases[i]);
		teardown(&fresh);
	}
	(void)state;
}

/* A resume: what was done to the file that was being scanned, and what is said of it. */
static void check_changed(struct world *w, const char *text, uint64_t mtime_us, const char *error)
{
	PRS_AUTOBUF half;
	prs_buf_init(&half, BODY_BYTES);
	put_file(w, "a.csv", "x\n1\n2\n3\n");
	say(w, "rows=1 infer=1");
	assert_int_equal(list(w, NULL, 0, 0), 0);
	struct prs_plan_record r = { 0 };
	size_t at = 0;
	while (r.type != PRS_PLAN_SLICES)
		assert_int_equal(prs_plan_next(w->body.data, w->body.len, &at, &r, NULL), 1);
	prs_buf_put(&half, w->body.data, at);
	put_file(w, "a.csv", text);
	mem_fs_touch(w->m, "/in/a.csv", mtime_us);
	assert_int_equal(list(w, half.data, half.len, 0), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg, error);
}

static void test_a_file_that_changed(void **state)
{
	static const char *const other = "/in/a.csv: size or time of change is not as it was when its first rows were "
					 "planned";
	check_changed(*state, "x\n1\n2\n3\n4\n", 0, other);
	check_changed(*state, "x\n1\n2\n", 0, other);
	check_changed(*state, "x\n1\n2\n4\n", 1, other);
	check_changed(*state, "x\na\n2\n3\n", 0,
	              "the rows that the types of the columns were decided from are not as they were");
}

static void grow(void *ctx, enum mem_op op, const char *path)
{
	struct world *w = ctx;
	if (op != MEM_PREAD || w->m->calls[MEM_FSTAT] != SCANNED)
		return;
	w->m->before = NULL;
	mem_fs_resize(w->m, path, 12);
}

static void shrink(void *ctx, enum mem_op op, const char *path)
{
	struct world *w = ctx;
	if (op != MEM_PREAD || w->m->calls[MEM_FSTAT] != SCANNED)
		return;
	w->m->before = NULL;
	mem_fs_resize(w->m, path, 2);
}

/* Between its listing and the scan of its group. */
static void touch(void *ctx, enum mem_op op, const char *path)
{
	struct world *w = ctx;
	if (op != MEM_OPEN || strcmp(path, "/in/a=2/1.csv") != 0)
		return;
	w->m->before = NULL;
	mem_fs_touch(w->m, path, 77);
}

static void test_a_file_of_a_group_that_changes(void **state)
{
	struct world *w = *state;
	put_file(w, "a=1/1.csv", "x\n1\n");
	put_file(w, "a=2/1.csv", "x\n1\n");
	say(w, "keys=a");
	w->m->before = touch;
	w->m->before_ctx = w;
	assert_int_equal(list(w, NULL, 0, 0), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg, "/in/a=2/1.csv: size or time of change is not as it was when it was listed");
}

/* Many groups of many files: bounded calls, and a cut behind any group. */
static void test_many_groups(void **state)
{
	struct world *w = *state;
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	for (unsigned i = 0; i < 300; i++) {
		char name[32];
		snprintf(name, sizeof name, "a=%u/%u.csv", i % 20, i);
		put_file(w, name, i % 7 ? "x\n1\n2\n" : "x\n");
	}
	say(w, "keys=a");
	assert_int_equal(list(w, NULL, 0, 0), 0);
	plan_folds(&w->body, true);
	PRS_AUTOBUF plan;
	prs_buf_init(&plan, BODY_BYTES);
	prs_buf_puts(&plan, text_of(&w->body, &text));
	check_resumes(w, prs_buf_str(&plan));
}

static void test_a_file_that_changes_while_it_is_scanned(void **state)
{
	struct world *w = *state;
	void (*const changes[])(void *, enum mem_op, const char *) = { grow, shrink };
	for (unsigned i = 0; i < 2; i++) {
		put_file(w, "a.csv", "x\n1\n2\n3\n");
		say(w, "rows=1");
		w->m->before = changes[i];
		w->m->before_ctx = w;
		w->m->calls[MEM_FSTAT] = 0;
		assert_int_equal(list(w, NULL, 0, 0), -PRS_EINPUT_CHANGED);
		assert_string_equal(w->err.msg, "/in/a.csv: size or time of change is not as it was when the count of "
		                                "its rows began");
	}
}

static void test_a_file_that_cannot_be_read(void **state)
{
	struct world *w = *state;
	put_file(w, "a.csv", "x\n1\n");
	say(w, "rows=1");
	static const enum mem_op ops[] = { MEM_OPEN, MEM_PREAD, MEM_FSTAT };
	for (unsigned i = 0; i < 3; i++)
		for (unsigned skip = 0;; skip++) {
			mem_fs_fail(w->m, ops[i], "a.csv", skip, EIO);
			int r = list(w, NULL, 0, 0);
			mem_fs_fail(w->m, ops[i], "a.csv", 0, 0);
			if (r == 0)
				break;
			assert_int_equal(r, -PRS_EIO);
			assert_non_null(strstr(w->err.msg, "/in/a.csv: "));
			assert_int_equal(mem_fs_open_files(w->m), 0);
		}
}

/* 100 files: 32 of them are the sample, at equal distances: the 51st is one, the next is not. */
static void test_a_sample_of_many_files(void **state)
{
	struct world *w = *state;
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	char name[16], row[32];
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "%02u.csv", i);
		const char *other = i == 50 ? "1.5" : "z";
		snprintf(row, sizeof row, "x\n%s\n", i == 50 || i == 51 ? other : "7");
		put_file(w, name, row);
	}
	say(w, "rows=1 header=same");
	assert_int_equal(list(w, NULL, 0, 0), 0);
	plan_folds(&w->body, true);
	assert_non_null(strstr((const char *)text_of(&w->body, &text), "[:x float] 0:2+2/1 1:2+2/1"));
	struct prs_plan_record r = { 0 };
	size_t at = 0;
	while (r.type != PRS_PLAN_SCHEMA)
		assert_int_equal(prs_plan_next(w->body.data, w->body.len, &at, &r, NULL), 1);
	assert_non_null(memmem(r.u.schema.json, r.u.schema.bytes, "\"sampled\":32,", 13));
}

/* Many empty records are in no slice: reading it would read them. */
static void test_a_wide_gap(void **state)
{
	struct world *w = *state;
	static const char *const plans[] = { "[:x int] 0:2+65538/1 0:65540+2/1", "[:x int] 0:65539+2/1 0:65541+2/1",
		                             "[:x int] 0:2+2/1 0:4+65538/1", "[:x int] 0:2+2/1 0:65541+2/1" };
	PRS_AUTOBUF text, plan;
	prs_buf_init(&text, 1 << 20);
	prs_buf_init(&plan, BODY_BYTES);
	for (size_t i = 0; i < 4; i++) {
		prs_buf_clear(&text);
		prs_buf_puts(&text, i < 2 ? "x\n" : "x\n1\n");
		for (size_t k = 0; k < (64 << 10) + i % 2; k++)
			prs_buf_putc(&text, '\n');
		prs_buf_puts(&text, i < 2 ? "1\n2\n" : "2\n");
		put_file(w, "a.csv", prs_buf_str(&text));
		say(w, "rows=1");
		assert_int_equal(list(w, NULL, 0, 0), 0);
		plan_folds(&w->body, true);
		assert_string_equal(text_of(&w->body, &plan), plans[i]);
		check_resumes(w, plans[i]);
	}
}

/* Any text, whole or with an open quote: blocks of any size and a cut behind any record change nothing. */
static void test_any_text(void **state)
{
	static const char bytes[] = "aa1,,\"\"\n\n\r";
	struct world *w = *state;
	PRS_AUTOBUF plan;
	prs_buf_init(&plan, BODY_BYTES);
	unsigned seed = 7, whole = 0;
	for (unsigned i = 0; i < 400; i++) {
		char text[40], options[40], error[sizeof w->err.msg];
		size_t n = (size_t)rand_r(&seed) % sizeof text;
		for (size_t k = 0; k < n; k++)
			text[k] = bytes[(size_t)rand_r(&seed) % (sizeof bytes - 1)];
		text[n < sizeof text ? n : n - 1] = 0;
		snprintf(options, sizeof options, "%s=%d header=none", i % 2 ? "rows" : "bytes", 1 + rand_r(&seed) % 6);
		put_file(w, "a.csv", text);
		say(w, options);
		int r = list(w, NULL, 0, 0);
		text_of(&w->body, &plan);
		snprintf(error, sizeof error, "%s", w->err.msg);
		assert_int_equal(list(w, NULL, 0, 1), r);
		assert_string_equal(w->err.msg, error);
		if (r != 0)
			continue;
		whole++;
		plan_folds(&w->body, true);
		check_resumes(w, prs_buf_str(&plan));
	}
	assert_true(whole > 50 && whole < 350);
}

static int list_without_memory(struct world *w, struct prs_buf *body, long fault)
{
	prs_mem_fault(fault);
	struct prs_lister *l = prs_lister_new(&w->m->fs, &w->in, 1);
	int r = l ? 1 : -PRS_ENOMEM;
	while (r == 1)
		r = prs_list_next(l, body, &w->err);
	prs_mem_fault(0);
	prs_lister_free(l);
	return r;
}

static void test_no_memory(void **state)
{
	struct world *w = *state;
	put_file(w, "a.csv", "x,y\n1,a\n2,\"b\nc\"\n");
	put_file(w, "b.csv", "y,z\nb,2\n");
	say(w, "rows=1 header=different");
	int r = -PRS_ENOMEM;
	for (long fault = 1; r != 0; fault++) {
		prs_buf_clear(&w->body);
		r = list_without_memory(w, &w->body, fault);
		assert_true(r == 0 || r == -PRS_ENOMEM);
		assert_int_equal(mem_fs_open_files(w->m), 0);
	}
	plan_folds(&w->body, true);
}

/* Calls are bounded: a table of some MiB takes many, each with its records, and small ones take few bytes each. */
static void test_calls_are_bounded(void **state)
{
	struct world *w = *state;
	PRS_AUTOBUF text;
	prs_buf_init(&text, 1 << 20);
	prs_buf_puts(&text, "x\n");
	for (unsigned i = 0; i < 100000; i++)
		prs_buf_puts(&text, "7\n");
	put_file(w, "a.csv", prs_buf_str(&text));
	say(w, "rows=1");
	w->table.block_bytes = 1024;
	struct prs_lister *l = prs_lister_new(&w->m->fs, &w->in, 1);
	unsigned calls = 0;
	for (int r = 1; r == 1; calls++) {
		size_t from = w->body.len;
		r = prs_list_next(l, &w->body, &w->err);
		assert_true(r >= 0 && w->body.len - from < PRS_LIST_ROOM_BYTES);
	}
	prs_lister_free(l);
	plan_folds(&w->body, true);
	assert_true(calls > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test_setup_teardown(test_a_file_that_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_changes_while_it_is_scanned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_of_a_group_that_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_sample_of_many_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_wide_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_any_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls_are_bounded, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
