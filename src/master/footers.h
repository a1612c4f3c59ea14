/* SPDX-License-Identifier: Apache-2.0
 * footers: the process of the job's Python that reads the footers of Parquet files for the lister. Started and ended by
 * the main thread; what it says is asked for by the thread that lists.
 */
#ifndef PRS_MASTER_FOOTERS_H
#define PRS_MASTER_FOOTERS_H

#include "base/option.h"
#include "data/footers.h"
#include "data/list.h"
#include "io/helper.h"

struct prs_footers_start {
	const struct prs_fs *fs;
	const char *program, *python, *loader; /* absolute paths */
	const struct prs_list *variables;      /* of a process of the job */
	const char *mark;                      /* "PRS_RUN=..."; NULL = none */
	const char *cwd, *log;                 /* log: a file, whose folder is made */
	/* Until it is there; for an answer. 0 = no limit. */
	uint64_t start_timeout_us, answer_timeout_us;
};

struct prs_footers_process {
	struct prs_helper helper;
	struct prs_footers is; /* for the lister */
	struct prs_buf words;  /* its first ones */
	bool is_greeted;
	uint64_t start_timeout_us, answer_timeout_us;
};

/* None is started yet: whoever asks is refused. */
void prs_footers_init(struct prs_footers_process *p);
int prs_footers_begin(struct prs_footers_process *p, const struct prs_footers_start *s, struct prs_err *err);
/* The lister does not ask any more. */
void prs_footers_end(struct prs_footers_process *p);
/* Is one of the inputs Parquet? */
bool prs_footers_needed(const struct prs_list_input *inputs, size_t n);

#endif
