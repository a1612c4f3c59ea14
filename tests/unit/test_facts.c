/* SPDX-License-Identifier: Apache-2.0
 * test_facts: every record of the journal against its golden bytes; what is longer, cut off or unknown.
 */
#include "wire/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

#define TIME UINT64_C(0x0006210f5c2a4000)
#define LEASE(n) (UINT64_C(3) << 40 | (n))
#define TEXT(s)                    \
	{                          \
		(s), sizeof(s) - 1 \
	}
#define PRINT(n)                                                                                                  \
	{                                                                                                         \
		n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8, n + 9, n + 10, n + 11, n + 12, n + 13, \
			n + 14, n + 15                                                                            \
	}

static const uint8_t lost_units[] = { 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,
	                              1, 0, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0 };

/* The bytes were made by hand with Python's struct from docs/formats.md, not by this engine. */
static const struct golden {
	struct prs_fact fact;
	const char *hex;
} golden[] = {
	{ { .type = PRS_FACT_HEAD,
	    .time_us = TIME,
	    .u.head = { 3, 2, 4096, 888, PRINT(0x10), PRINT(0x20), TEXT("0.1.0"), TEXT("host"), 4711,
	                TEXT("boot-id") } },
	  "010000005a00000000402a5c0f2106000300000002000000001000000000000078030000000000001011121314151617"
	  "18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f0500302e312e300400686f7374671200000700626f6f742d"
	  "6964000000000000" },
	{ { .type = PRS_FACT_NODE,
	    .time_us = TIME,
	    .u.node = { 7, 3, 1, 0x0102, 16, 32, 2, TEXT("node-a"), TEXT("10.0.0.7") } },
	  "020000002900000000402a5c0f21060007000300000001020110002000020006006e6f64652d61080031302e302e302e"
	  "3700000000000000" },
	{ { .type = PRS_FACT_PLANNED, .time_us = TIME, .u.planned = { 3, 65536, 1000, 9999, 1 } },
	  "030000002500000000402a5c0f210600030000000000010000000000e8030000000000000f2700000000000001000000" },
	{ { .type = PRS_FACT_DONE,
	    .time_us = TIME + 222,
	    .u.done = { { 5, 10, 20 },
	                LEASE(77),
	                2,
	                PRS_DONE_SHORT,
	                PRS_DONE_HAS_HEADER,
	                7,
	                11,
	                4,
	                6,
	                4096,
	                1000,
	                24,
	                0xdeadbeef,
	                9,
	                8,
	                TIME,
	                111,
	                222,
	                333 } },
	  "040000006800000005000000000000004d000000000300000200010207000b0004000000060000000010000000000000"
	  "e80300000000000018000000efbeadde0a00000014000000090000000800000000402a5c0f2106006f00000000000000"
	  "de000000000000004d01000000000000" },
	{ { .type = PRS_FACT_TRY,
	    .time_us = TIME + 222,
	    .u.try_ = { { 5, 10, 20 },
	                LEASE(78),
	                3,
	                1,
	                2,
	                7,
	                11,
	                4,
	                TIME,
	                111,
	                222,
	                333,
	                0x8b,
	                PRS_ERUN_TIMEOUT,
	                PRS_FAULT_SCRIPT,
	                1,
	                12345,
	                678,
	                TEXT("run() took longer"),
	                28,
	                TEXT("Bad at a.py:9"),
	                15 } },
	  "050000008600000005000000000000004e000000000300000300010207000b0004000000000000000a00000014000000"
	  "00402a5c0f2106006f00000000000000de000000000000004d010000000000008b000000660001013930000000000000"
	  "a6020000110072756e282920746f6f6b206c6f6e6765721c0000000d0042616420617420612e70793a390f0000000000" },
	{ { .type = PRS_FACT_FAILED, .time_us = TIME, .u.failed = { { 5, 10, 20 }, 20, PRS_ERUN_TIMEOUT } },
	  "060000001e00000000402a5c0f21060005000000000000000a000000140000001400000066000000" },
	{ { .type = PRS_FACT_LOST, .time_us = TIME, .u.lost = { 7, 3, 1, 2, lost_units, 1 } },
	  "070000004700000000402a5c0f2106000700030000000100000002000000050000000000000000000000000000000600"
	  "0000000000000100000002000000070000000000000003000000040000000100" },
	{ { .type = PRS_FACT_RESET, .time_us = TIME, .u.reset = { { 5, 0, 0 }, 3, PRS_RESET_BAD_RANGE } },
	  "080000002200000000402a5c0f2106000500000000000000000000000000000003000000000000000100000000000000" },
	{ { .type = PRS_FACT_SET, .time_us = TIME, .u.set = { TEXT("run_max_try"), TEXT("3"), TEXT("5") } },
	  "090000001b00000000402a5c0f2106000b0072756e5f6d61785f7472790100330100350000000000" },
	{ { .type = PRS_FACT_STATE,
	    .time_us = TIME,
	    .u.state = { 1, 6, PRS_EINTERRUPTED, TEXT("interrupted by Ctrl-C") } },
	  "0a0000002300000000402a5c0f2106000106cf001500696e746572727570746564206279204374726c2d430000000000" },
	{ { .type = PRS_FACT_PUBLISHED,
	    .time_us = TIME,
	    .u.published = { TEXT("/out/rows.txt"), 123456, 789, PRINT(0x10) } },
	  "0b0000003700000000402a5c0f2106000d002f6f75742f726f77732e74787440e2010000000000150300000000000010"
	  "1112131415161718191a1b1c1d1e1f00" },
	{ { .type = PRS_FACT_SPLIT, .time_us = TIME, .u.split = { { 5, 10, 20 }, 3, 15 } },
	  "0c0000002000000000402a5c0f21060005000000000000000a00000014000000030000000f000000" },
	{ { .type = PRS_FACT_PROC,
	    .time_us = TIME,
	    .u.proc = { 7, 11, 4, 4711, PRS_PROC_EXITED, PRS_EINIT_EXIT, 0x8b, 12345, 678, TEXT("exit status 3") } },
	  "0d0000003600000000402a5c0f21060007000b0004000000671200000398008b0000003930000000000000a60200000d"
	  "00657869742073746174757320330000" },
	{ { .type = PRS_FACT_STEP,
	    .time_us = TIME,
	    .u.step = { TEXT("score"), TEXT("run-7"), TEXT("run-5"), 5, PRINT(0x10), PRINT(0x20),
	                TEXT("exit status 3") } },
	  "0e0000004d00000000402a5c0f210600050073636f7265050072756e2d3705050072756e2d3510111213141516171819"
	  "1a1b1c1d1e1f202122232425262728292a2b2c2d2e2f0d0065786974207374617475732033000000" },
};
enum { GOLDEN = sizeof golden / sizeof *golden };

