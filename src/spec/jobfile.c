/* SPDX-License-Identifier: Apache-2.0
 * jobfile: which kind of file it is; the v2 pipeline, its one parallel job and its component. A key is looked for in
 * the job first, then in its component, so that both are read as one.
 */
#include "spec/jobfile_impl.h"
#include "spec/job_check.h"
#include "spec/job_table.h"

#include "base/many.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool prs_is_jobfile(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot && (!strcasecmp(dot, ".yml") || !strcasecmp(dot, ".yaml"));
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

int jf_read_bytes(const struct prs_fs *fs, const char *path, struct prs_buf *to)
{
	int fd = prs_path_open(fs, path);
	if (fd < 0)
		return fd;
	ssize_t n = 1;
	for (uint64_t at = 0; n > 0 && to->len <= PRS_YAML_BYTES_MAX; at += (uint64_t)n) {
		uint8_t *p = prs_buf_reserve(to, 64 << 10);
		n = p ? fs->pread(fs->ctx, fd, p, 64 << 10, at) : -ENOMEM;
		to->len += n > 0 ? (size_t)n : 0;
	}
	fs->close(fs->ctx, fd);
	return n < 0 ? (int)n : 0;
}

/* A path as a person in the current folder would write it. */
static const char *shown(const struct jobfile *m, const char *path)
{
	size_t n = strlen(m->q->cwd);
	return !strncmp(path, m->q->cwd, n) && path[n] == '/' ? path + n + 1 : path;
}

struct prs_yaml *jf_read_file(struct jobfile *m, const char *path, struct prs_mark at, const char *what)
{
	PRS_AUTOBUF bytes;
	prs_buf_init(&bytes, PRS_YAML_BYTES_MAX + (256 << 10));
	int r = jf_read_bytes(m->fs, path, &bytes);
	if (r < 0) {
		prs_yaml_find(m->d, PRS_MISTAKE, at, "%s: %s: %s", what, path, prs_errno_text(-r));
		return NULL;
	}
	PRS_AUTOFREE char *dir = prs_path_folder(path);
	return dir ? prs_yaml_read(m->d, shown(m, path), dir, bytes.data ? bytes.data : (const uint8_t *)"", bytes.len)
	           : NULL;
}

/* ---- what every kind of file has --------------------------------------------------------------------------------- */

/* --name, else the file's name or display_name, else the file's own name. */
void jf_name(struct jobfile *m, const struct prs_yaml *name, const struct prs_yaml *display_name)
{
	const char *slash = strrchr(m->q->file, '/'), *file = slash ? slash + 1 : m->q->file, *dot = strrchr(file, '.');
	PRS_AUTOFREE char *stem = prs_strf("%.*s", dot && dot != file ? (int)(dot - file) : (int)strlen(file), file);
	const struct prs_yaml *node = name && name->kind == PRS_YAML_SCALAR ? name : display_name;
	const char *chosen = stem ? stem : "job";
	if (node && node->kind == PRS_YAML_SCALAR && node->text[0])
		chosen = node->text;
	if (m->j->o.name)
		chosen = m->j->o.name;
	m->j->name = prs_job_clean_name(chosen);
	m->d->failed = m->d->failed || !m->j->name;
}

void jf_instance_count(struct jobfile *m, const struct prs_yaml *node, const char *key)
{
	if (!node || node->kind != PRS_YAML_SCALAR)
		return;
	const char *text = jf_expand(m, node);
	char *end;
	long v = text ? strtol(text, &end, 10) : 1;
	if (text && (end == text || *end || v == 0 || v < -1 || v > 1000000))
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "%s: expected a whole number from 1, found \"%.100s\"", key,
		              text);
	else if (v != 1)
		prs_yaml_find(m->d, PRS_IGNORED, node->at, "%s: not used: the job runs on this machine", key);
}

static void no_entry(struct jobfile *m, const struct prs_yaml *node, const char *key, const char *text)
{
	PRS_AUTOFREE char *near = prs_job_near_entry(m->fs, m->j->code_dir, text);
	prs_yaml_find(m->d, PRS_MISTAKE, node->at, "%s: %s is not in the code folder %s%s", key, text, m->j->code_dir,
	              near ? near : "");
}

static void take_entry(struct jobfile *m, const struct prs_yaml *node, const char *key)
{
	const char *text = node->text, *code = m->j->code_dir;
	while (!strncmp(text, "./", 2))
		text += 2;
	PRS_AUTOFREE char *path = prs_path_absolute(code, text);
	size_t n = strlen(code);
	if (path && (strncmp(path, code, n) != 0 || (path[n] != '/' && n > 1)))
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "%s: %s lies outside the code folder %s", key, text, code);
	else if (!prs_job_find_entry(m->fs, code, text))
		no_entry(m, node, key, text);
	m->j->entry = prs_strdup(text);
	m->d->failed = m->d->failed || !m->j->entry;
}

