/* SPDX-License-Identifier: Apache-2.0
 * lock: F_SETLK and F_GETLK over the whole file. It belongs to the process, not to the descriptor.
 */
#include "io/lock.h"

#include <fcntl.h>
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
