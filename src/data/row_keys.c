/* SPDX-License-Identifier: Apache-2.0
 * row_keys: what a key is made of is found in each record; it is typed once for equal ones.
 */
#include "data/row_keys.h"

#include "base/mem.h"
#include "base/partition.h"
#include "base/text.h"
#include "data/convert.h"
#include "data/fields.h"
#include "data/groups.h"
#include "data/key.h"

#include <inttypes.h>
#include <string.h>

struct prs_row_key {
	const char *name;
	bool of_path;
	size_t column;
	enum prs_type type;
	struct prs_convert convert; /* is_converted: what the cell becomes before */
	bool is_converted;
	size_t at, n;       /* of_path: its value in `values` */
	struct prs_field f; /* of the record; JSON lines: */
	struct prs_member *member;
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "grouping rows by their keys"); }

static bool is_lines(const struct prs_row_keys *k) { return k->in->format == PRS_TABLE_JSONL; }

int prs_row_keys_init(struct prs_row_keys *k, const struct prs_list_input *in)
{
	*k = (struct prs_row_keys){ .given = in, .in = in->table };
	prs_buf_init(&k->values, UINT32_MAX);
	prs_buf_init(&k->raw, SIZE_MAX / 2);
	prs_buf_init(&k->text, SIZE_MAX / 2);
	prs_cells_init(&k->cells, (size_t)prs_table_max_record(in->table));
	k->v = prs_calloc(in->keys->n + 1, sizeof *k->v);
	k->names = prs_calloc(in->keys->n + 1, sizeof *k->names);
	k->members = prs_calloc(in->keys->n + 1, sizeof *k->members);
	return k->v && k->names && k->members ? 0 : -PRS_ENOMEM;
}

void prs_row_keys_done(struct prs_row_keys *k)
{
	prs_partition_free(k->partition);
	prs_list_done(&k->of_path);
	prs_buf_done(&k->values);
	prs_buf_done(&k->raw);
	prs_buf_done(&k->text);
	if (k->in)
		prs_cells_done(&k->cells);
	prs_freep(&k->v);
	prs_freep(&k->names);
	prs_freep(&k->members);
	prs_freep(&k->fields);
}

/* ---- which keys -------------------------------------------------------------------------------------------------- */

static int no_column(const struct prs_names *names, const char *name, struct prs_err *err)
{
	PRS_AUTOBUF known;
	prs_buf_init(&known, 2000);
	for (size_t i = 0; i < names->n && !known.failed; i++) {
		prs_buf_puts(&known, i ? ", " : "");
		prs_put_plain(&known, names->v[i]);
	}
	return prs_fail(err, PRS_ENO_COLUMN,
	                "the partition key \"%s\" is no column of the table, nor part of its paths: %s", name,
	                prs_buf_str(&known));
}

static void find_conversion(const struct prs_table_input *in, struct prs_row_key *key)
{
	for (size_t i = 0; in->text_types && i < in->text_types->n; i++)
		if (!strcmp(in->text_columns->v[i], key->name)) {
			key->is_converted = true;
			key->convert = prs_convert_of(in->text_types->v[i]);
			key->type = key->convert.type;
		}
}

static bool has_format(const struct prs_row_keys *k) { return k->given->format && k->given->format[0]; }

static bool is_in_format(const struct prs_row_keys *k, const struct prs_list *key)
{
	struct prs_partition *p = prs_partition_new(k->given->format, key, NULL);
	prs_partition_free(p);
	return p;
}

static size_t column_of(const struct prs_names *names, const char *name)
{
	size_t i = 0;
	while (i < names->n && strcmp(names->v[i], name) != 0)
		i++;
	return i;
}

/* The keys that are columns; the others are of the path. */
static int find_columns(struct prs_row_keys *k, const struct prs_sample *s, struct prs_err *err)
{
	const struct prs_names *names = &s->table.names;
	for (size_t n = 0; n < k->n; n++) {
		struct prs_row_key *key = &k->v[n];
		if (key->of_path)
			continue;
		size_t i = column_of(names, key->name);
		if (i == names->n)
			return no_column(names, key->name, err);
		key->column = i;
		key->member = &k->members[k->names_n];
		k->names[k->names_n++] = key->name;
		key->type = prs_sample_type(s, i);
		find_conversion(k->in, key);
	}
	return 0;
}