void jf_code(struct jobfile *m, const struct prs_yaml *code, const struct prs_yaml *entry, const char *entry_key)
{
	if (code && code->kind == PRS_YAML_SCALAR) {
		const char *text = jf_expand(m, code),
			   *path = text ? jf_path(m, text, prs_yaml_dir(m->d, code), code->at, "code") : NULL;
		char kind = path ? jf_kind_of(m, path) : 'd';
		if (kind && kind != 'd')
			prs_yaml_find(m->d, PRS_MISTAKE, code->at, "code: %s is a file: expected a folder", path);
		else if (!kind)
			prs_yaml_find(m->d, PRS_MISTAKE, code->at, "code: no such folder: %s%s", path,
			              prs_job_backslash(path));
		if (!path || kind != 'd')
			return;
		m->j->code_dir = prs_strdup(path);
	} else if (entry) {
		m->j->code_dir = prs_strdup(prs_yaml_dir(m->d, entry));
	}
	if (entry && entry->kind == PRS_YAML_SCALAR && m->j->code_dir)
		take_entry(m, entry, entry_key);
}

/* A later one of the same name wins. */
static void set_variable(struct jobfile *m, const char *name, size_t n, const char *value)
{
	struct prs_job *j = m->j;
	struct prs_job_pair *to = NULL;
	for (size_t i = 0; i < j->variables_n; i++)
		if (strlen(j->variables[i].name) == n && !strncmp(j->variables[i].name, name, n))
			to = &j->variables[i];
	if (!to) {
		to = &j->variables[j->variables_n++];
		to->name = prs_strf("%.*s", (int)n, name);
	}
	prs_freep(&to->value);
	to->value = prs_strdup(value);
	m->d->failed = m->d->failed || !to->name || !to->value;
}

static void set_variables(struct jobfile *m, const struct prs_yaml *map, size_t n)
{
	for (size_t i = 0; i < n && !m->d->failed; i++) {
		if (map->items[i]->kind != PRS_YAML_SCALAR)
			continue;
		const char *name = map->keys[i]->text, *value = jf_expand_late(m, map->items[i], NULL);
		jf_trap(m, map->items[i]);
		if (!name[0] || strchr(name, '='))
			prs_yaml_find(m->d, PRS_MISTAKE, map->keys[i]->at,
			              "\"%.100s\" cannot be the name of an environment variable", name);
		else if (value)
			set_variable(m, name, strlen(name), value);
	}
}

/* NAME=VALUE, those from `i` to `end` */
static void set_words(struct jobfile *m, const struct prs_list *v, size_t i, size_t end)
{
	for (; i < end && !m->d->failed; i++) {
		const char *equals = strchr(v->v[i], '=');
		if (equals && equals != v->v[i])
			set_variable(m, v->v[i], (size_t)(equals - v->v[i]), equals + 1);
		else
			prs_yaml_find(m->d, PRS_MISTAKE, m->whole, "--env %s: expected NAME=VALUE", v->v[i]);
	}
}

static size_t pairs_of(const struct prs_yaml *map) { return map && map->kind == PRS_YAML_MAP ? map->n : 0; }

/* Inputs that are not split have no other place in a job. */
static void set_reference_inputs(struct jobfile *m)
{
	for (size_t i = 0; i < m->inputs_n && !m->d->failed; i++) {
		const struct jf_input *in = &m->inputs[i];
		if (!in->data || in->split || in->bad || !in->path || in->path[0] == '@')
			continue;
		if (!strncmp(in->name, JF_NAMELESS, strlen(JF_NAMELESS)))
			continue;
		PRS_AUTOFREE char *name = prs_strf(PRS_INPUT_VARIABLE "%s", in->name);
		m->d->failed = !name;
		if (name)
			set_variable(m, name, strlen(name), in->path);
	}
}

/* The file's own are stronger than defaults; --env and `prs:` are stronger than they. */
void jf_environment_variables(struct jobfile *m, const struct prs_yaml *weaker, const struct prs_yaml *map)
{
	size_t defaults = prs_request_defaults(m->q, PRS_OPTION_ID_environment_variable);
	const struct prs_list *flags = &m->j->o.environment_variable;
	size_t most = m->inputs_n + pairs_of(weaker) + pairs_of(map) + flags->n;
	m->j->variables = prs_calloc(most + 1, sizeof *m->j->variables);
	if (!m->j->variables) {
		m->d->failed = true;
		return;
	}
	set_reference_inputs(m);
	set_words(m, flags, 0, defaults);
	set_variables(m, weaker, pairs_of(weaker));
	set_variables(m, map, pairs_of(map));
	set_words(m, flags, defaults, flags->n);
}

