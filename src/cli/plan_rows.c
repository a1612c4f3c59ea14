/* SPDX-License-Identifier: Apache-2.0
 * plan_rows: text is read by the rules of the scanner; the rows of Parquet files are asked for where their footers are.
 */
#include "cli/plan_rows.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "data/table.h"
#include "wire/footers.h"

#include <string.h>

enum { ROWS_SHOWN = 3, FILES_TRIED = 32 };

/* ---- where they are ---------------------------------------------------------------------------------------------- */

struct found {
	char *path;
	struct prs_table_range rows;
	bool is_plain; /* their bytes are where `rows` says */
};

static int rows_found(void *ctx, const char *path, const struct prs_table_range *rows, uint64_t line)
{
	struct found *f = ctx;
	(void)line;
	if (f->path || !path[0])
		return 0;
	f->path = prs_strdup(path);
	f->rows = *rows;
	f->is_plain = rows->bytes > 0;
	return 0;
}

static char *path_of(const struct prs_plan *plan, uint64_t file)
{
	PRS_AUTOBUF path;
	prs_buf_init(&path, PATH_MAX * 2);
	return prs_plan_file_path(plan, file, &path) < 0 ? NULL : prs_strdup(prs_buf_str(&path));
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

struct reading {
	const struct prs_table_input *in;
	const json_t *columns; /* of the schema of the file */
	json_t *rows;
	struct prs_cells cells;
	uint64_t pass; /* records in front of them, of a file that is read from its beginning */
	bool has_record;
};

static json_t *text_of(const uint8_t *p, size_t n, enum prs_encoding e)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, PLAN_READ_BYTES * 4);
	return prs_put_as_utf8(&text, p, n, e) == 0 && !text.failed ? json_string(prs_buf_str(&text)) : json_null();
}

/* The cells in the order of the columns; where they stand says the schema of the file. */
static json_t *row_of_cells(const struct reading *r)
{
	const struct prs_cells *cells = &r->cells;
	json_t *row = json_array();
	for (size_t i = 0; i < json_array_size(r->columns); i++) {
		const json_t *field = json_object_get(json_array_get(r->columns, i), "field");
		size_t at = json_is_integer(field) ? (size_t)json_integer_value(field) : i;
		bool there = !json_is_null(field) && at < cells->n && cells->v[at].n;
		json_array_append_new(row, there ? text_of(prs_cells_at(cells, at), cells->v[at].n,
		                                           prs_table_encoding(r->in))
		                                 : json_null());
	}
	return row;
}

/* A value as in JSON, a text as it is. */
static json_t *value_of(const json_t *v)
{
	if (!v || json_is_null(v) || json_is_string(v))
		return json_is_string(v) ? json_string(json_string_value(v)) : json_null();
	char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	json_t *as_text = text ? json_string(text) : json_null();
	free(text);
	return as_text;
}

static json_t *row_of_object(const json_t *columns, const json_t *object)
{
	json_t *row = json_array();
	for (size_t i = 0; i < json_array_size(columns); i++) {
		const char *name = json_string_value(json_object_get(json_array_get(columns, i), "name"));
		json_array_append_new(row, value_of(json_object_get(object, name ? name : "")));
	}
	return row;
}

/* The bytes of the first record of p[0..n); 0: it cannot be told. *ret_row: NULL, or what it says. */
static size_t read_record(struct reading *r, const uint8_t *p, size_t n, json_t **ret_row)
{
	size_t used = 0;
	*ret_row = NULL;
	if (r->in->format == PRS_TABLE_DELIMITED) {
		if (prs_cells_split(&r->cells, p, n, r->in->delimiter, &used, NULL) < 0)
			return 0;
		*ret_row = r->cells.n ? row_of_cells(r) : NULL;
		return used;
	}
	const uint8_t *end = memchr(p, '\n', n);
	used = end ? (size_t)(end - p) + 1 : n;
	json_t *v = json_loadb((const char *)p, used, 0, NULL);
	*ret_row = json_is_object(v) ? row_of_object(r->columns, v) : NULL;
	json_decref(v);
	return used;
}

