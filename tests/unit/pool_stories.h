/* SPDX-License-Identifier: Apache-2.0
 * pool_stories: the stories and the matrix of test_pool.c.
 */

/* ---- work -------------------------------------------------------------------------------------------------------- */

STORY(test_happy, "start -> spawn 0#1; wake 300s; spawn 1#1", "spawned 0 -> proc 0 started", "hello 0 -> ",
      "@1s ready 0 -> proc 0 ready; ask 1", "lease 5 -> wake 31s; send 0/1 u5", "page 0 load 1 1s", "page 0 run 1 1s",
      "@1500ms result 0 1 400000 -> accept 0/1 u5; ask 2", "lease 6 -> send 0/2 u6",
      "@2s finish -> recall 0 x1; term 1; wake 4s", "page 0 run 2 2s", "@3s result 0 2 -> accept 0/2 u6; stop 0",
      "@4s bye 0 -> ", "exit 0 0 -> proc 0 exited", "exit 1 sig15 -> proc 1 killed; down")

STORY(test_start_after_the_end, "finish -> down", "start -> ", "lease 1 -> return u1; ask 1")
STORY(test_start_once, "start -> spawn 0#1; wake 300s; spawn 1#1", "start -> ")

SOLO(test_depth, "start", "up 0", "lease 1 -> wake 30s; send 0/1 u1",
     "result 0 1 10 -> accept 0/1 u1; ask 33",                              /* 2 ms / 10 us = 200: clamped */
     "lease 2 -> send 0/2 u2", "result 0 2 160000 -> accept 0/2 u2; ask 3", /* mean 20008 us: one at a time */
     "lease 3 -> send 0/3 u3", "result 0 3 19944 -> accept 0/3 u3; ask 5",  /* mean 20000 us: the next one lies ready */
     "lease 4 -> send 0/4 u4", "lease 5 -> send 0/5 u5", "lease 6 -> ask 6")

SOLO(test_refill_from_half, "start", "up 0", "lease 1", "result 0 1 400 -> accept 0/1 u1; ask 6", /* depth 5 */
     "lease 2", "lease 3", "lease 4", "lease 5", "lease 6 -> send 0/6 u6", "result 0 2 400 -> accept 0/2 u2",
     "result 0 3 400 -> accept 0/3 u3", "result 0 4 400 -> accept 0/4 u4; ask 9", "lease 7 -> send 0/7 u7",
     "result 0 5 400 -> accept 0/5 u5; ask 10")

STORY(test_ask_counts_from_the_start, "start", "up 0", "spawned 1", "hello 1", "ready 1 -> proc 1 ready; ask 2",
      "lease 1 -> wake 30s; send 0/1 u1", "lease 2 -> send 1/1 u2", "result 0 1 -> accept 0/1 u1; ask 3",
      "lease 3 -> send 0/2 u3", "result 0 2 -> accept 0/2 u3; ask 4", "result 1 1 -> accept 1/1 u2; ask 5")

STORY(test_fewest_first, "start", "up 0", "up 1", "lease 1 -> wake 30s; send 0/1 u1",
      "result 0 1 10 -> accept 0/1 u1; ask 65", "lease 2 -> send 0/2 u2", "lease 3 -> send 1/1 u3",
      "lease 4 -> send 0/3 u4", "lease 5 -> send 1/2 u5")

STORY(test_avoid_slot, "start", "up 0", "lease 1 try 2 not 0 -> ask 2", /* slot 1 is coming */
      "lease 2 -> wake 30s; send 0/1 u2", "spawned 1", "hello 1", "ready 1 -> proc 1 ready; send 1/1 u1 try 2")

STORY(test_avoid_slot_alone, "start", "up 0", "lease 1 try 2 not 0 -> ask 2",
      /* nobody else is there or coming */
      "exit 1 1 -> proc 1 init failed SPAWN; proc 1 exited; wake 1s; send 0/1 u1 try 2; ask 1")

STORY(test_retries_that_wait_are_not_room, "start", "up 0", "up 1", "lease 1 -> wake 30s; send 0/1 u1",
      "lease 2 -> send 1/1 u2", "page 1 run 1 0s", "@1s fail 0 1 RUN_EXCEPTION -> try 0/1 u1 RUN_EXCEPTION; ask 3",
      "lease 1 try 2 not 0 -> wake 1020ms; ask 4", /* waits for slot 1; slot 0 can have another one */
      "lease 3 -> send 0/2 u3", "fail 0 2 RUN_EXCEPTION -> try 0/2 u3 RUN_EXCEPTION; ask 5",
      "lease 3 try 2 not 0 -> ask 6", "lease 4 -> send 0/3 u4",
      "fail 0 3 RUN_EXCEPTION -> try 0/3 u4 RUN_EXCEPTION; ask 7", "lease 4 try 2 not 0 -> ") /* but not without end */

/* The other process is busy for long: its own one, idle, is better than none. */
STORY(test_a_retry_gives_way, "start", "up 0", "up 1", "lease 1 -> wake 30s; send 0/1 u1", "lease 2 -> send 1/1 u2",
      "page 1 run 1 0s", "@1s fail 0 1 RUN_EXCEPTION -> try 0/1 u1 RUN_EXCEPTION; ask 3",
      "@1500ms lease 1 try 2 not 0 -> wake 1520ms; ask 4", "@1519999us tick -> wake 60s; wake 1520ms",
      "@1520ms tick -> wake 60s; wake 31520ms; send 0/2 u1 try 2; ask 3")

/* One that is being started will be idle soon. */
STORY(test_a_retry_waits_for_a_start, "start", "up 0", "spawned 1", "hello 1", "lease 1 -> wake 30s; send 0/1 u1",
      "fail 0 1 RUN_EXCEPTION -> try 0/1 u1 RUN_EXCEPTION; ask 2", "@1s lease 1 try 2 not 0 -> ask 3",
      "@99s tick -> wake 300s", "ready 1 -> proc 1 ready; wake 129s; send 1/1 u1 try 2")

SOLO(test_slow_head_gets_nothing_more, "start", "up 0", "lease 1", "result 0 1 10 -> accept 0/1 u1; ask 33",
     "@1ms lease 2 -> send 0/2 u2", "@20999us lease 3 -> send 0/3 u3", "@21ms lease 4 -> ask 4",
     "@22ms result 0 2 10 -> accept 0/2 u2; send 0/4 u4; ask 34")

/* ---- what units are sent with ------------------------------------------------------------------------------------ */

/* 100 bytes: there is room for so many more as the mean of those that are here says, whatever the depth is. */
static void test_bodies_have_a_limit(void **state)
{
	(void)state;
	struct prs_pool_config c = defaults;
	static const char *const story[] = {
		"start",
		"up 0",
		"lease 1 body 20 -> wake 30s; send 0/1 u1",
		"result 0 1 10 -> accept 0/1 u1; ask 33", /* none is here: nobody knows */
		"lease 2 body 20 -> send 0/2 u2; ask 5",  /* 80 / 21 */
		"lease 3 body 50 -> send 0/3 u3; ask 3",  /* 30 / 36 */
		"lease 4 body 25 -> send 0/4 u4; ask 4",
		"lease 5 body 0 -> return u5; ask 5", /* the node had no room: no other one is asked for */
		"tick -> wake 30s",
		"result 0 2 10 -> accept 0/2 u2",
		"result 0 3 10 -> accept 0/3 u3; ask 7", /* one has left: 75 / 26 */
		NULL
	};
	c.slots = 1;
	c.body_bytes_max = 100;
	begin(&c);
	tell(story);
}

