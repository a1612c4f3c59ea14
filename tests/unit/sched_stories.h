/* SPDX-License-Identifier: Apache-2.0
 * sched_stories: the stories of test_sched.c.
 */

/* ---- order ------------------------------------------------------------------------------------------------------- */

STORY(test_order, "start -> ", "up 0 2 -> ", "plan 3 -> ", "ask 0 2 -> lease u0 to n0; lease u1 to n0",
      "plan 5 all -> ", "done 1 -> ", "ask 0 4 -> lease u2 to n0; lease u3 to n0", "done 0 -> ",
      "ask 0 9 -> lease u4 to n0", "done 2 -> ", "done 4 -> ", "done 3 -> all final")

STORY(test_asks_count_from_the_start, "up 0 2", "plan 9 all", "ask 0 2 -> lease u0 to n0; lease u1 to n0",
      "ask 0 2 -> ", "ask 0 1 -> ", "ask 0 3 -> lease u2 to n0", "down 0 -> ", "ask 0 5 -> ", "up 0 2 -> ",
      "ask 0 1 -> lease u0 to n0")

STORY(test_repeated_first_lowest_first, "up 0 2", "plan 9 all", "ask 0 4", "return 2 -> ", "return 0 -> ",
      "try 3 RUN_EXCEPTION -> ",
      "ask 0 8 -> lease u0 to n0; lease u2 to n0; lease u3 to n0 try 2 not 0; lease u4 to n0")

STORY(test_nodes_share, "up 0 2", "up 1 2", "ask 0 3", "ask 1 2",
      "plan 9 all -> lease u0 to n0; lease u1 to n1; lease u2 to n0; lease u3 to n1; lease u4 to n0")

STORY(test_retry_elsewhere, "up 0 2", "up 1 2", "plan 9 all", "ask 0 1", "try 0 RUN_EXCEPTION 1 -> ",
      "ask 0 2 -> lease u0 to n0 try 2 not 1", "try 0 RUN_CRASH 0 -> ", "ask 1 1 -> lease u0 to n1 try 3")
STORY(test_retry_here, "up 0 2", "plan 9 all", "ask 0 1", "try 0 USER_RETURN_TYPE 1 -> ",
      "ask 0 2 -> lease u0 to n0 try 2")
STORY(test_one_process_avoids_nothing, "up 0 1", "plan 9 all", "ask 0 1", "try 0 RUN_EXCEPTION 0 -> ",
      "ask 0 2 -> lease u0 to n0 try 2")
STORY(test_avoided_slot_outlives_a_return, "up 0 2", "plan 9 all", "ask 0 1", "try 0 RUN_EXCEPTION 1",
      "ask 0 2 -> lease u0 to n0 try 2 not 1", "return 0 -> ", "ask 0 3 -> lease u0 to n0 try 2 not 1")

/* ---- tries ------------------------------------------------------------------------------------------------------- */

STORY(test_three_tries, "up 0 2", "plan 1 all", "ask 0 1 -> lease u0 to n0", "try 0 RUN_EXCEPTION 0 -> ",
      "ask 0 2 -> lease u0 to n0 try 2 not 0", "try 0 RUN_TIMEOUT 1 -> ", "ask 0 3 -> lease u0 to n0 try 3 not 1",
      "try 0 RUN_CRASH 0 -> fail u0 RUN_CRASH 10 items", "ask 0 9 -> ", "failed 0 -> all final")
LIMITED(test_one_try, l.run_max_try = 1, "up 0 2", "plan 1 all", "ask 0 2 -> lease u0 to n0",
        "try 0 RUN_EXCEPTION 0 -> fail u0 RUN_EXCEPTION 10 items", "failed 0 -> all final")
STORY(test_no_retry_for_what_cannot_help, "up 0 2", "plan 1 all", "ask 0 9 -> lease u0 to n0",
      "try 0 ASYNC_RUN -> fail u0 ASYNC_RUN 10 items")
STORY(test_the_same_in_every_try, "up 0 2", "plan 9 all", "ask 0 2 -> lease u0 to n0; lease u1 to n0",
      "try 0 AZURE_NAME 0 score.py:3 -> fail u0 AZURE_NAME 10 items; abort AZURE_NAME: score.py:3", "failed 0 -> ",
      "try 1 AZURE_NAME 1 score.py:3 -> fail u1 AZURE_NAME 10 items", "failed 1 -> ", "ask 0 9 -> ", "next -> never")
STORY(test_the_same_in_every_try_and_nothing_said, "up 0 2", "plan 1 all", "ask 0 1",
      "try 0 AZURE_NAME -> fail u0 AZURE_NAME 10 items; "
      "abort AZURE_NAME: the script uses a name of azureml.* that PRS does not have")
/* A mini-batch of a table that cannot be read as planned ends at once, and the next one goes on. */
STORY(test_no_retry_of_what_does_not_fit, "up 0 1", "plan 3 all", "ask 0 1 -> lease u0 to n0",
      "try 0 VALUE_MISFIT -> fail u0 VALUE_MISFIT 10 items", "failed 0 -> ", "ask 0 2 -> lease u1 to n0",
      "try 1 INPUT_MOVED -> fail u1 INPUT_MOVED 10 items", "failed 1 -> ", "ask 0 3 -> lease u2 to n0",
      "done 2 -> all final")

