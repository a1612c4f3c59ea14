/* SPDX-License-Identifier: Apache-2.0
 * cut_columns: the rows with the same values of partition keys that are columns are a mini-batch.
 *
 * When the last file is there: a sample says the columns (SCHEMA), as for all tables; then every record of every file
 * goes to the sorter with its key; in the end the records come back key by key, into the spool, and each key is a
 * TABLE_GROUP. Records are written as they stand, or, of a file with the columns in another order, in that of the
 * schema; behind those of a key stand their origins. Some keys may be of the path: all records of a file have the same
 * values of those.
 *
 * Where only some partitions are to run again (rows_list.h) the files with their rows are read, and of these the rows
 * with their keys.
 *
 * An earlier plan: everything is begun anew, and the keys that it has are passed over; they must be the same.
 */
#include "data/cut.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/partition.h"
#include "base/text.h"
#include "data/fields.h"
#include "data/groups.h"
#include "data/key.h"
#include "data/sample.h"
#include "data/schemas.h"
#include "data/sorter.h"
#include "data/spool.h"
#include "wire/frame.h"

#include <inttypes.h>
#include <string.h>

enum {
	STEPS_A_CALL = 16,
	READ_BYTES = 1 << 20,
	CALL_BYTES = 4 << 20,  /* of records, behind which a call puts no further group */
	SPOOL_BYTES = 64 << 20 /* of the spool likewise */
};

struct key {
	const char *name;
	bool of_path;
	size_t column;
	enum prs_type type;
	size_t at, n;       /* of_path: its value in `values` */
	struct prs_field f; /* of the record that is added; JSON lines: */
	struct prs_member *member;
};

/* The file that is read. */
struct file {
	struct prs_source *source; /* NULL: none */
	char *path;
	struct prs_sample_file place;
	struct prs_scan scan;
	struct prs_buf text;    /* from `base` on: what is not scanned to the end of a record */
	uint64_t base, counted; /* counted: up to there are its lines */
	uint64_t row, line;
};

struct prs_cutter {
	const struct prs_fs *fs;
	const struct prs_list_input *given;
	const struct prs_table_input *in;
	uint16_t input;
	struct prs_rows_list wanted;
	size_t wanted_n; /* of its groups: so many came */
	struct prs_table_files files;
	struct prs_sample sample;
	struct prs_schemas schemas;
	enum { SAMPLE, GATHER, GROUPS, DONE } stage;
	struct key *keys;
	size_t keys_n;
	const char **names; /* JSON lines: of the keys that are columns, and their values in the record that is added */
	struct prs_member *members;
	size_t names_n;
	struct prs_partition *partition; /* NULL: keys of the path are folders named key=value */
	struct prs_list of_path;         /* those keys; texts of `given` */
	struct prs_buf values;           /* of the keys of the path of this file, as keys */
	uint64_t at;                     /* the file that is read, from 0 */
	struct file f;
	struct prs_field *fields; /* of a record, up to the last that is a key */
	size_t fields_n;
	struct prs_cells cells;
	struct prs_buf raw, record, text; /* text: of a string in JSON */
	char *sort_path;
	struct prs_sorter *sorter;
	struct prs_spool spool;
	uint64_t global_row;
	uint64_t skip;         /* groups of an earlier plan */
	uint32_t fed_sum, sum; /* of them, as they were and as they are */
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "grouping rows by their keys"); }

static void close_file(struct prs_cutter *c)
{
	prs_source_close(c->f.source);
	c->f.source = NULL;
	prs_freep(&c->f.path);
	prs_freep(&c->f.place.fields);
	prs_buf_clear(&c->f.text);
}

