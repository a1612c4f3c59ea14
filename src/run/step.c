/* SPDX-License-Identifier: Apache-2.0
 * step: what the process of a parallel step does (prs _step): its run folder is made from work/<name>.json, once, from
 * the copy of the code that the pipeline has; then the ordinary engine runs in it, as often as it takes.
 *
 * Of two such processes of one step, that of a dead engine and that of the next one, the second waits for the end of
 * the first: work/<name>.lock.
 */
#include "run/pipeline.h"

#include "base/killpoint.h"
#include "base/mem.h"
#include "io/lock.h"
#include "io/loop.h"
#include "io/tree.h"
#include "run/folder.h"
#include "run/load.h"
#include "run/start.h"
#include "run/view.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define LOOK_AGAIN_US UINT64_C(20000)

struct place {
	const struct prs_front *f;
	const char *pipeline, *folder;
	struct prs_pipeline *description;
	const struct prs_step *step;
	char *dir; /* its run folder */
	int lock;
};

/* ---- alone ------------------------------------------------------------------------------------------------------- */

/* Until the process of a dead engine has ended, and nobody resumes this run by itself. */
static int wait_for_others(struct place *at, struct prs_err *err)
{
	const struct prs_fs *fs = at->f->fs;
	PRS_AUTOFREE char *path = prs_strf("%s/work/%s.lock", at->pipeline, at->folder);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the lock of a step");
	at->lock = fs->open(fs->ctx, path, O_RDWR | O_CREAT | PRS_O_OWN, 0600);
	if (at->lock < 0)
		return prs_fail_errno(err, -at->lock, "opening %s", path);
	while (!prs_lock_take(at->lock) && (errno == EAGAIN || errno == EACCES))
		prs_pause_us(LOOK_AGAIN_US);
	while (prs_lock_look(at->dir, NULL, 0) == PRS_LOCK_HELD)
		prs_pause_us(LOOK_AGAIN_US);
	return 0;
}

static int find_step(struct place *at, struct prs_err *err)
{
	at->description = prs_pipeline_read(at->f->fs, at->pipeline, err);
	if (!at->description)
		return err->code;
	for (size_t i = 0; i < at->description->steps_n; i++)
		if (!strcmp(at->description->steps[i].folder, at->folder))
			at->step = &at->description->steps[i];
	return at->step ? 0 : prs_fail(err, PRS_ENOTFOUND, "the pipeline has no step in %s", at->folder);
}

/* ---- its folder -------------------------------------------------------------------------------------------------- */

static bool has(const struct place *at, const char *name)
{
	struct prs_fs_stat st;
	PRS_AUTOFREE char *path = prs_strf("%s/%s", at->dir, name);
	return path && at->f->fs->stat(at->f->fs->ctx, path, &st) == 0;
}

/* One that was left half made: nothing ran in it. */
static int remove_half_made(const struct place *at, struct prs_err *err)
{
	char path[PATH_MAX] = "";
	if (!has(at, ".") || has(at, "job.json"))
		return 0;
	int r = prs_tree_remove(at->dir, "RUN", path, sizeof path);
	return r < 0 ? prs_fail_errno(err, -r, "removing %s", path) : 0;
}

/* The first mistake, in one line. */
static int say_mistakes(struct prs_load *l, struct prs_err *err)
{
	PRS_AUTOBUF lines;
	prs_buf_init(&lines, 1 << 20);
	prs_yaml_print(l->doc, PRS_MISTAKE, &lines);
	prs_buf_puts(&lines, prs_buf_str(&l->mistakes));
	const char *text = prs_buf_str(&lines);
	return prs_fail(err, PRS_EINVALID, "%.*s", (int)strcspn(text, "\n"), text);
}

/* Its code lies where the user has it, not where the pipeline keeps the copy. */
static int name_original(const struct place *at, struct prs_job *j, struct prs_err *err)
{
	char *origin = at->step->snapshot >= 0 && at->step->code_dir ? prs_strdup(at->step->code_dir) : NULL;
	if (!origin)
		return at->step->snapshot >= 0 && at->step->code_dir ? prs_fail(err, PRS_ENOMEM, "the code of a step")
		                                                     : 0;
	prs_freep(&j->code_dir);
	j->code_dir = origin;
	return 0;
}

