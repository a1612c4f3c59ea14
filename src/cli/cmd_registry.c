/* SPDX-License-Identifier: Apache-2.0
 * cmd_registry: prs dataset, model, environment, component: one table of verbs for all of them, and one of what a
 * definition is made of.
 */
#include "cli/registry.h"

#include "base/mem.h"
#include "base/path.h"
#include "io/loop.h"

#include <string.h>

enum { TEXT_BYTES = 64 << 20, COLUMNS = 4 };

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));
	return text ? text : "";
}

static const char *kind_word(const struct cli_registry *c) { return prs_asset_kind(c->asset)->word; }

/* "azureml:" in front of a name is understood everywhere. */
static const char *bare(const char *word) { return word + (strncmp(word, "azureml:", 8) ? 0 : 8); }

/* ---- list, show -------------------------------------------------------------------------------------------------- */

static int put_row(struct prs_list *cells, const json_t *e)
{
	const json_t *d = json_object_get(e, "definition"), *paths = json_object_get(d, "paths");
	const char *where = text_of(e, "damaged")[0] ? text_of(e, "damaged") : text_of(d, "path");
	static const char *const members[] = { "python", "file", "image" };
	for (size_t i = 0; i < 3 && !where[0]; i++)
		where = text_of(d, members[i]);
	if (!where[0] && json_array_size(paths))
		where = json_string_value(json_array_get(paths, 0));
	const char *type = text_of(e, "damaged")[0] ? "damaged" : text_of(d, "type");
	PRS_AUTOFREE char *version = prs_strf("%s%s", text_of(e, "version"),
	                                      json_is_true(json_object_get(e, "archived")) ? " archived" : "");
	const char *const row[COLUMNS] = { text_of(e, "name"), version ? version : "", type, where ? where : "" };
	for (size_t i = 0; i < COLUMNS; i++)
		if (prs_list_add(cells, row[i]) < 0)
			return -PRS_ENOMEM;
	return 0;
}

static int show_list(struct cli_registry *c, json_t *all)
{
	static const char *const title[COLUMNS] = { "NAME", "VERSION", "TYPE", "WHERE" };
	struct prs_list cells = { 0 };
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	int r = 0;
	for (size_t i = 0; i < COLUMNS && !r; i++)
		r = prs_list_add(&cells, title[i]);
	for (size_t i = 0; i < json_array_size(all) && !r; i++)
		r = put_row(&cells, json_array_get(all, i));
	if (r < 0)
		cli_no_memory(c);
	else if (json_array_size(all))
		cli_put_rows(&b, &cells, COLUMNS);
	else
		prs_buf_putf(&b, "there are no %s in the workspace %s (%s)\n", prs_asset_kind(c->asset)->folder,
		             c->w.name, c->w.path);
	prs_list_done(&cells);
	return r < 0 ? 0 : cli_registry_show(c, &b);
}

static int run_list(struct cli_registry *c)
{
	struct prs_list tags = { 0 };
	struct prs_registry_filter f = { .name = c->word[0] ? bare(c->word) : NULL,
		                         .archived = cli_has(c->a, "--all"),
		                         .tags = &tags };
	json_t *all = NULL, *e;
	size_t i;
	int status = 0;
	if (cli_all(c->a, "--tag", &tags) < 0)
		cli_no_memory(c);
	else if (prs_registry_list(&c->w, c->asset, &f, &all, &c->err) == 0 && !cli_json(c->a))
		status = show_list(c, all);
	if (cli_json(c->a))
		json_array_foreach (all, i, e)
			status = status ? status
			                : cli_registry_json(c, prs_registry_view(&c->w, c->asset, json_incref(e)));
	json_decref(all);
	prs_list_done(&tags);
	return status;
}

/* An entry for people: a line each of what it says. */
static void put_entry(struct prs_buf *b, const json_t *e)
{
	static const char *const members[] = { "description", "tags", "properties", "labels", "definition", "local" };
	prs_buf_putf(b, "%s%s%s\n", text_of(e, "uri"), json_is_true(json_object_get(e, "latest")) ? " (latest)" : "",
	             json_is_true(json_object_get(e, "archived")) ? " (archived)" : "");
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const json_t *v = json_object_get(e, members[i]);
		bool empty = !v || json_is_null(v) || (json_is_string(v) && !json_string_value(v)[0]) ||
		             (json_is_object(v) && !json_object_size(v)) || (json_is_array(v) && !json_array_size(v));
		if (empty)
			continue;
		prs_buf_putf(b, "  %s: ", members[i]);
		if (json_is_string(v))
			prs_buf_putf(b, "%s\n", json_string_value(v));
		else
			cli_put_json(b, v, 0);
	}
}

