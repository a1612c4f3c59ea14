/* SPDX-License-Identifier: Apache-2.0
 * job: the canonical job as a thing: born empty, filled by one of the front ends (job_check.c, jobfile*.c), freed.
 */
#include "spec/job.h"

#include "base/mem.h"
#include "spec/job_table.h"
#include <stdlib.h>
#include <string.h>

void prs_job_init(struct prs_job *j)
{
	memset(j, 0, sizeof *j);
	j->append_to = -1;
}

static void free_pairs(struct prs_job_pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		prs_freep(&v[i].name);
		prs_freep(&v[i].value);
		prs_freep(&v[i].asset);
	}
	free(v);
}

bool prs_job_sets(const struct prs_job *j, const char *variable)
{
	for (size_t i = 0; i < j->variables_n; i++)
		if (!strcmp(j->variables[i].name, variable))
			return true;
	return false;
}

const char *prs_job_rows_name(const struct prs_job *j)
{
	static const char *const names[] = { "parallel_run_step.txt", "parallel_run_step.csv", "parallel_run_step.tsv",
		                             "parallel_run_step.jsonl", "parallel_run_step.parquet" };
	return j->rows_name ? j->rows_name : names[j->o.output_format];
}

void prs_job_done(struct prs_job *j)
{
	prs_options_done(&j->o);
	for (size_t i = 0; i < j->inputs_n; i++) {
		prs_freep(&j->inputs[i].name);
		prs_freep(&j->inputs[i].path);
		prs_freep(&j->inputs[i].type);
		prs_freep(&j->inputs[i].base);
		prs_freep(&j->inputs[i].only);
		prs_freep(&j->inputs[i].partition_format);
		prs_freep(&j->inputs[i].mltable);
		prs_freep(&j->inputs[i].asset);
		prs_job_table_free(j->inputs[i].table);
		prs_list_done(&j->inputs[i].parts);
	}
	for (size_t i = 0; i < j->outputs_n; i++) {
		prs_freep(&j->outputs[i].name);
		prs_freep(&j->outputs[i].type);
		prs_freep(&j->outputs[i].path);
	}
	prs_freep(&j->inputs);
	prs_freep(&j->outputs);
	prs_list_done(&j->includes);
	prs_list_done(&j->env_pip);
	prs_list_done(&j->command);
	prs_list_done(&j->program_args);
	prs_list_done(&j->system_args);
	prs_list_done(&j->data_paths);
	free_pairs(j->models, j->models_n);
	free_pairs(j->side_inputs, j->side_inputs_n);
	free_pairs(j->variables, j->variables_n);
	char **texts[] = { &j->submit_dir, &j->code_dir,   &j->entry,      &j->output_file, &j->output_dir,
		           &j->name,       &j->python,     &j->python_why, &j->only_failed, &j->only_failed_name,
		           &j->env_name,   &j->env_python, &j->rows_name };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		prs_freep(texts[i]);
	for (size_t i = 0; i < PRS_OPTIONS; i++)
		prs_freep(&j->from[i]);
	prs_list_done(&j->user_args);
	prs_list_done(&j->warnings);
}

bool prs_job_is_word(const struct prs_option_row *row)
{
	static const enum prs_option_id words[] = { PRS_OPTION_ID_input,
		                                    PRS_OPTION_ID_output,
		                                    PRS_OPTION_ID_side_input,
		                                    PRS_OPTION_ID_model,
		                                    PRS_OPTION_ID_environment_variable,
		                                    PRS_OPTION_ID_code,
		                                    PRS_OPTION_ID_name };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (row == prs_option_at(words[i]))
			return true;
	return false;
}

bool prs_job_says(const struct prs_job *j, enum prs_option_id id) { return j->from[id] && !j->is_default[id]; }

/* A stronger word about the option follows. */
static void drop_default(struct prs_job *j, const struct prs_option_row *row)
{
	bool *is_default = &j->is_default[row - prs_option_at(0)];
	if (*is_default && row->type == PRS_OPTION_LIST && !prs_option_adds_up(row))
		prs_list_done((struct prs_list *)(void *)((char *)&j->o + row->offset));
	*is_default = false;
}

static int set(struct prs_job *j, const struct prs_option_row *row, const char *value, const char *where,
               struct prs_err *err)
{
	int r = prs_option_set(&j->o, row, value, where, err);
	if (r < 0)
		return r;
	char **from = &j->from[row - prs_option_at(0)];
	prs_freep(from);
	*from = prs_strdup(where);
	return *from ? 0 : prs_fail(err, PRS_ENOMEM, "%s", where);
}

static int take(struct prs_job *j, const struct prs_asked *a, struct prs_err *err)
{
	if (a->is_default) {
		j->is_default[a->row - prs_option_at(0)] = true;
		return set(j, a->row, a->value, a->where, err);
	}
	if (a->where)
		return prs_job_set(j, a->row, a->value, a->where, err);
	drop_default(j, a->row);
	return prs_option_set(&j->o, a->row, a->value, a->row->flag, err);
}

int prs_job_begin(struct prs_job *j, const struct prs_request *q, struct prs_err *err)
{
	int r = prs_options_init(&j->o, err);
	j->writes_later = q->writes_later;
	for (size_t i = 0; i < q->asked_n && !r; i++)
		r = take(j, &q->asked[i], err);
	for (size_t i = 0; i < q->arguments.n && !r; i++)
		if (prs_list_add(&j->user_args, q->arguments.v[i]) < 0)
			r = prs_fail(err, PRS_ENOMEM, "the script's arguments");
	return r;
}

int prs_job_set(struct prs_job *j, const struct prs_option_row *row, const char *value, const char *where,
                struct prs_err *err)
{
	drop_default(j, row);
	return set(j, row, value, where, err);
}
