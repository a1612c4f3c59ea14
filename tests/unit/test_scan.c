/* SPDX-License-Identifier: Apache-2.0
 * test_scan: slices of text tables: the rows of the table below, each text as one block and byte by byte, with and
 * without vectors.
 */
#include "data/scan.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct world {
	char text[4096];
	size_t n;
	const char *source;
	int give_up_after; /* slices; 0: never */
};

static int scan_found(void *ctx, const struct prs_slice *slice, struct prs_err *err)
{
	struct world *w = ctx;
	w->n += (size_t)snprintf(w->text + w->n, sizeof w->text - w->n, "%s%llu+%llu:%llu", w->n ? " " : "",
	                         (unsigned long long)slice->offset, (unsigned long long)slice->bytes,
	                         (unsigned long long)slice->rows);
	if (w->give_up_after && !--w->give_up_after)
		return prs_fail(err, PRS_ECANCELED, "enough");
	return 0;
}

static struct prs_scan_options options(const char *words)
{
	struct prs_scan_options o = { .delimiter = ',',
		                      .max_bytes = UINT64_MAX,
		                      .max_rows = UINT64_MAX,
		                      .max_record = UINT64_MAX };
	unsigned long long v;
	char c;
	for (const char *p = words; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
		if (sscanf(p, "bytes=%llu", &v) == 1)
			o.max_bytes = v;
		if (sscanf(p, "rows=%llu", &v) == 1)
			o.max_rows = v;
		if (sscanf(p, "record=%llu", &v) == 1)
			o.max_record = v;
		if (sscanf(p, "delimiter=%c", &c) == 1)
			o.delimiter = c;
		if (!strncmp(p, "lines", 5))
			o.lines = true;
	}
	return o;
}

static int scan(struct world *w, const char *text, size_t n, size_t block, struct prs_scan_options o, uint64_t from,
                struct prs_scan *s, struct prs_err *err)
{
	int r = 0;
	*w = (struct world){ .source = text, .give_up_after = w->give_up_after };
	prs_scan_init(s, &o, from, scan_found, w);
	for (size_t at = from; at < n && !r; at += block)
		r = prs_scan_feed(s, (const uint8_t *)text + at, n - at < block ? n - at : block, err);
	return r ? r : prs_scan_finish(s, err);
}

/* slices as "offset+bytes:rows" */
static const struct {
	const char *text, *options, *slices;
} rows[] = {
	{ "", "", "" },
	{ "\n\r\n\r", "", "" },
	{ "a\nb\nc\n", "", "0+6:3" },
	{ "a\nb\nc", "", "0+5:3" },
	{ "a\r\nb\rc\n", "rows=1", "0+3:1 3+2:1 5+2:1" },
	{ "a\r\r\nb", "rows=1", "0+2:1 4+1:1" },
	{ "aa\nbb\ncc\n", "bytes=6", "0+6:2 6+3:1" },
	{ "aa\nbb\ncc\n", "bytes=5", "0+3:1 3+3:1 6+3:1" },
	{ "aa\nbb\ncc\n", "bytes=1", "0+3:1 3+3:1 6+3:1" },
	{ "aaaaaaaaaa\nb\n", "bytes=4", "0+11:1 11+2:1" },
	{ "\n\naa\n\n\nbb\n\n\n", "bytes=4", "2+3:1 7+3:1" },
	{ "\n\naa\n\n\nbb\n\n\n", "bytes=10", "2+8:2" },
	{ "  \nb\n", "", "0+5:2" },
	{ "a\nb\nc\nd\ne\n", "rows=2", "0+4:2 4+4:2 8+2:1" },
	{ "\"a\nb\",c\nd\n", "rows=1", "0+8:1 8+2:1" },
	{ "\"a\"\"\nb\"\nd\n", "rows=1", "0+8:1 8+2:1" },
	{ "\"a\"\nb\"\nd\n", "rows=1", "0+4:1 4+3:1 7+2:1" },
	{ "a\"b\nc\"d\n", "rows=1", "0+4:1 4+4:1" },
	{ "x,\"a\nb\"\nc\n", "rows=1", "0+8:1 8+2:1" },
	{ "x;\"a\nb\"\nc\n", "rows=1", "0+5:1 5+3:1 8+2:1" },
	{ "x;\"a\nb\"\nc\n", "rows=1 delimiter=;", "0+8:1 8+2:1" },
	{ "x, \"a\nb\"\n", "rows=1", "0+6:1 6+3:1" },
	{ "\"a\"b\"\nc\n", "rows=1", "0+6:1 6+2:1" },
	{ "\"a\"b,\"\nc\",d\ne\n", "rows=1", "0+12:1 12+2:1" },
	{ "\"\"\n\"\"\"\n\"\n", "rows=1", "0+3:1 3+6:1" },
	{ "\"a\r\nb\"\r\nc\r", "rows=1", "0+8:1 8+2:1" },
	{ "a\r\"b\nc\"\n", "rows=1", "0+2:1 2+6:1" },
	{ "a\r\n\"b\nc\"\n", "rows=1", "0+3:1 3+6:1" },
	{ "\"a\",\"b\",\"c\"\n\"d\",\"e\",\"f\"\n", "rows=1", "0+12:1 12+12:1" },
	{ "{\"a\": \"\n\"}\n", "lines rows=1", "0+8:1 8+3:1" },
	{ " \t\r\n{}\r\n \n{}", "lines rows=1", "4+4:1 10+2:1" },
	{ " {}\n  ", "lines", "0+4:1" },
	{ "a\rb\n", "lines rows=1", "0+4:1" },
};