/* A folder of the path is named after it, and no column. */
static bool is_folder(const struct prs_sample *s, const struct prs_list *key, const char *path)
{
	PRS_AUTOBUF value;
	prs_buf_init(&value, UINT32_MAX);
	return column_of(&s->table.names, key->v[0]) == s->table.names.n &&
	       prs_groups_match(NULL, key, path, &value, NULL) == 0;
}

static bool is_of_path(const struct prs_row_keys *k, const struct prs_sample *s, const char *name, const char *path)
{
	struct prs_list one = { 0 };
	bool is = prs_list_add(&one, name) == 0 && (has_format(k) ? is_in_format(k, &one) : is_folder(s, &one, path));
	prs_list_done(&one);
	return is;
}

/* Rows in another order: what asks for their number over the input has no answer. */
static int refuse(const struct prs_row_keys *k, struct prs_err *err)
{
	static const char *const steps[] = { "take", "skip", "take_random_sample" };
	for (size_t i = 0; k->in->steps && i < sizeof steps / sizeof *steps; i++) {
		PRS_AUTOFREE char *step = prs_strf("{\"%s\":", steps[i]);
		if (!step)
			return nomem(err);
		if (strstr(k->in->steps, step))
			return prs_fail(err, PRS_EINVALID,
			                "partition keys that are columns and %s do not go together: it counts the rows "
			                "as they stand in the input",
			                steps[i]);
	}
	return 0;
}

static int find_of_path(struct prs_row_keys *k, const struct prs_sample *s, const char *path, struct prs_err *err)
{
	const struct prs_list *names = k->given->keys;
	for (size_t i = 0; i < names->n; i++) {
		struct prs_row_key *key = &k->v[k->n++];
		key->name = names->v[i];
		key->of_path = is_of_path(k, s, key->name, path);
		if (key->of_path && prs_list_add(&k->of_path, key->name) < 0)
			return nomem(err);
	}
	if (!k->of_path.n || !has_format(k))
		return 0;
	k->partition = prs_partition_new(k->given->format, &k->of_path, err);
	return k->partition ? 0 : -PRS_EINVALID;
}

int prs_row_keys_begin(struct prs_row_keys *k, const struct prs_sample *s, struct prs_err *err)
{
	int r = refuse(k, err);
	if (r < 0)
		return r;
	PRS_AUTOFREE char *first = prs_table_files_path(s->files, s->first);
	r = first ? find_of_path(k, s, first, err) : nomem(err);
	return r < 0 ? r : find_columns(k, s, err);
}

/* ---- a file ------------------------------------------------------------------------------------------------------ */

static int path_values(struct prs_row_keys *k, struct prs_err *err)
{
	PRS_AUTOBUF texts;
	prs_buf_init(&texts, UINT32_MAX);
	prs_buf_clear(&k->values);
	int r = k->of_path.n ? prs_groups_match(k->partition, &k->of_path, k->path, &texts, err) : 0;
	if (r < 0)
		return r;
	const char *at = (const char *)texts.data;
	for (size_t i = 0; i < k->n; i++) {
		struct prs_row_key *key = &k->v[i];
		if (!key->of_path)
			continue;
		at += strlen(at) + 1; /* its name: the keys of the path are in the order of all keys */
		key->at = k->values.len;
		if (prs_key_put_value(&k->values, at) < 0)
			return nomem(err);
		key->n = k->values.len - key->at;
		at += strlen(at) + 1;
	}
	return 0;
}

static size_t field_of(const struct prs_row_keys *k, const struct prs_row_key *key)
{
	return k->place->fields ? k->place->fields[key->column] : key->column;
}

/* Room for the fields of a record, up to the last that is a key in this file. */
static int make_fields(struct prs_row_keys *k)
{
	k->fields_n = 0;
	for (size_t i = 0; i < k->n; i++) {
		size_t field = k->v[i].of_path ? PRS_NO_FIELD : field_of(k, &k->v[i]);
		if (field != PRS_NO_FIELD && field >= k->fields_n)
			k->fields_n = field + 1;
	}
	prs_freep(&k->fields);
	k->fields = prs_malloc((k->fields_n + 1) * sizeof *k->fields);
	return k->fields ? 0 : -PRS_ENOMEM;
}

