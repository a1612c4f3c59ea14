/* SPDX-License-Identifier: Apache-2.0
 * sim_master: the engine around scheduler and ledger: facts become durable in groups, then they are folded and told (as
 * src/master/drive.c).
 */
#include "impl.h"

#include "base/mem.h"

static void drive(struct world *w, struct prs_sched_event *ev);

uint32_t sim_items_of(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
	return SIM_ITEMS;
}

/* ---- the journal ------------------------------------------------------------------------------------------------- */

static void put_fact(struct world *w, const struct prs_fact *f)
{
	struct group *g = &w->m.groups[w->m.filling];
	prs_fact_put(&g->body, f);
	g->any = true;
}

static void set_state(struct world *w, enum prs_job_state to, uint16_t code)
{
	struct prs_fact f = { .type = PRS_FACT_STATE };
	if (!prs_arc_legal(PRS_MACHINE_JOB, (int)w->m.state, (int)to))
		violated(w, "the job goes from %s to %s", prs_state_name(PRS_MACHINE_JOB, (int)w->m.state),
		         prs_state_name(PRS_MACHINE_JOB, (int)to));
	f.u.state.from = (uint8_t)w->m.state;
	f.u.state.to = (uint8_t)to;
	f.u.state.code = code;
	put_fact(w, &f);
	w->m.state = to;
	note(w, "job: %s%s%s", prs_state_name(PRS_MACHINE_JOB, (int)to), code ? ", " : "", code ? text_code(code) : "");
}

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

static void order_all(struct world *w, enum order what)
{
	for (uint16_t i = 0; i < w->plan->nodes; i++)
		if (w->m.node_up[i] && !w->m.node_lost[i])
			node_order(w, i, what, NULL);
}

static void stop(struct world *w, enum prs_job_state to, uint16_t code)
{
	struct master *m = &w->m;
	if (m->ending)
		return;
	m->ending = true;
	m->aborting = to == PRS_JOB_ABORTING;
	m->code = code;
	set_state(w, to, code);
	struct prs_sched_event ev = { .type = PRS_SCHED_STOP };
	m->stopped_leasing = true;
	drive(w, &ev);
	order_all(w, m->aborting ? ORDER_ABORT : ORDER_DRAIN);
	struct ev e = { .kind = M_GRACE_OVER, .gen = m->life };
	if (!m->aborting)
		put_event(w, &e, w->plan->grace_us);
}

/* ---- facts that are durable -------------------------------------------------------------------------------------- */

static void forget_leases_of(struct world *w, uint16_t node)
{
	for (size_t k = 0; k < SIM_KEYS; k++)
		if (w->m.leased_to[k] == node)
			w->m.leased[k] = 0;
}

static void on_lost(struct world *w, const struct prs_fact *f)
{
	struct prs_sched_event ev = { .type = PRS_SCHED_NODE_DOWN, .node = f->u.lost.node };
	if (f->u.lost.incarnation != w->m.node_life[ev.node])
		return; /* it is back already */
	forget_leases_of(w, ev.node);
	drive(w, &ev);
}

static void on_node(struct world *w, const struct prs_fact *f)
{
	uint16_t node = f->u.node.node;
	struct prs_sched_event ev = { .type = PRS_SCHED_NODE_UP, .node = node, .procs = w->plan->slots };
	if (w->m.ending || w->m.all_final) {
		w->m.node_lost[node] = w->m.node_up[node]; /* its last life is over, this one is not begun */
		return;
	}
	w->m.node_up[node] = true;
	w->m.node_lost[node] = w->m.node_down[node] = false;
	w->m.node_life[node] = f->u.node.incarnation;
	w->m.asked[node] = w->m.granted[node] = 0;
	forget_leases_of(w, node);
	node_order(w, node, ORDER_START, NULL);
	drive(w, &ev);
}

