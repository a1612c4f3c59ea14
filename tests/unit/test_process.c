/* SPDX-License-Identifier: Apache-2.0
 * test_process: starting, watching, killing and reaping processes; the lock of the run folder.
 */
#include "io/lock.h"
#include "io/process.h"
#include "io/strays.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 120000 };

struct world {
	char dir[64], out[96], errors[96];
};

static int setup(void **state)
{
	static struct world w;
	strcpy(w.dir, "/tmp/prs-process-XXXXXX");
	*state = &w;
	if (!mkdtemp(w.dir))
		return -1;
	snprintf(w.out, sizeof w.out, "%s/out", w.dir);
	snprintf(w.errors, sizeof w.errors, "%s/errors", w.dir);
	prs_spawn_setup();
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;
	prs_strays_of_engine();
	return nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *read_text(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

/* A shell with that script; its pid. */
static int start(struct world *w, const char *script, char *const *envp, const int *fds, unsigned fds_n, int *ret_pidfd)
{
	static char *const none[] = { NULL };
	char *argv[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)script, NULL };
	struct prs_spawn s = { .program = "/bin/sh",
		               .argv = argv,
		               .envp = envp ? envp : none,
		               .cwd = w->dir,
		               .stdout_path = w->out,
		               .stderr_path = w->errors,
		               .fds = fds,
		               .fds_n = fds_n };
	int pid = 0;
	assert_int_equal(prs_spawn(&s, &pid, ret_pidfd, NULL), 0);
	assert_true(pid > 1 && *ret_pidfd >= 0);
	return pid;
}

static uint32_t wait_for_end(int pid, int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	uint32_t status = 0;
	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
	assert_true(prs_reap(pid, &status));
	close(pidfd);
	return status;
}

/* Until the file holds text; what it holds. */
static const char *wait_for_text(const char *path)
{
	for (int i = 0; i < DEADLINE_MS && !strchr(read_text(path), '\n'); i++)
		usleep(1000);
	return read_text(path);
}

static bool lives(int pid) { return kill(pid, 0) == 0; }

/* ---- starting ---------------------------------------------------------------------------------------------------- */

static void test_what_a_process_starts_with(void **state)
{
	struct world *w = *state;
	char *envp[] = { (char *)(uintptr_t) "ONLY=this", NULL };
	char text[PATH_MAX + 64];
	int pipes[2][2], pidfd;
	assert_int_equal(pipe2(pipes[0], O_CLOEXEC) | pipe2(pipes[1], O_CLOEXEC), 0);
	const int fds[] = { pipes[0][1], pipes[1][1] };
	assert_int_equal(fcntl(pipes[0][0], F_DUPFD_CLOEXEC, 200), 200);
	int pid = start(w,
	                "echo $ONLY; pwd; read x || echo empty; echo 3 >&3; echo 4 >&4; test -e /proc/self/fd/200 && "
	                "echo inherited; echo bad >&2; exit 7",
	                envp, fds, 2, &pidfd);
	assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	uint32_t status = wait_for_end(pid, pidfd);
	close(200);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	snprintf(text, sizeof text, "this\n%s\nempty\n", w->dir);
	assert_string_equal(read_text(w->out), text);
	assert_string_equal(read_text(w->errors), "bad\n");
	for (int i = 0; i < 2; i++) {
		char got[4] = "";
		assert_int_equal(read(pipes[i][0], got, 2), 2);
		assert_string_equal(got, i ? "4\n" : "3\n");
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

static void test_output_is_appended(void **state)
{
	struct world *w = *state;
	int pidfd;
	for (int i = 0; i < 2; i++) {
		int pid = start(w, "echo line", NULL, NULL, 0, &pidfd);
		wait_for_end(pid, pidfd);
	}
	assert_string_equal(read_text(w->out), "line\nline\n");
}

/* A session of its own, signals as if nobody had touched them. */
static void test_session_and_signals(void **state)
{
	struct world *w = *state;
	sigset_t blocked;
	int pidfd;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGINT, SIG_IGN);
	int pid = start(w, "grep -E '^Sig(Blk|Ign)' /proc/self/status; exec sleep 1000", NULL, NULL, 0, &pidfd);
	for (int i = 0; i < DEADLINE_MS && !strstr(read_text(w->out), "SigIgn"); i++)
		usleep(1000);
	unsigned long long blocked_there = 1, ignored_there = 1;
	assert_int_equal(sscanf(read_text(w->out), "SigBlk: %llx SigIgn: %llx", &blocked_there, &ignored_there), 2);
	assert_int_equal(blocked_there, 0);
	assert_int_equal(ignored_there & 0x7fffffff, 0); /* the C library has two of its own behind these */
	assert_int_equal(getsid(pid), pid);
	uint32_t status = 0;
	assert_false(prs_reap(pid, &status)); /* lives */
	prs_signal_worker(pid, SIGTERM);
	status = wait_for_end(pid, pidfd);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
}

/* Seen by a program that is no shell: shells begin with an empty mask. */
static void test_signals_that_are_blocked_here(void **state)
{
	struct world *w = *state;
	char *argv[] = { (char *)(uintptr_t) "grep", (char *)(uintptr_t) "SigBlk",
		         (char *)(uintptr_t) "/proc/self/status", NULL },
	     *envp[] = { NULL };
	const struct prs_spawn s = { .program = "/bin/grep",
		                     .argv = argv,
		                     .envp = envp,
		                     .stdout_path = w->out,
		                     .stderr_path = w->errors };
	sigset_t blocked;
	int pid, pidfd;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	assert_int_equal(prs_spawn(&s, &pid, &pidfd, NULL), 0);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	assert_int_equal(wait_for_end(pid, pidfd), 0);
	assert_string_equal(read_text(w->out), "SigBlk:\t0000000000000000\n");
}

static void test_a_signal_for_all_of_a_session(void **state)
{
	struct world *w = *state;
	int pidfd;
	int pid = start(w, "trap '' TERM; (trap - TERM; echo ready; exec sleep 1000) & wait $!; echo $?", NULL, NULL, 0,
	                &pidfd);
	wait_for_text(w->out);
	prs_signal_worker(pid, SIGTERM);
	wait_for_end(pid, pidfd);
	const char *text = read_text(w->out);
	assert_non_null(strstr(text, "\n143\n")); /* the process itself ignored it */
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_what_cannot_be_started(void **state)
{
	struct world *w = *state;
	char *argv[] = { (char *)(uintptr_t) "x", NULL }, *envp[] = { NULL };
	const int closed[] = { 999 }, fine[] = { 0 };
	char link[112], fifo[112];
	snprintf(link, sizeof link, "%s/link", w->dir);
	snprintf(fifo, sizeof fifo, "%s/fifo", w->dir);
	assert_int_equal(symlink("nowhere", link) | mkfifo(fifo, 0600), 0);
	unsigned before = open_descriptors();
	const struct prs_spawn bad[] = {
		{ .program = "/no/such/program",
		  .argv = argv,
		  .envp = envp,
		  .stdout_path = w->out,
		  .stderr_path = w->errors,
		  .fds = fine,
		  .fds_n = 1 },
		{ .program = "/bin/true",
		  .argv = argv,
		  .envp = envp,
		  .stdout_path = "/no/such/folder/out",
		  .stderr_path = w->errors },
		{ .program = "/bin/true", .argv = argv, .envp = envp, .stdout_path = link, .stderr_path = w->errors },
		{ .program = "/bin/true", .argv = argv, .envp = envp, .stdout_path = w->out, .stderr_path = fifo },
		{ .program = "/bin/true",
		  .argv = argv,
		  .envp = envp,
		  .stdout_path = w->out,
		  .stderr_path = w->errors,
		  .cwd = "/no/such/folder" },
		{ .program = "/bin/true",
		  .argv = argv,
		  .envp = envp,
		  .stdout_path = w->out,
		  .stderr_path = w->errors,
		  .fds = closed,
		  .fds_n = 1 },
		{ .program = "/bin/true",
		  .argv = argv,
		  .envp = envp,
		  .stdout_path = w->out,
		  .stderr_path = w->errors,
		  .fds = fine,
		  .fds_n = 99 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct prs_err err = { 0 };
		int pid = -7, pidfd = -7;
		assert_int_equal(prs_spawn(&bad[i], &pid, &pidfd, &err), -PRS_ESPAWN);
		assert_true(err.msg[0] && pid == -7 && pidfd == -7);
	}
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child was left */
}

static void test_capture(void **state)
{
	(void)state;
	char to[16], c[] = "-c", sh[] = "sh";
	char ok[] = "printf 'two\nlines\n\n'; echo noise >&2", bad[] = "echo x; exit 3", nothing[] = "true",
	     much[] = "echo 0123456789abcdefghij", killed[] = "kill -9 $$";
	char *argv[] = { sh, c, ok, NULL }, none[] = "no-such-program-anywhere", *missing[] = { none, NULL };
	struct prs_err err = { 0 };
	assert_int_equal(prs_capture(argv, to, sizeof to, &err), 0);
	assert_string_equal(to, "two\nlines");
	char *const scripts[] = { bad, nothing, killed };
	for (int i = 0; i < 3; i++) {
		argv[2] = scripts[i];
		assert_int_equal(prs_capture(argv, to, sizeof to, &err), -PRS_ESPAWN);
	}
	argv[2] = much;
	(void)prs_capture(argv, to, sizeof to, &err);
	assert_int_equal(strlen(to), 15); /* what fits */
	static char large[200000];
	char more_than_a_pipe_holds[] = "head -c 150000 /dev/zero | tr '\\0' x";
	argv[2] = more_than_a_pipe_holds;
	assert_int_equal(prs_capture(argv, large, sizeof large, &err), 0);
	assert_int_equal(strlen(large), 150000);
	assert_int_equal(prs_capture(missing, to, sizeof to, &err), -PRS_ESPAWN);
	assert_non_null(strstr(err.msg, none));
}

static void test_end_process_takes_the_group(void **state)
{
	struct world *w = *state;
	int pidfd;
	int pid = start(w, "sleep 1000 & echo $!; wait", NULL, NULL, 0, &pidfd);
	int child = atoi(wait_for_text(w->out));
	prs_end_process(pid);
	close(pidfd);
	assert_false(lives(pid)); /* reaped */
	for (int i = 0; i < DEADLINE_MS && lives(child); i++) {
		waitpid(child, NULL, WNOHANG); /* ours now: we are the subreaper */
		usleep(1000);
	}
	assert_false(lives(child));
}

/* Two that ended at once: each is asked for by its own number. */
static void test_each_has_its_own_end(void **state)
{
	struct world *w = *state;
	int fds[2], pids[2];
	pids[0] = start(w, "exit 3", NULL, NULL, 0, &fds[0]);
	pids[1] = start(w, "exit 4", NULL, NULL, 0, &fds[1]);
	for (int i = 0; i < 2; i++) {
		struct pollfd p = { .fd = fds[i], .events = POLLIN };
		assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
	}
	uint32_t second = wait_for_end(pids[1], fds[1]), first = wait_for_end(pids[0], fds[0]);
	assert_int_equal(WEXITSTATUS(second), 4);
	assert_int_equal(WEXITSTATUS(first), 3);
}

/* Ours is as high as may be; what it was is known. (In a process of its own: a soft limit below the hard one.) */
static void test_descriptor_limit(void **state)
{
	(void)state;
	struct rlimit r;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	assert_true(r.rlim_cur == r.rlim_max);
	if (fork() == 0) {
		struct rlimit low = { r.rlim_max / 2, r.rlim_max };
		setrlimit(RLIMIT_NOFILE, &low);
		prs_spawn_setup();
		getrlimit(RLIMIT_NOFILE, &r);
		_exit(r.rlim_cur == r.rlim_max && prs_old_nofile() == low.rlim_cur ? 0 : 1);
	}
	int status;
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
}

/* ---- lock -------------------------------------------------------------------------------------------------------- */

static void test_lock_ends_with_its_process(void **state)
{
	struct world *w = *state;
	char path[96];
	int ready[2];
	snprintf(path, sizeof path, "%s/lock", w->dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int own = open(path, O_RDWR | O_CLOEXEC);
		_exit(prs_lock_take(own) && write(ready[1], "x", 1) == 1 ? pause() : 1);
	}
	char c;
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_true(prs_lock_held(fd));
	assert_false(prs_lock_take(fd));
	assert_true(errno == EAGAIN || errno == EACCES);
	prs_end_process(pid);
	assert_false(prs_lock_held(fd));
	assert_true(prs_lock_take(fd));
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_what_a_process_starts_with),
		T(test_output_is_appended),
		T(test_session_and_signals),
		T(test_signals_that_are_blocked_here),
		T(test_a_signal_for_all_of_a_session),
		T(test_what_cannot_be_started),
		T(test_capture),
		T(test_end_process_takes_the_group),
		T(test_each_has_its_own_end),
		T(test_descriptor_limit),
		T(test_lock_ends_with_its_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
