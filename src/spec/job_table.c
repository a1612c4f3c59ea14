/* SPDX-License-Identifier: Apache-2.0
 * job_table: a folder says by the endings of its files what it holds: as many as a short look finds are looked at here,
 * so that most mistakes are told before anything is made; the lister looks at all of them.
 */
#include "spec/job_table.h"

#include "base/mem.h"
#include "base/path.h"
#include "spec/job_check.h"
#include "spec/jobfile_impl.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LOOK_DEPTH = 32, LOOK_NAMES = 20000, KINDS = 4, LEAST_BYTES = 1024 };
enum { UNKNOWN = KINDS, BESIDE, SLOTS };
#define TABLE_BYTES "1mb"

struct prs_job_table *prs_job_table_new(void)
{
	struct prs_job_table *t = prs_calloc(1, sizeof *t);
	if (t)
		t->in.delimiter = ',';
	return t;
}

void prs_job_table_free(struct prs_job_table *t)
{
	if (!t)
		return;
	prs_freep(&t->path_column);
	prs_freep(&t->steps);
	prs_list_done(&t->text_columns);
	prs_list_done(&t->named);
	prs_list_done(&t->text_types);
	prs_list_done(&t->filters);
	prs_freep(&t->filters_at);
	prs_freep(&t);
}