static int make_from(struct place *at, struct prs_load *l, struct prs_run *run, struct prs_placed *placed,
                     struct prs_err *err)
{
	char name[512];
	PRS_AUTOFREE char *code = prs_strf("%s/snapshots/%lld", at->pipeline, (long long)at->step->snapshot);
	struct prs_run pipeline;
	if (!code)
		return prs_fail(err, PRS_ENOMEM, "the run folder of a step");
	if (prs_load_job(l, err) < 0)
		return err->code;
	if (l->mistakes_n)
		return say_mistakes(l, err);
	if (name_original(at, &l->job, err) < 0 || prs_run_find(at->f->fs, "", at->pipeline, &pipeline, err) < 0)
		return err->code;
	snprintf(name, sizeof name, "%.250s/%.250s", pipeline.name, at->folder);
	struct prs_step_place place = { at->dir, name, at->step->snapshot >= 0 ? code : NULL };
	PRS_KILL_POINT("step.making");
	return prs_run_make_step(at->f, &l->job, &place, run, placed, err);
}

static int make(struct place *at, struct prs_err *err)
{
	struct prs_load l;
	struct prs_run run;
	struct prs_placed placed = { .job = &l.job };
	PRS_AUTOBUF json;
	prs_buf_init(&json, PRS_PIPELINE_BYTES_MAX);
	PRS_AUTOFREE char *path = prs_strf("%s/work/%s.json", at->pipeline, at->folder);
	int r = path ? prs_read_own_file(at->f->fs, path, &json, err) : prs_fail(err, PRS_ENOMEM, "the job of a step");
	if (r < 0)
		return r;
	if (prs_load_init(&l, at->f) < 0)
		r = prs_fail(err, PRS_ENOMEM, "the job of a step");
	l.json = prs_buf_str(&json);
	l.json_bytes = json.len;
	l.makes_environment = l.executes = true;
	if (!r)
		r = make_from(at, &l, &run, &placed, err);
	prs_placed_done(&placed);
	prs_load_done(&l);
	return r;
}

/* A run that was canceled by itself is over: to try it again is to begin it again. */
static int begin_again(const struct place *at, const struct prs_run *run, struct prs_err *err)
{
	struct prs_view v;
	char path[PATH_MAX] = "";
	int r = prs_view_read(&v, at->f->fs, run, err);
	bool canceled = !r && v.ledger.job == PRS_JOB_CANCELED;
	prs_view_done(&v);
	if (r < 0 || !canceled)
		return r;
	r = prs_tree_remove(at->dir, "RUN", path, sizeof path);
	return r < 0 ? prs_fail_errno(err, -r, "removing %s", path) : make((struct place *)(uintptr_t)at, err);
}

/* ---- its engine -------------------------------------------------------------------------------------------------- */

static int start(struct place *at, bool retry, const struct prs_engine_config *c, struct prs_engine_end *ret,
                 struct prs_err *err)
{
	struct prs_job j;
	struct prs_run run;
	struct prs_placed placed = { .job = &j };
	struct prs_engine_config full = *c;
	if (prs_run_find(at->f->fs, "", at->dir, &run, err) < 0 || (retry && begin_again(at, &run, err) < 0) ||
	    prs_run_find(at->f->fs, "", at->dir, &run, err) < 0)
		return err->code;
	prs_job_init(&j);
	int r = prs_run_read_job(at->f->fs, &j, &placed, run.dir, err);
	full.job = &j;
	full.placed = &placed;
	full.retry_failed = retry;
	PRS_KILL_POINT("step.made");
	if (!r)
		r = prs_run_start(at->f, &run, &full, ret, err);
	prs_placed_done(&placed);
	prs_job_done(&j);
	return r;
}

int prs_pipeline_step(const struct prs_front *f, const char *dir, const char *folder, bool retry,
                      const struct prs_engine_config *c, struct prs_engine_end *ret, struct prs_err *err)
{
	struct place at = { .f = f, .pipeline = dir, .folder = folder, .lock = -1 };
	at.dir = prs_strf("%s/steps/%s", dir, folder);
	int r = at.dir ? find_step(&at, err) : prs_fail(err, PRS_ENOMEM, "a step");
	if (!r)
		r = wait_for_others(&at, err);
	if (!r)
		r = remove_half_made(&at, err);
	if (!r && !has(&at, "job.json"))
		r = make(&at, err);
	if (!r)
		r = start(&at, retry, c, ret, err);
	prs_pipeline_free(at.description);
	prs_freep(&at.dir);
	if (at.lock >= 0)
		f->fs->close(f->fs->ctx, at.lock);
	return r;
}
