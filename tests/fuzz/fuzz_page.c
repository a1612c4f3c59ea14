/* SPDX-License-Identifier: Apache-2.0
 * fuzz_page: pages with any bytes, as a broken worker may leave them, at every tick and at the death of a process. A
 * unit is given back or charged once, whatever the page says.
 *
 * Input, again and again: what u8 (0 tick, 1 slot 0 dies, 2 slot 1 dies, 3 over the memory limit) · ms later u16 · 2
 * pages of 64 bytes.
 */
#include "fuzz.h"
#include "pool/pool.h"

enum { SLOTS = 2, UNITS = 6, STEP_BYTES = 3 + SLOTS * 64 };

struct world {
	struct prs_pool *pool;
	struct prs_pool_effects out;
	uint64_t now_us;
	struct prs_page pages[SLOTS];
	unsigned back[UNITS]; /* how often a unit came back or was charged */
	uint64_t leases;
};

static void step(struct world *w, struct prs_pool_event e);

static void simple(struct world *w, enum prs_pool_event_type type, uint16_t slot)
{
	step(w, (struct prs_pool_event){ .type = type, .slot = slot, .pid = 100u + slot });
}

static void lease(struct world *w, uint64_t id)
{
	w->back[id] = 0;
	step(w, (struct prs_pool_event){ .type = PRS_POOL_LEASE,
	                                 .unit.id = id,
	                                 .lease = ++w->leases,
	                                 .try_number = 1,
	                                 .avoid_slot = 0xffff,
	                                 .body = w,
	                                 .body_bytes = 1 });
}

static void start(struct world *w, uint16_t slot)
{
	simple(w, PRS_POOL_SPAWNED, slot);
	simple(w, PRS_POOL_HELLO, slot);
	simple(w, PRS_POOL_READY, slot);
}

static void carry_out(struct world *w, const struct prs_pool_effect *x)
{
	if (x->type == PRS_POOL_TRY || x->type == PRS_POOL_RETURN) {
		MUST(x->unit.id < UNITS);
		MUST(++w->back[x->unit.id] == 1);
	}
	if (x->type == PRS_POOL_SPAWN)
		start(w, x->slot);
	if (x->type == PRS_POOL_RECALL)
		step(w, (struct prs_pool_event){ .type = PRS_POOL_RECALLED, .slot = x->slot, .count = 0 });
	if (x->type == PRS_POOL_SIGNAL && x->count == 9)
		step(w, (struct prs_pool_event){ .type = PRS_POOL_EXITED,
		                                 .slot = x->slot,
		                                 .exit = 9,
		                                 .pages = &w->pages[x->slot] });
}

static void step(struct world *w, struct prs_pool_event e)
{
	struct prs_pool_effects out = { 0 };
	e.now_us = w->now_us;
	MUST(prs_pool_step(w->pool, &e, &out) == 0);
	for (uint32_t i = 0; i < out.n; i++)
		carry_out(w, &out.v[i]);
	free(out.v);
}

static void one(struct world *w, const uint8_t *p)
{
	struct prs_page *pages = w->pages;
	memcpy(pages, p + 3, sizeof w->pages);
	w->now_us += (uint64_t)(p[1] | p[2] << 8) * 1000;
	uint16_t slot = p[0] % 4 == 2;
	struct prs_pool_event e = { .type = PRS_POOL_TICK, .slot = slot, .pages = pages };
	if (p[0] % 4)
		e = (struct prs_pool_event){ .type = p[0] % 4 == 3 ? PRS_POOL_OVER_LIMIT : PRS_POOL_EXITED,
			                     .slot = slot,
			                     .exit = 9,
			                     .code = PRS_EMEMORY_LIMIT,
			                     .pages = &pages[slot] };
	struct prs_pool_slot_view v;
	prs_pool_view(w->pool, slot, &v);
	bool alive = v.state != PRS_WORKER_NONE && v.state != PRS_WORKER_DEAD;
	if (e.type == PRS_POOL_TICK || alive)
		step(w, e);
	for (uint64_t id = 0; id < UNITS; id++)
		if (w->back[id])
			lease(w, id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct prs_pool_config c = { .slots = SLOTS,
		                     .run_timeout_us = 2000000,
		                     .overhead_timeout_us = 1000000,
		                     .init_timeout_us = 3000000,
		                     .term_grace_us = 500000,
		                     .backoff_first_us = 100000,
		                     .backoff_max_us = 1000000,
		                     .depth_target_us = 2000,
		                     .depth_max = 4,
		                     .recall_after_us = 20000,
		                     .gap_us = 100000000,
		                     .look_us = 10000000 };
	struct world w = { .pool = prs_pool_new(&c), .now_us = 1000000000 };
	MUST(w.pool);
	simple(&w, PRS_POOL_START, 0);
	for (uint64_t id = 0; id < UNITS; id++)
		lease(&w, id);
	for (; n >= STEP_BYTES; data += STEP_BYTES, n -= STEP_BYTES)
		one(&w, data);
	prs_pool_free(w.pool);
	return 0;
}
