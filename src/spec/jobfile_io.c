/* SPDX-License-Identifier: Apache-2.0
 * jobfile_io: inputs and outputs of a job file: from the pipeline, the job, its component and the command line to paths
 * and texts.
 */
#include "spec/jobfile_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const data_types[] = { "uri_folder",   "uri_file",     "mltable", "custom_model",
	                                  "mlflow_model", "triton_model", "path" };
static const char *const literal_types[] = { "string", "integer", "number", "boolean" };
enum {
	DATA_TYPES = sizeof data_types / sizeof *data_types,
	LITERAL_TYPES = sizeof literal_types / sizeof *literal_types
};
static const char input_modes[] = "ro_mount|download|direct|eval_mount|eval_download|mount|rw_mount";
static const char output_modes[] = "rw_mount|mount|upload|direct";

static bool is_data(const char *type)
{
	for (size_t i = 0; type && i < DATA_TYPES; i++)
		if (!strcmp(type, data_types[i]))
			return true;
	return false;
}

static bool is_literal(const char *type)
{
	for (size_t i = 0; type && i < LITERAL_TYPES; i++)
		if (!strcmp(type, literal_types[i]))
			return true;
	return false;
}

struct jf_input *jf_find_input(struct jf_input *v, size_t count, const char *name, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(v[i].name) == n && !strncmp(v[i].name, name, n))
			return &v[i];
	return NULL;
}

struct jf_output *jf_find_output(struct jf_output *v, size_t count, const char *name, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(v[i].name) == n && !strncmp(v[i].name, name, n))
			return &v[i];
	return NULL;
}

char jf_kind_of(const struct jobfile *m, const char *path)
{
	struct prs_fs_stat st;
	if (m->q->fs->stat(m->q->fs->ctx, path, &st) < 0)
		return 0;
	return S_ISREG(st.mode) ? 'f' : S_ISDIR(st.mode) ? 'd' : 'o';
}

static const char *kept(struct jobfile *m, char *text) /* frees its argument */
{
	const char *copy = text ? yaml_text(m->d, text, strlen(text)) : NULL;
	m->d->failed = m->d->failed || !copy;
	prs_freep(&text);
	return copy;
}

/* ---- paths ------------------------------------------------------------------------------------------------------- */

/* "file:./x", "azureml:./x" (as the SDK prints local paths) -> "./x" */
static const char *without_scheme(const char *text)
{
	if (!strncmp(text, "file://", 7))
		return text + 7;
	if (!strncmp(text, "file:", 5))
		return text + 5;
	if (!strncmp(text, "azureml:", 8) && (text[8] == '.' || (text[8] == '/' && text[9] != '/')))
		return text + 8;
	return text;
}

/* What to write into prs.yml, as it is to be written; the caller frees. */
static char *entry_for(const char *text)
{
	const char *store = !strncmp(text, "azureml://", 10) ? strstr(text, "datastores/") : NULL;
	PRS_AUTOFREE char *name = store ? prs_strf("%.*s", (int)strcspn(store + 11, "/"), store + 11) : NULL;
	return name ? prs_strf("datastores: {%s: FOLDER}", name) : prs_strf("assets: {\"%.200s\": PATH}", text);
}

static void not_mapped(struct jobfile *m, const char *text, struct prs_mark at, const char *what)
{
	const char *file = prs_project_file(m->q->project);
	PRS_AUTOFREE char *entry = entry_for(text);
	if (!entry)
		m->d->failed = true;
	else
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "%s: %.200s is not on this machine: map it in %s (%s), or give a local path", what, text,
		              file ? file : "a file prs.yml beside the job file or above it", entry);
}

const char *jf_path(struct jobfile *m, const char *text, const char *dir, struct prs_mark at, const char *what)
{
	text = without_scheme(text);
	char *mapped = prs_project_path(m->q->project, text);
	if (mapped)
		return kept(m, mapped);
	if (!prs_is_reference(text))
		return kept(m, prs_path_absolute(dir, text));
	not_mapped(m, text, at, what);
	return NULL;
}

/* ---- one input --------------------------------------------------------------------------------------------------- */

bool jf_choice(struct jobfile *m, const struct prs_yaml *node, const char *key, const char *words)
{
	const char *names[32];
	char copy[512];
	size_t n = 0;
	if (!node || node->kind != PRS_YAML_SCALAR || prs_expr_any(node->text))
		return true;
	snprintf(copy, sizeof copy, "%s", words);
	for (char *save = NULL, *w = strtok_r(copy, "|", &save); w && n < 32; w = strtok_r(NULL, "|", &save))
		names[n++] = w;
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(names[i], node->text))
			return true;
	prs_yaml_find(m->d, PRS_MISTAKE, node->at, "%s: expected one of %s, found \"%.100s\"%s", key, words, node->text,
	              jf_nearest(m->d, node->text, names, n));
	return false;
}

