/* SPDX-License-Identifier: Apache-2.0
 * cut_slices: rows of a file of delimited text that follow each other are a mini-batch: as many as fit into so many
 * bytes, or so many of them; never rows of two files.
 *
 * When the last file is there: the first one with a record says the columns, a sample over the input their types
 * (SCHEMA), then file after file is scanned (SLICES). A step is a file of the sample, or a block of the scan. A file
 * whose columns stand in another order has a schema of its own.
 *
 * An earlier plan: its sample is taken again and must say the same; the scan goes on where its last slice ends, in a
 * file that must be as it was.
 */
#include "data/cut.h"

#include "base/mem.h"
#include "data/columns.h"
#include "data/scan.h"

#include <fcntl.h>
#include <string.h>

enum {
	STEPS_A_CALL = 128,      /* blocks of PRS_TABLE_BLOCK_BYTES */
	PACKED_BYTES = 32 << 10, /* behind which a call scans no further block */
	GAP_BYTES = 64 << 10     /* of records that are no rows, which a slice may begin with */
};
#define SCHEMA_MAX ((size_t)64 << 20)

enum stage { FIRST, UNITE, SAMPLE, SCAN, DONE };
/* FIRST   which file has a record? Its names
 * UNITE   all_files_different_headers: the names of the others
 * SAMPLE  rows of some files; with UNITE the headers of all
 * SCAN    all files
 */

/* Files as they were taken. */
struct block {
	uint64_t first; /* from 0 */
	uint32_t count;
	char *folder, *names;
};

struct cursor {
	size_t block;
	uint64_t file;
	const char *name;
};

/* The last SCHEMA of an earlier plan, or of this one. */
struct written {
	struct prs_buf json;
	uint64_t file; /* as in the record */
	uint32_t number;
	bool is_there;
};

/* The file that is scanned, and where its slices end that are planned. */
struct file {
	int fd; /* < 0: none */
	char *path;
	struct prs_fs_stat stat;
	struct prs_scan scan;
	uint32_t schema;
	bool has_own;       /* a schema that is in no record yet: */
	struct prs_buf own; /* its text */
	uint64_t end, rows;
};

/* Slices that are in no record yet: they begin where those of `f` end. */
struct pending {
	struct prs_buf packed;
	uint64_t offset, row, global_row;
	uint32_t count;
};

struct prs_cutter {
	const struct prs_fs *fs;
	const struct prs_table_input *in;
	struct prs_batch_size size;
	uint16_t input;
	struct prs_cut_total *total; /* of the call of cut() */
	struct prs_buf *body;
	struct block *blocks;
	size_t blocks_n, blocks_cap;
	struct cursor cursor;
	uint64_t first_file, files; /* number of the first file in the plan; of files */
	enum stage stage;
	uint64_t at;    /* file of the stage, from 0 */
	uint64_t first; /* the first one with a record */
	struct prs_names names;
	struct prs_columns columns;
	struct written all, own; /* schemas: of all files, of the one with another order that came last */
	struct file f;
	uint64_t global_row;
	struct pending pending;
	uint8_t *block;
	/* Of an earlier plan: its last slices. */
	uint64_t fed_file, fed_size, fed_mtime_us;
	uint32_t fed_schema;
	bool is_fed;
};

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "making mini-batches of rows"); }

/* ---- the files --------------------------------------------------------------------------------------------------- */

static void close_file(struct prs_cutter *c)
{
	if (c->f.fd >= 0)
		c->fs->close(c->fs->ctx, c->f.fd);
	c->f.fd = -1;
	prs_freep(&c->f.path);
}

static void slices_free(struct prs_cutter *c)
{
	if (!c)
		return;
	close_file(c);
	for (size_t i = 0; i < c->blocks_n; i++) {
		prs_freep(&c->blocks[i].folder);
		prs_freep(&c->blocks[i].names);
	}
	prs_freep(&c->blocks);
	prs_names_done(&c->names);
	prs_columns_done(&c->columns);
	prs_buf_done(&c->all.json);
	prs_buf_done(&c->own.json);
	prs_buf_done(&c->f.own);
	prs_buf_done(&c->pending.packed);
	prs_freep(&c->block);
	prs_freep(&c);
}