static void on_proc(struct world *w, const struct prs_fact *f)
{
	struct prs_sched_event ev = { .node = f->u.proc.node,
		                      .slot = f->u.proc.slot,
		                      .code = f->u.proc.code,
		                      .same = f->u.proc.incarnation };
	if (w->m.node_lost[f->u.proc.node] || f->u.proc.event < PRS_PROC_INIT_DONE ||
	    f->u.proc.event > PRS_PROC_INIT_FAILED)
		return;
	ev.type = f->u.proc.event == PRS_PROC_INIT_DONE ? PRS_SCHED_INIT_DONE : PRS_SCHED_INIT_FAILED;
	drive(w, &ev);
}

static void unlease(struct world *w, const struct prs_unit *u, uint64_t lease)
{
	size_t k = key_of(u);
	if (items_in(&w->m.leased_unit[k]) == items_in(u) && (!lease || w->m.leased[k] == lease))
		w->m.leased[k] = 0;
}

static void on_fact(struct world *w, const struct prs_fact *f)
{
	struct prs_err err = { 0 };
	struct prs_sched_event ev = { 0 };
	check_fact(w, f);
	if (prs_ledger_fold(&w->m.ledger, f, &err) < 0) {
		violated(w, "%s", err.msg);
		return;
	}
	switch ((int)f->type) {
	case PRS_FACT_PLANNED: ev.type = PRS_SCHED_PLANNED; break;
	case PRS_FACT_DONE:
		ev = (struct prs_sched_event){ .type = PRS_SCHED_DONE, .node = f->u.done.node, .unit = f->u.done.unit };
		unlease(w, &ev.unit, 0);
		break;
	case PRS_FACT_TRY:
		ev = (struct prs_sched_event){ .type = PRS_SCHED_TRIED,
			                       .node = f->u.try_.node,
			                       .slot = f->u.try_.slot,
			                       .unit = f->u.try_.unit,
			                       .lease = f->u.try_.lease,
			                       .code = f->u.try_.code,
			                       .bad_item = f->u.try_.bad_item };
		unlease(w, &ev.unit, ev.lease);
		break;
	case PRS_FACT_FAILED:
		note(w, "%s has failed", unit_text(&f->u.failed.unit));
		ev = (struct prs_sched_event){ .type = PRS_SCHED_FAILED, .unit = f->u.failed.unit };
		break;
	case PRS_FACT_SPLIT:
		note(w, "%s is split", unit_text(&f->u.split.unit));
		ev = (struct prs_sched_event){ .type = PRS_SCHED_SPLIT,
			                       .unit = f->u.split.unit,
			                       .count = f->u.split.parts,
			                       .bad_item = f->u.split.bad_item };
		break;
	case PRS_FACT_RESET: ev = (struct prs_sched_event){ .type = PRS_SCHED_RESET, .unit = f->u.reset.unit }; break;
	case PRS_FACT_LOST: on_lost(w, f); return;
	case PRS_FACT_NODE: on_node(w, f); return;
	case PRS_FACT_PROC: on_proc(w, f); return;
	default: return;
	}
	drive(w, &ev);
}

static void fold_group(struct world *w, struct group *g)
{
	struct prs_fact f;
	size_t at = 0;
	prs_buf_put(&w->journal, g->body.data, g->body.len);
	while (!w->over && prs_fact_next(g->body.data, g->body.len, &at, &f, NULL) == 1)
		on_fact(w, &f);
	prs_buf_clear(&g->body);
	g->any = false;
}

static void finish_journal(struct world *w)
{
	struct master *m = &w->m;
	while (!w->over && (m->syncing || m->groups[m->filling].any)) {
		if (!m->syncing)
			m->filling ^= 1;
		m->syncing = false;
		fold_group(w, &m->groups[m->filling ^ 1]);
	}
}

/* ---- the scheduler ----------------------------------------------------------------------------------------------- */

static void put_failed(struct world *w, const struct prs_sched_effect *x)
{
	struct prs_fact f = { .type = PRS_FACT_FAILED };
	f.u.failed.unit = x->unit;
	f.u.failed.items = x->items;
	f.u.failed.code = x->code;
	put_fact(w, &f);
}

