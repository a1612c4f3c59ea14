/* SPDX-License-Identifier: Apache-2.0
 * flow: the steps are looked through in their order at each event, from the first that is not final on: a pipeline has
 * some steps, at most some thousands, and an event comes when a process ended.
 */
#include "flow/flow.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/* A step says at most: resumed or reset, ready, an end, and its START or HALT. */
enum { EFFECTS_A_STEP = 6 };

struct step {
	enum prs_step_state state;
	uint32_t cores;          /* clipped to the budget */
	uint32_t unmet;          /* steps that it needs and that are not done or reused */
	uint32_t needs, needs_n; /* in f->needs */
	uint32_t users, users_n; /* in f->users: the steps that need it */
	bool started;            /* START was said and its end did not come: it has its cores */
	bool halted;             /* HALT was said */
};

enum mode { GOES_ON, STOPS, FAILS, CANCELS };

struct prs_flow {
	struct step *steps;
	uint32_t *needs, *users, *todo; /* todo: room for each step once */
	struct prs_flow_effect *effects;
	uint32_t n, effects_n, budget, used, running, first; /* first: all before it are final */
	bool continues, begun, ended;
	enum mode mode;
};

static bool is_met(enum prs_step_state s) { return s == PRS_STEP_DONE || s == PRS_STEP_REUSED; }

static bool is_final(enum prs_step_state s) { return s >= PRS_STEP_DONE; }

static bool is_broken(enum prs_step_state s)
{
	return s == PRS_STEP_FAILED || s == PRS_STEP_SKIPPED || s == PRS_STEP_CANCELED;
}

static struct prs_flow_effect *say(struct prs_flow *f, enum prs_flow_effect_type type, uint32_t step)
{
	assert(f->effects_n < f->n * EFFECTS_A_STEP + 1);
	struct prs_flow_effect *e = &f->effects[f->effects_n++];
	*e = (struct prs_flow_effect){ .type = type, .step = step };
	return e;
}

/* The one setter of a step's state. */
static void move(struct prs_flow *f, uint32_t i, enum prs_step_state to)
{
	struct step *s = &f->steps[i];
	assert(prs_arc_legal(PRS_MACHINE_STEP, (int)s->state, (int)to));
	struct prs_flow_effect *e = say(f, PRS_FLOW_STATE, i);
	e->from = s->state;
	e->to = to;
	s->state = to;
}

/* ---- made -------------------------------------------------------------------------------------------------------- */

static int copy_needs(struct prs_flow *f, const struct prs_flow_item *items, struct prs_err *err)
{
	uint32_t at = 0;
	for (uint32_t i = 0; i < f->n; i++) {
		struct step *s = &f->steps[i];
		s->cores = !items[i].cores || items[i].cores > f->budget ? f->budget : items[i].cores;
		s->needs = at;
		s->needs_n = s->unmet = items[i].needs_n;
		for (uint32_t k = 0; k < items[i].needs_n; k++) {
			uint32_t need = items[i].needs[k];
			if (need >= f->n)
				return prs_fail(err, PRS_EINVALID, "step %u needs step %u: there are %u", i, need,
				                f->n);
			f->needs[at++] = need;
			f->steps[need].users_n++;
		}
	}
	return 0;
}

static void find_users(struct prs_flow *f)
{
	uint32_t at = 0;
	for (uint32_t i = 0; i < f->n; i++) {
		f->steps[i].users = at;
		at += f->steps[i].users_n;
		f->steps[i].users_n = 0;
	}
	for (uint32_t i = 0; i < f->n; i++)
		for (uint32_t k = 0; k < f->steps[i].needs_n; k++) {
			struct step *need = &f->steps[f->needs[f->steps[i].needs + k]];
			f->users[need->users + need->users_n++] = i;
		}
}

/* Takes away steps that need nothing any more; what is left then needs itself. */
static int check_order(struct prs_flow *f, struct prs_err *err)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < f->n; i++)
		if (!f->steps[i].unmet)
			f->todo[n++] = i;
	for (uint32_t at = 0; at < n; at++) {
		const struct step *s = &f->steps[f->todo[at]];
		for (uint32_t k = 0; k < s->users_n; k++)
			if (!--f->steps[f->users[s->users + k]].unmet)
				f->todo[n++] = f->users[s->users + k];
	}
	for (uint32_t i = 0; i < f->n && n < f->n; i++)
		if (f->steps[i].unmet)
			return prs_fail(err, PRS_EINVALID, "step %u needs itself, or a step that does", i);
	for (uint32_t i = 0; i < f->n; i++)
		f->steps[i].unmet = f->steps[i].needs_n;
	return 0;
}

