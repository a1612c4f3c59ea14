/* SPDX-License-Identifier: Apache-2.0
 * strays: processes that a worker left behind (setsid'd grandchildren) or that a dead engine left running.
 *
 * They are found by PRS_RUN and PRS_SLOT in their environment, and as children that were handed to us (subreaper).
 */
#ifndef PRS_IO_STRAYS_H
#define PRS_IO_STRAYS_H

#include <stdint.h>

enum { PRS_ANY_SLOT = -1 };

/* Kill (SIGKILL) and reap what carries PRS_RUN=run and PRS_SLOT=slot (PRS_ANY_SLOT: any), until none is left or it was tried for two
 * seconds. The processes in `keep` (and what descends from them, when `keep_n` > 0) are known workers that are left alone. Returns how many were killed. */
unsigned prs_strays_kill(const char *run, int slot, const int *keep, unsigned keep_n);
/* Kill and reap every child of this process that is not in `keep`: at the end of a job. */
unsigned prs_strays_adopted(const int *keep, unsigned keep_n);

#endif
