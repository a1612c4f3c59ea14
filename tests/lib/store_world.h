/* SPDX-License-Identifier: Apache-2.0
 * store_world: a run folder in memory, written through the store's functions, and what recovery says of it as one line
 * of text.
 * Header only; include behind <cmocka.h>.
 *
 * "1:HEAD 1:PLANNED+3 1:DONE0 2:HEAD ...": epoch of the journal, fact, id (PLANNED: next id). Plan bodies: "plan(8)" =
 * 8 bytes of it.
 */
#ifndef PRS_TEST_STORE_WORLD_H
#define PRS_TEST_STORE_WORLD_H

#include "base/mem.h"
#include "store/store.h"
#include "wire/plan.h"
#include "wire/seg.h"

#include "mem_fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define W_TIME UINT64_C(1700000000000000)
#define W_LEASE(epoch, n) ((uint64_t)(epoch) << 40 | (n))

struct store_world {
	struct mem_fs *m;
	const struct prs_fs *fs;
	struct prs_run_id run;
	uint32_t epoch;
	struct prs_log journal, plan, segment, raw;
	bool has_plan, has_segment, has_raw;
	uint64_t lease;
	char seen[8192];
	struct prs_recovered was;
	struct prs_err err;
};

static inline void world_new(struct store_world *w)
{
	*w = (struct store_world){ .m = mem_fs_new(), .run = { "a run of 16 byt" } };
	w->fs = &w->m->fs;
	w->fs->mkdir(w->m, "/run", 0755);
	w->fs->mkdir(w->m, "/run/seg", 0755);
	w->fs->mkdir(w->m, "/out", 0755);
}

/* The engine of this epoch ends, as after SIGKILL: nothing more is written. */
static inline void world_close_epoch(struct store_world *w)
{
	prs_log_close(&w->journal);
	if (w->has_plan)
		prs_log_close(&w->plan);
	if (w->has_segment)
		prs_log_close(&w->segment);
	if (w->has_raw)
		prs_log_close(&w->raw);
	w->has_plan = w->has_segment = w->has_raw = false;
}

static inline void world_free(struct store_world *w)
{
	world_close_epoch(w);
	mem_fs_free(w->m);
}

static inline struct prs_fact world_head(uint32_t epoch, uint32_t previous, uint64_t sealed_journal,
                                         uint64_t sealed_plan)
{
	struct prs_fact f = { .type = PRS_FACT_HEAD, .time_us = W_TIME };
	f.u.head.epoch = epoch;
	f.u.head.previous = previous;
	f.u.head.sealed_journal = sealed_journal;
	f.u.head.sealed_plan = sealed_plan;
	f.u.head.engine = (struct prs_text){ PRS_VERSION, sizeof PRS_VERSION - 1 };
	f.u.head.host = (struct prs_text){ "host", 4 };
	f.u.head.boot = (struct prs_text){ "boot", 4 };
	return f;
}

static inline int world_epoch_after(struct store_world *w, uint32_t epoch, uint32_t previous, uint64_t sealed_journal,
                                    uint64_t sealed_plan)
{
	struct prs_fact head = world_head(epoch, previous, sealed_journal, sealed_plan);
	w->epoch = epoch;
	w->lease = 0;
	return prs_journal_create(&w->journal, w->fs, "/run", &w->run, PRS_FORMAT_MINOR, &head, &w->err);
}

/* One frame of a log. */
static inline int world_frame(struct prs_log *l, const void *body, size_t n, struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, PRS_FRAME_MAX_BYTES);
	prs_log_begin(&b);
	prs_buf_put(&b, body, n);
	uint64_t at = prs_log_place(l, &b);
	return prs_log_commit(l, &b, at, err);
}

static inline int world_facts(struct store_world *w, const struct prs_fact *v, size_t n)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, PRS_FRAME_MAX_BYTES);
	for (size_t i = 0; i < n; i++)
		prs_fact_put(&b, &v[i]);
	return world_frame(&w->journal, b.data, b.len, &w->err);
}

static inline int world_fact(struct store_world *w, const struct prs_fact *f) { return world_facts(w, f, 1); }

