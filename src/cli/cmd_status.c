/* SPDX-License-Identifier: Apache-2.0
 * cmd_status: prs status RUN, prs check RUN: read-only, also while the engine runs.
 */
#include "cli/pipelines.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/path.h"
#include "io/loop.h"
#include "report/console.h"
#include "run/view.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

/* Exit status of a run that cannot be read. */
static int unreadable(const struct prs_err *err) { return complain(prs_exit_of(err->code, true), err); }

/* ---- status ------------------------------------------------------------------------------------------------------ */

static void put_number(struct prs_buf *b, const char *key, uint64_t v)
{
	prs_buf_putf(b, ", \"%s\": %llu", key, (unsigned long long)v);
}

static void put_text(struct prs_buf *b, const char *key, const char *text)
{
	prs_buf_putf(b, ", \"%s\": ", key);
	if (text && *text)
		prs_put_json(b, text);
	else
		prs_buf_puts(b, "null");
}

static void status_json(struct prs_buf *b, const struct prs_view *v, const struct prs_run *run)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	prs_buf_puts(b, "{\"run\": ");
	prs_put_json(b, run->name);
	put_text(b, "dir", run->dir);
	put_text(b, "state", prs_view_state(v));
	prs_buf_putf(b, ", \"planned\": %s", v->ledger.planned_all ? "true" : "false");
	put_number(b, "mini_batches", v->ledger.next_id);
	put_number(b, "done", c->units[PRS_UNIT_DONE]);
	put_number(b, "failed", c->units[PRS_UNIT_FAILED]);
	put_number(b, "tries_failed", c->tries_failed);
	put_number(b, "items", c->items);
	put_number(b, "items_succeeded", c->items_succeeded);
	put_number(b, "items_failed", c->items_failed);
	put_number(b, "items_missing", c->items_missing);
	put_number(b, "rows", c->rows);
	put_number(b, "started_us", v->first_us);
	put_number(b, "last_us", v->last_us);
	put_text(b, "error", v->ledger.job_code ? prs_error_row(v->ledger.job_code)->name : NULL);
	put_text(b, "cause", v->cause);
	put_text(b, "output", v->output);
	put_text(b, "engine", v->owner);
	prs_buf_puts(b, "}\n");
}

/* "45 of at least 180 done, 2 failed, 3 without a row" */
static void put_counts(struct prs_buf *b, const char *label, uint64_t good, const char *word, uint64_t all,
                       uint64_t failed, uint64_t missing, bool growing)
{
	prs_buf_putf(b, "  %-14s", label);
	prs_put_count(b, good);
	prs_buf_puts(b, growing ? " of at least " : " of ");
	prs_put_count(b, all);
	prs_buf_putf(b, " %s", word);
	if (failed) {
		prs_buf_puts(b, ", ");
		prs_put_count(b, failed);
		prs_buf_puts(b, " failed");
	}
	if (missing) {
		prs_buf_puts(b, ", ");
		prs_put_count(b, missing);
		prs_buf_puts(b, " without a row");
	}
	prs_buf_putc(b, '\n');
}

static void put_field(struct prs_buf *b, const char *label, const char *text, const char *more)
{
	if (!text[0])
		return;
	prs_buf_putf(b, "  %-14s", label);
	prs_put_plain(b, text);
	prs_buf_puts(b, more);
	prs_buf_putc(b, '\n');
}

/* That nothing was returned is not why. */
void cli_put_cause(struct prs_buf *b, const struct prs_view *v)
{
	const struct prs_ledger *l = &v->ledger;
	bool every = l->job_code == PRS_ENO_RESULT_TO_APPEND && l->counts.units[PRS_UNIT_FAILED] == l->next_id;
	if (every && v->last_try[0])
		prs_buf_puts(b, "every mini-batch failed: ");
	prs_put_plain(b, every && v->last_try[0] ? v->last_try : v->cause);
}

static void put_cause(struct prs_buf *b, const struct prs_view *v)
{
	PRS_AUTOBUF cause;
	prs_buf_init(&cause, 64 << 10);
	cli_put_cause(&cause, v);
	put_field(b, "cause", prs_buf_str(&cause), "");
}

static void put_times(struct prs_buf *b, const struct prs_view *v)
{
	uint64_t now = prs_wall_us();
	if (!v->first_us) { /* nothing is in its journal */
		prs_buf_puts(b, "  started       never\n");
		return;
	}
	prs_buf_puts(b, "  started       ");
	cli_put_time(b, v->first_us);
	prs_buf_puts(b, ", ");
	cli_put_age(b, now, v->first_us);
	prs_buf_puts(b, " ago\n  last change   ");
	cli_put_time(b, v->last_us);
	prs_buf_puts(b, ", ");
	cli_put_age(b, now, v->last_us);
	prs_buf_puts(b, " ago\n");
}

void cli_put_retry(struct prs_buf *b, const char *run_name, uint16_t cause, bool new_code)
{
	prs_buf_putf(b, "Start a new run, or try what failed once more: prs resume %s --retry-failed%s\n", run_name,
	             new_code || prs_exit_mends_script(cause) ? " --new-code" : "");
}

