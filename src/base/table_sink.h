/* SPDX-License-Identifier: Apache-2.0
 * table_sink: what takes the tables of mini-batches, one after the other, and makes a file of them.
 *
 * schema() for each distinct one, then begin(), then for each mini-batch rows() and its bytes() in pieces, then end().
 * Functions return 0 or a negative code, with its sentence; after a failure none is called any more.
 */
#ifndef PRS_BASE_TABLE_SINK_H
#define PRS_BASE_TABLE_SINK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prs_table_sink {
	void *ctx;
	/* The next schema, from number 0 on; `id`: the first mini-batch that has it. */
	int (*schema)(void *ctx, uint64_t id, const void *bytes, size_t n, struct prs_err *err);
	/* All of them were told. The file is there, empty, and is this one (dev, ino). */
	int (*begin)(void *ctx, const char *path, uint64_t dev, uint64_t ino, struct prs_err *err);
	/* After begin(): has this schema other columns than the first one? */
	bool (*differs)(void *ctx, uint32_t schema);
	int (*rows)(void *ctx, uint64_t id, uint32_t schema, uint64_t bytes, struct prs_err *err);
	int (*bytes)(void *ctx, const void *p, size_t n, struct prs_err *err);
	/* The file is written and closed, not synced; how many rows it has. */
	int (*end)(void *ctx, uint64_t *ret_rows, struct prs_err *err);
};

#endif
