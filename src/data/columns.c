/* SPDX-License-Identifier: Apache-2.0
 * columns: a type is the first row of a table whose classes hold all that a column was seen to hold.
 */
#include "data/columns.h"

#include "base/mem.h"
#include "base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { NULLS = PRS_CELL_EMPTY | PRS_CELL_NULL };

struct rule {
	unsigned holds;
	enum prs_type type;
};

/* By order. An integer that float64 cannot hold exactly goes with integers alone: beside a null or a decimal the column
 * would be float64 and the number another one. A column without a value is of the type that refuses nothing later. */
static const struct rule delimited[] = {
	{ NULLS, PRS_TYPE_STRING },
	{ PRS_CELL_INT | PRS_CELL_WIDE, PRS_TYPE_INT },
	{ NULLS | PRS_CELL_INT | PRS_CELL_FLOAT, PRS_TYPE_FLOAT },
	{ NULLS | PRS_CELL_BOOL, PRS_TYPE_BOOL },
	{ NULLS | PRS_CELL_DATE, PRS_TYPE_DATE },
	{ UINT_MAX, PRS_TYPE_STRING },
};

static const struct rule jsonl[] = {
	{ PRS_CELL_EMPTY, PRS_TYPE_OBJECT },
	{ PRS_CELL_INT | PRS_CELL_WIDE, PRS_TYPE_INT },
	{ PRS_CELL_EMPTY | PRS_CELL_INT | PRS_CELL_FLOAT, PRS_TYPE_FLOAT },
	{ PRS_CELL_EMPTY | PRS_CELL_BOOL, PRS_TYPE_BOOL },
	{ PRS_CELL_EMPTY | PRS_CELL_DATE, PRS_TYPE_DATE },
	{ PRS_CELL_EMPTY | PRS_CELL_DATE | PRS_CELL_TEXT, PRS_TYPE_STRING },
	{ UINT_MAX, PRS_TYPE_OBJECT },
};

const char *prs_type_name(enum prs_type t)
{
	static const char *const names[] = { "string", "int", "float", "bool", "date", "object" };
	return names[t];
}

int prs_columns_init(struct prs_columns *c, size_t n, struct prs_err *err)
{
	*c = (struct prs_columns){ .v = prs_calloc(n + 1, sizeof *c->v), .n = n };
	return c->v ? 0 : prs_fail(err, PRS_ENOMEM, "the columns of a table");
}

void prs_columns_done(struct prs_columns *c)
{
	prs_freep(&c->v);
	c->n = 0;
}

void prs_column_see(struct prs_column *column, enum prs_cell_class class)
{
	column->seen |= class;
	column->empty += class == PRS_CELL_EMPTY;
	column->words += class == PRS_CELL_NULL;
}

void prs_columns_add(struct prs_columns *c, const struct prs_cells *row, const uint32_t *fields)
{
	for (size_t i = 0; i < c->n; i++) {
		size_t field = fields ? fields[i] : i;
		bool there = field < row->n;
		prs_column_see(&c->v[i],
		               there ? prs_cell_class(prs_cells_at(row, field), row->v[field].n) : PRS_CELL_EMPTY);
	}
	c->rows++;
}

void prs_columns_absent(struct prs_columns *c, const uint32_t *fields)
{
	for (size_t i = 0; i < c->n; i++)
		if (fields[i] == PRS_NO_FIELD)
			prs_column_see(&c->v[i], PRS_CELL_EMPTY);
}

void prs_column_say(struct prs_column *column, const char *type, uint64_t nulls)
{
	for (enum prs_type t = PRS_TYPE_STRING; t <= PRS_TYPE_OBJECT; t++)
		if (!strcmp(prs_type_name(t), type))
			*column = (struct prs_column){ .seen = column->seen, .empty = nulls, .said = 1 + (unsigned)t };
}

enum prs_type prs_column_type(const struct prs_column *column, enum prs_format format)
{
	if (column->said)
		return (enum prs_type)(column->said - 1);
	const struct rule *rule = format == PRS_FORMAT_JSONL ? jsonl : delimited;
	while (column->seen & ~rule->holds)
		rule++;
	return rule->type;
}

uint64_t prs_column_nulls(const struct prs_column *column, enum prs_type type)
{
	return column->empty + (type == PRS_TYPE_STRING ? 0 : column->words);
}

/* ---- the schema -------------------------------------------------------------------------------------------------- */

/* UTF-8 without NUL, as a JSON string */
static void put_string(struct prs_buf *to, const char *s)
{
	prs_buf_putc(to, '"');
	for (; *s; s++) {
		if ((unsigned char)*s < ' ')
			prs_buf_putf(to, "\\u%04x", (unsigned char)*s);
		else if (*s == '"' || *s == '\\')
			prs_buf_putf(to, "\\%c", *s);
		else
			prs_buf_putc(to, *s);
	}
	prs_buf_putc(to, '"');
}

void prs_schema_put_text(struct prs_buf *to, const char *s) { put_string(to, s); }

/* Is the column to be left as it is written? Who reads it converts it, to a type that is no business of ours. */
static bool is_text(const struct prs_schema *s, size_t i)
{
	bool text = s->all_strings;
	for (size_t k = 0; !text && s->text_columns && k < s->text_columns->n; k++)
		text = !strcmp(s->text_columns->v[k], s->names->v[i]);
	return text;
}

/* JSON's values are what they are. */
enum prs_type prs_schema_type(const struct prs_schema *s, size_t i)
{
	if (is_text(s, i))
		return s->format == PRS_FORMAT_JSONL ? PRS_TYPE_OBJECT : PRS_TYPE_STRING;
	return prs_column_type(&s->columns->v[i], s->format);
}

static void put_column(const struct prs_schema *s, size_t i, struct prs_buf *to)
{
	const struct prs_column *column = &s->columns->v[i];
	enum prs_type type = prs_schema_type(s, i);
	prs_buf_puts(to, i ? ",{\"name\":" : "{\"name\":");
	put_string(to, s->names->v[i]);
	prs_buf_putf(to, ",\"type\":\"%s\",\"nulls\":%llu", prs_type_name(type),
	             (unsigned long long)prs_column_nulls(column, type));
	if (s->fields && s->fields[i] == PRS_NO_FIELD)
		prs_buf_puts(to, ",\"field\":null");
	else if (s->fields)
		prs_buf_putf(to, ",\"field\":%u", s->fields[i]);
	prs_buf_putc(to, '}');
}

static void put_shape(const struct prs_schema *s, struct prs_buf *to)
{
	const char delimiter[] = { s->delimiter, 0 };
	prs_buf_puts(to, "\"delimiter\":");
	put_string(to, delimiter);
	prs_buf_putf(to, ",\"fields\":%zu,", s->fields ? s->fields_n : s->columns->n);
}

int prs_schema_put(const struct prs_schema *s, struct prs_buf *to)
{
	static const char *const formats[] = { "delimited", "jsonl" };
	prs_buf_putf(to, "{\"version\":1,\"format\":\"%s\",", formats[s->format]);
	if (s->format == PRS_FORMAT_DELIMITED)
		put_shape(s, to);
	prs_buf_putf(to, "\"encoding\":\"%s\",\"empty\":\"%s\",\"sampled\":%llu,\"columns\":[",
	             prs_encoding_name(s->encoding), s->empty_as_string ? "text" : "null",
	             (unsigned long long)s->columns->rows);
	for (size_t i = 0; i < s->columns->n; i++)
		put_column(s, i, to);
	return prs_buf_puts(to, "]}");
}
