/* SPDX-License-Identifier: Apache-2.0
 * test_cut_parquet: footers become mini-batches and schemas; a plan that was cut behind any record goes on to the same
 * end. A case is a row of a table: files with their footers, what is said of them, and the plan as a text.
 */
#include "base/mem.h"
#include "data/list.h"
#include "data/plan.h"
#include "data/rows_list.h"
#include "mem_fs.h"
#include "wire/footers.h"
#include "wire/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan_folds.h"

enum { FILES_MAX = 5, MANY = 300, BODY_BYTES = 4 << 20, MTIME_US = 7000 };

/* A file holds its footer as a text: "id:int64,x:double!3;10/100 20/200": names and types (and nulls), then rows and
 * bytes of each row group. "-why": refused. "?": an answer that is none. */
struct file {
	const char *name, *text;
};

struct given {
	const char *label;
	struct file files[FILES_MAX];
	const char *options; /* bytes= or rows= */
	const char *plan;    /* NULL: the error */
	const char *warning; /* NULL: none */
	int code;
	const char *error;
};

struct parts {
	struct prs_buf columns, nulls, groups;
	uint32_t columns_n, groups_n;
};

/* What stands in for the process that reads footers. Its buffers stay: it needs no memory when there is none. */
struct fake {
	struct mem_fs *m;
	struct prs_buf asked; /* paths, each closed by a NUL, that have no answer yet */
	struct prs_buf plain;
	struct parts parts;
	size_t at;
	uint32_t flags;
	char schemas[16][256];
	uint32_t schemas_n;
	unsigned asks, files, fail_answer; /* fail_answer: that one fails; 0 = none */
	const char *told_of;
};

struct world {
	struct mem_fs *m;
	struct fake fake;
	struct prs_footers footers;
	struct prs_table_input table;
	struct prs_list_input in;
	struct prs_buf body; /* all of the plan */
	char warning[512];
	struct prs_err err;
};

/* ---- the fake ---------------------------------------------------------------------------------------------------- */

static int fake_ask(void *ctx, const struct prs_buf *frame, const char *about, struct prs_err *err)
{
	struct fake *f = ctx;
	struct prs_reader r = { frame->data, frame->len, false };
	(void)err;
	assert_int_equal(prs_read32(&r), frame->len - PRS_FOOTERS_HEADER_BYTES);
	assert_int_equal(f->at, f->asked.len);
	f->flags = prs_read32(&r);
	f->asks++;
	prs_buf_clear(&f->asked);
	f->at = 0;
	for (uint32_t n = prs_read32(&r); n; n--) {
		uint32_t bytes = prs_read32(&r);
		prs_buf_put(&f->asked, prs_read(&r, bytes), bytes);
		prs_buf_putc(&f->asked, 0);
		f->files++;
	}
	assert_false(r.bad || r.left);
	assert_string_equal(about, (const char *)f->asked.data);
	return 0;
}

static void put_text(struct prs_buf *b, const char *p, size_t n)
{
	prs_buf_u32(b, (uint32_t)n);
	prs_buf_put(b, p, n);
}

/* Is it new? *ret: its number. */
static bool is_new(struct fake *f, const char *columns, size_t n, uint32_t *ret)
{
	for (*ret = 0; *ret < f->schemas_n; (*ret)++)
		if (strlen(f->schemas[*ret]) == n && !strncmp(f->schemas[*ret], columns, n))
			return false;
	assert_true(f->schemas_n < 16 && n < sizeof f->schemas[0]);
	snprintf(f->schemas[f->schemas_n++], sizeof f->schemas[0], "%.*s", (int)n, columns);
	return true;
}

