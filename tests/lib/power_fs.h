/* SPDX-License-Identifier: Apache-2.0
 * power_fs: file functions that remember what a loss of power would take away, and take it away.
 *
 * The model: bytes live from fdatasync() of their file on, names (created, renamed, removed) from sync_dir() of their
 * folder on. A failed fdatasync() leaves the bytes readable and marked clean, as Linux does: a later sync does not
 * write them, only writing them again does. Nothing is really synced or preallocated, which makes it fast. Mapped files
 * are not watched.
 */
#ifndef PRS_TESTS_POWER_FS_H
#define PRS_TESTS_POWER_FS_H

#include "base/fs.h"

#include <pthread.h>

struct power_change;
struct power_file;

struct power_fs {
	struct prs_fs fs; /* what the code under test gets: &p.fs */
	const struct prs_fs *real;
	char limbo[256]; /* a folder on the same file system: files that were removed or replaced, not yet for good */
	unsigned limbo_n;
	struct power_change *changes; /* newest first */
	struct power_file *files;
	pthread_mutex_t lock;
};

/* limbo: an empty folder that the code under test does not look at. */
void power_fs_init(struct power_fs *p, const struct prs_fs *real, const char *limbo);
void power_fs_done(struct power_fs *p);
/* fault_fs.sync_failed, with sync_ctx = the power_fs */
void power_fs_sync_failed(void *p, int fd);
/* The power goes. seed 0: nothing that was not synced is left; else each change is kept or lost by chance. No
 * descriptor may be in use. */
void power_fs_lose(struct power_fs *p, uint64_t seed);

#endif
