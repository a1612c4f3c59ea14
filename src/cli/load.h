/* SPDX-License-Identifier: Apache-2.0
 * load: what run, validate and plan share: from the command line to one checked job.
 */
#ifndef PRS_CLI_LOAD_H
#define PRS_CLI_LOAD_H

#include "cli/cli.h"
#include "spec/jobfile.h"

struct load {
	struct prs_yaml_doc *doc; /* findings about the job file */
	struct prs_project *project;
	struct prs_request asked;
	const char *script; /* the script or job file, as typed; NULL = none */
	bool is_jobfile;
	char cwd[PATH_MAX];
	struct only_failed *only; /* --only-failed; NULL = not given */
};

/* The flags that are no options of the table. */
#define LOAD_FLAGS                                                                                                     \
	{ "--set", NULL, "KEY=VALUE",                                                                                  \
	  "set a key of the job file, as in --set jobs.score.mini_batch_size=5; may be given several times" },         \
		{ "--job", NULL, "NAME",                                                                               \
		  "run this job of a pipeline alone; what comes from other jobs is given with --input NAME=PATH" },    \
	{                                                                                                              \
		"--only-failed", NULL, "RUN",                                                                          \
			"of the input only what failed in RUN: the items that its failed_items.jsonl names; a script " \
			"has its --input from there"                                                                   \
	}

/* 0, or the exit status: the mistakes are on stderr. `j` and `l` are to be freed either way. */
int load_job(struct prs_job *j, struct load *l, struct cli_args *a);
/* Warnings, and which keys are not used: on one line, or each with its reason. */
void load_warnings(struct load *l, bool short_form);
/* --only-failed, and nothing failed: says so. */
bool load_is_empty(const struct load *l);
void load_done(struct load *l);

/* ---- --only-failed (only_failed.c) ------------------------------------------------------------------------------- */

/* Reads the run that is named. */
struct only_failed *only_failed_read(struct cli_args *a, struct prs_err *err);
/* A script without --input: the inputs of that run. */
int only_failed_inputs(const struct only_failed *o, struct prs_request *q, struct prs_err *err);
/* Every input of the checked job is cut down to the items that failed; what cannot be taken is a mistake. */
void only_failed_choose(struct only_failed *o, struct prs_job *j, struct cli_args *a);
/* What a person must know: items that cannot be taken, a run that has not ended. */
void only_failed_notes(const struct only_failed *o);
/* The job is placed: its output must not be the one of that run. */
int only_failed_check_output(const struct only_failed *o, const struct prs_placed *p, struct prs_err *err);
/* Are there none? Says so. */
bool only_failed_none(const struct only_failed *o);
void only_failed_free(struct only_failed *o);

#endif
