/* SPDX-License-Identifier: Apache-2.0
 * recover: reads the chain of journals and plans of a run folder; the fence.
 *
 * Each journal's HEAD names its predecessor and seals it: the chain is walked from the newest journal that has a HEAD back to the first,
 * then folded forwards. Journals without a HEAD (killed between create and sync) are passed over.
 */
#include "store/store.h"

#include "base/killpoint.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096, SETTLE_CHUNK = 1 << 20 };
#define JOURNAL_PREALLOC (UINT64_C(1) << 20)

struct link {
	uint32_t epoch;
	uint64_t journal, plan; /* sealed lengths, UINT64_MAX = the newest */
};

/* ---- epochs ----------------------------------------------------------------------------------------------------------- */

static int each_name(void *ctx, const char *name, char type)
{
	(void)type;
	uint32_t *newest = ctx;
	char *end;
	if (strncmp(name, "journal-", 8) != 0)
		return 0;
	unsigned long n = strtoul(name + 8, &end, 10);
	if (!*end && end != name + 8 && n < UINT32_MAX && n > *newest)
		*newest = (uint32_t)n;
	return 0;
}

int prs_store_newest_epoch(const struct prs_fs *fs, const char *dir, uint32_t *ret, struct prs_err *err)
{
	uint32_t newest = 0;
	int r = fs->list(fs->ctx, dir, each_name, &newest);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading the run folder %s", dir);
	*ret = newest;
	return 0;
}

int prs_store_check_fence(const struct prs_fs *fs, const char *dir, uint32_t epoch, struct prs_err *err)
{
	uint32_t newest;
	int r = prs_store_newest_epoch(fs, dir, &newest, err);
	if (r < 0)
		return r;
	if (newest > epoch)
		return prs_fail(err, PRS_EFENCED, "another engine took this run over (journal-%u; this engine writes journal-%u)", newest, epoch);
	return 0;
}

int prs_journal_create(struct prs_log *l, const struct prs_fs *fs, const char *dir, const struct prs_run_id *run,
                       const struct prs_fact *head, struct prs_err *err)
{
	char path[PATH_BYTES];
	prs_path_journal(path, sizeof path, dir, head->u.head.epoch);
	int r = prs_log_create(l, fs, path, PRS_FILE_JOURNAL, run, JOURNAL_PREALLOC, err);
	if (r < 0)
		return r;
	PRS_KILL_POINT("store.journal.created");
	PRS_AUTOBUF frame;
	prs_buf_init(&frame, PRS_FRAME_MAX_BYTES);
	prs_log_begin(&frame);
	prs_fact_put(&frame, head);
	uint64_t at = prs_log_place(l, &frame);
	r = prs_log_commit(l, &frame, at, err);
	if (r < 0)
		prs_log_close(l);
	return r;
}

/* ---- the chain -------------------------------------------------------------------------------------------------------- */

struct head_of {
	bool found;
	uint32_t previous;
	uint64_t sealed_journal, sealed_plan;
};

/* The first fact of the first frame; 1 stops the scan. */
static int take_head(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)offset;
	struct head_of *h = ctx;
	struct prs_fact f;
	size_t at = 0;
	int r = prs_fact_next(body, n, &at, &f, err);
	if (r < 0)
		return r;
	if (r == 1 && f.type == PRS_FACT_HEAD)
		*h = (struct head_of){ true, f.u.head.previous, f.u.head.sealed_journal, f.u.head.sealed_plan };
	return 1;
}

static int read_head(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run, uint32_t epoch, struct head_of *ret,
                     struct prs_err *err)
{
	char path[PATH_BYTES];
	struct prs_err local = { 0 };
	uint64_t length;
	*ret = (struct head_of){ 0 };
	prs_path_journal(path, sizeof path, dir, epoch);
	int r = prs_log_scan(fs, path, PRS_FILE_JOURNAL, run, UINT64_MAX, take_head, ret, &length, &local);
	if (r >= 0 || local.code == -PRS_ENOTFOUND)
		return 0;
	if (err)
		*err = local;
	return r;
}

/* links[0] is the oldest. */
static int find_chain(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run, uint32_t newest, struct link **ret, size_t *ret_n,
                      struct prs_err *err)
{
	struct link *links = prs_calloc((size_t)newest + 1, sizeof *links);
	if (!links)
		return prs_fail(err, PRS_ENOMEM, "reading the journals");
	size_t n = 0;
	uint64_t journal = UINT64_MAX, plan = UINT64_MAX;
	uint32_t epoch = newest;
	while (epoch > 0) {
		struct head_of h;
		int r = read_head(fs, dir, run, epoch, &h, err);
		if (r < 0) {
			free(links);
			return r;
		}
		if (!h.found) {
			if (n > 0) { /* a later HEAD named it */
				free(links);
				return prs_fail(err, PRS_ECORRUPT, "%s/journal-%u is damaged at offset %d: it has no HEAD, but a later engine went on from it",
				                dir, epoch, PRS_FILE_HEADER_BYTES);
			}
			epoch--;
			continue;
		}
		links[n++] = (struct link){ epoch, journal, plan };
		journal = h.sealed_journal;
		plan = h.sealed_plan;
		if (h.previous >= epoch) {
			free(links);
			return prs_fail(err, PRS_ECORRUPT, "%s/journal-%u names journal-%u as the one before it", dir, epoch, h.previous);
		}
		epoch = h.previous;
	}
	for (size_t i = 0; i < n / 2; i++) {
		struct link t = links[i];
		links[i] = links[n - 1 - i];
		links[n - 1 - i] = t;
	}
	*ret = links;
	*ret_n = n;
	return 0;
}

