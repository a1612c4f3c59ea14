/* SPDX-License-Identifier: Apache-2.0
 * pool: what a node does with its workers: queue, claim, recall, timers, blame, kill, backoff.
 *
 * prs_pool_step(event) -> effects. No clock, no I/O: the node carries the effects out and answers with events.
 *
 * Happy path of a unit: LEASE -> queued here -> SEND to a worker (TASK frame, then a token of its eventfd) -> the
 * worker takes the token (a claim) -> RESULT -> ACCEPT. Claims of one process are numbered 1, 2, 3 ... in the order of
 * SEND; a worker works them off in order. Of the units sent and unanswered, the first `claimed` ones are taken (at most
 * one runs), the others can be recalled.
 *
 * Blame: timer and blame belong to the claim in the page. The judgement (TRY effect) is the state change: a RESULT or
 *         FAIL of that claim after it is dropped (DROPPED effect, for the log). A process that dies: complete RESULT
 *         frames read before EXITED count; the unit that the page names as started is charged a try, unless it was
 *         judged already or the process was killed for no unit's sake; all others come back free (to the own queue,
 *         another worker runs them).
 * Depth: clamp(depth_target_us / mean run time, 1, depth_max) units are sent to a worker ahead of time, but at least 2
 *         while runs are shorter than recall_after_us: a worker that has its next unit does not wait for the node.
 *         Units are asked for (ASK) and sent when a worker has at most half of its depth left, so that they travel in
 *         groups.
 * Bodies: the node keeps what it sends a unit with until the unit is accepted, tried or returned. No unit more is
 *         asked for than body_bytes_max has room for, reckoned by the mean of those that are here.
 * Recall: when a worker is idle and another worker's head has run longer than recall_after_us: RECALL what lies behind
 *         it.
 * Retiring: a process that served max_units, or that RETIRE names, gets no more units, ends after what it runs by STOP
 *         (shutdown()), and is replaced at once.
 * Backoff: an end of a process that no unit is charged for (init() failed, it ended while idle, it takes no unit)
 *         delays its next start.
 * Giving up: a slot whose processes fail in their init() (or before HELLO) too often in a row gets no other one; the
 *         others go on. When none is left, or when init() failed 3 x slots times without a finished unit between, the
 *         pool is unfit: it aborts itself.
 * Retries: a unit that must avoid a slot waits for another process, but no longer than recall_after_us while its own
 *         one is idle and the others are busy.
 * Pauses: while nobody reads, a process that hands over its rows waits for us: LOAD and WRITE are not timed, and what
 *         they took by then does not count.
 * Clock: an event whose time lies gap_us or more behind the WAKE that was asked for (the machine or the container
 *         stood) shifts all deadlines by as much. While something is timed the pool asks to be woken at least every
 *         gap_us. The times in the pages are those of the processes, whose clocks scripts change (freezegun,
 *         libfaketime): one that cannot be true is replaced by the time when the pool saw the phase first, so pages
 *         are read at least every look_us.
 */
#ifndef PRS_POOL_POOL_H
#define PRS_POOL_POOL_H

#include "base/err.h"
#include "wire/facts.h"
#include "wire/page.h"
#include "wire/states.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prs_pool_config {
	uint16_t slots;               /* worker processes */
	uint64_t run_timeout_us;      /* run_invocation_timeout: phase RUN */
	uint64_t overhead_timeout_us; /* task_overhead_timeout: phases LOAD and WRITE; also shutdown() */
	uint64_t init_timeout_us;     /* STARTING + INIT */
	uint64_t term_grace_us;       /* TERM -> KILL, 2 s */
	uint64_t backoff_first_us;    /* after the 1st failure in a row of a slot, 100 ms; doubles */
	uint64_t backoff_max_us;      /* 10 s */
	uint64_t start_backoff_us;    /* after the 1st process of a slot that ended before HELLO, 1 s; doubles */
	uint32_t start_tries;         /* so many of them in a row, and the slot is given up; 5 */
	uint32_t init_tries;          /* so many failed init() in a row, and the slot is given up; 3 */
	uint64_t depth_target_us;     /* 16 ms: some ticks of the kernel, in which the engine may not run */
	uint16_t depth_max;           /* 32 */
	uint64_t recall_after_us;     /* 20 ms */
	uint64_t gap_us;              /* 2 s */
	uint64_t look_us;             /* 500 ms */
	uint64_t body_bytes_max; /* bodies that the pool holds, but a unit a slot whatever it holds; 0 = no limit */
	uint64_t max_units; /* max_mini_batches_per_process: the process is replaced after so many answers; 0 = never */
};

enum prs_pool_event_type {
	PRS_POOL_START,        /* start the processes */
	PRS_POOL_LEASE,        /* unit, lease, try_number, avoid_slot, body, body_bytes */
	PRS_POOL_SPAWNED,      /* slot, pid */
	PRS_POOL_SPAWN_FAILED, /* slot, code */
	PRS_POOL_HELLO,        /* slot */
	PRS_POOL_READY,        /* slot */
	PRS_POOL_INIT_FAILED,  /* slot, code: the process will exit by itself */
	PRS_POOL_RESULT,       /* slot, claim, run_us */
	PRS_POOL_FAIL,         /* slot, claim, code, run_us: a FAIL frame */
	PRS_POOL_RECALLED,     /* slot, count: that many tokens were read back; may be fewer than asked, also 0 */
	PRS_POOL_BROKEN,       /* slot, code: bytes that are not the protocol, or the socket is unusable */
	/* slot, code, pages = its page: it holds too much memory; killed, and the unit that the page names is
	 * charged */
	PRS_POOL_OVER_LIMIT,
	PRS_POOL_RETIRE, /* slot: to be replaced after the unit that runs */
	PRS_POOL_PAUSE,  /* nobody reads what the processes send: what they wait for is not their doing */
	PRS_POOL_RESUME, /* it is read again */
	PRS_POOL_BYE,    /* slot, code */
	/* slot, exit = wait status, code = why when the node knows better (memory limit), else 0, pages = its last
	 * page; its socket has been drained before */
	PRS_POOL_EXITED,
	PRS_POOL_TICK, /* pages[] of all slots as just read (word 0 where there is none) */
	/* no new units to workers; units that run may finish; then STOP the workers. Queued units are RETURNed. */
	PRS_POOL_DRAIN,
	PRS_POOL_ABORT, /* TERM all now, KILL after the grace; running units are RETURNed without a try */
	PRS_POOL_FINISH /* nothing more will come: STOP idle workers (shutdown()), then DOWN */
};

