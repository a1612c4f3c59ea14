/* SPDX-License-Identifier: Apache-2.0
 * parquet_columns: the columns of a table of Parquet files: names of the first file with rows, types that hold those of
 * a sample; what of the other files does not fit, and what is wider.
 */
#ifndef PRS_DATA_PARQUET_COLUMNS_H
#define PRS_DATA_PARQUET_COLUMNS_H

#include "data/header.h"
#include "data/rows_list.h"
#include "data/warnings.h"
#include "wire/footers.h"

/* One of the distinct schemas of the files. */
struct prs_parquet_file {
	struct prs_names names, types;
	struct prs_buf own; /* JSON, of files that need a schema of their own */
	bool is_checked;    /* against the schema of all */
};

/* All 0 but for `warnings`. */
struct prs_parquet_columns {
	struct prs_warnings *warnings;
	struct prs_parquet_file *known;
	size_t known_n, known_cap;
	struct prs_parquet_file all;
	uint64_t *nulls;  /* of the sample, as many as columns */
	uint64_t sampled; /* files of the sample with rows */
	char *first;      /* the path of the first file with rows */
};

void prs_parquet_columns_done(struct prs_parquet_columns *v);
/* The columns of a file, which its footer tells only when they are new; they stay until the next call. */
int prs_parquet_columns_of(struct prs_parquet_columns *v, const struct prs_footer *f, struct prs_parquet_file **ret,
                           struct prs_err *err);
/* Those of the first file are those of the table. */
int prs_parquet_columns_begin(struct prs_parquet_columns *v, const struct prs_parquet_file *first, const char *path,
                              struct prs_err *err);
/* The types of a file of the sample, and its nulls. PRS_EINVALID: other names, or no type holds both. */
int prs_parquet_columns_unite(struct prs_parquet_columns *v, const struct prs_parquet_file *file, const char *path,
                              const struct prs_footer *f, struct prs_err *err);
/* Instead: what the columns were in the run whose rows run again. */
int prs_parquet_columns_then(struct prs_parquet_columns *v, const struct prs_rows_list *wanted, struct prs_err *err);
/* Do the columns of a file fit? When some are wider, the JSON of a schema of its own is in file->own. */
int prs_parquet_columns_check(struct prs_parquet_columns *v, struct prs_parquet_file *file, const char *path,
                              struct prs_err *err);
/* The schema of all files. */
void prs_parquet_columns_json(const struct prs_parquet_columns *v, struct prs_buf *to);

#endif
