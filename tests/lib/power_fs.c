/* SPDX-License-Identifier: Apache-2.0
 * power_fs: a list of changes with what was there before; losing them is undoing them, newest first.
 */
#include "power_fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file with unsynced bytes, held open so that its inode stays its own. */
struct power_file {
	struct power_file *next;
	dev_t dev;
	ino_t ino;
	int fd;
};

enum kind { BYTES, CREATED, RENAMED, REMOVED };

struct power_change {
	struct power_change *next;
	enum kind kind;
	struct power_file *file;  /* BYTES */
	uint64_t offset, n, size; /* BYTES: the range that changed; the size before */
	uint8_t *old;             /* BYTES: what was there, as far as the file reached */
	bool stuck;               /* its sync failed */
	char *path, *from;        /* names; RENAMED: from -> path */
	char *kept;               /* RENAMED, REMOVED: where the old file lies in limbo, or NULL */
};

static struct power_file *file_of(struct power_fs *p, int fd)
{
	struct stat st;
	int r = fstat(fd, &st);
	assert(r == 0);
	for (struct power_file *f = p->files; f; f = f->next)
		if (f->dev == st.st_dev && f->ino == st.st_ino)
			return f;
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct power_file *f = calloc(1, sizeof *f);
	*f = (struct power_file){ .next = p->files,
		                  .dev = st.st_dev,
		                  .ino = st.st_ino,
		                  .fd = open(path, O_RDWR | O_CLOEXEC) };
	assert(f->fd >= 0);
	return p->files = f;
}

static struct power_change *add(struct power_fs *p, enum kind kind)
{
	struct power_change *c = calloc(1, sizeof *c);
	c->kind = kind;
	c->next = p->changes;
	return p->changes = c;
}

static void forget(struct power_change *c)
{
	if (c->kept)
		unlink(c->kept);
	free(c->old);
	free(c->path);
	free(c->from);
	free(c->kept);
	free(c);
}

static bool in_folder(const char *path, const char *folder)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 1;
	return slash ? strlen(folder) == n && !memcmp(folder, path, n) : !strcmp(folder, ".");
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* Remember [offset, offset + n) of the file before it changes. */
static void remember(struct power_fs *p, int fd, uint64_t offset, uint64_t n)
{
	struct stat st;
	struct power_file *file = file_of(p, fd);
	fstat(fd, &st);
	/* what is written whole again is dirty again */
	for (struct power_change *c = p->changes; c; c = c->next)
		if (c->kind == BYTES && c->file == file && c->offset >= offset && c->offset + c->n <= offset + n)
			c->stuck = false;
	struct power_change *c = add(p, BYTES);
	c->file = file;
	c->offset = offset;
	c->n = n;
	c->size = (uint64_t)st.st_size;
	c->old = calloc(1, n + 1);
	ssize_t got = pread(file->fd, c->old, n, (off_t)offset);
	assert(got >= 0);
}

static void undo_bytes(const struct power_change *c)
{
	struct stat st;
	fstat(c->file->fd, &st);
	bool last = (uint64_t)st.st_size <= c->offset + c->n;
	ssize_t put = pwrite(c->file->fd, c->old, c->n, (off_t)c->offset);
	assert(put == (ssize_t)c->n);
	int r = last ? ftruncate(c->file->fd, (off_t)c->size) : 0;
	assert(r == 0);
}

