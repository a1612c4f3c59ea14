/* SPDX-License-Identifier: Apache-2.0
 * cut_parquet: row groups of a Parquet file that follow each other are a mini-batch, or so many rows; never rows of two
 * files.
 *
 * When the last file is there, footers are asked for (footers.h): those of the first files, up to one with rows; those
 * of a sample over the input, which say the columns and their types (SCHEMA); those of all files, whose row groups
 * become mini-batches (PARQUET). All files have the same columns, in any order. A file that was not in the sample and
 * has a type that is wider has a schema of its own. Names that begin with _ or . are no data, as other readers of
 * Parquet folders have it (_SUCCESS, _metadata).
 *
 * With partition keys in the paths all rows of the files with the same values are a mini-batch (TABLE_GROUP), in the
 * order of groups.h. Keys that are columns are refused.
 *
 * Where only some rows are to run again (rows_list.h), what the mini-batches have of them is one each; of groups, the
 * rows of their files are all that the files have now. Types are those of the run that had them.
 *
 * An earlier plan: the sample is taken again and must say the same; it goes on behind the rows of its last file, which
 * must be as it was, or behind its last group.
 */
#include "data/cut.h"

#include "base/many.h"
#include "base/mem.h"
#include "data/footers.h"
#include "data/groups.h"
#include "data/named.h"
#include "data/parquet_columns.h"
#include "data/row_groups.h"
#include "data/rows_list.h"
#include "data/schemas.h"
#include "data/table_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum {
	STEPS_A_CALL = 256,      /* footers */
	ASK_FILES = 64,          /* at once, but for the first one */
	PACKED_BYTES = 32 << 10, /* behind which a call goes no further */
	ASK_BYTES = ASK_FILES * (PATH_MAX + 16)
};
#define RANGES_MAX ((size_t)8 << 20) /* bytes of one group */

enum stage { FIRST, SAMPLE, FILES, DONE };
/* FIRST   which file has rows? Its names
 * SAMPLE  types of some files
 * FILES   mini-batches of all
 */

struct prs_cutter {
	const struct prs_fs *fs;
	const struct prs_list_input *in;
	struct prs_cut_total *total; /* of the call of cut() */
	struct prs_buf *body;
	struct prs_table_files files;
	struct prs_schemas schemas;
	enum stage stage;
	uint64_t first;  /* the first file with rows */
	uint64_t to_ask; /* the next file of the stage; SAMPLE: its place in the sample */
	/* Files that were asked for, [asked_at, asked_n) without an answer yet. */
	uint64_t asked[ASK_FILES];
	unsigned asked_at, asked_n;
	struct prs_buf ask, answer;
	struct prs_parquet_columns columns;
	/* The file that is being cut, while `answer` has its footer. */
	bool is_cutting;
	uint64_t file, file_rows, size, mtime_us;
	uint32_t schema;
	struct prs_row_groups groups;
	uint64_t global_row;
	/* Mini-batches that are in no record yet. */
	struct {
		struct prs_buf packed;
		uint64_t row, global_row;
		uint32_t count;
	} pending;
	/* What is to run again; of the file that is being cut the next rows, and how many of them are left. */
	struct prs_rows_list wanted;
	size_t wanted_at, wanted_left;
	/* Of an earlier plan: its last mini-batch. */
	bool is_fed;
	uint64_t fed_file, fed_rows, fed_size, fed_mtime_us, passed_over;
	uint16_t input;
	/* With keys. */
	bool has_groups;
	struct prs_groups groups_of;
	size_t asked_row[ASK_FILES]; /* of groups_of, for each of `asked` */
	struct {
		size_t ask_row, row,
			end; /* the next row to ask for; the group that is open: a row of it, behind its last one */
		uint32_t ask_file;
		uint64_t rows;
		struct prs_buf ranges;
	} group;
	struct prs_buf fed_keys; /* of the last group of an earlier plan; empty: there is none */
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "making mini-batches of Parquet files"); }

