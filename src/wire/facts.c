/* SPDX-License-Identifier: Apache-2.0
 * facts: see facts.h.
 */
#include "wire/facts.h"

const char *prs_fact_name(int type)
{
	static const char *const names[] = { "?",     "HEAD", "NODE",  "PLANNED",   "DONE",  "TRY",  "FAILED", "LOST",
		                             "RESET", "SET",  "STATE", "PUBLISHED", "SPLIT", "PROC", "STEP" };
	return type > 0 && type <= PRS_FACT_STEP ? names[type] : names[0];
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
	return r.bad ? prs_fail(err, PRS_ECORRUPT, "TRY: its message is cut off") : 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_unit(struct prs_buf *b, const struct prs_unit *u)
{
	prs_buf_u64(b, u->id);
	prs_buf_u32(b, u->item_first);
	prs_buf_u32(b, u->item_count);
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
}

static void put_head(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_u32(b, f->u.head.epoch);
	prs_buf_u32(b, f->u.head.previous);
	prs_buf_u64(b, f->u.head.sealed_journal);
	prs_buf_u64(b, f->u.head.sealed_plan);
	prs_buf_put(b, f->u.head.job_print, 16);
	prs_buf_put(b, f->u.head.code_print, 16);
	prs_put_text(b, f->u.head.engine);
	prs_put_text(b, f->u.head.host);
	prs_buf_u32(b, f->u.head.pid);
	prs_put_text(b, f->u.head.boot);
}

static void put_node(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_u16(b, f->u.node.node);
	prs_buf_u32(b, f->u.node.incarnation);
	prs_buf_putc(b, (char)f->u.node.up);
	prs_buf_u16(b, f->u.node.reason);
	prs_buf_u16(b, f->u.node.procs);
	prs_buf_u16(b, f->u.node.cores);
	prs_buf_u16(b, f->u.node.gpus);
	prs_put_text(b, f->u.node.name);
	prs_put_text(b, f->u.node.address);
}

static void put_proc(struct prs_buf *b, const struct prs_fact *f)
{
	prs_buf_u16(b, f->u.proc.node);
	prs_buf_u16(b, f->u.proc.slot);
	prs_buf_u32(b, f->u.proc.incarnation);
	prs_buf_u32(b, f->u.proc.pid);
	prs_buf_putc(b, (char)f->u.proc.event);
	prs_buf_u16(b, f->u.proc.code);
	prs_buf_u32(b, f->u.proc.exit);
	prs_buf_u64(b, f->u.proc.trace_offset);
	prs_buf_u32(b, f->u.proc.trace_bytes);
	prs_put_text(b, f->u.proc.text);
}

/* Everything but DONE and TRY, behind the time. */
static void put_payload(struct prs_buf *b, const struct prs_fact *f)
{
	switch (f->type) {
	case PRS_FACT_HEAD: put_head(b, f); break;
	case PRS_FACT_NODE: put_node(b, f); break;
	case PRS_FACT_PROC: put_proc(b, f); break;
	case PRS_FACT_PLANNED:
		prs_buf_u32(b, f->u.planned.plan_epoch);
		prs_buf_u64(b, f->u.planned.plan_bytes);
		prs_buf_u64(b, f->u.planned.next_id);
		prs_buf_u64(b, f->u.planned.items);
		prs_buf_putc(b, (char)f->u.planned.complete);
		break;
	case PRS_FACT_FAILED:
		put_unit(b, &f->u.failed.unit);
		prs_buf_u32(b, f->u.failed.items);
		prs_buf_u16(b, f->u.failed.code);
		break;
	case PRS_FACT_LOST:
		prs_buf_u16(b, f->u.lost.node);
		prs_buf_u32(b, f->u.lost.incarnation);
		prs_buf_u32(b, f->u.lost.running_count);
		prs_buf_u32(b, f->u.lost.queued_count);
		prs_buf_put(b, f->u.lost.units, ((size_t)f->u.lost.running_count + f->u.lost.queued_count) * 16);
		break;
	case PRS_FACT_RESET:
		put_unit(b, &f->u.reset.unit);
		prs_buf_u64(b, f->u.reset.count);
		prs_buf_u16(b, f->u.reset.reason);
		break;
	case PRS_FACT_SET:
		prs_put_text(b, f->u.set.key);
		prs_put_text(b, f->u.set.old);
		prs_put_text(b, f->u.set.new_);
		break;
	case PRS_FACT_STATE:
		prs_buf_putc(b, (char)f->u.state.from);
		prs_buf_putc(b, (char)f->u.state.to);
		prs_buf_u16(b, f->u.state.code);
		prs_put_text(b, f->u.state.text);
		break;
	case PRS_FACT_PUBLISHED:
		prs_put_text(b, f->u.published.name);
		prs_buf_u64(b, f->u.published.bytes);
		prs_buf_u64(b, f->u.published.rows);
		prs_buf_put(b, f->u.published.print, 16);
		break;
	case PRS_FACT_SPLIT:
		put_unit(b, &f->u.split.unit);
		prs_buf_u32(b, f->u.split.parts);
		break;
	case PRS_FACT_STEP:
		prs_put_text(b, f->u.step.step);
		prs_put_text(b, f->u.step.run_id);
		prs_buf_putc(b, (char)f->u.step.state);
		prs_put_text(b, f->u.step.reused);
		break;
	case PRS_FACT_DONE:
	case PRS_FACT_TRY: break;
	}
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
		prs_buf_u64(b, f->time_us);
		put_payload(b, f);
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

static void read_16(struct prs_reader *r, uint8_t to[16])
{
	const uint8_t *p = prs_read(r, 16);
	if (p)
		memcpy(to, p, 16);
}

static void read_head(struct prs_reader *r, struct prs_fact *f)
{
	f->u.head.epoch = prs_read32(r);
	f->u.head.previous = prs_read32(r);
	f->u.head.sealed_journal = prs_read64(r);
	f->u.head.sealed_plan = prs_read64(r);
	read_16(r, f->u.head.job_print);
	read_16(r, f->u.head.code_print);
	f->u.head.engine = prs_read_text(r);
	f->u.head.host = prs_read_text(r);
	f->u.head.pid = prs_read32(r);
	f->u.head.boot = prs_read_text(r);
}

static void read_node(struct prs_reader *r, struct prs_fact *f)
{
	f->u.node.node = prs_read16(r);
	f->u.node.incarnation = prs_read32(r);
	f->u.node.up = prs_read8(r);
	f->u.node.reason = prs_read16(r);
	f->u.node.procs = prs_read16(r);
	f->u.node.cores = prs_read16(r);
	f->u.node.gpus = prs_read16(r);
	f->u.node.name = prs_read_text(r);
	f->u.node.address = prs_read_text(r);
}

static void read_proc(struct prs_reader *r, struct prs_fact *f)
{
	f->u.proc.node = prs_read16(r);
	f->u.proc.slot = prs_read16(r);
	f->u.proc.incarnation = prs_read32(r);
	f->u.proc.pid = prs_read32(r);
	f->u.proc.event = prs_read8(r);
	f->u.proc.code = prs_read16(r);
	f->u.proc.exit = prs_read32(r);
	f->u.proc.trace_offset = prs_read64(r);
	f->u.proc.trace_bytes = prs_read32(r);
	f->u.proc.text = prs_read_text(r);
}

static void read_lost(struct prs_reader *r, struct prs_fact *f)
{
	f->u.lost.node = prs_read16(r);
	f->u.lost.incarnation = prs_read32(r);
	f->u.lost.running_count = prs_read32(r);
	f->u.lost.queued_count = prs_read32(r);
	f->u.lost.units = prs_read(r, ((size_t)f->u.lost.running_count + f->u.lost.queued_count) * 16);
}

static void read_payload(struct prs_reader *r, struct prs_fact *f)
{
	switch (f->type) {
	case PRS_FACT_HEAD: read_head(r, f); break;
	case PRS_FACT_NODE: read_node(r, f); break;
	case PRS_FACT_PROC: read_proc(r, f); break;
	case PRS_FACT_LOST: read_lost(r, f); break;
	case PRS_FACT_PLANNED:
		f->u.planned.plan_epoch = prs_read32(r);
		f->u.planned.plan_bytes = prs_read64(r);
		f->u.planned.next_id = prs_read64(r);
		f->u.planned.items = prs_read64(r);
		f->u.planned.complete = prs_read8(r);
		break;
	case PRS_FACT_FAILED:
		f->u.failed.unit = read_unit(r);
		f->u.failed.items = prs_read32(r);
		f->u.failed.code = prs_read16(r);
		break;
	case PRS_FACT_RESET:
		f->u.reset.unit = read_unit(r);
		f->u.reset.count = prs_read64(r);
		f->u.reset.reason = prs_read16(r);
		break;
	case PRS_FACT_SET:
		f->u.set.key = prs_read_text(r);
		f->u.set.old = prs_read_text(r);
		f->u.set.new_ = prs_read_text(r);
		break;
	case PRS_FACT_STATE:
		f->u.state.from = prs_read8(r);
		f->u.state.to = prs_read8(r);
		f->u.state.code = prs_read16(r);
		f->u.state.text = prs_read_text(r);
		break;
	case PRS_FACT_PUBLISHED:
		f->u.published.name = prs_read_text(r);
		f->u.published.bytes = prs_read64(r);
		f->u.published.rows = prs_read64(r);
		read_16(r, f->u.published.print);
		break;
	case PRS_FACT_SPLIT:
		f->u.split.unit = read_unit(r);
		f->u.split.parts = prs_read32(r);
		break;
	case PRS_FACT_STEP:
		f->u.step.step = prs_read_text(r);
		f->u.step.run_id = prs_read_text(r);
		f->u.step.state = prs_read8(r);
		f->u.step.reused = prs_read_text(r);
		break;
	case PRS_FACT_DONE:
	case PRS_FACT_TRY: break;
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
	read_payload(&r, ret);
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
		if (rec.type == 0 || rec.type > PRS_FACT_STEP) {
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
