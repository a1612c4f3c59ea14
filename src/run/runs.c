/* SPDX-License-Identifier: Apache-2.0
 * runs: a run folder is a folder with a file RUN; what names one is tried as an id first, then as a path.
 */
#include "run/runs.h"

#include "base/mem.h"
#include "io/lock.h"
#include "spec/pipeline.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool prs_run_is_running(const char *dir) { return prs_lock_look(dir, NULL, 0) == PRS_LOCK_HELD; }

int prs_run_check_owner(const struct prs_run *run, bool trust, struct prs_err *err)
{
	struct stat st;
	if (lstat(run->dir, &st) < 0)
		return prs_fail_errno(err, errno, "reading %s", run->dir);
	if (trust || st.st_uid == geteuid())
		return 0;
	return prs_fail(err, PRS_EPERMISSION,
	                "%.300s belongs to another user (%u), and what it says would be done with your rights. Look "
	                "at its "
	                "job.json and code/ first; --trust goes on",
	                run->dir, (unsigned)st.st_uid);
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static bool is_run(const char *dir, uint64_t *ret_time_ns)
{
	char path[PATH_MAX + 272];
	struct stat st;
	snprintf(path, sizeof path, "%s/RUN", dir);
	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*ret_time_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
	return true;
}

struct aged {
	char *name;
	uint64_t time_ns;
};

static int runs_newest_first(const void *x, const void *y)
{
	const struct aged *a = x, *b = y;
	if (a->time_ns != b->time_ns)
		return a->time_ns > b->time_ns ? -1 : 1;
	return -strcmp(a->name, b->name);
}

static int gather(const char *runs, struct aged **ret, size_t *ret_n, struct prs_err *err)
{
	char path[PATH_MAX + 264];
	struct aged *v = NULL, *more;
	size_t n = 0;
	uint64_t when;
	DIR *d = opendir(runs);
	if (!d && errno != ENOENT)
		return prs_fail_errno(err, errno, "reading the run folders in %s", runs);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof path, "%s/%s", runs, e->d_name);
		if (!strncmp(e->d_name, PRS_RUN_GONE, strlen(PRS_RUN_GONE)) || !is_run(path, &when))
			continue;
		more = prs_realloc(v, (n + 1) * sizeof *v);
		if (!more)
			break;
		v = more;
		v[n++] = (struct aged){ prs_strdup(e->d_name), when };
	}
	if (d)
		closedir(d);
	if (n)
		qsort(v, n, sizeof *v, runs_newest_first);
	*ret = v;
	*ret_n = n;
	return 0;
}

int prs_runs_list(const char *runs, struct prs_list *ret, struct prs_err *err)
{
	struct aged *v = NULL;
	size_t n = 0;
	int r = gather(runs, &v, &n, err);
	for (size_t i = 0; i < n; i++) {
		if (!r && (!v[i].name || prs_list_add(ret, v[i].name) < 0))
			r = prs_fail(err, PRS_ENOMEM, "the run folders");
		prs_freep(&v[i].name);
	}
	prs_freep(&v);
	return r;
}

/* ---- one of them ------------------------------------------------------------------------------------------------- */

static const char *nearest(const struct prs_list *all, const char *word)
{
	const char *best = NULL;
	unsigned least = 4;
	for (size_t i = 0; i < all->n; i++) {
		unsigned far = prs_distance(word, all->v[i]);
		if (far < least) {
			least = far;
			best = all->v[i];
		}
	}
	return best;
}

static int no_run(const struct prs_list *all, const char *word, const char *runs, struct prs_err *err)
{
	const char *near = nearest(all, word);
	if (!all->n)
		return prs_fail(err, PRS_ENOTFOUND,
		                "there is no run in %s (the place is --runs-dir, $PRS_RUNS, else ./runs)", runs);
	if (near)
		return prs_fail(err, PRS_ENOTFOUND, "no run %s in %s; did you mean %s?", word, runs, near);
	return prs_fail(err, PRS_ENOTFOUND,
	                "no run %s in %s: give an id, the beginning of one, a path, or last. prs list shows all %zu",
	                word, runs, all->n);
}

