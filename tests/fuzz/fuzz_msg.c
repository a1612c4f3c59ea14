/* SPDX-License-Identifier: Apache-2.0
 * fuzz_msg: what a worker sends: through a real socket pair and the frame reader of io/, each payload decoded as the
 * node does.
 */
#include "fuzz.h"
#include "io/conn.h"
#include "wire/facts.h"

#include <sys/socket.h>
#include <unistd.h>

enum { SEND_MAX = 128 << 10 };

static uint64_t touched;

static void touch(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		touched += (uint8_t)p[i];
}

static int on_frame(void *ctx, const struct prs_msg_header *h, const uint8_t *payload, int fd)
{
	unsigned *frames = ctx;
	struct prs_hello hello;
	struct prs_report report;
	struct prs_done done;
	struct prs_try try_;
	struct prs_full_disk full;
	struct prs_text text;
	uint16_t kind;
	(*frames)++;
	MUST(fd == -1);
	touch((const char *)payload, h->len);
	if (prs_msg_get_hello(payload, h->len, &hello, NULL) == 0) {
		touch(hello.version, hello.version_bytes);
		touch(hello.executable, hello.executable_bytes);
	}
	if (prs_msg_get_report(payload, h->len, &report, NULL) == 0)
		touch(report.message, report.message_bytes);
	if (prs_done_decode(payload, h->len, &done, NULL) == 0)
		MUST(done.head_len <= done.length);
	if (prs_msg_get_fail(payload, h->len, &try_, &full, NULL) == 0) {
		MUST(try_.errnum == full.errnum);
		touch(try_.message.p, try_.message.n);
		touch(try_.kind.p, try_.kind.n);
	}
	if (prs_msg_get_note(payload, h->len, &kind, &text, NULL) == 0)
		touch(text.p, text.n);
	if (prs_try_decode(payload, h->len, &try_, NULL) == 0)
		touch(try_.kind.p, try_.kind.n);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct prs_conn c;
	struct prs_err err = { 0 };
	unsigned frames = 0;
	int peer;
	if (n > SEND_MAX)
		return 0;
	MUST(prs_conn_init(&c, &peer, NULL) == 0);
	size_t half = n / 2; /* frames come in pieces */
	MUST(send(peer, data, half, MSG_DONTWAIT) == (ssize_t)half);
	int r = prs_conn_read(&c, on_frame, &frames, &err);
	MUST(r < 0 || send(peer, data + half, n - half, MSG_DONTWAIT) == (ssize_t)(n - half));
	close(peer);
	for (int i = 0; i < 3 && r == 0 && !c.eof; i++)
		r = prs_conn_read(&c, on_frame, &frames, &err);
	MUST(r < 0 || c.eof);
	MUST(r == 0 || r == -PRS_EPROTOCOL);
	prs_conn_done(&c);
	return 0;
}
