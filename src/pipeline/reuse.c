/* SPDX-License-Identifier: Apache-2.0
 * reuse: is there an earlier step with the same fingerprint whose outputs are still those that it made? Looked for on
 * the thread for files, in the pipelines of the same folder of runs, once for each pipeline that runs.
 *
 * Only steps that ran are found (DONE), never one that was reused itself: what a step is reused from is where its
 * outputs lie. A run that is removed meanwhile: its name goes first, and who then begins to read looks for it again
 * (reuse_is_there()), behind the fact that says who reads; prs clean looks for such facts behind the rename.
 */
#include "pipeline/impl.h"

#include "base/killpoint.h"
#include "base/mem.h"
#include "base/path.h"
#include "io/listing.h"
#include "spec/pipeline_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A step of an earlier pipeline that is done. */
struct earlier {
	uint8_t print[16], result[16];
	uint64_t time_us;
	char *run, *step; /* the name of its folder; of the step */
};

struct files {
	char *path;
	uint8_t print[16];
};

struct code {
	bool known;
	uint8_t print[16];
};

struct reuse {
	bool looked;
	struct earlier *v;
	size_t n, cap;
	struct files *files; /* of inputs, of the step that is looked at */
	size_t files_n, files_cap;
	struct code *codes; /* of snapshots */
	size_t codes_n;
};

static const uint8_t none[16];

static int no_memory(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "looking for earlier steps"); }

/* Room for one more. */
static int grow(void *v, size_t n, size_t *cap, size_t bytes)
{
	void **list = v;
	if (n < *cap)
		return 0;
	size_t more = *cap ? 2 * *cap : 64;
	void *p = prs_realloc(*list, more * bytes);
	if (!p)
		return -PRS_ENOMEM;
	*list = p;
	*cap = more;
	return 0;
}

/* ---- the fingerprint of a step ----------------------------------------------------------------------------------- */

static const uint8_t *result_of(void *ctx, size_t step)
{
	const struct step *s = ctx;
	const uint8_t *result = s->e->steps[step].result;
	return memcmp(result, none, 16) != 0 ? result : NULL;
}

static int print_files(struct engine *e, const char *path, uint8_t to[16], struct prs_err *err)
{
	struct prs_fs_stat st;
	struct prs_listing *l = prs_listing_new(e->c.fs, PRS_LISTING_READS);
	bool folder = e->c.fs->stat(e->c.fs->ctx, path, &st) == 0 && S_ISDIR(st.mode);
	const char *slash = strrchr(path, '/');
	if (!l)
		return no_memory(err);
	int r = prs_listing_add(l, folder || !slash ? "" : slash + 1, path, err);
	if (!r)
		prs_listing_print(l, to);
	prs_listing_free(l);
	return r;
}

static int files_of(void *ctx, const char *path, uint8_t to[16], struct prs_err *err)
{
	struct step *s = ctx;
	struct reuse *u = s->e->reuse;
	for (size_t i = 0; i < u->files_n; i++)
		if (!strcmp(u->files[i].path, path)) {
			memcpy(to, u->files[i].print, 16);
			return 0;
		}
	if (print_files(s->e, path, to, err) < 0)
		return err->code;
	if (grow(&u->files, u->files_n, &u->files_cap, sizeof *u->files) < 0)
		return no_memory(err);
	char *kept = prs_strdup(path);
	if (!kept)
		return no_memory(err);
	u->files[u->files_n].path = kept;
	memcpy(u->files[u->files_n++].print, to, 16);
	return 0;
}

static void forget_files(struct reuse *u)
{
	for (size_t i = 0; i < u->files_n; i++)
		prs_freep(&u->files[i].path);
	u->files_n = 0;
}

static const uint8_t *code_of(struct step *s, struct prs_err *err)
{
	struct reuse *u = s->e->reuse;
	int64_t n = s->is->snapshot;
	if (n < 0)
		return NULL;
	if ((size_t)n >= u->codes_n) {
		struct code *v = prs_realloc(u->codes, ((size_t)n + 1) * sizeof *v);
		if (!v) {
			no_memory(err);
			return NULL;
		}
		memset(v + u->codes_n, 0, ((size_t)n + 1 - u->codes_n) * sizeof *v);
		u->codes = v;
		u->codes_n = (size_t)n + 1;
	}
	struct code *c = &u->codes[n];
	PRS_AUTOFREE char *dir = c->known ? NULL : prs_strf("%s/snapshots/%lld", s->e->c.dir, (long long)n);
	if (dir && prs_contents_print(s->e->c.fs, dir, c->print, err) == 0)
		c->known = true;
	return c->known ? c->print : NULL;
}

