/* SPDX-License-Identifier: Apache-2.0
 * engine: the main loop of one job: its stages from the run folder to the result, and what happens while it runs:
 * signals, ticks, logs in quiet moments, what is sent at the end of each turn.
 *
 * The stages of the start stand in one table; whatever fails, and wherever, is unwound in one place
 * (prs_engine_run()): finish, free_loop(), engine_close() take each part as it is, made or not.
 */
#include "master/impl.h"

#include "base/mem.h"
#include "base/path.h"
#include "io/ctl.h"

#include "io/process.h"
#include "io/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TICK_US UINT64_C(100000)
#define FENCE_US UINT64_C(500000)
enum { LOG_SLICE = 16, LOG_TICK = 4000 }; /* facts: some 20 µs; 5 ms */
#define TERM_GRACE_US UINT64_C(20000000)
#define STALL_SAID_US UINT64_C(1000000)

/* ---- folders and setup ------------------------------------------------------------------------------------------- */

static int links_entry(void *ctx, const struct prs_tree_entry *t)
{
	if (t->unreadable || S_ISREG(t->st->st_mode) || S_ISDIR(t->st->st_mode))
		return 0;
	snprintf(ctx, PATH_MAX, "%s", t->path);
	return 1;
}

/* A link in place of a folder or a log would lead what this engine writes and removes to somewhere else. Pages are
 * replaced, and what the script makes in its folder is its own. */
static int check_links(struct prs_engine *e, struct prs_err *err)
{
	static const char *const folders[] = { "work", "work/page", "work/schema", "seg", "logs" };
	enum { WHOLE = 2 };
	char path[PATH_MAX], found[PATH_MAX];
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		snprintf(path, sizeof path, "%s/%s", e->c.dir, folders[i]);
		int fd = e->c.fs->open(e->c.fs->ctx, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd == -ELOOP || fd == -ENOTDIR)
			return prs_fail_errno(err, PRS_ERRNO_NOT_OWN, "%s", path);
		if (fd >= 0)
			e->c.fs->close(e->c.fs->ctx, fd);
		if (i >= WHOLE && prs_tree_walk(path, links_entry, found) > 0)
			return prs_fail_errno(err, PRS_ERRNO_NOT_OWN, "%s", found);
	}
	return 0;
}

static int make_folders(struct prs_engine *e, struct prs_err *err)
{
	static const char *const folders[] = { "seg/", "work/", "logs/user/", "outputs/" };
	char path[PATH_MAX];
	size_t length;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		snprintf(path, sizeof path, "%s/%s", e->c.dir, folders[i]);
		int r = prs_path_make(e->c.fs, path, strlen(e->c.dir), 0755, &length);
		if (r < 0)
			return prs_fail_errno(err, -r, "creating %.*s", (int)length, path);
	}
	return 0;
}

static int make_setup(struct prs_engine *e, struct prs_err *err)
{
	snprintf(e->code_root, sizeof e->code_root, "%s/work/code", e->c.dir);
	prs_buf_init(&e->setup, 8 << 20);
	return prs_engine_setup(e->c.placed, e->c.dir, e->code_root, e->c.run_name, &e->setup, err);
}

/* ---- scheduler, report ------------------------------------------------------------------------------------- */

static int make_sched(struct prs_engine *e, struct prs_err *err)
{
	struct prs_limits limits;
	prs_limits_init(&limits, &e->c.job->o);
	limits.gap_us = ENGINE_GAP_US;
	e->sched = prs_sched_new(&e->ledger, &limits);
	return e->sched ? 0 : prs_fail(err, PRS_ENOMEM, "scheduler");
}

static uint32_t report_items_of(void *ctx, uint64_t id) { return prs_plan_items_of(ctx, id); }
static int report_detail(void *ctx, const struct prs_unit *u, unsigned max, struct prs_buf *to)
{
	return prs_plan_detail(ctx, u, max, to);
}
static int report_paths(void *ctx, const struct prs_unit *u, struct prs_buf *to) { return prs_plan_paths(ctx, u, to); }
static int report_rows(void *ctx, const struct prs_unit *u, prs_rows_fn *each, void *each_ctx)
{
	return prs_plan_each_rows(ctx, u, each, each_ctx);
}

