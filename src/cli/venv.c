/* SPDX-License-Identifier: Apache-2.0
 * venv: see venv.h. A folder is whole when its last file, prs-ready, is there; what is left of one that was not
 * finished is made anew. The lock is held by prs and by what it starts: when prs is killed, nobody else writes to the
 * folder before its pip has ended.
 */
#include "cli/venv.h"

#include "base/mem.h"
#include "base/path.h"
#include "cli/cli.h"
#include "io/fs_posix.h"
#include "io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

extern char **environ;

enum { FORM = 1 };

struct venv {
	char dir[PATH_MAX]; /* .../environments/<fingerprint> */
	const char *base;
	const struct prs_list *pip;
	bool quiet;
};

static int name_it(struct venv *v, struct prs_err *err)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	XXH3_state_t *x = XXH3_createState();
	XXH128_canonical_t print;
	char form[16], hex[33];
	bool own = cache && cache[0] == '/';
	if (!x)
		return prs_fail(err, PRS_ENOMEM, "the environment of the job");
	snprintf(form, sizeof form, "prs %d", FORM);
	XXH3_128bits_reset(x);
	XXH3_128bits_update(x, form, strlen(form) + 1);
	XXH3_128bits_update(x, v->base, strlen(v->base) + 1);
	for (size_t i = 0; i < v->pip->n; i++)
		XXH3_128bits_update(x, v->pip->v[i], strlen(v->pip->v[i]) + 1);
	XXH128_canonicalFromHash(&print, XXH3_128bits_digest(x));
	XXH3_freeState(x);
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", print.digest[i]);
	if (!own && (!home || home[0] != '/'))
		return prs_fail(err, PRS_ENOTFOUND,
		                "neither HOME nor XDG_CACHE_HOME is set: there is no place for the packages of the "
		                "job; name an interpreter with --python");
	snprintf(v->dir, sizeof v->dir, "%s%s/prs/environments/%.16s", own ? cache : home, own ? "" : "/.cache", hex);
	return 0;
}

static bool is_ready(const struct venv *v)
{
	PRS_AUTOFREE char *mark = prs_strf("%s/prs-ready", v->dir);
	return mark && access(mark, F_OK) == 0;
}

