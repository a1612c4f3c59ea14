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
 * An earlier plan: everything is begun anew, from files that must be as they were when they were listed, and the keys
 * that it has are passed over; they must be the same.
 */
#include "data/cut_table.h"

#include "base/many.h"
#include "base/mem.h"
#include "data/fields.h"
#include "data/row_keys.h"
#include "data/sorter.h"
#include "wire/frame.h"

#include <inttypes.h>
#include <string.h>

enum {
	STEPS_A_CALL = 16,
	READ_BYTES = 1 << 20,
	CALL_BYTES = 4 << 20,  /* of records, behind which a call puts no further group */
	SPOOL_BYTES = 64 << 20 /* of the spool likewise */
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
	struct prs_cut_table t;
	const struct prs_table_input *in;
	size_t wanted_n; /* groups that are to run again: so many came */
	enum { SAMPLE, GATHER, GROUPS, DONE } stage;
	uint64_t at; /* the file that is read, from 0 */
	struct file f;
	struct prs_row_keys keys;
	struct prs_buf record; /* in the order of the schema */
	char *sort_path;
	struct prs_sorter *sorter;
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
	prs_cut_table_done(&c->t);
	prs_row_keys_done(&c->keys);
	prs_buf_done(&c->f.text);
	prs_buf_done(&c->record);
	prs_sorter_free(c->sorter);
	prs_freep(&c->sort_path);
	prs_freep(&c);
}

/* PRS_SORTER_UNWANTED: rows with this key are not to run again. */
static int is_wanted(const struct prs_cutter *c, const struct prs_buf *key, struct prs_err *err)
{
	PRS_AUTOBUF keys;
	prs_buf_init(&keys, UINT32_MAX);
	if (!c->t.only)
		return 0;
	prs_row_keys_say(&c->keys, key->data, key->len, &keys);
	if (keys.failed)
		return nomem(err);
	return prs_rows_list_group(&c->t.wanted, (const char *)keys.data, keys.len) ? 0 : PRS_SORTER_UNWANTED;
}

static int on_key(void *ctx, struct prs_buf *to, struct prs_err *err)
{
	struct prs_cutter *c = ctx;
	int r = prs_row_keys_put(&c->keys, to, err);
	if (r == 0 && to->failed)
		return nomem(err);
	return r < 0 ? r : is_wanted(c, to, err);
}

static int make(struct prs_cutter *c, const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	size_t block = in->sort_bytes ? in->sort_bytes : PRS_SORTER_BLOCK_BYTES;
	c->in = in->table;
	prs_buf_init(&c->f.text, SIZE_MAX / 2);
	prs_buf_init(&c->record, SIZE_MAX / 2);
	if (prs_cut_table_init(&c->t, fs, in, input) < 0 || prs_row_keys_init(&c->keys, in) < 0)
		return -PRS_ENOMEM;
	c->sort_path = in->spool ? prs_strf("%s.tmp", in->spool) : NULL;
	if (in->spool && !c->sort_path)
		return -PRS_ENOMEM;
	c->sorter = prs_sorter_new(fs, c->sort_path, block, on_key, c);
	return c->sorter ? 0 : -PRS_ENOMEM;
}

static struct prs_cutter *columns_new(const struct prs_fs *fs, const struct prs_list_input *in, uint16_t input)
{
	struct prs_cutter *c = prs_calloc(1, sizeof *c);
	if (!c || make(c, fs, in, input) == 0)
		return c;
	columns_free(c);
	return NULL;
}

static bool is_lines(const struct prs_cutter *c) { return c->in->format == PRS_TABLE_JSONL; }

static int columns_take(struct prs_cutter *c, const struct prs_cut_files *f, struct prs_err *err)
{
	int r = prs_cut_table_take(&c->t, f, err);
	return r < 0 ? r : prs_rows_list_see(&c->t.wanted, f, err);
}

