/* SPDX-License-Identifier: Apache-2.0
 * jobfile_outputs: where the outputs of a job file lie: a path, a place that prs.yml maps, else the run folder; and
 * which of them is the file of append_row.
 */
#include "spec/jobfile_impl.h"

#include "base/many.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char output_modes[] = "rw_mount|mount|upload|direct";

struct jf_output *jf_find_output(struct jf_output *v, size_t count, const char *name, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(v[i].name) == n && !strncmp(v[i].name, name, n))
			return &v[i];
	return NULL;
}

const char *jf_output_type(struct jobfile *m, const struct prs_yaml *map)
{
	static const char *const types[] = { "uri_folder",   "uri_file",     "mltable", "custom_model",
		                             "mlflow_model", "triton_model", "string",  "integer",
		                             "number",       "boolean",      "path" /* older: a folder */ };
	const struct prs_yaml *v = jf_value(map, "type");
	if (!v || v->kind != PRS_YAML_SCALAR)
		return NULL;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (!strcasecmp(v->text, types[i]))
			return strcmp(types[i], "path") ? types[i] : "uri_folder";
	prs_yaml_find(m->d, PRS_MISTAKE, v->at, "type: expected one of uri_folder|uri_file|mltable, found \"%.100s\"%s",
	              v->text, jf_nearest(m->d, v->text, types, sizeof types / sizeof *types));
	return NULL;
}

/* A path of --output: one that ends with / is a folder, whatever it was declared as. */
static void take_flag(struct jobfile *m, struct jf_output *out, const char *path)
{
	size_t n = strlen(path);
	if (strpbrk(path, JF_LATE_BYTES)) {
		prs_yaml_find(m->d, PRS_MISTAKE, jf_flag_mark(m, "--output"), "the path of %s holds a byte 1 or 2",
		              out->name);
		return;
	}
	out->path = jf_kept(m, prs_path_absolute(m->q->cwd, path));
	if (n && path[n - 1] == '/')
		out->type = "uri_folder";
}

static const char *output_flag(struct jobfile *m, const char *name)
{
	const struct prs_list *l = &m->j->o.output;
	size_t n = strlen(name);
	for (size_t i = 0; i < l->n; i++)
		if (!strncmp(l->v[i], name, n) && l->v[i][n] == '=')
			return l->v[i] + n + 1;
	return NULL;
}

/* Where an output lies does not hang on where another one does. */
static bool names_output(const char *text)
{
	for (const char *p = text; (p = strchr(p, JF_LATE_OPEN)) != NULL; p++)
		if (!strncmp(p + 1, "outputs.", 8))
			return true;
	return false;
}

/* The path of an output as written. A place in the cloud that prs.yml does not map becomes one in the run folder. */
static void output_path(struct jobfile *m, struct jf_output *out, const struct prs_yaml *node)
{
	const char *text = jf_expand_late(m, node, out->name);
	if (text && names_output(text)) {
		jf_is_known(m, text, node->at, "path");
		text = NULL;
	}
	if (!text) {
		out->bad = true;
		return;
	}
	text = jf_without_scheme(text);
	struct prs_err err;
	struct prs_resolved found;
	prs_project_resolve(m->project, text, PRS_WANT_DATA, &found, &err);
	char *mapped = found.path;
	found.path = NULL;
	prs_resolved_done(&found);
	if (text[0] == JF_LATE_OPEN && !strncmp(text + 1, "outputs", 7)) { /* ${{prs.outputs}}/x */
		out->path = text;
	} else if (mapped || !prs_is_reference(text)) {
		out->path = jf_kept(m, mapped ? mapped : prs_path_absolute(prs_yaml_dir(m->d, node), text));
	}
	if (out->path || m->d->failed)
		return;
	PRS_AUTOFREE char *entry = jf_entry_for(text);
	bool late = entry && strchr(entry, JF_LATE_OPEN);
	prs_yaml_find(m->d, PRS_WARNING, node->at,
	              "output %s: this place is not mapped in prs.yml%s%s%s: it goes to the folder outputs/ of the run",
	              out->name, entry && !late ? " (" : "", entry && !late ? entry : "", entry && !late ? ")" : "");
	const char *last = strrchr(text, '/');
	if (out->type && !strcmp(out->type, "uri_file") && last && last[1])
		out->path = jf_kept(m, prs_strf("%coutputs%c/%s", JF_LATE_OPEN, JF_LATE_CLOSE, last + 1));
}

