/* SPDX-License-Identifier: Apache-2.0
 * pipeline_print: the fingerprint of a step: the same for two steps that would do the same with the same. Pure.
 *
 * It has all of the step but names, paths of outputs, resources and settings of logs; the code, the interpreter with
 * its packages, what prs.yml says, literals; and of inputs what is in them, not where they lie. What it does not know
 * it takes as it stands, so that such steps differ.
 */
#ifndef PRS_SPEC_PIPELINE_PRINT_H
#define PRS_SPEC_PIPELINE_PRINT_H

#include "spec/pipeline.h"

enum { PRS_STEP_PRINT_BYTES = 16 };

struct prs_step_parts {
	const uint8_t *code, *python, *defaults; /* fingerprints; NULL = none */
	/* Of the outputs of an earlier step; NULL = not known. */
	const uint8_t *(*result)(void *ctx, size_t step);
	/* Of the files at a path, which need not exist. < 0: err. */
	int (*files)(void *ctx, const char *path, uint8_t to[PRS_STEP_PRINT_BYTES], struct prs_err *err);
	void *ctx;
};

/* PRS_EINVALID: what it depends on cannot be fingerprinted; the sentence says what. */
int prs_step_print(const struct prs_pipeline *p, size_t step, const struct prs_step_parts *with,
                   uint8_t to[PRS_STEP_PRINT_BYTES], struct prs_err *err);

#endif