/* One unit a process, however large. */
static void test_a_body_for_each(void **state)
{
	(void)state;
	struct prs_pool_config c = defaults;
	static const char *const story[] = { "start",
		                             "up 0",
		                             "up 1",
		                             "lease 1 body 1000 -> wake 30s; send 0/1 u1",
		                             "lease 2 body 1000 -> send 1/1 u2",
		                             "result 0 1 10 -> accept 0/1 u1; ask 3",
		                             NULL };
	c.body_bytes_max = 100;
	begin(&c);
	tell(story);
}

/* ---- recall ------------------------------------------------------------------------------------------------------ */

STORY(test_recall, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3", "lease 4 -> send 0/4 u4",
      "@10ms up 1", "@19999us tick -> wake 30s; wake 20ms", "@20ms tick -> wake 30s; recall 0 x2; ask 34",
      "recalled 0 2 -> drop 0/3 x2; send 1/1 u3; send 1/2 u4")

STORY(test_recall_comes_too_late, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3", "lease 4",
      "@10ms up 1", "@20ms tick -> wake 30s; recall 0 x2; ask 34",
      "recalled 0 0 -> ask 36", /* all were taken: their results are on the way; asking again would ask for ever */
      "@21ms tick -> wake 30s", "result 0 2 10 -> accept 0/2 u2; wake 41ms; ask 66",
      "@40999us tick -> wake 30021ms; wake 41ms", "@41ms tick -> wake 30021ms; recall 0 x1; ask 35",
      "recalled 0 1 -> drop 0/4 x1; send 1/1 u4")

STORY(test_recall_in_part, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3", "lease 4", "@20ms up 1",
      "tick -> wake 30s", "recalled 0 1 -> drop 0/4 x1; send 1/1 u4; ask 35", "tick -> wake 30s")

STORY(test_no_recall_for_nobody, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3 try 2 not 1",
      "lease 4 try 2 not 1 -> send 0/4 u4 try 2", "@20ms up 1",
      "tick -> wake 30s") /* the idle one is the one to avoid */

STORY(test_recall_with_a_retry_among_them, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3",
      "lease 4 try 2 not 1 -> send 0/4 u4 try 2", "@10ms up 1", "@20ms tick -> wake 30s; recall 0 x2; ask 34",
      "recalled 0 2 -> drop 0/3 x2; send 1/1 u3; ask 35", "@21ms result 1 1 10 -> accept 1/1 u3; wake 41ms; ask 36",
      "@30ms result 0 2 10 -> accept 0/2 u2; send 0/5 u4 try 2; ask 67") /* 4 waits for slot 0 */

/* ---- nobody reads ------------------------------------------------------------------------------------------------ */

/* The process hands over rows, and nobody takes them: 31 s of WRITE, of which it had one to itself. */
SOLO(test_pause, "start", "up 0", "lease 1", "page 0 write 1 1s", "@2s tick -> wake 31s", "pause -> ", "@40s tick -> ",
     "@52s resume -> wake 52s", "tick -> wake 81s", "@80999999us tick -> wake 81s",
     "@81s tick -> try 0/1 u1 OVERHEAD_TIMEOUT; term 0; wake 83s")
/* It began while nobody read. */
SOLO(test_pause_and_phase_begun_in_it, "start", "up 0", "lease 1", "page 0 run 1 1s", "@2s tick -> wake 61s",
     "pause -> ", "@40s tick -> wake 61s", "page 0 write 1 41s", "@50s tick -> ", "@52s resume -> wake 52s",
     "tick -> wake 82s", "@82s tick -> try 0/1 u1 OVERHEAD_TIMEOUT; term 0; wake 84s")
/* The same, seen for the first time when all is read again: eight seconds later. */
SOLO(test_pause_and_phase_seen_after_it, "start", "up 0", "lease 1", "page 0 run 1 1s", "@2s tick -> wake 61s",
     "pause -> ", "page 0 write 1 41s", "@52s resume -> wake 52s", "@60s tick -> wake 82s")
/* run() has nothing to do with it. */
SOLO(test_pause_and_run, "start", "up 0", "lease 1", "page 0 run 1 1s", "@2s tick -> wake 61s", "pause -> ",
     "@61s tick -> try 0/1 u1 RUN_TIMEOUT; term 0; wake 63s")
SOLO(test_two_pauses, "start", "up 0", "lease 1", "page 0 write 1 1s", "pause", "@10s resume -> wake 10s", "pause",
     "@20s resume -> ", "tick -> wake 50s") /* 19 s */
SOLO(test_pause_of_a_shutdown, "start", "up 0", "@1s finish -> stop 0; wake 31s; ask 0", "@2s pause -> ",
     "@50s tick -> ", "@51s resume -> wake 51s", "tick -> wake 80s", "@80s tick -> term 0; wake 82s")
SOLO(test_pause_without_end_of_the_one_before, "start", "up 0", "lease 1", "page 0 write 1 1s", "resume -> ",
     "@5s pause", "@6s pause -> ", "@9s resume -> wake 9s", "tick -> wake 35s")

/* ---- limits ------------------------------------------------------------------------------------------------------ */

SOLO(test_run_timeout, "start", "up 0", "@1s lease 1 -> wake 31s; send 0/1 u1", "page 0 load 1 1s", "page 0 run 1 2s",
     "@31s tick -> wake 62s", "@61999999us tick -> wake 62s", "@62s tick -> try 0/1 u1 RUN_TIMEOUT; term 0; wake 64s",
     "result 0 1 -> dropped 0/1 u1", "@63999999us tick -> wake 64s", "@64s tick -> kill 0",
     "@65s exit 0 sig9 -> proc 0 killed; spawn 0#2; wake 365s")

SOLO(test_run_timeout_result_first, "start", "up 0", "@1s lease 1", "page 0 run 1 2s",
     "@61999999us result 0 1 -> accept 0/1 u1; ask 2", "page 0 idle 1 61999999us", "@62s tick -> ")

SOLO(test_load_timeout, "start", "up 0", "lease 1", "page 0 load 1 1s", "@30999999us tick -> wake 31s",
     "@31s tick -> try 0/1 u1 OVERHEAD_TIMEOUT; term 0; wake 33s")
SOLO(test_write_timeout, "start", "up 0", "lease 1", "page 0 write 1 70s", "@99999999us tick -> wake 100s",
     "@100s tick -> try 0/1 u1 OVERHEAD_TIMEOUT; term 0; wake 102s")
