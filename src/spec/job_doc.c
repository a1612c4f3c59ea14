/* SPDX-License-Identifier: Apache-2.0
 * job_doc: a table says which members a job, an input, an output and a pair may have, and of what kind; whatever is not
 * in it is a mistake, so that a front end that is newer than the engine does not get another job than it asked for.
 */
#include "spec/job_doc_impl.h"

#include "base/mem.h"
#include "spec/job_check.h"
#include "spec/job_json.h"
#include "spec/job_table.h"
#include "spec/jobfile_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void doc_mistake(struct prs_job_doc *d, const char *where, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	prs_buf_putf(d->report, "%s%s%s: %s\n", d->at, d->at[0] && where[0] ? "." : "", where, text);
	d->mistakes++;
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

static const struct doc_member job_members[] = {
	{ "job_format", DOC_NUMBER, NULL },
	{ "name", DOC_TEXT, NULL },
	{ "entry", DOC_TEXT, NULL },
	{ "code_dir", DOC_TEXT, NULL },
	{ "submit_dir", DOC_TEXT, NULL },
	{ "additional_includes", DOC_TEXTS, NULL },
	{ "inputs", DOC_LIST, NULL },
	{ "outputs", DOC_LIST, NULL },
	{ "append_row_to", DOC_TEXT, NULL },
	{ "append_row_file_name", DOC_TEXT, NULL },
	{ "output_file", DOC_TEXT, NULL },
	{ "output_dir", DOC_TEXT, NULL },
	{ "models", DOC_LIST, NULL },
	{ "side_inputs", DOC_LIST, NULL },
	{ "environment", DOC_LIST, NULL },
	{ "arguments", DOC_TEXTS, NULL },
	{ "system_arguments", DOC_TEXTS, NULL },
	{ "options", DOC_MAP, NULL },
	{ "python", DOC_TEXT, NULL },
	{ "python_why", DOC_TEXT, NULL },
	{ "only_failed", DOC_MAP, NULL },
	{ "format", DOC_COMPUTED, "\"job_format\": 1 stands for it" },
	{ "engine", DOC_COMPUTED, "it is this engine" },
	{ "code_print", DOC_COMPUTED, "it is the print of the code as it is copied" },
	{ "command", DOC_COMPUTED, "it is how the run was begun" },
	{ NULL, DOC_TEXT, NULL },
};
static const struct doc_member input_members[] = {
	{ "name", DOC_TEXT, NULL },
	{ "path", DOC_TEXT, NULL },
	{ "type", DOC_TEXT, NULL },
	{ "parts", DOC_TEXTS, NULL },
	{ "is_list", DOC_BOOL, NULL },
	{ "base", DOC_TEXT, NULL },
	{ "partition_format", DOC_TEXT, NULL },
	{ "mltable", DOC_TEXT, NULL },
	{ "asset", DOC_TEXT, NULL },
	{ "step", DOC_TEXT, NULL },
	{ "output", DOC_TEXT, NULL },
	{ "table", DOC_COMPUTED, "input_format and the MLTable stand for it" },
	{ "only", DOC_COMPUTED, "only_failed stands for it" },
	{ NULL, DOC_TEXT, NULL },
};
static const struct doc_member output_members[] = {
	{ "name", DOC_TEXT, NULL }, { "type", DOC_TEXT, NULL }, { "path", DOC_TEXT, NULL }, { NULL, DOC_TEXT, NULL }
};
static const struct doc_member pair_members[] = {
	{ "name", DOC_TEXT, NULL }, { "value", DOC_TEXT, NULL }, { "asset", DOC_TEXT, NULL }, { NULL, DOC_TEXT, NULL }
};
static const struct doc_member only_members[] = { { "run", DOC_TEXT, NULL },
	                                          { "dir", DOC_TEXT, NULL },
	                                          { "items", DOC_COMPUTED, "they are counted" },
	                                          { NULL, DOC_TEXT, NULL } };
static const struct doc_member option_members[] = { { "value", DOC_ANY, NULL },
	                                            { "from", DOC_TEXT, NULL },
	                                            { NULL, DOC_TEXT, NULL } };

/* A text, or {"hex": "..."} for bytes that are no UTF-8. */
bool doc_is_text(const json_t *v)
{
	const char *hex = json_string_value(json_object_get(v, "hex"));
	return json_is_string(v) || (hex && json_object_size(v) == 1 && strlen(hex) % 2 == 0 &&
	                             hex[strspn(hex, "0123456789abcdef")] == 0 && !strstr(hex, "00"));
}

