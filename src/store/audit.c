/* SPDX-License-Identifier: Apache-2.0
 * audit: every DONE that counts against the ROWS record in its file (prs check).
 *
 * Two readings of the journals: which DONE of each mini-batch counts (the first one, until a RESET; none after
 * FAILED), then the bytes of those. A mini-batch that was split counts as its parts: the first fact about a part is
 * its end.
 */
#include "base/many.h"
#include "base/mem.h"
#include "store/store.h"
#include "wire/plan.h"
#include "wire/seg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { CHUNK = 1 << 20, TEXT_BYTES = 4608 + 512 };
#define FAILED UINT64_MAX
#define SPLIT (UINT64_MAX - 1)

/* The first fact about a part: DONE with this number, or FAILED or SPLIT, 0. */
struct part {
	struct prs_unit unit;
	uint64_t dones, seq;
};

struct audit {
	const struct prs_fs *fs;
	const char *dir;
	const struct prs_run_id *run;
	void (*problem)(void *ctx, const char *sentence);
	void *ctx;
	int64_t problems;
	uint64_t *counts;   /* an id: the number of its DONE that counts, 0 = none, FAILED, SPLIT */
	struct part *parts; /* when all are known: in order, the first fact of each */
	size_t parts_n, parts_cap;
	uint64_t ids, cap;
	uint64_t dones; /* read so far */
	uint8_t *space;
	char path[PATH_MAX];
	int fd; /* of path; -ENOENT = missing */
};

/* ---- which DONE counts ------------------------------------------------------------------------------------------- */

static int grow(struct audit *a, uint64_t ids, struct prs_err *err)
{
	uint64_t cap = a->cap ? a->cap : 1024;
	while (cap < ids)
		cap *= 2;
	if (cap > a->cap) {
		uint64_t *v = prs_realloc(a->counts, (size_t)cap * sizeof *v);
		if (!v)
			return prs_fail(err, PRS_ENOMEM, "checking %s", prs_many(ids, "mini-batch").text);
		memset(v + a->cap, 0, (size_t)(cap - a->cap) * sizeof *v);
		a->counts = v;
		a->cap = cap;
	}
	a->ids = ids > a->ids ? ids : a->ids;
	return 0;
}

static void reset(struct audit *a, uint64_t id, uint64_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < a->parts_n; i++)
		if (a->parts[i].unit.id < id || a->parts[i].unit.id - id >= count)
			a->parts[kept++] = a->parts[i];
	a->parts_n = kept;
	for (; count && id < a->ids; id++, count--)
		a->counts[id] = 0;
}

static int audit_by_unit(const void *x, const void *y)
{
	const struct part *a = x, *b = y;
	if (a->unit.id != b->unit.id)
		return a->unit.id < b->unit.id ? -1 : 1;
	if (a->unit.item_first != b->unit.item_first)
		return a->unit.item_first < b->unit.item_first ? -1 : 1;
	return a->unit.item_count < b->unit.item_count ? -1 : a->unit.item_count > b->unit.item_count;
}

static int audit_by_unit_and_time(const void *x, const void *y)
{
	const struct part *a = x, *b = y;
	int r = audit_by_unit(x, y);
	if (r)
		return r;
	return a->seq < b->seq ? -1 : 1;
}

static int put_part(struct audit *a, const struct prs_unit *u, uint64_t dones, struct prs_err *err)
{
	if (a->parts_n == a->parts_cap) {
		size_t cap = a->parts_cap ? a->parts_cap * 2 : 64;
		struct part *v = prs_realloc(a->parts, cap * sizeof *v);
		if (!v)
			return prs_fail(err, PRS_ENOMEM, "checking the parts of mini-batches");
		a->parts = v;
		a->parts_cap = cap;
	}
	a->parts[a->parts_n] = (struct part){ *u, dones, a->parts_n };
	a->parts_n++;
	return 0;
}

