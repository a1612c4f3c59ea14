/* SPDX-License-Identifier: Apache-2.0
 * test_store_faults: the whole life of a run folder through data/ and store/ (plan, rows, journal, recovery, output),
 * in which every call of a file function and every allocation fails once, or from then on; and in which the power goes
 * at every call.
 *
 * A life is a small engine without processes: it opens the run folder as a new epoch, plans, stores rows, journals,
 * assembles. It ends early on any error, as the engine does. Whatever was injected, later lives without faults must end
 * with the same bytes in the output.
 */
#include "base/mem.h"
#include "data/list.h"
#include "data/plan.h"
#include "fault_fs.h"
#include "io/fs_posix.h"
#include "power_fs.h"
#include "sched/ledger.h"
#include "store/store.h"
#include "wire/seg.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { IDS = 15 /* a link that leads nowhere is an item */, RAW_BYTES = 40000, LIVES_MAX = 4, BATCH = 3, PATH = 512 };
static const struct prs_run_id run_id = { "fault-test-run!" };
static const char header[] = "name value\n";

/* ---- the world --------------------------------------------------------------------------------------------------- */

struct world {
	char base[64], in[96], run[96], out[96], limbo[96];
	uint8_t *want; /* the bytes of the output */
	size_t want_n;
};

static bool is_raw(uint64_t id) { return id == 5 || id == 9; }
static bool is_empty(uint64_t id) { return id == 3; }

/* Rows of a mini-batch, header first. */
static size_t rows_of(uint64_t id, uint8_t *to)
{
	if (is_empty(id))
		return 0;
	size_t n = sizeof header - 1;
	memcpy(to, header, n);
	size_t all = is_raw(id) ? RAW_BYTES + (size_t)id : n + 10 + (size_t)id;
	for (; n < all; n++)
		to[n] = (uint8_t)('a' + (id + n) % 26);
	return n;
}

static void make_want(struct world *w)
{
	w->want = malloc((size_t)IDS * (RAW_BYTES + 64));
	memcpy(w->want, header, sizeof header - 1);
	w->want_n = sizeof header - 1;
	for (uint64_t id = 0; id < IDS; id++) {
		uint8_t rows[RAW_BYTES + 64];
		size_t n = rows_of(id, rows);
		if (!n)
			continue;
		memcpy(w->want + w->want_n, rows + sizeof header - 1, n - (sizeof header - 1));
		w->want_n += n - (sizeof header - 1);
	}
}

static void world_init(struct world *w)
{
	strcpy(w->base, access("/dev/shm", W_OK) == 0 ? "/dev/shm/prs-faults-XXXXXX" : "/tmp/prs-faults-XXXXXX");
	assert_non_null(mkdtemp(w->base));
	snprintf(w->in, sizeof w->in, "%s/in", w->base);
	snprintf(w->run, sizeof w->run, "%s/run", w->base);
	snprintf(w->out, sizeof w->out, "%s/out/out.txt", w->base);
	snprintf(w->limbo, sizeof w->limbo, "%s/limbo", w->base);
	char text[1024];
	snprintf(text, sizeof text,
	         "cd %s && mkdir -p in/sub/deep in/other && cd in && touch 0 1 2 3 4 5 sub/6 sub/7 sub/8 sub/deep/9 "
	         "sub/deep/10 other/11 "
	         "other/13 && ln -s ../0 other/12 && ln -s nowhere other/none && ln -s .. other/loop",
	         w->base);
	assert_int_equal(system(text), 0);
	make_want(w);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void world_again(struct world *w)
{
	static const char *const folders[] = { "run", "out", "limbo", "run/seg" };
	char path[PATH];
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", w->base, folders[i]);
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		assert_int_equal(mkdir(path, 0755), 0);
	}
}

static void world_done(struct world *w)
{
	nftw(w->base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w->want);
}

