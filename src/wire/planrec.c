/* SPDX-License-Identifier: Apache-2.0
 * planrec: the codec of plan.h.
 */
#include "wire/plan.h"

enum { HEAD_BYTES = 8 };

static void put_text(struct prs_buf *b, struct prs_text t)
{
	prs_buf_u16(b, t.n);
	prs_buf_put(b, t.p, t.n);
}

static void put_payload(struct prs_buf *b, const struct prs_plan_record *r)
{
	switch (r->type) {
	case PRS_PLAN_INPUT:
		prs_buf_u16(b, r->u.input.input);
		prs_buf_u16(b, r->u.input.kind);
		prs_buf_u16(b, r->u.input.unit);
		prs_buf_u16(b, 0);
		prs_buf_u64(b, r->u.input.size);
		prs_buf_put(b, r->u.input.print, 16);
		put_text(b, r->u.input.name);
		put_text(b, r->u.input.root);
		put_text(b, r->u.input.options);
		break;
	case PRS_PLAN_DIR:
		prs_buf_u32(b, r->u.dir.dir);
		prs_buf_u32(b, r->u.dir.parent);
		prs_buf_u16(b, r->u.dir.input);
		put_text(b, r->u.dir.name);
		break;
	case PRS_PLAN_FILES:
		prs_buf_u32(b, r->u.files.dir);
		prs_buf_u32(b, r->u.files.count);
		prs_buf_u64(b, r->u.files.first_file);
		prs_buf_u32(b, r->u.files.flags);
		prs_buf_u32(b, r->u.files.names_bytes);
		prs_buf_put(b, r->u.files.names, r->u.files.names_bytes);
		break;
	case PRS_PLAN_RULE:
		prs_buf_u64(b, r->u.rule.first_id);
		prs_buf_u64(b, r->u.rule.count);
		prs_buf_u64(b, r->u.rule.first_file);
		prs_buf_u32(b, r->u.rule.per);
		prs_buf_u16(b, r->u.rule.input);
		prs_buf_u16(b, 0);
		break;
	case PRS_PLAN_END:
		prs_buf_u64(b, r->u.end.ids);
		prs_buf_u64(b, r->u.end.items);
		prs_buf_u64(b, r->u.end.files);
		prs_buf_u32(b, 0);
		prs_buf_u32(b, r->u.end.sum);
		break;
	case PRS_PLAN_HEAD:
	case PRS_PLAN_SLICES:
	case PRS_PLAN_GROUP:
	case PRS_PLAN_SCHEMA:
		break;
	}
}

int prs_plan_put(struct prs_buf *b, const struct prs_plan_record *r)
{
	size_t start = b->len;
	prs_buf_u16(b, (uint16_t)r->type);
	prs_buf_u16(b, 0);
	prs_buf_u32(b, 0);
	put_payload(b, r);
	size_t len = b->len - start - HEAD_BYTES;
	prs_buf_pad8(b);
	if (b->failed) {
		b->len = start;
		return b->failed;
	}
	prs_put32(b->data + start + 4, (uint32_t)len);
	return 0;
}

static struct prs_text read_text(struct prs_reader *r)
{
	uint16_t n = prs_read16(r);
	const uint8_t *p = prs_read(r, n);
	return p ? (struct prs_text){ (const char *)p, n } : (struct prs_text){ "", 0 };
}

static void read_input(struct prs_reader *r, struct prs_plan_record *ret)
{
	ret->u.input.input = prs_read16(r);
	ret->u.input.kind = prs_read16(r);
	ret->u.input.unit = prs_read16(r);
	prs_read16(r);
	ret->u.input.size = prs_read64(r);
	const uint8_t *print = prs_read(r, 16);
	if (print)
		memcpy(ret->u.input.print, print, 16);
	ret->u.input.name = read_text(r);
	ret->u.input.root = read_text(r);
	ret->u.input.options = read_text(r);
}

