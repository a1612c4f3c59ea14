/* SPDX-License-Identifier: Apache-2.0
 * jobfile_pipeline: a pipeline of several jobs. All of them are found first, also those of pipelines in it, so that
 * they can name each other in any order; then each is read by itself, the inputs of its pipeline in hand; then outputs
 * that only pass through a pipeline become those of the job that makes them, and the jobs are one list of steps.
 */
#include "spec/job_check.h"
#include "spec/job_doc.h"
#include "spec/jobfile_impl.h"
#include "spec/pipeline_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FLOW_DEEP = 16 };

enum node_kind { NODE_UNKNOWN, NODE_PARALLEL, NODE_COMMAND, NODE_PIPELINE };

/* A pipeline: the file, or a job of one. */
struct scope {
	const struct prs_yaml *root; /* has jobs, settings, prs */
	size_t node;                 /* the job it is; of the file: JF_NO_NODE */
	const char *prefix;          /* in front of the names of its jobs: "", "outer." */
	bool force_rerun, not_reused;
	struct jf_input *inputs;
	struct jf_output *outputs;
	size_t inputs_n, outputs_n;
};

struct node {
	const struct prs_yaml *key, *job, *component; /* component NULL = none, or not found */
	enum node_kind kind;                          /* UNKNOWN: a mistake was found */
	const char *name;
	struct scope *scope, *inner; /* the pipeline it is in; the one that it is */
	size_t step;                 /* parallel, command: its number among the steps */
	bool is_step;
};

/* A file is read once, however many jobs name it. */
struct component {
	const char *path;
	const struct prs_yaml *root; /* NULL: it cannot be read, which was said */
	struct component *next;
};

struct jf_flow {
	struct component *components;
	struct prs_pipeline *p;
	struct node **nodes;
	size_t n, cap;
	struct prs_request asked; /* of the jobs: what is asked but for inputs, outputs and the name */
};

const struct prs_yaml *jf_read_component(struct jobfile *m, const char *path, struct prs_mark at)
{
	struct component *c = m->flow ? m->flow->components : NULL;
	while (c && strcmp(c->path, path) != 0)
		c = c->next;
	if (c)
		return c->root;
	const struct prs_yaml *root = jf_read_file(m, path, at, "component");
	c = m->flow ? yaml_alloc(m->d, sizeof *c) : NULL;
	if (!c)
		return root;
	*c = (struct component){ path, root, m->flow->components };
	m->flow->components = c;
	return root;
}

/* ---- all jobs ---------------------------------------------------------------------------------------------------- */

static struct node *add_node(struct jobfile *m)
{
	struct jf_flow *f = m->flow;
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 64;
		struct node **v = yaml_alloc(m->d, cap * sizeof *v);
		if (!v)
			return NULL;
		if (f->n)
			memcpy(v, f->nodes, f->n * sizeof *v);
		f->nodes = v;
		f->cap = cap;
	}
	struct node *node = yaml_alloc(m->d, sizeof *node);
	if (node)
		f->nodes[f->n++] = node;
	return node;
}

static enum node_kind kind_of(const char *type)
{
	static const char *const types[] = { "", "parallel", "command", "pipeline" };
	for (int i = NODE_PARALLEL; i <= NODE_PIPELINE; i++)
		if (!strcasecmp(type, types[i]))
			return (enum node_kind)i;
	return NODE_UNKNOWN;
}

/* Its own type, else its component's, else by what it holds. */
static const char *type_of(const struct node *node)
{
	const char *own = jf_type_text(node->job), *component = jf_type_text(node->component);
	if (own || component)
		return own ? own : component;
	if (jf_value(node->job, "jobs") || jf_value(node->component, "jobs"))
		return "pipeline";
	return jf_value(node->job, "task") || jf_value(node->component, "task") ? "parallel" : "command";
}

static void unknown_type(struct jobfile *m, const struct node *node, const char *type)
{
	static const char *const types[] = { "parallel", "command", "pipeline" };
	const char *near = jf_nearest(m->d, type, types, 3);
	const struct prs_yaml *v = jf_value(node->job, "type");
	prs_yaml_find(m->d, PRS_MISTAKE, v ? v->at : node->key->at, "the job %s is of type %s%s", node->key->text, type,
	              near[0] ? near : ": this version runs jobs of type parallel, command and pipeline");
}

