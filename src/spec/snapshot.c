/* SPDX-License-Identifier: Apache-2.0
 * snapshot: copies the script's folder, without inputs, outputs, runs, caches and virtual environments; at most 300 MB and 2,000 files.
 */
#include "spec/job.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

enum { FILES_MAX = 2000, CHUNK = 256 << 10, DEPTH_MAX = 64, IGNORE_BYTES = 1 << 20 };
#define BYTES_MAX (UINT64_C(300) << 20)

struct copy {
	struct prs_job *j;
	const struct prs_fs *fs;
	const char *to;
	XXH3_state_t *print;
	uint64_t bytes, files, largest;
	char largest_path[512];
	struct prs_list ignore; /* patterns */
	uint8_t *space;
};

struct names {
	struct prs_list list;
	int failed;
};

static int each_name(void *ctx, const char *name, char type)
{
	(void)type;
	struct names *n = ctx;
	n->failed = prs_list_add(&n->list, name);
	return n->failed ? 1 : 0;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool always_left_out(const char *name)
{
	static const char *const names[] = { ".git", "__pycache__", ".ipynb_checkpoints", ".venv", "venv", "env", ".mypy_cache", ".pytest_cache",
		"node_modules", ".tox", "runs", ".amlignore", ".hg", ".svn" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool ignored(const struct copy *c, const char *relative, const char *name, bool folder)
{
	for (size_t i = 0; i < c->ignore.n; i++) {
		const char *p = c->ignore.v[i];
		size_t n = strlen(p);
		bool folder_only = n && p[n - 1] == '/';
		char pattern[512];
		if (n >= sizeof pattern || (folder_only && !folder))
			continue;
		snprintf(pattern, sizeof pattern, "%.*s", (int)(folder_only ? n - 1 : n), p[0] == '/' ? p + 1 : p);
		bool rooted = strchr(pattern, '/') || p[0] == '/';
		if (fnmatch(pattern, rooted ? relative : name, rooted ? FNM_PATHNAME : 0) == 0)
			return true;
	}
	return false;
}

/* The data of the job is not code. */
static bool is_data(const struct copy *c, const char *path)
{
	for (size_t i = 0; i < c->j->inputs_n; i++)
		if (!strcmp(path, c->j->inputs[i].path))
			return true;
	for (size_t i = 0; i < c->j->side_inputs_n; i++)
		if (!strcmp(path, c->j->side_inputs[i].value))
			return true;
	return (c->j->output_file && !strcmp(path, c->j->output_file)) ||
	       (c->j->output_dir && !strcmp(path, c->j->output_dir) && strcmp(path, c->j->code_dir) != 0);
}

static int read_ignore(struct copy *c, struct prs_err *err)
{
	static const char *const files[] = { ".amlignore", ".gitignore" };
	for (int i = 0; i < 2; i++) {
		PRS_AUTOFREE char *path = prs_strf("%s/%s", c->j->code_dir, files[i]);
		int fd = path ? c->fs->open(c->fs->ctx, path, O_RDONLY, 0) : -1;
		if (fd < 0)
			continue;
		PRS_AUTOFREE char *text = prs_calloc(IGNORE_BYTES + 1, 1);
		ssize_t n = text ? c->fs->pread(c->fs->ctx, fd, text, IGNORE_BYTES, 0) : -1;
		c->fs->close(c->fs->ctx, fd);
		char *save = NULL;
		for (char *line = n > 0 ? strtok_r(text, "\r\n", &save) : NULL; line; line = strtok_r(NULL, "\r\n", &save))
			if (line[0] != '#' && line[0] != '!' && prs_list_add(&c->ignore, line) < 0)
				return prs_fail(err, PRS_ENOMEM, "reading %s", path);
		return 0;
	}
	return 0;
}

static int too_large(const struct copy *c, struct prs_err *err)
{
	return prs_fail(err, PRS_ELIMIT, "the folder of the entry script, %s, holds more than %d files or 300 MB (largest: %s, %.1f MB). Name what the "
	                "script does not need in %s/.amlignore, or move the script into a folder of its own", c->j->code_dir, FILES_MAX,
	                c->largest_path, (double)c->largest / 1048576.0, c->j->code_dir);
}

static int copy_bytes(struct copy *c, int from, int to)
{
	uint64_t at = 0;
	for (;;) {
		ssize_t n = c->fs->pread(c->fs->ctx, from, c->space, CHUNK, at);
		if (n <= 0)
			return (int)n;
		XXH3_128bits_update(c->print, c->space, (size_t)n);
		for (ssize_t done = 0; done < n;) {
			ssize_t w = c->fs->pwrite(c->fs->ctx, to, c->space + done, (size_t)(n - done), at + (uint64_t)done);
			if (w <= 0)
				return w < 0 ? (int)w : -EIO;
			done += w;
		}
		at += (uint64_t)n;
	}
}

static int copy_file(struct copy *c, const char *path, const char *relative, const struct prs_fs_stat *st, struct prs_err *err)
{
	c->files++;
	c->bytes += st->size;
	if (st->size >= c->largest) {
		c->largest = st->size;
		snprintf(c->largest_path, sizeof c->largest_path, "%s", relative);
	}
	if (c->files > FILES_MAX || c->bytes > BYTES_MAX)
		return too_large(c, err);
	PRS_AUTOFREE char *to = prs_strf("%s/%s", c->to, relative);
	int in = to ? c->fs->open(c->fs->ctx, path, O_RDONLY, 0) : -ENOMEM;
	if (in < 0)
		return prs_fail_errno(err, -in, "reading %s", path);
	int out = c->fs->open(c->fs->ctx, to, O_WRONLY | O_CREAT | O_TRUNC, (st->mode & 0777) | 0600);
	int r = out < 0 ? out : copy_bytes(c, in, out);
	XXH3_128bits_update(c->print, relative, strlen(relative) + 1);
	c->fs->close(c->fs->ctx, in);
	if (out >= 0)
		c->fs->close(c->fs->ctx, out);
	return r < 0 ? prs_fail_errno(err, -r, "copying %s", path) : 0;
}

static int copy_folder(struct copy *c, const char *from, const char *prefix, int depth, struct prs_err *err);

static int copy_entry(struct copy *c, const char *from, const char *prefix, const char *name, int depth, struct prs_err *err)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s", from, name);
	PRS_AUTOFREE char *relative = prs_strf("%s%s", prefix, name);
	struct prs_fs_stat st;
	if (!path || !relative)
		return prs_fail(err, PRS_ENOMEM, "copying %s", from);
	if (always_left_out(name) || is_data(c, path) || c->fs->stat(c->fs->ctx, path, &st) < 0)
		return 0;
	if (ignored(c, relative, name, S_ISDIR(st.mode)))
		return 0;
	if (S_ISREG(st.mode))
		return copy_file(c, path, relative, &st, err);
	if (!S_ISDIR(st.mode) || depth >= DEPTH_MAX)
		return 0;
	PRS_AUTOFREE char *marker = prs_strf("%s/pyvenv.cfg", path);
	struct prs_fs_stat none;
	if (marker && c->fs->stat(c->fs->ctx, marker, &none) == 0)
		return 0; /* a virtual environment by any name */
	PRS_AUTOFREE char *to = prs_strf("%s/%s", c->to, relative);
	PRS_AUTOFREE char *deeper = prs_strf("%s/", relative);
	int r = to && deeper ? c->fs->mkdir(c->fs->ctx, to, 0755) : -ENOMEM;
	if (r < 0 && r != -EEXIST)
		return prs_fail_errno(err, -r, "creating %s", to);
	return copy_folder(c, path, deeper, depth + 1, err);
}

static int copy_folder(struct copy *c, const char *from, const char *prefix, int depth, struct prs_err *err)
{
	struct names n = { 0 };
	int r = c->fs->list(c->fs->ctx, from, each_name, &n);
	if (n.failed)
		r = -ENOMEM;
	if (r < 0)
		r = prs_fail_errno(err, -r, "reading %s", from);
	if (!r && n.list.n)
		qsort(n.list.v, n.list.n, sizeof *n.list.v, by_bytes);
	for (size_t i = 0; i < n.list.n && !r; i++)
		r = copy_entry(c, from, prefix, n.list.v[i], depth, err);
	prs_list_done(&n.list);
	return r;
}

int prs_snapshot(struct prs_job *j, const struct prs_fs *fs, const char *to, struct prs_err *err)
{
	struct copy c = { .j = j, .fs = fs, .to = to, .print = XXH3_createState(), .space = prs_malloc(CHUNK) };
	int r = c.print && c.space ? 0 : prs_fail(err, PRS_ENOMEM, "copying the code");
	if (!r) {
		XXH3_128bits_reset(c.print);
		r = read_ignore(&c, err);
	}
	if (!r)
		r = copy_folder(&c, j->code_dir, "", 0, err);
	if (!r) {
		XXH128_canonical_t print;
		XXH128_canonicalFromHash(&print, XXH3_128bits_digest(c.print));
		memcpy(j->code_print, print.digest, 16);
	}
	prs_list_done(&c.ignore);
	prs_freep(&c.space);
	XXH3_freeState(c.print);
	return r;
}
