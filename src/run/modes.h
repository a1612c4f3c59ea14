/* SPDX-License-Identifier: Apache-2.0
 * modes: who may read a run folder. It holds a copy of the script's folder, and what came of it: it follows the umask,
 * but is never more open than the original. `--share` opens it to its group on purpose.
 */
#ifndef PRS_RUN_MODES_H
#define PRS_RUN_MODES_H

#include "base/err.h"
#include "spec/job.h"

/* The permissions of a run folder whose group is `gid`: reading and entering, as far as the umask, the folder of
 * the script and each folder above it allow. */
uint32_t prs_run_mode(const struct prs_job *j, uint32_t gid);
/* --share: from here on this process and its workers let the group read what they make. */
void prs_run_share(const struct prs_job *j);
/* --share: the copies of the script's files in the folder, which have their modes. */
int prs_run_share_copy(const struct prs_job *j, const char *folder, struct prs_err *err);

#endif
