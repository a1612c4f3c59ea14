/* SPDX-License-Identifier: Apache-2.0
 * lock: the engine's lock on its run folder: a record lock. Unlike flock() it is not shared with a child between fork
 * and exec, so it is free as soon as the engine is dead; asking does not take it. Closing any descriptor of the file
 * gives it up: open it once.
 */
#ifndef PRS_IO_LOCK_H
#define PRS_IO_LOCK_H

#include <stdbool.h>

/* False: another process has it (or the file system has no locks: errno). */
bool prs_lock_take(int fd);
/* Has another process it? */
bool prs_lock_held(int fd);

#endif
