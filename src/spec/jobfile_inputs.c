/* SPDX-License-Identifier: Apache-2.0
 * jobfile_inputs: each input of a job file is found from four places (the command line, the pipeline, the job, its
 * component); input_data says which of them is cut into mini-batches, the others are data that the script reads
 * beside.
 */
#include "spec/job_check.h"
#include "spec/jobfile_impl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char input_modes[] = "ro_mount|download|direct|eval_mount|eval_download|mount|rw_mount";

struct jf_input *jf_find_input(struct jf_input *v, size_t count, const char *name, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(v[i].name) == n && !strncmp(v[i].name, name, n))
			return &v[i];
	return NULL;
}

static bool yes(const struct prs_yaml *map, const char *key)
{
	const struct prs_yaml *v = jf_value(map, key);
	return v && v->kind == PRS_YAML_SCALAR && !strcasecmp(v->plain ? v->value : v->text, "true");
}

/* "@files.txt" with its path made absolute. */
static const char *list_path(struct jobfile *m, const char *text, const char *dir)
{
	PRS_AUTOFREE char *path = prs_path_absolute(dir, text + 1);
	return path ? jf_kept(m, prs_strf("@%s", path)) : NULL;
}

/* A text that stands for the value: a path for data, else a literal. */
static void set_text(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared, const char *text,
                     const char *dir, struct prs_mark at)
{
	in->at = at;
	if (jf_is_data(in->type)) {
		in->bad = !jf_is_known(m, text, at, in->name);
		if (in->bad)
			return;
		in->data = true;
		in->path = text[0] == '@' && text[1] ? list_path(m, text, dir) : jf_path(m, text, dir, at, in->name);
		in->bad = !in->path;
		return;
	}
	in->literal = text;
	jf_check_literal(m, in, declared, at);
}

/* The one input of the pipeline that a value is bound to; NULL when it is bound to none. */
static struct jf_input *bound_to(struct jobfile *m, const struct prs_yaml *node)
{
	struct prs_expr e;
	const char *name;
	size_t n;
	if (!m->pipeline || !node || node->kind != PRS_YAML_SCALAR || !prs_expr_single(node->text, &e))
		return NULL;
	if (prs_expr_name(&e, "parent.inputs.", &name, &n) || prs_expr_name(&e, "inputs.", &name, &n)) /* older */
		return jf_find_input(m->parent_inputs, m->parent_inputs_n, name, n);
	return NULL;
}

static void copy_bound(struct jobfile *m, struct jf_input *in, const struct jf_input *from,
                       const struct prs_yaml *declared, const struct prs_yaml *node)
{
	in->at = node->at;
	in->bad = from->bad;
	in->unset = from->unset;
	in->type = in->type && !from->plain ? in->type : from->type;
	in->partition_format = in->partition_format ? in->partition_format : from->partition_format;
	in->mode = in->mode ? in->mode : from->mode;
	if (from->unset || from->bad)
		return;
	if (from->data) {
		in->data = true;
		in->path = from->path;
		in->paths = from->paths;
		if (jf_is_literal(in->type)) {
			prs_yaml_find(m->d, PRS_MISTAKE, node->at, "input %s is declared as %s, but %s is data (%s)",
			              in->name, in->type, from->name, prs_yaml_where(m->d, from->at));
			in->bad = true;
		}
		return;
	}
	set_text(m, in, declared, from->literal, prs_yaml_dir(m->d, node), node->at);
}

/* ${{parent.jobs.NAME.outputs.X}} and nothing else */
static bool is_job_output(const struct prs_yaml *node)
{
	struct prs_expr e;
	const char *name;
	size_t n;
	return prs_expr_single(node->text, &e) && prs_expr_name(&e, "parent.jobs.", &name, &n);
}

/* Its path is known when that job is done. */
static void take_job_output(struct jobfile *m, struct jf_input *in, const struct prs_yaml *node)
{
	struct prs_expr e;
	prs_expr_single(node->text, &e);
	in->at = node->at;
	in->bad = jf_job_reference(m, &e, node, &in->path) != JF_REF_ATOM;
	if (in->bad)
		return;
	in->data = true;
	if (jf_is_literal(in->type)) {
		prs_yaml_find(m->d, PRS_MISTAKE, node->at,
		              "input %s is declared as %s, and the output of a job is a file or folder", in->name,
		              in->type);
		in->bad = true;
	}
	if (!in->type)
		in->type = jf_job_output_type(m, in->path);
}

