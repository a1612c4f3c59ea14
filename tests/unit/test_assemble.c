/* SPDX-License-Identifier: Apache-2.0
 * test_assemble: the output: order, headers, damage, files that are there already, the fence, a full disk, an
 * interruption.
 * What is expected is put together here from the rows themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "merge_text.h"
#include "store/index.h"
#include "store_world.h"

#define OUT "/out/rows.txt"
#define TMP1 "/out/.prs-612072756e206f662031362062797400-1.tmp" /* "a run of 16 byt" */
enum { BIG = 3 << 20 };

struct world {
	struct store_world w;
	struct prs_index *x;
	struct prs_assemble_options o;
	struct prs_assembled done;
	char bad[1024];
	bool cancel;
	unsigned most_open;
};

static int setup(void **state)
{
	struct world *t = calloc(1, sizeof *t);
	world_new(&t->w);
	assert_int_equal(world_epoch_after(&t->w, 1, 0, 0, 0), 0);
	assert_int_equal(prs_index_new(&t->x, t->w.fs, "/run", 1, NULL), 0);
	t->o = (struct prs_assemble_options){ .path = OUT, .run = &t->w.run, .epoch = 1, .cancel = &t->cancel };
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct world *t = *state;
	prs_index_free(t->x);
	world_close_epoch(&t->w);
	assert_int_equal(mem_fs_open_files(t->w.m), 0);
	world_free(&t->w);
	free(t);
	return 0;
}

static void put(struct world *t, const struct prs_fact *f)
{
	uint64_t next = f->u.done.unit.id + 1;
	assert_int_equal(prs_index_grow(t->x, next, NULL), 0);
	assert_int_equal(prs_index_done(t->x, &f->u.done, NULL), 0);
	if (next > t->o.next_id)
		t->o.next_id = next;
}

static struct prs_done rows(struct world *t, uint64_t id, const char *text, uint32_t head_len)
{
	struct prs_fact f;
	assert_int_equal(world_rows(&t->w, id, text, head_len, &f), 0);
	put(t, &f);
	return f.u.done;
}

/* n bytes of a pattern that belongs to the id, as text. */
static char *big_text(uint64_t id, size_t n)
{
	char *s = malloc(n + 1);
	for (size_t i = 0; i < n; i++)
		s[i] = (char)('a' + (i * 7 + i / 1000 + id) % 26);
	s[n] = 0;
	return s;
}

static struct prs_done raw(struct world *t, uint64_t id, const char *text, uint32_t head_len)
{
	struct prs_fact f;
	assert_int_equal(world_raw(&t->w, id, text, &f), 0);
	f.u.done.head_len = head_len;
	put(t, &f);
	return f.u.done;
}

static void on_bad(void *ctx, uint64_t id, const char *why)
{
	struct world *t = ctx;
	size_t n = strlen(t->bad);
	snprintf(t->bad + n, sizeof t->bad - n, "%llu: %s\n", (unsigned long long)id, why);
}

static int assemble(struct world *t)
{
	t->bad[0] = 0;
	t->w.err = (struct prs_err){ 0 };
	return prs_assemble(t->w.fs, "/run", t->x, &t->o, on_bad, t, &t->done, &t->w.err);
}

static void assert_file(struct world *t, const char *path, const char *want)
{
	uint64_t n;
	const uint8_t *p = mem_fs_bytes(t->w.m, path, &n);
	assert_non_null(p);
	if (n != strlen(want) || memcmp(p, want, n) != 0)
		fail_msg("%s: %.*s instead of %s", path, n < 200 ? (int)n : 200, (const char *)p,
		         strlen(want) < 200 ? want : "...");
}

static void assert_output(struct world *t, const char *want)
{
	uint8_t print[16];
	int r = assemble(t);
	if (r)
		fail_msg("%s", t->w.err.msg);
	assert_file(t, OUT, want);
	assert_int_equal(t->done.bytes, strlen(want));
	prs_fingerprint(want, strlen(want), print);
	assert_memory_equal(t->done.print, print, 16);
	assert_false(mem_fs_has(t->w.m, TMP1));
}

