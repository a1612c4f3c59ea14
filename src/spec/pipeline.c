/* SPDX-License-Identifier: Apache-2.0
 * pipeline: the description as a thing: born empty, filled by one of the front ends, linked, freed. Linking finds which
 * steps a step needs, from the references in it, and whether they need each other in a circle.
 */
#include "spec/pipeline_impl.h"

#include "base/mem.h"
#include "spec/expr.h"
#include "spec/job_doc.h"
#include "spec/late.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const pipeline_texts[] = { "arguments", "system_arguments", "environment", "outputs", NULL };

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void free_pairs(struct prs_job_pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		prs_freep(&v[i].name);
		prs_freep(&v[i].value);
	}
	free(v);
}

static void step_done(struct prs_step *s)
{
	char **texts[] = { &s->name,       &s->folder,  &s->code_dir, &s->python,
		           &s->python_why, &s->command, &s->job,      &s->file };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		prs_freep(texts[i]);
	for (size_t i = 0; i < s->outputs_n; i++) {
		prs_freep(&s->outputs[i].name);
		prs_freep(&s->outputs[i].type);
		prs_freep(&s->outputs[i].path);
	}
	for (size_t i = 0; i < s->inputs_n; i++) {
		prs_freep(&s->inputs[i].name);
		prs_freep(&s->inputs[i].type);
		prs_freep(&s->inputs[i].path);
		prs_freep(&s->inputs[i].literal);
	}
	prs_freep(&s->outputs);
	prs_freep(&s->inputs);
	prs_freep(&s->needs);
	prs_freep(&s->after);
	prs_list_done(&s->includes);
	free_pairs(s->variables, s->variables_n);
	if (s->checked)
		prs_job_done(s->checked);
	prs_freep(&s->checked);
}

void prs_pipeline_free(struct prs_pipeline *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->steps_n; i++)
		step_done(&p->steps[i]);
	prs_freep(&p->steps);
	prs_freep(&p->name);
	prs_freep(&p->submit_dir);
	prs_list_done(&p->command);
	prs_freep(&p);
}

struct prs_step *pipeline_add(struct prs_pipeline *p, const char *name)
{
	struct prs_step *v = prs_realloc(p->steps, (p->steps_n + 1) * sizeof *v);
	if (!v)
		return NULL;
	p->steps = v;
	struct prs_step *s = &v[p->steps_n++];
	*s = (struct prs_step){ .name = prs_strdup(name), .folder = prs_step_folder(name), .snapshot = -1 };
	s->allow_reuse = true;
	return s->name && s->folder ? s : NULL;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

int64_t prs_pipeline_find(const struct prs_pipeline *p, const char *name)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (!strcmp(p->steps[i].name, name))
			return (int64_t)i;
	return -1;
}

char *prs_step_folder(const char *name)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 16);
	for (const char *s = name; *s; s++) {
		bool plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
		             (strchr("._-", *s) && (s > name || *s != '.'));
		if (plain)
			prs_buf_putc(&b, *s);
		else
			prs_buf_putf(&b, "%%%02X", (unsigned char)*s);
	}
	const char *text = prs_buf_str(&b);
	return b.failed ? NULL : prs_strdup(text);
}

const char *pipeline_bad_name(const char *name)
{
	PRS_AUTOFREE char *folder = prs_step_folder(name);
	if (!name[0])
		return "it is empty";
	if (strstr(name, "}}") || strpbrk(name, JF_LATE_BYTES "\n\r"))
		return "it holds }}, an end of line or a byte 1 or 2";
	return folder && strlen(folder) > PIPELINE_FOLDER_MAX ? "it is too long for the name of a folder" : NULL;
}

static bool same(const char *s, size_t n, const char *name) { return strlen(name) == n && !strncmp(s, name, n); }

int64_t pipeline_output(const struct prs_step *s, const char *name, size_t n)
{
	for (size_t i = 0; i < s->outputs_n; i++)
		if (same(name, n, s->outputs[i].name))
			return (int64_t)i;
	return -1;
}

