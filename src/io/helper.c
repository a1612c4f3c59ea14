/* SPDX-License-Identifier: Apache-2.0
 * helper: the socket and the pidfd in one poll: a death is seen even while a process that it left behind holds the
 * socket.
 */
#include "io/helper.h"

#include "base/bytes.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/tokens.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LENGTH_BYTES = 4, PIECE_BYTES = 256 << 10, DEATH_MS = 2000, END_MS = 2000 };
#define POLL_MAX_US UINT64_C(1000000000)

/* ---- its life ---------------------------------------------------------------------------------------------------- */

void prs_helper_init(struct prs_helper *h) { *h = (struct prs_helper){ .fd = -1, .pidfd = -1 }; }

int prs_helper_start(struct prs_helper *h, const struct prs_helper_start *s, struct prs_err *err)
{
	char parent[32], nofile[32];
	int pair[2];
	prs_helper_init(h);
	snprintf(h->name, sizeof h->name, "%s", s->name);
	snprintf(h->log, sizeof h->log, "%s", s->log);
	snprintf(parent, sizeof parent, "%d", getpid());
	snprintf(nofile, sizeof nofile, "%llu", (unsigned long long)prs_old_nofile());
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return prs_fail_errno(err, errno, "%s: socket pair", s->name);
	char *argv[] = { (char *)(uintptr_t) "prs",
		         (char *)(uintptr_t) "_worker",
		         parent,
		         nofile,
		         (char *)(uintptr_t)s->python,
		         (char *)(uintptr_t)s->loader,
		         (char *)(uintptr_t)s->task,
		         NULL };
	struct prs_spawn spawn = { .program = s->program,
		                   .argv = argv,
		                   .envp = s->envp,
		                   .cwd = s->cwd,
		                   .stdout_path = s->log,
		                   .stderr_path = s->log,
		                   .fds = &pair[1],
		                   .fds_n = 1 };
	int r = prs_spawn(&spawn, &h->pid, &h->pidfd, err);
	close(pair[1]);
	h->fd = pair[0];
	if (r < 0)
		prs_fd_close(&h->fd);
	return r;
}

void prs_helper_kill(struct prs_helper *h)
{
	if (h->pid > 0)
		kill(h->pid, SIGKILL);
}

/* One that hangs in the system cannot be waited for: it dies with us. */
void prs_helper_end(struct prs_helper *h)
{
	struct pollfd death = { h->pidfd, POLLIN, 0 };
	uint32_t status;
	prs_helper_kill(h);
	if (h->pid > 0 && poll(&death, 1, END_MS) == 1)
		prs_reap(h->pid, &status);
	h->pid = 0;
	prs_fd_close(&h->fd);
	prs_fd_close(&h->pidfd);
}

/* ---- talking to it ----------------------------------------------------------------------------------------------- */

/* It is looked at, not reaped: that is its owner's, on another thread. Its socket may close a moment before it is
 * dead. */
static int ended(const struct prs_helper *h, struct prs_err *err)
{
	struct pollfd death = { h->pidfd, POLLIN, 0 };
	poll(&death, 1, DEATH_MS);
	siginfo_t dead = { .si_pid = 0 };
	char how[64] = "has closed its socket";
	if (waitid(P_PIDFD, (id_t)h->pidfd, &dead, WEXITED | WNOWAIT | WNOHANG) < 0)
		snprintf(how, sizeof how, "ended");
	else if (dead.si_pid && dead.si_code == CLD_EXITED)
		snprintf(how, sizeof how, "ended with status %d", dead.si_status);
	else if (dead.si_pid)
		snprintf(how, sizeof how, "was ended by signal %d (%s)", dead.si_status, strsignal(dead.si_status));
	return prs_fail(err, PRS_EHELPER, "%s %s: its last words are in %s", h->name, how, h->log);
}

static int silent(const struct prs_helper *h, uint64_t timeout_us, struct prs_err *err)
{
	return prs_fail(err, PRS_EHELPER, "%s did not answer for %.3g s: its words are in %s", h->name,
	                (double)timeout_us / 1e6, h->log);
}

static int poll_ms(uint64_t deadline_us)
{
	uint64_t left_us = prs_since_us(prs_clock_us(), deadline_us);
	return (int)((left_us < POLL_MAX_US ? left_us : POLL_MAX_US) / 1000 + 1);
}

/* Until the socket takes or has bytes. */
static int wait_for(const struct prs_helper *h, short events, uint64_t timeout_us, uint64_t deadline_us,
                    struct prs_err *err)
{
	for (;;) {
		struct pollfd v[] = { { h->fd, events, 0 }, { h->pidfd, POLLIN, 0 } };
		if (timeout_us && prs_clock_us() >= deadline_us)
			return silent(h, timeout_us, err);
		if (poll(v, 2, timeout_us ? poll_ms(deadline_us) : -1) < 0 && errno != EINTR)
			return prs_fail_errno(err, errno, "%s: poll", h->name);
		if (v[0].revents & events)
			return 0;
		if (v[0].revents || v[1].revents)
			return ended(h, err);
	}
}

int prs_helper_send(struct prs_helper *h, const void *bytes, size_t n, uint64_t timeout_us, struct prs_err *err)
{
	uint64_t deadline_us = prs_clock_us() + timeout_us;
	for (size_t at = 0; at < n;) {
		int r = wait_for(h, POLLOUT, timeout_us, deadline_us, err);
		if (r < 0)
			return r;
		ssize_t sent = send(h->fd, (const char *)bytes + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EINTR && errno != EAGAIN)
			return ended(h, err);
		at += sent > 0 ? (size_t)sent : 0;
	}
	return 0;
}

/* n more bytes into `to`. */
static int receive(struct prs_helper *h, struct prs_buf *to, size_t n, uint64_t timeout_us, uint64_t deadline_us,
                   struct prs_err *err)
{
	while (n) {
		size_t piece = n < PIECE_BYTES ? n : PIECE_BYTES;
		uint8_t *p = prs_buf_reserve(to, piece);
		if (!p)
			return prs_fail(err, PRS_ENOMEM, "%s", h->name);
		int r = wait_for(h, POLLIN, timeout_us, deadline_us, err);
		if (r < 0)
			return r;
		ssize_t got = recv(h->fd, p, piece, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
			return ended(h, err);
		to->len += got > 0 ? (size_t)got : 0;
		n -= got > 0 ? (size_t)got : 0;
	}
	return 0;
}

int prs_helper_receive(struct prs_helper *h, struct prs_buf *to, uint64_t timeout_us, struct prs_err *err)
{
	uint64_t deadline_us = prs_clock_us() + timeout_us;
	prs_buf_clear(to);
	int r = receive(h, to, LENGTH_BYTES, timeout_us, deadline_us, err);
	if (r < 0)
		return r;
	uint32_t n = prs_get32(to->data);
	prs_buf_clear(to);
	if (n > to->max)
		return prs_fail(err, PRS_EHELPER, "%s announces %u bytes, which is no answer: see %s", h->name, n,
		                h->log);
	return receive(h, to, n, timeout_us, deadline_us, err);
}