/* ---- folding ---------------------------------------------------------------------------------------------------------- */

struct fold {
	const struct prs_recover_sink *sink;
	uint64_t plan_bytes; /* of the epoch that is being folded */
	uint64_t journal_last, plan_last;
	uint32_t epoch;
};

static int fold_plan(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct fold *f = ctx;
	f->plan_last = offset;
	return f->sink->plan(f->sink->ctx, body, n, err);
}

static int fold_journal(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct fold *f = ctx;
	f->journal_last = offset;
	struct prs_fact fact;
	size_t at = 0;
	int r;
	while ((r = prs_fact_next(body, n, &at, &fact, err)) == 1) {
		if (fact.type == PRS_FACT_PLANNED && fact.u.planned.plan_epoch == f->epoch && fact.u.planned.plan_bytes > f->plan_bytes)
			return prs_fail(err, PRS_ECORRUPT, "plan-%u has %llu whole bytes, but the journal counts on %llu", f->epoch,
			                (unsigned long long)f->plan_bytes, (unsigned long long)fact.u.planned.plan_bytes);
		r = f->sink->fact(f->sink->ctx, &fact, err);
		if (r < 0)
			return r;
	}
	return r;
}

static int plan_of(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run, const struct link *l, struct fold *f,
                   struct prs_err *err)
{
	char path[PATH_BYTES];
	struct prs_fs_stat st;
	prs_path_plan(path, sizeof path, dir, l->epoch);
	f->plan_bytes = 0;
	bool sealed = l->plan != UINT64_MAX;
	if (l->plan == 0)
		return 0;
	int r = fs->stat(fs->ctx, path, &st);
	if (r == -ENOENT)
		return sealed ? prs_fail(err, PRS_ECORRUPT, "%s is missing", path) : 0;
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", path);
	return prs_log_scan(fs, path, PRS_FILE_PLAN, run, l->plan, fold_plan, f, &f->plan_bytes, err);
}

static int fold_link(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run, const struct link *l,
                     const struct prs_recover_sink *sink, struct prs_recovered *ret, struct prs_err *err)
{
	struct fold f = { .sink = sink, .epoch = l->epoch };
	int r = plan_of(fs, dir, run, l, &f, err);
	if (r < 0)
		return r;
	char path[PATH_BYTES];
	prs_path_journal(path, sizeof path, dir, l->epoch);
	uint64_t length = 0;
	r = prs_log_scan(fs, path, PRS_FILE_JOURNAL, run, l->journal, fold_journal, &f, &length, err);
	if (r < 0)
		return r;
	ret->epoch = l->epoch;
	ret->journal_bytes = length;
	ret->plan_bytes = f.plan_bytes;
	ret->journal_last = f.journal_last;
	ret->plan_last = f.plan_last;
	return 0;
}

int prs_store_recover(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run, const struct prs_recover_sink *sink,
                      struct prs_recovered *ret, struct prs_err *err)
{
	uint32_t newest;
	int r = prs_store_newest_epoch(fs, dir, &newest, err);
	if (r < 0)
		return r;
	*ret = (struct prs_recovered){ .next_epoch = newest + 1 };
	PRS_AUTOFREE struct link *links = NULL;
	size_t n = 0;
	r = find_chain(fs, dir, run, newest, &links, &n, err);
	for (size_t i = 0; i < n && r >= 0; i++)
		r = fold_link(fs, dir, run, &links[i], sink, ret, err);
	return r < 0 ? r : 0;
}

/* ---- settling --------------------------------------------------------------------------------------------------------- */

static int rewrite(const struct prs_fs *fs, int fd, uint8_t *space, uint64_t from, uint64_t to)
{
	while (from < to) {
		size_t want = to - from < SETTLE_CHUNK ? (size_t)(to - from) : SETTLE_CHUNK;
		ssize_t n = fs->pread(fs->ctx, fd, space, want, from);
		for (ssize_t done = 0; n > 0 && done < n;) {
			ssize_t w = fs->pwrite(fs->ctx, fd, space + done, (size_t)(n - done), from + (uint64_t)done);
			if (w <= 0)
				return w < 0 ? (int)w : -EIO;
			done += w;
		}
		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		from += (uint64_t)n;
	}
	return fs->fdatasync(fs->ctx, fd);
}

static int settle_file(const struct prs_fs *fs, const char *path, uint64_t from, uint64_t to, struct prs_err *err)
{
	PRS_AUTOFREE uint8_t *space = prs_malloc(SETTLE_CHUNK);
	if (!space)
		return prs_fail(err, PRS_ENOMEM, "writing %s", path);
	int fd = fs->open(fs->ctx, path, O_RDWR, 0);
	int r = fd < 0 ? fd : rewrite(fs, fd, space, from, to);
	if (fd >= 0)
		fs->close(fs->ctx, fd);
	return r < 0 ? prs_fail_errno(err, -r, "writing %s", path) : 0;
}

int prs_store_settle(const struct prs_fs *fs, const char *dir, const struct prs_recovered *was, struct prs_err *err)
{
	char path[PATH_BYTES];
	int r = 0;
	if (was->epoch) {
		prs_path_journal(path, sizeof path, dir, was->epoch);
		r = settle_file(fs, path, was->journal_last, was->journal_bytes, err);
	}
	if (!r && was->plan_bytes) {
		prs_path_plan(path, sizeof path, dir, was->epoch);
		r = settle_file(fs, path, was->plan_last, was->plan_bytes, err);
	}
	return r;
}