bool pipeline_split(const struct prs_pipeline *p, const char *text, size_t n, size_t *ret_step, size_t *ret_output)
{
	static const char outputs[] = ".outputs.";
	for (size_t i = 0; i < p->steps_n; i++) {
		size_t k = strlen(p->steps[i].name), m = k + strlen(outputs);
		if (n <= m || strncmp(text, p->steps[i].name, k) != 0 || strncmp(text + k, outputs, m - k) != 0)
			continue;
		int64_t output = pipeline_output(&p->steps[i], text + m, n - m);
		if (output < 0)
			continue;
		*ret_step = i;
		*ret_output = (size_t)output;
		return true;
	}
	return false;
}

char *prs_step_output_path(const struct prs_step_output *o, const char *dir, const char *run_name)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 16);
	if (!o->path)
		return prs_strf("%s/outputs/%s", dir, o->name);
	struct prs_expr_scan s = { .text = o->path };
	struct prs_expr e;
	while (prs_expr_next(&s, &e, NULL) == 1) {
		if (e.kind == PRS_EXPR_TEXT)
			prs_buf_put(&b, e.p, e.n);
		else if (e.kind == PRS_EXPR_REF && same(e.p, e.n, "name"))
			prs_buf_puts(&b, run_name);
		else if (e.kind == PRS_EXPR_REF && same(e.p, e.n, "prs.outputs"))
			prs_buf_putf(&b, "%s/outputs", dir);
		else if (e.kind == PRS_EXPR_REF && same(e.p, e.n, "prs.dollar"))
			prs_buf_putc(&b, '$');
	}
	const char *text = prs_buf_str(&b);
	return b.failed ? NULL : prs_strdup(text);
}

/* ---- needs ------------------------------------------------------------------------------------------------------- */

struct linking {
	const struct prs_pipeline *p;
	bool *needs; /* of the step that is looked at */
	pipeline_say_fn *say;
	void *ctx;
	size_t at;
};

static void unknown_output(struct linking *l, const char *name, size_t n)
{
	char text[400];
	snprintf(text, sizeof text, "${{parent.jobs.%.*s}}: there is no such step, or no such output of it",
	         (int)(n < 300 ? n : 300), name);
	l->say(l->ctx, l->at, text);
}

static void need(struct linking *l, size_t step) { l->needs[step] = true; }

static void needs_of_text(struct linking *l, const char *text)
{
	struct prs_expr_scan s = { .text = text };
	struct prs_expr e;
	const char *name;
	size_t n, step, output;
	while (prs_expr_next(&s, &e, NULL) == 1) {
		if (e.kind != PRS_EXPR_REF || !prs_expr_name(&e, "parent.jobs.", &name, &n))
			continue;
		if (pipeline_split(l->p, name, n, &step, &output))
			need(l, step);
		else
			unknown_output(l, name, n);
	}
}

static void needs_of_json(struct linking *l, const json_t *v)
{
	size_t i;
	const char *key;
	json_t *item;
	if (json_is_string(v))
		needs_of_text(l, json_string_value(v));
	json_array_foreach ((json_t *)(uintptr_t)v, i, item)
		needs_of_json(l, item);
	json_object_foreach ((json_t *)(uintptr_t)v, key, item)
		needs_of_json(l, item);
}

/* {"step": "prep", "output": "clean"} */
static void needs_of_input(struct linking *l, const json_t *input)
{
	const char *step = json_string_value(json_object_get(input, "step")),
		   *output = json_string_value(json_object_get(input, "output"));
	int64_t at = step ? prs_pipeline_find(l->p, step) : -1;
	if (!step)
		return;
	if (at >= 0 && output && pipeline_output(&l->p->steps[at], output, strlen(output)) >= 0) {
		need(l, (size_t)at);
		return;
	}
	PRS_AUTOFREE char *name = prs_strf("%s.outputs.%s", step, output ? output : "");
	if (name)
		unknown_output(l, name, strlen(name));
}

static void needs_of_job(struct linking *l, const json_t *job)
{
	const json_t *inputs = json_object_get(job, "inputs");
	for (size_t i = 0; i < json_array_size(inputs); i++)
		needs_of_input(l, json_array_get(inputs, i));
	for (size_t i = 0; pipeline_texts[i]; i++)
		needs_of_json(l, json_object_get(job, pipeline_texts[i]));
}

