/* SPDX-License-Identifier: Apache-2.0
 * test_flow: stories of some steps, told word for word; random graphs with failures, reuse, stops, cancels and engines
 * that die, against rules that are written down a second time here.
 *
 * PRS_SEEDS=first:count plays other seeds; one alone is told in full.
 */
#include "flow/flow.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS_MAX = 40, TOLD_BYTES = 1 << 16 };

static char told[TOLD_BYTES];
static size_t told_n;

__attribute__((format(printf, 1, 2))) static void tell(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(told + told_n, sizeof told - told_n, fmt, ap);
	va_end(ap);
	if (n > 0 && told_n + (size_t)n < sizeof told)
		told_n += (size_t)n;
}

static const char *const ends[] = { [PRS_FLOW_COMPLETED] = "completed",
	                            [PRS_FLOW_HAS_FAILED] = "failed",
	                            [PRS_FLOW_IS_CANCELED] = "canceled",
	                            [PRS_FLOW_CAN_RESUME] = "to be resumed" };

static void tell_effect(const struct prs_flow_effect *e)
{
	switch (e->type) {
	case PRS_FLOW_START: tell(" start %u", e->step); break;
	case PRS_FLOW_HALT: tell(" halt %u", e->step); break;
	case PRS_FLOW_STATE: tell(" %u=%s", e->step, prs_state_name(PRS_MACHINE_STEP, (int)e->to)); break;
	case PRS_FLOW_END: tell(" %s", ends[e->end]); break;
	}
}

/* ---- stories ----------------------------------------------------------------------------------------------------- */

static struct prs_flow *f;

#define NEEDS(...) \
	.needs = (const uint32_t[]){ __VA_ARGS__ }, .needs_n = sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)

/* 0 -> 1, 2 -> 3; 1 and 2 take two cores each */
static const struct prs_flow_item diamond[] = {
	{ .cores = 1 }, { .cores = 2, NEEDS(0) }, { .cores = 2, NEEDS(0) }, { .cores = 0, NEEDS(1, 2) }
};

static int teardown(void **state)
{
	(void)state;
	prs_flow_free(f);
	f = NULL;
	return 0;
}

static void make(const struct prs_flow_item *items, uint32_t n, uint32_t budget, bool continues)
{
	struct prs_err err = { 0 };
	prs_flow_free(f);
	assert_int_equal(prs_flow_new(&f, items, n, budget, continues, &err), 0);
	told_n = 0;
	told[0] = 0;
}

static void event(enum prs_flow_event_type type, uint32_t step)
{
	uint32_t n;
	const struct prs_flow_effect *e = prs_flow_step(f, &(struct prs_flow_event){ type, step }, &n);
	for (uint32_t i = 0; i < n; i++)
		tell_effect(&e[i]);
}

/* What has been told since the last time. */
static void assert_told(const char *want)
{
	assert_string_equal(told_n ? told + 1 : "", want);
	told_n = 0;
	told[0] = 0;
}

static void runs(uint32_t step)
{
	event(PRS_FLOW_BEGUN, step);
	told_n = 0;
	told[0] = 0;
}

static void test_diamond(void **state)
{
	(void)state;
	make(diamond, 4, 4, false);
	event(PRS_FLOW_BEGIN, 0);
	assert_told("0=READY start 0");
	event(PRS_FLOW_BEGUN, 0);
	assert_told("0=RUNNING");
	assert_int_equal(prs_flow_waits_for(f, 3), 1);
	assert_int_equal(prs_flow_waits_for(f, 0), 4);
	event(PRS_FLOW_DONE, 0);
	assert_told("0=DONE 1=READY 2=READY start 1 start 2");
	runs(1);
	runs(2);
	event(PRS_FLOW_DONE, 2);
	assert_told("2=DONE");
	event(PRS_FLOW_DONE, 1);
	assert_told("1=DONE 3=READY start 3");
	event(PRS_FLOW_REUSED, 3);
	assert_told("3=REUSED completed");
}

