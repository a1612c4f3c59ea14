/* SPDX-License-Identifier: Apache-2.0
 * view: see view.h.
 */
#include "cli/view.h"

#include "store/store.h"

#include <stdio.h>
#include <string.h>

static int on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct cli_view *v = ctx;
	return v->plan ? prs_plan_feed(v->plan, body, n, err) : 0;
}

static int on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct cli_view *v = ctx;
	v->first_us = v->first_us ? v->first_us : f->time_us;
	v->last_us = f->time_us > v->last_us ? f->time_us : v->last_us;
	if (f->type == PRS_FACT_STATE)
		snprintf(v->cause, sizeof v->cause, "%.*s", (int)f->u.state.text.n, f->u.state.text.p);
	if (f->type == PRS_FACT_PUBLISHED) {
		snprintf(v->output, sizeof v->output, "%.*s", (int)f->u.published.name.n, f->u.published.name.p);
		v->output_bytes = f->u.published.bytes;
		v->output_rows = f->u.published.rows;
	}
	return prs_ledger_fold(&v->ledger, f, err);
}

static uint32_t no_items(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
	return 0;
}

static void read_owner(struct cli_view *v, const char *dir)
{
	char path[PATH_MAX + 8];
	snprintf(path, sizeof path, "%s/lock", dir);
	FILE *f = fopen(path, "re");
	if (f && fgets(v->owner, sizeof v->owner, f))
		v->owner[strcspn(v->owner, "\n")] = 0;
	if (f)
		fclose(f);
}

int cli_view_read(struct cli_view *v, const struct cli_run *run, bool with_plan, struct prs_err *err)
{
	struct prs_recovered was;
	struct prs_recover_sink sink = { v, on_plan, on_fact };
	memset(v, 0, sizeof *v);
	v->plan = with_plan ? prs_plan_new() : NULL;
	if (with_plan && !v->plan)
		return prs_fail(err, PRS_ENOMEM, "%s", run->name);
	int r = prs_ledger_init(&v->ledger, with_plan ? prs_plan_items_of : no_items, v->plan);
	/* the lock first: an engine that ends while the journal is read must not look interrupted */
	v->running = cli_is_running(run->dir);
	if (v->running)
		read_owner(v, run->dir);
	r = r ? r : prs_store_recover(program_fs(), run->dir, &run->id, &sink, &was, err);
	return r;
}

void cli_view_done(struct cli_view *v)
{
	prs_ledger_done(&v->ledger);
	prs_plan_free(v->plan);
}

const char *cli_view_state(const struct cli_view *v)
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
	return v->running ? "running" : "interrupted";
}