static void needs_of_command(struct linking *l, const struct prs_step *s)
{
	for (size_t i = 0; i < s->inputs_n; i++)
		if (s->inputs[i].of_step)
			need(l, s->inputs[i].step);
	needs_of_text(l, s->command ? s->command : "");
	for (size_t i = 0; i < s->variables_n; i++)
		needs_of_text(l, s->variables[i].value);
}

static int link_step(struct linking *l, struct prs_step *s)
{
	size_t n = l->p->steps_n;
	memset(l->needs, 0, n * sizeof *l->needs);
	for (size_t i = 0; i < s->after_n; i++)
		need(l, s->after[i]);
	json_t *job = s->job ? json_loads(s->job, 0, NULL) : NULL;
	if (s->job && !job)
		return -PRS_ENOMEM;
	if (job)
		needs_of_job(l, job);
	json_decref(job);
	if (s->kind == PRS_STEP_COMMAND)
		needs_of_command(l, s);
	prs_freep(&s->needs);
	s->needs = prs_calloc(n + 1, sizeof *s->needs);
	s->needs_n = 0;
	for (size_t i = 0; s->needs && i < n; i++)
		if (l->needs[i])
			s->needs[s->needs_n++] = i;
	return s->needs ? 0 : -PRS_ENOMEM;
}

/* ---- circles ----------------------------------------------------------------------------------------------------- */

struct walk {
	const struct prs_pipeline *p;
	size_t *way, *next; /* steps from where the walk began; which need of each is looked at next */
	bool *on_way, *done;
	size_t n;
};

static void say_circle(const struct walk *w, size_t from, pipeline_say_fn *say, void *ctx)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	size_t first = 0;
	while (w->way[first] != from)
		first++;
	prs_buf_puts(&b, "steps that wait for each other: ");
	for (size_t i = first; i < w->n; i++) {
		const struct prs_step *s = &w->p->steps[w->way[i]];
		prs_buf_puts(&b, s->name);
		if (s->file)
			prs_buf_putf(&b, " (%s:%u)", s->file, s->line);
		prs_buf_puts(&b, " -> ");
	}
	prs_buf_puts(&b, w->p->steps[from].name);
	say(ctx, from, prs_buf_str(&b));
}

/* A walk along the needs, without recursion: a step that is met again on the way closes a circle. */
static bool walk_from(struct walk *w, size_t from, pipeline_say_fn *say, void *ctx)
{
	w->n = 0;
	w->way[w->n++] = from;
	w->on_way[from] = true;
	while (w->n) {
		size_t at = w->way[w->n - 1];
		const struct prs_step *s = &w->p->steps[at];
		if (w->next[at] == s->needs_n) {
			w->on_way[at] = false;
			w->done[at] = true;
			w->n--;
			continue;
		}
		size_t to = s->needs[w->next[at]++];
		if (w->on_way[to]) {
			say_circle(w, to, say, ctx);
			return false;
		}
		if (!w->done[to]) {
			w->way[w->n++] = to;
			w->on_way[to] = true;
		}
	}
	return true;
}

static int find_circle(const struct prs_pipeline *p, pipeline_say_fn *say, void *ctx)
{
	size_t n = p->steps_n + 1;
	struct walk w = { .p = p };
	PRS_AUTOFREE size_t *way = prs_calloc(n, sizeof *way), *next = prs_calloc(n, sizeof *next);
	PRS_AUTOFREE bool *on_way = prs_calloc(n, sizeof *on_way), *done = prs_calloc(n, sizeof *done);
	if (!way || !next || !on_way || !done)
		return -PRS_ENOMEM;
	w.way = way;
	w.next = next;
	w.on_way = on_way;
	w.done = done;
	for (size_t i = 0; i < p->steps_n; i++)
		if (!done[i] && !walk_from(&w, i, say, ctx))
			return 0;
	return 0;
}

int pipeline_link(struct prs_pipeline *p, pipeline_say_fn *say, void *ctx)
{
	PRS_AUTOFREE bool *needs = prs_calloc(p->steps_n + 1, sizeof *needs);
	struct linking l = { p, needs, say, ctx, 0 };
	if (!needs)
		return -PRS_ENOMEM;
	for (; l.at < p->steps_n; l.at++)
		if (link_step(&l, &p->steps[l.at]) < 0)
			return -PRS_ENOMEM;
	return find_circle(p, say, ctx);
}
