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
/* Where a parallel step of a pipeline has its run folder, its name (RUN/STEP), and its code: a copy, taken whole. */
struct prs_step_place {
	const char *dir, *name, *code; /* code NULL: the job's own folder */
};
int prs_run_make_step(const struct prs_front *f, const struct prs_job *j, const struct prs_step_place *at,
                      struct prs_run *run, struct prs_placed *p, struct prs_err *err);
/* A run folder that something else fills: RUN is to be the first that it makes. On failure, and when a signal comes,
 * nothing is left of it. */
struct prs_run_filling {
	const char *name;                /* without stamp */
	const struct prs_step_place *at; /* NULL: a new folder in `runs` */
	int (*fill)(void *ctx, const struct prs_front *f, struct prs_run *run, struct prs_err *err);
	void *ctx;
};
int prs_run_make_folder(const struct prs_front *f, const char *runs, const struct prs_run_filling *what,
                        struct prs_run *run, struct prs_err *err);
/* job.json of a run folder. `j` is empty (prs_job_init), both are done either way. */
int prs_run_read_job(const struct prs_fs *fs, struct prs_job *j, struct prs_placed *p, const char *dir,
                     struct prs_err *err);
/* What the folder of the script holds now, in the folder `name` of the run folder, which is made. */
int prs_run_take_code(const struct prs_front *f, const struct prs_placed *p, const char *dir, const char *name,
                      struct prs_err *err);
void prs_remove_tree(const char *dir);

#endif
