/* SPDX-License-Identifier: Apache-2.0
 * test_footers: the bytes between the engine and the process that reads Parquet footers.
 */
#include "wire/footers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_BYTES = 1 << 16 };

static void put_text(struct prs_buf *b, const char *s)
{
	prs_buf_u32(b, (uint32_t)strlen(s));
	prs_buf_puts(b, s);
}

static void test_ask(void **state)
{
	static const uint8_t golden[] = { 21, 0, 0, 0,   1,   0, 0, 0, 2, 0,   0,    0,  2,
		                          0,  0, 0, '/', 'a', 3, 0, 0, 0, '/', 0xff, 'b' };
	PRS_AUTOBUF b;
	(void)state;
	prs_buf_init(&b, MAX_BYTES);
	prs_footers_put_ask(&b, PRS_FOOTERS_NULLS);
	prs_footers_put_path(&b, "/a");
	prs_footers_put_path(&b, "/\xff"
	                         "b");
	prs_footers_end_ask(&b, 2);
	assert_int_equal(b.len, sizeof golden);
	assert_memory_equal(b.data, golden, sizeof golden);
}

static void test_rows(void **state)
{
	static const uint8_t golden[] = { 26, 0,   0,   0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0,
		                          0,  '/', 'a', 5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0 };
	static const uint8_t good[] = { 0, 2, 0, 0, 0, '[', ']' }, refused[] = { 1, 1, 0, 0, 0, 'x' };
	PRS_AUTOBUF b;
	struct prs_footers_text t;
	struct prs_err err;
	(void)state;
	prs_buf_init(&b, MAX_BYTES);
	prs_footers_put_rows(&b, "/a", 5, 3);
	assert_int_equal(b.len, sizeof golden);
	assert_memory_equal(b.data, golden, sizeof golden);
	assert_int_equal(prs_footers_get_rows(good, sizeof good, &t, &err), 0);
	assert_int_equal(t.n, 2);
	assert_memory_equal(t.p, "[]", 2);
	for (size_t n = 0; n < sizeof good; n++)
		assert_int_equal(prs_footers_get_rows(good, n, &t, &err), -PRS_EHELPER);
	assert_int_equal(prs_footers_get_rows(refused, sizeof refused, &t, &err), -PRS_EINVALID);
	assert_string_equal(err.msg, "x");
}

static void put_footer(struct prs_buf *b)
{
	prs_buf_putc(b, 0);
	prs_buf_u64(b, 1234);
	prs_buf_u64(b, 5678);
	prs_buf_u32(b, 7);
	prs_buf_u32(b, 2);
	prs_buf_u32(b, 2);
	prs_buf_u32(b, 2);
	put_text(b, "id");
	put_text(b, "int64");
	put_text(b, "\xc3\xa9");
	put_text(b, "list<item: int8>");
	prs_buf_u64(b, 0);
	prs_buf_u64(b, 3);
	prs_buf_u64(b, 10);
	prs_buf_u64(b, 100);
	prs_buf_u64(b, 20);
	prs_buf_u64(b, UINT64_MAX);
}

static void check_text(struct prs_footers_text t, const char *want)
{
	assert_int_equal(t.n, strlen(want));
	assert_memory_equal(t.p, want, t.n);
}

static void test_footer(void **state)
{
	PRS_AUTOBUF b;
	struct prs_footer f;
	(void)state;
	prs_buf_init(&b, MAX_BYTES);
	put_footer(&b);
	assert_int_equal(prs_footers_get(b.data, b.len, &f, NULL), 0);
	assert_false(f.refused);
	assert_int_equal(f.size, 1234);
	assert_int_equal(f.mtime_us, 5678);
	assert_int_equal(f.schema, 7);
	assert_int_equal(f.rows, 30);
	const uint8_t *at = f.columns_at;
	check_text(prs_footers_next(&at), "id");
	check_text(prs_footers_next(&at), "int64");
	check_text(prs_footers_next(&at), "\xc3\xa9");
	check_text(prs_footers_next(&at), "list<item: int8>");
	assert_int_equal(prs_footer_nulls(&f, 0), 0);
	assert_int_equal(prs_footer_nulls(&f, 1), 3);
	assert_int_equal(prs_footer_nulls(&f, 2), 0);
	assert_int_equal(prs_footer_group(&f, 0).rows, 10);
	assert_int_equal(prs_footer_group(&f, 1).rows, 20);
	assert_true(prs_footer_group(&f, 1).bytes == UINT64_MAX);
}

