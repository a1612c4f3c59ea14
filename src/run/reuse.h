/* SPDX-License-Identifier: Apache-2.0
 * reuse: what the engine of a pipeline must be told to know whether a step is as an earlier one was.
 */
#ifndef PRS_RUN_REUSE_H
#define PRS_RUN_REUSE_H

#include "pipeline/engine.h"
#include "run/front.h"

struct prs_reuse_facts {
	struct prs_pipeline_python *pythons;
	size_t pythons_n;
	uint8_t defaults[16]; /* of the nearest prs.yml and the user's own */
};

/* Runs each interpreter of the steps once. Done either way. */
int prs_reuse_facts(struct prs_reuse_facts *r, const struct prs_front *f, const struct prs_pipeline *p,
                    struct prs_err *err);
void prs_reuse_facts_done(struct prs_reuse_facts *r);
/* The run of a parallel step: completed, no item failed, nothing of it was changed while it ran. */
int prs_reuse_check_clean(const struct prs_fs *fs, const char *step_dir, struct prs_err *err);

#endif
