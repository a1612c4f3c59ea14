/* SPDX-License-Identifier: Apache-2.0
 * sim_check: what must hold after every step.
 */
#include "impl.h"

/* ---- effects of the scheduler ----------------------------------------------------------------------------------------- */

static unsigned long long ull(uint64_t v) { return (unsigned long long)v; }

void check_lease(struct world *w, const struct prs_sched_effect *e)
{
	struct master *m = &w->m;
	uint64_t id = e->unit.id;
	if (m->leased[id])
		violated(w, "u%llu is leased twice at once", ull(id));
	if (m->stopped_leasing)
		violated(w, "u%llu is leased after the stop", ull(id));
	if (!m->node_up[e->node])
		violated(w, "u%llu is leased to n%u, which is not up", ull(id), e->node);
	if ((int32_t)(m->asked[e->node] - m->granted[e->node]) <= 0)
		violated(w, "n%u did not ask for u%llu", e->node, ull(id));
	if (e->try_number != prs_ledger_tries(&m->ledger, id) + 1)
		violated(w, "u%llu is leased for try %u after %u tries", ull(id), e->try_number, prs_ledger_tries(&m->ledger, id));
	if (prs_ledger_tries(&m->ledger, id) >= w->plan->limits.run_max_try)
		violated(w, "u%llu is leased for a try above run_max_try", ull(id));
	if (prs_ledger_downs(&m->ledger, id) >= 3)
		violated(w, "u%llu is leased though it took the node down three times", ull(id));
	if (prs_ledger_downs(&m->ledger, id) == 2)
		for (uint64_t other = 0; other < SIM_IDS; other++)
			if (other != id && m->leased[other] && m->leased_to[other] == e->node)
				violated(w, "u%llu took a node down twice and does not run alone", ull(id));
	for (uint64_t other = 0; other < SIM_IDS; other++)
		if (other != id && m->leased[other] && m->leased_to[other] == e->node && prs_ledger_downs(&m->ledger, other) == 2)
			violated(w, "u%llu joins u%llu, which must run alone", ull(id), ull(other));
}

void check_sched_effect(struct world *w, const struct prs_sched_effect *e)
{
	struct master *m = &w->m;
	const struct prs_ledger_counts *c = &m->ledger.counts;
	uint64_t id = e->unit.id;
	switch (e->type) {
	case PRS_SCHED_LEASE: check_lease(w, e); break;
	case PRS_SCHED_FAIL:
		if (m->leased[id])
			violated(w, "u%llu fails while it is leased", ull(id));
		if (prs_ledger_tries(&m->ledger, id) < w->plan->limits.run_max_try && prs_error_row(e->code)->action != PRS_ACTION_FAIL)
			violated(w, "u%llu fails after %u of %u tries", ull(id), prs_ledger_tries(&m->ledger, id), w->plan->limits.run_max_try);
		break;
	case PRS_SCHED_ABORT:
		if (m->ending)
			violated(w, "a second end");
		break;
	case PRS_SCHED_ALL_FINAL:
		if (!m->ledger.planned_all || c->units[PRS_UNIT_DONE] + c->units[PRS_UNIT_FAILED] != m->ledger.next_id || m->all_final || m->ending)
			violated(w, "ALL_FINAL though it is not so, or twice");
		break;
	}
}

/* ---- effects of a pool ------------------------------------------------------------------------------------------------ */

/* A unit that was leased to the node leaves it once: accepted, tried or returned. */
static void leaves(struct world *w, uint16_t node, const struct prs_pool_effect *e)
{
	uint64_t *inside = &w->nodes[node].inside[e->unit.id];
	if (*inside != e->lease)
		violated(w, "n%u answers lease %llx of u%llu, but holds %llx", node, ull(e->lease), ull(e->unit.id), ull(*inside));
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
	if (w->nodes[node].inside[e->unit.id] != e->lease)
		violated(w, "n%u sends u%llu, which it does not hold", node, ull(e->unit.id));
	for (uint16_t i = 0; i < w->plan->slots; i++)
		if (holds(&w->nodes[node].p[i], e->lease))
			violated(w, "n%u sends u%llu to process%u, while process%u has it", node, ull(e->unit.id), e->slot, i);
}

/* Charged only when started, and only the one that is to blame. */
static void check_try(struct world *w, uint16_t node, const struct prs_pool_effect *e)
{
	struct process *p = &w->nodes[node].p[e->slot];
	const struct ev *f = w->nodes[node].frame;
	if (f && f->detail == FRAME_FAIL) {
		if (f->claim != e->claim || f->code != e->code)
			violated(w, "n%u: the try of u%llu is not the one that the process reported", node, ull(e->unit.id));
		return;
	}
	if (p->taken.claim != e->claim || !process_works(p))
		violated(w, "n%u: u%llu is charged a try but does not run", node, ull(e->unit.id));
	uint64_t since = prs_page_since(p->page.word);
	bool running = prs_page_phase(p->page.word) == PRS_PHASE_RUN;
	if (e->code == PRS_ERUN_TIMEOUT || e->code == PRS_EOVERHEAD_TIMEOUT) {
		uint64_t limit = running ? w->plan->pool.run_timeout_us : w->plan->pool.overhead_timeout_us;
		if (w->now_us - since < limit || running != (e->code == PRS_ERUN_TIMEOUT))
			violated(w, "n%u: u%llu is timed out after %llu us", node, ull(e->unit.id), ull(w->now_us - since));
	} else if (!p->reaped || !(p->fell_in_unit || (p->broken && p->broken == e->code))) {
		violated(w, "n%u: u%llu is charged for the death of its process, which we killed", node, ull(e->unit.id));
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
		for (uint64_t id = 0; id < SIM_IDS; id++)
			if (n->inside[id])
				violated(w, "n%u is down and keeps u%llu", node, ull(id));
		break;
	case PRS_POOL_DROP:
	case PRS_POOL_STOP:
	case PRS_POOL_RECALL:
	case PRS_POOL_DROPPED:
	case PRS_POOL_PROC:
	case PRS_POOL_ASK:
	case PRS_POOL_WAKE:
		break;
	}
}