static void columns_free(struct prs_cutter *c)
{
	if (!c)
		return;
	close_file(c);
	prs_buf_done(&c->f.text);
	prs_table_files_done(&c->files);
	prs_sample_done(&c->sample);
	prs_schemas_done(&c->schemas);
	prs_partition_free(c->partition);
	prs_list_done(&c->of_path);
	prs_buf_done(&c->values);
	prs_cells_done(&c->cells);
	prs_buf_done(&c->raw);
	prs_buf_done(&c->record);
	prs_buf_done(&c->text);
	prs_sorter_free(c->sorter);
	prs_spool_done(&c->spool);
	prs_freep(&c->keys);
	prs_freep(&c->names);
	prs_freep(&c->members);
	prs_freep(&c->fields);
	prs_freep(&c->sort_path);
	prs_rows_list_done(&c->wanted);
	prs_freep(&c);
}

static int on_key(void *ctx, struct prs_buf *to, struct prs_err *err);

static struct prs_cutter *columns_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c)
		return NULL;
	size_t most = (size_t)prs_table_max_record(in->table);
	c->fs = fs;
	c->given = in;
	c->in = in->table;
	c->input = input;
	prs_sample_init(&c->sample, fs, in, &c->files);
	c->sample.then = &c->wanted;
	prs_schemas_init(&c->schemas, input);
	prs_spool_init(&c->spool, fs, in->spool);
	prs_buf_init(&c->f.text, SIZE_MAX / 2);
	prs_buf_init(&c->values, UINT32_MAX);
	prs_buf_init(&c->raw, SIZE_MAX / 2);
	prs_buf_init(&c->record, SIZE_MAX / 2);
	prs_buf_init(&c->text, SIZE_MAX / 2);
	prs_cells_init(&c->cells, most);
	c->sort_path = in->spool ? prs_strf("%s.tmp", in->spool) : NULL;
	size_t block = in->sort_bytes ? in->sort_bytes : PRS_SORTER_BLOCK_BYTES;
	c->keys = prs_calloc(in->keys->n + 1, sizeof *c->keys);
	c->names = prs_calloc(in->keys->n + 1, sizeof *c->names);
	c->members = prs_calloc(in->keys->n + 1, sizeof *c->members);
	c->sorter = prs_sorter_new(fs, c->sort_path, block, on_key, c);
	if (c->keys && c->names && c->members && c->sorter && (c->sort_path || !in->spool))
		return c;
	columns_free(c);
	return NULL;
}

static int columns_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	int r = prs_rows_list_once(&c->wanted, c->fs, c->given->rows_only, err);
	if (r == 0)
		r = prs_rows_list_see(&c->wanted, f, err);
	if (r < 0)
		return r;
	return prs_table_files_add(&c->files, f) < 0 ? nomem(err) : 0;
}

/* ---- which keys -------------------------------------------------------------------------------------------------- */

static int no_column(const struct prs_cutter *c, const char *name, struct prs_err *err)
{
	PRS_AUTOBUF known;
	prs_buf_init(&known, 2000);
	for (size_t i = 0; i < c->sample.table.names.n && !known.failed; i++) {
		prs_buf_puts(&known, i ? ", " : "");
		prs_put_plain(&known, c->sample.table.names.v[i]);
	}
	return prs_fail(err, PRS_EINVALID,
	                "the partition key \"%s\" is no column of the table, nor part of its paths: %s", name,
	                prs_buf_str(&known));
}

/* The keys that are columns; the others are of the path. */
static int find_columns(struct prs_cutter *c, struct prs_err *err)
{
	const struct prs_names *names = &c->sample.table.names;
	for (size_t k = 0; k < c->keys_n; k++) {
		struct key *key = &c->keys[k];
		if (key->of_path)
			continue;
		size_t i = 0;
		while (i < names->n && strcmp(names->v[i], key->name) != 0)
			i++;
		if (i == names->n)
			return no_column(c, key->name, err);
		key->column = i;
		key->member = &c->members[c->names_n];
		c->names[c->names_n++] = key->name;
		key->type = prs_sample_type(&c->sample, i);
	}
	return 0;
}

