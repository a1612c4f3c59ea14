/* SPDX-License-Identifier: Apache-2.0
 * test_table_out: the bytes between the engine and the process that makes a file of tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire/table_out.h"

static void assert_frame(struct prs_buf *b, const char *want, size_t n)
{
	assert_int_equal(b->failed, 0);
	assert_int_equal(b->len, n);
	assert_memory_equal(b->data, want, n);
}
#define FRAME(want) assert_frame(&b, want, sizeof(want) - 1)

static void test_frames(void **state)
{
	(void)state;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1000);
	prs_table_out_put_type(&b, "a=b=int", 3, "string");
	FRAME("\x12\0\0\0\1\3\0\0\0a=b\6\0\0\0string");
	prs_table_out_put_schema(&b, 0x0102, "xyz", 3);
	FRAME("\x0c\0\0\0\2\2\1\0\0\0\0\0\0xyz");
	prs_table_out_put_begin(&b, 5, 6, "csv", "/o");
	FRAME("\x1e\0\0\0\3\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\3\0\0\0csv\2\0\0\0/o");
	prs_table_out_put_rows(&b, 7, 8, 9);
	FRAME("\x15\0\0\0\4\7\0\0\0\0\0\0\0\x8\0\0\0\x9\0\0\0\0\0\0\0");
	prs_table_out_put_piece(&b, "ab", 2);
	FRAME("\3\0\0\0\5"
	      "ab");
	prs_table_out_put_end(&b);
	FRAME("\1\0\0\0\6");
	static const char much[1000];
	prs_table_out_put_piece(&b, much, sizeof much);
	assert_int_equal(b.failed, -PRS_ELIMIT);
	prs_table_out_put_end(&b); /* the next one is whole again */
	FRAME("\1\0\0\0\6");
}

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

static void test_answers(void **state)
{
	(void)state;
	const uint8_t *differs;
	uint64_t rows = 0;
	assert_int_equal(prs_table_out_get_hello(BYTES("\0\1\0\0\0\2\0\0\0v9"), NULL), 0);
	assert_int_equal(prs_table_out_get_ready(BYTES("\0\0\1\0"), 3, &differs, NULL), 0);
	assert_memory_equal(differs, "\0\1\0", 3);
	assert_int_equal(prs_table_out_get_written(BYTES("\0\5\0\0\0\0\0\0\1"), &rows, NULL), 0);
	assert_true(rows == UINT64_C(0x0100000000000005));
}

static void test_trouble(void **state)
{
	(void)state;
	static const struct {
		uint8_t kind, number;
		int code;
		const char *want;
	} rows[] = { { 0, 0, -PRS_EHELPER, "why" },
		     { 1, 0, -PRS_EOUTPUT_TYPES, "why" },
		     { 2, 28, -PRS_ENOSPACE, "why: No space left on device" },
		     { 2, 5, -PRS_EIO, "why: Input/output error" },
		     { 3, 0, -PRS_EINVALID, "why" },
		     { 4, 0, -PRS_EPROTOCOL, NULL } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t bytes[] = { 1, rows[i].kind, rows[i].number, 0, 0, 0, 3, 0, 0, 0, 'w', 'h', 'y' };
		const uint8_t *differs;
		uint64_t count;
		struct prs_err err[3] = { { 0 } };
		prs_table_out_get_hello(bytes, sizeof bytes, &err[0]);
		prs_table_out_get_ready(bytes, sizeof bytes, 0, &differs, &err[1]);
		prs_table_out_get_written(bytes, sizeof bytes, &count, &err[2]);
		for (int k = 0; k < 3; k++) {
			assert_int_equal(err[k].code, rows[i].code);
			if (rows[i].want)
				assert_string_equal(err[k].msg, rows[i].want);
		}
	}
}

static void test_nonsense(void **state)
{
	(void)state;
	static const struct {
		const char *p;
		size_t n;
	} rows[] = { { "", 0 },
		     { "\2", 1 },
		     { "\0\2\0\0\0\0\0\0\0", 9 },      /* another protocol */
		     { "\0\1\0\0\0\2\0\0\0v", 10 },    /* cut */
		     { "\0\1\0\0\0\1\0\0\0vx", 11 },   /* more */
		     { "\1\0\0\0\0\0\3\0\0\0wh", 12 }, /* cut */
		     { "\1\0\0\0\0\0\1\0\0\0wh", 12 } };
	const uint8_t *differs;
	uint64_t count;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const uint8_t *p = (const uint8_t *)rows[i].p;
		struct prs_err err = { 0 };
		assert_int_equal(prs_table_out_get_hello(p, rows[i].n, &err), -PRS_EPROTOCOL);
		assert_int_equal(prs_table_out_get_ready(p, rows[i].n, 1, &differs, &err), -PRS_EPROTOCOL);
	}
	assert_int_equal(prs_table_out_get_written(BYTES("\0\1\2"), &count, NULL), -PRS_EPROTOCOL);
	assert_int_equal(prs_table_out_get_written(BYTES("\0\1\2\3\4\5\6\7\x8\x9"), &count, NULL), -PRS_EPROTOCOL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