/* The output is whole, or not there. */
static bool check_output(const struct world *w, const char *when)
{
	FILE *f = fopen(w->out, "rb");
	if (!f)
		return false;
	uint8_t *got = malloc(w->want_n + 1);
	size_t n = fread(got, 1, w->want_n + 1, f);
	fclose(f);
	bool same = n == w->want_n && !memcmp(got, w->want, n);
	free(got);
	if (!same)
		fail_msg("%s: a wrong output (%zu bytes, wanted %zu)", when, n, w->want_n);
	return true;
}

/* ---- a life ------------------------------------------------------------------------------------------------------ */

struct life {
	const struct world *w;
	const struct prs_fs *fs;
	struct prs_log journal, plan_log, segment, raw;
	struct prs_plan *plan;
	struct prs_lister *lister;
	struct prs_ledger ledger;
	struct prs_index *index;
	struct prs_recovered was;
	uint32_t epoch, segments, segment_number, raw_number, leases;
	bool complained; /* a function told of an error, also of one that the life got over */
	struct prs_err err;
};

static int on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct life *l = ctx;
	int r = prs_plan_feed(l->plan, body, n, err);
	return r < 0 ? r : prs_list_feed(l->lister, body, n, err);
}

static int fold(struct life *l, const struct prs_fact *f, struct prs_err *err)
{
	bool first = f->type == PRS_FACT_DONE && f->u.done.unit.id < l->ledger.next_id &&
	             prs_ledger_state(&l->ledger, f->u.done.unit.id) != PRS_UNIT_DONE;
	int r = prs_ledger_fold(&l->ledger, f, err);
	if (!r && f->type == PRS_FACT_PLANNED)
		r = prs_index_grow(l->index, f->u.planned.next_id, err);
	if (!r && first)
		r = prs_index_done(l->index, &f->u.done, err);
	if (!r && f->type == PRS_FACT_RESET)
		prs_index_reset(l->index, f->u.reset.unit.id, f->u.reset.count);
	return r;
}

static int on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err) { return fold(ctx, f, err); }

/* Write, sync, then count: as the engine does it. A journal that failed once takes nothing more. */
static int journal(struct life *l, const struct prs_fact *facts, unsigned n)
{
	PRS_AUTOBUF frame;
	prs_buf_init(&frame, PRS_FRAME_MAX_BYTES);
	prs_log_begin(&frame);
	for (unsigned i = 0; i < n; i++)
		prs_fact_put(&frame, &facts[i]);
	uint64_t at = prs_log_place(&l->journal, &frame);
	int r = prs_log_commit(&l->journal, &frame, at, &l->err);
	if (r < 0 && l->journal.failed) {
		struct prs_err again = { 0 };
		assert_true(prs_log_commit(&l->journal, &frame, at, &again) < 0);
	}
	for (unsigned i = 0; i < n && !r; i++)
		r = fold(l, &facts[i], &l->err);
	return r;
}

static void bad_range(void *ctx, uint64_t id, const char *why)
{
	(void)ctx;
	fail_msg("mini-batch %d: %s", (int)id, why);
}

static int open_run_file(struct life *l)
{
	struct prs_run_id id;
	char name[64], path[PATH];
	snprintf(path, sizeof path, "%s/RUN", l->w->run);
	if (access(path, F_OK) != 0)
		return prs_run_file_write(l->fs, l->w->run, &run_id, "faults", "0", &l->err);
	int r = prs_run_file_read(l->fs, l->w->run, &id, name, sizeof name, &l->err);
	if (!r) {
		assert_memory_equal(&id, &run_id, sizeof id);
		assert_string_equal(name, "faults");
	}
	return r;
}

