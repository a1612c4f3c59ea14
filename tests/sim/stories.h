/* SPDX-License-Identifier: Apache-2.0
 * stories: what happens, told line by line (seconds since the engine was started).
 */

static void test_story_crash(void **state)
{
	(void)state;
	const struct line lines[] = { { 1, 0, { SIM_CRASHES, .run_us = 50 * MS } }, { 0 } };
	struct story s = story_of(lines);
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 4);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 4 mini-batches are planned, these are all\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "    1.050000 n0 process1: u1 fails try 1: RUN_CRASH\n"
	                                  "    1.150000 n0 process0: u1 fails try 2: RUN_CRASH\n"
	                                  "    2.100000 n0 process1: u1 fails try 3: RUN_CRASH\n"
	                                  "    2.100000 u1 has failed\n"
	                                  "    2.350000 job: ASSEMBLING\n"
	                                  "    2.350000 job: COMPLETED\n");
	assert_int_equal(r.done, 3);
	assert_int_equal(r.tries[1], 3);
}

/* init() is called again in the process that replaces one that hung; SIGTERM is ignored, SIGKILL is not. */
static void test_story_hang(void **state)
{
	(void)state;
	const struct line lines[] = { { 0, 1, { SIM_HANGS, 0 } }, { 0 } };
	struct story s = story_of(lines);
	s.process.ignores_term = true;
	struct sim_plan p = plan_of(&s);
	p.slots = 1;
	add(&p, 0, SIM_PLAN, 0, 0, 2);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 2 mini-batches are planned, these are all\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "   61.000000 n0 process0: u0 fails try 1: RUN_TIMEOUT\n"
	                                  "   64.200000 job: ASSEMBLING\n"
	                                  "   64.200000 job: COMPLETED\n");
	assert_int_equal(r.done, 2);
}

static void test_story_one_slow_holds_nobody(void **state)
{
	(void)state;
	const struct line lines[] = { { 3, 0, { SIM_OK, .run_us = 30 * SEC, .succeeded = 5 } }, { 0 } };
	struct story s = story_of(lines);
	s.usual.run_us = 10;
	s.bad_slot = 1;
	s.bad = (struct sim_process){ .init_us = 1 * SEC + 10 * MS };
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 20);
	p.terse = false;
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 20 mini-batches are planned, these are all\n"
	                                  "    1.000000 n0 process0 is ready\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "    1.000000 u0 to n0\n"
	                                  "    1.000000 n0 process0 loads u0\n"
	                                  "    1.000010 u1 to n0\n"
	                                  "    1.000010 u2 to n0\n"
	                                  "    1.000010 u3 to n0\n"
	                                  "    1.000010 u4 to n0\n"
	                                  "    1.000010 u5 to n0\n"
	                                  "    1.000010 u6 to n0\n"
	                                  "    1.000010 u7 to n0\n"
	                                  "    1.000010 u8 to n0\n"
	                                  "    1.000010 u9 to n0\n"
	                                  "    1.000010 u10 to n0\n"
	                                  "    1.000010 u11 to n0\n"
	                                  "    1.000010 u12 to n0\n"
	                                  "    1.000010 u13 to n0\n"
	                                  "    1.000010 u14 to n0\n"
	                                  "    1.000010 u15 to n0\n"
	                                  "    1.000010 u16 to n0\n"
	                                  "    1.000010 u17 to n0\n"
	                                  "    1.000010 u18 to n0\n"
	                                  "    1.000010 u19 to n0\n"
	                                  "    1.000010 n0 process0 loads u1\n"
	                                  "    1.000020 n0 process0 loads u2\n"
	                                  "    1.000030 n0 process0 loads u3\n"
	                                  "    1.010000 n0 process1 is ready\n"
	                                  "    1.020030 n0 process0: 16 of 16 called back\n"
	                                  "    1.020030 n0 process1 loads u4\n"
	                                  "    1.020040 n0 process1 loads u5\n"
	                                  "    1.020050 n0 process1 loads u6\n"
	                                  "    1.020060 n0 process1 loads u7\n"
	                                  "    1.020070 n0 process1 loads u8\n"
	                                  "    1.020080 n0 process1 loads u9\n"
	                                  "    1.020090 n0 process1 loads u10\n"
	                                  "    1.020100 n0 process1 loads u11\n"
	                                  "    1.020110 n0 process1 loads u12\n"
	                                  "    1.020120 n0 process1 loads u13\n"
	                                  "    1.020130 n0 process1 loads u14\n"
	                                  "    1.020140 n0 process1 loads u15\n"
	                                  "    1.020150 n0 process1 loads u16\n"
	                                  "    1.020160 n0 process1 loads u17\n"
	                                  "    1.020170 n0 process1 loads u18\n"
	                                  "    1.020180 n0 process1 loads u19\n"
	                                  "   31.000030 n0 process0 ends\n"
	                                  "   31.000030 n0 process1 ends\n"
	                                  "   31.000030 job: ASSEMBLING\n"
	                                  "   31.000030 job: COMPLETED\n");
	assert_int_equal(r.done, 20);
	for (int id = 4; id < 20; id++)
		assert_int_equal(r.ran_on[id], 1);
}

