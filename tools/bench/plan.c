/* SPDX-License-Identifier: Apache-2.0
 * What the engine's lister thread and its loop do for an input, without the rest: plan FOLDER FILE PER [KEYS [csv]]:
 * list, sort, plan block, write, sync, feed. KEYS: of folders named key=value, with commas; csv: the files are tables.
 */
#include "data/list.h"
#include "data/plan.h"
#include "io/fs_posix.h"
#include "store/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 << 10 }; /* as master/plan.c */

static int block(struct prs_lister *l, struct prs_log *log, struct prs_buf *frame, struct prs_plan *plan,
                 struct prs_err *err)
{
	int more;
	prs_log_begin(frame);
	do
		more = prs_list_next(l, frame, err);
	while (more == 1 && frame->len < BLOCK_BYTES);
	if (more < 0 || prs_log_commit(log, frame, prs_log_place(log, frame), err) < 0)
		return -1;
	return prs_plan_feed(plan, frame->data + PRS_FRAME_HEADER_BYTES, frame->len - PRS_FRAME_HEADER_BYTES, err) < 0
	               ? -1
	               : more;
}

/* The words of KEYS. */
static int split(char *words, struct prs_list *to)
{
	for (char *word = strtok(words, ","); word; word = strtok(NULL, ","))
		if (prs_list_add(to, word) < 0)
			return -PRS_ENOMEM;
	return 0;
}

int main(int argc, char **argv)
{
	struct prs_err err = { 0 };
	struct prs_log log;
	struct prs_run_id run = { { 0 } };
	struct prs_buf frame;
	struct prs_list keys = { 0 };
	struct prs_table_input csv = { .format = PRS_TABLE_DELIMITED, .delimiter = ',' };
	if (argc < 4 || (argc > 4 && split(argv[4], &keys) < 0))
		return 2;
	struct prs_list_input in = { .name = "input",
		                     .path = argv[1],
		                     .size = { PRS_SIZE_ITEMS, strtoull(argv[3], NULL, 10) },
		                     .keys = &keys,
		                     .table = argc > 5 ? &csv : NULL };
	struct prs_lister *l = prs_lister_new(&prs_fs_posix, &in, 1);
	struct prs_plan *plan = prs_plan_new();
	prs_buf_init(&frame, PRS_FRAME_MAX_BYTES);
	int more = l && plan && prs_log_create(&log, &prs_fs_posix, argv[2], PRS_FILE_PLAN, &run, 0, &err) >= 0 ? 1
	                                                                                                        : -1;
	while (more == 1)
		more = block(l, &log, &frame, plan, &err);
	if (more < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	printf("%llu\n", (unsigned long long)prs_plan_files(plan));
	return 0;
}
