/* SPDX-License-Identifier: Apache-2.0
 * test_report_faults: kills, cut logs, takeovers, full disks and failed allocations at every point must not change a
 * byte of the logs.
 */
#include "report_world.h"

/* Reports the first journal, writes it out, and is gone. */
static void first_life(struct world *w)
{
	struct prs_report *r = start(w, PRS_LOG_INFO, NULL);
	catch_up(r, w, 1, 0);
	assert_int_equal(prs_report_flush(r, NULL), 0);
	prs_report_free(r);
}

/* Reports what is missing, `budget` facts at once (0 = all), and the end. */
static void last_life(struct world *w, uint64_t budget)
{
	struct prs_report *r = start(w, PRS_LOG_INFO, NULL);
	catch_up(r, w, 2, budget);
	finish(r);
	prs_report_free(r);
}

/* The report dies after every fact, with a flush so many facts ago; garbage lies behind the logs. */
static void test_kill_everywhere(void **context)
{
	(void)context;
	for (uint64_t flush_at = 1; flush_at < 36; flush_at++)
		for (uint64_t kill_after = 0; kill_after < 4; kill_after++) {
			struct world w;
			char when[64];
			snprintf(when, sizeof when, "flush at %d, killed %d later", (int)flush_at, (int)kill_after);
			world_init(&w);
			tell(&w);
			struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
			uint32_t epoch = 1;
			bool more = true;
			for (uint64_t n = 0; n < flush_at + kill_after; n++) {
				if (!more && epoch == 1) {
					prs_report_free(r);
					save(&w, epoch = 2);
					r = start(&w, PRS_LOG_INFO, NULL);
				}
				assert_int_equal(prs_report_catch_up(r, epoch, w.journal[epoch].len, 1, &more, NULL),
				                 0);
				if (n == flush_at)
					assert_int_equal(prs_report_flush(r, NULL), 0);
			}
			prs_report_free(r);
			for (size_t i = 0; i < 6; i++) { /* bytes that were written after the cursor */
				char path[4096];
				snprintf(path, sizeof path, "%s/%s", w.dir, outputs[i]);
				FILE *f = (flush_at + i) % 2 ? fopen(path, "a") : NULL;
				if (f) {
					fputs("half a li", f);
					fclose(f);
				}
			}
			save(&w, 2);
			last_life(&w, flush_at % 3);
			check_outputs(&w, when);
			world_done(&w);
		}
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

/* Many lives, each a random number of facts, some flushed, some not, some with a log written beyond the cursor. */
static void test_kill_random(void **context)
{
	(void)context;
	for (uint64_t number = 1; number <= 200; number++) {
		struct world w;
		char when[64];
		uint64_t seed = number * UINT64_C(0x9e3779b97f4a7c15);
		snprintf(when, sizeof when, "seed %d", (int)number);
		world_init(&w);
		tell(&w);
		for (unsigned lives = (unsigned)(next_random(&seed) % 8), life = 0; life < lives; life++) {
			uint32_t epoch = life < lives / 2 ? 1 : 2;
			bool more = true;
			save(&w, epoch);
			struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
			for (unsigned n = (unsigned)(next_random(&seed) % 12); n > 0; n--) {
				assert_int_equal(prs_report_catch_up(r, epoch, w.journal[epoch].len,
				                                     1 + next_random(&seed) % 5, &more, NULL),
				                 0);
				if (next_random(&seed) % 4 == 0)
					assert_int_equal(prs_report_flush(r, NULL), 0);
			}
			if (next_random(&seed) % 4 == 0)
				finish(r); /* of a life that was not the last */
			prs_report_free(r);
			char path[4096];
			snprintf(path, sizeof path, "%s/%s", w.dir, outputs[next_random(&seed) % 6]);
			FILE *f = fopen(path, "a");
			if (f) {
				fputs("half a li", f);
				fclose(f);
			}
		}
		save(&w, 2);
		last_life(&w, next_random(&seed) % 3);
		check_outputs(&w, when);
		world_done(&w);
	}
}

/* Power loss: logs shorter than the cursor says, a torn or missing cursor, a log that is gone. */
static void test_cut_logs(void **context)
{
	(void)context;
	for (unsigned what = 0; what < 60; what++) {
		struct world w;
		char path[4096];
		world_init(&w);
		tell(&w);
		first_life(&w);
		const char *victim = what % 10 < 6 ? outputs[what % 10] : "logs/.cursor";
		struct prs_buf bytes = get_file(w.dir, victim);
		snprintf(path, sizeof path, "%s/%s", w.dir, victim);
		if (what >= 50)
			assert_int_equal(unlink(path), 0);
		else
			assert_int_equal(truncate(path, (off_t)(bytes.len * (what / 10) / 5)), 0);
		prs_buf_done(&bytes);
		save(&w, 2);
		last_life(&w, 0);
		check_outputs(&w, victim);
		world_done(&w);
	}
}

/* A cursor with a wrong byte anywhere: all logs are written again, none is cut where it says. */
static void test_damaged_cursor(void **context)
{
	(void)context;
	struct world w;
	size_t n = 1;
	for (size_t at = 0; at < n; at += 5) {
		world_init(&w);
		tell(&w);
		first_life(&w);
		struct prs_buf cursor = get_file(w.dir, "logs/.cursor");
		n = cursor.len;
		cursor.data[at] ^= 1;
		put_file(w.dir, "logs/.cursor", cursor.data, n);
		prs_buf_done(&cursor);
		save(&w, 2);
		last_life(&w, 0);
		check_outputs(&w, "damaged cursor");
		world_done(&w);
	}
	assert_true(n > 100);
}

/* A cursor behind the length that was sealed (an engine that was taken over wrote on): all logs are written again. */
static void test_cursor_beyond_seal(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	tell(&w);
	struct prs_fact ghost[] = { done(3, 1, 7, 1, 2, T(30, 0)) };
	append(&w, 1, ghost, 1);
	save(&w, 1);
	first_life(&w);
	struct prs_buf there = get_file(w.dir, "logs/sys/node/127.0.0.1/process007.txt");
	assert_true(there.len > 0);
	prs_buf_done(&there);
	save(&w, 2);
	last_life(&w, 0);
	check_outputs(&w, "beyond the seal");
	there = get_file(w.dir, "logs/sys/node/127.0.0.1/process007.txt");
	assert_int_equal(there.len, 0);
	prs_buf_done(&there);
	world_done(&w);
}

/* Lines of facts that were never sealed, behind a cursor that does not know their log: no log keeps them. */
static void test_ghost_logs(void **context)
{
	(void)context;
	struct world w;
	char path[4096];
	world_init(&w);
	tell(&w);
	play(&w, 0);
	const char *const ghosts[] = { "logs/sys/node/127.0.0.1/process009.txt",
		                       "logs/sys/node/10.0.0.9/process000.txt" };
	snprintf(path, sizeof path, "%s/logs/sys/node/10.0.0.9", w.dir);
	assert_int_equal(mkdir(path, 0777), 0);
	for (size_t i = 0; i < 2; i++)
		put_file(w.dir, ghosts[i], "ghost\n", 6);
	assert_true(prs_report_is_told(&fs, w.dir));
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", w.dir, ghosts[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_false(prs_report_is_told(&fs, w.dir)); /* it goes on */
	catch_up(r, &w, 2, 0);
	finish(r);
	prs_report_free(r);
	check_outputs(&w, "ghosts");
	world_done(&w);
}

/* An engine that was taken over writes no line and no cursor any more. */
static void test_fenced(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	tell(&w);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	catch_up(r, &w, 1, 0);
	save(&w, 2);
	struct prs_err err = { 0 };
	assert_int_equal(prs_report_flush(r, &err), -PRS_EFENCED);
	assert_int_equal(prs_report_finish(r, &result, &err), -PRS_EFENCED);
	prs_report_free(r);
	const char *const none[] = { "logs/events.jsonl", "logs/job_result.txt", "logs/.cursor" };
	for (size_t i = 0; i < 3; i++) {
		struct prs_buf b = get_file(w.dir, none[i]);
		assert_int_equal(b.len, 0);
		prs_buf_done(&b);
	}
	world_done(&w);
}

/* The engine is told once what is wrong with the disk, and goes on: the text is a sentence, *ret_more does not ask for
 * a loop. */
static void test_disk_full_sentence(void **context)
{
	(void)context;
	struct world w;
	struct prs_err err = { 0 };
	bool more = true;
	world_init(&w);
	tell(&w);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	fault.countdown = 1;
	fault.repeat = 1000;
	assert_int_equal(prs_report_catch_up(r, 1, w.journal[1].len, 3, &more, &err), 0); /* in memory still */
	assert_int_equal(prs_report_flush(r, &err), -PRS_ENOSPACE);
	assert_int_equal(prs_report_catch_up(r, 1, w.journal[1].len, 0, &more, &err), -PRS_ENOSPACE);
	assert_non_null(strstr(err.msg, "cannot write the logs of"));
	assert_non_null(strstr(err.msg, "no space left"));
	assert_false(more);
	assert_int_equal(prs_report_finish(r, &result, &err), -PRS_ENOSPACE);
	fault.countdown = 0;
	assert_int_equal(prs_report_catch_up(r, 1, w.journal[1].len, 0, &more, &err), 0);
	assert_int_equal(prs_report_catch_up(r, 2, w.journal[2].len, 0, &more, &err),
	                 -PRS_EINVALID); /* an epoch is a life */
	assert_int_equal(prs_report_flush(r, &err), 0);
	prs_report_free(r);
	save(&w, 2);
	last_life(&w, 0);
	check_outputs(&w, "disk full, then not");
	world_done(&w);
}

static void many_done(struct world *w, uint64_t n)
{
	struct prs_fact *facts = calloc(n + 2, sizeof *facts);
	facts[0] = head(1, 0, 0, T(0, 0));
	facts[1] = planned(T(0, 1), n, 2 * n, true);
	for (uint64_t id = 0; id < n; id++)
		facts[2 + id] = done(id, 1, (uint16_t)(id % 2), 1, 2, T(1, id));
	for (size_t at = 0; at < n + 2; at += 1000)
		append(w, 1, facts + at, n + 2 - at < 1000 ? n + 2 - at : 1000);
	free(facts);
	save(w, 1);
}

/* A disk that stays full: no more than about 1 MiB a log is kept in memory, the other facts wait in the journal; later
 * nothing is missing. */
static void test_disk_full_long(void **context)
{
	(void)context;
	enum { N = 30000 };
	struct world w, other;
	bool more;
	world_init(&w);
	many_done(&w, N);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	fault.countdown = 1;
	fault.repeat = 1000000;
	for (int i = 0; i < 50; i++)
		assert_int_equal(prs_report_catch_up(r, 1, w.journal[1].len, 0, &more, NULL), -PRS_ENOSPACE);
	fault.countdown = 0;
	unsigned long before = fault.bytes;
	assert_int_equal(prs_report_flush(r, NULL), 0);
	assert_in_range(fault.bytes - before, 1 << 20, 5 << 20); /* what was kept: four logs */
	catch_up(r, &w, 1, 0);
	finish(r);
	prs_report_free(r);
	world_init(&other);
	many_done(&other, N);
	r = start(&other, PRS_LOG_INFO, NULL);
	catch_up(r, &other, 1, 0);
	finish(r);
	prs_report_free(r);
	for (size_t i = 0; i < OUTPUTS; i++) {
		struct prs_buf a = get_file(w.dir, outputs[i]), b = get_file(other.dir, outputs[i]);
		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.data, b.data, a.len);
		prs_buf_done(&a);
		prs_buf_done(&b);
	}
	world_done(&other);
	world_done(&w);
}

