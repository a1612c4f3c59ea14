/* SPDX-License-Identifier: Apache-2.0
 * child: how a program that prs starts on behalf of its user begins and how it ended; shared by what starts one.
 */
#ifndef PRS_IO_CHILD_H
#define PRS_IO_CHILD_H

#include <signal.h>
#include <spawn.h>

/* Its signals are as the user's shell would have them: what prs ignores for itself is not ignored there, nothing is
 * blocked. `sigint`: what Ctrl-C did before prs began to wait; a job in the background that ignores it goes on to. */
void prs_child_signals(posix_spawnattr_t *at, void (*sigint)(int));
struct prs_child_start {
	const char *program; /* a path, or a name that the PATH finds */
	const char *cwd;     /* NULL = the current folder */
	char *const *argv, *const *envp;
};
/* Starts it in its folder; 0 or an errno. `actions` may grow. */
int prs_child_spawn(const struct prs_child_start *s, posix_spawn_file_actions_t *actions, const posix_spawnattr_t *at,
                    pid_t *ret);
/* Waits for its end; the wait status. An end that somebody else saw counts as killed: it is no success. */
int prs_child_end(int pid);
/* 0-255: its own, or 128 + signal. */
int prs_child_exit_status(int wait_status);

#endif