SOLO(test_long_run_is_no_write, "start", "up 0", "lease 1", "page 0 run 1 0s", "@59999999us tick -> wake 60s",
     "page 0 write 1 59999999us", "@60s tick -> wake 89999999us")

SOLO(test_takes_no_unit, "start", "up 0", "@1s lease 1 -> wake 31s; send 0/1 u1", "@30999999us tick -> wake 31s",
     "@31s tick -> term 0; wake 33s", "page 0 run 1 31s", "@32s exit 0 sig15 -> proc 0 killed; wake 32100ms",
     "@32100ms tick -> spawn 0#2; wake 332100ms") /* it began just then: killed by us, not charged */

SOLO(test_answers_on_their_way, "start", "up 0", "lease 1", "page 0 idle 1 1s 1", "@31s tick -> wake 33s",
     "@33s tick -> wake 35s", "@34s result 0 1 -> accept 0/1 u1; ask 2")

SOLO(test_timer_belongs_to_the_claim, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3", "lease 4",
     "page 0 run 3 1s 2", /* 2 is answered, but not read yet */
     "@61s tick -> try 0/3 u3 RUN_TIMEOUT; term 0; wake 63s; ask 4", "result 0 2 10 -> accept 0/2 u2",
     "result 0 3 10 -> dropped 0/3 u3", "exit 0 sig15 -> proc 0 killed; spawn 0#2")

STORY(test_init_timeout, "@1s start -> spawn 0#1; wake 301s; spawn 1#1", "@2s spawned 0", "@100s hello 0 -> ",
      "@300999999us tick -> wake 301s",
      "@301s tick -> proc 0 init failed INIT_TIMEOUT; term 0; wake 303s; proc 1 init failed SPAWN; term 1",
      "@302s exit 0 sig15 -> proc 0 killed; wake 302100ms", "exit 1 sig15 -> proc 1 killed",
      "@302100ms tick -> spawn 0#2; wake 602100ms; wake 303s", "@303s tick -> wake 602100ms; spawn 1#2")

STORY(test_shutdown_timeout, "start", "up 0", "up 1", "@1s finish -> stop 0; wake 31s; stop 1; ask 0",
      "@30999999us tick -> wake 31s", "@31s tick -> term 0; wake 33s; term 1", "@33s tick -> kill 0; kill 1; wake 63s",
      "exit 0 sig9 -> proc 0 killed", "exit 1 0 -> proc 1 killed; down")

STORY(test_no_busy_timer, "start", "up 0", "up 1", "lease 1", "lease 2 -> send 1/1 u2", "page 0 run 1 0s",
      "page 1 run 1 0s", "@30s tick -> wake 60s", "@40s result 1 1 -> accept 1/1 u2; ask 3", "lease 3 -> send 1/2 u3",
      "page 1 run 2 40s", "@41s bye 1 -> ")

/* ---- memory, replacement ----------------------------------------------------------------------------------------- */

SOLO(test_over_limit, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3", "page 0 run 2 1s",
     "@2s over 0 -> try 0/2 u2 MEMORY_LIMIT; term 0; wake 4s; kill 0; ask 3", "over 0 -> ",
     "result 0 2 10 -> dropped 0/2 u2", "@3s exit 0 sig9 -> proc 0 killed; spawn 0#2")
SOLO(test_over_limit_in_init, "start", "spawned 0", "hello 0", "@1s over 0 -> proc 0 init failed MEMORY_LIMIT; kill 0",
     "@2s exit 0 sig9 -> proc 0 killed; wake 2100ms")
SOLO(test_over_limit_idle, "start", "up 0", "over 0 -> kill 0; ask 0",
     "@1s exit 0 sig9 -> proc 0 killed; wake 1100ms") /* nobody is charged */
SOLO(test_killed_by_the_kernel, "start", "up 0", "lease 1", "page 0 run 1 0s",
     "@1s exit 0 sig9 MEMORY_LIMIT -> try 0/1 u1 MEMORY_LIMIT; proc 0 exited; spawn 0#2")
SOLO(test_retire, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3", "page 0 run 2 1s",
     "retire 0 -> recall 0 x1; ask 3", "retire 0 -> ", "recalled 0 1 -> drop 0/3 x1",
     "@2s result 0 2 10 -> accept 0/2 u2; stop 0", "bye 0 -> ", "@3s exit 0 0 -> proc 0 exited; spawn 0#2", "spawned 0",
     "hello 0", "ready 0 -> proc 0 ready; send 0/1 u3; ask 34")
SOLO(test_retire_idle, "start", "up 0", "@1s retire 0 -> stop 0; wake 31s; ask 0",
     "exit 0 0 -> proc 0 exited; spawn 0#2")
SERVES_TWO(test_serves_two, "start", "up 0", "lease 1 -> wake 30s; send 0/1 u1",
           "result 0 1 10 -> accept 0/1 u1; ask 2", "lease 2 -> send 0/2 u2", "lease 3 -> ask 3",
           "result 0 2 10 -> accept 0/2 u2; stop 0", "exit 0 0 -> proc 0 exited; spawn 0#2", "spawned 0", "hello 0",
           "ready 0 -> proc 0 ready; send 0/1 u3; ask 4")

/* ---- death and blame --------------------------------------------------------------------------------------------- */

SOLO(test_crash, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3", "lease 4", "page 0 run 2 1s",
     "@2s exit 0 sig11 -> try 0/2 u2 RUN_CRASH; proc 0 exited; spawn 0#2; ask 4", "spawned 0", "hello 0",
     "ready 0 -> proc 0 ready; send 0/1 u3; send 0/2 u4; ask 34")

SOLO(test_exit_without_result, "start", "up 0", "lease 1", "page 0 run 1 1s",
     "@2s exit 0 0 -> try 0/1 u1 RUN_EXIT; proc 0 exited; spawn 0#2")
SOLO(test_exit_socket_closed, "start", "up 0", "lease 1", "page 0 write 1 1s",
     "@2s exit 0 107 -> try 0/1 u1 SOCKET_CLOSED; proc 0 exited; spawn 0#2")
SOLO(test_exit_load, "start", "up 0", "lease 1", "page 0 load 1 1s",
     "@2s exit 0 sig9 -> try 0/1 u1 RUN_CRASH; proc 0 exited; spawn 0#2")

SOLO(test_died_between_two, "start", "up 0", "lease 1", "page 0 idle 0 1s",
     "@2s exit 0 sig9 -> proc 0 exited IDLE_EXIT; wake 2100ms", "@2100ms tick -> spawn 0#2; wake 302100ms",
     "@2200ms up 0", "exit 0 sig9 -> proc 0 exited IDLE_EXIT; wake 2400ms", "@2400ms tick -> spawn 0#3; wake 302400ms",
     "@2500ms up 0", "page 0 run 1 2500ms", "@3s result 0 1 -> accept 0/1 u1; ask 2",
     "exit 0 sig9 -> proc 0 exited IDLE_EXIT; wake 3100ms; ask 1") /* 100, 200, again 100 ms */

SOLO(test_result_read_before_death, "start", "up 0", "lease 1", "page 0 write 1 1s",
     "@2s result 0 1 -> accept 0/1 u1; ask 2", "exit 0 sig9 -> proc 0 exited IDLE_EXIT; wake 2100ms; ask 1")

