/* SPDX-License-Identifier: Apache-2.0
 * job_json: how texts stand in job.json and in a job that a front end sends as JSON.
 */
#ifndef PRS_SPEC_JOB_JSON_H
#define PRS_SPEC_JOB_JSON_H

#include "spec/job.h"

#include <jansson.h>

/* A string, or {"hex": "..."} for bytes that are no UTF-8; NULL when it is neither, or no memory. The caller frees. */
char *job_json_text(const json_t *v);
/* The other way; NULL is null. */
json_t *job_json_of(const char *text);
json_t *job_json_list(const struct prs_list *l);
json_t *job_json_pairs(const struct prs_job_pair *v, size_t n);
/* {"value": ["..."], "from": "--processes"} by name. Left out: what is about one command's screen, and words that have
 * become a member of their own (inputs, outputs ...). */
json_t *job_json_options(const struct prs_job *j);

#endif