static void test_budget(void **state)
{
	(void)state;
	/* the third fits, but none passes the second */
	const struct prs_flow_item items[] = { { .cores = 2 }, { .cores = 2 }, { .cores = 1 }, { .cores = 99 } };
	make(items, 4, 3, false);
	event(PRS_FLOW_BEGIN, 0);
	assert_told("0=READY 1=READY 2=READY 3=READY start 0");
	assert_int_equal(prs_flow_waits_for(f, 2), 0);
	runs(0);
	event(PRS_FLOW_DONE, 0);
	assert_told("0=DONE start 1 start 2");
	runs(1);
	runs(2);
	event(PRS_FLOW_DONE, 1);
	assert_told("1=DONE");
	event(PRS_FLOW_DONE, 2);
	assert_told("2=DONE start 3");
}

static void test_failure_stops_all(void **state)
{
	(void)state;
	make(diamond, 4, 4, false);
	event(PRS_FLOW_BEGIN, 0);
	runs(0);
	event(PRS_FLOW_DONE, 0);
	runs(1);
	event(PRS_FLOW_FAILED, 1); /* 2 is being begun */
	assert_told("1=FAILED 3=CANCELED");
	event(PRS_FLOW_BEGUN, 2);
	assert_told("2=RUNNING halt 2");
	event(PRS_FLOW_INTERRUPTED, 2);
	assert_told("2=CANCELED failed");

	prs_flow_free(f);
	f = NULL;
	make(diamond, 4, 4, false);
	prs_flow_restore(f, 0, PRS_STEP_DONE);
	prs_flow_restore(f, 1, PRS_STEP_FAILED);
	prs_flow_restore(f, 2, PRS_STEP_CANCELED);
	prs_flow_restore(f, 3, PRS_STEP_CANCELED);
	prs_flow_retry(f);
	event(PRS_FLOW_BEGIN, 0);
	assert_told("1=WAITING 2=WAITING 3=WAITING 1=READY 2=READY start 1 start 2");
}

static void test_failure_skips_users(void **state)
{
	(void)state;
	const struct prs_flow_item items[] = { { .cores = 1, NEEDS(2) },
		                               { .cores = 1 },
		                               { .cores = 1 },
		                               { .cores = 1, NEEDS(0) } };
	make(items, 4, 8, true);
	event(PRS_FLOW_BEGIN, 0);
	assert_told("1=READY 2=READY start 1 start 2");
	runs(1);
	runs(2);
	event(PRS_FLOW_FAILED, 2);
	assert_told("2=FAILED 0=SKIPPED 3=SKIPPED");
	event(PRS_FLOW_DONE, 1);
	assert_told("1=DONE failed");
}

static void test_stop_and_resume(void **state)
{
	(void)state;
	make(diamond, 4, 4, false);
	event(PRS_FLOW_BEGIN, 0);
	runs(0);
	event(PRS_FLOW_DONE, 0);
	runs(1);
	runs(2);
	event(PRS_FLOW_STOP, 0);
	assert_told("halt 1 halt 2");
	event(PRS_FLOW_STOP, 0);
	assert_told("");
	event(PRS_FLOW_INTERRUPTED, 1);
	assert_told("");
	event(PRS_FLOW_DONE, 2);
	assert_told("2=DONE to be resumed");

	make(diamond, 4, 4, false);
	prs_flow_restore(f, 0, PRS_STEP_DONE);
	prs_flow_restore(f, 1, PRS_STEP_RUNNING);
	prs_flow_restore(f, 2, PRS_STEP_DONE);
	event(PRS_FLOW_BEGIN, 0);
	assert_told("1=READY start 1");
}

/* An engine of a step was killed, or its disk is full: nobody stopped it. */
static void test_interrupted_by_itself(void **state)
{
	(void)state;
	make(diamond, 4, 4, true);
	event(PRS_FLOW_BEGIN, 0);
	runs(0);
	event(PRS_FLOW_DONE, 0);
	runs(1);
	runs(2);
	event(PRS_FLOW_INTERRUPTED, 1);
	assert_told("halt 2");
	event(PRS_FLOW_INTERRUPTED, 2);
	assert_told("to be resumed");
}