static void scalar_value(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared,
                         const struct prs_yaml *node)
{
	const struct jf_input *from = bound_to(m, node);
	in->node = node;
	if (from) {
		copy_bound(m, in, from, declared, node);
		return;
	}
	if (m->flow && is_job_output(node)) {
		take_job_output(m, in, node);
		return;
	}
	if (!jf_is_data(in->type))
		jf_trap(m, node);
	bool as_is = jf_is_data(in->type) && !strstr(node->text, "${{");
	const char *text = as_is ? node->text : jf_expand_late(m, node, NULL);
	in->bad = !text;
	if (text)
		set_text(m, in, declared, text, prs_yaml_dir(m->d, node), node->at);
}

/* The SDK writes path: ${{parent.inputs.x}} whatever x is: it is what it is bound to. */
static bool binds_literal(struct jobfile *m, const struct jf_input *in, const struct prs_yaml *path)
{
	const struct jf_input *from = bound_to(m, path);
	return from && !from->data && !jf_is_data(from->type) && !jf_is_data(in->type);
}

static void map_value(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared,
                      const struct prs_yaml *map)
{
	const struct prs_yaml *path = jf_value(map, "path"), *value = jf_value(map, "value"),
			      *paths = jf_value(map, "paths");
	jf_choice(m, jf_value(map, "mode"), "mode", input_modes);
	bool literal = path && binds_literal(m, in, path);
	bool made = m->flow && path && path->kind == PRS_YAML_SCALAR && is_job_output(path);
	if ((path || paths) && !in->type && !literal && !made)
		in->type = "uri_folder";
	if (paths && (path || value || paths->kind != PRS_YAML_LIST || !paths->n || jf_is_literal(in->type))) {
		prs_yaml_find(m->d, PRS_MISTAKE, paths->at,
		              "input %s: paths: expected a list of paths, and neither path nor value beside it",
		              in->name);
		in->bad = true;
		return;
	}
	if (paths) {
		in->data = true;
		in->paths = paths;
		in->at = paths->at;
		return;
	}
	if (path && jf_is_literal(in->type) && !literal) {
		prs_yaml_find(m->d, PRS_MISTAKE, path->at, "input %s: a %s has no path", in->name, in->type);
		in->bad = true;
	} else if (path || value) {
		const struct prs_yaml *node = path ? path : value;
		if (node->kind == PRS_YAML_SCALAR)
			scalar_value(m, in, declared, node);
		else
			in->bad = true;
	}
}

static bool has_value(const struct prs_yaml *node)
{
	if (!node || (node->kind == PRS_YAML_SCALAR && node->type == PRS_YAML_NULL))
		return false;
	return node->kind != PRS_YAML_MAP || jf_value(node, "path") || jf_value(node, "paths") ||
	       jf_value(node, "value");
}

/* What the command line says about an input; the value or NULL. */
static const char *from_flag(struct jobfile *m, const char *name)
{
	const struct prs_list *l = &m->j->o.input;
	size_t n = strlen(name);
	for (size_t i = 0; i < l->n; i++)
		if (!strncmp(l->v[i], name, n) && l->v[i][n] == '=')
			return l->v[i] + n + 1;
	return NULL;
}

struct prs_mark jf_flag_mark(struct jobfile *m, const char *text)
{
	struct prs_mark at = { yaml_add_source(m->d, text, m->q->cwd, (const uint8_t *)"", 0), 0, 0, 0 };
	return at;
}

static struct prs_mark input_flag_mark(struct jobfile *m, const char *name)
{
	PRS_AUTOFREE char *text = prs_strf("--input %s", name);
	return jf_flag_mark(m, text ? text : "--input");
}

/* Flags take folders, files, patterns and lists for an mltable too. */
static void plain_folder(struct jobfile *m, struct jf_input *in, const char *path, struct prs_mark at)
{
	PRS_AUTOFREE char *table = path ? prs_strf("%s/MLTable", path) : NULL;
	in->plain = table && in->type && !strcmp(in->type, "mltable") && jf_kind_of(m, path) == 'd' &&
	            jf_kind_of(m, table) != 'f';
	if (!in->plain)
		return;
	in->type = "uri_folder";
	prs_yaml_find(m->d, PRS_WARNING, at, "no file named MLTable in %s: its files are the input", path);
}

