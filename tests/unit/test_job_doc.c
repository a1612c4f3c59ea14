/* SPDX-License-Identifier: Apache-2.0
 * test_job_doc: a job that a front end sends as JSON: every mistake with its place and all of them at once, what is
 * asked by flags over it, and the same job as job.json says it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "spec/job_check.h"
#include "spec/job_doc.h"
#include "spec/placed.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* ---- a file system of names: what has a dot is a file, what begins with "no" is not there, "lost" is a link to
 * nowhere -- */

static int fs_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	(void)ctx;
	const char *name = strrchr(path, '/') + 1;
	if (strlen(name) > 255)
		return -ENAMETOOLONG;
	if (!strncmp(name, "no", 2) || !strncmp(name, "lost", 4) || strchr(name, '*'))
		return -ENOENT;
	*ret = (struct prs_fs_stat){ .mode = strchr(name, '.') ? S_IFREG : S_IFDIR };
	return 0;
}

static int fs_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	(void)ctx;
	(void)flags;
	(void)mode;
	return !strncmp(strrchr(path, '/') + 1, "lost", 4) ? -ELOOP : -ENOENT;
}

static int fs_list(void *ctx, const char *path, prs_fs_entry_fn *each, void *each_ctx)
{
	(void)ctx;
	return strstr(path, "empty") ? 0 : each(each_ctx, "a.txt", 'f');
}

static const struct prs_fs fs = { .stat = fs_stat, .open = fs_open, .list = fs_list };

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static struct prs_job job;
static struct prs_request asked;
static struct prs_buf found;
static struct prs_err err;

static int setup(void **state)
{
	(void)state;
	prs_buf_init(&found, 1 << 20);
	prs_job_init(&job);
	asked = (struct prs_request){ .cwd = "/p" };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	prs_buf_done(&found);
	prs_job_done(&job);
	prs_request_done(&asked);
	return 0;
}

/* The number of mistakes; `found` has them. */
static unsigned read_doc(const char *text)
{
	struct prs_job_doc *d = prs_job_doc_read(text, strlen(text), &found);
	struct prs_sources from = { &asked, &fs, NULL, prs_yaml_doc_new() };
	assert_non_null(d);
	if (prs_job_doc_ask(d, &asked, &err) < 0 || prs_job_begin(&job, &asked, &err) < 0 ||
	    prs_job_doc_check(d, &job, &from, &err) < 0)
		fail_msg("%s", err.msg);
	unsigned n = prs_job_doc_mistakes(d);
	prs_yaml_doc_free(from.doc);
	prs_job_doc_free(d);
	return n;
}

static void afresh(void)
{
	teardown(NULL);
	setup(NULL);
}

/* ---- mistakes ---------------------------------------------------------------------------------------------------- */

#define GOOD "\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{\"path\": \"in\"}]"

