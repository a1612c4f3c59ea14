/* SPDX-License-Identifier: Apache-2.0
 * open: lock, recovery, the new epoch: everything before the first process starts.
 */
#include "master/impl.h"

#include "base/mem.h"
#include "io/lock.h"
#include "io/machine.h"
#include "io/strays.h"
#include "wire/page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- lock -------------------------------------------------------------------------------------------------------- */

static int take_lock(struct prs_engine *e, struct prs_err *err)
{
	char path[PRS_PATH_BYTES_M], text[320], host[128] = "?";
	snprintf(path, sizeof path, "%s/lock", e->c.dir);
	gethostname(host, sizeof host - 1);
	if (e->c.takeover)
		unlink(path); /* the old engine holds the old file */
	e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (e->lock_fd < 0)
		return prs_fail_errno(err, errno, "opening %s", path);
	if (!prs_lock_take(e->lock_fd) && (errno == EAGAIN || errno == EACCES)) {
		ssize_t n = pread(e->lock_fd, text, sizeof text - 1, 0);
		text[n > 0 ? n : 0] = 0;
		text[strcspn(text, "\n")] = 0;
		return prs_fail(err, PRS_EBUSY,
		                "the run is in use by %s. Wait for it, or take the run over with prs resume %s "
		                "--takeover",
		                text[0] ? text : "another engine", e->c.run_name);
	}
	int n = snprintf(text, sizeof text, "pid %d on %s\n", getpid(), host);
	if (ftruncate(e->lock_fd, 0) < 0 || pwrite(e->lock_fd, text, (size_t)n, 0) != n)
		return prs_fail_errno(err, errno, "writing %s", path);
	return 0;
}

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
	if (!memcmp(f->u.head.job_print, e->c.job->job_print, sizeof f->u.head.job_print))
		return 0;
	return prs_fail(err, PRS_EINVALID,
	                "%s/job.json was changed after the run began: put it back (prs resume --set changes settings), "
	                "or start a new run",
	                e->c.dir);
}

/* How the job ended, for one that is over already. */
static void keep_ending(struct prs_engine *e, const struct prs_fact *f)
{
	if (f->type == PRS_FACT_HEAD)
		e->last_life.from_us = f->time_us;
	if (f->type == PRS_FACT_STATE)
		e->last_life.to_us = f->time_us;
	if (f->type == PRS_FACT_STATE)
		snprintf(e->end->text, sizeof e->end->text, "%.*s", (int)f->u.state.text.n, f->u.state.text.p);
	if (f->type == PRS_FACT_PUBLISHED)
		snprintf(e->end->output, sizeof e->end->output, "%.*s", (int)f->u.published.name.n,
		         f->u.published.name.p);
	if (f->type == PRS_FACT_PUBLISHED)
		e->end->result.output_bytes = f->u.published.bytes;
}

struct fold {
	struct prs_engine *e;
	char boot[64];
};

static int on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct fold *f = ctx;
	int r = prs_plan_feed(f->e->plan, body, n, err);
	return r < 0 ? r : prs_list_feed(f->e->listing.lister, body, n, err);
}

static int on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct fold *x = ctx;
	struct prs_engine *e = x->e;
	bool counts = f->type == PRS_FACT_DONE && prs_ledger_open(&e->ledger, &f->u.done.unit);
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
	if (f->type == PRS_FACT_HEAD)
		snprintf(x->boot, sizeof x->boot, "%.*s", (int)f->u.head.boot.n, f->u.head.boot.p);
	return r;
}

static void read_boot_id(char *to, size_t n)
{
	to[0] = 0;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, to, n - 1) : -1;
	to[got > 0 ? got : 0] = 0;
	to[strcspn(to, "\n")] = 0;
	if (fd >= 0)
		close(fd);
}

static struct prs_text text_of(const char *s) { return (struct prs_text){ s, (uint16_t)strlen(s) }; }