/* ---- its life ---------------------------------------------------------------------------------------------------- */

static void parquet_free(struct prs_cutter *c)
{
	if (!c)
		return;
	prs_table_files_done(&c->files);
	prs_schemas_done(&c->schemas);
	prs_buf_done(&c->ask);
	prs_buf_done(&c->answer);
	prs_buf_done(&c->pending.packed);
	prs_parquet_columns_done(&c->columns);
	if (c->has_groups)
		prs_groups_done(&c->groups_of);
	prs_buf_done(&c->group.ranges);
	prs_buf_done(&c->fed_keys);
	prs_rows_list_done(&c->wanted);
	prs_freep(&c);
}

static struct prs_cutter *parquet_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->fs = fs;
	c->in = in;
	c->input = input;
	c->columns.warnings = in->warnings;
	prs_schemas_init(&c->schemas, input);
	prs_buf_init(&c->ask, ASK_BYTES);
	prs_buf_init(&c->answer, PRS_FOOTERS_FRAME_MAX);
	prs_buf_init(&c->pending.packed, UINT32_MAX);
	prs_buf_init(&c->group.ranges, RANGES_MAX);
	prs_buf_init(&c->fed_keys, UINT32_MAX);
	return c;
}

static struct prs_cutter *groups_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	struct prs_cutter *c = parquet_new(fs, in, input);
	if (!c)
		return NULL;
	c->has_groups = true;
	if (prs_groups_init(&c->groups_of, in) == 0) {
		c->groups_of.only = in->rows_only ? &c->wanted : NULL;
		return c;
	}
	parquet_free(c);
	return NULL;
}

static int parquet_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	const char *name = f->names;
	for (uint32_t i = 0; i < f->count; i++, name += strlen(name) + 1)
		c->passed_over += !prs_parquet_is_data(name);
	int r = prs_rows_list_once(&c->wanted, c->fs, c->in->rows_only, err);
	if (r == 0)
		r = prs_rows_list_see(&c->wanted, f, err);
	if (r < 0)
		return r;
	return prs_table_files_add(&c->files, f) < 0 ? nomem(err) : 0;
}

/* Files that are no data have no keys either. */
static int groups_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	const char *name = f->names;
	int r = parquet_take(c, f, err);
	for (uint32_t i = 0; i < f->count && r == 0; i++, name += strlen(name) + 1) {
		struct prs_cut_files one = { f->folder, name, 1, f->first + i, NULL };
		if (prs_parquet_is_data(name))
			r = prs_groups_add(&c->groups_of, &one, err);
	}
	return r;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* The k-th file of the sample: they are spread over all, from the first with rows on. */
static uint64_t sampled_file(const struct prs_cutter *c, uint64_t k)
{
	uint64_t files = c->files.count - c->first;
	if (files <= PRS_TABLE_INFER_FILES)
		return c->first + k;
	uint64_t each = files / PRS_TABLE_INFER_FILES, rest = files % PRS_TABLE_INFER_FILES;
	return c->first + k * each + k * rest / PRS_TABLE_INFER_FILES;
}

static bool next_of_group(struct prs_cutter *c, uint64_t *ret)
{
	if (c->group.ask_row == c->groups_of.n)
		return false;
	const struct prs_groups_row *row = &c->groups_of.rows[c->group.ask_row];
	c->asked_row[c->asked_n] = c->group.ask_row;
	*ret = row->first - c->files.first + c->group.ask_file++;
	if (c->group.ask_file == row->count) {
		c->group.ask_file = 0;
		c->group.ask_row++;
	}
	return true;
}

