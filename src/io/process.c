/* SPDX-License-Identifier: Apache-2.0
 * process: posix_spawn does all that has to happen between fork and exec: descriptors, folder, session, signals. A
 * child's descriptors are moved out of the way of the numbers they will get first.
 */
#include "io/process.h"

#include "base/mem.h"
#include "io/child.h"
#include "io/fs_posix.h"
#include "io/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HIGH_FD = 16, FDS_MAX = 8, STREAMS = 2, CHILDREN_MAX = 4096 };

static uint64_t old_nofile;
static bool is_batch;

void prs_spawn_setup(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (sched_getscheduler(0) == SCHED_OTHER) {
		static const struct sched_param none;
		is_batch = sched_setscheduler(0, SCHED_BATCH, &none) == 0;
	}
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		old_nofile = r.rlim_cur;
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* How a child is scheduled: as we were before prs_spawn_setup(). */
static short set_policy(posix_spawnattr_t *at)
{
	static const struct sched_param none;
	if (!is_batch)
		return 0;
	posix_spawnattr_setschedpolicy(at, SCHED_OTHER);
	posix_spawnattr_setschedparam(at, &none);
	return POSIX_SPAWN_SETSCHEDULER;
}

uint64_t prs_old_nofile(void) { return old_nofile; }

/* ---- workers and orphans ----------------------------------------------------------------------------------------- */

/* Those of prs_spawn() that are not reaped. */
static struct {
	int *pids;
	unsigned n, cap;
} workers;

bool prs_is_worker(int pid)
{
	for (unsigned i = 0; i < workers.n; i++)
		if (workers.pids[i] == pid)
			return true;
	return false;
}

void prs_forget_workers(void)
{
	prs_freep(&workers.pids);
	workers.n = workers.cap = 0;
}

static int make_room(struct prs_err *err)
{
	if (workers.n < workers.cap)
		return 0;
	unsigned cap = workers.cap ? 2 * workers.cap : 16;
	int *more = prs_realloc(workers.pids, cap * sizeof *more);
	if (!more)
		return prs_fail(err, PRS_ENOMEM, "starting a worker process");
	workers.pids = more;
	workers.cap = cap;
	return 0;
}

static void forget(int pid)
{
	for (unsigned i = 0; i < workers.n; i++)
		if (workers.pids[i] == pid)
			workers.pids[i] = workers.pids[--workers.n];
}

/* A dead worker may stand in front of the others: each of them is asked by its number. */
static void reap_by_number(void)
{
	static int children[CHILDREN_MAX];
	unsigned n = 0;
	prs_children(getpid(), children, &n, CHILDREN_MAX);
	for (unsigned i = 0; i < n; i++)
		if (!prs_is_worker(children[i]))
			waitpid(children[i], NULL, WNOHANG);
}

void prs_reap_orphans(void)
{
	siginfo_t dead = { .si_pid = 0 };
	while (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 && dead.si_pid) {
		if (prs_is_worker(dead.si_pid)) {
			reap_by_number();
			return;
		}
		waitpid(dead.si_pid, NULL, WNOHANG);
		dead.si_pid = 0;
	}
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

static int add_actions(posix_spawn_file_actions_t *a, const struct prs_spawn *s, const int *high)
{
	int r = posix_spawn_file_actions_addopen(a, 0, "/dev/null", O_RDONLY, 0);
	if (r)
		return r;
	for (unsigned i = 0; i < s->fds_n + STREAMS; i++) {
		r = posix_spawn_file_actions_adddup2(a, high[i], 1 + (int)i);
		if (r)
			return r;
	}
	return 0;
}

/* Workers start with default signals and an empty mask, in a session of their own. */
static int set_attributes(posix_spawnattr_t *at)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(at, &none);
	posix_spawnattr_setsigdefault(at, &all);
	return posix_spawnattr_setflags(at, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
	                                            POSIX_SPAWN_SETSID | set_policy(at)));
}

static int start(const struct prs_spawn *s, const int *high, pid_t *ret)
{
	posix_spawn_file_actions_t a;
	posix_spawnattr_t at;
	posix_spawn_file_actions_init(&a);
	posix_spawnattr_init(&at);
	int r = add_actions(&a, s, high);
	if (!r)
		r = set_attributes(&at);
	if (!r)
		r = prs_child_spawn(&(struct prs_child_start){ s->program, s->cwd, s->argv, s->envp }, &a, &at, ret);
	posix_spawn_file_actions_destroy(&a);
	posix_spawnattr_destroy(&at);
	return r;
}

/* Out of the way of the numbers that the child's will get. */
static int move_high(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
	return high < 0 ? -errno : high;
}