/* Sorted, the first fact of each part. */
static void sort_parts(struct audit *a)
{
	size_t kept = 0;
	if (a->parts_n)
		qsort(a->parts, a->parts_n, sizeof *a->parts, audit_by_unit_and_time);
	for (size_t i = 0; i < a->parts_n; i++)
		if (!kept || audit_by_unit(&a->parts[kept - 1], &a->parts[i]))
			a->parts[kept++] = a->parts[i];
	a->parts_n = kept;
}

static bool counts(const struct audit *a, const struct prs_unit *u)
{
	if (u->id >= a->ids)
		return false;
	if (!u->item_count)
		return a->counts[u->id] == a->dones;
	struct part key = { .unit = *u };
	const struct part *p = a->parts_n ? bsearch(&key, a->parts, a->parts_n, sizeof key, audit_by_unit) : NULL;
	return p && p->dones == a->dones;
}

static void complain(struct audit *a, const struct prs_done *d, const char *why)
{
	char text[TEXT_BYTES];
	snprintf(text, sizeof text, "mini-batch %llu: %s (%s, offset %llu, %llu bytes)", (unsigned long long)d->unit.id,
	         why, a->path, (unsigned long long)d->offset, (unsigned long long)d->length);
	a->problems++;
	a->problem(a->ctx, text);
}

static void path_of(struct audit *a, const struct prs_done *d, char *to, size_t n)
{
	prs_path_segment(to, n, a->dir, (uint32_t)(d->lease >> 40), prs_done_file_node(d), d->segment,
	                 d->flags & PRS_DONE_RAW);
}

/* What becomes of a unit: DONE number, FAILED or SPLIT. */
static int put_end(struct audit *a, const struct prs_unit *u, uint64_t end, struct prs_err *err)
{
	if (u->id >= a->ids)
		return 0;
	if (u->item_count && a->counts[u->id] != SPLIT)
		return 0;
	if (u->item_count)
		return put_part(a, u, end < SPLIT ? end : 0, err);
	if (!a->counts[u->id])
		a->counts[u->id] = end;
	return 0;
}

static int audit_count(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct audit *a = ctx;
	const struct prs_done *d = &f->u.done;
	if (f->type == PRS_FACT_PLANNED)
		return grow(a, f->u.planned.next_id, err);
	if (f->type == PRS_FACT_RESET)
		reset(a, f->u.reset.unit.id, f->u.reset.count);
	if (f->type == PRS_FACT_FAILED)
		return put_end(a, &f->u.failed.unit, FAILED, err);
	if (f->type == PRS_FACT_SPLIT)
		return put_end(a, &f->u.split.unit, SPLIT, err);
	if (f->type != PRS_FACT_DONE)
		return 0;
	a->dones++;
	if (d->unit.id < a->ids)
		return put_end(a, &d->unit, a->dones, err);
	path_of(a, d, a->path, sizeof a->path);
	complain(a, d, "it was never planned");
	return 0;
}

/* ---- its bytes --------------------------------------------------------------------------------------------------- */

