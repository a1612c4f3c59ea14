/* SPDX-License-Identifier: Apache-2.0
 * pipeline: the run folder of a pipeline, made and read back; its engine started; and what the process of a parallel
 * step does.
 */
#ifndef PRS_RUN_PIPELINE_H
#define PRS_RUN_PIPELINE_H

#include "master/engine.h"
#include "pipeline/engine.h"
#include "run/front.h"
#include "run/runs.h"

/* Makes a folder in `runs` with everything that the pipeline is: RUN, snapshots/, pipeline.json. `p` has been checked:
 * its steps get the numbers of their snapshots. On failure nothing is left of it. */
int prs_pipeline_make(const struct prs_front *f, struct prs_pipeline *p, const char *runs, struct prs_run *run,
                      struct prs_err *err);
/* Runs the engine until it ends. `c` has the pipeline, what a resume changes and the callbacks; the rest is filled in
 * here. < 0: it could not be started. */
int prs_pipeline_start(const struct prs_front *f, const struct prs_run *run, const struct prs_pipeline_config *c,
                       struct prs_pipeline_end *ret, struct prs_err *err);

/* ---- those who look ---------------------------------------------------------------------------------------------- */

struct prs_pipeline_view {
	struct prs_pipeline *pipeline;
	struct prs_pipeline_past past;
	bool running, unknown; /* an engine holds the lock; whether one does cannot be known here */
	bool half_made;
	char owner[320];
};

/* Reads it without changing anything; done either way. A half-made one has no pipeline. */
int prs_pipeline_view_read(struct prs_pipeline_view *v, const struct prs_fs *fs, const struct prs_run *run,
                           struct prs_err *err);
void prs_pipeline_view_done(struct prs_pipeline_view *v);
/* Where an output of a step is: of a reused one in the run that it comes from. The caller frees; NULL = it is not
 * known. */
char *prs_pipeline_view_output(const struct prs_pipeline_view *v, const struct prs_fs *fs, const struct prs_run *run,
                               size_t step, size_t output);
/* As prs_view_state(). */
const char *prs_pipeline_view_state(const struct prs_pipeline_view *v);
uint64_t prs_pipeline_view_duration_us(const struct prs_pipeline_view *v, uint64_t now_us);

/* ---- the process of a parallel step ------------------------------------------------------------------------------ */

/* Makes or resumes the run folder steps/<folder> of the pipeline in `dir` and runs its engine; waits before that until
 * nobody else works in it. `c` has the callbacks. < 0: it could not be started (err). */
int prs_pipeline_step(const struct prs_front *f, const char *dir, const char *folder, bool retry,
                      const struct prs_engine_config *c, struct prs_engine_end *ret, struct prs_err *err);

#endif
