/* SPDX-License-Identifier: Apache-2.0
 * sim_process: worker processes as python/prs_loader makes them: they take tokens, write their page, send frames, die.
 */
#include "impl.h"

static struct process *at(struct world *w, uint16_t node, uint16_t slot) { return &w->nodes[node].p[slot]; }

bool process_works(const struct process *p)
{
	enum prs_phase ph = prs_page_phase(p->page.word);
	return p->busy && (ph == PRS_PHASE_LOAD || ph == PRS_PHASE_RUN || ph == PRS_PHASE_WRITE);
}

static void later(struct world *w, uint16_t node, uint16_t slot, enum kind kind, uint32_t detail, uint64_t after_us)
{
	struct ev e = { .kind = kind, .node = node, .slot = slot, .gen = at(w, node, slot)->gen, .detail = detail };
	put_event(w, &e, after_us);
}

/* What the process takes for the time: its script may have changed its clock. */
static uint64_t clock_of(const struct world *w, const struct process *p)
{
	switch (p->how.clock) {
	case SIM_CLOCK_ZERO: return 0;
	case SIM_CLOCK_STANDS: return p->stands_us;
	case SIM_CLOCK_AHEAD: return w->now_us * 2;
	case SIM_CLOCK_TRUE:
	case SIM_CLOCKS: break;
	}
	return w->now_us;
}

static void phase(struct world *w, struct process *p, enum prs_phase ph)
{
	p->phase_us = w->now_us;
	p->stands_us = ph == PRS_PHASE_INIT || !p->stands_us ? w->now_us : p->stands_us;
	p->page.word = prs_page_word(ph, clock_of(w, p));
}

/* Frames arrive in order. */
static void send(struct world *w, uint16_t node, uint16_t slot, enum frame frame, uint32_t claim, uint16_t code)
{
	struct process *p = at(w, node, slot);
	struct ev e = { .kind = N_FRAME,
		        .node = node,
		        .slot = slot,
		        .gen = p->gen,
		        .detail = frame,
		        .claim = claim,
		        .code = code };
	e.arg = frame == FRAME_RESULT ? p->act.succeeded : p->how.same;
	e.lease = p->act.run_us;
	uint64_t arrives = w->now_us + delay_us(w, w->plan->frame_us);
	p->last_frame_us = arrives > p->last_frame_us ? arrives : p->last_frame_us;
	put_event(w, &e, p->last_frame_us - w->now_us);
}

void process_start(struct world *w, uint16_t node, uint16_t slot, const struct sim_process *how)
{
	struct process *p = at(w, node, slot);
	uint32_t starts = p->starts;
	*p = (struct process){ .alive = true, .gen = ++w->gens, .starts = starts, .how = *how };
	phase(w, p, PRS_PHASE_START);
	later(w, node, slot, P_HELLO, 0, how->hello_us);
}

void process_die(struct world *w, uint16_t node, uint16_t slot, uint32_t status, bool own_doing)
{
	struct process *p = at(w, node, slot);
	if (!p->alive)
		return;
	p->alive = false;
	p->exit_status = status;
	p->fell_in_unit = own_doing && process_works(p);
	struct ev e = { .kind = N_EXITED, .node = node, .slot = slot, .gen = p->gen };
	uint64_t known = w->now_us + delay_us(w, w->plan->frame_us);
	put_event(w, &e, (p->last_frame_us > known ? p->last_frame_us : known) - w->now_us);
}

/* ---- its life ---------------------------------------------------------------------------------------------------- */

static void init_end(struct world *w, uint16_t node, uint16_t slot)
{
	struct process *p = at(w, node, slot);
	switch (p->how.start) {
	case SIM_INIT_RAISES:
	case SIM_NO_RUN:
		send(w, node, slot, FRAME_INIT_FAILED, 0,
		     p->how.start == SIM_NO_RUN ? PRS_ENO_RUN_FUNCTION : PRS_EINIT_EXCEPTION);
		later(w, node, slot, P_DIE, 1 << 8, some_us(w, 50 * MS));
		return;
	case SIM_INIT_EXITS: process_die(w, node, slot, 3 << 8, true); return;
	case SIM_INIT_HANGS: return;
	case SIM_INIT_GARBAGE: send(w, node, slot, FRAME_GARBAGE, 0, PRS_EPROTOCOL); return;
	case SIM_STARTS:
	case SIM_NO_SPAWN: break;
	}
	p->ready = true;
	phase(w, p, PRS_PHASE_IDLE);
	send(w, node, slot, FRAME_READY, 0, 0);
	if (p->how.dies_us)
		later(w, node, slot, P_DIE, 9, p->how.dies_us);
	later(w, node, slot, P_TAKE, 0, 0);
}

static void take(struct world *w, uint16_t node, uint16_t slot)
{
	struct process *p = at(w, node, slot);
	if (!p->ready || p->busy || p->leaving || p->how.takes_nothing)
		return;
	if (!p->queue_n) {
		if (!p->stop)
			return;
		phase(w, p, PRS_PHASE_SHUTDOWN);
		p->leaving = true;
		if (p->how.hangs_in_shutdown)
			return;
		send(w, node, slot, FRAME_BYE, 0, 0);
		later(w, node, slot, P_DIE, 0, p->how.shutdown_us);
		return;
	}
	p->taken = p->queue[0];
	memmove(p->queue, p->queue + 1, --p->queue_n * sizeof *p->queue);
	p->busy = true;
	p->act = w->plan->run(w->plan->ctx, &p->taken.unit, p->taken.try_number, node, slot);
	p->page.id = p->taken.unit.id;
	p->page.lease = p->taken.lease;
	p->page.claim = p->taken.claim;
	phase(w, p, PRS_PHASE_LOAD);
	chat(w, "n%u process%u loads %s", node, slot, unit_text(&p->taken.unit));
	if (p->act.end != SIM_HANGS_LOADING)
		later(w, node, slot, P_RUN, 0, p->act.load_us);
}

