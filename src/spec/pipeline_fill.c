/* SPDX-License-Identifier: Apache-2.0
 * pipeline_fill: what a step is, when it starts: its references replaced by paths. Of a command also how a path is put
 * into a text that bash reads: the text is followed as far as it takes to know whether a reference stands bare, in
 * quotes, or where quotes mean something else.
 */
#include "spec/pipeline_impl.h"

#include "base/mem.h"
#include "spec/expr.h"
#include "spec/job_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 4 << 20, NESTED_MAX = 32 };

struct filling {
	const struct prs_pipeline *p;
	const struct prs_step *s;
	size_t at; /* its number */
	const struct prs_step_fill *f;
};

static bool is(const struct prs_expr *e, const char *word)
{
	return e->n == strlen(word) && !strncmp(e->p, word, e->n);
}

/* The value of a reference that all texts may hold; NULL = it is none. */
static const char *common_value(const struct filling *x, const struct prs_expr *e)
{
	const char *name;
	size_t n, step, output;
	if (is(e, "name"))
		return x->f->run_name;
	if (is(e, "prs.dollar"))
		return "$";
	if (is(e, "prs.outputs"))
		return x->f->outputs_dir;
	if (prs_expr_name(e, "outputs.", &name, &n)) {
		int64_t own = pipeline_output(x->s, name, n);
		if (own < 0 && n == 7 && !strncmp(name, "default", n))
			return x->f->outputs_dir;
		return own < 0 ? NULL : x->f->output(x->f->ctx, x->at, (size_t)own);
	}
	if (prs_expr_name(e, "parent.jobs.", &name, &n) && pipeline_split(x->p, name, n, &step, &output))
		return x->f->output(x->f->ctx, step, output);
	return NULL;
}

static int unknown(const struct prs_expr *e, struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID,
	                "${{%.*s}} is not known: expected inputs.NAME or outputs.NAME with a name that the step has, "
	                "name, prs.outputs or prs.dollar",
	                (int)(e->n < 200 ? e->n : 200), e->p);
}

/* A text without quotes of its own. */
static int put_text(const struct filling *x, const char *text, struct prs_buf *to, struct prs_err *err)
{
	struct prs_expr_scan s = { .text = text };
	struct prs_expr e;
	int r;
	while ((r = prs_expr_next(&s, &e, err)) == 1) {
		const char *value = e.kind == PRS_EXPR_REF ? common_value(x, &e) : NULL;
		if (e.kind == PRS_EXPR_REF && !value)
			return unknown(&e, err);
		if (value)
			prs_buf_puts(to, value);
		else if (e.kind == PRS_EXPR_TEXT)
			prs_buf_put(to, e.p, e.n);
	}
	if (r < 0)
		return r;
	return to->failed ? prs_fail(err, PRS_ELIMIT, "a text longer than %d MiB", TEXT_BYTES >> 20) : 0;
}

/* The caller frees; NULL: err. */
static char *filled(const struct filling *x, const char *text, struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	if (put_text(x, text, &b, err) < 0)
		return NULL;
	char *copy = prs_strdup(prs_buf_str(&b));
	if (!copy)
		prs_fail(err, PRS_ENOMEM, "a text of a step");
	return copy;
}

/* ---- a parallel step --------------------------------------------------------------------------------------------- */

static int fill_member(const struct filling *x, json_t *o, const char *name, struct prs_err *err)
{
	PRS_AUTOFREE char *text = job_json_text(json_object_get(o, name));
	PRS_AUTOFREE char *value = text ? filled(x, text, err) : NULL;
	if (text && !value)
		return err->code;
	if (value)
		json_object_set_new(o, name, job_json_of(value));
	return 0;
}

static int fill_words(const struct filling *x, json_t *list, struct prs_err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		PRS_AUTOFREE char *text = job_json_text(json_array_get(list, i));
		PRS_AUTOFREE char *value = text ? filled(x, text, err) : NULL;
		if (text && !value)
			return err->code;
		if (value)
			json_array_set_new(list, i, job_json_of(value));
	}
	return 0;
}

static int fill_objects(const struct filling *x, json_t *list, const char *member, struct prs_err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (fill_member(x, json_array_get(list, i), member, err) < 0)
			return err->code;
	return 0;
}

