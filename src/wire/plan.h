/* SPDX-License-Identifier: Apache-2.0
 * planrec: the records of a plan file, as structs and as bytes. Records as in record.h; docs/formats.md has the bytes.
 *
 * A folder is a DIR when the folder above it is listed (the root of an input: with its INPUT), and its files stand in
 * FILES records, the last of which has PRS_FILES_LAST; the DIRs of the folders in it follow. All that stands in one
 * body; a DIR without its last FILES is still to be listed. A folder that fits no body is announced by a PART: its
 * FILES, its DIRs and an empty last FILES follow in as many bodies as it takes, and nothing else stands between them
 * but RULEs.
 * A RULE is a row of mini-batches of as many files each; the last mini-batch of an input that is shorter has a rule of
 * its own. A GROUP is one mini-batch: the files with the same values of their partition keys.
 * SLICES, SCHEMA belong to tables and are not written yet: a reader refuses them (PRS_EVERSION), as one from before
 * PART refuses that.
 */
#ifndef PRS_WIRE_PLAN_H
#define PRS_WIRE_PLAN_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/facts.h"

enum prs_plan_type {
	PRS_PLAN_HEAD = 1,
	PRS_PLAN_INPUT = 2,
	PRS_PLAN_DIR = 3,
	PRS_PLAN_FILES = 4,
	PRS_PLAN_RULE = 5,
	PRS_PLAN_SLICES = 6,
	PRS_PLAN_GROUP = 7,
	PRS_PLAN_SCHEMA = 8,
	PRS_PLAN_END = 9,
	PRS_PLAN_PART = 10
};
#define PRS_NO_DIR UINT32_C(0xffffffff)
enum { PRS_INPUT_FILES = 0, PRS_INPUT_GROUPS = 3, PRS_GROUP_RANGE_BYTES = 16 };
/* What the size of a mini-batch counts. */
enum prs_size_unit { PRS_SIZE_ITEMS = 0 };
struct prs_batch_size {
	enum prs_size_unit unit;
	uint64_t n;
};
/* Folders above a folder: a path has not more. */
enum { PRS_DEPTH_MAX = 4096 };
enum { PRS_FILES_LAST = 1, PRS_FILES_BLOCK_BYTES = 64 << 10 };

struct prs_plan_record {
	enum prs_plan_type type;
	union {
		struct {
			uint16_t input, kind;
			uint16_t unit; /* enum prs_size_unit */
			uint64_t size;
			uint8_t print[16];
			struct prs_text name, root, options;
		} input;
		struct {
			uint32_t dir, parent;
			uint16_t input;
			struct prs_text name;
		} dir;
		struct {
			uint32_t dir, count, flags, names_bytes;
			uint64_t first_file;
			const char *names;
		} files;
		struct {
			uint64_t first_id, count, first_file;
			uint32_t per;
			uint16_t input;
		} rule;
		struct {
			uint64_t id;
			uint16_t input;
			uint32_t keys_bytes, ranges_n;
			const uint8_t *ranges; /* 16 bytes each */
			const char *keys;
		} group;
		struct {
			uint64_t ids, items, files;
			uint32_t sum;
		} end;
		struct {
			uint32_t dir;
		} part;
	} u;
};

int prs_plan_put(struct prs_buf *b, const struct prs_plan_record *r);
/* As prs_fact_next: 1 = a record, 0 = end, < 0 = error; texts point into body. */
int prs_plan_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_plan_record *ret,
                  struct prs_err *err);

/* Items of a GROUP. */
uint64_t prs_plan_group_items(const struct prs_plan_record *r);
/* The sum of END: from 0, for each record before it in all plans of the run, sum = checksum of (sum u32 · checksum
 * u32 of the record, from its head to its padding). Goes on from `sum` with the records of a body, up to its END. */
uint32_t prs_plan_sum(uint32_t sum, const uint8_t *body, size_t n);

#endif
