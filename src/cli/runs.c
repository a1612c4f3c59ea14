/* SPDX-License-Identifier: Apache-2.0
 * runs: finds run folders.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "io/lock.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *cli_runs_dir(const struct cli_args *a)
{
	const char *given = cli_option(a, PRS_OPTION_ID_runs_dir), *env = getenv("PRS_RUNS");
	return given ? given : env && env[0] ? env : "runs";
}

bool cli_is_running(const char *dir)
{
	char path[PATH_MAX + 8];
	snprintf(path, sizeof path, "%s/lock", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool held = prs_lock_held(fd);
	close(fd);
	return held;
}

static const char *below(const char *path, const char *folder)
{
	size_t n = folder ? strlen(folder) : 0;
	return n > 1 && !strncmp(path, folder, n) && path[n] == '/' && path[n + 1] ? path + n + 1 : NULL;
}

const char *cli_short_path(const char *path, char *to, size_t n)
{
	char cwd[PATH_MAX];
	const char *rest = getcwd(cwd, sizeof cwd) ? below(path, cwd) : NULL;
	if (rest)
		return rest;
	rest = below(path, getenv("HOME"));
	return rest && (size_t)snprintf(to, n, "~/%s", rest) < n ? to : path;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static bool is_run(const char *dir, uint64_t *ret_time_ns)
{
	char path[PATH_MAX + 272];
	struct stat st;
	snprintf(path, sizeof path, "%s/RUN", dir);
	if (stat(path, &st) < 0)
		return false;
	*ret_time_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
	return true;
}

struct aged {
	char *name;
	uint64_t time_ns;
};

static int newest_first(const void *x, const void *y)
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
		qsort(v, n, sizeof *v, newest_first);
	*ret = v;
	*ret_n = n;
	return 0;
}

int cli_list_runs(const char *runs, struct prs_list *ret, struct prs_err *err)
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

int cli_find_run(const struct cli_args *a, const char *word, struct cli_run *ret, struct prs_err *err)
{
	const char *runs = cli_runs_dir(a), *name = NULL;
	char path[PATH_MAX + 264];
	struct prs_list all = { 0 };
	uint64_t when;
	int r = 0;
	word = word ? word : "last";
	if (strchr(word, '/') || !strcmp(word, ".") || !strcmp(word, "..")) {
		snprintf(path, sizeof path, "%s", word);
		if (!is_run(path, &when))
			r = prs_fail(err, PRS_ENOTFOUND,
			             is_folder(path) ? "%s is not a run folder: it has no file RUN"
			                             : "there is no folder %s",
			             word);
	} else {
		r = cli_list_runs(runs, &all, err);
		r = r ? r : choose(&all, word, runs, &name, err);
		if (r == -PRS_ENOTFOUND && is_run(word, &when)) { /* a folder beside */
			r = 0;
			snprintf(path, sizeof path, "%s", word);
		} else if (!r) {
			snprintf(path, sizeof path, "%s/%s", runs, name);
		}
	}
	prs_list_done(&all);
	if (!r && !realpath(path, ret->dir))
		r = prs_fail_errno(err, errno, "%s", path);
	for (size_t n = strlen(path); !r && n > 1 && path[n - 1] == '/'; n--) /* a link, not what is behind it */
		path[n - 1] = 0;
	if (!r)
		snprintf(ret->found, sizeof ret->found, "%s", path);
	return r ? r : prs_run_file_read(program_fs(), ret->dir, &ret->id, ret->name, sizeof ret->name, err);
}
