/* SPDX-License-Identifier: Apache-2.0
 * test_run_mark: the text of PRS_RUN, and which of two marks has to go.
 */
#include "wire/run_mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID "00112233445566778899aabbccddeeff"

static struct prs_run_mark mark(uint64_t ino, uint32_t epoch, uint16_t node, uint32_t incarnation)
{
	struct prs_run_mark m = { .ino = ino, .epoch = epoch, .node = node, .incarnation = incarnation };
	for (int i = 0; i < 16; i++)
		m.run.bytes[i] = (uint8_t)(i * 0x11);
	return m;
}

static void test_text(void **state)
{
	(void)state;
	char text[PRS_RUN_MARK_BYTES];
	struct prs_run_mark m = mark(77, 3, 2, 9), largest = mark(UINT64_MAX, UINT32_MAX, UINT16_MAX, UINT32_MAX), got;
	prs_run_mark_put(text, &m);
	assert_string_equal(text, ID ".77.3.2.9");
	assert_true(prs_run_mark_get(text, &got));
	assert_memory_equal(&got.run, &m.run, sizeof m.run);
	assert_true(got.ino == 77 && got.epoch == 3 && got.node == 2 && got.incarnation == 9);
	assert_true(prs_run_mark_get(ID ".77.3.2.9-4", &got)); /* the name of a group */
	prs_run_mark_put(text, &largest);
	assert_true(prs_run_mark_get(text, &got));
	assert_true(got.ino == UINT64_MAX && got.epoch == UINT32_MAX && got.node == UINT16_MAX &&
	            got.incarnation == UINT32_MAX);
}

static void test_what_is_no_mark(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
		                           ID, /* as engines before wrote it */
		                           ID ".77.3.2",
		                           ID ".77.3.2.",
		                           ID ".77.03.2.9",
		                           ID ".77.-3.2.9",
		                           ID ".77. 3.2.9",
		                           ID ".77.3.65536.9",
		                           ID ".77.4294967296.2.9",
		                           ID ".18446744073709551616.3.2.9",
		                           ID "0.77.3.2.9",
		                           "00112233445566778899AABBCCDDEEFF.77.3.2.9",
		                           "0011.77.3.2.9" };
	struct prs_run_mark got;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(prs_run_mark_get(bad[i], &got));
}

static void test_which_is_older(void **state)
{
	(void)state;
	struct prs_run_mark me = mark(77, 5, 1, 5), other = mark(77, 4, 1, 5);
	const struct {
		struct prs_run_mark m;
		bool older;
	} rows[] = {
		{ mark(77, 4, 1, 4), true },  { mark(77, 1, 7, 1), true },  { mark(77, 5, 1, 4), true },
		{ mark(77, 5, 1, 5), false }, { mark(77, 5, 1, 6), false }, { mark(77, 5, 0, 4), false },
		{ mark(77, 6, 1, 1), false }, { mark(78, 4, 1, 4), false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(prs_run_mark_is_older(&rows[i].m, &me), rows[i].older);
	other.run.bytes[15] ^= 1;
	assert_false(prs_run_mark_is_older(&other, &me));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_what_is_no_mark),
		cmocka_unit_test(test_which_is_older),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