/* {"step": ..., "output": ...} becomes a path; of an mltable the folder that has its file. */
static int fill_input(const struct filling *x, json_t *in, struct prs_err *err)
{
	PRS_AUTOFREE char *step = job_json_text(json_object_get(in, "step")),
			  *output = job_json_text(json_object_get(in, "output")),
			  *type = job_json_text(json_object_get(in, "type"));
	int64_t at = step ? prs_pipeline_find(x->p, step) : -1;
	int64_t out = at >= 0 && output ? pipeline_output(&x->p->steps[at], output, strlen(output)) : -1;
	if (!step)
		return 0;
	if (out < 0)
		return prs_fail(err, PRS_EINVALID, "no step %s with an output %s", step, output ? output : "");
	const char *path = x->f->output(x->f->ctx, (size_t)at, (size_t)out);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the output %s of %s", output, step);
	json_object_del(in, "step");
	json_object_del(in, "output");
	json_object_set_new(in, type && !strcmp(type, "mltable") ? "mltable" : "path", job_json_of(path));
	return 0;
}

static int fill_job(const struct filling *x, json_t *job, struct prs_err *err)
{
	json_t *inputs = json_object_get(job, "inputs");
	for (size_t i = 0; i < json_array_size(inputs); i++)
		if (fill_input(x, json_array_get(inputs, i), err) < 0)
			return err->code;
	if (fill_words(x, json_object_get(job, "arguments"), err) < 0 ||
	    fill_words(x, json_object_get(job, "system_arguments"), err) < 0 ||
	    fill_objects(x, json_object_get(job, "environment"), "value", err) < 0 ||
	    fill_objects(x, json_object_get(job, "outputs"), "path", err) < 0)
		return err->code;
	json_object_set_new(job, "job_format", json_integer(1));
	if (x->f->code_dir) { /* what is included is in it */
		json_object_set_new(job, "code_dir", job_json_of(x->f->code_dir));
		json_object_del(job, "additional_includes");
	}
	return 0;
}

int prs_step_fill_job(const struct prs_pipeline *p, size_t step, const struct prs_step_fill *f, struct prs_buf *to,
                      struct prs_err *err)
{
	struct filling x = { p, &p->steps[step], step, f };
	json_t *job = json_loads(x.s->job, 0, NULL);
	int r = job ? fill_job(&x, job, err) : prs_fail(err, PRS_ENOMEM, "the job of step %s", x.s->name);
	char *text = r < 0 ? NULL : json_dumps(job, JSON_INDENT(2) | JSON_SORT_KEYS);
	json_decref(job);
	if (r < 0)
		return prs_wrap(err, "step %s", x.s->name);
	prs_buf_puts(to, text ? text : "");
	prs_buf_putc(to, '\n');
	bool whole = text && !to->failed;
	free(text);
	return whole ? 0 : prs_fail(err, PRS_ENOMEM, "the job of step %s", x.s->name);
}

/* ---- a command --------------------------------------------------------------------------------------------------- */

/* Where bash is in its text. A stack, because $( ) inside quotes begins anew. */
enum room { BARE, SINGLE, DOUBLE, ANSI };

struct shell {
	enum room room[NESTED_MAX];
	unsigned parens[NESTED_MAX]; /* open ( of a BARE one */
	unsigned top;
	bool escaped, comment, word; /* word: a character of a word stands in front */
	bool dollar;                 /* a $ stands in front */
	bool lost;                   /* `, << or too deep: what quotes mean is not followed further */
	char last;
};

static void enter(struct shell *sh, enum room room)
{
	if (sh->top + 1 == NESTED_MAX) {
		sh->lost = true;
		return;
	}
	sh->room[++sh->top] = room;
	sh->parens[sh->top] = 0;
}

static void leave(struct shell *sh) { sh->top -= sh->top > 0; }

