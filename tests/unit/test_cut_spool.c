/* SPDX-License-Identifier: Apache-2.0
 * test_cut_spool: rows that cannot be read where they lie become mini-batches in the spool: texts that are packed or
 * converted, rows by keys that are columns. A plan that was cut behind any record goes on, in a spool of its own, to
 * the same mini-batches; every call of a file function and every allocation fails once.
 */
#include "base/mem.h"
#include "data/list.h"
#include "data/origin.h"
#include "data/plan.h"
#include "mem_fs.h"
#include "wire/frame.h"
#include "wire/names.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "plan_folds.h"

enum { FILES_MAX = 4, BODY_BYTES = 64 << 20, EPOCHS = 4 };

struct file {
	const char *name, *text; /* name.gz: packed; name.16: in UTF-16 */
};

struct given {
	const char *label;
	struct file files[FILES_MAX];
	const char *options; /* words: bytes=, rows=, keys=, header=, format=, latin1, text, strings, lines */
	/* The rows of each mini-batch, line ends as |, with its keys and origins; NULL: any, at an error. */
	const char *plan;
	int code;
	const char *error;
};

struct world {
	struct mem_fs *m;
	struct prs_table_input table;
	struct prs_list_input in;
	struct prs_list keys, columns, types;
	char format[64];
	struct prs_buf body; /* all of the plan */
	struct prs_err err;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->m = mem_fs_new();
	w->m->fs.mkdir(w->m, "/in", 0755);
	w->m->fs.mkdir(w->m, "/run", 0755);
	prs_buf_init(&w->body, BODY_BYTES);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	assert_int_equal(mem_fs_open_files(w->m), 0);
	prs_list_done(&w->keys);
	prs_list_done(&w->columns);
	prs_list_done(&w->types);
	prs_buf_done(&w->body);
	mem_fs_free(w->m);
	free(w);
	return 0;
}

/* ---- the input --------------------------------------------------------------------------------------------------- */

