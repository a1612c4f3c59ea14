/* SPDX-License-Identifier: Apache-2.0
 * cmd_run: prs run JOB: a run folder for a checked job, then the engine.
 */
#include "cli/load.h"
#include "cli/pipelines.h"

#include <stdio.h>

static int run(struct cli_args *a, struct prs_load *l)
{
	struct prs_err err = { 0 };
	struct prs_placed placed;
	struct prs_run run;
	int status;
	if (prs_run_make(l->front, &l->job, l->runs, l->only, &run, &placed, &err) < 0) {
		status = complain(PRS_EXIT_MISTAKE, &err);
	} else {
		struct cli_start s = { .job = &l->job,
			               .placed = &placed,
			               .run = &run,
			               .json = cli_json(a),
			               .quiet = cli_quiet(a),
			               .detach = cli_has(a, "--detach") };
		status = cli_start(&s);
	}
	prs_placed_done(&placed);
	return status;
}

static int not_a_pipeline(void)
{
	struct prs_err err = { 0 };
	prs_fail(&err, PRS_EINVALID,
	         "--no-reuse, --only and --from are about the steps of a pipeline: this is one job, which always runs");
	return complain(PRS_EXIT_MISTAKE, &err);
}

int cmd_run(struct cli_args *a)
{
	struct prs_load l;
	int status = load_job(&l, a);
	if (!status && !cli_quiet(a) && !cli_json(a))
		load_warnings(&l, true);
	if (!status && l.pipeline)
		status = cli_pipeline_run(a, l.pipeline, l.runs);
	else if (!status && (cli_has(a, "--no-reuse") || cli_has(a, "--only") || cli_has(a, "--from")))
		status = not_a_pipeline();
	else if (!status)
		status = load_is_empty(&l, cli_json(a)) ? 0 : run(a, &l);
	prs_load_done(&l);
	return status;
}
