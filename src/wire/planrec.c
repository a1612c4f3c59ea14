/* SPDX-License-Identifier: Apache-2.0
 * planrec: the codec of plan.h, and what must hold within one record: names, ranges and slices as many as it says, none
 * of them empty, each behind the one before.
 */
#include "wire/plan.h"

#include "wire/frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_slices(struct prs_buf *b, const struct prs_plan_record *r)
{
	prs_buf_u16(b, r->u.slices.input);
	prs_buf_u16(b, 0);
	prs_buf_u32(b, r->u.slices.schema);
	prs_buf_u64(b, r->u.slices.file);
	prs_buf_u64(b, r->u.slices.first_id);
	prs_buf_u64(b, r->u.slices.offset);
	prs_buf_u64(b, r->u.slices.row);
	prs_buf_u64(b, r->u.slices.global_row);
	prs_buf_u64(b, r->u.slices.size);
	prs_buf_u64(b, r->u.slices.mtime_us);
	prs_buf_u32(b, r->u.slices.spool);
	prs_buf_u32(b, r->u.slices.count);
	prs_buf_u32(b, r->u.slices.bytes);
	prs_buf_u32(b, 0);
	prs_buf_put(b, r->u.slices.packed, r->u.slices.bytes);
}

static void put_schema(struct prs_buf *b, const struct prs_plan_record *r)
{
	prs_buf_u16(b, r->u.schema.input);
	prs_buf_u16(b, 0);
	prs_buf_u32(b, r->u.schema.schema);
	prs_buf_u64(b, r->u.schema.file);
	prs_buf_u32(b, r->u.schema.bytes);
	prs_buf_put(b, r->u.schema.json, r->u.schema.bytes);
}

static void put_table_group(struct prs_buf *b, const struct prs_plan_record *r)
{
	prs_buf_u64(b, r->u.table_group.id);
	prs_buf_u16(b, r->u.table_group.input);
	prs_buf_u16(b, 0);
	prs_buf_u32(b, r->u.table_group.spool);
	prs_buf_u32(b, r->u.table_group.keys_bytes);
	prs_buf_u32(b, r->u.table_group.ranges_n);
	prs_buf_put(b, r->u.table_group.ranges, (size_t)r->u.table_group.ranges_n * PRS_TABLE_RANGE_BYTES);
	prs_buf_put(b, r->u.table_group.keys, r->u.table_group.keys_bytes);
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
		if (r->u.files.flags & PRS_FILES_STATS)
			prs_buf_put(b, r->u.files.stats, (size_t)r->u.files.count * PRS_FILE_STAT_BYTES);
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
	case PRS_PLAN_SLICES:
	case PRS_PLAN_PARQUET: put_slices(b, r); break;
	case PRS_PLAN_SCHEMA: put_schema(b, r); break;
	case PRS_PLAN_TABLE_GROUP: put_table_group(b, r); break;
	case PRS_PLAN_HEAD: break;
	}
}

int prs_plan_put(struct prs_buf *b, const struct prs_plan_record *r)
{
	size_t start = prs_record_begin(b, (uint16_t)r->type, 0);
	put_payload(b, r);
	return prs_record_end(b, start);
}

int prs_table_range_put(struct prs_buf *b, const struct prs_table_range *r)
{
	prs_buf_u64(b, r->file);
	prs_buf_u64(b, r->offset);
	prs_buf_u64(b, r->bytes);
	prs_buf_u64(b, r->row);
	prs_buf_u64(b, r->global_row);
	prs_buf_u32(b, r->rows);
	return prs_buf_u32(b, r->schema);
}

int prs_slice_put(struct prs_buf *packed, bool parquet, uint32_t rows, uint64_t bytes)
{
	int r = prs_buf_varint(packed, rows);
	return parquet ? r : prs_buf_varint(packed, bytes);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

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
	if (ret->u.files.flags & PRS_FILES_STATS)
		ret->u.files.stats = prs_read(r, (size_t)ret->u.files.count * PRS_FILE_STAT_BYTES);
	if (!r->bad && !names_whole(ret->u.files.names, ret->u.files.names_bytes, ret->u.files.count))
		r->bad = true;
}

/* ---- partition keys ---------------------------------------------------------------------------------------------- */

static bool is_word(const char *s, const char *a, const char *b) { return !strcmp(s, a) || !strcmp(s, b); }