SOLO(test_backoff, "start", "up 0", "@1s exit 0 1 -> proc 0 exited IDLE_EXIT; wake 1100ms; ask 0",
     "@1100ms tick -> spawn 0#2; wake 301100ms", "up 0", "exit 0 1 -> proc 0 exited IDLE_EXIT; wake 1300ms; ask 0",
     "@1300ms tick -> spawn 0#3; wake 301300ms", "up 0", "exit 0 1 -> proc 0 exited IDLE_EXIT; wake 1700ms; ask 0",
     "@1700ms tick -> spawn 0#4; wake 301700ms", "up 0", "exit 0 1 -> proc 0 exited IDLE_EXIT; wake 2500ms; ask 0",
     "@2500ms tick -> spawn 0#5; wake 302500ms", "up 0", "exit 0 1 -> proc 0 exited IDLE_EXIT; wake 4100ms; ask 0",
     "@4100ms tick -> spawn 0#6; wake 304100ms", "up 0", "exit 0 1 -> proc 0 exited IDLE_EXIT; wake 7300ms; ask 0",
     "@7300ms tick -> spawn 0#7; wake 307300ms", "up 0", "exit 0 1 -> proc 0 exited IDLE_EXIT; wake 13700ms; ask 0",
     "@13700ms tick -> spawn 0#8; wake 313700ms", "up 0", "exit 0 1 -> proc 0 exited IDLE_EXIT; wake 23700ms; ask 0",
     "@23699999us tick -> wake 23700ms", "@23700ms tick -> spawn 0#9; wake 323700ms", "up 0",
     "exit 0 1 -> proc 0 exited IDLE_EXIT; wake 33700ms; ask 0")

/* An end before HELLO is no fault of the script's: longer pauses, and after five in a row the node is none. */
SOLO(test_ends_before_hello, "start", "@1s exit 0 127 -> proc 0 init failed SPAWN; proc 0 exited; wake 2s",
     "@1999999us tick -> wake 2s", "@2s tick -> spawn 0#2; wake 302s",
     "exit 0 127 -> proc 0 init failed SPAWN; proc 0 exited; wake 4s", "@4s tick -> spawn 0#3; wake 304s",
     "nospawn 0 -> proc 0 init failed SPAWN; wake 8s", "@8s tick -> spawn 0#4; wake 308s",
     "exit 0 sig9 -> proc 0 init failed SPAWN; proc 0 exited; wake 16s", "@16s tick -> spawn 0#5; wake 316s",
     "exit 0 127 -> proc 0 init failed SPAWN; proc 0 exited; unfit 0 SPAWN x5; down", "@99s tick -> ",
     "lease 1 -> return u1; ask 1")

SOLO(test_spawn_failed, "start", "@1s nospawn 0 -> proc 0 init failed SPAWN; wake 2s", "@1999999us tick -> wake 2s",
     "@2s tick -> spawn 0#2; wake 302s", "spawned 0", "hello 0", /* it does start: the row is over */
     "@3s exit 0 1 -> proc 0 init failed INIT_EXIT; proc 0 exited; wake 3200ms",
     "@3200ms tick -> spawn 0#3; wake 303200ms", "exit 0 1 -> proc 0 init failed SPAWN; proc 0 exited; wake 4200ms")

/* ---- giving up --------------------------------------------------------------------------------------------------- */

/* Three in a row: no other process in its place; the other one goes on. */
STORY(test_a_slot_is_given_up, "start", "up 0", "spawned 1", "hello 1", "lease 1 -> wake 30s; send 0/1 u1",
      "initfail 1 -> proc 1 init failed INIT_EXCEPTION; wake 2s", "exit 1 1 -> proc 1 exited; wake 100ms",
      "@100ms tick -> wake 30s; spawn 1#2", "spawned 1", "hello 1",
      "initfail 1 -> proc 1 init failed INIT_EXCEPTION; wake 2100ms", "exit 1 1 -> proc 1 exited; wake 300ms",
      "@300ms tick -> wake 30s; spawn 1#3", "spawned 1", "hello 1",
      "initfail 1 -> proc 1 init failed INIT_EXCEPTION; given up 1 INIT_GIVE_UP x3; wake 2300ms",
      "exit 1 1 -> proc 1 exited", "page 0 run 1 90s", "@99s tick -> wake 150s", "result 0 1 -> accept 0/1 u1; ask 2",
      "lease 2 try 2 not 0 -> wake 129s; send 0/2 u2 try 2") /* nobody else comes */

/* A start that works ends the row. */
SOLO(test_a_row_ends_with_an_init, "start", "spawned 0", "hello 0", "exit 0 1", "@1s tick", "spawned 0", "hello 0",
     "exit 0 1", "@2s tick", "up 0", "exit 0 1 -> proc 0 exited IDLE_EXIT; wake 2400ms; ask 0", "@3s tick", "spawned 0",
     "hello 0",
     "exit 0 1 -> proc 0 init failed INIT_EXIT; proc 0 exited; wake 3800ms; unfit 65535 INIT_GIVE_UP x3; down")

SOLO(test_none_is_left, "start", "spawned 0", "hello 0", "exit 0 1", "@1s tick", "spawned 0", "hello 0", "exit 0 1",
     "@2s tick", "spawned 0", "hello 0",
     "exit 0 1 -> proc 0 init failed INIT_EXIT; proc 0 exited; unfit 0 INIT_GIVE_UP x3; down")

/* Six failures with two processes, none three in a row. */
#define FAILS_IN_TURN                                                                                               \
	"start", "up 0", "spawned 1", "hello 1", "exit 1 1", "@1s tick", "spawned 1", "hello 1", "exit 1 1",        \
		"exit 0 1", "@2s tick", "spawned 0", "hello 0", "exit 0 1", "@3s tick", "up 0", "up 1", "exit 0 1", \
		"@4s tick", "spawned 0", "hello 0", "exit 0 1", "@6s tick", "up 0"
STORY(test_init_fails_in_turn, FAILS_IN_TURN, "exit 1 1", "@9s tick", "spawned 1", "hello 1",
      "exit 1 1 -> proc 1 init failed INIT_EXIT; proc 1 exited; wake 9800ms", "@20s tick", "spawned 1", "hello 1",
      "exit 1 1 -> proc 1 init failed INIT_EXIT; proc 1 exited; wake 21600ms; unfit 65535 INIT_GIVE_UP x6; "
      "term 0")
/* A finished unit begins the count anew. */
STORY(test_a_finished_unit_begins_anew, FAILS_IN_TURN, "lease 1", "result 0 1", "exit 1 1", "@9s tick", "spawned 1",
      "hello 1", "exit 1 1", "@20s tick", "spawned 1", "hello 1",
      "exit 1 1 -> proc 1 init failed INIT_EXIT; proc 1 exited; wake 21600ms")
#undef FAILS_IN_TURN