int prs_flow_new(struct prs_flow **ret, const struct prs_flow_item *steps, uint32_t n, uint32_t budget, bool continues,
                 struct prs_err *err)
{
	size_t needs = 0;
	for (uint32_t i = 0; i < n; i++)
		needs += steps[i].needs_n;
	struct prs_flow *f = *ret = prs_calloc(1, sizeof *f);
	if (!f)
		return prs_fail(err, PRS_ENOMEM, "the steps of a pipeline");
	f->n = n;
	f->budget = budget ? budget : 1;
	f->continues = continues;
	f->steps = prs_calloc(n ? n : 1, sizeof *f->steps);
	f->needs = prs_calloc(needs ? needs : 1, sizeof *f->needs);
	f->users = prs_calloc(needs ? needs : 1, sizeof *f->users);
	f->todo = prs_calloc(n ? n : 1, sizeof *f->todo);
	f->effects = prs_calloc((size_t)n * EFFECTS_A_STEP + 1, sizeof *f->effects);
	int r = f->steps && f->needs && f->users && f->todo && f->effects
	                ? 0
	                : prs_fail(err, PRS_ENOMEM, "the steps of a pipeline");
	if (!r)
		r = copy_needs(f, steps, err);
	if (!r)
		find_users(f);
	if (!r)
		r = check_order(f, err);
	if (r) {
		prs_flow_free(f);
		*ret = NULL;
	}
	return r;
}

void prs_flow_free(struct prs_flow *f)
{
	if (!f)
		return;
	free(f->steps);
	free(f->needs);
	free(f->users);
	free(f->todo);
	free(f->effects);
	free(f);
}

/* ---- restored ---------------------------------------------------------------------------------------------------- */

void prs_flow_restore(struct prs_flow *f, uint32_t step, enum prs_step_state state)
{
	assert(!f->begun && step < f->n && state < PRS_STEP_STATES);
	f->steps[step].state = state;
}

void prs_flow_retry(struct prs_flow *f)
{
	assert(!f->begun);
	f->effects_n = 0;
	for (uint32_t i = 0; i < f->n; i++)
		if (is_broken(f->steps[i].state))
			move(f, i, PRS_STEP_WAITING);
}

/* ---- what follows ------------------------------------------------------------------------------------------------ */

/* All that is not final and has no process: one that was interrupted by a stop before, too. */
static void cancel_idle(struct prs_flow *f)
{
	for (uint32_t i = f->first; i < f->n; i++)
		if (!f->steps[i].started && !is_final(f->steps[i].state))
			move(f, i, PRS_STEP_CANCELED);
}

static void halt_running(struct prs_flow *f)
{
	for (uint32_t i = f->first; i < f->n; i++)
		if (f->steps[i].started && f->steps[i].state == PRS_STEP_RUNNING && !f->steps[i].halted) {
			f->steps[i].halted = true;
			say(f, PRS_FLOW_HALT, i);
		}
}

/* From now on nothing begins. A later reason to end counts when it is a stronger one: cancel over failed over stop. */
static void wind_down(struct prs_flow *f, enum mode mode)
{
	if (mode > f->mode)
		f->mode = mode;
	if (f->mode != STOPS)
		cancel_idle(f);
	halt_running(f);
}

static void skip_users(struct prs_flow *f, uint32_t failed)
{
	uint32_t n = 0;
	f->todo[n++] = failed;
	while (n) {
		const struct step *s = &f->steps[f->todo[--n]];
		for (uint32_t k = 0; k < s->users_n; k++) {
			uint32_t user = f->users[s->users + k];
			if (f->steps[user].state != PRS_STEP_WAITING)
				continue;
			move(f, user, PRS_STEP_SKIPPED);
			f->todo[n++] = user;
		}
	}
}

static void broke(struct prs_flow *f, uint32_t step)
{
	if (f->continues)
		skip_users(f, step);
	else
		wind_down(f, FAILS);
}

static void met(struct prs_flow *f, uint32_t step)
{
	const struct step *s = &f->steps[step];
	for (uint32_t k = 0; k < s->users_n; k++) {
		struct step *user = &f->steps[f->users[s->users + k]];
		assert(user->unmet);
		if (!--user->unmet && user->state == PRS_STEP_WAITING && f->mode != FAILS && f->mode != CANCELS)
			move(f, f->users[s->users + k], PRS_STEP_READY);
	}
}

static void start_ready(struct prs_flow *f)
{
	while (f->first < f->n && is_final(f->steps[f->first].state))
		f->first++;
	for (uint32_t i = f->first; i < f->n && f->mode == GOES_ON; i++) {
		struct step *s = &f->steps[i];
		if (s->state != PRS_STEP_READY || s->started)
			continue;
		if (f->used + s->cores > f->budget)
			return;
		s->started = true;
		f->used += s->cores;
		f->running++;
		say(f, PRS_FLOW_START, i);
	}
}