static void flag_value(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared, const char *text)
{
	struct prs_mark at = input_flag_mark(m, in->name);
	PRS_AUTOFREE char *path = prs_path_absolute(m->q->cwd, text);
	if (!in->type && (strchr(text, '/') || text[0] == '@' || (path && jf_kind_of(m, path))))
		in->type = "uri_folder";
	plain_folder(m, in, path, at);
	set_text(m, in, declared, text, m->q->cwd, at);
}

/* An input from its declaration (component, or a file of its own) and its value (job or pipeline), any of which may
 * be missing. */
static void one_input(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared,
                      const struct prs_yaml *given)
{
	const struct prs_yaml *map = given && given->kind == PRS_YAML_MAP ? given : NULL;
	in->type = map ? jf_input_type(m, map) : NULL;
	const char *declared_type = jf_input_type(m, declared);
	in->type = in->type ? in->type : declared_type;
	in->optional = yes(declared, "optional") || yes(map, "optional");
	jf_check_keys(m, map, JF_INPUT, "an input");
	jf_check_keys(m, declared, JF_INPUT, "an input");
	const struct prs_yaml *format = jf_value(map, "partition_format") ? jf_value(map, "partition_format")
	                                                                  : jf_value(declared, "partition_format");
	in->partition_format = format && format->kind == PRS_YAML_SCALAR ? format : NULL;
	in->mode = jf_value(map, "mode") ? jf_value(map, "mode") : jf_value(declared, "mode");
	const char *flag = from_flag(m, in->name);
	const struct prs_yaml *fallback = jf_value(given, "default") ? jf_value(given, "default")
	                                                             : jf_value(declared, "default");
	if (flag)
		flag_value(m, in, declared ? declared : map, flag);
	else if (has_value(given) && map)
		map_value(m, in, declared ? declared : map, map);
	else if (has_value(given) && given->kind == PRS_YAML_SCALAR)
		scalar_value(m, in, declared, given);
	else if (given && given->kind == PRS_YAML_LIST)
		prs_yaml_find(m->d, PRS_MISTAKE, given->at,
		              "input %s: expected a value or keys (type, path, mode), found a list", in->name);
	else if (fallback && fallback->kind == PRS_YAML_SCALAR)
		scalar_value(m, in, declared ? declared : map, fallback);
	else
		in->unset = true;
	in->bad = in->bad || (given && given->kind == PRS_YAML_LIST);
}

static struct jf_input *add_input(struct jobfile *m, struct jf_input **v, size_t *n, const struct prs_yaml *key)
{
	struct jf_input *grown = yaml_alloc(m->d, (*n + 1) * sizeof *grown);
	if (!grown)
		return NULL;
	if (*n)
		memcpy(grown, *v, *n * sizeof *grown);
	*v = grown;
	grown[*n] = (struct jf_input){ .name = key->text, .at = key->at };
	return &grown[(*n)++];
}

/* A name that can stand in ${{inputs.NAME}} and in a file name. */
bool jf_check_name(struct jobfile *m, const struct prs_yaml *key, const char *what)
{
	const char *s = key->text;
	bool good = prs_job_is_name(s, strlen(s));
	if (!good)
		prs_yaml_find(m->d, PRS_MISTAKE, key->at,
		              "the name of an %s consists of letters, digits, _ and -, and a dot between them, found "
		              "\"%.100s\"",
		              what, s);
	return good;
}

/* Does a text at or below the node refer to "<prefix>NAME", by itself or behind "parent."? */
bool jf_refers(const struct prs_yaml *node, const char *prefix, const char *name)
{
	bool found = false;
	struct prs_expr_scan s = { .text = node && node->kind == PRS_YAML_SCALAR ? node->text : "" };
	struct prs_expr e;
	for (size_t i = 0; node && node->kind != PRS_YAML_SCALAR && i < node->n && !found; i++)
		found = jf_refers(node->items[i], prefix, name);
	while (!found && prs_expr_next(&s, &e, NULL) == 1) {
		size_t skip = e.n > 7 && !strncmp(e.p, "parent.", 7) ? 7 : 0;
		struct prs_expr own = { e.kind, e.at, e.p + skip, e.n - skip };
		const char *at;
		size_t n;
		found = e.kind == PRS_EXPR_REF && prs_expr_name(&own, prefix, &at, &n) && n == strlen(name) &&
		        !strncmp(at, name, n);
	}
	return found;
}

