/* SPDX-License-Identifier: Apache-2.0
 * groups: files in a row with the same values are one row in memory; rows are sorted when the last file is there.
 */
#include "data/groups.h"

#include "base/hive.h"
#include "base/mem.h"
#include "base/partition.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX ((size_t)1 << 31)

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "partition keys"); }

int prs_groups_init(struct prs_groups *g, const struct prs_list_input *in)
{
	bool hive = !in->format || !in->format[0];
	*g = (struct prs_groups){ .names = in->keys };
	prs_buf_init(&g->keys, KEYS_MAX);
	g->partition = hive ? NULL : prs_partition_new(in->format, in->keys, NULL);
	return hive || g->partition ? 0 : -PRS_ENOMEM;
}

void prs_groups_done(struct prs_groups *g)
{
	prs_partition_free(g->partition);
	prs_buf_done(&g->keys);
	prs_freep(&g->rows);
}

bool prs_groups_may_be_null(const char *format) { return !format || !format[0] || strstr(format, "={"); }

const char *prs_groups_keys(const struct prs_groups *g, const struct prs_groups_row *r)
{
	return (const char *)g->keys.data + r->keys_at;
}

static bool same_keys(const struct prs_groups *g, const struct prs_groups_row *a, const struct prs_groups_row *b)
{
	return a->keys_bytes == b->keys_bytes && !memcmp(prs_groups_keys(g, a), prs_groups_keys(g, b), a->keys_bytes);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* The values of one file stand behind all others: a row of its own, or one more of the last row. */
static int add_row(struct prs_groups *g, struct prs_groups_row r)
{
	struct prs_groups_row *last = g->n ? &g->rows[g->n - 1] : NULL;
	if (last && last->first + last->count == r.first && same_keys(g, last, &r)) {
		g->keys.len = r.keys_at;
		last->count++;
		return 0;
	}
	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 64;
		struct prs_groups_row *v = prs_realloc(g->rows, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		g->rows = v;
		g->cap = cap;
	}
	g->rows[g->n++] = r;
	return 0;
}

int prs_groups_match(struct prs_partition *partition, const struct prs_list *names, const char *path,
                     struct prs_buf *to, struct prs_err *err)
{
	size_t missing;
	int k;
	if (partition) {
		k = prs_partition_match(partition, path, to);
		if (k == 0)
			return prs_fail(err, PRS_EINVALID, "the file %s does not fit partition_format \"%s\"", path,
			                prs_partition_format(partition));
	} else {
		k = prs_hive_match(names, path, to, &missing);
		if (k == 0)
			return prs_fail(err, PRS_EINVALID,
			                "partition key %s: the file %s is in no folder named %s=..., and no "
			                "partition_format says where its value stands",
			                names->v[missing], path, names->v[missing]);
	}
	return k < 0 ? nomem(err) : 0;
}

int prs_groups_add(struct prs_groups *g, const struct prs_cut_files *f, struct prs_err *err)
{
	const char *name = f->names;
	for (uint32_t i = 0; i < f->count; i++, name += strlen(name) + 1) {
		PRS_AUTOFREE char *path = prs_strf("%s/%s", strcmp(f->folder, "/") ? f->folder : "", name);
		struct prs_groups_row r = { .first = f->first + i, .count = 1, .keys_at = (uint32_t)g->keys.len };
		size_t at;
		if (path && g->only && !prs_rows_list_of(g->only, path, &at))
			continue;
		int k = path ? prs_groups_match(g->partition, g->names, path, &g->keys, err) : nomem(err);
		if (k < 0)
			return k;
		r.keys_bytes = (uint32_t)(g->keys.len - r.keys_at);
		if (add_row(g, r) < 0)
			return nomem(err);
	}
	return 0;
}

/* ---- their order ------------------------------------------------------------------------------------------------- */

/* Names and values of the same keys, each closed by a NUL; a value with its kind in front. */
static int compare(const char *a, const char *a_end, const char *b, const char *b_end)
{
	while (a < a_end && b < b_end) {
		a += strlen(a) + 1;
		b += strlen(b) + 1;
		if (*a != *b)
			return *a == PRS_KEY_NULL ? 1 : -1;
		int c = strcmp(a, b);
		if (c)
			return c;
		a += strlen(a) + 1;
		b += strlen(b) + 1;
	}
	return 0;
}

int prs_groups_compare(const struct prs_groups *g, const char *keys, size_t bytes, const struct prs_groups_row *r)
{
	const char *of_row = prs_groups_keys(g, r);
	return compare(keys, keys + bytes, of_row, of_row + r->keys_bytes);
}

static int by_keys(const void *a, const void *b, void *groups)
{
	const struct prs_groups *g = groups;
	const struct prs_groups_row *x = a, *y = b;
	int c = prs_groups_compare(g, prs_groups_keys(g, x), x->keys_bytes, y);
	return c ? c : (x->first > y->first) - (x->first < y->first);
}

void prs_groups_sort(struct prs_groups *g)
{
	if (g->n)
		qsort_r(g->rows, g->n, sizeof *g->rows, by_keys, g);
}

size_t prs_groups_end(const struct prs_groups *g, size_t at)
{
	size_t end = at + 1;
	while (end < g->n && same_keys(g, &g->rows[at], &g->rows[end]))
		end++;
	return end;
}
