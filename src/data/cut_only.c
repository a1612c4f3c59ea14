/* SPDX-License-Identifier: Apache-2.0
 * cut_only: some rows of text files (rows_list.h), in place of all: what failed in another run. The types are decided
 * as of the whole input; what is scanned are the files that have such rows, from there on where they are as they were,
 * else from their first row.
 *
 * Rows that follow each other are one SLICES, whatever mini-batches had them. An earlier plan: behind its last row.
 */
#include "data/cut_table.h"

#include "base/many.h"
#include "base/mem.h"

#include <string.h>

enum { STEPS_A_CALL = 128, PACKED_BYTES = 32 << 10 };

struct prs_cutter {
	struct prs_cut_table t;
	struct prs_batch_size size;
	enum { SAMPLE, SCAN, DONE } stage;
	uint64_t at;    /* the file, from 0 */
	size_t next;    /* of them */
	uint64_t taken; /* rows of wanted[next] that are planned, or wait */
	uint64_t row;   /* in the file, of the next record */
	bool jump;      /* the next rows that are wanted lie behind many that are not */
	uint32_t schema;
	bool has_own;
	struct prs_buf own;
	/* Slices that are in no record yet, and the last one, which may grow. */
	struct prs_buf packed;
	struct prs_table_range first, last;
	uint32_t count;
	uint64_t rows; /* of those that are whole */
	/* Of an earlier plan: where its last rows end. */
	uint64_t fed_file, fed_row, fed_size, fed_mtime_us;
	bool is_fed, is_passed;
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "making mini-batches of rows"); }

static void only_free(struct prs_cutter *c)
{
	if (!c)
		return;
	prs_cut_table_done(&c->t);
	prs_buf_done(&c->own);
	prs_buf_done(&c->packed);
	prs_freep(&c);
}

static struct prs_cutter *only_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->size = in->size;
	prs_buf_init(&c->own, PRS_SCHEMA_BYTES_MAX);
	prs_buf_init(&c->packed, UINT32_MAX);
	if (prs_cut_table_init(&c->t, fs, in, input) == 0)
		return c;
	only_free(c);
	return NULL;
}

static int only_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	return prs_cut_table_take(&c->t, f, err);
}

static int step_sample(struct prs_cutter *c, struct prs_err *err)
{
	int r = prs_sample_step(&c->t.sample, err);
	if (r)
		return r < 0 ? r : 0;
	c->stage = DONE;
	if (prs_sample_is_empty(&c->t.sample))
		return 0;
	c->stage = SCAN;
	return prs_cut_table_schema(&c->t, err);
}

/* ---- slices ------------------------------------------------------------------------------------------------------ */

/* The last slice is whole. */
static int end_slice(struct prs_cutter *c, struct prs_err *err)
{
	if (!c->last.rows)
		return 0;
	if (prs_slice_put(&c->packed, false, c->last.rows, c->last.bytes) < 0)
		return nomem(err);
	c->count++;
	c->rows += c->last.rows;
	c->last.rows = 0;
	return 0;
}

static int put_own_schema(struct prs_cutter *c, struct prs_err *err)
{
	if (!c->has_own)
		return 0;
	c->has_own = false;
	return prs_schemas_put_own(&c->t.schemas, c->t.files.first + c->at, &c->own, c->t.total, c->t.body, &c->schema,
	                           err);
}

/* The slices that are whole: rows that follow each other. */
static int put_slices(struct prs_cutter *c, struct prs_err *err)
{
	int k = c->count ? put_own_schema(c, err) : 0;
	if (k < 0 || !c->count)
		return k;
	struct prs_plan_record r = { .type = PRS_PLAN_SLICES };
	r.u.slices.file = c->t.files.first + c->at;
	r.u.slices.first_id = c->t.total->ids;
	bool spooled = prs_table_scan_is_spooled(&c->t.scan);
	r.u.slices.spool = spooled ? c->t.spool_epoch : 0;
	r.u.slices.offset = c->first.offset + (spooled ? c->t.scan.base : 0);
	r.u.slices.row = c->first.row;
	r.u.slices.global_row = c->first.global_row;
	r.u.slices.size = prs_source_stat(c->t.scan.source)->size;
	r.u.slices.mtime_us = prs_source_stat(c->t.scan.source)->mtime_us;
	r.u.slices.schema = c->schema;
	r.u.slices.count = c->count;
	r.u.slices.bytes = (uint32_t)c->packed.len;
	r.u.slices.input = c->t.input;
	r.u.slices.packed = c->packed.data;
	prs_plan_put(c->t.body, &r);
	c->t.total->ids += c->count;
	c->t.total->items += c->rows;
	c->count = 0;
	c->rows = 0;
	c->first = c->last;
	prs_buf_clear(&c->packed);
	return 0;
}

