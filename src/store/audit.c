/* SPDX-License-Identifier: Apache-2.0
 * audit: every DONE that counts against the ROWS record in its file (prs check).
 *
 * Two readings of the journals: which DONE of each mini-batch counts (the first one, until a RESET; none after FAILED), then the bytes of those.
 */
#include "base/mem.h"
#include "store/store.h"
#include "wire/seg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { PATH_BYTES = 4096, CHUNK = 1 << 20, TEXT_BYTES = 4608 + 512 };
#define FAILED UINT64_MAX

struct audit {
	const struct prs_fs *fs;
	const char *dir;
	const struct prs_run_id *run;
	void (*problem)(void *ctx, const char *sentence);
	void *ctx;
	int64_t problems;
	uint64_t *counts; /* an id: the number of its DONE that counts, 0 = none, FAILED */
	uint64_t ids, cap;
	uint64_t dones;   /* read so far */
	uint8_t *space;
	char path[PATH_BYTES];
	int fd; /* of path; -ENOENT = missing */
};

/* ---- which DONE counts ------------------------------------------------------------------------------------------------ */

static int grow(struct audit *a, uint64_t ids, struct prs_err *err)
{
	uint64_t cap = a->cap ? a->cap : 1024;
	while (cap < ids)
		cap *= 2;
	if (cap > a->cap) {
		uint64_t *v = prs_realloc(a->counts, (size_t)cap * sizeof *v);
		if (!v)
			return prs_fail(err, PRS_ENOMEM, "checking %llu mini-batches", (unsigned long long)ids);
		memset(v + a->cap, 0, (size_t)(cap - a->cap) * sizeof *v);
		a->counts = v;
		a->cap = cap;
	}
	a->ids = ids > a->ids ? ids : a->ids;
	return 0;
}

static void reset(struct audit *a, uint64_t id, uint64_t count)
{
	for (; count && id < a->ids; id++, count--)
		a->counts[id] = 0;
}

static void complain(struct audit *a, const struct prs_done *d, const char *why)
{
	char text[TEXT_BYTES];
	snprintf(text, sizeof text, "mini-batch %llu: %s (%s, offset %llu, %llu bytes)", (unsigned long long)d->unit.id, why, a->path,
	         (unsigned long long)d->offset, (unsigned long long)d->length);
	a->problems++;
	a->problem(a->ctx, text);
}

static void path_of(struct audit *a, const struct prs_done *d, char *to, size_t n)
{
	prs_path_segment(to, n, a->dir, (uint32_t)(d->lease >> 40), d->node, d->segment, d->flags & PRS_DONE_RAW);
}

static int count_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct audit *a = ctx;
	const struct prs_done *d = &f->u.done;
	if (f->type == PRS_FACT_PLANNED)
		return grow(a, f->u.planned.next_id, err);
	if (f->type == PRS_FACT_RESET)
		reset(a, f->u.reset.unit.id, f->u.reset.count);
	if (f->type == PRS_FACT_FAILED && f->u.failed.unit.id < a->ids && !a->counts[f->u.failed.unit.id])
		a->counts[f->u.failed.unit.id] = FAILED;
	if (f->type != PRS_FACT_DONE)
		return 0;
	a->dones++;
	if (d->unit.id >= a->ids) {
		path_of(a, d, a->path, sizeof a->path);
		complain(a, d, "it was never planned");
	} else if (!a->counts[d->unit.id]) {
		a->counts[d->unit.id] = a->dones;
	}
	return 0;
}

/* ---- its bytes -------------------------------------------------------------------------------------------------------- */

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
	char path[PATH_BYTES];
	path_of(a, d, path, sizeof path);
	if (!strcmp(path, a->path))
		return 0;
	if (a->fd >= 0)
		a->fs->close(a->fs->ctx, a->fd);
	memcpy(a->path, path, sizeof path);
	a->fd = a->fs->open(a->fs->ctx, path, O_RDONLY, 0);
	return a->fd >= 0 ? check_header(a, d->flags & PRS_DONE_RAW) : a->fd == -ENOENT ? 0 : a->fd;
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
	ssize_t n = d->offset < PRS_SEG_HEAD_BYTES ? 0 : read_some(a, head, sizeof head, d->offset - PRS_SEG_HEAD_BYTES);
	struct prs_rows rows = { .unit = d->unit, .lease = d->lease, .succeeded = d->succeeded, .head_len = d->head_len, .length = d->length };
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

static int check_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct audit *a = ctx;
	if (f->type != PRS_FACT_DONE)
		return 0;
	uint64_t id = f->u.done.unit.id;
	a->dones++;
	if (id >= a->ids || a->counts[id] != a->dones || !f->u.done.length)
		return 0;
	int r = check_bytes(a, &f->u.done);
	return r < 0 ? prs_fail_errno(err, -r, "reading %s", a->path) : 0;
}

static int on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)ctx;
	(void)body;
	(void)n;
	(void)err;
	return 0;
}

int64_t prs_store_audit(const struct prs_fs *fs, const char *dir, const struct prs_run_id *run,
                        void (*problem)(void *ctx, const char *sentence), void *ctx, struct prs_err *err)
{
	struct audit a = { .fs = fs, .dir = dir, .run = run, .problem = problem, .ctx = ctx, .fd = -ENOENT, .space = prs_malloc(CHUNK) };
	struct prs_recover_sink counting = { &a, on_plan, count_fact }, checking = { &a, on_plan, check_fact };
	struct prs_recovered recovered;
	int r = a.space ? prs_store_recover(fs, dir, run, &counting, &recovered, err) : prs_fail(err, PRS_ENOMEM, "checking the run");
	a.dones = 0;
	a.path[0] = 0;
	if (!r)
		r = prs_store_recover(fs, dir, run, &checking, &recovered, err);
	if (a.fd >= 0)
		fs->close(fs->ctx, a.fd);
	free(a.counts);
	free(a.space);
	return r < 0 ? r : a.problems;
}
