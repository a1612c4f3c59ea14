/* SPDX-License-Identifier: Apache-2.0
 * test_pipeline: a pipeline as JSON reads back to the same bytes; what a step needs; circles are named; what is filled
 * in when a step starts, and how a path gets into a text that bash reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "spec/pipeline.h"

#include <stdio.h>
#include <string.h>

static struct prs_err err;

static struct prs_pipeline *read_it(const char *text)
{
	struct prs_pipeline *p = prs_pipeline_from_json(text, strlen(text), &err);
	if (!p)
		print_message("%s\n", err.msg);
	return p;
}

#define HEAD "{\"pipeline_format\": 1, \"name\": \"flights\", \"submit_dir\": \"/p\", \"steps\": ["
#define PREP                                                                                                     \
	"{\"name\": \"prep\", \"type\": \"command\", \"command\": \"cp -r ${{inputs.raw}} ${{outputs.clean}}\"," \
	" \"inputs\": [{\"name\": \"raw\", \"type\": \"uri_folder\", \"path\": \"/p/raw\"}],"                    \
	" \"outputs\": [{\"name\": \"clean\", \"type\": \"uri_folder\", \"path\": null}],"                       \
	" \"environment\": [{\"name\": \"RUN\", \"value\": \"${{name}}\"}], \"timeout\": 3600}"
#define SCORE                                                                                                       \
	"{\"name\": \"a/b\", \"type\": \"parallel\", \"allow_reuse\": false, \"job\": {\"entry\": \"score.py\","    \
	" \"code_dir\": \"/p/code\", \"additional_includes\": [\"/p/more\"],"                                       \
	" \"inputs\": [{\"name\": \"data\", \"type\": \"uri_folder\", \"step\": \"prep\", \"output\": \"clean\"}]," \
	" \"outputs\": [{\"name\": \"rows\", \"type\": \"uri_file\", \"path\": \"/o/${{name}}.csv\"}],"             \
	" \"arguments\": [\"--out\", \"${{outputs.rows}}\", \"--x=${{parent.jobs.prep.outputs.clean}}/1\","         \
	" \"${{prs.dollar}}{{\"], \"options\": {\"processes\": {\"value\": [\"3\"]}}}}"

/* ---- the document ------------------------------------------------------------------------------------------------ */

static void test_same_bytes(void **state)
{
	(void)state;
	struct prs_pipeline *p = read_it(HEAD SCORE ", " PREP "]}"), *again;
	PRS_AUTOBUF once, twice;
	prs_buf_init(&once, 1 << 20);
	prs_buf_init(&twice, 1 << 20);
	assert_non_null(p);
	assert_int_equal(prs_pipeline_to_json(p, &once, &err), 0);
	again = prs_pipeline_from_json((char *)once.data, once.len, &err);
	assert_non_null(again);
	assert_int_equal(prs_pipeline_to_json(again, &twice, &err), 0);
	assert_string_equal(prs_buf_str(&once), prs_buf_str(&twice));
	assert_non_null(strstr(prs_buf_str(&once), "\"timeout\": 3600,"));
	prs_pipeline_free(p);
	prs_pipeline_free(again);
}

static void test_steps(void **state)
{
	(void)state;
	struct prs_pipeline *p = read_it(HEAD SCORE ", " PREP "]}");
	assert_non_null(p);
	const struct prs_step *score = &p->steps[0], *prep = &p->steps[1];
	assert_string_equal(score->folder, "a%2Fb");
	assert_int_equal(score->cores, 3);
	assert_false(score->allow_reuse);
	assert_int_equal(score->needs_n, 1);
	assert_int_equal(score->needs[0], 1);
	assert_string_equal(score->code_dir, "/p/code");
	assert_int_equal(score->includes.n, 1);
	assert_int_equal(prep->cores, 1);
	assert_true(prep->allow_reuse);
	assert_int_equal(prep->needs_n, 0);
	assert_true(prep->timeout_s > 3599);
	prs_pipeline_free(p);
}

static void test_needs_by_a_text_alone(void **state)
{
	(void)state;
	struct prs_pipeline *p = read_it(
		HEAD PREP
		", {\"name\": \"words\", \"type\": \"parallel\", \"job\": {\"arguments\": [\"--x\", "
		"\"${{parent.jobs.prep.outputs.clean}}\"]}}, {\"name\": \"variables\", \"type\": \"parallel\", "
		"\"job\": {\"environment\": [{\"name\": \"X\", \"value\": "
		"\"${{parent.jobs.prep.outputs.clean}}\"}]}}]}");
	assert_non_null(p);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(p->steps[i].needs_n, 1);
		assert_int_equal(p->steps[i].needs[0], 0);
	}
	prs_pipeline_free(p);
}

