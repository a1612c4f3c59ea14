/* SPDX-License-Identifier: Apache-2.0
 * pipeline: a code folder is copied once, however many steps have it: what is left out of the copy is what the inputs
 * and outputs of any of them are.
 */
#include "run/workspace.h"
#include "run/pipeline.h"

#include "base/killpoint.h"
#include "base/mem.h"
#include "base/path.h"
#include "io/lock.h"
#include "run/folder.h"
#include "run/modes.h"
#include "run/reuse.h"
#include "run/start.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* ---- snapshots --------------------------------------------------------------------------------------------------- */

static bool same_list(const struct prs_list *a, const struct prs_list *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return a->n == b->n;
}

/* The same folder, copied in the same way. */
static bool same_code(const struct prs_step *a, const struct prs_step *b)
{
	const struct prs_job *x = a->checked, *y = b->checked;
	if (!b->code_dir || strcmp(a->code_dir, b->code_dir) != 0 || !same_list(&a->includes, &b->includes))
		return false;
	if (x->o.code_copy != y->o.code_copy)
		return false;
	return x->o.code_copy != PRS_CODE_SCRIPT || !strcmp(x->entry ? x->entry : "", y->entry ? y->entry : "");
}

/* What is no code to `from` is none to `to`. */
static int add_data(struct prs_job *to, const struct prs_job *from)
{
	int r = 0;
	for (size_t i = 0; i < from->inputs_n && !r; i++)
		r = from->inputs[i].path ? prs_list_add(&to->data_paths, from->inputs[i].path) : 0;
	for (size_t i = 0; i < from->side_inputs_n && !r; i++)
		r = prs_list_add(&to->data_paths, from->side_inputs[i].value);
	for (size_t i = 0; i < from->data_paths.n && !r; i++)
		r = prs_list_add(&to->data_paths, from->data_paths.v[i]);
	for (size_t i = 0; i < from->outputs_n && !r; i++)
		r = from->outputs[i].path ? prs_list_add(&to->data_paths, from->outputs[i].path) : 0;
	return r;
}

static int take_one(const struct prs_front *f, struct prs_pipeline *p, size_t first, int64_t number,
                    const struct prs_run *run, struct prs_err *err)
{
	struct prs_step *s = &p->steps[first];
	struct prs_placed placed = { .job = s->checked };
	struct prs_snapshot_ear ear = { f->say, f->ctx };
	PRS_AUTOFREE char *dir = prs_strf("%s/steps/%s", run->dir, s->folder);
	PRS_AUTOFREE char *to = prs_strf("%s/snapshots/%lld", run->dir, (long long)number);
	if (!dir || !to)
		return prs_fail(err, PRS_ENOMEM, "the copy of the code");
	s->snapshot = number;
	for (size_t i = first + 1; i < p->steps_n; i++) {
		if (!p->steps[i].checked || !same_code(s, &p->steps[i]))
			continue;
		p->steps[i].snapshot = number;
		if (add_data(s->checked, p->steps[i].checked) < 0)
			return prs_fail(err, PRS_ENOMEM, "the copy of the code");
	}
	int r = f->fs->mkdir(f->fs->ctx, to, 0755);
	if (r < 0)
		return prs_fail_errno(err, -r, "creating %s", to);
	r = prs_place(&placed, s->checked, f->fs, dir, run->name, err);
	if (!r)
		r = prs_snapshot(&placed, f->fs, to, &ear, err);
	if (!r)
		r = prs_run_share_copy(s->checked, to, err);
	prs_placed_done(&placed);
	return r < 0 ? prs_wrap(err, "step %s", s->name) : 0;
}

static int take_snapshots(const struct prs_front *f, struct prs_pipeline *p, const struct prs_run *run,
                          struct prs_err *err)
{
	int64_t number = 0;
	for (size_t i = 0; i < p->steps_n; i++)
		p->steps[i].snapshot = -1;
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].code_dir && p->steps[i].checked && p->steps[i].snapshot < 0 &&
		    take_one(f, p, i, number++, run, err) < 0)
			return err->code;
	return 0;
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

/* No more open than any folder of code that it has a copy of. */
static int open_to_others(const struct prs_pipeline *p, const struct prs_run *run, struct prs_err *err)
{
	struct stat st;
	uint32_t mode = 0777;
	bool any = false;
	if (stat(run->dir, &st) < 0)
		return prs_fail_errno(err, errno, "reading %s", run->dir);
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].checked && p->steps[i].code_dir) {
			mode &= prs_run_mode(p->steps[i].checked, st.st_gid);
			any = true;
		}
	if (chmod(run->dir, (any ? mode : 0700) | (st.st_mode & S_ISGID)) < 0)
		return prs_fail_errno(err, errno, "setting the permissions of %s", run->dir);
	return 0;
}

