/* SPDX-License-Identifier: Apache-2.0
 * workspace: where it is: beside the nearest prs.yml, config.json, .azureml or .prs upward, inside the borders of
 * trust.
 */
#include "registry/impl.h"

#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_NAME ".prs"
#define NAME_OF_NONE "workspace"

static const char ignored[] = "# What git does not keep: secrets, and what is large.\n"
			      "/secrets/\n/keys/\n/data/\n/files/\n.new-*\n";

/* What nobody says; a script may ask for each of them. */
static const char *const about[][2] = {
	{ "subscription_id", "00000000-0000-0000-0000-000000000000" },
	{ "resource_group", "local" },
	{ "location", "local" },
	{ "default_datastore", PRS_DATASTORE_DEFAULT },
};
enum { ABOUT = sizeof about / sizeof *about };

/* ---- looking ----------------------------------------------------------------------------------------------------- */

struct look {
	struct prs_workspace *w;
	const struct prs_trust *trust;
	char *found;    /* the folder that .prs lies in */
	json_t *config; /* of config.json */
};

/* Why a file or folder does not count; NULL = it does. */
static const char *distrust(const struct look *l, const char *path)
{
	struct prs_fs_stat st;
	const struct prs_fs *fs = l->w->fs;
	if (!l->trust)
		return NULL;
	return fs->stat(fs->ctx, path, &st) < 0 ? "is not known" : prs_distrust(l->trust, &st);
}

/* Others put such files there too: one without a name for the workspace is none of ours. */
static bool take_config(struct look *l, const char *folder, const char *name)
{
	struct prs_err err = { 0 };
	PRS_AUTOFREE char *path = prs_strf("%s/%s", folder, name);
	if (!path || prs_path_kind(l->w->fs, path) != 'f')
		return false;
	json_t *config = reg_read(l->w->fs, path, &err);
	const char *called = json_string_value(json_object_get(config, "workspace_name"));
	const char *why = called && called[0] ? distrust(l, folder) : NULL;
	why = called && called[0] && !why ? distrust(l, path) : why;
	if (why)
		reg_note(l->w, "not used: %s %s", path, why);
	if (!called || !called[0] || why) {
		json_decref(config);
		return false;
	}
	l->config = config;
	l->w->from = prs_strdup(path);
	return true;
}

static bool take_name(struct look *l, const char *folder, const char *name, char kind)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s", folder, name);
	if (!path || prs_path_kind(l->w->fs, path) != kind || distrust(l, folder) || distrust(l, path))
		return false;
	l->w->from = prs_strdup(path);
	return true;
}

static bool is_beside(struct look *l, const char *folder)
{
	return take_config(l, folder, "config.json") || take_config(l, folder, ".azureml/config.json") ||
	       take_name(l, folder, "prs.yml", 'f') || take_name(l, folder, ".azureml", 'd') ||
	       take_name(l, folder, FOLDER_NAME, 'd');
}

/* The folder that .prs lies in, or belongs into. */
static int walk(struct look *l, const char *dir)
{
	PRS_AUTOFREE char *up = prs_path_absolute("/", dir);
	for (bool top = !up; !top;) {
		if (is_beside(l, strcmp(up, "/") ? up : "")) {
			l->found = prs_strdup(up);
			return l->found && l->w->from ? 0 : -PRS_ENOMEM;
		}
		top = prs_trust_ends(l->trust, l->w->fs, up);
		char *slash = strrchr(up, '/');
		slash[slash == up] = 0;
	}
	l->found = prs_path_absolute("/", dir);
	return l->found ? 0 : -PRS_ENOMEM;
}

/* What a file says goes over what is known. */
static int keep_about(struct prs_workspace *w, const json_t *doc)
{
	for (size_t i = 0; i < ABOUT; i++) {
		json_t *v = json_object_get(doc, about[i][0]);
		if (json_string_value(v) && json_string_value(v)[0] && json_object_set(w->about, about[i][0], v) < 0)
			return -PRS_ENOMEM;
	}
	return 0;
}

static int name_folder(struct prs_workspace *w, const char *name)
{
	PRS_AUTOFREE char *file = reg_encode(name);
	w->name = prs_strdup(name);
	w->path = file ? prs_strf("%s/%s", w->folder, file) : NULL;
	return w->name && w->path ? 0 : -PRS_ENOMEM;
}

/* A folder by name, whatever lies around it. */
static int take_folder(struct prs_workspace *w, const struct prs_workspace_ask *ask)
{
	w->path = prs_path_absolute(ask->dir, ask->name);
	w->folder = w->path ? prs_path_folder(w->path) : NULL;
	const char *last = w->path ? strrchr(w->path, '/') + 1 : "";
	w->name = reg_decode(last, strlen(last));
	if (!w->name)
		w->name = prs_strdup(last);
	return w->folder && w->name ? 0 : -PRS_ENOMEM;
}

static int look_for(struct look *l, const struct prs_workspace_ask *ask)
{
	struct prs_workspace *w = l->w;
	if (ask->name && strchr(ask->name, '/'))
		return take_folder(w, ask);
	if (walk(l, ask->dir) < 0)
		return -PRS_ENOMEM;
	bool given = ask->folder && ask->folder[0];
	w->folder = given ? prs_path_absolute(ask->dir, ask->folder)
	                  : prs_strf("%s/" FOLDER_NAME, strcmp(l->found, "/") ? l->found : "");
	const char *name = json_string_value(json_object_get(l->config, "workspace_name"));
	if (ask->name && ask->name[0])
		name = ask->name;
	return !w->folder ? -PRS_ENOMEM : name_folder(w, name ? name : NAME_OF_NONE);
}

