/* SPDX-License-Identifier: Apache-2.0
 * open: everything before the first step starts: the lock, what the engines before left, the new epoch.
 *
 * The stages stand in one table, in the order in which they must happen. What commands of a dead engine left is killed
 * before its files are read; parallel steps of a dead engine end by themselves: who starts such a step again waits for
 * that (prs _step).
 */
#include "pipeline/impl.h"

#include "base/mem.h"
#include "io/boot.h"
#include "io/lock.h"
#include "io/machine.h"
#include "io/strays.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct opening {
	struct engine *e;
	uint32_t newest; /* epoch of the newest journal file, 0 = none */
	struct prs_recovered was;
};

/* A stage that returns it ends the opening. */
enum { OPEN_OVER = 1 };

static int open_lock(struct opening *o, struct prs_err *err)
{
	struct engine *e = o->e;
	return prs_run_lock_open(e->c.fs, e->c.dir, e->c.run_name, e->c.takeover, &e->lock_fd, err);
}

static int open_newest(struct opening *o, struct prs_err *err)
{
	struct engine *e = o->e;
	struct prs_fs_stat st;
	int r = prs_store_newest_epoch(e->c.fs, e->c.dir, &o->newest, err);
	if (r < 0)
		return r;
	r = e->c.fs->stat(e->c.fs->ctx, e->c.dir, &st);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", e->c.dir);
	e->epoch = o->newest + 1;
	e->mark = (struct prs_run_mark){ e->c.run, st.ino, e->epoch, 0, e->epoch };
	prs_run_mark_put(e->mark_text, &e->mark);
	return 0;
}

static int open_strays(struct opening *o, struct prs_err *err)
{
	(void)err;
	if (o->newest)
		prs_strays_of_run(&o->e->mark, o->e->c.dir);
	return 0;
}

static int recover_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)ctx;
	(void)body;
	(void)n;
	return prs_fail(err, PRS_ECORRUPT, "a pipeline has no plan");
}

static int recover_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct opening *o = ctx;
	return prs_pipeline_past_fold(&o->e->past, f, err);
}

static int open_recover(struct opening *o, struct prs_err *err)
{
	struct engine *e = o->e;
	struct prs_recover_sink sink = { o, recover_plan, recover_fact };
	int r = prs_store_recover(e->c.fs, e->c.dir, &e->c.run, &sink, &o->was, err);
	if (r < 0)
		return r;
	e->resumed = o->was.epoch != 0;
	e->state = e->past.job;
	if (e->resumed && memcmp(e->past.print, e->c.print, sizeof e->c.print) != 0)
		return prs_fail(err, PRS_EINVALID,
		                "%s/pipeline.json was changed after the run began: put it back, or start a new run",
		                e->c.dir);
	return 0;
}

static bool is_over(const struct engine *e)
{
	return e->state == PRS_JOB_COMPLETED || e->state == PRS_JOB_CANCELED ||
	       (e->state == PRS_JOB_FAILED && !e->c.retry_failed);
}

static int open_is_over(struct opening *o, struct prs_err *err)
{
	struct engine *e = o->e;
	(void)err;
	if (!e->resumed || !is_over(e))
		return 0;
	e->end->was_over = true;
	return OPEN_OVER;
}

/* From here on this engine writes. */
static int open_epoch(struct opening *o, struct prs_err *err)
{
	struct engine *e = o->e;
	char host[128] = "?";
	gethostname(host, sizeof host - 1);
	prs_boot_text(e->boot);
	struct prs_fact f = { .type = PRS_FACT_HEAD, .time_us = prs_wall_us() };
	f.u.head.epoch = e->epoch;
	f.u.head.previous = o->was.epoch;
	f.u.head.sealed_journal = o->was.journal_bytes;
	memcpy(f.u.head.job_print, e->c.print, sizeof e->c.print);
	f.u.head.engine = prs_text_of(PRS_VERSION);
	f.u.head.host = prs_text_of(host);
	f.u.head.pid = (uint32_t)getpid();
	f.u.head.boot = prs_text_of(e->boot);
	if (prs_store_settle(e->c.fs, e->c.dir, &o->was, err) < 0 ||
	    prs_journal_create(&e->journal, e->c.fs, e->c.dir, &e->c.run, PRS_FORMAT_MINOR_PIPELINE, &f, err) < 0)
		return err->code;
	prs_store_trim(e->c.fs, e->c.dir, e->epoch);
	facts_begin(e);
	return 0;
}