int venv_find(const char *base, const struct prs_list *pip, char *to, size_t n, bool *ret_ready, struct prs_err *err)
{
	struct venv v = { .base = base, .pip = pip };
	int r = name_it(&v, err);
	if (r < 0)
		return r;
	*ret_ready = is_ready(&v);
	return (size_t)snprintf(to, n, "%s/bin/python", v.dir) < n
	               ? 0
	               : prs_fail(err, PRS_ELIMIT, "the path of the environment is too long");
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* The words as a command; what it says goes to our stderr, or to the log. */
static int run(const struct venv *v, const char *log, const char *const *words, struct prs_err *err)
{
	char *argv[16];
	size_t n = 0;
	int status;
	const char *to_log = "l=$1; shift; exec \"$@\" >>\"$l\" 2>&1", *to_us = "shift; exec \"$@\" >&2";
	const char *front[] = { "/bin/sh", "-c", v->quiet ? to_log : to_us, "prs", log };
	for (size_t i = 0; i < sizeof front / sizeof *front; i++)
		argv[n++] = (char *)(uintptr_t)front[i];
	while (*words && n + 1 < sizeof argv / sizeof *argv)
		argv[n++] = (char *)(uintptr_t)*words++;
	argv[n] = NULL;
	int r = prs_run_here(argv, environ, "/", &status, err);
	if (r < 0)
		return r;
	if (status == 128 + SIGINT)
		return prs_fail(err, PRS_ESPAWN, "interrupted");
	return status ? prs_fail(err, PRS_ESPAWN, "%s ended with status %d", argv[5], status) : 0;
}

static bool has_uv(void)
{
	const char *path = getenv("PATH");
	for (path = path ? path : ""; *path; path += *path == ':') {
		size_t n = strcspn(path, ":");
		PRS_AUTOFREE char *tried = prs_strf("%.*s/uv", (int)n, path);
		if (tried && access(tried, X_OK) == 0)
			return true;
		path += n;
	}
	return false;
}

static int write_lines(const char *path, const struct prs_list *lines, struct prs_err *err)
{
	FILE *f = fopen(path, "w");
	if (!f)
		return prs_fail_errno(err, errno, "%s", path);
	for (size_t i = 0; lines && i < lines->n; i++)
		fprintf(f, "%s\n", lines->v[i]);
	return fclose(f) ? prs_fail_errno(err, errno, "writing %s", path) : 0;
}

static int install(const struct venv *v, const char *list, const char *log, struct prs_err *err)
{
	bool uv = has_uv();
	PRS_AUTOFREE char *python = prs_strf("%s/bin/python", v->dir), *mark = prs_strf("%s/prs-ready", v->dir);
	const char *clear[] = { "rm", "-rf", "--", v->dir, NULL };
	const char *make[] = { v->base, "-m", "venv", v->dir, NULL },
		   *make_uv[] = { "uv", "venv", "--quiet", "--no-project", "--python", v->base, v->dir, NULL };
	const char *fill[] = { python, "-m", "pip", "install", "--disable-pip-version-check", "-r", list, NULL };
	const char *fill_uv[] = { "uv", "pip", "install", "--python", python, "-r", list, NULL };
	if (!python || !mark)
		return prs_fail(err, PRS_ENOMEM, "the environment of the job");
	int r = run(v, log, clear, err);
	r = r ? r : run(v, log, uv ? make_uv : make, err);
	r = r ? r : run(v, log, uv ? fill_uv : fill, err);
	return r ? r : write_lines(mark, NULL, err);
}

static int take_lock(const struct venv *v, const char *path, int *ret_fd, struct prs_err *err)
{
	*ret_fd = open(path, O_RDWR | O_CREAT, 0644); /* children inherit it */
	int r = *ret_fd < 0 ? -1 : flock(*ret_fd, LOCK_EX | LOCK_NB);
	if (*ret_fd >= 0 && r < 0 && errno == EWOULDBLOCK) {
		if (!v->quiet)
			fprintf(stderr, "waiting for the one that makes this environment already: %s\n", v->dir);
		r = flock(*ret_fd, LOCK_EX);
	}
	return r < 0 ? prs_fail_errno(err, errno, "%s", path) : 0;
}

static int make_cache(const char *dir, struct prs_err *err)
{
	size_t length;
	int r = prs_path_make(&prs_fs_posix, dir, 0, 0755, &length);
	return r < 0 ? prs_fail_errno(err, -r, "creating %.*s", (int)length, dir) : 0;
}

int venv_make(const char *base, const struct prs_list *pip, bool quiet, struct prs_err *err)
{
	struct venv v = { .base = base, .pip = pip, .quiet = quiet };
	int r = name_it(&v, err);
	r = r ? r : make_cache(v.dir, err);
	PRS_AUTOFREE char *lock = prs_strf("%s.lock", v.dir), *list = prs_strf("%s.txt", v.dir),
			  *log = prs_strf("%s.log", v.dir);
	if (r < 0 || !lock || !list || !log)
		return r ? r : prs_fail(err, PRS_ENOMEM, "the environment of the job");
	int fd;
	r = take_lock(&v, lock, &fd, err);
	if (!r && !is_ready(&v)) { /* else another prs made it while we waited */
		unlink(log);
		r = write_lines(list, pip, err);
		if (!quiet)
			fprintf(stderr, "making an environment for the packages of the job: %s\n", v.dir);
		r = r ? r : install(&v, list, log, err);
		if (r)
			prs_wrap(err,
			         "the packages of the job could not be installed (%s%s; --python names an interpreter "
			         "that has them)",
			         quiet ? "see " : "see above", quiet ? log : "");
	}
	if (fd >= 0)
		close(fd);
	return r;
}
