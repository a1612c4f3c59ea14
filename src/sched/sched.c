/* SPDX-License-Identifier: Apache-2.0
 * sched: a unit that may run is taken from one of two places, the lower one first: `again`, a heap of units that came
 * back or wait for their next try, and the ids from `next_new` on that are PLANNED. A retry that must avoid a slot says
 * so in its lease: the pool places it. A unit whose error is RESUMABLE is `paused` for a second before it comes back.
 *
 * Memory: a step takes all that it may need first (reserve), then it cannot fail.
 */
#include "sched/sched.h"

#include "base/many.h"
#include "base/mem.h"
#include "sched/units.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_US UINT64_C(60000000)
#define PAUSE_US UINT64_C(1000000)

enum { FAILS_A_STEP = 16, ALIKE_A_PROCESS = 3, ALIKE_LEAST = 10, KIND_BYTES = 200 };

struct pause {
	uint64_t at_us;
	struct prs_unit unit;
};

struct node {
	uint16_t number, procs;
	bool up;
	uint32_t asked, granted; /* since NODE_UP, modulo 2^32 */
	uint64_t leased;
	uint64_t alone; /* lease of the unit that runs alone here, 0 = none */
	struct slot {
		bool timed_out;
		uint64_t same; /* hash of the last message */
		uint32_t same_count;
	} * slots;
};

/* For fail_fast: do all tries of this life fail in the same way? */
struct alike {
	bool any, differ;
	uint16_t code;
	char kind[KIND_BYTES];
	uint64_t failed; /* mini-batches */
};

struct prs_sched {
	struct prs_ledger *ledger;
	struct prs_limits limits;
	struct units_map map;
	struct node *nodes;
	uint32_t nodes_n;
	struct units_heap again;
	struct pause *paused; /* a queue: all pauses are equally long */
	uint32_t paused_n, paused_cap;
	uint64_t next_new;
	uint64_t counter; /* of leases */
	bool stopped, over, aborted;
	uint64_t seen_us; /* time of the last event */
	/* since when nothing is left to do and more is to be listed; 0 = there is, or all is listed, or no START yet */
	uint64_t idle_us;
	bool started;
	uint64_t progress_us; /* last finished mini-batch, or the first finished init; 0 = the clock stands */
	uint64_t first_init_failure_us;
	uint32_t init_failures, inits_done;
	struct alike alike;
	struct { /* planning failed */
		bool is_so;
		uint16_t code;
		uint64_t next_id; /* behind what was planned before */
		char text[512];
	} plan_stops;
	char text[512]; /* of ABORT */
};

/* ---- effects ----------------------------------------------------------------------------------------------------- */

static struct prs_sched_effect *emit(struct prs_sched_effects *out, enum prs_sched_effect_type type)
{
	assert(out->n < out->cap);
	struct prs_sched_effect *e = &out->v[out->n++];
	*e = (struct prs_sched_effect){ .type = type, .avoid_slot = PRS_NO_SLOT, .text = "" };
	return e;
}

static void abort_job(struct prs_sched *s, struct prs_sched_effects *out, uint16_t code)
{
	if (s->aborted || s->stopped)
		return;
	struct prs_sched_effect *e = emit(out, PRS_SCHED_ABORT);
	e->code = code;
	e->text = s->text;
	s->aborted = true;
}

/* The reason is what the process said, else the sentence of the table. */
static void abort_as_said(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	struct prs_text why = e->said.n ? e->said : prs_text_of(prs_error_row(e->code)->sentence);
	snprintf(s->text, sizeof s->text, "%.*s", (int)why.n, why.p);
	abort_job(s, out, e->code);
}

/* ---- the next unit ----------------------------------------------------------------------------------------------- */

static bool due_again(const struct prs_sched *s, const struct prs_unit *u)
{
	enum prs_unit_state st = prs_ledger_unit(s->ledger, u);
	return st == PRS_UNIT_PLANNED || st == PRS_UNIT_REPEAT;
}

static bool is_new(const struct prs_sched *s, uint64_t id)
{
	if (prs_ledger_state(s->ledger, id) != PRS_UNIT_PLANNED)
		return false;
	const struct unit *u = s->paused_n ? units_map_find(&s->map, &(struct prs_unit){ .id = id }) : NULL;
	return !u || !u->paused;
}

