/* SPDX-License-Identifier: Apache-2.0
 * node: carries out what the pool decides and tells it what happened.
 *
 * Events go through a queue: an effect may call the master, which may call the node, and that never meets a half-made
 * step.
 */
#include "node/impl.h"

#include "base/mem.h"
#include "io/process.h"
#include "io/strays.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void node_tick(void *ctx)
{
	struct prs_node *n = ctx;
	/* the time first: what a page says of a later time had not been seen */
	struct prs_pool_event e = { .type = PRS_POOL_TICK, .now_us = prs_clock_us(), .pages = n->pages };
	for (uint16_t i = 0; i < n->c.pool.slots; i++)
		n->pages[i] = n->workers[i].pid ? prs_page_read(n->workers[i].page) : (struct prs_page){ 0 };
	node_event(n, &e);
}

static int make_parts(struct prs_node *n, struct prs_err *err)
{
	const struct prs_node_config *c = &n->c;
	n->pool = prs_pool_new(&c->pool);
	n->workers = prs_calloc(c->pool.slots, sizeof *n->workers);
	n->pages = prs_calloc(c->pool.slots, sizeof *n->pages);
	n->dirty = prs_calloc(c->pool.slots, sizeof *n->dirty);
	n->timer = prs_timer_new(c->loop, node_tick, n, err);
	for (uint16_t i = 0; i < c->pool.slots && n->workers; i++)
		worker_clear(&n->workers[i], n, i);
	if (!n->pool || !n->workers || !n->pages || !n->dirty || !n->timer)
		return prs_fail(err, PRS_ENOMEM, "node");
	return 0;
}

