/* SPDX-License-Identifier: Apache-2.0
 * objects: the columns of JSON lines and what they hold, from the lines of a sample (docs/tables.md, "JSON lines").
 *
 * A line is taken apart as far as it matters: the names of the object in it and the kind of each value, not what lies
 * inside lists and objects. Whether it is JSON to the last byte is decided where it is read.
 */
#ifndef PRS_DATA_OBJECTS_H
#define PRS_DATA_OBJECTS_H

#include "data/columns.h"

struct prs_objects {
	struct prs_names names; /* of all objects, in the order in which they appear */
	struct prs_columns columns;
	size_t cap;
	struct prs_object_name *index; /* uthash: name -> column */
};

void prs_objects_init(struct prs_objects *o);
void prs_objects_done(struct prs_objects *o);
/* The n bytes of a line that is not blank. -PRS_EINVALID: no object, or a name that is not text in that encoding: the
 * line leaves no trace; -PRS_ENOMEM: nothing but prs_objects_done() may follow. */
int prs_objects_add(struct prs_objects *o, const uint8_t *line, size_t n, enum prs_encoding e, struct prs_err *err);

/* The value of a name in a line, as it stands there: of a string what is between its quotes. */
struct prs_member {
	enum prs_cell_class class; /* EMPTY: it has none */
	bool is_string;
	const uint8_t *p;
	size_t n;
};
/* Those of `count` names into v. A name that stands twice has its last value. -PRS_EINVALID: no object; -PRS_ENOMEM. */
int prs_objects_find(const uint8_t *line, size_t n, enum prs_encoding e, const char *const *names, size_t count,
                     struct prs_member *v);
/* Appends the text of a string in UTF-8; -PRS_EINVALID: it is none. */
int prs_member_text(const struct prs_member *m, enum prs_encoding e, struct prs_buf *to);

#endif
