/* SPDX-License-Identifier: Apache-2.0
 * console: what a person sees while a job runs and when it ends. Renders into buffers; the program writes them.
 *
 * On a terminal one live line that is rewritten; otherwise a line every 10 s. NO_COLOR, 80 columns, clean when piped.
 */
#ifndef PRS_REPORT_CONSOLE_H
#define PRS_REPORT_CONSOLE_H

#include "base/buf.h"
#include "base/many.h"
#include "base/text.h"
#include "report/pace.h"
#include "report/report.h"

struct prs_progress {
	uint64_t elapsed_us;
	bool planned_all; /* else the totals still grow: ">=" */
	uint64_t mini_batches, done, failed;
	uint64_t items, items_final, items_failed;
	struct prs_estimate estimate;
	uint32_t busy, processes, starting;
	const char *note; /* "draining", "assembling", NULL */
	const char *hint; /* "p: processes", NULL: shown where there is room */
};

/* What a terminal shows: colours; more than ASCII. */
struct prs_look {
	bool color, utf8;
};

/* One line without line feed, at most `columns` wide (0 = no limit). */
void prs_console_progress(struct prs_buf *to, const struct prs_progress *p, unsigned columns,
                          const struct prs_look *look);
/* What a process is at. */
struct prs_console_process {
	char name[32];
	const char *state, *phase; /* phase NULL = not known */
	uint64_t since_us;         /* how long it has been in this phase */
	bool works;                /* on this mini-batch: */
	uint64_t mini_batch;
	uint32_t tries, items; /* 0 = not known */
	uint32_t queued, failures;
};
/* A table: a head and a line a process, none wider than `columns` (0 = no limit); a mark says that it was cut. */
void prs_console_processes(struct prs_buf *to, const struct prs_console_process *v, size_t n, unsigned columns,
                           bool utf8);
/* The head: two lines (run; script, input, processes, interpreter) and the warnings: short, so that a traceback of
 * the script's first seconds begins within the first five lines. */
struct prs_console_head {
	const char *run_name, *run_dir, *script, *python, *python_why;
	const char *const *inputs;
	size_t inputs_n;
	const char *only_failed; /* NULL, or the run whose failed items are the input, and how many */
	uint64_t only_failed_items;
	uint32_t processes;
	const char *const *warnings;
	size_t warnings_n;
	bool resumed;
	uint64_t resumed_done, resumed_total;
};
void prs_console_start(struct prs_buf *to, const struct prs_console_head *h, bool color);
/* The end: result, counts, wall time, rate, busy, output, logs. On failure: the first traceback (r->trace, NULL when
 * it was just shown), the cause, counts, places, the next command. */
/* Why a job failed, for people; what the original says stays in the logs. "" = not known. */
void prs_put_cause(struct prs_buf *to, const struct prs_result *r);
void prs_console_end(struct prs_buf *to, const struct prs_result *r, const char *logs_dir, bool color);
/* A traceback as it happens (called once): where, the text. */
void prs_console_error(struct prs_buf *to, const char *where, const char *trace, size_t n, bool color);
/* 3725 s -> "1:02:05" */
void prs_put_duration(struct prs_buf *to, uint64_t us);
/* "0.3 s", "12 s", "1:02:05": an age */
void prs_put_since(struct prs_buf *to, uint64_t us);
/* "2026-01-31T12:00:00.000000Z", as in events. */
void prs_put_iso(struct prs_buf *to, uint64_t wall_us);
/* A JSON string with its quotes; bytes that are no UTF-8 become \udcXX, as Python's surrogateescape. */
void prs_put_json(struct prs_buf *to, const char *text);

#endif
