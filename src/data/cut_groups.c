/* SPDX-License-Identifier: Apache-2.0
 * cut_groups: the files of an input with the same values of their partition keys are a mini-batch.
 *
 * Files in a row with the same values are one row in memory. When the last file is there the rows are sorted by the
 * first key, then the second and so on (dates by time, texts by bytes), then by their files; then the groups are given
 * out, those of an earlier plan passed over.
 */
#include "data/cut.h"

#include "base/mem.h"
#include "base/partition.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX ((size_t)1 << 31)
#define RANGES_MAX ((size_t)8 << 20) /* bytes of one record */
#define CALL_BYTES ((size_t)8 << 20) /* behind which a call puts no further group */

/* Files in a row with the same values. */
struct row {
	uint64_t first;
	uint32_t count, keys_at, keys_bytes;
};

struct prs_cutter {
	struct prs_partition *partition;
	struct prs_buf keys;
	struct row *rows;
	size_t n, cap, at; /* at: given out */
	uint64_t skip;
	uint16_t input;
	bool is_sorted;
};

static void groups_free(struct prs_cutter *g)
{
	if (!g)
		return;
	prs_partition_free(g->partition);
	prs_buf_done(&g->keys);
	prs_freep(&g->rows);
	prs_freep(&g);
}

static struct prs_cutter *groups_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	(void)fs;
	struct prs_cutter *g = prs_calloc(1, sizeof *g);
	if (!g)
		return NULL;
	prs_buf_init(&g->keys, KEYS_MAX);
	g->input = input;
	g->partition = prs_partition_new(in->format, in->keys, NULL);
	if (!g->partition) {
		groups_free(g);
		return NULL;
	}
	return g;
}

static const uint8_t *keys_of(const struct prs_cutter *g, const struct row *r) { return g->keys.data + r->keys_at; }

static bool same_keys(const struct prs_cutter *g, const struct row *a, const struct row *b)
{
	return a->keys_bytes == b->keys_bytes && !memcmp(keys_of(g, a), keys_of(g, b), a->keys_bytes);
}

/* The values of one file stand behind all others: a row of its own, or one more of the last row. */
static int add_row(struct prs_cutter *g, struct row r)
{
	struct row *last = g->n ? &g->rows[g->n - 1] : NULL;
	assert(!last || last->first + last->count == r.first); /* the files of an input are numbered without a gap */
	if (last && same_keys(g, last, &r)) {
		g->keys.len = r.keys_at;
		last->count++;
		return 0;
	}
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 64;
		struct row *v = prs_realloc(g->rows, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		g->rows = v;
		g->cap = cap;
	}
	g->rows[g->n++] = r;
	return 0;
}

static int groups_take(struct prs_cutter *g, const struct prs_cut_files *f, struct prs_err *err)
{
	const char *name = f->names;
	for (uint32_t i = 0; i < f->count; i++, name += strlen(name) + 1) {
		PRS_AUTOFREE char *path = prs_strf("%s/%s", strcmp(f->folder, "/") ? f->folder : "", name);
		struct row r = { .first = f->first + i, .count = 1, .keys_at = (uint32_t)g->keys.len };
		int k = path ? prs_partition_match(g->partition, path, &g->keys) : -PRS_ENOMEM;
		if (k == 0)
			return prs_fail(err, PRS_EINVALID, "the file %s does not fit partition_format \"%s\"", path,
			                prs_partition_format(g->partition));
		r.keys_bytes = (uint32_t)(g->keys.len - r.keys_at);
		if (k < 0 || add_row(g, r) < 0)
			return prs_fail(err, PRS_ENOMEM, "partition keys");
	}
	return 0;
}

/* The names are the same in all: the first difference is one of values, and a NUL sorts before all else. */
static int by_keys(const void *a, const void *b, void *groups)
{
	const struct prs_cutter *g = groups;
	const struct row *x = a, *y = b;
	size_t n = x->keys_bytes < y->keys_bytes ? x->keys_bytes : y->keys_bytes;
	int c = memcmp(keys_of(g, x), keys_of(g, y), n);
	if (!c)
		c = (x->keys_bytes > y->keys_bytes) - (x->keys_bytes < y->keys_bytes);
	return c ? c : (x->first > y->first) - (x->first < y->first);
}

static size_t end_of_group(const struct prs_cutter *g, size_t at)
{
	size_t end = at + 1;
	while (end < g->n && same_keys(g, &g->rows[at], &g->rows[end]))
		end++;
	return end;
}

static void sort_rows(struct prs_cutter *g)
{
	if (g->n)
		qsort_r(g->rows, g->n, sizeof *g->rows, by_keys, g);
	for (; g->skip && g->at < g->n; g->skip--)
		g->at = end_of_group(g, g->at);
	g->is_sorted = true;
}

/* The group whose rows are [g->at, end). */
static int put_group(struct prs_cutter *g, size_t end, struct prs_cut_total *t, struct prs_buf *body,
                     struct prs_err *err)
{
	const struct row *first = &g->rows[g->at];
	uint64_t items = 0;
	PRS_AUTOBUF ranges;
	prs_buf_init(&ranges, RANGES_MAX);
	for (size_t i = g->at; i < end; i++) {
		prs_buf_u64(&ranges, g->rows[i].first);
		prs_buf_u32(&ranges, g->rows[i].count);
		prs_buf_u32(&ranges, 0);
		items += g->rows[i].count;
	}
	struct prs_plan_record r = { .type = PRS_PLAN_GROUP };
	r.u.group.id = t->ids;
	r.u.group.input = g->input;
	r.u.group.keys = (const char *)keys_of(g, first);
	r.u.group.keys_bytes = first->keys_bytes;
	r.u.group.ranges = ranges.data;
	r.u.group.ranges_n = (uint32_t)(end - g->at);
	if (ranges.failed == -PRS_ELIMIT || items > UINT32_MAX)
		return prs_fail(err, PRS_ELIMIT, "a combination of partition keys with more than %zu rows of files",
		                RANGES_MAX / PRS_GROUP_RANGE_BYTES);
	if (ranges.failed)
		return prs_fail(err, PRS_ENOMEM, "partition keys");
	prs_plan_put(body, &r);
	t->ids++;
	t->items += items;
	g->at = end;
	return 0;
}

static int groups_cut(struct prs_cutter *g, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                      struct prs_err *err)
{
	size_t from = body->len;
	if (!listed)
		return 0;
	if (!g->is_sorted)
		sort_rows(g);
	while (g->at < g->n && body->len - from < CALL_BYTES) {
		int r = put_group(g, end_of_group(g, g->at), t, body, err);
		if (r < 0)
			return r;
	}
	return g->at < g->n;
}

static int groups_feed(struct prs_cutter *g, const struct prs_plan_record *r, struct prs_cut_total *t,
                       struct prs_err *err)
{
	if (r->type != PRS_PLAN_GROUP)
		return prs_fail(err, PRS_ECORRUPT, "plan: a rule of an input with partition keys");
	struct prs_plan_units units;
	prs_plan_units(r, &units);
	t->ids += units.ids;
	t->items += units.items;
	g->skip++;
	return 0;
}

const struct prs_cutter_kind prs_cut_groups = { PRS_INPUT_GROUPS, PRS_FORMAT_MINOR, false,      groups_new,
	                                        groups_free,      groups_take,      groups_cut, groups_feed };
