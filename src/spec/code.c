/* SPDX-License-Identifier: Apache-2.0
 * code: what a run is, and whether it still is that. Everything is compared by its bytes: there is no mark that says
 * how far an earlier call came.
 */
#include "spec/code.h"

#include "base/bytes.h"
#include "base/killpoint.h"
#include "base/many.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

enum { CHUNK = 256 << 10, PRINT_BYTES = 16, SUMS_MAX = 64 << 20 };
#define OUTPUTS "outputs"

/* A folder of code with room to read it. */
struct code {
	const struct prs_fs *fs;
	const char *run, *name; /* "code", "code-3" */
	char *root;             /* <run>/<name> */
	struct prs_code_entry *v;
	size_t n;
	uint8_t (*prints)[PRINT_BYTES]; /* of each file; NULL until they are asked for */
	uint8_t *space, *other;
};

static void code_done(struct code *c)
{
	prs_code_files_done(c->v, c->n);
	prs_freep(&c->root);
	prs_freep(&c->prints);
	prs_freep(&c->space);
	prs_freep(&c->other);
}

void prs_code_name(char to[PRS_CODE_NAME_BYTES], uint32_t epoch)
{
	if (epoch)
		snprintf(to, PRS_CODE_NAME_BYTES, "code-%u", epoch);
	else
		snprintf(to, PRS_CODE_NAME_BYTES, "code");
}

static int code_open(struct code *c, const struct prs_fs *fs, const char *run, const char *name, struct prs_err *err)
{
	*c = (struct code){ .fs = fs,
		            .run = run,
		            .name = name,
		            .root = prs_strf("%s/%s", run, name),
		            .space = prs_malloc(CHUNK),
		            .other = prs_malloc(CHUNK) };
	if (!c->root || !c->space || !c->other)
		return prs_fail(err, PRS_ENOMEM, "the code of the run");
	int r = prs_code_files(fs, c->root, &c->v, &c->n, err);
	if (r == -PRS_ENOTFOUND)
		return prs_fail(err, PRS_EINVALID,
		                "%s is missing: put it back, or start a new run (the run is the code that lies there)",
		                c->root);
	return r;
}

static bool is_executable(const struct prs_code_entry *e) { return (e->mode & 0111) != 0; }

/* ---- fingerprints ------------------------------------------------------------------------------------------------ */

struct sum {
	XXH3_state_t *whole, *one;
};

static void digest(const XXH3_state_t *s, uint8_t to[PRINT_BYTES])
{
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits_digest(s));
	memcpy(to, c.digest, PRINT_BYTES);
}