static void take_apart(const char *text, struct parts *to)
{
	char name[32], type[32];
	uint64_t rows, bytes;
	unsigned nulls;
	int used;
	while (*text != ';') {
		assert_int_equal(sscanf(text, "%31[^:]:%31[^,!;]%n", name, type, &used), 2);
		text += used;
		nulls = 0;
		if (sscanf(text, "!%u%n", &nulls, &used) == 1)
			text += used;
		put_text(&to->columns, name, strlen(name));
		put_text(&to->columns, type, strlen(type));
		prs_buf_u64(&to->nulls, nulls);
		to->columns_n++;
		text += *text == ',';
	}
	for (text++; sscanf(text, "%" SCNu64 "/%" SCNu64 "%n", &rows, &bytes, &used) == 2; text += used) {
		prs_buf_u64(&to->groups, rows);
		prs_buf_u64(&to->groups, bytes);
		to->groups_n++;
	}
}

static void put_footer(struct fake *f, const char *text, uint64_t size, uint64_t mtime_us, struct prs_buf *to)
{
	struct parts *p = &f->parts;
	uint32_t schema;
	prs_buf_clear(&p->columns);
	prs_buf_clear(&p->nulls);
	prs_buf_clear(&p->groups);
	prs_buf_clear(&f->plain);
	p->columns_n = p->groups_n = 0;
	take_apart(text, p);
	for (const char *t = text; *t != ';'; t++) /* nulls make no other schema */
		if (*t == '!')
			t += strcspn(t, ",;") - 1;
		else
			prs_buf_putc(&f->plain, *t);
	bool new = is_new(f, prs_buf_str(&f->plain), f->plain.len, &schema);
	prs_buf_putc(to, 0);
	prs_buf_u64(to, size);
	prs_buf_u64(to, mtime_us);
	prs_buf_u32(to, schema);
	prs_buf_u32(to, p->groups_n);
	prs_buf_u32(to, new ? p->columns_n : 0);
	prs_buf_u32(to, f->flags & PRS_FOOTERS_NULLS ? p->columns_n : 0);
	if (new)
		prs_buf_put(to, p->columns.data, p->columns.len);
	if (f->flags & PRS_FOOTERS_NULLS)
		prs_buf_put(to, p->nulls.data, p->nulls.len);
	prs_buf_put(to, p->groups.data, p->groups.len);
}

static int fake_answer(void *ctx, struct prs_buf *to, const char *about, struct prs_err *err)
{
	struct fake *f = ctx;
	const struct prs_fs *fs = &f->m->fs;
	char text[1024] = "";
	struct prs_fs_stat st;
	const char *path = (const char *)f->asked.data + f->at;
	assert_true(f->at < f->asked.len);
	assert_string_equal(about, path);
	f->at += strlen(path) + 1;
	if (f->fail_answer && !--f->fail_answer)
		return prs_fail(err, PRS_EHELPER, "it died at %s", about);
	int fd = fs->open(fs->ctx, path, 0, 0);
	assert_true(fd >= 0 && fs->pread(fs->ctx, fd, text, sizeof text - 1, 0) >= 0);
	assert_int_equal(fs->fstat(fs->ctx, fd, &st), 0);
	fs->close(fs->ctx, fd);
	prs_buf_clear(to);
	if (text[0] == '-') {
		prs_buf_putc(to, 1);
		put_text(to, text + 1, strlen(text + 1));
	} else if (text[0] == '?') {
		prs_buf_puts(to, text);
	} else {
		put_footer(f, text, st.size, st.mtime_us, to);
	}
	return to->failed ? prs_fail(err, PRS_ENOMEM, "an answer") : 0;
}