/* The record as it will stand in the spool: as it is, or in c->record. */
static int arrange(struct prs_cutter *c, const uint8_t **p, size_t *n)
{
	size_t bytes = is_lines(c) ? *n : prs_fields_bytes(*p, *n);
	if (!c->f.place.fields && (bytes < *n || (*p)[*n - 1] == '\n'))
		return 0;
	prs_buf_clear(&c->record);
	if (c->f.place.fields) {
		prs_fields_reorder(*p, bytes, c->in->delimiter, c->f.place.fields, c->t.sample.table.names.n,
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
	int k = prs_row_keys_find(&c->keys, p, n, c->f.line);
	if (k == -PRS_EINVALID)
		return no_object(c, err);
	if (k < 0 || arrange(c, &p, &n) < 0)
		return nomem(err);
	struct prs_sorter_record r = {
		.raw = c->keys.raw.data,
		.raw_n = c->keys.raw.len,
		.p = p,
		.n = n,
		.origin = { c->at, c->f.row++, c->f.line, plain ? s->offset : 0, plain ? s->bytes : 0 },
		.global_row = c->global_row++,
	};
	return prs_sorter_add(c->sorter, &r, err);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* All rows with a key are one mini-batch: of two versions of the input none may be put together. A plan of an engine
 * from before does not say how its files were. */
static int check_file(struct prs_cutter *c, struct prs_err *err)
{
	const uint8_t *stat = prs_table_files_stat(&c->t.files, c->at);
	if (!stat)
		return 0;
	return prs_source_expect(c->f.source, prs_get64(stat), prs_get64(stat + 8), "when it was listed", err);
}

static int begin_file(struct prs_cutter *c, struct prs_err *err)
{
	c->f.path = prs_table_files_path(&c->t.files, c->at);
	if (!c->f.path)
		return nomem(err);
	int r = prs_source_open(c->t.fs, c->f.path, c->in, &c->f.source, err);
	if (r == 0)
		r = check_file(c, err);
	if (r == 0)
		r = prs_sample_place(&c->t.sample, c->at, c->f.source, &c->f.place, err);
	if (r == 0)
		r = prs_row_keys_file(&c->keys, c->f.path, &c->f.place, err);
	if (r < 0)
		return r;
	struct prs_scan_options o = prs_table_scan_options(c->in);
	o.max_rows = 1;
	c->f.base = c->f.counted = c->f.place.offset;
	c->f.row = 0;
	prs_scan_init(&c->f.scan, &o, c->f.base, scan_record, c);
	r = prs_table_find_line(c->f.source, c->f.base, &c->f.line, err);
	return r < 0 ? r : prs_spool_room(&c->t.scan.spool, prs_source_least(c->f.source, err), c->f.path, err);
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
	for (; c->t.only && c->at < c->t.files.count; c->at++) {
		size_t at;
		PRS_AUTOFREE char *path = prs_table_files_path(&c->t.files, c->at);
		if (!path)
			return nomem(err);
		if (prs_rows_list_of(&c->t.wanted, path, &at))
			break;
	}
	return c->at == c->t.files.count;
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

static int step_sample(struct prs_cutter *c, struct prs_err *err)
{
	int r = prs_sample_step(&c->t.sample, err);
	if (r)
		return r < 0 ? r : 0;
	c->stage = DONE;
	if (prs_sample_is_empty(&c->t.sample))
		return 0;
	c->stage = GATHER;
	c->at = c->t.sample.first;
	r = prs_rows_list_all_seen(&c->t.wanted, err);
	if (r == 0)
		r = prs_row_keys_begin(&c->keys, &c->t.sample, err);
	return r < 0 ? r : prs_cut_table_schema(&c->t, err);
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
	for (uint64_t i = 0; r == 0 && i < c->t.files.count; i++) {
		PRS_AUTOFREE char *path = prs_table_files_path(&c->t.files, i);
		r = path ? prs_spool_put(&c->t.scan.spool, path, strlen(path) + 1, err) : nomem(err);
	}
	return r < 0 ? r : prs_spool_put(&c->t.scan.spool, "", 1, err);
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

static int put_group(struct prs_cutter *c, const struct prs_sorted *g, struct prs_err *err)
{
	PRS_AUTOBUF keys;
	PRS_AUTOBUF range;
	prs_buf_init(&keys, UINT32_MAX);
	prs_buf_init(&range, PRS_TABLE_RANGE_BYTES + 1);
	prs_row_keys_say(&c->keys, g->key, g->key_n, &keys);
	if (keys.failed)
		return nomem(err);
	const struct prs_group_wanted *wanted = prs_rows_list_group(&c->t.wanted, (const char *)keys.data, keys.len);
	c->wanted_n += wanted != NULL;
	if (c->skip)
		return pass_over(c, &keys, g, err);
	if (g->rows > UINT32_MAX)
		return prs_fail(err, PRS_ELIMIT, "a combination of partition keys has more rows than %" PRIu32,
		                UINT32_MAX);
	int r2 = c->t.scan.spool.bytes ? 0 : put_paths(c, err);
	if (r2 < 0)
		return r2;
	struct prs_table_range at = { .file = PRS_NO_FILE,
		                      .offset = c->t.scan.spool.bytes,
		                      .bytes = g->bytes,
		                      .global_row = wanted ? wanted->global_row : g->global_row,
		                      .rows = (uint32_t)g->rows,
		                      .schema = c->t.schemas.all };
	prs_table_range_put(&range, &at);
	struct prs_plan_record r = { .type = PRS_PLAN_TABLE_GROUP };
	r.u.table_group.id = c->t.total->ids;
	r.u.table_group.input = c->t.input;
	r.u.table_group.spool = c->t.spool_epoch;
	r.u.table_group.keys = (const char *)keys.data;
	r.u.table_group.keys_bytes = (uint32_t)keys.len;
	r.u.table_group.ranges = range.data;
	r.u.table_group.ranges_n = 1;
	if (range.failed || prs_plan_put(c->t.body, &r) < 0)
		return nomem(err);
	c->t.total->ids++;
	c->t.total->items += g->rows;
	if (!c->t.scan.spool.path)
		return prs_spool_put(&c->t.scan.spool, NULL, (size_t)g->bytes, err);
	return prs_sorter_put(c->sorter, put_spool, &c->t.scan.spool, err);
}

static int too_few(const struct prs_cutter *c, struct prs_err *err)
{
	size_t all = c->t.wanted.groups_n;
	return prs_fail(err, PRS_EINPUT_CHANGED,
	                "of the %s that are to run again %zu have no row any more: their rows have other values of the "
	                "partition keys now, or are gone; run the job on all of its input",
	                prs_many(all, "partition").text, all - c->wanted_n);
}

/* 1: there are more. */
static int put_groups(struct prs_cutter *c, struct prs_err *err)
{
	const struct prs_buf *body = c->t.body;
	size_t room = (body->max - c->t.from) / 4, most = room < CALL_BYTES ? room : CALL_BYTES;
	uint64_t spooled = c->t.scan.spool.bytes;
	int more = 1;
	while (more == 1 && body->len - c->t.from < most && c->t.scan.spool.bytes - spooled < SPOOL_BYTES) {
		struct prs_sorted g;
		more = prs_sorter_next(c->sorter, &g, err);
		int r = more == 1 ? put_group(c, &g, err) : more;
		if (r < 0) {
			c->t.body->len = c->t.from; /* the spool has not all of it */
			return r;
		}
	}
	if (more == 0 && c->skip)
		return prs_fail(err, PRS_EINPUT_CHANGED,
		                "there are fewer values of the partition keys than were planned");
	if (more == 0 && c->wanted_n < c->t.wanted.groups_n)
		return too_few(c, err);
	return prs_cut_table_end(&c->t, more, err);
}

static int columns_cut(struct prs_cutter *c, bool listed, struct prs_cut_total *t, struct prs_buf *body,
                       struct prs_err *err)
{
	if (!listed)
		return 0;
	prs_cut_table_begin(&c->t, t, body);
	for (unsigned steps = STEPS_A_CALL; steps && c->stage < GROUPS; steps--) {
		int r = c->stage == SAMPLE ? step_sample(c, err) : step_gather(c, err);
		if (r < 0)
			return r;
	}
	if (c->stage != GROUPS)
		return c->stage != DONE;
	return put_groups(c, err);
}

static int columns_feed(struct prs_cutter *c, const struct prs_plan_record *r, struct prs_cut_total *t,
                        struct prs_err *err)
{
	if (r->type == PRS_PLAN_SCHEMA)
		return prs_schemas_feed(&c->t.schemas, r, t, err);
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

const struct prs_cutter_kind prs_cut_columns = { .input_kind = PRS_INPUT_SPOOL,
	                                         .minor = PRS_FORMAT_MINOR_TABLES,
	                                         .has_stats = true,
	                                         .new = columns_new,
	                                         .free = columns_free,
	                                         .take = columns_take,
	                                         .cut = columns_cut,
	                                         .feed = columns_feed };