/* Refused, nothing has appeared or changed. */
static void assert_refused(struct world *t, int code, const char *there)
{
	int r = assemble(t);
	if (r != code)
		fprintf(stderr, "%s\n", t->w.err.msg);
	assert_int_equal(r, code);
	if (there)
		assert_file(t, OUT, there);
	else
		assert_false(mem_fs_has(t->w.m, OUT));
	assert_false(mem_fs_has(t->w.m, TMP1));
	assert_int_equal(mem_fs_open_files(t->w.m),
	                 1 + t->w.has_segment + t->w.has_raw + 1); /* the writers, and the index */
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

static void test_order_of_ids(void **state)
{
	struct world *t = *state;
	rows(t, 4, "four\n", 0);
	rows(t, 0, "zero\n", 0);
	raw(t, 2, "two\n", 0);
	rows(t, 1, "", 0); /* done, without rows; 3 is not done */
	rows(t, 6, "six\nand more\n", 0);
	rows(t, 5, "fiv", 0);
	assert_output(t, "zero\ntwo\nfour\nfivsix\nand more\n");
	assert_int_equal(t->done.ranges, 5);
	assert_int_equal(t->done.rows_bytes, t->done.bytes);
	t->o.overwrite = true;
	t->o.next_id = 5; /* ids from here on are not asked for */
	assert_output(t, "zero\ntwo\nfour\n");
	t->o.next_id = 1000000; /* nor are there any behind the last */
	assert_output(t, "zero\ntwo\nfour\nfivsix\nand more\n");
}

static void part(struct world *t, uint64_t id, uint32_t first, uint32_t count, const char *text, uint32_t head_len)
{
	struct prs_fact f;
	assert_int_equal(world_unit_rows(&t->w, (struct prs_unit){ id, first, count }, text, head_len, &f), 0);
	put(t, &f);
}

/* A split mini-batch lies where the whole one would. */
static void test_order_of_parts(void **state)
{
	struct world *t = *state;
	part(t, 3, 5, 5, "h\n3 five\n", 2);
	rows(t, 4, "h\nfour\n", 2);
	part(t, 1, 7, 1, "", 0);
	part(t, 1, 0, 4, "h\n1 zero\n", 2);
	part(t, 3, 0, 2, "h\n3 zero\n", 2); /* items 2, 3, 4 failed */
	part(t, 1, 4, 3, "h\n1 four\n", 2);
	rows(t, 2, "h\ntwo\n", 2);
	part(t, 9, 0, 1, "h\n9 zero\n", 2);
	assert_output(t, "h\n1 zero\n1 four\ntwo\n3 zero\n3 five\nfour\n9 zero\n");
	t->o.overwrite = true;
	t->o.next_id = 4;
	assert_output(t, "h\n1 zero\n1 four\ntwo\n3 zero\n3 five\n");
	t->o.next_id = 10;
	prs_index_reset(t->x, 3, 1);
	assert_output(t, "h\n1 zero\n1 four\ntwo\nfour\n9 zero\n");
	rows(t, 3, "h\nthree\n", 2);
	assert_output(t, "h\n1 zero\n1 four\ntwo\nthree\nfour\n9 zero\n");
}

static void test_damaged_part(void **state)
{
	struct world *t = *state;
	rows(t, 0, "zero\n", 0);
	part(t, 1, 0, 1, "1 zero\n", 0);
	struct prs_fact f;
	assert_int_equal(world_unit_rows(&t->w, (struct prs_unit){ 1, 1, 1 }, "1 one\n", 0, &f), 0);
	f.u.done.checksum ^= 1;
	put(t, &f);
	assert_refused(t, -PRS_ECORRUPT, NULL);
	assert_string_equal(t->bad, "1: its rows do not match their checksum\n");
	t->o.partial = true;
	assert_output(t, "zero\n1 zero\n");
}

static void test_nothing_at_all(void **state)
{
	struct world *t = *state;
	assert_output(t, "");
}

static void test_large_ranges(void **state)
{
	struct world *t = *state;
	char *a = big_text(1, BIG + 5), *b = big_text(2, (1 << 20) + 1), *c = big_text(3, 1 << 20),
	     *want = malloc(3 * BIG);
	raw(t, 1, a, 0);
	raw(t, 3, c, 0);
	rows(t, 0, "0\n", 0);
	rows(t, 2, b, 0);
	strcpy(want, "0\n");
	strcat(strcat(strcat(want, a), b), c);
	assert_output(t, want);
	free(a);
	free(b);
	free(c);
	free(want);
}

static void count_open(void *ctx, enum mem_op op, const char *path)
{
	(void)op;
	(void)path;
	struct world *t = ctx;
	unsigned n = mem_fs_open_files(t->w.m);
	if (n > t->most_open)
		t->most_open = n;
}

/* A thousand resumes leave a thousand segment files. */
static void test_many_files_but_few_open(void **state)
{
	struct world *t = *state;
	char want[8192] = "";
	for (uint32_t i = 0; i < 200; i++) {
		char text[16], path[64];
		snprintf(text, sizeof text, "row %u\n", i);
		strcat(want, text);
		uint32_t epoch = 2 + i % 100; /* each file is used twice, far apart */
		prs_path_segment(path, sizeof path, "/run", epoch, 0, 0, false);
		uint64_t n = 0;
		char both[64] = "";
		if (mem_fs_has(t->w.m, path))
			memcpy(both, mem_fs_bytes(t->w.m, path, &n), 32);
		memcpy(both + n, text, strlen(text));
		mem_fs_put(t->w.m, path, both, n + strlen(text));
		struct prs_fact f = {
			.type = PRS_FACT_DONE,
			.u.done = { .unit.id = i, .lease = W_LEASE(epoch, 1), .offset = n, .length = strlen(text) }
		};
		f.u.done.checksum = prs_checksum(text, strlen(text));
		put(t, &f);
	}
	t->w.m->before = count_open;
	t->w.m->before_ctx = t;
	assert_output(t, want);
	assert_in_range(t->most_open, 30, 40);
}

/* ---- headers ----------------------------------------------------------------------------------------------------- */

static void test_headers(void **state)
{
	struct world *t = *state;
	static const struct {
		const char *text;
		uint32_t head;
	} v[] = { { "no header\n", 0 }, { "a b\n1 2\n", 4 }, { "a b\n3 4\n", 4 }, { "a c\n5 6\n", 4 },
		  { "a  b\n7 8\n", 5 }, { "a b\n", 4 },      { "9\n", 0 } };
	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		rows(t, i, v[i].text, v[i].head);
	assert_output(t, "no header\na b\n1 2\n3 4\n5 6\n7 8\n9\n");
	assert_int_equal(t->done.headers_differ, 2);
	assert_int_equal(t->done.rows_bytes, strlen("no header\n1 2\n3 4\n5 6\n7 8\n9\n"));
}

/* A table of a hundred thousand columns has a header of megabytes. */
static void test_large_headers(void **state)
{
	struct world *t = *state;
	enum { HEAD = (1 << 20) + 4711 };
	char *head = big_text(9, HEAD), *text = malloc(HEAD + 100), *want = malloc(HEAD + 100);
	snprintf(text, HEAD + 100, "%sone\n", head);
	raw(t, 0, text, HEAD);
	snprintf(text, HEAD + 100, "%stwo\n", head);
	raw(t, 1, text, HEAD);
	text[HEAD - 1] ^= 1;
	raw(t, 2, text, HEAD);
	snprintf(text, HEAD + 100, "%.*sthree\n", HEAD - 1, head);
	raw(t, 3, text, HEAD - 1);
	snprintf(want, HEAD + 100, "%sone\ntwo\ntwo\nthree\n", head);
	assert_output(t, want);
	assert_int_equal(t->done.headers_differ, 2);
	free(head);
	free(text);
	free(want);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* csv: a header that has `kinds` for its columns, then the rows. The raw file where it is large. */
static struct prs_done table(struct world *t, struct prs_unit unit, const char *kinds, const char *line,
                             const char *text)
{
	struct prs_fact f;
	size_t n = strlen(text);
	uint8_t *bytes = malloc(strlen(kinds) + strlen(line) + n + 16);
	size_t head = merge_header(bytes, ',', kinds[0] ? 1 : 0, kinds, line);
	memcpy(bytes + head, text, n);
	if (head + n <= 1 << 20)
		assert_int_equal(world_unit_bytes(&t->w, unit, bytes, head + n, (uint32_t)head, &f), 0);
	else
		assert_int_equal(world_raw_bytes(&t->w, unit.id, bytes, head + n, &f), 0);
	f.u.done.head_len = (uint32_t)head;
	put(t, &f);
	free(bytes);
	return f.u.done;
}

static struct prs_unit of(uint64_t id) { return (struct prs_unit){ .id = id }; }

static void test_tables(void **state)
{
	static const char want[] = "a,b,d\na line\n1,2,\n3,4,\n5,6,\n8,9,\n,7,2024-02-29 00:00:00\nanother\n"
				   ",,2024-02-29 10:30:00\n,,\"\"\nleft;as it is\n10,,\n";
	struct world *t = *state;
	t->o.format = PRS_OUTPUT_CSV;
	rows(t, 0, "a line\n", 0);
	table(t, of(1), "00", "a,b\n", "1,2\n");
	table(t, of(2), "00", "a,b\n", "3,4\n5,6\n");
	table(t, (struct prs_unit){ 3, 5, 5 }, "01", "b,d\n", "7,2024-02-29\n");
	table(t, (struct prs_unit){ 3, 0, 5 }, "00", "a,b\n", "8,9\n");
	rows(t, 4, "another\n", 0);
	table(t, of(5), "2", "d\n", "2024-02-29 10:30:00\n\"\"\n");
	table(t, of(6), "", "x;y\n", "left;as it is\n");
	table(t, of(7), "00", "a,b\n", "10,\n");
	assert_output(t, want);
	assert_int_equal(t->done.headers_differ, 3);
	assert_int_equal(t->done.unfit, 1);
	assert_int_equal(t->done.ranges, 9);
	/* and there already: the same bytes are found */
	assert_output(t, want);
	assert_true(t->done.found);
	t->o.overwrite = true;
	t->o.next_id = 3;
	assert_output(t, "a,b\na line\n1,2\n3,4\n5,6\n");
	assert_int_equal(t->done.headers_differ, 0);
}

static void test_large_tables(void **state)
{
	struct world *t = *state;
	enum { HEAD = (1 << 20) + 4711 };
	char *name = big_text(9, HEAD), *cells = big_text(8, BIG), *want = malloc(3 * BIG), *line = malloc(HEAD + 10),
	     *text = malloc(BIG + 10);
	t->o.format = PRS_OUTPUT_TSV; /* the header says what stands between cells */
	table(t, of(0), "0", "a\n", "1\n");
	snprintf(line, HEAD + 10, "%s,a\n", name);
	table(t, of(1), "00", line, "2,3\n4,5\n");
	snprintf(text, BIG + 10, "%s,6\n", cells);
	table(t, of(2), "00", line, text);
	sprintf(want, "a,%s\n1,\n3,2\n5,4\n6,%s\n", name, cells);
	assert_output(t, want);
	free(name);
	free(cells);
	free(want);
	free(line);
	free(text);
}

/* Columns of rows that are damaged are no columns of what is left. */
static void test_damaged_tables(void **state)
{
	struct world *t = *state;
	struct prs_fact f = { .type = PRS_FACT_DONE };
	t->o.format = PRS_OUTPUT_CSV;
	table(t, of(0), "0", "a\n", "1\n");
	f.u.done = table(t, of(1), "0", "b\n", "2\n");
	f.u.done.checksum ^= 1;
	put(t, &f);
	f.u.done = table(t, of(2), "0", "c\n", "3\n");
	f.u.done.head_len = 4711; /* more than there is */
	put(t, &f);
	table(t, of(3), "0", "d\n", "4\n");
	assert_refused(t, -PRS_ECORRUPT, NULL);
	assert_string_equal(t->bad, "1: its rows do not match their checksum\n");
	t->o.partial = true;
	prs_index_reset(t->x, 2, 1);
	assert_output(t, "a,d\n1,\n,4\n");
}

/* What is no header was not made by a loader of ours: it is told, and not written. */
static void test_no_table(void **state)
{
	struct world *t = *state;
	t->o.format = PRS_OUTPUT_CSV;
	table(t, of(0), "0", "a\n", "1\n");
	rows(t, 7, "a,b\n1,2\n", 4);
	assert_refused(t, -PRS_ECORRUPT, NULL);
	assert_string_equal(t->w.err.msg, "mini-batch 7: the columns of a table are not what a header is");
}

/* ---- a sink ------------------------------------------------------------------------------------------------------ */

/* Writes what it hears into the file: schemas and rows in brackets. */
struct heard {
	struct world *t;
	char text[512];
	uint64_t rows;
	const char *fails; /* the function that does */
	bool cancels;      /* it does because the job is canceled meanwhile */
};

static int hear(struct heard *h, const char *function, struct prs_err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int hear(struct heard *h, const char *function, struct prs_err *err, const char *fmt, ...)
{
	size_t n = strlen(h->text);
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(h->text + n, sizeof h->text - n, fmt, ap);
	va_end(ap);
	bool fails = h->fails && !strcmp(h->fails, function);
	h->t->cancel = h->t->cancel || (fails && h->cancels);
	if (fails)
		return prs_fail(err, PRS_EHELPER, "%s failed", function);
	return 0;
}

static int heard_schema(void *ctx, uint64_t id, const void *bytes, size_t n, struct prs_err *err)
{
	return hear(ctx, "schema", err, "<%llu %.*s>", (unsigned long long)id, (int)n, (const char *)bytes);
}

static int heard_begin(void *ctx, const char *path, uint64_t dev, uint64_t ino, struct prs_err *err)
{
	struct heard *h = ctx;
	struct prs_fs_stat st;
	assert_int_equal(h->t->w.fs->stat(h->t->w.fs->ctx, path, &st), 0);
	assert_true(st.dev == dev && st.ino == ino && st.size == 0);
	return hear(h, "begin", err, "|");
}

static bool heard_differs(void *ctx, uint32_t schema)
{
	(void)ctx;
	return schema > 0;
}

static int heard_rows(void *ctx, uint64_t id, uint32_t schema, uint64_t bytes, struct prs_err *err)
{
	struct heard *h = ctx;
	h->rows++;
	return hear(h, "rows", err, "[%llu %u %llu ", (unsigned long long)id, schema, (unsigned long long)bytes);
}

static int heard_bytes(void *ctx, const void *p, size_t n, struct prs_err *err)
{
	return hear(ctx, "bytes", err, "%.*s]", n < 100 ? (int)n : 0, (const char *)p);
}

static int heard_end(void *ctx, uint64_t *ret_rows, struct prs_err *err)
{
	struct heard *h = ctx;
	int fd = h->t->w.fs->open(h->t->w.fs->ctx, TMP1, O_WRONLY, 0);
	if (fd >= 0) {
		h->t->w.fs->pwrite(h->t->w.fs->ctx, fd, h->text, strlen(h->text), 0);
		h->t->w.fs->close(h->t->w.fs->ctx, fd);
	}
	*ret_rows = h->rows;
	return hear(h, "end", err, "%s", "");
}

static struct prs_table_sink sink_of(struct heard *h)
{
	return (struct prs_table_sink){
		h, heard_schema, heard_begin, heard_differs, heard_rows, heard_bytes, heard_end
	};
}

static void test_sink(void **state)
{
	struct world *t = *state;
	struct heard h = { .t = t };
	struct prs_table_sink sink = sink_of(&h);
	static const char want[] = "<0 ab><3 cd>|[0 0 3 1 2][3 1 1 5][3 0 1 4][4 0 1 6]";
	t->o.format = PRS_OUTPUT_PARQUET;
	t->o.sink = &sink;
	t->o.rows = 4;
	rows(t, 0, "ab1 2", 2);
	rows(t, 1, "", 0);
	part(t, 3, 5, 5, "ab4", 2);
	part(t, 3, 0, 5, "cd5", 2);
	rows(t, 4, "ab6", 2);
	assert_output(t, want);
	assert_int_equal(t->done.headers_differ, 1);
	assert_false(t->done.found);
	/* there already, the same: found; another one stays */
	h = (struct heard){ .t = t };
	assert_output(t, want);
	assert_true(t->done.found);
	mem_fs_put(t->w.m, OUT, "mine", 4);
	h = (struct heard){ .t = t };
	assert_refused(t, -PRS_EOUTPUT_EXISTS, "mine");
	h = (struct heard){ .t = t };
	t->o.overwrite = true;
	assert_output(t, want);
	h = (struct heard){ .t = t };
	t->o.rows = 5;
	assert_refused(t, -PRS_EHELPER, want);
	assert_string_equal(t->w.err.msg, "4 rows written, of 5");
}

static void test_sink_that_fails(void **state)
{
	struct world *t = *state;
	static const char *const functions[] = { "schema", "begin", "rows", "bytes", "end" };
	char want[64];
	t->o.rows = 1;
	rows(t, 0, "ab1", 2);
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		struct heard h = { .t = t, .fails = functions[i] };
		struct prs_table_sink sink = sink_of(&h);
		t->o.sink = &sink;
		assert_refused(t, -PRS_EHELPER, NULL);
		snprintf(want, sizeof want, "%s failed", functions[i]);
		assert_string_equal(t->w.err.msg, want);
		h = (struct heard){ .t = t, .fails = functions[i], .cancels = true }; /* then its end is no news */
		assert_refused(t, -PRS_EINTERRUPTED, NULL);
		t->cancel = false;
	}
}

/* What is damaged never reaches it. */
static void test_sink_and_damage(void **state)
{
	struct world *t = *state;
	struct heard h = { .t = t };
	struct prs_table_sink sink = sink_of(&h);
	struct prs_fact f = { .type = PRS_FACT_DONE };
	char *text = big_text(1, BIG);
	memcpy(text, "ab", 2);
	t->o.sink = &sink;
	rows(t, 0, "ab1", 2);
	f.u.done = raw(t, 1, text, 2);
	f.u.done.checksum ^= 1;
	put(t, &f);
	f.u.done = rows(t, 2, "cd3", 2);
	f.u.done.checksum ^= 1;
	put(t, &f);
	rows(t, 3, "ab4", 2);
	assert_refused(t, -PRS_ECORRUPT, NULL);
	assert_string_equal(t->bad,
	                    "1: its rows do not match their checksum\n2: its rows do not match their checksum\n");
	assert_string_equal(h.text, "<0 ab>|[0 0 1 1]");
	h = (struct heard){ .t = t };
	t->o.partial = true;
	assert_output(t, "<0 ab>|[0 0 1 1][3 0 1 4]");
	h = (struct heard){ .t = t };
	rows(t, 2, "no columns\n", 0);
	assert_refused(t, -PRS_ECORRUPT, "<0 ab>|[0 0 1 1][3 0 1 4]");
	assert_string_equal(t->w.err.msg, "mini-batch 2 has rows without columns");
	free(text);
}

/* ---- damage ------------------------------------------------------------------------------------------------------ */

#define NO_MATCH ": its rows do not match their checksum\n"
#define BEHIND ": its rows lie behind the end of their segment file\n"
#define MISSING ": its segment file is missing\n"

static void flip(struct world *t, const char *path, uint64_t at) { mem_fs_bytes(t->w.m, path, NULL)[at] ^= 0x10; }

static void test_damage(void **state)
{
	struct world *t = *state;
	char *text = big_text(1, BIG);
	rows(t, 0, "zero\n", 0);
	struct prs_done one = rows(t, 1, "one\n", 0);
	struct prs_done big = raw(t, 2, text, 0);
	rows(t, 3, "three\n", 0);
	struct prs_done gone = rows(t, 4, "four\n", 0);
	gone.segment = 77;
	assert_int_equal(prs_index_done(t->x, &gone, NULL), 0);
	struct prs_done behind = rows(t, 5, "five\n", 0);
	behind.offset += 3;
	assert_int_equal(prs_index_done(t->x, &behind, NULL), 0);
	flip(t, "/run/seg/1-0-0.seg", one.offset);
	flip(t, "/run/seg/1-0-1.raw", big.offset + BIG - 1);
	assert_refused(t, -PRS_ECORRUPT, NULL);
	assert_string_equal(t->bad, "1" NO_MATCH "2" NO_MATCH "4" MISSING "5" NO_MATCH);
	assert_int_equal(t->done.bad, 4);
	assert_non_null(strstr(t->w.err.msg, "4 mini-batches"));
	behind.length += 100;
	assert_int_equal(prs_index_done(t->x, &behind, NULL), 0);
	mem_fs_resize(t->w.m, "/run/seg/1-0-1.raw", big.offset + 2 * (1 << 20) + 7); /* ends in its third window */
	assert_refused(t, -PRS_ECORRUPT, NULL);
	assert_string_equal(t->bad, "1" NO_MATCH "2" BEHIND "4" MISSING "5" BEHIND);
	t->o.partial = true;
	assert_output(t, "zero\nthree\n");
	assert_int_equal(t->done.bad, 4);
	free(text);
}

/* The header of a damaged range is not the first header. */
static void test_damage_of_the_first_header(void **state)
{
	struct world *t = *state;
	struct prs_done d = rows(t, 0, "a b\n1\n", 4);
	rows(t, 1, "a b\n2\n", 4);
	flip(t, "/run/seg/1-0-0.seg", d.offset);
	t->o.partial = true;
	assert_output(t, "a b\n2\n");
	assert_int_equal(t->done.headers_differ, 0);
}

/* ---- files that are there ---------------------------------------------------------------------------------------- */

static void test_a_foreign_file_is_never_touched(void **state)
{
	struct world *t = *state;
	static const char *const others[] = { "",
		                              "r",
		                              "rows\nmor",
		                              "rows\nmore\n!",
		                              "rows\nMore\n",
		                              "Rows\nmore\n",
		                              "something else that is much longer" };
	rows(t, 0, "rows\n", 0);
	rows(t, 1, "more\n", 0);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		mem_fs_put(t->w.m, OUT, others[i], strlen(others[i]));
		assert_refused(t, -PRS_EOUTPUT_EXISTS, others[i]);
		assert_non_null(strstr(t->w.err.msg, OUT));
		assert_non_null(strstr(t->w.err.msg, "--overwrite"));
	}
	t->o.overwrite = true;
	assert_output(t, "rows\nmore\n");
	assert_false(t->done.found);
}

/* A file that is replaced is as open as before, not as the umask would have it; the group that we may not give it gets
 * what all get. */
static void test_a_replaced_output_keeps_its_permissions(void **state)
{
	struct world *t = *state;
	static const struct {
		uint32_t was, want;
		bool group_fails;
	} table[] = { { 0600, 0600, false }, { 0664, 0664, false }, { 0660, 0660, false },
		      { 0660, 0600, true },  { 0664, 0644, true },  { 0444, 0444, false } };
	struct prs_fs_stat st;
	rows(t, 0, "rows\n", 0);
	t->o.overwrite = true;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		mem_fs_put(t->w.m, OUT, "old", 3);
		mem_fs_own(t->w.m, OUT, table[i].was, 7);
		mem_fs_fail(t->w.m, MEM_CHOWN, TMP1, 1, table[i].group_fails ? 1 : 0);
		assert_output(t, "rows\n");
		assert_int_equal(t->w.fs->stat(t->w.fs->ctx, OUT, &st), 0);
		assert_int_equal(st.mode & 07777, table[i].want);
		assert_int_equal(st.gid, table[i].group_fails ? 0 : 7);
	}
	mem_fs_put(t->w.m, OUT, "old", 3);
	mem_fs_fail(t->w.m, MEM_CHMOD, TMP1, 0, 5);
	assert_int_equal(assemble(t), -PRS_EIO);
	assert_file(t, OUT, "old");
	t->w.fs->unlink(t->w.fs->ctx, OUT);
	assert_output(t, "rows\n");
	assert_int_equal(t->w.fs->stat(t->w.fs->ctx, OUT, &st), 0);
	assert_int_equal(st.mode & 07777, 0644);
}

