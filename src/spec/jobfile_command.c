/* SPDX-License-Identifier: Apache-2.0
 * jobfile_command: a job of type command: its text stays as it is written, with its references, until it starts; here
 * they are looked up, so that a mistake in one is told before anything runs.
 */
#include "spec/job_check.h"
#include "spec/jobfile_impl.h"
#include "spec/pipeline_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the text ---------------------------------------------------------------------------------------------------- */

static struct prs_mark place_of(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node)
{
	PRS_AUTOFREE char *name = prs_strf("%.*s", (int)e->n, e->p);
	return name ? prs_yaml_inside(m->d, node, name, 0) : node->at;
}

static const struct jf_input *input_of(struct jobfile *m, const struct prs_expr *e)
{
	const char *name;
	size_t n;
	return prs_expr_name(e, "inputs.", &name, &n) ? jf_find_input(m->inputs, m->inputs_n, name, n) : NULL;
}

static void check_reference(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node, bool in_group)
{
	const struct jf_input *in = input_of(m, e);
	const char *value;
	if (e->n > 7 && !strncmp(e->p, "parent.", 7))
		prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, node),
		              "${{%.*s}}: a command names its own inputs and outputs: bind it to an input, and write "
		              "${{inputs.NAME}} here",
		              (int)(e->n < 200 ? e->n : 200), e->p);
	else if (in && in->optional && !in->bad && !in_group)
		prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, node),
		              "Optional input %s must be placed in nested argument: $[[]]", in->name);
	else
		jf_reference(m, e, node, NULL, &value); /* says what is wrong */
}

static void check_text(struct jobfile *m, const struct prs_yaml *node)
{
	struct prs_expr_scan s = { .text = node->text };
	struct prs_expr e;
	struct prs_err err = { 0 };
	int r;
	while ((r = prs_expr_next(&s, &e, &err)) == 1)
		if (e.kind == PRS_EXPR_REF)
			check_reference(m, &e, node, s.in_group);
	if (r < 0)
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "%s", err.msg);
}

static void read_text(struct jobfile *m, struct prs_step *s)
{
	const struct prs_yaml *node = jf_get(m, "command");
	if (!node && !jf_misspelt(m, "command"))
		prs_yaml_find(m->d, PRS_MISTAKE, (m->job ? m->job : m->component)->at,
		              "command is missing: what a job of type command runs");
	if (!node || node->kind != PRS_YAML_SCALAR)
		return;
	check_text(m, node);
	s->command = prs_strdup(node->text);
	m->d->failed = m->d->failed || !s->command;
}

/* ---- what goes into the step ------------------------------------------------------------------------------------- */

static char *copy(struct jobfile *m, const char *text)
{
	char *s = prs_strdup(text);
	m->d->failed = m->d->failed || !s;
	return s;
}

/* A list of files and several paths are made for what is split. */
static void check_input(struct jobfile *m, struct jf_input *in)
{
	bool many = in->paths || (in->path && in->path[0] == '@');
	if (many && !in->bad)
		prs_yaml_find(m->d, PRS_MISTAKE, in->at,
		              "input %s: a command takes one file or folder, several belong to a parallel job",
		              in->name);
	in->bad = in->bad || many;
	if (in->literal && !in->bad)
		in->bad = !jf_is_known(m, in->literal, in->at, in->name);
}

/* One without a type that is a text: a path when it looks like one, as in the original. */
static void guess_type(struct jobfile *m, struct jf_input *in)
{
	bool is_path = !in->type && in->literal && in->node &&
	               (!strncmp(in->literal, "./", 2) || !strncmp(in->literal, "../", 3) ||
	                prs_is_reference(in->literal) || !strncmp(in->literal, "file:", 5));
	if (!is_path || in->bad)
		return;
	in->type = "uri_folder";
	in->path = jf_path(m, in->literal, prs_yaml_dir(m->d, in->node), in->at, in->name);
	in->bad = !in->path;
	in->literal = NULL;
	in->data = true;
}

