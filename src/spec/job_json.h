/* SPDX-License-Identifier: Apache-2.0
 * job_json: how texts stand in job.json and in a job that a front end sends as JSON.
 */
#ifndef PRS_SPEC_JOB_JSON_H
#define PRS_SPEC_JOB_JSON_H

#include <jansson.h>

/* A string, or {"hex": "..."} for bytes that are no UTF-8; NULL when it is neither, or no memory. The caller frees. */
char *job_json_text(const json_t *v);

#endif
