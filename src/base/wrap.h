/* SPDX-License-Identifier: Apache-2.0
 * wrap: text laid out for a terminal of some width. Lines are wrapped at blanks under their own beginning; cells of a
 * table are cut, and a mark says so.
 *
 * A word that is wider than the line stays whole: the terminal itself breaks it, and it can be copied. A command
 * (a text that begins with "prs ") is broken with a backslash, so that it can be pasted.
 */
#ifndef PRS_BASE_WRAP_H
#define PRS_BASE_WRAP_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Columns that n bytes of UTF-8 take on a terminal: colours and combining characters none, wide characters two. */
unsigned prs_columns(const char *text, size_t n);
/* The lines of a text, each at most `columns` wide (0 = as they are). What follows stands under the first character of
 * its line; of a line "  label   text" under the text, where there is room. */
void prs_put_wrapped(struct prs_buf *to, const char *text, unsigned columns);

enum prs_cut { PRS_CUT_END, PRS_CUT_FRONT };
/* A text without line feeds in at most `columns`; a mark stands for what is cut: an ellipsis, or three dots. */
void prs_put_cut(struct prs_buf *to, const char *text, unsigned columns, enum prs_cut where, bool utf8);

#endif
