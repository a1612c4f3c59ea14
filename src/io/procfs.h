/* SPDX-License-Identifier: Apache-2.0
 * procfs: what /proc says about this machine and about one process. Counters are since the machine's or the process's
 * start.
 */
#ifndef PRS_IO_PROCFS_H
#define PRS_IO_PROCFS_H

#include <stdbool.h>
#include <stdint.h>

struct prs_machine_usage {
	uint64_t cpu_busy, cpu_total;                      /* clock ticks of all cores */
	uint64_t memory_total, memory_available;           /* bytes */
	uint64_t reads, writes, read_bytes, written_bytes; /* of whole disks */
	uint64_t sent_bytes, received_bytes;               /* of all network devices but the loopback */
	uint64_t tcp, udp;                                 /* sockets in use, IPv4 and IPv6 */
	uint64_t disk_total, disk_free;                    /* bytes of the file system of / */
};

struct prs_process_usage {
	uint64_t user_us, system_us;
	uint64_t resident_bytes;
	uint64_t reads, writes;             /* system calls */
	uint64_t read_bytes, written_bytes; /* that reached a disk; 0 where /proc/<pid>/io may not be read */
	uint64_t threads;
};

/* What cannot be read stays 0. */
void prs_machine_usage(struct prs_machine_usage *ret);
/* false: there is no such process. */
bool prs_process_usage(int pid, struct prs_process_usage *ret);

/* Adds the children of a process to pids[*n ... max - 1]. False: there is no such process, or this kernel lists none.
 * While others end the list may leave one out. */
bool prs_children(int pid, int *pids, unsigned *n, unsigned max);
/* Adds a process and all that descend from it. */
void prs_family(int pid, int *pids, unsigned *n, unsigned max);

/* Memory of a process and its descendants. Resident sizes are added up first; only when they are above `enough` the
 * proportional ones are asked for (pages that forked children share count once), which costs milliseconds. 0: there
 * is no such process. */
uint64_t prs_tree_bytes(int pid, uint64_t enough);

#endif
