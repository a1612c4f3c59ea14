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
	json_t *o = json_pack("{s:b, s:s, s:s, s:b}", "ok", 1, "run", e->c.run_name, "state", prs_state_name(PRS_MACHINE_JOB, e->state), "planned", p.planned_all);
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = { { "elapsed_us", p.elapsed_us }, { "mini_batches", p.mini_batches }, { "done", p.done }, { "failed", p.failed }, { "items", p.items },
		{ "items_final", p.items_final }, { "items_failed", p.items_failed }, { "busy", p.busy }, { "processes", p.processes }, { "starting", p.starting } };
	for (size_t i = 0; o && i < sizeof numbers / sizeof *numbers; i++)
		json_object_set_new(o, numbers[i].key, number(numbers[i].value));
	json_object_set_new(o, "rate", json_real(p.rate));
	json_object_set_new(o, "note", p.note ? json_string(p.note) : json_null());
	return o;
}

static json_t *process_object(const struct prs_engine *e, uint16_t slot, uint64_t now)
{
	struct prs_pool_slot_view v;
	struct prs_page page = { 0 };
	char name[32];
	prs_node_view(e->node, slot, &v);
	bool has_page = prs_node_page(e->node, slot, &page) && page.word;
	uint64_t since = has_page ? prs_page_since(page.word) : v.since_us;
	enum prs_phase phase = prs_page_phase(page.word);
	bool works = has_page && (phase == PRS_PHASE_LOAD || phase == PRS_PHASE_RUN || phase == PRS_PHASE_WRITE);
	snprintf(name, sizeof name, "process%03u", slot);
	json_t *o = json_pack("{s:s, s:s}", "process", name, "state", prs_state_name(PRS_MACHINE_WORKER, v.state));
	json_object_set_new(o, "phase", has_page ? json_string(phase_name(phase)) : json_null());
	json_object_set_new(o, "since_us", number(since && now > since ? now - since : 0));
	json_object_set_new(o, "pid", number(v.pid));
	struct prs_unit u = { page.id, page.item_first, page.item_count };
	json_object_set_new(o, "mini_batch", works ? number(page.id) : json_null());
	json_object_set_new(o, "items", works && page.id < e->ledger.next_id ? number(prs_ledger_items(&e->ledger, &u)) : json_null());
	json_object_set_new(o, "tries", works && page.id < e->ledger.next_id ? number(prs_ledger_tries(&e->ledger, &u) + 1) : json_null());
	json_object_set_new(o, "queued", number(v.sent > works ? v.sent - works : 0));
	json_object_set_new(o, "failures", number(v.failures));
	return o;
}

static json_t *why_object(struct prs_engine *e)
{
	char waits[512] = "";
	uint64_t now = prs_clock_us();
	json_t *o = progress_object(e), *all = json_array();
	char note[64];
	const char *writing = finish_note(e, note, sizeof note);
	prs_sched_waits_for(e->sched, waits, sizeof waits);
	json_object_set_new(o, "waits_for", json_string(writing ? writing : e->ending ? "the workers to stop" : waits));
	for (uint16_t i = 0; i < e->c.job->o.processes && !e->assembling.running; i++)
		json_array_append_new(all, process_object(e, i, now));
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
		reply = json_pack("{s:b, s:s}", "ok", 0, "cause", "expected {\"cmd\": \"status\" | \"why\" | \"cancel\"}");
	json_decref(request);
	return reply;
}

static void on_line(void *ctx, const char *line, struct prs_buf *to)
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
	e->ctl = prs_ctl_new(e->loop, e->c.dir, on_line, e, &err);
	if (!e->ctl && e->c.warn) {
		char text[600];
		snprintf(text, sizeof text, "%.400s: prs cancel, why and status --watch cannot reach this run", err.msg);
		e->c.warn(e->c.ctx, text);
	}
}
