/* SPDX-License-Identifier: Apache-2.0
 * pipelines: the commands where what they are given is a pipeline, or a step of one.
 */
#ifndef PRS_CLI_PIPELINES_H
#define PRS_CLI_PIPELINES_H

#include "cli/cli.h"
#include "run/pipeline.h"

/* What is the same of the live engine, of the answer of its socket, and of a journal that is read. */
struct pipeline_line {
	const char *name, *kind, *state; /* "parallel"; a word of wire/states.def */
	bool starting, stopping;
	uint64_t took_us;
	const char *why, *waits_for;         /* "" = nothing */
	const char *reused;                  /* RUN/STEP that it was reused from, NULL or "" = it was not */
	const struct prs_progress *progress; /* NULL = none */
};
/* "  score   running   0:12  45 of 180 mini-batches ..." and a line feed; `name_columns`: of the longest name. */
void cli_pipeline_put_line(struct prs_buf *to, const struct pipeline_line *l, unsigned name_columns, unsigned columns,
                           bool utf8);

struct cli_pipeline_start {
	const struct prs_pipeline *pipeline;
	const struct prs_run *run;
	bool takeover, retry_failed, overwrite, json, quiet, detach;
};
/* Runs the engine on the run folder; prints the screens. Exit status. */
int cli_pipeline_start(const struct cli_pipeline_start *s);
/* prs run of a pipeline: its folder, then the engine. */
int cli_pipeline_run(struct cli_args *a, struct prs_pipeline *p, const char *runs);
int cli_pipeline_resume(struct cli_args *a, const struct prs_run *run);
int cli_pipeline_status(const struct prs_run *run, bool json);
int cli_pipeline_why(const struct prs_run *run, bool json);
int cli_pipeline_watch(const struct prs_run *run, bool json);
/* A sentence for one that no engine runs: "there is nothing <what>". Exit status. */
int cli_pipeline_not_running(const struct prs_run *run, const char *what);
/* After cancel: what became of it. Exit status. */
int cli_pipeline_canceled(const struct prs_run *run);
int cli_pipeline_plan(const struct prs_pipeline *p, bool json);
/* Where its outputs are. */
int cli_pipeline_output(const struct prs_run *run);
/* prs logs --metrics, of any run. Exit status. */
int cli_metrics(const struct prs_run *run, bool json);
/* Steps that are done. */
size_t cli_pipeline_done(const struct prs_pipeline_view *v);
/* Is there such a step? Else the error, with what is near. */
int cli_pipeline_check_step(const struct prs_run *run, struct prs_err *err);

#endif
