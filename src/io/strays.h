/* SPDX-License-Identifier: Apache-2.0
 * strays: processes that a worker left behind (setsid'd grandchildren) or that a dead engine left running.
 *
 * They are found by PRS_RUN and PRS_SLOT in their environment, and as children that were handed to us (subreaper).
 * While this engine lives, only what descends from it is its own: after a takeover two engines have workers with the
 * same PRS_RUN. Each search goes on until nothing is found, at most two seconds. Returns how many were killed
 * (SIGKILL).
 */
#ifndef PRS_IO_STRAYS_H
#define PRS_IO_STRAYS_H

#include "wire/run_mark.h"

/* Of engines that are dead or to be replaced: every process with a mark that is older than `than`. */
unsigned prs_strays_of_run(const struct prs_run_mark *than);
/* What a dead process of ours left: descendants with PRS_RUN=run and PRS_SLOT=slot. `keep`: the workers, also dead
 * ones, which their owner reaps; other dead children are reaped here. */
unsigned prs_strays_of_slot(const char *run, int slot, const int *keep, unsigned keep_n);
/* Every child of this process: at the end of a job. */
unsigned prs_strays_of_engine(void);

#endif