/* One that only other jobs use: nobody is asked for it. */
static void unused_input(struct jobfile *m, struct jf_input *in, const struct prs_yaml *value)
{
	const struct prs_yaml *map = value->kind == PRS_YAML_MAP ? value : NULL;
	in->type = jf_input_type(m, map);
	in->unset = in->optional = true;
	jf_check_keys(m, map, JF_INPUT, "an input");
}

void jf_parent_inputs(struct jobfile *m)
{
	const struct prs_yaml *map = jf_value(m->pipeline, "inputs"), *users = m->users ? m->users : m->job;
	for (size_t i = 0; map && map->kind == PRS_YAML_MAP && i < map->n; i++) {
		if (!jf_check_name(m, map->keys[i], "input"))
			continue;
		struct jf_input *in = add_input(m, &m->parent_inputs, &m->parent_inputs_n, map->keys[i]);
		if (!in)
			return;
		if (jf_refers(users, "inputs.", in->name) ||
		    jf_refers(jf_value(m->pipeline, "prs"), "inputs.", in->name))
			one_input(m, in, NULL, map->items[i]);
		else
			unused_input(m, in, map->items[i]);
	}
}

enum prs_severity jf_no_input(const struct jobfile *m)
{
	bool of_step = m->flow && m->node != JF_NO_NODE;
	return m->q->inputs_later && (!m->pipeline || of_step) ? PRS_WARNING : PRS_MISTAKE;
}

static void missing_value(struct jobfile *m, struct jf_input *in)
{
	if (!in->unset || in->bad || in->optional)
		return;
	in->bad = true;
	if (m->q->input_refused || jf_misspelt(m, "path"))
		return;
	const struct jf_input *from = m->flow && in->node ? bound_to(m, in->node) : NULL;
	const char *name = from ? from->name : in->name, *what = jf_is_literal(in->type) ? "VALUE" : "PATH";
	if (m->flow && m->node != JF_NO_NODE && !from) /* flags are about inputs of the pipeline */
		prs_yaml_find(m->d, jf_no_input(m), in->at, "input %s has no value: give it one", name);
	else
		prs_yaml_find(m->d, jf_no_input(m), in->at, "input %s%s has no value: give it one, or --input %s=%s",
		              name, from ? " of the pipeline" : "", name, what);
}

