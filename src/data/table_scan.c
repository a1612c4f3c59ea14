/* SPDX-License-Identifier: Apache-2.0
 * table_scan: a file is as large as it was when it was opened: what was appended since is found out at the end.
 */
#include "data/table_scan.h"

#include "base/mem.h"


static const char *const counting = "when the count of its rows began";

int prs_table_scan_init(struct prs_table_scan *t, const struct prs_fs *fs, const struct prs_table_input *in,
                        struct prs_warnings *warnings)
{
	*t = (struct prs_table_scan){ .fs = fs, .in = in, .warnings = warnings, .fd = -1 };
	t->block = prs_malloc(prs_table_block_bytes(in));
	return t->block ? 0 : -PRS_ENOMEM;
}

void prs_table_scan_close(struct prs_table_scan *t)
{
	if (t->fd >= 0)
		t->fs->close(t->fs->ctx, t->fd);
	t->fd = -1;
	prs_freep(&t->path);
}

void prs_table_scan_done(struct prs_table_scan *t)
{
	prs_table_scan_close(t);
	prs_freep(&t->block);
}

int prs_table_scan_open(struct prs_table_scan *t, char *path, struct prs_err *err)
{
	t->path = path;
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "making mini-batches of rows");
	t->fd = prs_table_open(t->fs, path, err);
	if (t->fd < 0)
		return t->fd;
	int r = t->fs->fstat(t->fs->ctx, t->fd, &t->stat);
	return r < 0 ? prs_fail_errno(err, -r, "%s", path) : 0;
}

void prs_table_scan_begin(struct prs_table_scan *t, uint64_t offset, uint64_t max_bytes, uint64_t max_rows,
                          prs_slice_fn *fn, void *ctx)
{
	struct prs_scan_options o = prs_table_scan_options(t->in);
	o.max_bytes = max_bytes;
	o.max_rows = max_rows < UINT32_MAX ? max_rows : UINT32_MAX;
	prs_scan_init(&t->scan, &o, offset, fn, ctx);
}

int prs_table_scan_check(const struct prs_table_scan *t, uint64_t size, uint64_t mtime_us, const char *since,
                         struct prs_err *err)
{
	if (t->stat.size == size && t->stat.mtime_us == mtime_us)
		return 0;
	return prs_fail(err, PRS_EINPUT_CHANGED, "%s: size or time of change is not as it was %s", t->path, since);
}

/* It was written that no quoted line end is there. */
static void warn_break(struct prs_table_scan *t)
{
	if (!t->in->one_line || t->has_warned || t->scan.quoted_break == PRS_SCAN_NONE)
		return;
	t->has_warned = true;
	prs_table_warn_break(t->fs, t->fd, t->path, t->scan.quoted_break - 1, t->warnings);
}

static int end_of_file(struct prs_table_scan *t, struct prs_err *err)
{
	struct prs_fs_stat was = t->stat;
	int r = prs_scan_finish(&t->scan, err);
	if (r < 0)
		return prs_table_refused(t->fs, t->fd, t->path, &t->scan, r, err);
	r = t->fs->fstat(t->fs->ctx, t->fd, &t->stat);
	if (r < 0)
		return prs_fail_errno(err, -r, "%s", t->path);
	return prs_table_scan_check(t, was.size, was.mtime_us, counting, err);
}

int prs_table_scan_step(struct prs_table_scan *t, struct prs_err *err)
{
	uint64_t left = t->stat.size - t->scan.at;
	size_t block = prs_table_block_bytes(t->in);
	if (!left)
		return end_of_file(t, err);
	size_t most = left < block ? (size_t)left : block;
	ssize_t n = prs_table_read(t->fs, t->fd, t->path, t->block, most, t->scan.at, err);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return prs_fail(err, PRS_EINPUT_CHANGED, "%s: size or time of change is not as it was %s", t->path,
		                counting);
	int r = prs_scan_feed(&t->scan, t->block, (size_t)n, err);
	if (r < 0)
		return prs_table_refused(t->fs, t->fd, t->path, &t->scan, r, err);
	warn_break(t);
	return 1;
}
