/* SPDX-License-Identifier: Apache-2.0
 * exits: exit statuses of the commands (exits.def).
 */
#ifndef PRS_BASE_EXITS_H
#define PRS_BASE_EXITS_H

#include <stdbool.h>
#include <stddef.h>

enum prs_exit {
#define PRS_EXIT(status, name, meaning, next) PRS_EXIT_##name = (status),
#include "base/exits.def"
#undef PRS_EXIT
};

struct prs_exit_row {
	int status;
	const char *meaning, *next;
};

/* The i-th row of the table or NULL behind the last. */
const struct prs_exit_row *prs_exit_at(unsigned i);
/* How a command ends that this error (positive or negative code) ended; reads: it only reads a run folder. */
int prs_exit_of(int code, bool reads);
/* A job that ended so has a fault in its script that every process meets: it is mended, then tried again. */
bool prs_exit_mends_script(int code);
/* What to type after a run that ended so, "" = nothing. */
void prs_exit_next(char *to, size_t n, int status, const char *run);

#endif
