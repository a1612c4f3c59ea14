/* SPDX-License-Identifier: Apache-2.0
 * test_plan: mini-batches of tables, folded from their records: what follows and what does not, where rows are, parts,
 * and the memory that they take. (Those of files: test_list; one of each kind, with its bytes: test_golden.)
 */
#include "data/plan.h"

#include "base/mem.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t stats[3 * PRS_FILE_STAT_BYTES] = { [0] = 100, [16] = 200 };

static struct prs_plan_record input(uint16_t number, uint16_t kind)
{
	return (struct prs_plan_record){ .type = PRS_PLAN_INPUT,
		                         .u.input = { .input = number, .kind = kind, .root = { "/in", 3 } } };
}

static struct prs_plan_record root(uint32_t dir, uint16_t number)
{
	return (struct prs_plan_record){ .type = PRS_PLAN_DIR,
		                         .u.dir = { .dir = dir, .parent = PRS_NO_DIR, .input = number } };
}

/* Two files, a and b. */
static struct prs_plan_record files(uint32_t dir, uint64_t first)
{
	return (struct prs_plan_record){ .type = PRS_PLAN_FILES,
		                         .u.files = { .dir = dir,
		                                      .count = 2,
		                                      .flags = PRS_FILES_LAST | PRS_FILES_STATS,
		                                      .names_bytes = 4,
		                                      .first_file = first,
		                                      .names = "a\0b",
		                                      .stats = stats } };
}

static struct prs_plan_record schema(uint32_t number, uint16_t of)
{
	return (struct prs_plan_record){
		.type = PRS_PLAN_SCHEMA,
		.u.schema = { .schema = number, .input = of, .file = PRS_NO_FILE, .bytes = 2, .json = "{}" }
	};
}

/* One mini-batch of two rows in ten bytes. */
static struct prs_plan_record slices(uint64_t id, uint64_t file, uint64_t offset, uint64_t row, uint64_t global_row)
{
	return (struct prs_plan_record){ .type = PRS_PLAN_SLICES,
		                         .u.slices = { .first_id = id,
		                                       .file = file,
		                                       .offset = offset,
		                                       .row = row,
		                                       .global_row = global_row,
		                                       .size = UINT64_MAX,
		                                       .count = 1,
		                                       .bytes = 2,
		                                       .packed = (const uint8_t *)"\2\12" } };
}

static int feed(struct prs_plan *p, const struct prs_plan_record *r, struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 24);
	assert_int_equal(prs_plan_put(&b, r), 0);
	return prs_plan_feed(p, b.data, b.len, err);
}

/* An input of tables, whose files and schema are known. */
static struct prs_plan *begin(uint16_t kind)
{
	struct prs_plan *p = prs_plan_new();
	struct prs_plan_record records[] = { input(0, kind), root(0, 0), files(0, 0), schema(0, 0) };
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		assert_int_equal(feed(p, &records[i], NULL), 0);
	return p;
}

/* ---- what follows ------------------------------------------------------------------------------------------------ */