STORY(test_pause, "up 0 2", "plan 2 all", "ask 0 9 -> lease u0 to n0; lease u1 to n0", "@1s try 0 NOSPACE -> ",
      "next -> 2s", "@1999999us tick -> ", "@2s tick -> lease u0 to n0", "next -> never", "@3s try 0 IO",
      "@4s try 1 NOMEM -> lease u0 to n0", "next -> 5s", "@4500ms done 1 -> ", "@5s tick -> ", "done 0 -> all final")
STORY(test_paused_is_not_leased_as_new, "up 0 2", "plan 3 all", "ask 0 1 -> lease u0 to n0", "@1s try 0 IO -> ",
      "reset 0 1 -> ", "ask 0 9 -> lease u1 to n0; lease u2 to n0", "@2s tick -> lease u0 to n0")
STORY(test_final_while_paused, "up 0 2", "plan 1 all", "ask 0 9", "@1s try 0 IO", "@1500ms done 0 -> all final",
      "@2s tick -> ", "@2s reset 0 1 -> lease u0 to n0")

STORY(test_return_costs_nothing, "up 0 1", "plan 1 all", "ask 0 1", "return 0", "ask 0 2", "return 0", "ask 0 3",
      "return 0", "ask 0 4 -> lease u0 to n0", "try 0 RUN_EXCEPTION", "ask 0 5 -> lease u0 to n0 try 2")

/* ---- bisect ------------------------------------------------------------------------------------------------------ */

#define BISECT(name, ...) LIMITED(name, (l.bisect = true, l.run_max_try = 2), __VA_ARGS__)

/* Item 3 of mini-batch 0 is bad: 5, 2, 1 good ones, then it alone has its two tries. */
BISECT(test_bisect, "up 0 1", "plan 2 all", "ask 0 1 -> lease u0 to n0", "try 0 RUN_EXCEPTION -> ",
       "ask 0 2 -> lease u0 to n0 try 2", "try 0 RUN_EXCEPTION -> halve u0 RUN_EXCEPTION 10 items", "split 0 -> ",
       "ask 0 3 -> lease u0[0+5] to n0", "try 0[0+5] RUN_EXCEPTION -> halve u0[0+5] RUN_EXCEPTION 5 items",
       "split 0[0+5] -> ", "ask 0 6 -> lease u0[0+2] to n0; lease u0[2+3] to n0; lease u0[5+5] to n0", "done 0[0+2] 2",
       "done 0[5+5] 5 -> ", "try 0[2+3] RUN_CRASH -> halve u0[2+3] RUN_CRASH 3 items", "split 0[2+3] -> ",
       "ask 0 8 -> lease u0[2+1] to n0; lease u0[3+2] to n0", "done 0[2+1] 1 -> ",
       "try 0[3+2] RUN_CRASH -> halve u0[3+2] RUN_CRASH 2 items", "split 0[3+2] -> ", "ask 0 9 -> lease u0[3+1] to n0",
       "done 1 -> ", "ask 0 10 -> lease u0[4+1] to n0", "done 0[4+1] 1 -> ", "try 0[3+1] RUN_CRASH -> ",
       "ask 0 11 -> lease u0[3+1] to n0 try 2", "try 0[3+1] RUN_CRASH -> fail u0[3+1] RUN_CRASH 1 items",
       "failed 0[3+1] -> all final")
BISECT(test_bisect_all_good_then, "up 0 1", "plan 1 all", "ask 0 9", "try 0 RUN_EXCEPTION",
       "try 0 RUN_EXCEPTION -> halve u0 RUN_EXCEPTION 10 items", "split 0 -> lease u0[0+5] to n0; lease u0[5+5] to n0",
       "done 0[5+5] 5 -> ", "done 0[0+5] 5 -> all final") /* it was not the items' fault: the mini-batch is done */
BISECT(test_no_bisect_without_hope, "up 0 1", "plan 2 all", "ask 0 9", "try 0 ASYNC_RUN -> fail u0 ASYNC_RUN 10 items")
/* Item 4 does not fit, and item 6: each is a part of its own at the first try, and nobody looks for it in halves. */
BISECT(test_misfit, "up 0 1", "plan 2 all", "ask 0 1 -> lease u0 to n0",
       "misfit 0 4 -> free u0 VALUE_MISFIT 10 items of 4", "split 0 4 -> ",
       "ask 0 4 -> lease u0[0+3] to n0; lease u0[3+1] to n0; lease u0[4+6] to n0",
       "misfit 0[4+6] 6 -> free u0[4+6] VALUE_MISFIT 6 items of 6", "split 0[4+6] 6 -> ",
       "misfit 0[3+1] 4 -> fail u0[3+1] VALUE_MISFIT 1 items", "failed 0[3+1] -> ", "done 0[0+3] 3 -> ",
       "ask 0 9 -> lease u0[4+1] to n0; lease u0[5+1] to n0; lease u0[6+4] to n0; lease u1 to n0")
