/* SPDX-License-Identifier: Apache-2.0
 * scan: where the records of a text table end, found in one pass over its bytes, and the slices that mini-batches are.
 *
 * Delimited text (the field-start rule, as the parsers of pandas, pyarrow and Python's csv have it): a quote opens only
 * at the start of a field; a quote in mid-field is text; inside quotes "" is a quote; behind the closing quote the rest
 * of the field is text; \n, \r\n and a lone \r outside quotes end a record. Lines (JSON lines): \n ends a record,
 * nothing else. A record without a byte (lines: without a byte that is not white space) is no row.
 *
 * A slice is whole records of one file that follow each other: as many as fit into max_bytes (one record may be
 * larger), or max_rows rows. It begins and ends with a row; records that are no rows may stand between. At a record
 * boundary the scanner's state is empty: a scan that begins where a slice ends finds the slices that follow it.
 */
#ifndef PRS_DATA_SCAN_H
#define PRS_DATA_SCAN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prs_slice {
	uint64_t offset, bytes; /* in the file */
	uint64_t rows;
};

struct prs_scan_options {
	bool lines;          /* else delimited */
	char delimiter;      /* one byte of ASCII, no quote, \r or \n */
	bool scalar;         /* without vector instructions (tests) */
	uint64_t max_bytes;  /* of a slice; UINT64_MAX: no limit */
	uint64_t max_rows;   /* of a slice; UINT64_MAX: no limit */
	uint64_t max_record; /* bytes of one record: a longer one is PRS_ELIMIT, behind the slice in front of it */
};

enum { PRS_SCAN_NONE = 0 }; /* offset that says: none */

/* A complete slice; < 0 ends the scan with that code. */
typedef int prs_slice_fn(void *ctx, const struct prs_slice *slice, struct prs_err *err);

struct prs_scan {
	struct prs_scan_options o;
	prs_slice_fn *fn;
	void *ctx;
	uint64_t at;           /* offset of the next byte that is fed */
	uint64_t record;       /* where the record begins that is not complete */
	uint64_t mark;         /* where the quote opened (QUOTED), closed (CLOSED), where the \r stands (CR) */
	uint64_t opened;       /* where the last quote opened */
	uint64_t end;          /* behind the last row of the slice */
	uint64_t first;        /* where the slice begins */
	uint64_t rows;         /* of the slice */
	uint64_t rows_all;     /* of the scan so far */
	uint64_t quoted_break; /* offset + 1 of the first line end inside quotes; PRS_SCAN_NONE: none so far */
	uint8_t state;
	uint8_t last; /* the byte before `at` */
};

/* A scan that begins at `offset`, which is the start of a record (behind a mark and the header). */
void prs_scan_init(struct prs_scan *s, const struct prs_scan_options *o, uint64_t offset, prs_slice_fn *fn, void *ctx);
/* The next n bytes. -PRS_ELIMIT: a record is longer than max_record (`record`: where it begins); or what fn
 * returned. */
int prs_scan_feed(struct prs_scan *s, const uint8_t *p, size_t n, struct prs_err *err);
/* The file ends here: the last slice. -PRS_EINVALID: a quote is still open (`opened`: where it opened;
 * the rows in front of its record were given). */
int prs_scan_finish(struct prs_scan *s, struct prs_err *err);

#endif
