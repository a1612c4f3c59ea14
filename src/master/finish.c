/* SPDX-License-Identifier: Apache-2.0
 * finish: the output, the last state, the result.
 */
#include "master/impl.h"

#include "base/exits.h"
#include "base/killpoint.h"
#include "base/many.h"
#include "spec/job_table.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { BAD_BYTES_MAX = 64 << 20 };

static void end_with(struct prs_engine *e, enum prs_job_state on_the_way, enum prs_job_state last, uint16_t code,
                     const char *text)
{
	engine_cause(e, code, text);
	engine_state(e, on_the_way, code, e->end->text);
	engine_state(e, last, code, e->end->text);
}

static void output_path(struct prs_engine *e)
{
	if (e->c.placed->output_file)
		snprintf(e->end->output, sizeof e->end->output, "%s", e->c.placed->output_file);
	else
		snprintf(e->end->output, sizeof e->end->output, "%s/outputs/%s", e->c.dir, prs_job_rows_name(e->c.job));
}

/* ---- writing the output: on the lister thread -------------------------------------------------------------------- */

struct bad_range {
	uint64_t id;
	const char *why; /* a literal */
};

static void output_bad(void *ctx, uint64_t id, const char *why)
{
	struct assembling *a = ctx;
	struct bad_range bad = { id, why };
	prs_buf_put(&a->bad, &bad, sizeof bad);
}

static void output_work(struct prs_sync_job *job)
{
	struct assembling *a = (struct assembling *)job;
	const struct prs_engine *e = a->engine;
	prs_assemble(e->c.fs, e->c.dir, e->index, &a->options, output_bad, a, &a->result, &a->err);
}

/* ---- and what came of it: on the loop ---------------------------------------------------------------------------- */

static void warn_headers(struct prs_engine *e, const struct prs_assembled *a)
{
	bool merged = e->c.job->o.output_format != PRS_OUTPUT_TEXT;
	uint64_t as_is = merged ? a->unfit : a->headers_differ, added = merged ? a->headers_differ - a->unfit : 0;
	char text[256];
	if (added && e->c.warn) {
		snprintf(text, sizeof text,
		         "%s returned other columns than the first one: the output has the columns of all, and nothing "
		         "in the cells that a mini-batch did not have",
		         prs_many(added, "mini-batch").text);
		e->c.warn(e->c.ctx, text);
	}
	if (as_is && e->c.warn) {
		snprintf(text, sizeof text,
		         "%s returned DataFrames with other columns than the first one: their rows stand in the output "
		         "as they are",
		         prs_many(as_is, "mini-batch").text);
		e->c.warn(e->c.ctx, text);
	}
}

static void publish(struct prs_engine *e, const struct prs_assembled *a)
{
	warn_headers(e, a);
	struct prs_fact f = { .type = PRS_FACT_PUBLISHED, .time_us = prs_wall_us() };
	f.u.published.name = (struct prs_text){ e->end->output, (uint16_t)strlen(e->end->output) };
	f.u.published.bytes = a->bytes;
	f.u.published.rows = e->ledger.counts.rows;
	memcpy(f.u.published.print, a->print, 16);
	journal_put(e, &f);
	e->end->result.output_bytes = a->bytes;
	engine_state(e, PRS_JOB_COMPLETED, 0, "");
}

static void reset_bad(struct prs_engine *e)
{
	struct bad_range bad;
	for (size_t at = 0; at + sizeof bad <= e->assembling.bad.len; at += sizeof bad) {
		memcpy(&bad, e->assembling.bad.data + at, sizeof bad);
		journal_bad_range(e, bad.id, bad.why);
	}
	journal_bad_end(e);
}

static void output_done(struct prs_sync_job *job)
{
	struct assembling *a = (struct assembling *)job;
	struct prs_engine *e = a->engine;
	a->running = false;
	finish_end_writer(e);
	prs_loop_stop(e->loop);
	if (e->over)
		return;
	reset_bad(e);
	if (a->err.code == -PRS_EFENCED)
		engine_fenced(e, &a->err);
	else if (a->err.code == -PRS_EINTERRUPTED)
		end_with(e, PRS_JOB_DRAINING, a->cancel_code == PRS_ECANCELED ? PRS_JOB_CANCELED : PRS_JOB_INTERRUPTED,
		         a->cancel_code, a->cancel_text);
	else if (a->err.code)
		end_with(e, PRS_JOB_DRAINING, PRS_JOB_INTERRUPTED, (uint16_t)-a->err.code, a->err.msg);
	else
		publish(e, &a->result);
}

void finish_end_writer(struct prs_engine *e)
{
	struct assembling *a = &e->assembling;
	if (a->has_writer)
		prs_table_writer_end(&a->writer);
	a->has_writer = false;
}