BISECT(test_misfit_of_nobody, "up 0 1", "plan 1 all", "ask 0 1", "misfit 0 11 -> halve u0 VALUE_MISFIT 10 items",
       "split 0 11 -> ", "ask 0 2", "misfit 0[0+5] -> halve u0[0+5] VALUE_MISFIT 5 items")
STORY(test_misfit_without_bisect, "up 0 1", "plan 1 all", "ask 0 1", "misfit 0 4 -> fail u0 VALUE_MISFIT 10 items",
      "failed 0 -> all final")
BISECT(test_moved, "up 0 1", "plan 2 all", "ask 0 1", "try 0 INPUT_MOVED -> fail u0 INPUT_MOVED 10 items",
       "failed 0 -> ", "ask 0 2 -> lease u1 to n0")
BISECT(test_no_bisect_of_what_is_the_same_in_every_try, "up 0 1", "plan 2 all", "ask 0 9",
       "try 0 AZURE_NAME 0 why -> fail u0 AZURE_NAME 10 items; abort AZURE_NAME: why")
BISECT(test_no_bisect_of_poison, "up 0 1", "plan 1 all", "ask 0 1", "lost 0 0", "up 0 1", "ask 0 1", "lost 0 0",
       "up 0 1", "ask 0 1", "lost 0 0 -> fail u0 NODE_POISON 10 items")
BISECT(test_bisect_and_nodes, "up 0 2", "up 1 2", "plan 1 all", "ask 0 9", "try 0 RUN_EXCEPTION", "try 0 RUN_EXCEPTION",
       "split 0 -> lease u0[0+5] to n0; lease u0[5+5] to n0", "down 0 -> ",
       "ask 1 9 -> lease u0[0+5] to n1; lease u0[5+5] to n1", "old return 0[0+5] -> ",
       "return 0[5+5] -> lease u0[5+5] to n1", "old try 0[0+5] RUN_CRASH -> ", "done 0[0+5] 5",
       "done 0[5+5] 5 -> all final")
BISECT(test_bisect_pause, "up 0 2", "plan 1 all", "ask 0 9", "try 0 RUN_EXCEPTION", "try 0 RUN_EXCEPTION",
       "split 0 -> lease u0[0+5] to n0; lease u0[5+5] to n0", "@1s try 0[0+5] IO -> ",
       "@2s tick -> lease u0[0+5] to n0")
BISECT(test_bisect_reset, "up 0 2", "plan 1 all", "ask 0 9", "try 0 RUN_EXCEPTION", "try 0 RUN_EXCEPTION",
       "split 0 -> lease u0[0+5] to n0; lease u0[5+5] to n0", "done 0[0+5] 5", "return 0[5+5] -> lease u0[5+5] to n0",
       "reset 0 1 -> lease u0 to n0", "done 0[5+5] 5 -> ", "try 0 RUN_EXCEPTION -> lease u0 to n0 try 2 not 0")
LIMITED(test_bisect_progress, (l.bisect = true, l.run_max_try = 1), "start", "up 0 2", "plan 1 all", "ask 0 9",
        "@1s initok 0 0", "@200s try 0 RUN_TIMEOUT", "@201s split 0", "next -> 471s")
LIMITED(test_bisect_thresholds, (l.bisect = true, l.run_max_try = 1, l.error_threshold = 1, l.allowed_failed_count = 0),
        "up 0 2", "plan 2 all", "ask 0 99", "try 0 RUN_EXCEPTION", "split 0", "done 0[5+5] 5",
        "try 0[0+5] RUN_EXCEPTION", "split 0[0+5]", "done 0[2+3] 3", "try 0[0+2] RUN_EXCEPTION", "split 0[0+2]",
        "try 0[0+1] RUN_EXCEPTION -> fail u0[0+1] RUN_EXCEPTION 1 items", "failed 0[0+1] -> ",
        /* one item is tolerated; the mini-batch is not */
        "done 0[1+1] 1 -> abort ALLOWED_FAILED_COUNT: 1 mini-batch failed; allowed_failed_count allows 0")
LIMITED(test_bisect_error_threshold, (l.bisect = true, l.run_max_try = 1, l.error_threshold = 1), "up 0 2",
        "plan 1 all", "ask 0 99", "try 0 RUN_EXCEPTION", "split 0", "done 0[5+5] 4 -> ", "try 0[0+5] RUN_EXCEPTION",
        "split 0[0+5]", "done 0[2+3] 3", "try 0[0+2] RUN_EXCEPTION", "split 0[0+2]", "try 0[0+1] RUN_EXCEPTION",
        "failed 0[0+1] -> abort ERROR_THRESHOLD: 2 items failed; error_threshold allows 1") /* a gap and an item */

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

STORY(test_node_down, "up 0 2", "up 1 2", "plan 9 all", "ask 0 3", "ask 1 1", "try 1 RUN_EXCEPTION 1",
      "ask 1 9 -> lease u1 to n1 try 2; lease u4 to n1; lease u5 to n1; lease u6 to n1; lease u7 to n1; lease u8 to n1",
      "down 0 -> lease u0 to n1; lease u2 to n1", "down 0 -> ", "ask 0 5 -> ", "old try 0 RUN_EXCEPTION -> ",
      "old return 2 -> ", "ask 1 20 -> ", "down 7 -> ")
