/* SPDX-License-Identifier: Apache-2.0
 * project: the files that say what holds on this machine: the nearest prs.yml, and the user's own,
 * $XDG_CONFIG_HOME/prs/config.yml (~/.config/prs/config.yml). Both count only as far as they are trusted (trust.h).
 */
#ifndef PRS_RUN_PROJECT_H
#define PRS_RUN_PROJECT_H

#include "base/option.h"
#include "spec/project.h"

/* Those of a folder; findings are in `d`, which must outlive the project. NULL: no memory. */
struct prs_project *prs_run_project(const struct prs_fs *fs, const char *dir, struct prs_yaml_doc *d);
/* What they give for an option in the current folder, for a command that has no job. NULL: nothing. The caller frees.
 * Why a file is not used is added to `notes`, a line each. */
char *prs_default_here(const struct prs_fs *fs, enum prs_option_id id, struct prs_buf *notes);
/* Where the user's own file is, or would be; the caller frees; NULL = there is no home. */
char *prs_user_file(void);

#endif
