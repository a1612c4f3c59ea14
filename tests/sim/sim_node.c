/* SPDX-License-Identifier: Apache-2.0
 * sim_node: a node around its pool: carries effects out, feeds events (as src/node does it).
 */
#include "impl.h"

#include "base/mem.h"

#include <stdlib.h>

static void report(struct world *w, uint16_t node, struct prs_fact *f)
{
	struct ev e = { .kind = M_FACT, .fact = *f };
	to_master(w, node, &e);
}

static void returned(struct world *w, uint16_t node, const struct prs_unit *u, uint64_t lease)
{
	struct ev e = { .kind = M_RETURNED, .unit = *u, .lease = lease };
	chat(w, "n%u gives %s back", node, unit_text(u));
	to_master(w, node, &e);
}

/* ---- effects ----------------------------------------------------------------------------------------------------- */

static void spawn(struct world *w, uint16_t node, uint16_t slot)
{
	struct snode *n = &w->nodes[node];
	struct sim_process how = w->plan->process(w->plan->ctx, node, slot, n->p[slot].starts++);
	struct prs_pool_event back = { .type = PRS_POOL_SPAWNED,
		                       .now_us = w->now_us,
		                       .slot = slot,
		                       .pid = 1000 + w->gens };
	if (how.start == SIM_NO_SPAWN) {
		n->p[slot] = (struct process){ .gen = ++w->gens, .reaped = true, .starts = n->p[slot].starts };
		back.type = PRS_POOL_SPAWN_FAILED;
		back.code = PRS_ESPAWN;
		back.pid = 0;
	} else {
		process_start(w, node, slot, &how);
	}
	node_event(w, node, &back);
}

static void accept(struct world *w, uint16_t node, const struct prs_pool_effect *x)
{
	struct snode *n = &w->nodes[node];
	struct ev e = { .kind = M_RESULT };
	struct prs_done *d = &e.fact.u.done;
	uint32_t succeeded = n->frame ? (uint32_t)n->frame->arg : SIM_ITEMS;
	e.fact.type = PRS_FACT_DONE;
	*d = (struct prs_done){ .unit = x->unit,
		                .lease = x->lease,
		                .try_number = x->try_number,
		                .node = node,
		                .slot = x->slot,
		                .succeeded = succeeded,
		                .rows = succeeded,
		                .length = succeeded * 10u };
	to_master(w, node, &e);
}

static void tell_try(struct world *w, uint16_t node, const struct prs_pool_effect *x)
{
	const struct prs_error_row *row = prs_error_row(x->code);
	struct prs_fact f = { .type = PRS_FACT_TRY };
	f.u.try_ = (struct prs_try){ .unit = x->unit,
		                     .lease = x->lease,
		                     .try_number = x->try_number,
		                     .node = node,
		                     .slot = x->slot,
		                     .code = x->code,
		                     .fault = row->fault,
		                     .counted = row->action != PRS_ACTION_RESUMABLE };
	if (x->code == PRS_EVALUE_MISFIT)
		f.u.try_.bad_item = bad_item_of(x->unit.id);
	note(w, "n%u process%u: %s fails try %u: %s", node, x->slot, unit_text(&x->unit), x->try_number, row->name);
	report(w, node, &f);
}

static void tell_proc(struct world *w, uint16_t node, const struct prs_pool_effect *x)
{
	static const char *const names[] = { "starts", "is ready", "fails its init", "ends", "is killed" };
	struct prs_fact f = { .type = PRS_FACT_PROC };
	f.u.proc.node = node;
	f.u.proc.slot = x->slot;
	f.u.proc.incarnation = (uint32_t)(w->nodes[node].p[x->slot].how.same); /* stands for the text */
	f.u.proc.event = x->proc_event;
	f.u.proc.code = x->code;
	if (x->proc_event != PRS_PROC_STARTED)
		chat(w, "n%u process%u %s%s%s", node, x->slot, names[x->proc_event], x->code ? ": " : "",
		     x->code ? text_code(x->code) : "");
	report(w, node, &f);
}

static void timer(struct world *w, uint16_t node, uint64_t at_us)
{
	struct ev e = { .kind = N_TICK,
		        .node = node,
		        .gen = w->nodes[node].life,
		        .detail = ++w->nodes[node].wake_stamp };
	uint64_t late = some_us(w, 9) ? 0 : some_us(w, 5 * MS);
	put_event(w, &e, (at_us > w->now_us ? at_us - w->now_us : 0) + late);
}