/* The next unit without taking it; false = none. */
static bool peek(struct prs_sched *s, struct prs_unit *ret)
{
	while (s->again.n && !due_again(s, &s->again.v[0]))
		units_heap_pop(&s->again);
	if (s->again.n) {
		*ret = s->again.v[0];
		return true;
	}
	while (s->next_new < s->ledger->next_id && !is_new(s, s->next_new))
		s->next_new++;
	*ret = (struct prs_unit){ .id = s->next_new };
	return s->next_new < s->ledger->next_id;
}

static void take(struct prs_sched *s, const struct prs_unit *u)
{
	if (s->again.n)
		units_heap_pop(&s->again); /* peek() gave its top */
	else
		s->next_new = u->id + 1;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

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
	n->leased--;
	if (n->alone == u->lease)
		n->alone = 0;
	u->lease = 0;
}

/* ---- leasing ----------------------------------------------------------------------------------------------------- */

static bool retry_may_help(uint16_t code)
{
	uint8_t action = prs_error_row(code)->action;
	return action != PRS_ACTION_FAIL && action != PRS_ACTION_END_JOB;
}

/* An error that no retry helps is not the items' fault, but for a value that does not fit. */
static bool may_be_an_item(uint16_t code) { return retry_may_help(code) || code == PRS_EVALUE_MISFIT; }

/* No more tries: bisect, or the end. Of an item that is known to be bad the others are freed at once. */
static void give_up(struct prs_sched *s, const struct prs_unit *u, uint16_t code, uint32_t bad_item,
                    struct prs_sched_effects *out)
{
	uint32_t items = prs_ledger_items(s->ledger, u);
	bool divide = s->limits.bisect && items > 1 && may_be_an_item(code);
	struct prs_sched_effect *e = emit(out, divide ? PRS_SCHED_DIVIDE : PRS_SCHED_FAIL);
	e->unit = *u;
	e->code = code;
	e->items = items;
	if (divide)
		e->parts = prs_ledger_parts_of(u, items, bad_item);
}

static struct unit *lease(struct prs_sched *s, struct node *n, const struct prs_unit *unit,
                          struct prs_sched_effects *out)
{
	struct unit *u = units_map_need(&s->map, unit);
	struct prs_sched_effect *e = emit(out, PRS_SCHED_LEASE);
	prs_ledger_move(s->ledger, unit, PRS_UNIT_LEASED);
	u->lease = (uint64_t)s->ledger->epoch << 40 | ++s->counter;
	u->node = n->number;
	n->leased++;
	n->granted++;
	e->node = n->number;
	e->unit = *unit;
	e->lease = u->lease;
	e->items = prs_ledger_items(s->ledger, unit);
	e->try_number = (uint16_t)(prs_ledger_tries(s->ledger, unit) + 1);
	if (u->avoid_slot != PRS_NO_SLOT && u->avoid_node == n->number && n->procs > 1)
		e->avoid_slot = u->avoid_slot;
	return u;
}

/* How many units the node still wants. */
static uint32_t wanted(const struct node *n)
{
	int32_t more = (int32_t)(n->asked - n->granted);
	return n->up && more > 0 ? (uint32_t)more : 0;
}

/* A part of several items has one try: what matters is which items are bad. */
static uint32_t max_tries(const struct prs_sched *s, const struct prs_unit *u)
{
	return u->item_count > 1 ? 1 : s->limits.run_max_try;
}

/* Why the unit must not run again; 0 = it may. */
static uint16_t hopeless(const struct prs_sched *s, const struct prs_unit *u)
{
	if (prs_ledger_downs_for_nothing(s->ledger, u) >= PRS_DOWNS_TO_FAIL)
		return PRS_ENODE_POISON;
	uint32_t tries = prs_ledger_tries(s->ledger, u);
	if (!tries)
		return 0;
	uint16_t code = prs_ledger_code(s->ledger, u);
	return tries >= max_tries(s, u) || prs_error_row(code)->action == PRS_ACTION_FAIL ? code : 0;
}

/* The next unit that may run, without taking it. Those before it that must not (they were out of tries when the last
 * engine died) fail. */
