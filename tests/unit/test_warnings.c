/* SPDX-License-Identifier: Apache-2.0
 * test_warnings: what was found in an input is said once for each kind.
 */
#include "base/mem.h"
#include "data/warnings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_once(void **state)
{
	(void)state;
	struct prs_warnings w = { 0 };
	for (int i = 0; i < 3; i++)
		prs_warn_input(&w, "%s:%d: a short row", "a.csv", i);
	assert_string_equal(prs_warnings_take(&w), "a.csv:0: a short row");
	assert_null(prs_warnings_take(&w));
	prs_warn_input(&w, "%s:%d: a short row", "b.csv", 7);
	prs_warn_input(&w, "%s: no header", "b.csv");
	assert_string_equal(prs_warnings_take(&w), "b.csv: no header");
	assert_null(prs_warnings_take(&w));
	prs_warnings_done(&w);
	prs_warn_input(NULL, "%s", "nobody listens");
}

#ifdef PRS_KILL_POINTS
/* It is lost, or said again: nothing worse. */
static void test_no_memory(void **state)
{
	(void)state;
	for (long n = 1; n < 8; n++) {
		struct prs_warnings w = { 0 };
		prs_mem_fault(n);
		prs_warn_input(&w, "%s", "a");
		prs_mem_fault(0);
		prs_warn_input(&w, "%s", "a");
		assert_string_equal(prs_warnings_take(&w), "a");
		prs_warnings_done(&w);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
#ifdef PRS_KILL_POINTS
		cmocka_unit_test(test_no_memory),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
