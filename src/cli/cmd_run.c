/* SPDX-License-Identifier: Apache-2.0
 * cmd_run: prs run SCRIPT --input PATH ...: from the command line to a run folder, then the engine. All mistakes are told at once.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "io/machine.h"
#include "io/process.h"
#include "store/store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_CHARS = 80, TRIES = 20 };

/* ---- the job ---------------------------------------------------------------------------------------------------------- */

static int fill_job(struct prs_job *j, const struct cli_args *a, struct prs_err *err)
{
	int r = prs_options_init(&j->o, err);
	for (size_t i = 0; i < a->options_n && !r; i++)
		r = prs_job_set(j, a->options[i].row, a->options[i].value, a->options[i].where, err);
	for (size_t i = 0; i < a->rest.n && !r; i++)
		r = prs_list_add(&j->user_args, a->rest.v[i]) < 0 ? prs_fail(err, PRS_ENOMEM, "the script's arguments") : 0;
	return r;
}

/* Processes when nobody said how many: GPUs, else the cores we may use. */
static void default_processes(struct prs_job *j)
{
	enum { MOST = 1024 };
	struct prs_list gpus = { 0 };
	if (j->o.processes != PRS_UNSET)
		return;
	prs_gpus(getenv("CUDA_VISIBLE_DEVICES"), getenv("AZ_BATCHAI_GPU_COUNT_FOUND"), &gpus);
	size_t n = gpus.n ? gpus.n : prs_usable_cores();
	j->o.processes = n < MOST ? (int64_t)n : MOST;
	prs_list_done(&gpus);
}

static void check_loader(struct cli_args *a)
{
	struct prs_err err = { 0 };
	char program[PATH_MAX], loader[PATH_MAX];
	if (cli_find_parts(program, loader, &err) < 0)
		cli_mistake(a, "%s", err.msg);
}

static void check_python(struct prs_job *j, struct cli_args *a)
{
	struct prs_err err = { 0 };
	char path[PATH_MAX];
	const char *given = j->o.python;
	if (cli_find_python(given ? given : "python3", a->words.v[0], path, sizeof path, &err) < 0) {
		cli_mistake(a, "%s%s", given && err.code != -PRS_EINVALID ? "--python: " : "", err.msg);
		return;
	}
	j->python = prs_strdup(path);
	j->python_why = prs_strdup(given ? "--python" : "PATH");
	if (!j->python || !j->python_why)
		cli_mistake(a, "out of memory");
}

/* Can a file be made in this folder? Asking (access) is not enough: quotas, read-only mounts, network file systems. */
static int try_folder(const char *folder)
{
	PRS_AUTOFREE char *path = prs_strf("%s/.prs-%d.tmp", folder, (int)getpid());
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return errno ? errno : ENOMEM;
	close(fd);
	return unlink(path) < 0 ? errno : 0;
}

static void check_output_folder(const struct prs_job *j, struct cli_args *a)
{
	struct stat st;
	const char *folder = j->output_dir;
	int e = folder && stat(folder, &st) == 0 && S_ISDIR(st.st_mode) ? try_folder(folder) : 0;
	if (e)
		cli_mistake(a, "--output: no file can be made in %s: %s", folder, strerror(e));
}

static void check_job(struct prs_job *j, struct cli_args *a)
{
	char cwd[PATH_MAX];
	PRS_AUTOBUF report;
	prs_buf_init(&report, 1 << 20);
	if (!getcwd(cwd, sizeof cwd)) {
		cli_mistake(a, "the current folder: %s", strerror(errno));
		return;
	}
	a->mistakes_n += (unsigned)prs_job_check(j, program_fs(), a->words.v[0], cwd, &report);
	prs_buf_puts(&a->mistakes, prs_buf_str(&report));
	check_output_folder(j, a);
	check_python(j, a);
	check_loader(a);
}

/* ---- the run folder --------------------------------------------------------------------------------------------------- */

static int make_parents(const char *path, struct prs_err *err)
{
	char part[PATH_MAX];
	snprintf(part, sizeof part, "%s", path);
	for (char *p = part + 1; p == part + 1 || p[-1]; p++) {
		if (*p != '/' && *p)
			continue;
		char was = *p;
		*p = 0;
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return prs_fail_errno(err, errno, "the run folder cannot be made in %s (--runs-dir, $PRS_RUNS or ./runs): creating %s", path, part);
		*p = was;
		if (!was)
			break;
	}
	return 0;
}