static bool next_unit(struct prs_sched *s, uint32_t *fails, struct prs_unit *ret, struct prs_sched_effects *out)
{
	while (peek(s, ret)) {
		uint16_t code = hopeless(s, ret);
		if (!code || !*fails)
			return !code;
		--*fails;
		take(s, ret);
		prs_ledger_move(s->ledger, ret, PRS_UNIT_LEASED);
		s->alike.differ = true; /* its tries were of lives before: not seen */
		give_up(s, ret, code, 0, out);
	}
	return false;
}

static bool must_be_alone(const struct prs_sched *s, const struct prs_unit *u)
{
	return prs_ledger_downs(s->ledger, u) >= PRS_DOWNS_TO_BE_ALONE;
}

/* True when a unit was leased to the node. One that took a node down twice waits until it can run alone. */
static bool lease_next(struct prs_sched *s, struct node *n, uint32_t *fails, struct prs_sched_effects *out)
{
	struct prs_unit unit;
	if (!wanted(n) || n->alone || !next_unit(s, fails, &unit, out))
		return false;
	bool alone = must_be_alone(s, &unit);
	if (alone && n->leased)
		return false;
	take(s, &unit);
	struct unit *u = lease(s, n, &unit, out);
	n->alone = alone ? u->lease : 0;
	out->v[out->n - 1].alone = alone;
	return true;
}

static void lease_all(struct prs_sched *s, struct prs_sched_effects *out)
{
	struct prs_unit unit;
	uint32_t fails = FAILS_A_STEP;
	bool any = !s->stopped && !s->aborted;
	if (any)
		next_unit(s, &fails, &unit, out);
	while (any) { /* a unit a round to each node, so that nodes share fairly */
		any = false;
		for (uint32_t i = 0; i < s->nodes_n; i++)
			any = lease_next(s, &s->nodes[i], &fails, out) || any;
	}
}

/* ---- giving up --------------------------------------------------------------------------------------------------- */

static bool too_many(struct prs_sched *s, const struct prs_limit_row *row, uint64_t failed, int64_t most)
{
	if (most < 0 || failed <= (uint64_t)most)
		return false;
	snprintf(s->text, sizeof s->text, "%s failed; %s allows %lld", prs_many(failed, row->what).text, row->name,
	         (long long)most);
	return true;
}

/* A part of the final total: not judged before that is known. */
static bool too_large_a_part(struct prs_sched *s, const struct prs_limit_row *row, uint64_t failed, double most)
{
	uint64_t all = s->ledger->next_id;
	if (most < 0 || !s->ledger->planned_all || (double)failed * 100.0 <= most * (double)all)
		return false;
	snprintf(s->text, sizeof s->text, "%llu of %s failed; %s allows %g %%", (unsigned long long)failed,
	         prs_many(all, "mini-batch").text, row->name, most);
	return true;
}

/* When a clock is due, UINT64_MAX = it stands. */
static uint64_t due_us(const struct prs_sched *s, enum prs_limit limit)
{
	switch ((int)limit) {
	case PRS_LIMIT_first_task_timeout_us:
		return s->idle_us ? s->idle_us + s->limits.first_task_timeout_us : UINT64_MAX;
	case PRS_LIMIT_progress_timeout_us:
		return s->progress_us ? s->progress_us + s->limits.progress_timeout_us : UINT64_MAX;
	default: return UINT64_MAX;
	}
}

static bool is_due(struct prs_sched *s, const struct prs_limit_row *row, uint64_t now_us)
{
	if (now_us < due_us(s, row->limit))
		return false;
	if (row->limit == PRS_LIMIT_progress_timeout_us)
		snprintf(s->text, sizeof s->text, "no mini-batch was finished for %g s (%s)",
		         prs_limit_value(&s->limits, row->limit), row->name);
	else if (!s->ledger->next_id)
		snprintf(s->text, sizeof s->text, "%s", prs_error_row((int)row->code)->sentence);
	else
		snprintf(s->text, sizeof s->text, "unable to list any further mini-batch within %s", row->name);
	return true;
}

