/* SPDX-License-Identifier: Apache-2.0
 * cmd_run: prs run SCRIPT --input PATH ... and prs resume RUN.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "io/loop.h"
#include "io/machine.h"
#include "io/process.h"
#include "store/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- arguments -------------------------------------------------------------------------------------------------------- */

static int set_flag(struct prs_job *j, int argc, char **argv, int *i, struct prs_err *err)
{
	char name[128];
	const char *word = argv[*i], *value = strchr(word, '=');
	bool is_long = word[1] == '-';
	snprintf(name, sizeof name, "%.*s", is_long && value ? (int)(value - word) : (int)strlen(word), word);
	const struct prs_option_row *row = prs_option_find(name, true);
	if (!row) {
		const char *near = prs_option_nearest(name);
		return prs_fail(err, PRS_EINVALID, "unknown option %s%s%s. See prs help", name, near ? "; did you mean " : "", near ? near : "");
	}
	if (is_long && value)
		return prs_option_set(&j->o, row, value + 1, row->flag, err);
	if (row->type == PRS_OPTION_BOOL)
		return prs_option_set(&j->o, row, "true", row->flag, err);
	if (*i + 1 >= argc)
		return prs_fail(err, PRS_EINVALID, "%s needs a value (%s)", name, row->unit[0] ? row->unit : row->help);
	return prs_option_set(&j->o, row, argv[++*i], row->flag, err);
}

static int parse(struct prs_job *j, int argc, char **argv, const char **ret_script, struct prs_err *err)
{
	int r = 0;
	*ret_script = NULL;
	for (int i = 1; i < argc && !r; i++) {
		if (!strcmp(argv[i], "--")) {
			for (i++; i < argc && !r; i++)
				r = prs_list_add(&j->user_args, argv[i]);
		} else if (argv[i][0] == '-' && argv[i][1]) {
			r = set_flag(j, argc, argv, &i, err);
		} else if (!*ret_script) {
			*ret_script = argv[i];
		} else {
			r = prs_fail(err, PRS_EINVALID, "unexpected word %s: the script's own arguments go behind --", argv[i]);
		}
	}
	return r;
}

/* ---- defaults --------------------------------------------------------------------------------------------------------- */

/* The interpreter itself, also behind a version manager's shim. */
static int resolve_python(struct prs_job *j, struct prs_err *err)
{
	char path[PATH_MAX];
	char ask[] = "-c", code[] = "import sys; print(sys.executable)";
	char *name = j->o.python ? j->o.python : (char *)(uintptr_t)"python3";
	char *argv[] = { name, ask, code, NULL };
	if (prs_capture(argv, path, sizeof path, err) < 0)
		return prs_wrap(err, "the interpreter %s", name);
	j->python = prs_strdup(path);
	j->python_why = prs_strdup(j->o.python ? "--python" : "python3 of the PATH");
	return 0;
}

static void default_processes(struct prs_job *j)
{
	struct prs_list gpus = { 0 };
	if (j->o.processes != PRS_UNSET)
		return;
	prs_gpus(getenv("CUDA_VISIBLE_DEVICES"), getenv("AZ_BATCHAI_GPU_COUNT_FOUND"), &gpus);
	j->o.processes = gpus.n ? (int64_t)gpus.n : prs_usable_cores();
	prs_list_done(&gpus);
}

/* ---- the run folder --------------------------------------------------------------------------------------------------- */

static const char *runs_dir(const struct prs_job *j)
{
	const char *env = getenv("PRS_RUNS");
	return j->o.runs_dir ? j->o.runs_dir : env && env[0] ? env : "runs";
}

static int make_dir(const char *path, struct prs_err *err)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? prs_fail_errno(err, errno, "creating %s", path) : 0;
}

static int make_run_folder(struct prs_job *j, struct prs_run_id *run, char *name, size_t name_n, char *dir, size_t dir_n, struct prs_err *err)
{
	char stamp[32], runs[PATH_MAX];
	uint8_t random[3];
	time_t now = time(NULL);
	struct tm tm;
	if (getrandom(run->bytes, sizeof run->bytes, 0) != (ssize_t)sizeof run->bytes || getrandom(random, sizeof random, 0) != 3)
		return prs_fail_errno(err, errno, "random numbers");
	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
	snprintf(name, name_n, "%s-%s-%c%c%c", j->name, stamp, 'a' + random[0] % 26, 'a' + random[1] % 26, 'a' + random[2] % 26);
	int r = make_dir(runs_dir(j), err);
	if (r < 0)
		return r;
	if (!realpath(runs_dir(j), runs))
		return prs_fail_errno(err, errno, "%s", runs_dir(j));
	if ((size_t)snprintf(dir, dir_n, "%s/%s", runs, name) >= dir_n)
		return prs_fail(err, PRS_ELIMIT, "the path of the run folder is too long");
	return make_dir(dir, err);
}

