/* SPDX-License-Identifier: Apache-2.0
 * strays: a search looks at children or at all of /proc, asks of each process whether it is wanted, and asks again
 * once it holds a pidfd, as the number may have a new owner. It is repeated until nothing is found.
 */
#include "io/strays.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* OURS_NONE: the list of children may leave one out while others end, so it is read until nothing was found twice. */
enum {
	ROUNDS = 20,
	OURS_NONE = 2,
	WAIT_MS = 100,
	GENERATIONS = 64,
	ENVIRON_BYTES = 256 << 10,
	CHILDREN_BYTES = 64 << 10
};

static bool kept(int pid, const int *keep, unsigned keep_n)
{
	for (unsigned i = 0; i < keep_n; i++)
		if (keep[i] == pid)
			return true;
	return pid == getpid();
}

/* Parent and state of a process; false when it is gone. The command name in brackets may hold anything. */
static bool read_stat(int pid, int *ret_parent, char *ret_state)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	const char *p = strrchr(text, ')');
	return p && sscanf(p + 1, " %c %d", ret_state, ret_parent) == 2;
}

struct search {
	const char *run, *slot;          /* entries of an environment; NULL: any */
	const struct prs_run_mark *than; /* its mark is older than this one */
	bool ours;                       /* only descendants */
	const int *keep;
	unsigned keep_n;
	char *space;
};

static bool is_older(const char *entry, const struct prs_run_mark *than)
{
	struct prs_run_mark m;
	return !strncmp(entry, "PRS_RUN=", 8) && prs_run_mark_get(entry + 8, &m) && prs_run_mark_is_older(&m, than);
}

/* Is it wanted for what its environment says? */
static bool has_environment(int pid, const struct search *s)
{
	char path[64], *space = s->space;
	snprintf(path, sizeof path, "/proc/%d/environ", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size_t len = 0;
	ssize_t n;
	while (len < ENVIRON_BYTES && (n = read(fd, space + len, ENVIRON_BYTES - len)) > 0)
		len += (size_t)n;
	close(fd);
	space[len] = 0;
	bool has_run = false, has_slot = !s->slot;
	for (size_t i = 0; i < len;) {
		const char *entry = space + i;
		has_run = has_run || (s->than ? is_older(entry, s->than) : !strcmp(entry, s->run));
		has_slot = has_slot || !strcmp(entry, s->slot);
		i += strlen(entry) + 1;
	}
	return has_run && has_slot;
}

static bool descends_from_us(int pid)
{
	char state;
	for (int i = 0; i < GENERATIONS && pid > 1; i++)
		if (!read_stat(pid, &pid, &state))
			return false;
		else if (pid == getpid())
			return true;
	return false;
}

static bool wanted(const struct search *s, int pid, int parent, char state)
{
	if ((!s->run && !s->than) ||
	    state == 'Z') /* the dead have no environment: a child of ours that nobody knows is reaped */
		return parent == getpid();
	return has_environment(pid, s) && (!s->ours || parent == getpid() || descends_from_us(pid));
}

/* Kill, wait for the end, reap if it is our child. 1: it was alive. */
static unsigned finish(const struct search *s, int pid)
{
	int parent, fd = (int)syscall(SYS_pidfd_open, pid, 0);
	char state;
	if (fd < 0)
		return 0;
	bool same = read_stat(pid, &parent, &state) &&
	            wanted(s, pid, parent, state); /* the number may have got a new owner */
	if (same) {
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		struct pollfd p = { .fd = fd, .events = POLLIN };
		poll(&p, 1, WAIT_MS);
		if (parent == getpid())
			waitpid(pid, NULL, WNOHANG);
	}
	close(fd);
	return same && state != 'Z';
}

static unsigned look_at(const struct search *s, int pid)
{
	int parent;
	char state;
	return pid > 1 && !kept(pid, s->keep, s->keep_n) && read_stat(pid, &parent, &state) &&
	                       wanted(s, pid, parent, state)
	               ? finish(s, pid)
	               : 0;
}

/* What a dead process of ours left is our child now, or below one; only this thread has children. False: the kernel
 * does not list them. */
static bool sweep_children(const struct search *s, unsigned *killed)
{
	static char list[CHILDREN_BYTES];
	char path[64];
	snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size_t len = 0;
	ssize_t n;
	while (len < sizeof list - 1 && (n = read(fd, list + len, sizeof list - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	list[len] = 0;
	for (char *at = list, *end; *at; at = end + (*end == ' ')) {
		int pid = (int)strtol(at, &end, 10);
		if (end == at)
			break;
		*killed += look_at(s, pid);
	}
	return true;
}

static unsigned sweep(const struct search *s)
{
	unsigned killed = 0;
	if (s->ours && sweep_children(s, &killed))
		return killed;
	DIR *d = opendir("/proc");
	if (!d)
		return 0;
	struct dirent *e;
	while ((e = readdir(d)))
		killed += look_at(s, atoi(e->d_name));
	closedir(d);
	return killed;
}

/* Called when memory is short, too. */
static unsigned sweep_until_none(struct search *s)
{
	static char space[ENVIRON_BYTES + 1]; /* of the main thread */
	unsigned total = 0;
	s->space = space;
	for (int i = 0, none = 0; i < ROUNDS && none < (s->ours ? OURS_NONE : 1); i++) {
		unsigned n = sweep(s);
		total += n;
		none = n ? 0 : none + 1;
	}
	return total;
}

unsigned prs_strays_of_run(const struct prs_run_mark *than)
{
	struct search s = { .than = than };
	return sweep_until_none(&s);
}

unsigned prs_strays_of_slot(const char *run, int slot, const int *keep, unsigned keep_n)
{
	char run_text[8 + PRS_RUN_MARK_BYTES], slot_text[32];
	snprintf(run_text, sizeof run_text, "PRS_RUN=%s", run);
	snprintf(slot_text, sizeof slot_text, "PRS_SLOT=%d", slot);
	struct search s = { .run = run_text, .slot = slot_text, .ours = true, .keep = keep, .keep_n = keep_n };
	return sweep_until_none(&s);
}

unsigned prs_strays_of_engine(void)
{
	struct search s = { .ours = true };
	return sweep_until_none(&s);
}
