/* SPDX-License-Identifier: Apache-2.0
 * test_recover: chains of epochs as a resume finds them: what counts, what is passed over, what is refused and with
 * which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_world.h"

static int setup(void **state)
{
	struct store_world *w = calloc(1, sizeof *w);
	world_new(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct store_world *w = *state;
	world_free(w);
	free(w);
	return 0;
}

#define ok(call) assert_int_equal((call), 0)

static void assert_seen(struct store_world *w, const char *want)
{
	int r = world_recover(w);
	if (r)
		fprintf(stderr, "%s\n", w->err.msg);
	assert_int_equal(r, 0);
	assert_string_equal(w->seen, want);
}

/* Refused with this code; each of the words is in the message. */
static void assert_refused(struct store_world *w, int code, const char *word, const char *word2)
{
	int r = world_recover(w);
	if (r != code || !strstr(w->err.msg, word) || !strstr(w->err.msg, word2))
		fprintf(stderr, "refused with %d: %s\n", r, w->err.msg);
	assert_int_equal(r, code);
	assert_non_null(strstr(w->err.msg, word));
	assert_non_null(strstr(w->err.msg, word2));
}

static struct prs_plan_record rule(uint64_t first_id, uint64_t count)
{
	struct prs_plan_record r = { .type = PRS_PLAN_RULE, .u.rule = { first_id, count, first_id, 1, 0 } };
	return r;
}

static void put_done(struct store_world *w, uint64_t id)
{
	struct prs_fact f;
	char rows[32];
	snprintf(rows, sizeof rows, "row %llu\n", (unsigned long long)id);
	ok(world_rows(w, id, rows, 0, &f));
	ok(world_fact(w, &f));
}

/* Epoch 1: a plan of three ids, id 0 done. */
static void first_epoch(struct store_world *w)
{
	struct prs_plan_record r = rule(0, 3);
	ok(world_epoch_after(w, 1, 0, 0, 0));
	ok(world_plan(w, &r));
	struct prs_fact f = world_planned(1, w->plan.durable, 3, false);
	ok(world_fact(w, &f));
	put_done(w, 0);
}
#define FIRST "plan(40) 1:HEAD 1:PLANNED+3 1:DONE0"

static void test_empty_folder(void **state)
{
	struct store_world *w = *state;
	assert_seen(w, "");
	assert_int_equal(w->was.epoch, 0);
	assert_int_equal(w->was.next_epoch, 1);
}

static void test_chain_of_epochs(void **state)
{
	struct store_world *w = *state;
	struct prs_plan_record more = rule(3, 2);
	first_epoch(w);
	assert_seen(w, FIRST);
	assert_int_equal(w->was.epoch, 1);
	assert_int_equal(w->was.journal_bytes, w->journal.durable);
	assert_int_equal(w->was.plan_bytes, w->plan.durable);
	ok(world_next_epoch(w));
	put_done(w, 1);
	ok(world_next_epoch(w));
	ok(world_plan(w, &more));
	struct prs_fact f = world_planned(3, w->plan.durable, 5, true);
	ok(world_fact(w, &f));
	put_done(w, 4);
	assert_seen(w, FIRST " 2:HEAD 2:DONE1 plan(40) 3:HEAD 3:PLANNED=5 3:DONE4");
	assert_int_equal(w->was.epoch, 3);
	assert_int_equal(w->was.next_epoch, 4);
}

/* SIGSTOP, a second engine takes over, SIGCONT: what the first writes then is nobody's. */
static void test_late_writes_of_a_fenced_engine(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	struct prs_log journal = w->journal, plan = w->plan;
	ok(world_recover(w));
	w->has_plan = false;
	w->has_segment = false;
	prs_log_close(&w->segment);
	ok(world_epoch_after(w, 2, 1, w->was.journal_bytes, w->was.plan_bytes));
	put_done(w, 1);
	struct prs_fact late = world_of_id(PRS_FACT_FAILED, 1);
	struct prs_plan_record r = rule(3, 7);
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_fact_put(&b, &late);
	ok(world_frame(&journal, b.data, b.len, &w->err));
	prs_buf_clear(&b);
	prs_plan_put(&b, &r);
	ok(world_frame(&plan, b.data, b.len, &w->err));
	assert_seen(w, FIRST " 2:HEAD 2:DONE1");
	assert_int_equal(prs_store_check_fence(w->fs, "/run", 1, &w->err), -PRS_EFENCED);
	ok(prs_store_check_fence(w->fs, "/run", 2, &w->err));
	prs_log_close(&journal);
	prs_log_close(&plan);
}

