/* SPDX-License-Identifier: Apache-2.0
 * drive: between scheduler and node: effects are carried out, durable facts are counted, what the node says is
 * journaled.
 */
#include "master/impl.h"

#include "base/many.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

void drive_stop(struct prs_engine *e, enum prs_job_state to, uint16_t code, const char *text)
{
	if (e->ending || e->over)
		return;
	e->ending = true;
	engine_cause(e, code, text);
	engine_state(e, to, code, e->end->text);
	struct prs_sched_event stop = { .type = PRS_SCHED_STOP };
	drive_event(e, &stop);
	if (to == PRS_JOB_DRAINING) {
		e->abort_at_us = prs_clock_us() + e->c.job->o.grace_us;
		nodes_drain(e);
	} else {
		nodes_abort(e, code);
	}
}

void drive_cancel(struct prs_engine *e)
{
	static const char text[] = "canceled by prs cancel";
	if (e->over || e->state == PRS_JOB_ABORTING)
		return;
	if (e->assembling.running) {
		finish_cancel(e, PRS_ECANCELED, text);
		return;
	}
	if (e->ending)
		engine_cause(e, PRS_ECANCELED, text);
	else
		drive_stop(e, PRS_JOB_DRAINING, PRS_ECANCELED, text);
	e->abort_at_us = 0;
	nodes_abort(e, 0);
	if (e->c.say)
		e->c.say(e->c.ctx, "canceled by prs cancel: stopping the workers");
}

/* ---- effects of the scheduler ------------------------------------------------------------------------------------ */

static void put_failed(struct prs_engine *e, const struct prs_sched_effect *x)
{
	struct prs_fact f = { .type = PRS_FACT_FAILED, .time_us = prs_wall_us() };
	f.u.failed.unit = x->unit;
	f.u.failed.items = x->items;
	f.u.failed.code = x->code;
	journal_put(e, &f);
}

/* Which row it is stands in the message of the try. */
static void tell_split_off(struct prs_engine *e, const struct prs_sched_effect *x)
{
	char text[256];
	if (e->told_split_off || !e->c.warn)
		return;
	e->told_split_off = true;
	snprintf(text, sizeof text,
	         "a row of mini-batch %llu does not fit the types of the table: it fails alone, the others run without "
	         "it; others like it are not told here (on_failure: bisect)",
	         (unsigned long long)x->unit.id);
	e->c.warn(e->c.ctx, text);
}

/* What bisect costs is said when it begins. */
static void tell_bisect(struct prs_engine *e, const struct prs_sched_effect *x)
{
	char text[512];
	unsigned tries = (unsigned)e->c.job->o.run_max_try;
	if (x->parts.bad_item) {
		tell_split_off(e, x);
		return;
	}
	if (e->told_bisect || !e->c.warn)
		return;
	e->told_bisect = true;
	snprintf(text, sizeof text,
	         "mini-batch %llu has no tries left: its %s now run in ever smaller parts, so that only the bad ones "
	         "fail; that takes %s at most (on_failure: bisect)",
	         (unsigned long long)x->unit.id, prs_many(x->items, "item").text,
	         prs_many((uint64_t)x->items * tries + x->items - 2, "more run").text);
	e->c.warn(e->c.ctx, text);
}

static void put_split(struct prs_engine *e, const struct prs_sched_effect *x)
{
	struct prs_fact f = { .type = PRS_FACT_SPLIT, .time_us = prs_wall_us() };
	f.u.split.unit = x->unit;
	f.u.split.parts = x->parts.n;
	f.u.split.bad_item = x->parts.bad_item;
	journal_put(e, &f);
	tell_bisect(e, x);
}

/* It waits for all others, and they for it. */
static void tell_alone(struct prs_engine *e, const struct prs_sched_effect *x)
{
	char text[512];
	if (!x->alone || !e->c.warn)
		return;
	snprintf(text, sizeof text,
	         "mini-batch %llu runs alone: the machine or its container went down %s while it ran. If nothing "
	         "else is finished before it does so again, it fails the third time (NODE_POISON)",
	         (unsigned long long)x->unit.id, prs_many(prs_ledger_downs(&e->ledger, &x->unit), "time").text);
	e->c.warn(e->c.ctx, text);
}

static void carry_out(struct prs_engine *e, const struct prs_sched_effect *x)
{
	switch (x->type) {
	case PRS_SCHED_LEASE:
		if (e->ending) /* the scheduler had no memory to hear of it */
			break;
		if (e->state == PRS_JOB_STARTING)
			engine_state(e, PRS_JOB_RUNNING, 0, "");
		tell_alone(e, x);
		nodes_lease(e, x);
		break;
	case PRS_SCHED_FAIL: put_failed(e, x); break;
	case PRS_SCHED_DIVIDE: put_split(e, x); break;
	case PRS_SCHED_ABORT: drive_stop(e, PRS_JOB_ABORTING, x->code, x->text); break;
	case PRS_SCHED_ALL_FINAL:
		e->all_final = true;
		nodes_finish(e);
		break;
	}
}

