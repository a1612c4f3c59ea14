/* SPDX-License-Identifier: Apache-2.0
 * plan: the lister thread lists a folder and makes its plan block durable; then its mini-batches are announced.
 */
#include "master/impl.h"

#include "base/many.h"
#include "io/procfs.h"
#include "spec/job_table.h"

#include <stdio.h>
#include <string.h>

enum { PLAN_BYTES = PRS_FRAME_MAX_BYTES, BLOCK_BYTES = 64 << 10, BLOCK_US = 20000 };

/* Several small folders make one block, but no mini-batch waits long for the folders behind it, and the first one for
 * none. */
static bool is_block(const struct listing *l, uint64_t begun_us)
{
	struct prs_list_counts c;
	prs_list_counts(l->lister, &c);
	bool first = l->log.tail == PRS_FILE_HEADER_BYTES;
	return l->frame.len >= BLOCK_BYTES || prs_clock_us() - begun_us >= BLOCK_US || (first && c.mini_batches);
}

static int commit(struct listing *l, struct prs_err *err)
{
	uint64_t at = prs_log_place(&l->log, &l->frame);
	int r = prs_log_commit(&l->log, &l->frame, at, err);
	if (r < 0)
		return r;
	return schema_put_body(l->engine, l->frame.data + PRS_FRAME_HEADER_BYTES, l->frame.len - PRS_FRAME_HEADER_BYTES,
	                       err);
}

/* What was listed before an error counts. */
static void plan_work(struct prs_sync_job *job)
{
	struct listing *l = (struct listing *)job;
	struct prs_err err = { 0 };
	uint64_t begun_us = prs_clock_us();
	prs_log_begin(&l->frame);
	do
		l->more = prs_list_next(l->lister, &l->frame, &l->err);
	while (l->more == 1 && !is_block(l, begun_us));
	l->is_block = l->frame.len > PRS_FRAME_HEADER_BYTES && !l->frame.failed;
	if (!l->is_block || commit(l, &err) == 0)
		return;
	l->is_block = false;
	l->more = err.code;
	l->err = err;
}

/* What a person mends (puts a folder back, makes it readable, room) leaves the run resumable. */
static bool is_resumable(int code)
{
	switch (-code) {
	case PRS_EPERMISSION:
	case PRS_ENOTFOUND:
	case PRS_EINPUT_CHANGED: return true;
	default: return prs_error_row(code)->action == PRS_ACTION_RESUMABLE;
	}
}

