/* SPDX-License-Identifier: Apache-2.0
 * cmd_validate: prs validate JOB: everything that can be said about a job without running it.
 */
#include "cli/load.h"

#include <stdio.h>

int cmd_validate(struct cli_args *a)
{
	struct prs_load l;
	int status = load_job(&l, a);
	if (l.doc)
		load_warnings(&l, false);
	if (!status)
		cli_tell(stdout, "%s: no mistakes\n", l.asked.file ? l.asked.file : "--job-json");
	prs_load_done(&l);
	return status;
}