static ssize_t p_pwrite(void *ctx, int fd, const void *from, size_t n, uint64_t offset)
{
	struct power_fs *p = ctx;
	pthread_mutex_lock(&p->lock);
	remember(p, fd, offset, n);
	ssize_t r = p->real->pwrite(p->real->ctx, fd, from, n, offset);
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int p_ftruncate(void *ctx, int fd, uint64_t size)
{
	struct power_fs *p = ctx;
	struct stat st;
	pthread_mutex_lock(&p->lock);
	fstat(fd, &st);
	uint64_t low = size < (uint64_t)st.st_size ? size : (uint64_t)st.st_size,
		 high = size + (uint64_t)st.st_size - low;
	if (high - low < 1 << 20) /* index files are large, mapped and derived */
		remember(p, fd, low, high - low);
	int r = p->real->ftruncate(p->real->ctx, fd, size);
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int p_fallocate(void *ctx, int fd, uint64_t offset, uint64_t n)
{
	(void)ctx;
	(void)fd;
	(void)offset;
	(void)n;
	return 0;
}

static int p_fdatasync(void *ctx, int fd)
{
	struct power_fs *p = ctx;
	pthread_mutex_lock(&p->lock);
	struct power_file *file = file_of(p, fd);
	for (struct power_change **at = &p->changes, *c; (c = *at);) {
		if (c->kind != BYTES || c->file != file || c->stuck) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		forget(c);
	}
	pthread_mutex_unlock(&p->lock);
	return 0;
}

void power_fs_sync_failed(void *ctx, int fd)
{
	struct power_fs *p = ctx;
	pthread_mutex_lock(&p->lock);
	struct power_file *file = file_of(p, fd);
	for (struct power_change *c = p->changes; c; c = c->next)
		if (c->kind == BYTES && c->file == file)
			c->stuck = true;
	pthread_mutex_unlock(&p->lock);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static int p_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	struct power_fs *p = ctx;
	pthread_mutex_lock(&p->lock);
	bool was = access(path, F_OK) == 0;
	if (was && flags & O_TRUNC) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		struct stat st;
		if (fd >= 0 && fstat(fd, &st) == 0)
			remember(p, fd, 0, (uint64_t)st.st_size);
		if (fd >= 0)
			close(fd);
	}
	int fd = p->real->open(p->real->ctx, path, flags, mode);
	if (fd >= 0 && !was && flags & O_CREAT)
		add(p, CREATED)->path = strdup(path);
	pthread_mutex_unlock(&p->lock);
	return fd;
}

/* A second name for a file that loses this one. */
static char *to_limbo(struct power_fs *p, const char *path)
{
	char kept[320];
	snprintf(kept, sizeof kept, "%s/%u", p->limbo, p->limbo_n++);
	return link(path, kept) == 0 ? strdup(kept) : NULL;
}

static int rename_by(struct power_fs *p, int (*fn)(void *ctx, const char *from, const char *to), const char *from,
                     const char *to)
{
	pthread_mutex_lock(&p->lock);
	char *kept = to_limbo(p, to);
	int r = fn(p->real->ctx, from, to);
	if (r < 0) {
		if (kept)
			unlink(kept);
		free(kept);
	} else {
		struct power_change *c = add(p, RENAMED);
		c->path = strdup(to);
		c->from = strdup(from);
		c->kept = kept;
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int p_rename(void *ctx, const char *from, const char *to)
{
	struct power_fs *p = ctx;
	return rename_by(p, p->real->rename, from, to);
}

static int p_rename_new(void *ctx, const char *from, const char *to)
{
	struct power_fs *p = ctx;
	return rename_by(p, p->real->rename_new, from, to);
}

static int p_unlink(void *ctx, const char *path)
{
	struct power_fs *p = ctx;
	pthread_mutex_lock(&p->lock);
	char *kept = to_limbo(p, path);
	int r = p->real->unlink(p->real->ctx, path);
	if (r == 0) {
		struct power_change *c = add(p, REMOVED);
		c->path = strdup(path);
		c->kept = kept;
	} else if (kept) {
		unlink(kept);
		free(kept);
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

static int p_sync_dir(void *ctx, const char *path)
{
	struct power_fs *p = ctx;
	pthread_mutex_lock(&p->lock);
	for (struct power_change **at = &p->changes, *c; (c = *at);) {
		if (c->kind == BYTES || !in_folder(c->path, path)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		forget(c);
	}
	pthread_mutex_unlock(&p->lock);
	return access(path, F_OK) == 0 ? 0 : -ENOENT;
}

static void undo(struct power_change *c)
{
	switch (c->kind) {
	case BYTES: undo_bytes(c); break;
	case CREATED: unlink(c->path); break;
	case RENAMED:
		rename(c->path, c->from);
		if (c->kept)
			rename(c->kept, c->path);
		break;
	case REMOVED:
		if (c->kept)
			rename(c->kept, c->path);
		break;
	}
}

static bool coin(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 40 & 1;
}

static void forget_all(struct power_fs *p)
{
	while (p->changes) {
		struct power_change *c = p->changes;
		p->changes = c->next;
		forget(c);
	}
	while (p->files) {
		struct power_file *f = p->files;
		p->files = f->next;
		close(f->fd);
		free(f);
	}
}

void power_fs_lose(struct power_fs *p, uint64_t seed)
{
	for (struct power_change *c = p->changes; c; c = c->next)
		if (!seed || coin(&seed))
			undo(c);
	forget_all(p);
}

static int p_clone(void *ctx, int from, int to)
{
	(void)ctx, (void)from, (void)to;
	return -EOPNOTSUPP; /* its bytes would be there at once */
}

void power_fs_init(struct power_fs *p, const struct prs_fs *real, const char *limbo)
{
	*p = (struct power_fs){ .real = real, .fs = *real };
	snprintf(p->limbo, sizeof p->limbo, "%s", limbo);
	pthread_mutex_init(&p->lock, NULL);
	p->fs.ctx = p;
	p->fs.open = p_open;
	p->fs.pwrite = p_pwrite;
	p->fs.ftruncate = p_ftruncate;
	p->fs.clone = p_clone;
	p->fs.fallocate = p_fallocate;
	p->fs.fdatasync = p_fdatasync;
	p->fs.sync_dir = p_sync_dir;
	p->fs.rename = p_rename;
	p->fs.rename_new = p_rename_new;
	p->fs.unlink = p_unlink;
}

void power_fs_done(struct power_fs *p)
{
	forget_all(p);
	pthread_mutex_destroy(&p->lock);
}
