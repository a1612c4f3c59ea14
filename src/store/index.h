/* SPDX-License-Identifier: Apache-2.0
 * index: what assemble needs of the index (private to store/).
 */
#ifndef PRS_STORE_INDEX_H
#define PRS_STORE_INDEX_H

#include "store/store.h"

enum { PRS_SLOT_USED = 1, PRS_SLOT_HEADER = 2, PRS_SLOT_EMPTY = 4 /* DONE without bytes */ };

/* 32 bytes an id. */
struct prs_index_slot {
	uint32_t file, flags;
	uint64_t offset, length;
	uint32_t head_len, checksum;
};

/* Of a split mini-batch; its slot is unused. */
struct prs_index_part {
	struct prs_unit unit;
	struct prs_index_slot slot;
};

struct prs_index_file {
	uint32_t epoch, segment;
	uint16_t node;
	bool raw;
};

struct prs_index {
	const struct prs_fs *fs;
	char *dir, *path;
	int fd;
	struct prs_index_slot *slots;
	uint64_t cap; /* slots mapped */
	uint64_t next_id;
	struct prs_index_file *files;
	uint32_t files_n, files_cap;
	struct prs_index_part *parts; /* in memory: there are few */
	uint64_t parts_n, parts_cap;
};

/* Parts in the order of (id, item_first), as the output has them. */
void prs_index_sort_parts(struct prs_index *x);

/* Path of the file of a slot. */
void prs_index_path(const struct prs_index *x, uint32_t file, char *to, size_t n);

#endif