static int sum_bytes(struct code *c, const char *path, uint64_t bytes, struct sum *s)
{
	int r = 0, fd = c->fs->open(c->fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (fd < 0)
		return fd;
	for (uint64_t at = 0; at < bytes;) {
		size_t want = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;
		ssize_t n = c->fs->pread(c->fs->ctx, fd, c->space, want, at);
		r = n < 0 ? (int)n : 0;
		if (n <= 0) /* it ends before its size: the sum will not match */
			break;
		XXH3_128bits_update(s->whole, c->space, (size_t)n);
		XXH3_128bits_update(s->one, c->space, (size_t)n);
		at += (uint64_t)n;
	}
	c->fs->close(c->fs->ctx, fd);
	return r;
}

static int sum_file(struct code *c, size_t i, struct sum *s, struct prs_err *err)
{
	const struct prs_code_entry *e = &c->v[i];
	uint8_t tail[9];
	PRS_AUTOFREE char *path = prs_strf("%s/%s", c->root, e->path);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the code of the run");
	prs_put64(tail, e->size);
	tail[8] = is_executable(e);
	XXH3_128bits_update(s->whole, e->path, strlen(e->path) + 1);
	XXH3_128bits_update(s->whole, tail, sizeof tail);
	XXH3_128bits_reset(s->one);
	int r = sum_bytes(c, path, e->size, s);
	digest(s->one, c->prints[i]);
	return r < 0 ? prs_fail_errno(err, -r, "reading %s", path) : 0;
}

static int sum_all(struct code *c, uint8_t print[PRINT_BYTES], struct prs_err *err)
{
	struct sum s = { XXH3_createState(), XXH3_createState() };
	c->prints = prs_calloc(c->n + 1, sizeof *c->prints);
	int r = s.whole && s.one && c->prints ? 0 : prs_fail(err, PRS_ENOMEM, "the code of the run");
	if (!r)
		XXH3_128bits_reset(s.whole);
	for (size_t i = 0; i < c->n && !r; i++)
		if (!S_ISDIR(c->v[i].mode))
			r = sum_file(c, i, &s, err);
	if (!r)
		digest(s.whole, print);
	XXH3_freeState(s.whole);
	XXH3_freeState(s.one);
	return r;
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

/* As xxh128sum and md5sum do: a line that begins with \ has its \ and line ends written as \\, \n and \r. */
static void put_line(const struct code *c, struct prs_buf *to, const struct prs_code_entry *e,
                     const uint8_t print[PRINT_BYTES])
{
	if (strpbrk(e->path, "\\\n\r"))
		prs_buf_puts(to, "\\");
	for (int i = 0; i < PRINT_BYTES; i++)
		prs_buf_putf(to, "%02x", print[i]);
	prs_buf_putf(to, " %c%s/", is_executable(e) ? '*' : ' ', c->name);
	for (const char *p = e->path; *p; p++) {
		if (*p == '\\')
			prs_buf_puts(to, "\\\\");
		else if (*p == '\n')
			prs_buf_puts(to, "\\n");
		else if (*p == '\r')
			prs_buf_puts(to, "\\r");
		else
			prs_buf_put(to, p, 1);
	}
	prs_buf_puts(to, "\n");
}

int prs_code_sums(const struct prs_fs *fs, const char *run, const char *name, uint8_t ret_print[PRINT_BYTES],
                  struct prs_buf *ret_sums, struct prs_err *err)
{
	struct code c;
	int r = code_open(&c, fs, run, name, err);
	if (!r)
		r = sum_all(&c, ret_print, err);
	for (size_t i = 0; i < c.n && !r; i++)
		if (!S_ISDIR(c.v[i].mode))
			put_line(&c, ret_sums, &c.v[i], c.prints[i]);
	if (!r && ret_sums->failed)
		r = prs_fail(err, PRS_ENOMEM, "the code of the run");
	code_done(&c);
	return r;
}

/* The line of a file, as far as it tells the file: without its line end. */
static bool line_is(const char *line, size_t n, const char *want)
{
	return strlen(want) == n + 1 && !memcmp(line, want, n);
}

/* The name in a line: "[\]<32 hex> <blank or *>code/<name>". */
static const char *name_in(const struct code *c, const char *line, size_t n, size_t *ret_n)
{
	size_t skip = (line[0] == '\\') + 2 * PRINT_BYTES + 2 + strlen(c->name) + 1;
	*ret_n = n > skip ? n - skip : 0;
	return *ret_n ? line + skip : line;
}

/* Looks for a file by the line that it has now. */
enum found { ADDED, CHANGED, SAME };

static enum found look_up(const struct code *c, const char *sums, const char *line)
{
	size_t n, want_n, line_n = strlen(line) - 1;
	const char *want = name_in(c, line, line_n, &want_n), *end;
	for (; (end = strchr(sums, '\n')); sums = end + 1) {
		const char *name = name_in(c, sums, (size_t)(end - sums), &n);
		if (line_is(sums, (size_t)(end - sums), line))
			return SAME;
		if (n && n == want_n && !memcmp(name, want, n))
			return CHANGED;
	}
	return ADDED;
}

static int tell(const struct code *c, const char *name, size_t n, const char *what, const char *how,
                struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID,
	                "%s/%.*s %s after the run began: %s, or start a new run (the run is the code that lies there)",
	                c->root, (int)n, name, what, how);
}

/* A file of the sums that is not there any more. */
static int tell_missing(const struct code *c, const char *now, const char *sums, struct prs_err *err)
{
	size_t n, other_n;
	for (const char *end; (end = strchr(sums, '\n')); sums = end + 1) {
		const char *name = name_in(c, sums, (size_t)(end - sums), &n), *line = now, *stop;
		bool found = !n;
		for (; !found && (stop = strchr(line, '\n')); line = stop + 1) {
			const char *other = name_in(c, line, (size_t)(stop - line), &other_n);
			found = n == other_n && !memcmp(name, other, n);
		}
		if (!found)
			return tell(c, name, n, "was removed", "put it back", err);
	}
	return 0;
}

/* The first file that is not what it was. */
static int tell_changed(const struct code *c, const char *sums, struct prs_err *err)
{
	PRS_AUTOBUF now, line;
	prs_buf_init(&now, SUMS_MAX);
	prs_buf_init(&line, SUMS_MAX);
	for (size_t i = 0; i < c->n && sums[0]; i++) {
		const struct prs_code_entry *e = &c->v[i];
		if (S_ISDIR(e->mode))
			continue;
		prs_buf_clear(&line);
		put_line(c, &line, e, c->prints[i]);
		put_line(c, &now, e, c->prints[i]);
		enum found found = look_up(c, sums, prs_buf_str(&line));
		if (found == ADDED)
			return tell(c, e->path, strlen(e->path), "was added", "remove it", err);
		if (found == CHANGED)
			return tell(c, e->path, strlen(e->path), "was changed", "put it back as it was", err);
	}
	if (sums[0] && tell_missing(c, prs_buf_str(&now), sums, err) < 0)
		return err->code;
	return prs_fail(err, PRS_EINVALID,
	                "%s was changed after the run began: put it back as it was, or start a new run (the run is the "
	                "code that lies there)",
	                c->root);
}

int prs_code_check(const struct prs_fs *fs, const char *run, const char *name, const uint8_t print[PRINT_BYTES],
                   const char *sums, struct prs_err *err)
{
	struct code c;
	uint8_t now[PRINT_BYTES];
	int r = code_open(&c, fs, run, name, err);
	if (!r)
		r = sum_all(&c, now, err);
	if (!r && memcmp(now, print, PRINT_BYTES) != 0)
		r = tell_changed(&c, sums, err);
	code_done(&c);
	return r;
}

/* ---- the working copy -------------------------------------------------------------------------------------------- */

struct restore {
	struct code c;
	char *work, *to, *tmp; /* <run>/work, <run>/work/code, a file beside it */
	const char *skip;      /* a folder in outputs/ that is none any more: its files are left alone */
	struct prs_code_restored *ret;
};

/* Is `path` below `folder`? */
static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return !strncmp(path, folder, n) && path[n] == '/';
}