static void put_split(struct world *w, const struct prs_sched_effect *x)
{
	struct prs_fact f = { .type = PRS_FACT_SPLIT };
	f.u.split.unit = x->unit;
	f.u.split.parts = x->parts.n;
	f.u.split.bad_item = x->parts.bad_item;
	put_fact(w, &f);
}

static void carry_out(struct world *w, const struct prs_sched_effect *x)
{
	struct master *m = &w->m;
	check_sched_effect(w, x);
	switch (x->type) {
	case PRS_SCHED_LEASE:
		if (m->state == PRS_JOB_STARTING)
			set_state(w, PRS_JOB_RUNNING, 0);
		chat(w, "%s to n%u%s", unit_text(&x->unit), x->node, x->try_number > 1 ? ", again" : "");
		m->leased[key_of(&x->unit)] = x->lease;
		m->leased_to[key_of(&x->unit)] = x->node;
		m->leased_unit[key_of(&x->unit)] = x->unit;
		m->granted[x->node]++;
		node_order(w, x->node, ORDER_LEASE, x);
		break;
	case PRS_SCHED_FAIL: put_failed(w, x); break;
	case PRS_SCHED_DIVIDE: put_split(w, x); break;
	case PRS_SCHED_ABORT:
		note(w, "the job is given up: %s", x->text);
		stop(w, PRS_JOB_ABORTING, x->code);
		break;
	case PRS_SCHED_ALL_FINAL:
		m->all_final = true;
		order_all(w, ORDER_FINISH);
		break;
	}
}

static void ask_for_tick(struct world *w)
{
	uint64_t at = prs_sched_next_us(w->m.sched);
	struct ev e = { .kind = M_TICK, .gen = w->m.life, .detail = ++w->m.tick_stamp };
	if (at != UINT64_MAX)
		put_event(w, &e, (at > w->now_us ? at - w->now_us : 0) + some_us(w, 100 * MS));
}

static void drive(struct world *w, struct prs_sched_event *ev)
{
	struct prs_sched_effects out = { 0 };
	uint32_t life = w->m.life;
	if (!w->m.sched)
		return;
	ev->now_us = w->now_us;
	if (prs_sched_step(w->m.sched, ev, &out) < 0)
		violated(w, "no memory");
	for (uint32_t i = 0; i < out.n && !w->over && w->m.life == life; i++)
		carry_out(w, &out.v[i]);
	prs_freep(&out.v);
	ask_for_tick(w);
}

/* ---- the end of a life ------------------------------------------------------------------------------------------- */

static void resume_later(struct world *w, uint64_t after_us)
{
	struct ev e = { .kind = M_RESUME, .gen = w->m.life };
	w->m.alive = false;
	put_event(w, &e, after_us);
}

/* Some rows turn out to be damaged when the output is written: they run again under the next engine. */
static void find_damage(struct world *w)
{
	struct prs_fact f = { .type = PRS_FACT_RESET };
	unsigned left = w->plan->bad_ranges;
	w->ranges_damaged = true;
	for (uint64_t id = 0; id < w->m.ledger.next_id && left; id++) {
		if (prs_ledger_state(&w->m.ledger, id) != PRS_UNIT_DONE || some_us(w, 1))
			continue;
		note(w, "the rows of u%llu are damaged", (unsigned long long)id);
		f.u.reset.unit.id = id;
		f.u.reset.count = 1;
		f.u.reset.reason = PRS_RESET_BAD_RANGE;
		put_fact(w, &f);
		left--;
	}
}

static void finish(struct world *w)
{
	struct master *m = &w->m;
	if (m->aborting) {
		set_state(w, PRS_JOB_FAILED, m->code);
	} else if (m->ending) {
		set_state(w, PRS_JOB_INTERRUPTED, m->code);
	} else {
		if (m->state == PRS_JOB_STARTING)
			set_state(w, PRS_JOB_RUNNING, 0);
		set_state(w, PRS_JOB_ASSEMBLING, 0);
		m->ending = true; /* what RESET puts back is for the next engine */
		struct prs_sched_event ev = { .type = PRS_SCHED_STOP };
		m->stopped_leasing = true;
		drive(w, &ev);
		if (w->plan->bad_ranges && !w->ranges_damaged) {
			find_damage(w);
			m->resume_us = SEC;
			set_state(w, PRS_JOB_DRAINING, PRS_ECORRUPT);
			set_state(w, PRS_JOB_INTERRUPTED, PRS_ECORRUPT);
		} else {
			set_state(w, PRS_JOB_COMPLETED, 0);
		}
	}
	finish_journal(w);
	check_folded(w);
	if (m->state == PRS_JOB_INTERRUPTED && m->resume_us)
		resume_later(w, m->resume_us);
	else
		w->over = true;
}

