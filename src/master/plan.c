/* SPDX-License-Identifier: Apache-2.0
 * plan: the lister thread lists a folder and makes its plan block durable; then its mini-batches are announced.
 */
#include "master/impl.h"

#include "base/many.h"
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

static void plan_work(struct prs_sync_job *job)
{
	struct listing *l = (struct listing *)job;
	uint64_t begun_us = prs_clock_us();
	prs_log_begin(&l->frame);
	do
		l->more = prs_list_next(l->lister, &l->frame, &l->err);
	while (l->more == 1 && !is_block(l, begun_us));
	if (l->more < 0)
		return;
	uint64_t at = prs_log_place(&l->log, &l->frame);
	if (prs_log_commit(&l->log, &l->frame, at, &l->err) < 0 ||
	    schema_put_body(l->engine, l->frame.data + PRS_FRAME_HEADER_BYTES, l->frame.len - PRS_FRAME_HEADER_BYTES,
	                    &l->err) < 0)
		l->more = l->err.code;
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

static void plan_done(struct prs_sync_job *job)
{
	struct listing *l = (struct listing *)job;
	struct prs_engine *e = l->engine;
	if (e->over)
		return;
	tell_warnings(e);
	if (l->more >= 0 && prs_plan_feed(e->plan, l->frame.data + PRS_FRAME_HEADER_BYTES,
	                                  l->frame.len - PRS_FRAME_HEADER_BYTES, &l->err) < 0)
		l->more = l->err.code;
	if (l->more < 0) {
		drive_stop(e, is_resumable(l->err.code) ? PRS_JOB_DRAINING : PRS_JOB_ABORTING, (uint16_t)-l->err.code,
		           l->err.msg);
		return;
	}
	struct prs_fact f = { .type = PRS_FACT_PLANNED, .time_us = prs_wall_us() };
	f.u.planned.plan_epoch = e->epoch;
	f.u.planned.plan_bytes = l->log.durable;
	f.u.planned.next_id = prs_plan_next_id(e->plan);
	f.u.planned.items = prs_plan_items(e->plan);
	f.u.planned.complete = prs_plan_complete(e->plan);
	journal_put(e, &f);
	journal_flush(e);
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