static size_t packed(const char *text, uint8_t *to, size_t room)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (uint8_t *)(uintptr_t)text;
	z.avail_in = (unsigned)strlen(text);
	z.next_out = to;
	z.avail_out = (unsigned)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static void put_file(struct world *w, const char *name, const char *text)
{
	char path[64];
	uint8_t *bytes = malloc(strlen(text) * 2 + 1000);
	size_t n = strlen(text);
	snprintf(path, sizeof path, "/in/%s", name);
	memcpy(bytes, text, n);
	for (char *slash = strchr(path + 4, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		w->m->fs.mkdir(w->m, path, 0755);
		*slash = '/';
	}
	if (strstr(name, ".gz"))
		n = packed(text, bytes, n * 2 + 1000);
	if (strstr(name, ".16")) {
		for (size_t i = n + 1; i-- > 0;) {
			bytes[2 * i + 2] = i < n ? (uint8_t)text[i] : 0;
			bytes[2 * i + 3] = 0;
		}
		memcpy(bytes, "\xff\xfe", 2);
		n = 2 * n + 2;
	}
	mem_fs_put(w->m, path, bytes, n);
	free(bytes);
}

/* "datetime;%Y": what becomes of column k */
static void convert(struct world *w, char *type)
{
	for (char *p = type; *p; p++)
		if (*p == ';')
			*p = '\n';
	prs_list_add(&w->columns, "k");
	prs_list_add(&w->types, type);
	w->table.text_columns = &w->columns;
	w->table.text_types = &w->types;
}

static void say(struct world *w, const char *words)
{
	static const char *const headers[] = { "same", "different", "first", "none" };
	unsigned long long v;
	char word[64];
	prs_list_done(&w->keys);
	prs_list_done(&w->columns);
	prs_list_done(&w->types);
	w->table = (struct prs_table_input){ .delimiter = ',' };
	w->in = (struct prs_list_input){ .name = "t",
		                         .path = "/in",
		                         .table = &w->table,
		                         .keys = &w->keys,
		                         .format = w->format,
		                         .sort_bytes = 0 };
	w->format[0] = 0;
	for (const char *p = words; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
		if (sscanf(p, "bytes=%llu", &v) == 1)
			w->in.size = (struct prs_batch_size){ PRS_SIZE_BYTES, v };
		if (sscanf(p, "rows=%llu", &v) == 1)
			w->in.size = (struct prs_batch_size){ PRS_SIZE_ROWS, v };
		if (sscanf(p, "sort=%llu", &v) == 1)
			w->in.sort_bytes = v;
		if (sscanf(p, "infer=%llu", &v) == 1)
			w->table.infer_rows = (uint32_t)v;
		if (sscanf(p, "format=%63s", word) == 1)
			memcpy(w->format, word, sizeof word);
		if (sscanf(p, "keys=%63s", word) == 1)
			for (char *save, *k = strtok_r(word, ",", &save); k; k = strtok_r(NULL, ",", &save))
				prs_list_add(&w->keys, k);
		if (sscanf(p, "convert=%63s", word) == 1)
			convert(w, word);
		if (!strncmp(p, "latin1", 6))
			w->table.encoding = PRS_ENCODING_LATIN1;
		if (!strncmp(p, "utf16", 5))
			w->table.encoding = PRS_ENCODING_UTF16;
		if (!strncmp(p, "skip", 4))
			w->table.steps = "[{\"filter\":\"col(\\\"take\\\")\"},{\"skip\":5}]";
		if (!strncmp(p, "lines", 5))
			w->table.format = PRS_TABLE_JSONL;
		w->table.drop_invalid |= !strncmp(p, "drop", 4);
		w->table.all_strings |= !strncmp(p, "strings", 7);
		w->table.empty_as_string |= !strncmp(p, "text", 4);
		for (unsigned i = 0; i < 4 && sscanf(p, "header=%15s", word) == 1; i++)
			if (!strcmp(word, headers[i]))
				w->table.header = (enum prs_header_mode)i;
	}
}

/* Lists behind the first `fed` bytes of `from` in the life `epoch`, all into w->body. */
static int list(struct world *w, const uint8_t *from, size_t fed, uint32_t epoch, uint32_t block)
{
	w->table.block_bytes = block;
	w->err = (struct prs_err){ 0 };
	struct prs_lister *l = prs_lister_new(&w->m->fs, &w->in, 1);
	prs_buf_clear(&w->body);
	if (!l)
		return prs_fail(&w->err, PRS_ENOMEM, "the lister");
	int r = epoch ? prs_lister_spool(l, "/run", epoch) : 0;
	prs_buf_put(&w->body, from, fed);
	if (r == 0 && fed)
		r = prs_list_feed(l, from, fed, &w->err);
	for (r = r == 0 ? 1 : r; r == 1;) {
		size_t whole = w->body.len;
		r = prs_list_next(l, &w->body, &w->err);
		if (r < 0)
			w->body.len = whole;
	}
	prs_lister_free(l);
	return r;
}

/* ---- the plan as a text ------------------------------------------------------------------------------------------ */

static void put_text(struct prs_buf *to, const uint8_t *p, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		prs_buf_putc(to, p[i] == '\n' ? '|' : (char)p[i]);
}

/* The bytes of a spool. */
static const uint8_t *bytes_of(struct world *w, uint32_t epoch, uint64_t offset, uint64_t n)
{
	char name[PRS_SPOOL_NAME_BYTES], path[64];
	uint64_t size;
	snprintf(path, sizeof path, "/run/%s", prs_spool_name(name, epoch, 0));
	const uint8_t *p = mem_fs_bytes(w->m, path, &size);
	assert_non_null(p);
	assert_true(offset + n <= size);
	return p + offset;
}

/* "{1|2|}": the rows of a mini-batch of a file in the spool; of one that lies in place "[file+offset/bytes]" */
static void put_slices(struct world *w, const struct prs_plan_record *r, struct prs_buf *to)
{
	struct prs_reader packs = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { .offset = r->u.slices.offset, .row = r->u.slices.row };
	for (uint32_t i = 0; i < r->u.slices.count; i++) {
		prs_slice_next(&packs, false, &at);
		prs_buf_puts(to, to->len ? " " : "");
		if (!r->u.slices.spool) {
			prs_buf_putf(to, "[%u+%u/%u]", (unsigned)r->u.slices.file, (unsigned)at.offset,
			             (unsigned)at.bytes);
			continue;
		}
		prs_buf_puts(to, "{");
		put_text(to, bytes_of(w, r->u.slices.spool, at.offset, at.bytes), at.bytes);
		prs_buf_puts(to, "}");
	}
}

/* "a=i1 b=n@3{1,x|}0:2:4+10/3": keys, first row over the input, records, origins: file:row:line+offset/bytes */
static void put_group(struct world *w, const struct prs_plan_record *r, struct prs_buf *to)
{
	struct prs_table_range at = prs_table_range_get(r->u.table_group.ranges);
	const char *p = r->u.table_group.keys, *end = p + r->u.table_group.keys_bytes;
	assert_int_equal(r->u.table_group.ranges_n, 1);
	for (int i = 0; p < end; p += strlen(p) + 1, i++) {
		const char *before = i % 2 ? "=" : " ";
		prs_buf_puts(to, to->len ? before : "");
		prs_buf_puts(to, p);
	}
	const uint8_t *bytes = bytes_of(w, r->u.table_group.spool, at.offset, at.bytes);
	prs_buf_putf(to, "@%u{", (unsigned)at.global_row);
	put_text(to, bytes, at.bytes);
	prs_buf_puts(to, "}");
	struct prs_reader origins = { bytes + at.bytes, 1000, false };
	struct prs_origin o = { 0 };
	for (uint32_t i = 0; i < at.rows; i++) {
		prs_origin_next(&origins, &o);
		prs_buf_putf(to, "%s%u:%u:%u+%u/%u", i ? "," : "", (unsigned)o.file, (unsigned)o.row, (unsigned)o.line,
		             (unsigned)o.offset, (unsigned)o.bytes);
	}
}

static const char *text_of(struct world *w, struct prs_buf *to)
{
	struct prs_plan_record r;
	size_t at = 0;
	prs_buf_clear(to);
	while (prs_plan_next(w->body.data, w->body.len, &at, &r, NULL) == 1) {
		if (r.type == PRS_PLAN_SLICES)
			put_slices(w, &r, to);
		if (r.type == PRS_PLAN_TABLE_GROUP)
			put_group(w, &r, to);
	}
	return prs_buf_str(to);
}

static void remove_spools(struct world *w)
{
	char path[64], name[PRS_SPOOL_NAME_BYTES];
	for (uint32_t e = 0; e <= EPOCHS; e++) {
		snprintf(path, sizeof path, "/run/%s", prs_spool_name(name, e, 0));
		w->m->fs.unlink(w->m, path);
	}
}

/* Behind each record of rows or of their types the plan is cut, and goes on to the same text and end. */
static void check_resumes(struct world *w, const char *want, int end)
{
	PRS_AUTOBUF whole;
	PRS_AUTOBUF text;
	struct prs_plan_record r;
	size_t at = 0;
	prs_buf_init(&whole, BODY_BYTES);
	prs_buf_init(&text, BODY_BYTES);
	prs_buf_put(&whole, w->body.data, w->body.len);
	while (prs_plan_next(whole.data, whole.len, &at, &r, NULL) == 1) {
		if (r.type == PRS_PLAN_INPUT || r.type == PRS_PLAN_DIR || r.type == PRS_PLAN_FILES)
			continue;
		assert_int_equal(list(w, whole.data, at, 2, 0), end);
		assert_string_equal(text_of(w, &text), want);
		plan_folds(&w->body, end == 0);
		char name[PRS_SPOOL_NAME_BYTES], path[64];
		snprintf(path, sizeof path, "/run/%s", prs_spool_name(name, 2, 0));
		w->m->fs.unlink(w->m, path);
	}
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

static const struct given cases[] = {
	{ "a packed file is cut like others, each from its own place in the spool",
	  { { "a.csv.gz", "x\n1\n2\n3\n" }, { "b.csv", "x\n4\n5\n" }, { "c.csv.gz", "x\n6\n" } },
	  "rows=2",
	  "{1|2|} {3|} [1+2/4] {6|}" },
	{ "by size, without a final line end",
	  { { "a.csv.gz", "x,y\n1,a\n2,\"b\nc\"\n3,d" } },
	  "bytes=6",
	  "{1,a|} {2,\"b|c\"|} {3,d}" },
	{ "UTF-16 is UTF-8 in the spool", { { "a.16", "x\n1\n2\n" } }, "rows=1 utf16", "{1|} {2|}" },
	{ "a mark says UTF-16", { { "a.csv", "x\n7\n" }, { "b.16", "x\n1\n2\n" } }, "rows=1", "[0+2/2] {1|} {2|}" },
	{ "an empty one", { { "a.gz", "" }, { "b.gz", "x\n" }, { "c.gz", "x\n1\n" } }, "rows=1", "{1|}" },
	{ "lines of JSON, an empty one among them",
	  { { "a.jsonl.gz", "{\"a\":1}\n\n{\"a\":2}\n" } },
	  "lines rows=1",
	  "{{\"a\":1}|} {|{\"a\":2}|}" },
	{ "rows by a key",
	  { { "a.csv", "k,v\n2,a\n10,b\n2,c\n" } },
	  "keys=k",
	  "k=i2@0{2,a|2,c|}0:0:2+4/4,0:2:4+13/4 k=i10@1{10,b|}0:1:3+8/5" },
	{ "as one key is written in several ways; null is the last",
	  { { "a.csv", "k,v\n1.0,a\n,b\n01,c\n\"1\",d\nNA,e\n" } },
	  "keys=k",
	  "k=f1.0@0{1.0,a|01,c|\"1\",d|}0:0:2+4/6,0:2:4+13/5,0:3:5+18/6 k=n@1{,b|NA,e|}0:1:3+10/3,0:4:6+24/5" },
	{ "several files; one ends without a line end, one begins with a mark",
	  { { "a.csv", "k\nb\na" }, { "b.csv", "\xef\xbb\xbfk\na\r\n\r\nb\r\n" } },
	  "keys=k",
	  "k=sa@1{a|a\r|}0:1:3+4/1,1:0:2+5/3 k=sb@0{b|b\r|}0:0:2+2/2,1:1:4+10/3" },
	{ "columns in another order are put into the first one's",
	  { { "a.csv", "k,v,w\n1,a,\"x,\"\"y\"\n" }, { "b.csv", "w,k,v\n\"p\nq\",1,b\nshort\nl,2,c,,more\n" } },
	  "keys=k",
	  "k=f1.0@0{1,a,\"x,\"\"y\"|1,b,\"p|q\"|}0:0:2+6/12,1:0:2+6/10 k=f2.0@3{2,c,l,,more|}1:2:5+22/12 "
	  "k=n@2{,,short|}1:1:4+16/6" },
	{ "columns that a file does not have are empty",
	  { { "a.csv", "k\n1\n\"\"\n" }, { "b.csv", "v\nx\n" } },
	  "keys=k header=different",
	  "k=f1.0@0{1,|}0:0:2+2/2 k=n@1{\"\",|,x|}0:1:3+4/3,1:0:2+2/2" },
	{ "a record of nothing stays a row",
	  { { "a.csv", "k\n1\n" }, { "b.csv", "z\n" }, { "c.csv", "k\n\"\"\n1\n" } },
	  "keys=k header=different",
	  "k=f1.0@0{1,|1,|}0:0:2+2/2,2:1:3+5/2 k=n@1{\"\",|}2:0:2+2/3" },
	{ "two keys",
	  { { "a.csv", "a,b\n2,x\n1,y\n2,\n1,x\n" } },
	  "keys=b,a",
	  "b=sx a=i1@3{1,x|}0:3:5+15/4 b=sx a=i2@0{2,x|}0:0:2+4/4 b=sy a=i1@1{1,y|}0:1:3+8/4 "
	  "b=n a=i2@2{2,|}0:2:4+12/3" },
	{ "keys of the path beside those of columns",
	  { { "a_1.csv", "k\n7\n8\n" }, { "b_1.csv", "k\n7\n" }, { "a_2.csv", "k\n7\n" } },
	  "keys=k,s format=/{s}_*.csv",
	  "k=i7 s=sa@0{7|7|}0:0:2+2/2,1:0:2+2/2 k=i7 s=sb@3{7|}2:0:2+2/2 k=i8 s=sa@1{8|}0:1:3+4/2" },
	{ "packed files",
	  { { "a.csv.gz", "k,v\n2,a\n1,b\n" }, { "b.csv", "k,v\n1,c\n" } },
	  "keys=k",
	  "k=i1@1{1,b|1,c|}0:1:3+0/0,1:0:2+4/4 k=i2@0{2,a|}0:0:2+0/0" },
	{ "Latin-1", { { "a.csv", "k\n\xfc\n" } }, "keys=k latin1", "k=s\xc3\xbc@0{\xfc|}0:0:2+2/2" },
	{ "strings all", { { "a.csv", "k\n1\n01\n" } }, "keys=k strings", "k=s01@1{01|}0:1:3+4/3 k=s1@0{1|}0:0:2+2/2" },
	{ "an empty text is one",
	  { { "a.csv", "k,v\nx,1\n,2\n" } },
	  "keys=k text",
	  "k=s@1{,2|}0:1:3+8/3 k=sx@0{x,1|}0:0:2+4/4" },
	{ "no header",
	  { { "a.csv", "2\n1\n" } },
	  "keys=Column1 header=none",
	  "Column1=i1@1{1|}0:1:2+2/2 Column1=i2@0{2|}0:0:1+0/2" },
	{ "keys of JSON lines",
	  { { "a.jsonl", "{\"k\":2}\n{\"v\":1}\n\n{\"k\": 10, \"v\": 2}\n{\"k\":2.0}" } },
	  "keys=k lines",
	  "k=f2.0@0{{\"k\":2}|{\"k\":2.0}|}0:0:1+0/8,0:3:5+35/9 k=f10.0@2{{\"k\": 10, \"v\": 2}|}0:2:4+17/18 "
	  "k=n@1{{\"v\":1}|}0:1:2+8/8" },
	{ "texts of JSON lines: what they say, not how",
	  { { "a.jsonl", "{\"k\":\"a\"}\n{\"k\":\"\\u0061\",\"k2\":1}\n{\"k\":\"\"}\n{\"k\":null}\n" } },
	  "keys=k lines",
	  "k=s@2{{\"k\":\"\"}|}0:2:3+32/9 "
	  "k=sa@0{{\"k\":\"a\"}|{\"k\":\"\\u0061\",\"k2\":1}|}0:0:1+0/10,0:1:2+10/22 "
	  "k=n@3{{\"k\":null}|}0:3:4+41/11" },
	{ "several kinds in a column of JSON lines, and dates",
	  { { "a.jsonl", "{\"k\":\"x\",\"d\":\"2024-01-01\"}\n{\"k\":7}\n{\"k\":true}\n{\"k\":\"7\"}\n" } },
	  "keys=k,d lines",
	  "k=btrue d=n@2{{\"k\":true}|}0:2:3+35/11 k=i7 d=n@1{{\"k\":7}|}0:1:2+27/8 "
	  "k=s7 d=n@3{{\"k\":\"7\"}|}0:3:4+46/10 "
	  "k=sx d=d2024-01-01T00:00:00@0{{\"k\":\"x\",\"d\":\"2024-01-01\"}|}0:0:1+0/27" },
	{ "a line that is no object is left out where that is said",
	  { { "a.jsonl", "{\"k\":1}\nx\n{\"k\":1}\n" } },
	  "keys=k lines drop",
	  "k=i1@0{{\"k\":1}|{\"k\":1}|}0:0:1+0/8,0:2:3+10/8" },
	{ "else it ends the job",
	  { { "a.jsonl", "{\"k\":1}\nx\n" } },
	  "keys=k lines infer=1",
	  NULL,
	  PRS_EVALUE_MISFIT,
	  "/in/a.jsonl line 2 is no JSON object: mend it, or leave such lines out with invalid_lines: drop" },
	{ "a string is no number, and an object is no key",
	  { { "a.jsonl", "{\"k\":1}\n{\"k\":\"1\"}\n" } },
	  "keys=k lines infer=1",
	  NULL,
	  PRS_EVALUE_MISFIT,
	  "/in/a.jsonl line 2, column \"k\", a partition key: \"1\" is no int, which the others are: "
	  "convert_column_types "
	  "says what the column is" },
	{ "an object is no key",
	  { { "a.jsonl", "{\"k\":{\"x\":1}}\n" } },
	  "keys=k lines",
	  NULL,
	  PRS_EVALUE_MISFIT,
	  "/in/a.jsonl line 1, column \"k\", a partition key: {\"x\":1} is a list or an object, "
	  "which is no value of a key" },
	{ "nothing but a header", { { "a.csv", "k\n" } }, "keys=k", "" },
	{ "a key that is no column",
	  { { "a.csv", "k,v\n1,2\n" } },
	  "keys=x",
	  NULL,
	  PRS_ENO_COLUMN,
	  "the partition key \"x\" is no column of the table, nor part of its paths: k, v" },
	{ "what counts rows of the input",
	  { { "a.csv", "k\n1\n" } },
	  "keys=k skip",
	  NULL,
	  PRS_EINVALID,
	  "partition keys that are columns and skip do not go together: "
	  "it counts the rows as they stand in the input" },
	{ "a value that is none of its column",
	  { { "a.csv", "v,k\na,1\n\n\"b\nc\",\"x,\"\"y\"\n" } },
	  "keys=k infer=1",
	  NULL,
	  PRS_EVALUE_MISFIT,
	  "/in/a.csv line 4, column \"k\", a partition key: \"x,\"y\" is no int, which the others are: "
	  "convert_column_types says what the column is" },
	{ "a text that is none",
	  { { "a.csv", "k\n\xff\n" } },
	  "keys=k",
	  NULL,
	  PRS_EVALUE_MISFIT,
	  "/in/a.csv line 2, column \"k\", a partition key: \"\\xff\" is no string, which the others are: "
	  "convert_column_types says what the column is" },
	{ "keys that are converted are compared as what they become",
	  { { "a.csv", "k\n1\n01\n1.0\n\nNA\n2\n" } },
	  "keys=k convert=int",
	  "k=i1@0{1|01|1.0|}0:0:2+2/2,0:1:3+4/3,0:2:4+7/4 k=i2@4{2|}0:4:7+15/2 k=n@3{NA|}0:3:6+12/3" },
	{ "a decimal is no int",
	  { { "a.csv", "k\n1\n1.5\n" } },
	  "keys=k convert=int",
	  NULL,
	  PRS_EVALUE_MISFIT,
	  "/in/a.csv line 3, column \"k\", a partition key: \"1.5\" is no int, which convert_column_types makes of the "
	  "column: write another type there" },
	{ "dates by a format",
	  { { "a.csv", "k\n31.12.2024\n1.2.2024\n\"01.02.2024 \"\n" } },
	  "keys=k convert=datetime;%d.%m.%Y",
	  "k=d2024-02-01T00:00:00@1{1.2.2024|\"01.02.2024 \"|}0:1:3+13/9,0:2:4+22/14 "
	  "k=d2024-12-31T00:00:00@0{31.12.2024|}0:0:2+2/11" },
	{ "words for true and false",
	  { { "a.csv", "k\nYES\nn\nyes\n" } },
	  "keys=k convert=boolean;+yes;-n",
	  "k=bfalse@1{n|}0:1:3+6/2 k=btrue@0{YES|yes|}0:0:2+2/4,0:2:4+8/4" },
	{ "what only Python reads is compared as it is written",
	  { { "a.csv", "k\n1 Feb\n01 Feb\n" } },
	  "keys=k convert=datetime;%d_%b",
	  "k=s01 Feb@1{01 Feb|}0:1:3+8/7 k=s1 Feb@0{1 Feb|}0:0:2+2/6" },
	{ "JSON: what is converted is the text that it is",
	  { { "a.jsonl", "{\"k\":7}\n{\"k\":\"007\"}\n{\"k\":\"\"}\n" } },
	  "keys=k lines convert=int",
	  "k=i7@0{{\"k\":7}|{\"k\":\"007\"}|}0:0:1+0/8,0:1:2+8/12 k=n@2{{\"k\":\"\"}|}0:2:3+20/9" },
	{ "a key of folders and one of a column, in their order",
	  { { "s=2/a.csv", "k,v\n2,9\n1,9\n" }, { "s=10/%61/a.csv", "k,v\n1,9\n" } },
	  "keys=s,k",
	  "s=s10 k=i1@0{1,9|}0:0:2+4/4 s=s2 k=i1@2{1,9|}1:1:3+8/4 s=s2 k=i2@1{2,9|}1:0:2+4/4" },
	{ "a key of a column and one of folders that is null",
	  { { "s=__HIVE_DEFAULT_PARTITION__/a.csv", "k\n1\n" }, { "s=a/a.csv", "k\n1\n" } },
	  "keys=k,s",
	  "k=i1 s=sa@1{1|}1:0:2+2/2 k=i1 s=n@0{1|}0:0:2+2/2" },
	{ "a file that is in no folder of a key, beside one of a column",
	  { { "b=1/s=2/a.csv", "k\n2\n" }, { "c/a.csv", "k\n2\n" } },
	  "keys=s,k",
	  NULL,
	  PRS_EINVALID,
	  "partition key s: the file /in/c/a.csv is in no folder named s=..., and no partition_format says where its "
	  "value stands" },
	{ "a column goes before a folder of its name",
	  { { "s=2/a.csv", "k,s\n1,9\n" } },
	  "keys=s,k",
	  "s=i9 k=i1@0{1,9|}0:0:2+4/4" },
	{ "a file that does not fit the format",
	  { { "a.csv", "k\n1\n" } },
	  "keys=k,s format=/{s}_1.csv",
	  NULL,
	  PRS_EINVALID,
	  "the file /in/a.csv does not fit partition_format \"/{s}_1.csv\"" },
	{ "a packed file that was cut off is told by its name",
	  { { "a.gz", "x\n1\n" } },
	  "rows=1 cut",
	  NULL,
	  PRS_EINVALID,
	  "/in/a.gz: the gzip data ends in the middle: the file was cut off" },
	{ "what a scan refuses is told by the line in the text; what stands in front is cut",
	  { { "a.gz", "x\n1\n\"2\n" } },
	  "rows=1 infer=1",
	  "{1|}",
	  PRS_EINVALID,
	  "/in/a.gz line 3: a quote that opens here is still open where the file ends: close it, or double a quote "
	  "that is meant as text and put its field in quotes" },
};

static void put_files(struct world *w, const struct given *g)
{
	for (int i = 0; i < FILES_MAX && g->files[i].name; i++)
		put_file(w, g->files[i].name, g->files[i].text);
	if (strstr(g->options, "cut")) {
		uint64_t n;
		mem_fs_bytes(w->m, "/in/a.gz", &n);
		mem_fs_resize(w->m, "/in/a.gz", n - 5);
	}
}

static void remove_files(struct world *w, const struct given *g)
{
	for (int i = 0; i < FILES_MAX && g->files[i].name; i++) {
		char path[64];
		snprintf(path, sizeof path, "/in/%s", g->files[i].name);
		w->m->fs.unlink(w->m, path);
	}
	remove_spools(w);
}

static void check_case(struct world *w, const struct given *g, uint32_t block, size_t sort)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	put_files(w, g);
	say(w, g->options);
	w->in.sort_bytes = sort;
	int r = list(w, NULL, 0, 1, block);
	if (r != -g->code || (g->error && strcmp(w->err.msg, g->error) != 0))
		fail_msg("%s: %d, %s", g->label, r, w->err.msg);
	plan_folds(&w->body, r == 0);
	if (g->plan) {
		if (strcmp(text_of(w, &text), g->plan) != 0)
			fail_msg("%s: is\n%s\nnot\n%s", g->label, prs_buf_str(&text), g->plan);
		check_resumes(w, g->plan, r);
	}
	remove_files(w, g);
}

static void test_cases(void **state)
{
	static const uint32_t blocks[] = { 0, 1, 7 };
	static const size_t sorts[] = { 0, 1, 300 };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int k = 0; k < 3; k++)
			check_case(*state, &cases[i], blocks[k], sorts[k]);
}