static void bind_output(struct jobfile *m, struct jf_output *out, const struct prs_yaml *node)
{
	struct prs_expr e;
	const char *name;
	size_t n;
	if (!prs_expr_single(node->text, &e) || !prs_expr_name(&e, "parent.outputs.", &name, &n)) {
		output_path(m, out, node);
		return;
	}
	struct jf_output *from = jf_find_output(m->parent_outputs, m->parent_outputs_n, name, n);
	if (!from) {
		const char **names = yaml_alloc(m->d, (m->parent_outputs_n + 1) * sizeof *names);
		char word[128];
		snprintf(word, sizeof word, "%.*s", (int)(n < 100 ? n : 100), name);
		for (size_t i = 0; names && i < m->parent_outputs_n; i++)
			names[i] = m->parent_outputs[i].name;
		out->bad = true;
		if (!jf_misspelt(m, "outputs"))
			prs_yaml_find(m->d, PRS_MISTAKE, node->at, "the pipeline has no output named %s%s", word,
			              names ? jf_nearest(m->d, word, names, m->parent_outputs_n) : "");
		return;
	}
	out->path = from->path;
	out->type = out->type ? out->type : from->type;
	out->bad = from->bad;
	if (m->flow)
		jf_bind_maker(m, from, out->name, node->at);
}

static void one_output(struct jobfile *m, struct jf_output *out, const struct prs_yaml *declared,
                       const struct prs_yaml *given)
{
	const struct prs_yaml *map = given && given->kind == PRS_YAML_MAP ? given : NULL,
			      *path = map ? jf_value(map, "path") : NULL;
	jf_check_keys(m, map, JF_OUTPUT, "an output");
	jf_check_keys(m, declared, JF_OUTPUT, "an output");
	jf_choice(m, map ? jf_value(map, "mode") : NULL, "mode", output_modes);
	out->type = map ? jf_output_type(m, map) : NULL;
	const char *declared_type = jf_output_type(m, declared);
	out->type = out->type ? out->type : declared_type;
	const char *flag = output_flag(m, out->name);
	if (flag) {
		take_flag(m, out, flag);
	} else if (path && path->kind == PRS_YAML_SCALAR) {
		bind_output(m, out, path);
	} else if (given && given->kind == PRS_YAML_SCALAR && given->type != PRS_YAML_NULL) {
		bind_output(m, out, given);
	} else if (given && given->kind == PRS_YAML_LIST) {
		prs_yaml_find(m->d, PRS_MISTAKE, given->at, "output %s: expected keys (type, path, mode), found a list",
		              out->name);
		out->bad = true;
	}
}

static struct jf_output *add_output(struct jobfile *m, struct jf_output **v, size_t *n, const struct prs_yaml *key)
{
	struct jf_output *grown = jf_check_name(m, key, "output") ? yaml_alloc(m->d, (*n + 1) * sizeof *grown) : NULL;
	if (!grown)
		return NULL;
	if (*n)
		memcpy(grown, *v, *n * sizeof *grown);
	*v = grown;
	grown[*n] = (struct jf_output){ .name = key->text, .at = key->at };
	return &grown[(*n)++];
}

void jf_parent_outputs(struct jobfile *m)
{
	const struct prs_yaml *map = jf_value(m->pipeline, "outputs"), *users = m->users ? m->users : m->job;
	for (size_t i = 0; map && map->kind == PRS_YAML_MAP && i < map->n; i++) {
		struct jf_output *out = add_output(m, &m->parent_outputs, &m->parent_outputs_n, map->keys[i]);
		if (out && jf_refers(users, "outputs.", out->name))
			one_output(m, out, NULL, map->items[i]);
		else if (out)
			jf_check_keys(m, map->items[i], JF_OUTPUT, "an output");
	}
}

void jf_flag_outputs(struct jobfile *m)
{
	const struct prs_list *l = &m->j->o.output;
	for (size_t i = 0; i < l->n; i++) {
		size_t n = strcspn(l->v[i], "=");
		if (!l->v[i][n] || memchr(l->v[i], '/', n))
			continue; /* the append_row file: jf_append_row_to */
		if (jf_find_output(m->outputs, m->outputs_n, l->v[i], n) ||
		    jf_find_output(m->parent_outputs, m->parent_outputs_n, l->v[i], n))
			continue;
		PRS_AUTOFREE char *text = prs_strf("--output %s", l->v[i]);
		const char **names = yaml_alloc(m->d, (m->outputs_n + 1) * sizeof *names);
		char word[128];
		snprintf(word, sizeof word, "%.*s", (int)(n < 100 ? n : 100), l->v[i]);
		for (size_t k = 0; names && k < m->outputs_n; k++)
			names[k] = m->outputs[k].name;
		if (names && text)
			prs_yaml_find(m->d, PRS_MISTAKE, jf_flag_mark(m, text), "the job has no output %s%s", word,
			              jf_nearest(m->d, word, names, m->outputs_n));
	}
}