static void test_story_node_lost(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	s.usual.run_us = 5 * SEC;
	struct sim_plan p = plan_of(&s);
	p.nodes = 2;
	p.slots = 1;
	p.remote = true;
	p.terse = false;
	add(&p, 0, SIM_PLAN, 0, 0, 4);
	add(&p, 2 * SEC, SIM_LOSE_NODE, 0, 0, 0);
	add(&p, 9 * SEC, SIM_NODE_BACK, 0, 0, 0);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 4 mini-batches are planned, these are all\n"
	                                  "    1.000000 n0 process0 is ready\n"
	                                  "    1.000000 n1 process0 is ready\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "    1.000000 u0 to n0\n"
	                                  "    1.000000 u1 to n1\n"
	                                  "    1.000000 n0 process0 loads u0\n"
	                                  "    1.000000 n1 process0 loads u1\n"
	                                  "    2.000000 n0 is lost\n"
	                                  "    3.000000 the engine learns that n0 is lost\n"
	                                  "    6.000000 u0 to n1\n"
	                                  "    6.000000 n1 process0 loads u0\n"
	                                  "   10.000000 n0 process0 is ready\n"
	                                  "   10.000000 u2 to n0\n"
	                                  "   10.000000 n0 process0 loads u2\n"
	                                  "   11.000000 u3 to n1\n"
	                                  "   11.000000 n1 process0 loads u3\n"
	                                  "   16.000000 n0 process0 ends\n"
	                                  "   16.000000 n1 process0 ends\n"
	                                  "   16.000000 job: ASSEMBLING\n"
	                                  "   16.000000 job: COMPLETED\n");
	assert_int_equal(r.done, 4);
	assert_int_equal(r.tries_failed, 0);
}

/* It takes the node down, again, then alone, and is given up the third time; the others are not hurt. */
static void test_story_poison(void **state)
{
	(void)state;
	const struct line lines[] = { { 1, 0, { SIM_TAKES_NODE_DOWN, .run_us = 50 * MS } }, { 0 } };
	struct story s = story_of(lines);
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 3);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 3 mini-batches are planned, these are all\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "    1.050000 u1 takes n0 down\n"
	                                  "    1.050000 the machine dies\n"
	                                  "    6.050000 engine 2\n"
	                                  "    7.100000 u1 takes n0 down\n"
	                                  "    7.100000 the machine dies\n"
	                                  "   12.100000 engine 3\n"
	                                  "   13.250000 u1 takes n0 down\n"
	                                  "   13.250000 the machine dies\n"
	                                  "   18.250000 engine 4\n"
	                                  "   18.250000 u1 has failed\n"
	                                  "   19.350000 job: ASSEMBLING\n"
	                                  "   19.350000 job: COMPLETED\n");
	assert_int_equal(r.done, 2);
	assert_int_equal(r.failed, 1);
	assert_int_equal(r.tries_failed, 0);
}

