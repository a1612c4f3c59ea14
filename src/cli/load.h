/* SPDX-License-Identifier: Apache-2.0
 * load: what run, validate, plan and test share: the words of the command line as a request, its mistakes on the
 * screen.
 */
#ifndef PRS_CLI_LOAD_H
#define PRS_CLI_LOAD_H

#include "cli/cli.h"
#include "run/load.h"

#define TRUST_FLAG                                                                                                  \
	{                                                                                                           \
		"--trust", NULL, NULL, "also a run folder of another user, whose script then runs with your rights" \
	}

/* The flags that are no options of the table. */
#define LOAD_FLAGS                                                                                                   \
	{ "--set", NULL, "KEY=VALUE",                                                                                \
	  "set a key of the job file, as in --set jobs.score.mini_batch_size=5; may be given several times" },       \
		{ "--job-json", NULL, "FILE|-",                                                                      \
		  "a whole job as JSON, in place of JOB.yml or SCRIPT: how other programs ask (docs/job-json.md)" }, \
		{ "--job", NULL, "NAME",                                                                             \
		  "run this job of a pipeline alone; what comes from other jobs is given with --input NAME=PATH" },  \
		{ "--only-failed", NULL, "RUN",                                                                      \
		  "of the input only what failed in RUN: the items that its failed_items.jsonl names; without "      \
		  "a job: that of RUN, begun once more; a script has its --input from there" },                      \
		TRUST_FLAG

/* 0, or the exit status: the mistakes are on stderr. prs_load_done() either way. */
int load_job(struct prs_load *l, struct cli_args *a);
/* Warnings, and which keys are not used: on one line, or each with its reason. */
void load_warnings(struct prs_load *l, bool short_form);
/* The same as members of a JSON object: "warnings" and "not_used". */
void load_put_warnings(struct prs_load *l, struct prs_buf *to);
/* --only-failed, and nothing failed: says so; in JSON as the end of a job that had nothing to do. */
bool load_is_empty(const struct prs_load *l, bool json);

/* What a person should know of the inputs that were listed, on stderr; NULL is nothing. */
struct prs_lister;
void load_input_warnings(struct prs_lister *l);

#endif
