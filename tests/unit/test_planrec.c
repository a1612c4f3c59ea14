/* SPDX-License-Identifier: Apache-2.0
 * test_planrec: every record of the plan against its golden bytes; what is longer, cut off, unknown or contradicts
 * itself.
 */
#include "wire/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

#define TEXT(s)                    \
	{                          \
		(s), sizeof(s) - 1 \
	}
#define PRINT(n)                                                                                                  \
	{                                                                                                         \
		n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8, n + 9, n + 10, n + 11, n + 12, n + 13, \
			n + 14, n + 15                                                                            \
	}

/* The bytes were made by hand with Python's struct from docs/formats.md, not by this engine. */
static const struct golden {
	struct prs_plan_record record;
	const char *hex;
} golden[] = {
	{ { .type = PRS_PLAN_INPUT,
	    .u.input = { 1, 0, 0, 7, PRINT(0x10), TEXT("input_0"), TEXT("/data/in"), TEXT("ignore=*.tmp") } },
	  "020000004100000001000000000000000700000000000000101112131415161718191a1b1c1d1e1f0700696e7075745f"
	  "3008002f646174612f696e0c0069676e6f72653d2a2e746d7000000000000000" },
	{ { .type = PRS_PLAN_DIR, .u.dir = { 4, PRS_NO_DIR, 1, TEXT("caf\xe9\xff") } },
	  "030000001100000004000000ffffffff01000500636166e9ff00000000000000" },
	{ { .type = PRS_PLAN_FILES,
	    .u.files = { .dir = 4,
	                 .count = 3,
	                 .flags = PRS_FILES_LAST,
	                 .names_bytes = 10,
	                 .first_file = 1000,
	                 .names = "a\0b b\0c\xff\n" } },
	  "04000000220000000400000003000000e803000000000000010000000a00000061006220620063ff0a00000000000000" },
	{ { .type = PRS_PLAN_RULE, .u.rule = { 10, 1000000, 1000, 7, 1 } },
	  "05000000200000000a0000000000000040420f0000000000e8030000000000000700000001000000" },
	{ { .type = PRS_PLAN_GROUP,
	    .u.group = { 17, 1, 12, 2,
	                 (const uint8_t *)"\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0",
	                 "k\0s\xff b\0d\0d1\0" } },
	  "07000000440000001100000000000000010000000c000000020000000000000003000000000000000200000000000000070000000000"
	  "000001000000000000006b0073ff206200640064310000000000" },
	{ { .type = PRS_PLAN_END, .u.end = { 1000010, 7000070, 7001000, 0xdeadbeef } },
	  "09000000200000004a420f000000000006d06a0000000000a8d36a000000000000000000efbeadde" },
	{ { .type = PRS_PLAN_PART, .u.part = { 0x01020304 } }, "0a000000040000000403020100000000" },
};
enum { GOLDEN = sizeof golden / sizeof *golden };

static void assert_same_again(const uint8_t *p, size_t n, size_t i)
{
	struct prs_plan_record r;
	struct prs_err err = { 0 };
	PRS_AUTOBUF b;
	size_t at = 0;
	prs_buf_init(&b, 4096);
	assert_int_equal(prs_plan_next(p, n, &at, &r, &err), 1);
	assert_int_equal(at, n);
	assert_int_equal(r.type, golden[i].record.type);
	assert_int_equal(prs_plan_put(&b, &r), 0);
	assert_bytes_hex(b.data, b.len, golden[i].hex, "plan record");
	assert_int_equal(prs_plan_next(p, n, &at, &r, &err), 0);
}

static void test_golden_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN; i++) {
		PRS_AUTOBUF b;
		size_t n;
		prs_buf_init(&b, 4096);
		assert_int_equal(prs_plan_put(&b, &golden[i].record), 0);
		assert_bytes_hex(b.data, b.len, golden[i].hex, "plan record");
		uint8_t *p = hex_bytes(golden[i].hex, &n);
		assert_same_again(p, n, i);
		free(p);
	}
}

static void test_longer_and_shorter_payloads(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN; i++) {
		size_t n;
		uint8_t *p = hex_bytes(golden[i].hex, &n);
		uint32_t whole = prs_get32(p + 4);
		for (uint32_t len = 0; len < whole + 17; len++) {
			size_t padded = 8 + (((size_t)len + 7) & ~(size_t)7), at = 0;
			uint8_t *q = malloc(padded);
			struct prs_plan_record r;
			struct prs_err err = { 0 };
			memset(q, 0xee, padded);
			memcpy(q, p, padded < 8 + whole ? padded : 8 + whole);
			prs_put32(q + 4, len);
			if (len >= whole) {
				assert_same_again(q, padded, i);
			} else {
				assert_int_equal(prs_plan_next(q, padded, &at, &r, &err), -PRS_ECORRUPT);
				assert_non_null(strstr(err.msg, "at byte 0 of its frame"));
			}
			free(q);
		}
		free(p);
	}
}

