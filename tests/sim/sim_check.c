/* SPDX-License-Identifier: Apache-2.0
 * sim_check: what must hold after every step.
 */
#include "impl.h"

/* ---- effects of the scheduler ------------------------------------------------------------------------------------ */

static unsigned long long ull(uint64_t v) { return (unsigned long long)v; }

static uint32_t tries_allowed(const struct world *w, const struct prs_unit *u)
{
	return u->item_count > 1 ? 1 : w->plan->limits.run_max_try;
}

/* One that took a node down twice runs alone there. */
static void check_alone(struct world *w, const struct prs_sched_effect *e)
{
	const struct master *m = &w->m;
	bool alone = prs_ledger_downs(&m->ledger, &e->unit) >= 2;
	if (alone != e->alone)
		violated(w, "%s is leased %s", unit_text(&e->unit), e->alone ? "alone" : "with others");
	for (size_t k = 0; k < SIM_KEYS; k++) {
		if (k == key_of(&e->unit) || !m->leased[k] || m->leased_to[k] != e->node)
			continue;
		if (alone)
			violated(w, "%s took a node down twice and does not run alone", unit_text(&e->unit));
		if (prs_ledger_downs(&m->ledger, &m->leased_unit[k]) >= 2)
			violated(w, "%s joins %s, which must run alone", unit_text(&e->unit),
			         unit_text(&m->leased_unit[k]));
	}
}

void check_lease(struct world *w, const struct prs_sched_effect *e)
{
	struct master *m = &w->m;
	const char *u = unit_text(&e->unit);
	uint32_t tries = prs_ledger_tries(&m->ledger, &e->unit);
	for (uint32_t i = 0; i < items_in(&e->unit); i++)
		if (m->leased[key_of(&e->unit) + i])
			violated(w, "an item of %s is leased twice at once", u);
	if (w->units[key_of(&e->unit)] != items_in(&e->unit))
		violated(w, "%s is leased, which is no unit", u);
	if (m->stopped_leasing)
		violated(w, "%s is leased after the stop", u);
	if (!m->node_up[e->node])
		violated(w, "%s is leased to n%u, which is not up", u, e->node);
	if ((int32_t)(m->asked[e->node] - m->granted[e->node]) <= 0)
		violated(w, "n%u did not ask for %s", e->node, u);
	if (e->try_number != tries + 1 || tries >= tries_allowed(w, &e->unit))
		violated(w, "%s is leased for try %u after %u of %u tries", u, e->try_number, tries,
		         tries_allowed(w, &e->unit));
	if (prs_ledger_downs_for_nothing(&m->ledger, &e->unit) >= 3)
		violated(w, "%s is leased though it took the node down three times", u);
	check_alone(w, e);
}

/* FAIL or DIVIDE. */
static void check_given_up(struct world *w, const struct prs_sched_effect *e)
{
	uint32_t tries = prs_ledger_tries(&w->m.ledger, &e->unit), allowed = tries_allowed(w, &e->unit);
	bool no_help = prs_error_row(e->code)->action == PRS_ACTION_FAIL;
	bool divide = w->plan->limits.bisect && items_in(&e->unit) > 1 && (!no_help || e->code == PRS_EVALUE_MISFIT);
	uint32_t at = e->parts.bad_item - 1 - e->unit.item_first;
	if (w->m.leased[key_of(&e->unit)])
		violated(w, "%s is given up while it is leased", unit_text(&e->unit));
	if (e->code == PRS_ENODE_POISON && prs_ledger_downs_for_nothing(&w->m.ledger, &e->unit) < 3)
		violated(w, "%s is given up though others were finished beside it", unit_text(&e->unit));
	if (tries < allowed && !no_help)
		violated(w, "%s is given up after %u of %u tries", unit_text(&e->unit), tries, allowed);
	if (divide != (e->type == PRS_SCHED_DIVIDE) || e->items != items_in(&e->unit))
		violated(w, "%s is %s", unit_text(&e->unit), divide ? "not split" : "split");
	if (e->parts.bad_item && (at >= items_in(&e->unit) || e->code != PRS_EVALUE_MISFIT))
		violated(w, "%s is split around item %u", unit_text(&e->unit), e->parts.bad_item);
}