static void test_slices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = strlen(rows[i].text);
		for (size_t block = 1; block <= n + 1; block++) {
			for (int scalar = 0; scalar < 2; scalar++) {
				struct world w = { .n = 0 };
				struct prs_scan s;
				struct prs_err err = { 0 };
				struct prs_scan_options o = options(rows[i].options);
				o.scalar = scalar;
				assert_int_equal(scan(&w, rows[i].text, n, block, o, 0, &s, &err), 0);
				if (strcmp(w.text, rows[i].slices))
					fail_msg("row %zu, block %zu: %s, expected %s", i, block, w.text,
					         rows[i].slices);
			}
		}
	}
}

/* A scan that begins where a slice ends finds those that follow. */
static void test_goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *p = rows[i].slices;
		unsigned long long offset, bytes;
		while (sscanf(p, "%llu+%llu", &offset, &bytes) == 2) {
			struct world w = { .n = 0 };
			struct prs_scan s;
			struct prs_err err = { 0 };
			assert_int_equal(scan(&w, rows[i].text, strlen(rows[i].text), 64, options(rows[i].options),
			                      offset + bytes, &s, &err),
			                 0);
			p += strcspn(p, " ");
			p += strspn(p, " ");
			assert_string_equal(w.text, p);
		}
	}
}

static void test_what_ends_a_scan(void **state)
{
	(void)state;
	struct world w = { .n = 0 };
	struct prs_scan s;
	struct prs_err err = { 0 };
	for (size_t block = 1; block < 12; block++) {
		assert_int_equal(scan(&w, "a\nb,\"c\nd\n", 9, block, options("rows=1"), 0, &s, &err), -PRS_EINVALID);
		assert_string_equal(w.text, "0+2:1");
		assert_int_equal(s.opened, 4);
		assert_int_equal(s.quoted_break, 6 + 1);
		assert_int_equal(scan(&w, "ab\nabcdef\n", 10, block, options("rows=1 record=6"), 0, &s, &err),
		                 -PRS_ELIMIT);
		assert_int_equal(s.record, 3);
		assert_int_equal(scan(&w, "ab\nabcde\n", 9, block, options("rows=1 record=6"), 0, &s, &err), 0);
		assert_int_equal(scan(&w, "ab\nabcdefg", 10, block, options("lines record=6"), 0, &s, &err),
		                 -PRS_ELIMIT);
		w.give_up_after = 2;
		assert_int_equal(scan(&w, "a\nb\nc\n", 6, block, options("rows=1"), 0, &s, &err), -PRS_ECANCELED);
		assert_string_equal(w.text, "0+2:1 2+2:1");
		w.give_up_after = 0;
	}
	assert_int_equal(scan(&w, "\"a\"\nb\n", 6, 64, options(""), 0, &s, &err), 0);
	assert_int_equal(s.quoted_break, PRS_SCAN_NONE);
	assert_int_equal(s.rows_all, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_what_ends_a_scan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
