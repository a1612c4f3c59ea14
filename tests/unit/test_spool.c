/* SPDX-License-Identifier: Apache-2.0
 * test_spool: texts that are not as they lie (gzip, zstd, UTF-16, UTF-32) are read in pieces of any size, damaged ones
 * are refused with their file; the spool is written and synced, or says what failed. Every call of a file function and
 * every allocation fails once.
 */
#include "base/mem.h"
#include "data/source.h"
#include "data/spool.h"
#include "data/unpack.h"
#include "data/utf.h"
#include "mem_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

enum { LINES = 40000, PACKED_MAX = 4 << 20 };
#define NAME "/in/a.csv"
#define SPOOL "/run/spool-1-0"

struct world {
	struct mem_fs *m;
	char *text; /* long enough for several pieces */
	size_t text_n;
	uint8_t *packed;
	size_t packed_n;
	struct prs_table_input table;
	struct prs_err err;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->m = mem_fs_new();
	w->m->fs.mkdir(w->m, "/in", 0755);
	w->m->fs.mkdir(w->m, "/run", 0755);
	w->text = malloc(LINES * 32);
	w->packed = malloc(PACKED_MAX);
	for (int i = 0; i < LINES; i++)
		w->text_n += (size_t)sprintf(w->text + w->text_n, "%d,\xc3\xbc %x\n", i, i * 2654435761u);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	assert_int_equal(mem_fs_open_files(w->m), 0);
	mem_fs_free(w->m);
	free(w->text);
	free(w->packed);
	free(w);
	return 0;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void pack_gzip(struct world *w, const void *p, size_t n)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (uint8_t *)(uintptr_t)p;
	z.avail_in = (unsigned)n;
	z.next_out = w->packed + w->packed_n;
	z.avail_out = (unsigned)(PACKED_MAX - w->packed_n);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	w->packed_n = PACKED_MAX - z.avail_out;
	deflateEnd(&z);
}

static void pack_zstd(struct world *w, const void *p, size_t n)
{
	size_t r = ZSTD_compress(w->packed + w->packed_n, PACKED_MAX - w->packed_n, p, n, 3);
	assert_false(ZSTD_isError(r));
	w->packed_n += r;
}

/* The text in another form, as iconv writes it. */
static void pack_units(struct world *w, unsigned width, bool high_first, bool mark)
{
	const uint8_t *p = (const uint8_t *)w->text, *end = p + w->text_n;
	for (bool first = mark; p < end; first = false) {
		unsigned code = first ? 0xfeff : p[0];
		if (!first && code >= 0x80) {
			code = (code & 0x1f) << 6 | (p[1] & 0x3f);
			p++;
		}
		p += !first;
		for (unsigned i = 0; i < width; i++)
			w->packed[w->packed_n++] = (uint8_t)(code >> 8 * (high_first ? width - 1 - i : i));
	}
}

static void put_packed(struct world *w, size_t n) { mem_fs_put(w->m, NAME, w->packed, n); }

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* The whole text in reads of `step` bytes; how many bytes it has, or the error. */
static long read_all(struct world *w, size_t step, char **ret)
{
	struct prs_source *s;
	char *to = malloc(LINES * 64);
	size_t n = 0;
	w->err = (struct prs_err){ 0 };
	*ret = to;
	int r = prs_source_open(&w->m->fs, NAME, &w->table, &s, &w->err);
	if (r < 0)
		return r;
	ssize_t got;
	while ((got = prs_source_read(s, to + n, step, n, &w->err)) > 0)
		n += (size_t)got;
	if (got == 0)
		got = prs_source_check(s, "when it was opened", &w->err);
	prs_source_close(s);
	return got < 0 ? got : (long)n;
}

static void check_text(struct world *w)
{
	static const size_t steps[] = { 4000, 131072, 131073, 1 << 20 };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		char *text;
		assert_int_equal(read_all(w, steps[i], &text), (long)w->text_n);
		assert_memory_equal(text, w->text, w->text_n);
		free(text);
	}
}

