/* SPDX-License-Identifier: Apache-2.0
 * job: what a command line with a script asks for, checked: all mistakes are gathered, a line each, before anything is
 * made. Job files have their own checks (jobfile*.c), with places.
 */
#include "spec/job.h"

#include "base/mem.h"
#include "spec/jobfile_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	}
	free(v);
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
		prs_list_done(&j->inputs[i].parts);
	}
	for (size_t i = 0; i < j->outputs_n; i++) {
		prs_freep(&j->outputs[i].name);
		prs_freep(&j->outputs[i].type);
		prs_freep(&j->outputs[i].path);
	}
	prs_freep(&j->inputs);
	prs_freep(&j->outputs);
	prs_list_done(&j->env_pip);
	prs_list_done(&j->program_args);
	prs_list_done(&j->system_args);
	prs_list_done(&j->data_paths);
	free_pairs(j->models, j->models_n);
	free_pairs(j->side_inputs, j->side_inputs_n);
	free_pairs(j->environment, j->environment_n);
	char **texts[] = { &j->submit_dir, &j->code_dir,  &j->entry,      &j->output_file, &j->output_dir,
		           &j->name,       &j->python,    &j->python_why, &j->only_failed, &j->only_failed_name,
		           &j->env_name,   &j->env_python };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		prs_freep(texts[i]);
	for (size_t i = 0; i < PRS_OPTIONS; i++)
		prs_freep(&j->from[i]);
	prs_list_done(&j->user_args);
	prs_list_done(&j->warnings);
}