static bool is_full(const struct prs_cutter *c, uint64_t more)
{
	if (c->size.unit == PRS_SIZE_ROWS)
		return c->last.rows >= c->size.n;
	return c->last.bytes + more > c->size.n;
}

/* A record that is wanted, behind c->last. */
static int take_record(struct prs_cutter *c, const struct prs_rows_wanted *w, const struct prs_slice *s,
                       struct prs_err *err)
{
	uint64_t end = s->offset + s->bytes;
	if (c->last.rows && is_full(c, end - (c->last.offset + c->last.bytes)) && end_slice(c, err) < 0)
		return err->code;
	if (!c->last.rows) {
		bool follows = c->count > 0;
		c->last = (struct prs_table_range){ .offset = follows ? c->last.offset + c->last.bytes : s->offset,
			                            .row = c->row,
			                            .global_row = w->global_row + c->taken };
		if (!follows)
			c->first = c->last;
	}
	c->last.rows++;
	c->last.bytes = end - c->last.offset;
	return 0;
}

/* May the scan begin at the place that the list says? Not in a text that goes into the spool, from front to back. */
static bool is_as_it_was(const struct prs_cutter *c, const struct prs_rows_wanted *w)
{
	const struct prs_fs_stat *now = prs_source_stat(c->t.scan.source);
	return !prs_table_scan_is_spooled(&c->t.scan) && now->size == w->size && now->mtime_us == w->mtime_us;
}

/* The wanted rows are whole; are the next ones in this file, and worth a jump? */
static int end_wanted(struct prs_cutter *c, struct prs_err *err)
{
	const struct prs_rows_wanted *w = &c->t.wanted.v[c->next++], *next = w + 1;
	c->taken = 0;
	int r = end_slice(c, err);
	if (r == 0)
		r = put_slices(c, err);
	bool more = c->next < c->t.wanted.n && !strcmp(next->path, w->path);
	c->jump = !more || (is_as_it_was(c, next) && next->hint_row > c->row);
	return r;
}