/* ---- the world --------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->m = mem_fs_new();
	w->m->fs.mkdir(w->m, "/in", 0755);
	w->fake.m = w->m;
	w->footers = (struct prs_footers){ &w->fake, fake_ask, fake_answer };
	prs_buf_init(&w->fake.asked, BODY_BYTES);
	prs_buf_init(&w->fake.plain, BODY_BYTES);
	prs_buf_init(&w->fake.parts.columns, BODY_BYTES);
	prs_buf_init(&w->fake.parts.nulls, BODY_BYTES);
	prs_buf_init(&w->fake.parts.groups, BODY_BYTES);
	prs_buf_init(&w->body, BODY_BYTES);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	assert_int_equal(mem_fs_open_files(w->m), 0);
	prs_buf_done(&w->body);
	prs_buf_done(&w->fake.asked);
	prs_buf_done(&w->fake.plain);
	prs_buf_done(&w->fake.parts.columns);
	prs_buf_done(&w->fake.parts.nulls);
	prs_buf_done(&w->fake.parts.groups);
	mem_fs_free(w->m);
	free(w);
	return 0;
}

static void put_file(struct world *w, const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/in/%s", name);
	mem_fs_put(w->m, path, text, strlen(text));
}

static void say(struct world *w, const char *options)
{
	unsigned long long v;
	w->table = (struct prs_table_input){ .format = PRS_TABLE_PARQUET };
	w->in = (struct prs_list_input){ .name = "t", .path = "/in", .table = &w->table, .footers = &w->footers };
	if (sscanf(options, "bytes=%llu", &v) == 1)
		w->in.size = (struct prs_batch_size){ PRS_SIZE_BYTES, v };
	if (sscanf(options, "rows=%llu", &v) == 1)
		w->in.size = (struct prs_batch_size){ PRS_SIZE_ROWS, v };
}

/* Lists behind the first `fed` bytes of `from`, all into w->body; the process that reads footers is a new one. */
static int list(struct world *w, const uint8_t *from, size_t fed)
{
	w->err = (struct prs_err){ 0 };
	w->warning[0] = 0;
	w->fake.schemas_n = 0;
	w->fake.asks = w->fake.files = 0;
	w->fake.at = 0;
	prs_buf_clear(&w->fake.asked);
	struct prs_lister *l = prs_lister_new(&w->m->fs, &w->in, 1);
	if (!l)
		return prs_fail(&w->err, PRS_ENOMEM, "lister");
	prs_buf_clear(&w->body);
	prs_buf_put(&w->body, from, fed);
	int r = fed ? prs_list_feed(l, from, fed, &w->err) : 0;
	if (r == 0)
		do
			r = prs_list_next(l, &w->body, &w->err);
		while (r == 1);
	assert_int_equal(prs_lister_minor(l), PRS_FORMAT_MINOR_TABLES);
	for (const char *text; (text = prs_lister_warning(l));)
		snprintf(w->warning + strlen(w->warning), sizeof w->warning - strlen(w->warning), "%s\n", text);
	prs_lister_free(l);
	return r;
}

/* "[3:a int64,b string!2]": of all files or of one */
static void put_schema(const struct prs_plan_record *r, struct prs_buf *to)
{
	PRS_AUTOBUF json;
	prs_buf_init(&json, BODY_BYTES);
	prs_buf_put(&json, r->u.schema.json, r->u.schema.bytes);
	const char *at = prs_buf_str(&json);
	assert_int_equal(strncmp(at, "{\"version\":1,\"format\":\"parquet\",\"sampled\":", 42), 0);
	prs_buf_puts(to, to->len ? " [" : "[");
	if (r->u.schema.file != PRS_NO_FILE)
		prs_buf_putf(to, "%" PRIu64, r->u.schema.file);
	for (char sign = ':'; (at = strstr(at, "{\"name\":\"")); sign = ',') {
		char name[32], type[64];
		unsigned nulls;
		int used = 0;
		assert_int_equal(sscanf(at, "{\"name\":\"%31[^\"]\",\"type\":\"%63[^\"]\",\"nulls\":%u}%n", name, type,
		                        &nulls, &used),
		                 3);
		at += used;
		prs_buf_putf(to, "%c%s %s", sign, name, type);
		if (nulls)
			prs_buf_putf(to, "!%u", nulls);
	}
	prs_buf_puts(to, "]");
}

struct numbers {
	uint64_t id, file, row, global_row;
	bool some; /* rows that are to run again: over the input those of file i begin at 1000 i */
};