/* ---- many rows, many lives --------------------------------------------------------------------------------------- */

static char *many_rows(unsigned rows, unsigned keys)
{
	char *text = malloc(rows * 32 + 100), *to = text;
	to += sprintf(to, "id,k\n");
	for (unsigned i = 0; i < rows; i++)
		to += sprintf(to, "%u,%u\n", i, i * 2654435761u / 1000 % keys);
	return text;
}

/* The plan in steps; it goes on in the next life behind each so manyth body. */
static void many_lives(struct world *w, unsigned each, struct prs_buf *ret)
{
	prs_buf_clear(&w->body);
	int r = 1;
	for (uint32_t epoch = 1; r == 1; epoch++) {
		struct prs_lister *l = prs_lister_new(&w->m->fs, &w->in, 1);
		assert_int_equal(prs_lister_spool(l, "/run", epoch), 0);
		if (w->body.len)
			assert_int_equal(prs_list_feed(l, w->body.data, w->body.len, &w->err), 0);
		for (unsigned i = 0; r == 1 && i < each; i++)
			r = prs_list_next(l, &w->body, &w->err);
		prs_lister_free(l);
	}
	assert_int_equal(r, 0);
	plan_folds(&w->body, true);
	text_of(w, ret);
}

static void test_many_lives(void **state)
{
	struct world *w = *state;
	static const char *const inputs[][2] = { { "a.csv.gz", "bytes=1000" }, { "a.csv", "keys=k" } };
	for (int i = 0; i < 2; i++) {
		PRS_AUTOBUF one;
		PRS_AUTOBUF many;
		prs_buf_init(&one, 64 << 20);
		prs_buf_init(&many, 64 << 20);
		char *text = many_rows(300000, 100000);
		put_file(w, inputs[i][0], text);
		free(text);
		say(w, inputs[i][1]);
		w->in.sort_bytes = 4 << 20;
		if (list(w, NULL, 0, 1, 0) < 0)
			fail_msg("%s", w->err.msg);
		text_of(w, &one);
		remove_spools(w);
		many_lives(w, 4, &many);
		assert_int_equal(one.len, many.len);
		assert_memory_equal(one.data, many.data, one.len);
		w->m->fs.unlink(w->m, "/in/a.csv.gz");
		for (uint32_t e = 1; e < 1000; e++) {
			char path[64], name[PRS_SPOOL_NAME_BYTES];
			snprintf(path, sizeof path, "/run/%s", prs_spool_name(name, e, 0));
			w->m->fs.unlink(w->m, path);
		}
	}
}

