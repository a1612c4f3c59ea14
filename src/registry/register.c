/* SPDX-License-Identifier: Apache-2.0
 * register: a new version takes the first number whose file is not there; who comes second takes the next.
 */
#include "registry/entries.h"

#include "base/mem.h"
#include "base/path.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct registering {
	struct prs_workspace *w;
	enum prs_asset a;
	const char *name;
	const struct prs_registration *r;
	struct reg_versions v;
	json_t *latest; /* NULL = there is none that is not archived */
	json_t *entry;  /* what is made */
};

/* ---- what is there ----------------------------------------------------------------------------------------------- */

static const char *kind_word(const struct registering *g) { return prs_asset_kind(g->a)->word; }

static bool same_definition(const struct registering *g)
{
	const json_t *there = json_object_get(g->latest, "definition"),
		     *asked = json_object_get(g->r->document, "definition");
	return g->latest && json_equal(there, asked);
}

static int refuse(const struct registering *g, struct prs_err *err)
{
	uint64_t next = reg_highest(&g->v) + 1;
	return prs_fail(err, PRS_EEXISTS,
	                "%s %.200s is there as version %.60s with another definition: --new-version makes version "
	                "%" PRIu64,
	                kind_word(g), g->name, reg_text(g->latest, "version"), next);
}

/* 1: the version that is there is as good; 0: a new one. */
static int look(struct registering *g, struct prs_err *err)
{
	if (reg_versions(g->w, g->a, g->name, &g->v, err) < 0)
		return err->code;
	enum prs_again again = g->r->new_version || g->r->version ? PRS_AGAIN_NEXT : prs_asset_kind(g->a)->again;
	if (again == PRS_AGAIN_NEXT)
		return 0;
	if (reg_latest(g->w, g->a, g->name, &g->v, &g->latest, err) < 0)
		return err->code;
	if (same_definition(g))
		return 1;
	return g->latest && again == PRS_AGAIN_REFUSED ? refuse(g, err) : 0;
}

/* ---- what is made ------------------------------------------------------------------------------------------------ */

/* `unless` is taken over. */
static int set_member(json_t *entry, const char *name, json_t *value, json_t *unless)
{
	if (!value)
		return json_object_set_new(entry, name, unless);
	json_decref(unless);
	return json_object_set(entry, name, value);
}

static int begin(struct registering *g, struct prs_err *err)
{
	json_t *d = g->r->document;
	json_t *e = json_pack("{s:i, s:s, s:s, s:s, s:I}", "registry_format", REG_FORMAT, "kind", kind_word(g), "name",
	                      g->name, "version", "", "created_us", (json_int_t)g->r->now_us);
	g->entry = e;
	if (!e && prs_fail(err, PRS_EINVALID, "%s: the name is no UTF-8", kind_word(g)))
		return err->code;
	json_t *definition = json_object_get(d, "definition");
	bool failed = set_member(e, "description", json_object_get(d, "description"), json_string("")) < 0 ||
	              set_member(e, "tags", json_object_get(d, "tags"), json_object()) < 0 ||
	              set_member(e, "properties", json_object_get(d, "properties"), json_object()) < 0 ||
	              set_member(e, "labels", json_object_get(d, "labels"), json_array()) < 0 ||
	              json_object_set_new(e, "archived", json_false()) < 0 ||
	              json_object_set_new(e, "definition", definition ? json_copy(definition) : json_object()) < 0;
	return failed ? reg_out_of_memory(err) : 0;
}

/* The copy has a name of its own, so that it is whole before a version names it. */
static int copy_files(struct registering *g, struct prs_err *err)
{
	char letters[REG_RANDOM];
	const char *slash = g->r->copy ? strrchr(g->r->copy, '/') : NULL, *last = slash ? slash + 1 : g->r->copy;
	PRS_AUTOFREE char *file = reg_encode(g->name);
	if (!g->r->copy)
		return 0;
	if (!file || reg_random(letters, err) < 0)
		return file ? err->code : reg_out_of_memory(err);
	PRS_AUTOFREE char *folder = prs_strf("files/%s/%s.%s", prs_asset_kind(g->a)->folder, file, letters);
	PRS_AUTOFREE char *inside = folder ? prs_strf("%s/%s", folder, last) : NULL;
	PRS_AUTOFREE char *to = inside ? prs_strf("%s/%s", g->w->path, inside) : NULL;
	json_t *definition = json_object_get(g->entry, "definition");
	if (!to || json_object_set_new(definition, "files", json_string(folder)) < 0 ||
	    json_object_set_new(definition, "path", json_string(inside)) < 0)
		return reg_out_of_memory(err);
	return reg_copy(g->w->fs, g->r->copy, to, err);
}

