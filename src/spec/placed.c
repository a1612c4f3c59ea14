/* SPDX-License-Identifier: Apache-2.0
 * placed: what a job leaves open until the run folder is known: ${{name}}, ${{outputs.x}}, where outputs lie; then what
 * the script sees of it, its sys.argv.
 */
#include "spec/placed.h"

#include "base/mem.h"
#include "spec/jobfile_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- late parts -------------------------------------------------------------------------------------------------- */

struct place {
	struct prs_placed *p;
	const struct prs_job *j;
	const char *dir, *run_name;
	bool apart; /* outputs lie below dir, whatever paths they have */
};

static bool is_word(const char *word, size_t n, const char *is) { return n == strlen(is) && !strncmp(word, is, n); }

/* False: no late part, but bytes of the user's own. */
static bool put_late(const struct place *at, const char *word, size_t n, struct prs_buf *to)
{
	if (is_word(word, n, "name")) {
		prs_buf_puts(to, at->run_name);
		return true;
	}
	if (is_word(word, n, "outputs")) {
		prs_buf_putf(to, "%s/outputs", at->dir);
		return true;
	}
	if (n <= 8 || strncmp(word, "outputs.", 8) != 0)
		return false;
	const char *path = is_word(word + 8, n - 8, "default") ? at->p->output_dir : NULL;
	for (size_t i = 0; i < at->j->outputs_n; i++)
		if (is_word(word + 8, n - 8, at->j->outputs[i].name))
			path = at->p->outputs[i];
	if (path)
		prs_buf_puts(to, path);
	return path;
}

/* A text with its late parts filled in; the caller frees. */
static char *filled(const struct place *at, const char *text)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	while (*text) {
		const char *stop = *text == JF_LATE_OPEN ? strchr(text, JF_LATE_CLOSE) : NULL;
		if (stop && put_late(at, text + 1, (size_t)(stop - text) - 1, &b))
			text = stop + 1;
		else
			prs_buf_putc(&b, *text++);
	}
	return b.failed ? NULL : prs_strdup(prs_buf_str(&b));
}

static bool is_file(const struct prs_job_output *o) { return !strcmp(o->type, "uri_file"); }

static char *copy_of(const char *s, bool *failed)
{
	char *copy = s ? prs_strdup(s) : NULL;
	*failed = *failed || (s && !copy);
	return copy;
}

/* ---- placing ----------------------------------------------------------------------------------------------------- */

static int place_inputs(const struct place *at)
{
	const struct prs_job *j = at->j;
	bool failed = false;
	at->p->inputs = prs_calloc(j->inputs_n + 1, sizeof *at->p->inputs);
	for (size_t i = 0; at->p->inputs && i < j->inputs_n; i++) {
		struct prs_placed_input *to = &at->p->inputs[i];
		to->path = copy_of(j->inputs[i].path, &failed);
		to->only = copy_of(j->inputs[i].only, &failed);
	}
	return at->p->inputs && !failed ? 0 : -PRS_ENOMEM;
}

/* Where an output without a path lies; apart, also one with a path. The caller frees. */
static char *below_run(const struct place *at, const struct prs_job_output *o)
{
	const char *last = o->path && is_file(o) ? strrchr(o->path, '/') : NULL;
	return prs_strf("%s/outputs/%s%s", at->dir, o->name, last ? last : "");
}

static int place_outputs(const struct place *at)
{
	const struct prs_job *j = at->j;
	at->p->outputs = prs_calloc(j->outputs_n + 1, sizeof *at->p->outputs);
	for (size_t i = 0; at->p->outputs && i < j->outputs_n; i++) {
		const struct prs_job_output *o = &j->outputs[i];
		bool placed = o->path && !at->apart;
		at->p->outputs[i] = placed ? filled(at, o->path) : below_run(at, o);
		if (!at->p->outputs[i])
			return -PRS_ENOMEM;
	}
	return at->p->outputs ? 0 : -PRS_ENOMEM;
}

