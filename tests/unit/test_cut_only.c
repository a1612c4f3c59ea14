/* SPDX-License-Identifier: Apache-2.0
 * test_cut_only: any rows of any files become mini-batches that have these rows and no others, in their order: where
 * the files are as they were and where they are not, in any blocks, behind a plan that was cut anywhere.
 */
#include "base/mem.h"
#include "data/list.h"
#include "data/plan.h"
#include "data/rows_list.h"
#include "mem_fs.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILES = 4, ROWS_MAX = 60, TEXT_BYTES = 8192, BODIES_MAX = 400, SEEDS = 400 };

/* What stands where. */
struct file {
	char path[16], text[TEXT_BYTES];
	size_t n;
	uint32_t rows;
	size_t begin[ROWS_MAX], end[ROWS_MAX]; /* of each record, its line end included */
	uint64_t mtime_us;
};

struct world {
	struct mem_fs *m;
	struct file files[FILES];
	struct prs_table_input table;
	struct prs_list_input in;
	struct prs_buf list; /* the rows that are wanted, as texts "f row\n", and: */
	char want[64 << 10];
	size_t want_n;
	struct prs_buf body;
	size_t ends[BODIES_MAX]; /* of the bodies in it */
	unsigned bodies;
	struct prs_err err;
	uint64_t seed;
};

static uint64_t below(struct world *w, uint64_t n)
{
	w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (w->seed >> 33) % n;
}

static int setup(void **state)
{
	static struct world world;
	struct world *w = &world;
	*w = (struct world){ .m = mem_fs_new() };
	w->m->fs.mkdir(w->m, "/in", 0755);
	prs_buf_init(&w->list, 1 << 20);
	prs_buf_init(&w->body, 1 << 20);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	assert_int_equal(mem_fs_open_files(w->m), 0);
	prs_buf_done(&w->list);
	prs_buf_done(&w->body);
	mem_fs_free(w->m);
	return 0;
}

/* Records with line ends in quotes, empty ones between them, and columns that stand elsewhere in some files. */
static void make_file(struct world *w, unsigned i)
{
	struct file *f = &w->files[i];
	*f = (struct file){ .rows = (uint32_t)below(w, ROWS_MAX), .mtime_us = 1000 + below(w, 9) };
	snprintf(f->path, sizeof f->path, "/in/%c", 'a' + (int)i);
	f->n = (size_t)snprintf(f->text, TEXT_BYTES, below(w, 3) ? "x,y\n" : "y,x\n");
	for (uint32_t k = 0; k < f->rows; k++) {
		for (uint64_t blank = below(w, 3) ? 0 : below(w, 3); blank; blank--)
			f->text[f->n++] = '\n';
		f->begin[k] = f->n;
		const char *form = below(w, 4) ? "%u,%u\n" : "\"%u\n\",%u\n";
		f->n += (size_t)snprintf(f->text + f->n, TEXT_BYTES - f->n, form, k, i);
		f->end[k] = f->n;
	}
	mem_fs_put(w->m, f->path, f->text, f->n);
	mem_fs_touch(w->m, f->path, f->mtime_us);
}

/* Some rows of a file, as a run had them; `moved`: the file was another one then. */
static void want(struct world *w, unsigned i, uint32_t row, uint32_t rows, uint64_t global, bool moved, size_t *last)
{
	const struct file *f = &w->files[i];
	uint32_t skip = (uint32_t)below(w, row + 1);
	struct prs_rows_at at = {
		.path = f->path,
		.at = { .row = row, .rows = rows, .global_row = global + row, .offset = f->begin[row - skip] },
		.skip = skip,
		.size = f->n + moved,
		.mtime_us = f->mtime_us
	};
	prs_rows_list_put(&w->list, last, &at);
	for (uint32_t k = row; k < row + rows; k++)
		w->want_n += (size_t)snprintf(w->want + w->want_n, sizeof w->want - w->want_n, "%u %u %" PRIu64 "\n", i,
		                              k, global + k);
}

