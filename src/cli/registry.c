/* SPDX-License-Identifier: Apache-2.0
 * registry: the verbs of the commands of the workspace, what they read and how they print. What is known as a secret
 * here is never printed.
 */
#include "cli/registry.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/wrap.h"
#include "run/project.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { DOCUMENT_BYTES = 16 << 20, READ_BYTES = 64 << 10, SHOWN_BYTES = 64 << 20, SECRET_LEAST = 4 };

int cli_no_memory(struct cli_registry *c) { return prs_fail(&c->err, PRS_ENOMEM, "the registry"); }

const char *cli_last(const struct cli_args *a, const char *flag)
{
	unsigned times = cli_has(a, flag);
	return times ? cli_value(a, flag, times - 1) : NULL;
}

int cli_all(const struct cli_args *a, const char *flag, struct prs_list *to)
{
	for (unsigned i = 0; i < cli_has(a, flag); i++)
		if (prs_list_add(to, cli_value(a, flag, i)) < 0)
			return -PRS_ENOMEM;
	return 0;
}

/* ---- what is given ----------------------------------------------------------------------------------------------- */

static int read_stdin(struct prs_buf *to, struct prs_err *err)
{
	for (ssize_t n = 1; n != 0;) {
		uint8_t *p = prs_buf_reserve(to, READ_BYTES);
		n = p ? read(0, p, READ_BYTES) : 0;
		if (n < 0 && errno != EINTR)
			return prs_fail_errno(err, errno, "stdin");
		to->len += n > 0 ? (size_t)n : 0;
	}
	return to->failed ? prs_fail(err, PRS_ELIMIT, "stdin: larger than %d MiB", DOCUMENT_BYTES >> 20) : 0;
}

json_t *cli_from_json(struct cli_registry *c)
{
	const char *name = cli_last(c->a, "--from-json");
	json_error_t e;
	PRS_AUTOBUF b;
	prs_buf_init(&b, DOCUMENT_BYTES + READ_BYTES);
	if (!name)
		return json_object();
	int r = !strcmp(name, "-") ? read_stdin(&b, &c->err) : prs_read_file(program_fs(), name, &b, &c->err);
	json_t *doc = r < 0 ? NULL : json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, &e);
	if (r < 0)
		prs_wrap(&c->err, "--from-json");
	else if (!doc)
		prs_fail(&c->err, PRS_EINVALID, "--from-json %s:%d:%d: %s", name, e.line, e.column, e.text);
	if (!doc || json_is_object(doc))
		return doc;
	prs_fail(&c->err, PRS_EINVALID, "--from-json %s: expected an object", name);
	json_decref(doc);
	return NULL;
}

int cli_put_pairs(struct cli_registry *c, const char *flag, json_t *to, const char *member)
{
	json_t *map = json_object_get(to, member);
	if (cli_has(c->a, flag) && !map && json_object_set_new(to, member, json_object()) < 0)
		return cli_no_memory(c);
	map = json_object_get(to, member);
	for (unsigned i = 0; i < cli_has(c->a, flag); i++) {
		const char *pair = cli_value(c->a, flag, i), *equals = strchr(pair, '=');
		if (!equals || equals == pair)
			return prs_fail(&c->err, PRS_EINVALID, "%s %s: expected KEY=VALUE", flag, pair);
		PRS_AUTOFREE char *key = prs_strf("%.*s", (int)(equals - pair), pair);
		if (!key || json_object_set_new(map, key, json_string(equals + 1)) < 0)
			return prs_fail(&c->err, PRS_EINVALID, "%s %s: it is no UTF-8", flag, pair);
	}
	return 0;
}

char *cli_registry_path(const struct cli_registry *c, const char *text)
{
	if (prs_is_reference(text) || !text[0])
		return prs_strdup(text);
	return prs_path_absolute(c->cwd, text);
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static size_t secret_at(const struct cli_registry *c, const char *text)
{
	for (size_t i = 0; i < c->secrets.n; i++) {
		size_t n = strlen(c->secrets.v[i]);
		if (n >= SECRET_LEAST && !strncmp(text, c->secrets.v[i], n))
			return n;
	}
	return 0;
}

static void put_masked(const struct cli_registry *c, struct prs_buf *to, const char *text)
{
	while (*text) {
		size_t n = secret_at(c, text);
		prs_buf_put(to, n ? "***" : text, n ? 3 : 1);
		text += n ? n : 1;
	}
}

static json_t *masked(const struct cli_registry *c, json_t *v)
{
	const char *key;
	json_t *one;
	size_t i;
	if (json_is_string(v)) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, SHOWN_BYTES);
		put_masked(c, &b, json_string_value(v));
		return json_string(prs_buf_str(&b));
	}
	if (!json_is_object(v) && !json_is_array(v))
		return json_incref(v);
	json_t *made = json_is_object(v) ? json_object() : json_array();
	json_object_foreach (v, key, one)
		json_object_set_new(made, key, masked(c, one));
	json_array_foreach (v, i, one)
		json_array_append_new(made, masked(c, one));
	return made;
}