STORY(test_node_up_again, "up 0 2", "up 1 2", "plan 9 all", "ask 0 2", "ask 1 1 -> lease u2 to n1", "up 0 3 -> ",
      "ask 1 3 -> lease u0 to n1; lease u1 to n1", "ask 0 1 -> lease u3 to n0", "old return 0 -> ",
      "ask 1 4 -> lease u4 to n1")
STORY(test_node_down_alone, "up 0 2", "plan 9 all", "ask 0 3", "down 0 -> ", "up 0 2 -> ", "ask 0 1 -> lease u0 to n0")
STORY(test_what_a_lost_node_says, "up 0 2", "up 1 2", "plan 2 all", "ask 0 1 -> lease u0 to n0", "lost 0 0 -> ",
      "ask 1 1 -> lease u0 to n1", "old try 0 RUN_EXCEPTION 0 -> ", "old return 0 -> ", "done 0 -> ",
      "try 0 RUN_EXCEPTION 0 -> ", "ask 1 2 -> lease u1 to n1")

STORY(test_poison, "up 0 2", "plan 5 all", "ask 0 2 -> lease u0 to n0; lease u1 to n0", "lost 0 0 -> ", "up 0 2",
      "ask 0 2 -> lease u0 to n0; lease u1 to n0", "lost 0 0 -> ", /* twice: alone from now on */
      "up 0 2", "ask 0 2 -> lease u0 to n0 alone", "done 0 -> lease u1 to n0")
STORY(test_poison_third, "up 0 2", "plan 3 all", "ask 0 1", "lost 0 0", "up 0 2", "ask 0 1", "lost 0 0", "up 0 2",
      "ask 0 1", "lost 0 0 -> fail u0 NODE_POISON 10 items", "up 0 2", "ask 0 1 -> lease u1 to n0", "failed 0 -> ")
STORY(test_poison_waits_to_be_alone, "up 0 2", "up 1 2", "plan 9 all", "ask 0 1",
      "ask 1 2 -> lease u1 to n1; lease u2 to n1", "lost 0 0", "up 0 2", "ask 0 1 -> lease u0 to n0", "lost 0 0 -> ",
      "ask 1 4 -> ", /* node 1 is busy with 1 and 2 */
      "done 1 -> ", "done 2 -> lease u0 to n1 alone", "done 0 -> lease u3 to n1")
STORY(test_poison_alone_is_over, "up 0 2", "plan 9 all", "ask 0 1", "lost 0 0", "up 0 2", "ask 0 1", "lost 0 0",
      "up 0 2", "ask 0 3 -> lease u0 to n0 alone", "return 0 -> lease u0 to n0 alone",
      "try 0 RUN_EXCEPTION 0 -> lease u0 to n0 try 2 not 0 alone")
/* "lost+": others were finished in that life */
STORY(test_down_while_others_are_finished, "up 0 2", "plan 5 all", "ask 0 2", "lost+ 0 0 -> ", "up 0 2",
      "ask 0 2 -> lease u0 to n0; lease u1 to n0", "lost+ 0 0 -> ", "up 0 2", "ask 0 2 -> lease u0 to n0 alone",
      "lost+ 0 0 -> ", "up 0 2", "ask 0 2 -> lease u0 to n0 alone", "lost+ 0 0 -> ", "up 0 2",
      "ask 0 2 -> lease u0 to n0 alone", "lost 0 0 -> ", "up 0 2", "ask 0 2 -> lease u0 to n0 alone", "lost 0 0 -> ",
      "up 0 2", "ask 0 2 -> lease u0 to n0 alone", "lost 0 0 -> fail u0 NODE_POISON 10 items", "up 0 2",
      "ask 0 2 -> lease u1 to n0; lease u2 to n0")
STORY(test_alone_comes_first, "plan 9 all", "lost 0 3 6 7", "lost 0 3 6", "start", "up 0 3",
      "ask 0 3 -> lease u3 to n0 alone", "done 3 -> lease u6 to n0 alone", "done 6 -> lease u0 to n0",
      "ask 0 5 -> lease u1 to n0; lease u2 to n0", "done 0 -> ", "done 1 -> ", "done 2 -> ", "done 4 -> ")
STORY(test_queued_is_not_running, "up 0 2", "plan 9 all", "ask 0 2", "lost 0", "up 0 2", "ask 0 2", "lost 0", "up 0 2",
      "ask 0 2", "lost 0", "up 0 2", "ask 0 2 -> lease u0 to n0; lease u1 to n0")

/* ---- the first mini-batches all fail ----------------------------------------------------------------------------- */

/* One try each, so that a line is a mini-batch. */
#define FAST(name, ...) LIMITED(name, (l.fail_fast = true, l.run_max_try = 1), __VA_ARGS__)
#define BAD(id, kind) "try " #id " RUN_EXCEPTION 0 " kind, "failed " #id " -> "
#define BAD_9(kind)                                                                                       \
	BAD(0, kind), BAD(1, kind), BAD(2, kind), BAD(3, kind), BAD(4, kind), BAD(5, kind), BAD(6, kind), \
		BAD(7, kind), BAD(8, kind)
#define SAID "abort FAIL_FAST: the first 10 mini-batches all failed with the same error: "

