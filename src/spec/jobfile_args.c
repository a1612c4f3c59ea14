/* SPDX-License-Identifier: Apache-2.0
 * jobfile_args: references in texts, and program_arguments: references replaced, $[[ ]] kept or dropped, words split
 * like a shell, the flags of the original taken out.
 *
 * The value of a literal input is split like text around it (the original replaces first, then splits); a path never
 * is.
 */
#include "spec/jobfile_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- references -------------------------------------------------------------------------------------------------- */

static enum jf_ref keep(struct jobfile *m, const char *text, enum jf_ref kind, const char **ret)
{
	*ret = yaml_text(m->d, text, strlen(text));
	return *ret ? kind : JF_REF_BAD;
}

/* A part that the run folder fills in: \001name\002 */
static enum jf_ref late(struct jobfile *m, const char *prefix, const char *name, size_t n, enum jf_ref kind,
                        const char **ret)
{
	PRS_AUTOFREE char *text = prs_strf("%c%s%.*s%c", JF_LATE_OPEN, prefix, (int)n, name, JF_LATE_CLOSE);
	return text ? keep(m, text, kind, ret) : JF_REF_BAD;
}

static const char *shown(struct prs_yaml_doc *d, const struct prs_expr *e)
{
	PRS_AUTOFREE char *text = prs_strf("${{%.*s}}", (int)e->n, e->p);
	const char *kept = text ? yaml_text(d, text, strlen(text)) : NULL;
	return kept ? kept : "";
}

static struct prs_mark place_of(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node)
{
	PRS_AUTOFREE char *name = prs_strf("%.*s", (int)e->n, e->p);
	return name ? prs_yaml_inside(m->d, node, name, 0) : node->at;
}

static enum jf_ref unknown_name(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node,
                                const char *kind, const char *name, size_t n, const char *const *names, size_t names_n)
{
	char word[128];
	snprintf(word, sizeof word, "%.*s", (int)(n < 100 ? n : 100), name);
	PRS_AUTOBUF all;
	prs_buf_init(&all, 4096);
	for (size_t i = 0; i < names_n; i++)
		prs_buf_putf(&all, "%s%s", i ? ", " : "", names[i]);
	const char *near = jf_nearest(m->d, word, names, names_n);
	prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, node), "%s: there is no %s %s%s%s%s%s", shown(m->d, e), kind,
	              word, near, names_n && !near[0] ? " (there is " : "", near[0] ? "" : prs_buf_str(&all),
	              names_n && !near[0] ? ")" : "");
	return JF_REF_BAD;
}

static enum jf_ref input_value(const struct jf_input *in, const char **ret)
{
	if (in->bad)
		return JF_REF_BAD;
	if (in->unset)
		return JF_REF_UNSET;
	*ret = in->data ? in->path : in->literal;
	if (!*ret)
		return JF_REF_BAD;
	return in->data ? JF_REF_ATOM : JF_REF_TEXT;
}

static enum jf_ref input_reference(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node,
                                   bool parent, const char *name, size_t n, const char **ret)
{
	struct jf_input *v = parent ? m->parent_inputs : m->inputs;
	size_t count = parent ? m->parent_inputs_n : m->inputs_n;
	const struct jf_input *in = jf_find_input(v, count, name, n);
	if (in && parent && in->unset && !in->optional && !in->bad) {
		prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, node),
		              "%s: input %s of the pipeline has no value: give it one, or --input %s=%s",
		              shown(m->d, e), in->name, in->name, jf_is_data(in->type) ? "PATH" : "VALUE");
		return JF_REF_BAD;
	}
	if (in)
		return input_value(in, ret);
	const char **names = yaml_alloc(m->d, (count + 1) * sizeof *names);
	for (size_t i = 0; names && i < count; i++)
		names[i] = v[i].name;
	return names ? unknown_name(m, e, node, parent ? "input of the pipeline named" : "input named", name, n, names,
	                            count)
	             : JF_REF_BAD;
}

/* The folder that the script knows as its output, whatever the outputs are called. */
static const char default_output[] = "default";

static enum jf_ref output_reference(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node,
                                    const char *name, size_t n, const char **ret)
{
	bool is_default = n == strlen(default_output) && !strncmp(name, default_output, n);
	if (is_default || jf_find_output(m->outputs, m->outputs_n, name, n))
		return late(m, "outputs.", name, n, JF_REF_ATOM, ret);
	const char **names = yaml_alloc(m->d, (m->outputs_n + 1) * sizeof *names);
	for (size_t i = 0; names && i < m->outputs_n; i++)
		names[i] = m->outputs[i].name;
	if (names)
		names[m->outputs_n] = default_output;
	return names ? unknown_name(m, e, node, "output named", name, n, names, m->outputs_n + !m->outputs_n)
	             : JF_REF_BAD;
}

