/* SPDX-License-Identifier: Apache-2.0
 * footers: the log lies in a temporary folder, which goes with the process.
 */
#include "cli/footers.h"

#include "cli/cli.h"
#include "run/start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int make_folder(struct cli_footers *f, struct prs_err *err)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(f->dir, sizeof f->dir, "%s/prs-footers-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(f->dir))
		return 0;
	f->dir[0] = 0;
	return prs_fail_errno(err, errno, "a temporary folder");
}

int cli_footers_begin(struct cli_footers *f, struct prs_list_input *v, size_t n, const char *python,
                      const struct prs_list *variables, const char *cwd, const struct prs_options *o,
                      struct prs_err *err)
{
	char program[PATH_MAX], loader[PATH_MAX], log[PATH_MAX + 16];
	prs_footers_init(&f->is);
	f->dir[0] = 0;
	if (!prs_footers_needed(v, n))
		return 0;
	if (prs_find_parts(program, loader, err) < 0 || make_folder(f, err) < 0)
		return err->code;
	snprintf(log, sizeof log, "%s/footers.txt", f->dir);
	for (size_t i = 0; i < n; i++)
		v[i].footers = &f->is.is;
	return prs_footers_begin(&f->is,
	                         &(struct prs_footers_start){ .fs = program_fs(),
	                                                      .program = program,
	                                                      .python = python,
	                                                      .loader = loader,
	                                                      .variables = variables,
	                                                      .cwd = cwd,
	                                                      .log = log,
	                                                      .start_timeout_us = o->init_timeout_us,
	                                                      .answer_timeout_us = o->task_overhead_timeout_us },
	                         err);
}

void cli_footers_end(struct cli_footers *f, int result)
{
	prs_footers_end(&f->is);
	if (f->dir[0] && result != -PRS_EHELPER)
		prs_remove_tree(f->dir);
}