/* The next file of the stage; false: there is none. */
static bool next_file(struct prs_cutter *c, uint64_t *ret)
{
	uint64_t files = c->files.count;
	if (c->stage == SAMPLE) {
		if (c->to_ask == PRS_TABLE_INFER_FILES || c->to_ask == files - c->first)
			return false;
		*ret = sampled_file(c, c->to_ask++);
		return true;
	}
	if (c->has_groups && c->stage == FILES)
		return next_of_group(c, ret);
	if (c->to_ask == files)
		return false;
	*ret = c->to_ask++;
	return true;
}

/* One file alone first: a job of one file needs no more, and the first mini-batch does not wait for others. */
static unsigned most_at_once(const struct prs_cutter *c) { return c->stage == FIRST && !c->to_ask ? 1 : ASK_FILES; }

/* Of files without a row that is to run again only the first ones and those of the sample are. */
static bool is_asked(const struct prs_cutter *c, const char *path)
{
	size_t at;
	return c->stage != FILES || !c->in->rows_only || prs_rows_list_of(&c->wanted, path, &at);
}

static int put_paths(struct prs_cutter *c, char **ret_about, struct prs_err *err)
{
	unsigned most = most_at_once(c);
	uint64_t file;
	c->asked_at = c->asked_n = 0;
	while (c->asked_n < most && next_file(c, &file)) {
		char *path = prs_table_files_path(&c->files, file);
		if (!path)
			return nomem(err);
		bool data = prs_parquet_is_data(strrchr(path, '/') + 1) && is_asked(c, path);
		if (data) {
			prs_footers_put_path(&c->ask, path);
			c->asked[c->asked_n++] = file;
		}
		if (data && !*ret_about)
			*ret_about = path;
		else
			prs_freep(&path);
	}
	return 0;
}

/* Asks for the next files of the stage: 1 = there are none. */
static int ask(struct prs_cutter *c, struct prs_err *err)
{
	PRS_AUTOFREE char *about = NULL;
	uint32_t flags = c->stage == SAMPLE ? PRS_FOOTERS_NULLS : 0;
	prs_buf_clear(&c->ask);
	prs_footers_put_ask(&c->ask, flags);
	int r = put_paths(c, &about, err);
	if (r < 0 || !c->asked_n)
		return r < 0 ? r : 1;
	if (c->ask.failed)
		return nomem(err);
	prs_footers_end_ask(&c->ask, c->asked_n);
	if (!c->in->footers)
		return prs_fail(err, PRS_EHELPER, "nobody reads the footers of Parquet files here");
	return c->in->footers->ask(c->in->footers->ctx, &c->ask, about, err);
}

/* A file that is not there, or may not be read, is told with the code of that. */
static int refused(struct prs_cutter *c, const char *path, const struct prs_footer *f, struct prs_err *err)
{
	int fd = c->fs->open(c->fs->ctx, path, O_RDONLY, 0);
	if (fd < 0)
		return prs_fail_errno(err, -fd, "%s", path);
	c->fs->close(c->fs->ctx, fd);
	return prs_fail(err, PRS_EINVALID, "%s: %.*s", path, (int)f->why.n, f->why.p);
}

/* The footer of the next file that was asked for; into *ret_path, which the caller frees, its path. */
static int answer(struct prs_cutter *c, uint64_t *ret_file, char **ret_path, struct prs_footer *ret,
                  struct prs_err *err)
{
	*ret_file = c->asked[c->asked_at++];
	*ret_path = prs_table_files_path(&c->files, *ret_file);
	if (!*ret_path)
		return nomem(err);
	int r = c->in->footers->answer(c->in->footers->ctx, &c->answer, *ret_path, err);
	if (r == 0)
		r = prs_footers_get(c->answer.data, c->answer.len, ret, err);
	if (r == 0 && ret->refused)
		r = refused(c, *ret_path, ret, err);
	return r;
}

/* ---- mini-batches ------------------------------------------------------------------------------------------------ */

