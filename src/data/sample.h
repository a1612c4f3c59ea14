/* SPDX-License-Identifier: Apache-2.0
 * sample: the columns of a table, decided before its first mini-batch from the first rows of some of its files, and
 * where the rows of each file begin.
 *
 * Names: those of the first file with a record, or of all files (all_files_different_headers); of JSON lines those of
 * the objects of the sample. Types: from the first rows of that file and of 31 others at equal distances.
 */
#ifndef PRS_DATA_SAMPLE_H
#define PRS_DATA_SAMPLE_H

#include "data/objects.h"
#include "data/rows_list.h"
#include "data/table_files.h"

struct prs_sample {
	const struct prs_fs *fs;
	const struct prs_table_input *in;
	const struct prs_list *keys; /* of the job; NULL = none */
	struct prs_warnings *warnings;
	struct prs_table_files *files;
	const struct prs_rows_list *then; /* its columns have the types that they had; NULL: there are none */
	uint8_t stage;
	uint64_t at;              /* the next file of the stage */
	uint64_t first;           /* the first file with a record */
	struct prs_objects table; /* its names and columns; the rest is of JSON lines */
	struct prs_cells cells;   /* of one record */
	struct {
		char *path; /* NULL: there is none */
		uint64_t line;
	} bad; /* the first line that is no object */
};

/* All files must be known before the first step. */
void prs_sample_init(struct prs_sample *s, const struct prs_fs *fs, const struct prs_list_input *in,
                     struct prs_table_files *files);
void prs_sample_done(struct prs_sample *s);
/* The next file: 1 = there are more, 0 = that was the last one. */
int prs_sample_step(struct prs_sample *s, struct prs_err *err);
/* Behind the last step: no file has a record, and there are no columns. */
bool prs_sample_is_empty(const struct prs_sample *s);
/* The schema of all files. PRS_ENO_COLUMN: a transformation names a column that is not there. */
int prs_sample_schema(const struct prs_sample *s, struct prs_buf *to, struct prs_err *err);
/* Its column i. */
enum prs_type prs_sample_type(const struct prs_sample *s, size_t i);

struct prs_sample_file {
	uint64_t offset;  /* where its rows begin */
	uint32_t *fields; /* where its columns stand, the caller frees; NULL: as in the schema of all files */
	size_t fields_n;  /* of a record of it */
};
int prs_sample_place(struct prs_sample *s, uint64_t file, struct prs_source *source, struct prs_sample_file *ret,
                     struct prs_err *err);
/* Where the rows of a file begin; *ret_own: its columns stand in other places, `own` is its schema. */
int prs_sample_begin(struct prs_sample *s, uint64_t file, struct prs_source *source, uint64_t *ret_offset,
                     struct prs_buf *own, bool *ret_own, struct prs_err *err);

#endif
