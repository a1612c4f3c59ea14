/* SPDX-License-Identifier: Apache-2.0
 * test_code: the code of a run: its sums, which file is named when it was changed, what is put back in the working copy
 * and what is left alone; every call that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fault_fs.h"
#include "io/fs_posix.h"
#include "spec/code.h"
#include "spec/placed.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { PATHS = 4096 };

static char dir[PATHS];
static struct prs_err err;
static struct prs_code_restored back;
static uint8_t print[16];
static struct prs_buf sums;

/* ---- a private folder -------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static const char *in(const char *name)
{
	static char path[4][PATHS + 512];
	static int turn;
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
}

/* Makes the folders on the way too. */
static void put(const char *name, const char *text)
{
	char path[PATHS + 512];
	snprintf(path, sizeof path, "%s", in(name));
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0755);
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static bool holds(const char *name, const char *text)
{
	char bytes[PATHS] = "";
	FILE *f = fopen(in(name), "r");
	if (!f)
		return false;
	bytes[fread(bytes, 1, sizeof bytes - 1, f)] = 0;
	fclose(f);
	return !strcmp(bytes, text);
}

static bool is_link(const char *name)
{
	struct stat st;
	return lstat(in(name), &st) == 0 && S_ISLNK(st.st_mode);
}

static bool is_there(const char *name)
{
	struct stat st;
	return lstat(in(name), &st) == 0;
}

static void look(void)
{
	prs_buf_clear(&sums);
	if (prs_code_sums(&prs_fs_posix, in("run"), "code", print, &sums, &err) < 0)
		fail_msg("%s", err.msg);
}

