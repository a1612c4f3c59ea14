/* SPDX-License-Identifier: Apache-2.0
 * project: two layers of prs.yml, the nearest one and the user's own; the nearer answers first, key by key.
 */
#include "spec/project.h"

#include "spec/jobfile_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct layer {
	const struct prs_yaml *root;
	const char *file; /* of the document */
};

struct prs_project {
	struct prs_yaml_doc *d;
	const struct prs_trust *trust;           /* NULL = everything is good */
	struct layer layers[PRS_PROJECT_LAYERS]; /* the nearest prs.yml, the user's own */
	unsigned n;
	const struct prs_lent *names; /* the workspace; NULL = none */
};

static struct prs_mark file_mark(struct prs_yaml_doc *d, const char *path, const char *dir)
{
	return (struct prs_mark){ yaml_add_source(d, path, dir, (const uint8_t *)"", 0), 0, 0, 0 };
}

static void say_not_used(struct prs_yaml_doc *d, struct prs_mark at, const char *what, const char *why)
{
	prs_yaml_find(d, PRS_WARNING, at, "not used, for it could make you run programs of others: %s %s", what, why);
}

/* Is there such a file that counts? The sentence is said when there is one that does not. */
static int open_trusted(struct prs_project *p, const struct prs_fs *fs, const char *dir, const char *path)
{
	struct prs_fs_stat folder, file;
	int fd = prs_path_open(fs, path);
	if (fd < 0 || !p->trust)
		return fd;
	const char *why = "is not known", *what = dir;
	if (fs->stat(fs->ctx, dir, &folder) == 0)
		why = prs_distrust(p->trust, &folder);
	if (!why) {
		what = path;
		why = fs->fstat(fs->ctx, fd, &file) == 0 ? prs_distrust(p->trust, &file) : "is not known";
	}
	if (!why)
		return fd;
	fs->close(fs->ctx, fd);
	say_not_used(p->d, file_mark(p->d, path, dir), what, why);
	return -EPERM;
}

static bool read_layer(struct prs_project *p, const struct prs_fs *fs, const char *path)
{
	PRS_AUTOFREE char *dir = prs_path_folder(path);
	int fd = dir ? open_trusted(p, fs, dir, path) : -ENOMEM;
	p->d->failed = p->d->failed || fd == -ENOMEM;
	if (fd == -EISDIR || fd == -PRS_ERRNO_NO_FILE) {
		prs_yaml_find(p->d, PRS_MISTAKE, file_mark(p->d, path, dir), "%s", prs_errno_text(-fd));
		return true;
	}
	if (fd < 0)
		return fd == -EPERM; /* there is one; those above it are not meant */
	PRS_AUTOBUF bytes;
	prs_buf_init(&bytes, PRS_YAML_BYTES_MAX + 4096);
	uint8_t *to = prs_buf_reserve(&bytes, PRS_YAML_BYTES_MAX + 1);
	ssize_t n = to ? fs->pread(fs->ctx, fd, to, PRS_YAML_BYTES_MAX + 1, 0) : -ENOMEM;
	fs->close(fs->ctx, fd);
	if (n == -ENOMEM) {
		p->d->failed = true;
		return false;
	}
	if (n < 0) {
		prs_yaml_find(p->d, PRS_MISTAKE, file_mark(p->d, path, dir), "%s", prs_errno_text((int)-n));
		return true;
	}
	const struct prs_yaml *root = prs_yaml_read(p->d, path, dir, to, (size_t)n);
	jf_check_keys_of(p->d, root, JF_PROJECT, "prs.yml");
	p->layers[p->n++] = (struct layer){ root, yaml_text(p->d, path, strlen(path)) };
	return true;
}

struct prs_project *prs_project_find(const struct prs_fs *fs, const char *dir, const char *user_file,
                                     const struct prs_trust *trust, struct prs_yaml_doc *d)
{
	struct prs_project *p = prs_calloc(1, sizeof *p);
	PRS_AUTOFREE char *up = prs_path_absolute("/", dir);
	if (!p || !up) {
		prs_freep(&p);
		return NULL;
	}
	p->d = d;
	p->trust = trust;
	for (bool found = false, top = false; !found && !top;) {
		PRS_AUTOFREE char *path = prs_strf("%s/prs.yml", strcmp(up, "/") ? up : "");
		found = path && read_layer(p, fs, path);
		top = prs_trust_ends(trust, fs, up);
		char *slash = strrchr(up, '/');
		slash[slash == up] = 0;
	}
	if (user_file)
		read_layer(p, fs, user_file);
	return p;
}

