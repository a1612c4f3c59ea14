/* SPDX-License-Identifier: Apache-2.0
 * test_audit: prs check: every kind of damage in a segment is told; what was replaced or never counted is not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_world.h"

#define SEG "/run/seg/1-0-0.seg"
#define RAW "/run/seg/1-0-1.raw"
enum { IDS = 6 };

struct world {
	struct store_world w;
	struct prs_done done[IDS]; /* 0-3 in the segment, 4 and 5 raw */
	char said[8192];
};

static int setup(void **state)
{
	struct world *t = calloc(1, sizeof *t);
	struct store_world *w = &t->w;
	struct prs_fact f = world_planned(1, 0, IDS, true);
	world_new(w);
	assert_int_equal(world_epoch_after(w, 1, 0, 0, 0), 0);
	assert_int_equal(world_fact(w, &f), 0);
	for (uint64_t id = 0; id < IDS; id++) {
		char text[32];
		snprintf(text, sizeof text, "h\nrow %d\n", (int)id);
		assert_int_equal(id < 4 ? world_rows(w, id, text, 2, &f) : world_raw(w, id, text, &f), 0);
		assert_int_equal(world_fact(w, &f), 0);
		t->done[id] = f.u.done;
	}
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct world *t = *state;
	world_close_epoch(&t->w);
	assert_int_equal(mem_fs_open_files(t->w.m), 0);
	world_free(&t->w);
	free(t);
	return 0;
}

static void on_problem(void *ctx, const char *sentence)
{
	struct world *t = ctx;
	size_t n = strlen(t->said);
	snprintf(t->said + n, sizeof t->said - n, "%s\n", sentence);
}

/* As many problems as lines; each of the words (ended by NULL) is in what was said. */
static void assert_problems(struct world *t, int64_t want, const char *const *words)
{
	t->said[0] = 0;
	struct prs_err err = { 0 };
	int64_t n = prs_store_audit(t->w.fs, "/run", &t->w.run, on_problem, t, &err);
	if (n != want)
		fprintf(stderr, "%d problems, %d wanted: %s%s\n", (int)n, (int)want, t->said, err.msg);
	assert_int_equal(n, want);
	for (; *words; words++)
		if (!strstr(t->said, *words))
			fail_msg("\"%s\" is not in: %s", *words, t->said);
}
#define PROBLEMS(t, n, ...) assert_problems(t, n, (const char *const[]){ __VA_ARGS__, NULL })

static void test_a_sound_run(void **state) { PROBLEMS(*state, 0, ""); }

static void test_bytes_of_rows(void **state)
{
	struct world *t = *state;
	for (int id = 0; id < IDS; id++) {
		const char *path = id < 4 ? SEG : RAW;
		uint8_t *p = mem_fs_bytes(t->w.m, path, NULL) + t->done[id].offset;
		char who[32], where[64];
		snprintf(who, sizeof who, "mini-batch %d: ", id);
		snprintf(where, sizeof where, "(%s, offset %d, 8 bytes)", path, (int)t->done[id].offset);
		for (uint64_t i = 0; i < t->done[id].length; i++) {
			p[i] ^= 1;
			PROBLEMS(t, 1, who, "checksum", where);
			p[i] ^= 1;
		}
	}
}

/* The record in front of the rows says id, items, lease, succeeded, header and length again. */
static void test_bytes_of_the_record(void **state)
{
	struct world *t = *state;
	uint8_t *p = mem_fs_bytes(t->w.m, SEG, NULL) + t->done[2].offset - PRS_SEG_HEAD_BYTES;
	for (int i = 0; i < PRS_SEG_HEAD_BYTES; i++) {
		p[i] ^= 0x40;
		PROBLEMS(t, 1, "mini-batch 2: ", "not the one of the journal");
		p[i] ^= 0x40;
	}
}

static void test_missing_and_short_files(void **state)
{
	struct world *t = *state;
	mem_fs_resize(t->w.m, SEG, t->done[3].offset + t->done[3].length - 1);
	PROBLEMS(t, 1, "mini-batch 3: ", "checksum");
	mem_fs_resize(t->w.m, SEG, t->done[2].offset - 1);
	PROBLEMS(t, 2, "mini-batch 2: its rows lie behind the end", "mini-batch 3: its rows lie behind the end");
	mem_fs_resize(t->w.m, SEG, 10);
	PROBLEMS(t, 5, SEG ": the segment is shorter than its header", "mini-batch 0: its rows lie behind the end");
	t->w.fs->unlink(t->w.m, RAW);
	PROBLEMS(t, 7, "mini-batch 4: the file is missing", "mini-batch 5: the file is missing", RAW);
}