static int make_name(const struct prs_job *j, char *to, size_t n, struct prs_err *err)
{
	char stamp[32];
	uint8_t random[3];
	time_t now = time(NULL);
	struct tm tm;
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return prs_fail_errno(err, errno, "random numbers");
	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
	snprintf(to, n, "%.*s-%s-%c%c%c", NAME_CHARS, j->name, stamp, 'a' + random[0] % 26, 'a' + random[1] % 26, 'a' + random[2] % 26);
	return 0;
}

static int make_run_folder(const struct prs_job *j, const char *runs, struct cli_run *run, struct prs_err *err)
{
	char real[PATH_MAX];
	int r = make_parents(runs, err);
	if (r < 0)
		return r;
	if (!realpath(runs, real))
		return prs_fail_errno(err, errno, "%s", runs);
	if (getrandom(run->id.bytes, sizeof run->id.bytes, 0) != (ssize_t)sizeof run->id.bytes)
		return prs_fail_errno(err, errno, "random numbers");
	for (int i = 0; i < TRIES; i++) {
		r = make_name(j, run->name, sizeof run->name, err);
		if (r < 0)
			return r;
		if ((size_t)snprintf(run->dir, sizeof run->dir, "%s/%s", real, run->name) >= sizeof run->dir - 128)
			return prs_fail(err, PRS_ELIMIT, "the path of the run folder is too long: %.200s...", run->dir);
		if (mkdir(run->dir, 0755) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return prs_fail_errno(err, errno, "the run folder cannot be made (--runs-dir, $PRS_RUNS or ./runs): creating %s", run->dir);
}

static int make_folders(const char *dir, struct prs_err *err)
{
	static const char *const folders[] = { "code", "work", "work/code", "outputs" };
	char path[PATH_MAX + 32];
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
		if (mkdir(path, 0755) < 0)
			return prs_fail_errno(err, errno, "creating %s", path);
	}
	snprintf(path, sizeof path, "%s/work/code/outputs", dir);
	if (symlink("../../outputs", path) < 0) /* what the script writes to ./outputs is kept with the run */
		return prs_fail_errno(err, errno, "creating %s", path);
	return 0;
}

/* code/: what the run is; work/code/: the workers' folder, theirs to write in. */
static int take_snapshot(struct prs_job *j, const char *dir, struct prs_err *err)
{
	PRS_AUTOFREE char *code = prs_strf("%s/code", dir), *work = prs_strf("%s/work/code", dir);
	if (!code || !work)
		return prs_fail(err, PRS_ENOMEM, "the copy of the code");
	int r = prs_snapshot(j, program_fs(), code, err);
	return r ? r : prs_snapshot_copy(program_fs(), code, work, err);
}

static int fill_run_folder(struct prs_job *j, const struct cli_run *run, struct prs_err *err)
{
	char path[PATH_MAX + 32];
	PRS_AUTOBUF json;
	prs_buf_init(&json, 16 << 20);
	int r = make_folders(run->dir, err);
	if (!j->output_dir)
		j->output_dir = prs_strf("%s/outputs", run->dir);
	r = r ? r : take_snapshot(j, run->dir, err);
	r = r ? r : prs_job_to_json(j, &json, err);
	snprintf(path, sizeof path, "%s/job.json", run->dir);
	r = r ? r : prs_write_file(program_fs(), path, json.data, json.len, 0600, err);
	return r ? r : prs_run_file_write(program_fs(), run->dir, &run->id, run->name, PRS_VERSION, err);
}

/* A folder without RUN is no run: what is left of one that could not be filled goes. */
static void remove_tree(const char *dir)
{
	char rm[] = "rm", flags[] = "-rf", end[] = "--";
	char *copy = prs_strdup(dir), none[8];
	char *argv[] = { rm, flags, end, copy, NULL };
	if (copy)
		prs_capture(argv, none, sizeof none, NULL);
	prs_freep(&copy);
}

int cmd_run(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_job j;
	struct cli_run run;
	int status = 2;
	prs_job_init(&j);
	int r = fill_job(&j, a, &err);
	default_processes(&j);
	if (!r && a->words.n)
		check_job(&j, a);
	if (r < 0) {
		complain(2, &err);
	} else if (a->mistakes_n) {
		complain_all(a->mistakes_n, &a->mistakes);
	} else if (make_run_folder(&j, cli_runs_dir(a), &run, &err) < 0) {
		complain(2, &err);
	} else if (fill_run_folder(&j, &run, &err) < 0) {
		remove_tree(run.dir);
		complain(2, &err);
	} else {
		struct cli_start s = { .job = &j, .run = &run, .json = cli_json(a), .quiet = cli_quiet(a) };
		status = cli_start(&s);
	}
	prs_job_done(&j);
	return status;
}
