/* SPDX-License-Identifier: Apache-2.0
 * test_option: every option of the table x (default, lowest, highest, one below, one above, wrong type, misspelt);
 * names, prefixes, lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct prs_options o;
static struct prs_err err;
static struct prs_buf text;

static int setup(void **state)
{
	(void)state;
	prs_buf_init(&text, 4096);
	return prs_options_init(&o, &err);
}

static int teardown(void **state)
{
	(void)state;
	prs_options_done(&o);
	prs_buf_done(&text);
	return 0;
}

static const char *value_of(const struct prs_option_row *row, size_t i)
{
	prs_buf_clear(&text);
	return prs_option_get(&o, row, i, &text) ? prs_buf_str(&text) : NULL;
}

static void accepted(const struct prs_option_row *row, const char *value, const char *reads)
{
	if (prs_option_set(&o, row, value, "here", &err) != 0)
		fail_msg("%s %s: %s", row->flag, value, err.msg);
	assert_string_equal(value_of(row, 0), reads);
}

/* Refused, with a sentence that begins where the value stands, says what was expected and what was found; the old value
 * stays. */
static void refused(const struct prs_option_row *row, const char *value)
{
	char before[64] = "", found[128];
	const char *was = value_of(row, 0);
	snprintf(before, sizeof before, "%s", was ? was : "");
	if (prs_option_set(&o, row, value, "job.yml:3:5", &err) == 0)
		fail_msg("%s takes %s", row->flag, value);
	snprintf(found, sizeof found, "found \"%s\"", value);
	assert_memory_equal(err.msg, "job.yml:3:5: expected ", 22);
	assert_non_null(strstr(err.msg, found));
	was = value_of(row, 0);
	assert_string_equal(was ? was : "", before);
}

/* ---- every option ------------------------------------------------------------------------------------------------ */

