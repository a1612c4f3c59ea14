/* SPDX-License-Identifier: Apache-2.0
 * buf: a growable byte buffer that is born with a maximum.
 *
 * Failure: a put that would pass the maximum, or finds no memory, leaves the bytes as they were, sets `failed` and
 *          returns -PRS_ELIMIT or -PRS_ENOMEM; later puts fail too, so that a series of puts needs one check at its
 *          end.
 */
#ifndef PRS_BASE_BUF_H
#define PRS_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct prs_buf {
	uint8_t *data;
	size_t len;
	size_t cap; /* never above max; 0: data is NULL */
	size_t max; /* bytes */
	int failed; /* 0 or the first negative code */
};

void prs_buf_init(struct prs_buf *b, size_t max_bytes);
void prs_buf_done(struct prs_buf *b);
/* len = 0, failed = 0; the memory stays */
void prs_buf_clear(struct prs_buf *b);
/* What prs_buf_reserve() does when there may be no room yet. */
uint8_t *prs_buf_grow(struct prs_buf *b, size_t n);

/* Room for n more bytes: returns where they go (b->len not moved), NULL on failure. */
static inline uint8_t *prs_buf_reserve(struct prs_buf *b, size_t n)
{
	return n < b->cap - b->len && !b->failed ? b->data + b->len : prs_buf_grow(b, n);
}

int prs_buf_put(struct prs_buf *b, const void *bytes, size_t n);
int prs_buf_puts(struct prs_buf *b, const char *s);

static inline int prs_buf_putc(struct prs_buf *b, char c)
{
	uint8_t *to = prs_buf_reserve(b, 1);
	if (!to)
		return b->failed;
	*to = (uint8_t)c;
	b->len++;
	return 0;
}

int prs_buf_putf(struct prs_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int prs_buf_u16(struct prs_buf *b, uint16_t v);
int prs_buf_u32(struct prs_buf *b, uint32_t v);
int prs_buf_u64(struct prs_buf *b, uint64_t v);
/* As prs_read_varint reads it: 1 to 10 bytes. */
int prs_buf_varint(struct prs_buf *b, uint64_t v);
int prs_buf_zero(struct prs_buf *b, size_t n);
/* Pad with zeros to a multiple of 8 (counted from the buffer's start). */
int prs_buf_pad8(struct prs_buf *b);
/* Decimal digits, fast; `width` > 0 pads with zeros on the left. */
int prs_buf_dec(struct prs_buf *b, uint64_t v, unsigned width);
/* Put a 0 byte behind (not counted in len) and return the bytes as a string; "" when that fails. */
const char *prs_buf_str(struct prs_buf *b);
/* Drop the first n bytes. */
void prs_buf_consume(struct prs_buf *b, size_t n);

#define PRS_AUTOBUF __attribute__((cleanup(prs_buf_done))) struct prs_buf

#endif
