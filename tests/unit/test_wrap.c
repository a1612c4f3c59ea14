/* SPDX-License-Identifier: Apache-2.0
 * test_wrap: lines and cells at some widths, byte for byte; at every width no line is wider, but for a word that is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/wrap.h"

#include <stdlib.h>
#include <string.h>

static void test_columns(void **context)
{
	(void)context;
	static const struct {
		const char *text;
		unsigned columns;
	} cases[] = { { "", 0 },          { "abc", 3 },  { "größer", 6 },
		      { "e\xcc\x81", 1 }, { "日本", 4 }, { "\033[32mok\033[0m", 2 },
		      { "\xff", 1 },      { "█▏", 2 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(prs_columns(cases[i].text, strlen(cases[i].text)), cases[i].columns);
}

static void test_lines(void **context)
{
	(void)context;
	static const struct {
		unsigned columns;
		const char *text, *want;
	} cases[] = {
		{ 0, "as it is, however wide it may be\n", "as it is, however wide it may be\n" },
		{ 12, "no line is wider\nok\n", "no line is\nwider\nok\n" },
		{ 12, "exactly here and\n", "exactly here\nand\n" },
		{ 12, "\n\na\n", "\n\na\n" },
		{ 12, "without an end", "without an\nend" },
		{ 20, "    an indent stays with the rest\n", "    an indent stays\n    with the rest\n" },
		{ 30, "  output   out.txt and what is in it\n", "  output   out.txt and what is\n           in it\n" },
		/* no room beside the label */
		{ 16, "  failed items  two of them failed\n", "  failed items\n  two of them\n  failed\n" },
		/* a word that is wider stays whole */
		{ 24, "  logs     runs/some/long/folder/of/a/run/logs\n",
		  "  logs     runs/some/long/folder/of/a/run/logs\n" },
		{ 20, "in runs/some/long/folder/of/a/run now\n", "in\nruns/some/long/folder/of/a/run\nnow\n" },
		/* a command can be pasted */
		{ 30, "  next  prs resume abcdefgh --retry-failed\n",
		  "  next  prs resume abcdefgh \\\n        --retry-failed\n" },
		{ 12, "prs: a b c d e\n", "prs: a b c d\ne\n" },
		{ 12, "prs run: a b c d e\n", "prs run: a b\nc d e\n" },
		/* what is not wrapped keeps its blanks */
		{ 20, "  a  b   c\n", "  a  b   c\n" },
		{ 9, "日本 日本 日本\n", "日本 日本\n日本\n" },
		{ 10, "\033[31mred\033[0m and blue\n", "\033[31mred\033[0m and\nblue\n" },
		{ 6, "abc def   \n", "abc\ndef\n" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		prs_put_wrapped(&b, cases[i].text, cases[i].columns);
		assert_string_equal(prs_buf_str(&b), cases[i].want);
	}
}

static void test_every_width(void **context)
{
	(void)context;
	static const char text[] = "Completed, 2 items failed: 11 mini-batches, 22 items in 12.4 s, 3.1 items/s\n"
				   "  errors        1 x RUN_EXCEPTION: ValueError: could not convert 'größer' \n"
				   "      File \"/home/me/jobs/code/fahrenheit.py\", line 9, in run\n"
				   "  next          prs resume fahrenheit-20250131-120000-abc --retry-failed\n";
	for (unsigned columns = 1; columns < 120; columns++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 1 << 16);
		prs_put_wrapped(&b, text, columns);
		for (const char *line = prs_buf_str(&b); *line;) {
			size_t n = strcspn(line, "\n"), indent = strspn(line, " ");
			if (prs_columns(line, n) > columns && memchr(line + indent, ' ', n - indent))
				assert_true(strstr(line, " \\\n") == line + n - 2 || strstr(line, "  next") == line ||
				            strstr(line, "  errors") == line);
			line += n + 1;
		}
	}
}

static void test_cut(void **context)
{
	(void)context;
	static const struct {
		const char *text;
		unsigned columns;
		enum prs_cut where;
		bool utf8;
		const char *want;
	} cases[] = {
		{ "images/train", 12, PRS_CUT_END, true, "images/train" },
		{ "images/train", 8, PRS_CUT_END, true, "images/…" },
		{ "images/train", 8, PRS_CUT_END, false, "image..." },
		{ "images/train", 6, PRS_CUT_FRONT, true, "…train" },
		{ "images/train", 8, PRS_CUT_FRONT, false, "...train" },
		{ "日本語", 4, PRS_CUT_END, true, "日…" },
		{ "abc", 2, PRS_CUT_END, false, "ab" },
		{ "", 0, PRS_CUT_END, true, "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		prs_put_cut(&b, cases[i].text, cases[i].columns, cases[i].where, cases[i].utf8);
		assert_string_equal(prs_buf_str(&b), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_columns), cmocka_unit_test(test_lines),
		                            cmocka_unit_test(test_every_width), cmocka_unit_test(test_cut) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
