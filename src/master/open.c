/* SPDX-License-Identifier: Apache-2.0
 * open: everything before the first process starts: the lock, what the engines before left, the new epoch.
 *
 * The stages stand in one table, in the order in which they must happen: what an engine before may still do is ended
 * first (lock, strays), then its files are read, then sealed by a journal of our own; only after that anything is
 * written. A stage that fails ends the opening; engine_close() gives back what the stages before it took, and leaves
 * alone what was never made.
 */
#include "master/impl.h"

#include "base/many.h"
#include "base/mem.h"
#include "io/boot.h"
#include "io/lock.h"
#include "io/machine.h"
#include "io/strays.h"
#include "wire/page.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the stages hand on to each other. */
struct opening {
	struct prs_engine *e;
	uint32_t newest;                                      /* epoch of the newest journal file, 0 = none */
	struct prs_recovered was;                             /* the engine before */
	char boot_then[PRS_BOOT_BYTES], boot[PRS_BOOT_BYTES]; /* of its HEAD, now */
	bool progress;                                        /* a mini-batch became final in its life */
};

/* A stage that returns it ends the opening: the job was over already. */
enum { OPEN_OVER = 1 };

/* ---- lock -------------------------------------------------------------------------------------------------------- */

static int open_lock(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	return prs_run_lock_open(e->c.fs, e->c.dir, e->c.run_name, e->c.takeover, &e->lock_fd, err);
}

void engine_keep_lock(struct prs_engine *e) { prs_run_lock_keep(e->c.fs, e->c.dir, &e->lock_fd); }

/* ---- recovery ---------------------------------------------------------------------------------------------------- */

/* A setting that an earlier resume changed. */
static int apply_set(struct prs_engine *e, const struct prs_fact *f, struct prs_err *err)
{
	char key[PRS_OPTION_WORD_MAX], value[4096];
	snprintf(key, sizeof key, "%.*s", (int)f->u.set.key.n, f->u.set.key.p);
	snprintf(value, sizeof value, "%.*s", (int)f->u.set.new_.n, f->u.set.new_.p);
	const struct prs_option_row *row = prs_option_find(key, false);
	if (!row)
		return prs_fail(err, PRS_EVERSION, "the journal changes a setting this engine does not know: %s", key);
	return prs_job_set(e->c.job, row, value, "prs resume", err);
}

/* job.json belongs to the run: a hand in it would change what the mini-batches mean. */
static int check_job(const struct prs_engine *e, const struct prs_fact *f, struct prs_err *err)
{
	if (!memcmp(f->u.head.job_print, e->c.placed->job_print, sizeof f->u.head.job_print))
		return 0;
	return prs_fail(err, PRS_EINVALID,
	                "%s/job.json was changed after the run began: put it back (prs resume --set changes settings), "
	                "or start a new run",
	                e->c.dir);
}

/* How long the life was: from fact to fact, so that a clock that was set back costs one step. (The times of DONE and
 * TRY are those of the workers, in no order.) */
static void keep_time(struct prs_engine *e, const struct prs_fact *f)
{
	struct life *l = &e->last_life;
	if (f->type == PRS_FACT_DONE || f->type == PRS_FACT_TRY)
		return;
	if (f->type == PRS_FACT_HEAD)
		*l = (struct life){ f->time_us, 0 };
	l->wall_us += prs_since_us(l->last_us, f->time_us);
	l->last_us = f->time_us;
}

/* How the job ended, for one that is over already. */
static void keep_ending(struct prs_engine *e, const struct prs_fact *f)
{
	keep_time(e, f);
	if (f->type == PRS_FACT_STATE)
		snprintf(e->end->text, sizeof e->end->text, "%.*s", (int)f->u.state.text.n, f->u.state.text.p);
	if (f->type == PRS_FACT_PUBLISHED)
		snprintf(e->end->output, sizeof e->end->output, "%.*s", (int)f->u.published.name.n,
		         f->u.published.name.p);
	if (f->type == PRS_FACT_PUBLISHED)
		e->end->result.output_bytes = f->u.published.bytes;
}

static int recover_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct prs_engine *e = ((struct opening *)ctx)->e;
	int r = prs_plan_feed(e->plan, body, n, err);
	if (r < 0)
		return r;
	return prs_list_feed(e->listing.lister, body, n, err);
}

