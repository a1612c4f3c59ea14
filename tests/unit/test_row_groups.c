/* SPDX-License-Identifier: Apache-2.0
 * test_row_groups: the mini-batches of a Parquet file, and the type that holds what the columns of two files hold.
 */
#include "data/arrow.h"
#include "data/row_groups.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_BYTES = 1 << 16, SHOWN = 12 };

static const struct {
	const char *groups; /* "rows/bytes rows/bytes" */
	enum prs_size_unit unit;
	uint64_t n;
	const char *batches; /* rows; SHOWN at most */
} cases[] = {
	{ "10/100 10/100 10/100", PRS_SIZE_BYTES, 200, "20 10" },
	{ "10/100 10/100 10/100", PRS_SIZE_BYTES, 199, "10 10 10" },
	{ "10/100 10/100 10/100", PRS_SIZE_BYTES, 100, "10 10 10" },
	{ "10/100", PRS_SIZE_BYTES, 99, "5 5" },
	{ "10/100", PRS_SIZE_BYTES, 34, "4 3 3" },
	{ "3/100", PRS_SIZE_BYTES, 1, "1 1 1" },
	{ "1/100 1/1 1/1 2/300 1/1", PRS_SIZE_BYTES, 100, "1 2 1 1 1" },
	{ "", PRS_SIZE_BYTES, 100, "" },
	{ "0/0 0/7", PRS_SIZE_BYTES, 100, "" },
	{ "0/9 5/50 0/9 5/50 0/9", PRS_SIZE_BYTES, 100, "10" },
	{ "0/900 5/50", PRS_SIZE_BYTES, 100, "5" },
	{ "5/0 5/0", PRS_SIZE_BYTES, 1, "10" },
	{ "5/18446744073709551615 5/1", PRS_SIZE_BYTES, 10, "1 1 1 1 1 5" },
	{ "5/18446744073709551615 5/18446744073709551615", PRS_SIZE_BYTES, UINT64_MAX, "5 5" },
	{ "4294967296/5", PRS_SIZE_BYTES, 10, "2147483648 2147483648" },
	{ "4294967295/5 1/1", PRS_SIZE_BYTES, 10, "4294967295 1" },
	{ "10/100 10/100", PRS_SIZE_ROWS, 7, "7 7 6" },
	{ "10/100 10/100", PRS_SIZE_ROWS, 10, "10 10" },
	{ "10/100 0/0 10/100", PRS_SIZE_ROWS, 100, "20" },
	{ "3/1", PRS_SIZE_ROWS, 1, "1 1 1" },
	{ "4294967296/5", PRS_SIZE_ROWS, UINT64_MAX, "4294967295 1" },
	{ "0/0", PRS_SIZE_ROWS, 5, "" },
};

static void put_groups(struct prs_buf *b, const char *text)
{
	uint64_t rows, bytes;
	int used;
	uint32_t n = 0;
	prs_buf_zero(b, 1 + 8 + 8 + 4);
	prs_buf_zero(b, 4 + 4 + 4);
	for (; sscanf(text, "%" SCNu64 "/%" SCNu64 "%n", &rows, &bytes, &used) == 2; text += used, n++) {
		prs_buf_u64(b, rows);
		prs_buf_u64(b, bytes);
	}
	prs_put32(b->data + 21, n);
}

static void test_mini_batches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		PRS_AUTOBUF raw, text;
		struct prs_footer f;
		struct prs_row_groups g;
		prs_buf_init(&raw, MAX_BYTES);
		prs_buf_init(&text, MAX_BYTES);
		put_groups(&raw, cases[i].groups);
		assert_int_equal(prs_footers_get(raw.data, raw.len, &f, NULL), 0);
		prs_row_groups_init(&g, &f, (struct prs_batch_size){ cases[i].unit, cases[i].n });
		uint64_t sum = 0;
		uint32_t rows;
		for (unsigned k = 0; (rows = prs_row_groups_next(&g)) && k < SHOWN; k++, sum += rows)
			prs_buf_putf(&text, "%s%" PRIu32, k ? " " : "", rows);
		if (strcmp(prs_buf_str(&text), cases[i].batches))
			fail_msg("%s: got %s, want %s", cases[i].groups, prs_buf_str(&text), cases[i].batches);
		assert_int_equal(sum, f.rows);
		assert_int_equal(prs_row_groups_next(&g), 0);
	}
}