/* ---- where rows came from ---------------------------------------------------------------------------------------- */

static int put_rows(void *ctx, const char *path, const struct prs_table_range *rows, uint64_t line)
{
	prs_buf_putf(ctx, " %s:%u", path[0] ? path + 4 : "?", (unsigned)rows->row);
	if (rows->rows > 1)
		prs_buf_putf(ctx, "-%u", (unsigned)(rows->row + rows->rows - 1));
	if (line)
		prs_buf_putf(ctx, "(%u)", (unsigned)line);
	return prs_buf_putf(ctx, "+%u/%u", (unsigned)rows->offset, (unsigned)rows->bytes);
}

static void check_rows(struct prs_plan *p, struct prs_unit u, const char *want)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, 10000);
	assert_int_equal(prs_plan_each_rows(p, &u, put_rows, &text), 0);
	assert_string_equal(prs_buf_str(&text), want);
}

static struct prs_plan *plan_of(struct world *w, const char *options)
{
	struct prs_plan *p = prs_plan_new();
	put_file(w, "a.csv", "k,v\n1,a\n1,\"b\nc\"\n2,d\n1,e\n");
	put_file(w, "b.csv.gz", "k,v\n1,f\n1,g\n");
	say(w, options);
	assert_int_equal(list(w, NULL, 0, 1, 0), 0);
	assert_int_equal(prs_plan_feed(p, w->body.data, w->body.len, &w->err), 0);
	return p;
}

