/* SPDX-License-Identifier: Apache-2.0
 * test_console: the screens as a person sees them, byte for byte; the live line in every width; nothing drives the
 * terminal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "report/console.h"
#include "wire/states.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct prs_buf screen;

static int setup(void **state)
{
	(void)state;
	prs_buf_init(&screen, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	prs_buf_done(&screen);
	return 0;
}

static const char *shown(void) { return prs_buf_str(&screen); }

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static void test_numbers(void **context)
{
	(void)context;
	static const struct {
		uint64_t v;
		const char *count, *duration;
	} cases[] = {
		{ 0, "0", "0:00" },
		{ 7, "7", "0:07" },
		{ 999, "999", "16:39" },
		{ 1000, "1,000", "16:40" },
		{ 3599, "3,599", "59:59" },
		{ 3600, "3,600", "1:00:00" },
		{ 3725, "3,725", "1:02:05" },
		{ 1234567, "1,234,567", "342:56:07" },
		{ UINT64_C(18446744073709), "18,446,744,073,709", "5,124,095,576:01:49" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		prs_buf_clear(&screen);
		prs_put_count(&screen, cases[i].v);
		assert_string_equal(shown(), cases[i].count);
		prs_buf_clear(&screen);
		prs_put_duration(&screen, cases[i].v * 1000000);
		assert_string_equal(shown(), cases[i].duration);
	}
}

/* ---- the live line ----------------------------------------------------------------------------------------------- */

static const struct prs_progress running = { .elapsed_us = 20000000,
	                                     .planned_all = true,
	                                     .mini_batches = 4000,
	                                     .done = 1000,
	                                     .items = 40000,
	                                     .items_final = 10000,
	                                     .estimate = { .rate = 500, .left_known = true, .left_us = 60000000 },
	                                     .busy = 3,
	                                     .processes = 4 };

static const struct prs_look plain_look, color_look = { .color = true };

static void test_live_line(void **context)
{
	(void)context;
	struct prs_progress p = running;
	struct {
		unsigned columns;
		const char *line;
	} cases[] = {
		{ 0, "[#######.......................]  25%  10,000/40,000 items  500/s  0:20  ETA 1:00  busy 3/4" },
		{ 120, "[#######.......................]  25%  10,000/40,000 items  500/s  0:20  ETA 1:00  busy 3/4" },
		{ 80, "[####...............]  25%  10,000/40,000 items  500/s  0:20  ETA 1:00  busy 3/4" },
		{ 71, "[##........]  25%  10,000/40,000 items  500/s  0:20  ETA 1:00  busy 3/4" },
		{ 70, "[###............]  25%  10,000/40,000  500/s  0:20  ETA 1:00  busy 3/4" },
		{ 64, "[####...............]  25%  10,000/40,000  500/s  0:20  ETA 1:00" },
		{ 50, "[##.........]  25%  10,000/40,000  500/s  ETA 1:00" },
		{ 42, "[##........]  25%  10,000/40,000  ETA 1:00" },
		{ 40, " 25%  10,000/40,000  ETA 1:00" },
		{ 23, "10,000/40,000  ETA 1:00" },
		{ 13, "10,000/40,000" },
		{ 3, "10," },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		prs_buf_clear(&screen);
		prs_console_progress(&screen, &p, cases[i].columns, &plain_look);
		assert_string_equal(shown(), cases[i].line);
	}
	p.planned_all = false;
	p.failed = 2;
	p.items_failed = 20;
	p.starting = 1;
	p.note = "draining";
	prs_buf_clear(&screen);
	prs_console_progress(&screen, &p, 0, &plain_look);
	assert_string_equal(shown(), "[#######.......................]  10,000/>=40,000 items  failed 20  draining  "
	                             "500/s  0:20  ETA >=1:00  busy 3/4 (1 starting)");
	p = (struct prs_progress){ .processes = 4, .starting = 4 };
	prs_buf_clear(&screen);
	prs_console_progress(&screen, &p, 80, &plain_look);
	assert_string_equal(shown(), "[..............................]  0/>=0 items  0:00  busy 0/4 (4 starting)");
	p = (struct prs_progress){ .planned_all = true,
		                   .elapsed_us = 3725000000,
		                   .items = 1,
		                   .items_final = 1,
		                   .items_failed = 1,
		                   .note = "assembling" };
	prs_buf_clear(&screen);
	prs_console_progress(&screen, &p, 80, &plain_look);
	assert_string_equal(shown(), "[##############################] 100%  1/1 item  failed 1  assembling  1:02:05");
	/* nearly all is not all */
	p = (struct prs_progress){ .planned_all = true, .items = 100000, .items_final = 99999 };
	prs_buf_clear(&screen);
	prs_console_progress(&screen, &p, 80, &plain_look);
	assert_string_equal(shown(), "[#############################.]  99%  99,999/100,000 items  0:00");
}

