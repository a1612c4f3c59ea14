/* SPDX-License-Identifier: Apache-2.0
 * variables: what the worker processes find in their environment.
 */
#ifndef PRS_RUN_VARIABLES_H
#define PRS_RUN_VARIABLES_H

#include "spec/placed.h"

/* NAME=VALUE of a run's workers into `ret`; the values of CUDA_VISIBLE_DEVICES to hand out to the processes in turn
 * into `ret_gpus` (empty: it is left as it is). `dir` and `name` are the run's. */
int prs_make_environment(const struct prs_placed *p, const char *dir, const char *name, struct prs_list *ret,
                         struct prs_list *ret_gpus);

/* One more, in the place of what is there by that name: a variable that is given twice is another one to every
 * program. */
int prs_environment_set(struct prs_list *l, const char *name, const char *value);

#endif
