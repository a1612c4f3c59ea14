/* SPDX-License-Identifier: Apache-2.0
 * view: plan and journal are folded as the engine folds them; nothing is written, not even the lock.
 */
#include "run/view.h"

#include "base/many.h"
#include "base/mem.h"
#include "io/lock.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int view_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct prs_view *v = ctx;
	return prs_plan_feed(v->plan, body, n, err);
}

static int add_failed(struct prs_view *v, const struct prs_unit *u, struct prs_err *err)
{
	if (v->failed_n == v->failed_cap) {
		size_t cap = v->failed_cap ? v->failed_cap * 2 : 64;
		struct prs_view_failure *more = prs_realloc(v->failed, cap * sizeof *more);
		if (!more)
			return prs_fail(err, PRS_ENOMEM, "the mini-batches that failed");
		v->failed = more;
		v->failed_cap = cap;
	}
	v->failed[v->failed_n++] = (struct prs_view_failure){ *u, v->resets };
	return 0;
}

/* The fact is folded: its ids are known. */
static int note_reset(struct prs_view *v, uint64_t first, uint64_t count, struct prs_err *err)
{
	v->resets++;
	if (first + count > v->reset_at_n) {
		uint64_t n = v->ledger.next_id;
		uint32_t *more = prs_realloc(v->reset_at, n * sizeof *more);
		if (!more)
			return prs_fail(err, PRS_ENOMEM, "the mini-batches that were reset");
		memset(more + v->reset_at_n, 0, (n - v->reset_at_n) * sizeof *more);
		v->reset_at = more;
		v->reset_at_n = n;
	}
	for (uint64_t id = first; id < first + count; id++)
		v->reset_at[id] = v->resets;
	return 0;
}

static int view_by_unit(const void *pa, const void *pb)
{
	const struct prs_unit *a = &((const struct prs_view_failure *)pa)->unit,
			      *b = &((const struct prs_view_failure *)pb)->unit;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->item_first < b->item_first ? -1 : a->item_first > b->item_first;
}

void prs_view_failed(struct prs_view *v)
{
	size_t n = 0;
	for (size_t i = 0; i < v->failed_n; i++) {
		const struct prs_view_failure *f = &v->failed[i];
		if (f->unit.id >= v->reset_at_n || f->resets >= v->reset_at[f->unit.id])
			v->failed[n++] = *f;
	}
	v->failed_n = n;
	if (n)
		qsort(v->failed, n, sizeof *v->failed, view_by_unit);
}

uint64_t prs_view_duration_us(const struct prs_view *v, uint64_t now_us)
{
	uint64_t end_us = v->running && now_us > v->last_us ? now_us : v->last_us;
	return v->before_us + (v->head_us && end_us > v->head_us ? end_us - v->head_us : 0);
}

static int first_line(struct prs_text t)
{
	const char *end = t.n ? memchr(t.p, '\n', t.n) : NULL;
	return end ? (int)(end - t.p) : (int)t.n;
}

static int view_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct prs_view *v = ctx;
	v->first_us = v->first_us ? v->first_us : f->time_us;
	if (f->type == PRS_FACT_HEAD) { /* the clock may have been set back since */
		v->before_us = prs_view_duration_us(v, 0);
		v->head_us = v->last_us = f->time_us;
	}
	v->last_us = f->time_us > v->last_us ? f->time_us : v->last_us;
	v->latest_us = f->time_us > v->latest_us ? f->time_us : v->latest_us;
	if (f->type == PRS_FACT_STATE)
		snprintf(v->cause, sizeof v->cause, "%.*s", (int)f->u.state.text.n, f->u.state.text.p);
	if (f->type == PRS_FACT_TRY)
		snprintf(v->last_try, sizeof v->last_try, "%.*s", first_line(f->u.try_.message), f->u.try_.message.p);
	if (f->type == PRS_FACT_PUBLISHED) {
		snprintf(v->output, sizeof v->output, "%.*s", (int)f->u.published.name.n, f->u.published.name.p);
		v->output_bytes = f->u.published.bytes;
		v->output_rows = f->u.published.rows;
	}
	if (f->type == PRS_FACT_FAILED && add_failed(v, &f->u.failed.unit, err) < 0)
		return err->code;
	if (prs_ledger_fold(&v->ledger, f, err) < 0)
		return err->code;
	return f->type == PRS_FACT_RESET ? note_reset(v, f->u.reset.unit.id, f->u.reset.count, err) : 0;
}

static bool has_job(const struct prs_fs *fs, const char *dir)
{
	struct prs_fs_stat st;
	PRS_AUTOFREE char *path = prs_strf("%s/job.json", dir);
	return !path || fs->stat(fs->ctx, path, &st) != -ENOENT;
}

int prs_view_read(struct prs_view *v, const struct prs_fs *fs, const struct prs_run *run, struct prs_err *err)
{
	struct prs_recovered was;
	struct prs_recover_sink sink = { v, view_plan, view_fact };
	memset(v, 0, sizeof *v);
	v->plan = prs_plan_new();
	if (!v->plan)
		return prs_fail(err, PRS_ENOMEM, "%s", run->name);
	if (prs_ledger_init(&v->ledger, prs_plan_items_of, v->plan) < 0)
		return prs_fail(err, PRS_ENOMEM, "%s", run->name);
	/* the lock first: an engine that ends while the journal is read must not look interrupted */
	enum prs_lock_state lock = prs_lock_look(run->dir, v->owner, sizeof v->owner);
	v->running = lock == PRS_LOCK_HELD;
	v->unknown = lock == PRS_LOCK_UNKNOWN;
	int r = prs_store_recover(fs, run->dir, &run->id, &sink, &was, err);
	v->half_made = r == 0 && !was.epoch && !has_job(fs, run->dir);
	return r;
}

void prs_view_done(struct prs_view *v)
{
	prs_ledger_done(&v->ledger);
	prs_plan_free(v->plan);
	prs_freep(&v->failed);
	prs_freep(&v->reset_at);
}

const char *prs_view_state(const struct prs_view *v)
{
	switch (v->ledger.job) {
	case PRS_JOB_COMPLETED: return "completed";
	case PRS_JOB_FAILED: return "failed";
	case PRS_JOB_CANCELED: return "canceled";
	case PRS_JOB_STARTING:
	case PRS_JOB_RUNNING:
	case PRS_JOB_ASSEMBLING:
	case PRS_JOB_ABORTING:
	case PRS_JOB_DRAINING:
	case PRS_JOB_INTERRUPTED:
	case PRS_JOB_STATES: break;
	}
	if (v->half_made && !v->running) /* else it is being made */
		return "half-made";
	if (v->unknown)
		return "unknown";
	return v->running ? "running" : "interrupted";
}

void prs_view_put_state(struct prs_buf *to, const struct prs_view *v)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	prs_buf_puts(to, prs_view_state(v));
	if (v->ledger.job != PRS_JOB_COMPLETED || c->items_failed <= c->items_missing)
		return;
	prs_buf_puts(to, ", ");
	prs_put_many(to, c->items_failed - c->items_missing, "item");
	prs_buf_puts(to, " failed");
}
