/* SPDX-License-Identifier: Apache-2.0
 * test_msg: frames and fixed payloads of the worker socket against their golden bytes; what is not the protocol.
 */
#include "wire/facts.h"
#include "wire/msg.h"
#include "wire/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"

#define LEASE(n) (UINT64_C(3) << 40 | (n))

static const char header_hex[] = "2c010000060001001100000000000000";
static const char task_hex[] =
	"05000000000000004d000000000300000a00000014000000140000000200000001000000090000003930000000000000";
static const char report_hex[] = "96000000a6020000393000000000000008006e6f206d6f64656c";
static const char hello_hex[] = "67120000f0070b0301000000000000000600332e31312e3710002f7573722f62696e2f707974686f6e33";

/* As a worker sends them: what only the node knows is 0. */
static const char result_hex[] =
	"05000000000000004d000000000300000200010000000b00000000000000000000000000000000000400000000000000"
	"00000000000000000a00000014000000010000000100000000401e18240a06006f00000000000000de00000000000000"
	"4d01000000000000312e300a";
static const char fail_hex[] =
	"05000000000000004d000000000300000200000000000b0000000000000000000a0000001400000000401e18240a0600"
	"6f00000000000000de000000000000004d0100000000000000000000640000003930000000000000a602000010005661"
	"6c75654572726f723a2066697665";

static void test_header(void **state)
{
	(void)state;
	PRS_AUTOBUF b;
	struct prs_msg_header h = { 300, PRS_MSG_RESULT, PRS_MSG_FD, 17 }, back;
	prs_buf_init(&b, 64);
	assert_int_equal(prs_msg_put_header(&b, &h), 0);
	assert_bytes_hex(b.data, b.len, header_hex, "frame header");
	assert_int_equal(prs_msg_get_header(b.data, &back, NULL), 0);
	assert_memory_equal(&back, &h, sizeof h);
}

static void test_headers_that_are_none(void **state)
{
	(void)state;
	static const struct {
		uint32_t len;
		uint16_t type, flags;
		uint32_t zero;
		int want;
	} rows[] = {
		{ 0, 1, 0, 0, 0 },
		{ PRS_MSG_MAX_BYTES, 10, 3, 0, 0 },
		{ PRS_MSG_MAX_BYTES + 1, 6, 0, 0, -PRS_EPROTOCOL },
		{ 0xffffffff, 6, 0, 0, -PRS_EPROTOCOL },
		{ 0, 0, 0, 0, -PRS_EPROTOCOL },
		{ 0, 12, 0, 0, -PRS_EPROTOCOL },
		{ 0, 0xffff, 0, 0, -PRS_EPROTOCOL },
		{ 0, 6, 4, 0, -PRS_EPROTOCOL },
		{ 0, 6, 0x8000, 0, -PRS_EPROTOCOL },
		{ 0, 6, 0, 1, -PRS_EPROTOCOL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t raw[PRS_MSG_HEADER_BYTES];
		struct prs_msg_header h;
		prs_put32(raw, rows[i].len);
		prs_put16(raw + 4, rows[i].type);
		prs_put16(raw + 6, rows[i].flags);
		prs_put32(raw + 8, 7);
		prs_put32(raw + 12, rows[i].zero);
		assert_int_equal(prs_msg_get_header(raw, &h, NULL), rows[i].want);
	}
}

static void test_task(void **state)
{
	(void)state;
	PRS_AUTOBUF b;
	struct prs_task t = { 5, LEASE(77), 10, 20, 20, 2, 0, 1, 9, 12345 };
	prs_buf_init(&b, 64);
	assert_int_equal(prs_msg_put_task(&b, &t), 0);
	assert_int_equal(b.len, PRS_TASK_BYTES);
	assert_bytes_hex(b.data, b.len, task_hex, "task");
}

static void test_report(void **state)
{
	(void)state;
	size_t n;
	uint8_t *p = hex_bytes(report_hex, &n);
	struct prs_report r;
	assert_int_equal(prs_msg_get_report(p, n, &r, NULL), 0);
	assert_int_equal(r.code, PRS_EINIT_EXCEPTION);
	assert_int_equal(r.trace_bytes, 678);
	assert_int_equal(r.trace_offset, 12345);
	assert_int_equal(r.message_bytes, 8);
	assert_memory_equal(r.message, "no model", 8);
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *q = malloc(cut + 1);
		memcpy(q, p, cut);
		assert_int_equal(prs_msg_get_report(q, cut, &r, NULL), -PRS_EPROTOCOL);
		free(q);
	}
	free(p);
}

