/* SPDX-License-Identifier: Apache-2.0
 * child: waitpid() that goes on after a signal, and the signals of a child as one set.
 */
#include "io/child.h"

#include <errno.h>
#include <sys/wait.h>

void prs_child_signals(posix_spawnattr_t *at, void (*sigint)(int))
{
	sigset_t reset, none;
	sigemptyset(&none);
	sigemptyset(&reset);
	sigaddset(&reset, SIGPIPE);
	sigaddset(&reset, SIGXFSZ);
	if (sigint != SIG_IGN)
		sigaddset(&reset, SIGINT);
	posix_spawnattr_setsigmask(at, &none);
	posix_spawnattr_setsigdefault(at, &reset);
	posix_spawnattr_setflags(at, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

int prs_child_end(int pid)
{
	int status = SIGKILL;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return SIGKILL;
	return status;
}

int prs_child_exit_status(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}
