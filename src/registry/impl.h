/* SPDX-License-Identifier: Apache-2.0
 * impl: what the files of the registry share.
 */
#ifndef PRS_REGISTRY_IMPL_H
#define PRS_REGISTRY_IMPL_H

#include "registry/registry.h"

enum { REG_BYTES_MAX = 16 << 20, REG_FORMAT = 1, REG_RANDOM = 17 };

/* ---- names: any text as a file name, and back ---- */

/* NULL: no memory. The caller frees. */
char *reg_encode(const char *name);
/* NULL: no such name makes this file name, or no memory. */
char *reg_decode(const char *file, size_t n);
/* 16 hexadecimal digits. */
int reg_random(char to[REG_RANDOM], struct prs_err *err);
/* "; did you mean x?", or "" */
void reg_nearest(char *to, size_t n, const char *name, const struct prs_list *names);

/* ---- files ---- */

/* Made whole: -EEXIST when it is there. Folders above it are made. */
int reg_write_new(const struct prs_fs *fs, const char *path, const json_t *doc, struct prs_err *err);
int reg_replace(const struct prs_fs *fs, const char *path, const json_t *doc, struct prs_err *err);
int reg_write_text(const struct prs_fs *fs, const char *path, const char *text, struct prs_err *err);
/* Bytes of a file that only we may read, in a folder that only we may enter. */
int reg_write_secret(const struct prs_fs *fs, const char *path, const char *value, struct prs_err *err);
/* An object, or NULL and why: PRS_ENOTFOUND, PRS_ECORRUPT, ... */
json_t *reg_read(const struct prs_fs *fs, const char *path, struct prs_err *err);
/* The names in a folder, sorted; hidden ones are left out. A folder that is not there has none. */
int reg_names(const struct prs_fs *fs, const char *folder, struct prs_list *to, struct prs_err *err);
/* A file, or a folder with all that is in it, links as what they lead to. `to` is not there yet. */
int reg_copy(const struct prs_fs *fs, const char *from, const char *to, struct prs_err *err);
void reg_note(struct prs_workspace *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- references ---- */

enum reg_form { REG_NO_REFERENCE, REG_ASSET, REG_DATASTORE, REG_CLOUD };
struct reg_reference {
	enum reg_form form;
	bool any;          /* a short name: of which kind is not said */
	enum prs_asset of; /* of a long one */
	char *word;        /* "name:version", "name@label", as prs_registry_find() takes it; of a datastore its name */
	char *rest;        /* of a datastore: the path below it */
	char *cloud;       /* the registry it is of */
};
int reg_parse(const char *text, struct reg_reference *ret);
void reg_reference_done(struct reg_reference *r);

#endif
