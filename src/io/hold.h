/* SPDX-License-Identifier: Apache-2.0
 * hold: while something is half made, the signals that end a program (INT, TERM, HUP) wait: who makes it looks whether
 * one came, clears up, and lets it take effect then. For a program with one thread.
 */
#ifndef PRS_IO_HOLD_H
#define PRS_IO_HOLD_H

#include <signal.h>
#include <stdbool.h>

struct prs_hold {
	sigset_t was;
};

/* A signal that is ignored stays so. */
void prs_hold_begin(struct prs_hold *h);
/* One of them came since then. */
bool prs_hold_came(void);
/* Those that came take effect: the program may end here. */
void prs_hold_end(struct prs_hold *h);

#endif
