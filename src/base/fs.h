/* SPDX-License-Identifier: Apache-2.0
 * fs: the small table of file functions that whatever keeps or lists files goes through (store, data, spec, report,
 * master, node); tests put a faulty one in its place.
 *
 * Functions return a value >= 0 or a negative errno (-ENOSPC). io/fs_posix.c is the real one.
 */
#ifndef PRS_BASE_FS_H
#define PRS_BASE_FS_H

#include <limits.h> /* PATH_MAX: what a buffer for a path holds, everywhere */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct prs_fs_stat {
	uint64_t size;
	uint64_t allocated; /* bytes on the disk, what was allocated ahead too */
	uint64_t mtime_us;
	uint32_t mode; /* st_mode */
	uint32_t uid, gid;
	uint64_t dev, ino;
};

/* For open(), beside the flags of the system: a file that only prs makes, in a run folder. It is a plain file reached
 * through no symbolic link, and is opened without waiting, as a fifo would make us; else -PRS_ERRNO_NOT_OWN. */
#define PRS_O_OWN (1 << 30)
enum { PRS_ERRNO_NOT_OWN = 4095 };
/* Of a file that a person names: a fifo, a device or a socket. */
enum { PRS_ERRNO_NO_FILE = 4094 };

/* An entry of a folder. type: 'f' file, 'd' folder, 'l' symlink, 'o' other (socket, fifo, device), '?' unknown (stat
 * it) */
typedef int prs_fs_entry_fn(void *ctx, const char *name, char type);

struct prs_fs {
	void *ctx;
	int (*open)(void *ctx, const char *path, int flags, uint32_t mode);
	int (*close)(void *ctx, int fd);
	ssize_t (*pread)(void *ctx, int fd, void *to, size_t n, uint64_t offset);          /* up to n bytes, 0 = end */
	ssize_t (*pwrite)(void *ctx, int fd, const void *from, size_t n, uint64_t offset); /* may be short */
	ssize_t (*read)(void *ctx, int fd, void *to, size_t n);                            /* of a passed descriptor */
	int (*fdatasync)(void *ctx, int fd);
	int (*sync_dir)(void *ctx, const char *path);
	int (*fallocate)(void *ctx, int fd, uint64_t offset, uint64_t n); /* keeps the size */
	int (*ftruncate)(void *ctx, int fd, uint64_t size);
	/* The whole of `from` in `to`, sharing its blocks; -EOPNOTSUPP, -EXDEV and others: not on this file system. */
	int (*clone)(void *ctx, int from, int to);
	int (*chmod)(void *ctx, int fd, uint32_t mode);
	int (*chown)(void *ctx, int fd, uint32_t uid, uint32_t gid); /* (uint32_t)-1 = stays */
	int (*fstat)(void *ctx, int fd, struct prs_fs_stat *ret);
	int (*stat)(void *ctx, const char *path, struct prs_fs_stat *ret); /* follows links */
	int (*rename)(void *ctx, const char *from, const char *to);
	int (*rename_new)(void *ctx, const char *from,
	                  const char *to); /* -EEXIST when `to` is there: replaces nothing */
	int (*unlink)(void *ctx, const char *path);
	int (*symlink)(void *ctx, const char *target, const char *path);
	int (*mkdir)(void *ctx, const char *path, uint32_t mode);
	void *(*mmap)(void *ctx, int fd, size_t n, bool writable); /* shared; NULL and errno set on failure */
	int (*munmap)(void *ctx, void *p, size_t n);
	/* Calls `each` for every entry but . and ..; in no order; stops when it returns non-zero and returns that. */
	int (*list)(void *ctx, const char *path, prs_fs_entry_fn *each, void *each_ctx);
	int (*free_bytes)(void *ctx, const char *path, uint64_t *ret); /* what we may still write there */
};

struct prs_buf;
struct prs_err;

/* Read a whole file of at most to->max bytes. */
int prs_read_file(const struct prs_fs *fs, const char *path, struct prs_buf *to, struct prs_err *err);
/* The same for a file of a run folder (PRS_O_OWN). */
int prs_read_own_file(const struct prs_fs *fs, const char *path, struct prs_buf *to, struct prs_err *err);

#endif
