/* SPDX-License-Identifier: Apache-2.0
 * slices: one is found from the mark before it on, by at most STRIDE steps over packed numbers.
 */
#include "data/slices.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { STRIDE = 32 };

/* Where the mini-batch with the number STRIDE, 2 STRIDE ... begins; the first needs none. */
struct prs_slices_mark {
	uint64_t offset, row;
	uint32_t at; /* in `packed` */
};

struct prs_slices *prs_slices_new(const struct prs_plan_record *r)
{
	struct prs_slices *s = prs_calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->first = (struct prs_table_range){ .file = r->u.slices.file,
		                             .offset = r->u.slices.offset,
		                             .row = r->u.slices.row,
		                             .global_row = r->u.slices.global_row,
		                             .schema = r->u.slices.schema };
	s->end = s->first;
	s->size = r->u.slices.size;
	s->mtime_us = r->u.slices.mtime_us;
	s->spool = r->u.slices.spool;
	s->input = r->u.slices.input;
	s->parquet = r->type == PRS_PLAN_PARQUET;
	if (prs_slices_add(s, r) == 0)
		return s;
	prs_slices_free(s);
	return NULL;
}

void prs_slices_free(struct prs_slices *s)
{
	if (!s)
		return;
	prs_freep(&s->packed);
	prs_freep(&s->marks);
	prs_freep(&s);
}

bool prs_slices_go_on(const struct prs_slices *s, const struct prs_plan_record *r)
{
	return s->parquet == (r->type == PRS_PLAN_PARQUET) && s->input == r->u.slices.input &&
	       s->spool == r->u.slices.spool && s->end.file == r->u.slices.file &&
	       s->end.schema == r->u.slices.schema && s->end.offset == r->u.slices.offset &&
	       s->end.row == r->u.slices.row && s->end.global_row == r->u.slices.global_row &&
	       r->u.slices.bytes <= UINT32_MAX - s->bytes && r->u.slices.count <= UINT32_MAX - s->count;
}

/* Room for `need` elements, an eighth more when it is not the first. */
static int room(void *vp, uint32_t *cap, uint64_t need, size_t size)
{
	if (need <= *cap)
		return 0;
	uint64_t want = *cap ? need + need / 8 : need;
	if (want > UINT32_MAX)
		want = UINT32_MAX;
	void *v;
	memcpy(&v, vp, sizeof v);
	v = prs_realloc(v, (size_t)want * size);
	if (!v)
		return -PRS_ENOMEM;
	memcpy(vp, &v, sizeof v);
	*cap = (uint32_t)want;
	return 0;
}

static struct prs_reader packed_from(const struct prs_slices *s, uint32_t at)
{
	return (struct prs_reader){ s->packed + at, s->bytes - at, false };
}

int prs_slices_add(struct prs_slices *s, const struct prs_plan_record *r)
{
	uint32_t from = s->bytes, count = s->count + r->u.slices.count;
	if (room(&s->packed, &s->cap, (uint64_t)from + r->u.slices.bytes, 1) < 0 ||
	    room(&s->marks, &s->marks_cap, (count - 1) / STRIDE, sizeof *s->marks) < 0)
		return -PRS_ENOMEM;
	memcpy(s->packed + from, r->u.slices.packed, r->u.slices.bytes);
	s->bytes += r->u.slices.bytes;
	struct prs_reader packed = packed_from(s, from);
	struct prs_table_range at = s->end;
	for (; s->count < count; s->count++) {
		uint32_t begins = s->bytes - (uint32_t)packed.left;
		prs_slice_next(&packed, s->parquet, &at);
		if (s->count && s->count % STRIDE == 0)
			s->marks[s->marks_n++] = (struct prs_slices_mark){ at.offset, at.row, begins };
	}
	at.offset += at.bytes;
	at.row += at.rows;
	at.global_row += at.rows;
	at.bytes = at.rows = 0;
	s->end = at;
	return 0;
}

struct prs_table_range prs_slices_at(const struct prs_slices *s, uint32_t k)
{
	struct prs_table_range at = s->first;
	struct prs_reader packed = packed_from(s, 0);
	if (k / STRIDE) {
		const struct prs_slices_mark *m = &s->marks[k / STRIDE - 1];
		packed = packed_from(s, m->at);
		at.offset = m->offset;
		at.global_row += m->row - at.row;
		at.row = m->row;
	}
	for (uint32_t i = k % STRIDE + 1; i; i--)
		prs_slice_next(&packed, s->parquet, &at);
	return at;
}