/* It died between its rename and its PUBLISHED: the output is its own, whatever is left on the disk. */
static void test_an_output_of_ours_is_taken(void **state)
{
	struct world *t = *state;
	char *text = big_text(1, BIG + 12345), *want = malloc(BIG + 20000);
	rows(t, 0, "head\nrows\n", 5);
	raw(t, 1, text, 0);
	snprintf(want, BIG + 20000, "head\nrows\n%s", text);
	mem_fs_put(t->w.m, OUT, want, strlen(want));
	t->w.m->space = 10;
	unsigned writes = t->w.m->calls[MEM_PWRITE];
	assert_output(t, want);
	assert_true(t->done.found);
	assert_int_equal(t->w.m->calls[MEM_PWRITE], writes);
	assert_int_equal(t->done.rows_bytes, strlen(want) - 5);
	want[2 << 20] ^= 1;
	mem_fs_put(t->w.m, OUT, want, strlen(want));
	assert_refused(t, -PRS_EOUTPUT_EXISTS, want);
	free(text);
	free(want);
}

/* What is durable may be journaled: the file that is taken is synced, and its folder. */
static void test_an_output_of_ours_is_synced(void **state)
{
	struct world *t = *state;
	rows(t, 0, "rows\n", 0);
	mem_fs_put(t->w.m, OUT, "rows\n", 5);
	mem_fs_fail(t->w.m, MEM_FDATASYNC, OUT, 0, EIO);
	assert_refused(t, -PRS_EIO, "rows\n");
	mem_fs_fail(t->w.m, MEM_SYNC_DIR, "/out", 0, EIO);
	assert_refused(t, -PRS_EIO, "rows\n");
	assert_output(t, "rows\n");
}