/* A folder, not a link to one: nothing is written outside. 1 = another thing is there. */
static int make_folder(const struct prs_fs *fs, const char *path, uint32_t mode)
{
	int fd = fs->open(fs->ctx, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd >= 0)
		return fs->close(fs->ctx, fd);
	if (fd == -EACCES)
		return 0;
	if (fd == -ELOOP || fd == -ENOTDIR)
		return 1;
	return fd == -ENOENT ? fs->mkdir(fs->ctx, path, mode) : fd;
}

static int restore_folder(struct restore *x, const struct prs_code_entry *e, const char *to)
{
	const struct prs_fs *fs = x->c.fs;
	if (!strcmp(e->path, OUTPUTS)) /* the link is there, or what the script put in its place */
		return 0;
	uint32_t mode = (e->mode & 0777) | 0700;
	int r = make_folder(fs, to, mode);
	if (r == 1 && is_below(e->path, OUTPUTS)) {
		x->skip = e->path;
		return 0;
	}
	if (r != 1)
		return r;
	r = fs->unlink(fs->ctx, to);
	return r < 0 ? r : fs->mkdir(fs->ctx, to, mode);
}

/* Up to n bytes; fewer at the end of the file. */
static ssize_t read_some(const struct prs_fs *fs, int fd, uint8_t *to, size_t n, uint64_t at)
{
	size_t got = 0;
	while (got < n) {
		ssize_t r = fs->pread(fs->ctx, fd, to + got, n - got, at + got);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

/* 1 = equal, 0 = not; < 0 = `from` cannot be read. */
static int compare(struct code *c, int from, int to)
{
	for (uint64_t at = 0;;) {
		ssize_t n = read_some(c->fs, from, c->space, CHUNK, at);
		if (n < 0)
			return (int)n;
		ssize_t m = read_some(c->fs, to, c->other, CHUNK, at);
		if (m != n || memcmp(c->space, c->other, (size_t)n) != 0)
			return 0;
		if (n < CHUNK)
			return 1;
		at += (uint64_t)n;
	}
}

/* What lies at `to`: 1 = what `from` is, 0 = another thing, -ENOENT = nothing, -EISDIR = a folder; < 0. */
static int is_same(struct code *c, int from, const char *to, const struct prs_code_entry *e)
{
	struct prs_fs_stat st;
	int fd = c->fs->open(c->fs->ctx, to, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0)
		return fd == -ENOENT ? fd : 0;
	int r = c->fs->fstat(c->fs->ctx, fd, &st);
	struct prs_code_entry there = { .mode = st.mode };
	if (!r && S_ISDIR(st.mode))
		r = -EISDIR;
	else if (!r && S_ISREG(st.mode) && st.size == e->size && is_executable(&there) == is_executable(e))
		r = compare(c, from, fd);
	c->fs->close(c->fs->ctx, fd);
	return r;
}

/* Never a hard link: the script may write in its copy. */
static int write_copy(struct restore *x, int from, int to)
{
	const struct prs_fs *fs = x->c.fs;
	if (fs->clone(fs->ctx, from, to) == 0)
		return 0;
	for (uint64_t at = 0;;) {
		ssize_t n = read_some(fs, from, x->c.space, CHUNK, at);
		for (ssize_t done = 0; done < n;) {
			ssize_t w = fs->pwrite(fs->ctx, to, x->c.space + done, (size_t)(n - done), at + (uint64_t)done);
			if (w <= 0)
				return w < 0 ? (int)w : -EIO;
			done += w;
		}
		if (n < CHUNK)
			return n < 0 ? (int)n : 0;
		at += (uint64_t)n;
	}
}

struct stale {
	const struct prs_fs *fs;
	const char *folder, *stem;
	size_t stem_bytes;
};

static int code_stale(void *ctx, const char *name, char type)
{
	const struct stale *s = ctx;
	(void)type;
	if (strncmp(name, s->stem, s->stem_bytes) != 0 || name[s->stem_bytes] != '.')
		return 0;
	PRS_AUTOFREE char *path = prs_strf("%s/%s", s->folder, name);
	int r = path ? s->fs->unlink(s->fs->ctx, path) : -ENOMEM;
	return r == -ENOENT || r == -EISDIR || r == -EPERM ? 0 : r;
}

/* Python tells bytecode of another text by time and size alone: that of a file which is put back goes. */
static int drop_bytecode(const struct prs_fs *fs, const char *path)
{
	const char *name = strrchr(path, '/') + 1, *dot = strrchr(name, '.');
	if (!dot || strcmp(dot, ".py") != 0)
		return 0;
	PRS_AUTOFREE char *folder = prs_strf("%.*s__pycache__", (int)(name - path), path);
	struct stale s = { fs, folder, name, (size_t)(dot - name) };
	int r = folder ? fs->list(fs->ctx, folder, code_stale, &s) : -ENOMEM;
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES ? 0 : r;
}

static int put_back(struct restore *x, int from, const char *to, const struct prs_code_entry *e)
{
	const struct prs_fs *fs = x->c.fs;
	fs->unlink(fs->ctx, x->tmp);
	int fd = fs->open(fs->ctx, x->tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, (e->mode & 0777) | 0600);
	if (fd < 0)
		return fd;
	PRS_KILL_POINT("code.restore.before_write");
	int r = write_copy(x, from, fd);
	int closed = fs->close(fs->ctx, fd);
	if (r < 0 || closed < 0)
		return r < 0 ? r : closed;
	r = drop_bytecode(fs, to);
	if (r < 0)
		return r;
	PRS_KILL_POINT("code.restore.before_rename");
	r = fs->rename(fs->ctx, x->tmp, to);
	PRS_KILL_POINT("code.restore.after_rename");
	return r;
}

static void count(struct restore *x, const struct prs_code_entry *e, bool missing)
{
	if (!x->ret->missing && !x->ret->changed)
		snprintf(x->ret->first, sizeof x->ret->first, "%s", e->path);
	x->ret->missing += missing;
	x->ret->changed += !missing;
}

static int restore_file(struct restore *x, const char *path, const char *to, const struct prs_code_entry *e,
                        struct prs_err *err)
{
	const struct prs_fs *fs = x->c.fs;
	int from = fs->open(fs->ctx, path, O_RDONLY | PRS_O_OWN, 0);
	if (from < 0)
		return prs_fail_errno(err, -from, "reading %s", path);
	int there = is_same(&x->c, from, to, e), r = 0;
	bool missing = there == -ENOENT;
	if (missing || (there == 0 && !is_below(e->path, OUTPUTS))) {
		r = put_back(x, from, to, e);
		count(x, e, missing);
	}
	fs->close(fs->ctx, from);
	if (there == -EISDIR && !is_below(e->path, OUTPUTS))
		return prs_fail(err, PRS_EINVALID,
		                "%s is a folder, but %s is a file: move the folder away, then resume", to, path);
	if (there < 0 && !missing && there != -EISDIR)
		return prs_fail_errno(err, -there, "reading %s", path);
	return r < 0 ? prs_fail_errno(err, -r, "copying %s to %s", path, to) : 0;
}

static int restore_entry(struct restore *x, const struct prs_code_entry *e, struct prs_err *err)
{
	PRS_AUTOFREE char *from = prs_strf("%s/%s", x->c.root, e->path);
	PRS_AUTOFREE char *to = prs_strf("%s/%s", x->to, e->path);
	if (!from || !to)
		return prs_fail(err, PRS_ENOMEM, "the working copy of the code");
	if (x->skip && is_below(e->path, x->skip))
		return 0;
	if (!S_ISDIR(e->mode))
		return restore_file(x, from, to, e, err);
	int r = restore_folder(x, e, to);
	return r < 0 ? prs_fail_errno(err, -r, "creating %s", to) : 0;
}

/* work/ and work/code (a link to a folder will do), and the link to what the script keeps. */
static int restore_top(struct restore *x, struct prs_err *err)
{
	const struct prs_fs *fs = x->c.fs;
	const char *const folders[] = { x->work, x->to };
	for (size_t i = 0; i < 2; i++) {
		int r = fs->mkdir(fs->ctx, folders[i], 0755);
		if (r < 0 && r != -EEXIST)
			return prs_fail_errno(err, -r, "creating %s", folders[i]);
	}
	PRS_AUTOFREE char *link = prs_strf("%s/" OUTPUTS, x->to);
	int r = link ? fs->symlink(fs->ctx, "../../" OUTPUTS, link) : -ENOMEM;
	return r < 0 && r != -EEXIST ? prs_fail_errno(err, -r, "creating %s", link ? link : x->to) : 0;
}

int prs_code_restore(const struct prs_fs *fs, const char *run, const char *name, struct prs_code_restored *ret,
                     struct prs_err *err)
{
	struct restore x = { .ret = ret,
		             .work = prs_strf("%s/work", run),
		             .to = prs_strf("%s/work/code", run),
		             .tmp = prs_strf("%s/work/code.tmp", run) };
	*ret = (struct prs_code_restored){ 0 };
	int r = code_open(&x.c, fs, run, name, err);
	if (!r && (!x.work || !x.to || !x.tmp))
		r = prs_fail(err, PRS_ENOMEM, "the working copy of the code");
	if (!r)
		r = restore_top(&x, err);
	for (size_t i = 0; i < x.c.n && !r; i++)
		r = restore_entry(&x, &x.c.v[i], err);
	code_done(&x.c);
	prs_freep(&x.work);
	prs_freep(&x.to);
	prs_freep(&x.tmp);
	return r;
}

/* ---- other code -------------------------------------------------------------------------------------------------- */

static bool holds(const struct code *c, const char *path)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->v[i].path, path))
			return true;
	return false;
}

