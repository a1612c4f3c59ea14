/* SPDX-License-Identifier: Apache-2.0
 * job_json: the canonical job.json. Texts that are not UTF-8 are written as {"hex": "..."}.
 */
#include "spec/placed.h"

#include "base/mem.h"
#include "spec/job_json.h"
#include "spec/job_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

json_t *job_json_of(const char *s)
{
	if (!s)
		return json_null();
	json_t *v = json_string(s);
	if (v)
		return v;
	size_t n = strlen(s);
	char *hex = malloc(2 * n + 1);
	if (!hex)
		return NULL;
	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)s[i]);
	v = json_pack("{s:s}", "hex", hex);
	free(hex);
	return v;
}

char *job_json_text(const json_t *v)
{
	if (json_is_string(v))
		return prs_strdup(json_string_value(v));
	const char *hex = json_string_value(json_object_get(v, "hex"));
	if (!hex)
		return NULL;
	size_t n = strlen(hex) / 2;
	char *s = prs_calloc(n + 1, 1);
	for (size_t i = 0; s && i < n; i++) {
		unsigned c = 0;
		sscanf(hex + 2 * i, "%2x", &c);
		s[i] = (char)c;
	}
	return s;
}

static bool copy_text(char **to, const char *from)
{
	*to = from ? prs_strdup(from) : NULL;
	return *to || !from;
}

json_t *job_json_list(const struct prs_list *l)
{
	json_t *a = json_array();
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(a, job_json_of(l->v[i]));
	return a;
}

json_t *job_json_pairs(const struct prs_job_pair *v, size_t n)
{
	json_t *a = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *o = json_pack("{s:o, s:o}", "name", job_json_of(v[i].name), "value", job_json_of(v[i].value));
		if (v[i].asset)
			json_object_set_new(o, "asset", job_json_of(v[i].asset));
		json_array_append_new(a, o);
	}
	return a;
}

/* {"value": ["..."], "from": "--processes"}. Left out: what is about one command's screen, and words that have become a
 * member of their own (inputs, models ...). */
json_t *job_json_options(const struct prs_job *j)
{
	json_t *all = json_object();
	for (unsigned id = 0; id < PRS_OPTIONS; id++) {
		const struct prs_option_row *row = prs_option_at(id);
		json_t *values = json_array();
		for (size_t i = 0; row->resume != PRS_RESUME_SCREEN && !prs_job_is_word(row); i++) {
			PRS_AUTOBUF b;
			prs_buf_init(&b, 1 << 20);
			if (!prs_option_get(&j->o, row, i, &b))
				break;
			json_array_append_new(values, job_json_of(prs_buf_str(&b)));
		}
		if (json_array_size(values))
			json_object_set_new(all, row->name,
			                    json_pack("{s:O, s:o}", "value", values, "from",
			                              job_json_of(j->from[id] ? j->from[id] : "default")));
		json_decref(values);
	}
	return all;
}

static void fingerprint(const void *bytes, size_t n, uint8_t to[16])
{
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits(bytes, n));
	memcpy(to, c.digest, 16);
}

static json_t *inputs_to(const struct prs_placed *p)
{
	json_t *a = json_array();
	for (size_t i = 0; i < p->job->inputs_n; i++) {
		const struct prs_job_input *in = &p->job->inputs[i];
		const struct prs_placed_input *at = &p->inputs[i];
		json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:b, s:o}", "name", job_json_of(in->name), "path",
		                      job_json_of(at->path), "type", job_json_of(in->type), "parts",
		                      job_json_list(&in->parts), "is_list", in->is_list, "base", job_json_of(in->base));
		if (at->only)
			json_object_set_new(o, "only", job_json_of(at->only));
		if (in->partition_format)
			json_object_set_new(o, "partition_format", job_json_of(in->partition_format));
		if (in->asset)
			json_object_set_new(o, "asset", job_json_of(in->asset));
		if (in->mltable)
			json_object_set_new(o, "mltable", job_json_of(in->mltable));
		if (in->table)
			json_object_set_new(o, "table", prs_job_table_to(in->table));
		json_array_append_new(a, o);
	}
	return a;
}

/* {"run": "score-...", "dir": "/.../runs/score-...", "items": 4} */
static json_t *only_failed_to(const struct prs_job *j)
{
	return json_pack("{s:o, s:o, s:I}", "run", job_json_of(j->only_failed_name), "dir", job_json_of(j->only_failed),
	                 "items", (json_int_t)j->only_failed_items);
}

