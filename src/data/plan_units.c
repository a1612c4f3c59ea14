/* SPDX-License-Identifier: Apache-2.0
 * plan_units: what a mini-batch is: its items, the task of a worker, the text for people. What differs between kinds of
 * mini-batches is a row of `kinds`.
 */
#include "data/plan_impl.h"

#include "base/many.h"
#include "base/mem.h"
#include "data/spool.h"
#include "wire/names.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

static const struct rule *rule_of(const struct prs_plan *p, uint64_t id)
{
	size_t lo = 0, hi = p->rules_n;
	if (id >= p->next_id)
		return NULL;
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		if (p->rules[mid].first_id <= id)
			lo = mid;
		else
			hi = mid;
	}
	return &p->rules[lo];
}

uint16_t prs_plan_input_of(const struct prs_plan *p, uint64_t id)
{
	const struct rule *r = rule_of(p, id);
	return r ? r->input : 0;
}

size_t plan_block_of(const struct prs_plan *p, uint64_t file)
{
	size_t lo = 0, hi = p->blocks_n;
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		if (p->blocks[mid].first_file <= file)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

const uint8_t *plan_stats(const struct prs_plan *p, uint64_t file)
{
	const struct block *b = &p->blocks[plan_block_of(p, file)];
	return b->stats ? b->stats + (file - b->first_file) * PRS_FILE_STAT_BYTES : NULL;
}

struct prs_table_range plan_range(const struct table_group *g, uint32_t i)
{
	return prs_table_range_get(g->bytes + (size_t)i * PRS_TABLE_RANGE_BYTES);
}

static const char *name_in(const struct block *b, uint32_t i)
{
	const char *at = b->names + b->strides[i / PLAN_STRIDE];
	for (uint32_t k = i % PLAN_STRIDE; k; k--)
		at += strlen(at) + 1;
	return at;
}

/* The path of a folder with a slash behind; `absolute`: from the root of its input on. */
static void put_dir(const struct prs_plan *p, uint32_t dir, bool absolute, struct prs_buf *to)
{
	const struct dir *d = &p->dirs[dir];
	if (d->parent == PRS_NO_DIR) {
		const char *root = p->inputs[d->input].root;
		if (absolute && strcmp(root, "/") != 0)
			prs_buf_puts(to, root);
		if (absolute)
			prs_buf_putc(to, '/');
		return;
	}
	put_dir(p, d->parent, absolute, to);
	const char *name = (const char *)p->dir_names.data + d->name_at;
	if (!name[0]) /* a part that is the root itself */
		return;
	prs_buf_puts(to, name);
	prs_buf_putc(to, '/');
}

/* The file of the k-th item of a mini-batch, and how many items from there on lie in a row. */
static uint64_t file_of(const struct rule *r, uint64_t id, uint32_t k, uint32_t *ret_run)
{
	*ret_run = r->per - k;
	if (r->kind == KIND_FILES)
		return r->first_file + (id - r->first_id) * r->per + k;
	const struct range *g = r->group->ranges;
	for (; k >= g->count; g++)
		k -= g->count;
	*ret_run = g->count - k;
	return g->first + k;
}

/* Paths of files in a row. */
static void put_row(const struct prs_plan *p, uint64_t file, uint32_t count, struct prs_buf *to)
{
	size_t bi = plan_block_of(p, file);
	while (count && !to->failed) {
		const struct block *b = &p->blocks[bi++];
		uint32_t i = (uint32_t)(file - b->first_file);
		size_t start = to->len;
		put_dir(p, b->dir, true, to);
		size_t folder = to->len - start;
		const char *name = name_in(b, i);
		for (bool first = true; i < b->count && count && !to->failed; i++, count--, file++, first = false) {
			size_t n = strlen(name) + 1;
			uint8_t *at = prs_buf_reserve(to, folder + n);
			if (!at)
				break;
			if (!first) { /* the folder again, as in the first path of this block */
				memcpy(at, to->data + start, folder);
				to->len += folder;
			}
			prs_buf_put(to, name, n);
			name += n;
		}
	}
}

/* ---- kinds of mini-batches: what their items are, to the script and to people ------------------------------------ */

static uint32_t files_items(const struct rule *r, uint64_t id)
{
	(void)id;
	return r->per;
}

/* The paths of `count` items from the k-th on, each closed by a NUL. */
static void put_paths(const struct prs_plan *p, const struct rule *r, uint64_t id, uint32_t k, uint32_t count,
                      struct prs_buf *to)
{
	for (uint32_t run; count && !to->failed; k += run, count -= run) {
		uint64_t file = file_of(r, id, k, &run);
		run = run < count ? run : count;
		put_row(p, file, run, to);
	}
}

static void files_body(const struct prs_plan *p, const struct rule *r, struct prs_task *task, struct prs_buf *to)
{
	put_paths(p, r, task->id, task->item_first, task->items, to);
}

static void group_body(const struct prs_plan *p, const struct rule *r, struct prs_task *task, struct prs_buf *to)
{
	task->keys_bytes = r->group->keys_bytes;
	prs_buf_put(to, r->group->keys, r->group->keys_bytes);
	files_body(p, r, task, to);
}

static void files_detail(const struct prs_plan *p, const struct rule *r, uint64_t id, uint32_t k, uint32_t count,
                         unsigned max, struct prs_buf *to)
{
	for (uint32_t i = 0, run; i < count && i < max; i++) {
		uint64_t file = file_of(r, id, k + i, &run);
		const struct block *b = &p->blocks[plan_block_of(p, file)];
		if (i)
			prs_buf_puts(to, ", ");
		put_dir(p, b->dir, false, to);
		prs_buf_puts(to, name_in(b, (uint32_t)(file - b->first_file)));
	}
	if (count > max)
		prs_buf_putf(to, ", ... (%s)", prs_many(count, "file").text);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static uint32_t slices_items(const struct rule *r, uint64_t id)
{
	return prs_slices_at(r->slices, (uint32_t)(id - r->first_id)).rows;
}

static bool is_grouped(const struct rule *r) { return r->kind == KIND_TABLE_GROUP || r->kind == KIND_PARQUET_GROUP; }

static uint32_t spool_of(const struct rule *r) { return is_grouped(r) ? r->rows->spool : r->slices->spool; }

/* The range of a mini-batch with the number i; false: it has no such. */
static bool table_range(const struct rule *r, uint64_t id, uint32_t i, struct prs_table_range *ret)
{
	bool grouped = is_grouped(r);
	if (i >= (grouped ? r->rows->ranges_n : 1))
		return false;
	*ret = grouped ? plan_range(r->rows, i) : prs_slices_at(r->slices, (uint32_t)(id - r->first_id));
	return true;
}

/* What of the next range belongs to some rows of a mini-batch: `take` rows behind the first `skip`. */
struct piece {
	struct prs_table_range range;
	uint32_t skip, take;
	uint32_t next, first,
		left; /* the next range; the rows before what is wanted, and how many are, from there on */
};

static struct piece pieces(uint32_t k, uint32_t count) { return (struct piece){ .first = k, .left = count }; }

static bool next_piece(const struct rule *r, uint64_t id, struct piece *p)
{
	while (p->left && table_range(r, id, p->next, &p->range)) {
		uint32_t skip = p->first;
		p->next++;
		if (skip >= p->range.rows) {
			p->first -= p->range.rows;
			continue;
		}
		p->skip = skip;
		p->take = p->range.rows - skip < p->left ? p->range.rows - skip : p->left;
		p->first = 0;
		p->left -= p->take;
		return true;
	}
	return false;
}

/* The name of a file below its input, or its path. */
static void put_name(const struct prs_plan *p, uint64_t file, bool absolute, struct prs_buf *to)
{
	const struct block *b = &p->blocks[plan_block_of(p, file)];
	put_dir(p, b->dir, absolute, to);
	prs_buf_puts(to, name_in(b, (uint32_t)(file - b->first_file)));
}

int prs_plan_file_path(const struct prs_plan *p, uint64_t file, struct prs_buf *to)
{
	put_name(p, file, true, to);
	return to->failed ? -PRS_ENOMEM : 0;
}

/* A file of a task: where its bytes are; how large and old it must be, which of a spool nobody asks. */
static size_t put_table_file(const struct prs_plan *p, const struct rule *r, const struct prs_table_range *at,
                             struct prs_buf *to, struct prs_buf *paths)
{
	bool grouped = is_grouped(r);
	uint32_t spool = spool_of(r);
	char name[PRS_SPOOL_NAME_BYTES];
	const uint8_t *stats = grouped && !spool ? plan_stats(p, at->file) : NULL;
	uint64_t size = stats ? prs_get64(stats) : 0, mtime_us = stats ? prs_get64(stats + 8) : 0;
	if (!grouped && !spool) {
		size = r->slices->size;
		mtime_us = r->slices->mtime_us;
	}
	prs_buf_u64(to, size);
	prs_buf_u64(to, mtime_us);
	prs_buf_u32(to, at->schema);
	prs_buf_u32(to, 0); /* ranges: counted by put_table_range() */
	if (spool)
		prs_buf_puts(paths, prs_spool_name(name, spool, r->input));
	if (at->file != PRS_NO_FILE)
		put_name(p, at->file, true, paths);
	prs_buf_putc(paths, 0);
	return to->len - 4;
}

static void add_one(struct prs_buf *b, size_t at)
{
	if (!b->failed)
		prs_put32(b->data + at, prs_get32(b->data + at) + 1);
}

static void put_task_range(struct prs_buf *to, const struct prs_table_range *at)
{
	prs_buf_u64(to, at->offset);
	prs_buf_u64(to, at->bytes);
	prs_buf_u64(to, at->row);
	prs_buf_u64(to, at->global_row);
	prs_buf_u32(to, at->rows);
	prs_buf_u32(to, 0);
}

static void rows_body(const struct prs_plan *p, const struct rule *r, struct prs_task *task, struct prs_buf *to)
{
	struct piece at = pieces(task->item_first, task->items);
	struct prs_table_range last = { 0 };
	size_t files = to->len, ranges = 0;
	PRS_AUTOBUF paths;
	prs_buf_init(&paths, to->max);
	prs_buf_u32(to, 0);
	prs_buf_u32(to, 0);
	for (bool first = true; next_piece(r, task->id, &at) && !to->failed; first = false, last = at.range) {
		if (first) {
			prs_put32(to->data + files + 4, at.skip);
			task->global_row = at.range.global_row + at.skip;
		}
		if (first || last.file != at.range.file || last.schema != at.range.schema) {
			ranges = put_table_file(p, r, &at.range, to, &paths);
			add_one(to, files);
		}
		put_task_range(to, &at.range);
		add_one(to, ranges);
	}
	prs_buf_put(to, paths.data, paths.len);
	if (paths.failed && !to->failed)
		to->failed = paths.failed;
}

static void table_group_body(const struct prs_plan *p, const struct rule *r, struct prs_task *task, struct prs_buf *to)
{
	const struct table_group *g = r->rows;
	task->keys_bytes = g->keys_bytes;
	prs_buf_put(to, g->bytes + (size_t)g->ranges_n * PRS_TABLE_RANGE_BYTES, g->keys_bytes);
	rows_body(p, r, task, to);
}

/* "store=7, day=2020-02-29T00:00:00 (120 rows)": rows of many files are known by their keys. */
static void put_mixed(const struct table_group *g, uint32_t count, struct prs_buf *to)
{
	const char *keys = (const char *)g->bytes + (size_t)g->ranges_n * PRS_TABLE_RANGE_BYTES;
	for (const char *p = keys, *value; p < keys + g->keys_bytes; p = value + strlen(value) + 1) {
		value = p + strlen(p) + 1;
		prs_buf_putf(to, "%s%s=%s", p == keys ? "" : ", ", p, value[0] == PRS_KEY_NULL ? "null" : value + 1);
	}
	prs_buf_puts(to, " (");
	prs_put_many(to, count, "row");
	prs_buf_putc(to, ')');
}

/* Rows are counted from 1 here, in their file. */
static void rows_detail(const struct prs_plan *p, const struct rule *r, uint64_t id, uint32_t k, uint32_t count,
                        unsigned max, struct prs_buf *to)
{
	struct piece at = pieces(k, count);
	unsigned n = 0;
	for (; n < max && next_piece(r, id, &at); n++) {
		uint64_t first = at.range.row + at.skip + 1;
		if (at.range.file == PRS_NO_FILE) {
			put_mixed(r->rows, count, to);
			return;
		}
		prs_buf_puts(to, n ? ", " : "");
		put_name(p, at.range.file, false, to);
		prs_buf_putf(to, at.take == 1 ? " row %" PRIu64 : " rows %" PRIu64, first);
		if (at.take > 1)
			prs_buf_putf(to, "-%" PRIu64, first + at.take - 1);
	}
	if (at.left)
		prs_buf_putf(to, ", ... (%" PRIu32 " rows)", count);
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

struct kind {
	uint16_t task; /* enum prs_task_kind: what the loader makes of the body */
	bool rows;     /* its items are rows, which have no paths */
	uint32_t (*items_of)(const struct rule *r, uint64_t id);
	/* Appends the body (wire/msg.h) of task->items items from task->item_first on; sets task->keys_bytes, and
	 * task->global_row when its items are rows. */
	void (*put_body)(const struct prs_plan *p, const struct rule *r, struct prs_task *task, struct prs_buf *to);
	/* Appends at most `max` of `count` items from the k-th on, as people name them. */
	void (*detail)(const struct prs_plan *p, const struct rule *r, uint64_t id, uint32_t k, uint32_t count,
	               unsigned max, struct prs_buf *to);
};

static const struct kind kinds[] = {
	[KIND_FILES] = { PRS_TASK_FILES, false, files_items, files_body, files_detail },
	[KIND_GROUP] = { PRS_TASK_FILES, false, files_items, group_body, files_detail },
	[KIND_SLICES] = { PRS_TASK_SLICES, true, slices_items, rows_body, rows_detail },
	[KIND_PARQUET] = { PRS_TASK_PARQUET, true, slices_items, rows_body, rows_detail },
	[KIND_TABLE_GROUP] = { PRS_TASK_SLICES, true, files_items, table_group_body, rows_detail },
	[KIND_PARQUET_GROUP] = { PRS_TASK_PARQUET, true, files_items, table_group_body, rows_detail },
};

static const struct kind *kind_of(const struct rule *r) { return &kinds[r->kind]; }

uint64_t prs_plan_group_bytes(const struct prs_plan *p, uint64_t id)
{
	const struct rule *r = rule_of(p, id);
	uint64_t bytes = 0;
	for (uint32_t i = 0; r && r->kind == KIND_TABLE_GROUP && i < r->rows->ranges_n; i++)
		bytes += plan_range(r->rows, i).bytes;
	return bytes;
}

uint32_t prs_plan_items_of(void *plan, uint64_t id)
{
	const struct rule *r = rule_of(plan, id);
	return r ? kind_of(r)->items_of(r, id) : 0;
}

/* How many items the unit has in its mini-batch; 0 when it lies behind it. */
static const struct rule *span(const struct prs_plan *p, const struct prs_unit *u, uint32_t *ret_count)
{
	const struct rule *r = rule_of(p, u->id);
	uint32_t whole = r ? kind_of(r)->items_of(r, u->id) : 0;
	uint32_t most = u->item_first < whole ? whole - u->item_first : 0;
	*ret_count = u->item_count && u->item_count < most ? u->item_count : most;
	return r;
}

int prs_plan_task(const struct prs_plan *p, const struct prs_unit *u, struct prs_task *task, struct prs_buf *body)
{
	const struct rule *r = span(p, u, &task->items);
	task->id = u->id;
	task->item_first = u->item_first;
	task->item_count = u->item_count;
	task->keys_bytes = 0;
	task->global_row = 0;
	if (!r)
		return body->failed;
	task->kind = kind_of(r)->task;
	task->input = r->input;
	kind_of(r)->put_body(p, r, task, body);
	return body->failed;
}

int prs_plan_paths(const struct prs_plan *p, const struct prs_unit *u, struct prs_buf *to)
{
	uint32_t count;
	const struct rule *r = span(p, u, &count);
	if (r && !kind_of(r)->rows)
		put_paths(p, r, u->id, u->item_first, count, to);
	return to->failed;
}

void prs_plan_spools(struct prs_plan *p, const struct prs_fs *fs, const char *dir)
{
	p->fs = fs;
	p->dir = dir;
}

/* What is told of rows that follow each other. */
struct told {
	const struct prs_plan *p;
	const struct rule *r;
	prs_rows_fn *each;
	void *ctx;
	struct prs_table_range rows; /* rows 0: none so far */
	uint64_t line;
};

static int tell(struct told *t)
{
	PRS_AUTOBUF path;
	prs_buf_init(&path, PATH_MAX);
	if (!t->rows.rows)
		return 0;
	if (t->rows.file != PRS_NO_FILE)
		put_name(t->p, t->rows.file, true, &path);
	const char *text = prs_buf_str(&path);
	int k = path.failed ? path.failed : t->each(t->ctx, text, &t->rows, t->line);
	t->rows.rows = 0;
	return k;
}

/* A row of the spool: one more of those that follow each other in their file, or the first of others. */
static int tell_origin(void *ctx, const struct prs_origin *o)
{
	struct told *t = ctx;
	struct prs_table_range *rows = &t->rows;
	uint64_t file = t->p->inputs[t->r->input].first_file + o->file;
	bool goes_on = rows->rows && rows->file == file && rows->row + rows->rows == o->row &&
	               rows->offset + rows->bytes == o->offset;
	if (goes_on) {
		rows->rows++;
		rows->bytes += o->bytes;
		return 0;
	}
	int k = file < t->p->files ? tell(t) : -PRS_ECORRUPT;
	*rows = (struct prs_table_range){ .file = file,
		                          .offset = o->offset,
		                          .bytes = o->bytes,
		                          .row = o->row,
		                          .rows = 1,
		                          .schema = rows->schema };
	t->line = o->line;
	return k;
}

/* The rows of a piece of the spool, by their origins; as one where those cannot be read. */
static int tell_spooled(struct told *t, const struct piece *at)
{
	char name[PRS_SPOOL_NAME_BYTES];
	const struct prs_table_range *range = &at->range;
	PRS_AUTOFREE char *path = t->p->fs ? prs_strf("%s/%s", t->p->dir,
	                                              prs_spool_name(name, t->r->rows->spool, t->r->input))
	                                   : NULL;
	int k = path ? prs_spool_origins(t->p->fs, path, range->offset + range->bytes, at->skip, at->take, tell_origin,
	                                 t)
	             : -PRS_ENOTFOUND;
	if (k == 0)
		return tell(t);
	t->rows = *range;
	t->rows.rows = at->take;
	t->line = 0;
	return k == -PRS_ENOMEM ? k : tell(t);
}

int prs_plan_each_rows(const struct prs_plan *p, const struct prs_unit *u, prs_rows_fn *each, void *ctx)
{
	uint32_t count;
	const struct rule *r = span(p, u, &count);
	struct piece at = pieces(u->item_first, r && kind_of(r)->rows ? count : 0);
	struct told t = { .p = p, .r = r, .each = each, .ctx = ctx };
	int k = 0;
	while (k >= 0 && at.left && next_piece(r, u->id, &at)) {
		if (at.range.file == PRS_NO_FILE) {
			k = tell_spooled(&t, &at);
			continue;
		}
		t.rows = at.range;
		t.rows.row += at.skip;
		t.rows.global_row += at.skip;
		t.rows.rows = at.take;
		if (spool_of(r))
			t.rows.offset = t.rows.bytes = 0; /* those of the spool */
		k = tell(&t);
	}
	return k;
}

int prs_plan_slice(const struct prs_plan *p, const struct prs_unit *u, struct prs_rows_at *ret, struct prs_buf *path)
{
	uint32_t count;
	const struct rule *r = span(p, u, &count);
	struct piece at = pieces(u->item_first, count);
	if (!r || r->kind != KIND_SLICES || !next_piece(r, u->id, &at))
		return 0;
	*ret = (struct prs_rows_at){ .at = at.range,
		                     .skip = at.skip,
		                     .size = r->slices->size,
		                     .mtime_us = r->slices->mtime_us };
	ret->at.row += at.skip;
	ret->at.global_row += at.skip;
	ret->at.rows = at.take;
	prs_buf_clear(path);
	put_name(p, at.range.file, true, path);
	ret->path = prs_buf_str(path);
	return path->failed ? path->failed : 1;
}

const char *prs_plan_keys(const struct prs_plan *p, uint64_t id, size_t *ret_bytes)
{
	const struct rule *r = rule_of(p, id);
	*ret_bytes = 0;
	if (!r || !is_grouped(r))
		return NULL;
	*ret_bytes = r->rows->keys_bytes;
	return (const char *)r->rows->bytes + (size_t)r->rows->ranges_n * PRS_TABLE_RANGE_BYTES;
}

uint64_t prs_plan_global_row(const struct prs_plan *p, uint64_t id)
{
	struct prs_table_range at;
	const struct rule *r = rule_of(p, id);
	return r && kind_of(r)->rows && table_range(r, id, 0, &at) ? at.global_row : 0;
}

int prs_plan_detail(const struct prs_plan *p, const struct prs_unit *u, unsigned max, struct prs_buf *to)
{
	uint32_t count;
	const struct rule *r = span(p, u, &count);
	if (r)
		kind_of(r)->detail(p, r, u->id, u->item_first, count, max, to);
	return to->failed;
}