static bool is_of_kind(const json_t *v, enum doc_kind kind)
{
	switch (kind) {
	case DOC_ANY: return true;
	case DOC_TEXT: return doc_is_text(v);
	case DOC_BOOL: return json_is_boolean(v);
	case DOC_NUMBER: return json_is_number(v);
	case DOC_TEXTS:
	case DOC_LIST: return json_is_array(v);
	case DOC_MAP: return json_is_object(v);
	case DOC_COMPUTED: break;
	}
	return false;
}

static const char *kind_name(enum doc_kind kind)
{
	static const char *const names[] = { "anything",        "a text", "true or false", "a number",
		                             "a list of texts", "a list", "an object",     "nothing (computed)" };
	return names[kind];
}

static const struct doc_member *find_member(const struct doc_member *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

static void unknown_member(struct prs_job_doc *d, const struct doc_member *table, const char *where, const char *name)
{
	const char *near = NULL;
	unsigned least = 4;
	for (; table->name; table++) {
		unsigned far = prs_distance(name, table->name);
		if (far < least && table->kind != DOC_COMPUTED) {
			least = far;
			near = table->name;
		}
	}
	doc_mistake(d, where, "no such member%s%s%s", near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	d->failed = d->failed || (near && prs_list_add(&d->misspelt, near) < 0);
}

static void join(char to[WHERE_BYTES], const char *at, const char *name)
{
	snprintf(to, WHERE_BYTES, "%s%s%.100s", at, at[0] ? "." : "", name);
}

static void check_texts(struct prs_job_doc *d, const char *where, const json_t *v)
{
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!doc_is_text(json_array_get(v, i)))
			doc_mistake(d, where, "expected a list of texts; entry %zu is none", i);
}

/* Each member of `v`, the object at `at`, is in the table and of its kind; null is as if it were not there. */
bool doc_check_members(struct prs_job_doc *d, const json_t *v, const struct doc_member *table, const char *at)
{
	unsigned before = d->mistakes;
	const char *name;
	json_t *value;
	if (!json_is_object(v)) {
		doc_mistake(d, at, "expected an object");
		return false;
	}
	json_object_foreach ((json_t *)(uintptr_t)v, name, value) {
		char where[WHERE_BYTES];
		const struct doc_member *m = find_member(table, name);
		join(where, at, name);
		if (!m)
			unknown_member(d, table, where, name);
		else if (m->kind == DOC_COMPUTED)
			doc_mistake(d, where, "is computed: leave it out (%s)", m->why);
		else if (!json_is_null(value) && !is_of_kind(value, m->kind))
			doc_mistake(d, where, "expected %s", kind_name(m->kind));
		else if (m->kind == DOC_TEXTS)
			check_texts(d, where, value);
	}
	return d->mistakes == before;
}

void doc_check_list(struct prs_job_doc *d, const char *name, const struct doc_member *table)
{
	const json_t *list = json_object_get(d->root, name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		char where[WHERE_BYTES];
		snprintf(where, sizeof where, "%s[%zu]", name, i);
		doc_check_members(d, json_array_get(list, i), table, where);
	}
}

static void check_form(struct prs_job_doc *d)
{
	const json_t *format = json_object_get(d->root, "job_format"), *only = json_object_get(d->root, "only_failed");
	doc_check_members(d, d->root, job_members, "");
	if (!format && !d->outer)
		doc_mistake(d, "job_format", "is missing: expected 1");
	else if (format && (!json_is_integer(format) || json_integer_value(format) != 1))
		doc_mistake(d, "job_format", "this engine (%s) knows 1", PRS_VERSION);
	doc_check_list(d, "inputs", input_members);
	doc_check_list(d, "outputs", output_members);
	doc_check_list(d, "models", pair_members);
	doc_check_list(d, "side_inputs", pair_members);
	doc_check_list(d, "environment", pair_members);
	if (json_is_object(only))
		doc_check_members(d, only, only_members, "only_failed");
}

struct prs_job_doc *prs_job_doc_read(const char *text, size_t n, struct prs_buf *report)
{
	struct prs_job_doc *d = prs_calloc(1, sizeof *d);
	json_error_t e;
	if (!d)
		return NULL;
	d->report = report;
	d->root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
	if (!d->root) {
		char where[WHERE_BYTES];
		snprintf(where, sizeof where, "line %d, column %d", e.line, e.column);
		doc_mistake(d, where, "%s", e.text);
	} else if (!json_is_object(d->root)) {
		doc_mistake(d, "the document", "expected an object with \"job_format\": 1");
	} else if (!prs_job_doc_is_pipeline(d)) { /* pipeline_doc.c */
		check_form(d);
	}
	return d;
}

struct prs_job_doc *doc_of_step(const struct prs_job_doc *whole, json_t *root, const char *at,
                                const struct doc_outer *outer)
{
	struct prs_job_doc *d = prs_calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->report = whole->report;
	d->root = json_incref(root);
	d->outer = outer;
	snprintf(d->at, sizeof d->at, "%s", at);
	if (json_is_object(d->root))
		check_form(d);
	return d;
}

void prs_job_doc_free(struct prs_job_doc *d)
{
	if (!d)
		return;
	json_decref(d->root);
	prs_list_done(&d->misspelt);
	prs_freep(&d);
}

bool prs_job_doc_is_pipeline(const struct prs_job_doc *d)
{
	return json_object_get(d->root, "pipeline_format") || json_object_get(d->root, "steps");
}

unsigned prs_job_doc_mistakes(const struct prs_job_doc *d) { return d->mistakes; }

/* ---- options ----------------------------------------------------------------------------------------------------- */

struct asking {
	struct prs_job_doc *d;
	struct prs_request *to;
	struct prs_options scratch; /* every value is tried here */
};

/* A value as a person types it; NULL = it is none. The caller frees. */
static char *typed(const json_t *v)
{
	if (doc_is_text(v))
		return job_json_text(v);
	if (json_is_boolean(v))
		return prs_strdup(json_is_true(v) ? "true" : "false");
	if (json_is_integer(v))
		return prs_strf("%lld", (long long)json_integer_value(v));
	return json_is_real(v) ? prs_strf("%.17g", json_real_value(v)) : NULL;
}

static void ask_value(struct asking *a, const struct prs_option_row *row, const json_t *v, const char *where,
                      const char *from)
{
	struct prs_err err = { 0 };
	PRS_AUTOFREE char *text = typed(v);
	if (!text && (doc_is_text(v) || json_is_boolean(v) || json_is_number(v)))
		a->d->failed = true;
	else if (!text)
		doc_mistake(a->d, where, "expected a text, a number, true or false");
	else if (prs_option_set(&a->scratch, row, text, where, &err) < 0) {
		prs_buf_putf(a->d->report, "%s\n", err.msg);
		a->d->mistakes++;
	} else if (prs_request_ask(a->to, row, text, from) < 0) {
		a->d->failed = true;
	}
}

/* 5, [5] or, as in job.json, {"value": ["5"], "from": "--run-max-try"}. */
static void ask_option(struct asking *a, const char *name, const json_t *v)
{
	char where[WHERE_BYTES];
	const struct prs_option_row *row = prs_option_find(name, false);
	const char *near = row ? NULL : prs_option_nearest(name);
	PRS_AUTOFREE char *from = NULL;
	join(where, "options", name);
	if (!row) {
		doc_mistake(a->d, where, "no such option%s%s%s", near ? "; did you mean " : "",
		            near ? near + strspn(near, "-") : "", near ? "?" : "");
		return;
	}
	if (prs_job_is_word(row) || row->resume == PRS_RESUME_SCREEN) {
		doc_mistake(a->d, where,
		            prs_job_is_word(row) ? "the job has a member of its own for this"
		                                 : "is about the screen of a command, no part of a job");
		return;
	}
	if (json_is_object(v) && !doc_is_text(v)) {
		if (!doc_check_members(a->d, v, option_members, where))
			return;
		from = job_json_text(json_object_get(v, "from"));
		a->d->failed = a->d->failed || (!from && doc_is_text(json_object_get(v, "from")));
		v = json_object_get(v, "value");
	}
	const char *kept = from ? from : where;
	if (from && !strcmp(from, "default"))
		kept = NULL;
	if (!json_is_array(v))
		ask_value(a, row, v, where, kept);
	else if (row->type != PRS_OPTION_LIST && json_array_size(v) != 1)
		doc_mistake(a->d, where, "expected one value");
	for (size_t i = 0; i < json_array_size(v); i++)
		ask_value(a, row, json_array_get(v, i), where, kept);
}

/* Of a step of a pipeline: with its references as late parts. Takes the text; NULL: a mistake, or no memory. */
static char *referring(struct prs_job_doc *d, char *text, const char *where)
{
	PRS_AUTOFREE char *given = text;
	struct prs_err err = { 0 };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	if (!text || !d->outer) {
		given = NULL;
		return text;
	}
	if (prs_late_from_references(&b, text, d->outer->find, d->outer->ctx, &err) < 0) {
		doc_mistake(d, where, "%s", err.msg);
		return NULL;
	}
	char *made = prs_strdup(prs_buf_str(&b));
	d->failed = d->failed || b.failed || !made;
	return made;
}

static void ask_texts(struct asking *a, const char *name, struct prs_list *to)
{
	const json_t *list = json_object_get(a->d->root, name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		char where[WHERE_BYTES];
		snprintf(where, sizeof where, "%s[%zu]", name, i);
		unsigned before = a->d->mistakes;
		PRS_AUTOFREE char *text = referring(a->d, job_json_text(json_array_get(list, i)), where);
		if (a->d->mistakes > before)
			continue;
		bool good = doc_is_text(json_array_get(list, i)); /* else said already */
		a->d->failed = a->d->failed || (good && (!text || prs_list_add(to, text) < 0));
	}
}

int prs_job_doc_ask(struct prs_job_doc *d, struct prs_request *q, struct prs_err *err)
{
	struct prs_request front = { 0 };
	struct asking a = { .d = d, .to = &front };
	const char *name;
	json_t *v;
	int r = prs_options_init(&a.scratch, err);
	if (r < 0)
		return r;
	json_object_foreach (json_object_get(d->root, "options"), name, v)
		ask_option(&a, name, v);
	ask_texts(&a, "arguments", &front.arguments);
	const json_t *python = json_object_get(d->root, "python"), *run = json_object_get(d->root, "name");
	const char *why = json_string_value(json_object_get(d->root, "python_why"));
	if (doc_is_text(python))
		ask_value(&a, prs_option_at(PRS_OPTION_ID_python), python, "python", why ? why : "python of the job");
	if (doc_is_text(run))
		ask_value(&a, prs_option_at(PRS_OPTION_ID_name), run, "name", "name");
	/* what a document asks for stands in front of what is asked already */
	if (d->failed || prs_request_put_in_front(q, &front) < 0)
		r = prs_fail(err, PRS_ENOMEM, "the job's JSON");
	prs_request_done(&front);
	prs_options_done(&a.scratch);
	return r;
}

const char *prs_job_doc_only_failed(const struct prs_job_doc *d)
{
	const json_t *only = json_object_get(d->root, "only_failed");
	const char *dir = json_string_value(json_object_get(only, "dir"));
	return dir ? dir : json_string_value(json_object_get(only, "run"));
}

/* ---- the job ----------------------------------------------------------------------------------------------------- */

struct reading {
	struct prs_job_doc *d;
	struct prs_job *j;
	const struct prs_sources *from;
	const struct prs_fs *fs;
	const char *cwd;
};

/* The text of a member; NULL = it is not there. The caller frees. */
static char *text_of(const struct reading *r, const json_t *v, const char *name)
{
	const json_t *member = json_object_get(v, name);
	char *text = job_json_text(member);
	r->d->failed = r->d->failed || (!text && doc_is_text(member));
	return text;
}

/* The same as an absolute path. */
static char *path_of(const struct reading *r, const json_t *v, const char *name)
{
	PRS_AUTOFREE char *text = text_of(r, v, name);
	char *path = text ? prs_path_absolute(r->cwd, text) : NULL;
	r->d->failed = r->d->failed || (text && !path);
	return path;
}

static const char *const input_types[] = { "uri_folder", "uri_file", "mltable" };
static const char *const output_types[] = { "uri_folder",   "uri_file",     "mltable",
	                                    "custom_model", "mlflow_model", "triton_model" };

/* A member that has to be there is not, and nothing that is there was meant. */
static bool is_missing(const struct reading *r, const json_t *v, const char *name)
{
	const json_t *there = json_object_get(v, name);
	for (size_t i = 0; i < r->d->misspelt.n; i++)
		if (!strcmp(r->d->misspelt.v[i], name))
			return false;
	return json_is_object(v) && (!there || json_is_null(there));
}

/* The name of entry i of a list, which no other has. plain: it stands in file names and variables. */
static char *name_of(const struct reading *r, const char *list, size_t i, bool plain)
{
	char where[WHERE_BYTES];
	const json_t *all = json_object_get(r->d->root, list), *v = json_array_get(all, i);
	char *name = text_of(r, v, "name");
	snprintf(where, sizeof where, "%s[%zu].name", list, i);
	if (!name && !strcmp(list, "inputs"))
		name = prs_strf("input_%zu", i);
	else if (!name && is_missing(r, v, "name"))
		doc_mistake(r->d, where, "is missing");
	if (!name)
		return NULL;
	if (plain ? !prs_job_is_name(name, strlen(name)) : !name[0] || strchr(name, '='))
		doc_mistake(r->d, where,
		            plain ? "expected letters, digits, _, - and single dots, found \"%.100s\""
		                  : "expected a name without =, found \"%.100s\"",
		            name);
	for (size_t k = 0; k < i; k++) {
		PRS_AUTOFREE char *other = text_of(r, json_array_get(all, k), "name");
		if (other && !strcmp(other, name))
			doc_mistake(r->d, where, "the name %s is used twice", name);
	}
	return name;
}

/* The type of entry i of a list: one of the words; uri_folder when nothing is said. */
static char *type_of(const struct reading *r, const char *list, size_t i, const char *const *words, size_t n)
{
	char where[WHERE_BYTES];
	char *type = text_of(r, json_array_get(json_object_get(r->d->root, list), i), "type");
	snprintf(where, sizeof where, "%s[%zu].type", list, i);
	bool known = !type;
	for (size_t k = 0; k < n && !known; k++)
		known = !strcmp(type, words[k]);
	if (!known)
		doc_mistake(r->d, where, "expected one of uri_folder, uri_file, mltable, found \"%.100s\"", type);
	if (!type)
		type = prs_strdup("uri_folder");
	r->d->failed = r->d->failed || !type;
	return type;
}

static void no_entry(const struct reading *r)
{
	PRS_AUTOFREE char *near = prs_job_near_entry(r->fs, r->j->code_dir, r->j->entry);
	doc_mistake(r->d, "entry", "%s is not in the code folder %s%s", r->j->entry, r->j->code_dir, near ? near : "");
}

static void read_script(const struct reading *r)
{
	struct prs_job *j = r->j;
	PRS_AUTOFREE char *entry = text_of(r, r->d->root, "entry");
	j->code_dir = path_of(r, r->d->root, "code_dir");
	if (!entry && is_missing(r, r->d->root, "entry"))
		doc_mistake(r->d, "entry", "is missing: it names the script with run(mini_batch)");
	if (!entry)
		return;
	if (!j->code_dir) { /* as prs run SCRIPT: its folder is the code */
		PRS_AUTOFREE char *path = prs_path_absolute(r->cwd, entry);
		const char *slash = path ? strrchr(path, '/') : NULL;
		j->code_dir = slash ? prs_path_folder(path) : NULL;
		j->entry = slash ? prs_strdup(slash + 1) : NULL;
	} else {
		j->entry = prs_strdup(entry);
	}
	if (!j->code_dir || !j->entry)
		return;
	if (prs_path_kind(r->fs, j->code_dir) != 'd')
		doc_mistake(r->d, "code_dir", "no such folder: %s", j->code_dir);
	else if (j->entry[0] == '/' || !prs_job_find_entry(r->fs, j->code_dir, j->entry))
		no_entry(r);
	const char *last = strrchr(j->entry, '/');
	prs_job_name_after(j, last ? last + 1 : j->entry);
}

static void read_includes(const struct reading *r)
{
	const json_t *all = json_object_get(r->d->root, "additional_includes");
	for (size_t i = 0; i < json_array_size(all); i++) {
		struct prs_err err = { 0 };
		PRS_AUTOFREE char *text = job_json_text(json_array_get(all, i));
		PRS_AUTOFREE char *path = text ? prs_path_absolute(r->cwd, text) : NULL;
		if (path && prs_job_include(r->j, r->fs, path, &err) < 0)
			doc_mistake(r->d, "additional_includes", "%s", err.msg);
	}
}

/* Several folders, files or patterns below one path. */
static void read_parts(const struct reading *r, struct prs_job_input *in, const json_t *v, const char *where)
{
	const json_t *parts = json_object_get(v, "parts");
	for (size_t i = 0; i < json_array_size(parts); i++) {
		PRS_AUTOFREE char *text = job_json_text(json_array_get(parts, i));
		PRS_AUTOFREE char *path = text ? prs_path_absolute(r->cwd, text) : NULL;
		if (!path || prs_list_add(&in->parts, path) < 0) {
			r->d->failed = true;
			return;
		}
		if (!prs_path_kind(r->fs, path) && !prs_path_is_pattern(path))
			doc_mistake(r->d, where, "no such folder or file: %s", path);
	}
	if (in->parts.n)
		in->path = jf_common_root(r->fs, &in->parts);
}

/* The folder whose MLTable says what the input is, in place of a path. */
static bool read_mltable(const struct reading *r, struct prs_job_input *in, const json_t *v, const char *where)
{
	in->path = path_of(r, v, "mltable");
	if (!in->path)
		return false;
	if (!prs_job_has_mltable(r->fs, in->path))
		doc_mistake(r->d, where, "no file named MLTable in %s", in->path);
	else if (prs_job_read_mltable(r->j, in, r->from) < 0)
		r->d->failed = true;
	return true;
}

/* The output of an earlier step, in place of a path. */
static bool read_step(const struct reading *r, struct prs_job_input *in, const json_t *v, const char *where)
{
	PRS_AUTOFREE char *step = text_of(r, v, "step"), *output = text_of(r, v, "output");
	const char *name;
	size_t job;
	if (!step && !output)
		return false;
	if (!r->d->outer) {
		doc_mistake(r->d, where, "step and output belong to a pipeline: give a path");
		return true;
	}
	PRS_AUTOFREE char *text = prs_strf("%s.outputs.%s", step ? step : "", output ? output : "");
	if (!text || !r->d->outer->find(r->d->outer->ctx, text, strlen(text), &job, &name)) {
		r->d->failed = r->d->failed || !text;
		doc_mistake(r->d, where, "no step %s with an output %s", step ? step : "(step is missing)",
		            output ? output : "(output is missing)");
		return true;
	}
	in->path = prs_strf("%cjobs.%zu.%s%c", JF_LATE_OPEN, job, name, JF_LATE_CLOSE);
	r->d->failed = r->d->failed || !in->path;
	return true;
}

static void read_input(const struct reading *r, size_t i)
{
	char where[WHERE_BYTES];
	struct prs_err err = { 0 };
	const json_t *v = json_array_get(json_object_get(r->d->root, "inputs"), i);
	struct prs_job_input *in = &r->j->inputs[r->j->inputs_n++];
	bool is_list = json_is_true(json_object_get(v, "is_list"));
	PRS_AUTOFREE char *path = text_of(r, v, "path"), *base = path_of(r, v, "base");
	in->name = name_of(r, "inputs", i, true);
	in->type = type_of(r, "inputs", i, input_types, sizeof input_types / sizeof *input_types);
	in->partition_format = text_of(r, v, "partition_format");
	in->asset = text_of(r, v, "asset");
	snprintf(where, sizeof where, "inputs[%zu]", i);
	if (read_step(r, in, v, where) || read_mltable(r, in, v, where))
		return;
	read_parts(r, in, v, where);
	if (in->parts.n)
		return;
	PRS_AUTOFREE char *text = path && is_list ? prs_strf("@%s", path) : NULL;
	r->d->failed = r->d->failed || (path && is_list && !text);
	if (!path && is_missing(r, v, "path"))
		doc_mistake(r->d, where, "path is missing");
	if (!path)
		return;
	if (in->type && !strcmp(in->type, "mltable"))
		doc_mistake(r->d, where,
		            "an mltable is given by mltable: \"FOLDER\", or by parts: [\"folder or file or pattern\"]");
	else if (prs_job_input_find(in, r->from, r->cwd, text ? text : path, &err) < 0)
		doc_mistake(r->d, where, "%s: %s", err.msg, in->path ? in->path : path);
	if (base && in->is_list) {
		prs_freep(&in->base);
		in->base = base;
		base = NULL;
	}
}

static void read_inputs(const struct reading *r)
{
	size_t n = json_array_size(json_object_get(r->d->root, "inputs"));
	if (!n && is_missing(r, r->d->root, "inputs"))
		doc_mistake(r->d, "inputs", "no input: expected [{\"path\": \"the folder or file to process\"}]");
	r->j->inputs = prs_calloc(n + 1, sizeof *r->j->inputs);
	for (size_t i = 0; r->j->inputs && i < n; i++)
		read_input(r, i);
	if (n && !prs_yaml_count(r->from->doc, PRS_MISTAKE) && prs_job_is_empty(r->j, r->fs))
		doc_mistake(r->d, "inputs", "there is no file in %s", n > 1 ? "any of them" : "it");
}

/* The path of a member, which may be a reference: then *asset is what it names. NULL after a mistake. */
static char *local_of(const struct reading *r, const json_t *v, const char *name, const char *where, char **asset)
{
	struct prs_err err = { 0 };
	PRS_AUTOFREE char *text = text_of(r, v, name);
	char *path = text ? prs_job_local(r->from, r->cwd, text, PRS_WANT_MODEL, asset, &err) : NULL;
	if (err.code)
		doc_mistake(r->d, where, "%s", err.msg);
	r->d->failed = r->d->failed || (text && !path && !err.code);
	return path;
}

static void read_pairs(const struct reading *r, const char *list, bool paths, struct prs_job_pair **ret, size_t *ret_n)
{
	const json_t *all = json_object_get(r->d->root, list);
	*ret = prs_calloc(json_array_size(all) + 1, sizeof **ret);
	for (size_t i = 0; *ret && i < json_array_size(all); i++) {
		char where[WHERE_BYTES];
		const json_t *v = json_array_get(all, i);
		struct prs_job_pair *p = &(*ret)[(*ret_n)++];
		p->name = name_of(r, list, i, false);
		snprintf(where, sizeof where, "%s[%zu].value", list, i);
		p->asset = paths ? text_of(r, v, "asset") : NULL;
		p->value = paths ? local_of(r, v, "value", where, &p->asset)
		                 : referring(r->d, text_of(r, v, "value"), where);
		if (!p->value && is_missing(r, v, "value"))
			doc_mistake(r->d, where, "is missing");
		else if (p->value && paths && !prs_path_kind(r->fs, p->value))
			doc_mistake(r->d, where, "no such file or folder: %s", p->value);
	}
}

/* Of a step it may hold ${{name}}. */
static char *output_path(const struct reading *r, const json_t *v, size_t i, const char *name)
{
	char where[WHERE_BYTES];
	snprintf(where, sizeof where, "outputs[%zu].path", i);
	char *text = text_of(r, v, "path");
	if (text && strpbrk(text, JF_LATE_BYTES))
		doc_mistake(r->d, "outputs", "the path of %s holds a byte 1 or 2", name ? name : "one");
	PRS_AUTOFREE char *late = referring(r->d, text, where);
	char *path = NULL;
	if (late)
		path = late[0] == JF_LATE_OPEN ? prs_strdup(late) : prs_path_absolute(r->cwd, late);
	r->d->failed = r->d->failed || (late && !path);
	return path;
}

static void read_outputs(const struct reading *r)
{
	struct prs_job *j = r->j;
	const json_t *all = json_object_get(r->d->root, "outputs");
	size_t n = json_array_size(all);
	PRS_AUTOFREE char *to = text_of(r, r->d->root, "append_row_to");
	j->rows_name = text_of(r, r->d->root, "append_row_file_name");
	if (j->rows_name && (!j->rows_name[0] || strchr(j->rows_name, '/')))
		doc_mistake(r->d, "append_row_file_name", "expected the name of a file, without a folder");
	j->outputs = prs_calloc(n + 1, sizeof *j->outputs);
	for (size_t i = 0; j->outputs && i < n; i++) {
		const json_t *v = json_array_get(all, i);
		struct prs_job_output *o = &j->outputs[j->outputs_n++];
		o->name = name_of(r, "outputs", i, true);
		o->type = type_of(r, "outputs", i, output_types, sizeof output_types / sizeof *output_types);
		o->path = output_path(r, v, i, o->name);
		if (to && o->name && !strcmp(o->name, to))
			j->append_to = (int)i;
	}
	if (to && j->append_to < 0)
		doc_mistake(r->d, "append_row_to", "there is no output %s", to);
}

/* output_file or append_row_to say where the rows go, else they go to the run folder; output_dir is summary_only's. */
static void read_output(const struct reading *r)
{
	struct prs_job *j = r->j;
	struct prs_err err = { 0 };
	bool rows = j->o.output_action == PRS_OUTPUT_APPEND_ROW;
	PRS_AUTOFREE char *file = path_of(r, r->d->root, "output_file"), *dir = path_of(r, r->d->root, "output_dir");
	if (file && !rows)
		doc_mistake(r->d, "output_file", "output_action summary_only has none");
	if (dir && rows)
		doc_mistake(r->d, "output_dir",
		            "is computed: leave it out (with append_row it is the folder of the file)");
	if (file && j->append_to >= 0)
		doc_mistake(r->d, "output_file", "append_row_to says already where the rows go: keep one");
	if (dir && !rows && prs_job_check_folder(r->fs, dir, &err) < 0)
		doc_mistake(r->d, "output_dir", "%s", err.msg);
	if (dir && !rows) {
		j->output_dir = dir;
		dir = NULL;
	}
	if (!file || !rows || j->append_to >= 0)
		return;
	j->output_dir = prs_path_folder(file);
	if (prs_job_check_rows(j, r->fs, file, &err) < 0)
		doc_mistake(r->d, "output_file", "%s", err.msg);
	j->output_file = file;
	file = NULL;
}

static void say_of_tables(void *ctx, enum prs_option_id option, const struct prs_job_input *in, const char *text)
{
	const struct reading *r = ctx;
	doc_mistake(r->d, option == PRS_OPTIONS ? "inputs" : "options", "%s", text);
	(void)in;
}

static void read_keys(const struct reading *r)
{
	struct prs_job *j = r->j;
	struct prs_err err = { 0 };
	if (prs_job_says(j, PRS_OPTION_ID_partition_keys) && prs_job_says(j, PRS_OPTION_ID_mini_batch_size))
		doc_mistake(r->d, "options", "partition_keys and mini_batch_size exclude each other: keep one");
	int k = prs_job_split_keys(j, &err);
	for (size_t i = 0; i < j->inputs_n && k == 0; i++)
		if (j->inputs[i].name)
			k = prs_job_check_partition(j, &j->inputs[i], &err);
	if (k < 0)
		doc_mistake(r->d, "options.partition_keys", "%s", err.msg);
}

/* Was there memory for everything? Asked once, when there are no mistakes. */
static bool is_whole(const struct prs_job *j)
{
	bool whole = j->submit_dir && j->entry && j->code_dir && j->name && j->inputs && j->outputs;
	for (size_t i = 0; whole && i < j->inputs_n; i++)
		whole = j->inputs[i].name && j->inputs[i].path && j->inputs[i].type;
	for (size_t i = 0; whole && i < j->outputs_n; i++)
		whole = j->outputs[i].name && j->outputs[i].type;
	return whole && (!j->output_file || j->output_dir) && j->models && j->side_inputs && j->variables;
}

int prs_job_doc_check(struct prs_job_doc *d, struct prs_job *j, const struct prs_sources *from, struct prs_err *err)
{
	const struct prs_request *q = from->asked;
	struct reading r = { d, j, from, from->fs, q->cwd };
	if (!json_is_object(d->root))
		return 0; /* said already */
	PRS_AUTOFREE char *submit = text_of(&r, d->root, "submit_dir");
	if (submit && submit[0] == '/')
		r.cwd = submit;
	else if (submit)
		doc_mistake(d, "submit_dir", "expected an absolute path, found %.200s", submit);
	static const enum prs_option_id words[] = { PRS_OPTION_ID_input,
		                                    PRS_OPTION_ID_output,
		                                    PRS_OPTION_ID_side_input,
		                                    PRS_OPTION_ID_model,
		                                    PRS_OPTION_ID_environment_variable,
		                                    PRS_OPTION_ID_code };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (prs_request_value(q, words[i]))
			doc_mistake(d, prs_option_at(words[i])->flag,
			            "does not go with a job in JSON: it has a member for that");
	j->submit_dir = prs_strdup(r.cwd);
	read_script(&r);
	read_includes(&r);
	read_inputs(&r);
	read_pairs(&r, "models", true, &j->models, &j->models_n);
	read_pairs(&r, "side_inputs", true, &j->side_inputs, &j->side_inputs_n);
	read_pairs(&r, "environment", false, &j->variables, &j->variables_n);
	read_outputs(&r);
	read_output(&r);
	if (prs_job_check_tables(j, r.fs, say_of_tables, &r) < 0)
		d->failed = true;
	read_keys(&r);
	struct asking a = { .d = d };
	ask_texts(&a, "system_arguments", &j->system_args);
	bool good = !d->mistakes && !prs_yaml_count(from->doc, PRS_MISTAKE);
	if (d->failed || prs_job_warn(j) < 0 || (good && !is_whole(j)))
		return prs_fail(err, PRS_ENOMEM, "the job's JSON");
	return 0;
}