int prs_job_set(struct prs_job *j, const struct prs_option_row *row, const char *value, const char *where,
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

uint64_t prs_job_progress_timeout_us(const struct prs_job *j)
{
	if (j->o.progress_update_timeout_us != PRS_UNSET_US)
		return j->o.progress_update_timeout_us;
	return (uint64_t)j->o.run_max_try * (j->o.run_invocation_timeout_us + j->o.task_overhead_timeout_us);
}

/* ---- checking ---------------------------------------------------------------------------------------------------- */

struct check {
	struct prs_job *j;
	const struct prs_fs *fs;
	const char *cwd;
	struct prs_buf *report;
	int mistakes;
};

__attribute__((format(printf, 2, 3))) static void mistake(struct check *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	prs_buf_putf(c->report, "%s\n", text);
	c->mistakes++;
}

/* Absolute, without a slash at the end; the caller frees. */
static char *absolute(const char *cwd, const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		for (path += 2; *path == '/';)
			path++;
	if (!strcmp(path, "."))
		path = "";
	char *s = path[0] == '/' ? prs_strdup(path) : prs_strf("%s/%s", cwd, path);
	for (size_t n = s ? strlen(s) : 0; n > 1 && s[n - 1] == '/'; n--)
		s[n - 1] = 0;
	return s;
}

/* 'f', 'd', 'o' or 0 when there is none */
static char kind_of(struct check *c, const char *path) { return prs_path_kind(c->fs, path); }

void prs_job_clean_name(char *name)
{
	bool any = false;
	for (char *p = name; p && *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
		if (!plain && (p == name || !strchr("_-.", *p)))
			*p = '_';
		any = any || plain;
	}
	if (name && !any)
		snprintf(name, strlen(name) + 1, "run");
}

/* With --code: the script as a path below that folder. */
static void place_script(struct check *c, const char *path)
{
	struct prs_job *j = c->j;
	PRS_AUTOFREE char *script = prs_path_absolute("/", path);
	j->code_dir = prs_path_absolute(c->cwd, j->o.code);
	size_t n = j->code_dir ? strlen(j->code_dir) : 0;
	bool inside = script && n && !strncmp(script, j->code_dir, n) && (n == 1 || script[n] == '/');
	if (inside)
		j->entry = prs_strdup(script + n + (n > 1));
	else if (script && n && kind_of(c, j->code_dir) != 'd')
		mistake(c, "--code %s: no such folder", j->o.code);
	else if (script && n)
		mistake(c, "--code %s: the script %s does not lie in it", j->o.code, script);
}

static void check_script(struct check *c, const char *script)
{
	struct prs_job *j = c->j;
	struct prs_fs_stat st;
	PRS_AUTOFREE char *path = absolute(c->cwd, script);
	char kind = path ? kind_of(c, path) : 0;
	if (kind == 'd')
		mistake(c, "%s is a folder: name the entry script in it", script);
	else if (!kind && path && c->fs->stat(c->fs->ctx, path, &st) == -EACCES)
		mistake(c, "%s: no permission to reach the entry script %s", script, path);
	else if (kind != 'f')
		mistake(c, "%s: no such entry script (looked for %s)", script, path ? path : "");
	char *slash = path ? strrchr(path, '/') : NULL;
	if (!slash)
		return;
	if (j->o.code) {
		place_script(c, path);
	} else {
		j->entry = prs_strdup(slash + 1);
		j->code_dir = slash == path ? prs_strdup("/") : prs_strf("%.*s", (int)(slash - path), path);
	}
	if (!j->o.name) {
		const char *file = slash + 1, *dot = strrchr(file, '.');
		j->name = prs_strf("%.*s", dot && dot != file ? (int)(dot - file) : (int)strlen(file), file);
	} else if (j->o.name) {
		j->name = prs_strdup(j->o.name);
	}
	prs_job_clean_name(j->name);
}

/* "name=path" where the part in front is a name; else an unnamed path. */
static const char *split_name(const char *text, size_t *ret_name)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	*ret_name = n && text[n] == '=' ? n : 0;
	return *ret_name ? text + n + 1 : text;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

enum { LOOK_DEPTH = 32, LOOK_FOLDERS = 10000 };

struct look {
	struct check *c;
	struct prs_list folders; /* found in this folder, to be looked into */
	const char *path;
	bool found;
};

static int job_look_at(void *ctx, const char *name, char type)
{
	struct look *l = ctx;
	PRS_AUTOFREE char *path = prs_strf("%s/%s", l->path, name);
	char kind = type == 'f' || type == 'd' || !path ? type : kind_of(l->c, path);
	if (kind == 'd')
		return prs_list_add(&l->folders, path ? path : "") < 0;
	l->found = kind != 'o';
	return l->found;
}

/* Is there a file below the folder? Looks no further than the first one; true when it would take long to know. */
static bool has_file(struct check *c, const char *path, int depth, int *budget)
{
	struct look l = { .c = c, .path = path };
	bool found = depth <= 0 || --*budget <= 0 || c->fs->list(c->fs->ctx, path, job_look_at, &l) < 0 || l.found;
	for (size_t i = 0; i < l.folders.n && !found; i++)
		found = has_file(c, l.folders.v[i], depth - 1, budget);
	prs_list_done(&l.folders);
	return found;
}

static void check_empty(struct check *c)
{
	struct prs_job *j = c->j;
	int budget = LOOK_FOLDERS;
	for (size_t i = 0; i < j->inputs_n; i++)
		if (!j->inputs[i].path || kind_of(c, j->inputs[i].path) != 'd' ||
		    has_file(c, j->inputs[i].path, LOOK_DEPTH, &budget))
			return;
	if (j->inputs_n)
		mistake(c, "--input %s: there is no file in it%s", j->o.input.v[0],
		        j->inputs_n > 1 ? ", nor in the other inputs" : "");
}

static void check_inputs(struct check *c)
{
	struct prs_job *j = c->j;
	if (!j->o.input.n)
		mistake(c, "no input: give the folder or file to process with --input PATH");
	j->inputs = prs_calloc(j->o.input.n + 1, sizeof *j->inputs);
	for (size_t i = 0; j->inputs && i < j->o.input.n; i++) {
		size_t n;
		const char *path = split_name(j->o.input.v[i], &n);
		struct prs_job_input *in = &j->inputs[j->inputs_n++];
		in->name = n ? prs_strf("%.*s", (int)n, j->o.input.v[i]) : prs_strf("input_%zu", i);
		in->type = prs_strdup("uri_folder");
		struct prs_err err = { 0 };
		if (prs_job_input_resolve(in, c->fs, c->cwd, path, &err) < 0)
			mistake(c, "--input %s: %s", path, err.msg);
		for (size_t k = 0; k + 1 < j->inputs_n && in->name; k++)
			if (j->inputs[k].name && !strcmp(j->inputs[k].name, in->name))
				mistake(c, "--input %s: the name %s is used twice", j->o.input.v[i], in->name);
	}
	check_empty(c);
}

static void check_pairs(struct check *c, const char *flag, const struct prs_list *from, struct prs_job_pair **ret,
                        size_t *ret_n, bool paths)
{
	*ret = prs_calloc(from->n + 1, sizeof **ret);
	for (size_t i = 0; *ret && i < from->n; i++) {
		const char *equals = strchr(from->v[i], '=');
		if (!equals || equals == from->v[i]) {
			mistake(c, "%s %s: expected %s", flag, from->v[i], paths ? "NAME=PATH" : "NAME=VALUE");
			continue;
		}
		struct prs_job_pair *p = &(*ret)[(*ret_n)++];
		p->name = prs_strf("%.*s", (int)(equals - from->v[i]), from->v[i]);
		p->value = paths ? absolute(c->cwd, equals + 1) : prs_strdup(equals + 1);
		if (paths && p->value && !kind_of(c, p->value))
			mistake(c, "%s %s: no such file or folder: %s", flag, from->v[i], p->value);
	}
}

static void check_output(struct check *c)
{
	struct prs_job *j = c->j;
	const char *given = j->o.output.n ? j->o.output.v[j->o.output.n - 1] : NULL;
	if (!given)
		return;
	PRS_AUTOFREE char *path = absolute(c->cwd, given);
	if (!path)
		return;
	char kind = kind_of(c, path);
	if (j->o.output_action == PRS_OUTPUT_SUMMARY_ONLY) {
		if (kind && kind != 'd')
			mistake(c, "--output %s: with summary_only this is a folder, but it is a file", given);
		j->output_dir = prs_strdup(path);
		return;
	}
	if (kind == 'd') {
		j->output_file = prs_strf("%s/parallel_run_step.txt", path);
		kind = j->output_file ? kind_of(c, j->output_file) : 0;
	} else {
		j->output_file = prs_strdup(path);
		if (given[strlen(given) - 1] == '/')
			mistake(c, "--output %s: there is no such folder; make it first", given);
	}
	if (!j->output_file)
		return;
	if (kind == 'o') /* a rename would take its place: /dev/null would be gone */
		mistake(c, "--output %s is a device, a pipe or a socket: expected an ordinary file", j->output_file);
	else if (kind && !j->o.overwrite)
		mistake(c, "--output %s exists: name another file, or replace it with --overwrite", j->output_file);
	char *slash = strrchr(j->output_file, '/');
	j->output_dir = slash == j->output_file ? prs_strdup("/")
	                                        : prs_strf("%.*s", (int)(slash - j->output_file), j->output_file);
	if (j->output_dir && kind_of(c, j->output_dir) != 'd')
		mistake(c, "--output %s: the folder %s does not exist; make it first", given, j->output_dir);
	for (size_t i = 0; i < j->inputs_n && j->output_dir; i++) {
		size_t n = j->inputs[i].path ? strlen(j->inputs[i].path) : 0;
		if (n && !strncmp(j->output_file, j->inputs[i].path, n) && j->output_file[n] == '/')
			mistake(c, "--output %s lies inside the input %s: it would become part of the input", given,
			        j->inputs[i].path);
	}
}

static bool pairs_whole(const struct prs_job_pair *v, size_t n, const struct prs_list *from)
{
	bool whole = v && n == from->n;
	for (size_t i = 0; whole && i < n; i++)
		whole = v[i].name && v[i].value;
	return whole;
}

/* Was there memory for everything? Asked once, at the end. */
static bool is_whole(const struct prs_job *j)
{
	bool whole = j->submit_dir && j->entry && j->code_dir && j->name && j->inputs && j->inputs_n == j->o.input.n;
	for (size_t i = 0; whole && i < j->inputs_n; i++)
		whole = j->inputs[i].name && j->inputs[i].path && j->inputs[i].type;
	return whole && (!j->o.output.n || j->output_dir) && pairs_whole(j->models, j->models_n, &j->o.model) &&
	       pairs_whole(j->side_inputs, j->side_inputs_n, &j->o.side_input) &&
	       pairs_whole(j->environment, j->environment_n, &j->o.environment_variable);
}

static void check_keys(struct check *c)
{
	struct prs_job *j = c->j;
	struct prs_err err = { 0 };
	if (j->from[PRS_OPTION_ID_partition_keys] && j->from[PRS_OPTION_ID_mini_batch_size])
		mistake(c, "--partition-keys and --mini-batch-size exclude each other: keep one");
	int r = prs_job_split_keys(j, &err);
	for (size_t i = 0; i < j->inputs_n && r == 0; i++)
		r = prs_job_check_partition(j, &j->inputs[i], &err);
	if (r < 0)
		mistake(c, "%s", err.msg);
}

static const char bisect_asks[] = "on_failure bisect: the items of a failing mini-batch run again in smaller ones, so "
				  "what run() returns for an item must depend on that item alone";

int prs_job_check(struct prs_job *j, const struct prs_fs *fs, const char *script, const char *cwd,
                  struct prs_buf *report)
{
	struct check c = { j, fs, cwd, report, 0 };
	j->submit_dir = prs_strdup(cwd);
	check_script(&c, script);
	check_inputs(&c);
	check_pairs(&c, "--model", &j->o.model, &j->models, &j->models_n, true);
	check_pairs(&c, "--side-input", &j->o.side_input, &j->side_inputs, &j->side_inputs_n, true);
	check_pairs(&c, "--env", &j->o.environment_variable, &j->environment, &j->environment_n, false);
	check_output(&c);
	check_keys(&c);
	if (j->o.on_failure == PRS_ON_FAILURE_BISECT && prs_list_add(&j->warnings, bisect_asks) < 0)
		mistake(&c, "out of memory");
	if (!c.mistakes && !is_whole(j))
		mistake(&c, "out of memory");
	return c.mistakes;
}

/* ---- sys.argv ---------------------------------------------------------------------------------------------------- */

static int add_flag(struct prs_list *l, const char *name, const char *value)
{
	return prs_list_add(l, name) < 0 || prs_list_add(l, value) < 0 ? -PRS_ENOMEM : 0;
}

static int add_option(const struct prs_job *j, struct prs_list *l, const char *flag, const char *option)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	const struct prs_option_row *row = prs_option_find(option, false);
	if (!row || !prs_option_get(&j->o, row, 0, &b))
		return 0;
	return add_flag(l, flag, prs_buf_str(&b));
}

