/* SPDX-License-Identifier: Apache-2.0
 * sched: see sched.h.
 *
 * What is to be leased: `again` (a heap of ids that came back or wait for their next try, lowest first), then ids from `next_new` on that are
 * PLANNED. A retry that must avoid a slot carries it in the lease: the pool places it.
 */
#include "sched/sched.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define uthash_malloc(n) prs_malloc(n)
#define uthash_free(p, n) free(p)
#include <uthash.h>

#define MINUTE_US UINT64_C(60000000)

/* A unit that is leased or is to be leased again. */
struct unit {
	uint64_t id;
	uint64_t lease; /* 0 = not leased */
	uint16_t node;
	uint16_t avoid_node, avoid_slot; /* of the process that failed the last try */
	UT_hash_handle hh;
};

struct node {
	uint16_t number, procs;
	bool up;
	uint32_t asked;
	uint64_t leased;
	uint64_t alone;         /* id that runs alone here, UINT64_MAX = none */
	uint32_t init_failures; /* in a row */
	struct slot {
		uint32_t failures;      /* in a row */
		bool timed_out;
		uint64_t same;          /* hash of the last message */
		uint32_t same_count;
	} *slots;
};

struct prs_sched {
	struct prs_ledger *ledger;
	struct prs_limits limits;
	struct unit *units;
	struct node *nodes;
	uint32_t nodes_n;
	uint64_t *again; /* binary heap */
	uint32_t again_n, again_cap;
	uint64_t next_new;
	uint64_t counter; /* of leases */
	bool stopped, over, aborted;
	uint64_t start_us;     /* 0 = no START yet */
	uint64_t progress_us;  /* last finished mini-batch, or the first finished init; 0 = the clock stands */
	uint64_t first_init_failure_us;
	uint32_t init_failures, inits_done;
};

/* ---- effects ---------------------------------------------------------------------------------------------------------- */

static struct prs_sched_effect *emit(struct prs_sched_effects *out, enum prs_sched_effect_type type)
{
	if (out->n == out->cap) {
		uint32_t cap = out->cap ? out->cap * 2 : 16;
		struct prs_sched_effect *v = prs_realloc(out->v, cap * sizeof *v);
		if (!v)
			return NULL;
		out->v = v;
		out->cap = cap;
	}
	struct prs_sched_effect *e = &out->v[out->n++];
	memset(e, 0, sizeof *e);
	e->type = type;
	e->avoid_slot = PRS_NO_SLOT;
	return e;
}

static int abort_job(struct prs_sched *s, struct prs_sched_effects *out, uint16_t code, const char *text)
{
	if (s->aborted || s->stopped)
		return 0;
	struct prs_sched_effect *e = emit(out, PRS_SCHED_ABORT);
	if (!e)
		return -PRS_ENOMEM;
	e->code = code;
	snprintf(e->text, sizeof e->text, "%s", text);
	s->aborted = true;
	return 0;
}

/* ---- the heap of ids to lease again ----------------------------------------------------------------------------------- */