/* "1:20+8s1": file 1, from row 20, 8 rows, schema 1 */
static void put_rows(const struct prs_plan_record *r, struct numbers *n, struct prs_buf *to)
{
	struct prs_reader packed = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { .row = r->u.slices.row };
	if (n->file != r->u.slices.file || n->some)
		n->row = n->some ? r->u.slices.row : 0;
	n->file = r->u.slices.file;
	if (n->some)
		n->global_row = 1000 * n->file + n->row;
	assert_int_equal(r->u.slices.first_id, n->id);
	assert_int_equal(r->u.slices.row, n->row);
	assert_int_equal(r->u.slices.global_row, n->global_row);
	for (uint32_t i = 0; i < r->u.slices.count; i++) {
		prs_slice_next(&packed, true, &at);
		prs_buf_putf(to, "%s%" PRIu64 ":%" PRIu64 "+%" PRIu32, to->len ? " " : "", n->file, at.row, at.rows);
		if (r->u.slices.schema)
			prs_buf_putf(to, "s%u", r->u.slices.schema);
		n->row += at.rows;
		n->global_row += at.rows;
	}
	n->id += r->u.slices.count;
}

/* "{s=1 2:0+5 3:5+1}": keys, then of each range the file, its first row over the input, its rows */
static void put_group(const struct prs_plan_record *r, struct numbers *n, struct prs_buf *to)
{
	assert_int_equal(r->u.table_group.id, n->id++);
	prs_buf_putf(to, "%s{%s=%s", to->len ? " " : "", r->u.table_group.keys,
	             r->u.table_group.keys + strlen(r->u.table_group.keys) + 2);
	for (uint32_t i = 0; i < r->u.table_group.ranges_n; i++) {
		struct prs_table_range at = prs_table_range_get(r->u.table_group.ranges +
		                                                (size_t)i * PRS_TABLE_RANGE_BYTES);
		assert_int_equal(at.row, 0);
		assert_int_equal(at.offset + at.bytes, 0);
		prs_buf_putf(to, " %" PRIu64 ":%" PRIu64 "+%" PRIu32, at.file, at.global_row, at.rows);
		if (at.schema)
			prs_buf_putf(to, "s%u", at.schema);
	}
	prs_buf_puts(to, "}");
}

static const char *text_of(const struct world *w, struct prs_buf *to)
{
	struct prs_plan_record r;
	struct numbers n = { .file = UINT64_MAX, .some = w->in.rows_only };
	size_t at = 0;
	prs_buf_clear(to);
	while (prs_plan_next(w->body.data, w->body.len, &at, &r, NULL) == 1) {
		if (r.type == PRS_PLAN_SCHEMA)
			put_schema(&r, to);
		if (r.type == PRS_PLAN_PARQUET)
			put_rows(&r, &n, to);
		if (r.type == PRS_PLAN_TABLE_GROUP)
			put_group(&r, &n, to);
	}
	return prs_buf_str(to);
}

/* Behind each record the plan is cut, and goes on to the same text. */
static void check_resumes(struct world *w, const char *plan)
{
	PRS_AUTOBUF whole, text;
	prs_buf_init(&whole, BODY_BYTES);
	prs_buf_init(&text, BODY_BYTES);
	prs_buf_put(&whole, w->body.data, w->body.len);
	struct prs_plan_record r;
	size_t at = 0;
	while (prs_plan_next(whole.data, whole.len, &at, &r, NULL) == 1) {
		bool flat = r.type == PRS_PLAN_FILES && !strchr(plan, '{'); /* else folders follow, in one body */
		if (r.type != PRS_PLAN_SCHEMA && r.type != PRS_PLAN_PARQUET && !flat && r.type != PRS_PLAN_TABLE_GROUP)
			continue;
		if (list(w, whole.data, at) != 0)
			fail_msg("behind byte %zu: %s", at, w->err.msg);
		plan_folds(&w->body, true);
		if (strcmp(text_of(w, &text), plan))
			fail_msg("behind byte %zu, a record %d: %s", at, r.type, text_of(w, &text));
	}
}

