/* SPDX-License-Identifier: Apache-2.0
 * cells: the cells of one record of delimited text, and what a cell says by itself.
 *
 * A record is split by the field-start rule of data/scan.h, so that both always agree where it ends. The text of a cell
 * is what is left when the quotes that hold a field are taken off and "" inside them became ". Whether a cell stood in
 * quotes is not kept: an empty one is null either way, "7" is the number 7, as pandas and pyarrow have it.
 *
 * The classes are the grammar of docs/tables.md; python/prs_loader/tables/cell.py has the same one for reading. A test
 * runs the examples of that page against both.
 */
#ifndef PRS_DATA_CELLS_H
#define PRS_DATA_CELLS_H

#include "base/buf.h"
#include "base/err.h"

struct prs_cell {
	size_t at, n; /* bytes in the text of the cells */
};

struct prs_cells {
	struct prs_buf text;
	struct prs_cell *v;
	size_t n, cap;
};

/* max_bytes: of the text of one record. */
void prs_cells_init(struct prs_cells *c, size_t max_bytes);
void prs_cells_done(struct prs_cells *c);
/* The cells of the record that begins at p, of which n bytes follow (n > 0); into ret_used the bytes up to the next
 * record. A record without a byte has no cells: it is no row. -PRS_EINVALID: a quote is still open behind the last
 * byte; -PRS_ELIMIT: longer than max_bytes; -PRS_ENOMEM. */
int prs_cells_split(struct prs_cells *c, const uint8_t *p, size_t n, char delimiter, size_t *ret_used,
                    struct prs_err *err);
static inline const uint8_t *prs_cells_at(const struct prs_cells *c, size_t i) { return c->text.data + c->v[i].at; }

/* What a cell is; bits, so that those of a column can be gathered in one word. */
enum prs_cell_class {
	PRS_CELL_EMPTY = 1,  /* no byte */
	PRS_CELL_NULL = 2,   /* a null word, or nothing but blanks */
	PRS_CELL_INT = 4,    /* an integer that float64 holds exactly: at most 2^53 */
	PRS_CELL_WIDE = 8,   /* an integer beyond 2^53 that int64 holds */
	PRS_CELL_HUGE = 16,  /* an integer beyond int64 */
	PRS_CELL_FLOAT = 32, /* with a point or an exponent, or infinity */
	PRS_CELL_BOOL = 64,
	PRS_CELL_DATE = 128,
	PRS_CELL_TEXT = 256,
	PRS_CELL_NESTED = 512 /* JSON lines: a list or an object */
};

enum prs_cell_class prs_cell_class(const uint8_t *p, size_t n);
/* "empty", "null", "int", "wide int", "huge int", "float", "bool", "date", "text", "nested" */
const char *prs_cell_class_name(enum prs_cell_class c);

#endif
