/* SPDX-License-Identifier: Apache-2.0
 * start: from a run folder whose job is known to a running engine.
 */
#ifndef PRS_RUN_START_H
#define PRS_RUN_START_H

#include "master/engine.h"
#include "master/table_writer.h"
#include "run/front.h"
#include "run/runs.h"

#include <limits.h>

/* Where this program and its loader are. */
int prs_find_parts(char program[PATH_MAX], char loader[PATH_MAX], struct prs_err *err);
/* Runs the engine until it ends. `c` has the job, the placed job, what a resume changes and the callbacks; the rest
 * is filled in here. < 0: it could not be started. */
int prs_run_start(const struct prs_front *f, const struct prs_run *run, const struct prs_engine_config *c,
                  struct prs_engine_end *ret, struct prs_err *err);

/* The process that writes tables of this run, for a command that has them written; `w` is ended either way. */
int prs_run_begin_writer(const struct prs_front *f, const struct prs_run *run, const struct prs_placed *p,
                         enum prs_output_format format, const struct prs_list *types, struct prs_table_writer *w,
                         struct prs_err *err);

#endif
