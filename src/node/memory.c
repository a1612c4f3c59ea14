/* SPDX-License-Identifier: Apache-2.0
 * memory: watches what each process (with its children) holds. Above memory_limit_per_process it is killed and its
 * mini-batch is charged a try; above max_rss_per_process it is replaced after its mini-batch. Where we may make memory
 * cgroups the kernel holds the limit as well, so that no burst between two looks gets through.
 */
#include "node/impl.h"

#include <stdio.h>

#define LOOK_US UINT64_C(200000)

static void tell(struct worker *w, enum prs_pool_event_type type)
{
	struct prs_page page = prs_page_read(w->page);
	struct prs_pool_event e = { .type = type,
		                    .now_us = prs_clock_us(),
		                    .slot = w->slot,
		                    .code = PRS_EMEMORY_LIMIT,
		                    .pages = &page };
	node_event(w->node, &e);
}

static struct prs_memcg_of group_of(const struct worker *w) { return (struct prs_memcg_of){ w->slot, w->incarnation }; }

static void look(struct worker *w)
{
	const struct prs_node_config *c = &w->node->c;
	uint64_t limit = c->memory_limit_bytes, retire = c->max_rss_bytes;
	uint64_t least = limit && (!retire || limit < retire) ? limit : retire;
	uint64_t bytes = prs_tree_bytes(w->pid, least);
	if (bytes > w->peak_bytes)
		w->peak_bytes = bytes;
	prs_memcg_free_trackers(&w->node->memory.cgroup, group_of(w));
	if (limit && (bytes > limit || prs_memcg_is_full(&w->node->memory.cgroup, group_of(w))))
		tell(w, PRS_POOL_OVER_LIMIT);
	else if (retire && bytes > retire)
		tell(w, PRS_POOL_RETIRE);
}

static void memory_look(void *ctx)
{
	struct prs_node *n = ctx;
	prs_timer_at(n->memory.timer, prs_clock_us() + LOOK_US);
	for (uint16_t i = 0; i < n->c.pool.slots; i++)
		if (n->workers[i].pid)
			look(&n->workers[i]);
}

int memory_init(struct prs_node *n, struct prs_err *err)
{
	if (!n->c.memory_limit_bytes && !n->c.max_rss_bytes)
		return 0;
	if (n->c.memory_limit_bytes)
		prs_memcg_open(&n->memory.cgroup, n->c.run_text);
	n->memory.timer = prs_timer_new(n->c.loop, memory_look, n, err);
	if (!n->memory.timer)
		return err->code;
	prs_timer_at(n->memory.timer, prs_clock_us() + LOOK_US);
	return 0;
}

void memory_done(struct prs_node *n)
{
	prs_timer_free(n->memory.timer);
	prs_memcg_close(&n->memory.cgroup);
}

void memory_started(struct worker *w)
{
	w->peak_bytes = 0;
	prs_memcg_add(&w->node->memory.cgroup, group_of(w), w->pid, w->node->c.memory_limit_bytes);
}

bool memory_ended(struct worker *w)
{
	uint64_t peak = 0;
	bool killed = prs_memcg_remove(&w->node->memory.cgroup, group_of(w), &peak);
	if (peak > w->peak_bytes)
		w->peak_bytes = peak;
	return killed;
}

void memory_describe(const struct worker *w, char *to, size_t bytes)
{
	snprintf(to, bytes,
	         "the process went over its memory limit: it held %.0f MB, memory_limit_per_process is %.0f MB",
	         (double)w->peak_bytes / 0x1p20, (double)w->node->c.memory_limit_bytes / 0x1p20);
}
