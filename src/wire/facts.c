/* SPDX-License-Identifier: Apache-2.0
 * facts: DONE and TRY byte by byte, because they are many; all others by the rows of facts.def.
 */
#include "wire/facts.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {
#define PRS_FACT(number, name) [number] = #name,
#define PRS_FIELD(name, field, KIND, word)
#include "wire/facts.def"
};

const char *prs_fact_name(int type) { return type > 0 && type < PRS_FACT_END ? names[type] : "?"; }

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static const struct prs_fact_field fields[] = {
#define PRS_FACT(number, name)
#define PRS_FIELD(name, field, KIND, word) \
	{ PRS_FACT_##name, PRS_FIELD_##KIND, offsetof(struct prs_fact, u.field), (word) },
#include "wire/facts.def"
	{ PRS_FACT_END, PRS_FIELD_U8, 0, "" },
};

/* The bytes of the numbers, and what every field holds in struct prs_fact. */
static const uint8_t widths[] = {
	[PRS_FIELD_U8] = 1,           [PRS_FIELD_U16] = 2,       [PRS_FIELD_U32] = 4,        [PRS_FIELD_U64] = 8,
	[PRS_FIELD_CODE] = 2,         [PRS_FIELD_JOB_STATE] = 1, [PRS_FIELD_STEP_STATE] = 1, [PRS_FIELD_PROC_EVENT] = 1,
	[PRS_FIELD_RESET_REASON] = 2, [PRS_FIELD_LATE_U8] = 1,   [PRS_FIELD_LATE_U32] = 4
};
#define HOLDS_U8 uint8_t
#define HOLDS_LATE_U8 uint8_t
#define HOLDS_LATE_U32 uint32_t
#define HOLDS_LATE_PRINT uint8_t[16]
#define HOLDS_LATE_TEXT struct prs_text
#define HOLDS_U16 uint16_t
#define HOLDS_U32 uint32_t
#define HOLDS_U64 uint64_t
#define HOLDS_CODE uint16_t
#define HOLDS_JOB_STATE uint8_t
#define HOLDS_STEP_STATE uint8_t
#define HOLDS_PROC_EVENT uint8_t
#define HOLDS_RESET_REASON uint16_t
#define HOLDS_TEXT struct prs_text
#define HOLDS_PRINT uint8_t[16]
#define HOLDS_UNIT struct prs_unit
#define HOLDS_UNITS const uint8_t *
#define PRS_FACT(number, name)
#define PRS_FIELD(name, field, KIND, word) \
	_Static_assert(sizeof((struct prs_fact *)0)->u.field == sizeof(HOLDS_##KIND), "width of " #field);
#include "wire/facts.def"

const struct prs_fact_field *prs_fact_fields(enum prs_fact_type type)
{
	const struct prs_fact_field *field = fields;
	while (field->fact != type && field->fact != PRS_FACT_END)
		field++;
	return field;
}

uint64_t prs_field_number(const struct prs_fact *f, const struct prs_fact_field *field)
{
	uint64_t v = 0;
	memcpy(&v, (const char *)f + field->offset, widths[field->kind]); /* little-endian: base/bytes.h */
	return v;
}

bool prs_field_is_none(const struct prs_fact *f, const struct prs_fact_field *field)
{
	static const uint8_t none[16];
	const void *at = (const char *)f + field->offset;
	if (field->kind == PRS_FIELD_LATE_PRINT)
		return !memcmp(at, none, sizeof none);
	if (field->kind == PRS_FIELD_LATE_TEXT)
		return !((const struct prs_text *)at)->n;
	return (field->kind == PRS_FIELD_LATE_U8 || field->kind == PRS_FIELD_LATE_U32) && !prs_field_number(f, field);
}

/* ---- DONE and TRY: fixed bytes ----------------------------------------------------------------------------------- */

void prs_done_encode(const struct prs_done *d, uint8_t raw[PRS_DONE_BYTES])
{
	prs_put64(raw, d->unit.id);
	prs_put64(raw + 8, d->lease);
	prs_put16(raw + 16, d->try_number);
	raw[18] = d->status;
	raw[19] = d->flags;
	prs_put16(raw + 20, d->node);
	prs_put16(raw + 22, d->slot);
	prs_put32(raw + 24, d->incarnation);
	prs_put32(raw + 28, d->segment);
	prs_put64(raw + 32, d->offset);
	prs_put64(raw + 40, d->length);
	prs_put32(raw + 48, d->head_len);
	prs_put32(raw + 52, d->checksum);
	prs_put32(raw + 56, d->unit.item_first);
	prs_put32(raw + 60, d->unit.item_count);
	prs_put32(raw + 64, d->succeeded);
	prs_put32(raw + 68, d->rows);
	prs_put64(raw + 72, d->start_us);
	prs_put64(raw + 80, d->run_us);
	prs_put64(raw + 88, d->elapsed_us);
	prs_put64(raw + 96, d->cpu_us);
}

int prs_done_decode(const uint8_t *p, size_t n, struct prs_done *ret, struct prs_err *err)
{
	if (n < PRS_DONE_BYTES)
		return prs_fail(err, PRS_ECORRUPT, "DONE of %zu bytes, %d expected", n, PRS_DONE_BYTES);
	*ret = (struct prs_done){
		.unit = { prs_get64(p), prs_get32(p + 56), prs_get32(p + 60) },
		.lease = prs_get64(p + 8),
		.try_number = prs_get16(p + 16),
		.status = p[18],
		.flags = p[19],
		.node = prs_get16(p + 20),
		.slot = prs_get16(p + 22),
		.incarnation = prs_get32(p + 24),
		.segment = prs_get32(p + 28),
		.offset = prs_get64(p + 32),
		.length = prs_get64(p + 40),
		.head_len = prs_get32(p + 48),
		.checksum = prs_get32(p + 52),
		.succeeded = prs_get32(p + 64),
		.rows = prs_get32(p + 68),
		.start_us = prs_get64(p + 72),
		.run_us = prs_get64(p + 80),
		.elapsed_us = prs_get64(p + 88),
		.cpu_us = prs_get64(p + 96),
	};
	if (ret->head_len > ret->length)
		return prs_fail(err, PRS_ECORRUPT, "DONE of mini-batch %llu: a header longer than its bytes",
		                (unsigned long long)ret->unit.id);
	return 0;
}

int prs_try_decode(const uint8_t *p, size_t n, struct prs_try *ret, struct prs_err *err)
{
	if (n < PRS_TRY_BYTES)
		return prs_fail(err, PRS_ECORRUPT, "TRY of %zu bytes, at least %d expected", n, PRS_TRY_BYTES);
	struct prs_reader r = { p + 92, n - 92, false };
	*ret = (struct prs_try){
		.unit = { prs_get64(p), prs_get32(p + 32), prs_get32(p + 36) },
		.lease = prs_get64(p + 8),
		.try_number = prs_get16(p + 16),
		.status = p[18],
		.flags = p[19],
		.node = prs_get16(p + 20),
		.slot = prs_get16(p + 22),
		.incarnation = prs_get32(p + 24),
		.start_us = prs_get64(p + 40),
		.run_us = prs_get64(p + 48),
		.elapsed_us = prs_get64(p + 56),
		.cpu_us = prs_get64(p + 64),
		.exit = prs_get32(p + 72),
		.code = prs_get16(p + 76),
		.fault = p[78],
		.counted = p[79],
		.trace_offset = prs_get64(p + 80),
		.trace_bytes = prs_get32(p + 88),
		.message = prs_read_text(&r),
	};
	if (!r.bad && r.left)
		ret->errnum = prs_read32(&r);
	if (!r.bad && r.left)
		ret->kind = prs_read_text(&r);
	if (!r.bad && r.left)
		ret->bad_item = prs_read32(&r);
	return r.bad ? prs_fail(err, PRS_ECORRUPT, "TRY: its message is cut off") : 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_unit(struct prs_buf *b, const struct prs_unit *u)
{
	prs_buf_u64(b, u->id);
	prs_buf_u32(b, u->item_first);
	prs_buf_u32(b, u->item_count);
}

static size_t units_bytes(const struct prs_fact *f)
{
	return ((size_t)f->u.lost.running_count + f->u.lost.queued_count) * 16;
}

static void put_try(struct prs_buf *b, const struct prs_try *t)
{
	uint8_t raw[92] = { 0 };
	prs_put64(raw, t->unit.id);
	prs_put64(raw + 8, t->lease);
	prs_put16(raw + 16, t->try_number);
	raw[18] = t->status;
	raw[19] = t->flags;
	prs_put16(raw + 20, t->node);
	prs_put16(raw + 22, t->slot);
	prs_put32(raw + 24, t->incarnation);
	prs_put32(raw + 32, t->unit.item_first);
	prs_put32(raw + 36, t->unit.item_count);
	prs_put64(raw + 40, t->start_us);
	prs_put64(raw + 48, t->run_us);
	prs_put64(raw + 56, t->elapsed_us);
	prs_put64(raw + 64, t->cpu_us);
	prs_put32(raw + 72, t->exit);
	prs_put16(raw + 76, t->code);
	raw[78] = t->fault;
	raw[79] = t->counted;
	prs_put64(raw + 80, t->trace_offset);
	prs_put32(raw + 88, t->trace_bytes);
	prs_buf_put(b, raw, sizeof raw);
	prs_put_text(b, t->message);
	if (t->errnum || t->kind.n || t->bad_item)
		prs_buf_u32(b, t->errnum);
	if (t->kind.n || t->bad_item)
		prs_put_text(b, t->kind);
	if (t->bad_item)
		prs_buf_u32(b, t->bad_item);
}

static void put_field(struct prs_buf *b, const struct prs_fact *f, const struct prs_fact_field *field)
{
	const void *at = (const char *)f + field->offset;
	switch (field->kind) {
	case PRS_FIELD_U8:
	case PRS_FIELD_U16:
	case PRS_FIELD_U32:
	case PRS_FIELD_U64:
	case PRS_FIELD_CODE:
	case PRS_FIELD_JOB_STATE:
	case PRS_FIELD_STEP_STATE:
	case PRS_FIELD_PROC_EVENT:
	case PRS_FIELD_RESET_REASON:
	case PRS_FIELD_LATE_U8:
	case PRS_FIELD_LATE_U32: prs_buf_put(b, at, widths[field->kind]); break;
	case PRS_FIELD_PRINT:
	case PRS_FIELD_LATE_PRINT: prs_buf_put(b, at, 16); break;
	case PRS_FIELD_TEXT:
	case PRS_FIELD_LATE_TEXT: prs_put_text(b, *(const struct prs_text *)at); break;
	case PRS_FIELD_UNIT: put_unit(b, at); break;
	case PRS_FIELD_UNITS: prs_buf_put(b, f->u.lost.units, units_bytes(f)); break;
	}
}

/* Behind the last field that is written. */
static const struct prs_fact_field *end_of(const struct prs_fact *f)
{
	const struct prs_fact_field *end = prs_fact_fields(f->type), *field = end;
	for (; field->fact == f->type; field++)
		if (!prs_field_is_none(f, field))
			end = field + 1;
	return end;
}

static int put_done(struct prs_buf *b, const struct prs_fact *f)
{
	uint8_t *p = prs_buf_reserve(b, PRS_RECORD_HEAD_BYTES + PRS_DONE_BYTES);
	if (!p)
		return b->failed;
	prs_put16(p, PRS_FACT_DONE);
	prs_put16(p + 2, f->flags);
	prs_put32(p + 4, PRS_DONE_BYTES);
	prs_done_encode(&f->u.done, p + PRS_RECORD_HEAD_BYTES);
	b->len += PRS_RECORD_HEAD_BYTES + PRS_DONE_BYTES;
	return 0;
}

int prs_fact_put(struct prs_buf *b, const struct prs_fact *f)
{
	if (f->type == PRS_FACT_DONE)
		return put_done(b, f);
	size_t start = prs_record_begin(b, (uint16_t)f->type, f->flags);
	if (f->type == PRS_FACT_TRY) {
		put_try(b, &f->u.try_);
	} else {
		const struct prs_fact_field *end = end_of(f);
		prs_buf_u64(b, f->time_us);
		for (const struct prs_fact_field *field = prs_fact_fields(f->type); field < end; field++)
			put_field(b, f, field);
	}
	return prs_record_end(b, start);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static struct prs_unit read_unit(struct prs_reader *r)
{
	struct prs_unit u;
	u.id = prs_read64(r);
	u.item_first = prs_read32(r);
	u.item_count = prs_read32(r);
	return u;
}

static void read_number(struct prs_reader *r, void *to, size_t n)
{
	const uint8_t *p = prs_read(r, n);
	if (p)
		memcpy(to, p, n);
}

static void read_field(struct prs_reader *r, struct prs_fact *f, const struct prs_fact_field *field)
{
	void *at = (char *)f + field->offset;
	switch (field->kind) {
	case PRS_FIELD_U8:
	case PRS_FIELD_U16:
	case PRS_FIELD_U32:
	case PRS_FIELD_U64:
	case PRS_FIELD_CODE:
	case PRS_FIELD_JOB_STATE:
	case PRS_FIELD_STEP_STATE:
	case PRS_FIELD_PROC_EVENT:
	case PRS_FIELD_RESET_REASON: read_number(r, at, widths[field->kind]); break;
	case PRS_FIELD_PRINT: read_number(r, at, 16); break;
	case PRS_FIELD_TEXT: *(struct prs_text *)at = prs_read_text(r); break;
	case PRS_FIELD_UNIT: *(struct prs_unit *)at = read_unit(r); break;
	case PRS_FIELD_UNITS: f->u.lost.units = prs_read(r, units_bytes(f)); break;
	case PRS_FIELD_LATE_U8:
	case PRS_FIELD_LATE_U32: read_number(r, at, r->left ? widths[field->kind] : 0); break;
	case PRS_FIELD_LATE_PRINT: read_number(r, at, r->left ? 16 : 0); break;
	case PRS_FIELD_LATE_TEXT:
		if (r->left)
			*(struct prs_text *)at = prs_read_text(r);
		break;
	}
}

static int decode(const struct prs_record *rec, struct prs_fact *ret, struct prs_err *err)
{
	if (ret->type == PRS_FACT_DONE) {
		int r = prs_done_decode(rec->payload, rec->bytes, &ret->u.done, err);
		ret->time_us = r < 0 ? 0 : ret->u.done.start_us + ret->u.done.elapsed_us;
		return r;
	}
	if (ret->type == PRS_FACT_TRY) {
		int r = prs_try_decode(rec->payload, rec->bytes, &ret->u.try_, err);
		ret->time_us = r < 0 ? 0 : ret->u.try_.start_us + ret->u.try_.elapsed_us;
		return r;
	}
	struct prs_reader r = { rec->payload, rec->bytes, false };
	memset(&ret->u, 0, sizeof ret->u);
	ret->time_us = prs_read64(&r);
	for (const struct prs_fact_field *field = prs_fact_fields(ret->type); field->fact == ret->type; field++)
		read_field(&r, ret, field);
	if (r.bad)
		return prs_fail(err, PRS_ECORRUPT, "%s is cut off", prs_fact_name(ret->type));
	if (ret->type == PRS_FACT_PLANNED && ret->u.planned.next_id >= PRS_IDS_MAX)
		return prs_fail(err, PRS_ECORRUPT, "PLANNED of more mini-batches than there can be");
	return 0;
}

int prs_fact_next(const uint8_t *body, size_t body_bytes, size_t *offset, struct prs_fact *ret, struct prs_err *err)
{
	struct prs_record rec;
	int r;
	while ((r = prs_record_next(body, body_bytes, offset, &rec, err)) == 1) {
		if (rec.type == 0 || rec.type >= PRS_FACT_END) {
			r = prs_record_unknown(&rec, "journal", err);
			if (r < 0)
				return r;
			continue;
		}
		ret->type = (enum prs_fact_type)rec.type;
		ret->flags = rec.flags;
		r = decode(&rec, ret, err);
		if (r < 0)
			prs_wrap(err, "the record at byte %zu of its frame", rec.at);
		return r < 0 ? r : 1;
	}
	return r;
}

struct prs_unit prs_lost_unit(const struct prs_fact *f, uint32_t i)
{
	const uint8_t *p = f->u.lost.units + (size_t)i * 16;
	return (struct prs_unit){ prs_get64(p), prs_get32(p + 8), prs_get32(p + 12) };
}
