/* SPDX-License-Identifier: Apache-2.0
 * engine: the loop of one pipeline: events of steps go to flow/, its effects are carried out here. What fails at the
 * start, and wherever, is unwound in one place (prs_pipeline_run()).
 */
#include "pipeline/impl.h"

#include "base/exits.h"
#include "base/mem.h"
#include "io/ctl.h"
#include "io/lock.h"
#include "io/process.h"
#include "io/strays.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define TICK_US UINT64_C(100000)
#define FENCE_US UINT64_C(500000)
enum { START_OVER = 1 };

/* ---- what is told ------------------------------------------------------------------------------------------------ */

void pipeline_cause(struct engine *e, uint16_t code, const char *text)
{
	e->end->code = code;
	snprintf(e->end->text, sizeof e->end->text, "%.500s", text);
}

static uint64_t ran_us(const struct step *s, uint64_t now_us)
{
	return s->started_us ? prs_since_us(s->started_us, now_us) : s->took_us;
}

static void fill_row(struct engine *e, uint32_t i)
{
	struct step *s = &e->steps[i];
	struct prs_pipeline_row *row = &e->rows[i];
	uint32_t waits = prs_flow_waits_for(e->flow, i);
	enum prs_step_state state = prs_flow_state(e->flow, i);
	*row = (struct prs_pipeline_row){ .step = s->is,
		                          .state = state,
		                          .starting = s->phase == STEP_WAITS || s->phase == STEP_PREPARING,
		                          .stopping = s->halted && s->phase == STEP_RUNS,
		                          .took_us = ran_us(s, prs_clock_us()),
		                          .has_progress = s->has_progress && s->phase == STEP_RUNS,
		                          .progress = s->progress,
		                          .why = state == PRS_STEP_FAILED ? s->why : "",
		                          .reused = state == PRS_STEP_REUSED && s->origin.name ? s->origin.name : "",
		                          .waits = waits < e->p->steps_n ? &e->p->steps[waits] : NULL };
}

void pipeline_fill_rows(struct engine *e)
{
	for (uint32_t i = 0; i < e->p->steps_n; i++)
		fill_row(e, i);
}

static void show_progress(struct engine *e)
{
	if (!e->c.progress)
		return;
	pipeline_fill_rows(e);
	e->c.progress(e->c.ctx, prs_since_us(e->started_us, prs_clock_us()), e->rows, e->p->steps_n);
}

static void put_event(struct engine *e, const struct step *s, enum prs_step_state to)
{
	PRS_AUTOBUF line;
	if (!e->c.event)
		return;
	prs_buf_init(&line, 64 << 10);
	prs_buf_puts(&line, "{\"type\":\"step\",\"time\":\"");
	prs_put_iso(&line, prs_wall_us());
	prs_buf_puts(&line, "\",\"step\":");
	prs_put_json(&line, s->is->name);
	prs_buf_putf(&line, ",\"state\":\"%s\"", prs_state_name(PRS_MACHINE_STEP, (int)to));
	if (to == PRS_STEP_FAILED) {
		prs_buf_puts(&line, ",\"why\":");
		prs_put_json(&line, s->why);
	}
	if (to == PRS_STEP_REUSED) {
		prs_buf_puts(&line, ",\"reused\":");
		prs_put_json(&line, s->origin.name);
	}
	prs_buf_putc(&line, '}');
	const char *text = prs_buf_str(&line);
	e->c.event(e->c.ctx, NULL, text, strlen(text));
}

/* ---- flow -------------------------------------------------------------------------------------------------------- */

/* READY is no fact: it follows from the others. */
static void took_state(struct engine *e, const struct prs_flow_effect *f)
{
	struct step *s = &e->steps[f->step];
	if (f->to == PRS_STEP_READY)
		return;
	if (f->to == PRS_STEP_WAITING)
		s->retry = true;
	facts_step(e, s, f->to);
	if (f->to != PRS_STEP_RUNNING)
		s->end_seq = e->seq;
	put_event(e, s, f->to);
	if (!e->c.changed)
		return;
	fill_row(e, f->step);
	e->c.changed(e->c.ctx, &e->rows[f->step]);
}