/* Room for the fields of a record, up to the last that is a key in this file. */
static int make_fields(struct prs_cutter *c)
{
	c->fields_n = 0;
	for (size_t k = 0; k < c->keys_n; k++) {
		size_t field = c->keys[k].column;
		if (!c->keys[k].of_path && c->f.place.fields)
			field = c->f.place.fields[field];
		if (!c->keys[k].of_path && field != PRS_NO_FIELD && field >= c->fields_n)
			c->fields_n = field + 1;
	}
	prs_freep(&c->fields);
	c->fields = prs_malloc((c->fields_n + 1) * sizeof *c->fields);
	return c->fields ? 0 : -PRS_ENOMEM;
}

static bool has_format(const struct prs_cutter *c) { return c->given->format && c->given->format[0]; }

static bool is_in_format(const struct prs_cutter *c, const struct prs_list *key)
{
	struct prs_partition *p = prs_partition_new(c->given->format, key, NULL);
	prs_partition_free(p);
	return p;
}

/* A folder of the first file is named after it, and no column. */
static bool is_folder(struct prs_cutter *c, const struct prs_list *key)
{
	const struct prs_names *names = &c->sample.table.names;
	PRS_AUTOFREE char *path = c->files.count ? prs_table_files_path(&c->files, 0) : NULL;
	PRS_AUTOBUF value;
	prs_buf_init(&value, UINT32_MAX);
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->v[i], key->v[0]))
			return false;
	return path && prs_groups_match(NULL, key, path, &value, NULL) == 0;
}

static bool is_of_path(struct prs_cutter *c, const char *name)
{
	struct prs_list one = { 0 };
	bool is = prs_list_add(&one, name) == 0 && (has_format(c) ? is_in_format(c, &one) : is_folder(c, &one));
	prs_list_done(&one);
	return is;
}

/* Rows in another order: what asks for their number over the input has no answer. */
static int refuse(const struct prs_cutter *c, struct prs_err *err)
{
	static const char *const steps[] = { "take", "skip", "take_random_sample" };
	for (size_t i = 0; c->in->steps && i < sizeof steps / sizeof *steps; i++) {
		PRS_AUTOFREE char *step = prs_strf("{\"%s\":", steps[i]);
		if (!step)
			return nomem(err);
		if (strstr(c->in->steps, step))
			return prs_fail(err, PRS_EINVALID,
			                "partition keys that are columns and %s do not go together: it counts the rows "
			                "as they stand in the input",
			                steps[i]);
	}
	return 0;
}

static int begin_keys(struct prs_cutter *c, struct prs_err *err)
{
	const struct prs_list *names = c->given->keys;
	int r = refuse(c, err);
	for (size_t i = 0; r == 0 && i < names->n; i++) {
		struct key *key = &c->keys[c->keys_n++];
		key->name = names->v[i];
		key->of_path = is_of_path(c, key->name);
		if (key->of_path && prs_list_add(&c->of_path, key->name) < 0)
			r = nomem(err);
	}
	if (r == 0 && c->of_path.n && has_format(c)) {
		c->partition = prs_partition_new(c->given->format, &c->of_path, err);
		r = c->partition ? 0 : -PRS_EINVALID;
	}
	return r < 0 ? r : find_columns(c, err);
}

/* ---- the values of the path -------------------------------------------------------------------------------------- */