/* Cut anywhere it is none, and neither is it with a byte more; nothing is read behind its end (ASan). */
static void test_cut_anywhere(void **state)
{
	PRS_AUTOBUF b;
	struct prs_footer f;
	struct prs_err err;
	(void)state;
	prs_buf_init(&b, MAX_BYTES);
	put_footer(&b);
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *cut = malloc(n + 1);
		memcpy(cut, b.data, n);
		assert_int_equal(prs_footers_get(cut, n, &f, &err), -PRS_EHELPER);
		free(cut);
	}
	prs_buf_putc(&b, 0);
	assert_int_equal(prs_footers_get(b.data, b.len, &f, &err), -PRS_EHELPER);
}

static int get_with(size_t at, uint64_t value)
{
	PRS_AUTOBUF b;
	struct prs_footer f;
	prs_buf_init(&b, MAX_BYTES);
	put_footer(&b);
	prs_put64(b.data + (at < b.len ? at : b.len - at), value);
	return prs_footers_get(b.data, b.len, &f, NULL);
}

static void test_nonsense(void **state)
{
	PRS_AUTOBUF b;
	struct prs_footer f;
	(void)state;
	prs_buf_init(&b, MAX_BYTES);
	put_footer(&b);
	size_t last_rows = b.len - 16;
	assert_int_equal(get_with(last_rows, PRS_FOOTER_ROWS_MAX - 10), 0);
	assert_int_equal(get_with(last_rows, PRS_FOOTER_ROWS_MAX - 9), -PRS_EHELPER);
	assert_int_equal(get_with(last_rows, UINT64_MAX), -PRS_EHELPER);
	assert_int_equal(get_with(21, UINT64_MAX), -PRS_EHELPER); /* groups and columns that are not there */
	b.data[0] = 2;
	assert_int_equal(prs_footers_get(b.data, b.len, &f, NULL), -PRS_EHELPER);
	b.data[0] = 0;
	b.data[37] = 0; /* in the first name */
	assert_int_equal(prs_footers_get(b.data, b.len, &f, NULL), -PRS_EHELPER);
}

static void test_refused(void **state)
{
	PRS_AUTOBUF b;
	struct prs_footer f;
	struct prs_footers_text why;
	(void)state;
	prs_buf_init(&b, MAX_BYTES);
	prs_buf_putc(&b, 1);
	put_text(&b, "no Parquet");
	assert_int_equal(prs_footers_get(b.data, b.len, &f, NULL), 0);
	assert_true(f.refused);
	check_text(f.why, "no Parquet");
	assert_int_equal(prs_footers_get_hello(b.data, b.len, &why, NULL), 0);
	check_text(why, "no Parquet");
	assert_int_equal(prs_footers_get_hello(b.data, b.len - 1, &why, NULL), -PRS_EHELPER);
}

static void test_hello(void **state)
{
	PRS_AUTOBUF b;
	struct prs_footers_text why;
	(void)state;
	prs_buf_init(&b, MAX_BYTES);
	prs_buf_putc(&b, 0);
	prs_buf_u32(&b, PRS_FOOTERS_PROTOCOL);
	put_text(&b, "14.0.2");
	assert_int_equal(prs_footers_get_hello(b.data, b.len, &why, NULL), 0);
	assert_null(why.p);
	b.data[1]++;
	assert_int_equal(prs_footers_get_hello(b.data, b.len, &why, NULL), -PRS_EHELPER);
	assert_int_equal(prs_footers_get_hello(b.data, 0, &why, NULL), -PRS_EHELPER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ask),          cmocka_unit_test(test_rows),     cmocka_unit_test(test_footer),
		cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_nonsense), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hello),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
