/* SPDX-License-Identifier: Apache-2.0
 * cmd_clean: prs clean: removes run folders that certainly nobody needs any more.
 *
 * What stays: a run that is running; one that can be resumed (without --interrupted); one that holds something a
 * person or a script put there (without --outputs): anything in its outputs/, wherever the folder lies now, or a file
 * that no engine makes; a link; what another user owns; what another file system is mounted in.
 * A run is first renamed to .prs-gone-<id>, then removed, its file RUN last: what is half removed is no run that
 * anybody could resume, no input either, and the next clean finishes it.
 */
#include "cli/pipelines.h"

#include "base/killpoint.h"
#include "base/many.h"
#include "base/mem.h"
#include "base/path.h"
#include "io/fs_posix.h"
#include "io/lock.h"
#include "io/loop.h"
#include "io/tree.h"
#include "report/console.h"
#include "run/view.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REASON_BYTES = 2 * PATH_MAX };
#define DEFAULT_AGE "7d"
#define CLOCK_WORKS_US UINT64_C(1577836800000000) /* 2020: a machine without a clock of its own says 1970 */

struct clean {
	uint64_t older_us, now_us;
	bool outputs, interrupted, dry;
	bool named; /* given by name: whatever their age */
	unsigned removed, failed;
	uint64_t bytes;
};

/* A run folder as it was found. */
struct candidate {
	const struct clean *c;
	const char *path, *shown; /* as it was given; the last part of it */
	struct prs_run run;
	struct stat st;
	size_t dir_bytes;       /* of the path, in the paths of what is in it */
	uint64_t bytes;         /* on the disk */
	char why[REASON_BYTES]; /* why it stays */
	bool ordinary;          /* a reason that most runs have: not told unless somebody asked for this one */
	bool broken;            /* the reason is an error */
};