static void test_note(void **state)
{
	(void)state;
	static const uint8_t raw[] = { 3, 0, 0, 0, 5, 0, 'a', ' ', 'c', 's', 'v' };
	struct prs_text text;
	uint16_t kind;
	assert_int_equal(prs_msg_get_note(raw, sizeof raw, &kind, &text, NULL), 0);
	assert_int_equal(kind, 3);
	assert_int_equal(text.n, 5);
	assert_memory_equal(text.p, "a csv", 5);
	for (size_t cut = 0; cut < sizeof raw; cut++)
		assert_int_equal(prs_msg_get_note(raw, cut, &kind, &text, NULL), -PRS_EPROTOCOL);
	assert_int_equal(prs_msg_get_note((const uint8_t[]){ 32, 0, 0, 0, 0, 0 }, 6, &kind, &text, NULL),
	                 -PRS_EPROTOCOL);
}

/* What stands behind the message when a disk is full. */
static const char full_hex[] = "1c00000001000000fd00000000000000", unnamed_hex[] = "7a000000000000000000000000000000";

/* FAIL with a full disk, and with the kind of the error behind it. */
static void check_fail(const char *full, const char *kind, uint32_t errnum, bool named, uint64_t device)
{
	char text[512];
	size_t n, tail = strlen(full) / 2 + strlen(kind) / 2;
	struct prs_full_disk got;
	struct prs_try t;
	snprintf(text, sizeof text, "%s%s%s", fail_hex, full, kind);
	uint8_t *p = hex_bytes(text, &n);
	assert_int_equal(prs_msg_get_fail(p, n, &t, &got, NULL), 0);
	assert_int_equal(got.errnum, errnum);
	assert_int_equal(got.named, named);
	assert_int_equal(got.device, device);
	assert_int_equal(t.errnum, errnum);
	assert_int_equal(t.message.n, 16);
	assert_int_equal(t.kind.n, kind[0] ? 13 : 0);
	if (kind[0])
		assert_memory_equal(t.kind.p, "Bad at a.py:9", 13);
	assert_int_equal(t.bad_item, 0);
	for (size_t cut = n - tail + 1; cut < n; cut++)
		if (cut != n - tail + 16) /* the kind as a whole may be missing */
			assert_true(prs_msg_get_fail(p, cut, &t, &got, NULL) < 0);
	assert_int_equal(prs_msg_get_fail(p, n - tail, &t, &got, NULL), 0);
	assert_int_equal(got.errnum, 0);
	assert_int_equal(t.kind.n, 0);
	free(p);
}

/* FAIL that says which item is to blame. */
static void test_bad_item(void **state)
{
	(void)state;
	char text[512];
	size_t n;
	struct prs_full_disk full;
	struct prs_try t;
	snprintf(text, sizeof text, "%s%032d%s", fail_hex, 0, "00000f000000");
	uint8_t *p = hex_bytes(text, &n);
	assert_int_equal(prs_msg_get_fail(p, n, &t, &full, NULL), 0);
	assert_int_equal(t.bad_item, 15);
	assert_int_equal(t.kind.n, 0);
	for (size_t cut = n - 3; cut < n; cut++)
		assert_int_equal(prs_msg_get_fail(p, cut, &t, &full, NULL), -PRS_EPROTOCOL);
	assert_int_equal(prs_msg_get_fail(p, n - 4, &t, &full, NULL), 0);
	assert_int_equal(t.bad_item, 0);
	free(p);
}

static void check_full(const char *full, uint32_t errnum, bool named, uint64_t device)
{
	char text[512];
	size_t n, message;
	struct prs_report report;
	snprintf(text, sizeof text, "%s%s", report_hex, full);
	uint8_t *p = hex_bytes(text, &n);
	assert_int_equal(prs_msg_get_report(p, n, &report, NULL), 0);
	assert_memory_equal(report.message, "no model", 8);
	assert_int_equal(report.full.errnum, errnum);
	assert_int_equal(report.full.named, named);
	assert_int_equal(report.full.device, device);
	message = n - 16;
	for (size_t cut = message + 1; cut < n; cut++)
		assert_int_equal(prs_msg_get_report(p, cut, &report, NULL), -PRS_EPROTOCOL);
	free(p);
	check_fail(full, "", errnum, named, device);
	check_fail(full, "0d0042616420617420612e70793a39", errnum, named, device);
}

