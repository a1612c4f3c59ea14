/* SPDX-License-Identifier: Apache-2.0
 * sched: policy above the ledger: which mini-batch a node gets next, when a try is repeated, when the job is over.
 *
 * prs_sched_step(event) -> effects. No clock (events carry the time), no I/O, never replayed: a heuristic here can
 * change without breaking a resume. Facts are journaled and synced by the caller first, folded into the ledger, then
 * told here.
 * A node that is lost: the caller journals LOST, then tells NODE_DOWN; what that node says afterwards belongs to leases
 * that are over and is ignored.
 *
 * Order of leasing: what must run alone; units to repeat (REPEAT, returned) before new ids, lower ids first. A unit
 * whose error is RESUMABLE pauses for a second.
 * The job is given up when
 *   - more items or mini-batches failed than error_threshold, allowed_failed_count or allowed_failed_percent allow; the
 *     percentage is of all mini-batches and not judged before the last one is planned;
 *   - no mini-batch was finished within progress_timeout_us, counted from the first finished init();
 *   - nothing could be planned within first_task_timeout_us;
 *   - fail_fast: the first mini-batches, 3 for each process and at least 10, all failed, every try with the same
 *     error (kind of exception and line of the script, else code), and none ever succeeded;
 *   - init(): in every process of every node it took too long once or failed twice in the same way; or, for 2 minutes
 *     and without a mini-batch done meanwhile, it failed 2 times as often as there are processes. (A process, or a
 *     node, in which it fails too often is given up by its pool: the others go on.)
 *   - init() or a try failed with an error that is the same in every process (END_JOB; of init() FAIL, too);
 *   - planning failed, and all that was planned before is final.
 */
#ifndef PRS_SCHED_SCHED_H
#define PRS_SCHED_SCHED_H

#include "sched/ledger.h"
#include "sched/limits.h"

enum { PRS_NODES_MAX = 4096, PRS_NO_SLOT = 0xffff };

enum prs_sched_event_type {
	PRS_SCHED_START,     /* the clock of first_task_timeout starts */
	PRS_SCHED_NODE_UP,   /* node, procs; what it had before is to be leased again */
	PRS_SCHED_NODE_DOWN, /* node; all that it had is to be leased again */
	PRS_SCHED_PLANNED,   /* the ledger knows more ids, or planned_all */
	/* Planning failed behind the ids below unit.id: the job fails with code and `said` when those are final. */
	PRS_SCHED_PLAN_STOPS,
	PRS_SCHED_RESET,     /* unit.id: RESET is durable and folded: ids from there on are PLANNED again */
	/* node wants `count` units, all since its NODE_UP counted together (modulo 2^32; replaces the last number) */
	PRS_SCHED_ASK,
	PRS_SCHED_DONE,        /* unit: DONE is durable and folded */
	PRS_SCHED_TRIED,       /* unit, lease, slot, code, kind, bad_item: TRY is durable and folded */
	PRS_SCHED_FAILED,      /* unit: FAILED is durable and folded */
	PRS_SCHED_SPLIT,       /* unit, count, bad_item: SPLIT into so many parts is durable and folded */
	PRS_SCHED_RETURNED,    /* unit, lease: came back without a try */
	PRS_SCHED_INIT_DONE,   /* node, slot */
	PRS_SCHED_INIT_FAILED, /* node, slot, code, same = hash of the message */
	PRS_SCHED_STOP,        /* lease nothing any more (drain, abort) */
	PRS_SCHED_TICK         /* stalled_us */
};

struct prs_sched_event {
	enum prs_sched_event_type type;
	uint64_t now_us;
	uint16_t node, slot;
	uint16_t procs;
	uint16_t code;
	uint32_t count, bad_item;
	uint64_t same, lease;
	struct prs_text kind; /* of TRY */
	struct prs_text said; /* of INIT_FAILED, TRIED and PLAN_STOPS: why */
	uint64_t stalled_us;  /* so long, since the last TICK, results waited for a disk: no lack of progress */
	struct prs_unit unit;
};

enum prs_sched_effect_type {
	PRS_SCHED_LEASE,     /* node, unit, lease, try_number, avoid_slot */
	PRS_SCHED_FAIL,      /* unit, items, code: journal FAILED, fold, then event FAILED */
	PRS_SCHED_DIVIDE,    /* unit, items, code, parts: journal SPLIT, fold, then event SPLIT */
	PRS_SCHED_ABORT,     /* code, text: the job fails; at most once */
	PRS_SCHED_ALL_FINAL, /* every id is DONE or FAILED and planning is complete: assemble; again after a RESET */
};

struct prs_sched_effect {
	enum prs_sched_effect_type type;
	uint16_t node;
	uint16_t avoid_slot; /* PRS_NO_SLOT or the slot of the same node whose process failed the last try */
	uint16_t code;
	uint16_t try_number; /* 1 = the first */
	bool alone;          /* LEASE: nothing else is leased to the node meanwhile */
	uint32_t items;
	struct prs_ledger_parts parts;
	uint64_t lease; /* epoch << 40 | counter */
	struct prs_unit unit;
	const char *text; /* of ABORT; lives until the next step */
};

struct prs_sched_effects {
	struct prs_sched_effect *v;
	uint32_t n, cap;
};

struct prs_sched; /* opaque */

/* `ledger` is borrowed and must outlive the scheduler; PLANNED parts and ids already in it are leased first. NULL when
 * out of memory. */
struct prs_sched *prs_sched_new(struct prs_ledger *ledger, const struct prs_limits *limits);
void prs_sched_free(struct prs_sched *s);
void prs_sched_set_limits(struct prs_sched *s, const struct prs_limits *limits);
/* Handle an event; effects are appended to `out` (owned by the caller, cleared by the caller). PRS_ENOMEM leaves the
 * scheduler unchanged. */
int prs_sched_step(struct prs_sched *s, const struct prs_sched_event *e, struct prs_sched_effects *out);
/* When a TICK is due (monotonic µs), UINT64_MAX = never. While a clock runs that is never later than half a gap_us, so
 * that a gap is seen. */
uint64_t prs_sched_next_us(const struct prs_sched *s);
/* One sentence for people: what the job waits for. */
void prs_sched_waits_for(const struct prs_sched *s, char *text, size_t bytes);

#endif
