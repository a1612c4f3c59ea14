/* SPDX-License-Identifier: Apache-2.0
 * test_sim: many seeds, races around the timeout, and a dozen stories that are told word for word.
 *
 * PRS_SEEDS=first:count plays other seeds; one alone is told in full. A violation prints its seed and what happened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim.h"

#include <stdlib.h>

static char told[1 << 22];

/* ---- seeds ------------------------------------------------------------------------------------------------------- */

/* Play the plan again and tell what happened. */
static void tell(struct sim_plan *plan)
{
	struct text t = { told, 0, sizeof told };
	plan->transcript = &t;
	sim_run(plan);
	fputs(told, stderr);
}

static void test_seeds(void **state)
{
	(void)state;
	const char *wanted = getenv("PRS_SEEDS");
	uint64_t first = 1, count = getenv("PRS_TORTURE") ? 2000000 : 10000, ends[PRS_JOB_STATES] = { 0 }, steps = 0,
		 lives = 0, tries = 0, splits = 0;
	static struct sim_dice dice;
	if (wanted && sscanf(wanted, "%lu:%lu", &first, &count) < 2)
		count = 1;
	for (uint64_t seed = first; seed < first + count; seed++) {
		sim_random(seed, &dice);
		struct sim_result r = sim_run(&dice.plan);
		ends[r.state]++;
		steps += r.steps;
		lives += r.lives;
		tries += r.tries_failed;
		splits += r.splits;
		if (!r.violation[0] && count > 1)
			continue;
		sim_random(seed, &dice);
		tell(&dice.plan);
		if (r.violation[0])
			fail_msg("seed %lu: %s", seed, r.violation);
	}
	print_message("%lu seeds, %lu steps, %lu lives, %lu failed tries, %lu split: %lu completed, %lu failed, %lu "
	              "interrupted\n",
	              count, steps, lives, tries, splits, ends[PRS_JOB_COMPLETED], ends[PRS_JOB_FAILED],
	              ends[PRS_JOB_INTERRUPTED]);
}

/* ---- plans by hand ----------------------------------------------------------------------------------------------- */

/* What the script does: the first line that fits; a mini-batch that is not named takes 100 ms. */
struct line {
	int id;         /* -1 = any */
	int try_number; /* 0 = any */
	struct sim_act act;
	int item; /* whose doing it is, from 1 on; 0 = whatever the mini-batch holds */
};

static bool covers(const struct prs_unit *u, int item)
{
	return !item || !u->item_count ||
	       ((uint32_t)item > u->item_first && (uint32_t)item <= u->item_first + u->item_count);
}

struct story {
	const struct line *lines;
	struct sim_act usual;
	struct sim_process process;
	int bad_slot; /* whose processes are `bad`; -1 = none */
	struct sim_process bad;
	int bad_node;     /* all of whose processes are `bad`; 0 = none */
	bool other_words; /* an init() that fails says something else each time */
};

static struct sim_act run(void *ctx, const struct prs_unit *u, uint16_t try_number, uint16_t node, uint16_t slot)
{
	const struct story *s = ctx;
	uint64_t id = u->id;
	(void)node;
	(void)slot;
	for (const struct line *l = s->lines; l && (l->id || l->try_number || l->act.end || l->act.run_us); l++)
		if (covers(u, l->item) && (l->id < 0 || (uint64_t)l->id == id) &&
		    (!l->try_number || l->try_number == try_number))
			return l->act;
	return s->usual;
}

static struct sim_process process(void *ctx, uint16_t node, uint16_t slot, uint32_t starts)
{
	const struct story *s = ctx;
	struct sim_process p = slot == s->bad_slot || (node && node == s->bad_node) ? s->bad : s->process;
	p.same = s->other_words ? starts + 1 : p.same;
	return p;
}

static struct story story_of(const struct line *lines)
{
	return (struct story){ .lines = lines,
		               .usual = { .run_us = 100 * MS, .succeeded = SIM_ITEMS },
		               .process = { .init_us = 1 * SEC },
		               .bad_slot = -1 };
}

static struct sim_plan plan_of(struct story *s)
{
	return (struct sim_plan){ .nodes = 1,
		                  .slots = 2,
		                  .grace_us = 20 * SEC,
		                  .run = run,
		                  .process = process,
		                  .ctx = s,
		                  .terse = true,
		                  .limits = { .run_max_try = 3,
		                              .error_threshold = -1,
		                              .allowed_failed_count = -1,
		                              .allowed_failed_percent = 100,
		                              .progress_timeout_us = 270 * SEC,
		                              .first_task_timeout_us = 600 * SEC,
		                              .gap_us = 2 * SEC },
		                  .pool = { .run_timeout_us = 60 * SEC,
		                            .overhead_timeout_us = 30 * SEC,
		                            .init_timeout_us = 300 * SEC,
		                            .term_grace_us = 2 * SEC,
		                            .backoff_first_us = 100 * MS,
		                            .backoff_max_us = 10 * SEC,
		                            .start_backoff_us = 1 * SEC,
		                            .start_tries = 5,
		                            .init_tries = 3,
		                            .depth_target_us = 2 * MS,
		                            .depth_max = 32,
		                            .body_bytes_max = 64 << 20,
		                            .recall_after_us = 20 * MS,
		                            .gap_us = 2 * SEC,
		                            .look_us = 500 * MS } };
}

