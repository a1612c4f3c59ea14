/* SPDX-License-Identifier: Apache-2.0
 * footers: commands that list the input themselves read Parquet footers as a run does, by a process of the Python of
 * the job.
 */
#ifndef PRS_CLI_FOOTERS_H
#define PRS_CLI_FOOTERS_H

#include "base/option.h"
#include "master/footers.h"

struct cli_footers {
	struct prs_footers_process is;
	char dir[PATH_MAX]; /* of its log; "" = none was started */
};

/* For these inputs, if one of them is Parquet; they must not be listed after the end. `o`: its limits. */
int cli_footers_begin(struct cli_footers *f, struct prs_list_input *v, size_t n, const char *python,
                      const struct prs_list *variables, const char *cwd, const struct prs_options *o,
                      struct prs_err *err);
/* result: of the listing. Its log stays when an error names it. */
void cli_footers_end(struct cli_footers *f, int result);

#endif
