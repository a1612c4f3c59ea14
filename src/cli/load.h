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
	const char *script;       /* the script or job file, as typed; NULL = none */
	bool is_jobfile;
	struct prs_list sets;     /* --set */
	char cwd[PATH_MAX];
};

/* The flags --set and --job of run, validate and plan. */
#define LOAD_FLAGS                                                                                                                  \
	{ "--set", NULL, "KEY=VALUE", "set a key of the job file, as in --set jobs.score.mini_batch_size=5; may be given several times" }, \
	{ "--job", NULL, "NAME", "run this job of a pipeline alone; what comes from other jobs is given with --input NAME=PATH" }

/* 0, or the exit status: the mistakes are on stderr. `j` and `l` are to be freed either way. */
int load_job(struct prs_job *j, struct load *l, struct cli_args *a);
/* Warnings, and which keys are not used: on one line, or each with its reason. */
void load_warnings(struct load *l, bool short_form);
void load_done(struct load *l);

#endif
