/* SPDX-License-Identifier: Apache-2.0
 * find: entries by name, version, label; lists of them.
 */
#include "registry/entries.h"

#include "base/mem.h"
#include "base/path.h"

#include <stdio.h>
#include <string.h>

int reg_out_of_memory(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "the registry"); }

const char *reg_text(const json_t *entry, const char *member)
{
	const char *text = json_string_value(json_object_get(entry, member));
	return text ? text : "";
}

bool reg_archived(const json_t *entry) { return json_is_true(json_object_get(entry, "archived")); }

/* ---- one entry --------------------------------------------------------------------------------------------------- */

static int check_entry(const json_t *e, const struct prs_asset_kind *k, const char *name, const char *version,
                       const char *path, struct prs_err *err)
{
	const json_t *format = json_object_get(e, "registry_format");
	if (json_is_integer(format) && json_integer_value(format) > REG_FORMAT)
		return prs_fail(err, PRS_EVERSION,
		                "%s: written by a newer prs (registry_format %lld, this one knows %d)", path,
		                (long long)json_integer_value(format), REG_FORMAT);
	bool same = !strcmp(reg_text(e, "kind"), k->word) && !strcmp(reg_text(e, "name"), name) &&
	            !strcmp(reg_text(e, "version"), version);
	if (json_integer_value(format) != REG_FORMAT || !same)
		return prs_fail(err, PRS_ECORRUPT, "%s: expected %s %s, version %s, found %s %s, version %s", path,
		                k->word, name, version, reg_text(e, "kind"), reg_text(e, "name"),
		                reg_text(e, "version"));
	static const char *const maps[] = { "tags", "properties", "definition" };
	for (size_t i = 0; i < 3; i++)
		if (!json_is_object(json_object_get(e, maps[i])))
			return prs_fail(err, PRS_ECORRUPT, "%s: %s: expected an object", path, maps[i]);
	return json_is_array(json_object_get(e, "labels"))
	               ? 0
	               : prs_fail(err, PRS_ECORRUPT, "%s: labels: expected a list", path);
}

json_t *reg_entry_read(struct prs_workspace *w, enum prs_asset a, const char *name, const char *version,
                       struct prs_err *err)
{
	PRS_AUTOFREE char *path = reg_entry_path(w, a, name, version);
	json_t *entry = path ? reg_read(w->fs, path, err) : NULL;
	if (!path)
		reg_out_of_memory(err);
	if (!entry || check_entry(entry, prs_asset_kind(a), name, version, path, err) == 0)
		return entry;
	json_decref(entry);
	return NULL;
}

/* One of a series: damaged, it is named and passed over; NULL then. */
static json_t *read_or_note(struct prs_workspace *w, enum prs_asset a, const char *name, const char *version,
                            struct prs_err *err)
{
	json_t *entry = reg_entry_read(w, a, name, version, err);
	if (!entry && err->code != -PRS_ENOMEM) {
		reg_note(w, "passed over: %s", err->msg);
		*err = (struct prs_err){ 0 };
	}
	return entry;
}

static json_int_t created(const json_t *entry) { return json_integer_value(json_object_get(entry, "created_us")); }

int reg_latest(struct prs_workspace *w, enum prs_asset a, const char *name, const struct reg_versions *v, json_t **ret,
               struct prs_err *err)
{
	*ret = NULL;
	for (size_t i = v->n; i-- > 0;) {
		if (*ret && v->v[i].number == 0 && v->v[v->n - 1].number)
			break;
		json_t *e = read_or_note(w, a, name, v->v[i].text, err);
		if (err->code)
			return err->code;
		bool better = e && !reg_archived(e) && (!*ret || created(e) > created(*ret));
		if (better) {
			json_decref(*ret);
			*ret = json_incref(e);
		}
		json_decref(e);
		if (*ret && v->v[i].number)
			break;
	}
	return 0;
}

static bool holds(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *one = json_string_value(json_array_get(list, i));
		if (one && !strcmp(one, text))
			return true;
	}
	return false;
}

