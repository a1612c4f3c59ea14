/* SPDX-License-Identifier: Apache-2.0
 * folder: the run folder of a checked job: made, and read back.
 */
#ifndef PRS_RUN_FOLDER_H
#define PRS_RUN_FOLDER_H

#include "run/front.h"
#include "run/only_failed.h"
#include "run/runs.h"
#include "spec/placed.h"

/* Makes a folder in `runs` with everything that the run is: RUN, code, lists, job.json. On failure nothing is left
 * of it; so too when a signal ends the program meanwhile. `only` may be NULL. `p` is filled, and done either way. */
int prs_run_make(const struct prs_front *f, const struct prs_job *j, const char *runs,
                 const struct prs_only_failed *only, struct prs_run *run, struct prs_placed *p, struct prs_err *err);
/* job.json of a run folder. `j` is empty (prs_job_init), both are done either way. */
int prs_run_read_job(const struct prs_fs *fs, struct prs_job *j, struct prs_placed *p, const char *dir,
                     struct prs_err *err);
/* What the folder of the script holds now, in the folder `name` of the run folder, which is made. */
int prs_run_take_code(const struct prs_front *f, const struct prs_placed *p, const char *dir, const char *name,
                      struct prs_err *err);
void prs_remove_tree(const char *dir);

#endif