static void put_pending(struct prs_cutter *c)
{
	if (!c->pending.count)
		return;
	struct prs_plan_record r = { .type = PRS_PLAN_PARQUET };
	r.u.slices.file = c->files.first + c->file;
	r.u.slices.first_id = c->total->ids;
	r.u.slices.row = c->pending.row;
	r.u.slices.global_row = c->pending.global_row;
	r.u.slices.size = c->size;
	r.u.slices.mtime_us = c->mtime_us;
	r.u.slices.schema = c->schema;
	r.u.slices.count = c->pending.count;
	r.u.slices.bytes = (uint32_t)c->pending.packed.len;
	r.u.slices.input = c->input;
	r.u.slices.packed = c->pending.packed.data;
	prs_plan_put(c->body, &r);
	c->total->ids += c->pending.count;
	c->total->items += c->global_row - c->pending.global_row;
	c->pending.count = 0;
	prs_buf_clear(&c->pending.packed);
}

/* The rows of the next mini-batch; 0: there is none. */
static uint32_t next_rows(struct prs_cutter *c, uint64_t *row, uint64_t *global_row)
{
	*row = c->file_rows;
	*global_row = c->global_row;
	if (!c->in->rows_only)
		return prs_row_groups_next(&c->groups);
	for (; c->wanted_left; c->wanted_at++, c->wanted_left--) {
		const struct prs_rows_wanted *w = &c->wanted.v[c->wanted.by_path[c->wanted_at]];
		uint32_t rows = prs_row_groups_within(&c->groups, w->row, w->row + w->rows, row);
		*global_row = w->global_row + (*row - w->row);
		if (rows)
			return rows;
	}
	return 0;
}

/* The rows of the file that are to run again: it must have them. */
static int begin_wanted(struct prs_cutter *c, const char *path, const struct prs_footer *f, struct prs_err *err)
{
	if (!c->in->rows_only)
		return 0;
	c->wanted_left = prs_rows_list_of(&c->wanted, path, &c->wanted_at);
	for (size_t i = 0; i < c->wanted_left; i++) {
		const struct prs_rows_wanted *w = &c->wanted.v[c->wanted.by_path[c->wanted_at + i]];
		if (w->row + w->rows > f->rows)
			return prs_fail(err, PRS_EINPUT_CHANGED, "%s has %s, and row %" PRIu64 " is to run again", path,
			                prs_many(f->rows, "row").text, w->row < f->rows ? f->rows + 1 : w->row + 1);
	}
	return 0;
}

/* Mini-batches of the file, as many as a record takes. */
static int cut_some(struct prs_cutter *c, struct prs_err *err)
{
	uint64_t row, global_row;
	uint32_t rows;
	while (c->pending.packed.len < PACKED_BYTES && (rows = next_rows(c, &row, &global_row))) {
		if (!c->pending.count || row != c->file_rows) {
			put_pending(c);
			c->pending.row = row;
			c->pending.global_row = global_row;
		}
		if (prs_slice_put(&c->pending.packed, true, rows, 0) < 0)
			return nomem(err);
		c->pending.count++;
		c->file_rows = row + rows;
		c->global_row = global_row + rows;
	}
	c->is_cutting = c->pending.packed.len >= PACKED_BYTES;
	put_pending(c);
	return 0;
}

/* Behind the rows that an earlier plan has of the file. */
static int go_on(struct prs_cutter *c, const char *path, const struct prs_footer *f, struct prs_err *err)
{
	uint64_t rows = 0, row, global_row;
	uint32_t n;
	while (rows < c->fed_rows && (n = next_rows(c, &row, &global_row))) {
		rows = row + n;
		c->file_rows = rows;
	}
	if (rows == c->fed_rows && f->size == c->fed_size && f->mtime_us == c->fed_mtime_us)
		return 0;
	return prs_fail(err, PRS_EINPUT_CHANGED,
	                "%s: size or time of change is not as it was when its first rows were planned", path);
}

