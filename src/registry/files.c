/* SPDX-License-Identifier: Apache-2.0
 * files: a file appears whole under its name, or not at all: written beside it, synced, renamed.
 */
#include "registry/impl.h"

#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 1 << 20, DEPTH_MAX = 64 };

void reg_note(struct prs_workspace *w, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	prs_buf_putf(&w->notes, "%s\n", text);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int write_all(const struct prs_fs *fs, int fd, const char *p, size_t n, uint64_t at)
{
	while (n) {
		ssize_t w = fs->pwrite(fs->ctx, fd, p, n, at);
		if (w <= 0)
			return w < 0 ? (int)w : -EIO;
		p += w;
		at += (uint64_t)w;
		n -= (size_t)w;
	}
	return 0;
}

/* The bytes under a name of their own in the folder; *ret is the caller's. */
static int write_beside(const struct prs_fs *fs, const char *folder, const char *bytes, uint32_t mode, char **ret,
                        struct prs_err *err)
{
	char letters[REG_RANDOM];
	if (reg_random(letters, err) < 0)
		return err->code;
	*ret = prs_strf("%s/.new-%s", folder, letters);
	if (!*ret)
		return prs_fail(err, PRS_ENOMEM, "%s", folder);
	int fd = fs->open(fs->ctx, *ret, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0)
		return prs_fail_errno(err, -fd, "writing in %s", folder);
	int r = write_all(fs, fd, bytes, strlen(bytes), 0);
	r = r ? r : fs->fdatasync(fs->ctx, fd);
	fs->close(fs->ctx, fd);
	if (!r)
		return 0;
	fs->unlink(fs->ctx, *ret);
	return prs_fail_errno(err, -r, "writing in %s", folder);
}

/* The folders above a file, made. The caller frees. */
static char *folder_of(const struct prs_fs *fs, const char *path, uint32_t mode, struct prs_err *err)
{
	char *folder = prs_path_folder(path);
	int r = folder ? prs_path_make(fs, path, 0, mode, NULL) : -ENOMEM;
	if (!r)
		return folder;
	prs_fail_errno(err, -r, "making the folder %s", folder ? folder : path);
	free(folder);
	return NULL;
}

typedef int move_fn(void *ctx, const char *from, const char *to);

static int appear(const struct prs_fs *fs, const char *path, const char *bytes, uint32_t mode, uint32_t folder_mode,
                  move_fn *move, struct prs_err *err)
{
	PRS_AUTOFREE char *folder = folder_of(fs, path, folder_mode, err), *beside = NULL;
	if (!folder || write_beside(fs, folder, bytes, mode, &beside, err) < 0)
		return err->code;
	int r = move(fs->ctx, beside, path);
	if (!r)
		r = fs->sync_dir(fs->ctx, folder);
	else
		fs->unlink(fs->ctx, beside);
	if (r == -EEXIST)
		return prs_fail(err, PRS_EEXISTS, "%s is there", path);
	return r ? prs_fail_errno(err, -r, "writing %s", path) : 0;
}

static int write_doc(const struct prs_fs *fs, const char *path, const json_t *doc, move_fn *move, struct prs_err *err)
{
	char *text = json_dumps(doc, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	PRS_AUTOFREE char *line = text ? prs_strf("%s\n", text) : NULL;
	free(text);
	return line ? appear(fs, path, line, 0644, 0755, move, err) : prs_fail(err, PRS_ENOMEM, "%s", path);
}

int reg_write_new(const struct prs_fs *fs, const char *path, const json_t *doc, struct prs_err *err)
{
	return write_doc(fs, path, doc, fs->rename_new, err);
}

int reg_replace(const struct prs_fs *fs, const char *path, const json_t *doc, struct prs_err *err)
{
	return write_doc(fs, path, doc, fs->rename, err);
}

int reg_write_text(const struct prs_fs *fs, const char *path, const char *text, struct prs_err *err)
{
	return appear(fs, path, text, 0644, 0755, fs->rename, err);
}

int reg_write_secret(const struct prs_fs *fs, const char *path, const char *value, struct prs_err *err)
{
	return appear(fs, path, value, 0600, 0700, fs->rename, err);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

json_t *reg_read(const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	json_error_t e;
	PRS_AUTOBUF b;
	prs_buf_init(&b, REG_BYTES_MAX);
	char kind = prs_path_kind(fs, path);
	if (kind != 'f') {
		prs_fail(err, kind ? PRS_ECORRUPT : PRS_ENOTFOUND, "%s: %s", path,
		         kind ? "no plain file" : "no such file");
		return NULL;
	}
	if (prs_read_file(fs, path, &b, err) < 0)
		return NULL;
	json_t *doc = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, &e);
	if (!doc)
		prs_fail(err, PRS_ECORRUPT, "%s:%d:%d: %s", path, e.line, e.column, e.text);
	if (!doc || json_is_object(doc))
		return doc;
	prs_fail(err, PRS_ECORRUPT, "%s: expected an object", path);
	json_decref(doc);
	return NULL;
}

struct names {
	struct prs_list *to;
	bool failed, hidden;
};

static int each_name(void *ctx, const char *name, char type)
{
	struct names *n = ctx;
	(void)type;
	if (name[0] != '.' || n->hidden)
		n->failed = prs_list_add(n->to, name) < 0;
	return n->failed;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int read_names(const struct prs_fs *fs, const char *folder, bool hidden, struct prs_list *to,
                      struct prs_err *err)
{
	struct names n = { to, false, hidden };
	int r = fs->list(fs->ctx, folder, each_name, &n);
	if (n.failed)
		return prs_fail(err, PRS_ENOMEM, "%s", folder);
	if (r < 0 && r != -ENOENT)
		return prs_fail_errno(err, -r, "reading %s", folder);
	if (to->n)
		qsort(to->v, to->n, sizeof *to->v, by_bytes);
	return 0;
}

int reg_names(const struct prs_fs *fs, const char *folder, struct prs_list *to, struct prs_err *err)
{
	return read_names(fs, folder, false, to, err);
}

/* ---- copying ----------------------------------------------------------------------------------------------------- */

static int copy_bytes(const struct prs_fs *fs, int from, int to)
{
	if (fs->clone(fs->ctx, from, to) == 0)
		return 0;
	PRS_AUTOFREE char *chunk = prs_malloc(CHUNK);
	for (uint64_t at = 0; chunk;) {
		ssize_t n = fs->pread(fs->ctx, from, chunk, CHUNK, at);
		int r = n > 0 ? write_all(fs, to, chunk, (size_t)n, at) : (int)n;
		if (n <= 0 || r < 0)
			return r;
		at += (uint64_t)n;
	}
	return -ENOMEM;
}

static int copy_file(const struct prs_fs *fs, const char *from, const char *to, uint32_t mode)
{
	int in = prs_path_open(fs, from);
	int out = in < 0 ? in : fs->open(fs->ctx, to, O_WRONLY | O_CREAT | O_EXCL, 0600 | (mode & 0777));
	int r = out < 0 ? out : copy_bytes(fs, in, out);
	r = r ? r : fs->fdatasync(fs->ctx, out);
	if (out >= 0)
		fs->close(fs->ctx, out);
	if (in >= 0)
		fs->close(fs->ctx, in);
	return r;
}

static int copy_any(const struct prs_fs *fs, const char *from, const char *to, int depth, struct prs_err *err);

static int copy_folder(const struct prs_fs *fs, const char *from, const char *to, int depth, struct prs_err *err)
{
	struct prs_list names = { 0 };
	int r = fs->mkdir(fs->ctx, to, 0755);
	r = r < 0 ? prs_fail_errno(err, -r, "making the folder %s", to) : read_names(fs, from, true, &names, err);
	for (size_t i = 0; i < names.n && !r; i++) {
		PRS_AUTOFREE char *a = prs_strf("%s/%s", from, names.v[i]), *b = prs_strf("%s/%s", to, names.v[i]);
		r = a && b ? copy_any(fs, a, b, depth + 1, err) : prs_fail(err, PRS_ENOMEM, "%s", from);
	}
	prs_list_done(&names);
	int synced = r ? 0 : fs->sync_dir(fs->ctx, to);
	return synced < 0 ? prs_fail_errno(err, -synced, "syncing %s", to) : r;
}

static int copy_any(const struct prs_fs *fs, const char *from, const char *to, int depth, struct prs_err *err)
{
	struct prs_fs_stat st;
	int r = fs->stat(fs->ctx, from, &st);
	if (r < 0)
		return prs_fail_errno(err, -r, "copying %s", from);
	if (depth > DEPTH_MAX)
		return prs_fail(err, PRS_ELIMIT, "%s: more than %d folders deep: a link that leads back?", from,
		                DEPTH_MAX);
	if (S_ISDIR(st.mode))
		return copy_folder(fs, from, to, depth, err);
	if (!S_ISREG(st.mode))
		return prs_fail(err, PRS_EINVALID, "%s: neither a file nor a folder", from);
	r = copy_file(fs, from, to, st.mode);
	return r < 0 ? prs_fail_errno(err, -r, "copying %s to %s", from, to) : 0;
}

int reg_copy(const struct prs_fs *fs, const char *from, const char *to, struct prs_err *err)
{
	PRS_AUTOFREE char *folder = folder_of(fs, to, 0755, err);
	if (!folder || copy_any(fs, from, to, 0, err) < 0)
		return err->code;
	int r = fs->sync_dir(fs->ctx, folder);
	return r < 0 ? prs_fail_errno(err, -r, "syncing %s", folder) : 0;
}
