/* SPDX-License-Identifier: Apache-2.0
 * registry: the workspace of a project: datasets, models, environments and components by name and version, datastores
 * and secrets, in files that a person can read (docs/design/registry.md). No lock: a version is taken by making a file
 * that is not there.
 *
 * Entries are JSON objects as they lie on the disk. A file that is damaged is named in `notes` and passed over.
 */
#ifndef PRS_REGISTRY_REGISTRY_H
#define PRS_REGISTRY_REGISTRY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/option.h"
#include "base/reference.h"
#include "base/trust.h"

#include <jansson.h>

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

enum prs_asset { PRS_ASSET_DATASET, PRS_ASSET_MODEL, PRS_ASSET_ENVIRONMENT, PRS_ASSET_COMPONENT, PRS_ASSETS };

/* What registering a name again does when nobody says. */
enum prs_again {
	PRS_AGAIN_REFUSED, /* unless the definition is the same, which makes nothing */
	PRS_AGAIN_OTHER,   /* the next version, unless the definition is the same */
	PRS_AGAIN_NEXT,    /* the next version */
};

struct prs_asset_kind {
	const char *word;   /* "dataset": of commands and entries */
	const char *folder; /* "datasets" */
	const char *uri;    /* "data": in a long reference */
	enum prs_again again;
};

const struct prs_asset_kind *prs_asset_kind(enum prs_asset a);

/* ---- workspace --------------------------------------------------------------------------------------------------- */

/* Where a datastore lies that is not registered here (prs.yml). NULL = not known; the caller frees. */
struct prs_mapped {
	void *ctx;
	char *(*folder)(void *ctx, const char *datastore);
	const char *default_datastore; /* NULL = nobody says */
};

struct prs_workspace {
	const struct prs_fs *fs;
	char *name;
	char *folder;  /* .prs */
	char *path;    /* .prs/<name>, as a file name */
	char *from;    /* the file or folder that it was found by; NULL */
	bool made;     /* is it there */
	json_t *about; /* what config.json and workspace.json say */
	struct prs_mapped mapped;
	struct prs_buf notes; /* warnings, a line each */
};

struct prs_workspace_ask {
	const char *dir;    /* absolute: where to look from */
	const char *name;   /* or, with a slash, the folder of a workspace; NULL = as found */
	const char *folder; /* in place of .prs; NULL */
	const struct prs_trust *trust;
};

/* Looks, makes nothing. PRS_EPERMISSION: it is there, but others could have written it. prs_workspace_done() either
 * way. */
int prs_workspace_find(struct prs_workspace *w, const struct prs_fs *fs, const struct prs_workspace_ask *ask,
                       struct prs_err *err);
void prs_workspace_done(struct prs_workspace *w);
/* Makes it when it is not there. */
int prs_workspace_make(struct prs_workspace *w, struct prs_err *err);
/* {"name", "path", ...}: what `prs workspace show --json` prints. NULL: no memory. */
json_t *prs_workspace_view(const struct prs_workspace *w);
/* The names of the workspaces beside it. */
int prs_workspace_list(const struct prs_workspace *w, struct prs_list *names, struct prs_err *err);

/* ---- entries ----------------------------------------------------------------------------------------------------- */

struct prs_registration {
	json_t *document;    /* borrowed: description, tags, properties, labels, definition; members may be missing */
	const char *version; /* NULL = the next one */
	bool new_version;
	const char *copy; /* a file or folder whose copy is the model; NULL = none */
	uint64_t now_us;
};

/* *ret: the entry, the caller's; *created: false: it was there with this definition. */
int prs_registry_register(struct prs_workspace *w, enum prs_asset a, const char *name, const struct prs_registration *r,
                          json_t **ret, bool *created, struct prs_err *err);
/* "NAME", "NAME:VERSION", "NAME@LABEL", with or without "azureml:"; PRS_ENOTFOUND with what is near. The entry is the
 * caller's. */
int prs_registry_find(struct prs_workspace *w, enum prs_asset a, const char *word, json_t **ret, struct prs_err *err);

struct prs_change {
	json_t *document; /* borrowed: description, tags, properties, labels: what is new of them */
	const struct prs_list *untag, *unlabel;
};
int prs_registry_update(struct prs_workspace *w, enum prs_asset a, const char *word, const struct prs_change *c,
                        json_t **ret, struct prs_err *err);
/* Of "NAME" all versions, of "NAME:VERSION" one. *ret: the versions that changed, an array. */
int prs_registry_archive(struct prs_workspace *w, enum prs_asset a, const char *word, bool archived, json_t **ret,
                         struct prs_err *err);

struct prs_registry_filter {
	const char *name;            /* every version of it; NULL = the latest of each */
	bool archived;               /* these too */
	const struct prs_list *tags; /* "KEY", "KEY=VALUE": all of them */
};
/* An array of entries in the order of names and versions; a damaged one is {"kind", "name", "version", "file",
 * "damaged"}. */
int prs_registry_list(struct prs_workspace *w, enum prs_asset a, const struct prs_registry_filter *f, json_t **ret,
                      struct prs_err *err);
/* An entry with what is computed: uri, latest, local, locals, file. Takes the entry; NULL: no memory. */
json_t *prs_registry_view(struct prs_workspace *w, enum prs_asset a, json_t *entry);

/* ---- datastores -------------------------------------------------------------------------------------------------- */

#define PRS_DATASTORE_DEFAULT "workspaceblobstore"

/* `document`: type, folder (absolute), account, container and what else is kept; an earlier one is replaced. */
int prs_datastore_register(struct prs_workspace *w, const char *name, json_t *document, const char *key,
                           struct prs_err *err);
/* As `prs datastore show --json` prints it; make: a built-in one gets its folder. PRS_ENOTFOUND with what is near. */
int prs_datastore_view(struct prs_workspace *w, const char *name, bool make, json_t **ret, struct prs_err *err);
int prs_datastore_list(struct prs_workspace *w, json_t **ret, struct prs_err *err);
int prs_datastore_set_default(struct prs_workspace *w, const char *name, struct prs_err *err);
int prs_datastore_remove(struct prs_workspace *w, const char *name, struct prs_err *err);
/* The folder of one, the caller frees; the sentence says what to write where nobody says. `make`: a built-in one gets
 * its folder, else it counts only when it is there. */
int prs_datastore_folder(struct prs_workspace *w, const char *name, bool make, char **ret, struct prs_err *err);

/* ---- secrets ----------------------------------------------------------------------------------------------------- */

int prs_secret_set(struct prs_workspace *w, const char *name, const char *value, struct prs_err *err);
int prs_secret_delete(struct prs_workspace *w, const char *name, struct prs_err *err);
/* Objects of `prs workspace secret list --json`. */
int prs_secret_list(struct prs_workspace *w, json_t **ret, struct prs_err *err);
json_t *prs_secret_view(struct prs_workspace *w, const char *name);
/* Every value that is known here: of the key vault and of datastores. */
int prs_secret_values(struct prs_workspace *w, struct prs_list *to);

/* ---- references -------------------------------------------------------------------------------------------------- */

/* PRS_ENOTFOUND: not known here, or no reference of these forms; others: it is here, but of no use. */
int prs_registry_resolve(struct prs_workspace *w, const char *reference, enum prs_want want, struct prs_resolved *ret,
                         struct prs_err *err);

#endif
