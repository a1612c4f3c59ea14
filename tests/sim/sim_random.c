/* SPDX-License-Identifier: Apache-2.0
 * sim_random: a plan made of a seed.
 */
#include "impl.h"

/* ---- what the dice say ------------------------------------------------------------------------------------------- */

static bool one_in(uint64_t *s, uint64_t n) { return sim_below(s, n) == 0; }
static uint64_t between(uint64_t *s, uint64_t low, uint64_t high) { return low + sim_below(s, high - low + 1); }

/* The same question gets the same answer. */
static uint64_t answer(uint64_t seed, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t s = seed ^ a << 48 ^ b << 32 ^ c << 16 ^ d;
	sim_next(&s);
	return sim_next(&s);
}

static struct sim_act run(void *ctx, const struct prs_unit *u, uint16_t try_number, uint16_t node, uint16_t slot)
{
	struct sim_dice *d = ctx;
	uint64_t id = u->id;
	struct sim_act act = d->acts[id];
	int bad = d->bad_item[id];
	bool innocent = u->item_count && bad >= 0 &&
	                ((uint32_t)bad < u->item_first || (uint32_t)bad >= u->item_first + u->item_count);
	if (u->item_count && act.succeeded > u->item_count)
		act.succeeded = u->item_count;
	if (innocent)
		act.end = SIM_OK;
	static uint64_t asked; /* a flaky one is flaky in the same try too, after a loss */
	if (d->flaky[id] > 1 && answer(d->seed, id, try_number, (uint64_t)node << 8 | slot, ++asked % 7) % d->flaky[id])
		act.end = SIM_OK;
	return act;
}

static struct sim_process process(void *ctx, uint16_t node, uint16_t slot, uint32_t starts)
{
	struct sim_dice *d = ctx;
	struct sim_process p = d->process;
	uint64_t r = answer(d->seed, 1000 + node, slot, starts, 1);
	bool fails = d->starts_fail == 1 || (d->starts_fail > 1 && r % d->starts_fail == 0);
	if (d->bad_slot != UINT32_MAX)
		fails = slot == d->bad_slot && node == 0;
	unsigned kind = d->start_kind ? d->start_kind : 1 + (r >> 8) % 5;
	p.start = fails ? (enum sim_start)kind : SIM_STARTS;
	p.same = (r >> 16) % 3 ? 7 : r;
	p.hello_us = (r >> 20) % (50 * MS);
	p.ignores_term = p.ignores_term && (r >> 30) % 2;
	p.unkillable = p.unkillable && (r >> 31) % 8 == 0;
	p.takes_nothing = p.takes_nothing && (r >> 34) % 4 == 0;
	p.clock = (r >> 40) % 8 == 0 ? (enum sim_clock)((r >> 43) % SIM_CLOCKS) : SIM_CLOCK_TRUE;
	p.dies_us = p.dies_us && (r >> 36) % 3 == 0 ? p.dies_us : 0;
	return p;
}

/* ---- parts of the plan ------------------------------------------------------------------------------------------- */

static void choose_acts(struct sim_dice *d, uint64_t *s)
{
	static const uint64_t fast[] = { 200, 20 * MS, 3 * SEC };
	uint64_t run_us = fast[sim_below(s, 3)];
	unsigned bad = (unsigned[]){ 0, 30, 8, 2 }[sim_below(s, 4)];
	bool poison = one_in(s, 6);
	for (int i = 0; i < SIM_IDS; i++) {
		d->acts[i] = (struct sim_act){ SIM_OK, sim_below(s, run_us / 10), sim_below(s, run_us),
			                       sim_below(s, run_us / 10), SIM_ITEMS };
		if (one_in(s, 10))
			d->acts[i].run_us *= 50;
		if (one_in(s, 10))
			d->acts[i].succeeded = (uint32_t)sim_below(s, SIM_ITEMS + 2);
		if (bad && one_in(s, bad))
			d->acts[i].end = (enum sim_end)between(s, SIM_RAISES, SIM_CRASHES_WRITING);
		if (poison && one_in(s, 12))
			d->acts[i].end = SIM_TAKES_NODE_DOWN;
		d->bad_item[i] = one_in(s, 4) ? -1 : (int)sim_below(s, SIM_ITEMS);
		d->flaky[i] = one_in(s, 2) ? (unsigned)between(s, 2, 3) : 1;
		if (d->acts[i].end == SIM_SAYS_IO) /* for ever would be one for the progress timeout: rare */
			d->flaky[i] = one_in(s, 10) ? 1 : 2;
	}
}