/* `count` names, each closed by a NUL, and nothing behind them. */
static bool names_whole(const char *names, uint32_t bytes, uint32_t count)
{
	uint32_t n = 0;
	for (const char *p = names, *end = names + bytes; p < end; n++) {
		const char *stop = memchr(p, 0, (size_t)(end - p));
		if (!stop || stop == p)
			return false;
		p = stop + 1;
	}
	return n == count;
}

static void read_files(struct prs_reader *r, struct prs_plan_record *ret)
{
	ret->u.files.dir = prs_read32(r);
	ret->u.files.count = prs_read32(r);
	ret->u.files.first_file = prs_read64(r);
	ret->u.files.flags = prs_read32(r);
	ret->u.files.names_bytes = prs_read32(r);
	ret->u.files.names = (const char *)prs_read(r, ret->u.files.names_bytes);
	if (!r->bad && !names_whole(ret->u.files.names, ret->u.files.names_bytes, ret->u.files.count))
		r->bad = true;
}

static void read_payload(struct prs_reader *r, struct prs_plan_record *ret)
{
	switch (ret->type) {
	case PRS_PLAN_INPUT: read_input(r, ret); break;
	case PRS_PLAN_FILES: read_files(r, ret); break;
	case PRS_PLAN_DIR:
		ret->u.dir.dir = prs_read32(r);
		ret->u.dir.parent = prs_read32(r);
		ret->u.dir.input = prs_read16(r);
		ret->u.dir.name = read_text(r);
		break;
	case PRS_PLAN_RULE:
		ret->u.rule.first_id = prs_read64(r);
		ret->u.rule.count = prs_read64(r);
		ret->u.rule.first_file = prs_read64(r);
		ret->u.rule.per = prs_read32(r);
		ret->u.rule.input = prs_read16(r);
		prs_read16(r);
		break;
	case PRS_PLAN_END:
		ret->u.end.ids = prs_read64(r);
		ret->u.end.items = prs_read64(r);
		ret->u.end.files = prs_read64(r);
		prs_read32(r);
		ret->u.end.sum = prs_read32(r);
		break;
	case PRS_PLAN_HEAD:
	case PRS_PLAN_SLICES:
	case PRS_PLAN_GROUP:
	case PRS_PLAN_SCHEMA:
		break;
	}
}

static bool known(uint16_t type)
{
	return type == PRS_PLAN_INPUT || type == PRS_PLAN_DIR || type == PRS_PLAN_FILES || type == PRS_PLAN_RULE || type == PRS_PLAN_END;
}

int prs_plan_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_plan_record *ret, struct prs_err *err)
{
	while (*offset < body_bytes) {
		size_t at = *offset, left = body_bytes - at;
		const uint8_t *p = body + at;
		uint32_t len = left >= HEAD_BYTES ? prs_get32(p + 4) : 0;
		if (left < HEAD_BYTES || len > left - HEAD_BYTES)
			return prs_fail(err, PRS_ECORRUPT, "a plan record at byte %zu of its frame is cut off", at);
		uint16_t type = prs_get16(p);
		size_t whole = HEAD_BYTES + (((size_t)len + 7) & ~(size_t)7);
		*offset += whole < left ? whole : left;
		if (!known(type)) {
			if (prs_get16(p + 2) & PRS_RECORD_MAY_SKIP)
				continue;
			return prs_fail(err, PRS_EVERSION, "a plan record of type %u: a newer engine than %s wrote it", type, PRS_VERSION);
		}
		memset(ret, 0, sizeof *ret);
		ret->type = (enum prs_plan_type)type;
		struct prs_reader r = { p + HEAD_BYTES, len, false };
		read_payload(&r, ret);
		return r.bad ? prs_fail(err, PRS_ECORRUPT, "a plan record of type %u at byte %zu of its frame is cut off", type, at) : 1;
	}
	return 0;
}
