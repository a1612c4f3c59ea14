/* SPDX-License-Identifier: Apache-2.0
 * impl: what the files of node/ share.
 */
#ifndef PRS_NODE_IMPL_H
#define PRS_NODE_IMPL_H

#include "io/conn.h"
#include "io/memcg.h"
#include "io/procfs.h"
#include "node/disk.h"
#include "node/node.h"
#include "wire/msg.h"
#include "wire/names.h"
#include "wire/page.h"

struct worker {
	struct prs_node *node;
	uint16_t slot;
	uint32_t incarnation;
	int pid, pidfd, event_fd, page_fd; /* pid 0 = no process */
	struct prs_conn conn;
	struct prs_watch *watch_conn, *watch_pid;
	struct prs_page *page;
	uint32_t tokens_due; /* tasks in conn.out whose tokens are not written */
	bool dirty, paused;
	uint64_t peak_bytes; /* most that the memory watch saw */
	/* the last report of the process, for PROC */
	uint16_t report_code;
	uint64_t trace_offset;
	uint32_t trace_bytes;
	char report_text[1024];
	struct prs_full_disk report_full;
	char why_failed[512]; /* its last start or init() that failed */
	/* its last words (words.c) */
	uint64_t said_from,
		/* bytes of its stderr file: at its start or after the last try that it reported, and when it was told
		 * to stop */
		stopped_at;
	bool stopped;
	/* a judgement that is told when the process is gone, or must be killed: where it stood belongs to it */
	struct prs_fact held;
	bool holds;
};

/* What a unit is sent with, from its lease to its answer: the payload of its TASK frame. */
struct body {
	struct body *prev, *next;
	uint32_t bytes;
	uint8_t task[];
};

/* What the resource monitor saw last. */
struct perf {
	struct prs_timer *timer; /* NULL = off */
	struct prs_machine_usage machine;
	struct perf_last {
		int pid;
		uint64_t cpu_us, at_us;
	} * last; /* of each slot, then of the engine */
};

struct prs_node {
	struct prs_node_config c;
	struct prs_pool *pool;
	struct worker *workers;
	struct prs_timer *timer;
	struct prs_page *pages; /* copies for TICK */
	struct prs_pool_effects effects;
	struct prs_pool_event *events; /* queue */
	uint32_t events_n, events_cap;
	uint32_t noted; /* a bit for each kind of note of a process that was told */
	unsigned told_given_up;
	bool stepping, told_down;
	uint16_t abort_code;
	bool lost; /* no memory for an event: the pool no longer knows what is; everything is killed */
	struct perf perf;
	struct disks disks;
	struct {
		struct prs_timer *timer; /* NULL = off */
		struct prs_memcg cgroup;
	} memory;
	struct {
		struct prs_signal *signal;
		struct prs_timer *timer; /* the next tracker is to be ended */
	} reaper;
	/* the frame that is being handled */
	struct worker *current;
	const uint8_t *payload;
	uint32_t payload_bytes;
	int payload_fd;
	struct body bodies; /* head of their ring */
	uint32_t bodies_n;
	uint64_t bodies_bytes;
	struct body *spares; /* free ones, by `next` */
	uint32_t spares_n;
	uint16_t *dirty; /* slots with something to send */
	uint16_t dirty_n;
};

/* node.c */
void node_event(struct prs_node *n, const struct prs_pool_event *e);
/* The pool missed an event: the processes are killed, the node goes down, the job ends resumable. */
void node_give_up(struct prs_node *n);
/* A process of a node that gave up is gone. */
void node_one_gone(struct prs_node *n);
/* worker.c */
/* No process, nothing to give back. */
void worker_clear(struct worker *w, struct prs_node *n, uint16_t slot);
int worker_init(struct worker *w, struct prs_err *err);
void worker_done(struct worker *w);
/* Where a log of its process lies; `pattern` is one of wire/names.h. */
void worker_log(const struct worker *w, const char *pattern, char to[PATH_MAX]);
void worker_spawn(struct worker *w, uint32_t incarnation);
void worker_send_task(struct worker *w, uint32_t claim, const struct body *b);
void worker_send_stop(struct worker *w);
void worker_send_drop(struct worker *w, uint32_t claim, uint32_t count);
uint32_t worker_take_tokens(struct worker *w, uint32_t count);
void worker_flush(struct worker *w);
void worker_pause(struct worker *w, bool pause);
/* perf.c */
int perf_init(struct prs_node *n, struct prs_err *err);
void perf_done(struct prs_node *n);
/* memory.c */
int memory_init(struct prs_node *n, struct prs_err *err);
void memory_done(struct prs_node *n);
void memory_started(struct worker *w);
/* After the end of the process, its children killed: true when the kernel killed it because of the limit. */
bool memory_ended(struct worker *w);
/* The sentence of MEMORY_LIMIT. */
void memory_describe(const struct worker *w, char *to, size_t bytes);
/* reaper.c */
int reaper_init(struct prs_node *n, struct prs_err *err);
void reaper_done(struct prs_node *n);
/* Of a worker that is dead. */
void reaper_kill_strays(struct prs_node *n, int worker, uint16_t slot);
/* words.c */
void words_started(struct worker *w);
/* It reported a try itself: what its stderr file holds so far is no part of its last words. */
void words_said(struct worker *w);
/* It is told to stop now. */
void words_stop(struct worker *w);
/* The last lines that the process wrote to stderr itself, without the stack that a crash adds; "": none. `signal`: the
 * name of the one that ended it, or "". */
void words_own(struct worker *w, const char *signal, char *to, size_t bytes);
/* Its last words go into its error file: "TITLE: message", then where it stood or its last lines. False: it said
 * nothing. */
bool words_keep(struct worker *w, const char *title, const char *message, uint64_t *ret_offset, uint32_t *ret_bytes);
/* tell.c */
void tell_try(struct prs_node *n, const struct prs_pool_effect *e);
/* The RESULT being handled counts: its rows go to the master. */
void tell_result(struct prs_node *n, const struct prs_pool_effect *e);
void tell_proc(struct prs_node *n, const struct prs_pool_effect *e);
/* A slot gets no process any more; the node has no slot left. */
void tell_given_up(struct prs_node *n, const struct prs_pool_effect *e);
void tell_unfit(struct prs_node *n, const struct prs_pool_effect *e);
/* What the worker holds, if anything. */
void tell_held(struct worker *w);

#endif
