/* SPDX-License-Identifier: Apache-2.0
 * overview: job_progress_overview.txt (progress in a few sentences) and sys/master_role.txt (what the engine did).
 *
 * Progress lines belong to the clock: one every 10 s since the engine started, written when a fact or a tick at or
 * behind that time comes.
 */
#include "report/impl.h"

#include "base/many.h"
#include "report/console.h"

#define OVERVIEWER "127.0.0.1"

/* ---- overview ---------------------------------------------------------------------------------------------------- */

static struct prs_buf *line(struct prs_report *r, uint64_t wall_us)
{
	struct prs_buf *b = r->quiet ? NULL : report_file_buf(r, r->files[REPORT_OVERVIEW]);
	if (!b)
		return NULL;
	char time[TEXT_ISO];
	text_iso(&r->day, time, wall_us);
	prs_buf_put(b, time, sizeof time);
	prs_buf_putc(b, ' ');
	return b;
}

static void line_end(struct prs_report *r, struct prs_buf *b)
{
	prs_buf_putc(b, '\n');
	report_file_put_done(r, r->files[REPORT_OVERVIEW]);
}

static void say(struct prs_report *r, uint64_t wall_us, const char *sentence)
{
	struct prs_buf *b = line(r, wall_us);
	if (!b)
		return;
	prs_buf_puts(b, sentence);
	line_end(r, b);
}

/* 0:00:09 */
static void put_hms(struct prs_buf *b, uint64_t us)
{
	uint64_t s = us / 1000000;
	prs_buf_dec(b, s / 3600, 0);
	prs_buf_putc(b, ':');
	prs_buf_dec(b, s / 60 % 60, 2);
	prs_buf_putc(b, ':');
	prs_buf_dec(b, s % 60, 2);
}

static void put_processed(struct prs_report *r, struct prs_buf *b, uint64_t wall_us)
{
	prs_buf_puts(b, "Processed ");
	prs_buf_dec(b, r->done + r->failed, 0);
	prs_buf_puts(b, " of ");
	prs_buf_dec(b, r->mini_batches, 0);
	prs_buf_puts(b, " mini batches in ");
	put_hms(b, r->before_us + (wall_us > r->head_us ? wall_us - r->head_us : 0));
	prs_buf_putc(b, '.');
}

static void put_estimate(struct prs_report *r, struct prs_buf *b, uint64_t wall_us)
{
	struct prs_estimate e = prs_pace_estimate(&r->pace, wall_us);
	if (!e.left_known)
		return;
	prs_buf_puts(b, " Estimated remaining time ");
	put_hms(b, e.left_us);
	prs_buf_putc(b, '.');
}

static void progress(struct prs_report *r, uint64_t wall_us)
{
	struct prs_buf *b = line(r, wall_us);
	if (!b)
		return;
	if (r->done + r->failed == 0) {
		prs_buf_puts(b, "No task has been processed yet.");
	} else if (r->job == PRS_JOB_ASSEMBLING && r->c.append_row) {
		prs_buf_puts(b, "The append_row concatenation is going on.");
	} else {
		put_processed(r, b, wall_us);
		put_estimate(r, b, wall_us);
	}
	line_end(r, b);
}

/* One line for the last 10 s mark at or before wall_us, if it was not written yet. */
void report_overview_until(struct prs_report *r, uint64_t wall_us)
{
	if (wall_us < r->next_tick_us)
		return;
	uint64_t mark = r->next_tick_us + (wall_us - r->next_tick_us) / REPORT_TICK_US * REPORT_TICK_US;
	progress(r, mark);
	r->next_tick_us = mark + REPORT_TICK_US;
}

static void planned(struct prs_report *r, const struct prs_fact *f)
{
	struct prs_buf *b = f->u.planned.complete ? line(r, f->time_us) : NULL;
	if (!b)
		return;
	uint64_t us = f->time_us > r->head_us ? f->time_us - r->head_us : 0;
	prs_buf_puts(b, "Scheduling finished. Scheduled ");
	prs_buf_dec(b, r->mini_batches, 0);
	prs_buf_puts(b, " mini batches in ");
	prs_buf_dec(b, us / 1000000, 0);
	if (us < 10000000) {
		prs_buf_putc(b, '.');
		prs_buf_dec(b, us / 10000 % 100, 2);
	}
	prs_buf_puts(b, " seconds. There are ");
	prs_buf_dec(b, r->mini_batches, 0);
	prs_buf_puts(b, " tasks with ");
	prs_buf_dec(b, r->items, 0);
	prs_buf_puts(b, " items.");
	line_end(r, b);
}

static void published(struct prs_report *r, const struct prs_fact *f)
{
	struct prs_buf *b = line(r, f->time_us);
	if (!b)
		return;
	prs_buf_puts(b, "The append_row concatenation finished: ");
	prs_buf_dec(b, f->u.published.rows, 0);
	prs_buf_puts(b, " rows, ");
	prs_buf_dec(b, f->u.published.bytes, 0);
	prs_buf_puts(b, " bytes in ");
	report_plain(b, f->u.published.name.p, f->u.published.name.n, PATH_MAX);
	prs_buf_putc(b, '.');
	line_end(r, b);
}