static void maybe_finish(struct world *w)
{
	struct master *m = &w->m;
	if (!m->alive || m->storing || (!m->ending && !m->all_final))
		return;
	for (uint16_t i = 0; i < w->plan->nodes; i++)
		if (m->node_up[i] && !m->node_lost[i] && !m->node_down[i])
			return;
	finish_journal(w);
	if (!w->over)
		finish(w);
}

static void write_group(struct world *w)
{
	struct master *m = &w->m;
	if (!m->alive || m->syncing || !m->groups[m->filling].any)
		return;
	struct ev e = { .kind = M_SYNCED, .gen = m->life };
	m->filling ^= 1;
	m->syncing = true;
	put_event(w, &e, delay_us(w, w->plan->sync_us));
}

void master_turn(struct world *w)
{
	if (!w->over)
		maybe_finish(w);
	write_group(w);
}

void master_kill(struct world *w, uint64_t resume_us, bool machine)
{
	struct master *m = &w->m;
	if (!m->alive)
		return;
	note(w, "%s dies", machine ? "the machine" : "the engine");
	w->machine_died = machine;
	w->running_when_lost_n = 0;
	for (uint16_t i = 0; i < w->plan->nodes; i++) {
		struct snode *n = &w->nodes[i];
		for (uint16_t k = 0; k < w->plan->slots; k++) {
			if (n->up && n->p[k].alive && process_works(&n->p[k]))
				remember_running(w, i, &n->p[k].taken.unit);
			n->p[k].alive = false;
		}
		n->up = false;
	}
	if (m->syncing && some_us(w, 1)) { /* the write was through */
		struct group *g = &m->groups[m->filling ^ 1];
		struct prs_fact f;
		size_t at = 0;
		prs_buf_put(&w->journal, g->body.data, g->body.len);
		while (prs_fact_next(g->body.data, g->body.len, &at, &f, NULL) == 1) {
			check_fact(w, &f);
			prs_ledger_fold(&m->ledger, &f, NULL);
		}
	}
	check_folded(w);
	resume_later(w, resume_us);
}

/* ---- the beginning ----------------------------------------------------------------------------------------------- */

static void plan_what_is_known(struct world *w)
{
	bool complete = w->plans_left == 0;
	if (w->m.ledger.next_id == w->planned && w->m.ledger.planned_all == complete)
		return;
	struct prs_fact f = { .type = PRS_FACT_PLANNED };
	f.u.planned.next_id = w->planned;
	f.u.planned.items = w->planned * SIM_ITEMS;
	f.u.planned.complete = complete;
	put_fact(w, &f);
}

void master_plan(struct world *w, uint64_t ids)
{
	w->planned += ids;
	w->plans_left--;
	note(w, "%llu mini-batches are planned%s", (unsigned long long)w->planned,
	     w->plans_left ? "" : ", these are all");
	if (w->m.alive && !w->m.ending)
		plan_what_is_known(w);
}

static void fold_journal(struct world *w)
{
	struct prs_fact f;
	struct prs_err err = { 0 };
	size_t at = 0;
	while (prs_fact_next(w->journal.data, w->journal.len, &at, &f, &err) == 1) {
		uint64_t final = w->m.ledger.counts.items_final;
		if (prs_ledger_fold(&w->m.ledger, &f, &err) < 0)
			violated(w, "the journal does not fold: %s", err.msg);
		w->progress = f.type != PRS_FACT_HEAD && (w->progress || w->m.ledger.counts.items_final > final);
	}
}