/* Parquet is written by a process of the job's Python. */
static int begin_writer(struct prs_engine *e, struct prs_err *err)
{
	struct assembling *a = &e->assembling;
	const struct prs_options *o = &e->c.job->o;
	char mark[sizeof "PRS_RUN=" + PRS_RUN_MARK_BYTES], log[PATH_MAX];
	if (o->output_format != PRS_OUTPUT_PARQUET)
		return 0;
	snprintf(mark, sizeof mark, "PRS_RUN=%s", e->nodes[0].run_text);
	prs_log_path(log, sizeof log, e->c.dir, PRS_NAME_TABLE_OUT, "", "");
	prs_table_writer_init(&a->writer);
	a->has_writer = true;
	a->options.sink = &a->writer.sink;
	return prs_table_writer_begin(&a->writer,
	                              &(struct prs_table_writer_start){ .fs = e->c.fs,
	                                                                .program = e->c.program,
	                                                                .python = e->c.job->python,
	                                                                .loader = e->c.loader,
	                                                                .variables = e->nodes[0].is.variables,
	                                                                .mark = mark,
	                                                                .cwd = e->code_root,
	                                                                .log = log,
	                                                                .format = PRS_OUTPUT_PARQUET,
	                                                                .types = &o->output_types,
	                                                                .timeout_us = o->init_timeout_us },
	                              err);
}

static bool begin_output(struct prs_engine *e)
{
	struct assembling *a = &e->assembling;
	struct prs_err err = { 0 };
	a->engine = e;
	a->options = (struct prs_assemble_options){ .path = e->end->output,
		                                    .run = &e->c.run,
		                                    .epoch = e->epoch,
		                                    .overwrite = e->c.job->o.overwrite || !e->c.placed->output_file,
		                                    .next_id = e->ledger.next_id,
		                                    .format = (enum prs_output_format)e->c.job->o.output_format,
		                                    .rows = e->ledger.counts.rows,
		                                    .cancel = &a->cancel,
		                                    .progress = &a->bytes };
	prs_buf_init(&a->bad, BAD_BYTES_MAX);
	if (begin_writer(e, &err) < 0) {
		finish_end_writer(e);
		end_with(e, PRS_JOB_DRAINING, PRS_JOB_INTERRUPTED, (uint16_t)-err.code, err.msg);
		return false;
	}
	a->job = (struct prs_sync_job){ .work = output_work, .done = output_done };
	a->running = true;
	prs_sync_put(e->lister_thread, &a->job);
	return true;
}

/* Rows that a filter or a sample leaves out succeed, and run() is not called when none is left: then it is not to blame
 * that there is nothing to append. */
static bool run_gave_nothing(const struct prs_engine *e)
{
	static const char said[] = "every row was left out before run(): the output is empty";
	const struct prs_ledger_counts *c = &e->ledger.counts;
	if (c->rows || !prs_job_is_table(e->c.job) || c->items_failed)
		return !c->rows;
	if (e->c.say)
		e->c.say(e->c.ctx, said);
	return false;
}

static void end_without_input(struct prs_engine *e)
{
	char text[512];
	prs_engine_no_items(e->c.placed, prs_plan_files(e->plan), text, sizeof text);
	end_with(e, PRS_JOB_ABORTING, PRS_JOB_FAILED, PRS_ENO_INPUT, text);
}

bool finish_begin(struct prs_engine *e)
{
	if (e->state == PRS_JOB_STARTING)
		engine_state(e, PRS_JOB_RUNNING, 0, "");
	if (e->state == PRS_JOB_RUNNING)
		engine_state(e, PRS_JOB_ASSEMBLING, 0, "");
	journal_finish(e);
	if (e->over)
		return false;
	if (e->ledger.next_id == 0) {
		end_without_input(e);
		return false;
	}
	if (e->c.job->o.output_action != PRS_OUTPUT_APPEND_ROW) {
		engine_state(e, PRS_JOB_COMPLETED, 0, "");
		return false;
	}
	output_path(e);
	if (run_gave_nothing(e)) {
		end_with(e, PRS_JOB_ABORTING, PRS_JOB_FAILED, PRS_ENO_RESULT_TO_APPEND,
		         prs_error_row(PRS_ENO_RESULT_TO_APPEND)->sentence);
		return false;
	}
	return begin_output(e);
}

void finish_cancel(struct prs_engine *e, uint16_t code, const char *text)
{
	struct assembling *a = &e->assembling;
	if (!a->cancel_code)
		snprintf(a->cancel_text, sizeof a->cancel_text, "%s", text);
	a->cancel_code = a->cancel_code ? a->cancel_code : code;
	__atomic_store_n(&a->cancel, true, __ATOMIC_RELAXED);
	if (a->has_writer)
		prs_table_writer_kill(&a->writer);
}

const char *finish_note(const struct prs_engine *e, char *to, size_t n)
{
	uint64_t all = e->ledger.counts.row_bytes, bytes = __atomic_load_n(&e->assembling.bytes, __ATOMIC_RELAXED);
	if (!e->assembling.running)
		return NULL;
	if (e->assembling.cancel)
		return "stopping";
	uint64_t written = bytes < all ? bytes : all;
	snprintf(to, n, "writing the output: %u%%", all ? (unsigned)((double)written * 100 / (double)all) : 0);
	return to;
}

