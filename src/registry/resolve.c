/* SPDX-License-Identifier: Apache-2.0
 * resolve: a reference of the original as a path on this machine.
 *
 * azureml:NAME[:VERSION|@LABEL], azureml://[...]datastores/D/paths/P, azureml:[//]...KIND/NAME/versions/V (or
 * labels/L), azureml://registries/...
 */
#include "registry/entries.h"

#include "base/mem.h"
#include "base/path.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- forms ------------------------------------------------------------------------------------------------------- */

enum { PARTS_MAX = 32 };

struct parts {
	const char *v[PARTS_MAX];
	size_t bytes[PARTS_MAX];
	size_t n;
};

static void cut(struct parts *p, const char *text)
{
	for (p->n = 0; *text && p->n < PARTS_MAX;) {
		size_t n = strcspn(text, "/");
		if (n) {
			p->v[p->n] = text;
			p->bytes[p->n++] = n;
		}
		text += n + (text[n] == '/');
	}
}

static bool is_part(const struct parts *p, size_t i, const char *word)
{
	return i < p->n && p->bytes[i] == strlen(word) && !strncasecmp(p->v[i], word, p->bytes[i]);
}

static char *part(const struct parts *p, size_t i) { return prs_strf("%.*s", (int)p->bytes[i], p->v[i]); }

static int whole(bool has_all) { return has_all ? 0 : -PRS_ENOMEM; }

static int take_store(struct reg_reference *r, const struct parts *p, size_t i)
{
	r->form = REG_DATASTORE;
	r->word = part(p, i + 1);
	r->rest = prs_strdup(i + 3 < p->n ? p->v[i + 3] : "");
	return whole(r->word && r->rest);
}

static int take_asset(struct reg_reference *r, const struct parts *p, size_t i, enum prs_asset a)
{
	bool version = is_part(p, i + 2, "versions"), label = is_part(p, i + 2, "labels");
	PRS_AUTOFREE char *name = part(p, i + 1);
	PRS_AUTOFREE char *behind = (version || label) && i + 3 < p->n ? part(p, i + 3) : NULL;
	r->form = REG_ASSET;
	r->of = a;
	if (name && behind)
		r->word = prs_strf("%s%c%s", name, version ? ':' : '@', behind);
	else if (name)
		r->word = prs_strdup(name);
	return whole(r->word);
}

static bool is_kind(const struct parts *p, size_t i, enum prs_asset *ret)
{
	for (unsigned a = 0; a < PRS_ASSETS; a++) {
		const struct prs_asset_kind *k = prs_asset_kind((enum prs_asset)a);
		*ret = (enum prs_asset)a;
		if (is_part(p, i, k->uri) || is_part(p, i, k->folder))
			return true;
	}
	return false;
}

/* What stands behind the workspace; without one the whole. */
static size_t behind_workspace(const struct parts *p)
{
	for (size_t i = 0; i + 1 < p->n; i++)
		if (is_part(p, i, "workspaces"))
			return i + 2;
	return 0;
}

static int parse_long(struct reg_reference *r, const char *text)
{
	struct parts p;
	enum prs_asset a;
	cut(&p, text);
	if (p.n > 1 && is_part(&p, 0, "registries")) {
		r->form = REG_CLOUD;
		r->cloud = part(&p, 1);
		return whole(r->cloud);
	}
	size_t i = behind_workspace(&p);
	if (i + 1 < p.n && is_part(&p, i, "datastores") && (i + 2 == p.n || is_part(&p, i + 2, "paths")))
		return take_store(r, &p, i);
	return i + 1 < p.n && is_kind(&p, i, &a) ? take_asset(r, &p, i, a) : 0;
}

int reg_parse(const char *text, struct reg_reference *ret)
{
	*ret = (struct reg_reference){ .form = REG_NO_REFERENCE };
	if (strncmp(text, "azureml:", 8) != 0)
		return 0;
	text += 8;
	if (!strncmp(text, "/subscriptions/", 15) || !strncmp(text, "//", 2))
		return parse_long(ret, text);
	if (!text[0] || text[0] == '.' || text[0] == '/' || strstr(text, "://"))
		return 0;
	ret->form = REG_ASSET;
	ret->any = true;
	ret->word = prs_strdup(text);
	return ret->word ? 0 : -PRS_ENOMEM;
}

void reg_reference_done(struct reg_reference *r)
{
	prs_freep(&r->word);
	prs_freep(&r->rest);
	prs_freep(&r->cloud);
}

/* ---- datastores -------------------------------------------------------------------------------------------------- */