static void carry_out(struct engine *e, const struct prs_flow_effect *f)
{
	switch (f->type) {
	case PRS_FLOW_STATE: took_state(e, f); break;
	case PRS_FLOW_START: step_start(&e->steps[f->step]); break;
	case PRS_FLOW_HALT: step_halt(&e->steps[f->step], false); break;
	case PRS_FLOW_END:
		e->flow_ended = true;
		e->flow_end = f->end;
		break;
	}
}

/* What carrying out an effect leads to comes back as an event later, never within: the effects are the flow's. */
void pipeline_flow(struct engine *e, enum prs_flow_event_type type, uint32_t step)
{
	uint32_t n;
	struct prs_flow_event event = { type, step };
	if (e->over)
		return;
	const struct prs_flow_effect *v = prs_flow_step(e->flow, &event, &n);
	for (uint32_t i = 0; i < n; i++)
		carry_out(e, &v[i]);
}

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

void pipeline_let_go(struct engine *e, uint16_t code, const char *text)
{
	if (e->over)
		return;
	e->fenced = e->over = true;
	e->state = PRS_JOB_INTERRUPTED; /* it is not for this engine to say any more */
	pipeline_cause(e, code, text);
	steps_kill(e);
	prs_loop_stop(e->loop);
}

static void check_fence(struct engine *e)
{
	struct prs_err err = { 0 };
	char text[600];
	uint32_t newest = 0;
	int r = prs_store_newest_epoch(e->c.fs, e->c.dir, &newest, &err);
	if (r == -PRS_ENOTFOUND || (!r && newest < e->epoch)) {
		pipeline_let_go(e, PRS_ENOTFOUND,
		                "the run folder is gone: it was removed or renamed while the pipeline ran (renamed: "
		                "prs resume PATH goes on)");
	} else if (!r && newest > e->epoch &&
	           prs_store_check_fence(e->c.fs, e->c.dir, e->epoch, &err) == -PRS_EFENCED) {
		snprintf(text, sizeof text, "%.400s. This engine stops; the other one goes on", err.msg);
		pipeline_let_go(e, PRS_EFENCED, text);
	}
}

static bool is_fenced(struct engine *e, uint64_t now_us)
{
	if (now_us >= e->fence_at_us) {
		e->fence_at_us = now_us + FENCE_US;
		check_fence(e);
		if (!e->over)
			prs_run_lock_keep(e->c.fs, e->c.dir, &e->lock_fd);
	}
	return e->over;
}

static void engine_tick(void *ctx)
{
	struct engine *e = ctx;
	uint64_t now_us = prs_clock_us();
	if (is_fenced(e, now_us))
		return;
	for (uint32_t i = 0; i < e->p->steps_n; i++)
		if (e->steps[i].phase == STEP_RUNS)
			step_tick(&e->steps[i], now_us);
	prs_reap_orphans();
	show_progress(e);
	prs_timer_at(e->timer, now_us + TICK_US);
}

void pipeline_stop(struct engine *e, uint16_t code, const char *text)
{
	if (e->ending || e->over)
		return;
	e->ending = true;
	pipeline_cause(e, code, text);
	facts_state(e, PRS_JOB_DRAINING, code, text);
	pipeline_flow(e, PRS_FLOW_STOP, 0);
}

void pipeline_cancel(struct engine *e)
{
	if (e->over)
		return;
	if (!e->ending)
		facts_state(e, PRS_JOB_DRAINING, PRS_ECANCELED, "canceled");
	e->ending = true;
	pipeline_cause(e, PRS_ECANCELED, "canceled");
	pipeline_flow(e, PRS_FLOW_CANCEL, 0);
}

static void stop_hard(struct engine *e)
{
	for (uint32_t i = 0; i < e->p->steps_n; i++)
		if (e->steps[i].phase == STEP_RUNS)
			step_halt(&e->steps[i], true);
}

static void engine_signal(void *ctx, int signum)
{
	struct engine *e = ctx;
	char text[128];
	if (e->ending) {
		if (signum == SIGINT)
			stop_hard(e);
		return;
	}
	snprintf(text, sizeof text, "interrupted by %s", signum == SIGINT ? "Ctrl-C" : strsignal(signum));
	pipeline_stop(e, PRS_EINTERRUPTED, text);
	if (e->c.say)
		e->c.say(e->c.ctx, signum == SIGINT
		                           ? "stopping: steps that run are stopped so that they can go on; Ctrl-C "
		                             "again stops at once"
		                           : "stopping: steps that run are stopped so that they can go on");
}

