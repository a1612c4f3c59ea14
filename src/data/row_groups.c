/* SPDX-License-Identifier: Apache-2.0
 * row_groups: a mini-batch has at most 2^32 - 1 rows.
 */
#include "data/row_groups.h"

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* n parts of at most so much */
static uint64_t parts(uint64_t n, uint64_t most) { return n / most + (n % most != 0); }

void prs_row_groups_init(struct prs_row_groups *g, const struct prs_footer *footer, struct prs_batch_size size)
{
	*g = (struct prs_row_groups){ .footer = *footer, .size = size, .left = footer->rows };
	if (!g->size.n)
		g->size.n = 1;
}

static bool is_large(const struct prs_row_groups *g, struct prs_footer_group one)
{
	return one.bytes > g->size.n || one.rows > UINT32_MAX;
}

/* The parts of a row group differ by one row at most. */
static uint32_t next_part(struct prs_row_groups *g)
{
	uint64_t rows = parts(g->split_rows, g->split_in);
	g->split_rows -= rows;
	g->split_in--;
	return (uint32_t)rows;
}

static void split(struct prs_row_groups *g, struct prs_footer_group one)
{
	uint64_t by_bytes = parts(one.bytes, g->size.n), by_rows = parts(one.rows, UINT32_MAX);
	g->split_rows = one.rows;
	g->split_in = least(by_bytes > by_rows ? by_bytes : by_rows, one.rows);
}

static uint32_t next_by_bytes(struct prs_row_groups *g)
{
	uint64_t rows = 0, bytes = 0;
	if (g->split_in)
		return next_part(g);
	for (; g->next < g->footer.groups; g->next++) {
		struct prs_footer_group one = prs_footer_group(&g->footer, g->next);
		if (!one.rows)
			continue;
		if (rows && (is_large(g, one) || one.bytes > g->size.n - bytes || one.rows > UINT32_MAX - rows))
			break;
		if (is_large(g, one)) {
			split(g, one);
			g->next++;
			return next_part(g);
		}
		rows += one.rows;
		bytes += one.bytes;
	}
	return (uint32_t)rows;
}

uint32_t prs_row_groups_next(struct prs_row_groups *g)
{
	if (g->size.unit != PRS_SIZE_ROWS)
		return next_by_bytes(g);
	uint32_t rows = (uint32_t)least(g->left, least(g->size.n, UINT32_MAX));
	g->left -= rows;
	return rows;
}

uint32_t prs_row_groups_within(struct prs_row_groups *g, uint64_t first, uint64_t end, uint64_t *ret)
{
	while (g->row < end) {
		uint64_t from = g->row > first ? g->row : first, to = least(g->end, end);
		if (from < to) {
			g->row = to;
			*ret = from;
			return (uint32_t)(to - from);
		}
		uint32_t rows = prs_row_groups_next(g);
		if (!rows)
			return 0;
		g->row = g->end;
		g->end += rows;
	}
	return 0;
}
