/* SPDX-License-Identifier: Apache-2.0
 * test_partition: partition formats against paths.
 */
#include "base/mem.h"
#include "base/partition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct prs_partition *make(const char *format, const char *keys, struct prs_err *err)
{
	struct prs_list l = { 0 };
	char words[64], *save = NULL;
	snprintf(words, sizeof words, "%s", keys);
	for (char *word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save))
		assert_int_equal(prs_list_add(&l, word), 0);
	struct prs_partition *p = prs_partition_new(format, &l, err);
	prs_list_done(&l);
	return p;
}

/* "store=sA day=d2020-01-02T00:00:00", "" = does not fit */
static const char *values(const char *format, const char *keys, const char *path, char *to, size_t n)
{
	struct prs_err err = { 0 };
	struct prs_partition *p = make(format, keys, &err);
	if (!p)
		fail_msg("%s: %s", format, err.msg);
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	int r = prs_partition_match(p, path, &b);
	assert_true(r >= 0);
	for (size_t i = 0, word = 0; i < b.len; i++)
		if (!b.data[i])
			b.data[i] = word++ % 2 ? ' ' : '=';
	snprintf(to, n, "%.*s", b.len ? (int)b.len - 1 : 0, b.len ? (const char *)b.data : "");
	assert_int_equal(r, b.len > 0);
	prs_partition_free(p);
	return to;
}

static void test_match(void **state)
{
	(void)state;
	static const struct {
		const char *format, *keys, *path, *expected;
	} rows[] = {
		{ "{user}/{season}/*.wav", "user,season", "/data/in/eve/winter/1.wav", "user=seve season=swinter" },
		{ "{user}/{season}/*.wav", "season", "/data/in/eve/winter/1.wav", "season=swinter" },
		{ "{user}/{season}/*.wav", "season,user", "/data/in/eve/winter/1.wav", "season=swinter user=seve" },
		{ "/{user}/{season}/*.wav", "user", "/eve/winter/1.wav", "user=seve" },
		{ "{user}/{season}/*.wav", "user", "/winter/1.wav", "" },
		{ "{user}/{season}/*.wav", "user", "/data/eve/winter/1.mp3", "" },
		{ "{user}/{season}/*.wav", "user", "/data/eve/winter/deep/er.wav",
		  "user=swinter" }, /* the end of the path counts */
		{ "{Department}/{Day:yyyy/MM/dd}/data.csv", "Department,Day", "/x/Accounts/2019/01/31/data.csv",
		  "Department=sAccounts Day=d2019-01-31T00:00:00" },
		{ "{Day:yyyy/MM/dd}/data.csv", "Day", "/x/2019/02/29/data.csv", "" },
		{ "{Day:yyyy/MM/dd}/data.csv", "Day", "/x/2020/02/29/data.csv", "Day=d2020-02-29T00:00:00" },
		{ "{Day:yyyy/MM/dd}/data.csv", "Day", "/x/2019/1/31/data.csv", "" },
		{ "log_{t:yyyyMMdd-HHmmss}.txt", "t", "/x/log_20240229-235958.txt", "t=d2024-02-29T23:59:58" },
		{ "log_{t:yyyyMMdd-HHmmss}.txt", "t", "/x/log_20240229-235960.txt", "" },
		{ "{y:yyyy}.txt", "y", "1999.txt", "y=d1999-01-01T00:00:00" },
		{ "{y:yyyy}.txt", "y", "0000.txt", "" }, /* no datetime has it */
		{ "{t:yyyyMMddHH}.txt", "t", "2024130100.txt", "" },
		{ "{t:yyyyMMddHH}.txt", "t", "2024120024.txt", "" },
		{ "{store}_{brand}.csv", "store,brand", "/d/1000_tropicana_2.csv", "store=s1000 brand=stropicana_2" },
		{ "*_{brand}.csv", "brand", "/d/a_b_c.csv", "brand=sb_c" },
		{ "?_{brand}.csv", "brand", "/d/ab_c.csv", "" },
		{ "store={store}/brand={brand}/part-*", "brand", "/d/store=9/brand=x y/part-0", "brand=sx y" },
		{ "store={store}/brand={brand}/part-*", "store,brand", "/d/store=%/brand=x%20y%2f%c3%A4%00%4/part-0",
		  "store=s% brand=sx y/\xc3\xa4%00%4" },
		{ "store={store}/brand={brand}/part-*", "store,brand",
		  "/d/store=__HIVE_DEFAULT_PARTITION__/brand=__hive_default_partition__/part-0",
		  "store=n brand=s__hive_default_partition__" },
		{ "{store}/b-{brand}/part-*", "store,brand", "/d/__HIVE_DEFAULT_PARTITION__/b-%20/part-0",
		  "store=s__HIVE_DEFAULT_PARTITION__ brand=s%20" },
		{ "{a}{b}", "a,b", "/d/xyz", "a=sx b=syz" },
		{ "{a}.txt", "a", "/d/.txt", "" },
		{ "{a}/b.txt", "a", "/d/\xff/b.txt", "a=s\xff" },
	};
	char got[256];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(values(rows[i].format, rows[i].keys, rows[i].path, got, sizeof got), rows[i].expected) != 0)
			fail_msg("%s against %s: %s, not %s", rows[i].format, rows[i].path, got, rows[i].expected);
}