/* The run that `word` names; all are sorted newest first. */
static int choose(const struct prs_list *all, const char *word, const char *runs, const char **ret, struct prs_err *err)
{
	unsigned found = 0;
	const char *second = NULL;
	if (!word[0])
		return prs_fail(err, PRS_EINVALID,
		                "the name of a run is empty: give an id, the beginning of one, a path, or last");
	if (!strcmp(word, "last") && all->n) {
		*ret = all->v[0];
		return 0;
	}
	for (size_t i = 0; i < all->n; i++) {
		if (!strcmp(all->v[i], word)) {
			*ret = all->v[i];
			return 0;
		}
		if (strncmp(all->v[i], word, strlen(word)) != 0)
			continue;
		second = found ? all->v[i] : NULL;
		*ret = found++ ? *ret : all->v[i];
	}
	if (found > 1)
		return prs_fail(err, PRS_EINVALID, "%u runs in %s begin with %s (%s, %s%s): give more of the id", found,
		                runs, word, *ret, second, found > 2 ? ", ..." : "");
	return found ? 0 : no_run(all, word, runs, err);
}

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder that a word with a slash names, or a folder beside. */
static int take_path(const char *word, char *to, size_t n, struct prs_err *err)
{
	uint64_t when;
	snprintf(to, n, "%s", word);
	if (is_run(to, &when))
		return 0;
	return prs_fail(err, PRS_ENOTFOUND,
	                is_folder(to) ? "%s is not a run folder: it has no file RUN" : "there is no folder %s", word);
}

static int take_word(const char *runs, const char *word, char *to, size_t n, struct prs_err *err)
{
	struct prs_list all = { 0 };
	const char *name = NULL;
	uint64_t when;
	int r = prs_runs_list(runs, &all, err);
	if (!r)
		r = choose(&all, word, runs, &name, err);
	if (!r) {
		snprintf(to, n, "%s/%s", runs, name);
	} else if (r == -PRS_ENOTFOUND && is_run(word, &when)) { /* a folder beside */
		snprintf(to, n, "%s", word);
		r = 0;
	}
	prs_list_done(&all);
	return r;
}

static int find_folder(const struct prs_fs *fs, const char *runs, const char *word, struct prs_run *ret,
                       struct prs_err *err)
{
	char path[PATH_MAX + 264];
	bool is_path = strchr(word, '/') || !strcmp(word, ".") || !strcmp(word, "..");
	int r = is_path ? take_path(word, path, sizeof path, err) : take_word(runs, word, path, sizeof path, err);
	if (r < 0)
		return r;
	ret->step[0] = 0;
	if (!realpath(path, ret->dir))
		return prs_fail_errno(err, errno, "%s", path);
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) /* a link, not what is behind it */
		path[n - 1] = 0;
	snprintf(ret->found, sizeof ret->found, "%s", path);
	return prs_run_file_read_any(fs, ret->dir, &ret->kind, &ret->id, ret->name, sizeof ret->name, err);
}

/* ---- a step of a pipeline ---------------------------------------------------------------------------------------- */

/* RUN/STEP, where RUN is a pipeline: the run folder of the step, or, where it has none, the pipeline and the name of
 * the step's folder. */
static int take_step(const struct prs_fs *fs, const char *name, struct prs_run *ret, struct prs_err *err)
{
	struct prs_run step;
	PRS_AUTOFREE char *folder = prs_step_folder(name);
	PRS_AUTOFREE char *path = folder ? prs_strf("%s/steps/%s", ret->dir, folder) : NULL;
	uint64_t when;
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "%s", name);
	if (is_run(path, &when)) {
		int r = find_folder(fs, "", path, &step, err);
		*ret = r < 0 ? *ret : step;
		return r;
	}
	snprintf(ret->step, sizeof ret->step, "%s", folder);
	return 0;
}

int prs_run_find(const struct prs_fs *fs, const char *runs, const char *word, struct prs_run *ret, struct prs_err *err)
{
	word = word ? word : "last";
	const char *slash = strrchr(word, '/');
	if (!slash || !slash[1] || is_folder(word))
		return find_folder(fs, runs, word, ret, err);
	PRS_AUTOFREE char *run = prs_strf("%.*s", (int)(slash - word), word);
	if (!run)
		return prs_fail(err, PRS_ENOMEM, "%s", word);
	if (find_folder(fs, runs, run, ret, NULL) < 0)
		return find_folder(fs, runs, word, ret, err);
	if (ret->kind != PRS_RUN_PIPELINE)
		return prs_fail(err, PRS_ENOTFOUND, "%s: %s is no pipeline, it has no steps", word, ret->name);
	return take_step(fs, slash + 1, ret, err);
}
