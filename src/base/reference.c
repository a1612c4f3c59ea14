/* SPDX-License-Identifier: Apache-2.0
 * reference: what was found is owned.
 */
#include "base/reference.h"

#include "base/mem.h"

void prs_resolved_done(struct prs_resolved *r)
{
	prs_freep(&r->path);
	prs_freep(&r->file);
	prs_freep(&r->asset);
	prs_freep(&r->type);
}
