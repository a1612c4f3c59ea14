/* SPDX-License-Identifier: Apache-2.0
 * files: the log files: buffered, written in large pieces, emptied or cut on opening; whole files replaced atomically.
 *
 * Failure: a write that fails (disk full) leaves its bytes in the buffer: the next write begins with them, so that the
 *          order stays. While a buffer is above REPORT_STALL_BYTES no facts are taken. Out of memory breaks the report
 *          for this life: the cursor stays where it was and the next life writes the missing lines.
 */
#include "report/impl.h"

#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static const char *const paths[REPORT_LOGS + 1] = {
#define PRS_LOG(id, path, kind, what) [REPORT_##id] = path,
#include "report/logs.def"
};

const char *report_log_path(enum report_log log) { return paths[log]; }

/* ---- append logs ------------------------------------------------------------------------------------------------- */

struct report_file *report_file_get(struct prs_report *r, enum report_log log, const char *name)
{
	if (!name)
		name = paths[log];
	for (size_t i = 0; i < r->files_n; i++)
		if (r->files[i]->log == log && strcmp(r->files[i]->name, name) == 0)
			return r->files[i];
	struct report_file **grown = prs_realloc(r->files, (r->files_n + 1) * sizeof *grown);
	if (grown)
		r->files = grown;
	struct report_file *f = grown ? prs_calloc(1, sizeof *f) : NULL;
	char *copy = f ? prs_strdup(name) : NULL;
	if (!copy) {
		prs_freep(&f);
		r->broken = -PRS_ENOMEM;
		return NULL;
	}
	*f = (struct report_file){ .name = copy, .log = log, .fd = -1 };
	prs_buf_init(&f->buf, REPORT_BUFFER_MAX);
	r->files[r->files_n++] = f;
	return f;
}

static void close_file(struct prs_report *r, struct report_file *f)
{
	if (f->fd >= 0)
		r->fs->close(r->fs->ctx, f->fd);
	f->fd = -1;
}

void report_files_free(struct prs_report *r)
{
	for (size_t i = 0; i < r->files_n; i++) {
		close_file(r, r->files[i]);
		prs_buf_done(&r->files[i]->buf);
		prs_freep(&r->files[i]->name);
		prs_freep(&r->files[i]);
	}
	prs_freep(&r->files);
	r->files_n = 0;
}

int report_make_folders(struct prs_report *r, const char *path)
{
	return prs_path_make(r->fs, path, strlen(r->dir), 0777, NULL);
}

static int open_at(struct prs_report *r, const char *full, int flags)
{
	int fd = r->fs->open(r->fs->ctx, full, flags | PRS_O_OWN, 0666);
	if (fd != -ENOENT)
		return fd;
	int rc = report_make_folders(r, full);
	return rc < 0 ? rc : r->fs->open(r->fs->ctx, full, flags | PRS_O_OWN, 0666);
}

static int open_file(struct prs_report *r, struct report_file *f)
{
	char full[PATH_MAX];
	if ((size_t)snprintf(full, sizeof full, "%s/logs/%s", r->dir, f->name) >= sizeof full)
		return -ENAMETOOLONG;
	int fd = open_at(r, full, O_WRONLY | O_CREAT | (f->known ? 0 : O_TRUNC));
	if (fd < 0)
		return fd;
	f->fd = fd;
	f->known = true;
	return 0;
}

bool report_fenced(struct prs_report *r)
{
	char next[PATH_MAX];
	struct prs_fs_stat st;
	snprintf(next, sizeof next, "%s/journal-%u", r->dir, r->epoch + 1);
	if (r->epoch == 0 || r->fs->stat(r->fs->ctx, next, &st) < 0)
		return false;
	r->broken = -PRS_EFENCED;
	return true;
}

/* Write what the buffer holds; a part may remain. Returns 0 or a negative errno. */
static int write_file(struct prs_report *r, struct report_file *f)
{
	if (f->buf.len == 0)
		return 0;
	int rc = f->fd < 0 ? open_file(r, f) : 0;
	size_t at = 0;
	while (rc == 0 && at < f->buf.len) {
		ssize_t n = r->fs->pwrite(r->fs->ctx, f->fd, f->buf.data + at, f->buf.len - at, f->length);
		if (n == -EINTR)
			continue;
		if (n <= 0) {
			rc = n < 0 ? (int)n : -EIO;
			break;
		}
		at += (size_t)n;
		f->length += (uint64_t)n;
	}
	prs_buf_consume(&f->buf, at);
	return rc;
}

/* Returns 0, or remembers the failure and returns its code. */
static int write_one(struct prs_report *r, struct report_file *f)
{
	int rc = write_file(r, f);
	if (rc < 0)
		r->write_failed = prs_fail_errno(NULL, -rc, "%s", f->name);
	return rc < 0 ? r->write_failed : 0;
}

int report_files_write(struct prs_report *r)
{
	if (r->broken || report_fenced(r))
		return r->broken;
	r->write_failed = 0;
	for (size_t i = 0; i < r->files_n; i++)
		write_one(r, r->files[i]);
	return r->write_failed;
}

