/* SPDX-License-Identifier: Apache-2.0
 * rows: the node's segment file: results are gathered into a frame while the last one is being synced; large rows go to
 * the raw file.
 *
 * Groups begin GROUP_US apart, so that a sync (its CPU time, more than its wait) is shared by many results; at once
 * when no process has work.
 * A failed write or sync gives the unjournaled results back (they run again) and a new file is begun; a full disk ends
 * the job resumably.
 */
#include "node/impl.h"

#include "base/mem.h"
#include "io/tokens.h"
#include "wire/seg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEGMENTS_MAX = 8,
	SEGMENT_PREALLOC = 4 << 20,
	PAUSE_BYTES = 24 << 20,
	PAUSE_RESULTS = 16 << 10,
	GROUP_BYTES = 256 << 10
};
#define GROUP_US UINT64_C(10000)

struct raw_job {
	struct prs_sync_job job;
	struct prs_node *node;
	struct segment *segment;
	struct prs_done done;
	int fd;
	struct prs_err err;
};

static int new_segment(struct prs_node *n, bool raw, struct prs_err *err)
{
	struct segment **list = raw ? &n->rows.raws : &n->rows.segments;
	struct segment *s = prs_calloc(1, sizeof *s);
	if (!s)
		return prs_fail(err, PRS_ENOMEM, "segment file");
	char path[PATH_MAX];
	s->number = n->rows.next_number++;
	prs_path_segment(path, sizeof path, n->c.dir, n->c.epoch, n->c.number, s->number, raw);
	int r = prs_log_create(&s->log, n->c.fs, path, raw ? PRS_FILE_RAW : PRS_FILE_SEGMENT, &n->c.run,
	                       raw ? 0 : SEGMENT_PREALLOC, err);
	if (r < 0) {
		prs_freep(&s);
		return r;
	}
	s->log.no_sync = n->c.no_sync;
	s->next = *list;
	*list = s;
	return 0;
}

static void rows_due(void *ctx)
{
	struct prs_node *n = ctx;
	n->rows.timed = false;
	rows_flush(n);
}

