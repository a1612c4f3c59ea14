/* SPDX-License-Identifier: Apache-2.0
 * table_files: the files of an input, as a cutter was given them: numbers and paths.
 */
#ifndef PRS_DATA_TABLE_FILES_H
#define PRS_DATA_TABLE_FILES_H

#include "data/cut.h"

struct prs_table_files {
	struct prs_table_files_block *blocks;
	size_t n, cap, last;   /* last: the block that was looked into last */
	uint64_t first, count; /* number of the first file in the plan; of files */
};

/* Those of a folder, behind the others. < 0: no memory. */
int prs_table_files_add(struct prs_table_files *v, const struct prs_cut_files *f);
void prs_table_files_done(struct prs_table_files *v);
/* The path of a file, from 0; the caller frees, NULL = no memory. Fast for one near that of the call before. */
char *prs_table_files_path(struct prs_table_files *v, uint64_t file);
/* Size and mtime as the plan has them (FILES); NULL: it does not. */
const uint8_t *prs_table_files_stat(struct prs_table_files *v, uint64_t file);

#endif