/* --model and --side-input: NAME=PATH. */
static void flag_pairs(struct jobfile *m, const char *flag, const struct prs_list *from, struct prs_job_pair **ret,
                       size_t *ret_n)
{
	struct prs_job_pair *v = prs_realloc(*ret, (*ret_n + from->n + 1) * sizeof *v);
	if (!v) {
		m->d->failed = true;
		return;
	}
	*ret = v;
	for (size_t i = 0; i < from->n; i++) {
		const char *equals = strchr(from->v[i], '=');
		const char *given = equals ? jf_path(m, equals + 1, m->q->cwd, m->whole, flag) : NULL;
		char *path = given ? prs_strdup(given) : NULL;
		if (!equals || equals == from->v[i])
			prs_yaml_find(m->d, PRS_MISTAKE, m->whole, "%s %s: expected NAME=PATH", flag, from->v[i]);
		else if (path && !jf_kind_of(m, path))
			prs_yaml_find(m->d, PRS_MISTAKE, m->whole, "%s %s: no such file or folder: %s", flag,
			              from->v[i], path);
		if (!path || equals == from->v[i]) {
			prs_freep(&path);
			continue;
		}
		v[(*ret_n)++] = (struct prs_job_pair){ prs_strf("%.*s", (int)(equals - from->v[i]), from->v[i]), path,
			                               jf_asset_of(m, path) };
	}
}

/* ---- v2 ---------------------------------------------------------------------------------------------------------- */

/* Why a component reference names no file, or the file read. */
const struct prs_yaml *jf_component_file(struct jobfile *m, const struct prs_yaml *node)
{
	const char *text = jf_expand(m, node),
		   *path = text ? jf_path(m, text, prs_yaml_dir(m->d, node), node->at, "component") : NULL;
	if (!path)
		return NULL;
	if (jf_kind_of(m, path) == 'd') {
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "component: %s is a folder: name the file in it", path);
		return NULL;
	}
	return jf_read_component(m, path, node->at);
}

const char *jf_type_text(const struct prs_yaml *map)
{
	const struct prs_yaml *v = jf_value(map, "type");
	return v && v->kind == PRS_YAML_SCALAR ? v->text : NULL;
}

static void check_type(struct jobfile *m, const struct prs_yaml *map, const char *what)
{
	static const char *const types[] = { "parallel" };
	const struct prs_yaml *v = jf_value(map, "type");
	if (v && v->kind == PRS_YAML_SCALAR && strcasecmp(v->text, "parallel") != 0)
		prs_yaml_find(m->d, PRS_MISTAKE, v->at, "type: %s is of type %s: expected parallel%s", what, v->text,
		              jf_nearest(m->d, v->text, types, 1));
	else if (!v)
		prs_yaml_find(m->d, PRS_MISTAKE, map->at, "type is missing: %s needs type: parallel", what);
}

/* A component in a file of its own says so. */
static bool is_component(const struct prs_yaml *map)
{
	const struct prs_yaml *schema = jf_value(map, "$schema");
	return schema && schema->kind == PRS_YAML_SCALAR && strstr(schema->text, "arallelComponent");
}

static void check_maps(struct jobfile *m, const struct prs_yaml *map, const char *what)
{
	static const struct {
		const char *key;
		enum jf_place place;
	} inner[] = { { "task", JF_TASK }, { "retry_settings", JF_RETRY }, { "resources", JF_RESOURCES } };
	if (map == m->component || is_component(map))
		jf_check_component_keys(m, map, JF_JOB, what);
	else
		jf_check_keys(m, map, JF_JOB, what);
	for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
		jf_check_keys(m, jf_value(map, inner[i].key), inner[i].place, inner[i].key);
}

/* Files and folders, relative to the file that names them, that the code has beside its own. */
void jf_includes(struct jobfile *m, const struct prs_yaml *list)
{
	for (size_t i = 0; list && list->kind == PRS_YAML_LIST && i < list->n; i++) {
		const struct prs_yaml *node = list->items[i];
		struct prs_err err = { 0 };
		if (node->kind != PRS_YAML_SCALAR) {
			prs_yaml_find(m->d, PRS_MISTAKE, node->at,
			              "additional_includes: expected the path of a file or folder, found %s (artifacts "
			              "of a feed are not fetched: copy them here)",
			              prs_yaml_kind_name(node));
			continue;
		}
		const char *text = jf_expand(m, node);
		const char *path = text ? jf_path(m, text, prs_yaml_dir(m->d, node), node->at, "additional_includes")
		                        : NULL;
		if (path && prs_job_include(m->j, m->fs, path, &err) < 0)
			prs_yaml_find(m->d, PRS_MISTAKE, node->at, "additional_includes: %s", err.msg);
	}
}