static void run_case(struct world *w, const struct given *g)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	for (unsigned i = 0; i < FILES_MAX && g->files[i].name; i++)
		put_file(w, g->files[i].name, g->files[i].text);
	say(w, g->options);
	int r = list(w, NULL, 0);
	if (!g->plan) {
		assert_string_equal(w->err.msg, g->error);
		assert_int_equal(r, -g->code);
		return;
	}
	if (r != 0)
		fail_msg("%s: %s", g->label, w->err.msg);
	plan_folds(&w->body, true);
	if (strcmp(text_of(w, &text), g->plan))
		fail_msg("%s:\n  got  %s\n  want %s", g->label, text_of(w, &text), g->plan);
	assert_string_equal(w->warning, g->warning ? g->warning : "");
	check_resumes(w, g->plan);
}

#define SAME_COLUMNS "the files of a table have the same columns, in any order; give others an input of their own"

static const struct given cases[] = {
	{ "row groups are joined, never those of two files",
	  { { "a.parquet", "x:int64,y:string;10/100 10/100 10/100" }, { "b.parquet", "x:int64,y:string;5/50" } },
	  "bytes=200",
	  "[:x int64,y string] 0:0+20 0:20+10 1:0+5" },
	{ "by rows", { { "a.parquet", "x:int64;3/9 4/9" } }, "rows=5", "[:x int64] 0:0+5 0:5+2" },
	{ "nulls of the sample are added up",
	  { { "a.parquet", "x:int64!2;3/9" }, { "b.parquet", "x:int64!3;4/9" } },
	  "rows=5",
	  "[:x int64!5] 0:0+3 1:0+4" },
	{ "files without rows, whatever their columns are, say nothing",
	  { { "a.parquet", "z:bool;" },
	    { "b.parquet", ";0/0" },
	    { "c.parquet", "x:int64;2/9" },
	    { "d.parquet", "y:bool;" } },
	  "rows=5",
	  "[:x int64] 2:0+2" },
	{ "none has rows: no mini-batch, no schema",
	  { { "a.parquet", "x:int64;" }, { "b.parquet", "y:bool;0/0" } },
	  "rows=5",
	  "" },
	{ "another order is no other schema",
	  { { "a.parquet", "x:int64,y:bool;1/9" }, { "b.parquet", "y:bool,x:int64!1;1/9" } },
	  "rows=5",
	  "[:x int64!1,y bool] 0:0+1 1:0+1" },
	{ "types are those that hold all of the sample",
	  { { "a.parquet", "x:int64,y:null;1/9" }, { "b.parquet", "x:double,y:string;1/9" } },
	  "rows=5",
	  "[:x double,y string] 0:0+1 1:0+1" },
	{ "names that begin with _ or . are no data",
	  { { "_SUCCESS", "?" }, { ".x.parquet.crc", "?" }, { "a.parquet", "x:int64;1/9" } },
	  "rows=5",
	  "[:x int64] 2:0+1",
	  "2 files of the input were passed over: the name begins with _ or .\n" },
	{ "other names",
	  { { "a.parquet", "x:int64;1/9" }, { "b.parquet", "x:int64,y:bool;1/9" } },
	  "rows=5",
	  NULL,
	  NULL,
	  PRS_EINVALID,
	  "/in/b.parquet has a column \"y\" and /in/a.parquet has none: " SAME_COLUMNS },
	{ "a name that is missing",
	  { { "a.parquet", "x:int64,y:bool;1/9" }, { "b.parquet", "x:int64;1/9" } },
	  "rows=5",
	  NULL,
	  NULL,
	  PRS_EINVALID,
	  "/in/a.parquet has a column \"y\" and /in/b.parquet has none: " SAME_COLUMNS },
	{ "types that nothing holds",
	  { { "a.parquet", "x:int64;1/9" }, { "b.parquet", "x:string;1/9" } },
	  "rows=5",
	  NULL,
	  NULL,
	  PRS_EINVALID,
	  "column x is string in /in/b.parquet, and int64 in /in/a.parquet and others: give files with other types an "
	  "input of their own, or write them with one type" },
	{ "a footer that is none",
	  { { "a.parquet", "x:int64;1/9" }, { "b.parquet", "-its footer cannot be read: Magic" } },
	  "rows=5",
	  NULL,
	  NULL,
	  PRS_EINVALID,
	  "/in/b.parquet: its footer cannot be read: Magic" },
	{ "rows without columns",
	  { { "a.parquet", ";5/9" } },
	  "rows=5",
	  NULL,
	  NULL,
	  PRS_EINVALID,
	  "/in/a.parquet has rows and no columns" },
	{ "an answer that is none",
	  { { "a.parquet", "?" } },
	  "rows=5",
	  NULL,
	  NULL,
	  PRS_EHELPER,
	  "the answer of the process that reads Parquet footers: neither yes nor no" },
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

/* ---- rows that are to run again ---------------------------------------------------------------------------------- */

static void want_rows(struct prs_buf *list, size_t *last, const char *path, uint64_t row, uint32_t rows)
{
	struct prs_rows_at at = {
		.path = path,
		.at = { .row = row, .rows = rows, .global_row = 1000 * (uint64_t)(path[4] - 'a') + row }
	};
	prs_rows_list_put(list, last, &at);
}

/* Of two of four files; the types are what they were. Of the others no footer is asked for but for the sample. */
static void test_some_rows(void **state)
{
	static const char want[] = "[:x double!7,y string] 1:12+3 1:15+5 1:20+1 1:29+1 2:0+1 2:3+2";
	struct world *w = *state;
	size_t last = SIZE_MAX;
	PRS_AUTOBUF list_of;
	PRS_AUTOBUF text;
	prs_buf_init(&list_of, BODY_BYTES);
	prs_buf_init(&text, BODY_BYTES);
	put_file(w, "a.parquet", "x:int64,y:string;30/9");
	put_file(w, "b.parquet", "x:int64,y:string;30/9");
	put_file(w, "c.parquet", "x:int64,y:string;5/9");
	put_file(w, "d.parquet", "x:int64,y:string;30/9");
	want_rows(&list_of, &last, "/in/b.parquet", 12, 9);
	want_rows(&list_of, &last, "/in/b.parquet", 29, 1);
	want_rows(&list_of, &last, "/in/c.parquet", 0, 1);
	want_rows(&list_of, &last, "/in/c.parquet", 3, 2);
	prs_rows_list_put_column(&list_of, "x", "double", 7);
	prs_rows_list_put_column(&list_of, "z", "string", 9);
	mem_fs_put(w->m, "/only", list_of.data, list_of.len);
	say(w, "rows=5");
	w->in.rows_only = "/only";
	assert_int_equal(list(w, NULL, 0), 0);
	assert_string_equal(text_of(w, &text), want);
	assert_int_equal(w->fake.files, 1 + 4 + 2);
	plan_folds(&w->body, true);
	check_resumes(w, want);
	put_file(w, "b.parquet", "x:int64,y:string;29/9");
	assert_int_equal(list(w, NULL, 0), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg, "/in/b.parquet has 29 rows, and row 30 is to run again");
	w->m->fs.unlink(w->m, "/in/b.parquet");
	assert_int_equal(list(w, NULL, 0), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg,
	                    "/in/b.parquet: it is no file of the input any more, and rows of it are to run again");
}

/* f000 to f299; the sample is the first and 31 others */
static void put_many(struct world *w, const char *text)
{
	char name[32];
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "f%03u.parquet", i);
		put_file(w, name, text);
	}
	say(w, "rows=9");
}