static json_t *outputs_to(const struct prs_placed *p)
{
	const struct prs_job *j = p->job;
	json_t *a = json_array();
	for (size_t i = 0; i < j->outputs_n; i++)
		json_array_append_new(a,
		                      json_pack("{s:o, s:o, s:o}", "name", job_json_of(j->outputs[i].name), "type",
		                                job_json_of(j->outputs[i].type), "path", job_json_of(p->outputs[i])));
	return a;
}

int prs_placed_to_json(struct prs_placed *p, struct prs_buf *to, struct prs_err *err)
{
	const struct prs_job *j = p->job;
	char code[33] = "";
	for (int i = 0; i < 16; i++)
		snprintf(code + 2 * i, 3, "%02x", p->code_print[i]);
	json_t *root = json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
	                         "s:o, "
	                         "s:o, s:o}",
	                         "format", 1, "engine", PRS_VERSION, "code_print", code, "name", job_json_of(j->name),
	                         "entry", job_json_of(j->entry), "code_dir", job_json_of(j->code_dir), "submit_dir",
	                         job_json_of(j->submit_dir), "output_file", job_json_of(p->output_file), "output_dir",
	                         job_json_of(p->output_dir), "python", job_json_of(j->python), "python_why",
	                         job_json_of(j->python_why), "inputs", inputs_to(p), "outputs", outputs_to(p),
	                         "system_arguments", job_json_list(&p->system_args), "models",
	                         job_json_pairs(j->models, j->models_n), "side_inputs",
	                         job_json_pairs(j->side_inputs, j->side_inputs_n), "environment",
	                         job_json_pairs(p->variables, j->variables_n), "arguments",
	                         job_json_list(&p->arguments), "options", job_json_options(j));
	if (root && j->append_to >= 0)
		json_object_set_new(root, "append_row_to", job_json_of(j->outputs[j->append_to].name));
	if (root && j->includes.n)
		json_object_set_new(root, "additional_includes", job_json_list(&j->includes));
	if (root && j->command.n)
		json_object_set_new(root, "command", job_json_list(&j->command));
	if (root && j->only_failed)
		json_object_set_new(root, "only_failed", only_failed_to(j));
	char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	json_decref(root);
	if (!text)
		return prs_fail(err, PRS_ENOMEM, "job.json");
	prs_buf_puts(to, text);
	prs_buf_putc(to, '\n');
	free(text);
	if (to->failed)
		return prs_fail(err, (enum prs_code) - to->failed, "job.json");
	fingerprint(to->data, to->len, p->job_print);
	return 0;
}

static int pairs_from(const json_t *a, struct prs_job_pair **ret, size_t *ret_n)
{
	*ret = prs_calloc(json_array_size(a) + 1, sizeof **ret);
	for (size_t i = 0; *ret && i < json_array_size(a); i++) {
		struct prs_job_pair *p = &(*ret)[(*ret_n)++];
		p->name = job_json_text(json_object_get(json_array_get(a, i), "name"));
		p->value = job_json_text(json_object_get(json_array_get(a, i), "value"));
		p->asset = job_json_text(json_object_get(json_array_get(a, i), "asset"));
		if (!p->name || !p->value)
			return -PRS_EINVALID;
	}
	return *ret ? 0 : -PRS_ENOMEM;
}

static int option_from(struct prs_job *j, const char *name, const json_t *entry, struct prs_err *err)
{
	const struct prs_option_row *row = prs_option_find(name, false);
	const json_t *values = json_object_get(entry, "value");
	PRS_AUTOFREE char *from = job_json_text(json_object_get(entry, "from"));
	bool given = from && strcmp(from, "default") != 0;
	if (!row)
		return prs_fail(err, PRS_EVERSION, "job.json: unknown option %s: a newer engine wrote it", name);
	int r = 0;
	for (size_t i = 0; i < json_array_size(values) && !r; i++) {
		PRS_AUTOFREE char *text = job_json_text(json_array_get(values, i));
		if (!text)
			return prs_fail(err, PRS_ECORRUPT, "job.json: option %s", name);
		r = given ? prs_job_set(j, row, text, from, err) : prs_option_set(&j->o, row, text, name, err);
	}
	return r ? prs_wrap(err, "job.json") : 0;
}