/* Those of a slot that was given up say nothing of the other one, which fails three times, too, but not in a row. */
STORY(test_failures_of_a_given_up_slot_do_not_count, "start", "up 0", "spawned 1", "hello 1", "exit 1 1", "@1s tick",
      "spawned 1", "hello 1", "exit 1 1", "@2s tick", "spawned 1", "hello 1",
      "exit 1 1 -> proc 1 init failed INIT_EXIT; given up 1 INIT_GIVE_UP x3; proc 1 exited", "exit 0 1", "@3s tick",
      "spawned 0", "hello 0", "exit 0 1", "@4s tick", "spawned 0", "hello 0", "exit 0 1", "@6s tick", "up 0",
      "exit 0 1", "@9s tick", "spawned 0", "hello 0",
      "exit 0 1 -> proc 0 init failed INIT_EXIT; proc 0 exited; wake 10600ms")

SOLO(test_init_failed_is_told_once, "start", "spawned 0", "hello 0",
     "@1s initfail 0 -> proc 0 init failed INIT_EXCEPTION; wake 3s", "exit 0 1 -> proc 0 exited; wake 1100ms")
SOLO(test_init_failed_and_stays, "start", "spawned 0", "hello 0",
     "@1s initfail 0 -> proc 0 init failed INIT_EXCEPTION; wake 3s", "@3s tick -> kill 0; wake 303s",
     "exit 0 sig9 -> proc 0 killed; wake 3100ms")

SOLO(test_broken_before_init, "start", "spawned 0", "@1s broken 0 -> proc 0 init failed PROTOCOL; kill 0",
     "exit 0 sig9 -> proc 0 killed; wake 1100ms") /* an init failure: counted, with a wait */
SOLO(test_broken_idle, "start", "up 0", "@1s broken 0 -> kill 0; ask 0", "exit 0 sig9 -> proc 0 killed; wake 1100ms")
SOLO(test_broken_busy, "start", "up 0", "lease 1", "page 0 run 1 1s", "@2s broken 0 -> kill 0",
     "exit 0 sig9 -> try 0/1 u1 PROTOCOL; proc 0 killed; spawn 0#2")
SOLO(test_broken_unstarted, "start", "up 0", "lease 1", "page 0 idle 0 1s", "@2s broken 0 -> kill 0",
     "exit 0 sig9 -> proc 0 killed; wake 2100ms")

SOLO(test_broken_in_the_answer_before, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3",
     "page 0 run 3 1s", "@2s broken 0 -> kill 0; ask 3", "exit 0 sig9 -> try 0/2 u2 PROTOCOL; proc 0 killed; spawn 0#2")

SOLO(test_run_ended_its_process, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3", "page 0 write 2 1s",
     "@1s fail 0 2 RUN_EXIT -> try 0/2 u2 RUN_EXIT; wake 3s; ask 3", "exit 0 1 -> proc 0 exited; spawn 0#2")
SOLO(test_run_ended_its_process_slowly, "start", "up 0", "lease 1", "page 0 write 1 1s",
     "@1s fail 0 1 RUN_EXIT -> try 0/1 u1 RUN_EXIT; wake 3s", "@3s tick -> kill 0",
     "exit 0 sig9 -> proc 0 killed; spawn 0#2; wake 303s")

SOLO(test_unknown_answers, "start", "up 0", "lease 1", "result 0 7 10 -> dropped 0/7 u0",
     "fail 0 0 RUN_EXCEPTION -> dropped 0/0 u0", "result 0 1 10 -> accept 0/1 u1; ask 33",
     "result 0 1 10 -> dropped 0/1 u0")

/* ---- the end ----------------------------------------------------------------------------------------------------- */

SOLO(test_drain, "start", "up 0", "lease 1", "result 0 1 10", "@1ms lease 2", "lease 3", "@21ms lease 4 -> ask 4",
     "page 0 run 2 1ms", "@22ms drain -> return u4; recall 0 x2", "recalled 0 1 -> drop 0/3 x1; return u3; recall 0 x1",
     "recalled 0 0 -> ", "lease 5 -> return u5; ask 5", "@1s result 0 2 -> accept 0/2 u2; stop 0",
     "exit 0 0 -> proc 0 exited; down")

STORY(test_drain_during_recall, "start", "up 0", "lease 1", "result 0 1 10", "lease 2", "lease 3", "lease 4",
      "@20ms up 1", "tick -> wake 30s", "drain -> stop 1; ask 4",
      "recalled 0 2 -> drop 0/3 x2; return u4; return u3; recall 0 x1",
      "recalled 0 1 -> drop 0/2 x1; return u2; stop 0") /* the head was not taken either */

SOLO(test_drain_charges_a_crash, "start", "up 0", "lease 1", "page 0 run 1 0s", "@1s drain -> recall 0 x1",
     "recalled 0 0 -> ", "exit 0 sig11 -> try 0/1 u1 RUN_CRASH; proc 0 exited; down")

SOLO(test_drain_then_abort, "start", "up 0", "lease 1", "page 0 run 1 0s", "@1s drain -> recall 0 x1",
     "@2s abort -> term 0; wake 4s", "exit 0 sig15 -> return u1; proc 0 killed; down")

STORY(test_abort, "start", "up 0", "up 1", "lease 1", "lease 2", "lease 3 -> ask 3", "page 0 run 1 0s",
      "page 1 run 1 0s", "@1s abort -> return u3; term 0; wake 3s; term 1",
      "fail 0 1 RUN_EXIT -> return u1", /* of our SIGTERM */
      "result 1 1 -> accept 1/1 u2", "exit 0 1 -> proc 0 killed", "exit 1 sig15 -> proc 1 killed; down")

STORY(test_abort_before_spawned, "start", "abort -> term 0; wake 2s; term 1", "spawned 0 -> proc 0 started",
      "exit 0 sig15 -> proc 0 killed", "nospawn 1 -> proc 1 init failed SPAWN; down")

SOLO(test_finish_while_busy, "start", "up 0", "lease 1", "finish -> recall 0 x1",
     "recalled 0 1 -> drop 0/1 x1; return u1; stop 0", "exit 0 0 -> proc 0 exited; down")

STORY(test_finish_of_one_while_the_other_lives, "start", "up 0", "up 1", "lease 1", "page 0 run 1 1s",
      "finish -> recall 0 x1; stop 1; ask 1", "exit 1 0 -> proc 1 exited", "recalled 0 0 -> ",
      "@2s result 0 1 -> accept 0/1 u1; stop 0", "exit 0 0 -> proc 0 exited; down")

SOLO(test_unkillable, "start", "up 0", "lease 1", "page 0 run 1 0s", "@1s abort -> term 0; wake 3s",
     "@3s tick -> kill 0; wake 33s", "@32999999us tick -> wake 33s", "@33s tick -> return u1; proc 0 killed; down",
     "exit 0 sig9 -> ")

STORY(test_unkillable_blocks_its_slot_only, "start", "up 0", "up 1", "lease 1", "page 0 run 1 0s",
      "@60s tick -> try 0/1 u1 RUN_TIMEOUT; term 0; wake 62s", "@62s tick -> kill 0", "@200s tick -> ",
      "lease 1 try 2 not 0 -> wake 230s; send 1/1 u1 try 2")