static int make_workers(struct prs_node *n, struct prs_err *err)
{
	for (uint16_t i = 0; i < n->c.pool.slots; i++) {
		int r = worker_init(&n->workers[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

int prs_node_new(struct prs_node **ret, const struct prs_node_config *c, struct prs_err *err)
{
	static int (*const stages[])(struct prs_node * n, struct prs_err * err) = { make_parts,  make_workers,
		                                                                    rows_init,   perf_init,
		                                                                    memory_init, reaper_init };
	struct prs_node *n = prs_calloc(1, sizeof *n);
	if (!n)
		return prs_fail(err, PRS_ENOMEM, "node");
	n->c = *c;
	n->payload_fd = -1;
	prs_buf_init(&n->task, (size_t)1 << 31);
	int r = 0;
	for (size_t i = 0; !r && i < sizeof stages / sizeof *stages; i++)
		r = stages[i](n, err);
	if (r < 0) {
		prs_node_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

void prs_node_free(struct prs_node *n)
{
	if (!n)
		return;
	for (uint16_t i = 0; i < n->c.pool.slots && n->workers; i++)
		worker_done(&n->workers[i]);
	rows_free(n);
	prs_buf_done(&n->task);
	perf_done(n);
	memory_done(n);
	reaper_done(n);
	prs_timer_free(n->timer);
	prs_pool_free(n->pool);
	prs_freep(&n->workers);
	prs_freep(&n->pages);
	prs_freep(&n->dirty);
	prs_freep(&n->effects.v);
	prs_freep(&n->events);
	prs_freep(&n);
}

void node_check_down(struct prs_node *n)
{
	if (!n->pool_down || n->told_down || !rows_idle(n))
		return;
	n->told_down = true;
	prs_strays_of_engine();
	n->c.link.down(n->c.link.ctx);
}

static void carry_out(struct prs_node *n, const struct prs_pool_effect *e)
{
	struct worker *w = &n->workers[e->slot < n->c.pool.slots ? e->slot : 0];
	switch (e->type) {
	case PRS_POOL_SPAWN: worker_spawn(w, e->incarnation); break;
	case PRS_POOL_SEND: worker_send_task(w, e); break;
	case PRS_POOL_RECALL: {
		struct prs_pool_event back = { .type = PRS_POOL_RECALLED, .now_us = prs_clock_us(), .slot = e->slot };
		back.count = worker_take_tokens(w, e->count);
		node_event(n, &back);
		break;
	}
	case PRS_POOL_DROP: worker_send_drop(w, e->claim, e->count); break;
	case PRS_POOL_STOP: worker_send_stop(w); break;
	case PRS_POOL_SIGNAL:
		if (e->count == SIGTERM)
			words_stop(w);
		else
			tell_held(w); /* it may take long to die (a file system that hangs) */
		prs_signal_worker(w->pid, (int)e->count);
		if (e->count == SIGTERM) /* a stopped process takes it only when it goes on */
			prs_signal_worker(w->pid, SIGCONT);
		break;
	case PRS_POOL_ACCEPT: rows_accept(n, w, e); break;
	case PRS_POOL_DROPPED: break;
	case PRS_POOL_TRY: tell_try(n, e); break;
	case PRS_POOL_RETURN: n->c.link.returned(n->c.link.ctx, &e->unit, e->lease); break;
	case PRS_POOL_PROC: tell_proc(n, e); break;
	case PRS_POOL_ASK: n->c.link.ask(n->c.link.ctx, e->count); break;
	case PRS_POOL_WAKE: prs_timer_at(n->timer, e->at_us); break;
	case PRS_POOL_DOWN:
		n->pool_down = true;
		node_check_down(n);
		break;
	}
}

static void step(struct prs_node *n, const struct prs_pool_event *e)
{
	n->effects.n = 0;
	if (prs_pool_step(n->pool, e, &n->effects) < 0) {
		node_give_up(n);
		return;
	}
	for (uint32_t i = 0; i < n->effects.n && !n->lost; i++) {
		struct prs_pool_effect effect = n->effects.v[i];
		carry_out(n, &effect);
	}
}

/* ---- out of memory ----------------------------------------------------------------------------------------------- */

void node_one_gone(struct prs_node *n)
{
	for (uint16_t i = 0; i < n->c.pool.slots; i++)
		if (n->workers[i].pid)
			return;
	n->pool_down = true;
	node_check_down(n);
}

void node_give_up(struct prs_node *n)
{
	if (n->lost)
		return;
	n->lost = true;
	n->c.link.failed(n->c.link.ctx, -PRS_ENOMEM, "out of memory");
	for (uint16_t i = 0; i < n->c.pool.slots; i++)
		prs_signal_worker(n->workers[i].pid, SIGKILL);
	node_one_gone(n);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

void node_event(struct prs_node *n, const struct prs_pool_event *e)
{
	if (n->lost)
		return;
	if (n->events_n == n->events_cap) {
		uint32_t cap = n->events_cap ? n->events_cap * 2 : 64;
		struct prs_pool_event *v = prs_realloc(n->events, cap * sizeof *v);
		if (!v) {
			node_give_up(n);
			return;
		}
		n->events = v;
		n->events_cap = cap;
	}
	n->events[n->events_n++] = *e;
	if (n->stepping)
		return;
	n->stepping = true;
	for (uint32_t i = 0; i < n->events_n && !n->lost; i++) {
		struct prs_pool_event next = n->events[i];
		step(n, &next);
	}
	n->events_n = 0;
	n->stepping = false;
}

static void simple_event(struct prs_node *n, enum prs_pool_event_type type)
{
	struct prs_pool_event e = { .type = type, .now_us = prs_clock_us() };
	node_event(n, &e);
}

void prs_node_start(struct prs_node *n) { simple_event(n, PRS_POOL_START); }
void prs_node_drain(struct prs_node *n) { simple_event(n, PRS_POOL_DRAIN); }

void prs_node_abort(struct prs_node *n, uint16_t code)
{
	n->abort_code = code;
	simple_event(n, PRS_POOL_ABORT);
}

void prs_node_finish(struct prs_node *n) { simple_event(n, PRS_POOL_FINISH); }

void prs_node_lease(struct prs_node *n, const struct prs_unit *u, uint64_t lease, uint16_t try_number,
                    uint16_t avoid_slot)
{
	struct prs_pool_event e = { .type = PRS_POOL_LEASE,
		                    .now_us = prs_clock_us(),
		                    .unit = *u,
		                    .lease = lease,
		                    .try_number = try_number,
		                    .avoid_slot = avoid_slot };
	node_event(n, &e);
}

void prs_node_kill(struct prs_node *n)
{
	n->lost = true; /* nothing is started any more */
	for (uint16_t i = 0; i < n->c.pool.slots; i++)
		if (n->workers[i].pid)
			prs_signal_worker(n->workers[i].pid, SIGKILL);
	prs_strays_of_engine();
}

void prs_node_view(const struct prs_node *n, uint16_t slot, struct prs_pool_slot_view *ret)
{
	prs_pool_view(n->pool, slot, ret);
}

bool prs_node_page(const struct prs_node *n, uint16_t slot, struct prs_page *ret)
{
	const struct worker *w = &n->workers[slot];
	if (!w->pid)
		return false;
	*ret = prs_page_read(w->page);
	return true;
}

uint64_t prs_node_slack_us(const struct prs_node *n) { return n->lost ? 0 : prs_pool_slack_us(n->pool); }

void prs_node_flush(struct prs_node *n)
{
	rows_flush(n);
	for (uint16_t i = 0; i < n->dirty_n; i++)
		worker_flush(&n->workers[n->dirty[i]]);
	n->dirty_n = 0;
}