/* Is more used up than the limit allows? Then s->text says so. */
static bool limit_reached(struct prs_sched *s, const struct prs_limit_row *row, uint64_t now_us)
{
	const struct prs_ledger_counts *c = &s->ledger->counts;
	const struct prs_limits *l = &s->limits;
	switch (row->limit) {
	case PRS_LIMIT_error_threshold: return too_many(s, row, c->items_failed, l->error_threshold);
	case PRS_LIMIT_allowed_failed_count:
		return too_many(s, row, c->units[PRS_UNIT_FAILED], l->allowed_failed_count);
	case PRS_LIMIT_allowed_failed_percent:
		return too_large_a_part(s, row, c->units[PRS_UNIT_FAILED], l->allowed_failed_percent);
	case PRS_LIMIT_first_task_timeout_us:
	case PRS_LIMIT_progress_timeout_us: return is_due(s, row, now_us);
	case PRS_LIMITS: break;
	}
	return false;
}

static void check_limits(struct prs_sched *s, bool clocks, uint64_t now_us, struct prs_sched_effects *out)
{
	if (!clocks && !s->ledger->counts.items_failed && !s->ledger->counts.units[PRS_UNIT_FAILED])
		return; /* as after nearly every mini-batch */
	for (unsigned i = 0; i < PRS_LIMITS && !s->aborted; i++) {
		const struct prs_limit_row *row = prs_limit_at(i);
		if ((row->kind == PRS_LIMIT_CLOCK) == clocks && limit_reached(s, row, now_us))
			abort_job(s, out, (uint16_t)row->code);
	}
}

static void note_try(struct prs_sched *s, const struct prs_sched_event *e)
{
	struct alike *a = &s->alike;
	size_t n = e->kind.n < KIND_BYTES ? e->kind.n : KIND_BYTES - 1;
	if (!a->any) {
		a->any = true;
		a->code = e->code;
		snprintf(a->kind, sizeof a->kind, "%.*s", (int)n, n ? e->kind.p : "");
	}
	a->differ = a->differ || a->code != e->code || strlen(a->kind) != n ||
	            (n && memcmp(a->kind, e->kind.p, n) != 0);
}

/* FAILED is folded: the mini-batch of a part failed with its last one. */
static void check_alike(struct prs_sched *s, const struct prs_unit *u, struct prs_sched_effects *out)
{
	struct alike *a = &s->alike;
	uint32_t procs = 0;
	for (uint32_t i = 0; i < s->nodes_n; i++)
		procs += s->nodes[i].up ? s->nodes[i].procs : 0;
	uint64_t enough = ALIKE_A_PROCESS * procs > ALIKE_LEAST ? ALIKE_A_PROCESS * procs : ALIKE_LEAST;
	a->failed += prs_ledger_state(s->ledger, u->id) == PRS_UNIT_FAILED;
	if (!s->limits.fail_fast || a->differ || !a->any || a->failed < enough || s->ledger->counts.items_succeeded ||
	    s->ledger->counts.units[PRS_UNIT_DONE])
		return;
	snprintf(s->text, sizeof s->text, "the first %s all failed with the same error: %s",
	         prs_many(a->failed, "mini-batch").text, a->kind[0] ? a->kind : prs_error_row(a->code)->sentence);
	abort_job(s, out, PRS_EFAIL_FAST);
}

static uint64_t unfinished(const struct prs_sched *s)
{
	const struct prs_ledger_counts *c = &s->ledger->counts;
	return s->ledger->next_id - c->units[PRS_UNIT_DONE] - c->units[PRS_UNIT_FAILED];
}

static void on_plan_stops(struct prs_sched *s, const struct prs_sched_event *e)
{
	s->plan_stops.is_so = true;
	s->plan_stops.code = e->code;
	s->plan_stops.next_id = e->unit.id;
	snprintf(s->plan_stops.text, sizeof s->plan_stops.text, "%.*s", (int)e->said.n, e->said.p);
}

/* The ledger may hear of the last mini-batches only now. */
static void check_plan_stops(struct prs_sched *s, struct prs_sched_effects *out)
{
	if (!s->plan_stops.is_so || s->ledger->next_id < s->plan_stops.next_id || unfinished(s))
		return;
	snprintf(s->text, sizeof s->text, "%s", s->plan_stops.text);
	abort_job(s, out, s->plan_stops.code);
}