/* A job runs without logs rather than not at all. */
static int make_report(struct prs_engine *e, struct prs_err *unused)
{
	struct prs_err err = { 0 };
	(void)unused;
	if (e->c.job->o.bench_no_logs || (e->end->was_over && prs_report_is_told(e->c.fs, e->c.dir)))
		return 0;
	struct prs_report_config c = {
		.struct_size = sizeof c,
		.dir = e->c.dir,
		.run = e->c.run,
		.run_name = e->c.run_name,
		.level = e->c.job->o.logging_level,
		.processes = e->procs,
		.append_row = e->c.job->o.output_action == PRS_OUTPUT_APPEND_ROW,
		.code_dir = e->c.job->code_dir,
		.items_of = report_items_of,
		.detail = report_detail,
		.paths = report_paths,
		.rows = report_rows,
		.plan = e->plan,
		.event = e->c.event,
		.event_ctx = e->c.ctx,
	};
	if (prs_report_new(&e->report, e->c.fs, &c, &err) < 0 && e->c.warn)
		e->c.warn(e->c.ctx, err.msg);
	return 0;
}

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

void engine_disk_put(struct prs_engine *e, struct prs_sync_job *job)
{
	if (!e->disk.jobs++)
		e->disk.since_us = prs_clock_us();
	prs_sync_put(e->sync, job);
}

void engine_disk_done(struct prs_engine *e)
{
	e->disk.jobs--;
	e->disk.since_us = prs_clock_us();
}

/* How long the disk has not come back from what it was given. */
static uint64_t disk_silent_us(const struct prs_engine *e, uint64_t now_us)
{
	return e->disk.jobs && now_us > e->disk.since_us ? now_us - e->disk.since_us : 0;
}

/* A write that takes longer than a tick holds up what the processes finished: the clock of progress stands. */
static void note_stall(struct prs_engine *e, uint64_t now_us)
{
	uint64_t silent_us = disk_silent_us(e, now_us), tick_us = now_us - e->ticked_us;
	if (silent_us >= TICK_US)
		e->disk.stalled_us += silent_us < tick_us ? silent_us : tick_us;
}

/* For somebody who wants it to end now. */
static void say_stall(struct prs_engine *e)
{
	uint64_t silent_us = disk_silent_us(e, prs_clock_us());
	char text[256];
	if (silent_us < STALL_SAID_US || !e->c.say)
		return;
	snprintf(text, sizeof text,
	         "waiting for the disk of the run folder: a write has not come back for %.0f s. What is not on it runs "
	         "again (prs resume)",
	         (double)silent_us / 1e6);
	e->c.say(e->c.ctx, text);
}

void engine_show_error(struct prs_engine *e)
{
	struct prs_first_error first;
	if (e->told_error || !e->c.error || !e->report || !prs_report_first_error(e->report, &first))
		return;
	char path[PATH_MAX + 512], text[8192] = "";
	e->told_error = true;
	snprintf(path, sizeof path, "%s/logs/%s", e->c.dir, first.file);
	int fd = first.bytes ? e->c.fs->open(e->c.fs->ctx, path, O_RDONLY | PRS_O_OWN, 0) : -1;
	if (fd >= 0) {
		size_t n = first.bytes < sizeof text - 1 ? first.bytes : sizeof text - 1;
		ssize_t got = e->c.fs->pread(e->c.fs->ctx, fd, text, n, first.offset);
		text[got > 0 ? got : 0] = 0;
		e->c.fs->close(e->c.fs->ctx, fd);
	}
	if (!text[0])
		snprintf(text, sizeof text, "%s", first.message);
	e->c.error(e->c.ctx, first.where, text, strlen(text));
}