void check_sched_effect(struct world *w, const struct prs_sched_effect *e)
{
	struct master *m = &w->m;
	const struct prs_ledger_counts *c = &m->ledger.counts;
	switch (e->type) {
	case PRS_SCHED_LEASE: check_lease(w, e); break;
	case PRS_SCHED_FAIL:
	case PRS_SCHED_DIVIDE: check_given_up(w, e); break;
	case PRS_SCHED_ABORT:
		if (m->ending)
			violated(w, "a second end");
		break;
	case PRS_SCHED_ALL_FINAL:
		if (!m->ledger.planned_all ||
		    c->units[PRS_UNIT_DONE] + c->units[PRS_UNIT_FAILED] != m->ledger.next_id || m->all_final ||
		    m->ending)
			violated(w, "ALL_FINAL though it is not so, or twice");
		break;
	}
}

/* ---- effects of a pool ------------------------------------------------------------------------------------------- */

/* A unit that was leased to the node leaves it once: accepted, tried or returned, and its body with it. */
static void leaves(struct world *w, uint16_t node, const struct prs_pool_effect *e)
{
	if (e->body && (uintptr_t)e->body != e->lease)
		violated(w, "n%u: u%llu leaves with the body of another one", node, ull(e->unit.id));
	if (!e->body && e->type != PRS_POOL_RETURN)
		violated(w, "n%u: u%llu leaves without its body", node, ull(e->unit.id));
	w->nodes[node].bodies -= e->body != NULL;
	w->nodes[node].body_bytes -= e->body ? sim_body_bytes(&e->unit) : 0;
	uint64_t *inside = &w->nodes[node].inside[key_of(&e->unit)];
	if (*inside != e->lease)
		violated(w, "n%u answers lease %llx of u%llu, but holds %llx", node, ull(e->lease), ull(e->unit.id),
		         ull(*inside));
	*inside = 0;
}

/* A process that is not known to be dead has the unit. */
static bool holds(const struct process *p, uint64_t lease)
{
	bool has = p->busy && p->taken.lease == lease;
	for (uint32_t i = 0; i < p->queue_n; i++)
		has = has || p->queue[i].lease == lease;
	return has && !p->reaped;
}

static void check_send(struct world *w, uint16_t node, const struct prs_pool_effect *e)
{
	struct process *p = &w->nodes[node].p[e->slot];
	uint32_t unanswered = p->queue_n + p->busy;
	if (p->reaped || e->claim != p->sent_claim + 1)
		violated(w, "n%u process%u gets claim %u after %u", node, e->slot, e->claim, p->sent_claim);
	if (unanswered >= w->plan->pool.depth_max)
		violated(w, "n%u process%u gets more than depth_max units", node, e->slot);
	if (w->nodes[node].inside[key_of(&e->unit)] != e->lease || (uintptr_t)e->body != e->lease)
		violated(w, "n%u sends u%llu, which it does not hold", node, ull(e->unit.id));
	for (uint16_t i = 0; i < w->plan->slots; i++)
		if (holds(&w->nodes[node].p[i], e->lease))
			violated(w, "n%u sends u%llu to process%u, while process%u has it", node, ull(e->unit.id),
			         e->slot, i);
}