static void totals(struct prs_report *r, uint64_t wall_us)
{
	struct prs_buf *b = line(r, wall_us);
	if (!b)
		return;
	put_processed(r, b, wall_us);
	prs_buf_putc(b, ' ');
	prs_buf_dec(b, r->done, 0);
	prs_buf_puts(b, " succeeded, ");
	prs_buf_dec(b, r->failed, 0);
	prs_buf_puts(b, " failed. Items: ");
	prs_buf_dec(b, r->items_succeeded, 0);
	prs_buf_puts(b, " succeeded, ");
	prs_buf_dec(b, r->items_failed, 0);
	prs_buf_puts(b, " failed.");
	line_end(r, b);
}

static void put_cause(struct prs_buf *b, const struct prs_fact *f)
{
	if (f->u.state.code) {
		prs_buf_puts(b, " Error ");
		prs_buf_puts(b, prs_error_row(f->u.state.code)->name);
		prs_buf_putc(b, ':');
	}
	prs_buf_putc(b, ' ');
	if (f->u.state.text.n)
		report_plain(b, f->u.state.text.p, f->u.state.text.n, 4000);
	else if (f->u.state.code)
		prs_buf_puts(b, prs_error_row(f->u.state.code)->sentence);
}

static void ended(struct prs_report *r, const struct prs_fact *f, const char *sentence, const char *hint)
{
	totals(r, f->time_us);
	struct prs_buf *b = line(r, f->time_us);
	if (b) {
		prs_buf_puts(b, sentence);
		if (f->u.state.code || f->u.state.text.n)
			put_cause(b, f);
		line_end(r, b);
	}
	if (hint)
		say(r, f->time_us, hint);
	say(r, f->time_us, "The overviewer on " OVERVIEWER " stopped.");
	r->next_tick_us = UINT64_MAX;
}

static void state(struct prs_report *r, const struct prs_fact *f)
{
	switch ((enum prs_job_state)f->u.state.to) {
	case PRS_JOB_ASSEMBLING:
		if (r->c.append_row)
			say(r, f->time_us, "All mini batches are processed. The append_row concatenation started.");
		break;
	case PRS_JOB_COMPLETED:
		ended(r, f, "The job result is: Completed.",
		      r->failed ? "Some mini batches failed: see user/error.txt." : NULL);
		break;
	case PRS_JOB_FAILED:
		ended(r, f, "The job result is: Failed.",
		      "Where to look: user/error.txt (summary of the script's errors), "
		      "user/error/ (tracebacks), user/stderr/ and user/stdout/ (what the script printed), sys/node/ "
		      "(what each process did).");
		break;
	case PRS_JOB_INTERRUPTED:
		ended(r, f, "The job result is: Interrupted. Nothing is lost, it can be resumed.", NULL);
		break;
	case PRS_JOB_CANCELED: ended(r, f, "The job result is: Canceled.", NULL); break;
	case PRS_JOB_ABORTING: say(r, f->time_us, "The job is being stopped because of an error."); break;
	case PRS_JOB_DRAINING: say(r, f->time_us, "The job is being stopped: running mini-batches may finish."); break;
	case PRS_JOB_STARTING:
	case PRS_JOB_RUNNING:
	case PRS_JOB_STATES: break;
	}
}

void report_overview(struct prs_report *r, const struct prs_fact *f)
{
	if (f->type == PRS_FACT_HEAD)
		say(r, f->time_us, "The overviewer on " OVERVIEWER " started.");
	else if (f->type == PRS_FACT_PLANNED)
		planned(r, f);
	else if (f->type == PRS_FACT_PUBLISHED)
		published(r, f);
	else if (f->type == PRS_FACT_STATE)
		state(r, f);
}

/* ---- master ------------------------------------------------------------------------------------------------------ */

static struct prs_buf *master_line(struct prs_report *r, const struct prs_fact *f, const char *level)
{
	struct prs_buf *b = report_file_buf(r, r->files[REPORT_MASTER]);
	if (!b)
		return NULL;
	char time[TEXT_LOG_TIME];
	text_log_time(&r->day, time, f->time_us);
	prs_buf_put(b, time, sizeof time);
	prs_buf_putc(b, '|');
	prs_buf_puts(b, level);
	prs_buf_putc(b, '|');
	prs_buf_dec(b, r->engine_pid, 0);
	prs_buf_puts(b, "|MainThread|");
	return b;
}

static void put_text(struct prs_buf *b, struct prs_text t) { report_plain(b, t.p, t.n, 1000); }

static void master_head(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_puts(b, f->u.head.previous ? "Go on with the run: engine " : "Start the run: engine ");
	put_text(b, f->u.head.engine);
	prs_buf_puts(b, " on ");
	put_text(b, f->u.head.host);
	prs_buf_putf(b, ", pid %u, epoch %u.", f->u.head.pid, f->u.head.epoch);
}

