/* SPDX-License-Identifier: Apache-2.0
 * test_lines: what comes through a pipe is handed over line by line, whatever pieces it comes in.
 */
#include "io/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct heard {
	struct prs_loop *loop;
	unsigned n, want;
	char text[256];
	size_t longest;
};

static void heard_line(void *ctx, char *line, size_t n)
{
	struct heard *h = ctx;
	assert_int_equal(strlen(line), n);
	h->longest = n > h->longest ? n : h->longest;
	if (strlen(h->text) + n + 2 < sizeof h->text) {
		strcat(h->text, line);
		strcat(h->text, "|");
	}
	if (++h->n == h->want)
		prs_loop_stop(h->loop);
}

/* Until `want` lines came: bytes that the pipe has room for. */
static struct heard hear(const char *const *pieces, unsigned want)
{
	struct prs_err err = { 0 };
	int peer = -1;
	struct heard h = { .loop = prs_loop_new(&err), .want = want };
	struct prs_lines *p = prs_lines_new(h.loop, &peer, heard_line, &h, &err);
	assert_non_null(p);
	for (; *pieces; pieces++)
		assert_int_equal(write(peer, *pieces, strlen(*pieces)), strlen(*pieces));
	close(peer);
	if (want)
		prs_loop_run(h.loop);
	prs_lines_free(p);
	prs_loop_free(h.loop);
	return h;
}

static void test_pieces(void **state)
{
	(void)state;
	assert_string_equal(hear((const char *[]){ "a\nbc", "d\n\n", NULL }, 3).text, "a|bcd||");
}

static void test_what_is_there_is_heard_at_the_end(void **state)
{
	(void)state;
	assert_string_equal(hear((const char *[]){ "last\nhalf", NULL }, 0).text, "last|");
}

/* A line that is too long is passed over, those around it are not. */
static void test_a_line_that_is_too_long(void **state)
{
	(void)state;
	struct prs_err err = { 0 };
	int peer = -1;
	static char bytes[32 << 10];
	struct heard h = { .loop = prs_loop_new(&err), .want = 1 };
	struct prs_lines *p = prs_lines_new(h.loop, &peer, heard_line, &h, &err);
	memset(bytes, 'x', sizeof bytes);
	assert_int_equal(write(peer, "first\n", 6), 6);
	prs_loop_run(h.loop);
	for (size_t i = 0; i <= PRS_LINE_BYTES_MAX / sizeof bytes + 2; i++) {
		assert_int_equal(write(peer, bytes, sizeof bytes), sizeof bytes);
		h.want = 0;
		prs_lines_look(p);
	}
	assert_int_equal(write(peer, "\nlast\n", 6), 6);
	close(peer);
	prs_lines_free(p);
	assert_string_equal(h.text, "first|last|");
	prs_loop_free(h.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_what_is_there_is_heard_at_the_end),
		cmocka_unit_test(test_a_line_that_is_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