void drive_event(struct prs_engine *e, struct prs_sched_event *ev)
{
	if (!e->sched)
		return; /* the last engine had decided on the end */
	ev->now_us = prs_clock_us();
	struct prs_sched_effects out = e->spare;
	e->spare = (struct prs_sched_effects){ 0 };
	int r = prs_sched_step(e->sched, ev, &out);
	for (uint32_t i = 0; i < out.n; i++)
		carry_out(e, &out.v[i]);
	out.n = 0;
	prs_freep(&e->spare.v);
	e->spare = out;
	if (r < 0)
		drive_stop(e, PRS_JOB_DRAINING, PRS_ENOMEM, "out of memory");
}

/* ---- durable facts ----------------------------------------------------------------------------------------------- */

static uint64_t hash_text(struct prs_text t)
{
	uint64_t h = 1469598103934665603u;
	for (uint16_t i = 0; i < t.n; i++)
		h = (h ^ (uint8_t)t.p[i]) * 1099511628211u;
	return h;
}

/* What run() returned counts, but is hardly what its author meant: said once. */
static void warn_odd(struct prs_engine *e, const struct prs_done *d)
{
	static const struct {
		uint8_t flag;
		const char *sentence;
	} rows[] = {
		{ PRS_DONE_FRAMES, "run() returned a list of DataFrames (first in mini-batch %llu): each became one "
		                   "row, its str(). Join them with pandas.concat() to get their rows" },
		{ PRS_DONE_BARE, "run() returned a bare text, dict or set (first in mini-batch %llu): its length was "
		                 "counted as succeeded items. Return a list with an entry for each item" },
	};
	char text[512];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!(d->flags & rows[i].flag & ~e->told_odd))
			continue;
		snprintf(text, sizeof text, rows[i].sentence, (unsigned long long)d->unit.id);
		if (e->c.warn)
			e->c.warn(e->c.ctx, text);
	}
	e->told_odd |= d->flags;
}

static void on_done(struct prs_engine *e, const struct prs_fact *f, bool first)
{
	struct prs_err err = { 0 };
	e->busy_us += f->u.done.elapsed_us;
	warn_odd(e, &f->u.done);
	if (first && prs_index_done(e->index, &f->u.done, &err) < 0)
		drive_stop(e, PRS_JOB_DRAINING, (uint16_t)-err.code, err.msg);
	struct prs_sched_event ev = { .type = PRS_SCHED_DONE,
		                      .node = f->u.done.node,
		                      .slot = f->u.done.slot,
		                      .unit = f->u.done.unit };
	drive_event(e, &ev);
}

static void on_proc(struct prs_engine *e, const struct prs_fact *f)
{
	/* the last lines of stderr, with their numbers of threads and times, do not make two ends different */
	uint64_t same = f->u.proc.code == PRS_EINIT_EXIT ? f->u.proc.exit : hash_text(f->u.proc.text);
	struct prs_sched_event ev = { .node = f->u.proc.node,
		                      .slot = f->u.proc.slot,
		                      .code = f->u.proc.code,
		                      .same = same,
		                      .said = f->u.proc.text };
	if (f->u.proc.event == PRS_PROC_INIT_DONE)
		ev.type = PRS_SCHED_INIT_DONE;
	else if (f->u.proc.event == PRS_PROC_INIT_FAILED && f->u.proc.code != PRS_ENOSPACE)
		ev.type = PRS_SCHED_INIT_FAILED;
	else
		return;
	drive_event(e, &ev);
}

static void on_lost(struct prs_engine *e, const struct prs_fact *f)
{
	struct prs_sched_event ev = { .type = PRS_SCHED_NODE_DOWN, .node = f->u.lost.node };
	if (nodes_is_lost(e, f->u.lost.node, f->u.lost.incarnation)) /* else it tells of a life before this engine */
		drive_event(e, &ev);
}

static void on_try(struct prs_engine *e, const struct prs_fact *f)
{
	struct prs_sched_event ev = { .type = PRS_SCHED_TRIED,
		                      .node = f->u.try_.node,
		                      .slot = f->u.try_.slot,
		                      .unit = f->u.try_.unit,
		                      .lease = f->u.try_.lease,
		                      .code = f->u.try_.code,
		                      .kind = f->u.try_.kind,
		                      .bad_item = f->u.try_.bad_item,
		                      .said = f->u.try_.message };
	e->busy_us += f->u.try_.elapsed_us;
	drive_event(e, &ev);
}

