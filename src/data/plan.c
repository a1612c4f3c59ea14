/* SPDX-License-Identifier: Apache-2.0
 * plan: the records folded into sorted arrays: inputs, folders, blocks of names, rules, schemas.
 */
#include "data/plan_impl.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Room for one element more. */
static int room(void *vp, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return 0;
	size_t want = *cap ? *cap * 2 : 16;
	void *v;
	memcpy(&v, vp, sizeof v);
	v = prs_realloc(v, want * size);
	if (!v)
		return -PRS_ENOMEM;
	memcpy(vp, &v, sizeof v);
	*cap = want;
	return 0;
}
#define ROOM(p, what) room(&(p)->what, (p)->what##_n, &(p)->what##_cap, sizeof *(p)->what)

struct prs_plan *prs_plan_new(void)
{
	struct prs_plan *p = prs_calloc(1, sizeof *p);
	if (p)
		prs_buf_init(&p->dir_names, UINT32_MAX);
	return p;
}

static void free_rule(struct rule *r)
{
	switch ((enum kind_of_rule)r->kind) {
	case KIND_FILES: break;
	case KIND_GROUP:
		prs_freep(&r->group->keys);
		prs_freep(&r->group);
		break;
	case KIND_SLICES:
	case KIND_PARQUET: prs_slices_free(r->slices); break;
	case KIND_TABLE_GROUP:
	case KIND_PARQUET_GROUP: prs_freep(&r->rows); break;
	}
}

void prs_plan_free(struct prs_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->inputs_n; i++)
		prs_freep(&p->inputs[i].root);
	prs_buf_done(&p->dir_names);
	for (size_t i = 0; i < p->blocks_n; i++) {
		prs_freep(&p->blocks[i].names);
		prs_freep(&p->blocks[i].strides);
		prs_freep(&p->blocks[i].stats);
	}
	for (size_t i = 0; i < p->rules_n; i++)
		free_rule(&p->rules[i]);
	for (size_t i = 0; i < p->schemas_n; i++)
		prs_freep(&p->schemas[i]);
	prs_freep(&p->schemas);
	prs_freep(&p->inputs);
	prs_freep(&p->dirs);
	prs_freep(&p->blocks);
	prs_freep(&p->rules);
	prs_freep(&p);
}

static char *copy_text(const char *p, size_t n)
{
	char *s = prs_malloc(n + 1);
	if (!s)
		return NULL;
	memcpy(s, p, n);
	s[n] = 0;
	return s;
}

static int bad(struct prs_err *err, const char *why) { return prs_fail(err, PRS_ECORRUPT, "plan: %s", why); }

static int feed_input(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	if (r->u.input.input != p->inputs_n)
		return bad(err, "inputs are not in order");
	if (r->u.input.kind > PRS_INPUT_SPOOL)
		return prs_fail(err, PRS_EVERSION, "plan: an input of kind %u, which engine %s does not know",
		                r->u.input.kind, PRS_VERSION);
	char *root = copy_text(r->u.input.root.p, r->u.input.root.n);
	if (!root || ROOM(p, inputs) < 0) {
		prs_freep(&root);
		return prs_fail(err, PRS_ENOMEM, "plan");
	}
	p->inputs[p->inputs_n++] = (struct input){ root, r->u.input.kind, p->files, p->schemas_n };
	return 0;
}

/* What kinds of inputs have such a record: a bit each. */
static const uint8_t inputs_of[] = {
	[PRS_PLAN_RULE] = 1 << PRS_INPUT_FILES,
	[PRS_PLAN_GROUP] = 1 << PRS_INPUT_GROUPS,
	[PRS_PLAN_SLICES] = 1 << PRS_INPUT_DELIMITED | 1 << PRS_INPUT_LINES,
	[PRS_PLAN_PARQUET] = 1 << PRS_INPUT_PARQUET,
	[PRS_PLAN_TABLE_GROUP] = 1 << PRS_INPUT_DELIMITED | 1 << PRS_INPUT_LINES | 1 << PRS_INPUT_PARQUET |
	                         1 << PRS_INPUT_SPOOL,
};

static bool has(const struct prs_plan *p, uint16_t input, enum prs_plan_type type)
{
	return input < p->inputs_n && (inputs_of[type] >> p->inputs[input].kind & 1);
}