static bool yes(const struct prs_yaml *map, const char *key)
{
	const struct prs_yaml *v = jf_value(map, key);
	return v && v->kind == PRS_YAML_SCALAR && !strcasecmp(v->plain ? v->value : v->text, "true");
}

static const char *type_of(struct jobfile *m, const struct prs_yaml *map)
{
	const struct prs_yaml *v = jf_value(map, "type");
	if (!v || v->kind != PRS_YAML_SCALAR)
		return NULL;
	for (size_t i = 0; i < DATA_TYPES; i++)
		if (!strcasecmp(v->text, data_types[i]))
			return data_types[i];
	for (size_t i = 0; i < LITERAL_TYPES; i++)
		if (!strcasecmp(v->text, literal_types[i]))
			return literal_types[i];
	const char *names[DATA_TYPES + LITERAL_TYPES];
	memcpy(names, data_types, sizeof data_types);
	memcpy(names + DATA_TYPES, literal_types, sizeof literal_types);
	prs_yaml_find(m->d, PRS_MISTAKE, v->at,
	              "type: expected one of "
	              "uri_folder|uri_file|mltable|custom_model|mlflow_model|triton_model|string|integer|number|"
	              "boolean, found \"%.100s\"%s",
	              v->text, jf_nearest(m->d, v->text, names, DATA_TYPES + LITERAL_TYPES));
	return NULL;
}

static bool is_number(const char *s, bool whole)
{
	char *end;
	if (!*s || s[strspn(s, "+-.0123456789eE")] || (whole && s[strspn(s, "+-0123456789")]))
		return false;
	strtod(s, &end);
	return *end == 0;
}

static void check_bounds(struct jobfile *m, const struct jf_input *in, const struct prs_yaml *declared,
                         struct prs_mark at)
{
	const struct prs_yaml *min = jf_value(declared, "min"), *max = jf_value(declared, "max"),
			      *words = jf_value(declared, "enum");
	double v = strtod(in->literal, NULL);
	bool number = !strcmp(in->type, "integer") || !strcmp(in->type, "number");
	if (number && min && min->kind == PRS_YAML_SCALAR && v < strtod(min->value, NULL))
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: expected at least %s, found \"%.100s\"", in->name,
		              min->value, in->literal);
	if (number && max && max->kind == PRS_YAML_SCALAR && v > strtod(max->value, NULL))
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: expected at most %s, found \"%.100s\"", in->name,
		              max->value, in->literal);
	bool known = !words || words->kind != PRS_YAML_LIST;
	for (size_t i = 0; !known && i < words->n; i++)
		known = words->items[i]->kind == PRS_YAML_SCALAR &&
		        (!strcmp(words->items[i]->value, in->literal) || !strcmp(words->items[i]->text, in->literal));
	if (!known)
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: \"%.100s\" is none of the words of enum (%s)", in->name,
		              in->literal, prs_yaml_where(m->d, words->at));
}

/* The text of a literal as its type says; mistakes are findings. */
static void check_literal(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared, struct prs_mark at)
{
	if (!in->type || !in->literal)
		return;
	bool whole = !strcmp(in->type, "integer"), number = whole || !strcmp(in->type, "number"),
	     truth = !strcmp(in->type, "boolean");
	bool fits = !truth || !strcasecmp(in->literal, "true") || !strcasecmp(in->literal, "false");
	if (number)
		fits = is_number(in->literal, whole);
	if (truth && fits)
		in->literal = !strcasecmp(in->literal, "true") ? "True" : "False";
	if (!fits) {
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: expected %s, found \"%.100s\"", in->name,
		              truth   ? "true or false"
		              : whole ? "a whole number"
		                      : "a number",
		              in->literal);
		in->bad = true;
		return;
	}
	check_bounds(m, in, declared, at);
}

/* "@files.txt" with its path made absolute. */
static const char *list_path(struct jobfile *m, const char *text, const char *dir)
{
	PRS_AUTOFREE char *path = prs_path_absolute(dir, text + 1);
	return path ? kept(m, prs_strf("@%s", path)) : NULL;
}

/* A text that stands for the value: a path for data, else a literal. */
static void set_text(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared, const char *text,
                     const char *dir, struct prs_mark at)
{
	in->at = at;
	if (is_data(in->type)) {
		in->data = true;
		in->path = text[0] == '@' && text[1] ? list_path(m, text, dir) : jf_path(m, text, dir, at, in->name);
		in->bad = !in->path;
		return;
	}
	in->literal = text;
	check_literal(m, in, declared, at);
}

