/* SPDX-License-Identifier: Apache-2.0
 * jobfile_path: paths as a job file writes them: references of the original go through the workspace and prs.yml.
 */
#include "spec/jobfile_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* ---- of a job file ----------------------------------------------------------------------------------------------- */

char jf_kind_of(const struct jobfile *m, const char *path) { return prs_path_kind(m->fs, path); }

const char *jf_kept(struct jobfile *m, char *text) /* frees its argument */
{
	const char *copy = text ? yaml_text(m->d, text, strlen(text)) : NULL;
	m->d->failed = m->d->failed || !copy;
	prs_freep(&text);
	return copy;
}

/* "file:./x", "azureml:./x" (as the SDK prints local paths) -> "./x"; "azureml:https://x" -> "https://x" */
const char *jf_without_scheme(const char *text)
{
	if (!strncmp(text, "file://", 7))
		return text + 7;
	if (!strncmp(text, "file:", 5))
		return text + 5;
	bool ours = !strncmp(text, "azureml:", 8);
	if (ours && (text[8] == '.' || (text[8] == '/' && text[9] != '/')))
		return text + 8;
	if (ours && text[8] != '/' && strstr(text, "://"))
		return text + 8;
	return text;
}

/* What to write into prs.yml, as it is to be written; the caller frees. */
char *jf_entry_for(const char *text)
{
	const char *store = !strncmp(text, "azureml://", 10) ? strstr(text, "datastores/") : NULL;
	PRS_AUTOFREE char *name = store ? prs_strf("%.*s", (int)strcspn(store + 11, "/"), store + 11) : NULL;
	return name ? prs_strf("datastores: {%s: FOLDER}", name) : prs_strf("assets: {\"%.200s\": PATH}", text);
}

/* Why the workspace does not help: the whole sentence where the name is there, else what is near. */
static void not_mapped(struct jobfile *m, const char *text, struct prs_mark at, const char *what,
                       const struct prs_err *err)
{
	const char *near = strstr(err->msg, "; did you mean ");
	if (err->code != -PRS_ENOTFOUND) {
		prs_yaml_find(m->d, PRS_MISTAKE, at, "%s: %s", what, err->msg);
		return;
	}
	const char *file = prs_project_file(m->project);
	PRS_AUTOFREE char *entry = jf_entry_for(text);
	if (!entry)
		m->d->failed = true;
	else
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "%s: %.200s is not on this machine%s: map it in %s (%s), or give a local path", what,
		              text, near ? near : "", file ? file : "a file prs.yml beside the job file or above it",
		              entry);
}

static enum prs_want want_of(const char *what)
{
	if (!strcmp(what, "component"))
		return PRS_WANT_COMPONENT;
	return strcmp(what + strspn(what, "-"), "model") ? PRS_WANT_DATA : PRS_WANT_MODEL;
}

/* Which asset a path came from is kept beside it, until the job's input or model is made of it. */
static void keep_asset(struct jobfile *m, const char *path, const char *asset)
{
	struct jf_asset *one = yaml_alloc(m->d, sizeof *one);
	const char *copy = asset ? jf_kept(m, prs_strdup(asset)) : NULL;
	if (!one || !copy)
		return;
	*one = (struct jf_asset){ path, copy, m->assets };
	m->assets = one;
}

char *jf_asset_of(struct jobfile *m, const char *path)
{
	for (const struct jf_asset *one = m->assets; one && path; one = one->next)
		if (!strcmp(one->path, path))
			return prs_strdup(one->asset);
	return NULL;
}

const char *jf_local(struct jobfile *m, const char *text, struct prs_mark at, const char *what)
{
	struct prs_err err;
	struct prs_resolved found;
	if (prs_project_resolve(m->project, text, want_of(what), &found, &err) < 0) {
		not_mapped(m, text, at, what, &err);
		prs_resolved_done(&found);
		return NULL;
	}
	const char *path = jf_kept(m, found.path);
	found.path = NULL;
	if (path)
		keep_asset(m, path, found.asset);
	prs_resolved_done(&found);
	return path;
}

const char *jf_path(struct jobfile *m, const char *text, const char *dir, struct prs_mark at, const char *what)
{
	text = jf_without_scheme(text);
	if (!prs_is_reference(text))
		return jf_kept(m, prs_path_absolute(dir, text));
	return jf_local(m, text, at, what);
}