/* Damage and a file that is there: the damage is told, of every range, though the bytes cannot match. */
static void test_damage_beside_a_file_that_is_there(void **state)
{
	struct world *t = *state;
	struct prs_done a = rows(t, 0, "zero\n", 0);
	rows(t, 1, "one\n", 0);
	struct prs_done b = rows(t, 2, "two\n", 0);
	mem_fs_put(t->w.m, OUT, "zero\none\ntwo\n", 13);
	flip(t, "/run/seg/1-0-0.seg", a.offset);
	flip(t, "/run/seg/1-0-0.seg", b.offset);
	assert_refused(t, -PRS_ECORRUPT, "zero\none\ntwo\n");
	assert_string_equal(t->bad, "0" NO_MATCH "2" NO_MATCH);
	t->o.partial = true; /* what there is, is not what is there */
	assert_refused(t, -PRS_EOUTPUT_EXISTS, "zero\none\ntwo\n");
	mem_fs_put(t->w.m, OUT, "ONE\n", 4);
	assert_refused(t, -PRS_EOUTPUT_EXISTS, "ONE\n");
}

static void test_a_folder_of_that_name(void **state)
{
	struct world *t = *state;
	rows(t, 0, "rows\n", 0);
	t->w.fs->mkdir(t->w.m, OUT, 0755);
	assert_int_equal(assemble(t), -PRS_EOUTPUT_EXISTS);
	assert_false(mem_fs_has(t->w.m, TMP1));
}

