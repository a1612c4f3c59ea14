/* SPDX-License-Identifier: Apache-2.0
 * impl: what the files of pipeline/ share: the engine and its steps.
 */
#ifndef PRS_PIPELINE_IMPL_H
#define PRS_PIPELINE_IMPL_H

#include "flow/flow.h"
#include "io/lines.h"
#include "io/loop.h"
#include "io/sync.h"
#include "pipeline/engine.h"
#include "store/store.h"
#include "wire/run_mark.h"

struct engine;

enum phase {
	STEP_IDLE,
	STEP_WAITS,     /* started by the flow; an end that it needs is not on the disk yet */
	STEP_PREPARING, /* its folder is made, on the thread */
	STEP_RUNS,      /* its process lives */
	STEP_SETTLING   /* its outputs are looked at and put into place, on the thread */
};

/* Where the outputs of a step that was reused are: in the run that made them. */
struct origin {
	char *name;     /* RUN/STEP; NULL = it was not reused */
	char *dir;      /* the folder of that step */
	char **outputs; /* a path for each output */
	size_t n;
};

/* Work on the thread for files comes back with err. */
struct step {
	struct prs_sync_job job; /* first */
	struct engine *e;
	uint32_t n;
	const struct prs_step *is;
	enum phase phase;
	bool published; /* its outputs were ready in a life before: they are put into place, it does not run */
	bool halted, timed_out;
	bool retry;       /* what failed in it is tried again */
	uint64_t end_seq; /* the group of facts that has its end, or its reset; 0 = on the disk already */
	uint64_t started_us, ended_us, kill_at_us, timeout_at_us; /* clock; 0 = none */
	uint64_t took_us;
	int pid, pidfd;
	struct prs_watch *dead;
	struct prs_lines *lines;
	uint32_t status;               /* wait status */
	enum prs_flow_event_type how;  /* it ended, once its files are settled */
	uint8_t print[16], result[16]; /* of it, 0 = none; of its outputs, when they are there */
	struct origin origin;
	char not_reused[PRS_STEP_WHY_BYTES]; /* why */
	struct prs_err err;
	bool has_progress;
	struct prs_progress progress;
	char why[PRS_STEP_WHY_BYTES];
};

/* A group of facts on its way to the disk. */
struct group {
	struct prs_sync_job job; /* first */
	struct engine *e;
	struct prs_buf frame;
	uint64_t offset;
	bool any;
	struct prs_err err;
};

struct engine {
	struct prs_pipeline_config c;
	struct prs_pipeline_end *end;
	const struct prs_pipeline *p;
	struct prs_pipeline_past past;
	struct prs_loop *loop;
	struct prs_sync *sync, *files; /* the journal; the files of steps */
	struct prs_timer *timer;
	struct prs_signal *signals[4];
	struct prs_ctl *ctl;
	struct prs_flow *flow;
	struct step *steps;
	struct reuse *reuse;
	struct prs_pipeline_row *rows;
	int lock_fd;
	uint32_t epoch;
	struct prs_run_mark mark;
	char mark_text[PRS_RUN_MARK_BYTES];
	struct prs_log journal;
	struct group groups[2];
	unsigned filling;
	bool syncing;
	uint64_t seq, durable_seq; /* of the group that is filled; of the last one on the disk */
	enum prs_job_state state;
	bool resumed, ending, over, fenced, overwrite;
	enum prs_flow_end flow_end;
	bool flow_ended;
	uint64_t started_us, fence_at_us;
	char boot[160];
};

/* ---- engine ------------------------------------------------------------------------------------------------------ */

void pipeline_flow(struct engine *e, enum prs_flow_event_type type, uint32_t step);
/* It stops at once and writes nothing more. */
void pipeline_let_go(struct engine *e, uint16_t code, const char *text);
void pipeline_stop(struct engine *e, uint16_t code, const char *text);
void pipeline_cancel(struct engine *e);
void pipeline_cause(struct engine *e, uint16_t code, const char *text);
void pipeline_fill_rows(struct engine *e);

/* ---- open, journal ----------------------------------------------------------------------------------------------- */

/* 1: it is over already. */
int pipeline_open(struct engine *e, struct prs_err *err);
void pipeline_close(struct engine *e);
void facts_begin(struct engine *e);
void facts_put(struct engine *e, const struct prs_fact *f);
void facts_flush(struct engine *e);
bool facts_idle(const struct engine *e);
void facts_finish(struct engine *e);
/* The one setter of the pipeline's state. */
void facts_state(struct engine *e, enum prs_job_state to, uint16_t code, const char *text);
void facts_step(struct engine *e, const struct step *s, enum prs_step_state to);

/* ---- step -------------------------------------------------------------------------------------------------------- */

void step_start(struct step *s);
/* Those that waited for the disk. */
void steps_durable(struct engine *e);
void step_halt(struct step *s, bool hard);
void step_tick(struct step *s, uint64_t now_us);
void steps_kill(struct engine *e);
/* <run>/steps/<folder>; the caller frees, as of all paths. */
char *step_dir(const struct step *s);
/* Where an output is to be found when its step is done or reused. */
char *step_output(const struct engine *e, size_t step, size_t output);
/* Where a step puts an output. */
char *step_output_made(const struct step *s, size_t output);
int step_spawn(struct step *s, char *const *argv, char *const *envp, const char *cwd, const char *out,
               const char *errors, int fd, struct prs_err *err);

/* ---- command, parallel: how a step of that kind begins ----------------------------------------------------------- */

int command_prepare(struct step *s, struct prs_err *err); /* on the thread */
int command_begin(struct step *s, struct prs_err *err);
int parallel_prepare(struct step *s, struct prs_err *err); /* on the thread */
int parallel_begin(struct step *s, struct prs_err *err);

/* ---- outputs (on the thread) ------------------------------------------------------------------------------------- */

/* Where a command writes an output while it runs. */
char *output_working_path(const struct step *s, size_t output);
/* Empty places for the outputs of a command. */
int outputs_make(const struct step *s, struct prs_err *err);
/* They are made durable, fingerprinted, put into place. */
int outputs_settle(struct step *s, struct prs_err *err);
/* One has a place of its own, beside which it is written. */
bool outputs_have_places(const struct step *s);
/* The step failed: what is beside those places goes. */
int outputs_discard(const struct step *s, struct prs_err *err);
/* Were they ready when a life before ended? Then only the rest is done. */
bool outputs_are_ready(const struct step *s);

/* ---- reuse ------------------------------------------------------------------------------------------------------- */

int reuse_begin(struct engine *e, struct prs_err *err);
void reuse_end(struct engine *e);
/* On the thread: the fingerprint of a step that is to start, and its origin if it has one. */
void reuse_look(struct step *s);
/* On the thread: is the run there whose outputs a step that needs them is about to read? */
bool reuse_is_there(const struct step *s);
/* Of a step that a life before reused: finds its origin again. < 0: it is gone, or other files are there. */
int reuse_restore(struct step *s, const char *name, struct prs_err *err);

void pipeline_control(struct engine *e);

#endif
