/* SPDX-License-Identifier: Apache-2.0
 * bytes: little-endian loads and stores, and a bounded reader. Header only.
 */
#ifndef PRS_BASE_BYTES_H
#define PRS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "PRS formats are little-endian and this code stores host order: add swaps here"
#endif

static inline void prs_put16(uint8_t *p, uint16_t v) { memcpy(p, &v, sizeof v); }
static inline void prs_put32(uint8_t *p, uint32_t v) { memcpy(p, &v, sizeof v); }
static inline void prs_put64(uint8_t *p, uint64_t v) { memcpy(p, &v, sizeof v); }
static inline uint16_t prs_get16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline uint32_t prs_get32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline uint64_t prs_get64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* A reader over bytes: a get past the end returns 0 and sets `bad`; check it once at the end. */
struct prs_reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static inline const uint8_t *prs_read(struct prs_reader *r, size_t n)
{
	if (r->bad || n > r->left) {
		r->bad = true;
		return NULL;
	}
	const uint8_t *p = r->p;
	r->p += n;
	r->left -= n;
	return p;
}
static inline uint8_t prs_read8(struct prs_reader *r)
{
	const uint8_t *p = prs_read(r, 1);
	return p ? *p : 0;
}
static inline uint16_t prs_read16(struct prs_reader *r)
{
	const uint8_t *p = prs_read(r, 2);
	return p ? prs_get16(p) : 0;
}
static inline uint32_t prs_read32(struct prs_reader *r)
{
	const uint8_t *p = prs_read(r, 4);
	return p ? prs_get32(p) : 0;
}
static inline uint64_t prs_read64(struct prs_reader *r)
{
	const uint8_t *p = prs_read(r, 8);
	return p ? prs_get64(p) : 0;
}
/* LEB128: seven bits a byte, the lowest first, the top bit set in all bytes but the last. A number has one form: `bad`
 * when it is cut off, has more than 64 bits, or a last byte that says nothing. */
static inline uint64_t prs_read_varint(struct prs_reader *r)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = prs_read8(r);
		uint64_t bits = c & 0x7f;
		if (r->bad || bits << shift >> shift != bits || (shift && !c))
			break;
		v |= bits << shift;
		if (c < 0x80)
			return v;
	}
	r->bad = true;
	return 0;
}

#endif