/* Of a job that names one: its component, and is it of the same type? False after a mistake. */
static bool find_component(struct jobfile *m, struct node *node)
{
	const struct prs_yaml *component = jf_value(node->job, "component");
	if (component && component->kind == PRS_YAML_SCALAR)
		node->component = jf_component_file(m, component);
	else if (component && component->kind == PRS_YAML_MAP)
		node->component = component;
	if (component && !node->component)
		return false;
	if (jf_is_prompt_flow(node->component)) {
		prs_yaml_find(m->d, PRS_MISTAKE, component->at,
		              "component: a prompt flow is not run by this version: expected a component of type "
		              "parallel, command or pipeline");
		return false;
	}
	const char *own = jf_type_text(node->job), *type = jf_type_text(node->component);
	if (!own || !type || !strcasecmp(own, type))
		return true;
	prs_yaml_find(m->d, PRS_MISTAKE, jf_value(node->job, "type")->at,
	              "type: the job %s is of type %s, its component of type %s: leave type out, or name another "
	              "component",
	              node->key->text, own, type);
	return false;
}

static void find_nodes(struct jobfile *m, struct scope *in, int depth);

/* Is the pipeline one of those that it stands in? */
static bool is_above(const struct jobfile *m, const struct scope *in, const struct prs_yaml *root)
{
	const struct yaml_source *own = &m->d->sources[root->at.source];
	while (true) {
		const struct yaml_source *above = &m->d->sources[in->root->at.source];
		if (!strcmp(own->dir, above->dir) && !strcmp(own->name, above->name) &&
		    root->at.line == in->root->at.line && root->at.column == in->root->at.column)
			return true;
		if (in->node == JF_NO_NODE)
			return false;
		in = m->flow->nodes[in->node]->scope;
	}
}

static void find_inner(struct jobfile *m, struct node *node, size_t number, int depth)
{
	struct scope *inner = yaml_alloc(m->d, sizeof *inner);
	const struct prs_yaml *root = jf_value(node->job, "jobs") ? node->job : node->component;
	if (!inner)
		return;
	if (root && is_above(m, node->scope, root)) {
		prs_yaml_find(m->d, PRS_MISTAKE, node->key->at,
		              "the job %s is the pipeline %s, which it stands in: it would never end", node->key->text,
		              prs_yaml_file(m->d, root));
		node->kind = NODE_UNKNOWN;
		return;
	}
	inner->root = root ? root : node->job;
	inner->node = number;
	inner->prefix = jf_quoted(m, "%s.", node->name);
	node->inner = inner;
	if (depth < FLOW_DEEP)
		find_nodes(m, inner, depth + 1);
	else
		prs_yaml_find(m->d, PRS_MISTAKE, node->key->at, "more than %d pipelines, each in another", FLOW_DEEP);
}

static void find_node(struct jobfile *m, struct scope *in, const struct prs_yaml *key, const struct prs_yaml *job,
                      int depth)
{
	size_t number = m->flow->n;
	struct node *node = add_node(m);
	PRS_AUTOFREE char *name = prs_strf("%s%s", in->prefix, key->text);
	if (!node || !name) {
		m->d->failed = true;
		return;
	}
	node->key = key;
	node->job = job;
	node->scope = in;
	node->name = yaml_text(m->d, name, strlen(name));
	const char *bad = pipeline_bad_name(key->text[0] ? name : "");
	if (bad)
		prs_yaml_find(m->d, PRS_MISTAKE, key->at, "no job can be called so: %s", bad);
	if (job->kind != PRS_YAML_MAP) {
		prs_yaml_find(m->d, PRS_MISTAKE, job->at, "the job %s: expected keys and values, found %s", key->text,
		              prs_yaml_kind_name(job));
		return;
	}
	if (bad || !node->name || !find_component(m, node))
		return;
	const char *type = type_of(node);
	node->kind = kind_of(type);
	if (node->kind == NODE_UNKNOWN)
		unknown_type(m, node, type);
	else if (node->kind == NODE_PIPELINE)
		find_inner(m, node, number, depth);
}

