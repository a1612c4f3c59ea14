/* SPDX-License-Identifier: Apache-2.0
 * link: what a master and a node say to each other. On one machine the functions are called directly; a stream between
 * two machines carries the same calls as frames. Nothing here waits for an answer, and nothing names a file: what a
 * node has to keep lives as long as it does, all that must last goes to the master.
 *
 *   master                                node
 *     start              ->
 *                        <-  ask           how many units it wants
 *     lease              ->                one unit with all that a worker needs for it
 *                        <-  result        rows of a unit that counts   } each lease is
 *                        <-  fact TRY      a try failed                 } answered by
 *                        <-  returned      back without a try           } one of these
 *                        <-  fact PROC     a process started, ended ...
 *     pause              ->                rows pile up: read no more of them for now
 *     drain/abort/finish ->
 *                        <-  down          all its processes are gone; its last word
 *
 * Failure: `failed` says why a node cannot go on, `down` follows. A node that was not told to end and says `down` is
 * lost: what was leased to it runs elsewhere.
 */
#ifndef PRS_NODE_LINK_H
#define PRS_NODE_LINK_H

#include "base/err.h"
#include "pool/pool.h"
#include "wire/facts.h"
#include "wire/page.h"

/* A unit and how it is run; the bytes live only during the call. */
struct prs_lease {
	struct prs_unit unit;
	uint64_t lease;
	uint16_t try_number, avoid_slot;
	const uint8_t *task; /* payload of the TASK frame (wire/msg.h) */
	uint32_t task_bytes;
};

/* What a node tells its master. `node` is its number. */
struct prs_link {
	void *ctx;
	/* Rows of a unit that counts: `bytes`, d->length of them, live only during the call; or, when `fd` is not
	 * -1, the first d->length bytes of that descriptor, which belongs to the master now. */
	void (*result)(void *ctx, uint16_t node, const struct prs_done *d, const uint8_t *bytes, int fd);
	/* A TRY or a PROC, to be journaled. Texts live only during the call. */
	void (*fact)(void *ctx, uint16_t node, const struct prs_fact *f);
	/* A unit comes back without a try. */
	void (*returned)(void *ctx, uint16_t node, const struct prs_unit *u, uint64_t lease);
	/* How many units the node wants, all that it ever got counted too (replaces the last number). */
	void (*ask)(void *ctx, uint16_t node, uint32_t count);
	/* A sentence for people. */
	void (*warn)(void *ctx, uint16_t node, const char *sentence);
	/* The node cannot go on (no memory, no process starts, init() fails too often): it ends its processes, then
	 * it is down. */
	void (*failed)(void *ctx, uint16_t node, int code, const char *sentence);
	/* A disk that the job needs is full: told behind the fact (TRY, PROC of an init() that failed) with the code
	 * NOSPACE, which charges nobody. */
	void (*full)(void *ctx, uint16_t node, const char *sentence);
	void (*down)(void *ctx, uint16_t node);
};

/* What a master can do with a node, wherever that runs. */
struct prs_node_ops {
	void (*start)(void *node);
	void (*lease)(void *node, const struct prs_lease *l);
	void (*pause)(void *node, bool pause);
	void (*drain)(void *node);                /* finish what runs, then stop */
	void (*abort)(void *node, uint16_t code); /* TERM, then KILL; code: why, 0 = nothing is wrong with them */
	void (*finish)(void *node);               /* nothing more will come */
	/* At once: SIGKILL to every worker, and no word more. For an engine that must not go on. */
	void (*kill)(void *node);
	void (*view)(const void *node, uint16_t slot, struct prs_pool_slot_view *ret);
	/* A copy of the worker's page; false when there is none. */
	bool (*page)(const void *node, uint16_t slot, struct prs_page *ret);
	/* How long (µs) the node can be left alone now: its processes have work. */
	uint64_t (*slack_us)(const void *node);
	/* Send what was gathered: called at the end of each turn of the loop. */
	void (*flush)(void *node);
	void (*free)(void *node);
};

#endif
