/* SPDX-License-Identifier: Apache-2.0
 * test_sorter: values of partition keys and their order; records come out by key, in memory and merged from blocks in a
 * file, which every call of a file function and every allocation may spoil.
 */
#include "base/mem.h"
#include "data/key.h"
#include "data/sorter.h"
#include "mem_fs.h"
#include "wire/plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SORT "/run/spool-1-0.sort"

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static int key_of(const char *cell, enum prs_type type, struct prs_buf *to)
{
	return prs_key_put_cell(to, (const uint8_t *)cell, strlen(cell), type, PRS_ENCODING_UTF8, false);
}

/* The cells of a type by order, what a plan has of each; "=" in front: the same key as the one before. */
struct ranked {
	enum prs_type type;
	const char *cells[24][2];
};

static const struct ranked ranked[] = {
	{ PRS_TYPE_INT,
	  { { "-inf", "f-inf" },
	    { "-1e19", "f-1e+19" },
	    { "-9223372036854775808", "i-9223372036854775808" },
	    { "-1e3", "i-1000" },
	    { "-1.5", "f-1.5" },
	    { "-1", "i-1" },
	    { "-0.5", "f-0.5" },
	    { "0", "i0" },
	    { "=-0", "i0" },
	    { "=-0.0", "i0" },
	    { "0.5", "f0.5" },
	    { "2", "i2" },
	    { "= +002\t", "i2" },
	    { "=2.0", "i2" },
	    { "2.25", "f2.25" },
	    { "10", "i10" },
	    { "9007199254740993", "i9007199254740993" },
	    { "9223372036854775807", "i9223372036854775807" },
	    { "1e19", "f1e+19" },
	    { "1e400", "finf" },
	    { "", "n" },
	    { "=NA", "n" } } },
	{ PRS_TYPE_FLOAT,
	  { { "-inf", "f-inf" },
	    { "-1e300", "f-1e+300" },
	    { "-2", "f-2.0" },
	    { "-1e-5", "f-1e-05" },
	    { "0", "f0.0" },
	    { "=-0.0", "f0.0" },
	    { "0.0001", "f0.0001" },
	    { "0.1", "f0.1" },
	    { "0.30000000000000004", "f0.30000000000000004" },
	    { "1", "f1.0" },
	    { "=1e0", "f1.0" },
	    { "123456789.125", "f123456789.125" },
	    { "1e15", "f1000000000000000.0" },
	    { "1e16", "f1e+16" },
	    { "1.5e300", "f1.5e+300" },
	    { "Infinity", "finf" },
	    { "None", "n" } } },
	{ PRS_TYPE_BOOL, { { "False", "bfalse" }, { "=FALSE", "bfalse" }, { "true", "btrue" }, { "", "n" } } },
	{ PRS_TYPE_DATE,
	  { { "1678-01-01", "d1678-01-01T00:00:00" },
	    { "2024-02-29", "d2024-02-29T00:00:00" },
	    { "=2024-02-29 00", "d2024-02-29T00:00:00" },
	    { "=2024-02-29T00:00:00.000000000", "d2024-02-29T00:00:00" },
	    { "2024-02-29 00:00:00.5", "d2024-02-29T00:00:00.500000" },
	    { "2024-02-29 10:30", "d2024-02-29T10:30:00" },
	    { "2024-03-01", "d2024-03-01T00:00:00" },
	    { " ", "n" } } },
	{ PRS_TYPE_STRING,
	  { { " ", "s " },
	    { "10", "s10" },
	    { "2", "s2" },
	    { "NA", "sNA" },
	    { "a", "sa" },
	    { "ab", "sab" },
	    { "b", "sb" },
	    { "\xc3\xbc", "s\xc3\xbc" },
	    { "", "n" } } },
};

static void check_text(const struct prs_buf *key, const char *text)
{
	PRS_AUTOBUF to;
	prs_buf_init(&to, 1000);
	assert_int_equal(prs_key_take_value(key->data, key->len, &to), key->len);
	if (strcmp(prs_buf_str(&to), text) != 0)
		fail_msg("is \"%s\", not \"%s\"", prs_buf_str(&to), text);
	/* and as a plan has it, it is the same key; an integral float of an int column is an integer there */
	PRS_AUTOBUF again;
	prs_buf_init(&again, 1000);
	if (key->data[0] == 2 && text[0] == PRS_KEY_FLOAT)
		return;
	assert_int_equal(prs_key_put_value(&again, text), 0);
	assert_int_equal(again.len, key->len);
	assert_memory_equal(again.data, key->data, key->len);
}

