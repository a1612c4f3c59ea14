/* SPDX-License-Identifier: Apache-2.0
 * nodes: the nodes of this engine, as one: who is up, what each was given and has not answered, and what follows when
 * one of them goes.
 *
 * A node is reached by the functions of its table alone (node/link.h), so it does not matter where it runs; node 0 is
 * the one of this process. A node that goes down without having been told to is an event of that node: what ran there
 * is journaled as LOST, then leased elsewhere. Only when none is left the job ends.
 */
#include "master/impl.h"

#include "base/mem.h"
#include "io/machine.h"
#include "io/strays.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TASK_BYTES_MAX ((size_t)1 << 31)
enum { BODY_BYTES_MAX = 64 << 20 };

/* ---- making them ------------------------------------------------------------------------------------------------- */

static int node_here(void *ctx, const struct prs_node_config *c, void **ret, struct prs_err *err)
{
	struct prs_node *n;
	(void)ctx;
	int r = prs_node_new(&n, c, err);
	if (r < 0)
		return r;
	*ret = n;
	return 0;
}

/* The node of this machine. */
static int know_here(struct prs_engine *e, struct prs_engine_node *ret, struct prs_err *err)
{
	const struct prs_job *j = e->c.job;
	struct prs_here_ask ask = { .processes = j->o.processes,
		                    .threads = j->o.threads == PRS_THREADS_AUTO,
		                    .gpus_are_set = prs_job_sets(j, "CUDA_VISIBLE_DEVICES"),
		                    .address = "127.0.0.1",
		                    .variables = e->c.variables };
	if (prs_here(&e->here, &ask) < 0)
		return prs_fail(err, PRS_ENOMEM, "this machine");
	*ret = (struct prs_engine_node){ .address = ask.address,
		                         .name = e->here.name,
		                         .slots = e->here.slots,
		                         .cores = e->here.cores,
		                         .gpus = &e->here.gpus,
		                         .variables = &e->here.variables,
		                         .ops = &prs_node_in_memory,
		                         .make = node_here };
	return 0;
}

int nodes_know(struct prs_engine *e, struct prs_err *err)
{
	const struct prs_engine_config *c = &e->c;
	struct prs_engine_node here = { 0 };
	int r = c->nodes_n ? 0 : know_here(e, &here, err);
	if (r < 0)
		return r;
	e->nodes = prs_calloc(c->nodes_n + 1, sizeof *e->nodes);
	if (!e->nodes)
		return prs_fail(err, PRS_ENOMEM, "nodes");
	e->nodes_n = c->nodes_n ? c->nodes_n : 1;
	for (size_t i = 0; i < e->nodes_n; i++) {
		e->nodes[i].is = c->nodes_n ? c->nodes[i] : here;
		e->procs += e->nodes[i].is.slots;
	}
	e->c.job->o.processes = e->nodes[0].is.slots; /* what the script is shown; job.json keeps what was asked */
	return 0;
}

bool nodes_foreign(const struct prs_engine *e)
{
	for (size_t i = 0; i < e->c.nodes_n; i++)
		if (e->c.nodes[i].number)
			return true;
	return false;
}

/* An unset size is none. */
static uint64_t bytes_of(int64_t size) { return size == PRS_UNSET ? 0 : (uint64_t)size; }

static int make_node(struct prs_engine *e, struct node *n, struct prs_err *err)
{
	const struct prs_options *o = &e->c.job->o;
	struct prs_run_mark mark = e->mark;
	mark.node = n->is.number;
	mark.incarnation = n->incarnation = e->epoch;
	prs_run_mark_put(n->run_text, &mark);
	struct prs_node_config c = {
		.struct_size = sizeof c,
		.loop = e->loop,
		.fs = e->c.fs,
		.scratch = n->is.scratch ? n->is.scratch : e->c.dir,
		.logs = n->is.logs ? n->is.logs : e->c.dir,
		.run_text = n->run_text,
		.number = n->is.number,
		.ip = n->is.address,
		.program = e->c.program,
		.python = e->c.job->python,
		.loader = e->c.loader,
		.output = e->c.placed->output_dir,
		.code_root = e->code_root,
		.variables = n->is.variables,
		.gpus = n->is.gpus,
		.setup = &e->setup,
		.link = drive_link(e),
		.memory_limit_bytes = bytes_of(o->memory_limit_per_process),
		.max_rss_bytes = bytes_of(o->max_rss_per_process),
		.monitor_interval_us = (uint64_t)o->resource_monitor_interval * 1000000,
		.pool = { .slots = n->is.slots,
		          .run_timeout_us = o->run_invocation_timeout_us,
		          .overhead_timeout_us = o->task_overhead_timeout_us,
		          .init_timeout_us = o->init_timeout_us,
		          .term_grace_us = 2000000,
		          .backoff_first_us = 100000,
		          .backoff_max_us = 10000000,
		          .start_backoff_us = 1000000,
		          .start_tries = 5,
		          .init_tries = 3,
		          .depth_target_us = 16000,
		          .depth_max = 32,
		          .recall_after_us = 20000,
		          .gap_us = ENGINE_GAP_US,
		          .look_us = 500000,
		          .body_bytes_max = BODY_BYTES_MAX,
		          .max_units = bytes_of(o->max_mini_batches_per_process) },
	};
	return n->is.make(n->is.ctx, &c, &n->self, err);
}

