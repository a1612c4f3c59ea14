/* SPDX-License-Identifier: Apache-2.0
 * folder: everything that the run needs is copied into its folder, so that it can be moved and the original changed.
 *
 * RUN is its first file: from then on it is nobody's input, and found when it stays half made. job.json is the last
 * one: a run without it never began. Whatever fails between them, and a signal that ends the program: the folder goes.
 */
#include "run/folder.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/path.h"
#include "data/list.h"
#include "io/hold.h"
#include "io/lock.h"
#include "io/process.h"
#include "io/tree.h"
#include "run/modes.h"
#include "spec/code.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NAME_CHARS = 80, TRIES = 20, SUMS_BYTES_MAX = 64 << 20 };

/* ---- the run folder ---------------------------------------------------------------------------------------------- */

static int make_runs(const struct prs_fs *fs, const char *runs, struct prs_err *err)
{
	size_t length;
	PRS_AUTOFREE char *path = prs_strf("%s/", runs);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the run folder");
	int r = prs_path_make(fs, path, 0, 0755, &length);
	if (r < 0)
		return prs_fail_errno(err, -r,
		                      "the run folder cannot be made in %s (--runs-dir, $PRS_RUNS or ./runs): "
		                      "creating %.*s",
		                      runs, (int)length, path);
	return 0;
}

static int make_name(const char *name, char *to, size_t n, struct prs_err *err)
{
	char stamp[32];
	uint8_t random[3];
	time_t now = time(NULL);
	struct tm tm;
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return prs_fail_errno(err, errno, "random numbers");
	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
	snprintf(to, n, "%.*s-%s-%c%c%c", NAME_CHARS, name, stamp, 'a' + random[0] % 26, 'a' + random[1] % 26,
	         'a' + random[2] % 26);
	return 0;
}

/* Nobody else looks in before its permissions are right. */
static int open_to_others(const struct prs_job *j, struct prs_run *run, uint32_t *ret_mode, struct prs_err *err)
{
	struct stat st;
	if (stat(run->dir, &st) < 0)
		return prs_fail_errno(err, errno, "reading %s", run->dir);
	*ret_mode = prs_run_mode(j, st.st_gid);
	if (chmod(run->dir, *ret_mode | (st.st_mode & S_ISGID)) < 0)
		return prs_fail_errno(err, errno, "setting the permissions of %s", run->dir);
	return 0;
}

static int make_id(struct prs_run *run, struct prs_err *err)
{
	if (getrandom(run->id.bytes, sizeof run->id.bytes, 0) != (ssize_t)sizeof run->id.bytes)
		return prs_fail_errno(err, errno, "random numbers");
	return 0;
}

/* A step of a pipeline: its place and its name are given. */
static int make_step_folder(struct prs_run *run, const struct prs_step_place *at, struct prs_err *err)
{
	snprintf(run->name, sizeof run->name, "%s", at->name);
	snprintf(run->dir, sizeof run->dir, "%s", at->dir);
	if (mkdir(run->dir, 0700) < 0)
		return prs_fail_errno(err, errno, "creating %s", run->dir);
	return make_id(run, err);
}

