/* SPDX-License-Identifier: Apache-2.0
 * machine: cores are those of the affinity mask, at most the least quota on the way from our cgroup up to the root of
 * its hierarchy, in whole cores, rounded up.
 */
#include "io/machine.h"

#include "base/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GPUS_MAX = 1024 };

static bool read_line(const char *folder, const char *name, char *to, size_t n)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s", folder, name);
	FILE *f = path ? fopen(path, "re") : NULL;
	bool ok = f && fgets(to, (int)n, f);
	if (f)
		fclose(f);
	return ok;
}

/* ---- cores ------------------------------------------------------------------------------------------------------- */

/* Cores of a quota per period, rounded up; 0 = none. */
static unsigned cores_of(long long quota, long long period)
{
	return quota > 0 && period > 0 ? (unsigned)((quota + period - 1) / period) : 0;
}

static unsigned machine_quota_v2(const char *folder)
{
	char text[64];
	long long quota, period;
	return read_line(folder, "cpu.max", text, sizeof text) && sscanf(text, "%lld %lld", &quota, &period) == 2
	               ? cores_of(quota, period)
	               : 0;
}

static unsigned machine_quota_v1(const char *folder)
{
	char quota[64], period[64];
	bool ok = read_line(folder, "cpu.cfs_quota_us", quota, sizeof quota) &&
	          read_line(folder, "cpu.cfs_period_us", period, sizeof period);
	return ok ? cores_of(atoll(quota), atoll(period)) : 0;
}

/* The least of a group and those above it, up to the root of its hierarchy. */
static unsigned least(const char *root, const char *group, unsigned (*quota)(const char *folder))
{
	char folder[PATH_MAX];
	unsigned min = 0;
	snprintf(folder, sizeof folder, "%s%s", root, group);
	for (size_t top = strlen(root); strlen(folder) >= top;) {
		unsigned q = quota(folder);
		if (q && (!min || q < min))
			min = q;
		char *slash = strrchr(folder, '/');
		if (!slash)
			break;
		*slash = 0;
	}
	return min;
}

/* "cpu,cpuacct": is one of the controllers cpu? */
static bool names_cpu(const char *controllers)
{
	char padded[256];
	snprintf(padded, sizeof padded, ",%s,", controllers);
	return strstr(padded, ",cpu,") != NULL;
}

unsigned prs_cgroup_cores(const char *table, const char *mount)
{
	char line[PATH_MAX], root[PATH_MAX];
	unsigned min = 0;
	FILE *f = fopen(table, "re");
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = 0;
		unsigned q = 0;
		if (!controllers[1]) {
			q = least(mount, group, machine_quota_v2);
		} else if (names_cpu(controllers + 1)) {
			snprintf(root, sizeof root, "%s/%s", mount, controllers + 1);
			q = least(root, group, machine_quota_v1);
		}
		if (q && (!min || q < min))
			min = q;
	}
	if (f)
		fclose(f);
	return min;
}

unsigned prs_usable_cores(void)
{
	cpu_set_t set;
	unsigned cores = sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
	unsigned quota = prs_cgroup_cores("/proc/self/cgroup", "/sys/fs/cgroup");
	if (quota && quota < cores)
		cores = quota;
	return cores ? cores : 1;
}

/* ---- GPUs -------------------------------------------------------------------------------------------------------- */

static unsigned count_devices(void)
{
	unsigned n = 0;
	DIR *d = opendir("/dev");
	for (struct dirent *e; d && (e = readdir(d));)
		n += !strncmp(e->d_name, "nvidia", 6) && isdigit((unsigned char)e->d_name[6]);
	if (d)
		closedir(d);
	return n;
}

/* As CUDA reads it: up to the first entry that names no device. */
static int split_visible(const char *visible, struct prs_list *ret)
{
	PRS_AUTOFREE char *copy = prs_strdup(visible);
	char *save = NULL;
	if (!copy)
		return -PRS_ENOMEM;
	for (char *word = strtok_r(copy, ", ", &save); word && word[0] != '-'; word = strtok_r(NULL, ", ", &save))
		if (prs_list_add(ret, word) < 0)
			return -PRS_ENOMEM;
	return 0;
}

int prs_gpus(const char *visible, const char *count_found, struct prs_list *ret)
{
	if (visible)
		return split_visible(visible, ret);
	long n = count_found ? strtol(count_found, NULL, 10) : (long)count_devices();
	for (long i = 0; i < n && i < GPUS_MAX; i++) {
		char text[16];
		snprintf(text, sizeof text, "%ld", i);
		if (prs_list_add(ret, text) < 0)
			return -PRS_ENOMEM;
	}
	return 0;
}
