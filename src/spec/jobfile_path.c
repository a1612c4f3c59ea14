/* SPDX-License-Identifier: Apache-2.0
 * jobfile_path: paths: as texts, and as a job file writes them: references of the original go through prs.yml.
 */
#include "spec/jobfile_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

char *prs_path_absolute(const char *base, const char *path)
{
	char *joined = path[0] == '/' ? prs_strdup(path) : prs_strf("%s/%s", base, path);
	if (!joined)
		return NULL;
	char *to = joined; /* the result grows over the text it comes from */
	for (const char *p = joined; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && !strncmp(p, "..", 2)) {
			while (to > joined && *--to != '/')
				;
		} else if (n && !(n == 1 && *p == '.')) {
			*to++ = '/';
			memmove(to, p, n);
			to += n;
		}
		p += n;
		p += strspn(p, "/");
	}
	if (to == joined)
		*to++ = '/';
	*to = 0;
	return joined;
}

bool prs_path_is_pattern(const char *path) { return path[strcspn(path, "*?[")] != 0; }

char *prs_path_pattern_root(const char *pattern)
{
	size_t n = strcspn(pattern, "*?[");
	while (n > 1 && pattern[n - 1] != '/')
		n--;
	return prs_strf("%.*s", (int)(n > 1 ? n - 1 : 1), pattern);
}

char prs_path_kind(const struct prs_fs *fs, const char *path)
{
	struct prs_fs_stat st;
	if (fs->stat(fs->ctx, path, &st) < 0)
		return 0;
	if (S_ISREG(st.mode))
		return 'f';
	return S_ISDIR(st.mode) ? 'd' : 'o';
}

int prs_path_open(const struct prs_fs *fs, const char *path)
{
	switch (prs_path_kind(fs, path)) {
	case 'd': return -EISDIR;
	case 'o': return -PRS_ERRNO_NO_FILE;
	default: return fs->open(fs->ctx, path, O_RDONLY | O_NONBLOCK, 0);
	}
}

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

static void not_mapped(struct jobfile *m, const char *text, struct prs_mark at, const char *what)
{
	const char *file = prs_project_file(m->project);
	PRS_AUTOFREE char *entry = jf_entry_for(text);
	if (!entry)
		m->d->failed = true;
	else
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "%s: %.200s is not on this machine: map it in %s (%s), or give a local path", what, text,
		              file ? file : "a file prs.yml beside the job file or above it", entry);
}

const char *jf_path(struct jobfile *m, const char *text, const char *dir, struct prs_mark at, const char *what)
{
	text = jf_without_scheme(text);
	char *mapped = prs_project_path(m->project, text);
	if (mapped)
		return jf_kept(m, mapped);
	if (!prs_is_reference(text))
		return jf_kept(m, prs_path_absolute(dir, text));
	not_mapped(m, text, at, what);
	return NULL;
}