/* Takes the entry. */
static int print_entry(struct cli_registry *c, json_t *entry, const char *before)
{
	json_t *e = prs_registry_view(&c->w, c->asset, entry);
	if (cli_json(c->a))
		return cli_registry_json(c, e);
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	prs_buf_puts(&b, before);
	put_entry(&b, e);
	json_decref(e);
	return cli_registry_show(c, &b);
}

static int run_show(struct cli_registry *c)
{
	json_t *entry;
	return prs_registry_find(&c->w, c->asset, c->word, &entry, &c->err) < 0 ? 0 : print_entry(c, entry, "");
}

/* ---- register ---------------------------------------------------------------------------------------------------- */

static int set_text(struct cli_registry *c, json_t *to, const char *member, const char *text)
{
	if (!text || json_object_set_new(to, member, json_string(text)) == 0)
		return 0;
	return prs_fail(&c->err, PRS_EINVALID, "%s: %s is no UTF-8", member, text);
}

/* The member of a definition that is a path, made absolute. */
static int absolute_member(struct cli_registry *c, json_t *d, const char *member)
{
	const char *text = text_of(d, member);
	bool word = !strcmp(member, "python") && !strchr(text, '/');
	PRS_AUTOFREE char *path = text[0] && !word ? cli_registry_path(c, text) : NULL;
	return path ? set_text(c, d, member, path) : 0;
}

static int absolute_paths(struct cli_registry *c, json_t *d)
{
	static const char *const members[] = { "path", "file", "python" };
	json_t *paths = json_object_get(d, "paths"), *v;
	size_t i;
	for (i = 0; i < 3; i++)
		if (absolute_member(c, d, members[i]) < 0)
			return c->err.code;
	json_array_foreach (paths, i, v) {
		PRS_AUTOFREE char *path = json_is_string(v) ? cli_registry_path(c, json_string_value(v)) : NULL;
		if (path && json_array_set_new(paths, i, json_string(path)) < 0)
			return cli_no_memory(c);
	}
	return 0;
}

/* --path of a dataset: one, or several. */
static int take_paths(struct cli_registry *c, json_t *d)
{
	unsigned n = cli_has(c->a, "--path");
	json_t *paths = n > 1 ? json_array() : NULL;
	if (n == 1)
		return set_text(c, d, "path", cli_value(c->a, "--path", 0));
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(paths, json_string(cli_value(c->a, "--path", i)));
	return paths && json_object_set_new(d, "paths", paths) < 0 ? cli_no_memory(c) : 0;
}

/* A path of this machine that is named is there; 'f', 'd', 0 = it is a pattern or elsewhere. */
static int check_path(struct cli_registry *c, const char *flag, const char *path, char *ret_kind)
{
	*ret_kind = prs_is_reference(path) ? 0 : prs_path_kind(program_fs(), path);
	if (*ret_kind || prs_is_reference(path) || prs_path_is_pattern(path))
		return 0;
	return prs_fail(&c->err, PRS_ENOTFOUND, "%s %s: no such file or folder", flag, path);
}

static const char *type_of(const char *path, char kind)
{
	PRS_AUTOFREE char *table = kind == 'd' ? prs_strf("%s/MLTable", path) : NULL;
	if (table && prs_path_kind(program_fs(), table) == 'f')
		return "mltable";
	return kind == 'f' ? "uri_file" : "uri_folder";
}

static int define_dataset(struct cli_registry *c, json_t *d)
{
	char kind = 0;
	if (take_paths(c, d) < 0 || absolute_paths(c, d) < 0)
		return c->err.code;
	const char *path = text_of(d, "path");
	bool given = cli_has(c->a, "--path") > 0;
	if (given && path[0] && check_path(c, "--path", path, &kind) < 0)
		return c->err.code;
	for (size_t i = 0; given && i < json_array_size(json_object_get(d, "paths")); i++)
		if (check_path(c, "--path", json_string_value(json_array_get(json_object_get(d, "paths"), i)), &kind) <
		    0)
			return c->err.code;
	if (!given && !json_object_size(d))
		return prs_fail(&c->err, PRS_EINVALID,
		                "dataset: expected --path PATH, or --from-json with a definition");
	return text_of(d, "type")[0] ? 0 : set_text(c, d, "type", type_of(path, kind));
}

