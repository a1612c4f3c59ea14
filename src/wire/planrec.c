/* SPDX-License-Identifier: Apache-2.0
 * planrec: the codec of plan.h, and what must hold within one record: names and ranges as many as it says.
 */
#include "wire/plan.h"

#include "wire/frame.h"

#include <string.h>

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
		prs_put_text(b, r->u.input.name);
		prs_put_text(b, r->u.input.root);
		prs_put_text(b, r->u.input.options);
		break;
	case PRS_PLAN_DIR:
		prs_buf_u32(b, r->u.dir.dir);
		prs_buf_u32(b, r->u.dir.parent);
		prs_buf_u16(b, r->u.dir.input);
		prs_put_text(b, r->u.dir.name);
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
	case PRS_PLAN_GROUP:
		prs_buf_u64(b, r->u.group.id);
		prs_buf_u16(b, r->u.group.input);
		prs_buf_u16(b, 0);
		prs_buf_u32(b, r->u.group.keys_bytes);
		prs_buf_u32(b, r->u.group.ranges_n);
		prs_buf_u32(b, 0);
		prs_buf_put(b, r->u.group.ranges, (size_t)r->u.group.ranges_n * PRS_GROUP_RANGE_BYTES);
		prs_buf_put(b, r->u.group.keys, r->u.group.keys_bytes);
		break;
	case PRS_PLAN_END:
		prs_buf_u64(b, r->u.end.ids);
		prs_buf_u64(b, r->u.end.items);
		prs_buf_u64(b, r->u.end.files);
		prs_buf_u32(b, 0);
		prs_buf_u32(b, r->u.end.sum);
		break;
	case PRS_PLAN_PART: prs_buf_u32(b, r->u.part.dir); break;
	case PRS_PLAN_HEAD:
	case PRS_PLAN_SLICES:
	case PRS_PLAN_SCHEMA: break;
	}
}

int prs_plan_put(struct prs_buf *b, const struct prs_plan_record *r)
{
	size_t start = prs_record_begin(b, (uint16_t)r->type, 0);
	put_payload(b, r);
	return prs_record_end(b, start);
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
	ret->u.input.name = prs_read_text(r);
	ret->u.input.root = prs_read_text(r);
	ret->u.input.options = prs_read_text(r);
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

/* Ranges that rise and are not empty; keys in pairs of a name and a value with its kind in front. */
static bool group_whole(const struct prs_plan_record *r)
{
	uint64_t next = 0;
	uint32_t texts = 0, at = 0;
	for (uint32_t i = 0; i < r->u.group.ranges_n; i++) {
		const uint8_t *p = r->u.group.ranges + (size_t)i * PRS_GROUP_RANGE_BYTES;
		uint64_t first = prs_get64(p);
		if (first < next || !prs_get32(p + 8) || first > UINT64_MAX - prs_get32(p + 8))
			return false;
		next = first + prs_get32(p + 8);
	}
	for (; at < r->u.group.keys_bytes; texts++) {
		const char *stop = memchr(r->u.group.keys + at, 0, r->u.group.keys_bytes - at);
		const char *text = r->u.group.keys + at;
		if (!stop || stop == text || (texts % 2 && *text != 's' && *text != 'd'))
			return false;
		at = (uint32_t)(stop - r->u.group.keys) + 1;
	}
	return r->u.group.ranges_n && texts && texts % 2 == 0;
}

static void read_group(struct prs_reader *r, struct prs_plan_record *ret)
{
	ret->u.group.id = prs_read64(r);
	ret->u.group.input = prs_read16(r);
	prs_read16(r);
	ret->u.group.keys_bytes = prs_read32(r);
	ret->u.group.ranges_n = prs_read32(r);
	prs_read32(r);
	ret->u.group.ranges = prs_read(r, (size_t)ret->u.group.ranges_n * PRS_GROUP_RANGE_BYTES);
	ret->u.group.keys = (const char *)prs_read(r, ret->u.group.keys_bytes);
	if (!r->bad && !group_whole(ret))
		r->bad = true;
}

static void read_payload(struct prs_reader *r, struct prs_plan_record *ret)
{
	switch (ret->type) {
	case PRS_PLAN_INPUT: read_input(r, ret); break;
	case PRS_PLAN_FILES: read_files(r, ret); break;
	case PRS_PLAN_GROUP: read_group(r, ret); break;
	case PRS_PLAN_DIR:
		ret->u.dir.dir = prs_read32(r);
		ret->u.dir.parent = prs_read32(r);
		ret->u.dir.input = prs_read16(r);
		ret->u.dir.name = prs_read_text(r);
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
	case PRS_PLAN_PART: ret->u.part.dir = prs_read32(r); break;
	case PRS_PLAN_HEAD:
	case PRS_PLAN_SLICES:
	case PRS_PLAN_SCHEMA: break;
	}
}

static bool known(uint16_t type)
{
	switch (type) {
	case PRS_PLAN_INPUT:
	case PRS_PLAN_DIR:
	case PRS_PLAN_FILES:
	case PRS_PLAN_RULE:
	case PRS_PLAN_GROUP:
	case PRS_PLAN_END:
	case PRS_PLAN_PART: return true;
	default: return false;
	}
}

int prs_plan_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_plan_record *ret,
                  struct prs_err *err)
{
	struct prs_record rec;
	int r;
	while ((r = prs_record_next(body, body_bytes, offset, &rec, err)) == 1) {
		if (!known(rec.type)) {
			r = prs_record_unknown(&rec, "plan", err);
			if (r < 0)
				return r;
			continue;
		}
		memset(ret, 0, sizeof *ret);
		ret->type = (enum prs_plan_type)rec.type;
		struct prs_reader reader = { rec.payload, rec.bytes, false };
		read_payload(&reader, ret);
		if (reader.bad)
			return prs_fail(err, PRS_ECORRUPT,
			                "the record at byte %zu of its frame: a plan record of type %u that is cut off "
			                "or contradicts itself",
			                rec.at, rec.type);
		return 1;
	}
	return r;
}

uint64_t prs_plan_group_items(const struct prs_plan_record *r)
{
	uint64_t items = 0;
	for (uint32_t i = 0; i < r->u.group.ranges_n; i++)
		items += prs_get32(r->u.group.ranges + (size_t)i * PRS_GROUP_RANGE_BYTES + 8);
	return items;
}

uint32_t prs_plan_sum(uint32_t sum, const uint8_t *body, size_t n)
{
	struct prs_record rec;
	size_t at = 0;
	while (prs_record_next(body, n, &at, &rec, NULL) == 1 && rec.type != PRS_PLAN_END) {
		uint8_t both[8];
		prs_put32(both, sum);
		prs_put32(both + 4, prs_checksum(body + rec.at, at - rec.at));
		sum = prs_checksum(both, sizeof both);
	}
	return sum;
}
