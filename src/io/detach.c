/* SPDX-License-Identifier: Apache-2.0
 * detach: one byte through a pipe says that the child is on its own; the end of the pipe says that it ended before.
 */
#include "io/detach.h"

#include "io/child.h"
#include "io/fs_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int prs_detach_begin(struct prs_detach *d, struct prs_err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return prs_fail_errno(err, errno, "--detach: pipe");
	int pid = fork();
	if (pid < 0) {
		prs_fail_errno(err, errno, "--detach: fork");
		close(ends[0]);
		close(ends[1]);
		return err->code;
	}
	close(ends[pid ? 1 : 0]);
	*d = (struct prs_detach){ .pid = pid ? pid : (int)getpid(), .fd = ends[pid ? 0 : 1] };
	return pid;
}

int prs_detach_wait(struct prs_detach *d)
{
	char byte;
	ssize_t n;
	do
		n = read(d->fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	close(d->fd);
	return n == 1 ? 0 : prs_child_exit_status(prs_child_end(d->pid));
}

int prs_detach_leave(struct prs_detach *d, const char *screen, struct prs_err *err)
{
	int to = prs_open_own(screen, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (to < 0)
		return prs_fail_errno(err, -to, "%s", screen);
	int from = open("/dev/null", O_RDONLY | O_CLOEXEC);
	setsid();
	if (from >= 0)
		dup2(from, 0);
	dup2(to, 1);
	dup2(to, 2);
	if (from > 2)
		close(from);
	close(to);
	bool told = write(d->fd, "", 1) == 1; /* a parent that is gone has nobody to tell */
	(void)told;
	close(d->fd);
	return 0;
}