struct prs_pool_event {
	enum prs_pool_event_type type;
	uint64_t now_us;
	uint16_t slot;
	uint16_t code;
	uint32_t count;
	uint32_t claim;
	uint32_t pid;
	uint32_t exit;
	uint64_t run_us;
	const struct prs_page *pages; /* TICK: config.slots of them; EXITED: one */
	/* LEASE */
	struct prs_unit unit;
	uint64_t lease;
	uint16_t try_number;
	uint16_t avoid_slot; /* 0xffff = none */
	uint32_t body_bytes;
	/* what the node keeps to send the unit with; the effect that ends the unit here gives it back. NULL: it had no
	 * room, the unit is RETURNed at once */
	void *body;
};

#define PRS_POOL_NOT_ENDED UINT32_MAX /* in place of a wait status */

enum prs_pool_effect_type {
	PRS_POOL_SPAWN, /* slot, incarnation */
	PRS_POOL_SEND,  /* slot, claim, unit, lease, try_number, body: TASK frame, then one token */
	/* slot, count: read up to count tokens back, then event RECALLED (DROP frame for what came back) */
	PRS_POOL_RECALL,
	PRS_POOL_DROP,    /* slot, claim, count: send a DROP frame for claims claim .. claim+count-1 */
	PRS_POOL_STOP,    /* slot: send STOP */
	PRS_POOL_SIGNAL,  /* slot, count = signal number, to the process group */
	PRS_POOL_ACCEPT,  /* slot, claim, unit, lease, body: the RESULT being handled counts: store it */
	PRS_POOL_DROPPED, /* slot, claim, unit: a RESULT or FAIL that came after the judgement; for the log */
	PRS_POOL_TRY,     /* slot, incarnation, unit, lease, try_number, body, code, exit, run_us: a try failed */
	PRS_POOL_RETURN,  /* unit, lease, body: back to the master, no try */
	/* slot, incarnation, pid, proc_event, code, exit; exit is PRS_POOL_NOT_ENDED where SPAWN is said of a process
	 * that came up too slowly */
	PRS_POOL_PROC,
	PRS_POOL_GIVEN_UP, /* slot, code, count = failures in a row: no process is started there any more */
	/* slot, code, count = failures in a row: no slot is left; or, slot 0xffff, count failures of init() without
	 * a unit finished between. PRS_ESPAWN: a process could not be started; PRS_EINIT_GIVE_UP: it was init()
	 * everywhere. The pool ends by itself, DOWN follows */
	PRS_POOL_UNFIT,
	/* count: how many units the node wants, all that came since the start counted too (modulo 2^32; replaces the
	 * last one) */
	PRS_POOL_ASK,
	PRS_POOL_WAKE, /* at_us: call with TICK then (replaces the last one; UINT64_MAX = no timer) */
	PRS_POOL_DOWN  /* all processes are gone, after DRAIN, ABORT or FINISH */
};

struct prs_pool_effect {
	enum prs_pool_effect_type type;
	uint16_t slot;
	uint16_t code;
	uint16_t try_number;
	uint8_t proc_event; /* enum prs_proc_event */
	uint32_t count, claim, incarnation, pid, exit;
	uint64_t lease, at_us, run_us;
	uint64_t start_us; /* TRY: monotonic µs when the phase was entered, 0 = not known */
	struct prs_unit unit;
	void *body;
};

struct prs_pool_effects {
	struct prs_pool_effect *v;
	uint32_t n, cap;
};

/* For status, why and the console. */
struct prs_pool_slot_view {
	enum prs_worker_state state;
	uint32_t incarnation, pid;
	uint32_t sent; /* units sent and unanswered */
	bool running;
	struct prs_unit unit; /* the head, when running */
	uint64_t since_us;    /* of the state */
	uint64_t busy_us;     /* total, phases LOAD RUN WRITE as far as known */
	uint32_t failures;    /* in a row */
	bool given_up;        /* no process is started there any more */
};

struct prs_pool; /* opaque */

struct prs_pool *prs_pool_new(const struct prs_pool_config *config);
void prs_pool_free(struct prs_pool *p);
/* Handle an event; effects are appended to `out` in the order in which they must be carried out. PRS_ENOMEM leaves the
 * pool unchanged. */
int prs_pool_step(struct prs_pool *p, const struct prs_pool_event *e, struct prs_pool_effects *out);
void prs_pool_view(const struct prs_pool *p, uint16_t slot, struct prs_pool_slot_view *ret);
/* Units queued here and not yet sent. */
uint32_t prs_pool_queued(const struct prs_pool *p);
/* Has any process a unit? */
bool prs_pool_busy(const struct prs_pool *p);
/* How long (µs) all processes have enough units whatever happens: the node may sleep, and handle more results at once.
 * 0: no time at all. */
uint64_t prs_pool_slack_us(const struct prs_pool *p);

#endif
