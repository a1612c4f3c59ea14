/* SPDX-License-Identifier: Apache-2.0
 * mem_fs: a file system in memory, for tests that change files many thousand times. Paths are absolute and taken as
 * they are.
 *
 * Faults: one rule at a time (mem_fs_fail), or a disk of so many bytes (space). Loss of power: power_fs.h.
 */
#ifndef PRS_TEST_MEM_FS_H
#define PRS_TEST_MEM_FS_H

#include "base/fs.h"

enum mem_op {
	MEM_OPEN,
	MEM_PREAD,
	MEM_PWRITE,
	MEM_FDATASYNC,
	MEM_SYNC_DIR,
	MEM_FALLOCATE,
	MEM_FTRUNCATE,
	MEM_CHMOD,
	MEM_CHOWN,
	MEM_FSTAT,
	MEM_STAT,
	MEM_RENAME,
	MEM_UNLINK,
	MEM_MKDIR,
	MEM_MMAP,
	MEM_LIST,
	MEM_OPS
};

struct mem_fs {
	struct prs_fs fs; /* give &m->fs to the code under test */
	uint64_t space;   /* bytes that may still be written or allocated */
	unsigned calls[MEM_OPS];
	void (*before)(void *ctx, enum mem_op op, const char *path); /* may be NULL */
	void *before_ctx;
	/* private */
	struct mem_entry *live;
	struct mem_open *opened;
	unsigned live_n, opened_n;
	enum mem_op fail_op;
	const char *fail_path;
	int fail_errno;
	unsigned fail_skip;
};

struct mem_fs *mem_fs_new(void);
void mem_fs_free(struct mem_fs *m);
/* From the (skip + 1)th call of op on whose path holds `part`, once: -errnum. errnum 0 = no fault. */
void mem_fs_fail(struct mem_fs *m, enum mem_op op, const char *part, unsigned skip, int errnum);

/* Around the code under test: files as they are. */
bool mem_fs_has(const struct mem_fs *m, const char *path);
uint8_t *mem_fs_bytes(struct mem_fs *m, const char *path, uint64_t *ret_n); /* NULL = no such file; may be written to */
void mem_fs_put(struct mem_fs *m, const char *path, const void *bytes, uint64_t n); /* new or replaced */
void mem_fs_own(struct mem_fs *m, const char *path, uint32_t mode, uint32_t gid);
void mem_fs_touch(struct mem_fs *m, const char *path, uint64_t mtime_us);
void mem_fs_resize(struct mem_fs *m, const char *path, uint64_t n);
unsigned mem_fs_open_files(const struct mem_fs *m);

#endif