static int feed_dir(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	if (r->u.dir.dir != p->dirs_n || r->u.dir.input >= p->inputs_n ||
	    (r->u.dir.parent != PRS_NO_DIR && r->u.dir.parent >= p->dirs_n))
		return bad(err, "a folder that does not follow from those before it");
	uint16_t depth = r->u.dir.parent == PRS_NO_DIR ? 0 : (uint16_t)(p->dirs[r->u.dir.parent].depth + 1);
	if (depth > PRS_DEPTH_MAX)
		return bad(err, "a folder deeper than any path");
	struct dir d = { r->u.dir.parent, (uint32_t)p->dir_names.len, r->u.dir.input, depth };
	prs_buf_put(&p->dir_names, r->u.dir.name.p, r->u.dir.name.n);
	prs_buf_putc(&p->dir_names, 0);
	if (p->dir_names.failed || ROOM(p, dirs) < 0)
		return prs_fail(err, PRS_ENOMEM, "plan");
	p->dirs[p->dirs_n++] = d;
	return 0;
}

static int feed_files(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	if (r->u.files.dir >= p->dirs_n || r->u.files.first_file != p->files)
		return bad(err, "files that do not follow from those before them");
	if (!r->u.files.count)
		return 0;
	struct block b = { .first_file = p->files, .dir = r->u.files.dir, .count = r->u.files.count };
	size_t stats = r->u.files.stats ? (size_t)b.count * PRS_FILE_STAT_BYTES : 0;
	b.names = prs_malloc(r->u.files.names_bytes);
	b.strides = prs_malloc((r->u.files.count / PLAN_STRIDE + 1) * sizeof *b.strides);
	b.stats = stats ? prs_malloc(stats) : NULL;
	if (!b.names || !b.strides || (stats && !b.stats) || ROOM(p, blocks) < 0) {
		prs_freep(&b.names);
		prs_freep(&b.strides);
		prs_freep(&b.stats);
		return prs_fail(err, PRS_ENOMEM, "plan");
	}
	if (stats)
		memcpy(b.stats, r->u.files.stats, stats);
	memcpy(b.names, r->u.files.names, r->u.files.names_bytes);
	const char *at = b.names;
	for (uint32_t i = 0; i < b.count; i++) {
		if (i % PLAN_STRIDE == 0)
			b.strides[i / PLAN_STRIDE] = (uint32_t)(at - b.names);
		at += strlen(at) + 1;
	}
	p->blocks[p->blocks_n++] = b;
	p->files += b.count;
	return 0;
}

static int feed_rule(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	uint64_t count = r->u.rule.count;
	uint32_t per = r->u.rule.per;
	if (r->u.rule.first_id != p->next_id || !count || !per || !has(p, r->u.rule.input, r->type) ||
	    r->u.rule.first_file > p->files || count > (p->files - r->u.rule.first_file) / per)
		return bad(err, "a rule that does not fit the files");
	if (ROOM(p, rules) < 0)
		return prs_fail(err, PRS_ENOMEM, "plan");
	p->rules[p->rules_n++] = (struct rule){ p->next_id, count,   r->u.rule.first_file, per, r->u.rule.input,
		                                KIND_FILES, { NULL } };
	p->next_id += count;
	p->items += count * per;
	return 0;
}

/* Items of a group; 0 = a range beyond the files, or more items than a mini-batch can have. */
static uint32_t copy_ranges(const struct prs_plan *p, const struct prs_plan_record *r, struct group *g)
{
	uint64_t items = 0;
	for (uint32_t i = 0; i < g->ranges_n; i++) {
		const uint8_t *at = r->u.group.ranges + (size_t)i * PRS_GROUP_RANGE_BYTES;
		g->ranges[i] = (struct range){ prs_get64(at), prs_get32(at + 8) };
		items += g->ranges[i].count;
		if (g->ranges[i].first + g->ranges[i].count > p->files || items > UINT32_MAX)
			return 0;
	}
	return (uint32_t)items;
}

static int feed_group(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	if (r->u.group.id != p->next_id || !has(p, r->u.group.input, r->type))
		return bad(err, "a group that does not follow from those before it");
	struct group *g = prs_calloc(1, sizeof *g + r->u.group.ranges_n * sizeof *g->ranges);
	char *keys = prs_malloc(r->u.group.keys_bytes);
	if (!g || !keys || ROOM(p, rules) < 0) {
		prs_freep(&g);
		prs_freep(&keys);
		return prs_fail(err, PRS_ENOMEM, "plan");
	}
	memcpy(keys, r->u.group.keys, r->u.group.keys_bytes);
	g->keys = keys;
	g->keys_bytes = r->u.group.keys_bytes;
	g->ranges_n = r->u.group.ranges_n;
	uint32_t items = copy_ranges(p, r, g);
	p->rules[p->rules_n++] = (struct rule){ p->next_id, 1,    g->ranges[0].first, items, r->u.group.input,
		                                KIND_GROUP, { g } };
	if (!items)
		return bad(err, "a group that does not fit the files");
	p->next_id++;
	p->items += items;
	return 0;
}

