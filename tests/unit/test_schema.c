/* SPDX-License-Identifier: Apache-2.0
 * test_schema: the schemas of a plan as files for the workers: whole or not there, whatever fails; of the plan or of
 * one body of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault_fs.h"
#include "master/impl.h"
#include "mem_fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const jsons[] = { "{\"version\":1}", "{\"version\":1,\"columns\":[]}", "{}" };
enum { SCHEMAS = sizeof jsons / sizeof *jsons };

struct world {
	struct mem_fs *m;
	struct fault_fs f;
	struct prs_plan *plan;
	struct prs_buf body;
	struct prs_err err;
};

static void put_schema(struct prs_buf *to, uint32_t number)
{
	struct prs_plan_record r = { .type = PRS_PLAN_SCHEMA };
	r.u.schema.file = PRS_NO_FILE;
	r.u.schema.schema = number;
	r.u.schema.json = jsons[number];
	r.u.schema.bytes = (uint32_t)strlen(jsons[number]);
	prs_plan_put(to, &r);
}

static void put_input(struct prs_buf *to)
{
	struct prs_plan_record r = { .type = PRS_PLAN_INPUT };
	r.u.input.kind = PRS_INPUT_DELIMITED;
	r.u.input.unit = PRS_SIZE_BYTES;
	r.u.input.size = 1;
	r.u.input.name = prs_text_of("t");
	r.u.input.root = prs_text_of("/in");
	prs_plan_put(to, &r);
}

static int setup(void **state)
{
	static struct world world;
	struct world *w = &world;
	*w = (struct world){ .m = mem_fs_new(), .plan = prs_plan_new() };
	fault_fs_init(&w->f, &w->m->fs);
	w->m->fs.mkdir(w->m, "/run", 0755);
	w->m->fs.mkdir(w->m, "/run/work", 0755);
	prs_buf_init(&w->body, 4096);
	put_input(&w->body);
	for (uint32_t i = 0; i < SCHEMAS; i++)
		put_schema(&w->body, i);
	assert_int_equal(prs_plan_feed(w->plan, w->body.data, w->body.len, &w->err), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	assert_int_equal(mem_fs_open_files(w->m), 0);
	prs_plan_free(w->plan);
	prs_buf_done(&w->body);
	mem_fs_free(w->m);
	return 0;
}

/* A file that is there has the whole text. */
static bool is_there(struct world *w, uint32_t number)
{
	char path[64];
	uint64_t n;
	snprintf(path, sizeof path, "/run/work/schema/%u.json", number);
	const uint8_t *bytes = mem_fs_bytes(w->m, path, &n);
	if (!bytes)
		return false;
	assert_int_equal(n, strlen(jsons[number]));
	assert_memory_equal(bytes, jsons[number], n);
	return true;
}

static void check_all(struct world *w)
{
	for (uint32_t i = 0; i < SCHEMAS; i++) {
		char temp[64];
		snprintf(temp, sizeof temp, "/run/work/schema/%u.json.tmp", i);
		assert_true(is_there(w, i));
		assert_false(mem_fs_has(w->m, temp));
	}
}

static int put_all(struct world *w)
{
	w->err = (struct prs_err){ 0 };
	return prs_engine_put_schemas(&w->f.fs, "/run", w->plan, &w->err);
}

static void test_of_plan(void **state)
{
	struct world *w = *state;
	assert_int_equal(put_all(w), 0);
	check_all(w);
	mem_fs_put(w->m, "/run/work/schema/1.json", "what an engine before left", 26);
	w->f.max_bytes = 3;
	assert_int_equal(put_all(w), 0);
	check_all(w);
}

static void test_of_body(void **state)
{
	struct world *w = *state;
	struct prs_engine e = { .c = { .fs = &w->f.fs, .dir = "/run" } };
	assert_int_equal(schema_put_body(&e, w->body.data, w->body.len, &w->err), 0);
	check_all(w);
	prs_buf_clear(&w->body);
	put_input(&w->body);
	assert_int_equal(schema_put_body(&e, w->body.data, w->body.len, &w->err), 0);
}

/* Every call fails once: an error that leaves the run resumable, and no half of a file; the next life mends it. */
static void test_faults(void **state)
{
	struct world *w = *state;
	long failed = 0;
	for (long n = 1;; n++) {
		fault_fs_arm(&w->f, FAULT_ANY, n, n % 2 ? EIO : ENOSPC, false);
		w->f.partial = true;
		int r = put_all(w);
		bool fired = w->f.fired;
		fault_fs_arm(&w->f, FAULT_ANY, 0, 0, false);
		if (r < 0) {
			failed++;
			assert_int_equal(prs_error_row(w->err.code)->action, PRS_ACTION_RESUMABLE);
			assert_non_null(strstr(w->err.msg, "/run/work/schema"));
			for (uint32_t i = 0; i < SCHEMAS; i++)
				is_there(w, i);
			assert_int_equal(put_all(w), 0);
		}
		check_all(w);
		if (!fired)
			break;
	}
	assert_true(failed > SCHEMAS * 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_of_plan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_body, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
