/* SPDX-License-Identifier: Apache-2.0
 * pipelines_look: a pipeline looked at: status, why, the live table of one that runs elsewhere, outputs, its plan.
 */
#include "cli/pipelines.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/wrap.h"
#include "cli/screen.h"
#include "io/ctl.h"
#include "io/loop.h"
#include "io/machine.h"
#include "report/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 4 << 20, NAME_COLUMNS = 30 };

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static const char *kind_of(const struct prs_step *s) { return s->kind == PRS_STEP_PARALLEL ? "parallel" : "command"; }

static unsigned name_columns(const struct prs_pipeline *p)
{
	unsigned most = 0;
	for (size_t i = 0; i < p->steps_n; i++) {
		unsigned wide = prs_columns(p->steps[i].name, strlen(p->steps[i].name));
		most = wide > most ? wide : most;
	}
	return most > NAME_COLUMNS ? NAME_COLUMNS : most;
}

static bool is_met(enum prs_step_state s) { return s == PRS_STEP_DONE || s == PRS_STEP_REUSED; }

/* The first step that a waiting one needs and that is not done; "" = none. */
static const char *waits_for(const struct prs_pipeline_view *v, size_t i)
{
	const struct prs_step *s = &v->pipeline->steps[i];
	for (size_t k = 0; k < s->needs_n && v->past.steps[i].state == PRS_STEP_WAITING; k++)
		if (!is_met(v->past.steps[s->needs[k]].state))
			return v->pipeline->steps[s->needs[k]].name;
	return "";
}

static uint64_t took_us(const struct prs_step_past *s, bool running, uint64_t now_us)
{
	if (s->ended_us)
		return !s->began_us ? 0 : prs_since_us(s->began_us, s->ended_us);
	return s->began_us && running ? prs_since_us(s->began_us, now_us) : 0;
}

/* What ran when its engine ended runs no more. */
static const char *state_word(const struct prs_pipeline_view *v, size_t i)
{
	enum prs_step_state s = v->past.steps[i].state;
	if (s == PRS_STEP_RUNNING && !v->running)
		return "INTERRUPTED";
	return prs_state_name(PRS_MACHINE_STEP, (int)s);
}

static void put_step(struct prs_buf *b, const struct prs_pipeline_view *v, size_t i, unsigned wide)
{
	const struct prs_step_past *s = &v->past.steps[i];
	struct pipeline_line l = { .name = v->pipeline->steps[i].name,
		                   .kind = kind_of(&v->pipeline->steps[i]),
		                   .state = state_word(v, i),
		                   .took_us = took_us(s, v->running, prs_wall_us()),
		                   .why = s->why,
		                   .reused = s->reused,
		                   .waits_for = waits_for(v, i) };
	cli_pipeline_put_line(b, &l, wide, 0, cli_shows_utf8());
}

static void put_step_json(struct prs_buf *b, const struct prs_pipeline_view *v, size_t i)
{
	const struct prs_step *is = &v->pipeline->steps[i];
	const struct prs_step_past *s = &v->past.steps[i];
	prs_buf_puts(b, i ? ", {\"step\": " : "{\"step\": ");
	prs_put_json(b, is->name);
	prs_buf_putf(b, ", \"type\": \"%s\", \"state\": \"%s\", \"needs\": [", kind_of(is), state_word(v, i));
	for (size_t k = 0; k < is->needs_n; k++) {
		prs_buf_puts(b, k ? ", " : "");
		prs_put_json(b, v->pipeline->steps[is->needs[k]].name);
	}
	prs_buf_putf(b, "], \"took_us\": %llu, \"why\": ", (unsigned long long)took_us(s, v->running, prs_wall_us()));
	if (s->why[0])
		prs_put_json(b, s->why);
	else
		prs_buf_puts(b, "null");
	prs_buf_puts(b, ", \"reused\": ");
	if (s->reused[0])
		prs_put_json(b, s->reused);
	else
		prs_buf_puts(b, "null");
	prs_buf_putc(b, '}');
}

