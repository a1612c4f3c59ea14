/* SPDX-License-Identifier: Apache-2.0
 * tokens: an eventfd as a semaphore: each read takes one token, and nobody can take the same one.
 */
#include "io/tokens.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int prs_tokens_new(struct prs_err *err)
{
	int fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	return fd < 0 ? prs_fail_errno(err, errno, "eventfd of a worker process") : fd;
}

void prs_tokens_put(int fd, uint64_t count)
{
	ssize_t n = write(fd, &count, sizeof count);
	(void)n; /* cannot fail: the counter never comes near its limit */
}

uint32_t prs_tokens_take(int fd, uint32_t count)
{
	uint32_t got = 0;
	uint64_t one;
	while (got < count && read(fd, &one, sizeof one) == sizeof one)
		got++;
	return got;
}

void prs_fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
