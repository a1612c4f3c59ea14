/* SPDX-License-Identifier: Apache-2.0
 * workspace: the workspace of a folder, as the environment says it ($PRS_WORKSPACES, $PRS_WORKSPACE) and as far as it
 * is trusted; prs.yml answers where it does not.
 */
#ifndef PRS_RUN_WORKSPACE_H
#define PRS_RUN_WORKSPACE_H

#include "registry/registry.h"
#include "spec/project.h"

/* `name`: a name or a path, NULL = $PRS_WORKSPACE, or as found. `p`, which outlives the workspace, may be NULL.
 * prs_workspace_done() either way. */
int prs_run_workspace(struct prs_workspace *w, const struct prs_fs *fs, const char *dir, const char *name,
                      const struct prs_project *p, struct prs_err *err);

#endif
