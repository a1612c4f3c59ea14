/* SPDX-License-Identifier: Apache-2.0
 * test_args: the command line: every option in every spelling and form, what is refused and in which words, the tables
 * behind help and docs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 16 };

static struct cli_args a;
static struct prs_err err;

static void parse_v(const char *command, const char *const *words, int n)
{
	char *argv[WORDS + 1] = { (char *)(uintptr_t)command };
	for (int i = 0; i < n; i++)
		argv[i + 1] = (char *)(uintptr_t)words[i];
	cli_args_done(&a);
	assert_int_equal(cli_parse(&a, cli_command_find(command), n + 1, argv, &err), 0);
}

#define PARSE(command, ...)                                                      \
	do {                                                                     \
		const char *const words_[] = { __VA_ARGS__ };                    \
		parse_v(command, words_, (int)(sizeof words_ / sizeof *words_)); \
	} while (0)

static int setup(void **state)
{
	(void)state;
	a = (struct cli_args){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cli_args_done(&a);
	return 0;
}

static const char *told(void) { return prs_buf_str(&a.mistakes); }

/* ---- every option, every spelling, every form -------------------------------------------------------------------- */

/* A value that the option takes, as it reads back. */
static const char *good_value(const struct prs_option_row *row)
{
	static char text[64];
	switch (row->type) {
	case PRS_OPTION_INT:
	case PRS_OPTION_COUNT:
	case PRS_OPTION_SIZE:
	case PRS_OPTION_NUM:
	case PRS_OPTION_SECONDS: snprintf(text, sizeof text, "%.0f", row->min < 1 ? row->max : row->min); return text;
	case PRS_OPTION_BOOL: return "true";
	case PRS_OPTION_CHOICE:
		snprintf(text, sizeof text, "%.*s", (int)strcspn(row->unit, "|"), row->unit);
		return text;
	case PRS_OPTION_TEXT:
	case PRS_OPTION_LIST: break;
	}
	return "a=b";
}

static void holds(const struct prs_option_row *row, const char *value, const char *how)
{
	if (a.mistakes_n || a.options_n != 1 || a.options[0].row != row || strcmp(a.options[0].value, value) != 0)
		fail_msg("%s: %s (%zu options)", how, told(), a.options_n);
}

static void one_spelling(const struct prs_option_row *row, const char *name, const char *value)
{
	char joined[PRS_OPTION_WORD_MAX + 128];
	bool is_long = name[1] == '-', is_flag = row->type == PRS_OPTION_BOOL;
	if (is_flag)
		PARSE("run", "s.py", name);
	else
		PARSE("run", "s.py", name, value);
	holds(row, value, name);
	snprintf(joined, sizeof joined, "%s%s%s", name, is_long ? "=" : "", value);
	if (is_flag && !is_long)
		return;
	PARSE("run", joined, "s.py");
	holds(row, value, joined);
}

static void test_every_form(void **state)
{
	(void)state;
	char name[PRS_OPTION_WORD_MAX], lines[PRS_OPTION_WORD_MAX];
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		const char *value = good_value(row);
		for (unsigned k = 0; prs_option_spelling(row, k, name); k++) {
			one_spelling(row, name, value);
			for (size_t c = 0; c <= strlen(name); c++)
				lines[c] = (char)(name[c] == '-' && c > 1 ? '_' : name[c]);
			one_spelling(row, lines, value);
		}
	}
}

/* The shortest beginning that only one option has; one letter less can mean several. */
static void test_shortest_prefix(void **state)
{
	(void)state;
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		char name[PRS_OPTION_WORD_MAX];
		size_t n = strlen(row->flag);
		for (; row->group[0] && n > 3; n--) {
			snprintf(name, sizeof name, "%.*s", (int)n, row->flag);
			if (prs_option_find(name, true) != row)
				break;
			snprintf(name, sizeof name, "%.*s=%s", (int)n, row->flag, good_value(row));
			PARSE("run", "s.py", name);
			if (a.mistakes_n && strstr(told(), " can mean ")) /* a flag of the command begins so too */
				break;
			holds(row, good_value(row), name);
		}
	}
	PARSE("run", "s.py", "--run", "3");
	assert_string_equal(told(), "--run can mean --run-invocation-timeout, --run-max-try or --runs-dir: give more "
	                            "letters of it\n");
}