/* What lies at `to`, against a file of the code: as is_same(). */
static int same_as(struct code *c, const struct prs_code_entry *e, const char *to)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s", c->root, e->path);
	int from = path ? c->fs->open(c->fs->ctx, path, O_RDONLY | PRS_O_OWN, 0) : -ENOMEM;
	if (from < 0)
		return from;
	int r = is_same(c, from, to, e);
	c->fs->close(c->fs->ctx, from);
	return r;
}

static int retire_file(struct code *c, const struct prs_code_entry *e, struct prs_err *err)
{
	PRS_AUTOFREE char *to = prs_strf("%s/work/code/%s", c->run, e->path);
	int r = to ? same_as(c, e, to) : -ENOMEM;
	if (r == 0 || r == -ENOENT || r == -EISDIR)
		return 0; /* gone, or the script's own by now */
	if (r == 1)
		r = drop_bytecode(c->fs, to);
	if (r == 0)
		r = c->fs->unlink(c->fs->ctx, to);
	return r < 0 ? prs_fail_errno(err, -r, "removing %s, which the new code does not have", to ? to : e->path) : 0;
}

int prs_code_retire(const struct prs_fs *fs, const char *run, const char *name, const char *now, struct prs_err *err)
{
	struct code was, is = { 0 };
	int r = code_open(&was, fs, run, name, err);
	if (!r)
		r = code_open(&is, fs, run, now, err);
	for (size_t i = 0; i < was.n && !r; i++)
		if (!S_ISDIR(was.v[i].mode) && !is_below(was.v[i].path, OUTPUTS) && !holds(&is, was.v[i].path))
			r = retire_file(&was, &was.v[i], err);
	code_done(&was);
	code_done(&is);
	return r;
}