static void choose_processes(struct sim_dice *d, uint64_t *s)
{
	d->process = (struct sim_process){ .init_us = sim_below(s, one_in(s, 4) ? 4 * SEC : 100 * MS),
		                           .shutdown_us = sim_below(s, 100 * MS) };
	d->process.ignores_term = one_in(s, 4);
	d->process.unkillable = one_in(s, 40);
	d->process.hangs_in_shutdown = one_in(s, 12);
	d->process.takes_nothing = one_in(s, 16);
	d->process.dies_us = one_in(s, 12) ? 1 + sim_below(s, 5 * SEC) : 0;
	d->starts_fail = (unsigned[]){ 0, 0, 0, 0, 9, 3, 1, 0 }[sim_below(s, 8)];
	d->start_kind = one_in(s, 2) ? (unsigned)between(s, SIM_NO_SPAWN, SIM_NO_RUN) : 0;
	d->bad_slot = one_in(s, 16) ? (unsigned)sim_below(s, d->plan.slots) : UINT32_MAX;
}

static void choose_limits(struct sim_plan *p, uint64_t *s)
{
	p->pool = (struct prs_pool_config){ .run_timeout_us = between(s, 1 * SEC, 20 * SEC),
		                            .overhead_timeout_us = between(s, 500 * MS, 10 * SEC),
		                            .init_timeout_us = between(s, 5 * SEC, 30 * SEC),
		                            .term_grace_us = 2 * SEC,
		                            .backoff_first_us = 100 * MS,
		                            .backoff_max_us = 10 * SEC,
		                            .start_backoff_us = 1 * SEC,
		                            .start_tries = 5,
		                            .init_tries = 3,
		                            .depth_target_us = 2 * MS,
		                            .depth_max = (uint16_t)between(s, 1, 32),
		                            .recall_after_us = 20 * MS,
		                            .gap_us = 2 * SEC,
		                            .look_us = 500 * MS };
	p->pool.body_bytes_max = one_in(s, 4) ? between(s, 1, 2000) : 1 << 20;
	p->pool.max_units = one_in(s, 8) ? between(s, 1, 10) : 0;
	p->limits = (struct prs_limits){ .run_max_try = (uint32_t)between(s, 1, 4),
		                         .error_threshold = -1,
		                         .allowed_failed_count = -1,
		                         .allowed_failed_percent = 100,
		                         .first_task_timeout_us = 600 * SEC,
		                         .gap_us = 2 * SEC };
	p->limits.bisect = one_in(s, 3);
	p->limits.progress_timeout_us = p->limits.run_max_try * (p->pool.run_timeout_us + p->pool.overhead_timeout_us);
	if (one_in(s, 4))
		p->limits.progress_timeout_us = between(s, 5 * SEC, 300 * SEC);
	if (one_in(s, 5))
		p->limits.error_threshold = (int64_t)sim_below(s, 20);
	if (one_in(s, 5))
		p->limits.allowed_failed_count = (int64_t)sim_below(s, 4);
	if (one_in(s, 5))
		p->limits.allowed_failed_percent = (double)sim_below(s, 1000) / 10;
	if (one_in(s, 30))
		p->limits.first_task_timeout_us = between(s, 1 * SEC, 10 * SEC);
}

static void add(struct sim_plan *p, uint64_t at_us, enum sim_what what, uint16_t node, uint16_t slot, uint64_t arg)
{
	if (p->happenings_n < SIM_HAPPENINGS)
		p->happenings[p->happenings_n++] = (struct sim_happening){ at_us, what, node, slot, arg };
}

/* Early is when most is going on. */
static uint64_t moment(uint64_t *s)
{
	return sim_below(s, (uint64_t[]){ 200 * MS, 2 * SEC, 20 * SEC, 100 * SEC }[sim_below(s, 4)]);
}

