/* SPDX-License-Identifier: Apache-2.0
 * trackers: each is held by a pidfd, so that its number may get a new owner.
 */
#include "io/trackers.h"

#include "io/loop.h"
#include "io/procid.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRACKERS_MAX = 64 };
#define GRACE_US UINT64_C(5000000) /* of a loaded machine: it is a Python that removes what is left */

static struct {
	int pid, pidfd;
	uint64_t until_us;
} spared[TRACKERS_MAX];
static unsigned spared_n;

static bool is_over(int pidfd, int wait_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	return poll(&p, 1, wait_ms) > 0;
}

static void drop(unsigned i)
{
	close(spared[i].pidfd);
	spared[i] = spared[--spared_n];
}

bool prs_tracker_spare(int pid)
{
	prs_trackers_look(prs_clock_us());
	for (unsigned i = 0; i < spared_n; i++)
		if (spared[i].pid == pid)
			return true;
	int fd = spared_n < TRACKERS_MAX ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (fd < 0)
		return false;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!prs_is_tracker(pid)) { /* the number had a new owner */
		close(fd);
		return false;
	}
	spared[spared_n].pid = pid;
	spared[spared_n].pidfd = fd;
	spared[spared_n++].until_us = prs_clock_us() + GRACE_US;
	return true;
}

uint64_t prs_trackers_look(uint64_t now_us)
{
	uint64_t next_us = UINT64_MAX;
	for (unsigned i = spared_n; i-- > 0;) {
		bool due = now_us >= spared[i].until_us;
		if (due)
			syscall(SYS_pidfd_send_signal, spared[i].pidfd, SIGKILL, NULL, 0);
		if (due || is_over(spared[i].pidfd, 0))
			drop(i);
		else if (spared[i].until_us < next_us)
			next_us = spared[i].until_us;
	}
	return next_us;
}

void prs_trackers_end(void)
{
	for (uint64_t now_us = prs_clock_us(); prs_trackers_look(now_us) != UINT64_MAX; now_us = prs_clock_us())
		if (spared[0].until_us > now_us)
			is_over(spared[0].pidfd, (int)((spared[0].until_us - now_us) / 1000) + 1);
}