static void test_an_epoch_is_taken_once(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	struct prs_log second;
	struct prs_fact head = world_head(1, 0, 0, 0);
	assert_int_equal(prs_journal_create(&second, w->fs, "/run", &w->run, PRS_FORMAT_MINOR, &head, &w->err),
	                 -PRS_EFENCED);
	assert_non_null(strstr(w->err.msg, "another engine took this run over"));
	assert_seen(w, FIRST);
}

/* Killed between creating a journal and syncing its HEAD: whatever the disk has of it, the run goes on from the one
 * before. */
static void test_journal_without_a_head(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	ok(world_next_epoch(w));
	world_close_epoch(w);
	uint64_t n;
	uint8_t *p = mem_fs_bytes(w->m, "/run/journal-2", &n), whole[512];
	assert_true(n < sizeof whole);
	memcpy(whole, p, n);
	for (uint64_t cut = 0; cut < n; cut++)
		for (int fill = 0; fill < 3;
		     /* cut off, zeros to the end of the page, zeros up to its size with a hole at its start */
		     fill++) {
			mem_fs_put(w->m, "/run/journal-2", whole, cut);
			if (fill)
				mem_fs_resize(w->m, "/run/journal-2", fill == 1 ? 4096 : n);
			if (fill == 2)
				memset(mem_fs_bytes(w->m, "/run/journal-2", NULL), 0, cut);
			if (!memcmp(mem_fs_bytes(w->m, "/run/journal-2", NULL), whole, n))
				continue; /* only zeros were cut off */
			assert_seen(w, FIRST);
			assert_int_equal(w->was.epoch, 1);
			assert_int_equal(w->was.next_epoch, 3);
		}
	ok(world_next_epoch(w));
	put_done(w, 2);
	assert_seen(w, FIRST " 3:HEAD 3:DONE2");
}

static void test_gaps_in_the_numbers(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	world_close_epoch(w);
	ok(world_recover(w));
	ok(world_epoch_after(w, 70000, 1, w->was.journal_bytes, w->was.plan_bytes));
	put_done(w, 2);
	assert_seen(w, FIRST " 70000:HEAD 70000:DONE2");
	assert_int_equal(w->was.next_epoch, 70001);
	assert_true(w->m->calls[MEM_OPEN] < 100); /* the folder is listed, not guessed at */
}

/* The engine lives and plans on while we look. */
static void plan_on(void *ctx, enum mem_op op, const char *path)
{
	struct store_world *w = ctx;
	struct prs_plan_record r = rule(3, 2);
	if (op != MEM_PREAD || !strstr(path, "plan-1"))
		return;
	w->m->before = NULL;
	struct prs_log plan = w->plan, journal = w->journal;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_plan_put(&b, &r);
	ok(world_frame(&plan, b.data, b.len, NULL));
	struct prs_fact f = world_planned(1, plan.durable, 5, true);
	prs_buf_clear(&b);
	prs_fact_put(&b, &f);
	ok(world_frame(&journal, b.data, b.len, NULL));
}

static void test_status_of_a_living_engine(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	w->m->before = plan_on;
	w->m->before_ctx = w;
	assert_seen(w, FIRST);
	assert_null(w->m->before);
	assert_seen(w, "plan(40) plan(40) 1:HEAD 1:PLANNED+3 1:DONE0 1:PLANNED=5");
}

static void test_names_that_are_no_journals(void **state)
{
	struct store_world *w = *state;
	static const char *const names[] = {
		"journal-",      "journal-7x", "journal-007",      "journal-+7",         "journal- 7",
		"journal--7",    "journal-0",  "journal-16777216", "journal-4294967295", "journal-99999999999999999999",
		"journal-7.bak", "Journal-7",  "journal"
	};
	first_epoch(w);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[64];
		snprintf(path, sizeof path, "/run/%s", names[i]);
		mem_fs_put(w->m, path, "what is this", 12);
		assert_seen(w, FIRST);
		assert_int_equal(w->was.next_epoch, 2);
		w->fs->unlink(w->m, path);
	}
}

/* ---- refused ----------------------------------------------------------------------------------------------------- */

static void test_missing_predecessor(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	ok(world_next_epoch(w));
	ok(world_next_epoch(w));
	w->fs->unlink(w->m, "/run/journal-2");
	assert_refused(w, -PRS_ECORRUPT, "journal-2 is missing", "journal-3 goes on from it");
}

