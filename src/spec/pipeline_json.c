/* SPDX-License-Identifier: Apache-2.0
 * pipeline_json: the description as JSON: pipeline.json of a run folder, and the form of a document that a front end
 * sends, which is the same.
 */
#include "spec/pipeline_impl.h"

#include "base/mem.h"
#include "spec/job_doc_impl.h"
#include "spec/job_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put(json_t *to, const char *name, json_t *v)
{
	bool none = json_is_null(v) || (json_is_array(v) && !json_array_size(v));
	if (none)
		json_decref(v);
	else
		json_object_set_new(to, name, v);
}

static json_t *number(double v) { return v == (double)(json_int_t)v ? json_integer((json_int_t)v) : json_real(v); }

static json_t *names_of(const struct prs_pipeline *p, const size_t *v, size_t n)
{
	json_t *a = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, job_json_of(p->steps[v[i]].name));
	return a;
}

static json_t *inputs_of(const struct prs_pipeline *p, const struct prs_step *s)
{
	json_t *a = json_array();
	for (size_t i = 0; i < s->inputs_n; i++) {
		const struct prs_step_input *in = &s->inputs[i];
		const struct prs_step *from = in->of_step ? &p->steps[in->step] : NULL;
		json_t *o = json_object();
		put(o, "name", job_json_of(in->name));
		put(o, "type", job_json_of(in->type));
		put(o, "path", job_json_of(in->path));
		put(o, "literal", job_json_of(in->literal));
		put(o, "step", job_json_of(from ? from->name : NULL));
		put(o, "output", job_json_of(from ? from->outputs[in->output].name : NULL));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *outputs_of(const struct prs_step *s)
{
	json_t *a = json_array();
	for (size_t i = 0; i < s->outputs_n; i++)
		json_array_append_new(a, json_pack("{s:o, s:o, s:o}", "name", job_json_of(s->outputs[i].name), "type",
		                                   job_json_of(s->outputs[i].type), "path",
		                                   job_json_of(s->outputs[i].path)));
	return a;
}

static void put_command(const struct prs_pipeline *p, const struct prs_step *s, json_t *o)
{
	put(o, "command", job_json_of(s->command));
	put(o, "code_dir", job_json_of(s->code_dir));
	put(o, "additional_includes", job_json_list(&s->includes));
	put(o, "inputs", inputs_of(p, s));
	put(o, "outputs", outputs_of(s));
	put(o, "environment", job_json_pairs(s->variables, s->variables_n));
	put(o, "python", job_json_of(s->python));
	put(o, "python_why", job_json_of(s->python_why));
	if (s->timeout_s > 0)
		put(o, "timeout", number(s->timeout_s));
}

static json_t *step_to(const struct prs_pipeline *p, const struct prs_step *s)
{
	bool parallel = s->kind == PRS_STEP_PARALLEL;
	json_t *o = json_object();
	put(o, "name", job_json_of(s->name));
	put(o, "type", json_string(parallel ? "parallel" : "command"));
	put(o, "after", names_of(p, s->after, s->after_n));
	put(o, "allow_reuse", json_boolean(s->allow_reuse));
	if (s->force_rerun)
		put(o, "force_rerun", json_true());
	if (s->only_reuse)
		put(o, "only_reuse", json_true());
	if (s->snapshot >= 0)
		put(o, "snapshot", json_integer(s->snapshot));
	if (parallel)
		put(o, "job", s->job ? json_loads(s->job, 0, NULL) : NULL);
	else
		put_command(p, s, o);
	return o;
}

int prs_pipeline_to_json(const struct prs_pipeline *p, struct prs_buf *to, struct prs_err *err)
{
	json_t *root = json_object(), *steps = json_array();
	put(root, "pipeline_format", json_integer(PRS_PIPELINE_FORMAT));
	put(root, "name", job_json_of(p->name));
	put(root, "submit_dir", job_json_of(p->submit_dir));
	put(root, "continue_on_step_failure", json_boolean(p->continue_on_step_failure));
	put(root, "force_rerun", json_boolean(p->force_rerun));
	put(root, "command", job_json_list(&p->command));
	for (size_t i = 0; i < p->steps_n; i++)
		json_array_append_new(steps, step_to(p, &p->steps[i]));
	json_object_set_new(root, "steps", steps);
	bool whole = json_array_size(steps) == p->steps_n;
	char *text = whole ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	json_decref(root);
	if (!text)
		return prs_fail(err, PRS_ENOMEM, "the pipeline as JSON");
	prs_buf_puts(to, text);
	prs_buf_putc(to, '\n');
	free(text);
	return to->failed ? prs_fail(err, (enum prs_code) - to->failed, "the pipeline as JSON") : 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static const struct doc_member pipeline_members[] = {
	{ "pipeline_format", DOC_NUMBER, NULL }, { "name", DOC_TEXT, NULL },
	{ "submit_dir", DOC_TEXT, NULL },        { "continue_on_step_failure", DOC_BOOL, NULL },
	{ "force_rerun", DOC_BOOL, NULL },       { "steps", DOC_LIST, NULL },
	{ "command", DOC_TEXTS, NULL },          { NULL, DOC_TEXT, NULL },
};
static const struct doc_member parallel_members[] = {
	{ "name", DOC_TEXT, NULL },        { "type", DOC_TEXT, NULL },        { "after", DOC_TEXTS, NULL },
	{ "allow_reuse", DOC_BOOL, NULL }, { "force_rerun", DOC_BOOL, NULL }, { "snapshot", DOC_NUMBER, NULL },
	{ "job", DOC_MAP, NULL },          { "only_reuse", DOC_BOOL, NULL },  { NULL, DOC_TEXT, NULL },
};
static const struct doc_member command_members[] = {
	{ "name", DOC_TEXT, NULL },        { "type", DOC_TEXT, NULL },
	{ "after", DOC_TEXTS, NULL },      { "allow_reuse", DOC_BOOL, NULL },
	{ "force_rerun", DOC_BOOL, NULL }, { "only_reuse", DOC_BOOL, NULL },
	{ "snapshot", DOC_NUMBER, NULL },  { "command", DOC_TEXT, NULL },
	{ "code_dir", DOC_TEXT, NULL },    { "additional_includes", DOC_TEXTS, NULL },
	{ "inputs", DOC_LIST, NULL },      { "outputs", DOC_LIST, NULL },
	{ "environment", DOC_LIST, NULL }, { "python", DOC_TEXT, NULL },
	{ "python_why", DOC_TEXT, NULL },  { "timeout", DOC_NUMBER, NULL },
	{ NULL, DOC_TEXT, NULL },
};
static const struct doc_member input_members[] = {
	{ "name", DOC_TEXT, NULL },    { "type", DOC_TEXT, NULL }, { "path", DOC_TEXT, NULL },
	{ "literal", DOC_TEXT, NULL }, { "step", DOC_TEXT, NULL }, { "output", DOC_TEXT, NULL },
	{ NULL, DOC_TEXT, NULL },
};
static const struct doc_member output_members[] = {
	{ "name", DOC_TEXT, NULL }, { "type", DOC_TEXT, NULL }, { "path", DOC_TEXT, NULL }, { NULL, DOC_TEXT, NULL }
};
static const struct doc_member pair_members[] = { { "name", DOC_TEXT, NULL },
	                                          { "value", DOC_TEXT, NULL },
	                                          { NULL, DOC_TEXT, NULL } };

struct parsing {
	struct prs_job_doc *d;
	struct prs_pipeline *p;
};

/* A text of an object; NULL = it is not there. */
static char *take(const struct parsing *r, const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	char *text = job_json_text(v);
	r->d->failed = r->d->failed || (!text && doc_is_text(v));
	return text;
}

static void take_list(const struct parsing *r, const json_t *o, const char *name, struct prs_list *to)
{
	const json_t *list = json_object_get(o, name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		PRS_AUTOFREE char *text = job_json_text(json_array_get(list, i));
		r->d->failed = r->d->failed || (text && prs_list_add(to, text) < 0);
	}
}

static void check_entries(const struct parsing *r, const json_t *o, const char *list, const struct doc_member *table,
                          size_t step)
{
	const json_t *all = json_object_get(o, list);
	for (size_t i = 0; i < json_array_size(all); i++) {
		char where[WHERE_BYTES];
		const json_t *v = json_array_get(all, i);
		const char *name = json_string_value(json_object_get(v, "name"));
		snprintf(where, sizeof where, "steps[%zu].%s[%zu]", step, list, i);
		if (doc_check_members(r->d, v, table, where) && (!name || !name[0]))
			doc_mistake(r->d, where, "name is missing");
		for (size_t k = 0; k < i && name; k++) {
			const char *other = json_string_value(json_object_get(json_array_get(all, k), "name"));
			if (other && !strcmp(other, name))
				doc_mistake(r->d, where, "the name %s is used twice", name);
		}
	}
}

/* A new list as long as the JSON one; NULL: no memory. */
static void *made(const struct parsing *r, size_t n, size_t bytes)
{
	void *v = prs_calloc(n + 1, bytes);
	r->d->failed = r->d->failed || !v;
	return v;
}

static void take_outputs(const struct parsing *r, const json_t *all, struct prs_step *s)
{
	size_t n = json_array_size(all);
	s->outputs = made(r, n, sizeof *s->outputs);
	for (size_t i = 0; s->outputs && i < n; i++) {
		const json_t *v = json_array_get(all, i);
		struct prs_step_output *o = &s->outputs[s->outputs_n++];
		*o = (struct prs_step_output){ take(r, v, "name"), take(r, v, "type"), take(r, v, "path") };
		if (!o->name)
			o->name = prs_strdup("");
		if (!o->type)
			o->type = prs_strdup("uri_folder");
		r->d->failed = r->d->failed || !o->name || !o->type;
	}
}

static void take_inputs(const struct parsing *r, const json_t *all, struct prs_step *s)
{
	size_t n = json_array_size(all);
	s->inputs = made(r, n, sizeof *s->inputs);
	for (size_t i = 0; s->inputs && i < n; i++) {
		const json_t *v = json_array_get(all, i);
		struct prs_step_input *in = &s->inputs[s->inputs_n++];
		in->name = take(r, v, "name");
		in->type = take(r, v, "type");
		in->path = take(r, v, "path");
		in->literal = take(r, v, "literal");
		if (!in->name)
			in->name = prs_strdup("");
		if (!in->type)
			in->type = prs_strdup(in->literal ? "string" : "uri_folder");
		r->d->failed = r->d->failed || !in->name || !in->type;
	}
}

static void take_variables(const struct parsing *r, const json_t *all, struct prs_step *s)
{
	size_t n = json_array_size(all);
	s->variables = made(r, n, sizeof *s->variables);
	for (size_t i = 0; s->variables && i < n; i++) {
		const json_t *v = json_array_get(all, i);
		struct prs_job_pair *to = &s->variables[s->variables_n++];
		*to = (struct prs_job_pair){ take(r, v, "name"), take(r, v, "value") };
		if (!to->name)
			to->name = prs_strdup("");
		if (!to->value)
			to->value = prs_strdup("");
		r->d->failed = r->d->failed || !to->name || !to->value;
	}
}

static void take_command(const struct parsing *r, const json_t *o, struct prs_step *s, size_t i)
{
	char where[WHERE_BYTES];
	const json_t *timeout = json_object_get(o, "timeout");
	check_entries(r, o, "inputs", input_members, i);
	check_entries(r, o, "outputs", output_members, i);
	check_entries(r, o, "environment", pair_members, i);
	s->command = take(r, o, "command");
	s->code_dir = take(r, o, "code_dir");
	s->python = take(r, o, "python");
	s->python_why = take(r, o, "python_why");
	s->timeout_s = json_number_value(timeout);
	s->cores = 1;
	take_list(r, o, "additional_includes", &s->includes);
	take_inputs(r, json_object_get(o, "inputs"), s);
	take_outputs(r, json_object_get(o, "outputs"), s);
	take_variables(r, json_object_get(o, "environment"), s);
	snprintf(where, sizeof where, "steps[%zu].command", i);
	if (!s->command)
		doc_mistake(r->d, where, "is missing");
	snprintf(where, sizeof where, "steps[%zu].timeout", i);
	if (json_is_number(timeout) && s->timeout_s <= 0)
		doc_mistake(r->d, where, "expected seconds above 0");
}

/* "processes": {"value": ["4"]}, [4] or 4 */
static unsigned processes_of(const json_t *job)
{
	const json_t *v = json_object_get(json_object_get(job, "options"), "processes");
	v = json_is_object(v) ? json_object_get(v, "value") : v;
	v = json_is_array(v) ? json_array_get(v, 0) : v;
	long long n = json_is_string(v) ? atoll(json_string_value(v)) : (long long)json_integer_value(v);
	return n > 0 ? (unsigned)n : 0;
}

int pipeline_take_job(struct prs_step *s, const json_t *job)
{
	struct prs_job_doc d = { 0 };
	struct parsing r = { &d, NULL };
	prs_freep(&s->job);
	s->job = json_dumps(job, JSON_COMPACT | JSON_SORT_KEYS);
	s->cores = processes_of(job);
	if (!s->outputs)
		take_outputs(&r, json_object_get(job, "outputs"), s);
	char **texts[] = { &s->code_dir, &s->python, &s->python_why };
	static const char *const names[] = { "code_dir", "python", "python_why" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		prs_freep(texts[i]);
		*texts[i] = take(&r, job, names[i]);
	}
	prs_list_done(&s->includes);
	take_list(&r, job, "additional_includes", &s->includes);
	return s->job && !d.failed ? 0 : -PRS_ENOMEM;
}

static void take_step(const struct parsing *r, size_t i)
{
	char where[WHERE_BYTES];
	const json_t *o = json_array_get(json_object_get(r->d->root, "steps"), i);
	const char *type = json_string_value(json_object_get(o, "type"));
	PRS_AUTOFREE char *name = take(r, o, "name");
	bool parallel = type && !strcmp(type, "parallel"), command = type && !strcmp(type, "command");
	snprintf(where, sizeof where, "steps[%zu]", i);
	if (json_is_object(o) && !parallel && !command)
		doc_mistake(r->d, where, "type: expected parallel or command%s%.100s", type ? ", found " : "",
		            type ? type : "");
	else
		doc_check_members(r->d, o, parallel ? parallel_members : command_members, where);
	const char *bad = pipeline_bad_name(name ? name : "");
	if (bad)
		doc_mistake(r->d, where, "name: no step can be called so: %s", bad);
	if (name && prs_pipeline_find(r->p, name) >= 0)
		doc_mistake(r->d, where, "name: there are two steps %s", name);
	struct prs_step *s = pipeline_add(r->p, name ? name : "");
	if (!s) {
		r->d->failed = true;
		return;
	}
	const json_t *reuse = json_object_get(o, "allow_reuse"), *snapshot = json_object_get(o, "snapshot"),
		     *job = json_object_get(o, "job");
	s->kind = command ? PRS_STEP_COMMAND : PRS_STEP_PARALLEL;
	s->allow_reuse = !json_is_false(reuse);
	s->force_rerun = json_is_true(json_object_get(o, "force_rerun"));
	s->only_reuse = json_is_true(json_object_get(o, "only_reuse"));
	s->snapshot = json_is_integer(snapshot) ? json_integer_value(snapshot) : -1;
	if (command)
		take_command(r, o, s, i);
	else if (parallel && !json_is_object(job))
		doc_mistake(r->d, where, "job is missing");
	else if (parallel && pipeline_take_job(s, job) < 0)
		r->d->failed = true;
}

static void take_after(const struct parsing *r, size_t i)
{
	const json_t *after = json_object_get(json_array_get(json_object_get(r->d->root, "steps"), i), "after");
	struct prs_step *s = &r->p->steps[i];
	s->after = made(r, json_array_size(after), sizeof *s->after);
	for (size_t k = 0; s->after && k < json_array_size(after); k++) {
		char where[WHERE_BYTES];
		PRS_AUTOFREE char *name = job_json_text(json_array_get(after, k));
		int64_t at = name ? prs_pipeline_find(r->p, name) : -1;
		snprintf(where, sizeof where, "steps[%zu].after", i);
		if (at >= 0)
			s->after[s->after_n++] = (size_t)at;
		else
			doc_mistake(r->d, where, "there is no step %s", name ? name : "");
	}
}

/* Which step and output an input of a command is. */
static void bind_inputs(const struct parsing *r, size_t i)
{
	struct prs_step *s = &r->p->steps[i];
	const json_t *all = json_object_get(json_array_get(json_object_get(r->d->root, "steps"), i), "inputs");
	for (size_t k = 0; k < s->inputs_n; k++) {
		char where[WHERE_BYTES];
		const json_t *v = json_array_get(all, k);
		struct prs_step_input *in = &s->inputs[k];
		PRS_AUTOFREE char *step = take(r, v, "step"), *output = take(r, v, "output");
		snprintf(where, sizeof where, "steps[%zu].inputs[%zu]", i, k);
		if ((step || output) + (in->path != NULL) + (in->literal != NULL) > 1)
			doc_mistake(r->d, where, "expected one of path, literal, or step and output");
		if (!step && !output)
			continue;
		int64_t at = step ? prs_pipeline_find(r->p, step) : -1;
		int64_t out = at >= 0 && output ? pipeline_output(&r->p->steps[at], output, strlen(output)) : -1;
		if (out < 0) {
			doc_mistake(r->d, where, "no step %s with an output %s", step ? step : "(step is missing)",
			            output ? output : "(output is missing)");
			continue;
		}
		in->of_step = true;
		in->step = (size_t)at;
		in->output = (size_t)out;
	}
}

static void check_format(struct prs_job_doc *d)
{
	const json_t *format = json_object_get(d->root, "pipeline_format");
	if (!json_is_integer(format) || json_integer_value(format) < 1)
		doc_mistake(d, "pipeline_format", "expected %d", PRS_PIPELINE_FORMAT);
	else if (json_integer_value(format) > PRS_PIPELINE_FORMAT)
		doc_mistake(d, "pipeline_format", "this engine (%s) knows %d", PRS_VERSION, PRS_PIPELINE_FORMAT);
}

static void say(void *ctx, size_t step, const char *text)
{
	char where[WHERE_BYTES];
	snprintf(where, sizeof where, "steps[%zu]", step);
	doc_mistake(ctx, where, "%s", text);
}

struct prs_pipeline *pipeline_parse(struct prs_job_doc *d)
{
	struct prs_pipeline *p = prs_calloc(1, sizeof *p);
	struct parsing r = { d, p };
	const json_t *steps = json_object_get(d->root, "steps");
	size_t n = json_array_size(steps);
	if (!p)
		return NULL;
	check_format(d);
	doc_check_members(d, d->root, pipeline_members, "");
	p->name = take(&r, d->root, "name");
	p->submit_dir = take(&r, d->root, "submit_dir");
	p->continue_on_step_failure = json_is_true(json_object_get(d->root, "continue_on_step_failure"));
	p->force_rerun = json_is_true(json_object_get(d->root, "force_rerun"));
	take_list(&r, d->root, "command", &p->command);
	if (!n)
		doc_mistake(d, "steps", "a pipeline has at least one");
	if (n > PRS_PIPELINE_STEPS_MAX)
		doc_mistake(d, "steps", "%zu are more than the %d that a pipeline can have", n, PRS_PIPELINE_STEPS_MAX);
	for (size_t i = 0; i < n && n <= PRS_PIPELINE_STEPS_MAX && !d->failed; i++)
		take_step(&r, i);
	for (size_t i = 0; i < p->steps_n && !d->failed; i++) {
		take_after(&r, i);
		bind_inputs(&r, i);
	}
	return p;
}

int pipeline_link_doc(struct prs_job_doc *d, struct prs_pipeline *p)
{
	return d->mistakes ? 0 : pipeline_link(p, say, d);
}

struct prs_pipeline *prs_pipeline_from_json(const char *text, size_t n, struct prs_err *err)
{
	json_error_t e;
	PRS_AUTOBUF report;
	prs_buf_init(&report, 8 << 20);
	struct prs_job_doc d = { .root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e), .report = &report };
	if (!json_is_object(d.root)) {
		json_decref(d.root);
		prs_fail(err, PRS_ECORRUPT, "pipeline.json:%d:%d: %s", e.line, e.column, e.text);
		return NULL;
	}
	json_int_t format = json_integer_value(json_object_get(d.root, "pipeline_format"));
	struct prs_pipeline *p = pipeline_parse(&d);
	if (p && !d.failed && pipeline_link_doc(&d, p) < 0)
		d.failed = true;
	json_decref(d.root);
	prs_list_done(&d.misspelt);
	if (p && !d.failed && !d.mistakes && p->name && p->submit_dir)
		return p;
	prs_pipeline_free(p);
	if (!p || d.failed)
		prs_fail(err, PRS_ENOMEM, "pipeline.json");
	else if (format > PRS_PIPELINE_FORMAT)
		prs_fail(err, PRS_EVERSION, "pipeline.json has format %lld; this engine (%s) knows format %d",
		         (long long)format, PRS_VERSION, PRS_PIPELINE_FORMAT);
	else
		prs_fail(err, PRS_ECORRUPT, "pipeline.json: %.*s", (int)strcspn(prs_buf_str(&report), "\n"),
		         d.mistakes ? prs_buf_str(&report) : "no name or no submit_dir");
	return NULL;
}
