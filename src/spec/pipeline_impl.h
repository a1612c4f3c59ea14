/* SPDX-License-Identifier: Apache-2.0
 * pipeline_impl: what the files that make a pipeline share.
 */
#ifndef PRS_SPEC_PIPELINE_IMPL_H
#define PRS_SPEC_PIPELINE_IMPL_H

#include "spec/pipeline.h"

#include <jansson.h>

enum { PIPELINE_FOLDER_MAX = 240 }; /* bytes of the name of a folder; ".json" is put behind it, too */

/* The members of a job document whose texts may hold references; the last is NULL. */
extern const char *const pipeline_texts[];

/* A mistake of a step. */
typedef void pipeline_say_fn(void *ctx, size_t step, const char *text);

/* A new step at the end; pointers to the others are no longer good. NULL: no memory. */
struct prs_step *pipeline_add(struct prs_pipeline *p, const char *name);
/* Why no step can be called so; NULL = it can. */
const char *pipeline_bad_name(const char *name);
/* The number of an output by its name (n bytes); -1 = there is none. */
int64_t pipeline_output(const struct prs_step *s, const char *name, size_t n);
/* "STEP.outputs.X" (n bytes) */
bool pipeline_split(const struct prs_pipeline *p, const char *text, size_t n, size_t *ret_step, size_t *ret_output);
/* After all steps are there: what each needs. Says outputs that are not there, and the first circle. -PRS_ENOMEM. */
int pipeline_link(struct prs_pipeline *p, pipeline_say_fn *say, void *ctx);
/* The form of a document whose root is an object: mistakes are reported in it. NULL: no memory. */
struct prs_job_doc;
struct prs_pipeline *pipeline_parse(struct prs_job_doc *d);
/* Without mistakes: pipeline_link(), its mistakes into the document. */
int pipeline_link_doc(struct prs_job_doc *d, struct prs_pipeline *p);
/* A step of a job: what it counts, its outputs, and its document. -PRS_ENOMEM. */
int pipeline_take_job(struct prs_step *s, const json_t *job);

/* The outputs of a step that was just read, from its checked job. -PRS_ENOMEM. */
int pipeline_take_outputs(struct prs_step *s);
/* What is asked of each step: all that is asked but for inputs, outputs and the name, which are the pipeline's; the
 * caller frees. -PRS_ENOMEM. */
int pipeline_ask(struct prs_request *to, const struct prs_request *q);

/* Why the command cannot be read (a reference that is not closed, not known ...): err. */
int pipeline_check_command(const struct prs_pipeline *p, const struct prs_step *s, struct prs_err *err);

#endif