static void test_predecessor_without_a_head(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	ok(world_next_epoch(w));
	mem_fs_resize(w->m, "/run/journal-1", 20);
	assert_refused(w, -PRS_ECORRUPT, "journal-1 is damaged at offset", "journal-2 goes on from it");
}

static void test_head_that_names_no_earlier_journal(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	ok(world_next_epoch(w));
	struct prs_log l;
	struct prs_fact head = world_head(3, 3, 32, 0);
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_fact_put(&b, &head);
	ok(prs_log_create(&l, w->fs, "/run/journal-3", PRS_FILE_JOURNAL, &w->run, 0, &w->err));
	ok(world_frame(&l, b.data, b.len, &w->err));
	prs_log_close(&l);
	assert_refused(w, -PRS_ECORRUPT, "journal-3", "names journal-3");
}

static void test_head_of_another_epoch(void **state)
{
	struct store_world *w = *state;
	uint64_t n;
	first_epoch(w);
	ok(world_next_epoch(w));
	uint8_t *p = mem_fs_bytes(w->m, "/run/journal-2", &n), copy[512];
	memcpy(copy, p, n);
	mem_fs_put(w->m, "/run/journal-5", copy, n); /* a copy of the file under another name */
	assert_refused(w, -PRS_ECORRUPT, "journal-5", "epoch 2");
}

static void test_seals_that_the_file_does_not_keep(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	world_close_epoch(w);
	ok(world_recover(w));
	uint64_t journal = w->was.journal_bytes, plan = w->was.plan_bytes;
	const struct {
		uint64_t journal, plan;
		const char *file, *why;
	} rows[] = {
		{ journal + 8, plan, "/run/journal-1", "greater length" },
		{ UINT64_MAX - 1, plan, "/run/journal-1", "greater length" },
		{ journal - 8, plan, "/run/journal-1", "sealed length" },
		{ 33, plan, "/run/journal-1", "sealed length" },
		{ 0, plan, "/run/journal-1", "sealed length" },
		{ 31, plan, "/run/journal-1", "sealed length" },
		{ journal, plan + 8, "/run/plan-1", "greater length" },
		{ journal, plan - 8, "/run/plan-1", "sealed length" },
		{ journal, 0, "/run/journal-1", "counts on" },
		{ journal, 32, "/run/journal-1", "counts on" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ok(world_epoch_after(w, 2, 1, rows[i].journal, rows[i].plan));
		assert_refused(w, -PRS_ECORRUPT, rows[i].file, rows[i].why);
		prs_log_close(&w->journal);
		w->fs->unlink(w->m, "/run/journal-2");
	}
}

static void test_planned_without_its_plan_bytes(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	uint64_t whole = w->plan.durable;
	struct prs_fact f = world_planned(1, whole + 8, 4, false);
	ok(world_fact(w, &f));
	assert_refused(w, -PRS_ECORRUPT, "journal-1 counts on 112 bytes of plan-1", "has 104");
	world_close_epoch(w);
	w->fs->unlink(w->m, "/run/plan-1");
	assert_refused(w, -PRS_ECORRUPT, "counts on", "plan-1");
}

/* A resume announces what the engine before it planned but did not journal: PLANNED of an older plan. */
static void test_planned_of_an_older_plan(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	uint64_t plan = w->plan.durable;
	ok(world_next_epoch(w));
	struct prs_fact f = world_planned(1, plan, 3, false);
	ok(world_fact(w, &f));
	assert_seen(w, FIRST " 2:HEAD 2:PLANNED+3");
	f = world_planned(1, plan + 8, 3, false);
	ok(world_fact(w, &f));
	assert_refused(w, -PRS_ECORRUPT, "journal-2 counts on", "plan-1");
}

static void test_planned_of_a_plan_that_never_was(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	struct prs_fact f = world_planned(9, 32, 3, false);
	ok(world_fact(w, &f));
	assert_refused(w, -PRS_ECORRUPT, "journal-1 counts on", "plan-9");
}

static void test_sealed_plan_is_missing(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	ok(world_next_epoch(w));
	w->fs->unlink(w->m, "/run/plan-1");
	assert_refused(w, -PRS_ECORRUPT, "/run/plan-1", "missing");
}

/* ---- other runs, newer engines ----------------------------------------------------------------------------------- */

static void patch_header(struct store_world *w, const char *path, size_t at, uint8_t value)
{
	uint8_t *p = mem_fs_bytes(w->m, path, NULL);
	assert_non_null(p);
	p[at] = value;
	prs_put32(p + 28, prs_checksum(p, 28));
}

static void test_files_of_another_run(void **state)
{
	struct store_world *w = *state;
	first_epoch(w);
	for (int i = 0; i < 2; i++) {
		const char *path = i ? "/run/plan-1" : "/run/journal-1";
		patch_header(w, path, 8, 'A');
		assert_refused(w, -PRS_ECORRUPT, path, "another run");
		patch_header(w, path, 8, 'a');
		assert_seen(w, FIRST);
	}
}

/* Written by engine 9.8.7: refused, and the message says which engine it takes. */
static void test_newer_engine(void **state)
{
	struct store_world *w = *state;
	static const uint8_t unknown[] = { 200, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0 },
			     skipped[] = { 200, 0, 1, 0, 0, 0, 0, 0 };
	struct prs_fact head = world_head(2, 1, 0, 0);
	first_epoch(w);
	ok(world_recover(w));
	head.u.head.sealed_journal = w->was.journal_bytes;
	head.u.head.sealed_plan = w->was.plan_bytes;
	head.u.head.engine = (struct prs_text){ "9.8.7", 5 };
	world_close_epoch(w);
	w->epoch = 2;
	ok(prs_journal_create(&w->journal, w->fs, "/run", &w->run, PRS_FORMAT_MINOR, &head, &w->err));
	struct prs_plan_record r = rule(3, 1);
	ok(world_plan(w, &r));
	ok(world_frame(&w->journal, skipped, sizeof skipped, &w->err));
	ok(world_frame(&w->plan, skipped, sizeof skipped, &w->err));
	assert_seen(w, FIRST " plan(40) plan(8) 2:HEAD");
	static const struct {
		const char *path;
		size_t at;
		uint8_t newer, was;
	} rows[] = { { "/run/journal-2", 24, PRS_FORMAT_MINOR_NODES + 1, PRS_FORMAT_MINOR },
		     { "/run/journal-2", 26, 1, 0 },
		     { "/run/plan-2", 24, PRS_FORMAT_MINOR_TABLES + 1, PRS_FORMAT_MINOR },
		     { "/run/plan-2", 27, 1, 0 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		patch_header(w, rows[i].path, rows[i].at, rows[i].newer);
		assert_refused(w, -PRS_EVERSION, rows[i].path, "prs 9.8.7");
		patch_header(w, rows[i].path, rows[i].at, rows[i].was);
	}
	ok(world_frame(&w->journal, unknown, sizeof unknown, &w->err));
	assert_refused(w, -PRS_EVERSION, "/run/journal-2", "prs 9.8.7");
}

static int refuse_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)ctx;
	(void)body;
	(void)n;
	return prs_fail(err, PRS_EVERSION, "a plan record of type 6");
}