/* One more word that could stand in a reference. */
static void add_candidate(struct jobfile *m, const char **names, size_t *n, const char *prefix, const char *name)
{
	PRS_AUTOFREE char *text = prs_strf("%s%s", prefix, name);
	names[*n] = text ? yaml_text(m->d, text, strlen(text)) : NULL;
	*n += names[*n] != NULL;
}

/* The nearest of all that could stand here. */
static const char *near_reference(struct jobfile *m, const struct prs_expr *e)
{
	size_t k = 0;
	const char **names = yaml_alloc(m->d, (m->inputs_n + m->parent_inputs_n + m->outputs_n + 2) * sizeof *names);
	char word[256];
	snprintf(word, sizeof word, "%.*s", (int)(e->n < 200 ? e->n : 200), e->p);
	if (!names)
		return "";
	add_candidate(m, names, &k, "name", "");
	add_candidate(m, names, &k, "default_datastore", "");
	for (size_t i = 0; i < m->inputs_n; i++)
		add_candidate(m, names, &k, "inputs.", m->inputs[i].name);
	for (size_t i = 0; i < m->parent_inputs_n; i++)
		add_candidate(m, names, &k, "parent.inputs.", m->parent_inputs[i].name);
	for (size_t i = 0; i < m->outputs_n; i++)
		add_candidate(m, names, &k, "outputs.", m->outputs[i].name);
	return jf_nearest(m->d, word, names, k);
}

static bool is(const struct prs_expr *e, const char *word)
{
	return e->n == strlen(word) && !strncmp(e->p, word, e->n);
}

/* The input of the job whose value a node is. */
static const char *input_with(const struct jobfile *m, const struct prs_yaml *node)
{
	const struct prs_yaml *inputs = jf_value(m->job, "inputs");
	for (size_t i = 0; inputs && inputs->kind == PRS_YAML_MAP && i < inputs->n; i++)
		if (inputs->items[i] == node || jf_value(inputs->items[i], "path") == node)
			return inputs->keys[i]->text;
	return "NAME";
}

enum jf_ref jf_reference(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node,
                         const char *output_name, const char **ret)
{
	const char *name;
	size_t n;
	if (prs_expr_name(e, "inputs.", &name, &n))
		return input_reference(m, e, node, false, name, n, ret);
	if (prs_expr_name(e, "parent.inputs.", &name, &n))
		return input_reference(m, e, node, true, name, n, ret);
	if (prs_expr_name(e, "outputs.", &name, &n))
		return output_reference(m, e, node, name, n, ret);
	if (is(e, "name"))
		return late(m, "name", "", 0, JF_REF_ATOM, ret);
	if (is(e, "prs.outputs"))
		return late(m, "outputs", "", 0, JF_REF_ATOM, ret);
	if (is(e, "prs.dollar"))
		return keep(m, "$", JF_REF_ATOM, ret);
	if (is(e, "default_datastore"))
		return keep(m, m->default_datastore, JF_REF_ATOM, ret);
	if (is(e, "output_name") && output_name)
		return keep(m, output_name, JF_REF_ATOM, ret);
	if (m->flow && prs_expr_name(e, "parent.jobs.", &name, &n))
		return jf_job_reference(m, e, node, ret);
	if (e->n > 12 && !strncmp(e->p, "parent.jobs.", 12)) {
		prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, node),
		              "%s: the output of another job, and only this one runs: give a path instead (--input "
		              "%s=PATH)",
		              shown(m->d, e), input_with(m, node));
		return JF_REF_BAD;
	}
	const char *near = near_reference(m, e);
	if (near[0]) {
		prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, node), "%s is not known%s", shown(m->d, e), near);
		return JF_REF_BAD;
	}
	prs_yaml_find(m->d, PRS_MISTAKE, place_of(m, e, node),
	              "%s is not known: expected inputs.NAME, outputs.NAME, parent.inputs.NAME, parent.outputs.NAME, "
	              "name, default_datastore or output_name",
	              shown(m->d, e));
	return JF_REF_BAD;
}

