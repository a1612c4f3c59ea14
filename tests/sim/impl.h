/* SPDX-License-Identifier: Apache-2.0
 * impl: what the files of the simulation share.
 */
#ifndef PRS_TESTS_SIM_IMPL_H
#define PRS_TESTS_SIM_IMPL_H

#include "sim.h"

#include "base/buf.h"

enum kind {
	/* processes */
	P_HELLO,
	P_INIT_END,
	P_TAKE,
	P_RUN,
	P_WRITE,
	P_SENT,
	P_STOP,
	P_SIGNAL,
	P_DIE,
	/* nodes */
	N_FRAME,
	N_EXITED,
	N_TICK,
	N_RESUME,
	N_ORDER,
	/* master */
	M_SYNCED,
	M_TICK,
	M_HEALED,
	M_RESULT,
	M_STORED,
	M_FACT,
	M_RETURNED,
	M_ASK,
	M_FAILED,
	M_DOWN,
	M_NODE_LOST,
	M_NODE_UP,
	M_GRACE_OVER,
	M_RESUME,
	/* the world */
	W_HAPPENING
};

enum order { ORDER_START, ORDER_LEASE, ORDER_DRAIN, ORDER_ABORT, ORDER_FINISH };
enum frame { FRAME_HELLO, FRAME_READY, FRAME_INIT_FAILED, FRAME_RESULT, FRAME_FAIL, FRAME_BYE, FRAME_GARBAGE };

struct ev {
	uint64_t at_us, seq;
	enum kind kind;
	uint16_t node, slot;
	uint32_t gen;    /* of the process, the node's life, the engine's life: an event of another one is void */
	uint32_t detail; /* frame, order, signal, happening, stamp */
	uint32_t claim;
	uint16_t code;
	uint64_t arg;
	struct prs_unit unit;
	uint64_t lease;
	uint16_t try_number, avoid_slot;
	struct prs_fact fact;
};

struct queued {
	uint32_t claim;
	struct prs_unit unit;
	uint64_t lease;
	uint16_t try_number;
};

/* A worker process as it really is; the pool sees frames, its page and its death. */
struct process {
	bool alive, reaped; /* reaped: the pool knows */
	uint32_t gen, starts;
	struct sim_process how;
	struct prs_page page;
	uint64_t phase_us, stands_us; /* when its phase really began; what its clock says that stands */
	struct queued queue[64], taken;
	uint32_t queue_n;
	bool busy, stop, ready, leaving;
	uint64_t last_frame_us, sleep_until_us;
	struct sim_act act;
	bool fell_in_unit; /* died by its own doing while it worked on `taken` */
	uint16_t broken;   /* the code that the pool was told */
	uint32_t exit_status;
	uint32_t sent_claim; /* the last SEND */
};

struct snode {
	bool up, told_down, started;
	uint32_t life;
	struct prs_pool *pool;
	struct process p[SIM_SLOTS];
	struct prs_pool_effects effects;
	struct prs_pool_event events[4096];
	struct prs_page exit_pages[SIM_SLOTS], pages[SIM_SLOTS];
	uint32_t events_n;
	bool stepping, pool_down;
	uint32_t wake_stamp;
	uint64_t cut_until_us, sleep_until_us, paused_until_us, to_master_us, from_master_us;
	const struct ev *frame; /* being handled */
	/* units inside: leased and not yet accepted, tried, returned */
	uint64_t inside[SIM_KEYS];   /* lease, 0 = not here */
	uint32_t bodies, body_bytes; /* of units inside: kept by the node */
};

struct group {
	struct prs_buf body;
	bool any;
};

struct master {
	bool alive, ending, aborting, all_final, stopped_leasing;
	uint32_t life, epoch;
	enum prs_job_state state;
	uint16_t code;
	struct prs_ledger ledger;
	struct prs_sched *sched;
	struct group groups[2];
	int filling;
	bool syncing;
	uint32_t storing; /* results whose rows are not durable yet */
	uint32_t storing_of[SIM_NODES];
	uint32_t dying[SIM_NODES]; /* the life that is lost once its last rows are durable; 0 = none */
	uint64_t last_store_us;
	uint64_t sleep_until_us;
	uint32_t tick_stamp;
	uint64_t leased[SIM_KEYS]; /* lease, 0 = not leased */
	uint16_t leased_to[SIM_KEYS];
	struct prs_unit leased_unit[SIM_KEYS];
	uint32_t asked[SIM_NODES], granted[SIM_NODES];
	bool node_up[SIM_NODES], node_lost[SIM_NODES], node_down[SIM_NODES];
	uint16_t node_fault[SIM_NODES]; /* why it gave itself up */
	uint32_t node_life[SIM_NODES];
	uint64_t resume_us;
};