FAST(test_fail_fast, "up 0 3", "plan 99 all", "ask 0 50", BAD_9("Bad"), "try 9 RUN_EXCEPTION 1 Bad",
     "failed 9 -> " SAID "Bad", BAD(10, "Bad"))
FAST(test_fail_fast_without_a_kind, "up 0 1", "plan 99 all", "ask 0 50", BAD_9(""), "try 9 RUN_EXCEPTION",
     "failed 9 -> " SAID "run() raised an exception")
FAST(test_fail_fast_three_a_process, "up 0 3", "up 1 1", "plan 99 all", "ask 0 50", BAD_9("Bad"), BAD(9, "Bad"),
     BAD(10, "Bad"), "try 11 RUN_EXCEPTION 0 Bad",
     "failed 11 -> abort FAIL_FAST: the first 12 mini-batches all failed with the same error: Bad")
FAST(test_fail_fast_another_kind, "up 0 1", "plan 99 all", "ask 0 50", BAD_9("Bad"), BAD(9, "Mad"), BAD(10, "Bad"),
     BAD(11, "Bad"))
FAST(test_fail_fast_another_code, "up 0 1", "plan 99 all", "ask 0 50", BAD_9(""), "try 9 RUN_CRASH", "failed 9 -> ",
     BAD(10, ""))
FAST(test_fail_fast_one_succeeded, "up 0 1", "plan 99 all", "ask 0 50", "done 50 0", BAD_9("Bad"), BAD(9, "Bad"),
     BAD(10, "Bad"))
/* A pause says nothing of the script. */
FAST(test_fail_fast_pauses_do_not_differ, "up 0 1", "plan 99 all", "ask 0 50", "try 20 NOSPACE", BAD_9("Bad"),
     "try 9 RUN_EXCEPTION 0 Bad", "failed 9 -> " SAID "Bad")
/* A try that differs, though another one of that mini-batch did not. */
#define BAD_AT_ONCE(id) "try " #id " ASYNC_RUN", "failed " #id " -> "
LIMITED(test_fail_fast_every_try, (l.fail_fast = true, l.run_max_try = 2), "up 0 1", "plan 99 all", "ask 0 50",
        "try 0 RUN_EXCEPTION -> ", "ask 0 51 -> lease u0 to n0 try 2", BAD_AT_ONCE(0), BAD_AT_ONCE(1), BAD_AT_ONCE(2),
        BAD_AT_ONCE(3), BAD_AT_ONCE(4), BAD_AT_ONCE(5), BAD_AT_ONCE(6), BAD_AT_ONCE(7), BAD_AT_ONCE(8), BAD_AT_ONCE(9))
LIMITED(test_fail_fast_off, l.run_max_try = 1, "up 0 1", "plan 99 all", "ask 0 50", BAD_9("Bad"), BAD(9, "Bad"))
/* Of lives before it is only known that something succeeded, or not. */
FAST(test_fail_fast_succeeded_before, "resume 1", "up 0 1", "plan 99 all", "ask 0 50", BAD(11, "Bad"), BAD(12, "Bad"),
     BAD_9("Bad"))

/* ---- the end ----------------------------------------------------------------------------------------------------- */

STORY(test_all_final_once, "up 0 2", "plan 2 all", "ask 0 2", "done 0 -> ", "done 1 -> all final", "tick -> ",
      "plan 2 all -> ", "reset 0 1 -> ", "ask 0 3 -> lease u0 to n0", "done 0 -> all final", "done 0 -> ")
STORY(test_all_final_needs_the_whole_plan, "up 0 2", "plan 1 -> ", "ask 0 2", "done 0 -> ", "plan 1 all -> all final")
STORY(test_all_final_on_resume, "resume 2 -> all final", "up 0 2 -> ", "ask 0 4 -> ")
/* What was planned before runs to its end, its tries too; the ledger may hear of the last of it late. */
STORY(test_plan_stops, "start", "up 0 1", "plan 1", "ask 0 5 -> lease u0 to n0", "done 0", "planstops 2 INVALID -> ",
      "plan 2 -> lease u1 to n0", "try 1 RUN_EXCEPTION -> lease u1 to n0 try 2", "done 1 -> abort INVALID: a quote")
STORY(test_plan_stops_with_nothing, "start", "up 0 1", "planstops 0 INVALID -> abort INVALID: a quote")
STORY(test_plan_stops_and_so_do_we, "start", "up 0 1", "plan 1", "ask 0 5", "planstops 1 INVALID -> ", "stop",
      "done 0 -> ")
LIMITED(test_plan_stops_a_limit_is_first, l.error_threshold = 0, "start", "up 0 1", "plan 2", "ask 0 5",
        "planstops 2 INVALID -> ", "failed 0 -> abort ERROR_THRESHOLD: 10 items failed; error_threshold allows 0",
        "done 1 -> ")
STORY(test_nothing_planned, "start", "plan 0 all -> all final")
STORY(test_stop, "up 0 2", "plan 3 all", "ask 0 1 -> lease u0 to n0", "stop -> ", "ask 0 5 -> ",
      "try 0 RUN_EXCEPTION -> ", "done 0 -> ", "done 1 -> ", "done 2 -> ", "next -> never",
      "initfail 0 0 NO_RUN_FUNCTION -> ")