static void test_many_files(void **state)
{
	struct world *w = *state;
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	put_many(w, "x:int64;1/9");
	put_file(w, "f009.parquet", "x:int64!4;1/9"); /* 9 = 300 / 32 is in the sample, 10 is not */
	put_file(w, "f010.parquet", "x:double!4;2/9");
	put_file(w, "f200.parquet", "x:double;3/9");
	assert_int_equal(list(w, NULL, 0), 0);
	assert_int_equal(w->fake.files, 1 + 32 + MANY);
	assert_in_range(w->fake.asks, 5, 10);
	plan_folds(&w->body, true);
	const char *got = text_of(w, &text);
	assert_memory_equal(got, "[:x int64!4] 0:0+1 1:0+1 ", 25);
	assert_non_null(strstr(got, " 9:0+1 [10:x double!4] 10:0+2s1 11:0+1 "));
	assert_non_null(strstr(got, " 199:0+1 200:0+3s1 201:0+1 "));
	assert_string_equal(w->warning,
	                    "/in/f010.parquet: column x is double there, and int64 in the files that the types "
	                    "were decided from: the mini-batches of such files have double\n");
	PRS_AUTOFREE char *plan = prs_strdup(got);
	check_resumes(w, plan);
}

static void test_keys_are_refused(void **state)
{
	struct world *w = *state;
	struct prs_list keys = { 0 };
	put_file(w, "a.parquet", "x:int64;3/9");
	say(w, "rows=5");
	assert_int_equal(prs_list_add(&keys, "x"), 0);
	w->in.keys = &keys;
	assert_int_equal(list(w, NULL, 0), -PRS_ENO_COLUMN);
	assert_memory_equal(w->err.msg, "partition key x: Parquet files are grouped by their paths alone", 63);
	prs_list_done(&keys);
}