/* Others are finished in each of its lives: that is not held against it until it runs alone; then it comes first. */
static void test_story_poison_among_others(void **state)
{
	(void)state;
	const struct line lines[] = { { 5, 0, { SIM_TAKES_NODE_DOWN, .run_us = 150 * MS } }, { 0 } };
	struct story s = story_of(lines);
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 12);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 12 mini-batches are planned, these are all\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "    1.350000 u5 takes n0 down\n"
	                                  "    1.350000 the machine dies\n"
	                                  "    6.350000 engine 2\n"
	                                  "    7.500000 u5 takes n0 down\n"
	                                  "    7.500000 the machine dies\n"
	                                  "   12.500000 engine 3\n"
	                                  "   13.650000 u5 takes n0 down\n"
	                                  "   13.650000 the machine dies\n"
	                                  "   18.650000 engine 4\n"
	                                  "   19.800000 u5 takes n0 down\n"
	                                  "   19.800000 the machine dies\n"
	                                  "   24.800000 engine 5\n"
	                                  "   25.950000 u5 takes n0 down\n"
	                                  "   25.950000 the machine dies\n"
	                                  "   30.950000 engine 6\n"
	                                  "   30.950000 u5 has failed\n"
	                                  "   32.250000 job: ASSEMBLING\n"
	                                  "   32.250000 job: COMPLETED\n");
	assert_int_equal(r.done, 11);
	assert_int_equal(r.failed, 1);
	assert_int_equal(r.tries_failed, 0);
}

/* The engine dies between the last try and FAILED: the next one does not try again. */
static void test_story_killed_before_failed(void **state)
{
	(void)state;
	const struct line lines[] = { { 0, 0, { SIM_RAISES, .run_us = 100 * MS } }, { 0 } };
	struct story s = story_of(lines);
	struct sim_plan p = plan_of(&s);
	p.limits.run_max_try = 1;
	p.sync_us = 10 * MS;
	add(&p, 0, SIM_PLAN, 0, 0, 1);
	add(&p, 1125 * MS, SIM_KILL_ENGINE, 0, 0, 1 * SEC);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 1 mini-batches are planned, these are all\n"
	                                  "    1.010000 job: RUNNING\n"
	                                  "    1.110000 n0 process0: u0 fails try 1: RUN_EXCEPTION\n"
	                                  "    1.125000 the engine dies\n"
	                                  "    2.125000 engine 2\n"
	                                  "    2.135000 u0 has failed\n"
	                                  "    2.135000 job: ASSEMBLING\n"
	                                  "    2.135000 job: COMPLETED\n");
	assert_int_equal(r.failed, 1);
	assert_int_equal(r.runs[0], 1);
}

static void test_story_interrupted(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	s.usual.run_us = 3 * SEC;
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 4);
	add(&p, 2 * SEC, SIM_INTERRUPT, 0, 0, 60 * SEC);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 4 mini-batches are planned, these are all\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "    2.000000 job: DRAINING, INTERRUPTED\n"
	                                  "    4.000000 job: INTERRUPTED, INTERRUPTED\n"
	                                  "   64.000000 engine 2\n"
	                                  "   64.000000 job: RUNNING\n"
	                                  "   68.000000 job: ASSEMBLING\n"
	                                  "   68.000000 job: COMPLETED\n");
	assert_int_equal(r.done, 4);
	assert_int_equal(r.runs[0] + r.runs[1] + r.runs[2] + r.runs[3], 4); /* what ran was let finish */
}

/* The grace is over before the runs are: they are ended, nothing is charged. */
static void test_story_interrupted_long_runs(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	s.usual.run_us = 50 * SEC;
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 2);
	add(&p, 2 * SEC, SIM_INTERRUPT, 0, 0, 60 * SEC);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 2 mini-batches are planned, these are all\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "    2.000000 job: DRAINING, INTERRUPTED\n"
	                                  "   22.000000 job: INTERRUPTED, INTERRUPTED\n"
	                                  "   82.000000 engine 2\n"
	                                  "   82.000000 job: RUNNING\n"
	                                  "  133.000000 job: ASSEMBLING\n"
	                                  "  133.000000 job: COMPLETED\n");
	assert_int_equal(r.done, 2);
	assert_int_equal(r.tries_failed, 0);
}

