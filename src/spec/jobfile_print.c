/* SPDX-License-Identifier: Apache-2.0
 * jobfile_print: a job as v2 YAML that reads back to the same job. What has a key of the original is written under it,
 * the rest under prs:.
 */
#include "spec/job_check.h"
#include "spec/jobfile_impl.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct print {
	const struct prs_job *j;
	struct prs_buf *to;
	bool bad; /* a text that YAML cannot hold */
};

/* ---- scalars ----------------------------------------------------------------------------------------------------- */

/* No quotes needed: begins like a word or a path, and is none of the words that YAML reads as something else. */
static bool is_plain(const char *s)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/_",
			  rest[] = "0123456789.-", *const words[] = { "y",   "n",    "yes",   "no",  "on",
		                                                      "off", "true", "false", "null" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcasecmp(s, words[i]))
			return false;
	if (!*s || !strchr(first, *s))
		return false;
	for (s++; *s && (strchr(first, *s) || strchr(rest, *s)); s++)
		;
	return !*s;
}

static bool prints(unsigned c) { return prs_is_plain(c) && c != 0xfeff && !(c >= 0xfffe && c <= 0xffff); }

static void put_code(struct prs_buf *to, unsigned c)
{
	if (c < 0x100)
		prs_buf_putf(to, "\\x%02x", c);
	else if (c < 0x10000)
		prs_buf_putf(to, "\\u%04x", c);
	else
		prs_buf_putf(to, "\\U%08x", c);
}

static void put_escaped(struct print *p, const char *s)
{
	prs_buf_putc(p->to, '"');
	while (*s) {
		unsigned c = 0;
		size_t n = prs_utf8((const uint8_t *)s, strlen(s), &c);
		p->bad = p->bad || !n;
		if (!n)
			return;
		if (c == '\n' || c == '\t')
			prs_buf_puts(p->to, c == '\n' ? "\\n" : "\\t");
		else if (!prints(c))
			put_code(p->to, c);
		else if (c == '"' || c == '\\')
			prs_buf_putf(p->to, "\\%c", (char)c);
		else
			prs_buf_put(p->to, s, n);
		s += n;
	}
	prs_buf_putc(p->to, '"');
}

static void put_text(struct print *p, const char *s)
{
	if (is_plain(s))
		prs_buf_puts(p->to, s);
	else
		put_escaped(p, s);
}

static void put_references(struct print *p, struct prs_buf *to, const char *s)
{
	p->bad = !prs_late_to_references(to, s, NULL) || p->bad;
}

static void put_value(struct print *p, const char *s)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	put_references(p, &b, s);
	p->bad = p->bad || b.failed;
	put_text(p, prs_buf_str(&b));
}