/* Plan records are decoded by the caller: what it refuses is completed with file and engine too. */
static void test_what_the_caller_refuses(void **state)
{
	struct store_world *w = *state;
	struct prs_recover_sink sink = { w, refuse_plan, world_on_fact };
	struct prs_recovered was;
	first_epoch(w);
	assert_int_equal(prs_store_recover(w->fs, "/run", &w->run, &sink, &was, &w->err), -PRS_EVERSION);
	assert_non_null(strstr(w->err.msg, "/run/plan-1"));
	assert_non_null(strstr(w->err.msg, "type 6"));
	assert_non_null(strstr(w->err.msg, "prs " PRS_VERSION));
}

/* A run folder deep down: its path must not push the offset out of the message. */
static void test_long_paths(void **state)
{
	struct store_world *w = *state;
	char dir[1500] = "", path[1600];
	for (int i = 0; i < 7; i++) {
		snprintf(dir + strlen(dir), 202, "/%0200d", i);
		w->fs->mkdir(w->m, dir, 0755);
	}
	struct prs_log l;
	struct prs_fact head = world_head(1, 0, 0, 0);
	struct prs_recover_sink sink = { w, world_on_plan, world_on_fact };
	struct prs_recovered was;
	assert_int_equal(prs_journal_create(&l, w->fs, dir, &w->run, PRS_FORMAT_MINOR, &head, &w->err), 0);
	w->journal = l;
	for (int i = 0; i < 2; i++) {
		head = world_of_id(PRS_FACT_FAILED, 0);
		ok(world_fact(w, &head));
	}
	snprintf(path, sizeof path, "%s/journal-1", dir);
	mem_fs_bytes(w->m, path, NULL)[PRS_FILE_HEADER_BYTES + 70] ^= 1;
	assert_int_equal(prs_store_recover(w->fs, dir, &w->run, &sink, &was, &w->err), -PRS_ECORRUPT);
	assert_non_null(strstr(w->err.msg, "/journal-1 is damaged at offset 32: "));
	assert_non_null(strstr(w->err.msg, "Restore the file from a copy"));
}