static struct prs_cutter *slices_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->fs = fs;
	c->in = in->table;
	c->size = in->size;
	c->input = input;
	c->f.fd = -1;
	prs_buf_init(&c->all.json, SCHEMA_MAX);
	prs_buf_init(&c->own.json, SCHEMA_MAX);
	prs_buf_init(&c->f.own, SCHEMA_MAX);
	prs_buf_init(&c->pending.packed, UINT32_MAX);
	c->block = prs_malloc(prs_table_block_bytes(c->in));
	if (c->block)
		return c;
	slices_free(c);
	return NULL;
}

static int add_block(struct prs_cutter *c, struct block b)
{
	if (c->blocks_n == c->blocks_cap) {
		size_t cap = c->blocks_cap ? c->blocks_cap * 2 : 16;
		struct block *v = prs_realloc(c->blocks, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		c->blocks = v;
		c->blocks_cap = cap;
	}
	c->blocks[c->blocks_n++] = b;
	return 0;
}

static char *copy_names(const struct prs_cut_files *f)
{
	const char *end = f->names;
	for (uint32_t i = 0; i < f->count; i++)
		end += strlen(end) + 1;
	size_t n = (size_t)(end - f->names);
	char *to = prs_malloc(n);
	if (to)
		memcpy(to, f->names, n);
	return to;
}

static int slices_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	if (!f->count)
		return 0;
	if (!c->files)
		c->first_file = f->first;
	struct block b = { c->files, f->count, prs_strdup(f->folder), copy_names(f) };
	if (!b.folder || !b.names || add_block(c, b) < 0) {
		prs_freep(&b.folder);
		prs_freep(&b.names);
		return nomem(err);
	}
	c->files += f->count;
	return 0;
}

/* The path of a file, the caller frees; fast for the next of the one before. */
static char *path_of(struct prs_cutter *c, uint64_t file)
{
	struct cursor *at = &c->cursor;
	if (!at->name || file < at->file)
		*at = (struct cursor){ 0, 0, c->blocks[0].names };
	while (file >= c->blocks[at->block].first + c->blocks[at->block].count) {
		at->block++;
		at->file = c->blocks[at->block].first;
		at->name = c->blocks[at->block].names;
	}
	for (; at->file < file; at->file++)
		at->name += strlen(at->name) + 1;
	const char *folder = c->blocks[at->block].folder;
	return prs_strf("%s/%s", strcmp(folder, "/") ? folder : "", at->name);
}

/* ---- the head of a file ------------------------------------------------------------------------------------------ */

struct head {
	struct prs_cutter *c;
	struct prs_names *names; /* of this file; NULL: they do not matter */
	uint32_t *fields;        /* of the rows; NULL: as they stand */
	const char *path;
	uint64_t behind; /* the header; 0: there is none */
	uint64_t rows;
	bool has_header, has_record;
};

static bool has_header(const struct prs_cutter *c, uint64_t file)
{
	return prs_header_is_there(c->in->header, file == c->first ? 0 : 1);
}

/* The first record is the header: 1 = that was all. */
static int head_names(void *ctx, const struct prs_cells *row, uint64_t end, struct prs_err *err)
{
	struct head *h = ctx;
	h->has_record = true;
	if (h->has_header)
		h->behind = end;
	if (!h->names)
		return 1;
	int r = h->has_header ? prs_names_of(row, h->c->in->encoding, h->names, err)
	                      : prs_names_numbered(row->n, h->names, err);
	return r < 0 ? prs_wrap(err, "%s: the header", h->path) : 1;
}

static int head_sample(void *ctx, const struct prs_cells *row, uint64_t end, struct prs_err *err)
{
	struct head *h = ctx;
	const struct prs_table_input *in = h->c->in;
	(void)end;
	(void)err;
	if (h->has_header && !h->has_record) {
		h->has_record = true;
		return 0;
	}
	prs_columns_add(&h->c->columns, row, h->fields);
	return ++h->rows == (in->infer_rows ? in->infer_rows : PRS_TABLE_INFER_ROWS);
}

/* The names of a file with a header of its own into h->names. */
static int read_header(struct prs_cutter *c, uint64_t file, struct head *h, struct prs_err *err)
{
	h->c = c;
	h->has_header = has_header(c, file);
	return prs_table_head(c->fs, h->path, c->in, head_names, h, err);
}

