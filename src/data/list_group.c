/* SPDX-License-Identifier: Apache-2.0
 * list_group: see list_group.h.
 */
#include "data/list_group.h"

#include "base/mem.h"
#include "wire/frame.h"
#include "wire/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX ((size_t)1 << 31)
#define RANGES_MAX ((size_t)8 << 20) /* bytes of one record */

/* Files in a row with the same values. */
struct row {
	uint64_t first;
	uint32_t count, keys_at, keys_bytes;
};

struct prs_list_groups {
	struct prs_partition *partition;
	struct prs_buf keys;
	struct row *rows;
	size_t n, cap, at; /* at: given out */
	uint64_t skip;
	bool sorted;
};

struct prs_list_groups *prs_list_groups_new(const char *format, const struct prs_list *keys)
{
	struct prs_list_groups *g = prs_calloc(1, sizeof *g);
	if (!g)
		return NULL;
	prs_buf_init(&g->keys, KEYS_MAX);
	g->partition = prs_partition_new(format, keys, NULL);
	if (!g->partition) {
		prs_list_groups_free(g);
		return NULL;
	}
	return g;
}

void prs_list_groups_free(struct prs_list_groups *g)
{
	if (!g)
		return;
	prs_partition_free(g->partition);
	prs_buf_done(&g->keys);
	prs_freep(&g->rows);
	prs_freep(&g);
}

static const uint8_t *keys_of(const struct prs_list_groups *g, const struct row *r)
{
	return g->keys.data + r->keys_at;
}

static bool same_keys(const struct prs_list_groups *g, const struct row *a, const struct row *b)
{
	return a->keys_bytes == b->keys_bytes && !memcmp(keys_of(g, a), keys_of(g, b), a->keys_bytes);
}

/* The values of one file stand behind all others: a row of its own, or one more of the last row. */
static int add_row(struct prs_list_groups *g, struct row r)
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

int prs_list_groups_add(struct prs_list_groups *g, const char *folder, const char *names, uint32_t count,
                        uint64_t first, struct prs_err *err)
{
	for (uint32_t i = 0; i < count; i++, names += strlen(names) + 1) {
		PRS_AUTOFREE char *path = prs_strf("%s/%s", strcmp(folder, "/") ? folder : "", names);
		struct row r = { .first = first + i, .count = 1, .keys_at = (uint32_t)g->keys.len };
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

void prs_list_groups_skip(struct prs_list_groups *g) { g->skip++; }

/* The names are the same in all: the first difference is one of values, and a NUL sorts before all else. */
static int by_keys(const void *a, const void *b, void *groups)
{
	const struct prs_list_groups *g = groups;
	const struct row *x = a, *y = b;
	size_t n = x->keys_bytes < y->keys_bytes ? x->keys_bytes : y->keys_bytes;
	int c = memcmp(keys_of(g, x), keys_of(g, y), n);
	if (!c)
		c = (x->keys_bytes > y->keys_bytes) - (x->keys_bytes < y->keys_bytes);
	return c ? c : (x->first > y->first) - (x->first < y->first);
}

static size_t end_of_group(const struct prs_list_groups *g, size_t at)
{
	size_t end = at + 1;
	while (end < g->n && same_keys(g, &g->rows[at], &g->rows[end]))
		end++;
	return end;
}

static void sort_rows(struct prs_list_groups *g)
{
	if (g->n)
		qsort_r(g->rows, g->n, sizeof *g->rows, by_keys, g);
	for (; g->skip && g->at < g->n; g->skip--)
		g->at = end_of_group(g, g->at);
	g->sorted = true;
}

int prs_list_groups_next(struct prs_list_groups *g, uint64_t id, uint16_t input, struct prs_buf *body,
                         uint64_t *ret_items, struct prs_err *err)
{
	if (!g->sorted)
		sort_rows(g);
	if (g->at == g->n)
		return 0;
	const struct row *first = &g->rows[g->at];
	size_t end = end_of_group(g, g->at);
	PRS_AUTOBUF ranges;
	prs_buf_init(&ranges, RANGES_MAX);
	*ret_items = 0;
	for (size_t i = g->at; i < end; i++) {
		prs_buf_u64(&ranges, g->rows[i].first);
		prs_buf_u32(&ranges, g->rows[i].count);
		prs_buf_u32(&ranges, 0);
		*ret_items += g->rows[i].count;
	}
	struct prs_plan_record r = { .type = PRS_PLAN_GROUP };
	r.u.group.id = id;
	r.u.group.input = input;
	r.u.group.keys = (const char *)keys_of(g, first);
	r.u.group.keys_bytes = first->keys_bytes;
	r.u.group.ranges = ranges.data;
	r.u.group.ranges_n = (uint32_t)(end - g->at);
	if (ranges.failed == -PRS_ELIMIT || *ret_items > UINT32_MAX)
		return prs_fail(err, PRS_ELIMIT, "a combination of partition keys with more than %zu rows of files",
		                RANGES_MAX / PRS_GROUP_RANGE_BYTES);
	if (ranges.failed)
		return prs_fail(err, PRS_ENOMEM, "partition keys");
	prs_plan_put(body, &r);
	g->at = end;
	return 1;
}
