/* SPDX-License-Identifier: Apache-2.0
 * flow: which step of a pipeline runs when, and what follows when one ends.
 *
 * prs_flow_step(event) -> effects. No clock, no I/O, no memory after prs_flow_new(): effects go into room of the flow's
 * own. The caller journals each STATE effect (STEP fact); what a step then reads is durable before START of its
 * consumers is carried out.
 *
 * A step is ready when all that it needs is done or reused. Ready steps start in the order of the pipeline; one that
 * does not fit into the budget waits, and none passes it; one that is as large as the machine or larger runs alone.
 * A step that failed: without `continues` running steps are stopped, the others canceled; with it those that need it,
 * and those that need them, are skipped. The pipeline has failed either way.
 * (Rules of docs/design/pipelines.md.)
 */
#ifndef PRS_FLOW_FLOW_H
#define PRS_FLOW_FLOW_H

#include "base/err.h"
#include "wire/states.h"

#include <stdint.h>

struct prs_flow_item {
	uint32_t cores;        /* of the budget; 0 = all */
	const uint32_t *needs; /* numbers of steps; copied */
	uint32_t needs_n;
};

enum prs_flow_event_type {
	PRS_FLOW_BEGIN,       /* once, behind all restored states */
	PRS_FLOW_BEGUN,       /* step: the answer to START: it runs */
	PRS_FLOW_REUSED,      /* step: the answer to START: an earlier result is its result */
	PRS_FLOW_DONE,        /* step: ended well */
	PRS_FLOW_FAILED,      /* step: ended badly, or could not be begun */
	PRS_FLOW_INTERRUPTED, /* step: it can go on later; when nobody stopped it the pipeline stops, to be resumed */
	PRS_FLOW_STOP,        /* nothing new begins, what runs is stopped, all can be resumed */
	PRS_FLOW_CANCEL       /* the same, and the pipeline is canceled */
};

struct prs_flow_event {
	enum prs_flow_event_type type;
	uint32_t step;
};

enum prs_flow_effect_type {
	PRS_FLOW_START, /* step: begin it, or find that an earlier result does; an answer must come */
	PRS_FLOW_HALT,  /* step: make it end, resumably; DONE, FAILED or INTERRUPTED must come */
	PRS_FLOW_STATE, /* step, from, to: journal it */
	PRS_FLOW_END    /* end: nothing runs any more; the last effect */
};

enum prs_flow_end { PRS_FLOW_COMPLETED, PRS_FLOW_HAS_FAILED, PRS_FLOW_IS_CANCELED, PRS_FLOW_CAN_RESUME };

struct prs_flow_effect {
	enum prs_flow_effect_type type;
	uint32_t step;
	enum prs_step_state from, to;
	enum prs_flow_end end;
};

struct prs_flow; /* opaque */

/* `budget`: cores. PRS_EINVALID: a step needs itself, directly or not, or one that is not there. */
int prs_flow_new(struct prs_flow **ret, const struct prs_flow_item *steps, uint32_t n, uint32_t budget, bool continues,
                 struct prs_err *err);
void prs_flow_free(struct prs_flow *f);
/* A state that the journal has, before BEGIN. What ran when its engine ended is begun again. */
void prs_flow_restore(struct prs_flow *f, uint32_t step, enum prs_step_state state);
/* resume --retry-failed, before BEGIN: failed, skipped and canceled steps wait again. The STATE effects of it come with
 * BEGIN. */
void prs_flow_retry(struct prs_flow *f);
/* The effects are the flow's, until the next call. */
const struct prs_flow_effect *prs_flow_step(struct prs_flow *f, const struct prs_flow_event *e, uint32_t *n);
enum prs_step_state prs_flow_state(const struct prs_flow *f, uint32_t step);
/* The first step that a waiting or ready one waits for (one that it needs, or that has the budget); n = for nothing. */
uint32_t prs_flow_waits_for(const struct prs_flow *f, uint32_t step);

#endif
