/* SPDX-License-Identifier: Apache-2.0
 * rows: the rows of all nodes go into one segment file: results are gathered into a frame while the last one is being
 * synced; large rows go to the raw file. A result counts when its DONE is journaled, and that is put when its bytes are
 * durable.
 *
 * Groups begin GROUP_US apart, so that a sync (its CPU time, more than its wait) is shared by many results; at once
 * when no lease is unanswered: nothing will join them. A disk that is slower than the processes pauses the nodes; what
 * is in memory, and in the descriptors of large rows, is bounded. A failed write or sync gives the unjournaled results
 * back (they run again) and a new file is begun; a full disk ends the job resumably.
 */
#include "master/impl.h"

#include "base/mem.h"
#include "io/tokens.h"
#include "wire/seg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEGMENTS_MAX = 8,
	SEGMENT_PREALLOC = 4 << 20,
	PAUSE_BYTES = 64 << 20,       /* of all rows that are on their way to the disk */
	PAUSE_FRAME_BYTES = 24 << 20, /* of those that are being gathered: what the nodes have sent still fits */
	PAUSE_RESULTS = 16 << 10,
	GROUP_BYTES = 256 << 10
};
#define GROUP_US UINT64_C(10000)

struct raw_job {
	struct prs_sync_job job;
	struct prs_engine *engine;
	struct segment *segment;
	struct prs_done done;
	int fd;
	struct prs_err err;
};

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int new_segment(struct prs_engine *e, bool raw, struct prs_err *err)
{
	struct segment **list = raw ? &e->rows.raws : &e->rows.segments;
	struct segment *s = prs_calloc(1, sizeof *s);
	if (!s)
		return prs_fail(err, PRS_ENOMEM, "segment file");
	char path[PATH_MAX];
	s->number = e->rows.next_number++;
	prs_path_segment(path, sizeof path, e->c.dir, e->epoch, 0, s->number, raw);
	int r = prs_log_create(&s->log, e->c.fs, path, raw ? PRS_FILE_RAW : PRS_FILE_SEGMENT, &e->c.run,
	                       raw ? 0 : SEGMENT_PREALLOC, err);
	if (r < 0) {
		prs_freep(&s);
		return r;
	}
	s->log.no_sync = e->c.job->o.bench_no_sync;
	s->next = *list;
	*list = s;
	return 0;
}

static void rows_due(void *ctx)
{
	struct prs_engine *e = ctx;
	e->rows.timed = false;
	rows_flush(e);
}

int rows_init(struct prs_engine *e, struct prs_err *err)
{
	e->rows.timer = prs_timer_new(e->loop, rows_due, e, err);
	if (!e->rows.timer)
		return err->code;
	for (int i = 0; i < 2; i++) {
		e->rows.batches[i].engine = e;
		prs_buf_init(&e->rows.batches[i].frame, PRS_FRAME_MAX_BYTES);
		prs_log_begin(&e->rows.batches[i].frame);
	}
	return new_segment(e, false, err);
}

static void free_segments(struct segment *s)
{
	while (s) {
		struct segment *next = s->next;
		prs_log_close(&s->log);
		prs_freep(&s);
		s = next;
	}
}

void rows_free(struct prs_engine *e)
{
	for (int i = 0; i < 2; i++) {
		prs_buf_done(&e->rows.batches[i].frame);
		prs_freep(&e->rows.batches[i].done);
	}
	free_segments(e->rows.segments);
	free_segments(e->rows.raws);
	prs_timer_free(e->rows.timer);
	e->rows = (struct rows){ 0 };
}

bool rows_idle(const struct prs_engine *e)
{
	return !e->rows.syncing && !e->rows.raw_jobs && !e->rows.batches[e->rows.filling].n;
}

/* ---- what comes of it -------------------------------------------------------------------------------------------- */

static void put_done(struct prs_engine *e, const struct prs_done *d)
{
	struct prs_fact f = { .type = PRS_FACT_DONE, .time_us = d->start_us + d->elapsed_us };
	f.u.done = *d;
	if (!e->over)
		journal_put(e, &f);
}