static bool is_true(const struct prs_yaml *map, const char *path)
{
	const struct prs_yaml *v = jf_value(map, path);
	return v && v->kind == PRS_YAML_SCALAR && !strcasecmp(v->plain ? v->value : v->text, "true");
}

static bool is_false(const struct prs_yaml *map, const char *path)
{
	const struct prs_yaml *v = jf_value(map, path);
	return v && v->kind == PRS_YAML_SCALAR && !strcasecmp(v->plain ? v->value : v->text, "false");
}

static void find_nodes(struct jobfile *m, struct scope *in, int depth)
{
	const struct prs_yaml *jobs = jf_value(in->root, "jobs");
	const struct scope *outer = in->node == JF_NO_NODE ? NULL : m->flow->nodes[in->node]->scope;
	in->force_rerun = is_true(in->root, "settings.force_rerun") || (outer && outer->force_rerun);
	in->not_reused = is_false(in->root, "is_deterministic") || (outer && outer->not_reused);
	if (!jobs || jobs->kind != PRS_YAML_MAP || !jobs->n) {
		prs_yaml_find(m->d, PRS_MISTAKE, in->root->at,
		              "jobs is missing: a pipeline holds its jobs in jobs: by their names");
		return;
	}
	for (size_t i = 0; i < jobs->n && m->flow->n < PRS_PIPELINE_STEPS_MAX; i++)
		find_node(m, in, jobs->keys[i], jobs->items[i], depth);
	if (m->flow->n >= PRS_PIPELINE_STEPS_MAX)
		prs_yaml_find(m->d, PRS_MISTAKE, jobs->at, "a pipeline has %d jobs at most", PRS_PIPELINE_STEPS_MAX);
}

/* ---- references to other jobs ------------------------------------------------------------------------------------ */

/* Where the outputs of a job stand: its own, then its component's. */
static const struct prs_yaml *outputs_of(const struct node *node, bool of_component)
{
	const struct prs_yaml *v = jf_value(of_component ? node->component : node->job, "outputs");
	return v && v->kind == PRS_YAML_MAP ? v : NULL;
}

static bool has_output(const struct node *node, const char *name)
{
	for (int i = 0; i < 2; i++)
		if (outputs_of(node, i) && prs_yaml_key(outputs_of(node, i), name))
			return true;
	return false;
}

static const char *shown(struct jobfile *m, const struct prs_expr *e)
{
	PRS_AUTOFREE char *text = prs_strf("%.*s", (int)(e->n < 300 ? e->n : 300), e->p);
	return text ? jf_quoted(m, "${{%s}}", text) : "";
}

static struct prs_mark place_of(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node)
{
	PRS_AUTOFREE char *name = prs_strf("%.*s", (int)e->n, e->p);
	return name ? prs_yaml_inside(m->d, node, name, 0) : node->at;
}

static void no_output(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *at, const struct node *node,
                      const char *output)
{
	size_t n = 0, most = 0;
	PRS_AUTOBUF all;
	prs_buf_init(&all, 4096);
	for (int i = 0; i < 2; i++)
		most += outputs_of(node, i) ? outputs_of(node, i)->n : 0;
	const char **names = yaml_alloc(m->d, (most + 1) * sizeof *names);
	for (int i = 0; names && i < 2; i++)
		for (size_t k = 0; outputs_of(node, i) && k < outputs_of(node, i)->n; k++)
			names[n++] = outputs_of(node, i)->keys[k]->text;
	for (size_t i = 0; i < n; i++)
		prs_buf_putf(&all, "%s%s", i ? ", " : " (it has ", names[i]);
	const char *near = names ? jf_nearest(m->d, output, names, n) : "";
	prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, at), "%s: the job %s has no output %s%s%s%s", shown(m, e),
	              node->key->text, output, near, near[0] ? "" : prs_buf_str(&all), !near[0] && n ? ")" : "");
}