static int make_folders(const struct prs_fs *fs, const char *dir, struct prs_err *err)
{
	static const char *const names[] = { "snapshots", "steps", "work", "logs" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		PRS_AUTOFREE char *path = prs_strf("%s/%s", dir, names[i]);
		int r = path ? fs->mkdir(fs->ctx, path, 0755) : -ENOMEM;
		if (r < 0)
			return prs_fail_errno(err, -r, "creating %s/%s", dir, names[i]);
	}
	return 0;
}

static int write_description(const struct prs_fs *fs, const struct prs_pipeline *p, const char *dir,
                             struct prs_err *err)
{
	PRS_AUTOBUF json;
	prs_buf_init(&json, PRS_PIPELINE_BYTES_MAX);
	PRS_AUTOFREE char *path = prs_strf("%s/pipeline.json", dir);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "pipeline.json");
	if (prs_pipeline_to_json(p, &json, err) < 0)
		return err->code;
	return prs_write_file(fs, path, json.data, json.len, 0600, err);
}

static int pipeline_fill(void *ctx, const struct prs_front *f, struct prs_run *run, struct prs_err *err)
{
	struct prs_pipeline *p = ctx;
	run->kind = PRS_RUN_PIPELINE;
	if (prs_run_file_write_as(f->fs, run->dir, PRS_RUN_PIPELINE, &run->id, run->name, PRS_VERSION, err) < 0 ||
	    open_to_others(p, run, err) < 0 || make_folders(f->fs, run->dir, err) < 0 ||
	    take_snapshots(f, p, run, err) < 0)
		return err->code;
	PRS_KILL_POINT("pipeline.making");
	return write_description(f->fs, p, run->dir, err);
}

int prs_pipeline_make(const struct prs_front *f, struct prs_pipeline *p, const char *runs, struct prs_run *run,
                      struct prs_err *err)
{
	struct prs_run_filling what = { p->name, NULL, pipeline_fill, p };
	return prs_run_make_folder(f, runs, &what, run, err);
}

/* ---- its engine -------------------------------------------------------------------------------------------------- */

static int print_of(const struct prs_fs *fs, const char *dir, uint8_t to[16], struct prs_err *err)
{
	PRS_AUTOBUF json;
	XXH128_canonical_t canonical;
	prs_buf_init(&json, PRS_PIPELINE_BYTES_MAX);
	PRS_AUTOFREE char *path = prs_strf("%s/pipeline.json", dir);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "pipeline.json");
	if (prs_read_own_file(fs, path, &json, err) < 0)
		return err->code;
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(json.data, json.len));
	memcpy(to, canonical.digest, 16);
	return 0;
}

/* The workspace is that of the folder where the pipeline was submitted, not of where its steps run. */
static int tell_workspace(const struct prs_front *f, const struct prs_pipeline *p)
{
	struct prs_workspace w;
	struct prs_err none = { 0 };
	int r = 0;
	if (prs_run_workspace(&w, f->fs, p->submit_dir, NULL, NULL, &none) == 0)
		r = setenv("PRS_WORKSPACE", w.path, 1) < 0 || setenv("AZUREML_ARM_WORKSPACE_NAME", w.name, 0) < 0;
	prs_workspace_done(&w);
	return r ? -PRS_ENOMEM : 0;
}

/* Variables for all steps, of both kinds. */
static int tell_steps(const struct prs_front *f, const struct prs_run *run, const struct prs_pipeline *p,
                      const char *program)
{
	if (setenv("PRS_PROGRAM", program, 1) < 0 || setenv("AZUREML_ARM_PROJECT_NAME", p->name, 0) < 0 ||
	    setenv("AZUREML_ROOT_RUN_ID", run->name, 0) < 0)
		return -PRS_ENOMEM;
	return tell_workspace(f, p);
}

int prs_pipeline_start(const struct prs_front *f, const struct prs_run *run, const struct prs_pipeline_config *c,
                       struct prs_pipeline_end *ret, struct prs_err *err)
{
	char program[PATH_MAX], loader[PATH_MAX], names[PATH_MAX + 16];
	struct prs_pipeline_config full = *c;
	full.struct_size = sizeof full;
	full.fs = f->fs;
	full.dir = run->dir;
	full.run = run->id;
	full.run_name = run->name;
	full.program = program;
	full.names = names;
	if (prs_find_parts(program, loader, err) < 0 || print_of(f->fs, run->dir, full.print, err) < 0)
		return err->code;
	snprintf(names, sizeof names, "%.*s/prs_names", (int)(strrchr(loader, '/') - loader), loader);
	if (tell_steps(f, run, c->pipeline, program) < 0)
		return prs_fail(err, PRS_ENOMEM, "the environment of the steps");
	struct prs_reuse_facts facts;
	int r = prs_reuse_facts(&facts, f, c->pipeline, err);
	full.pythons = facts.pythons;
	full.pythons_n = facts.pythons_n;
	full.defaults = facts.defaults;
	full.check_clean = prs_reuse_check_clean;
	if (!r)
		r = prs_pipeline_run(&full, ret, err);
	prs_reuse_facts_done(&facts);
	return r;
}