static void test_story_threshold(void **state)
{
	(void)state;
	const struct line lines[] = { { -1, 0, { SIM_RAISES, .run_us = 100 * MS } }, { 0 } };
	struct story s = story_of(lines);
	struct sim_plan p = plan_of(&s);
	p.limits.allowed_failed_count = 1;
	p.limits.run_max_try = 2;
	add(&p, 0, SIM_PLAN, 0, 0, 9);
	told_as(&p, "    0.000000 engine 1\n"
	            "    0.000000 9 mini-batches are planned, these are all\n"
	            "    1.000000 job: RUNNING\n"
	            "    1.100000 n0 process0: u0 fails try 1: RUN_EXCEPTION\n"
	            "    1.100000 n0 process1: u1 fails try 1: RUN_EXCEPTION\n"
	            "    1.200000 n0 process0: u2 fails try 1: RUN_EXCEPTION\n"
	            "    1.200000 n0 process1: u3 fails try 1: RUN_EXCEPTION\n"
	            "    1.300000 n0 process0: u1 fails try 2: RUN_EXCEPTION\n"
	            "    1.300000 n0 process1: u0 fails try 2: RUN_EXCEPTION\n"
	            "    1.300000 u1 has failed\n"
	            "    1.300000 u0 has failed\n"
	            "    1.300000 the job is given up: 2 mini-batches failed; allowed_failed_count allows 1\n"
	            "    1.300000 job: ABORTING, ALLOWED_FAILED_COUNT\n"
	            "    1.300000 job: FAILED, ALLOWED_FAILED_COUNT\n");
}

static void test_story_init_fails(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	s.process = (struct sim_process){ .start = SIM_INIT_RAISES, .init_us = 1 * SEC, .same = 7 };
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 9);
	told_as(&p, "    0.000000 engine 1\n"
	            "    0.000000 9 mini-batches are planned, these are all\n"
	            "    2.100000 the job is given up: init() failed twice in the same way in every process\n"
	            "    2.100000 job: ABORTING, INIT_GIVE_UP\n"
	            "    2.100000 job: FAILED, INIT_GIVE_UP\n");
}

static void test_story_init_hangs(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	s.process = (struct sim_process){ .start = SIM_INIT_HANGS, .ignores_term = true };
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 9);
	told_as(&p, "    0.000000 engine 1\n"
	            "    0.000000 9 mini-batches are planned, these are all\n"
	            "  300.000000 the job is given up: init() took longer than init_timeout in every process\n"
	            "  300.000000 job: ABORTING, INIT_GIVE_UP\n"
	            "  302.000000 job: FAILED, INIT_GIVE_UP\n");
}

static void test_story_init_fails_in_one_process(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	s.usual.run_us = 20 * SEC;
	s.bad_slot = 1;
	s.bad = (struct sim_process){ .start = SIM_INIT_EXITS, .init_us = 100 * MS, .same = 7 };
	struct sim_plan p = plan_of(&s);
	add(&p, 0, SIM_PLAN, 0, 0, 3);
	told_as(&p, "    0.000000 engine 1\n"
	            "    0.000000 3 mini-batches are planned, these are all\n"
	            "    1.000000 job: RUNNING\n"
	            "   61.000000 job: ASSEMBLING\n"
	            "   61.000000 job: COMPLETED\n");
}

/* The processes of one of two nodes do not start: the other one does its work. */
static void test_story_a_node_cannot_start(void **state)
{
	(void)state;
	const struct line lines[] = { { 0, 0, { SIM_OK, .run_us = 20 * SEC, .succeeded = 5 } }, { 0 } };
	struct story s = story_of(lines);
	s.bad_node = 1;
	s.bad = (struct sim_process){ .start = SIM_NO_SPAWN };
	struct sim_plan p = plan_of(&s);
	p.nodes = 2;
	p.remote = true;
	add(&p, 0, SIM_PLAN, 0, 0, 3);
	told_as(&p, "    0.000000 engine 1\n"
	            "    0.000000 3 mini-batches are planned, these are all\n"
	            "    1.000000 job: RUNNING\n"
	            "   15.000000 n1 gives itself up: SPAWN\n"
	            "   15.000000 the engine learns that n1 is lost\n"
	            "   21.000000 job: ASSEMBLING\n"
	            "   21.000000 job: COMPLETED\n");
}

