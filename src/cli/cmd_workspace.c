/* SPDX-License-Identifier: Apache-2.0
 * cmd_workspace: prs workspace, with the key vault, and prs datastore.
 */
#include "cli/registry.h"

#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 64 << 20, VALUE_BYTES = 1 << 20, DATASTORE_COLUMNS = 4 };

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));
	return text ? text : "";
}

/* NAME: VALUE, a line each; takes the object. */
static int print_object(struct cli_registry *c, json_t *o)
{
	const char *key;
	json_t *v;
	if (!o)
		return cli_no_memory(c), 0;
	if (cli_json(c->a))
		return cli_registry_json(c, o);
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	json_object_foreach (o, key, v) {
		if (json_is_string(v) && json_string_value(v)[0])
			prs_buf_putf(&b, "%s: %s\n", key, json_string_value(v));
		else if (json_is_boolean(v))
			prs_buf_putf(&b, "%s: %s\n", key, json_is_true(v) ? "yes" : "no");
	}
	json_decref(o);
	return cli_registry_show(c, &b);
}

/* A value from stdin, without the end of its line. */
static int read_value(struct cli_registry *c, const char *what, struct prs_buf *to)
{
	for (ssize_t n = 1; n != 0 && to->len < VALUE_BYTES;) {
		uint8_t *p = prs_buf_reserve(to, 4096);
		n = p ? read(0, p, 4096) : 0;
		if (n < 0 && errno != EINTR)
			return prs_fail_errno(&c->err, errno, "%s: stdin", what);
		to->len += n > 0 ? (size_t)n : 0;
	}
	while (to->len && (to->data[to->len - 1] == '\n' || to->data[to->len - 1] == '\r'))
		to->len--;
	if (to->failed || memchr(prs_buf_str(to), 0, to->len))
		return prs_fail(&c->err, PRS_EINVALID, "%s: expected a text of at most 1 MiB on stdin", what);
	return to->len ? 0 : prs_fail(&c->err, PRS_EINVALID, "%s: no value on stdin", what);
}

/* ---- prs workspace ----------------------------------------------------------------------------------------------- */

static int run_show(struct cli_registry *c) { return print_object(c, prs_workspace_view(&c->w)); }

/* Those beside the one that is meant. */
static int run_list(struct cli_registry *c)
{
	struct prs_list names = { 0 };
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	int status = 0;
	if (prs_workspace_list(&c->w, &names, &c->err) == 0 && !cli_json(c->a)) {
		for (size_t i = 0; i < names.n; i++)
			prs_buf_putf(&b, "%s%s\n", names.v[i],
			             strcmp(names.v[i], c->w.name) ? "" : " (used from here)");
		if (!names.n)
			prs_buf_putf(&b, "there is no workspace in %s: what is registered first makes one\n",
			             c->w.folder);
		status = cli_registry_show(c, &b);
	}
	for (size_t i = 0; i < names.n && cli_json(c->a) && !status && !c->err.code; i++) {
		struct prs_workspace one;
		struct prs_workspace_ask ask = { .dir = c->cwd, .name = names.v[i], .folder = c->w.folder };
		if (prs_workspace_find(&one, program_fs(), &ask, &c->err) == 0)
			status = print_object(c, prs_workspace_view(&one));
		prs_workspace_done(&one);
	}
	prs_list_done(&names);
	return status;
}

static int run_create(struct cli_registry *c)
{
	PRS_AUTOFREE char *name = prs_strdup(c->word);
	prs_workspace_done(&c->w);
	if (!name || prs_run_workspace(&c->w, program_fs(), c->cwd, name, c->project, &c->err) < 0)
		return name ? 0 : (cli_no_memory(c), 0);
	return prs_workspace_make(&c->w, &c->err) < 0 ? 0 : print_object(c, prs_workspace_view(&c->w));
}

