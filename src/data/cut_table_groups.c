/* SPDX-License-Identifier: Apache-2.0
 * cut_table_groups: the rows of all files with the same values of their partition keys, which stand in their paths, are
 * a mini-batch.
 *
 * When the last file is there: a sample says the columns (SCHEMA); then group after group, in the order of groups.h,
 * each of its files is scanned, and the group is put (TABLE_GROUP); one without a row is none. Rows over the input are
 * counted in that order. When a file of a group cannot be read where it lies, all of the group goes into the spool.
 *
 * An earlier plan: the scan goes on behind the group that it has last. Size and mtime of each file must be as they were
 * when it was listed.
 */
#include "data/cut_table.h"

#include "base/mem.h"
#include "data/groups.h"

enum { STEPS_A_CALL = 256, CALL_BYTES = 4 << 20 }; /* of records, behind which a call begins no further step */
#define RANGES_MAX ((size_t)8 << 20)               /* bytes of one record */

/* The group that is scanned. */
struct group {
	size_t first, row, end; /* of the rows of groups: its first one, the one that is scanned, behind its last one */
	uint32_t file;          /* of the row */
	uint64_t rows, first_global_row;
	struct prs_buf ranges;
	bool is_begun;
};

/* The file of it that is scanned. */
struct file {
	uint64_t rows;
	uint32_t schema;
	bool has_own;       /* a schema that is in no record yet: */
	struct prs_buf own; /* its text */
};

struct prs_cutter {
	struct prs_cut_table t;
	struct prs_groups groups;
	enum { SAMPLE, SCAN, DONE } stage;
	struct group group;
	struct file file;
	uint64_t global_row;
	struct prs_buf fed; /* the keys of the last group of an earlier plan; empty: there is none */
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "grouping files by their keys"); }

static void table_groups_free(struct prs_cutter *c)
{
	if (!c)
		return;
	prs_groups_done(&c->groups);
	prs_cut_table_done(&c->t);
	prs_buf_done(&c->group.ranges);
	prs_buf_done(&c->file.own);
	prs_buf_done(&c->fed);
	prs_freep(&c);
}

static struct prs_cutter *table_groups_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c)
		return NULL;
	prs_buf_init(&c->group.ranges, RANGES_MAX);
	prs_buf_init(&c->file.own, PRS_SCHEMA_BYTES_MAX);
	prs_buf_init(&c->fed, UINT32_MAX);
	bool ok = prs_groups_init(&c->groups, in) == 0;
	c->groups.only = in->rows_only ? &c->t.wanted : NULL;
	if (prs_cut_table_init(&c->t, fs, in, input) == 0 && ok)
		return c;
	table_groups_free(c);
	return NULL;
}

static int table_groups_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	int r = prs_cut_table_take(&c->t, f, err);
	if (r == 0)
		r = prs_rows_list_see(&c->t.wanted, f, err);
	return r < 0 ? r : prs_groups_add(&c->groups, f, err);
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

/* Behind the group that an earlier plan has last. */
static void pass_over(struct prs_cutter *c)
{
	struct group *g = &c->group;
	const char *keys = (const char *)c->fed.data;
	prs_groups_sort(&c->groups);
	while (c->fed.len && g->row < c->groups.n &&
	       prs_groups_compare(&c->groups, keys, c->fed.len, &c->groups.rows[g->row]) >= 0)
		g->row++;
}

