/* SPDX-License-Identifier: Apache-2.0
 * fault_fs: one function decides of each call whether it fails; the table is the real one with that question in front.
 */
#include "fault_fs.h"

#include <errno.h>
#include <string.h>

enum { FDS = sizeof((struct fault_fs){ 0 }).chosen };

static const char *const names[FAULT_KINDS] = {
#define X(upper, lower) #lower,
	FAULT_CALLS(X)
#undef X
		"any",
};

enum fault_call fault_call_by_name(const char *name)
{
	unsigned i = 0;
	while (i < FAULT_KINDS && strcmp(names[i], name) != 0)
		i++;
	return (enum fault_call)i;
}

const char *fault_call_name(enum fault_call call) { return names[call]; }

/* 0 or the errno with which this call on a chosen file fails. */
static int fails_if(struct fault_fs *f, enum fault_call call, bool chosen)
{
	__atomic_add_fetch(&f->calls[call], 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&f->calls[FAULT_ANY], 1, __ATOMIC_RELAXED);
	if (!f->nth || !chosen || (f->call != call && f->call != FAULT_ANY))
		return 0;
	long seen = __atomic_add_fetch(&f->seen, 1, __ATOMIC_RELAXED);
	if (seen < f->nth || (seen > f->nth && !f->repeat && !(f->every && seen % f->nth == 0)))
		return 0;
	__atomic_add_fetch(&f->fired, 1, __ATOMIC_RELAXED);
	return f->errnum;
}

static int fails_at(struct fault_fs *f, enum fault_call call, const char *path)
{
	return fails_if(f, call, !f->only[0] || strstr(path, f->only));
}

static int fails(struct fault_fs *f, enum fault_call call, int fd)
{
	return fails_if(f, call,
	                !f->only[0] || (fd >= 0 && fd < FDS && __atomic_load_n(&f->chosen[fd], __ATOMIC_RELAXED)));
}

static void choose(struct fault_fs *f, int fd, bool chosen)
{
	if (fd >= 0 && fd < FDS)
		__atomic_store_n(&f->chosen[fd], chosen, __ATOMIC_RELAXED);
}

static void add(long *counter, long n) { __atomic_add_fetch(counter, n, __ATOMIC_RELAXED); }

/* The calls that only fail or go through; `on` says by what the file is known. */
#define PLAIN(call, upper, on, what, params, ...)                         \
	static int f_##call params                                        \
	{                                                                 \
		struct fault_fs *f = ctx;                                 \
		int e = on(f, FAULT_##upper, what);                       \
		return e ? -e : f->real->call(f->real->ctx, __VA_ARGS__); \
	}

PLAIN(sync_dir, SYNC_DIR, fails_at, path, (void *ctx, const char *path), path)
PLAIN(fallocate, FALLOCATE, fails, fd, (void *ctx, int fd, uint64_t offset, uint64_t n), fd, offset, n)
PLAIN(ftruncate, FTRUNCATE, fails, fd, (void *ctx, int fd, uint64_t size), fd, size)
PLAIN(clone, CLONE, fails, to, (void *ctx, int from, int to), from, to)
PLAIN(chmod, CHMOD, fails, fd, (void *ctx, int fd, uint32_t mode), fd, mode)
PLAIN(chown, CHOWN, fails, fd, (void *ctx, int fd, uint32_t uid, uint32_t gid), fd, uid, gid)
PLAIN(fstat, FSTAT, fails, fd, (void *ctx, int fd, struct prs_fs_stat *ret), fd, ret)
PLAIN(stat, STAT, fails_at, path, (void *ctx, const char *path, struct prs_fs_stat *ret), path, ret)
PLAIN(rename, RENAME, fails_at, to, (void *ctx, const char *from, const char *to), from, to)
PLAIN(rename_new, RENAME, fails_at, to, (void *ctx, const char *from, const char *to), from, to)
PLAIN(unlink, UNLINK, fails_at, path, (void *ctx, const char *path), path)
PLAIN(symlink, SYMLINK, fails_at, path, (void *ctx, const char *target, const char *path), target, path)
PLAIN(mkdir, MKDIR, fails_at, path, (void *ctx, const char *path, uint32_t mode), path, mode)
PLAIN(free_bytes, FREE_BYTES, fails_at, path, (void *ctx, const char *path, uint64_t *ret), path, ret)

static int f_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	struct fault_fs *f = ctx;
	int e = fails_at(f, FAULT_OPEN, path);
	int fd = e ? -e : f->real->open(f->real->ctx, path, flags, mode);
	if (fd >= 0)
		add(&f->open_files, 1);
	choose(f, fd, strstr(path, f->only));
	return fd;
}

