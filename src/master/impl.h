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
#include "master/footers.h"
#include "master/table_writer.h"
#include "node/here.h"
#include "node/node.h"
#include "sched/sched.h"
#include "spec/code.h"
#include "store/store.h"
#include "wire/names.h"
#include "wire/page.h"
#include "wire/run_mark.h"

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
	int more;      /* of prs_list_next */
	bool is_block; /* there is something in `frame`, and it is durable */
	struct prs_err err;
};

/* The output on its way: written by the lister thread, which has nothing else to do then. */
struct assembling {
	struct prs_sync_job job;
	struct prs_engine *engine;
	struct prs_assemble_options options;
	struct prs_assembled result;
	struct prs_buf bad; /* struct bad_range each, found by the thread */
	struct prs_table_writer writer; /* parquet */
	bool has_writer;
	bool running;
	bool cancel;          /* atomic */
	uint16_t cancel_code; /* why */
	char cancel_text[128];
	uint64_t bytes; /* written so far; atomic */
	struct prs_err err;
};

struct durable {
	struct prs_sync_job job;
	struct prs_engine *engine;
	struct prs_err err;
};

/* Rows that go to the disk together. */
struct batch {
	struct prs_sync_job job;
	struct prs_engine *engine;
	struct segment *segment;
	struct prs_buf frame;
	uint64_t offset;
	struct prs_done *done;
	uint32_t n, cap;
	struct prs_err err;
};

struct segment {
	struct prs_log log;
	uint32_t number;
	struct segment *next;
};

struct rows {
	struct segment *segments; /* newest first */
	struct segment *raws;
	uint32_t next_number;
	struct batch batches[2];
	int filling;
	bool syncing, paused, timed, failed;
	unsigned raw_jobs;       /* under way */
	uint64_t raw_bytes;      /* in their descriptors */
	struct prs_timer *timer; /* the next group is due */
	uint64_t group_us;       /* when the last one was begun */
};

struct node {
	struct prs_engine_node is;
	void *self;
	char run_text[PRS_RUN_MARK_BYTES]; /* PRS_RUN of its processes */
	uint32_t incarnation;
	bool up;              /* it was started and is not down */
	bool dying;           /* it is down, and its last rows are on their way to the disk */
	uint32_t unanswered;  /* leases */
	uint32_t storing;     /* results whose rows are not durable yet */
	struct prs_err fault; /* why it is, or will be, down; code 0 = it was told to end */
};

struct prs_engine {
	struct prs_engine_config c;
	struct prs_engine_end *end;
	struct prs_loop *loop;
	struct prs_sync *sync; /* segments and journal */
	struct prs_sync *lister_thread;
	struct prs_plan *plan;
	struct prs_ledger ledger;
	struct prs_sched *sched;
	struct prs_sched_effects
		spare; /* memory for the effects of the next event; an event may come inside another one */
	struct prs_index *index;
	struct prs_log journal;
	struct facts facts[2];
	int filling;
	bool syncing;
	struct bad_ids { /* not yet put: ids that follow each other, bad for the same reason */
		uint64_t id, count;
		const char *why;
		unsigned told;   /* warnings so far */
		uint64_t untold; /* ids behind them */
	} bad;
	struct listing listing;
	struct prs_footers_process footers; /* of the lister; none where no input is Parquet */
	bool needs_footers;
	struct assembling assembling;
	struct durable durable;
	struct node *nodes;
	size_t nodes_n;
	uint32_t procs;       /* of all nodes */
	uint32_t unanswered;  /* leases of all nodes */
	struct prs_here here; /* this machine, when its node is one of ours */
	struct prs_buf task;  /* that is being leased */
	struct rows rows;
	struct disk {
		unsigned jobs;       /* on the sync thread or waiting for it */
		uint64_t since_us;   /* when the one that it works at was begun */
		uint64_t stalled_us; /* nothing came back so long, since the scheduler was told last */
	} disk;
	struct prs_report *report;
	struct prs_buf setup;
	struct prs_timer *timer;
	struct prs_signal *signals[4];
	struct prs_ctl *ctl; /* NULL: no socket could be made */
	int lock_fd;
	struct prs_run_mark mark; /* of this life; each node's processes carry it with its number and incarnation */
	char code_root[PATH_MAX]; /* cwd of the workers */
	char code_name[PRS_CODE_NAME_BYTES]; /* the folder in the run folder that they work with a copy of */
	uint8_t code_print[16];              /* its fingerprint */
	bool code_is_new;                    /* of this life: resume --new-code */
	bool code_is_old;                    /* the script's folder holds another one by now, or is gone */
	uint32_t epoch, plan_epoch_done;
	enum prs_job_state state;
	uint16_t cause;
	bool ending, over, resumed, all_final, first_lease;
	bool fenced, told_error, told_report, told_bisect, told_split_off, told_large, listing_left;
	uint8_t told_odd; /* flags of DONE that were warned about */
	struct life {
		uint64_t last_us, wall_us; /* wall clock of its last fact; how long it was */
	} last_life;
	uint64_t started_us, abort_at_us, fence_at_us, ticked_us;
	uint64_t busy_us, done_at_start;
	struct prs_pace pace;
};