static void whole_number(const struct prs_option_row *row)
{
	char value[64];
	snprintf(value, sizeof value, "%.0f", row->min);
	accepted(row, value, value);
	snprintf(value, sizeof value, "%.0f", row->max);
	accepted(row, value, value);
	snprintf(value, sizeof value, "%.0f", row->min - 1);
	refused(row, value);
	snprintf(value, sizeof value, "%.0f", row->max + 1);
	refused(row, value);
	static const char *const wrong[] = { "",    "x",   "1.5", "1 ",  " 1", "1x", "0x10", "9223372036854775808",
		                             "1e1", "--1", "nan", "true" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refused(row, wrong[i]);
}

/* mini_batch_size: the original's rule and its sentences. */
static void count(const struct prs_option_row *row)
{
	static const char rule[] =
		"here: Parameter mini_batch_size must follow regex rule ^\\d+([kKmMgG][bB])*$, found \"";
	static const char *const good[][2] = { { "1", "1" },
		                               { "1000000000", "1000000000" },
		                               { "2kb", "2048" },
		                               { "3MB", "3145728" },
		                               { "007", "7" } };
	static const char *const wrong[] = { "",     "x",   "-1", "1.5", "1 ",    " 1",    "1x",
		                             "0x10", "1e1", "kb", "10k", "10kib", "10 kb", "nan" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		accepted(row, good[i][0], good[i][1]);
	refused(row, "0");
	accepted(row, "2gb", "2147483648");
	refused(row, "2147483649");
	refused(row, "3gb");
	refused(row, "99999999999999999999999");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_true(prs_option_set(&o, row, wrong[i], "here", &err) < 0);
		assert_memory_equal(err.msg, rule, sizeof rule - 1);
	}
	assert_true(prs_option_set(&o, row, "10kbmb", "here", &err) < 0);
	assert_string_equal(err.msg, "here: mini_batch_size unit must be kb, mb or gb, found \"10kbmb\"");
	assert_string_equal(value_of(row, 0), "2147483648");
}

static void number(const struct prs_option_row *row)
{
	char value[64];
	snprintf(value, sizeof value, "%.0f", row->max);
	accepted(row, value, value);
	accepted(row, "12.5", "12.5");
	snprintf(value, sizeof value, "%.3f", row->max + 0.001);
	refused(row, value);
	if (row->type == PRS_OPTION_SECONDS) {
		accepted(row, "0.000001", "0.000001");
		accepted(row, "0.0000001", "0.000001"); /* never 0, which would be "no time at all" */
		refused(row, "0");
	} else {
		snprintf(value, sizeof value, "%.0f", row->min);
		accepted(row, value, value);
	}
	snprintf(value, sizeof value, "%.3f", row->min - 0.001);
	refused(row, value);
	static const char *const wrong[] = { "",    "x",    "60s",  " 1",  "1 ",    "nan",
		                             "inf", "-inf", "0x10", "1,5", "1e400", "." };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refused(row, wrong[i]);
}

static void size_in_bytes(const struct prs_option_row *row)
{
	char least[64], below[64], most[64];
	snprintf(least, sizeof least, "%.0f", row->min);
	snprintf(below, sizeof below, "%.0f", row->min - 1);
	snprintf(most, sizeof most, "%.0f", row->max);
	accepted(row, least, least);
	accepted(row, most, most);
	accepted(row, "2048KB", "2097152");
	accepted(row, "2mb", "2097152");
	accepted(row, "1.5GB", "1610612736");
	if (row->max >= 3221225472.0)
		accepted(row, "3g", "3221225472");
	refused(row, below);
	static const char *const wrong[] = { "",     "GB",  "2 GB", "-2GB",    "2GBB",     "2XB",
		                             "0x10", "nan", "1e9",  "1.2.3GB", "9999999TB" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refused(row, wrong[i]);
}

static void yes_or_no(const struct prs_option_row *row)
{
	static const char *const yes[] = { "true", "True", "TRUE", "yes", "1" }, *const no[] = { "false", "False", "no",
		                                                                                 "0" };
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		accepted(row, yes[i], "true");
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		accepted(row, no[i], "false");
	static const char *const wrong[] = { "", "2", "-1", "on", "t", "true " };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refused(row, wrong[i]);
}

static void choice(const struct prs_option_row *row)
{
	char one[64], lower[64];
	for (const char *p = row->unit; *p; p += p[strcspn(p, "|")] == '|') {
		size_t n = strcspn(p, "|");
		snprintf(one, sizeof one, "%.*s", (int)n, p);
		accepted(row, one, one);
		for (size_t i = 0; i <= n; i++)
			lower[i] = (char)(one[i] | (one[i] >= 'A' && one[i] <= 'Z' ? 0x20 : 0));
		accepted(row, lower, one); /* `info` is INFO */
		p += n;
	}
	static const char *const wrong[] = { "", "0", "|", "neither", "append_row|summary_only", "INFO " };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refused(row, wrong[i]);
}

static void words(const struct prs_option_row *row)
{
	accepted(row, "a", "a");
	if (row->type == PRS_OPTION_TEXT) {
		accepted(row, "\xff =\n", "\xff =\n"); /* bytes; the last one wins */
	} else {
		assert_int_equal(prs_option_set(&o, row, "b=c", "here", &err), 0);
		assert_string_equal(value_of(row, 0), "a");
		assert_string_equal(value_of(row, 1), "b=c");
		assert_null(value_of(row, 2));
	}
	assert_int_not_equal(prs_option_set(&o, row, "", "here", &err), 0);
}

static void test_every_option_and_value(void **state)
{
	(void)state;
	static void (*const kinds[])(const struct prs_option_row *) = {
		[PRS_OPTION_INT] = whole_number, [PRS_OPTION_COUNT] = count,    [PRS_OPTION_NUM] = number,
		[PRS_OPTION_SECONDS] = number,   [PRS_OPTION_BOOL] = yes_or_no, [PRS_OPTION_CHOICE] = choice,
		[PRS_OPTION_TEXT] = words,       [PRS_OPTION_LIST] = words,     [PRS_OPTION_SIZE] = size_in_bytes,
	};
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		const char *value = value_of(row, 0);
		bool flag = row->type == PRS_OPTION_BOOL;
		assert_string_equal(value ? value : "", flag && !row->def[0] ? "false" : row->def);
		kinds[row->type](row);
	}
}

/* Whatever an option holds reads back to the same. */
static void test_text_form_is_exact(void **state)
{
	(void)state;
	static const char *const values[] = { "60", "0.3", "0.1", "259200", "33.333333", "0.000001" };
	const struct prs_option_row *row = prs_option_find("grace", false),
				    *percent = prs_option_find("allowed-failed-percent", false);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		char first[64];
		assert_int_equal(prs_option_set(&o, row, values[i], "", &err), 0);
		uint64_t us = o.grace_us;
		snprintf(first, sizeof first, "%s", value_of(row, 0));
		assert_int_equal(prs_option_set(&o, row, first, "", &err), 0);
		assert_int_equal(o.grace_us, us);
		if (strtod(values[i], NULL) > 100)
			continue;
		assert_int_equal(prs_option_set(&o, percent, values[i], "", &err), 0);
		double was = o.allowed_failed_percent;
		snprintf(first, sizeof first, "%s", value_of(percent, 0));
		assert_int_equal(prs_option_set(&o, percent, first, "", &err), 0);
		assert_true(o.allowed_failed_percent >= was && o.allowed_failed_percent <= was);
	}
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static void test_every_spelling(void **state)
{
	(void)state;
	char name[PRS_OPTION_WORD_MAX], other[PRS_OPTION_WORD_MAX];
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		for (unsigned k = 0; prs_option_spelling(row, k, name); k++) {
			assert_ptr_equal(prs_option_find(name, false), row); /* so no spelling belongs to two */
			for (size_t c = 0; c <= strlen(name); c++)
				other[c] = (char)(name[c] == '-' && c > 1 ? '_' : name[c]);
			assert_ptr_equal(prs_option_find(other, false), row);
			if (name[1] == '-')
				assert_ptr_equal(prs_option_find(name + 2, false), row);
		}
		assert_string_equal(row->name, row->flag + 2);
		assert_true(row->help[0] && row->help[strlen(row->help) - 1] != '.');
	}
}

