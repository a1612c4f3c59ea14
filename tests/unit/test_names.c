/* SPDX-License-Identifier: Apache-2.0
 * test_names: names of processes and logs, the folder of a path, the folders that a path needs, texts of records.
 */
#include "wire/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "mem_fs.h"
#include "wire/record.h"

#include <errno.h>
#include <string.h>

static void test_process(void **state)
{
	static const struct {
		unsigned slot;
		const char *name;
	} slots[] = { { 0, "process000" }, { 7, "process007" }, { 1000, "process1000" }, { 65535, "process65535" } };
	static const char *const none[] = {
		"", "process", "process-1", "-1", "+3", " 3", "3 ", "0x3", "65536", "proc3"
	};
	(void)state;
	for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
		char name[PRS_PROCESS_NAME_BYTES];
		assert_int_equal(prs_process_name(name, slots[i].slot), strlen(slots[i].name));
		assert_string_equal(name, slots[i].name);
		assert_int_equal(prs_process_number(name), slots[i].slot);
		assert_int_equal(prs_process_number(name + 7), slots[i].slot);
	}
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_int_equal(prs_process_number(none[i]), -1);
}

static void test_log_names(void **state)
{
	char to[64], small[12];
	(void)state;
	assert_true(prs_log_name(to, sizeof to, PRS_NAME_STDOUT, "10.0.0.1", "process003"));
	assert_string_equal(to, "user/stdout/10.0.0.1/process003.stdout.txt");
	assert_true(prs_log_path(to, sizeof to, "/runs/a", PRS_NAME_TRACES, "*", "*"));
	assert_string_equal(to, "/runs/a/logs/user/error/*/*.txt");
	assert_true(prs_log_path(to, sizeof to, "/runs/<ip>", PRS_NAME_ERRORS, "x", "y"));
	assert_string_equal(to, "/runs/<ip>/logs/user/error.txt"); /* only the pattern is filled in */
	assert_true(prs_log_name(small, sizeof small, "<ip>/<process>", "12345", "67890"));
	assert_string_equal(small, "12345/67890");
	assert_false(prs_log_name(small, sizeof small, "<ip>/<process>", "12345", "678901"));
	assert_string_equal(small, "12345/67890");
}

static void test_folder(void **state)
{
	static const char *const rows[][2] = { { "a/b", "a" },       { "/b", "/" },     { "b", "." },
		                               { "/a/b/c", "/a/b" }, { "a/b/", "a/b" }, { "", "." } };
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		PRS_AUTOFREE char *folder = prs_path_folder(rows[i][0]);
		assert_string_equal(folder, rows[i][1]);
	}
}

static void test_make(void **state)
{
	struct mem_fs *m = mem_fs_new();
	char longest[PATH_MAX + 1];
	size_t length = 0;
	(void)state;
	assert_int_equal(prs_path_make(&m->fs, "/run/a/b/c", 4, 0755, NULL), 0);
	assert_true(mem_fs_has(m, "/run/a/b"));
	assert_false(mem_fs_has(m, "/run/a/b/c"));
	assert_int_equal(m->calls[MEM_MKDIR], 2); /* what is in front is not made */
	assert_int_equal(prs_path_make(&m->fs, "/run/a/b/c/", 4, 0755, NULL), 0);
	assert_true(mem_fs_has(m, "/run/a/b/c"));
	mem_fs_fail(m, MEM_MKDIR, "/run/x", 0, EACCES);
	assert_int_equal(prs_path_make(&m->fs, "/run/x/y/z", 4, 0755, &length), -EACCES);
	assert_int_equal(length, strlen("/run/x"));
	assert_false(mem_fs_has(m, "/run/x/y"));
	memset(longest, 'x', sizeof longest);
	longest[PATH_MAX] = 0;
	assert_int_equal(prs_path_make(&m->fs, longest, 0, 0755, &length), -ENAMETOOLONG);
	assert_int_equal(length, PATH_MAX);
	mem_fs_free(m);
}

/* A text that is longer than its length field can say ends there; a length that wraps would leave nearly nothing. */
static void test_text(void **state)
{
	static const size_t lengths[][2] = { { 0, 0 }, { 65535, 65535 }, { 65536, 65535 }, { 70000, 65535 } };
	static char text[70001];
	(void)state;
	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		text[lengths[i][0]] = 0;
		assert_int_equal(prs_text_of(text).n, lengths[i][1]);
		text[lengths[i][0]] = 'x';
	}
}

static void test_pages(void **state)
{
	static const char *const good[] = { "0", "12", "0-0", "4095-1023" };
	static const char *const bad[] = { "", "-", "0-", "-0", "a", "1a", "1-a", "1-2-3", "0-0.tmp", "1 ", "0.tmp" };
	char path[64];
	(void)state;
	prs_page_path(path, sizeof path, "/r", 3, 14);
	assert_string_equal(path, "/r/work/page/3-14");
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(prs_is_page_name(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(prs_is_page_name(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process), cmocka_unit_test(test_log_names), cmocka_unit_test(test_folder),
		cmocka_unit_test(test_make),    cmocka_unit_test(test_text),      cmocka_unit_test(test_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
