/* SPDX-License-Identifier: Apache-2.0
 * jobfile: job files of the original to one struct prs_job: v2 pipeline, parallel component or job, v1
 * parallel_run_config, batch deployment.
 *
 * The findings (mistakes, warnings, ignored keys) are in the document, all of them at once. Values given by flags win
 * over the file, the file over flags inside program_arguments. What depends on the run folder (${{name}},
 * ${{outputs.x}}) is filled in by prs_place().
 */
#ifndef PRS_SPEC_JOBFILE_H
#define PRS_SPEC_JOBFILE_H

#include "spec/job.h"
#include "spec/project.h"
#include "spec/yaml.h"

/* By its name: .yml or .yaml. */
bool prs_is_jobfile(const char *path);
/* Reads the file that was asked for into a job that was begun (prs_job_begin); `project` may be NULL. A pipeline of
 * other than one parallel job becomes *ret, each step with its checked job (the caller frees it); where `ret` is NULL
 * it is a mistake. < 0: the file cannot be opened, or out of memory; mistakes are counted by prs_yaml_count(). */
struct prs_pipeline;
int prs_jobfile_read(struct prs_job *j, const struct prs_request *q, const struct prs_fs *fs,
                     const struct prs_project *project, struct prs_yaml_doc *d, struct prs_pipeline **ret,
                     struct prs_err *err);
/* The same for bytes (fuzzing, tests). */
int prs_jobfile_parse(struct prs_job *j, const struct prs_request *q, const struct prs_fs *fs,
                      const struct prs_project *project, const uint8_t *bytes, size_t n, struct prs_yaml_doc *d,
                      struct prs_pipeline **ret, struct prs_err *err);

#endif