static int recover_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct opening *o = ctx;
	struct prs_engine *e = o->e;
	bool counts = f->type == PRS_FACT_DONE && prs_ledger_open(&e->ledger, &f->u.done.unit);
	bool final = counts || (f->type == PRS_FACT_FAILED && prs_ledger_open(&e->ledger, &f->u.failed.unit));
	int r = prs_ledger_fold(&e->ledger, f, err);
	if (!r && f->type == PRS_FACT_PLANNED)
		r = prs_index_grow(e->index, f->u.planned.next_id, err);
	if (!r && counts)
		r = prs_index_done(e->index, &f->u.done, err);
	if (!r && f->type == PRS_FACT_RESET)
		prs_index_reset(e->index, f->u.reset.unit.id, f->u.reset.count);
	if (!r && f->type == PRS_FACT_SET)
		r = apply_set(e, f, err);
	keep_ending(e, f);
	if (!r && f->type == PRS_FACT_HEAD && !f->u.head.previous)
		r = check_job(e, f, err);
	o->progress = f->type != PRS_FACT_HEAD && (o->progress || final);
	if (f->type == PRS_FACT_HEAD)
		snprintf(o->boot_then, sizeof o->boot_then, "%.*s", (int)f->u.head.boot.n, f->u.head.boot.p);
	return r;
}

static int create_journal(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	char host[128] = "?";
	gethostname(host, sizeof host - 1);
	struct prs_fact f = { .type = PRS_FACT_HEAD, .time_us = prs_wall_us() };
	f.u.head.epoch = e->epoch;
	f.u.head.previous = o->was.epoch;
	f.u.head.sealed_journal = o->was.journal_bytes;
	f.u.head.sealed_plan = o->was.plan_bytes;
	memcpy(f.u.head.job_print, e->c.placed->job_print, 16);
	memcpy(f.u.head.code_print, e->code_print, 16);
	f.u.head.engine = prs_text_of(PRS_VERSION);
	f.u.head.host = prs_text_of(host);
	f.u.head.pid = (uint32_t)getpid();
	f.u.head.boot = prs_text_of(o->boot);
	int r = prs_journal_create(&e->journal, e->c.fs, e->c.dir, &e->c.run,
	                           nodes_foreign(e) ? PRS_FORMAT_MINOR_NODES : PRS_FORMAT_MINOR, &f, err);
	if (r < 0)
		return r;
	e->journal.no_sync = e->c.job->o.bench_no_sync;
	return prs_ledger_fold(&e->ledger, &f, err);
}

/* ---- what the last engine left ----------------------------------------------------------------------------------- */

void journal_page(const struct prs_engine *e, const struct prs_page *page, uint32_t epoch, struct prs_buf *units)
{
	enum prs_phase ph = prs_page_phase(page->word);
	struct prs_unit u = { page->id, page->item_first, page->item_count };
	bool ran = ph == PRS_PHASE_LOAD || ph == PRS_PHASE_RUN || ph == PRS_PHASE_WRITE;
	if (!ran || page->lease >> 40 != epoch || !prs_ledger_open(&e->ledger, &u))
		return;
	prs_buf_u64(units, u.id);
	prs_buf_u32(units, u.item_first);
	prs_buf_u32(units, u.item_count);
}

/* The pages of the engine before. */
struct pages {
	const struct opening *o;
	struct prs_buf *units;
};