static void check_refused(struct world *w, int code, const char *say)
{
	char *text;
	long r = read_all(w, 65536, &text);
	free(text);
	assert_int_equal(r, -code);
	if (strcmp(w->err.msg, say) != 0)
		fail_msg("said \"%s\", not \"%s\"", w->err.msg, say);
}

static void test_plain(void **state)
{
	struct world *w = *state;
	struct prs_source *s;
	mem_fs_put(w->m, NAME, w->text, w->text_n);
	check_text(w);
	assert_int_equal(prs_source_open(&w->m->fs, NAME, &w->table, &s, &w->err), 0);
	assert_true(prs_source_is_plain(s));
	mem_fs_touch(w->m, NAME, 77);
	assert_int_equal(prs_source_check(s, "before", &w->err), -PRS_EINPUT_CHANGED);
	assert_string_equal(w->err.msg, NAME ": size or time of change is not as it was before");
	prs_source_close(s);
}

static void test_packed(void **state)
{
	struct world *w = *state;
	void (*const packs[])(struct world *, const void *, size_t) = { pack_gzip, pack_zstd };
	for (int k = 0; k < 2; k++) {
		w->packed_n = 0;
		packs[k](w, w->text, w->text_n);
		put_packed(w, w->packed_n);
		check_text(w);
		/* several members or frames are one text, an empty one among them */
		w->packed_n = 0;
		packs[k](w, w->text, 1000);
		packs[k](w, "", 0);
		packs[k](w, w->text + 1000, w->text_n - 1000);
		put_packed(w, w->packed_n);
		check_text(w);
	}
}

static void test_zeros_behind_gzip(void **state)
{
	struct world *w = *state;
	pack_gzip(w, w->text, w->text_n);
	memset(w->packed + w->packed_n, 0, 200000);
	put_packed(w, w->packed_n + 200000);
	check_text(w);
	w->packed[w->packed_n + 150000] = 7;
	put_packed(w, w->packed_n + 200000);
	check_refused(w, PRS_EINVALID, NAME ": the gzip data is damaged (something else stands behind its end)");
	w->packed[w->packed_n] = 'x';
	put_packed(w, w->packed_n + 1);
	check_refused(w, PRS_EINVALID, NAME ": the gzip data is damaged (something else stands behind its end)");
}

static void test_cut_off(void **state)
{
	struct world *w = *state;
	static const size_t left[] = { 20, 1000, 200000 };
	pack_gzip(w, w->text, w->text_n);
	for (size_t i = 0; i < 3; i++) {
		put_packed(w, left[i]);
		check_refused(w, PRS_EINVALID, NAME ": the gzip data ends in the middle: the file was cut off");
	}
	put_packed(w, w->packed_n - 1);
	check_refused(w, PRS_EINVALID, NAME ": the gzip data ends in the middle: the file was cut off");
	w->packed_n = 0;
	pack_zstd(w, w->text, w->text_n);
	for (size_t i = 0; i < 3; i++) {
		put_packed(w, left[i]);
		check_refused(w, PRS_EINVALID, NAME ": the zstd data ends in the middle: the file was cut off");
	}
}

static void test_damaged(void **state)
{
	struct world *w = *state;
	pack_gzip(w, w->text, w->text_n);
	w->packed[w->packed_n - 6] ^= 1; /* its sum */
	put_packed(w, w->packed_n);
	check_refused(w, PRS_EINVALID, NAME ": the gzip data is damaged (incorrect data check)");
	w->packed_n = 0;
	pack_zstd(w, w->text, w->text_n);
	w->packed[6] ^= 0xff;
	put_packed(w, w->packed_n);
	char *text;
	assert_int_equal(read_all(w, 65536, &text), -PRS_EINVALID);
	free(text);
	assert_non_null(strstr(w->err.msg, NAME ": the zstd data is damaged ("));
}