void prs_project_free(struct prs_project *p) { prs_freep(&p); }

/* The interpreter itself is mostly a link, which is as good as its folder, whoever owns what it leads to. */
static const char *distrust_program(const struct prs_fs *fs, const struct prs_trust *t, const char *path)
{
	struct prs_fs_stat st;
	int fd = fs->open(fs->ctx, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd == -ELOOP)
		return NULL;
	const char *why = fd >= 0 && fs->fstat(fs->ctx, fd, &st) == 0 ? prs_distrust(t, &st) : "is not known";
	if (fd >= 0)
		fs->close(fs->ctx, fd);
	return why;
}

/* Why somebody else could have put it there, and which part; NULL = nobody could. The caller frees *ret_what. */
static const char *distrust_venv(const struct prs_fs *fs, const struct prs_trust *t, const char *dir, char **ret_what)
{
	/* pyvenv.cfg says where the library of Python is; that of conda has none */
	static const char *const parts[] = { "", "/.venv", "/.venv/bin", "/.venv/pyvenv.cfg" };
	struct prs_fs_stat st;
	const char *why = NULL;
	for (size_t i = 0; i < sizeof parts / sizeof *parts && !why; i++) {
		prs_freep(ret_what);
		*ret_what = prs_strf("%s%s", dir, parts[i]);
		int r = *ret_what ? fs->stat(fs->ctx, *ret_what, &st) : -ENOMEM;
		if (r != -ENOENT)
			why = r < 0 ? "is not known" : prs_distrust(t, &st);
	}
	if (why)
		return why;
	prs_freep(ret_what);
	*ret_what = prs_strf("%s/.venv/bin/python", dir);
	return *ret_what ? distrust_program(fs, t, *ret_what) : "is not known";
}

char *prs_project_venv(const struct prs_fs *fs, const char *dir, const struct prs_trust *trust, struct prs_yaml_doc *d)
{
	PRS_AUTOFREE char *up = prs_path_absolute("/", dir);
	for (bool top = !up; !top;) {
		const char *folder = strcmp(up, "/") ? up : "";
		PRS_AUTOFREE char *python = prs_strf("%s/.venv/bin/python", folder), *what = NULL;
		if (python && prs_path_kind(fs, python)) {
			const char *why = distrust_venv(fs, trust, folder, &what);
			char *found = why ? NULL : prs_strdup(python);
			if (why)
				say_not_used(d, file_mark(d, python, folder), what ? what : python, why);
			return found;
		}
		top = prs_trust_ends(trust, fs, up);
		char *slash = strrchr(up, '/');
		slash[slash == up] = 0;
	}
	return NULL;
}

const struct prs_yaml *prs_project_layer(const struct prs_project *p, unsigned layer)
{
	return p && layer < p->n ? p->layers[layer].root : NULL;
}

const char *prs_project_file(const struct prs_project *p) { return p && p->n ? p->layers[0].file : NULL; }

bool prs_is_reference(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+");
	return !strncmp(text, "azureml:", 8) || (n > 1 && !strncmp(text + n, "://", 3)) || !strncmp(text, "git+", 4);
}

/* The entry of a name, or of the name without its version or label. */
static const struct prs_yaml *entry_of(const struct layer *l, const char *map_key, const char *name)
{
	const struct prs_yaml *map = l->root ? prs_yaml_get(l->root, map_key) : NULL, *bare = NULL;
	const char *short_name = !strncmp(name, "azureml:", 8) ? name + 8 : name;
	size_t n = strcspn(short_name, "@:");
	for (size_t i = 0; map && map->kind == PRS_YAML_MAP && i < map->n; i++) {
		const char *key = map->keys[i]->text;
		if (map->items[i]->kind != PRS_YAML_SCALAR)
			continue;
		if (!strcmp(key, name))
			return map->items[i];
		key = !strncmp(key, "azureml:", 8) ? key + 8 : key;
		if (!strcmp(key, short_name))
			return map->items[i];
		if (!strncmp(key, short_name, n) && !key[n])
			bare = map->items[i];
	}
	return bare;
}

static char *absolute(const struct prs_project *p, const struct prs_yaml *node, const char *behind)
{
	PRS_AUTOFREE char *path = prs_path_absolute(prs_yaml_dir(p->d, node), node->text);
	return path ? prs_path_absolute(path, behind) : NULL;
}

