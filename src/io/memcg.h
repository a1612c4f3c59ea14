/* SPDX-License-Identifier: Apache-2.0
 * memcg: a memory cgroup for each worker process, below our own group, where we may make one (v1 or v2). Where we may
 * not, nothing happens.
 *
 * A group is named prs-<mark of the life>-<slot>-<incarnation>: what a process left is known by it whatever became of
 * its environment, and what a dead life left can be removed.
 */
#ifndef PRS_IO_MEMCG_H
#define PRS_IO_MEMCG_H

#include "wire/run_mark.h"

#include <stdbool.h>
#include <stdint.h>

struct prs_memcg {
	bool usable, v2;
	char own[3200]; /* our own group's folder */
	char mark[PRS_RUN_MARK_BYTES];
};

/* A process of ours: its group. */
struct prs_memcg_of {
	unsigned slot;
	uint32_t incarnation;
};

void prs_memcg_open(struct prs_memcg *m, const char *mark);
/* Removes the groups that are left. */
void prs_memcg_close(struct prs_memcg *m);
/* Put a process that has no children yet into a group of its own. */
void prs_memcg_add(struct prs_memcg *m, struct prs_memcg_of of, int pid, uint64_t limit_bytes);
/* Is the group at its limit with everything in it waiting (v1)? Then the watch is to end it: the kernel would end one
 * process of several. */
bool prs_memcg_is_full(const struct prs_memcg *m, struct prs_memcg_of of);
/* Trackers (io/trackers.h) leave the group: the kernel may kill all that is in it. */
void prs_memcg_free_trackers(const struct prs_memcg *m, struct prs_memcg_of of);
/* After its end. True: the kernel killed something in the group because of the limit. *ret_peak stays where it is not
 * known. A group that is not empty yet is removed later. */
bool prs_memcg_remove(struct prs_memcg *m, struct prs_memcg_of of, uint64_t *ret_peak);
/* The empty groups of lives that are older than `than`. */
void prs_memcg_clear(const struct prs_run_mark *than);

#endif