/* No node is left, and that is not the script's doing: it can go on. */
static void test_story_no_node_can_start(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	s.process = (struct sim_process){ .start = SIM_NO_SPAWN };
	struct sim_plan p = plan_of(&s);
	p.nodes = 2;
	p.remote = true;
	add(&p, 0, SIM_PLAN, 0, 0, 3);
	told_as(&p, "    0.000000 engine 1\n"
	            "    0.000000 3 mini-batches are planned, these are all\n"
	            "   15.000000 n0 gives itself up: SPAWN\n"
	            "   15.000000 n1 gives itself up: SPAWN\n"
	            "   15.000000 the engine learns that n0 is lost\n"
	            "   15.000000 the engine learns that n1 is lost\n"
	            "   15.000000 job: DRAINING, SPAWN\n"
	            "   15.000000 job: INTERRUPTED, SPAWN\n");
}

/* init() fails in other words each time: the nodes give up, one after the other, and then the job has failed. */
static void test_story_init_fails_on_every_node(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	s.process = (struct sim_process){ .start = SIM_INIT_RAISES, .init_us = 100 * MS };
	s.other_words = true;
	struct sim_plan p = plan_of(&s);
	p.nodes = 2;
	p.remote = true;
	add(&p, 0, SIM_PLAN, 0, 0, 3);
	told_as(&p, "    0.000000 engine 1\n"
	            "    0.000000 3 mini-batches are planned, these are all\n"
	            "    0.600000 n0 gives itself up: INIT_GIVE_UP\n"
	            "    0.600000 n1 gives itself up: INIT_GIVE_UP\n"
	            "    0.600000 the engine learns that n0 is lost\n"
	            "    0.600000 job: ABORTING, INIT_GIVE_UP\n"
	            "    0.600000 job: FAILED, INIT_GIVE_UP\n");
}

/* A disk that stays full at every try: no try is charged, it is repeated every second, and the job ends. */
static void test_story_later_for_ever(void **state)
{
	(void)state;
	const struct line lines[] = { { 0, 0, { SIM_SAYS_IO, .run_us = 100 * MS } }, { 0 } };
	struct story s = story_of(lines);
	struct sim_plan p = plan_of(&s);
	p.limits.progress_timeout_us = 4 * SEC;
	add(&p, 0, SIM_PLAN, 0, 0, 1);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 1 mini-batches are planned, these are all\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "    1.100000 n0 process0: u0 fails try 1: IO\n"
	                                  "    2.200000 n0 process0: u0 fails try 1: IO\n"
	                                  "    3.300000 n0 process0: u0 fails try 1: IO\n"
	                                  "    4.400000 n0 process0: u0 fails try 1: IO\n"
	                                  "    5.000000 the job is given up: no mini-batch was finished for 4 s "
	                                  "(progress_update_timeout)\n"
	                                  "    5.000000 job: ABORTING, NO_PROGRESS\n"
	                                  "    5.000000 job: FAILED, NO_PROGRESS\n");
	assert_int_equal(r.tries[0], 0);
}

/* The machine stands for ten minutes in the middle of a run: no limit is missed. */
static void test_story_machine_stands(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	s.usual.run_us = 50 * SEC;
	struct sim_plan p = plan_of(&s);
	p.slots = 1;
	add(&p, 0, SIM_PLAN, 0, 0, 1);
	add(&p, 30 * SEC, SIM_STOP_NODE, 0, 0, 600 * SEC);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 1 mini-batches are planned, these are all\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "   30.000000 n0 stands for 600000 ms\n"
	                                  "  630.000000 job: ASSEMBLING\n"
	                                  "  630.000000 job: COMPLETED\n");
	assert_int_equal(r.done, 1);
	assert_int_equal(r.tries_failed, 0);
}