static int compare(const struct prs_buf *a, const struct prs_buf *b)
{
	int c = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
	return c ? c : (a->len > b->len) - (a->len < b->len);
}

static void test_order_of_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ranked / sizeof *ranked; i++) {
		PRS_AUTOBUF last;
		prs_buf_init(&last, 1000);
		for (size_t k = 0; ranked[i].cells[k][0]; k++) {
			const char *cell = ranked[i].cells[k][0];
			bool same = cell[0] == '=';
			PRS_AUTOBUF key;
			prs_buf_init(&key, 1000);
			assert_int_equal(key_of(cell + same, ranked[i].type, &key), 0);
			check_text(&key, ranked[i].cells[k][1]);
			if (k && (same ? compare(&last, &key) != 0 : compare(&last, &key) >= 0))
				fail_msg("%s is not behind, or not equal to, what stands before it", cell);
			prs_buf_clear(&last);
			prs_buf_put(&last, key.data, key.len);
		}
	}
}

static void test_misfits(void **state)
{
	(void)state;
	static const struct {
		const char *cell;
		enum prs_type type;
	} cases[] = {
		{ "x", PRS_TYPE_INT },
		{ "9223372036854775808", PRS_TYPE_INT },
		{ "true", PRS_TYPE_INT },
		{ "9007199254740993", PRS_TYPE_FLOAT },
		{ "2024-01-01", PRS_TYPE_FLOAT },
		{ "1", PRS_TYPE_BOOL },
		{ "2024-02-30", PRS_TYPE_DATE },
		{ "\xff", PRS_TYPE_STRING },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		PRS_AUTOBUF key;
		prs_buf_init(&key, 1000);
		assert_int_equal(key_of(cases[i].cell, cases[i].type, &key), -PRS_EVALUE_MISFIT);
	}
}

static void test_texts(void **state)
{
	(void)state;
	PRS_AUTOBUF key;
	PRS_AUTOBUF to;
	prs_buf_init(&key, 1000);
	prs_buf_init(&to, 1000);
	/* a NUL is no text; Latin-1 becomes UTF-8; an empty cell is a text where that was said */
	assert_int_equal(prs_key_put_cell(&key, (const uint8_t *)"a\0b", 3, PRS_TYPE_STRING, PRS_ENCODING_UTF8, false),
	                 -PRS_EVALUE_MISFIT);
	prs_buf_clear(&key);
	assert_int_equal(prs_key_put_cell(&key, (const uint8_t *)"\xfc", 1, PRS_TYPE_STRING, PRS_ENCODING_LATIN1,
	                                  false),
	                 0);
	prs_key_put_cell(&key, (const uint8_t *)"", 0, PRS_TYPE_STRING, PRS_ENCODING_UTF8, true);
	prs_key_put_null(&key);
	size_t at = prs_key_take_value(key.data, key.len, &to);
	prs_buf_putc(&to, '|');
	at += prs_key_take_value(key.data + at, key.len - at, &to);
	prs_buf_putc(&to, '|');
	at += prs_key_take_value(key.data + at, key.len - at, &to);
	assert_int_equal(at, key.len);
	assert_string_equal(prs_buf_str(&to), "s\xc3\xbc|s|n");
}

/* No value is the beginning of another: several keys are compared as one. */
static void test_several_keys(void **state)
{
	(void)state;
	static const char *const by_order[][2] = { { "a", "z" },  { "a", "" }, { "ab", "a" },
		                                   { "ab", "b" }, { "", "a" }, { "", "" } };
	PRS_AUTOBUF last;
	prs_buf_init(&last, 1000);
	for (size_t i = 0; i < sizeof by_order / sizeof *by_order; i++) {
		PRS_AUTOBUF key;
		prs_buf_init(&key, 1000);
		assert_int_equal(key_of(by_order[i][0], PRS_TYPE_STRING, &key), 0);
		assert_int_equal(key_of(by_order[i][1], PRS_TYPE_STRING, &key), 0);
		assert_true(!i || compare(&last, &key) < 0);
		prs_buf_clear(&last);
		prs_buf_put(&last, key.data, key.len);
	}
}

/* ---- the sorter -------------------------------------------------------------------------------------------------- */

enum { RECORDS = 3000, KEYS = 37, BLOCK = 20000 };

struct world {
	struct mem_fs *m;
	const char *raw; /* of the record that is added */
	bool some;       /* only keys that 3 divides are wanted */
	char want[RECORDS * 32];
	struct prs_buf got;
	struct prs_err err;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->m = mem_fs_new();
	w->m->fs.mkdir(w->m, "/run", 0755);
	prs_buf_init(&w->got, 10 << 20);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	assert_int_equal(mem_fs_open_files(w->m), 0);
	assert_false(mem_fs_has(w->m, SORT));
	prs_buf_done(&w->got);
	mem_fs_free(w->m);
	free(w);
	return 0;
}