static void test_headers_of_files(void **state)
{
	struct world *t = *state;
	for (size_t i = 0; i < PRS_FILE_HEADER_BYTES; i++) {
		mem_fs_bytes(t->w.m, SEG, NULL)[i] ^= 4;
		mem_fs_bytes(t->w.m, RAW, NULL)[i] ^= 4;
		PROBLEMS(t, 2, SEG ": ", RAW ": ");
		mem_fs_bytes(t->w.m, SEG, NULL)[i] ^= 4;
		mem_fs_bytes(t->w.m, RAW, NULL)[i] ^= 4;
	}
}

/* A DONE that no engine can have written. */
static void test_impossible_facts(void **state)
{
	struct world *t = *state;
	struct prs_fact f = { .type = PRS_FACT_DONE, .u.done = t->done[0] };
	f.u.done.unit.id = IDS;
	assert_int_equal(world_fact(&t->w, &f), 0);
	PROBLEMS(t, 1, "mini-batch 6: it was never planned");
	struct prs_fact more = world_planned(1, 0, IDS + 1, true),
			again = { .type = PRS_FACT_DONE, .u.done = t->done[0] };
	assert_int_equal(world_fact(&t->w, &more), 0);
	again.u.done.unit.id = IDS;
	again.u.done.offset = 39; /* no room for a record in front */
	assert_int_equal(world_fact(&t->w, &again), 0);
	PROBLEMS(t, 2, "mini-batch 6: it was never planned", "mini-batch 6: its rows lie behind the end");
}

/* Damaged, found, run again: the bytes that nobody reads any more are no problem. */
static void test_what_was_replaced(void **state)
{
	struct world *t = *state;
	struct prs_fact reset = world_of_id(PRS_FACT_RESET, 2), f;
	mem_fs_bytes(t->w.m, SEG, NULL)[t->done[2].offset] ^= 1;
	PROBLEMS(t, 1, "mini-batch 2: ");
	assert_int_equal(world_fact(&t->w, &reset), 0);
	PROBLEMS(t, 0, "");
	assert_int_equal(world_next_epoch(&t->w), 0);
	assert_int_equal(world_rows(&t->w, 2, "h\nrow 2\n", 2, &f), 0);
	assert_int_equal(world_fact(&t->w, &f), 0);
	PROBLEMS(t, 0, "");
	mem_fs_bytes(t->w.m, "/run/seg/2-0-0.seg", NULL)[f.u.done.offset] ^= 1;
	PROBLEMS(t, 1, "mini-batch 2: ", "/run/seg/2-0-0.seg");
}

/* The first commit wins, and final is final: late results are in the journal, but not in the output. */
static struct prs_fact put_part(struct world *t, struct prs_unit u, const char *rows)
{
	struct prs_fact f;
	assert_int_equal(world_unit_rows(&t->w, u, rows, 0, &f), 0);
	assert_int_equal(world_fact(&t->w, &f), 0);
	return f;
}

static void put_split(struct world *t, struct prs_unit u)
{
	struct prs_fact f = { .type = PRS_FACT_SPLIT };
	f.u.split.unit = u;
	f.u.split.parts = 2;
	assert_int_equal(world_fact(&t->w, &f), 0);
}