static void test_folders(void **state)
{
	(void)state;
	static const struct {
		const char *name, *folder;
	} cases[] = { { "prep", "prep" },
		      { ".x", "%2Ex" },
		      { "a.b", "a.b" },
		      { "50%", "50%25" },
		      { "\xc3\xa4", "%C3%A4" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		PRS_AUTOFREE char *folder = prs_step_folder(cases[i].name);
		assert_string_equal(folder, cases[i].folder);
	}
}

static void test_damaged(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{ "{", PRS_ECORRUPT, "pipeline.json:1:1: " },
		{ "[]", PRS_ECORRUPT, "pipeline.json" },
		{ "{\"pipeline_format\": 2}", PRS_EVERSION, "this engine" },
		{ HEAD "]}", PRS_ECORRUPT, "steps: a pipeline has at least one" },
		{ HEAD "{\"name\": \"a\", \"type\": \"sweep\"}]}", PRS_ECORRUPT,
		  "steps[0]: type: expected parallel or command, found sweep" },
		{ HEAD PREP "," PREP "]}", PRS_ECORRUPT, "steps[1]: name: there are two steps prep" },
		{ HEAD SCORE "]}", PRS_ECORRUPT,
		  "steps[0]: ${{parent.jobs.prep.outputs.clean}}: there is no such step" },
		{ HEAD "{\"name\": \"\", \"type\": \"command\", \"command\": \"x\"}]}", PRS_ECORRUPT,
		  "steps[0]: name: no step can be called so: it is empty" },
		{ HEAD "{\"name\": \"a\", \"type\": \"command\", \"command\": \"x\", \"after\": [\"b\"]},"
		       "{\"name\": \"c\", \"type\": \"command\", \"command\": \"x\"}]}",
		  PRS_ECORRUPT, "steps[0].after: there is no step b" },
		{ HEAD "{\"name\": \"a\", \"type\": \"command\", \"command\": \"x\", \"after\": [\"b\"]},"
		       "{\"name\": \"b\", \"type\": \"command\", \"command\": \"x\", \"after\": [\"c\"]},"
		       "{\"name\": \"c\", \"type\": \"command\", \"command\": \"x\", \"after\": [\"b\"]}]}",
		  PRS_ECORRUPT, "steps[1]: steps that wait for each other: b -> c -> b" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prs_pipeline *p = prs_pipeline_from_json(cases[i].text, strlen(cases[i].text), &err);
		assert_null(p);
		if (err.code != -cases[i].code || !strstr(err.msg, cases[i].says))
			fail_msg("%s\n%s (%d)", cases[i].text, err.msg, err.code);
	}
}

/* ---- filling in -------------------------------------------------------------------------------------------------- */

static const char *output(void *ctx, size_t step, size_t number)
{
	static char path[64];
	snprintf(path, sizeof path, "/r%s/%zu/%zu", (const char *)ctx, step, number);
	return path;
}

static void test_job(void **state)
{
	(void)state;
	struct prs_pipeline *p = read_it(HEAD SCORE ", " PREP "]}");
	char folder[] = "";
	struct prs_step_fill f = { output, folder, "run-1", "/r/0/outputs", "/snap" };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	static const char *const has[] = { "\"job_format\": 1",
		                           "\"path\": \"/r/1/0\"",
		                           "\"/r/0/0\"",
		                           "\"--x=/r/1/0/1\"",
		                           "\"${{\"",
		                           "\"path\": \"/o/run-1.csv\"",
		                           "\"code_dir\": \"/snap\"" },
				 *const has_not[] = { "step", "additional_includes", "parent.jobs" };
	assert_non_null(p);
	assert_int_equal(prs_step_fill_job(p, 0, &f, &b, &err), 0);
	for (size_t i = 0; i < sizeof has / sizeof *has; i++)
		assert_non_null(strstr(prs_buf_str(&b), has[i]));
	for (size_t i = 0; i < sizeof has_not / sizeof *has_not; i++)
		assert_null(strstr(prs_buf_str(&b), has_not[i]));
	prs_pipeline_free(p);
}

/* What becomes of a command whose paths have a blank, or end like this; NULL: refused. */
static void check_command(const char *command, const char *dir, const char *expected)
{
	char text[4096], folder[64];
	snprintf(text, sizeof text,
	         HEAD "{\"name\": \"a\", \"type\": \"command\", \"command\": \"%s\", \"inputs\": [{\"name\": \"d\", "
	              "\"path\": \"/r%s\"}, {\"name\": \"n\", \"literal\": \"5 6\"}, {\"name\": \"u\", \"type\": "
	              "\"string\"}], \"outputs\": [{\"name\": \"o\"}]}]}",
	         command, dir);
	snprintf(folder, sizeof folder, "%s", dir);
	struct prs_pipeline *p = read_it(text);
	struct prs_step_fill f = { output, folder, "run-1", "/r", NULL };
	struct prs_step_command c;
	assert_non_null(p);
	int r = prs_step_fill_command(p, 0, &f, &c, &err);
	if ((r == 0) != (expected != NULL) || (expected && strcmp(c.text, expected) != 0))
		fail_msg("%s: %s (expected %s)", command, r ? err.msg : c.text, expected ? expected : "a mistake");
	prs_step_command_done(&c);
	prs_pipeline_free(p);
}

static void test_command(void **state)
{
	(void)state;
	static const struct {
		const char *command, *dir, *expected;
	} cases[] = {
		{ "ls ${{inputs.d}}", "", "ls /r" },
		{ "ls '${{inputs.d}}' ${{inputs.n}}", "", "ls '/r' 5 6" },
		{ "ls ${{inputs.d}}/x --to=${{outputs.o}}", " a", "ls '/r a'/x --to='/r a/0/0'" },
		{ "ls ${{inputs.d}}", "'s", "ls '/r'\\''s'" },
		{ "ls '${{inputs.d}}'", " a", NULL },
		{ "ls \\\"${{inputs.d}}\\\"", " a", NULL },
		{ "ls \\\"x\\\" ${{inputs.d}}", " a", "ls \"x\" '/r a'" },
		{ "echo \\\"$(ls ${{inputs.d}})\\\"", " a", "echo \"$(ls '/r a')\"" },
		{ "echo \\\"$(ls \\\"${{inputs.d}}\\\")\\\"", " a", NULL },
		{ "echo \\\"$(ls \\\"x\\\")\\\" ${{inputs.d}}", " a", "echo \"$(ls \"x\")\" '/r a'" },
		{ "echo \\\"\\\\$(\\\" ${{inputs.d}}", " a", "echo \"\\$(\" '/r a'" },
		{ "cat <<E\\n${{inputs.d}}\\nE", " a", NULL },
		{ "cat <<E\\n${{inputs.d}}\\nE", "", "cat <<E\n/r\nE" },
		{ "`ls ${{inputs.d}}`", " a", NULL },
		{ "# don't\\nls ${{inputs.d}}", " a", "# don't\nls '/r a'" },
		{ "ls a#'b ${{inputs.d}}'", " a", NULL },
		{ "echo $'it\\\\'s' ${{inputs.d}}", " a", "echo $'it\\'s' '/r a'" },
		{ "ls \\\\${{inputs.d}}", " a", NULL },
		{ "x $[[--u ${{inputs.u}}]] $[[--n ${{inputs.n}}]]", "", "x  --n 5 6" },
		{ "x ${{inputs.u}}", "", NULL },
		{ "x ${{inputs.y}}", "", NULL },
		{ "x ${{name}} ${{prs.outputs}} ${{prs.dollar}}{{", "", "x run-1 /r ${{" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_command(cases[i].command, cases[i].dir, cases[i].expected);
}

static void test_output_paths(void **state)
{
	(void)state;
	char name[] = "o", type[] = "uri_file", path[] = "/o/${{name}}/x", own[] = "${{prs.outputs}}/x";
	struct prs_step_output o = { name, type, NULL };
	PRS_AUTOFREE char *in_folder = prs_step_output_path(&o, "/r/steps/a", "run-1");
	o.path = path;
	PRS_AUTOFREE char *elsewhere = prs_step_output_path(&o, "/r/steps/a", "run-1");
	o.path = own;
	PRS_AUTOFREE char *named = prs_step_output_path(&o, "/r/steps/a", "run-1");
	assert_string_equal(in_folder, "/r/steps/a/outputs/o");
	assert_string_equal(elsewhere, "/o/run-1/x");
	assert_string_equal(named, "/r/steps/a/outputs/x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_needs_by_a_text_alone),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_job),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_output_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
