/* SPDX-License-Identifier: Apache-2.0
 * job_doc: a job as a JSON document, from a front end that is no person (prs run --job-json). Its members are those of
 * job.json (docs/formats.md) without what is computed, and "job_format": 1. docs/job-json.md shows one.
 */
#ifndef PRS_SPEC_JOB_DOC_H
#define PRS_SPEC_JOB_DOC_H

#include "base/buf.h"
#include "spec/job.h"

#include <jansson.h>

struct prs_job_doc;
struct prs_sources;

enum { PRS_JOB_DOC_BYTES_MAX = 64 << 20 };

/* Mistakes are lines in `report`, each begins with its place ("inputs[0].path: ..."); `report` must outlive the
 * document. NULL only when out of memory. */
struct prs_job_doc *prs_job_doc_read(const char *text, size_t n, struct prs_buf *report);
/* Its options, in front of what is asked already (flags win); its arguments, in front of those. */
int prs_job_doc_ask(struct prs_job_doc *d, struct prs_request *q, struct prs_err *err);
/* The run whose failed items are taken, NULL = all items. */
const char *prs_job_doc_only_failed(const struct prs_job_doc *d);
/* Fills and checks a job that was begun: the same rules as for a script with flags. */
int prs_job_doc_check(struct prs_job_doc *d, struct prs_job *j, const struct prs_sources *from, struct prs_err *err);
/* The document that asks for this job, which is a step of a pipeline: with references for what is known later, and
 * {"step", "output"} in place of such a path. NULL: no memory, or a job that `names` does not know. */
struct prs_late_names;
json_t *prs_job_to_doc(const struct prs_job *j, const struct prs_late_names *names);
/* The document is a pipeline ("pipeline_format": 1): then prs_pipeline_doc_check() in place of asking and checking. */
bool prs_job_doc_is_pipeline(const struct prs_job_doc *d);
struct prs_pipeline;
/* Each step with its checked job. *ret is there, after mistakes, too; the caller frees it. */
int prs_pipeline_doc_check(struct prs_job_doc *d, const struct prs_sources *from, struct prs_pipeline **ret,
                           struct prs_err *err);
unsigned prs_job_doc_mistakes(const struct prs_job_doc *d);
void prs_job_doc_free(struct prs_job_doc *d);

#endif