/* A number as such; all else as a text. */
static void put_option_value(struct print *p, const struct prs_option_row *row, const char *value)
{
	bool number = row->type == PRS_OPTION_INT || row->type == PRS_OPTION_NUM || row->type == PRS_OPTION_SECONDS;
	if (number || row->type == PRS_OPTION_BOOL)
		prs_buf_puts(p->to, value);
	else
		put_value(p, value);
	prs_buf_putc(p->to, '\n');
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

/* "    key: value" */
static void put_pair(struct print *p, unsigned indent, const char *key, const char *value)
{
	prs_buf_putf(p->to, "%*s%s: ", (int)indent, "", key);
	put_value(p, value);
	prs_buf_putc(p->to, '\n');
}

static void put_parts(struct print *p, const struct prs_job_input *in)
{
	prs_buf_puts(p->to, "    paths:\n");
	for (size_t i = 0; i < in->parts.n; i++) {
		prs_buf_puts(p->to, "      - ");
		put_value(p, in->parts.v[i]);
		prs_buf_putc(p->to, '\n');
	}
}

static void put_input(struct print *p, const struct prs_job_input *in)
{
	if (in->mltable) {
		prs_buf_putf(p->to, "  %s:\n    type: mltable\n", in->name);
		put_pair(p, 4, "path", in->mltable);
		return;
	}
	bool one_pattern = in->parts.n == 1 && prs_path_is_pattern(in->parts.v[0]);
	PRS_AUTOFREE char *list = in->is_list ? prs_strf("@%s", in->path) : NULL;
	prs_buf_putf(p->to, "  %s:\n    type: %s\n", in->name, strcmp(in->type, "mltable") ? in->type : "uri_folder");
	if (!in->parts.n || one_pattern) {
		const char *plain = one_pattern ? in->parts.v[0] : in->path;
		put_pair(p, 4, "path", list ? list : plain);
	} else {
		put_parts(p, in);
	}
	if (in->partition_format &&
	    (!p->j->o.partition_format || strcmp(in->partition_format, p->j->o.partition_format)))
		put_pair(p, 4, "partition_format", in->partition_format);
}

static bool is_split(const struct prs_job *j, const char *path)
{
	for (size_t i = 0; i < j->inputs_n; i++)
		if (!strcmp(j->inputs[i].path, path))
			return true;
	return false;
}

static bool is_reference(const struct prs_job *j, const char *path)
{
	for (size_t i = 0; i < j->data_paths.n; i++)
		if (!strcmp(j->data_paths.v[i], path))
			return !is_split(j, path);
	return false;
}

static bool is_input(const struct prs_job *j, const char *name)
{
	for (size_t i = 0; i < j->inputs_n; i++)
		if (!strcmp(j->inputs[i].name, name))
			return true;
	return false;
}

/* The input that a variable was made of (jobfile.c); NULL = it is one of the job's own. */
static const char *reference_of(const struct prs_job *j, const struct prs_job_pair *variable)
{
	const size_t n = strlen(PRS_INPUT_VARIABLE);
	if (strncmp(variable->name, PRS_INPUT_VARIABLE, n) != 0)
		return NULL;
	const char *name = variable->name + n;
	if (!prs_job_is_name(name, strlen(name)))
		return NULL;
	return is_reference(j, variable->value) && !is_input(j, name) ? name : NULL;
}

static bool has_name(const struct prs_job *j, const char *path)
{
	for (size_t i = 0; i < j->variables_n; i++)
		if (reference_of(j, &j->variables[i]) && !strcmp(j->variables[i].value, path))
			return true;
	return false;
}

static void put_reference(struct print *p, const char *name, const char *path)
{
	prs_buf_putf(p->to, "  %s:\n    type: uri_folder\n", name);
	put_pair(p, 4, "path", path);
}

static void put_inputs(struct print *p)
{
	const struct prs_job *j = p->j;
	prs_buf_puts(p->to, "inputs:\n");
	for (size_t i = 0; i < j->inputs_n; i++)
		put_input(p, &j->inputs[i]);
	for (size_t i = 0; i < j->variables_n; i++)
		if (reference_of(j, &j->variables[i]))
			put_reference(p, reference_of(j, &j->variables[i]), j->variables[i].value);
	for (size_t i = 0; i < j->data_paths.n; i++) {
		char name[32];
		snprintf(name, sizeof name, JF_NAMELESS "data_%zu", i);
		if (!is_split(j, j->data_paths.v[i]) && !has_name(j, j->data_paths.v[i]))
			put_reference(p, name, j->data_paths.v[i]);
	}
	prs_buf_puts(p->to, j->inputs_n == 1 ? "input_data: " : "input_data:\n");
	for (size_t i = 0; i < j->inputs_n; i++)
		prs_buf_putf(p->to, "%s${{inputs.%s}}\n", j->inputs_n == 1 ? "" : "  - ", j->inputs[i].name);
}

/* The output that holds the append_row file, NULL = none has a name. */
static const char *append_name(const struct prs_job *j)
{
	if (j->o.output_action != PRS_OUTPUT_APPEND_ROW)
		return NULL;
	if (j->append_to >= 0)
		return j->outputs[j->append_to].name;
	return j->output_file ? "rows" : NULL;
}

static void put_outputs(struct print *p)
{
	const struct prs_job *j = p->j;
	const char *own = NULL;
	if (!j->outputs_n)
		own = j->o.output_action == PRS_OUTPUT_SUMMARY_ONLY ? j->output_dir : j->output_file;
	if (!j->outputs_n && !own)
		return;
	prs_buf_puts(p->to, "outputs:\n");
	for (size_t i = 0; i < j->outputs_n; i++) {
		prs_buf_putf(p->to, "  %s:\n    type: %s\n", j->outputs[i].name, j->outputs[i].type);
		if (j->outputs[i].path)
			put_pair(p, 4, "path", j->outputs[i].path);
	}
	if (own) {
		prs_buf_putf(p->to, "  %s:\n    type: %s\n", own == j->output_file ? "rows" : "output",
		             own == j->output_file ? "uri_file" : "uri_folder");
		put_pair(p, 4, "path", own);
	}
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* The value as text when somebody gave it; false = nothing to write. */
static bool option_text(const struct prs_job *j, const struct prs_option_row *row, struct prs_buf *to)
{
	return j->from[row - prs_option_at(0)] && row->resume != PRS_RESUME_SCREEN && row->type != PRS_OPTION_LIST &&
	       prs_option_get(&j->o, row, 0, to);
}

static bool is_elsewhere(const struct prs_option_row *row) /* written in a place of its own, or no part of the job */
{
	return prs_job_is_word(row) || row == prs_option_at(PRS_OPTION_ID_output_action);
}

static void put_retries(struct print *p)
{
	PRS_AUTOBUF tries, timeout;
	prs_buf_init(&tries, 64);
	prs_buf_init(&timeout, 64);
	bool t = option_text(p->j, prs_option_find("run-max-try", false), &tries),
	     s = option_text(p->j, prs_option_find("run-invocation-timeout", false), &timeout);
	if (t || s)
		prs_buf_puts(p->to, "retry_settings:\n");
	if (t)
		prs_buf_putf(p->to, "  max_retries: %lld\n", (long long)p->j->o.run_max_try - 1);
	if (s)
		prs_buf_putf(p->to, "  timeout: %s\n", prs_buf_str(&timeout));
}

static void put_v2_options(struct print *p)
{
	const struct prs_option_row *row;
	for (unsigned i = 0; (row = prs_option_at(i)) != NULL; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 1 << 20);
		if (row->v2[0] && !strchr(row->v2, '.') && !is_elsewhere(row) && option_text(p->j, row, &b)) {
			prs_buf_putf(p->to, "%s: ", row->v2);
			put_option_value(p, row, prs_buf_str(&b));
		}
	}
	if (p->j->o.partition_keys.n)
		prs_buf_puts(p->to, "partition_keys:\n");
	for (size_t i = 0; i < p->j->o.partition_keys.n; i++) {
		prs_buf_puts(p->to, "  - ");
		put_value(p, p->j->o.partition_keys.v[i]);
		prs_buf_putc(p->to, '\n');
	}
	put_retries(p);
}

static void put_list(struct print *p, const char *key, const struct prs_job_pair *v, size_t n)
{
	if (n)
		prs_buf_putf(p->to, "  %s:\n", key);
	for (size_t i = 0; i < n; i++) {
		PRS_AUTOFREE char *text = prs_strf("%s=%s", v[i].name, v[i].value);
		prs_buf_puts(p->to, "    - ");
		put_value(p, text ? text : "");
		prs_buf_putc(p->to, '\n');
	}
}

static void put_texts(struct print *p, const char *key, const struct prs_list *l)
{
	if (l->n)
		prs_buf_putf(p->to, "  %s:\n", key);
	for (size_t i = 0; i < l->n; i++) {
		prs_buf_puts(p->to, "    - ");
		put_value(p, l->v[i]);
		prs_buf_putc(p->to, '\n');
	}
}

static void put_own_options(struct print *p)
{
	const struct prs_option_row *row;
	const struct prs_job *j = p->j;
	size_t start = p->to->len, head;
	prs_buf_puts(p->to, "prs:\n");
	head = p->to->len;
	for (unsigned i = 0; (row = prs_option_at(i)) != NULL; i++) {
		char key[PRS_OPTION_WORD_MAX];
		PRS_AUTOBUF b;
		prs_buf_init(&b, 1 << 20);
		if (!row->group[0] || row->v2[0] || is_elsewhere(row) || !option_text(j, row, &b))
			continue;
		snprintf(key, sizeof key, "%s", row->name);
		for (char *c = key; *c; c++)
			*c = *c == '-' ? '_' : *c;
		prs_buf_putf(p->to, "  %s: ", key);
		put_option_value(p, row, prs_buf_str(&b));
	}
	put_texts(p, "secret", &j->o.secret);
	put_texts(p, "output_types", &j->o.output_types);
	if (j->o.output_action == PRS_OUTPUT_APPEND_ROW && !append_name(j)) /* no output of the job holds the rows */
		prs_buf_puts(p->to, "  output_action: append_row\n");
	if (j->rows_name)
		put_pair(p, 2, "append_row_file_name", j->rows_name);
	put_list(p, "model", j->models, j->models_n);
	put_list(p, "side_input", j->side_inputs, j->side_inputs_n);
	if (p->to->len == head)
		p->to->len = start;
}

/* ---- task -------------------------------------------------------------------------------------------------------- */

/* A word as a shell writes it; in quotes also what would be taken for a flag of the original. */
static void put_word(struct print *p, struct prs_buf *to, const char *word, bool own)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,@%+-";
	if (to->len)
		prs_buf_putc(to, ' ');
	if (*word && word[strspn(word, safe)] == 0 && !(own && !strncmp(word, "--", 2) && jf_is_system_flag(word))) {
		prs_buf_puts(to, word);
		return;
	}
	prs_buf_putc(to, '\'');
	for (const char *q; (q = strchr(word, '\'')) != NULL; word = q + 1) {
		PRS_AUTOFREE char *part = prs_strf("%.*s", (int)(q - word), word);
		put_references(p, to, part ? part : "");
		prs_buf_puts(to, "'\\''");
	}
	put_references(p, to, word);
	prs_buf_putc(to, '\'');
}