static int new_epoch(struct prs_engine *e, const struct prs_recovered *was, const char *boot, struct prs_err *err)
{
	char host[128] = "?";
	gethostname(host, sizeof host - 1);
	struct prs_fact f = { .type = PRS_FACT_HEAD, .time_us = prs_wall_us() };
	f.u.head.epoch = e->epoch;
	f.u.head.previous = was->epoch;
	f.u.head.sealed_journal = was->journal_bytes;
	f.u.head.sealed_plan = was->plan_bytes;
	memcpy(f.u.head.job_print, e->c.job->job_print, 16);
	memcpy(f.u.head.code_print, e->c.job->code_print, 16);
	f.u.head.engine = text_of(PRS_VERSION);
	f.u.head.host = text_of(host);
	f.u.head.pid = (uint32_t)getpid();
	f.u.head.boot = text_of(boot);
	int r = prs_journal_create(&e->journal, e->c.fs, e->c.dir, &e->c.run, &f, err);
	if (r < 0)
		return r;
	e->journal.no_sync = e->c.job->o.bench_no_sync;
	return prs_ledger_fold(&e->ledger, &f, err);
}

/* ---- what the last engine left ----------------------------------------------------------------------------------- */

static bool read_page(const struct prs_engine *e, unsigned slot, struct prs_page *ret)
{
	char path[PRS_PATH_BYTES_M];
	snprintf(path, sizeof path, "%s/work/page/%u", e->c.dir, slot);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	*ret = (struct prs_page){ 0 };
	ssize_t got = pread(fd, ret, sizeof *ret, 0);
	close(fd);
	return got >= 0;
}

static bool was_running(const struct prs_engine *e, const struct prs_page *page, uint32_t epoch)
{
	enum prs_phase ph = prs_page_phase(page->word);
	struct prs_unit u = { page->id, page->item_first, page->item_count };
	return (ph == PRS_PHASE_LOAD || ph == PRS_PHASE_RUN || ph == PRS_PHASE_WRITE) && page->lease >> 40 == epoch &&
	       prs_ledger_open(&e->ledger, &u);
}

