/* SPDX-License-Identifier: Apache-2.0
 * tokens: the counter that a node and one of its workers share: a token for each unit that the worker may begin. Who
 * reads a token from it has the unit, worker or node, without a lock and without asking the other.
 */
#ifndef PRS_IO_TOKENS_H
#define PRS_IO_TOKENS_H

#include "base/err.h"

#include <stdint.h>

/* The descriptor (non-blocking, close-on-exec), or a negative code. */
int prs_tokens_new(struct prs_err *err);
void prs_tokens_put(int fd, uint64_t count);
/* Up to `count` of them back; how many there were. */
uint32_t prs_tokens_take(int fd, uint32_t count);
/* Closes a descriptor of any kind and forgets it; -1 = none. */
void prs_fd_close(int *fd);

#endif
