/* SPDX-License-Identifier: Apache-2.0
 * start: the screens of a run around the engine: what is said at its start, and at its end.
 */
#include "cli/cli.h"

#include "base/many.h"
#include "base/mem.h"
#include "cli/screen.h"
#include "io/detach.h"
#include "run/view.h"
#include "wire/names.h"
#include "wire/states.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the head ---------------------------------------------------------------------------------------------------- */

struct start {
	struct screen screen; /* first: the screen's callbacks get this */
	const struct cli_start *s;
	struct prs_detach *detach;  /* NULL = this terminal stays */
	char copied[PATH_MAX + 16]; /* the script's folder as the workers see it */
};

enum { INPUTS_SHOWN = 4 };

static void put_detached(struct prs_buf *b, const struct prs_run *run, int pid, bool json)
{
	char dir[PATH_MAX];
	if (json) {
		prs_buf_puts(b, "{\"type\":\"detached\",\"run\":");
		prs_put_json(b, run->name);
		prs_buf_puts(b, ",\"dir\":");
		prs_put_json(b, run->dir);
		prs_buf_putf(b, ",\"pid\":%d}\n", pid);
		return;
	}
	prs_buf_putf(b,
	             "It goes on without this terminal, as process %d\n"
	             "  follow        prs status %s --watch\n"
	             "  stop          kill %d (then prs resume goes on)\n"
	             "  cancel        prs cancel %s\n"
	             "  screen        ",
	             pid, run->name, pid, run->name);
	prs_put_plain(b, cli_short_path(run->dir, dir, sizeof dir));
	prs_buf_puts(b, "/logs/" PRS_NAME_DETACHED "\n");
}

/* From here on the screen is a file; what a program reads are the events of the run. */
void screen_leave(struct screen *s, const struct prs_run *run, struct prs_detach *detach)
{
	struct prs_err err = { 0 };
	PRS_AUTOBUF b;
	PRS_AUTOFREE char *file = prs_strf("%s/logs/" PRS_NAME_DETACHED, run->dir);
	prs_buf_init(&b, 1 << 20);
	put_detached(&b, run, detach->pid, s->json);
	if (s->json)
		printf("%s", prs_buf_str(&b));
	else if (!s->quiet)
		screen_put(s, &b);
	fflush(NULL);
	s->json = false;
	if (prs_detach_leave(detach, file ? file : "", &err) < 0)
		screen_warn(s, err.msg);
}

static void start_opened(void *ctx, const struct prs_engine_opened *o)
{
	struct start *st = ctx;
	const struct prs_job *j = st->s->job;
	const char *inputs[INPUTS_SHOWN];
	char shown[INPUTS_SHOWN][PATH_MAX], dir[PATH_MAX], python[PATH_MAX];
	size_t n = 0;
	for (; n < j->inputs_n && n < INPUTS_SHOWN; n++)
		inputs[n] = cli_short_path(j->inputs[n].path, shown[n], sizeof shown[n]);
	st->screen.copied = st->copied;
	if (!o->old_code)
		st->screen.original = j->code_dir;
	struct prs_console_head h = { .run_name = st->s->run->name,
		                      .run_dir = cli_short_path(st->s->run->dir, dir, sizeof dir),
		                      .script = j->entry,
		                      .python = cli_short_path(j->python, python, sizeof python),
		                      .python_why = j->python_why,
		                      .inputs = inputs,
		                      .inputs_n = n,
		                      .only_failed = j->only_failed_name,
		                      .only_failed_items = j->only_failed_items,
		                      .processes = o->processes,
		                      .warnings = (const char *const *)j->warnings.v,
		                      .warnings_n = j->warnings.n,
		                      .resumed = o->resumed,
		                      .resumed_done = o->done,
		                      .resumed_total = o->mini_batches };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	prs_console_start(&b, &h, st->screen.look.color);
	if (!st->screen.json && !st->screen.quiet)
		screen_put(&st->screen, &b);
	if (st->detach)
		screen_leave(&st->screen, st->s->run, st->detach);
}

/* ---- the engine -------------------------------------------------------------------------------------------------- */

/* As prs status says it: the journal tells more than the result of a life in which nothing ran. */
static void put_why_failed(struct prs_buf *to, const struct cli_start *s, const struct prs_result *r)
{
	struct prs_err none = { 0 };
	struct prs_view v;
	if (prs_view_read(&v, program_fs(), s->run, &none) == 0)
		cli_put_cause(to, &v);
	prs_view_done(&v);
	if (!to->len)
		prs_put_cause(to, r);
}