/* The one input of the pipeline that a value is bound to; NULL when it is bound to none. `ret_bad`: it names none. */
static struct jf_input *bound_to(struct jobfile *m, const struct prs_yaml *node, bool *ret_bad)
{
	struct prs_expr e;
	const char *name, *value;
	size_t n;
	*ret_bad = false;
	if (!m->pipeline || !node || node->kind != PRS_YAML_SCALAR || !prs_expr_single(node->text, &e))
		return NULL;
	if (!prs_expr_name(&e, "parent.inputs.", &name, &n)) {
		if (prs_expr_name(&e, "inputs.", &name, &n) &&
		    jf_find_input(m->parent_inputs, m->parent_inputs_n, name, n))
			return jf_find_input(m->parent_inputs, m->parent_inputs_n, name, n); /* older spelling */
		return NULL;
	}
	struct jf_input *in = jf_find_input(m->parent_inputs, m->parent_inputs_n, name, n);
	*ret_bad = !in && jf_reference(m, &e, node, NULL, &value) == JF_REF_BAD;
	return in;
}

static void copy_bound(struct jobfile *m, struct jf_input *in, const struct jf_input *from,
                       const struct prs_yaml *declared, const struct prs_yaml *node)
{
	in->at = node->at;
	in->bad = from->bad;
	in->unset = from->unset;
	in->type = in->type && !from->plain ? in->type : from->type;
	in->partition_format = in->partition_format ? in->partition_format : from->partition_format;
	if (from->unset || from->bad)
		return;
	if (from->data) {
		in->data = true;
		in->path = from->path;
		in->paths = from->paths;
		if (is_literal(in->type)) {
			prs_yaml_find(m->d, PRS_MISTAKE, node->at, "input %s is declared as %s, but %s is data (%s)",
			              in->name, in->type, from->name, prs_yaml_where(m->d, from->at));
			in->bad = true;
		}
		return;
	}
	set_text(m, in, declared, from->literal, prs_yaml_dir(m->d, node), node->at);
}

static void scalar_value(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared,
                         const struct prs_yaml *node)
{
	bool bad;
	const struct jf_input *from = bound_to(m, node, &bad);
	in->node = node;
	if (from) {
		copy_bound(m, in, from, declared, node);
		return;
	}
	if (!is_data(in->type))
		jf_trap(m, node);
	const char *text = bad                                               ? NULL
	                   : is_data(in->type) && !strstr(node->text, "${{") ? node->text
	                                                                     : jf_expand(m, node, NULL);
	in->bad = !text;
	if (text)
		set_text(m, in, declared, text, prs_yaml_dir(m->d, node), node->at);
}

