/* SPDX-License-Identifier: Apache-2.0
 * parallel: a step that is an engine of its own: a child of this program (prs _step) that makes or resumes the run
 * folder steps/<name>/ from work/<name>.json, and says how it gets on.
 */
#include "pipeline/impl.h"

#include "base/mem.h"
#include "io/tokens.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* ---- its job ----------------------------------------------------------------------------------------------------- */

struct filling {
	const struct step *s;
	char *last;
};

static const char *filled_output(void *ctx, size_t step, size_t output)
{
	struct filling *f = ctx;
	prs_freep(&f->last);
	f->last = step_output(f->s->e, step, output);
	return f->last;
}

int parallel_prepare(struct step *s, struct prs_err *err)
{
	struct filling filling = { .s = s };
	PRS_AUTOBUF json;
	prs_buf_init(&json, PRS_PIPELINE_BYTES_MAX);
	PRS_AUTOFREE char *dir = step_dir(s), *outputs = dir ? prs_strf("%s/outputs", dir) : NULL;
	PRS_AUTOFREE char *code = prs_strf("%s/snapshots/%lld", s->e->c.dir, (long long)s->is->snapshot);
	PRS_AUTOFREE char *path = prs_strf("%s/work/%s.json", s->e->c.dir, s->is->folder);
	if (!outputs || !code || !path)
		return prs_fail(err, PRS_ENOMEM, "the job of a step");
	struct prs_step_fill fill = { .output = filled_output,
		                      .ctx = &filling,
		                      .run_name = s->e->c.run_name,
		                      .outputs_dir = outputs,
		                      .code_dir = s->is->snapshot >= 0 ? code : NULL };
	int r = prs_step_fill_job(s->e->p, s->n, &fill, &json, err);
	if (!r)
		r = prs_write_file(s->e->c.fs, path, json.data, json.len, 0600, err);
	prs_freep(&filling.last);
	return r;
}

/* ---- what it says ------------------------------------------------------------------------------------------------ */

static uint64_t number(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static void take_progress(struct step *s, const json_t *o)
{
	const json_t *left = json_object_get(o, "left_us");
	s->has_progress = true;
	s->progress = (struct prs_progress){ .elapsed_us = number(o, "elapsed_us"),
		                             .planned_all = json_is_true(json_object_get(o, "planned")),
		                             .mini_batches = number(o, "mini_batches"),
		                             .done = number(o, "done"),
		                             .failed = number(o, "failed"),
		                             .items = number(o, "items"),
		                             .items_final = number(o, "items_final"),
		                             .items_failed = number(o, "items_failed"),
		                             .estimate = { .rate = json_real_value(json_object_get(o, "items_per_s")),
		                                           .left_known = json_is_integer(left),
		                                           .left_us = number(o, "left_us") },
		                             .busy = (uint32_t)number(o, "busy"),
		                             .processes = (uint32_t)number(o, "processes"),
		                             .starting = (uint32_t)number(o, "starting") };
}

static void take_said(struct step *s, char says, const json_t *o)
{
	const struct prs_pipeline_config *c = &s->e->c;
	const char *text = json_string_value(json_object_get(o, "text"));
	const char *where = json_string_value(json_object_get(o, "where"));
	if (!text)
		return;
	if (says == PRS_STEP_SAYS_WHY)
		snprintf(s->why, sizeof s->why, "%s", text);
	else if (says == PRS_STEP_SAYS_TRACE && c->error)
		c->error(c->ctx, s->is, where ? where : "", text, strlen(text));
	else if (says != PRS_STEP_SAYS_TRACE && c->step_said)
		c->step_said(c->ctx, s->is, says == PRS_STEP_SAYS_WARNING, text);
}

static void step_line(void *ctx, char *line, size_t n)
{
	struct step *s = ctx;
	if (n < 2)
		return;
	if (line[0] == PRS_STEP_SAYS_EVENT) {
		if (s->e->c.event)
			s->e->c.event(s->e->c.ctx, s->is, line + 1, n - 1);
		return;
	}
	json_t *o = json_loadb(line + 1, n - 1, 0, NULL);
	if (o && line[0] == PRS_STEP_SAYS_PROGRESS)
		take_progress(s, o);
	else if (o)
		take_said(s, line[0], o);
	json_decref(o);
}

/* ---- its process ------------------------------------------------------------------------------------------------- */

int parallel_begin(struct step *s, struct prs_err *err)
{
	char parent[32], mode[32], prs[] = "prs", word[] = "_step";
	int peer = -1;
	PRS_AUTOFREE char *dir = prs_strdup(s->e->c.dir), *folder = prs_strdup(s->is->folder);
	PRS_AUTOFREE char *log = prs_strf("%s/work/%s.log", s->e->c.dir, s->is->folder);
	if (!dir || !folder || !log)
		return prs_fail(err, PRS_ENOMEM, "starting a step");
	snprintf(parent, sizeof parent, "%d", getpid());
	snprintf(mode, sizeof mode, "%s,%s", s->retry ? PRS_STEP_MODE_RETRY : "",
	         s->e->c.events ? PRS_STEP_MODE_EVENTS : "");
	char *argv[] = { prs, word, parent, dir, folder, mode, NULL };
	s->lines = prs_lines_new(s->e->loop, &peer, step_line, s, err);
	if (!s->lines)
		return err->code;
	struct prs_fs_stat st;
	bool there = s->e->c.fs->stat(s->e->c.fs->ctx, s->e->p->submit_dir, &st) == 0;
	int r = step_spawn(s, argv, environ, there ? s->e->p->submit_dir : dir, log, log, peer, err);
	prs_fd_close(&peer);
	if (r < 0) {
		prs_lines_free(s->lines);
		s->lines = NULL;
	}
	return r;
}