int prs_job_table_add_filter(struct prs_job_table *t, const char *text, struct prs_mark at)
{
	struct prs_mark *v = prs_realloc(t->filters_at, (t->filters.n + 1) * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	t->filters_at = v;
	v[t->filters.n] = at;
	return prs_list_add(&t->filters, text) < 0 ? -PRS_ENOMEM : 0;
}

static int name_column(struct prs_list *to, const char *step, const char *column, const char *where)
{
	if (prs_list_add(to, step) < 0 || prs_list_add(to, column) < 0 || prs_list_add(to, where) < 0)
		return -PRS_ENOMEM;
	return 0;
}

int prs_job_table_name(struct prs_job_table *t, const char *step, const char *column, const char *where)
{
	return name_column(&t->named, step, column, where);
}

int prs_job_table_filter_columns(struct prs_job_table *t, const char *names)
{
	struct prs_list all = { 0 };
	json_t *columns = json_loads(names, 0, NULL);
	bool waits = true;
	int r = 0;
	for (size_t i = 0; i < t->named.n && r == 0; i += 3) {
		char *const *use = &t->named.v[i];
		bool here = waits && !use[1][0] && !strcmp(use[0], "filter");
		for (size_t k = 0; here && k < json_array_size(columns) && r == 0; k++)
			r = name_column(&all, use[0], json_string_value(json_array_get(columns, k)), use[2]);
		if (!here)
			r = name_column(&all, use[0], use[1], use[2]);
		waits = waits && !here;
	}
	json_decref(columns);
	prs_list_done(r < 0 ? &all : &t->named);
	if (r == 0)
		t->named = all;
	return r;
}

bool prs_job_is_table(const struct prs_job *j)
{
	for (size_t i = 0; i < j->inputs_n; i++)
		if (j->inputs[i].table)
			return true;
	return false;
}

enum prs_job_items prs_job_items(const struct prs_job *j)
{
	bool asked = j->o.input_format == PRS_INPUT_FORMAT_TABULAR || j->o.file_format == PRS_FILE_FORMAT_JSONL;
	if (prs_job_is_table(j) || (asked && !j->inputs_n))
		return PRS_ITEMS_ROWS;
	return j->inputs_n ? PRS_ITEMS_FILES : PRS_ITEMS_UNKNOWN;
}

/* ---- what columns become ----------------------------------------------------------------------------------------- */

static void put_lines(const json_t *list, const char *sign, struct prs_buf *to)
{
	size_t i;
	json_t *one;
	if (json_is_string(list))
		prs_buf_putf(to, "\n%s%s", sign, json_string_value(list));
	json_array_foreach (list, i, one)
		prs_buf_putf(to, "\n%s%s", sign, json_string_value(one));
}

/* A type of a conversion as prs_table_input has it. */
static void put_type(const json_t *type, struct prs_buf *to)
{
	const json_t *boolean = json_object_get(type, "boolean"), *datetime = json_object_get(type, "datetime");
	prs_buf_clear(to);
	if (json_is_string(type)) {
		prs_buf_puts(to, json_string_value(type));
	} else if (boolean) {
		prs_buf_puts(to, "boolean");
		put_lines(json_object_get(boolean, "true_values"), "+", to);
		put_lines(json_object_get(boolean, "false_values"), "-", to);
	} else {
		prs_buf_puts(to, "datetime");
		put_lines(json_object_get(datetime, "formats"), "", to);
	}
}

/* The conversion of the column; the last one counts. */
static const json_t *conversion_of(const json_t *steps, const char *name)
{
	const json_t *found = NULL;
	size_t s, i, k;
	json_t *step, *one, *column;
	json_array_foreach (steps, s, step)
		json_array_foreach (json_object_get(step, "convert_column_types"), i, one)
			json_array_foreach (json_object_get(one, "columns"), k, column)
				if (!strcmp(json_string_value(column), name))
					found = json_object_get(one, "type");
	return found;
}

/* Without memory there are fewer: then columns are compared as they are written. */
static void find_types(struct prs_job_table *t)
{
	json_t *steps = t->steps ? json_loads(t->steps, 0, NULL) : NULL;
	PRS_AUTOBUF type;
	prs_buf_init(&type, 1 << 20);
	prs_list_done(&t->text_types);
	for (size_t i = 0; i < t->text_columns.n; i++) {
		put_type(conversion_of(steps, t->text_columns.v[i]), &type);
		if (type.failed || prs_list_add(&t->text_types, prs_buf_str(&type)) < 0)
			break;
	}
	json_decref(steps);
}

void prs_job_bind_tables(struct prs_job *j)
{
	for (size_t i = 0; i < j->inputs_n; i++) {
		struct prs_job_table *t = j->inputs[i].table;
		if (!t)
			continue;
		t->in.rows = j->o.mini_batch_rows == PRS_UNSET ? 0 : (uint64_t)j->o.mini_batch_rows;
		t->in.infer_rows = (uint32_t)j->o.infer_rows;
		t->in.max_record = j->o.max_record == PRS_UNSET ? 0 : (uint64_t)j->o.max_record;
		t->in.path_column = t->path_column;
		t->in.steps = t->steps;
		t->in.text_columns = t->text_columns.n ? &t->text_columns : NULL;
		t->in.named = t->named.n ? &t->named : NULL;
		find_types(t);
		t->in.text_types = t->text_types.n ? &t->text_types : NULL;
	}
}

/* ---- what is said of a job --------------------------------------------------------------------------------------- */

struct check {
	struct prs_job *j;
	const struct prs_fs *fs;
	prs_job_say_fn *say;
	void *ctx;
	bool failed; /* no memory */
};

__attribute__((format(printf, 4, 5))) static void mistake(struct check *c, enum prs_option_id option,
                                                          const struct prs_job_input *in, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	c->say(c->ctx, option, in, text);
}

static void warn(struct check *c, const char *text)
{
	if (prs_list_add(&c->j->warnings, text) < 0)
		c->failed = true;
}

struct called {
	char text[PRS_OPTION_WORD_MAX];
};

/* An option as it was given: --mini-batch-size, else mini_batch_size. */
static struct called name_of(const struct check *c, enum prs_option_id id)
{
	struct called name;
	const char *from = c->j->from[id];
	bool flag = from && !strncmp(from, "--", 2);
	snprintf(name.text, sizeof name.text, "%s", flag ? prs_option_at(id)->flag : prs_option_at(id)->name);
	for (char *p = name.text; *p && !flag; p++)
		*p = *p == '-' ? '_' : *p;
	return name;
}

/* ---- the files by their endings ---------------------------------------------------------------------------------- */

/* Of each kind the first path by its bytes. UNKNOWN: of no known ending; BESIDE: one that may lie beside Parquet. */
struct seen {
	const struct prs_fs *fs;
	const char *pattern; /* of names; NULL = all */
	const struct prs_table_ending *ending[KINDS];
	char *path[SLOTS];
	int left; /* names to look at */
	bool failed;
};

struct folder {
	struct seen *seen;
	const char *path;
	struct prs_list folders;
};

static size_t slot_of(struct seen *s, const char *path)
{
	const struct prs_table_ending *e = prs_table_ending(path);
	const char *slash = strrchr(path, '/');
	size_t i = 0;
	while (e && i < KINDS && s->ending[i] && strcmp(s->ending[i]->kind, e->kind) != 0)
		i++;
	if (e && i < KINDS)
		s->ending[i] = e;
	if (e)
		return i;
	return prs_parquet_is_data(slash ? slash + 1 : path) ? UNKNOWN : BESIDE;
}

static void see(struct seen *s, const char *path)
{
	char **to = &s->path[slot_of(s, path)];
	s->left--;
	if (*to && strcmp(*to, path) <= 0)
		return;
	prs_freep(to);
	*to = prs_strdup(path);
	s->failed = s->failed || !*to;
}

static int see_entry(void *ctx, const char *name, char type)
{
	struct folder *f = ctx;
	struct seen *s = f->seen;
	PRS_AUTOFREE char *path = prs_strf("%s/%s", strcmp(f->path, "/") ? f->path : "", name);
	if (!path) {
		s->failed = true;
		return 1;
	}
	char kind = type == 'f' || type == 'd' ? type : prs_path_kind(s->fs, path);
	if (kind == 'd')
		s->failed = s->failed || prs_list_add(&f->folders, path) < 0;
	else if (kind != 'o' && (!s->pattern || !fnmatch(s->pattern, name, 0)))
		see(s, path);
	return s->failed || s->left <= 0;
}

/* Run folders are no input (data/walk.h). */
static void see_folder(struct seen *s, const char *path, int depth)
{
	struct folder f = { .seen = s, .path = path };
	if (depth > 0 && s->left > 0 && s->fs->list)
		s->fs->list(s->fs->ctx, path, see_entry, &f);
	for (size_t i = 0; i < f.folders.n && s->left > 0; i++)
		if (!prs_path_is_run(s->fs, f.folders.v[i]))
			see_folder(s, f.folders.v[i], depth - 1);
	prs_list_done(&f.folders);
}

static void see_part(struct seen *s, const char *path)
{
	char kind = prs_path_kind(s->fs, path);
	const char *name = strrchr(path, '/');
	if (kind == 'd') {
		see_folder(s, path, LOOK_DEPTH);
	} else if (kind) {
		see(s, path);
	} else if (!prs_path_is_pattern(path)) { /* that nothing is there is said where it is looked for */
		return;
	} else if (prs_table_ending(path)) { /* *.csv */
		see(s, path);
	} else {
		PRS_AUTOFREE char *root = prs_path_pattern_root(path);
		s->pattern = name ? name + 1 : path;
		if (root)
			see_folder(s, root, LOOK_DEPTH);
		s->pattern = NULL;
	}
}

/* The names of a list, as far as it is read here; the last one may be cut off. */
static void see_list(struct seen *s, const char *path)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, PRS_YAML_BYTES_MAX + (256 << 10));
	if (jf_read_bytes(s->fs, path, &text) < 0 || !text.len)
		return;
	char *at = (char *)text.data, *end = at + text.len, close = end[-1] ? '\n' : 0;
	while (at < end && s->left > 0) {
		char *stop = memchr(at, close, (size_t)(end - at));
		if (!stop && text.len > PRS_YAML_BYTES_MAX)
			return;
		PRS_AUTOFREE char *name = prs_strf("%.*s", (int)((stop ? stop : end) - at), at);
		if (!name)
			s->failed = true;
		else if (name[0])
			see(s, name);
		at = stop ? stop + 1 : end;
	}
}