static inline void world_path(char to[64], const char *name, uint32_t epoch)
{
	snprintf(to, 64, "/run/%s-%u", name, epoch);
}

static inline int world_plan(struct store_world *w, const struct prs_plan_record *r)
{
	PRS_AUTOBUF b;
	char path[64];
	int e = 0;
	prs_buf_init(&b, 1 << 20);
	world_path(path, "plan", w->epoch);
	if (!w->has_plan)
		e = prs_log_create(&w->plan, w->fs, path, PRS_FILE_PLAN, &w->run, 0, &w->err);
	w->has_plan = !e;
	prs_plan_put(&b, r);
	return e ? e : world_frame(&w->plan, b.data, b.len, &w->err);
}

static inline struct prs_fact world_planned(uint32_t plan_epoch, uint64_t plan_bytes, uint64_t next_id, bool complete)
{
	struct prs_fact f = { .type = PRS_FACT_PLANNED, .time_us = W_TIME };
	f.u.planned.plan_epoch = plan_epoch;
	f.u.planned.plan_bytes = plan_bytes;
	f.u.planned.next_id = next_id;
	f.u.planned.items = next_id;
	f.u.planned.complete = complete;
	return f;
}

static inline struct prs_fact world_of_id(enum prs_fact_type type, uint64_t id)
{
	struct prs_fact f = { .type = type, .time_us = W_TIME };
	switch ((int)type) {
	case PRS_FACT_RESET:
		f.u.reset.unit.id = id;
		f.u.reset.count = 1;
		f.u.reset.reason = PRS_RESET_BAD_RANGE;
		break;
	case PRS_FACT_FAILED:
		f.u.failed.unit.id = id;
		f.u.failed.items = 1;
		break;
	case PRS_FACT_TRY:
		f.u.try_.unit.id = id;
		f.u.try_.counted = 1;
		break;
	default: abort();
	}
	return f;
}

/* The rows of a mini-batch, durable in segment 0 of this epoch (raw: in raw file 1); *ret = its DONE. */
static inline int world_unit_bytes(struct store_world *w, struct prs_unit unit, const void *rows, size_t n,
                                   uint32_t head_len, struct prs_fact *ret)
{
	PRS_AUTOBUF b;
	char path[64];
	struct prs_rows r = { .unit = unit,
		              .lease = W_LEASE(w->epoch, ++w->lease),
		              .succeeded = 1,
		              .head_len = head_len,
		              .bytes = rows,
		              .length = n };
	uint64_t at = 0;
	int e = 0;
	prs_buf_init(&b, PRS_FRAME_MAX_BYTES);
	prs_path_segment(path, sizeof path, "/run", w->epoch, 0, 0, false);
	if (!w->has_segment)
		e = prs_log_create(&w->segment, w->fs, path, PRS_FILE_SEGMENT, &w->run, 0, &w->err);
	w->has_segment = !e;
	prs_rows_put(&b, &r, &at);
	*ret = (struct prs_fact){ .type = PRS_FACT_DONE, .time_us = W_TIME };
	ret->u.done = (struct prs_done){ .unit = unit,
		                         .lease = r.lease,
		                         .try_number = 1,
		                         .offset = w->segment.tail + PRS_FRAME_HEADER_BYTES + at,
		                         .length = r.length,
		                         .head_len = head_len,
		                         .checksum = prs_checksum(rows, r.length),
		                         .succeeded = 1,
		                         .rows = 1,
		                         .start_us = W_TIME,
		                         .flags = head_len ? PRS_DONE_HAS_HEADER : 0 };
	return e ? e : world_frame(&w->segment, b.data, b.len, &w->err);
}

static inline int world_unit_rows(struct store_world *w, struct prs_unit unit, const char *rows, uint32_t head_len,
                                  struct prs_fact *ret)
{
	return world_unit_bytes(w, unit, rows, strlen(rows), head_len, ret);
}

static inline int world_rows(struct store_world *w, uint64_t id, const char *rows, uint32_t head_len,
                             struct prs_fact *ret)
{
	return world_unit_rows(w, (struct prs_unit){ .id = id }, rows, head_len, ret);
}

