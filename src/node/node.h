/* SPDX-License-Identifier: Apache-2.0
 * node: the agent of one machine: starts, feeds, watches, kills and replaces workers (pool decides), owns the node's
 * segment file.
 */
#ifndef PRS_NODE_NODE_H
#define PRS_NODE_NODE_H

#include "base/fs.h"
#include "base/option.h"
#include "io/loop.h"
#include "io/sync.h"
#include "node/link.h"
#include "pool/pool.h"
#include "wire/frame.h"

struct prs_node_config {
	size_t struct_size;
	struct prs_loop *loop;
	struct prs_sync *sync;
	const struct prs_fs *fs;
	const char *dir; /* run folder, absolute */
	struct prs_run_id run;
	const char *run_text; /* value of PRS_RUN (wire/run_mark.h) */
	uint32_t epoch;
	uint16_t number;     /* of the node */
	const char *ip;      /* names its log folders */
	const char *program; /* this program: it is its own launcher */
	const char *python, *loader;
	const char *code_root;              /* cwd of the workers */
	const struct prs_list *environment; /* NAME=VALUE, complete but for the slot's own */
	/* values of CUDA_VISIBLE_DEVICES, for the slots in turn; empty: it is left alone */
	const struct prs_list *gpus;
	const struct prs_buf *setup; /* key NUL value NUL ...: the same for all workers */
	struct prs_pool_config pool;
	struct prs_link link;
	bool no_sync;
	uint64_t memory_limit_bytes, max_rss_bytes; /* 0 = none */
	uint64_t monitor_interval_us;               /* resource_monitor_interval; 0 = off */
};

struct prs_node;

int prs_node_new(struct prs_node **ret, const struct prs_node_config *c, struct prs_err *err);
void prs_node_free(struct prs_node *n);
void prs_node_start(struct prs_node *n);
void prs_node_lease(struct prs_node *n, const struct prs_unit *u, uint64_t lease, uint16_t try_number,
                    uint16_t avoid_slot);
void prs_node_drain(struct prs_node *n);                /* finish what runs, then stop */
void prs_node_abort(struct prs_node *n, uint16_t code); /* TERM, then KILL; code: why, 0 = nothing is wrong with them */
void prs_node_finish(struct prs_node *n);               /* nothing more will come */
/* At once, without the pool: SIGKILL to every worker. For an engine that must not go on. */
void prs_node_kill(struct prs_node *n);
void prs_node_view(const struct prs_node *n, uint16_t slot, struct prs_pool_slot_view *ret);
/* A copy of the worker's page; false when there is none. */
bool prs_node_page(const struct prs_node *n, uint16_t slot, struct prs_page *ret);
/* Send what was gathered: call at the end of each turn of the loop. */
void prs_node_flush(struct prs_node *n);
/* How long (µs) the node can be left alone now: its processes have work. */
uint64_t prs_node_slack_us(const struct prs_node *n);

#endif
