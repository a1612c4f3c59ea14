/* SPDX-License-Identifier: Apache-2.0
 * memcg: a memory cgroup for each worker process, below our own group, where we may make one (v1 or v2). Where we may
 * not, nothing happens.
 */
#ifndef PRS_IO_MEMCG_H
#define PRS_IO_MEMCG_H

#include <stdbool.h>
#include <stdint.h>

struct prs_memcg {
	bool usable, v2;
	char base[4096]; /* of our groups' names: <our group>/prs-<run>- */
};

/* `run` makes the groups' names unique. */
void prs_memcg_open(struct prs_memcg *m, const char *run);
void prs_memcg_close(struct prs_memcg *m);
/* Put a process that has no children yet into a group of its own. */
void prs_memcg_add(struct prs_memcg *m, unsigned slot, int pid, uint64_t limit_bytes);
/* Is the group at its limit with everything in it waiting (v1)? Then the watch is to end it: the kernel would end one
 * process of several. */
bool prs_memcg_is_full(const struct prs_memcg *m, unsigned slot);
/* After its end. True: the kernel killed something in the group because of the limit. *ret_peak stays where it is not
 * known. */
bool prs_memcg_remove(struct prs_memcg *m, unsigned slot, uint64_t *ret_peak);

#endif
