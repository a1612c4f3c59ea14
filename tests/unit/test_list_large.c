/* SPDX-License-Identifier: Apache-2.0
 * test_list_large: 5 million files and 2 million folders in one folder, that exist in no memory but the plan's: names
 * are counted up as they are asked for. Killed between blocks, it goes on to the same end.
 */
#include "data/list.h"
#include "data/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { FILES = 5000000, FOLDERS = 2000000, PER = 1000 };

/* ---- a file system of numbers ------------------------------------------------------------------------------------ */

/* "/in" holds them all; "/in/d0000123" one file. */
static int numbers_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	(void)ctx;
	*ret = (struct prs_fs_stat){ .mode = S_IFDIR, .dev = 1, .ino = 1 };
	if (strlen(path) > 3)
		ret->ino = 2 + strtoul(path + 5, NULL, 10);
	return 0;
}

static int numbers_list(void *ctx, const char *path, prs_fs_entry_fn *each, void *each_ctx)
{
	(void)ctx;
	char name[16];
	int r = 0;
	if (strlen(path) > 3)
		return each(each_ctx, "x", 'f');
	for (uint32_t i = 0; i < FILES && !r; i++) { /* in no order: 7919 has no divisor in common with FILES */
		snprintf(name, sizeof name, "f%07u", (uint32_t)((uint64_t)i * 7919 % FILES));
		r = each(each_ctx, name, 'f');
	}
	for (uint32_t i = 0; i < FOLDERS && !r; i++) {
		snprintf(name, sizeof name, "d%07u", (uint32_t)((uint64_t)i * 7919 % FOLDERS));
		r = each(each_ctx, name, 'd');
	}
	return r;
}

static const struct prs_fs numbers_fs = { .stat = numbers_stat, .list = numbers_list };

/* ---- a life ------------------------------------------------------------------------------------------------------ */

struct world {
	struct prs_buf *bodies;
	size_t n, cap;
	struct prs_plan *plan;
};

static struct prs_lister *new_lister(void)
{
	struct prs_list_input in = { .name = "in", .path = "/in", .size = { PRS_SIZE_ITEMS, PER } };
	return prs_lister_new(&numbers_fs, &in, 1);
}

/* At most so many calls; several small folders make one body, as in the engine. */
static int go_on(struct world *w, unsigned calls)
{
	struct prs_err err = { 0 };
	struct prs_lister *l = new_lister();
	int r = 1;
	for (size_t i = 0; i < w->n; i++)
		assert_int_equal(prs_list_feed(l, w->bodies[i].data, w->bodies[i].len, &err), 0);
	while (r == 1 && calls--) {
		if (w->n == w->cap)
			w->bodies = realloc(w->bodies, (w->cap += 1024) * sizeof *w->bodies);
		struct prs_buf *b = &w->bodies[w->n++];
		prs_buf_init(b, (size_t)64 << 20);
		do
			r = prs_list_next(l, b, &err);
		while (r == 1 && b->len < (64 << 10));
		if (r < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(prs_plan_feed(w->plan, b->data, b->len, &err), 0);
	}
	prs_lister_free(l);
	return r;
}

static void assert_item(struct world *w, uint64_t id, uint32_t item, const char *want)
{
	PRS_AUTOBUF path;
	prs_buf_init(&path, 4096);
	struct prs_unit u = { id, item, 1 };
	assert_int_equal(prs_plan_paths(w->plan, &u, &path), 0);
	assert_string_equal(prs_buf_str(&path), want);
}

/* The names themselves are 63 MB; a sanitizer's own memory says nothing. */
static void assert_peak(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	assert_in_range(u.ru_maxrss >> 10, 0, 800); /* MiB; the bodies are a quarter of it */
#endif
}

static void test_millions_in_one_folder(void **state)
{
	(void)state;
	struct world w = { .plan = prs_plan_new() };
	assert_int_equal(go_on(&w, 4), 1); /* in the middle of the files */
	assert_in_range(prs_plan_files(w.plan), 1, FILES - 1);
	assert_int_equal(go_on(&w, 20), 1); /* of the folders */
	assert_int_equal(prs_plan_files(w.plan), FILES);
	assert_int_equal(go_on(&w, UINT32_MAX), 0);
	assert_true(prs_plan_complete(w.plan));
	assert_int_equal(prs_plan_files(w.plan), FILES + FOLDERS);
	assert_int_equal(prs_plan_items(w.plan), FILES + FOLDERS);
	assert_int_equal(prs_plan_next_id(w.plan), (FILES + FOLDERS) / PER);
	assert_item(&w, 0, 0, "/in/f0000000");
	assert_item(&w, FILES / PER - 1, PER - 1, "/in/f4999999");
	assert_item(&w, FILES / PER, 0, "/in/d0000000/x");
	assert_item(&w, (FILES + FOLDERS) / PER - 1, PER - 1, "/in/d1999999/x");
	for (size_t i = 0; i < w.n; i++)
		prs_buf_done(&w.bodies[i]);
	free(w.bodies);
	prs_plan_free(w.plan);
	assert_peak();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_millions_in_one_folder) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
