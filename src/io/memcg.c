/* SPDX-License-Identifier: Apache-2.0
 * memcg: a group is a folder below the one that /proc/self/cgroup names. Files in it: cgroup-v2.rst and
 * cgroup-v1/memory.rst of the kernel's documentation.
 */
#include "io/memcg.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES_OF_RMDIR = 20 };

static bool put(const char *group, const char *file, const char *text)
{
	char path[4608];
	snprintf(path, sizeof path, "%s/%s", group, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* The number behind `name` at the beginning of a line; name "" = the file is a number. */
static uint64_t get(const char *group, const char *file, const char *name)
{
	char path[4608], line[256];
	uint64_t v = 0;
	snprintf(path, sizeof path, "%s/%s", group, file);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)) && sscanf(line + strlen(name), " %" SCNu64, &v) == 1)
			break;
	if (f)
		fclose(f);
	return v;
}

static void group_of(const struct prs_memcg *m, unsigned slot, char *to, size_t n)
{
	snprintf(to, n, "%s%u", m->base, slot);
}

/* May we make a group there, and does it get a memory controller? */
static bool probe(const struct prs_memcg *m)
{
	char group[4352], file[4608];
	group_of(m, 9999, group, sizeof group);
	if (mkdir(group, 0755) < 0)
		return false;
	snprintf(file, sizeof file, "%s/%s", group, m->v2 ? "memory.max" : "memory.limit_in_bytes");
	bool ok = access(file, W_OK) == 0;
	rmdir(group);
	return ok;
}

/* Where the hierarchy is mounted: v2 stands beside v1 ones on some machines. */
static const char *mount_of(bool v2)
{
	if (!v2)
		return "/sys/fs/cgroup/memory";
	return access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
}

/* Our group in the hierarchy that a line of /proc/self/cgroup names; false when it is not about memory. */
static bool place(struct prs_memcg *m, char *line, const char *run)
{
	line[strcspn(line, "\n")] = 0;
	char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return false;
	*group++ = 0;
	m->v2 = !controllers[1];
	if (!m->v2 && strcmp(controllers + 1, "memory") != 0)
		return false;
	snprintf(m->base, sizeof m->base, "%s%.3000s/prs-%.96s-", mount_of(m->v2), strcmp(group, "/") ? group : "",
	         run);
	return true;
}

void prs_memcg_open(struct prs_memcg *m, const char *run)
{
	char line[4096];
	FILE *f = fopen("/proc/self/cgroup", "re");
	while (f && !m->usable && fgets(line, sizeof line, f))
		m->usable = place(m, line, run) && probe(m);
	if (f)
		fclose(f);
}

void prs_memcg_close(struct prs_memcg *m) { m->usable = false; }

void prs_memcg_add(struct prs_memcg *m, unsigned slot, int pid, uint64_t limit_bytes)
{
	char group[4352], text[32];
	if (!m->usable)
		return;
	group_of(m, slot, group, sizeof group);
	mkdir(group, 0755);
	snprintf(text, sizeof text, "%" PRIu64, limit_bytes);
	put(group, m->v2 ? "memory.max" : "memory.limit_in_bytes", text);
	/* memory and swap together; without swap accounting the file is not there */
	put(group, m->v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes", m->v2 ? "0" : text);
	put(group, m->v2 ? "memory.oom.group" : "memory.oom_control",
	    "1"); /* all of the group, or nothing: prs_memcg_is_full() */
	snprintf(text, sizeof text, "%d", pid);
	put(group, "cgroup.procs", text);
}

bool prs_memcg_is_full(const struct prs_memcg *m, unsigned slot)
{
	char group[4352];
	if (!m->usable || m->v2)
		return false;
	group_of(m, slot, group, sizeof group);
	return get(group, "memory.oom_control", "under_oom ") > 0;
}

bool prs_memcg_remove(struct prs_memcg *m, unsigned slot, uint64_t *ret_peak)
{
	char group[4352];
	if (!m->usable)
		return false;
	group_of(m, slot, group, sizeof group);
	uint64_t peak = get(group, m->v2 ? "memory.peak" : "memory.max_usage_in_bytes", "");
	bool killed = get(group, m->v2 ? "memory.events" : "memory.oom_control", "oom_kill ") > 0;
	for (int i = 0; i < TRIES_OF_RMDIR && rmdir(group) < 0; i++)
		usleep(1000); /* what was killed is not yet gone from it */
	if (peak)
		*ret_peak = peak;
	return killed;
}
