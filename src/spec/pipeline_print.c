/* SPDX-License-Identifier: Apache-2.0
 * pipeline_print: the step is filled in as if it started, with fingerprints in place of paths; the rest is a JSON
 * document with sorted members, and its hash.
 */
#include "spec/pipeline_print.h"

#include "base/mem.h"
#include "spec/job_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { HEX = 2 * PRS_STEP_PRINT_BYTES };
/* No path begins so: what stands for one. */
#define STANDS_IN '@'

struct printing {
	const struct prs_pipeline *p;
	const struct prs_step *s;
	size_t at;
	const struct prs_step_parts *with;
	struct prs_err *err;
	char last[HEX + 32]; /* what stands for the path that was asked for last */
};

static void put_hex(char to[HEX + 1], const uint8_t *print)
{
	for (size_t i = 0; i < PRS_STEP_PRINT_BYTES; i++)
		snprintf(to + 2 * i, 3, "%02x", print[i]);
}

static json_t *hex(const uint8_t *print)
{
	char text[HEX + 1];
	if (!print)
		return json_null();
	put_hex(text, print);
	return json_string(text);
}

/* ---- what stands for a path -------------------------------------------------------------------------------------- */

static const char *stand_in_output(void *ctx, size_t step, size_t output)
{
	struct printing *x = ctx;
	char text[HEX + 1];
	if (step == x->at) {
		snprintf(x->last, sizeof x->last, "%cown/%zu", STANDS_IN, output);
		return x->last;
	}
	const uint8_t *result = x->with->result(x->with->ctx, step);
	if (!result) {
		prs_fail(x->err, PRS_EINVALID, "what step %s made has no fingerprint", x->p->steps[step].name);
		return NULL;
	}
	put_hex(text, result);
	snprintf(x->last, sizeof x->last, "%c%s/%zu", STANDS_IN, text, output);
	return x->last;
}

/* NULL: err. */
static const char *stand_in_files(void *ctx, const char *path)
{
	struct printing *x = ctx;
	uint8_t print[PRS_STEP_PRINT_BYTES];
	char text[HEX + 1];
	if (path[0] == STANDS_IN)
		return path;
	if (x->with->files(x->with->ctx, path, print, x->err) < 0)
		return NULL;
	put_hex(text, print);
	snprintf(x->last, sizeof x->last, "%c%s", STANDS_IN, text);
	return x->last;
}

static int cannot(struct printing *x, const char *what)
{
	return x->err->code ? x->err->code : prs_fail(x->err, PRS_ENOMEM, "%s", what);
}

/* The member, a path, becomes what stands for it. */
static int replace_path(struct printing *x, json_t *o, const char *member)
{
	PRS_AUTOFREE char *path = job_json_text(json_object_get(o, member));
	const char *is = path ? stand_in_files(x, path) : NULL;
	if (path && !is)
		return cannot(x, "an input");
	if (is)
		json_object_set_new(o, member, json_string(is));
	return 0;
}

/* ---- a command --------------------------------------------------------------------------------------------------- */

static int put_input(struct printing *x, json_t *to, const struct prs_step_input *in)
{
	const char *is = NULL;
	if (in->of_step)
		is = stand_in_output(x, in->step, in->output);
	else if (in->path)
		is = stand_in_files(x, in->path);
	if ((in->of_step || in->path) && !is)
		return cannot(x, "an input");
	json_array_append_new(to, json_pack("[o, o, s?, o]", job_json_of(in->name), job_json_of(in->type), is,
	                                    job_json_of(in->literal)));
	return 0;
}

/* What a variable says is often the path of an input. */
static int put_variable(struct printing *x, json_t *to, const struct prs_job_pair *v)
{
	const char *value = v->value;
	for (size_t i = 0; i < x->s->inputs_n; i++)
		if (x->s->inputs[i].path && !strcmp(x->s->inputs[i].path, value))
			value = stand_in_files(x, value);
	if (!value)
		return cannot(x, "a variable");
	json_array_append_new(to, json_pack("[o, o]", job_json_of(v->name), job_json_of(value)));
	return 0;
}

static void put_outputs(const struct printing *x, json_t *to)
{
	for (size_t i = 0; i < x->s->outputs_n; i++)
		json_array_append_new(to, json_pack("[o, o]", job_json_of(x->s->outputs[i].name),
		                                    job_json_of(x->s->outputs[i].type)));
}