static void run(struct world *w, uint16_t node, uint16_t slot)
{
	struct process *p = at(w, node, slot);
	phase(w, p, PRS_PHASE_RUN);
	w->result.runs[p->taken.unit.id]++;
	w->result.ran_on[p->taken.unit.id] = (uint16_t)(node * SIM_SLOTS + slot);
	if (p->act.end == SIM_CRASHES || p->act.end == SIM_EXITS)
		later(w, node, slot, P_DIE, p->act.end == SIM_CRASHES ? 11 : 0, p->act.run_us);
	else if (p->act.end != SIM_HANGS)
		later(w, node, slot, P_WRITE, 0, p->act.run_us);
}

static void begin_write(struct world *w, uint16_t node, uint16_t slot)
{
	struct process *p = at(w, node, slot);
	phase(w, p, PRS_PHASE_WRITE);
	if (p->act.end == SIM_TAKES_NODE_DOWN) {
		note(w, "%s takes n%u down", unit_text(&p->taken.unit), node);
		if (w->plan->remote)
			node_gone(w, node);
		else
			master_kill(w, 5 * SEC, true);
	} else if (p->act.end == SIM_CRASHES_WRITING) {
		later(w, node, slot, P_DIE, 11, p->act.write_us);
	} else if (p->act.end != SIM_HANGS_WRITING) {
		later(w, node, slot, P_SENT, 0, p->act.write_us);
	}
}

static void sent(struct world *w, uint16_t node, uint16_t slot)
{
	static const uint16_t codes[] = { [SIM_RAISES] = PRS_ERUN_EXCEPTION, [SIM_RETURNS_JUNK] = PRS_EUSER_RETURN_TYPE,
		                          [SIM_SYSTEM_EXIT] = PRS_ERUN_EXIT, [SIM_ASYNC] = PRS_EASYNC_RUN,
		                          [SIM_SAYS_IO] = PRS_EIO,           [SIM_MISFIT] = PRS_EVALUE_MISFIT,
		                          [SIM_TAKES_NODE_DOWN] = 0 };
	struct process *p = at(w, node, slot);
	uint16_t code = codes[p->act.end];
	send(w, node, slot, code ? FRAME_FAIL : FRAME_RESULT, p->taken.claim, code);
	p->page.results++;
	p->busy = false;
	phase(w, p, PRS_PHASE_IDLE);
	if (p->act.end == SIM_SYSTEM_EXIT) {
		p->leaving = true;
		later(w, node, slot, P_DIE, 1 << 8, some_us(w, 20 * MS));
		return;
	}
	later(w, node, slot, P_TAKE, 0, 0);
}

static void signalled(struct world *w, uint16_t node, uint16_t slot, uint32_t signum)
{
	struct process *p = at(w, node, slot);
	if (p->how.unkillable || (signum == SIGTERM && p->how.ignores_term))
		return;
	process_die(w, node, slot, signum, false);
}

void process_event(struct world *w, const struct ev *e)
{
	struct process *p = at(w, e->node, e->slot);
	if (!p->alive || p->gen != e->gen)
		return;
	switch ((int)e->kind) {
	case P_HELLO:
		phase(w, p, PRS_PHASE_INIT);
		send(w, e->node, e->slot, FRAME_HELLO, 0, 0);
		later(w, e->node, e->slot, P_INIT_END, 0, p->how.init_us);
		break;
	case P_INIT_END: init_end(w, e->node, e->slot); break;
	case P_TAKE: take(w, e->node, e->slot); break;
	case P_RUN: run(w, e->node, e->slot); break;
	case P_WRITE: begin_write(w, e->node, e->slot); break;
	case P_SENT: sent(w, e->node, e->slot); break;
	case P_STOP:
		p->stop = true;
		take(w, e->node, e->slot);
		break;
	case P_SIGNAL: signalled(w, e->node, e->slot, e->detail); break;
	case P_DIE:
		if (e->detail)
			chat(w, "n%u process%u dies (%u)", e->node, e->slot, e->detail);
		process_die(w, e->node, e->slot, e->detail, true);
		break;
	}
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

void process_give(struct world *w, uint16_t node, uint16_t slot, const struct prs_pool_effect *e)
{
	struct process *p = at(w, node, slot);
	p->queue[p->queue_n++] = (struct queued){ e->claim, e->unit, e->lease, e->try_number };
	p->sent_claim = e->claim;
	if (p->alive)
		later(w, node, slot, P_TAKE, 0, some_us(w, 30));
}

/* Tokens that were not taken are read back; the units at the tail go. */
uint32_t process_take_back(struct world *w, uint16_t node, uint16_t slot, uint32_t count)
{
	struct process *p = at(w, node, slot);
	uint32_t n = count < p->queue_n ? count : p->queue_n;
	p->queue_n -= n;
	return n;
}