SOLO(test_unkillable_in_init, "start", "spawned 0", "hello 0",
     "@300s tick -> proc 0 init failed INIT_TIMEOUT; term 0; wake 302s", "@302s tick -> kill 0; wake 602s",
     "@600s tick -> wake 602s", "@602s tick -> proc 0 init failed INIT_TIMEOUT; wake 902s",
     "@902s tick -> proc 0 init failed INIT_TIMEOUT; wake 1202s; unfit 0 INIT_GIVE_UP x3; wake 932s",
     "@903s exit 0 sig9 -> proc 0 killed; down")

/* ---- clock gaps -------------------------------------------------------------------------------------------------- */

GAP(test_gap, "start", "up 0", "lease 1 -> send 0/1 u1", "page 0 run 1 0s", "@2s tick -> wake 4s",
    "@40s tick -> wake 40s; wake 42s", /* stood for 36 s: 4 s lived through */
    "@40s tick -> wake 42s", "@42s tick -> wake 44s", "@43s result 0 1 -> accept 0/1 u1; ask 2")
GAP(test_no_gap, "start", "up 0", "lease 1", "page 0 run 1 0s", "@2s tick -> wake 4s",
    "@5999999us tick -> wake 7999999us")
GAP(test_gap_exactly, "start", "up 0", "lease 1", "page 0 load 1 0s", "@2s tick -> wake 4s", "page 0 run 1 3s",
    "@6s tick -> wake 6s; wake 8s", "@8s tick -> wake 10s")
GAP(test_gap_limit, "start", "up 0", "lease 1", "page 0 load 1 0s", "@2s tick -> wake 4s",
    "@32s tick -> wake 32s; wake 34s", "@34s tick", "@36s tick", "@38s tick", "@40s tick", "@42s tick", "@44s tick",
    "@46s tick", "@48s tick", "@50s tick", "@52s tick", "@54s tick", "@56s tick -> wake 58s",
    "@57999999us tick -> wake 58s", "@58s tick -> try 0/1 u1 OVERHEAD_TIMEOUT; term 0; wake 60s")
GAP(test_two_gaps, "start", "up 0", "lease 1", "page 0 load 1 0s", "@2s tick", "@20s tick -> wake 20s; wake 22s",
    "@21s tick -> wake 23s", "@40s tick -> wake 40s; wake 42s", "@42s tick", "@44s tick", "@46s tick", "@48s tick",
    "@50s tick", "@52s tick", "@54s tick", "@56s tick", "@58s tick", "@60s tick", "@62s tick",
    "@62999999us tick -> wake 63s", "@63s tick -> try 0/1 u1 OVERHEAD_TIMEOUT; term 0; wake 65s")
GAP(test_gap_seen_by_another_event, "start", "up 0", "lease 1", "page 0 load 1 0s", "@2s tick -> wake 4s",
    "@31s lease 2 -> wake 31s; ask 2", "@31s tick -> wake 33s", "@60s lease 3 -> wake 60s; ask 3",
    "@60s tick -> wake 62s")
GAP(test_gap_and_phase_begun_in_it, "start", "up 0", "lease 1", "page 0 load 1 0s", "@2s tick -> wake 4s",
    "page 0 write 1 20s", "@31s tick -> wake 31s; wake 33s", "@33s tick", "@35s tick", "@37s tick", "@39s tick",
    "@41s tick", "@43s tick", "@45s tick", "@47s tick", "@49s tick", "@49999999us tick -> wake 50s",
    "@50s tick -> try 0/1 u1 OVERHEAD_TIMEOUT; term 0; wake 52s")
GAP(test_gap_init, "start -> spawn 0#1; wake 2s", "@400s tick -> wake 400s; wake 402s", "@400s tick -> wake 402s")
GAP(test_gap_backoff, "start", "up 0", "@1s exit 0 1 -> proc 0 exited IDLE_EXIT; wake 1100ms; ask 0",
    "@10s tick -> wake 10s; spawn 0#2; wake 12s")

/* ---- clocks of scripts ------------------------------------------------------------------------------------------- */

CLOCK(test_looks_at_pages, "start -> spawn 0#1; wake 500ms", "up 0", "@1s lease 1 -> send 0/1 u1",
      "@1s tick -> wake 1500ms", "page 0 run 1 1s", "@1500ms tick -> wake 2s", "@60600ms tick -> wake 61s",
      "@61s tick -> try 0/1 u1 RUN_TIMEOUT; term 0; wake 61500ms")
/* Before the unit was sent, behind the first look: the phase counts from the look. */
CLOCK(test_clock_that_stands, "start", "up 0", "@100s lease 1", "page 0 run 1 99999999us", "@100500ms tick",
      "@160499999us tick -> wake 160500ms", "@160500ms tick -> try 0/1 u1 RUN_TIMEOUT; term 0; wake 161s")
CLOCK(test_clock_in_the_future, "start", "up 0", "@100s lease 1", "page 0 run 1 100500001us", "@100500ms tick",
      "@160499999us tick -> wake 160500ms", "@160500ms tick -> try 0/1 u1 RUN_TIMEOUT; term 0; wake 161s")
CLOCK(test_clock_that_stood_at_the_look, "start", "up 0", "@100s lease 1", "page 0 run 1 100500ms", "@100500ms tick",
      "@160500ms tick -> try 0/1 u1 RUN_TIMEOUT; term 0; wake 161s")
CLOCK(test_clock_that_stood_when_sent, "start", "up 0", "@100s lease 1", "page 0 run 1 100s", "@100500ms tick",
      "@160s tick -> try 0/1 u1 RUN_TIMEOUT; term 0; wake 160500ms")
/* The time stays, the phase goes on. */
CLOCK(test_load_is_no_run, "start", "up 0", "@1s lease 1", "page 0 load 1 1s", "@20s tick -> wake 20500ms",
      "page 0 run 1 1s", "@21s tick -> wake 21500ms", "@80999999us tick -> wake 81s",
      "@81s tick -> try 0/1 u1 RUN_TIMEOUT; term 0; wake 81500ms")
CLOCK(test_each_unit_has_its_own_time, "start", "up 0", "@1s lease 1", "result 0 1 10", "lease 2", "lease 3",
      "page 0 run 2 1s", "@1500ms tick", "@50s result 0 2 10", "page 0 run 3 1s", "@50500ms tick",
      "@110499999us tick -> wake 110500ms", "@110500ms tick -> try 0/3 u3 RUN_TIMEOUT; term 0; wake 111s")
/* Units are sent ahead: one that began before the node knew of the result before it began when it says. */
CLOCK(test_begun_before_the_result_was_read, "start", "up 0", "@1s lease 1", "result 0 1 10", "lease 2", "lease 3",
      "@1400ms tick", "page 0 run 3 1450ms", "@1490ms result 0 2 10", "@1500ms tick",
      "@61449999us tick -> wake 61450ms; ask 3", "@61450ms tick -> try 0/3 u3 RUN_TIMEOUT; term 0; wake 61950ms")
