/* SPDX-License-Identifier: Apache-2.0
 * defaults: `defaults:` of prs.yml and of the user's own file: any option by its own name. Whatever else says
 * something about the option is stronger: the command line, a job file, a JSON document. Between the two files the
 * nearer one is.
 *
 *   defaults:
 *     processes: 4
 *     error_threshold: 10
 *     environment_variable: {OMP_NUM_THREADS: 1}    a list as such, or names and values
 *     runs_dir: ./runs                              paths start from the folder of the file
 */
#ifndef PRS_SPEC_DEFAULTS_H
#define PRS_SPEC_DEFAULTS_H

#include "spec/project.h"
#include "spec/request.h"

/* What the job is: defaults of what it always says itself are passed over. */
enum prs_job_kind {
	PRS_JOB_SCRIPT, /* with flags */
	PRS_JOB_FILE,   /* has an input, output, name and code of its own */
	PRS_JOB_DOC     /* JSON: models, side inputs and variables, too */
};

/* Puts them in front of what is asked. Mistakes are findings of `d`. < 0: no memory. */
int prs_defaults_ask(const struct prs_project *p, struct prs_yaml_doc *d, enum prs_job_kind kind,
                     struct prs_request *q);

#endif
