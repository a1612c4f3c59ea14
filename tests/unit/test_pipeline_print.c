/* SPDX-License-Identifier: Apache-2.0
 * test_pipeline_print: what changes the fingerprint of a step, and what does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "spec/pipeline_print.h"

#include <stdio.h>
#include <string.h>

static struct prs_err err;

/* Files are what their paths say behind "data-": where they lie does not count. */
static int files(void *ctx, const char *path, uint8_t to[16], struct prs_err *e)
{
	const char *what = strstr(path, "data-");
	(void)ctx;
	memset(to, 0, 16);
	if (strstr(path, "unreadable"))
		return prs_fail(e, PRS_EINVALID, "%s cannot be read", path);
	for (size_t i = 0; what && what[i]; i++)
		to[i % 16] = (uint8_t)(31 * to[i % 16] + (uint8_t)what[i]);
	return 0;
}

static const uint8_t *result(void *ctx, size_t step)
{
	(void)step;
	return ctx;
}

static int print(const char *text, const struct prs_step_parts *parts, uint8_t to[16])
{
	struct prs_pipeline *p = prs_pipeline_from_json(text, strlen(text), &err);
	if (!p)
		print_message("%s\n", err.msg);
	assert_non_null(p);
	err.code = 0;
	int r = prs_step_print(p, p->steps_n - 1, parts, to, &err);
	prs_pipeline_free(p);
	return r;
}

/* The text with one part of it replaced. The caller frees. */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	assert_non_null(at);
	return prs_strf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

struct change {
	const char *from, *to;
	bool counts;
};

static void check(const char *text, const struct change *changes, size_t n)
{
	uint8_t before[16], after[16], made[16] = { 7 };
	struct prs_step_parts parts = { .result = result, .files = files, .ctx = made };
	assert_int_equal(print(text, &parts, before), 0);
	for (size_t i = 0; i < n; i++) {
		PRS_AUTOFREE char *other = replaced(text, changes[i].from, changes[i].to);
		assert_int_equal(print(other, &parts, after), 0);
		if ((memcmp(before, after, 16) != 0) != changes[i].counts)
			fail_msg("%s -> %s: expected to %s", changes[i].from, changes[i].to,
			         changes[i].counts ? "count" : "be the same");
	}
}

#define HEAD "{\"pipeline_format\": 1, \"name\": \"flights\", \"submit_dir\": \"/p\", \"steps\": ["
#define PREP                                                                                 \
	"{\"name\": \"prep\", \"type\": \"command\", \"command\": \"x ${{outputs.clean}}\"," \
	" \"outputs\": [{\"name\": \"clean\", \"path\": null}]}, "

static const char command[] = HEAD
	"{\"name\": \"fit\", \"type\": \"command\", "
	"\"command\": \"fit ${{inputs.raw}} ${{inputs.word}} ${{outputs.m}}\","
	" \"code_dir\": \"/p/src\", \"python\": \"/usr/bin/python3\", \"python_why\": \"PATH\","
	" \"inputs\": [{\"name\": \"raw\", \"path\": \"/a/data-1\"}, {\"name\": \"word\", \"literal\": \"one\"}],"
	" \"outputs\": [{\"name\": \"m\", \"type\": \"uri_file\", \"path\": \"/o/m\"}],"
	" \"environment\": [{\"name\": \"COLOUR\", \"value\": \"blue\"},"
	" {\"name\": \"RAW\", \"value\": \"/a/data-1\"}]}]}";

static void test_command(void **state)
{
	static const struct change changes[] = {
		{ "\"fit\"", "\"train\"", false },
		{ "\"flights\"", "\"other\"", false },
		{ "/o/m", "/o/n", false },
		{ "/p/src", "/q/src", false },
		{ "\"PATH\"", "\"--python\"", false },
		{ "fit ${{inputs.raw}}", "fit -v ${{inputs.raw}}", true },
		{ "\"one\"", "\"two\"", true },
		{ "/a/data-1", "/a/data-2", true },
		{ "uri_file", "uri_folder", true },
		{ "blue", "red", true },
		{ "/usr/bin/python3", "/opt/python3", true },
	};
	(void)state;
	check(command, changes, sizeof changes / sizeof *changes);
}

/* All of an input lies elsewhere, its variable too. */
static void test_moved(void **state)
{
	uint8_t before[16], after[16];
	struct prs_step_parts parts = { .result = result, .files = files };
	(void)state;
	PRS_AUTOFREE char *once = replaced(command, "/a/data-1", "/b/data-1");
	PRS_AUTOFREE char *both = replaced(once, "/a/data-1", "/b/data-1");
	assert_int_equal(print(command, &parts, before), 0);
	assert_int_equal(print(both, &parts, after), 0);
	assert_memory_equal(before, after, 16);
}