static void appear(void *ctx, enum mem_op op, const char *path)
{
	struct world *t = ctx;
	if (op == MEM_FDATASYNC && strstr(path, ".tmp"))
		mem_fs_put(t->w.m, OUT, "theirs\n", 7);
}

static void test_a_foreign_file_that_appears_meanwhile(void **state)
{
	struct world *t = *state;
	rows(t, 0, "rows\n", 0);
	t->w.m->before = appear;
	t->w.m->before_ctx = t;
	assert_refused(t, -PRS_EOUTPUT_EXISTS, "theirs\n");
}

/* Left-overs of engines of this run that were killed go away; those of others do not. */
static void test_left_overs(void **state)
{
	struct world *t = *state;
	static const char others[] = "/out/.prs-00000000000000000000000000000000-1.tmp",
			  fourth[] = "/out/.prs-612072756e206f662031362062797400-4.tmp";
	rows(t, 0, "rows\n", 0);
	mem_fs_put(t->w.m, TMP1, "half", 4);
	mem_fs_put(t->w.m, fourth, "half", 4);
	mem_fs_put(t->w.m, others, "half", 4);
	t->o.epoch = 3;
	assert_output(t, "rows\n");
	assert_file(t, others, "half");
	assert_file(t, fourth, "half");
}

/* ---- the fence --------------------------------------------------------------------------------------------------- */