static void make(struct world *w, uint64_t seed)
{
	size_t last = SIZE_MAX;
	uint64_t global = 0;
	w->seed = seed;
	w->want_n = 0;
	w->want[0] = 0;
	prs_buf_clear(&w->list);
	for (unsigned i = 0; i < FILES; i++) {
		make_file(w, i);
		bool moved = below(w, 3) == 0;
		for (uint32_t row = (uint32_t)below(w, 20); row < w->files[i].rows && below(w, 5); row++) {
			uint32_t rows = 1 + (uint32_t)below(w, w->files[i].rows - row);
			want(w, i, row, rows, global, moved, &last);
			row += rows - (below(w, 2) ? 1 : 0) + (uint32_t)below(w, 3);
		}
		global += w->files[i].rows;
	}
	mem_fs_put(w->m, "/only", w->list.data, w->list.len);
	w->table = (struct prs_table_input){ .delimiter = ',', .block_bytes = 1 + (uint32_t)below(w, 200) };
	w->in = (struct prs_list_input){ .name = "t", .path = "/in", .table = &w->table, .rows_only = "/only" };
	w->in.size = (struct prs_batch_size){ below(w, 2) ? PRS_SIZE_ROWS : PRS_SIZE_BYTES, 1 + below(w, 40) };
}

/* Behind the first bodies of the plan that is there. */
static int list(struct world *w, unsigned fed)
{
	struct prs_lister *l = prs_lister_new(&w->m->fs, &w->in, 1);
	if (!l)
		return -PRS_ENOMEM;
	w->err = (struct prs_err){ 0 };
	w->bodies = fed;
	w->body.len = fed ? w->ends[fed - 1] : 0;
	int r = fed ? prs_list_feed(l, w->body.data, w->body.len, &w->err) : 0;
	r = r < 0 ? r : 1;
	while (r == 1) {
		r = prs_list_next(l, &w->body, &w->err);
		assert_true(w->bodies < BODIES_MAX);
		w->ends[w->bodies++] = w->body.len;
	}
	prs_lister_free(l);
	return r;
}

/* The bytes of a mini-batch are its records, and what may stand in front of them. */
static void check_bytes(const struct file *f, const struct prs_table_range *rows)
{
	size_t at = rows->offset, first = rows->row, last = first + rows->rows - 1;
	assert_int_equal(at + rows->bytes, f->end[last]);
	assert_true(at <= f->begin[first]);
	for (; at < f->begin[first]; at++)
		assert_int_equal(f->text[at], '\n');
}

struct got {
	struct world *w;
	char text[64 << 10];
	size_t n;
};

static int only_got(void *ctx, const char *path, const struct prs_table_range *rows, uint64_t line)
{
	struct got *g = ctx;
	unsigned i = (unsigned)(path[4] - 'a');
	assert_int_equal(line, 0);
	check_bytes(&g->w->files[i], rows);
	for (uint32_t k = 0; k < rows->rows; k++)
		g->n += (size_t)snprintf(g->text + g->n, sizeof g->text - g->n, "%u %" PRIu64 " %" PRIu64 "\n", i,
		                         rows->row + k, rows->global_row + k);
	return 0;
}

static void check(struct world *w)
{
	static struct got g;
	struct prs_plan *p = prs_plan_new();
	g = (struct got){ .w = w };
	assert_int_equal(prs_plan_feed(p, w->body.data, w->body.len, &w->err), 0);
	assert_true(prs_plan_complete(p));
	for (uint64_t id = 0; id < prs_plan_next_id(p); id++) {
		uint32_t items = prs_plan_items_of(p, id);
		assert_true(items && (w->in.size.unit != PRS_SIZE_ROWS || items <= w->in.size.n));
		prs_plan_each_rows(p, &(struct prs_unit){ .id = id }, only_got, &g);
	}
	assert_string_equal(g.text, w->want);
	prs_plan_free(p);
}