/* ---- what dead lives had allocated ahead
 * -------------------------------------------------------------------------- */

static uint64_t ahead_of(struct store_world *w, const char *path)
{
	struct prs_fs_stat st;
	ok(w->fs->stat(w->fs->ctx, path, &st));
	return st.allocated - st.size;
}

/* The first engine still has its files open (it sleeps): what it writes behind the trimmed end is nobody's, as
 * before. */
static void test_what_a_dead_life_had_allocated_goes_back(void **state)
{
	struct store_world *w = *state;
	struct prs_log segment;
	first_epoch(w);
	ok(prs_log_create(&segment, w->fs, "/run/seg/1-0-9.seg", PRS_FILE_SEGMENT, &w->run, 4 << 20, &w->err));
	struct prs_log first = w->journal;
	ok(world_recover(w));
	w->has_plan = w->has_segment = false;
	prs_log_close(&w->segment);
	prs_log_close(&w->plan);
	uint64_t sealed = w->was.journal_bytes;
	ok(world_epoch_after(w, 2, 1, sealed, w->was.plan_bytes));
	assert_true(ahead_of(w, "/run/journal-1") > 900000 && ahead_of(w, "/run/seg/1-0-9.seg") > 4000000);
	mem_fs_fail(w->m, MEM_FTRUNCATE, "journal-1", 0, 5);
	assert_int_equal(prs_store_trim(w->fs, "/run", 2), -5);
	ok(prs_store_trim(w->fs, "/run", 2));
	assert_int_equal(ahead_of(w, "/run/journal-1"), 0);
	assert_int_equal(ahead_of(w, "/run/seg/1-0-9.seg"), 0);
	assert_true(ahead_of(w, "/run/journal-2") > 900000); /* of the living */
	assert_seen(w, FIRST " 2:HEAD");
	struct prs_fact late = world_of_id(PRS_FACT_FAILED, 1);
	struct prs_log second = w->journal;
	w->journal = first;
	ok(world_fact(w, &late));
	prs_log_close(&w->journal);
	w->journal = second;
	assert_seen(w, FIRST " 2:HEAD");
	prs_log_close(&segment);
}

/* ---- errors of the disk are not damage --------------------------------------------------------------------------- */

static void test_read_errors(void **state)
{
	struct store_world *w = *state;
	static const struct {
		enum mem_op op;
		const char *part;
		int errnum, want;
	} rows[] = {
		{ MEM_LIST, "/run", 5, -PRS_EIO },       { MEM_OPEN, "journal-1", 13, -PRS_EPERMISSION },
		{ MEM_PREAD, "journal-1", 5, -PRS_EIO }, { MEM_OPEN, "plan-1", 13, -PRS_EPERMISSION },
		{ MEM_PREAD, "plan-1", 5, -PRS_EIO },    { MEM_FSTAT, "plan-1", 5, -PRS_EIO },
	};
	first_epoch(w);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (unsigned skip = 0; skip < 3; skip++) {
			mem_fs_fail(w->m, rows[i].op, rows[i].part, skip, rows[i].errnum);
			int r = world_recover(w);
			bool hit = !w->m->fail_errno;
			mem_fs_fail(w->m, rows[i].op, NULL, 0, 0);
			assert_int_equal(r, hit ? rows[i].want : 0);
			assert_true(hit || skip > 0);
			assert_int_equal(mem_fs_open_files(w->m), 3); /* journal, plan, segment of the writer */
		}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_empty_folder),
		T(test_chain_of_epochs),
		T(test_late_writes_of_a_fenced_engine),
		T(test_an_epoch_is_taken_once),
		T(test_journal_without_a_head),
		T(test_gaps_in_the_numbers),
		T(test_status_of_a_living_engine),
		T(test_names_that_are_no_journals),
		T(test_missing_predecessor),
		T(test_predecessor_without_a_head),
		T(test_head_that_names_no_earlier_journal),
		T(test_head_of_another_epoch),
		T(test_seals_that_the_file_does_not_keep),
		T(test_planned_without_its_plan_bytes),
		T(test_planned_of_an_older_plan),
		T(test_planned_of_a_plan_that_never_was),
		T(test_sealed_plan_is_missing),
		T(test_files_of_another_run),
		T(test_newer_engine),
		T(test_what_the_caller_refuses),
		T(test_long_paths),
		T(test_what_a_dead_life_had_allocated_goes_back),
		T(test_read_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