static void warn_logs(struct prs_engine *e, int r, const struct prs_err *err)
{
	if (r >= 0 || e->told_report || !e->c.warn)
		return;
	e->told_report = true;
	e->c.warn(e->c.ctx, err->msg);
}

/* Lines of the next facts, at most `facts`; true = there are more. */
static bool take_logs(struct prs_engine *e, uint64_t facts)
{
	struct prs_err err = { 0 };
	bool more = false;
	warn_logs(e,
	          prs_report_catch_up(e->report, e->epoch, __atomic_load_n(&e->journal.durable, __ATOMIC_ACQUIRE),
	                              facts, &more, &err),
	          &err);
	return more;
}

/* True = there are more facts. */
static bool write_logs(struct prs_engine *e)
{
	struct prs_err err = { 0 };
	if (!e->report)
		return false;
	bool more = take_logs(e, LOG_TICK);
	prs_report_tick(e->report, prs_wall_us(), &err);
	warn_logs(e, prs_report_flush(e->report, &err), &err);
	engine_show_error(e);
	return more;
}

void engine_progress(struct prs_engine *e, struct prs_progress *ret, char *note, size_t note_bytes)
{
	const struct prs_ledger_counts *c = &e->ledger.counts;
	struct prs_pool_slot_view v;
	uint64_t now = prs_clock_us();
	*ret = (struct prs_progress){ .elapsed_us = now - e->started_us,
		                      .planned_all = e->ledger.planned_all,
		                      .mini_batches = e->ledger.next_id,
		                      .done = c->units[PRS_UNIT_DONE],
		                      .failed = c->units[PRS_UNIT_FAILED],
		                      .items = c->items,
		                      .items_final = c->items_final,
		                      .items_failed = c->items_failed - c->items_missing,
		                      .processes = e->procs,
		                      .note = e->ending ? "stopping" : finish_note(e, note, note_bytes) };
	for (uint32_t i = 0; i < e->procs; i++) {
		uint16_t slot;
		const struct node *n = nodes_slot(e, i, &slot);
		n->is.ops->view(n->self, slot, &v);
		ret->busy += v.state == PRS_WORKER_BUSY;
		ret->starting += v.state == PRS_WORKER_STARTING || v.state == PRS_WORKER_INIT;
	}
	prs_pace_see(&e->pace, &(struct prs_pace_seen){ .now_us = now,
	                                                .works = ret->busy > 0,
	                                                .items = ret->items,
	                                                .items_final = ret->items_final,
	                                                .mini_batches = ret->mini_batches,
	                                                .processes = ret->processes });
	ret->estimate = prs_pace_estimate(&e->pace, now);
}

/* A person asked for it. */
static void show_processes(struct prs_engine *e)
{
	char waits[512];
	uint32_t n = engine_processes_n(e);
	struct prs_console_process *v = prs_calloc((size_t)n + 1, sizeof *v);
	if (!v)
		return;
	for (uint32_t i = 0; i < n; i++)
		engine_process(e, i, &v[i], NULL);
	engine_waits_for(e, waits, sizeof waits);
	e->c.processes(e->c.ctx, v, n, waits, e->report ? prs_report_last_error(e->report) : "");
	prs_freep(&v);
}

static void show_progress(struct prs_engine *e)
{
	char note[64];
	struct prs_progress p;
	engine_progress(e, &p, note, sizeof note);
	if (e->c.progress)
		e->c.progress(e->c.ctx, &p);
	if (e->c.asks && e->c.asks(e->c.ctx))
		show_processes(e);
}

/* It stops at once and writes nothing more. */
static void let_go(struct prs_engine *e, uint16_t code, const char *text)
{
	e->fenced = e->over = true;
	e->state = PRS_JOB_INTERRUPTED; /* whatever this engine believed: it is not for it to say any more */
	engine_cause(e, code, text);
	finish_cancel(e, code, "");
	nodes_kill(e);
	prs_loop_stop(e->loop);
}