int rows_init(struct prs_node *n, struct prs_err *err)
{
	n->rows.timer = prs_timer_new(n->c.loop, rows_due, n, err);
	if (!n->rows.timer)
		return err->code;
	for (int i = 0; i < 2; i++) {
		n->rows.batches[i].node = n;
		prs_buf_init(&n->rows.batches[i].frame, PRS_FRAME_MAX_BYTES);
		prs_log_begin(&n->rows.batches[i].frame);
	}
	return new_segment(n, false, err);
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

void rows_free(struct prs_node *n)
{
	for (int i = 0; i < 2; i++) {
		prs_buf_done(&n->rows.batches[i].frame);
		prs_freep(&n->rows.batches[i].done);
	}
	free_segments(n->rows.segments);
	free_segments(n->rows.raws);
	prs_timer_free(n->rows.timer);
}

bool rows_idle(const struct prs_node *n)
{
	return !n->rows.syncing && !n->rows.raw_jobs && !n->rows.batches[n->rows.filling].n;
}

static void tell_done(struct prs_node *n, const struct prs_done *d)
{
	struct prs_fact f = { .type = PRS_FACT_DONE, .time_us = d->start_us + d->elapsed_us };
	f.u.done = *d;
	n->c.link.fact(n->c.link.ctx, &f);
}

static void fail(struct prs_node *n, const struct prs_err *err)
{
	n->rows.failed = true;
	n->c.link.failed(n->c.link.ctx, err->code, err->msg);
}

/* A new file after a failed one; when that fails too, or the disk is full, or it happened too often, the job ends
 * resumably. */
static void replace(struct prs_node *n, bool raw, const struct prs_err *why)
{
	struct prs_err err = { 0 };
	if (n->rows.failed)
		return;
	if (why->code == -PRS_ENOSPACE || n->rows.next_number >= SEGMENTS_MAX)
		fail(n, why);
	else if (new_segment(n, raw, &err) < 0)
		fail(n, &err);
}

/* ---- small rows -------------------------------------------------------------------------------------------------- */

static void batch_work(struct prs_sync_job *job)
{
	struct batch *b = (struct batch *)job;
	prs_log_commit(&b->segment->log, &b->frame, b->offset, &b->err);
}

static void pause_all(struct prs_node *n, bool pause)
{
	for (uint16_t i = 0; i < n->c.pool.slots; i++)
		worker_pause(&n->workers[i], pause);
}

static void batch_done(struct prs_sync_job *job)
{
	struct batch *b = (struct batch *)job;
	struct prs_node *n = b->node;
	n->rows.syncing = false;
	if (b->err.code && b->segment == n->rows.segments)
		replace(n, false, &b->err);
	for (uint32_t i = 0; i < b->n; i++) {
		if (b->err.code)
			n->c.link.returned(n->c.link.ctx, &b->done[i].unit, b->done[i].lease);
		else
			tell_done(n, &b->done[i]);
	}
	b->n = 0;
	b->err = (struct prs_err){ 0 };
	prs_log_begin(&b->frame);
	pause_all(n, false);
	rows_flush(n);
	node_check_down(n);
}

/* Else it will be by the timer. */
static bool is_due(struct prs_node *n, const struct batch *b)
{
	uint64_t now = prs_clock_us();
	if (now - n->rows.group_us >= GROUP_US || b->frame.len >= GROUP_BYTES || !prs_pool_busy(n->pool)) {
		n->rows.group_us = now;
		return true;
	}
	if (!n->rows.timed)
		prs_timer_at(n->rows.timer, n->rows.group_us + GROUP_US);
	n->rows.timed = true;
	return false;
}

void rows_flush(struct prs_node *n)
{
	struct batch *b = &n->rows.batches[n->rows.filling];
	if (n->rows.syncing || !b->n || !is_due(n, b))
		return;
	b->segment = n->rows.segments;
	b->offset = prs_log_place(&b->segment->log, &b->frame);
	for (uint32_t i = 0; i < b->n; i++) {
		b->done[i].segment = b->segment->number;
		b->done[i].offset += b->offset;
	}
	b->job = (struct prs_sync_job){ .work = batch_work, .done = batch_done };
	n->rows.filling ^= 1;
	n->rows.syncing = true;
	prs_sync_put(n->c.sync, &b->job);
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

static int put_small(struct prs_node *n, struct prs_done *d, const uint8_t *bytes)
{
	struct batch *b = &n->rows.batches[n->rows.filling];
	struct prs_rows rows = { .unit = d->unit,
		                 .lease = d->lease,
		                 .succeeded = d->succeeded,
		                 .head_len = d->head_len,
		                 .bytes = bytes,
		                 .length = d->length };
	uint64_t at = 0;
	d->checksum = prs_checksum(bytes, (size_t)d->length);
	if (d->length && prs_rows_put(&b->frame, &rows, &at) < 0)
		return -PRS_ENOMEM;
	d->offset = at;
	if (b->frame.len > PAUSE_BYTES || b->n >= PAUSE_RESULTS)
		pause_all(n, true);
	return add_done(b, d);
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
	struct prs_node *n = j->node;
	n->rows.raw_jobs--;
	if (!j->err.code) {
		tell_done(n, &j->done);
	} else if (j->err.code == -PRS_EPROTOCOL || j->err.code == -PRS_ELIMIT) { /* the process's fault */
		tell_bad_rows(n, &j->done, &j->err);
	} else {
		if (j->segment == n->rows.raws && j->segment->log.failed)
			replace(n, true, &j->err);
		else if (!j->segment->log.failed)
			fail(n, &j->err);
		n->c.link.returned(n->c.link.ctx, &j->done.unit, j->done.lease);
	}
	prs_freep(&j);
	node_check_down(n);
}

static int put_raw(struct prs_node *n, struct prs_done *d, int fd, struct prs_err *err)
{
	if (!n->rows.raws) {
		int r = new_segment(n, true, err);
		if (r < 0)
			return r;
	}
	struct raw_job *j = prs_calloc(1, sizeof *j);
	if (!j)
		return prs_fail(err, PRS_ENOMEM, "large rows");
	*j = (struct raw_job){ .node = n, .segment = n->rows.raws, .done = *d, .fd = fd };
	j->done.flags |= PRS_DONE_RAW;
	j->done.segment = j->segment->number;
	j->job = (struct prs_sync_job){ .work = raw_work, .done = raw_done };
	n->rows.raw_jobs++;
	prs_sync_put(n->c.sync, &j->job);
	return 0;
}

void rows_accept(struct prs_node *n, struct worker *w, const struct prs_pool_effect *e)
{
	struct prs_done d;
	struct prs_err err = { 0 };
	prs_done_decode(n->payload, n->payload_bytes, &d, NULL);
	d.unit = e->unit; /* ours, not what the process says */
	d.lease = e->lease;
	d.try_number = e->try_number;
	d.node = n->c.number;
	d.slot = w->slot;
	d.incarnation = w->incarnation;
	d.flags &= (uint8_t)~PRS_DONE_RAW;
	int r;
	if (n->payload_fd >= 0) {
		r = put_raw(n, &d, n->payload_fd, &err);
		if (!r)
			n->payload_fd = -1; /* the job owns it */
	} else {
		r = put_small(n, &d, n->payload + PRS_DONE_BYTES);
		if (r < 0)
			prs_fail(&err, PRS_ENOMEM, "no memory for the rows of mini-batch %llu",
			         (unsigned long long)d.unit.id);
	}
	if (r < 0) {
		n->c.link.returned(n->c.link.ctx, &d.unit, d.lease);
		fail(n, &err);
	}
}
