/* SPDX-License-Identifier: Apache-2.0
 * plan_impl: what plan.c folds records into and plan_units.c looks mini-batches up in.
 *
 * A mini-batch is found by a binary search over rules, a file by one over blocks and a short walk: of the names in a
 * block every PLAN_STRIDE-th has its offset kept.
 */
#ifndef PRS_DATA_PLAN_IMPL_H
#define PRS_DATA_PLAN_IMPL_H

#include "data/plan.h"
#include "data/slices.h"

enum { PLAN_STRIDE = 4 };
enum kind_of_rule { KIND_FILES, KIND_GROUP, KIND_SLICES, KIND_PARQUET, KIND_TABLE_GROUP, KIND_PARQUET_GROUP };

struct input {
	char *root;
	uint16_t kind;
	uint64_t first_file;
	size_t first_schema;
};

struct dir {
	uint32_t parent, name_at;
	uint16_t input, depth;
};

struct block {
	uint64_t first_file;
	uint32_t dir, count;
	char *names;
	uint32_t *strides; /* offset of names 0, PLAN_STRIDE, 2 PLAN_STRIDE ... */
	uint8_t *stats;    /* as in FILES; NULL: it has none */
};

struct range {
	uint64_t first;
	uint32_t count;
};

struct rule {
	uint64_t first_id, count, first_file;
	uint32_t per; /* items; KIND_SLICES, KIND_PARQUET: of each another number */
	uint16_t input;
	uint8_t kind; /* enum kind_of_rule */
	union {
		struct group *group;
		struct prs_slices *slices;
		struct table_group *rows;
	};
};

struct group {
	char *keys;
	uint32_t keys_bytes, ranges_n;
	struct range ranges[];
};

struct table_group {
	uint32_t keys_bytes, ranges_n, spool;
	uint8_t bytes[]; /* the ranges, then the keys, as in TABLE_GROUP */
};

struct prs_plan {
	struct input *inputs;
	struct dir *dirs;
	struct block *blocks;
	struct rule *rules;
	char **schemas;
	size_t inputs_n, dirs_n, blocks_n, rules_n, schemas_n;
	size_t inputs_cap, dirs_cap, blocks_cap, rules_cap, schemas_cap;
	struct prs_buf dir_names;
	const struct prs_fs *fs; /* NULL: nobody said where the spools are */
	const char *dir;
	uint64_t next_id, items, files;
	uint32_t sum;
	bool complete;
};

/* The block that has the file. */
size_t plan_block_of(const struct prs_plan *p, uint64_t file);
/* Size and mtime of the file, as FILES has them; NULL: it does not. */
const uint8_t *plan_stats(const struct prs_plan *p, uint64_t file);
/* The i-th range of a group. */
struct prs_table_range plan_range(const struct table_group *g, uint32_t i);

#endif