/* A job that had ended before: what it is, and what can be done. */
static int was_over(const struct cli_start *s, const struct prs_engine_end *end)
{
	const struct prs_result *r = &end->result;
	if (r->state == PRS_JOB_COMPLETED) {
		cli_tell(stderr, "%s is completed: there is nothing to resume%s%s\n", s->run->name,
		         end->output[0] ? ". Output: " : "", end->output);
		if (s->retry_failed && r->failed)
			cli_tell(stderr,
			         "Its output is published: the %s that failed can only run again in a "
			         "new run: prs run --only-failed %s\n",
			         prs_many(r->failed, "mini-batch").text, s->run->name);
	} else if (r->state == PRS_JOB_CANCELED) {
		cli_tell(stderr, "%s was canceled: start a new run\n", s->run->name);
	} else {
		PRS_AUTOBUF cause, next;
		prs_buf_init(&cause, 64 << 10);
		prs_buf_init(&next, 64 << 10);
		put_why_failed(&cause, s, r);
		cli_put_retry(&next, s->run->name, r->code, s->new_code);
		cli_tell(stderr, "%s failed%s%s\n%s", s->run->name, cause.len ? ": " : "", prs_buf_str(&cause),
		         prs_buf_str(&next));
	}
	return end->exit_code;
}

static int end_of(struct start *st, const struct prs_engine_end *end, const struct prs_err *err)
{
	char logs[PATH_MAX + 8];
	int status = err ? prs_exit_of(err->code, false) : end->exit_code;
	char dir[PATH_MAX];
	snprintf(logs, sizeof logs, "%s/logs", cli_short_path(st->s->run->dir, dir, sizeof dir));
	if (!err && end->was_over && !st->screen.json)
		return was_over(st->s, end);
	screen_end(&st->screen, end, logs, status, err);
	char next[512];
	prs_exit_next(next, sizeof next, status, st->s->run->name);
	if (err && next[0] && !st->screen.json)
		cli_tell(stderr, "Go on with: %s\n", next);
	return status;
}

static int start_new_code(void *ctx, const char *name, struct prs_err *err)
{
	const struct start *st = ctx;
	const struct cli_start *s = st->s;
	return prs_run_take_code(cli_front(s->json || s->quiet), s->placed, s->run->dir, name, err);
}

static int run_engine(const struct cli_start *s, struct prs_detach *detach)
{
	static struct prs_engine_end end; /* large */
	struct prs_err err = { 0 };
	struct start st = { .s = s, .detach = detach };
	snprintf(st.copied, sizeof st.copied, "%s/work/code", s->run->dir);
	screen_init(&st.screen, s->json, s->quiet);
	st.screen.run_name = s->run->name;
	st.screen.output_dir = s->job->o.output_action == PRS_OUTPUT_SUMMARY_ONLY ? s->placed->output_dir : NULL;
	if (detach) {
		st.screen.terminal = false;
		st.screen.look = (struct prs_look){ .color = false };
	}
	screen_keys(&st.screen);
	struct prs_engine_config c = { .job = s->job,
		                       .placed = s->placed,
		                       .takeover = s->takeover,
		                       .set = s->set,
		                       .set_n = s->set_n,
		                       .retry_failed = s->retry_failed,
		                       .new_code = s->new_code ? start_new_code : NULL,
		                       .opened = start_opened,
		                       .progress = screen_progress,
		                       .error = screen_error,
		                       .event = screen_event,
		                       .warn = screen_warn,
		                       .say = screen_say,
		                       .asks = screen_asks,
		                       .processes = screen_processes,
		                       .ending = screen_ending,
		                       .ctx = &st };
	int r = prs_run_start(cli_front(s->quiet), s->run, &c, &end, &err);
	int status = end_of(&st, &end, r < 0 ? &err : NULL);
	screen_done(&st.screen);
	return status;
}

int cli_start(const struct cli_start *s)
{
	struct prs_err err = { 0 };
	struct prs_detach d;
	if (!s->detach)
		return run_engine(s, NULL);
	fflush(NULL);
	int r = prs_detach_begin(&d, &err);
	if (r < 0)
		return complain(PRS_EXIT_RESUMABLE, &err);
	return r ? prs_detach_wait(&d) : run_engine(s, &d);
}