/* A stream of the child, opened here, where a failure has a name and a fifo makes nobody wait. */
static int open_stream(const char *path)
{
	int fd = prs_open_own(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd < 0)
		return fd;
	fcntl(fd, F_SETFL, O_APPEND);
	int high = move_high(fd);
	close(fd);
	return high;
}

struct high {
	int fds[STREAMS + FDS_MAX]; /* become 1, 2, 3 ... */
	unsigned n;
};

static int spawn_failed(struct prs_err *err, int errnum, const char *what)
{
	prs_fail_errno(err, errnum, "starting a worker process (%s)", what);
	if (err)
		err->code = -PRS_ESPAWN;
	return -PRS_ESPAWN;
}

static int open_fds(const struct prs_spawn *s, struct high *h, struct prs_err *err)
{
	const char *const streams[STREAMS] = { s->stdout_path, s->stderr_path };
	if (s->fds_n > FDS_MAX)
		return spawn_failed(err, EINVAL, s->program);
	for (unsigned i = 0; i < STREAMS + s->fds_n; i++) {
		int fd = i < STREAMS ? open_stream(streams[i]) : move_high(s->fds[i - STREAMS]);
		if (fd < 0)
			return spawn_failed(err, -fd, i < STREAMS ? streams[i] : s->program);
		h->fds[h->n++] = fd;
	}
	return 0;
}

int prs_spawn(const struct prs_spawn *s, int *ret_pid, int *ret_pidfd, struct prs_err *err)
{
	struct high h = { .n = 0 };
	pid_t pid = 0;
	if (make_room(err) < 0)
		return -PRS_ENOMEM;
	int r = open_fds(s, &h, err);
	if (!r) {
		int e = start(s, h.fds, &pid);
		r = e ? spawn_failed(err, e, s->program) : 0;
	}
	for (unsigned i = 0; i < h.n; i++)
		close(h.fds[i]);
	if (r < 0)
		return r;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		int e = errno;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return prs_fail_errno(err, e, "watching a worker process (pidfd_open)");
	}
	fcntl(pidfd, F_SETFD, FD_CLOEXEC);
	workers.pids[workers.n++] = pid;
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

bool prs_reap(int pid, uint32_t *ret_status)
{
	int st = 0;
	pid_t r;
	do {
		r = waitpid(pid, &st, WNOHANG);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return false;
	forget(pid);
	*ret_status = r < 0 ? SIGKILL : (uint32_t)st;
	return true;
}

void prs_end_process(int pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	forget(pid);
}

int prs_capture(char *const *argv, char *to, size_t bytes, struct prs_err *err)
{
	int pipe_fds[2];
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return prs_fail_errno(err, errno, "pipe");
	posix_spawn_file_actions_t a;
	posix_spawnattr_t at;
	posix_spawnattr_init(&at);
	prs_child_signals(&at, SIG_IGN);
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_addopen(&a, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&a, pipe_fds[1], 1);
	posix_spawn_file_actions_addopen(&a, 2, "/dev/null", O_WRONLY, 0);
	pid_t pid;
	extern char **environ;
	int r = posix_spawnp(&pid, argv[0], &a, &at, argv, environ);
	posix_spawn_file_actions_destroy(&a);
	posix_spawnattr_destroy(&at);
	close(pipe_fds[1]);
	if (r) {
		close(pipe_fds[0]);
		return prs_fail(err, PRS_ESPAWN, "%s: %s", argv[0], strerror(r));
	}
	size_t n = 0;
	ssize_t got;
	while (n + 1 < bytes && ((got = read(pipe_fds[0], to + n, bytes - 1 - n)) > 0 || (got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	close(pipe_fds[0]);
	int st = prs_child_end(pid);
	to[n] = 0;
	while (n && (to[n - 1] == '\n' || to[n - 1] == '\r'))
		to[--n] = 0;
	if (st != 0 || n == 0)
		return prs_fail(err, PRS_ESPAWN, "%s does not run", argv[0]);
	return 0;
}

int prs_run_here(char *const *argv, char *const *envp, const char *cwd, int *ret_status, struct prs_err *err)
{
	posix_spawn_file_actions_t a;
	posix_spawnattr_t at;
	pid_t pid;
	void (*was)(int) = signal(SIGINT, SIG_IGN);
	posix_spawnattr_init(&at);
	prs_child_signals(&at, was);
	posix_spawn_file_actions_init(&a);
	int r = prs_child_spawn(&(struct prs_child_start){ argv[0], cwd, argv, envp }, &a, &at, &pid);
	posix_spawn_file_actions_destroy(&a);
	posix_spawnattr_destroy(&at);
	if (!r)
		*ret_status = prs_child_exit_status(prs_child_end(pid));
	signal(SIGINT, was);
	return r ? prs_fail(err, PRS_ESPAWN, "starting %s: %s", argv[0], strerror(r)) : 0;
}