static const char *name(size_t i) { return prs_fact_name(golden[i].fact.type); }

/* Bytes at the end of the payload that older engines do not write, nor this one when they are 0. */
static uint32_t optional_bytes(size_t i)
{
	if (golden[i].fact.type == PRS_FACT_LOST)
		return 1;
	if (golden[i].fact.type == PRS_FACT_SPLIT)
		return 4;
	if (golden[i].fact.type == PRS_FACT_STEP)
		return 16 + 16 + 2 + (uint32_t)strlen("exit status 3");
	return golden[i].fact.type == PRS_FACT_TRY ? 4 + 2 + (uint32_t)strlen("Bad at a.py:9") + 4 : 0;
}

/* Decode one record and encode it again. */
static void assert_same_again(const uint8_t *p, size_t n, size_t i)
{
	struct prs_fact f;
	struct prs_err err = { 0 };
	PRS_AUTOBUF b;
	size_t at = 0;
	prs_buf_init(&b, 4096);
	assert_int_equal(prs_fact_next(p, n, &at, &f, &err), 1);
	assert_int_equal(at, n);
	assert_int_equal(f.type, golden[i].fact.type);
	assert_int_equal(f.time_us, golden[i].fact.time_us);
	assert_int_equal(prs_fact_put(&b, &f), 0);
	assert_bytes_hex(b.data, b.len, golden[i].hex, name(i));
	assert_int_equal(prs_fact_next(p, n, &at, &f, &err), 0);
}

static void test_every_type_has_golden_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		assert_int_equal(golden[i].fact.type, i + 1);
		assert_int_equal(prs_fact_put(&b, &golden[i].fact), 0);
		assert_bytes_hex(b.data, b.len, golden[i].hex, name(i));
		size_t n;
		uint8_t *p = hex_bytes(golden[i].hex, &n);
		assert_same_again(p, n, i);
		free(p);
	}
	assert_int_equal(GOLDEN, PRS_FACT_END - 1);
	assert_string_equal(prs_fact_name(PRS_FACT_END), "?");
}

