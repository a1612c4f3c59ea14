/* SPDX-License-Identifier: Apache-2.0
 * probe: each check does what the engine does, once, and looks at the result.
 */
#include "io/probe.h"

#include "io/loop.h"
#include "io/machine.h"
#include "io/memcg.h"
#include "io/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LINE_BYTES = 4608, SYNCS = 20, FEW_FILES = 1024 };
#define LITTLE_SPACE (UINT64_C(1) << 30)
#define SLOW_SYNC_US 20000

struct probing {
	prs_probe_fn *each;
	void *ctx;
};

__attribute__((format(printf, 5, 6))) static void tell(const struct probing *x, enum prs_probe_level level,
                                                       const char *what, const char *mend, const char *fmt, ...)
{
	struct prs_probe p = { .level = level };
	va_list args;
	snprintf(p.what, sizeof p.what, "%s", what);
	snprintf(p.mend, sizeof p.mend, "%s", level == PRS_PROBE_OK ? "" : mend);
	va_start(args, fmt);
	vsnprintf(p.found, sizeof p.found, fmt, args);
	va_end(args);
	x->each(x->ctx, &p);
}

/* ---- machine ----------------------------------------------------------------------------------------------------- */

static void probe_kernel(const struct probing *x)
{
	struct utsname u;
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0),
	    event = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	int memory = memfd_create("probe", MFD_CLOEXEC);
	bool reaper = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
	bool ok = pidfd >= 0 && event >= 0 && memory >= 0 && reaper;
	uname(&u);
	tell(x, ok ? PRS_PROBE_OK : PRS_PROBE_WRONG, "kernel",
	     "Linux 5.3 or later is needed; a container's seccomp profile can forbid these calls too", "%s %s%s%s%s%s",
	     u.sysname, u.release, pidfd < 0 ? ", no pidfd_open" : "", event < 0 ? ", no eventfd" : "",
	     memory < 0 ? ", no memfd_create" : "", reaper ? "" : ", no subreaper");
	int fds[] = { pidfd, event, memory };
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void probe_proc(const struct probing *x)
{
	struct prs_process_usage u;
	bool ok = prs_process_usage(getpid(), &u);
	tell(x, ok ? PRS_PROBE_OK : PRS_PROBE_WRONG, "/proc",
	     "mount it: processes that workers leave behind are found there", "%s", ok ? "mounted" : "not readable");
}

static void probe_files(const struct probing *x)
{
	struct rlimit r = { 0, 0 };
	getrlimit(RLIMIT_NOFILE, &r);
	tell(x, r.rlim_max < FEW_FILES ? PRS_PROBE_NOTE : PRS_PROBE_OK, "open files",
	     "raise it with ulimit -n, or in /etc/security/limits.conf: a worker takes about 4", "at most %llu",
	     (unsigned long long)r.rlim_max);
}

static void probe_power(const struct probing *x)
{
	struct prs_machine_usage u;
	prs_machine_usage(&u);
	tell(x, PRS_PROBE_OK, "cores", "", "%u that this process may use", prs_usable_cores());
	tell(x, u.memory_available * 10 < u.memory_total ? PRS_PROBE_NOTE : PRS_PROBE_OK, "memory",
	     "little is free: fewer --processes, or a --memory-limit-per-process", "%.1f of %.1f GB are free",
	     (double)u.memory_available / 0x1p30, (double)u.memory_total / 0x1p30);
}

static void probe_cgroups(const struct probing *x)
{
	struct prs_memcg m = { 0 };
	prs_memcg_open(&m, "doctor");
	tell(x, PRS_PROBE_OK, "memory limits", "", "%s",
	     m.usable ? "by cgroups" : "by looking every 0.2 s (memory cgroups are not ours to make)");
	prs_memcg_close(&m);
}

void prs_probe_machine(prs_probe_fn *each, void *ctx)
{
	struct probing x = { each, ctx };
	probe_kernel(&x);
	probe_proc(&x);
	probe_files(&x);
	probe_power(&x);
	probe_cgroups(&x);
}

/* ---- folder ------------------------------------------------------------------------------------------------------ */

/* The type that /proc/self/mountinfo names for the deepest mount above the path. */
static void file_system_of(const char *path, char *to, size_t n)
{
	char line[LINE_BYTES], mount[2048], type[64];
	size_t deepest = 0;
	snprintf(to, n, "unknown");
	FILE *f = fopen("/proc/self/mountinfo", "re");
	while (f && fgets(line, sizeof line, f)) {
		const char *dash = strstr(line, " - ");
		if (sscanf(line, "%*d %*d %*s %*s %2047s", mount) != 1 || !dash || sscanf(dash + 3, "%63s", type) != 1)
			continue;
		size_t len = strcmp(mount, "/") ? strlen(mount) : 0;
		if (len >= deepest && !strncmp(path, mount, len) && (path[len] == '/' || !path[len] || !len)) {
			deepest = len;
			snprintf(to, n, "%s", type);
		}
	}
	if (f)
		fclose(f);
}

static void probe_type(const struct probing *x, const char *dir)
{
	static const char *const objects[] = { "s3fs", "gcsfuse", "blobfuse", "goofys", "rclone", "mount-s3" };
	char type[64];
	file_system_of(dir, type, sizeof type);
	for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
		if (strstr(type, objects[i])) {
			tell(x, PRS_PROBE_WRONG, "file system",
			     "put the run folder on a disk (--runs-dir): object stores cannot append and rename",
			     "%s, a mounted object store", type);
			return;
		}
	}
	bool memory = !strcmp(type, "tmpfs");
	tell(x, memory ? PRS_PROBE_NOTE : PRS_PROBE_OK, "file system", "results there do not survive the machine", "%s",
	     type);
}