static int open_life(struct life *l)
{
	struct prs_list_input in = { .name = "in", .path = l->w->in, .size = { PRS_SIZE_ITEMS, 1 } };
	uint32_t newest;
	int r = open_run_file(l);
	if (r)
		return r;
	l->plan = prs_plan_new();
	l->lister = prs_lister_new(l->fs, &in, 1);
	if (!l->plan || !l->lister || prs_ledger_init(&l->ledger, prs_plan_items_of, l->plan) < 0)
		return prs_fail(&l->err, PRS_ENOMEM, "life");
	r = prs_store_newest_epoch(l->fs, l->w->run, &newest, &l->err);
	if (r)
		return r;
	l->epoch = newest + 1;
	r = prs_index_new(&l->index, l->fs, l->w->run, l->epoch, &l->err);
	struct prs_recover_sink sink = { l, on_plan, on_fact };
	if (!r)
		r = prs_store_recover(l->fs, l->w->run, &run_id, &sink, &l->was, &l->err);
	if (!r)
		r = prs_index_grow(l->index, prs_plan_next_id(l->plan), &l->err);
	if (!r)
		r = prs_store_settle(l->fs, l->w->run, &l->was, &l->err);
	if (r)
		return r;
	struct prs_fact head = { .type = PRS_FACT_HEAD, .time_us = 1 };
	head.u.head.epoch = l->epoch;
	head.u.head.previous = l->was.epoch;
	head.u.head.sealed_journal = l->was.journal_bytes;
	head.u.head.sealed_plan = l->was.plan_bytes;
	r = prs_journal_create(&l->journal, l->fs, l->w->run, &run_id, PRS_FORMAT_MINOR, &head, &l->err);
	return r ? r : fold(l, &head, &l->err);
}

static int put_planned(struct life *l, uint32_t epoch, uint64_t bytes)
{
	struct prs_fact f = { .type = PRS_FACT_PLANNED, .time_us = 2 };
	f.u.planned.plan_epoch = epoch;
	f.u.planned.plan_bytes = bytes;
	f.u.planned.next_id = prs_plan_next_id(l->plan);
	f.u.planned.items = prs_plan_items(l->plan);
	f.u.planned.complete = prs_plan_complete(l->plan);
	return journal(l, &f, 1);
}

static int plan_block(struct life *l, int *ret_more)
{
	PRS_AUTOBUF frame;
	prs_buf_init(&frame, PRS_FRAME_MAX_BYTES);
	prs_log_begin(&frame);
	int more = prs_list_next(l->lister, &frame, &l->err);
	if (more < 0)
		return more;
	uint64_t at = prs_log_place(&l->plan_log, &frame);
	int r = prs_log_commit(&l->plan_log, &frame, at, &l->err);
	if (!r)
		r = prs_plan_feed(l->plan, frame.data + PRS_FRAME_HEADER_BYTES, frame.len - PRS_FRAME_HEADER_BYTES,
		                  &l->err);
	*ret_more = more;
	return r ? r : put_planned(l, l->epoch, l->plan_log.durable);
}

static int plan(struct life *l)
{
	char path[PATH];
	int r = 0, more = 1;
	if (prs_plan_next_id(l->plan) != l->ledger.next_id || prs_plan_complete(l->plan) != l->ledger.planned_all)
		r = put_planned(l, l->was.epoch, l->was.plan_bytes);
	if (r || l->ledger.planned_all)
		return r;
	prs_path_plan(path, sizeof path, l->w->run, l->epoch);
	r = prs_log_create(&l->plan_log, l->fs, path, PRS_FILE_PLAN, &run_id, 0, &l->err);
	while (!r && more)
		r = plan_block(l, &more);
	return r;
}

static int new_file(struct life *l, bool raw)
{
	char path[PATH];
	struct prs_log *log = raw ? &l->raw : &l->segment;
	prs_log_close(log);
	prs_path_segment(path, sizeof path, l->w->run, l->epoch, 0, l->segments, raw);
	int r = prs_log_create(log, l->fs, path, raw ? PRS_FILE_RAW : PRS_FILE_SEGMENT, &run_id, raw ? 0 : 8192,
	                       &l->err);
	*(raw ? &l->raw_number : &l->segment_number) = l->segments++;
	return r;
}

static struct prs_done done_of(struct life *l, uint64_t id, uint32_t segment)
{
	return (struct prs_done){ .unit = { .id = id },
		                  .lease = (uint64_t)l->epoch << 40 | l->leases++,
		                  .try_number = 1,
		                  .segment = segment,
		                  .succeeded = 1,
		                  .rows = 1 };
}