static void no_job(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *at, const char *name)
{
	const struct jf_flow *f = m->flow;
	const struct scope *in = f->nodes[m->node]->scope;
	const char **names = yaml_alloc(m->d, (f->n + 1) * sizeof *names);
	size_t n = 0;
	for (size_t i = 0; names && i < f->n; i++)
		if (f->nodes[i]->scope == in)
			names[n++] = f->nodes[i]->key->text;
	if (names)
		prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, at), "%s: there is no job %s%s", shown(m, e), name,
		              jf_nearest(m->d, name, names, n));
}

static enum jf_ref made_late(struct jobfile *m, size_t node, const char *output, const char **ret)
{
	PRS_AUTOFREE char *text = prs_strf("%cjobs.%zu.%s%c", JF_LATE_OPEN, node, output, JF_LATE_CLOSE);
	*ret = text ? yaml_text(m->d, text, strlen(text)) : NULL;
	m->d->failed = m->d->failed || !*ret;
	return *ret ? JF_REF_ATOM : JF_REF_BAD;
}

enum jf_ref jf_job_reference(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *at, const char **ret)
{
	static const char outputs[] = ".outputs.";
	const struct jf_flow *f = m->flow;
	const struct scope *in = m->node < f->n ? f->nodes[m->node]->scope : NULL;
	PRS_AUTOFREE char *text = prs_strf("%.*s", (int)(e->n - strlen("parent.jobs.")), e->p + strlen("parent.jobs."));
	char *split = text ? strstr(text, outputs) : NULL;
	if (!split || !in) {
		prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, at),
		              in ? "%s: expected ${{parent.jobs.NAME.outputs.OUTPUT}}"
		                 : "%s: this stands in an input of a job, not in one of the pipeline",
		              shown(m, e));
		return JF_REF_BAD;
	}
	*split = 0;
	const char *output = split + strlen(outputs);
	for (size_t i = 0; i < f->n; i++) {
		const struct node *node = f->nodes[i];
		if (node->scope != in || strcmp(node->key->text, text) != 0)
			continue;
		if (node->kind == NODE_UNKNOWN)
			return JF_REF_BAD; /* said already */
		if (has_output(node, output))
			return made_late(m, i, output, ret);
		no_output(m, e, at, node, output);
		return JF_REF_BAD;
	}
	no_job(m, e, at, text);
	return JF_REF_BAD;
}

const char *jf_job_output_type(const struct jobfile *m, const char *late)
{
	static const char *const types[] = { "uri_file", "mltable" };
	size_t number, n;
	const char *name;
	if (!prs_late_is_job(late, &number, &name, &n))
		return "uri_folder";
	PRS_AUTOFREE char *output = prs_strf("%.*s", (int)n, name);
	for (int i = 0; output && i < 2; i++) {
		const struct prs_yaml *map = outputs_of(m->flow->nodes[number], i);
		const struct prs_yaml *one = map ? prs_yaml_at(map, output) : NULL;
		const char *type = one && one->kind == PRS_YAML_MAP ? jf_type_text(one) : NULL;
		for (size_t k = 0; type && k < sizeof types / sizeof *types; k++)
			if (!strcasecmp(type, types[k]))
				return types[k];
		if (type)
			break;
	}
	return "uri_folder";
}

void jf_bind_maker(struct jobfile *m, struct jf_output *of, const char *output, struct prs_mark at)
{
	if (m->node >= m->flow->n)
		return;
	if (of->is_made)
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "output %s of the pipeline is made by the job %s already: give the outputs of two jobs "
		              "two names",
		              of->name, m->flow->nodes[of->maker]->key->text);
	of->is_made = true;
	of->maker = m->node;
	of->maker_output = output;
}

/* ---- reading each ------------------------------------------------------------------------------------------------ */

static bool is_of_pipeline(const struct prs_option_row *row)
{
	return row == prs_option_at(PRS_OPTION_ID_input) || row == prs_option_at(PRS_OPTION_ID_output) ||
	       row == prs_option_at(PRS_OPTION_ID_name);
}