/* Some rows of a file: what its mini-batches have of them. */
static const struct {
	const char *groups;
	enum prs_size_unit unit;
	uint64_t n;
	const char *ranges;  /* "first-end ..." */
	const char *batches; /* "first+rows ..." */
} some[] = {
	{ "10/100 10/100 10/100", PRS_SIZE_BYTES, 100, "10-20", "10+10" },
	{ "10/100 10/100 10/100", PRS_SIZE_BYTES, 200, "10-20", "10+10" },
	{ "10/100 10/100 10/100", PRS_SIZE_BYTES, 100, "5-25", "5+5 10+10 20+5" },
	{ "10/100 10/100 10/100", PRS_SIZE_BYTES, 100, "0-1 3-4 9-11 29-30", "0+1 3+1 9+1 10+1 29+1" },
	{ "10/100", PRS_SIZE_BYTES, 34, "0-10", "0+4 4+3 7+3" },
	{ "10/100", PRS_SIZE_BYTES, 34, "3-8", "3+1 4+3 7+1" },
	{ "10/100 10/100", PRS_SIZE_ROWS, 7, "0-20", "0+7 7+7 14+6" },
	{ "10/100 10/100", PRS_SIZE_ROWS, 7, "8-9 13-15", "8+1 13+1 14+1" },
	{ "10/100 10/100", PRS_SIZE_ROWS, 100, "19-20", "19+1" },
	{ "10/100", PRS_SIZE_ROWS, 100, "9-12", "9+1" },
	{ "0/9 5/50 0/9", PRS_SIZE_BYTES, 100, "4-5", "4+1" },
	{ "", PRS_SIZE_BYTES, 100, "0-1", "" },
};

static void test_some_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
		PRS_AUTOBUF raw, text;
		struct prs_footer f;
		struct prs_row_groups g;
		uint64_t first, end, row;
		int used;
		prs_buf_init(&raw, MAX_BYTES);
		prs_buf_init(&text, MAX_BYTES);
		put_groups(&raw, some[i].groups);
		assert_int_equal(prs_footers_get(raw.data, raw.len, &f, NULL), 0);
		prs_row_groups_init(&g, &f, (struct prs_batch_size){ some[i].unit, some[i].n });
		for (const char *at = some[i].ranges; sscanf(at, "%" SCNu64 "-%" SCNu64 "%n", &first, &end, &used) == 2;
		     at += used)
			for (uint32_t rows; (rows = prs_row_groups_within(&g, first, end, &row));)
				prs_buf_putf(&text, "%s%" PRIu64 "+%" PRIu32, text.len ? " " : "", row, rows);
		if (strcmp(prs_buf_str(&text), some[i].batches))
			fail_msg("%s of %s: got %s, want %s", some[i].ranges, some[i].groups, prs_buf_str(&text),
			         some[i].batches);
	}
}

static const struct {
	const char *a, *b, *both, *in_file; /* both: in any order; in_file: of b, where the sample says a */
} types[] = {
	{ "int64", "int64", "int64", "int64" },
	{ "int8", "int32", "int32", "int32" },
	{ "int32", "int8", "int32", "int32" },
	{ "uint8", "uint64", "uint64", "uint64" },
	{ "int64", "uint32", "int64", "int64" },
	{ "int32", "uint32", "int64", "int64" },
	{ "int16", "uint8", "int16", "int16" },
	{ "int64", "uint64", NULL, "uint64" },
	{ "uint64", "int8", NULL, "int8" },
	{ "int64", "double", "double", "double" },
	{ "double", "int64", "double", "double" },
	{ "float", "double", "double", "double" },
	{ "float", "int8", "double", "double" },
	{ "halffloat", "halffloat", "halffloat", "halffloat" },
	{ "null", "string", "string", "string" },
	{ "list<item: int64>", "null", "list<item: int64>", "list<item: int64>" },
	{ "null", "null", "null", "null" },
	{ "string", "large_string", "string", "string" },
	{ "dictionary<values=string, indices=int8, ordered=0>", "string", "string", "string" },
	{ "dictionary<values=string, indices=int32, ordered=0>", "dictionary<values=string, indices=int32, ordered=0>",
	  "dictionary<values=string, indices=int32, ordered=0>",
	  "dictionary<values=string, indices=int32, ordered=0>" },
	{ "dictionary<values=int64, indices=int8, ordered=0>", "int64", NULL, NULL },
	{ "timestamp[us]", "timestamp[ns]", "timestamp[ns]", "timestamp[ns]" },
	{ "timestamp[us, tz=UTC]", "timestamp[s, tz=UTC]", "timestamp[us, tz=UTC]", "timestamp[us, tz=UTC]" },
	{ "timestamp[us, tz=UTC]", "timestamp[us]", NULL, NULL },
	{ "timestamp[us, tz=UTC]", "timestamp[us, tz=Europe/Berlin]", NULL, NULL },
	{ "date32[day]", "timestamp[us]", NULL, NULL },
	{ "bool", "int64", NULL, NULL },
	{ "string", "int64", NULL, NULL },
	{ "string", "binary", NULL, NULL },
	{ "decimal128(10, 2)", "decimal128(12, 2)", NULL, NULL },
	{ "struct<a: int64>", "struct<a: int64>", "struct<a: int64>", "struct<a: int64>" },
};

static void check(const char *what, const char *a, const char *b, const char *got, const char *want)
{
	if ((got && want) ? strcmp(got, want) != 0 : got != want)
		fail_msg("%s of %s and %s: %s", what, a, b, got ? got : "none");
}

static void test_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const char *a = types[i].a, *b = types[i].b;
		check("what holds those", a, b, prs_arrow_unite(a, b), types[i].both);
		check("what holds those", b, a, prs_arrow_unite(b, a), types[i].both);
		check("in a file", a, b, prs_arrow_in_file(a, b), types[i].in_file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mini_batches),
		cmocka_unit_test(test_some_rows),
		cmocka_unit_test(test_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
