/* SPDX-License-Identifier: Apache-2.0
 * test_conn: frames in pieces, passed descriptors, ends.
 */
#include "io/conn.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	struct prs_conn c;
	int peer;
	unsigned frames;
	char text[256];
};

static int setup(void **state)
{
	static struct world w;
	w = (struct world){ 0 };
	*state = &w;
	signal(SIGPIPE, SIG_IGN);
	return prs_conn_init(&w.c, &w.peer, NULL);
}

static int teardown(void **state)
{
	struct world *w = *state;
	prs_conn_done(&w->c);
	if (w->peer >= 0)
		close(w->peer);
	return 0;
}

/* Notes claim and bytes of each frame, and what the descriptor holds. */
static int on_frame(void *ctx, const struct prs_msg_header *h, const uint8_t *payload, int fd)
{
	struct world *w = ctx;
	char held[8] = "";
	ssize_t n = fd >= 0 ? pread(fd, held, sizeof held - 1, 0) : 0;
	held[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
	size_t at = strlen(w->text);
	snprintf(w->text + at, sizeof w->text - at, "%u:%.*s%s%s ", h->claim, (int)h->len, (const char *)payload,
	         fd >= 0 ? "+" : "", held);
	w->frames++;
	return 0;
}

static void send_frame(int to, uint32_t claim, const char *text, const char *held)
{
	struct prs_buf b;
	prs_buf_init(&b, 1 << 20);
	struct prs_msg_header h = { (uint32_t)strlen(text), PRS_MSG_RESULT, held ? PRS_MSG_FD : 0, claim };
	prs_msg_put_header(&b, &h);
	prs_buf_put(&b, text, strlen(text));
	struct iovec v = { b.data, b.len };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int fd = -1;
	if (held) {
		fd = memfd_create("rows", MFD_CLOEXEC);
		assert_int_equal(write(fd, held, strlen(held)), strlen(held));
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof control.bytes;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	assert_int_equal(sendmsg(to, &m, 0), b.len);
	if (fd >= 0)
		close(fd);
	prs_buf_done(&b);
}

/* What a dead process wrote is read by one call: a descriptor on the way must not end it. */
static void test_one_read_gets_all(void **state)
{
	struct world *w = *state;
	send_frame(w->peer, 1, "a", NULL);
	send_frame(w->peer, 2, "b", "B");
	send_frame(w->peer, 3, "c", NULL);
	send_frame(w->peer, 4, "d", "D");
	send_frame(w->peer, 5, "e", "E");
	close(w->peer);
	w->peer = -1;
	assert_int_equal(prs_conn_read(&w->c, on_frame, w, NULL), 0);
	assert_string_equal(w->text, "1:a 2:b+B 3:c 4:d+D 5:e+E ");
	assert_int_equal(prs_conn_read(&w->c, on_frame, w, NULL), 0);
	assert_true(w->c.eof);
}

static void test_byte_by_byte(void **state)
{
	struct world *w = *state;
	struct prs_buf b;
	prs_buf_init(&b, 1 << 20);
	for (uint32_t i = 1; i <= 3; i++) {
		struct prs_msg_header h = { i, PRS_MSG_TASK, 0, i };
		prs_msg_put_header(&b, &h);
		prs_buf_put(&b, "xyz", i);
	}
	for (size_t i = 0; i < b.len; i++) {
		assert_int_equal(write(w->peer, b.data + i, 1), 1);
		assert_int_equal(prs_conn_read(&w->c, on_frame, w, NULL), 0);
	}
	prs_buf_done(&b);
	assert_string_equal(w->text, "1:x 2:xy 3:xyz ");
}

static void test_bytes_that_are_no_protocol(void **state)
{
	struct world *w = *state;
	char junk[64];
	memset(junk, 0xff, sizeof junk);
	assert_int_equal(write(w->peer, junk, sizeof junk), sizeof junk);
	assert_int_equal(prs_conn_read(&w->c, on_frame, w, NULL), -PRS_EPROTOCOL);
	assert_int_equal(w->frames, 0);
}

/* The flag without the descriptor. */
static void test_missing_descriptor(void **state)
{
	struct world *w = *state;
	struct prs_buf b;
	prs_buf_init(&b, 1 << 20);
	struct prs_msg_header h = { 0, PRS_MSG_RESULT, PRS_MSG_FD, 1 };
	prs_msg_put_header(&b, &h);
	assert_int_equal(write(w->peer, b.data, b.len), b.len);
	prs_buf_done(&b);
	assert_int_equal(prs_conn_read(&w->c, on_frame, w, NULL), -PRS_EPROTOCOL);
}

static void test_flush_waits_and_tells_the_end(void **state)
{
	struct world *w = *state;
	char block[4096] = "";
	for (int i = 0; i < 4096; i++)
		prs_buf_put(&w->c.out, block, sizeof block);
	assert_int_equal(prs_conn_flush(&w->c), 0);
	assert_true(w->c.out.len > 0 && w->c.out.len < 4096 * sizeof block);
	close(w->peer);
	w->peer = -1;
	assert_true(prs_conn_flush(&w->c) < 0);
}

/* What the other side gets is what was put, however small the pieces that it takes. */
static void test_flush_sends_each_byte_once(void **state)
{
	struct world *w = *state;
	enum { NUMBERS = 1 << 20 };
	for (uint32_t i = 0; i < NUMBERS; i++)
		prs_buf_put(&w->c.out, &i, sizeof i);
	uint32_t got[1000], next = 0;
	for (int done = 0; next < NUMBERS;) {
		if (!done)
			assert_true((done = prs_conn_flush(&w->c)) >= 0);
		size_t n = next + 1000 < NUMBERS ? 1000 : NUMBERS - next;
		assert_int_equal(recv(w->peer, got, n * sizeof *got, MSG_WAITALL), n * sizeof *got);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(got[i], next++);
	}
	assert_int_equal(w->c.out.len, 0);
	assert_int_equal(recv(w->peer, got, 1, MSG_DONTWAIT), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_read_gets_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_byte_by_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bytes_that_are_no_protocol, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush_waits_and_tells_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush_sends_each_byte_once, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