int pipeline_ask(struct prs_request *to, const struct prs_request *q)
{
	int r = 0;
	*to = (struct prs_request){ .cwd = q->cwd, .file = q->file, .writes_later = q->writes_later };
	for (size_t i = 0; i < q->asked_n && !r; i++) {
		const struct prs_asked *a = &q->asked[i];
		if (is_of_pipeline(a->row))
			continue;
		r = a->is_default ? prs_request_default(to, a->row, a->value, a->where)
		                  : prs_request_ask(to, a->row, a->value, a->where);
	}
	return r;
}

/* A reader for one job, in its pipeline. */
static struct jobfile *reader_of(const struct jobfile *m, size_t number, struct prs_job *j)
{
	const struct node *node = m->flow->nodes[number];
	struct jobfile *one = prs_calloc(1, sizeof *one);
	struct prs_err err = { 0 };
	if (!one || prs_options_init(&one->scratch, &err) < 0) {
		prs_freep(&one);
		return NULL;
	}
	one->j = j;
	one->d = m->d;
	one->q = &m->flow->asked;
	one->fs = m->fs;
	one->project = m->project;
	one->default_datastore = m->default_datastore;
	one->whole = (struct prs_mark){ node->key->at.source, 0, 0, 0 };
	one->pipeline = node->scope->root;
	one->job = node->job;
	one->component = node->component;
	one->parent_inputs = node->scope->inputs;
	one->parent_inputs_n = node->scope->inputs_n;
	one->parent_outputs = node->scope->outputs;
	one->parent_outputs_n = node->scope->outputs_n;
	one->flow = m->flow;
	one->node = number;
	return one;
}

static void free_reader(struct jobfile *one)
{
	prs_options_done(&one->scratch);
	prs_freep(&one);
}

static struct prs_job *new_job(struct jobfile *m, const char *name)
{
	struct prs_job *j = prs_calloc(1, sizeof *j);
	struct prs_err err = { 0 };
	if (!j) {
		m->d->failed = true;
		return NULL;
	}
	prs_job_init(j);
	j->name = prs_job_clean_name(name);
	m->d->failed = m->d->failed || prs_job_begin(j, &m->flow->asked, &err) < 0 || !j->name;
	return j;
}

static void read_step(struct jobfile *m, size_t number)
{
	struct node *node = m->flow->nodes[number];
	bool parallel = node->kind == NODE_PARALLEL;
	node->step = m->flow->p->steps_n;
	if (prs_pipeline_find(m->flow->p, node->name) >= 0) {
		prs_yaml_find(m->d, PRS_MISTAKE, node->key->at, "there are two jobs %s", node->name);
		return;
	}
	struct prs_step *s = pipeline_add(m->flow->p, node->name);
	struct prs_job *j = s ? new_job(m, node->name) : NULL;
	struct jobfile *one = j ? reader_of(m, number, j) : NULL;
	if (s)
		s->checked = j;
	if (!one) {
		m->d->failed = true;
		return;
	}
	node->is_step = true;
	s->kind = parallel ? PRS_STEP_PARALLEL : PRS_STEP_COMMAND;
	s->file = prs_strdup(prs_yaml_file(m->d, node->key));
	s->line = node->key->at.line;
	s->column = node->key->at.column;
	if (parallel) {
		jf_read_parallel(one, jf_quoted(m, "the parallel job %s", node->key->text));
		jf_finish(one);
	} else {
		jf_read_command(one, jf_quoted(m, "the command %s", node->key->text), s);
		j->submit_dir = prs_strdup(m->q->cwd);
	}
	const struct prs_yaml *deterministic = jf_get(one, "is_deterministic");
	s->allow_reuse = !node->scope->not_reused && !(deterministic && deterministic->kind == PRS_YAML_SCALAR &&
	                                               !strcasecmp(deterministic->value, "false"));
	s->force_rerun = node->scope->force_rerun && !m->flow->p->force_rerun;
	free_reader(one);
}

static void read_scope(struct jobfile *m, struct scope *in);