static void check_over(struct prs_sched *s, struct prs_sched_effects *out)
{
	bool over = s->ledger->planned_all && !unfinished(s);
	if (over && !s->over && !s->stopped && !s->aborted)
		emit(out, PRS_SCHED_ALL_FINAL);
	else if (over)
		return;
	s->over = over;
}

/* The clock of progress_update_timeout runs from the first finished init on, and only while there is something to
 * finish; else that of first_task_creation_timeout runs: for the first mini-batch and for each that the lister lets
 * wait. */
static void keep_clocks(struct prs_sched *s, uint64_t now_us)
{
	if (unfinished(s) || s->ledger->planned_all)
		s->idle_us = 0;
	else if (!s->idle_us && s->started)
		s->idle_us = now_us;
	if (!unfinished(s))
		s->progress_us = 0;
	else if (!s->progress_us && s->inits_done)
		s->progress_us = now_us;
}

/* Does init() fail everywhere, as far as that can be known? Each process of each node failed twice in the same way, or
 * went over the limit once. */
static bool fails_everywhere(const struct prs_sched *s, const char **ret_how, uint32_t *ret_procs)
{
	bool all = true, any_late = false, any_same = false;
	*ret_procs = 0;
	for (uint32_t i = 0; i < s->nodes_n; i++) {
		const struct node *n = &s->nodes[i];
		for (uint16_t k = 0; n->up && k < n->procs; k++) {
			bool same = n->slots[k].same_count >= 2, late = n->slots[k].timed_out;
			all = all && (same || late);
			any_late = any_late || late;
			any_same = any_same || !late;
		}
		*ret_procs += n->up ? n->procs : 0;
	}
	*ret_how = "init() failed twice in the same way in every process";
	if (any_late)
		*ret_how = "init() took longer than init_timeout in every process";
	if (any_late && any_same)
		*ret_how = "init() failed twice in the same way, or took longer than init_timeout, in every process";
	return all;
}

static void check_init(struct prs_sched *s, uint64_t now_us, struct prs_sched_effects *out)
{
	const char *how;
	uint32_t procs;
	uint64_t since_us = now_us - s->first_init_failure_us;
	if (fails_everywhere(s, &how, &procs))
		snprintf(s->text, sizeof s->text, "%s", how);
	else if (s->init_failures >= 2 * procs && since_us >= 2 * MINUTE_US)
		snprintf(s->text, sizeof s->text, "init() failed %s in %s", prs_many(s->init_failures, "time").text,
		         prs_many(since_us / MINUTE_US, "minute").text);
	else
		return;
	abort_job(s, out, PRS_EINIT_GIVE_UP);
}

/* A process that could not be started is the node's fault, and the node knows what to do. */
static void on_init_failed(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	struct node *n = find_node(s, e->node);
	if (!n || !n->up || e->slot >= n->procs || s->aborted)
		return;
	if (prs_error_row(e->code)->fault == PRS_FAULT_NODE)
		return;
	struct slot *k = &n->slots[e->slot];
	if (!s->init_failures++)
		s->first_init_failure_us = e->now_us;
	k->timed_out = k->timed_out || e->code == PRS_EINIT_TIMEOUT;
	k->same_count = k->same_count && k->same == e->same ? k->same_count + 1 : 1;
	k->same = e->same;
	if (retry_may_help(e->code))
		check_init(s, e->now_us, out);
	else
		abort_as_said(s, e, out);
}

static void on_init_done(struct prs_sched *s, const struct prs_sched_event *e)
{
	struct node *n = find_node(s, e->node);
	if (!n || !n->up || e->slot >= n->procs)
		return;
	n->slots[e->slot] = (struct slot){ 0 };
	s->inits_done++;
}

/* ---- units that come back ---------------------------------------------------------------------------------------- */

static void come_back(struct prs_sched *s, struct unit *u)
{
	units_heap_push(&s->again, &u->unit);
	unlease(s, u);
	if (u->avoid_slot == PRS_NO_SLOT)
		units_map_drop(&s->map, u);
}

static void pause_unit(struct prs_sched *s, struct unit *u, uint64_t now_us)
{
	s->paused[s->paused_n++] = (struct pause){ now_us + PAUSE_US, u->unit };
	u->paused = true;
	unlease(s, u);
}