void jf_outputs(struct jobfile *m)
{
	const struct prs_yaml *given = jf_value(m->job, "outputs"), *declared = jf_value(m->component, "outputs");
	given = given && given->kind == PRS_YAML_MAP ? given : NULL;
	declared = declared && declared->kind == PRS_YAML_MAP ? declared : NULL;
	if (!m->flow)
		jf_parent_outputs(m);
	for (size_t i = 0; declared && i < declared->n; i++) {
		struct jf_output *out = add_output(m, &m->outputs, &m->outputs_n, declared->keys[i]);
		if (out)
			one_output(m, out, declared->items[i], given ? prs_yaml_at(given, out->name) : NULL);
	}
	for (size_t i = 0; given && i < given->n; i++) {
		if (declared && prs_yaml_key(declared, given->keys[i]->text))
			continue;
		const char **names = declared ? yaml_alloc(m->d, (declared->n + 1) * sizeof *names) : NULL;
		for (size_t k = 0; names && k < declared->n; k++)
			names[k] = declared->keys[k]->text;
		if (names)
			prs_yaml_find(m->d, PRS_MISTAKE, given->keys[i]->at, "the component has no output %s%s",
			              given->keys[i]->text, jf_nearest(m->d, given->keys[i]->text, names, declared->n));
		struct jf_output *out = names ? NULL : add_output(m, &m->outputs, &m->outputs_n, given->keys[i]);
		if (out)
			one_output(m, out, NULL, given->items[i]);
	}
	jf_flag_outputs(m);
}

/* The outputs of the job, as the job keeps them. */
void jf_keep_outputs(struct jobfile *m)
{
	struct prs_job *j = m->j;
	j->outputs = prs_calloc(m->outputs_n + 1, sizeof *j->outputs);
	for (size_t i = 0; j->outputs && i < m->outputs_n; i++) {
		const struct jf_output *out = &m->outputs[i];
		struct prs_job_output *to = &j->outputs[j->outputs_n++];
		*to = (struct prs_job_output){ prs_strdup(out->name), prs_strdup(out->type ? out->type : "uri_folder"),
			                       out->path ? prs_strdup(out->path) : NULL };
		if (!to->name || !to->type || (out->path && !to->path))
			m->d->failed = true;
	}
	m->d->failed = m->d->failed || !j->outputs;
}

/* --output PATH without a name. */
const char *jf_bare_output_flag(struct jobfile *m)
{
	const struct prs_list *l = &m->j->o.output;
	const char *path = NULL;
	for (size_t i = 0; i < l->n; i++) {
		size_t n = strcspn(l->v[i], "=");
		if (!l->v[i][n] || memchr(l->v[i], '/', n))
			path = l->v[i];
	}
	return path;
}

void jf_append_row_to(struct jobfile *m)
{
	const struct prs_yaml *node = jf_get(m, "task.append_row_to") ? jf_get(m, "task.append_row_to")
	                                                              : jf_get(m, "append_row_to");
	struct prs_job *j = m->j;
	const char *flag = jf_bare_output_flag(m), *name;
	struct prs_expr e;
	size_t n;
	j->append_to = -1;
	if (!node) {
		jf_set_default(m, "output-action", "summary_only");
	} else if (node->kind != PRS_YAML_SCALAR || !prs_expr_single(node->text, &e) ||
	           !prs_expr_name(&e, "outputs.", &name, &n)) {
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "append_row_to: expected ${{outputs.NAME}}, found %s%.100s",
		              node->kind == PRS_YAML_SCALAR ? "" : prs_yaml_kind_name(node), node->text);
	} else {
		const struct jf_output *out = jf_find_output(m->outputs, m->outputs_n, name, n);
		const char *unused;
		if (!out)
			jf_reference(m, &e, node, NULL, &unused); /* says so */
		else
			j->append_to = (int)(out - m->outputs);
	}
	int only = j->append_to;
	if (only < 0 && m->outputs_n == 1)
		only = 0;
	if (flag && only >= 0)
		take_flag(m, &m->outputs[only], flag);
	else if (flag && m->outputs_n)
		prs_yaml_find(m->d, PRS_MISTAKE, jf_flag_mark(m, "--output"),
		              "expected NAME=PATH: the job has %s and no append_row_to",
		              prs_many(m->outputs_n, "output").text);
	else if (flag) {
		j->output_dir = prs_path_absolute(m->q->cwd, flag);
		m->d->failed = m->d->failed || !j->output_dir;
	}
	m->append_at = node ? node->at : (struct prs_mark){ 0 };
	jf_keep_outputs(m);
}
