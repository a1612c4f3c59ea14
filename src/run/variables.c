/* SPDX-License-Identifier: Apache-2.0
 * variables: the environment variables of the worker processes, docs/entry-scripts.md: the user's, then the job's
 * over them, then ours where nothing is set.
 */
#include "run/variables.h"

#include "base/mem.h"
#include "io/machine.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static char **variable(struct prs_list *l, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < l->n; i++)
		if (!strncmp(l->v[i], name, n) && l->v[i][n] == '=')
			return &l->v[i];
	return NULL;
}

static const char *value_of(struct prs_list *l, const char *name)
{
	char **at = variable(l, name);
	return at ? *at + strlen(name) + 1 : NULL;
}

int prs_environment_set(struct prs_list *l, const char *name, const char *value)
{
	PRS_AUTOFREE char *text = prs_strf("%s=%s", name, value);
	char **at = variable(l, name);
	if (!text)
		return -PRS_ENOMEM;
	if (!at)
		return prs_list_add(l, text);
	char *old = *at;
	*at = text;
	text = old;
	return 0;
}

static int set_unless(struct prs_list *l, const char *name, const char *value)
{
	return variable(l, name) ? 0 : prs_environment_set(l, name, value);
}

static const struct prs_job_pair *job_sets(const struct prs_job *job, const char *name)
{
	for (size_t i = 0; i < job->variables_n; i++)
		if (!strcmp(job->variables[i].name, name))
			return &job->variables[i];
	return NULL;
}

/* AZUREML_MODEL_DIR holds the model under its own name: scripts write $AZUREML_MODEL_DIR/model/..., or take what
 * they find in it. */
static int set_model_dir(const struct prs_job *job, const char *dir, struct prs_list *l)
{
	if (job->models_n != 1 || variable(l, "AZUREML_MODEL_DIR"))
		return 0;
	const char *path = job->models[0].value, *slash = strrchr(path, '/');
	PRS_AUTOFREE char *work = prs_strf("%s/work", dir), *folder = prs_strf("%s/work/model", dir);
	PRS_AUTOFREE char *link = folder ? prs_strf("%s/%s", folder, slash ? slash + 1 : path) : NULL;
	if (!work || !link)
		return -PRS_ENOMEM;
	bool made = (!mkdir(work, 0755) || errno == EEXIST) && (!mkdir(folder, 0755) || errno == EEXIST) &&
	            (!symlink(path, link) || errno == EEXIST);
	return prs_environment_set(l, "AZUREML_MODEL_DIR", made ? folder : path);
}

/* What the platform of the original sets; one node here, called as its log folders. */
static int set_platform(const struct prs_placed *p, const char *dir, const char *name, struct prs_list *l)
{
	PRS_AUTOFREE char *logs = prs_strf("%s/logs", dir), *code = prs_strf("%s/work/code", dir);
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "AZUREML_RUN_ID", name },
		{ "AZUREML_BI_OUTPUT_PATH", p->output_dir },
		{ "AZUREML_CR_NODE_RANK", "0" },
		{ "AZUREML_CR_COMPUTE_CONTEXT", "{\"cluster_name\": \"local\", \"node_id\": \"127.0.0.1\"}" },
		{ "AZUREML_ARM_WORKSPACE_NAME", "local" },
		{ "AZUREML_ARM_SUBSCRIPTION", "00000000-0000-0000-0000-000000000000" },
		{ "AZUREML_ARM_RESOURCEGROUP", "local" },
		{ "AZ_BATCHAI_WORKER_IP", "127.0.0.1" },
		{ "AZ_BATCHAI_OUTPUT_logs", logs },
		{ "AZ_BATCHAI_INPUT_AZUREML", code },
		{ "AZ_BATCH_IS_CURRENT_NODE_MASTER", "true" },
	};
	int r = logs && code ? 0 : -PRS_ENOMEM;
	for (size_t i = 0; i < sizeof rows / sizeof *rows && !r; i++)
		if (rows[i].value)
			r = set_unless(l, rows[i].name, rows[i].value);
	return r;
}

/* A named input is also a variable of that name. */
static int set_inputs(const struct prs_placed *p, struct prs_list *l)
{
	const struct prs_job *job = p->job;
	int r = 0;
	for (size_t i = 0; i < job->inputs_n && !r; i++)
		r = set_unless(l, job->inputs[i].name, p->inputs[i].path);
	for (size_t i = 0; i < job->side_inputs_n && !r; i++)
		r = set_unless(l, job->side_inputs[i].name, job->side_inputs[i].value);
	return r;
}

static int set_threads(const struct prs_job *job, struct prs_list *l)
{
	static const char *const names[] = { "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS" };
	char text[32];
	int r = 0;
	unsigned each = prs_usable_cores() / (unsigned)job->o.processes;
	snprintf(text, sizeof text, "%u", each ? each : 1);
	for (size_t i = 0; i < sizeof names / sizeof *names && !r && job->o.threads == PRS_THREADS_AUTO; i++)
		r = set_unless(l, names[i], text);
	return r;
}

/* CUDA_VISIBLE_DEVICES of the job is the user's word for every process; what the shell or a batch system has is
 * divided among them. */
static int find_gpus(const struct prs_job *job, struct prs_list *l, struct prs_list *ret_gpus)
{
	char text[32];
	int r = 0;
	if (!job_sets(job, "CUDA_VISIBLE_DEVICES"))
		r = prs_gpus(value_of(l, "CUDA_VISIBLE_DEVICES"), value_of(l, "AZ_BATCHAI_GPU_COUNT_FOUND"), ret_gpus);
	if (r < 0)
		return r;
	snprintf(text, sizeof text, "%zu", ret_gpus->n);
	return set_unless(l, "AZ_BATCHAI_GPU_COUNT_FOUND", text);
}

int prs_make_environment(const struct prs_placed *p, const char *dir, const char *name, struct prs_list *ret,
                         struct prs_list *ret_gpus)
{
	const struct prs_job *job = p->job;
	int r = 0;
	for (char **v = environ; *v && !r; v++)
		r = prs_list_add(ret, *v);
	for (size_t i = 0; i < job->variables_n && !r; i++)
		r = prs_environment_set(ret, job->variables[i].name, job->variables[i].value);
	if (r < 0 || set_platform(p, dir, name, ret) < 0 || set_model_dir(job, dir, ret) < 0 ||
	    set_threads(job, ret) < 0 || find_gpus(job, ret, ret_gpus) < 0)
		return -PRS_ENOMEM;
	return set_inputs(p, ret);
}