static void read_task(struct jobfile *m)
{
	const struct prs_yaml *task = jf_value(m->job, "task"), *type = jf_get(m, "task.type"),
			      *entry = jf_get(m, "task.entry_script"), *args = jf_get(m, "task.program_arguments");
	const struct prs_yaml *whole = m->job ? m->job : m->component;
	struct prs_mark at = (task ? task : whole)->at;
	if (!task && !jf_value(m->component, "task") && jf_misspelt(m, "task"))
		;
	else if (!task && !jf_value(m->component, "task"))
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "task is missing: it names the entry script (type: run_function, code, entry_script)");
	else if (!type)
		prs_yaml_find(m->d, PRS_MISTAKE, at, "'type' is required for ParallelTask (type: run_function)");
	else if (type->kind == PRS_YAML_SCALAR && !strcasecmp(type->text, "model"))
		prs_yaml_find(m->d, PRS_MISTAKE, type->at,
		              "type: a task of type model is not run by this version: write an entry script and use "
		              "run_function");
	else
		jf_choice(m, type, "type", "run_function|function");
	if (type && !entry && !jf_misspelt(m, "entry_script"))
		prs_yaml_find(m->d, PRS_MISTAKE, at, "entry_script is missing: the file with run(mini_batch)");
	jf_code(m, jf_get(m, "task.code"), entry, "entry_script");
	jf_includes(m, jf_get(m, "additional_includes"));
	jf_arguments(m, args ? args : jf_get(m, "task.args"));
}

const char *jf_quoted(struct jobfile *m, const char *fmt, const char *name)
{
	PRS_AUTOFREE char *text = prs_strf(fmt, name);
	const char *s = text ? yaml_text(m->d, text, strlen(text)) : NULL;
	return s ? s : "";
}

/* flow.dag.yaml, or a run of one. */
bool jf_is_prompt_flow(const struct prs_yaml *file)
{
	const struct prs_yaml *schema = jf_value(file, "$schema");
	return schema && schema->kind == PRS_YAML_SCALAR && strstr(schema->text, "promptflow");
}

/* Keys that say something about the jobs of a pipeline, and nothing about one job by itself. */
static void not_used_alone(struct jobfile *m, const struct prs_yaml *map)
{
	static const char *const keys[][2] = {
		{ "is_deterministic", "earlier results are not reused" },
		{ "settings.force_rerun", "earlier results are not reused" },
		{ "settings.continue_on_step_failure", "one job runs" },
		{ "settings.continue_run_on_step_failure", "one job runs" },
	};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const struct prs_yaml *v = jf_value(map, keys[i][0]);
		const char *last = strrchr(keys[i][0], '.') ? strrchr(keys[i][0], '.') + 1 : keys[i][0];
		const struct prs_yaml *key = v ? prs_yaml_key(last == keys[i][0] ? map : jf_value(map, "settings"),
		                                              last)
		                               : NULL;
		if (key)
			prs_yaml_find(m->d, PRS_IGNORED, key->at, "%s: not used: %s", last, keys[i][1]);
	}
}

/* The job (a node, a component, a file of its own) with its component, both checked. */
static void read_job(struct jobfile *m, const char *what)
{
	const struct prs_yaml *component = jf_value(m->job, "component");
	if (component && component->kind == PRS_YAML_SCALAR)
		m->component = jf_component_file(m, component);
	else if (component && component->kind == PRS_YAML_MAP)
		m->component = component;
	if (!component || m->component)
		jf_read_parallel(m, what);
	else
		return;
	not_used_alone(m, m->job);
	not_used_alone(m, m->component);
}

/* The component fits the job; its keys are known. */
static bool check_component(struct jobfile *m)
{
	const struct prs_yaml *component = jf_value(m->job, "component");
	unsigned before = prs_yaml_count(m->d, PRS_MISTAKE);
	if (jf_is_prompt_flow(m->component)) {
		prs_yaml_find(m->d, PRS_MISTAKE, component->at,
		              "component: a prompt flow is not run by this version: expected a component of type "
		              "parallel with an entry script");
		return false;
	}
	check_type(m, m->component,
	           component->kind == PRS_YAML_SCALAR ? jf_quoted(m, "the component %s", component->text)
	                                              : "the component");
	if (prs_yaml_count(m->d, PRS_MISTAKE) > before)
		return false;
	check_maps(m, m->component, "the component");
	return true;
}