static int store_raw(struct life *l, uint64_t id, struct prs_done *d)
{
	uint8_t rows[RAW_BYTES + 64];
	*d = done_of(l, id, l->raw_number);
	d->length = rows_of(id, rows);
	d->head_len = sizeof header - 1;
	d->flags = PRS_DONE_RAW | PRS_DONE_HAS_HEADER;
	int fd = memfd_create("rows", MFD_CLOEXEC);
	assert_int_equal(write(fd, rows, d->length), d->length);
	struct prs_rows head = { .unit = d->unit,
		                 .lease = d->lease,
		                 .succeeded = 1,
		                 .head_len = d->head_len,
		                 .length = d->length };
	int r = prs_log_raw(&l->raw, &head, fd, &d->offset, &d->checksum, &l->err);
	close(fd);
	return r;
}

static int store_small(struct life *l, const uint64_t *ids, unsigned n, struct prs_fact *facts)
{
	PRS_AUTOBUF frame;
	prs_buf_init(&frame, PRS_FRAME_MAX_BYTES);
	prs_log_begin(&frame);
	for (unsigned i = 0; i < n; i++) {
		uint8_t bytes[RAW_BYTES + 64];
		struct prs_done *d = &facts[i].u.done;
		facts[i].type = PRS_FACT_DONE;
		*d = done_of(l, ids[i], l->segment_number);
		d->length = rows_of(ids[i], bytes);
		d->checksum = prs_checksum(bytes, (size_t)d->length);
		d->head_len = d->length ? sizeof header - 1 : 0;
		d->flags = d->length ? PRS_DONE_HAS_HEADER : 0;
		struct prs_rows rows = { .unit = d->unit,
			                 .lease = d->lease,
			                 .succeeded = 1,
			                 .head_len = d->head_len,
			                 .bytes = bytes,
			                 .length = d->length };
		if (d->length)
			prs_rows_put(&frame, &rows, &d->offset);
	}
	uint64_t at = prs_log_place(&l->segment, &frame);
	for (unsigned i = 0; i < n; i++)
		facts[i].u.done.offset += at;
	return prs_log_commit(&l->segment, &frame, at, &l->err);
}

/* Rows of some mini-batches; after a failed write or sync once more into a new file, unless the disk is full. */
static int store_rows(struct life *l, const uint64_t *ids, unsigned n)
{
	struct prs_fact facts[BATCH] = { { .type = PRS_FACT_DONE } };
	bool raw = is_raw(ids[0]);
	struct prs_log *log = raw ? &l->raw : &l->segment;
	int r = log->path ? 0 : new_file(l, raw);
	for (int attempt = 0; attempt < 2 && !r; attempt++) {
		r = raw ? store_raw(l, ids[0], &facts[0].u.done) : store_small(l, ids, n, facts);
		if (!r)
			return journal(l, facts, n);
		l->complained = true;
		if (r != -PRS_ENOSPACE && attempt == 0)
			r = new_file(l, raw);
	}
	return r;
}

static int work(struct life *l, unsigned quota)
{
	uint64_t ids[BATCH];
	unsigned n = 0;
	int r = 0;
	for (uint64_t id = 0; id < l->ledger.next_id && quota && !r; id++) {
		if (prs_ledger_state(&l->ledger, id) == PRS_UNIT_DONE)
			continue;
		quota--;
		if (is_raw(id)) {
			r = store_rows(l, &id, 1);
			continue;
		}
		ids[n++] = id;
		if (n == BATCH)
			r = store_rows(l, ids, n), n = 0;
	}
	return n && !r ? store_rows(l, ids, n) : r;
}

static int assemble(struct life *l)
{
	struct prs_assemble_options o = { .path = l->w->out,
		                          .run = &run_id,
		                          .epoch = l->epoch,
		                          .next_id = l->ledger.next_id };
	struct prs_assembled a;
	int r = prs_assemble(l->fs, l->w->run, l->index, &o, bad_range, l, &a, &l->err);
	if (r)
		return r;
	assert_int_equal(a.bytes, l->w->want_n);
	struct prs_fact f = { .type = PRS_FACT_PUBLISHED, .time_us = 3 };
	f.u.published.bytes = a.bytes;
	return journal(l, &f, 1);
}

