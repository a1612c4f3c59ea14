/* SPDX-License-Identifier: Apache-2.0
 * plan: see plan.h.
 *
 * Names of all files lie in one blob; a block of files remembers where its names begin; every STRIDE-th name's offset is kept, so that a
 * file is found by a binary search over blocks and a short walk.
 */
#include "data/plan.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { STRIDE = 16 };

struct input { char *root; };

struct dir {
	uint32_t parent;
	uint16_t input;
	char *name;
};

struct block {
	uint64_t first_file;
	uint32_t dir, count;
	char *names;
	uint32_t *strides; /* offset of names 0, STRIDE, 2 STRIDE ... */
};

struct rule {
	uint64_t first_id, count, first_file, first_item;
	uint32_t per;
	uint16_t input;
};

struct prs_plan {
	struct input *inputs;
	struct dir *dirs;
	struct block *blocks;
	struct rule *rules;
	size_t inputs_n, dirs_n, blocks_n, rules_n;
	size_t inputs_cap, dirs_cap, blocks_cap, rules_cap;
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

struct prs_plan *prs_plan_new(void) { return prs_calloc(1, sizeof(struct prs_plan)); }

void prs_plan_free(struct prs_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->inputs_n; i++)
		prs_freep(&p->inputs[i].root);
	for (size_t i = 0; i < p->dirs_n; i++)
		prs_freep(&p->dirs[i].name);
	for (size_t i = 0; i < p->blocks_n; i++) {
		prs_freep(&p->blocks[i].names);
		prs_freep(&p->blocks[i].strides);
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

static int bad(struct prs_err *err, const char *why)
{
	return prs_fail(err, PRS_ECORRUPT, "plan: %s", why);
}

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
	if (r->u.dir.dir != p->dirs_n || r->u.dir.input >= p->inputs_n || (r->u.dir.parent != PRS_NO_DIR && r->u.dir.parent >= p->dirs_n))
		return bad(err, "a folder that does not follow from those before it");
	char *name = copy_text(r->u.dir.name);
	if (!name || ROOM(p, dirs) < 0) {
		prs_freep(&name);
		return prs_fail(err, PRS_ENOMEM, "plan");
	}
	p->dirs[p->dirs_n++] = (struct dir){ r->u.dir.parent, r->u.dir.input, name };
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
	if (r->u.rule.first_id != p->next_id || !count || !per || r->u.rule.input >= p->inputs_n || r->u.rule.first_file > p->files ||
	    count > (p->files - r->u.rule.first_file) / per)
		return bad(err, "a rule that does not fit the files");
	if (ROOM(p, rules) < 0)
		return prs_fail(err, PRS_ENOMEM, "plan");
	p->rules[p->rules_n++] = (struct rule){ p->next_id, count, r->u.rule.first_file, p->items, per, r->u.rule.input };
	p->next_id += count;
	p->items += count * per;
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
	case PRS_PLAN_END:
		if (r->u.end.ids != p->next_id || r->u.end.items != p->items || r->u.end.files != p->files)
			return bad(err, "its totals do not match its records");
		if (r->u.end.sum != p->sum)
			return bad(err, "its records are not those that were summed up");
		p->complete = true;
		return 0;
	case PRS_PLAN_HEAD:
	case PRS_PLAN_SLICES:
	case PRS_PLAN_GROUP:
	case PRS_PLAN_SCHEMA:
		return 0;
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

uint32_t prs_plan_items_of(void *plan, uint64_t id)
{
	const struct rule *r = rule_of(plan, id);
	return r ? r->per : 0;
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
	if (!d->name[0]) /* a part that is the root itself */
		return;
	prs_buf_puts(to, d->name);
	prs_buf_putc(to, '/');
}

static void span(const struct prs_plan *p, const struct prs_unit *u, uint64_t *ret_first, uint32_t *ret_count)
{
	const struct rule *r = rule_of(p, u->id);
	*ret_count = 0;
	if (!r || u->item_first >= r->per)
		return;
	uint32_t most = r->per - u->item_first;
	*ret_count = u->item_count && u->item_count < most ? u->item_count : most;
	*ret_first = r->first_file + (u->id - r->first_id) * r->per + u->item_first;
}

int prs_plan_paths(const struct prs_plan *p, const struct prs_unit *u, struct prs_buf *to)
{
	uint64_t file = 0;
	uint32_t count;
	span(p, u, &file, &count);
	size_t bi = count ? block_of(p, file) : 0;
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
	return to->failed;
}

int prs_plan_detail(const struct prs_plan *p, const struct prs_unit *u, unsigned max, struct prs_buf *to)
{
	uint64_t file = 0;
	uint32_t count;
	span(p, u, &file, &count);
	for (uint32_t i = 0; i < count && i < max; i++) {
		const struct block *b = &p->blocks[block_of(p, file + i)];
		if (i)
			prs_buf_puts(to, ", ");
		put_dir(p, b->dir, false, to);
		prs_buf_puts(to, name_in(b, (uint32_t)(file + i - b->first_file)));
	}
	if (count > max)
		prs_buf_putf(to, ", ... (%u files)", count);
	return to->failed;
}