static void choose_happenings(struct sim_plan *p, uint64_t *s)
{
	uint64_t ids = one_in(s, 8) ? between(s, 1, 60) : between(s, 1, 20),
		 plans = one_in(s, 2) ? 1 : between(s, 1, 4);
	for (uint64_t i = 0; i < plans; i++) {
		uint64_t n = i + 1 == plans ? ids : sim_below(s, ids + 1);
		add(p, one_in(s, 3) ? moment(s) : sim_below(s, 100 * MS), SIM_PLAN, 0, 0, n);
		ids -= n;
	}
	bool calm = one_in(s, 3);
	for (uint64_t i = calm ? 0 : sim_below(s, 6); i > 0; i--)
		add(p, moment(s), SIM_KILL_PROCESS, (uint16_t)sim_below(s, p->nodes), (uint16_t)sim_below(s, p->slots),
		    0);
	for (uint64_t i = calm ? 0 : sim_below(s, 4); i > 0; i--)
		add(p, moment(s), (enum sim_what)between(s, SIM_STOP_PROCESS, SIM_STOP_ENGINE),
		    (uint16_t)sim_below(s, p->nodes), (uint16_t)sim_below(s, p->slots),
		    sim_below(s, one_in(s, 2) ? 5 * SEC : 60 * SEC));
	for (uint64_t i = calm ? 0 : sim_below(s, 3); i > 0; i--)
		add(p, moment(s), one_in(s, 2) ? SIM_RETIRE : SIM_MEMORY, (uint16_t)sim_below(s, p->nodes),
		    (uint16_t)sim_below(s, p->slots), 0);
	for (uint64_t i = !calm && one_in(s, 4) ? between(s, 1, 3) : 0; i > 0; i--)
		add(p, moment(s), SIM_PAUSE, (uint16_t)sim_below(s, p->nodes), 0, sim_below(s, 60 * SEC));
	for (uint64_t i = p->remote && one_in(s, 2) ? between(s, 1, 4) : 0; i > 0; i--) {
		uint16_t node = (uint16_t)sim_below(s, p->nodes);
		uint64_t at = moment(s);
		add(p, at, SIM_LOSE_NODE, node, 0, 0);
		add(p, at + sim_below(s, 60 * SEC), SIM_NODE_BACK, node, 0, 0);
	}
	for (uint64_t i = p->remote && one_in(s, 3) ? between(s, 1, 3) : 0; i > 0; i--)
		add(p, moment(s), SIM_CUT, (uint16_t)sim_below(s, p->nodes), 0, sim_below(s, 20 * SEC));
	for (uint64_t i = one_in(s, 3) ? between(s, 1, 3) : 0; i > 0; i--)
		add(p, moment(s), (enum sim_what)between(s, SIM_KILL_ENGINE, SIM_INTERRUPT), 0, 0,
		    one_in(s, 10) ? 0 : 1 + sim_below(s, 10 * SEC));
}

/* Nodes that a mini-batch takes down come back too. */
static void let_nodes_come_back(struct sim_plan *p, uint64_t *s)
{
	for (uint64_t at = 40 * SEC; p->remote && at < 2000 * SEC && p->happenings_n + p->nodes < SIM_HAPPENINGS;
	     at = at * 3 / 2)
		for (uint16_t i = 0; i < p->nodes; i++)
			add(p, at + sim_below(s, 10 * SEC), SIM_NODE_BACK, i, 0, 0);
}

void sim_random(uint64_t seed, struct sim_dice *d)
{
	uint64_t s = seed;
	*d = (struct sim_dice){ .seed = seed };
	struct sim_plan *p = &d->plan;
	p->seed = seed;
	p->nodes = (uint16_t)(one_in(&s, 2) ? 1 : between(&s, 1, SIM_NODES));
	p->slots = (uint16_t)between(&s, 1, one_in(&s, 4) ? SIM_SLOTS : 2);
	p->remote = p->nodes > 1 || one_in(&s, 4);
	p->link_us = sim_below(&s, one_in(&s, 2) ? 2 * MS : 500 * MS);
	p->sync_us = sim_below(&s, one_in(&s, 3) ? 300 * MS : 1 * MS);
	p->frame_us = sim_below(&s, one_in(&s, 3) ? 50 * MS : 500);
	p->sync_fails = one_in(&s, 8) ? (unsigned)between(&s, 3, 20) : 0;
	p->bad_ranges = one_in(&s, 10) ? (unsigned)between(&s, 1, 3) : 0;
	p->grace_us = sim_below(&s, 20 * SEC);
	choose_limits(p, &s);
	choose_acts(d, &s);
	choose_processes(d, &s);
	choose_happenings(p, &s);
	let_nodes_come_back(p, &s);
	p->run = run;
	p->process = process;
	p->ctx = d;
}
