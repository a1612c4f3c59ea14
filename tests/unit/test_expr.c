/* SPDX-License-Identifier: Apache-2.0
 * test_expr: texts with references and groups to pieces.
 */
#include "base/buf.h"
#include "spec/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *pieces(const char *text, struct prs_buf *to)
{
	struct prs_expr_scan s = { .text = text };
	struct prs_expr e;
	struct prs_err err = { 0 };
	int r;
	while ((r = prs_expr_next(&s, &e, &err)) == 1)
		prs_buf_putf(to, "%c%.*s|", "TR[]"[e.kind], (int)(e.kind <= PRS_EXPR_REF ? e.n : 0),
		             e.kind <= PRS_EXPR_REF ? e.p : "");
	if (r < 0)
		prs_buf_putf(to, "! %s @%zu", err.msg, e.at);
	return prs_buf_str(to);
}

static void test_pieces(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "" },
		{ "plain $ {{x}} $[x]", "Tplain $ {{x}} $[x]|" },
		{ "a ${{inputs.x}} b", "Ta |Rinputs.x|T b|" },
		{ "${{ inputs.x }}${{name}}", "Rinputs.x|Rname|" },
		{ "x $[[--m ${{inputs.m}}]] y", "Tx |[|T--m |Rinputs.m|]|T y|" },
		{ "]] outside", "T]] outside|" },
		{ "${{ }}", "! ${{ }} is empty: name something, as in ${{inputs.data}} @0" },
		{ "ab ${{x}", "Tab |! ${{ is not closed: expected }} @3" },
		{ "${{x ${{y}}", "! ${{ is not closed: expected }} @0" },
		{ "$[[a", "! $[[ is not closed: expected ]] @0" },
		{ "$[[a $[[b]]", "[|Ta |! $[[ inside $[[ ]]: optional groups cannot be nested @5" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		assert_string_equal(pieces(rows[i][0], &b), rows[i][1]);
	}
}

static void test_single(void **state)
{
	(void)state;
	struct prs_expr e;
	const char *name;
	size_t n;
	assert_true(prs_expr_single(" ${{ inputs.data }}\n", &e));
	assert_true(prs_expr_name(&e, "inputs.", &name, &n));
	assert_memory_equal(name, "data", n);
	assert_int_equal(n, 4);
	assert_false(prs_expr_name(&e, "outputs.", &name, &n));
	assert_false(prs_expr_single("x${{inputs.data}}", &e));
	assert_false(prs_expr_single("${{inputs.data}}/x", &e));
	assert_false(prs_expr_single("data", &e));
	assert_true(prs_expr_single("${{inputs.a.b}}", &e));
	assert_true(prs_expr_name(&e, "inputs.", &name, &n));
	assert_int_equal(n, 3);
	assert_memory_equal(name, "a.b", n);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_pieces), cmocka_unit_test(test_single) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
