/* SPDX-License-Identifier: Apache-2.0
 * command: a step that is bash -c in a fresh copy of its code: through the launcher of workers (group, death signal),
 * its output in logs/user/std_log.txt.
 */
#include "pipeline/impl.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/variables.h"
#include "io/process.h"
#include "io/tree.h"
#include "spec/placed.h"
#include "wire/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

#define BASH "/bin/bash"

/* ---- its folder -------------------------------------------------------------------------------------------------- */

/* What a life before left of the copy is not for this one. */
static int remove_copy(const char *code, struct prs_err *err)
{
	char at[PATH_MAX] = "";
	int r = prs_tree_remove(code, NULL, at, sizeof at);
	return r < 0 && r != -ENOENT ? prs_fail_errno(err, -r, "removing %s", at) : 0;
}

static int copy_code(const struct step *s, const char *code, struct prs_err *err)
{
	const struct prs_fs *fs = s->e->c.fs;
	PRS_AUTOFREE char *from = prs_strf("%s/snapshots/%lld", s->e->c.dir, (long long)s->is->snapshot);
	PRS_AUTOFREE char *kept = prs_strf("%s/outputs", code);
	if (!from || !kept)
		return prs_fail(err, PRS_ENOMEM, "the copy of the code");
	int r = fs->mkdir(fs->ctx, code, 0755);
	if (r < 0)
		return prs_fail_errno(err, -r, "creating %s", code);
	if (s->is->snapshot >= 0 && prs_snapshot_copy(fs, from, code, err) < 0)
		return err->code;
	r = fs->mkdir(fs->ctx, kept, 0755); /* what a script leaves there is kept */
	return r < 0 && r != -EEXIST ? prs_fail_errno(err, -r, "creating %s", kept) : 0;
}

/* A command that runs again logs again. */
static int remove_metrics(const struct step *s, const char *dir, struct prs_err *err)
{
	PRS_AUTOFREE char *path = prs_strf("%s/logs/" PRS_NAME_METRICS, dir);
	int r = path ? s->e->c.fs->unlink(s->e->c.fs->ctx, path) : -ENOMEM;
	return r < 0 && r != -ENOENT ? prs_fail_errno(err, -r, "removing %s", path ? path : dir) : 0;
}

int command_prepare(struct step *s, struct prs_err *err)
{
	const struct prs_fs *fs = s->e->c.fs;
	PRS_AUTOFREE char *dir = step_dir(s), *code = dir ? prs_strf("%s/code", dir) : NULL;
	PRS_AUTOFREE char *logs = dir ? prs_strf("%s/logs/user/", dir) : NULL;
	struct prs_fs_stat st;
	size_t length = 0;
	if (!code || !logs)
		return prs_fail(err, PRS_ENOMEM, "the folder of a step");
	int r = prs_path_make(fs, logs, strlen(s->e->c.dir), 0755, &length);
	if (r < 0)
		return prs_fail_errno(err, -r, "creating %.*s", (int)length, logs);
	if (fs->stat(fs->ctx, code, &st) == 0 && remove_copy(code, err) < 0)
		return err->code;
	if (remove_metrics(s, dir, err) < 0)
		return err->code;
	return outputs_make(s, err) < 0 ? err->code : copy_code(s, code, err);
}

/* ---- its words and variables ------------------------------------------------------------------------------------- */

struct filling {
	const struct step *s;
	char *last;
};

static const char *filled_output(void *ctx, size_t step, size_t output)
{
	struct filling *f = ctx;
	prs_freep(&f->last);
	f->last = step == f->s->n ? output_working_path(f->s, output) : step_output(f->s->e, step, output);
	return f->last;
}

static int put_python_first(const struct step *s, struct prs_list *l)
{
	PRS_AUTOFREE char *folder = s->is->python ? prs_path_folder(s->is->python) : NULL;
	const char *path = prs_variable(l, "PATH");
	PRS_AUTOFREE char *now = folder ? prs_strf("%s:%s", folder, path ? path : "/usr/bin:/bin") : NULL;
	if (!folder)
		return 0;
	return now ? prs_variable_set(l, "PATH", now) : -PRS_ENOMEM;
}

static int set_outputs(const struct step *s, struct prs_list *l)
{
	int r = 0;
	for (size_t i = 0; i < s->is->outputs_n && !r; i++) {
		PRS_AUTOFREE char *name = prs_strf("AZURE_ML_OUTPUT_%s", s->is->outputs[i].name);
		PRS_AUTOFREE char *path = output_working_path(s, i);
		r = name && path ? prs_variable_default(l, name, path) : -PRS_ENOMEM;
	}
	return r;
}