static void take_over(void *ctx, enum mem_op op, const char *path)
{
	struct world *t = ctx;
	if (op == MEM_FDATASYNC && strstr(path, "/out/"))
		mem_fs_put(t->w.m, "/run/journal-2", "", 0);
}

static void test_fence_before_the_rename(void **state)
{
	struct world *t = *state;
	rows(t, 0, "rows\n", 0);
	t->w.m->before = take_over;
	t->w.m->before_ctx = t;
	assert_refused(t, -PRS_EFENCED, NULL);
	t->o.overwrite = true;
	mem_fs_put(t->w.m, OUT, "older\n", 6);
	assert_refused(t, -PRS_EFENCED, "older\n");
	t->o.overwrite = false;
	mem_fs_put(t->w.m, OUT, "rows\n", 5);
	assert_refused(t, -PRS_EFENCED, "rows\n"); /* ours, but no longer ours to publish */
}

/* The engine that took over has removed what we wanted to rename: that is what is told, not "no such file". */
static void remove_under_us(void *ctx, enum mem_op op, const char *path)
{
	struct world *t = ctx;
	if (op != MEM_RENAME)
		return;
	(void)path;
	t->w.m->before = NULL;
	mem_fs_put(t->w.m, "/run/journal-2", "", 0);
	t->w.fs->unlink(t->w.m, TMP1);
}