static void bare_char(struct shell *sh, char c)
{
	if (c == '\'')
		enter(sh, sh->dollar ? ANSI : SINGLE);
	else if (c == '"')
		enter(sh, DOUBLE);
	else if (c == '(' && sh->dollar)
		enter(sh, BARE);
	else if (c == '(')
		sh->parens[sh->top]++;
	else if (c == ')' && sh->parens[sh->top])
		sh->parens[sh->top]--;
	else if (c == ')')
		leave(sh);
	else if (c == '`' || (c == '<' && sh->last == '<'))
		sh->lost = true;
	else if (c == '#' && !sh->word)
		sh->comment = true;
}

static void follow(struct shell *sh, char c)
{
	enum room room = sh->room[sh->top];
	bool escaped = sh->escaped;
	if (sh->comment) {
		sh->comment = c != '\n';
	} else if (sh->escaped) {
		sh->escaped = false;
	} else if (c == '\\' && room != SINGLE) {
		sh->escaped = true;
	} else if (room == BARE) {
		bare_char(sh, c);
	} else if (room == DOUBLE) {
		if (c == '"')
			leave(sh);
		else if (c == '(' && sh->dollar)
			enter(sh, BARE);
		else if (c == '`')
			sh->lost = true;
	} else if (c == '\'') {
		leave(sh);
	}
	sh->dollar = c == '$' && !escaped;
	sh->word = !strchr(" \t\n;&|()<>", c);
	sh->last = c;
}