static void test_cancel(void **state)
{
	(void)state;
	make(diamond, 4, 4, false);
	event(PRS_FLOW_BEGIN, 0);
	runs(0);
	event(PRS_FLOW_STOP, 0);
	assert_told("halt 0");
	event(PRS_FLOW_CANCEL, 0);
	assert_told("1=CANCELED 2=CANCELED 3=CANCELED");
	event(PRS_FLOW_INTERRUPTED, 0);
	assert_told("0=CANCELED canceled");
}

/* What was to be resumed is not, when another step fails while the pipeline stops. */
static void test_failure_while_it_stops(void **state)
{
	(void)state;
	make(diamond, 4, 4, false);
	event(PRS_FLOW_BEGIN, 0);
	runs(0);
	event(PRS_FLOW_DONE, 0);
	runs(1);
	runs(2);
	event(PRS_FLOW_STOP, 0);
	event(PRS_FLOW_INTERRUPTED, 1);
	assert_told("halt 1 halt 2");
	event(PRS_FLOW_FAILED, 2);
	assert_told("2=FAILED 1=CANCELED 3=CANCELED failed");
}

/* The life before died between a failure and what follows of it. */
static void test_failure_whose_consequences_are_missing(void **state)
{
	(void)state;
	make(diamond, 4, 4, false);
	prs_flow_restore(f, 0, PRS_STEP_DONE);
	prs_flow_restore(f, 1, PRS_STEP_FAILED);
	prs_flow_restore(f, 2, PRS_STEP_RUNNING);
	event(PRS_FLOW_BEGIN, 0);
	assert_told("2=READY 2=CANCELED 3=CANCELED failed");
	make(diamond, 4, 4, true);
	prs_flow_restore(f, 0, PRS_STEP_DONE);
	prs_flow_restore(f, 1, PRS_STEP_FAILED);
	prs_flow_restore(f, 2, PRS_STEP_RUNNING);
	event(PRS_FLOW_BEGIN, 0);
	assert_told("2=READY 3=SKIPPED start 2");
}

/* What belongs to no started step is ignored. */
static void test_strangers(void **state)
{
	(void)state;
	make(diamond, 4, 4, false);
	event(PRS_FLOW_BEGIN, 0);
	told_n = 0;
	event(PRS_FLOW_DONE, 3);
	event(PRS_FLOW_FAILED, 1);
	event(PRS_FLOW_INTERRUPTED, 2);
	event(PRS_FLOW_BEGUN, 2);
	assert_told("");
}

static void test_refused(void **state)
{
	(void)state;
	const struct prs_flow_item itself[] = { { NEEDS(0) } },
				   ring[] = { { .cores = 1 }, { NEEDS(2) }, { NEEDS(0, 1) } },
				   nobody[] = { { NEEDS(1) } };
	struct prs_err err = { 0 };
	assert_int_equal(prs_flow_new(&f, itself, 1, 1, false, &err), -PRS_EINVALID);
	assert_int_equal(prs_flow_new(&f, ring, 3, 1, false, &err), -PRS_EINVALID);
	assert_string_equal(err.msg, "step 1 needs itself, or a step that does");
	assert_int_equal(prs_flow_new(&f, nobody, 1, 1, false, &err), -PRS_EINVALID);
	assert_null(f);
	for (long n = 1; n <= 6; n++) {
		prs_mem_fault(n);
		assert_int_equal(prs_flow_new(&f, diamond, 4, 1, false, &err), -PRS_ENOMEM);
		assert_null(f);
	}
	prs_mem_fault(0);
	make(NULL, 0, 0, false);
	event(PRS_FLOW_BEGIN, 0);
	assert_told("completed");
}

/* ---- random graphs ----------------------------------------------------------------------------------------------- */

