/* SPDX-License-Identifier: Apache-2.0
 * disk: the disks that the job needs, and whether one of them is full.
 */
#ifndef PRS_NODE_DISK_H
#define PRS_NODE_DISK_H

#include "base/fs.h"
#include "wire/msg.h"

struct disk {
	const char *folder, *sentence;
	uint64_t device;
	uint64_t room_us; /* when there was room, the last time that this was tried; 0 = never */
};

struct disks {
	const struct prs_fs *fs;
	struct disk v[2];
	unsigned n;
};

/* run: the run folder; output: the folder of the output, NULL = none. Both must live as long as `d`. */
void disks_init(struct disks *d, const struct prs_fs *fs, const char *run, const char *output);
/* A try failed, and its exception said this (errnum 0: nothing of the kind): the sentence that tells which disk is
 * full; NULL: none that the job needs, the failure is the script's own. */
const char *disks_full(struct disks *d, const struct prs_full_disk *said, uint64_t now_us);

#endif
