/* SPDX-License-Identifier: Apache-2.0
 * fields: a field goes on to the next delimiter, behind its quotes where it begins with one.
 */
#include "data/fields.h"

#include "base/err.h"
#include "base/mem.h"
#include "data/header.h"

#include <string.h>

size_t prs_fields_bytes(const uint8_t *p, size_t n)
{
	if (n && p[n - 1] == '\n')
		return n > 1 && p[n - 2] == '\r' ? n - 2 : n - 1;
	return n && p[n - 1] == '\r' ? n - 1 : n;
}

/* Behind the quotes that begin at p. */
static const uint8_t *behind_quotes(const uint8_t *p, const uint8_t *end)
{
	while (++p < end) {
		const uint8_t *quote = memchr(p, '"', (size_t)(end - p));
		if (!quote)
			return end;
		if (quote + 1 == end || quote[1] != '"')
			return quote + 1;
		p = quote + 1;
	}
	return end;
}

struct prs_field prs_fields_next(const uint8_t **at, const uint8_t *end, char delimiter)
{
	const uint8_t *p = *at, *from = p < end && *p == '"' ? behind_quotes(p, end) : p;
	const uint8_t *stop = from < end ? memchr(from, delimiter, (size_t)(end - from)) : NULL;
	*at = stop ? stop + 1 : NULL;
	return (struct prs_field){ p, (size_t)((stop ? stop : end) - p) };
}

size_t prs_fields_find(const uint8_t *p, size_t n, char delimiter, struct prs_field *to, size_t most)
{
	const uint8_t *end = p + n;
	size_t found = 0;
	while (p && found < most)
		to[found++] = prs_fields_next(&p, end, delimiter);
	return found;
}

/* ---- another order ----------------------------------------------------------------------------------------------- */

static void put_field(struct prs_buf *to, const struct prs_field *f, bool first, char delimiter)
{
	if (!first)
		prs_buf_putc(to, delimiter);
	if (f)
		prs_buf_put(to, f->p, f->n);
}

int prs_fields_reorder(const uint8_t *p, size_t n, char delimiter, const uint32_t *fields, size_t count,
                       size_t fields_n, struct prs_buf *to)
{
	size_t at = to->len;
	const uint8_t *end = p + n, *rest = p;
	PRS_AUTOFREE struct prs_field *v = prs_malloc((fields_n + 1) * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	size_t found = 0;
	while (rest && found < fields_n)
		v[found++] = prs_fields_next(&rest, end, delimiter);
	for (size_t i = 0; i < count; i++)
		put_field(to, fields[i] < found ? &v[fields[i]] : NULL, i == 0, delimiter);
	while (rest) { /* cells behind the last column */
		struct prs_field extra = prs_fields_next(&rest, end, delimiter);
		put_field(to, &extra, false, delimiter);
	}
	if (to->len == at)
		prs_buf_puts(to, "\"\"");
	return prs_buf_putc(to, '\n');
}
