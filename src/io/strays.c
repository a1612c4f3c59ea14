/* SPDX-License-Identifier: Apache-2.0
 * strays: a search looks at candidates (the families of our children without the workers', or all of /proc), asks of
 * each whether it is wanted, and asks again once it holds a pidfd, as the number may have a new owner. Who was found
 * dead is reaped when it is our child and no worker.
 */
#include "io/strays.h"

#include "io/memcg.h"
#include "io/process.h"
#include "io/procfs.h"
#include "io/procid.h"
#include "io/trackers.h"

#include <dirent.h>
#include <errno.h>
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
enum { ROUNDS = 20, OURS_NONE = 2, WAIT_MS = 100, FAMILY_MAX = 4096, ANCESTORS_MAX = 64 };

struct search {
	/* of an older life */
	const struct prs_run_mark *than;
	const char *dir;
	int above[ANCESTORS_MAX]; /* this process and those that it descends from */
	unsigned above_n;
	/* of a slot; else of the engine */
	int worker;
	const char *run, *slot;
	bool spare; /* trackers */
};

/* ---- who is wanted ----------------------------------------------------------------------------------------------- */

/* The dead have no environment: a child of ours that nobody knows is reaped. */
static bool wanted(const struct search *s, int pid, const struct prs_procid *p)
{
	if (p->state == 'Z')
		return p->parent == getpid();
	if (s->than)
		return prs_is_left_by(pid, s->than, s->dir);
	if (s->worker)
		return p->session == s->worker || p->group == s->worker || prs_has_environment(pid, s->run, s->slot);
	return true;
}

static bool is_above(const struct search *s, int pid)
{
	for (unsigned i = 0; i < s->above_n; i++)
		if (s->above[i] == pid)
			return true;
	return pid == getpid();
}

static void find_ancestors(struct search *s)
{
	struct prs_procid p;
	for (int pid = getpid(); pid > 1 && s->above_n < ANCESTORS_MAX && prs_procid_read(pid, &p); pid = p.parent)
		s->above[s->above_n++] = pid;
}

/* ---- one that was found ------------------------------------------------------------------------------------------ */

/* Kill, wait for the end, reap if it is our child. 1: it was alive. */
static unsigned finish(const struct search *s, int pid)
{
	struct prs_procid p;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return 0;
	bool same = prs_procid_read(pid, &p) && wanted(s, pid, &p); /* the number may have got a new owner */
	if (same) {
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		struct pollfd dead = { .fd = fd, .events = POLLIN };
		poll(&dead, 1, WAIT_MS);
		if (p.parent == getpid())
			waitpid(pid, NULL, WNOHANG);
	}
	close(fd);
	return same && p.state != 'Z';
}

static unsigned look_at(const struct search *s, int pid)
{
	struct prs_procid p;
	if (pid <= 1 || is_above(s, pid) || !prs_procid_read(pid, &p) || !wanted(s, pid, &p))
		return 0;
	if (s->spare && p.state != 'Z' && prs_is_tracker(pid) && prs_tracker_spare(pid))
		return 0;
	return finish(s, pid);
}

/* ---- where they are ---------------------------------------------------------------------------------------------- */

static unsigned sweep_all(const struct search *s)
{
	unsigned killed = 0;
	DIR *d = opendir("/proc");
	for (struct dirent *e; d && (e = readdir(d));) {
		int pid = atoi(e->d_name);
		if (s->than || (pid > 1 && !prs_is_worker(pid) && prs_descends_from(pid, getpid())))
			killed += look_at(s, pid);
	}
	if (d)
		closedir(d);
	return killed;
}

/* Adds the families of our children without those of workers: what workers that are dead left. False: this kernel does
 * not list children. */
static bool find_orphans(int *pids, unsigned *n)
{
	static int children[FAMILY_MAX];
	unsigned children_n = 0;
	if (!prs_children(getpid(), children, &children_n, FAMILY_MAX))
		return false;
	for (unsigned i = 0; i < children_n; i++)
		if (!prs_is_worker(children[i]))
			prs_family(children[i], pids, n, FAMILY_MAX);
	return true;
}

static unsigned sweep(const struct search *s)
{
	static int pids[FAMILY_MAX];
	unsigned n = 0, killed = 0;
	if (s->than || !find_orphans(pids, &n))
		return sweep_all(s);
	for (unsigned i = 0; i < n; i++)
		killed += look_at(s, pids[i]);
	return killed;
}

/* Called when memory is short, too. */
static unsigned sweep_until_none(const struct search *s)
{
	unsigned total = 0;
	for (int i = 0, none = 0; i < ROUNDS && none < (s->than ? 1 : OURS_NONE); i++) {
		unsigned n = sweep(s);
		total += n;
		none = n ? 0 : none + 1;
	}
	return total;
}

unsigned prs_strays_of_run(const struct prs_run_mark *than, const char *dir)
{
	struct search s = { .than = than, .dir = dir, .spare = true };
	find_ancestors(&s);
	unsigned n = sweep_until_none(&s);
	prs_trackers_end();
	prs_memcg_clear(than);
	return n;
}

unsigned prs_strays_of_slot(int worker, const char *run, int slot)
{
	char run_text[8 + PRS_RUN_MARK_BYTES], slot_text[32];
	snprintf(run_text, sizeof run_text, "PRS_RUN=%s", run);
	snprintf(slot_text, sizeof slot_text, "PRS_SLOT=%d", slot);
	const struct search s = { .worker = worker, .run = run_text, .slot = slot_text, .spare = true };
	return sweep_until_none(&s);
}

unsigned prs_strays_of_engine(void)
{
	struct search s = { .spare = true };
	prs_forget_workers(); /* they are children like others now */
	unsigned n = sweep_until_none(&s);
	prs_trackers_end();
	s.spare = false;
	return n + sweep_until_none(&s);
}

/* ---- a living worker --------------------------------------------------------------------------------------------- */

/* Its group by /proc: those of its family, and orphans of it; it itself comes first, so that it starts nothing more. */
static unsigned find_group(int worker, int *pids)
{
	struct prs_procid p;
	unsigned found = 0, n = 0;
	prs_family(worker, pids, &n, FAMILY_MAX);
	find_orphans(pids, &n);
	for (unsigned i = 0; i < n; i++)
		if (pids[i] == worker || (prs_procid_read(pids[i], &p) && p.group == worker))
			pids[found++] = pids[i];
	return found;
}

static bool is_deadly(int signum) { return signum == SIGKILL || signum == SIGTERM; }

void prs_signal_worker(int pid, int signum)
{
	static int group[FAMILY_MAX];
	if (pid <= 1)
		return;
	unsigned n = is_deadly(signum) ? find_group(pid, group) : 0, trackers = 0;
	for (unsigned i = 0; i < n; i++)
		if (prs_is_tracker(group[i])) {
			group[i] = 0;
			trackers++;
		}
	if (!trackers) {
		kill(-pid, signum);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		if (group[i])
			kill(group[i], signum);
}
