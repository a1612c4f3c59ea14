/* SPDX-License-Identifier: Apache-2.0
 * rows_list: rows of text files that another run planned, in the order of its input: what of a table is to run again
 * (only-<i>.list, docs/formats.md).
 */
#ifndef PRS_DATA_ROWS_LIST_H
#define PRS_DATA_ROWS_LIST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "data/plan.h"

struct prs_rows_wanted {
	const char *path;               /* absolute */
	uint64_t row, rows, global_row; /* from 0; in the file and over the input */
	uint64_t hint_row, offset;      /* a row before them, or the first, and where its record begins ... */
	uint64_t size, mtime_us;        /* ... in the file as it was then */
};

struct prs_rows_list {
	struct prs_rows_wanted *v;
	size_t n;
	struct prs_buf text;
};

/* Append them; those that follow the last ones make these longer. `last`: where those begin in `to`, SIZE_MAX: nowhere
 * yet. A buffer that cannot grow says so itself. */
void prs_rows_list_put(struct prs_buf *to, size_t *last, const struct prs_rows_at *rows);
/* Of a file with them. PRS_ECORRUPT: it is another one. */
int prs_rows_list_read(struct prs_rows_list *l, const struct prs_fs *fs, const char *path, struct prs_err *err);
void prs_rows_list_done(struct prs_rows_list *l);

#endif