static const char job[] = HEAD PREP
	"{\"name\": \"score\", \"type\": \"parallel\", \"job\": {\"entry\": \"score.py\", \"code_dir\": \"/p/code\","
	" \"inputs\": [{\"name\": \"images\", \"type\": \"uri_folder\", \"path\": \"/a/data-1\"}],"
	" \"outputs\": [{\"name\": \"rows\", \"type\": \"uri_folder\", \"path\": \"/o/${{name}}\"}],"
	" \"side_inputs\": [{\"name\": \"labels\", \"value\": \"/a/data-3\"}],"
	" \"environment\": [{\"name\": \"AZURE_ML_INPUT_more\", \"value\": \"/a/data-5\"}],"
	" \"arguments\": [\"--x=${{parent.jobs.prep.outputs.clean}}\", \"--map=/a/data-7\", \"/a/data-9\"],"
	" \"options\": {\"processes\": {\"value\": [\"3\"], \"from\": \"me\"},"
	" \"logging-level\": {\"value\": [\"INFO\"]}, "
	"\"mini-batch-size\": {\"value\": [\"3\"], \"from\": \"them\"}}}}]}";

static void test_job(void **state)
{
	static const struct change changes[] = {
		{ "\"score\"", "\"rate\"", false },
		{ "/a/data-1", "/b/data-1", false },
		{ "/a/data-3", "/b/data-3", false },
		{ "/a/data-5", "/b/data-5", false },
		{ "/a/data-7", "/b/data-7", false },
		{ "/o/", "/elsewhere/", false },
		{ "[\"3\"]", "[\"4\"]", false },
		{ "INFO", "DEBUG", false },
		{ "\"them\"", "\"us\"", false },
		{ "/p/code", "/q/code", false },
		{ "score.py", "rate.py", true },
		{ "/a/data-1", "/a/data-2", true },
		{ "/a/data-3", "/a/data-4", true },
		{ "/a/data-5", "/a/data-6", true },
		{ "/a/data-7", "/a/data-8", true },
		{ "/a/data-9", "/a/data-0", true },
		{ "--x=", "--y=", true },
		{ "[\"3\"], \"from\": \"them\"", "[\"5\"]", true },
		{ "\"images\"", "\"pictures\"", true },
	};
	(void)state;
	check(job, changes, sizeof changes / sizeof *changes);
}

static void test_parts(void **state)
{
	static const uint8_t one[16] = { 1 }, two[16] = { 2 };
	static const struct prs_step_parts others[] = {
		{ one, two, two, result, files, (void *)(uintptr_t)two },
		{ two, one, two, result, files, (void *)(uintptr_t)two },
		{ two, two, one, result, files, (void *)(uintptr_t)two },
		{ two, two, two, result, files, (void *)(uintptr_t)one },
	};
	const struct prs_step_parts parts = { two, two, two, result, files, (void *)(uintptr_t)two };
	uint8_t before[16], after[16];
	(void)state;
	assert_int_equal(print(job, &parts, before), 0);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		assert_int_equal(print(job, &others[i], after), 0);
		assert_memory_not_equal(before, after, 16);
	}
}

/* What it cannot know has no fingerprint, and says so. */
static void test_none(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{ "\"path\": \"/a/data-1\"", "\"path\": \"/a/*.csv\"", "a pattern" },
		{ "\"path\": \"/a/data-1\"", "\"path\": \"/a/l.txt\", \"is_list\": true", "a list of files" },
		{ "\"path\": \"/a/data-1\"", "\"parts\": [\"/a\", \"/b\"]", "several paths" },
		{ "/a/data-3", "/a/unreadable", "cannot be read" },
	};
	uint8_t to[16], made[16] = { 7 };
	struct prs_step_parts parts = { .result = result, .files = files, .ctx = made };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		PRS_AUTOFREE char *text = replaced(job, cases[i].from, cases[i].to);
		assert_int_equal(print(text, &parts, to), -PRS_EINVALID);
		assert_non_null(strstr(err.msg, cases[i].says));
	}
	parts.ctx = NULL;
	assert_int_equal(print(job, &parts, to), -PRS_EINVALID);
	assert_non_null(strstr(err.msg, "step prep"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command), cmocka_unit_test(test_moved), cmocka_unit_test(test_job),
		cmocka_unit_test(test_parts),   cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