static int begin_file(struct prs_cutter *c, uint64_t file, const char *path, const struct prs_footer *f,
                      struct prs_err *err)
{
	struct prs_parquet_file *columns;
	int r = begin_wanted(c, path, f, err);
	if (r == 0)
		r = prs_parquet_columns_of(&c->columns, f, &columns, err);
	if (r < 0 || !f->rows)
		return r;
	r = prs_parquet_columns_check(&c->columns, columns, path, err);
	if (r < 0)
		return r;
	c->file = file;
	c->file_rows = 0;
	c->size = f->size;
	c->mtime_us = f->mtime_us;
	c->schema = c->schemas.all;
	prs_row_groups_init(&c->groups, f, c->in->size);
	if (columns->own.len)
		r = prs_schemas_put_own(&c->schemas, c->files.first + file, &columns->own, c->total, c->body,
		                        &c->schema, err);
	if (r == 0 && c->is_fed && file == c->fed_file)
		r = go_on(c, path, f, err);
	c->is_cutting = r == 0;
	return r;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static void put_group(struct prs_cutter *c)
{
	if (!c->group.rows)
		return;
	const struct prs_groups_row *row = &c->groups_of.rows[c->group.row];
	struct prs_plan_record r = { .type = PRS_PLAN_TABLE_GROUP };
	r.u.table_group.id = c->total->ids;
	r.u.table_group.input = c->input;
	r.u.table_group.keys = prs_groups_keys(&c->groups_of, row);
	r.u.table_group.keys_bytes = row->keys_bytes;
	r.u.table_group.ranges = c->group.ranges.data;
	r.u.table_group.ranges_n = (uint32_t)(c->group.ranges.len / PRS_TABLE_RANGE_BYTES);
	prs_plan_put(c->body, &r);
	c->total->ids++;
	c->total->items += c->group.rows;
	c->group.rows = 0;
	prs_buf_clear(&c->group.ranges);
}

static int add_file(struct prs_cutter *c, uint64_t file, const char *path, uint64_t rows, uint32_t schema,
                    struct prs_err *err)
{
	size_t wanted;
	if (c->in->rows_only && prs_rows_list_of(&c->wanted, path, &wanted))
		c->global_row = c->wanted.v[c->wanted.by_path[wanted]].global_row;
	struct prs_table_range at = { .file = c->files.first + file,
		                      .global_row = c->global_row,
		                      .rows = (uint32_t)rows,
		                      .schema = schema };
	c->global_row += rows;
	c->group.rows += rows;
	prs_table_range_put(&c->group.ranges, &at);
	if (c->group.ranges.failed == -PRS_ELIMIT || c->group.rows > UINT32_MAX)
		return prs_fail(err, PRS_ELIMIT,
		                "a combination of partition keys with more than %zu files, or more rows than 32 bits "
		                "count: more keys make smaller groups",
		                RANGES_MAX / PRS_TABLE_RANGE_BYTES);
	return c->group.ranges.failed ? nomem(err) : 0;
}

/* The rows of a file belong to the open group, or begin the next one. */
static int group_file(struct prs_cutter *c, uint64_t file, const char *path, const struct prs_footer *f,
                      struct prs_err *err)
{
	size_t row = c->asked_row[c->asked_at - 1];
	const uint8_t *stat = prs_table_files_stat(&c->files, file);
	struct prs_parquet_file *columns;
	uint32_t schema = c->schemas.all;
	if (row >= c->group.end) {
		put_group(c);
		c->group.row = row;
		c->group.end = prs_groups_end(&c->groups_of, row);
	}
	int r = prs_parquet_columns_of(&c->columns, f, &columns, err);
	if (r < 0 || !f->rows)
		return r;
	if (!stat || f->size != prs_get64(stat) || f->mtime_us != prs_get64(stat + 8))
		return prs_fail(err, PRS_EINPUT_CHANGED,
		                "%s: size or time of change is not as it was when it was listed", path);
	r = prs_parquet_columns_check(&c->columns, columns, path, err);
	if (r == 0 && columns->own.len)
		r = prs_schemas_put_own(&c->schemas, c->files.first + file, &columns->own, c->total, c->body, &schema,
		                        err);
	return r < 0 ? r : add_file(c, file, path, f->rows, schema, err);
}

/* Behind the group that an earlier plan has last. */
static void begin_groups(struct prs_cutter *c)
{
	const char *keys = (const char *)c->fed_keys.data;
	prs_groups_sort(&c->groups_of);
	while (c->fed_keys.len && c->group.ask_row < c->groups_of.n &&
	       prs_groups_compare(&c->groups_of, keys, c->fed_keys.len, &c->groups_of.rows[c->group.ask_row]) >= 0)
		c->group.ask_row++;
}

/* ---- stages ------------------------------------------------------------------------------------------------------ */

static int take_first(struct prs_cutter *c, uint64_t file, const char *path, const struct prs_footer *f,
                      struct prs_err *err)
{
	struct prs_parquet_file *columns;
	int r = prs_parquet_columns_of(&c->columns, f, &columns, err);
	if (r < 0 || !f->rows || c->columns.all.names.n)
		return r;
	if (!columns->names.n)
		return prs_fail(err, PRS_EINVALID, "%s has rows and no columns", path);
	c->first = file;
	return prs_parquet_columns_begin(&c->columns, columns, path, err);
}

static int take_sample(struct prs_cutter *c, const char *path, const struct prs_footer *f, struct prs_err *err)
{
	struct prs_parquet_file *columns;
	int r = prs_parquet_columns_of(&c->columns, f, &columns, err);
	if (r < 0 || !f->rows)
		return r;
	c->columns.sampled++;
	return prs_parquet_columns_unite(&c->columns, columns, path, f, err);
}

static int take_answer(struct prs_cutter *c, struct prs_err *err)
{
	char *p = NULL;
	struct prs_footer f;
	uint64_t file;
	int r = answer(c, &file, &p, &f, err);
	PRS_AUTOFREE char *path = p;
	if (r < 0)
		return r;
	switch (c->stage) {
	case FIRST: return take_first(c, file, path, &f, err);
	case SAMPLE: return take_sample(c, path, &f, err);
	case FILES: return c->has_groups ? group_file(c, file, path, &f, err) : begin_file(c, file, path, &f, err);
	case DONE: break;
	}
	return 0;
}

static void warn_passed_over(const struct prs_cutter *c)
{
	if (c->passed_over)
		prs_warn_input(c->in->warnings, "%s of the input %s passed over: the name begins with _ or .",
		               prs_many(c->passed_over, "file").text, c->passed_over == 1 ? "was" : "were");
}

static int put_schema_of_all(struct prs_cutter *c, struct prs_err *err)
{
	PRS_AUTOBUF json;
	const char *first = c->columns.first ? c->columns.first : c->in->path;
	prs_buf_init(&json, PRS_SCHEMA_BYTES_MAX);
	if (prs_named_check(c->in->table, c->in->keys, &c->columns.all.names, first, err) < 0)
		return err->code;
	prs_parquet_columns_json(&c->columns, &json);
	if (json.failed)
		return prs_fail(err, (enum prs_code) - json.failed, "the schema of a table");
	return prs_schemas_put_all(&c->schemas, &json, c->total, c->body, err);
}

static int begin_files(struct prs_cutter *c, struct prs_err *err)
{
	int r = prs_rows_list_all_seen(&c->wanted, err);
	if (r == 0)
		r = prs_parquet_columns_then(&c->columns, &c->wanted, err);
	if (r < 0)
		return r;
	c->stage = FILES;
	c->to_ask = c->is_fed ? c->fed_file : c->first;
	if (c->has_groups)
		begin_groups(c);
	return put_schema_of_all(c, err);
}

/* All files of the stage have answered. */
static int next_stage(struct prs_cutter *c, struct prs_err *err)
{
	switch (c->stage) {
	case FIRST: c->stage = DONE; break;
	case SAMPLE: return begin_files(c, err);
	case FILES:
		put_group(c);
		warn_passed_over(c);
		c->stage = DONE;
		break;
	case DONE: break;
	}
	return 0;
}

static int step(struct prs_cutter *c, struct prs_err *err)
{
	if (c->is_cutting)
		return cut_some(c, err);
	if (c->asked_at < c->asked_n)
		return take_answer(c, err);
	if (c->stage == FIRST && c->columns.all.names.n) {
		c->stage = SAMPLE;
		c->to_ask = 0;
	}
	int r = ask(c, err);
	return r == 1 ? next_stage(c, err) : r;
}

static int parquet_cut(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                       struct prs_err *err)
{
	size_t from = body->len;
	if (c->in->keys && c->in->keys->n && !c->has_groups)
		return prs_fail(err, PRS_ENO_COLUMN,
		                "partition key %s: Parquet files are grouped by their paths alone (partition_format, "
		                "or folders named key=value): give the table as CSV or JSON lines",
		                c->in->keys->v[0]);
	if (!listed)
		return 0;
	c->total = t;
	c->body = body;
	for (unsigned steps = STEPS_A_CALL; steps && c->stage != DONE && body->len - from < PACKED_BYTES; steps--) {
		int r = step(c, err);
		if (r < 0)
			return r;
	}
	return c->stage != DONE;
}

static int parquet_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                        struct prs_err *err)
{
	struct prs_plan_units units;
	if (r->type == PRS_PLAN_SCHEMA)
		return prs_schemas_feed(&c->schemas, r, t, err);
	if (r->type != PRS_PLAN_PARQUET || r->u.slices.file < c->files.first ||
	    r->u.slices.file - c->files.first >= c->files.count)
		return prs_fail(err, PRS_ECORRUPT, "plan: mini-batches that do not follow from the files before them");
	prs_plan_units(r, &units);
	c->is_fed = true;
	c->fed_file = r->u.slices.file - c->files.first;
	c->fed_rows = r->u.slices.row + units.items;
	c->fed_size = r->u.slices.size;
	c->fed_mtime_us = r->u.slices.mtime_us;
	c->global_row = r->u.slices.global_row + units.items;
	t->ids += units.ids;
	t->items += units.items;
	return 0;
}

