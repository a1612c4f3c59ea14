/* SPDX-License-Identifier: Apache-2.0
 * header: the names of the columns, and where the fields of a file go whose header is not that of the first file.
 * Pure: from the cells of a first record to names in UTF-8.
 */
#ifndef PRS_DATA_HEADER_H
#define PRS_DATA_HEADER_H

#include "base/table.h"
#include "data/cells.h"

#include <stdbool.h>

struct prs_names {
	char **v;
	size_t n, cap;
};

#define PRS_NO_FIELD UINT32_MAX /* a column that the file does not have */

/* Bytes of the UTF-8 mark at the front of a file: 3 or 0. */
size_t prs_utf8_mark(const uint8_t *p, size_t n);
/* Has the n-th file (from 0) of a table a header? */
bool prs_header_is_there(enum prs_header_mode mode, uint64_t file);

/* Appends bytes in that encoding as UTF-8; -PRS_EINVALID: they are not text, or hold a NUL. A buffer that cannot grow
 * says so itself. */
int prs_put_as_utf8(struct prs_buf *to, const uint8_t *p, size_t n, enum prs_encoding e);

/* A copy of `name` behind the others; -PRS_ENOMEM. */
int prs_names_add(struct prs_names *names, const char *name);
void prs_names_done(struct prs_names *names);
/* The names of a header, as pandas makes them: an empty one becomes "Unnamed: 1" (by its place, from 0), the second "a"
 * becomes "a.1". -PRS_EINVALID: not text in that encoding, or a NUL; -PRS_ENOMEM. */
int prs_names_of(const struct prs_cells *header, enum prs_encoding e, struct prs_names *ret, struct prs_err *err);
/* Column1 to Column<n>. */
int prs_names_numbered(size_t n, struct prs_names *ret, struct prs_err *err);
/* SAME: into fields[i] the field of the file that is column i of the first file. -PRS_EINVALID: other names; says both
 * files and a name that only one of them has. */
int prs_names_match(const struct prs_names *first, const char *first_file, const struct prs_names *file,
                    const char *file_name, uint32_t *fields, struct prs_err *err);
/* DIFFERENT: names that `all` does not have yet come behind those it has. */
int prs_names_unite(struct prs_names *all, const struct prs_names *file, struct prs_err *err);
/* DIFFERENT: into fields[i] the field of the file that is column i of all, or PRS_NO_FIELD. */
int prs_names_place(const struct prs_names *all, const struct prs_names *file, uint32_t *fields, struct prs_err *err);

#endif
