/* SPDX-License-Identifier: Apache-2.0
 * listen: two pipes and the pidfd of the child in one poll. Its death ends it, not the end of the pipes: a process that
 * the program leaves behind may hold them open for ever. What is in the pipes by then is still heard.
 */
#include "io/listen.h"

#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { PIECE = 16 << 10 };

struct ears {
	struct prs_listen *l;
	int out[2], errs[2]; /* pipes: ours, the child's */
	int pidfd;
	void (*sigint)(int); /* what it did when we came */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int spawn(struct ears *e, struct prs_err *err)
{
	struct prs_listen *l = e->l;
	posix_spawn_file_actions_t a;
	posix_spawnattr_t at;
	posix_spawnattr_init(&at);
	prs_child_signals(&at, e->sigint);
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_addopen(&a, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&a, e->out[1], 1);
	posix_spawn_file_actions_adddup2(&a, e->errs[1], 2);
	struct prs_child_start s = { l->argv[0], l->cwd, l->argv, l->envp ? l->envp : environ };
	pid_t pid = -1;
	int r = prs_child_spawn(&s, &a, &at, &pid);
	posix_spawn_file_actions_destroy(&a);
	posix_spawnattr_destroy(&at);
	if (r)
		return prs_fail(err, PRS_ESPAWN, "starting %s: %s", l->argv[0], strerror(r));
	l->pid = pid;
	e->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return 0;
}

/* Everything that is there now; false at the end of the pipe. */
static bool hear(struct ears *e, int fd, int number)
{
	char piece[PIECE];
	ssize_t n;
	while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && e->l->heard)
			e->l->heard(e->l->ctx, number, piece, (size_t)n);
	return n < 0 && errno == EAGAIN;
}

static void hear_all(struct ears *e)
{
	bool alive = true;
	while (alive) {
		struct pollfd v[] = { { e->out[0], POLLIN, 0 }, { e->errs[0], POLLIN, 0 }, { e->pidfd, POLLIN, 0 } };
		if (e->pidfd < 0 && e->out[0] < 0 && e->errs[0] < 0)
			return;
		if (poll(v, 3, -1) < 0 && errno != EINTR)
			return;
		alive = !v[2].revents; /* looked at before the pipes: what it said last is in them */
		if (e->out[0] >= 0 && !hear(e, e->out[0], 1))
			close_fd(&e->out[0]);
		if (e->errs[0] >= 0 && !hear(e, e->errs[0], 2))
			close_fd(&e->errs[0]);
	}
}

static int open_pipes(struct ears *e, struct prs_err *err)
{
	*e = (struct ears){ .l = e->l, .out = { -1, -1 }, .errs = { -1, -1 }, .pidfd = -1 };
	if (pipe2(e->out, O_CLOEXEC) < 0 || pipe2(e->errs, O_CLOEXEC) < 0)
		return prs_fail_errno(err, errno, "starting %s: pipe", e->l->argv[0]);
	fcntl(e->out[0], F_SETFL, O_NONBLOCK);
	fcntl(e->errs[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static void close_ears(struct ears *e)
{
	close_fd(&e->out[0]);
	close_fd(&e->out[1]);
	close_fd(&e->errs[0]);
	close_fd(&e->errs[1]);
	close_fd(&e->pidfd);
}

int prs_listen(struct prs_listen *l, int *ret_status, struct prs_err *err)
{
	struct ears e = { .l = l };
	int r = open_pipes(&e, err);
	e.sigint = l->patient ? signal(SIGINT, SIG_IGN) : SIG_IGN;
	if (!r)
		r = spawn(&e, err);
	if (!r) {
		close_fd(&e.out[1]);
		close_fd(&e.errs[1]);
		hear_all(&e);
		*ret_status = prs_child_exit_status(prs_child_end(l->pid));
	}
	close_ears(&e);
	if (l->patient)
		signal(SIGINT, e.sigint);
	return r;
}