/* "7d", "12h", "30m", "90s", "2w" */
static int parse_age(const char *text, uint64_t *ret_us, struct prs_err *err)
{
	static const struct {
		char unit;
		double seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	double v = strtod(text, &end);
	for (size_t i = 0; i < sizeof units / sizeof *units && end != text; i++) {
		if (*end != units[i].unit || end[1] || !(v >= 0) || v > 1e6)
			continue;
		*ret_us = (uint64_t)(v * units[i].seconds * 1e6);
		return 0;
	}
	return prs_fail(err, PRS_EINVALID, "--older: expected an age such as 7d, 12h or 30m, found \"%s\"", text);
}

/* ---- what is in it ----------------------------------------------------------------------------------------------- */

static int stays(struct candidate *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int stays(struct candidate *x, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(x->why, sizeof x->why, fmt, ap);
	va_end(ap);
	return 1;
}

static int fails(struct candidate *x, const char *why)
{
	x->broken = true;
	return stays(x, "%s", why);
}

/* The part of `path` behind `folder`/, NULL when it is not below that. */
static const char *below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return !strncmp(path, folder, n) && path[n] == '/' ? path + n + 1 : NULL;
}

/* An output that was being written when its engine was killed. */
static bool is_unfinished(const char *name)
{
	size_t n = strlen(name);
	return !strncmp(name, ".prs-", 5) && n > 4 && !strcmp(name + n - 4, ".tmp");
}

/* What lies in the folder of a step of a pipeline, as seen from there. */
static const char *in_step(const char *relative)
{
	const char *rest = below(relative, "steps"), *slash = rest ? strchr(rest, '/') : NULL;
	return slash ? slash + 1 : relative;
}

/* Somebody wants this: it lies where outputs are, or no engine made it. */
static bool is_output(const char *relative, const struct prs_tree_entry *e)
{
	static const char *const places[] = { "outputs", "work/code/outputs", "code/outputs" };
	const char *in = in_step(relative);
	size_t last = in == relative ? 2 : 3; /* the code of a command is its own copy */
	bool is = false;
	if (e->depth == 1 && !prs_run_has_name(e->name))
		return true;
	for (size_t i = 0; i < last; i++)
		is = is || below(in, places[i]);
	if (!is)
		return false;
	return (!e->folder || e->unreadable) && !is_unfinished(e->name);
}

static int clean_entry(void *ctx, const struct prs_tree_entry *e)
{
	struct candidate *x = ctx;
	if (e->st->st_dev != x->st.st_dev)
		return stays(x, "another file system is mounted in it: %s", e->path);
	if (e->depth && !x->c->outputs && is_output(e->path + x->dir_bytes, e))
		return stays(x, "it holds %s (--outputs removes that too)", e->path + x->dir_bytes);
	if (S_ISREG(e->st->st_mode)) /* a file with several names: the share of this one */
		x->bytes += (uint64_t)e->st->st_blocks * 512 / (e->st->st_nlink ? e->st->st_nlink : 1);
	return 0;
}

/* ---- which ones -------------------------------------------------------------------------------------------------- */

/* What the journal says of a run or a pipeline. */
struct found {
	const char *state;
	bool running, unknown;
	uint64_t latest_us;
};

static uint64_t latest_us(const struct candidate *x, const struct found *v)
{
	struct stat st;
	PRS_AUTOFREE char *path = prs_strf("%s/RUN", x->run.dir);
	if (v->latest_us || !path || stat(path, &st) < 0)
		return v->latest_us;
	return (uint64_t)st.st_mtim.tv_sec * 1000000;
}

static int check_state(struct candidate *x, const struct found *v)
{
	const struct clean *c = x->c;
	const char *state = v->state;
	if (v->running || !strcmp(state, "running"))
		return stays(x, "it is running");
	if (v->unknown)
		return stays(x, "whether it is running is not known: its file lock cannot be read");
	x->ordinary = true;
	if (!strcmp(state, "interrupted") && !c->interrupted)
		return stays(x, "it can be resumed (--interrupted removes such a run too)");
	if (!c->named && latest_us(x, v) < CLOCK_WORKS_US)
		return stays(x, "its clock was wrong, so its age is not known");
	if (!c->named && c->now_us < latest_us(x, v) + c->older_us)
		return stays(x, "it is not old enough");
	x->ordinary = false;
	return 0;
}

static int check_place(struct candidate *x)
{
	char to[PATH_MAX];
	if (lstat(x->path, &x->st) < 0)
		return fails(x, strerror(errno));
	if (S_ISLNK(x->st.st_mode)) {
		ssize_t n = readlink(x->path, to, sizeof to - 1);
		to[n > 0 ? n : 0] = 0;
		return stays(x, "it is a link to %s", to);
	}
	PRS_AUTOFREE char *above = prs_strf("%s/../..", x->run.dir);
	if (above && prs_path_is_run(program_fs(), above))
		return stays(x, "it is a step of a pipeline, which goes as a whole");
	if (!x->c->named && x->st.st_uid != geteuid())
		return stays(x, "it belongs to another user (%u)", (unsigned)x->st.st_uid);
	return 0;
}

static int check_run(struct candidate *x)
{
	struct prs_err err = { 0 };
	struct prs_view v;
	int r = prs_view_read(&v, program_fs(), &x->run, &err);
	struct found f = { r ? "" : prs_view_state(&v), v.running, v.unknown, v.latest_us };
	r = r < 0 ? fails(x, err.msg) : check_state(x, &f);
	prs_view_done(&v);
	return r;
}

/* The engine of a step may outlive that of its pipeline for a while, or be resumed alone. */
static bool a_step_runs(const struct candidate *x, const struct prs_pipeline *p)
{
	for (size_t i = 0; i < p->steps_n; i++) {
		PRS_AUTOFREE char *dir = prs_strf("%s/steps/%s", x->run.dir, p->steps[i].folder);
		if (!dir || prs_run_is_running(dir))
			return true;
	}
	return false;
}

static int check_pipeline(struct candidate *x)
{
	struct prs_err err = { 0 };
	struct prs_pipeline_view v;
	int r = prs_pipeline_view_read(&v, program_fs(), &x->run, &err);
	struct found f = { prs_pipeline_view_state(&v), v.running || (v.pipeline && a_step_runs(x, v.pipeline)),
		           v.unknown, v.past.last_us };
	r = r < 0 && !v.half_made ? fails(x, err.msg) : check_state(x, &f);
	prs_pipeline_view_done(&v);
	return r;
}

/* As the journal tells it; *ret_epoch: of that journal. */
static int check_journal(struct candidate *x, uint32_t *ret_epoch)
{
	struct prs_err err = { 0 };
	int r = prs_store_newest_epoch(program_fs(), x->run.dir, ret_epoch, &err);
	if (r < 0)
		return fails(x, err.msg);
	if (x->run.step[0])
		return stays(x, "it is a step of a pipeline, which goes as a whole: prs clean %s", x->run.name);
	return x->run.kind == PRS_RUN_PIPELINE ? check_pipeline(x) : check_run(x);
}

static int check_contents(struct candidate *x)
{
	x->dir_bytes = strlen(x->run.dir) + 1;
	int r = prs_tree_walk(x->run.dir, clean_entry, x);
	return r < 0 ? fails(x, strerror(-r)) : r;
}

/* ---- removing ---------------------------------------------------------------------------------------------------- */

/* No engine goes on with it from here to its end; none did since its journal was read. *ret_lock: closing it gives the
 * run free. */
static int keep_others_out(struct candidate *x, uint32_t epoch, int *ret_lock)
{
	struct prs_err err = { 0 };
	uint32_t now = epoch;
	PRS_AUTOFREE char *path = prs_strf("%s/lock", x->run.dir);
	*ret_lock = path ? prs_open_own(path, O_RDWR | O_CREAT, 0600) : -1;
	if (*ret_lock < 0)
		return stays(x, "whether it is running is not known: its file lock cannot be opened");
	if (!prs_lock_take(*ret_lock) && (errno == EAGAIN || errno == EACCES))
		return stays(x, "it is running");
	if (prs_store_newest_epoch(program_fs(), x->run.dir, &now, &err) < 0 || now != epoch)
		return stays(x, "it was resumed just now");
	return 0;
}

static int remove_gone(struct candidate *x, const char *gone)
{
	char at[PATH_MAX];
	int r = prs_tree_remove(gone, "RUN", at, sizeof at);
	if (r == 0)
		return 0;
	x->broken = true;
	return stays(x, "it is removed in part, the next prs clean goes on: %s: %s", at, strerror(-r));
}

/* Where a run is while it is being removed: beside its folder. */
static char *gone_name(const struct candidate *x)
{
	char id[40];
	const char *slash = strrchr(x->run.dir, '/');
	for (int i = 0; i < 16; i++)
		snprintf(id + 2 * i, 3, "%02x", x->run.id.bytes[i]);
	return prs_strf("%.*s/" PRS_RUN_GONE "%s", (int)(slash - x->run.dir), x->run.dir, id);
}

static int remove_run(struct candidate *x)
{
	char at[PATH_MAX];
	PRS_AUTOFREE char *gone = gone_name(x), *runs = prs_strf("%s/..", gone ? gone : "");
	if (!gone || !runs)
		return fails(x, strerror(ENOMEM));
	int r = rename(x->run.dir, gone) < 0 ? errno : 0;
	if (r == ENOTEMPTY || r == EEXIST) { /* a copy of this run, whose removal was stopped */
		prs_tree_remove(gone, "RUN", at, sizeof at);
		r = rename(x->run.dir, gone) < 0 ? errno : 0;
	}
	if (r)
		return fails(x, strerror(r));
	PRS_KILL_POINT("clean.renamed");
	program_fs()->sync_dir(program_fs()->ctx, runs); /* else a crash could bring back a run with holes */
	return remove_gone(x, gone);
}

static int take(struct candidate *x, uint32_t epoch)
{
	int lock = -1;
	if (x->c->dry)
		return 0;
	PRS_KILL_POINT("clean.decided");
	int r = keep_others_out(x, epoch, &lock);
	if (!r)
		r = remove_run(x);
	if (lock >= 0)
		close(lock);
	return r;
}

static int consider(struct candidate *x)
{
	uint32_t epoch;
	int r = check_place(x);
	if (!r)
		r = check_journal(x, &epoch);
	if (!r)
		r = check_contents(x);
	return r ? r : take(x, epoch);
}

static void tell(struct clean *c, const struct candidate *x, int stays, const char *note)
{
	if (stays) {
		if (!x->ordinary || c->named)
			cli_tell(stdout, "%s stays: %s\n", x->shown, x->why);
		c->failed += x->broken || c->named;
		return;
	}
	cli_tell(stdout, "%s %s%s\n", x->shown, c->dry ? "would be removed" : "removed", note);
	c->removed++;
	c->bytes += x->bytes;
}

static void one(struct clean *c, const struct prs_run *run)
{
	struct candidate x = { .c = c, .path = run->found, .run = *run };
	const char *slash = strrchr(run->dir, '/');
	x.shown = slash && slash[1] ? slash + 1 : run->name;
	tell(c, &x, consider(&x), "");
}

/* ---- what a clean that was stopped left behind ------------------------------------------------------------------- */

static int count_entry(void *ctx, const struct prs_tree_entry *e)
{
	struct candidate *x = ctx;
	x->bytes += (uint64_t)e->st->st_blocks * 512;
	return 0;
}

static bool is_gone_name(const char *name)
{
	size_t n = strlen(PRS_RUN_GONE);
	return !strncmp(name, PRS_RUN_GONE, n) && strspn(name + n, "0123456789abcdef") == 32 && !name[n + 32];
}

static void finish_one(struct clean *c, const char *path, const char *name)
{
	struct candidate x = { .c = c, .path = path, .shown = name };
	if (lstat(path, &x.st) < 0 || !S_ISDIR(x.st.st_mode) || x.st.st_uid != geteuid())
		return;
	prs_tree_walk(path, count_entry, &x);
	tell(c, &x, c->dry ? 0 : remove_gone(&x, path), " (a prs clean before this one was stopped)");
}

static void finish(struct clean *c, const char *runs)
{
	DIR *d = opendir(runs);
	for (struct dirent *e; d && (e = readdir(d));) {
		PRS_AUTOFREE char *path = prs_strf("%s/%s", runs, e->d_name);
		if (path && is_gone_name(e->d_name))
			finish_one(c, path, e->d_name);
	}
	if (d)
		closedir(d);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static int clean_all(struct clean *c, const struct cli_args *a, struct prs_err *err)
{
	struct prs_list all = { 0 };
	int r = prs_runs_list(cli_runs_dir(a), &all, err);
	for (size_t i = 0; i < all.n && !r; i++) {
		struct prs_err bad = { 0 };
		struct prs_run run;
		PRS_AUTOFREE char *path = prs_strf("%s/%s", cli_runs_dir(a), all.v[i]);
		if (cli_find_any(a, path, &run, &bad) == 0)
			one(c, &run);
		else
			cli_tell(stdout, "%s stays: %s\n", all.v[i], bad.msg);
	}
	prs_list_done(&all);
	if (!r)
		finish(c, cli_runs_dir(a));
	return r;
}

static int clean_named(struct clean *c, const struct cli_args *a, struct prs_err *err)
{
	for (size_t i = 0; i < a->words.n; i++) {
		struct prs_run run;
		int r = cli_find_any(a, a->words.v[i], &run, err);
		if (r < 0)
			return r;
		one(c, &run);
		*strrchr(run.dir, '/') = 0;
		finish(c, run.dir[0] ? run.dir : "/");
	}
	return 0;
}

int cmd_clean(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct clean c = { .outputs = cli_has(a, "--outputs"),
		           .interrupted = cli_has(a, "--interrupted"),
		           .dry = cli_has(a, "--dry-run"),
		           .named = a->words.n > 0,
		           .now_us = prs_wall_us() };
	const char *older = cli_value(a, "--older", 0);
	int r = parse_age(older ? older : DEFAULT_AGE, &c.older_us, &err);
	if (!r && older && c.named)
		r = prs_fail(&err, PRS_EINVALID, "either --older, or the names of runs");
	if (!r)
		r = c.named ? clean_named(&c, a, &err) : clean_all(&c, a, &err);
	if (r < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	cli_tell(stdout, "%s %s, %llu MB\n", prs_many(c.removed, "run").text, c.dry ? "would go" : "removed",
	         (unsigned long long)((c.bytes + 500000) / 1000000));
	return c.failed ? 1 : 0;
}
