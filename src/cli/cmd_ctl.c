/* SPDX-License-Identifier: Apache-2.0
 * cmd_ctl: prs cancel, prs why, prs status --watch: what the running engine answers at its socket.
 */
#include "cli/pipelines.h"
#include "cli/screen.h"

#include "base/mem.h"
#include "io/ctl.h"
#include "report/console.h"
#include "run/view.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ENDING_TRIES = 600, STARTING_TRIES = 20 };

static void pause_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
}

/* Asks once; NULL and err: nobody listens (PRS_ENOTFOUND), or the answer says no. The caller drops the reference. */
static json_t *ask(const struct prs_run *run, const char *cmd, struct prs_err *err)
{
	char line[64];
	json_error_t e;
	PRS_AUTOBUF reply;
	prs_buf_init(&reply, 64 << 20);
	snprintf(line, sizeof line, "{\"cmd\": \"%s\"}", cmd);
	if (prs_ctl_ask(run->dir, line, &reply, err) < 0)
		return NULL;
	json_t *o = json_loads(prs_buf_str(&reply), 0, &e);
	const char *cause = json_string_value(json_object_get(o, "cause"));
	if (json_is_true(json_object_get(o, "ok")))
		return o;
	prs_fail(err, PRS_EINVALID, "%s", cause ? cause : "the engine's answer is no answer");
	json_decref(o);
	return NULL;
}

/* The same, with patience for an engine that has the lock and is about to listen. */
static json_t *ask_running(const struct prs_run *run, const char *cmd, struct prs_err *err)
{
	json_t *o = NULL;
	for (int i = 0; i < STARTING_TRIES; i++) {
		o = ask(run, cmd, err);
		if (o || err->code != -PRS_ENOTFOUND || !prs_run_is_running(run->dir))
			return o;
		pause_ms(50);
	}
	prs_fail(err, PRS_ENOTFOUND,
	         "an engine holds %s, but it does not listen at its socket: it is starting or ending, or runs on "
	         "another machine",
	         run->name);
	return NULL;
}

static uint64_t number(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}
static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

/* A job that failed waits for nothing, but it has a why. */
static void tell_failed(const struct prs_run *run, const struct prs_view *v)
{
	PRS_AUTOBUF cause;
	prs_buf_init(&cause, 64 << 10);
	cli_put_cause(&cause, v);
	cli_tell(stderr, "prs: %s has failed%s%s. What the script said: prs logs %s --errors\n", run->name,
	         cause.len ? ": " : "", prs_buf_str(&cause), run->name);
}

/* A sentence for a run that no engine runs. */
static int not_running(const struct prs_run *run, const char *what)
{
	struct prs_err err = { 0 };
	struct prs_view v;
	if (run->kind == PRS_RUN_PIPELINE)
		return cli_pipeline_not_running(run, what);
	int r = prs_view_read(&v, program_fs(), run, &err);
	const char *state = r ? "" : prs_view_state(&v);
	bool interrupted = !strcmp(state, "interrupted");
	if (r < 0)
		complain(PRS_EXIT_BROKEN, &err);
	else if (!strcmp(state, "unknown"))
		cli_tell(stderr,
		         "prs: %s: running or not: unknown, as its file lock cannot be opened; it has no socket\n",
		         run->name);
	else if (!strcmp(state, "failed"))
		tell_failed(run, &v);
	else
		cli_tell(stderr, "prs: %s is %s: there is nothing %s%s%s\n", run->name, state, what,
		         interrupted ? ". Go on with: prs resume " : "", interrupted ? run->name : "");
	prs_view_done(&v);
	return r < 0 ? 3 : 2;
}

/* ---- cancel ------------------------------------------------------------------------------------------------------ */

/* A command of a pipeline ends with it, or by itself. */
static const struct prs_err *refuse_part(const struct prs_run *run, struct prs_err *err)
{
	prs_fail(err, PRS_EINVALID,
	         "%s/%s has no run of its own that could be canceled: prs cancel %s cancels the pipeline", run->name,
	         run->step, run->name);
	return err;
}

