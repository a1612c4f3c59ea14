/* SPDX-License-Identifier: Apache-2.0
 * view: a run as its journal tells it, read without changing anything: for status, list and friends.
 */
#ifndef PRS_RUN_VIEW_H
#define PRS_RUN_VIEW_H

#include "base/buf.h"
#include "data/plan.h"
#include "run/runs.h"
#include "sched/ledger.h"

struct prs_view_failure {
	struct prs_unit unit;
	uint32_t resets; /* before it */
};

struct prs_view {
	struct prs_plan *plan;
	struct prs_ledger ledger;
	bool running, unknown;           /* an engine holds the lock; whether one does cannot be known here */
	bool half_made;                  /* prs was stopped while it made the folder: nothing ran */
	uint64_t first_us, last_us;      /* wall time of the first fact, and of the last one of the last life */
	uint64_t head_us, before_us;     /* when the last life began; how long those before it were */
	uint64_t latest_us;              /* the latest wall time of all: a clock may have been set back */
	struct prs_view_failure *failed; /* every FAILED fact, those that were reset included: prs_view_failed() */
	size_t failed_n, failed_cap;
	uint32_t resets, *reset_at; /* RESET facts so far; the last one of each mini-batch */
	uint64_t reset_at_n;
	uint64_t output_bytes, output_rows;
	char output[PATH_MAX]; /* of the last PUBLISHED */
	char cause[512];       /* text of the last STATE */
	char last_try[512];    /* message of the last try that failed, its first line */
	char owner[320];       /* what the lock says: "pid 12 on host" */
};

/* How long its engines ran, all lives together; `now_us`: the wall clock, for one that runs. */
uint64_t prs_view_duration_us(const struct prs_view *v, uint64_t now_us);
/* Refuses a damaged or newer folder with a sentence. */
int prs_view_read(struct prs_view *v, const struct prs_fs *fs, const struct prs_run *run, struct prs_err *err);
/* Keeps in v->failed what is failed now, in input order. */
void prs_view_failed(struct prs_view *v);
void prs_view_done(struct prs_view *v);
/* "completed", "failed", "canceled", "running", "interrupted" (it should run, but no engine does), "unknown" (one
 * of the last two), "half-made" */
const char *prs_view_state(const struct prs_view *v);
/* The same for people: "completed, 10 items failed". Items without a row and without an error did not fail. */
void prs_view_put_state(struct prs_buf *to, const struct prs_view *v);
#endif