static void end_pauses(struct prs_sched *s, uint64_t now_us)
{
	uint32_t n = 0;
	for (; n < s->paused_n && s->paused[n].at_us <= now_us; n++) {
		struct unit *u = units_map_find(&s->map, &s->paused[n].unit);
		if (!u || !u->paused)
			continue;
		u->paused = false;
		units_heap_push(&s->again, &s->paused[n].unit);
	}
	if (n)
		memmove(s->paused, s->paused + n, (s->paused_n - n) * sizeof *s->paused);
	s->paused_n -= n;
}

/* The unit of the lease; NULL when that is not the current one: what a lost node said is no more of interest. */
static struct unit *leased(const struct prs_sched *s, const struct prs_sched_event *e)
{
	struct unit *u = units_map_find(&s->map, &e->unit);
	return u && u->lease && u->lease == e->lease && prs_ledger_unit(s->ledger, &e->unit) == PRS_UNIT_LEASED ? u
	                                                                                                        : NULL;
}

static void on_tried(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	struct unit *u = leased(s, e);
	if (!u)
		return;
	const struct prs_error_row *row = prs_error_row(e->code);
	bool pause = row->action == PRS_ACTION_RESUMABLE;
	if (!pause)
		note_try(s, e);
	if (row->action == PRS_ACTION_ELSEWHERE) {
		u->avoid_node = u->node;
		u->avoid_slot = e->slot;
	}
	prs_ledger_move(s->ledger, &u->unit, pause ? PRS_UNIT_PLANNED : PRS_UNIT_REPEAT);
	if (pause) {
		pause_unit(s, u, e->now_us);
	} else if (!retry_may_help(e->code) || prs_ledger_tries(s->ledger, &u->unit) >= max_tries(s, &u->unit)) {
		give_up(s, &u->unit, e->code, e->bad_item, out);
		unlease(s, u);
		units_map_drop(&s->map, u);
		if (row->action == PRS_ACTION_END_JOB)
			abort_as_said(s, e, out);
	} else {
		come_back(s, u);
	}
}

static void on_returned(struct prs_sched *s, const struct prs_sched_event *e)
{
	struct unit *u = leased(s, e);
	if (!u)
		return;
	prs_ledger_move(s->ledger, &u->unit, PRS_UNIT_PLANNED);
	come_back(s, u);
}

/* Entries stay in the map, so that the walk over it meets each once; their next lease or end drops them. */
static void take_units_from(struct prs_sched *s, uint16_t number)
{
	for (uint32_t i = 0; i < s->map.cap; i++) {
		struct unit *u = &s->map.v[i];
		if (!u->used || !u->lease || u->node != number)
			continue;
		unlease(s, u);
		if (prs_ledger_unit(s->ledger, &u->unit) != PRS_UNIT_LEASED)
			continue;
		prs_ledger_move(s->ledger, &u->unit, PRS_UNIT_PLANNED);
		units_heap_push(&s->again, &u->unit);
	}
}

static void on_node_down(struct prs_sched *s, uint16_t number)
{
	struct node *n = find_node(s, number);
	if (!n)
		return;
	n->up = false;
	take_units_from(s, number);
}

static int on_node_up(struct prs_sched *s, const struct prs_sched_event *e)
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
		*n = (struct node){ .number = e->node };
	}
	take_units_from(s, e->node); /* of a life whose end nobody told */
	prs_freep(&n->slots);
	*n = (struct node){ .number = e->node, .procs = e->procs, .up = true, .slots = slots };
	return 0;
}

static void sched_count_down(void *ctx, const struct prs_unit *u)
{
	(void)u;
	++*(uint64_t *)ctx;
}

static void sched_push_down(void *ctx, const struct prs_unit *u)
{
	struct prs_sched *s = ctx;
	if (must_be_alone(s, u) && !u->item_count) /* parts are there already */
		units_heap_push(&s->again, u);
}

/* What must run alone comes first: so that, if it takes the machine down again, nothing else was finished before. */
static void on_start(struct prs_sched *s)
{
	s->started = true;
	prs_ledger_each_down(s->ledger, sched_push_down, s);
}

static void on_final(struct prs_sched *s, const struct prs_sched_event *e)
{
	struct unit *u = units_map_find(&s->map, &e->unit);
	if (u && u->lease)
		unlease(s, u);
	if (u)
		units_map_drop(&s->map, u);
	s->progress_us = s->inits_done ? e->now_us : 0;
}