/* One that was found and not named by the user says what is run: others must not have written it. */
static int check_whose(struct look *l, const struct prs_workspace_ask *ask, struct prs_err *err)
{
	const char *const parts[] = { l->w->folder, l->w->path };
	bool named = (ask->folder && ask->folder[0]) || (ask->name && strchr(ask->name, '/'));
	for (size_t i = 0; i < 2 && !named; i++) {
		const char *why = prs_path_kind(l->w->fs, parts[i]) ? distrust(l, parts[i]) : NULL;
		if (why)
			return prs_fail(err, PRS_EPERMISSION,
			                "the workspace is not used, for it could make you run programs of others: %s "
			                "%s",
			                parts[i], why);
	}
	return 0;
}

static int read_about(struct look *l, struct prs_err *err)
{
	struct prs_workspace *w = l->w;
	PRS_AUTOFREE char *path = prs_strf("%s/workspace.json", w->path);
	if (!path || keep_about(w, l->config) < 0)
		return prs_fail(err, PRS_ENOMEM, "the workspace");
	char kind = prs_path_kind(w->fs, path);
	w->made = prs_path_kind(w->fs, w->path) == 'd';
	json_t *doc = kind ? reg_read(w->fs, path, err) : NULL;
	if (kind && !doc) {
		reg_note(w, "passed over: %s", err->msg);
		*err = (struct prs_err){ 0 };
	}
	int r = keep_about(w, doc);
	json_decref(doc);
	return r < 0 ? prs_fail(err, PRS_ENOMEM, "the workspace") : 0;
}

int prs_workspace_find(struct prs_workspace *w, const struct prs_fs *fs, const struct prs_workspace_ask *ask,
                       struct prs_err *err)
{
	struct look l = { .w = w, .trust = ask->trust };
	*w = (struct prs_workspace){ .fs = fs, .about = json_object() };
	prs_buf_init(&w->notes, 1 << 20);
	int r = w->about ? look_for(&l, ask) : -PRS_ENOMEM;
	r = r < 0 ? prs_fail(err, PRS_ENOMEM, "the workspace") : check_whose(&l, ask, err);
	if (!r)
		r = read_about(&l, err);
	prs_freep(&l.found);
	json_decref(l.config);
	return r;
}

void prs_workspace_done(struct prs_workspace *w)
{
	prs_freep(&w->name);
	prs_freep(&w->folder);
	prs_freep(&w->path);
	prs_freep(&w->from);
	json_decref(w->about);
	w->about = NULL;
	prs_buf_done(&w->notes);
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* It is there already: as good. */
static int unless_there(int r, struct prs_err *err)
{
	if (r != -PRS_EEXISTS)
		return r;
	*err = (struct prs_err){ 0 };
	return 0;
}

static int make_ignore(struct prs_workspace *w, struct prs_err *err)
{
	PRS_AUTOFREE char *path = prs_strf("%s/.gitignore", w->path);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the workspace");
	return prs_path_kind(w->fs, path) ? 0 : reg_write_text(w->fs, path, ignored, err);
}

static int make_about(struct prs_workspace *w, struct prs_err *err)
{
	PRS_AUTOFREE char *path = prs_strf("%s/workspace.json", w->path);
	json_t *doc = json_pack("{s:i, s:s}", "workspace_format", REG_FORMAT, "name", w->name);
	if (!path || !doc || json_object_update(doc, w->about) < 0) {
		json_decref(doc);
		return prs_fail(err, PRS_ENOMEM, "the workspace");
	}
	int r = prs_path_kind(w->fs, path) ? 0 : reg_write_new(w->fs, path, doc, err);
	json_decref(doc);
	return unless_there(r, err);
}

int prs_workspace_make(struct prs_workspace *w, struct prs_err *err)
{
	PRS_AUTOFREE char *inside = prs_strf("%s/", w->path);
	if (w->made)
		return 0;
	int r = inside ? prs_path_make(w->fs, inside, 0, 0755, NULL) : -ENOMEM;
	if (r < 0)
		return prs_fail_errno(err, -r, "making the workspace %s", w->path);
	if (make_about(w, err) < 0 || make_ignore(w, err) < 0)
		return prs_wrap(err, "making the workspace %s", w->name);
	w->made = true;
	return 0;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

json_t *prs_workspace_view(const struct prs_workspace *w)
{
	json_t *doc = json_pack("{s:s, s:s, s:s, s:s?, s:b}", "name", w->name, "path", w->path, "workspaces", w->folder,
	                        "from", w->from, "made", w->made);
	const char *mapped = w->mapped.default_datastore;
	for (size_t i = 0; doc && i < ABOUT; i++) {
		const char *said = json_string_value(json_object_get(w->about, about[i][0]));
		bool store = !strcmp(about[i][0], "default_datastore");
		said = said || !store ? said : mapped;
		json_object_set_new(doc, about[i][0], json_string(said ? said : about[i][1]));
	}
	return doc;
}

int prs_workspace_list(const struct prs_workspace *w, struct prs_list *names, struct prs_err *err)
{
	struct prs_list files = { 0 };
	int r = reg_names(w->fs, w->folder, &files, err);
	for (size_t i = 0; i < files.n && !r; i++) {
		PRS_AUTOFREE char *name = reg_decode(files.v[i], strlen(files.v[i]));
		PRS_AUTOFREE char *path = prs_strf("%s/%s", w->folder, files.v[i]);
		if (name && path && prs_path_kind(w->fs, path) == 'd' && prs_list_add(names, name) < 0)
			r = prs_fail(err, PRS_ENOMEM, "the workspaces");
	}
	prs_list_done(&files);
	return r;
}
