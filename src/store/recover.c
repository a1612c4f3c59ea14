/* SPDX-License-Identifier: Apache-2.0
 * recover: reads the chain of journals and plans of a run folder; the fence; the next journal.
 *
 * Each journal's HEAD names its predecessor and seals it: the chain is walked from the newest journal that has a HEAD
 * back to the first, then folded forwards. Journals newer than that one have no HEAD (killed between create and sync)
 * and are passed over.
 */
#include "store/store.h"

#include "base/killpoint.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEEK_BYTES = 4096, ENGINE_BYTES = 64, SETTLE_CHUNK = 1 << 20 };
#define JOURNAL_PREALLOC (UINT64_C(1) << 20)

/* ---- epochs ------------------------------------------------------------------------------------------------------ */

struct epochs {
	uint32_t *v, n, cap;
};

/* The number of "journal-<epoch>", 0 = another name. */
static uint32_t epoch_of(const char *name)
{
	uint64_t n = 0;
	if (strncmp(name, "journal-", 8) != 0 || name[8] == '0' || !name[8])
		return 0;
	for (const char *p = name + 8; *p; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > PRS_EPOCH_MAX)
			return 0;
	}
	return (uint32_t)n;
}

static int recover_name(void *ctx, const char *name, char type)
{
	(void)type;
	struct epochs *e = ctx;
	uint32_t epoch = epoch_of(name);
	if (!epoch)
		return 0;
	if (e->n == e->cap) {
		uint32_t cap = e->cap ? e->cap * 2 : 16;
		uint32_t *v = prs_realloc(e->v, cap * sizeof *v);
		if (!v)
			return -ENOMEM;
		e->v = v;
		e->cap = cap;
	}
	e->v[e->n++] = epoch;
	return 0;
}

static int recover_newest_first(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x < y) - (x > y);
}

static int list_epochs(const struct prs_fs *fs, const char *dir, struct epochs *ret, struct prs_err *err)
{
	int r = fs->list(fs->ctx, dir, recover_name, ret);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading the run folder %s", dir);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof *ret->v, recover_newest_first);
	return 0;
}

int prs_store_newest_epoch(const struct prs_fs *fs, const char *dir, uint32_t *ret, struct prs_err *err)
{
	struct epochs e = { 0 };
	int r = list_epochs(fs, dir, &e, err);
	if (!r)
		*ret = e.n ? e.v[0] : 0;
	free(e.v);
	return r;
}

int prs_store_check_fence(const struct prs_fs *fs, const char *dir, uint32_t epoch, struct prs_err *err)
{
	uint32_t newest;
	int r = prs_store_newest_epoch(fs, dir, &newest, err);
	if (r < 0)
		return r;
	if (newest > epoch)
		return prs_fail(err, PRS_EFENCED,
		                "another engine took this run over (journal-%u; this engine writes journal-%u)", newest,
		                epoch);
	return 0;
}

/* ---- a new journal ----------------------------------------------------------------------------------------------- */

