/* SPDX-License-Identifier: Apache-2.0
 * keys: the terminal is ours only between prs_keys_open() and prs_keys_close(), in the foreground. Everything that may
 * end or stop this process puts its modes back first: deadly signals, Ctrl-Z, exit.
 */
#include "io/keys.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* What kills a process that does not handle it; INT, TERM, HUP and QUIT are the engine's. */
static const int deadly[] = { SIGABRT, SIGSEGV,   SIGBUS,  SIGFPE,  SIGILL,  SIGUSR1, SIGUSR2,
	                      SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGSYS };
enum { DEADLY = sizeof deadly / sizeof *deadly };

static struct {
	bool open, handled[DEADLY], stops;
	pid_t owner;
	struct termios saved, ours;
	volatile sig_atomic_t raw, stopped;
} keys;

static bool in_background(int fd)
{
	pid_t front = tcgetpgrp(fd);
	return front > 0 && front != getpgrp();
}

bool prs_keys_in_background(void) { return in_background(2); }

/* Sets modes; whoever took the terminal from us meanwhile must not stop us for it. */
static int set_modes(const struct termios *t)
{
	sigset_t block, was;
	sigemptyset(&block);
	sigaddset(&block, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &block, &was);
	int r = tcsetattr(0, TCSANOW, t);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return r;
}

/* Async-signal-safe. */
static void keys_put_back(void)
{
	if (keys.raw && keys.owner == getpid() && !in_background(0))
		set_modes(&keys.saved);
	keys.raw = 0;
}

/* Modes like the ones we set are not somebody's own: we were stopped without a word. */
static bool are_ours(const struct termios *t)
{
	return keys.ours.c_iflag == t->c_iflag && keys.ours.c_lflag == t->c_lflag &&
	       !memcmp(keys.ours.c_cc, t->c_cc, sizeof t->c_cc);
}

static bool take(void)
{
	struct termios now;
	if (in_background(0)) {
		keys.raw = 0;
		return false;
	}
	if (keys.raw)
		return true;
	if (tcgetattr(0, &now) < 0)
		return false;
	if (!are_ours(&now)) {
		if (!(now.c_lflag &
		      ICANON)) /* another program beside us reads keys: theirs are not the modes to go back to */
			return false;
		keys.saved = now;
	}
	keys.ours = keys.saved;
	keys.ours.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	keys.ours.c_cc[VMIN] = 0;
	keys.ours.c_cc[VTIME] = 0;
	keys.raw = 1; /* before: a signal in between puts back what is there */
	if (set_modes(&keys.ours) == 0)
		return true;
	keys.raw = 0;
	return false;
}

/* ---- signals ----------------------------------------------------------------------------------------------------- */

static void keys_die(int signum)
{
	keys_put_back();
	signal(signum, SIG_DFL);
	raise(signum); /* it is blocked here: kills on return */
}

static void keys_stop(int signum);

static int handle(int signum, void (*fn)(int))
{
	struct sigaction act = { .sa_handler = fn, .sa_flags = SA_RESTART };
	return sigaction(signum, &act, NULL);
}

/* Ctrl-Z: the shell gets its terminal as it was; then we stop as if nobody had caught it. */
static void keys_stop(int signum)
{
	int was = errno;
	sigset_t one;
	keys_put_back();
	signal(signum, SIG_DFL);
	raise(signum);
	sigemptyset(&one);
	sigaddset(&one, signum);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL); /* here we stand, until SIGCONT */
	handle(signum, keys_stop);
	keys.stopped = 1;
	errno = was;
}

static bool is_default(int signum)
{
	struct sigaction was;
	return sigaction(signum, NULL, &was) == 0 && was.sa_handler == SIG_DFL;
}

static void catch_signals(void)
{
	for (unsigned i = 0; i < DEADLY; i++)
		keys.handled[i] = is_default(deadly[i]) && handle(deadly[i], keys_die) == 0;
	keys.stops = is_default(SIGTSTP) && handle(SIGTSTP, keys_stop) == 0;
}

static void release_signals(void)
{
	for (unsigned i = 0; i < DEADLY; i++)
		if (keys.handled[i])
			signal(deadly[i], SIG_DFL);
	if (keys.stops)
		signal(SIGTSTP, SIG_DFL);
}

/* ---- the keys ---------------------------------------------------------------------------------------------------- */

static bool one_terminal(void)
{
	struct stat in, out, err;
	return isatty(0) && isatty(1) && isatty(2) && !fstat(0, &in) && !fstat(1, &out) && !fstat(2, &err) &&
	       in.st_rdev == out.st_rdev && in.st_rdev == err.st_rdev && tcgetpgrp(0) > 0;
}

bool prs_keys_open(void)
{
	static bool registered;
	if (keys.open || !one_terminal())
		return keys.open;
	if (!registered && atexit(keys_put_back))
		return false;
	registered = true;
	keys.owner = getpid();
	keys.open = true;
	catch_signals();
	return true;
}

void prs_keys_close(void)
{
	if (!keys.open)
		return;
	keys_put_back();
	release_signals();
	keys.open = false;
}

bool prs_keys_stopped(void)
{
	bool stopped = keys.stopped;
	keys.stopped = 0;
	return stopped;
}

/* SIGTTIN is blocked for the one moment in which the terminal may have been taken from us. */
static ssize_t read_blocked(char *to, size_t n)
{
	sigset_t block, was;
	sigemptyset(&block);
	sigaddset(&block, SIGTTIN);
	pthread_sigmask(SIG_BLOCK, &block, &was);
	ssize_t got = read(0, to, n);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return got;
}

void prs_keys_read(char *to, unsigned n)
{
	char bytes[256];
	unsigned at = 0;
	struct pollfd p = { .fd = 0, .events = POLLIN };
	to[0] = 0;
	if (!keys.open || !take() || poll(&p, 1, 0) != 1 || !(p.revents & POLLIN))
		return;
	ssize_t got = read_blocked(bytes, sizeof bytes);
	for (ssize_t i = 0; i < got && at + 1 < n; i++)
		if (bytes[i] >= ' ' && bytes[i] != 127)
			to[at++] = bytes[i];
	to[at] = 0;
}
