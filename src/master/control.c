/* SPDX-License-Identifier: Apache-2.0
 * control: what the engine answers at its socket (io/ctl.h): {"cmd": "status" | "why" | "cancel"}, an object a line.
 */
#include "master/impl.h"

#include "io/ctl.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *phase_name(enum prs_phase p)
{
	static const char *const names[] = { "start", "init", "idle", "load", "run", "write", "shutdown" };
	return (size_t)p < sizeof names / sizeof *names ? names[p] : "?";
}

static json_t *number(uint64_t v) { return json_integer((json_int_t)v); }

static json_t *progress_object(struct prs_engine *e)
{
	char note[64];
	struct prs_progress p;
	engine_progress(e, &p, note, sizeof note);
	json_t *o = json_pack("{s:b, s:s, s:s, s:b}", "ok", 1, "run", e->c.run_name, "state",
	                      prs_state_name(PRS_MACHINE_JOB, e->state), "planned", p.planned_all);
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = { { "elapsed_us", p.elapsed_us },
		        { "mini_batches", p.mini_batches },
		        { "done", p.done },
		        { "failed", p.failed },
		        { "items", p.items },
		        { "items_final", p.items_final },
		        { "items_failed", p.items_failed },
		        { "busy", p.busy },
		        { "processes", p.processes },
		        { "starting", p.starting } };
	for (size_t i = 0; o && i < sizeof numbers / sizeof *numbers; i++)
		json_object_set_new(o, numbers[i].key, number(numbers[i].value));
	json_object_set_new(o, "items_per_s", json_real(p.estimate.rate));
	json_object_set_new(o, "left_us", p.estimate.left_known ? number(p.estimate.left_us) : json_null());
	json_object_set_new(o, "note", p.note ? json_string(p.note) : json_null());
	return o;
}

uint32_t engine_processes_n(const struct prs_engine *e) { return e->assembling.running ? 0 : e->procs; }

void engine_process(const struct prs_engine *e, uint32_t process, struct prs_console_process *ret, uint32_t *ret_pid)
{
	struct prs_pool_slot_view v;
	struct prs_page page = { 0 };
	uint64_t now = prs_clock_us();
	uint16_t slot;
	const struct node *n = nodes_slot(e, process, &slot);
	n->is.ops->view(n->self, slot, &v);
	bool has_page = n->is.ops->page(n->self, slot, &page) && page.word;
	uint64_t since = has_page ? prs_page_since(page.word) : v.since_us;
	enum prs_phase phase = prs_page_phase(page.word);
	struct prs_unit u = { page.id, page.item_first, page.item_count };
	*ret = (struct prs_console_process){ .state = v.given_up ? "GIVEN UP"
		                                                 : prs_state_name(PRS_MACHINE_WORKER, v.state),
		                             .phase = has_page ? phase_name(phase) : NULL,
		                             .since_us = since && now > since ? now - since : 0,
		                             .mini_batch = page.id,
		                             .failures = v.failures };
	ret->works = has_page && (phase == PRS_PHASE_LOAD || phase == PRS_PHASE_RUN || phase == PRS_PHASE_WRITE);
	ret->tries = ret->works && page.id < e->ledger.next_id ? prs_ledger_tries(&e->ledger, &u) + 1 : 0;
	ret->items = ret->works && page.id < e->ledger.next_id ? prs_ledger_items(&e->ledger, &u) : 0;
	ret->queued = v.sent > ret->works ? v.sent - ret->works : 0;
	prs_process_name(ret->name, slot);
	if (ret_pid)
		*ret_pid = (uint32_t)v.pid;
}

void engine_waits_for(struct prs_engine *e, char *to, size_t n)
{
	char note[64], waits[512] = "";
	const char *writing = finish_note(e, note, sizeof note);
	prs_sched_waits_for(e->sched, waits, sizeof waits);
	const char *what = e->ending ? "the workers to stop" : waits;
	snprintf(to, n, "%s", writing ? writing : what);
}

static json_t *process_object(const struct prs_engine *e, uint32_t process)
{
	struct prs_console_process p;
	uint32_t pid;
	engine_process(e, process, &p, &pid);
	json_t *o = json_pack("{s:s, s:s}", "process", p.name, "state", p.state);
	bool known = p.works && p.tries;
	json_object_set_new(o, "phase", p.phase ? json_string(p.phase) : json_null());
	json_object_set_new(o, "since_us", number(p.since_us));
	json_object_set_new(o, "pid", number(pid));
	json_object_set_new(o, "mini_batch", p.works ? number(p.mini_batch) : json_null());
	json_object_set_new(o, "items", known ? number(p.items) : json_null());
	json_object_set_new(o, "tries", known ? number(p.tries) : json_null());
	json_object_set_new(o, "queued", number(p.queued));
	json_object_set_new(o, "failures", number(p.failures));
	return o;
}

static json_t *why_object(struct prs_engine *e)
{
	char waits[512];
	json_t *o = progress_object(e), *all = json_array();
	engine_waits_for(e, waits, sizeof waits);
	json_object_set_new(o, "waits_for", json_string(waits));
	json_object_set_new(o, "last_error",
	                    e->report && prs_report_last_error(e->report)[0]
	                            ? json_string(prs_report_last_error(e->report))
	                            : json_null());
	for (uint32_t i = 0; i < engine_processes_n(e); i++)
		json_array_append_new(all, process_object(e, i));
	json_object_set_new(o, "processes", all);
	json_object_set_new(o, "run_timeout_us", number(e->c.job->o.run_invocation_timeout_us));
	return o;
}

static json_t *cancel(struct prs_engine *e)
{
	if (e->state == PRS_JOB_ABORTING)
		return json_pack("{s:b, s:s}", "ok", 0, "cause", "the job fails already");
	drive_cancel(e);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *answer(struct prs_engine *e, const char *line)
{
	json_t *request = json_loads(line, 0, NULL);
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	json_t *reply;
	if (cmd && !strcmp(cmd, "status"))
		reply = progress_object(e);
	else if (cmd && !strcmp(cmd, "why"))
		reply = why_object(e);
	else if (cmd && !strcmp(cmd, "cancel"))
		reply = cancel(e);
	else
		reply = json_pack("{s:b, s:s}", "ok", 0, "cause",
		                  "expected {\"cmd\": \"status\" | \"why\" | \"cancel\"}");
	json_decref(request);
	return reply;
}

static void control_line(void *ctx, const char *line, struct prs_buf *to)
{
	json_t *reply = answer(ctx, line);
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	prs_buf_puts(to, text ? text : "{\"ok\": false, \"cause\": \"out of memory\"}");
	free(text);
	json_decref(reply);
}

void control_open(struct prs_engine *e)
{
	struct prs_err err = { 0 };
	e->ctl = prs_ctl_new(e->loop, e->c.dir, control_line, e, &err);
	if (!e->ctl && e->c.warn) {
		char text[600];
		snprintf(text, sizeof text, "%.400s: prs cancel, why and status --watch cannot reach this run",
		         err.msg);
		e->c.warn(e->c.ctx, text);
	}
}