static void test_where_rows_of_keys_came_from(void **state)
{
	struct world *w = *state;
	struct prs_plan *p = plan_of(w, "keys=k");
	check_rows(p, (struct prs_unit){ 0, 0, 0 }, " ?:0-4+24/24");
	prs_plan_spools(p, &w->m->fs, "/run");
	check_rows(p, (struct prs_unit){ 0, 0, 0 }, " a.csv:0-1(2)+4/12 a.csv:3(6)+20/4 b.csv.gz:0-1(2)+0/0");
	check_rows(p, (struct prs_unit){ 0, 1, 3 }, " a.csv:1(3)+8/8 a.csv:3(6)+20/4 b.csv.gz:0(2)+0/0");
	check_rows(p, (struct prs_unit){ 1, 0, 1 }, " a.csv:2(5)+16/4");
	uint64_t n;
	mem_fs_bytes(w->m, "/run/spool-1-0", &n);
	mem_fs_resize(w->m, "/run/spool-1-0", n - 1); /* of the last origin */
	check_rows(p, (struct prs_unit){ 1, 0, 1 }, " ?:0+73/4");
	prs_plan_free(p);
}

static void test_where_rows_of_a_text_came_from(void **state)
{
	struct world *w = *state;
	struct prs_plan *p = plan_of(w, "rows=2");
	check_rows(p, (struct prs_unit){ 1, 0, 0 }, " a.csv:2-3+16/8");
	check_rows(p, (struct prs_unit){ 2, 1, 1 }, " b.csv.gz:1+0/0");
	PRS_AUTOBUF body;
	prs_buf_init(&body, 1000);
	struct prs_task task = { .lease = 1 };
	assert_int_equal(prs_plan_task(p, &(struct prs_unit){ .id = 2 }, &task, &body), 0);
	assert_string_equal((const char *)body.data + body.len - sizeof "spool-1-0/in/b.csv.gz",
	                    "spool-1-0/in/b.csv.gz");
	prs_plan_free(p);
}

