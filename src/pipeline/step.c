/* SPDX-License-Identifier: Apache-2.0
 * step: one step from its START to its end: its folder is prepared on the thread for files, its process runs, its
 * outputs are settled on that thread; each comes back in the loop. What differs between the kinds is in command.c and
 * parallel.c.
 */
#include "pipeline/impl.h"

#include "base/exits.h"
#include "base/killpoint.h"
#include "base/mem.h"
#include "io/child.h"
#include "io/process.h"
#include "io/strays.h"
#include "io/tokens.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define GRACE_US UINT64_C(10000000)

static const struct kind {
	int (*prepare)(struct step *s, struct prs_err *err);
	int (*begin)(struct step *s, struct prs_err *err);
} kinds[] = {
	[PRS_STEP_PARALLEL] = { parallel_prepare, parallel_begin },
	[PRS_STEP_COMMAND] = { command_prepare, command_begin },
};

char *step_dir(const struct step *s) { return prs_strf("%s/steps/%s", s->e->c.dir, s->is->folder); }

char *step_output_made(const struct step *s, size_t output)
{
	PRS_AUTOFREE char *dir = step_dir(s);
	return dir ? prs_step_output_path(&s->is->outputs[output], dir, s->e->c.run_name) : NULL;
}

char *step_output(const struct engine *e, size_t step, size_t output)
{
	const struct step *s = &e->steps[step];
	return s->origin.name ? prs_strdup(s->origin.outputs[output]) : step_output_made(s, output);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void ends(struct step *s, enum prs_flow_event_type how)
{
	s->took_us = s->started_us ? prs_since_us(s->started_us, prs_clock_us()) : 0;
	s->started_us = 0;
	s->phase = STEP_IDLE;
	s->retry = s->retry && how == PRS_FLOW_INTERRUPTED;
	pipeline_flow(s->e, how, s->n);
}

static void fails(struct step *s, const char *why)
{
	if (why != s->why)
		snprintf(s->why, sizeof s->why, "%.290s", why);
	ends(s, PRS_FLOW_FAILED);
}

static void settle_work(struct prs_sync_job *job)
{
	struct step *s = (struct step *)job;
	outputs_settle(s, &s->err);
}

/* A full disk and the like: it can go on later. */
static bool can_go_on(const struct prs_err *err) { return prs_error_row(err->code)->action == PRS_ACTION_RESUMABLE; }

static void stops_for(struct step *s, const struct prs_err *err)
{
	char text[512];
	snprintf(text, sizeof text, "step %.100s: %.380s", s->is->name, err->msg);
	pipeline_stop(s->e, (uint16_t)-err->code, text);
	ends(s, PRS_FLOW_INTERRUPTED);
}

static void settle_done(struct prs_sync_job *job)
{
	struct step *s = (struct step *)job;
	if (s->e->over)
		return;
	PRS_KILL_POINT("pipeline.settled");
	if (!s->err.code)
		ends(s, PRS_FLOW_DONE);
	else if (can_go_on(&s->err))
		stops_for(s, &s->err);
	else
		fails(s, s->err.msg);
}

static void settle(struct step *s)
{
	s->phase = STEP_SETTLING;
	s->err = (struct prs_err){ 0 };
	s->job = (struct prs_sync_job){ .work = settle_work, .done = settle_done };
	prs_sync_put(s->e->files, &s->job);
}

static void say_status(struct step *s)
{
	int status = (int)s->status;
	if (s->timed_out)
		snprintf(s->why, sizeof s->why, "timed out after %g s (limits.timeout)", s->is->timeout_s);
	else if (WIFSIGNALED(status))
		snprintf(s->why, sizeof s->why, "killed by signal %d (%s)%s", WTERMSIG(status),
		         strsignal(WTERMSIG(status)),
		         WTERMSIG(status) == SIGKILL ? ": perhaps for want of memory" : "");
	else
		snprintf(s->why, sizeof s->why, "exit status %d", WEXITSTATUS(status));
}

static void discard_work(struct prs_sync_job *job)
{
	struct step *s = (struct step *)job;
	outputs_discard(s, &s->err); /* what cannot be removed is removed when it begins again */
}

static void discard_done(struct prs_sync_job *job)
{
	struct step *s = (struct step *)job;
	if (!s->e->over)
		ends(s, s->how);
}

/* It did not end well: nothing of it stays where other people's files are. */
static void discard(struct step *s, enum prs_flow_event_type how)
{
	s->how = how;
	if (!outputs_have_places(s)) {
		ends(s, how);
		return;
	}
	s->phase = STEP_SETTLING;
	s->job = (struct prs_sync_job){ .work = discard_work, .done = discard_done };
	prs_sync_put(s->e->files, &s->job);
}

static void command_ended(struct step *s)
{
	if (s->status == 0 && !s->timed_out) {
		settle(s);
		return;
	}
	say_status(s);
	discard(s, s->halted ? PRS_FLOW_INTERRUPTED : PRS_FLOW_FAILED);
}

/* The process of a parallel step ends as prs run does. One that was killed can go on. */
static void parallel_ended(struct step *s)
{
	int status = (int)s->status;
	bool resumable = WIFSIGNALED(status) || WEXITSTATUS(status) == PRS_EXIT_RESUMABLE;
	if (status == 0) {
		settle(s);
		return;
	}
	if (!s->why[0])
		say_status(s);
	if (!resumable) {
		fails(s, s->why);
		return;
	}
	char text[512];
	snprintf(text, sizeof text, "step %.100s: %.300s", s->is->name, s->why);
	if (!s->halted)
		pipeline_stop(s->e, PRS_EINTERRUPTED, text);
	ends(s, PRS_FLOW_INTERRUPTED);
}

static void step_dead(void *ctx, int events)
{
	struct step *s = ctx;
	(void)events;
	if (!prs_reap(s->pid, &s->status))
		return;
	prs_watch_free(s->dead);
	s->dead = NULL;
	prs_fd_close(&s->pidfd);
	if (s->is->kind == PRS_STEP_COMMAND)
		prs_strays_of_slot(s->pid, s->e->mark_text, (int)s->n);
	prs_lines_free(s->lines);
	s->lines = NULL;
	s->pid = 0;
	PRS_KILL_POINT("pipeline.ended");
	if (s->is->kind == PRS_STEP_COMMAND)
		command_ended(s);
	else
		parallel_ended(s);
}

/* ---- the begin --------------------------------------------------------------------------------------------------- */

int step_spawn(struct step *s, char *const *argv, char *const *envp, const char *cwd, const char *out,
               const char *errors, int fd, struct prs_err *err)
{
	struct prs_spawn spawn = { .program = s->e->c.program,
		                   .argv = argv,
		                   .envp = envp,
		                   .cwd = cwd,
		                   .stdout_path = out,
		                   .stderr_path = errors,
		                   .fds = &fd,
		                   .fds_n = fd >= 0 };
	if (prs_spawn(&spawn, &s->pid, &s->pidfd, err) < 0)
		return err->code;
	s->dead = prs_watch_new(s->e->loop, s->pidfd, PRS_READABLE, step_dead, s, err);
	if (s->dead)
		return 0;
	prs_end_process(s->pid);
	prs_fd_close(&s->pidfd);
	return err->code;
}

/* What it reads must be there: a run that it comes from may have been removed just now. */
static int check_needs(struct step *s)
{
	for (size_t i = 0; i < s->is->needs_n; i++) {
		const struct step *need = &s->e->steps[s->is->needs[i]];
		if (!reuse_is_there(need))
			return prs_fail(&s->err, PRS_EINTERRUPTED,
			                "the outputs of step %s were those of %s, which was removed: prs resume %s "
			                "makes them again",
			                need->is->name, need->origin.name, s->e->c.run_name);
	}
	return 0;
}

static void prepare_work(struct prs_sync_job *job)
{
	struct step *s = (struct step *)job;
	s->published = s->is->kind == PRS_STEP_COMMAND && !s->retry && outputs_are_ready(s);
	if (check_needs(s) < 0)
		return;
	if (s->published) {
		memcpy(s->print, s->e->past.steps[s->n].print, sizeof s->print);
		return;
	}
	reuse_look(s);
	if (s->origin.name)
		return;
	if (s->is->only_reuse)
		prs_fail(&s->err, PRS_EINVALID, "it cannot be taken from an earlier run: %s", s->not_reused);
	else
		kinds[s->is->kind].prepare(s, &s->err);
}

static void cannot_begin(struct step *s, const struct prs_err *err)
{
	if (can_go_on(err))
		stops_for(s, err);
	else
		fails(s, err->msg);
}

static void begin(struct step *s)
{
	struct prs_err err = { 0 };
	s->started_us = prs_clock_us();
	s->phase = STEP_RUNS;
	if (kinds[s->is->kind].begin(s, &err) < 0) {
		cannot_begin(s, &err);
		return;
	}
	s->timeout_at_us = s->is->timeout_s > 0 ? s->started_us + (uint64_t)(s->is->timeout_s * 1e6) : 0;
	PRS_KILL_POINT("pipeline.begun");
	pipeline_flow(s->e, PRS_FLOW_BEGUN, s->n);
}

static void prepare_done(struct prs_sync_job *job)
{
	struct step *s = (struct step *)job;
	if (s->e->over)
		return;
	PRS_KILL_POINT("pipeline.prepared");
	if (s->err.code) {
		cannot_begin(s, &s->err);
	} else if (s->e->ending) { /* it was told to stop meanwhile */
		ends(s, PRS_FLOW_INTERRUPTED);
	} else if (s->origin.name) {
		ends(s, PRS_FLOW_REUSED);
	} else if (s->published) {
		s->started_us = prs_clock_us();
		pipeline_flow(s->e, PRS_FLOW_BEGUN, s->n);
		settle(s);
	} else {
		begin(s);
	}
}

static void prepare(struct step *s)
{
	s->phase = STEP_PREPARING;
	s->err = (struct prs_err){ 0 };
	s->job = (struct prs_sync_job){ .work = prepare_work, .done = prepare_done };
	prs_sync_put(s->e->files, &s->job);
}

/* And that it was reset. */
static bool needs_are_durable(const struct step *s)
{
	if (s->end_seq > s->e->durable_seq)
		return false;
	for (size_t i = 0; i < s->is->needs_n; i++)
		if (s->e->steps[s->is->needs[i]].end_seq > s->e->durable_seq)
			return false;
	return true;
}

void step_start(struct step *s)
{
	s->why[0] = 0;
	s->halted = s->timed_out = s->has_progress = false;
	s->kill_at_us = s->timeout_at_us = 0;
	s->phase = STEP_WAITS;
	if (needs_are_durable(s))
		prepare(s);
}

void steps_durable(struct engine *e)
{
	for (uint32_t i = 0; i < e->p->steps_n; i++)
		if (e->steps[i].phase == STEP_WAITS && needs_are_durable(&e->steps[i]))
			prepare(&e->steps[i]);
}

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

void step_halt(struct step *s, bool hard)
{
	s->halted = true;
	if (s->phase != STEP_RUNS)
		return;
	if (s->is->kind == PRS_STEP_PARALLEL) { /* its engine stops as at Ctrl-C; at once at the second one */
		prs_signal_worker(s->pid, SIGINT);
		return;
	}
	prs_signal_worker(s->pid, hard ? SIGKILL : SIGTERM);
	s->kill_at_us = prs_clock_us() + GRACE_US;
}

void step_tick(struct step *s, uint64_t now_us)
{
	if (s->timeout_at_us && now_us >= s->timeout_at_us) {
		s->timeout_at_us = 0;
		s->timed_out = true;
		prs_signal_worker(s->pid, SIGTERM);
		s->kill_at_us = now_us + GRACE_US;
	}
	if (s->kill_at_us && now_us >= s->kill_at_us) {
		s->kill_at_us = 0;
		prs_signal_worker(s->pid, SIGKILL);
	}
}

/* This engine must not go on: commands die; the others stop as if it were dead. */
void steps_kill(struct engine *e)
{
	for (uint32_t i = 0; i < e->p->steps_n; i++)
		if (e->steps[i].phase == STEP_RUNS && e->steps[i].pid)
			prs_signal_worker(e->steps[i].pid,
			                  e->steps[i].is->kind == PRS_STEP_COMMAND ? SIGKILL : SIGTERM);
}