const char *jf_expand_late(struct jobfile *m, const struct prs_yaml *node, const char *output_name)
{
	const char *text = node->plain ? node->value : node->text;
	if (!strstr(text, "${{"))
		return text;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	struct prs_expr_scan s = { .text = text };
	struct prs_expr e;
	struct prs_err err = { 0 };
	int r;
	bool bad = false;
	while ((r = prs_expr_next(&s, &e, &err)) == 1) {
		const char *value = "";
		enum jf_ref kind = e.kind == PRS_EXPR_REF ? jf_reference(m, &e, node, output_name, &value)
		                                          : JF_REF_TEXT;
		if (e.kind == PRS_EXPR_TEXT)
			prs_buf_put(&b, e.p, e.n);
		else if (e.kind == PRS_EXPR_REF && (kind == JF_REF_TEXT || kind == JF_REF_ATOM))
			prs_buf_puts(&b, value);
		bad = bad || kind == JF_REF_BAD;
	}
	if (r < 0)
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "%s", err.msg);
	return bad || r < 0 || b.failed ? NULL : yaml_text(m->d, prs_buf_str(&b), b.len);
}

bool jf_is_known(struct jobfile *m, const char *text, struct prs_mark at, const char *what)
{
	const char *open = strchr(text, JF_LATE_OPEN), *close = open ? strchr(open, JF_LATE_CLOSE) : NULL;
	if (!close)
		return true;
	bool folder = close - open == 8 && !strncmp(open + 1, "outputs", 7);
	if (!strncmp(open + 1, "jobs.", 5)) {
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "%s: the output of another job can be the whole value of an input, and stand in "
		              "program_arguments and environment_variables, nowhere else",
		              what);
		return false;
	}
	prs_yaml_find(m->d, PRS_MISTAKE, at,
	              "%s: ${{%s%.*s}} is known only when the run begins: it can stand in program_arguments, "
	              "environment_variables and, but for outputs, in the path of an output",
	              what, folder ? "prs." : "", (int)(close - open) - 1, open + 1);
	return false;
}

const char *jf_expand(struct jobfile *m, const struct prs_yaml *node)
{
	const char *text = jf_expand_late(m, node, NULL);
	return text && jf_is_known(m, text, node->at, "this value") ? text : NULL;
}

