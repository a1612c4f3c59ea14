/* SPDX-License-Identifier: Apache-2.0
 * secrets: the key vault is a variable of the environment, else a file that only we may read. Values are never shown.
 */
#include "registry/entries.h"

#include "base/mem.h"
#include "base/path.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "PRS_SECRET_"
enum { VALUE_BYTES = 1 << 20 };
extern char **environ;

static char *file_of(const struct prs_workspace *w, const char *name)
{
	PRS_AUTOFREE char *file = reg_encode(name);
	return file ? prs_strf("%s/secrets/%s", w->path, file) : NULL;
}

/* "my-key" -> PRS_SECRET_MY_KEY */
static char *variable_of(const char *name)
{
	char *made = prs_strf(VARIABLE "%s", name);
	for (char *c = made ? made + strlen(VARIABLE) : NULL; c && *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
	return made;
}

int prs_secret_set(struct prs_workspace *w, const char *name, const char *value, struct prs_err *err)
{
	PRS_AUTOFREE char *path = file_of(w, name);
	*err = (struct prs_err){ 0 };
	if (!path)
		return reg_out_of_memory(err);
	if (!name[0])
		return prs_fail(err, PRS_EINVALID, "secret: expected a name");
	if (!value[0])
		return prs_fail(err, PRS_EINVALID, "secret %s: no value on stdin", name);
	return prs_workspace_make(w, err) < 0 ? err->code : reg_write_secret(w->fs, path, value, err);
}

static int names_of(struct prs_workspace *w, const char *folder, struct prs_list *to, struct prs_err *err)
{
	struct prs_list files = { 0 };
	PRS_AUTOFREE char *path = prs_strf("%s/%s", w->path, folder);
	int r = path ? reg_names(w->fs, path, &files, err) : reg_out_of_memory(err);
	for (size_t i = 0; i < files.n && !r; i++) {
		PRS_AUTOFREE char *name = reg_decode(files.v[i], strlen(files.v[i]));
		if (name && prs_list_add(to, name) < 0)
			r = reg_out_of_memory(err);
	}
	prs_list_done(&files);
	return r;
}

int prs_secret_delete(struct prs_workspace *w, const char *name, struct prs_err *err)
{
	PRS_AUTOFREE char *path = file_of(w, name);
	struct prs_list names = { 0 };
	char near[256];
	*err = (struct prs_err){ 0 };
	int r = path ? w->fs->unlink(w->fs->ctx, path) : -ENOMEM;
	if (r == 0)
		return 0;
	if (r != -ENOENT)
		return prs_fail_errno(err, -r, "removing the secret %s", name);
	if (names_of(w, "secrets", &names, err) == 0) {
		reg_nearest(near, sizeof near, name, &names);
		prs_fail(err, PRS_ENOTFOUND, "no secret is called %.200s in the workspace %.100s%s", name, w->name,
		         near);
	}
	prs_list_done(&names);
	return err->code;
}

json_t *prs_secret_view(struct prs_workspace *w, const char *name)
{
	PRS_AUTOFREE char *variable = variable_of(name), *path = file_of(w, name);
	bool set = variable && getenv(variable), stored = path && prs_path_kind(w->fs, path) == 'f';
	if (!variable || !path)
		return NULL;
	return json_pack("{s:s, s:s?, s:s, s:s?}", "name", name, "from",
	                 set ? "variable" : (const char *)(stored ? "file" : NULL), "variable", variable, "file",
	                 stored ? path : NULL);
}

int prs_secret_list(struct prs_workspace *w, json_t **ret, struct prs_err *err)
{
	struct prs_list names = { 0 };
	*err = (struct prs_err){ 0 };
	*ret = json_array();
	int r = *ret ? names_of(w, "secrets", &names, err) : reg_out_of_memory(err);
	for (size_t i = 0; i < names.n && !r; i++) {
		json_t *one = prs_secret_view(w, names.v[i]);
		if (!one || json_array_append_new(*ret, one) < 0)
			r = reg_out_of_memory(err);
	}
	prs_list_done(&names);
	return r;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static int add_file(struct prs_workspace *w, const char *folder, const char *name, struct prs_list *to)
{
	struct prs_err err = { 0 };
	PRS_AUTOFREE char *path = prs_strf("%s/%s/%s", w->path, folder, name);
	PRS_AUTOBUF b;
	prs_buf_init(&b, VALUE_BYTES);
	if (!path || prs_read_file(w->fs, path, &b, &err) < 0)
		return path ? 0 : -PRS_ENOMEM;
	return prs_list_add(to, prs_buf_str(&b));
}

static int add_folder(struct prs_workspace *w, const char *folder, struct prs_list *to)
{
	struct prs_err err = { 0 };
	struct prs_list files = { 0 };
	PRS_AUTOFREE char *path = prs_strf("%s/%s", w->path, folder);
	int r = path && reg_names(w->fs, path, &files, &err) == 0 ? 0 : -PRS_ENOMEM;
	for (size_t i = 0; i < files.n && !r; i++)
		r = add_file(w, folder, files.v[i], to);
	prs_list_done(&files);
	return r;
}

int prs_secret_values(struct prs_workspace *w, struct prs_list *to)
{
	for (char **v = environ; v && *v; v++) {
		const char *equals = strchr(*v, '=');
		if (!strncmp(*v, VARIABLE, strlen(VARIABLE)) && equals && prs_list_add(to, equals + 1) < 0)
			return -PRS_ENOMEM;
	}
	return add_folder(w, "secrets", to) < 0 || add_folder(w, "keys", to) < 0 ? -PRS_ENOMEM : 0;
}
