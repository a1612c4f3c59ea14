/* SPDX-License-Identifier: Apache-2.0
 * names: what a process is called, and where the files that it writes for people lie in the log tree.
 *
 * A name of the tree is a pattern below logs/, with <ip> for the node and <process> for the process; the log table, the
 * readme of a run folder and every program that opens such a file take it from here.
 */
#ifndef PRS_WIRE_NAMES_H
#define PRS_WIRE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRS_NAME_STDOUT "user/stdout/<ip>/<process>.stdout.txt"
#define PRS_NAME_STDERR "user/stderr/<ip>/<process>.stderr.txt"
#define PRS_NAME_TRACES "user/error/<ip>/<process>.txt"
#define PRS_NAME_SCRIPT_LOG "user/entry_script_log/<ip>/<process>.log.txt"
#define PRS_NAME_PROCESS_LOG "sys/node/<ip>/<process>.txt"
#define PRS_NAME_PERF_NODE "sys/perf/<ip>/node_resource_usage.csv"
#define PRS_NAME_PERF_DISK "sys/perf/<ip>/node_disk_usage.csv"
#define PRS_NAME_PERF_PROCESSES "sys/perf/<ip>/processes_resource_usage.csv"
#define PRS_NAME_PROFILE "sys/profile/<process>.<pid>.profile"
#define PRS_NAME_FOOTERS "sys/footers.txt"
#define PRS_NAME_ERRORS "user/error.txt"
#define PRS_NAME_TABLE_OUT "sys/output.txt"
#define PRS_NAME_METRICS "metrics.jsonl"
#define PRS_NAME_OVERVIEW "job_progress_overview.txt"
#define PRS_NAME_RESULT "job_result.txt"
#define PRS_NAME_DETACHED "detached.txt"

enum { PRS_PROCESS_NAME_BYTES = 16, PRS_SPOOL_NAME_BYTES = 32 };

/* "process003"; returns its length. */
size_t prs_process_name(char to[PRS_PROCESS_NAME_BYTES], unsigned slot);
/* The number in "process003", "003" or "3"; -1 for what is none. */
int prs_process_number(const char *word);
/* The pattern below logs/ with its <ip> and <process> filled in. False: it does not fit, `to` is cut. */
bool prs_log_name(char *to, size_t n, const char *pattern, const char *ip, const char *process);
/* The same as a path: dir/logs/... */
bool prs_log_path(char *to, size_t n, const char *dir, const char *pattern, const char *ip, const char *process);
/* The page of a process (wire/page.h): dir/work/page/<node>-<slot>. */
void prs_page_path(char *to, size_t n, const char *dir, unsigned node, unsigned slot);
/* Is it the name of one? "2-3"; "3": of a run that an engine of earlier days began. */
bool prs_is_page_name(const char *name);
/* "spool-1-0", in the run folder (docs/formats.md, section 5); returns `to`. */
const char *prs_spool_name(char to[PRS_SPOOL_NAME_BYTES], uint32_t epoch, unsigned input);

#endif