static void put_next(struct prs_buf *b, const struct prs_view *v, const struct prs_run *run)
{
	const char *state = prs_view_state(v);
	if (!strcmp(state, "interrupted"))
		prs_buf_putf(b, "Go on with: prs resume %s\n", run->name);
	else if (!strcmp(state, "failed"))
		cli_put_retry(b, run->name, v->ledger.job_code, false);
}

static void status_text(struct prs_buf *b, const struct prs_view *v, const struct prs_run *run)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	bool growing = !v->ledger.planned_all;
	bool unknown = !strcmp(prs_view_state(v), "unknown"); /* its lock is another user's */
	prs_buf_putf(b, "%s: %s", run->name, unknown ? "running or not: " : "");
	prs_view_put_state(b, v);
	prs_buf_putc(b, '\n');
	put_counts(b, "mini-batches", c->units[PRS_UNIT_DONE], "done", v->ledger.next_id, c->units[PRS_UNIT_FAILED], 0,
	           growing);
	put_counts(b, "items", c->items_succeeded, "succeeded", c->items, c->items_failed - c->items_missing,
	           c->items_missing, growing);
	put_times(b, v);
	put_field(b, "engine", v->owner, "");
	put_cause(b, v);
	put_field(b, "output", v->output, "");
	put_field(b, "logs", run->dir, "/logs");
	put_next(b, v, run);
}

int cmd_status(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	struct prs_view v;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	if (cli_find_any(a, a->words.n ? a->words.v[0] : NULL, &run, &err) < 0)
		return unreadable(&err);
	bool pipeline = run.kind == PRS_RUN_PIPELINE, watch = cli_has(a, "--watch");
	int watched = watch && !pipeline ? cli_watch(&run, cli_json(a)) : 0;
	if (watch && pipeline)
		watched = cli_pipeline_watch(&run, cli_json(a));
	if (watched)
		return watched;
	if (pipeline)
		return cli_pipeline_status(&run, cli_json(a));
	int r = prs_view_read(&v, program_fs(), &run, &err);
	if (!r && cli_json(a))
		status_json(&b, &v, &run);
	else if (!r)
		status_text(&b, &v, &run);
	prs_view_done(&v);
	if (r < 0)
		return unreadable(&err);
	return cli_json(a) ? cli_print(&b) : cli_show(&b);
}

/* ---- check ------------------------------------------------------------------------------------------------------- */

struct problems {
	struct prs_buf *b;
	bool json;
	unsigned n;
};

static void check_problem(void *ctx, const char *sentence)
{
	struct problems *p = ctx;
	if (p->json) {
		prs_buf_puts(p->b, p->n ? ", " : "");
		prs_put_json(p->b, sentence);
	} else {
		prs_put_plain(p->b, sentence);
		prs_buf_putc(p->b, '\n');
	}
	p->n++;
}

static int64_t check_step(struct problems *p, const struct prs_run *pipeline, const struct prs_step *step,
                          struct prs_err *err)
{
	struct prs_run run;
	PRS_AUTOFREE char *path = prs_strf("%s/steps/%s", pipeline->dir, step->folder);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "%s", step->name);
	if (!prs_path_is_run(program_fs(), path)) /* a command, or it has not begun */
		return 0;
	if (prs_run_find(program_fs(), "", path, &run, err) < 0)
		return err->code;
	int64_t n = prs_store_audit(program_fs(), run.dir, &run.id, check_problem, p, err);
	return n < 0 ? prs_wrap(err, "%s", step->name) : n;
}

/* Its own journal, and the runs of its steps. */
static int64_t check_pipeline(struct problems *p, const struct prs_run *run, struct prs_err *err)
{
	struct prs_pipeline_view v;
	int64_t all = prs_pipeline_view_read(&v, program_fs(), run, err);
	for (size_t i = 0; all >= 0 && i < v.pipeline->steps_n; i++) {
		int64_t n = check_step(p, run, &v.pipeline->steps[i], err);
		all = n < 0 ? n : all + n;
	}
	prs_pipeline_view_done(&v);
	return all;
}

int cmd_check(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 256 << 20);
	struct problems p = { &b, cli_json(a), 0 };
	if (cli_find_any(a, a->words.n ? a->words.v[0] : NULL, &run, &err) < 0)
		return unreadable(&err);
	if (run.step[0] && cli_refuse_pipeline(a, &run, &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	if (p.json) {
		prs_buf_puts(&b, "{\"run\": ");
		prs_put_json(&b, run.name);
		prs_buf_puts(&b, ", \"problems\": [");
	}
	int64_t problems = run.kind == PRS_RUN_PIPELINE
	                           ? check_pipeline(&p, &run, &err)
	                           : prs_store_audit(program_fs(), run.dir, &run.id, check_problem, &p, &err);
	if (problems < 0)
		return unreadable(&err);
	if (p.json)
		prs_buf_puts(&b, "]}\n");
	else
		prs_buf_putf(&b, "%s: %s\n", run.name, prs_many((uint64_t)problems, "problem").text);
	int status = p.json ? cli_print(&b) : cli_show(&b);
	if (status)
		return status;
	return problems ? 1 : 0;
}