/* An event that comes so late after the one before it: this process, or the machine, stood. */
#define ENGINE_GAP_US UINT64_C(2000000)

/* engine.c */
/* Another engine took the run over: this one stops at once. */
void engine_fenced(struct prs_engine *e, const struct prs_err *err);
/* As it stands; p->note may point to `note`. */
/* The first traceback of the script, once. */
void engine_show_error(struct prs_engine *e);
void engine_progress(struct prs_engine *e, struct prs_progress *p, char *note, size_t note_bytes);
/* open.c */
int engine_open(struct prs_engine *e, struct prs_err *err);
/* A takeover replaces the file `lock` before it has won. When it loses or dies, the name leads to a file that nobody
 * holds, and the run would look as if no engine worked at it: the lock is taken again, under that name. */
void engine_keep_lock(struct prs_engine *e);
/* Adds the unit that the page names, if it runs in this epoch and is not final: 16 bytes, as LOST has them. */
void journal_page(const struct prs_engine *e, const struct prs_page *page, uint32_t epoch, struct prs_buf *units);
void engine_close(struct prs_engine *e);
/* code.c */
int code_open(struct prs_engine *e, uint32_t newest_head, struct prs_err *err);
void code_rows(const struct prs_ledger *l, char *to, size_t n);
/* journal.c */
void journal_put(struct prs_engine *e, const struct prs_fact *f);
void journal_flush(struct prs_engine *e);
/* An id whose bytes are bad runs again (ctx = the engine; `why`: a literal). Neighbours are gathered: journal_bad_end()
 * puts the last ones. */