/* ---- tables: records whose items are rows ------------------------------------------------------------------------ */

/* The records of tables are about the input that was begun last. */
static bool is_last(const struct prs_plan *p, uint16_t input) { return input + (size_t)1 == p->inputs_n; }

static bool has_file(const struct prs_plan *p, uint16_t input, uint64_t file)
{
	return file >= p->inputs[input].first_file && file < p->files;
}

static int feed_schema(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	uint16_t input = r->u.schema.input;
	if (r->u.schema.schema != p->schemas_n || !is_last(p, input) || !has(p, input, PRS_PLAN_TABLE_GROUP) ||
	    (r->u.schema.file != PRS_NO_FILE && !has_file(p, input, r->u.schema.file)))
		return bad(err, "a schema that does not follow from those before it");
	char *json = copy_text(r->u.schema.json, r->u.schema.bytes);
	if (!json || ROOM(p, schemas) < 0) {
		prs_freep(&json);
		return prs_fail(err, PRS_ENOMEM, "plan");
	}
	p->schemas[p->schemas_n++] = json;
	return 0;
}

static bool has_schema(const struct prs_plan *p, uint16_t input, uint32_t schema)
{
	return schema >= p->inputs[input].first_schema && schema < p->schemas_n;
}

/* Behind the slices that came last: in a later file, or behind them in theirs, which is as it was then. The offsets of
 * two spools have nothing to do with each other. */
static bool follows(const struct prs_plan *p, const struct prs_plan_record *r)
{
	const struct rule *last = p->rules_n ? &p->rules[p->rules_n - 1] : NULL;
	if (!last || last->input != r->u.slices.input || (last->kind != KIND_SLICES && last->kind != KIND_PARQUET))
		return true;
	const struct prs_slices *s = last->slices;
	if (r->u.slices.file < s->end.file || r->u.slices.global_row < s->end.global_row)
		return false;
	if (r->u.slices.file > s->end.file)
		return true;
	return r->u.slices.size == s->size && r->u.slices.mtime_us == s->mtime_us && r->u.slices.row >= s->end.row &&
	       (r->u.slices.spool != s->spool || r->u.slices.offset >= s->end.offset);
}

/* Slices of a file go on in its rule, in as few bytes as one record has. */
static int add_slices(struct prs_plan *p, const struct prs_plan_record *r, struct rule **ret)
{
	struct rule *last = p->rules_n ? &p->rules[p->rules_n - 1] : NULL;
	uint8_t kind = r->type == PRS_PLAN_PARQUET ? KIND_PARQUET : KIND_SLICES;
	if (last && last->kind == kind && prs_slices_go_on(last->slices, r)) {
		*ret = last;
		return prs_slices_add(last->slices, r);
	}
	if (ROOM(p, rules) < 0)
		return -PRS_ENOMEM;
	struct prs_slices *s = prs_slices_new(r);
	if (!s)
		return -PRS_ENOMEM;
	*ret = &p->rules[p->rules_n++];
	**ret = (struct rule){ .first_id = p->next_id, .input = s->input, .kind = kind, .slices = s };
	return 0;
}

static int feed_slices(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	uint16_t input = r->u.slices.input;
	if (r->u.slices.first_id != p->next_id || !is_last(p, input) || !has(p, input, r->type) ||
	    !has_file(p, input, r->u.slices.file) || !has_schema(p, input, r->u.slices.schema) || !follows(p, r))
		return bad(err, "slices that do not follow from those before them");
	struct rule *rule;
	if (add_slices(p, r, &rule) < 0)
		return prs_fail(err, PRS_ENOMEM, "plan");
	rule->count += r->u.slices.count;
	p->next_id += r->u.slices.count;
	p->items += rule->slices->end.global_row - r->u.slices.global_row;
	return 0;
}

/* The rows of a group; 0 = a range that does not fit its input, or more rows than a mini-batch can have. Grouped by
 * columns the rows of many files are mixed, in the spool, else each range is of a file whose size is known. */
static uint32_t check_ranges(const struct prs_plan *p, uint16_t input, const struct table_group *g)
{
	uint64_t rows = 0;
	uint16_t kind = p->inputs[input].kind;
	for (uint32_t i = 0; i < g->ranges_n; i++) {
		struct prs_table_range at = plan_range(g, i);
		bool mixed = at.file == PRS_NO_FILE;
		rows += at.rows;
		if (mixed != (kind == PRS_INPUT_SPOOL) || (kind == PRS_INPUT_PARQUET) != !at.bytes ||
		    !has_schema(p, input, at.schema) || rows > UINT32_MAX)
			return 0;
		if (!mixed && (!has_file(p, input, at.file) || !plan_stats(p, at.file)))
			return 0;
	}
	return (uint32_t)rows;
}