static int make_run_folder(const struct prs_fs *fs, const char *name, const char *runs, struct prs_run *run,
                           struct prs_err *err)
{
	char real[PATH_MAX];
	int r = make_runs(fs, runs, err);
	if (r < 0)
		return r;
	if (!realpath(runs, real))
		return prs_fail_errno(err, errno, "%s", runs);
	if (make_id(run, err) < 0)
		return err->code;
	for (int i = 0; i < TRIES; i++) {
		r = make_name(name, run->name, sizeof run->name, err);
		if (r < 0)
			return r;
		if ((size_t)snprintf(run->dir, sizeof run->dir, "%s/%s", real, run->name) >= sizeof run->dir - 128)
			return prs_fail(err, PRS_ELIMIT, "the path of the run folder is too long: %.200s...", run->dir);
		if (mkdir(run->dir, 0700) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return prs_fail_errno(err, errno,
	                      "the run folder cannot be made (--runs-dir, $PRS_RUNS or ./runs): creating %s", run->dir);
}

static int make_folders(const char *dir, uint32_t mode, struct prs_err *err)
{
	static const char *const folders[] = { "code", "outputs" };
	char path[PATH_MAX + 32];
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
		if (mkdir(path, mode) < 0)
			return prs_fail_errno(err, errno, "creating %s", path);
	}
	return 0;
}

/* The folder of the script; of a step of a pipeline the copy that the pipeline has of it, all of that. */
static int copy_code(const struct prs_front *f, struct prs_placed *p, const char *from, const char *code,
                     struct prs_err *err)
{
	struct prs_snapshot_ear ear = { f->say, f->ctx };
	return from ? prs_snapshot_copy(f->fs, from, code, err) : prs_snapshot(p, f->fs, code, &ear, err);
}

/* code/: what the run is; work/code/: the workers' folder, theirs to write in. */
static int take_snapshot(const struct prs_front *f, struct prs_placed *p, const char *from, const char *dir,
                         uint32_t mode, struct prs_err *err)
{
	PRS_AUTOFREE char *code = prs_strf("%s/code", dir), *path = prs_strf("%s/code.sums", dir);
	PRS_AUTOFREE char *work = prs_strf("%s/work", dir), *work_code = prs_strf("%s/work/code", dir);
	const struct prs_fs *fs = f->fs;
	struct prs_code_restored made;
	PRS_AUTOBUF sums;
	prs_buf_init(&sums, SUMS_BYTES_MAX);
	if (!code || !path || !work || !work_code)
		return prs_fail(err, PRS_ENOMEM, "the copy of the code");
	if (copy_code(f, p, from, code, err) < 0 || prs_run_share_copy(p->job, code, err) < 0 ||
	    prs_code_sums(fs, dir, "code", p->code_print, &sums, err) < 0 ||
	    prs_write_file(fs, path, sums.data, sums.len, 0644, err) < 0)
		return err->code;
	if (prs_code_restore(fs, dir, "code", &made, err) < 0)
		return err->code;
	if (chmod(work, mode) < 0 || chmod(work_code, mode) < 0)
		return prs_fail_errno(err, errno, "setting the permissions of %s", work_code);
	return prs_run_share_copy(p->job, work, err);
}

int prs_run_take_code(const struct prs_front *f, const struct prs_placed *p, const char *dir, const char *name,
                      struct prs_err *err)
{
	PRS_AUTOFREE char *was = prs_strf("%s/code", dir), *to = prs_strf("%s/%s", dir, name);
	struct prs_snapshot_ear ear = { f->say, f->ctx };
	struct prs_placed now = *p; /* its fingerprint stays that of the begin */
	struct stat st;
	if (!was || !to)
		return prs_fail(err, PRS_ENOMEM, "the copy of the code");
	mode_t mode = stat(was, &st) == 0 ? st.st_mode & 07777 : 0700;
	if (mkdir(to, mode) < 0 || chmod(to, mode) < 0)
		return prs_fail_errno(err, errno, "creating %s", to);
	if (prs_snapshot(&now, f->fs, to, &ear, err) < 0)
		return err->code;
	return prs_run_share_copy(p->job, to, err);
}

static int keep_list(const struct prs_fs *fs, char **list, const char *dir, const char *name, size_t i,
                     struct prs_err *err)
{
	PRS_AUTOBUF bytes;
	prs_buf_init(&bytes, PRS_LIST_FILE_BYTES_MAX + 1);
	PRS_AUTOFREE char *path = prs_strf("%s/%s-%zu.list", dir, name, i);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the list of files");
	if (prs_read_file(fs, *list, &bytes, err) < 0 || prs_write_file(fs, path, bytes.data, bytes.len, 0644, err) < 0)
		return err->code;
	prs_freep(list);
	*list = path;
	path = NULL;
	return 0;
}

/* A list of files is kept in the run: what is planned cannot change under it. */
static int keep_lists(const struct prs_fs *fs, struct prs_placed *p, const char *dir, struct prs_err *err)
{
	for (size_t i = 0; i < p->job->inputs_n; i++) {
		struct prs_placed_input *in = &p->inputs[i];
		if (p->job->inputs[i].is_list && keep_list(fs, &in->path, dir, "input", i, err) < 0)
			return err->code;
		if (in->only && keep_list(fs, &in->only, dir, "only", i, err) < 0)
			return err->code;
	}
	return 0;
}

static int write_job(const struct prs_fs *fs, struct prs_placed *p, const char *dir, struct prs_err *err)
{
	char path[PATH_MAX + 32];
	PRS_AUTOBUF json;
	prs_buf_init(&json, 16 << 20);
	snprintf(path, sizeof path, "%s/job.json", dir);
	if (prs_placed_to_json(p, &json, err) < 0)
		return err->code;
	return prs_write_file(fs, path, json.data, json.len, 0600, err);
}

static int fill_run_folder(const struct prs_front *f, struct prs_placed *p, const struct prs_job *j,
                           struct prs_run *run, const struct prs_only_failed *only, const char *code_from,
                           struct prs_err *err)
{
	const struct prs_fs *fs = f->fs;
	uint32_t mode = 0700;
	if (prs_run_file_write(fs, run->dir, &run->id, run->name, PRS_VERSION, err) < 0 ||
	    open_to_others(j, run, &mode, err) < 0 || make_folders(run->dir, mode, err) < 0 ||
	    prs_place(p, j, fs, run->dir, run->name, err) < 0 || keep_lists(fs, p, run->dir, err) < 0)
		return err->code;
	if (only && prs_only_failed_check_output(only, p, err) < 0)
		return err->code;
	if (prs_placed_make_outputs(p, fs, err) < 0 || take_snapshot(f, p, code_from, run->dir, mode, err) < 0)
		return err->code;
	return write_job(fs, p, run->dir, err);
}

/* ---- a signal that ends the program, meanwhile ------------------------------------------------------------------- */

static const struct prs_fs *folder_fs; /* of the run folder that is being made */

static int folder_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	return prs_hold_came() ? -EINTR : folder_fs->open(ctx, path, flags, mode);
}