static void test_each_mistake(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "{", "line 1, column 1: " },
		{ "[]", "the document: expected an object" },
		{ "{\"job_format\": 1, \"job_format\": 1}", "duplicate object key" },
		{ "{\"entry\": \"score.py\", \"inputs\": [{\"path\": \"in\"}]}",
		  "job_format: is missing: expected 1\n" },
		{ "{\"job_format\": 2, \"entry\": \"score.py\", \"inputs\": [{\"path\": \"in\"}]}",
		  "job_format: this engine (" },
		{ "{\"job_format\": 1, \"inputs\": [{\"path\": \"in\"}]}", "entry: is missing: it names the script" },
		{ "{\"job_format\": 1, \"entri\": \"x\", \"inputs\": [{\"path\": \"in\"}]}",
		  "entri: no such member; did you mean entry?\n" },
		{ "{\"job_format\": 1, \"entry\": 5, \"inputs\": [{\"path\": \"in\"}]}", "entry: expected a text\n" },
		{ "{\"job_format\": 1, \"entry\": \"nothing.py\", \"inputs\": [{\"path\": \"in\"}]}",
		  "entry: nothing.py is not in the code folder /p\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"code_dir\": \"nowhere\", \"inputs\": [{\"path\": "
		  "\"in\"}]}",
		  "code_dir: no such folder: /p/nowhere\n" },
		{ "{\"job_format\": 1, \"entry\": \"/p/code/score.py\", \"code_dir\": \"code\", \"inputs\": "
		  "[{\"path\": \"in\"}]}",
		  "entry: /p/code/score.py is not in the code folder /p/code\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\"}", "inputs: no input: expected [{\"path\"" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": {}}", "inputs: expected a list\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [\"in\"]}",
		  "inputs[0]: expected an object\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{\"path\": \"empty\"}]}",
		  "inputs: there is no file in it\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{}]}", "inputs[0]: path is missing\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{\"pth\": \"in\"}]}",
		  "inputs[0].pth: no such member; did you mean path?\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{\"path\": \"in\"}, {\"path\": "
		  "\"nowhere\"}]}",
		  "inputs[1]: no such folder or file: /p/nowhere\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{\"path\": \"in\", \"type\": \"table\"}]}",
		  "inputs[0].type: expected one of uri_folder, uri_file, mltable, found \"table\"\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{\"path\": \"in\", \"only\": \"x\"}]}",
		  "inputs[0].only: is computed: leave it out (only_failed stands for it)\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{\"path\": \"in\", \"name\": \"a b\"}]}",
		  "inputs[0].name: expected letters, digits, _, - and single dots, found \"a b\"\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{\"path\": \"in\", \"name\": \"a\"}, "
		  "{\"path\": \"in\", "
		  "\"name\": \"a\"}]}",
		  "inputs[1].name: the name a is used twice\n" },
		{ "{\"job_format\": 1, \"entry\": \"score.py\", \"inputs\": [{\"parts\": [\"in\", \"nowhere\"]}]}",
		  "inputs[0]: no such folder or file: /p/nowhere\n" },
		{ "{" GOOD ", \"format\": 1}", "format: is computed: leave it out" },
		{ "{" GOOD ", \"code_print\": \"00\"}", "code_print: is computed: leave it out" },
		{ "{" GOOD ", \"output_dir\": \"out\"}", "output_dir: is computed: leave it out" },
		{ "{" GOOD ", \"output_file\": \"there.txt/no/no.txt\"}",
		  "output_file: /p/there.txt is no folder: expected a folder, or a path where none is yet" },
		{ "{" GOOD ", \"output_file\": \"there.txt\"}", "output_file: /p/there.txt exists: name another file" },
		{ "{" GOOD ", \"output_file\": \"lost\"}",
		  "output_file: /p/lost is a link to a file that is not there" },
		{ "{" GOOD ", \"output_file\": \"in/no.txt\"}",
		  "output_file: /p/in/no.txt lies inside the input /p/in" },
		{ "{" GOOD ", \"outputs\": [{\"name\": \"rows\"}], \"append_row_to\": \"row\"}",
		  "append_row_to: there is no output row\n" },
		{ "{" GOOD ", \"outputs\": [{\"type\": \"uri_file\"}]}", "outputs[0].name: is missing\n" },
		{ "{" GOOD ", \"outputs\": [{\"name\": \"x\", \"path\": \"a\\u0001outputs\\u0002\"}]}",
		  "outputs: the path of x holds a byte 1 or 2\n" },
		{ "{" GOOD ", \"models\": [{\"name\": \"m\", \"value\": \"nowhere\"}]}",
		  "models[0].value: no such file or folder: /p/nowhere\n" },
		{ "{" GOOD ", \"environment\": [{\"name\": \"A=B\", \"value\": \"x\"}]}",
		  "environment[0].name: expected a name without =, found \"A=B\"\n" },
		{ "{" GOOD ", \"environment\": [{\"name\": \"A\"}]}", "environment[0].value: is missing\n" },
		{ "{" GOOD ", \"arguments\": [\"a\", 5]}", "arguments: expected a list of texts; entry 1 is none\n" },
		{ "{" GOOD ", \"arguments\": [{\"hex\": \"4\"}]}",
		  "arguments: expected a list of texts; entry 0 is none\n" },
		{ "{" GOOD ", \"submit_dir\": \"x\"}", "submit_dir: expected an absolute path, found x\n" },
		{ "{" GOOD ", \"options\": {\"run_max_tri\": 5}}",
		  "options.run_max_tri: no such option; did you mean run-max-try?\n" },
		{ "{" GOOD ", \"options\": {\"run_max_try\": 0}}",
		  "options.run_max_try: expected a whole number from 1 to 65535, found \"0\"\n" },
		{ "{" GOOD ", \"options\": {\"run_max_try\": [1, 2]}}", "options.run_max_try: expected one value\n" },
		{ "{" GOOD ", \"options\": {\"run_max_try\": {\"value\": [\"5\"], \"frm\": \"x\"}}}",
		  "options.run_max_try.frm: no such member; did you mean from?\n" },
		{ "{" GOOD ", \"options\": {\"run_max_try\": null}}",
		  "options.run_max_try: expected a text, a number, true or false\n" },
		{ "{" GOOD ", \"options\": {\"input\": \"x\"}}",
		  "options.input: the job has a member of its own for this\n" },
		{ "{" GOOD ", \"options\": {\"json\": true}}",
		  "options.json: is about the screen of a command, no part of a job\n" },
		{ "{" GOOD ", \"options\": {\"partition_keys\": \"k\", \"partition_format\": \"{b}/*\"}}",
		  "options.partition_keys: partition key k is not in partition_format" },
		{ "{" GOOD ", \"only_failed\": {\"items\": 3}}", "only_failed.items: is computed: leave it out" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		afresh();
		unsigned n = read_doc(cases[i].text);
		if (n != 1 || !strstr(prs_buf_str(&found), cases[i].says))
			fail_msg("%s\n  expected: %s\n  found %u: %s", cases[i].text, cases[i].says, n,
			         prs_buf_str(&found));
	}
}