static bool is_ignored(int signum)
{
	struct sigaction was;
	return sigaction(signum, NULL, &was) == 0 && was.sa_handler == SIG_IGN;
}

static void engine_turn(void *ctx)
{
	struct engine *e = ctx;
	facts_flush(e);
	if (e->flow_ended && facts_idle(e))
		prs_loop_stop(e->loop);
}

/* ---- the stages -------------------------------------------------------------------------------------------------- */

static int start_threads(struct engine *e, struct prs_err *err)
{
	prs_spawn_setup();
	e->loop = prs_loop_new(err);
	e->sync = e->loop ? prs_sync_new(e->loop, err) : NULL;
	e->files = e->sync ? prs_sync_new(e->loop, err) : NULL;
	return e->files ? 0 : err->code;
}

static int start_steps(struct engine *e, struct prs_err *err)
{
	size_t n = e->p->steps_n;
	e->steps = prs_calloc(n + 1, sizeof *e->steps);
	e->rows = prs_calloc(n + 1, sizeof *e->rows);
	if (!e->steps || !e->rows)
		return prs_fail(err, PRS_ENOMEM, "the steps of a pipeline");
	for (size_t i = 0; i < n; i++)
		e->steps[i] = (struct step){ .e = e, .n = (uint32_t)i, .is = &e->p->steps[i], .pidfd = -1 };
	return prs_pipeline_past_init(&e->past, e->p, err);
}

static int start_loop(struct engine *e, struct prs_err *err)
{
	static const int signums[4] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	e->timer = prs_timer_new(e->loop, engine_tick, e, err);
	for (int i = 0; i < 4 && !err->code; i++)
		if (!is_ignored(signums[i]))
			e->signals[i] = prs_signal_new(e->loop, signums[i], engine_signal, e, err);
	if (!err->code)
		prs_loop_each_turn(e->loop, engine_turn, e);
	return err->code;
}

static int start_control(struct engine *e, struct prs_err *err)
{
	(void)err;
	pipeline_control(e);
	return 0;
}

static int start(struct engine *e, struct prs_err *err)
{
	static int (*const stages[])(struct engine * e, struct prs_err * err) = { start_threads, start_steps,
		                                                                  reuse_begin,   pipeline_open,
		                                                                  start_loop,    start_control };
	int r = 0;
	for (size_t i = 0; !r && i < sizeof stages / sizeof *stages; i++)
		r = stages[i](e, err);
	return r;
}

/* The first step that failed says why the pipeline did. */
static void say_failed(struct engine *e)
{
	char text[512];
	for (uint32_t i = 0; i < e->p->steps_n; i++) {
		const struct step *s = &e->steps[i];
		if (prs_flow_state(e->flow, i) != PRS_STEP_FAILED)
			continue;
		snprintf(text, sizeof text, "step %.100s failed%s%.300s", s->is->name, s->why[0] ? ": " : "", s->why);
		pipeline_cause(e, PRS_ESTEP_FAILED, text);
		return;
	}
}