struct world {
	const struct sim_plan *plan;
	uint64_t now_us, seq, dice;
	struct ev *heap;
	uint32_t heap_n, heap_cap;
	struct snode nodes[SIM_NODES];
	struct master m;
	struct prs_buf journal; /* what is durable */
	uint64_t planned, plans_left;
	bool over, machine_died, ranges_damaged;
	bool progress; /* something became final in the last life */
	uint32_t gens, lives;
	struct {
		uint16_t node;
		struct prs_unit unit;
	} running_when_lost[SIM_NODES * SIM_SLOTS];
	uint32_t running_when_lost_n;
	/* what the facts so far say, counted without the ledger: each item, and where the units begin that there are
	 * (how many items) */
	bool done_item[SIM_KEYS], failed_item[SIM_KEYS];
	uint32_t units[SIM_KEYS];
	struct sim_result result;
};

/* Where things about a unit are kept: a whole mini-batch and its parts are never there together. */
static inline size_t key_of(const struct prs_unit *u) { return u->id * SIM_ITEMS + u->item_first; }
static inline uint32_t sim_body_bytes(const struct prs_unit *u)
{
	return 1 + (uint32_t)(u->id * 37 + u->item_first) % 200;
}
/* The item that a process blames, from 1; of some mini-batches none of theirs. */
static inline uint32_t bad_item_of(uint64_t id) { return 1 + (uint32_t)((id * 5 + 2) % (SIM_ITEMS + 1)); }

static inline uint32_t items_in(const struct prs_unit *u) { return u->item_count ? u->item_count : SIM_ITEMS; }
const char *unit_text(const struct prs_unit *u); /* "u5", "u5[2+3]"; lives until the fourth call from now */

/* sim.c */
void put_event(struct world *w, struct ev *e, uint64_t after_us);
uint64_t some_us(struct world *w, uint64_t at_most);
uint64_t delay_us(struct world *w, uint64_t at_most);
__attribute__((format(printf, 2, 3))) void note(struct world *w, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void chat(struct world *w, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void violated(struct world *w, const char *fmt, ...);
/* sim_process.c */
void process_start(struct world *w, uint16_t node, uint16_t slot, const struct sim_process *how);
void process_event(struct world *w, const struct ev *e);
void process_give(struct world *w, uint16_t node, uint16_t slot, const struct prs_pool_effect *e);
uint32_t process_take_back(struct world *w, uint16_t node, uint16_t slot, uint32_t count);
void process_die(struct world *w, uint16_t node, uint16_t slot, uint32_t status, bool own_doing);
bool process_works(const struct process *p);
/* sim_node.c */
void node_start(struct world *w, uint16_t node);
void node_event(struct world *w, uint16_t node, const struct prs_pool_event *e);
void node_handle(struct world *w, const struct ev *e);
/* RETIRE or OVER_LIMIT. */
void node_tell(struct world *w, uint16_t node, uint16_t slot, enum prs_pool_event_type type);
void node_cut(struct world *w, uint16_t node, uint64_t for_us);
void node_pause(struct world *w, uint16_t node, uint64_t for_us);
void node_gone(struct world *w, uint16_t node);
void remember_running(struct world *w, uint16_t node, const struct prs_unit *u);
void node_order(struct world *w, uint16_t node, enum order what, const struct prs_sched_effect *lease);
/* sim_master.c */
void master_start(struct world *w);
void master_turn(struct world *w); /* after each event: what was put is written */
void master_handle(struct world *w, const struct ev *e);
void master_interrupt(struct world *w, uint64_t resume_us);
void master_kill(struct world *w, uint64_t resume_us, bool machine);
void master_plan(struct world *w, uint64_t ids);
void master_node_lost(struct world *w, uint16_t node);
void to_master(struct world *w, uint16_t node, struct ev *e);
/* sim_check.c */
void check_lease(struct world *w, const struct prs_sched_effect *e);
void check_sched_effect(struct world *w, const struct prs_sched_effect *e);
void check_pool_effect(struct world *w, uint16_t node, const struct prs_pool_effect *e);
void check_fact(struct world *w, const struct prs_fact *f);
void check_ledger(struct world *w);
void check_folded(struct world *w);
void check_end(struct world *w);
uint32_t sim_items_of(void *ctx, uint64_t id);

#endif
