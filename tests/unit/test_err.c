/* SPDX-License-Identifier: Apache-2.0
 * test_err: the error table, and which of its codes an errno is.
 */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

static void test_errno(void **state)
{
	(void)state;
	static const struct {
		int errnum;
		enum prs_code code;
	} rows[] = {
		{ ENOMEM, PRS_ENOMEM },       { ENOSPC, PRS_ENOSPACE },
		{ EDQUOT, PRS_ENOSPACE },     { ENOENT, PRS_ENOTFOUND },
		{ ENOTDIR, PRS_ENOTFOUND },   { EEXIST, PRS_EEXISTS },
		{ EACCES, PRS_EPERMISSION },  { EPERM, PRS_EPERMISSION },
		{ EROFS, PRS_EPERMISSION },   { EMFILE, PRS_EOPEN_FILES },
		{ ENFILE, PRS_EOPEN_FILES },  { EFBIG, PRS_EFILE_SIZE },
		{ ENAMETOOLONG, PRS_ELIMIT }, { EIO, PRS_EIO },
		{ ESTALE, PRS_EIO },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prs_err err;
		char want[128];
		snprintf(want, sizeof want, "opening x: %s", strerror(rows[i].errnum));
		assert_int_equal(prs_fail_errno(&err, rows[i].errnum, "opening %s", "x"), -(int)rows[i].code);
		assert_string_equal(err.msg, want);
	}
}

/* Codes rise and no name is there twice; what is RESUMABLE says what to do first. */
static void test_table(void **state)
{
	(void)state;
	const struct prs_error_row *row;
	for (unsigned i = 0; (row = prs_error_at(i)); i++) {
		size_t n = strlen(row->advice);
		assert_ptr_equal(prs_error_row(row->code), row);
		assert_ptr_equal(prs_error_row(-row->code), row);
		assert_true(!i || prs_error_at(i - 1)->code < row->code);
		assert_true(row->sentence[0] && row->sentence[strlen(row->sentence) - 1] != '.');
		assert_true(!n || row->advice[n - 1] != '.');
		assert_true(n || row->action != PRS_ACTION_RESUMABLE);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(prs_error_at(k)->name, row->name);
	}
	assert_string_equal(prs_error_row(9999)->name, "UNKNOWN");
	assert_string_equal(prs_error_row(9999)->advice, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_errno), cmocka_unit_test(test_table) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
