/* SPDX-License-Identifier: Apache-2.0
 * procid: an environment is read whole and decides alone when it holds a mark. A process without one is somebody else's
 * until it proves the opposite twice: by what only workers hand on, and by what it holds of the run folder. So a shell,
 * an editor or a `tail -f` in a run folder is left alone.
 */
#include "io/procid.h"

#include "io/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GENERATIONS = 64, ENVIRON_BYTES = 256 << 10, TEXT_BYTES = 8 << 10 };

/* Reads a file of /proc/<pid> into `to`, which is closed by a NUL; its bytes, 0 = nothing. */
static size_t read_of(int pid, const char *name, char *to, size_t bytes)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;
	while (fd >= 0 && len + 1 < bytes && (n = read(fd, to + len, bytes - 1 - len)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		close(fd);
	to[len] = 0;
	return len;
}

/* ---- family ------------------------------------------------------------------------------------------------------ */

bool prs_procid_read(int pid, struct prs_procid *ret)
{
	char text[1024];
	if (!read_of(pid, "stat", text, sizeof text))
		return false;
	const char *p = strrchr(text, ')'); /* the name in brackets may hold anything */
	return p && sscanf(p + 1, " %c %d %d %d", &ret->state, &ret->parent, &ret->group, &ret->session) == 4;
}

bool prs_descends_from(int pid, int ancestor)
{
	struct prs_procid p;
	for (int i = 0; i < GENERATIONS && pid > 1 && prs_procid_read(pid, &p); i++) {
		if (p.parent == ancestor)
			return true;
		pid = p.parent;
	}
	return false;
}

/* Forked a moment ago, and not yet what it is going to be: a copy of its parent (PF_FORKNOEXEC), or on its way through
 * exec. */
static bool is_becoming(int pid)
{
	enum { FORKED_NO_EXEC = 0x40, YOUNG_MS = 250 };
	char text[1024], command[2], state;
	unsigned flags;
	unsigned long long start;
	struct timespec now;
	const char *p = read_of(pid, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;
	if (!p || sscanf(p + 1, " %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
	                 &state, &flags, &start) != 3)
		return false;
	clock_gettime(CLOCK_BOOTTIME, &now);
	uint64_t born_ms = start * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (state == 'Z' || now_ms >= born_ms + YOUNG_MS)
		return false;
	return (flags & FORKED_NO_EXEC) || !read_of(pid, "cmdline", command, sizeof command);
}

static bool names(const char *word, const char *program)
{
	const char *slash = strrchr(word, '/');
	return !strcmp(slash ? slash + 1 : word, program);
}

/* `python -c "from multiprocessing.resource_tracker import main;main(5)"`, loky's alike. */
bool prs_is_tracker(int pid)
{
	char text[TEXT_BYTES];
	while (is_becoming(pid))
		usleep(1000);
	size_t n = read_of(pid, "cmdline", text, sizeof text);
	if (names(text, "torch_shm_manager"))
		return true;
	bool code = false;
	for (size_t i = 0; i < n; i += strlen(text + i) + 1) {
		if (code)
			return !strncmp(text + i, "from ", 5) && strstr(text + i, "resource_tracker import main");
		code = !strcmp(text + i, "-c");
	}
	return false;
}

/* ---- environment ------------------------------------------------------------------------------------------------- */

/* The next entry of the environment that was read, behind `entry` (NULL: the first one); NULL at the end. */
static const char *next_entry(const char *space, size_t len, const char *entry)
{
	size_t at = entry ? (size_t)(entry - space) + strlen(entry) + 1 : 0;
	return at < len ? space + at : NULL;
}

static const char *read_environment(int pid, size_t *ret_len)
{
	static char space[ENVIRON_BYTES];
	*ret_len = read_of(pid, "environ", space, sizeof space);
	return space;
}

bool prs_has_environment(int pid, const char *entry, const char *other)
{
	size_t len;
	const char *space = read_environment(pid, &len);
	bool has_entry = false, has_other = false;
	for (const char *e = NULL; (e = next_entry(space, len, e));) {
		has_entry = has_entry || !strcmp(e, entry);
		has_other = has_other || !strcmp(e, other);
	}
	return has_entry && has_other;
}

/* ---- of an older life -------------------------------------------------------------------------------------------- */

enum mark { NO_MARK, OLDER, ANOTHER };

static enum mark look_at_mark(const char *text, const struct prs_run_mark *than)
{
	struct prs_run_mark m;
	return prs_run_mark_get(text, &m) && prs_run_mark_is_older(&m, than) ? OLDER : ANOTHER;
}

static enum mark mark_in_environment(int pid, const struct prs_run_mark *than)
{
	size_t len;
	const char *space = read_environment(pid, &len);
	for (const char *e = NULL; (e = next_entry(space, len, e));)
		if (!strncmp(e, "PRS_RUN=", 8))
			return look_at_mark(e + 8, than);
	return NO_MARK;
}

/* The groups of memcg.h carry the mark in their names. */
static bool is_in_group(int pid, const struct prs_run_mark *than)
{
	char text[TEXT_BYTES];
	read_of(pid, "cgroup", text, sizeof text);
	for (const char *at = text; (at = strstr(at, "/prs-")); at += 5)
		if (look_at_mark(at + 5, than) == OLDER)
			return true;
	return false;
}

/* Neither can be undone by a process without privileges. */
static bool has_limits_of_worker(int pid)
{
	char text[TEXT_BYTES];
	read_of(pid, "oom_score_adj", text, sizeof text);
	if (atoi(text) != PRS_WORKER_OOM_SCORE)
		return false;
	read_of(pid, "limits", text, sizeof text);
	const char *core = strstr(text, "Max core file size");
	unsigned long long soft = 1, hard = 1;
	return core && sscanf(core + strlen("Max core file size"), "%llu %llu", &soft, &hard) == 2 && !hard;
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return !strncmp(path, dir, n) && (path[n] == '/' || !path[n]);
}

static bool link_is_below(const char *path, const char *dir)
{
	char to[PATH_MAX];
	ssize_t n = readlink(path, to, sizeof to - 1);
	to[n > 0 ? n : 0] = 0;
	return n > 0 && is_below(to, dir);
}

static bool has_open_file(int pid, const char *dir)
{
	char path[320];
	bool found = false;
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && !found && (e = readdir(d));) {
		snprintf(path, sizeof path, "/proc/%d/fd/%s", pid, e->d_name);
		found = isdigit((unsigned char)e->d_name[0]) && link_is_below(path, dir);
	}
	if (d)
		closedir(d);
	return found;
}

static bool has_mapped_file(int pid, const char *dir)
{
	char path[64], line[PATH_MAX + 128];
	bool found = false;
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	FILE *f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		const char *name = strchr(line, '/');
		found = name && is_below(name, dir);
	}
	if (f)
		fclose(f);
	return found;
}

bool prs_is_left_by(int pid, const struct prs_run_mark *than, const char *dir)
{
	char path[64];
	enum mark m = mark_in_environment(pid, than);
	if (m != NO_MARK)
		return m == OLDER;
	if (is_in_group(pid, than))
		return true;
	if (!has_limits_of_worker(pid))
		return false;
	snprintf(path, sizeof path, "/proc/%d/cwd", pid);
	return link_is_below(path, dir) || has_open_file(pid, dir) || has_mapped_file(pid, dir);
}