static void warn_count(struct prs_engine *e, uint64_t count, const char *one, const char *many)
{
	char text[256];
	snprintf(text, sizeof text, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
	if (count && e->c.warn)
		e->c.warn(e->c.ctx, text);
}

/* The input was listed to its end: what is not in it. */
static void tell_counts(struct prs_engine *e)
{
	struct prs_list_counts c;
	prs_list_counts(e->listing.lister, &c);
	warn_count(e, c.special, "socket, fifo or device in the input was passed over",
	           "sockets, fifos or devices in the input were passed over");
	warn_count(e, c.loops_cut, "link in the input leads back to a folder above it and was not followed",
	           "links in the input lead back to a folder above them and were not followed");
	warn_count(e, c.runs, "run folder in the input was passed over", "run folders in the input were passed over");
}

static void tell_warnings(struct prs_engine *e)
{
	const char *sentence;
	while ((sentence = prs_lister_warning(e->listing.lister)))
		if (e->c.warn)
			e->c.warn(e->c.ctx, sentence);
}

void prs_engine_no_items(const struct prs_placed *p, uint64_t files, char *to, size_t n)
{
	if (!files || !prs_job_is_table(p->job)) {
		snprintf(to, n, "there is no file in the input");
		return;
	}
	size_t at = (size_t)snprintf(to, n, "there is no row in the %s of ", prs_many(files, "file").text);
	for (size_t i = 0; i < p->job->inputs_n && at < n; i++)
		at += (size_t)snprintf(to + at, n - at, "%s%s", i ? ", " : "", p->inputs[i].path);
}

/* What one process may use, and why no more. */
static uint64_t memory_of_process(const struct prs_engine *e, const char **ret_why)
{
	struct prs_machine_usage machine = { 0 };
	int64_t limit = e->c.job->o.memory_limit_per_process;
	*ret_why = "memory_limit_per_process";
	if (limit != PRS_UNSET)
		return (uint64_t)limit;
	prs_machine_usage(&machine);
	*ret_why = "the memory of this machine";
	return machine.memory_total;
}

static void tell_large_one(struct prs_engine *e, uint64_t id, uint64_t bytes, uint64_t most, const char *why)
{
	char text[512];
	PRS_AUTOBUF detail;
	prs_buf_init(&detail, 4096);
	prs_plan_detail(e->plan, &(struct prs_unit){ .id = id }, 1, &detail);
	snprintf(text, sizeof text,
	         "mini-batch %llu, %.200s, is %.1f MB of text: more than %.1f MB, which is %s; a frame of it takes "
	         "more than its text. Finer partition_keys make smaller ones; others like it are not told here",
	         (unsigned long long)id, prs_buf_str(&detail), (double)bytes / 1e6, (double)most / 1e6, why);
	e->told_large = true;
	if (e->c.warn)
		e->c.warn(e->c.ctx, text);
}

/* Rows with the same keys are one mini-batch, however many: that is known before it runs. */
static void tell_large(struct prs_engine *e, uint64_t first_id)
{
	const char *why;
	if (e->told_large || !e->c.job->o.partition_keys.n || !prs_job_is_table(e->c.job))
		return;
	uint64_t most = memory_of_process(e, &why);
	for (uint64_t id = first_id; most && !e->told_large && id < prs_plan_next_id(e->plan); id++) {
		uint64_t bytes = prs_plan_group_bytes(e->plan, id);
		if (bytes > most)
			tell_large_one(e, id, bytes, most, why);
	}
}

/* What stands in the plan is leased when the journal has it. */
static void take_block(struct listing *l)
{
	struct prs_engine *e = l->engine;
	struct prs_err err = { 0 };
	uint64_t first_id = prs_plan_next_id(e->plan);
	if (prs_plan_feed(e->plan, l->frame.data + PRS_FRAME_HEADER_BYTES, l->frame.len - PRS_FRAME_HEADER_BYTES,
	                  &err) < 0) {
		l->more = err.code;
		l->err = err;
		return;
	}
	tell_large(e, first_id);
	struct prs_fact f = { .type = PRS_FACT_PLANNED, .time_us = prs_wall_us() };
	f.u.planned.plan_epoch = e->epoch;
	f.u.planned.plan_bytes = l->log.durable;
	f.u.planned.next_id = prs_plan_next_id(e->plan);
	f.u.planned.items = prs_plan_items(e->plan);
	f.u.planned.complete = prs_plan_complete(e->plan);
	journal_put(e, &f);
	journal_flush(e);
}

static void tell_stopped(struct prs_engine *e, const char *why)
{
	char text[768];
	uint64_t n = prs_plan_next_id(e->plan);
	snprintf(text, sizeof text, "%s. That ends the job, after the %s in front of it", why,
	         prs_many(n, "mini-batch").text);
	if (n && e->c.warn)
		e->c.warn(e->c.ctx, text);
}

/* Nothing more can be planned. What a person mends stops the run at once, since a resume goes on; else the job fails
 * when all that is planned has run: its rows are there, whoever wants them. */
static void stop_planning(struct listing *l)
{
	struct prs_engine *e = l->engine;
	prs_footers_end(&e->footers);
	if (is_resumable(l->err.code)) {
		drive_stop(e, PRS_JOB_DRAINING, (uint16_t)-l->err.code, l->err.msg);
		return;
	}
	tell_stopped(e, l->err.msg);
	struct prs_sched_event stop = { .type = PRS_SCHED_PLAN_STOPS,
		                        .code = (uint16_t)-l->err.code,
		                        .said = prs_text_of(l->err.msg),
		                        .unit = { .id = prs_plan_next_id(e->plan) } };
	drive_event(e, &stop);
}

static void plan_done(struct prs_sync_job *job)
{
	struct listing *l = (struct listing *)job;
	struct prs_engine *e = l->engine;
	if (e->over)
		return;
	tell_warnings(e);
	if (l->is_block)
		take_block(l);
	if (l->more < 0) {
		stop_planning(l);
		return;
	}
	if (l->more == 1) {
		planner_next(e);
		return;
	}
	prs_footers_end(&e->footers);
	tell_counts(e);
}

void planner_next(struct prs_engine *e)
{
	if (e->ending || e->over)
		return;
	e->listing.job = (struct prs_sync_job){ .work = plan_work, .done = plan_done };
	prs_sync_put(e->lister_thread, &e->listing.job);
}

int planner_start(struct prs_engine *e, struct prs_err *err)
{
	char path[PATH_MAX];
	prs_path_plan(path, sizeof path, e->c.dir, e->epoch);
	uint16_t minor = prs_lister_minor(e->listing.lister);
	int r = prs_log_create_as(&e->listing.log, e->c.fs, path, PRS_FILE_PLAN, minor, &e->c.run, 0, err);
	if (r < 0)
		return r;
	e->listing.log_open = true;
	e->listing.log.no_sync = e->c.job->o.bench_no_sync;
	e->listing.engine = e;
	prs_buf_init(&e->listing.frame, PLAN_BYTES);
	planner_next(e);
	return 0;
}