/* Groups in the order of their values, files in theirs; a group without rows is none. */
static void test_keys_in_paths(void **state)
{
	static const char *const folders[] = { "/in/s=1", "/in/s=2", "/in/s=3", "/in/s=4" };
	struct world *w = *state;
	struct prs_list keys = { 0 };
	for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++)
		w->m->fs.mkdir(w->m, folders[i], 0755);
	put_file(w, "_SUCCESS", "?");
	put_file(w, "s=1/b.parquet", "x:int64;2/9 1/9");
	put_file(w, "s=1/c.parquet", "x:int64;");
	put_file(w, "s=1/d.parquet", "x:int64;5/9");
	put_file(w, "s=2/_x", "?");
	put_file(w, "s=2/a.parquet", "x:int64!1;3/9");
	put_file(w, "s=3/d.parquet", "x:int64;");
	put_file(w, "s=4/d.parquet", "x:int64;1/9");
	say(w, "rows=5");
	assert_int_equal(prs_list_add(&keys, "s"), 0);
	w->in.keys = &keys;
	const char *want = "[:x int64!1] {s=1 1:0+3 3:3+5} {s=2 5:8+3} {s=4 7:11+1}";
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	if (list(w, NULL, 0) != 0)
		fail_msg("%s", w->err.msg);
	plan_folds(&w->body, true);
	assert_string_equal(text_of(w, &text), want);
	assert_string_equal(w->warning, "2 files of the input were passed over: the name begins with _ or .\n");
	check_resumes(w, want);
	prs_list_done(&keys);
}

static void test_a_type_that_comes_late(void **state)
{
	struct world *w = *state;
	put_many(w, "x:int64;1/9");
	put_file(w, "f010.parquet", "x:string;2/9");
	assert_int_equal(list(w, NULL, 0), -PRS_EINVALID);
	assert_string_equal(w->err.msg,
	                    "column x is string in /in/f010.parquet, and int64 in /in/f000.parquet and others: "
	                    "give files with other types an input of their own, or write them with one type");
}

/* A record takes some 32 KiB of numbers: a file of many mini-batches is many records, and goes on behind each. */
static void test_a_file_of_many_mini_batches(void **state)
{
	struct world *w = *state;
	struct prs_plan_record r;
	size_t at = 0, records = 0;
	put_file(w, "a.parquet", "x:int64;100000/9 5/9");
	say(w, "rows=1");
	assert_int_equal(list(w, NULL, 0), 0);
	plan_folds(&w->body, true);
	while (prs_plan_next(w->body.data, w->body.len, &at, &r, NULL) == 1)
		records += r.type == PRS_PLAN_PARQUET;
	assert_int_equal(records, 4);
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	PRS_AUTOFREE char *plan = prs_strdup(text_of(w, &text));
	check_resumes(w, plan);
}