static int define_model(struct cli_registry *c, json_t *d)
{
	if (!cli_has(c->a, "--path"))
		return prs_fail(&c->err, PRS_EINVALID, "model: expected --path with the file or folder of the model");
	return text_of(d, "type")[0] ? 0 : set_text(c, d, "type", "custom_model");
}

static int define_environment(struct cli_registry *c, json_t *d)
{
	char kind;
	if (set_text(c, d, "python", cli_last(c->a, "--python")) < 0 ||
	    set_text(c, d, "file", cli_last(c->a, "--file")) < 0 || absolute_paths(c, d) < 0)
		return c->err.code;
	static const char *const flags[][2] = { { "--python", "python" }, { "--file", "file" } };
	for (size_t i = 0; i < 2; i++)
		if (strchr(text_of(d, flags[i][1]), '/') &&
		    check_path(c, flags[i][0], text_of(d, flags[i][1]), &kind) < 0)
			return c->err.code;
	if (!json_object_size(d))
		return prs_fail(
			&c->err, PRS_EINVALID,
			"environment: expected --python INTERPRETER, or --file FILE (an environment, a conda file)");
	return 0;
}

static int define_component(struct cli_registry *c, json_t *d)
{
	char kind;
	if (set_text(c, d, "file", cli_last(c->a, "--file")) < 0 || absolute_paths(c, d) < 0)
		return c->err.code;
	if (!text_of(d, "file")[0])
		return prs_fail(&c->err, PRS_EINVALID,
		                "component: expected --file with the YAML file of the component");
	return check_path(c, "--file", text_of(d, "file"), &kind);
}

typedef int define_fn(struct cli_registry *c, json_t *definition);
static define_fn *const definers[PRS_ASSETS] = {
	[PRS_ASSET_DATASET] = define_dataset,
	[PRS_ASSET_MODEL] = define_model,
	[PRS_ASSET_ENVIRONMENT] = define_environment,
	[PRS_ASSET_COMPONENT] = define_component,
};

/* The words of an entry: of --from-json, then those of the flags. */
static int take_words(struct cli_registry *c, json_t *doc)
{
	struct prs_list labels = { 0 };
	if (set_text(c, doc, "description", cli_last(c->a, "--description")) < 0 ||
	    cli_put_pairs(c, "--tag", doc, "tags") < 0 || cli_put_pairs(c, "--property", doc, "properties") < 0)
		return c->err.code;
	int r = cli_all(c->a, "--label", &labels);
	if (labels.n && !json_object_get(doc, "labels") && !r)
		r = json_object_set_new(doc, "labels", json_array());
	for (size_t i = 0; i < labels.n && !r; i++)
		r = json_array_append_new(json_object_get(doc, "labels"), json_string(labels.v[i]));
	prs_list_done(&labels);
	return r < 0 ? cli_no_memory(c) : 0;
}

static int check_document(struct cli_registry *c, const json_t *doc)
{
	static const char *const known = "description tags properties labels version new_version definition";
	const char *key;
	json_t *v;
	json_object_foreach ((json_t *)(uintptr_t)doc, key, v)
		if (!cli_names(known, key))
			return prs_fail(&c->err, PRS_EINVALID, "--from-json: %.100s: no such member; expected %s", key,
			                known);
	if (json_object_get(doc, "definition") && !json_is_object(json_object_get(doc, "definition")))
		return prs_fail(&c->err, PRS_EINVALID, "--from-json: definition: expected an object");
	return 0;
}

static int define(struct cli_registry *c, json_t *doc)
{
	json_t *d = json_object_get(doc, "definition");
	if (!d && json_object_set_new(doc, "definition", json_object()) < 0)
		return cli_no_memory(c);
	d = json_object_get(doc, "definition");
	return set_text(c, d, "type", cli_last(c->a, "--type")) < 0 ? c->err.code : definers[c->asset](c, d);
}