static int on_key(void *ctx, struct prs_buf *to, struct prs_err *err)
{
	struct world *w = ctx;
	(void)err;
	int r = key_of(w->raw, PRS_TYPE_INT, to);
	return r == 0 && w->some && atoi(w->raw) % 3 ? PRS_SORTER_UNWANTED : r;
}

/* Keys in any order, each written in two ways. */
static unsigned key_number(unsigned i) { return i * 2654435761u / 65536 % KEYS; }

static int add_records(struct world *w, struct prs_sorter *s, unsigned n)
{
	char raw[16], text[32];
	int r = 0;
	for (unsigned i = 0; r == 0 && i < n; i++) {
		w->raw = raw;
		snprintf(raw, sizeof raw, i % 3 ? "%u" : "%u.0", key_number(i));
		struct prs_sorter_record rec = {
			.raw = (const uint8_t *)raw,
			.raw_n = strlen(raw),
			.p = (const uint8_t *)text,
			.n = (size_t)snprintf(text, sizeof text, "%s,%u\n", raw, i),
			.origin = { .file = i / 1000,
			            .row = i % 1000,
			            .line = i % 1000 + 2,
			            .offset = i * 10,
			            .bytes = 9 },
			.global_row = i,
		};
		r = prs_sorter_add(s, &rec, &w->err);
	}
	return r;
}

/* "key rows first-global-row: record origin, ..." of each key, as it should be. */
static void make_want(struct world *w, unsigned n)
{
	char *to = w->want;
	for (unsigned k = 0; k < KEYS; k++) {
		unsigned rows = 0, first = 0;
		for (unsigned i = n; i-- > 0;)
			if (key_number(i) == k) {
				rows++;
				first = i;
			}
		if (!rows)
			continue;
		to += sprintf(to, "i%u %u %u\n", k, rows, first);
		for (unsigned i = 0; i < n; i++)
			if (key_number(i) == k)
				to += sprintf(to, i % 3 ? "%u,%u\n" : "%u.0,%u\n", k, i);
		for (unsigned i = 0; i < n; i++)
			if (key_number(i) == k)
				to += sprintf(to, "%u:%u:%u:%u+9\n", i / 1000, i % 1000, i % 1000 + 2, i * 10);
	}
	*to = 0;
}

static int put(void *buf, const void *bytes, size_t n, struct prs_err *err)
{
	(void)err;
	return prs_buf_put(buf, bytes, n);
}

static int take_group(struct world *w, struct prs_sorter *s, const struct prs_sorted *g)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, 1 << 20);
	prs_key_take_value(g->key, g->key_n, &w->got);
	prs_buf_putf(&w->got, " %u %u\n", (unsigned)g->rows, (unsigned)g->global_row);
	int r = prs_sorter_put(s, put, &text, &w->err);
	if (r < 0)
		return r;
	assert_int_equal(text.len, g->bytes + g->origins_bytes);
	prs_buf_put(&w->got, text.data, g->bytes);
	struct prs_reader origins = { text.data + g->bytes, g->origins_bytes, false };
	struct prs_origin o = { 0 };
	for (uint64_t i = 0; i < g->rows; i++) {
		prs_origin_next(&origins, &o);
		prs_buf_putf(&w->got, "%u:%u:%u:%u+%u\n", (unsigned)o.file, (unsigned)o.row, (unsigned)o.line,
		             (unsigned)o.offset, (unsigned)o.bytes);
	}
	assert_false(origins.bad);
	assert_int_equal(origins.left, 0);
	return 0;
}

/* every: of the keys only each so manyth is taken */
static int sort(struct world *w, const char *path, size_t block, unsigned n, unsigned every)
{
	prs_buf_clear(&w->got);
	w->err = (struct prs_err){ 0 };
	struct prs_sorter *s = prs_sorter_new(&w->m->fs, path, block, on_key, w);
	if (!s)
		return -PRS_ENOMEM;
	struct prs_sorted g;
	int r = add_records(w, s, n);
	if (r == 0)
		r = prs_sorter_end(s, &w->err);
	for (unsigned i = 0; r == 0 && (r = prs_sorter_next(s, &g, &w->err)) == 1; i++)
		r = i % every ? 0 : take_group(w, s, &g);
	prs_sorter_free(s);
	return r;
}