/* ---- status ------------------------------------------------------------------------------------------------------ */

static void put_next(struct prs_buf *b, const char *state, const struct prs_run *run)
{
	if (!strcmp(state, "interrupted"))
		prs_buf_putf(b, "Go on with: prs resume %s\n", run->name);
	else if (!strcmp(state, "failed"))
		prs_buf_putf(b, "Run its failed steps again: prs resume %s --retry-failed\n", run->name);
}

static void put_times(struct prs_buf *b, const struct prs_pipeline_view *v)
{
	uint64_t now = prs_wall_us();
	if (!v->past.first_us)
		return;
	prs_buf_puts(b, "  started       ");
	cli_put_time(b, v->past.first_us);
	prs_buf_puts(b, ", ");
	cli_put_age(b, now, v->past.first_us);
	prs_buf_puts(b, " ago; ran for ");
	prs_put_since(b, prs_pipeline_view_duration_us(v, now));
	prs_buf_putc(b, '\n');
}

static void status_text(struct prs_buf *b, const struct prs_pipeline_view *v, const struct prs_run *run)
{
	const char *state = prs_pipeline_view_state(v);
	prs_buf_putf(b, "%s: %s\n", run->name, state);
	if (!v->pipeline)
		return;
	unsigned wide = name_columns(v->pipeline);
	for (size_t i = 0; i < v->pipeline->steps_n; i++)
		put_step(b, v, i, wide);
	put_times(b, v);
	if (v->past.cause[0]) {
		prs_buf_puts(b, "  cause         ");
		prs_put_plain(b, v->past.cause);
		prs_buf_putc(b, '\n');
	}
	put_next(b, state, run);
}

static void status_json(struct prs_buf *b, const struct prs_pipeline_view *v, const struct prs_run *run)
{
	prs_buf_puts(b, "{\"run\": ");
	prs_put_json(b, run->name);
	prs_buf_puts(b, ", \"kind\": \"pipeline\", \"dir\": ");
	prs_put_json(b, run->dir);
	prs_buf_putf(b, ", \"state\": \"%s\", \"started_us\": %llu, \"last_us\": %llu, \"wall_us\": %llu, \"error\": ",
	             prs_pipeline_view_state(v), (unsigned long long)v->past.first_us,
	             (unsigned long long)v->past.last_us,
	             (unsigned long long)prs_pipeline_view_duration_us(v, prs_wall_us()));
	prs_buf_putf(b, v->past.code ? "\"%s\"" : "null", v->past.code ? prs_error_row(v->past.code)->name : "");
	prs_buf_puts(b, ", \"cause\": ");
	if (v->past.cause[0])
		prs_put_json(b, v->past.cause);
	else
		prs_buf_puts(b, "null");
	prs_buf_puts(b, ", \"steps\": [");
	for (size_t i = 0; v->pipeline && i < v->pipeline->steps_n; i++)
		put_step_json(b, v, i);
	prs_buf_puts(b, "]}\n");
}

/* One step of it, as if it were all. */
static void one_step_text(struct prs_buf *b, const struct prs_pipeline_view *v, const struct prs_run *run)
{
	for (size_t i = 0; i < v->pipeline->steps_n; i++)
		if (!strcmp(v->pipeline->steps[i].folder, run->step))
			put_step(b, v, i, name_columns(v->pipeline));
}

int cli_pipeline_status(const struct prs_run *run, bool json)
{
	struct prs_err err = { 0 };
	struct prs_pipeline_view v;
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	int r = prs_pipeline_view_read(&v, program_fs(), run, &err);
	if (v.half_made)
		r = 0;
	if (!r && run->step[0])
		r = cli_pipeline_check_step(run, &err);
	if (!r && json)
		status_json(&b, &v, run);
	else if (!r && run->step[0])
		one_step_text(&b, &v, run);
	else if (!r)
		status_text(&b, &v, run);
	prs_pipeline_view_done(&v);
	if (r < 0)
		return complain(prs_exit_of(err.code, true), &err);
	return json ? cli_print(&b) : cli_show(&b);
}

