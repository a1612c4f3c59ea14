/* SPDX-License-Identifier: Apache-2.0
 * jobfile_v1_batch: the two kinds of file that declare no inputs and outputs: v1 parallel_run_config and batch
 * deployments. What is split and where the rows go comes by flags, or has a default.
 */
#include "spec/job_check.h"
#include "spec/jobfile_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What these files do not hold comes by flags: --input [NAME=]PATH, each an input of its own. */
static void inputs_of_flags(struct jobfile *m, const char *what)
{
	const struct prs_list *l = &m->j->o.input;
	if (!l->n && !m->q->input_refused)
		prs_yaml_find(m->d, jf_no_input(m), m->whole,
		              "no input: %s names none; give the folder or file to process with --input PATH", what);
	for (size_t i = 0; i < l->n; i++) {
		size_t n;
		const char *text = prs_job_split_name(l->v[i], &n);
		PRS_AUTOFREE char *name = n ? prs_strf("%.*s", (int)n, l->v[i]) : prs_strf("input_%zu", i);
		PRS_AUTOFREE char *path = text[0] == '@' ? prs_strdup(text) : prs_path_absolute(m->q->cwd, text);
		if (!name || !path)
			m->d->failed = true;
		else
			jf_add_input(m, name, "uri_folder", path, m->whole);
	}
}

/* The append_row file: --output, else `file_name` in the outputs of the run. */
static void output_of_flags(struct jobfile *m, const char *file_name)
{
	struct prs_job *j = m->j;
	const char *flag = j->o.output.n ? j->o.output.v[j->o.output.n - 1] : NULL;
	bool append = j->o.output_action == PRS_OUTPUT_APPEND_ROW;
	char *path = flag ? prs_path_absolute(m->q->cwd, flag) : NULL;
	j->append_to = -1;
	if (flag && !append) {
		j->output_dir = path;
		return;
	}
	if (!append)
		return;
	bool folder = path && (flag[strlen(flag) - 1] == '/' || jf_kind_of(m, path) == 'd');
	if (path && strpbrk(path, JF_LATE_BYTES))
		prs_yaml_find(m->d, PRS_MISTAKE, jf_flag_mark(m, "--output"), "the path holds a byte 1 or 2");
	if (folder) {
		char *in = prs_strf("%s/%s", path, file_name);
		prs_freep(&path);
		path = in;
	}
	j->outputs = prs_calloc(2, sizeof *j->outputs);
	if (!j->outputs || (flag && !path)) {
		m->d->failed = true;
		prs_freep(&path);
		return;
	}
	if (!path)
		path = prs_strf("%coutputs%c/%s", JF_LATE_OPEN, JF_LATE_CLOSE, file_name);
	j->outputs[j->outputs_n++] = (struct prs_job_output){ prs_strdup("output"), prs_strdup("uri_file"), path };
	j->append_to = 0;
}

const char *jf_rows_name(struct jobfile *m, const struct prs_yaml *node, const char *key, const char *by_default)
{
	if (!node || node->kind != PRS_YAML_SCALAR || !node->text[0])
		return by_default;
	if (!strchr(node->text, '/') && strcmp(node->text, ".") != 0 && strcmp(node->text, "..") != 0)
		return node->text;
	prs_yaml_find(m->d, PRS_MISTAKE, node->at, "%s: expected a file name without folders, found \"%.100s\"", key,
	              node->text);
	return by_default;
}

/* ---- v1 ---------------------------------------------------------------------------------------------------------- */

/* A folder relative to the file, else to where the command is given (the original takes the latter). */
static const struct prs_yaml *v1_folder(struct jobfile *m, const struct prs_yaml *node)
{
	if (!node || node->kind != PRS_YAML_SCALAR || node->text[0] == '/')
		return node;
	PRS_AUTOFREE char *beside = prs_path_absolute(prs_yaml_dir(m->d, node), node->text);
	PRS_AUTOFREE char *here = prs_path_absolute(m->q->cwd, node->text);
	if (!beside || !here || jf_kind_of(m, beside) || !jf_kind_of(m, here))
		return node;
	return prs_yaml_new_scalar(m->d, node->at, here, strlen(here), false);
}

