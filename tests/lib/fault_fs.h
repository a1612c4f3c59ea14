/* SPDX-License-Identifier: Apache-2.0
 * fault_fs: a table of file functions (base/fs.h) over a real one, whose n-th call of a chosen function fails.
 *
 * Any thread may call the functions. The calls are counted whether or not a fault is armed, so that a test runs once
 * without a fault to learn how many there are. Open descriptors and mappings are counted: a test asks at its end
 * whether something leaked.
 */
#ifndef PRS_TESTS_FAULT_FS_H
#define PRS_TESTS_FAULT_FS_H

#include "base/fs.h"

/* ENTRY: an entry of a folder: its list() ends there, in the middle, with the error. */
#define FAULT_CALLS(X)                                                                                              \
	X(OPEN, open)                                                                                               \
	X(CLOSE, close)                                                                                             \
	X(PREAD, pread)                                                                                             \
	X(PWRITE, pwrite)                                                                                           \
	X(READ, read)                                                                                               \
	X(FDATASYNC, fdatasync)                                                                                     \
	X(SYNC_DIR, sync_dir)                                                                                       \
	X(FALLOCATE, fallocate)                                                                                     \
	X(FTRUNCATE, ftruncate) X(CLONE, clone) X(CHMOD, chmod) X(CHOWN, chown) X(FSTAT, fstat) X(STAT, stat)       \
		X(RENAME, rename) X(UNLINK, unlink) X(SYMLINK, symlink) X(MKDIR, mkdir) X(MMAP, mmap) X(LIST, list) \
			X(ENTRY, entry) X(FREE_BYTES, free_bytes)

enum fault_call {
#define X(upper, lower) FAULT_##upper,
	FAULT_CALLS(X)
#undef X
		FAULT_ANY,
	FAULT_KINDS
};

struct fault_fs {
	struct prs_fs fs; /* what the code under test gets: &f.fs */
	const struct prs_fs *real;
	void (*sync_failed)(void *ctx, int fd); /* may be NULL: told of fdatasync() calls that were made to fail */
	void *sync_ctx;
	enum fault_call call; /* FAULT_ANY: whatever is called, as if the machine had died there */
	long nth, seen;       /* calls of `call` since it was armed */
	int errnum;
	bool repeat;        /* and every later call too */
	bool every;         /* and the 2n-th, the 3n-th ... */
	bool partial;       /* a failing pwrite has written half of its bytes before */
	char only[64];      /* count only calls on files whose path holds this; "" = all */
	bool chosen[1024];  /* by descriptor: its path holds it */
	bool unknown_types; /* list() does not know what its entries are */
	long fired;         /* calls that failed */
	long max_bytes;     /* a pwrite or pread takes at most so many; 0 = no limit */
	long calls[FAULT_KINDS];
	long open_files, mapped;
};

void fault_fs_init(struct fault_fs *f, const struct prs_fs *real);
/* The n-th call of `call` from now on fails with errnum; n = 0: none does. Clears `fired`. A change of `only` holds for
 * files opened later. */
void fault_fs_arm(struct fault_fs *f, enum fault_call call, long n, int errnum, bool repeat);
/* "pwrite" -> FAULT_PWRITE; FAULT_KINDS when unknown; "any" is FAULT_ANY. */
enum fault_call fault_call_by_name(const char *name);
const char *fault_call_name(enum fault_call call);

#endif