static void map_value(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared,
                      const struct prs_yaml *map)
{
	const struct prs_yaml *path = jf_value(map, "path"), *value = jf_value(map, "value"),
			      *paths = jf_value(map, "paths");
	jf_choice(m, jf_value(map, "mode"), "mode", input_modes);
	if ((path || paths) && !in->type)
		in->type = "uri_folder";
	if (paths && (path || value || paths->kind != PRS_YAML_LIST || !paths->n || is_literal(in->type))) {
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
	if (path && is_literal(in->type)) {
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

static struct prs_mark flag_mark(struct jobfile *m, const char *text)
{
	struct prs_mark at = { yaml_add_source(m->d, text, m->q->cwd, (const uint8_t *)"", 0), 0, 0, 0 };
	return at;
}

static struct prs_mark input_flag_mark(struct jobfile *m, const char *name)
{
	PRS_AUTOFREE char *text = prs_strf("--input %s", name);
	return flag_mark(m, text ? text : "--input");
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

/* An input from its declaration (component, or a file of its own) and its value (job or pipeline), any of which may be
 * missing. */
static void one_input(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared,
                      const struct prs_yaml *given)
{
	const struct prs_yaml *map = given && given->kind == PRS_YAML_MAP ? given : NULL;
	in->type = map ? type_of(m, map) : NULL;
	const char *declared_type = type_of(m, declared);
	in->type = in->type ? in->type : declared_type;
	in->optional = yes(declared, "optional") || yes(map, "optional");
	jf_check_keys(m, map, JF_INPUT, "an input");
	jf_check_keys(m, declared, JF_INPUT, "an input");
	const struct prs_yaml *format = jf_value(map, "partition_format") ? jf_value(map, "partition_format")
	                                                                  : jf_value(declared, "partition_format");
	in->partition_format = format && format->kind == PRS_YAML_SCALAR ? format : NULL;
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
static bool check_name(struct jobfile *m, const struct prs_yaml *key, const char *what)
{
	const char *s = key->text;
	bool good = s[0] && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == 0 &&
	            strlen(s) < 256;
	if (!good)
		prs_yaml_find(m->d, PRS_MISTAKE, key->at,
		              "the name of an %s consists of letters, digits, _ and -, found \"%.100s\"", what, s);
	return good;
}

void jf_parent_inputs(struct jobfile *m)
{
	const struct prs_yaml *map = jf_value(m->pipeline, "inputs");
	for (size_t i = 0; map && map->kind == PRS_YAML_MAP && i < map->n; i++) {
		if (!check_name(m, map->keys[i], "input"))
			continue;
		struct jf_input *in = add_input(m, &m->parent_inputs, &m->parent_inputs_n, map->keys[i]);
		if (in)
			one_input(m, in, NULL, map->items[i]);
	}
}

enum prs_severity jf_no_input(const struct jobfile *m)
{
	return m->q->inputs_later && !m->pipeline ? PRS_WARNING : PRS_MISTAKE;
}

static void missing_value(struct jobfile *m, struct jf_input *in)
{
	if (!in->unset || in->bad || in->optional)
		return;
	in->bad = true;
	if (jf_misspelt(m, "path"))
		return;
	prs_yaml_find(m->d, jf_no_input(m), in->at, "input %s has no value: give it one, or --input %s=%s", in->name,
	              in->name, is_literal(in->type) ? "VALUE" : "PATH");
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
		struct jf_input *in = check_name(m, declared->keys[i], "input")
		                              ? add_input(m, &m->inputs, &m->inputs_n, declared->keys[i])
		                              : NULL;
		const struct prs_yaml *value = given ? prs_yaml_get(given, declared->keys[i]->text) : NULL,
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
		struct jf_input *in = check_name(m, given->keys[i], "input")
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
			              "expected NAME=PATH: the job names its inputs");
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
	struct prs_job_input *in = new_job_input(m, name, type);
	struct prs_err err = { 0 };
	if (!in)
		return;
	if (!strcmp(type, "mltable") && path[0] != '@' && jf_kind_of(m, path) == 'd') {
		jf_mltable(m, in, path, at);
		return;
	}
	if (prs_job_input_resolve(in, m->q->fs, m->q->cwd, path, &err) < 0)
		prs_yaml_find(m->d, PRS_MISTAKE, at, "input %s: %s: %s", name, err.msg,
		              path[0] == '@' || !in->path ? path : in->path);
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
	struct jf_input *in = tables_n == 1 ? tables : !tables_n && folders_n == 1 ? folders : NULL;
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
	for (size_t i = 0; i < m->inputs_n; i++) { /* the others: reference data, not part of the code */
		struct jf_input *in = &m->inputs[i];
		if (!in->data || in->bad || !in->path || in->path[0] == '@')
			continue;
		bool there = jf_kind_of(m, in->path);
		if (there && prs_list_add(&m->j->data_paths, in->path) < 0)
			m->d->failed = true;
		if (!in->split && !there)
			prs_yaml_find(m->d, PRS_MISTAKE, in->at, "input %s: no such file or folder: %s", in->name,
			              in->path);
	}
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static const char *output_type(struct jobfile *m, const struct prs_yaml *map)
{
	static const char *const types[] = { "uri_folder",   "uri_file", "mltable", "custom_model", "mlflow_model",
		                             "triton_model", "string",   "integer", "number",       "boolean" };
	const struct prs_yaml *v = jf_value(map, "type");
	if (!v || v->kind != PRS_YAML_SCALAR)
		return NULL;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (!strcasecmp(v->text, types[i]))
			return types[i];
	prs_yaml_find(m->d, PRS_MISTAKE, v->at, "type: expected one of uri_folder|uri_file|mltable, found \"%.100s\"%s",
	              v->text, jf_nearest(m->d, v->text, types, sizeof types / sizeof *types));
	return NULL;
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

/* The path of an output as written. A place in the cloud that prs.yml does not map becomes one in the run folder. */
static void output_path(struct jobfile *m, struct jf_output *out, const struct prs_yaml *node)
{
	const char *text = jf_expand(m, node, out->name);
	if (!text) {
		out->bad = true;
		return;
	}
	text = without_scheme(text);
	char *mapped = prs_project_path(m->q->project, text);
	if (text[0] == JF_LATE_OPEN && !strncmp(text + 1, "outputs", 7)) { /* ${{prs.outputs}}/x */
		out->path = text;
	} else if (mapped || !prs_is_reference(text)) {
		out->path = kept(m, mapped ? mapped : prs_path_absolute(prs_yaml_dir(m->d, node), text));
	}
	if (out->path || m->d->failed)
		return;
	PRS_AUTOFREE char *entry = entry_for(text);
	bool late = entry && strchr(entry, JF_LATE_OPEN);
	prs_yaml_find(m->d, PRS_WARNING, node->at,
	              "output %s: this place is not mapped in prs.yml%s%s%s: it goes to the folder outputs/ of the run",
	              out->name, entry && !late ? " (" : "", entry && !late ? entry : "", entry && !late ? ")" : "");
	const char *last = strrchr(text, '/');
	if (out->type && !strcmp(out->type, "uri_file") && last && last[1])
		out->path = kept(m, prs_strf("%coutputs%c/%s", JF_LATE_OPEN, JF_LATE_CLOSE, last + 1));
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
	const struct jf_output *from = jf_find_output(m->parent_outputs, m->parent_outputs_n, name, n);
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
}

static void one_output(struct jobfile *m, struct jf_output *out, const struct prs_yaml *declared,
                       const struct prs_yaml *given)
{
	const struct prs_yaml *map = given && given->kind == PRS_YAML_MAP ? given : NULL,
			      *path = map ? jf_value(map, "path") : NULL;
	jf_check_keys(m, map, JF_OUTPUT, "an output");
	jf_check_keys(m, declared, JF_OUTPUT, "an output");
	jf_choice(m, map ? jf_value(map, "mode") : NULL, "mode", output_modes);
	out->type = map ? output_type(m, map) : NULL;
	const char *declared_type = output_type(m, declared);
	out->type = out->type ? out->type : declared_type;
	const char *flag = output_flag(m, out->name);
	if (flag) {
		out->path = kept(m, prs_path_absolute(m->q->cwd, flag));
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
	struct jf_output *grown = check_name(m, key, "output") ? yaml_alloc(m->d, (*n + 1) * sizeof *grown) : NULL;
	if (!grown)
		return NULL;
	if (*n)
		memcpy(grown, *v, *n * sizeof *grown);
	*v = grown;
	grown[*n] = (struct jf_output){ .name = key->text, .at = key->at };
	return &grown[(*n)++];
}

static void parent_outputs(struct jobfile *m)
{
	const struct prs_yaml *map = jf_value(m->pipeline, "outputs");
	for (size_t i = 0; map && map->kind == PRS_YAML_MAP && i < map->n; i++) {
		struct jf_output *out = add_output(m, &m->parent_outputs, &m->parent_outputs_n, map->keys[i]);
		if (out)
			one_output(m, out, NULL, map->items[i]);
	}
}

static void flag_outputs(struct jobfile *m)
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
			prs_yaml_find(m->d, PRS_MISTAKE, flag_mark(m, text), "the job has no output %s%s", word,
			              jf_nearest(m->d, word, names, m->outputs_n));
	}
}

void jf_outputs(struct jobfile *m)
{
	const struct prs_yaml *given = jf_value(m->job, "outputs"), *declared = jf_value(m->component, "outputs");
	given = given && given->kind == PRS_YAML_MAP ? given : NULL;
	declared = declared && declared->kind == PRS_YAML_MAP ? declared : NULL;
	parent_outputs(m);
	for (size_t i = 0; declared && i < declared->n; i++) {
		struct jf_output *out = add_output(m, &m->outputs, &m->outputs_n, declared->keys[i]);
		if (out)
			one_output(m, out, declared->items[i], given ? prs_yaml_get(given, out->name) : NULL);
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
	flag_outputs(m);
}

/* The outputs of the job, as the job keeps them. */
static void keep_outputs(struct jobfile *m)
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
static const char *bare_output_flag(struct jobfile *m)
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
	const char *flag = bare_output_flag(m), *name;
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
	int only = j->append_to >= 0 ? j->append_to : m->outputs_n == 1 ? 0 : -1;
	if (flag && only >= 0)
		m->outputs[only].path = kept(m, prs_path_absolute(m->q->cwd, flag));
	else if (flag && m->outputs_n)
		prs_yaml_find(m->d, PRS_MISTAKE, flag_mark(m, "--output"),
		              "expected NAME=PATH: the job has %zu outputs and no append_row_to", m->outputs_n);
	else if (flag) {
		j->output_dir = prs_path_absolute(m->q->cwd, flag);
		m->d->failed = m->d->failed || !j->output_dir;
	}
	m->append_at = node ? node->at : (struct prs_mark){ 0 };
	keep_outputs(m);
}
