/* SPDX-License-Identifier: Apache-2.0
 * child: waitpid() that goes on after a signal, the signals of a child as one set, and its folder, which posix_spawn
 * can choose since glibc 2.29. Built against an older one, this process goes there while the child is started: paths of
 * the engine are absolute, so that its other threads do not notice.
 */
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

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

static int spawn_here(const struct prs_child_start *s, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *at, pid_t *ret)
{
	return posix_spawnp(ret, s->program, actions, at, s->argv, s->envp);
}

#if __GLIBC_PREREQ(2, 29)
static int spawn_in(const struct prs_child_start *s, posix_spawn_file_actions_t *actions, const posix_spawnattr_t *at,
                    pid_t *ret)
{
	int e = posix_spawn_file_actions_addchdir_np(actions, s->cwd);
	return e ? e : spawn_here(s, actions, at, ret);
}
#else
static int spawn_in(const struct prs_child_start *s, posix_spawn_file_actions_t *actions, const posix_spawnattr_t *at,
                    pid_t *ret)
{
	int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (back < 0)
		return errno;
	int e = chdir(s->cwd) < 0 ? errno : spawn_here(s, actions, at, ret);
	if (fchdir(back) < 0 && !e)
		e = errno;
	close(back);
	return e;
}
#endif

int prs_child_spawn(const struct prs_child_start *s, posix_spawn_file_actions_t *actions, const posix_spawnattr_t *at,
                    pid_t *ret)
{
	return s->cwd ? spawn_in(s, actions, at, ret) : spawn_here(s, actions, at, ret);
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