/* From where the last engine stood to RUNNING. */
static int open_state(struct opening *o, struct prs_err *err)
{
	struct engine *e = o->e;
	struct prs_fact set = { .type = PRS_FACT_SET, .time_us = prs_wall_us() };
	(void)err;
	e->overwrite = e->past.overwrite || e->c.overwrite;
	if (e->state == PRS_JOB_DRAINING && e->past.code == PRS_ECANCELED)
		facts_state(e, PRS_JOB_CANCELED, PRS_ECANCELED, e->past.cause);
	else if (e->state == PRS_JOB_DRAINING)
		facts_state(e, PRS_JOB_INTERRUPTED, 0, "");
	if (e->state == PRS_JOB_ABORTING)
		facts_state(e, PRS_JOB_FAILED, e->past.code, e->past.cause);
	if (is_over(e))
		return OPEN_OVER;
	if (e->state != PRS_JOB_RUNNING)
		facts_state(e, PRS_JOB_RUNNING, 0, "");
	set.u.set.key = prs_text_of("overwrite");
	set.u.set.old = prs_text_of("false");
	set.u.set.new_ = prs_text_of("true");
	if (e->overwrite && !e->past.overwrite)
		facts_put(e, &set);
	return 0;
}

/* Does a step that is not over read what it made? */
static bool is_read(const struct engine *e, size_t step)
{
	for (size_t i = 0; i < e->p->steps_n; i++)
		for (size_t k = 0; k < e->p->steps[i].needs_n; k++)
			if (e->p->steps[i].needs[k] == step && e->past.steps[i].state < PRS_STEP_DONE)
				return true;
	return false;
}

/* A step that was reused waits again when what it was reused from is gone, and somebody wants it. */
static void restore_step(struct engine *e, size_t i)
{
	struct step *s = &e->steps[i];
	const struct prs_step_past *past = &e->past.steps[i];
	enum prs_step_state state = past->state;
	struct prs_err why = { 0 };
	char text[900];
	s->retry = past->retry;
	memcpy(s->print, past->print, sizeof s->print);
	memcpy(s->result, past->result, sizeof s->result);
	if (state == PRS_STEP_REUSED && reuse_restore(s, past->reused, &why) < 0 && is_read(e, i)) {
		snprintf(text, sizeof text, "step %.200s is done again: it was reused from %.300s: %.300s", s->is->name,
		         past->reused, why.msg);
		state = PRS_STEP_WAITING;
		if (e->c.warn)
			e->c.warn(e->c.ctx, text);
	}
	prs_flow_restore(e->flow, (uint32_t)i, state);
}

static int open_flow(struct opening *o, struct prs_err *err)
{
	struct engine *e = o->e;
	const struct prs_pipeline *p = e->p;
	PRS_AUTOFREE struct prs_flow_item *items = prs_calloc(p->steps_n + 1, sizeof *items);
	size_t all = 0, at = 0;
	for (size_t i = 0; i < p->steps_n; i++)
		all += p->steps[i].needs_n;
	PRS_AUTOFREE uint32_t *needs = prs_calloc(all + 1, sizeof *needs);
	if (!items || !needs)
		return prs_fail(err, PRS_ENOMEM, "the steps of a pipeline");
	for (size_t i = 0; i < p->steps_n; i++) {
		items[i] = (struct prs_flow_item){ p->steps[i].cores, needs + at, (uint32_t)p->steps[i].needs_n };
		for (size_t k = 0; k < p->steps[i].needs_n; k++)
			needs[at++] = (uint32_t)p->steps[i].needs[k];
	}
	unsigned cores = e->c.cores ? e->c.cores : prs_usable_cores();
	int r = prs_flow_new(&e->flow, items, (uint32_t)p->steps_n, cores, p->continue_on_step_failure, err);
	for (size_t i = 0; i < p->steps_n && !r; i++)
		restore_step(e, i);
	if (!r && e->resumed && e->c.retry_failed)
		prs_flow_retry(e->flow);
	return r;
}

int pipeline_open(struct engine *e, struct prs_err *err)
{
	static int (*const stages[])(struct opening * o,
	                             struct prs_err * err) = { open_lock,    open_newest, open_strays, open_recover,
		                                               open_is_over, open_epoch,  open_state,  open_flow };
	struct opening o = { .e = e };
	int r = 0;
	for (size_t i = 0; !r && i < sizeof stages / sizeof *stages; i++)
		r = stages[i](&o, err);
	return r;
}

void pipeline_close(struct engine *e)
{
	for (int i = 0; i < 2; i++)
		prs_buf_done(&e->groups[i].frame);
	prs_log_close(&e->journal);
	prs_flow_free(e->flow);
	prs_pipeline_past_done(&e->past);
	reuse_end(e);
	prs_freep(&e->steps);
	prs_freep(&e->rows);
	if (e->lock_fd >= 0)
		e->c.fs->close(e->c.fs->ctx, e->lock_fd);
}
