/* SPDX-License-Identifier: Apache-2.0
 * test_glob: patterns against paths.
 */
#include "data/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_match(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *path;
		bool matches;
	} rows[] = {
		{ "/d/*.png", "/d/1.png", true },
		{ "/d/*.png", "/d/x/1.png", false },
		{ "/d/*.png", "/d/1.jpg", false },
		{ "/d/*", "/d/.hidden", true },
		{ "/d/**/*.png", "/d/1.png", true },
		{ "/d/**/*.png", "/d/a/b/1.png", true },
		{ "/d/**/*.png", "/e/1.png", false },
		{ "/d/**", "/d/a/b/c", true },
		{ "/d/**", "/d", true },
		{ "/**/b/**/c", "/a/b/x/b/c", true },
		{ "/**/b/**/c", "/a/x/c", false },
		{ "/d/?[0-9].txt", "/d/a1.txt", true },
		{ "/d/?[0-9].txt", "/d/aa.txt", false },
		{ "/*/*/*", "/a/b/c", true },
		{ "/*/*/*", "/a/b", false },
		{ "/a**b/c", "/axxb/c", true },
		{ "/d/\xff*", "/d/\xff\xfe", true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (prs_glob_match(rows[i].pattern, rows[i].path) != rows[i].matches)
			fail_msg("%s against %s", rows[i].pattern, rows[i].path);
}

static void test_enter(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *folder;
		bool enters;
	} rows[] = {
		{ "/d/*/x.png", "/d/a", true }, { "/d/*/x.png", "/d/a/b", false },
		{ "/d/*.png", "/d/a", false },  { "/d/**/*.png", "/d/a/b/c", true },
		{ "/d/a*/**", "/d/b", false },  { "/d/a*/**", "/d/ab/c/d", true },
		{ "/d/*/y/*", "/d/x", true },   { "/d/*/y/*", "/d/x/z", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (prs_glob_enter(rows[i].pattern, rows[i].folder) != rows[i].enters)
			fail_msg("%s into %s", rows[i].pattern, rows[i].folder);
}

/* Many ** and a long path: quick all the same. */
static void test_worst_case(void **state)
{
	(void)state;
	char pattern[600] = "", path[1200] = "";
	for (int i = 0; i < 50; i++)
		strcat(pattern, "/**/a");
	for (int i = 0; i < 500; i++)
		strcat(path, "/a");
	strcat(pattern, "/b");
	assert_false(prs_glob_match(pattern, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_match), cmocka_unit_test(test_enter),
		                            cmocka_unit_test(test_worst_case) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
