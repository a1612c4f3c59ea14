/* SPDX-License-Identifier: Apache-2.0
 * cli: the subcommands. Each takes argv from its own name on and returns the exit status (0, 1 failed, 2 usage, 3, 4 resumable, 5 canceled).
 */
#ifndef PRS_CLI_CLI_H
#define PRS_CLI_CLI_H

#include "master/engine.h"

int cmd_run(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_dump(int argc, char **argv);
/* prs _worker: readies the process, then becomes the user's Python. */
int cmd_worker(int argc, char **argv);

/* Runs the engine on a run folder whose job is known; prints the screens. */
int start_engine(const struct prs_job *job, const char *dir, const struct prs_run_id *run, const char *name, bool takeover);
/* The run folder of an id, a unique prefix, a path, or "last"; absolute. */
int find_run(const char *word, char *to, size_t n, struct prs_err *err);
/* The file functions that everything goes through. */
const struct prs_fs *program_fs(void);
/* "prs: sentence" on stderr; returns `status`. */
int complain(int status, const struct prs_err *err);

#endif
