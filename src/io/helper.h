/* SPDX-License-Identifier: Apache-2.0
 * helper: a process of the job's Python that does one thing for the engine and is asked for it in frames: len u32
 * (bytes behind it) · payload, on a stream socket.
 *
 * The main thread starts it and ends it (its death signal is bound to that thread); one thread, any, talks to it, and
 * waits for it, but never longer than it says. It dies with the engine, as a worker does.
 * Failure: PRS_EHELPER, with the file that has its last words.
 */
#ifndef PRS_IO_HELPER_H
#define PRS_IO_HELPER_H

#include "base/buf.h"
#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct prs_helper_start {
	const char *name;            /* for people: "the process that reads Parquet footers" */
	const char *program;         /* this program, which launches it: prs _worker */
	const char *python, *loader; /* absolute paths */
	const char *task;            /* what of the loader it runs */
	char *const *envp;
	const char *cwd;
	const char *log; /* what it writes to stdout and stderr is appended */
};

struct prs_helper {
	int fd, pid, pidfd; /* pid 0 = none */
	char name[64], log[PATH_MAX];
};

void prs_helper_init(struct prs_helper *h);
int prs_helper_start(struct prs_helper *h, const struct prs_helper_start *s, struct prs_err *err);
/* All of the bytes; 0 us = no limit. */
int prs_helper_send(struct prs_helper *h, const void *bytes, size_t n, uint64_t timeout_us, struct prs_err *err);
/* The payload of the next frame in place of what `to` holds; one that does not fit is none (PRS_EHELPER). */
int prs_helper_receive(struct prs_helper *h, struct prs_buf *to, uint64_t timeout_us, struct prs_err *err);
/* Kills it, so that a thread that waits for it comes back; it must still be ended. */
void prs_helper_kill(struct prs_helper *h);
/* Kills and reaps it; nobody talks to it any more. Nothing when there is none. */
void prs_helper_end(struct prs_helper *h);

#endif
