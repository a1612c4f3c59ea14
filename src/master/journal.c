/* SPDX-License-Identifier: Apache-2.0
 * journal: facts are gathered while the last group is being synced; a group counts when it is durable.
 */
#include "master/impl.h"

#include "base/many.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { BAD_WARNINGS = 10 };

static void lost(struct prs_engine *e, const struct prs_err *err)
{
	if (e->over)
		return;
	char text[512];
	snprintf(text, sizeof text, "the journal cannot be written: %.400s", err->msg);
	engine_cause(e, (uint16_t)-err->code, text);
	e->state = PRS_JOB_INTERRUPTED;
	e->over = true;
	finish_cancel(e, e->cause, "");
	nodes_kill(e);
	prs_loop_stop(e->loop);
}

static void journal_work(struct prs_sync_job *job)
{
	struct facts *g = (struct facts *)job;
	prs_log_commit(&g->engine->journal, &g->frame, g->offset, &g->err);
}

static void journal_done(struct prs_sync_job *job)
{
	struct facts *g = (struct facts *)job;
	struct prs_engine *e = g->engine;
	engine_disk_done(e);
	e->syncing = false;
	if (g->err.code) {
		lost(e, &g->err);
		return;
	}
	struct prs_fact f;
	size_t at = 0;
	const uint8_t *body = g->frame.data + PRS_FRAME_HEADER_BYTES;
	size_t n = g->frame.len - PRS_FRAME_HEADER_BYTES;
	while (!e->over && prs_fact_next(body, n, &at, &f, NULL) == 1)
		drive_fact(e, &f);
	g->any = false;
	prs_log_begin(&g->frame);
	if (__atomic_load_n(&e->journal.full, __ATOMIC_ACQUIRE))
		drive_stop(e, PRS_JOB_DRAINING, PRS_ENOSPACE, "the disk of the run folder is full");
	journal_flush(e);
}

void journal_put(struct prs_engine *e, const struct prs_fact *f)
{
	struct facts *g = &e->facts[e->filling];
	prs_fact_put(&g->frame, f);
	g->any = true;
}

void journal_flush(struct prs_engine *e)
{
	struct facts *g = &e->facts[e->filling];
	if (e->syncing || !g->any || e->over)
		return;
	g->engine = e;
	g->offset = prs_log_place(&e->journal, &g->frame);
	g->job = (struct prs_sync_job){ .work = journal_work, .done = journal_done };
	e->filling ^= 1;
	e->syncing = true;
	engine_disk_put(e, &g->job);
}

static void warn_bad(struct prs_engine *e, const struct bad_ids *b)
{
	char text[256];
	if (!e->c.warn)
		return;
	if (e->bad.told == BAD_WARNINGS) {
		e->bad.untold += b->count;
		return;
	}
	e->bad.told++;
	if (b->count == 1)
		snprintf(text, sizeof text, "mini-batch %llu runs again: %s", (unsigned long long)b->id, b->why);
	else
		snprintf(text, sizeof text, "mini-batches %llu to %llu run again, each because %s",
		         (unsigned long long)b->id, (unsigned long long)(b->id + b->count - 1), b->why);
	e->c.warn(e->c.ctx, text);
}

static void put_bad(struct prs_engine *e)
{
	struct prs_fact f = { .type = PRS_FACT_RESET, .time_us = prs_wall_us() };
	f.u.reset.unit.id = e->bad.id;
	f.u.reset.count = e->bad.count;
	f.u.reset.reason = PRS_RESET_BAD_RANGE;
	journal_put(e, &f);
	warn_bad(e, &e->bad);
	e->bad.count = 0;
}

void journal_bad_range(void *ctx, uint64_t id, const char *why)
{
	struct prs_engine *e = ctx;
	struct bad_ids *b = &e->bad;
	if (b->count && id == b->id + b->count - 1)
		return; /* another part of it */
	if (b->count && (id != b->id + b->count || strcmp(why, b->why) != 0))
		put_bad(e);
	if (!b->count)
		b->id = id;
	b->why = why;
	b->count++;
}

void journal_bad_end(struct prs_engine *e)
{
	char text[128];
	if (e->bad.count)
		put_bad(e);
	snprintf(text, sizeof text, "also run again: %s", prs_many(e->bad.untold, "mini-batch").text);
	if (e->bad.untold && e->c.warn)
		e->c.warn(e->c.ctx, text);
	e->bad = (struct bad_ids){ 0 };
}

bool journal_idle(const struct prs_engine *e) { return !e->syncing && !e->facts[e->filling].any; }

void journal_finish(struct prs_engine *e)
{
	while (!journal_idle(e) && !e->over) {
		journal_flush(e);
		prs_sync_drain(e->sync);
	}
}

/* RUN stands for the run. */
static void add_words(const char *run, const char *words, char *text, size_t n)
{
	static const char place[] = " RUN ";
	size_t at = strlen(text);
	for (const char *here; (here = strstr(words, place)) && at < n; words = here + strlen(place)) {
		snprintf(text + at, n - at, "%.*s %s ", (int)(here - words), words, run);
		at += strlen(text + at);
	}
	snprintf(text + at, n - at, "%s", words);
}

void engine_add_advice(const char *run, char *text, size_t n, int code)
{
	const struct prs_error_row *row = prs_error_row(code);
	bool stopped = row->action == PRS_ACTION_RESUMABLE && code != PRS_EINTERRUPTED && row->advice[0];
	if (!stopped && code != PRS_EINPUT_CHANGED)
		return;
	add_words(run, ": ", text, n);
	add_words(run, row->advice, text, n);
	if (stopped && !strstr(row->advice, "prs resume"))
		add_words(run, ", then resume", text, n);
}

void engine_cause(struct prs_engine *e, uint16_t code, const char *text)
{
	e->cause = code;
	snprintf(e->end->text, sizeof e->end->text, "%.380s", text);
	engine_add_advice(e->c.run_name, e->end->text, sizeof e->end->text, code);
}

/* The one setter of the job's state. */
void engine_state(struct prs_engine *e, enum prs_job_state to, uint16_t code, const char *text)
{
	assert(prs_arc_legal(PRS_MACHINE_JOB, e->state, to));
	struct prs_fact f = { .type = PRS_FACT_STATE, .time_us = prs_wall_us() };
	f.u.state.from = (uint8_t)e->state;
	f.u.state.to = (uint8_t)to;
	f.u.state.code = code;
	f.u.state.text = (struct prs_text){ text ? text : "", (uint16_t)strlen(text ? text : "") };
	journal_put(e, &f);
	e->state = to;
}