/* The append_row file of a job file. */
static int place_rows(const struct place *at, const struct prs_fs *fs, const struct prs_job_output *o, const char *path)
{
	struct prs_placed *p = at->p;
	bool in_it = !is_file(o) || prs_path_kind(fs, path) == 'd';
	p->output_file = in_it ? prs_strf("%s/%s", path, prs_job_rows_name(at->j)) : prs_strdup(path);
	p->output_dir = p->output_file ? prs_path_folder(p->output_file) : NULL;
	return p->output_dir ? 0 : -PRS_ENOMEM;
}

/* The append_row file, and the folder that the script knows as its output: its only one, else outputs/. */
static int place_output(const struct place *at, const struct prs_fs *fs)
{
	const struct prs_job *j = at->j;
	struct prs_placed *p = at->p;
	size_t folders = 0, last = 0;
	bool failed = false;
	if (j->append_to >= 0 && j->o.output_action == PRS_OUTPUT_APPEND_ROW)
		return place_rows(at, fs, &j->outputs[j->append_to], p->outputs[j->append_to]);
	for (size_t i = 0; i < j->outputs_n; i++) {
		last = is_file(&j->outputs[i]) ? last : i;
		folders += !is_file(&j->outputs[i]);
	}
	p->output_file = copy_of(j->output_file, &failed);
	if (j->output_dir && !at->apart)
		p->output_dir = prs_strdup(j->output_dir);
	else if (folders == 1)
		p->output_dir = prs_strdup(p->outputs[last]);
	else
		p->output_dir = prs_strf("%s/outputs", at->dir);
	return p->output_dir && !failed ? 0 : -PRS_ENOMEM;
}

static int place_words(const struct place *at, const struct prs_list *from, struct prs_list *to)
{
	for (size_t i = 0; i < from->n; i++) {
		PRS_AUTOFREE char *word = filled(at, from->v[i]);
		if (!word || prs_list_add(to, word) < 0)
			return -PRS_ENOMEM;
	}
	return 0;
}

static int place_variables(const struct place *at)
{
	const struct prs_job *j = at->j;
	at->p->variables = prs_calloc(j->variables_n + 1, sizeof *at->p->variables);
	for (size_t i = 0; at->p->variables && i < j->variables_n; i++) {
		struct prs_job_pair *to = &at->p->variables[i];
		*to = (struct prs_job_pair){ prs_strdup(j->variables[i].name), filled(at, j->variables[i].value) };
		if (!to->name || !to->value)
			return -PRS_ENOMEM;
	}
	return at->p->variables ? 0 : -PRS_ENOMEM;
}

static int place(const struct place *at, const struct prs_fs *fs, struct prs_err *err)
{
	const struct prs_job *j = at->j;
	struct prs_placed *p = at->p;
	*p = (struct prs_placed){ .job = j };
	if (place_inputs(at) < 0 || place_outputs(at) < 0 || place_output(at, fs) < 0 || place_variables(at) < 0 ||
	    place_words(at, &j->system_args, &p->system_args) < 0 ||
	    place_words(at, &j->program_args, &p->arguments) < 0 || place_words(at, &j->user_args, &p->arguments) < 0)
		return prs_fail(err, PRS_ENOMEM, "the job in its run folder");
	return 0;
}

int prs_place(struct prs_placed *p, const struct prs_job *j, const struct prs_fs *fs, const char *dir,
              const char *run_name, struct prs_err *err)
{
	struct place at = { p, j, dir, run_name, false };
	return place(&at, fs, err);
}

int prs_place_apart(struct prs_placed *p, const struct prs_job *j, const struct prs_fs *fs, const char *dir,
                    const char *run_name, struct prs_err *err)
{
	struct place at = { p, j, dir, run_name, true };
	return place(&at, fs, err);
}

void prs_placed_done(struct prs_placed *p)
{
	for (size_t i = 0; p->inputs && i < p->job->inputs_n; i++) {
		prs_freep(&p->inputs[i].path);
		prs_freep(&p->inputs[i].only);
	}
	for (size_t i = 0; p->outputs && i < p->job->outputs_n; i++)
		prs_freep(&p->outputs[i]);
	for (size_t i = 0; p->variables && i < p->job->variables_n; i++) {
		prs_freep(&p->variables[i].name);
		prs_freep(&p->variables[i].value);
	}
	prs_freep(&p->inputs);
	prs_freep(&p->outputs);
	prs_freep(&p->variables);
	prs_freep(&p->output_file);
	prs_freep(&p->output_dir);
	prs_list_done(&p->arguments);
	prs_list_done(&p->system_args);
	*p = (struct prs_placed){ 0 };
}

