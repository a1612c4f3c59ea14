/* SPDX-License-Identifier: Apache-2.0
 * record: a record that does not end within its body is damage; what it holds is read by its type.
 */
#include "wire/record.h"

int prs_record_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_record *ret, struct prs_err *err)
{
	if (*offset >= body_bytes)
		return 0;
	size_t at = *offset, left = body_bytes - at;
	const uint8_t *p = body + at;
	uint32_t len = left >= PRS_RECORD_HEAD_BYTES ? prs_get32(p + 4) : 0;
	if (left < PRS_RECORD_HEAD_BYTES || len > left - PRS_RECORD_HEAD_BYTES)
		return prs_fail(err, PRS_ECORRUPT, "the record at byte %zu of its frame is cut off", at);
	size_t whole = PRS_RECORD_HEAD_BYTES + (((size_t)len + 7) & ~(size_t)7);
	*offset += whole < left ? whole : left;
	*ret = (struct prs_record){ prs_get16(p), prs_get16(p + 2), len, p + PRS_RECORD_HEAD_BYTES, at };
	return 1;
}

int prs_record_unknown(const struct prs_record *r, const char *kind, struct prs_err *err)
{
	if (r->flags & PRS_RECORD_MAY_SKIP)
		return 0;
	return prs_fail(err, PRS_EVERSION, "a %s record of type %u, which engine %s does not know", kind, r->type,
	                PRS_VERSION);
}

size_t prs_record_begin(struct prs_buf *b, uint16_t type, uint16_t flags)
{
	size_t start = b->len;
	prs_buf_u16(b, type);
	prs_buf_u16(b, flags);
	prs_buf_u32(b, 0);
	return start;
}

int prs_record_end(struct prs_buf *b, size_t start)
{
	size_t len = b->len - start - PRS_RECORD_HEAD_BYTES;
	prs_buf_zero(b, -len & 7);
	if (b->failed) {
		b->len = start;
		return b->failed;
	}
	prs_put32(b->data + start + 4, (uint32_t)len);
	return 0;
}

struct prs_text prs_text_of(const char *s)
{
	size_t n = strlen(s);
	return (struct prs_text){ s, n < UINT16_MAX ? (uint16_t)n : UINT16_MAX };
}

void prs_put_text(struct prs_buf *b, struct prs_text t)
{
	prs_buf_u16(b, t.n);
	prs_buf_put(b, t.p, t.n);
}

struct prs_text prs_read_text(struct prs_reader *r)
{
	uint16_t n = prs_read16(r);
	const uint8_t *p = prs_read(r, n);
	return p ? (struct prs_text){ (const char *)p, n } : (struct prs_text){ "", 0 };
}
