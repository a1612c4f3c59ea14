/* SPDX-License-Identifier: Apache-2.0
 * job_doc_print: a job as the document that asks for it. What only a run folder or an earlier step knows stands there
 * as a reference.
 */
#include "spec/job_doc.h"

#include "base/mem.h"
#include "spec/job_json.h"
#include "spec/late.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 1 << 20 };

struct printing {
	const struct prs_job *j;
	const struct prs_late_names *names;
	json_t *root;
};

static json_t *text(const struct printing *p, const char *s)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	if (!s)
		return json_null();
	prs_late_to_references(&b, s, p->names);
	return b.failed ? NULL : job_json_of(prs_buf_str(&b));
}

/* Members that say nothing are left out. */
static void put(json_t *to, const char *name, json_t *v)
{
	bool none = json_is_null(v) || (json_is_array(v) && !json_array_size(v));
	if (none)
		json_decref(v);
	else
		json_object_set_new(to, name, v);
}

static void put_text(const struct printing *p, const char *name, const char *s) { put(p->root, name, job_json_of(s)); }

/* A table is what its MLTable says; all else is a path or several. */
static json_t *input(const struct printing *p, const struct prs_job_input *in)
{
	json_t *o = json_object();
	const char *output, *step;
	size_t job, n;
	char name[256];
	put(o, "name", job_json_of(in->name));
	put(o, "type", job_json_of(in->type));
	put(o, "partition_format", job_json_of(in->partition_format));
	if (in->asset)
		put(o, "asset", job_json_of(in->asset));
	if (prs_late_is_job(in->path, &job, &output, &n)) {
		snprintf(name, sizeof name, "%.*s", (int)n, output);
		if (p->names && p->names->find(p->names->ctx, job, name, &step, &output)) {
			put(o, "step", job_json_of(step));
			put(o, "output", job_json_of(output));
		}
	} else if (in->mltable) {
		put(o, "mltable", job_json_of(in->mltable));
	} else if (in->parts.n) {
		put(o, "parts", job_json_list(&in->parts));
	} else {
		put(o, "path", job_json_of(in->path));
	}
	if (in->is_list) {
		json_object_set_new(o, "is_list", json_true());
		put(o, "base", job_json_of(in->base));
	}
	return o;
}

static void put_inputs(const struct printing *p)
{
	json_t *a = json_array();
	for (size_t i = 0; i < p->j->inputs_n; i++)
		json_array_append_new(a, input(p, &p->j->inputs[i]));
	put(p->root, "inputs", a);
}

static void put_outputs(const struct printing *p)
{
	const struct prs_job *j = p->j;
	json_t *a = json_array();
	for (size_t i = 0; i < j->outputs_n; i++)
		json_array_append_new(a,
		                      json_pack("{s:o, s:o, s:o}", "name", job_json_of(j->outputs[i].name), "type",
		                                job_json_of(j->outputs[i].type), "path", text(p, j->outputs[i].path)));
	put(p->root, "outputs", a);
	if (j->append_to >= 0)
		put(p->root, "append_row_to", job_json_of(j->outputs[j->append_to].name));
	put_text(p, "append_row_file_name", j->rows_name);
	if (j->append_to < 0)
		put_text(p, "output_file", j->output_file);
	if (j->o.output_action == PRS_OUTPUT_SUMMARY_ONLY)
		put_text(p, "output_dir", j->output_dir);
}

static void add_words(const struct printing *p, json_t *to, const struct prs_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(to, text(p, l->v[i]));
}

static void put_words(const struct printing *p, const char *name, const struct prs_list *first,
                      const struct prs_list *then)
{
	json_t *a = json_array();
	add_words(p, a, first);
	if (then)
		add_words(p, a, then);
	put(p->root, name, a);
}

static void put_variables(const struct printing *p)
{
	json_t *a = json_array();
	for (size_t i = 0; i < p->j->variables_n; i++)
		json_array_append_new(a, json_pack("{s:o, s:o}", "name", job_json_of(p->j->variables[i].name), "value",
		                                   text(p, p->j->variables[i].value)));
	put(p->root, "environment", a);
}

/* What prs.yml says in general is asked again when the step starts: only then it is known whether it is about tables
 * or files. */
static void put_options(const struct printing *p)
{
	json_t *all = job_json_options(p->j);
	for (unsigned id = 0; id < PRS_OPTIONS; id++)
		if (p->j->is_default[id])
			json_object_del(all, prs_option_at(id)->name);
	put(p->root, "options", all);
}

json_t *prs_job_to_doc(const struct prs_job *j, const struct prs_late_names *names)
{
	struct printing p = { j, names, json_object() };
	json_object_set_new(p.root, "job_format", json_integer(1));
	put_text(&p, "name", j->name);
	put_text(&p, "entry", j->entry);
	put_text(&p, "code_dir", j->code_dir);
	put_text(&p, "submit_dir", j->submit_dir);
	put_text(&p, "python", j->python);
	put_text(&p, "python_why", j->python_why);
	put_inputs(&p);
	put_outputs(&p);
	put(p.root, "models", job_json_pairs(j->models, j->models_n));
	put(p.root, "side_inputs", job_json_pairs(j->side_inputs, j->side_inputs_n));
	put_variables(&p);
	put_words(&p, "arguments", &j->program_args, &j->user_args);
	put_words(&p, "system_arguments", &j->system_args, NULL);
	put(p.root, "additional_includes", job_json_list(&j->includes));
	put_options(&p);
	return p.root;
}
