/* SPDX-License-Identifier: Apache-2.0
 * report_story: what the logs of the story in test_report.c must be, byte for byte. Read before changing: people parse
 * these files.
 */
static const struct {
	const char *file, *line;
} story[] = {
	{ "logs/job_progress_overview.txt", "2026-01-02T03:04:05.000000Z The overviewer on 127.0.0.1 started." },
	{ "logs/job_progress_overview.txt", "2026-01-02T03:04:07.345678Z Scheduling finished. Scheduled 5 mini batches "
	                                    "in 2.34 seconds. There are 5 tasks with 9 items." },
	{ "logs/job_progress_overview.txt",
	  "2026-01-02T03:04:25.000000Z Processed 2 of 5 mini batches in 0:00:20. Estimated remaining time 0:00:03." },
	{ "logs/job_progress_overview.txt", "2026-01-02T03:20:45.000000Z The overviewer on 127.0.0.1 started." },
	{ "logs/job_progress_overview.txt", "2026-01-02T03:20:55.000000Z Processed 3 of 5 mini batches in 0:00:32." },
	{ "logs/job_progress_overview.txt",
	  "2026-01-02T03:20:58.000000Z All mini batches are processed. The append_row concatenation started." },
	{ "logs/job_progress_overview.txt",
	  "2026-01-02T03:20:58.500000Z The append_row concatenation finished: 9 rows, 77 bytes in /out/p.txt." },
	{ "logs/job_progress_overview.txt", "2026-01-02T03:20:58.600000Z Processed 5 of 5 mini batches in 0:00:35. 4 "
	                                    "succeeded, 1 failed. Items: 6 succeeded, 3 failed." },
	{ "logs/job_progress_overview.txt", "2026-01-02T03:20:58.600000Z The job result is: Completed." },
	{ "logs/job_progress_overview.txt",
	  "2026-01-02T03:20:58.600000Z Some mini batches failed: see user/error.txt." },
	{ "logs/job_progress_overview.txt", "2026-01-02T03:20:58.600000Z The overviewer on 127.0.0.1 stopped." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:04:05,000|INFO|101|MainThread|Start the run: engine 0.1 on box, pid 101, epoch 1." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:04:05,001|INFO|101|MainThread|Node 0 box (127.0.0.1) is up: 2 processes, 4 cores, 0 GPUs." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:04:05,004|INFO|101|MainThread|Save checkpoint: next mini-batch 3, items 6, finished=False." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:04:05,005|INFO|101|MainThread|Job stage changed from STARTING to RUNNING." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:04:07,345|INFO|101|MainThread|Save checkpoint: next mini-batch 5, items 9, finished=True." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:20:45,000|INFO|102|MainThread|Go on with the run: engine 0.1 on box, pid 102, epoch 2." },
	{ "logs/sys/master_role.txt", "2026-01-02 03:20:45,000|WARNING|102|MainThread|Node 0 was lost with 1 running "
	                              "and 1 queued mini-batches. Running: 2." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:20:45,000|INFO|102|MainThread|Setting run-max-try changed from 3 to \"4\"." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:20:45,001|INFO|102|MainThread|Node 0 box (127.0.0.1) is up: 2 processes, 4 cores, 0 GPUs." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:20:45,003|INFO|102|MainThread|Job stage changed from STARTING to RUNNING." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:20:45,007|WARNING|102|MainThread|Mini-batch 2 failed for good: RUN_EXCEPTION, 2 items." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:20:58,000|INFO|102|MainThread|Job stage changed from RUNNING to ASSEMBLING." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:20:58,500|INFO|102|MainThread|Output published: /out/p.txt, 77 bytes." },
	{ "logs/sys/master_role.txt",
	  "2026-01-02 03:20:58,600|INFO|102|MainThread|Job stage changed from ASSEMBLING to COMPLETED." },
	{ "logs/sys/node/127.0.0.1/process000.txt", "2026-01-02 03:04:05,002|INFO|4000|MainThread|Process started." },
	{ "logs/sys/node/127.0.0.1/process000.txt", "2026-01-02 03:04:05,050|INFO|4000|MainThread|init() is done." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:04:05,060|INFO|4000|MainThread|Picked mini-batch 0, try 1, 2 items." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:04:05,061|INFO|4000|MainThread|Finished mini-batch 0: ip 127.0.0.1, pid 4000, total 2, "
	  "succeeded 2, failed 0, start 2026-01-02T03:04:05.060000Z, duration 0.001500 s, process time 0.001000 s, run "
	  "method time 0.000900 s." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:04:05,062|INFO|4000|MainThread|Picked mini-batch 1, try 1, 2 items." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:04:05,064|WARNING|4000|MainThread|Failed mini-batch 1, try 1: ip 127.0.0.1, pid 4000, total "
	  "2, succeeded 0, failed 2, start 2026-01-02T03:04:05.062000Z, duration 0.002500 s, process time 0.001800 s, "
	  "run method time 0.002000 s: RUN_EXCEPTION, ValueError: bad value 17 in '/in/2.txt', traceback: "
	  "user/error/127.0.0.1/process000.txt at byte 0." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:04:27,000|INFO|4000|MainThread|Picked mini-batch 2, try 2, 2 items." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:04:27,002|WARNING|4000|MainThread|Failed mini-batch 2, try 2: ip 127.0.0.1, pid 4000, total "
	  "2, succeeded 0, failed 2, start 2026-01-02T03:04:27.000000Z, duration 0.002500 s, process time 0.001800 s, "
	  "run method time 0.002000 s: RUN_EXCEPTION, ValueError: bad value 18 in '/in/a, traceback: "
	  "user/error/127.0.0.1/process000.txt at byte 0." },
	{ "logs/sys/node/127.0.0.1/process000.txt", "2026-01-02 03:20:45,002|INFO|5000|MainThread|Process started." },
	{ "logs/sys/node/127.0.0.1/process000.txt", "2026-01-02 03:20:45,002|INFO|5000|MainThread|init() is done." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:20:45,004|INFO|5000|MainThread|Picked mini-batch 2, try 3, 2 items." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:20:45,006|WARNING|5000|MainThread|Failed mini-batch 2, try 3: ip 127.0.0.1, pid 5000, total "
	  "2, succeeded 0, failed 2, start 2026-01-02T03:20:45.004000Z, duration 0.002500 s, process time 0.001800 s, "
	  "run method time 0.002000 s: RUN_EXCEPTION, ValueError: bad value 19 in '/in/\\xff \"q\"', traceback: "
	  "user/error/127.0.0.1/process000.txt at byte 40." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:20:56,000|INFO|5000|MainThread|Picked mini-batch 3, try 1, 2 items." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:20:56,001|INFO|5000|MainThread|Finished mini-batch 3: ip 127.0.0.1, pid 5000, total 2, "
	  "succeeded 2, failed 0, start 2026-01-02T03:20:56.000000Z, duration 0.001500 s, process time 0.001003 s, run "
	  "method time 0.000900 s." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:20:57,000|INFO|5000|MainThread|Picked mini-batch 4, try 1, 1 item." },
	{ "logs/sys/node/127.0.0.1/process000.txt",
	  "2026-01-02 03:20:57,001|INFO|5000|MainThread|Finished mini-batch 4: ip 127.0.0.1, pid 5000, total 1, "
	  "succeeded 1, failed 0, start 2026-01-02T03:20:57.000000Z, duration 0.001500 s, process time 0.001004 s, run "
	  "method time 0.000900 s." },
	{ "logs/sys/node/127.0.0.1/process000.txt", "2026-01-02 03:20:58,700|INFO|5000|MainThread|Process ended." },
	{ "logs/sys/node/127.0.0.1/process001.txt", "2026-01-02 03:04:05,003|INFO|4001|MainThread|Process started." },
	{ "logs/sys/node/127.0.0.1/process001.txt",
	  "2026-01-02 03:04:05,051|ERROR|4001|MainThread|init() failed: INIT_EXCEPTION, RuntimeError: no model, "
	  "traceback: user/error/127.0.0.1/process001.txt at byte 0." },
	{ "logs/sys/node/127.0.0.1/process001.txt",
	  "2026-01-02 03:04:05,052|WARNING|4001|MainThread|Process ended: INIT_EXCEPTION, exit status 3." },
	{ "logs/sys/node/127.0.0.1/process001.txt", "2026-01-02 03:04:06,000|INFO|4002|MainThread|Process started." },
	{ "logs/sys/node/127.0.0.1/process001.txt", "2026-01-02 03:04:06,050|INFO|4002|MainThread|init() is done." },
	{ "logs/sys/node/127.0.0.1/process001.txt",
	  "2026-01-02 03:04:06,060|INFO|4002|MainThread|Picked mini-batch 1, try 2, 2 items." },
	{ "logs/sys/node/127.0.0.1/process001.txt",
	  "2026-01-02 03:04:06,061|INFO|4002|MainThread|Finished mini-batch 1: ip 127.0.0.1, pid 4002, total 2, "
	  "succeeded 1, failed 1, start 2026-01-02T03:04:06.060000Z, duration 0.001500 s, process time 0.001001 s, run "
	  "method time 0.000900 s." },
	{ "logs/sys/node/127.0.0.1/process001.txt",
	  "2026-01-02 03:04:08,000|INFO|4002|MainThread|Picked mini-batch 2, try 1, 2 items." },
	{ "logs/sys/node/127.0.0.1/process001.txt",
	  "2026-01-02 03:04:08,002|WARNING|4002|MainThread|Failed mini-batch 2, try 1: ip 127.0.0.1, pid 4002, total "
	  "2, succeeded 0, failed 2, start 2026-01-02T03:04:08.000000Z, duration 0.002500 s, process time 0.001800 s, "
	  "run method time 0.002000 s: RUN_TIMEOUT, run() took longer than 1 s." },
	{ "logs/sys/node/127.0.0.1/process001.txt",
	  "2026-01-02 03:04:08,003|WARNING|4002|MainThread|Process killed: RUN_TIMEOUT, signal 9 (Killed)." },
	{ "logs/sys/job_report/processed_mini-batches.csv",
	  "Mini-batch Id,Picked Count,Ip Address,Process,Start Time,Total,Succeeded,Failed,Elapsed Seconds,Process "
	  "Seconds,Run Method Seconds,Status,Error Category,Error Message,Mini-batch Detail" },
	{ "logs/sys/job_report/processed_mini-batches.csv",
	  "0,1,127.0.0.1,process000,2026-01-02T03:04:05.060000Z,2,2,0,0.001500,0.001000,0.000900,RUN_DONE,,,\"0.txt, "
	  "1.txt\"" },
	{ "logs/sys/job_report/processed_mini-batches.csv",
	  "1,1,127.0.0.1,process000,2026-01-02T03:04:05.062000Z,2,0,2,0.002500,0.001800,0.002000,RUN_EXCEPTION,RUN_"
	  "EXCEPTION,ValueError: bad value 17 in '/in/2.txt',\"2.txt, 3.txt\"" },
	{ "logs/sys/job_report/processed_mini-batches.csv",
	  "1,2,127.0.0.1,process001,2026-01-02T03:04:06.060000Z,2,1,1,0.001500,0.001001,0.000900,RUN_DONE,,,\"2.txt, "
	  "3.txt\"" },
	{ "logs/sys/job_report/processed_mini-batches.csv",
	  "2,1,127.0.0.1,process001,2026-01-02T03:04:08.000000Z,2,0,2,0.002500,0.001800,0.002000,RUN_TIMEOUT,RUN_"
	  "TIMEOUT,run() took longer than 1 s,\"a\\nb, \\xff\\xfe \"\"q\"\", c\"" },
	{ "logs/sys/job_report/processed_mini-batches.csv",
	  "2,2,127.0.0.1,process000,2026-01-02T03:04:27.000000Z,2,0,2,0.002500,0.001800,0.002000,RUN_EXCEPTION,RUN_"
	  "EXCEPTION,ValueError: bad value 18 in '/in/a,\"a\\nb, \\xff\\xfe \"\"q\"\", c\"" },
	{ "logs/sys/job_report/processed_mini-batches.csv",
	  "2,3,127.0.0.1,process000,2026-01-02T03:20:45.004000Z,2,0,2,0.002500,0.001800,0.002000,RUN_EXCEPTION,RUN_"
	  "EXCEPTION,\"ValueError: bad value 19 in '/in/\\xff \"\"q\"\"'\",\"a\\nb, \\xff\\xfe \"\"q\"\", c\"" },
	{ "logs/sys/job_report/processed_mini-batches.csv",
	  "3,1,127.0.0.1,process000,2026-01-02T03:20:56.000000Z,2,2,0,0.001500,0.001003,0.000900,RUN_DONE,,,\"6.txt, "
	  "\303\251.txt\"" },
	{ "logs/sys/job_report/processed_mini-batches.csv",
	  "4,1,127.0.0.1,process000,2026-01-02T03:20:57.000000Z,1,1,0,0.001500,0.001004,0.000900,RUN_DONE,,,8.txt" },
	{ "logs/events.jsonl", "{\"type\":\"run_started\",\"time\":\"2026-01-02T03:04:05.000000Z\",\"run\":\"story\","
	                       "\"epoch\":1,\"resumed\":false,\"engine\":\"0.1\",\"host\":\"box\",\"pid\":101}" },
	{ "logs/events.jsonl",
	  "{\"type\":\"node_up\",\"time\":\"2026-01-02T03:04:05.001000Z\",\"node\":0,\"incarnation\":0,\"name\":"
	  "\"box\",\"address\":\"127.0.0.1\",\"processes\":2,\"cores\":4,\"gpus\":0}" },
	{ "logs/events.jsonl", "{\"type\":\"process_started\",\"time\":\"2026-01-02T03:04:05.002000Z\",\"node\":0,"
	                       "\"process\":\"process000\",\"incarnation\":1,\"pid\":4000}" },
	{ "logs/events.jsonl", "{\"type\":\"process_started\",\"time\":\"2026-01-02T03:04:05.003000Z\",\"node\":0,"
	                       "\"process\":\"process001\",\"incarnation\":1,\"pid\":4001}" },
	{ "logs/events.jsonl", "{\"type\":\"planned\",\"time\":\"2026-01-02T03:04:05.004000Z\",\"mini_batches\":3,"
	                       "\"items\":6,\"complete\":false}" },
	{ "logs/events.jsonl", "{\"type\":\"state\",\"time\":\"2026-01-02T03:04:05.005000Z\",\"from\":\"STARTING\","
	                       "\"to\":\"RUNNING\",\"error\":\"\",\"text\":\"\"}" },
	{ "logs/events.jsonl", "{\"type\":\"init_done\",\"time\":\"2026-01-02T03:04:05.050000Z\",\"node\":0,"
	                       "\"process\":\"process000\",\"incarnation\":1,\"pid\":4000}" },
	{ "logs/events.jsonl",
	  "{\"type\":\"init_failed\",\"time\":\"2026-01-02T03:04:05.051000Z\",\"node\":0,\"process\":\"process001\","
	  "\"incarnation\":1,\"pid\":4001,\"error\":\"INIT_EXCEPTION\",\"message\":\"RuntimeError: no "
	  "model\\nmore\",\"traceback\":\"user/error/127.0.0.1/"
	  "process001.txt\",\"traceback_offset\":0,\"traceback_bytes\":30}" },
	{ "logs/events.jsonl",
	  "{\"type\":\"process_ended\",\"time\":\"2026-01-02T03:04:05.052000Z\",\"node\":0,\"process\":\"process001\","
	  "\"incarnation\":1,\"pid\":4001,\"error\":\"INIT_EXCEPTION\",\"exit\":3}" },
	{ "logs/events.jsonl", "{\"type\":\"mini_batch_done\",\"time\":\"2026-01-02T03:04:05.061500Z\",\"mini_batch\":"
	                       "0,\"try\":1,\"node\":0,\"process\":\"process000\",\"total\":2,\"succeeded\":2,\"rows\":"
	                       "2,\"elapsed_us\":1500,\"run_us\":900,\"cpu_us\":1000}" },
	{ "logs/events.jsonl",
	  "{\"type\":\"try_failed\",\"time\":\"2026-01-02T03:04:05.064500Z\",\"mini_batch\":1,\"try\":1,\"node\":0,"
	  "\"process\":\"process000\",\"incarnation\":1,\"pid\":4000,\"total\":2,\"error\":\"RUN_EXCEPTION\",\"fault\":"
	  "\"script\",\"counted\":true,\"message\":\"ValueError: bad value 17 in "
	  "'/in/2.txt'\",\"traceback\":\"user/error/127.0.0.1/"
	  "process000.txt\",\"traceback_offset\":0,\"traceback_bytes\":40,\"elapsed_us\":2500,\"run_us\":2000,\"cpu_"
	  "us\":1800}" },
	{ "logs/events.jsonl", "{\"type\":\"process_started\",\"time\":\"2026-01-02T03:04:06.000000Z\",\"node\":0,"
	                       "\"process\":\"process001\",\"incarnation\":2,\"pid\":4002}" },
	{ "logs/events.jsonl", "{\"type\":\"init_done\",\"time\":\"2026-01-02T03:04:06.050000Z\",\"node\":0,"
	                       "\"process\":\"process001\",\"incarnation\":2,\"pid\":4002}" },
	{ "logs/events.jsonl", "{\"type\":\"mini_batch_done\",\"time\":\"2026-01-02T03:04:06.061500Z\",\"mini_batch\":"
	                       "1,\"try\":2,\"node\":0,\"process\":\"process001\",\"total\":2,\"succeeded\":1,\"rows\":"
	                       "1,\"elapsed_us\":1500,\"run_us\":900,\"cpu_us\":1001}" },
	{ "logs/events.jsonl", "{\"type\":\"planned\",\"time\":\"2026-01-02T03:04:07.345678Z\",\"mini_batches\":5,"
	                       "\"items\":9,\"complete\":true}" },
	{ "logs/events.jsonl",
	  "{\"type\":\"try_failed\",\"time\":\"2026-01-02T03:04:08.002500Z\",\"mini_batch\":2,\"try\":1,\"node\":0,"
	  "\"process\":\"process001\",\"incarnation\":2,\"pid\":4002,\"total\":2,\"error\":\"RUN_TIMEOUT\",\"fault\":"
	  "\"script\",\"counted\":true,\"message\":\"run() took longer than 1 "
	  "s\",\"elapsed_us\":2500,\"run_us\":2000,\"cpu_us\":1800}" },
	{ "logs/events.jsonl",
	  "{\"type\":\"process_killed\",\"time\":\"2026-01-02T03:04:08.003000Z\",\"node\":0,\"process\":\"process001\","
	  "\"incarnation\":2,\"pid\":4002,\"error\":\"RUN_TIMEOUT\",\"signal\":9}" },
	{ "logs/events.jsonl",
	  "{\"type\":\"try_failed\",\"time\":\"2026-01-02T03:04:27.002500Z\",\"mini_batch\":2,\"try\":2,\"node\":0,"
	  "\"process\":\"process000\",\"incarnation\":1,\"pid\":4000,\"total\":2,\"error\":\"RUN_EXCEPTION\",\"fault\":"
	  "\"script\",\"counted\":true,\"message\":\"ValueError: bad value 18 in "
	  "'/in/a\\nb'\\nsecond\",\"traceback\":\"user/error/127.0.0.1/"
	  "process000.txt\",\"traceback_offset\":0,\"traceback_bytes\":40,\"elapsed_us\":2500,\"run_us\":2000,\"cpu_"
	  "us\":1800}" },
	{ "logs/events.jsonl", "{\"type\":\"run_started\",\"time\":\"2026-01-02T03:20:45.000000Z\",\"run\":\"story\","
	                       "\"epoch\":2,\"resumed\":true,\"engine\":\"0.1\",\"host\":\"box\",\"pid\":102}" },
	{ "logs/events.jsonl", "{\"type\":\"lost\",\"time\":\"2026-01-02T03:20:45.000010Z\",\"node\":0,\"incarnation\":"
	                       "0,\"running\":[2],\"queued\":1}" },
	{ "logs/events.jsonl", "{\"type\":\"setting_changed\",\"time\":\"2026-01-02T03:20:45.000020Z\",\"key\":\"run-"
	                       "max-try\",\"old\":\"3\",\"new\":\"\\\"4\\\"\"}" },
	{ "logs/events.jsonl",
	  "{\"type\":\"node_up\",\"time\":\"2026-01-02T03:20:45.001000Z\",\"node\":0,\"incarnation\":0,\"name\":"
	  "\"box\",\"address\":\"127.0.0.1\",\"processes\":2,\"cores\":4,\"gpus\":0}" },
	{ "logs/events.jsonl", "{\"type\":\"process_started\",\"time\":\"2026-01-02T03:20:45.002000Z\",\"node\":0,"
	                       "\"process\":\"process000\",\"incarnation\":3,\"pid\":5000}" },
	{ "logs/events.jsonl", "{\"type\":\"init_done\",\"time\":\"2026-01-02T03:20:45.002500Z\",\"node\":0,"
	                       "\"process\":\"process000\",\"incarnation\":3,\"pid\":5000}" },
	{ "logs/events.jsonl", "{\"type\":\"state\",\"time\":\"2026-01-02T03:20:45.003000Z\",\"from\":\"STARTING\","
	                       "\"to\":\"RUNNING\",\"error\":\"\",\"text\":\"\"}" },
	{ "logs/events.jsonl",
	  "{\"type\":\"try_failed\",\"time\":\"2026-01-02T03:20:45.006500Z\",\"mini_batch\":2,\"try\":3,\"node\":0,"
	  "\"process\":\"process000\",\"incarnation\":3,\"pid\":5000,\"total\":2,\"error\":\"RUN_EXCEPTION\",\"fault\":"
	  "\"script\",\"counted\":true,\"message\":\"ValueError: bad value 19 in '/in/\\udcff "
	  "\\\"q\\\"'\",\"traceback\":\"user/error/127.0.0.1/"
	  "process000.txt\",\"traceback_offset\":40,\"traceback_bytes\":40,\"elapsed_us\":2500,\"run_us\":2000,\"cpu_"
	  "us\":1800}" },
	{ "logs/events.jsonl", "{\"type\":\"mini_batch_failed\",\"time\":\"2026-01-02T03:20:45.007000Z\",\"mini_"
	                       "batch\":2,\"items\":2,\"tries\":3,\"error\":\"RUN_EXCEPTION\"}" },
	{ "logs/events.jsonl", "{\"type\":\"mini_batch_done\",\"time\":\"2026-01-02T03:20:56.001500Z\",\"mini_batch\":"
	                       "3,\"try\":1,\"node\":0,\"process\":\"process000\",\"total\":2,\"succeeded\":5,\"rows\":"
	                       "5,\"elapsed_us\":1500,\"run_us\":900,\"cpu_us\":1003}" },
	{ "logs/events.jsonl", "{\"type\":\"mini_batch_done\",\"time\":\"2026-01-02T03:20:57.001500Z\",\"mini_batch\":"
	                       "4,\"try\":1,\"node\":0,\"process\":\"process000\",\"total\":1,\"succeeded\":1,\"rows\":"
	                       "1,\"elapsed_us\":1500,\"run_us\":900,\"cpu_us\":1004}" },
	{ "logs/events.jsonl", "{\"type\":\"state\",\"time\":\"2026-01-02T03:20:58.000000Z\",\"from\":\"RUNNING\","
	                       "\"to\":\"ASSEMBLING\",\"error\":\"\",\"text\":\"\"}" },
	{ "logs/events.jsonl", "{\"type\":\"published\",\"time\":\"2026-01-02T03:20:58.500000Z\",\"output\":\"/out/"
	                       "p.txt\",\"bytes\":77,\"rows\":9,\"xxh128\":\"ab000000000000000000000000000000\"}" },
	{ "logs/events.jsonl", "{\"type\":\"state\",\"time\":\"2026-01-02T03:20:58.600000Z\",\"from\":\"ASSEMBLING\","
	                       "\"to\":\"COMPLETED\",\"error\":\"\",\"text\":\"\"}" },
	{ "logs/events.jsonl", "{\"type\":\"finished\",\"time\":\"2026-01-02T03:20:58.600000Z\",\"state\":"
	                       "\"COMPLETED\",\"error\":\"\",\"text\":\"\",\"mini_batches\":5,\"done\":4,\"failed\":1,"
	                       "\"items\":9,\"items_succeeded\":6,\"items_failed\":3}" },
	{ "logs/events.jsonl", "{\"type\":\"process_ended\",\"time\":\"2026-01-02T03:20:58.700000Z\",\"node\":0,"
	                       "\"process\":\"process000\",\"incarnation\":3,\"pid\":5000,\"error\":\"\",\"exit\":0}" },
	{ "logs/user/error.txt",
	  "5 errors in 3 kinds, the most frequent first. Times are UTC, files are below logs/." },
	{ "logs/user/error.txt", "" },
	{ "logs/user/error.txt", "3 x RUN_EXCEPTION, such as ValueError: bad value 17 in '/in/2.txt'" },
	{ "logs/user/error.txt", "    what          run() raised an exception" },
	{ "logs/user/error.txt", "    mini-batches  1, 2" },
	{ "logs/user/error.txt",
	  "    first         mini-batch 1, try 1, process000 on 127.0.0.1, 2026-01-02T03:04:05.064500Z" },
	{ "logs/user/error.txt", "    traceback     user/error/127.0.0.1/process000.txt, from byte 0, 40 bytes" },
	{ "logs/user/error.txt", "        Traceback (most recent call last):" },
	{ "logs/user/error.txt", "          F" },
	{ "logs/user/error.txt", "" },
	{ "logs/user/error.txt", "1 x INIT_EXCEPTION: RuntimeError: no model" },
	{ "logs/user/error.txt", "    what          init() raised an exception" },
	{ "logs/user/error.txt", "    first         init(), process001 on 127.0.0.1, 2026-01-02T03:04:05.051000Z" },
	{ "logs/user/error.txt", "    traceback     user/error/127.0.0.1/process001.txt, from byte 0, 30 bytes" },
	{ "logs/user/error.txt", "        Traceback (most recent call la" },
	{ "logs/user/error.txt", "" },
	{ "logs/user/error.txt", "1 x RUN_TIMEOUT: run() took longer than 1 s" },
	{ "logs/user/error.txt", "    what          run() took longer than run_invocation_timeout" },
	{ "logs/user/error.txt", "    mini-batches  2" },
	{ "logs/user/error.txt",
	  "    first         mini-batch 2, try 1, process001 on 127.0.0.1, 2026-01-02T03:04:08.002500Z" },
	{ "failed_items.jsonl", "{\"mini_batch\":1,\"missing\":1,\"total\":2}" },
	{ "failed_items.jsonl",
	  "{\"path\":\"/in/a\\nb\",\"mini_batch\":2,\"tries\":3,\"error\":\"RUN_EXCEPTION\",\"message\":\"ValueError: "
	  "bad value 19 in '/in/\\udcff "
	  "\\\"q\\\"'\",\"traceback\":\"user/error/127.0.0.1/"
	  "process000.txt\",\"traceback_offset\":40,\"traceback_bytes\":40}" },
	{ "failed_items.jsonl", "{\"path\":\"/in/\\udcff\\udcfe \\\"q\\\", "
	                        "c\",\"mini_batch\":2,\"tries\":3,\"error\":\"RUN_EXCEPTION\",\"message\":\"ValueError:"
	                        " bad value 19 in '/in/\\udcff "
	                        "\\\"q\\\"'\",\"traceback\":\"user/error/127.0.0.1/"
	                        "process000.txt\",\"traceback_offset\":40,\"traceback_bytes\":40}" },
	{ "logs/job_result.txt", "result:             Completed" },
	{ "logs/job_result.txt", "run:                story" },
	{ "logs/job_result.txt", "ended:              2026-01-02T03:20:58.700000Z" },
	{ "logs/job_result.txt", "mini-batches:       5" },
	{ "logs/job_result.txt", "done:               4" },
	{ "logs/job_result.txt", "failed:             1" },
	{ "logs/job_result.txt", "items:              9" },
	{ "logs/job_result.txt", "items succeeded:    6" },
	{ "logs/job_result.txt", "items failed:       3" },
	{ "logs/job_result.txt", "rows:               9" },
	{ "logs/job_result.txt", "output bytes:       77" },
	{ "logs/job_result.txt", "wall time:          0:13" },
	{ "logs/job_result.txt", "busy:               50%" },
	{ "logs/job_result.txt", "output:             /out/p.txt" },
	{ "logs/job_result.txt", "errors:             logs/user/error.txt" },
	{ "logs/job_result.txt", "failed items:       failed_items.jsonl" },
	{ "logs/sys/job_report/process_summary.csv",
	  "Ip Address,Process,Starts,Init Failures,Mini-batches,Failed Tries,Total,Succeeded,Failed,Elapsed "
	  "Seconds,Process Seconds,Run Method Seconds" },
	{ "logs/sys/job_report/process_summary.csv", "127.0.0.1,process000,2,0,3,3,5,5,0,0.012000,0.008407,0.008700" },
	{ "logs/sys/job_report/process_summary.csv", "127.0.0.1,process001,2,1,1,1,2,1,1,0.004000,0.002801,0.002900" },
	{ "logs/sys/job_report/node_summary.csv",
	  "Ip Address,Name,Processes,Starts,Init Failures,Mini-batches,Failed Tries,Total,Succeeded,Failed,Elapsed "
	  "Seconds,Process Seconds,Run Method Seconds" },
	{ "logs/sys/job_report/node_summary.csv", "127.0.0.1,box,2,4,1,4,4,7,6,1,0.016000,0.011208,0.011600" },
};