static void test_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *format, *keys, *says;
	} rows[] = {
		{ "{a", "a", "a { without its }" },
		{ "{}", "a", "the name of a key" },
		{ "{a/b}", "a", "the name of a key" },
		{ "{a{b}}", "a", "the name of a key" },
		{ "x/*.csv", "a", "it has no {key}" },
		{ "{a}/{a}", "a", "a key is there twice" },
		{ "{a:MM/dd}", "a", "a date needs its year" },
		{ "{a:yyyy/DD}", "a", "a date is made of" },
		{ "{a:yyyy/yyyy}", "a", "there twice" },
		{ "{a:}", "a", "needs its year" },
		{ "{a}/{b}", "c", "partition key c is not in partition_format \"{a}/{b}\"" },
		{ "{a}/{b}", "a,a", "partition key a is given twice" },
		{ "{a}", "", "at least one key" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prs_err err = { 0 };
		assert_null(make(rows[i].format, rows[i].keys, &err));
		if (!strstr(err.msg, rows[i].says))
			fail_msg("%s: %s", rows[i].format, err.msg);
	}
	char format[4 * 33 + 1] = "", word[8];
	for (int i = 0; i < 33; i++) {
		snprintf(word, sizeof word, "{%c%c}", 'a' + i / 26, 'a' + i % 26);
		strcat(format, word);
	}
	struct prs_err err = { 0 };
	assert_null(make(format, "aa", &err));
	assert_non_null(strstr(err.msg, "more keys than 32"));
	char longest[PRS_PARTITION_FORMAT_MAX + 1];
	memset(longest, 'x', sizeof longest);
	memcpy(longest, "{a}", 3);
	longest[PRS_PARTITION_FORMAT_MAX] = 0;
	assert_null(make(longest, "a", &err));
	longest[PRS_PARTITION_FORMAT_MAX - 1] = 0;
	prs_partition_free(make(longest, "a", &err));
}

/* Many keys in one name and nothing that fits: quick all the same. */
static void test_worst_case(void **state)
{
	(void)state;
	char format[256] = "", path[2048] = "/d/", got[8], word[8];
	for (int i = 0; i < 26; i++) {
		snprintf(word, sizeof word, "{%c}", 'a' + i);
		strcat(format, word);
	}
	strcat(format, "!");
	for (int i = 0; i < 1000; i++)
		strcat(path, "x");
	assert_string_equal(values(format, "a", path, got, sizeof got), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_match), cmocka_unit_test(test_wrong),
		                            cmocka_unit_test(test_worst_case) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