/* Without source_directory the entry script is any local path: its folder is the code. */
static void v1_code(struct jobfile *m, const struct prs_yaml *source, const struct prs_yaml *entry)
{
	if (source || !entry || entry->kind != PRS_YAML_SCALAR || !strchr(entry->text, '/')) {
		jf_code(m, v1_folder(m, source), entry, "entry_script");
		return;
	}
	const struct prs_yaml *found = v1_folder(m, entry);
	const char *slash = strrchr(found->text, '/');
	const struct prs_yaml *dir = prs_yaml_new_scalar(m->d, entry->at, found->text,
	                                                 slash == found->text ? 1 : (size_t)(slash - found->text),
	                                                 false);
	const struct prs_yaml *name = prs_yaml_new_scalar(m->d, entry->at, slash + 1, strlen(slash + 1), false);
	if (dir && name)
		jf_code(m, dir, name, "entry_script");
}

static void v1_partition_keys(struct jobfile *m, const struct prs_yaml *config)
{
	const struct prs_yaml *keys = jf_value(config, "partition_keys"),
			      *size = prs_yaml_key(config, "mini_batch_size");
	if (!keys || !jf_value(config, "mini_batch_size") || jf_is_no_size(keys, jf_value(config, "mini_batch_size")))
		return;
	m->v1_both = size;
	prs_yaml_find(m->d, PRS_MISTAKE, size->at, "partition_keys and mini_batch_size exclude each other: keep one");
}

void jf_read_v1(struct jobfile *m, const struct prs_yaml *root)
{
	const struct prs_yaml *config = jf_value(root, "parallel_run_config");
	jf_check_keys(m, root, JF_V1FILE, "a file with parallel_run_config");
	if (!config || config->kind != PRS_YAML_MAP) {
		if (!config)
			prs_yaml_find(m->d, PRS_MISTAKE, prs_yaml_key(root, "parallel_run_config")->at,
			              "parallel_run_config is empty");
		return;
	}
	const struct prs_yaml *entry = jf_value(config, "entry_script"), *action = jf_value(config, "output_action");
	const struct prs_yaml *file = jf_value(config, "append_row_file_name");
	jf_check_keys(m, config, JF_V1, "parallel_run_config");
	if (!entry && !jf_misspelt(m, "entry_script"))
		prs_yaml_find(m->d, PRS_MISTAKE, config->at, "entry_script is missing: the file with run(mini_batch)");
	jf_name(m, NULL, NULL);
	jf_set_options_v1(m, config);
	jf_set_options_own(m, jf_value(root, "prs"));
	v1_partition_keys(m, config);
	v1_code(m, jf_value(config, "source_directory"), entry);
	jf_environment_variables(m, jf_environment_v1_variables(m, config), jf_value(config, "environment_variables"));
	jf_instance_count(m, jf_value(config, "node_count"), "node_count");
	jf_environment_v1(m, config);
	inputs_of_flags(m, "a parallel_run_config");
	if (file && action && action->kind == PRS_YAML_SCALAR && !strcasecmp(action->text, "summary_only"))
		prs_yaml_find(m->d, PRS_WARNING, file->at,
		              "append_row_file_name has no meaning with output_action: summary_only");
	output_of_flags(m, jf_rows_name(m, file, "append_row_file_name", prs_job_rows_name(m->j)));
}

/* ---- batch deployment -------------------------------------------------------------------------------------------- */

/* Keys stand in settings: (newer files) or on top. */
static const struct prs_yaml *batch(const struct prs_yaml *root, const char *key)
{
	const struct prs_yaml *settings = jf_value(root, "settings"), *v = jf_value(settings, key);
	return v ? v : jf_value(root, key);
}

