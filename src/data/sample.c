/* SPDX-License-Identifier: Apache-2.0
 * sample: a step reads the head of one file. A record with too many cells is refused or dropped where it is read, and
 * a line that is no object likewise: neither says anything of types.
 */
#include "data/sample.h"

#include "base/mem.h"
#include "base/text.h"
#include "data/named.h"
#include "data/schemas.h"

#include <string.h>

enum stage { FIRST, UNITE, SAMPLE, DONE };
/* FIRST   which file has a record? Its names
 * UNITE   all_files_different_headers: the names of the others
 * SAMPLE  rows of some files; with UNITE the headers of all
 */

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "the columns of a table"); }

void prs_sample_init(struct prs_sample *s, const struct prs_fs *fs, const struct prs_list_input *in,
                     struct prs_table_files *files)
{
	*s = (struct prs_sample){ .fs = fs,
		                  .in = in->table,
		                  .keys = in->keys,
		                  .warnings = in->warnings,
		                  .files = files };
	prs_objects_init(&s->table);
	prs_cells_init(&s->cells, (size_t)prs_table_max_record(in->table));
}

void prs_sample_done(struct prs_sample *s)
{
	prs_objects_done(&s->table);
	prs_cells_done(&s->cells);
	prs_freep(&s->bad.path);
}

static bool is_lines(const struct prs_sample *s) { return s->in->format == PRS_TABLE_JSONL; }

static bool has_header(const struct prs_sample *s, uint64_t file)
{
	return !is_lines(s) && prs_header_is_there(s->in->header, file == s->first ? 0 : 1);
}

bool prs_sample_is_empty(const struct prs_sample *s) { return s->first == s->files->count; }

/* Delimiters that are asked about when a header is one column, and how many rows are looked at. */
static const char others[] = { ';', '\t', '|', ',' };
enum { OTHERS = sizeof others, OTHERS_ROWS = 20 };

/* ---- the head of a file ------------------------------------------------------------------------------------------ */

struct head {
	struct prs_sample *s;
	struct prs_source *source;
	bool has_header, has_record;
	uint64_t behind;        /* the header; 0: there is none */
	struct prs_names names; /* of this file */
	uint32_t *fields;       /* of its rows; NULL: as they stand */
	size_t fields_n;
	uint64_t rows;
	size_t others[OTHERS]; /* cells of its header with the other delimiters, and of its first rows; 0: of no use */
};

static void head_done(struct head *h)
{
	prs_names_done(&h->names);
	prs_freep(&h->fields);
}

static int split(struct prs_sample *s, const struct prs_table_record *r, struct prs_err *err)
{
	size_t used;
	return prs_cells_split(&s->cells, r->p, r->n, s->in->delimiter, &used, err);
}

/* A record, the header or a row, as it would be with the other delimiters: those of which each has as many cells. */
static int try_others(struct head *h, const struct prs_table_record *r, bool is_row, struct prs_err *err)
{
	struct prs_cells *cells = &h->s->cells;
	size_t used;
	for (size_t i = 0; i < OTHERS; i++) {
		if (others[i] == h->s->in->delimiter || (is_row && !h->others[i]))
			continue;
		int k = prs_cells_split(cells, r->p, r->n, others[i], &used, err);
		if (k < 0)
			return k;
		bool fits = is_row ? cells->n == h->others[i] : cells->n > 1;
		h->others[i] = fits ? cells->n : 0;
	}
	return 0;
}

/* A file that seems to have another delimiter is read all the same. */
static void warn_of_others(const struct head *h)
{
	size_t i = 0;
	while (i < OTHERS && !h->others[i])
		i++;
	if (i == OTHERS || !h->rows)
		return;
	PRS_AUTOBUF name;
	prs_buf_init(&name, 2000);
	prs_put_plain(&name, h->names.v[0]);
	const char delimiter[] = { others[i], 0 }, *shown = others[i] == '\t' ? "\\t" : delimiter;
	prs_warn_input(h->s->warnings,
	               "%s has one column, \"%s\": is its delimiter \"%s\"? Then say so in %s: %stransformations: "
	               "[read_delimited: {delimiter: \"%s\"}]",
	               prs_source_path(h->source), prs_buf_str(&name), shown,
	               h->s->in->by_ending ? "a file MLTable beside the data" : "the MLTable",
	               h->s->in->by_ending ? "paths: [pattern: '*.csv'] and " : "", shown);
}

