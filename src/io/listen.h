/* SPDX-License-Identifier: Apache-2.0
 * listen: runs a program to its end and hears what it says.
 */
#ifndef PRS_IO_LISTEN_H
#define PRS_IO_LISTEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct prs_listen {
	char *const *argv; /* argv[0]: a path, or a name looked up in the PATH */
	char *const *envp; /* NULL = ours */
	const char *cwd;   /* NULL = ours */
	bool patient;      /* Ctrl-C is the program's: we wait for its end */
	void (*heard)(void *ctx, int fd, const char *bytes, size_t n); /* fd: 1 or 2 of the program */
	void *ctx;
	int pid; /* filled in before anything is heard */
};

/* Its stdin is empty; descriptors without close-on-exec are inherited. *ret_status: its exit status, 128 + signal.
 * What it leaves behind is not waited for. PRS_ESPAWN: it could not be started. */
int prs_listen(struct prs_listen *l, int *ret_status, struct prs_err *err);

#endif