CLOCK(test_takes_no_unit_in_the_future, "start", "up 0", "@1s lease 1", "page 0 idle 0 1000s", "@1500ms tick",
      "@31499999us tick -> wake 31500ms", "@31500ms tick -> term 0; wake 32s")
CLOCK(test_takes_no_unit_in_the_past, "start", "up 0", "page 0 idle 0 0s", "@500ms tick", "@100s lease 1",
      "@129999999us tick -> wake 130s", "@130s tick -> term 0; wake 130500ms")

/* ---- every event in every state ---------------------------------------------------------------------------------- */

static const char *const matrix[] = {
	"NONE     start          STARTING spawn 0#1; wake 300010ms; spawn 1#1\n"
	"NONE     lease 8        NONE     ask 1\n"
	"NONE     tick           NONE     \n"
	"NONE     drain          NONE     down\n"
	"NONE     abort          NONE     down\n"
	"NONE     finish         NONE     down\n",
	"STARTING start          STARTING \n"
	"STARTING lease 8        STARTING ask 1\n"
	"STARTING spawned 0      STARTING proc 0 started\n"
	"STARTING nospawn 0      DEAD     proc 0 init failed SPAWN; wake 1010ms\n"
	"STARTING hello 0        INIT     \n"
	"STARTING ready 0        STARTING \n"
	"STARTING initfail 0     TERM     proc 0 init failed INIT_EXCEPTION; wake 2010ms\n"
	"STARTING result 0 1     STARTING dropped 0/1 u0\n"
	"STARTING fail 0 1 RUN_EXCEPTION STARTING dropped 0/1 u0\n"
	"STARTING recalled 0 1   STARTING \n"
	"STARTING broken 0       KILL     proc 0 init failed PROTOCOL; kill 0\n"
	"STARTING bye 0          STARTING \n"
	"STARTING exit 0 0       DEAD     proc 0 init failed SPAWN; proc 0 exited; wake 1010ms\n"
	"STARTING exit 0 sig9    DEAD     proc 0 init failed SPAWN; proc 0 exited; wake 1010ms\n"
	"STARTING tick           STARTING wake 300s\n"
	"STARTING drain          TERM     term 0; wake 2010ms; term 1\n"
	"STARTING abort          TERM     term 0; wake 2010ms; term 1\n"
	"STARTING finish         TERM     term 0; wake 2010ms; term 1\n",
	"INIT     start          INIT     \n"
	"INIT     lease 8        INIT     ask 1\n"
	"INIT     spawned 0      INIT     proc 0 started\n"
	"INIT     nospawn 0      INIT     \n"
	"INIT     hello 0        INIT     \n"
	"INIT     ready 0        IDLE     proc 0 ready; ask 1\n"
	"INIT     initfail 0     TERM     proc 0 init failed INIT_EXCEPTION; wake 2010ms\n"
	"INIT     result 0 1     INIT     dropped 0/1 u0\n"
	"INIT     fail 0 1 RUN_EXCEPTION INIT     dropped 0/1 u0\n"
	"INIT     recalled 0 1   INIT     \n"
	"INIT     broken 0       KILL     proc 0 init failed PROTOCOL; kill 0\n"
	"INIT     bye 0          INIT     \n"
	"INIT     exit 0 0       DEAD     proc 0 init failed INIT_EXIT; proc 0 exited; wake 110ms\n"
	"INIT     exit 0 sig9    DEAD     proc 0 init failed INIT_EXIT; proc 0 exited; wake 110ms\n"
	"INIT     tick           INIT     wake 300s\n"
	"INIT     drain          TERM     term 0; wake 2010ms; term 1\n"
	"INIT     abort          TERM     term 0; wake 2010ms; term 1\n"
	"INIT     finish         TERM     term 0; wake 2010ms; term 1\n",
	"IDLE     start          IDLE     \n"
	"IDLE     lease 8        BUSY     wake 30010ms; send 0/1 u8\n"
	"IDLE     spawned 0      IDLE     proc 0 started\n"
	"IDLE     nospawn 0      IDLE     \n"
	"IDLE     hello 0        IDLE     \n"
	"IDLE     ready 0        IDLE     \n"
	"IDLE     initfail 0     IDLE     \n"
	"IDLE     result 0 1     IDLE     dropped 0/1 u0\n"
	"IDLE     fail 0 1 RUN_EXCEPTION IDLE     dropped 0/1 u0\n"
	"IDLE     recalled 0 1   IDLE     \n"
	"IDLE     broken 0       KILL     kill 0; ask 0\n"
	"IDLE     bye 0          IDLE     \n"
	"IDLE     exit 0 0       DEAD     proc 0 exited IDLE_EXIT; wake 110ms; ask 0\n"
	"IDLE     exit 0 sig9    DEAD     proc 0 exited IDLE_EXIT; wake 110ms; ask 0\n"
	"IDLE     tick           IDLE     wake 300s\n"
	"IDLE     drain          STOPPING stop 0; wake 30010ms; term 1; wake 2010ms; ask 0\n"
	"IDLE     abort          TERM     term 0; wake 2010ms; term 1; ask 0\n"
	"IDLE     finish         STOPPING stop 0; wake 30010ms; term 1; wake 2010ms; ask 0\n",
	"BUSY     start          BUSY     \n"
	"BUSY     lease 8        BUSY     ask 2\n"
	"BUSY     spawned 0      BUSY     proc 0 started\n"
	"BUSY     nospawn 0      BUSY     \n"
	"BUSY     hello 0        BUSY     \n"
	"BUSY     ready 0        BUSY     \n"
	"BUSY     initfail 0     BUSY     \n"
	"BUSY     result 0 1     IDLE     accept 0/1 u7; ask 2\n"
	"BUSY     fail 0 1 RUN_EXCEPTION IDLE     try 0/1 u7 RUN_EXCEPTION; ask 2\n"
	"BUSY     recalled 0 1   BUSY     drop 0/1 x1; send 0/2 u7\n"
	"BUSY     broken 0       KILL     kill 0\n"
	"BUSY     bye 0          BUSY     \n"
	"BUSY     exit 0 0       STARTING try 0/1 u7 RUN_EXIT; proc 0 exited; spawn 0#2\n"
	"BUSY     exit 0 sig9    STARTING try 0/1 u7 RUN_CRASH; proc 0 exited; spawn 0#2\n"
	"BUSY     tick           BUSY     wake 60s\n"
	"BUSY     drain          BUSY     recall 0 x1; term 1; wake 2010ms\n"
	"BUSY     abort          TERM     term 0; wake 2010ms; term 1\n"
	"BUSY     finish         BUSY     recall 0 x1; term 1; wake 2010ms\n",
	"STOPPING start          STOPPING \n"
	"STOPPING lease 8        STOPPING return u8; ask 1\n"
	"STOPPING spawned 0      STOPPING proc 0 started\n"
	"STOPPING nospawn 0      STOPPING \n"
	"STOPPING hello 0        STOPPING \n"
	"STOPPING ready 0        STOPPING \n"
	"STOPPING initfail 0     STOPPING \n"
	"STOPPING result 0 1     STOPPING dropped 0/1 u0\n"
	"STOPPING fail 0 1 RUN_EXCEPTION STOPPING dropped 0/1 u0\n"
	"STOPPING recalled 0 1   STOPPING \n"
	"STOPPING broken 0       KILL     kill 0\n"
	"STOPPING bye 0          STOPPING \n"
	"STOPPING exit 0 0       DEAD     proc 0 exited\n"
	"STOPPING exit 0 sig9    DEAD     proc 0 exited\n"
	"STOPPING tick           STOPPING wake 30s; wake 2s\n"
	"STOPPING drain          STOPPING \n"
	"STOPPING abort          TERM     term 0\n"
	"STOPPING finish         STOPPING \n",
	"TERM     start          TERM     \n"
	"TERM     lease 8        TERM     return u8; ask 2\n"
	"TERM     spawned 0      TERM     proc 0 started\n"
	"TERM     nospawn 0      TERM     \n"
	"TERM     hello 0        TERM     \n"
	"TERM     ready 0        TERM     \n"
	"TERM     initfail 0     TERM     \n"
	"TERM     result 0 1     TERM     accept 0/1 u7\n"
	"TERM     fail 0 1 RUN_EXCEPTION TERM     return u7\n"
	"TERM     recalled 0 1   TERM     drop 0/1 x1; return u7\n"
	"TERM     broken 0       KILL     kill 0\n"
	"TERM     bye 0          TERM     \n"
	"TERM     exit 0 0       DEAD     return u7; proc 0 killed\n"
	"TERM     exit 0 sig9    DEAD     return u7; proc 0 killed\n"
	"TERM     tick           TERM     wake 2s\n"
	"TERM     drain          TERM     \n"
	"TERM     abort          TERM     \n"
	"TERM     finish         TERM     \n",
	"KILL     start          KILL     \n"
	"KILL     lease 8        KILL     ask 2\n"
	"KILL     spawned 0      KILL     proc 0 started\n"
	"KILL     nospawn 0      KILL     \n"
	"KILL     hello 0        KILL     \n"
	"KILL     ready 0        KILL     \n"
	"KILL     initfail 0     KILL     \n"
	"KILL     result 0 1     KILL     accept 0/1 u7\n"
	"KILL     fail 0 1 RUN_EXCEPTION KILL     try 0/1 u7 RUN_EXCEPTION\n"
	"KILL     recalled 0 1   KILL     drop 0/1 x1\n"
	"KILL     broken 0       KILL     \n"
	"KILL     bye 0          KILL     \n"
	"KILL     exit 0 0       STARTING try 0/1 u7 PROTOCOL; proc 0 killed; spawn 0#2\n"
	"KILL     exit 0 sig9    STARTING try 0/1 u7 PROTOCOL; proc 0 killed; spawn 0#2\n"
	"KILL     tick           KILL     wake 300s\n"
	"KILL     drain          KILL     term 1; wake 2010ms\n"
	"KILL     abort          KILL     term 1; wake 2010ms\n"
	"KILL     finish         KILL     term 1; wake 2010ms\n",
	"DEAD     start          DEAD     \n"
	"DEAD     lease 8        DEAD     ask 1\n"
	"DEAD     tick           DEAD     wake 300s; wake 1s\n"
	"DEAD     drain          DEAD     term 1\n"
	"DEAD     abort          DEAD     term 1\n"
	"DEAD     finish         DEAD     term 1\n",
};