/* What the outer job binds is what the jobs in it are bound to. */
static void read_inner(struct jobfile *m, size_t number)
{
	struct node *node = m->flow->nodes[number];
	struct prs_job *j = new_job(m, node->name);
	struct jobfile *one = j ? reader_of(m, number, j) : NULL;
	if (!one) {
		m->d->failed = true;
	} else {
		jf_check_keys(one, node->job, JF_PIPELINE, jf_quoted(m, "the pipeline %s", node->key->text));
		if (node->component)
			jf_check_component_keys(one, node->component, JF_PIPELINE, "the component");
		jf_check_keys(one, jf_value(node->inner->root, "settings"), JF_SETTINGS, "settings");
		jf_inputs(one);
		jf_outputs(one);
		node->inner->inputs = one->inputs;
		node->inner->inputs_n = one->inputs_n;
		node->inner->outputs = one->outputs;
		node->inner->outputs_n = one->outputs_n;
		free_reader(one);
		read_scope(m, node->inner);
	}
	if (j)
		prs_job_done(j);
	prs_freep(&j);
}

static void read_scope(struct jobfile *m, struct scope *in)
{
	for (size_t i = 0; i < m->flow->n && !m->d->failed; i++) {
		const struct node *node = m->flow->nodes[i];
		if (node->scope != in)
			continue;
		if (node->kind == NODE_PIPELINE && node->inner)
			read_inner(m, i);
		else if (node->kind == NODE_PARALLEL || node->kind == NODE_COMMAND)
			read_step(m, i);
	}
}

/* ---- one list of steps ------------------------------------------------------------------------------------------- */

/* Which job makes an output, through the pipelines that pass it on. NULL: none does. */
static const struct node *maker_of(const struct jf_flow *f, size_t number, const char **output)
{
	for (int depth = 0; depth <= FLOW_DEEP; depth++) {
		const struct node *node = f->nodes[number];
		if (node->kind != NODE_PIPELINE)
			return node->is_step ? node : NULL;
		const struct jf_output *out = node->inner ? jf_find_output(node->inner->outputs, node->inner->outputs_n,
		                                                           *output, strlen(*output))
		                                          : NULL;
		if (!out || !out->is_made)
			return NULL;
		number = out->maker;
		*output = out->maker_output;
	}
	return NULL;
}

struct resolving {
	struct jobfile *m;
	const struct prs_step *of; /* whose text it is */
};

/* The number of a job of the file becomes that of a step. */
static bool number_of(void *ctx, size_t number, const char *output, size_t *ret_step, const char **ret_output)
{
	const struct resolving *r = ctx;
	const struct jf_flow *f = r->m->flow;
	const struct node *made = maker_of(f, number, &output);
	if (made) {
		*ret_step = made->step;
		*ret_output = output;
		return true;
	}
	prs_yaml_find(r->m->d, PRS_MISTAKE, f->nodes[number]->key->at,
	              "no job of the pipeline %s makes its output %s, which %s reads: bind one to "
	              "${{parent.outputs.%s}}",
	              f->nodes[number]->key->text, output, r->of->name, output);
	return false;
}

static void resolve_text(struct resolving *r, char **text)
{
	if (!*text || !strchr(*text, JF_LATE_OPEN))
		return;
	char *made = prs_late_renumbered(*text, number_of, r);
	r->m->d->failed = r->m->d->failed || !made;
	if (!made)
		return;
	prs_freep(text);
	*text = made;
}

static void resolve_list(struct resolving *r, struct prs_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		resolve_text(r, &l->v[i]);
}

/* An input of a command that is the output of a step. */
static void resolve_input(const struct jf_flow *f, struct prs_step_input *in)
{
	size_t number, n;
	const char *output;
	if (!in->path || !prs_late_is_job(in->path, &number, &output, &n) || number >= f->p->steps_n)
		return;
	int64_t at = pipeline_output(&f->p->steps[number], output, n);
	if (at < 0)
		return;
	in->of_step = true;
	in->step = number;
	in->output = (size_t)at;
	prs_freep(&in->path);
}

static void resolve(struct jobfile *m, struct prs_step *s)
{
	struct resolving r = { m, s };
	struct prs_job *j = s->checked;
	for (size_t i = 0; i < j->inputs_n; i++)
		resolve_text(&r, &j->inputs[i].path);
	for (size_t i = 0; i < j->variables_n; i++)
		resolve_text(&r, &j->variables[i].value);
	resolve_list(&r, &j->program_args);
	resolve_list(&r, &j->system_args);
	for (size_t i = 0; i < s->inputs_n; i++)
		resolve_text(&r, &s->inputs[i].path);
}

