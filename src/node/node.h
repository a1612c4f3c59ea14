/* SPDX-License-Identifier: Apache-2.0
 * node: the agent of one machine: starts, feeds, watches, kills and replaces workers (pool decides). It keeps nothing
 * that must last: rows, tries and ends go to the master (link.h).
 */
#ifndef PRS_NODE_NODE_H
#define PRS_NODE_NODE_H

#include "base/fs.h"
#include "base/option.h"
#include "io/loop.h"
#include "node/link.h"

struct prs_node_config {
	size_t struct_size;
	struct prs_loop *loop;
	const struct prs_fs *fs;
	const char *scratch;  /* folder for what the processes share with the node: work/page/ lies below it */
	const char *logs;     /* folder whose logs/ the processes write into (wire/names.h) */
	const char *run_text; /* value of PRS_RUN (wire/run_mark.h) */
	uint16_t number;
	const char *ip;      /* its address: names its log folders */
	const char *program; /* this program: it is its own launcher */
	const char *python, *loader;
	const char *output;               /* folder of the output; NULL = none */
	const char *code_root;            /* cwd of the workers */
	const struct prs_list *variables; /* NAME=VALUE, complete but for the slot's own */
	/* values of CUDA_VISIBLE_DEVICES, for the slots in turn; empty: it is left alone */
	const struct prs_list *gpus;
	const struct prs_buf *setup; /* key NUL value NUL ...: the same for all workers */
	struct prs_pool_config pool;
	struct prs_link link;
	uint64_t memory_limit_bytes, max_rss_bytes; /* 0 = none */
	uint64_t monitor_interval_us;               /* resource_monitor_interval; 0 = off */
};

struct prs_node;

int prs_node_new(struct prs_node **ret, const struct prs_node_config *c, struct prs_err *err);
/* The node of this process: its functions take a struct prs_node. */
extern const struct prs_node_ops prs_node_in_memory;

#endif
