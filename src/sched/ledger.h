/* SPDX-License-Identifier: Apache-2.0
 * ledger: folds the facts of the journal into the state of every mini-batch and the counters of the job.
 *
 * Resume = fold the journal. The fold is frozen: an old journal gives the same ledger under a newer engine.
 * Invariants: every id below next_id is in exactly one state; the counts per state add up to next_id.
 *             DONE and FAILED are final: only a RESET fact leaves them. A second DONE of an id is ignored (first commit
 *             wins).
 * A SPLIT mini-batch goes on as parts (docs/design/bisect.md); when the last one is final, the mini-batch is DONE or
 * FAILED.
 * Memory:     12 to 15 bytes an id; what took a node down, and the parts of what is SPLIT, in small hashes.
 * LEASED and REPEAT are not facts: they are set by sched alone (prs_ledger_move) and forgotten by a resume.
 */
#ifndef PRS_SCHED_LEDGER_H
#define PRS_SCHED_LEDGER_H

#include "base/err.h"
#include "wire/facts.h"
#include "wire/states.h"

#include <stdbool.h>
#include <stdint.h>

/* A unit that ran when a node, or the machine, went down so often runs alone; fails, when nothing else was finished. */
enum { PRS_DOWNS_TO_BE_ALONE = 2, PRS_DOWNS_TO_FAIL = 3 };

/* Number of items of a mini-batch, from the plan. */
typedef uint32_t prs_items_fn(void *ctx, uint64_t id);

struct prs_ledger_counts {
	uint64_t units[PRS_UNIT_STATES]; /* mini-batches per state; parts are none */
	uint64_t items;                  /* planned */
	uint64_t items_succeeded;        /* sum of DONE.succeeded, capped at the items of the mini-batch */
	/* gaps of DONE (items - succeeded, not below 0) + items of FAILED: what error_threshold counts */
	uint64_t items_failed;
	uint64_t items_missing;       /* of these, the gaps of DONE mini-batches: too few rows, and no error */
	uint64_t items_final;         /* items of DONE and FAILED mini-batches and parts */
	uint64_t rows;                /* of DONE */
	uint64_t row_bytes;           /* of all DONE facts; a RESET does not take them back */
	uint64_t tries_failed;        /* TRY facts */
	uint64_t splits, split_items; /* mini-batches that were split so far, their items */
	uint64_t part_runs;           /* DONE and counted TRY facts of parts: runs that only bisect makes */
	uint64_t done_this_epoch;     /* DONE since the last HEAD */
	uint64_t items_this_epoch;    /* succeeded since then */
};

/* What later codes made counts for the last of these. */
enum { PRS_CODES_TOLD_APART = 256 };

/* Code that lives ran: HEAD says its fingerprint. A DONE belongs to that of the life in its lease. */
struct prs_ledger_code {
	uint32_t epoch; /* the first life that ran it; 0 = the run began with it */
	uint8_t print[16];
	/* Of final mini-batches, and how many of these are DONE; parts count with the last one of theirs. */
	uint64_t rows, units;
};

struct prs_ledger {
	struct prs_ledger_cell *cells;
	uint64_t cells_cap;
	uint64_t next_id;
	bool planned_all;
	uint32_t epoch;
	enum prs_job_state job;
	uint16_t job_code; /* of the last STATE */
	bool published;
	struct prs_ledger_counts counts;
	struct prs_ledger_code *codes; /* in the order of their epochs */
	uint32_t codes_n;
	struct prs_down *downs;   /* uthash: units that were running when a node was lost */
	struct prs_split *splits; /* uthash: mini-batches that are SPLIT */
	prs_items_fn *items_of;
	void *items_ctx;
};

int prs_ledger_init(struct prs_ledger *l, prs_items_fn *items_of, void *items_ctx);
void prs_ledger_done(struct prs_ledger *l);

/* Fold one fact. PRS_ECORRUPT when the fact contradicts the ledger (an id that was never planned, ...), PRS_ENOMEM:
 * both leave it unchanged.
 * PLANNED facts must be folded when items_of already knows the ids. */
int prs_ledger_fold(struct prs_ledger *l, const struct prs_fact *f, struct prs_err *err);

enum prs_unit_state prs_ledger_state(const struct prs_ledger *l, uint64_t id);
/* The same of a unit: a mini-batch or a part of one. SPLIT for a part that is no (longer) one. */
enum prs_unit_state prs_ledger_unit(const struct prs_ledger *l, const struct prs_unit *u);
/* May the unit still become DONE or FAILED? False for ids that are not known. */
bool prs_ledger_open(const struct prs_ledger *l, const struct prs_unit *u);
/* Its items. */
uint32_t prs_ledger_items(const struct prs_ledger *l, const struct prs_unit *u);
/* Tries that were counted so far. */
uint32_t prs_ledger_tries(const struct prs_ledger *l, const struct prs_unit *u);
/* Of the last TRY of a unit that is not final; 0 = none. */
uint16_t prs_ledger_code(const struct prs_ledger *l, const struct prs_unit *u);
/* How often a node, or the machine, went down while this unit ran ... */
uint32_t prs_ledger_downs(const struct prs_ledger *l, const struct prs_unit *u);
/* ... and, of these, without that anything else was finished in that life. */
uint32_t prs_ledger_downs_for_nothing(const struct prs_ledger *l, const struct prs_unit *u);
/* Every open unit that was running at such an end. */
void prs_ledger_each_down(const struct prs_ledger *l, void (*each)(void *ctx, const struct prs_unit *u), void *ctx);
/* PLANNED -> LEASED -> PLANNED | REPEAT (policy's own moves); asserts that the arc is legal. */
void prs_ledger_move(struct prs_ledger *l, const struct prs_unit *u, enum prs_unit_state to);
/* A unit with so many items that is split: into `n` parts as large as each other, part k has item n * k / parts and on;
 * or around one item (of its mini-batch, from 1; 0 = none), which is a part: what lies before it, it, what lies
 * behind. */
struct prs_ledger_parts {
	uint32_t n, bad_item;
};
/* Around that item; in two, when it is none of the unit's. */
struct prs_ledger_parts prs_ledger_parts_of(const struct prs_unit *u, uint32_t items, uint32_t bad_item);
/* Part k. */
struct prs_unit prs_ledger_part(const struct prs_unit *u, uint32_t items, struct prs_ledger_parts parts, uint32_t k);
/* Every part that is not final. */
void prs_ledger_each_part(const struct prs_ledger *l, void (*each)(void *ctx, const struct prs_unit *u), void *ctx);
/* LEASED and REPEAT back to PLANNED: what a resume forgets. For comparing a live ledger with a folded one. */
void prs_ledger_forget_leases(struct prs_ledger *l);
/* Same states, tries and counts? On a difference a sentence is put into err. */
bool prs_ledger_equal(const struct prs_ledger *a, const struct prs_ledger *b, struct prs_err *err);

#endif