void jf_read_parallel(struct jobfile *m, const char *what)
{
	check_maps(m, m->job, what);
	if (m->component && !check_component(m))
		return;
	jf_inputs(m);
	jf_outputs(m);
	jf_set_options_v2(m);
	jf_set_options_own(m, jf_value(m->pipeline, "prs"));
	jf_set_options_own(m, jf_get(m, "prs"));
	jf_append_row_to(m);
	read_task(m);
	jf_flag_inputs(m);
	jf_input_data(m);
	jf_environment_variables(m, NULL, jf_get(m, "environment_variables"));
	if (jf_get(m, "resources.instance_count") && jf_get(m, "instance_count"))
		prs_yaml_find(m->d, PRS_MISTAKE, jf_get(m, "instance_count")->at,
		              "instance_count and resources are mutually exclusive");
	jf_instance_count(m, jf_get(m, "resources.instance_count"), "instance_count");
	jf_instance_count(m, jf_get(m, "instance_count"), "instance_count");
	const struct prs_yaml *environment = jf_get(m, "task.environment") ? jf_get(m, "task.environment")
	                                                                   : jf_get(m, "environment");
	jf_environment(m, environment);
}

/* The type of a node: its own, else its component's, else by what it holds. */
static const char *node_type(struct jobfile *m, const struct prs_yaml *node)
{
	const struct prs_yaml *component = jf_value(node, "component");
	const char *type = jf_type_text(node);
	if (type)
		return type;
	if (component && component->kind == PRS_YAML_MAP)
		return jf_type_text(component) ? jf_type_text(component) : "command";
	if (component && component->kind == PRS_YAML_SCALAR && !prs_is_reference(component->text)) {
		const struct prs_yaml *file = jf_component_file(m, component);
		return file && jf_type_text(file) ? jf_type_text(file) : "command";
	}
	return jf_value(node, "task") ? "parallel" : "command";
}

static const struct prs_yaml *named_job(struct jobfile *m, const struct prs_yaml *jobs, const char *name)
{
	for (size_t i = 0; i < jobs->n; i++)
		if (!strcmp(jobs->keys[i]->text, name))
			return jobs->keys[i];
	const char **names = yaml_alloc(m->d, (jobs->n + 1) * sizeof *names);
	for (size_t i = 0; names && i < jobs->n; i++)
		names[i] = jobs->keys[i]->text;
	prs_yaml_find(m->d, PRS_MISTAKE, jobs->at, "--job %s: the pipeline has no job of this name%s", name,
	              names ? jf_nearest(m->d, name, names, jobs->n) : "");
	return NULL;
}

/* A job that is no parallel one: refused by its name, with the way to run `parallel` alone. */
static void refuse_job(struct jobfile *m, const struct prs_yaml *key, const struct prs_yaml *job, const char *parallel)
{
	static const char *const types[] = { "parallel" };
	const char *type = job->kind == PRS_YAML_MAP ? node_type(m, job) : "";
	const char *near = jf_nearest(m->d, type, types, 1);
	struct prs_mark at = near[0] && jf_value(job, "type") ? jf_value(job, "type")->at : key->at;
	if (job->kind != PRS_YAML_MAP)
		prs_yaml_find(m->d, PRS_MISTAKE, job->at, "the job %s: expected keys and values, found %s", key->text,
		              prs_yaml_kind_name(job));
	else if (near[0])
		prs_yaml_find(m->d, PRS_MISTAKE, at, "the job %s is of type %s%s", key->text, type, near);
	else
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "the job %s is of type %s: this command takes one job of type parallel%s%s", key->text,
		              type, parallel ? ", alone: --job " : "", parallel ? parallel : "");
}

/* The one parallel job that runs: that of --job, else the only one. */
static const struct prs_yaml *choose_job(struct jobfile *m, const struct prs_yaml *jobs)
{
	const struct prs_yaml *chosen = NULL;
	unsigned parallel = 0;
	if (m->q->job)
		return named_job(m, jobs, m->q->job);
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->items[i]->kind == PRS_YAML_MAP && !strcasecmp(node_type(m, jobs->items[i]), "parallel"))
			chosen = parallel++ ? chosen : jobs->keys[i];
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->items[i]->kind != PRS_YAML_MAP || strcasecmp(node_type(m, jobs->items[i]), "parallel") != 0)
			refuse_job(m, jobs->keys[i], jobs->items[i], chosen ? chosen->text : NULL);
	if (!jobs->n)
		prs_yaml_find(m->d, PRS_MISTAKE, jobs->at, "the pipeline has no job");
	if (parallel <= 1)
		return chosen;
	prs_yaml_find(m->d, PRS_MISTAKE, chosen->at,
	              "the pipeline has %s of type parallel: this command takes one: choose it with --job %s",
	              prs_many(parallel, "job").text, chosen->text);
	return NULL;
}