static void test_any_rows(void **state)
{
	struct world *w = *state;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		make(w, seed);
		assert_int_equal(list(w, 0), 0);
		check(w);
		for (unsigned bodies = w->bodies, fed = 1; fed < bodies; fed++) {
			assert_int_equal(list(w, fed), 0);
			check(w);
		}
	}
}

/* Many calls: a plan that is cut in the middle of rows that follow each other. */
static void test_many_rows(void **state)
{
	struct world *w = *state;
	enum { MANY = 60000 };
	PRS_AUTOBUF text;
	size_t last = SIZE_MAX;
	prs_buf_init(&text, 1 << 20);
	prs_buf_puts(&text, "x\n");
	for (unsigned i = 0; i < MANY; i++)
		prs_buf_puts(&text, "7\n");
	mem_fs_put(w->m, "/in/a", text.data, text.len);
	mem_fs_touch(w->m, "/in/a", 5);
	prs_rows_list_put(&w->list, &last,
	                  &(struct prs_rows_at){ .path = "/in/a",
	                                         .at = { .row = 1, .rows = MANY - 1, .offset = 2 },
	                                         .skip = 1,
	                                         .size = text.len,
	                                         .mtime_us = 5 });
	mem_fs_put(w->m, "/only", w->list.data, w->list.len);
	w->table = (struct prs_table_input){ .delimiter = ',', .block_bytes = 200 };
	w->in = (struct prs_list_input){ .name = "t", .path = "/in", .table = &w->table, .rows_only = "/only" };
	w->in.size = (struct prs_batch_size){ PRS_SIZE_ROWS, 3 };
	assert_int_equal(list(w, 0), 0);
	assert_true(w->bodies > 3);
	for (unsigned bodies = w->bodies, fed = 0; fed < bodies; fed++) {
		assert_int_equal(list(w, fed), 0);
		struct prs_plan *p = prs_plan_new();
		assert_int_equal(prs_plan_feed(p, w->body.data, w->body.len, &w->err), 0);
		assert_int_equal(prs_plan_items(p), MANY - 1);
		prs_plan_free(p);
	}
	mem_fs_touch(w->m, "/in/a", 6);
	assert_int_equal(list(w, 3), -PRS_EINPUT_CHANGED);
}

static void test_no_memory(void **state)
{
	struct world *w = *state;
#ifdef PRS_KILL_POINTS
	make(w, 7);
	w->table.block_bytes = 512;
	long before = prs_mem_count();
	assert_int_equal(list(w, 0), 0);
	long all = prs_mem_count() - before;
	assert_in_range(all, 10, 5000);
	int r = -1;
	for (long n = 1; r; n++) {
		prs_mem_fault(n);
		r = list(w, 0);
		prs_mem_fault(0);
		assert_true(r == 0 || r == -PRS_ENOMEM);
		assert_int_equal(mem_fs_open_files(w->m), 0);
		assert_true(n <= all + 1);
	}
	check(w);
#else
	(void)w;
#endif
}