void journal_bad_range(void *ctx, uint64_t id, const char *why);
void journal_bad_end(struct prs_engine *e);
bool journal_idle(const struct prs_engine *e);
/* Wait until everything is durable and folded (without the loop). */
void journal_finish(struct prs_engine *e);
void engine_state(struct prs_engine *e, enum prs_job_state to, uint16_t code, const char *text);
/* ": make room on that disk, then resume" behind what an error said that is RESUMABLE. */
void engine_add_advice(const char *run, char *text, size_t n, int code);
/* Why the job ends, for people; the advice is added. */
void engine_cause(struct prs_engine *e, uint16_t code, const char *text);
/* drive.c */
void drive_event(struct prs_engine *e, struct prs_sched_event *ev);
void drive_fact(struct prs_engine *e, const struct prs_fact *f);
void drive_stop(struct prs_engine *e, enum prs_job_state to, uint16_t code, const char *text);
/* prs cancel: everything stops now; the run ends CANCELED, for good. */
void drive_cancel(struct prs_engine *e);
struct prs_link drive_link(struct prs_engine *e);
/* A unit comes back without a try. */
void drive_returned(struct prs_engine *e, const struct prs_unit *u, uint64_t lease);
/* nodes.c */
/* Which nodes there are, once the settings are known; they are made later. */
int nodes_know(struct prs_engine *e, struct prs_err *err);
int nodes_make(struct prs_engine *e, struct prs_err *err);
void nodes_free(struct prs_engine *e);
/* Is one of them another than node 0? */
bool nodes_foreign(const struct prs_engine *e);
void nodes_put_up(struct prs_engine *e);
void nodes_start(struct prs_engine *e);
void nodes_lease(struct prs_engine *e, const struct prs_sched_effect *x);
/* To all that are up. */
void nodes_pause(struct prs_engine *e, bool pause);
void nodes_drain(struct prs_engine *e);
void nodes_abort(struct prs_engine *e, uint16_t code);
void nodes_finish(struct prs_engine *e);
void nodes_kill(struct prs_engine *e);
void nodes_flush(struct prs_engine *e);
/* How long none of them needs us. */
uint64_t nodes_slack_us(const struct prs_engine *e);
/* None is up. */
bool nodes_gone(const struct prs_engine *e);
/* The node and slot of one of e->procs processes. */
const struct node *nodes_slot(const struct prs_engine *e, uint32_t process, uint16_t *ret_slot);
/* A lease was answered. */
void nodes_answered(struct prs_engine *e, uint16_t number);
/* The rows of a result are durable, or will never be: what is to be said about that was journaled. */
void nodes_stored(struct prs_engine *e, uint16_t number);
void nodes_storing(struct prs_engine *e, uint16_t number);
void nodes_failed(struct prs_engine *e, uint16_t number, int code, const char *sentence);
/* A sentence for people. */
void nodes_warn(struct prs_engine *e, uint16_t number, const char *sentence);
void nodes_down(struct prs_engine *e, uint16_t number);
/* Is this life of the node over? */
bool nodes_is_lost(const struct prs_engine *e, uint16_t number, uint32_t incarnation);
/* engine.c */
/* A job goes to the sync thread, which works off one after the other; it is done. */
void engine_disk_put(struct prs_engine *e, struct prs_sync_job *job);
void engine_disk_done(struct prs_engine *e);
/* rows.c */
int rows_init(struct prs_engine *e, struct prs_err *err);
void rows_free(struct prs_engine *e);
/* The RESULT counts: its bytes are stored, then journaled. */
void rows_put(struct prs_engine *e, const struct prs_done *d, const uint8_t *bytes, int fd);
void rows_flush(struct prs_engine *e);
bool rows_idle(const struct prs_engine *e);
/* control.c */
/* The socket; a run goes on without it. */
void control_open(struct prs_engine *e);
/* What the processes are at: how many are shown (none while the output is written), one of them (pid may be NULL), what
 * the job waits for. */
uint32_t engine_processes_n(const struct prs_engine *e);
void engine_process(const struct prs_engine *e, uint32_t process, struct prs_console_process *ret, uint32_t *ret_pid);
void engine_waits_for(struct prs_engine *e, char *to, size_t n);
/* plan.c */
int planner_start(struct prs_engine *e, struct prs_err *err);
void planner_next(struct prs_engine *e);
/* schema.c */
/* The schemas of a plan body that is on the disk: by the thread that lists. */
int schema_put_body(struct prs_engine *e, const uint8_t *body, size_t n, struct prs_err *err);
/* durable.c */
/* The copies of the code become durable, before anything counts. */
void durable_begin(struct prs_engine *e);
/* finish.c */
/* All mini-batches are final: ends the job, or begins to write the output and returns true: the loop has to run until
 * it stops again. */
bool finish_begin(struct prs_engine *e);
/* The process that writes it is ended, if there is one. */
void finish_end_writer(struct prs_engine *e);
/* Stop writing the output: the job ends resumable with that code and text, unless the output is there already. */
void finish_cancel(struct prs_engine *e, uint16_t code, const char *text);
/* "writing the output: 42%", NULL when it is not being written. */
const char *finish_note(const struct prs_engine *e, char *to, size_t n);
void finish_end(struct prs_engine *e);
/* Fills what the result says of what to do: the numbers behind timeouts, hint, next command. */
void advice_put(struct prs_engine *e);

#endif
