/* SPDX-License-Identifier: Apache-2.0
 * table_scan: one file of a table, read block by block by the scanner, from a record on to its end. A file that is at
 * its end not as it was at its beginning is PRS_EINPUT_CHANGED. The text of a file that cannot be read where it lies
 * goes into the spool meanwhile, all of it: where it begins there is added to what the scanner says.
 */
#ifndef PRS_DATA_TABLE_SCAN_H
#define PRS_DATA_TABLE_SCAN_H

#include "data/spool.h"
#include "data/table.h"
#include "data/warnings.h"

struct prs_table_scan {
	const struct prs_fs *fs;
	const struct prs_table_input *in;
	struct prs_warnings *warnings;
	uint8_t *block;
	struct prs_source *source; /* NULL: no file is open */
	struct prs_scan scan;
	bool has_warned; /* of a line end in quotes */
	bool spool_all;  /* also what could be read where it lies */
	struct prs_spool spool;
	uint64_t base, spooled; /* where the text begins in the spool; so much of it is there */
};

/* `spool`: the path of that file, as in prs_list_input. < 0: no memory. */
int prs_table_scan_init(struct prs_table_scan *t, const struct prs_fs *fs, const struct prs_table_input *in,
                        const char *spool, struct prs_warnings *warnings);
void prs_table_scan_done(struct prs_table_scan *t);
/* Frees `path`; NULL = no memory. */
int prs_table_scan_open(struct prs_table_scan *t, char *path, struct prs_err *err);
/* Does the text of the open file go into the spool? */
bool prs_table_scan_is_spooled(const struct prs_table_scan *t);
/* From the record at `offset` on, slices of so many bytes and rows. */
void prs_table_scan_begin(struct prs_table_scan *t, uint64_t offset, uint64_t max_bytes, uint64_t max_rows,
                          prs_slice_fn *fn, void *ctx);
/* The next block: 1 = there may be more, 0 = that was the end, and the file is as it was. It stays open. */
int prs_table_scan_step(struct prs_table_scan *t, struct prs_err *err);
void prs_table_scan_close(struct prs_table_scan *t);
/* PRS_EINPUT_CHANGED unless the open file has that size and mtime; `since`: "when ..." */
int prs_table_scan_check(const struct prs_table_scan *t, uint64_t size, uint64_t mtime_us, const char *since,
                         struct prs_err *err);

#endif
