/* SPDX-License-Identifier: Apache-2.0
 * test_screen: what goes to stderr and stdout while a job runs, in the job's own time: no terminal, quiet, JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/screen.h"
#include "wire/states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct screen s;
static FILE *out;
static int kept[2];

/* stdout and stderr into one file; what cmocka prints waits. */
static void begin(bool json, bool quiet)
{
	fflush(NULL);
	out = tmpfile();
	assert_non_null(out);
	for (int i = 0; i < 2; i++) {
		kept[i] = dup(i + 1);
		dup2(fileno(out), i + 1);
	}
	screen_init(&s, json, quiet);
}

static const char *end(void)
{
	static char text[65536];
	fflush(NULL);
	screen_done(&s);
	for (int i = 0; i < 2; i++) {
		dup2(kept[i], i + 1);
		close(kept[i]);
	}
	rewind(out);
	text[fread(text, 1, sizeof text - 1, out)] = 0;
	fclose(out);
	return text;
}

static void at(double seconds, uint64_t done)
{
	struct prs_progress p = { .elapsed_us = (uint64_t)(seconds * 1e6),
		                  .planned_all = true,
		                  .items = 100,
		                  .items_final = done,
		                  .processes = 2,
		                  .busy = 2 };
	screen_progress(&s, &p);
}

/* ---- without a terminal ------------------------------------------------------------------------------------------ */

static void test_a_line_every_ten_seconds(void **state)
{
	(void)state;
	begin(false, false);
	for (int tenths = 0; tenths <= 350; tenths++)
		at(tenths / 10.0, (uint64_t)tenths / 10);
	assert_string_equal(end(), "[###...........................]  10%  10/100 items  0:10  busy 2/2\n"
	                           "[######........................]  20%  20/100 items  0:20  busy 2/2\n"
	                           "[#########.....................]  30%  30/100 items  0:30  busy 2/2\n");
}

/* An engine that stood still says so once, and goes on every 10 s from there. */
static void test_after_a_gap(void **state)
{
	(void)state;
	begin(false, false);
	at(1, 1);
	at(95, 2);
	at(96, 3);
	at(104.9, 4);
	at(105, 5);
	const char *text = end();
	assert_non_null(strstr(text, "  2/100"));
	assert_null(strstr(text, "  3/100"));
	assert_null(strstr(text, "  4/100"));
	assert_non_null(strstr(text, "  5/100"));
}

static void test_quiet(void **state)
{
	(void)state;
	begin(false, true);
	at(10, 1);
	screen_say(&s, "stopping");
	screen_warn(&s, "something is odd");
	screen_event(&s, "{}", 2);
	screen_error(&s, "mini-batch 1, try 1, process000", "Traceback", 9);
	assert_string_equal(end(), "");
	begin(false, true);
	screen_warn(&s, "something is odd"); /* nothing is lost */
	struct prs_err err;
	prs_fail(&err, PRS_EBUSY, "in use");
	screen_end(&s, &(struct prs_engine_end){ .exit_code = 2 }, "logs", 2, &err);
	assert_string_equal(end(), "warning: something is odd\nprs: in use\n");
}

static void test_json(void **state)
{
	(void)state;
	begin(true, false);
	at(10, 1);
	screen_say(&s, "stopping");
	screen_error(&s, "mini-batch 1, try 1", "Traceback", 9);
	screen_event(&s, "{\"type\":\"x\"}", 12);
	struct prs_engine_end e = { .result = { .state = PRS_JOB_FAILED,
		                                .code = PRS_EERROR_THRESHOLD,
		                                .text = "too \"many\"\n",
		                                .run_name = "a",
		                                .run_dir = "/r/a",
		                                .mini_batches = 3,
		                                .done = 1,
		                                .failed = 2,
		                                .busy = -1,
		                                .wall_us = 5 } };
	screen_end(&s, &e, "logs", 1, NULL);
	assert_string_equal(end(),
	                    "{\"type\":\"x\"}\n"
	                    "{\"type\":\"end\",\"result\":\"failed\",\"exit\":1,\"run\":\"a\",\"dir\":\"/r/"
	                    "a\",\"mini_batches\":3,\"done\":1,\"failed\":2,\"items\":0,"
	                    "\"items_succeeded\":0,\"items_failed\":0,\"items_missing\":0,\"rows\":0,"
	                           "\"wall_us\":5,\"error\":"
	                    "\"ERROR_THRESHOLD\",\"cause\":\"too \\\"many\\\"\\n\"}\n");
	begin(true, false);
	struct prs_err err;
	prs_fail(&err, PRS_EBUSY, "in use");
	screen_end(&s, &e, "logs", 2, &err);
	assert_string_equal(end(), "{\"type\":\"end\",\"result\":\"error\",\"exit\":2,\"error\":\"BUSY\",\"cause\":"
	                           "\"in use\"}\n");
}

/* ---- the first error --------------------------------------------------------------------------------------------- */

static void test_error_names_the_users_file(void **state)
{
	(void)state;
	static const char trace[] = "Traceback\n  File \"/r/a/work/code/s.py\", line 1\n  File "
				    "\"/r/a/work/code/p/q.py\", line 2\nE: /r/a/work/other\n";
	begin(false, false);
	s.copied = "/r/a/work/code";
	s.original = "/home/me";
	s.run_name = "a";
	screen_error(&s, "mini-batch 17, try 1, process000", trace, sizeof trace - 1);
	assert_string_equal(end(), "The script failed: mini-batch 17, try 1, process000\n"
	                           "    Traceback\n"
	                           "      File \"/home/me/s.py\", line 1\n"
	                           "      File \"/home/me/p/q.py\", line 2\n"
	                           "    E: /r/a/work/other\n"
	                           "    prs replay a 17 --pdb runs it again, in the debugger\n");
	begin(false, false);
	screen_error(&s, "init(), process000", "T", 1);
	assert_string_equal(end(), "The script failed: init(), process000\n    T\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_line_every_ten_seconds),
		                            cmocka_unit_test(test_after_a_gap), cmocka_unit_test(test_quiet),
		                            cmocka_unit_test(test_json),
		                            cmocka_unit_test(test_error_names_the_users_file) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