static void unknown_input(struct jobfile *m, const struct prs_yaml *key, const struct prs_yaml *declared)
{
	const char **names = yaml_alloc(m->d, (declared->n + 1) * sizeof *names);
	PRS_AUTOBUF all;
	prs_buf_init(&all, 8192);
	for (size_t i = 0; names && i < declared->n; i++) {
		names[i] = declared->keys[i]->text;
		prs_buf_putf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	if (!names)
		return;
	const char *near = jf_nearest(m->d, key->text, names, declared->n);
	prs_yaml_find(m->d, PRS_MISTAKE, key->at, "the component has no input %s%s%s%s%s", key->text, near,
	              near[0] ? "" : " (it has ", near[0] ? "" : prs_buf_str(&all), near[0] ? "" : ")");
}

void jf_inputs(struct jobfile *m)
{
	const struct prs_yaml *given = jf_value(m->job, "inputs"), *declared = jf_value(m->component, "inputs");
	given = given && given->kind == PRS_YAML_MAP ? given : NULL;
	declared = declared && declared->kind == PRS_YAML_MAP ? declared : NULL;
	for (size_t i = 0; declared && i < declared->n; i++) {
		struct jf_input *in = jf_check_name(m, declared->keys[i], "input")
		                              ? add_input(m, &m->inputs, &m->inputs_n, declared->keys[i])
		                              : NULL;
		const struct prs_yaml *value = given ? prs_yaml_at(given, declared->keys[i]->text) : NULL,
				      *key = value ? prs_yaml_key(given, declared->keys[i]->text) : NULL;
		if (!in)
			continue;
		in->at = key ? key->at : in->at;
		one_input(m, in, declared->items[i], value);
		missing_value(m, in);
	}
	for (size_t i = 0; given && i < given->n; i++) {
		if (declared && prs_yaml_key(declared, given->keys[i]->text))
			continue;
		if (declared) {
			unknown_input(m, given->keys[i], declared);
			continue;
		}
		struct jf_input *in = jf_check_name(m, given->keys[i], "input")
		                              ? add_input(m, &m->inputs, &m->inputs_n, given->keys[i])
		                              : NULL;
		if (!in)
			continue;
		one_input(m, in, NULL, given->items[i]);
		missing_value(m, in);
	}
}

void jf_flag_inputs(struct jobfile *m)
{
	const struct prs_list *l = &m->j->o.input;
	for (size_t i = 0; i < l->n; i++) {
		size_t n = strcspn(l->v[i], "=");
		char name[256];
		snprintf(name, sizeof name, "%.*s", (int)(n < 255 ? n : 255), l->v[i]);
		bool pair = l->v[i][n] && !strpbrk(name, "/@*?");
		if (pair && (jf_find_input(m->inputs, m->inputs_n, name, n) ||
		             jf_find_input(m->parent_inputs, m->parent_inputs_n, name, n)))
			continue;
		const char **names = yaml_alloc(m->d, (m->inputs_n + 1) * sizeof *names);
		for (size_t k = 0; names && k < m->inputs_n; k++)
			names[k] = m->inputs[k].name;
		if (!names)
			return;
		if (pair)
			prs_yaml_find(m->d, PRS_MISTAKE, input_flag_mark(m, l->v[i]), "the job has no input %s%s", name,
			              jf_nearest(m->d, name, names, m->inputs_n));
		else
			prs_yaml_find(m->d, PRS_MISTAKE, input_flag_mark(m, l->v[i]),
			              "expected NAME=PATH, as in %s=%s: the job names its inputs",
			              m->inputs_n ? names[0] : "NAME", l->v[i]);
	}
}

/* ---- what is split ----------------------------------------------------------------------------------------------- */

static struct prs_job_input *new_job_input(struct jobfile *m, const char *name, const char *type)
{
	struct prs_job *j = m->j;
	struct prs_job_input *v = prs_realloc(j->inputs, (j->inputs_n + 1) * sizeof *v);
	if (!v) {
		m->d->failed = true;
		return NULL;
	}
	j->inputs = v;
	v[j->inputs_n] = (struct prs_job_input){ .name = prs_strdup(name), .type = prs_strdup(type) };
	m->d->failed = m->d->failed || !v[j->inputs_n].name || !v[j->inputs_n].type;
	return &v[j->inputs_n++];
}

void jf_add_input(struct jobfile *m, const char *name, const char *type, const char *path, struct prs_mark at)
{
	struct prs_err err = { 0 };
	/* files of v1 and deployments do not say what their inputs are: the folder does */
	bool any = !m->job && !m->component, is_list = path[0] == '@';
	if (any && !is_list && prs_job_has_mltable(m->fs, path))
		type = "mltable";
	struct prs_job_input *in = new_job_input(m, name, type);
	if (!in)
		return;
	in->asset = jf_asset_of(m, path);
	if (path[0] == JF_LATE_OPEN) {
		in->path = prs_strdup(path);
		m->d->failed = m->d->failed || !in->path;
		return;
	}
	if (!strcmp(type, "mltable") && !is_list && jf_kind_of(m, path) == 'd')
		jf_mltable(m, in, path, at);
	else if (prs_job_input_resolve(in, m->fs, m->q->cwd, path, &err) < 0)
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: %s: %s", name, err.msg,
		              is_list || !in->path ? path : in->path);
}

/* paths: of an input that is split */
static void jf_add_paths(struct jobfile *m, const char *name, const char *type, const struct prs_yaml *paths)
{
	struct prs_job_input *in = new_job_input(m, name, type);
	for (size_t i = 0; in && i < paths->n; i++)
		jf_add_part(m, in, paths->items[i], "paths");
	if (in)
		jf_end_parts(m, in);
}

/* The rows of a table are given to run() directly; the files of an input by one of the other ways. */
static void check_mode(struct jobfile *m, const struct jf_input *in)
{
	const struct prs_job_input *last = m->j->inputs_n ? &m->j->inputs[m->j->inputs_n - 1] : NULL;
	bool is_table = last && last->mltable && last->table;
	if (is_table && in->mode && in->mode->kind == PRS_YAML_SCALAR && strcasecmp(in->mode->text, "direct") != 0)
		prs_yaml_find(m->d, PRS_MISTAKE, in->mode->at,
		              "mode: input %s is a table by its MLTable: expected direct, found %s: write mode: direct",
		              in->name, in->mode->text);
}

