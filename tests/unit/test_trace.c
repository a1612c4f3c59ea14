/* SPDX-License-Identifier: Apache-2.0
 * test_trace: tracebacks as a person sees them: frames of libraries folded, the user's names of files.
 */
#include "report/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define OWN "  File \"/r/work/code/s.py\", line 9, in run\n    x = load(p)\n        ^^^^^^^\n"
#define OWN_SHOWN "  File \"/home/me/s.py\", line 9, in run\n    x = load(p)\n        ^^^^^^^\n"
#define JSON "  File \"/usr/lib/python3/json/__init__.py\", line 346, in loads\n    return decode(s)\n"
#define DECODER "  File \"/usr/lib/python3/json/decoder.py\", line 355, in raw_decode\n    raise JSONDecodeError(\n"
#define INSTALLED "  File \"/r/work/code/venv/lib/site-packages/odd.py\", line 1, in odd\n    f()\n"
#define HEAD "Traceback (most recent call last):\n"

static void test_traces(void **state)
{
	(void)state;
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{ "", "" },
		{ "no traceback", "no traceback" },
		{ HEAD OWN "ValueError: bad\n", HEAD OWN_SHOWN "ValueError: bad\n" },
		{ HEAD OWN JSON DECODER "E: x\n",
		  HEAD OWN_SHOWN "  ... 2 library frames, the last: json/decoder.py, line 355, in raw_decode\nE: x\n" },
		{ HEAD OWN DECODER "E: x",
		  HEAD OWN_SHOWN "  ... 1 library frame: json/decoder.py, line 355, in raw_decode\nE: x" },
		{ HEAD JSON OWN DECODER OWN "E: x\n",
		  HEAD "  ... 1 library frame: json/__init__.py, line 346, in loads\n" OWN_SHOWN
		       "  ... 1 library frame: json/decoder.py, line 355, in raw_decode\n" OWN_SHOWN "E: x\n" },
		{ HEAD OWN INSTALLED "E\n",
		  HEAD OWN_SHOWN "  ... 1 library frame: site-packages/odd.py, line 1, in odd\nE\n" },
		/* all of it is of libraries: nothing would be left */
		{ HEAD JSON DECODER "E: x\n", HEAD JSON DECODER "E: x\n" },
		{ HEAD OWN "  [Previous line repeated 983 more times]\n" DECODER
		           "  [Previous line repeated 7 more times]\nRecursionError\n",
		  HEAD OWN_SHOWN "  [Previous line repeated 983 more times]\n"
		                 "  ... 1 library frame: json/decoder.py, line 355, in raw_decode\nRecursionError\n" },
		{ HEAD OWN "  File \"<string>\", line 1, in <module>\nE\n",
		  HEAD OWN_SHOWN "  File \"<string>\", line 1, in <module>\nE\n" },
		/* where a mistake in the syntax is, is no frame */
		{ HEAD OWN "  File \"/lib/helper.py\", line 2\n    if 1\n       ^\nSyntaxError: invalid syntax\n",
		  HEAD OWN_SHOWN
		  "  File \"/lib/helper.py\", line 2\n    if 1\n       ^\nSyntaxError: invalid syntax\n" },
		{ HEAD OWN DECODER
		  "E: x\n\nDuring handling of the above exception, another exception occurred:\n\n" HEAD OWN "F\n",
		  HEAD OWN_SHOWN
		  "  ... 1 library frame: json/decoder.py, line 355, in raw_decode\nE: x\n\nDuring handling "
		  "of the above exception, another exception occurred:\n\n" HEAD OWN_SHOWN "F\n" },
		/* like the folder, but another one */
		{ HEAD OWN "  File \"/r/work/codec/a.py\", line 1, in f\n    x\nE\n",
		  HEAD OWN_SHOWN "  ... 1 library frame: codec/a.py, line 1, in f\nE\n" },
		{ HEAD OWN "E\nwhile at /home/me/in/a, item 1 of 5, or /home/me/b, item 2 of 5\n",
		  HEAD OWN_SHOWN "E\nwhile at in/a, item 1 of 5, or b, item 2 of 5\n" },
		{ "E\nwhile at /home/meat/a, item 1 of 1\n", "E\nwhile at /home/meat/a, item 1 of 1\n" },
		{ "  File \"", "  File \"" },
		{ HEAD OWN "  File \"\", line 1, in f\nE\n", HEAD OWN_SHOWN "  File \"\", line 1, in f\nE\n" },
		{ HEAD OWN "  File \"x\", line , in \nE\n",
		  HEAD OWN_SHOWN "  ... 1 library frame: x, line , in \nE\n" },
	};
	static const struct prs_trace_folders folders = { "/r/work/code", "/home/me", "/home/me" };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 1 << 20);
		prs_put_trace(&b, rows[i].text, strlen(rows[i].text), &folders);
		assert_string_equal(prs_buf_str(&b), rows[i].shown);
	}
}

static void test_unknown_folders(void **state)
{
	(void)state;
	static const char text[] = HEAD OWN DECODER "E: x\nwhile at /home/me/a, item 1 of 1\n";
	static const char folded[] = HEAD OWN "  ... 1 library frame: json/decoder.py, line 355, in raw_decode\nE: x\n"
					      "while at /home/me/a, item 1 of 1\n";
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	prs_put_trace(&b, text, strlen(text), &(struct prs_trace_folders){ 0 });
	assert_string_equal(prs_buf_str(&b), text);
	prs_buf_clear(&b);
	prs_put_trace(&b, text, strlen(text), &(struct prs_trace_folders){ .code = "/r/work/code" });
	assert_string_equal(prs_buf_str(&b), folded);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_traces), cmocka_unit_test(test_unknown_folders) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