/* SIGSTOP, a paused container: the time in which nobody could have finished anything does not count. */
static void check_gap(struct prs_sched *s, uint64_t now_us)
{
	uint64_t gap_us = s->seen_us && now_us > s->seen_us ? now_us - s->seen_us : 0;
	bool asked = prs_sched_next_us(s) != UINT64_MAX; /* else long silence is no gap */
	s->seen_us = now_us;
	if (!asked || gap_us < s->limits.gap_us)
		return;
	s->idle_us += s->idle_us ? gap_us : 0;
	s->progress_us += s->progress_us ? gap_us : 0;
	s->first_init_failure_us += gap_us;
	for (uint32_t i = 0; i < s->paused_n; i++)
		s->paused[i].at_us += gap_us;
}

/* Its parts are leased like units that are repeated. */
static void on_split(struct prs_sched *s, const struct prs_sched_event *e)
{
	uint32_t items = prs_ledger_items(s->ledger, &e->unit);
	on_final(s, e); /* the unit is no more */
	for (uint32_t k = 0; k < e->count; k++) {
		struct prs_unit part = prs_ledger_part(&e->unit, items,
		                                       (struct prs_ledger_parts){ e->count, e->bad_item }, k);
		units_heap_push(&s->again, &part);
	}
}

/* ---- the step ---------------------------------------------------------------------------------------------------- */

/* Room for all that the event can cause: leases, units that are given up, units that come back. */
static int reserve(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	uint64_t leases = 0, back = s->paused_n + 1u + (e->type == PRS_SCHED_SPLIT ? e->count : 0);
	if (e->type == PRS_SCHED_START)
		prs_ledger_each_down(s->ledger, sched_count_down, &back);
	for (uint32_t i = 0; i < s->nodes_n; i++) {
		struct node n = s->nodes[i];
		n.asked = e->type == PRS_SCHED_ASK && n.number == e->node ? e->count : n.asked;
		leases += wanted(&n);
		back += (e->type == PRS_SCHED_NODE_DOWN || e->type == PRS_SCHED_NODE_UP) && n.number == e->node
		                ? n.leased
		                : 0;
	}
	uint64_t there = s->again.n + back + s->ledger->next_id - s->next_new;
	if (e->type == PRS_SCHED_RESET)
		there = s->again.n + s->ledger->next_id;
	leases = leases < there ? leases : there;
	uint64_t effects = out->n + leases + FAILS_A_STEP + 4;
	if (units_grow(&out->v, &out->cap, effects, sizeof *out->v) < 0 || units_heap_room(&s->again, back) < 0 ||
	    units_grow(&s->paused, &s->paused_cap, s->paused_n + 1u, sizeof *s->paused) < 0)
		return -PRS_ENOMEM;
	return units_map_room(&s->map, leases + 1);
}

static int on_event(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	struct node *n;
	switch (e->type) {
	case PRS_SCHED_START: on_start(s); break;
	case PRS_SCHED_NODE_UP: return on_node_up(s, e);
	case PRS_SCHED_NODE_DOWN: on_node_down(s, e->node); break;
	case PRS_SCHED_PLANNED: check_limits(s, false, e->now_us, out); break;
	case PRS_SCHED_PLAN_STOPS: on_plan_stops(s, e); break;
	case PRS_SCHED_RESET: s->next_new = e->unit.id < s->next_new ? e->unit.id : s->next_new; break;
	case PRS_SCHED_ASK:
		n = find_node(s, e->node);
		if (n)
			n->asked = e->count;
		break;
	case PRS_SCHED_DONE:
	case PRS_SCHED_FAILED:
		s->init_failures = e->type == PRS_SCHED_DONE ? 0 : s->init_failures;
		on_final(s, e);
		check_limits(s, false, e->now_us, out);
		if (e->type == PRS_SCHED_FAILED)
			check_alike(s, &e->unit, out);
		break;
	case PRS_SCHED_SPLIT: on_split(s, e); break;
	case PRS_SCHED_TRIED: on_tried(s, e, out); break;
	case PRS_SCHED_RETURNED: on_returned(s, e); break;
	case PRS_SCHED_INIT_DONE: on_init_done(s, e); break;
	case PRS_SCHED_INIT_FAILED: on_init_failed(s, e, out); break;
	case PRS_SCHED_STOP: s->stopped = true; break;
	case PRS_SCHED_TICK:
		s->progress_us += s->progress_us ? e->stalled_us : 0;
		check_limits(s, true, e->now_us, out);
		break;
	}
	return 0;
}