static int read_page(void *ctx, const char *name, char type)
{
	const struct pages *p = ctx;
	const struct prs_engine *e = p->o->e;
	const struct prs_fs *fs = e->c.fs;
	char path[PATH_MAX];
	struct prs_page page = { 0 };
	if (!prs_is_page_name(name) || (type != 'f' && type != '?'))
		return 0;
	snprintf(path, sizeof path, "%s/work/page/%s", e->c.dir, name);
	int fd = fs->open(fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (fd < 0)
		return 0;
	ssize_t got = fs->pread(fs->ctx, fd, &page, sizeof page, 0);
	fs->close(fs->ctx, fd);
	if (got == sizeof page)
		journal_page(e, &page, p->o->was.epoch, p->units);
	return 0;
}

/* The units that ran, as their pages say: however many processes that engine had. */
static void read_pages(const struct opening *o, struct prs_buf *units)
{
	const struct prs_fs *fs = o->e->c.fs;
	char path[PATH_MAX];
	struct pages p = { o, units };
	snprintf(path, sizeof path, "%s/work/page", o->e->c.dir);
	fs->list(fs->ctx, path, read_page, &p);
}

static void tell_lost(struct prs_engine *e, const struct prs_fact *f, const char *down)
{
	char text[256];
	unsigned n = f->u.lost.running_count;
	uint64_t first = prs_lost_unit(f, 0).id;
	for (uint32_t i = 1; i < n; i++)
		first = prs_lost_unit(f, i).id < first ? prs_lost_unit(f, i).id : first;
	snprintf(text, sizeof text, "%s while %s ran (%llu%s): %s again", down, prs_many(n, "mini-batch").text,
	         (unsigned long long)first, n == 1 ? "" : ", ...", n == 1 ? "it runs" : "they run");
	if (e->c.warn)
		e->c.warn(e->c.ctx, text);
}

/* No mini-batch is to blame. It may go on like that for ever: then somebody has to know. */
static void tell_nothing_ran(const struct opening *o, const char *down)
{
	char text[256];
	snprintf(text, sizeof text,
	         "%s before any mini-batch ran: when that happens again, look at what the script does at its import "
	         "and in init()",
	         down);
	if (!o->progress && o->e->c.warn)
		o->e->c.warn(o->e->c.ctx, text);
}

/* What had to run alone did: whatever was finished before it. */
static bool ran_alone(const struct prs_engine *e, const struct prs_fact *lost)
{
	struct prs_unit u = prs_lost_unit(lost, 0);
	return lost->u.lost.running_count == 1 && prs_ledger_downs(&e->ledger, &u) >= PRS_DOWNS_TO_BE_ALONE;
}

/* The mini-batches that ran when the machine or its container went down: a page that still shows a running phase. An
 * engine that was on its way to an end had been told to: what ran then is not to blame. */
static void journal_lost(struct opening *o)
{
	struct prs_engine *e = o->e;
	const char *down = prs_boot_went_down(o->boot_then, o->boot);
	if (!e->resumed || !down || (e->state != PRS_JOB_STARTING && e->state != PRS_JOB_RUNNING))
		return;
	struct prs_fact f = { .type = PRS_FACT_LOST, .time_us = prs_wall_us() };
	PRS_AUTOBUF units;
	prs_buf_init(&units, UINT16_MAX * 16);
	read_pages(o, &units);
	f.u.lost.running_count = (uint32_t)(units.len / 16);
	f.u.lost.units = units.data;
	if (!units.len) {
		tell_nothing_ran(o, down);
		return;
	}
	f.u.lost.progress = o->progress && !ran_alone(e, &f);
	journal_put(e, &f);
	tell_lost(e, &f, down);
}

/* Mini-batches that are in a plan but not yet in the journal. */
static void journal_planned(struct prs_engine *e, const struct prs_recovered *was)
{
	if (prs_plan_next_id(e->plan) == e->ledger.next_id && prs_plan_complete(e->plan) == e->ledger.planned_all)
		return;
	struct prs_fact f = { .type = PRS_FACT_PLANNED, .time_us = prs_wall_us() };
	f.u.planned.plan_epoch = was->epoch;
	f.u.planned.plan_bytes = was->plan_bytes;
	f.u.planned.next_id = prs_plan_next_id(e->plan);
	f.u.planned.items = prs_plan_items(e->plan);
	f.u.planned.complete = prs_plan_complete(e->plan);
	journal_put(e, &f);
}

/* From where the last engine stood to RUNNING (or to the end it had decided on). */
static void resume_state(struct prs_engine *e)
{
	if (e->state == PRS_JOB_DRAINING && e->ledger.job_code == PRS_ECANCELED)
		engine_state(e, PRS_JOB_CANCELED, PRS_ECANCELED, e->end->text);
	if (e->state == PRS_JOB_DRAINING)
		engine_state(e, PRS_JOB_INTERRUPTED, 0, "");
	if (e->state == PRS_JOB_ABORTING)
		engine_state(e, PRS_JOB_FAILED, e->ledger.job_code, e->end->text);
	if (e->state == PRS_JOB_INTERRUPTED || e->state == PRS_JOB_ASSEMBLING ||
	    (e->state == PRS_JOB_FAILED && e->c.retry_failed))
		engine_state(e, PRS_JOB_RUNNING, 0, "");
	e->end->output[0] = 0;
	e->end->result.output_bytes = 0;
	bool ended = e->state == PRS_JOB_FAILED || e->state == PRS_JOB_CANCELED;
	e->cause = ended ? e->ledger.job_code : 0;
	if (!ended)
		e->end->text[0] = 0;
}

/* The settings of this resume. */
static int journal_settings(struct prs_engine *e, struct prs_err *err)
{
	for (size_t i = 0; i < e->c.set_n; i++) {
		const struct prs_setting *s = &e->c.set[i];
		PRS_AUTOBUF old, now;
		prs_buf_init(&old, 4096);
		prs_buf_init(&now, 4096);
		if (s->row->type != PRS_OPTION_LIST)
			prs_option_get(&e->c.job->o, s->row, 0, &old);
		int r = prs_job_set(e->c.job, s->row, s->value, "prs resume", err);
		if (r < 0)
			return r;
		if (s->row->type == PRS_OPTION_LIST) /* added to it */
			prs_buf_puts(&now, s->value);
		else
			prs_option_get(&e->c.job->o, s->row, 0, &now);
		const char *old_text = prs_buf_str(&old), *now_text = prs_buf_str(&now);
		if (old.failed || now.failed)
			return prs_fail(err, PRS_ENOMEM, "%s", s->row->name);
		struct prs_fact f = { .type = PRS_FACT_SET, .time_us = prs_wall_us() };
		f.u.set.key = prs_text_of(s->row->name);
		f.u.set.old = prs_text_of(old_text);
		f.u.set.new_ = prs_text_of(now_text);
		journal_put(e, &f);
	}
	return 0;
}

/* What failed, or was being split when the job was given up. */
static bool to_retry(const struct prs_engine *e, uint64_t id)
{
	enum prs_unit_state s = id < e->ledger.next_id ? prs_ledger_state(&e->ledger, id) : PRS_UNIT_DONE;
	return s == PRS_UNIT_FAILED || s == PRS_UNIT_SPLIT;
}

/* --retry-failed: one RESET for each range of neighbours. */
static void journal_retries(struct prs_engine *e)
{
	for (uint64_t id = 0, end; e->c.retry_failed && id < e->ledger.next_id; id = end + 1) {
		for (end = id; to_retry(e, end);)
			end++;
		if (end == id)
			continue;
		struct prs_fact f = { .type = PRS_FACT_RESET, .time_us = prs_wall_us() };
		f.u.reset.unit.id = id;
		f.u.reset.count = end - id;
		f.u.reset.reason = PRS_RESET_RETRY_FAILED;
		journal_put(e, &f);
	}
}

static bool is_over(const struct prs_engine *e)
{
	return e->state == PRS_JOB_COMPLETED || e->state == PRS_JOB_CANCELED ||
	       (e->state == PRS_JOB_FAILED && !e->c.retry_failed);
}

static void tell_opened(struct prs_engine *e)
{
	const struct prs_ledger_counts *c = &e->ledger.counts;
	struct prs_engine_opened o = { .resumed = e->resumed,
		                       .old_code = e->code_is_old,
		                       .done = c->units[PRS_UNIT_DONE],
		                       .failed = c->units[PRS_UNIT_FAILED],
		                       .mini_batches = e->ledger.next_id,
		                       .processes = e->procs };
	prs_pace_begin(&e->pace, prs_clock_us(), c->items_final);
	if (e->c.opened)
		e->c.opened(e->c.ctx, &o);
}

/* ---- the stages -------------------------------------------------------------------------------------------------- */

static int open_plan(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	e->plan = prs_plan_new();
	if (e->plan)
		prs_plan_spools(e->plan, e->c.fs, e->c.dir);
	if (!e->plan || prs_ledger_init(&e->ledger, prs_plan_items_of, e->plan) < 0)
		return prs_fail(err, PRS_ENOMEM, "plan");
	return 0;
}

static int open_lister(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	const struct prs_job *j = e->c.job;
	PRS_AUTOFREE struct prs_list_input *v = prs_engine_inputs(e->c.placed);
	if (!v)
		return prs_fail(err, PRS_ENOMEM, "inputs");
	prs_footers_init(&e->footers);
	e->needs_footers = prs_footers_needed(v, j->inputs_n);
	for (size_t i = 0; i < j->inputs_n; i++)
		v[i].footers = &e->footers.is;
	e->listing.lister = prs_lister_new(e->c.fs, v, (unsigned)j->inputs_n);
	return e->listing.lister ? 0 : prs_fail(err, PRS_ENOMEM, "inputs");
}

/* The number of this life, and how its processes are known. A copy of a run folder has the same id: its inode makes the
 * difference. */
static int open_newest(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	struct prs_fs_stat st;
	int r = prs_store_newest_epoch(e->c.fs, e->c.dir, &o->newest, err);
	if (r < 0)
		return r;
	r = e->c.fs->stat(e->c.fs->ctx, e->c.dir, &st);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", e->c.dir);
	e->epoch = o->newest + 1;
	e->mark = (struct prs_run_mark){ e->c.run, st.ino, e->epoch, 0, e->epoch };
	if (prs_lister_spool(e->listing.lister, e->c.dir, e->epoch) < 0)
		return prs_fail(err, PRS_ENOMEM, "inputs");
	return 0;
}

/* The processes of an engine that is dead, or to be replaced, end before its files are read. */
static int open_strays(struct opening *o, struct prs_err *err)
{
	(void)err;
	if (o->newest)
		prs_strays_of_run(&o->e->mark, o->e->c.dir);
	return 0;
}

static int open_recover(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	struct prs_recover_sink sink = { o, recover_plan, recover_fact };
	int r = prs_index_new(&e->index, e->c.fs, e->c.dir, e->epoch, err);
	if (r < 0)
		return r;
	r = prs_store_recover(e->c.fs, e->c.dir, &e->c.run, &sink, &o->was, err);
	if (r < 0)
		return r;
	e->resumed = o->was.epoch != 0;
	e->state = e->ledger.job;
	return 0;
}

/* There is nothing to do but to tell it, if nobody has: the caller looks at the state. */
static int open_is_over(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	(void)err;
	if (!e->resumed || !is_over(e))
		return 0;
	e->end->was_over = true;
	e->epoch = o->was.epoch;
	e->journal.durable = o->was.journal_bytes;
	e->cause = e->ledger.job_code;
	return OPEN_OVER;
}

static int open_code(struct opening *o, struct prs_err *err) { return code_open(o->e, o->was.epoch, err); }

/* From here on this engine writes. */
static int open_epoch(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	prs_boot_text(o->boot);
	int r = prs_index_grow(e->index, prs_plan_next_id(e->plan), err);
	if (r < 0)
		return r;
	r = prs_store_settle(e->c.fs, e->c.dir, &o->was, err);
	if (r < 0)
		return r;
	r = create_journal(o, err);
	if (r < 0)
		return r;
	prs_store_trim(e->c.fs, e->c.dir, e->epoch);
	for (int i = 0; i < 2; i++) {
		prs_buf_init(&e->facts[i].frame, PRS_FRAME_MAX_BYTES);
		prs_log_begin(&e->facts[i].frame);
	}
	return 0;
}

/* What the last engine left unsaid: mini-batches of its plan, those that ran when the machine went down, rows that are
 * not there. */
static int open_left(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	journal_planned(e, &o->was);
	journal_lost(o);
	int64_t bad = prs_index_verify_ranges(e->index, journal_bad_range, e, err);
	if (bad < 0)
		return (int)bad;
	journal_bad_end(e);
	return 0;
}

static int open_state(struct opening *o, struct prs_err *err)
{
	struct prs_engine *e = o->e;
	resume_state(e);
	int r = journal_settings(e, err);
	if (r < 0)
		return r;
	journal_retries(e);
	r = nodes_know(e, err);
	if (r < 0)
		return r;
	nodes_put_up(e);
	tell_opened(e);
	return 0;
}

int engine_open(struct prs_engine *e, struct prs_err *err)
{
	static int (*const stages[])(struct opening * o, struct prs_err * err) = {
		open_plan,    open_lock, open_lister, open_newest, open_strays, open_recover,
		open_is_over, open_code, open_epoch,  open_left,   open_state,
	};
	struct opening o = { .e = e };
	int r = 0;
	for (size_t i = 0; !r && i < sizeof stages / sizeof *stages; i++)
		r = stages[i](&o, err);
	return r == OPEN_OVER ? 0 : r;
}

static void close_listing(struct prs_engine *e)
{
	if (e->listing_left) /* its thread still uses it */
		return;
	prs_lister_free(e->listing.lister);
	prs_footers_end(&e->footers);
	if (e->listing.log_open)
		prs_log_close(&e->listing.log);
	prs_buf_done(&e->listing.frame);
}

void engine_close(struct prs_engine *e)
{
	close_listing(e);
	for (int i = 0; i < 2; i++)
		prs_buf_done(&e->facts[i].frame);
	prs_log_close(&e->journal);
	prs_index_free(e->index);
	prs_ledger_done(&e->ledger);
	prs_plan_free(e->plan);
	prs_buf_done(&e->setup);
	prs_buf_done(&e->assembling.bad);
	if (!e->listing_left) /* its thread still uses it */
		finish_end_writer(e);
	if (e->lock_fd >= 0)
		e->c.fs->close(e->c.fs->ctx, e->lock_fd);
}
