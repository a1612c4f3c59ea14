/* SPDX-License-Identifier: Apache-2.0
 * procid: who a process is, as far as /proc tells: its family, whether it cleans up behind others, whose mark it
 * carries, what it holds of a run folder.
 */
#ifndef PRS_IO_PROCID_H
#define PRS_IO_PROCID_H

#include "wire/run_mark.h"

#include <stdbool.h>

/* What a worker gets and everything that it starts inherits, whatever happens to its environment (and a core limit of
 * 0). */
enum { PRS_WORKER_OOM_SCORE = 500 };

struct prs_procid {
	int parent, group, session;
	char state; /* 'Z' = dead, not reaped */
};

/* False: it is gone. */
bool prs_procid_read(int pid, struct prs_procid *ret);
bool prs_descends_from(int pid, int ancestor);
/* A process that removes what others leave behind (shared memory, semaphores) as soon as they are dead: the resource
 * trackers of multiprocessing and loky, the manager of torch. One that was forked a moment ago is given a moment to
 * become what it will be. */
bool prs_is_tracker(int pid);

/* Does its environment hold both entries? Not to be called by two threads at once. */
bool prs_has_environment(int pid, const char *entry, const char *other);
/* Was it started by a life that is older than `than`? By the mark in its environment; without one by the name of its
 * cgroup, or because it carries a worker's limits and has its folder, an open file or a mapped one below `dir`. Not to
 * be called by two threads at once. */
bool prs_is_left_by(int pid, const struct prs_run_mark *than, const char *dir);

#endif
