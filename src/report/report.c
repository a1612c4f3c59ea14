/* SPDX-License-Identifier: Apache-2.0
 * report: opens the logs, takes facts from the journal and gives them to each log, flushes, finishes.
 */
#include "report/impl.h"

#include "base/mem.h"

#include <stdio.h>

/* ---- new, free --------------------------------------------------------------------------------------------------- */

static int open_logs(struct prs_report *r, struct prs_err *err)
{
	for (int log = 0; log < REPORT_FIXED; log++)
		if (!report_file_get(r, (enum report_log)log, NULL))
			return prs_fail(err, PRS_ENOMEM, "out of memory");
	char logs[PATH_MAX];
	snprintf(logs, sizeof logs, "%s/logs/", r->dir);
	int rc = report_make_folders(r, logs);
	if (rc < 0)
		return prs_fail_errno(err, -rc, "cannot make %s/logs", r->dir);
	return report_cursor_open(r, err);
}

int prs_report_new(struct prs_report **ret, const struct prs_fs *fs, const struct prs_report_config *c,
                   struct prs_err *err)
{
	struct prs_report *r = prs_calloc(1, sizeof *r);
	if (!r)
		return prs_fail(err, PRS_ENOMEM, "out of memory");
	r->fs = fs;
	memcpy(&r->c, c, c->struct_size < sizeof r->c ? c->struct_size : sizeof r->c);
	report_reader_init(&r->reader);
	prs_buf_init(&r->detail, REPORT_NAMES_MAX);
	prs_buf_init(&r->scratch, REPORT_BUFFER_MAX);
	r->piece_bytes = r->c.processes <= 64 ? REPORT_PIECE_BYTES : REPORT_PIECE_BYTES / 4;
	r->next_tick_us = UINT64_MAX;
	r->dir = prs_strdup(c->dir);
	r->run_name = prs_strdup(c->run_name ? c->run_name : "");
	int rc = r->dir && r->run_name ? open_logs(r, err) : prs_fail(err, PRS_ENOMEM, "out of memory");
	if (rc < 0) {
		prs_report_free(r);
		return rc;
	}
	report_result_remove(r);
	report_readme_write(r, NULL); /* a page for people: no job suffers when it cannot be written */
	*ret = r;
	return 0;
}

