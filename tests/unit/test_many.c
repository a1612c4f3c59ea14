/* SPDX-License-Identifier: Apache-2.0
 * test_many: counts in sentences.
 */
#include "base/many.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_many(void **state)
{
	(void)state;
	static const struct {
		uint64_t n;
		const char *noun, *text;
	} rows[] = {
		{ 0, "item", "0 items" },
		{ 1, "item", "1 item" },
		{ 2, "item", "2 items" },
		{ 1, "mini-batch", "1 mini-batch" },
		{ 1234567, "mini-batch", "1,234,567 mini-batches" },
		{ 1, "process", "1 process" },
		{ 3, "process", "3 processes" },
		{ 1, "try", "1 try" },
		{ 3, "try", "3 tries" },
		{ 2, "day", "2 days" },
		{ 2, "other kind", "2 other kinds" },
		{ 1000, "GPU", "1,000 GPUs" },
		{ 2, "y", "2 ys" },
		{ 2, "", "2 s" },
		{ UINT64_MAX, "byte", "18,446,744,073,709,551,615 bytes" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_string_equal(prs_many(rows[i].n, rows[i].noun).text, rows[i].text);
		struct prs_buf b;
		prs_buf_init(&b, 4096);
		prs_put_many(&b, rows[i].n, rows[i].noun);
		assert_string_equal(prs_buf_str(&b), rows[i].text);
		prs_buf_done(&b);
	}
}

static void test_a_long_noun_is_cut(void **state)
{
	(void)state;
	char noun[400];
	memset(noun, 'n', sizeof noun - 1);
	noun[sizeof noun - 1] = 0;
	struct prs_many m = prs_many(2, noun);
	assert_int_equal(strlen(m.text), PRS_MANY_BYTES - 1);
	assert_memory_equal(m.text, "2 nnn", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_many), cmocka_unit_test(test_a_long_noun_is_cut) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
