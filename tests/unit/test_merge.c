/* SPDX-License-Identifier: Apache-2.0
 * test_merge: the columns of all tables as one header, and rows that are written again to have them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "merge_text.h"
#include "store/merge.h"

/* A mini-batch: its kinds ("" = it cannot be written again), the line of its names, its rows. */
struct part {
	const char *kinds, *line, *rows;
};

struct whole {
	const char *what;
	char delimiter;
	unsigned flags;
	struct part parts[4];
	const char *want;
};

static uint32_t add(struct prs_merge *m, const struct whole *w, const struct part *p)
{
	uint8_t header[512];
	uint32_t number = 99, again = 98;
	struct prs_err err = { 0 };
	size_t n = merge_header(header, w->delimiter, p->kinds[0] ? w->flags : 0, p->kinds, p->line);
	if (prs_merge_add(m, header, n, &number, &err))
		fail_msg("%s: %s", w->what, err.msg);
	assert_true(prs_merge_knows(m, header, n, &again));
	assert_int_equal(again, number);
	return number;
}

/* All parts, their rows in pieces of `piece` bytes. */
static void check(const struct whole *w, size_t piece)
{
	PRS_AUTOBUF out;
	uint32_t numbers[4];
	struct prs_merge *m = prs_merge_new();
	prs_buf_init(&out, 1 << 16);
	for (int i = 0; i < 4 && w->parts[i].line; i++)
		numbers[i] = add(m, w, &w->parts[i]);
	prs_merge_head(m, &out);
	for (int i = 0; i < 4 && w->parts[i].line; i++) {
		const char *rows = w->parts[i].rows;
		size_t left = strlen(rows);
		if (prs_merge_begin(m, numbers[i])) {
			prs_buf_puts(&out, rows);
			continue;
		}
		for (size_t n; left; rows += n, left -= n) {
			n = left < piece ? left : piece;
			assert_int_equal(prs_merge_feed(m, (const uint8_t *)rows, n, &out), 0);
		}
		assert_int_equal(prs_merge_end(m, &out), 0);
	}
	if (strcmp(prs_buf_str(&out), w->want) != 0)
		fail_msg("%s, %zu bytes at a time:\n%s\ninstead of\n%s", w->what, piece, prs_buf_str(&out), w->want);
	prs_merge_free(m);
}