int nodes_make(struct prs_engine *e, struct prs_err *err)
{
	prs_buf_init(&e->task, TASK_BYTES_MAX);
	for (size_t i = 0; i < e->nodes_n; i++) {
		int r = make_node(e, &e->nodes[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

void nodes_free(struct prs_engine *e)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].self)
			e->nodes[i].is.ops->free(e->nodes[i].self);
	e->nodes_n = 0;
	prs_freep(&e->nodes);
	prs_here_done(&e->here);
	prs_buf_done(&e->task);
}

static void put_node(struct prs_engine *e, const struct node *n, bool up)
{
	struct prs_fact f = { .type = PRS_FACT_NODE, .time_us = prs_wall_us() };
	f.u.node.node = n->is.number;
	f.u.node.incarnation = e->epoch;
	f.u.node.up = up;
	f.u.node.reason = (uint16_t)-n->fault.code;
	f.u.node.procs = n->is.slots;
	f.u.node.cores = n->is.cores;
	f.u.node.gpus = (uint16_t)n->is.gpus->n;
	f.u.node.name = prs_text_of(n->is.name);
	f.u.node.address = prs_text_of(n->is.address);
	journal_put(e, &f);
}

void nodes_put_up(struct prs_engine *e)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		put_node(e, &e->nodes[i], true);
}

/* A job that has nothing to do ends its nodes at the first event, before they start anything. */
void nodes_start(struct prs_engine *e)
{
	struct prs_sched_event start = { .type = PRS_SCHED_START };
	for (size_t i = 0; i < e->nodes_n; i++)
		e->nodes[i].up = true;
	drive_event(e, &start);
	for (size_t i = 0; i < e->nodes_n; i++) {
		struct node *n = &e->nodes[i];
		struct prs_sched_event up = { .type = PRS_SCHED_NODE_UP, .node = n->is.number, .procs = n->is.slots };
		if (!n->up)
			continue;
		drive_event(e, &up);
		n->is.ops->start(n->self);
	}
}

/* ---- what is said to them ---------------------------------------------------------------------------------------- */

static struct node *find_node(struct prs_engine *e, uint16_t number)
{
	size_t i = 0;
	while (e->nodes[i].is.number != number)
		i++;
	return &e->nodes[i];
}

void nodes_lease(struct prs_engine *e, const struct prs_sched_effect *x)
{
	struct node *n = find_node(e, x->node);
	struct prs_task t = { .lease = x->lease, .try_number = x->try_number };
	prs_buf_clear(&e->task);
	prs_buf_zero(&e->task, PRS_TASK_BYTES);
	if (prs_plan_task(e->plan, &x->unit, &t, &e->task) < 0) {
		drive_stop(e, PRS_JOB_DRAINING, PRS_ENOMEM, "out of memory");
		return;
	}
	prs_msg_set_task(e->task.data, &t);
	struct prs_lease l = { .unit = x->unit,
		               .lease = x->lease,
		               .try_number = x->try_number,
		               .avoid_slot = x->avoid_slot,
		               .task = e->task.data,
		               .task_bytes = (uint32_t)e->task.len };
	n->unanswered++;
	e->unanswered++;
	n->is.ops->lease(n->self, &l);
	if (e->task.cap > PRS_MSG_PART_BYTES)
		prs_buf_done(&e->task);
}

void nodes_pause(struct prs_engine *e, bool pause)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].up)
			e->nodes[i].is.ops->pause(e->nodes[i].self, pause);
}

void nodes_drain(struct prs_engine *e)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].up)
			e->nodes[i].is.ops->drain(e->nodes[i].self);
}

void nodes_abort(struct prs_engine *e, uint16_t code)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].up)
			e->nodes[i].is.ops->abort(e->nodes[i].self, code);
}

void nodes_finish(struct prs_engine *e)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].up)
			e->nodes[i].is.ops->finish(e->nodes[i].self);
}

void nodes_kill(struct prs_engine *e)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].self)
			e->nodes[i].is.ops->kill(e->nodes[i].self);
	if (e->nodes_n)
		prs_strays_of_engine();
}

void nodes_flush(struct prs_engine *e)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].up)
			e->nodes[i].is.ops->flush(e->nodes[i].self);
}

uint64_t nodes_slack_us(const struct prs_engine *e)
{
	uint64_t least = UINT64_MAX;
	for (size_t i = 0; i < e->nodes_n && least; i++) {
		uint64_t us = e->nodes[i].up ? e->nodes[i].is.ops->slack_us(e->nodes[i].self) : UINT64_MAX;
		least = us < least ? us : least;
	}
	return least == UINT64_MAX ? 0 : least;
}