/* Where everything is that is not the user's own: the last place that Python looks at before its own folders. */
static int put_names_last(const struct step *s, struct prs_list *l)
{
	const char *path = prs_variable(l, "PYTHONPATH");
	PRS_AUTOFREE char *now = path && *path ? prs_strf("%s:%s", path, s->e->c.names) : prs_strdup(s->e->c.names);
	return now ? prs_variable_set(l, "PYTHONPATH", now) : -PRS_ENOMEM;
}

/* What the platform of the original sets, and a place for mlflow. */
static int set_platform(struct prs_list *l, const char *dir)
{
	PRS_AUTOFREE char *mlflow = prs_strf("file://%s/code/outputs/mlruns", dir);
	bool is_ours = !prs_variable(l, "MLFLOW_TRACKING_URI");
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "AZUREML_ARM_WORKSPACE_NAME", "local" },
		{ "AZUREML_ARM_SUBSCRIPTION", "00000000-0000-0000-0000-000000000000" },
		{ "AZUREML_ARM_RESOURCEGROUP", "local" },
		{ "MLFLOW_TRACKING_URI", mlflow },
		{ "MLFLOW_ALLOW_FILE_STORE", is_ours ? "true" : NULL },
	};
	int r = mlflow ? 0 : -PRS_ENOMEM;
	for (size_t i = 0; i < sizeof rows / sizeof *rows && !r; i++)
		if (rows[i].value)
			r = prs_variable_default(l, rows[i].name, rows[i].value);
	return r;
}

static int set_ours(const struct step *s, struct prs_list *l)
{
	char slot[16];
	PRS_AUTOFREE char *run = prs_strf("%s.%s", s->e->c.run_name, s->is->folder), *dir = step_dir(s);
	snprintf(slot, sizeof slot, "%u", s->n);
	if (!run || !dir || prs_variable_set(l, "PRS_STEP_FOLDER", dir) < 0 || put_names_last(s, l) < 0 ||
	    set_platform(l, dir) < 0 || prs_variable_set(l, "PRS_RUN", s->e->mark_text) < 0 ||
	    prs_variable_set(l, "PRS_SLOT", slot) < 0 || prs_variable_default(l, "AZUREML_RUN_ID", run) < 0)
		return -PRS_ENOMEM;
	return 0;
}

static int make_variables(const struct step *s, const struct prs_step_command *c, struct prs_list *l)
{
	int r = 0;
	for (char **v = environ; *v && !r; v++)
		r = prs_list_add(l, *v);
	if (!r)
		r = put_python_first(s, l);
	for (size_t i = 0; i < c->variables_n && !r; i++)
		r = prs_variable_set(l, c->variables[i].name, c->variables[i].value);
	if (!r)
		r = set_outputs(s, l);
	if (!r)
		r = set_ours(s, l);
	return r < 0 ? r : prs_list_add(l, "") /* becomes the NULL that closes it */;
}

/* ---- its process ------------------------------------------------------------------------------------------------- */

static int spawn(struct step *s, const struct prs_step_command *c, struct prs_list *env, const char *dir,
                 struct prs_err *err)
{
	char parent[32], nofile[32];
	PRS_AUTOFREE char *log = prs_strf("%s/logs/user/std_log.txt", dir), *cwd = prs_strf("%s/code", dir);
	if (!log || !cwd)
		return prs_fail(err, PRS_ENOMEM, "starting a command");
	snprintf(parent, sizeof parent, "%d", getpid());
	snprintf(nofile, sizeof nofile, "%llu", (unsigned long long)prs_old_nofile());
	char prs[] = "prs", worker[] = "_worker", bash[] = BASH, flag[] = "-c";
	char *argv[] = { prs, worker, parent, nofile, bash, flag, c->text, NULL };
	prs_freep(&env->v[env->n - 1]);
	int r = step_spawn(s, argv, env->v, cwd, log, log, -1, err);
	env->n--;
	return r;
}

int command_begin(struct step *s, struct prs_err *err)
{
	struct filling filling = { .s = s };
	struct prs_step_command c = { 0 };
	struct prs_list env = { 0 };
	PRS_AUTOFREE char *dir = step_dir(s), *outputs = dir ? prs_strf("%s/outputs", dir) : NULL;
	struct prs_step_fill fill = { .output = filled_output,
		                      .ctx = &filling,
		                      .run_name = s->e->c.run_name,
		                      .outputs_dir = outputs };
	int r = outputs ? prs_step_fill_command(s->e->p, s->n, &fill, &c, err) : prs_fail(err, PRS_ENOMEM, "a command");
	if (!r && make_variables(s, &c, &env) < 0)
		r = prs_fail(err, PRS_ENOMEM, "the environment of a command");
	if (!r)
		r = spawn(s, &c, &env, dir, err);
	prs_list_done(&env);
	prs_step_command_done(&c);
	prs_freep(&filling.last);
	return r;
}