/* Item 3 of mini-batch 1 kills its process, item 5 of mini-batch 2 hangs: they alone fail, in an order that is the same
 * each time. */
static void test_story_bisect(void **state)
{
	(void)state;
	const struct line lines[] = { { 1, 0, { SIM_CRASHES, .run_us = 50 * MS }, 3 },
		                      { 2, 0, { SIM_HANGS, 0 }, 5 },
		                      { 0 } };
	struct story s = story_of(lines);
	s.process.init_us = 100 * MS;
	struct sim_plan p = plan_of(&s);
	p.limits.bisect = true;
	p.limits.run_max_try = 2;
	add(&p, 0, SIM_PLAN, 0, 0, 4);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 4 mini-batches are planned, these are all\n"
	                                  "    0.100000 job: RUNNING\n"
	                                  "    0.150000 n0 process1: u1 fails try 1: RUN_CRASH\n"
	                                  "    0.250000 n0 process0: u1 fails try 2: RUN_CRASH\n"
	                                  "    0.250000 u1 is split\n"
	                                  "    0.500000 n0 process0: u1[2+3] fails try 1: RUN_CRASH\n"
	                                  "    0.500000 u1[2+3] is split\n"
	                                  "    0.650000 n0 process0: u1[2+1] fails try 1: RUN_CRASH\n"
	                                  "    1.020000 n0 process0: u1[2+1] fails try 2: RUN_CRASH\n"
	                                  "    1.020000 u1[2+1] has failed\n"
	                                  "   60.250000 n0 process1: u2 fails try 1: RUN_TIMEOUT\n"
	                                  "  120.250000 n0 process0: u2 fails try 2: RUN_TIMEOUT\n"
	                                  "  120.250000 u2 is split\n"
	                                  "  180.350000 n0 process0: u2[2+3] fails try 1: RUN_TIMEOUT\n"
	                                  "  180.350000 u2[2+3] is split\n"
	                                  "  240.450000 n0 process0: u2[3+2] fails try 1: RUN_TIMEOUT\n"
	                                  "  240.450000 u2[3+2] is split\n"
	                                  "  300.550000 n0 process0: u2[4+1] fails try 1: RUN_TIMEOUT\n"
	                                  "  360.550000 n0 process1: u2[4+1] fails try 2: RUN_TIMEOUT\n"
	                                  "  360.550000 u2[4+1] has failed\n"
	                                  "  360.550000 job: ASSEMBLING\n"
	                                  "  360.550000 job: COMPLETED\n");
	assert_int_equal(r.done, 2);
	assert_int_equal(r.failed, 2);
	for (int k = 0; k < 4 * SIM_ITEMS; k++)
		assert_int_equal(r.item_done[k], k != 1 * SIM_ITEMS + 2 && k != 2 * SIM_ITEMS + 4);
	assert_true(r.part_runs <= 2 * (SIM_ITEMS * (2 + 1) - 2));
}

/* Item 3 of mini-batch 0 does not fit, and the process says so: no half is tried for it. */
static void test_story_misfit(void **state)
{
	(void)state;
	const struct line lines[] = { { 0, 0, { SIM_MISFIT, .run_us = 100 * MS }, 3 }, { 0 } };
	struct story s = story_of(lines);
	s.process.init_us = 100 * MS;
	struct sim_plan p = plan_of(&s);
	p.slots = 1;
	p.limits.bisect = true;
	add(&p, 0, SIM_PLAN, 0, 0, 2);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 2 mini-batches are planned, these are all\n"
	                                  "    0.100000 job: RUNNING\n"
	                                  "    0.200000 n0 process0: u0 fails try 1: VALUE_MISFIT\n"
	                                  "    0.200000 u0 is split\n"
	                                  "    0.500000 n0 process0: u0[2+1] fails try 1: VALUE_MISFIT\n"
	                                  "    0.500000 u0[2+1] has failed\n"
	                                  "    0.600000 job: ASSEMBLING\n"
	                                  "    0.600000 job: COMPLETED\n");
	for (int k = 0; k < 2 * SIM_ITEMS; k++)
		assert_int_equal(r.item_done[k], k != 2);
	assert_int_equal(r.part_runs, 3);
}