void jf_user_arguments(struct jobfile *m)
{
	struct prs_list *words = &m->j->user_args;
	for (size_t i = 0; i < words->n; i++) {
		if (!strstr(words->v[i], "${{"))
			continue;
		PRS_AUTOFREE char *shown = prs_strf("-- %s", words->v[i]);
		const struct prs_yaml *node = prs_yaml_new_scalar(m->d, jf_flag_mark(m, shown ? shown : "--"),
		                                                  words->v[i], strlen(words->v[i]), false);
		const char *text = node ? jf_expand_late(m, node, NULL) : NULL;
		char *copy = text ? prs_strdup(text) : NULL;
		m->d->failed = m->d->failed || !node || (text && !copy);
		if (!copy)
			continue;
		prs_freep(&words->v[i]);
		words->v[i] = copy;
	}
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

struct words {
	struct jobfile *m;
	const struct prs_yaml *node;
	struct prs_buf word;
	bool open, bare; /* bare: no quotes, backslashes or paths in it: it may be a flag of the original */
	char quote;
	bool escaped;
	struct prs_list list;
	bool *is_bare;
	size_t cap;
	bool bad;
};

static void end_word(struct words *w)
{
	if (!w->open)
		return;
	if (w->list.n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 32;
		bool *v = yaml_alloc(w->m->d, cap * sizeof *v);
		if (!v)
			return;
		if (w->list.n)
			memcpy(v, w->is_bare, w->list.n * sizeof *v);
		w->is_bare = v;
		w->cap = cap;
	}
	w->is_bare[w->list.n] = w->bare;
	if (w->word.failed || prs_list_add(&w->list, prs_buf_str(&w->word)) < 0)
		w->m->d->failed = true;
	prs_buf_clear(&w->word);
	w->open = false;
	w->bare = true;
}

static void put(struct words *w, char c)
{
	w->open = true;
	prs_buf_putc(&w->word, c);
}

/* As Python's shlex.split, and as a shell: \ keeps the next character; inside " only before " and \. */
static void put_char(struct words *w, char c)
{
	if (w->escaped) {
		if (w->quote == '"' && c != '"' && c != '\\')
			put(w, '\\');
		put(w, c);
		w->escaped = false;
	} else if (c == '\\' && w->quote != '\'') {
		w->escaped = w->open = true;
		w->bare = false;
	} else if (w->quote ? c == w->quote : c == '\'' || c == '"') {
		w->quote = w->quote ? 0 : c;
		w->open = true;
		w->bare = false;
	} else if (!w->quote && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
		end_word(w);
	} else {
		put(w, c);
	}
}

static void put_atom(struct words *w, const char *value)
{
	w->open = true;
	w->bare = false;
	prs_buf_puts(&w->word, value);
}

static void put_reference(struct words *w, const struct prs_expr *e, bool in_group)
{
	const char *value = "";
	const char *name;
	size_t n;
	enum jf_ref kind = jf_reference(w->m, e, w->node, NULL, &value);
	const struct jf_input *in = prs_expr_name(e, "inputs.", &name, &n)
	                                    ? jf_find_input(w->m->inputs, w->m->inputs_n, name, n)
	                                    : NULL;
	if (in && in->optional && !in->bad && !in_group) {
		prs_yaml_find(w->m->d, PRS_MISTAKE, place_of(w->m, e, w->node),
		              "Optional input %s must be placed in nested argument: $[[]]", in->name);
		w->bad = true;
		return;
	}
	if (kind == JF_REF_BAD)
		w->bad = true;
	else if (kind == JF_REF_ATOM)
		put_atom(w, value);
	else
		for (const char *p = value; *p; p++)
			put_char(w, *p);
}

/* Is a reference of the group that begins at `s` an optional input without a value? */
static bool group_is_unset(struct jobfile *m, struct prs_expr_scan s)
{
	struct prs_expr e;
	while (prs_expr_next(&s, &e, NULL) == 1 && e.kind != PRS_EXPR_END) {
		const char *name;
		size_t n;
		const struct jf_input *in = e.kind == PRS_EXPR_REF && prs_expr_name(&e, "inputs.", &name, &n)
		                                    ? jf_find_input(m->inputs, m->inputs_n, name, n)
		                                    : NULL;
		if (in && in->unset && !in->bad)
			return true;
	}
	return false;
}

/* Where the ${{ or $[[ at this byte of the text stands in the file. */
static struct prs_mark broken_at(const struct words *w, const char *text, size_t at)
{
	const char *token = text[at + 1] == '[' ? "$[[" : "${{";
	unsigned before = 0;
	for (const char *p = text; (p = strstr(p, token)) != NULL && p < text + at; p++)
		before++;
	return prs_yaml_inside(w->m->d, w->node, token, before);
}

static void split(struct words *w, const char *text)
{
	struct prs_expr_scan s = { .text = text };
	struct prs_expr e;
	struct prs_err err = { 0 };
	bool dropped = false;
	int r;
	while ((r = prs_expr_next(&s, &e, &err)) == 1) {
		if (e.kind == PRS_EXPR_BEGIN || e.kind == PRS_EXPR_END)
			dropped = e.kind == PRS_EXPR_BEGIN && group_is_unset(w->m, s);
		else if (dropped)
			continue;
		else if (e.kind == PRS_EXPR_REF)
			put_reference(w, &e, s.in_group);
		else
			for (size_t i = 0; i < e.n; i++)
				put_char(w, e.p[i]);
	}
	if (r < 0)
		prs_yaml_find(w->m->d, PRS_MISTAKE, broken_at(w, text, e.at), "%s", err.msg);
	else if (w->quote)
		prs_yaml_find(w->m->d, PRS_MISTAKE, prs_yaml_inside(w->m->d, w->node, w->quote == '"' ? "\"" : "'", 0),
		              "program_arguments: a %c is not closed", w->quote);
	else if (w->escaped)
		prs_yaml_find(w->m->d, PRS_MISTAKE, w->node->at,
		              "program_arguments: nothing stands behind the \\ at its end");
	w->bad = w->bad || r < 0 || w->quote || w->escaped;
	end_word(w);
}

/* ---- flags of the original --------------------------------------------------------------------------------------- */

enum flag_value { FLAG_TEXT, FLAG_BOOL, FLAG_COUNT, FLAG_OPTION };
static const struct flag {
	const char *name, *option;
	enum flag_value value;
	bool shown;
	const char *why;
} flags[] = {
#define PRS_SYSTEM_FLAG(name, option, value, shown, why) { name, option, FLAG_##value, shown, why },
#include "spec/system_flags.def"
#undef PRS_SYSTEM_FLAG
};
enum { FLAGS = sizeof flags / sizeof *flags, PREFIX_LEAST = 3 };

/* The one flag a word names or begins; *ret_whole: by its whole name. */
static const struct flag *find_flag(const char *word, size_t n, bool *ret_whole)
{
	const struct flag *found = NULL;
	for (size_t i = 0; i < FLAGS; i++) {
		*ret_whole = strlen(flags[i].name) == n && !strncmp(flags[i].name, word, n);
		if (*ret_whole)
			return &flags[i];
	}
	for (size_t i = 0; i < FLAGS && n >= PREFIX_LEAST; i++) {
		if (strncmp(flags[i].name, word, n) != 0)
			continue;
		if (found)
			return NULL;
		found = &flags[i];
	}
	return found;
}

bool jf_is_system_flag(const char *word)
{
	bool whole;
	return !strncmp(word, "--", 2) && find_flag(word + 2, strcspn(word + 2, "="), &whole);
}

static bool is_true(const char *v) { return !strcasecmp(v, "true") || !strcmp(v, "1") || !strcasecmp(v, "yes"); }

static bool is_truth(const char *v)
{
	return is_true(v) || !strcasecmp(v, "false") || !strcmp(v, "0") || !strcasecmp(v, "no");
}

static bool value_fits(const struct flag *f, const char *v)
{
	if (f->value == FLAG_BOOL)
		return is_truth(v);
	return f->value != FLAG_COUNT || (*v && v[strspn(v, "0123456789")] == 0);
}

/* What some flags mean beyond an option. */
static void effect(struct jobfile *m, const struct flag *f, const char *v, struct prs_mark at)
{
	if (!strcmp(f->name, "amlbi_pf_enabled"))
		m->pf_enabled = is_true(v);
	if (!strcmp(f->name, "amlbi_async_mode") && is_true(v))
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "--amlbi_async_mode %s: scripts with enqueue() and check_all_tasks_processed() are not "
		              "run by this version",
		              v);
	if (f->why[0])
		prs_yaml_find(m->d, PRS_IGNORED, at, "--%s: not used: %s", f->name, f->why);
}

