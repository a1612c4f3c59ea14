/* SPDX-License-Identifier: Apache-2.0
 * killpoint: see killpoint.h.
 */
#include "base/killpoint.h"

#ifdef PRS_KILL_POINTS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char wanted[64], mark[4096];
static long left;

/* Before there are threads. */
__attribute__((constructor)) static void read_environment(void)
{
	const char *env = getenv("PRS_KILL");
	if (env && sscanf(env, "%63[^:]:%ld:%4095s", wanted, &left, mark) < 2)
		wanted[0] = 0;
}

/* With a mark: only the first process that comes here, and it waits for whoever watches the mark. */
static void stop_once(void)
{
	int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	dprintf(fd, "%d\n", getpid());
	close(fd);
	raise(SIGSTOP);
}

void prs_kill_point(const char *name)
{
	if (strcmp(name, wanted) != 0 || __atomic_sub_fetch(&left, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (mark[0])
		stop_once();
	else
		raise(SIGKILL);
}
#else
typedef int prs_kill_points_are_off;
#endif
