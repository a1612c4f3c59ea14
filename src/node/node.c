/* SPDX-License-Identifier: Apache-2.0
 * node: carries out what the pool decides and tells it what happened.
 *
 * Events go through a queue: an effect may call the master, which may call the node, and that never meets a half-made
 * step.
 */
#include "node/impl.h"

#include "base/mem.h"
#include "base/path.h"
#include "io/process.h"
#include "io/strays.h"

#include <signal.h>
#include <stdio.h>
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

/* Pages below scratch; the log folders of this node, which its processes and the launcher open files in. */
static int make_folders(struct prs_node *n, struct prs_err *err)
{
	static const char *const logs[] = { PRS_NAME_STDOUT, PRS_NAME_STDERR, PRS_NAME_TRACES, PRS_NAME_SCRIPT_LOG };
	const struct prs_fs *fs = n->c.fs;
	char path[PATH_MAX];
	size_t length;
	snprintf(path, sizeof path, "%s/work/page/", n->c.scratch);
	int r = prs_path_make(fs, path, strlen(n->c.scratch), 0755, &length);
	for (size_t i = 0; !r && i < sizeof logs / sizeof *logs; i++) {
		prs_log_path(path, sizeof path, n->c.logs, logs[i], n->c.ip, "");
		r = prs_path_make(fs, path, strlen(n->c.logs), 0755, &length);
	}
	return r < 0 ? prs_fail_errno(err, -r, "creating %.*s", (int)length, path) : 0;
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

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

/* Most bodies are small and live for a moment: their memory goes round. */
enum { SMALL_BYTES = 1024, SPARES_MAX = 1024 };

static struct body *new_body(struct prs_node *n, uint32_t bytes)
{
	struct body *b = n->spares;
	if (bytes > SMALL_BYTES || !b)
		return prs_malloc(sizeof *b + (bytes < SMALL_BYTES ? SMALL_BYTES : bytes));
	n->spares = b->next;
	n->spares_n--;
	return b;
}

static void free_body(struct prs_node *n, struct body *b)
{
	if (b->bytes > SMALL_BYTES || n->spares_n == SPARES_MAX) {
		prs_freep(&b);
		return;
	}
	b->next = n->spares;
	n->spares = b;
	n->spares_n++;
}

static bool has_room(const struct prs_node *n, const struct prs_lease *l)
{
	return n->bodies_n < n->c.pool.slots || n->bodies_bytes + l->task_bytes <= n->c.pool.body_bytes_max;
}

static struct body *keep_body(struct prs_node *n, const struct prs_lease *l)
{
	struct body *b = new_body(n, l->task_bytes);
	if (!b)
		return NULL;
	b->bytes = l->task_bytes;
	memcpy(b->task, l->task, l->task_bytes);
	b->next = &n->bodies;
	b->prev = n->bodies.prev;
	b->prev->next = b->next->prev = b;
	n->bodies_n++;
	n->bodies_bytes += b->bytes;
	return b;
}

static void drop_body(struct prs_node *n, struct body *b)
{
	if (!b)
		return;
	b->prev->next = b->next;
	b->next->prev = b->prev;
	n->bodies_n--;
	n->bodies_bytes -= b->bytes;
	free_body(n, b);
}

static void local_free(void *node)
{
	struct prs_node *n = node;
	if (!n)
		return;
	for (uint16_t i = 0; i < n->c.pool.slots && n->workers; i++)
		worker_done(&n->workers[i]);
	while (n->bodies.next && n->bodies.next != &n->bodies)
		drop_body(n, n->bodies.next);
	for (struct body *b; (b = n->spares);) {
		n->spares = b->next;
		prs_freep(&b);
	}
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

int prs_node_new(struct prs_node **ret, const struct prs_node_config *c, struct prs_err *err)
{
	static int (*const stages[])(struct prs_node * n, struct prs_err * err) = { make_parts,   make_folders,
		                                                                    make_workers, perf_init,
		                                                                    memory_init,  reaper_init };
	struct prs_node *n = prs_calloc(1, sizeof *n);
	if (!n)
		return prs_fail(err, PRS_ENOMEM, "node");
	n->c = *c;
	n->payload_fd = -1;
	n->bodies.prev = n->bodies.next = &n->bodies;
	int r = 0;
	for (size_t i = 0; !r && i < sizeof stages / sizeof *stages; i++)
		r = stages[i](n, err);
	if (r < 0) {
		local_free(n);
		return r;
	}
	disks_init(&n->disks, c->fs, c->logs, c->output);
	*ret = n;
	return 0;
}

static void tell_down(struct prs_node *n)
{
	if (n->told_down)
		return;
	n->told_down = true;
	n->c.link.down(n->c.link.ctx, n->c.number);
}

static void carry_out(struct prs_node *n, const struct prs_pool_effect *e)
{
	struct worker *w = &n->workers[e->slot < n->c.pool.slots ? e->slot : 0];
	switch (e->type) {
	case PRS_POOL_SPAWN: worker_spawn(w, e->incarnation); break;
	case PRS_POOL_SEND: worker_send_task(w, e->claim, e->body); break;
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
	case PRS_POOL_ACCEPT:
		drop_body(n, e->body);
		tell_result(n, e);
		break;
	case PRS_POOL_DROPPED: break;
	case PRS_POOL_TRY:
		drop_body(n, e->body);
		tell_try(n, e);
		break;
	case PRS_POOL_RETURN:
		drop_body(n, e->body);
		n->c.link.returned(n->c.link.ctx, n->c.number, &e->unit, e->lease);
		break;
	case PRS_POOL_PROC: tell_proc(n, e); break;
	case PRS_POOL_ASK: n->c.link.ask(n->c.link.ctx, n->c.number, e->count); break;
	case PRS_POOL_WAKE: prs_timer_at(n->timer, e->at_us); break;
	case PRS_POOL_GIVEN_UP: tell_given_up(n, e); break;
	case PRS_POOL_UNFIT: tell_unfit(n, e); break;
	case PRS_POOL_DOWN: tell_down(n); break;
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
	tell_down(n);
}

void node_give_up(struct prs_node *n)
{
	if (n->lost)
		return;
	n->lost = true;
	n->c.link.failed(n->c.link.ctx, n->c.number, -PRS_ENOMEM, "out of memory");
	for (uint16_t i = 0; i < n->c.pool.slots; i++)
		prs_signal_worker(n->workers[i].pid, SIGKILL);
	node_one_gone(n);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

/* It waits for the step that is being made. */
static void queue_event(struct prs_node *n, const struct prs_pool_event *e)
{
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
}

void node_event(struct prs_node *n, const struct prs_pool_event *e)
{
	if (n->lost)
		return;
	if (n->stepping) {
		queue_event(n, e);
		return;
	}
	n->stepping = true;
	step(n, e);
	for (uint32_t i = 0; i < n->events_n && !n->lost; i++) {
		struct prs_pool_event next = n->events[i];
		step(n, &next);
	}
	n->events_n = 0;
	n->stepping = false;
}

/* ---- what the master says ---------------------------------------------------------------------------------------- */

static void simple_event(struct prs_node *n, enum prs_pool_event_type type)
{
	struct prs_pool_event e = { .type = type, .now_us = prs_clock_us() };
	node_event(n, &e);
}

static void local_start(void *node) { simple_event(node, PRS_POOL_START); }

static void local_lease(void *node, const struct prs_lease *l)
{
	struct prs_node *n = node;
	struct prs_pool_event e = { .type = PRS_POOL_LEASE,
		                    .now_us = prs_clock_us(),
		                    .unit = l->unit,
		                    .lease = l->lease,
		                    .try_number = l->try_number,
		                    .avoid_slot = l->avoid_slot };
	if (n->lost)
		return;
	if (has_room(n, l)) { /* else it goes back, and each process has one already */
		struct body *b = keep_body(n, l);
		if (!b) {
			node_give_up(n);
			return;
		}
		e.body = b;
		e.body_bytes = b->bytes;
	}
	node_event(n, &e);
}

static void local_pause(void *node, bool pause)
{
	struct prs_node *n = node;
	simple_event(n, pause ? PRS_POOL_PAUSE : PRS_POOL_RESUME);
	for (uint16_t i = 0; i < n->c.pool.slots; i++)
		worker_pause(&n->workers[i], pause);
}

static void local_drain(void *node) { simple_event(node, PRS_POOL_DRAIN); }

static void local_abort(void *node, uint16_t code)
{
	struct prs_node *n = node;
	n->abort_code = code;
	simple_event(n, PRS_POOL_ABORT);
}

static void local_finish(void *node) { simple_event(node, PRS_POOL_FINISH); }

static void local_kill(void *node)
{
	struct prs_node *n = node;
	n->lost = true; /* nothing is started any more */
	for (uint16_t i = 0; i < n->c.pool.slots; i++)
		if (n->workers[i].pid)
			prs_signal_worker(n->workers[i].pid, SIGKILL);
}

static void local_view(const void *node, uint16_t slot, struct prs_pool_slot_view *ret)
{
	const struct prs_node *n = node;
	prs_pool_view(n->pool, slot, ret);
}

static bool local_page(const void *node, uint16_t slot, struct prs_page *ret)
{
	const struct prs_node *n = node;
	const struct worker *w = &n->workers[slot];
	if (!w->pid)
		return false;
	*ret = prs_page_read(w->page);
	return true;
}

static uint64_t local_slack_us(const void *node)
{
	const struct prs_node *n = node;
	return n->lost ? 0 : prs_pool_slack_us(n->pool);
}

static void local_flush(void *node)
{
	struct prs_node *n = node;
	for (uint16_t i = 0; i < n->dirty_n; i++)
		worker_flush(&n->workers[n->dirty[i]]);
	n->dirty_n = 0;
}

const struct prs_node_ops prs_node_in_memory = {
	.start = local_start,
	.lease = local_lease,
	.pause = local_pause,
	.drain = local_drain,
	.abort = local_abort,
	.finish = local_finish,
	.kill = local_kill,
	.view = local_view,
	.page = local_page,
	.slack_us = local_slack_us,
	.flush = local_flush,
	.free = local_free,
};
