/* SPDX-License-Identifier: Apache-2.0
 * project: prs.yml, the nearest one upward: what the names of the original mean on this machine.
 *
 *   python: ./venv/bin/python                     the interpreter of every job here
 *   environments: {"azureml:sklearn:1": /opt/sk/bin/python}
 *   assets: {"azureml:mnist:2": ./data/mnist}     data, models, components, code; also whole URIs
 *   datastores: {workspaceblobstore: ./store}     azureml://datastores/<name>/paths/...
 *   default_datastore: workspaceblobstore
 *   defaults: {processes: 4}                      of any option (spec/defaults.h)
 */
#ifndef PRS_SPEC_PROJECT_H
#define PRS_SPEC_PROJECT_H

#include "base/err.h"
#include "base/fs.h"
#include "base/reference.h"
#include "base/trust.h"
#include "spec/yaml.h"

#include <stdbool.h>

struct prs_project;

/* Looks for prs.yml in `dir` and above, up to the home, the root of a repository, or a folder that is not trusted
 * (a prs.yml there is a warning; `trust` NULL: all are), then for the user's own (`user_file`, may be NULL).
 * Mistakes in them are findings of `d`, which must outlive the project. NULL only when out of memory. */
struct prs_project *prs_project_find(const struct prs_fs *fs, const char *dir, const char *user_file,
                                     const struct prs_trust *trust, struct prs_yaml_doc *d);
enum { PRS_PROJECT_LAYERS = 2 };
/* The document of a file: 0 the nearest, then the user's own; NULL = there is none, or it cannot be read. */
const struct prs_yaml *prs_project_layer(const struct prs_project *p, unsigned layer);
/* The interpreter of a virtual environment `.venv` in `dir` or above, within the same borders and only when nobody but
 * us and root could have put it there; else a warning in `d`. NULL: none. The caller frees. */
char *prs_project_venv(const struct prs_fs *fs, const char *dir, const struct prs_trust *trust, struct prs_yaml_doc *d);
void prs_project_free(struct prs_project *p);
const char *prs_project_file(const struct prs_project *p); /* of the nearest one; NULL when there is none */

/* The workspace, which is asked before prs.yml; `names` outlives the project. */
void prs_project_lend(struct prs_project *p, const struct prs_lent *names);
/* What a reference stands for here: by the workspace, then by prs.yml. PRS_ENOTFOUND: nobody knows it. */
int prs_project_resolve(const struct prs_project *p, const char *reference, enum prs_want want,
                        struct prs_resolved *ret, struct prs_err *err);
/* By prs.yml alone: the local path of a reference (azureml:name:version, azureml:name@label, azureml://...,
 * https://...): absolute, the caller frees. NULL = not mapped. */
char *prs_project_path(const struct prs_project *p, const char *reference);
/* Does the text name something outside this machine's file system? */
bool prs_is_reference(const char *text);
/* The folder of a datastore; the caller frees. NULL = not mapped. */
char *prs_project_datastore(const struct prs_project *p, const char *name);
const char *prs_project_default_datastore(const struct prs_project *p);
/* The interpreter of an environment reference or name; NULL name: the project's `python`. The caller frees; NULL =
 * none. */
char *prs_project_python(const struct prs_project *p, const char *environment);

/* The file of the workspace that describes an environment by its packages; NULL = none. The caller frees. */
char *prs_project_environment(const struct prs_project *p, const char *environment);

#endif