static int path_values(struct prs_cutter *c, struct prs_err *err)
{
	PRS_AUTOBUF texts;
	prs_buf_init(&texts, UINT32_MAX);
	prs_buf_clear(&c->values);
	int r = c->of_path.n ? prs_groups_match(c->partition, &c->of_path, c->f.path, &texts, err) : 0;
	if (r < 0)
		return r;
	const char *at = (const char *)texts.data;
	for (size_t k = 0; k < c->keys_n; k++) {
		struct key *key = &c->keys[k];
		if (!key->of_path)
			continue;
		at += strlen(at) + 1; /* its name: the keys of the path are in the order of all keys */
		key->at = c->values.len;
		if (prs_key_put_value(&c->values, at) < 0)
			return nomem(err);
		key->n = c->values.len - key->at;
		at += strlen(at) + 1;
	}
	return 0;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static int misfit(struct prs_cutter *c, const struct key *key, const uint8_t *cell, size_t n, struct prs_err *err)
{
	PRS_AUTOBUF shown;
	prs_buf_init(&shown, 1000);
	prs_put_plain_bytes(&shown, cell, n < 100 ? n : 100);
	return prs_fail(err, PRS_EVALUE_MISFIT,
	                "%s line %" PRIu64 ", column \"%s\", a partition key: \"%s\" is no %s, which the others are: "
	                "convert_column_types says what the column is",
	                c->f.path, c->f.line, key->name, prs_buf_str(&shown), prs_type_name(key->type));
}

/* The cell of a key: what is left of its field without the quotes. */
static int put_cell(struct prs_cutter *c, const struct key *key, struct prs_buf *to, struct prs_err *err)
{
	const uint8_t *p = key->f.p;
	size_t n = key->f.n, used;
	if (n && *p == '"') {
		int r = prs_cells_split(&c->cells, p, n, c->in->delimiter, &used, err);
		if (r < 0)
			return r;
		p = prs_cells_at(&c->cells, 0);
		n = c->cells.v[0].n;
	}
	int r = prs_key_put_cell(to, p, n, key->type, prs_table_encoding(c->in), c->in->empty_as_string);
	if (r == -PRS_EVALUE_MISFIT)
		return misfit(c, key, p, n, err);
	return r < 0 ? nomem(err) : 0;
}

static int nested(struct prs_cutter *c, const struct key *key, struct prs_err *err)
{
	PRS_AUTOBUF shown;
	prs_buf_init(&shown, 1000);
	prs_put_plain_bytes(&shown, key->member->p, key->member->n < 100 ? key->member->n : 100);
	return prs_fail(err, PRS_EVALUE_MISFIT,
	                "%s line %" PRIu64
	                ", column \"%s\", a partition key: %s is a list or an object, which is no value of a key",
	                c->f.path, c->f.line, key->name, prs_buf_str(&shown));
}

static bool is_lines(const struct prs_cutter *c) { return c->in->format == PRS_TABLE_JSONL; }

/* The value of a key in a JSON line: a string is no number, whatever it says, and "" is a text. In a column of several
 * kinds each value is what it is. */
static int put_member(struct prs_cutter *c, const struct key *key, struct prs_buf *to, struct prs_err *err)
{
	const struct prs_member *m = key->member;
	enum prs_encoding e = prs_table_encoding(c->in);
	enum prs_type type = key->type;
	bool of_texts = type == PRS_TYPE_STRING || type == PRS_TYPE_OBJECT;
	int r = -PRS_EVALUE_MISFIT;
	if (m->class == PRS_CELL_EMPTY) {
		prs_key_put_null(to);
		r = to->failed;
	} else if (m->is_string && of_texts) {
		prs_buf_clear(&c->text);
		r = prs_member_text(m, e, &c->text) < 0 ? -PRS_EVALUE_MISFIT : c->text.failed;
		if (r == 0)
			r = prs_key_put_cell(to, c->text.data, c->text.len, PRS_TYPE_STRING, PRS_ENCODING_UTF8, true);
	} else if (m->is_string ? m->class == PRS_CELL_DATE : m->class != PRS_CELL_NESTED && type != PRS_TYPE_STRING) {
		if (type == PRS_TYPE_OBJECT)
			type = m->class == PRS_CELL_BOOL ? PRS_TYPE_BOOL : PRS_TYPE_INT;
		r = prs_key_put_cell(to, m->p, m->n, type, e, false);
	}
	if (m->class == PRS_CELL_NESTED)
		return nested(c, key, err);
	if (r == -PRS_EVALUE_MISFIT)
		return misfit(c, key, m->p, m->n, err);
	return r < 0 ? nomem(err) : 0;
}

/* Names and values, as a plan has them. */
static int put_keys(const struct prs_cutter *c, const uint8_t *key, size_t n, struct prs_buf *to)
{
	size_t at = 0;
	for (size_t k = 0; k < c->keys_n; k++) {
		prs_buf_put(to, c->keys[k].name, strlen(c->keys[k].name) + 1);
		at += prs_key_take_value(key + at, n - at, to);
		prs_buf_putc(to, 0);
	}
	return to->failed;
}

/* PRS_SORTER_UNWANTED: rows with this key are not to run again. */
static int is_wanted(const struct prs_cutter *c, const struct prs_buf *key, struct prs_err *err)
{
	PRS_AUTOBUF keys;
	prs_buf_init(&keys, UINT32_MAX);
	if (!c->given->rows_only)
		return 0;
	if (put_keys(c, key->data, key->len, &keys) < 0)
		return nomem(err);
	return prs_rows_list_group(&c->wanted, (const char *)keys.data, keys.len) ? 0 : PRS_SORTER_UNWANTED;
}

/* The key of the record that is added. */
static int on_key(void *ctx, struct prs_buf *to, struct prs_err *err)
{
	struct prs_cutter *c = ctx;
	int r = 0;
	for (size_t k = 0; r == 0 && k < c->keys_n; k++) {
		const struct key *key = &c->keys[k];
		if (key->of_path)
			prs_buf_put(to, c->values.data + key->at, key->n);
		else
			r = is_lines(c) ? put_member(c, key, to, err) : put_cell(c, key, to, err);
	}
	if (r == 0 && to->failed)
		return nomem(err);
	return r < 0 ? r : is_wanted(c, to, err);
}

/* What the key of a JSON line is made of: kinds and texts. -PRS_EINVALID: it is no object. */
static int find_raw_members(struct prs_cutter *c, const uint8_t *p, size_t n)
{
	int r = prs_objects_find(p, n, prs_table_encoding(c->in), c->names, c->names_n, c->members);
	if (r < 0)
		return r;
	prs_buf_clear(&c->raw);
	for (size_t i = 0; i < c->names_n; i++) {
		prs_buf_u32(&c->raw, (uint32_t)c->members[i].class);
		prs_buf_u32(&c->raw, (uint32_t)c->members[i].n);
		prs_buf_put(&c->raw, c->members[i].p, c->members[i].n);
	}
	return prs_buf_put(&c->raw, c->values.data, c->values.len);
}

/* What the key of a record is made of. */
static int find_raw(struct prs_cutter *c, const uint8_t *p, size_t n)
{
	size_t found = prs_fields_find(p, n, c->in->delimiter, c->fields, c->fields_n);
	prs_buf_clear(&c->raw);
	for (size_t k = 0; k < c->keys_n; k++) {
		struct key *key = &c->keys[k];
		if (key->of_path)
			continue;
		size_t field = c->f.place.fields ? c->f.place.fields[key->column] : key->column;
		key->f = field < found ? c->fields[field] : (struct prs_field){ p, 0 };
		prs_buf_u32(&c->raw, (uint32_t)key->f.n);
		prs_buf_put(&c->raw, key->f.p, key->f.n);
	}
	return prs_buf_put(&c->raw, c->values.data, c->values.len);
}

/* The record as it will stand in the spool: as it is, or in c->record. */
static int arrange(struct prs_cutter *c, const uint8_t **p, size_t *n)
{
	size_t bytes = is_lines(c) ? *n : prs_fields_bytes(*p, *n);
	if (!c->f.place.fields && (bytes < *n || (*p)[*n - 1] == '\n'))
		return 0;
	prs_buf_clear(&c->record);
	if (c->f.place.fields) {
		prs_fields_reorder(*p, bytes, c->in->delimiter, c->f.place.fields, c->sample.table.names.n,
		                   c->f.place.fields_n, &c->record);
	} else { /* the last one of its file has no line end */
		prs_buf_put(&c->record, *p, bytes);
		prs_buf_putc(&c->record, '\n');
	}
	*p = c->record.data;
	*n = c->record.len;
	return c->record.failed;
}

static void count_lines(struct prs_cutter *c, uint64_t to)
{
	const uint8_t *p = c->f.text.data + (c->f.counted - c->f.base), *end = p + (to - c->f.counted);
	c->f.counted = to;
	if (!is_lines(c))
		c->f.line += prs_table_count_lines(p, (size_t)(end - p), 0);
	else
		while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
			c->f.line++;
			p++;
		}
}

