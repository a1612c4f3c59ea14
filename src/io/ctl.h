/* SPDX-License-Identifier: Apache-2.0
 * ctl: the Unix socket <folder>/ctl of a running engine: a line in, a line out, as often as the client likes.
 *
 * It is bound and reached through the folder's descriptor (/proc/self/fd/N/ctl): a socket's path has at most 108 bytes,
 * a run folder's may have more. Only the same user and root are answered. A client that fills its line or does not read
 * its answer is let go.
 */
#ifndef PRS_IO_CTL_H
#define PRS_IO_CTL_H

#include "base/buf.h"
#include "io/loop.h"

struct prs_ctl;

/* Answers `line` (without its line feed, 0-closed) into `reply` (without one too). */
typedef void prs_ctl_fn(void *ctx, const char *line, struct prs_buf *reply);

/* A socket that a dead engine left there is replaced. */
struct prs_ctl *prs_ctl_new(struct prs_loop *l, const char *folder, prs_ctl_fn *fn, void *ctx, struct prs_err *err);
/* Removes the socket, unless another engine has put its own there. */
void prs_ctl_free(struct prs_ctl *c);

/* The client: one line, one answer (appended). PRS_ENOTFOUND: nobody listens. */
int prs_ctl_ask(const char *folder, const char *line, struct prs_buf *reply, struct prs_err *err);

#endif
