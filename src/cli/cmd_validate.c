/* SPDX-License-Identifier: Apache-2.0
 * cmd_validate: prs validate JOB: everything that can be said about a job without running it.
 */
#include "cli/load.h"

#include <stdio.h>

static int print_json(struct prs_load *l)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 64 << 20);
	prs_buf_puts(&b, "{\"type\": \"validated\", \"exit\": 0, \"mistakes\": [], ");
	load_put_warnings(l, &b);
	prs_buf_puts(&b, "}\n");
	return cli_print_raw(&b);
}

int cmd_validate(struct cli_args *a)
{
	struct prs_load l;
	int status = load_job(&l, a);
	if (l.doc && !cli_json(a))
		load_warnings(&l, false);
	if (!status && cli_json(a))
		status = print_json(&l);
	else if (!status)
		cli_tell(stdout, "%s: no mistakes\n", l.asked.file ? l.asked.file : "--job-json");
	prs_load_done(&l);
	return status;
}