/* Contract 1.3: the engine's flags in their order, the user's arguments, then the names of the inputs. */
static int engine_flags(const struct prs_job *j, struct prs_list *l)
{
	static const char *const before[][2] = {
		{ "--mini_batch_size", "mini-batch-size" },
		{ "--error_threshold", "error-threshold" },
		{ "--output_action", "output-action" },
		{ "--logging_level", "logging-level" },
		{ "--run_invocation_timeout", "run-invocation-timeout" },
		{ "--run_max_try", "run-max-try" },
	};
	static const char *const behind[][2] = {
		{ "--process_count_per_node", "processes" },
		{ "--allowed_failed_count", "allowed-failed-count" },
		{ "--allowed_failed_percent", "allowed-failed-percent" },
	};
	const char *slash = j->output_file ? strrchr(j->output_file, '/') : NULL;
	int r = add_flag(l, "--client_sdk_version", PRS_VERSION) || add_flag(l, "--scoring_module_name", j->entry);
	for (size_t i = j->o.partition_keys.n > 0; i < sizeof before / sizeof *before && !r;
	     i++) /* keys in place of a size */
		r = add_option(j, l, before[i][0], before[i][1]);
	r = r || add_flag(l, "--create_snapshot_at_runtime", "True");
	if (!r && j->o.output_action == PRS_OUTPUT_APPEND_ROW)
		r = add_flag(l, "--append_row_file_name", slash ? slash + 1 : "parallel_run_step.txt");
	r = r || add_flag(l, "--output", j->output_dir ? j->output_dir : "");
	for (size_t i = 0; i < sizeof behind / sizeof *behind && !r; i++)
		r = add_option(j, l, behind[i][0], behind[i][1]);
	PRS_AUTOFREE char *keys = j->o.partition_keys.n ? prs_job_keys_json(j) : NULL;
	if (!r && j->o.partition_keys.n)
		r = keys ? add_flag(l, "--partition_keys", keys) : -PRS_ENOMEM;
	return r ? -PRS_ENOMEM : 0;
}

int prs_job_argv(const struct prs_job *j, struct prs_list *ret, struct prs_err *err)
{
	int r = j->o.engine_args == PRS_ENGINE_ARGS_SHOW ? engine_flags(j, ret) : 0;
	for (size_t i = 0; i < j->system_args.n && !r && j->o.engine_args == PRS_ENGINE_ARGS_SHOW; i++)
		r = prs_list_add(ret, j->system_args.v[i]);
	for (size_t i = 0; i < j->side_inputs_n && !r; i++) {
		PRS_AUTOFREE char *flag = prs_strf("--%s", j->side_inputs[i].name);
		r = flag ? add_flag(ret, flag, j->side_inputs[i].value) : -PRS_ENOMEM;
	}
	for (size_t i = 0; i < j->user_args.n && !r; i++)
		r = prs_list_add(ret, j->user_args.v[i]);
	for (size_t i = 0; i < j->inputs_n && !r && j->o.engine_args == PRS_ENGINE_ARGS_SHOW; i++) {
		char flag[48];
		snprintf(flag, sizeof flag, "--input_fds_%zu", i);
		r = add_flag(ret, flag, j->inputs[i].name);
	}
	return r ? prs_fail(err, PRS_ENOMEM, "arguments of the script") : 0;
}