static void check(struct world *w, unsigned n)
{
	make_want(w, n);
	assert_string_equal(prs_buf_str(&w->got), w->want);
}

static void test_in_memory(void **state)
{
	struct world *w = *state;
	static const unsigned records[] = { 0, 1, 100, RECORDS };
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		assert_int_equal(sort(w, SORT, PRS_SORTER_BLOCK_BYTES, records[i], 1), 0);
		check(w, records[i]);
	}
	assert_int_equal(w->m->calls[MEM_PWRITE], 0);
}

static void test_blocks(void **state)
{
	struct world *w = *state;
	static const size_t blocks[] = { 1, 5000, BLOCK, 90000 };
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
		assert_int_equal(sort(w, SORT, blocks[i], RECORDS, 1), 0);
		check(w, RECORDS);
		assert_false(mem_fs_has(w->m, SORT));
	}
	assert_true(w->m->calls[MEM_PWRITE] > 4);
}

/* Keys that nobody takes are passed over. */
static void test_passed_over(void **state)
{
	struct world *w = *state;
	static const size_t blocks[] = { BLOCK, PRS_SORTER_BLOCK_BYTES };
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
		assert_int_equal(sort(w, SORT, blocks[i], RECORDS, 3), 0);
		make_want(w, RECORDS);
		char *got = strdup(prs_buf_str(&w->got)), *at = strstr(w->want, "i3 ");
		assert_non_null(at);
		assert_int_equal(strncmp(got, w->want, (size_t)(strstr(w->want, "i1 ") - w->want)), 0);
		assert_non_null(strstr(got, "\ni3 "));
		assert_null(strstr(got, "\ni4 "));
		free(got);
	}
}

/* Records that nobody wants are not there; those of other keys are as they are without them. */
static void test_unwanted(void **state)
{
	struct world *w = *state;
	static const size_t blocks[] = { 1, BLOCK, PRS_SORTER_BLOCK_BYTES };
	PRS_AUTOBUF want;
	prs_buf_init(&want, 10 << 20);
	make_want(w, RECORDS);
	for (char *at = w->want; *at;) {
		bool wanted = atoi(at + 1) % 3 == 0;
		do {
			char *end = strchr(at, '\n') + 1;
			if (wanted)
				prs_buf_put(&want, at, (size_t)(end - at));
			at = end;
		} while (*at && *at != 'i');
	}
	w->some = true;
	for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
		assert_int_equal(sort(w, SORT, blocks[i], RECORDS, 1), 0);
		assert_string_equal(prs_buf_str(&w->got), prs_buf_str(&want));
	}
}

/* Without a place for blocks there are the keys, and how many rows each has. */
static void test_counted(void **state)
{
	struct world *w = *state;
	unsigned rows = 0, keys = 0;
	struct prs_sorted g;
	struct prs_sorter *s = prs_sorter_new(&w->m->fs, NULL, BLOCK, on_key, w);
	assert_int_equal(add_records(w, s, RECORDS), 0);
	assert_int_equal(prs_sorter_end(s, &w->err), 0);
	while (prs_sorter_next(s, &g, &w->err) == 1) {
		rows += (unsigned)g.rows;
		keys++;
	}
	assert_int_equal(rows, RECORDS);
	assert_int_equal(keys, KEYS);
	prs_sorter_free(s);
}

static void test_faults(void **state)
{
	struct world *w = *state;
	static const enum mem_op ops[] = { MEM_OPEN, MEM_UNLINK, MEM_PWRITE, MEM_PREAD };
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		for (unsigned nth = 0;; nth++) {
			mem_fs_fail(w->m, ops[i], "", nth, EIO);
			int r = sort(w, SORT, BLOCK, RECORDS, 1);
			mem_fs_fail(w->m, ops[i], "", 0, 0);
			w->m->fs.unlink(w->m, SORT);
			if (r == 0) {
				assert_true(nth > 0);
				break;
			}
			assert_int_equal(r, -PRS_EIO);
			assert_non_null(strstr(w->err.msg, SORT));
		}
	check(w, RECORDS);
}

static void test_memory(void **state)
{
	struct world *w = *state;
	for (long nth = 1;; nth++) {
		prs_mem_fault(nth);
		int r = sort(w, SORT, BLOCK, 1000, 1);
		prs_mem_fault(0);
		if (r == 0)
			break;
		assert_int_equal(r, -PRS_ENOMEM);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_values),
		cmocka_unit_test(test_misfits),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_several_keys),
		TEST(test_in_memory),
		TEST(test_blocks),
		TEST(test_passed_over),
		TEST(test_unwanted),
		TEST(test_counted),
		TEST(test_faults),
		TEST(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
