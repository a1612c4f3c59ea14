/* SPDX-License-Identifier: Apache-2.0
 * table: the first records of a file whose items are rows.
 */
#ifndef PRS_DATA_TABLE_H
#define PRS_DATA_TABLE_H

#include "base/err.h"
#include "base/fs.h"
#include "base/table.h"
#include "data/cells.h"
#include "data/header.h"
#include "data/scan.h"
#include "data/source.h"
#include "data/warnings.h"

#include <stdbool.h>
#include <stdint.h>

uint64_t prs_table_max_record(const struct prs_table_input *in);
size_t prs_table_block_bytes(const struct prs_table_input *in);
/* Bytes of the mark at the front of a file. */
size_t prs_table_mark(const struct prs_table_input *in, const uint8_t *p, size_t n);
/* In which its bytes are read: what becomes UTF-8 before is UTF-8. */
enum prs_encoding prs_table_encoding(const struct prs_table_input *in);
/* How its records are told apart; without limits of slices. */
struct prs_scan_options prs_table_scan_options(const struct prs_table_input *in);
/* Line ends in the n bytes at p, behind the byte `before`: \r\n is one. */
uint64_t prs_table_count_lines(const uint8_t *p, size_t n, uint8_t before);
/* The line, from 1, of a byte of a file's text. */
int prs_table_find_line(struct prs_source *source, uint64_t offset, uint64_t *ret, struct prs_err *err);
/* The same for a message; 0: it cannot be read. */
uint64_t prs_table_line(struct prs_source *source, uint64_t offset);
/* A line end in quotes, where it was written that there is none. */
void prs_table_warn_break(struct prs_source *source, uint64_t offset, struct prs_warnings *w);
/* What a scan of the text refused, with file and line in front: returns r. */
int prs_table_refused(struct prs_source *source, const struct prs_scan *s, int r, struct prs_err *err);

/* A record that is a row, or the header: its bytes with the line end, and where they lie. */
struct prs_table_record {
	const uint8_t *p;
	size_t n;
	uint64_t offset;
};
/* 1: that is enough; < 0: error. */
typedef int prs_table_record_fn(void *ctx, const struct prs_table_record *r, struct prs_err *err);
/* The first records of a file, until `fn` has enough of them or there are no more. */
int prs_table_head(struct prs_source *source, const struct prs_table_input *in, prs_table_record_fn *fn, void *ctx,
                   struct prs_err *err);

#endif