/* A list that somebody else wrote. */
static void test_lists(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *text;
		size_t n;
	} rows[] = {
		{ "/a", 2 },
		{ "/a\0", 3 },
		{ "/a\0"
		  "1 2 3 0 5 6 7",
		  16 },
		{ "/a\0"
		  "1 2 3 0 5 6\0",
		  15 },
		{ "/a\0"
		  "1 2 3 0 5 6 7 8\0",
		  19 },
		{ "/a\0"
		  "1 0 3 0 5 6 7\0",
		  17 },
		{ "/a\0"
		  "1 2 3 2 5 6 7\0",
		  17 },
		{ "a\0"
		  "1 2 3 0 5 6 7\0",
		  16 },
		{ "file\0a\0", 7 },
		{ "column \0a\0", 10 },
		{ "column x int\0a\0", 15 },
		{ "column 1\0a\0", 11 },
		{ "group 1 2\0x\0k\0sv\0", 17 },
		{ "group 0 2\0\0", 11 },
		{ "group 2 2\0\0k\0sv\0", 16 },
		{ "group 1 2\0\0k\0\0", 14 },
		{ "group 1 2 3\0\0k\0sv\0", 18 },
	};
	struct prs_rows_list l = { 0 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		mem_fs_put(w->m, "/only", rows[i].text, rows[i].n);
		assert_int_equal(prs_rows_list_read(&l, &w->m->fs, "/only", &w->err), -PRS_ECORRUPT);
	}
	mem_fs_put(w->m, "/only",
	           "/a\0"
	           "1 2 3 0 5 6 7",
	           17);
	assert_int_equal(prs_rows_list_read(&l, &w->m->fs, "/only", &w->err), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.v[0].mtime_us, 7);
	mem_fs_put(w->m, "/only", "", 0);
	assert_int_equal(prs_rows_list_read(&l, &w->m->fs, "/only", &w->err), 0);
	assert_int_equal(l.n, 0);
	prs_rows_list_done(&l);
}

/* What was put is there, and is found. */
static void test_list_of_a_table(void **state)
{
	static const char b_is_null[] = "a\0i7\0b\0n";
	struct world *w = *state;
	struct prs_rows_list l = { 0 };
	size_t last = SIZE_MAX, at;
	struct prs_rows_at rows = { .path = "/b", .at = { .row = 9, .rows = 2, .global_row = 20 } };
	prs_rows_list_put(&w->list, &last, &rows);
	rows.at.row = 4;
	rows.at.rows = 3;
	prs_rows_list_put(&w->list, &last, &rows);
	prs_rows_list_put_file(&w->list, "/a b");
	prs_rows_list_put_group(&w->list, "k\0s/x", 6, 77);
	prs_rows_list_put_group(&w->list, b_is_null, sizeof b_is_null, 5);
	prs_rows_list_put_column(&w->list, "when?", "timestamp[us, tz=UTC]", 12);
	mem_fs_put(w->m, "/only", w->list.data, w->list.len);
	assert_int_equal(prs_rows_list_once(&l, &w->m->fs, NULL, &w->err), 0);
	assert_int_equal(prs_rows_list_of(&l, "/b", &at), 0);
	assert_int_equal(prs_rows_list_once(&l, &w->m->fs, "/only", &w->err), 0);
	assert_int_equal(l.n, 3);
	assert_int_equal(prs_rows_list_of(&l, "/b", &at), 2);
	assert_int_equal(l.v[l.by_path[at]].row, 4);
	assert_int_equal(l.v[l.by_path[at + 1]].row, 9);
	assert_int_equal(prs_rows_list_of(&l, "/a b", &at), 1);
	assert_int_equal(prs_rows_list_of(&l, "/a", &at), 0);
	assert_int_equal(prs_rows_list_group(&l, "k\0s/x", 6)->global_row, 77);
	assert_int_equal(prs_rows_list_group(&l, b_is_null, sizeof b_is_null)->global_row, 5);
	assert_null(prs_rows_list_group(&l, "k\0s/y", 6));
	assert_string_equal(prs_rows_list_column(&l, "when?")->type, "timestamp[us, tz=UTC]");
	assert_int_equal(prs_rows_list_column(&l, "when?")->nulls, 12);
	assert_null(prs_rows_list_column(&l, "when"));
	struct prs_cut_files f = { "/", "a\0b", 2, 0, NULL };
	assert_int_equal(prs_rows_list_see(&l, &f, &w->err), 0);
	assert_int_equal(prs_rows_list_all_seen(&l, &w->err), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg, "/a b: it is no file of the input any more, and rows of it are to run again");
	f.names = "b\0a b";
	assert_int_equal(prs_rows_list_see(&l, &f, &w->err), 0);
	assert_int_equal(prs_rows_list_all_seen(&l, &w->err), 0);
	prs_rows_list_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_any_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list_of_a_table, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
