/* SPDX-License-Identifier: Apache-2.0
 * test_ctl: the engine's socket: lines and answers, deep folders, stale sockets, clients that misbehave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[4096];
static struct prs_loop *loop;
static struct prs_ctl *ctl;
static struct prs_err err;
static char asked[8192];
static size_t reply_bytes;

/* Echoes; "big" answers with reply_bytes of x. */
static void on_line(void *ctx, const char *line, struct prs_buf *reply)
{
	(void)ctx;
	snprintf(asked, sizeof asked, "%s", line);
	if (strcmp(line, "big") != 0) {
		prs_buf_putf(reply, "<%s>", line);
		return;
	}
	for (size_t i = 0; i < reply_bytes; i++)
		prs_buf_putc(reply, 'x');
}

/* A folder whose path is longer than the 108 bytes of a socket's. */
static int setup(void **state)
{
	(void)state;
	char name[101];
	memset(name, 'd', 100);
	name[100] = 0;
	snprintf(folder, sizeof folder, "/tmp/prs-ctl-XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		strcat(folder, "/");
		strcat(folder, name);
		assert_int_equal(mkdir(folder, 0755), 0);
	}
	loop = prs_loop_new(&err);
	assert_non_null(loop);
	ctl = prs_ctl_new(loop, folder, on_line, NULL, &err);
	if (!ctl)
		fail_msg("%s", err.msg);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	prs_ctl_free(ctl);
	prs_loop_free(loop);
	for (int i = 0; i < 3; i++) {
		rmdir(folder);
		char *slash = strrchr(folder, '/');
		if (slash)
			*slash = 0;
	}
	return 0;
}

/* ---- a client in its own thread, the loop in this one ------------------------------------------------------------ */

struct asking {
	const char *line;
	struct prs_buf reply;
	struct prs_err err;
	int r;
	struct prs_wake *done;
};

static void *client(void *ctx)
{
	struct asking *a = ctx;
	a->r = prs_ctl_ask(folder, a->line, &a->reply, &a->err);
	prs_wake_send(a->done);
	return NULL;
}

static void stop(void *ctx)
{
	(void)ctx;
	prs_loop_stop(loop);
}

static int ask(const char *line, struct asking *a)
{
	pthread_t thread;
	*a = (struct asking){ .line = line, .done = prs_wake_new(loop, stop, NULL, &err) };
	prs_buf_init(&a->reply, 64 << 20);
	assert_int_equal(pthread_create(&thread, NULL, client, a), 0);
	prs_loop_run(loop);
	pthread_join(thread, NULL);
	prs_wake_free(a->done);
	return a->r;
}

static void expect(const char *line, const char *reply)
{
	struct asking a;
	if (ask(line, &a) != 0)
		fail_msg("%s", a.err.msg);
	assert_string_equal(prs_buf_str(&a.reply), reply);
	prs_buf_done(&a.reply);
}

/* A client by hand. */
static int connect_raw(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int dir = open(folder, O_PATH), fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/ctl", dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	close(dir);
	return fd;
}

