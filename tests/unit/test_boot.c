/* SPDX-License-Identifier: Apache-2.0
 * test_boot: what a HEAD notes of the machine and its container, read from made-up folders, and what two of them tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/boot.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATHS = 4096 };

static char dir[PATHS];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, sizeof dir, "%s/prs-boot-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text)
{
	char path[PATHS + 512];
	snprintf(path, sizeof path, "%s%s", dir, name);
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0755);
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static unsigned long long ino(const char *name)
{
	char path[PATHS + 512];
	struct stat st;
	snprintf(path, sizeof path, "%s%s", dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void reads(const char *fmt, unsigned long long n)
{
	char want[PRS_BOOT_BYTES], got[PRS_BOOT_BYTES];
	snprintf(want, sizeof want, fmt, n);
	prs_boot_text_below(dir, got);
	assert_string_equal(got, want);
}

#define STAT \
	"1 (a (b) c) S 0 1 1 0 -1 4194560 35984 79853181 0 2148 356 2333 125705 45238 10 -10 13 0 4711 52547584 49\n"
#define UUID "655ff1f2-ad6c-0928-7b51-71ab086e9637"

static void test_text(void **state)
{
	(void)state;
	reads("", 0); /* a machine that tells nothing */
	put("/proc/sys/kernel/random/boot_id", UUID "\n");
	reads(UUID, 0);
	put("/proc/1/stat", "1 (init)");
	reads(UUID, 0);
	put("/proc/1/stat", STAT);
	reads(UUID " init=4711", 0);
	put("/proc/self/cgroup", "0::/box\n");
	reads(UUID " init=4711", 0);
	put("/sys/fs/cgroup/box/memory.events", "low 0\noom 3\noom_kill 7\noom_group_kill 1\n");
	reads(UUID " init=4711 oom=7@%llu", ino("/sys/fs/cgroup/box"));
	put("/sys/fs/cgroup/box/memory.events.local", "low 0\noom 3\noom_kill 2\n"); /* without those of groups below */
	reads(UUID " init=4711 oom=2@%llu", ino("/sys/fs/cgroup/box"));
	put("/proc/sys/kernel/random/boot_id", "");
	reads(" init=4711 oom=2@%llu", ino("/sys/fs/cgroup/box"));
}

static void test_where_the_group_is(void **state)
{
	(void)state;
	put("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
	put("/proc/self/cgroup", "9:name=systemd:/\n8:pids:/x\n4:memory:/docker/abc\n0::/\n");
	reads(" oom=5@%llu", ino("/sys/fs/cgroup/memory")); /* the container sees its own part alone */
	put("/sys/fs/cgroup/memory/docker/abc/memory.oom_control", "under_oom 0\noom_kill 6\n");
	reads(" oom=6@%llu", ino("/sys/fs/cgroup/memory/docker/abc"));
	put("/sys/fs/cgroup/memory/other/tasks", "");
	put("/proc/self/cgroup", "4:memory:/other\n");
	reads("", 0); /* it counts no kills: those of the group above are not ours */
	put("/proc/self/cgroup", "0::/y\n");
	put("/sys/fs/cgroup/unified/y/memory.events", "oom_kill 8\n");
	reads(" oom=8@%llu", ino("/sys/fs/cgroup/unified/y"));
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/memory.events.local", "oom_kill 9\n");
	reads(" oom=9@%llu", ino("/sys/fs/cgroup"));
	put("/proc/self/cgroup", "nonsense\n::\n:\n");
	put("/proc/self/cgroup", "nonsense\n");
	reads("", 0);
}

static void test_what_two_texts_tell(void **state)
{
	(void)state;
	static const struct {
		const char *then, *now, *down; /* its first words */
	} rows[] = {
		{ "A init=1 oom=0@5", "A init=1 oom=0@5", NULL }, /* a plain SIGKILL */
		{ "A init=1 oom=0@5", "B init=1 oom=0@5", "the machine" },
		{ "A init=1 oom=0@5", "A init=2 oom=0@5", "the container" },
		{ "A init=2 oom=0@5", "A init=1 oom=0@5", "the container" },
		{ "A init=1 oom=0@5", "A init=1 oom=1@5", "the memory" },
		{ "A init=1 oom=3@5", "A init=1 oom=1@5", NULL }, /* counted anew */
		{ "A init=1 oom=0@5", "A init=1 oom=1@6", NULL }, /* of another group */
		/* a part that is not known tells nothing */
		{ "", "", NULL },
		{ "", "A init=1 oom=0@5", NULL },
		{ "A init=1 oom=0@5", "", NULL },
		{ "A", "A init=1 oom=9@5", NULL }, /* of an engine that noted the boot alone */
		{ "A", "B", "the machine" },
		{ " init=1", "B init=1", NULL },
		{ " init=1", " init=2", "the container" },
		{ "A oom=1@5", "A init=4 oom=1@5", NULL },
		{ "A oom=1@5", "A init=4 oom=2@5", "the memory" },
		{ "A init=1", "A oom=2@5 init=1", NULL },
		{ "A init=x oom=1", "A init=2 oom=2@5", NULL },
		{ "A new=7 init=1", "A init=2 new=8", "the container" }, /* a part that nobody knows yet */
		{ "A new=7", "A new=8", NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *down = prs_boot_went_down(rows[i].then, rows[i].now);
		const char *want = rows[i].down;
		if (!down != !want || (want && strncmp(down, want, strlen(want)) != 0))
			fail_msg("%s, then %s: %s", rows[i].then, rows[i].now, down ? down : "nothing");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_where_the_group_is, setup, teardown),
		cmocka_unit_test(test_what_two_texts_tell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
