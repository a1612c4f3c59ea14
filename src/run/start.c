/* SPDX-License-Identifier: Apache-2.0
 * start: what only this process knows is added to what the front end has: its own path, its loader, the environment.
 */
#include "run/start.h"

#include "base/mem.h"
#include "run/variables.h"
#include "run/modes.h"
#include "wire/names.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The program itself, and its loader: beside an installed program (bin/prs, share/prs/python), or in the source
 * tree of a built one (build/src/cli/prs): always by its own path. */
int prs_find_parts(char program[PATH_MAX], char loader[PATH_MAX], struct prs_err *err)
{
	static const char *const places[] = { "../share/prs/python", "../../../python" };
	ssize_t length = readlink("/proc/self/exe", program, PATH_MAX - 1);
	if (length <= 0)
		return prs_fail_errno(err, errno, "/proc/self/exe");
	program[length] = 0;
	char folder[PATH_MAX], tried[PATH_MAX + 64], real[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", program);
	char *slash = strrchr(folder, '/');
	if (slash)
		*slash = 0;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		snprintf(tried, sizeof tried, "%s/%s/prs_worker.py", folder, places[i]);
		if (access(tried, R_OK) == 0 && realpath(tried, real)) {
			memcpy(loader, real, PATH_MAX);
			return 0;
		}
	}
	return prs_fail(err, PRS_ENOTFOUND,
	                "%s/../share/prs/python/prs_worker.py is missing, which belongs to %s: install prs again",
	                folder, program);
}

int prs_run_begin_writer(const struct prs_front *f, const struct prs_run *run, const struct prs_placed *p,
                         enum prs_output_format format, const struct prs_list *types, struct prs_table_writer *w,
                         struct prs_err *err)
{
	char program[PATH_MAX], loader[PATH_MAX], log[PATH_MAX];
	struct prs_list env = { 0 };
	prs_table_writer_init(w);
	int r = prs_find_parts(program, loader, err);
	PRS_AUTOFREE char *code = prs_strf("%s/work/code", run->dir);
	if (!r && (!code || prs_make_environment(p, run->dir, code, run->name, &env) < 0))
		r = prs_fail(err, PRS_ENOMEM, "the environment of the job");
	prs_log_path(log, sizeof log, run->dir, PRS_NAME_TABLE_OUT, "", "");
	if (!r)
		r = prs_table_writer_begin(w,
		                           &(struct prs_table_writer_start){ .fs = f->fs,
		                                                             .program = program,
		                                                             .python = p->job->python,
		                                                             .loader = loader,
		                                                             .variables = &env,
		                                                             .log = log,
		                                                             .format = format,
		                                                             .types = types,
		                                                             .timeout_us = p->job->o.init_timeout_us },
		                           err);
	prs_list_done(&env);
	return r;
}

/* ---- the engine -------------------------------------------------------------------------------------------------- */

int prs_run_start(const struct prs_front *f, const struct prs_run *run, const struct prs_engine_config *c,
                  struct prs_engine_end *ret, struct prs_err *err)
{
	char program[PATH_MAX], loader[PATH_MAX];
	struct prs_list env = { 0 };
	struct prs_engine_config full = *c;
	prs_run_share(c->placed->job);
	int r = prs_find_parts(program, loader, err);
	PRS_AUTOFREE char *code = prs_strf("%s/work/code", run->dir);
	if (!r && (!code || prs_make_environment(c->placed, run->dir, code, run->name, &env) < 0))
		r = prs_fail(err, PRS_ENOMEM, "the environment of the workers");
	full.struct_size = sizeof full;
	full.fs = f->fs;
	full.dir = run->dir;
	full.run = run->id;
	full.run_name = run->name;
	full.program = program;
	full.loader = loader;
	full.variables = &env;
	if (!r)
		r = prs_engine_run(&full, ret, err);
	prs_list_done(&env);
	return r;
}