static int write_version(struct registering *g, const char *version, struct prs_err *err)
{
	PRS_AUTOFREE char *path = reg_entry_path(g->w, g->a, g->name, version);
	if (!path || json_object_set_new(g->entry, "version", json_string(version)) < 0)
		return reg_out_of_memory(err);
	return reg_write_new(g->w->fs, path, g->entry, err);
}

static int write_next(struct registering *g, struct prs_err *err)
{
	for (uint64_t n = reg_highest(&g->v) + 1;; n++) {
		char version[24];
		snprintf(version, sizeof version, "%" PRIu64, n);
		int r = write_version(g, version, err);
		if (r != -PRS_EEXISTS)
			return r;
		*err = (struct prs_err){ 0 };
	}
}

static int write_named(struct registering *g, struct prs_err *err)
{
	int r = write_version(g, g->r->version, err);
	return r == -PRS_EEXISTS ? prs_fail(err, PRS_EEXISTS, "%s %.200s has a version %.60s already", kind_word(g),
	                                    g->name, g->r->version)
	                         : r;
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

/* A label has one holder: the others lose it, after the new one has it. */
static int take_labels(struct prs_workspace *w, enum prs_asset a, const json_t *holder, struct prs_err *err)
{
	const json_t *labels = json_object_get(holder, "labels");
	struct reg_versions v = { 0 };
	const char *name = reg_text(holder, "name");
	int r = json_array_size(labels) ? reg_versions(w, a, name, &v, err) : 0;
	for (size_t i = 0; i < v.n && !r; i++) {
		struct prs_err bad = { 0 };
		json_t *e = strcmp(v.v[i].text, reg_text(holder, "version"))
		                    ? reg_entry_read(w, a, name, v.v[i].text, &bad)
		                    : NULL;
		json_t *mine = json_object_get(e, "labels");
		size_t before = json_array_size(mine);
		for (size_t k = 0; k < json_array_size(labels); k++)
			reg_drop(mine, json_string_value(json_array_get(labels, k)));
		if (json_array_size(mine) < before)
			r = reg_entry_save(w, a, e, err);
		json_decref(e);
	}
	reg_versions_done(&v);
	return r;
}

void reg_drop(json_t *list, const char *text)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		if (text && !strcmp(json_string_value(json_array_get(list, i)), text))
			json_array_remove(list, i);
}

int reg_entry_save(struct prs_workspace *w, enum prs_asset a, const json_t *entry, struct prs_err *err)
{
	PRS_AUTOFREE char *path = reg_entry_path(w, a, reg_text(entry, "name"), reg_text(entry, "version"));
	return path ? reg_replace(w->fs, path, entry, err) : reg_out_of_memory(err);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static int check_member(const json_t *d, const char *name, bool good, const char *expected, struct prs_err *err)
{
	return good || !json_object_get(d, name) ? 0 : prs_fail(err, PRS_EINVALID, "%s: expected %s", name, expected);
}

int reg_check_document(const json_t *d, struct prs_err *err)
{
	const json_t *labels = json_object_get(d, "labels"), *v;
	size_t i;
	if (check_member(d, "description", json_is_string(json_object_get(d, "description")), "a text", err) < 0 ||
	    check_member(d, "tags", json_is_object(json_object_get(d, "tags")), "an object", err) < 0 ||
	    check_member(d, "properties", json_is_object(json_object_get(d, "properties")), "an object", err) < 0 ||
	    check_member(d, "definition", json_is_object(json_object_get(d, "definition")), "an object", err) < 0 ||
	    check_member(d, "labels", json_is_array(labels), "a list of texts", err) < 0)
		return err->code;
	json_array_foreach (labels, i, v)
		if (!json_string_value(v) || !json_string_value(v)[0] || !strcmp(json_string_value(v), "latest"))
			return prs_fail(err, PRS_EINVALID, "labels: expected texts, and not latest, which is computed");
	return 0;
}

static int make(struct registering *g, struct prs_err *err)
{
	if (prs_workspace_make(g->w, err) < 0 || begin(g, err) < 0 || copy_files(g, err) < 0)
		return err->code;
	int r = g->r->version ? write_named(g, err) : write_next(g, err);
	return r ? r : take_labels(g->w, g->a, g->entry, err);
}

/* The words that come with a definition that is there are its new ones. */
static int take_words(struct registering *g, struct prs_err *err)
{
	static const char *const words[] = { "description", "tags", "properties", "labels" };
	bool changed = false;
	g->entry = json_incref(g->latest);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		json_t *v = json_object_get(g->r->document, words[i]);
		bool other = v && !json_equal(v, json_object_get(g->entry, words[i]));
		if (other && json_object_set(g->entry, words[i], v) < 0)
			return reg_out_of_memory(err);
		changed = changed || other;
	}
	int r = changed ? reg_entry_save(g->w, g->a, g->entry, err) : 0;
	return r || !changed ? r : take_labels(g->w, g->a, g->entry, err);
}