static int options_from(const json_t *all, struct prs_job *j, struct prs_err *err)
{
	const char *name;
	json_t *entry;
	int r = prs_options_init(&j->o, err);
	json_object_foreach ((json_t *)(uintptr_t)all, name, entry) {
		if (!r)
			r = option_from(j, name, entry, err);
	}
	return r;
}

static int list_from(const json_t *a, struct prs_list *to)
{
	for (size_t i = 0; i < json_array_size(a); i++) {
		PRS_AUTOFREE char *text = job_json_text(json_array_get(a, i));
		if (!text || prs_list_add(to, text) < 0)
			return -PRS_EINVALID;
	}
	return 0;
}

static int outputs_from(const json_t *a, struct prs_job *j)
{
	j->outputs = prs_calloc(json_array_size(a) + 1, sizeof *j->outputs);
	for (size_t i = 0; j->outputs && i < json_array_size(a); i++) {
		const json_t *o = json_array_get(a, i);
		struct prs_job_output *out = &j->outputs[j->outputs_n++];
		*out = (struct prs_job_output){ job_json_text(json_object_get(o, "name")),
			                        job_json_text(json_object_get(o, "type")),
			                        job_json_text(json_object_get(o, "path")) };
		if (!out->name || !out->type)
			return -PRS_EINVALID;
	}
	return j->outputs ? 0 : -PRS_ENOMEM;
}

static int inputs_from(const json_t *a, struct prs_job *j)
{
	j->inputs = prs_calloc(json_array_size(a) + 1, sizeof *j->inputs);
	for (size_t i = 0; j->inputs && i < json_array_size(a); i++) {
		struct prs_job_input *in = &j->inputs[j->inputs_n++];
		const json_t *o = json_array_get(a, i);
		in->name = job_json_text(json_object_get(o, "name"));
		in->path = job_json_text(json_object_get(o, "path"));
		in->type = job_json_text(json_object_get(o, "type"));
		in->base = job_json_text(json_object_get(o, "base"));
		in->only = job_json_text(json_object_get(o, "only"));
		in->partition_format = job_json_text(json_object_get(o, "partition_format"));
		in->mltable = job_json_text(json_object_get(o, "mltable"));
		in->asset = job_json_text(json_object_get(o, "asset"));
		in->is_list = json_is_true(json_object_get(o, "is_list"));
		const json_t *table = json_object_get(o, "table");
		if (table && !(in->table = prs_job_table_from(table)))
			return -PRS_EINVALID;
		if (!in->name || !in->path || list_from(json_object_get(o, "parts"), &in->parts) < 0)
			return -PRS_EINVALID;
	}
	return j->inputs ? 0 : -PRS_ENOMEM;
}

/* Engines before 0.2 did not say which output has the rows; its path did. */
static int append_from(const json_t *root, const struct prs_job *j)
{
	const char *name = json_string_value(json_object_get(root, "append_row_to"));
	for (size_t i = 0; name && i < j->outputs_n; i++)
		if (!strcmp(j->outputs[i].name, name))
			return (int)i;
	return -1;
}

/* What a file of this or an older format must have; a newer one is named. */
static int check_format(const json_t *root, const char *code, struct prs_err *err)
{
	const json_t *format = json_object_get(root, "format");
	const char *engine = json_string_value(json_object_get(root, "engine"));
	if (!json_is_integer(format) || json_integer_value(format) < 1)
		return prs_fail(err, PRS_ECORRUPT, "job.json: no \"format\"");
	if (json_integer_value(format) > 1)
		return prs_fail(err, PRS_EVERSION,
		                "job.json has format %lld, written by engine %s; this engine (%s) knows format 1",
		                (long long)json_integer_value(format), engine ? engine : "?", PRS_VERSION);
	if (!code || strlen(code) != 32)
		return prs_fail(err, PRS_ECORRUPT, "job.json: no \"code_print\"");
	return 0;
}

