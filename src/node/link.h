/* SPDX-License-Identifier: Apache-2.0
 * link: what a node tells the master. On one machine the functions are called directly; between machines a broker
 * carries them.
 * The other direction is node.h: lease, drain, abort, finish.
 */
#ifndef PRS_NODE_LINK_H
#define PRS_NODE_LINK_H

#include "base/buf.h"
#include "wire/facts.h"
#include "wire/msg.h"

struct prs_link {
	void *ctx;
	/* Fill in items, kind, input of the task and append its body (wire/msg.h). */
	int (*task)(void *ctx, const struct prs_unit *u, struct prs_task *t, struct prs_buf *body);
	/* A DONE whose rows are durable, a TRY or a PROC: to be journaled. Texts live only during the call. */
	void (*fact)(void *ctx, const struct prs_fact *f);
	/* A unit comes back without a try. */
	void (*returned)(void *ctx, const struct prs_unit *u, uint64_t lease);
	/* How many units the node wants, all that it ever got counted too (replaces the last number). */
	void (*ask)(void *ctx, uint32_t count);
	/* Rows cannot be stored (disk full, failed sync). */
	void (*failed)(void *ctx, int code, const char *sentence);
	/* All processes are gone and all rows are handed over. */
	void (*down)(void *ctx);
};

#endif