static int resolve_store(struct prs_workspace *w, const struct reg_reference *ref, bool make, char **ret,
                         struct prs_err *err)
{
	PRS_AUTOFREE char *folder = NULL;
	if (prs_datastore_folder(w, ref->word, make, &folder, err) < 0)
		return err->code;
	const char *rest = ref->rest + strspn(ref->rest, "/");
	PRS_AUTOFREE char *below = prs_path_absolute("/", rest); /* nothing of it leads out of the folder */
	*ret = below ? prs_path_absolute(folder, below[1] ? below + 1 : ".") : NULL;
	return *ret ? 0 : reg_out_of_memory(err);
}

/* ---- assets ------------------------------------------------------------------------------------------------------ */

/* A path of a definition on this machine: absolute, of a datastore, or below the workspace. */
static int local_path(struct prs_workspace *w, const char *text, char **ret, struct prs_err *err)
{
	struct reg_reference ref;
	if (reg_parse(text, &ref) < 0)
		return reg_out_of_memory(err);
	int r = 0;
	if (ref.form == REG_DATASTORE)
		r = resolve_store(w, &ref, false, ret, err);
	else if (ref.form != REG_NO_REFERENCE || strstr(text, "://"))
		r = prs_fail(err, PRS_ENOTFOUND, "%.300s is not on this machine", text);
	else
		*ret = prs_path_absolute(w->path, text);
	reg_reference_done(&ref);
	return r || *ret ? r : reg_out_of_memory(err);
}

char *reg_uri(const json_t *entry)
{
	return prs_strf("azureml:%s:%s", reg_text(entry, "name"), reg_text(entry, "version"));
}

static int data_path(struct prs_workspace *w, const json_t *definition, const char *uri, char **ret,
                     struct prs_err *err)
{
	const json_t *paths = json_object_get(definition, "paths");
	const char *path = reg_text(definition, "path");
	if (!path[0] && json_array_size(paths) == 1)
		path = json_string_value(json_array_get(paths, 0));
	if (!path[0] && json_array_size(paths) > 1)
		return prs_fail(err, PRS_EINVALID,
		                "%s has several paths, and a job file takes one: register their folder", uri);
	if (!path[0])
		return prs_fail(err, PRS_EINVALID, "%s says no path", uri);
	return local_path(w, path, ret, err) < 0 ? prs_wrap(err, "%s", uri) : 0;
}

/* A model's copy may not be here: git does not keep it. */
static int model_path(struct prs_workspace *w, const json_t *definition, const char *uri, char **ret,
                      struct prs_err *err)
{
	if (data_path(w, definition, uri, ret, err) < 0)
		return err->code;
	if (prs_path_kind(w->fs, *ret))
		return 0;
	return prs_fail(err, PRS_EINVALID, "%s: its files are not here (%.300s): register it again on this machine",
	                uri, *ret);
}

static int optional(struct prs_workspace *w, const json_t *definition, const char *member, char **ret,
                    struct prs_err *err)
{
	const char *path = reg_text(definition, member);
	if (!path[0])
		return 0;
	if (strchr(path, '/'))
		return local_path(w, path, ret, err);
	*ret = prs_strdup(path); /* of the PATH */
	return *ret ? 0 : reg_out_of_memory(err);
}

static int fill(struct prs_workspace *w, enum prs_asset a, const json_t *entry, struct prs_resolved *ret,
                struct prs_err *err)
{
	const json_t *d = json_object_get(entry, "definition");
	const char *type = reg_text(d, "type");
	ret->asset = reg_uri(entry);
	ret->type = type[0] ? prs_strdup(type) : NULL;
	if (!ret->asset || (type[0] && !ret->type))
		return reg_out_of_memory(err);
	switch (a) {
	case PRS_ASSET_DATASET: return data_path(w, d, ret->asset, &ret->path, err);
	case PRS_ASSET_MODEL: return model_path(w, d, ret->asset, &ret->path, err);
	case PRS_ASSET_COMPONENT:
		if (reg_text(d, "file")[0])
			return local_path(w, reg_text(d, "file"), &ret->path, err);
		return prs_fail(err, PRS_EINVALID, "%s names no file", ret->asset);
	case PRS_ASSET_ENVIRONMENT: break;
	case PRS_ASSETS: break;
	}
	if (optional(w, d, "python", &ret->path, err) < 0 || optional(w, d, "file", &ret->file, err) < 0)
		return err->code;
	bool inside = !ret->file && json_is_object(json_object_get(d, "conda_file")); /* JSON is YAML, too */
	if (inside)
		ret->file = reg_entry_path(w, a, reg_text(entry, "name"), reg_text(entry, "version"));
	return inside && !ret->file ? reg_out_of_memory(err) : 0;
}

static int resolve_as(struct prs_workspace *w, enum prs_asset a, const char *word, struct prs_resolved *ret,
                      struct prs_err *err)
{
	json_t *entry;
	if (prs_registry_find(w, a, word, &entry, err) < 0)
		return err->code;
	int r = fill(w, a, entry, ret, err);
	json_decref(entry);
	return r;
}

