/* SPDX-License-Identifier: Apache-2.0
 * footers: what the engine asks a process of the job's Python about Parquet files, and what that answers.
 *
 * A stream socket; frame: len u32 (bytes behind it, at most 64 MiB) · payload. Little-endian.
 *
 *  process                                  engine
 *    HELLO            ->                                0 u8 · protocol u32 (1) · version of pyarrow, a text
 *                     <-  ASK                           flags u32 (1: nulls) · count u32 · count paths, a text each
 *    FOOTER           ->                                for each path, in their order: 0 u8 · size u64 · mtime u64 (µs)
 *                                                       · schema u32 · groups u32 · columns u32 · nulls u32 ·
 *                                                       columns (name, type: a text each) · nulls u64 each · groups
 *                                                       (rows u64 · bytes u64, not compressed)
 *
 * text:   u32 length + bytes, no NUL among them.
 * schema: number of a distinct one, from 0. Its columns stand where it is new (a file without columns has none, each
 *         time); else columns is 0.
 * nulls:  as many as columns, asked for or 0: how many the footer counts in each column.
 *                     <-  ASK                           flags u32 (2: rows) · 1 u32 · path, a text · first row u64 ·
 *                                                       rows u32: for prs plan
 *    ROWS             ->                                0 u8 · JSON, a text: a list of objects, a text or null for each
 *                                                       column
 * Instead of a HELLO, a FOOTER or ROWS: 1 u8 · a text that says why there is none.
 *
 * Failure: what breaks these rules is PRS_EHELPER.
 */
#ifndef PRS_WIRE_FOOTERS_H
#define PRS_WIRE_FOOTERS_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

enum {
	PRS_FOOTERS_PROTOCOL = 1,
	PRS_FOOTERS_HEADER_BYTES = 4,
	PRS_FOOTERS_FRAME_MAX = 64 << 20,
	PRS_FOOTERS_NULLS = 1,
	PRS_FOOTERS_ROWS = 2
};
/* Rows of a file, at most: more is no count. */
#define PRS_FOOTER_ROWS_MAX ((uint64_t)1 << 40)

/* Points into the frame. */
struct prs_footers_text {
	const char *p; /* no NUL among them, none behind */
	uint32_t n;
};

struct prs_footer {
	bool refused;
	struct prs_footers_text why; /* refused */
	uint64_t size, mtime_us;
	uint64_t rows; /* of all groups */
	uint32_t schema, groups, columns, nulls;
	const uint8_t *columns_at, *nulls_at, *groups_at;
};

struct prs_footer_group {
	uint64_t rows, bytes;
};

/* A frame that asks for files: its head, a path for each, and at the end how many there are. */
int prs_footers_put_ask(struct prs_buf *b, uint32_t flags);
int prs_footers_put_path(struct prs_buf *b, const char *path);
void prs_footers_end_ask(struct prs_buf *b, uint32_t count);

/* The whole frame that asks for rows of a file. */
int prs_footers_put_rows(struct prs_buf *b, const char *path, uint64_t first, uint32_t rows);

/* Payloads. *ret_why: NULL p, or why there will be no answers. */
int prs_footers_get_hello(const uint8_t *p, size_t n, struct prs_footers_text *ret_why, struct prs_err *err);
int prs_footers_get(const uint8_t *p, size_t n, struct prs_footer *ret, struct prs_err *err);
int prs_footers_get_rows(const uint8_t *p, size_t n, struct prs_footers_text *ret, struct prs_err *err);
struct prs_footer_group prs_footer_group(const struct prs_footer *f, uint32_t i);
/* The nulls of column i; 0 when they were not asked for. */
uint64_t prs_footer_nulls(const struct prs_footer *f, uint32_t i);
/* The next text of `columns`, which begins at f->columns_at: name, type, name, type ... */
struct prs_footers_text prs_footers_next(const uint8_t **at);

#endif