size_t cli_pipeline_done(const struct prs_pipeline_view *v)
{
	return prs_pipeline_past_count(&v->past, PRS_STEP_DONE) + prs_pipeline_past_count(&v->past, PRS_STEP_REUSED);
}

static const char *nearest_step(const struct prs_pipeline *p, const char *name)
{
	const char *best = NULL;
	unsigned least = 4;
	for (size_t i = 0; i < p->steps_n; i++) {
		unsigned far = prs_distance(name, p->steps[i].name);
		if (far < least) {
			least = far;
			best = p->steps[i].name;
		}
	}
	return best;
}

int cli_pipeline_check_step(const struct prs_run *run, struct prs_err *err)
{
	struct prs_pipeline *p = prs_pipeline_read(program_fs(), run->dir, err);
	if (!p)
		return err->code;
	bool found = false;
	for (size_t i = 0; i < p->steps_n; i++)
		found = found || !strcmp(p->steps[i].folder, run->step);
	const char *near = found ? NULL : nearest_step(p, run->step);
	if (!found && near)
		prs_fail(err, PRS_ENOTFOUND, "%s has no step %s; did you mean %s?", run->name, run->step, near);
	else if (!found)
		prs_fail(err, PRS_ENOTFOUND, "%s has no step %s: prs status %s shows them", run->name, run->step,
		         run->name);
	prs_pipeline_free(p);
	return found ? 0 : err->code;
}

/* ---- one that runs ----------------------------------------------------------------------------------------------- */

