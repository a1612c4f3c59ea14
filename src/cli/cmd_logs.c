/* SPDX-License-Identifier: Apache-2.0
 * cmd_logs: prs logs RUN: the overview, what a process printed, the errors of the script; as they are, or followed
 * until the run ends.
 */
#include "cli/pipelines.h"

#include "base/mem.h"
#include "io/fs_posix.h"
#include "io/lock.h"
#include "report/trace.h"
#include "wire/names.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* From the folder logs/ of a pipeline to those of its steps. */
#define OF_STEPS "../steps/"

enum { FILES_MAX = 2048, CHUNK = 64 << 10, PAUSE_MS = 200 };

struct file {
	char *path;
	off_t at;
};

struct logs {
	const struct prs_run *run;
	struct prs_list patterns; /* below logs/ */
	struct file v[FILES_MAX];
	size_t n;
	const struct file *last; /* whose bytes were printed last */
	bool reader_gone;
	char *code, *original;  /* of tracebacks: where the script ran, where the user has it; NULL = as they are */
	struct prs_err refused; /* the last file that was not shown, as it is none of the run's */
};

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static void put(struct logs *l, const void *bytes, size_t n)
{
	if (fwrite(bytes, 1, n, stdout) != n)
		l->reader_gone = true;
}

/* "==> user/stdout/127.0.0.1/process000.stdout.txt <==" when there are several files and it is another one's turn. */
static void put_title(struct logs *l, const struct file *f)
{
	if (l->last == f || l->n < 2)
		return;
	const char *below = strstr(f->path, "/logs/");
	const char *step = below ? strstr(below, "/logs/" OF_STEPS) : NULL;
	const char *shown = below ? below + 6 : f->path;
	cli_tell(stdout, "%s==> %s <==\n", l->last ? "\n" : "", step ? step + strlen("/logs/" OF_STEPS) : shown);
	l->last = f;
}

/* Whole lines, as long as there are any: a path is in one piece. What was put of them. */
static size_t put_traces(struct logs *l, const char *bytes, size_t n)
{
	const char *feed = memrchr(bytes, '\n', n);
	PRS_AUTOBUF named;
	prs_buf_init(&named, 64 * CHUNK);
	n = feed ? (size_t)(feed - bytes) + 1 : n;
	prs_put_own_files(&named, bytes, n, l->code, l->original, program_fs());
	if (named.failed)
		put(l, bytes, n);
	else
		put(l, named.data, named.len);
	return n;
}

/* What is new in a file; false when there is nothing. */
static bool put_new(struct logs *l, struct file *f)
{
	static char bytes[CHUNK];
	bool any = false;
	int fd = prs_open_own(f->path, O_RDONLY, 0);
	if (fd == -PRS_ERRNO_NOT_OWN)
		prs_fail_errno(&l->refused, -fd, "%s", f->path);
	ssize_t n;
	while (fd >= 0 && !l->reader_gone && (n = pread(fd, bytes, sizeof bytes, f->at)) > 0) {
		put_title(l, f);
		if (l->original)
			n = (ssize_t)put_traces(l, bytes, (size_t)n);
		else
			put(l, bytes, (size_t)n);
		f->at += n;
		any = true;
	}
	if (fd >= 0)
		close(fd);
	return any;
}

/* ---- which files ------------------------------------------------------------------------------------------------- */

static bool is_known(const struct logs *l, const char *path)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i].path, path))
			return true;
	return false;
}

