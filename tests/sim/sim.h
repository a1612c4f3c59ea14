/* SPDX-License-Identifier: Apache-2.0
 * sim: the real ledger, scheduler and pools between simulated nodes, processes, links and disks, in virtual time.
 *
 * A plan says what the scripts do, what breaks and when; sim_run() plays it to the end of the job and checks the
 * invariants after every step. The same plan gives the same run. sim_random() makes a plan from a seed.
 *
 * Files: sim.c the clock and the loop · sim_process.c worker processes · sim_node.c a node around its pool ·
 * sim_master.c the engine around scheduler and ledger (as src/master/drive.c does it) · sim_check.c what must hold ·
 * sim_random.c plans from seeds.
 */
#ifndef PRS_TESTS_SIM_H
#define PRS_TESTS_SIM_H

#include "step_text.h"

#include <stdbool.h>

enum { SIM_NODES = 3, SIM_SLOTS = 4, SIM_IDS = 64, SIM_HAPPENINGS = 64, SIM_ITEMS = 5, SIM_KEYS = SIM_IDS * SIM_ITEMS };
#define MS UINT64_C(1000)
#define SEC UINT64_C(1000000)

/* What run() does with a mini-batch. */
enum sim_end {
	SIM_OK,
	SIM_RAISES,
	SIM_RETURNS_JUNK,
	SIM_MISFIT, /* and it says which item does not fit: bad_item_of() of impl.h */
	SIM_SYSTEM_EXIT,
	SIM_ASYNC,
	SIM_SAYS_IO,
	SIM_EXITS,
	SIM_CRASHES,
	SIM_HANGS,
	SIM_HANGS_LOADING,
	SIM_HANGS_WRITING,
	SIM_CRASHES_WRITING,
	SIM_TAKES_NODE_DOWN
};

struct sim_act {
	enum sim_end end;
	uint64_t load_us, run_us, write_us;
	uint32_t succeeded;
};

/* What a process does before its first mini-batch and after its last. */
enum sim_start {
	SIM_STARTS,
	SIM_NO_SPAWN,
	SIM_INIT_RAISES,
	SIM_INIT_EXITS,
	SIM_INIT_HANGS,
	SIM_INIT_GARBAGE,
	SIM_NO_RUN
};

enum sim_clock { SIM_CLOCK_TRUE, SIM_CLOCK_ZERO, SIM_CLOCK_STANDS, SIM_CLOCK_AHEAD, SIM_CLOCKS };

struct sim_process {
	enum sim_start start;
	uint64_t hello_us, init_us, shutdown_us;
	uint64_t same;    /* of a failed init */
	uint64_t dies_us; /* by itself, after its init; 0 = never */
	bool ignores_term, unkillable, hangs_in_shutdown, takes_nothing;
	enum sim_clock clock;
};

enum sim_what {
	SIM_PLAN,         /* arg ids more are planned; the last SIM_PLAN completes the plan */
	SIM_KILL_PROCESS, /* node, slot */
	SIM_STOP_PROCESS, /* node, slot, for arg µs */
	SIM_STOP_NODE,    /* node, for arg µs */
	SIM_STOP_ENGINE,  /* for arg µs; with one machine its node too */
	SIM_LOSE_NODE,    /* node */
	SIM_CUT,          /* node: nothing comes through for arg µs, then all at once */
	SIM_NODE_BACK,    /* node */
	SIM_KILL_ENGINE,  /* another engine resumes after arg µs */
	SIM_KILL_MACHINE, /* the same, under another boot id */
	SIM_INTERRUPT,    /* Ctrl-C; another engine resumes after arg µs */
	SIM_RETIRE,       /* node, slot: its process is to be replaced */
	SIM_MEMORY,       /* node, slot: its process is over its memory limit */
	SIM_PAUSE         /* node: nobody reads what its processes send for arg µs */
};

struct sim_happening {
	uint64_t at_us;
	enum sim_what what;
	uint16_t node, slot;
	uint64_t arg;
};

struct sim_plan {
	/* 0 = no dice: links and disks take as long as they may, nothing else takes a while, what may fail does not */
	uint64_t seed;
	uint16_t nodes, slots;
	bool remote; /* messages between master and nodes take time; else one machine, called directly */
	uint64_t link_us, sync_us, frame_us; /* at most */
	unsigned sync_fails;                 /* one in so many; 0 = never */
	unsigned bad_ranges;                 /* damaged DONEs found at the first assembly */
	uint64_t grace_us;
	struct prs_limits limits;
	struct prs_pool_config pool;
	struct sim_happening happenings[SIM_HAPPENINGS];
	int happenings_n;
	struct sim_act (*run)(void *ctx, const struct prs_unit *u, uint16_t try_number, uint16_t node, uint16_t slot);
	struct sim_process (*process)(void *ctx, uint16_t node, uint16_t slot, uint32_t starts);
	void *ctx;
	struct text *transcript; /* NULL = none */
	bool terse;              /* the transcript leaves out frames and leases */
};

struct sim_result {
	enum prs_job_state state; /* COMPLETED, FAILED, INTERRUPTED (no engine resumed) */
	uint16_t code;
	uint64_t done, failed, steps, end_us;
	uint32_t tries_failed, lives;
	uint32_t tries[SIM_IDS];  /* as counted in the end */
	uint32_t runs[SIM_IDS];   /* how often run() was entered */
	uint32_t dropped;         /* answers that came after the judgement */
	uint16_t ran_on[SIM_IDS]; /* node * SIM_SLOTS + slot of the last run */
	uint8_t unit_state[SIM_IDS];
	bool item_done[SIM_KEYS]; /* id * SIM_ITEMS + item */
	uint64_t splits, part_runs;
	char violation[512]; /* "" = everything held */
};

struct sim_result sim_run(const struct sim_plan *plan);

/* A plan made of a seed; its callbacks live as long as `to`. */
struct sim_dice {
	uint64_t seed;
	struct sim_plan plan;
	struct sim_act acts[SIM_IDS];
	int bad_item[SIM_IDS];   /* the act is this item's doing; -1 = whatever the mini-batch holds */
	unsigned flaky[SIM_IDS]; /* the act happens one time in so many; 0, 1 = always */
	struct sim_process process;
	unsigned starts_fail, start_kind, bad_slot;
};
void sim_random(uint64_t seed, struct sim_dice *to);

/* xorshift: the next number of a stream */
static inline uint64_t sim_next(uint64_t *stream)
{
	uint64_t x = *stream += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}
static inline uint64_t sim_below(uint64_t *stream, uint64_t n) { return n ? sim_next(stream) % n : 0; }

#endif