/* The engine dies in the middle of it: the next one goes on with the parts that are left. */
static void test_story_bisect_resumed(void **state)
{
	(void)state;
	const struct line lines[] = { { 0, 0, { SIM_RAISES, .run_us = 100 * MS }, 4 }, { 0 } };
	struct story s = story_of(lines);
	s.process.init_us = 100 * MS;
	struct sim_plan p = plan_of(&s);
	p.slots = 1;
	p.limits.bisect = true;
	p.limits.run_max_try = 1;
	p.sync_us = 10 * MS;
	add(&p, 0, SIM_PLAN, 0, 0, 1);
	add(&p, 400 * MS, SIM_KILL_ENGINE, 0, 0, 1 * SEC);
	add(&p, 1800 * MS, SIM_KILL_MACHINE, 0, 0, 1 * SEC);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 1 mini-batches are planned, these are all\n"
	                                  "    0.110000 job: RUNNING\n"
	                                  "    0.210000 n0 process0: u0 fails try 1: RUN_EXCEPTION\n"
	                                  "    0.230000 u0 is split\n"
	                                  "    0.400000 the engine dies\n"
	                                  "    1.400000 engine 2\n"
	                                  "    1.610000 n0 process0: u0[2+3] fails try 1: RUN_EXCEPTION\n"
	                                  "    1.630000 u0[2+3] is split\n"
	                                  "    1.800000 the machine dies\n"
	                                  "    2.800000 engine 3\n"
	                                  "    3.010000 n0 process0: u0[3+2] fails try 1: RUN_EXCEPTION\n"
	                                  "    3.030000 u0[3+2] is split\n"
	                                  "    3.130000 n0 process0: u0[3+1] fails try 1: RUN_EXCEPTION\n"
	                                  "    3.150000 u0[3+1] has failed\n"
	                                  "    3.250000 job: ASSEMBLING\n"
	                                  "    3.250000 job: COMPLETED\n");
	for (int k = 0; k < SIM_ITEMS; k++)
		assert_int_equal(r.item_done[k], k != 3);
}

static void test_story_damaged_rows(void **state)
{
	(void)state;
	struct story s = story_of(NULL);
	struct sim_plan p = plan_of(&s);
	p.bad_ranges = 1;
	add(&p, 0, SIM_PLAN, 0, 0, 2);
	struct sim_result r = told_as(&p, "    0.000000 engine 1\n"
	                                  "    0.000000 2 mini-batches are planned, these are all\n"
	                                  "    1.000000 job: RUNNING\n"
	                                  "    1.100000 job: ASSEMBLING\n"
	                                  "    1.100000 the rows of u0 are damaged\n"
	                                  "    1.100000 job: DRAINING, CORRUPT\n"
	                                  "    1.100000 job: INTERRUPTED, CORRUPT\n"
	                                  "    2.100000 engine 2\n"
	                                  "    2.100000 job: RUNNING\n"
	                                  "    3.200000 job: ASSEMBLING\n"
	                                  "    3.200000 job: COMPLETED\n");
	assert_int_equal(r.runs[0], 2);
	assert_int_equal(r.runs[1], 1);
}

#define STORIES                                                                                                     \
	T(test_story_crash), T(test_story_hang), T(test_story_one_slow_holds_nobody), T(test_story_node_lost),      \
		T(test_story_poison), T(test_story_poison_among_others), T(test_story_killed_before_failed),        \
		T(test_story_interrupted), T(test_story_interrupted_long_runs), T(test_story_threshold),            \
		T(test_story_init_fails), T(test_story_init_hangs), T(test_story_init_fails_in_one_process),        \
		T(test_story_a_node_cannot_start), T(test_story_no_node_can_start),                                 \
		T(test_story_init_fails_on_every_node), T(test_story_later_for_ever), T(test_story_machine_stands), \
		T(test_story_bisect), T(test_story_misfit), T(test_story_bisect_resumed), T(test_story_damaged_rows)
