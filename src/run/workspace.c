/* SPDX-License-Identifier: Apache-2.0
 * workspace: what is not registered is asked of prs.yml.
 */
#include "run/workspace.h"

#include "run/trust.h"

#include <stdlib.h>

static char *mapped_folder(void *ctx, const char *datastore) { return prs_project_datastore(ctx, datastore); }

int prs_run_workspace(struct prs_workspace *w, const struct prs_fs *fs, const char *dir, const char *name,
                      const struct prs_project *p, struct prs_err *err)
{
	struct prs_workspace_ask ask = { .dir = dir,
		                         .name = name ? name : getenv("PRS_WORKSPACE"),
		                         .folder = getenv("PRS_WORKSPACES"),
		                         .trust = prs_trust_us() };
	int r = prs_workspace_find(w, fs, &ask, err);
	if (p)
		w->mapped = (struct prs_mapped){ (void *)(uintptr_t)p, mapped_folder,
			                         prs_project_default_datastore(p) };
	return r;
}