static void test_fenced_at_the_rename(void **state)
{
	struct world *t = *state;
	rows(t, 0, "rows\n", 0);
	t->w.m->before = remove_under_us;
	t->w.m->before_ctx = t;
	assert_refused(t, -PRS_EFENCED, NULL);
}

/* ---- disks and interruptions ------------------------------------------------------------------------------------- */

static void test_free_space_is_looked_at_first(void **state)
{
	struct world *t = *state;
	rows(t, 0, "0123456789", 0);
	rows(t, 1, "0123456789", 0);
	t->w.m->space = 19;
	unsigned opened = t->w.m->calls[MEM_OPEN];
	assert_refused(t, -PRS_ENOSPACE, NULL);
	assert_non_null(strstr(t->w.err.msg, "needs 20 bytes, /out has 19 free"));
	assert_int_equal(t->w.m->calls[MEM_OPEN], opened);
	t->w.m->space = 20;
	assert_output(t, "01234567890123456789");
}

static void test_errors_of_the_disk(void **state)
{
	struct world *t = *state;
	static const struct {
		enum mem_op op;
		const char *part;
		int errnum, want;
	} v[] = {
		{ MEM_OPEN, "/out/", EACCES, -PRS_EPERMISSION },
		{ MEM_OPEN, "/out/", EROFS, -PRS_EPERMISSION },
		{ MEM_PWRITE, "/out/", ENOSPC, -PRS_ENOSPACE },
		{ MEM_PWRITE, "/out/", EIO, -PRS_EIO },
		{ MEM_FDATASYNC, "/out/", EIO, -PRS_EIO },
		{ MEM_RENAME, OUT, EACCES, -PRS_EPERMISSION },
		{ MEM_OPEN, "/run/seg", EMFILE, -PRS_EOPEN_FILES },
		{ MEM_PREAD, "/run/seg", EIO, -PRS_EIO },
		{ MEM_LIST, "/run", EIO, -PRS_EIO },
		{ MEM_STAT, OUT, EACCES, -PRS_EPERMISSION },
	};
	rows(t, 0, "rows\n", 0);
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		mem_fs_fail(t->w.m, v[i].op, v[i].part, 0, v[i].errnum);
		assert_refused(t, v[i].want, NULL);
		assert_int_equal(t->w.m->fail_errno, 0);
		assert_string_equal(t->bad, ""); /* what could not be read is not damaged */
	}
	mem_fs_fail(t->w.m, MEM_SYNC_DIR, "/out", 0, EIO);
	assert_refused(t, -PRS_EIO, "rows\n"); /* renamed, but who knows whether it stays: not published */
	assert_output(t, "rows\n");            /* and taken as ours the next time */
}