static void check_down(struct world *w, uint16_t node)
{
	struct snode *n = &w->nodes[node];
	if (!n->pool_down || n->told_down)
		return;
	n->told_down = true;
	struct ev e = { .kind = M_DOWN };
	to_master(w, node, &e);
}

static void signal_process(struct world *w, uint16_t node, uint16_t slot, uint32_t signum)
{
	struct ev e = { .kind = P_SIGNAL,
		        .node = node,
		        .slot = slot,
		        .gen = w->nodes[node].p[slot].gen,
		        .detail = signum };
	put_event(w, &e, some_us(w, 2 * MS));
}

static void carry_out(struct world *w, uint16_t node, const struct prs_pool_effect *x)
{
	struct snode *n = &w->nodes[node];
	struct prs_pool_event back = { .now_us = w->now_us, .slot = x->slot };
	struct ev e = { .node = node, .slot = x->slot };
	check_pool_effect(w, node, x);
	switch (x->type) {
	case PRS_POOL_SPAWN: spawn(w, node, x->slot); break;
	case PRS_POOL_SEND: process_give(w, node, x->slot, x); break;
	case PRS_POOL_RECALL:
		back.type = PRS_POOL_RECALLED;
		back.count = process_take_back(w, node, x->slot, x->count);
		chat(w, "n%u process%u: %u of %u called back", node, x->slot, back.count, x->count);
		node_event(w, node, &back);
		break;
	case PRS_POOL_STOP:
		e.kind = P_STOP;
		e.gen = n->p[x->slot].gen;
		put_event(w, &e, some_us(w, 100));
		break;
	case PRS_POOL_SIGNAL: signal_process(w, node, x->slot, x->count); break;
	case PRS_POOL_ACCEPT: accept(w, node, x); break;
	case PRS_POOL_TRY: tell_try(w, node, x); break;
	case PRS_POOL_RETURN: returned(w, node, &x->unit, x->lease); break;
	case PRS_POOL_PROC: tell_proc(w, node, x); break;
	case PRS_POOL_ASK:
		e.kind = M_ASK;
		e.arg = x->count;
		to_master(w, node, &e);
		break;
	case PRS_POOL_WAKE: timer(w, node, x->at_us); break;
	case PRS_POOL_DOWN:
		n->pool_down = true;
		check_down(w, node);
		break;
	case PRS_POOL_GIVEN_UP: chat(w, "n%u process%u is given up: %s", node, x->slot, text_code(x->code)); break;
	case PRS_POOL_UNFIT:
		note(w, "n%u gives itself up: %s", node, text_code(x->code));
		e.kind = M_FAILED;
		e.code = x->code;
		to_master(w, node, &e);
		break;
	case PRS_POOL_DROPPED: w->result.dropped++; break;
	case PRS_POOL_DROP: break;
	}
}

static void step(struct world *w, uint16_t node, const struct prs_pool_event *e)
{
	struct snode *n = &w->nodes[node];
	uint32_t life = n->life;
	n->effects.n = 0;
	if (prs_pool_step(n->pool, e, &n->effects) < 0)
		violated(w, "no memory");
	for (uint32_t i = 0; i < n->effects.n && !w->over && n->pool && n->life == life; i++) {
		struct prs_pool_effect x = n->effects.v[i];
		carry_out(w, node, &x);
	}
}

