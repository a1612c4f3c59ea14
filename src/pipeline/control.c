/* SPDX-License-Identifier: Apache-2.0
 * control: what the engine answers at its socket (io/ctl.h): {"cmd": "status" | "why" | "cancel"}, an object a line.
 */
#include "pipeline/impl.h"

#include "io/ctl.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(uint64_t v) { return json_integer((json_int_t)v); }

static json_t *progress_object(const struct prs_progress *p)
{
	json_t *o = json_pack("{s:b}", "planned", p->planned_all);
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = { { "elapsed_us", p->elapsed_us },
		        { "mini_batches", p->mini_batches },
		        { "done", p->done },
		        { "failed", p->failed },
		        { "items", p->items },
		        { "items_final", p->items_final },
		        { "items_failed", p->items_failed },
		        { "busy", p->busy },
		        { "processes", p->processes },
		        { "starting", p->starting } };
	for (size_t i = 0; o && i < sizeof numbers / sizeof *numbers; i++)
		json_object_set_new(o, numbers[i].key, number(numbers[i].value));
	json_object_set_new(o, "items_per_s", json_real(p->estimate.rate));
	json_object_set_new(o, "left_us", p->estimate.left_known ? number(p->estimate.left_us) : json_null());
	return o;
}

static json_t *step_object(const struct prs_pipeline_row *row)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:b, s:b}", "step", row->step->name, "type",
	                      row->step->kind == PRS_STEP_PARALLEL ? "parallel" : "command", "state",
	                      prs_state_name(PRS_MACHINE_STEP, (int)row->state), "starting", row->starting, "stopping",
	                      row->stopping);
	json_object_set_new(o, "took_us", number(row->took_us));
	json_object_set_new(o, "why", row->why[0] ? json_string(row->why) : json_null());
	json_object_set_new(o, "reused", row->reused[0] ? json_string(row->reused) : json_null());
	json_object_set_new(o, "waits_for", row->waits ? json_string(row->waits->name) : json_null());
	json_object_set_new(o, "progress", row->has_progress ? progress_object(&row->progress) : json_null());
	return o;
}

static json_t *status_object(struct engine *e)
{
	json_t *all = json_array();
	json_t *o = json_pack("{s:b, s:s, s:s, s:s}", "ok", 1, "run", e->c.run_name, "kind", "pipeline", "state",
	                      prs_state_name(PRS_MACHINE_JOB, (int)e->state));
	json_object_set_new(o, "elapsed_us", number(prs_since_us(e->started_us, prs_clock_us())));
	pipeline_fill_rows(e);
	for (size_t i = 0; i < e->p->steps_n; i++)
		json_array_append_new(all, step_object(&e->rows[i]));
	json_object_set_new(o, "steps", all);
	return o;
}

static json_t *answer(struct engine *e, const char *line)
{
	json_t *request = json_loads(line, 0, NULL);
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	json_t *reply;
	if (cmd && (!strcmp(cmd, "status") || !strcmp(cmd, "why"))) {
		reply = status_object(e);
	} else if (cmd && !strcmp(cmd, "cancel")) {
		pipeline_cancel(e);
		reply = json_pack("{s:b}", "ok", 1);
	} else {
		reply = json_pack("{s:b, s:s}", "ok", 0, "cause",
		                  "expected {\"cmd\": \"status\" | \"why\" | \"cancel\"}");
	}
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

void pipeline_control(struct engine *e)
{
	struct prs_err err = { 0 };
	char text[600];
	e->ctl = prs_ctl_new(e->loop, e->c.dir, control_line, e, &err);
	if (e->ctl || !e->c.warn)
		return;
	snprintf(text, sizeof text, "%.400s: prs cancel, why and status --watch cannot reach this run", err.msg);
	e->c.warn(e->c.ctx, text);
}