static int labelled(struct prs_workspace *w, enum prs_asset a, const char *name, const char *label,
                    const struct reg_versions *v, json_t **ret, struct prs_err *err)
{
	*ret = NULL;
	for (size_t i = v->n; i-- > 0 && !*ret;) {
		json_t *e = read_or_note(w, a, name, v->v[i].text, err);
		if (err->code)
			return err->code;
		if (holds(json_object_get(e, "labels"), label))
			*ret = json_incref(e);
		json_decref(e);
	}
	return 0;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

void reg_word_done(struct reg_word *word)
{
	prs_freep(&word->name);
	prs_freep(&word->version);
	prs_freep(&word->label);
}

static bool is_there(struct prs_workspace *w, enum prs_asset a, const char *name)
{
	PRS_AUTOFREE char *folder = reg_name_folder(w, a, name);
	return folder && prs_path_kind(w->fs, folder) == 'd';
}

int reg_word_split(struct prs_workspace *w, enum prs_asset a, const char *word, struct reg_word *ret,
                   struct prs_err *err)
{
	*ret = (struct reg_word){ 0 };
	word += strncmp(word, "azureml:", 8) ? 0 : 8;
	const char *colon = strrchr(word, ':'), *at = strrchr(word, '@'), *cut = colon > at ? colon : at;
	if (is_there(w, a, word) || !cut || cut == word || !cut[1])
		cut = word + strlen(word);
	ret->name = prs_strf("%.*s", (int)(cut - word), word);
	if (*cut == ':')
		ret->version = prs_strdup(cut + 1);
	else if (*cut && strcmp(cut + 1, "latest") != 0)
		ret->label = prs_strdup(cut + 1);
	if (!ret->name || (*cut == ':' && !ret->version) || (*cut == '@' && strcmp(cut + 1, "latest") && !ret->label))
		return reg_out_of_memory(err);
	return ret->name[0] ? 0 : prs_fail(err, PRS_EINVALID, "%s: expected a name", word);
}

static int no_such_name(struct prs_workspace *w, enum prs_asset a, const char *name, struct prs_err *err)
{
	struct prs_list names = { 0 };
	char near[256];
	if (reg_asset_names(w, a, &names, err) < 0) {
		prs_list_done(&names);
		return err->code;
	}
	reg_nearest(near, sizeof near, name, &names);
	prs_list_done(&names);
	return prs_fail(err, PRS_ENOTFOUND, "no %s is called %.200s in the workspace %.100s (%.150s)%s",
	                prs_asset_kind(a)->word, name, w->name, w->path, near);
}

static int no_such_version(enum prs_asset a, const struct reg_word *word, const struct reg_versions *v,
                           struct prs_err *err)
{
	const char *kind = prs_asset_kind(a)->word;
	if (word->label)
		return prs_fail(err, PRS_EINVALID, "%s %.200s: no version has the label %.100s", kind, word->name,
		                word->label);
	if (!word->version)
		return prs_fail(err, PRS_EINVALID,
		                "%s %.200s: all its versions are archived: name one, or prs %s restore", kind,
		                word->name, kind);
	return prs_fail(err, PRS_EINVALID, "%s %.200s has no version %.60s: there is %s%.60s%s%.60s", kind, word->name,
	                word->version, v->n > 1 ? "" : "only ", v->v[0].text, v->n > 1 ? " to " : "",
	                v->n > 1 ? v->v[v->n - 1].text : "");
}

static bool has_version(const struct reg_versions *v, const char *text)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->v[i].text, text))
			return true;
	return false;
}

static int find_version(struct prs_workspace *w, enum prs_asset a, const struct reg_word *word,
                        const struct reg_versions *v, json_t **ret, struct prs_err *err)
{
	if (word->label)
		return labelled(w, a, word->name, word->label, v, ret, err);
	if (!word->version)
		return reg_latest(w, a, word->name, v, ret, err);
	*ret = has_version(v, word->version) ? reg_entry_read(w, a, word->name, word->version, err) : NULL;
	return err->code;
}