/* The same in a raw file, from a descriptor. */
static inline int world_raw_bytes(struct store_world *w, uint64_t id, const void *rows, size_t n, struct prs_fact *ret)
{
	char path[64];
	struct prs_rows r = { .unit.id = id, .lease = W_LEASE(w->epoch, ++w->lease), .succeeded = 1, .length = n };
	int e = 0;
	*ret = (struct prs_fact){ .type = PRS_FACT_DONE, .time_us = W_TIME };
	prs_path_segment(path, sizeof path, "/run", w->epoch, 0, 1, true);
	if (!w->has_raw)
		e = prs_log_create(&w->raw, w->fs, path, PRS_FILE_RAW, &w->run, 0, &w->err);
	w->has_raw = !e;
	mem_fs_put(w->m, "/passed", rows, r.length);
	int fd = w->fs->open(w->m, "/passed", 0, 0);
	ret->u.done = (struct prs_done){ .unit.id = id,
		                         .lease = r.lease,
		                         .try_number = 1,
		                         .flags = PRS_DONE_RAW,
		                         .segment = 1,
		                         .length = r.length,
		                         .succeeded = 1,
		                         .rows = 1,
		                         .start_us = W_TIME };
	if (!e)
		e = prs_log_raw(&w->raw, &r, fd, &ret->u.done.offset, &ret->u.done.checksum, &w->err);
	w->fs->close(w->m, fd);
	w->fs->unlink(w->m, "/passed");
	return e;
}

static inline int world_raw(struct store_world *w, uint64_t id, const char *rows, struct prs_fact *ret)
{
	return world_raw_bytes(w, id, rows, strlen(rows), ret);
}

/* ---- what recovery says ------------------------------------------------------------------------------------------ */

static inline void world_say(struct store_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline void world_say(struct store_world *w, const char *fmt, ...)
{
	size_t n = strlen(w->seen);
	va_list ap;
	va_start(ap, fmt);
	if (n)
		w->seen[n++] = ' ';
	(void)vsnprintf(w->seen + n, sizeof w->seen - n, fmt, ap);
	va_end(ap);
}

static inline int world_on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)body;
	(void)err;
	world_say(ctx, "plan(%zu)", n);
	return 0;
}

static inline int world_on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	(void)err;
	struct store_world *w = ctx;
	const char *name = prs_fact_name(f->type);
	uint32_t e = w->was.epoch; /* the epoch being folded: set by its HEAD */
	switch ((int)f->type) {
	case PRS_FACT_HEAD:
		w->was.epoch = f->u.head.epoch;
		world_say(w, "%u:HEAD", w->was.epoch);
		break;
	case PRS_FACT_PLANNED:
		world_say(w, "%u:PLANNED%s%llu", e, f->u.planned.complete ? "=" : "+",
		          (unsigned long long)f->u.planned.next_id);
		break;
	case PRS_FACT_DONE: world_say(w, "%u:DONE%llu", e, (unsigned long long)f->u.done.unit.id); break;
	case PRS_FACT_TRY: world_say(w, "%u:TRY%llu", e, (unsigned long long)f->u.try_.unit.id); break;
	case PRS_FACT_FAILED: world_say(w, "%u:FAILED%llu", e, (unsigned long long)f->u.failed.unit.id); break;
	case PRS_FACT_RESET: world_say(w, "%u:RESET%llu", e, (unsigned long long)f->u.reset.unit.id); break;
	default: world_say(w, "%u:%s", e, name);
	}
	return 0;
}

/* Recover into w->seen and w->was; the code. */
static inline int world_recover(struct store_world *w)
{
	struct prs_recover_sink sink = { w, world_on_plan, world_on_fact };
	struct prs_recovered was = { 0 };
	w->seen[0] = 0;
	w->was.epoch = 0;
	w->err = (struct prs_err){ 0 };
	int r = prs_store_recover(w->fs, "/run", &w->run, &sink, &was, &w->err);
	w->was = was;
	return r;
}

/* The next engine: recovers and takes the run over. */
static inline int world_next_epoch(struct store_world *w)
{
	world_close_epoch(w);
	int r = world_recover(w);
	return r ? r : world_epoch_after(w, w->was.next_epoch, w->was.epoch, w->was.journal_bytes, w->was.plan_bytes);
}

#endif
