/* SPDX-License-Identifier: Apache-2.0
 * cut_slices: rows of a text file that follow each other are a mini-batch: as many as fit into so many bytes, or so
 * many of them; never rows of two files.
 *
 * When the last file is there: a sample says the columns (SCHEMA), then file after file is scanned (SLICES). A step is
 * a file of the sample, or a block of the scan. A file whose columns stand in another order has a schema of its own.
 *
 * An earlier plan: its sample is taken again and must say the same; the scan goes on where its last slice ends, in a
 * file that must be as it was.
 */
#include "data/cut_table.h"

#include "base/mem.h"

enum {
	STEPS_A_CALL = 128,      /* blocks of PRS_TABLE_BLOCK_BYTES */
	PACKED_BYTES = 32 << 10, /* behind which a call scans no further block */
	GAP_BYTES = 64 << 10     /* of records that are no rows, which a slice may begin with */
};

/* Where the slices of the file end that are planned, or wait. */
struct end {
	uint64_t offset, row;
	uint32_t schema;
	bool has_own;       /* a schema that is in no record yet: */
	struct prs_buf own; /* its text */
};

/* Slices that are in no record yet. */
struct pending {
	struct prs_buf packed;
	uint64_t offset, row, global_row;
	uint32_t count;
};

struct prs_cutter {
	struct prs_cut_table t;
	struct prs_batch_size size;
	enum { SAMPLE, SCAN, DONE } stage;
	uint64_t at; /* the file that is scanned, from 0 */
	struct end end;
	uint64_t global_row;
	struct pending pending;
	/* Of an earlier plan: its last slices. */
	uint64_t fed_file, fed_size, fed_mtime_us;
	uint32_t fed_schema;
	uint64_t fed_rows; /* of the file that is scanned, which its text in the spool has again */
	bool is_fed;
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "making mini-batches of rows"); }

static void slices_free(struct prs_cutter *c)
{
	if (!c)
		return;
	prs_cut_table_done(&c->t);
	prs_buf_done(&c->end.own);
	prs_buf_done(&c->pending.packed);
	prs_freep(&c);
}

static struct prs_cutter *slices_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->size = in->size;
	prs_buf_init(&c->end.own, PRS_SCHEMA_BYTES_MAX);
	prs_buf_init(&c->pending.packed, UINT32_MAX);
	if (prs_cut_table_init(&c->t, fs, in, input) == 0)
		return c;
	slices_free(c);
	return NULL;
}

static int slices_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
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
	c->at = c->is_fed ? c->fed_file : c->t.sample.first;
	return prs_cut_table_schema(&c->t, err);
}

/* ---- the scan ---------------------------------------------------------------------------------------------------- */

/* Before the first slices of the file: one without rows has none. */
static int put_own_schema(struct prs_cutter *c, struct prs_err *err)
{
	if (!c->end.has_own)
		return 0;
	c->end.has_own = false;
	return prs_schemas_put_own(&c->t.schemas, c->t.files.first + c->at, &c->end.own, c->t.total, c->t.body,
	                           &c->end.schema, err);
}

/* The slices that wait become a record. */
static int put_slices(struct prs_cutter *c, struct prs_err *err)
{
	struct pending *p = &c->pending;
	int k = p->count ? put_own_schema(c, err) : 0;
	if (k < 0 || !p->count)
		return k;
	struct prs_plan_record r = { .type = PRS_PLAN_SLICES };
	r.u.slices.file = c->t.files.first + c->at;
	r.u.slices.first_id = c->t.total->ids;
	bool spooled = prs_table_scan_is_spooled(&c->t.scan);
	r.u.slices.spool = spooled ? c->t.spool_epoch : 0;
	r.u.slices.offset = p->offset + (spooled ? c->t.scan.base : 0);
	r.u.slices.row = p->row;
	r.u.slices.global_row = p->global_row;
	r.u.slices.size = prs_source_stat(c->t.scan.source)->size;
	r.u.slices.mtime_us = prs_source_stat(c->t.scan.source)->mtime_us;
	r.u.slices.schema = c->end.schema;
	r.u.slices.count = p->count;
	r.u.slices.bytes = (uint32_t)p->packed.len;
	r.u.slices.input = c->t.input;
	r.u.slices.packed = p->packed.data;
	prs_plan_put(c->t.body, &r);
	c->t.total->ids += p->count;
	c->t.total->items += c->global_row - p->global_row;
	p->count = 0;
	prs_buf_clear(&p->packed);
	return 0;
}

/* Slices of a text in the spool that an earlier life planned, and put into its own. */
static int pass_over(struct prs_cutter *c, const struct prs_slice *s)
{
	c->end.offset = s->offset + s->bytes;
	c->end.row += s->rows;
	return 0;
}

/* Records that are no rows belong to the slice behind them, unless they are many. */
static int scan_slice(void *ctx, const struct prs_slice *s, struct prs_err *err)
{
	struct prs_cutter *c = ctx;
	struct pending *p = &c->pending;
	if (c->end.row < c->fed_rows)
		return pass_over(c, s);
	if (s->offset - c->end.offset > GAP_BYTES) {
		int r = put_slices(c, err);
		if (r < 0)
			return r;
		c->end.offset = s->offset;
	}
	if (!p->count) {
		p->offset = c->end.offset;
		p->row = c->end.row;
		p->global_row = c->global_row;
	}
	uint64_t end = s->offset + s->bytes;
	if (prs_slice_put(&p->packed, false, (uint32_t)s->rows, end - c->end.offset) < 0)
		return nomem(err);
	p->count++;
	c->end.offset = end;
	c->end.row += s->rows;
	c->global_row += s->rows;
	return 0;
}

