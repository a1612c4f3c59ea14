/* SPDX-License-Identifier: Apache-2.0
 * test_report: facts -> log files: a small story in two epochs, byte for byte; events, ticks, the first error, resets.
 */
#include "report_world.h"

static void test_story(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	tell(&w);
	play(&w, 0);
	if (getenv("PRS_TEST_PRINT"))
		for (size_t i = 0; i < OUTPUTS; i++) {
			struct prs_buf got = get_file(w.dir, outputs[i]);
			fprintf(stderr, "=== %s\n%s", outputs[i], (char *)got.data);
			prs_buf_done(&got);
		}
	check_outputs(&w, "no kill");
	assert_true(fault.open_most <= 2 + 8);
	world_done(&w);
}

/* finish() again, in the same life and in the next: the same bytes. */
static void test_finish_again(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	tell(&w);
	play(&w, 0);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	finish(r); /* before any fact was read: keeps what is there, fails nothing */
	catch_up(r, &w, 2, 0);
	finish(r);
	check_outputs(&w, "the next life");
	finish(r);
	check_outputs(&w, "again");
	prs_report_free(r);
	world_done(&w);
}

/* Only lines of this engine's life are told to --json, and they are the lines of the file. */
static void test_event_callback(void **context)
{
	(void)context;
	struct world w;
	struct heard heard;
	world_init(&w);
	tell(&w);
	save(&w, 2);
	prs_buf_init(&heard.lines, 1 << 20);
	struct prs_report *r = start(&w, PRS_LOG_INFO, &heard);
	catch_up(r, &w, 2, 0);
	finish(r);
	prs_report_free(r);
	struct prs_buf file = get_file(w.dir, "logs/events.jsonl");
	assert_true(heard.lines.len > 100 && heard.lines.len < file.len);
	assert_memory_equal(heard.lines.data, file.data + file.len - heard.lines.len, heard.lines.len);
	assert_memory_equal(heard.lines.data, "{\"type\":\"run_started\"", 21);
	prs_buf_done(&file);
	prs_buf_done(&heard.lines);
	world_done(&w);
}

static void test_ticks(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	tell(&w);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	assert_int_equal(prs_report_tick(r, T(5, 0), NULL), 0); /* nothing is known yet */
	bool more;
	assert_int_equal(prs_report_catch_up(r, 1, w.frames[1][1], 0, &more, NULL), 0);
	for (unsigned s = 1; s < 35; s++)
		assert_int_equal(prs_report_tick(r, T(s, 100), NULL), 0);
	assert_int_equal(prs_report_flush(r, NULL), 0);
	prs_report_free(r);
	r = start(&w, PRS_LOG_INFO, NULL); /* ticks are not lost, not repeated */
	assert_int_equal(prs_report_catch_up(r, 1, w.frames[1][2], 0, &more, NULL), 0);
	assert_int_equal(prs_report_tick(r, T(39, 0), NULL), 0);
	assert_int_equal(prs_report_tick(r, T(40, 0), NULL), 0);
	assert_int_equal(prs_report_tick(r, T(75, 0), NULL), 0); /* a machine that slept: one line, not three */
	assert_int_equal(prs_report_tick(r, T(76, 0), NULL), 0);
	assert_int_equal(prs_report_flush(r, NULL), 0);
	prs_report_free(r);
	struct prs_buf b = get_file(w.dir, outputs[0]);
	assert_string_equal((char *)b.data, "2026-01-02T03:04:05.000000Z The overviewer on 127.0.0.1 started.\n"
	                                    "2026-01-02T03:04:15.000000Z No task has been processed yet.\n"
	                                    "2026-01-02T03:04:25.000000Z No task has been processed yet.\n"
	                                    "2026-01-02T03:04:35.000000Z No task has been processed yet.\n"
	                                    "2026-01-02T03:04:45.000000Z Processed 1 of 3 mini batches in "
	                                    "0:00:40.\n"
	                                    "2026-01-02T03:05:15.000000Z Processed 1 of 3 mini batches in "
	                                    "0:01:10.\n");
	prs_buf_done(&b);
	world_done(&w);
}

/* A clock that began in 1970 and was set right: the time that is left is no number that anybody can use, or that
 * fits. */