/* Fields are checked by the bytes above; the units of LOST are read through a function. */
static void test_units_of_lost(void **state)
{
	(void)state;
	static const struct prs_unit want[] = { { 5, 0, 0 }, { 6, 1, 2 }, { 7, 3, 4 } };
	for (uint32_t i = 0; i < 3; i++) {
		struct prs_unit u = prs_lost_unit(&golden[PRS_FACT_LOST - 1].fact, i);
		assert_memory_equal(&u, &want[i], sizeof u);
	}
}

static void test_more_payload_than_known_is_ignored(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN; i++) {
		size_t n;
		uint8_t *p = hex_bytes(golden[i].hex, &n);
		uint32_t len = prs_get32(p + 4);
		for (uint32_t more = 1; more <= 16; more++) {
			size_t longer = 8 + (((size_t)len + more + 7) & ~(size_t)7);
			uint8_t *q = calloc(1, longer);
			memcpy(q, p, 8 + len);
			memset(q + 8 + len, 0xee, more);
			prs_put32(q + 4, len + more);
			assert_same_again(q, longer, i);
			free(q);
		}
		free(p);
	}
}

/* As an engine writes it that did not know the last fields: they are 0. */
static void test_optional_fields(void **state)
{
	(void)state;
	size_t n, at = 0;
	struct prs_fact f, lost = golden[PRS_FACT_LOST - 1].fact;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	lost.u.lost.progress = 0;
	assert_int_equal(prs_fact_put(&b, &lost), 0);
	uint8_t *p = hex_bytes("070000004600000000402a5c0f21060007000300000001000000020000000500000000000000000000"
	                       "00000000000600000000000000010000000200000007000000000000000300000004000000"
	                       "0000",
	                       &n);
	assert_int_equal(b.len, n);
	assert_memory_equal(b.data, p, n);
	assert_int_equal(prs_fact_next(p, n, &at, &f, NULL), 1);
	assert_int_equal(f.u.lost.progress, 0);
	assert_int_equal(prs_lost_unit(&f, 2).item_count, 4);
	free(p);
}

