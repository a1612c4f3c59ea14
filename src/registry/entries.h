/* SPDX-License-Identifier: Apache-2.0
 * entries: names, versions and the files of entries.
 */
#ifndef PRS_REGISTRY_ENTRIES_H
#define PRS_REGISTRY_ENTRIES_H

#include "registry/impl.h"

struct reg_version {
	char *text;
	uint64_t number; /* 0 = it is no number */
};
struct reg_versions {
	struct reg_version *v; /* words by their bytes, then numbers */
	size_t n;
};

/* Paths; NULL: no memory. The caller frees. */
char *reg_kind_folder(const struct prs_workspace *w, enum prs_asset a);
char *reg_name_folder(const struct prs_workspace *w, enum prs_asset a, const char *name);
char *reg_entry_path(const struct prs_workspace *w, enum prs_asset a, const char *name, const char *version);

/* A name that is not there has none. reg_versions_done() either way. */
int reg_versions(struct prs_workspace *w, enum prs_asset a, const char *name, struct reg_versions *ret,
                 struct prs_err *err);
void reg_versions_done(struct reg_versions *v);
uint64_t reg_highest(const struct reg_versions *v);
int reg_asset_names(struct prs_workspace *w, enum prs_asset a, struct prs_list *to, struct prs_err *err);

/* The entry of a file, which is what its path says; NULL: PRS_ENOTFOUND, PRS_ECORRUPT, PRS_EVERSION. */
json_t *reg_entry_read(struct prs_workspace *w, enum prs_asset a, const char *name, const char *version,
                       struct prs_err *err);
/* The latest one that is not archived; *ret NULL: there is none. */
int reg_latest(struct prs_workspace *w, enum prs_asset a, const char *name, const struct reg_versions *v, json_t **ret,
               struct prs_err *err);
const char *reg_text(const json_t *entry, const char *member); /* "" when it is none */
bool reg_archived(const json_t *entry);
/* "NAME", "NAME:VERSION" or "NAME@LABEL": the name is the part in front when no name is the whole word. */
struct reg_word {
	char *name, *version, *label;
};
int reg_word_split(struct prs_workspace *w, enum prs_asset a, const char *word, struct reg_word *ret,
                   struct prs_err *err);
void reg_word_done(struct reg_word *word);
/* Its file is written anew. */
int reg_entry_save(struct prs_workspace *w, enum prs_asset a, const json_t *entry, struct prs_err *err);
/* "azureml:mnist:2"; the caller frees. */
char *reg_uri(const json_t *entry);
/* Are the members of a registration of their kinds? */
int reg_check_document(const json_t *d, struct prs_err *err);
void reg_drop(json_t *list, const char *text);
int reg_out_of_memory(struct prs_err *err);

#endif