static void run(struct engine *e)
{
	static const enum prs_job_state states[] = { [PRS_FLOW_COMPLETED] = PRS_JOB_COMPLETED,
		                                     [PRS_FLOW_HAS_FAILED] = PRS_JOB_FAILED,
		                                     [PRS_FLOW_IS_CANCELED] = PRS_JOB_CANCELED,
		                                     [PRS_FLOW_CAN_RESUME] = PRS_JOB_INTERRUPTED };
	pipeline_fill_rows(e);
	if (e->c.opened)
		e->c.opened(e->c.ctx, e->resumed, e->rows, e->p->steps_n);
	pipeline_flow(e, PRS_FLOW_BEGIN, 0);
	prs_timer_at(e->timer, prs_clock_us() + TICK_US);
	while (!e->over && !(e->flow_ended && facts_idle(e)))
		prs_loop_run(e->loop);
	if (e->over)
		return;
	check_fence(e); /* what this engine says about the end must be so */
	if (e->over)
		return;
	if (e->flow_end == PRS_FLOW_HAS_FAILED) {
		say_failed(e);
		if (e->state == PRS_JOB_RUNNING)
			facts_state(e, PRS_JOB_ABORTING, e->end->code, e->end->text);
	}
	enum prs_job_state to = states[e->flow_end];
	if (e->state == PRS_JOB_RUNNING && to == PRS_JOB_INTERRUPTED) /* a step could not go on */
		facts_state(e, PRS_JOB_DRAINING, e->end->code, e->end->text);
	if (e->state == PRS_JOB_DRAINING && to != PRS_JOB_CANCELED)
		to = PRS_JOB_INTERRUPTED;
	facts_state(e, to, e->end->code, e->end->text);
	facts_finish(e);
	show_progress(e);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static int exit_of(const struct engine *e)
{
	if (e->fenced)
		return prs_exit_of(-(int)e->end->code, false);
	switch (e->state) {
	case PRS_JOB_COMPLETED: return PRS_EXIT_COMPLETED;
	case PRS_JOB_FAILED: return PRS_EXIT_FAILED;
	case PRS_JOB_CANCELED: return PRS_EXIT_CANCELED;
	case PRS_JOB_STARTING:
	case PRS_JOB_RUNNING:
	case PRS_JOB_ASSEMBLING:
	case PRS_JOB_ABORTING:
	case PRS_JOB_DRAINING:
	case PRS_JOB_INTERRUPTED:
	case PRS_JOB_STATES: break;
	}
	return PRS_EXIT_RESUMABLE;
}

static enum prs_step_state state_of(const struct engine *e, uint32_t i)
{
	return e->flow ? prs_flow_state(e->flow, i) : e->past.steps[i].state;
}

static void fill_end(struct engine *e)
{
	struct prs_pipeline_end *end = e->end;
	if (end->was_over) {
		end->code = e->past.code;
		snprintf(end->text, sizeof end->text, "%s", e->past.cause);
	}
	end->state = e->state;
	end->exit_code = exit_of(e);
	end->elapsed_us = prs_since_us(e->started_us, prs_clock_us());
	end->steps = e->p->steps_n;
	for (uint32_t i = 0; i < e->p->steps_n; i++) {
		enum prs_step_state s = state_of(e, i);
		end->done += s == PRS_STEP_DONE || s == PRS_STEP_REUSED;
		end->reused += s == PRS_STEP_REUSED;
		end->failed += s == PRS_STEP_FAILED;
		end->skipped += s == PRS_STEP_SKIPPED;
		end->canceled += s == PRS_STEP_CANCELED;
	}
}

static void free_loop(struct engine *e)
{
	if (!e->loop)
		return;
	prs_loop_each_turn(e->loop, NULL, NULL);
	prs_ctl_free(e->ctl);
	prs_sync_free(e->files);
	prs_sync_free(e->sync);
	for (uint32_t i = 0; e->steps && i < e->p->steps_n; i++) {
		prs_watch_free(e->steps[i].dead);
		prs_lines_free(e->steps[i].lines);
	}
	prs_timer_free(e->timer);
	for (int i = 0; i < 4; i++)
		prs_signal_free(e->signals[i]);
	prs_loop_free(e->loop);
}

int prs_pipeline_run(const struct prs_pipeline_config *c, struct prs_pipeline_end *ret, struct prs_err *err)
{
	static struct engine engine; /* one a process */
	struct engine *e = &engine;
	*e = (struct engine){ .c = *c,
		              .end = ret,
		              .p = c->pipeline,
		              .lock_fd = -1,
		              .journal = { .fd = -1 },
		              .started_us = prs_clock_us() };
	*ret = (struct prs_pipeline_end){ 0 };
	int r = start(e, err);
	if (!r)
		run(e);
	if (r == START_OVER) {
		e->end->was_over = true;
		facts_finish(e);
	}
	if (r >= 0)
		fill_end(e);
	e->over = true;
	prs_strays_of_engine();
	free_loop(e);
	pipeline_close(e);
	memset(e, 0, sizeof *e);
	return r < 0 ? r : 0;
}
