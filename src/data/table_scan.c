/* SPDX-License-Identifier: Apache-2.0
 * table_scan: a file is as large as it was when it was opened: what was appended since is found out at the end.
 */
#include "data/table_scan.h"

#include "base/mem.h"

static const char *const counting = "when the count of its rows began";

int prs_table_scan_init(struct prs_table_scan *t, const struct prs_fs *fs, const struct prs_table_input *in,
                        const char *spool, struct prs_warnings *warnings)
{
	*t = (struct prs_table_scan){ .fs = fs, .in = in, .warnings = warnings };
	prs_spool_init(&t->spool, fs, spool);
	t->block = prs_malloc(prs_table_block_bytes(in));
	return t->block ? 0 : -PRS_ENOMEM;
}

void prs_table_scan_close(struct prs_table_scan *t)
{
	prs_source_close(t->source);
	t->source = NULL;
}

void prs_table_scan_done(struct prs_table_scan *t)
{
	prs_table_scan_close(t);
	if (t->fs)
		prs_spool_done(&t->spool);
	prs_freep(&t->block);
}

bool prs_table_scan_is_spooled(const struct prs_table_scan *t)
{
	return t->spool_all || !prs_source_is_plain(t->source);
}

int prs_table_scan_open(struct prs_table_scan *t, char *path, struct prs_err *err)
{
	PRS_AUTOFREE char *taken = path;
	if (!taken)
		return prs_fail(err, PRS_ENOMEM, "making mini-batches of rows");
	int r = prs_source_open(t->fs, taken, t->in, &t->source, err);
	if (r < 0 || !prs_table_scan_is_spooled(t))
		return r;
	t->base = t->spool.bytes;
	t->spooled = 0;
	return prs_spool_room(&t->spool, prs_source_least(t->source, err), taken, err);
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
	return prs_source_expect(t->source, size, mtime_us, since, err);
}

/* It was written that no quoted line end is there. */
static void warn_break(struct prs_table_scan *t)
{
	if (!t->in->one_line || t->has_warned || t->scan.quoted_break == PRS_SCAN_NONE)
		return;
	t->has_warned = true;
	prs_table_warn_break(t->source, t->scan.quoted_break - 1, t->warnings);
}

static int end_of_file(struct prs_table_scan *t, struct prs_err *err)
{
	int r = prs_scan_finish(&t->scan, err);
	return r < 0 ? prs_table_refused(t->source, &t->scan, r, err) : prs_source_check(t->source, counting, err);
}

static int feed(struct prs_table_scan *t, const uint8_t *p, size_t n, struct prs_err *err)
{
	int r = prs_scan_feed(&t->scan, p, n, err);
	if (r < 0)
		return prs_table_refused(t->source, &t->scan, r, err);
	warn_break(t);
	return 1;
}

/* A block of the text into the spool; the scanner gets what it has of it behind its beginning. */
static int step_spooled(struct prs_table_scan *t, struct prs_err *err)
{
	ssize_t n = prs_source_read(t->source, t->block, prs_table_block_bytes(t->in), t->spooled, err);
	if (n <= 0)
		return n < 0 ? (int)n : end_of_file(t, err);
	int r = prs_spool_put(&t->spool, t->block, (size_t)n, err);
	if (r < 0)
		return r;
	uint64_t at = t->spooled;
	t->spooled += (uint64_t)n;
	if (t->spooled <= t->scan.at)
		return 1;
	size_t before = t->scan.at > at ? (size_t)(t->scan.at - at) : 0;
	return feed(t, t->block + before, (size_t)n - before, err);
}

int prs_table_scan_step(struct prs_table_scan *t, struct prs_err *err)
{
	if (prs_table_scan_is_spooled(t))
		return step_spooled(t, err);
	uint64_t left = prs_source_stat(t->source)->size - t->scan.at;
	size_t block = prs_table_block_bytes(t->in);
	if (!left)
		return end_of_file(t, err);
	ssize_t n = prs_source_read(t->source, t->block, left < block ? (size_t)left : block, t->scan.at, err);
	if (n > 0)
		return feed(t, t->block, (size_t)n, err);
	return n < 0 ? (int)n : end_of_file(t, err); /* which is not as it was */
}
