/* SPDX-License-Identifier: Apache-2.0
 * boot: from /proc and the cgroup of memory, v2 or v1. The kills that count are those of our own group (the engine's
 * and of what runs beside it), where the kernel tells them from those of the groups below.
 */
#include "io/boot.h"

#include "base/mem.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE = 4096 };

static FILE *boot_file(const char *root, const char *folder, const char *name)
{
	PRS_AUTOFREE char *path = prs_strf("%s%s/%s", root, folder, name);
	return path ? fopen(path, "re") : NULL;
}

/* ---- the parts --------------------------------------------------------------------------------------------------- */

static void read_id(const char *root, char to[64])
{
	FILE *f = boot_file(root, "/proc/sys/kernel/random", "boot_id");
	if (!f || !fgets(to, 64, f))
		to[0] = 0;
	to[strcspn(to, " \n")] = 0;
	if (f)
		fclose(f);
}

static bool read_init(const char *root, uint64_t *ret)
{
	char line[LINE];
	FILE *f = boot_file(root, "/proc/1", "stat");
	const char *name_end = f && fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
	if (f)
		fclose(f);
	/* fields 3 to 21 lie between the name and the start time */
	return name_end && sscanf(name_end + 1,
	                          " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
	                          "%" SCNu64,
	                          ret) == 1;
}

/* The number behind "oom_kill" in a file of the group. */
static bool read_kills(const char *root, const char *group, const char *name, uint64_t *ret)
{
	char line[LINE];
	bool found = false;
	FILE *f = boot_file(root, group, name);
	while (f && !found && fgets(line, sizeof line, f))
		found = sscanf(line, "oom_kill %" SCNu64, ret) == 1;
	if (f)
		fclose(f);
	return found;
}

static bool is_there(const char *root, const char *group, uint64_t *ret_ino)
{
	struct stat st;
	PRS_AUTOFREE char *path = prs_strf("%s%s", root, group);
	bool there = path && stat(path, &st) == 0;
	if (there)
		*ret_ino = st.st_ino;
	return there;
}

static bool read_group(const char *root, const char *group, uint64_t *ret_kills, uint64_t *ret_ino)
{
	static const char *const files[] = { "memory.events.local", "memory.events", "memory.oom_control" };
	if (!is_there(root, group, ret_ino))
		return false;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (read_kills(root, group, files[i], ret_kills))
			return true;
	return false;
}

/* A line of /proc/self/cgroup: "<n>:<controllers>:<group>". The group lies below the mount of its hierarchy, or, in a
 * container that sees its own part alone, is the mount. */
static bool read_line_of_cgroup(const char *root, char *line, uint64_t *ret_kills, uint64_t *ret_ino)
{
	static const char *const v2[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL };
	static const char *const v1[] = { "/sys/fs/cgroup/memory", NULL };
	line[strcspn(line, "\n")] = 0;
	char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return false;
	*group++ = 0;
	if (controllers[1] && strcmp(controllers + 1, "memory") != 0)
		return false;
	for (const char *const *mount = controllers[1] ? v1 : v2; *mount; mount++) {
		PRS_AUTOFREE char *path = prs_strf("%s%s", *mount, strcmp(group, "/") ? group : "");
		const char *own = path && is_there(root, path, ret_ino) ? path : *mount;
		if (read_group(root, own, ret_kills, ret_ino))
			return true;
	}
	return false;
}

static bool read_oom(const char *root, uint64_t *ret_kills, uint64_t *ret_ino)
{
	char line[LINE];
	bool found = false;
	FILE *f = boot_file(root, "/proc/self", "cgroup");
	while (f && !found && fgets(line, sizeof line, f))
		found = read_line_of_cgroup(root, line, ret_kills, ret_ino);
	if (f)
		fclose(f);
	return found;
}

void prs_boot_text_below(const char *root, char to[PRS_BOOT_BYTES])
{
	char id[64];
	uint64_t init, kills, ino;
	read_id(root, id);
	size_t n = (size_t)snprintf(to, PRS_BOOT_BYTES, "%s", id);
	if (read_init(root, &init))
		n += (size_t)snprintf(to + n, PRS_BOOT_BYTES - n, " init=%" PRIu64, init);
	if (read_oom(root, &kills, &ino))
		snprintf(to + n, PRS_BOOT_BYTES - n, " oom=%" PRIu64 "@%" PRIu64, kills, ino);
}

void prs_boot_text(char to[PRS_BOOT_BYTES])
{
	const char *root = NULL;
#ifdef PRS_KILL_POINTS /* a test build may be told what it sees */
	root = getenv("PRS_FAKE_ROOT");
#endif
	prs_boot_text_below(root ? root : "", to);
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

struct parts {
	char id[64];
	bool has_init, has_oom;
	uint64_t init, kills, ino;
};

static void parse(const char *text, struct parts *p)
{
	*p = (struct parts){ .id = "" };
	size_t n = strcspn(text, " ");
	memcpy(p->id, text, n < sizeof p->id ? n : sizeof p->id - 1);
	for (const char *at = strchr(text, ' '); at; at = strchr(at + 1, ' ')) {
		p->has_init = p->has_init || sscanf(at, " init=%" SCNu64, &p->init) == 1;
		p->has_oom = p->has_oom || sscanf(at, " oom=%" SCNu64 "@%" SCNu64, &p->kills, &p->ino) == 2;
	}
}

const char *prs_boot_went_down(const char *then, const char *now)
{
	struct parts a, b;
	parse(then, &a);
	parse(now, &b);
	if (a.id[0] && b.id[0] && strcmp(a.id, b.id) != 0)
		return "the machine started anew";
	if (a.has_init && b.has_init && a.init != b.init)
		return "the container started anew";
	if (a.has_oom && b.has_oom && a.ino == b.ino && b.kills > a.kills)
		return "the memory was used up and processes were killed";
	return NULL;
}