static const uint8_t *python_of(const struct step *s)
{
	for (size_t i = 0; i < s->e->c.pythons_n; i++)
		if (s->is->python && !strcmp(s->e->c.pythons[i].path, s->is->python))
			return s->e->c.pythons[i].print;
	return NULL;
}

/* Into s->print; all 0: it has none, for the reason in `err`. */
static void print_step(struct step *s, struct prs_err *err)
{
	struct prs_step_parts parts = { .python = python_of(s),
		                        .defaults = s->e->c.defaults,
		                        .result = result_of,
		                        .files = files_of,
		                        .ctx = s };
	memset(s->print, 0, sizeof s->print);
	if (!s->is->allow_reuse)
		return;
	if (s->is->python && !parts.python) {
		prs_fail(err, PRS_EINVALID, "its interpreter did not say what is installed");
		return;
	}
	parts.code = code_of(s, err);
	if (err->code)
		return;
	if (prs_step_print(s->e->p, s->n, &parts, s->print, err) < 0)
		memset(s->print, 0, sizeof s->print);
	forget_files(s->e->reuse);
}

/* ---- what ran earlier -------------------------------------------------------------------------------------------- */

struct scan {
	struct engine *e;
	struct reuse *u;
	char *runs;
	const char *name; /* of the folder that is looked at */
	struct prs_err *err;
};

static char *text_copy(struct prs_text t) { return prs_strf("%.*s", (int)t.n, t.p); }

static int scan_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct scan *x = ctx;
	struct reuse *u = x->u;
	if (f->type != PRS_FACT_STEP || f->u.step.state != PRS_STEP_DONE || !memcmp(f->u.step.print, none, 16))
		return 0;
	if (grow(&u->v, u->n, &u->cap, sizeof *u->v) < 0)
		return no_memory(err);
	struct earlier *y = &u->v[u->n];
	*y = (struct earlier){ .time_us = f->time_us, .run = prs_strdup(x->name), .step = text_copy(f->u.step.step) };
	memcpy(y->print, f->u.step.print, 16);
	memcpy(y->result, f->u.step.result, 16);
	if (y->run && y->step) {
		u->n++;
		return 0;
	}
	prs_freep(&y->run);
	prs_freep(&y->step);
	return no_memory(err);
}

static int scan_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)ctx;
	(void)body;
	(void)n;
	(void)err;
	return 0;
}

/* A run of another user is none of ours: what lies there is what that user says. */
static bool is_ours(const struct prs_fs *fs, const char *dir)
{
	struct prs_fs_stat st;
	return fs->stat(fs->ctx, dir, &st) == 0 && S_ISDIR(st.mode) && st.uid == geteuid();
}

/* A damaged or foreign folder is passed over: prs check and prs status say what is wrong with it. */
static int scan_run(void *ctx, const char *name, char type)
{
	struct scan *x = ctx;
	struct prs_err bad = { 0 };
	struct prs_run_id id;
	enum prs_run_kind kind;
	struct prs_recovered was;
	struct prs_recover_sink sink = { x, scan_plan, scan_fact };
	char run[256];
	PRS_AUTOFREE char *dir = prs_strf("%s/%s", x->runs, name);
	if (!dir)
		return no_memory(x->err);
	if ((type != 'd' && type != '?') || name[0] == '.' || !strcmp(dir, x->e->c.dir) || !is_ours(x->e->c.fs, dir))
		return 0;
	if (prs_run_file_read_any(x->e->c.fs, dir, &kind, &id, run, sizeof run, &bad) < 0 || kind != PRS_RUN_PIPELINE)
		return 0;
	x->name = name;
	prs_store_recover(x->e->c.fs, dir, &id, &sink, &was, &bad);
	return bad.code == -PRS_ENOMEM ? no_memory(x->err) : 0;
}

static void scan_runs(struct engine *e, struct prs_err *err)
{
	if (e->reuse->looked)
		return;
	struct scan x = { .e = e, .u = e->reuse, .err = err, .runs = prs_path_folder(e->c.dir) };
	e->reuse->looked = true;
	if (x.runs)
		e->c.fs->list(e->c.fs->ctx, x.runs, scan_run, &x);
	prs_freep(&x.runs);
}

/* ---- where its outputs are --------------------------------------------------------------------------------------- */

static void origin_done(struct origin *o)
{
	for (size_t i = 0; o->outputs && i < o->n; i++)
		prs_freep(&o->outputs[i]);
	prs_freep(&o->outputs);
	prs_freep(&o->name);
	prs_freep(&o->dir);
	*o = (struct origin){ 0 };
}