static void batch_model(struct jobfile *m, const struct prs_yaml *node)
{
	const struct prs_yaml *path = node && node->kind == PRS_YAML_MAP ? jf_value(node, "path") : node,
			      *name = node && node->kind == PRS_YAML_MAP ? jf_value(node, "name") : NULL;
	struct prs_job *j = m->j;
	if (!node || j->o.model.n)
		return;
	jf_check_keys(m, node, JF_MODEL, "model");
	const char *at = path && path->kind == PRS_YAML_SCALAR
	                         ? jf_path(m, path->text, prs_yaml_dir(m->d, path), path->at, "model")
	                         : NULL;
	if (at && !jf_kind_of(m, at))
		prs_yaml_find(m->d, PRS_MISTAKE, path->at, "model: no such file or folder: %s", at);
	if (!at)
		return;
	const char *last = strrchr(at, '/'), *called = last ? last + 1 : at;
	if (name && name->kind == PRS_YAML_SCALAR)
		called = name->text;
	j->models = prs_calloc(1, sizeof *j->models);
	if (!j->models)
		m->d->failed = true;
	else
		j->models[j->models_n++] = (struct prs_job_pair){ prs_strdup(called), prs_strdup(at),
			                                          jf_asset_of(m, at) };
}

static void batch_options(struct jobfile *m, const struct prs_yaml *root)
{
	static const char *const defaults[][2] = { { "processes", "1" },
		                                   { "run-invocation-timeout", "30" },
		                                   { "run-max-try", "4" } };
	const struct prs_option_row *row;
	for (unsigned i = 0; (row = prs_option_at(i)) != NULL; i++) {
		const char *last = strrchr(row->v2, '.'), *key = last ? last + 1 : row->v2;
		if (row->v2[0] && row->type != PRS_OPTION_LIST && row->type != PRS_OPTION_TEXT)
			jf_set_option(m, row, batch(root, row->v2), key);
	}
	jf_set_option(m, prs_option_find("output-action", false), batch(root, "output_action"), "output_action");
	jf_set_options_own(m, jf_value(root, "prs"));
	for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
		jf_set_default(m, defaults[i][0], defaults[i][1]);
}

/* Such a deployment has no script of its own. */
static bool is_pipeline_deployment(const struct prs_yaml *root)
{
	const struct prs_yaml *type = jf_value(root, "type");
	bool named = type && type->kind == PRS_YAML_SCALAR &&
	             (!strcasecmp(type->text, "pipeline") || !strcasecmp(type->text, "component"));
	return named || jf_value(root, "job_definition") || jf_value(root, "component");
}

void jf_read_batch(struct jobfile *m, const struct prs_yaml *root)
{
	const struct prs_yaml *code = jf_value(root, "code_configuration"), *type = jf_value(root, "type"),
			      *file = batch(root, "output_file_name");
	const struct prs_yaml *entry = jf_value(code, "scoring_script");
	if (is_pipeline_deployment(root)) {
		prs_yaml_find(m->d, PRS_MISTAKE, (type ? type : root)->at,
		              "a batch deployment of a pipeline component is not run by this version: name the "
		              "pipeline's own file");
		return;
	}
	jf_choice(m, type, "type", "model");
	jf_check_keys(m, root, JF_BATCH, "a batch deployment");
	jf_check_keys(m, jf_value(root, "settings"), JF_BATCH_SETTINGS, "settings");
	jf_check_keys(m, jf_value(root, "settings.retry_settings"), JF_RETRY, "retry_settings");
	jf_check_keys(m, jf_value(root, "retry_settings"), JF_RETRY, "retry_settings");
	jf_check_keys(m, jf_value(root, "resources"), JF_RESOURCES, "resources");
	jf_check_keys(m, code, JF_CODE, "code_configuration");
	jf_name(m, jf_value(root, "name"), NULL);
	batch_options(m, root);
	if (!entry && !jf_misspelt(m, "scoring_script"))
		prs_yaml_find(m->d, PRS_MISTAKE, code ? code->at : root->at,
		              "scoring_script is missing: a deployment without a script (an MLflow model) is not run "
		              "by this version");
	jf_code(m, jf_value(code, "code"), entry, "scoring_script");
	batch_model(m, jf_value(root, "model"));
	jf_instance_count(m, jf_value(root, "resources.instance_count"), "instance_count");
	jf_instance_count(m, batch(root, "instance_count"), "instance_count");
	jf_environment(m, jf_value(root, "environment"));
	jf_environment_variables(m, NULL, batch(root, "environment_variables"));
	inputs_of_flags(m, "a batch deployment");
	output_of_flags(m, jf_rows_name(m, file, "output_file_name", "predictions.csv"));
}