static int add_command(struct printing *x, json_t *to)
{
	struct prs_step_fill fill = { .output = stand_in_output,
		                      .ctx = x,
		                      .input = stand_in_files,
		                      .run_name = "name",
		                      .outputs_dir = "@own" };
	struct prs_step_command c;
	struct prs_err bad = { 0 };
	json_t *inputs = json_array(), *variables = json_array(), *outputs = json_array();
	json_object_set_new(to, "inputs", inputs);
	json_object_set_new(to, "variables", variables);
	json_object_set_new(to, "outputs", outputs);
	json_object_set_new(to, "timeout", json_real(x->s->timeout_s));
	put_outputs(x, outputs);
	for (size_t i = 0; i < x->s->inputs_n; i++)
		if (put_input(x, inputs, &x->s->inputs[i]) < 0)
			return x->err->code;
	if (prs_step_fill_command(x->p, x->at, &fill, &c, &bad) < 0)
		return x->err->code ? x->err->code : prs_fail(x->err, (enum prs_code) - bad.code, "%s", bad.msg);
	json_object_set_new(to, "command", job_json_of(c.text));
	int r = 0;
	for (size_t i = 0; i < c.variables_n && !r; i++)
		r = put_variable(x, variables, &c.variables[i]);
	prs_step_command_done(&c);
	return r;
}

/* ---- a parallel step --------------------------------------------------------------------------------------------- */

/* Names, where things are, who chose the interpreter. */
static const char *const not_counted[] = { "name",       "python", "python_why", "code_dir", "additional_includes",
	                                   "submit_dir", NULL };
/* Resources and settings of logs; and what is only about the place of an output. */
static const enum prs_option_id options_not_counted[] = {
	PRS_OPTION_ID_processes,
	PRS_OPTION_ID_memory_limit_per_process,
	PRS_OPTION_ID_max_rss_per_process,
	PRS_OPTION_ID_threads,
	PRS_OPTION_ID_name,
	PRS_OPTION_ID_runs_dir,
	PRS_OPTION_ID_share,
	PRS_OPTION_ID_secret,
	PRS_OPTION_ID_resource_monitor_interval,
	PRS_OPTION_ID_logging_level,
	PRS_OPTION_ID_profiling_module,
	PRS_OPTION_ID_grace_us,
	PRS_OPTION_ID_json,
	PRS_OPTION_ID_quiet,
	PRS_OPTION_ID_bench_no_sync,
	PRS_OPTION_ID_bench_no_logs,
	PRS_OPTION_ID_code,
	PRS_OPTION_ID_python,
	PRS_OPTION_ID_overwrite,
	PRS_OPTION_ID_output,
};

static bool is_pattern(const char *path) { return strpbrk(path, "*?[") != NULL; }

/* Files of which the document names only where a list of them is are not followed. */
static int check_input(struct printing *x, const json_t *in)
{
	const char *path = json_string_value(json_object_get(in, "path")),
		   *name = json_string_value(json_object_get(in, "name"));
	const char *why = NULL;
	if (json_object_get(in, "mltable"))
		why = "an MLTable file";
	else if (json_object_get(in, "parts"))
		why = "made of several paths";
	else if (json_is_true(json_object_get(in, "is_list")))
		why = "a list of files";
	else if (path && is_pattern(path))
		why = "a pattern";
	return why ? prs_fail(x->err, PRS_EINVALID, "its input %s is %s, which has no fingerprint", name ? name : "",
	                      why)
	           : 0;
}

static int take_inputs(struct printing *x, const json_t *job)
{
	const json_t *all = json_object_get(job, "inputs");
	for (size_t i = 0; i < json_array_size(all); i++)
		if (check_input(x, json_array_get(all, i)) < 0 || replace_path(x, json_array_get(all, i), "path") < 0)
			return x->err->code;
	return 0;
}

static int take_pairs(struct printing *x, const json_t *job, const char *list)
{
	const json_t *all = json_object_get(job, list);
	for (size_t i = 0; i < json_array_size(all); i++)
		if (replace_path(x, json_array_get(all, i), "value") < 0)
			return x->err->code;
	return 0;
}

/* An input that is not split reaches the script by its path alone. */
static int take_variables(struct printing *x, const json_t *job)
{
	const json_t *all = json_object_get(job, "environment");
	for (size_t i = 0; i < json_array_size(all); i++) {
		json_t *v = json_array_get(all, i);
		const char *name = json_string_value(json_object_get(v, "name")),
			   *value = json_string_value(json_object_get(v, "value"));
		bool is = name && value && value[0] == '/' &&
		          !strncmp(name, PRS_INPUT_VARIABLE, strlen(PRS_INPUT_VARIABLE));
		if (is && replace_path(x, v, "value") < 0)
			return x->err->code;
	}
	return 0;
}

