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
	/* tables: made by tests/golden/make_v2.py */
	{ { .type = PRS_PLAN_INPUT,
	    .u.input = { 1, PRS_INPUT_DELIMITED, PRS_SIZE_BYTES, 10 << 20, PRINT(0x10), TEXT("sales"), TEXT("/data/in"),
	                 TEXT("") } },
	  "020000003300000001000100010000000000a00000000000101112131415161718191a1b1c1d1e1f050073616c657308002f6461"
	  "74612f696e00000000000000" },
	{ { .type = PRS_PLAN_FILES,
	    .u.files = { .dir = 4,
	                 .count = 2,
	                 .flags = PRS_FILES_LAST | PRS_FILES_STATS,
	                 .names_bytes = 6,
	                 .first_file = 1000,
	                 .names = "a\0b c",
	                 .stats = (const uint8_t *)"\xbc\2\0\0\0\0\0\0\0\x40\x1e\x18\x24\x0a\6\0"
	                                           "\0\0\0\0\2\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff" } },
	  "040000003e0000000400000002000000e8030000000000000300000006000000610062206300bc0200000000000000401e18240a"
	  "06000000000002000000feffffffffffffff0000" },
	{ { .type = PRS_PLAN_SLICES,
	    .u.slices = { .input = 1,
	                  .schema = 3,
	                  .file = UINT64_C(1) << 33,
	                  .first_id = 10,
	                  .offset = UINT64_C(1) << 34,
	                  .row = UINT64_C(1) << 35,
	                  .global_row = UINT64_C(1) << 36,
	                  .size = (UINT64_C(1) << 34) + (UINT64_C(1) << 33),
	                  .mtime_us = 1700000000000000,
	                  .spool = 5,
	                  .count = 3,
	                  .bytes = 16,
	                  .packed = (const uint8_t *)"\1\1\xc8\1\xac\2\xff\xff\xff\xff\x0f\x80\x80\x80\x80\x10" } },
	  "0600000060000000010000000300000000000000020000000a000000000000000000000004000000000000000800000000000000"
	  "10000000000000000600000000401e18240a0600050000000300000010000000000000000101c801ac02ffffffff0f8080808010" },
	{ { .type = PRS_PLAN_SCHEMA,
	    .u.schema = { .input = 1, .schema = 7, .file = 9, .bytes = 14, .json = "{\"columns\":[]}" } },
	  "0800000022000000010000000700000009000000000000000e0000007b22636f6c756d6e73223a5b5d7d000000000000" },
	{ { .type = PRS_PLAN_GROUP,
	    .u.group = { 17, 1, 10, 1, (const uint8_t *)"\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", "k\0i-1\0n\0n" } },
	  "07000000320000001100000000000000010000000a0000000100000000000000030000000000000002000000000000006b00692d"
	  "31006e006e00000000000000" },
	{ { .type = PRS_PLAN_PARQUET,
	    .u.slices = { .input = 1,
	                  .schema = 3,
	                  .file = 2,
	                  .first_id = 10,
	                  .row = UINT64_C(1) << 35,
	                  .global_row = UINT64_C(1) << 36,
	                  .size = 9000,
	                  .mtime_us = 1700000000000000,
	                  .count = 2,
	                  .bytes = 3,
	                  .packed = (const uint8_t *)"\xe8\7\1" } },
	  "0b00000053000000010000000300000002000000000000000a000000000000000000000000000000000000000800000000000000"
	  "10000000282300000000000000401e18240a060000000000020000000300000000000000e807010000000000" },
	{ { .type = PRS_PLAN_TABLE_GROUP,
	    .u.table_group = { .id = 17,
	                       .input = 1,
	                       .spool = 6,
	                       .keys_bytes = 15,
	                       .ranges_n = 2,
	                       .ranges = (const uint8_t *)"\3\0\0\0\0\0\0\0\x8\0\0\0\0\0\0\0\xc8\0\0\0\0\0\0\0"
	                                                  "\0\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\2\0\0\0\4\0\0\0"
	                                                  "\4\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\4\0\0\0"
	                                                  "\0\0\0\0\x8\0\0\0\0\0\0\0\x10\0\0\0\xff\xff\xff\xff\5\0\0\0",
	                       .keys = "k\0s\xff b\0x\0f-0.5" } },
	  "0c00000087000000110000000000000001000000060000000f0000000200000003000000000000000800000000000000c8000000"
	  "00000000000000000000000005000000000000000200000004000000040000000000000000000000020000000000000004000000"
	  "00000000080000000000000010000000ffffffff050000006b0073ff2062007800662d302e350000" },
	{ { .type = PRS_PLAN_TABLE_GROUP,
	    .u.table_group = { .id = 18,
	                       .input = 1,
	                       .spool = PRS_EPOCH_MAX,
	                       .keys_bytes = 8,
	                       .ranges_n = 1,
	                       .ranges = (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\x8\0\0\0\0\0\0\0"
	                                                  "\xc8\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0"
	                                                  "\2\0\0\0\4\0\0\0",
	                       .keys = "b\0btrue" } },
	  "0c00000050000000120000000000000001000000ffffff000800000001000000ffffffffffffffff0800000000000000c8000000"
	  "000000000000000000000000050000000000000002000000040000006200627472756500" },
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
	static const uint16_t types[] = { 0, 1, 13, 0xffff }; /* 1 is reserved */
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

/* FILES: a size and a time for each name. */
static void test_stats_must_be_whole(void **state)
{
	(void)state;
	static const uint8_t stats[3 * PRS_FILE_STAT_BYTES];
	for (uint32_t count = 1; count < 4; count++) {
		struct prs_plan_record r = { .type = PRS_PLAN_FILES,
			                     .u.files = { .count = 2,
			                                  .flags = PRS_FILES_STATS,
			                                  .names_bytes = 4,
			                                  .names = "a\0b",
			                                  .stats = stats } };
		PRS_AUTOBUF b;
		size_t at = 0;
		prs_buf_init(&b, 4096);
		assert_int_equal(prs_plan_put(&b, &r), 0);
		b.len = 8 + 24 + 4 + count * PRS_FILE_STAT_BYTES;
		prs_put32(b.data + 4, (uint32_t)b.len - 8);
		assert_int_equal(prs_plan_next(b.data, b.len, &at, &r, NULL), count < 2 ? -PRS_ECORRUPT : 1);
		assert_true(count < 2 || r.u.files.stats == b.data + 8 + 24 + 4);
	}
}

/* SLICES and PARQUET: rows and bytes for as many mini-batches as they say, none empty, all within the file. */
static void test_slices_must_be_whole(void **state)
{
	(void)state;
	enum { S = PRS_PLAN_SLICES, P = PRS_PLAN_PARQUET, NO = -PRS_ECORRUPT };
	static const struct {
		int type;
		const char *packed;
		uint32_t bytes, count;
		uint64_t offset, row, global_row, size;
		uint32_t spool;
		int want;
	} rows[] = {
		{ S, "\3\7\1\1", 4, 2, 2, 0, 0, 10, 0, 1 },
		{ S, "\3\7\1\1", 4, 2, 2, 0, 0, 9, 0, NO }, /* beyond the end of the file */
		{ S, "\3\7\1\1", 4, 2, 2, 0, 0, 9, 1, 1 },  /* the size of the file, not of the spool */
		{ S, "\3\7\1\1", 4, 2, 2, 0, 0, 10, PRS_EPOCH_MAX, 1 },
		{ S, "\3\7\1\1", 4, 2, 2, 0, 0, 10, PRS_EPOCH_MAX + 1, NO },
		{ S, "\3\7\1\1", 4, 1, 2, 0, 0, 10, 0, NO },
		{ S, "\3\7\1\1", 4, 3, 2, 0, 0, 10, 0, NO },
		{ S, "\3\7\1\1", 3, 2, 2, 0, 0, 10, 0, NO },
		{ S, "", 0, 0, 2, 0, 0, 10, 0, NO },
		{ S, "\0\7", 2, 1, 0, 0, 0, 10, 0, NO }, /* no rows */
		{ S, "\3\0", 2, 1, 0, 0, 0, 10, 0, NO }, /* no bytes */
		{ S, "\3\2", 2, 1, 0, 0, 0, 10, 0, NO }, /* a row without a byte */
		{ S, "\3\3", 2, 1, 0, 0, 0, 10, 0, 1 },
		{ S, "\3\x87", 2, 1, 0, 0, 0, 10, 0, NO },   /* cut off */
		{ S, "\3\x87\0", 3, 1, 0, 0, 0, 10, 0, NO }, /* 7 in another form */
		{ S, "\xff\xff\xff\xff\x0f\x80\x80\x80\x80\x10", 10, 1, 0, 0, 0, UINT64_C(1) << 32, 0, 1 },
		{ S, "\x80\x80\x80\x80\x10\x80\x80\x80\x80\x20", 10, 1, 0, 0, 0, UINT64_MAX, 0, NO }, /* 2^32 rows */
		{ S, "\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11, 1, 0, 0, 0, UINT64_MAX, 0, 1 },
		{ S, "\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11, 1, 1, 0, 0, UINT64_MAX, 0, NO },
		{ S, "\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\2", 11, 1, 0, 0, 0, UINT64_MAX, 0, NO }, /* 65 bits */
		{ S, "\1\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\1", 12, 1, 0, 0, 0, UINT64_MAX, 0, NO },
		{ S, "\3\7", 2, 1, 0, UINT64_MAX - 3, 0, 10, 0, 1 },
		{ S, "\3\7", 2, 1, 0, UINT64_MAX - 2, 0, 10, 0, NO },
		{ S, "\3\7", 2, 1, 0, 0, UINT64_MAX - 3, 10, 0, 1 },
		{ S, "\3\7", 2, 1, 0, 0, UINT64_MAX - 2, 10, 0, NO },
		{ P, "\3\7", 2, 2, 0, 0, 0, 1, 0, 1 },
		{ P, "\3\7", 2, 1, 0, 0, 0, 1, 0, NO },
		{ P, "\3\0", 2, 2, 0, 0, 0, 1, 0, NO },
		{ P, "\3\7", 2, 2, 1, 0, 0, 10, 0, NO }, /* an offset in a Parquet file */
		{ P, "\3\7", 2, 2, 0, 0, 0, 1, 1, NO },  /* a Parquet file in the spool */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prs_plan_record r = { .type = (enum prs_plan_type)rows[i].type,
			                     .u.slices = { .offset = rows[i].offset,
			                                   .row = rows[i].row,
			                                   .global_row = rows[i].global_row,
			                                   .size = rows[i].size,
			                                   .spool = rows[i].spool,
			                                   .count = rows[i].count,
			                                   .bytes = rows[i].bytes,
			                                   .packed = (const uint8_t *)rows[i].packed } };
		PRS_AUTOBUF b;
		size_t at = 0;
		prs_buf_init(&b, 4096);
		assert_int_equal(prs_plan_put(&b, &r), 0);
		int got = prs_plan_next(b.data, b.len, &at, &r, NULL);
		if (got != rows[i].want)
			fail_msg("row %zu: %d", i, got);
		prs_put64(b.data + 16, PRS_NO_FILE);
		at = 0;
		assert_int_equal(prs_plan_next(b.data, b.len, &at, &r, NULL), -PRS_ECORRUPT);
	}
}

static void test_schemas_must_be_whole(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		uint32_t bytes;
		int want;
	} rows[] = { { "{}", 2, 1 }, { "", 0, -PRS_ECORRUPT }, { "{}", 3, -PRS_ECORRUPT } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prs_plan_record r = { .type = PRS_PLAN_SCHEMA,
			                     .u.schema = { .json = rows[i].json, .bytes = rows[i].bytes } };
		PRS_AUTOBUF b;
		size_t at = 0;
		prs_buf_init(&b, 4096);
		assert_int_equal(prs_plan_put(&b, &r), 0);
		assert_int_equal(prs_plan_next(b.data, b.len, &at, &r, NULL), rows[i].want);
	}
}

/* TABLE_GROUP: ranges that rise, all of text, of Parquet or of many files. */
static void test_table_groups_must_be_whole(void **state)
{
	(void)state;
	enum { NO = -PRS_ECORRUPT };
	static const uint64_t many = PRS_NO_FILE, most = UINT64_MAX;
	const struct {
		struct prs_table_range ranges[2]; /* file, offset, bytes, row, global row, rows, schema */
		uint32_t n, spool;
		int want;
	} rows[] = {
		{ { { 1, 5, 9, 0, 0, 3, 0 } }, 1, 0, 1 },
		{ { { 1, 5, 9, 0, 0, 3, 0 } }, 0, 0, NO },
		{ { { 1, 5, 9, 0, 0, 0, 0 } }, 1, 0, NO }, /* no rows */
		{ { { 1, 5, 2, 0, 0, 3, 0 } }, 1, 0, NO }, /* a row without a byte */
		{ { { 1, most - 9, 9, 0, 0, 3, 0 } }, 1, 0, 1 },
		{ { { 1, most - 8, 9, 0, 0, 3, 0 } }, 1, 0, NO },
		{ { { 1, 5, 9, most - 2, 0, 3, 0 } }, 1, 0, NO },
		{ { { 1, 5, 9, 0, most - 2, 3, 0 } }, 1, 0, NO },
		{ { { 1, 5, 9, 0, 0, 3, 0 }, { 1, 14, 9, 3, 3, 3, 0 } }, 2, 0, 1 },
		{ { { 1, 5, 9, 0, 0, 3, 0 }, { 1, 13, 9, 3, 3, 3, 0 } }, 2, 0, NO },
		{ { { 1, 5, 9, 0, 0, 3, 0 }, { 1, 14, 9, 2, 3, 3, 0 } }, 2, 0, NO },
		{ { { 1, 5, 9, 0, 0, 3, 0 }, { 1, 14, 9, 3, 2, 3, 0 } }, 2, 0, NO },
		{ { { 1, 5, 9, 7, 0, 3, 0 }, { 2, 0, 9, 0, 3, 3, 1 } }, 2, 0, 1 },
		{ { { 1, 5, 9, 7, 0, 3, 0 }, { 2, 0, 9, 0, 2, 3, 1 } }, 2, 0, NO },
		{ { { 2, 5, 9, 7, 0, 3, 0 }, { 1, 20, 9, 0, 9, 3, 1 } }, 2, 0, NO },
		{ { { 1, 5, 9, 7, 0, 3, 0 }, { 2, 14, 9, 0, 3, 3, 1 } }, 2, 6, 1 }, /* both in one spool */
		{ { { 1, 5, 9, 7, 0, 3, 0 }, { 2, 13, 9, 0, 3, 3, 1 } }, 2, 6, NO },
		{ { { 1, 5, 9, 0, 0, 3, 0 } }, 1, PRS_EPOCH_MAX, 1 },
		{ { { 1, 5, 9, 0, 0, 3, 0 } }, 1, PRS_EPOCH_MAX + 1, NO },
		{ { { 1, 0, 0, 7, 0, 3, 0 }, { 1, 0, 0, 10, 3, 3, 0 } }, 2, 0, 1 }, /* Parquet */
		{ { { 1, 0, 0, 7, 0, 3, 0 }, { 1, 0, 0, 9, 3, 3, 0 } }, 2, 0, NO },
		{ { { 1, 0, 0, 7, 0, 3, 0 }, { 1, 0, 4, 10, 3, 3, 0 } }, 2, 0, NO },
		{ { { 1, 4, 0, 7, 0, 3, 0 } }, 1, 0, NO },
		{ { { 1, 0, 0, 7, 0, 3, 0 } }, 1, 6, NO },
		{ { { many, 5, 9, 0, 0, 3, 0 }, { many, 14, 9, 0, 3, 3, 0 } }, 2, 6, 1 },
		{ { { many, 5, 9, 0, 0, 3, 0 }, { many, 13, 9, 0, 3, 3, 0 } }, 2, 6, NO },
		{ { { many, 5, 9, 0, 0, 3, 0 }, { many, 14, 9, 0, 2, 3, 0 } }, 2, 6, NO },
		{ { { many, 5, 9, 0, 0, 3, 0 } }, 1, 0, NO },
		{ { { many, 5, 9, 1, 0, 3, 0 } }, 1, 6, NO },
		{ { { many, 0, 0, 0, 0, 3, 0 } }, 1, 6, NO },
		{ { { 1, 5, 9, 0, 0, 3, 0 }, { many, 14, 9, 0, 3, 3, 0 } }, 2, 6, NO },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		PRS_AUTOBUF b;
		PRS_AUTOBUF ranges;
		size_t at = 0;
		prs_buf_init(&b, 4096);
		prs_buf_init(&ranges, 4096);
		for (uint32_t k = 0; k < 2; k++)
			prs_table_range_put(&ranges, &rows[i].ranges[k]);
		struct prs_plan_record r = { .type = PRS_PLAN_TABLE_GROUP,
			                     .u.table_group = { .spool = rows[i].spool,
			                                        .ranges_n = rows[i].n,
			                                        .ranges = ranges.data,
			                                        .keys_bytes = 5,
			                                        .keys = "a\0sb" } };
		assert_int_equal(prs_plan_put(&b, &r), 0);
		int got = prs_plan_next(b.data, b.len, &at, &r, NULL);
		if (got != rows[i].want)
			fail_msg("row %zu: %d", i, got);
		r.u.table_group.keys_bytes = 4; /* its last NUL is cut off */
		prs_buf_clear(&b);
		assert_int_equal(prs_plan_put(&b, &r), 0);
		at = 0;
		assert_int_equal(prs_plan_next(b.data, b.len, &at, &r, NULL), -PRS_ECORRUPT);
	}
}

/* A value has one form. */
static void test_values_of_keys(void **state)
{
	(void)state;
	static const char *const good[] = { "sx",
		                            "s",
		                            "d2020-02-29T00:00:00",
		                            "i0",
		                            "i-1",
		                            "i-9223372036854775808",
		                            "i9223372036854775807",
		                            "f0.5",
		                            "f-0.0",
		                            "f1e-05",
		                            "f1e+16",
		                            "f5e-324",
		                            "finf",
		                            "f-inf",
		                            "btrue",
		                            "bfalse",
		                            "n" },
				 *const wrong[] = { "x",    "i",     "i+1",
		                                    "i01",  "i-0",   "i 1",
		                                    "i1 ",  "i1.0",  "i9223372036854775808",
		                                    "f",    "f-",    "fx",
		                                    "f1.",  "f.5",   "f1e",
		                                    "f1e+", "f01.5", "f1.5x",
		                                    "fnan", "f 1",   "f1E5",
		                                    "b",    "bTrue", "b1",
		                                    "n0",   "",      "t" };
	for (size_t i = 0; i < sizeof good / sizeof *good + sizeof wrong / sizeof *wrong; i++) {
		bool fits = i < sizeof good / sizeof *good;
		const char *value = fits ? good[i] : wrong[i - sizeof good / sizeof *good];
		static const uint8_t range[PRS_GROUP_RANGE_BYTES] = { [8] = 1 };
		PRS_AUTOBUF keys;
		PRS_AUTOBUF b;
		size_t at = 0;
		prs_buf_init(&keys, 64);
		prs_buf_init(&b, 256);
		prs_buf_put(&keys, "k\0", 2);
		prs_buf_put(&keys, value, strlen(value) + 1);
		struct prs_plan_record r = { .type = PRS_PLAN_GROUP,
			                     .u.group = { .keys_bytes = (uint32_t)keys.len,
			                                  .keys = (const char *)keys.data,
			                                  .ranges = range,
			                                  .ranges_n = 1 } };
		assert_int_equal(prs_plan_put(&b, &r), 0);
		if (prs_plan_next(b.data, b.len, &at, &r, NULL) != (fits ? 1 : -PRS_ECORRUPT))
			fail_msg("%s", value);
		assert_true(!fits || prs_plan_minor(&r) == (value[0] == 's' || value[0] == 'd' ? 1 : 2));
	}
}

/* What an engine from before must not read, and what it can. */
static void test_minors(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN; i++)
		assert_int_equal(prs_plan_minor(&golden[i].record), i < 7 ? 1 : 2);
	struct prs_plan_record input = { .type = PRS_PLAN_INPUT };
	for (uint16_t kind = 0; kind < 7; kind++) {
		input.u.input.kind = kind;
		input.u.input.unit = PRS_SIZE_ITEMS;
		assert_int_equal(prs_plan_minor(&input), kind == 0 || kind == 3 ? 1 : 2);
		input.u.input.unit = PRS_SIZE_ROWS;
		assert_int_equal(prs_plan_minor(&input), 2);
	}
}

/* Mini-batches and items of each record, in the order of the golden ones. */
static void test_units(void **state)
{
	(void)state;
	static const struct prs_plan_units want[GOLDEN] = { [3] = { 10, 1000000, 7000000, 1 },
		                                            [4] = { 17, 1, 3, 1 },
		                                            [9] = { 10, 3, UINT64_C(4294967295) + 201, 1 },
		                                            [11] = { 17, 1, 2, 1 },
		                                            [12] = { 10, 2, 1001, 1 },
		                                            [13] = { 17, 1, UINT64_C(4294967295) + 2, 1 },
		                                            [14] = { 18, 1, 2, 1 } };
	for (size_t i = 0; i < GOLDEN; i++) {
		struct prs_plan_units u = { 0 };
		assert_int_equal(prs_plan_units(&golden[i].record, &u), want[i].ids != 0);
		assert_int_equal(u.first_id, want[i].first_id);
		assert_int_equal(u.ids, want[i].ids);
		assert_int_equal(u.items, want[i].items);
		assert_int_equal(u.input, want[i].input);
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
		cmocka_unit_test(test_golden_bytes),
		cmocka_unit_test(test_longer_and_shorter_payloads),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_names_must_match_their_count),
		cmocka_unit_test(test_groups_must_be_whole),
		cmocka_unit_test(test_never_half_a_record),
		cmocka_unit_test(test_stats_must_be_whole),
		cmocka_unit_test(test_slices_must_be_whole),
		cmocka_unit_test(test_schemas_must_be_whole),
		cmocka_unit_test(test_table_groups_must_be_whole),
		cmocka_unit_test(test_values_of_keys),
		cmocka_unit_test(test_minors),
		cmocka_unit_test(test_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