void engine_fenced(struct prs_engine *e, const struct prs_err *err)
{
	char text[512];
	snprintf(text, sizeof text, "%.400s. This engine stops; the other one goes on", err->msg);
	let_go(e, PRS_EFENCED, text);
}

/* Is the run folder still that of this engine, and there? */
static void check_fence(struct prs_engine *e)
{
	struct prs_err err = { 0 };
	uint32_t newest = 0;
	if (e->over)
		return;
	int r = prs_store_newest_epoch(e->c.fs, e->c.dir, &newest, &err);
	if (r == -PRS_ENOTFOUND || (!r && newest < e->epoch))
		let_go(e, PRS_ENOTFOUND,
		       "the run folder is gone: it was removed or renamed while the job ran (renamed: prs resume PATH "
		       "goes on)");
	else if (!r && newest > e->epoch && prs_store_check_fence(e->c.fs, e->c.dir, e->epoch, &err) == -PRS_EFENCED)
		engine_fenced(e, &err);
}

/* Every FENCE_US, and at once when this process was stopped for a while. */
static bool is_fenced(struct prs_engine *e, uint64_t now)
{
	if (now >= e->fence_at_us) {
		e->fence_at_us = now + FENCE_US;
		check_fence(e);
		if (!e->over)
			engine_keep_lock(e);
	}
	return e->over;
}

static void engine_tick(void *ctx)
{
	struct prs_engine *e = ctx;
	uint64_t now = prs_clock_us();
	if (is_fenced(e, now))
		return;
	if (e->abort_at_us && now - e->ticked_us >= ENGINE_GAP_US) /* this process stood: so did the grace */
		e->abort_at_us += now - e->ticked_us;
	note_stall(e, now);
	e->ticked_us = now;
	if (!e->assembling.running && prs_sched_next_us(e->sched) <= now) {
		struct prs_sched_event tick = { .type = PRS_SCHED_TICK, .stalled_us = e->disk.stalled_us };
		e->disk.stalled_us = 0;
		drive_event(e, &tick);
	}
	if (e->abort_at_us && now >= e->abort_at_us) {
		e->abort_at_us = 0;
		nodes_abort(e, 0);
	}
	bool more = write_logs(e);
	show_progress(e);
	prs_timer_at(e->timer, now + (more ? TICK_US / 4 : TICK_US));
}

/* Ctrl-C: running mini-batches may finish (--grace), a second one stops at once. TERM, HUP, QUIT: they have 20 s. */
static void engine_signal(void *ctx, int signum)
{
	struct prs_engine *e = ctx;
	char text[128];
	snprintf(text, sizeof text, "interrupted by %s", signum == SIGINT ? "Ctrl-C" : strsignal(signum));
	if (e->assembling.running) {
		finish_cancel(e, PRS_EINTERRUPTED, text);
		return;
	}
	if (e->over)
		return;
	if (e->ending) {
		if (signum == SIGINT)
			nodes_abort(e, 0);
		say_stall(e);
		return;
	}
	uint64_t grace_us = signum == SIGINT ? e->c.job->o.grace_us : TERM_GRACE_US;
	drive_stop(e, PRS_JOB_DRAINING, PRS_EINTERRUPTED, text);
	if (e->abort_at_us)
		e->abort_at_us = prs_clock_us() + grace_us;
	snprintf(text, sizeof text, "stopping: mini-batches that are running have %.3g s to finish%s",
	         (double)grace_us / 1e6, signum == SIGINT ? "; Ctrl-C again stops at once" : "");
	if (e->c.say)
		e->c.say(e->c.ctx, text);
}

/* A signal that was ignored when we were started (nohup, a background job of a script) stays ignored. */
static bool is_ignored(int signum)
{
	struct sigaction was;
	return sigaction(signum, NULL, &was) == 0 && was.sa_handler == SIG_IGN;
}

