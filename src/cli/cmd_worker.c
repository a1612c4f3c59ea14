/* SPDX-License-Identifier: Apache-2.0
 * cmd_worker: the launcher: death signal, limits, descriptors out of the way, then exec. argv: _worker PARENT NOFILE
 * PYTHON LOADER [TASK]
 *
 * With a task the process is none that runs the script, but a helper (io/helper.h): its one descriptor stays where it
 * is.
 */
#include "cli/cli.h"

#include "io/procid.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FIRST_FD = 3, FDS = 3, HIGHEST = 65536 };

static void set_limits(unsigned long long nofile)
{
	struct rlimit none = { 0, 0 }, files;
	setrlimit(RLIMIT_CORE, &none);
	if (nofile && getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = nofile;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		dprintf(fd, "%d", PRS_WORKER_OOM_SCORE);
		close(fd);
	}
}

/* As high as the soft limit lets them be. */
static void move_descriptors(unsigned long long nofile)
{
	int high = (int)(nofile && nofile < HIGHEST ? nofile : HIGHEST) - 2 * FDS, moved[FDS];
	char text[64];
	for (int i = 0; i < FDS; i++) {
		moved[i] = fcntl(FIRST_FD + i, F_DUPFD, high > FIRST_FD + FDS ? high : FIRST_FD + FDS);
		if (moved[i] < 0)
			_exit(127);
	}
	for (int i = 0; i < FDS; i++)
		close(FIRST_FD + i);
	snprintf(text, sizeof text, "%d,%d,%d", moved[0], moved[1], moved[2]);
	setenv("PRS_WORKER_FDS", text, 1);
}

int cmd_worker(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	unsigned long long nofile = strtoull(argv[2], NULL, 10);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != atoi(argv[1])) /* it died before we asked to be told */
		return 1;
	set_limits(nofile);
	if (argc == 5)
		move_descriptors(nofile);
#ifdef PRS_KILL_POINTS
	if (getenv("PRS_STUB") && argc == 5) /* test builds: a program that stands in for Python and loader */
		argv[3] = getenv("PRS_STUB");
#endif
	execl(argv[3], argv[3], argv[4], argv[5], (char *)NULL); /* argv ends with NULL */
	perror(argv[3]);
	return 127;
}
