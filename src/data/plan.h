/* SPDX-License-Identifier: Apache-2.0
 * plan: what the plan records say, in memory: ids -> items -> paths. Pure: fed with record bodies, in listing and in
 * resume alike.
 */
#ifndef PRS_DATA_PLAN_H
#define PRS_DATA_PLAN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "wire/msg.h"
#include "wire/plan.h"

#include <stdbool.h>

struct prs_plan; /* opaque */

struct prs_plan *prs_plan_new(void);
void prs_plan_free(struct prs_plan *p);
/* Fold the records of one plan body (bytes are copied). PRS_ECORRUPT names what contradicts what came before. */
int prs_plan_feed(struct prs_plan *p, const uint8_t *body, size_t n, struct prs_err *err);

uint64_t prs_plan_next_id(const struct prs_plan *p); /* mini-batches known */
uint64_t prs_plan_items(const struct prs_plan *p);   /* in those mini-batches */
uint64_t prs_plan_files(const struct prs_plan *p);   /* files listed */
bool prs_plan_complete(const struct prs_plan *p);    /* an END record was seen */
/* Number of items of a mini-batch (prs_items_fn with ctx = the plan). */
uint32_t prs_plan_items_of(void *plan, uint64_t id);
/* The input a mini-batch belongs to. */
uint16_t prs_plan_input_of(const struct prs_plan *p, uint64_t id);
/* What it is: PRS_INPUT_FILES ... */
enum prs_input_kind prs_plan_input_kind(const struct prs_plan *p, uint16_t input);
/* Bytes of text that the rows of a mini-batch by partition keys have; 0: it is none, or not of text. */
uint64_t prs_plan_group_bytes(const struct prs_plan *p, uint64_t id);
/* Schemas known, and the JSON text of one; they are numbered from 0. */
uint32_t prs_plan_schemas(const struct prs_plan *p);
const char *prs_plan_schema(const struct prs_plan *p, uint32_t schema);
/* The task that hands the unit to a worker (wire/msg.h): sets all of `task` but lease and try_number, and appends its
 * body, the keys first, to what stands in `body`. A unit behind its mini-batch, or of none, has no items. */
int prs_plan_task(const struct prs_plan *p, const struct prs_unit *u, struct prs_task *task, struct prs_buf *body);
/* Append the absolute path of each item of the unit, each closed by a NUL; nothing when its items are rows. */
int prs_plan_paths(const struct prs_plan *p, const struct prs_unit *u, struct prs_buf *to);
/* Appends the absolute path of a file that is listed. */
int prs_plan_file_path(const struct prs_plan *p, uint64_t file, struct prs_buf *to);
/* Where the spools of its run are: the rows there have origins. Lives as long as the plan. */
void prs_plan_spools(struct prs_plan *p, const struct prs_fs *fs, const char *dir);
/* Calls each for the rows of the unit, in their order; never when its items are files. Returns what `each` did, or
 * -PRS_ENOMEM. */
int prs_plan_each_rows(const struct prs_plan *p, const struct prs_unit *u, prs_rows_fn *each, void *ctx);
/* Names and values of the partition keys of a mini-batch of rows, each closed by a NUL; NULL: it has none. */
const char *prs_plan_keys(const struct prs_plan *p, uint64_t id, size_t *ret_bytes);
/* The first row over the input of a mini-batch of rows. */
uint64_t prs_plan_global_row(const struct prs_plan *p, uint64_t id);
/* The schema of all files of an input; NULL: it has none. */
const char *prs_plan_schema_of_all(const struct prs_plan *p, uint16_t input);
/* Rows that follow each other in a text file. */
struct prs_rows_at {
	const char *path;          /* absolute */
	struct prs_table_range at; /* offset and bytes: of all that their mini-batch has, in the text of the file */
	uint32_t skip;             /* rows of it that stand before these */
	uint64_t size, mtime_us;   /* of the file, when it was planned */
};
/* The rows of a unit that is a slice, or a part of one: 1; another unit: 0. The path is put into `path`. */
int prs_plan_slice(const struct prs_plan *p, const struct prs_unit *u, struct prs_rows_at *ret, struct prs_buf *path);
/* "0000000.txt, ... (10 files)", "sales.csv rows 1001-2000", "store=7 (120 rows)": a short text for people and the CSV:
 * at most `max` names, relative to the input. */
int prs_plan_detail(const struct prs_plan *p, const struct prs_unit *u, unsigned max, struct prs_buf *to);

#endif