/* ---- looked at --------------------------------------------------------------------------------------------------- */

static int view_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct prs_pipeline_view *v = ctx;
	return prs_pipeline_past_fold(&v->past, f, err);
}

static int view_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)ctx;
	(void)body;
	(void)n;
	return prs_fail(err, PRS_ECORRUPT, "a pipeline has no plan");
}

int prs_pipeline_view_read(struct prs_pipeline_view *v, const struct prs_fs *fs, const struct prs_run *run,
                           struct prs_err *err)
{
	struct prs_recovered was;
	struct prs_recover_sink sink = { v, view_plan, view_fact };
	*v = (struct prs_pipeline_view){ 0 };
	/* the lock first: an engine that ends while the journal is read must not look interrupted */
	enum prs_lock_state lock = prs_lock_look(run->dir, v->owner, sizeof v->owner);
	v->running = lock == PRS_LOCK_HELD;
	v->unknown = lock == PRS_LOCK_UNKNOWN;
	v->pipeline = prs_pipeline_read(fs, run->dir, err);
	v->half_made = !v->pipeline && err->code == -PRS_ENOTFOUND;
	if (!v->pipeline)
		return err->code;
	if (prs_pipeline_past_init(&v->past, v->pipeline, err) < 0)
		return err->code;
	return prs_store_recover(fs, run->dir, &run->id, &sink, &was, err);
}

void prs_pipeline_view_done(struct prs_pipeline_view *v)
{
	prs_pipeline_past_done(&v->past);
	prs_pipeline_free(v->pipeline);
	v->pipeline = NULL;
}

static char *output_there(const struct prs_fs *fs, const char *dir, const char *folder, const char *output)
{
	struct prs_err err = { 0 };
	struct prs_run_id id;
	enum prs_run_kind kind;
	char name[256], *path = NULL;
	PRS_AUTOFREE char *step_dir = prs_strf("%s/steps/%s", dir, folder);
	if (!step_dir || prs_run_file_read_any(fs, dir, &kind, &id, name, sizeof name, &err) < 0)
		return NULL;
	struct prs_pipeline *p = prs_pipeline_read(fs, dir, &err);
	for (size_t i = 0; p && i < p->steps_n; i++)
		for (size_t k = 0; k < p->steps[i].outputs_n && !strcmp(p->steps[i].folder, folder) && !path; k++)
			if (!strcmp(p->steps[i].outputs[k].name, output))
				path = prs_step_output_path(&p->steps[i].outputs[k], step_dir, name);
	prs_pipeline_free(p);
	return path;
}

char *prs_pipeline_view_output(const struct prs_pipeline_view *v, const struct prs_fs *fs, const struct prs_run *run,
                               size_t step, size_t output)
{
	const struct prs_step *s = &v->pipeline->steps[step];
	const char *from = v->past.steps[step].reused, *slash = strrchr(from, '/');
	PRS_AUTOFREE char *runs = prs_path_folder(run->dir);
	if (!slash) {
		PRS_AUTOFREE char *dir = prs_strf("%s/steps/%s", run->dir, s->folder);
		return dir ? prs_step_output_path(&s->outputs[output], dir, run->name) : NULL;
	}
	PRS_AUTOFREE char *dir = runs ? prs_strf("%s/%.*s", runs, (int)(slash - from), from) : NULL;
	return dir ? output_there(fs, dir, slash + 1, s->outputs[output].name) : NULL;
}

const char *prs_pipeline_view_state(const struct prs_pipeline_view *v)
{
	switch (v->past.job) {
	case PRS_JOB_COMPLETED: return "completed";
	case PRS_JOB_FAILED: return "failed";
	case PRS_JOB_CANCELED: return "canceled";
	case PRS_JOB_STARTING:
	case PRS_JOB_RUNNING:
	case PRS_JOB_ASSEMBLING:
	case PRS_JOB_ABORTING:
	case PRS_JOB_DRAINING:
	case PRS_JOB_INTERRUPTED:
	case PRS_JOB_STATES: break;
	}
	if (v->half_made && !v->running) /* else it is being made */
		return "half-made";
	if (v->unknown)
		return "unknown";
	return v->running ? "running" : "interrupted";
}

uint64_t prs_pipeline_view_duration_us(const struct prs_pipeline_view *v, uint64_t now_us)
{
	const struct prs_pipeline_past *p = &v->past;
	uint64_t end_us = v->running && now_us > p->last_us ? now_us : p->last_us;
	return p->before_us + (p->head_us && end_us > p->head_us ? end_us - p->head_us : 0);
}
