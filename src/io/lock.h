/* SPDX-License-Identifier: Apache-2.0
 * lock: the engine's lock on its run folder: a record lock. Unlike flock() it is not shared with a child between fork
 * and exec, so it is free as soon as the engine is dead; asking does not take it. Closing any descriptor of the file
 * gives it up: open it once.
 *
 * The file `lock` is for its owner alone (0600): whoever can read a file can hold a lock on it, too.
 */
#ifndef PRS_IO_LOCK_H
#define PRS_IO_LOCK_H

#include "base/err.h"
#include "base/fs.h"

#include <stdbool.h>
#include <stddef.h>

/* False: another process has it (or the file system has no locks: errno). */
bool prs_lock_take(int fd);
/* Has another process it? */
bool prs_lock_held(int fd);

enum prs_lock_state {
	PRS_LOCK_FREE,
	PRS_LOCK_HELD,
	PRS_LOCK_UNKNOWN /* the file cannot be opened: it is another user's, or no plain file */
};
/* Of the run folder `dir`. `owner` (may be NULL): what its holder says of itself, "" when it is free or unknown. */
enum prs_lock_state prs_lock_look(const char *dir, char *owner, size_t n);

/* An engine takes the lock of the run folder `dir` and says in it who it is. PRS_EBUSY: another engine has it, unless
 * it is taken over. *ret_fd < 0: it was not opened. */
int prs_run_lock_open(const struct prs_fs *fs, const char *dir, const char *run_name, bool takeover, int *ret_fd,
                      struct prs_err *err);
/* Somebody removed the file or put another in its place: the lock is taken anew, if nobody else has it. */
void prs_run_lock_keep(const struct prs_fs *fs, const char *dir, int *fd);

#endif