static void test_other_packers(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *bytes, *name;
		size_t n;
	} others[] = {
		{ "BZh91AY&SYxxx", "bzip2", 13 },
		{ "\xfd"
		  "7zXZ\0xx",
		  "xz", 8 },
		{ "PK\x03\x04xx", "zip", 6 },
		{ "PAR1xx", "Parquet", 6 },
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		char say[200];
		mem_fs_put(w->m, NAME, others[i].bytes, others[i].n);
		snprintf(say, sizeof say,
		         NAME " is a %s file: a table of text is read as it is, or compressed with gzip or zstd",
		         others[i].name);
		check_refused(w, PRS_EINVALID, say);
	}
	mem_fs_put(w->m, NAME, "BZh9,b\n1,2\n", 11);
	char *text;
	assert_int_equal(read_all(w, 100, &text), 11);
	free(text);
}

/* ---- UTF-16 and UTF-32 ------------------------------------------------------------------------------------------- */

static void test_units(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 8; i++) {
		unsigned width = i & 1 ? 4 : 2;
		bool mark = i & 4;
		w->packed_n = 0;
		pack_units(w, width, i & 2, mark);
		put_packed(w, w->packed_n);
		w->table.encoding = width == 2 ? PRS_ENCODING_UTF16 : PRS_ENCODING_UTF32;
		check_text(w);
		w->table.encoding = PRS_ENCODING_UTF8; /* the mark says it */
		if (mark)
			check_text(w);
	}
}

static void test_units_in_gzip(void **state)
{
	struct world *w = *state;
	uint8_t *units = malloc(PACKED_MAX);
	pack_units(w, 2, false, true);
	size_t n = w->packed_n;
	memcpy(units, w->packed, n);
	w->packed_n = 0;
	pack_gzip(w, units, n);
	put_packed(w, w->packed_n);
	check_text(w);
	w->packed_n = 0;
	pack_gzip(w, units, n - 1);
	put_packed(w, w->packed_n);
	char say[200];
	snprintf(say, sizeof say, NAME ": byte %zu of what it holds is no UTF-16: is its encoding another one?", n - 2);
	check_refused(w, PRS_EINVALID, say);
	free(units);
}

static void test_bad_units(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *bytes;
		size_t n;
		enum prs_encoding e;
		int at; /* < 0: good */
		const char *text;
	} cases[] = {
		{ "\x3d\xd8\x00\xde", 4, PRS_ENCODING_UTF16, -1, "\xf0\x9f\x98\x80" },
		{ "\xd8\x3d\xde\x00", 4, PRS_ENCODING_UTF16, -1,
		  "\xe3\xb7\x98\xc3\x9e" }, /* no mark, no ASCII: lower byte first */
		{ "\xfe\xff\xd8\x3d\xde\x00", 6, PRS_ENCODING_UTF16, -1, "\xf0\x9f\x98\x80" },
		{ "a\0\x3d\xd8"
		  "b\0",
		  6, PRS_ENCODING_UTF16, 2, NULL },
		{ "a\0\x00\xde"
		  "b\0",
		  6, PRS_ENCODING_UTF16, 2, NULL },
		{ "a\0\x3d\xd8", 4, PRS_ENCODING_UTF16, 2, NULL },
		{ "a\0b", 3, PRS_ENCODING_UTF16, 2, NULL },
		{ "a\0\0\0\x00\xd8\0\0", 8, PRS_ENCODING_UTF32, 4, NULL },
		{ "a\0\0\0\x00\x00\x11\0", 8, PRS_ENCODING_UTF32, 4, NULL },
		{ "\xff\xfe\x00\x00", 4, PRS_ENCODING_UTF16, -1, "" }, /* and a NUL */
		{ "\xff\xfe\xff\xfe", 4, PRS_ENCODING_UTF16, -1, "\xef\xbb\xbf" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char say[200], *text;
		w->table.encoding = cases[i].e;
		mem_fs_put(w->m, NAME, cases[i].bytes, cases[i].n);
		snprintf(say, sizeof say, NAME ": byte %d is no %s: is its encoding another one?", cases[i].at,
		         cases[i].e == PRS_ENCODING_UTF16 ? "UTF-16" : "UTF-32");
		if (cases[i].at >= 0) {
			check_refused(w, PRS_EINVALID, say);
			continue;
		}
		long n = read_all(w, 100, &text);
		assert_true(n >= 0);
		text[n] = 0;
		assert_string_equal(text, cases[i].text);
		free(text);
	}
}

