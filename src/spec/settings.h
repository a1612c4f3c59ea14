/* SPDX-License-Identifier: Apache-2.0
 * settings: parallel_run_step.settings.json beside the entry script, which has arguments of to_csv for the rows of the
 * output. The workers read it; here it is looked at before they are there.
 */
#ifndef PRS_SPEC_SETTINGS_H
#define PRS_SPEC_SETTINGS_H

#include "spec/job.h"

#define PRS_SETTINGS_FILE "parallel_run_step.settings.json"

/* What is in it and not used becomes a warning of the job. PRS_EINVALID: a worker could not read it. */
int prs_settings_check(struct prs_job *j, const struct prs_fs *fs, struct prs_err *err);

#endif