static void put_head(struct world *w)
{
	struct prs_fact f = { .type = PRS_FACT_HEAD };
	f.u.head.epoch = w->m.epoch;
	prs_fact_put(&w->journal, &f);
	prs_ledger_fold(&w->m.ledger, &f, NULL);
}

static void put_unit(uint8_t *to, const struct prs_unit *u)
{
	prs_put64(to, u->id);
	prs_put32(to + 8, u->item_first);
	prs_put32(to + 12, u->item_count);
}

/* What ran when the machine died; an engine's death alone costs nothing, nor does the end of one that was stopping. */
static void put_lost(struct world *w)
{
	uint8_t raw[SIM_NODES * SIM_SLOTS * 16] = { 0 };
	struct prs_fact f = { .type = PRS_FACT_LOST };
	f.u.lost.units = raw;
	for (uint32_t i = 0; i < w->running_when_lost_n; i++)
		if (prs_ledger_unit(&w->m.ledger, &w->running_when_lost[i].unit) == PRS_UNIT_PLANNED)
			put_unit(raw + 16 * f.u.lost.running_count++, &w->running_when_lost[i].unit);
	w->running_when_lost_n = 0;
	struct prs_unit first = f.u.lost.running_count ? prs_lost_unit(&f, 0) : (struct prs_unit){ 0 };
	bool alone = f.u.lost.running_count == 1 && prs_ledger_downs(&w->m.ledger, &first) >= PRS_DOWNS_TO_BE_ALONE;
	f.u.lost.progress = w->progress && !alone;
	bool stopping = w->m.state != PRS_JOB_STARTING && w->m.state != PRS_JOB_RUNNING;
	if (w->machine_died && !stopping && f.u.lost.running_count)
		put_fact(w, &f);
	w->machine_died = false;
}

static void resume_state(struct world *w)
{
	if (w->m.state == PRS_JOB_DRAINING)
		set_state(w, PRS_JOB_INTERRUPTED, 0);
	if (w->m.state == PRS_JOB_INTERRUPTED || w->m.state == PRS_JOB_ASSEMBLING)
		set_state(w, PRS_JOB_RUNNING, 0);
	if (w->m.state == PRS_JOB_ABORTING)
		set_state(w, PRS_JOB_FAILED, w->m.ledger.job_code);
}

static bool was_over(const struct master *m) { return m->state == PRS_JOB_COMPLETED || m->state == PRS_JOB_FAILED; }

void master_start(struct world *w)
{
	struct master *m = &w->m;
	uint32_t life = m->life + 1;
	prs_sched_free(m->sched);
	prs_ledger_done(&m->ledger);
	for (int i = 0; i < 2; i++)
		prs_buf_done(&m->groups[i].body);
	*m = (struct master){ .alive = true, .life = life };
	w->lives = life;
	for (int i = 0; i < 2; i++)
		prs_buf_init(&m->groups[i].body, 16 << 20);
	prs_ledger_init(&m->ledger, sim_items_of, NULL);
	fold_journal(w);
	m->state = m->ledger.job;
	m->epoch = m->ledger.epoch + 1;
	note(w, "engine %u", m->epoch);
	if (was_over(m)) {
		w->over = true;
		return;
	}
	put_head(w);
	plan_what_is_known(w);
	put_lost(w);
	resume_state(w);
	if (!was_over(m)) /* else the last engine had decided on it */
		m->sched = prs_sched_new(&m->ledger, &w->plan->limits);
	finish_journal(w);
	if (was_over(m)) {
		w->over = true;
		return;
	}
	struct prs_sched_event start = { .type = PRS_SCHED_START }, planned = { .type = PRS_SCHED_PLANNED };
	drive(w, &start);
	for (uint16_t i = 0; i < w->plan->nodes && !m->all_final; i++)
		node_start(w, i);
	drive(w, &planned);
}