/* The processes have work for a while: time for the logs, then a rest, in which results gather. */
static void use_slack(struct prs_engine *e, uint64_t slack_us)
{
	uint64_t begun = prs_clock_us(), spent = 0;
	bool more = true;
	while (e->report && !e->over && more && (spent = prs_clock_us() - begun) < slack_us / 2)
		more = take_logs(e, LOG_SLICE);
	if (spent < slack_us)
		prs_pause_us(slack_us - spent);
}

static void engine_turn(void *ctx)
{
	struct prs_engine *e = ctx;
	rows_flush(e);
	nodes_flush(e);
	journal_flush(e);
	if (e->assembling.running)
		return;
	if (nodes_gone(e) && rows_idle(e) && journal_idle(e)) {
		prs_loop_stop(e->loop);
		return;
	}
	uint64_t slack_us = nodes_slack_us(e);
	if (slack_us)
		use_slack(e, slack_us);
}

static int make_loop(struct prs_engine *e, struct prs_err *err)
{
	static const int signums[4] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	e->timer = prs_timer_new(e->loop, engine_tick, e, err);
	for (int i = 0; i < 4 && !err->code; i++)
		if (!is_ignored(signums[i]))
			e->signals[i] = prs_signal_new(e->loop, signums[i], engine_signal, e, err);
	if (err->code)
		return err->code;
	prs_loop_each_turn(e->loop, engine_turn, e);
	return 0;
}

/* What is listed, synced, journaled is counted; nothing is under way afterwards. */
static void settle(struct prs_engine *e)
{
	if (!e->ending) /* else a folder that is still being listed is listed again by a resume */
		prs_sync_drain(e->lister_thread);
	prs_sync_drain(e->sync);
	journal_finish(e);
	check_fence(e);
}

static void run_mini_batches(struct prs_engine *e)
{
	struct prs_sched_event planned = { .type = PRS_SCHED_PLANNED };
	nodes_start(e);
	drive_event(e, &planned);
	e->ticked_us = prs_clock_us();
	prs_timer_at(e->timer, e->ticked_us + TICK_US);
	prs_loop_run(e->loop); /* until the nodes are down and all is on the disk */
	settle(e);
}

static void write_output(struct prs_engine *e)
{
	if (!finish_begin(e))
		return;
	while (e->assembling.running && !e->over)
		prs_loop_run(e->loop);
	prs_sync_drain(e->lister_thread);
}

static void run(struct prs_engine *e)
{
	journal_finish(e);
	if (!e->over) {
		durable_begin(e);
		run_mini_batches(e);
	}
	if (e->over)
		return;
	if (e->state == PRS_JOB_DRAINING)
		engine_state(e, e->cause == PRS_ECANCELED ? PRS_JOB_CANCELED : PRS_JOB_INTERRUPTED, e->cause,
		             e->end->text);
	else if (e->state == PRS_JOB_ABORTING)
		engine_state(e, PRS_JOB_FAILED, e->cause, e->end->text);
	else
		write_output(e);
	journal_finish(e);
	check_fence(e); /* what this engine says about the end must be so */
}

/* ---- the stages -------------------------------------------------------------------------------------------------- */

/* A stage that returns it ends the start: there is nothing to run. */
enum { START_OVER = 1 };

static int start_threads(struct prs_engine *e, struct prs_err *err)
{
	prs_spawn_setup();
	e->loop = prs_loop_new(err);
	e->sync = e->loop ? prs_sync_new(e->loop, err) : NULL;
	e->lister_thread = e->sync ? prs_sync_new(e->loop, err) : NULL;
	return e->lister_thread ? 0 : err->code;
}

/* COMPLETED, FAILED, CANCELED: told by the last engine, or decided on by it and told by this one. */
static int start_is_over(struct prs_engine *e, struct prs_err *err)
{
	(void)err;
	if (e->end->was_over)
		return START_OVER;
	if (e->state != PRS_JOB_FAILED && e->state != PRS_JOB_CANCELED)
		return 0;
	journal_finish(e);
	return START_OVER;
}

/* Those that engines before planned. */
static int start_schemas(struct prs_engine *e, struct prs_err *err)
{
	return prs_engine_put_schemas(e->c.fs, e->c.dir, e->plan, err);
}