static void test_prefixes(void **state)
{
	(void)state;
	static const struct {
		const char *word, *means; /* NULL = nothing, or more than one */
	} cases[] = {
		{ "--mini-batch-s", "--mini-batch-size" },
		{ "--mini_batch_s", "--mini-batch-size" },
		{ "--run-m", "--run-max-try" },
		{ "--process", "--processes" },
		{ "--proc", "--processes" },
		{ "--max-c", "--processes" },
		{ "--mini-batch-error", "--allowed-failed-count" },
		{ "--resource_monitor_interva", "--resource-monitor-interval" }, /* an official sample spells it so */
		{ "--in", NULL },
		{ "--run", NULL },
		{ "--", NULL },
		{ "-", NULL },
		{ "", NULL },
		{ "---", NULL },
		{ "--x", NULL },
		{ "-pp", NULL },
		{ "--input", "--input" },
		{ "--output", "--output" }, /* whole names, though others begin so */
		{ "--bench", NULL },
		{ "--bench-no-s", NULL },
		{ "--bench-no-sync", "--bench-no-sync" }, /* hidden: whole or not at all */
		{ "mini-batch-s", "--mini-batch-size" },
		{ "p", NULL },
		{ "-p", "--processes" },
		{ "-i", "--input" },
		{ "-P", NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct prs_option_row *row = prs_option_find(cases[i].word, true);
		if ((row ? row->flag : "") != cases[i].means &&
		    (!row || !cases[i].means || strcmp(row->flag, cases[i].means) != 0))
			if (row || cases[i].means)
				fail_msg("%s means %s", cases[i].word, row ? row->flag : "nothing");
	}
	const struct prs_option_row *many[2];
	assert_int_equal(prs_option_match("--inp", true, many, 2), 2);
	assert_string_equal(many[0]->flag, "--input");
	assert_string_equal(many[1]->flag, "--input-format");
	assert_int_equal(prs_option_match("--inp", false, many, 2), 0);
}

/* A letter left out, doubled, wrong, or two swapped, at every place of every name: the name itself is proposed, or one
 * as near. */
static void test_misspelt(void **state)
{
	(void)state;
	for (unsigned i = 0; prs_option_at(i); i++) {
		const char *flag = prs_option_at(i)->flag;
		size_t n = strlen(flag);
		if (!prs_option_at(i)->group[0] || n < 7)
			continue;
		for (size_t at = 2; at < n; at++) {
			char bad[4][PRS_OPTION_WORD_MAX];
			snprintf(bad[0], sizeof bad[0], "%.*s%s", (int)at, flag, flag + at + 1);
			snprintf(bad[1], sizeof bad[1], "%.*s%c%s", (int)at, flag, flag[at], flag + at);
			snprintf(bad[2], sizeof bad[2], "%.*s#%s", (int)at, flag, flag + at + 1);
			snprintf(bad[3], sizeof bad[3], "%s", flag);
			bad[3][at] = flag[at - (at > 2)];
			bad[3][at - (at > 2)] = flag[at];
			for (int k = 0; k < 4; k++) {
				const char *near = prs_option_find(bad[k], false) ? bad[k] : prs_option_nearest(bad[k]);
				if (!near)
					fail_msg("nothing near %s", bad[k]);
				assert_true(prs_distance(near, bad[k]) <= prs_distance(flag, bad[k]));
			}
		}
	}
	assert_null(prs_option_nearest("--nothing-like-it"));
	assert_null(prs_option_nearest("-x"));
	assert_string_equal(prs_option_nearest("--Mini_Batch_Sise"), "--mini-batch-size");
	char longest[400];
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = 0;
	assert_null(prs_option_nearest(longest));
}

static void test_distance(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		unsigned distance;
	} cases[] = { { "", "", 0 },
		      { "a", "", 1 },
		      { "abc", "abc", 0 },
		      { "abc", "acb", 1 },
		      { "abc", "ab", 1 },
		      { "abc", "xabc", 1 },
		      { "resume", "resmue", 1 },
		      { "status", "stauts", 1 },
		      { "kitten", "sitting", 3 },
		      { "ab", "ba", 1 },
		      { "abcd", "dcba", 3 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(prs_distance(cases[i].a, cases[i].b), cases[i].distance);
		assert_int_equal(prs_distance(cases[i].b, cases[i].a), cases[i].distance);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_option_and_value, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text_form_is_exact, setup, teardown),
		cmocka_unit_test(test_every_spelling),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_misspelt),
		cmocka_unit_test(test_distance),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