static void see_input(struct seen *s, const struct prs_job_input *in)
{
	if (in->is_list)
		see_list(s, in->path);
	for (size_t i = 0; i < in->parts.n; i++)
		see_part(s, in->parts.v[i]);
	if (!in->is_list && !in->parts.n)
		see_part(s, in->path);
}

static void unknown_ending(struct check *c, const struct prs_job_input *in, const struct seen *s)
{
	const char *path = s->path[s->path[UNKNOWN] ? UNKNOWN : BESIDE];
	if (s->path[0])
		mistake(c, PRS_OPTIONS, in,
		        "input %s: %s is no table by its ending (" PRS_TABLE_ENDINGS
		        "): choose files by a pattern, as in '**/*%s'",
		        in->name, path, s->ending[0]->text);
	else
		mistake(c, PRS_OPTIONS, in,
		        "input %s: %s is no table by its ending (" PRS_TABLE_ENDINGS
		        "): an MLTable says how other files are read (transformations: read_delimited, "
		        "read_json_lines or read_parquet)",
		        in->name, path);
}

/* The kinds in the order of their paths. */
static void sort_kinds(struct seen *s)
{
	for (size_t i = 1; i < KINDS; i++)
		for (size_t k = i; k > 0 && s->path[k] && strcmp(s->path[k], s->path[k - 1]) < 0; k--) {
			char *path = s->path[k];
			const struct prs_table_ending *ending = s->ending[k];
			s->path[k] = s->path[k - 1];
			s->ending[k] = s->ending[k - 1];
			s->path[k - 1] = path;
			s->ending[k - 1] = ending;
		}
}