static void probe_space(const struct probing *x, const char *dir)
{
	struct statvfs v;
	if (statvfs(dir, &v) < 0)
		return;
	uint64_t free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	tell(x, free_bytes < LITTLE_SPACE || v.f_favail < 1000 ? PRS_PROBE_NOTE : PRS_PROBE_OK, "space",
	     "make room, or choose another --runs-dir", "%.1f GB free", (double)free_bytes / 0x1p30);
}

static int make_file(const char *dir, const char *name, int flags)
{
	char path[LINE_BYTES];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0644);
}

static void probe_exclusive(const struct probing *x, const char *dir)
{
	int first = make_file(dir, "one", O_EXCL), second = make_file(dir, "one", O_EXCL);
	bool ok = first >= 0 && second < 0 && errno == EEXIST;
	const char *found = first < 0 ? strerror(errno) : "creates a file twice";
	tell(x, ok ? PRS_PROBE_OK : PRS_PROBE_WRONG, "O_EXCL",
	     "two engines could take one run: choose another --runs-dir", "%s",
	     ok ? "creates a file only once" : found);
	if (first >= 0)
		close(first);
	if (second >= 0)
		close(second);
}

static void probe_lock(const struct probing *x, const char *dir)
{
	int a = make_file(dir, "lock", 0), b = make_file(dir, "lock", 0);
	bool ok = a >= 0 && b >= 0 && flock(a, LOCK_EX | LOCK_NB) == 0 && flock(b, LOCK_EX | LOCK_NB) < 0;
	tell(x, ok ? PRS_PROBE_OK : PRS_PROBE_NOTE, "flock",
	     "a run in use is not recognised before it starts; --takeover and the journal still guard it", "%s",
	     ok ? "holds" : "does not hold");
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
}

static void probe_sync(const struct probing *x, const char *dir)
{
	char block[100] = { 0 };
	int fd = make_file(dir, "sync", 0), folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && folder >= 0 && fsync(folder) == 0;
	uint64_t begun = prs_clock_us();
	for (int i = 0; i < SYNCS && ok; i++)
		ok = pwrite(fd, block, sizeof block, i * (off_t)sizeof block) == (ssize_t)sizeof block &&
		     fdatasync(fd) == 0;
	uint64_t each_us = (prs_clock_us() - begun) / SYNCS;
	if (ok)
		tell(x, each_us > SLOW_SYNC_US ? PRS_PROBE_NOTE : PRS_PROBE_OK, "sync",
		     "a local disk is faster; larger mini-batches need fewer syncs",
		     "%.2f ms for a small write and fdatasync", (double)each_us / 1000);
	else
		tell(x, PRS_PROBE_WRONG, "sync", "results would not survive a crash: choose another --runs-dir",
		     "fdatasync does not work");
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
}

static void probe_rename(const struct probing *x, const char *dir)
{
	char from[LINE_BYTES], to[LINE_BYTES], text[8] = "";
	int a = make_file(dir, "from", 0), b = make_file(dir, "to", 0);
	bool ok = a >= 0 && b >= 0 && write(a, "new", 3) == 3 && write(b, "old", 3) == 3;
	snprintf(from, sizeof from, "%s/from", dir);
	snprintf(to, sizeof to, "%s/to", dir);
	ok = ok && rename(from, to) == 0;
	int c = ok ? open(to, O_RDONLY | O_CLOEXEC) : -1;
	ok = c >= 0 && read(c, text, 3) == 3 && !strcmp(text, "new") && access(from, F_OK) < 0;
	tell(x, ok ? PRS_PROBE_OK : PRS_PROBE_WRONG, "rename",
	     "the output could not be put in place at once: choose another --runs-dir", "%s",
	     ok ? "replaces a file" : "does not replace a file");
	int fds[] = { a, b, c };
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void probe_shared(const struct probing *x, const char *dir)
{
	uint32_t seen = 0;
	int fd = make_file(dir, "page", 0);
	uint32_t *p = fd >= 0 && ftruncate(fd, 4096) == 0 ? mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
	                                                  : MAP_FAILED;
	bool ok = p != MAP_FAILED;
	if (ok) {
		*(volatile uint32_t *)p = 0x12345678;
		ok = pread(fd, &seen, sizeof seen, 0) == (ssize_t)sizeof seen && seen == 0x12345678;
		munmap(p, 4096);
	}
	tell(x, ok ? PRS_PROBE_OK : PRS_PROBE_WRONG, "shared memory",
	     "workers could not be watched: choose another --runs-dir", "%s",
	     ok ? "files can be mapped" : "files cannot be mapped as shared");
	if (fd >= 0)
		close(fd);
}

static void remove_all(const char *dir)
{
	char path[LINE_BYTES];
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void prs_probe_folder(const char *dir, prs_probe_fn *each, void *ctx)
{
	struct probing x = { each, ctx };
	char real[PATH_MAX], own[PATH_MAX + 32];
	if (!realpath(dir, real)) {
		tell(&x, PRS_PROBE_WRONG, "folder", "create it, or name another one", "%s: %s", dir, strerror(errno));
		return;
	}
	snprintf(own, sizeof own, "%s/.prs-doctor-XXXXXX", real);
	if (!mkdtemp(own)) {
		tell(&x, PRS_PROBE_WRONG, "folder", "run folders are made there: it must be writable", "%s: %s", real,
		     strerror(errno));
		return;
	}
	probe_type(&x, real);
	probe_space(&x, real);
	probe_exclusive(&x, own);
	probe_lock(&x, own);
	probe_sync(&x, own);
	probe_rename(&x, own);
	probe_shared(&x, own);
	remove_all(own);
}
