/* SPDX-License-Identifier: Apache-2.0
 * variables: the environment variables of the worker processes, docs/entry-scripts.md: the user's, then the job's
 * over them, then ours where nothing is set. What is of the machine a node adds (node/here.h).
 */
#include "run/variables.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/variables.h"
#include "run/model_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* AZUREML_MODEL_DIR holds the model under its own name: scripts write $AZUREML_MODEL_DIR/model/..., or take what
 * they find in it. */
static int set_model_dir(const struct prs_job *job, const char *dir, struct prs_list *l)
{
	if (job->models_n != 1 || prs_variable(l, "AZUREML_MODEL_DIR"))
		return 0;
	const char *path = job->models[0].value;
	PRS_AUTOFREE char *work = prs_strf("%s/work", dir), *folder = prs_strf("%s/work/model", dir);
	if (!work || !folder)
		return -PRS_ENOMEM;
	bool made = (!mkdir(work, 0755) || errno == EEXIST) && !prs_model_dir(folder, path);
	return prs_variable_set(l, "AZUREML_MODEL_DIR", made ? folder : path);
}

/* What the platform of the original sets, whatever the node. */
static int set_platform(const struct prs_placed *p, const char *dir, const char *code, const char *name,
                        struct prs_list *l)
{
	PRS_AUTOFREE char *logs = prs_strf("%s/logs", dir), *run_id = prs_path_flat(name);
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "AZUREML_RUN_ID", run_id },
		{ "AZUREML_BI_OUTPUT_PATH", p->output_dir },
		{ "AZUREML_ARM_WORKSPACE_NAME", "local" },
		{ "AZUREML_ARM_SUBSCRIPTION", "00000000-0000-0000-0000-000000000000" },
		{ "AZUREML_ARM_RESOURCEGROUP", "local" },
		{ "AZ_BATCHAI_OUTPUT_logs", logs },
		{ "AZ_BATCHAI_INPUT_AZUREML", code },
		{ "AZ_BATCHAI_JOB_WORK_DIR", code },
	};
	int r = logs && run_id ? 0 : -PRS_ENOMEM;
	for (size_t i = 0; i < sizeof rows / sizeof *rows && !r; i++)
		if (rows[i].value)
			r = prs_variable_default(l, rows[i].name, rows[i].value);
	return r;
}

static int set_named(struct prs_list *l, const char *prefix, const char *name, const char *path)
{
	PRS_AUTOFREE char *variable = prs_strf("%s%s", prefix, name);
	return variable ? prs_variable_default(l, variable, path) : -PRS_ENOMEM;
}

/* An input is a variable of its own name (v1) and one of the name that v2 gives it. */
static int set_input(struct prs_list *l, const char *name, const char *path)
{
	int r = set_named(l, PRS_INPUT_VARIABLE, name, path);
	return r < 0 ? r : set_named(l, "", name, path);
}

static int set_inputs(const struct prs_placed *p, struct prs_list *l)
{
	const struct prs_job *job = p->job;
	const size_t n = strlen(PRS_INPUT_VARIABLE);
	int r = 0;
	for (size_t i = 0; i < job->variables_n && !r; i++)
		if (!strncmp(p->variables[i].name, PRS_INPUT_VARIABLE, n) && p->variables[i].name[n])
			r = prs_variable_default(l, p->variables[i].name + n, p->variables[i].value);
	for (size_t i = 0; i < job->inputs_n && !r; i++)
		r = set_input(l, job->inputs[i].name, p->inputs[i].path);
	for (size_t i = 0; i < job->side_inputs_n && !r; i++)
		r = set_input(l, job->side_inputs[i].name, job->side_inputs[i].value);
	return r;
}

static int set_outputs(const struct prs_placed *p, struct prs_list *l)
{
	int r = 0;
	for (size_t i = 0; i < p->job->outputs_n && !r; i++)
		r = set_named(l, "AZURE_ML_OUTPUT_", p->job->outputs[i].name, p->outputs[i]);
	return r;
}

int prs_make_environment(const struct prs_placed *p, const char *dir, const char *code, const char *name,
                         struct prs_list *ret)
{
	const struct prs_job *job = p->job;
	int r = 0;
	for (char **v = environ; *v && !r; v++)
		r = prs_list_add(ret, *v);
	for (size_t i = 0; i < job->variables_n && !r; i++)
		r = prs_variable_set(ret, p->variables[i].name, p->variables[i].value);
	if (r < 0 || set_platform(p, dir, code, name, ret) < 0 || set_model_dir(job, dir, ret) < 0 ||
	    set_inputs(p, ret) < 0 || set_outputs(p, ret) < 0)
		return -PRS_ENOMEM;
	return 0;
}
