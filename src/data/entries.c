/* SPDX-License-Identifier: Apache-2.0
 * entries: a blob that only grows, and offsets that are sorted instead of it.
 */
#include "data/entries.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES = 1 << 20 };

void prs_entries_init(struct prs_entries *v)
{
	*v = (struct prs_entries){ 0 };
	prs_buf_init(&v->text, PRS_ENTRIES_BYTES_MAX);
}

void prs_entries_done(struct prs_entries *v)
{
	prs_buf_done(&v->text);
	prs_freep(&v->at);
	prs_entries_init(v);
}

void prs_entries_clear(struct prs_entries *v)
{
	if (v->text.cap > KEPT_BYTES || v->text.failed)
		prs_entries_done(v);
	prs_buf_clear(&v->text);
	v->n = 0;
}

int prs_entries_add(struct prs_entries *v, const char *name, size_t n)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 16;
		uint32_t *p = prs_realloc(v->at, cap * sizeof *p);
		if (!p)
			return -PRS_ENOMEM;
		v->at = p;
		v->cap = cap;
	}
	uint8_t *to = prs_buf_reserve(&v->text, n + 1);
	if (!to)
		return v->text.failed;
	memcpy(to, name, n);
	to[n] = 0;
	v->at[v->n++] = (uint32_t)v->text.len;
	v->text.len += n + 1;
	return 0;
}

static int by_bytes(const void *a, const void *b, void *text)
{
	const char *base = text;
	return strcmp(base + *(const uint32_t *)a, base + *(const uint32_t *)b);
}

void prs_entries_sort(struct prs_entries *v)
{
	if (v->n)
		qsort_r(v->at, v->n, sizeof *v->at, by_bytes, v->text.data);
}

const char *prs_entries_at(const struct prs_entries *v, size_t i) { return (const char *)v->text.data + v->at[i]; }
