/* SPDX-License-Identifier: Apache-2.0
 * known: the folders of one input as an earlier plan has them: what a resume needs to go on listing. Pure: fed with
 * records; what contradicts what came before is PRS_ECORRUPT.
 */
#ifndef PRS_DATA_KNOWN_H
#define PRS_DATA_KNOWN_H

#include "base/err.h"
#include "data/entries.h"
#include "wire/plan.h"

#include <stdbool.h>

struct prs_known_dir {
	uint32_t parent; /* PRS_NO_DIR = this is the root */
	uint32_t name_at;
	uint16_t depth;
	bool listed;
};

struct prs_known {
	uint32_t first; /* number of the root */
	struct prs_known_dir *dirs;
	size_t n, cap, open; /* open: not listed yet */
	struct prs_buf names;
	uint32_t part;            /* the folder that is planned in part; PRS_NO_DIR = none */
	struct prs_entries files; /* its files so far */
	uint32_t half;            /* the folder whose last block must stand in the same body */
	uint32_t sum;             /* of all files of the input, by prs_known_sum */
};

void prs_known_init(struct prs_known *k);
void prs_known_done(struct prs_known *k);
/* Another input begins: its root will have number `first` and this path. */
int prs_known_begin(struct prs_known *k, uint32_t first, struct prs_text root, struct prs_err *err);
int prs_known_dir(struct prs_known *k, const struct prs_plan_record *r, struct prs_err *err);
int prs_known_files(struct prs_known *k, const struct prs_plan_record *r, struct prs_err *err);
int prs_known_part(struct prs_known *k, const struct prs_plan_record *r, struct prs_err *err);
/* From 0, goes on with the names of a block (as in FILES) of a folder. */
uint32_t prs_known_sum(uint32_t sum, const char *folder, const char *names, size_t names_bytes);
/* At the end of a body: no folder may be left with a part of its blocks. */
int prs_known_body_end(const struct prs_known *k, struct prs_err *err);
const char *prs_known_name(const struct prs_known *k, uint32_t dir);
/* NULL = no memory; the caller frees. */
char *prs_known_path(const struct prs_known *k, uint32_t dir);
/* Behind the last folder with the parent of this one: they have numbers in a row. */
uint32_t prs_known_siblings_end(const struct prs_known *k, uint32_t dir);

#endif
