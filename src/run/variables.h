/* SPDX-License-Identifier: Apache-2.0
 * variables: what the worker processes find in their environment.
 */
#ifndef PRS_RUN_VARIABLES_H
#define PRS_RUN_VARIABLES_H

#include "spec/placed.h"

/* NAME=VALUE of a run's workers into `ret`, but for what is of the machine (node/here.h). `dir` and `name` are the
 * run's; `code` is the working copy of the script's folder. */
int prs_make_environment(const struct prs_placed *p, const char *dir, const char *code, const char *name,
                         struct prs_list *ret);

#endif
