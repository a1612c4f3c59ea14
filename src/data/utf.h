/* SPDX-License-Identifier: Apache-2.0
 * utf: UTF-16 and UTF-32 become UTF-8, in pieces of any size. Pure.
 *
 * The order of the bytes is what the mark at the front says; without one it is that in which the first character is one
 * of ASCII, else the lower byte first, as Windows and Python's "utf-16" write it. The mark is no part of the text. A
 * surrogate without its half, a number that is no character, and half a unit at the end are refused.
 */
#ifndef PRS_DATA_UTF_H
#define PRS_DATA_UTF_H

#include "base/buf.h"

#include <stdbool.h>

enum prs_utf_form { PRS_UTF_NONE, PRS_UTF_16LE, PRS_UTF_16BE, PRS_UTF_32LE, PRS_UTF_32BE };
enum { PRS_UTF_FRONT_BYTES = 4 }; /* of a text, which say its form */

struct prs_utf {
	enum prs_utf_form form;
	uint64_t at;     /* offset of the next unit; of the one that was refused */
	uint8_t kept[4]; /* the first bytes of a unit */
	unsigned kept_n;
	unsigned high; /* the half of a surrogate pair that came; 0: none */
};

/* As a mark says that begins a text; PRS_UTF_NONE: no such mark. */
enum prs_utf_form prs_utf_marked(const uint8_t *front, size_t n);
/* Of a text that is known to have units of so many bytes, 2 or 4. */
enum prs_utf_form prs_utf_of(const uint8_t *front, size_t n, unsigned unit);
/* "UTF-16", "UTF-32" */
const char *prs_utf_name(enum prs_utf_form form);
void prs_utf_init(struct prs_utf *u, enum prs_utf_form form);
/* Appends the next n bytes as UTF-8. -PRS_EINVALID: u->at is the offset of what is no text. A buffer that cannot grow
 * says so itself. */
int prs_utf_feed(struct prs_utf *u, const uint8_t *p, size_t n, struct prs_buf *to);
/* The text ends here. -PRS_EINVALID: in the middle of a character. */
int prs_utf_finish(struct prs_utf *u);

#endif
