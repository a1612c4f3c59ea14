/* SPDX-License-Identifier: Apache-2.0
 * procfs: each file is read whole and searched for its numbers. Formats: proc(5), and iostats of the kernel's
 * documentation (sectors have 512 bytes there).
 */
#include "io/procfs.h"

#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SECTOR_BYTES = 512, FILE_BYTES = 64 << 10, CHILDREN_BYTES = 32 << 10 };

/* The file as a string; false when it cannot be read. */
static bool read_text(const char *path, char *to, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size_t n = 0;
	ssize_t got;
	while (n + 1 < bytes && (got = read(fd, to + n, bytes - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	to[n] = 0;
	return n > 0;
}

/* The number behind `name` at the beginning of a line; 0 = not there. */
static uint64_t number_of(const char *text, const char *name)
{
	size_t n = strlen(name);
	uint64_t v = 0;
	for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (!strncmp(line, name, n) && sscanf(line + n, " %" SCNu64, &v) == 1)
			return v;
	return 0;
}

static void read_cpu(char *text, struct prs_machine_usage *u)
{
	uint64_t t[8] = { 0 };
	if (!read_text("/proc/stat", text, FILE_BYTES))
		return;
	sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
	       &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
	for (int i = 0; i < 8; i++)
		u->cpu_total += t[i];
	u->cpu_busy = u->cpu_total - t[3] - t[4]; /* idle, iowait */
}

/* A whole disk has a folder in /sys/block; a partition has not. Loops, RAM disks and stacked devices would count
 * twice. */
static bool is_whole_disk(const char *name)
{
	static const char *const not_disks[] = { "loop", "ram", "dm-", "md", "zram", "fd", "sr" };
	char path[320];
	for (size_t i = 0; i < sizeof not_disks / sizeof *not_disks; i++)
		if (!strncmp(name, not_disks[i], strlen(not_disks[i])))
			return false;
	snprintf(path, sizeof path, "/sys/block/%s", name);
	for (char *p = path + sizeof "/sys/block"; *p; p++)
		if (*p == '/')
			*p = '!';
	return access(path, F_OK) == 0;
}

static void read_disks(char *text, struct prs_machine_usage *u)
{
	struct statvfs v;
	if (statvfs("/", &v) == 0) {
		u->disk_total = (uint64_t)v.f_blocks * v.f_frsize;
		u->disk_free = (uint64_t)v.f_bavail * v.f_frsize;
	}
	if (!read_text("/proc/diskstats", text, FILE_BYTES))
		return;
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		char name[256];
		uint64_t reads, sectors_in, writes, sectors_out;
		if (sscanf(line, " %*u %*u %255s %" SCNu64 " %*u %" SCNu64 " %*u %" SCNu64 " %*u %" SCNu64, name,
		           &reads, &sectors_in, &writes, &sectors_out) != 5 ||
		    !is_whole_disk(name))
			continue;
		u->reads += reads;
		u->writes += writes;
		u->read_bytes += sectors_in * SECTOR_BYTES;
		u->written_bytes += sectors_out * SECTOR_BYTES;
	}
}

static void read_network(char *text, struct prs_machine_usage *u)
{
	if (read_text("/proc/net/dev", text, FILE_BYTES))
		for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
			char name[64];
			uint64_t in, out;
			if (sscanf(line, " %63[^:]: %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, name, &in,
			           &out) == 3 &&
			    strcmp(name, "lo") != 0) {
				u->received_bytes += in;
				u->sent_bytes += out;
			}
		}
	if (read_text("/proc/net/sockstat", text, FILE_BYTES)) {
		u->tcp = number_of(text, "TCP: inuse");
		u->udp = number_of(text, "UDP: inuse");
	}
	if (read_text("/proc/net/sockstat6", text, FILE_BYTES)) {
		u->tcp += number_of(text, "TCP6: inuse");
		u->udp += number_of(text, "UDP6: inuse");
	}
}

void prs_machine_usage(struct prs_machine_usage *ret)
{
	PRS_AUTOFREE char *text = prs_malloc(FILE_BYTES); /* a stack may be small (ulimit -s) */
	memset(ret, 0, sizeof *ret);
	if (!text)
		return;
	read_cpu(text, ret);
	if (read_text("/proc/meminfo", text, FILE_BYTES)) {
		ret->memory_total = number_of(text, "MemTotal:") * 1024;
		ret->memory_available = number_of(text, "MemAvailable:") * 1024;
	}
	read_disks(text, ret);
	read_network(text, ret);
}

bool prs_process_usage(int pid, struct prs_process_usage *ret)
{
	char path[64], text[4096];
	uint64_t user = 0, system = 0, resident = 0, tick = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	memset(ret, 0, sizeof *ret);
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (!read_text(path, text, sizeof text))
		return false;
	const char *p = strrchr(text, ')'); /* the name in brackets may hold anything */
	if (!p || sscanf(p + 1,
	                 " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %*d %*d %*d %*d %" SCNu64
	                 " %*d %*u %*u %" SCNu64,
	                 &user, &system, &ret->threads, &resident) != 4)
		return false;
	ret->user_us = user * tick;
	ret->system_us = system * tick;
	ret->resident_bytes = resident * (uint64_t)sysconf(_SC_PAGESIZE);
	snprintf(path, sizeof path, "/proc/%d/io", pid);
	if (read_text(path, text, sizeof text)) {
		ret->reads = number_of(text, "syscr:");
		ret->writes = number_of(text, "syscw:");
		ret->read_bytes = number_of(text, "read_bytes:");
		ret->written_bytes = number_of(text, "write_bytes:");
	}
	return true;
}

/* ---- memory of a tree -------------------------------------------------------------------------------------------- */

static uint64_t resident_bytes(int pid)
{
	char path[64], text[256];
	uint64_t pages = 0;
	snprintf(path, sizeof path, "/proc/%d/statm", pid);
	if (read_text(path, text, sizeof text))
		sscanf(text, "%*u %" SCNu64, &pages);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t proportional_bytes(int pid)
{
	char path[64], text[4096];
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	return read_text(path, text, sizeof text) ? number_of(text, "Pss:") * 1024 : resident_bytes(pid);
}

bool prs_children(int pid, int *pids, unsigned *n, unsigned max)
{
	char path[64];
	PRS_AUTOFREE char *text = prs_malloc(CHILDREN_BYTES);
	bool listed = false;
	if (!text)
		return false;
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		int thread = atoi(e->d_name), child, used = 0;
		if (thread <= 0)
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, thread);
		listed = listed || access(path, F_OK) == 0;
		if (!read_text(path, text, CHILDREN_BYTES))
			continue;
		char *last = strlen(text) + 1 == CHILDREN_BYTES ? strrchr(text, ' ') : NULL;
		if (last) /* the number at the end is cut */
			*last = 0;
		for (const char *p = text; *n < max && sscanf(p, " %d%n", &child, &used) == 1; p += used)
			pids[(*n)++] = child;
	}
	if (d)
		closedir(d);
	return listed;
}

void prs_family(int pid, int *pids, unsigned *n, unsigned max)
{
	unsigned i = *n;
	if (i == max)
		return;
	pids[(*n)++] = pid;
	for (; i < *n; i++)
		prs_children(pids[i], pids, n, max);
}

enum { TREE_MAX = 4096 };

uint64_t prs_tree_bytes(int pid, uint64_t enough)
{
	int pids[TREE_MAX];
	unsigned n = 0;
	uint64_t sum = 0;
	prs_family(pid, pids, &n, TREE_MAX);
	for (unsigned i = 0; i < n; i++)
		sum += resident_bytes(pids[i]);
	if (sum <= enough)
		return sum;
	sum = 0;
	for (unsigned i = 0; i < n; i++)
		sum += proportional_bytes(pids[i]);
	return sum;
}