/* Where the columns of the table stand in a file; into *ret, which the caller frees, NULL: as in the schema of all. */
static int place(struct prs_cutter *c, const struct prs_names *names, const char *path, uint32_t **ret,
                 struct prs_err *err)
{
	*ret = NULL;
	uint32_t *fields = prs_malloc((c->names.n + 1) * sizeof *fields);
	if (!fields)
		return nomem(err);
	int r;
	if (c->in->header == PRS_HEADER_DIFFERENT) {
		r = prs_names_place(&c->names, names, fields, err);
	} else {
		PRS_AUTOFREE char *first = path_of(c, c->first);
		r = first ? prs_names_match(&c->names, first, names, path, fields, err) : nomem(err);
	}
	bool same = names->n == c->names.n;
	for (size_t i = 0; r == 0 && i < c->names.n; i++)
		same = same && fields[i] == i;
	if (r < 0 || same)
		prs_freep(&fields);
	else
		*ret = fields;
	return r;
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

static int schema_text(const struct prs_cutter *c, const uint32_t *fields, size_t fields_n, struct prs_buf *to,
                       struct prs_err *err)
{
	struct prs_schema s = { .format = PRS_FORMAT_DELIMITED,
		                .delimiter = c->in->delimiter,
		                .encoding = c->in->encoding,
		                .all_strings = c->in->all_strings,
		                .empty_as_string = c->in->empty_as_string,
		                .names = &c->names,
		                .columns = &c->columns,
		                .fields = fields,
		                .fields_n = fields_n };
	prs_schema_put(&s, to);
	if (to->failed)
		return prs_fail(err, (enum prs_code) - to->failed, "the schema of a table");
	return 0;
}

static int keep_schema(struct written *w, const char *json, size_t n, uint64_t file, uint32_t number,
                       struct prs_err *err)
{
	prs_buf_clear(&w->json);
	if (prs_buf_put(&w->json, json, n) < 0)
		return nomem(err);
	w->file = file;
	w->number = number;
	w->is_there = true;
	return 0;
}

/* The schema of `file`, or of all: a new record, or the one that an earlier plan has, which must say the same. */
static int put_schema(struct prs_cutter *c, struct written *w, uint64_t file, const struct prs_buf *json,
                      struct prs_err *err)
{
	if (w->is_there && w->file == file) {
		if (w->json.len == json->len && !memcmp(w->json.data, json->data, json->len))
			return 0;
		return prs_fail(err, PRS_EINPUT_CHANGED,
		                "the rows that the types of the columns were decided from are not as they were");
	}
	struct prs_plan_record r = { .type = PRS_PLAN_SCHEMA };
	r.u.schema.file = file;
	r.u.schema.schema = c->total->schemas;
	r.u.schema.input = c->input;
	r.u.schema.json = (const char *)json->data;
	r.u.schema.bytes = (uint32_t)json->len;
	prs_plan_put(c->body, &r);
	return keep_schema(w, (const char *)json->data, json->len, file, c->total->schemas++, err);
}

static int put_schema_of_all(struct prs_cutter *c, struct prs_err *err)
{
	PRS_AUTOBUF json;
	prs_buf_init(&json, SCHEMA_MAX);
	int r = schema_text(c, NULL, 0, &json, err);
	return r < 0 ? r : put_schema(c, &c->all, PRS_NO_FILE, &json, err);
}

/* That of all, or, where the columns of the file stand in another order, one of its own. */
static int choose_schema(struct prs_cutter *c, const struct prs_names *names, struct prs_err *err)
{
	uint32_t *v;
	int r = place(c, names, c->f.path, &v, err);
	PRS_AUTOFREE uint32_t *fields = v;
	if (r < 0 || !fields)
		return r;
	c->f.has_own = true;
	prs_buf_clear(&c->f.own);
	return schema_text(c, fields, names->n, &c->f.own, err);
}

/* Before the first slices of the file: one without rows has none. */
static int put_own_schema(struct prs_cutter *c, struct prs_err *err)
{
	if (!c->f.has_own)
		return 0;
	int r = put_schema(c, &c->own, c->first_file + c->at, &c->f.own, err);
	c->f.has_own = false;
	c->f.schema = c->own.number;
	return r;
}

/* ---- the sample -------------------------------------------------------------------------------------------------- */

static int step_first(struct prs_cutter *c, struct prs_err *err)
{
	PRS_AUTOFREE char *path = path_of(c, c->at);
	struct head h = { .path = path, .names = &c->names };
	c->first = c->at;
	int r = path ? read_header(c, c->at, &h, err) : nomem(err);
	if (r < 0)
		return r;
	if (!h.has_record) {
		c->stage = ++c->at < c->files ? FIRST : DONE;
		return 0;
	}
	c->at = 0;
	c->stage = c->in->header == PRS_HEADER_DIFFERENT ? UNITE : SAMPLE;
	return c->stage == SAMPLE ? prs_columns_init(&c->columns, c->names.n, err) : 0;
}

static int step_unite(struct prs_cutter *c, struct prs_err *err)
{
	struct prs_names names = { 0 };
	PRS_AUTOFREE char *path = path_of(c, c->at);
	struct head h = { .path = path, .names = &names };
	int r = path ? read_header(c, c->at, &h, err) : nomem(err);
	if (r == 0)
		r = prs_names_unite(&c->names, &names, err);
	prs_names_done(&names);
	if (r < 0 || ++c->at < c->files)
		return r;
	c->at = 0;
	c->stage = SAMPLE;
	return prs_columns_init(&c->columns, c->names.n, err);
}

/* The k-th file of the sample: they are spread over all, from the first with a record on. */
static uint64_t sampled_file(const struct prs_cutter *c, uint64_t k)
{
	uint64_t files = c->files - c->first;
	if (files <= PRS_TABLE_INFER_FILES)
		return c->first + k;
	uint64_t each = files / PRS_TABLE_INFER_FILES, rest = files % PRS_TABLE_INFER_FILES;
	return c->first + k * each + k * rest / PRS_TABLE_INFER_FILES;
}

static bool is_sampled(const struct prs_cutter *c, uint64_t file)
{
	for (uint64_t k = 0; k < PRS_TABLE_INFER_FILES && sampled_file(c, k) <= file; k++)
		if (sampled_file(c, k) == file)
			return true;
	return false;
}

/* Its rows, or, of a file that is not in the sample, the columns that it lacks. */
static int sample_file(struct prs_cutter *c, uint64_t file, struct prs_err *err)
{
	struct prs_names names = { 0 };
	uint32_t *fields = NULL;
	PRS_AUTOFREE char *path = path_of(c, file);
	struct head h = { .path = path, .names = &names };
	bool own = has_header(c, file);
	int r = path ? 0 : nomem(err);
	if (r == 0 && own)
		r = read_header(c, file, &h, err);
	if (r == 0 && own && h.has_record)
		r = place(c, &names, path, &fields, err);
	prs_names_done(&names);
	h = (struct head){ .c = c, .path = path, .fields = fields, .has_header = own };
	if (r == 0 && is_sampled(c, file))
		r = prs_table_head(c->fs, path, c->in, head_sample, &h, err);
	else if (r == 0 && fields)
		prs_columns_absent(&c->columns, fields);
	prs_freep(&fields);
	return r;
}

static int step_sample(struct prs_cutter *c, struct prs_err *err)
{
	int r = sample_file(c, c->at, err);
	if (r < 0)
		return r;
	c->at++;
	while (c->in->header != PRS_HEADER_DIFFERENT && c->at < c->files && !is_sampled(c, c->at))
		c->at++;
	if (c->at < c->files)
		return 0;
	c->stage = SCAN;
	c->at = c->is_fed ? c->fed_file : c->first;
	return put_schema_of_all(c, err);
}

/* ---- the scan ---------------------------------------------------------------------------------------------------- */

/* The slices that wait become a record. */
static int put_slices(struct prs_cutter *c, struct prs_err *err)
{
	struct pending *p = &c->pending;
	int k = p->count ? put_own_schema(c, err) : 0;
	if (k < 0 || !p->count)
		return k;
	struct prs_plan_record r = { .type = PRS_PLAN_SLICES };
	r.u.slices.file = c->first_file + c->at;
	r.u.slices.first_id = c->total->ids;
	r.u.slices.offset = p->offset;
	r.u.slices.row = p->row;
	r.u.slices.global_row = p->global_row;
	r.u.slices.size = c->f.stat.size;
	r.u.slices.mtime_us = c->f.stat.mtime_us;
	r.u.slices.schema = c->f.schema;
	r.u.slices.count = p->count;
	r.u.slices.bytes = (uint32_t)p->packed.len;
	r.u.slices.input = c->input;
	r.u.slices.packed = p->packed.data;
	prs_plan_put(c->body, &r);
	c->total->ids += p->count;
	c->total->items += c->global_row - p->global_row;
	p->count = 0;
	prs_buf_clear(&p->packed);
	return 0;
}

/* Records that are no rows belong to the slice behind them, unless they are many. */
static int scan_slice(void *ctx, const struct prs_slice *s, struct prs_err *err)
{
	struct prs_cutter *c = ctx;
	struct pending *p = &c->pending;
	if (s->offset - c->f.end > GAP_BYTES) {
		int r = put_slices(c, err);
		if (r < 0)
			return r;
		c->f.end = s->offset;
	}
	if (!p->count) {
		p->offset = c->f.end;
		p->row = c->f.rows;
		p->global_row = c->global_row;
	}
	uint64_t end = s->offset + s->bytes;
	if (prs_slice_put(&p->packed, false, (uint32_t)s->rows, end - c->f.end) < 0)
		return nomem(err);
	p->count++;
	c->f.end = end;
	c->f.rows += s->rows;
	c->global_row += s->rows;
	return 0;
}

static int changed(const struct prs_cutter *c, const char *since, struct prs_err *err)
{
	return prs_fail(err, PRS_EINPUT_CHANGED, "%s: size or time of change is not as it was %s", c->f.path, since);
}

static bool is_as(const struct prs_fs_stat *s, uint64_t size, uint64_t mtime_us)
{
	return s->size == size && s->mtime_us == mtime_us;
}

static int open_file(struct prs_cutter *c, struct prs_err *err)
{
	c->f.path = path_of(c, c->at);
	if (!c->f.path)
		return nomem(err);
	c->f.fd = c->fs->open(c->fs->ctx, c->f.path, O_RDONLY, 0);
	if (c->f.fd < 0)
		return prs_fail_errno(err, -c->f.fd, "%s", c->f.path);
	int r = c->fs->fstat(c->fs->ctx, c->f.fd, &c->f.stat);
	return r < 0 ? prs_fail_errno(err, -r, "%s", c->f.path) : 0;
}

/* Where the rows of a file begin, and its schema. */
static int begin_rows(struct prs_cutter *c, struct prs_err *err)
{
	struct prs_names names = { 0 };
	struct head h = { .path = c->f.path, .names = &names };
	uint8_t front[3];
	c->f.schema = c->all.number;
	c->f.rows = 0;
	if (!has_header(c, c->at)) {
		ssize_t n = prs_table_read(c->fs, c->f.fd, c->f.path, front, sizeof front, 0, err);
		c->f.end = n < 0 ? 0 : prs_table_mark(c->in, front, (size_t)n);
		return n < 0 ? (int)n : 0;
	}
	int r = read_header(c, c->at, &h, err);
	if (r == 0 && h.has_record && c->in->header != PRS_HEADER_FIRST)
		r = choose_schema(c, &names, err);
	prs_names_done(&names);
	c->f.end = h.has_record ? h.behind : c->f.stat.size;
	return r;
}

/* Behind the rows that an earlier plan has; `end` and `rows` are theirs. */
static int go_on(struct prs_cutter *c, struct prs_err *err)
{
	c->f.schema = c->fed_schema;
	return is_as(&c->f.stat, c->fed_size, c->fed_mtime_us) ? 0
	                                                       : changed(c, "when its first rows were planned", err);
}

static int begin_file(struct prs_cutter *c, struct prs_err *err)
{
	int r = open_file(c, err);
	if (r < 0)
		return r;
	c->f.has_own = false;
	r = c->is_fed && c->at == c->fed_file ? go_on(c, err) : begin_rows(c, err);
	if (r < 0)
		return r;
	bool by_rows = c->size.unit == PRS_SIZE_ROWS;
	struct prs_scan_options o = { .delimiter = c->in->delimiter,
		                      .max_bytes = by_rows ? UINT64_MAX : c->size.n,
		                      .max_rows = by_rows && c->size.n < UINT32_MAX ? c->size.n : UINT32_MAX,
		                      .max_record = prs_table_max_record(c->in) };
	prs_scan_init(&c->f.scan, &o, c->f.end, scan_slice, c);
	return 0;
}

static int end_file(struct prs_cutter *c, struct prs_err *err)
{
	struct prs_fs_stat now;
	int r = prs_scan_finish(&c->f.scan, err);
	if (r < 0)
		return prs_table_refused(c->fs, c->f.fd, c->f.path, &c->f.scan, r, err);
	r = c->fs->fstat(c->fs->ctx, c->f.fd, &now);
	if (r < 0)
		return prs_fail_errno(err, -r, "%s", c->f.path);
	if (!is_as(&now, c->f.stat.size, c->f.stat.mtime_us))
		return changed(c, "when the count of its rows began", err);
	r = put_slices(c, err);
	close_file(c);
	c->stage = ++c->at < c->files ? SCAN : DONE;
	return r;
}

static int step_scan(struct prs_cutter *c, struct prs_err *err)
{
	struct prs_scan *s = &c->f.scan;
	if (c->f.fd < 0)
		return begin_file(c, err);
	uint64_t left = c->f.stat.size - s->at;
	size_t block = prs_table_block_bytes(c->in);
	if (!left)
		return end_file(c, err);
	ssize_t n = prs_table_read(c->fs, c->f.fd, c->f.path, c->block, left < block ? (size_t)left : block, s->at,
	                           err);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return changed(c, "when the count of its rows began", err);
	int r = prs_scan_feed(s, c->block, (size_t)n, err);
	return r < 0 ? prs_table_refused(c->fs, c->f.fd, c->f.path, s, r, err) : 0;
}

/* ---- the cutter -------------------------------------------------------------------------------------------------- */

static int step(struct prs_cutter *c, struct prs_err *err)
{
	switch (c->stage) {
	case FIRST: return step_first(c, err);
	case UNITE: return step_unite(c, err);
	case SAMPLE: return step_sample(c, err);
	case SCAN: return step_scan(c, err);
	case DONE: break;
	}
	return 0;
}

static int slices_cut(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                      struct prs_err *err)
{
	if (!listed)
		return 0;
	c->total = t;
	c->body = body;
	if (!c->files)
		c->stage = DONE;
	for (unsigned steps = STEPS_A_CALL; steps && c->stage != DONE && c->pending.packed.len < PACKED_BYTES;
	     steps--) {
		int r = step(c, err);
		if (r < 0)
			return r;
	}
	int r = put_slices(c, err);
	return r < 0 ? r : c->stage != DONE;
}

static int feed_schema(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                       struct prs_err *err)
{
	t->schemas++;
	return keep_schema(r->u.schema.file == PRS_NO_FILE ? &c->all : &c->own, r->u.schema.json, r->u.schema.bytes,
	                   r->u.schema.file, r->u.schema.schema, err);
}

static int slices_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                       struct prs_err *err)
{
	if (r->type == PRS_PLAN_SCHEMA)
		return feed_schema(c, r, t, err);
	if (r->type != PRS_PLAN_SLICES || r->u.slices.file < c->first_file ||
	    r->u.slices.file - c->first_file >= c->files)
		return prs_fail(err, PRS_ECORRUPT, "plan: mini-batches that do not follow from the files before them");
	struct prs_reader packed = { r->u.slices.packed, r->u.slices.bytes, false };
	struct prs_table_range at = { .offset = r->u.slices.offset,
		                      .row = r->u.slices.row,
		                      .global_row = r->u.slices.global_row };
	while (packed.left && !packed.bad)
		prs_slice_next(&packed, false, &at);
	c->is_fed = true;
	c->fed_file = r->u.slices.file - c->first_file;
	c->fed_size = r->u.slices.size;
	c->fed_mtime_us = r->u.slices.mtime_us;
	c->fed_schema = r->u.slices.schema;
	c->f.end = at.offset + at.bytes;
	c->f.rows = at.row + at.rows;
	c->global_row = at.global_row + at.rows;
	t->ids += r->u.slices.count;
	t->items += c->global_row - r->u.slices.global_row;
	return 0;
}

const struct prs_cutter_kind prs_cut_slices = {
	PRS_INPUT_DELIMITED, PRS_FORMAT_MINOR_TABLES, true, slices_new, slices_free, slices_take, slices_cut,
	slices_feed
};