/* Rows that lie at an offset of the file; they may go on behind their mini-batch. */
static void read_at(struct reading *r, struct prs_source *source, uint64_t offset)
{
	PRS_AUTOFREE uint8_t *bytes = prs_malloc(PLAN_READ_BYTES);
	ssize_t got = bytes ? prs_source_read(source, bytes, PLAN_READ_BYTES, offset, NULL) : 0;
	const uint8_t *p = bytes;
	size_t n = got < 0 ? 0 : (size_t)got;
	while (n && json_array_size(r->rows) < ROWS_SHOWN) {
		json_t *row;
		size_t used = read_record(r, p, n, &row);
		bool is_cut = used == n && got == PLAN_READ_BYTES;
		if (row && !is_cut)
			json_array_append(r->rows, row);
		json_decref(row);
		p += used;
		n -= used ? used : n;
	}
}

static int record_found(void *ctx, const struct prs_table_record *record, struct prs_err *err)
{
	struct reading *r = ctx;
	json_t *row;
	(void)err;
	r->has_record = true;
	if (r->pass) {
		r->pass--;
		return 0;
	}
	read_record(r, record->p, record->n, &row);
	if (row)
		json_array_append_new(r->rows, row);
	return json_array_size(r->rows) >= ROWS_SHOWN;
}

/* false: the file has no record. */
static bool read_text(const struct plan_look *look, const struct found *f, const json_t *schema, json_t *rows)
{
	struct prs_source *source;
	struct prs_err err;
	struct reading r = { .in = look->in, .columns = json_object_get(schema, "columns"), .rows = rows };
	if (prs_source_open(program_fs(), f->path, look->in, &source, &err) < 0)
		return true;
	prs_cells_init(&r.cells, PLAN_READ_BYTES);
	if (f->is_plain) {
		read_at(&r, source, f->rows.offset);
	} else {
		bool delimited = look->in->format == PRS_TABLE_DELIMITED;
		bool header = delimited && prs_header_is_there(look->in->header, f->rows.file == look->file ? 0 : 1);
		r.pass = f->rows.row + header;
		(void)prs_table_head(source, look->in, record_found, &r, &err);
	}
	prs_cells_done(&r.cells);
	prs_source_close(source);
	return f->is_plain || r.has_record;
}

/* Rows that only a run puts in their order: those of the first file that has any. */
static void read_first_file(const struct plan_look *look, struct found *f, const json_t *schema, json_t *rows)
{
	struct plan_look of_file = *look;
	uint64_t end = prs_plan_files(look->plan);
	for (unsigned i = 0; i < FILES_TRIED && of_file.file < end; i++, of_file.file++) {
		prs_freep(&f->path);
		f->path = path_of(look->plan, of_file.file);
		f->rows = (struct prs_table_range){ .file = of_file.file };
		if (!f->path || read_text(&of_file, f, schema, rows))
			return;
	}
}

static void read_texts(const struct plan_look *look, struct found *f, const json_t *schema, json_t *rows)
{
	if (!f->path) {
		read_first_file(look, f, schema, rows);
		return;
	}
	json_t *own = json_loads(prs_plan_schema(look->plan, f->rows.schema), 0, NULL);
	read_text(look, f, own, rows);
	json_decref(own);
}

/* ---- Parquet ----------------------------------------------------------------------------------------------------- */

static void read_parquet(const struct plan_look *look, const struct found *f, const json_t *schema, json_t *rows)
{
	struct prs_err err;
	struct prs_footers_text text = { NULL, 0 };
	PRS_AUTOBUF frame;
	prs_buf_init(&frame, PRS_FOOTERS_FRAME_MAX);
	prs_footers_put_rows(&frame, f->path, f->rows.row, ROWS_SHOWN);
	const struct prs_footers *from = look->footers;
	if (!from || frame.failed || from->ask(from->ctx, &frame, f->path, &err) < 0 ||
	    from->answer(from->ctx, &frame, f->path, &err) < 0 ||
	    prs_footers_get_rows(frame.data, frame.len, &text, &err) < 0)
		return;
	json_t *found = json_loadb(text.p, text.n, 0, NULL);
	for (size_t i = 0; i < json_array_size(found); i++)
		json_array_append_new(rows,
		                      row_of_object(json_object_get(schema, "columns"), json_array_get(found, i)));
	json_decref(found);
}

json_t *plan_rows_read(const struct plan_look *look, const json_t *schema, char **ret_path)
{
	struct prs_unit first = { .id = look->id };
	struct found f = { 0 };
	json_t *rows = json_array();
	*ret_path = NULL;
	if (!schema || prs_plan_each_rows(look->plan, &first, rows_found, &f) < 0)
		return rows;
	if (look->in->format != PRS_TABLE_PARQUET)
		read_texts(look, &f, schema, rows);
	else if (f.path)
		read_parquet(look, &f, schema, rows);
	*ret_path = f.path;
	return rows;
}