/* The mini-batches that ran when the machine went down: a page that still shows a running phase. */
static void journal_lost(struct prs_engine *e, uint32_t last_epoch)
{
	struct prs_fact f = { .type = PRS_FACT_LOST, .time_us = prs_wall_us() };
	struct prs_page page;
	PRS_AUTOBUF units;
	prs_buf_init(&units, UINT16_MAX * 16);
	for (unsigned slot = 0; read_page(e, slot, &page); slot++) {
		if (!was_running(e, &page, last_epoch))
			continue;
		prs_buf_u64(&units, page.id);
		prs_buf_u32(&units, page.item_first);
		prs_buf_u32(&units, page.item_count);
	}
	f.u.lost.running_count = (uint32_t)(units.len / 16);
	f.u.lost.units = units.data;
	if (units.len)
		journal_put(e, &f);
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
		prs_option_get(&e->c.job->o, s->row, 0, &old);
		int r = prs_job_set(e->c.job, s->row, s->value, "prs resume", err);
		if (r < 0)
			return r;
		prs_option_get(&e->c.job->o, s->row, 0, &now);
		const char *old_text = prs_buf_str(&old), *now_text = prs_buf_str(&now);
		if (old.failed || now.failed)
			return prs_fail(err, PRS_ENOMEM, "%s", s->row->name);
		struct prs_fact f = { .type = PRS_FACT_SET, .time_us = prs_wall_us() };
		f.u.set.key = text_of(s->row->name);
		f.u.set.old = text_of(old_text);
		f.u.set.new_ = text_of(now_text);
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

/* --retry-failed: one RESET for each row of neighbours. */
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

static int make_lister(struct prs_engine *e, struct prs_err *err)
{
	const struct prs_job *j = e->c.job;
	PRS_AUTOFREE struct prs_list_input *v = prs_engine_inputs(j);
	if (!v)
		return prs_fail(err, PRS_ENOMEM, "inputs");
	e->listing.lister = prs_lister_new(e->c.fs, v, (unsigned)j->inputs_n, (uint32_t)j->o.mini_batch_size);
	return e->listing.lister ? 0 : prs_fail(err, PRS_ENOMEM, "inputs");
}

static void put_node_up(struct prs_engine *e)
{
	char host[128] = "?";
	gethostname(host, sizeof host - 1);
	struct prs_fact f = { .type = PRS_FACT_NODE, .time_us = prs_wall_us() };
	f.u.node.incarnation = e->epoch;
	f.u.node.up = 1;
	f.u.node.procs = (uint16_t)e->c.job->o.processes;
	f.u.node.cores = (uint16_t)prs_usable_cores();
	f.u.node.gpus = (uint16_t)e->c.gpus->n;
	f.u.node.name = text_of(host);
	f.u.node.address = text_of("127.0.0.1");
	journal_put(e, &f);
}

static bool is_over(const struct prs_engine *e)
{
	return e->state == PRS_JOB_COMPLETED || e->state == PRS_JOB_CANCELED ||
	       (e->state == PRS_JOB_FAILED && !e->c.retry_failed);
}

static void tell_opened(struct prs_engine *e)
{
	const struct prs_ledger_counts *c = &e->ledger.counts;
	struct prs_engine_opened o = { e->resumed, c->units[PRS_UNIT_DONE], c->units[PRS_UNIT_FAILED],
		                       e->ledger.next_id };
	e->rate_done = o.done + o.failed;
	if (e->c.opened)
		e->c.opened(e->c.ctx, &o);
}

int engine_open(struct prs_engine *e, struct prs_err *err)
{
	char boot[64], run_text[40];
	struct fold f = { e, "" };
	struct prs_recovered was;
	uint32_t newest;
	e->plan = prs_plan_new();
	if (!e->plan || prs_ledger_init(&e->ledger, prs_plan_items_of, e->plan) < 0)
		return prs_fail(err, PRS_ENOMEM, "plan");
	int r = take_lock(e, err);
	if (!r)
		r = make_lister(e, err);
	if (!r)
		r = prs_store_newest_epoch(e->c.fs, e->c.dir, &newest, err);
	if (r < 0)
		return r;
	for (int i = 0; i < 16; i++)
		snprintf(run_text + 2 * i, 3, "%02x", e->c.run.bytes[i]);
	if (newest)
		prs_strays_of_run(run_text);
	e->epoch = newest + 1;
	struct prs_recover_sink sink = { &f, on_plan, on_fact };
	r = prs_index_new(&e->index, e->c.fs, e->c.dir, e->epoch, err);
	if (!r)
		r = prs_store_recover(e->c.fs, e->c.dir, &e->c.run, &sink, &was, err);
	if (r < 0)
		return r;
	e->resumed = was.epoch != 0;
	e->state = e->ledger.job;
	if (e->resumed && is_over(e)) {
		/* nothing to do but to tell it, if nobody has: the caller looks at the state */
		e->end->was_over = true;
		e->epoch = was.epoch;
		e->journal.durable = was.journal_bytes;
		e->cause = e->ledger.job_code;
		return 0;
	}
	if (!r)
		r = prs_index_grow(e->index, prs_plan_next_id(e->plan), err);
	read_boot_id(boot, sizeof boot);
	if (!r)
		r = prs_store_settle(e->c.fs, e->c.dir, &was, err);
	if (!r)
		r = new_epoch(e, &was, boot, err);
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++) {
		prs_buf_init(&e->facts[i].frame, PRS_FRAME_MAX_BYTES);
		prs_log_begin(&e->facts[i].frame);
	}
	journal_planned(e, &was);
	if (e->resumed && f.boot[0] && strcmp(f.boot, boot) != 0)
		journal_lost(e, was.epoch);
	int64_t bad = prs_index_verify_ranges(e->index, journal_bad_range, e, err);
	if (bad < 0)
		return (int)bad;
	journal_bad_end(e);
	resume_state(e);
	r = journal_settings(e, err);
	if (r < 0)
		return r;
	journal_retries(e);
	put_node_up(e);
	tell_opened(e);
	return 0;
}

static void close_listing(struct prs_engine *e)
{
	if (e->listing_left) /* its thread still uses it */
		return;
	prs_lister_free(e->listing.lister);
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
	if (e->lock_fd >= 0)
		close(e->lock_fd);
}
