/* SPDX-License-Identifier: Apache-2.0
 * units: a hash map with linear probing that closes the hole of what is dropped, and a binary heap.
 */
#include "sched/units.h"

#include "base/mem.h"
#include "sched/sched.h"

#include <assert.h>

int units_grow(void *pp, uint32_t *cap, uint64_t need, size_t size)
{
	void **at = pp;
	if (need <= *cap)
		return 0;
	uint64_t n = need > 2u * (uint64_t)*cap ? need : 2u * (uint64_t)*cap;
	void *v = n <= UINT32_MAX ? prs_realloc(*at, n * size) : NULL;
	if (!v)
		return -PRS_ENOMEM;
	*at = v;
	*cap = (uint32_t)n;
	return 0;
}

/* ---- map --------------------------------------------------------------------------------------------------------- */

static bool same_unit(const struct prs_unit *a, const struct prs_unit *b)
{
	return a->id == b->id && a->item_first == b->item_first && a->item_count == b->item_count;
}

static uint32_t home(const struct units_map *m, const struct prs_unit *u)
{
	uint64_t h = (u->id ^ (uint64_t)u->item_first << 40 ^ (uint64_t)u->item_count << 20) *
	             UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(h >> 32) & (m->cap - 1);
}

/* Where the unit is, or the free place where it belongs. */
static struct unit *place(const struct units_map *m, const struct prs_unit *u)
{
	uint32_t i = home(m, u);
	while (m->v[i].used && !same_unit(&m->v[i].unit, u))
		i = (i + 1) & (m->cap - 1);
	return &m->v[i];
}

struct unit *units_map_find(const struct units_map *m, const struct prs_unit *u)
{
	struct unit *at = m->n ? place(m, u) : NULL;
	return at && at->used ? at : NULL;
}

struct unit *units_map_need(struct units_map *m, const struct prs_unit *u)
{
	struct unit *at = place(m, u);
	if (!at->used) {
		*at = (struct unit){ .unit = *u, .avoid_slot = PRS_NO_SLOT, .used = true };
		m->n++;
	}
	return at;
}

/* Those behind it move up, so that no search meets a hole. */
void units_map_drop(struct units_map *m, struct unit *u)
{
	uint32_t mask = m->cap - 1, hole = (uint32_t)(u - m->v);
	for (uint32_t i = (hole + 1) & mask; m->v[i].used; i = (i + 1) & mask) {
		if (((i - home(m, &m->v[i].unit)) & mask) < ((i - hole) & mask))
			continue;
		m->v[hole] = m->v[i];
		hole = i;
	}
	m->v[hole].used = false;
	m->n--;
}

int units_map_room(struct units_map *m, uint64_t more)
{
	uint64_t cap = m->cap ? m->cap : 64;
	while (cap < (m->n + more) * 2)
		cap *= 2;
	if (cap == m->cap)
		return 0;
	struct unit *old = m->v, *v = cap <= UINT32_MAX / 2 + 1 ? prs_calloc(cap, sizeof *v) : NULL;
	if (!v)
		return -PRS_ENOMEM;
	uint32_t old_cap = m->cap;
	m->v = v;
	m->cap = (uint32_t)cap;
	for (uint32_t i = 0; i < old_cap; i++)
		if (old[i].used)
			*place(m, &old[i].unit) = old[i];
	prs_freep(&old);
	return 0;
}

void units_map_done(struct units_map *m) { prs_freep(&m->v); }

/* ---- heap -------------------------------------------------------------------------------------------------------- */

static bool before(const struct prs_unit *a, const struct prs_unit *b)
{
	return a->id != b->id ? a->id < b->id : a->item_first < b->item_first;
}

void units_heap_push(struct units_heap *h, const struct prs_unit *u)
{
	assert(h->n < h->cap);
	uint32_t i = h->n++;
	while (i && before(u, &h->v[(i - 1) / 2])) {
		h->v[i] = h->v[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	h->v[i] = *u;
}

void units_heap_pop(struct units_heap *h)
{
	struct prs_unit last = h->v[--h->n];
	uint32_t i = 0;
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= h->n)
			break;
		if (child + 1 < h->n && before(&h->v[child + 1], &h->v[child]))
			child++;
		if (!before(&h->v[child], &last))
			break;
		h->v[i] = h->v[child];
		i = child;
	}
	if (h->n)
		h->v[i] = last;
}

int units_heap_room(struct units_heap *h, uint64_t more)
{
	return units_grow(&h->v, &h->cap, h->n + more, sizeof *h->v);
}

void units_heap_done(struct units_heap *h) { prs_freep(&h->v); }