/* The folder, and those above it. */
static int make_folder(const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	PRS_AUTOFREE char *all = prs_strf("%s/", path);
	size_t n = 0;
	int r = all ? prs_path_make(fs, all, 1, 0755, &n) : -ENOMEM;
	char kind = prs_path_kind(fs, path);
	if (kind && kind != 'd')
		return prs_fail(err, PRS_EEXISTS, "%s is a file: expected a folder", path);
	return r < 0 ? prs_fail_errno(err, -r, "creating the folder %.*s", (int)n, all ? all : "") : 0;
}

int prs_placed_make_outputs(const struct prs_placed *p, const struct prs_fs *fs, struct prs_err *err)
{
	for (size_t i = 0; i < p->job->outputs_n; i++) {
		const char *path = p->outputs[i];
		PRS_AUTOFREE char *above = prs_path_folder(path);
		bool is_folder = !is_file(&p->job->outputs[i]) || prs_path_kind(fs, path) == 'd';
		if (!above)
			return prs_fail(err, PRS_ENOMEM, "%s", path);
		if (make_folder(fs, is_folder ? path : above, err) < 0)
			return err->code;
	}
	return p->output_dir ? make_folder(fs, p->output_dir, err) : 0;
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

/* The engine's flags, in the order of the original. */
static int engine_flags(const struct prs_placed *p, struct prs_list *l)
{
	const struct prs_job *j = p->job;
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
	const char *slash = p->output_file ? strrchr(p->output_file, '/') : NULL;
	int r = add_flag(l, "--client_sdk_version", PRS_VERSION) || add_flag(l, "--scoring_module_name", j->entry);
	for (size_t i = j->o.partition_keys.n > 0; i < sizeof before / sizeof *before && !r;
	     i++) /* keys in place of a size */
		r = add_option(j, l, before[i][0], before[i][1]);
	r = r || add_flag(l, "--create_snapshot_at_runtime", "True");
	if (!r && j->o.output_action == PRS_OUTPUT_APPEND_ROW)
		r = add_flag(l, "--append_row_file_name", slash ? slash + 1 : prs_job_rows_name(j));
	r = r || add_flag(l, "--output", p->output_dir ? p->output_dir : "");
	for (size_t i = 0; i < sizeof behind / sizeof *behind && !r; i++)
		r = add_option(j, l, behind[i][0], behind[i][1]);
	PRS_AUTOFREE char *keys = j->o.partition_keys.n ? prs_job_keys_json(j) : NULL;
	if (!r && j->o.partition_keys.n)
		r = keys ? add_flag(l, "--partition_keys", keys) : -PRS_ENOMEM;
	return r ? -PRS_ENOMEM : 0;
}

int prs_placed_argv(const struct prs_placed *p, struct prs_list *ret, struct prs_err *err)
{
	const struct prs_job *j = p->job;
	int r = j->o.engine_args == PRS_ENGINE_ARGS_SHOW ? engine_flags(p, ret) : 0;
	for (size_t i = 0; i < p->system_args.n && !r && j->o.engine_args == PRS_ENGINE_ARGS_SHOW; i++)
		r = prs_list_add(ret, p->system_args.v[i]);
	for (size_t i = 0; i < j->side_inputs_n && !r; i++) {
		PRS_AUTOFREE char *flag = prs_strf("--%s", j->side_inputs[i].name);
		r = flag ? add_flag(ret, flag, j->side_inputs[i].value) : -PRS_ENOMEM;
	}
	for (size_t i = 0; i < p->arguments.n && !r; i++)
		r = prs_list_add(ret, p->arguments.v[i]);
	for (size_t i = 0; i < j->inputs_n && !r && j->o.engine_args == PRS_ENGINE_ARGS_SHOW; i++) {
		char flag[48];
		snprintf(flag, sizeof flag, "--input_fds_%zu", i);
		r = add_flag(ret, flag, j->inputs[i].name);
	}
	return r ? prs_fail(err, PRS_ENOMEM, "arguments of the script") : 0;
}