int cmd_cancel(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	struct prs_view v;
	if (cli_find_any(a, a->words.n ? a->words.v[0] : NULL, &run, &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	if (run.step[0])
		return complain(PRS_EXIT_MISTAKE, refuse_part(&run, &err));
	json_t *o = ask_running(&run, "cancel", &err);
	if (!o)
		return err.code == -PRS_ENOTFOUND && !prs_run_is_running(run.dir) ? not_running(&run, "to cancel")
		                                                                  : complain(PRS_EXIT_MISTAKE, &err);
	json_decref(o);
	for (int i = 0; i < ENDING_TRIES && prs_run_is_running(run.dir); i++)
		pause_ms(100);
	if (prs_run_is_running(run.dir)) {
		cli_tell(stdout, "%s: asked to stop; its engine still has to end\n", run.name);
		return 0;
	}
	if (run.kind == PRS_RUN_PIPELINE)
		return cli_pipeline_canceled(&run);
	int r = prs_view_read(&v, program_fs(), &run, &err);
	if (!r)
		cli_tell(stdout, "%s: %s\n", run.name, prs_view_state(&v));
	bool canceled = !r && v.ledger.job == PRS_JOB_CANCELED;
	prs_view_done(&v);
	if (r < 0)
		return complain(PRS_EXIT_BROKEN, &err);
	return canceled ? 0 : 1; /* it may have ended by itself before */
}

/* ---- why --------------------------------------------------------------------------------------------------------- */

static void to_process(const json_t *o, struct prs_console_process *p)
{
	*p = (struct prs_console_process){ .state = text(o, "state"),
		                           .phase = text(o, "phase"),
		                           .since_us = number(o, "since_us"),
		                           .works = json_is_integer(json_object_get(o, "mini_batch")),
		                           .mini_batch = number(o, "mini_batch"),
		                           .tries = (uint32_t)number(o, "tries"),
		                           .queued = (uint32_t)number(o, "queued"),
		                           .failures = (uint32_t)number(o, "failures") };
	snprintf(p->name, sizeof p->name, "%s", text(o, "process"));
}

/* The texts are those of `all`. NULL without memory. */
static struct prs_console_process *to_processes(const json_t *all, size_t *ret_n)
{
	size_t n = json_array_size(all);
	struct prs_console_process *v = prs_calloc(n + 1, sizeof *v);
	for (size_t i = 0; v && i < n; i++)
		to_process(json_array_get(all, i), &v[i]);
	*ret_n = v ? n : 0;
	return v;
}

static void put_processes(struct prs_buf *b, const json_t *all)
{
	size_t n;
	PRS_AUTOFREE struct prs_console_process *v = to_processes(all, &n);
	prs_console_processes(b, v, n, cli_columns(1), cli_shows_utf8());
}

static void put_why(struct prs_buf *b, const json_t *o)
{
	prs_buf_putf(b, "%s: running for ", text(o, "run"));
	prs_put_since(b, number(o, "elapsed_us"));
	prs_buf_puts(b, ", ");
	prs_put_count(b, number(o, "done") + number(o, "failed"));
	prs_buf_puts(b, json_is_true(json_object_get(o, "planned")) ? " of " : " of at least ");
	prs_put_many(b, number(o, "mini_batches"), "mini-batch");
	prs_buf_puts(b, " finished\nwaits for ");
	prs_put_plain(b, text(o, "waits_for"));
	prs_buf_putc(b, '\n');
	put_processes(b, json_object_get(o, "processes"));
	if (text(o, "last_error")[0]) {
		prs_buf_puts(b, "last error: ");
		prs_put_plain(b, text(o, "last_error"));
		prs_buf_putc(b, '\n');
	}
}

int cmd_why(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 64 << 20);
	if (cli_find_any(a, a->words.n ? a->words.v[0] : NULL, &run, &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	if (run.kind == PRS_RUN_PIPELINE)
		return cli_pipeline_why(&run, cli_json(a));
	json_t *o = ask_running(&run, "why", &err);
	if (!o)
		return err.code == -PRS_ENOTFOUND && !prs_run_is_running(run.dir) ? not_running(&run, "it waits for")
		                                                                  : complain(PRS_EXIT_MISTAKE, &err);
	if (cli_json(a))
		cli_put_json(&b, o, JSON_COMPACT);
	else
		put_why(&b, o);
	json_decref(o);
	return cli_json(a) ? cli_print(&b) : cli_show(&b);
}

/* ---- watch ------------------------------------------------------------------------------------------------------- */

/* Their number, or, in the answer to "why", what each is at. */
static uint32_t processes_of(const json_t *o)
{
	const json_t *all = json_object_get(o, "processes");
	return (uint32_t)(json_is_array(all) ? json_array_size(all) : (size_t)json_integer_value(all));
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
		                    .processes = processes_of(o),
		                    .starting = (uint32_t)number(o, "starting"),
		                    .note = json_string_value(json_object_get(o, "note")) };
}

/* On a terminal with what each process is at. */
static void show_progress(struct screen *s, const json_t *o)
{
	size_t n;
	struct prs_progress p;
	to_progress(o, &p);
	if (!s->terminal || s->quiet) {
		screen_progress(s, &p);
		return;
	}
	PRS_AUTOFREE struct prs_console_process *v = to_processes(json_object_get(o, "processes"), &n);
	screen_watch(s, &p, v, n, text(o, "waits_for"), text(o, "last_error"));
}

int cli_watch(const struct prs_run *run, bool json)
{
	enum { EVERY_MS = 200 };
	struct prs_err err = { 0 };
	struct screen s;
	screen_init(&s, false, json);
	s.run_name = run->name;
	const char *question = s.terminal && !json ? "why" : "status";
	bool reader = true; /* a closed pipe ends it */
	json_t *o = ask_running(run, question, &err);
	for (; o; o = reader ? ask(run, question, &err) : NULL) {
		PRS_AUTOBUF line;
		prs_buf_init(&line, 1 << 20);
		if (json)
			cli_put_json(&line, o, JSON_COMPACT);
		reader = !json || (fwrite(line.data, 1, line.len, stdout) == line.len && fflush(stdout) == 0);
		show_progress(&s, o);
		json_decref(o);
		pause_ms(EVERY_MS);
	}
	screen_clear(&s);
	screen_done(&s);
	return !reader || err.code == -PRS_ENOTFOUND ? 0 : complain(PRS_EXIT_MISTAKE, &err);
}