/* Units in pieces of a byte. */
static void test_pieces_of_units(void **state)
{
	(void)state;
	static const char bytes[] = "\xff\xfe"
				    "a\0\x3d\xd8\x00\xde"
				    "b\0";
	struct prs_utf u;
	PRS_AUTOBUF to;
	prs_buf_init(&to, 100);
	prs_utf_init(&u, prs_utf_of((const uint8_t *)bytes, sizeof bytes - 1, 2));
	for (size_t i = 0; i < sizeof bytes - 1; i++)
		assert_int_equal(prs_utf_feed(&u, (const uint8_t *)bytes + i, 1, &to), 0);
	assert_int_equal(prs_utf_finish(&u), 0);
	assert_string_equal(prs_buf_str(&to), "a\xf0\x9f\x98\x80"
	                                      "b");
}

/* ---- offsets, sizes ---------------------------------------------------------------------------------------------- */

static void test_back_and_forth(void **state)
{
	struct world *w = *state;
	struct prs_source *s;
	char bytes[50];
	static const size_t offsets[] = { 0, 400000, 10, 390000, 390010, 5 };
	pack_zstd(w, w->text, w->text_n);
	put_packed(w, w->packed_n);
	assert_int_equal(prs_source_open(&w->m->fs, NAME, &w->table, &s, &w->err), 0);
	assert_false(prs_source_is_plain(s));
	assert_string_equal(prs_source_kind(s), "zstd");
	assert_int_equal(prs_source_least(s, &w->err), w->text_n);
	for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		assert_int_equal(prs_source_read(s, bytes, sizeof bytes, offsets[i], &w->err), sizeof bytes);
		assert_memory_equal(bytes, w->text + offsets[i], sizeof bytes);
	}
	assert_int_equal(prs_source_read(s, bytes, sizeof bytes, w->text_n - 7, &w->err), 7);
	assert_int_equal(prs_source_read(s, bytes, sizeof bytes, w->text_n + 7, &w->err), 0);
	prs_source_close(s);
}

static void test_least(void **state)
{
	struct world *w = *state;
	struct prs_source *s;
	pack_gzip(w, w->text, w->text_n);
	uint64_t least[] = { w->text_n, 0 };
	for (int i = 0; i < 2; i++) {
		put_packed(w, w->packed_n);
		assert_int_equal(prs_source_open(&w->m->fs, NAME, &w->table, &s, &w->err), 0);
		assert_int_equal(prs_source_least(s, &w->err), least[i]);
		prs_source_close(s);
		memset(w->packed + w->packed_n - 4, 0xff, 4); /* 4 GiB of text in some KB: that is never so */
	}
}

/* ---- the spool --------------------------------------------------------------------------------------------------- */

static int put_spool(struct world *w, struct prs_spool *s, size_t n)
{
	int r = 0;
	for (size_t at = 0; r == 0 && at < n; at += 1000)
		r = prs_spool_put(s, w->text + at % 100000, 1000, &w->err);
	return r < 0 ? r : prs_spool_sync(s, &w->err);
}

static void check_spool(struct world *w, size_t n)
{
	uint64_t got;
	const uint8_t *p = mem_fs_bytes(w->m, SPOOL, &got);
	assert_int_equal(got, n);
	for (size_t at = 0; at < n; at += 1000)
		assert_memory_equal(p + at, w->text + at % 100000, 1000);
}

static void test_spool(void **state)
{
	struct world *w = *state;
	struct prs_spool s;
	prs_spool_init(&s, &w->m->fs, SPOOL);
	assert_int_equal(prs_spool_sync(&s, &w->err), 0);
	assert_false(mem_fs_has(w->m, SPOOL)); /* nobody needed it */
	assert_int_equal(put_spool(w, &s, 3000000), 0);
	assert_int_equal(s.bytes, 3000000);
	unsigned syncs = w->m->calls[MEM_FDATASYNC];
	assert_int_equal(prs_spool_sync(&s, &w->err), 0);
	assert_int_equal(w->m->calls[MEM_FDATASYNC], syncs);
	check_spool(w, 3000000);
	prs_spool_done(&s);
	/* one that is there is another life's */
	prs_spool_init(&s, &w->m->fs, SPOOL);
	assert_true(put_spool(w, &s, 1000) < 0);
	check_spool(w, 3000000);
	prs_spool_done(&s);
	prs_spool_init(&s, &w->m->fs, NULL);
	assert_int_equal(put_spool(w, &s, 1000), 0);
	assert_int_equal(s.bytes, 1000);
	prs_spool_done(&s);
}

