/* SPDX-License-Identifier: Apache-2.0
 * load: from what was asked to one checked job, with its interpreter. All mistakes are told at once.
 */
#ifndef PRS_RUN_LOAD_H
#define PRS_RUN_LOAD_H

#include "run/front.h"
#include "run/only_failed.h"
#include "run/workspace.h"
#include "spec/jobfile.h"
#include "spec/pipeline.h"

#include <limits.h>

struct prs_load {
	/* Set by the front end before prs_load_job(), behind prs_load_init(). */
	const struct prs_front *front;
	struct prs_request asked;
	const char *only_failed; /* a run, as typed; NULL = all items */
	const char *json;        /* a job as a JSON document (spec/job_doc.h) in place of asked.file; NULL = none */
	size_t json_bytes;
	bool makes_environment; /* an environment for the packages of the job may be made */
	bool looks_for_run;     /* a script without a run() is told: it costs the start of an interpreter */
	bool takes_pipelines;   /* else one with other than one parallel job is a mistake */
	/* Interpreters that prs.yml or the job names may be asked; else nothing is run but the PATH's python3,
	 * alone. */
	bool executes;

	/* Found. */
	const char *runs; /* the folder of run folders: where the run is made and --only-failed looks */
	struct prs_job job;
	struct prs_pipeline *pipeline; /* it is one: then `job` is nothing to run */
	/* A line each, and what is indented below it; those of a job file are among its findings. */
	struct prs_buf mistakes;
	unsigned mistakes_n;      /* with those of the job file */
	struct prs_buf notes;     /* what a person must know, a line each */
	struct prs_yaml_doc *doc; /* findings about the job file */
	struct prs_project *project;
	struct prs_workspace workspace; /* lent to the project */
	struct prs_lent names;
	struct prs_only_failed *only;
	struct prs_job_doc *json_doc;
	struct prs_buf document; /* of a file that holds a JSON document */
	struct prs_list pythons; /* what was asked for, and the path that it is: in turn */
	bool is_jobfile;
	char cwd[PATH_MAX];
};

/* < 0: no memory; prs_load_done() either way. */
int prs_load_init(struct prs_load *l, const struct prs_front *front);
/* A mistake of the front end's own, told with the others. */
__attribute__((format(printf, 2, 3))) void prs_load_mistake(struct prs_load *l, const char *fmt, ...);
/* Fills the job. < 0: it cannot even be looked at (err). Else look at mistakes_n. */
int prs_load_job(struct prs_load *l, struct prs_err *err);
/* Only the interpreter, for who has no job: into job.python what `asked` names (NULL: nothing does), else as for a job
 * that names no environment. < 0: no memory; else look at mistakes_n. */
int prs_load_python(struct prs_load *l, const char *asked, struct prs_err *err);
void prs_load_done(struct prs_load *l);

#endif
