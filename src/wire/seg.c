/* SPDX-License-Identifier: Apache-2.0
 * seg: see seg.h.
 */
#include "wire/seg.h"

void prs_rows_head(uint8_t raw[PRS_SEG_HEAD_BYTES], const struct prs_rows *r)
{
	prs_put16(raw, PRS_SEG_ROWS);
	prs_put16(raw + 2, 0);
	prs_put32(raw + 4, (uint32_t)(PRS_SEG_HEAD_BYTES - 8 + r->length));
	prs_put64(raw + 8, r->unit.id);
	prs_put64(raw + 16, r->lease);
	prs_put32(raw + 24, r->unit.item_first);
	prs_put32(raw + 28, r->unit.item_count);
	prs_put32(raw + 32, r->succeeded);
	prs_put32(raw + 36, r->head_len);
}

int prs_rows_put(struct prs_buf *b, const struct prs_rows *r, uint64_t *ret_at)
{
	size_t padded = (r->length + 7) & ~(size_t)7;
	uint8_t *p = prs_buf_reserve(b, PRS_SEG_HEAD_BYTES + padded);
	if (!p)
		return b->failed;
	prs_rows_head(p, r);
	if (r->length)
		memcpy(p + PRS_SEG_HEAD_BYTES, r->bytes, r->length);
	memset(p + PRS_SEG_HEAD_BYTES + r->length, 0, padded - r->length);
	*ret_at = b->len + PRS_SEG_HEAD_BYTES;
	b->len += PRS_SEG_HEAD_BYTES + padded;
	return 0;
}

int prs_rows_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_rows *ret, struct prs_err *err)
{
	while (*offset < body_bytes) {
		size_t left = body_bytes - *offset;
		const uint8_t *p = body + *offset;
		uint32_t len = left >= 8 ? prs_get32(p + 4) : 0;
		if (left < 8 || len > left - 8)
			return prs_fail(err, PRS_ECORRUPT, "a record at byte %zu of its frame is cut off", *offset);
		size_t whole = 8 + (((size_t)len + 7) & ~(size_t)7);
		*offset += whole < left ? whole : left;
		if (prs_get16(p) != PRS_SEG_ROWS) {
			if (prs_get16(p + 2) & PRS_RECORD_MAY_SKIP)
				continue;
			return prs_fail(err, PRS_EVERSION, "a record of type %u in a segment: a newer engine wrote it", prs_get16(p));
		}
		if (len < PRS_SEG_HEAD_BYTES - 8)
			return prs_fail(err, PRS_ECORRUPT, "ROWS: the record is cut off");
		*ret = (struct prs_rows){
			.unit = { prs_get64(p + 8), prs_get32(p + 24), prs_get32(p + 28) },
			.lease = prs_get64(p + 16),
			.succeeded = prs_get32(p + 32),
			.head_len = prs_get32(p + 36),
			.bytes = p + PRS_SEG_HEAD_BYTES,
			.length = len - (PRS_SEG_HEAD_BYTES - 8),
		};
		if (ret->head_len > ret->length)
			return prs_fail(err, PRS_ECORRUPT, "ROWS: a header longer than its bytes");
		return 1;
	}
	return 0;
}