void prs_report_free(struct prs_report *r)
{
	if (!r)
		return;
	report_files_free(r);
	report_reader_done(r);
	report_state_free(r);
	report_errors_free(r);
	prs_buf_done(&r->detail);
	prs_buf_done(&r->scratch);
	prs_freep(&r->dir);
	prs_freep(&r->run_name);
	prs_freep(&r);
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static void write_lines(struct prs_report *r, const struct prs_fact *f, bool counts)
{
	if (f->type == PRS_FACT_DONE) {
		uint32_t items = report_items(r, &f->u.done.unit);
		report_process_done(r, &f->u.done, f->time_us, items);
		report_tries_done(r, &f->u.done, items);
	} else if (f->type == PRS_FACT_TRY) {
		uint32_t items = report_items(r, &f->u.try_.unit);
		report_process_failed(r, &f->u.try_, f->time_us, items);
		report_tries_failed(r, &f->u.try_, items);
	} else if (f->type == PRS_FACT_PROC) {
		report_process_event(r, f);
	} else {
		report_overview(r, f);
		report_master(r, f);
	}
	report_event(r, f, counts);
}

static void take(struct prs_report *r, const struct prs_fact *f)
{
	if (f->type != PRS_FACT_HEAD && f->time_us > r->now_us)
		report_overview_until(r, f->time_us);
	bool counts = report_state_fold(r, f);
	report_errors_fold(r, f);
	if (!r->quiet)
		write_lines(r, f, counts);
	r->dirty = true;
}

/* ---- the cursor's place in the chain ----------------------------------------------------------------------------- */

/* Is the cursor a place that the journals still have? */
static bool cursor_fits(const struct prs_report *r)
{
	for (size_t i = 0; i < r->reader.chain_n; i++) {
		const struct report_link *l = &r->reader.chain[i];
		if (l->epoch == r->from.epoch)
			return r->from.frame + (r->from.body_at ? PRS_FRAME_HEADER_BYTES + r->from.body_at : 0) <=
			       l->end;
	}
	return false;
}

static int open_chain(struct prs_report *r, uint32_t epoch, uint64_t durable, struct prs_err *err)
{
	int rc = report_reader_chain(r, epoch, err);
	if (rc < 0)
		return rc;
	r->reader.chain[r->reader.chain_n - 1].end = durable;
	if (r->from.epoch != 0 && !cursor_fits(r)) { /* lines of facts that were never sealed */
		report_files_restart(r);
		r->from.epoch = 0;
	}
	r->quiet = r->from.epoch != 0;
	r->opened = true;
	return 0;
}

static bool behind_cursor(const struct prs_report *r)
{
	const struct report_pos *a = &r->reader.pos, *b = &r->from;
	if (a->epoch != b->epoch)
		return a->epoch > b->epoch;
	return a->frame != b->frame ? a->frame > b->frame : a->body_at >= b->body_at;
}

/* The cursor is reached: from here on lines are written. */
static void wake_up(struct prs_report *r)
{
	r->quiet = false;
	if (r->next_tick_us != UINT64_MAX && r->from_tick > r->next_tick_us)
		r->next_tick_us = r->from_tick;
	r->dirty = false;
}

static bool stalled(const struct prs_report *r)
{
	for (size_t i = 0; r->write_failed && i < r->files_n; i++)
		if (r->files[i]->buf.len > REPORT_STALL_BYTES)
			return true;
	return false;
}

static int take_facts(struct prs_report *r, uint64_t budget, bool *ret_more, struct prs_err *err)
{
	struct prs_fact f;
	for (uint64_t n = 0; budget == 0 || n < budget; n++) {
		if (r->quiet && behind_cursor(r))
			wake_up(r);
		if (r->broken || (r->write_failed && stalled(r)))
			return 0;
		int rc = report_reader_next(r, &f, err);
		if (rc < 0)
			r->broken = rc;
		if (rc <= 0)
			return rc < 0 ? prs_wrap(err, "logs") : 0;
		take(r, &f);
	}
	*ret_more = report_reader_more(r);
	return 0;
}

static int stopped(const struct prs_report *r, struct prs_err *err)
{
	return prs_fail(err, (enum prs_code) - r->broken, "the logs of %s stopped: %s", r->dir,
	                prs_error_row(r->broken)->sentence);
}

static int not_written(const struct prs_report *r, int rc, struct prs_err *err)
{
	return prs_fail(err, (enum prs_code) - rc, "cannot write the logs of %s: %s", r->dir,
	                prs_error_row(rc)->sentence);
}

int prs_report_catch_up(struct prs_report *r, uint32_t epoch, uint64_t durable, uint64_t budget, bool *ret_more,
                        struct prs_err *err)
{
	bool more = false;
	if (ret_more)
		*ret_more = false;
	if (r->broken)
		return stopped(r, err);
	if (r->opened && epoch != r->epoch)
		return prs_fail(err, PRS_EINVALID, "a report belongs to one epoch: %u, not %u", r->epoch, epoch);
	if (!r->opened) {
		r->epoch = epoch;
		int rc = open_chain(r, epoch, durable, err);
		if (rc < 0)
			return r->broken = rc;
	}
	r->reader.chain[r->reader.chain_n - 1].end = durable;
	if (r->write_failed)
		report_files_write(r);
	int rc = take_facts(r, budget, &more, err);
	if (r->broken)
		return rc < 0 ? r->broken : stopped(r, err);
	if (r->write_failed)
		return not_written(r, r->write_failed, err);
	if (ret_more)
		*ret_more = more;
	return 0;
}

int prs_report_tick(struct prs_report *r, uint64_t wall_us, struct prs_err *err)
{
	(void)err;
	if (r->broken || !r->opened || r->quiet || r->head_epoch != r->epoch || r->next_tick_us == UINT64_MAX ||
	    wall_us < r->next_tick_us)
		return 0;
	report_overview_until(r, wall_us);
	r->dirty = true;
	return 0;
}

int prs_report_flush(struct prs_report *r, struct prs_err *err)
{
	if (r->quiet || !r->opened)
		return 0;
	int rc = report_files_write(r);
	if (rc < 0)
		return r->broken ? stopped(r, err) : not_written(r, rc, err);
	if (!r->dirty)
		return 0;
	if (r->errors_changed && r->now_us >= r->errors_written_us + REPORT_ERROR_EVERY_US)
		report_errors_write(r, NULL);
	rc = report_cursor_write(r, err);
	if (rc == 0)
		r->dirty = false;
	return rc;
}

static void first_of(int *rc, int more)
{
	if (!*rc)
		*rc = more;
}

int prs_report_finish(struct prs_report *r, const struct prs_result *res, struct prs_err *err)
{
	if (report_fenced(r)) /* these files belong to the other engine now */
		return stopped(r, err);
	int rc = prs_report_flush(r, err);
	/* all of them are tried; the first that fails is told */
	first_of(&rc, report_errors_write(r, rc ? NULL : err));
	first_of(&rc, report_failed_items_write(r, rc ? NULL : err));
	first_of(&rc, report_summaries_write(r, rc ? NULL : err));
	first_of(&rc, report_result_write(r, res, rc ? NULL : err));
	return rc;
}

const char *prs_report_last_error(const struct prs_report *r) { return r->last_error; }

bool prs_report_first_error(const struct prs_report *r, struct prs_first_error *ret)
{
	if (!r->has_first)
		return false;
	*ret = r->first;
	return true;
}