int prs_row_keys_file(struct prs_row_keys *k, const char *path, const struct prs_sample_file *place,
                      struct prs_err *err)
{
	k->path = path;
	k->place = place;
	int r = path_values(k, err);
	return r == 0 && make_fields(k) < 0 ? nomem(err) : r;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* Where the type of a key is from, and who can change it. */
static const char *type_is_from(const struct prs_row_keys *k, const struct prs_row_key *key)
{
	if (key->is_converted)
		return "convert_column_types makes of the column: write another type there";
	if (k->in->by_ending) /* no MLTable */
		return "the others are: convert_column_types in a file MLTable beside the data says what the column is "
		       "(prs errors VALUE_MISFIT shows one)";
	return "the others are: convert_column_types says what the column is";
}

static int misfit(struct prs_row_keys *k, const struct prs_row_key *key, const uint8_t *cell, size_t n,
                  struct prs_err *err)
{
	PRS_AUTOBUF shown;
	prs_buf_init(&shown, 1000);
	prs_put_plain_bytes(&shown, cell, n < 100 ? n : 100);
	return prs_fail(err, PRS_EVALUE_MISFIT,
	                "%s line %" PRIu64 ", column \"%s\", a partition key: \"%s\" is no %s, which %s", k->path,
	                k->line, key->name, prs_buf_str(&shown), prs_type_name(key->type), type_is_from(k, key));
}

/* A cell, UTF-8, of a column that is converted. */
static int put_converted(const struct prs_row_key *key, const uint8_t *p, size_t n, bool as_text, struct prs_buf *to)
{
	PRS_AUTOBUF cell;
	prs_buf_init(&cell, SIZE_MAX / 2);
	int r = prs_convert_cell(&key->convert, p, n, &cell);
	if (r < 0)
		return r;
	return prs_key_put_cell(to, cell.data, cell.len, key->type, PRS_ENCODING_UTF8, as_text);
}

static int put_converted_cell(struct prs_row_keys *k, const struct prs_row_key *key, const uint8_t *p, size_t n,
                              struct prs_buf *to)
{
	prs_buf_clear(&k->text);
	if (prs_put_as_utf8(&k->text, p, n, prs_table_encoding(k->in)) < 0)
		return k->text.failed ? -PRS_ENOMEM : -PRS_EVALUE_MISFIT;
	return put_converted(key, k->text.data, k->text.len, k->in->empty_as_string, to);
}

static int put_plain_cell(const struct prs_row_keys *k, const struct prs_row_key *key, const uint8_t *p, size_t n,
                          struct prs_buf *to)
{
	return prs_key_put_cell(to, p, n, key->type, prs_table_encoding(k->in), k->in->empty_as_string);
}

/* The cell of a key: what is left of its field without the quotes. */
static int put_cell(struct prs_row_keys *k, const struct prs_row_key *key, struct prs_buf *to, struct prs_err *err)
{
	const uint8_t *p = key->f.p;
	size_t n = key->f.n, used;
	if (n && *p == '"') {
		int r = prs_cells_split(&k->cells, p, n, k->in->delimiter, &used, err);
		if (r < 0)
			return r;
		p = prs_cells_at(&k->cells, 0);
		n = k->cells.v[0].n;
	}
	int r = key->is_converted ? put_converted_cell(k, key, p, n, to) : put_plain_cell(k, key, p, n, to);
	if (r == -PRS_EVALUE_MISFIT)
		return misfit(k, key, p, n, err);
	return r < 0 ? nomem(err) : 0;
}

static int nested(struct prs_row_keys *k, const struct prs_row_key *key, struct prs_err *err)
{
	PRS_AUTOBUF shown;
	prs_buf_init(&shown, 1000);
	prs_put_plain_bytes(&shown, key->member->p, key->member->n < 100 ? key->member->n : 100);
	return prs_fail(err, PRS_EVALUE_MISFIT,
	                "%s line %" PRIu64
	                ", column \"%s\", a partition key: %s is a list or an object, which is no value of a key",
	                k->path, k->line, key->name, prs_buf_str(&shown));
}

/* What is converted is the text that it is, of a string what it says. */
static int put_converted_member(struct prs_row_keys *k, const struct prs_row_key *key, struct prs_buf *to)
{
	const struct prs_member *m = key->member;
	prs_buf_clear(&k->text);
	if (!m->is_string)
		return put_converted(key, m->p, m->n, true, to);
	if (prs_member_text(m, prs_table_encoding(k->in), &k->text) < 0)
		return k->text.failed ? -PRS_ENOMEM : -PRS_EVALUE_MISFIT;
	return put_converted(key, k->text.data, k->text.len, true, to);
}

/* The value of a key in a JSON line: a string is no number, whatever it says, and "" is a text. In a column of several
 * kinds each value is what it is. */
static int put_member(struct prs_row_keys *k, const struct prs_row_key *key, struct prs_buf *to, struct prs_err *err)
{
	const struct prs_member *m = key->member;
	enum prs_encoding e = prs_table_encoding(k->in);
	enum prs_type type = key->type;
	bool of_texts = type == PRS_TYPE_STRING || type == PRS_TYPE_OBJECT;
	int r = -PRS_EVALUE_MISFIT;
	if (m->class == PRS_CELL_EMPTY) {
		prs_key_put_null(to);
		r = to->failed;
	} else if (key->is_converted && m->class != PRS_CELL_NESTED) {
		r = put_converted_member(k, key, to);
	} else if (m->is_string && of_texts) {
		prs_buf_clear(&k->text);
		r = prs_member_text(m, e, &k->text) < 0 ? -PRS_EVALUE_MISFIT : k->text.failed;
		if (r == 0)
			r = prs_key_put_cell(to, k->text.data, k->text.len, PRS_TYPE_STRING, PRS_ENCODING_UTF8, true);
	} else if (m->is_string ? m->class == PRS_CELL_DATE : m->class != PRS_CELL_NESTED && type != PRS_TYPE_STRING) {
		if (type == PRS_TYPE_OBJECT)
			type = m->class == PRS_CELL_BOOL ? PRS_TYPE_BOOL : PRS_TYPE_INT;
		r = prs_key_put_cell(to, m->p, m->n, type, e, false);
	}
	if (m->class == PRS_CELL_NESTED)
		return nested(k, key, err);
	if (r == -PRS_EVALUE_MISFIT)
		return misfit(k, key, m->p, m->n, err);
	return r < 0 ? nomem(err) : 0;
}

/* What the key of a JSON line is made of: kinds and texts. */
static int find_raw_members(struct prs_row_keys *k, const uint8_t *p, size_t n)
{
	int r = prs_objects_find(p, n, prs_table_encoding(k->in), k->names, k->names_n, k->members);
	if (r < 0)
		return r;
	for (size_t i = 0; i < k->names_n; i++) {
		prs_buf_u32(&k->raw, (uint32_t)k->members[i].class);
		prs_buf_u32(&k->raw, (uint32_t)k->members[i].n);
		prs_buf_put(&k->raw, k->members[i].p, k->members[i].n);
	}
	return 0;
}

static void find_raw(struct prs_row_keys *k, const uint8_t *p, size_t n)
{
	size_t found = prs_fields_find(p, n, k->in->delimiter, k->fields, k->fields_n);
	for (size_t i = 0; i < k->n; i++) {
		struct prs_row_key *key = &k->v[i];
		if (key->of_path)
			continue;
		size_t field = field_of(k, key);
		key->f = field < found ? k->fields[field] : (struct prs_field){ p, 0 };
		prs_buf_u32(&k->raw, (uint32_t)key->f.n);
		prs_buf_put(&k->raw, key->f.p, key->f.n);
	}
}

int prs_row_keys_find(struct prs_row_keys *k, const uint8_t *p, size_t n, uint64_t line)
{
	int r = 0;
	k->line = line;
	prs_buf_clear(&k->raw);
	if (is_lines(k))
		r = find_raw_members(k, p, n);
	else
		find_raw(k, p, prs_fields_bytes(p, n));
	return r < 0 ? r : prs_buf_put(&k->raw, k->values.data, k->values.len);
}

int prs_row_keys_put(struct prs_row_keys *k, struct prs_buf *to, struct prs_err *err)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < k->n; i++) {
		const struct prs_row_key *key = &k->v[i];
		if (key->of_path)
			prs_buf_put(to, k->values.data + key->at, key->n);
		else
			r = is_lines(k) ? put_member(k, key, to, err) : put_cell(k, key, to, err);
	}
	return r;
}

void prs_row_keys_say(const struct prs_row_keys *k, const uint8_t *key, size_t n, struct prs_buf *to)
{
	size_t at = 0;
	for (size_t i = 0; i < k->n; i++) {
		prs_buf_put(to, k->v[i].name, strlen(k->v[i].name) + 1);
		at += prs_key_take_value(key + at, n - at, to);
		prs_buf_putc(to, 0);
	}
}
