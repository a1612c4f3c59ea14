/* SPDX-License-Identifier: Apache-2.0
 * test_states: every pair of states of unit, worker, job and step: legal or not; docs/states.md is what the table says.
 */
#include "wire/states.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../tools/states_md.h"

/* A row a state, a column a state to go to, in the order of the enums: x = legal. */
static const char *const unit[PRS_UNIT_STATES] = {
	/*            PLWDFS */
	/* PLANNED */ ".x....",
	/* LEASED  */ "x.xxxx",
	/* REPEAT */ ".x..xx",
	/* DONE    */ "x.....",
	/* FAILED  */ "x.....",
	/* SPLIT   */ "x..xx.",
};
static const char *const worker[PRS_WORKER_STATES] = {
	/*             NSIIBSTKD */
	/* NONE     */ ".x.......",
	/* STARTING */ "..x..xxxx",
	/* INIT     */ "...x.xxxx",
	/* IDLE     */ "....xxxxx",
	/* BUSY     */ "...x.xxxx",
	/* STOPPING */ "......xxx",
	/* TERM     */ ".......xx",
	/* KILL     */ "........x",
	/* DEAD     */ "x........",
};
static const char *const job[PRS_JOB_STATES] = {
	/*                SRACAFDIC */
	/* STARTING    */ ".x..x.x..",
	/* RUNNING     */ "..xxx.x..",
	/* ASSEMBLING  */ ".x.xx.x..",
	/* COMPLETED   */ ".........",
	/* ABORTING    */ ".....x...",
	/* FAILED      */ ".x.......",
	/* DRAINING    */ ".......xx",
	/* INTERRUPTED */ ".x.......",
	/* CANCELED    */ ".........",
};
static const char *const step[PRS_STEP_STATES] = {
	/*             WRRDRFSC */
	/* WAITING  */ ".x....xx",
	/* READY    */ "..x.xx.x",
	/* RUNNING  */ ".x.x.x.x",
	/* DONE     */ "........",
	/* REUSED   */ "........",
	/* FAILED   */ "x.......",
	/* SKIPPED  */ "x.......",
	/* CANCELED */ "x.......",
};
static const struct {
	const char *const *rows;
	int n;
	const char *names;
} machines[] = {
	[PRS_MACHINE_UNIT] = { unit, PRS_UNIT_STATES, "PLANNED LEASED REPEAT DONE FAILED SPLIT" },
	[PRS_MACHINE_WORKER] = { worker, PRS_WORKER_STATES, "NONE STARTING INIT IDLE BUSY STOPPING TERM KILL DEAD" },
	[PRS_MACHINE_JOB] = { job, PRS_JOB_STATES,
	                      "STARTING RUNNING ASSEMBLING COMPLETED ABORTING FAILED DRAINING INTERRUPTED CANCELED" },
	[PRS_MACHINE_STEP] = { step, PRS_STEP_STATES, "WAITING READY RUNNING DONE REUSED FAILED SKIPPED CANCELED" },
};

static void test_every_pair(void **state)
{
	(void)state;
	for (int m = 0; m < PRS_MACHINES; m++)
		for (int from = -1; from <= machines[m].n; from++)
			for (int to = -1; to <= machines[m].n; to++) {
				bool inside = from >= 0 && from < machines[m].n && to >= 0 && to < machines[m].n;
				bool want = inside && machines[m].rows[from][to] == 'x';
				if (prs_arc_legal((enum prs_machine)m, from, to) != want) {
					fprintf(stderr, "machine %d: %s -> %s should be %s\n", m,
					        prs_state_name((enum prs_machine)m, from),
					        prs_state_name((enum prs_machine)m, to), want ? "legal" : "illegal");
					fail();
				}
			}
}

static void test_arcs_are_listed_once(void **state)
{
	(void)state;
	unsigned want = 0, n = 0;
	for (int m = 0; m < PRS_MACHINES; m++)
		for (int i = 0; i < machines[m].n; i++)
			for (const char *p = machines[m].rows[i]; *p; p++)
				want += *p == 'x';
	for (const struct prs_arc *a; (a = prs_arc_at(n)); n++) {
		assert_true(prs_arc_legal(a->machine, a->from, a->to));
		assert_true(a->event[0]);
	}
	assert_int_equal(n, want);
	assert_null(prs_arc_at(n + 100));
}

static void test_names(void **state)
{
	(void)state;
	for (int m = 0; m < PRS_MACHINES; m++) {
		char all[256] = "";
		for (int i = 0; i < machines[m].n; i++) {
			if (i)
				strcat(all, " ");
			strcat(all, prs_state_name((enum prs_machine)m, i));
		}
		assert_string_equal(all, machines[m].names);
		assert_string_equal(prs_state_name((enum prs_machine)m, machines[m].n), "?");
		assert_string_equal(prs_state_name((enum prs_machine)m, -1), "?");
		assert_string_equal(prs_state_name((enum prs_machine)m, 1000), "?");
	}
}

static void test_docs_do_not_drift(void **state)
{
	(void)state;
	PRS_AUTOBUF want;
	prs_buf_init(&want, 1 << 20);
	states_markdown(&want);
	FILE *f = fopen(PRS_SOURCE_ROOT "/docs/states.md", "r");
	assert_non_null(f);
	char *have = calloc(1, want.len + 2);
	size_t n = fread(have, 1, want.len + 1, f);
	fclose(f);
	if (n != want.len || memcmp(have, want.data, n) != 0)
		fail_msg("docs/states.md is not what src/wire/states.def says: ./dev docs");
	free(have);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_arcs_are_listed_once),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_docs_do_not_drift),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