/* ---- facts and the ledger --------------------------------------------------------------------------------------------- */

void check_fact(struct world *w, const struct prs_fact *f)
{
	if (f->type == PRS_FACT_RESET)
		for (uint64_t id = f->u.reset.unit.id; id < f->u.reset.unit.id + f->u.reset.count; id++)
			w->done_fact[id] = w->failed_fact[id] = false;
	if (f->type == PRS_FACT_DONE) {
		if (w->failed_fact[f->u.done.unit.id] && !w->plan->remote) /* of a lost node it may come late: ignored */
			violated(w, "u%llu is DONE after it was FAILED", ull(f->u.done.unit.id));
		w->done_fact[f->u.done.unit.id] = !w->failed_fact[f->u.done.unit.id];
	}
	if (f->type == PRS_FACT_FAILED) {
		if (w->done_fact[f->u.failed.unit.id] && !w->plan->remote)
			violated(w, "u%llu is FAILED after it was DONE", ull(f->u.failed.unit.id));
		w->failed_fact[f->u.failed.unit.id] = !w->done_fact[f->u.failed.unit.id];
	}
}

void check_ledger(struct world *w)
{
	const struct prs_ledger *l = &w->m.ledger;
	uint64_t units[PRS_UNIT_STATES] = { 0 };
	for (uint64_t id = 0; id < l->next_id; id++) {
		enum prs_unit_state s = prs_ledger_state(l, id);
		units[s]++;
		if (prs_ledger_tries(l, id) > w->plan->limits.run_max_try)
			violated(w, "u%llu has %u tries, run_max_try is %u", ull(id), prs_ledger_tries(l, id), w->plan->limits.run_max_try);
		if ((s == PRS_UNIT_DONE) != w->done_fact[id] || (s == PRS_UNIT_FAILED) != w->failed_fact[id])
			violated(w, "u%llu is %s in the ledger", ull(id), prs_state_name(PRS_MACHINE_UNIT, (int)s));
		if (w->m.alive && w->m.leased[id] && s != PRS_UNIT_LEASED)
			violated(w, "u%llu is leased, but %s in the ledger", ull(id), prs_state_name(PRS_MACHINE_UNIT, (int)s));
	}
	if (memcmp(units, l->counts.units, sizeof units) != 0)
		violated(w, "the counts per state do not add up");
	if (l->counts.items_succeeded + l->counts.items_failed != l->counts.items_final)
		violated(w, "the items do not add up");
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
	for (uint64_t id = 0; id < SIM_IDS; id++)
		w->m.leased[id] = 0;
	prs_ledger_forget_leases(&w->m.ledger);
	if (!prs_ledger_equal(&folded, &w->m.ledger, &err))
		violated(w, "the folded ledger differs from the live one: %s", err.msg);
	prs_ledger_done(&folded);
}

/* ---- the end ---------------------------------------------------------------------------------------------------------- */

static void check_code(struct world *w)
{
	const struct prs_ledger_counts *c = &w->m.ledger.counts;
	const struct prs_limits *l = &w->plan->limits;
	bool items = l->error_threshold >= 0 && c->items_failed > (uint64_t)l->error_threshold;
	bool count = l->allowed_failed_count >= 0 && c->units[PRS_UNIT_FAILED] > (uint64_t)l->allowed_failed_count;
	bool percent = l->allowed_failed_percent >= 0 && w->m.ledger.planned_all &&
	               (double)c->units[PRS_UNIT_FAILED] * 100 > l->allowed_failed_percent * (double)w->m.ledger.next_id;
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
	r->end_us = w->now_us;
	for (uint64_t id = 0; id < l->next_id && id < SIM_IDS; id++) {
		r->tries[id] = prs_ledger_tries(l, id);
		r->unit_state[id] = (uint8_t)prs_ledger_state(l, id);
	}
	if (r->state != PRS_JOB_COMPLETED && r->state != PRS_JOB_FAILED && r->state != PRS_JOB_INTERRUPTED)
		violated(w, "the job ends as %s", prs_state_name(PRS_MACHINE_JOB, (int)r->state));
	if (r->state == PRS_JOB_COMPLETED && (!l->planned_all || r->done + r->failed != w->planned))
		violated(w, "COMPLETED with %llu + %llu of %llu mini-batches", ull(r->done), ull(r->failed), ull(w->planned));
	check_code(w);
}