static int list_secrets(struct cli_registry *c)
{
	json_t *all, *one;
	size_t i;
	int status = 0;
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	if (prs_secret_list(&c->w, &all, &c->err) < 0)
		return 0;
	json_array_foreach (all, i, one) {
		if (!cli_json(c->a))
			prs_buf_putf(&b, "%s\n", text_of(one, "name"));
		else if (!status)
			status = cli_registry_json(c, json_incref(one));
	}
	if (!json_array_size(all))
		prs_buf_puts(&b, "no secret is kept here: prs workspace secret set NAME reads its value from stdin\n");
	json_decref(all);
	return cli_json(c->a) ? status : cli_registry_show(c, &b);
}

static int set_secret(struct cli_registry *c, const char *name)
{
	PRS_AUTOBUF value;
	prs_buf_init(&value, VALUE_BYTES + 8192);
	if (isatty(0))
		cli_tell(stderr, "the value of %s, then Ctrl-D at the beginning of a line:\n", name);
	if (read_value(c, name, &value) < 0 || prs_secret_set(&c->w, name, prs_buf_str(&value), &c->err) < 0)
		return 0;
	return print_object(c, prs_secret_view(&c->w, name));
}

static int delete_secret(struct cli_registry *c, const char *name)
{
	return prs_secret_delete(&c->w, name, &c->err) < 0 ? 0 : print_object(c, prs_secret_view(&c->w, name));
}

static int run_secret(struct cli_registry *c)
{
	const char *verb = c->word, *name = c->a->words.n > 2 ? c->a->words.v[2] : NULL;
	if (!strcmp(verb, "list") && !name)
		return list_secrets(c);
	if (!strcmp(verb, "set") && name)
		return set_secret(c, name);
	if (!strcmp(verb, "delete") && name)
		return delete_secret(c, name);
	prs_fail(&c->err, PRS_EINVALID, "expected prs workspace secret list, set NAME or delete NAME");
	return 0;
}

static const struct cli_verb workspace_verbs[] = {
	{ "show", run_show, 0, 0, "", NULL },
	{ "list", run_list, 0, 0, "", NULL },
	{ "create", run_create, 1, 1, "NAME", NULL },
	{ "secret", run_secret, 1, 2, "list|set NAME|delete NAME", NULL },
	{ NULL, NULL, 0, 0, NULL, NULL },
};

int cmd_workspace(struct cli_args *a) { return cli_registry_run(a, PRS_ASSET_DATASET, workspace_verbs); }

/* ---- prs datastore ----------------------------------------------------------------------------------------------- */

static int put_store(struct prs_list *cells, const json_t *s)
{
	const char *folder = text_of(s, "folder"), *mark = json_is_true(json_object_get(s, "default")) ? "default" : "";
	const char *const row[DATASTORE_COLUMNS] = { text_of(s, "name"), text_of(s, "type"), mark,
		                                     folder[0] ? folder : "(no folder on this machine)" };
	for (size_t i = 0; i < DATASTORE_COLUMNS; i++)
		if (prs_list_add(cells, row[i]) < 0)
			return -PRS_ENOMEM;
	return 0;
}

static int list_stores(struct cli_registry *c)
{
	json_t *all, *one;
	struct prs_list cells = { 0 };
	size_t i;
	int status = 0, r = 0;
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	if (prs_datastore_list(&c->w, &all, &c->err) < 0)
		return 0;
	json_array_foreach (all, i, one) {
		if (cli_json(c->a) && !status)
			status = cli_registry_json(c, json_incref(one));
		else if (!cli_json(c->a) && !r)
			r = put_store(&cells, one);
	}
	json_decref(all);
	cli_put_rows(&b, &cells, DATASTORE_COLUMNS);
	prs_list_done(&cells);
	if (r < 0)
		return cli_no_memory(c), 0;
	return cli_json(c->a) ? status : cli_registry_show(c, &b);
}

static int print_store(struct cli_registry *c, bool make)
{
	json_t *one;
	return prs_datastore_view(&c->w, c->word, make, &one, &c->err) < 0 ? 0 : print_object(c, one);
}

