/* SPDX-License-Identifier: Apache-2.0
 * msg: what comes from a worker is checked for length and type before anything is read out of it.
 */
#include "wire/msg.h"

#include "wire/facts.h"

int prs_msg_put_header(struct prs_buf *b, const struct prs_msg_header *h)
{
	uint8_t *p = prs_buf_reserve(b, PRS_MSG_HEADER_BYTES);
	if (!p)
		return b->failed;
	prs_put32(p, h->len);
	prs_put16(p + 4, h->type);
	prs_put16(p + 6, h->flags);
	prs_put32(p + 8, h->claim);
	prs_put32(p + 12, 0);
	b->len += PRS_MSG_HEADER_BYTES;
	return 0;
}

int prs_msg_get_header(const uint8_t raw[PRS_MSG_HEADER_BYTES], struct prs_msg_header *ret, struct prs_err *err)
{
	struct prs_msg_header h = { prs_get32(raw), prs_get16(raw + 4), prs_get16(raw + 6), prs_get32(raw + 8) };
	if (h.type < PRS_MSG_HELLO || h.type > PRS_MSG_NOTE || h.len > PRS_MSG_MAX_BYTES || prs_get32(raw + 12) != 0 ||
	    (h.flags & ~(PRS_MSG_FD | PRS_MSG_MORE)))
		return prs_fail(err, PRS_EPROTOCOL, "not a frame of the protocol (type %u, %u bytes)", h.type, h.len);
	*ret = h;
	return 0;
}

int prs_msg_put_pair(struct prs_buf *b, const char *key, const char *value)
{
	const char *text = value ? value : "";
	prs_buf_put(b, key, strlen(key) + 1);
	return prs_buf_put(b, text, strlen(text) + 1);
}

void prs_msg_set_task(uint8_t raw[PRS_TASK_BYTES], const struct prs_task *t)
{
	prs_put64(raw, t->id);
	prs_put64(raw + 8, t->lease);
	prs_put32(raw + 16, t->item_first);
	prs_put32(raw + 20, t->item_count);
	prs_put32(raw + 24, t->items);
	prs_put16(raw + 28, t->try_number);
	prs_put16(raw + 30, t->kind);
	prs_put16(raw + 32, t->input);
	prs_put16(raw + 34, 0);
	prs_put32(raw + 36, t->keys_bytes);
	prs_put64(raw + 40, t->global_row);
}

int prs_msg_put_task(struct prs_buf *b, const struct prs_task *t)
{
	uint8_t raw[PRS_TASK_BYTES];
	prs_msg_set_task(raw, t);
	return prs_buf_put(b, raw, sizeof raw);
}

/* Nothing behind the message: no full disk. */
static void read_full_disk(struct prs_reader *r, struct prs_full_disk *ret)
{
	*ret = (struct prs_full_disk){ 0 };
	if (r->bad || !r->left)
		return;
	ret->errnum = prs_read32(r);
	ret->named = prs_read32(r) != 0;
	ret->device = prs_read64(r);
}

int prs_msg_get_fail(const uint8_t *p, size_t n, struct prs_try *ret, struct prs_full_disk *ret_full,
                     struct prs_err *err)
{
	size_t message = n >= PRS_TRY_BYTES ? PRS_TRY_BYTES + (size_t)prs_get16(p + PRS_TRY_BYTES - 2) : n;
	int e = prs_try_decode(p, message < n ? message : n, ret, err);
	if (e < 0)
		return e;
	struct prs_reader r = { p + message, n - message, false };
	read_full_disk(&r, ret_full);
	ret->errnum = ret_full->errnum;
	if (!r.bad && r.left)
		ret->kind = prs_read_text(&r);
	if (!r.bad && r.left)
		ret->bad_item = prs_read32(&r);
	return r.bad ? prs_fail(err, PRS_EPROTOCOL, "FAIL of %zu bytes is cut off", n) : 0;
}

int prs_msg_get_note(const uint8_t *p, size_t n, uint16_t *ret_kind, struct prs_text *ret, struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	uint16_t kind = prs_read16(&r);
	prs_read16(&r);
	struct prs_text text = prs_read_text(&r);
	if (r.bad || kind >= PRS_NOTE_KINDS)
		return prs_fail(err, PRS_EPROTOCOL, "a note of %zu bytes, kind %u: cut off, or of no kind", n, kind);
	*ret_kind = kind;
	*ret = text;
	return 0;
}

int prs_msg_get_report(const uint8_t *p, size_t n, struct prs_report *ret, struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	struct prs_report out;
	out.code = prs_read16(&r);
	prs_read16(&r);
	out.trace_bytes = prs_read32(&r);
	out.trace_offset = prs_read64(&r);
	out.message_bytes = prs_read16(&r);
	out.message = (const char *)prs_read(&r, out.message_bytes);
	read_full_disk(&r, &out.full);
	if (r.bad)
		return prs_fail(err, PRS_EPROTOCOL, "a report of %zu bytes is cut off", n);
	*ret = out;
	return 0;
}

int prs_msg_get_hello(const uint8_t *p, size_t n, struct prs_hello *ret, struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	struct prs_hello out;
	out.pid = prs_read32(&r);
	out.abi = prs_read32(&r);
	out.protocol = prs_read32(&r);
	prs_read32(&r);
	out.version_bytes = prs_read16(&r);
	out.version = (const char *)prs_read(&r, out.version_bytes);
	out.executable_bytes = prs_read16(&r);
	out.executable = (const char *)prs_read(&r, out.executable_bytes);
	if (r.bad)
		return prs_fail(err, PRS_EPROTOCOL, "HELLO of %zu bytes is cut off", n);
	if (out.protocol != PRS_MSG_PROTOCOL)
		return prs_fail(err, PRS_EPROTOCOL, "the loader speaks protocol %u, this engine %d", out.protocol,
		                PRS_MSG_PROTOCOL);
	*ret = out;
	return 0;
}