static void close_life(struct life *l)
{
	struct prs_log *const logs[] = { &l->journal, &l->plan_log, &l->segment, &l->raw };
	for (unsigned i = 0; i < 4; i++)
		prs_log_close(logs[i]);
	prs_index_free(l->index);
	prs_lister_free(l->lister);
	prs_ledger_done(&l->ledger);
	prs_plan_free(l->plan);
}

/* 1: the output is published; 0: the quota is used up; < 0: an error. *ret_complained: some function told of one. */
static int live(const struct world *w, const struct prs_fs *fs, unsigned quota, bool *ret_complained,
                struct prs_err *ret_err)
{
	struct life l = { .w = w, .fs = fs, .journal.fd = -1, .plan_log.fd = -1, .segment.fd = -1, .raw.fd = -1 };
	int r = open_life(&l);
	bool over = !r && l.ledger.published;
	if (!r && !over)
		r = plan(&l);
	if (!r && !over && prs_index_verify_ranges(l.index, bad_range, &l, &l.err) < 0)
		r = l.err.code;
	if (!r && !over)
		r = work(&l, quota);
	bool all = !r && l.ledger.planned_all && l.ledger.counts.units[PRS_UNIT_DONE] == l.ledger.next_id;
	if (!r && !over && all) {
		assert_int_equal(l.ledger.next_id, IDS);
		r = assemble(&l);
	}
	if (r < 0)
		assert_true(l.err.code < 0 && l.err.msg[0]);
	close_life(&l);
	if (ret_complained)
		*ret_complained = *ret_complained || r < 0 || l.complained;
	if (ret_err)
		*ret_err = l.err;
	return r < 0 ? r : all || over;
}

static int live_on(const struct world *w, struct fault_fs *f, bool *complained)
{
	int r = 0;
	for (int i = 0; i < LIVES_MAX && r != 1; i++) {
		r = live(w, &f->fs, i == 0 ? 7 : IDS, complained, NULL);
		assert_int_equal(f->open_files, 0);
		assert_int_equal(f->mapped, 0);
	}
	return r;
}

