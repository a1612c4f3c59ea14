/* SPDX-License-Identifier: Apache-2.0
 * request: the first of the three lives of a job: what was asked, in the words of a front end. Paths are as typed,
 * nothing is looked up. The checks (prs_job_check, prs_jobfile_read) make the job of it (job.h), the run folder the
 * placed one (placed.h).
 */
#ifndef PRS_SPEC_REQUEST_H
#define PRS_SPEC_REQUEST_H

#include "base/option.h"

/* An option, in the order in which they were given: a later one wins, lists add. */
struct prs_asked {
	const struct prs_option_row *row;
	char *value;
	char *where;     /* "--run-max-try", "options.run_max_try"; NULL = a default, written out */
	bool is_default; /* of `defaults:` (spec/defaults.h): gives way to whatever the job says */
};

struct prs_request {
	const char *cwd;  /* absolute: what relative paths start from; the caller's */
	const char *file; /* the script or job file, as typed; the caller's */
	struct prs_asked *asked;
	size_t asked_n;
	struct prs_list arguments; /* words for the script */
	struct prs_list sets; /* of a job file: "jobs.score.mini_batch_size=5", keys that replace those of the file */
	const char *job;      /* of a pipeline: run this job alone; NULL = the only one; the caller's */
	/* a file that leaves its inputs to flags (a component, a configuration, a deployment) is whole without them */
	bool inputs_later;
	bool input_refused; /* one was given, and why it cannot be is told already: none is missing */
	bool writes_later; /* the command makes no output file: one that is there already is a warning */
};

/* `where` may be NULL. < 0: no memory. */
int prs_request_ask(struct prs_request *q, const struct prs_option_row *row, const char *value, const char *where);
int prs_request_default(struct prs_request *q, const struct prs_option_row *row, const char *value, const char *where);
/* What is in `front` stands in front of what is asked already, options and arguments; it is empty then. < 0: no
 * memory. */
int prs_request_put_in_front(struct prs_request *q, struct prs_request *front);
/* The last value of an option, NULL = not asked; `asked`: but for defaults. */
const char *prs_request_value(const struct prs_request *q, enum prs_option_id id);
/* How many values of it are defaults; they stand in front. */
size_t prs_request_defaults(const struct prs_request *q, enum prs_option_id id);
const char *prs_request_asked(const struct prs_request *q, enum prs_option_id id);
void prs_request_done(struct prs_request *q);

#endif
