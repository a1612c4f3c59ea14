/* SPDX-License-Identifier: Apache-2.0
 * test_pace: jobs as they went, second by second, and what was said of them on the way: the rate in items, the time
 * that is left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/pace.h"

#include <math.h>
#include <stdio.h>

enum { RETURNS = 24, LOOKS = 8, NONE = -1 };

/* Looked at every 200 ms, as the console does, and only when something happened, as the log does: both say the same. */
struct story {
	const char *name;
	uint32_t processes;
	uint64_t mini_batches, items;
	double first_init; /* s: a process is ready */
	struct {
		double from, every, until; /* s: mini-batches come back; every 0 = `many` of them at `from` */
		unsigned many;             /* each time */
	} returns[RETURNS];
	struct {
		double at, rate, left; /* s, items/s, s; NONE = not known */
	} looks[LOOKS];
};

static const struct story stories[] = {
	{ "six mini-batches of 35 s in two processes",
	  2,
	  6,
	  6,
	  0,
	  { { 35, 35, 105, 2 } },
	  { { 20, 0, NONE },
	    { 36, 2 / 35.0, 69 },
	    { 60, 2 / 35.0, 45 },
	    { 71, 2 / 35.0, 34 },
	    { 100, 2 / 35.0, 5 },
	    { 106, 2 / 35.0, NONE } } },
	{ "five: one is last", 2, 5, 5, 0, { { 35, 35, 70, 2 }, { 105, 0, 0, 1 } }, { { 71, 2 / 35.0, 34 } } },
	{ "ten items each", 2, 6, 60, 0, { { 35, 35, 105, 2 } }, { { 71, 20 / 35.0, 34 }, { 100, 20 / 35.0, 5 } } },
	{ "a model that takes a minute to load",
	  2,
	  100,
	  1000,
	  60,
	  { { 61, 1, 110, 2 } },
	  { { 50, 0, NONE }, { 62, 20, 48 }, { 90, 20, 20 } } },
	{ "one after the other, shifted",
	  4,
	  20,
	  20,
	  0,
	  { { 15, 15, 300, 1 } },
	  { { 120, 1 / 15.0, 180 }, { 240, 1 / 15.0, 60 }, { 299, 1 / 15.0, 1 } } },
	{ "the first of eight is back, then all",
	  8,
	  80,
	  80,
	  0,
	  { { 30, 0, 0, 1 }, { 31, 0, 0, 7 } },
	  { { 30, 8 / 30.0, 296 }, { 31, 8 / 31.0, 279 } } },
	{ "more processes than mini-batches", 16, 6, 6, 0, { { 30, 0, 0, 5 } }, { { 30.2, 6 / 30.2, NONE } } },
	{ "the last one does not come back",
	  2,
	  10,
	  10,
	  0,
	  { { 10, 10, 40, 2 }, { 50, 0, 0, 1 } },
	  { { 41, 0.2, 9 }, { 52, 9 / 50.0, NONE }, { 200, 10 / 200.0, NONE } } },
	{ "it becomes slower",
	  1,
	  1000,
	  1000,
	  0,
	  { { 0.5, 0.5, 50, 1 }, { 55, 5, 200, 1 } },
	  { { 49, 2, 451 }, { 200, 0.2, 4350 } } },
	{ "it stands still for an hour",
	  1,
	  1000,
	  1000,
	  0,
	  { { 1, 1, 100, 1 } },
	  { { 100, 1, 900 }, { 3700, 31 / 3630.0, 105290 } } },
	{ "very many, very short",
	  2,
	  4000000,
	  4000000,
	  0,
	  { { 0.2, 0.2, 100, 20000 } },
	  { { 20, 100000, 20 }, { 30.2, 100000, 9.8 } } },
	{ "nothing was there to do", 2, 0, 0, 0, { { 0 } }, { { 10, 0, NONE } } },
	{ "it never ends", 1, 100000000, 100000000, 0, { { 40, 0, 0, 1 } }, { { 40, 1 / 40.0, NONE } } },
};

/* Mini-batches that are back at that time. */
static uint64_t back(const struct story *s, double at)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < RETURNS && s->returns[i].many; i++) {
		double until = s->returns[i].every > 0 ? s->returns[i].until : s->returns[i].from;
		double last = at < until ? at : until;
		if (last < s->returns[i].from)
			continue;
		double step = s->returns[i].every > 0 ? s->returns[i].every : 1;
		n += s->returns[i].many * (uint64_t)(1 + floor((last - s->returns[i].from) / step + 1e-9));
	}
	return n < s->mini_batches ? n : s->mini_batches;
}

