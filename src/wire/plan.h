/* SPDX-License-Identifier: Apache-2.0
 * planrec: the records of a plan file, as structs and as bytes. Records as in record.h.
 *
 * 2 INPUT input u16 · kind u16 (0 files, 3 groups of files) · unit u16 (0 items) · zero u16 · size u64 · fingerprint 16
 * · text name · text root · text options
 * 3 DIR    dir u32 · parent u32 (0xffffffff = the root of the input) · input u16 · name u16 length + bytes
 *          written when the parent is listed (the root: with its INPUT): a DIR without FILES is still to be listed
 * 4 FILES dir u32 · count u32 · first file u64 · flags u32 (bit 0: last block of this folder) · names bytes u32 ·
 * names, each closed by a NUL
 * 5 RULE first id u64 · count u64 · first file u64 · files per mini-batch u32 · input u16 · zero u16; the last
 * mini-batch of an input
 *          that is shorter has a rule of its own with its own number
 * 9 END ids u64 · items u64 · files u64 · zero u32 · sum u32 of all records before it, in all plans of the run: from 0,
 *          sum = checksum of (sum u32 · checksum u32 of the record, from its head to its padding)
 * 7 GROUP id u64 · input u16 · zero u16 · keys bytes u32 · ranges u32 · zero u32 · ranges (first file u64 · count u32 ·
 * zero u32 each, rising) ·
 *          keys (name NUL value NUL ...; a value begins with a letter: s text, d date as YYYY-MM-DDTHH:MM:SS): the
 *          files of one combination
 * 6 SLICES, 8 SCHEMA belong to tables and are not written yet: a reader refuses them (PRS_EVERSION).
 * File numbers count from 0 over all inputs in listing order.
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
	PRS_PLAN_END = 9
};
#define PRS_NO_DIR UINT32_C(0xffffffff)
enum { PRS_INPUT_FILES = 0, PRS_INPUT_GROUPS = 3, PRS_GROUP_RANGE_BYTES = 16 };
enum { PRS_FILES_LAST = 1, PRS_FILES_BLOCK_BYTES = 64 << 10 };

struct prs_plan_record {
	enum prs_plan_type type;
	union {
		struct {
			uint16_t input, kind, unit;
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
	} u;
};

int prs_plan_put(struct prs_buf *b, const struct prs_plan_record *r);
/* As prs_fact_next: 1 = a record, 0 = end, < 0 = error; texts point into body. */
int prs_plan_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_plan_record *ret,
                  struct prs_err *err);

/* Items of a GROUP. */
uint64_t prs_plan_group_items(const struct prs_plan_record *r);
/* The sum of END: goes on from `sum` with the records of a body, up to its END. */
uint32_t prs_plan_sum(uint32_t sum, const uint8_t *body, size_t n);

#endif