/* ---- the result -------------------------------------------------------------------------------------------------- */

/* A name that no column has is found with the headers, before the first mini-batch: as if it had been found before. */
static bool is_mistake(const struct prs_engine *e)
{
	return e->state == PRS_JOB_FAILED && !e->ledger.next_id && e->cause == PRS_ENO_COLUMN;
}

static int exit_code(const struct prs_engine *e)
{
	const struct prs_ledger_counts *c = &e->ledger.counts;
	if (e->fenced)
		return PRS_EXIT_BROKEN;
	if (e->state == PRS_JOB_COMPLETED)
		return e->c.job->o.strict && c->items_failed > c->items_missing ? PRS_EXIT_FAILED : PRS_EXIT_COMPLETED;
	if (e->state == PRS_JOB_CANCELED)
		return PRS_EXIT_CANCELED;
	if (is_mistake(e))
		return PRS_EXIT_MISTAKE;
	return e->state == PRS_JOB_FAILED ? PRS_EXIT_FAILED : PRS_EXIT_RESUMABLE;
}

static void read_trace(struct prs_engine *e)
{
	struct prs_first_error first;
	if (!e->report || !prs_report_first_error(e->report, &first))
		return;
	char path[PATH_MAX + 512];
	snprintf(path, sizeof path, "%s/logs/%s", e->c.dir, first.file);
	int fd = e->c.fs->open(e->c.fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (fd < 0 || !first.bytes) {
		snprintf(e->end->trace, sizeof e->end->trace, "%s", first.message);
	} else {
		size_t n = first.bytes < sizeof e->end->trace - 1 ? first.bytes : sizeof e->end->trace - 1;
		ssize_t got = e->c.fs->pread(e->c.fs->ctx, fd, e->end->trace, n, first.offset);
		e->end->trace[got > 0 ? got : 0] = 0;
	}
	if (fd >= 0)
		e->c.fs->close(e->c.fs->ctx, fd);
}

/* What bisect cost, against what was said when it began. */
static void tell_bisect(struct prs_engine *e)
{
	const struct prs_ledger_counts *c = &e->ledger.counts;
	uint64_t bound = c->split_items * ((uint64_t)e->c.job->o.run_max_try + 1) - 2 * c->splits;
	char text[256];
	if (!c->splits || !e->c.say || e->end->was_over)
		return;
	snprintf(text, sizeof text, "bisect: %s tried in parts, %s (at most %llu)",
	         prs_many(c->splits, "mini-batch").text, prs_many(c->part_runs, "more run").text,
	         (unsigned long long)bound);
	e->c.say(e->c.ctx, text);
}

void finish_end(struct prs_engine *e)
{
	struct prs_err err = { 0 };
	const struct prs_ledger_counts *c = &e->ledger.counts;
	bool more = true;
	PRS_KILL_POINT("master.ended");
	while (more && e->report && !e->fenced)
		if (prs_report_catch_up(e->report, e->epoch, e->journal.durable, 0, &more, &err) < 0)
			break;
	if (!e->end->was_over)
		engine_show_error(e); /* of a job that was over before its first tick */
	read_trace(e);
	bool then = e->end->was_over;
	uint64_t wall = then ? e->last_life.wall_us : prs_clock_us() - e->started_us;
	struct prs_result *r = &e->end->result;
	uint64_t bytes = r->output_bytes;
	*r = (struct prs_result){ .state = e->state,
		                  .code = e->cause,
		                  .text = e->end->text[0] ? e->end->text : NULL,
		                  .run_name = e->c.run_name,
		                  .run_dir = e->c.dir,
		                  .output = e->state == PRS_JOB_COMPLETED && e->end->output[0] ? e->end->output : NULL,
		                  .mini_batches = e->ledger.next_id,
		                  .done = c->units[PRS_UNIT_DONE],
		                  .failed = c->units[PRS_UNIT_FAILED],
		                  .items = c->items,
		                  .items_succeeded = c->items_succeeded,
		                  .items_failed = c->items_failed,
		                  .items_missing = c->items_missing,
		                  .rows = c->rows,
		                  .output_bytes = bytes,
		                  .wall_us = wall,
		                  .done_now = c->done_this_epoch,
		                  .items_now = c->items_this_epoch,
		                  .busy = wall && !then ? (double)e->busy_us / (double)wall / (double)e->procs : -1 };
	if (e->report)
		prs_report_kinds(e->report, r);
	e->end->exit_code = exit_code(e);
	advice_put(e);
	tell_bisect(e);
	code_rows(&e->ledger, e->end->codes, sizeof e->end->codes);
	r->codes = e->end->codes[0] ? e->end->codes : NULL;
	r->trace = e->state != PRS_JOB_COMPLETED && e->end->trace[0] ? e->end->trace : NULL;
	if (e->report && !e->fenced) {
		prs_report_finish(e->report, r, &err);
		if (prs_report_flush(e->report, &err) < 0 && !e->told_report && e->c.warn)
			e->c.warn(e->c.ctx, err.msg);
	}
}