/* A line end inside: in quotes, or it would have ended the record. */
static const uint8_t *break_in(const struct prs_table_record *r)
{
	size_t n = r->n;
	while (n && (r->p[n - 1] == '\n' || r->p[n - 1] == '\r'))
		n--;
	for (size_t i = 0; i < n; i++)
		if (r->p[i] == '\n' || r->p[i] == '\r')
			return r->p + i;
	return NULL;
}

/* The first record, which may be the header: 1 = that was all. */
static int head_names(void *ctx, const struct prs_table_record *record, struct prs_err *err)
{
	struct head *h = ctx;
	struct prs_sample *s = h->s;
	h->has_record = true;
	if (is_lines(s))
		return 1;
	const uint8_t *at = h->has_header && s->in->one_line ? break_in(record) : NULL;
	if (at)
		prs_table_warn_break(h->source, record->offset + (uint64_t)(at - record->p), s->warnings);
	if (h->has_header)
		h->behind = record->offset + record->n;
	int r = split(s, record, err);
	if (r == 0)
		r = h->has_header ? prs_names_of(&s->cells, prs_table_encoding(s->in), &h->names, err)
		                  : prs_names_numbered(s->cells.n, &h->names, err);
	if (r == 0 && h->has_header && h->names.n == 1)
		r = try_others(h, record, false, err);
	return r < 0 ? prs_wrap(err, "%s: the header", prs_source_path(h->source)) : 1;
}

/* The names of an open file. */
static int read_names(struct head *h, uint64_t file, struct prs_err *err)
{
	h->has_header = has_header(h->s, file);
	return prs_table_head(h->source, h->s->in, head_names, h, err);
}

/* Where the columns of the table stand in a file: into h->fields; NULL: as in the schema of all. */
static int place(struct head *h, struct prs_err *err)
{
	struct prs_sample *s = h->s;
	const struct prs_names *all = &s->table.names;
	int r;
	h->fields_n = h->names.n;
	h->fields = prs_malloc((all->n + 1) * sizeof *h->fields);
	if (!h->fields)
		return nomem(err);
	if (s->in->header == PRS_HEADER_DIFFERENT) {
		r = prs_names_place(all, &h->names, h->fields, err);
	} else {
		PRS_AUTOFREE char *first = prs_table_files_path(s->files, s->first);
		r = first ? prs_names_match(all, first, &h->names, prs_source_path(h->source), h->fields, err)
		          : nomem(err);
	}
	bool same = h->names.n == all->n;
	for (size_t i = 0; r == 0 && i < all->n; i++)
		same = same && h->fields[i] == i;
	if (same)
		prs_freep(&h->fields);
	return r;
}

/* Do the names of the file say where its columns stand? */
static bool says_places(const struct head *h)
{
	return h->has_header && h->has_record && h->s->in->header != PRS_HEADER_FIRST;
}

/* ---- rows of the sample ------------------------------------------------------------------------------------------ */

static bool is_list(const struct prs_table_record *record)
{
	size_t i = 0;
	while (i < record->n && strchr(" \t\r", record->p[i]))
		i++;
	return i < record->n && record->p[i] == '[';
}

/* A file that begins with a list is no file with one bad line. */
static int note_bad(struct head *h, const struct prs_table_record *record, struct prs_err *err)
{
	struct prs_sample *s = h->s;
	if (!h->rows && !s->in->drop_invalid && is_list(record))
		return prs_fail(err, PRS_EINVALID,
		                "%s begins with a JSON list: of JSON lines each is an object, one record of the table",
		                prs_source_path(h->source));
	if (s->bad.path)
		return 0;
	s->bad.path = prs_strdup(prs_source_path(h->source));
	s->bad.line = prs_table_line(h->source, record->offset);
	return s->bad.path ? 0 : nomem(err);
}

static int add_object(struct head *h, const struct prs_table_record *record, struct prs_err *err)
{
	int r = prs_objects_add(&h->s->table, record->p, record->n, prs_table_encoding(h->s->in), err);
	return r == -PRS_EINVALID ? note_bad(h, record, err) : r;
}