static void add(struct sim_plan *p, uint64_t at_us, enum sim_what what, uint16_t node, uint16_t slot, uint64_t arg)
{
	p->happenings[p->happenings_n++] = (struct sim_happening){ at_us, what, node, slot, arg };
}

static struct sim_result told_as(struct sim_plan *p, const char *want)
{
	struct text t = { told, 0, sizeof told };
	told[0] = 0;
	p->transcript = &t;
	struct sim_result r = sim_run(p);
	if (r.violation[0] || strcmp(told, want)) {
		fprintf(stderr, "expected:\n%s\ngot:\n%s\n", want, told);
		fail_msg("told otherwise");
	}
	return r;
}

#include "stories.h"

/* ---- depth ------------------------------------------------------------------------------------------------------- */

/* 32 units are queued at one process, the 17th is bad: those before it count once, only it is charged, those behind it
 * run elsewhere, free. */
static void deep(enum sim_end end, struct sim_result *r)
{
	const struct line lines[] = { { 18, 1, { end, .run_us = 10 } }, { 0 } };
	struct story s = story_of(lines);
	s.usual.run_us = 10;
	s.bad_slot = 1; /* comes later, so that all lie at process0; then it is there */
	s.bad = (struct sim_process){ .init_us = SEC + 100 };
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 1 + 32);
	*r = sim_run(&p);
	if (r->violation[0])
		fail_msg("%s", r->violation);
	assert_int_equal(r->state, PRS_JOB_COMPLETED);
	assert_int_equal(r->done, 33);
	for (uint64_t id = 0; id < 33; id++) {
		assert_int_equal(r->unit_state[id], PRS_UNIT_DONE);
		assert_int_equal(r->tries[id], id == 18);
		assert_int_equal(r->runs[id], id == 18 ? 2 : 1);
		assert_int_equal(r->ran_on[id], id < 18 ? 0 : 1); /* the retry of 18 too */
	}
	assert_int_equal(r->tries_failed, 1);
}

static void test_depth_crash(void **state)
{
	(void)state;
	struct sim_result r;
	deep(SIM_CRASHES, &r);
	assert_true(r.end_us < 10 * SEC);
}

static void test_depth_hang(void **state)
{
	(void)state;
	struct sim_result r;
	deep(SIM_HANGS, &r);
	assert_true(r.end_us > 60 * SEC &&
	            r.end_us < 70 * SEC); /* 18 alone waited for its limit; the others were called back after 20 ms */
}

/* ---- races ------------------------------------------------------------------------------------------------------- */

/* Runs that end just before, at and just after their limit of 1 s, with frames, ticks, signals and syncs that are a
 * little late. */
static void test_races(void **state)
{
	(void)state;
	uint64_t done = 0, failed = 0, dropped = 0, retried = 0;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		uint64_t dice = seed;
		struct line lines[9] = { 0 };
		for (int i = 0; i < 8; i++)
			lines[i] = (struct line){ i,
				                  0,
				                  { SIM_OK, .run_us = SEC - 3000 + sim_below(&dice, 6001),
				                    .write_us = sim_below(&dice, 2) ? 0 : sim_below(&dice, 2000),
				                    .succeeded = SIM_ITEMS } };
		struct story s = story_of(lines);
		s.process.init_us = 10 * MS;
		s.process.ignores_term = sim_below(&dice, 4) == 0;
		struct sim_plan p = plan_of(&s);
		p.seed = seed;
		p.slots = (uint16_t)(1 + sim_below(&dice, 2));
		p.frame_us = sim_below(&dice, 3) * 1000;
		p.sync_us = sim_below(&dice, 3) * 1000;
		p.link_us = sim_below(&dice, 3) * 1000;
		p.remote = sim_below(&dice, 2);
		p.pool.run_timeout_us = SEC;
		p.limits.run_max_try = (uint32_t)(1 + sim_below(&dice, 2));
		add(&p, 0, SIM_PLAN, 0, 0, 8);
		struct sim_result r = sim_run(&p);
		if (r.violation[0]) {
			tell(&p);
			fail_msg("race %lu: %s", seed, r.violation);
		}
		assert_int_equal(r.done + r.failed, 8);
		for (int i = 0; i < 8; i++) {
			bool is_done = r.unit_state[i] == PRS_UNIT_DONE;
			assert_true(is_done || r.unit_state[i] == PRS_UNIT_FAILED);
			assert_int_equal(r.runs[i],
			                 r.tries[i] + is_done); /* every run was judged once: as a try or as done */
			assert_true(is_done ? r.tries[i] < p.limits.run_max_try : r.tries[i] == p.limits.run_max_try);
			retried += is_done && r.tries[i];
		}
		done += r.done;
		failed += r.failed;
		dropped += r.dropped;
	}
	print_message("races: %lu done, %lu after another try, %lu failed, %lu answers too late\n", done, retried,
	              failed, dropped);
	assert_true(done > 1000 && failed > 1000 && dropped > 500 && retried > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		STORIES, T(test_depth_crash), T(test_depth_hang), T(test_races), T(test_seeds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
