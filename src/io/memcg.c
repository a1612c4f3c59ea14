/* SPDX-License-Identifier: Apache-2.0
 * memcg: a group is a folder below the one that /proc/self/cgroup names. Files in it: cgroup-v2.rst and
 * cgroup-v1/memory.rst of the kernel's documentation.
 */
#include "io/memcg.h"

#include "io/procid.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES_OF_RMDIR = 20, GROUP_BYTES = 3400, FILE_BYTES = 3500 };

static bool put(const char *group, const char *file, const char *text)
{
	char path[FILE_BYTES];
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
	char path[FILE_BYTES], line[256];
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

static void group_of(const struct prs_memcg *m, struct prs_memcg_of of, char to[GROUP_BYTES])
{
	snprintf(to, GROUP_BYTES, "%s/prs-%s-%u-%u", m->own, m->mark, of.slot, of.incarnation);
}

/* ---- where groups are -------------------------------------------------------------------------------------------- */

/* Where the hierarchy is mounted: v2 stands beside v1 ones on some machines. */
static const char *mount_of(bool v2)
{
	if (!v2)
		return "/sys/fs/cgroup/memory";
	return access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0 ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
}

/* Our group in the hierarchy that a line of /proc/self/cgroup names; false when it is not about memory. */
static bool place(struct prs_memcg *m, char *line)
{
	line[strcspn(line, "\n")] = 0;
	char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return false;
	*group++ = 0;
	m->v2 = !controllers[1];
	if (!m->v2 && strcmp(controllers + 1, "memory") != 0)
		return false;
	int n = snprintf(m->own, sizeof m->own, "%s%s", mount_of(m->v2), strcmp(group, "/") ? group : "");
	return n > 0 && (size_t)n < sizeof m->own;
}

/* Our own group in each hierarchy that may have memory limits, until `each` says that it is enough. */
static void each_place(struct prs_memcg *m, bool (*each)(struct prs_memcg *m, const void *ctx), const void *ctx)
{
	char line[4096];
	FILE *f = fopen("/proc/self/cgroup", "re");
	while (f && fgets(line, sizeof line, f))
		if (place(m, line) && each(m, ctx))
			break;
	if (f)
		fclose(f);
}

/* May we make a group there, and does it get a memory controller? */
static bool memcg_probe(struct prs_memcg *m, const void *ctx)
{
	char group[GROUP_BYTES], file[FILE_BYTES];
	(void)ctx;
	snprintf(group, sizeof group, "%s/prs-%s-probe", m->own, m->mark);
	if (mkdir(group, 0755) < 0)
		return false;
	snprintf(file, sizeof file, "%s/%s", group, m->v2 ? "memory.max" : "memory.limit_in_bytes");
	m->usable = access(file, W_OK) == 0;
	rmdir(group);
	return m->usable;
}

void prs_memcg_open(struct prs_memcg *m, const char *mark)
{
	*m = (struct prs_memcg){ .usable = false };
	snprintf(m->mark, sizeof m->mark, "%s", mark);
	each_place(m, memcg_probe, NULL);
}

/* ---- removing ---------------------------------------------------------------------------------------------------- */

static void remove_group(const char *group)
{
	for (int i = 0; i < TRIES_OF_RMDIR && rmdir(group) < 0; i++)
		usleep(1000); /* what was killed is not yet gone from it */
}

/* Of this life, or of one that is older than `than`. */
static bool is_to_go(const char *name, const char *mark, const struct prs_run_mark *than)
{
	struct prs_run_mark m;
	size_t n = mark ? strlen(mark) : 0;
	if (strncmp(name, "prs-", 4) != 0)
		return false;
	if (mark)
		return !strncmp(name + 4, mark, n) && name[4 + n] == '-';
	return prs_run_mark_get(name + 4, &m) && prs_run_mark_is_older(&m, than);
}

static void remove_groups(const char *own, const char *mark, const struct prs_run_mark *than)
{
	char group[GROUP_BYTES];
	DIR *d = opendir(own);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!is_to_go(e->d_name, mark, than))
			continue;
		snprintf(group, sizeof group, "%s/%.180s", own, e->d_name);
		remove_group(group);
	}
	if (d)
		closedir(d);
}

static bool memcg_clear_place(struct prs_memcg *m, const void *ctx)
{
	remove_groups(m->own, NULL, ctx);
	return false;
}

void prs_memcg_clear(const struct prs_run_mark *than)
{
	static struct prs_memcg m;
	each_place(&m, memcg_clear_place, than);
}

void prs_memcg_close(struct prs_memcg *m)
{
	if (m->usable)
		remove_groups(m->own, m->mark, NULL);
	m->usable = false;
}

/* ---- of one process ---------------------------------------------------------------------------------------------- */

void prs_memcg_add(struct prs_memcg *m, struct prs_memcg_of of, int pid, uint64_t limit_bytes)
{
	char group[GROUP_BYTES], text[32];
	if (!m->usable)
		return;
	group_of(m, of, group);
	mkdir(group, 0755);
	snprintf(text, sizeof text, "%" PRIu64, limit_bytes);
	put(group, m->v2 ? "memory.max" : "memory.limit_in_bytes", text);
	/* memory and swap together; without swap accounting the file is not there */
	put(group, m->v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes", m->v2 ? "0" : text);
	/* all of the group, or nothing: prs_memcg_is_full() */
	put(group, m->v2 ? "memory.oom.group" : "memory.oom_control", "1");
	snprintf(text, sizeof text, "%d", pid);
	put(group, "cgroup.procs", text);
}

bool prs_memcg_is_full(const struct prs_memcg *m, struct prs_memcg_of of)
{
	char group[GROUP_BYTES];
	if (!m->usable || m->v2)
		return false;
	group_of(m, of, group);
	return get(group, "memory.oom_control", "under_oom ") > 0;
}

void prs_memcg_free_trackers(const struct prs_memcg *m, struct prs_memcg_of of)
{
	char group[GROUP_BYTES], path[FILE_BYTES], line[32];
	if (!m->usable)
		return;
	group_of(m, of, group);
	snprintf(path, sizeof path, "%s/cgroup.procs", group);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (prs_is_tracker(atoi(line)))
			put(m->own, "cgroup.procs", line);
	if (f)
		fclose(f);
}

bool prs_memcg_remove(struct prs_memcg *m, struct prs_memcg_of of, uint64_t *ret_peak)
{
	char group[GROUP_BYTES];
	if (!m->usable)
		return false;
	group_of(m, of, group);
	uint64_t peak = get(group, m->v2 ? "memory.peak" : "memory.max_usage_in_bytes", "");
	bool killed = get(group, m->v2 ? "memory.events" : "memory.oom_control", "oom_kill ") > 0;
	prs_memcg_free_trackers(m, of);
	remove_group(group);
	if (peak)
		*ret_peak = peak;
	return killed;
}