/* prs: {after: [other]} */
static void read_after(struct jobfile *m, const struct node *node, struct prs_step *s)
{
	const struct jf_flow *f = m->flow;
	const struct prs_yaml *list = jf_value(node->job, "prs.after");
	if (list && list->kind != PRS_YAML_LIST)
		prs_yaml_find(m->d, PRS_MISTAKE, list->at, "after: expected a list of jobs");
	s->after = prs_calloc((list && list->kind == PRS_YAML_LIST ? list->n : 0) * f->n + 1, sizeof *s->after);
	m->d->failed = m->d->failed || !s->after;
	for (size_t i = 0; s->after && list && list->kind == PRS_YAML_LIST && i < list->n; i++) {
		size_t before = s->after_n;
		for (size_t k = 0; k < f->n; k++)
			if (f->nodes[k]->scope == node->scope && f->nodes[k]->is_step &&
			    !strcmp(f->nodes[k]->key->text, list->items[i]->text))
				s->after[s->after_n++] = f->nodes[k]->step;
		if (s->after_n == before)
			prs_yaml_find(m->d, PRS_MISTAKE, list->items[i]->at, "after: there is no job %.100s",
			              list->items[i]->text);
	}
}

static void say(void *ctx, size_t step, const char *text)
{
	struct jobfile *m = ctx;
	for (size_t i = 0; i < m->flow->n; i++)
		if (m->flow->nodes[i]->is_step && m->flow->nodes[i]->step == step)
			prs_yaml_find(m->d, PRS_MISTAKE, m->flow->nodes[i]->key->at, "%s", text);
}

/* What the jobs pass to each other is known; the rest is a pipeline as any. */
static void join(struct jobfile *m)
{
	struct jf_flow *f = m->flow;
	struct prs_err err = { 0 };
	for (size_t i = 0; i < f->n && !m->d->failed; i++)
		if (f->nodes[i]->is_step) {
			resolve(m, &f->p->steps[f->nodes[i]->step]);
			read_after(m, f->nodes[i], &f->p->steps[f->nodes[i]->step]);
		}
	if (m->d->failed || prs_yaml_count(m->d, PRS_MISTAKE))
		return;
	for (size_t i = 0; i < f->p->steps_n; i++)
		if (pipeline_take_outputs(&f->p->steps[i]) < 0)
			m->d->failed = true;
	for (size_t i = 0; i < f->p->steps_n && !m->d->failed; i++)
		for (size_t k = 0; k < f->p->steps[i].inputs_n; k++)
			resolve_input(f, &f->p->steps[i].inputs[k]);
	if (m->d->failed || prs_pipeline_seal(f->p, &err) < 0 || pipeline_link(f->p, say, m) < 0)
		m->d->failed = true;
	for (size_t i = 0; i < f->p->steps_n && !m->d->failed && !m->flow->asked.inputs_later; i++)
		if (f->p->steps[i].command && pipeline_check_command(f->p, &f->p->steps[i], &err) < 0)
			say(m, i, err.msg);
}