/* As it is written: no sign but a minus, no zeros in front. */
static bool is_integer(const char *s)
{
	char again[24];
	errno = 0;
	snprintf(again, sizeof again, "%lld", strtoll(s, NULL, 10));
	return !errno && !strcmp(again, s);
}

/* Behind some digits; NULL: there are none. */
static const char *behind_digits(const char *s)
{
	size_t n = strspn(s, "0123456789");
	return n ? s + n : NULL;
}

/* A number as JSON has it, or an infinite one. */
static bool is_float(const char *s)
{
	if (is_word(s, "inf", "-inf"))
		return true;
	s += s[0] == '-';
	s = s[0] == '0' ? s + 1 : behind_digits(s);
	if (s && s[0] == '.')
		s = behind_digits(s + 1);
	if (s && s[0] == 'e')
		s = behind_digits(s + 1 + (s[1] == '-' || s[1] == '+'));
	return s && !s[0];
}

/* A value with its kind in front. */
static bool value_whole(const char *s)
{
	switch (s[0]) {
	case PRS_KEY_TEXT:
	case PRS_KEY_DATE: return true;
	case PRS_KEY_INTEGER: return is_integer(s + 1);
	case PRS_KEY_FLOAT: return is_float(s + 1);
	case PRS_KEY_BOOLEAN: return is_word(s + 1, "true", "false");
	case PRS_KEY_NULL: return !s[1];
	default: return false;
	}
}

/* Pairs of a name and a value, each closed by a NUL. */
static bool keys_whole(const char *keys, uint32_t bytes)
{
	uint32_t texts = 0;
	for (const char *p = keys, *end = keys + bytes; p < end; texts++) {
		const char *stop = memchr(p, 0, (size_t)(end - p));
		if (!stop || stop == p || (texts % 2 && !value_whole(p)))
			return false;
		p = stop + 1;
	}
	return texts && texts % 2 == 0;
}