/* What a person wrote; the rest is ours, and programs need it as it is. */
static void mask_members(const struct cli_registry *c, json_t *object)
{
	static const char *const members[] = {
		"description", "tags", "properties", "definition", "account", "container"
	};
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		json_t *v = json_object_get(object, members[i]);
		if (v)
			json_object_set_new(object, members[i], masked(c, v));
	}
}

int cli_registry_json(struct cli_registry *c, json_t *object)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, SHOWN_BYTES);
	mask_members(c, object);
	cli_put_json(&b, object, 0);
	json_decref(object);
	return cli_print_raw(&b);
}

int cli_registry_show(struct cli_registry *c, struct prs_buf *text)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, SHOWN_BYTES);
	put_masked(c, &b, prs_buf_str(text));
	if (text->failed && !b.failed)
		b.failed = text->failed;
	return cli_show(&b);
}

void cli_put_rows(struct prs_buf *to, const struct prs_list *cells, size_t columns)
{
	unsigned width[16] = { 0 };
	for (size_t i = 0; i < cells->n; i++) {
		unsigned w = prs_columns(cells->v[i], strlen(cells->v[i]));
		width[i % columns] = w > width[i % columns] ? w : width[i % columns];
	}
	for (size_t i = 0; i < cells->n; i++) {
		bool last = i % columns + 1 == columns;
		unsigned blanks = width[i % columns] - prs_columns(cells->v[i], strlen(cells->v[i])) + 2;
		prs_buf_puts(to, cells->v[i]);
		prs_buf_putf(to, "%*s", last ? 0 : (int)blanks, "");
		for (; last && to->len && to->data[to->len - 1] == ' ';)
			to->len--;
		if (last)
			prs_buf_putc(to, '\n');
	}
}

/* ---- verbs ------------------------------------------------------------------------------------------------------- */

static const struct cli_verb *find_verb(struct cli_args *a, const struct cli_verb *verbs)
{
	const char *word = a->words.v[0], *near = NULL;
	unsigned least = 4;
	for (const struct cli_verb *v = verbs; v->name; v++) {
		unsigned far = prs_distance(word, v->name);
		if (!strcmp(word, v->name))
			return v;
		if (far < least && far < strlen(v->name)) {
			least = far;
			near = v->name;
		}
	}
	if (near)
		cli_mistake(a, "%s %s: no such command; did you mean prs %s %s?", a->command->name, word,
		            a->command->name, near);
	else
		cli_mistake(a, "%s %s: no such command: prs help %s shows all", a->command->name, word,
		            a->command->name);
	return NULL;
}

static void check_verb(struct cli_args *a, const struct cli_verb *v)
{
	size_t n = a->words.n - 1;
	if (n < v->words_min || n > v->words_max)
		cli_mistake(a, "expected prs %s %s%s%s", a->command->name, v->name, v->usage[0] ? " " : "", v->usage);
	for (size_t i = 0; i < a->given_n; i++) {
		const char *flag = a->given[i].flag->name;
		if (strcmp(flag, "--workspace") != 0 && !cli_names(v->flags, flag))
			cli_mistake(a, "%s does not go with prs %s %s", flag, a->command->name, v->name);
	}
}

static int open_workspace(struct cli_registry *c)
{
	c->doc = prs_yaml_doc_new();
	if (!c->doc)
		return cli_no_memory(c);
	if (!getcwd(c->cwd, sizeof c->cwd))
		return prs_fail_errno(&c->err, errno, "the current folder");
	c->project = prs_run_project(program_fs(), c->cwd, c->doc);
	if (!c->project)
		return cli_no_memory(c);
	if (prs_run_workspace(&c->w, program_fs(), c->cwd, cli_last(c->a, "--workspace"), c->project, &c->err) < 0)
		return c->err.code;
	return prs_secret_values(&c->w, &c->secrets) < 0 ? cli_no_memory(c) : 0;
}

static int end(struct cli_registry *c, int status)
{
	PRS_AUTOBUF b, notes;
	prs_buf_init(&b, SHOWN_BYTES);
	prs_buf_init(&notes, SHOWN_BYTES);
	if (c->w.notes.len) {
		put_masked(c, &notes, prs_buf_str(&c->w.notes));
		cli_tell(stderr, "%s", prs_buf_str(&notes));
	}
	if (c->err.code) {
		struct prs_err shown = { .code = c->err.code };
		put_masked(c, &b, c->err.msg);
		snprintf(shown.msg, sizeof shown.msg, "%s", prs_buf_str(&b));
		status = complain(prs_exit_of(c->err.code, true), &shown);
	}
	prs_list_done(&c->secrets);
	prs_workspace_done(&c->w);
	prs_project_free(c->project);
	prs_yaml_doc_free(c->doc);
	return status;
}

int cli_registry_run(struct cli_args *a, enum prs_asset asset, const struct cli_verb *verbs)
{
	const struct cli_verb *verb = find_verb(a, verbs);
	struct cli_registry c = { .a = a, .asset = asset, .word = a->words.n > 1 ? a->words.v[1] : "" };
	if (verb)
		check_verb(a, verb);
	if (a->mistakes_n)
		return complain_all(a->mistakes_n, &a->mistakes);
	int status = open_workspace(&c) < 0 ? 0 : verb->run(&c);
	return end(&c, status);
}
