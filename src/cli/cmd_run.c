/* SPDX-License-Identifier: Apache-2.0
 * cmd_run: prs run JOB: a run folder for a checked job, then the engine.
 */
#include "cli/cli.h"
#include "cli/load.h"

#include "base/mem.h"
#include "base/path.h"
#include "data/list.h"
#include "io/fs_posix.h"
#include "io/process.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_CHARS = 80, TRIES = 20 };

/* ---- the run folder ---------------------------------------------------------------------------------------------- */

static int make_runs(const char *runs, struct prs_err *err)
{
	size_t length;
	PRS_AUTOFREE char *path = prs_strf("%s/", runs);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the run folder");
	int r = prs_path_make(&prs_fs_posix, path, 0, 0755, &length);
	return r < 0 ? prs_fail_errno(err, -r,
	                              "the run folder cannot be made in %s (--runs-dir, $PRS_RUNS or ./runs): "
	                              "creating %.*s",
	                              runs, (int)length, path)
	             : 0;
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
	snprintf(to, n, "%.*s-%s-%c%c%c", NAME_CHARS, j->name, stamp, 'a' + random[0] % 26, 'a' + random[1] % 26,
	         'a' + random[2] % 26);
	return 0;
}

static int make_run_folder(const struct prs_job *j, const char *runs, struct cli_run *run, struct prs_err *err)
{
	char real[PATH_MAX];
	int r = make_runs(runs, err);
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
	return prs_fail_errno(err, errno,
	                      "the run folder cannot be made (--runs-dir, $PRS_RUNS or ./runs): creating %s", run->dir);
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
static int take_snapshot(struct prs_placed *p, const char *dir, struct prs_err *err)
{
	PRS_AUTOFREE char *code = prs_strf("%s/code", dir), *work = prs_strf("%s/work/code", dir);
	if (!code || !work)
		return prs_fail(err, PRS_ENOMEM, "the copy of the code");
	if (prs_snapshot(p, program_fs(), code, err) < 0)
		return err->code;
	return prs_snapshot_copy(program_fs(), code, work, err);
}

static int keep_list(char **list, const char *dir, const char *name, size_t i, struct prs_err *err)
{
	PRS_AUTOBUF bytes;
	prs_buf_init(&bytes, PRS_LIST_FILE_BYTES_MAX + 1);
	PRS_AUTOFREE char *path = prs_strf("%s/%s-%zu.list", dir, name, i);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the list of files");
	if (prs_read_file(program_fs(), *list, &bytes, err) < 0 ||
	    prs_write_file(program_fs(), path, bytes.data, bytes.len, 0644, err) < 0)
		return err->code;
	prs_freep(list);
	*list = path;
	path = NULL;
	return 0;
}

/* A list of files is kept in the run: what is planned cannot change under it. */
static int keep_lists(struct prs_placed *p, const char *dir, struct prs_err *err)
{
	for (size_t i = 0; i < p->job->inputs_n; i++) {
		struct prs_placed_input *in = &p->inputs[i];
		if (p->job->inputs[i].is_list && keep_list(&in->path, dir, "input", i, err) < 0)
			return err->code;
		if (in->only && keep_list(&in->only, dir, "only", i, err) < 0)
			return err->code;
	}
	return 0;
}

static int write_job(struct prs_placed *p, const char *dir, struct prs_err *err)
{
	char path[PATH_MAX + 32];
	PRS_AUTOBUF json;
	prs_buf_init(&json, 16 << 20);
	snprintf(path, sizeof path, "%s/job.json", dir);
	if (prs_placed_to_json(p, &json, err) < 0)
		return err->code;
	return prs_write_file(program_fs(), path, json.data, json.len, 0600, err);
}

static int fill_run_folder(struct prs_placed *p, const struct prs_job *j, const struct cli_run *run,
                           const struct only_failed *only, struct prs_err *err)
{
	if (make_folders(run->dir, err) < 0 || prs_place(p, j, program_fs(), run->dir, run->name, err) < 0 ||
	    keep_lists(p, run->dir, err) < 0)
		return err->code;
	if (only && only_failed_check_output(only, p, err) < 0)
		return err->code;
	if (prs_placed_make_outputs(p, program_fs(), err) < 0 || take_snapshot(p, run->dir, err) < 0 ||
	    write_job(p, run->dir, err) < 0)
		return err->code;
	return prs_run_file_write(program_fs(), run->dir, &run->id, run->name, PRS_VERSION, err);
}

/* A folder without RUN is no run: what is left of one that could not be filled goes. */
void cli_remove_tree(const char *dir)
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
	struct prs_placed placed = { .job = &j };
	struct load l;
	struct cli_run run;
	int status = load_job(&j, &l, a);
	if (!status && !cli_quiet(a) && !cli_json(a))
		load_warnings(&l, true);
	if (status) {
		;
	} else if (load_is_empty(&l)) {
		if (cli_json(a)) /* a stream ends with an end, always */
			printf("{\"type\":\"end\",\"result\":\"completed\",\"exit\":0,\"mini_batches\":0,\"items\":0}"
			       "\n");
	} else if (make_run_folder(&j, cli_runs_dir(a), &run, &err) < 0) {
		status = complain(2, &err);
	} else if (fill_run_folder(&placed, &j, &run, l.only, &err) < 0) {
		cli_remove_tree(run.dir);
		status = complain(2, &err);
	} else {
		struct cli_start s = { .job = &j,
			               .placed = &placed,
			               .run = &run,
			               .json = cli_json(a),
			               .quiet = cli_quiet(a) };
		status = cli_start(&s);
	}
	prs_placed_done(&placed);
	prs_job_done(&j);
	load_done(&l);
	return status;
}