/* Is there a value of a kind that only columns have? */
static bool keys_of_tables(const char *keys, uint32_t bytes)
{
	uint32_t texts = 0;
	for (const char *p = keys, *end = keys + bytes; p < end; p += strlen(p) + 1, texts++)
		if (texts % 2 && *p != PRS_KEY_TEXT && *p != PRS_KEY_DATE)
			return true;
	return false;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* Ranges that rise and are not empty. */
static bool group_whole(const struct prs_plan_record *r)
{
	uint64_t next = 0;
	for (uint32_t i = 0; i < r->u.group.ranges_n; i++) {
		const uint8_t *p = r->u.group.ranges + (size_t)i * PRS_GROUP_RANGE_BYTES;
		uint64_t first = prs_get64(p);
		if (first < next || !prs_get32(p + 8) || first > UINT64_MAX - prs_get32(p + 8))
			return false;
		next = first + prs_get32(p + 8);
	}
	return r->u.group.ranges_n && keys_whole(r->u.group.keys, r->u.group.keys_bytes);
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

struct prs_table_range prs_table_range_get(const uint8_t raw[PRS_TABLE_RANGE_BYTES])
{
	return (struct prs_table_range){ .file = prs_get64(raw),
		                         .offset = prs_get64(raw + 8),
		                         .bytes = prs_get64(raw + 16),
		                         .row = prs_get64(raw + 24),
		                         .global_row = prs_get64(raw + 32),
		                         .rows = prs_get32(raw + 40),
		                         .schema = prs_get32(raw + 44) };
}

/* Rows, none of them without a byte (of a Parquet file the bytes are not known), all with numbers. */
static bool range_whole(const struct prs_table_range *r, bool parquet)
{
	if (!r->rows || r->row > UINT64_MAX - r->rows || r->global_row > UINT64_MAX - r->rows)
		return false;
	return parquet ? !r->offset && !r->bytes : r->rows <= r->bytes && r->offset <= UINT64_MAX - r->bytes;
}

/* In a spool the bytes rise, in files the rows and the bytes of each, and over the input the rows. */
static bool range_follows(const struct prs_table_range *r, const struct prs_table_range *last, bool spool)
{
	if (r->global_row < last->global_row + last->rows || r->file < last->file)
		return false;
	if ((spool || r->file == last->file) && r->offset < last->offset + last->bytes)
		return false;
	return r->file == PRS_NO_FILE || r->file != last->file || r->row >= last->row + last->rows;
}

/* Ranges that rise; those of many files are in the spool, and all of them are. Whether they are of Parquet files is not
 * said but by their bytes. */
static bool table_group_whole(const struct prs_plan_record *r)
{
	struct prs_table_range last = { 0 };
	uint32_t spool = r->u.table_group.spool;
	for (uint32_t i = 0; i < r->u.table_group.ranges_n; i++) {
		struct prs_table_range at = prs_table_range_get(r->u.table_group.ranges +
		                                                (size_t)i * PRS_TABLE_RANGE_BYTES);
		bool parquet = !at.bytes, mixed = at.file == PRS_NO_FILE && (!spool || at.row);
		if (mixed || (parquet && spool) || !range_whole(&at, parquet))
			return false;
		if (i && (parquet != !last.bytes || (at.file == PRS_NO_FILE) != (last.file == PRS_NO_FILE) ||
		          !range_follows(&at, &last, spool)))
			return false;
		last = at;
	}
	return r->u.table_group.ranges_n && spool <= PRS_EPOCH_MAX &&
	       keys_whole(r->u.table_group.keys, r->u.table_group.keys_bytes);
}

static void read_table_group(struct prs_reader *r, struct prs_plan_record *ret)
{
	ret->u.table_group.id = prs_read64(r);
	ret->u.table_group.input = prs_read16(r);
	prs_read16(r);
	ret->u.table_group.spool = prs_read32(r);
	ret->u.table_group.keys_bytes = prs_read32(r);
	ret->u.table_group.ranges_n = prs_read32(r);
	ret->u.table_group.ranges = prs_read(r, (size_t)ret->u.table_group.ranges_n * PRS_TABLE_RANGE_BYTES);
	ret->u.table_group.keys = (const char *)prs_read(r, ret->u.table_group.keys_bytes);
	if (!r->bad && !table_group_whole(ret))
		r->bad = true;
}

/* ---- slices ------------------------------------------------------------------------------------------------------ */

void prs_slice_next(struct prs_reader *packed, bool parquet, struct prs_table_range *at)
{
	at->offset += at->bytes;
	at->row += at->rows;
	at->global_row += at->rows;
	uint64_t rows = prs_read_varint(packed);
	at->rows = (uint32_t)rows;
	at->bytes = parquet ? 0 : prs_read_varint(packed);
	if (rows > UINT32_MAX)
		packed->bad = true;
}

/* As many mini-batches as it says, and nothing behind them; all of them in the file. */
static bool slices_whole(const struct prs_plan_record *r)
{
	bool parquet = r->type == PRS_PLAN_PARQUET;
	uint32_t spool = r->u.slices.spool;
	struct prs_reader packed = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { .offset = r->u.slices.offset,
		                      .row = r->u.slices.row,
		                      .global_row = r->u.slices.global_row };
	if (!r->u.slices.count || r->u.slices.file == PRS_NO_FILE || spool > PRS_EPOCH_MAX || (parquet && spool))
		return false;
	for (uint32_t i = 0; i < r->u.slices.count; i++) {
		prs_slice_next(&packed, parquet, &at);
		if (packed.bad || !range_whole(&at, parquet))
			return false;
	}
	return !packed.left && (spool || at.offset + at.bytes <= r->u.slices.size);
}

static void read_slices(struct prs_reader *r, struct prs_plan_record *ret)
{
	ret->u.slices.input = prs_read16(r);
	prs_read16(r);
	ret->u.slices.schema = prs_read32(r);
	ret->u.slices.file = prs_read64(r);
	ret->u.slices.first_id = prs_read64(r);
	ret->u.slices.offset = prs_read64(r);
	ret->u.slices.row = prs_read64(r);
	ret->u.slices.global_row = prs_read64(r);
	ret->u.slices.size = prs_read64(r);
	ret->u.slices.mtime_us = prs_read64(r);
	ret->u.slices.spool = prs_read32(r);
	ret->u.slices.count = prs_read32(r);
	ret->u.slices.bytes = prs_read32(r);
	prs_read32(r);
	ret->u.slices.packed = prs_read(r, ret->u.slices.bytes);
	if (!r->bad && !slices_whole(ret))
		r->bad = true;
}

static void read_schema(struct prs_reader *r, struct prs_plan_record *ret)
{
	ret->u.schema.input = prs_read16(r);
	prs_read16(r);
	ret->u.schema.schema = prs_read32(r);
	ret->u.schema.file = prs_read64(r);
	ret->u.schema.bytes = prs_read32(r);
	ret->u.schema.json = (const char *)prs_read(r, ret->u.schema.bytes);
	if (!r->bad && (!ret->u.schema.bytes || memchr(ret->u.schema.json, 0, ret->u.schema.bytes)))
		r->bad = true;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

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
	case PRS_PLAN_SLICES:
	case PRS_PLAN_PARQUET: read_slices(r, ret); break;
	case PRS_PLAN_SCHEMA: read_schema(r, ret); break;
	case PRS_PLAN_TABLE_GROUP: read_table_group(r, ret); break;
	case PRS_PLAN_HEAD: break;
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
	case PRS_PLAN_PART:
	case PRS_PLAN_SLICES:
	case PRS_PLAN_SCHEMA:
	case PRS_PLAN_PARQUET:
	case PRS_PLAN_TABLE_GROUP: return true;
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

static uint64_t group_items(const struct prs_plan_record *r)
{
	uint64_t items = 0;
	for (uint32_t i = 0; i < r->u.group.ranges_n; i++)
		items += prs_get32(r->u.group.ranges + (size_t)i * PRS_GROUP_RANGE_BYTES + 8);
	return items;
}

static uint64_t slices_items(const struct prs_plan_record *r)
{
	struct prs_reader packed = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { 0 };
	while (packed.left && !packed.bad)
		prs_slice_next(&packed, r->type == PRS_PLAN_PARQUET, &at);
	return at.row + at.rows;
}

static uint64_t table_group_items(const struct prs_plan_record *r)
{
	uint64_t items = 0;
	for (uint32_t i = 0; i < r->u.table_group.ranges_n; i++)
		items += prs_table_range_get(r->u.table_group.ranges + (size_t)i * PRS_TABLE_RANGE_BYTES).rows;
	return items;
}

bool prs_plan_units(const struct prs_plan_record *r, struct prs_plan_units *ret)
{
	switch (r->type) {
	case PRS_PLAN_RULE:
		*ret = (struct prs_plan_units){ r->u.rule.first_id, r->u.rule.count, r->u.rule.count * r->u.rule.per,
			                        r->u.rule.input };
		return true;
	case PRS_PLAN_GROUP:
		*ret = (struct prs_plan_units){ r->u.group.id, 1, group_items(r), r->u.group.input };
		return true;
	case PRS_PLAN_SLICES:
	case PRS_PLAN_PARQUET:
		*ret = (struct prs_plan_units){ r->u.slices.first_id, r->u.slices.count, slices_items(r),
			                        r->u.slices.input };
		return true;
	case PRS_PLAN_TABLE_GROUP:
		*ret = (struct prs_plan_units){ r->u.table_group.id, 1, table_group_items(r), r->u.table_group.input };
		return true;
	case PRS_PLAN_HEAD:
	case PRS_PLAN_INPUT:
	case PRS_PLAN_DIR:
	case PRS_PLAN_FILES:
	case PRS_PLAN_SCHEMA:
	case PRS_PLAN_END:
	case PRS_PLAN_PART: break;
	}
	return false;
}

/* Does it need more than records of files have? */
static bool of_tables(const struct prs_plan_record *r)
{
	switch (r->type) {
	case PRS_PLAN_SLICES:
	case PRS_PLAN_SCHEMA:
	case PRS_PLAN_PARQUET:
	case PRS_PLAN_TABLE_GROUP: return true;
	case PRS_PLAN_INPUT:
		return (r->u.input.kind != PRS_INPUT_FILES && r->u.input.kind != PRS_INPUT_GROUPS) ||
		       r->u.input.unit != PRS_SIZE_ITEMS;
	case PRS_PLAN_FILES: return r->u.files.flags & PRS_FILES_STATS;
	case PRS_PLAN_GROUP: return keys_of_tables(r->u.group.keys, r->u.group.keys_bytes);
	case PRS_PLAN_HEAD:
	case PRS_PLAN_DIR:
	case PRS_PLAN_RULE:
	case PRS_PLAN_END:
	case PRS_PLAN_PART: break;
	}
	return false;
}

uint16_t prs_plan_minor(const struct prs_plan_record *r)
{
	return of_tables(r) ? PRS_FORMAT_MINOR_TABLES : PRS_FORMAT_MINOR;
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
