/* SPDX-License-Identifier: Apache-2.0
 * view: a run as its journal tells it, read without changing anything: for status, list and friends.
 */
#ifndef PRS_CLI_VIEW_H
#define PRS_CLI_VIEW_H

#include "cli/cli.h"
#include "data/plan.h"
#include "sched/ledger.h"

struct cli_failed {
	struct prs_unit unit;
	uint32_t resets; /* before it */
};

struct cli_view {
	struct prs_plan *plan;
	struct prs_ledger ledger;
	bool running;               /* an engine holds the lock */
	uint64_t first_us, last_us; /* wall time of the first and the last fact */
	struct cli_failed *failed;  /* every FAILED fact, those that were reset included: cli_view_failed() */
	size_t failed_n, failed_cap;
	uint32_t resets, *reset_at; /* RESET facts so far; the last one of each mini-batch */
	uint64_t reset_at_n;
	uint64_t output_bytes, output_rows;
	char output[PATH_MAX]; /* of the last PUBLISHED */
	char cause[512];       /* text of the last STATE */
	char owner[320];       /* what the lock says: "pid 12 on host" */
};

/* Refuses a damaged or newer folder with a sentence. */
int cli_view_read(struct cli_view *v, const struct cli_run *run, struct prs_err *err);
/* Keeps in v->failed what is failed now, in input order. */
void cli_view_failed(struct cli_view *v);
void cli_view_done(struct cli_view *v);
/* "completed", "failed", "canceled", "running", "interrupted" (it should run, but no engine does) */
const char *cli_view_state(const struct cli_view *v);
/* Shows how a running engine gets on until it ends (or nobody listens): a live line, or JSON lines. Exit status. */
int cli_watch(const struct cli_run *run, bool json);
/* "2025-01-31 12:00:00" (local); "5 min", "3 d" */
void cli_put_time(struct prs_buf *to, uint64_t wall_us);
void cli_put_age(struct prs_buf *to, uint64_t now_us, uint64_t then_us);

#endif
