/* SPDX-License-Identifier: Apache-2.0
 * test_strays: what workers and engines leave behind: found, spared, ended, reaped.
 */
#include "io/loop.h"
#include "io/process.h"
#include "io/procid.h"
#include "io/strays.h"
#include "io/trackers.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 120000 };

struct world {
	char dir[64], out[96];
};

static int setup(void **state)
{
	static struct world w;
	strcpy(w.dir, "/tmp/prs-strays-XXXXXX");
	*state = &w;
	if (!mkdtemp(w.dir))
		return -1;
	snprintf(w.out, sizeof w.out, "%s/out", w.dir);
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

static bool lives(int pid)
{
	struct prs_procid p;
	return prs_procid_read(pid, &p) && p.state != 'Z';
}

/* Until the file of the world holds a number; it. */
static int wait_for_number(const struct world *w, const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	for (int i = 0; i < DEADLINE_MS; i++) {
		char text[32] = "";
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
		if (fd >= 0)
			close(fd);
		if (n > 0 && strchr(text, '\n'))
			return atoi(text);
		usleep(1000);
	}
	fail_msg("nothing in %s", path);
	return 0;
}

/* ---- marks ------------------------------------------------------------------------------------------------------- */

static struct prs_run_mark mark(uint64_t ino, uint32_t epoch)
{
	struct prs_run_mark m = { .ino = ino, .epoch = epoch, .incarnation = epoch };
	memcpy(m.run.bytes, &(pid_t){ getpid() }, sizeof(pid_t)); /* this test's own */
	return m;
}

static const char *mark_text(uint64_t ino, uint32_t epoch)
{
	static char texts[2][PRS_RUN_MARK_BYTES];
	static int at;
	char *to = texts[at++ % 2];
	struct prs_run_mark m = mark(ino, epoch);
	prs_run_mark_put(to, &m);
	return to;
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

/* A worker with that shell script; its pid. */
static int start(struct world *w, const char *script, const char *run, int slot, int *ret_pidfd)
{
	char run_text[8 + PRS_RUN_MARK_BYTES], slot_text[32];
	char *envp[] = { run_text, slot_text, (char *)(uintptr_t) "PATH=/usr/bin:/bin", NULL };
	char *argv[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)script, NULL };
	snprintf(run_text, sizeof run_text, "PRS_RUN=%s", run);
	snprintf(slot_text, sizeof slot_text, "PRS_SLOT=%d", slot);
	const struct prs_spawn s = { .program = "/bin/sh",
		                     .argv = argv,
		                     .envp = envp,
		                     .cwd = w->dir,
		                     .stdout_path = w->out,
		                     .stderr_path = w->out };
	int pid = 0;
	assert_int_equal(prs_spawn(&s, &pid, ret_pidfd, NULL), 0);
	return pid;
}

static void wait_for_end(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

/* Only the worker itself dies, and is reaped. */
static void end_alone(int pid, int pidfd)
{
	uint32_t status;
	kill(pid, SIGKILL);
	wait_for_end(pidfd);
	assert_true(prs_reap(pid, &status));
	close(pidfd);
}

/* A process in a session of its own, which the worker that made it leaves behind; its pid. */
static int leave_behind(struct world *w, const char *run, int slot, bool odd)
{
	char script[256], name[32];
	int pidfd;
	snprintf(script, sizeof script, "setsid sh -c '%secho $$ > pid%d; exec sleep 1000' </dev/null & wait",
	         odd ? "trap \"\" TERM INT HUP; " : "", slot);
	int pid = start(w, script, run, slot, &pidfd);
	snprintf(name, sizeof name, "pid%d", slot);
	int stray = wait_for_number(w, name);
	snprintf(script, sizeof script, "%s/%s", w->dir, name);
	unlink(script);
	end_alone(pid, pidfd);
	assert_true(stray != pid && lives(stray));
	return stray;
}

static void test_of_a_slot(void **state)
{
	struct world *w = *state;
	int pidfd, mine = leave_behind(w, mark_text(7, 1), 1, true), other = leave_behind(w, mark_text(7, 1), 2, false),
		   other_run = leave_behind(w, mark_text(77, 1), 1, false),
		   worker = start(w, "exec sleep 1000", mark_text(7, 1), 1, &pidfd);
	assert_int_equal(prs_strays_of_slot(1 << 30, mark_text(7, 1), 1), 1);
	assert_false(lives(mine));
	assert_true(lives(other) && lives(other_run) && lives(worker)); /* the next one of the slot, too */
	assert_int_equal(prs_strays_of_slot(1 << 30, mark_text(7, 1), 1), 0);
	assert_int_equal(prs_strays_of_engine(), 3);
	assert_false(lives(other) || lives(other_run) || lives(worker));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	close(pidfd);
}

/* Without a mark: in the worker's group, in another group of its session. */
static void test_of_a_session(void **state)
{
	struct world *w = *state;
	int pidfd, worker = start(w,
	                          "unset PRS_RUN PRS_SLOT; set -m; (echo $$ > /dev/null; exec sleep 1000) & echo $! > "
	                          "one; set +m; sleep 1000 & echo $! > two; wait",
	                          mark_text(7, 1), 1, &pidfd);
	int one = wait_for_number(w, "one"), two = wait_for_number(w, "two");
	end_alone(worker, pidfd);
	assert_true(lives(one) && lives(two));
	assert_int_equal(prs_strays_of_slot(worker, mark_text(7, 1), 2), 2);
	assert_false(lives(one) || lives(two));
}

/* A resume ends what older epochs of its own folder left: not those of a copy, not those of an epoch that came
 * later. */
static void test_of_a_run(void **state)
{
	struct world *w = *state;
	int older = leave_behind(w, mark_text(7, 1), 1, true), last = leave_behind(w, mark_text(7, 2), 1, false),
	    later = leave_behind(w, mark_text(7, 3), 1, false), copy = leave_behind(w, mark_text(8, 1), 1, false);
	struct prs_run_mark me = mark(7, 3);
	assert_int_equal(prs_strays_of_run(&me, "/no/such/folder"), 2);
	assert_false(lives(older) || lives(last));
	assert_true(lives(later) && lives(copy));
	assert_int_equal(prs_strays_of_run(&me, "/no/such/folder"), 0);
	assert_int_equal(prs_strays_of_engine(), 2);
}

/* ---- without an environment -------------------------------------------------------------------------------------- */

struct odd {
	bool limits, cwd, file, mapped;
	const char *run; /* its PRS_RUN */
};

/* As a worker's child that changed everything but that. */
static int start_odd(const struct world *w, const struct odd *o)
{
	int ready[2];
	char c, path[128];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		snprintf(path, sizeof path, "%s/file", w->dir);
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), score = -1;
		bool ok = fd >= 0 && ftruncate(fd, 4096) == 0 && chdir(o->cwd ? w->dir : "/") == 0;
		if (o->limits) {
			ok = ok && setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) == 0;
			score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
			ok = ok && dprintf(score, "%d", PRS_WORKER_OOM_SCORE) > 0;
		}
		if (o->mapped)
			ok = ok && mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED;
		if (!o->file)
			close(fd);
		char *entry = getenv("PRS_TEST_MARK"); /* in the environment block that the kernel shows */
		memset(entry, 'x', strlen(entry));
		if (o->run)
			memcpy(entry - strlen("PRS_TEST_MARK="), o->run, strlen(o->run) + 1);
		_exit(ok && write(ready[1], "x", 1) == 1 ? pause() : 1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void test_without_an_environment(void **state)
{
	struct world *w = *state;
	char copy[8 + PRS_RUN_MARK_BYTES];
	snprintf(copy, sizeof copy, "PRS_RUN=%s", mark_text(8, 1));
	const struct {
		struct odd o;
		bool killed;
	} rows[] = {
		{ { .limits = true, .cwd = true }, true },
		{ { .limits = true, .file = true }, true },
		{ { .limits = true, .mapped = true }, true },
		{ { .limits = true }, false },
		{ { .cwd = true, .file = true }, false }, /* a shell, an editor, tail -f */
		{ { .limits = true, .cwd = true, .run = copy }, false },
	};
	struct prs_run_mark me = mark(7, 2);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int pid = start_odd(w, &rows[i].o);
		assert_int_equal(prs_strays_of_run(&me, w->dir), rows[i].killed);
		assert_int_equal(lives(pid), !rows[i].killed);
		prs_strays_of_engine();
	}
}

/* ---- trackers ---------------------------------------------------------------------------------------------------- */

#define TRACKER(word, script) "sh -c \"from " word " import main 2>/dev/null; " script "\""

/* It waits for the end of everything that has the fifo open, as the real ones do. */
static void test_a_tracker_outlives_the_others(void **state)
{
	struct world *w = *state;
	static const char script[] = "mkfifo fifo; exec 4<>fifo; " TRACKER(
		"multiprocessing.resource_tracker",
		"exec 5<fifo 4<&-; echo \\$\\$ > tracker; cat <&5 >/dev/null; echo 1 > cleaned") //
		" & sleep 1000 & echo $! > other; wait";
	int pidfd, worker = start(w, script, mark_text(7, 1), 1, &pidfd);
	int tracker = wait_for_number(w, "tracker"), other = wait_for_number(w, "other");
	assert_true(prs_is_tracker(tracker));
	assert_false(prs_is_tracker(other) || prs_is_tracker(worker));
	prs_signal_worker(worker, SIGKILL);
	wait_for_end(pidfd);
	uint32_t status;
	assert_true(prs_reap(worker, &status) && status == SIGKILL);
	close(pidfd);
	prs_strays_of_slot(worker, mark_text(7, 1), 1);
	assert_false(lives(other));
	assert_int_equal(wait_for_number(w, "cleaned"), 1);
	prs_trackers_end();
	prs_reap_orphans();
	assert_false(lives(tracker));
	assert_int_equal(prs_trackers_look(prs_clock_us()), UINT64_MAX);
}

/* Whoever starts one and dies at once has forked, but the child may not yet have got to its exec. */
static void test_a_tracker_that_is_being_started(void **state)
{
	(void)state;
	bool seen = false;
	for (int i = 0; i < 100 && !seen; i++) { /* on a loaded machine it may be late */
		pid_t pid = fork();
		if (pid == 0) {
			usleep(20000);
			execl("/bin/sh", "sh", "-c", "from x.resource_tracker import main 2>/dev/null; sleep 1000",
			      NULL);
		}
		seen = prs_is_tracker(pid);
	}
	assert_true(seen);
	pid_t copy = fork();
	if (copy == 0)
		_exit(pause());
	assert_false(prs_is_tracker(copy)); /* it stays what it is */
}

static void test_a_tracker_that_hangs_is_killed(void **state)
{
	struct world *w = *state;
	int pidfd, worker = start(w,
	                          "mkfifo fifo; " TRACKER(
					  "joblib.externals.loky.backend.resource_tracker",
					  "exec 3<>fifo; trap '' TERM; echo \\$\\$ > tracker; read x <&3") " & "
	                                                                                                   "wait",
	                          mark_text(7, 1), 1, &pidfd);
	int tracker = wait_for_number(w, "tracker");
	end_alone(worker, pidfd);
	prs_strays_of_slot(worker, mark_text(7, 1), 1);
	assert_true(lives(tracker));
	uint64_t due_us = prs_trackers_look(prs_clock_us());
	assert_true(due_us != UINT64_MAX);
	assert_int_equal(prs_trackers_look(due_us - 1), due_us);
	assert_true(lives(tracker));
	assert_int_equal(prs_trackers_look(due_us), UINT64_MAX);
	assert_int_equal(waitpid(tracker, NULL, 0), tracker);
}

/* ---- orphans ----------------------------------------------------------------------------------------------------- */

/* A worker that is dead, too, and stands in front of them, is left to its owner. */
static void test_orphans_are_reaped(void **state)
{
	struct world *w = *state;
	int fd, maker_fd, first = start(w, "exit 3", mark_text(7, 1), 1, &fd),
			  maker = start(w, "(: & echo $! > orphan); (: & echo $! > another); exec sleep 1000",
	                                mark_text(7, 1), 2, &maker_fd);
	int orphan = wait_for_number(w, "orphan"), another = wait_for_number(w, "another");
	wait_for_end(fd);
	for (int i = 0; i < DEADLINE_MS && (kill(orphan, 0) == 0 || kill(another, 0) == 0); i++) {
		prs_reap_orphans();
		usleep(1000);
	}
	assert_true(kill(orphan, 0) < 0 && kill(another, 0) < 0);
	assert_true(prs_is_worker(first) && prs_is_worker(maker));
	uint32_t status;
	assert_true(prs_reap(first, &status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_false(prs_is_worker(first));
	close(fd);
	end_alone(maker, maker_fd);
}

/* Its status is lost: no success. */
static void test_an_end_that_somebody_else_saw(void **state)
{
	struct world *w = *state;
	int fd, pid = start(w, "exit 0", mark_text(7, 1), 1, &fd);
	uint32_t status = 0;
	wait_for_end(fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(prs_reap(pid, &status));
	assert_true(WIFSIGNALED(status));
	close(fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	char room[2 * PRS_RUN_MARK_BYTES];
	memset(room, 'x', sizeof room - 1);
	room[sizeof room - 1] = 0;
	if (argc == 1 && !getenv("PRS_TEST_MARK")) { /* again, with room for a mark and no other entry */
		setenv("PRS_TEST_MARK", room, 1);
		execv("/proc/self/exe", argv);
	}
	const struct CMUnitTest tests[] = {
		T(test_of_a_slot),
		T(test_of_a_session),
		T(test_of_a_run),
		T(test_without_an_environment),
		T(test_a_tracker_outlives_the_others),
		T(test_a_tracker_that_is_being_started),
		T(test_a_tracker_that_hangs_is_killed),
		T(test_orphans_are_reaped),
		T(test_an_end_that_somebody_else_saw),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