static void test_wholes(void **state)
{
	(void)state;
	static const struct whole all[] = {
		{ "the same columns",
		  ',',
		  1,
		  { { "00", "a,b\n", "1,2\n" }, { "00", "a,b\n", "3,\n" } },
		  "a,b\n1,2\n3,\n" },
		{ "one more", ',', 1, { { "0", "a\n", "1\n" }, { "00", "a,b\n", "2,3\n" } }, "a,b\n1,\n2,3\n" },
		{ "one less, and its only cell is empty",
		  ',',
		  1,
		  { { "00", "a,b\n", "1,2\n" }, { "0", "a\n", "\"\"\n3\n" } },
		  "a,b\n1,2\n\"\",\n3,\n" },
		{ "another order",
		  ',',
		  1,
		  { { "000", "a,b,c\n", "1,2,3\n" }, { "000", "c,a,b\n", "6,4,5\n,,\n" } },
		  "a,b,c\n1,2,3\n4,5,6\n,,\n" },
		{ "other ones",
		  '\t',
		  1,
		  { { "0", "a\n", "1\n" }, { "0", "b\n", "2\n" }, { "0", "c\n", "3\n" } },
		  "a\tb\tc\n1\t\t\n\t2\t\n\t\t3\n" },
		{ "quotes, delimiters and line feeds in cells and names",
		  ',',
		  1,
		  { { "0", "\"a,\"\"\n\"\n", "\"1,\"\"\n\"\n" },
		    { "00", "b,\"a,\"\"\n\"\n", "\"\",\"x\r\n,\"\ny\"y,\" z\"\n" } },
		  "\"a,\"\"\n\",b\n\"1,\"\"\n\",\n\"x\r\n,\",\"\"\n\" z\",y\"y\n" },
		{ "CR LF, and a mark in front",
		  ';',
		  7,
		  { { "00", "a;b\r\n", "1;2\r\n" }, { "00", "b;c\r\n", "3;\"x\r\n\"\r\n;\r\n" } },
		  "\xef\xbb\xbf"
		  "a;b;c\r\n1;2;\r\n;3;\"x\r\n\"\r\n;;\r\n" },
		{ "the same name twice",
		  ',',
		  1,
		  { { "00", "a,a\n", "1,2\n" }, { "000", "a,b,a\n", "3,4,5\n" } },
		  "a,a,b\n1,2,\n3,5,4\n" },
		{ "dates get the parts that others have",
		  ',',
		  1,
		  { { "10", "d,x\n", "2024-02-29,1\n,2\n" },
		    { "20", "d,x\n", "2024-02-29 10:30:00,3\n" },
		    { "03", "x,d\n", "4,2024-02-29 10:30:00.500000\n" },
		    { "00", "d,x\n", "a text,5\n" } },
		  "d,x\n2024-02-29 00:00:00.000000,1\n,2\n2024-02-29 10:30:00.000000,3\n"
		  "2024-02-29 10:30:00.500000,4\na text,5\n" },
		{ "down to nanoseconds",
		  ',',
		  1,
		  { { "4", "d\n", "2024-02-29 00:00:00.000000001\n" }, { "1", "d\n", "2024-02-29\n" } },
		  "d\n2024-02-29 00:00:00.000000001\n2024-02-29 00:00:00.000000000\n" },
		{ "rows with more and fewer cells than their header lose nothing",
		  ',',
		  1,
		  { { "00", "a,b\n", "1,2\n" }, { "00", "b,c\n", "3\n4,5,6\n" } },
		  "a,b,c\n1,2,\n,3,\n,4,5,6\n" },
		{ "the last row has no end",
		  ',',
		  1,
		  { { "00", "a,b\n", "1,2\n" }, { "0", "b\n", "3\n\"4\n" } },
		  "a,b\n1,2\n,3\n,\"4\n\n" },
		{ "of a way of writing that is not known",
		  ',',
		  1,
		  { { "", "a,b\n", "1,2\n" }, { "", "a,b\n", "3,4\n" }, { "0", "c\n", "5\n" } },
		  "a,b\n1,2\n3,4\n5\n" },
		{ "the second one is not known",
		  ',',
		  1,
		  { { "0", "a\n", "1\n" }, { "", "b\n", "2\n" }, { "0", "c\n", "3\n" } },
		  "a,c\n1,\n2\n,3\n" },
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		for (size_t piece = 1; piece < 40; piece += 1 + piece / 8)
			check(&all[i], piece);
}

static void test_foreign(void **state)
{
	(void)state;
	uint8_t header[64];
	uint32_t number;
	struct prs_merge *m = prs_merge_new();
	static const struct {
		char delimiter;
		unsigned flags;
		const char *kinds, *line;
		bool foreign;
	} rows[] = { { ',', 1, "0", "a\n", false },
		     { ',', 1, "0", "b\n", false },
		     { ';', 1, "0", "a\n", true },
		     { ',', 5, "0", "a\r\n", true },
		     { ',', 0, "", "a\n", true } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = merge_header(header, rows[i].delimiter, rows[i].flags, rows[i].kinds, rows[i].line);
		assert_int_equal(prs_merge_add(m, header, n, &number, NULL), 0);
		assert_int_equal(number, i);
		assert_int_equal(prs_merge_is_foreign(m, number), rows[i].foreign);
	}
	prs_merge_free(m);
}

static void test_no_header(void **state)
{
	(void)state;
	static const struct {
		unsigned flags;
		const char *kinds, *line;
	} rows[] = { { 1, "0", "a" },  { 1, "0", "a,b\n" }, { 1, "00", "a\n" }, { 1, "0", "a\nb\n" }, { 0, "0", "a\n" },
		     { 1, "", "a\n" }, { 1, "5", "a\n" },   { 8, "0", "a\n" },  { 0, "", "" },        { 1, "0", "" } };
	uint8_t header[64];
	uint32_t number;
	struct prs_err err = { 0 };
	struct prs_merge *m = prs_merge_new();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = merge_header(header, ',', rows[i].flags, rows[i].kinds, rows[i].line);
		assert_int_equal(prs_merge_add(m, header, n, &number, &err), -PRS_ECORRUPT);
		assert_false(prs_merge_knows(m, header, n, &number));
	}
	for (size_t n = 0; n < 8; n++)
		assert_int_equal(prs_merge_add(m, header, n, &number, &err), -PRS_ECORRUPT);
	prs_merge_free(m);
}

/* Each with a column of its own. */
static void test_many(void **state)
{
	(void)state;
	enum { MANY = 3000 };
	uint8_t header[64];
	char line[32];
	uint32_t number;
	PRS_AUTOBUF out;
	struct prs_merge *m = prs_merge_new();
	prs_buf_init(&out, 1 << 20);
	for (int i = 0; i < MANY; i++) {
		snprintf(line, sizeof line, "c%d\n", i);
		assert_int_equal(prs_merge_add(m, header, merge_header(header, ',', 1, "0", line), &number, NULL), 0);
		assert_int_equal(number, i);
	}
	assert_false(prs_merge_begin(m, 1234));
	assert_int_equal(prs_merge_feed(m, (const uint8_t *)"x\n", 2, &out), 0);
	assert_int_equal(out.len, MANY + 1);
	assert_int_equal(out.data[1234], 'x');
	prs_merge_free(m);
}

static void test_no_memory(void **state)
{
	(void)state;
#ifdef PRS_KILL_POINTS
	static const struct part parts[] = { { "0", "a\n", "1\n" }, { "00", "b,a\n", "2,3\n" } };
	uint8_t header[64];
	for (long at = 1; at < 100; at++) {
		PRS_AUTOBUF out;
		uint32_t number;
		prs_buf_init(&out, 1 << 16);
		prs_mem_fault(at);
		struct prs_merge *m = prs_merge_new();
		int r = m ? 0 : -PRS_ENOMEM;
		for (int i = 0; i < 2 && !r; i++) {
			size_t n = merge_header(header, ',', 1, parts[i].kinds, parts[i].line);
			r = prs_merge_add(m, header, n, &number, NULL);
		}
		if (!r)
			r = prs_merge_head(m, &out);
		if (!r && !prs_merge_begin(m, 0))
			r = prs_merge_feed(m, (const uint8_t *)"1\n", 2, &out);
		prs_mem_fault(0);
		assert_true(r == 0 || r == -PRS_ENOMEM);
		if (!r)
			assert_string_equal(prs_buf_str(&out), "a,b\n1,\n");
		prs_merge_free(m);
	}
#endif
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wholes), cmocka_unit_test(test_foreign),   cmocka_unit_test(test_no_header),
		cmocka_unit_test(test_many),   cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