/* One record a slice: PRS_EINTERRUPTED ends the scan. */
static int only_record(void *ctx, const struct prs_slice *s, struct prs_err *err)
{
	struct prs_cutter *c = ctx;
	const struct prs_rows_wanted *w = &c->t.wanted.v[c->next];
	int r = 0;
	if (c->row == w->row + c->taken) {
		r = take_record(c, w, s, err);
		c->taken++;
		if (r == 0 && c->taken == w->rows)
			r = end_wanted(c, err);
	}
	c->row++;
	return r == 0 && c->jump ? -PRS_EINTERRUPTED : r;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Passes over files without rows that are wanted; c->at is files.count when there is none. */
static int find_file(struct prs_cutter *c, struct prs_err *err)
{
	for (; c->next < c->t.wanted.n && c->at < c->t.files.count; c->at++) {
		PRS_AUTOFREE char *path = prs_table_files_path(&c->t.files, c->at);
		if (!path)
			return nomem(err);
		if (!strcmp(path, c->t.wanted.v[c->next].path))
			return 0;
	}
	if (c->next == c->t.wanted.n)
		c->at = c->t.files.count;
	return 0;
}

/* From its first row, or from where the mini-batch began that had the rows. */
static int begin_rows(struct prs_cutter *c, struct prs_err *err)
{
	const struct prs_rows_wanted *w = &c->t.wanted.v[c->next];
	uint64_t offset;
	c->schema = c->t.schemas.all;
	int r = prs_sample_begin(&c->t.sample, c->at, c->t.scan.source, &offset, &c->own, &c->has_own, err);
	if (r < 0)
		return r;
	c->row = 0;
	if (c->is_passed && c->at == c->fed_file) {
		r = prs_table_scan_check(&c->t.scan, c->fed_size, c->fed_mtime_us, "when its first rows were planned",
		                         err);
		if (r < 0)
			return r;
	}
	if (is_as_it_was(c, w)) {
		c->row = w->hint_row;
		offset = w->offset;
	}
	prs_table_scan_begin(&c->t.scan, offset, UINT64_MAX, 1, only_record, c);
	return 0;
}

static int begin_file(struct prs_cutter *c, struct prs_err *err)
{
	int r = find_file(c, err);
	if (r < 0)
		return r;
	if (c->at == c->t.files.count) {
		c->stage = DONE;
		return c->next == c->t.wanted.n ? 0
		                                : prs_fail(err, PRS_EINPUT_CHANGED,
		                                           "%s: it is no file of the input any more, and rows of it "
		                                           "are to run again",
		                                           c->t.wanted.v[c->next].path);
	}
	r = prs_table_scan_open(&c->t.scan, prs_table_files_path(&c->t.files, c->at), err);
	return r < 0 ? r : begin_rows(c, err);
}

/* The scan came to the end of the file: none of its rows may be missing. */
static int end_file(struct prs_cutter *c, struct prs_err *err)
{
	const struct prs_rows_wanted *w = c->next < c->t.wanted.n ? &c->t.wanted.v[c->next] : NULL;
	if (w && !strcmp(w->path, prs_source_path(c->t.scan.source)))
		return prs_fail(err, PRS_EINPUT_CHANGED, "%s has %s, and row %llu is to run again",
		                prs_source_path(c->t.scan.source), prs_many(c->row, "row").text,
		                (unsigned long long)(w->row + c->taken + 1));
	prs_table_scan_close(&c->t.scan);
	c->at++;
	return 0;
}

/* Nothing more of this file, or more behind many rows that nobody wants. */
static int jump(struct prs_cutter *c, struct prs_err *err)
{
	const struct prs_rows_wanted *w = c->next < c->t.wanted.n ? &c->t.wanted.v[c->next] : NULL;
	c->jump = false;
	if (!w || strcmp(w->path, prs_source_path(c->t.scan.source)) != 0)
		return end_file(c, err);
	return begin_rows(c, err);
}

static int step_scan(struct prs_cutter *c, struct prs_err *err)
{
	if (!c->t.scan.source)
		return begin_file(c, err);
	int r = prs_table_scan_step(&c->t.scan, err);
	if (c->jump)
		return jump(c, err);
	if (r)
		return r < 0 ? r : 0;
	return c->jump ? jump(c, err) : end_file(c, err);
}

/* ---- the cutter -------------------------------------------------------------------------------------------------- */

/* Rows that an earlier plan has are wanted no more. */
static void pass_over_fed(struct prs_cutter *c)
{
	if (!c->is_fed || c->is_passed || !c->t.wanted.n)
		return;
	c->is_passed = true;
	PRS_AUTOFREE char *path = prs_table_files_path(&c->t.files, c->fed_file);
	size_t last = c->t.wanted.n;
	for (size_t i = 0; path && i < c->t.wanted.n; i++)
		if (!strcmp(c->t.wanted.v[i].path, path) && c->t.wanted.v[i].row < c->fed_row)
			last = i;
	if (last == c->t.wanted.n)
		return;
	c->at = c->fed_file;
	c->next = last;
	c->taken = c->fed_row - c->t.wanted.v[last].row;
	if (c->taken >= c->t.wanted.v[last].rows) {
		c->next++;
		c->taken = 0;
	}
}

/* Slices in front of the place that an error is about count, unless the file changed under them. */
static int put_rest(struct prs_cutter *c, int r, struct prs_err *err)
{
	if (r == 0)
		return put_slices(c, err);
	if (r != -PRS_EINPUT_CHANGED)
		put_slices(c, NULL);
	return r;
}

static int only_cut(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                    struct prs_err *err)
{
	int r = 0;
	if (!listed)
		return 0;
	prs_cut_table_begin(&c->t, t, body);
	for (unsigned steps = STEPS_A_CALL; r == 0 && steps && c->stage != DONE && c->packed.len < PACKED_BYTES;
	     steps--) {
		r = c->stage == SAMPLE ? step_sample(c, err) : step_scan(c, err);
		pass_over_fed(c);
	}
	r = put_rest(c, r, err);
	r = prs_cut_table_end(&c->t, r, err);
	return r < 0 ? r : c->stage != DONE;
}

static int only_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                     struct prs_err *err)
{
	if (r->type == PRS_PLAN_SCHEMA)
		return prs_schemas_feed(&c->t.schemas, r, t, err);
	if (r->type != PRS_PLAN_SLICES || r->u.slices.file < c->t.files.first ||
	    r->u.slices.file - c->t.files.first >= c->t.files.count)
		return prs_fail(err, PRS_ECORRUPT, "plan: mini-batches that do not follow from the files before them");
	struct prs_reader packed = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { .row = r->u.slices.row };
	while (packed.left && !packed.bad)
		prs_slice_next(&packed, false, &at);
	c->is_fed = true;
	c->fed_file = r->u.slices.file - c->t.files.first;
	c->fed_row = at.row + at.rows;
	c->fed_size = r->u.slices.size;
	c->fed_mtime_us = r->u.slices.mtime_us;
	t->ids += r->u.slices.count;
	t->items += c->fed_row - r->u.slices.row;
	return 0;
}

const struct prs_cutter_kind prs_cut_only = {
	PRS_INPUT_DELIMITED, PRS_FORMAT_MINOR_TABLES, true, only_new, only_free, only_take, only_cut, only_feed
};
const struct prs_cutter_kind prs_cut_only_lines = {
	PRS_INPUT_LINES, PRS_FORMAT_MINOR_TABLES, true, only_new, only_free, only_take, only_cut, only_feed
};
