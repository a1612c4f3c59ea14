/* SPDX-License-Identifier: Apache-2.0
 * report: the logs as functions of the journal. One reader tails the journal with a cursor (logs/.cursor) and writes
 * the tree of the original under logs/, with the times of the records. Nothing is written twice, logs survive kills,
 * the dispatcher pays nothing.
 *
 * Who writes what directly, not here: the workers (user/stdout, user/stderr, user/entry_script_log,
 * user/error/<ip>/<process>.txt).
 */
#ifndef PRS_REPORT_REPORT_H
#define PRS_REPORT_REPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "wire/facts.h"
#include "wire/frame.h"
#include "wire/plan.h"

#include <stdbool.h>

struct prs_report_config {
	size_t struct_size;
	const char *dir; /* run folder */
	struct prs_run_id run;
	const char *run_name;
	int level; /* PRS_LOG_WARNING, ... */
	uint32_t processes;
	bool append_row;
	const char *code_dir; /* where the script was copied from: error.txt names its files; may be NULL */
	/* From the plan; called with ids below the last PLANNED seen. */
	uint32_t (*items_of)(void *ctx, uint64_t id);
	int (*detail)(void *ctx, const struct prs_unit *u, unsigned max, struct prs_buf *to);
	int (*paths)(void *ctx, const struct prs_unit *u,
	             struct prs_buf *to); /* absolute, NUL-closed: failed_items.jsonl */
	int (*rows)(void *ctx, const struct prs_unit *u, prs_rows_fn *each, void *each_ctx); /* the same of rows */
	void *plan;
	/* Called for each line written to events.jsonl (without its line feed) while `live`: --json prints it. May be
	 * NULL. */
	void (*event)(void *ctx, const char *line, size_t n);
	void *event_ctx;
};

struct prs_report; /* opaque */

/* Opens logs/ and cuts every log back to the cursor. */
int prs_report_new(struct prs_report **ret, const struct prs_fs *fs, const struct prs_report_config *c,
                   struct prs_err *err);
void prs_report_free(struct prs_report *r);
/* `epoch` is the same in every call of one life. Read facts of journal-<epoch> from the cursor up to `durable` bytes
 * and write their log lines. Older epochs that the cursor has not finished are read first, up to the length their
 * successor's HEAD sealed. At most `budget` facts (0 = all); *ret_more tells that there are others.
 * Failure: never a reason to stop the job. A log that cannot be written (PRS_ENOSPACE, ...): the lines are kept, facts
 * are left in the
 *          journal when too many are kept, every later call tries again and goes on where it was. Out of memory, a
 *          damaged journal,
 *          PRS_EFENCED: no more lines in this life; the next one writes them. *ret_more is false after a failure. */
int prs_report_catch_up(struct prs_report *r, uint32_t epoch, uint64_t durable, uint64_t budget, bool *ret_more,
                        struct prs_err *err);
/* The overview's own clock: every 10 s a progress line; wall µs. */
int prs_report_tick(struct prs_report *r, uint64_t wall_us, struct prs_err *err);
/* Write what is buffered, then the cursor. */
int prs_report_flush(struct prs_report *r, struct prs_err *err);

/* The end of the job, for job_result.txt and the console. */
enum { PRS_KINDS_SHOWN = 3 };

/* Errors that say the same but for numbers and names. */
struct prs_error_kind {
	uint64_t count; /* of tries and processes, not of mini-batches */
	uint16_t code;
	bool of_mini_batch;  /* else of a process */
	uint64_t mini_batch; /* the first one, and how many items it or its part has */
	uint32_t items;
	char message[420]; /* "ValueError: ..." of the first one */
	bool varied;       /* the others are alike, with other numbers and names */
};

struct prs_result {
	int state;        /* enum prs_job_state */
	uint16_t code;    /* error table, 0 = none */
	const char *text; /* the cause, one sentence; may be NULL */
	const char *run_name, *run_dir, *output;
	const char *codes; /* how many rows come from which code; NULL: all from one */
	uint64_t mini_batches, done, failed, items, items_succeeded, items_failed, rows, output_bytes;
	uint64_t items_missing;   /* of those failed: no row though no error (struct prs_ledger_counts) */
	uint64_t wall_us;         /* of this engine's life */
	uint64_t done_now;        /* mini-batches done in this engine's life */
	uint64_t items_now;       /* items that succeeded in it */
	double busy;              /* 0-1: how busy the workers were; < 0 = not known */
	const char *trace;        /* first traceback of the script; may be NULL */
	const char *next_command; /* what to type next; may be NULL */
	const char *hint;         /* a sentence: what may be done about it; may be NULL */
	struct prs_error_kind kinds[PRS_KINDS_SHOWN]; /* the most frequent first */
	uint32_t kinds_n;
	uint64_t kinds_more; /* kinds that are not shown */
};
/* Flush, then logs/job_result.txt, user/error.txt, failed_items.jsonl (run folder), process and node totals. May be
 * called again: the same facts give the same files. Tries all of them and returns the first failure. */
int prs_report_finish(struct prs_report *r, const struct prs_result *res, struct prs_err *err);

/* Was the end of the job told: is there a job_result.txt? prs_report_new() removes it: the job goes on, or it is to be
 * told once more. */
bool prs_report_is_told(const struct prs_fs *fs, const char *dir);

/* The first traceback of the script seen so far: (file below logs/, offset, bytes, message); false = none. For the
 * console, as it happens. */
struct prs_first_error {
	char file[256];
	uint64_t offset;
	uint32_t bytes;
	char message[512];
	char where[128]; /* "mini-batch 12, try 1, process003" or "init(), process000" */
};
/* Fills kinds, kinds_n, kinds_more. */
void prs_report_kinds(const struct prs_report *r, struct prs_result *ret);
/* The last error so far, one line: "mini-batch 3, try 1, process001 on 127.0.0.1: ValueError: ..."; "" = none. */
const char *prs_report_last_error(const struct prs_report *r);
bool prs_report_first_error(const struct prs_report *r, struct prs_first_error *ret);

#endif
