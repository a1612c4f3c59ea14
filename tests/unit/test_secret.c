/* SPDX-License-Identifier: Apache-2.0
 * test_secret: which names are secrets, and that nothing of their values stays in a text, and nothing else is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"

#include <stdio.h>
#include <string.h>

static void test_names(void **state)
{
	(void)state;
	static const char *const secrets[] = {
		"sasUrl",
		"CredentialFile",
		"PASSWORD",
		"password",
		"DB_PASSWORD",
		"dbPassword",
		"db-password",
		"db.password",
		"--db-password",
		"PASSWORD2",
		"passwd",
		"PGPWD_OLD",
		"old_pwd",
		"client_secret",
		"ClientSecret",
		"SECRETS",
		"HF_TOKEN",
		"token",
		"authToken2",
		"sas",
		"SAS_URL",
		"credential",
		"AZURE_CREDENTIALS",
		"apikey",
		"APIKEY",
		"api_key",
		"apiKey",
		"APIKey",
		"X-API-Key",
		"AWS_ACCESS_KEY",
		"accessKey",
		"storageAccountKey",
		"account.key",
		"ACCOUNTKEY",
		"accesskey",
		"AWS_SECRET_ACCESS_KEY",
		"PGPASSWORD",
		"authtoken",
		"userpwd",
		"myapikey",
	};
	static const char *const open[] = {
		"",        "tokenizer",   "TOKENS",     "max_tokens", "secretary",
		"key",     "primary_key", "key_access", "api",        "passwords_" /* the word is passwords */,
		"compass", "KEYBOARD",    "access",     "sassy",      "pass",
		"--key",   "api_keys",    "sort-key",   "monkey",     "account",
	};
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if (!prs_is_secret(secrets[i], strlen(secrets[i]), NULL))
			fail_msg("%s is shown", secrets[i]);
	for (size_t i = 0; i < sizeof open / sizeof *open; i++)
		if (prs_is_secret(open[i], strlen(open[i]), NULL) != !strcmp(open[i], "passwords_"))
			fail_msg("%s is masked", open[i]);
}

static void test_names_that_are_given(void **state)
{
	(void)state;
	char one[] = "--my-pin", two[] = "COLOUR";
	char *v[] = { one, two };
	struct prs_list more = { v, 2 };
	assert_true(prs_is_secret("MY_PIN", 6, &more));
	assert_true(prs_is_secret("--my-pin", 8, &more));
	assert_true(prs_is_secret("colour", 6, &more));
	assert_false(prs_is_secret("colours", 7, &more));
	assert_false(prs_is_secret("pin", 3, &more));
	assert_false(prs_is_secret("", 0, &more));
}

static const char *masked(const char *text, bool wide)
{
	static struct prs_buf b;
	prs_buf_done(&b);
	prs_buf_init(&b, 1 << 16);
	prs_put_masked(&b, text, strlen(text), NULL, wide);
	return prs_buf_str(&b);
}

static void test_texts(void **state)
{
	(void)state;
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "nothing: to see", "nothing: to see" },
		{ "password", "password" },
		{ "password=", "password=***" },
		{ "password=x y", "password=*** y" },
		{ "DB_PASSWORD: hunter2 and more", "DB_PASSWORD: ***" },
		{ "DB_PASSWORD: \"a b\" # c", "DB_PASSWORD: \"***\" # c" },
		{ "  'token': 'x'\n  other: y", "  'token': '***'\n  other: y" },
		{ "{\"secret\": \"a\\\"b\", \"n\": 1}", "{\"secret\": \"***\", \"n\": 1}" },
		{ "--db-password x --n 5", "--db-password *** --n 5" },
		{ "--db-password --n 5", "--db-password --n 5" },
		{ "--use-token", "--use-token" },
		{ "program_arguments: --token 'a b' --n ${{x}}", "program_arguments: --token '***' --n ${{x}}" },
		{ "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=ab/c+d==;EndpointSuffix=y",
		  "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=***;EndpointSuffix=y" },
		{ "https://x/y?sv=1&sig=abc%3D&se=2", "https://x/y?sv=1&sig=***&se=2" },
		{ "sig=5", "sig=5" },
		{ "postgres://me:pw@host:5432/db", "postgres://me:***@host:5432/db" },
		{ "https://host:443/x@y", "https://host:443/x@y" },
		{ "a token of a sentence", "a token of a sentence" },
		{ "password:x", "password:x" }, /* no YAML, no flag */
		{ "password=a\npassword=b", "password=***\npassword=***" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *shown = masked(cases[i].text, false);
		if (strcmp(shown, cases[i].shown) != 0)
			fail_msg("%s\n  expected: %s\n  found:    %s", cases[i].text, cases[i].shown, shown);
	}
	assert_string_equal(masked("token: abcd", true), "token: ****");
	assert_string_equal(masked("a=1 pwd=\xc3\xa9 b=2", true), "a=1 pwd=** b=2");
}

static void test_words(void **state)
{
	(void)state;
	static const char *const words[] = { "--password", "a b",   "--pwd=x=y",      "--token",
		                             "--n",        "5",     "db.secret=z",    "-api-key",
		                             "q",          "plain", "x;AccountKey=k", "--colour",
		                             "blue" };
	static const char *const shown[] = { "--password", "***",   "--pwd=***",        "--token",
		                             "--n",        "5",     "db.secret=***",    "-api-key",
		                             "***",        "plain", "x;AccountKey=***", "--colour",
		                             "***" };
	struct prs_list l = { 0 }, more = { 0 };
	assert_int_equal(prs_list_add(&more, "colour"), 0);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		assert_int_equal(prs_list_add(&l, words[i]), 0);
	for (size_t i = 0; i < l.n; i++) {
		struct prs_buf b;
		prs_buf_init(&b, 1024);
		prs_put_masked_word(&b, &l, i, &more);
		assert_string_equal(prs_buf_str(&b), shown[i]);
		prs_buf_done(&b);
	}
	prs_list_done(&l);
	prs_list_done(&more);
}

/* Any bytes: the width stays, a text without secrets stays as it is, and masking what is masked changes nothing. */
static void test_any_bytes(void **state)
{
	(void)state;
	static const char *const pieces[] = { "password", "token", "=", ":",  ": ", " ",   "--", "-", "'", "\"",
		                              "\\",       "\n",    "x", "//", "@",  "sig", "?",  "&", ";", "\xff" };
	unsigned seed = 1;
	for (int round = 0; round < 20000; round++) {
		char text[256] = "", once[512];
		for (int k = 0; k < 12; k++) {
			seed = seed * 1103515245u + 12345u;
			strcat(text, pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)]);
		}
		assert_int_equal(strlen(masked(text, true)), strlen(text));
		if (!strstr(text, "password") && !strstr(text, "token") && !strchr(text, '@') && !strstr(text, "sig"))
			assert_string_equal(masked(text, false), text);
		snprintf(once, sizeof once, "%s", masked(text, false));
		assert_string_equal(masked(once, false), once);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),     cmocka_unit_test(test_names_that_are_given),
		cmocka_unit_test(test_texts),     cmocka_unit_test(test_words),
		cmocka_unit_test(test_any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
