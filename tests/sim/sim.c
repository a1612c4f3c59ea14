/* SPDX-License-Identifier: Apache-2.0
 * sim: the clock, the loop, what happens to the world.
 */
#include "impl.h"

#include "base/mem.h"

#include <stdlib.h>

enum { STEPS_MAX = 2000000 };

/* ---- the clock --------------------------------------------------------------------------------------------------- */

static bool sooner(const struct ev *a, const struct ev *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

static void push(struct world *w, const struct ev *e)
{
	if (w->heap_n == w->heap_cap) {
		w->heap_cap = w->heap_cap ? w->heap_cap * 2 : 256;
		w->heap = realloc(w->heap, w->heap_cap * sizeof *w->heap);
		if (!w->heap)
			abort();
	}
	uint32_t i = w->heap_n++;
	while (i && sooner(e, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = *e;
}

static struct ev pop(struct world *w)
{
	struct ev first = w->heap[0], last = w->heap[--w->heap_n];
	uint32_t i = 0;
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= w->heap_n)
			break;
		if (child + 1 < w->heap_n && sooner(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!sooner(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	if (w->heap_n)
		w->heap[i] = last;
	return first;
}

void put_event(struct world *w, struct ev *e, uint64_t after_us)
{
	e->at_us = w->now_us + after_us;
	e->seq = ++w->seq;
	push(w, e);
}

uint64_t some_us(struct world *w, uint64_t at_most) { return w->plan->seed ? sim_below(&w->dice, at_most + 1) : 0; }

/* On the way, on the disk. Without dice it takes as long as it may. */
uint64_t delay_us(struct world *w, uint64_t at_most) { return w->plan->seed ? some_us(w, at_most) : at_most; }

const char *unit_text(const struct prs_unit *u)
{
	static char texts[4][48];
	static unsigned at;
	struct text t = { texts[++at % 4], 0, sizeof texts[0] };
	text_unit(&t, u);
	return t.v;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static void tell(struct world *w, const char *fmt, va_list ap)
{
	char line[512];
	vsnprintf(line, sizeof line, fmt, ap);
	uint64_t us = w->now_us - SEC; /* stories begin at 0 */
	text_put(w->plan->transcript, "%5llu.%06llu %s\n", (unsigned long long)(us / SEC),
	         (unsigned long long)(us % SEC), line);
}

void note(struct world *w, const char *fmt, ...)
{
	va_list ap;
	if (!w->plan->transcript)
		return;
	va_start(ap, fmt);
	tell(w, fmt, ap);
	va_end(ap);
}

void chat(struct world *w, const char *fmt, ...)
{
	va_list ap;
	if (!w->plan->transcript || w->plan->terse)
		return;
	va_start(ap, fmt);
	tell(w, fmt, ap);
	va_end(ap);
}

void violated(struct world *w, const char *fmt, ...)
{
	va_list ap;
	if (w->result.violation[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->result.violation, sizeof w->result.violation, fmt, ap);
	va_end(ap);
	note(w, "VIOLATED: %s", w->result.violation);
	w->over = true;
}

/* ---- what happens ------------------------------------------------------------------------------------------------ */

static void stop_until(struct world *w, uint64_t *until_us, uint64_t for_us)
{
	if (w->now_us + for_us > *until_us)
		*until_us = w->now_us + for_us;
}

static void happen(struct world *w, const struct sim_happening *h)
{
	struct snode *n = &w->nodes[h->node];
	struct process *p = &n->p[h->slot];
	switch (h->what) {
	case SIM_PLAN: master_plan(w, h->arg); break;
	case SIM_KILL_PROCESS:
		if (p->alive)
			note(w, "n%u process%u is killed from outside", h->node, h->slot);
		process_die(w, h->node, h->slot, 9, true);
		break;
	case SIM_STOP_PROCESS:
		note(w, "n%u process%u stands for %llu ms", h->node, h->slot, (unsigned long long)(h->arg / MS));
		stop_until(w, &p->sleep_until_us, h->arg);
		break;
	case SIM_STOP_NODE:
		note(w, "n%u stands for %llu ms", h->node, (unsigned long long)(h->arg / MS));
		stop_until(w, &n->sleep_until_us, h->arg);
		for (uint16_t i = 0; i < w->plan->slots; i++)
			stop_until(w, &n->p[i].sleep_until_us, h->arg);
		if (!w->plan->remote)
			stop_until(w, &w->m.sleep_until_us, h->arg);
		break;
	case SIM_STOP_ENGINE:
		note(w, "the engine stands for %llu ms", (unsigned long long)(h->arg / MS));
		stop_until(w, &w->m.sleep_until_us, h->arg);
		if (!w->plan->remote)
			stop_until(w, &w->nodes[0].sleep_until_us, h->arg);
		break;
	case SIM_LOSE_NODE:
		if (n->up && w->plan->remote && !w->m.all_final)
			node_gone(w, h->node);
		break;
	case SIM_CUT:
		if (n->up && w->plan->remote)
			node_cut(w, h->node, h->arg);
		break;
	case SIM_NODE_BACK:
		if (!n->up && w->m.alive && !w->m.ending && !w->m.all_final)
			node_start(w, h->node);
		break;
	case SIM_KILL_ENGINE: master_kill(w, h->arg, false); break;
	case SIM_KILL_MACHINE: master_kill(w, h->arg, true); break;
	case SIM_INTERRUPT: master_interrupt(w, h->arg); break;
	case SIM_RETIRE: node_tell(w, h->node, h->slot, PRS_POOL_RETIRE); break;
	case SIM_PAUSE:
		if (n->up)
			node_pause(w, h->node, h->arg);
		break;
	case SIM_MEMORY: node_tell(w, h->node, h->slot, PRS_POOL_OVER_LIMIT); break;
	}
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* Whose event is it, and until when does that one stand? */
static uint64_t sleeps_until(struct world *w, const struct ev *e)
{
	if (e->kind <= P_DIE)
		return e->kind == P_SIGNAL && e->detail == SIGKILL ? 0 : w->nodes[e->node].p[e->slot].sleep_until_us;
	if (e->kind <= N_ORDER)
		return w->nodes[e->node].sleep_until_us;
	return e->kind == W_HAPPENING ? 0 : w->m.sleep_until_us;
}

static void handle(struct world *w, const struct ev *e)
{
	if (e->kind == W_HAPPENING)
		happen(w, &w->plan->happenings[e->detail]);
	else if (e->kind <= P_DIE)
		process_event(w, e);
	else if (e->kind <= N_ORDER)
		node_handle(w, e);
	else
		master_handle(w, e);
}

/* Longer than any job of the plan may take: each mini-batch may use its progress timeout, each life its inits. */
static uint64_t deadline_us(const struct sim_plan *p, uint32_t lives)
{
	uint64_t inits = (uint64_t)(3 * p->slots * p->nodes + 8) *
	                 (p->pool.init_timeout_us + p->pool.backoff_max_us + 40 * SEC);
	uint64_t gaps = 0;
	for (int i = 0; i < p->happenings_n; i++)
		gaps += p->happenings[i].arg + p->happenings[i].at_us;
	return (SIM_IDS + 4) * (p->limits.progress_timeout_us + 10 * SEC) +
	       (lives + 2) * (inits + p->limits.first_task_timeout_us + p->grace_us + 100 * SEC) + gaps;
}

static void play(struct world *w)
{
	uint64_t deadline = 0;
	while (!w->over) {
		if (!w->heap_n) {
			violated(w, "a silent hang: nothing will ever happen; job %s",
			         prs_state_name(PRS_MACHINE_JOB, (int)w->m.state));
			break;
		}
		struct ev e = pop(w);
		uint64_t until = sleeps_until(w, &e);
		w->now_us = e.at_us;
		if (until > w->now_us) {
			e.at_us = until; /* keeps its place among the others */
			push(w, &e);
			continue;
		}
		handle(w, &e);
		master_turn(w);
		check_ledger(w);
		if (w->lives != w->result.lives || !deadline) {
			w->result.lives = w->lives;
			deadline = deadline_us(w->plan, w->lives);
		}
		if (++w->result.steps > STEPS_MAX)
			violated(w, "more than %d steps", STEPS_MAX);
		if (w->now_us > deadline)
			violated(w, "the job did not end in %llu s", (unsigned long long)(deadline / SEC));
	}
}

struct sim_result sim_run(const struct sim_plan *plan)
{
	static struct world world; /* large */
	struct world *w = &world;
	memset(w, 0, sizeof *w);
	w->plan = plan;
	w->now_us = SEC;
	w->dice = plan->seed * 2 + 1;
	prs_buf_init(&w->journal, 64 << 20);
	for (int i = 0; i < plan->happenings_n; i++) {
		struct ev e = { .kind = W_HAPPENING, .detail = (uint32_t)i };
		put_event(w, &e, plan->happenings[i].at_us);
		w->plans_left += plan->happenings[i].what == SIM_PLAN;
	}
	master_start(w);
	play(w);
	if (!w->result.violation[0])
		check_end(w);
	for (int i = 0; i < SIM_NODES; i++) {
		prs_pool_free(w->nodes[i].pool);
		prs_freep(&w->nodes[i].effects.v);
	}
	prs_sched_free(w->m.sched);
	prs_ledger_done(&w->m.ledger);
	prs_buf_done(&w->m.groups[0].body);
	prs_buf_done(&w->m.groups[1].body);
	prs_buf_done(&w->journal);
	free(w->heap);
	return w->result;
}