static void test_an_estimate_beyond_all_time(void **context)
{
	(void)context;
	static const struct {
		uint64_t first_us, mini_batches;
		const char *end;
	} rows[] = {
		{ T(0, 0), 20000,
		  "Processed 1 of 20000 mini batches in 0:00:40. Estimated remaining time 97:12:54.\n" },
		{ T(0, 0) - 40 * UINT64_C(86400000000), 20000, "Processed 1 of 20000 mini batches in 960:00:40.\n" },
		{ 5000000, 20000, "Processed 1 of 20000 mini batches in 490923:04:40.\n" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w;
		bool more;
		world_init(&w);
		struct prs_fact facts[] = { head(1, 0, 0, rows[i].first_us), node_up(rows[i].first_us),
			                    planned(rows[i].first_us + 1, rows[i].mini_batches, rows[i].mini_batches,
			                            true),
			                    done(0, 1, 0, 1, 1, T(35, 0)) };
		append(&w, 1, facts, sizeof facts / sizeof *facts);
		save(&w, 1);
		struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
		assert_int_equal(prs_report_catch_up(r, 1, w.frames[1][0], 0, &more, NULL), 0);
		assert_int_equal(prs_report_tick(r, T(40, 0), NULL), 0);
		assert_int_equal(prs_report_flush(r, NULL), 0);
		prs_report_free(r);
		struct prs_buf b = get_file(w.dir, outputs[0]);
		const char *last = strrchr((char *)b.data, 'P');
		assert_non_null(last);
		assert_string_equal(last, rows[i].end);
		prs_buf_done(&b);
		world_done(&w);
	}
}

static void test_first_error(void **context)
{
	(void)context;
	struct world w;
	struct prs_first_error e;
	bool more;
	world_init(&w);
	tell(&w);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	assert_int_equal(prs_report_catch_up(r, 1, w.frames[1][0], 0, &more, NULL), 0);
	assert_false(prs_report_first_error(r, &e));
	catch_up(r, &w, 1, 0);
	assert_true(prs_report_first_error(r, &e));
	assert_string_equal(e.file, "user/error/127.0.0.1/process001.txt");
	assert_string_equal(e.message, "RuntimeError: no model");
	assert_string_equal(e.where, "init(), process001 on 127.0.0.1");
	assert_int_equal(e.bytes, 30);
	save(&w, 2);
	prs_report_free(r);
	r = start(&w, PRS_LOG_INFO, NULL); /* after a resume: the first one of this life */
	assert_int_equal(prs_report_catch_up(r, 2, w.frames[2][0], 0, &more, NULL), 0);
	assert_false(prs_report_first_error(r, &e));
	catch_up(r, &w, 2, 0);
	assert_true(prs_report_first_error(r, &e));
	assert_string_equal(e.where, "mini-batch 2, try 3, process000 on 127.0.0.1");
	assert_int_equal(e.offset, 40);
	prs_report_free(r);
	world_done(&w);
}

static void test_level_warning(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	tell(&w);
	struct prs_report *r = start(&w, PRS_LOG_WARNING, NULL);
	catch_up(r, &w, 1, 0);
	assert_int_equal(prs_report_flush(r, NULL), 0);
	prs_report_free(r);
	struct prs_buf b = get_file(w.dir, outputs[2]);
	assert_null(strstr((char *)b.data, "|INFO|"));
	assert_null(strstr((char *)b.data, "Picked"));
	assert_non_null(strstr((char *)b.data, "|WARNING|4000|MainThread|Failed mini-batch 1, try 1"));
	prs_buf_done(&b);
	world_done(&w);
}

static struct prs_fact reset_fact(uint64_t id, uint64_t count, uint16_t reason, uint64_t time_us)
{
	return (struct prs_fact){ .type = PRS_FACT_RESET,
		                  .time_us = time_us,
		                  .u.reset = { .unit = { .id = id }, .count = count, .reason = reason } };
}

/* RESET takes results back; failed_items.jsonl goes away when all is mended; the second DONE of an id does not
 * count. */
static void test_reset(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	struct prs_fact facts[] = { head(1, 0, 0, T(0, 0)),
		                    planned(T(0, 1), 300, 600, true),
		                    done(0, 1, 0, 1, 0, T(1, 0)),
		                    done(0, 1, 0, 1, 2, T(1, 10)),
		                    failed_try(1, 1, 0, 1, T(2, 0), PRS_ERUN_EXCEPTION, "x", 0),
		                    { .type = PRS_FACT_FAILED,
		                      .time_us = T(2, 10),
		                      .u.failed = { .unit = { .id = 1 }, .items = 2, .code = PRS_ERUN_EXCEPTION } },
		                    state(T(3, 0), PRS_JOB_RUNNING, PRS_JOB_FAILED, PRS_EALLOWED_FAILED_COUNT,
		                          "too many") };
	append(&w, 1, facts, sizeof facts / sizeof facts[0]);
	save(&w, 1);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	catch_up(r, &w, 1, 0);
	finish(r);
	struct prs_buf b = get_file(w.dir, "failed_items.jsonl");
	assert_string_equal((char *)b.data,
	                    "{\"mini_batch\":0,\"missing\":2,\"total\":2}\n"
	                    "{\"path\":\"/in/"
	                    "2.txt\",\"mini_batch\":1,\"tries\":1,\"error\":\"RUN_EXCEPTION\",\"message\":\"x\"}\n"
	                    "{\"path\":\"/in/"
	                    "3.txt\",\"mini_batch\":1,\"tries\":1,\"error\":\"RUN_EXCEPTION\",\"message\":\"x\"}\n");
	prs_buf_done(&b);
	b = get_file(w.dir, "logs/events.jsonl");
	assert_non_null(strstr((char *)b.data, ",\"cpu_us\":1000,\"counts\":false}\n"));
	assert_non_null(strstr((char *)b.data,
	                       "\"done\":1,\"failed\":1,\"items\":600,\"items_succeeded\":0,\"items_failed\":4}\n"));
	prs_buf_done(&b);
	struct prs_fact again[] = { reset_fact(1, 1, PRS_RESET_RETRY_FAILED, T(4, 0)),
		                    reset_fact(0, 1, PRS_RESET_BAD_RANGE, T(4, 1)), done(0, 2, 0, 1, 2, T(5, 0)),
		                    done(1, 1, 0, 1, 2, T(5, 10)),
		                    state(T(6, 0), PRS_JOB_ASSEMBLING, PRS_JOB_COMPLETED, 0, "") };
	append(&w, 1, again, sizeof again / sizeof again[0]);
	save(&w, 1);
	catch_up(r, &w, 1, 0);
	finish(r);
	prs_report_free(r);
	b = get_file(w.dir, "logs/events.jsonl");
	assert_non_null(strstr((char *)b.data,
	                       "\"done\":2,\"failed\":0,\"items\":600,\"items_succeeded\":4,\"items_failed\":0}\n"));
	prs_buf_done(&b);
	char path[4096];
	snprintf(path, sizeof path, "%s/failed_items.jsonl", w.dir);
	assert_int_equal(access(path, F_OK), -1);
	world_done(&w);
}

static struct prs_fact split_fact(struct prs_unit u, uint64_t time_us)
{
	return (struct prs_fact){ .type = PRS_FACT_SPLIT, .time_us = time_us, .u.split = { .unit = u, .parts = 2 } };
}

static struct prs_fact of_part(struct prs_fact f, struct prs_unit u)
{
	if (f.type == PRS_FACT_DONE)
		f.u.done.unit = u;
	else
		f.u.try_.unit = u;
	return f;
}

/* Mini-batches of two items are split: 0 has one bad item, 1 none after all, 2 a bad and a missing one, 3 is still at
 * it, then begins anew. */
static void test_split(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	const struct prs_unit a = { 0, 0, 1 }, b = { 0, 1, 1 };
#define P(number, k) ((struct prs_unit){ number, k, 1 })
#define BAD(number, k, at)                                            \
	{                                                             \
		.type = PRS_FACT_FAILED, .time_us = at, .u.failed = { \
			.unit = { number, k, 1 },                     \
			.items = 1,                                   \
			.code = PRS_ERUN_CRASH                        \
		}                                                     \
	}
	struct prs_fact facts[] = { head(1, 0, 0, T(0, 0)),
		                    planned(T(0, 1), 300, 600, true),
		                    failed_try(0, 1, 0, 1, T(2, 0), PRS_ERUN_EXCEPTION, "whole", 0),
		                    split_fact((struct prs_unit){ 0, 0, 0 }, T(2, 1)),
		                    of_part(done(0, 1, 0, 1, 1, T(3, 0)), b),
		                    of_part(failed_try(0, 1, 0, 1, T(3, 1), PRS_ERUN_CRASH, "alone", 0), a),
		                    BAD(0, 0, T(3, 2)),
		                    split_fact((struct prs_unit){ 1, 0, 0 }, T(4, 1)),
		                    of_part(done(1, 1, 0, 1, 1, T(4, 2)), P(1, 1)),
		                    of_part(done(1, 1, 0, 1, 1, T(4, 3)), P(1, 0)),
		                    split_fact((struct prs_unit){ 2, 0, 0 }, T(5, 1)),
		                    BAD(2, 0, T(5, 2)),
		                    of_part(done(2, 1, 0, 1, 0, T(5, 3)), P(2, 1)),
		                    split_fact((struct prs_unit){ 3, 0, 0 }, T(6, 1)),
		                    of_part(done(3, 1, 0, 1, 1, T(6, 2)), P(3, 1)),
		                    state(T(7, 0), PRS_JOB_RUNNING, PRS_JOB_FAILED, PRS_EALLOWED_FAILED_COUNT,
		                          "too many") };
	append(&w, 1, facts, sizeof facts / sizeof facts[0]);
	save(&w, 1);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	catch_up(r, &w, 1, 0);
	finish(r);
	struct prs_buf buf = get_file(w.dir, "failed_items.jsonl");
#define CRASH "\"error\":\"RUN_CRASH\",\"message\":"
	assert_non_null(strstr((char *)buf.data,
	                       "\"mini_batch\":0,\"item_first\":0,\"item_count\":1,\"tries\":1," CRASH "\"alone\"}\n"));
	assert_null(strstr((char *)buf.data, "\"mini_batch\":1"));
	assert_non_null(
		strstr((char *)buf.data, "\"mini_batch\":2,\"item_first\":0,\"item_count\":1,\"tries\":0," CRASH));
	assert_non_null(strstr((char *)buf.data, "\n{\"mini_batch\":2,\"missing\":1,\"total\":2}\n"));
	assert_null(strstr((char *)buf.data, "\"mini_batch\":3"));
	prs_buf_done(&buf);
	buf = get_file(w.dir, "logs/events.jsonl");
	assert_non_null(strstr((char *)buf.data,
	                       "\"done\":1,\"failed\":2,\"items\":600,\"items_succeeded\":4,\"items_failed\":3}\n"));
	prs_buf_done(&buf);
	struct prs_fact again[] = { reset_fact(0, 4, PRS_RESET_RETRY_FAILED, T(8, 0)),
		                    done(0, 2, 0, 1, 2, T(9, 0)),
		                    done(1, 1, 0, 1, 2, T(9, 1)),
		                    done(2, 1, 0, 1, 2, T(9, 2)),
		                    done(3, 1, 0, 1, 2, T(9, 10)),
		                    state(T(10, 0), PRS_JOB_ASSEMBLING, PRS_JOB_COMPLETED, 0, "") };
	append(&w, 1, again, sizeof again / sizeof again[0]);
	save(&w, 1);
	catch_up(r, &w, 1, 0);
	finish(r);
	prs_report_free(r);
	buf = get_file(w.dir, "logs/events.jsonl");
	assert_non_null(strstr((char *)buf.data,
	                       "\"done\":4,\"failed\":0,\"items\":600,\"items_succeeded\":8,\"items_failed\":0}\n"));
	prs_buf_done(&buf);
	char path[4096];
	snprintf(path, sizeof path, "%s/failed_items.jsonl", w.dir);
	assert_int_equal(access(path, F_OK), -1);
	world_done(&w);
}

/* A mini-batch that fails for another reason than its last try: the reason is named, the last traceback kept. An id
 * without a try; a part. */
static void test_other_cause(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	struct prs_fact facts[] = { head(1, 0, 0, T(0, 0)),
		                    planned(T(0, 1), 5, 9, true),
		                    failed_try(0, 1, 0, 1, T(2, 0), PRS_ERUN_EXCEPTION, "x", 9),
		                    { .type = PRS_FACT_FAILED,
		                      .time_us = T(2, 10),
		                      .u.failed = { .unit = { .id = 0 }, .items = 2, .code = PRS_ENODE_POISON } },
		                    { .type = PRS_FACT_FAILED,
		                      .time_us = T(2, 10),
		                      .u.failed = { .unit = { .id = 4 }, .items = 1, .code = PRS_ENODE_POISON } },
		                    { .type = PRS_FACT_FAILED,
		                      .time_us = T(2, 10),
		                      .u.failed = { .unit = { 12, 3, 1 }, .items = 1, .code = PRS_ENODE_POISON } },
		                    { .type = PRS_FACT_FAILED,
		                      .time_us = T(2, 10),
		                      .u.failed = { .unit = { 12, 1, 1 }, .items = 1, .code = PRS_ENODE_POISON } } };
	append(&w, 1, facts, sizeof facts / sizeof facts[0]);
	save(&w, 1);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	catch_up(r, &w, 1, 0);
	finish(r);
	prs_report_free(r);
	struct prs_buf b = get_file(w.dir, "failed_items.jsonl");
#define WHY                                                                                                      \
	"\"error\":\"NODE_POISON\",\"message\":\"the machine or its container went down three times while this " \
	"mini-batch ran, and nothing else was finished\""
#define TRACE ",\"traceback\":\"user/error/127.0.0.1/process000.txt\",\"traceback_offset\":0,\"traceback_bytes\":9"
	assert_string_equal((char *)b.data,
	                    "{\"path\":\"/in/0.txt\",\"mini_batch\":0,\"tries\":1," WHY TRACE "}\n"
	                    "{\"path\":\"/in/1.txt\",\"mini_batch\":0,\"tries\":1," WHY TRACE "}\n"
	                    "{\"path\":\"/in/8.txt\",\"mini_batch\":4,\"tries\":0," WHY "}\n"
	                    "{\"path\":\"/in/8.txt\",\"mini_batch\":12,\"item_first\":1,\"item_count\":1,"
	                    "\"tries\":0," WHY "}\n"
	                    "{\"path\":\"/in/8.txt\",\"mini_batch\":12,\"item_first\":3,\"item_count\":1,"
	                    "\"tries\":0," WHY "}\n");
	prs_buf_done(&b);
	world_done(&w);
}

/* The address becomes a folder and a CSV field: nothing in it may need a quote or lead elsewhere. */
static void test_odd_address(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	struct prs_fact up = node_up(T(0, 1));
	up.u.node.address = (struct prs_text)TEXT("../a,\"b\nc");
	struct prs_fact facts[] = { head(1, 0, 0, T(0, 0)), up, planned(T(0, 1), 5, 9, true),
		                    done(4, 1, 0, 1, 1, T(1, 0)) };
	append(&w, 1, facts, sizeof facts / sizeof facts[0]);
	save(&w, 1);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	catch_up(r, &w, 1, 0);
	finish(r);
	prs_report_free(r);
	struct prs_buf b = get_file(w.dir, outputs[4]);
	assert_non_null(strstr((char *)b.data, "\n4,1,_._a__b_c,process000,2026"));
	prs_buf_done(&b);
	b = get_file(w.dir, "logs/sys/node/_._a__b_c/process000.txt");
	assert_true(b.len > 0);
	prs_buf_done(&b);
	world_done(&w);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static const char *json_value(const char *p);

static const char *json_string(const char *p)
{
	assert_int_equal(*p, '"');
	for (p++; *p != '"'; p++) {
		assert_true((unsigned char)*p >= 0x20);
		if (*p != '\\')
			continue;
		p++;
		assert_non_null(strchr("\"\\/bfnrtu", *p));
		for (int i = 0; *p == 'u' && i < 4; i++)
			assert_non_null(strchr("0123456789abcdef", p[1 + i]));
	}
	return p + 1;
}

static const char *json_list(const char *p, char close)
{
	if (*++p == close)
		return p + 1;
	for (;; p++) {
		if (close == '}') {
			p = json_string(p);
			assert_int_equal(*p++, ':');
		}
		p = json_value(p);
		if (*p == close)
			return p + 1;
		assert_int_equal(*p, ',');
	}
}

static const char *json_value(const char *p)
{
	if (*p == '"')
		return json_string(p);
	if (*p == '{' || *p == '[')
		return json_list(p, *p == '{' ? '}' : ']');
	if (strncmp(p, "true", 4) == 0)
		return p + 4;
	if (strncmp(p, "false", 5) == 0)
		return p + 5;
	assert_true(*p >= '0' && *p <= '9');
	return p + strspn(p, "0123456789");
}

static void test_json_parses(void **context)
{
	(void)context;
	struct world w;
	world_init(&w);
	tell(&w);
	play(&w, 0);
	const char *const files[] = { "logs/events.jsonl", "failed_items.jsonl" };
	for (size_t i = 0; i < 2; i++) {
		struct prs_buf b = get_file(w.dir, files[i]);
		const char *p = (const char *)b.data;
		unsigned lines = 0;
		for (; *p; p++, lines++) {
			if (i == 0)
				assert_memory_equal(p, "{\"type\":\"", 9);
			p = json_value(p);
			assert_int_equal(*p, '\n');
		}
		assert_true(lines >= 3);
		prs_buf_done(&b);
	}
	world_done(&w);
}

/* Many facts: pieces of 64 KiB, large short counts, many failed units. */
static void test_many(void **context)
{
	(void)context;
	enum { N = 20000 };
	struct world w;
	world_init(&w);
	struct prs_fact *facts = calloc(2 * N + 2, sizeof *facts);
	size_t n = 0;
	facts[n++] = head(1, 0, 0, T(0, 0));
	facts[n++] = planned(T(0, 1), N, 2 * N, true);
	for (uint64_t id = 0; id < N; id++) {
		if (id % 4 == 3) {
			facts[n++] = failed_try(id, 1, (uint16_t)(id % 2), 1, T(1, id), PRS_ERUN_EXCEPTION,
			                        "KeyError: 5", 0);
			facts[n++] = (struct prs_fact){ .type = PRS_FACT_FAILED,
				                        .time_us = T(1, id),
				                        .u.failed = { .unit = { .id = id }, .items = 2, .code = 100 } };
		} else {
			facts[n++] = done(id, 1, (uint16_t)(id % 2), 1, id % 4 == 2 ? 1 : 2, T(1, id));
		}
	}
	for (size_t at = 0; at < n; at += 1000)
		append(&w, 1, facts + at, n - at < 1000 ? n - at : 1000);
	free(facts);
	save(&w, 1);
	struct prs_report *r = start(&w, PRS_LOG_INFO, NULL);
	unsigned long before = fault.writes, bytes = fault.bytes;
	catch_up(r, &w, 1, 777);
	assert_true(fault.writes > before && (fault.bytes - bytes) / (fault.writes - before) >= 64 << 10);
	finish(r);
	prs_report_free(r);
	struct prs_buf b = get_file(w.dir, "failed_items.jsonl");
	size_t lines = 0;
	for (size_t i = 0; i < b.len; i++)
		lines += b.data[i] == '\n';
	assert_int_equal(lines, N / 4 * 2 + N / 4); /* two for each failed mini-batch, one for each short one */
	prs_buf_done(&b);
	world_done(&w);
}

/* ---- docs/logs.md ------------------------------------------------------------------------------------------------ */

static void assert_in(const struct prs_buf *docs, const char *word, size_t n)
{
	char quoted[256];
	snprintf(quoted, sizeof quoted, "`%.*s`", (int)n, word);
	if (!strstr((const char *)docs->data, quoted))
		fail_msg("docs/logs.md does not name %s", quoted);
}

/* Every log, column, event type and key is described. */
static void test_docs(void **context)
{
	(void)context;
	struct world w;
	struct prs_buf docs = get_file(PRS_SOURCE_ROOT, "docs/logs.md");
	assert_true(docs.len > 0);
#define PRS_LOG(id, path, kind, what) assert_in(&docs, path, strlen(path));
#define PRS_LOG_COLUMN(id, column, meaning, value) assert_in(&docs, column, strlen(column));
#include "report/logs.def"
	world_init(&w);
	tell(&w);
	play(&w, 0);
	const char *const files[] = { "logs/events.jsonl", "failed_items.jsonl" };
	for (size_t i = 0; i < 2; i++) {
		struct prs_buf b = get_file(w.dir, files[i]);
		for (const char *p = (char *)b.data; (p = strstr(p, "\":")); p++) { /* the word in front is a key */
			const char *from = p;
			while (from[-1] != '"')
				from--;
			if (from[-2] == '{' || from[-2] == ',')
				assert_in(&docs, from, (size_t)(p - from));
			if (strncmp(from, "type", 4) == 0)
				assert_in(&docs, p + 3, strcspn(p + 3, "\""));
		}
		prs_buf_done(&b);
	}
	const char *const others[] = { "node_down", "mini_batch_failed", "reset",           "split", "step",
		                       "finished",  "published",         "setting_changed", "lost" };
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_in(&docs, others[i], strlen(others[i]));
	prs_buf_done(&docs);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_story),          cmocka_unit_test(test_finish_again),
		cmocka_unit_test(test_event_callback), cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_first_error),    cmocka_unit_test(test_level_warning),
		cmocka_unit_test(test_reset),          cmocka_unit_test(test_split),
		cmocka_unit_test(test_other_cause),    cmocka_unit_test(test_odd_address),
		cmocka_unit_test(test_json_parses),    cmocka_unit_test(test_many),
		cmocka_unit_test(test_docs),           cmocka_unit_test(test_an_estimate_beyond_all_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
