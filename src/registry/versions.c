/* SPDX-License-Identifier: Apache-2.0
 * versions: the versions of a name are the files in its folder. Numbers come behind other words, in their order.
 */
#include "registry/entries.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

const struct prs_asset_kind *prs_asset_kind(enum prs_asset a)
{
	static const struct prs_asset_kind kinds[PRS_ASSETS] = {
		[PRS_ASSET_DATASET] = { "dataset", "datasets", "data", PRS_AGAIN_REFUSED },
		[PRS_ASSET_MODEL] = { "model", "models", "models", PRS_AGAIN_NEXT },
		[PRS_ASSET_ENVIRONMENT] = { "environment", "environments", "environments", PRS_AGAIN_OTHER },
		[PRS_ASSET_COMPONENT] = { "component", "components", "components", PRS_AGAIN_OTHER },
	};
	return &kinds[a];
}

char *reg_kind_folder(const struct prs_workspace *w, enum prs_asset a)
{
	return prs_strf("%s/%s", w->path, prs_asset_kind(a)->folder);
}

char *reg_name_folder(const struct prs_workspace *w, enum prs_asset a, const char *name)
{
	PRS_AUTOFREE char *file = reg_encode(name);
	return file ? prs_strf("%s/%s/%s", w->path, prs_asset_kind(a)->folder, file) : NULL;
}

char *reg_entry_path(const struct prs_workspace *w, enum prs_asset a, const char *name, const char *version)
{
	PRS_AUTOFREE char *file = reg_encode(name), *number = reg_encode(version);
	return file && number ? prs_strf("%s/%s/%s/%s.json", w->path, prs_asset_kind(a)->folder, file, number) : NULL;
}

/* "12" -> 12; 0 = it is no number that we count with. */
static uint64_t number_of(const char *text)
{
	size_t n = strlen(text);
	bool counts = n && n < 16 && text[0] != '0' && strspn(text, "0123456789") == n;
	return counts ? strtoull(text, NULL, 10) : 0;
}

static int by_number(const void *a, const void *b)
{
	const struct reg_version *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->text, y->text);
}

void reg_versions_done(struct reg_versions *v)
{
	for (size_t i = 0; i < v->n; i++)
		prs_freep(&v->v[i].text);
	prs_freep(&v->v);
	v->n = 0;
}

/* "3.json"; NULL = another file. */
static char *version_of(const char *file)
{
	size_t n = strlen(file);
	return n > 5 && !strcmp(file + n - 5, ".json") ? reg_decode(file, n - 5) : NULL;
}

int reg_versions(struct prs_workspace *w, enum prs_asset a, const char *name, struct reg_versions *ret,
                 struct prs_err *err)
{
	struct prs_list files = { 0 };
	PRS_AUTOFREE char *folder = reg_name_folder(w, a, name);
	*ret = (struct reg_versions){ 0 };
	int r = folder ? reg_names(w->fs, folder, &files, err) : prs_fail(err, PRS_ENOMEM, "%s", name);
	ret->v = r ? NULL : prs_calloc(files.n + 1, sizeof *ret->v);
	if (!r && !ret->v)
		r = prs_fail(err, PRS_ENOMEM, "%s", name);
	for (size_t i = 0; i < files.n && !r; i++) {
		char *text = version_of(files.v[i]);
		if (text)
			ret->v[ret->n++] = (struct reg_version){ text, number_of(text) };
		else
			reg_note(w, "passed over: %s/%s: no version of %s %s", folder, files.v[i],
			         prs_asset_kind(a)->word, name);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof *ret->v, by_number);
	prs_list_done(&files);
	return r;
}

uint64_t reg_highest(const struct reg_versions *v) { return v->n ? v->v[v->n - 1].number : 0; }

int reg_asset_names(struct prs_workspace *w, enum prs_asset a, struct prs_list *to, struct prs_err *err)
{
	struct prs_list files = { 0 };
	PRS_AUTOFREE char *folder = reg_kind_folder(w, a);
	int r = folder ? reg_names(w->fs, folder, &files, err) : prs_fail(err, PRS_ENOMEM, "the registry");
	for (size_t i = 0; i < files.n && !r; i++) {
		PRS_AUTOFREE char *name = reg_decode(files.v[i], strlen(files.v[i]));
		if (!name)
			reg_note(w, "passed over: %s/%s: no %s has such a file name", folder, files.v[i],
			         prs_asset_kind(a)->word);
		else if (prs_list_add(to, name) < 0)
			r = prs_fail(err, PRS_ENOMEM, "the registry");
	}
	prs_list_done(&files);
	return r;
}
