/* SPDX-License-Identifier: Apache-2.0
 * audit: every DONE of the journal against the ROWS record in its file (prs check).
 */
#include "base/mem.h"
#include "store/store.h"
#include "wire/seg.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

enum { PATH_BYTES = 4096, CHUNK = 1 << 20, TEXT_BYTES = 4608 };

struct audit {
	const struct prs_fs *fs;
	const char *dir;
	void (*problem)(void *ctx, const char *sentence);
	void *ctx;
	int64_t problems;
	uint8_t *space;
	char open_path[PATH_BYTES];
	int fd;
};

static void complain(struct audit *a, const struct prs_done *d, const char *path, const char *why)
{
	char text[TEXT_BYTES];
	snprintf(text, sizeof text, "mini-batch %llu: %s (%s, offset %llu, %llu bytes)", (unsigned long long)d->unit.id, why, path,
	         (unsigned long long)d->offset, (unsigned long long)d->length);
	a->problems++;
	a->problem(a->ctx, text);
}

static int use_file(struct audit *a, const char *path)
{
	if (a->fd >= 0 && !strcmp(path, a->open_path))
		return a->fd;
	if (a->fd >= 0)
		a->fs->close(a->fs->ctx, a->fd);
	a->fd = a->fs->open(a->fs->ctx, path, O_RDONLY, 0);
	snprintf(a->open_path, sizeof a->open_path, "%s", path);
	return a->fd;
}

static bool read_all(struct audit *a, uint8_t *to, size_t n, uint64_t offset)
{
	while (n) {
		ssize_t r = a->fs->pread(a->fs->ctx, a->fd, to, n, offset);
		if (r <= 0)
			return false;
		to += r;
		n -= (size_t)r;
		offset += (uint64_t)r;
	}
	return true;
}

static bool sum_matches(struct audit *a, const struct prs_done *d)
{
	XXH3_state_t *s = XXH3_createState();
	if (!s)
		return false;
	XXH3_64bits_reset(s);
	bool whole = true;
	for (uint64_t done = 0; done < d->length && whole;) {
		size_t n = d->length - done < CHUNK ? (size_t)(d->length - done) : CHUNK;
		whole = read_all(a, a->space, n, d->offset + done);
		if (whole)
			XXH3_64bits_update(s, a->space, n);
		done += n;
	}
	bool same = whole && (uint32_t)XXH3_64bits_digest(s) == d->checksum;
	XXH3_freeState(s);
	return same;
}

static void check_done(struct audit *a, const struct prs_done *d)
{
	char path[PATH_BYTES];
	uint8_t head[PRS_SEG_HEAD_BYTES], want[PRS_SEG_HEAD_BYTES];
	if (!d->length)
		return;
	prs_path_segment(path, sizeof path, a->dir, (uint32_t)(d->lease >> 40), d->node, d->segment, d->flags & PRS_DONE_RAW);
	if (use_file(a, path) < 0) {
		complain(a, d, path, "the file is missing");
		return;
	}
	if (d->offset < PRS_SEG_HEAD_BYTES || !read_all(a, head, sizeof head, d->offset - PRS_SEG_HEAD_BYTES)) {
		complain(a, d, path, "its rows lie behind the end of the file");
		return;
	}
	struct prs_rows rows = { .unit = d->unit, .lease = d->lease, .succeeded = d->succeeded, .head_len = d->head_len, .length = d->length };
	prs_rows_head(want, &rows);
	if (memcmp(head, want, sizeof head) != 0)
		complain(a, d, path, "the record in the file is not the one of the journal");
	else if (!sum_matches(a, d))
		complain(a, d, path, "its rows do not match their checksum");
}

static int on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	(void)err;
	if (f->type == PRS_FACT_DONE)
		check_done(ctx, &f->u.done);
	return 0;
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
	struct audit a = { .fs = fs, .dir = dir, .problem = problem, .ctx = ctx, .fd = -1, .space = prs_malloc(CHUNK) };
	if (!a.space)
		return prs_fail(err, PRS_ENOMEM, "checking the run");
	struct prs_recover_sink sink = { &a, on_plan, on_fact };
	struct prs_recovered recovered;
	int r = prs_store_recover(fs, dir, run, &sink, &recovered, err);
	if (a.fd >= 0)
		fs->close(fs->ctx, a.fd);
	prs_freep(&a.space);
	return r < 0 ? r : a.problems;
}
