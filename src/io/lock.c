/* SPDX-License-Identifier: Apache-2.0
 * lock: F_SETLK and F_GETLK over the whole file. It belongs to the process, not to the descriptor.
 */
#include "io/lock.h"

#include "io/fs_posix.h"

#include "base/mem.h"

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

/* ---- of an engine ------------------------------------------------------------------------------------------------ */

static int lock_is_taken(const struct prs_fs *fs, int fd, const char *run_name, struct prs_err *err)
{
	char text[320];
	ssize_t n = fs->pread(fs->ctx, fd, text, sizeof text - 1, 0);
	text[n > 0 ? n : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	return prs_fail(err, PRS_EBUSY,
	                "it is running (%s): prs status %s --watch shows how it gets on, prs resume %s --takeover "
	                "takes it over",
	                text[0] ? text : "another engine", run_name, run_name);
}

/* Who holds it, for people. */
static int write_owner(const struct prs_fs *fs, int fd, const char *path, struct prs_err *err)
{
	char text[320], host[128] = "?";
	gethostname(host, sizeof host - 1);
	int n = snprintf(text, sizeof text, "pid %d on %s\n", getpid(), host);
	int r = fs->ftruncate(fs->ctx, fd, 0);
	if (r < 0)
		return prs_fail_errno(err, -r, "writing %s", path);
	ssize_t w = fs->pwrite(fs->ctx, fd, text, (size_t)n, 0);
	if (w != n)
		return prs_fail_errno(err, w < 0 ? (int)-w : EIO, "writing %s", path);
	return 0;
}

int prs_run_lock_open(const struct prs_fs *fs, const char *dir, const char *run_name, bool takeover, int *ret_fd,
                      struct prs_err *err)
{
	PRS_AUTOFREE char *path = prs_strf("%s/lock", dir);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the lock of the run");
	if (takeover)
		fs->unlink(fs->ctx, path); /* the old engine holds the old file */
	int fd = fs->open(fs->ctx, path, O_RDWR | O_CREAT | PRS_O_OWN, 0600);
	if (fd < 0)
		return prs_fail_errno(err, -fd, "opening %s", path);
	fs->chmod(fs->ctx, fd, 0600); /* it was 0644 once */
	*ret_fd = fd;
	if (!prs_lock_take(fd) && (errno == EAGAIN || errno == EACCES))
		return lock_is_taken(fs, fd, run_name, err);
	return write_owner(fs, fd, path, err);
}

void prs_run_lock_keep(const struct prs_fs *fs, const char *dir, int *lock)
{
	struct prs_fs_stat ours, there;
	PRS_AUTOFREE char *path = prs_strf("%s/lock", dir);
	int r = path ? fs->stat(fs->ctx, path, &there) : -ENOMEM;
	bool known = (!r || r == -ENOENT) && fs->fstat(fs->ctx, *lock, &ours) == 0;
	if (!known || (!r && there.dev == ours.dev && there.ino == ours.ino))
		return;
	int fd = fs->open(fs->ctx, path, O_RDWR | O_CREAT | PRS_O_OWN, 0600);
	if (fd < 0)
		return;
	if (!prs_lock_take(fd) || write_owner(fs, fd, path, NULL) < 0) { /* whoever has it is about to win or to end */
		fs->close(fs->ctx, fd);
		return;
	}
	fs->close(fs->ctx, *lock);
	*lock = fd;
}