/* What is none, with all behind it, is not written; what stands before something is. */
static void test_late_fields_of_step(void **state)
{
	(void)state;
	static const struct {
		size_t prints; /* that are none, of two */
		const char *why;
		uint32_t bytes; /* behind those that every engine writes */
	} cases[] = { { 2, "", 0 }, { 1, "", 16 }, { 0, "", 32 }, { 2, "lost", 32 + 2 + 4 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prs_fact f, step = golden[PRS_FACT_STEP - 1].fact;
		size_t n, at = 0;
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		memset(step.u.step.result, 0, cases[i].prints > 0 ? 16 : 0);
		memset(step.u.step.print, 0, cases[i].prints > 1 ? 16 : 0);
		step.u.step.why = prs_text_of(cases[i].why);
		assert_int_equal(prs_fact_put(&b, &step), 0);
		assert_int_equal(prs_get32(b.data + 4), 30 + cases[i].bytes);
		uint8_t *p = hex_bytes("00402a5c0f210600050073636f7265050072756e2d3705050072756e2d35", &n);
		assert_memory_equal(b.data + 8, p, n);
		free(p);
		assert_int_equal(prs_fact_next(b.data, b.len, &at, &f, NULL), 1);
		assert_memory_equal(f.u.step.print, step.u.step.print, 16);
		assert_memory_equal(f.u.step.result, step.u.step.result, 16);
		assert_int_equal(f.u.step.why.n, strlen(cases[i].why));
	}
}

static void test_try_without_errno(void **state)
{
	(void)state;
	size_t n, at = 0;
	struct prs_fact f, tried = golden[PRS_FACT_TRY - 1].fact;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	tried.u.try_.errnum = 0;
	tried.u.try_.kind = prs_text_of("");
	tried.u.try_.bad_item = 0;
	assert_int_equal(prs_fact_put(&b, &tried), 0);
	uint8_t *p = hex_bytes("050000006f00000005000000000000004e000000000300000300010207000b00"
	                       "04000000000000000a000000"
	                       "1400000000402a5c0f2106006f00000000000000de000000000000004d01000000000000"
	                       "8b00000066000101"
	                       "3930000000000000a6020000110072756e282920746f6f6b206c6f6e67657200",
	                       &n);
	assert_int_equal(b.len, n);
	assert_memory_equal(b.data, p, n);
	assert_int_equal(prs_fact_next(p, n, &at, &f, NULL), 1);
	assert_int_equal(f.u.try_.errnum, 0);
	free(p);
}

/* The kind of an error stands behind an errno, 0 too; an errno stands alone where there is none. */
static void test_try_with_a_kind(void **state)
{
	(void)state;
	static const struct {
		uint32_t errnum;
		const char *kind, *length, *tail;
		uint32_t bad_item;
	} cases[] = {
		{ 28, "", "73", "1c0000000000000000", 0 },
		{ 0, "Bad at a.py:9", "82", "000000000d0042616420617420612e70793a39000000000000", 0 },
		{ 0, "", "79", "0000000000000f00000000000000000000", 15 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char hex[512];
		size_t n, at = 0;
		struct prs_fact f, tried = golden[PRS_FACT_TRY - 1].fact;
		PRS_AUTOBUF b;
		prs_buf_init(&b, 4096);
		tried.u.try_.errnum = cases[i].errnum;
		tried.u.try_.kind = prs_text_of(cases[i].kind);
		tried.u.try_.bad_item = cases[i].bad_item;
		assert_int_equal(prs_fact_put(&b, &tried), 0);
		snprintf(hex, sizeof hex, "05000000%s000000%.222s%s", cases[i].length,
		         golden[PRS_FACT_TRY - 1].hex + 16, cases[i].tail);
		uint8_t *p = hex_bytes(hex, &n);
		assert_int_equal(b.len, n);
		assert_memory_equal(b.data, p, n);
		assert_int_equal(prs_fact_next(p, n, &at, &f, NULL), 1);
		assert_int_equal(f.u.try_.errnum, cases[i].errnum);
		assert_int_equal(f.u.try_.kind.n, strlen(cases[i].kind));
		assert_int_equal(f.u.try_.bad_item, cases[i].bad_item);
		free(p);
	}
}

static void test_less_payload_than_known_is_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN; i++) {
		size_t n;
		uint8_t *p = hex_bytes(golden[i].hex, &n);
		for (uint32_t len = 0, whole = prs_get32(p + 4) - optional_bytes(i); len < whole; len++) {
			size_t shorter = 8 + (((size_t)len + 7) & ~(size_t)7), at = 0;
			uint8_t *q = malloc(shorter);
			struct prs_fact f;
			struct prs_err err = { 0 };
			memcpy(q, p, shorter);
			prs_put32(q + 4, len);
			assert_int_equal(prs_fact_next(q, shorter, &at, &f, &err), -PRS_ECORRUPT);
			assert_non_null(strstr(err.msg, name(i)));
			assert_non_null(strstr(err.msg, "at byte 0 of its frame"));
			free(q);
		}
		free(p);
	}
}

/* Two records in a body that ends too early: the first is read, the second refused with its place. */
static void test_body_cut_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN; i++) {
		size_t n;
		uint8_t *p = hex_bytes(golden[i].hex, &n);
		size_t end = n + 8 + prs_get32(p + 4);
		for (size_t cut = n + 1; cut < end; cut++) {
			uint8_t *two = malloc(cut);
			memcpy(two, p, n);
			memcpy(two + n, p, cut - n);
			size_t at = 0;
			struct prs_fact f;
			struct prs_err err = { 0 };
			char place[32];
			assert_int_equal(prs_fact_next(two, cut, &at, &f, &err), 1);
			assert_int_equal(prs_fact_next(two, cut, &at, &f, &err), -PRS_ECORRUPT);
			snprintf(place, sizeof place, "at byte %zu ", n);
			assert_non_null(strstr(err.msg, place));
			free(two);
		}
		free(p);
	}
}

static void test_unknown_types(void **state)
{
	(void)state;
	static const uint16_t types[] = { 0, PRS_FACT_END, 1000, 0xffff };
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		for (uint16_t flags = 0; flags < 4; flags++) {
			uint8_t body[24 + 40];
			size_t n;
			uint8_t *failed = hex_bytes(golden[PRS_FACT_FAILED - 1].hex, &n);
			memset(body, 0xaa, 24);
			prs_put16(body, types[i]);
			prs_put16(body + 2, flags);
			prs_put32(body + 4, 13); /* padded to 16 */
			memcpy(body + 24, failed, n);
			free(failed);
			size_t at = 0;
			struct prs_fact f;
			struct prs_err err = { 0 };
			int r = prs_fact_next(body, sizeof body, &at, &f, &err);
			if (flags & PRS_RECORD_MAY_SKIP) {
				assert_int_equal(r, 1);
				assert_int_equal(f.type, PRS_FACT_FAILED);
				assert_int_equal(at, sizeof body);
			} else {
				assert_int_equal(r, -PRS_EVERSION);
				assert_non_null(strstr(err.msg, PRS_VERSION));
			}
		}
}

