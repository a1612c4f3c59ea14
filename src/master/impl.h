/* SPDX-License-Identifier: Apache-2.0
 * impl: what the files of master/ share.
 */
#ifndef PRS_MASTER_IMPL_H
#define PRS_MASTER_IMPL_H

#include "data/list.h"
#include "data/plan.h"
#include "io/loop.h"
#include "io/sync.h"
#include "master/engine.h"
#include "node/node.h"
#include "sched/sched.h"
#include "store/store.h"

enum { PRS_PATH_BYTES_M = 4096 };

/* Facts that become durable together. */
struct facts {
	struct prs_sync_job job;
	struct prs_engine *engine;
	struct prs_buf frame;
	uint64_t offset;
	bool any;
	struct prs_err err;
};

/* A plan body on its way: listed and synced on the sync thread, then fed here. */
struct listing {
	struct prs_sync_job job;
	struct prs_engine *engine;
	struct prs_lister *lister;
	struct prs_log log;
	bool log_open;
	struct prs_buf frame;
	int more; /* of prs_list_next */
	struct prs_err err;
};

struct prs_engine {
	struct prs_engine_config c;
	struct prs_engine_end *end;
	struct prs_loop *loop;
	struct prs_sync *sync;       /* segments and journal */
	struct prs_sync *lister_thread;
	struct prs_plan *plan;
	struct prs_ledger ledger;
	struct prs_sched *sched;
	struct prs_sched_effects effects;
	struct prs_index *index;
	struct prs_log journal;
	struct facts facts[2];
	int filling;
	bool syncing;
	struct listing listing;
	struct prs_node *node;
	struct prs_report *report;
	struct prs_buf setup;
	struct prs_timer *timer;
	struct prs_signal *signals[4];
	int lock_fd;
	uint32_t epoch, plan_epoch_done;
	enum prs_job_state state;
	uint16_t cause;
	bool ending, over, resumed, all_final, first_lease;
	bool fenced, told_error, told_report;
	int interrupts;
	uint64_t started_us, abort_at_us, next_line_us;
	uint64_t busy_us, done_at_start;
	double rate;
	uint64_t rate_at_us, rate_done;
};

/* open.c */
int engine_open(struct prs_engine *e, struct prs_err *err);
void engine_close(struct prs_engine *e);
/* journal.c */
void journal_put(struct prs_engine *e, const struct prs_fact *f);
void journal_flush(struct prs_engine *e);
bool journal_idle(const struct prs_engine *e);
/* Wait until everything is durable and folded (without the loop). */
void journal_finish(struct prs_engine *e);
void engine_state(struct prs_engine *e, enum prs_job_state to, uint16_t code, const char *text);
/* drive.c */
void drive_event(struct prs_engine *e, struct prs_sched_event *ev);
void drive_fact(struct prs_engine *e, const struct prs_fact *f);
void drive_stop(struct prs_engine *e, enum prs_job_state to, uint16_t code, const char *text);
struct prs_link drive_link(struct prs_engine *e);
/* plan.c */
int planner_start(struct prs_engine *e, struct prs_err *err);
void planner_next(struct prs_engine *e);
/* finish.c */
void finish_assemble(struct prs_engine *e);
void finish_end(struct prs_engine *e);

#endif