static int fill_run_folder(struct prs_job *j, const char *dir, const struct prs_run_id *run, const char *name, struct prs_err *err)
{
	static const char *const folders[] = { "code", "work", "work/code", "outputs" };
	char path[PATH_MAX + 32];
	int r = 0;
	for (size_t i = 0; i < 4 && !r; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
		r = make_dir(path, err);
	}
	if (!j->output_dir)
		j->output_dir = prs_strf("%s/outputs", dir);
	snprintf(path, sizeof path, "%s/work/code/outputs", dir);
	if (!r && symlink("../../outputs", path) < 0) /* what the script writes to ./outputs is kept with the run */
		r = prs_fail_errno(err, errno, "creating %s", path);
	for (size_t i = 0; i < 3 && !r; i += 2) {
		snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
		r = prs_snapshot(j, program_fs(), path, err);
	}
	PRS_AUTOBUF json;
	prs_buf_init(&json, 16 << 20);
	if (!r)
		r = prs_job_to_json(j, &json, err);
	snprintf(path, sizeof path, "%s/job.json", dir);
	if (!r)
		r = prs_write_file(program_fs(), path, json.data, json.len, 0600, err);
	return r ? r : prs_run_file_write(program_fs(), dir, run, name, PRS_VERSION, err);
}

int cmd_run(int argc, char **argv)
{
	struct prs_err err = { 0 };
	struct prs_job j;
	struct prs_run_id run;
	char cwd[PATH_MAX], name[256], dir[PATH_MAX];
	const char *script = NULL;
	prs_job_init(&j);
	int r = prs_options_init(&j.o, &err);
	if (!r)
		r = parse(&j, argc, argv, &script, &err);
	if (!r && !script)
		r = prs_fail(&err, PRS_EINVALID, "no entry script: prs run SCRIPT --input PATH");
	if (!r && !getcwd(cwd, sizeof cwd))
		r = prs_fail_errno(&err, errno, "the current folder");
	if (r < 0) {
		prs_job_done(&j);
		return complain(2, &err);
	}
	default_processes(&j);
	PRS_AUTOBUF report;
	prs_buf_init(&report, 1 << 20);
	int mistakes = prs_job_check(&j, program_fs(), script, cwd, &report);
	if (resolve_python(&j, &err) < 0) {
		prs_buf_putf(&report, "%s\n", err.msg);
		mistakes++;
	}
	int status = 2;
	if (mistakes)
		fprintf(stderr, "prs: %d mistake%s\n%s", mistakes, mistakes > 1 ? "s" : "", prs_buf_str(&report));
	else if (make_run_folder(&j, &run, name, sizeof name, dir, sizeof dir, &err) < 0 || fill_run_folder(&j, dir, &run, name, &err) < 0)
		complain(2, &err);
	else
		status = start_engine(&j, dir, &run, name, false);
	prs_job_done(&j);
	return status;
}

/* ---- resume ----------------------------------------------------------------------------------------------------------- */

int cmd_resume(int argc, char **argv)
{
	struct prs_err err = { 0 };
	struct prs_job j;
	struct prs_run_id run;
	char dir[PATH_MAX], name[256], path[PATH_MAX + 16];
	const char *word = NULL;
	bool takeover = false;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--takeover"))
			takeover = true;
		else if (argv[i][0] == '-' || word) {
			prs_fail(&err, PRS_EINVALID, "unexpected word %s: prs resume RUN [--takeover]", argv[i]);
			return complain(2, &err);
		} else
			word = argv[i];
	}
	if (find_run(word ? word : "last", dir, sizeof dir, &err) < 0 || prs_run_file_read(program_fs(), dir, &run, name, sizeof name, &err) < 0)
		return complain(2, &err);
	PRS_AUTOBUF json;
	prs_buf_init(&json, 64 << 20);
	snprintf(path, sizeof path, "%s/job.json", dir);
	prs_job_init(&j);
	int r = prs_read_file(program_fs(), path, &json, &err);
	if (!r)
		r = prs_job_from_json(&j, (const char *)json.data, json.len, &err);
	int status = r < 0 ? complain(3, &err) : start_engine(&j, dir, &run, name, takeover);
	prs_job_done(&j);
	return status;
}