static void put_variables(struct print *p)
{
	const struct prs_job *j = p->j;
	bool begun = false;
	for (size_t i = 0; i < j->variables_n; i++) {
		if (reference_of(j, &j->variables[i]))
			continue;
		prs_buf_puts(p->to, begun ? "  " : "environment_variables:\n  ");
		put_text(p, j->variables[i].name);
		prs_buf_puts(p->to, ": ");
		put_value(p, j->variables[i].value);
		prs_buf_putc(p->to, '\n');
		begun = true;
	}
}

/* environment: a name; with packages the name and a conda file in place. */
static void put_environment(struct print *p)
{
	const struct prs_job *j = p->j;
	if (j->env_name && !j->env_pip.n && !j->env_python) {
		put_pair(p, 2, "environment", j->env_name);
		return;
	}
	if (!j->env_pip.n && !j->env_python)
		return;
	prs_buf_puts(p->to, "  environment:\n");
	if (j->env_name)
		put_pair(p, 4, "name", j->env_name);
	prs_buf_puts(p->to, "    conda_file:\n      dependencies:\n");
	if (j->env_python)
		prs_buf_putf(p->to, "        - python=%s\n", j->env_python);
	if (j->env_pip.n)
		prs_buf_puts(p->to, "        - pip:\n");
	for (size_t i = 0; i < j->env_pip.n; i++) {
		prs_buf_puts(p->to, "            - ");
		put_text(p, j->env_pip.v[i]);
		prs_buf_putc(p->to, '\n');
	}
}