LIMITED(test_abort_once, l.error_threshold = 0, "up 0 2", "plan 3 all", "ask 0 3",
        "failed 0 -> abort ERROR_THRESHOLD: 10 items failed; error_threshold allows 0", "failed 1 -> ", "ask 0 9 -> ",
        "initfail 0 0 NO_RUN_FUNCTION -> ", "done 2 -> ", "next -> never", "@9999s tick -> ")

/* ---- timeouts ---------------------------------------------------------------------------------------------------- */

STORY(test_first_task, "next -> never", "@1s start -> ", "next -> 601s", "@600999999us tick -> ",
      "@601s tick -> abort FIRST_TASK_TIMEOUT: unable to create any mini-batch within first_task_creation_timeout",
      "next -> never")
STORY(test_first_task_in_time, "@1s start", "@600s plan 1 -> ", "next -> never", "@601s tick -> ")
STORY(test_first_task_nothing_there, "@1s start", "@2s plan 0 all -> all final", "next -> never")

STORY(test_progress, "start", "plan 9", "@1s up 0 2", "ask 0 2", "@1000s tick -> ",
      "next -> never", /* the clock starts at the first finished init */
      "@1001s initok 0 0 -> ", "next -> 1271s", "@1005s initok 0 1", "next -> 1271s", "@1270999999us tick -> ",
      "@1270999999us done 0 -> ", "next -> 1540999999us", "@1300s try 1 RUN_EXCEPTION", "next -> 1540999999us",
      "@1400s failed 1", "next -> 1670s", "@1669999999us tick -> ",
      "@1670s tick -> abort NO_PROGRESS: no mini-batch was finished for 270 s (progress_update_timeout)")
STORY(test_progress_stands_while_nothing_is_open, "start", "plan 1", "up 0 2", "ask 0 9", "@1s initok 0 0",
      "next -> 271s", "@2s done 0", "next -> 602s", /* the lister is slow */
      "@601s tick -> ", "@601500ms plan 2 -> lease u1 to n0", "next -> 871500ms",
      "@871500ms tick -> abort NO_PROGRESS: no mini-batch was finished for 270 s (progress_update_timeout)")
STORY(test_listing_stands_still, "start", "plan 1", "up 0 2", "ask 0 9", "@1s initok 0 0", "@2s done 0",
      "@601s tick -> ",
      "@602s tick -> abort FIRST_TASK_TIMEOUT: unable to list any further mini-batch within "
      "first_task_creation_timeout",
      "next -> never")
STORY(test_progress_before_planning, "start", "up 0 2", "@1s initok 0 0", "next -> 600s", "@599s plan 1 all",
      "next -> 869s")
STORY(test_progress_without_nodes, "start", "plan 9", "up 0 2", "@1s initok 0 0", "down 0", "next -> 271s",
      "@271s tick -> abort NO_PROGRESS: no mini-batch was finished for 270 s (progress_update_timeout)")

/* 99 s of the 270 were the disk's; before the first init() there is no clock that could stand. */
STORY(test_progress_stands_while_the_disk_does, "start", "plan 9", "up 0 2", "ask 0 2", "tick 5", "@1s initok 0 0",
      "@100s tick 99", "next -> 370s", "@369s tick -> ",
      "@370s tick -> abort NO_PROGRESS: no mini-batch was finished for 270 s (progress_update_timeout)")

LIMITED(test_gap, l.gap_us = 2000000, "next -> never", "@1s start -> ", "next -> 2s", "@2s tick", "@3s up 0 2",
        "@3999999us tick", "next -> 4999999us", "@100s tick -> ", "next -> 101s", "@101s plan 9 all",
        "@102s initok 0 0", "next -> 103s",
        "@103s ask 0 10 -> lease u0 to n0; lease u1 to n0; lease u2 to n0; lease u3 to n0; lease u4 to n0; lease u5 to "
        "n0; lease u6 to n0; lease u7 to n0; lease u8 to n0",
        "@104s try 0 IO -> ", "@104500ms initfail 0 1 INIT_EXCEPTION a", "@500s tick -> ", "next -> 500500ms",
        "@500500ms tick -> lease u0 to n0", "@501s tick -> ", "@502999999us tick", "@504500ms done 0 -> ", "@505s stop",
        "@9999s tick -> ", "next -> never")
LIMITED(test_gap_and_the_clocks, (l.gap_us = 2000000, l.progress_timeout_us = 5000000), "@1s start", "up 0 2",
        "plan 9 all", "@2s initok 0 0", "@3s tick", "@4s tick", "@60s tick -> ", "@61s tick", "@62s tick -> ",
        "@62999999us tick -> ",
        "@63s tick -> abort NO_PROGRESS: no mini-batch was finished for 5 s (progress_update_timeout)")
LIMITED(test_silence_that_was_not_asked_for, (l.gap_us = 2000000, l.progress_timeout_us = 5000000), "@1s up 0 2",
        "plan 9 all", "next -> never", "@100s initok 0 0", "next -> 101s", "@101s tick", "@102s tick", "@103s tick",
        "@104s tick", "@104999999us tick -> ",
        "@105s tick -> abort NO_PROGRESS: no mini-batch was finished for 5 s (progress_update_timeout)")