static int groups_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                       struct prs_err *err)
{
	struct prs_plan_units units;
	if (r->type == PRS_PLAN_SCHEMA)
		return prs_schemas_feed(&c->schemas, r, t, err);
	if (r->type != PRS_PLAN_TABLE_GROUP)
		return prs_fail(err, PRS_ECORRUPT, "plan: no groups of an input with partition keys");
	prs_plan_units(r, &units);
	t->ids += units.ids;
	t->items += units.items;
	c->global_row += units.items;
	prs_buf_clear(&c->fed_keys);
	return prs_buf_put(&c->fed_keys, r->u.table_group.keys, r->u.table_group.keys_bytes) < 0 ? nomem(err) : 0;
}

const struct prs_cutter_kind prs_cut_parquet = { .input_kind = PRS_INPUT_PARQUET,
	                                         .minor = PRS_FORMAT_MINOR_TABLES,
	                                         .has_size = true,
	                                         .new = parquet_new,
	                                         .free = parquet_free,
	                                         .take = parquet_take,
	                                         .cut = parquet_cut,
	                                         .feed = parquet_feed };
const struct prs_cutter_kind prs_cut_parquet_groups = { .input_kind = PRS_INPUT_PARQUET,
	                                                .minor = PRS_FORMAT_MINOR_TABLES,
	                                                .has_stats = true,
	                                                .new = groups_new,
	                                                .free = parquet_free,
	                                                .take = groups_take,
	                                                .cut = parquet_cut,
	                                                .feed = groups_feed };