/* Disk full at the n-th write, for a while; short writes. */
static void test_disk_full(void **context)
{
	(void)context;
	for (long n = 1; n < 20; n++)
		for (long repeat = 0; repeat < 12; repeat += 5) {
			struct world w;
			world_init(&w);
			tell(&w);
			fault.countdown = n;
			fault.repeat = repeat;
			fault.most = 50;
			struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
			bool more = true;
			for (int rc = 0; more || rc;) {
				rc = prs_report_catch_up(r, 1, w.journal[1].len, 5, &more, NULL);
				assert_true(rc == 0 || rc == -PRS_ENOSPACE);
				int flushed = prs_report_flush(r, NULL);
				assert_true(flushed == 0 || flushed == -PRS_ENOSPACE);
			}
			fault.countdown = 0;
			assert_int_equal(prs_report_flush(r, NULL), 0);
			prs_report_free(r);
			save(&w, 2);
			last_life(&w, 0);
			check_outputs(&w, "disk full");
			world_done(&w);
		}
}

/* Every allocation fails once: the report stops or goes on, and the next life writes the same logs. */
static void test_no_memory(void **context)
{
	(void)context;
	for (long n = 1; n < 400; n++) {
		struct world w;
		world_init(&w);
		tell(&w);
		save(&w, 2);
		struct prs_report *r = NULL;
		struct prs_report_config c = { .struct_size = sizeof c,
			                       .dir = w.dir,
			                       .run = run_id,
			                       .run_name = "story",
			                       .level = PRS_LOG_INFO,
			                       .processes = 2,
			                       .append_row = true,
			                       .items_of = items_of,
			                       .detail = detail,
			                       .paths = paths };
		bool more;
		prs_mem_fault(n);
		long before = prs_mem_count();
		int rc = prs_report_new(&r, &fs, &c, NULL);
		if (rc == 0)
			rc = prs_report_catch_up(r, 2, w.journal[2].len, 0, &more, NULL);
		if (rc == 0)
			rc = prs_report_flush(r, NULL);
		if (rc == 0)
			prs_report_finish(r, &result, NULL);
		prs_mem_fault(0);
		long used = prs_mem_count() - before;
		prs_report_free(r);
		last_life(&w, 0);
		check_outputs(&w, "no memory");
		world_done(&w);
		if (used < n)
			return;
	}
	fail_msg("more allocations than expected");
}

/* A damaged frame below the mark is named; the report stops, it does not guess. */
static void test_damage(void **context)
{
	(void)context;
	struct world w;
	struct prs_err err = { 0 };
	bool more;
	world_init(&w);
	tell(&w);
	w.journal[1].data[w.frames[1][1] + 60] ^= 1;
	save(&w, 1);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	assert_int_equal(prs_report_catch_up(r, 1, w.journal[1].len, 0, &more, &err), -PRS_ECORRUPT);
	assert_non_null(strstr(err.msg, "journal-1 is damaged at offset"));
	assert_int_equal(prs_report_catch_up(r, 1, w.journal[1].len, 0, &more, &err), -PRS_ECORRUPT);
	prs_report_free(r);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_everywhere),
		cmocka_unit_test(test_kill_random),
		cmocka_unit_test(test_cut_logs),
		cmocka_unit_test(test_damaged_cursor),
		cmocka_unit_test(test_cursor_beyond_seal),
		cmocka_unit_test(test_ghost_logs),
		cmocka_unit_test(test_fenced),
		cmocka_unit_test(test_disk_full_sentence),
		cmocka_unit_test(test_disk_full_long),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