static void test_slices_that_follow(void **state)
{
	(void)state;
	static const struct {
		uint64_t id, file, offset, row, global_row;
		int want;
	} rows[] = {
		/* behind mini-batch 0: file 0, bytes 5-14, rows 3-4, of all 7-8 */
		{ 1, 0, 15, 5, 9, 0 },
		{ 1, 0, 99, 5, 9, 0 },  /* empty lines */
		{ 1, 0, 15, 8, 12, 0 }, /* rows that are left out */
		{ 1, 1, 0, 0, 9, 0 },
		{ 0, 0, 15, 5, 9, -PRS_ECORRUPT },
		{ 2, 0, 15, 5, 9, -PRS_ECORRUPT },
		{ 1, 0, 14, 5, 9, -PRS_ECORRUPT },
		{ 1, 0, 15, 4, 9, -PRS_ECORRUPT },
		{ 1, 0, 15, 5, 8, -PRS_ECORRUPT },
		{ 1, 1, 0, 0, 8, -PRS_ECORRUPT },
		{ 1, 2, 0, 0, 9, -PRS_ECORRUPT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prs_plan *p = begin(PRS_INPUT_DELIMITED);
		struct prs_plan_record r = slices(0, 0, 5, 3, 7);
		assert_int_equal(feed(p, &r, NULL), 0);
		r = slices(rows[i].id, rows[i].file, rows[i].offset, rows[i].row, rows[i].global_row);
		int got = feed(p, &r, NULL);
		if (got != rows[i].want)
			fail_msg("row %zu: %d", i, got);
		assert_int_equal(prs_plan_next_id(p), got ? 1 : 2);
		assert_int_equal(prs_plan_items(p), got ? 2 : 4);
		prs_plan_free(p);
	}
}

/* A plan does not go on in a file that was replaced or grew. */
static void test_slices_of_a_changed_file(void **state)
{
	(void)state;
	struct prs_plan *p = begin(PRS_INPUT_DELIMITED);
	struct prs_plan_record first = slices(0, 0, 5, 3, 7), grown = slices(1, 0, 15, 5, 9), later = grown;
	grown.u.slices.size--;
	later.u.slices.mtime_us++;
	assert_int_equal(feed(p, &first, NULL), 0);
	assert_int_equal(feed(p, &grown, NULL), -PRS_ECORRUPT);
	assert_int_equal(feed(p, &later, NULL), -PRS_ECORRUPT);
	later.u.slices.file = 1; /* another one */
	assert_int_equal(feed(p, &later, NULL), 0);
	prs_plan_free(p);
}

/* A file goes back to an earlier one; a spool of another life has offsets of its own. */
static void test_slices_of_later_files(void **state)
{
	(void)state;
	struct prs_plan *p = begin(PRS_INPUT_LINES);
	struct prs_plan_record first = slices(0, 1, 50, 3, 7), back = slices(1, 0, 99, 9, 9),
			       other = slices(1, 1, 0, 5, 9);
	first.u.slices.spool = 1;
	other.u.slices.spool = 1;
	assert_int_equal(feed(p, &first, NULL), 0);
	assert_int_equal(feed(p, &back, NULL), -PRS_ECORRUPT);
	assert_int_equal(feed(p, &other, NULL), -PRS_ECORRUPT);
	other.u.slices.spool = 2;
	assert_int_equal(feed(p, &other, NULL), 0);
	prs_plan_free(p);
}

static struct prs_plan_record group_of(const uint8_t *ranges, uint32_t n, uint32_t spool)
{
	return (struct prs_plan_record){
		.type = PRS_PLAN_TABLE_GROUP,
		.u.table_group = { .ranges = ranges, .ranges_n = n, .spool = spool, .keys = "k\0s", .keys_bytes = 4 }
	};
}

/* Records of tables in inputs of other kinds, and what else no plan can have. */
static void test_records_of_each_kind(void **state)
{
	(void)state;
	enum { TEXT = 1, PARQUET = 2, SPOOL = 4 }; /* what the record is about */
	static const struct {
		uint16_t kind;
		int slices, groups, rule, files_group; /* may be there */
	} rows[] = { { PRS_INPUT_FILES, 0, 0, 1, 0 },
		     { PRS_INPUT_DELIMITED, TEXT, TEXT, 0, 0 },
		     { PRS_INPUT_PARQUET, PARQUET, PARQUET, 0, 0 },
		     { PRS_INPUT_GROUPS, 0, 0, 0, 1 },
		     { PRS_INPUT_LINES, TEXT, TEXT, 0, 0 },
		     { PRS_INPUT_SPOOL, 0, SPOOL, 0, 0 } };
	static const uint8_t range[PRS_GROUP_RANGE_BYTES] = { [8] = 1 };
	static const struct prs_table_range text = { 0, 0, 10, 0, 0, 2, 0 }, parquet = { 0, 0, 0, 0, 0, 2, 0 },
					    spool = { PRS_NO_FILE, 0, 10, 0, 0, 2, 0 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool tables = rows[i].kind != PRS_INPUT_FILES && rows[i].kind != PRS_INPUT_GROUPS;
		struct prs_plan_record v[7];
		bool fits[7] = { rows[i].slices == TEXT,    rows[i].slices == PARQUET, rows[i].groups == TEXT,
			         rows[i].groups == PARQUET, rows[i].groups == SPOOL,   rows[i].rule,
			         rows[i].files_group };
		PRS_AUTOBUF ranges;
		prs_buf_init(&ranges, 1024);
		prs_table_range_put(&ranges, &text);
		prs_table_range_put(&ranges, &parquet);
		prs_table_range_put(&ranges, &spool);
		v[0] = slices(0, 0, 0, 0, 0);
		v[1] = v[0];
		v[1].type = PRS_PLAN_PARQUET;
		v[1].u.slices.count = 2; /* two numbers of rows, and no bytes */
		v[2] = group_of(ranges.data, 1, 0);
		v[3] = group_of(ranges.data + PRS_TABLE_RANGE_BYTES, 1, 0);
		v[4] = group_of(ranges.data + 2 * PRS_TABLE_RANGE_BYTES, 1, 1);
		v[5] = (struct prs_plan_record){ .type = PRS_PLAN_RULE, .u.rule = { .count = 1, .per = 2 } };
		v[6] = (struct prs_plan_record){ .type = PRS_PLAN_GROUP, .u.group = { 0, 0, 4, 1, range, "k\0s" } };
		for (size_t k = 0; k < 7; k++) {
			struct prs_plan *p = prs_plan_new();
			struct prs_plan_record before[] = { input(0, rows[i].kind), root(0, 0), files(0, 0),
				                            schema(0, 0) };
			for (size_t b = 0; b < 4; b++)
				assert_int_equal(feed(p, &before[b], NULL), b < 3 || tables ? 0 : -PRS_ECORRUPT);
			int got = feed(p, &v[k], NULL);
			if (got != (fits[k] ? 0 : -PRS_ECORRUPT))
				fail_msg("kind %u, record %zu: %d", rows[i].kind, k, got);
			prs_plan_free(p);
		}
	}
	struct prs_plan *p = prs_plan_new();
	struct prs_plan_record newer = input(0, PRS_INPUT_SPOOL + 1);
	assert_int_equal(feed(p, &newer, NULL), -PRS_EVERSION);
	prs_plan_free(p);
}

/* Files, schemas and numbers that are not those of the input. */
static void test_records_beyond_their_input(void **state)
{
	(void)state;
	struct prs_plan *p = begin(PRS_INPUT_DELIMITED);
	struct prs_plan_record next[] = { input(1, PRS_INPUT_DELIMITED), root(1, 1), files(1, 2), schema(1, 1) };
	next[2].u.files.flags = PRS_FILES_LAST; /* without sizes */
	for (size_t i = 0; i < sizeof next / sizeof *next; i++)
		assert_int_equal(feed(p, &next[i], NULL), 0);
	struct prs_table_range range = { 2, 0, 10, 0, 0, 2, 1 };
	PRS_AUTOBUF ranges;
	prs_buf_init(&ranges, 1024);
	prs_table_range_put(&ranges, &range);
	struct prs_plan_record good = slices(0, 2, 0, 0, 0), bad[16];
	unsigned n = 0;
	good.u.slices.input = 1;
	good.u.slices.schema = 1;
	bad[n] = good, bad[n++].u.slices.input = 2;
	bad[n] = good, bad[n].u.slices.input = 0, bad[n].u.slices.schema = 0,
	bad[n++].u.slices.file = 0; /* it is over */
	bad[n] = good, bad[n++].u.slices.file = 1;
	bad[n] = good, bad[n++].u.slices.file = 4;
	bad[n] = good, bad[n++].u.slices.schema = 0;
	bad[n] = good, bad[n++].u.slices.schema = 2;
	bad[n++] = schema(1, 1);
	bad[n++] = schema(3, 1);
	bad[n++] = schema(2, 0);
	bad[n] = schema(2, 1), bad[n++].u.schema.file = 1;
	bad[n] = group_of(ranges.data, 1, 0), bad[n++].u.table_group.input = 1; /* of a file without a size */
	for (unsigned i = 0; i < n; i++)
		if (feed(p, &bad[i], NULL) != -PRS_ECORRUPT)
			fail_msg("record %u was taken", i);
	assert_int_equal(feed(p, &good, NULL), 0);
	assert_int_equal(prs_plan_input_of(p, 0), 1);
	assert_int_equal(prs_plan_items_of(p, 1), 0);
	prs_plan_free(p);
}

static void test_groups_that_fit(void **state)
{
	(void)state;
	static const struct {
		struct prs_table_range range;
		uint64_t id;
		int want;
	} rows[] = {
		{ { 1, 0, 10, 0, 0, 2, 0 }, 0, 0 },
		{ { 1, 0, 10, 0, 0, 2, 0 }, 1, -PRS_ECORRUPT },
		{ { 2, 0, 10, 0, 0, 2, 0 }, 0, -PRS_ECORRUPT },
		{ { 1, 0, 10, 0, 0, 2, 1 }, 0, -PRS_ECORRUPT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prs_plan *p = begin(PRS_INPUT_DELIMITED);
		PRS_AUTOBUF ranges;
		prs_buf_init(&ranges, 1024);
		prs_table_range_put(&ranges, &rows[i].range);
		struct prs_plan_record r = group_of(ranges.data, 1, 0);
		r.u.table_group.id = rows[i].id;
		assert_int_equal(feed(p, &r, NULL), rows[i].want);
		assert_int_equal(prs_plan_next_id(p), rows[i].want == 0);
		prs_plan_free(p);
	}
	/* more rows than a mini-batch has */
	struct prs_plan *p = begin(PRS_INPUT_DELIMITED);
	PRS_AUTOBUF ranges;
	prs_buf_init(&ranges, 1024);
	struct prs_table_range most = { 0, 0, UINT32_MAX, 0, 0, UINT32_MAX, 0 },
			       more = { 1, 0, 10, 0, UINT32_MAX, 1, 0 };
	prs_table_range_put(&ranges, &most);
	prs_table_range_put(&ranges, &more);
	struct prs_plan_record r = group_of(ranges.data, 2, 0);
	assert_int_equal(feed(p, &r, NULL), -PRS_ECORRUPT);
	r.u.table_group.ranges_n = 1;
	assert_int_equal(feed(p, &r, NULL), 0);
	assert_int_equal(prs_plan_items_of(p, 0), UINT32_MAX);
	prs_plan_free(p);
}

/* ---- where rows are ---------------------------------------------------------------------------------------------- */

enum { MANY = 10000 };

static uint32_t rows_of(uint32_t k) { return 1 + k * 2654435761u % 300; }
static uint64_t bytes_of(uint32_t k) { return rows_of(k) * (UINT64_C(1) + k % 50); }

/* MANY mini-batches of one file, `per` to a record. */
static struct prs_plan *many(uint32_t per)
{
	struct prs_plan *p = begin(PRS_INPUT_DELIMITED);
	struct prs_plan_record r = slices(0, 0, 7, 0, 40);
	for (uint32_t k = 0; k < MANY; k += r.u.slices.count) {
		PRS_AUTOBUF packed;
		prs_buf_init(&packed, 1 << 20);
		r.u.slices.first_id = k;
		r.u.slices.count = per < MANY - k ? per : MANY - k;
		uint64_t bytes = 0, rows = 0;
		for (uint32_t i = k; i < k + r.u.slices.count; i++) {
			prs_slice_put(&packed, false, rows_of(i), bytes_of(i));
			bytes += bytes_of(i);
			rows += rows_of(i);
		}
		r.u.slices.packed = packed.data;
		r.u.slices.bytes = (uint32_t)packed.len;
		assert_int_equal(feed(p, &r, NULL), 0);
		r.u.slices.offset += bytes;
		r.u.slices.row += rows;
		r.u.slices.global_row += rows;
	}
	return p;
}

/* However they are spread over records. */
static void test_many_slices(void **state)
{
	(void)state;
	static const uint32_t pers[] = { 1, 31, 32, 33, 1000, MANY };
	for (size_t i = 0; i < sizeof pers / sizeof *pers; i++) {
		struct prs_plan *p = many(pers[i]);
		uint64_t offset = 7, row = 0;
		for (uint32_t k = 0; k < MANY; k++) {
			PRS_AUTOBUF body;
			prs_buf_init(&body, 4096);
			struct prs_task t = { .lease = 1 };
			assert_int_equal(prs_plan_items_of(p, k), rows_of(k));
			assert_int_equal(prs_plan_task(p, &(struct prs_unit){ k, 0, 0 }, &t, &body), 0);
			const uint8_t *range = body.data + 8 + PRS_TASK_FILE_BYTES;
			assert_int_equal(prs_get64(range), offset);
			assert_int_equal(prs_get64(range + 8), bytes_of(k));
			assert_int_equal(prs_get64(range + 16), row);
			assert_int_equal(prs_get64(range + 24), row + 40);
			assert_int_equal(prs_get32(range + 32), rows_of(k));
			assert_int_equal(t.global_row, row + 40);
			assert_int_equal(t.kind, PRS_TASK_SLICES);
			offset += bytes_of(k);
			row += rows_of(k);
		}
		assert_int_equal(prs_plan_items(p), row);
		assert_int_equal(prs_plan_next_id(p), MANY);
		prs_plan_free(p);
	}
}

/* A mini-batch of a large file takes what it takes on the disk, and little more, as small as the records are. */
static void test_memory(void **state)
{
	(void)state;
	enum { MOST = 9 };
	static const uint32_t pers[] = { 20, MANY };
	for (size_t i = 0; i < sizeof pers / sizeof *pers; i++) {
		struct mallinfo2 before = mallinfo2();
		struct prs_plan *p = many(pers[i]);
		struct mallinfo2 after = mallinfo2();
		size_t took = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
		prs_plan_free(p);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		assert_in_range(took, MANY, MANY * MOST);
#else
		(void)took;
#endif
	}
}

/* "/in/a 0+2 of 0+10 g5, ": rows, the bytes that they lie in, the row over the input */
static int plan_put_rows(void *ctx, const char *path, const struct prs_table_range *r, uint64_t line)
{
	struct prs_buf *to = ctx;
	assert_int_equal(line, 0);
	prs_buf_putf(to, "%s%s %llu+%u of %llu+%llu g%llu", to->len ? ", " : "", path, (unsigned long long)r->row,
	             r->rows, (unsigned long long)r->offset, (unsigned long long)r->bytes,
	             (unsigned long long)r->global_row);
	return 0;
}

static int plan_refuse_rows(void *ctx, const char *path, const struct prs_table_range *r, uint64_t line)
{
	(void)line;
	(void)path;
	(void)r;
	++*(int *)ctx;
	return -PRS_EIO;
}

/* Parts of a group: only the ranges that they have rows of, the row of the first, one file once. */
static void test_parts_of_a_group(void **state)
{
	(void)state;
	static const struct prs_table_range ranges[] = { { 0, 0, 10, 0, 0, 2, 0 },
		                                         { 0, 30, 20, 5, 5, 3, 0 },
		                                         { 1, 0, 40, 0, 9, 4, 0 },
		                                         { 1, 40, 40, 4, 13, 1, 1 } };
	static const struct {
		struct prs_unit u;
		uint32_t items, files, skip, ranges;
		uint64_t global_row;
		const char *detail, *each;
	} rows[] = {
		{ { 0, 0, 0 },
		  10,
		  3,
		  0,
		  4,
		  0,
		  "a rows 1-2, a rows 6-8, b rows 1-4, ... (10 rows)",
		  "/in/a 0+2 of 0+10 g0, /in/a 5+3 of 30+20 g5, /in/b 0+4 of 0+40 g9, /in/b 4+1 of 40+40 g13" },
		{ { 0, 0, 5 }, 5, 1, 0, 2, 0, "a rows 1-2, a rows 6-8", "/in/a 0+2 of 0+10 g0, /in/a 5+3 of 30+20 g5" },
		{ { 0, 1, 1 }, 1, 1, 1, 1, 1, "a row 2", "/in/a 1+1 of 0+10 g1" },
		{ { 0, 1, 2 }, 2, 1, 1, 2, 1, "a row 2, a row 6", "/in/a 1+1 of 0+10 g1, /in/a 5+1 of 30+20 g5" },
		{ { 0, 2, 3 }, 3, 1, 0, 1, 5, "a rows 6-8", "/in/a 5+3 of 30+20 g5" },
		{ { 0, 4, 2 }, 2, 2, 2, 2, 7, "a row 8, b row 1", "/in/a 7+1 of 30+20 g7, /in/b 0+1 of 0+40 g9" },
		{ { 0, 6, 9 }, 4, 2, 1, 2, 10, "b rows 2-4, b row 5", "/in/b 1+3 of 0+40 g10, /in/b 4+1 of 40+40 g13" },
		{ { 0, 9, 1 }, 1, 1, 0, 1, 13, "b row 5", "/in/b 4+1 of 40+40 g13" },
		{ { 0, 10, 1 }, 0, 0, 0, 0, 0, "", "" },
	};
	struct prs_plan *p = begin(PRS_INPUT_LINES);
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	for (size_t i = 0; i < 4; i++)
		prs_table_range_put(&b, &ranges[i]);
	struct prs_plan_record another = schema(1, 0), r = group_of(b.data, 4, 0);
	assert_int_equal(feed(p, &another, NULL), 0);
	assert_int_equal(feed(p, &r, NULL), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		PRS_AUTOBUF detail;
		PRS_AUTOBUF body;
		struct prs_task t = { .lease = 1 };
		prs_buf_init(&detail, 4096);
		prs_buf_init(&body, 4096);
		prs_plan_detail(p, &rows[i].u, 3, &detail);
		assert_string_equal(prs_buf_str(&detail), rows[i].detail);
		prs_buf_clear(&detail);
		assert_int_equal(prs_plan_each_rows(p, &rows[i].u, plan_put_rows, &detail), 0);
		assert_string_equal(prs_buf_str(&detail), rows[i].each);
		assert_int_equal(prs_plan_task(p, &rows[i].u, &t, &body), 0);
		assert_int_equal(t.items, rows[i].items);
		assert_int_equal(t.global_row, rows[i].global_row);
		assert_int_equal(t.keys_bytes, 4);
		assert_int_equal(prs_get32(body.data + 4), rows[i].files);
		assert_int_equal(prs_get32(body.data + 8), rows[i].skip);
		assert_int_equal(body.len, 4 + 8 + rows[i].files * (PRS_TASK_FILE_BYTES + sizeof "/in/a") +
		                                   rows[i].ranges * PRS_TASK_RANGE_BYTES);
	}
	int calls = 0;
	assert_int_equal(prs_plan_each_rows(p, &rows[0].u, plan_refuse_rows, &calls), -PRS_EIO);
	assert_int_equal(calls, 1);
	prs_plan_free(p);
}

/* Whichever allocation fails, it is told, and nothing stays behind. */
static void test_no_memory(void **state)
{
	(void)state;
#ifdef PRS_KILL_POINTS
	static const struct prs_table_range range = { 1, 0, 10, 0, 0, 2, 0 };
	PRS_AUTOBUF body;
	PRS_AUTOBUF ranges;
	PRS_AUTOBUF packed;
	prs_buf_init(&body, 1 << 20);
	prs_buf_init(&ranges, 1024);
	prs_buf_init(&packed, 1024);
	prs_table_range_put(&ranges, &range);
	for (int i = 0; i < 99; i++)
		prs_slice_put(&packed, false, 1, 2);
	struct prs_plan_record records[] = { input(0, PRS_INPUT_DELIMITED),
		                             root(0, 0),
		                             files(0, 0),
		                             schema(0, 0),
		                             slices(0, 0, 0, 0, 0),
		                             slices(99, 0, 198, 99, 99),
		                             group_of(ranges.data, 1, 0) };
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		if (records[i].type == PRS_PLAN_SLICES) {
			records[i].u.slices.packed = packed.data;
			records[i].u.slices.bytes = (uint32_t)packed.len;
			records[i].u.slices.count = 99;
		}
		records[i].u.table_group.id = records[i].type == PRS_PLAN_TABLE_GROUP ? 198
		                                                                      : records[i].u.table_group.id;
		assert_int_equal(prs_plan_put(&body, &records[i]), 0);
	}
	int r = -1;
	for (long n = 1; r; n++) {
		struct prs_plan *p = prs_plan_new();
		prs_mem_fault(n);
		r = prs_plan_feed(p, body.data, body.len, NULL);
		prs_mem_fault(0);
		assert_true(r == 0 || r == -PRS_ENOMEM);
		assert_int_equal(prs_plan_next_id(p) == 199, r == 0);
		prs_plan_free(p);
		assert_true(n > 12 || r);
	}
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices_that_follow),
		cmocka_unit_test(test_slices_of_a_changed_file),
		cmocka_unit_test(test_slices_of_later_files),
		cmocka_unit_test(test_records_of_each_kind),
		cmocka_unit_test(test_records_beyond_their_input),
		cmocka_unit_test(test_groups_that_fit),
		cmocka_unit_test(test_many_slices),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_parts_of_a_group),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