static int add_cells(struct head *h, const struct prs_table_record *record, struct prs_err *err)
{
	const struct prs_cells *row = &h->s->cells;
	int r = h->names.n == 1 && h->rows < OTHERS_ROWS ? try_others(h, record, true, err) : 0;
	if (r == 0)
		r = split(h->s, record, err);
	if (r < 0)
		return r;
	bool trailing = row->n == h->fields_n + 1 && !row->v[row->n - 1].n;
	if (row->n <= h->fields_n || trailing)
		prs_columns_add(&h->s->table.columns, row, h->fields);
	return 0;
}

static int head_sample(void *ctx, const struct prs_table_record *record, struct prs_err *err)
{
	struct head *h = ctx;
	const struct prs_table_input *in = h->s->in;
	if (record->offset < h->behind)
		return 0;
	uint64_t most = in->infer_rows ? in->infer_rows : PRS_TABLE_INFER_ROWS;
	int r = is_lines(h->s) ? add_object(h, record, err) : add_cells(h, record, err);
	return r < 0 ? r : ++h->rows == most;
}

/* The k-th file of the sample: they are spread over all, from the first with a record on. */
static uint64_t sampled_file(const struct prs_sample *s, uint64_t k)
{
	uint64_t files = s->files->count - s->first;
	if (files <= PRS_TABLE_INFER_FILES)
		return s->first + k;
	uint64_t each = files / PRS_TABLE_INFER_FILES, rest = files % PRS_TABLE_INFER_FILES;
	return s->first + k * each + k * rest / PRS_TABLE_INFER_FILES;
}

static bool is_sampled(const struct prs_sample *s, uint64_t file)
{
	for (uint64_t k = 0; k < PRS_TABLE_INFER_FILES && sampled_file(s, k) <= file; k++)
		if (sampled_file(s, k) == file)
			return true;
	return false;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static int begin_columns(struct prs_sample *s, struct prs_err *err)
{
	s->at = 0;
	s->stage = SAMPLE;
	return is_lines(s) ? 0 : prs_columns_init(&s->table.columns, s->table.names.n, err);
}

static int step_first(struct prs_sample *s, struct head *h, struct prs_err *err)
{
	s->first = s->at++;
	int r = read_names(h, s->first, err);
	if (r < 0)
		return r;
	if (!h->has_record) {
		s->first = s->at;
		s->stage = s->at < s->files->count ? FIRST : DONE;
		return 0;
	}
	s->table.names = h->names;
	h->names = (struct prs_names){ .n = 0 };
	if (is_lines(s) || s->in->header != PRS_HEADER_DIFFERENT)
		return begin_columns(s, err);
	s->at = 0;
	s->stage = UNITE;
	return 0;
}

static int step_unite(struct prs_sample *s, struct head *h, struct prs_err *err)
{
	int r = read_names(h, s->at, err);
	if (r == 0)
		r = prs_names_unite(&s->table.names, &h->names, err);
	if (r < 0 || ++s->at < s->files->count)
		return r;
	return begin_columns(s, err);
}

static int no_objects(const struct prs_sample *s, struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID, "%s line %llu is no JSON object, nor is any other line of the sample",
	                s->bad.path, (unsigned long long)s->bad.line);
}

/* What the columns were in the run whose rows run again. */
static void say_types(struct prs_sample *s)
{
	for (size_t i = 0; s->then && i < s->table.columns.n; i++) {
		const struct prs_column_wanted *w = prs_rows_list_column(s->then, s->table.names.v[i]);
		if (w)
			prs_column_say(&s->table.columns.v[i], w->type, w->nulls);
	}
}

/* The rows of a file, or, of one that is not in the sample, the columns that it lacks. */
static int step_sample(struct prs_sample *s, struct head *h, struct prs_err *err)
{
	int r = has_header(s, s->at) ? read_names(h, s->at, err) : 0;
	h->fields_n = s->table.names.n;
	if (r == 0 && says_places(h))
		r = place(h, err);
	if (r == 0 && is_sampled(s, s->at))
		r = prs_table_head(h->source, s->in, head_sample, h, err);
	else if (r == 0 && h->fields)
		prs_columns_absent(&s->table.columns, h->fields);
	if (r < 0)
		return r;
	if (s->at == s->first)
		warn_of_others(h);
	bool all = !is_lines(s) && s->in->header == PRS_HEADER_DIFFERENT;
	do
		s->at++;
	while (!all && s->at < s->files->count && !is_sampled(s, s->at));
	if (s->at < s->files->count)
		return 0;
	s->stage = DONE;
	say_types(s);
	return s->bad.path && !s->table.columns.rows ? no_objects(s, err) : 0;
}