/* ---- init -------------------------------------------------------------------------------------------------------- */

STORY(test_init_cannot_help, "up 0 2",
      "initfail 0 0 NO_RUN_FUNCTION -> abort NO_RUN_FUNCTION: the entry script has no function run(mini_batch)")
STORY(test_init_says_why_it_cannot_help, "up 0 2", "initfail 0 0 NO_RUN_FUNCTION why -> abort NO_RUN_FUNCTION: why")
STORY(test_init_is_the_same_in_every_process, "up 0 2", "initfail 0 1 AZURE_NAME why -> abort AZURE_NAME: why")
STORY(test_init_every_process_timed_out, "up 0 2", "up 1 1", "initfail 0 0 INIT_TIMEOUT a -> ",
      "initfail 0 0 INIT_TIMEOUT b -> ", "initfail 1 0 INIT_TIMEOUT c -> ",
      "initfail 0 1 INIT_TIMEOUT d -> abort INIT_GIVE_UP: init() took longer than init_timeout in every process")
STORY(test_init_one_process_timed_out, "up 0 2", "initok 0 1", "initfail 0 0 INIT_TIMEOUT a -> ",
      "initfail 0 0 INIT_TIMEOUT b -> ", "initfail 0 0 INIT_TIMEOUT c -> ", "initfail 0 0 INIT_TIMEOUT d -> ",
      "initfail 0 0 INIT_TIMEOUT e -> ", "initfail 0 0 INIT_TIMEOUT f -> ") /* the other one works */
STORY(test_init_late_here_and_broken_there, "up 0 2", "initfail 0 0 INIT_TIMEOUT a -> ",
      "initfail 0 1 INIT_EXCEPTION b -> ",
      "initfail 0 1 INIT_EXCEPTION b -> abort INIT_GIVE_UP: init() failed twice in the same way, or took longer than "
      "init_timeout, in every process")
STORY(test_no_start_is_no_init, "up 0 1", "initfail 0 0 SPAWN a -> ", "initfail 0 0 SPAWN a -> ",
      "@200s initfail 0 0 SPAWN a -> ")
STORY(test_init_same_twice, "up 0 2", "initfail 0 0 INIT_EXCEPTION a", "initfail 0 1 INIT_EXCEPTION b",
      "initfail 0 0 INIT_EXCEPTION a -> ",
      "initfail 0 1 INIT_EXCEPTION b -> abort INIT_GIVE_UP: init() failed twice in the same way in every process")
STORY(test_init_not_the_same, "up 0 2", "initfail 0 0 INIT_EXCEPTION a", "initfail 0 1 INIT_EXCEPTION b",
      "initfail 0 0 INIT_EXCEPTION c", "initfail 0 1 INIT_EXCEPTION b -> ",
      "initfail 0 0 INIT_EXCEPTION c -> abort INIT_GIVE_UP: init() failed twice in the same way in every process")
STORY(test_init_done_clears, "up 0 2", "initfail 0 0 INIT_EXCEPTION a", "initfail 0 1 INIT_EXCEPTION a", "initok 0 0",
      "initfail 0 0 INIT_EXCEPTION a", "initfail 0 1 INIT_EXCEPTION a -> ",
      "initfail 0 0 INIT_EXCEPTION a -> abort INIT_GIVE_UP: init() failed twice in the same way in every process")
/* How often in a row is for its pool to judge. */
STORY(test_init_in_a_row, "up 0 1", "initfail 0 0 INIT_EXCEPTION a", "initfail 0 0 INIT_EXCEPTION b -> ",
      "initfail 0 0 INIT_EXCEPTION c -> ")
STORY(test_init_in_a_row_of_a_node, "up 0 1", "up 1 1", "initfail 0 0 INIT_EXCEPTION a", "initok 1 0",
      "initfail 0 0 INIT_EXCEPTION b -> ", "initok 1 0", "initfail 0 0 INIT_EXCEPTION b -> ")
STORY(test_init_two_minutes_with_something_done, "plan 9 all", "up 0 1", "ask 0 9", "@1s initok 0 0",
      "initfail 0 0 INIT_EXCEPTION a", "done 0", "@99s initfail 0 0 INIT_EXCEPTION b -> ", "initok 0 0",
      "@122s initfail 0 0 INIT_EXCEPTION c -> ", "initok 0 0",
      "@219s initfail 0 0 INIT_EXCEPTION d -> abort INIT_GIVE_UP: init() failed 3 times in 2 minutes")
STORY(test_init_two_minutes, "up 0 2", "up 1 2", "@1s initfail 0 0 INIT_EXCEPTION a", "initok 0 0",
      "initfail 0 0 INIT_EXCEPTION b", "initok 0 0", "initfail 0 0 INIT_EXCEPTION c", "initok 0 0",
      "initfail 0 0 INIT_EXCEPTION d", "initok 0 0", "initfail 1 0 INIT_EXCEPTION e", "initok 1 0",
      "initfail 1 0 INIT_EXCEPTION f", "initok 1 0", "@2s initfail 1 0 INIT_EXCEPTION g -> ",
      "initok 1 0", /* seven of eight */
      "@120999999us initfail 1 0 INIT_EXCEPTION h -> ",
      "@121s initfail 1 0 INIT_EXCEPTION i -> abort INIT_GIVE_UP: init() failed 9 times in 2 minutes")