static int show_store(struct cli_registry *c) { return print_store(c, true); }

static int describe_store(struct cli_registry *c, json_t *doc)
{
	static const char *const flags[][2] = { { "--type", "type" },
		                                { "--account", "account" },
		                                { "--container", "container" } };
	const char *flag = cli_last(c->a, "--folder"), *folder = flag ? flag : text_of(doc, "folder");
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		const char *text = cli_last(c->a, flags[i][0]);
		if (text && json_object_set_new(doc, flags[i][1], json_string(text)) < 0)
			return prs_fail(&c->err, PRS_EINVALID, "%s %s: it is no UTF-8", flags[i][0], text);
	}
	PRS_AUTOFREE char *path = folder[0] ? cli_registry_path(c, folder) : NULL;
	if (path && prs_path_kind(program_fs(), path) != 'd')
		return prs_fail(&c->err, PRS_ENOTFOUND, "--folder %s: no such folder", folder);
	if (path && json_object_set_new(doc, "folder", json_string(path)) < 0)
		return prs_fail(&c->err, PRS_EINVALID, "--folder %s: it is no UTF-8", folder);
	if (!path && !text_of(doc, "type")[0])
		return prs_fail(&c->err, PRS_EINVALID, "datastore %s: expected --folder DIR", c->word);
	return 0;
}

static int register_store(struct cli_registry *c)
{
	json_t *doc = cli_from_json(c);
	PRS_AUTOBUF key;
	prs_buf_init(&key, VALUE_BYTES + 8192);
	bool has_key = cli_has(c->a, "--key-stdin");
	int r = doc ? describe_store(c, doc) : -1;
	if (!r && has_key)
		r = read_value(c, "--key-stdin", &key);
	if (!r)
		r = prs_datastore_register(&c->w, c->word, doc, has_key ? prs_buf_str(&key) : NULL, &c->err);
	json_decref(doc);
	return r < 0 ? 0 : print_store(c, false);
}

static int set_default(struct cli_registry *c)
{
	return prs_datastore_set_default(&c->w, c->word, &c->err) < 0 ? 0 : print_store(c, false);
}

static int remove_store(struct cli_registry *c)
{
	if (prs_datastore_remove(&c->w, c->word, &c->err) < 0)
		return 0;
	return print_object(c, json_pack("{s:s, s:b}", "name", c->word, "removed", 1));
}

static int resolve(struct cli_registry *c)
{
	struct prs_resolved found;
	PRS_AUTOFREE char *mapped = NULL;
	int r = prs_registry_resolve(&c->w, c->word, PRS_WANT_DATA, &found, &c->err), status = 0;
	if (r < 0 && (mapped = prs_project_path(c->project, c->word)) != NULL) {
		c->err = (struct prs_err){ 0 };
		r = 0;
	}
	const char *path = mapped ? mapped : found.path;
	if (!r && cli_json(c->a))
		status = cli_registry_json(c,
		                           json_pack("{s:s, s:s?, s:s?, s:s?}", "uri", c->word, "path", path, "asset",
		                                     mapped ? NULL : found.asset, "type", mapped ? NULL : found.type));
	else if (!r && path)
		cli_print_path(path);
	prs_resolved_done(&found);
	return status;
}

static const struct cli_verb datastore_verbs[] = {
	{ "list", list_stores, 0, 0, "", NULL },
	{ "show", show_store, 1, 1, "NAME", NULL },
	{ "register", register_store, 1, 1, "NAME --folder DIR",
	  "--folder --type --account --container --key-stdin --from-json" },
	{ "default", set_default, 1, 1, "NAME", NULL },
	{ "remove", remove_store, 1, 1, "NAME", NULL },
	{ "resolve", resolve, 1, 1, "URI", NULL },
	{ NULL, NULL, 0, 0, NULL, NULL },
};

int cmd_datastore(struct cli_args *a) { return cli_registry_run(a, PRS_ASSET_DATASET, datastore_verbs); }