static void begin_file(struct report_file *f)
{
	if (f->length == 0 && f->buf.len == 0)
		prs_buf_puts(&f->buf, report_log_head(f->log));
}

char *report_file_room(struct prs_report *r, struct report_file *f, size_t n)
{
	if (r->broken || !f)
		return NULL;
	begin_file(f);
	char *p = (char *)prs_buf_reserve(&f->buf, n);
	if (!p)
		r->broken = f->buf.failed;
	return p;
}

void report_file_took(struct prs_report *r, struct report_file *f, const char *end)
{
	f->buf.len = (size_t)((const uint8_t *)end - f->buf.data);
	report_file_put_done(r, f);
}

struct prs_buf *report_file_buf(struct prs_report *r, struct report_file *f)
{
	if (r->broken || !f)
		return NULL;
	begin_file(f);
	return &f->buf;
}

void report_file_put_done(struct prs_report *r, struct report_file *f)
{
	if (f->buf.failed)
		r->broken = f->buf.failed;
	else if (f->buf.len >= r->piece_bytes && !r->write_failed && !report_fenced(r))
		write_one(r, f);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

void report_files_restart(struct prs_report *r)
{
	for (size_t i = 0; i < r->files_n; i++) {
		struct report_file *f = r->files[i];
		close_file(r, f);
		prs_buf_clear(&f->buf);
		f->length = 0;
		f->known = false;
		char full[PATH_MAX];
		snprintf(full, sizeof full, "%s/logs/%s", r->dir, f->name);
		r->fs->unlink(r->fs->ctx, full);
	}
}

struct purge {
	struct prs_report *r;
	const char *folder; /* below logs/; NULL: sys/node itself */
};

static int files_purge_entry(void *ctx, const char *name, char type)
{
	struct purge *p = ctx;
	struct prs_report *r = p->r;
	char full[PATH_MAX], below[PATH_MAX / 2];
	(void)type;
	if ((size_t)snprintf(below, sizeof below, "%s/%s", p->folder ? p->folder : "sys/node", name) >= sizeof below)
		return 0;
	if ((size_t)snprintf(full, sizeof full, "%s/logs/%s", r->dir, below) >= sizeof full)
		return 0;
	if (!p->folder) {
		struct purge inner = { .r = r, .folder = below };
		r->fs->list(r->fs->ctx, full, files_purge_entry, &inner);
		return 0;
	}
	for (size_t i = 0; i < r->files_n; i++)
		if (strcmp(r->files[i]->name, below) == 0)
			return 0;
	r->fs->unlink(r->fs->ctx, full);
	return 0;
}

void report_files_purge(struct prs_report *r)
{
	char full[PATH_MAX];
	struct purge p = { .r = r };
	snprintf(full, sizeof full, "%s/logs/sys/node", r->dir);
	r->fs->list(r->fs->ctx, full, files_purge_entry, &p);
}

/* ---- whole files ------------------------------------------------------------------------------------------------- */

void report_whole_begin(struct prs_report *r, struct report_whole *w, const char *name)
{
	w->length = 0;
	w->failed = 0;
	prs_buf_init(&w->buf, REPORT_BUFFER_MAX);
	snprintf(w->path, sizeof w->path, "%s/%s", r->dir, name);
	snprintf(w->temp, sizeof w->temp, "%s.tmp", w->path);
	w->fd = open_at(r, w->temp, O_WRONLY | O_CREAT | O_TRUNC);
	if (w->fd < 0)
		w->failed = w->fd;
}

void report_whole_spill(struct prs_report *r, struct report_whole *w, size_t at_least)
{
	if (w->buf.failed && !w->failed)
		w->failed = w->buf.failed == -PRS_ENOMEM ? -ENOMEM : -EFBIG;
	if (w->buf.len < at_least || w->failed)
		return;
	for (size_t at = 0; at < w->buf.len;) {
		ssize_t n = r->fs->pwrite(r->fs->ctx, w->fd, w->buf.data + at, w->buf.len - at, w->length);
		if (n <= 0 && n != -EINTR) {
			w->failed = n < 0 ? (int)n : -EIO;
			return;
		}
		at += n > 0 ? (size_t)n : 0;
		w->length += n > 0 ? (uint64_t)n : 0;
	}
	prs_buf_clear(&w->buf);
}

int report_whole_end(struct prs_report *r, struct report_whole *w, struct prs_err *err)
{
	report_whole_spill(r, w, 0);
	if (w->fd >= 0)
		r->fs->close(r->fs->ctx, w->fd);
	prs_buf_done(&w->buf);
	if (!w->failed)
		w->failed = r->fs->rename(r->fs->ctx, w->temp, w->path);
	if (w->failed >= 0)
		return 0;
	if (w->fd >= 0)
		r->fs->unlink(r->fs->ctx, w->temp);
	r->write_failed = prs_fail_errno(err, -w->failed, "cannot write %s", w->path);
	return r->write_failed;
}