static void take_endings(struct check *c, struct prs_job_input *in, struct seen *s)
{
	sort_kinds(s);
	bool is_parquet = s->ending[0] && s->ending[0]->format == PRS_TABLE_PARQUET;
	if (s->path[1]) {
		mistake(c, PRS_OPTIONS, in,
		        "input %s: %s is %s, %s is %s: the files of an input are of one kind; choose them by a "
		        "pattern, as in '**/*%s'",
		        in->name, s->path[0], s->ending[0]->kind, s->path[1], s->ending[1]->kind, s->ending[0]->text);
	} else if (s->path[UNKNOWN] || (s->path[BESIDE] && !is_parquet)) {
		unknown_ending(c, in, s);
	}
	in->table->in.by_ending = true;
	if (s->ending[0]) {
		in->table->in.format = s->ending[0]->format;
		in->table->in.delimiter = s->ending[0]->delimiter;
	}
}

/* input_format: tabular, and no table definition says more. */
static void by_endings(struct check *c, struct prs_job_input *in)
{
	struct seen s = { .fs = c->fs, .left = LOOK_NAMES };
	in->table = prs_job_table_new();
	if (in->table && in->path)
		see_input(&s, in);
	if (!in->table || s.failed)
		c->failed = true;
	else
		take_endings(c, in, &s);
	for (size_t i = 0; i < SLOTS; i++)
		prs_freep(&s.path[i]);
}

/* amlbi_file_format: jsonl says what the files are, whatever they are called. */
static void of_lines(struct check *c, struct prs_job_input *in)
{
	if (in->table && in->table->in.format != PRS_TABLE_JSONL)
		mistake(c, PRS_OPTION_ID_file_format, in,
		        "%s jsonl: the MLTable of input %s reads other files: leave it out, or write read_json_lines",
		        name_of(c, PRS_OPTION_ID_file_format).text, in->name);
	if (in->table)
		return;
	in->table = prs_job_table_new();
	c->failed = c->failed || !in->table;
	if (in->table) {
		in->table->in.format = PRS_TABLE_JSONL;
		in->table->in.delimiter = 0;
	}
}

static void find_tables(struct check *c)
{
	struct prs_job *j = c->j;
	const struct prs_job_input *table = NULL, *files = NULL;
	for (size_t i = 0; i < j->inputs_n; i++) {
		struct prs_job_input *in = &j->inputs[i];
		if (j->o.file_format == PRS_FILE_FORMAT_JSONL && in->name)
			of_lines(c, in);
		else if (j->o.input_format == PRS_INPUT_FORMAT_TABULAR && !in->table && in->name)
			by_endings(c, in);
		else if (in->table && prs_job_says(j, PRS_OPTION_ID_input_format) &&
		         j->o.input_format == PRS_INPUT_FORMAT_FILE)
			mistake(c, PRS_OPTION_ID_input_format, in,
			        "%s file: the MLTable of input %s reads a table: leave it out, or take the reading "
			        "transformation out of the MLTable",
			        name_of(c, PRS_OPTION_ID_input_format).text, in->name);
		if (in->table)
			table = in;
		else
			files = in;
	}
	if (table && files && table->name && files->name)
		mistake(c, PRS_OPTIONS, files,
		        "input %s is a table, input %s is files: the inputs of a job are all tables or all files",
		        table->name, files->name);
}

/* ---- what makes the mini-batches --------------------------------------------------------------------------------- */

enum source { BY_NOBODY, BY_DEFAULTS, BY_ARGUMENTS, BY_JOB, BY_FLAG };

static enum source source_of(const struct prs_job *j, enum prs_option_id id)
{
	if (!j->from[id])
		return BY_NOBODY;
	if (j->is_default[id])
		return BY_DEFAULTS;
	if (j->is_argument[id])
		return BY_ARGUMENTS;
	return strncmp(j->from[id], "--", 2) ? BY_JOB : BY_FLAG;
}