int prs_registry_find(struct prs_workspace *w, enum prs_asset a, const char *text, json_t **ret, struct prs_err *err)
{
	struct reg_word word;
	struct reg_versions v = { 0 };
	*ret = NULL;
	*err = (struct prs_err){ 0 };
	int r = reg_word_split(w, a, text, &word, err);
	if (!r)
		r = reg_versions(w, a, word.name, &v, err);
	if (!r && !v.n)
		r = no_such_name(w, a, word.name, err);
	if (!r)
		r = find_version(w, a, &word, &v, ret, err);
	if (!r && !*ret)
		r = no_such_version(a, &word, &v, err);
	reg_versions_done(&v);
	reg_word_done(&word);
	return r;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

struct listing {
	struct prs_workspace *w;
	enum prs_asset a;
	const struct prs_registry_filter *f;
	json_t *to;
	struct prs_err *err;
};

static bool has_tags(const json_t *entry, const struct prs_list *wanted)
{
	const json_t *tags = json_object_get(entry, "tags");
	for (size_t i = 0; wanted && i < wanted->n; i++) {
		const char *equals = strchr(wanted->v[i], '=');
		PRS_AUTOFREE char *key = equals ? prs_strf("%.*s", (int)(equals - wanted->v[i]), wanted->v[i])
		                                : prs_strdup(wanted->v[i]);
		const json_t *v = key ? json_object_get(tags, key) : NULL;
		const char *text = json_string_value(v);
		if (!v || (equals && (!text || strcmp(text, equals + 1) != 0)))
			return false;
	}
	return true;
}

static int add(struct listing *l, json_t *entry)
{
	bool wanted = entry && (l->f->archived || !reg_archived(entry)) && has_tags(entry, l->f->tags);
	if (!wanted)
		json_decref(entry);
	else if (json_array_append_new(l->to, entry) < 0)
		return reg_out_of_memory(l->err);
	return 0;
}

static int add_damaged(struct listing *l, const char *name, const char *version)
{
	PRS_AUTOFREE char *path = reg_entry_path(l->w, l->a, name, version);
	json_t *row = path ? json_pack("{s:s, s:s, s:s, s:s, s:s}", "kind", prs_asset_kind(l->a)->word, "name", name,
	                               "version", version, "file", path, "damaged", l->err->msg)
	                   : NULL;
	*l->err = (struct prs_err){ 0 };
	return !row || json_array_append_new(l->to, row) < 0 ? reg_out_of_memory(l->err) : 0;
}

static int list_versions(struct listing *l, const char *name, const struct reg_versions *v)
{
	int r = 0;
	for (size_t i = 0; i < v->n && !r; i++) {
		json_t *e = reg_entry_read(l->w, l->a, name, v->v[i].text, l->err);
		if (!e && l->err->code == -PRS_ENOMEM)
			return l->err->code;
		r = e ? add(l, e) : add_damaged(l, name, v->v[i].text);
	}
	return r;
}

/* The last entry that can be read stands for a name that is archived as a whole. */
static int list_latest(struct listing *l, const char *name, const struct reg_versions *v)
{
	json_t *latest = NULL;
	if (reg_latest(l->w, l->a, name, v, &latest, l->err) < 0)
		return l->err->code;
	if (!latest && l->f->archived && v->n)
		latest = read_or_note(l->w, l->a, name, v->v[v->n - 1].text, l->err);
	return l->err->code ? l->err->code : add(l, latest);
}

int prs_registry_list(struct prs_workspace *w, enum prs_asset a, const struct prs_registry_filter *f, json_t **ret,
                      struct prs_err *err)
{
	struct prs_list names = { 0 };
	struct listing l = { w, a, f, json_array(), err };
	*ret = l.to;
	*err = (struct prs_err){ 0 };
	int r = l.to ? 0 : reg_out_of_memory(err);
	if (!r)
		r = f->name ? prs_list_add(&names, f->name) : reg_asset_names(w, a, &names, err);
	for (size_t i = 0; i < names.n && !r; i++) {
		struct reg_versions v;
		r = reg_versions(w, a, names.v[i], &v, err);
		if (!r && f->name && !v.n)
			r = no_such_name(w, a, f->name, err);
		if (!r)
			r = f->name ? list_versions(&l, names.v[i], &v) : list_latest(&l, names.v[i], &v);
		reg_versions_done(&v);
	}
	prs_list_done(&names);
	if (r) {
		json_decref(*ret);
		*ret = NULL;
	}
	return r;
}
