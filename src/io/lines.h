/* SPDX-License-Identifier: Apache-2.0
 * lines: what a child says, line by line: a pipe whose other end it is given.
 */
#ifndef PRS_IO_LINES_H
#define PRS_IO_LINES_H

#include "io/loop.h"

#include <stddef.h>

enum { PRS_LINE_BYTES_MAX = 1 << 20 };

struct prs_lines;

/* A line without its line feed, 0-closed; good until the callback returns. */
typedef void prs_lines_fn(void *ctx, char *line, size_t n);

/* *ret_peer: the end of the child; the caller closes it. A line that is too long is passed over. */
struct prs_lines *prs_lines_new(struct prs_loop *l, int *ret_peer, prs_lines_fn *fn, void *ctx, struct prs_err *err);
/* Hands over what is there, now. */
void prs_lines_look(struct prs_lines *p);
/* The same, and frees it; nobody who still holds the other end is waited for. NULL is nothing. */
void prs_lines_free(struct prs_lines *p);

#endif
