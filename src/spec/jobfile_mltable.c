/* SPDX-License-Identifier: Apache-2.0
 * jobfile_mltable: a folder with a file named MLTable that lists files: paths: of file, folder, pattern; what makes a
 * table of them is read by jobfile_table.c.
 */
#include "spec/job_check.h"
#include "spec/jobfile_impl.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = { "file", "folder", "pattern" };

void jf_add_part(struct jobfile *m, struct prs_job_input *in, const struct prs_yaml *node, const char *what)
{
	const char *text = node->kind == PRS_YAML_SCALAR ? jf_expand(m, node) : NULL;
	const char *path = text ? jf_path(m, text, prs_yaml_dir(m->d, node), node->at, what) : NULL;
	if (node->kind != PRS_YAML_SCALAR)
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "%s: expected a path, found %s", what,
		              prs_yaml_kind_name(node));
	else if (path && !jf_kind_of(m, path) && !prs_path_is_pattern(path))
		prs_yaml_find(m->d, PRS_MISTAKE, node->at, "no such file or folder: %s", path);
	else if (path && prs_list_add(&in->parts, path) < 0)
		m->d->failed = true;
}

static void one_path(struct jobfile *m, struct prs_job_input *in, const struct prs_yaml *entry)
{
	const struct prs_yaml *node = entry, *found = NULL;
	unsigned given = 0;
	if (entry->kind == PRS_YAML_MAP) {
		jf_check_keys(m, entry, JF_MLTABLE_PATH, "an entry of paths");
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
			const struct prs_yaml *v = jf_value(entry, kinds[i]);
			found = v ? v : found;
			given += v != NULL;
		}
		node = found;
	}
	if (!node || node->kind != PRS_YAML_SCALAR || given > 1) {
		prs_yaml_find(m->d, PRS_MISTAKE, entry->at,
		              "paths: expected one of file: PATH, folder: PATH, pattern: PATTERN");
		return;
	}
	jf_add_part(m, in, node, "paths");
}

void jf_set_format(struct jobfile *m, struct prs_job_input *in, const struct prs_yaml *format)
{
	prs_freep(&in->partition_format);
	in->partition_format = prs_strdup(format->text);
	m->d->failed = m->d->failed || !in->partition_format;
}

/* The deepest folder that holds all parts. */
char *jf_common_root(const struct prs_fs *fs, const struct prs_list *parts)
{
	if (!parts->n)
		return NULL;
	const char *first = parts->v[0];
	char *root = prs_path_is_pattern(first) ? prs_path_pattern_root(first) : prs_strdup(first);
	for (size_t i = 0; root && i < parts->n; i++) {
		size_t n = strlen(root);
		while (n > 1 && (strncmp(parts->v[i], root, n) != 0 || (parts->v[i][n] != '/' && parts->v[i][n] != 0)))
			while (n > 1 && root[--n] != '/')
				;
		root[n] = 0;
	}
	char *slash = root && prs_path_kind(fs, root) == 'f' ? strrchr(root, '/') : NULL;
	if (slash) /* one file */
		slash[slash == root] = 0;
	return root;
}

void jf_end_parts(struct jobfile *m, struct prs_job_input *in)
{
	if (!in->parts.n)
		return; /* a mistake was found */
	in->path = jf_common_root(m->fs, &in->parts);
	m->d->failed = m->d->failed || !in->path;
}

void jf_mltable(struct jobfile *m, struct prs_job_input *in, const char *folder, struct prs_mark at)
{
	PRS_AUTOFREE char *path = prs_strf("%s/MLTable", folder);
	if (!path || jf_kind_of(m, path) != 'f') {
		prs_yaml_find(m->d, PRS_MISTAKE, at,
		              "input %s: no file named MLTable in %s (for a plain folder use type: uri_folder)",
		              in->name, folder);
		return;
	}
	unsigned before = prs_yaml_count(m->d, PRS_MISTAKE);
	const struct prs_yaml *root = jf_read_file(m, path, at, "MLTable");
	const struct prs_yaml *paths = jf_value(root, "paths"), *steps = jf_value(root, "transformations");
	jf_check_keys(m, root, JF_MLTABLE, "an MLTable");
	if (root && prs_yaml_count(m->d, PRS_MISTAKE) == before &&
	    (!paths || paths->kind != PRS_YAML_LIST || !paths->n))
		prs_yaml_find(m->d, PRS_MISTAKE, root->at,
		              "an MLTable needs paths: a list of file:, folder: or pattern:");
	for (size_t i = 0; paths && paths->kind == PRS_YAML_LIST && i < paths->n; i++)
		one_path(m, in, paths->items[i]);
	if (steps && steps->kind == PRS_YAML_LIST)
		jf_transformations(m, in, steps);
	if (in->table && !(in->mltable = prs_strdup(folder)))
		m->d->failed = true;
	jf_end_parts(m, in);
}

bool prs_job_has_mltable(const struct prs_fs *fs, const char *folder)
{
	PRS_AUTOFREE char *path = prs_strf("%s/MLTable", folder);
	return path && prs_path_kind(fs, path) == 'f';
}

int prs_job_read_mltable(struct prs_job *j, struct prs_job_input *in, const struct prs_sources *from)
{
	struct jobfile *m = prs_calloc(1, sizeof *m);
	PRS_AUTOFREE char *folder = in->path;
	if (!m)
		return -PRS_ENOMEM;
	m->j = j;
	m->d = from->doc;
	m->q = from->asked;
	m->fs = from->fs;
	m->project = from->project;
	m->default_datastore = prs_project_default_datastore(from->project);
	in->path = NULL;
	struct prs_mark nowhere = { yaml_add_source(m->d, folder, from->asked->cwd, (const uint8_t *)"", 0), 0, 0, 0 };
	jf_mltable(m, in, folder, nowhere);
	prs_freep(&in->type);
	in->type = prs_strdup("mltable");
	prs_freep(&m);
	return from->doc->failed || !in->type ? -PRS_ENOMEM : 0;
}
