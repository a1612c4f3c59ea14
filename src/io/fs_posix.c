/* SPDX-License-Identifier: Apache-2.0
 * fs_posix: each function of the table is one system call that goes on after a signal and gives -errno. What a file
 * system cannot do and nobody needs (fallocate, fsync of a folder) is no error.
 */
#include "io/fs_posix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

/* Repeats a call that a signal interrupted; the value or -errno. */
#define RETRY(call)                                 \
	({                                          \
		ssize_t r_;                         \
		do {                                \
			r_ = (ssize_t)(call);       \
		} while (r_ < 0 && errno == EINTR); \
		r_ < 0 ? -(ssize_t)errno : r_;      \
	})

/* ---- files of a run folder --------------------------------------------------------------------------------------- */

/* Links on the way are refused where the kernel can (5.6); everywhere one at its end. */
static int open_without_links(const char *path, int flags, uint32_t mode)
{
	int fd = -ENOSYS;
	flags |= O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
#ifdef RESOLVE_NO_SYMLINKS
	struct open_how how = { .flags = (uint64_t)flags,
		                .mode = flags & O_CREAT ? mode & 07777 : 0,
		                .resolve = RESOLVE_NO_SYMLINKS };
	fd = (int)RETRY(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
#endif
	if (fd == -ENOSYS || fd == -EPERM) /* an old kernel; a container that forbids it */
		fd = (int)RETRY(open(path, flags, (mode_t)mode));
	return fd == -ELOOP || fd == -ENXIO ? -PRS_ERRNO_NOT_OWN : fd;
}

int prs_open_own(const char *path, int flags, uint32_t mode)
{
	struct stat st;
	int fd = open_without_links(path, flags & ~(O_TRUNC | PRS_O_OWN), mode);
	if (fd < 0)
		return fd;
	int r = fstat(fd, &st) < 0 ? -errno : 0;
	if (!r && !S_ISREG(st.st_mode))
		r = -PRS_ERRNO_NOT_OWN;
	if (!r && (flags & O_TRUNC))
		r = (int)RETRY(ftruncate(fd, 0));
	if (!r)
		return fd;
	close(fd);
	return r;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static int fs_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	(void)ctx;
	if (flags & PRS_O_OWN)
		return prs_open_own(path, flags, mode);
	return (int)RETRY(open(path, flags | O_CLOEXEC, (mode_t)mode));
}

static int fs_close(void *ctx, int fd)
{
	(void)ctx;
	return close(fd) < 0 ? -errno : 0;
}

static ssize_t fs_pread(void *ctx, int fd, void *to, size_t n, uint64_t offset)
{
	(void)ctx;
	return RETRY(pread(fd, to, n, (off_t)offset));
}

static ssize_t fs_pwrite(void *ctx, int fd, const void *from, size_t n, uint64_t offset)
{
	(void)ctx;
	return RETRY(pwrite(fd, from, n, (off_t)offset));
}

static ssize_t fs_read(void *ctx, int fd, void *to, size_t n)
{
	(void)ctx;
	return RETRY(read(fd, to, n));
}

static int fs_fdatasync(void *ctx, int fd)
{
	(void)ctx;
	return (int)RETRY(fdatasync(fd));
}

static int fs_sync_dir(void *ctx, const char *path)
{
	(void)ctx;
	int fd = (int)RETRY(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (fd < 0)
		return fd;
	int r = (int)RETRY(fsync(fd));
	close(fd);
	return r == -EINVAL ? 0 : r; /* a file system that cannot sync a folder */
}

static int fs_fallocate(void *ctx, int fd, uint64_t offset, uint64_t n)
{
	(void)ctx;
	int r = (int)RETRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)n));
	return r == -EOPNOTSUPP || r == -ENOSYS ? 0 : r;
}

static int fs_ftruncate(void *ctx, int fd, uint64_t size)
{
	(void)ctx;
	return (int)RETRY(ftruncate(fd, (off_t)size));
}

static int fs_chmod(void *ctx, int fd, uint32_t mode)
{
	(void)ctx;
	return fchmod(fd, (mode_t)mode) < 0 ? -errno : 0;
}

static int fs_chown(void *ctx, int fd, uint32_t uid, uint32_t gid)
{
	(void)ctx;
	return fchown(fd, (uid_t)uid, (gid_t)gid) < 0 ? -errno : 0;
}

