/* SPDX-License-Identifier: Apache-2.0
 * seg: the head of a record and its bytes are apart, as the bytes of large rows go to the file from a descriptor.
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

static int decode(const struct prs_record *rec, struct prs_rows *ret, struct prs_err *err)
{
	enum { FIXED = PRS_SEG_HEAD_BYTES - PRS_RECORD_HEAD_BYTES };
	const uint8_t *p = rec->payload;
	if (rec->bytes < FIXED)
		return prs_fail(err, PRS_ECORRUPT, "the record at byte %zu of its frame: ROWS is cut off", rec->at);
	*ret = (struct prs_rows){
		.unit = { prs_get64(p), prs_get32(p + 16), prs_get32(p + 20) },
		.lease = prs_get64(p + 8),
		.succeeded = prs_get32(p + 24),
		.head_len = prs_get32(p + 28),
		.bytes = p + FIXED,
		.length = rec->bytes - FIXED,
	};
	if (ret->head_len > ret->length)
		return prs_fail(err, PRS_ECORRUPT,
		                "the record at byte %zu of its frame: ROWS with a header longer than its bytes",
		                rec->at);
	return 1;
}

int prs_rows_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_rows *ret, struct prs_err *err)
{
	struct prs_record rec;
	int r;
	while ((r = prs_record_next(body, body_bytes, offset, &rec, err)) == 1) {
		if (rec.type == PRS_SEG_ROWS)
			return decode(&rec, ret, err);
		r = prs_record_unknown(&rec, "segment", err);
		if (r < 0)
			return r;
	}
	return r;
}