/* An output of the file that nobody writes is probably a name that was misspelt. */
static void unmade_outputs(struct jobfile *m, const struct scope *root)
{
	for (size_t i = 0; i < root->outputs_n && !prs_yaml_count(m->d, PRS_MISTAKE); i++)
		if (!root->outputs[i].is_made)
			prs_yaml_find(m->d, PRS_WARNING, root->outputs[i].at,
			              "output %s: no job makes it: bind one to ${{parent.outputs.%s}}",
			              root->outputs[i].name, root->outputs[i].name);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void check_flags(struct jobfile *m)
{
	const char *bare = jf_bare_output_flag(m);
	jf_flag_inputs(m);
	jf_flag_outputs(m);
	if (bare)
		prs_yaml_find(m->d, PRS_MISTAKE, jf_flag_mark(m, "--output"),
		              "expected NAME=PATH: the pipeline names its outputs, found %s", bare);
	if (m->q->arguments.n)
		prs_yaml_find(m->d, PRS_MISTAKE, jf_flag_mark(m, "--"),
		              "arguments belong to a job (program_arguments), and the pipeline has several");
}

/* The inputs and outputs of the file itself; those that no job uses are not missed. */
static void read_declared(struct jobfile *m)
{
	m->users = jf_value(m->pipeline, "jobs");
	jf_parent_inputs(m);
	jf_parent_outputs(m);
	m->inputs = m->parent_inputs;
	m->inputs_n = m->parent_inputs_n;
	m->outputs = m->parent_outputs;
	m->outputs_n = m->parent_outputs_n;
}

/* A file that only gives values to a pipeline in another one. */
static void read_given(struct jobfile *m, const struct scope *root)
{
	m->job = m->pipeline;
	m->component = root->root;
	jf_check_component_keys(m, m->component, JF_PIPELINE, "the component");
	jf_check_keys(m, jf_value(m->component, "settings"), JF_SETTINGS, "settings");
	jf_inputs(m);
	jf_outputs(m);
}

static void read_root(struct jobfile *m, struct scope *root)
{
	if (root->root == m->pipeline)
		read_declared(m);
	else
		read_given(m, root);
	check_flags(m);
	root->inputs = m->inputs;
	root->inputs_n = m->inputs_n;
	root->outputs = m->outputs;
	root->outputs_n = m->outputs_n;
}

/* A component by itself leaves its inputs to whoever uses it. */
static bool is_component(const struct prs_yaml *root)
{
	const struct prs_yaml *schema = jf_value(root, "$schema");
	return schema && schema->kind == PRS_YAML_SCALAR && strstr(schema->text, "ipelineComponent");
}

/* What holds the jobs: the file, or the component that it names. NULL after a mistake. */
static const struct prs_yaml *holder_of(struct jobfile *m, const struct prs_yaml *root)
{
	const struct prs_yaml *component = jf_value(root, "component");
	if (jf_value(root, "jobs") || !component)
		return root;
	if (component->kind == PRS_YAML_MAP)
		return component;
	const struct prs_yaml *file = component->kind == PRS_YAML_SCALAR ? jf_component_file(m, component) : NULL;
	const char *type = jf_type_text(file);
	if (!file || !type || !strcasecmp(type, "pipeline"))
		return file;
	prs_yaml_find(m->d, PRS_MISTAKE, component->at, "component: %s is of type %s: expected a pipeline",
	              component->text, type);
	return NULL;
}

void jf_read_flow(struct jobfile *m, const struct prs_yaml *root, struct prs_pipeline **ret)
{
	struct jf_flow flow = { .p = prs_calloc(1, sizeof *flow.p) };
	struct scope *whole = yaml_alloc(m->d, sizeof *whole);
	if (!flow.p || !whole || pipeline_ask(&flow.asked, m->q) < 0) {
		m->d->failed = true;
		prs_pipeline_free(flow.p);
		prs_request_done(&flow.asked);
		return;
	}
	*ret = flow.p;
	flow.p->name = prs_strdup(m->j->name ? m->j->name : "pipeline");
	flow.p->submit_dir = prs_strdup(m->q->cwd);
	flow.p->continue_on_step_failure = is_true(root, "settings.continue_on_step_failure") ||
	                                   is_true(root, "settings.continue_run_on_step_failure");
	flow.p->force_rerun = is_true(root, "settings.force_rerun");
	m->d->failed = m->d->failed || !flow.p->name || !flow.p->submit_dir;
	flow.asked.inputs_later = m->q->inputs_later && is_component(root);
	m->flow = &flow;
	m->node = JF_NO_NODE;
	*whole = (struct scope){ .root = holder_of(m, root), .node = JF_NO_NODE, .prefix = "" };
	if (whole->root) {
		find_nodes(m, whole, 0);
		read_root(m, whole);
		read_scope(m, whole);
		join(m);
		unmade_outputs(m, whole);
	}
	m->flow = NULL;
	prs_request_done(&flow.asked);
}
