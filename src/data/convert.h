/* SPDX-License-Identifier: Apache-2.0
 * convert: what convert_column_types makes of a cell that is a partition key: keys are compared after typing. As
 * python/prs_loader/tables/convert.py does it for whole columns. Pure.
 */
#ifndef PRS_DATA_CONVERT_H
#define PRS_DATA_CONVERT_H

#include "data/columns.h"

struct prs_convert {
	enum prs_type type;
	const char *more; /* words or formats, a line each; "": none */
};

/* Of a line of prs_table_input.text_types, to which it points. Those that only Python can read (formats with names of
 * months, words beyond ASCII) are a string: compared as they are written. */
struct prs_convert prs_convert_of(const char *text);
/* The cell, UTF-8, as a column of that type would have it: appended. -PRS_EVALUE_MISFIT: it does not fit. */
int prs_convert_cell(const struct prs_convert *c, const uint8_t *p, size_t n, struct prs_buf *to);

#endif