/* A pipeline of a seed, its journal, and what runs. */
struct world {
	uint64_t random;
	struct prs_flow_item items[STEPS_MAX];
	uint32_t needs[STEPS_MAX][STEPS_MAX];
	uint32_t n, budget, lives, events;
	bool continues, canceled;
	enum prs_step_state journal[STEPS_MAX]; /* survives a kill */
	unsigned began[STEPS_MAX];              /* how often since it was done last */
	bool asked[STEPS_MAX], runs[STEPS_MAX], halted[STEPS_MAX];
	bool winding; /* a stop, a cancel or a failure that stops all: nothing may start */
	bool ended;
	enum prs_flow_end end;
};

static uint32_t dice(struct world *w, uint32_t sides)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (uint32_t)(w->random >> 33) % sides;
}

/* Edges only along a random order, which is not that of the file. */
static void random_graph(struct world *w)
{
	uint32_t order[STEPS_MAX];
	w->n = 1 + dice(w, STEPS_MAX);
	w->budget = 1 + dice(w, 8);
	w->continues = dice(w, 2);
	for (uint32_t i = 0; i < w->n; i++) {
		uint32_t k = dice(w, i + 1);
		order[i] = order[k];
		order[k] = i;
	}
	for (uint32_t i = 0; i < w->n; i++) {
		struct prs_flow_item *it = &w->items[order[i]];
		it->cores = dice(w, 10);
		it->needs = w->needs[order[i]];
		for (uint32_t k = 0; k < i && it->needs_n < 5; k++)
			if (!dice(w, 1 + w->n / 3))
				w->needs[order[i]][it->needs_n++] = order[k];
	}
}

#define RULE(what, ...)                                    \
	do {                                               \
		if (!(what)) {                             \
			tell("\nVIOLATION: " __VA_ARGS__); \
			return false;                      \
		}                                          \
	} while (0)

static uint32_t cost(const struct world *w, uint32_t i)
{
	uint32_t c = w->items[i].cores;
	return !c || c > w->budget ? w->budget : c;
}

static bool check_start(struct world *w, uint32_t i)
{
	uint32_t used = 0;
	RULE(!w->winding, "step %u starts after a stop", i);
	RULE(w->journal[i] == PRS_STEP_READY && !w->asked[i] && !w->runs[i], "step %u starts in state %s", i,
	     prs_state_name(PRS_MACHINE_STEP, (int)w->journal[i]));
	for (uint32_t k = 0; k < w->items[i].needs_n; k++) {
		enum prs_step_state s = w->journal[w->items[i].needs[k]];
		RULE(s == PRS_STEP_DONE || s == PRS_STEP_REUSED, "step %u starts before %u is done", i,
		     w->items[i].needs[k]);
	}
	for (uint32_t k = 0; k < w->n; k++) {
		if (w->asked[k] || w->runs[k])
			used += cost(w, k);
		else if (k < i)
			RULE(w->journal[k] != PRS_STEP_READY, "step %u passes %u", i, k);
	}
	RULE(used + cost(w, i) <= w->budget, "step %u starts with %u of %u cores in use", i, used, w->budget);
	w->asked[i] = true;
	return true;
}

static bool check_state(struct world *w, const struct prs_flow_effect *e)
{
	RULE(w->journal[e->step] == e->from, "step %u was not %s", e->step,
	     prs_state_name(PRS_MACHINE_STEP, (int)e->from));
	RULE(e->from != PRS_STEP_DONE && e->from != PRS_STEP_REUSED, "step %u was done", e->step);
	w->journal[e->step] = e->to;
	if (e->to == PRS_STEP_FAILED && !w->continues)
		w->winding = true;
	if (e->to != PRS_STEP_SKIPPED)
		return true;
	RULE(w->continues, "step %u is skipped where all stop", e->step);
	for (uint32_t k = 0; k < w->items[e->step].needs_n; k++) {
		enum prs_step_state s = w->journal[w->items[e->step].needs[k]];
		if (s == PRS_STEP_FAILED || s == PRS_STEP_SKIPPED || s == PRS_STEP_CANCELED)
			return true;
	}
	RULE(false, "step %u is skipped for nothing", e->step);
}

