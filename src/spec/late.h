/* SPDX-License-Identifier: Apache-2.0
 * late: parts of a text that are known only in the run folder, or when an earlier step of a pipeline is done. Pure.
 *
 * They stand between two bytes that no job file can hold: "name", "outputs" (the folder), "outputs.X", "jobs.N.X" (the
 * output X of the N-th job of a pipeline). Such texts are the arguments, the environment variables, the paths of
 * outputs and, alone, the path of an input; prs_place() fills in all but the last, prs_step_fill_job() that too.
 */
#ifndef PRS_SPEC_LATE_H
#define PRS_SPEC_LATE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

#define JF_LATE_OPEN '\001'
#define JF_LATE_CLOSE '\002'
#define JF_LATE_BYTES "\001\002" /* both, for strpbrk() */

/* What the jobs of a pipeline are called: N and the output's name become those of the step that makes it. */
struct prs_late_names {
	bool (*find)(void *ctx, size_t job, const char *output, const char **ret_step, const char **ret_output);
	void *ctx;
};

/* The whole text is the output of a job: its number, and the name of its output (up to the closing byte, n bytes). */
bool prs_late_is_job(const char *text, size_t *ret_job, const char **ret_output, size_t *ret_n);
/* As references: ${{name}}, ${{prs.outputs}}, ${{outputs.X}}, ${{parent.jobs.STEP.outputs.X}}, and ${{prs.dollar}} for
 * a $ that would begin one. False: a byte 1 or 2 of the user's own, or a job that `names` (may be NULL) does not
 * know. */
bool prs_late_to_references(struct prs_buf *to, const char *text, const struct prs_late_names *names);

/* A copy in which the jobs have other numbers, and their outputs other names; where `find` says false the part stays.
 * The caller frees; NULL: no memory. */
typedef bool prs_late_number_fn(void *ctx, size_t job, const char *output, size_t *ret_job, const char **ret_output);
char *prs_late_renumbered(const char *text, prs_late_number_fn *find, void *ctx);

/* The other way. `find`: the number of a job by "STEP.outputs.X" (n bytes), and where X begins; false: no such. */
typedef bool prs_late_find_fn(void *ctx, const char *text, size_t n, size_t *ret_job, const char **ret_output);
/* PRS_EINVALID: a reference that is not known, or not closed. */
int prs_late_from_references(struct prs_buf *to, const char *text, prs_late_find_fn *find, void *ctx,
                             struct prs_err *err);

#endif