/* A line that is left out has its number all the same. */
static int no_object(struct prs_cutter *c, struct prs_err *err)
{
	if (!c->in->drop_invalid)
		return prs_fail(err, PRS_EVALUE_MISFIT,
		                "%s line %" PRIu64 " is no JSON object: mend it, or leave such lines out with "
		                "invalid_lines: drop",
		                c->f.path, c->f.line);
	c->f.row++;
	c->global_row++;
	return 0;
}

static int scan_record(void *ctx, const struct prs_slice *s, struct prs_err *err)
{
	struct prs_cutter *c = ctx;
	const uint8_t *p = c->f.text.data + (s->offset - c->f.base);
	size_t n = (size_t)s->bytes;
	bool plain = prs_source_is_plain(c->f.source);
	count_lines(c, s->offset);
	int k = is_lines(c) ? find_raw_members(c, p, n) : find_raw(c, p, prs_fields_bytes(p, n));
	if (k == -PRS_EINVALID)
		return no_object(c, err);
	if (k < 0 || arrange(c, &p, &n) < 0)
		return nomem(err);
	struct prs_sorter_record r = {
		.raw = c->raw.data,
		.raw_n = c->raw.len,
		.p = p,
		.n = n,
		.origin = { c->at, c->f.row++, c->f.line, plain ? s->offset : 0, plain ? s->bytes : 0 },
		.global_row = c->global_row++,
	};
	return prs_sorter_add(c->sorter, &r, err);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int begin_file(struct prs_cutter *c, struct prs_err *err)
{
	c->f.path = prs_table_files_path(&c->files, c->at);
	if (!c->f.path)
		return nomem(err);
	int r = prs_source_open(c->fs, c->f.path, c->in, &c->f.source, err);
	if (r == 0)
		r = prs_sample_place(&c->sample, c->at, c->f.source, &c->f.place, err);
	if (r == 0)
		r = path_values(c, err);
	if (r == 0 && make_fields(c) < 0)
		r = nomem(err);
	if (r < 0)
		return r;
	struct prs_scan_options o = prs_table_scan_options(c->in);
	o.max_rows = 1;
	c->f.base = c->f.counted = c->f.place.offset;
	c->f.row = 0;
	prs_scan_init(&c->f.scan, &o, c->f.base, scan_record, c);
	r = prs_table_find_line(c->f.source, c->f.base, &c->f.line, err);
	return r < 0 ? r : prs_spool_room(&c->spool, prs_source_least(c->f.source, err), c->f.path, err);
}

/* 1: there may be more of the file. */
static int read_file(struct prs_cutter *c, struct prs_err *err)
{
	struct prs_scan *s = &c->f.scan;
	size_t block = c->in->block_bytes ? c->in->block_bytes : READ_BYTES;
	uint8_t *to = prs_buf_reserve(&c->f.text, block);
	if (!to)
		return nomem(err);
	ssize_t n = prs_source_read(c->f.source, to, block, s->at, err);
	if (n < 0)
		return (int)n;
	c->f.text.len += (size_t)n;
	int r = n ? prs_scan_feed(s, to, (size_t)n, err) : prs_scan_finish(s, err);
	if (r < 0)
		return prs_table_refused(c->f.source, s, r, err);
	count_lines(c, s->record);
	prs_buf_consume(&c->f.text, (size_t)(s->record - c->f.base));
	c->f.base = s->record;
	return n > 0;
}

/* Passes over files without rows that are to run again: 1: no file is left. */
static int find_file(struct prs_cutter *c, struct prs_err *err)
{
	for (; c->given->rows_only && c->at < c->files.count; c->at++) {
		size_t at;
		PRS_AUTOFREE char *path = prs_table_files_path(&c->files, c->at);
		if (!path)
			return nomem(err);
		if (prs_rows_list_of(&c->wanted, path, &at))
			break;
	}
	return c->at == c->files.count;
}

static int step_gather(struct prs_cutter *c, struct prs_err *err)
{
	if (!c->f.source) {
		int none = find_file(c, err);
		if (none == 1) {
			c->stage = GROUPS;
			return prs_sorter_end(c->sorter, err);
		}
		return none < 0 ? none : begin_file(c, err);
	}
	int r = read_file(c, err);
	if (r)
		return r < 0 ? r : 0;
	r = prs_source_check(c->f.source, "when its rows were read", err);
	close_file(c);
	c->at++;
	return r;
}

static int step_sample(struct prs_cutter *c, struct prs_cut_total *t, struct prs_buf *body, struct prs_err *err)
{
	PRS_AUTOBUF json;
	prs_buf_init(&json, PRS_SCHEMA_BYTES_MAX);
	int r = prs_sample_step(&c->sample, err);
	if (r)
		return r < 0 ? r : 0;
	c->stage = DONE;
	if (prs_sample_is_empty(&c->sample))
		return 0;
	c->stage = GATHER;
	c->at = c->sample.first;
	r = prs_rows_list_all_seen(&c->wanted, err);
	if (r == 0)
		r = begin_keys(c, err);
	if (r == 0)
		r = prs_sample_schema(&c->sample, &json, err);
	return r < 0 ? r : prs_schemas_put_all(&c->schemas, &json, t, body, err);
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* What must be the same in every life. */
static uint32_t sum_group(uint32_t sum, const uint8_t *keys, size_t n, uint64_t rows, uint64_t bytes)
{
	uint8_t all[24];
	prs_put32(all, sum);
	prs_put32(all + 4, prs_checksum(keys, n));
	prs_put64(all + 8, rows);
	prs_put64(all + 16, bytes);
	return prs_checksum(all, sizeof all);
}

static int put_spool(void *spool, const void *bytes, size_t n, struct prs_err *err)
{
	return prs_spool_put(spool, bytes, n, err);
}

/* In front of all groups: the paths of the files of the input, each closed by a NUL, and an empty one. */
static int put_paths(struct prs_cutter *c, struct prs_err *err)
{
	int r = 0;
	for (uint64_t i = 0; r == 0 && i < c->files.count; i++) {
		PRS_AUTOFREE char *path = prs_table_files_path(&c->files, i);
		r = path ? prs_spool_put(&c->spool, path, strlen(path) + 1, err) : nomem(err);
	}
	return r < 0 ? r : prs_spool_put(&c->spool, "", 1, err);
}

/* A group that an earlier plan has. */
static int pass_over(struct prs_cutter *c, const struct prs_buf *keys, const struct prs_sorted *g, struct prs_err *err)
{
	c->sum = sum_group(c->sum, keys->data, keys->len, g->rows, g->bytes);
	if (--c->skip || c->sum == c->fed_sum)
		return 0;
	return prs_fail(err, PRS_EINPUT_CHANGED,
	                "the rows of the first values of the partition keys are not as they were "
	                "when they were planned");
}

static int put_group(struct prs_cutter *c, const struct prs_sorted *g, struct prs_cut_total *t, struct prs_buf *body,
                     struct prs_err *err)
{
	PRS_AUTOBUF keys;
	PRS_AUTOBUF range;
	prs_buf_init(&keys, UINT32_MAX);
	prs_buf_init(&range, PRS_TABLE_RANGE_BYTES + 1);
	if (put_keys(c, g->key, g->key_n, &keys) < 0)
		return nomem(err);
	const struct prs_group_wanted *wanted = prs_rows_list_group(&c->wanted, (const char *)keys.data, keys.len);
	c->wanted_n += wanted != NULL;
	if (c->skip)
		return pass_over(c, &keys, g, err);
	if (g->rows > UINT32_MAX)
		return prs_fail(err, PRS_ELIMIT, "a combination of partition keys has more rows than %" PRIu32,
		                UINT32_MAX);
	int r2 = c->spool.bytes ? 0 : put_paths(c, err);
	if (r2 < 0)
		return r2;
	struct prs_table_range at = { .file = PRS_NO_FILE,
		                      .offset = c->spool.bytes,
		                      .bytes = g->bytes,
		                      .global_row = wanted ? wanted->global_row : g->global_row,
		                      .rows = (uint32_t)g->rows,
		                      .schema = c->schemas.all };
	prs_table_range_put(&range, &at);
	struct prs_plan_record r = { .type = PRS_PLAN_TABLE_GROUP };
	r.u.table_group.id = t->ids;
	r.u.table_group.input = c->input;
	r.u.table_group.spool = c->given->epoch ? c->given->epoch : 1;
	r.u.table_group.keys = (const char *)keys.data;
	r.u.table_group.keys_bytes = (uint32_t)keys.len;
	r.u.table_group.ranges = range.data;
	r.u.table_group.ranges_n = 1;
	if (range.failed || prs_plan_put(body, &r) < 0)
		return nomem(err);
	t->ids++;
	t->items += g->rows;
	if (!c->spool.path)
		return prs_spool_put(&c->spool, NULL, (size_t)g->bytes, err);
	return prs_sorter_put(c->sorter, put_spool, &c->spool, err);
}

/* 1: there are more. */
static int put_groups(struct prs_cutter *c, struct prs_cut_total *t, struct prs_buf *body, struct prs_err *err)
{
	size_t from = body->len, room = (body->max - from) / 4, most = room < CALL_BYTES ? room : CALL_BYTES;
	uint64_t spooled = c->spool.bytes;
	int more = 1;
	while (more == 1 && body->len - from < most && c->spool.bytes - spooled < SPOOL_BYTES) {
		struct prs_sorted g;
		more = prs_sorter_next(c->sorter, &g, err);
		int r = more == 1 ? put_group(c, &g, t, body, err) : more;
		if (r < 0) {
			body->len = from; /* the spool has not all of it */
			return r;
		}
	}
	if (more == 0 && c->skip)
		return prs_fail(err, PRS_EINPUT_CHANGED,
		                "there are fewer values of the partition keys than were planned");
	if (more == 0 && c->wanted_n < c->wanted.groups_n)
		return prs_fail(err, PRS_EINPUT_CHANGED,
		                "of the %s that are to run again %zu have no row any more: their rows have other "
		                "values of the partition keys now, or are gone; run the job on all of its input",
		                prs_many(c->wanted.groups_n, "partition").text, c->wanted.groups_n - c->wanted_n);
	int r = prs_spool_sync(&c->spool, err);
	if (r < 0)
		body->len = from;
	return r < 0 ? r : more;
}

static int columns_cut(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                       struct prs_err *err)
{
	if (!listed)
		return 0;
	for (unsigned steps = STEPS_A_CALL; steps && c->stage < GROUPS; steps--) {
		int r = c->stage == SAMPLE ? step_sample(c, t, body, err) : step_gather(c, err);
		if (r < 0)
			return r;
	}
	if (c->stage != GROUPS)
		return c->stage != DONE;
	return put_groups(c, t, body, err);
}

static int columns_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                        struct prs_err *err)
{
	if (r->type == PRS_PLAN_SCHEMA)
		return prs_schemas_feed(&c->schemas, r, t, err);
	if (r->type != PRS_PLAN_TABLE_GROUP || r->u.table_group.ranges_n != 1)
		return prs_fail(err, PRS_ECORRUPT, "plan: mini-batches of an input with keys that are columns");
	struct prs_table_range at = prs_table_range_get(r->u.table_group.ranges);
	c->fed_sum = sum_group(c->fed_sum, (const uint8_t *)r->u.table_group.keys, r->u.table_group.keys_bytes, at.rows,
	                       at.bytes);
	c->skip++;
	t->ids++;
	t->items += at.rows;
	return 0;
}

const struct prs_cutter_kind prs_cut_columns = { PRS_INPUT_SPOOL, PRS_FORMAT_MINOR_TABLES,
	                                         false,           columns_new,
	                                         columns_free,    columns_take,
	                                         columns_cut,     columns_feed };