/* Those of the form and those of the meaning, none of them twice. */
static void test_all_mistakes_at_once(void **state)
{
	(void)state;
	assert_int_equal(read_doc("{\"job_format\": 1, \"entri\": \"score.py\", \"inputs\": [{\"path\": \"nowhere\"}, "
	                          "{\"name\": 5}], "
	                          "\"output_file\": \"there.txt\", \"options\": {\"run_max_try\": 0, \"x\": 1}, "
	                          "\"engine\": "
	                          "\"1\"}"),
	                 8);
	assert_string_equal(prs_buf_str(&found),
	                    "entri: no such member; did you mean entry?\n"
	                    "engine: is computed: leave it out (it is this engine)\n"
	                    "inputs[1].name: expected a text\n"
	                    "options.run_max_try: expected a whole number from 1 to 65535, found \"0\"\n"
	                    "options.x: no such option\n"
	                    "inputs[0]: no such folder or file: /p/nowhere\n"
	                    "inputs[1]: path is missing\n"
	                    "output_file: /p/there.txt exists: name another file, or replace it with "
	                    "--overwrite\n");
}

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static void test_every_member(void **state)
{
	(void)state;
	struct prs_placed placed;
	assert_int_equal(
		read_doc("{\"job_format\": 1, \"name\": \"my job\", \"entry\": \"pkg.score\", \"code_dir\": \"code\", "
	                 "\"submit_dir\": \"/home\", \"inputs\": [{\"path\": \"in\", \"partition_format\": \"{k}/*\"}, "
	                 "{\"name\": \"list\", \"path\": \"l.txt\", \"is_list\": true, \"base\": \"/data\"}, "
	                 "{\"name\": \"p\", \"parts\": [\"a/x\", \"/home/a/y/*.csv\"]}, {\"path\": \"in/*.txt\"}], "
	                 "\"outputs\": [{\"name\": \"rows\", \"type\": \"uri_file\", \"path\": \"no.csv\"}, "
	                 "{\"name\": \"more\"}], \"append_row_to\": \"rows\", \"models\": [{\"name\": \"m\", "
	                 "\"value\": \"m.bin\"}], \"side_inputs\": [{\"name\": \"s\", \"value\": \"/s\"}], "
	                 "\"environment\": [{\"name\": \"E.x\", \"value\": {\"hex\": \"ff\"}}], \"arguments\": "
	                 "[\"--n\", \"1\"], \"system_arguments\": [\"--sys\"], \"python\": \"python3.9\", "
	                 "\"options\": {\"run_max_try\": 5, \"run-invocation-timeout\": 0.5, \"overwrite\": true, "
	                 "\"threads\": \"keep\", \"mini_batch_size\": {\"value\": [\"7\"], \"from\": \"nb.py:3\"}, "
	                 "\"processes\": {\"value\": [\"3\"], \"from\": \"default\"}}}"),
		0);
	assert_string_equal(job.name, "my_job");
	assert_string_equal(job.entry, "pkg.score");
	assert_string_equal(job.code_dir, "/home/code");
	assert_string_equal(job.submit_dir, "/home");
	assert_int_equal(job.inputs_n, 4);
	assert_string_equal(job.inputs[0].name, "input_0");
	assert_string_equal(job.inputs[0].path, "/home/in");
	assert_string_equal(job.inputs[0].partition_format, "{k}/*");
	assert_true(job.inputs[1].is_list);
	assert_string_equal(job.inputs[1].path, "/home/l.txt");
	assert_string_equal(job.inputs[1].base, "/data");
	assert_string_equal(job.inputs[2].path, "/home/a");
	assert_string_equal(job.inputs[2].parts.v[1], "/home/a/y/*.csv");
	assert_string_equal(job.inputs[3].path, "/home/in");
	assert_string_equal(job.inputs[3].parts.v[0], "/home/in/*.txt");
	assert_int_equal(job.append_to, 0);
	assert_string_equal(job.models[0].value, "/home/m.bin");
	assert_string_equal(job.variables[0].name, "E.x");
	assert_string_equal(job.variables[0].value, "\xff");
	assert_string_equal(job.system_args.v[0], "--sys");
	assert_string_equal(job.o.python, "python3.9");
	assert_int_equal(job.o.run_max_try, 5);
	assert_int_equal(job.o.run_invocation_timeout_us, 500000);
	assert_true(job.o.overwrite);
	assert_int_equal(job.o.threads, PRS_THREADS_KEEP);
	assert_int_equal(job.o.mini_batch_size, 7);
	assert_string_equal(job.from[PRS_OPTION_ID_run_max_try], "options.run_max_try");
	assert_string_equal(job.from[PRS_OPTION_ID_mini_batch_size], "nb.py:3");
	assert_int_equal(job.o.processes, 3);
	assert_null(job.from[PRS_OPTION_ID_processes]); /* nobody asked for it */
	assert_int_equal(prs_place(&placed, &job, &fs, "/runs/x", "x", &err), 0);
	assert_string_equal(placed.output_file, "/home/no.csv");
	assert_string_equal(placed.outputs[1], "/runs/x/outputs/more");
	assert_string_equal(placed.arguments.v[1], "1");
	prs_placed_done(&placed);
}