static const struct prs_step_output *output_named(const struct prs_step *s, const char *name)
{
	for (size_t i = 0; i < s->outputs_n; i++)
		if (!strcmp(s->outputs[i].name, name))
			return &s->outputs[i];
	return NULL;
}

/* Who gives an output a path wants it there. */
static int check_place(const struct step *s, size_t i, const char *path, struct prs_err *err)
{
	PRS_AUTOFREE char *here = s->is->outputs[i].path ? step_output_made(s, i) : NULL;
	if (!here || !strcmp(here, path))
		return 0;
	return prs_fail(err, PRS_EINVALID, "its output %s is in %s and is wanted in %s", s->is->outputs[i].name, path,
	                here);
}

static int take_output(const struct step *s, size_t i, const struct prs_step *from, const char *run, struct origin *o,
                       struct prs_err *err)
{
	const struct prs_step_output *out = output_named(from, s->is->outputs[i].name);
	if (!out)
		return prs_fail(err, PRS_EINVALID, "it has no output %s", s->is->outputs[i].name);
	o->outputs[i] = prs_step_output_path(out, o->dir, run);
	return o->outputs[i] ? check_place(s, i, o->outputs[i], err) : no_memory(err);
}

/* Are the files there those that it made? */
static int check_files(const struct step *s, const struct origin *o, const uint8_t result[16], struct prs_err *err)
{
	uint8_t is[16] = { 0 };
	struct prs_listing *l = prs_listing_new(s->e->c.fs, PRS_LISTING_LOOKS);
	int r = l ? 0 : no_memory(err);
	for (size_t i = 0; i < o->n && !r; i++)
		r = prs_listing_add(l, s->is->outputs[i].name, o->outputs[i], err);
	if (!r)
		prs_listing_print(l, is);
	prs_listing_free(l);
	if (!r && memcmp(is, result, 16) != 0)
		r = prs_fail(err, PRS_EINVALID, "its outputs are not there any more as it made them");
	return r;
}

static int take_origin(const struct step *s, const struct prs_step *from, const char *run, struct origin *o,
                       struct prs_err *err)
{
	o->n = s->is->outputs_n;
	o->outputs = prs_calloc(o->n + 1, sizeof *o->outputs);
	int r = o->outputs ? 0 : no_memory(err);
	for (size_t i = 0; i < o->n && !r; i++)
		r = take_output(s, i, from, run, o, err);
	if (!r && from->kind == PRS_STEP_PARALLEL && s->e->c.check_clean)
		r = s->e->c.check_clean(s->e->c.fs, o->dir, err);
	return r;
}

static int open_origin(const struct step *s, const char *dir, const char *step, struct origin *o, struct prs_err *err)
{
	struct prs_run_id id;
	enum prs_run_kind kind;
	char run[256];
	if (!is_ours(s->e->c.fs, dir))
		return prs_fail(err, PRS_ENOTFOUND, "it is gone");
	if (prs_run_file_read_any(s->e->c.fs, dir, &kind, &id, run, sizeof run, err) < 0)
		return err->code;
	struct prs_pipeline *p = prs_pipeline_read(s->e->c.fs, dir, err);
	if (!p)
		return err->code;
	int64_t at = prs_pipeline_find(p, step);
	for (size_t i = 0; i < p->steps_n && at < 0; i++)
		at = !strcmp(p->steps[i].folder, step) ? (int64_t)i : -1;
	const char *base = strrchr(dir, '/');
	int r = at >= 0 ? 0 : prs_fail(err, PRS_ENOTFOUND, "it has no step %s", step);
	if (!r) {
		o->name = prs_strf("%s/%s", base ? base + 1 : dir, p->steps[at].folder);
		o->dir = prs_strf("%s/steps/%s", dir, p->steps[at].folder);
		r = o->name && o->dir ? take_origin(s, &p->steps[at], run, o, err) : no_memory(err);
	}
	prs_pipeline_free(p);
	return r;
}

/* ---- may it be reused -------------------------------------------------------------------------------------------- */

static const struct earlier *newest(const struct reuse *u, const uint8_t print[16], uint64_t before_us)
{
	const struct earlier *best = NULL;
	for (size_t i = 0; i < u->n; i++)
		if (!memcmp(u->v[i].print, print, 16) && u->v[i].time_us < before_us &&
		    (!best || u->v[i].time_us > best->time_us))
			best = &u->v[i];
	return best;
}