/* Of a split mini-batch the parts are looked at: the first DONE of each, none that was split again or failed before. */
static void test_parts(void **state)
{
	struct world *t = *state;
	struct prs_fact reset = { .type = PRS_FACT_RESET, .u.reset = { .unit.id = 3, .count = 1 } },
			failed = { .type = PRS_FACT_FAILED };
	assert_int_equal(world_fact(&t->w, &reset), 0);
	put_split(t, (struct prs_unit){ 3, 0, 0 });
	struct prs_fact low = put_part(t, (struct prs_unit){ 3, 0, 5 }, "low\n"),
			again = put_part(t, (struct prs_unit){ 3, 0, 5 }, "again\n");
	put_split(t, (struct prs_unit){ 3, 5, 5 });
	struct prs_fact retired = put_part(t, (struct prs_unit){ 3, 5, 5 }, "retired\n"),
			whole = put_part(t, (struct prs_unit){ 3, 0, 0 }, "whole\n");
	failed.u.failed.unit = (struct prs_unit){ 3, 5, 2 };
	assert_int_equal(world_fact(&t->w, &failed), 0);
	struct prs_fact late = put_part(t, failed.u.failed.unit, "late\n"),
			high = put_part(t, (struct prs_unit){ 3, 7, 3 }, "high\n");
	PROBLEMS(t, 0, "");
	const struct prs_fact *const void_ones[] = { &again, &retired, &whole, &late };
	for (int i = 0; i < 4; i++)
		mem_fs_bytes(t->w.m, SEG, NULL)[void_ones[i]->u.done.offset] ^= 1;
	PROBLEMS(t, 0, "");
	mem_fs_bytes(t->w.m, SEG, NULL)[low.u.done.offset] ^= 1;
	PROBLEMS(t, 1, "mini-batch 3: its rows do not match their checksum");
	mem_fs_bytes(t->w.m, SEG, NULL)[high.u.done.offset] ^= 1;
	PROBLEMS(t, 2, "mini-batch 3: its rows do not match their checksum");
	assert_int_equal(world_fact(&t->w, &reset), 0); /* the parts are forgotten */
	PROBLEMS(t, 0, "");
	put_part(t, (struct prs_unit){ 3, 0, 0 }, "anew\n");
	PROBLEMS(t, 0, "");
}

static void test_late_results(void **state)
{
	struct world *t = *state;
	struct prs_fact more = world_planned(1, 0, IDS + 1, true), failed = world_of_id(PRS_FACT_FAILED, IDS), f;
	assert_int_equal(world_fact(&t->w, &more), 0);
	assert_int_equal(world_fact(&t->w, &failed), 0);
	for (uint64_t id = 3; id <= IDS; id += 3) {
		assert_int_equal(world_rows(&t->w, id, "late\n", 0, &f), 0);
		assert_int_equal(world_fact(&t->w, &f), 0);
		mem_fs_bytes(t->w.m, SEG, NULL)[f.u.done.offset] ^= 1;
	}
	PROBLEMS(t, 0, "");
}

static void test_rows_without_bytes(void **state)
{
	struct world *t = *state;
	struct prs_fact more = world_planned(1, 0, IDS + 1, true);
	struct prs_fact f = { .type = PRS_FACT_DONE,
		              .u.done = { .unit.id = IDS, .lease = W_LEASE(1, 9), .segment = 77 } };
	assert_int_equal(world_fact(&t->w, &more), 0);
	assert_int_equal(world_fact(&t->w, &f), 0);
	PROBLEMS(t, 0, "");
}

static void test_errors(void **state)
{
	struct world *t = *state;
	static const struct {
		enum mem_op op;
		const char *part;
		int errnum, want;
	} v[] = { { MEM_OPEN, ".seg", EACCES, -PRS_EPERMISSION },
		  { MEM_PREAD, ".seg", EIO, -PRS_EIO },
		  { MEM_PREAD, ".raw", EIO, -PRS_EIO },
		  { MEM_PREAD, "journal-1", EIO, -PRS_EIO } };
	for (size_t i = 0; i < sizeof v / sizeof *v; i++)
		for (unsigned skip = 0; skip < 3; skip++) {
			mem_fs_fail(t->w.m, v[i].op, v[i].part, skip, v[i].errnum);
			PROBLEMS(t, v[i].op == MEM_OPEN && skip ? 0 : v[i].want, "");
			mem_fs_fail(t->w.m, v[i].op, NULL, 0, 0);
		}
	mem_fs_bytes(t->w.m, "/run/journal-1", NULL)[100] ^= 1;
	PROBLEMS(t, -PRS_ECORRUPT, "");
}

/* The records of a plan are read too. */
static void test_plans(void **state)
{
	struct world *t = *state;
	struct prs_plan_record r = { .type = PRS_PLAN_FILES, .u.files = { .count = 1, .names = "" } };
	struct prs_err err = { 0 };
	assert_int_equal(world_plan(&t->w, &r), 0);
	assert_int_equal(prs_store_audit(t->w.fs, "/run", &t->w.run, on_problem, t, &err), -PRS_ECORRUPT);
	assert_non_null(strstr(err.msg, "/run/plan-1"));
	assert_non_null(strstr(err.msg, "contradicts itself"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_a_sound_run),
		T(test_bytes_of_rows),
		T(test_bytes_of_the_record),
		T(test_missing_and_short_files),
		T(test_headers_of_files),
		T(test_impossible_facts),
		T(test_what_was_replaced),
		T(test_parts),
		T(test_late_results),
		T(test_rows_without_bytes),
		T(test_errors),
		T(test_plans),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