bool nodes_gone(const struct prs_engine *e)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].up)
			return false;
	return true;
}

const struct node *nodes_slot(const struct prs_engine *e, uint32_t process, uint16_t *ret_slot)
{
	const struct node *n = e->nodes;
	for (; process >= n->is.slots; n++)
		process -= n->is.slots;
	*ret_slot = (uint16_t)process;
	return n;
}

/* ---- what they say ----------------------------------------------------------------------------------------------- */

void nodes_answered(struct prs_engine *e, uint16_t number)
{
	struct node *n = find_node(e, number);
	if (!n->unanswered) /* of a life that is over */
		return;
	n->unanswered--;
	e->unanswered--;
}

void nodes_storing(struct prs_engine *e, uint16_t number) { find_node(e, number)->storing++; }

/* What ran there, when nobody knows why the node is gone: one that takes three nodes down is not leased again. */
static void put_lost(struct prs_engine *e, const struct node *n)
{
	struct prs_fact f = { .type = PRS_FACT_LOST, .time_us = prs_wall_us() };
	struct prs_page page;
	PRS_AUTOBUF units;
	prs_buf_init(&units, UINT16_MAX * 16);
	for (uint16_t i = 0; i < n->is.slots && !n->fault.code; i++)
		if (n->is.ops->page(n->self, i, &page))
			journal_page(e, &page, e->epoch, &units);
	f.u.lost.node = n->is.number;
	f.u.lost.incarnation = n->incarnation;
	f.u.lost.running_count = (uint32_t)(units.len / 16);
	f.u.lost.units = units.data;
	journal_put(e, &f);
}

/* A node that is up and has not said that it cannot go on. */
static bool any_left(const struct prs_engine *e)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].up && !e->nodes[i].fault.code)
			return true;
	return false;
}

/* The job has failed only if the script's init() is to blame on every node; else a resume may find other nodes. */
static void none_left(struct prs_engine *e)
{
	const struct prs_err *why = &e->nodes[0].fault;
	char text[512];
	for (size_t i = 0; i < e->nodes_n && why->code == -PRS_EINIT_GIVE_UP; i++)
		why = &e->nodes[i].fault;
	snprintf(text, sizeof text, "no node is left: %.400s", why->msg);
	drive_stop(e, why->code == -PRS_EINIT_GIVE_UP ? PRS_JOB_ABORTING : PRS_JOB_DRAINING, (uint16_t)-why->code,
	           e->nodes_n > 1 ? text : why->msg);
}

void nodes_failed(struct prs_engine *e, uint16_t number, int code, const char *sentence)
{
	struct node *n = find_node(e, number);
	if (n->fault.code)
		return;
	prs_fail(&n->fault, (enum prs_code) - code, "%s", sentence);
	if (!any_left(e))
		none_left(e);
}

/* It goes on without the node, when there is another one. */
static void lose(struct prs_engine *e, struct node *n)
{
	char text[640];
	put_lost(e, n);
	put_node(e, n, false);
	if (!n->fault.code)
		prs_fail(&n->fault, PRS_ENODE_LOST, "node %u (%s) stopped answering", n->is.number, n->is.name);
	snprintf(text, sizeof text, "node %u (%s) is lost: %.400s. What ran there runs elsewhere", n->is.number,
	         n->is.name, n->fault.msg);
	if (!any_left(e))
		none_left(e);
	else if (e->c.warn)
		e->c.warn(e->c.ctx, text);
}

/* What it finished is journaled before it is lost, so that nobody does it again. */
static void bury(struct prs_engine *e, struct node *n)
{
	n->dying = false;
	if (!e->ending && !e->over && !e->all_final)
		lose(e, n);
}

void nodes_stored(struct prs_engine *e, uint16_t number)
{
	struct node *n = find_node(e, number);
	if (!--n->storing && n->dying)
		bury(e, n);
}

void nodes_warn(struct prs_engine *e, uint16_t number, const char *sentence)
{
	char text[640];
	const struct node *n = find_node(e, number);
	snprintf(text, sizeof text, "node %u (%s): %.500s", number, n->is.name, sentence);
	if (e->c.warn)
		e->c.warn(e->c.ctx, e->nodes_n > 1 ? text : sentence);
}

void nodes_down(struct prs_engine *e, uint16_t number)
{
	struct node *n = find_node(e, number);
	if (!n->up)
		return;
	n->up = false;
	e->unanswered -= n->unanswered;
	n->unanswered = 0;
	n->dying = true;
	if (!n->storing)
		bury(e, n);
	if (nodes_gone(e))
		prs_strays_of_engine();
}

bool nodes_is_lost(const struct prs_engine *e, uint16_t number, uint32_t incarnation)
{
	for (size_t i = 0; i < e->nodes_n; i++)
		if (e->nodes[i].is.number == number)
			return !e->nodes[i].up && e->nodes[i].incarnation == incarnation;
	return false;
}