static int push_again(struct prs_sched *s, uint64_t id)
{
	if (s->again_n == s->again_cap) {
		uint32_t cap = s->again_cap ? s->again_cap * 2 : 64;
		uint64_t *v = prs_realloc(s->again, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		s->again = v;
		s->again_cap = cap;
	}
	uint32_t i = s->again_n++;
	while (i && s->again[(i - 1) / 2] > id) {
		s->again[i] = s->again[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->again[i] = id;
	return 0;
}

static void pop_again(struct prs_sched *s)
{
	uint64_t last = s->again[--s->again_n];
	uint32_t i = 0;
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= s->again_n)
			break;
		if (child + 1 < s->again_n && s->again[child + 1] < s->again[child])
			child++;
		if (s->again[child] >= last)
			break;
		s->again[i] = s->again[child];
		i = child;
	}
	if (s->again_n)
		s->again[i] = last;
}

static bool can_lease(const struct prs_sched *s, uint64_t id)
{
	enum prs_unit_state st = prs_ledger_state(s->ledger, id);
	return st == PRS_UNIT_PLANNED || st == PRS_UNIT_WAITING;
}

/* The next id without taking it; UINT64_MAX = none. */
static uint64_t peek(struct prs_sched *s)
{
	while (s->again_n && !can_lease(s, s->again[0]))
		pop_again(s);
	if (s->again_n)
		return s->again[0];
	for (int round = 0; round < 2; round++) {
		while (s->next_new < s->ledger->next_id && !can_lease(s, s->next_new))
			s->next_new++;
		if (s->next_new < s->ledger->next_id)
			return s->next_new;
		if (!s->ledger->counts.units[PRS_UNIT_PLANNED])
			break;
		s->next_new = 0; /* a RESET put ids back */
	}
	return UINT64_MAX;
}

static void take(struct prs_sched *s, uint64_t id)
{
	if (s->again_n && s->again[0] == id)
		pop_again(s);
	else
		s->next_new = id + 1;
}

/* ---- units and nodes -------------------------------------------------------------------------------------------------- */

static struct unit *find_unit(struct prs_sched *s, uint64_t id)
{
	struct unit *u;
	HASH_FIND(hh, s->units, &id, sizeof id, u);
	return u;
}

static struct unit *need_unit(struct prs_sched *s, uint64_t id)
{
	struct unit *u = find_unit(s, id);
	if (u)
		return u;
	u = prs_calloc(1, sizeof *u);
	if (!u)
		return NULL;
	u->id = id;
	u->avoid_slot = PRS_NO_SLOT;
	HASH_ADD(hh, s->units, id, sizeof id, u);
	return u;
}

static void drop_unit(struct prs_sched *s, struct unit *u)
{
	HASH_DEL(s->units, u);
	prs_freep(&u);
}

static struct node *find_node(struct prs_sched *s, uint16_t number)
{
	for (uint32_t i = 0; i < s->nodes_n; i++)
		if (s->nodes[i].number == number)
			return &s->nodes[i];
	return NULL;
}

static void unlease(struct prs_sched *s, struct unit *u)
{
	struct node *n = find_node(s, u->node);
	if (n && n->leased)
		n->leased--;
	if (n && n->alone == u->id)
		n->alone = UINT64_MAX;
	u->lease = 0;
}

static int node_up(struct prs_sched *s, const struct prs_sched_event *e)
{
	struct node *n = find_node(s, e->node);
	struct slot *slots = prs_calloc(e->procs ? e->procs : 1, sizeof *slots);
	if (!slots)
		return -PRS_ENOMEM;
	if (!n) {
		struct node *v = prs_realloc(s->nodes, (s->nodes_n + 1) * sizeof *v);
		if (!v) {
			prs_freep(&slots);
			return -PRS_ENOMEM;
		}
		s->nodes = v;
		n = &s->nodes[s->nodes_n++];
		memset(n, 0, sizeof *n);
	}
	prs_freep(&n->slots);
	*n = (struct node){ .number = e->node, .procs = e->procs, .up = true, .alone = UINT64_MAX, .slots = slots };
	return 0;
}

/* ---- leasing ---------------------------------------------------------------------------------------------------------- */

/* Items a mini-batch costs when it fails as a whole. */
static int emit_fail(struct prs_sched *s, uint64_t id, uint16_t code, struct prs_sched_effects *out)
{
	struct prs_sched_effect *f = emit(out, PRS_SCHED_FAIL);
	if (!f)
		return -PRS_ENOMEM;
	f->unit.id = id;
	f->code = code;
	f->items = s->ledger->items_of(s->ledger->items_ctx, id);
	return 0;
}

static int lease(struct prs_sched *s, struct node *n, uint64_t id, struct prs_sched_effects *out)
{
	struct unit *u = need_unit(s, id);
	struct prs_sched_effect *e = u ? emit(out, PRS_SCHED_LEASE) : NULL;
	if (!e)
		return -PRS_ENOMEM;
	take(s, id);
	prs_ledger_move(s->ledger, id, PRS_UNIT_LEASED);
	u->lease = (uint64_t)s->ledger->epoch << 40 | ++s->counter;
	u->node = n->number;
	n->leased++;
	n->asked--;
	e->node = n->number;
	e->unit.id = id;
	e->lease = u->lease;
	e->items = s->ledger->items_of(s->ledger->items_ctx, id);
	e->try_number = (uint16_t)(prs_ledger_tries(s->ledger, id) + 1);
	if (u->avoid_slot != PRS_NO_SLOT && u->avoid_node == n->number && n->procs > 1)
		e->avoid_slot = u->avoid_slot;
	return 0;
}

/* 1 leased, 0 not now, < 0 no memory. */
static int lease_next(struct prs_sched *s, struct node *n, struct prs_sched_effects *out)
{
	if (!n->up || !n->asked || n->alone != UINT64_MAX)
		return 0;
	uint64_t id = peek(s);
	if (id == UINT64_MAX)
		return 0;
	uint32_t downs = prs_ledger_downs(s->ledger, id);
	if (downs >= 3) {
		take(s, id);
		prs_ledger_move(s->ledger, id, PRS_UNIT_LEASED);
		return emit_fail(s, id, PRS_ENODE_POISON, out) < 0 ? -PRS_ENOMEM : 1;
	}
	if (downs == 2) {
		if (n->leased)
			return 0;
		n->alone = id;
	}
	int r = lease(s, n, id, out);
	return r < 0 ? r : 1;
}

static int lease_all(struct prs_sched *s, struct prs_sched_effects *out)
{
	if (s->stopped || s->aborted)
		return 0;
	bool any = true;
	while (any) { /* a unit a round to each node, so that nodes share fairly */
		any = false;
		for (uint32_t i = 0; i < s->nodes_n; i++) {
			int r = lease_next(s, &s->nodes[i], out);
			if (r < 0)
				return r;
			any = any || r == 1;
		}
	}
	return 0;
}

/* ---- giving up -------------------------------------------------------------------------------------------------------- */

static int check_thresholds(struct prs_sched *s, struct prs_sched_effects *out)
{
	const struct prs_ledger_counts *c = &s->ledger->counts;
	char text[256];
	uint64_t failed = c->units[PRS_UNIT_FAILED];
	if (s->limits.error_threshold >= 0 && c->items_failed > (uint64_t)s->limits.error_threshold) {
		snprintf(text, sizeof text, "%llu items failed; error_threshold allows %lld", (unsigned long long)c->items_failed,
		         (long long)s->limits.error_threshold);
		return abort_job(s, out, PRS_EERROR_THRESHOLD, text);
	}
	if (s->limits.allowed_failed_count >= 0 && failed > (uint64_t)s->limits.allowed_failed_count) {
		snprintf(text, sizeof text, "%llu mini-batches failed; allowed_failed_count allows %lld", (unsigned long long)failed,
		         (long long)s->limits.allowed_failed_count);
		return abort_job(s, out, PRS_EALLOWED_FAILED_COUNT, text);
	}
	double percent = s->limits.allowed_failed_percent;
	if (percent >= 0 && s->ledger->planned_all && (double)failed * 100.0 > percent * (double)s->ledger->next_id) {
		snprintf(text, sizeof text, "%llu of %llu mini-batches failed; allowed_failed_percent allows %g %%", (unsigned long long)failed,
		         (unsigned long long)s->ledger->next_id, percent);
		return abort_job(s, out, PRS_EALLOWED_FAILED_PERCENT, text);
	}
	return 0;
}

static int check_over(struct prs_sched *s, struct prs_sched_effects *out)
{
	const struct prs_ledger_counts *c = &s->ledger->counts;
	bool final = s->ledger->planned_all && c->units[PRS_UNIT_DONE] + c->units[PRS_UNIT_FAILED] == s->ledger->next_id;
	if (!final) {
		s->over = false;
		return 0;
	}
	if (s->over || s->stopped || s->aborted)
		return 0;
	if (!emit(out, PRS_SCHED_ALL_FINAL))
		return -PRS_ENOMEM;
	s->over = true;
	return 0;
}

static void all_slots(const struct prs_sched *s, bool *ret_timed_out, bool *ret_same_twice, uint32_t *ret_procs)
{
	*ret_timed_out = *ret_same_twice = true;
	*ret_procs = 0;
	for (uint32_t i = 0; i < s->nodes_n; i++) {
		if (!s->nodes[i].up)
			continue;
		for (uint16_t k = 0; k < s->nodes[i].procs; k++) {
			*ret_timed_out = *ret_timed_out && s->nodes[i].slots[k].timed_out;
			*ret_same_twice = *ret_same_twice && s->nodes[i].slots[k].same_count >= 2;
		}
		*ret_procs += s->nodes[i].procs;
	}
	if (!*ret_procs)
		*ret_timed_out = *ret_same_twice = false;
}

static int check_init(struct prs_sched *s, const struct node *n, uint64_t now_us, struct prs_sched_effects *out)
{
	bool timed_out, same;
	uint32_t procs;
	char text[256] = "";
	all_slots(s, &timed_out, &same, &procs);
	if (timed_out)
		snprintf(text, sizeof text, "init() took longer than init_timeout in every process");
	else if (same)
		snprintf(text, sizeof text, "init() failed twice in the same way in every process");
	else if (n->init_failures >= 3u * n->procs)
		snprintf(text, sizeof text, "init() failed %u times in a row", n->init_failures);
	else if (s->init_failures >= 2 * procs && now_us - s->first_init_failure_us >= 2 * MINUTE_US)
		snprintf(text, sizeof text, "init() failed %u times in %llu minutes", s->init_failures,
		         (unsigned long long)((now_us - s->first_init_failure_us) / MINUTE_US));
	return text[0] ? abort_job(s, out, PRS_EINIT_GIVE_UP, text) : 0;
}

static int on_init_failed(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	struct node *n = find_node(s, e->node);
	if (!n || e->slot >= n->procs)
		return 0;
	struct slot *k = &n->slots[e->slot];
	if (!s->init_failures++)
		s->first_init_failure_us = e->now_us;
	n->init_failures++;
	k->failures++;
	k->timed_out = k->timed_out || e->code == PRS_EINIT_TIMEOUT;
	k->same_count = k->same_count && k->same == e->same ? k->same_count + 1 : 1;
	k->same = e->same;
	if (prs_error_row(e->code)->action == PRS_ACTION_FAIL)
		return abort_job(s, out, e->code, prs_error_row(e->code)->sentence);
	return check_init(s, n, e->now_us, out);
}

static void on_init_done(struct prs_sched *s, const struct prs_sched_event *e)
{
	struct node *n = find_node(s, e->node);
	if (!n || e->slot >= n->procs)
		return;
	n->init_failures = 0;
	n->slots[e->slot] = (struct slot){ 0 };
	s->inits_done++;
	if (!s->progress_us)
		s->progress_us = e->now_us;
}

static int on_tick(struct prs_sched *s, uint64_t now_us, struct prs_sched_effects *out)
{
	char text[256];
	if (s->over)
		return 0;
	if (s->start_us && !s->ledger->next_id && !s->ledger->planned_all && now_us - s->start_us >= s->limits.first_task_timeout_us)
		return abort_job(s, out, PRS_EFIRST_TASK_TIMEOUT, prs_error_row(PRS_EFIRST_TASK_TIMEOUT)->sentence);
	if (s->progress_us && s->ledger->next_id && now_us - s->progress_us >= s->limits.progress_timeout_us) {
		snprintf(text, sizeof text, "no mini-batch was finished for %llu s (progress_update_timeout)",
		         (unsigned long long)(s->limits.progress_timeout_us / 1000000));
		return abort_job(s, out, PRS_ENO_PROGRESS, text);
	}
	return 0;
}

/* ---- units that come back --------------------------------------------------------------------------------------------- */

static int come_back(struct prs_sched *s, struct unit *u)
{
	uint64_t id = u->id;
	unlease(s, u);
	if (u->avoid_slot == PRS_NO_SLOT)
		drop_unit(s, u);
	return push_again(s, id);
}

static int on_tried(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	struct unit *u = find_unit(s, e->unit.id);
	if (!u || !u->lease)
		return 0;
	const struct prs_error_row *row = prs_error_row(e->code);
	enum prs_unit_state st = prs_ledger_state(s->ledger, u->id);
	if (row->action == PRS_ACTION_ELSEWHERE) {
		u->avoid_node = u->node;
		u->avoid_slot = e->slot;
	}
	if (st == PRS_UNIT_WAITING && (prs_ledger_tries(s->ledger, u->id) >= s->limits.run_max_try || row->action == PRS_ACTION_FAIL)) {
		unlease(s, u);
		uint64_t id = u->id;
		drop_unit(s, u);
		return emit_fail(s, id, e->code, out);
	}
	return come_back(s, u);
}

static int on_returned(struct prs_sched *s, uint64_t id)
{
	struct unit *u = find_unit(s, id);
	if (!u || !u->lease)
		return 0;
	if (prs_ledger_state(s->ledger, id) == PRS_UNIT_LEASED)
		prs_ledger_move(s->ledger, id, PRS_UNIT_PLANNED);
	return come_back(s, u);
}

static int on_node_down(struct prs_sched *s, uint16_t number)
{
	struct node *n = find_node(s, number);
	if (!n)
		return 0;
	n->up = false;
	n->asked = 0;
	struct unit *u, *next;
	HASH_ITER(hh, s->units, u, next) {
		int r = u->lease && u->node == number ? on_returned(s, u->id) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static void on_final(struct prs_sched *s, const struct prs_sched_event *e)
{
	struct unit *u = find_unit(s, e->unit.id);
	if (u) {
		if (u->lease)
			unlease(s, u);
		drop_unit(s, u);
	}
	if (s->progress_us || e->type == PRS_SCHED_DONE)
		s->progress_us = e->now_us;
}

/* ---- the step --------------------------------------------------------------------------------------------------------- */

static int on_event(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	struct node *n;
	switch (e->type) {
	case PRS_SCHED_START: s->start_us = e->now_us; return 0;
	case PRS_SCHED_NODE_UP: return node_up(s, e);
	case PRS_SCHED_NODE_DOWN: return on_node_down(s, e->node);
	case PRS_SCHED_PLANNED: return check_thresholds(s, out);
	case PRS_SCHED_ASK:
		n = find_node(s, e->node);
		if (n)
			n->asked = e->count;
		return 0;
	case PRS_SCHED_DONE: on_final(s, e); return check_thresholds(s, out);
	case PRS_SCHED_FAILED: on_final(s, e); return check_thresholds(s, out);
	case PRS_SCHED_TRIED: return on_tried(s, e, out);
	case PRS_SCHED_RETURNED: return on_returned(s, e->unit.id);
	case PRS_SCHED_INIT_DONE: on_init_done(s, e); return 0;
	case PRS_SCHED_INIT_FAILED: return on_init_failed(s, e, out);
	case PRS_SCHED_STOP: s->stopped = true; return 0;
	case PRS_SCHED_TICK: return on_tick(s, e->now_us, out);
	}
	return 0;
}

int prs_sched_step(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	int r = on_event(s, e, out);
	if (!r)
		r = lease_all(s, out);
	return r ? r : check_over(s, out);
}

uint64_t prs_sched_next_us(const struct prs_sched *s)
{
	uint64_t at = UINT64_MAX;
	if (s->over || s->stopped || s->aborted)
		return at;
	if (s->start_us && !s->ledger->next_id && !s->ledger->planned_all)
		at = s->start_us + s->limits.first_task_timeout_us;
	if (s->progress_us && s->ledger->next_id && s->progress_us + s->limits.progress_timeout_us < at)
		at = s->progress_us + s->limits.progress_timeout_us;
	return at;
}

void prs_sched_waits_for(const struct prs_sched *s, char *text, size_t bytes)
{
	const struct prs_ledger_counts *c = &s->ledger->counts;
	if (!s->ledger->next_id)
		snprintf(text, bytes, "the first mini-batch: the input is being listed");
	else if (!s->inits_done)
		snprintf(text, bytes, "the first init()");
	else
		snprintf(text, bytes, "%llu mini-batches that run, %llu that wait for another try, %llu that are planned",
		         (unsigned long long)c->units[PRS_UNIT_LEASED], (unsigned long long)c->units[PRS_UNIT_WAITING],
		         (unsigned long long)c->units[PRS_UNIT_PLANNED]);
}

struct prs_sched *prs_sched_new(struct prs_ledger *ledger, const struct prs_limits *limits)
{
	struct prs_sched *s = prs_calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->ledger = ledger;
	s->limits = *limits;
	return s;
}

void prs_sched_set_limits(struct prs_sched *s, const struct prs_limits *limits) { s->limits = *limits; }

void prs_sched_free(struct prs_sched *s)
{
	if (!s)
		return;
	struct unit *u, *next;
	HASH_ITER(hh, s->units, u, next)
		drop_unit(s, u);
	for (uint32_t i = 0; i < s->nodes_n; i++)
		prs_freep(&s->nodes[i].slots);
	prs_freep(&s->nodes);
	prs_freep(&s->again);
	prs_freep(&s);
}
