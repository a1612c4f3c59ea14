/* SPDX-License-Identifier: Apache-2.0
 * journal: facts are gathered while the last group is being synced: steps that end together share a sync.
 */
#include "pipeline/impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void lost(struct engine *e, const struct prs_err *err)
{
	char text[512];
	snprintf(text, sizeof text, "the journal cannot be written: %.400s", err->msg);
	pipeline_let_go(e, (uint16_t)-err->code, text);
}

static void journal_work(struct prs_sync_job *job)
{
	struct group *g = (struct group *)job;
	prs_log_commit(&g->e->journal, &g->frame, g->offset, &g->err);
}

static void journal_done(struct prs_sync_job *job)
{
	struct group *g = (struct group *)job;
	struct engine *e = g->e;
	e->syncing = false;
	if (g->err.code) {
		lost(e, &g->err);
		return;
	}
	e->durable_seq++;
	g->any = false;
	prs_log_begin(&g->frame);
	if (__atomic_load_n(&e->journal.full, __ATOMIC_ACQUIRE))
		pipeline_stop(e, PRS_ENOSPACE, "the disk of the run folder is full");
	steps_durable(e);
	facts_flush(e);
}

void facts_begin(struct engine *e)
{
	for (int i = 0; i < 2; i++) {
		e->groups[i].e = e;
		prs_buf_init(&e->groups[i].frame, PRS_FRAME_MAX_BYTES);
		prs_log_begin(&e->groups[i].frame);
	}
	e->seq = 1;
}

void facts_put(struct engine *e, const struct prs_fact *f)
{
	struct group *g = &e->groups[e->filling];
	prs_fact_put(&g->frame, f);
	g->any = true;
}

void facts_flush(struct engine *e)
{
	struct group *g = &e->groups[e->filling];
	if (e->syncing || !g->any || e->over)
		return;
	g->offset = prs_log_place(&e->journal, &g->frame);
	g->job = (struct prs_sync_job){ .work = journal_work, .done = journal_done };
	e->filling ^= 1;
	e->seq++;
	e->syncing = true;
	prs_sync_put(e->sync, &g->job);
}

bool facts_idle(const struct engine *e) { return !e->syncing && !e->groups[e->filling].any; }

void facts_finish(struct engine *e)
{
	while (!facts_idle(e) && !e->over) {
		facts_flush(e);
		prs_sync_drain(e->sync);
	}
}

void facts_state(struct engine *e, enum prs_job_state to, uint16_t code, const char *text)
{
	assert(prs_arc_legal(PRS_MACHINE_JOB, (int)e->state, (int)to));
	struct prs_fact f = { .type = PRS_FACT_STATE, .time_us = prs_wall_us() };
	f.u.state.from = (uint8_t)e->state;
	f.u.state.to = (uint8_t)to;
	f.u.state.code = code;
	f.u.state.text = prs_text_of(text);
	facts_put(e, &f);
	e->state = to;
}

void facts_step(struct engine *e, const struct step *s, enum prs_step_state to)
{
	char run[600] = "";
	struct prs_fact f = { .type = PRS_FACT_STEP, .time_us = prs_wall_us() };
	if (s->is->kind == PRS_STEP_PARALLEL && to != PRS_STEP_REUSED)
		snprintf(run, sizeof run, "%s/%s", e->c.run_name, s->is->folder);
	f.u.step.step = prs_text_of(s->is->name);
	f.u.step.run_id = prs_text_of(run);
	f.u.step.state = (uint8_t)to;
	f.u.step.reused = prs_text_of(to == PRS_STEP_REUSED ? s->origin.name : "");
	if (to == PRS_STEP_RUNNING || to == PRS_STEP_DONE || to == PRS_STEP_REUSED)
		memcpy(f.u.step.print, s->print, sizeof s->print);
	if (to == PRS_STEP_DONE || to == PRS_STEP_REUSED)
		memcpy(f.u.step.result, s->result, sizeof s->result);
	f.u.step.why = prs_text_of(to == PRS_STEP_FAILED ? s->why : "");
	facts_put(e, &f);
}