/* Charged only when started, and only the one that is to blame. */
static void check_try(struct world *w, uint16_t node, const struct prs_pool_effect *e)
{
	struct process *p = &w->nodes[node].p[e->slot];
	const struct ev *f = w->nodes[node].frame;
	if (f && f->detail == FRAME_FAIL) {
		if (f->claim != e->claim || f->code != e->code)
			violated(w, "n%u: the try of u%llu is not the one that the process reported", node,
			         ull(e->unit.id));
		return;
	}
	if (p->taken.claim != e->claim || !process_works(p))
		violated(w, "n%u: u%llu is charged a try but does not run", node, ull(e->unit.id));
	uint64_t since = p->phase_us;
	bool running = prs_page_phase(p->page.word) == PRS_PHASE_RUN;
	if (e->code == PRS_ERUN_TIMEOUT || e->code == PRS_EOVERHEAD_TIMEOUT) {
		uint64_t limit = running ? w->plan->pool.run_timeout_us : w->plan->pool.overhead_timeout_us;
		/* of a clock that stood between two looks the first phase's time may be taken for the second's */
		limit -= p->how.clock == SIM_CLOCK_TRUE ? 0 : w->plan->pool.look_us;
		if (w->now_us - since < limit || running != (e->code == PRS_ERUN_TIMEOUT))
			violated(w, "n%u: u%llu is timed out after %llu us", node, ull(e->unit.id),
			         ull(w->now_us - since));
	} else if (!(p->broken && p->broken == e->code) && !(p->reaped && p->fell_in_unit)) {
		violated(w, "n%u: u%llu is charged for the death of its process, which we killed", node,
		         ull(e->unit.id));
	}
}

void check_pool_effect(struct world *w, uint16_t node, const struct prs_pool_effect *e)
{
	struct snode *n = &w->nodes[node];
	struct process *p = &n->p[e->slot < SIM_SLOTS ? e->slot : 0];
	switch (e->type) {
	case PRS_POOL_SPAWN:
		if (p->gen && !p->reaped)
			violated(w, "n%u process%u is started while there is one", node, e->slot);
		break;
	case PRS_POOL_SEND: check_send(w, node, e); break;
	case PRS_POOL_ACCEPT:
		if (!n->frame || n->frame->detail != FRAME_RESULT || n->frame->claim != e->claim)
			violated(w, "n%u accepts a result that did not come", node);
		leaves(w, node, e);
		break;
	case PRS_POOL_TRY:
		check_try(w, node, e);
		leaves(w, node, e);
		break;
	case PRS_POOL_RETURN: leaves(w, node, e); break;
	case PRS_POOL_SIGNAL:
		if (p->reaped)
			violated(w, "n%u process%u gets a signal after its death", node, e->slot);
		break;
	case PRS_POOL_DOWN:
		for (uint16_t i = 0; i < w->plan->slots; i++)
			if (n->p[i].alive && !n->p[i].how.unkillable)
				violated(w, "n%u is down, but process%u lives", node, i);
		for (size_t k = 0; k < SIM_KEYS; k++)
			if (n->inside[k])
				violated(w, "n%u is down and keeps u%zu", node, k / SIM_ITEMS);
		if (n->bodies)
			violated(w, "n%u is down and keeps %u bodies", node, n->bodies);
		break;
	case PRS_POOL_DROP:
	case PRS_POOL_STOP:
	case PRS_POOL_RECALL:
	case PRS_POOL_DROPPED:
	case PRS_POOL_PROC:
	case PRS_POOL_ASK:
	case PRS_POOL_GIVEN_UP:
	case PRS_POOL_UNFIT:
	case PRS_POOL_WAKE: break;
	}
}

/* ---- facts and the ledger ---------------------------------------------------------------------------------------- */

/* A unit that is one: the first commit of its items. False: of a retired or final unit, or a second one. */
static bool commits(struct world *w, const struct prs_unit *u)
{
	size_t k = key_of(u);
	bool open = w->units[k] == items_in(u) && !w->done_item[k] && !w->failed_item[k];
	if (!open && !w->plan->remote) /* of a lost node it may come late: ignored */
		violated(w, "%s is final twice, or was retired", unit_text(u));
	return open;
}