char *prs_project_datastore(const struct prs_project *p, const char *name)
{
	for (unsigned i = 0; p && i < p->n; i++) {
		const struct prs_yaml *node = entry_of(&p->layers[i], "datastores", name);
		if (node)
			return absolute(p, node, ".");
	}
	return NULL;
}

/* azureml://[...]datastores/NAME/paths/REST */
static char *datastore_path(const struct prs_project *p, const char *reference)
{
	const char *name = strstr(reference, "datastores/"), *rest = name ? strstr(name, "/paths/") : NULL;
	if (!rest || strncmp(reference, "azureml://", 10) != 0)
		return NULL;
	name += strlen("datastores/");
	PRS_AUTOFREE char *store = prs_strf("%.*s", (int)(rest - name), name);
	PRS_AUTOFREE char *folder = store ? prs_project_datastore(p, store) : NULL;
	rest += strlen("/paths/");
	rest += strspn(rest, "/");
	return folder ? prs_path_absolute(folder, rest[0] ? rest : ".") : NULL;
}

char *prs_project_path(const struct prs_project *p, const char *reference)
{
	if (!p || !prs_is_reference(reference))
		return NULL;
	for (unsigned i = 0; i < p->n; i++) {
		const struct prs_yaml *node = entry_of(&p->layers[i], "assets", reference);
		if (node)
			return absolute(p, node, ".");
	}
	return datastore_path(p, reference);
}

void prs_project_lend(struct prs_project *p, const struct prs_lent *names) { p->names = names; }

int prs_project_resolve(const struct prs_project *p, const char *reference, enum prs_want want,
                        struct prs_resolved *ret, struct prs_err *err)
{
	*ret = (struct prs_resolved){ 0 };
	*err = (struct prs_err){ 0 };
	bool asked = p && p->names && prs_is_reference(reference);
	if (asked && p->names->find(p->names->ctx, reference, want, ret, err) == 0)
		return 0;
	prs_resolved_done(ret);
	ret->path = want == PRS_WANT_ENVIRONMENT ? NULL : prs_project_path(p, reference);
	if (!ret->path)
		return asked ? err->code : prs_fail(err, PRS_ENOTFOUND, "%.200s is not on this machine", reference);
	*err = (struct prs_err){ 0 };
	return 0;
}

/* What describes an environment in the workspace; *ret_python: its interpreter, or NULL. */
static char *registered_environment(const struct prs_project *p, const char *environment, char **ret_python)
{
	struct prs_err err;
	struct prs_resolved found;
	PRS_AUTOFREE char *reference = prs_is_reference(environment) ? prs_strdup(environment)
	                                                             : prs_strf("azureml:%s", environment);
	*ret_python = NULL;
	if (!reference || prs_project_resolve(p, reference, PRS_WANT_ENVIRONMENT, &found, &err) < 0)
		return NULL;
	char *file = found.file;
	*ret_python = found.path;
	found.file = found.path = NULL;
	prs_resolved_done(&found);
	return file;
}

char *prs_project_environment(const struct prs_project *p, const char *environment)
{
	PRS_AUTOFREE char *python = NULL;
	return registered_environment(p, environment, &python);
}

const char *prs_project_default_datastore(const struct prs_project *p)
{
	for (unsigned i = 0; p && i < p->n; i++) {
		const struct prs_yaml *node = p->layers[i].root ? prs_yaml_get(p->layers[i].root, "default_datastore")
		                                                : NULL;
		if (node && node->kind == PRS_YAML_SCALAR && node->text[0])
			return node->text;
	}
	return "workspaceblobstore";
}

char *prs_project_python(const struct prs_project *p, const char *environment)
{
	char *registered = NULL;
	PRS_AUTOFREE char *file = environment ? registered_environment(p, environment, &registered) : NULL;
	if (registered)
		return registered;
	for (unsigned i = 0; p && i < p->n; i++) {
		const struct prs_yaml *root = p->layers[i].root;
		const struct prs_yaml *node = NULL;
		if (environment)
			node = entry_of(&p->layers[i], "environments", environment);
		else if (root)
			node = prs_yaml_get(root, "python");
		if (!node || node->kind != PRS_YAML_SCALAR || !node->text[0])
			continue;
		return strchr(node->text, '/') ? absolute(p, node, ".") : prs_strdup(node->text);
	}
	return NULL;
}