int prs_sched_step(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out)
{
	int r = reserve(s, e, out);
	if (r < 0)
		return r;
	check_gap(s, e->now_us);
	r = on_event(s, e, out); /* NODE_UP may fail, before it changes anything */
	if (r < 0)
		return r;
	end_pauses(s, e->now_us);
	lease_all(s, out);
	check_plan_stops(s, out);
	check_over(s, out);
	keep_clocks(s, e->now_us);
	return 0;
}

uint64_t prs_sched_next_us(const struct prs_sched *s)
{
	if (s->over || s->stopped || s->aborted)
		return UINT64_MAX;
	uint64_t at = UINT64_MAX, look = s->seen_us + s->limits.gap_us / 2;
	for (unsigned limit = 0; limit < PRS_LIMITS; limit++) {
		uint64_t due = due_us(s, (enum prs_limit)limit);
		at = due < at ? due : at;
	}
	at = s->paused_n && s->paused[0].at_us < at ? s->paused[0].at_us : at;
	return at != UINT64_MAX && look < at ? look : at;
}

/* "mini-batches: 2 given to a process, 1 waiting for another try, 58 planned" */
static void units_waited_for(const struct prs_ledger_counts *c, char *text, size_t bytes)
{
	static const struct {
		enum prs_unit_state state;
		const char *what;
	} parts[] = { { PRS_UNIT_LEASED, "given to a process" },
		      { PRS_UNIT_REPEAT, "waiting for another try" },
		      { PRS_UNIT_SPLIT, "tried in parts" },
		      { PRS_UNIT_PLANNED, "planned" } };
	size_t at = (size_t)snprintf(text, bytes, "mini-batches:");
	bool first = true;
	for (size_t i = 0; i < sizeof parts / sizeof *parts && at < bytes; i++) {
		uint64_t n = c->units[parts[i].state];
		if (!n)
			continue;
		at += (size_t)snprintf(text + at, bytes - at, "%s %llu %s", first ? "" : ",", (unsigned long long)n,
		                       parts[i].what);
		first = false;
	}
	if (first)
		snprintf(text, bytes, "the processes to end");
}

void prs_sched_waits_for(const struct prs_sched *s, char *text, size_t bytes)
{
	if (!s->ledger->next_id)
		snprintf(text, bytes, "the first mini-batch: the input is being listed");
	else if (!s->inits_done &&
	         !s->ledger->counts.units
	                  /* an init() is known here when its fact is durable, some time after the first lease */
	                  [PRS_UNIT_LEASED])
		snprintf(text, bytes, "the first init()");
	else
		units_waited_for(&s->ledger->counts, text, bytes);
}

static void sched_count_part(void *ctx, const struct prs_unit *u)
{
	(void)u;
	++*(uint64_t *)ctx;
}

static void sched_push_part(void *ctx, const struct prs_unit *u)
{
	struct prs_sched *s = ctx;
	units_heap_push(&s->again, u);
}

struct prs_sched *prs_sched_new(struct prs_ledger *ledger, const struct prs_limits *limits)
{
	struct prs_sched *s = prs_calloc(1, sizeof *s);
	uint64_t parts = 0;
	prs_ledger_each_part(ledger, sched_count_part, &parts);
	if (!s || units_heap_room(&s->again, parts) < 0) {
		prs_freep(&s);
		return NULL;
	}
	s->ledger = ledger;
	s->limits = *limits;
	prs_ledger_each_part(ledger, sched_push_part, s);
	return s;
}

void prs_sched_set_limits(struct prs_sched *s, const struct prs_limits *limits) { s->limits = *limits; }

void prs_sched_free(struct prs_sched *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->nodes_n; i++)
		prs_freep(&s->nodes[i].slots);
	prs_freep(&s->nodes);
	units_map_done(&s->map);
	units_heap_done(&s->again);
	prs_freep(&s->paused);
	prs_freep(&s);
}
