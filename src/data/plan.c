/* SPDX-License-Identifier: Apache-2.0
 * plan: the records folded into four sorted arrays: inputs, folders, blocks of names, rules.
 *
 * A mini-batch is found by a binary search over rules, a file by one over blocks and a short walk: of the names in a
 * block every STRIDE-th has its offset kept. What differs between kinds of mini-batches is a row of `kinds`.
 */
#include "data/plan.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { STRIDE = 4 };
enum { KIND_FILES, KIND_GROUP };

struct input {
	char *root;
};

struct dir {
	uint32_t parent, name_at;
	uint16_t input, depth;
};

struct block {
	uint64_t first_file;
	uint32_t dir, count;
	char *names;
	uint32_t *strides; /* offset of names 0, STRIDE, 2 STRIDE ... */
};

struct range {
	uint64_t first;
	uint32_t count;
};

struct rule {
	uint64_t first_id, count, first_file, first_item;
	uint32_t per;
	uint16_t input;
	struct group *group; /* the one mini-batch of a combination of partition keys; NULL = a row of files */
};

struct group {
	char *keys;
	uint32_t keys_bytes, ranges_n;
	struct range ranges[];
};

struct prs_plan {
	struct input *inputs;
	struct dir *dirs;
	struct block *blocks;
	struct rule *rules;
	size_t inputs_n, dirs_n, blocks_n, rules_n;
	size_t inputs_cap, dirs_cap, blocks_cap, rules_cap;
	struct prs_buf dir_names;
	uint64_t next_id, items, files;
	uint32_t sum;
	bool complete;
};

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
	}
	for (size_t i = 0; i < p->rules_n; i++)
		if (p->rules[i].group) {
			prs_freep(&p->rules[i].group->keys);
			prs_freep(&p->rules[i].group);
		}
	prs_freep(&p->inputs);
	prs_freep(&p->dirs);
	prs_freep(&p->blocks);
	prs_freep(&p->rules);
	prs_freep(&p);
}

static char *copy_text(struct prs_text t)
{
	char *s = prs_malloc((size_t)t.n + 1);
	if (!s)
		return NULL;
	memcpy(s, t.p, t.n);
	s[t.n] = 0;
	return s;
}

static int bad(struct prs_err *err, const char *why) { return prs_fail(err, PRS_ECORRUPT, "plan: %s", why); }

static int feed_input(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	if (r->u.input.input != p->inputs_n)
		return bad(err, "inputs are not in order");
	char *root = copy_text(r->u.input.root);
	if (!root || ROOM(p, inputs) < 0) {
		prs_freep(&root);
		return prs_fail(err, PRS_ENOMEM, "plan");
	}
	p->inputs[p->inputs_n++].root = root;
	return 0;
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
	b.names = prs_malloc(r->u.files.names_bytes);
	b.strides = prs_malloc((r->u.files.count / STRIDE + 1) * sizeof *b.strides);
	if (!b.names || !b.strides || ROOM(p, blocks) < 0) {
		prs_freep(&b.names);
		prs_freep(&b.strides);
		return prs_fail(err, PRS_ENOMEM, "plan");
	}
	memcpy(b.names, r->u.files.names, r->u.files.names_bytes);
	const char *at = b.names;
	for (uint32_t i = 0; i < b.count; i++) {
		if (i % STRIDE == 0)
			b.strides[i / STRIDE] = (uint32_t)(at - b.names);
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
	if (r->u.rule.first_id != p->next_id || !count || !per || r->u.rule.input >= p->inputs_n ||
	    r->u.rule.first_file > p->files || count > (p->files - r->u.rule.first_file) / per)
		return bad(err, "a rule that does not fit the files");
	if (ROOM(p, rules) < 0)
		return prs_fail(err, PRS_ENOMEM, "plan");
	p->rules[p->rules_n++] = (struct rule){ p->next_id,      count, r->u.rule.first_file, p->items, per,
		                                r->u.rule.input, NULL };
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
	if (r->u.group.id != p->next_id || r->u.group.input >= p->inputs_n)
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
	p->rules[p->rules_n++] = (struct rule){
		p->next_id, 1, g->ranges[0].first, p->items, items, r->u.group.input, g
	};
	if (!items)
		return bad(err, "a group that does not fit the files");
	p->next_id++;
	p->items += items;
	return 0;
}

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
	case PRS_PLAN_HEAD:
	case PRS_PLAN_SLICES:
	case PRS_PLAN_SCHEMA: return 0;
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

static size_t block_of(const struct prs_plan *p, uint64_t file)
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

static const char *name_in(const struct block *b, uint32_t i)
{
	const char *at = b->names + b->strides[i / STRIDE];
	for (uint32_t k = i % STRIDE; k; k--)
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
	if (!r->group)
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
	size_t bi = block_of(p, file);
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

static uint32_t files_items(const struct rule *r) { return r->per; }

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
		const struct block *b = &p->blocks[block_of(p, file)];
		if (i)
			prs_buf_puts(to, ", ");
		put_dir(p, b->dir, false, to);
		prs_buf_puts(to, name_in(b, (uint32_t)(file - b->first_file)));
	}
	if (count > max)
		prs_buf_putf(to, ", ... (%u files)", count);
}

struct kind {
	uint16_t task; /* enum prs_task_kind: what the loader makes of the body */
	uint32_t (*items_of)(const struct rule *r);
	/* Appends the body (wire/msg.h) of task->items items from task->item_first on; sets task->keys_bytes. */
	void (*put_body)(const struct prs_plan *p, const struct rule *r, struct prs_task *task, struct prs_buf *to);
	/* Appends at most `max` of `count` items from the k-th on, as people name them. */
	void (*detail)(const struct prs_plan *p, const struct rule *r, uint64_t id, uint32_t k, uint32_t count,
	               unsigned max, struct prs_buf *to);
};

static const struct kind kinds[] = {
	[KIND_FILES] = { PRS_TASK_FILES, files_items, files_body, files_detail },
	[KIND_GROUP] = { PRS_TASK_FILES, files_items, group_body, files_detail },
};

static const struct kind *kind_of(const struct rule *r) { return &kinds[r->group ? KIND_GROUP : KIND_FILES]; }

uint32_t prs_plan_items_of(void *plan, uint64_t id)
{
	const struct rule *r = rule_of(plan, id);
	return r ? kind_of(r)->items_of(r) : 0;
}

/* How many items the unit has in its mini-batch; 0 when it lies behind it. */
static const struct rule *span(const struct prs_plan *p, const struct prs_unit *u, uint32_t *ret_count)
{
	const struct rule *r = rule_of(p, u->id);
	uint32_t whole = r ? kind_of(r)->items_of(r) : 0;
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
	put_paths(p, r, u->id, u->item_first, count, to);
	return to->failed;
}

int prs_plan_detail(const struct prs_plan *p, const struct prs_unit *u, unsigned max, struct prs_buf *to)
{
	uint32_t count;
	const struct rule *r = span(p, u, &count);
	if (r)
		kind_of(r)->detail(p, r, u->id, u->item_first, count, max, to);
	return to->failed;
}