/* How many bytes there are, n at most; -errno. */
static ssize_t read_some(struct audit *a, uint8_t *to, size_t n, uint64_t offset)
{
	size_t got = 0;
	while (got < n) {
		ssize_t r = a->fs->pread(a->fs->ctx, a->fd, to + got, n - got, offset + got);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

static int check_header(struct audit *a, bool raw)
{
	uint8_t head[PRS_FILE_HEADER_BYTES];
	struct prs_err local = { 0 };
	char text[TEXT_BYTES];
	ssize_t n = read_some(a, head, sizeof head, 0);
	if (n < 0)
		return (int)n;
	if (prs_file_header_check(head, (size_t)n, raw ? PRS_FILE_RAW : PRS_FILE_SEGMENT, a->run, &local) < 0) {
		snprintf(text, sizeof text, "%s: %s", a->path, local.msg);
		a->problems++;
		a->problem(a->ctx, text);
	}
	return 0;
}

/* a->fd is the file of d, or -ENOENT. */
static int use_file(struct audit *a, const struct prs_done *d)
{
	char path[PATH_MAX];
	path_of(a, d, path, sizeof path);
	if (!strcmp(path, a->path))
		return 0;
	if (a->fd >= 0)
		a->fs->close(a->fs->ctx, a->fd);
	memcpy(a->path, path, sizeof path);
	a->fd = a->fs->open(a->fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (a->fd >= 0)
		return check_header(a, d->flags & PRS_DONE_RAW);
	return a->fd == -ENOENT ? 0 : a->fd;
}

/* 1 = the rows match their checksum, 0 = they do not, or end too early. */
static int sum_matches(struct audit *a, const struct prs_done *d)
{
	XXH3_state_t *s = XXH3_createState();
	if (!s)
		return -ENOMEM;
	XXH3_64bits_reset(s);
	int r = 1;
	for (uint64_t done = 0; done < d->length && r == 1;) {
		size_t n = d->length - done < CHUNK ? (size_t)(d->length - done) : CHUNK;
		ssize_t got = read_some(a, a->space, n, d->offset + done);
		if (got == (ssize_t)n)
			XXH3_64bits_update(s, a->space, n);
		else
			r = got < 0 ? (int)got : 0;
		done += n;
	}
	if (r == 1)
		r = (uint32_t)XXH3_64bits_digest(s) == d->checksum;
	XXH3_freeState(s);
	return r;
}

static int check_bytes(struct audit *a, const struct prs_done *d)
{
	uint8_t head[PRS_SEG_HEAD_BYTES], want[PRS_SEG_HEAD_BYTES];
	int r = use_file(a, d);
	if (r < 0)
		return r;
	if (a->fd < 0) {
		complain(a, d, "the file is missing");
		return 0;
	}
	ssize_t n = d->offset < PRS_SEG_HEAD_BYTES ? 0
	                                           : read_some(a, head, sizeof head, d->offset - PRS_SEG_HEAD_BYTES);
	struct prs_rows rows = { .unit = d->unit,
		                 .lease = d->lease,
		                 .succeeded = d->succeeded,
		                 .head_len = d->head_len,
		                 .length = d->length };
	prs_rows_head(want, &rows);
	const char *why = NULL;
	if (n < 0)
		return (int)n;
	if (n < PRS_SEG_HEAD_BYTES)
		why = "its rows lie behind the end of the file";
	else if (memcmp(head, want, sizeof head) != 0)
		why = "the record in the file is not the one of the journal";
	else if ((r = sum_matches(a, d)) == 0)
		why = "its rows do not match their checksum";
	if (why)
		complain(a, d, why);
	return r < 0 ? r : 0;
}

static int audit_check(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct audit *a = ctx;
	if (f->type != PRS_FACT_DONE)
		return 0;
	a->dones++;
	if (!counts(a, &f->u.done.unit) || !f->u.done.length)
		return 0;
	int r = check_bytes(a, &f->u.done);
	return r < 0 ? prs_fail_errno(err, -r, "reading %s", a->path) : 0;
}

/* Its records are only read: what does not hold within one is damage. */
static int audit_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct prs_plan_record r;
	size_t at = 0;
	int k;
	(void)ctx;
	while ((k = prs_plan_next(body, n, &at, &r, err)) == 1)
		;
	return k;
}

int64_t prs_store_audit(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run,
                        void (*problem)(void *ctx, const char *sentence), void *ctx, struct prs_err *err)
{
	struct audit a = { .fs = fs,
		           .dir = dir,
		           .run = run,
		           .problem = problem,
		           .ctx = ctx,
		           .fd = -ENOENT,
		           .space = prs_malloc(CHUNK) };
	struct prs_recover_sink counting = { &a, audit_plan, audit_count }, checking = { &a, audit_plan, audit_check };
	struct prs_recovered recovered;
	int r = a.space ? prs_store_recover(fs, dir, run, &counting, &recovered, err)
	                : prs_fail(err, PRS_ENOMEM, "checking the run");
	sort_parts(&a);
	a.dones = 0;
	a.path[0] = 0;
	if (!r)
		r = prs_store_recover(fs, dir, run, &checking, &recovered, err);
	if (a.fd >= 0)
		fs->close(fs->ctx, a.fd);
	free(a.counts);
	free(a.parts);
	free(a.space);
	return r < 0 ? r : a.problems;
}
