/* SPDX-License-Identifier: Apache-2.0
 * test_seg: the record ROWS of segment and raw files against its golden bytes.
 */
#include "wire/seg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

#define LEASE(n) (UINT64_C(3) << 40 | (n))
#define BYTES "a b\n1 2\n3 4\n5"

static const struct golden {
	struct prs_rows rows;
	const char *hex;
} golden[] = {
	{ { { 5, 10, 20 }, LEASE(77), 9, 4, (const uint8_t *)BYTES, sizeof BYTES - 1 },
	  "010000002d00000005000000000000004d000000000300000a0000001400000009000000040000006120620a3120320a"
	  "3320340a35000000" },
	{ { { 6, 0, 0 }, LEASE(78), 0, 0, (const uint8_t *)"", 0 },
	  "010000002000000006000000000000004e0000000003000000000000000000000000000000000000" },
};
enum { GOLDEN = sizeof golden / sizeof *golden };

static void assert_rows_equal(const struct prs_rows *a, const struct prs_rows *b)
{
	assert_memory_equal(&a->unit, &b->unit, sizeof a->unit);
	assert_int_equal(a->lease, b->lease);
	assert_int_equal(a->succeeded, b->succeeded);
	assert_int_equal(a->head_len, b->head_len);
	assert_int_equal(a->length, b->length);
	assert_memory_equal(a->bytes, b->bytes, a->length);
}

static void test_golden_bytes(void **state)
{
	(void)state;
	PRS_AUTOBUF both;
	prs_buf_init(&both, 4096);
	for (size_t i = 0; i < GOLDEN; i++) {
		uint8_t head[PRS_SEG_HEAD_BYTES];
		char text[2 * PRS_SEG_HEAD_BYTES + 1];
		uint64_t place;
		size_t at = both.len, n;
		struct prs_rows back;
		assert_int_equal(prs_rows_put(&both, &golden[i].rows, &place), 0);
		assert_int_equal(place, at + PRS_SEG_HEAD_BYTES);
		assert_bytes_hex(both.data + at, both.len - at, golden[i].hex, "ROWS");
		prs_rows_head(head, &golden[i].rows);
		snprintf(text, sizeof text, "%s", golden[i].hex);
		assert_bytes_hex(head, sizeof head, text, "head of ROWS");
		uint8_t *p = hex_bytes(golden[i].hex, &n);
		at = 0;
		assert_int_equal(prs_rows_next(p, n, &at, &back, NULL), 1);
		assert_int_equal(at, n);
		assert_rows_equal(&back, &golden[i].rows);
		free(p);
	}
	size_t at = 0;
	struct prs_rows back;
	for (size_t i = 0; i < GOLDEN; i++) {
		assert_int_equal(prs_rows_next(both.data, both.len, &at, &back, NULL), 1);
		assert_rows_equal(&back, &golden[i].rows);
	}
	assert_int_equal(prs_rows_next(both.data, both.len, &at, &back, NULL), 0);
}

/* The bytes of a record are as long as its length says; below the 32 fixed ones it is damage. */
static void test_cut_off(void **state)
{
	(void)state;
	size_t n;
	uint8_t *p = hex_bytes(golden[0].hex, &n);
	for (uint32_t len = 0; len < 45; len++) {
		size_t at = 0;
		struct prs_rows back;
		struct prs_err err = { 0 };
		prs_put32(p + 4, len);
		int want = len < 32 + 4 ? -PRS_ECORRUPT : 1; /* its header has 4 bytes */
		assert_int_equal(prs_rows_next(p, n, &at, &back, &err), want);
		if (want == 1)
			assert_int_equal(back.length, len - 32);
		else
			assert_non_null(strstr(err.msg, "at byte 0 of its frame"));
	}
	for (size_t cut = 1; cut < n - 3; cut++) { /* the padding may be missing, nothing else */
		uint8_t *q = malloc(cut);
		size_t at = 0;
		struct prs_rows back;
		prs_put32(p + 4, 45);
		memcpy(q, p, cut);
		assert_int_equal(prs_rows_next(q, cut, &at, &back, NULL), -PRS_ECORRUPT);
		free(q);
	}
	free(p);
}

static void test_unknown_types(void **state)
{
	(void)state;
	for (uint16_t flags = 0; flags < 2; flags++) {
		uint8_t body[64] = { 0 };
		size_t at = 0;
		struct prs_rows back;
		struct prs_err err = { 0 };
		prs_put16(body, 2);
		prs_put16(body + 2, flags);
		prs_put32(body + 4, 3);
		prs_rows_head(body + 16, &golden[1].rows);
		assert_int_equal(prs_rows_next(body, 16 + PRS_SEG_HEAD_BYTES, &at, &back, &err),
		                 flags ? 1 : -PRS_EVERSION);
		if (flags)
			assert_int_equal(back.unit.id, 6);
	}
}

static void test_never_half_a_record(void **state)
{
	(void)state;
	for (size_t max = 0; max < 56; max++) {
		PRS_AUTOBUF b;
		uint64_t at = 4711;
		prs_buf_init(&b, max);
		assert_int_equal(prs_rows_put(&b, &golden[0].rows, &at), -PRS_ELIMIT);
		assert_int_equal(b.len, 0);
		assert_int_equal(at, 4711);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_bytes),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_never_half_a_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