/* The beginning of the plan of two files, up to its first mini-batches. */
static void half_a_plan(struct world *w, struct prs_buf *half)
{
	struct prs_plan_record r = { 0 };
	size_t at = 0;
	put_file(w, "a.parquet", "x:int64;3/9");
	put_file(w, "b.parquet", "x:int64;3/9");
	say(w, "rows=1");
	assert_int_equal(list(w, NULL, 0), 0);
	while (r.type != PRS_PLAN_PARQUET)
		assert_int_equal(prs_plan_next(w->body.data, w->body.len, &at, &r, NULL), 1);
	prs_buf_put(half, w->body.data, at);
}

static void test_files_that_changed(void **state)
{
	static const char
		*const other = "/in/a.parquet: size or time of change is not as it was when its first rows were "
			       "planned";
	struct world *w = *state;
	PRS_AUTOBUF half;
	prs_buf_init(&half, BODY_BYTES);
	half_a_plan(w, &half);
	put_file(w, "a.parquet", "x:int64;3/9 1/1");
	assert_int_equal(list(w, half.data, half.len), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg, other);
	put_file(w, "a.parquet", "x:int64;3/9");
	mem_fs_touch(w->m, "/in/a.parquet", MTIME_US);
	assert_int_equal(list(w, half.data, half.len), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg, other);
	put_file(w, "b.parquet", "x:double;3/9");
	assert_int_equal(list(w, half.data, half.len), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg,
	                    "the rows that the types of the columns were decided from are not as they were");
}

static void test_a_process_that_dies(void **state)
{
	struct world *w = *state;
	PRS_AUTOBUF text;
	prs_buf_init(&text, BODY_BYTES);
	put_file(w, "a.parquet", "x:int64;3/9");
	put_file(w, "b.parquet", "x:int64;3/9");
	say(w, "rows=5");
	for (unsigned n = 1; n <= 1 + 2 + 2; n++) {
		w->fake.fail_answer = n;
		assert_int_equal(list(w, NULL, 0), -PRS_EHELPER);
		w->fake.fail_answer = 0;
	}
	w->in.footers = NULL;
	assert_int_equal(list(w, NULL, 0), -PRS_EHELPER);
	assert_string_equal(w->err.msg, "nobody reads the footers of Parquet files here");
}

/* It was refused: is it there, and may it be read? */
static void test_a_file_that_is_gone(void **state)
{
	struct world *w = *state;
	put_file(w, "a.parquet", "-No such file or directory");
	say(w, "rows=5");
	mem_fs_fail(w->m, MEM_OPEN, "a.parquet", 1, ENOENT);
	assert_int_equal(list(w, NULL, 0), -PRS_ENOTFOUND);
	mem_fs_fail(w->m, MEM_OPEN, "a.parquet", 1, EACCES);
	assert_int_equal(list(w, NULL, 0), -PRS_EPERMISSION);
}

static void test_no_memory(void **state)
{
#ifdef PRS_KILL_POINTS
	struct world *w = *state;
	put_file(w, "a.parquet", "x:int64,y:bool;3/9");
	put_file(w, "b.parquet", "y:bool,x:int64;3/9");
	say(w, "rows=2");
	int r = list(w, NULL, 0);
	long n = 0;
	do {
		if (n && (r != -PRS_ENOMEM || w->err.code != r))
			fail_msg("allocation %ld: %d, %s", n, r, w->err.msg);
		prs_mem_fault(++n);
		r = list(w, NULL, 0);
		prs_mem_fault(0);
	} while (r != 0);
	assert_in_range(n, 30, 1000);
#else
	(void)state;
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test_setup_teardown(test_some_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys_in_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_type_that_comes_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_of_many_mini_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_that_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_process_that_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
