/* SPDX-License-Identifier: Apache-2.0
 * stores: datastores are folders of this machine: the registered one, that of prs.yml, or, of the two that every
 * workspace has, one below the workspace.
 */
#include "registry/entries.h"

#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const built_in[] = { PRS_DATASTORE_DEFAULT, "workspacefilestore" };
enum { BUILT_IN = sizeof built_in / sizeof *built_in };

static bool is_built_in(const char *name)
{
	for (size_t i = 0; i < BUILT_IN; i++)
		if (!strcmp(name, built_in[i]))
			return true;
	return false;
}

static char *path_of(const struct prs_workspace *w, const char *folder, const char *name, const char *ending)
{
	PRS_AUTOFREE char *file = reg_encode(name);
	return file ? prs_strf("%s/%s/%s%s", w->path, folder, file, ending) : NULL;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* *ret NULL: it is not registered. A damaged one is an error: another folder than the one that was meant is worse. */
static int read_store(struct prs_workspace *w, const char *name, json_t **ret, struct prs_err *err)
{
	PRS_AUTOFREE char *path = path_of(w, "datastores", name, ".json");
	*ret = NULL;
	if (!path)
		return reg_out_of_memory(err);
	if (!prs_path_kind(w->fs, path))
		return 0;
	*ret = reg_read(w->fs, path, err);
	if (!*ret)
		return err->code;
	if (!strcmp(reg_text(*ret, "name"), name))
		return 0;
	prs_fail(err, PRS_ECORRUPT, "%s: expected datastore %s, found %s", path, name, reg_text(*ret, "name"));
	json_decref(*ret);
	*ret = NULL;
	return err->code;
}

static int all_names(struct prs_workspace *w, struct prs_list *to, struct prs_err *err)
{
	struct prs_list files = { 0 };
	PRS_AUTOFREE char *folder = prs_strf("%s/datastores", w->path);
	int r = folder ? reg_names(w->fs, folder, &files, err) : reg_out_of_memory(err);
	for (size_t i = 0; i < BUILT_IN && !r; i++)
		r = prs_list_add(to, built_in[i]) < 0 ? reg_out_of_memory(err) : 0;
	for (size_t i = 0; i < files.n && !r; i++) {
		size_t n = strlen(files.v[i]);
		bool json = n > 5 && !strcmp(files.v[i] + n - 5, ".json");
		PRS_AUTOFREE char *name = json ? reg_decode(files.v[i], n - 5) : NULL;
		if (!name)
			reg_note(w, "passed over: %s/%s: no datastore", folder, files.v[i]);
		else if (!is_built_in(name) && prs_list_add(to, name) < 0)
			r = reg_out_of_memory(err);
	}
	prs_list_done(&files);
	return r;
}

static int no_such(struct prs_workspace *w, const char *name, struct prs_err *err)
{
	struct prs_list names = { 0 };
	char near[256];
	if (all_names(w, &names, err) == 0) {
		reg_nearest(near, sizeof near, name, &names);
		prs_fail(err, PRS_ENOTFOUND,
		         "no datastore is called %.100s%s: prs datastore register %.100s --folder DIR, or datastores: "
		         "{%.100s: DIR} in prs.yml",
		         name, near, name, name);
	}
	prs_list_done(&names);
	return err->code;
}

/* ---- where it is ------------------------------------------------------------------------------------------------- */

struct place {
	char *folder; /* NULL: nobody says */
	const char *from;
};

static char *mapped(const struct prs_workspace *w, const char *name)
{
	return w->mapped.folder ? w->mapped.folder(w->mapped.ctx, name) : NULL;
}

static struct place place_of(struct prs_workspace *w, const char *name, const json_t *store)
{
	const char *said = reg_text(store, "folder");
	if (said[0])
		return (struct place){ prs_strdup(said), "workspace" };
	char *folder = mapped(w, name);
	if (folder)
		return (struct place){ folder, "prs.yml" };
	if (is_built_in(name))
		return (struct place){ path_of(w, "data", name, ""), "built-in" };
	return (struct place){ NULL, "workspace" };
}

static int make_folder(struct prs_workspace *w, const char *folder, struct prs_err *err)
{
	PRS_AUTOFREE char *inside = prs_strf("%s/", folder);
	if (prs_workspace_make(w, err) < 0)
		return err->code;
	int r = inside ? prs_path_make(w->fs, inside, 0, 0755, NULL) : -ENOMEM;
	return r < 0 ? prs_fail_errno(err, -r, "making the folder %s", folder) : 0;
}

static const char *type_words(const char *type)
{
	static const char *const words[][2] = { { "azure_blob", "a blob container" },
		                                { "azure_file", "a file share" },
		                                { "azure_data_lake", "a data lake" },
		                                { "azure_data_lake_gen2", "a data lake" } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(type, words[i][0]))
			return words[i][1];
	return type[0] ? type : "registered";
}

static int no_folder(const char *name, const json_t *store, struct prs_err *err)
{
	const char *account = reg_text(store, "account"), *container = reg_text(store, "container");
	return prs_fail(err, PRS_EINVALID,
	                "datastore %.80s is %s%s%.60s%s%.60s%s and has no folder on this machine: prs datastore "
	                "register %.80s --folder DIR, or datastores: {%.80s: DIR} in prs.yml",
	                name, type_words(reg_text(store, "type")), account[0] ? " (account " : "", account,
	                container[0] ? ", container " : "", container, account[0] ? ")" : "", name, name);
}

int prs_datastore_folder(struct prs_workspace *w, const char *name, bool make, char **ret, struct prs_err *err)
{
	json_t *store;
	*ret = NULL;
	*err = (struct prs_err){ 0 };
	if (read_store(w, name, &store, err) < 0)
		return err->code;
	struct place at = place_of(w, name, store);
	bool ours = at.folder && !strcmp(at.from, "built-in");
	int r = 0;
	if (!at.folder)
		r = store ? no_folder(name, store, err) : no_such(w, name, err);
	else if (ours && make)
		r = make_folder(w, at.folder, err);
	else if (ours && prs_path_kind(w->fs, at.folder) != 'd')
		r = prs_fail(err, PRS_ENOTFOUND, "datastore %.100s is empty so far: %.250s is not there", name,
		             at.folder);
	if (!r)
		*ret = at.folder;
	else
		prs_freep(&at.folder);
	json_decref(store);
	return r;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static const char *default_name(const struct prs_workspace *w)
{
	const char *said = reg_text(w->about, "default_datastore"), *elsewhere = w->mapped.default_datastore;
	if (said[0])
		return said;
	return elsewhere ? elsewhere : PRS_DATASTORE_DEFAULT;
}

static json_t *view_of(struct prs_workspace *w, const char *name, json_t *store, const struct place *at)
{
	PRS_AUTOFREE char *key = path_of(w, "keys", name, "");
	json_t *doc = store ? json_copy(store) : json_object();
	const char *type = reg_text(store, "type");
	if (!doc || !key)
		return doc;
	bool has_key = prs_path_kind(w->fs, key) == 'f';
	json_object_del(doc, "datastore_format");
	json_t *more = json_pack("{s:s, s:s, s:s?, s:s, s:s, s:b, s:s, s:b, s:s?}", "name", name, "type",
	                         type[0] ? type : "local", "folder", at->folder, "account", reg_text(store, "account"),
	                         "container", reg_text(store, "container"), "default", !strcmp(name, default_name(w)),
	                         "from", at->from, "has_key", has_key, "key_file", has_key ? key : NULL);
	json_object_update(doc, more);
	json_decref(more);
	return doc;
}

int prs_datastore_view(struct prs_workspace *w, const char *name, bool make, json_t **ret, struct prs_err *err)
{
	json_t *store;
	*ret = NULL;
	*err = (struct prs_err){ 0 };
	if (read_store(w, name, &store, err) < 0)
		return err->code;
	struct place at = place_of(w, name, store);
	int r = !store && !at.folder ? no_such(w, name, err) : 0;
	if (!r && make && at.folder && !strcmp(at.from, "built-in"))
		r = make_folder(w, at.folder, err);
	*ret = r ? NULL : view_of(w, name, store, &at);
	prs_freep(&at.folder);
	json_decref(store);
	return !r && !*ret ? reg_out_of_memory(err) : r;
}

int prs_datastore_list(struct prs_workspace *w, json_t **ret, struct prs_err *err)
{
	struct prs_list names = { 0 };
	*err = (struct prs_err){ 0 };
	*ret = json_array();
	int r = *ret ? all_names(w, &names, err) : reg_out_of_memory(err);
	for (size_t i = 0; i < names.n && !r; i++) {
		json_t *one;
		if (prs_datastore_view(w, names.v[i], false, &one, err) == 0) {
			r = json_array_append_new(*ret, one) < 0 ? reg_out_of_memory(err) : 0;
		} else if (err->code == -PRS_ENOMEM) {
			r = err->code;
		} else {
			reg_note(w, "passed over: %s", err->msg);
			*err = (struct prs_err){ 0 };
		}
	}
	prs_list_done(&names);
	return r;
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */

int prs_datastore_register(struct prs_workspace *w, const char *name, json_t *document, const char *key,
                           struct prs_err *err)
{
	PRS_AUTOFREE char *path = path_of(w, "datastores", name, ".json"), *key_path = path_of(w, "keys", name, "");
	json_t *doc = json_pack("{s:i, s:s}", "datastore_format", REG_FORMAT, "name", name);
	*err = (struct prs_err){ 0 };
	bool failed = !path || !key_path || !doc || json_object_update_missing(doc, document) < 0;
	int r = failed ? reg_out_of_memory(err) : prs_workspace_make(w, err);
	if (!r && !name[0])
		r = prs_fail(err, PRS_EINVALID, "datastore: expected a name");
	if (!r && key)
		r = reg_write_secret(w->fs, key_path, key, err);
	if (!r)
		r = reg_replace(w->fs, path, doc, err);
	json_decref(doc);
	return r;
}

int prs_datastore_set_default(struct prs_workspace *w, const char *name, struct prs_err *err)
{
	json_t *store, *doc;
	PRS_AUTOFREE char *path = prs_strf("%s/workspace.json", w->path);
	if (!path)
		return reg_out_of_memory(err);
	if (prs_datastore_view(w, name, false, &store, err) < 0 || prs_workspace_make(w, err) < 0)
		return err->code;
	json_decref(store);
	doc = reg_read(w->fs, path, err);
	if (!doc)
		return err->code;
	bool failed = json_object_set_new(doc, "default_datastore", json_string(name)) < 0 ||
	              json_object_set_new(w->about, "default_datastore", json_string(name)) < 0;
	int r = failed ? reg_out_of_memory(err) : reg_replace(w->fs, path, doc, err);
	json_decref(doc);
	return r;
}

int prs_datastore_remove(struct prs_workspace *w, const char *name, struct prs_err *err)
{
	PRS_AUTOFREE char *path = path_of(w, "datastores", name, ".json"), *key = path_of(w, "keys", name, "");
	*err = (struct prs_err){ 0 };
	int r = path && key ? w->fs->unlink(w->fs->ctx, path) : -ENOMEM;
	if (r == -ENOENT)
		return no_such(w, name, err);
	if (r < 0)
		return prs_fail_errno(err, -r, "removing %s", path);
	r = w->fs->unlink(w->fs->ctx, key);
	return r < 0 && r != -ENOENT ? prs_fail_errno(err, -r, "removing %s", key) : 0;
}
