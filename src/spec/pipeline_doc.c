/* SPDX-License-Identifier: Apache-2.0
 * pipeline_doc: a pipeline as a JSON document, from a front end that is no person. Its form is that of pipeline.json;
 * here each step is checked as a job is, by the same code, and paths become absolute.
 */
#include "spec/pipeline_impl.h"

#include "base/mem.h"
#include "spec/job_check.h"
#include "spec/job_doc_impl.h"
#include "spec/jobfile_impl.h"

#include <stdio.h>
#include <string.h>

struct checking {
	struct prs_job_doc *d;
	struct prs_pipeline *p;
	const struct prs_sources *from;
};

static bool find_output(void *ctx, const char *text, size_t n, size_t *ret_job, const char **ret_output)
{
	size_t output;
	const struct prs_pipeline *p = ctx;
	if (!pipeline_split(p, text, n, ret_job, &output))
		return false;
	*ret_output = text + n - strlen(p->steps[*ret_job].outputs[output].name);
	return true;
}

static const json_t *json_of(const struct checking *c, size_t i)
{
	return json_array_get(json_object_get(c->d->root, "steps"), i);
}

/* ---- a parallel step --------------------------------------------------------------------------------------------- */

static int check_job(struct checking *c, size_t i, struct prs_request *q, struct prs_err *err)
{
	char at[WHERE_BYTES];
	struct doc_outer outer = { find_output, c->p };
	struct prs_sources from = *c->from;
	struct prs_job *j = c->p->steps[i].checked;
	snprintf(at, sizeof at, "steps[%zu].job", i);
	struct prs_job_doc *one = doc_of_step(c->d, json_object_get(json_of(c, i), "job"), at, &outer);
	if (!one)
		return prs_fail(err, PRS_ENOMEM, "the pipeline");
	from.asked = q;
	int r = prs_job_doc_ask(one, q, err);
	if (!r)
		r = prs_job_begin(j, q, err);
	if (!r)
		r = prs_job_doc_check(one, j, &from, err);
	c->d->mistakes += prs_job_doc_mistakes(one);
	c->d->failed = c->d->failed || one->failed;
	prs_job_doc_free(one);
	return r;
}

/* ---- a command --------------------------------------------------------------------------------------------------- */

static void place_of(char where[WHERE_BYTES], size_t i, const char *member)
{
	snprintf(where, WHERE_BYTES, "steps[%zu].%s", i, member);
}

/* The path from the folder where the document was sent; freed and replaced. */
static void make_absolute(struct checking *c, char **path)
{
	char *made = prs_path_absolute(c->p->submit_dir, *path);
	c->d->failed = c->d->failed || !made;
	prs_freep(path);
	*path = made;
}

static void check_code(struct checking *c, size_t i)
{
	char where[WHERE_BYTES];
	struct prs_step *s = &c->p->steps[i];
	struct prs_job *j = s->checked;
	struct prs_err err = { 0 };
	place_of(where, i, "code_dir");
	if (s->code_dir)
		make_absolute(c, &s->code_dir);
	if (s->code_dir && prs_path_kind(c->from->fs, s->code_dir) != 'd')
		doc_mistake(c->d, where, "no such folder: %s", s->code_dir);
	j->code_dir = s->code_dir ? prs_strdup(s->code_dir) : NULL;
	c->d->failed = c->d->failed || (s->code_dir && !j->code_dir);
	place_of(where, i, "additional_includes");
	for (size_t k = 0; k < s->includes.n; k++) {
		make_absolute(c, &s->includes.v[k]);
		if (s->includes.v[k] && prs_job_include(j, c->from->fs, s->includes.v[k], &err) < 0)
			doc_mistake(c->d, where, "%s", err.msg);
	}
}

static void check_inputs(struct checking *c, size_t i)
{
	struct prs_step *s = &c->p->steps[i];
	for (size_t k = 0; k < s->inputs_n; k++) {
		char where[WHERE_BYTES];
		struct prs_step_input *in = &s->inputs[k];
		snprintf(where, sizeof where, "steps[%zu].inputs[%zu]", i, k);
		if (!prs_job_is_name(in->name, strlen(in->name)))
			doc_mistake(c->d, where,
			            "name: expected letters, digits, _, - and single dots, found \"%.100s\"", in->name);
		if (!in->path)
			continue;
		make_absolute(c, &in->path);
		if (in->path && !prs_path_kind(c->from->fs, in->path))
			doc_mistake(c->d, where, "no such file or folder: %s", in->path);
		else if (in->path && prs_list_add(&s->checked->data_paths, in->path) < 0)
			c->d->failed = true;
	}
}