static void split_input(struct jobfile *m, struct jf_input *in, struct prs_mark at)
{
	if (in->bad)
		return;
	in->split = true;
	if (in->unset) {
		prs_yaml_find(m->d, jf_no_input(m), at,
		              "input_data: input %s has no value: give it one, or --input %s=PATH", in->name, in->name);
		return;
	}
	if (!in->data && in->node && !in->type) { /* a bare text: it can only be a path */
		if (!jf_is_known(m, in->literal, in->at, in->name))
			return;
		in->type = "uri_folder";
		in->path = jf_path(m, in->literal, prs_yaml_dir(m->d, in->node), in->at, in->name);
		in->data = true;
		if (!in->path)
			return;
	}
	if (!in->data) {
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "input_data: input %s is of type %s: expected data (uri_folder or mltable)", in->name,
		              in->type ? in->type : "text");
		return;
	}
	if (!strcmp(in->type, "uri_file") && !m->pf_enabled) {
		prs_yaml_find(m->d, PRS_MISTAKE, in->at,
		              "Input format UriFile is not supported (input %s: use uri_folder, or mltable)", in->name);
		return;
	}
	if (in->paths)
		jf_add_paths(m, in->name, in->type, in->paths);
	else
		jf_add_input(m, in->name, in->type, in->path, in->at);
	check_mode(m, in);
	if (in->partition_format && m->j->inputs_n)
		jf_set_format(m, &m->j->inputs[m->j->inputs_n - 1], in->partition_format);
}

static void input_data_item(struct jobfile *m, const struct prs_yaml *node)
{
	struct prs_expr e;
	const char *name, *value;
	size_t n;
	bool single = node->kind == PRS_YAML_SCALAR && prs_expr_single(node->text, &e);
	if (!single || !(prs_expr_name(&e, "inputs.", &name, &n) || prs_expr_name(&e, "parent.inputs.", &name, &n))) {
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "input_data: expected ${{inputs.NAME}}, found %s%.100s",
		              node->kind == PRS_YAML_SCALAR ? "" : prs_yaml_kind_name(node), node->text);
		return;
	}
	struct jf_input *in = jf_find_input(m->inputs, m->inputs_n, name, n);
	if (in)
		split_input(m, in, node->at);
	else if (strncmp(e.p, "parent.", 7) || !(in = jf_find_input(m->parent_inputs, m->parent_inputs_n, name, n)))
		jf_reference(m, &e, node, NULL, &value); /* says so */
	else
		split_input(m, in, node->at);
}

/* No input_data: the only mltable, else the only data input. */
static void guess_input_data(struct jobfile *m)
{
	struct jf_input *tables = NULL, *folders = NULL;
	unsigned tables_n = 0, folders_n = 0;
	for (size_t i = 0; i < m->inputs_n; i++) {
		struct jf_input *in = &m->inputs[i];
		if (in->type && !strcmp(in->type, "mltable") && ++tables_n)
			tables = in;
		if (in->type && !strcmp(in->type, "uri_folder") && ++folders_n)
			folders = in;
	}
	struct jf_input *in = tables_n == 1 ? tables : NULL;
	if (!tables_n && folders_n == 1)
		in = folders;
	struct prs_mark at = (m->job ? m->job : m->pipeline)->at;
	if (!in && jf_misspelt(m, "input_data"))
		return;
	if (!in) {
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "input_data is missing: say which input is split, as in input_data: ${{inputs.data}}");
		return;
	}
	prs_yaml_find(m->d, PRS_WARNING, at, "input_data is missing: input %s is split (the only %s)", in->name,
	              in->type);
	split_input(m, in, at);
}

void jf_input_data(struct jobfile *m)
{
	const struct prs_yaml *node = jf_get(m, "input_data");
	if (!node)
		guess_input_data(m);
	else if (node->kind == PRS_YAML_LIST)
		for (size_t i = 0; i < node->n; i++)
			input_data_item(m, node->items[i]);
	else
		input_data_item(m, node);
	jf_side_data(m);
}

void jf_side_data(struct jobfile *m)
{
	for (size_t i = 0; i < m->inputs_n; i++) { /* the others: reference data, not part of the code */
		struct jf_input *in = &m->inputs[i];
		if (!in->data || in->bad || !in->path || in->path[0] == '@' || in->path[0] == JF_LATE_OPEN)
			continue;
		bool there = jf_kind_of(m, in->path);
		if (there && prs_list_add(&m->j->data_paths, in->path) < 0)
			m->d->failed = true;
		if (!in->split && !there)
			prs_yaml_find(m->d, PRS_MISTAKE, in->at, "input %s: no such file or folder: %s", in->name,
			              in->path);
	}
}