static void test_flags_are_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN; i++) {
		PRS_AUTOBUF b;
		struct prs_fact f = golden[i].fact, back;
		size_t at = 0;
		prs_buf_init(&b, 4096);
		f.flags = PRS_RECORD_MAY_SKIP;
		assert_int_equal(prs_fact_put(&b, &f), 0);
		assert_int_equal(prs_fact_next(b.data, b.len, &at, &back, NULL), 1);
		assert_int_equal(back.flags, PRS_RECORD_MAY_SKIP);
	}
}

/* Values that no engine writes, whatever the checksum says. */
static void test_impossible_values(void **state)
{
	(void)state;
	static const struct {
		enum prs_fact_type type;
		size_t at; /* in the record */
		uint64_t value;
		size_t bytes;
		const char *said;
	} rows[] = {
		{ PRS_FACT_DONE, 8 + 48, 1001, 4, "header longer" },
		{ PRS_FACT_PLANNED, 8 + 8 + 12, UINT64_C(1) << 40, 8, "mini-batches" },
		{ PRS_FACT_LOST, 8 + 8 + 6, 0xffffffff, 4, "LOST" },
		{ PRS_FACT_LOST, 8 + 8 + 10, 0xffffffff, 4, "LOST" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n, at = 0;
		uint8_t *p = hex_bytes(golden[rows[i].type - 1].hex, &n);
		struct prs_fact f;
		struct prs_err err = { 0 };
		memcpy(p + rows[i].at, &rows[i].value, rows[i].bytes);
		assert_int_equal(prs_fact_next(p, n, &at, &f, &err), -PRS_ECORRUPT);
		assert_non_null(strstr(err.msg, rows[i].said));
		free(p);
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
			assert_int_equal(prs_fact_put(&b, &golden[i].fact), -PRS_ELIMIT);
			assert_int_equal(b.len, 0);
		}
	}
}

/* RESULT and FAIL carry the same fixed bytes. */
static void test_fixed_bytes(void **state)
{
	(void)state;
	uint8_t raw[PRS_DONE_BYTES];
	struct prs_done d;
	struct prs_try t;
	size_t n;
	prs_done_encode(&golden[PRS_FACT_DONE - 1].fact.u.done, raw);
	assert_bytes_hex(raw, sizeof raw, golden[PRS_FACT_DONE - 1].hex + 16, "DONE");
	assert_int_equal(prs_done_decode(raw, sizeof raw, &d, NULL), 0);
	assert_memory_equal(&d.unit, &golden[PRS_FACT_DONE - 1].fact.u.done.unit, sizeof d.unit);
	assert_int_equal(prs_done_decode(raw, sizeof raw - 1, &d, NULL), -PRS_ECORRUPT);
	uint8_t *p = hex_bytes(golden[PRS_FACT_TRY - 1].hex, &n);
	assert_int_equal(prs_try_decode(p + 8, prs_get32(p + 4), &t, NULL), 0);
	assert_int_equal(t.message.n, strlen("run() took longer"));
	assert_int_equal(prs_try_decode(p + 8, prs_get32(p + 4) - 1, &t, NULL), -PRS_ECORRUPT);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_has_golden_bytes),
		cmocka_unit_test(test_units_of_lost),
		cmocka_unit_test(test_more_payload_than_known_is_ignored),
		cmocka_unit_test(test_optional_fields),
		cmocka_unit_test(test_late_fields_of_step),
		cmocka_unit_test(test_late_fields_of_step),
		cmocka_unit_test(test_try_without_errno),
		cmocka_unit_test(test_try_with_a_kind),
		cmocka_unit_test(test_less_payload_than_known_is_damage),
		cmocka_unit_test(test_body_cut_off),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_flags_are_kept),
		cmocka_unit_test(test_impossible_values),
		cmocka_unit_test(test_never_half_a_record),
		cmocka_unit_test(test_fixed_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
