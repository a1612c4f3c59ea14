/* SPDX-License-Identifier: Apache-2.0
 * columns: the types of the columns of a table, decided once for all of it from the rows of a sample, and the schema
 * that tells them to the workers (docs/tables.md has its JSON).
 *
 * What a column was seen to hold is a word of bits (enum prs_cell_class): a type is a function of that word. Rows are
 * added in any order; a cell that a row or a file lacks is an empty one.
 */
#ifndef PRS_DATA_COLUMNS_H
#define PRS_DATA_COLUMNS_H

#include "base/option.h"
#include "data/cells.h"
#include "data/header.h"

enum prs_format { PRS_FORMAT_DELIMITED, PRS_FORMAT_JSONL };

enum prs_type { PRS_TYPE_STRING, PRS_TYPE_INT, PRS_TYPE_FLOAT, PRS_TYPE_BOOL, PRS_TYPE_DATE, PRS_TYPE_OBJECT };

struct prs_column {
	unsigned seen;         /* enum prs_cell_class, or'ed */
	uint64_t empty, words; /* cells of the sample that are empty; null words and blanks */
	unsigned said;         /* 1 + enum prs_type: that it is, whatever was seen; 0: nothing was said */
};

struct prs_columns {
	struct prs_column *v;
	size_t n;
	uint64_t rows; /* of the sample */
};

/* "string", "int", "float", "bool", "date", "object" */
const char *prs_type_name(enum prs_type t);

int prs_columns_init(struct prs_columns *c, size_t n, struct prs_err *err);
void prs_columns_done(struct prs_columns *c);
/* A row. fields: where its columns stand (prs_names_match, prs_names_place); NULL: field i is column i. Cells behind
 * the last column say nothing here: reading refuses them. */
void prs_columns_add(struct prs_columns *c, const struct prs_cells *row, const uint32_t *fields);
/* A file that is not in the sample lacks some of the columns: each counts as one empty cell. */
void prs_columns_absent(struct prs_columns *c, const uint32_t *fields);
/* Its type, by name, and nulls, as another sample had them; an unknown name says nothing. */
void prs_column_say(struct prs_column *column, const char *type, uint64_t nulls);
/* One more cell of the column. */
void prs_column_see(struct prs_column *column, enum prs_cell_class class);
enum prs_type prs_column_type(const struct prs_column *column, enum prs_format format);
/* Cells of the sample that are null in a column of that type: in strings only the empty ones are. */
uint64_t prs_column_nulls(const struct prs_column *column, enum prs_type type);

struct prs_schema {
	enum prs_format format;
	char delimiter;
	enum prs_encoding encoding;
	bool all_strings;                    /* infer_column_types: false */
	bool empty_as_string;                /* an empty cell of a string column is "", not null */
	const struct prs_list *text_columns; /* as they are written, whatever was seen; NULL: none */
	const struct prs_names *names;
	const struct prs_columns *columns; /* as many as names */
	const uint32_t *fields;            /* of the files it is for; NULL: field i is column i */
	size_t fields_n;                   /* fields of a record of theirs */
};

/* Of column i. */
enum prs_type prs_schema_type(const struct prs_schema *s, size_t i);
/* Appends the JSON text: one line, no line end. */
int prs_schema_put(const struct prs_schema *s, struct prs_buf *to);
/* A text of one, UTF-8 without NUL, in quotes. */
void prs_schema_put_text(struct prs_buf *to, const char *s);

#endif
