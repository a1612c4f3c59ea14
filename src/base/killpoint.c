/* SPDX-License-Identifier: Apache-2.0
 * killpoint: the points are chosen before there are threads; a count goes down atomically, so exactly one passing meets
 * it.
 */
#include "base/killpoint.h"

#ifdef PRS_KILL_POINTS
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct point {
	char name[64], mark[4096];
	long left;
};

static struct point killing, holding;

static void read_point(const char *variable, struct point *p)
{
	const char *env = getenv(variable);
	if (env && sscanf(env, "%63[^:]:%ld:%4095s", p->name, &p->left, p->mark) < 2)
		p->name[0] = 0;
}

/* Before there are threads. */
__attribute__((constructor)) static void read_environment(void)
{
	read_point("PRS_KILL", &killing);
	read_point("PRS_HOLD", &holding);
}

static bool put_mark(const char *mark)
{
	int fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	dprintf(fd, "%d\n", getpid());
	close(fd);
	return true;
}

/* With a mark: only the first process that comes here, and it waits for whoever watches the mark. */
static void stop_once(const char *mark)
{
	if (put_mark(mark))
		raise(SIGSTOP);
}

static bool reached(struct point *p, const char *name)
{
	return !strcmp(name, p->name) && __atomic_sub_fetch(&p->left, 1, __ATOMIC_ACQ_REL) == 0;
}

void prs_kill_point(const char *name)
{
	if (reached(&holding, name))
		put_mark(holding.mark);
	while (!strcmp(holding.name, name) && __atomic_load_n(&holding.left, __ATOMIC_ACQUIRE) <= 0 &&
	       access(holding.mark, F_OK) == 0)
		usleep(1000);
	if (!reached(&killing, name))
		return;
	if (killing.mark[0])
		stop_once(killing.mark);
	else
		raise(SIGKILL);
}
#else
typedef int prs_kill_points_are_off;
#endif