static int run_register(struct cli_registry *c)
{
	json_t *doc = cli_from_json(c), *entry = NULL;
	bool created = false;
	char kind;
	int r = doc && check_document(c, doc) == 0 && take_words(c, doc) == 0 ? define(c, doc) : -1;
	PRS_AUTOFREE char *copy = !r && c->asset == PRS_ASSET_MODEL ? cli_registry_path(c, cli_last(c->a, "--path"))
	                                                            : NULL;
	r = r < 0 || !copy ? r : check_path(c, "--path", copy, &kind);
	const char *version = cli_last(c->a, "--version");
	struct prs_registration reg = {
		.document = doc,
		.version = version ? version : json_string_value(json_object_get(doc, "version")),
		.new_version = cli_has(c->a, "--new-version") || json_is_true(json_object_get(doc, "new_version")),
		.copy = copy,
		.now_us = prs_wall_us()
	};
	if (!r)
		prs_registry_register(&c->w, c->asset, bare(c->word), &reg, &entry, &created, &c->err);
	json_decref(doc);
	if (!entry)
		return 0;
	json_object_set_new(entry, "created", json_boolean(created));
	return print_entry(c, entry, created ? "registered " : "was there: ");
}

/* ---- update, archive --------------------------------------------------------------------------------------------- */

static int run_update(struct cli_registry *c)
{
	struct prs_list untag = { 0 }, unlabel = { 0 };
	json_t *doc = cli_from_json(c), *entry = NULL;
	struct prs_change change = { doc, &untag, &unlabel };
	bool ready = doc && take_words(c, doc) == 0;
	if (ready && (cli_all(c->a, "--untag", &untag) < 0 || cli_all(c->a, "--unlabel", &unlabel) < 0))
		cli_no_memory(c);
	else if (ready)
		prs_registry_update(&c->w, c->asset, c->word, &change, &entry, &c->err);
	prs_list_done(&untag);
	prs_list_done(&unlabel);
	json_decref(doc);
	return entry ? print_entry(c, entry, "") : 0;
}

static int archive(struct cli_registry *c, bool archived)
{
	json_t *versions, *v;
	size_t i;
	if (prs_registry_archive(&c->w, c->asset, c->word, archived, &versions, &c->err) < 0)
		return 0;
	if (cli_json(c->a))
		return cli_registry_json(c, json_pack("{s:s, s:s, s:o}", "kind", kind_word(c), "name", bare(c->word),
		                                      "versions", versions));
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	prs_buf_putf(&b, "%s %s:", archived ? "archived" : "restored", bare(c->word));
	json_array_foreach (versions, i, v)
		prs_buf_putf(&b, " %s", json_string_value(v));
	prs_buf_puts(&b, json_array_size(versions) ? "\n" : " nothing: it was so already\n");
	json_decref(versions);
	return cli_registry_show(c, &b);
}

static int run_archive(struct cli_registry *c) { return archive(c, true); }
static int run_restore(struct cli_registry *c) { return archive(c, false); }

#define WORDS_FLAGS "--description --tag --property --label --from-json"
static const struct cli_verb verbs[] = {
	{ "list", run_list, 0, 1, "[NAME] [--all] [--tag KEY[=VALUE]]", "--all --tag" },
	{ "show", run_show, 1, 1, "NAME[:VERSION|@LABEL]", NULL },
	{ "register", run_register, 1, 1, "NAME [flags]",
	  WORDS_FLAGS " --path --file --python --type --version --new-version" },
	{ "update", run_update, 1, 1, "NAME[:VERSION|@LABEL] [flags]", WORDS_FLAGS " --untag --unlabel" },
	{ "archive", run_archive, 1, 1, "NAME[:VERSION]", NULL },
	{ "restore", run_restore, 1, 1, "NAME[:VERSION]", NULL },
	{ NULL, NULL, 0, 0, NULL, NULL },
};

int cmd_dataset(struct cli_args *a) { return cli_registry_run(a, PRS_ASSET_DATASET, verbs); }
int cmd_model(struct cli_args *a) { return cli_registry_run(a, PRS_ASSET_MODEL, verbs); }
int cmd_environment(struct cli_args *a) { return cli_registry_run(a, PRS_ASSET_ENVIRONMENT, verbs); }
int cmd_component(struct cli_args *a) { return cli_registry_run(a, PRS_ASSET_COMPONENT, verbs); }