/* As late parts; NULL after a mistake. The caller frees. */
static char *late_of(struct checking *c, const char *text, const char *where)
{
	struct prs_err err = { 0 };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	if (prs_late_from_references(&b, text, find_output, c->p, &err) < 0) {
		doc_mistake(c->d, where, "%s", err.msg);
		return NULL;
	}
	char *made = prs_strdup(prs_buf_str(&b));
	c->d->failed = c->d->failed || b.failed || !made;
	return made;
}

static void check_outputs(struct checking *c, size_t i)
{
	struct prs_step *s = &c->p->steps[i];
	struct prs_job *j = s->checked;
	j->outputs = prs_calloc(s->outputs_n + 1, sizeof *j->outputs);
	c->d->failed = c->d->failed || !j->outputs;
	for (size_t k = 0; j->outputs && k < s->outputs_n; k++) {
		char where[WHERE_BYTES];
		struct prs_err err = { 0 };
		struct prs_step_output *o = &s->outputs[k];
		struct prs_job_output *to = &j->outputs[j->outputs_n++];
		snprintf(where, sizeof where, "steps[%zu].outputs[%zu]", i, k);
		if (!prs_job_is_name(o->name, strlen(o->name)))
			doc_mistake(c->d, where,
			            "name: expected letters, digits, _, - and single dots, found \"%.100s\"", o->name);
		if (o->path && o->path[0] != '$')
			make_absolute(c, &o->path);
		to->name = prs_strdup(o->name);
		to->type = prs_strdup(o->type);
		to->path = o->path ? late_of(c, o->path, where) : NULL;
		c->d->failed = c->d->failed || !to->name || !to->type;
		PRS_AUTOFREE char *folder = to->path && to->type ? prs_job_output_folder(to) : NULL;
		if (folder && prs_job_check_folder(c->from->fs, folder, &err) < 0)
			doc_mistake(c->d, where, "%s", err.msg);
	}
}

static void check_variables(struct checking *c, size_t i)
{
	struct prs_step *s = &c->p->steps[i];
	struct prs_job *j = s->checked;
	j->variables = prs_calloc(s->variables_n + 1, sizeof *j->variables);
	c->d->failed = c->d->failed || !j->variables;
	for (size_t k = 0; j->variables && k < s->variables_n; k++) {
		char where[WHERE_BYTES];
		snprintf(where, sizeof where, "steps[%zu].environment[%zu]", i, k);
		if (strchr(s->variables[k].name, '='))
			doc_mistake(c->d, where, "name: expected a name without =, found \"%.100s\"",
			            s->variables[k].name);
		char *value = late_of(c, s->variables[k].value, where);
		if (!value)
			continue;
		j->variables[j->variables_n++] = (struct prs_job_pair){ prs_strdup(s->variables[k].name), value };
		c->d->failed = c->d->failed || !j->variables[j->variables_n - 1].name;
	}
}