/* Where a file of the code was copied from. The caller frees. */
static char *source_of(const char *origin, const struct prs_list *includes, const char *path)
{
	size_t n = strcspn(path, "/");
	for (size_t i = 0; includes && i < includes->n; i++) {
		const char *slash = strrchr(includes->v[i], '/');
		if (slash && strlen(slash + 1) == n && !strncmp(slash + 1, path, n))
			return prs_strf("%s%s", includes->v[i], path + n);
	}
	return prs_strf("%s/%s", origin, path);
}

static void compare_all(struct code *c, const char *origin, const struct prs_list *includes,
                        struct prs_code_restored *ret)
{
	struct restore x = { .ret = ret };
	for (size_t i = 0; i < c->n; i++) {
		PRS_AUTOFREE char *to = source_of(origin, includes, c->v[i].path);
		int same = S_ISDIR(c->v[i].mode) || !to ? 1 : same_as(c, &c->v[i], to);
		if (same != 1)
			count(&x, &c->v[i], same == -ENOENT);
	}
}

bool prs_code_tell_changed(const struct prs_fs *fs, const char *run, const char *name, const char *origin,
                           const struct prs_list *includes, const char *advice, char to[PRS_CODE_TOLD_BYTES])
{
	struct code c;
	struct prs_fs_stat st;
	struct prs_code_restored other = { 0 };
	if (code_open(&c, fs, run, name, NULL) == 0 && fs->stat(fs->ctx, origin, &st) == 0)
		compare_all(&c, origin, includes, &other);
	code_done(&c);
	unsigned n = other.missing + other.changed;
	if (n == 1)
		snprintf(to, PRS_CODE_TOLD_BYTES, "%s has changed since; this run uses its copy (%s)", other.first,
		         advice);
	else if (n)
		snprintf(to, PRS_CODE_TOLD_BYTES, "%s and %s have changed since; this run uses their copies (%s)",
		         other.first, prs_many(n - 1, "more file").text, advice);
	return n > 0;
}