static ssize_t folder_pread(void *ctx, int fd, void *to, size_t n, uint64_t offset)
{
	return prs_hold_came() ? -EINTR : folder_fs->pread(ctx, fd, to, n, offset);
}

/* The file functions, but none goes on once a signal came. */
static struct prs_fs until_a_signal(const struct prs_fs *fs)
{
	struct prs_fs f = *fs;
	folder_fs = fs;
	f.open = folder_open;
	f.pread = folder_pread;
	return f;
}

/* RUN goes last: what is left when even that fails is still a half-made run. */
static void remove_half_made(const char *dir)
{
	char at[PATH_MAX];
	prs_tree_remove(dir, "RUN", at, sizeof at);
}

/* Nobody takes the folder for one that was left half made. Closing it gives it free: the engine takes it again. */
static int hold_lock(const struct prs_fs *fs, const char *dir)
{
	PRS_AUTOFREE char *path = prs_strf("%s/lock", dir);
	int fd = path ? fs->open(fs->ctx, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600) : -1;
	if (fd >= 0)
		prs_lock_take(fd);
	return fd;
}

static void say_runs(const struct prs_front *f, unsigned n)
{
	char line[256];
	snprintf(line, sizeof line, "%s in the folder of the script %s not copied with it",
	         prs_many(n, "run folder").text, n == 1 ? "is" : "are");
	if (f->say)
		f->say(f->ctx, line);
}

