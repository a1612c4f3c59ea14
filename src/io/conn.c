/* SPDX-License-Identifier: Apache-2.0
 * conn: one recvmsg takes what is there (a read ends behind passed descriptors, which queue up beside the bytes); whole
 * frames are handed over, the rest waits in the buffer. Sending keeps what the socket does not take.
 */
#include "io/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10, IN_MAX = PRS_MSG_MAX_BYTES + PRS_MSG_HEADER_BYTES + READ_BYTES };
#define OUT_MAX ((size_t)1 << 31)

int prs_conn_init(struct prs_conn *c, int *ret_peer, struct prs_err *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return prs_fail_errno(err, errno, "socket pair of a worker");
	fcntl(pair[0], F_SETFL, fcntl(pair[0], F_GETFL) | O_NONBLOCK);
	int bytes = 1 << 20;
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	*c = (struct prs_conn){ .fd = pair[0] };
	prs_buf_init(&c->in, IN_MAX);
	prs_buf_init(&c->out, OUT_MAX);
	*ret_peer = pair[1];
	return 0;
}

void prs_conn_done(struct prs_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	for (unsigned i = 0; i < c->fds_n; i++)
		close(c->fds[i]);
	c->fds_n = 0;
	prs_buf_done(&c->in);
	prs_buf_done(&c->out);
}

static void keep_descriptors(struct prs_conn *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		unsigned n = (unsigned)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (unsigned i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
			if (c->fds_n < sizeof c->fds / sizeof *c->fds)
				c->fds[c->fds_n++] = fd;
			else
				close(fd);
		}
	}
}

/* > 0 bytes read, 0 nothing more now (or the end: c->eof), < 0 a code. */
static ssize_t read_some(struct prs_conn *c)
{
	uint8_t *to = prs_buf_reserve(&c->in, READ_BYTES);
	if (!to)
		return c->in.failed;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 8)];
	} control;
	struct iovec v = { to, READ_BYTES };
	struct msghdr m = { .msg_iov = &v,
		            .msg_iovlen = 1,
		            .msg_control = control.bytes,
		            .msg_controllen = sizeof control.bytes };
	for (;;) {
		ssize_t n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0) {
			c->eof = true;
			return 0;
		}
		keep_descriptors(c, &m);
		c->in.len += (size_t)n;
		return n;
	}
}

static int take_descriptor(struct prs_conn *c)
{
	int fd = c->fds[0];
	c->fds_n--;
	memmove(c->fds, c->fds + 1, c->fds_n * sizeof *c->fds);
	return fd;
}

static int handle_frames(struct prs_conn *c, prs_conn_frame_fn *fn, void *ctx, struct prs_err *err)
{
	while (c->in.len - c->in_at >= PRS_MSG_HEADER_BYTES) {
		struct prs_msg_header h;
		int r = prs_msg_get_header(c->in.data + c->in_at, &h, err);
		if (r < 0)
			return r;
		if (c->in.len - c->in_at - PRS_MSG_HEADER_BYTES < h.len)
			break;
		int fd = -1;
		if (h.flags & PRS_MSG_FD) {
			if (!c->fds_n)
				return prs_fail(err, PRS_EPROTOCOL, "a frame announces a descriptor that did not come");
			fd = take_descriptor(c);
		}
		const uint8_t *payload = c->in.data + c->in_at + PRS_MSG_HEADER_BYTES;
		c->in_at += PRS_MSG_HEADER_BYTES + h.len;
		r = fn(ctx, &h, payload, fd);
		if (r)
			return r;
	}
	prs_buf_consume(&c->in, c->in_at);
	c->in_at = 0;
	return 0;
}

int prs_conn_read(struct prs_conn *c, prs_conn_frame_fn *fn, void *ctx, struct prs_err *err)
{
	while (!c->eof) {
		ssize_t n = read_some(c);
		if (n == -PRS_ENOMEM)
			return prs_fail(err, PRS_ENOMEM, "no memory for a frame");
		if (n < 0)
			return prs_fail(err, PRS_EPROTOCOL, "a frame that is larger than the limit");
		bool cut = c->fds_n > 0; /* a read ends behind a passed descriptor */
		int r = handle_frames(c, fn, ctx, err);
		if (r)
			return r;
		if (n == 0 || (n < READ_BYTES && !cut))
			return 0; /* the socket was emptied: the loop tells when there is more */
	}
	return 0;
}

int prs_conn_flush(struct prs_conn *c)
{
	size_t sent = 0;
	int ret = 1;
	while (sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.data + sent, c->out.len - sent, MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		ret = n < 0 && errno == EAGAIN ? 0 : -1;
		break;
	}
	prs_buf_consume(&c->out, sent);
	return ret;
}
