/* SPDX-License-Identifier: Apache-2.0
 * test_helper: a process that is asked in frames: its answers, its silence, its death. A shell script stands in for the
 * program that launches it; its word is what happens.
 */
#include "io/helper.h"

#include "io/process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAME_MAX = 1 << 20 };
#define DEADLINE_US UINT64_C(120000000)

/* $1 _worker, $5 the word: see the cases below. */
static const char launcher[] = "#!/bin/sh\n"
			       "frame() { printf '\\00'$1'\\000\\000\\000'\"$2\" >&3; }\n"
			       "case $6 in\n"
			       "answer) frame 5 hello; head -c 9 <&3 >seen; frame 3 bye; exec cat <&3 >/dev/null;;\n"
			       "words) echo 'to stdout'; echo 'to stderr' >&2; exit 3;;\n"
			       "half) printf '\\005\\000\\000\\000he' >&3; kill -9 $$;;\n"
			       "closed) exec 3>&-; exec tail -f /dev/null;;\n"
			       "child) tail -f /dev/null & echo $! >child; kill -9 $$;;\n"
			       "large) printf '\\001\\000\\000\\001' >&3; exec tail -f /dev/null;;\n"
			       "what) echo \"$1 $4 $5 $PWD $V\" >&2; exec tail -f /dev/null;;\n"
			       "*) exec tail -f /dev/null;;\n"
			       "esac\n";

struct world {
	char dir[64], program[96], log[96];
	struct prs_helper h;
	struct prs_buf frame;
	struct prs_err err;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	strcpy(w->dir, "/tmp/prs-helper-XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	snprintf(w->program, sizeof w->program, "%s/launcher", w->dir);
	snprintf(w->log, sizeof w->log, "%s/log", w->dir);
	int fd = open(w->program, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, launcher, sizeof launcher - 1), sizeof launcher - 1);
	close(fd);
	prs_buf_init(&w->frame, FRAME_MAX);
	prs_helper_init(&w->h);
	prs_spawn_setup();
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[128];
	prs_helper_end(&w->h);
	prs_buf_done(&w->frame);
	snprintf(command, sizeof command, "rm -rf %s", w->dir);
	int r = system(command);
	free(w);
	return r;
}

static void start(struct world *w, const char *word)
{
	char *envp[] = { (char *)(uintptr_t) "V=of the job", (char *)(uintptr_t) "PATH=/usr/bin:/bin", NULL };
	struct prs_helper_start s = { .name = "the helper",
		                      .program = w->program,
		                      .python = "/a/python",
		                      .loader = "/a/loader.py",
		                      .task = word,
		                      .envp = envp,
		                      .cwd = w->dir,
		                      .log = w->log };
	assert_int_equal(prs_helper_start(&w->h, &s, &w->err), 0);
}

static const char *text_of(const struct world *w, const char *name)
{
	static char text[512];
	char path[128];
	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = 0;
	close(fd);
	return text;
}

static int receive(struct world *w, uint64_t timeout_us)
{
	w->err = (struct prs_err){ 0 };
	return prs_helper_receive(&w->h, &w->frame, timeout_us, &w->err);
}

static void test_answers(void **state)
{
	struct world *w = *state;
	start(w, "answer");
	assert_int_equal(receive(w, 0), 0);
	assert_string_equal(prs_buf_str(&w->frame), "hello");
	assert_int_equal(prs_helper_send(&w->h,
	                                 "\5\0\0\0"
	                                 "abcde",
	                                 9, DEADLINE_US, &w->err),
	                 0);
	assert_int_equal(receive(w, DEADLINE_US), 0);
	assert_string_equal(prs_buf_str(&w->frame), "bye");
	assert_memory_equal(text_of(w, "seen"),
	                    "\5\0\0\0"
	                    "abcde",
	                    9);
}

/* Behind the launcher: Python, loader, task; the folder and the variables of the job. */
static void test_what_it_starts_with(void **state)
{
	struct world *w = *state;
	char want[256];
	start(w, "what");
	snprintf(want, sizeof want, "_worker /a/python /a/loader.py %s of the job\n", w->dir);
	for (int i = 0; i < 120000 && !*text_of(w, "log"); i++)
		usleep(1000);
	assert_string_equal(text_of(w, "log"), want);
}

/* More than the socket holds, to somebody who reads nothing: neither side waits for ever. */
static void test_silence(void **state)
{
	struct world *w = *state;
	static char much[8 << 20];
	start(w, "silent");
	assert_int_equal(receive(w, 20000), -PRS_EHELPER);
	assert_non_null(strstr(w->err.msg, "the helper did not answer for 0.02 s: its words are in "));
	assert_int_equal(prs_helper_send(&w->h, much, sizeof much, 20000, &w->err), -PRS_EHELPER);
	assert_non_null(strstr(w->err.msg, "the helper did not answer for 0.02 s: its words are in "));
}

static void test_ends(void **state)
{
	static const struct {
		const char *word, *how;
	} cases[] = { { "words", "ended with status 3" },
		      { "half", "was ended by signal 9 (Killed)" },
		      { "closed", "has closed its socket" },
		      { "child", "was ended by signal 9 (Killed)" } };
	struct world *w = *state;
	char want[256];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		start(w, cases[i].word);
		assert_int_equal(receive(w, DEADLINE_US), -PRS_EHELPER);
		snprintf(want, sizeof want, "the helper %s: its last words are in %s", cases[i].how, w->log);
		/* An end of the stream may be seen before the death that it is of. */
		if (!strstr(w->err.msg, "has closed its socket"))
			assert_string_equal(w->err.msg, want);
		prs_helper_end(&w->h);
		assert_int_equal(w->h.pid, 0);
	}
	assert_string_equal(text_of(w, "log"), "to stdout\nto stderr\n");
	kill(atoi(text_of(w, "child")), SIGKILL);
}

/* A process that is gone is no reason to die of SIGPIPE. */
static void test_sends_to_the_dead(void **state)
{
	struct world *w = *state;
	start(w, "words");
	assert_int_equal(receive(w, DEADLINE_US), -PRS_EHELPER);
	assert_int_equal(prs_helper_send(&w->h, "abc", 3, DEADLINE_US, &w->err), -PRS_EHELPER);
}

static void test_no_frame(void **state)
{
	struct world *w = *state;
	start(w, "large");
	assert_int_equal(receive(w, DEADLINE_US), -PRS_EHELPER);
	assert_non_null(strstr(w->err.msg, "announces 16777217 bytes"));
}

static void test_is_killed(void **state)
{
	struct world *w = *state;
	start(w, "silent");
	int pid = w->h.pid;
	prs_helper_kill(&w->h);
	assert_int_equal(receive(w, DEADLINE_US), -PRS_EHELPER);
	prs_helper_end(&w->h);
	assert_int_equal(kill(pid, 0), -1);
	prs_helper_end(&w->h); /* once more is nothing */
}

static void test_cannot_be_started(void **state)
{
	struct world *w = *state;
	char *none[] = { NULL };
	struct prs_helper_start s = { .name = "the helper",
		                      .program = "/nothing/there",
		                      .python = "p",
		                      .loader = "l",
		                      .task = "t",
		                      .envp = none,
		                      .cwd = w->dir,
		                      .log = w->log };
	assert_int_equal(prs_helper_start(&w->h, &s, &w->err), -PRS_ESPAWN);
	assert_int_equal(w->h.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_it_starts_with, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sends_to_the_dead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(test_is_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cannot_be_started, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
