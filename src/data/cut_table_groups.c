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
#include "data/cut.h"

#include "base/mem.h"
#include "data/groups.h"
#include "data/sample.h"
#include "data/schemas.h"
#include "data/table_scan.h"

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
	const struct prs_fs *fs;
	const char *list;            /* of what is to run again, NULL: all */
	struct prs_rows_list wanted; /* the files of its groups, as they are now */
	uint16_t input;
	uint32_t spool_epoch;
	struct prs_cut_total *total; /* of the call of cut() */
	struct prs_buf *body;
	struct prs_groups groups;
	struct prs_table_files files;
	struct prs_sample sample;
	struct prs_schemas schemas;
	struct prs_table_scan scan;
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
	prs_table_files_done(&c->files);
	prs_sample_done(&c->sample);
	prs_schemas_done(&c->schemas);
	prs_table_scan_done(&c->scan);
	prs_buf_done(&c->group.ranges);
	prs_buf_done(&c->file.own);
	prs_buf_done(&c->fed);
	prs_rows_list_done(&c->wanted);
	prs_freep(&c);
}

static struct prs_cutter *table_groups_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->fs = fs;
	c->list = in->rows_only;
	c->input = input;
	c->spool_epoch = in->epoch ? in->epoch : 1; /* nobody reads where there is none */
	prs_sample_init(&c->sample, fs, in, &c->files);
	c->sample.then = &c->wanted;
	prs_schemas_init(&c->schemas, input);
	prs_buf_init(&c->group.ranges, RANGES_MAX);
	prs_buf_init(&c->file.own, PRS_SCHEMA_BYTES_MAX);
	prs_buf_init(&c->fed, UINT32_MAX);
	bool ok = prs_groups_init(&c->groups, in) == 0;
	c->groups.only = in->rows_only ? &c->wanted : NULL;
	if (prs_table_scan_init(&c->scan, fs, in->table, in->spool, in->warnings) == 0 && ok)
		return c;
	table_groups_free(c);
	return NULL;
}

static int table_groups_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	if (prs_table_files_add(&c->files, f) < 0)
		return nomem(err);
	int r = prs_rows_list_once(&c->wanted, c->fs, c->list, err);
	if (r == 0)
		r = prs_rows_list_see(&c->wanted, f, err);
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
	PRS_AUTOBUF json;
	prs_buf_init(&json, PRS_SCHEMA_BYTES_MAX);
	int r = prs_sample_step(&c->sample, err);
	if (r)
		return r < 0 ? r : 0;
	c->stage = DONE;
	if (prs_sample_is_empty(&c->sample))
		return 0;
	r = prs_rows_list_all_seen(&c->wanted, err);
	if (r < 0)
		return r;
	pass_over(c);
	c->stage = c->group.row < c->groups.n ? SCAN : DONE;
	r = prs_sample_schema(&c->sample, &json, err);
	return r < 0 ? r : prs_schemas_put_all(&c->schemas, &json, c->total, c->body, err);
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
	r.u.table_group.id = c->total->ids;
	r.u.table_group.input = c->input;
	r.u.table_group.spool = c->scan.spool_all ? c->spool_epoch : 0;
	r.u.table_group.keys = prs_groups_keys(&c->groups, row);
	r.u.table_group.keys_bytes = row->keys_bytes;
	r.u.table_group.ranges = g->ranges.data;
	r.u.table_group.ranges_n = (uint32_t)(g->ranges.len / PRS_TABLE_RANGE_BYTES);
	c->scan.spool_all = false;
	if (g->row == c->groups.n)
		c->stage = DONE;
	if (!g->rows)
		return 0;
	int r2 = prs_spool_sync(&c->scan.spool, err);
	if (r2 < 0)
		return r2;
	prs_plan_put(c->body, &r);
	c->total->ids++;
	c->total->items += g->rows;
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
		int r = prs_schemas_put_own(&c->schemas, file, &f->own, c->total, c->body, &f->schema, err);
		if (r < 0)
			return r;
	}
	struct prs_table_range at = { .file = file,
		                      .offset = s->offset + (c->scan.spool_all ? c->scan.base : 0),
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
	prs_table_scan_close(&c->scan);
	c->scan.spool_all = true;
	c->global_row = c->group.first_global_row;
	begin_group(c, c->group.first);
}

/* Rows over the input are counted as in the run whose groups run again. */
static void count_as_then(struct prs_cutter *c)
{
	size_t at;
	if (c->wanted.n && prs_rows_list_of(&c->wanted, prs_source_path(c->scan.source), &at))
		c->global_row = c->wanted.v[c->wanted.by_path[at]].global_row;
}

static int begin_file(struct prs_cutter *c, struct prs_err *err)
{
	uint64_t offset, file = file_number(c) - c->files.first;
	int r = prs_table_scan_open(&c->scan, prs_table_files_path(&c->files, file), err);
	if (r < 0)
		return r;
	const uint8_t *stat = prs_table_files_stat(&c->files, file);
	r = prs_table_scan_check(&c->scan, prs_get64(stat), prs_get64(stat + 8), "when it was listed", err);
	if (r < 0)
		return r;
	if (prs_table_scan_is_spooled(&c->scan) && !c->scan.spool_all) {
		begin_in_spool(c);
		return 0;
	}
	count_as_then(c);
	c->file.schema = c->schemas.all;
	c->file.rows = 0;
	r = prs_sample_begin(&c->sample, file, c->scan.source, &offset, &c->file.own, &c->file.has_own, err);
	if (r == 0)
		prs_table_scan_begin(&c->scan, offset, UINT64_MAX, UINT64_MAX, scan_slice, c);
	return r;
}

static int end_file(struct prs_cutter *c, struct prs_err *err)
{
	struct group *g = &c->group;
	prs_table_scan_close(&c->scan);
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
	if (!c->scan.source)
		return begin_file(c, err);
	int r = prs_table_scan_step(&c->scan, err);
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
	c->total = t;
	c->body = body;
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
		return prs_schemas_feed(&c->schemas, r, t, err);
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
