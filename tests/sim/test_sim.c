/* SPDX-License-Identifier: Apache-2.0
 * test_sim: many seeds, a few stories. PRS_SEEDS=first:count: other seeds; with count 1 the run is told in full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim.h"

#include <stdlib.h>

static char told[1 << 22];

/* ---- seeds ------------------------------------------------------------------------------------------------------------ */

/* Play the seed again and tell what happened. */
static void tell_seed(uint64_t seed, bool terse)
{
	static struct sim_dice dice;
	struct text t = { told, 0, sizeof told };
	sim_random(seed, &dice);
	dice.plan.transcript = &t;
	dice.plan.terse = terse;
	sim_run(&dice.plan);
	fputs(told, stderr);
}

static void test_seeds(void **state)
{
	(void)state;
	const char *wanted = getenv("PRS_SEEDS");
	uint64_t first = 1, count = getenv("PRS_TORTURE") ? 2000000 : 10000, ends[PRS_JOB_STATES] = { 0 }, steps = 0, lives = 0, tries = 0;
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
		if (!r.violation[0] && count > 1)
			continue;
		tell_seed(seed, false);
		if (r.violation[0])
			fail_msg("seed %lu: %s", seed, r.violation);
	}
	print_message("%lu seeds, %lu steps, %lu lives, %lu failed tries: %lu completed, %lu failed, %lu interrupted\n", count, steps, lives, tries,
	              ends[PRS_JOB_COMPLETED], ends[PRS_JOB_FAILED], ends[PRS_JOB_INTERRUPTED]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_seeds) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