static void test_no_folder(void **state)
{
	struct world *t = *state;
	rows(t, 0, "rows\n", 0);
	t->o.path = "/nowhere/rows.txt";
	assert_int_equal(assemble(t), -PRS_ENOTFOUND);
}

static void interrupt(void *ctx, enum mem_op op, const char *path)
{
	struct world *t = ctx;
	if (op == MEM_PWRITE && strstr(path, "/out/"))
		t->cancel = true;
}

static void test_interrupted(void **state)
{
	struct world *t = *state;
	char *text = big_text(1, BIG);
	raw(t, 0, text, 0);
	t->cancel = true;
	assert_refused(t, -PRS_EINTERRUPTED, NULL);
	t->cancel = false;
	t->w.m->before = interrupt; /* in the middle of one mini-batch */
	t->w.m->before_ctx = t;
	unsigned writes = t->w.m->calls[MEM_PWRITE];
	assert_refused(t, -PRS_EINTERRUPTED, NULL);
	assert_int_equal(t->w.m->calls[MEM_PWRITE], writes + 1);
	t->w.m->before = NULL;
	t->cancel = false;
	assert_output(t, text);
	free(text);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_order_of_ids),
		T(test_order_of_parts),
		T(test_damaged_part),
		T(test_nothing_at_all),
		T(test_large_ranges),
		T(test_many_files_but_few_open),
		T(test_headers),
		T(test_large_headers),
		T(test_tables),
		T(test_large_tables),
		T(test_damaged_tables),
		T(test_no_table),
		T(test_sink),
		T(test_sink_that_fails),
		T(test_sink_and_damage),
		T(test_damage),
		T(test_damage_of_the_first_header),
		T(test_a_foreign_file_is_never_touched),
		T(test_a_replaced_output_keeps_its_permissions),
		T(test_an_output_of_ours_is_taken),
		T(test_an_output_of_ours_is_synced),
		T(test_damage_beside_a_file_that_is_there),
		T(test_a_folder_of_that_name),
		T(test_a_foreign_file_that_appears_meanwhile),
		T(test_left_overs),
		T(test_fence_before_the_rename),
		T(test_fenced_at_the_rename),
		T(test_free_space_is_looked_at_first),
		T(test_errors_of_the_disk),
		T(test_no_folder),
		T(test_interrupted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
