/* SPDX-License-Identifier: Apache-2.0
 * venv: a folder is whole when its last file, prs-ready, is there; what is left of one that was not finished is made
 * anew. The lock is held by prs and by what it starts: when prs is killed, nobody else writes to the folder before its
 * pip has ended. Whoever can write to the folder decides what we run, so it is ours alone.
 */
#include "run/venv.h"

#include "base/mem.h"
#include "base/path.h"
#include "io/listen.h"
#include "store/store.h"

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

enum { FORM = 1 };

struct venv {
	const struct prs_front *front;
	char dir[PATH_MAX];      /* .../environments/<fingerprint> */
	char top[PATH_MAX - 64]; /* the cache: what is below it is ours alone */
	const char *base;
	const struct prs_list *pip;
	int log;             /* descriptor: all that is said while it is made */
	struct prs_buf line; /* of what is being said */
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
	snprintf(v->top, sizeof v->top, "%s%s", own ? cache : home, own ? "" : "/.cache");
	int n = snprintf(v->dir, sizeof v->dir, "%s/prs/environments/%.16s", v->top, hex);
	return n < PATH_MAX - 8 ? 0 : prs_fail(err, PRS_ELIMIT, "the path of the environment is too long");
}

static bool is_ready(const struct venv *v)
{
	PRS_AUTOFREE char *mark = prs_strf("%s/prs-ready", v->dir);
	return mark && access(mark, F_OK) == 0;
}

/* A folder that others may have written to holds programs of theirs. Ours alone: it belongs to us, and nobody else
 * can write to it; that nobody else reads it is seen to. A folder that is not there is good. */
static int check_folder(const char *path, struct prs_err *err)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : prs_fail_errno(err, errno, "%s", path);
	const char *why = NULL;
	if (!S_ISDIR(st.st_mode))
		why = S_ISLNK(st.st_mode) ? "is a link" : "is no folder";
	else if (st.st_uid != geteuid())
		why = "belongs to another user";
	else if (st.st_mode & 022)
		why = "can be written to by others";
	if (why)
		return prs_fail(err, PRS_EPERMISSION,
		                "%s %s: what lies in it is not run. It holds environments for the packages of jobs; "
		                "remove "
		                "it, or name an interpreter with --python",
		                path, why);
	if ((st.st_mode & 077) && chmod(path, 0700) < 0)
		return prs_fail_errno(err, errno, "%s", path);
	return 0;
}

/* .../prs, .../prs/environments, and the environment itself. */
static int check_folders(const struct venv *v, struct prs_err *err)
{
	char part[PATH_MAX];
	for (const char *p = v->dir + strlen(v->top) + 1; p; p = strchr(p, '/')) {
		p += *p == '/';
		snprintf(part, sizeof part, "%.*s", (int)(p - v->dir + (ptrdiff_t)strcspn(p, "/")), v->dir);
		if (check_folder(part, err) < 0)
			return err->code;
	}
	return 0;
}

int prs_venv_find(const char *base, const struct prs_list *pip, char *to, size_t n, bool *ret_ready,
                  struct prs_err *err)
{
	struct venv v = { .base = base, .pip = pip };
	if (name_it(&v, err) < 0 || check_folders(&v, err) < 0)
		return err->code;
	*ret_ready = is_ready(&v);
	if ((size_t)snprintf(to, n, "%s/bin/python", v.dir) >= n)
		return prs_fail(err, PRS_ELIMIT, "the path of the environment is too long");
	return 0;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static void say(const struct venv *v, const char *what, const char *path)
{
	PRS_AUTOFREE char *line = prs_strf("%s: %s", what, path);
	if (v->front->say && line)
		v->front->say(v->front->ctx, line);
}

/* What pip says: all of it into the log, line by line to whoever listens. */
static void venv_heard(void *ctx, int fd, const char *bytes, size_t n)
{
	(void)fd;
	struct venv *v = ctx;
	for (size_t at = 0; at < n;) {
		ssize_t written = write(v->log, bytes + at, n - at);
		if (written <= 0)
			break;
		at += (size_t)written;
	}
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n' && bytes[i] != '\r') {
			prs_buf_putc(&v->line, bytes[i]);
			continue;
		}
		if (v->line.len && v->front->say)
			v->front->say(v->front->ctx, prs_buf_str(&v->line));
		prs_buf_clear(&v->line);
	}
}