static void put_arguments(struct print *p)
{
	const struct prs_list *lists[] = { &p->j->system_args, &p->j->program_args, &p->j->user_args };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4 << 20);
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < lists[k]->n; i++)
			put_word(p, &b, lists[k]->v[i], k > 0);
	p->bad = p->bad || b.failed;
	if (!b.len)
		return;
	prs_buf_puts(p->to, "  program_arguments: ");
	put_escaped(p, prs_buf_str(&b));
	prs_buf_putc(p->to, '\n');
}

int prs_job_to_yaml(const struct prs_job *j, struct prs_buf *to, struct prs_err *err)
{
	struct print p = { .j = j, .to = to };
	prs_buf_puts(to, "type: parallel\nname: ");
	put_text(&p, j->name);
	prs_buf_putc(to, '\n');
	put_inputs(&p);
	put_outputs(&p);
	put_v2_options(&p);
	put_variables(&p);
	if (j->includes.n)
		prs_buf_puts(to, "additional_includes:\n");
	for (size_t i = 0; i < j->includes.n; i++) {
		prs_buf_puts(to, "  - ");
		put_value(&p, j->includes.v[i]);
		prs_buf_putc(to, '\n');
	}
	prs_buf_puts(to, "task:\n  type: run_function\n");
	put_pair(&p, 2, "code", j->code_dir);
	prs_buf_puts(to, "  entry_script: ");
	put_text(&p, j->entry);
	prs_buf_putc(to, '\n');
	put_environment(&p);
	put_arguments(&p);
	if (append_name(j))
		prs_buf_putf(to, "  append_row_to: ${{outputs.%s}}\n", append_name(j));
	put_own_options(&p);
	if (p.bad)
		return prs_fail(err, PRS_EINVALID,
		                "a path or argument is not UTF-8, or holds a byte 1 or 2: YAML cannot hold it; prs "
		                "plan --json can");
	return to->failed ? prs_fail(err, (enum prs_code) - to->failed, "the job as YAML") : 0;
}