/* Turns of the loop until everything that is there was handled. */
static void turn(void) { expect("turn", "<turn>"); }

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void test_lines(void **state)
{
	(void)state;
	struct stat st;
	char path[4200];
	expect("hello", "<hello>");
	expect("", "<>");
	expect("{\"cmd\": \"gr\xc3\xb6\xc3\x9f"
	       "e\"}",
	       "<{\"cmd\": \"gr\xc3\xb6\xc3\x9f"
	       "e\"}>");
	snprintf(path, sizeof path, "%s/ctl", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_many_lines_of_one_client(void **state)
{
	(void)state;
	char got[64];
	int fd = connect_raw();
	assert_int_equal(write(fd, "a\nb\nc", 5), 5); /* two and a half */
	turn();
	assert_int_equal(read(fd, got, sizeof got), 8);
	assert_memory_equal(got, "<a>\n<b>\n", 8);
	assert_int_equal(write(fd, "\n", 1), 1);
	turn();
	assert_int_equal(read(fd, got, sizeof got), 4);
	assert_memory_equal(got, "<c>\n", 4);
	close(fd);
	turn();
}

static void test_large_answer(void **state)
{
	(void)state;
	struct asking a;
	reply_bytes = 10 << 20; /* more than any socket buffer */
	assert_int_equal(ask("big", &a), 0);
	assert_int_equal(a.reply.len, reply_bytes);
	prs_buf_done(&a.reply);
	reply_bytes = 17 << 20; /* more than an answer may have: the client is let go, the engine lives */
	assert_int_equal(ask("big", &a), -PRS_ENOTFOUND);
	prs_buf_done(&a.reply);
	expect("still", "<still>");
}

static void test_line_without_end(void **state)
{
	(void)state;
	char line[9000];
	int fd = connect_raw();
	memset(line, 'x', sizeof line);
	assert_int_equal(write(fd, line, sizeof line), sizeof line);
	turn();
	turn();
	assert_int_equal(recv(fd, line, sizeof line, MSG_DONTWAIT) > 0, 0);
	assert_int_not_equal(errno, EAGAIN); /* closed */
	close(fd);
	expect("still", "<still>");
}

/* A client that asks and never reads costs no memory without end, and does not hold the others back. */
static void test_client_that_does_not_read(void **state)
{
	(void)state;
	reply_bytes = 1 << 20;
	int fd = connect_raw();
	assert_int_equal(write(fd, "big\nbig\nbig\n", 12), 12);
	turn();
	expect("other", "<other>");
	close(fd);
	turn();
}

static void test_the_oldest_client_goes(void **state)
{
	(void)state;
	int fd[20];
	char c;
	for (int i = 0; i < 20; i++) {
		fd[i] = connect_raw();
		turn();
	}
	assert_int_equal(recv(fd[0], &c, 1, MSG_DONTWAIT), 0);
	assert_int_equal(write(fd[19], "me\n", 3), 3);
	turn();
	assert_int_equal(recv(fd[19], &c, 1, MSG_DONTWAIT), 1);
	for (int i = 0; i < 20; i++)
		close(fd[i]);
	turn();
}

static void test_nobody_listens(void **state)
{
	(void)state;
	struct prs_buf reply;
	prs_buf_init(&reply, 1024);
	int dir = open(folder, O_PATH);
	prs_ctl_free(ctl);
	ctl = NULL;
	assert_int_not_equal(faccessat(dir, "ctl", F_OK, 0), 0); /* it took its socket away */
	assert_int_equal(prs_ctl_ask(folder, "x", &reply, &err), -PRS_ENOTFOUND);
	/* what a killed engine leaves: a socket that nobody accepts at */
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d/ctl", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
	close(fd);
	assert_int_equal(prs_ctl_ask(folder, "x", &reply, &err), -PRS_ENOTFOUND);
	ctl = prs_ctl_new(loop, folder, on_line, NULL, &err);
	assert_non_null(ctl);
	expect("again", "<again>");
	close(dir);
	prs_buf_done(&reply);
}

/* A takeover: the engine that was there first leaves the socket of the second alone. */
static void test_second_engine(void **state)
{
	(void)state;
	struct prs_ctl *second = prs_ctl_new(loop, folder, on_line, NULL, &err);
	assert_non_null(second);
	prs_ctl_free(ctl);
	ctl = second;
	expect("second", "<second>");
}

static void test_no_folder(void **state)
{
	(void)state;
	assert_null(prs_ctl_new(loop, "/nowhere", on_line, NULL, &err));
	assert_non_null(strstr(err.msg, "/nowhere"));
	assert_int_not_equal(prs_ctl_ask("/nowhere", "x", &(struct prs_buf){ .max = 10 }, &err), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_lines),
		                            T(test_many_lines_of_one_client),
		                            T(test_large_answer),
		                            T(test_line_without_end),
		                            T(test_client_that_does_not_read),
		                            T(test_the_oldest_client_goes),
		                            T(test_nobody_listens),
		                            T(test_second_engine),
		                            T(test_no_folder) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