static void mark(bool *items, const struct prs_unit *u)
{
	for (uint32_t i = 0; i < items_in(u); i++)
		items[key_of(u) + i] = true;
}

static void plan_unit(struct world *w, uint64_t id)
{
	for (size_t k = id * SIM_ITEMS; k < (id + 1) * SIM_ITEMS; k++) {
		w->done_item[k] = w->failed_item[k] = false;
		w->units[k] = k == id * SIM_ITEMS ? SIM_ITEMS : 0;
	}
}

static void split_unit(struct world *w, const struct prs_unit *u, struct prs_ledger_parts parts)
{
	if (!commits(w, u))
		return;
	for (uint32_t i = 0; i < parts.n; i++) {
		struct prs_unit part = prs_ledger_part(u, items_in(u), parts, i);
		w->units[key_of(&part)] = part.item_count;
	}
}

void check_fact(struct world *w, const struct prs_fact *f)
{
	if (f->type == PRS_FACT_PLANNED)
		for (uint64_t id = 0; id < f->u.planned.next_id; id++)
			if (!w->units[id * SIM_ITEMS])
				plan_unit(w, id);
	if (f->type == PRS_FACT_RESET)
		for (uint64_t id = f->u.reset.unit.id; id < f->u.reset.unit.id + f->u.reset.count; id++)
			plan_unit(w, id);
	if (f->type == PRS_FACT_DONE && commits(w, &f->u.done.unit))
		mark(w->done_item, &f->u.done.unit);
	if (f->type == PRS_FACT_FAILED && commits(w, &f->u.failed.unit))
		mark(w->failed_item, &f->u.failed.unit);
	if (f->type == PRS_FACT_SPLIT)
		split_unit(w, &f->u.split.unit, (struct prs_ledger_parts){ f->u.split.parts, f->u.split.bad_item });
}

/* The state of a mini-batch as its items tell it. */
static bool state_fits(const struct world *w, uint64_t id, enum prs_unit_state s)
{
	uint32_t done = 0, failed = 0;
	for (uint32_t i = 0; i < SIM_ITEMS; i++) {
		done += w->done_item[id * SIM_ITEMS + i];
		failed += w->failed_item[id * SIM_ITEMS + i];
	}
	bool final = done + failed == SIM_ITEMS, split = w->units[id * SIM_ITEMS] != SIM_ITEMS;
	if (final)
		return s == (failed ? PRS_UNIT_FAILED : PRS_UNIT_DONE);
	return split ? s == PRS_UNIT_SPLIT : s == PRS_UNIT_PLANNED || s == PRS_UNIT_LEASED || s == PRS_UNIT_REPEAT;
}

void check_ledger(struct world *w)
{
	const struct prs_ledger *l = &w->m.ledger;
	uint64_t units[PRS_UNIT_STATES] = { 0 };
	for (uint64_t id = 0; id < l->next_id; id++) {
		enum prs_unit_state s = prs_ledger_state(l, id);
		struct prs_unit u = { .id = id };
		units[s]++;
		if (prs_ledger_tries(l, &u) > w->plan->limits.run_max_try)
			violated(w, "u%llu has %u tries, run_max_try is %u", ull(id), prs_ledger_tries(l, &u),
			         w->plan->limits.run_max_try);
		if (!state_fits(w, id, s))
			violated(w, "u%llu is %s in the ledger", ull(id), prs_state_name(PRS_MACHINE_UNIT, (int)s));
		for (size_t k = id * SIM_ITEMS; w->m.alive && k < (id + 1) * SIM_ITEMS; k++)
			if (w->m.leased[k] && prs_ledger_unit(l, &w->m.leased_unit[k]) != PRS_UNIT_LEASED)
				violated(w, "%s is leased, but not in the ledger", unit_text(&w->m.leased_unit[k]));
	}
	if (memcmp(units, l->counts.units, sizeof units) != 0)
		violated(w, "the counts per state do not add up");
	if (l->counts.items_succeeded + l->counts.items_failed != l->counts.items_final)
		violated(w, "the items do not add up");
	if (l->counts.part_runs > l->counts.split_items * (w->plan->limits.run_max_try + 1) - 2 * l->counts.splits)
		violated(w, "%llu runs of parts", ull(l->counts.part_runs));
}