static int feed_table_group(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	uint16_t input = r->u.table_group.input;
	if (r->u.table_group.id != p->next_id || !is_last(p, input) || !has(p, input, r->type))
		return bad(err, "a group of rows that does not follow from those before it");
	size_t ranges = (size_t)r->u.table_group.ranges_n * PRS_TABLE_RANGE_BYTES;
	struct table_group *g = prs_malloc(sizeof *g + ranges + r->u.table_group.keys_bytes);
	if (!g || ROOM(p, rules) < 0) {
		prs_freep(&g);
		return prs_fail(err, PRS_ENOMEM, "plan");
	}
	*g = (struct table_group){ r->u.table_group.keys_bytes, r->u.table_group.ranges_n, r->u.table_group.spool };
	memcpy(g->bytes, r->u.table_group.ranges, ranges);
	memcpy(g->bytes + ranges, r->u.table_group.keys, g->keys_bytes);
	uint32_t rows = check_ranges(p, input, g);
	if (!rows) {
		prs_freep(&g);
		return bad(err, "a group of rows that does not fit the files");
	}
	uint8_t kind = p->inputs[input].kind == PRS_INPUT_PARQUET ? KIND_PARQUET_GROUP : KIND_TABLE_GROUP;
	p->rules[p->rules_n++] = (struct rule){ .first_id = p->next_id,
		                                .count = 1,
		                                .per = rows,
		                                .input = input,
		                                .kind = kind,
		                                .rows = g };
	p->next_id++;
	p->items += rows;
	return 0;
}

/* ---- feeding ----------------------------------------------------------------------------------------------------- */

static int feed_record(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	if (p->complete)
		return bad(err, "records behind the end");
	switch (r->type) {
	case PRS_PLAN_INPUT: return feed_input(p, r, err);
	case PRS_PLAN_DIR: return feed_dir(p, r, err);
	case PRS_PLAN_FILES: return feed_files(p, r, err);
	case PRS_PLAN_RULE: return feed_rule(p, r, err);
	case PRS_PLAN_GROUP: return feed_group(p, r, err);
	case PRS_PLAN_END:
		if (r->u.end.ids != p->next_id || r->u.end.items != p->items || r->u.end.files != p->files)
			return bad(err, "its totals do not match its records");
		if (r->u.end.sum != p->sum)
			return bad(err, "its records are not those that were summed up");
		p->complete = true;
		return 0;
	case PRS_PLAN_PART: return r->u.part.dir < p->dirs_n ? 0 : bad(err, "parts of an unknown folder");
	case PRS_PLAN_SCHEMA: return feed_schema(p, r, err);
	case PRS_PLAN_SLICES:
	case PRS_PLAN_PARQUET: return feed_slices(p, r, err);
	case PRS_PLAN_TABLE_GROUP: return feed_table_group(p, r, err);
	case PRS_PLAN_HEAD: return 0;
	}
	return 0;
}

int prs_plan_feed(struct prs_plan *p, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct prs_plan_record r;
	size_t at = 0;
	int k;
	p->sum = prs_plan_sum(p->sum, body, n);
	while ((k = prs_plan_next(body, n, &at, &r, err)) == 1) {
		int e = feed_record(p, &r, err);
		if (e < 0)
			return e;
	}
	return k;
}

uint64_t prs_plan_next_id(const struct prs_plan *p) { return p->next_id; }
uint64_t prs_plan_items(const struct prs_plan *p) { return p->items; }
uint64_t prs_plan_files(const struct prs_plan *p) { return p->files; }
bool prs_plan_complete(const struct prs_plan *p) { return p->complete; }
enum prs_input_kind prs_plan_input_kind(const struct prs_plan *p, uint16_t input)
{
	return (enum prs_input_kind)p->inputs[input].kind;
}
uint32_t prs_plan_schemas(const struct prs_plan *p) { return (uint32_t)p->schemas_n; }
const char *prs_plan_schema(const struct prs_plan *p, uint32_t schema) { return p->schemas[schema]; }

/* It stands before those of some files. */
const char *prs_plan_schema_of_all(const struct prs_plan *p, uint16_t input)
{
	size_t first = input < p->inputs_n ? p->inputs[input].first_schema : p->schemas_n;
	size_t end = input + 1U < p->inputs_n ? p->inputs[input + 1U].first_schema : p->schemas_n;
	return first < end ? p->schemas[first] : NULL;
}
