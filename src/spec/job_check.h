/* SPDX-License-Identifier: Apache-2.0
 * job_check: the rules that hold for a job whatever it was written as; each front end says where the mistake stands.
 */
#ifndef PRS_SPEC_JOB_CHECK_H
#define PRS_SPEC_JOB_CHECK_H

#include "spec/job.h"
#include "spec/project.h"
#include "spec/yaml.h"

/* What a front end without a job file reads an MLTable with. */
struct prs_sources {
	const struct prs_request *asked;
	const struct prs_fs *fs;
	const struct prs_project *project; /* may be NULL */
	struct prs_yaml_doc *doc;          /* gets what is found */
};
/* A path as typed, or what a reference stands for, then *asset is what it names; absolute, the caller frees. NULL and
 * err: not known here. */
char *prs_job_local(const struct prs_sources *from, const char *cwd, const char *text, enum prs_want want, char **asset,
                    struct prs_err *err);
/* prs_job_input_resolve() of a text that may be a reference. */
int prs_job_input_find(struct prs_job_input *in, const struct prs_sources *from, const char *cwd, const char *text,
                       struct prs_err *err);
/* Is the folder given by what its file MLTable says? */
bool prs_job_has_mltable(const struct prs_fs *fs, const char *folder);
/* An input whose path is such a folder becomes what it says. -PRS_ENOMEM; mistakes are found in the document. */
int prs_job_read_mltable(struct prs_job *j, struct prs_job_input *in, const struct prs_sources *from);

/* The file that the rows go to: it can be made, and no input would hold it. One that is there is a warning where it is
 * written later. */
int prs_job_check_rows(struct prs_job *j, const struct prs_fs *fs, const char *path, struct prs_err *err);
/* A folder that is there, or that can be made: the nearest one above it is a folder. */
int prs_job_check_folder(const struct prs_fs *fs, const char *path, struct prs_err *err);
/* The entry script in the code folder, by its path ('f') or as a dotted module ('m'); else 0. */
char prs_job_find_entry(const struct prs_fs *fs, const char *code, const char *entry);
/* Behind "there is no such entry script": which file was probably meant ("; did you mean x.py?"), that folders are
 * parted by /, or "". The caller frees; NULL: no memory. */
char *prs_job_near_entry(const struct prs_fs *fs, const char *code, const char *entry);
/* "; folders are parted by / here" for a path with \\, else "". */
const char *prs_job_backslash(const char *path);
/* The folder inputs hold no file at all, as far as a short look shows. */
bool prs_job_is_empty(const struct prs_job *j, const struct prs_fs *fs);
/* The name of an input or output: letters, digits, _ and -, in parts with a dot between them; it stands in references,
 * file names and variables. */
bool prs_job_is_name(const char *s, size_t n);
/* "NAME=PATH" where the part in front is such a name: the path, and the length of the name; else the text, and 0. */
const char *prs_job_split_name(const char *text, size_t *ret_name);
/* A run is called as its script when nobody says how. < 0: no memory. */
int prs_job_name_after(struct prs_job *j, const char *file);
/* What a person must know who asks for this; into j->warnings. < 0: no memory. */
int prs_job_warn(struct prs_job *j);

#endif