/* ---- other ends -------------------------------------------------------------------------------------------------- */

static size_t behind_first(const struct world *w, enum prs_plan_type type)
{
	struct prs_plan_record r;
	size_t at = 0;
	while (prs_plan_next(w->body.data, w->body.len, &at, &r, NULL) == 1 && r.type != type)
		;
	return at;
}

static void test_a_file_that_changed(void **state)
{
	struct world *w = *state;
	PRS_AUTOBUF whole;
	prs_buf_init(&whole, BODY_BYTES);
	put_file(w, "a.csv.gz", "k,v\n1,a\n2,b\n3,c\n");
	say(w, "rows=1");
	assert_int_equal(list(w, NULL, 0, 1, 0), 0);
	prs_buf_put(&whole, w->body.data, behind_first(w, PRS_PLAN_SLICES));
	mem_fs_touch(w->m, "/in/a.csv.gz", 99);
	assert_int_equal(list(w, whole.data, whole.len, 2, 0), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg,
	                    "/in/a.csv.gz: size or time of change is not as it was when its first rows were "
	                    "planned");
	remove_spools(w);
	say(w, "keys=k");
	prs_buf_clear(&whole);
	assert_int_equal(list(w, NULL, 0, 1, 0), 0);
	prs_buf_put(&whole, w->body.data, behind_first(w, PRS_PLAN_TABLE_GROUP));
	mem_fs_touch(w->m, "/in/a.csv.gz", 100);
	assert_int_equal(list(w, whole.data, whole.len, 2, 0), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg, "/in/a.csv.gz: size or time of change is not as it was when it was listed");
	remove_spools(w);
	w->m->fs.unlink(w->m, "/in/a.csv.gz");
	put_file(w, "a.csv", "k,v\n1,a\n2,b\n3,c\n");
	prs_buf_clear(&whole);
	assert_int_equal(list(w, NULL, 0, 1, 0), 0);
	prs_buf_put(&whole, w->body.data, behind_first(w, PRS_PLAN_TABLE_GROUP));
	put_file(w, "a.csv", "k,v\n1,a\n1,b\n3,c\n"); /* in the same microsecond */
	assert_int_equal(list(w, whole.data, whole.len, 2, 0), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg,
	                    "the rows of the first values of the partition keys are not as they were when they "
	                    "were planned");
}