static void finish(const struct world *w, struct fault_fs *f, const char *when)
{
	struct prs_err err = { 0 };
	fault_fs_arm(f, FAULT_ANY, 0, 0, false);
	int r = 0;
	for (int i = 0; i < 2 && r == 0; i++)
		r = live(w, &f->fs, IDS, NULL, &err);
	if (r != 1)
		fail_msg("%s: then, without faults: %d %s", when, r, err.msg);
	if (!check_output(w, when))
		fail_msg("%s: no output", when);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	world_init(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_done(*state);
	free(*state);
	return 0;
}

/* What may fail without a word: a hint to the file system, a question that has a safe answer, tidying up, an end that
 * has been synced before. */
static bool may_be_silent(enum fault_call call, int errnum)
{
	return call == FAULT_CLOSE || call == FAULT_UNLINK || call == FAULT_FREE_BYTES ||
	       (call == FAULT_FALLOCATE && errnum == ENOSPC) || call == FAULT_FTRUNCATE;
}

struct variant {
	int errnum;
	bool repeat, partial, unknown_types;
	long max_bytes;
};

/* One fault; false when the lives made fewer calls than n. */
static bool one_fault(const struct world *w, enum fault_call call, long n, const struct variant *v)
{
	struct power_fs p;
	struct fault_fs f;
	char when[96];
	bool complained = false;
	snprintf(when, sizeof when, "%s %ld: errno %d%s%s", fault_call_name(call), n, v->errnum,
	         v->repeat ? " and on" : "", v->partial ? ", partial" : "");
	power_fs_init(&p, &prs_fs_posix, w->limbo);
	fault_fs_init(&f, &p.fs);
	f.sync_failed = power_fs_sync_failed;
	f.sync_ctx = &p;
	f.partial = v->partial;
	f.max_bytes = v->max_bytes;
	f.unknown_types = v->unknown_types;
	fault_fs_arm(&f, call, n, v->errnum, v->repeat);
	live_on(w, &f, &complained);
	bool fired = f.fired > 0;
	if (fired && !complained && !may_be_silent(call, v->errnum))
		fail_msg("%s: nobody told of it", when);
	check_output(w, when);
	power_fs_lose(&p, v->partial ? (uint64_t)n : 0);
	check_output(w, when);
	finish(w, &f, when);
	power_fs_done(&p);
	return fired;
}

static void every_fault(struct world *w, const struct variant *v)
{
	for (enum fault_call call = 0; call < FAULT_ANY; call++)
		for (long n = 1;; n++) {
			world_again(w);
			if (!one_fault(w, call, n, v))
				break;
		}
}

static void test_no_space(void **state) { every_fault(*state, &(struct variant){ .errnum = ENOSPC }); }
static void test_no_space_from_then_on(void **state)
{
	every_fault(*state, &(struct variant){ .errnum = ENOSPC, .repeat = true, .partial = true });
}
static void test_io_error(void **state)
{
	every_fault(*state, &(struct variant){ .errnum = EIO, .max_bytes = 5000, .unknown_types = true });
}
static void test_io_error_from_then_on(void **state)
{
	every_fault(*state, &(struct variant){ .errnum = EIO, .repeat = true, .partial = true });
}

/* Every allocation fails, once or from then on. */
static void every_allocation(struct world *w, bool from_then_on)
{
	for (long n = 1;; n++) {
		struct power_fs p;
		struct fault_fs f;
		char when[64];
		bool complained = false;
		snprintf(when, sizeof when, "allocation %ld%s", n, from_then_on ? " and on" : "");
		world_again(w);
		power_fs_init(&p, &prs_fs_posix, w->limbo);
		fault_fs_init(&f, &p.fs);
		long before = prs_mem_count();
		(from_then_on ? prs_mem_fault_from : prs_mem_fault)(n);
		live_on(w, &f, &complained);
		bool fired = prs_mem_count() - before >= n;
		prs_mem_fault(0);
		if (fired && !complained)
			fail_msg("%s: nobody told of it", when);
		check_output(w, when);
		finish(w, &f, when);
		power_fs_done(&p);
		if (!fired)
			return;
	}
}

static void test_no_memory(void **state) { every_allocation(*state, false); }
static void test_no_memory_from_then_on(void **state) { every_allocation(*state, true); }

/* The power goes at a call. What was not synced is lost: all of it (seed 0), or by chance. */
static bool power_off(const struct world *w, long n, uint64_t seed)
{
	struct power_fs p;
	struct fault_fs f;
	char when[64];
	snprintf(when, sizeof when, "power off at call %ld, seed %d", n, (int)seed);
	power_fs_init(&p, &prs_fs_posix, w->limbo);
	fault_fs_init(&f, &p.fs);
	fault_fs_arm(&f, FAULT_ANY, n, EIO, true);
	live_on(w, &f, NULL);
	bool fired = f.fired > 0;
	power_fs_lose(&p, seed);
	check_output(w, when);
	finish(w, &f, when);
	power_fs_done(&p);
	return fired;
}

static void test_power_off_everywhere(void **state)
{
	struct world *w = *state;
	bool more = true;
	for (long n = 1; more; n++)
		for (uint64_t seed = 0; seed < 3; seed++) {
			world_again(w);
			more = power_off(w, n, seed ? seed + (uint64_t)n * 3 : 0);
		}
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 16;
}

/* Life after life, each with a fault of its own; now and then the power goes between two of them. */
static void test_many_faults(void **state)
{
	struct world *w = *state;
	for (uint64_t number = 1; number <= 300; number++) {
		struct power_fs p;
		struct fault_fs f;
		char when[64];
		uint64_t seed = number * UINT64_C(0x9e3779b97f4a7c15);
		snprintf(when, sizeof when, "seed %d", (int)number);
		world_again(w);
		power_fs_init(&p, &prs_fs_posix, w->limbo);
		fault_fs_init(&f, &p.fs);
		f.sync_failed = power_fs_sync_failed;
		f.sync_ctx = &p;
		for (uint64_t lives = next_random(&seed) % 6; lives; lives--) {
			bool memory = next_random(&seed) % 8 == 0;
			f.partial = next_random(&seed) % 2;
			fault_fs_arm(&f, (enum fault_call)(next_random(&seed) % FAULT_KINDS),
			             1 + (long)(next_random(&seed) % 60), next_random(&seed) % 2 ? ENOSPC : EIO,
			             next_random(&seed) % 2);
			if (memory)
				prs_mem_fault(1 + (long)(next_random(&seed) % 100));
			live(w, &f.fs, (unsigned)(next_random(&seed) % (IDS + 2)), NULL, NULL);
			prs_mem_fault(0);
			if (next_random(&seed) % 3 == 0)
				power_fs_lose(&p, next_random(&seed) % 2 ? next_random(&seed) : 0);
			check_output(w, when);
		}
		finish(w, &f, when);
		power_fs_done(&p);
	}
}

static int put_facts(struct prs_log *l, size_t bytes)
{
	PRS_AUTOBUF frame;
	prs_buf_init(&frame, PRS_FRAME_MAX_BYTES);
	prs_log_begin(&frame);
	prs_buf_zero(&frame, bytes);
	uint64_t at = prs_log_place(l, &frame);
	return prs_log_commit(l, &frame, at, NULL);
}

/* A disk that is full is told of while half of what was allocated ahead is left: the last words always fit. */
static void test_journal_keeps_room_for_last_words(void **state)
{
	struct world *w = *state;
	enum { AHEAD = 1 << 20, FRAME = 60 << 10 };
	struct fault_fs f;
	struct prs_log l;
	struct stat st;
	char path[PATH];
	world_again(w);
	snprintf(path, sizeof path, "%s/journal-1", w->run);
	fault_fs_init(&f, &prs_fs_posix);
	assert_int_equal(prs_log_create(&l, &f.fs, path, PRS_FILE_JOURNAL, &run_id, AHEAD, NULL), 0);
	while (l.tail < AHEAD) { /* as long as there is space, more is allocated in time */
		assert_int_equal(put_facts(&l, FRAME), 0);
		assert_false(l.full);
		assert_true(l.allocated >= l.tail + AHEAD / 2);
	}
	fault_fs_arm(&f, FAULT_FALLOCATE, 1, ENOSPC, true);
	while (!l.full)
		assert_int_equal(put_facts(&l, FRAME), 0);
	uint64_t left = l.allocated - l.tail;
	assert_in_range(left, AHEAD / 2 - FRAME - 64, AHEAD / 2);
	while (l.tail + FRAME + PRS_FRAME_HEADER_BYTES < l.allocated)
		assert_int_equal(put_facts(&l, FRAME), 0);
	fault_fs_arm(&f, FAULT_FALLOCATE, 0, 0, false);
	assert_int_equal(put_facts(&l, FRAME), 0); /* space was made */
	assert_false(l.full);
	uint64_t size = l.tail;
	prs_log_close(&l);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, size);
	assert_true((uint64_t)st.st_blocks * 512 < size + AHEAD / 4); /* the rest went back */
}

/* An output that is there already is accepted when it is the same, byte for byte, and never replaced otherwise. */
static void test_output_that_is_there(void **state)
{
	struct world *w = *state;
	struct fault_fs f;
	struct prs_err err = { 0 };
	world_again(w);
	fault_fs_init(&f, &prs_fs_posix);
	FILE *o = fopen(w->out, "wb");
	fwrite(w->want, 1, w->want_n - 1, o);
	fputc('#', o);
	fclose(o);
	assert_int_equal(live(w, &f.fs, IDS, NULL, &err), -PRS_EOUTPUT_EXISTS);
	o = fopen(w->out, "rb+");
	fseek(o, -1, SEEK_END);
	assert_int_equal(fgetc(o), '#');
	fseek(o, -1, SEEK_END);
	fputc(w->want[w->want_n - 1], o);
	fclose(o);
	assert_int_equal(live(w, &f.fs, IDS, NULL, &err), 1);
	assert_true(check_output(w, "the same output"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_space, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_space_from_then_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_io_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_io_error_from_then_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory_from_then_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_power_off_everywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_journal_keeps_room_for_last_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_output_that_is_there, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