static int check_command(struct checking *c, size_t i, struct prs_request *q, struct prs_err *err)
{
	char where[WHERE_BYTES];
	struct prs_step *s = &c->p->steps[i];
	struct prs_request front = { 0 };
	const struct prs_option_row *python = prs_option_at(PRS_OPTION_ID_python);
	const char *why = s->python_why ? s->python_why : "python of the step";
	bool asked = !s->python ||
	             (prs_request_ask(&front, python, s->python, why) == 0 && prs_request_put_in_front(q, &front) == 0);
	prs_request_done(&front);
	if (!asked)
		return prs_fail(err, PRS_ENOMEM, "the pipeline");
	if (prs_job_begin(s->checked, q, err) < 0)
		return err->code;
	s->checked->submit_dir = prs_strdup(c->p->submit_dir);
	c->d->failed = c->d->failed || !s->checked->submit_dir;
	check_code(c, i);
	check_inputs(c, i);
	check_outputs(c, i);
	check_variables(c, i);
	place_of(where, i, "command");
	if (s->command && pipeline_check_command(c->p, s, err) < 0) {
		doc_mistake(c->d, where, "%s", err->msg);
		*err = (struct prs_err){ 0 };
	}
	return 0;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static int check_step(struct checking *c, size_t i, struct prs_err *err)
{
	struct prs_step *s = &c->p->steps[i];
	struct prs_request q;
	s->checked = prs_calloc(1, sizeof *s->checked);
	if (!s->checked)
		return prs_fail(err, PRS_ENOMEM, "the pipeline");
	prs_job_init(s->checked);
	int r = pipeline_ask(&q, c->from->asked) < 0 ? prs_fail(err, PRS_ENOMEM, "the pipeline") : 0;
	q.cwd = c->p->submit_dir;
	q.file = NULL;
	if (!r && s->kind == PRS_STEP_COMMAND)
		r = check_command(c, i, &q, err);
	else if (!r && json_is_object(json_object_get(json_of(c, i), "job")))
		r = check_job(c, i, &q, err);
	prs_request_done(&q);
	prs_freep(&s->checked->name);
	s->checked->name = prs_job_clean_name(s->name);
	c->d->failed = c->d->failed || !s->checked->name;
	return r;
}

/* What the engine writes into pipeline.json. */
static void refuse_computed(struct checking *c)
{
	if (json_object_get(c->d->root, "command"))
		doc_mistake(c->d, "command", "is computed: leave it out (it is how the run was begun)");
	for (size_t i = 0; i < c->p->steps_n; i++)
		if (c->p->steps[i].snapshot >= 0) {
			char where[WHERE_BYTES];
			place_of(where, i, "snapshot");
			doc_mistake(c->d, where, "is computed: leave it out (it is where the code is copied to)");
		}
}

static int name_it(struct checking *c, struct prs_err *err)
{
	const struct prs_request *q = c->from->asked;
	const char *flag = prs_request_value(q, PRS_OPTION_ID_name);
	const char *given = c->p->name ? c->p->name : "pipeline";
	char *name = prs_job_clean_name(flag ? flag : given);
	bool is_absolute = c->p->submit_dir && c->p->submit_dir[0] == '/';
	if (c->p->submit_dir && !is_absolute)
		doc_mistake(c->d, "submit_dir", "expected an absolute path, found %.200s", c->p->submit_dir);
	prs_freep(&c->p->name);
	c->p->name = name;
	if (!is_absolute) {
		prs_freep(&c->p->submit_dir);
		c->p->submit_dir = prs_strdup(q->cwd);
	}
	return c->p->name && c->p->submit_dir ? 0 : prs_fail(err, PRS_ENOMEM, "the pipeline");
}

static void refuse_words(struct checking *c)
{
	static const enum prs_option_id words[] = { PRS_OPTION_ID_input, PRS_OPTION_ID_output };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (prs_request_value(c->from->asked, words[i]))
			doc_mistake(c->d, prs_option_at(words[i])->flag,
			            "does not go with a pipeline in JSON: its steps have members for that");
	if (c->from->asked->arguments.n)
		doc_mistake(c->d, "--", "arguments belong to a job, and the pipeline has several");
}

/* Outputs of jobs again, now with absolute paths. */
static int retake_outputs(struct prs_step *s)
{
	for (size_t i = 0; i < s->outputs_n; i++) {
		prs_freep(&s->outputs[i].name);
		prs_freep(&s->outputs[i].type);
		prs_freep(&s->outputs[i].path);
	}
	prs_freep(&s->outputs);
	s->outputs_n = 0;
	return pipeline_take_outputs(s);
}

int prs_pipeline_doc_check(struct prs_job_doc *d, const struct prs_sources *from, struct prs_pipeline **ret,
                           struct prs_err *err)
{
	struct checking c = { d, pipeline_parse(d), from };
	if (!c.p)
		return prs_fail(err, PRS_ENOMEM, "the pipeline");
	*ret = c.p;
	refuse_computed(&c);
	refuse_words(&c);
	if (name_it(&c, err) < 0)
		return err->code;
	for (size_t i = 0; i < c.p->steps_n && !d->failed; i++)
		if (check_step(&c, i, err) < 0)
			return err->code;
	if (d->failed)
		return prs_fail(err, PRS_ENOMEM, "the pipeline");
	if (d->mistakes || prs_yaml_count(from->doc, PRS_MISTAKE))
		return 0;
	for (size_t i = 0; i < c.p->steps_n; i++)
		if (retake_outputs(&c.p->steps[i]) < 0)
			return prs_fail(err, PRS_ENOMEM, "the pipeline");
	if (prs_pipeline_seal(c.p, err) < 0)
		return err->code;
	return pipeline_link_doc(d, c.p) < 0 ? prs_fail(err, PRS_ENOMEM, "the pipeline") : 0;
}