static void test_flags_win(void **state)
{
	(void)state;
	assert_int_equal(prs_request_ask(&asked, prs_option_at(PRS_OPTION_ID_run_max_try), "9", "--run-max-try"), 0);
	assert_int_equal(prs_request_ask(&asked, prs_option_at(PRS_OPTION_ID_name), "flag", "--name"), 0);
	assert_int_equal(prs_list_add(&asked.arguments, "behind"), 0);
	assert_int_equal(read_doc("{" GOOD
	                          ", \"name\": \"doc\", \"arguments\": [\"first\"], \"options\": {\"run_max_try\": 5, "
	                          "\"error_threshold\": 2}}"),
	                 0);
	assert_int_equal(job.o.run_max_try, 9);
	assert_int_equal(job.o.error_threshold, 2);
	assert_string_equal(job.name, "flag");
	assert_string_equal(job.user_args.v[0], "first");
	assert_string_equal(job.user_args.v[1], "behind");
	afresh();
	assert_int_equal(prs_request_ask(&asked, prs_option_at(PRS_OPTION_ID_input), "x", "-i"), 0);
	assert_int_equal(read_doc("{" GOOD "}"), 1);
	assert_string_equal(prs_buf_str(&found), "--input: does not go with a job in JSON: it has a member for that\n");
}

#ifdef PRS_KILL_POINTS
static bool read_without_mercy(const char *text)
{
	struct prs_job_doc *d = prs_job_doc_read(text, strlen(text), &found);
	struct prs_sources from = { &asked, &fs, NULL, prs_yaml_doc_new() };
	bool good = d && from.doc && prs_job_doc_ask(d, &asked, &err) == 0 && prs_job_begin(&job, &asked, &err) == 0 &&
	            prs_job_doc_check(d, &job, &from, &err) == 0 && !prs_job_doc_mistakes(d);
	prs_yaml_doc_free(from.doc);
	prs_job_doc_free(d);
	return good;
}

/* Whatever allocation fails: no crash, no leak (asan), and no job that looks whole and is not. */
static void test_no_memory(void **state)
{
	(void)state;
	static const char text[] =
		"{" GOOD ", \"outputs\": [{\"name\": \"rows\", \"path\": \"no.csv\"}], \"append_row_to\": "
		"\"rows\", \"models\": [{\"name\": \"m\", \"value\": \"m.bin\"}], \"arguments\": [\"a\"], "
		"\"submit_dir\": \"/home\", \"options\": {\"run_max_try\": {\"value\": 5, \"from\": \"x\"}}}";
	long before = prs_mem_count();
	assert_true(read_without_mercy(text));
	long needed = prs_mem_count() - before;
	for (long n = 1; n <= needed; n++) {
		afresh();
		prs_mem_fault(n);
		bool good = read_without_mercy(text);
		prs_mem_fault(0);
		if (!good)
			continue;
		assert_string_equal(job.models[0].value, "/home/m.bin");
		assert_string_equal(job.user_args.v[0], "a");
		assert_string_equal(job.outputs[0].path, "/home/no.csv");
		assert_string_equal(job.from[PRS_OPTION_ID_run_max_try], "x");
		assert_int_equal(job.append_to, 0);
	}
}
#endif

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_each_mistake), T(test_all_mistakes_at_once), T(test_every_member), T(test_flags_win),
#ifdef PRS_KILL_POINTS
		T(test_no_memory),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
