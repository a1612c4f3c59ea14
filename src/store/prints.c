/* SPDX-License-Identifier: Apache-2.0
 * prints: open addressing; nothing is ever taken out.
 */
#include "store/prints.h"

#include "base/err.h"
#include "base/mem.h"

struct prs_prints_entry {
	XXH128_hash_t key;
	uint32_t value, used;
};

static struct prs_prints_entry *map_place(const struct prs_prints *m, XXH128_hash_t key)
{
	size_t i = (size_t)key.low64 & (m->cap - 1);
	while (m->v[i].used && !XXH128_isEqual(m->v[i].key, key))
		i = (i + 1) & (m->cap - 1);
	return &m->v[i];
}

bool prs_prints_get(const struct prs_prints *m, XXH128_hash_t key, uint32_t *ret)
{
	const struct prs_prints_entry *e = m->cap ? map_place(m, key) : NULL;
	if (!e || !e->used)
		return false;
	*ret = e->value;
	return true;
}

static int map_grow(struct prs_prints *m)
{
	struct prs_prints more = { .cap = m->cap ? 2 * m->cap : 64, .n = m->n };
	more.v = prs_calloc(more.cap, sizeof *more.v);
	if (!more.v)
		return -PRS_ENOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->v[i].used)
			*map_place(&more, m->v[i].key) = m->v[i];
	prs_freep(&m->v);
	*m = more;
	return 0;
}

int prs_prints_put(struct prs_prints *m, XXH128_hash_t key, uint32_t value)
{
	if (2 * (m->n + 1) > m->cap && map_grow(m) < 0)
		return -PRS_ENOMEM;
	*map_place(m, key) = (struct prs_prints_entry){ key, value, 1 };
	m->n++;
	return 0;
}

void prs_prints_done(struct prs_prints *m)
{
	prs_freep(&m->v);
	*m = (struct prs_prints){ 0 };
}
