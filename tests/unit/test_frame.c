/* SPDX-License-Identifier: Apache-2.0
 * test_frame: file header and batch frame against their golden bytes; every bit of them counts.
 */
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

static const struct prs_run_id run = { { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac,
	                                 0xad, 0xae, 0xaf } };

/* Made by hand with Python's struct and libxxhash. */
static const char *const headers[4] = {
	[PRS_FILE_JOURNAL] = "5052536a726e6c31a0a1a2a3a4a5a6a7a8a9aaabacadaeaf010000001d227661",
	[PRS_FILE_PLAN] = "505253706c616e31a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0100000025965ab9",
	[PRS_FILE_SEGMENT] = "5052537365676d31a0a1a2a3a4a5a6a7a8a9aaabacadaeaf010000007a975e3f",
	[PRS_FILE_RAW] = "5052537261777331a0a1a2a3a4a5a6a7a8a9aaabacadaeaf01000000c898e765",
};
static const char frame_hex[] = "5042303108000000001000000000000000080000000000008364a942ef4b870a";

static void test_headers(void **state)
{
	(void)state;
	for (int k = 0; k < 4; k++) {
		uint8_t raw[PRS_FILE_HEADER_BYTES];
		prs_file_header_put(raw, (enum prs_file_kind)k, PRS_FORMAT_MINOR, &run);
		assert_bytes_hex(raw, sizeof raw, headers[k], "file header");
		for (int as = 0; as < 4; as++)
			assert_int_equal(prs_file_header_check(raw, sizeof raw, (enum prs_file_kind)as, &run, NULL),
			                 as == k ? 0 : -PRS_ECORRUPT);
		for (size_t n = 0; n < sizeof raw; n++)
			assert_int_equal(prs_file_header_check(raw, n, (enum prs_file_kind)k, &run, NULL),
			                 -PRS_ECORRUPT);
		for (size_t bit = 0; bit < 8 * sizeof raw; bit++) {
			raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(prs_file_header_check(raw, sizeof raw, (enum prs_file_kind)k, &run, NULL),
			                 -PRS_ECORRUPT);
			raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* A header that is whole, but of another run, a newer minor, or with flags that this engine does not know. */
static void test_headers_of_others(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint8_t value;
		int want;
		const char *said;
	} rows[] = {
		{ 8, 0xff, -PRS_ECORRUPT, "another run" },
		{ 24, 0, 0, NULL },
		{ 24, PRS_FORMAT_MINOR_TABLES, 0, NULL },
		{ 24, PRS_FORMAT_MINOR_TABLES + 1, -PRS_EVERSION, "format 1.3; engine " PRS_VERSION " knows 1.2" },
		{ 26, 1, -PRS_EVERSION, "engine " PRS_VERSION },
		{ 27, 0x80, -PRS_EVERSION, "engine " PRS_VERSION },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t raw[PRS_FILE_HEADER_BYTES];
		struct prs_err err = { 0 };
		prs_file_header_put(raw, PRS_FILE_PLAN, PRS_FORMAT_MINOR, &run);
		raw[rows[i].at] = rows[i].value;
		prs_put32(raw + 28, prs_checksum(raw, 28));
		assert_int_equal(prs_file_header_check(raw, sizeof raw, PRS_FILE_PLAN, &run, &err), rows[i].want);
		if (rows[i].said)
			assert_non_null(strstr(err.msg, rows[i].said));
	}
}

static void test_frames(void **state)
{
	(void)state;
	uint8_t raw[PRS_FRAME_HEADER_BYTES];
	struct prs_frame f = { .offset = 4096,
		               .durable = 2048,
		               .body_bytes = 8,
		               .body_sum = prs_checksum("abcdefgh", 8) },
			 back;
	prs_frame_put(raw, &f);
	assert_bytes_hex(raw, sizeof raw, frame_hex, "frame");
	assert_int_equal(prs_frame_get(raw, sizeof raw, 4096, &back), 1);
	assert_memory_equal(&back, &f, sizeof f);
	assert_int_equal(prs_frame_get(raw, sizeof raw, 4104, &back), 0); /* it belongs elsewhere */
	for (size_t n = 0; n < sizeof raw; n++)
		assert_int_equal(prs_frame_get(raw, n, 4096, &back), 0);
	for (size_t bit = 0; bit < 8 * sizeof raw; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(prs_frame_get(raw, sizeof raw, 4096, &back), 0);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* Low half of XXH3_64; XXH3_128 in the order that xxh128sum prints. */
static void test_checksums(void **state)
{
	(void)state;
	uint8_t print[16];
	assert_int_equal(prs_checksum("", 0), 0x38d394c2);
	assert_int_equal(prs_checksum("abc", 3), 0x892f3950);
	prs_fingerprint("abc", 3, print);
	assert_bytes_hex(print, 16, "06b05ab6733a618578af5f94892f3950", "fingerprint of abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_headers_of_others),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_checksums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