static const char plain_path[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-";

static void put_quoted(struct prs_buf *to, const char *path)
{
	prs_buf_putc(to, '\'');
	for (; *path; path++) {
		if (*path == '\'')
			prs_buf_puts(to, "'\\''");
		else
			prs_buf_putc(to, *path);
	}
	prs_buf_putc(to, '\'');
}

static int put_path(struct shell *sh, const struct prs_expr *e, const char *path, struct prs_buf *to,
                    struct prs_err *err)
{
	bool plain = path[strspn(path, plain_path)] == 0;
	bool bare = sh->room[sh->top] == BARE && !sh->escaped && !sh->lost;
	if (!plain && !bare && !sh->comment)
		return prs_fail(err, PRS_EINVALID,
		                "${{%.*s}} is the path %.300s, which bash would not take as it is, and it stands %s: "
		                "put it there without quotes, or choose a path of A-Za-z0-9_./:@%%+=,-",
		                (int)e->n, e->p, path, sh->lost ? "behind ` or <<" : "inside quotes");
	if (plain || sh->comment)
		prs_buf_puts(to, path);
	else
		put_quoted(to, path);
	sh->word = true;
	sh->dollar = sh->escaped = false;
	sh->last = 0;
	return 0;
}

static const struct prs_step_input *input_of(const struct prs_step *s, const struct prs_expr *e)
{
	const char *name;
	size_t n;
	if (!prs_expr_name(e, "inputs.", &name, &n))
		return NULL;
	for (size_t i = 0; i < s->inputs_n; i++)
		if (strlen(s->inputs[i].name) == n && !strncmp(s->inputs[i].name, name, n))
			return &s->inputs[i];
	return NULL;
}

static bool is_unset(const struct prs_step_input *in) { return !in->path && !in->literal && !in->of_step; }

/* Does the group that begins at `s` name an input without a value? */
static bool group_is_unset(const struct prs_step *step, struct prs_expr_scan s)
{
	struct prs_expr e;
	while (prs_expr_next(&s, &e, NULL) == 1 && e.kind != PRS_EXPR_END) {
		const struct prs_step_input *in = e.kind == PRS_EXPR_REF ? input_of(step, &e) : NULL;
		if (in && is_unset(in))
			return true;
	}
	return false;
}

static void put_literal(struct shell *sh, const char *text, size_t n, struct prs_buf *to)
{
	prs_buf_put(to, text, n);
	for (size_t i = 0; i < n; i++)
		follow(sh, text[i]);
}

static int put_reference(const struct filling *x, struct shell *sh, const struct prs_expr *e, struct prs_buf *to,
                         struct prs_err *err)
{
	const struct prs_step_input *in = input_of(x->s, e);
	const char *value = NULL;
	if (in && is_unset(in))
		return prs_fail(err, PRS_EINVALID,
		                "input %s has no value: an optional one must be placed in nested argument: $[[ ]]",
		                in->name);
	if (in && in->literal) {
		put_literal(sh, in->literal, strlen(in->literal), to);
		return 0;
	}
	if (in && in->of_step)
		value = x->f->output(x->f->ctx, in->step, in->output);
	else if (in)
		value = x->f->input ? x->f->input(x->f->ctx, in->path) : in->path;
	else if (is(e, "prs.dollar")) {
		put_literal(sh, "$", 1, to);
		return 0;
	} else
		value = common_value(x, e);
	return value ? put_path(sh, e, value, to, err) : unknown(e, err);
}

static int put_command(const struct filling *x, struct prs_buf *to, struct prs_err *err)
{
	struct prs_expr_scan s = { .text = x->s->command };
	struct shell sh = { .top = 0 };
	struct prs_expr e;
	bool dropped = false;
	int r;
	while ((r = prs_expr_next(&s, &e, err)) == 1) {
		if (e.kind == PRS_EXPR_BEGIN || e.kind == PRS_EXPR_END)
			dropped = e.kind == PRS_EXPR_BEGIN && group_is_unset(x->s, s);
		else if (dropped)
			continue;
		else if (e.kind == PRS_EXPR_TEXT)
			put_literal(&sh, e.p, e.n, to);
		else if (put_reference(x, &sh, &e, to, err) < 0)
			return err->code;
	}
	if (r < 0)
		return r;
	return to->failed ? prs_fail(err, PRS_ELIMIT, "a command longer than %d MiB", TEXT_BYTES >> 20) : 0;
}

static int fill_variables(const struct filling *x, struct prs_step_command *ret, struct prs_err *err)
{
	ret->variables = prs_calloc(x->s->variables_n + 1, sizeof *ret->variables);
	for (size_t i = 0; ret->variables && i < x->s->variables_n; i++) {
		struct prs_job_pair *to = &ret->variables[ret->variables_n++];
		to->name = prs_strdup(x->s->variables[i].name);
		to->value = filled(x, x->s->variables[i].value, err);
		if (!to->value)
			return err->code;
		if (!to->name)
			return prs_fail(err, PRS_ENOMEM, "the variables of a step");
	}
	return ret->variables ? 0 : prs_fail(err, PRS_ENOMEM, "the variables of a step");
}

int prs_step_fill_command(const struct prs_pipeline *p, size_t step, const struct prs_step_fill *f,
                          struct prs_step_command *ret, struct prs_err *err)
{
	struct filling x = { p, &p->steps[step], step, f };
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	*ret = (struct prs_step_command){ 0 };
	if (put_command(&x, &b, err) < 0 || fill_variables(&x, ret, err) < 0) {
		prs_step_command_done(ret);
		return prs_wrap(err, "step %s", x.s->name);
	}
	ret->text = prs_strdup(prs_buf_str(&b));
	if (ret->text)
		return 0;
	prs_step_command_done(ret);
	return prs_fail(err, PRS_ENOMEM, "the command of step %s", x.s->name);
}

void prs_step_command_done(struct prs_step_command *c)
{
	for (size_t i = 0; i < c->variables_n; i++) {
		prs_freep(&c->variables[i].name);
		prs_freep(&c->variables[i].value);
	}
	prs_freep(&c->variables);
	prs_freep(&c->text);
	*c = (struct prs_step_command){ 0 };
}

/* ---- before anything runs ---------------------------------------------------------------------------------------- */

struct trial {
	const struct prs_pipeline *p;
	char *last;
};

/* In place of a path in a run folder: one that goes in as it is. */
static const char *likely_path(void *ctx, size_t step, size_t output)
{
	struct trial *t = ctx;
	prs_freep(&t->last);
	t->last = prs_step_output_path(&t->p->steps[step].outputs[output], "/x", "x");
	return t->last;
}

int pipeline_check_command(const struct prs_pipeline *p, const struct prs_step *s, struct prs_err *err)
{
	struct trial t = { .p = p };
	struct prs_step_fill f = { .output = likely_path, .ctx = &t, .run_name = "x", .outputs_dir = "/x" };
	struct filling x = { p, s, (size_t)(s - p->steps), &f };
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	int r = put_command(&x, &b, err);
	prs_freep(&t.last);
	return r;
}