/* Files appear while a job runs. */
static void find_files(struct logs *l)
{
	for (size_t i = 0; i < l->patterns.n; i++) {
		PRS_AUTOFREE char *pattern = prs_strf("%s/logs/%s", l->run->dir, l->patterns.v[i]);
		glob_t found;
		if (!pattern || glob(pattern, 0, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc && l->n < FILES_MAX; k++)
			if (!is_known(l, found.gl_pathv[k]))
				l->v[l->n++] = (struct file){ prs_strdup(found.gl_pathv[k]), 0 };
		globfree(&found);
	}
}

static bool put_all_new(struct logs *l)
{
	bool any = false;
	find_files(l);
	for (size_t i = 0; i < l->n; i++)
		any = put_new(l, &l->v[i]) || any;
	fflush(stdout);
	l->reader_gone = l->reader_gone || ferror(stdout);
	return any;
}

static int add(struct logs *l, const char *pattern, const char *process)
{
	char text[PATH_MAX];
	prs_log_name(text, sizeof text, pattern, "*", process);
	return prs_list_add(&l->patterns, text);
}

/* What commands of a pipeline printed: of one of them, or of all. */
static int choose_steps(struct logs *l)
{
	PRS_AUTOFREE char *pattern = prs_strf(OF_STEPS "%s/logs/user/std_log.txt",
	                                      l->run->step[0] ? l->run->step : "*");
	return pattern ? prs_list_add(&l->patterns, pattern) : -PRS_ENOMEM;
}

/* `process`: "process003", or "*" */
static int choose(struct logs *l, const char *process, bool errors, bool follow)
{
	bool all = !strcmp(process, "*");
	if (l->run->kind == PRS_RUN_PIPELINE)
		return choose_steps(l);
	if (errors)
		return add(l, all && !follow ? PRS_NAME_ERRORS : PRS_NAME_TRACES, process);
	if (all)
		return add(l, PRS_NAME_OVERVIEW, process);
	if (add(l, PRS_NAME_STDOUT, process) < 0)
		return -PRS_ENOMEM;
	return add(l, PRS_NAME_STDERR, process);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

/* Until the run has ended and everything is shown. */
static void follow_files(struct logs *l)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000 };
	for (bool running = true; running && !l->reader_gone;) {
		running = prs_run_is_running(l->run->dir);
		while (put_all_new(l))
			;
		if (running)
			nanosleep(&pause, NULL);
	}
	if (prs_lock_look(l->run->dir, NULL, 0) == PRS_LOCK_UNKNOWN)
		fputs("prs: running or not: unknown, as its file lock cannot be opened: this is what there was\n",
		      stderr);
}

/* "3", "003", "process003" -> "process003" */
static int process_name(const char *word, char to[PRS_PROCESS_NAME_BYTES], struct prs_err *err)
{
	int number = prs_process_number(word);
	if (number < 0)
		return prs_fail(err, PRS_EINVALID, "--process: expected a number such as 3, found \"%s\"", word);
	prs_process_name(to, (unsigned)number);
	return 0;
}

/* Where the script was copied from; a run whose job cannot be read is shown as it is. */
static void find_code(struct logs *l)
{
	struct prs_err none = { 0 };
	struct prs_job j;
	struct prs_placed placed = { .job = &j };
	prs_job_init(&j);
	if (prs_run_read_job(program_fs(), &j, &placed, l->run->dir, &none) == 0 && j.code_dir) {
		l->code = prs_strf("%s/work/code", l->run->dir);
		l->original = l->code ? prs_strdup(j.code_dir) : NULL;
	}
	prs_placed_done(&placed);
	prs_job_done(&j);
}

/* It has no processes, and its steps have no errors of mini-batches. */
static int check_pipeline(const struct cli_args *a, const struct prs_run *run, struct prs_err *err)
{
	if (cli_has(a, "--errors") || cli_has(a, "--process"))
		return cli_refuse_pipeline(a, run, err);
	return run->step[0] ? cli_pipeline_check_step(run, err) : 0;
}

static int show(struct logs *l, const char *process, bool errors, bool follow, struct prs_err *err)
{
	if (errors)
		find_code(l);
	if (choose(l, process, errors, follow) < 0)
		return prs_fail(err, PRS_ENOMEM, "logs");
	bool any = put_all_new(l);
	if (follow)
		follow_files(l);
	else if (!any && strcmp(process, "*") != 0 && !l->n)
		return prs_fail(err, PRS_ENOTFOUND, "%s has no %s in %s/logs", l->run->name, process, l->run->dir);
	if (l->refused.code)
		*err = l->refused;
	return l->refused.code;
}

int cmd_logs(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	char process[PRS_PROCESS_NAME_BYTES] = "*";
	static struct logs l; /* large */
	l.run = &run;
	const char *word = cli_value(a, "--process", 0);
	int r = word ? process_name(word, process, &err) : 0;
	if (!r)
		r = cli_find_any(a, a->words.n ? a->words.v[0] : NULL, &run, &err);
	if (!r && run.kind == PRS_RUN_PIPELINE)
		r = check_pipeline(a, &run, &err);
	if (!r && cli_has(a, "--metrics"))
		return cli_metrics(&run, cli_json(a));
	if (!r)
		r = show(&l, process, cli_has(a, "--errors"), cli_has(a, "--follow"), &err);
	for (size_t i = 0; i < l.n; i++)
		prs_freep(&l.v[i].path);
	prs_list_done(&l.patterns);
	prs_freep(&l.code);
	prs_freep(&l.original);
	return r < 0 ? complain(prs_exit_of(err.code, true), &err) : 0;
}