/* Takes flag and value in: false = they are the script's own. */
static bool take_flag(struct words *w, const struct flag *f, bool whole, const char *word, size_t n, const char *value)
{
	struct jobfile *m = w->m;
	char key[64], written[128];
	snprintf(key, sizeof key, "--%s", f->name);
	snprintf(written, sizeof written, "%.*s", (int)(n < 100 ? n : 100), word);
	struct prs_mark at = prs_yaml_inside(m->d, w->node, written, 0);
	bool is_used = f->value != FLAG_TEXT || !f->why[0]; /* else the script alone reads it */
	if (whole && is_used && !jf_is_known(m, value, at, key))
		return true;
	bool fits = f->value == FLAG_OPTION
	                    ? jf_set_text(m, prs_option_find(f->option, false), value, at, key, true, !whole)
	                    : value_fits(f, value);
	if (!fits && !whole)
		return false;
	if (!fits && f->value != FLAG_OPTION)
		prs_yaml_find(m->d, PRS_MISTAKE, at, "%s: expected %s, found \"%.100s\"", key,
		              f->value == FLAG_BOOL ? "True or False" : "a whole number", value);
	if (!whole)
		prs_yaml_find(m->d, PRS_WARNING, at, "%s is read as %s, as the original does", written, key);
	effect(m, f, value, at);
	return true;
}

static void add_word(struct jobfile *m, struct prs_list *to, const char *word)
{
	if (prs_list_add(to, word) < 0)
		m->d->failed = true;
}

static void sort_words(struct words *w)
{
	struct prs_job *j = w->m->j;
	for (size_t i = 0; i < w->list.n; i++) {
		const char *word = w->list.v[i], *equals = strchr(word, '=');
		size_t n = equals ? (size_t)(equals - word) : strlen(word);
		bool whole = false, dashes = w->is_bare[i] && n > 2 && word[0] == '-' && word[1] == '-';
		const struct flag *f = dashes ? find_flag(word + 2, n - 2, &whole) : NULL;
		bool next = i + 1 < w->list.n && strncmp(w->list.v[i + 1], "--", 2) != 0;
		const char *behind = next ? w->list.v[i + 1] : NULL, *value = equals ? equals + 1 : behind;
		if (f && !value && whole)
			prs_yaml_find(w->m->d, PRS_MISTAKE, prs_yaml_inside(w->m->d, w->node, word, 0),
			              "%s needs a value", word);
		if (!f || !value || !take_flag(w, f, whole, word, n, value)) {
			add_word(w->m, &j->program_args, word);
			continue;
		}
		if (f->shown) {
			add_word(w->m, &j->system_args, word);
			if (!equals)
				add_word(w->m, &j->system_args, value);
		}
		i += !equals;
	}
}

void jf_arguments(struct jobfile *m, const struct prs_yaml *node)
{
	if (!node || node->kind != PRS_YAML_SCALAR)
		return;
	struct words w = { .m = m, .node = node, .bare = true };
	prs_buf_init(&w.word, 1 << 20);
	split(&w, node->text);
	if (!w.bad)
		sort_words(&w);
	prs_list_done(&w.list);
	prs_buf_done(&w.word);
}