int prs_journal_create(struct prs_log *l, const struct prs_fs *fs, const char *dir, const struct prs_run_id *run,
                       uint16_t minor, const struct prs_fact *head, struct prs_err *err)
{
	char path[PATH_MAX];
	prs_path_journal(path, sizeof path, dir, head->u.head.epoch);
	PRS_KILL_POINT("store.journal.creating");
	int r = prs_log_create_as(l, fs, path, PRS_FILE_JOURNAL, minor, run, JOURNAL_PREALLOC, err);
	if (r == -PRS_EEXISTS) /* of engines that start at the same moment one makes it */
		return prs_fail(err, PRS_EFENCED,
		                "another engine took this run over while this one started (journal-%u)",
		                head->u.head.epoch);
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

/* ---- newer engines ----------------------------------------------------------------------------------------------- */

/* The engine that wrote a journal, as its HEAD says, whatever its header and other records are; "" = not to be found
 * out. */
static void peek_engine(const struct prs_fs *fs, const char *dir, uint32_t epoch, char to[ENGINE_BYTES])
{
	char path[PATH_MAX];
	uint8_t bytes[PEEK_BYTES];
	struct prs_frame frame;
	struct prs_fact f;
	size_t at = 0;
	to[0] = 0;
	prs_path_journal(path, sizeof path, dir, epoch);
	int fd = fs->open(fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (fd < 0)
		return;
	ssize_t n = fs->pread(fs->ctx, fd, bytes, sizeof bytes, PRS_FILE_HEADER_BYTES);
	fs->close(fs->ctx, fd);
	if (n < PRS_FRAME_HEADER_BYTES || !prs_frame_get(bytes, (size_t)n, PRS_FILE_HEADER_BYTES, &frame) ||
	    frame.body_bytes > (size_t)n - PRS_FRAME_HEADER_BYTES)
		return;
	if (prs_fact_next(bytes + PRS_FRAME_HEADER_BYTES, frame.body_bytes, &at, &f, NULL) == 1 &&
	    f.type == PRS_FACT_HEAD)
		snprintf(to, ENGINE_BYTES, "%.*s", (int)f.u.head.engine.n, f.u.head.engine.p);
}

/* Complete a refusal of something newer with the engine that it takes. */
static int name_engine(const struct prs_fs *fs, const char *dir, uint32_t epoch, int r, struct prs_err *err)
{
	char engine[ENGINE_BYTES];
	if (r != -PRS_EVERSION || !err)
		return r;
	peek_engine(fs, dir, epoch, engine);
	size_t n = strlen(err->msg);
	if (engine[0])
		snprintf(err->msg + n, sizeof err->msg - n,
		         ". It was written by prs %s: use that version or a newer one", engine);
	return r;
}

/* ---- the chain --------------------------------------------------------------------------------------------------- */

struct link {
	uint32_t epoch;
	uint64_t journal, plan; /* sealed lengths, UINT64_MAX = the newest */
	uint64_t plan_bytes;    /* found */
};

struct chain {
	const struct prs_fs *fs;
	const char *dir;
	const struct prs_run_id *run;
	const struct prs_recover_sink *sink;
	struct link *links; /* the oldest first */
	size_t n;
};

struct head_of {
	bool found;
	uint32_t epoch, previous;
	uint64_t sealed_journal, sealed_plan;
};

/* The first fact of the first frame; 1 stops the scan. */
static int recover_head(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)offset;
	struct head_of *h = ctx;
	struct prs_fact f;
	size_t at = 0;
	int r = prs_fact_next(body, n, &at, &f, err);
	if (r < 0)
		return r;
	if (r == 1 && f.type == PRS_FACT_HEAD)
		*h = (struct head_of){ true, f.u.head.epoch, f.u.head.previous, f.u.head.sealed_journal,
			               f.u.head.sealed_plan };
	return 1;
}

/* h->found false: no HEAD, or no such file. */
static int read_head(const struct chain *c, uint32_t epoch, struct head_of *ret, struct prs_err *err)
{
	char path[PATH_MAX];
	struct prs_err local = { 0 };
	uint64_t length;
	*ret = (struct head_of){ 0 };
	prs_path_journal(path, sizeof path, c->dir, epoch);
	int r = prs_log_scan(c->fs, path, PRS_FILE_JOURNAL, c->run, UINT64_MAX, recover_head, ret, &length, &local);
	if (r == -PRS_ENOTFOUND)
		return 0;
	if (r >= 0 && ret->found && (ret->epoch != epoch || ret->previous >= epoch))
		r = prs_fail(&local, PRS_ECORRUPT,
		             "%s is damaged: its HEAD is of epoch %u and names journal-%u as the one before it",
		             prs_path_end(path), ret->epoch, ret->previous);
	name_engine(c->fs, c->dir, epoch, r, &local);
	if (r < 0 && err)
		*err = local;
	return r < 0 ? r : 0;
}

static int no_head(const struct chain *c, uint32_t epoch, uint32_t by, struct prs_err *err)
{
	char path[PATH_MAX];
	struct prs_fs_stat st;
	prs_path_journal(path, sizeof path, c->dir, epoch);
	int r = c->fs->stat(c->fs->ctx, path, &st);
	if (r < 0 && r != -ENOENT)
		return prs_fail_errno(err, -r, "reading %s", path);
	if (r < 0)
		return prs_fail(err, PRS_ECORRUPT, "%s is missing, but journal-%u goes on from it", prs_path_end(path),
		                by);
	return prs_fail(err, PRS_ECORRUPT, "%s is damaged at offset %d: it has no HEAD, but journal-%u goes on from it",
	                prs_path_end(path), PRS_FILE_HEADER_BYTES, by);
}

/* Walk back from the newest journal with a HEAD; links are appended newest first. */
static int walk_back(struct chain *c, const struct epochs *e, struct prs_err *err)
{
	struct head_of h = { 0 };
	uint32_t i = 0;
	for (; i < e->n && !h.found; i++) {
		int r = read_head(c, e->v[i], &h, err);
		if (r < 0)
			return r;
	}
	struct link next = { .epoch = h.epoch, .journal = UINT64_MAX, .plan = UINT64_MAX };
	while (next.epoch) {
		if (c->n == e->n) /* more links than journals: one went away while we looked */
			return no_head(c, next.epoch, c->links[c->n - 1].epoch, err);
		c->links[c->n++] = next;
		uint32_t by = next.epoch;
		next = (struct link){ .epoch = h.previous, .journal = h.sealed_journal, .plan = h.sealed_plan };
		int r = next.epoch ? read_head(c, next.epoch, &h, err) : 0;
		if (r < 0)
			return r;
		if (next.epoch && !h.found)
			return no_head(c, next.epoch, by, err);
	}
	return 0;
}

static int find_chain(struct chain *c, const struct epochs *e, struct prs_err *err)
{
	c->links = prs_calloc((size_t)e->n + 1, sizeof *c->links);
	if (!c->links)
		return prs_fail(err, PRS_ENOMEM, "reading the journals");
	int r = walk_back(c, e, err);
	for (size_t i = 0; i < c->n / 2; i++) {
		struct link t = c->links[i];
		c->links[i] = c->links[c->n - 1 - i];
		c->links[c->n - 1 - i] = t;
	}
	return r;
}

/* ---- folding ----------------------------------------------------------------------------------------------------- */

struct fold {
	const struct chain *chain;
	const char *path;                      /* being read */
	uint64_t limit;                        /* frames from here on came while we looked: not read */
	uint64_t journal_last, plan_last, end; /* offsets of the last frames, and where that of the journal ends */
};

static int recover_plan(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct fold *f = ctx;
	const struct prs_recover_sink *sink = f->chain->sink;
	f->plan_last = offset;
	int r = sink->plan(sink->ctx, body, n, err);
	if (r < 0)
		prs_wrap(err, "%s, frame at offset %llu", prs_path_end(f->path), (unsigned long long)offset);
	return r;
}

/* The plan bytes that a PLANNED counts on must be there. */
static int check_planned(const struct fold *f, const struct prs_fact *fact, struct prs_err *err)
{
	const struct chain *c = f->chain;
	uint64_t have = 0; /* of a plan that is not read yet, too */
	for (size_t i = 0; i < c->n; i++)
		if (c->links[i].epoch == fact->u.planned.plan_epoch)
			have = c->links[i].plan_bytes;
	if (fact->u.planned.plan_bytes <= have)
		return 0;
	return prs_fail(err, PRS_ECORRUPT, "%s counts on %llu bytes of plan-%u, which has %llu", prs_path_end(f->path),
	                (unsigned long long)fact->u.planned.plan_bytes, fact->u.planned.plan_epoch,
	                (unsigned long long)have);
}

static int recover_facts(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct fold *f = ctx;
	const struct prs_recover_sink *sink = f->chain->sink;
	struct prs_fact fact;
	size_t at = 0;
	int r;
	if (offset >= f->limit)
		return 1;
	while ((r = prs_fact_next(body, n, &at, &fact, err)) == 1) {
		r = fact.type == PRS_FACT_PLANNED ? check_planned(f, &fact, err) : 0;
		if (!r)
			r = sink->fact(sink->ctx, &fact, err);
		if (r < 0)
			return r;
	}
	f->journal_last = offset;
	f->end = offset + PRS_FRAME_HEADER_BYTES + n;
	if (r < 0)
		prs_wrap(err, "%s, frame at offset %llu", prs_path_end(f->path), (unsigned long long)offset);
	return r;
}

static int plan_of(const struct chain *c, struct link *l, struct fold *f, struct prs_err *err)
{
	char path[PATH_MAX];
	struct prs_err local = { 0 };
	prs_path_plan(path, sizeof path, c->dir, l->epoch);
	if (l->plan == 0) /* the next engine found none */
		return 0;
	f->path = path;
	int r = prs_log_scan(c->fs, path, PRS_FILE_PLAN, c->run, l->plan, recover_plan, f, &l->plan_bytes, &local);
	if (r == -PRS_ENOTFOUND && l->plan == UINT64_MAX)
		return 0;
	if (r == -PRS_ENOTFOUND)
		r = prs_fail(&local, PRS_ECORRUPT, "%s is missing", prs_path_end(path));
	if (r < 0 && err)
		*err = local;
	return r;
}

static int journal_of(const struct chain *c, const struct link *l, struct fold *f, uint64_t *ret_length,
                      struct prs_err *err)
{
	char path[PATH_MAX];
	prs_path_journal(path, sizeof path, c->dir, l->epoch);
	f->path = path;
	int r = prs_log_scan(c->fs, path, PRS_FILE_JOURNAL, c->run, l->journal, recover_facts, f, ret_length, err);
	if (r == 1)
		*ret_length = f->end;
	return r < 0 ? r : 0;
}

static int fold_link(const struct chain *c, struct link *l, struct prs_recovered *ret, struct prs_err *err)
{
	struct fold f = { .chain = c };
	struct prs_fs_stat st;
	char path[PATH_MAX];
	prs_path_journal(path, sizeof path, c->dir, l->epoch);
	/* a living engine may plan and journal on between our two reads (prs status): its later frames are not for
	 * us */
	int r = c->fs->stat(c->fs->ctx, path, &st);
	if (r < 0)
		return prs_fail_errno(err, -r, "reading %s", path);
	f.limit = st.size;
	r = plan_of(c, l, &f, err);
	if (!r)
		r = journal_of(c, l, &f, &ret->journal_bytes, err);
	if (r < 0)
		return name_engine(c->fs, c->dir, l->epoch, r, err);
	ret->epoch = l->epoch;
	ret->plan_bytes = l->plan_bytes;
	ret->journal_last = f.journal_last;
	ret->plan_last = f.plan_last;
	return 0;
}

int prs_store_recover(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run,
                      const struct prs_recover_sink *sink, struct prs_recovered *ret, struct prs_err *err)
{
	struct epochs e = { 0 };
	struct chain c = { .fs = fs, .dir = dir, .run = run, .sink = sink };
	int r = list_epochs(fs, dir, &e, err);
	if (!r) {
		*ret = (struct prs_recovered){ .next_epoch = e.n ? e.v[0] + 1 : 1 };
		r = find_chain(&c, &e, err);
	}
	for (size_t i = 0; i < c.n && !r; i++)
		r = fold_link(&c, &c.links[i], ret, err);
	free(c.links);
	free(e.v);
	return r;
}

int prs_store_chain(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run, prs_store_link_fn *each,
                    void *ctx, struct prs_err *err)
{
	struct epochs e = { 0 };
	struct chain c = { .fs = fs, .dir = dir, .run = run };
	int r = list_epochs(fs, dir, &e, err);
	if (!r)
		r = find_chain(&c, &e, err);
	for (size_t i = 0; i < c.n && !r; i++)
		r = each(ctx, c.links[i].epoch, c.links[i].journal, c.links[i].plan);
	free(c.links);
	free(e.v);
	return r;
}

/* ---- settling ---------------------------------------------------------------------------------------------------- */

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
	int fd = fs->open(fs->ctx, path, O_RDWR | PRS_O_OWN, 0);
	int r = fd < 0 ? fd : rewrite(fs, fd, space, from, to);
	if (fd >= 0)
		fs->close(fs->ctx, fd);
	return r < 0 ? prs_fail_errno(err, -r, "writing %s", path) : 0;
}

int prs_store_settle(const struct prs_fs *fs, const char *dir, const struct prs_recovered *was, struct prs_err *err)
{
	char path[PATH_MAX];
	if (!was->epoch)
		return 0;
	prs_path_journal(path, sizeof path, dir, was->epoch);
	int r = settle_file(fs, path, was->journal_last, was->journal_bytes, err);
	if (r < 0 || !was->plan_bytes)
		return r;
	prs_path_plan(path, sizeof path, dir, was->epoch);
	return settle_file(fs, path, was->plan_last, was->plan_bytes, err);
}