void master_interrupt(struct world *w, uint64_t resume_us)
{
	if (!w->m.alive || w->m.ending || w->m.all_final)
		return;
	w->m.resume_us = resume_us;
	stop(w, PRS_JOB_DRAINING, PRS_EINTERRUPTED);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static void put_lost_of(struct world *w, uint16_t node, uint32_t life)
{
	struct master *m = &w->m;
	uint8_t raw[SIM_KEYS * 16] = { 0 };
	bool runs[SIM_KEYS] = { false };
	uint32_t n = 0, left = 0;
	m->dying[node] = 0;
	for (uint32_t i = 0; i < w->running_when_lost_n; i++) {
		if (w->running_when_lost[i].node == node)
			runs[key_of(&w->running_when_lost[i].unit)] = true;
		else
			w->running_when_lost[left++] = w->running_when_lost[i];
	}
	w->running_when_lost_n = left;
	struct prs_fact f = { .type = PRS_FACT_LOST };
	f.u.lost.node = node;
	f.u.lost.incarnation = life;
	f.u.lost.units = raw;
	for (int running = 1; running >= 0; running--)
		for (size_t k = 0; k < SIM_KEYS; k++)
			if (m->leased[k] && m->leased_to[k] == node && runs[k] == running) {
				put_unit(raw + 16 * n++, &m->leased_unit[k]);
				*(running ? &f.u.lost.running_count : &f.u.lost.queued_count) += 1;
			}
	put_fact(w, &f);
}

/* What it finished is journaled before. */
void master_node_lost(struct world *w, uint16_t node)
{
	struct master *m = &w->m;
	note(w, "the engine learns that n%u is lost", node);
	m->node_lost[node] = true;
	if (m->storing_of[node])
		m->dying[node] = m->node_life[node];
	else
		put_lost_of(w, node, m->node_life[node]);
}

static void on_node_up(struct world *w, uint16_t node, uint32_t life)
{
	struct master *m = &w->m;
	if (m->node_up[node] && !m->node_lost[node])
		master_node_lost(w, node);
	if (m->ending || m->all_final)
		return;
	struct prs_fact f = { .type = PRS_FACT_NODE };
	f.u.node.incarnation = life;
	f.u.node.node = node;
	f.u.node.up = 1;
	put_fact(w, &f);
}

/* A node says something: called directly on one machine, else it takes a while. */
void to_master(struct world *w, uint16_t node, struct ev *e)
{
	struct snode *n = &w->nodes[node];
	e->node = node;
	e->gen = w->m.life;
	e->detail = n->life;
	if (!w->plan->remote) {
		master_handle(w, e);
		return;
	}
	uint64_t arrives = w->now_us + delay_us(w, w->plan->link_us);
	n->to_master_us = arrives > n->to_master_us ? arrives : n->to_master_us;
	put_event(w, e, n->to_master_us - w->now_us);
}

/* From a node that was given up: its rows may count, what it gives back belongs to leases that are over, the rest is
 * not heard. */
static bool heard(struct world *w, const struct ev *e)
{
	bool current = w->m.node_life[e->node] == e->detail && !w->m.node_lost[e->node];
	if (current || e->kind == M_RETURNED)
		return true;
	return e->kind == M_RESULT && !w->m.ending && !w->m.all_final && some_us(w, 1);
}

/* Its rows go to the disk, in order with others. */
static void store(struct world *w, const struct ev *e)
{
	struct master *m = &w->m;
	struct ev stored = { .kind = M_STORED, .node = e->node, .gen = m->life, .fact = e->fact };
	uint64_t at = w->now_us + delay_us(w, w->plan->sync_us);
	m->last_store_us = at > m->last_store_us ? at : m->last_store_us;
	m->storing++;
	m->storing_of[e->node]++;
	put_event(w, &stored, m->last_store_us - w->now_us);
}

static void returned(struct world *w, const struct prs_unit *u, uint64_t lease)
{
	struct prs_sched_event ev = { .type = PRS_SCHED_RETURNED, .unit = *u, .lease = lease };
	unlease(w, u, lease);
	drive(w, &ev);
}

static void on_stored(struct world *w, const struct ev *e)
{
	const struct prs_done *d = &e->fact.u.done;
	w->m.storing--;
	if (w->plan->sync_fails && !sim_below(&w->dice, w->plan->sync_fails)) {
		note(w, "the rows of %s could not be synced", unit_text(&d->unit));
		returned(w, &d->unit, d->lease);
	} else {
		put_fact(w, &e->fact);
	}
	if (!--w->m.storing_of[e->node] && w->m.dying[e->node])
		put_lost_of(w, e->node, w->m.dying[e->node]);
}

/* As src/master/nodes.c: the job goes on without it; when none is left, what the nodes say decides. */
static void on_given_up(struct world *w, uint16_t node)
{
	struct master *m = &w->m;
	bool left = false, by_init = true;
	master_node_lost(w, node);
	for (uint16_t i = 0; i < w->plan->nodes; i++) {
		left = left || !m->node_fault[i];
		by_init = by_init && m->node_fault[i] == PRS_EINIT_GIVE_UP;
	}
	if (left)
		return;
	if (by_init)
		stop(w, PRS_JOB_ABORTING, PRS_EINIT_GIVE_UP);
	else
		stop(w, PRS_JOB_DRAINING, PRS_ESPAWN);
}

static void from_node(struct world *w, const struct ev *e)
{
	struct prs_sched_event ev = { .node = e->node };
	if (!heard(w, e))
		return;
	switch ((int)e->kind) {
	case M_RESULT: store(w, e); return;
	case M_FACT: put_fact(w, &e->fact); return;
	case M_RETURNED: returned(w, &e->unit, e->lease); return;
	case M_ASK:
		ev.type = PRS_SCHED_ASK;
		ev.count = (uint32_t)e->arg;
		if ((int32_t)(ev.count - w->m.asked[e->node]) > 0)
			w->m.asked[e->node] =
				ev.count; /* a lower number comes too late for leases that are on their way */
		drive(w, &ev);
		return;
	case M_FAILED: w->m.node_fault[e->node] = e->code; return;
	case M_DOWN:
		w->m.node_down[e->node] = true;
		if (!w->m.ending && !w->m.all_final) /* of its own accord */
			on_given_up(w, e->node);
		return;
	}
}

/* Heartbeats stopped. The news of a life that is not yet known waits for it. */
static void on_node_lost(struct world *w, const struct ev *e)
{
	struct master *m = &w->m;
	struct ev again = *e;
	const struct snode *n = &w->nodes[e->node];
	if (n->up && n->life == e->arg && n->cut_until_us <= w->now_us)
		return; /* it was only cut off, and is heard again */
	if (m->node_life[e->node] < e->arg)
		put_event(w, &again, SEC);
	else if (m->node_life[e->node] == e->arg && !m->node_lost[e->node])
		master_node_lost(w, e->node);
}

void master_handle(struct world *w, const struct ev *e)
{
	struct master *m = &w->m;
	struct prs_sched_event tick = { .type = PRS_SCHED_TICK };
	if (e->gen != m->life || (!m->alive && e->kind != M_RESUME))
		return;
	switch ((int)e->kind) {
	case M_SYNCED:
		if (m->syncing) { /* not finished meanwhile */
			m->syncing = false;
			fold_group(w, &m->groups[m->filling ^ 1]);
		}
		break;
	case M_TICK:
		if (e->detail == m->tick_stamp)
			drive(w, &tick);
		break;
	case M_NODE_LOST: on_node_lost(w, e); break;
	case M_HEALED:
		if (w->nodes[e->node].up && w->nodes[e->node].life == e->arg && m->node_life[e->node] == e->arg &&
		    m->node_lost[e->node] && !m->ending && !m->all_final)
			node_start(w, e->node);
		break;
	case M_NODE_UP: on_node_up(w, e->node, e->detail); break;
	case M_GRACE_OVER:
		if (!m->aborting)
			order_all(w, ORDER_ABORT);
		break;
	case M_RESUME: master_start(w); break;
	case M_STORED: on_stored(w, e); break;
	default: from_node(w, e); break;
	}
}
