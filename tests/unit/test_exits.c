/* SPDX-License-Identifier: Apache-2.0
 * test_exits: which status an error gives, and what to type after it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/exits.h"

#include <stdio.h>

static void test_errors(void **state)
{
	(void)state;
	static const struct {
		int code, engine, reader;
	} cases[] = {
		{ PRS_ECORRUPT, 3, 3 }, { PRS_EVERSION, 3, 3 }, { PRS_EFENCED, 3, 3 },   { PRS_EIO, 4, 3 },
		{ PRS_EBUSY, 2, 2 },    { PRS_EINVALID, 2, 2 }, { PRS_ENOTFOUND, 2, 2 }, { PRS_EPERMISSION, 2, 2 },
		{ PRS_ENOSPACE, 4, 2 }, { PRS_ENOMEM, 4, 2 },   { PRS_ESPAWN, 4, 2 },    { 99999, 4, 2 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(prs_exit_of(cases[i].code, false), cases[i].engine);
		assert_int_equal(prs_exit_of(-cases[i].code, true), cases[i].reader);
	}
}

static void test_next(void **state)
{
	(void)state;
	static const char *const next[] = { "", "prs logs my-run --errors", "", "", "prs resume my-run", "", "" };
	char to[64];
	for (int status = 0; status < 7; status++) {
		prs_exit_next(to, sizeof to, status, "my-run");
		assert_string_equal(to, next[status]);
	}
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(prs_exit_at(i)->status, i); /* final: scripts ask for them */
	assert_null(prs_exit_at(6));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_errors), cmocka_unit_test(test_next) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
