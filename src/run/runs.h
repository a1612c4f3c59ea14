/* SPDX-License-Identifier: Apache-2.0
 * runs: finds run folders: by id, the beginning of one, a path, or "last"; a step of a pipeline by RUN/STEP.
 */
#ifndef PRS_RUN_RUNS_H
#define PRS_RUN_RUNS_H

#include "base/err.h"
#include "base/fs.h"
#include "base/option.h"
#include "store/store.h"

#include <limits.h>

struct prs_run {
	char dir[PATH_MAX];         /* absolute, without links */
	char found[PATH_MAX + 264]; /* as it was found: the last part may be a link */
	char name[256];
	struct prs_run_id id;
	enum prs_run_kind kind;
	/* Of RUN/STEP where the step has no run folder, as it is a command or has not begun: its folder; kind, dir,
	 * name and id are those of the pipeline. "" = none. */
	char step[256];
};

/* An id, a unique beginning of one, a path, or "last" (also word NULL), in the folder `runs`; of a pipeline also with
 * /STEP behind it. */
int prs_run_find(const struct prs_fs *fs, const char *runs, const char *word, struct prs_run *ret, struct prs_err *err);
/* Every run folder, newest first; names into `ret`. */
int prs_runs_list(const char *runs, struct prs_list *ret, struct prs_err *err);
/* Does an engine on this machine hold the run's lock? (It may, too, where that cannot be known: prs_lock_look().) */
bool prs_run_is_running(const char *dir);
/* Whoever resumes or replays a run does what its folder says: one of another user needs `trust`. */
int prs_run_check_owner(const struct prs_run *run, bool trust, struct prs_err *err);

#endif
