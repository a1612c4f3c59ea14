/* SPDX-License-Identifier: Apache-2.0
 * past: HEAD, STATE, STEP and SET are what a pipeline journals; another fact there is damage.
 */
#include "pipeline/past.h"

#include "base/mem.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

int prs_pipeline_past_init(struct prs_pipeline_past *v, const struct prs_pipeline *p, struct prs_err *err)
{
	*v = (struct prs_pipeline_past){ .pipeline = p, .steps = prs_calloc(p->steps_n + 1, sizeof *v->steps) };
	return v->steps ? 0 : prs_fail(err, PRS_ENOMEM, "the steps of a pipeline");
}

void prs_pipeline_past_done(struct prs_pipeline_past *v) { prs_freep(&v->steps); }

static void fold_times(struct prs_pipeline_past *v, const struct prs_fact *f)
{
	v->first_us = v->first_us ? v->first_us : f->time_us;
	if (f->type == PRS_FACT_HEAD) { /* the clock may have been set back since */
		v->before_us += v->last_us > v->head_us ? v->last_us - v->head_us : 0;
		v->head_us = v->last_us = f->time_us;
	}
	v->last_us = f->time_us > v->last_us ? f->time_us : v->last_us;
}

static int fold_step(struct prs_pipeline_past *v, const struct prs_fact *f, struct prs_err *err)
{
	PRS_AUTOFREE char *name = prs_strf("%.*s", (int)f->u.step.step.n, f->u.step.step.p);
	int64_t i = name ? prs_pipeline_find(v->pipeline, name) : -1;
	if (i < 0 || f->u.step.state >= PRS_STEP_STATES)
		return prs_fail(err, PRS_ECORRUPT,
		                "STEP names the step \"%s\" in state %u, which the pipeline does not have",
		                name ? name : "", f->u.step.state);
	struct prs_step_past *s = &v->steps[i];
	s->state = (enum prs_step_state)f->u.step.state;
	if (s->state == PRS_STEP_RUNNING) {
		s->began_us = f->time_us;
		s->ended_us = 0;
	} else if (s->state == PRS_STEP_WAITING) {
		s->began_us = s->ended_us = 0;
		s->retry = true;
	} else {
		s->ended_us = f->time_us;
		s->retry = false;
	}
	if (s->state == PRS_STEP_RUNNING || s->state == PRS_STEP_DONE || s->state == PRS_STEP_REUSED) {
		memcpy(s->print, f->u.step.print, sizeof s->print);
		memcpy(s->result, f->u.step.result, sizeof s->result);
	}
	snprintf(s->reused, sizeof s->reused, "%.*s", (int)f->u.step.reused.n, f->u.step.reused.p);
	snprintf(s->why, sizeof s->why, "%.*s", (int)f->u.step.why.n, f->u.step.why.p);
	return 0;
}

static int fold_state(struct prs_pipeline_past *v, const struct prs_fact *f, struct prs_err *err)
{
	if (f->u.state.to >= PRS_JOB_STATES)
		return prs_fail(err, PRS_ECORRUPT, "STATE names job state %u", f->u.state.to);
	v->job = (enum prs_job_state)f->u.state.to;
	v->code = f->u.state.code;
	snprintf(v->cause, sizeof v->cause, "%.*s", (int)f->u.state.text.n, f->u.state.text.p);
	return 0;
}

static bool is_text(struct prs_text t, const char *s) { return t.n == strlen(s) && !memcmp(t.p, s, t.n); }

int prs_pipeline_past_fold(struct prs_pipeline_past *v, const struct prs_fact *f, struct prs_err *err)
{
	fold_times(v, f);
	if (f->type == PRS_FACT_STEP)
		return fold_step(v, f, err);
	if (f->type == PRS_FACT_STATE)
		return fold_state(v, f, err);
	if (f->type == PRS_FACT_HEAD) {
		if (!v->lives++)
			memcpy(v->print, f->u.head.job_print, sizeof v->print);
		return 0;
	}
	if (f->type == PRS_FACT_SET) {
		if (is_text(f->u.set.key, "overwrite"))
			v->overwrite = is_text(f->u.set.new_, "true");
		return 0;
	}
	return prs_fail(err, PRS_ECORRUPT, "%s in the journal of a pipeline", prs_fact_name((int)f->type));
}

size_t prs_pipeline_past_count(const struct prs_pipeline_past *v, enum prs_step_state state)
{
	size_t n = 0;
	for (size_t i = 0; i < v->pipeline->steps_n; i++)
		n += v->steps[i].state == state;
	return n;
}

struct prs_pipeline *prs_pipeline_read(const struct prs_fs *fs, const char *dir, struct prs_err *err)
{
	PRS_AUTOBUF json;
	prs_buf_init(&json, PRS_PIPELINE_BYTES_MAX);
	PRS_AUTOFREE char *path = prs_strf("%s/pipeline.json", dir);
	if (!path) {
		prs_fail(err, PRS_ENOMEM, "pipeline.json");
		return NULL;
	}
	int r = prs_read_own_file(fs, path, &json, err);
	if (r == -PRS_ENOTFOUND)
		prs_fail(err, PRS_ENOTFOUND,
		         "this run folder is only half made: it has no pipeline.json. prs was stopped while it made "
		         "it, nothing ran: start a new run (prs clean removes this one)");
	if (r < 0)
		return NULL;
	struct prs_pipeline *p = prs_pipeline_from_json((const char *)json.data, json.len, err);
	if (!p)
		prs_wrap(err, "%s", path);
	return p;
}
