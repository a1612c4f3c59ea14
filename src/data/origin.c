/* SPDX-License-Identifier: Apache-2.0
 * origin: varints: 0 in the same file, else its number + 1, with which all others count from 0 again; rows, lines and
 * bytes behind the one before; bytes. Parts that were written apart may so stand behind each other.
 */
#include "data/origin.h"

int prs_origin_put(struct prs_buf *to, const struct prs_origin *o, const struct prs_origin *last)
{
	struct prs_origin from = { .file = o->file };
	bool same = last && last->file == o->file;
	if (same)
		from = *last;
	prs_buf_varint(to, same ? 0 : o->file + 1);
	prs_buf_varint(to, o->row - from.row);
	prs_buf_varint(to, o->line - from.line);
	prs_buf_varint(to, o->offset - from.offset);
	return prs_buf_varint(to, o->bytes);
}

void prs_origin_next(struct prs_reader *r, struct prs_origin *at)
{
	uint64_t file = prs_read_varint(r);
	if (file)
		*at = (struct prs_origin){ .file = file - 1 };
	at->row += prs_read_varint(r);
	at->line += prs_read_varint(r);
	at->offset += prs_read_varint(r);
	at->bytes = prs_read_varint(r);
}