/* Without a place for it there is the same plan, and no spool. */
static void test_no_place(void **state)
{
	struct world *w = *state;
	static const char *const options[] = { "rows=1", "keys=k" };
	put_file(w, "a.csv.gz", "k,v\n1,a\n2,b\n1,c\n");
	for (int i = 0; i < 2; i++) {
		PRS_AUTOBUF with;
		prs_buf_init(&with, BODY_BYTES);
		say(w, options[i]);
		assert_int_equal(list(w, NULL, 0, 1, 0), 0);
		prs_buf_put(&with, w->body.data, w->body.len);
		remove_spools(w);
		assert_int_equal(list(w, NULL, 0, 0, 0), 0);
		assert_false(mem_fs_has(w->m, "/run/spool-1-0"));
		plan_folds(&w->body, true);
		assert_int_equal(w->body.len, with.len);
		w->in.sort_bytes = 1;
		assert_int_equal(list(w, NULL, 0, 0, 0), 0);
		assert_int_equal(w->body.len, with.len);
	}
}

static void test_no_room(void **state)
{
	struct world *w = *state;
	static const char *const options[] = { "rows=1", "keys=id" };
	char *text = many_rows(10000, 10);
	put_file(w, "a.csv", text);
	put_file(w, "a.csv.gz", text);
	free(text);
	for (int i = 0; i < 2; i++) {
		if (i)
			w->m->fs.unlink(w->m, "/in/a.csv.gz");
		say(w, options[i]);
		w->m->space = 5000;
		assert_int_equal(list(w, NULL, 0, 1, 0), -PRS_ENOSPACE);
		w->m->space = UINT64_MAX;
		assert_non_null(strstr(w->err.msg, i ? "/in/a.csv needs at least" : "/in/a.csv.gz needs at least"));
	}
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static const struct given *const faulty[] = { &cases[0], &cases[9] };

static void test_faults(void **state)
{
	struct world *w = *state;
	static const enum mem_op ops[] = { MEM_OPEN, MEM_PREAD, MEM_PWRITE, MEM_FDATASYNC, MEM_SYNC_DIR, MEM_UNLINK };
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	for (size_t c = 0; c < 2; c++) {
		put_files(w, faulty[c]);
		say(w, faulty[c]->options);
		w->in.sort_bytes = 1;
		for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
			for (unsigned nth = 0;; nth++) {
				mem_fs_fail(w->m, ops[i], "", nth, EIO);
				int r = list(w, NULL, 0, 1, 0);
				mem_fs_fail(w->m, ops[i], "", 0, 0);
				if (r == 0) {
					assert_string_equal(text_of(w, &text), faulty[c]->plan);
					remove_spools(w);
					break;
				}
				assert_int_equal(r, -PRS_EIO);
				/* what had been planned goes on in the next life */
				PRS_AUTOBUF fed;
				prs_buf_init(&fed, BODY_BYTES);
				prs_buf_put(&fed, w->body.data, w->body.len);
				assert_int_equal(list(w, fed.data, fed.len, 2, 0), 0);
				assert_string_equal(text_of(w, &text), faulty[c]->plan);
				remove_spools(w);
				w->m->fs.unlink(w->m, "/run/spool-1-0.tmp");
			}
		remove_files(w, faulty[c]);
	}
}

static void test_memory(void **state)
{
	struct world *w = *state;
	for (size_t c = 0; c < 2; c++) {
		put_files(w, faulty[c]);
		say(w, faulty[c]->options);
		w->in.sort_bytes = 1;
		for (long nth = 1;; nth++) {
			prs_mem_fault(nth);
			int r = list(w, NULL, 0, 1, 0);
			prs_mem_fault(0);
			remove_spools(w);
			if (r == 0)
				break;
			assert_int_equal(r, -PRS_ENOMEM);
		}
		remove_files(w, faulty[c]);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_cases),
		TEST(test_many_lives),
		TEST(test_where_rows_of_keys_came_from),
		TEST(test_where_rows_of_a_text_came_from),
		TEST(test_a_file_that_changed),
		TEST(test_no_place),
		TEST(test_no_room),
		TEST(test_faults),
		TEST(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
