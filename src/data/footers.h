/* SPDX-License-Identifier: Apache-2.0
 * footers: who reads the footers of Parquet files for a cutter: a process (master/footers.c), or a test. Frames of
 * wire/footers.h go out and come in.
 */
#ifndef PRS_DATA_FOOTERS_H
#define PRS_DATA_FOOTERS_H

#include "base/buf.h"
#include "base/err.h"

struct prs_footers {
	void *ctx;
	/* A whole ASK frame. `about`: its first file, for messages. */
	int (*ask)(void *ctx, const struct prs_buf *frame, const char *about, struct prs_err *err);
	/* The payload of the next answer in place of what `to` holds. */
	int (*answer)(void *ctx, struct prs_buf *to, const char *about, struct prs_err *err);
};

#endif
