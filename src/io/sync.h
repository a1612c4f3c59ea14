/* SPDX-License-Identifier: Apache-2.0
 * sync: one thread that works a queue of jobs off in order: writes and syncs, so that the loop never waits for a disk.
 *
 * prs_sync_put() from the loop; `work` runs on the thread; `done` runs in the loop afterwards, in the same order.
 * Ownership: a job is embedded in its owner and must live until `done` was called.
 */
#ifndef PRS_IO_SYNC_H
#define PRS_IO_SYNC_H

#include "base/err.h"
#include "io/loop.h"

#include <stdbool.h>

struct prs_sync_job {
	void (*work)(struct prs_sync_job *job);
	void (*done)(struct prs_sync_job *job);
	struct prs_sync_job *next;
};

struct prs_sync;

struct prs_sync *prs_sync_new(struct prs_loop *l, struct prs_err *err);
void prs_sync_put(struct prs_sync *s, struct prs_sync_job *job);
/* Wait for the queue to empty and call what is done (at the end, without the loop). */
void prs_sync_drain(struct prs_sync *s);
void prs_sync_free(struct prs_sync *s); /* drains */
/* At the end of the program, instead of prs_sync_free(): a thread whose job does not end (a file system that hangs)
 * is left alone. True: it is; what its job uses must stay until the process is gone. */
bool prs_sync_leave(struct prs_sync *s);

#endif
