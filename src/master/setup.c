/* SPDX-License-Identifier: Apache-2.0
 * setup: what the lister and the worker processes are told about the job: the names of
 * docs/design/worker-environment.md that are the same for all workers.
 */
#include "master/impl.h"

#include "base/mem.h"
#include "base/path.h"
#include "spec/job_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind all other arguments, and behind it what the original tells each process of itself: scripts read
 * sys.argv[-1]. */
#define AGENT_FLAG "--bf89b5b0_523f_4782_aedc_61bd625ee81a"

/* Of files so many; of tables so many rows, or bytes. */
static struct prs_batch_size size_of(const struct prs_job *j, const struct prs_job_input *in)
{
	if (in->table && in->table->in.rows)
		return (struct prs_batch_size){ PRS_SIZE_ROWS, in->table->in.rows };
	return (struct prs_batch_size){ in->table ? PRS_SIZE_BYTES : PRS_SIZE_ITEMS, (uint64_t)j->o.mini_batch_size };
}

struct prs_list_input *prs_engine_inputs(const struct prs_placed *p)
{
	const struct prs_job *j = p->job;
	struct prs_list_input *v = prs_calloc(j->inputs_n + 1, sizeof *v);
	for (size_t i = 0; v && i < j->inputs_n; i++) {
		const struct prs_job_input *in = &j->inputs[i];
		const struct prs_placed_input *at = &p->inputs[i];
		const char *only = in->table ? NULL : at->only;
		v[i] = (struct prs_list_input){ .name = in->name,
			                        .path = only ? only : at->path,
			                        .parts = only ? NULL : &in->parts,
			                        .is_list = in->is_list || only,
			                        .rows_only = in->table ? at->only : NULL,
			                        .base = in->base,
			                        .size = size_of(j, in),
			                        .keys = &j->o.partition_keys,
			                        .format = in->partition_format,
			                        .table = in->table ? &in->table->in : NULL };
	}
	return v;
}

/* key NUL name=value NUL */
static void put_named(struct prs_buf *b, const char *key, const char *name, const char *value)
{
	prs_buf_put(b, key, strlen(key) + 1);
	prs_buf_puts(b, name);
	prs_buf_puts(b, "=");
	prs_buf_put(b, value, strlen(value) + 1);
}

static int put_tables(struct prs_buf *b, const struct prs_job *j, struct prs_err *err)
{
	for (size_t i = 0; i < j->inputs_n; i++) {
		if (!j->inputs[i].table)
			continue;
		char *text = prs_job_table_tell(j, i);
		if (!text)
			return prs_fail(err, PRS_ENOMEM, "the tables of the job");
		put_named(b, "table", j->inputs[i].name, text);
		free(text);
	}
	return 0;
}

int prs_engine_setup(const struct prs_placed *p, const char *dir, const char *code_root, const char *run_name,
                     struct prs_buf *to, struct prs_err *err)
{
	const struct prs_job *j = p->job;
	static const char *const levels[] = { "WARNING", "INFO", "DEBUG" };
	struct prs_list argv = { 0 };
	char path[PATH_MAX];
	PRS_AUTOFREE char *run_id = prs_path_flat(run_name); /* of a step of a pipeline: RUN/STEP */
	if (!run_id)
		return prs_fail(err, PRS_ENOMEM, "the name of the run");
	prs_msg_put_pair(to, "run_id", run_id);
	prs_msg_put_pair(to, "code_root", code_root);
	prs_msg_put_pair(to, "entry", j->entry);
	int r = prs_placed_argv(p, &argv, err);
	for (size_t i = 0; i < argv.n; i++)
		prs_msg_put_pair(to, "argv", argv.v[i]);
	prs_list_done(&argv);
	if (j->o.engine_args == PRS_ENGINE_ARGS_SHOW)
		prs_msg_put_pair(to, "agent_flag", AGENT_FLAG);
	prs_msg_put_pair(to, "output_action",
	                 j->o.output_action == PRS_OUTPUT_SUMMARY_ONLY ? "summary_only" : "append_row");
	prs_msg_put_pair(to, "output_dir", p->output_dir);
	snprintf(path, sizeof path, "%s/outputs", dir);
	prs_msg_put_pair(to, "run_outputs", path);
	prs_msg_put_pair(to, "run_folder", dir);
	prs_msg_put_pair(to, "logging_level", levels[j->o.logging_level]);
	if (j->o.profiling_module != PRS_PROFILE_OFF) {
		prs_msg_put_pair(to, "profiling_module",
		                 j->o.profiling_module == PRS_PROFILE_C ? "cProfile" : "profile");
		snprintf(path, sizeof path, "%s/logs/sys/profile", dir);
		prs_msg_put_pair(to, "profile_dir", path);
	}
	prs_msg_put_pair(to, "experiment", j->name);
#ifdef PRS_KILL_POINTS
	prs_msg_put_pair(to, "kill_points", "true");
#endif
	if (j->o.append_row_dataframe_header)
		prs_msg_put_pair(to, "dataframe_header", "true");
	if (j->o.output_format != PRS_OUTPUT_TEXT)
		prs_msg_put_pair(to, "output_format", prs_output_format_name(j->o.output_format));
	for (size_t i = 0; i < j->o.output_types.n; i++)
		prs_msg_put_pair(to, "output_type", j->o.output_types.v[i]);
	for (size_t i = 0; i < j->models_n; i++)
		put_named(to, "model", j->models[i].name, j->models[i].value);
	for (size_t i = 0; i < j->inputs_n; i++)
		put_named(to, "input", j->inputs[i].name, p->inputs[i].path);
	if (r == 0)
		r = put_tables(to, j, err);
	if (j->o.run_mode == PRS_RUN_MODE_COMPONENT)
		prs_msg_put_pair(to, "run_mode", "component");
	for (size_t i = 0; i < j->side_inputs_n; i++)
		put_named(to, "input", j->side_inputs[i].name, j->side_inputs[i].value);
	prs_msg_put_pair(to, "submit_dir", j->submit_dir);
	prs_msg_put_pair(to, "code_origin", j->code_dir);
	return r < 0 ? r : to->failed;
}