static void test_unknown_types(void **state)
{
	(void)state;
	/* 1, 6, 8 are reserved for tables; this engine must not pass over them */
	static const uint16_t types[] = { 0, 1, 6, 8, 11, 0xffff };
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		for (uint16_t flags = 0; flags < 4; flags++) {
			uint8_t body[16] = { 0 };
			struct prs_plan_record r;
			struct prs_err err = { 0 };
			size_t at = 0;
			prs_put16(body, types[i]);
			prs_put16(body + 2, flags);
			prs_put32(body + 4, 5);
			assert_int_equal(prs_plan_next(body, sizeof body, &at, &r, &err),
			                 flags & PRS_RECORD_MAY_SKIP ? 0 : -PRS_EVERSION);
			assert_int_equal(at, 16);
		}
}

/* FILES: as many names as it says, each closed by a NUL, none of them empty. */
static void test_names_must_match_their_count(void **state)
{
	(void)state;
	static const struct {
		const char *names;
		uint32_t bytes, count;
		int want;
	} rows[] = {
		{ "a\0b\0", 4, 2, 1 },
		{ "a\0b", 3, 2, -PRS_ECORRUPT },
		{ "a\0b\0", 4, 1, -PRS_ECORRUPT },
		{ "a\0b\0", 4, 3, -PRS_ECORRUPT },
		{ "a\0\0b\0", 5, 3, -PRS_ECORRUPT },
		{ "", 0, 0, 1 },
		{ "", 0, 1, -PRS_ECORRUPT },
		{ "\0", 1, 1, -PRS_ECORRUPT },
		{ "\xff\n /\0", 5, 1, 1 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prs_plan_record r = {
			.type = PRS_PLAN_FILES,
			.u.files = { .count = rows[i].count, .names_bytes = rows[i].bytes, .names = rows[i].names }
		};
		PRS_AUTOBUF b;
		size_t at = 0;
		prs_buf_init(&b, 4096);
		assert_int_equal(prs_plan_put(&b, &r), 0);
		assert_int_equal(prs_plan_next(b.data, b.len, &at, &r, NULL), rows[i].want);
	}
}

/* GROUP: ranges that rise, keys in pairs, values with their kind. */
static void test_groups_must_be_whole(void **state)
{
	(void)state;
	static const struct {
		uint64_t first[2];
		uint32_t count[2], ranges;
		const char *keys;
		uint32_t bytes;
		int want;
	} rows[] = {
		{ { 0, 5 }, { 5, 1 }, 2, "a\0sb\0", 5, 1 },
		{ { 0, 4 }, { 5, 1 }, 2, "a\0sb\0", 5, -PRS_ECORRUPT },
		{ { 5, 0 }, { 1, 1 }, 2, "a\0sb\0", 5, -PRS_ECORRUPT },
		{ { 0, 5 }, { 5, 0 }, 2, "a\0sb\0", 5, -PRS_ECORRUPT },
		{ { UINT64_MAX - 1, 0 }, { 2, 0 }, 1, "a\0sb\0", 5, -PRS_ECORRUPT },
		{ { UINT64_MAX - 2, 0 }, { 2, 0 }, 1, "a\0sb\0", 5, 1 },
		{ { 0, 0 }, { 0, 0 }, 0, "a\0sb\0", 5, -PRS_ECORRUPT },
		{ { 0, 0 }, { 1, 0 }, 1, "a\0b\0", 4, -PRS_ECORRUPT },
		{ { 0, 0 }, { 1, 0 }, 1, "a\0s\0", 4, 1 },
		{ { 0, 0 }, { 1, 0 }, 1, "a\0\0", 3, -PRS_ECORRUPT },
		{ { 0, 0 }, { 1, 0 }, 1, "\0s\0", 3, -PRS_ECORRUPT },
		{ { 0, 0 }, { 1, 0 }, 1, "a\0s", 3, -PRS_ECORRUPT },
		{ { 0, 0 }, { 1, 0 }, 1, "a\0", 2, -PRS_ECORRUPT },
		{ { 0, 0 }, { 1, 0 }, 1, "", 0, -PRS_ECORRUPT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t ranges[32] = { 0 };
		for (size_t k = 0; k < 2; k++) {
			prs_put64(ranges + 16 * k, rows[i].first[k]);
			prs_put32(ranges + 16 * k + 8, rows[i].count[k]);
		}
		struct prs_plan_record r = { .type = PRS_PLAN_GROUP,
			                     .u.group = { 1, 0, rows[i].bytes, rows[i].ranges, ranges, rows[i].keys } };
		PRS_AUTOBUF b;
		size_t at = 0;
		prs_buf_init(&b, 4096);
		assert_int_equal(prs_plan_put(&b, &r), 0);
		int got = prs_plan_next(b.data, b.len, &at, &r, NULL);
		if (got != rows[i].want)
			fail_msg("row %zu: %d", i, got);
	}
}

static void test_never_half_a_record(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN; i++) {
		size_t n;
		free(hex_bytes(golden[i].hex, &n));
		for (size_t max = 0; max < n; max++) {
			PRS_AUTOBUF b;
			prs_buf_init(&b, max);
			assert_int_equal(prs_plan_put(&b, &golden[i].record), -PRS_ELIMIT);
			assert_int_equal(b.len, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_bytes),         cmocka_unit_test(test_longer_and_shorter_payloads),
		cmocka_unit_test(test_unknown_types),        cmocka_unit_test(test_names_must_match_their_count),
		cmocka_unit_test(test_groups_must_be_whole), cmocka_unit_test(test_never_half_a_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
