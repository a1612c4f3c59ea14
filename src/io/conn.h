/* SPDX-License-Identifier: Apache-2.0
 * conn: a non-blocking stream socket that carries frames (wire/msg.h) and passed descriptors.
 *
 * Sending is gathered: prs_conn_out() is filled by the caller, prs_conn_flush() sends what fits. Reading takes
 * everything that is there.
 * Ownership: the conn owns its socket and the descriptors that no frame has taken yet.
 */
#ifndef PRS_IO_CONN_H
#define PRS_IO_CONN_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/msg.h"

#include <stdbool.h>

struct prs_conn {
	int fd;
	struct prs_buf in, out;
	size_t in_at; /* bytes of `in` that were handled */
	int fds[16];  /* passed descriptors in order, not taken yet */
	unsigned fds_n;
	bool eof;
};

/* A frame. `fd` is -1 or the descriptor that came with it: the callee owns it. Non-zero stops the reading and is
 * returned. */
typedef int prs_conn_frame_fn(void *ctx, const struct prs_msg_header *h, const uint8_t *payload, int fd);

/* A pair of connected stream sockets, both close-on-exec: ours non-blocking, *ret_peer blocking. */
int prs_conn_init(struct prs_conn *c, int *ret_peer, struct prs_err *err);
void prs_conn_done(struct prs_conn *c);
/* Read all that is there and hand over each whole frame. PRS_EPROTOCOL when the bytes are none, PRS_ENOMEM (then, and
 * whenever it is called again); sets c->eof at the end of the stream. */
int prs_conn_read(struct prs_conn *c, prs_conn_frame_fn *fn, void *ctx, struct prs_err *err);
/* 1: all sent, 0: some is left (wait for writability), < 0: the peer is gone. */
int prs_conn_flush(struct prs_conn *c);

#endif
