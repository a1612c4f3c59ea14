/* SPDX-License-Identifier: Apache-2.0
 * test_text: UTF-8, and what of a text may reach a terminal or a log as it is.
 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_utf8(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		unsigned n, code;
	} rows[] = {
		{ "a", 1, 'a' },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		{ "\x80", 0, 0 },             /* goes on with nothing */
		{ "\xc0\x80", 0, 0 },         /* overlong */
		{ "\xc1\xbf", 0, 0 },         /* overlong */
		{ "\xe0\x9f\xbf", 0, 0 },     /* overlong */
		{ "\xf0\x8f\xbf\xbf", 0, 0 }, /* overlong */
		{ "\xed\xa0\x80", 0, 0 },     /* half of a surrogate pair */
		{ "\xed\xbf\xbf", 0, 0 },
		{ "\xf4\x90\x80\x80", 0, 0 }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", 0, 0 },
		{ "\xff", 0, 0 },
		{ "\xe2\x82", 0, 0 }, /* cut off */
		{ "\xe2(\xa1", 0, 0 },
		{ "", 0, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned code = 0;
		const uint8_t *p = (const uint8_t *)rows[i].bytes;
		assert_int_equal(prs_utf8(p, strlen(rows[i].bytes), &code), rows[i].n);
		assert_int_equal(code, rows[i].code);
		assert_int_equal(prs_utf8(p, strlen(rows[i].bytes), NULL), rows[i].n);
	}
}

static void test_plain(void **state)
{
	(void)state;
	static const struct {
		unsigned from, to;
	} no[] = { { 0, 0x1f }, { 0x7f, 0x9f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 } };
	for (unsigned c = 0; c < 0x3000; c++) {
		bool plain = true;
		for (size_t i = 0; i < sizeof no / sizeof *no; i++)
			plain = plain && !(c >= no[i].from && c <= no[i].to);
		assert_int_equal(prs_is_plain(c), plain);
	}
}

static void test_escapes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *line, *lines, *quoted;
	} rows[] = {
		{ "", "", "", "" },
		{ "plain \xc3\xa9 \xf0\x9f\x99\x82", "plain \xc3\xa9 \xf0\x9f\x99\x82",
		  "plain \xc3\xa9 \xf0\x9f\x99\x82", "plain \xc3\xa9 \xf0\x9f\x99\x82" },
		{ "a\nb\tc\rd", "a\\nb\\tc\\rd", "a\nb\tc\\rd", "a\\nb\\tc\\rd" },
		{ "\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f", "\\x1b[2J\\x07\\x7f", "\\x1b[2J\\x07\\x7f" },
		{ "\xc2\x9b"
		  "2J\xc2\x85",
		  "\\u009b2J\\u0085", "\\u009b2J\\u0085", "\\u009b2J\\u0085" }, /* C1: CSI, NEL */
		{ "\x9b"
		  "2J",
		  "\\x9b2J", "\\x9b2J", "\\x9b2J" }, /* the same for a terminal of 8 bits */
		{ "\xe2\x80\xae"
		  "gpj.exe",
		  "\\u202egpj.exe", "\\u202egpj.exe", "\\u202egpj.exe" },
		{ "\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069", "\\u2066x\\u2069", "\\u2066x\\u2069" },
		{ "a\xe2\x80\xa8z", "a\\u2028z", "a\\u2028z", "a\\u2028z" },
		{ "\xff\"\xed\xa0\x80", "\\xff\"\\xed\\xa0\\x80", "\\xff\"\\xed\\xa0\\x80",
		  "\\xff\"\"\\xed\\xa0\\x80" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		prs_put_plain(&b, rows[i].text);
		assert_string_equal(prs_buf_str(&b), rows[i].line);
		prs_buf_clear(&b);
		prs_put_plain_bytes(&b, rows[i].text, strlen(rows[i].text));
		assert_string_equal(prs_buf_str(&b), rows[i].line);
		prs_buf_clear(&b);
		prs_put_lines(&b, rows[i].text);
		assert_string_equal(prs_buf_str(&b), rows[i].lines);
		prs_buf_clear(&b);
		prs_put_quoted_bytes(&b, rows[i].text, strlen(rows[i].text));
		assert_string_equal(prs_buf_str(&b), rows[i].quoted);
	}
}

/* JSON that holds such characters as they are says the same afterwards and is JSON still. */
static void test_json(void **state)
{
	(void)state;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_put_json_text(&b, "{\n\t\"a\\n\": \"\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\"}");
	assert_string_equal(prs_buf_str(&b), "{\n\t\"a\\n\": \"\\u007f\\u009b\\u202e\xc3\xa9\"}");
}

/* A NUL in the middle is a character like others; what stands before it is not lost. */
static void test_nul(void **state)
{
	(void)state;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_put_plain_bytes(&b, "a\0b", 3);
	assert_string_equal(prs_buf_str(&b), "a\\x00b");
	prs_buf_clear(&b);
	prs_put_lines(&b, "");
	prs_put_quoted_bytes(&b, "\0", 1);
	assert_string_equal(prs_buf_str(&b), "\\x00");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_utf8), cmocka_unit_test(test_plain),
		                            cmocka_unit_test(test_escapes), cmocka_unit_test(test_json),
		                            cmocka_unit_test(test_nul) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
