/* SPDX-License-Identifier: Apache-2.0
 * process: starts a worker process, watches it by pidfd, reaps it by pid.
 *
 * The engine's thread that forks is its main thread (the worker's death signal is bound to it). Each child of
 * prs_spawn() is reaped by its owner alone: a table knows them.
 */
#ifndef PRS_IO_PROCESS_H
#define PRS_IO_PROCESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prs_spawn {
	const char *program; /* absolute path */
	char *const *argv, *const *envp;
	const char *cwd;
	const char *stdout_path, *stderr_path; /* appended to */
	const int *fds;                        /* become 3, 4, 5 ... in the child */
	unsigned fds_n;
};

/* *ret_pidfd is close-on-exec and readable once the process is dead. */
int prs_spawn(const struct prs_spawn *s, int *ret_pid, int *ret_pidfd, struct prs_err *err);
/* The wait status of a dead child; false while it lives. One whose end somebody else saw counts as killed. */
bool prs_reap(int pid, uint32_t *ret_status);
/* Was it started by prs_spawn(), and not reaped yet? */
bool prs_is_worker(int pid);
void prs_forget_workers(void);
/* Children that came to us when their parents died (we are the subreaper) and are dead now: reaped. Those of
 * prs_spawn() are left to their owners. */
void prs_reap_orphans(void);
/* Kill a child and its group, and reap it: waits for its death. */
void prs_end_process(int pid);
/* Run a program to its end and take its stdout: for asking an interpreter something. PRS_ESPAWN when it does not exit
 * with 0. */
int prs_capture(char *const *argv, char *to, size_t bytes, struct prs_err *err);
/* Run a program in front of the user, with our terminal and descriptors, in `cwd`; Ctrl-C is the program's.
 * *ret_status: its exit status, 128 + signal. */
int prs_run_here(char *const *argv, char *const *envp, const char *cwd, int *ret_status, struct prs_err *err);
/* Ready the engine for children: subreaper, soft limit of descriptors up (the old one stays for the workers), a
 * thread of the batch class, which does not interrupt a worker whenever it is woken (the workers are not of it). */
void prs_spawn_setup(void);
/* The soft limit of descriptors that the engine was started with. */
uint64_t prs_old_nofile(void);

#endif