static bool has_broken(const struct prs_flow *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (is_broken(f->steps[i].state))
			return true;
	return false;
}

/* Nothing runs and nothing could start: the end. */
static void end(struct prs_flow *f)
{
	static const enum prs_flow_end ends
		[] = { [STOPS] = PRS_FLOW_CAN_RESUME, [FAILS] = PRS_FLOW_HAS_FAILED, [CANCELS] = PRS_FLOW_IS_CANCELED };
	if (f->running || f->ended)
		return;
	f->ended = true;
	struct prs_flow_effect *e = say(f, PRS_FLOW_END, f->n);
	e->end = f->mode == GOES_ON ? PRS_FLOW_COMPLETED : ends[f->mode];
	if (f->mode == GOES_ON && has_broken(f))
		e->end = PRS_FLOW_HAS_FAILED;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

/* What was restored: needs are counted, what ran begins again; what the life before had no time to skip or cancel is
 * so now. */
static void begin(struct prs_flow *f)
{
	f->begun = true;
	for (uint32_t i = 0; i < f->n; i++) {
		struct step *s = &f->steps[i];
		for (uint32_t k = 0; k < s->needs_n; k++)
			s->unmet -= is_met(f->steps[f->needs[s->needs + k]].state);
		if (s->state == PRS_STEP_RUNNING)
			move(f, i, PRS_STEP_READY);
		else if (s->state == PRS_STEP_WAITING && !s->unmet)
			move(f, i, PRS_STEP_READY);
	}
	for (uint32_t i = 0; i < f->n; i++)
		if (is_broken(f->steps[i].state))
			broke(f, i);
}

/* A step that was started has ended, in whatever way: its cores are free. */
static bool took_end(struct prs_flow *f, uint32_t i)
{
	struct step *s = &f->steps[i];
	if (!s->started)
		return false;
	s->started = s->halted = false;
	f->used -= s->cores;
	f->running--;
	return true;
}

static void begun(struct prs_flow *f, uint32_t i)
{
	if (!f->steps[i].started || f->steps[i].state != PRS_STEP_READY)
		return;
	move(f, i, PRS_STEP_RUNNING);
	if (f->mode != GOES_ON)
		halt_running(f);
}

static void interrupted(struct prs_flow *f, uint32_t i)
{
	if (f->mode == GOES_ON)
		wind_down(f, STOPS);
	if (f->mode != STOPS)
		move(f, i, PRS_STEP_CANCELED);
}

const struct prs_flow_effect *prs_flow_step(struct prs_flow *f, const struct prs_flow_event *e, uint32_t *n)
{
	assert(e->type == PRS_FLOW_BEGIN ? !f->begun : f->begun);
	if (e->type != PRS_FLOW_BEGIN) /* of retry, they come with BEGIN */
		f->effects_n = 0;
	uint32_t i = e->step;
	switch (e->type) {
	case PRS_FLOW_BEGIN: begin(f); break;
	case PRS_FLOW_BEGUN: begun(f, i); break;
	case PRS_FLOW_REUSED:
	case PRS_FLOW_DONE:
		if (took_end(f, i)) {
			move(f, i, e->type == PRS_FLOW_DONE ? PRS_STEP_DONE : PRS_STEP_REUSED);
			met(f, i);
		}
		break;
	case PRS_FLOW_FAILED:
		if (took_end(f, i)) {
			move(f, i, PRS_STEP_FAILED);
			broke(f, i);
		}
		break;
	case PRS_FLOW_INTERRUPTED:
		if (took_end(f, i))
			interrupted(f, i);
		break;
	case PRS_FLOW_STOP: wind_down(f, STOPS); break;
	case PRS_FLOW_CANCEL: wind_down(f, CANCELS); break;
	}
	start_ready(f);
	end(f);
	*n = f->effects_n;
	return f->effects;
}

/* ---- asked ------------------------------------------------------------------------------------------------------- */

enum prs_step_state prs_flow_state(const struct prs_flow *f, uint32_t step) { return f->steps[step].state; }

uint32_t prs_flow_waits_for(const struct prs_flow *f, uint32_t step)
{
	const struct step *s = &f->steps[step];
	if (s->state != PRS_STEP_WAITING && (s->state != PRS_STEP_READY || s->started))
		return f->n;
	for (uint32_t k = 0; k < s->needs_n; k++)
		if (!is_met(f->steps[f->needs[s->needs + k]].state))
			return f->needs[s->needs + k];
	for (uint32_t i = 0; i < f->n; i++)
		if (f->steps[i].started || (i < step && f->steps[i].state == PRS_STEP_READY))
			return i;
	return f->n;
}