/* The ledger folded from the durable journal is the live one, but for leases. Ends the life of the live one. */
void check_folded(struct world *w)
{
	struct prs_ledger folded;
	struct prs_fact f;
	struct prs_err err = { 0 };
	size_t at = 0;
	prs_ledger_init(&folded, sim_items_of, NULL);
	while (prs_fact_next(w->journal.data, w->journal.len, &at, &f, &err) == 1)
		if (prs_ledger_fold(&folded, &f, &err) < 0)
			violated(w, "the journal does not fold: %s", err.msg);
	memset(w->m.leased, 0, sizeof w->m.leased);
	prs_ledger_forget_leases(&w->m.ledger);
	if (!prs_ledger_equal(&folded, &w->m.ledger, &err))
		violated(w, "the folded ledger differs from the live one: %s", err.msg);
	prs_ledger_done(&folded);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void check_code(struct world *w)
{
	const struct prs_ledger_counts *c = &w->m.ledger.counts;
	const struct prs_limits *l = &w->plan->limits;
	bool items = l->error_threshold >= 0 && c->items_failed > (uint64_t)l->error_threshold;
	bool count = l->allowed_failed_count >= 0 && c->units[PRS_UNIT_FAILED] > (uint64_t)l->allowed_failed_count;
	bool percent = l->allowed_failed_percent >= 0 && w->m.ledger.planned_all &&
	               (double)c->units[PRS_UNIT_FAILED] * 100 >
	                       l->allowed_failed_percent * (double)w->m.ledger.next_id;
	if (w->m.state == PRS_JOB_COMPLETED && (items || count || percent))
		violated(w, "COMPLETED though a threshold is exceeded");
	if ((w->m.code == PRS_EERROR_THRESHOLD && !items) || (w->m.code == PRS_EALLOWED_FAILED_COUNT && !count) ||
	    (w->m.code == PRS_EALLOWED_FAILED_PERCENT && !percent))
		violated(w, "given up for %s, which is not exceeded", text_code(w->m.code));
}

void check_end(struct world *w)
{
	const struct prs_ledger *l = &w->m.ledger;
	struct sim_result *r = &w->result;
	r->state = w->m.state;
	r->code = w->m.code;
	r->done = l->counts.units[PRS_UNIT_DONE];
	r->failed = l->counts.units[PRS_UNIT_FAILED];
	r->tries_failed = (uint32_t)l->counts.tries_failed;
	r->lives = w->lives;
	r->splits = l->counts.splits;
	r->part_runs = l->counts.part_runs;
	memcpy(r->item_done, w->done_item, sizeof r->item_done);
	r->end_us = w->now_us;
	for (uint64_t id = 0; id < l->next_id && id < SIM_IDS; id++) {
		r->tries[id] = prs_ledger_tries(l, &(struct prs_unit){ .id = id });
		r->unit_state[id] = (uint8_t)prs_ledger_state(l, id);
	}
	if (r->state != PRS_JOB_COMPLETED && r->state != PRS_JOB_FAILED && r->state != PRS_JOB_INTERRUPTED)
		violated(w, "the job ends as %s", prs_state_name(PRS_MACHINE_JOB, (int)r->state));
	if (r->state == PRS_JOB_COMPLETED && (!l->planned_all || r->done + r->failed != w->planned))
		violated(w, "COMPLETED with %llu + %llu of %llu mini-batches", ull(r->done), ull(r->failed),
		         ull(w->planned));
	check_code(w);
}