static void test_full_disk(void **state)
{
	(void)state;
	struct prs_full_disk got;
	struct prs_try t;
	check_full(full_hex, 28, true, 253);
	check_full(unnamed_hex, 122, false, 0);
	check_fail("00000000000000000000000000000000", "0d0042616420617420612e70793a39", 0, false, 0);
	assert_int_equal(prs_msg_get_fail((const uint8_t *)"", 0, &t, &got, NULL), -PRS_ECORRUPT);
}

static void test_hello(void **state)
{
	(void)state;
	size_t n;
	uint8_t *p = hex_bytes(hello_hex, &n);
	struct prs_hello h;
	struct prs_err err = { 0 };
	assert_int_equal(prs_msg_get_hello(p, n, &h, NULL), 0);
	assert_int_equal(h.pid, 4711);
	assert_int_equal(h.abi, 0x030b07f0);
	assert_memory_equal(h.version, "3.11.7", 6);
	assert_memory_equal(h.executable, "/usr/bin/python3", 16);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(prs_msg_get_hello(p, cut, &h, NULL), -PRS_EPROTOCOL);
	prs_put32(p + 8, 2);
	assert_int_equal(prs_msg_get_hello(p, n, &h, &err), -PRS_EPROTOCOL);
	assert_non_null(strstr(err.msg, "protocol 2"));
	free(p);
}

static void test_answers(void **state)
{
	(void)state;
	size_t n;
	uint8_t *p = hex_bytes(result_hex, &n);
	struct prs_done d;
	struct prs_try t;
	assert_int_equal(prs_done_decode(p, n, &d, NULL), 0);
	assert_int_equal(d.unit.id, 5);
	assert_int_equal(d.unit.item_first, 10);
	assert_int_equal(d.unit.item_count, 20);
	assert_int_equal(d.lease, LEASE(77));
	assert_int_equal(d.try_number, 2);
	assert_int_equal(d.status, PRS_DONE_SHORT);
	assert_int_equal(d.slot, 11);
	assert_int_equal(d.length, 4);
	assert_int_equal(d.succeeded, 1);
	assert_int_equal(d.rows, 1);
	assert_int_equal(d.cpu_us, 333);
	assert_memory_equal(p + PRS_DONE_BYTES, "1.0\n", 4);
	free(p);
	p = hex_bytes(fail_hex, &n);
	assert_int_equal(prs_try_decode(p, n, &t, NULL), 0);
	assert_int_equal(t.unit.item_count, 20);
	assert_int_equal(t.slot, 11);
	assert_int_equal(t.cpu_us, 333);
	assert_int_equal(t.code, PRS_ERUN_EXCEPTION);
	assert_int_equal(t.trace_offset, 12345);
	assert_int_equal(t.trace_bytes, 678);
	assert_int_equal(t.message.n, 16);
	assert_memory_equal(t.message.p, "ValueError: five", 16);
	free(p);
}

/* The page is shared with Python: its layout is a format. */
static void test_page(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct prs_page, id), 8);
	assert_int_equal(offsetof(struct prs_page, lease), 16);
	assert_int_equal(offsetof(struct prs_page, item_first), 24);
	assert_int_equal(offsetof(struct prs_page, item_count), 28);
	assert_int_equal(offsetof(struct prs_page, results), 32);
	assert_int_equal(offsetof(struct prs_page, pid), 40);
	assert_int_equal(offsetof(struct prs_page, abi), 44);
	assert_int_equal(offsetof(struct prs_page, recalls), 48);
	assert_int_equal(offsetof(struct prs_page, claim), 52);
	assert_int_equal(offsetof(struct prs_page, start_us), 56);
	uint64_t word = prs_page_word(PRS_PHASE_RUN, (UINT64_C(1) << 60) | 12345);
	assert_int_equal(word, UINT64_C(4) << 56 | 12345);
	assert_int_equal(prs_page_phase(word), PRS_PHASE_RUN);
	assert_int_equal(prs_page_since(word), 12345);
	struct prs_page page = { .word = word,
		                 .id = 5,
		                 .lease = LEASE(7),
		                 .item_first = 1,
		                 .item_count = 2,
		                 .results = 3,
		                 .pid = 4,
		                 .abi = 5,
		                 .recalls = 6,
		                 .claim = 7,
		                 .start_us = 8 };
	struct prs_page copy = prs_page_read(&page);
	assert_memory_equal(&copy, &page, sizeof page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),   cmocka_unit_test(test_headers_that_are_none),
		cmocka_unit_test(test_task),     cmocka_unit_test(test_report),
		cmocka_unit_test(test_hello),    cmocka_unit_test(test_answers),
		cmocka_unit_test(test_page),     cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_note),
		cmocka_unit_test(test_bad_item),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
