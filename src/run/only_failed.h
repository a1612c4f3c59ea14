/* SPDX-License-Identifier: Apache-2.0
 * only_failed: the items that failed in a run as the input of a job (--only-failed RUN).
 */
#ifndef PRS_RUN_ONLY_FAILED_H
#define PRS_RUN_ONLY_FAILED_H

#include "base/buf.h"
#include "run/runs.h"
#include "spec/placed.h"

struct prs_only_failed;

/* Reads the run that is named. NULL: err. */
struct prs_only_failed *prs_only_failed_read(const struct prs_fs *fs, const char *runs, const char *word,
                                             struct prs_err *err);
/* A script without --input: the inputs of that run. */
int prs_only_failed_inputs(const struct prs_only_failed *o, struct prs_request *q, struct prs_err *err);
/* Every input of the checked job is cut down to the items that failed. What cannot be taken is a mistake: a line in
 * `mistakes`, counted by the value returned. */
unsigned prs_only_failed_choose(struct prs_only_failed *o, struct prs_job *j, struct prs_buf *mistakes);
/* What a person must know, a line each: items that cannot be taken, a run that has not ended. */
void prs_only_failed_notes(const struct prs_only_failed *o, struct prs_buf *to);
/* The job is placed: its output must not be the one of that run. */
int prs_only_failed_check_output(const struct prs_only_failed *o, const struct prs_placed *p, struct prs_err *err);
/* Nothing failed: the sentence that says so in `to`. */
bool prs_only_failed_none(const struct prs_only_failed *o, struct prs_buf *to);
void prs_only_failed_free(struct prs_only_failed *o);

#endif