static void test_spool_faults(void **state)
{
	struct world *w = *state;
	static const enum mem_op ops[] = { MEM_OPEN, MEM_SYNC_DIR, MEM_PWRITE, MEM_FDATASYNC };
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		for (unsigned nth = 0;; nth++) {
			struct prs_spool s;
			prs_spool_init(&s, &w->m->fs, SPOOL);
			mem_fs_fail(w->m, ops[i], ops[i] == MEM_SYNC_DIR ? "/run" : "spool", nth, ENOSPC);
			w->err = (struct prs_err){ 0 };
			int r = put_spool(w, &s, 3000000);
			prs_spool_done(&s);
			mem_fs_fail(w->m, ops[i], "", 0, 0);
			w->m->fs.unlink(w->m, SPOOL);
			if (r == 0) {
				assert_true(nth > 0);
				break;
			}
			assert_int_equal(r, -PRS_ENOSPACE);
			assert_non_null(strstr(w->err.msg, "writing " SPOOL ", which holds the rows"));
		}
}

static void test_room(void **state)
{
	struct world *w = *state;
	struct prs_spool s;
	w->m->space = 1000;
	prs_spool_init(&s, &w->m->fs, SPOOL);
	assert_int_equal(prs_spool_room(&s, 1000, NAME, &w->err), 0);
	assert_int_equal(prs_spool_room(&s, 1001, NAME, &w->err), -PRS_ENOSPACE);
	assert_string_equal(w->err.msg,
	                    NAME " needs at least 1001 bytes in /run, where 1000 are free: make room, then resume");
	prs_spool_done(&s);
	prs_spool_init(&s, &w->m->fs, NULL);
	assert_int_equal(prs_spool_room(&s, 1001, NAME, &w->err), 0);
	prs_spool_done(&s);
	w->m->space = UINT64_MAX;
}

/* ---- faults of reading ------------------------------------------------------------------------------------------- */

static void test_source_faults(void **state)
{
	struct world *w = *state;
	static const enum mem_op ops[] = { MEM_OPEN, MEM_PREAD, MEM_FSTAT };
	char *text;
	pack_gzip(w, w->text, w->text_n);
	put_packed(w, w->packed_n);
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		for (unsigned nth = 0;; nth++) {
			mem_fs_fail(w->m, ops[i], NAME, nth, EIO);
			long r = read_all(w, 65536, &text);
			free(text);
			mem_fs_fail(w->m, ops[i], "", 0, 0);
			if (r == (long)w->text_n)
				break;
			assert_int_equal(r, -PRS_EIO);
			assert_non_null(strstr(w->err.msg, NAME));
		}
}

static void test_memory(void **state)
{
	struct world *w = *state;
	uint8_t *units = malloc(PACKED_MAX);
	char *text;
	pack_units(w, 4, true, true);
	size_t n = w->packed_n;
	memcpy(units, w->packed, n);
	w->packed_n = 0;
	pack_gzip(w, units, n);
	put_packed(w, w->packed_n);
	free(units);
	for (long nth = 1;; nth++) {
		prs_mem_fault(nth);
		long r = read_all(w, 65536, &text);
		prs_mem_fault(0);
		free(text);
		if (r == (long)w->text_n)
			break;
		assert_int_equal(r, -PRS_ENOMEM);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_plain),           TEST(test_packed),         TEST(test_zeros_behind_gzip),
		TEST(test_cut_off),         TEST(test_damaged),        TEST(test_other_packers),
		TEST(test_units),           TEST(test_units_in_gzip),  TEST(test_bad_units),
		TEST(test_pieces_of_units), TEST(test_back_and_forth), TEST(test_least),
		TEST(test_spool),           TEST(test_spool_faults),   TEST(test_room),
		TEST(test_source_faults),   TEST(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