static void say_not(struct step *s, const char *name, const char *why)
{
	snprintf(s->not_reused, sizeof s->not_reused, "%.120s%s%.150s", name, name[0] ? ": " : "", why);
}

/* The newest one whose outputs are whole; else why the newest of all is none. */
static void find_origin(struct step *s)
{
	PRS_AUTOFREE char *runs = prs_path_folder(s->e->c.dir);
	const struct earlier *y;
	uint64_t before_us = UINT64_MAX;
	for (; runs && (y = newest(s->e->reuse, s->print, before_us)); before_us = y->time_us) {
		struct prs_err why = { 0 };
		PRS_AUTOFREE char *dir = prs_strf("%s/%s", runs, y->run), *name = prs_strf("%s/%s", y->run, y->step);
		int r = dir && name ? open_origin(s, dir, y->step, &s->origin, &why) : no_memory(&why);
		if (!r)
			r = check_files(s, &s->origin, y->result, &why);
		if (!r) {
			memcpy(s->result, y->result, 16);
			s->not_reused[0] = 0;
			return;
		}
		origin_done(&s->origin);
		if (!s->not_reused[0])
			say_not(s, name ? name : "", why.msg);
	}
	if (!s->not_reused[0])
		say_not(s, "", "no step that is done is the same");
}

static bool has_folder(const struct step *s)
{
	struct prs_fs_stat st;
	PRS_AUTOFREE char *dir = step_dir(s);
	return dir && s->e->c.fs->stat(s->e->c.fs->ctx, dir, &st) == 0;
}

static const char *forbidden(const struct step *s)
{
	if (!s->is->allow_reuse)
		return "its job says that it is not reused (allow_reuse, is_deterministic)";
	if (s->is->only_reuse)
		return NULL;
	return s->is->force_rerun || s->e->p->force_rerun ? "force_rerun, or --no-reuse" : NULL;
}

/* A parallel step that began goes on with what it began with: is that what it would be now? */
static void take_print_of_before(struct step *s)
{
	const struct prs_step_past *past = &s->e->past.steps[s->n];
	bool began = s->is->kind == PRS_STEP_PARALLEL && has_folder(s);
	if (began && memcmp(past->print, s->print, 16) != 0)
		memset(s->print, 0, sizeof s->print);
}

void reuse_look(struct step *s)
{
	struct prs_err err = { 0 };
	const char *why = forbidden(s);
	bool began = has_folder(s) && !s->is->only_reuse;
	s->not_reused[0] = 0;
	print_step(s, &err);
	if (began)
		take_print_of_before(s);
	if (why || err.code)
		say_not(s, "", why ? why : err.msg);
	else if (!began)
		scan_runs(s->e, &err);
	if (!why && !began && memcmp(s->print, none, 16) != 0)
		find_origin(s);
	PRS_KILL_POINT("pipeline.reuse.decided");
}

/* ---- afterwards -------------------------------------------------------------------------------------------------- */

bool reuse_is_there(const struct step *s)
{
	struct prs_fs_stat st;
	return !s->origin.dir || s->origin.n == 0 || s->e->c.fs->stat(s->e->c.fs->ctx, s->origin.dir, &st) == 0;
}

int reuse_restore(struct step *s, const char *name, struct prs_err *err)
{
	const char *slash = strrchr(name, '/');
	PRS_AUTOFREE char *runs = prs_path_folder(s->e->c.dir);
	PRS_AUTOFREE char *dir = runs && slash ? prs_strf("%s/%.*s", runs, (int)(slash - name), name) : NULL;
	if (!dir)
		return prs_fail(err, PRS_ECORRUPT, "\"%s\" is no RUN/STEP", name);
	int r = open_origin(s, dir, slash + 1, &s->origin, err);
	if (!r)
		r = check_files(s, &s->origin, s->result, err);
	if (r < 0)
		origin_done(&s->origin);
	return r;
}

int reuse_begin(struct engine *e, struct prs_err *err)
{
	e->reuse = prs_calloc(1, sizeof *e->reuse);
	return e->reuse ? 0 : no_memory(err);
}

void reuse_end(struct engine *e)
{
	struct reuse *u = e->reuse;
	for (size_t i = 0; e->steps && i < e->p->steps_n; i++)
		origin_done(&e->steps[i].origin);
	for (size_t i = 0; u && i < u->n; i++) {
		prs_freep(&u->v[i].run);
		prs_freep(&u->v[i].step);
	}
	if (u) {
		forget_files(u);
		prs_freep(&u->files);
		prs_freep(&u->codes);
		prs_freep(&u->v);
	}
	prs_freep(&e->reuse);
}