static bool check_end(struct world *w, enum prs_flow_end end)
{
	uint32_t counts[PRS_STEP_STATES] = { 0 };
	RULE(!w->ended, "ends twice");
	for (uint32_t i = 0; i < w->n; i++) {
		RULE(!w->asked[i] && !w->runs[i], "ends while step %u runs", i);
		counts[w->journal[i]]++;
	}
	uint32_t open = counts[PRS_STEP_WAITING] + counts[PRS_STEP_READY] + counts[PRS_STEP_RUNNING];
	uint32_t good = counts[PRS_STEP_DONE] + counts[PRS_STEP_REUSED];
	w->ended = true;
	w->end = end;
	switch (end) {
	case PRS_FLOW_COMPLETED: RULE(good == w->n, "completed with %u of %u steps", good, w->n); break;
	case PRS_FLOW_HAS_FAILED:
		RULE(!open, "failed with %u open steps", open);
		RULE(counts[PRS_STEP_FAILED] || counts[PRS_STEP_CANCELED], "failed without a failure");
		break;
	case PRS_FLOW_IS_CANCELED: RULE(w->canceled && !open, "canceled with %u open steps", open); break;
	case PRS_FLOW_CAN_RESUME: RULE(w->winding, "to be resumed, but nobody stopped it"); break;
	}
	return true;
}

static bool play(struct world *w, enum prs_flow_event_type type, uint32_t step)
{
	static const char *const names[] = { "begin",  "begun",       "reused", "done",
		                             "failed", "interrupted", "stop",   "cancel" };
	uint32_t n;
	tell("\n%s %u:", names[type], step);
	w->events++;
	const struct prs_flow_effect *e = prs_flow_step(f, &(struct prs_flow_event){ type, step }, &n);
	for (uint32_t i = 0; i < n; i++) {
		tell_effect(&e[i]);
		if (e[i].type == PRS_FLOW_START && !check_start(w, e[i].step))
			return false;
		if (e[i].type == PRS_FLOW_STATE && !check_state(w, &e[i]))
			return false;
		if (e[i].type == PRS_FLOW_HALT) {
			RULE(w->runs[e[i].step] && !w->halted[e[i].step] && w->winding, "halt of %u", e[i].step);
			w->halted[e[i].step] = true;
		}
		if (e[i].type == PRS_FLOW_END && !check_end(w, e[i].end))
			return false;
	}
	for (uint32_t i = 0; i < w->n; i++) {
		RULE(prs_flow_state(f, i) == w->journal[i], "state of %u", i);
		RULE(!w->winding || !w->runs[i] || w->halted[i], "step %u runs on after a stop", i);
	}
	return true;
}

/* The caller of a flow: what was asked is answered, what runs ends, somebody stops or cancels. */
static bool next_event(struct world *w)
{
	uint32_t i = dice(w, w->n), luck = dice(w, 100);
	if (luck == 0) {
		w->winding = true;
		return play(w, PRS_FLOW_STOP, 0);
	}
	if (luck == 1 && !dice(w, 4)) {
		w->winding = w->canceled = true;
		return play(w, PRS_FLOW_CANCEL, 0);
	}
	for (uint32_t k = 0; k < w->n; k++, i = (i + 1) % w->n) {
		if (w->asked[i]) {
			w->asked[i] = false;
			if (luck < 10)
				return play(w, PRS_FLOW_REUSED, i);
			if (luck < 13)
				return play(w, PRS_FLOW_FAILED, i);
			if (luck < 14) {
				w->winding = true;
				return play(w, PRS_FLOW_INTERRUPTED, i);
			}
			w->runs[i] = true;
			w->began[i]++;
			return play(w, PRS_FLOW_BEGUN, i);
		}
		if (w->runs[i]) {
			bool halted = w->halted[i];
			w->runs[i] = w->halted[i] = false;
			if (luck < 8)
				return play(w, PRS_FLOW_FAILED, i);
			if (luck < (halted ? 80 : 10)) {
				w->winding = true;
				return play(w, PRS_FLOW_INTERRUPTED, i);
			}
			return play(w, PRS_FLOW_DONE, i);
		}
	}
	RULE(false, "nothing runs, and it does not end");
}