/* The process's own fault: its rows cannot be stored. */
static void put_bad_rows(struct prs_engine *e, const struct prs_done *d, const struct prs_err *why)
{
	struct prs_fact f = { .type = PRS_FACT_TRY };
	const struct prs_error_row *row = prs_error_row(why->code);
	f.u.try_ = (struct prs_try){ .unit = d->unit,
		                     .lease = d->lease,
		                     .try_number = d->try_number,
		                     .node = d->node,
		                     .slot = d->slot,
		                     .incarnation = d->incarnation,
		                     .start_us = d->start_us,
		                     .run_us = d->run_us,
		                     .elapsed_us = d->elapsed_us,
		                     .cpu_us = d->cpu_us,
		                     .code = row->code,
		                     .fault = row->fault,
		                     .counted = 1,
		                     .message = prs_text_of(why->msg) };
	if (!e->over)
		journal_put(e, &f);
}

static void fail(struct prs_engine *e, const struct prs_err *err)
{
	e->rows.failed = true;
	drive_stop(e, PRS_JOB_DRAINING, (uint16_t)-err->code, err->msg);
}

/* A new file after a failed one; when that fails too, or the disk is full, or it happened too often, the job ends
 * resumably. */
static void replace(struct prs_engine *e, bool raw, const struct prs_err *why)
{
	struct prs_err err = { 0 };
	if (e->rows.failed)
		return;
	if (why->code == -PRS_ENOSPACE || e->rows.next_number >= SEGMENTS_MAX)
		fail(e, why);
	else if (new_segment(e, raw, &err) < 0)
		fail(e, &err);
}

/* ---- not too much ------------------------------------------------------------------------------------------------ */

static bool is_too_much(const struct rows *r)
{
	const struct batch *filling = &r->batches[r->filling], *other = &r->batches[r->filling ^ 1];
	return filling->frame.len > PAUSE_FRAME_BYTES || filling->n >= PAUSE_RESULTS ||
	       filling->frame.len + other->frame.len + r->raw_bytes > PAUSE_BYTES;
}

static void check_pause(struct prs_engine *e)
{
	bool pause = is_too_much(&e->rows);
	if (pause == e->rows.paused)
		return;
	e->rows.paused = pause;
	nodes_pause(e, pause);
}

/* ---- small rows -------------------------------------------------------------------------------------------------- */

static void batch_work(struct prs_sync_job *job)
{
	struct batch *b = (struct batch *)job;
	prs_log_commit(&b->segment->log, &b->frame, b->offset, &b->err);
}

static void batch_done(struct prs_sync_job *job)
{
	struct batch *b = (struct batch *)job;
	struct prs_engine *e = b->engine;
	engine_disk_done(e);
	e->rows.syncing = false;
	if (b->err.code && b->segment == e->rows.segments)
		replace(e, false, &b->err);
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->err.code)
			drive_returned(e, &b->done[i].unit, b->done[i].lease);
		else
			put_done(e, &b->done[i]);
	}
	for (uint32_t i = 0; i < b->n; i++)
		nodes_stored(e, b->done[i].node);
	b->n = 0;
	b->err = (struct prs_err){ 0 };
	prs_log_begin(&b->frame);
	rows_flush(e);
	check_pause(e);
}

/* Else it will be by the timer. */
static bool is_due(struct prs_engine *e, const struct batch *b)
{
	uint64_t now = prs_clock_us();
	if (now - e->rows.group_us >= GROUP_US || b->frame.len >= GROUP_BYTES || !e->unanswered) {
		e->rows.group_us = now;
		return true;
	}
	if (!e->rows.timed)
		prs_timer_at(e->rows.timer, e->rows.group_us + GROUP_US);
	e->rows.timed = true;
	return false;
}

void rows_flush(struct prs_engine *e)
{
	struct batch *b = &e->rows.batches[e->rows.filling];
	if (e->rows.syncing || !b->n || !is_due(e, b))
		return;
	b->segment = e->rows.segments;
	b->offset = prs_log_place(&b->segment->log, &b->frame);
	for (uint32_t i = 0; i < b->n; i++) {
		b->done[i].segment = b->segment->number;
		b->done[i].offset += b->offset;
	}
	b->job = (struct prs_sync_job){ .work = batch_work, .done = batch_done };
	e->rows.filling ^= 1;
	e->rows.syncing = true;
	engine_disk_put(e, &b->job);
	check_pause(e);
}