static bool looks_right(double have, double want, double most)
{
	return fabs(have - want) <= (fabs(want) * 0.02 > most ? fabs(want) * 0.02 : most);
}

static void look(const struct story *s, const struct prs_pace *p, unsigned i, uint64_t now_us, const char *how)
{
	struct prs_estimate e = prs_pace_estimate(p, now_us);
	double left = e.left_known ? (double)e.left_us / 1e6 : NONE;
	if (!looks_right(e.rate, s->looks[i].rate, 0.0005) || e.left_known != (s->looks[i].left >= 0) ||
	    !looks_right(left, s->looks[i].left, 0.5))
		fail_msg("%s, %s, at %g s: %g items/s, %g s left; expected %g items/s, %g s", s->name, how,
		         s->looks[i].at, e.rate, left, s->looks[i].rate, s->looks[i].left);
}

/* From 1,000 s on, as a clock has it. */
static void play(const struct story *s, bool each_tick, const char *how)
{
	const uint64_t start = 1000000000;
	struct prs_pace p;
	unsigned looked = 0;
	uint64_t before = UINT64_MAX;
	prs_pace_begin(&p, start, 0);
	for (unsigned tick = 0; looked < LOOKS && s->looks[looked].at > 0; tick++) {
		double at = tick * 0.2;
		uint64_t now = start + (uint64_t)(at * 1e6), n = back(s, at);
		bool ready = at + 1e-9 >= s->first_init;
		struct prs_pace_seen seen = { .now_us = now,
			                      .works = ready && s->mini_batches,
			                      .items = s->items,
			                      .items_final = s->mini_batches ? n * s->items / s->mini_batches : 0,
			                      .mini_batches = s->mini_batches,
			                      .processes = s->processes };
		if (each_tick || n != before || (ready && at < s->first_init + 0.2 - 1e-9))
			prs_pace_see(&p, &seen);
		before = n;
		for (; looked < LOOKS && s->looks[looked].at > 0 && s->looks[looked].at <= at + 1e-9; looked++)
			look(s, &p, looked, now, how);
	}
}

static void test_stories(void **context)
{
	(void)context;
	for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
		play(&stories[i], true, "each tick");
		play(&stories[i], false, "each change");
	}
}

/* A run that goes on counts its own life only. */
static void test_a_resumed_run(void **context)
{
	(void)context;
	struct prs_pace p;
	struct prs_pace_seen s = { 5000000, true, 1000, 900, 100, 2 };
	prs_pace_begin(&p, 0, 900);
	prs_pace_see(&p, &s);
	assert_true(prs_pace_estimate(&p, 6000000).rate == 0);
	s.now_us = 15000000;
	s.items_final = 920;
	prs_pace_see(&p, &s);
	struct prs_estimate e = prs_pace_estimate(&p, s.now_us);
	assert_true(fabs(e.rate - 2) < 1e-6 && e.left_known);
	assert_int_equal(e.left_us / 100000, 400);
	/* what failed runs again: it begins anew */
	s.now_us = 20000000;
	s.items_final = 800;
	prs_pace_see(&p, &s);
	assert_true(prs_pace_estimate(&p, s.now_us).rate == 0);
	assert_false(prs_pace_estimate(&p, s.now_us).left_known);
}

/* A clock that is set back, or asked for an earlier time. */
static void test_clocks(void **context)
{
	(void)context;
	struct prs_pace p;
	struct prs_pace_seen s = { 10000000, true, 100, 0, 100, 1 };
	prs_pace_begin(&p, 10000000, 0);
	prs_pace_see(&p, &s);
	s.now_us = 20000000;
	s.items_final = 10;
	prs_pace_see(&p, &s);
	s.now_us = 5000000;
	s.items_final = 20;
	prs_pace_see(&p, &s);
	struct prs_estimate e = prs_pace_estimate(&p, 1);
	assert_true(e.rate > 1.9 && e.rate < 2.1 && e.left_known);
	assert_int_equal((e.left_us + 50000) / 100000, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_a_resumed_run),
		cmocka_unit_test(test_clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
