/* SPDX-License-Identifier: Apache-2.0
 * buf: the first failure stays in the buffer and stops all that follow, so that a text is built without checks and
 * checked once.
 */
#include "base/buf.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void prs_buf_init(struct prs_buf *b, size_t max_bytes) { *b = (struct prs_buf){ .max = max_bytes }; }

void prs_buf_done(struct prs_buf *b)
{
	free(b->data);
	*b = (struct prs_buf){ .max = b->max };
}

void prs_buf_clear(struct prs_buf *b)
{
	b->len = 0;
	b->failed = 0;
}

uint8_t *prs_buf_grow(struct prs_buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (n > b->max || b->len > b->max - n) {
		b->failed = -PRS_ELIMIT;
		return NULL;
	}
	size_t need = b->len + n;
	if (need <= b->cap && b->data)
		return b->data + b->len;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need && cap < b->max)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	cap = cap < b->max ? cap : b->max;
	uint8_t *p = prs_realloc(b->data, cap);
	if (!p) {
		b->failed = -PRS_ENOMEM;
		return NULL;
	}
	b->data = p;
	b->cap = cap;
	return b->data + b->len;
}

int prs_buf_put(struct prs_buf *b, const void *bytes, size_t n)
{
	uint8_t *to = prs_buf_reserve(b, n);
	if (!to)
		return b->failed;
	if (n)
		memcpy(to, bytes, n);
	b->len += n;
	return 0;
}

int prs_buf_puts(struct prs_buf *b, const char *s) { return prs_buf_put(b, s, strlen(s)); }

int prs_buf_putf(struct prs_buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	uint8_t *to = n < 0 ? NULL : prs_buf_reserve(b, (size_t)n + 1);
	if (!to)
		return b->failed ? b->failed : -PRS_EINVALID;
	va_start(ap, fmt);
	(void)vsnprintf((char *)to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

int prs_buf_u16(struct prs_buf *b, uint16_t v)
{
	uint8_t raw[2];
	prs_put16(raw, v);
	return prs_buf_put(b, raw, sizeof raw);
}

int prs_buf_u32(struct prs_buf *b, uint32_t v)
{
	uint8_t raw[4];
	prs_put32(raw, v);
	return prs_buf_put(b, raw, sizeof raw);
}

int prs_buf_u64(struct prs_buf *b, uint64_t v)
{
	uint8_t raw[8];
	prs_put64(raw, v);
	return prs_buf_put(b, raw, sizeof raw);
}

int prs_buf_varint(struct prs_buf *b, uint64_t v)
{
	uint8_t raw[10];
	size_t n = 0;
	for (; v > 0x7f; v >>= 7)
		raw[n++] = (uint8_t)(v | 0x80);
	raw[n++] = (uint8_t)v;
	return prs_buf_put(b, raw, n);
}

int prs_buf_zero(struct prs_buf *b, size_t n)
{
	uint8_t *to = prs_buf_reserve(b, n);
	if (!to)
		return b->failed;
	memset(to, 0, n);
	b->len += n;
	return 0;
}

int prs_buf_pad8(struct prs_buf *b) { return prs_buf_zero(b, (8 - b->len % 8) % 8); }

int prs_buf_dec(struct prs_buf *b, uint64_t v, unsigned width)
{
	char digits[32];
	unsigned n = 0;
	do {
		digits[sizeof digits - ++n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (n < width && n < sizeof digits)
		digits[sizeof digits - ++n] = '0';
	return prs_buf_put(b, digits + sizeof digits - n, n);
}

const char *prs_buf_str(struct prs_buf *b)
{
	uint8_t *to = prs_buf_reserve(b, 1);
	if (!to)
		return "";
	*to = 0;
	return (const char *)b->data;
}

void prs_buf_consume(struct prs_buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}