/* A life: a flow over what the journal has; ends, or is killed. */
static bool live(struct world *w, bool retry)
{
	struct prs_err err = { 0 };
	prs_flow_free(f);
	assert_int_equal(prs_flow_new(&f, w->items, w->n, w->budget, w->continues, &err), 0);
	bool failed = false;
	w->ended = w->winding = w->canceled = false;
	memset(w->asked, 0, sizeof w->asked);
	memset(w->runs, 0, sizeof w->runs);
	memset(w->halted, 0, sizeof w->halted);
	for (uint32_t i = 0; i < w->n; i++) {
		prs_flow_restore(f, i, w->journal[i]);
		failed |= w->journal[i] >= PRS_STEP_FAILED;
	}
	tell("\n-- life%s", retry ? ", retry" : "");
	w->lives++;
	if (retry)
		prs_flow_retry(f);
	else
		w->winding = failed && !w->continues;
	uint32_t left = dice(w, 3) ? UINT32_MAX : dice(w, 2 * w->n);
	if (!play(w, PRS_FLOW_BEGIN, 0))
		return false;
	while (!w->ended && left--)
		if (!next_event(w))
			return false;
	return true;
}

/* Resumed until all is done: retry where the last life failed or was canceled. */
static bool play_seed(uint64_t seed, struct world *w)
{
	*w = (struct world){ .random = seed * 0x9e3779b97f4a7c15u + 1 };
	told_n = 0;
	random_graph(w);
	for (unsigned life = 0; life < 1000; life++) {
		bool retry = w->ended && (w->end == PRS_FLOW_HAS_FAILED || w->end == PRS_FLOW_IS_CANCELED);
		if (told_n > TOLD_BYTES / 2)
			told_n = 0;
		if (!live(w, retry))
			return false;
		if (w->ended && w->end == PRS_FLOW_COMPLETED)
			return true;
	}
	RULE(false, "never completed");
}

static void test_seeds(void **state)
{
	(void)state;
	const char *wanted = getenv("PRS_SEEDS");
	uint64_t first = 1, count = getenv("PRS_TORTURE") ? 1000000 : 10000, lives = 0, events = 0;
	static struct world w;
	if (wanted && sscanf(wanted, "%lu:%lu", &first, &count) < 2)
		count = 1;
	for (uint64_t seed = first; seed < first + count; seed++) {
		bool good = play_seed(seed, &w);
		lives += w.lives;
		events += w.events;
		if (!good || count == 1)
			fprintf(stderr, "%s\n", told);
		if (!good)
			fail_msg("seed %lu", seed);
	}
	print_message("%lu seeds, %lu lives, %lu events\n", count, lives, events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_diamond, teardown),
		cmocka_unit_test_teardown(test_budget, teardown),
		cmocka_unit_test_teardown(test_failure_stops_all, teardown),
		cmocka_unit_test_teardown(test_failure_skips_users, teardown),
		cmocka_unit_test_teardown(test_stop_and_resume, teardown),
		cmocka_unit_test_teardown(test_interrupted_by_itself, teardown),
		cmocka_unit_test_teardown(test_cancel, teardown),
		cmocka_unit_test_teardown(test_failure_while_it_stops, teardown),
		cmocka_unit_test_teardown(test_failure_whose_consequences_are_missing, teardown),
		cmocka_unit_test_teardown(test_strangers, teardown),
		cmocka_unit_test_teardown(test_refused, teardown),
		cmocka_unit_test_teardown(test_seeds, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