static bool is_planned(const struct prs_engine *e) { return e->ledger.planned_all || prs_plan_complete(e->plan); }

static int start_footers(struct prs_engine *e, struct prs_err *err)
{
	const struct prs_options *o = &e->c.job->o;
	char mark[sizeof "PRS_RUN=" + PRS_RUN_MARK_BYTES], log[PATH_MAX];
	if (!e->needs_footers || is_planned(e))
		return 0;
	snprintf(mark, sizeof mark, "PRS_RUN=%s", e->nodes[0].run_text);
	prs_log_path(log, sizeof log, e->c.dir, PRS_NAME_FOOTERS, "", "");
	return prs_footers_begin(&e->footers,
	                         &(struct prs_footers_start){ .fs = e->c.fs,
	                                                      .program = e->c.program,
	                                                      .python = e->c.job->python,
	                                                      .loader = e->c.loader,
	                                                      .variables = e->nodes[0].is.variables,
	                                                      .mark = mark,
	                                                      .cwd = e->code_root,
	                                                      .log = log,
	                                                      .start_timeout_us = o->init_timeout_us,
	                                                      .answer_timeout_us = o->task_overhead_timeout_us },
	                         err);
}

static int start_planner(struct prs_engine *e, struct prs_err *err)
{
	return is_planned(e) ? 0 : planner_start(e, err);
}

static int start_control(struct prs_engine *e, struct prs_err *err)
{
	(void)err;
	control_open(e);
	return 0;
}

static int start(struct prs_engine *e, struct prs_err *err)
{
	static int (*const stages[])(struct prs_engine * e, struct prs_err * err) = {
		start_threads, check_links,   make_folders,  engine_open,   make_report,
		start_is_over, make_setup,    make_sched,    rows_init,     nodes_make,
		make_loop,     start_schemas, start_footers, start_planner, start_control,
	};
	int r = 0;
	for (size_t i = 0; !r && i < sizeof stages / sizeof *stages; i++)
		r = stages[i](e, err);
	return r;
}

static void free_loop(struct prs_engine *e)
{
	if (!e->loop)
		return;
	prs_loop_each_turn(e->loop, NULL, NULL);
	prs_ctl_free(e->ctl);
	prs_helper_kill(&e->footers.helper); /* the lister may wait for it */
	if (e->assembling.has_writer)        /* the thread may wait for it */
		prs_table_writer_kill(&e->assembling.writer);
	e->listing_left = e->lister_thread && prs_sync_leave(e->lister_thread);
	prs_sync_free(e->sync); /* its jobs lie in `rows` and `facts` */
	nodes_free(e);
	rows_free(e);
	prs_timer_free(e->timer);
	for (int i = 0; i < 4; i++)
		prs_signal_free(e->signals[i]);
	prs_loop_free(e->loop);
	prs_sched_free(e->sched);
	prs_freep(&e->spare.v);
	prs_report_free(e->report);
}

int prs_engine_run(const struct prs_engine_config *c, struct prs_engine_end *ret, struct prs_err *err)
{
	static struct prs_engine engine; /* one a process; a thread that lists may outlive this call */
	struct prs_engine *e = &engine;
	*e = (struct prs_engine){ .c = *c, .end = ret, .lock_fd = -1, .started_us = prs_clock_us() };
	memset(ret, 0, sizeof *ret);
	int r = start(e, err);
	if (!r)
		run(e);
	if (r >= 0 && !ret->was_over && !e->fenced)
		write_logs(e); /* a short job ends before its first tick */
	if (r >= 0)
		finish_end(e);
	if (c->ending)
		c->ending(c->ctx);
	free_loop(e);
	engine_close(e);
	if (!e->listing_left)
		memset(e, 0, sizeof *e); /* what was not freed is seen by leak checkers */
	if (r < 0 && err)
		engine_add_advice(c->run_name, err->msg, sizeof err->msg, -err->code);
	return r < 0 ? r : 0;
}