static int fields_from(struct prs_job *j, const json_t *root, struct prs_err *err)
{
	struct {
		const char *key;
		char **to;
	} texts[] = {
		{ "name", &j->name },
		{ "entry", &j->entry },
		{ "code_dir", &j->code_dir },
		{ "submit_dir", &j->submit_dir },
		{ "output_file", &j->output_file },
		{ "output_dir", &j->output_dir },
		{ "python", &j->python },
		{ "python_why", &j->python_why },
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i].to = job_json_text(json_object_get(root, texts[i].key));
	const json_t *only = json_object_get(root, "only_failed");
	j->only_failed = job_json_text(json_object_get(only, "dir"));
	j->only_failed_name = job_json_text(json_object_get(only, "run"));
	j->only_failed_items = (uint64_t)json_integer_value(json_object_get(only, "items"));
	int r = options_from(json_object_get(root, "options"), j, err);
	if (!r && (inputs_from(json_object_get(root, "inputs"), j) < 0 ||
	           outputs_from(json_object_get(root, "outputs"), j) < 0 ||
	           list_from(json_object_get(root, "system_arguments"), &j->system_args) < 0 ||
	           list_from(json_object_get(root, "additional_includes"), &j->includes) < 0 ||
	           list_from(json_object_get(root, "command"), &j->command) < 0 ||
	           pairs_from(json_object_get(root, "models"), &j->models, &j->models_n) < 0 ||
	           pairs_from(json_object_get(root, "side_inputs"), &j->side_inputs, &j->side_inputs_n) < 0 ||
	           pairs_from(json_object_get(root, "environment"), &j->variables, &j->variables_n) < 0))
		r = prs_fail(err, PRS_ECORRUPT, "job.json: a list of names and paths is damaged");
	prs_job_bind_tables(j);
	j->append_to = append_from(root, j);
	const json_t *args = json_object_get(root, "arguments");
	for (size_t i = 0; i < json_array_size(args) && !r; i++) {
		PRS_AUTOFREE char *arg = job_json_text(json_array_get(args, i));
		r = arg && prs_list_add(&j->user_args, arg) == 0 ? 0 : prs_fail(err, PRS_ENOMEM, "job.json");
	}
	return r;
}

/* job.json is written when everything lies in its place: what the job asked for and where it is are the same in it. */
static int place_as_read(struct prs_placed *p, const struct prs_job *j, struct prs_err *err)
{
	bool whole = (p->inputs = prs_calloc(j->inputs_n + 1, sizeof *p->inputs)) != NULL &&
	             (p->outputs = prs_calloc(j->outputs_n + 1, sizeof *p->outputs)) != NULL &&
	             (p->variables = prs_calloc(j->variables_n + 1, sizeof *p->variables)) != NULL;
	for (size_t i = 0; whole && i < j->inputs_n; i++)
		whole = copy_text(&p->inputs[i].path, j->inputs[i].path) &&
		        copy_text(&p->inputs[i].only, j->inputs[i].only);
	for (size_t i = 0; whole && i < j->outputs_n; i++)
		whole = copy_text(&p->outputs[i], j->outputs[i].path);
	for (size_t i = 0; whole && i < j->variables_n; i++)
		whole = copy_text(&p->variables[i].name, j->variables[i].name) &&
		        copy_text(&p->variables[i].value, j->variables[i].value);
	for (size_t i = 0; whole && i < j->system_args.n; i++)
		whole = prs_list_add(&p->system_args, j->system_args.v[i]) == 0;
	for (size_t i = 0; whole && i < j->user_args.n; i++)
		whole = prs_list_add(&p->arguments, j->user_args.v[i]) == 0;
	whole = whole && copy_text(&p->output_file, j->output_file) && copy_text(&p->output_dir, j->output_dir);
	return whole ? 0 : prs_fail(err, PRS_ENOMEM, "job.json");
}

int prs_placed_from_json(struct prs_placed *p, struct prs_job *j, const char *text, size_t n, struct prs_err *err)
{
	*p = (struct prs_placed){ .job = j };
	json_error_t e;
	json_t *root = json_loadb(text, n, 0, &e);
	if (!root)
		return prs_fail(err, PRS_ECORRUPT, "job.json:%d:%d: %s", e.line, e.column, e.text);
	const char *code = json_string_value(json_object_get(root, "code_print"));
	int r = check_format(root, code, err);
	for (size_t i = 0; i < 16 && !r; i++) {
		unsigned byte = 0;
		sscanf(code + 2 * i, "%2x", &byte);
		p->code_print[i] = (uint8_t)byte;
	}
	if (!r)
		r = fields_from(j, root, err);
	if (!r)
		r = place_as_read(p, j, err);
	fingerprint(text, n, p->job_print);
	json_decref(root);
	return r;
}
