/* SPDX-License-Identifier: Apache-2.0
 * table_files: a block of names is found by a binary search, unless it is the one of the call before or the next; in it
 * names are walked from the one that was found last.
 */
#include "data/table_files.h"

#include "base/mem.h"

#include <string.h>

struct prs_table_files_block {
	uint64_t first; /* from 0 */
	uint32_t count, at;
	char *folder, *names;
	const char *name; /* of file `at` of the block */
	uint8_t *stats;   /* NULL: none */
};

void prs_table_files_done(struct prs_table_files *v)
{
	for (size_t i = 0; i < v->n; i++) {
		prs_freep(&v->blocks[i].folder);
		prs_freep(&v->blocks[i].names);
		prs_freep(&v->blocks[i].stats);
	}
	prs_freep(&v->blocks);
	*v = (struct prs_table_files){ .n = 0 };
}

static int room(struct prs_table_files *v)
{
	if (v->n < v->cap)
		return 0;
	size_t cap = v->cap ? v->cap * 2 : 16;
	struct prs_table_files_block *blocks = prs_realloc(v->blocks, cap * sizeof *blocks);
	if (!blocks)
		return -PRS_ENOMEM;
	v->blocks = blocks;
	v->cap = cap;
	return 0;
}

static void *copy(const void *p, size_t n)
{
	void *to = prs_malloc(n);
	if (to)
		memcpy(to, p, n);
	return to;
}

int prs_table_files_add(struct prs_table_files *v, const struct prs_cut_files *f)
{
	const char *end = f->names;
	if (!f->count)
		return 0;
	if (room(v) < 0)
		return -PRS_ENOMEM;
	for (uint32_t i = 0; i < f->count; i++)
		end += strlen(end) + 1;
	struct prs_table_files_block *b = &v->blocks[v->n++];
	*b = (struct prs_table_files_block){ .first = v->count, .count = f->count };
	b->folder = prs_strdup(f->folder);
	b->names = copy(f->names, (size_t)(end - f->names));
	b->stats = f->stats ? copy(f->stats, (size_t)f->count * PRS_FILE_STAT_BYTES) : NULL;
	b->name = b->names;
	if (!b->folder || !b->names || (f->stats && !b->stats))
		return -PRS_ENOMEM;
	if (!v->count)
		v->first = f->first;
	v->count += f->count;
	return 0;
}

static bool is_in(const struct prs_table_files_block *b, uint64_t file)
{
	return file >= b->first && file - b->first < b->count;
}

static struct prs_table_files_block *block_of(struct prs_table_files *v, uint64_t file)
{
	size_t lo = 0, hi = v->n;
	for (size_t i = v->last; i < v->n && i <= v->last + 1; i++)
		if (is_in(&v->blocks[i], file))
			return &v->blocks[v->last = i];
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;
		if (v->blocks[mid].first <= file)
			lo = mid;
		else
			hi = mid;
	}
	v->last = lo;
	return &v->blocks[lo];
}

char *prs_table_files_path(struct prs_table_files *v, uint64_t file)
{
	struct prs_table_files_block *b = block_of(v, file);
	uint32_t k = (uint32_t)(file - b->first);
	if (k < b->at) {
		b->at = 0;
		b->name = b->names;
	}
	for (; b->at < k; b->at++)
		b->name += strlen(b->name) + 1;
	return prs_strf("%s/%s", strcmp(b->folder, "/") ? b->folder : "", b->name);
}

const uint8_t *prs_table_files_stat(struct prs_table_files *v, uint64_t file)
{
	struct prs_table_files_block *b = block_of(v, file);
	return b->stats ? b->stats + (file - b->first) * PRS_FILE_STAT_BYTES : NULL;
}