static void master_node(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_putf(b, "Node %u ", f->u.node.node);
	put_text(b, f->u.node.name);
	prs_buf_puts(b, " (");
	put_text(b, f->u.node.address);
	if (f->u.node.up)
		prs_buf_putf(b, ") is up: %s, %s, %s.", prs_many(f->u.node.procs, "process").text,
		             prs_many(f->u.node.cores, "core").text, prs_many(f->u.node.gpus, "GPU").text);
	else
		prs_buf_puts(b, ") is down.");
}

static void master_state(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_puts(b, "Job stage changed from ");
	prs_buf_puts(b, prs_state_name(PRS_MACHINE_JOB, f->u.state.from));
	prs_buf_puts(b, " to ");
	prs_buf_puts(b, prs_state_name(PRS_MACHINE_JOB, f->u.state.to));
	prs_buf_putc(b, '.');
	if (f->u.state.code || f->u.state.text.n)
		put_cause(b, f);
}

static void master_failed(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_puts(b, "Mini-batch ");
	prs_buf_dec(b, f->u.failed.unit.id, 0);
	prs_buf_puts(b, " failed for good: ");
	prs_buf_puts(b, prs_error_row(f->u.failed.code)->name);
	prs_buf_puts(b, ", ");
	prs_buf_dec(b, f->u.failed.items, 0);
	prs_buf_puts(b, " items.");
}

static void master_lost(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_putf(b, "Node %u was lost with %u running and %u queued mini-batches. Running:", f->u.lost.node,
	             f->u.lost.running_count, f->u.lost.queued_count);
	for (uint32_t i = 0; i < f->u.lost.running_count; i++) {
		prs_buf_putc(b, ' ');
		prs_buf_dec(b, prs_lost_unit(f, i).id, 0);
	}
	prs_buf_putc(b, '.');
}

static void master_set(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_puts(b, "Setting ");
	put_text(b, f->u.set.key);
	prs_buf_puts(b, " changed from ");
	put_text(b, f->u.set.old);
	prs_buf_puts(b, " to ");
	put_text(b, f->u.set.new_);
	prs_buf_putc(b, '.');
}

static void master_planned(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_puts(b, "Save checkpoint: next mini-batch ");
	prs_buf_dec(b, f->u.planned.next_id, 0);
	prs_buf_puts(b, ", items ");
	prs_buf_dec(b, f->u.planned.items, 0);
	prs_buf_puts(b, f->u.planned.complete ? ", finished=True." : ", finished=False.");
}

static void master_reset(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_dec(b, f->u.reset.count, 0);
	prs_buf_puts(b, " mini-batches from ");
	prs_buf_dec(b, f->u.reset.unit.id, 0);
	prs_buf_puts(b, f->u.reset.reason == PRS_RESET_RETRY_FAILED
	                        ? " on go back to planned: retry of failed ones."
	                        : " on go back to planned: their rows are damaged.");
}

static void master_published(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_puts(b, "Output published: ");
	report_plain(b, f->u.published.name.p, f->u.published.name.n, PATH_MAX);
	prs_buf_puts(b, ", ");
	prs_buf_dec(b, f->u.published.bytes, 0);
	prs_buf_puts(b, " bytes.");
}

static void master_body(struct prs_buf *b, const struct prs_fact *f)
{
	if (f->type == PRS_FACT_HEAD)
		master_head(b, f);
	else if (f->type == PRS_FACT_NODE)
		master_node(b, f);
	else if (f->type == PRS_FACT_STATE)
		master_state(b, f);
	else if (f->type == PRS_FACT_FAILED)
		master_failed(b, f);
	else if (f->type == PRS_FACT_LOST)
		master_lost(b, f);
	else if (f->type == PRS_FACT_SET)
		master_set(b, f);
	else if (f->type == PRS_FACT_PLANNED)
		master_planned(b, f);
	else if (f->type == PRS_FACT_RESET)
		master_reset(b, f);
	else if (f->type == PRS_FACT_PUBLISHED)
		master_published(b, f);
	else
		prs_buf_putf(b, "%s.", prs_fact_name(f->type));
}

void report_master(struct prs_report *r, const struct prs_fact *f)
{
	if (f->type == PRS_FACT_DONE || f->type == PRS_FACT_TRY || f->type == PRS_FACT_PROC)
		return;
	bool bad = f->type == PRS_FACT_FAILED || f->type == PRS_FACT_LOST ||
	           (f->type == PRS_FACT_RESET && f->u.reset.reason != 0);
	if (!bad && r->c.level < PRS_LOG_INFO)
		return;
	struct prs_buf *b = master_line(r, f, bad ? "WARNING" : "INFO");
	if (!b)
		return;
	master_body(b, f);
	prs_buf_putc(b, '\n');
	report_file_put_done(r, r->files[REPORT_MASTER]);
}
