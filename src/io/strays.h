/* SPDX-License-Identifier: Apache-2.0
 * strays: processes that a worker left behind (setsid'd grandchildren) or that a dead engine left running.
 *
 * While this engine lives only what descends from it is its own: what a worker leaves becomes the engine's child, as it
 * is a subreaper. Of these a slot's are known by the session of the worker, or by PRS_RUN and PRS_SLOT in their
 * environment. What an older life left is looked for in all of /proc (io/procid.h says how it is known).
 *
 * Who cleans up behind others (io/trackers.h) is spared until the rest is dead. Each search goes on until nothing is
 * found, at most two seconds, and returns how many were killed.
 */
#ifndef PRS_IO_STRAYS_H
#define PRS_IO_STRAYS_H

#include "wire/run_mark.h"

/* Of engines that are dead or to be replaced, whose run folder is `dir`: whatever was started by a life older than
 * `than`, in groups that are removed then. Not this process and those above it. */
unsigned prs_strays_of_run(const struct prs_run_mark *than, const char *dir);
/* What a worker of ours that is dead left: its session, and descendants of ours with PRS_RUN=run and PRS_SLOT=slot.
 * Trackers live on: prs_trackers_look() ends them. */
unsigned prs_strays_of_slot(int worker, const char *run, int slot);
/* Every child of this process: at the end of a job. */
unsigned prs_strays_of_engine(void);

/* A signal for a living worker and its group; what would end a tracker does not go to trackers. */
void prs_signal_worker(int pid, int signum);

#endif
