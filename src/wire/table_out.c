/* SPDX-License-Identifier: Apache-2.0
 * table_out: the length of a frame is put in when the frame is whole.
 */
#include "wire/table_out.h"

#include "base/bytes.h"

#include <string.h>

enum { LENGTH_BYTES = 4, TEXT_SHOWN = 480 };
enum { TYPE = 1, SCHEMA = 2, BEGIN = 3, ROWS = 4, PIECE = 5, END = 6 };

static void begin(struct prs_buf *b, uint8_t what)
{
	prs_buf_clear(b);
	prs_buf_u32(b, 0);
	prs_buf_putc(b, (char)what);
}

static void end(struct prs_buf *b)
{
	if (!b->failed)
		prs_put32(b->data, (uint32_t)(b->len - LENGTH_BYTES));
}

static void put_text(struct prs_buf *b, const char *s, size_t n)
{
	prs_buf_u32(b, (uint32_t)n);
	prs_buf_put(b, s, n);
}

void prs_table_out_put_type(struct prs_buf *b, const char *column, size_t column_n, const char *type)
{
	begin(b, TYPE);
	put_text(b, column, column_n);
	put_text(b, type, strlen(type));
	end(b);
}

void prs_table_out_put_schema(struct prs_buf *b, uint64_t id, const void *bytes, size_t n)
{
	begin(b, SCHEMA);
	prs_buf_u64(b, id);
	prs_buf_put(b, bytes, n);
	end(b);
}

void prs_table_out_put_begin(struct prs_buf *b, uint64_t dev, uint64_t ino, const char *format, const char *path)
{
	begin(b, BEGIN);
	prs_buf_u64(b, dev);
	prs_buf_u64(b, ino);
	put_text(b, format, strlen(format));
	put_text(b, path, strlen(path));
	end(b);
}

void prs_table_out_put_rows(struct prs_buf *b, uint64_t id, uint32_t schema, uint64_t bytes)
{
	begin(b, ROWS);
	prs_buf_u64(b, id);
	prs_buf_u32(b, schema);
	prs_buf_u64(b, bytes);
	end(b);
}

void prs_table_out_put_piece(struct prs_buf *b, const void *bytes, size_t n)
{
	begin(b, PIECE);
	prs_buf_put(b, bytes, n);
	end(b);
}

void prs_table_out_put_end(struct prs_buf *b)
{
	begin(b, END);
	end(b);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static int bad(struct prs_err *err)
{
	return prs_fail(err, PRS_EPROTOCOL, "the process that writes the output said what is no answer");
}

static int trouble(struct prs_reader *r, struct prs_err *err)
{
	uint8_t kind = prs_read8(r);
	uint32_t number = prs_read32(r), n = prs_read32(r);
	const char *text = (const char *)prs_read(r, n);
	int shown = n < TEXT_SHOWN ? (int)n : TEXT_SHOWN;
	if (r->bad || r->left)
		return bad(err);
	switch (kind) {
	case PRS_TABLE_OUT_OTHER: return prs_fail(err, PRS_EHELPER, "%.*s", shown, text);
	case PRS_TABLE_OUT_TYPES: return prs_fail(err, PRS_EOUTPUT_TYPES, "%.*s", shown, text);
	case PRS_TABLE_OUT_MISSING: return prs_fail(err, PRS_EINVALID, "%.*s", shown, text);
	case PRS_TABLE_OUT_ERRNO: return prs_fail_errno(err, (int)(number & 0xfff), "%.*s", shown, text);
	default: return bad(err);
	}
}

/* 0: what was asked for follows. */
static int read_status(struct prs_reader *r, struct prs_err *err)
{
	uint8_t status = prs_read8(r);
	if (status > 1 || r->bad)
		return bad(err);
	return status ? trouble(r, err) : 0;
}

int prs_table_out_get_hello(const uint8_t *p, size_t n, struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	int k = read_status(&r, err);
	if (k < 0)
		return k;
	uint32_t protocol = prs_read32(&r);
	prs_read(&r, prs_read32(&r));
	return protocol != PRS_TABLE_OUT_PROTOCOL || r.bad || r.left ? bad(err) : 0;
}

int prs_table_out_get_ready(const uint8_t *p, size_t n, uint32_t schemas, const uint8_t **ret_differs,
                            struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	int k = read_status(&r, err);
	const uint8_t *differs = k ? NULL : prs_read(&r, schemas);
	if (!k && (r.bad || r.left))
		return bad(err);
	if (!k)
		*ret_differs = differs;
	return k;
}

int prs_table_out_get_written(const uint8_t *p, size_t n, uint64_t *ret_rows, struct prs_err *err)
{
	struct prs_reader r = { p, n, false };
	int k = read_status(&r, err);
	uint64_t rows = k ? 0 : prs_read64(&r);
	if (!k && (r.bad || r.left))
		return bad(err);
	if (!k)
		*ret_rows = rows;
	return k;
}