static uint64_t number(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

static void to_progress(const json_t *o, struct prs_progress *p)
{
	*p = (struct prs_progress){ .elapsed_us = number(o, "elapsed_us"),
		                    .planned_all = json_is_true(json_object_get(o, "planned")),
		                    .mini_batches = number(o, "mini_batches"),
		                    .done = number(o, "done"),
		                    .failed = number(o, "failed"),
		                    .items = number(o, "items"),
		                    .items_final = number(o, "items_final"),
		                    .items_failed = number(o, "items_failed"),
		                    .estimate = { .rate = json_real_value(json_object_get(o, "items_per_s")),
		                                  .left_known = json_is_integer(json_object_get(o, "left_us")),
		                                  .left_us = number(o, "left_us") },
		                    .busy = (uint32_t)number(o, "busy"),
		                    .processes = (uint32_t)number(o, "processes"),
		                    .starting = (uint32_t)number(o, "starting") };
}

/* The table of an answer of the socket. */
static void put_answer(struct prs_buf *b, const json_t *o, unsigned columns)
{
	const json_t *all = json_object_get(o, "steps"), *step;
	unsigned wide = 0;
	size_t i;
	json_array_foreach (all, i, step) {
		unsigned is = prs_columns(text(step, "step"), strlen(text(step, "step")));
		wide = is > wide ? is : wide;
	}
	json_array_foreach (all, i, step) {
		const json_t *progress = json_object_get(step, "progress");
		struct prs_progress p;
		if (json_is_object(progress))
			to_progress(progress, &p);
		struct pipeline_line l = { .name = text(step, "step"),
			                   .kind = text(step, "type"),
			                   .state = text(step, "state"),
			                   .starting = json_is_true(json_object_get(step, "starting")),
			                   .stopping = json_is_true(json_object_get(step, "stopping")),
			                   .took_us = number(step, "took_us"),
			                   .why = text(step, "why"),
			                   .reused = text(step, "reused"),
			                   .waits_for = text(step, "waits_for"),
			                   .progress = json_is_object(progress) ? &p : NULL };
		cli_pipeline_put_line(b, &l, wide > NAME_COLUMNS ? NAME_COLUMNS : wide, columns, cli_shows_utf8());
	}
}

static json_t *ask(const struct prs_run *run, struct prs_err *err)
{
	PRS_AUTOBUF reply;
	prs_buf_init(&reply, 64 << 20);
	if (prs_ctl_ask(run->dir, "{\"cmd\": \"status\"}", &reply, err) < 0)
		return NULL;
	json_t *o = json_loads(prs_buf_str(&reply), 0, NULL);
	if (!o)
		prs_fail(err, PRS_EPROTOCOL, "the engine of %s did not answer with a JSON object", run->name);
	return o;
}

int cli_pipeline_not_running(const struct prs_run *run, const char *what)
{
	struct prs_err err = { 0 };
	struct prs_pipeline_view v;
	PRS_AUTOBUF next;
	prs_buf_init(&next, 4096);
	int r = prs_pipeline_view_read(&v, program_fs(), run, &err);
	const char *state = prs_pipeline_view_state(&v);
	put_next(&next, state, run);
	if (r < 0 && !v.half_made)
		complain(PRS_EXIT_BROKEN, &err);
	else
		cli_tell(stderr, "prs: %s is %s: there is nothing %s%s%s\n%s", run->name, state, what,
		         v.past.cause[0] ? ": " : "", v.past.cause, prs_buf_str(&next));
	bool broken = r < 0 && !v.half_made;
	prs_pipeline_view_done(&v);
	return broken ? PRS_EXIT_BROKEN : PRS_EXIT_MISTAKE;
}

int cli_pipeline_why(const struct prs_run *run, bool json)
{
	struct prs_err err = { 0 };
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	json_t *o = ask(run, &err);
	if (!o)
		return err.code == -PRS_ENOTFOUND ? cli_pipeline_not_running(run, "it waits for")
		                                  : complain(PRS_EXIT_MISTAKE, &err);
	if (json) {
		cli_put_json(&b, o, JSON_COMPACT);
	} else {
		prs_buf_putf(&b, "%s: running for ", run->name);
		prs_put_since(&b, number(o, "elapsed_us"));
		prs_buf_putc(&b, '\n');
		put_answer(&b, o, 0);
	}
	json_decref(o);
	return json ? cli_print(&b) : cli_show(&b);
}

static bool show(struct screen *s, const json_t *o, bool json)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	if (json) {
		cli_put_json(&b, o, JSON_COMPACT);
		return fwrite(b.data, 1, b.len, stdout) == b.len && fflush(stdout) == 0;
	}
	put_answer(&b, o, s->terminal ? screen_columns() : 0);
	if (s->terminal)
		screen_live(s, &b);
	return true;
}

int cli_pipeline_watch(const struct prs_run *run, bool json)
{
	enum { EVERY_US = 200000 };
	struct prs_err err = { 0 };
	struct screen s;
	screen_init(&s, false, json);
	json_t *o = ask(run, &err);
	for (bool reader = true; o; o = reader ? ask(run, &err) : NULL) {
		reader = show(&s, o, json);
		json_decref(o);
		prs_pause_us(EVERY_US);
	}
	screen_clear(&s);
	screen_done(&s);
	return err.code && err.code != -PRS_ENOTFOUND ? complain(PRS_EXIT_MISTAKE, &err) : 0;
}