static int fold(struct prs_engine *e, const struct prs_fact *f, struct prs_err *err)
{
	int r = prs_ledger_fold(&e->ledger, f, err);
	if (r < 0)
		return r;
	if (f->type == PRS_FACT_PLANNED)
		return prs_index_grow(e->index, f->u.planned.next_id, err);
	if (f->type == PRS_FACT_RESET)
		prs_index_reset(e->index, f->u.reset.unit.id, f->u.reset.count);
	return 0;
}

void drive_fact(struct prs_engine *e, const struct prs_fact *f)
{
	struct prs_err err = { 0 };
	struct prs_sched_event ev;
	bool first = f->type == PRS_FACT_DONE && prs_ledger_open(&e->ledger, &f->u.done.unit);
	if (fold(e, f, &err) < 0) {
		drive_stop(e, PRS_JOB_DRAINING, (uint16_t)-err.code, err.msg);
		return;
	}
	switch (f->type) {
	case PRS_FACT_DONE: on_done(e, f, first); return;
	case PRS_FACT_TRY: on_try(e, f); return;
	case PRS_FACT_PROC: on_proc(e, f); return;
	case PRS_FACT_LOST: on_lost(e, f); return;
	case PRS_FACT_PLANNED: ev = (struct prs_sched_event){ .type = PRS_SCHED_PLANNED }; break;
	case PRS_FACT_RESET: ev = (struct prs_sched_event){ .type = PRS_SCHED_RESET, .unit = f->u.reset.unit }; break;
	case PRS_FACT_SPLIT:
		ev = (struct prs_sched_event){ .type = PRS_SCHED_SPLIT,
			                       .unit = f->u.split.unit,
			                       .count = f->u.split.parts,
			                       .bad_item = f->u.split.bad_item };
		break;
	case PRS_FACT_FAILED:
		ev = (struct prs_sched_event){ .type = PRS_SCHED_FAILED, .unit = f->u.failed.unit };
		break;
	case PRS_FACT_HEAD:
	case PRS_FACT_NODE:
	case PRS_FACT_SET:
	case PRS_FACT_STATE:
	case PRS_FACT_PUBLISHED:
	case PRS_FACT_STEP:
	case PRS_FACT_END: return;
	}
	drive_event(e, &ev);
}

/* ---- what a node says -------------------------------------------------------------------------------------------- */

void drive_returned(struct prs_engine *e, const struct prs_unit *u, uint64_t lease)
{
	struct prs_sched_event ev = { .type = PRS_SCHED_RETURNED, .unit = *u, .lease = lease };
	drive_event(e, &ev);
}

static void link_result(void *ctx, uint16_t node, const struct prs_done *d, const uint8_t *bytes, int fd)
{
	struct prs_engine *e = ctx;
	nodes_answered(e, node);
	rows_put(e, d, bytes, fd);
}

static void link_fact(void *ctx, uint16_t node, const struct prs_fact *f)
{
	struct prs_engine *e = ctx;
	if (f->type == PRS_FACT_TRY)
		nodes_answered(e, node);
	if (!e->over)
		journal_put(e, f);
}

static void link_returned(void *ctx, uint16_t node, const struct prs_unit *u, uint64_t lease)
{
	nodes_answered(ctx, node);
	drive_returned(ctx, u, lease);
}

static void link_ask(void *ctx, uint16_t node, uint32_t count)
{
	struct prs_sched_event ev = { .type = PRS_SCHED_ASK, .node = node, .count = count };
	drive_event(ctx, &ev);
}

static void link_failed(void *ctx, uint16_t node, int code, const char *sentence)
{
	nodes_failed(ctx, node, code, sentence);
}

static void link_warn(void *ctx, uint16_t node, const char *sentence) { nodes_warn(ctx, node, sentence); }

/* "the disk of the run folder is full": what it cost is charged to nobody. */
static void link_full(void *ctx, uint16_t node, const char *sentence)
{
	(void)node;
	drive_stop(ctx, PRS_JOB_DRAINING, PRS_ENOSPACE, sentence);
}

static void link_down(void *ctx, uint16_t node) { nodes_down(ctx, node); }

struct prs_link drive_link(struct prs_engine *e)
{
	return (struct prs_link){ .ctx = e,
		                  .result = link_result,
		                  .fact = link_fact,
		                  .returned = link_returned,
		                  .ask = link_ask,
		                  .failed = link_failed,
		                  .warn = link_warn,
		                  .full = link_full,
		                  .down = link_down };
}
