/* SPDX-License-Identifier: Apache-2.0
 * For an engine under a valgrind that does not know pidfd_open (before 3.21): preloaded, it makes one from a pipe whose
 * other end a thread closes when the process has ended. Good for waiting, which is all that the engine does with it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct watch {
	pid_t pid;
	int write_fd;
};

static void *watch_thread(void *arg)
{
	struct watch *w = arg;
	siginfo_t info;
	while (waitid(P_PID, (id_t)w->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	close(w->write_fd);
	free(w);
	return NULL;
}

/* The thread gets no signals: they are for those of the engine. */
static int start(struct watch *w)
{
	sigset_t all, before;
	pthread_t thread;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&thread, NULL, watch_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? -1 : pthread_detach(thread);
}

static int open_pidfd(pid_t pid)
{
	int fds[2];
	struct watch *w = malloc(sizeof *w);
	if (!w || pipe2(fds, O_CLOEXEC) < 0)
		abort();
	*w = (struct watch){ .pid = pid, .write_fd = fds[1] };
	if (start(w) < 0)
		abort();
	return fds[0];
}

long syscall(long number, ...)
{
	long a[6];
	va_list list;
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_pidfd_open)
		return open_pidfd((pid_t)a[0]);
	long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