/* Where the terminal has more than ASCII: eighths of a cell. */
static void test_smooth_bar(void **context)
{
	(void)context;
	static const struct {
		uint64_t final;
		const char *bar;
	} cases[] = { { 0, "[          ]" },  { 1, "[▏         ]" },  { 4, "[▌         ]" },  { 8, "[█         ]" },
		      { 15, "[█▉        ]" }, { 79, "[█████████▉]" }, { 80, "[██████████]" }, { 90, "[██████████]" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prs_progress p = { .items = 80, .items_final = cases[i].final };
		prs_buf_clear(&screen);
		prs_console_progress(&screen, &p, 26 + (cases[i].final >= 10), &(struct prs_look){ .utf8 = true });
		assert_memory_equal(shown(), cases[i].bar, strlen(cases[i].bar));
	}
}

static unsigned visible(const char *s)
{
	unsigned n = 0;
	for (; *s; s++) {
		if (*s == '\033')
			s += strcspn(s, "m");
		else
			n += ((uint8_t)*s & 0xc0) != 0x80;
	}
	return n;
}

/* Whatever is known, the line fits; colour changes no character of it; the count is the last part to go. */
static void test_live_line_fits(void **context)
{
	(void)context;
	static const double rates[] = { 0, 123456.7, 0.0001, 123456.7 };
	static const char *const counts[] = { "5/", "1,", "5/", "1," };
	for (unsigned what = 0; what < 512; what++) {
		struct prs_progress p = { .planned_all = what & 1,
			                  .items = what & 2 ? 1234567890 : 12,
			                  .items_final = what & 4 ? 1234567 : 5,
			                  .items_failed = what & 16 ? 7 : 0,
			                  .estimate = { .rate = rates[what >> 5 & 3],
			                                .left_known = what & 8,
			                                .left_us = UINT64_C(3600000000000) },
			                  .processes = what & 128 ? 256 : 0,
			                  .busy = 200,
			                  .starting = what & 64 ? 3 : 0,
			                  .note = what & 256 ? "assembling" : NULL };
		for (unsigned columns = 1; columns < 200; columns++) {
			prs_buf_clear(&screen);
			prs_console_progress(&screen, &p, columns, &plain_look);
			assert_true(visible(shown()) <= columns);
			assert_null(strchr(shown(), '\n'));
			assert_null(strchr(shown(), '\033'));
			char plain[256];
			snprintf(plain, sizeof plain, "%s", shown());
			prs_buf_clear(&screen);
			prs_console_progress(&screen, &p, columns, &color_look);
			assert_int_equal(visible(shown()), strlen(plain));
			prs_buf_clear(&screen);
			prs_console_progress(&screen, &p, columns, &(struct prs_look){ true, true });
			assert_int_equal(visible(shown()), strlen(plain));
			if (columns >= 80)
				assert_non_null(strstr(plain, counts[what >> 2 & 3]));
		}
	}
	struct prs_progress odd = { .mini_batches = 10, .items_final = 20, .estimate = { .rate = INFINITY } };
	prs_buf_clear(&screen);
	prs_console_progress(&screen, &odd, 80, &color_look);
	odd.estimate.rate = NAN;
	prs_console_progress(&screen, &odd, 80, &color_look);
	assert_null(strstr(shown(), "inf"));
	assert_null(strstr(shown(), "nan"));
}

/* ---- head -------------------------------------------------------------------------------------------------------- */

static void test_start(void **context)
{
	(void)context;
	const char *inputs[] = { "./images", "./mo\x1bre" };
	const char *warnings[] = { "2 files are not readable" };
	struct prs_console_head h = { .run_name = "digits-20260102-030405-abc",
		                      .run_dir = "runs/digits-20260102-030405-abc",
		                      .script = "score.py",
		                      .python = "/usr/bin/python3",
		                      .python_why = "first on PATH",
		                      .inputs = inputs,
		                      .inputs_n = 2,
		                      .processes = 2 };
	prs_console_start(&screen, &h, false);
	assert_string_equal(shown(),
	                    "digits-20260102-030405-abc in runs\n"
	                    "  score.py on ./images, ./mo\\x1bre; 2 processes of /usr/bin/python3 (first on PATH)\n");
	prs_buf_clear(&screen);
	h.run_dir = "/elsewhere/x";
	h.python = NULL;
	h.inputs_n = 1;
	h.processes = 1;
	h.warnings = warnings;
	h.warnings_n = 1;
	h.resumed = true;
	h.resumed_done = 1;
	prs_console_start(&screen, &h, false);
	assert_non_null(strstr(shown(), ", goes on: 1 mini-batch done\n"));
	prs_buf_clear(&screen);
	h.resumed_done = 1200;
	h.resumed_total = 2000;
	prs_console_start(&screen, &h, false);
	assert_string_equal(shown(),
	                    "digits-20260102-030405-abc in /elsewhere/x, goes on: 1,200 of 2,000 mini-batches done\n"
	                    "  score.py on ./images; 1 process\n"
	                    "  warning: 2 files are not readable\n");
}

/* ---- end --------------------------------------------------------------------------------------------------------- */

static const struct prs_result good = { .state = PRS_JOB_COMPLETED,
	                                .run_name = "a",
	                                .run_dir = "runs/a",
	                                .output = "scores.txt",
	                                .mini_batches = 1800,
	                                .done = 1800,
	                                .items = 18000,
	                                .items_succeeded = 18000,
	                                .rows = 18000,
	                                .output_bytes = 252000,
	                                .wall_us = 12340000,
	                                .done_now = 1800,
	                                .items_now = 18000,
	                                .busy = 0.966 };

static void test_end_completed(void **context)
{
	(void)context;
	struct prs_result r = good;
	prs_console_end(&screen, &r, "runs/a/logs", false);
	assert_string_equal(shown(), "Completed: 1,800 mini-batches, 18,000 items in 12.3 s, 1,459 items/s, busy 97%\n"
	                             "  output        scores.txt (18,000 rows, 252.0 kB)\n"
	                             "  logs          runs/a/logs\n");
	prs_buf_clear(&screen);
	r.failed = 1;
	r.done = 1799;
	r.items_failed = 10;
	r.items_succeeded = r.items_now = 17990;
	r.busy = -1;
	r.wall_us = 3725000000;
	r.next_command = "prs resume a --retry-failed";
	r.kinds[0] = (struct prs_error_kind){ 1200, .code = PRS_ERUN_EXCEPTION, .message = "ValueError: \x1b[2Jx" };
	r.kinds[1] = (struct prs_error_kind){ 1, .code = PRS_ERUN_TIMEOUT, .message = "too long" };
	r.kinds_n = 2;
	r.kinds_more = 1;
	prs_console_end(&screen, &r, "runs/a/logs", false);
	assert_string_equal(shown(),
	                    "Completed, with failures: 1,799 mini-batches, 17,990 items in 1:02:05, 4.8 items/s\n"
	                    "  failed        1 mini-batch, 10 items\n"
	                    "  errors        1,200 x RUN_EXCEPTION: ValueError: \\x1b[2Jx\n"
	                    "                1 x RUN_TIMEOUT: too long\n"
	                    "                1 other kind: logs/user/error.txt\n"
	                    "  output        scores.txt (18,000 rows, 252.0 kB)\n"
	                    "  failed items  runs/a/failed_items.jsonl\n"
	                    "  logs          runs/a/logs\n"
	                    "  next          prs resume a --retry-failed\n");
}

/* Items of lives before took none of the time; mini-batches need not be of one size. */
static void test_end_resumed(void **context)
{
	(void)context;
	struct prs_result r = good;
	r.done_now = 10;
	r.items_now = 2468;
	prs_console_end(&screen, &r, "runs/a/logs", false);
	assert_memory_equal(shown(),
	                    "Completed: 1,800 mini-batches, 18,000 items, 2,468 of them in 12.3 s, 200 items/s, "
	                    "busy 97%\n",
	                    91);
}

/* What has no row and no error did not fail. */
static void test_end_missing(void **context)
{
	(void)context;
	struct prs_result r = good;
	r.items_succeeded = r.items_now = 17999;
	r.items_failed = r.items_missing = 1;
	prs_console_end(&screen, &r, "runs/a/logs", false);
	assert_string_equal(shown(), "Completed: 1,800 mini-batches, 17,999 items in 12.3 s, 1,459 items/s, busy 97%\n"
	                             "  without a row 1 item: run() returned fewer results than it got items "
	                             "(failed_items.jsonl)\n"
	                             "  output        scores.txt (18,000 rows, 252.0 kB)\n"
	                             "  logs          runs/a/logs\n");
}

/* The traceback begins within the first five lines, then the cause, then, last, what to type. */
static void test_end_failed(void **context)
{
	(void)context;
	struct prs_result r = good;
	r.state = PRS_JOB_FAILED;
	r.code = PRS_EERROR_THRESHOLD;
	r.done = 3;
	r.failed = 2;
	r.items_succeeded = r.items_now = 30;
	r.items_failed = 20;
	r.output = NULL;
	r.trace = "Traceback (most recent call last):\n  File \"score.py\", line 3, in run\nValueError: \x1b[2Jx\n\n";
	r.next_command = "prs resume a --retry-failed";
	prs_console_end(&screen, &r, "runs/a/logs", false);
	assert_string_equal(shown(), "The script failed\n"
	                             "    Traceback (most recent call last):\n"
	                             "      File \"score.py\", line 3, in run\n"
	                             "    ValueError: \\x1b[2Jx\n"
	                             "Failed: more items failed than error_threshold allows\n"
	                             "  mini-batches  3 of 1,800 done, 2 failed\n"
	                             "  items         30 of 18,000 succeeded, 20 failed\n"
	                             "  time          12.3 s, 2.4 items/s, busy 97%\n"
	                             "  failed items  runs/a/failed_items.jsonl\n"
	                             "  logs          runs/a/logs\n"
	                             "  next          prs resume a --retry-failed\n");
	prs_buf_clear(&screen);
	r.trace = NULL;
	r.text = "2 of 5 mini-batches failed";
	prs_console_end(&screen, &r, "runs/a/logs", false);
	assert_memory_equal(shown(), "Failed: 2 of 5 mini-batches failed\n", 35);
	prs_buf_clear(&screen);
	r.state = PRS_JOB_CANCELED;
	r.text = NULL;
	r.code = PRS_ECANCELED;
	prs_console_end(&screen, &r, "runs/a/logs", false);
	assert_memory_equal(shown(), "Canceled: canceled\n", 19);
}

static void test_end_interrupted(void **context)
{
	(void)context;
	struct prs_result r = good;
	r.state = PRS_JOB_INTERRUPTED;
	r.code = PRS_ENOSPACE;
	r.text = "no space left on the disk of runs/a";
	r.done = 900;
	r.next_command = "prs resume a";
	prs_console_end(&screen, &r, "runs/a/logs", false);
	assert_string_equal(shown(), "Interrupted: 900 of 1,800 mini-batches done, nothing is lost\n"
	                             "  cause         no space left on the disk of runs/a\n"
	                             "  logs          runs/a/logs\n"
	                             "  next          prs resume a\n");
}

/* What a person sees first when init() fails: head, one warning, where, and the traceback is on line 5. */
static void test_first_five_lines(void **context)
{
	(void)context;
	const char *inputs[] = { "a", "b", "c" };
	const char *warnings[] = { "something" };
	struct prs_console_head h = { .run_name = "a",
		                      .run_dir = "runs/a",
		                      .script = "score.py",
		                      .inputs = inputs,
		                      .inputs_n = 3,
		                      .processes = 2,
		                      .warnings = warnings,
		                      .warnings_n = 1 };
	static const char trace[] = "Traceback (most recent call last):\nRuntimeError: no model\n";
	prs_console_start(&screen, &h, false);
	prs_console_error(&screen, "init(), process000 on 127.0.0.1", trace, sizeof trace - 1, false);
	const char *line = shown();
	for (int i = 1; i < 5; i++)
		line = strchr(line, '\n') + 1;
	assert_memory_equal(line, "    Traceback (most recent call last):\n", 39);
}

static void test_long_traceback(void **context)
{
	(void)context;
	char trace[4096];
	size_t n = 0;
	for (int i = 1; i <= 100; i++)
		n += (size_t)snprintf(trace + n, sizeof trace - n, "line %d\n", i);
	prs_console_error(&screen, "run()", trace, n, false);
	assert_memory_equal(shown(),
	                    "The script failed: run()\n    line 1\n    ... 76 lines\n    line 78\n    line 79\n", 77);
	assert_string_equal(strstr(shown(), "    line 99\n"), "    line 99\n    line 100\n");
	prs_buf_clear(&screen);
	prs_console_error(&screen, "mini-batch 1, try 1, process001", "mini-batch 1, try 1\nTraceback\n", 30, false);
	assert_string_equal(shown(), "The script failed: mini-batch 1, try 1, process001\n    Traceback\n");
	prs_buf_clear(&screen);
	prs_console_error(&screen, NULL, "", 0, false);
	assert_string_equal(shown(), "The script failed\n");
}

/* NO_COLOR: the program passes color = false; then no screen holds an escape; with it, the visible text is the same. */
static void test_color(void **context)
{
	(void)context;
	struct prs_result r = good;
	prs_console_end(&screen, &r, "logs", true);
	assert_memory_equal(shown(), "\033[32mCompleted\033[0m: ", 20);
	for (int state = PRS_JOB_COMPLETED; state <= PRS_JOB_CANCELED; state++) {
		r.state = state;
		r.trace = "T\x1b[31m";
		prs_buf_clear(&screen);
		prs_console_end(&screen, &r, "logs", false);
		unsigned plain = visible(shown());
		assert_null(strchr(shown(), '\033'));
		prs_buf_clear(&screen);
		prs_console_end(&screen, &r, "logs", true);
		assert_int_equal(visible(shown()), plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_live_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_smooth_bar, setup, teardown),
		cmocka_unit_test_setup_teardown(test_live_line_fits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_completed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_resumed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_failed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_interrupted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_five_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_traceback, setup, teardown),
		cmocka_unit_test_setup_teardown(test_color, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