static void restore(unsigned missing, unsigned changed, const char *first)
{
	if (prs_code_restore(&prs_fs_posix, in("run"), "code", &back, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(back.missing, missing);
	assert_int_equal(back.changed, changed);
	assert_string_equal(back.first, first);
}

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, sizeof dir, "%s/prs-code-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	prs_buf_init(&sums, 1 << 20);
	put("run/code/a.py", "a");
	put("run/code/pkg/b.py", "bb");
	put("run/code/run.sh", "#!/bin/sh\n");
	assert_int_equal(chmod(in("run/code/run.sh"), 0755), 0);
	assert_int_equal(mkdir(in("run/outputs"), 0755), 0);
	look();
	restore(3, 0, "a.py");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	prs_buf_done(&sums);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

static void hash(const char *text, char to[33])
{
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, XXH3_128bits(text, strlen(text)));
	for (int i = 0; i < 16; i++)
		snprintf(to + 2 * i, 3, "%02x", c.digest[i]);
}

static void test_sums(void **state)
{
	(void)state;
	char a[33], b[33], sh[33], odd[33], want[1024];
	put("run/code/odd\n\\\rname", "odd");
	put("run/code/__pycache__/a.pyc", "of a tool");
	hash("a", a);
	hash("bb", b);
	hash("#!/bin/sh\n", sh);
	hash("odd", odd);
	snprintf(want, sizeof want, "%s  code/a.py\n\\%s  code/odd\\n\\\\\\rname\n%s  code/pkg/b.py\n%s *code/run.sh\n",
	         a, odd, b, sh);
	look();
	assert_string_equal(prs_buf_str(&sums), want);
}

/* The fingerprint is the one that the snapshot had while it copied. */
static void test_print_of_a_snapshot(void **state)
{
	(void)state;
	struct prs_job job = { .code_dir = (char *)(uintptr_t)in("run/code") };
	struct prs_placed placed = { .job = &job };
	mkdir(in("copy"), 0755);
	mkdir(in("copy/code"), 0755);
	assert_int_equal(prs_snapshot(&placed, &prs_fs_posix, in("copy/code"), NULL, &err), 0);
	assert_memory_equal(placed.code_print, print, 16);
}

/* What ignore files say was done with when the snapshot was made. */
static void test_a_copy_is_whole(void **state)
{
	(void)state;
	put("run/code/.gitignore", "*.bin\npkg\n");
	put("run/code/model.bin", "m");
	put("run/code/env/pyvenv.cfg", "");
	restore(3, 0, ".gitignore");
	assert_true(holds("run/work/code/model.bin", "m"));
	mkdir(in("fresh"), 0755);
	assert_int_equal(prs_snapshot_copy(&prs_fs_posix, in("run/code"), in("fresh"), &err), 0);
	assert_true(holds("fresh/model.bin", "m"));
	assert_true(holds("fresh/pkg/b.py", "bb"));
	assert_true(holds("fresh/env/pyvenv.cfg", ""));
}

/* ---- is it still what it was ------------------------------------------------------------------------------------- */

static void refuses(const char *text, const char *said)
{
	char want[PATHS + 600];
	snprintf(want, sizeof want, "%s/run/code%s", dir, said);
	err = (struct prs_err){ 0 };
	assert_int_equal(prs_code_check(&prs_fs_posix, in("run"), "code", print, text, &err), -PRS_EINVALID);
	if (strncmp(err.msg, want, strlen(want)) != 0)
		fail_msg("%s", err.msg);
}

static void test_what_was_changed_is_named(void **state)
{
	(void)state;
	const char *s = prs_buf_str(&sums);
	assert_int_equal(prs_code_check(&prs_fs_posix, in("run"), "code", print, s, &err), 0);
	put("run/code/__pycache__/a.pyc", "x"); /* tools leave such things */
	assert_int_equal(prs_code_check(&prs_fs_posix, in("run"), "code", print, s, &err), 0);
	put("run/code/pkg/b.py", "bc");
	refuses(s, "/pkg/b.py was changed after the run began: put it back as it was, or");
	refuses("", " was changed after the run began: put it back as it was, or");
	refuses("not\nsums\n\n\\\n", "/a.py was added after the run began: ");
	put("run/code/pkg/b.py", "bb");
	put("run/code/pkg/c.py", "");
	refuses(s, "/pkg/c.py was added after the run began: remove it, or");
	assert_int_equal(unlink(in("run/code/pkg/c.py")), 0);
	assert_int_equal(unlink(in("run/code/a.py")), 0);
	refuses(s, "/a.py was removed after the run began: put it back, or");
	put("run/code/a.py", "a");
	assert_int_equal(chmod(in("run/code/run.sh"), 0644), 0);
	refuses(s, "/run.sh was changed after the run began: put it back as it was, or");
	assert_int_equal(chmod(in("run/code/run.sh"), 0744), 0); /* is it executable: nothing else counts */
	assert_int_equal(prs_code_check(&prs_fs_posix, in("run"), "code", print, s, &err), 0);
	assert_int_equal(rename(in("run/code"), in("run/elsewhere")), 0);
	refuses(s, " is missing: put it back, or");
}

static void test_odd_names_are_found(void **state)
{
	(void)state;
	put("run/code/odd\nname", "odd");
	put("run/code/odd\\nname", "odd");
	look();
	put("run/code/odd\nname", "odD");
	refuses(prs_buf_str(&sums), "/odd\nname was changed after");
	put("run/code/odd\nname", "odd");
	put("run/code/odd\\nname", "odD");
	refuses(prs_buf_str(&sums), "/odd\\nname was changed after");
}

/* ---- the working copy -------------------------------------------------------------------------------------------- */

static void test_what_is_put_back(void **state)
{
	(void)state;
	struct stat st;
	restore(0, 0, "");
	put("run/work/code/a.py", "b");
	put("run/work/code/state", "mine");
	put("run/work/code/pkg/more/state", "mine");
	assert_int_equal(unlink(in("run/work/code/pkg/b.py")), 0);
	assert_int_equal(chmod(in("run/work/code/run.sh"), 0644), 0);
	restore(1, 2, "a.py");
	assert_true(holds("run/work/code/a.py", "a"));
	assert_true(holds("run/work/code/pkg/b.py", "bb"));
	assert_int_equal(stat(in("run/work/code/run.sh"), &st), 0);
	assert_true(st.st_mode & 0100);
	assert_true(holds("run/work/code/state", "mine"));
	assert_true(holds("run/work/code/pkg/more/state", "mine"));
	assert_false(is_there("run/work/code.tmp"));
	restore(0, 0, "");
}

static void test_longer_and_shorter(void **state)
{
	(void)state;
	enum { LONG = 700000 };
	char *text = calloc(1, LONG + 2);
	memset(text, 'x', LONG);
	put("run/code/a.py", text);
	text[LONG] = 'y';
	put("run/work/code/a.py", text);
	restore(0, 1, "a.py");
	text[LONG] = 0;
	text[LONG - 1] = 'z';
	put("run/work/code/a.py", text);
	restore(0, 1, "a.py");
	text[LONG - 1] = 0;
	put("run/work/code/a.py", text);
	restore(0, 1, "a.py");
	restore(0, 0, "");
	free(text);
}

static void test_all_of_work_is_missing(void **state)
{
	(void)state;
	assert_int_equal(nftw(in("run/work"), remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	restore(3, 0, "a.py");
	assert_true(holds("run/work/code/pkg/b.py", "bb"));
	put("run/work/code/outputs/kept", "x");
	assert_true(holds("run/outputs/kept", "x"));
}

/* Code that came after: what only the code before has leaves the working copy, unless the script changed it. */
static void test_other_code(void **state)
{
	(void)state;
	struct prs_code_restored made;
	put("run/code-3/a.py", "new");
	put("run/work/code/__pycache__/b.cpython-311.pyc", "x");
	put("run/work/code/pkg/__pycache__/b.cpython-311.pyc", "x");
	put("run/work/code/mine.py", "x");
	assert_int_equal(prs_code_restore(&prs_fs_posix, in("run"), "code-3", &made, &err), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(prs_code_retire(&prs_fs_posix, in("run"), "code", "code-3", &err), 0);
	assert_true(holds("run/work/code/a.py", "new"));
	assert_false(is_there("run/work/code/pkg/b.py"));
	assert_false(is_there("run/work/code/pkg/__pycache__/b.cpython-311.pyc"));
	assert_true(is_there("run/work/code/__pycache__/b.cpython-311.pyc"));
	assert_true(is_there("run/work/code/mine.py"));
	assert_true(is_there("run/code/pkg/b.py"));
	put("run/work/code/pkg/b.py", "by the script");
	assert_int_equal(prs_code_retire(&prs_fs_posix, in("run"), "code", "code-3", &err), 0);
	assert_true(holds("run/work/code/pkg/b.py", "by the script"));
	prs_buf_clear(&sums);
	assert_int_equal(prs_code_sums(&prs_fs_posix, in("run"), "code-3", print, &sums, &err), 0);
	assert_non_null(strstr(prs_buf_str(&sums), "  code-3/a.py\n"));
	put("run/code-3/a.py", "New");
	assert_int_equal(prs_code_check(&prs_fs_posix, in("run"), "code-3", print, prs_buf_str(&sums), &err),
	                 -PRS_EINVALID);
	assert_non_null(strstr(err.msg, "run/code-3/a.py was changed after the run began"));
}

static void test_origin_that_changed(void **state)
{
	(void)state;
	char text[PRS_CODE_TOLD_BYTES];
	assert_false(prs_code_tell_changed(&prs_fs_posix, in("run"), "code", in("nowhere"), NULL, "x", text));
	assert_int_equal(prs_snapshot_copy(&prs_fs_posix, in("run/code"), in("origin"), &err), -PRS_ENOTFOUND);
	mkdir(in("origin"), 0755);
	assert_int_equal(prs_snapshot_copy(&prs_fs_posix, in("run/code"), in("origin"), &err), 0);
	put("origin/more.py", "x");
	assert_false(prs_code_tell_changed(&prs_fs_posix, in("run"), "code", in("origin"), NULL, "x", text));
	put("origin/pkg/b.py", "bB");
	assert_true(prs_code_tell_changed(&prs_fs_posix, in("run"), "code", in("origin"), NULL, "do so", text));
	assert_string_equal(text, "pkg/b.py has changed since; this run uses its copy (do so)");
	assert_int_equal(unlink(in("origin/a.py")), 0);
	assert_true(prs_code_tell_changed(&prs_fs_posix, in("run"), "code", in("origin"), NULL, "do so", text));
	assert_string_equal(text, "a.py and 1 more file have changed since; this run uses their copies (do so)");
}

static int clones;

static int count_clone(void *ctx, int from, int to)
{
	(void)ctx;
	char bytes[64];
	ssize_t n = pread(from, bytes, sizeof bytes, 0);
	clones++;
	return n >= 0 && write(to, bytes, (size_t)n) == n ? 0 : -EIO;
}

static int no_clone(void *ctx, int from, int to)
{
	(void)ctx, (void)from, (void)to;
	clones++;
	return -EOPNOTSUPP;
}

/* The second copy shares the blocks of the first where the file system can, and never its inode. */
static void test_copies_share_blocks(void **state)
{
	(void)state;
	static int (*const ways[])(void *ctx, int from, int to) = { count_clone, no_clone };
	struct stat a, b;
	for (int i = 0; i < 2; i++) {
		struct prs_fs fs = prs_fs_posix;
		fs.clone = ways[i];
		clones = 0;
		assert_int_equal(unlink(in("run/work/code/a.py")), 0);
		assert_int_equal(unlink(in("run/work/code/pkg/b.py")), 0);
		assert_int_equal(prs_code_restore(&fs, in("run"), "code", &back, &err), 0);
		assert_int_equal(clones, 2);
		assert_true(holds("run/work/code/pkg/b.py", "bb"));
		assert_int_equal(stat(in("run/code/pkg/b.py"), &a) | stat(in("run/work/code/pkg/b.py"), &b), 0);
		assert_true(a.st_ino != b.st_ino && b.st_nlink == 1);
	}
}

/* A left-over of a restore that was stopped, whatever it is. */
static void test_a_left_over(void **state)
{
	(void)state;
	put("precious", "mine");
	assert_int_equal(symlink(in("precious"), in("run/work/code.tmp")), 0);
	assert_int_equal(unlink(in("run/work/code/a.py")), 0);
	restore(1, 0, "a.py");
	assert_true(holds("precious", "mine"));
	assert_false(is_link("run/work/code/a.py"));
}

static void test_nothing_is_written_through_links(void **state)
{
	(void)state;
	put("precious", "mine");
	put("elsewhere/b.py", "mine");
	assert_int_equal(unlink(in("run/work/code/a.py")), 0);
	assert_int_equal(symlink(in("precious"), in("run/work/code/a.py")), 0);
	assert_int_equal(unlink(in("run/work/code/pkg/b.py")), 0);
	assert_int_equal(rmdir(in("run/work/code/pkg")), 0);
	assert_int_equal(symlink(in("elsewhere"), in("run/work/code/pkg")), 0);
	assert_int_equal(unlink(in("run/work/code/run.sh")), 0);
	assert_int_equal(mkfifo(in("run/work/code/run.sh"), 0644), 0);
	restore(1, 2, "a.py");
	assert_true(holds("precious", "mine"));
	assert_true(holds("elsewhere/b.py", "mine"));
	assert_false(is_link("run/work/code/a.py"));
	assert_false(is_link("run/work/code/pkg"));
	assert_true(holds("run/work/code/pkg/b.py", "bb"));
	assert_true(holds("run/work/code/run.sh", "#!/bin/sh\n"));
	restore(0, 0, "");
}

static void test_a_folder_in_the_place_of_a_file(void **state)
{
	(void)state;
	assert_int_equal(unlink(in("run/work/code/a.py")), 0);
	put("run/work/code/a.py/mine", "x");
	assert_int_equal(prs_code_restore(&prs_fs_posix, in("run"), "code", &back, &err), -PRS_EINVALID);
	assert_non_null(strstr(err.msg, "/run/work/code/a.py is a folder, but "));
	assert_true(holds("run/work/code/a.py/mine", "x"));
}

/* Where work/code lies is not looked at. */
static void test_work_code_is_a_link(void **state)
{
	(void)state;
	assert_int_equal(rename(in("run/work/code"), in("large_disk")), 0);
	assert_int_equal(symlink(in("large_disk"), in("run/work/code")), 0);
	put("large_disk/a.py", "b");
	restore(0, 1, "a.py");
	assert_true(is_link("run/work/code"));
	assert_true(holds("large_disk/a.py", "a"));
}

/* outputs/ of the code lies among what the script writes: that is the script's. */
static void test_outputs_are_the_scripts(void **state)
{
	(void)state;
	put("run/code/outputs/old.txt", "old");
	put("run/code/outputs/deep/one", "1");
	put("elsewhere/one", "mine");
	restore(2, 0, "outputs/deep/one");
	assert_true(is_link("run/work/code/outputs"));
	assert_true(holds("run/outputs/old.txt", "old"));
	put("run/outputs/old.txt", "new");
	assert_int_equal(unlink(in("run/outputs/deep/one")), 0);
	restore(1, 0, "outputs/deep/one");
	assert_true(holds("run/outputs/old.txt", "new"));
	assert_int_equal(unlink(in("run/outputs/deep/one")), 0);
	assert_int_equal(rmdir(in("run/outputs/deep")), 0);
	put("elsewhere/two", "");
	assert_int_equal(unlink(in("elsewhere/one")), 0);
	assert_int_equal(symlink(in("elsewhere"), in("run/outputs/deep")), 0);
	restore(0, 0, "");
	assert_false(is_there("elsewhere/one"));
	assert_true(holds("run/outputs/old.txt", "new"));
}

/* Python takes bytecode for that of a text of the same second and size. */
static void test_bytecode_of_what_is_put_back_goes(void **state)
{
	(void)state;
	put("run/work/code/pkg/__pycache__/b.cpython-311.pyc", "stale");
	put("run/work/code/pkg/__pycache__/b.cpython-311.opt-1.pyc", "stale");
	put("run/work/code/pkg/__pycache__/bb.cpython-311.pyc", "of another");
	put("run/work/code/__pycache__/a.cpython-311.pyc", "of another");
	put("run/work/code/pkg/b.py", "cc");
	restore(0, 1, "pkg/b.py");
	assert_false(is_there("run/work/code/pkg/__pycache__/b.cpython-311.pyc"));
	assert_false(is_there("run/work/code/pkg/__pycache__/b.cpython-311.opt-1.pyc"));
	assert_true(is_there("run/work/code/pkg/__pycache__/bb.cpython-311.pyc"));
	assert_true(is_there("run/work/code/__pycache__/a.cpython-311.pyc"));
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

/* Stopped at any call, as if the machine had died: the next one does the rest. */
static void test_every_failing_call(void **state)
{
	(void)state;
	struct fault_fs f;
	for (int repeat = 0; repeat < 2; repeat++)
		for (long n = 1;; n++) {
			put("run/work/code/a.py", "b");
			put("run/work/code/__pycache__/a.x.pyc", "stale");
			unlink(in("run/work/code/pkg/b.py"));
			rmdir(in("run/work/code/pkg"));
			fault_fs_init(&f, &prs_fs_posix);
			f.max_bytes = 1;
			fault_fs_arm(&f, FAULT_ANY, n, EIO, repeat);
			err = (struct prs_err){ 0 };
			int r = prs_code_restore(&f.fs, in("run"), "code", &back, &err);
			assert_int_equal(f.open_files, 0);
			assert_int_equal(err.code, r);
			bool fired = f.fired;
			if (r == 0) {
				assert_true(holds("run/work/code/a.py", "a"));
				assert_true(holds("run/work/code/pkg/b.py", "bb"));
			}
			assert_int_equal(prs_code_restore(&prs_fs_posix, in("run"), "code", &back, &err), 0);
			assert_true(holds("run/work/code/a.py", "a"));
			assert_true(holds("run/work/code/pkg/b.py", "bb"));
			assert_false(is_there("run/work/code/__pycache__/a.x.pyc"));
			if (!fired)
				break;
		}
}

static void test_a_check_that_cannot_read(void **state)
{
	(void)state;
	struct fault_fs f;
	for (long n = 1;; n++) {
		fault_fs_init(&f, &prs_fs_posix);
		fault_fs_arm(&f, FAULT_ANY, n, EIO, false);
		err = (struct prs_err){ 0 };
		int r = prs_code_check(&f.fs, in("run"), "code", print, prs_buf_str(&sums), &err);
		assert_int_equal(f.open_files, 0);
		if (!f.fired)
			break;
		if (r) /* the disk's fault, not somebody's hand */
			assert_int_equal(r, -PRS_EIO);
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	for (long n = 1;; n++) {
		put("run/work/code/a.py", "b");
		prs_mem_fault(n);
		int r = prs_code_restore(&prs_fs_posix, in("run"), "code", &back, &err);
		prs_mem_fault(0);
		if (r == 0)
			break;
		assert_int_equal(r, -PRS_ENOMEM);
	}
	put("run/code/a.py", "b");
	for (long n = 1;; n++) {
		prs_mem_fault(n);
		int r = prs_code_check(&prs_fs_posix, in("run"), "code", print, prs_buf_str(&sums), &err);
		prs_mem_fault(0);
		if (r == -PRS_EINVALID)
			break;
		assert_int_equal(r, -PRS_ENOMEM);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_sums),
		TEST(test_print_of_a_snapshot),
		TEST(test_a_copy_is_whole),
		TEST(test_what_was_changed_is_named),
		TEST(test_odd_names_are_found),
		TEST(test_what_is_put_back),
		TEST(test_longer_and_shorter),
		TEST(test_all_of_work_is_missing),
		TEST(test_other_code),
		TEST(test_origin_that_changed),
		TEST(test_copies_share_blocks),
		TEST(test_a_left_over),
		TEST(test_nothing_is_written_through_links),
		TEST(test_a_folder_in_the_place_of_a_file),
		TEST(test_work_code_is_a_link),
		TEST(test_outputs_are_the_scripts),
		TEST(test_bytecode_of_what_is_put_back_goes),
		TEST(test_every_failing_call),
		TEST(test_a_check_that_cannot_read),
		TEST(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