/* Where the rows of a file begin, and its schema. */
static int begin_rows(struct prs_cutter *c, struct prs_err *err)
{
	c->end.schema = c->t.schemas.all;
	c->end.row = c->fed_rows = 0;
	return prs_sample_begin(&c->t.sample, c->at, c->t.scan.source, &c->end.offset, &c->end.own, &c->end.has_own,
	                        err);
}

/* Behind the rows that an earlier plan has, which are those of c->end. A text in the spool is made again from its
 * beginning, and what was planned of it is passed over. */
static int go_on(struct prs_cutter *c, struct prs_err *err)
{
	int r = prs_table_scan_check(&c->t.scan, c->fed_size, c->fed_mtime_us, "when its first rows were planned", err);
	if (r == 0 && prs_table_scan_is_spooled(&c->t.scan)) {
		uint64_t rows = c->end.row;
		r = begin_rows(c, err);
		c->fed_rows = rows;
	}
	c->end.schema = c->fed_schema;
	c->end.has_own = false;
	return r;
}

static int begin_file(struct prs_cutter *c, struct prs_err *err)
{
	int r = prs_table_scan_open(&c->t.scan, prs_table_files_path(&c->t.files, c->at), err);
	if (r < 0)
		return r;
	r = c->is_fed && c->at == c->fed_file ? go_on(c, err) : begin_rows(c, err);
	if (r < 0)
		return r;
	bool by_rows = c->size.unit == PRS_SIZE_ROWS;
	prs_table_scan_begin(&c->t.scan, c->end.offset, by_rows ? UINT64_MAX : c->size.n,
	                     by_rows ? c->size.n : UINT64_MAX, scan_slice, c);
	return 0;
}

static int end_file(struct prs_cutter *c, struct prs_err *err)
{
	int r = put_slices(c, err);
	if (r < 0)
		return r;
	prs_table_scan_close(&c->t.scan);
	c->stage = ++c->at < c->t.files.count ? SCAN : DONE;
	return 0;
}

static int step_scan(struct prs_cutter *c, struct prs_err *err)
{
	if (!c->t.scan.source)
		return begin_file(c, err);
	int r = prs_table_scan_step(&c->t.scan, err);
	if (r)
		return r < 0 ? r : 0;
	return end_file(c, err);
}

/* ---- the cutter -------------------------------------------------------------------------------------------------- */

/* Slices in front of the place that an error is about count, unless the file changed under them. */
static int put_rest(struct prs_cutter *c, int r, struct prs_err *err)
{
	if (r == 0)
		return put_slices(c, err);
	if (r != -PRS_EINPUT_CHANGED)
		put_slices(c, NULL);
	return r;
}

static int slices_cut(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                      struct prs_err *err)
{
	int r = 0;
	if (!listed)
		return 0;
	prs_cut_table_begin(&c->t, t, body);
	for (unsigned steps = STEPS_A_CALL; r == 0 && steps && c->stage != DONE && c->pending.packed.len < PACKED_BYTES;
	     steps--)
		r = c->stage == SAMPLE ? step_sample(c, err) : step_scan(c, err);
	r = put_rest(c, r, err);
	r = prs_cut_table_end(&c->t, r, err);
	return r < 0 ? r : c->stage != DONE;
}

static int slices_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                       struct prs_err *err)
{
	if (r->type == PRS_PLAN_SCHEMA)
		return prs_schemas_feed(&c->t.schemas, r, t, err);
	if (r->type != PRS_PLAN_SLICES || r->u.slices.file < c->t.files.first ||
	    r->u.slices.file - c->t.files.first >= c->t.files.count)
		return prs_fail(err, PRS_ECORRUPT, "plan: mini-batches that do not follow from the files before them");
	struct prs_reader packed = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { .offset = r->u.slices.offset,
		                      .row = r->u.slices.row,
		                      .global_row = r->u.slices.global_row };
	while (packed.left && !packed.bad)
		prs_slice_next(&packed, false, &at);
	c->is_fed = true;
	c->fed_file = r->u.slices.file - c->t.files.first;
	c->fed_size = r->u.slices.size;
	c->fed_mtime_us = r->u.slices.mtime_us;
	c->fed_schema = r->u.slices.schema;
	c->end.offset = at.offset + at.bytes;
	c->end.row = at.row + at.rows;
	c->global_row = at.global_row + at.rows;
	t->ids += r->u.slices.count;
	t->items += c->global_row - r->u.slices.global_row;
	return 0;
}

const struct prs_cutter_kind prs_cut_slices = {
	PRS_INPUT_DELIMITED, PRS_FORMAT_MINOR_TABLES, true, slices_new, slices_free, slices_take, slices_cut,
	slices_feed
};
const struct prs_cutter_kind prs_cut_lines = {
	PRS_INPUT_LINES, PRS_FORMAT_MINOR_TABLES, true, slices_new, slices_free, slices_take, slices_cut, slices_feed
};
