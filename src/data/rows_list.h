/* SPDX-License-Identifier: Apache-2.0
 * rows_list: rows that another run planned, in the order of its input, its partitions, and the types of its columns:
 * what of a table is to run again, and how (only-<i>.list, docs/formats.md).
 */
#ifndef PRS_DATA_ROWS_LIST_H
#define PRS_DATA_ROWS_LIST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "data/cut.h"
#include "data/plan.h"

struct prs_rows_wanted {
	const char *path;               /* absolute */
	uint64_t row, rows, global_row; /* from 0; in the file and over the input; rows 0: some, by their partition */
	uint64_t hint_row, offset;      /* a row before them, or the first, and where its record begins ... */
	uint64_t size, mtime_us;        /* ... in the file as it was then */
};

/* A column of the other run; what a sample says of it now does not count. */
struct prs_column_wanted {
	const char *name, *type;
	uint64_t nulls;
};

/* A partition by keys that are columns. */
struct prs_group_wanted {
	const char *keys; /* as in the plan (GROUP) */
	size_t keys_bytes;
	uint64_t global_row; /* of its first row */
};

struct prs_rows_list {
	struct prs_rows_wanted *v;
	size_t n;
	struct prs_column_wanted *columns;
	size_t columns_n;
	struct prs_group_wanted *groups; /* by the bytes of their keys */
	size_t groups_n;
	size_t *by_path; /* of v: by path, and by row; NULL: nothing was read */
	bool *seen;      /* of the first of each path there */
	struct prs_buf text;
};

/* Append them; those that follow the last ones make these longer. `last`: where those begin in `to`, SIZE_MAX: nowhere
 * yet. A buffer that cannot grow says so itself. */
void prs_rows_list_put(struct prs_buf *to, size_t *last, const struct prs_rows_at *rows);
/* A file with rows of a partition. */
void prs_rows_list_put_file(struct prs_buf *to, const char *path);
void prs_rows_list_put_column(struct prs_buf *to, const char *name, const char *type, uint64_t nulls);
void prs_rows_list_put_group(struct prs_buf *to, const char *keys, size_t keys_bytes, uint64_t global_row);
/* Of a file with them. PRS_ECORRUPT: it is another one. */
int prs_rows_list_read(struct prs_rows_list *l, const struct prs_fs *fs, const char *path, struct prs_err *err);
/* The same once; never where there is no such file (NULL). */
int prs_rows_list_once(struct prs_rows_list *l, const struct prs_fs *fs, const char *path, struct prs_err *err);
void prs_rows_list_done(struct prs_rows_list *l);
/* These files are there; when all are, none that is wanted may be missing (PRS_EINPUT_CHANGED). */
int prs_rows_list_see(struct prs_rows_list *l, const struct prs_cut_files *f, struct prs_err *err);
int prs_rows_list_all_seen(const struct prs_rows_list *l, struct prs_err *err);
/* Those of a file, by row: by_path[*ret] and behind it, as many as are returned. */
size_t prs_rows_list_of(const struct prs_rows_list *l, const char *path, size_t *ret);
/* NULL: the column was not there. */
const struct prs_column_wanted *prs_rows_list_column(const struct prs_rows_list *l, const char *name);
/* NULL: nobody wants it. */
const struct prs_group_wanted *prs_rows_list_group(const struct prs_rows_list *l, const char *keys, size_t keys_bytes);

#endif