STORY(test_init_two_minutes_too_few, "up 0 2", "up 1 2", "@1s initfail 0 0 INIT_EXCEPTION a",
      "initfail 0 1 INIT_EXCEPTION b", "initfail 1 0 INIT_EXCEPTION c", "@500s initfail 1 1 INIT_EXCEPTION d -> ")
STORY(test_init_of_nobody, "initfail 0 0 INIT_EXCEPTION a -> ", "initok 3 0 -> ", "up 0 2",
      "initfail 0 2 INIT_EXCEPTION a -> ", "initok 0 9 -> ", "down 0", "initfail 0 0 NO_RUN_FUNCTION -> ",
      "next -> never")
STORY(test_init_nodes_that_are_down_do_not_count, "up 0 1", "up 1 1", "initfail 0 0 INIT_TIMEOUT a -> ", "down 1",
      "initfail 0 0 INIT_TIMEOUT b -> abort INIT_GIVE_UP: init() took longer than init_timeout in every process")
STORY(test_init_new_life_of_a_node, "up 0 1", "initfail 0 0 INIT_EXCEPTION a", "initfail 0 0 INIT_EXCEPTION b",
      "down 0", "up 0 1", "initfail 0 0 INIT_EXCEPTION c -> ")

#define SCHED_STORIES                                                                                                  \
	T(test_order), T(test_asks_count_from_the_start), T(test_repeated_first_lowest_first), T(test_nodes_share),    \
		T(test_retry_elsewhere), T(test_retry_here), T(test_one_process_avoids_nothing),                       \
		T(test_avoided_slot_outlives_a_return), T(test_three_tries), T(test_one_try),                          \
		T(test_no_retry_for_what_cannot_help), T(test_no_retry_of_what_does_not_fit),                          \
		T(test_the_same_in_every_try), T(test_the_same_in_every_try_and_nothing_said), T(test_pause),          \
		T(test_paused_is_not_leased_as_new), T(test_final_while_paused), T(test_return_costs_nothing),         \
		T(test_bisect), T(test_bisect_all_good_then), T(test_no_bisect_without_hope), T(test_misfit),          \
		T(test_misfit_of_nobody), T(test_misfit_without_bisect), T(test_moved),                                \
		T(test_no_bisect_of_what_is_the_same_in_every_try), T(test_no_bisect_of_poison),                       \
		T(test_bisect_and_nodes), T(test_bisect_pause), T(test_bisect_reset), T(test_bisect_progress),         \
		T(test_bisect_thresholds), T(test_bisect_error_threshold), T(test_node_down), T(test_node_up_again),   \
		T(test_node_down_alone), T(test_what_a_lost_node_says), T(test_poison), T(test_poison_third),          \
		T(test_poison_waits_to_be_alone), T(test_poison_alone_is_over),                                        \
		T(test_down_while_others_are_finished), T(test_alone_comes_first), T(test_queued_is_not_running),      \
		T(test_all_final_once), T(test_all_final_needs_the_whole_plan), T(test_all_final_on_resume),           \
		T(test_plan_stops), T(test_plan_stops_with_nothing), T(test_plan_stops_and_so_do_we),                  \
		T(test_plan_stops_a_limit_is_first), T(test_nothing_planned), T(test_stop), T(test_fail_fast),         \
		T(test_fail_fast_without_a_kind), T(test_fail_fast_three_a_process), T(test_fail_fast_another_kind),   \
		T(test_fail_fast_another_code), T(test_fail_fast_one_succeeded),                                       \
		T(test_fail_fast_pauses_do_not_differ), T(test_fail_fast_every_try), T(test_fail_fast_off),            \
		T(test_fail_fast_succeeded_before), T(test_abort_once), T(test_first_task),                            \
		T(test_first_task_in_time), T(test_first_task_nothing_there), T(test_progress),                        \
		T(test_progress_stands_while_nothing_is_open), T(test_listing_stands_still),                           \
		T(test_progress_before_planning), T(test_progress_without_nodes),                                      \
		T(test_progress_stands_while_the_disk_does), T(test_gap), T(test_gap_and_the_clocks),                  \
		T(test_silence_that_was_not_asked_for), T(test_init_cannot_help),                                      \
		T(test_init_says_why_it_cannot_help), T(test_init_is_the_same_in_every_process),                       \
		T(test_init_every_process_timed_out), T(test_init_one_process_timed_out), T(test_init_same_twice),     \
		T(test_init_not_the_same), T(test_init_done_clears), T(test_init_in_a_row),                            \
		T(test_init_in_a_row_of_a_node), T(test_init_late_here_and_broken_there), T(test_no_start_is_no_init), \
		T(test_init_two_minutes_with_something_done), T(test_init_two_minutes),                                \
		T(test_init_two_minutes_too_few), T(test_init_of_nobody),                                              \
		T(test_init_nodes_that_are_down_do_not_count), T(test_init_new_life_of_a_node)