/* A close that fails has closed. */
static int f_close(void *ctx, int fd)
{
	struct fault_fs *f = ctx;
	int e = fails(f, FAULT_CLOSE, fd);
	choose(f, fd, false); /* the number may be another thread's at once */
	int r = f->real->close(f->real->ctx, fd);
	add(&f->open_files, -1);
	return e ? -e : r;
}

static size_t most(const struct fault_fs *f, size_t n)
{
	return f->max_bytes && n > (size_t)f->max_bytes ? (size_t)f->max_bytes : n;
}

static ssize_t f_pread(void *ctx, int fd, void *to, size_t n, uint64_t offset)
{
	struct fault_fs *f = ctx;
	int e = fails(f, FAULT_PREAD, fd);
	return e ? -e : f->real->pread(f->real->ctx, fd, to, most(f, n), offset);
}

static ssize_t f_pwrite(void *ctx, int fd, const void *from, size_t n, uint64_t offset)
{
	struct fault_fs *f = ctx;
	int e = fails(f, FAULT_PWRITE, fd);
	if (!e)
		return f->real->pwrite(f->real->ctx, fd, from, most(f, n), offset);
	if (f->partial && n > 1)
		(void)f->real->pwrite(f->real->ctx, fd, from, n / 2, offset);
	return -e;
}

static ssize_t f_read(void *ctx, int fd, void *to, size_t n)
{
	struct fault_fs *f = ctx;
	int e = fails(f, FAULT_READ, fd);
	return e ? -e : f->real->read(f->real->ctx, fd, to, n);
}

static int f_fdatasync(void *ctx, int fd)
{
	struct fault_fs *f = ctx;
	int e = fails(f, FAULT_FDATASYNC, fd);
	if (e && f->sync_failed)
		f->sync_failed(f->sync_ctx, fd);
	return e ? -e : f->real->fdatasync(f->real->ctx, fd);
}

static void *f_mmap(void *ctx, int fd, size_t n, bool writable)
{
	struct fault_fs *f = ctx;
	int e = fails(f, FAULT_MMAP, fd);
	if (e) {
		errno = e;
		return NULL;
	}
	void *p = f->real->mmap(f->real->ctx, fd, n, writable);
	if (p)
		add(&f->mapped, 1);
	return p;
}

static int f_munmap(void *ctx, void *p, size_t n)
{
	struct fault_fs *f = ctx;
	add(&f->mapped, -1);
	return f->real->munmap(f->real->ctx, p, n);
}

struct listing {
	struct fault_fs *f;
	const char *path;
	prs_fs_entry_fn *each;
	void *each_ctx;
	int failed;
};

static int each_entry(void *ctx, const char *name, char type)
{
	struct listing *l = ctx;
	l->failed = fails_at(l->f, FAULT_ENTRY, l->path);
	if (l->failed)
		return 1;
	return l->each(l->each_ctx, name, l->f->unknown_types ? '?' : type);
}

static int f_list(void *ctx, const char *path, prs_fs_entry_fn *each, void *each_ctx)
{
	struct fault_fs *f = ctx;
	struct listing l = { f, path, each, each_ctx, 0 };
	int e = fails_at(f, FAULT_LIST, path);
	int r = e ? -e : f->real->list(f->real->ctx, path, each_entry, &l);
	return l.failed ? -l.failed : r;
}

void fault_fs_init(struct fault_fs *f, const struct prs_fs *real)
{
	*f = (struct fault_fs){ .real = real };
	f->fs = (struct prs_fs){
		.ctx = f,
		.open = f_open,
		.close = f_close,
		.pread = f_pread,
		.pwrite = f_pwrite,
		.read = f_read,
		.fdatasync = f_fdatasync,
		.sync_dir = f_sync_dir,
		.fallocate = f_fallocate,
		.ftruncate = f_ftruncate,
		.clone = f_clone,
		.chmod = f_chmod,
		.chown = f_chown,
		.fstat = f_fstat,
		.stat = f_stat,
		.rename = f_rename,
		.rename_new = f_rename_new,
		.unlink = f_unlink,
		.symlink = f_symlink,
		.mkdir = f_mkdir,
		.mmap = f_mmap,
		.munmap = f_munmap,
		.list = f_list,
		.free_bytes = f_free_bytes,
	};
}

void fault_fs_arm(struct fault_fs *f, enum fault_call call, long n, int errnum, bool repeat)
{
	f->call = call;
	f->errnum = errnum;
	f->repeat = repeat;
	f->nth = n;
	f->seen = f->fired = 0;
}