/* One parallel job and nothing else is run by itself, and so is the one that --job names. */
static bool is_flow(struct jobfile *m, const struct prs_yaml *jobs)
{
	if (m->q->job || jobs->n < 1)
		return false;
	return jobs->n > 1 || jobs->items[0]->kind != PRS_YAML_MAP ||
	       strcasecmp(node_type(m, jobs->items[0]), "parallel") != 0;
}

static void read_pipeline(struct jobfile *m, const struct prs_yaml *root, struct prs_pipeline **ret)
{
	const struct prs_yaml *jobs = jf_value(root, "jobs"), *store = jf_value(root, "settings.default_datastore");
	m->pipeline = root;
	jf_check_keys(m, root, JF_PIPELINE, "a pipeline");
	jf_check_keys(m, jf_value(root, "settings"), JF_SETTINGS, "settings");
	if (store && store->kind == PRS_YAML_SCALAR)
		m->default_datastore = strrchr(store->text, ':') ? strrchr(store->text, ':') + 1 : store->text;
	jf_name(m, jf_value(root, "name"), jf_value(root, "display_name"));
	if (ret && !jobs && jf_value(root, "component") && !m->q->job) {
		jf_read_flow(m, root, ret);
		return;
	}
	if (!jobs || jobs->kind != PRS_YAML_MAP) {
		if (jf_value(root, "component"))
			prs_yaml_find(m->d, PRS_MISTAKE, jf_value(root, "component")->at,
			              "component: a pipeline that lies in a file of its own: run that file");
		else if (!jobs)
			prs_yaml_find(m->d, PRS_MISTAKE, root->at,
			              "jobs is missing: a pipeline holds its parallel job in jobs:");
		return;
	}
	if (ret && is_flow(m, jobs)) {
		jf_read_flow(m, root, ret);
		return;
	}
	not_used_alone(m, root);
	const struct prs_yaml *key = choose_job(m, jobs);
	if (!key)
		return;
	m->job = prs_yaml_at(jobs, key->text);
	if (m->job->kind != PRS_YAML_MAP)
		return;
	if (jf_type_text(m->job))
		check_type(m, m->job, jf_quoted(m, "the job %s", key->text));
	jf_parent_inputs(m);
	read_job(m, jf_quoted(m, "the parallel job %s", key->text));
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

static bool is_batch(const struct prs_yaml *root)
{
	const struct prs_yaml *schema = jf_value(root, "$schema");
	const char *type = jf_type_text(root);
	return (type && !strcasecmp(type, "model")) || jf_value(root, "code_configuration") ||
	       jf_value(root, "endpoint_name") ||
	       (schema && schema->kind == PRS_YAML_SCALAR && strstr(schema->text, "atchDeployment"));
}

static void unknown_kind(struct jobfile *m, const struct prs_yaml *root)
{
	static const char *const types[] = { "pipeline", "parallel" };
	const struct prs_yaml *v = jf_value(root, "type");
	const char *type = jf_type_text(root);
	if (type)
		prs_yaml_find(m->d, PRS_MISTAKE, v->at,
		              "type: %.100s is not run by this version: expected pipeline or parallel%s", type,
		              jf_nearest(m->d, type, types, 2));
	else if (jf_value(root, "jobs"))
		prs_yaml_find(m->d, PRS_MISTAKE, root->at, "type is missing: a file with jobs: needs type: pipeline");
	else if (jf_value(root, "task"))
		prs_yaml_find(m->d, PRS_MISTAKE, root->at, "type is missing: a file with task: needs type: parallel");
	else if (jf_value(root, "entry_script") || jf_value(root, "source_directory"))
		prs_yaml_find(m->d, PRS_MISTAKE, root->at,
		              "the keys of a parallel_run_config stand below parallel_run_config:");
	else
		prs_yaml_find(m->d, PRS_MISTAKE, root->at,
		              "this is no job file: expected type: pipeline, type: parallel, parallel_run_config: or a "
		              "batch deployment");
}

static void dispatch(struct jobfile *m, const struct prs_yaml *root, struct prs_pipeline **ret)
{
	const char *type = jf_type_text(root);
	if (prs_yaml_key(root, "parallel_run_config")) {
		jf_read_v1(m, root);
	} else if (is_batch(root)) {
		jf_read_batch(m, root);
	} else if (type && !strcasecmp(type, "pipeline")) {
		read_pipeline(m, root, ret);
	} else if (type && !strcasecmp(type, "parallel")) {
		m->job = root;
		jf_name(m, jf_value(root, "name"), jf_value(root, "display_name"));
		read_job(m, "a parallel job");
	} else {
		unknown_kind(m, root);
	}
}

/* --set KEY=VALUE */
static void apply_sets(struct jobfile *m, struct prs_yaml *root)
{
	const struct prs_list *l = &m->q->sets;
	for (size_t i = 0; i < l->n; i++) {
		const char *equals = strchr(l->v[i], '=');
		PRS_AUTOFREE char *key = prs_strf("%.*s", equals ? (int)(equals - l->v[i]) : (int)strlen(l->v[i]),
		                                  l->v[i]);
		PRS_AUTOFREE char *shown = prs_strf("--set %s", key ? key : "");
		if (!key || !shown) {
			m->d->failed = true;
			return;
		}
		struct prs_mark at = { yaml_add_source(m->d, shown, m->q->cwd, (const uint8_t *)"", 0), 0, 0, 0 };
		if (!equals || equals == l->v[i]) {
			prs_yaml_find(m->d, PRS_MISTAKE, at,
			              "expected KEY=VALUE, as in --set jobs.score.mini_batch_size=5");
			continue;
		}
		prs_yaml_set(m->d, root, key, prs_yaml_value(m->d, shown, prs_yaml_dir(m->d, root), equals + 1));
	}
}

/* The append_row file: not there yet, and not inside an input. The others: their folder can be made. */
static void check_output(struct jobfile *m, size_t i)
{
	struct prs_job *j = m->j;
	const struct prs_job_output *o = &j->outputs[i];
	struct prs_mark at = m->outputs_n ? m->outputs[i].at : m->whole;
	struct prs_err err = { 0 };
	if (m->rows_name && (int)i == j->append_to && o->type && !strcmp(o->type, "uri_file"))
		prs_yaml_find(m->d, PRS_IGNORED, m->rows_name->at,
		              "append_row_file_name: not used: output %s is the file itself", o->name);
	if (!o->path || !o->type)
		return;
	bool rows = (int)i == j->append_to && j->o.output_action == PRS_OUTPUT_APPEND_ROW &&
	            !strchr(o->path, JF_LATE_OPEN);
	bool in_it = strcmp(o->type, "uri_file") || jf_kind_of(m, o->path) == 'd';
	PRS_AUTOFREE char *file = in_it ? prs_strf("%s/%s", o->path, prs_job_rows_name(j)) : prs_strdup(o->path);
	PRS_AUTOFREE char *folder = prs_job_output_folder(o);
	int r = 0;
	if (rows && file)
		r = prs_job_check_rows(j, m->fs, file, &err);
	else if (folder)
		r = prs_job_check_folder(m->fs, folder, &err);
	if (r < 0)
		prs_yaml_find(m->d, PRS_MISTAKE, at, "output %s: %s", o->name, err.msg);
}

/* Where the outputs lie. */
void jf_check_outputs(struct jobfile *m)
{
	struct prs_err err = { 0 };
	for (size_t i = 0; i < m->j->outputs_n; i++)
		check_output(m, i);
	if (m->j->output_dir && prs_job_check_folder(m->fs, m->j->output_dir, &err) < 0)
		prs_yaml_find(m->d, PRS_MISTAKE, jf_flag_mark(m, "--output"), "%s", err.msg);
}

/* The format in the file that an input has, NULL = from elsewhere. */
static const struct prs_yaml *format_of(struct jobfile *m, const char *name)
{
	const struct jf_input *in = jf_find_input(m->inputs, m->inputs_n, name, strlen(name));
	if (!in)
		in = jf_find_input(m->parent_inputs, m->parent_inputs_n, name, strlen(name));
	return in ? in->partition_format : NULL;
}

/* Where the keys stand; of "partition key X ..." that key. */
static struct prs_mark keys_mark(struct jobfile *m, const char *says)
{
	const struct prs_yaml *list = jf_get(m, "partition_keys");
	for (size_t i = 0; list && list->kind == PRS_YAML_LIST && i < list->n; i++) {
		PRS_AUTOFREE char *begins = prs_strf("partition key %s ", list->items[i]->kind == PRS_YAML_SCALAR
		                                                                  ? list->items[i]->text
		                                                                  : "");
		if (begins && !strncmp(says, begins, strlen(begins)))
			return list->items[i]->at;
	}
	return m->set[PRS_OPTION_ID_partition_keys] ? m->set_at[PRS_OPTION_ID_partition_keys] : m->whole;
}

static void check_keys(struct jobfile *m)
{
	struct prs_job *j = m->j;
	struct prs_err err = { 0 };
	struct prs_mark size = m->set[PRS_OPTION_ID_mini_batch_size] ? m->set_at[PRS_OPTION_ID_mini_batch_size]
	                                                             : m->whole;
	if (j->o.partition_keys.n && prs_job_says(j, PRS_OPTION_ID_mini_batch_size) && !m->v1_both)
		prs_yaml_find(m->d, PRS_IGNORED, size,
		              "mini_batch_size: not used: partition_keys make the mini-batches");
	int r = prs_job_split_keys(j, &err);
	if (r < 0)
		prs_yaml_find(m->d, PRS_MISTAKE, keys_mark(m, err.msg), "%s", err.msg);
	for (size_t i = 0; i < j->inputs_n && r == 0 && !m->v1_both && j->inputs[i].name; i++) {
		const struct prs_yaml *format = format_of(m, j->inputs[i].name);
		if (prs_job_check_partition(j, &j->inputs[i], &err) < 0)
			prs_yaml_find(m->d, PRS_MISTAKE,
			              format && strncmp(err.msg, "partition key", 13) ? format->at
			                                                              : keys_mark(m, err.msg),
			              "%s", err.msg);
	}
}

static void say_of_tables(void *ctx, enum prs_option_id option, const struct prs_job_input *in, const char *text)
{
	struct jobfile *m = ctx;
	const struct jf_input *found = in && in->name
	                                       ? jf_find_input(m->inputs, m->inputs_n, in->name, strlen(in->name))
	                                       : NULL;
	struct prs_mark at = found ? found->at : m->whole;
	if (option != PRS_OPTIONS && m->set[option])
		at = m->set_at[option];
	prs_yaml_find(m->d, PRS_MISTAKE, at, "%s", text);
}

static void check_tables(struct jobfile *m)
{
	struct prs_job *j = m->j;
	if (prs_job_check_tables(j, m->fs, say_of_tables, m) < 0)
		m->d->failed = true;
	if (m->size && prs_job_items(j) == PRS_ITEMS_FILES && !j->o.partition_keys.n)
		prs_yaml_find(m->d, PRS_WARNING, m->size->at,
		              "mini_batch_size: %s is %lld files, as in the original: sizes are for tables, and the "
		              "input is files",
		              m->size->text, (long long)j->o.mini_batch_size);
}

void jf_finish(struct jobfile *m)
{
	struct prs_job *j = m->j;
	jf_user_arguments(m);
	jf_check_outputs(m);
	check_tables(m);
	check_keys(m);
	if (!j->name)
		jf_name(m, NULL, NULL);
	flag_pairs(m, "--model", &j->o.model, &j->models, &j->models_n);
	flag_pairs(m, "--side-input", &j->o.side_input, &j->side_inputs, &j->side_inputs_n);
	j->submit_dir = prs_strdup(m->q->cwd);
	m->d->failed = m->d->failed || !j->submit_dir;
}

int prs_jobfile_parse(struct prs_job *j, const struct prs_request *q, const struct prs_fs *fs,
                      const struct prs_project *project, const uint8_t *bytes, size_t n, struct prs_yaml_doc *d,
                      struct prs_pipeline **ret, struct prs_err *err)
{
	struct jobfile *m = prs_calloc(1, sizeof *m);
	PRS_AUTOFREE char *path = prs_path_absolute(q->cwd, q->file);
	PRS_AUTOFREE char *dir = path ? prs_path_folder(path) : NULL;
	if (!m || !dir || prs_options_init(&m->scratch, err) < 0) {
		prs_freep(&m);
		return prs_fail(err, PRS_ENOMEM, "%s", q->file);
	}
	m->j = j;
	m->d = d;
	m->q = q;
	m->fs = fs;
	m->project = project;
	m->default_datastore = prs_project_default_datastore(project);
	struct prs_yaml *root = prs_yaml_read(d, q->file, dir, bytes, n);
	if (root) {
		m->whole = (struct prs_mark){ root->at.source, 0, 0, 0 };
		apply_sets(m, root);
		dispatch(m, root, ret);
		if (!ret || !*ret)
			jf_finish(m);
	}
	prs_options_done(&m->scratch);
	prs_freep(&m);
	return d->failed ? prs_fail(err, PRS_ENOMEM, "reading %s", q->file) : 0;
}

int prs_jobfile_read(struct prs_job *j, const struct prs_request *q, const struct prs_fs *fs,
                     const struct prs_project *project, struct prs_yaml_doc *d, struct prs_pipeline **ret,
                     struct prs_err *err)
{
	PRS_AUTOBUF bytes;
	prs_buf_init(&bytes, PRS_YAML_BYTES_MAX + (256 << 10));
	PRS_AUTOFREE char *path = prs_path_absolute(q->cwd, q->file);
	int r = path ? jf_read_bytes(fs, path, &bytes) : -ENOMEM;
	if (r < 0)
		return prs_fail_errno(err, -r, "%s", q->file);
	return prs_jobfile_parse(j, q, fs, project, bytes.data ? bytes.data : (const uint8_t *)"", bytes.len, d, ret,
	                         err);
}