int prs_registry_register(struct prs_workspace *w, enum prs_asset a, const char *name, const struct prs_registration *r,
                          json_t **ret, bool *created, struct prs_err *err)
{
	struct registering g = { .w = w, .a = a, .name = name, .r = r };
	*err = (struct prs_err){ 0 };
	*ret = NULL;
	if (!name[0] || (r->version && !r->version[0]))
		return prs_fail(err, PRS_EINVALID, "%s: expected a name%s", kind_word(&g),
		                name[0] ? " of a version" : "");
	if (reg_check_document(r->document, err) < 0)
		return err->code;
	int there = look(&g, err);
	int done = there;
	if (there >= 0)
		done = there ? take_words(&g, err) : make(&g, err);
	*created = !there;
	*ret = done < 0 ? NULL : json_incref(g.entry);
	json_decref(g.latest);
	json_decref(g.entry);
	reg_versions_done(&g.v);
	return done < 0 ? done : 0;
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

static int change_maps(json_t *e, const struct prs_change *c)
{
	json_t *description = json_object_get(c->document, "description");
	if (description && json_object_set(e, "description", description) < 0)
		return -PRS_ENOMEM;
	static const char *const maps[] = { "tags", "properties" };
	for (size_t i = 0; i < 2; i++) {
		json_t *more = json_object_get(c->document, maps[i]);
		if (more && json_object_update(json_object_get(e, maps[i]), more) < 0)
			return -PRS_ENOMEM;
	}
	for (size_t i = 0; c->untag && i < c->untag->n; i++)
		json_object_del(json_object_get(e, "tags"), c->untag->v[i]);
	return 0;
}

static int change_labels(json_t *e, const struct prs_change *c)
{
	json_t *labels = json_object_get(e, "labels"), *v;
	size_t i;
	json_array_foreach (json_object_get(c->document, "labels"), i, v) {
		reg_drop(labels, json_string_value(v));
		if (json_array_append(labels, v) < 0)
			return -PRS_ENOMEM;
	}
	for (i = 0; c->unlabel && i < c->unlabel->n; i++)
		reg_drop(labels, c->unlabel->v[i]);
	return 0;
}

int prs_registry_update(struct prs_workspace *w, enum prs_asset a, const char *word, const struct prs_change *c,
                        json_t **ret, struct prs_err *err)
{
	*ret = NULL;
	*err = (struct prs_err){ 0 };
	if (reg_check_document(c->document, err) < 0 || prs_registry_find(w, a, word, ret, err) < 0)
		return err->code;
	int r = change_maps(*ret, c) < 0 || change_labels(*ret, c) < 0 ? reg_out_of_memory(err) : 0;
	if (!r)
		r = reg_entry_save(w, a, *ret, err);
	if (!r)
		r = take_labels(w, a, *ret, err);
	if (r) {
		json_decref(*ret);
		*ret = NULL;
	}
	return r;
}

static int archive_one(struct prs_workspace *w, enum prs_asset a, json_t *e, bool archived, json_t *changed,
                       struct prs_err *err)
{
	if (reg_archived(e) == archived)
		return 0;
	if (json_object_set_new(e, "archived", json_boolean(archived)) < 0 ||
	    json_array_append(changed, json_object_get(e, "version")) < 0)
		return reg_out_of_memory(err);
	return reg_entry_save(w, a, e, err);
}

int prs_registry_archive(struct prs_workspace *w, enum prs_asset a, const char *text, bool archived, json_t **ret,
                         struct prs_err *err)
{
	struct reg_word word;
	json_t *all = NULL, *changed = json_array(), *e;
	size_t i;
	*err = (struct prs_err){ 0 };
	int r = changed ? reg_word_split(w, a, text, &word, err) : reg_out_of_memory(err);
	if (!r && (word.version || word.label)) {
		all = json_array();
		r = prs_registry_find(w, a, text, &e, err);
		if (!r && json_array_append_new(all, e) < 0)
			r = reg_out_of_memory(err);
	} else if (!r) {
		struct prs_registry_filter every = { .name = word.name, .archived = true };
		r = prs_registry_list(w, a, &every, &all, err);
	}
	json_array_foreach (all, i, e)
		if (!r && !json_object_get(e, "damaged"))
			r = archive_one(w, a, e, archived, changed, err);
	reg_word_done(&word);
	json_decref(all);
	*ret = r ? NULL : changed;
	if (r)
		json_decref(changed);
	return r;
}