static int fill(const struct prs_front *f, const struct prs_run_filling *what, struct prs_run *run, struct prs_err *err)
{
	struct prs_fs fs = until_a_signal(f->fs);
	int lock = hold_lock(f->fs, run->dir);
	struct prs_front stoppable = { &fs, f->say, f->ctx };
	int r = what->fill(what->ctx, &stoppable, run, err);
	if (prs_hold_came())
		r = prs_fail(err, PRS_EINTERRUPTED, "stopped while the run folder was made");
	if (r < 0)
		remove_half_made(run->dir);
	if (lock >= 0)
		f->fs->close(f->fs->ctx, lock);
	return r;
}

int prs_run_make_folder(const struct prs_front *f, const char *runs, const struct prs_run_filling *what,
                        struct prs_run *run, struct prs_err *err)
{
	struct prs_hold hold;
	prs_hold_begin(&hold);
	*run = (struct prs_run){ .kind = PRS_RUN_JOB };
	int r = what->at ? make_step_folder(run, what->at, err) : make_run_folder(f->fs, what->name, runs, run, err);
	if (r == 0)
		r = fill(f, what, run, err);
	prs_hold_end(&hold);
	return r;
}

/* Of a job. */
struct job_filling {
	const struct prs_job *job;
	struct prs_placed *placed;
	const struct prs_only_failed *only;
	const char *code;
};

static int folder_fill_job(void *ctx, const struct prs_front *f, struct prs_run *run, struct prs_err *err)
{
	const struct job_filling *j = ctx;
	return fill_run_folder(f, j->placed, j->job, run, j->only, j->code, err);
}

static int make(const struct prs_front *f, const struct prs_job *j, const char *runs, const struct prs_step_place *at,
                const struct prs_only_failed *only, struct prs_run *run, struct prs_placed *p, struct prs_err *err)
{
	struct job_filling job = { j, p, only, at ? at->code : NULL };
	struct prs_run_filling what = { j->name, at, folder_fill_job, &job };
	*p = (struct prs_placed){ .job = j };
	prs_run_share(j);
	int r = prs_run_make_folder(f, runs, &what, run, err);
	if (r == 0 && p->runs_left_out)
		say_runs(f, p->runs_left_out);
	return r;
}

int prs_run_make(const struct prs_front *f, const struct prs_job *j, const char *runs,
                 const struct prs_only_failed *only, struct prs_run *run, struct prs_placed *p, struct prs_err *err)
{
	return make(f, j, runs, NULL, only, run, p, err);
}

int prs_run_make_step(const struct prs_front *f, const struct prs_job *j, const struct prs_step_place *at,
                      struct prs_run *run, struct prs_placed *p, struct prs_err *err)
{
	return make(f, j, "", at, NULL, run, p, err);
}

/* ---- read back --------------------------------------------------------------------------------------------------- */

int prs_run_read_job(const struct prs_fs *fs, struct prs_job *j, struct prs_placed *p, const char *dir,
                     struct prs_err *err)
{
	PRS_AUTOBUF json;
	prs_buf_init(&json, 64 << 20);
	PRS_AUTOFREE char *path = prs_strf("%s/job.json", dir);
	*p = (struct prs_placed){ .job = j };
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "job.json");
	int r = prs_read_own_file(fs, path, &json, err);
	if (r == -PRS_ENOTFOUND)
		return prs_fail(err, PRS_ENOTFOUND,
		                "this run folder is only half made: it has no job.json. prs was stopped while it "
		                "made it, "
		                "nothing ran: start a new run (prs clean removes this one)");
	if (r < 0)
		return r;
	return prs_placed_from_json(p, j, (const char *)json.data, json.len, err);
}

void prs_remove_tree(const char *dir)
{
	char rm[] = "rm", flags[] = "-rf", end[] = "--";
	char *copy = prs_strdup(dir), none[8];
	char *argv[] = { rm, flags, end, copy, NULL };
	if (copy)
		prs_capture(argv, none, sizeof none, NULL);
	prs_freep(&copy);
}
