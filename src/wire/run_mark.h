/* SPDX-License-Identifier: Apache-2.0
 * run_mark: whose a process is: the value of PRS_RUN, which every worker carries and hands on to what it starts:
 * `<id>.<inode of the run folder>.<epoch>.<node>.<incarnation of the node>`, the id as 32 hex digits.
 *
 * The inode tells a copy of a run folder from the original, whose id it has too; a folder that was renamed keeps it.
 * (No device number: that of a network file system may differ between machines and boots.)
 */
#ifndef PRS_WIRE_RUN_MARK_H
#define PRS_WIRE_RUN_MARK_H

#include "wire/frame.h"

#include <stdbool.h>

enum { PRS_RUN_MARK_BYTES = 96 };

struct prs_run_mark {
	struct prs_run_id run;
	uint64_t ino;
	uint32_t epoch;
	uint16_t node;
	uint32_t incarnation;
};

void prs_run_mark_put(char to[PRS_RUN_MARK_BYTES], const struct prs_run_mark *m);
/* The mark at the beginning of a text; what lies behind it does not matter. */
bool prs_run_mark_get(const char *text, struct prs_run_mark *ret);
/* Of the same run folder, but of an epoch before, or of an earlier incarnation of the same node in this one: what
 * has to go before `than` begins. */
bool prs_run_mark_is_older(const struct prs_run_mark *m, const struct prs_run_mark *than);

#endif
