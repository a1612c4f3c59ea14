/* SPDX-License-Identifier: Apache-2.0
 * stub_table: what the stub makes of a task whose items are rows of text files: a row "file:number: record" for each,
 * "record" for those in a spool.
 */
#ifndef PRS_STUB_TABLE_H
#define PRS_STUB_TABLE_H

#include "base/buf.h"
#include "wire/msg.h"

#include <stdbool.h>

struct stub_table {
	const char *run_folder;
	void (*meet)(const char *record); /* before anything else is made of it */
	/* what came of it */
	struct prs_buf *rows;
	uint32_t returned, removed; /* rows; removed: "gone" before run() */
	bool fail;
	uint16_t code; /* 0: none of these errors */
	uint32_t bad_item;
	char message[512];
};

/* The body of a task of kind PRS_TASK_SLICES. A record with the word GONE is left out before run(), one with SHORT has
 * no row, one with MISFIT is VALUE_MISFIT, one with FAIL fails the try; a file that is not as the plan says is
 * INPUT_MOVED. */
void stub_table_run(struct stub_table *s, const struct prs_task *t, const uint8_t *body, size_t n);

#endif