/* What the table refuses, the command line refuses, in the table's words. */
static void test_every_range(void **state)
{
	(void)state;
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		bool number = row->type != PRS_OPTION_BOOL && row->type != PRS_OPTION_CHOICE &&
		              row->type != PRS_OPTION_TEXT && row->type != PRS_OPTION_LIST;
		char value[3][64];
		snprintf(value[0], sizeof value[0], "%.0f", row->min - 1);
		snprintf(value[1], sizeof value[1], "%.0f", row->max + 1);
		snprintf(value[2], sizeof value[2], "many");
		for (int k = 0; k < 3 && number; k++) {
			struct prs_options o;
			prs_options_init(&o, &err);
			assert_int_not_equal(prs_option_set(&o, row, value[k], row->flag, &err), 0);
			PARSE("run", "s.py", row->flag, value[k]);
			assert_int_equal(a.mistakes_n, 1);
			assert_memory_equal(told(), err.msg, strlen(err.msg));
			assert_non_null(strstr(told(), row->flag));
			prs_options_done(&o);
		}
	}
}

/* ---- words and sentences ----------------------------------------------------------------------------------------- */

static void test_sentences(void **state)
{
	(void)state;
	static const struct {
		const char *command, *words[5], *says;
	} cases[] = {
		{ "run", { 0 }, "expected: prs run JOB.yml|SCRIPT [--input PATH] [options] [-- ARGUMENTS]\n" },
		{ "run",
		  { "s.py", "--mini-batch-sise", "3" },
		  "unknown option --mini-batch-sise; did you mean --mini-batch-size?\n" },
		{ "run",
		  { "s.py", "--mini_batch_sise=3" },
		  "unknown option --mini_batch_sise; did you mean --mini-batch-size?\n" },
		{ "run",
		  { "s.py", "--grace-period", "3" },
		  "unknown option --grace-period: see prs help run. Arguments of the script go behind --\n" },
		{ "run",
		  { "s.py", "--threshold", "3" },
		  "unknown option --threshold; there are --error-threshold. Arguments of the script go behind --\n" },
		{ "run",
		  { "s.py", "-x" },
		  "unknown option -x: see prs help run. Arguments of the script go behind --\n" },
		{ "run", { "s.py", "more" }, "unexpected word more: the script's own arguments go behind --\n" },
		{ "run", { "s.py", "/" }, "unexpected word /: an input is given as --input /\n" },
		{ "run",
		  { "s.py", "/proc/self", "/proc/1", "x" },
		  "unexpected word /proc/self, and 2 more: inputs go behind --input: a folder, or a pattern in quotes "
		  "that the shell leaves alone: --input '/proc/*'\n" },
		{ "run",
		  { "s.py", "-n", "4" },
		  "no option -n: the number of processes is -p N; what a job would do is shown by prs plan\n" },
		{ "run", { "s.py", "--dry-run" }, "no option --dry-run: prs plan shows what a job would do\n" },
		{ "plan",
		  { "s.py", "--retries=2" },
		  "no option --retries: --run-max-try N is the number of tries in all: 2 retries are --run-max-try "
		  "3\n" },
		{ "run",
		  { "s.py", "-i", "-" },
		  "--input -: a list of files is not read from stdin: write it to a file, a path in each line, and say "
		  "--input @FILE (a file whose name is - is ./-)\n" },
		{ "run",
		  { "s.py", "--output=rows=-" },
		  "--output rows=-: the output is a file: its rows are in input order, which is known when all are "
		  "there. Say --output FILE, then cat FILE (a file whose name is - is ./-)\n" },
		{ "run", { "s.py", "--output" }, "--output needs a value (FILE or NAME=PATH)\n" },
		{ "run", { "s.py", "-o", "--json" }, "--output needs a value (FILE or NAME=PATH)\n" },
		{ "run", { "s.py", "--output=" }, "--output: expected a text that is not empty, found \"\"\n" },
		{ "run", { "s.py", "--json=maybe" }, "--json: expected true or false, found \"maybe\"\n" },
		{ "run", { "s.py", "-q3" }, "-q takes no value, found \"3\"\n" },
		{ "run",
		  { "s.py", "--takeover" },
		  "unknown option --takeover: see prs help run. Arguments of the script go behind --\n" },
		{ "resume", { "--takeover=yes" }, "--takeover takes no value, found \"yes\"\n" },
		{ "resume", { "--retry-faild" }, "unknown option --retry-faild; did you mean --retry-failed?\n" },
		{ "resume", { "--set" }, "--set needs a value (KEY=VALUE)\n" },
		{ "resume", { "a", "b" }, "unexpected word b\n" },
		{ "resume", { "a", "--", "b" }, "prs resume takes nothing behind --\n" },
		{ "status", { "--mini-batch-size", "3" }, "unknown option --mini-batch-size: see prs help status\n" },
		{ "status", { "--jsn" }, "unknown option --jsn; did you mean --json?\n" },
		{ "list", { "x" }, "unexpected word x\n" },
		{ "dump", { 0 }, "expected: prs dump journal|plan|segment [RUN] [--json]\n" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int n = 0;
		while (cases[i].words[n])
			n++;
		parse_v(cases[i].command, cases[i].words, n);
		assert_string_equal(told(), cases[i].says);
		assert_int_equal(a.mistakes_n, 1);
	}
}

static void test_all_mistakes_at_once(void **state)
{
	(void)state;
	PARSE("run", "--processes", "0", "--run-max-tri=2", "--error-threshold", "x", "--output");
	assert_int_equal(a.mistakes_n, 5);
	assert_non_null(strstr(told(), "--processes: expected"));
	assert_non_null(strstr(told(), "did you mean --run-max-try?"));
	assert_non_null(strstr(told(), "--error-threshold: expected"));
	assert_non_null(strstr(told(), "--output needs"));
	assert_non_null(strstr(told(), "expected: prs run"));
}

static void test_forms(void **state)
{
	(void)state;
	PARSE("run", "-p2", "s.py", "-b", "7", "--error-threshold", "-1", "-i", "a", "--input=b=c", "--", "--json",
	      "-x", "--");
	assert_string_equal(told(), "");
	assert_int_equal(a.options_n, 5);
	assert_string_equal(cli_option(&a, PRS_OPTION_ID_processes), "2");
	assert_string_equal(cli_option(&a, PRS_OPTION_ID_error_threshold), "-1");
	assert_string_equal(cli_option(&a, PRS_OPTION_ID_input), "b=c");
	assert_int_equal(a.words.n, 1);
	assert_int_equal(a.rest.n, 3);
	assert_string_equal(a.rest.v[0], "--json");
	assert_string_equal(a.rest.v[2], "--");
	assert_false(cli_json(&a));
	/* the last one wins */
	PARSE("run", "s.py", "-p", "2", "--procs=5", "--json", "--json=false", "-q");
	assert_string_equal(cli_option(&a, PRS_OPTION_ID_processes), "5");
	assert_false(cli_json(&a));
	assert_true(cli_quiet(&a));
	PARSE("run", "-"); /* a word */
	assert_string_equal(a.words.v[0], "-");
	PARSE("resume", "--set", "a=1", "--tak", "--set=b=2", "--retry_failed");
	assert_int_equal(cli_has(&a, "--set"), 2);
	assert_string_equal(cli_value(&a, "--set", 1), "b=2");
	assert_int_equal(cli_has(&a, "--takeover") + cli_has(&a, "--retry-failed"), 2);
	PARSE("run", "--help", "--bogus");
	assert_true(a.help);
	PARSE("run", "s.py", "-h");
	assert_true(a.help);
	PARSE("run", "s.py", "--", "--help");
	assert_false(a.help);
}

static void test_commands(void **state)
{
	(void)state;
	static const char *const near[][2] = { { "stauts", "status" },
		                               { "statsu", "status" },
		                               { "res", "resume" },
		                               { "lst", "list" },
		                               { "ls", "list" },
		                               { "option", "options" },
		                               { "runn", "run" },
		                               { "ver", "version" },
		                               { "rm", "clean" },
		                               { "delete", "clean" },
		                               { "retry", "resume --retry-failed" },
		                               { "report", "status" } };
	for (size_t i = 0; i < sizeof near / sizeof *near; i++)
		assert_string_equal(cli_command_nearest(near[i][0]), near[i][1]);
	assert_null(cli_command_nearest("elephant"));
	assert_null(cli_command_nearest("x"));
	for (unsigned i = 0; cli_command_at(i); i++) {
		const struct cli_command *c = cli_command_at(i);
		PRS_AUTOBUF b;
		prs_buf_init(&b, 1 << 20);
		cli_help_command(&b, c, 80);
		assert_ptr_equal(cli_command_find(c->name), c);
		assert_int_equal(b.failed, 0);
		for (const char *section = "Usage:\0\nExamples\n\0\nExit status\n\0"; *section;
		     section += strlen(section) + 1)
			if (!strstr(prs_buf_str(&b), section))
				fail_msg("help %s has no %s", c->name, section);
		for (char *line = strtok((char *)(uintptr_t)prs_buf_str(&b), "\n"); line; line = strtok(NULL, "\n")) {
			if (strlen(line) > 80)
				fail_msg("help %s: too wide: %s", c->name, line);
			if (line[strlen(line) - 1] == ' ')
				fail_msg("help %s: a blank at the end: %s", c->name, line);
		}
	}
}

/* The ten options that matter stand first, each option once. */
static void test_help_of_run(void **state)
{
	(void)state;
	static const char *const first[] = { "  -i, --input PATH",
		                             "  -o, --output FILE",
		                             "  --overwrite\n",
		                             "  -b, --mini-batch-size",
		                             "  -p, -j, --processes",
		                             "  --python PATH",
		                             "  --run-invocation-timeout",
		                             "  --run-max-try",
		                             "  --on-failure",
		                             "  -q, --quiet" };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	cli_help_command(&b, cli_command_find("run"), 80);
	const char *at = strstr(prs_buf_str(&b), "\nThe options that matter most\n");
	assert_non_null(at);
	assert_true(at < strstr(prs_buf_str(&b), "JOB.yml is a pipeline"));
	for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
		const char *next = strstr(at, "\n  -");
		assert_non_null(next);
		if (strncmp(next + 1, first[i], strlen(first[i])) != 0)
			fail_msg("expected %s, found %.60s", first[i], next + 1);
		at = next + 1;
		assert_null(strstr(at + 1, first[i]));
	}
	assert_non_null(strstr(prs_buf_str(&b), "quotes ('in/*.txt'), or @LIST"));
}

/* ---- docs -------------------------------------------------------------------------------------------------------- */

static void is_as_made(const char *file, void (*make)(struct prs_buf *to), const char *command)
{
	PRS_AUTOBUF want;
	prs_buf_init(&want, 1 << 20);
	make(&want);
	char path[512];
	snprintf(path, sizeof path, "%s/docs/%s", PRS_SOURCE_ROOT, file);
	FILE *f = fopen(path, "r");
	char *have = calloc(1, want.len + 2);
	size_t n = f ? fread(have, 1, want.len + 1, f) : 0;
	if (f)
		fclose(f);
	if (n != want.len || memcmp(have, want.data, n) != 0)
		fail_msg("docs/%s is not what the table says: %s >docs/%s", file, command, file);
	free(have);
}

static void test_docs_do_not_drift(void **state)
{
	(void)state;
	is_as_made("options.md", cli_options_markdown, "prs options --markdown");
	is_as_made("errors.md", cli_errors_markdown, "prs errors --markdown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_form, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shortest_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_range, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sentences, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_mistakes_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forms, setup, teardown),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_help_of_run),
		cmocka_unit_test(test_docs_do_not_drift),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