#define POOL_STORIES                                                                                                  \
	T(test_happy), T(test_start_after_the_end), T(test_start_once), T(test_depth), T(test_refill_from_half),      \
		T(test_bodies_have_a_limit), T(test_a_body_for_each), T(test_ask_counts_from_the_start),              \
		T(test_fewest_first), T(test_avoid_slot), T(test_avoid_slot_alone),                                   \
		T(test_retries_that_wait_are_not_room), T(test_a_retry_gives_way), T(test_a_retry_waits_for_a_start), \
		T(test_pause), T(test_pause_and_phase_begun_in_it), T(test_pause_and_phase_seen_after_it),            \
		T(test_pause_and_run), T(test_two_pauses), T(test_pause_of_a_shutdown),                               \
		T(test_pause_without_end_of_the_one_before), T(test_ends_before_hello), T(test_a_slot_is_given_up),   \
		T(test_a_row_ends_with_an_init), T(test_none_is_left), T(test_init_fails_in_turn),                    \
		T(test_failures_of_a_given_up_slot_do_not_count), T(test_a_finished_unit_begins_anew),                \
		T(test_slow_head_gets_nothing_more), T(test_recall), T(test_recall_comes_too_late),                   \
		T(test_recall_in_part), T(test_no_recall_for_nobody), T(test_recall_with_a_retry_among_them),         \
		T(test_run_timeout), T(test_run_timeout_result_first), T(test_load_timeout), T(test_write_timeout),   \
		T(test_long_run_is_no_write), T(test_takes_no_unit), T(test_answers_on_their_way),                    \
		T(test_timer_belongs_to_the_claim), T(test_init_timeout), T(test_shutdown_timeout),                   \
		T(test_no_busy_timer), T(test_over_limit), T(test_over_limit_in_init), T(test_over_limit_idle),       \
		T(test_killed_by_the_kernel), T(test_retire), T(test_retire_idle), T(test_serves_two), T(test_crash), \
		T(test_exit_without_result), T(test_exit_socket_closed), T(test_exit_load), T(test_died_between_two), \
		T(test_result_read_before_death), T(test_backoff), T(test_spawn_failed),                              \
		T(test_init_failed_is_told_once), T(test_init_failed_and_stays), T(test_broken_before_init),          \
		T(test_broken_idle), T(test_broken_busy), T(test_broken_unstarted),                                   \
		T(test_broken_in_the_answer_before), T(test_run_ended_its_process),                                   \
		T(test_run_ended_its_process_slowly), T(test_unknown_answers), T(test_drain),                         \
		T(test_drain_during_recall), T(test_drain_charges_a_crash), T(test_drain_then_abort), T(test_abort),  \
		T(test_abort_before_spawned), T(test_finish_while_busy), T(test_finish_of_one_while_the_other_lives), \
		T(test_unkillable), T(test_unkillable_blocks_its_slot_only), T(test_unkillable_in_init), T(test_gap), \
		T(test_no_gap), T(test_gap_exactly), T(test_gap_limit), T(test_two_gaps),                             \
		T(test_gap_seen_by_another_event), T(test_gap_and_phase_begun_in_it), T(test_gap_init),               \
		T(test_gap_backoff), T(test_looks_at_pages), T(test_clock_that_stands), T(test_clock_in_the_future),  \
		T(test_clock_that_stood_at_the_look), T(test_clock_that_stood_when_sent), T(test_load_is_no_run),     \
		T(test_each_unit_has_its_own_time), T(test_begun_before_the_result_was_read),                         \
		T(test_takes_no_unit_in_the_future), T(test_takes_no_unit_in_the_past)