static void fill_stat(const struct stat *st, struct prs_fs_stat *ret)
{
	*ret = (struct prs_fs_stat){
		.size = (uint64_t)st->st_size,
		.allocated = (uint64_t)st->st_blocks * 512,
		.mtime_us = (uint64_t)st->st_mtim.tv_sec * 1000000 + (uint64_t)st->st_mtim.tv_nsec / 1000,
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.dev = st->st_dev,
		.ino = st->st_ino,
	};
}

/* Not every file system can, and none across disks: the caller then copies. */
static int fs_clone(void *ctx, int from, int to)
{
	(void)ctx;
	return ioctl(to, FICLONE, from) < 0 ? -errno : 0;
}

static int fs_fstat(void *ctx, int fd, struct prs_fs_stat *ret)
{
	(void)ctx;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	fill_stat(&st, ret);
	return 0;
}

static int fs_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	(void)ctx;
	struct stat st;
	if (stat(path, &st) < 0)
		return -errno;
	fill_stat(&st, ret);
	return 0;
}

static int fs_rename(void *ctx, const char *from, const char *to)
{
	(void)ctx;
	return rename(from, to) < 0 ? -errno : 0;
}

/* renameat2 where the file system has it, else link and unlink, else the look before the leap that is left. */
static int fs_rename_new(void *ctx, const char *from, const char *to)
{
	struct prs_fs_stat st;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(from, to) == 0)
		return unlink(from) < 0 ? -errno : 0;
	if (errno == EEXIST)
		return -EEXIST;
	return fs_stat(ctx, to, &st) == 0 ? -EEXIST : fs_rename(ctx, from, to);
}

static int fs_unlink(void *ctx, const char *path)
{
	(void)ctx;
	return unlink(path) < 0 ? -errno : 0;
}

static int fs_symlink(void *ctx, const char *target, const char *path)
{
	(void)ctx;
	return symlink(target, path) < 0 ? -errno : 0;
}

static int fs_mkdir(void *ctx, const char *path, uint32_t mode)
{
	(void)ctx;
	return mkdir(path, (mode_t)mode) < 0 ? -errno : 0;
}

static void *fs_mmap(void *ctx, int fd, size_t n, bool writable)
{
	(void)ctx;
	void *p = mmap(NULL, n, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

static int fs_munmap(void *ctx, void *p, size_t n)
{
	(void)ctx;
	return munmap(p, n) < 0 ? -errno : 0;
}

static char type_of(unsigned char d_type)
{
	switch (d_type) {
	case DT_REG: return 'f';
	case DT_DIR: return 'd';
	case DT_LNK: return 'l';
	case DT_UNKNOWN: return '?';
	default: return 'o';
	}
}

static int fs_list(void *ctx, const char *path, prs_fs_entry_fn *each, void *each_ctx)
{
	(void)ctx;
	DIR *d = opendir(path);
	if (!d)
		return -errno;
	int r = 0;
	for (;;) {
		errno = 0;
		struct dirent *e = readdir(d);
		if (!e) {
			r = -errno;
			break;
		}
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		r = each(each_ctx, e->d_name, type_of(e->d_type));
		if (r)
			break;
	}
	closedir(d);
	return r;
}

static int fs_free_bytes(void *ctx, const char *path, uint64_t *ret)
{
	(void)ctx;
	struct statvfs v;
	if (statvfs(path, &v) < 0)
		return -errno;
	*ret = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

const struct prs_fs prs_fs_posix = {
	.open = fs_open,
	.close = fs_close,
	.pread = fs_pread,
	.pwrite = fs_pwrite,
	.read = fs_read,
	.fdatasync = fs_fdatasync,
	.sync_dir = fs_sync_dir,
	.fallocate = fs_fallocate,
	.ftruncate = fs_ftruncate,
	.clone = fs_clone,
	.chmod = fs_chmod,
	.chown = fs_chown,
	.fstat = fs_fstat,
	.stat = fs_stat,
	.rename = fs_rename,
	.rename_new = fs_rename_new,
	.unlink = fs_unlink,
	.symlink = fs_symlink,
	.mkdir = fs_mkdir,
	.mmap = fs_mmap,
	.munmap = fs_munmap,
	.list = fs_list,
	.free_bytes = fs_free_bytes,
};