/* As in src/node/node.c: events that come while one is handled wait their turn. */
void node_event(struct world *w, uint16_t node, const struct prs_pool_event *e)
{
	struct snode *n = &w->nodes[node];
	uint32_t life = n->life;
	if (!n->up || !n->pool)
		return;
	if (n->events_n == sizeof n->events / sizeof *n->events) {
		violated(w, "n%u never comes to rest: its events cause events without end", node);
		return;
	}
	n->events[n->events_n++] = *e;
	if (n->stepping)
		return;
	n->stepping = true;
	for (uint32_t i = 0; i < n->events_n && !w->over && n->life == life && n->pool; i++) {
		struct prs_pool_event next = n->events[i];
		step(w, node, &next);
	}
	if (n->life == life) {
		n->events_n = 0;
		n->stepping = false;
	}
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void on_frame(struct world *w, const struct ev *e)
{
	static const enum prs_pool_event_type types[] = { PRS_POOL_HELLO,  PRS_POOL_READY, PRS_POOL_INIT_FAILED,
		                                          PRS_POOL_RESULT, PRS_POOL_FAIL,  PRS_POOL_BYE,
		                                          PRS_POOL_BROKEN };
	struct snode *n = &w->nodes[e->node];
	if (n->p[e->slot].gen != e->gen || n->p[e->slot].reaped)
		return;
	if (e->detail == FRAME_GARBAGE)
		n->p[e->slot].broken = e->code;
	struct prs_pool_event p = { .type = types[e->detail],
		                    .now_us = w->now_us,
		                    .slot = e->slot,
		                    .claim = e->claim,
		                    .code = e->code,
		                    .run_us = e->lease };
	n->frame = e;
	node_event(w, e->node, &p);
	n->frame = NULL;
}

static void on_exited(struct world *w, const struct ev *e)
{
	struct snode *n = &w->nodes[e->node];
	struct process *p = &n->p[e->slot];
	if (p->gen != e->gen || p->reaped)
		return;
	p->reaped = true;
	n->exit_pages[e->slot] = p->page;
	struct prs_pool_event x = { .type = PRS_POOL_EXITED,
		                    .now_us = w->now_us,
		                    .slot = e->slot,
		                    .exit = p->exit_status,
		                    .pages = &n->exit_pages[e->slot] };
	node_event(w, e->node, &x);
}

static void on_tick(struct world *w, const struct ev *e)
{
	struct snode *n = &w->nodes[e->node];
	if (e->detail != n->wake_stamp)
		return;
	for (uint16_t i = 0; i < w->plan->slots; i++)
		n->pages[i] = n->p[i].gen && !n->p[i].reaped ? n->p[i].page : (struct prs_page){ 0 };
	struct prs_pool_event x = { .type = PRS_POOL_TICK, .now_us = w->now_us, .pages = n->pages };
	node_event(w, e->node, &x);
}

static void on_order(struct world *w, const struct ev *e)
{
	static const enum prs_pool_event_type types[] = { PRS_POOL_START, PRS_POOL_LEASE, PRS_POOL_DRAIN,
		                                          PRS_POOL_ABORT, PRS_POOL_FINISH };
	struct prs_pool_event x = { .type = types[e->detail],
		                    .now_us = w->now_us,
		                    .unit = e->unit,
		                    .lease = e->lease,
		                    .try_number = e->try_number,
		                    .avoid_slot = e->avoid_slot,
		                    .body = (void *)(uintptr_t)e->lease,
		                    .body_bytes = sim_body_bytes(&e->unit) };
	struct snode *n = &w->nodes[e->node];
	if (x.type == PRS_POOL_LEASE) {
		n->inside[key_of(&e->unit)] = e->lease;
		/* as src/node/node.c: no room for it, and each process has one */
		if (n->bodies >= w->plan->slots && n->body_bytes + x.body_bytes > w->plan->pool.body_bytes_max) {
			x.body = NULL;
			x.body_bytes = 0;
		}
		n->bodies += x.body != NULL;
		n->body_bytes += x.body_bytes;
	}
	node_event(w, e->node, &x);
}

void node_handle(struct world *w, const struct ev *e)
{
	struct snode *n = &w->nodes[e->node];
	if (!n->up)
		return;
	bool of_process = e->kind == N_FRAME || e->kind == N_EXITED;
	if (!of_process && e->gen != n->life)
		return;
	if (of_process && n->paused_until_us > w->now_us) {
		struct ev later = *e;
		put_event(w, &later, n->paused_until_us - w->now_us);
		return;
	}
	switch ((int)e->kind) {
	case N_FRAME: on_frame(w, e); break;
	case N_EXITED: on_exited(w, e); break;
	case N_TICK: on_tick(w, e); break;
	case N_ORDER: on_order(w, e); break;
	case N_RESUME:
		if (w->now_us >= n->paused_until_us)
			node_event(w, e->node,
			           &(struct prs_pool_event){ .type = PRS_POOL_RESUME, .now_us = w->now_us });
		break;
	}
}

void node_tell(struct world *w, uint16_t node, uint16_t slot, enum prs_pool_event_type type)
{
	struct process *p = &w->nodes[node].p[slot];
	struct prs_pool_event x = { .type = type,
		                    .now_us = w->now_us,
		                    .slot = slot,
		                    .code = PRS_EMEMORY_LIMIT,
		                    .pages = &p->page };
	if (!p->gen || p->reaped)
		return;
	note(w, "n%u process%u %s", node, slot,
	     type == PRS_POOL_RETIRE ? "is to be replaced" : "is over its memory limit");
	if (type == PRS_POOL_OVER_LIMIT)
		p->broken = x.code;
	node_event(w, node, &x);
}

/* What its processes send lies where it is until then. */
void node_pause(struct world *w, uint16_t node, uint64_t for_us)
{
	struct snode *n = &w->nodes[node];
	struct prs_pool_event pause = { .type = PRS_POOL_PAUSE, .now_us = w->now_us };
	struct ev e = { .kind = N_RESUME, .node = node, .gen = n->life };
	uint64_t until = w->now_us + for_us;
	note(w, "n%u is not read for %llu ms", node, (unsigned long long)(for_us / MS));
	n->paused_until_us = until > n->paused_until_us ? until : n->paused_until_us;
	node_event(w, node, &pause);
	put_event(w, &e, n->paused_until_us - w->now_us);
}

/* ---- its life ---------------------------------------------------------------------------------------------------- */

void node_start(struct world *w, uint16_t node)
{
	struct snode *n = &w->nodes[node];
	uint32_t life = n->life + 1;
	uint64_t to = n->to_master_us, from = n->from_master_us;
	struct prs_pool_config c = w->plan->pool;
	prs_pool_free(n->pool);
	prs_freep(&n->effects.v);
	memset(n, 0, sizeof *n);
	n->up = true;
	n->life = life;
	n->to_master_us = to;
	n->from_master_us = from;
	c.slots = w->plan->slots;
	n->pool = prs_pool_new(&c);
	if (!n->pool)
		abort();
	struct ev e = { .kind = M_NODE_UP };
	to_master(w, node, &e);
}

void remember_running(struct world *w, uint16_t node, const struct prs_unit *u)
{
	if (w->running_when_lost_n == sizeof w->running_when_lost / sizeof *w->running_when_lost)
		return;
	w->running_when_lost[w->running_when_lost_n].node = node;
	w->running_when_lost[w->running_when_lost_n++].unit = *u;
}

/* Power off: what was on its way to it is lost; the master finds out later. */
void node_gone(struct world *w, uint16_t node)
{
	struct snode *n = &w->nodes[node];
	note(w, "n%u is lost", node);
	n->up = false;
	for (uint16_t i = 0; i < w->plan->slots; i++) {
		if (n->p[i].alive && process_works(&n->p[i]))
			remember_running(w, node, &n->p[i].taken.unit);
		n->p[i].alive = false;
		n->p[i].gen = ++w->gens;
	}
	struct ev e = { .kind = M_NODE_LOST, .node = node, .gen = w->m.life, .arg = n->life };
	put_event(w, &e, 1 * SEC + some_us(w, 30 * SEC));
}

/* Its messages wait. A node that was given up meanwhile starts anew; what its old life said comes first. */
void node_cut(struct world *w, uint16_t node, uint64_t for_us)
{
	struct snode *n = &w->nodes[node];
	struct ev lost = { .kind = M_NODE_LOST, .node = node, .gen = w->m.life, .arg = n->life }, healed = lost;
	uint64_t until = w->now_us + for_us, noticed = 1 * SEC + some_us(w, 5 * SEC);
	note(w, "n%u is cut off for %llu ms", node, (unsigned long long)(for_us / MS));
	n->to_master_us = until > n->to_master_us ? until : n->to_master_us;
	n->from_master_us = until > n->from_master_us ? until : n->from_master_us;
	n->cut_until_us = until > n->cut_until_us ? until : n->cut_until_us;
	healed.kind = M_HEALED;
	put_event(w, &healed, for_us + 1);
	if (noticed < for_us)
		put_event(w, &lost, noticed);
}

void node_order(struct world *w, uint16_t node, enum order what, const struct prs_sched_effect *lease)
{
	struct snode *n = &w->nodes[node];
	struct ev e = { .kind = N_ORDER, .node = node, .gen = w->m.node_life[node], .detail = what };
	if (w->m.node_lost[node])
		return; /* it will get nothing more; the scheduler is told as soon as LOST is durable */
	if (lease) {
		e.unit = lease->unit;
		e.lease = lease->lease;
		e.try_number = lease->try_number;
		e.avoid_slot = lease->avoid_slot;
	}
	if (!w->plan->remote) {
		node_handle(w, &e);
		return;
	}
	uint64_t arrives = w->now_us + delay_us(w, w->plan->link_us);
	n->from_master_us = arrives > n->from_master_us ? arrives : n->from_master_us;
	put_event(w, &e, n->from_master_us - w->now_us);
}