static int step(struct prs_sample *s, struct head *h, struct prs_err *err)
{
	switch ((enum stage)s->stage) {
	case FIRST: return step_first(s, h, err);
	case UNITE: return step_unite(s, h, err);
	case SAMPLE: return step_sample(s, h, err);
	case DONE: break;
	}
	return 0;
}

int prs_sample_step(struct prs_sample *s, struct prs_err *err)
{
	if (s->stage == DONE || !s->files->count)
		return 0;
	PRS_AUTOFREE char *path = prs_table_files_path(s->files, s->at);
	if (!path)
		return nomem(err);
	struct head h = { .s = s };
	int r = prs_source_open(s->fs, path, s->in, &h.source, err);
	if (r == 0)
		r = step(s, &h, err);
	head_done(&h);
	prs_source_close(h.source);
	return r < 0 ? r : s->stage != DONE;
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

static struct prs_schema schema_of(const struct prs_sample *s, const uint32_t *fields, size_t fields_n)
{
	return (struct prs_schema){ .format = is_lines(s) ? PRS_FORMAT_JSONL : PRS_FORMAT_DELIMITED,
		                    .delimiter = s->in->delimiter,
		                    .encoding = prs_table_encoding(s->in),
		                    .all_strings = s->in->all_strings,
		                    .empty_as_string = s->in->empty_as_string,
		                    .text_columns = s->in->text_columns,
		                    .names = &s->table.names,
		                    .columns = &s->table.columns,
		                    .fields = fields,
		                    .fields_n = fields_n };
}

static int put_schema(const struct prs_sample *s, const uint32_t *fields, size_t fields_n, struct prs_buf *to,
                      struct prs_err *err)
{
	struct prs_schema schema = schema_of(s, fields, fields_n);
	prs_buf_clear(to);
	prs_schema_put(&schema, to);
	if (to->failed)
		return prs_fail(err, (enum prs_code) - to->failed, "the schema of a table");
	return 0;
}

int prs_sample_schema(const struct prs_sample *s, struct prs_buf *to, struct prs_err *err)
{
	PRS_AUTOFREE char *first = prs_table_files_path(s->files, s->first);
	if (!first)
		return nomem(err);
	int r = prs_named_check(s->in, s->keys, &s->table.names, first, err);
	return r < 0 ? r : put_schema(s, NULL, 0, to, err);
}

static int behind_mark(struct head *h, uint64_t *ret, struct prs_err *err)
{
	uint8_t front[3];
	ssize_t n = prs_source_read(h->source, front, sizeof front, 0, err);
	if (n < 0)
		return (int)n;
	*ret = prs_table_mark(h->s->in, front, (size_t)n);
	return 0;
}

int prs_sample_place(struct prs_sample *s, uint64_t file, struct prs_source *source, struct prs_sample_file *ret,
                     struct prs_err *err)
{
	struct head h = { .s = s, .source = source };
	*ret = (struct prs_sample_file){ .offset = 0 };
	if (!has_header(s, file))
		return behind_mark(&h, &ret->offset, err);
	int r = read_names(&h, file, err);
	if (r == 0 && says_places(&h))
		r = place(&h, err);
	if (r == 0 && h.has_record)
		ret->offset = h.behind;
	else if (r == 0)
		r = behind_mark(&h, &ret->offset, err);
	if (r == 0) {
		ret->fields = h.fields;
		ret->fields_n = h.fields_n;
		h.fields = NULL;
	}
	head_done(&h);
	return r;
}

int prs_sample_begin(struct prs_sample *s, uint64_t file, struct prs_source *source, uint64_t *ret_offset,
                     struct prs_buf *own, bool *ret_own, struct prs_err *err)
{
	struct prs_sample_file f;
	int r = prs_sample_place(s, file, source, &f, err);
	*ret_offset = f.offset;
	*ret_own = f.fields;
	if (r == 0 && f.fields)
		r = put_schema(s, f.fields, f.fields_n, own, err);
	prs_freep(&f.fields);
	return r;
}

enum prs_type prs_sample_type(const struct prs_sample *s, size_t column)
{
	struct prs_schema schema = schema_of(s, NULL, 0);
	return prs_schema_type(&schema, column);
}