static int run(struct venv *v, const char *const *words, struct prs_err *err)
{
	int status;
	struct prs_listen l = { .argv = (char *const *)(uintptr_t)words,
		                .cwd = "/",
		                .patient = true,
		                .heard = venv_heard,
		                .ctx = v };
	if (prs_listen(&l, &status, err) < 0)
		return err->code;
	if (v->line.len)
		venv_heard(v, 1, "\n", 1);
	if (status == 128 + SIGINT)
		return prs_fail(err, PRS_ESPAWN, "interrupted");
	return status ? prs_fail(err, PRS_ESPAWN, "%s ended with status %d", words[0], status) : 0;
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

static int write_lines(const struct venv *v, const char *path, const struct prs_list *lines, struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 16 << 20);
	for (size_t i = 0; i < lines->n; i++) {
		prs_buf_puts(&b, lines->v[i]);
		prs_buf_putc(&b, '\n');
	}
	return prs_write_file(v->front->fs, path, b.data, b.len, 0600, err);
}

static int install(struct venv *v, const char *list, struct prs_err *err)
{
	bool uv = has_uv();
	PRS_AUTOFREE char *python = prs_strf("%s/bin/python", v->dir), *mark = prs_strf("%s/prs-ready", v->dir);
	const char *clear[] = { "rm", "-rf", "--", v->dir, NULL };
	const char *make[] = { v->base, "-m", "venv", v->dir, NULL },
		   *make_uv[] = { "uv", "venv", "--quiet", "--no-project", "--python", v->base, v->dir, NULL };
	const char *fill[] = { python, "-m", "pip", "install", "--disable-pip-version-check", "-r", list, NULL };
	const char *fill_uv[] = { "uv", "pip", "install", "--python", python, "-r", list, NULL };
	static const struct prs_list nothing;
	if (!python || !mark)
		return prs_fail(err, PRS_ENOMEM, "the environment of the job");
	if (run(v, clear, err) < 0)
		return err->code;
	if (mkdir(v->dir, 0700) < 0)
		return prs_fail_errno(err, errno, "creating %s", v->dir);
	if (run(v, uv ? make_uv : make, err) < 0 || run(v, uv ? fill_uv : fill, err) < 0 ||
	    check_folder(v->dir, err) < 0)
		return err->code;
	return write_lines(v, mark, &nothing, err);
}

/* Held by us and by what we start. */
static int take_lock(const struct venv *v, const char *path, int *ret_fd, struct prs_err *err)
{
	*ret_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	int r = *ret_fd < 0 ? -1 : flock(*ret_fd, LOCK_EX | LOCK_NB);
	if (*ret_fd >= 0 && r < 0 && errno == EWOULDBLOCK) {
		say(v, "waiting for the one that makes this environment already", v->dir);
		r = flock(*ret_fd, LOCK_EX);
	}
	return r < 0 ? prs_fail_errno(err, errno, "%s", path) : 0;
}

/* The lock is ours. */
static int make(struct venv *v, const char *list, const char *log, struct prs_err *err)
{
	if (check_folders(v, err) < 0)
		return err->code;
	if (is_ready(v)) /* another prs made it while we waited */
		return 0;
	v->log = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (v->log < 0)
		return prs_fail_errno(err, errno, "%s", log);
	say(v, "making an environment for the packages of the job", v->dir);
	int r = write_lines(v, list, v->pip, err);
	if (!r)
		r = install(v, list, err);
	close(v->log);
	if (r < 0)
		prs_wrap(err,
		         "the packages of the job could not be installed (see %s; --python names an interpreter that "
		         "has them)",
		         v->front->say ? "above" : log);
	return r;
}

/* .../prs/environments, ours alone whatever the umask. */
static int make_folders(const struct venv *v, struct prs_err *err)
{
	int r = prs_path_make(v->front->fs, v->dir, 0, 0700, NULL);
	if (r < 0)
		return prs_fail_errno(err, -r, "making a folder for %s", v->dir);
	return check_folders(v, err);
}

int prs_venv_make(const struct prs_front *front, const char *base, const struct prs_list *pip, struct prs_err *err)
{
	struct venv v = { .front = front, .base = base, .pip = pip };
	if (name_it(&v, err) < 0 || make_folders(&v, err) < 0)
		return err->code;
	PRS_AUTOFREE char *lock = prs_strf("%s.lock", v.dir), *list = prs_strf("%s.txt", v.dir),
			  *log = prs_strf("%s.log", v.dir);
	if (!lock || !list || !log)
		return prs_fail(err, PRS_ENOMEM, "the environment of the job");
	int fd, r = take_lock(&v, lock, &fd, err);
	prs_buf_init(&v.line, 64 << 10);
	if (!r)
		r = make(&v, list, log, err);
	prs_buf_done(&v.line);
	if (fd >= 0)
		close(fd);
	return r;
}
