/* SPDX-License-Identifier: Apache-2.0
 * detach: the work goes on in a child that no terminal can end, as soon as the child says that it works. Until then it
 * has the terminal, so that whoever gave the command sees what is wrong.
 */
#ifndef PRS_IO_DETACH_H
#define PRS_IO_DETACH_H

#include "base/err.h"

struct prs_detach {
	int pid; /* of the child, in both */
	int fd;  /* a pipe: the child's end, or the parent's */
};

/* For a program with one thread. Returns in both: > 0 in the parent, 0 in the child; < 0: there is none. */
int prs_detach_begin(struct prs_detach *d, struct prs_err *err);
/* The parent: 0 once the child goes on by itself, else the exit status (0-255) that it ended with before. */
int prs_detach_wait(struct prs_detach *d);
/* The child: a session of its own, nothing to read, and what it prints is added to the file `screen`. < 0: it still has
 * the terminal. */
int prs_detach_leave(struct prs_detach *d, const char *screen, struct prs_err *err);

#endif
