/* SPDX-License-Identifier: Apache-2.0
 * past: a pipeline as its journal tells it: the fold of its facts, for the engine that goes on and for those who look.
 */
#ifndef PRS_PIPELINE_PAST_H
#define PRS_PIPELINE_PAST_H

#include "base/fs.h"
#include "spec/pipeline.h"
#include "wire/facts.h"
#include "wire/states.h"

enum { PRS_STEP_WHY_BYTES = 300, PRS_STEP_ORIGIN_BYTES = 512 };

struct prs_step_past {
	enum prs_step_state state;
	bool retry;                         /* it was reset, and has not ended since */
	uint64_t began_us, ended_us;        /* wall time of its last begin and end, 0 = none */
	char why[PRS_STEP_WHY_BYTES];       /* it failed */
	char reused[PRS_STEP_ORIGIN_BYTES]; /* RUN/STEP that it was reused from; "" = it was not */
	uint8_t print[16], result[16];      /* of the step when it began; of its outputs; 0 = none */
};

struct prs_pipeline_past {
	const struct prs_pipeline *pipeline; /* the caller's */
	struct prs_step_past *steps;         /* as many as it has */
	enum prs_job_state job;
	uint16_t code;
	char cause[512];             /* of the last STATE */
	bool overwrite;              /* --overwrite of some life */
	uint8_t print[16];           /* of pipeline.json, by the first HEAD */
	uint64_t first_us, last_us;  /* wall time of the first fact, of the last one of the last life */
	uint64_t head_us, before_us; /* when the last life began; how long those before it were */
	uint32_t lives;
};

/* < 0: no memory; done either way. */
int prs_pipeline_past_init(struct prs_pipeline_past *v, const struct prs_pipeline *p, struct prs_err *err);
void prs_pipeline_past_done(struct prs_pipeline_past *v);
int prs_pipeline_past_fold(struct prs_pipeline_past *v, const struct prs_fact *f, struct prs_err *err);
/* Steps in that state. */
size_t prs_pipeline_past_count(const struct prs_pipeline_past *v, enum prs_step_state state);

/* pipeline.json of a run folder. NULL: err. The caller frees. */
struct prs_pipeline *prs_pipeline_read(const struct prs_fs *fs, const char *dir, struct prs_err *err);

#endif