static int step_sample(struct prs_cutter *c, struct prs_err *err)
{
	int r = prs_sample_step(&c->t.sample, err);
	if (r)
		return r < 0 ? r : 0;
	c->stage = DONE;
	if (prs_sample_is_empty(&c->t.sample))
		return 0;
	r = prs_rows_list_all_seen(&c->t.wanted, err);
	if (r < 0)
		return r;
	pass_over(c);
	c->stage = c->group.row < c->groups.n ? SCAN : DONE;
	return prs_cut_table_schema(&c->t, err);
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* Its first file is the next one. */
static void begin_group(struct prs_cutter *c, size_t row)
{
	struct group *g = &c->group;
	g->first = g->row = row;
	g->end = prs_groups_end(&c->groups, row);
	g->file = 0;
	g->rows = 0;
	g->first_global_row = c->global_row;
	prs_buf_clear(&g->ranges);
	g->is_begun = true;
}

static int too_many(struct prs_err *err)
{
	return prs_fail(err, PRS_ELIMIT,
	                "a combination of partition keys with more than %zu files, or more rows than 32 bits count: "
	                "more keys make smaller groups",
	                RANGES_MAX / PRS_TABLE_RANGE_BYTES);
}

static int put_group(struct prs_cutter *c, struct prs_err *err)
{
	struct group *g = &c->group;
	const struct prs_groups_row *row = &c->groups.rows[g->end - 1];
	struct prs_plan_record r = { .type = PRS_PLAN_TABLE_GROUP };
	g->is_begun = false;
	r.u.table_group.id = c->t.total->ids;
	r.u.table_group.input = c->t.input;
	r.u.table_group.spool = c->t.scan.spool_all ? c->t.spool_epoch : 0;
	r.u.table_group.keys = prs_groups_keys(&c->groups, row);
	r.u.table_group.keys_bytes = row->keys_bytes;
	r.u.table_group.ranges = g->ranges.data;
	r.u.table_group.ranges_n = (uint32_t)(g->ranges.len / PRS_TABLE_RANGE_BYTES);
	c->t.scan.spool_all = false;
	if (g->row == c->groups.n)
		c->stage = DONE;
	if (!g->rows)
		return 0;
	int r2 = prs_spool_sync(&c->t.scan.spool, err);
	if (r2 < 0)
		return r2;
	prs_plan_put(c->t.body, &r);
	c->t.total->ids++;
	c->t.total->items += g->rows;
	return 0;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static uint64_t file_number(const struct prs_cutter *c) { return c->groups.rows[c->group.row].first + c->group.file; }

static int scan_slice(void *ctx, const struct prs_slice *s, struct prs_err *err)
{
	struct prs_cutter *c = ctx;
	struct file *f = &c->file;
	uint64_t file = file_number(c);
	if (f->has_own) {
		f->has_own = false;
		int r = prs_schemas_put_own(&c->t.schemas, file, &f->own, c->t.total, c->t.body, &f->schema, err);
		if (r < 0)
			return r;
	}
	struct prs_table_range at = { .file = file,
		                      .offset = s->offset + (c->t.scan.spool_all ? c->t.scan.base : 0),
		                      .bytes = s->bytes,
		                      .row = f->rows,
		                      .global_row = c->global_row,
		                      .rows = (uint32_t)s->rows,
		                      .schema = f->schema };
	prs_table_range_put(&c->group.ranges, &at);
	f->rows += s->rows;
	c->global_row += s->rows;
	c->group.rows += s->rows;
	if (c->group.ranges.failed == -PRS_ELIMIT || c->group.rows > UINT32_MAX)
		return too_many(err);
	return c->group.ranges.failed ? nomem(err) : 0;
}

/* The first file of the group that cannot be read where it lies: all of the group goes into the spool. */
static void begin_in_spool(struct prs_cutter *c)
{
	prs_table_scan_close(&c->t.scan);
	c->t.scan.spool_all = true;
	c->global_row = c->group.first_global_row;
	begin_group(c, c->group.first);
}

/* Rows over the input are counted as in the run whose groups run again. */
static void count_as_then(struct prs_cutter *c)
{
	const struct prs_rows_list *wanted = &c->t.wanted;
	size_t at;
	if (wanted->n && prs_rows_list_of(wanted, prs_source_path(c->t.scan.source), &at))
		c->global_row = wanted->v[wanted->by_path[at]].global_row;
}

static int begin_file(struct prs_cutter *c, struct prs_err *err)
{
	uint64_t offset, file = file_number(c) - c->t.files.first;
	int r = prs_table_scan_open(&c->t.scan, prs_table_files_path(&c->t.files, file), err);
	if (r < 0)
		return r;
	const uint8_t *stat = prs_table_files_stat(&c->t.files, file);
	r = prs_table_scan_check(&c->t.scan, prs_get64(stat), prs_get64(stat + 8), "when it was listed", err);
	if (r < 0)
		return r;
	if (prs_table_scan_is_spooled(&c->t.scan) && !c->t.scan.spool_all) {
		begin_in_spool(c);
		return 0;
	}
	count_as_then(c);
	c->file.schema = c->t.schemas.all;
	c->file.rows = 0;
	r = prs_sample_begin(&c->t.sample, file, c->t.scan.source, &offset, &c->file.own, &c->file.has_own, err);
	if (r == 0)
		prs_table_scan_begin(&c->t.scan, offset, UINT64_MAX, UINT64_MAX, scan_slice, c);
	return r;
}

static int end_file(struct prs_cutter *c, struct prs_err *err)
{
	struct group *g = &c->group;
	prs_table_scan_close(&c->t.scan);
	if (++g->file == c->groups.rows[g->row].count) {
		g->file = 0;
		g->row++;
	}
	return g->row == g->end ? put_group(c, err) : 0;
}

static int step_scan(struct prs_cutter *c, struct prs_err *err)
{
	if (!c->group.is_begun)
		begin_group(c, c->group.row);
	if (!c->t.scan.source)
		return begin_file(c, err);
	int r = prs_table_scan_step(&c->t.scan, err);
	if (r)
		return r < 0 ? r : 0;
	return end_file(c, err);
}

/* ---- the cutter -------------------------------------------------------------------------------------------------- */

static int table_groups_cut(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                            struct prs_err *err)
{
	size_t from = body->len;
	if (!listed)
		return 0;
	prs_cut_table_begin(&c->t, t, body);
	for (unsigned steps = STEPS_A_CALL; steps && c->stage != DONE && body->len - from < CALL_BYTES; steps--) {
		int r = c->stage == SAMPLE ? step_sample(c, err) : step_scan(c, err);
		if (r < 0)
			return r;
	}
	return c->stage != DONE;
}

static int table_groups_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                             struct prs_err *err)
{
	if (r->type == PRS_PLAN_SCHEMA)
		return prs_schemas_feed(&c->t.schemas, r, t, err);
	if (r->type != PRS_PLAN_TABLE_GROUP)
		return prs_fail(err, PRS_ECORRUPT, "plan: no groups of an input with partition keys");
	struct prs_plan_units units;
	prs_plan_units(r, &units);
	t->ids += units.ids;
	t->items += units.items;
	c->global_row += units.items;
	prs_buf_clear(&c->fed);
	return prs_buf_put(&c->fed, r->u.table_group.keys, r->u.table_group.keys_bytes) < 0 ? nomem(err) : 0;
}

const struct prs_cutter_kind prs_cut_table_groups = { .input_kind = PRS_INPUT_DELIMITED,
	                                              .minor = PRS_FORMAT_MINOR_TABLES,
	                                              .has_stats = true,
	                                              .new = table_groups_new,
	                                              .free = table_groups_free,
	                                              .take = table_groups_take,
	                                              .cut = table_groups_cut,
	                                              .feed = table_groups_feed };
const struct prs_cutter_kind prs_cut_line_groups = { .input_kind = PRS_INPUT_LINES,
	                                             .minor = PRS_FORMAT_MINOR_TABLES,
	                                             .has_stats = true,
	                                             .new = table_groups_new,
	                                             .free = table_groups_free,
	                                             .take = table_groups_take,
	                                             .cut = table_groups_cut,
	                                             .feed = table_groups_feed };
