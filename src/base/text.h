/* SPDX-License-Identifier: Apache-2.0
 * text: UTF-8, and text from outside that goes to a person's terminal or into a log.
 *
 * The terminal belongs to the user: whoever named a file, wrote an error message or filled a run folder moves no
 * cursor, ends no line and turns no reading direction. Such characters are shown as escapes: \n \r \t, \x1b, \u202e.
 */
#ifndef PRS_BASE_TEXT_H
#define PRS_BASE_TEXT_H

#include "base/buf.h"

#include <stdbool.h>

/* The bytes of the UTF-8 character at p (n of them are there), 0 = it is none; its code into ret_code (may be NULL). */
unsigned prs_utf8(const uint8_t *p, size_t n, unsigned *ret_code);
/* Append the UTF-8 of a code. */
void prs_put_utf8(struct prs_buf *to, unsigned code);
/* May it stand in a line as it is? Not the controls (C0, DEL, C1), line and paragraph separators, bidirectional
 * embeddings, overrides and isolates. */
bool prs_is_plain(unsigned code);
/* Append the text on one line: what is not plain, or no UTF-8, as an escape. */
void prs_put_plain(struct prs_buf *to, const char *text);
void prs_put_plain_bytes(struct prs_buf *to, const void *bytes, size_t n);
/* The same with `"` doubled: for what stands in quotes. */
void prs_put_quoted_bytes(struct prs_buf *to, const void *bytes, size_t n);
/* The same, but line feeds and tabs stay: a text of ours in several lines that holds words from outside. */
void prs_put_lines(struct prs_buf *to, const char *text);
/* A text that is JSON already: the same characters as \u001b, so that it is JSON still. */
void prs_put_json_text(struct prs_buf *to, const char *text);

#endif
