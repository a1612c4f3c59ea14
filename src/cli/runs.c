/* SPDX-License-Identifier: Apache-2.0
 * runs: where the run folders are for a command, and paths as a person writes them.
 */
#include "cli/cli.h"

#include "run/project.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *cli_default(enum prs_option_id id)
{
	static char *found[PRS_OPTIONS];
	static bool asked[PRS_OPTIONS];
	PRS_AUTOBUF notes;
	prs_buf_init(&notes, 1 << 20);
	if (!asked[id])
		found[id] = prs_default_here(program_fs(), id, &notes);
	asked[id] = true;
	if (id == PRS_OPTION_ID_runs_dir) /* a job says it with its other warnings */
		cli_tell(stderr, "%s", prs_buf_str(&notes));
	return found[id];
}

const char *cli_runs_dir(const struct cli_args *a)
{
	const char *given = cli_option(a, PRS_OPTION_ID_runs_dir), *env = getenv("PRS_RUNS");
	if (given)
		return given;
	if (env && env[0])
		return env;
	const char *value = cli_default(PRS_OPTION_ID_runs_dir);
	return value ? value : "runs";
}

int cli_find_any(const struct cli_args *a, const char *word, struct prs_run *ret, struct prs_err *err)
{
	return prs_run_find(program_fs(), cli_runs_dir(a), word, ret, err);
}

/* What is asked for a run's mini-batches or rows: a pipeline has none of its own. */
int cli_refuse_pipeline(const struct cli_args *a, const struct prs_run *run, struct prs_err *err)
{
	if (run->step[0])
		return prs_fail(err, PRS_EINVALID,
		                "%s/%s has no mini-batches: it is a command, or has not begun (prs status %s)",
		                run->name, run->step, run->name);
	return prs_fail(err, PRS_EINVALID,
	                "%s is a pipeline: give one of its steps, prs %s %s/STEP (prs status %s shows them)", run->name,
	                a->command->name, run->name, run->name);
}

int cli_find_run(const struct cli_args *a, const char *word, struct prs_run *ret, struct prs_err *err)
{
	int r = cli_find_any(a, word, ret, err);
	return !r && ret->kind == PRS_RUN_PIPELINE ? cli_refuse_pipeline(a, ret, err) : r;
}

static const char *below(const char *path, const char *folder)
{
	size_t n = folder ? strlen(folder) : 0;
	return n > 1 && !strncmp(path, folder, n) && path[n] == '/' && path[n + 1] ? path + n + 1 : NULL;
}

const char *cli_short_path(const char *path, char *to, size_t n)
{
	char cwd[PATH_MAX];
	const char *rest = getcwd(cwd, sizeof cwd) ? below(path, cwd) : NULL;
	if (rest)
		return rest;
	rest = below(path, getenv("HOME"));
	return rest && (size_t)snprintf(to, n, "~/%s", rest) < n ? to : path;
}

static void front_say(void *ctx, const char *line)
{
	(void)ctx;
	cli_tell(stderr, "%s\n", line);
}

const struct prs_front *cli_front(bool quiet)
{
	static struct prs_front f;
	f = (struct prs_front){ .fs = program_fs(), .say = quiet ? NULL : front_say };
	return &f;
}
