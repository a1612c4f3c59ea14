/* SPDX-License-Identifier: Apache-2.0
 * lock: F_SETLK and F_GETLK over the whole file. It belongs to the process, not to the descriptor.
 */
#include "io/lock.h"

#include "io/fs_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool prs_lock_take(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, F_SETLK, &l) == 0;
}

bool prs_lock_held(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

enum prs_lock_state prs_lock_look(const char *dir, char *owner, size_t n)
{
	char path[PATH_MAX + 8];
	if (owner)
		owner[0] = 0;
	snprintf(path, sizeof path, "%s/lock", dir);
	int fd = prs_open_own(path, O_RDONLY, 0);
	if (fd == -ENOENT)
		return PRS_LOCK_FREE;
	if (fd < 0)
		return PRS_LOCK_UNKNOWN;
	bool held = prs_lock_held(fd);
	ssize_t got = held && owner ? pread(fd, owner, n - 1, 0) : 0;
	if (got > 0)
		owner[got] = 0;
	if (owner)
		owner[strcspn(owner, "\n")] = 0;
	close(fd);
	return held ? PRS_LOCK_HELD : PRS_LOCK_FREE;
}