/* As if nobody had given it. */
static void forget(struct check *c, enum prs_option_id id)
{
	struct prs_err err;
	struct prs_job *j = c->j;
	prs_freep(&j->from[id]);
	j->is_default[id] = false;
	if (id == PRS_OPTION_ID_partition_keys)
		prs_list_done(&j->o.partition_keys);
	else if (id == PRS_OPTION_ID_mini_batch_rows)
		j->o.mini_batch_rows = PRS_UNSET;
	else if (prs_option_set(&j->o, prs_option_at(id), prs_option_at(id)->def, "default", &err) < 0)
		c->failed = true;
}

/* Of two that exclude each other the one of the weaker source goes. */
static void exclude(struct check *c, enum prs_option_id a, enum prs_option_id b)
{
	enum source from_a = source_of(c->j, a), from_b = source_of(c->j, b);
	if (from_a == BY_NOBODY || from_b == BY_NOBODY)
		return;
	if (from_a != from_b)
		forget(c, from_a < from_b ? a : b);
	else
		mistake(c, a, NULL, "%s and %s exclude each other: keep one", name_of(c, a).text, name_of(c, b).text);
}

static void rows_of_files(struct check *c)
{
	if (source_of(c->j, PRS_OPTION_ID_mini_batch_rows) > BY_DEFAULTS)
		mistake(c, PRS_OPTION_ID_mini_batch_rows, NULL,
		        "%s is for tables, and the input is files: --mini-batch-size counts files; "
		        "--input-format tabular makes a table of CSV, JSON lines and Parquet files",
		        name_of(c, PRS_OPTION_ID_mini_batch_rows).text);
	else if (c->j->from[PRS_OPTION_ID_mini_batch_rows])
		forget(c, PRS_OPTION_ID_mini_batch_rows);
}

static void size_of_tables(struct check *c)
{
	struct prs_err err;
	struct prs_job *j = c->j;
	const struct prs_option_row *row = prs_option_at(PRS_OPTION_ID_mini_batch_size);
	/* --amlbi_mini_batch_rows makes rows of the size that the job says, as in the original */
	if (source_of(j, PRS_OPTION_ID_mini_batch_rows) == BY_ARGUMENTS &&
	    source_of(j, PRS_OPTION_ID_mini_batch_size) != BY_FLAG && j->from[PRS_OPTION_ID_mini_batch_size])
		forget(c, PRS_OPTION_ID_mini_batch_size);
	exclude(c, PRS_OPTION_ID_mini_batch_rows, PRS_OPTION_ID_mini_batch_size);
	exclude(c, PRS_OPTION_ID_mini_batch_rows, PRS_OPTION_ID_partition_keys);
	if (!j->from[PRS_OPTION_ID_mini_batch_size] &&
	    prs_option_set(&j->o, row, TABLE_BYTES, "default of tables", &err) < 0)
		c->failed = true;
	if (!j->from[PRS_OPTION_ID_mini_batch_size] || j->o.mini_batch_size >= LEAST_BYTES)
		return;
	char text[512];
	snprintf(text, sizeof text,
	         "%s %lld is %lld bytes of a table, hardly more than a row: 100kb and 1mb are sizes, "
	         "--mini-batch-rows counts rows",
	         name_of(c, PRS_OPTION_ID_mini_batch_size).text, (long long)j->o.mini_batch_size,
	         (long long)j->o.mini_batch_size);
	warn(c, text);
}

/* An input that an earlier step makes: what it is shows when it is there. */
static bool has_later(const struct prs_job *j)
{
	for (size_t i = 0; i < j->inputs_n; i++)
		if (j->inputs[i].path && j->inputs[i].path[0] == JF_LATE_OPEN)
			return true;
	return false;
}

int prs_job_check_tables(struct prs_job *j, const struct prs_fs *fs, prs_job_say_fn *say, void *ctx)
{
	struct check c = { j, fs, say, ctx, false };
	if (has_later(j))
		return 0;
	find_tables(&c);
	enum prs_job_items items = prs_job_items(j);
	if (items == PRS_ITEMS_ROWS)
		size_of_tables(&c);
	else if (items == PRS_ITEMS_FILES)
		rows_of_files(&c);
	prs_job_bind_tables(j);
	return c.failed ? -PRS_ENOMEM : 0;
}