int cli_pipeline_canceled(const struct prs_run *run)
{
	struct prs_err err = { 0 };
	struct prs_pipeline_view v;
	int r = prs_pipeline_view_read(&v, program_fs(), run, &err);
	bool canceled = !r && v.past.job == PRS_JOB_CANCELED;
	if (!r)
		cli_tell(stdout, "%s: %s\n", run->name, prs_pipeline_view_state(&v));
	prs_pipeline_view_done(&v);
	if (r < 0)
		return complain(PRS_EXIT_BROKEN, &err);
	return canceled ? 0 : 1; /* it may have ended by itself before */
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static bool is_file(const char *path)
{
	struct prs_fs_stat st;
	return program_fs()->stat(program_fs()->ctx, path, &st) == 0;
}

static void print_outputs(const struct prs_pipeline_view *v, const struct prs_run *run, size_t step)
{
	const struct prs_step *s = &v->pipeline->steps[step];
	for (size_t k = 0; k < s->outputs_n; k++) {
		bool wanted = run->step[0] ? !strcmp(run->step, s->folder) : s->outputs[k].path != NULL;
		PRS_AUTOFREE char *path = wanted ? prs_pipeline_view_output(v, program_fs(), run, step, k) : NULL;
		if (path && is_file(path))
			cli_print_path(path);
	}
}

/* A path a line. */
int cli_pipeline_output(const struct prs_run *run)
{
	struct prs_err err = { 0 };
	if (run->step[0] && cli_pipeline_check_step(run, &err) < 0)
		return complain(prs_exit_of(err.code, true), &err);
	struct prs_pipeline_view v;
	int r = prs_pipeline_view_read(&v, program_fs(), run, &err);
	for (size_t i = 0; !r && i < v.pipeline->steps_n; i++)
		print_outputs(&v, run, i);
	prs_pipeline_view_done(&v);
	return r < 0 ? complain(prs_exit_of(err.code, true), &err) : 0;
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

static void put_needs(struct prs_buf *b, const struct prs_pipeline *p, const struct prs_step *s)
{
	for (size_t k = 0; k < s->needs_n; k++) {
		prs_buf_puts(b, k ? ", " : " after ");
		prs_put_plain(b, p->steps[s->needs[k]].name);
	}
}

static void put_cores(struct prs_buf *b, unsigned cores, unsigned budget)
{
	if (!cores || cores >= budget)
		prs_buf_puts(b, "runs alone");
	else
		prs_buf_putf(b, "%s", prs_many(cores, "core").text);
}

static void plan_text(struct prs_buf *b, const struct prs_pipeline *p, unsigned budget)
{
	unsigned wide = name_columns(p);
	prs_buf_putf(b, "%s: %s on %s", p->name, prs_many(p->steps_n, "step").text, prs_many(budget, "core").text);
	prs_buf_puts(b, p->continue_on_step_failure ? "; when one fails, what does not need it goes on\n"
	                                            : "; when one fails, all stop\n");
	for (size_t i = 0; i < p->steps_n; i++) {
		const struct prs_step *s = &p->steps[i];
		size_t from = b->len;
		prs_buf_puts(b, "  ");
		prs_put_plain(b, s->name);
		unsigned is = prs_columns((const char *)b->data + from, b->len - from);
		prs_buf_putf(b, "%*s  %-8s  ", is < wide + 2 ? (int)(wide + 2 - is) : 0, "", kind_of(s));
		put_cores(b, s->cores, budget);
		put_needs(b, p, s);
		prs_buf_putc(b, '\n');
	}
}

static void plan_json(struct prs_buf *b, const struct prs_pipeline *p, unsigned budget)
{
	prs_buf_puts(b, "{\"kind\": \"pipeline\", \"name\": ");
	prs_put_json(b, p->name);
	prs_buf_putf(b, ", \"cores\": %u, \"continue_on_step_failure\": %s, \"steps\": [", budget,
	             p->continue_on_step_failure ? "true" : "false");
	for (size_t i = 0; i < p->steps_n; i++) {
		const struct prs_step *s = &p->steps[i];
		prs_buf_puts(b, i ? ", {\"step\": " : "{\"step\": ");
		prs_put_json(b, s->name);
		prs_buf_putf(b, ", \"type\": \"%s\", \"cores\": %u, \"needs\": [", kind_of(s), s->cores);
		for (size_t k = 0; k < s->needs_n; k++) {
			prs_buf_puts(b, k ? ", " : "");
			prs_put_json(b, p->steps[s->needs[k]].name);
		}
		prs_buf_puts(b, "]}");
	}
	prs_buf_puts(b, "]}\n");
}

int cli_pipeline_plan(const struct prs_pipeline *p, bool json)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	unsigned budget = prs_usable_cores();
	if (json)
		plan_json(&b, p, budget);
	else
		plan_text(&b, p, budget);
	return json ? cli_print(&b) : cli_show(&b);
}