static int add_done(struct batch *b, const struct prs_done *d)
{
	if (b->n == b->cap) {
		uint32_t cap = b->cap ? b->cap * 2 : 64;
		struct prs_done *v = prs_realloc(b->done, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		b->done = v;
		b->cap = cap;
	}
	b->done[b->n++] = *d;
	return 0;
}

static int put_small(struct prs_engine *e, struct prs_done *d, const uint8_t *bytes, struct prs_err *err)
{
	struct batch *b = &e->rows.batches[e->rows.filling];
	struct prs_rows rows = { .unit = d->unit,
		                 .lease = d->lease,
		                 .succeeded = d->succeeded,
		                 .head_len = d->head_len,
		                 .bytes = bytes,
		                 .length = d->length };
	uint64_t at = 0;
	d->checksum = prs_checksum(bytes, (size_t)d->length);
	int r = d->length ? prs_rows_put(&b->frame, &rows, &at) : 0;
	d->offset = at;
	if (r >= 0)
		r = add_done(b, d);
	if (r < 0)
		return prs_fail(err, PRS_ENOMEM, "no memory for the rows of mini-batch %llu",
		                (unsigned long long)d->unit.id);
	return 0;
}

/* ---- large rows -------------------------------------------------------------------------------------------------- */

static void raw_work(struct prs_sync_job *job)
{
	struct raw_job *j = (struct raw_job *)job;
	struct prs_rows rows = { .unit = j->done.unit,
		                 .lease = j->done.lease,
		                 .succeeded = j->done.succeeded,
		                 .head_len = j->done.head_len,
		                 .length = j->done.length };
	prs_log_raw(&j->segment->log, &rows, j->fd, &j->done.offset, &j->done.checksum, &j->err);
	prs_fd_close(&j->fd);
}

static void raw_done(struct prs_sync_job *job)
{
	struct raw_job *j = (struct raw_job *)job;
	struct prs_engine *e = j->engine;
	engine_disk_done(e);
	e->rows.raw_jobs--;
	e->rows.raw_bytes -= j->done.length;
	if (!j->err.code) {
		put_done(e, &j->done);
	} else if (j->err.code == -PRS_EPROTOCOL || j->err.code == -PRS_ELIMIT) {
		put_bad_rows(e, &j->done, &j->err);
	} else {
		if (j->segment == e->rows.raws && j->segment->log.failed)
			replace(e, true, &j->err);
		else if (!j->segment->log.failed)
			fail(e, &j->err);
		drive_returned(e, &j->done.unit, j->done.lease);
	}
	nodes_stored(e, j->done.node);
	prs_freep(&j);
	check_pause(e);
}

/* The descriptor is the job's when 0 is returned. */
static int put_raw(struct prs_engine *e, const struct prs_done *d, int fd, struct prs_err *err)
{
	if (!e->rows.raws) {
		int r = new_segment(e, true, err);
		if (r < 0)
			return r;
	}
	struct raw_job *j = prs_calloc(1, sizeof *j);
	if (!j)
		return prs_fail(err, PRS_ENOMEM, "large rows");
	*j = (struct raw_job){ .engine = e, .segment = e->rows.raws, .done = *d, .fd = fd };
	j->done.flags |= PRS_DONE_RAW;
	j->done.segment = j->segment->number;
	j->job = (struct prs_sync_job){ .work = raw_work, .done = raw_done };
	e->rows.raw_jobs++;
	e->rows.raw_bytes += d->length;
	engine_disk_put(e, &j->job);
	return 0;
}

void rows_put(struct prs_engine *e, const struct prs_done *done, const uint8_t *bytes, int fd)
{
	struct prs_done d = *done;
	struct prs_err err = { 0 };
	if (d.node)
		d.flags |= PRS_DONE_NODE0;
	int r = fd >= 0 ? put_raw(e, &d, fd, &err) : put_small(e, &d, bytes, &err);
	if (!r) {
		nodes_storing(e, d.node);
	} else {
		prs_fd_close(&fd);
		drive_returned(e, &d.unit, d.lease);
		fail(e, &err);
	}
	check_pause(e);
}