static void keep_inputs(struct jobfile *m, struct prs_step *s)
{
	s->inputs = prs_calloc(m->inputs_n + 1, sizeof *s->inputs);
	m->d->failed = m->d->failed || !s->inputs;
	for (size_t i = 0; s->inputs && i < m->inputs_n; i++) {
		const struct jf_input *from = &m->inputs[i];
		struct prs_step_input *in = &s->inputs[s->inputs_n++];
		const char *type = from->data ? "uri_folder" : "string";
		in->name = copy(m, from->name);
		in->type = copy(m, from->type ? from->type : type);
		if (from->bad || from->unset)
			continue;
		if (from->data)
			in->path = copy(m, from->path); /* of another job: a late part, until all are read */
		else
			in->literal = copy(m, from->literal ? from->literal : "");
	}
}

/* limits: {timeout: 3600} */
static void read_limits(struct jobfile *m, struct prs_step *s)
{
	const struct prs_yaml *limits = jf_get(m, "limits"), *timeout = jf_get(m, "limits.timeout");
	jf_check_keys(m, limits, JF_LIMITS, "limits");
	const char *text = timeout && timeout->kind == PRS_YAML_SCALAR ? jf_expand(m, timeout) : NULL;
	char *end;
	if (!text)
		return;
	s->timeout_s = strtod(text, &end);
	if (end == text || *end || !(s->timeout_s > 0) || s->timeout_s > 1e9)
		prs_yaml_find(m->d, PRS_MISTAKE, timeout->at, "timeout: expected seconds above 0, found \"%.100s\"",
		              text);
}

/* prs: has the interpreter, and jobs that come first (jobfile_pipeline.c). */
static void read_own(struct jobfile *m, const struct prs_yaml *block)
{
	static const char *const names[] = { "python", "after" };
	for (size_t i = 0; block && block->kind == PRS_YAML_MAP && i < block->n; i++)
		if (strcmp(block->keys[i]->text, "python") != 0 && strcmp(block->keys[i]->text, "after") != 0) {
			prs_yaml_find(m->d, PRS_MISTAKE, block->keys[i]->at,
			              "%.100s is not a key of prs: of a command (python, after)%s",
			              block->keys[i]->text, jf_nearest(m->d, block->keys[i]->text, names, 2));
			return;
		}
	jf_set_options_own(m, block);
}

static void check_maps(struct jobfile *m, const struct prs_yaml *map, const char *what)
{
	if (map == m->component)
		jf_check_component_keys(m, map, JF_COMMAND, what);
	else
		jf_check_keys(m, map, JF_COMMAND, what);
	jf_check_keys(m, jf_value(map, "resources"), JF_RESOURCES, "resources");
}

/* The original takes a single file, too; here its folder is the code. */
static void read_code(struct jobfile *m)
{
	const struct prs_yaml *code = jf_get(m, "code");
	const char *text = code && code->kind == PRS_YAML_SCALAR ? jf_expand(m, code) : NULL,
		   *path = text ? jf_path(m, text, prs_yaml_dir(m->d, code), code->at, "code") : NULL;
	if (!path || jf_kind_of(m, path) != 'f') {
		jf_code(m, code, NULL, "");
		return;
	}
	prs_yaml_find(m->d, PRS_WARNING, code->at, "code: %s is a file: all of the folder that it lies in is copied",
	              text);
	m->j->code_dir = prs_path_folder(path);
	m->d->failed = m->d->failed || !m->j->code_dir;
}

void jf_read_command(struct jobfile *m, const char *what, struct prs_step *s)
{
	s->cores = 1;
	check_maps(m, m->job, what);
	if (m->component)
		check_maps(m, m->component, "the component");
	jf_inputs(m);
	jf_outputs(m);
	for (size_t i = 0; i < m->inputs_n; i++) {
		guess_type(m, &m->inputs[i]);
		check_input(m, &m->inputs[i]);
	}
	jf_side_data(m);
	read_own(m, jf_get(m, "prs"));
	read_code(m);
	jf_includes(m, jf_get(m, "additional_includes"));
	jf_environment_variables(m, NULL, jf_get(m, "environment_variables"));
	jf_instance_count(m, jf_get(m, "resources.instance_count"), "instance_count");
	jf_instance_count(m, jf_get(m, "instance_count"), "instance_count");
	jf_environment(m, jf_get(m, "environment"));
	read_limits(m, s);
	read_text(m, s);
	jf_keep_outputs(m);
	jf_check_outputs(m);
	keep_inputs(m, s);
}