/* Of which kinds a short name may be, the first first. */
static const struct {
	enum prs_asset of[2];
	unsigned n;
} wanted[] = {
	[PRS_WANT_DATA] = { { PRS_ASSET_DATASET, PRS_ASSET_MODEL }, 2 },
	[PRS_WANT_MODEL] = { { PRS_ASSET_MODEL, PRS_ASSET_DATASET }, 2 },
	[PRS_WANT_ENVIRONMENT] = { { PRS_ASSET_ENVIRONMENT }, 1 },
	[PRS_WANT_COMPONENT] = { { PRS_ASSET_COMPONENT }, 1 },
};

/* The sentence is that of the first kind, unless the name is there as the second. */
static int resolve_any(struct prs_workspace *w, enum prs_want want, const char *word, struct prs_resolved *ret,
                       struct prs_err *err)
{
	struct prs_err second = { 0 };
	int r = resolve_as(w, wanted[want].of[0], word, ret, err);
	if (r != -PRS_ENOTFOUND || wanted[want].n < 2 || ret->asset)
		return r;
	r = resolve_as(w, wanted[want].of[1], word, ret, &second);
	if (r < 0 && !ret->asset)
		return err->code;
	*err = second;
	return r;
}

int prs_registry_resolve(struct prs_workspace *w, const char *reference, enum prs_want want, struct prs_resolved *ret,
                         struct prs_err *err)
{
	struct reg_reference ref;
	*ret = (struct prs_resolved){ 0 };
	*err = (struct prs_err){ 0 };
	if (reg_parse(reference, &ref) < 0)
		return reg_out_of_memory(err);
	int r;
	switch (ref.form) {
	case REG_DATASTORE: r = resolve_store(w, &ref, false, &ret->path, err); break;
	case REG_ASSET:
		r = ref.any ? resolve_any(w, want, ref.word, ret, err) : resolve_as(w, ref.of, ref.word, ret, err);
		break;
	case REG_CLOUD:
		r = prs_fail(err, PRS_ENOTFOUND,
		             "%.200s: registry %.80s is in the cloud: register the asset here, or map it in prs.yml",
		             reference, ref.cloud);
		break;
	case REG_NO_REFERENCE:
	default: r = prs_fail(err, PRS_ENOTFOUND, "%.200s: no reference of the form azureml:...", reference); break;
	}
	reg_reference_done(&ref);
	return r;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

/* The path on this machine, or null. */
static json_t *local_json(struct prs_workspace *w, const char *text)
{
	struct prs_err err = { 0 };
	char *path = NULL;
	if (!text || !text[0] || local_path(w, text, &path, &err) < 0)
		return json_null();
	json_t *v = json_string(path);
	prs_freep(&path);
	return v ? v : json_null();
}

static bool is_latest(struct prs_workspace *w, enum prs_asset a, const json_t *entry)
{
	struct prs_err err = { 0 };
	struct reg_versions v;
	json_t *latest = NULL;
	if (reg_versions(w, a, reg_text(entry, "name"), &v, &err) == 0)
		reg_latest(w, a, reg_text(entry, "name"), &v, &latest, &err);
	bool is = latest && !strcmp(reg_text(latest, "version"), reg_text(entry, "version"));
	json_decref(latest);
	reg_versions_done(&v);
	return is;
}

json_t *prs_registry_view(struct prs_workspace *w, enum prs_asset a, json_t *entry)
{
	static const char *const members[] = { "path", "file", "python" };
	const json_t *d = json_object_get(entry, "definition"), *v;
	json_t *locals = json_array(), *local = NULL;
	PRS_AUTOFREE char *uri = reg_uri(entry);
	PRS_AUTOFREE char *file = reg_entry_path(w, a, reg_text(entry, "name"), reg_text(entry, "version"));
	size_t i;
	if (json_object_get(entry, "damaged") || !locals || !uri || !file) {
		json_decref(locals);
		return entry;
	}
	for (i = 0; i < 3 && !local; i++)
		local = reg_text(d, members[i])[0] ? local_json(w, reg_text(d, members[i])) : NULL;
	json_array_foreach (json_object_get(d, "paths"), i, v)
		json_array_append_new(locals, local_json(w, json_string_value(v)));
	json_object_set_new(entry, "uri", json_string(uri));
	json_object_set_new(entry, "latest", json_boolean(is_latest(w, a, entry)));
	json_object_set_new(entry, "local", local ? local : json_null());
	json_object_set_new(entry, "locals", locals);
	json_object_set_new(entry, "file", json_string(file));
	return entry;
}