/* "/data/labels" or "--labels=/data/labels": what is there counts. */
static int take_word(struct printing *x, json_t *list, size_t i)
{
	const char *word = json_string_value(json_array_get(list, i));
	const char *path = word && word[0] == '-' ? strchr(word, '=') : NULL;
	path = path ? path + 1 : word;
	if (!path || path[0] != '/')
		return 0;
	const char *is = stand_in_files(x, path);
	PRS_AUTOFREE char *text = is ? prs_strf("%.*s%s", (int)(path - word), word, is) : NULL;
	if (!text)
		return cannot(x, "an argument");
	json_array_set_new(list, i, json_string(text));
	return 0;
}

static int take_words(struct printing *x, const json_t *job, const char *name)
{
	json_t *list = json_object_get(job, name);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (take_word(x, list, i) < 0)
			return x->err->code;
	return 0;
}

static void take_outputs(const json_t *job)
{
	json_t *all = json_object_get(job, "outputs");
	for (size_t i = 0; i < json_array_size(all); i++)
		json_object_del(json_array_get(all, i), "path");
}

/* Only the values: not who asked for them. */
static void take_options(const json_t *job)
{
	json_t *all = json_object_get(job, "options"), *v, *value;
	const char *name;
	void *tmp;
	for (size_t i = 0; i < sizeof options_not_counted / sizeof *options_not_counted; i++)
		json_object_del(all, prs_option_at(options_not_counted[i])->name);
	json_object_foreach_safe(all, tmp, name, v)
	{
		value = json_is_object(v) ? json_object_get(v, "value") : NULL;
		if (value)
			json_object_set(all, name, value);
	}
}

static int check_outputs(struct printing *x, const json_t *job)
{
	static const char *const places[] = { "output_file", "output_dir" };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (json_object_get(job, places[i]))
			return prs_fail(x->err, PRS_EINVALID, "it writes to its %s, which is none of its outputs",
			                places[i]);
	return 0;
}

static int add_job(struct printing *x, json_t *to)
{
	struct prs_step_fill fill = { .output = stand_in_output,
		                      .ctx = x,
		                      .run_name = "name",
		                      .outputs_dir = "@own",
		                      .code_dir = "@code" };
	struct prs_err bad = { 0 };
	PRS_AUTOBUF text;
	prs_buf_init(&text, PRS_PIPELINE_BYTES_MAX);
	if (prs_step_fill_job(x->p, x->at, &fill, &text, &bad) < 0)
		return x->err->code ? x->err->code : prs_fail(x->err, (enum prs_code) - bad.code, "%s", bad.msg);
	json_t *job = json_loadb((const char *)text.data, text.len, 0, NULL);
	if (!job)
		return prs_fail(x->err, PRS_ENOMEM, "the job of a step");
	json_object_set_new(to, "job", job);
	for (size_t i = 0; not_counted[i]; i++)
		json_object_del(job, not_counted[i]);
	take_options(job);
	take_outputs(job);
	if (check_outputs(x, job) < 0 || take_inputs(x, job) < 0 || take_pairs(x, job, "side_inputs") < 0 ||
	    take_pairs(x, job, "models") < 0 || take_variables(x, job) < 0 || take_words(x, job, "arguments") < 0)
		return x->err->code;
	return take_words(x, job, "system_arguments");
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static int hash(const struct printing *x, json_t *root, uint8_t to[PRS_STEP_PRINT_BYTES])
{
	XXH128_canonical_t canonical;
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	if (!text)
		return prs_fail(x->err, PRS_ENOMEM, "the fingerprint of a step");
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(text, strlen(text)));
	memcpy(to, canonical.digest, PRS_STEP_PRINT_BYTES);
	free(text);
	return 0;
}

int prs_step_print(const struct prs_pipeline *p, size_t step, const struct prs_step_parts *with,
                   uint8_t to[PRS_STEP_PRINT_BYTES], struct prs_err *err)
{
	struct printing x = { .p = p, .s = &p->steps[step], .at = step, .with = with, .err = err };
	bool parallel = x.s->kind == PRS_STEP_PARALLEL;
	json_t *root = json_object();
	err->code = 0;
	json_object_set_new(root, "kind", json_string(parallel ? "parallel" : "command"));
	json_object_set_new(root, "code", hex(with->code));
	json_object_set_new(root, "python", hex(with->python));
	json_object_set_new(root, "python_path", job_json_of(x.s->python));
	json_object_set_new(root, "defaults", parallel ? hex(with->defaults) : json_null());
	int r = parallel ? add_job(&x, root) : add_command(&x, root);
	if (!r)
		r = hash(&x, root, to);
	json_decref(root);
	return r;
}
