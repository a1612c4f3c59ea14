/* SPDX-License-Identifier: Apache-2.0
 * test_log: a journal cut at every byte, every byte flipped, unsynced pages swapped, zeros behind: the right prefix or
 * a refusal.
 */
#include "base/mem.h"
#include "io/fs_posix.h"
#include "store/log.h"
#include "mem_fs.h"
#include "wire/facts.h"
#include "wire/seg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <errno.h>

#include <cmocka.h>

enum { FRAMES = 6, FACTS_A_FRAME = 2 };

static const struct prs_run_id run = { "0123456789abcde" };

struct world {
	char dir[64], path[96];
	uint8_t *bytes;
	size_t n;
	uint64_t ends[FRAMES + 1]; /* ends[i] = length of the file with i frames */
};

static void put_frame(struct prs_log *l, unsigned i)
{
	struct prs_buf b;
	prs_buf_init(&b, PRS_FRAME_MAX_BYTES);
	prs_log_begin(&b);
	for (unsigned k = 0; k < FACTS_A_FRAME; k++) {
		struct prs_fact f = { .type = PRS_FACT_FAILED, .time_us = 1000 + i };
		f.u.failed.unit.id = i * FACTS_A_FRAME + k;
		prs_fact_put(&b, &f);
	}
	uint64_t at = prs_log_place(l, &b);
	assert_int_equal(prs_log_commit(l, &b, at, NULL), 0);
	prs_buf_done(&b);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct prs_log l;
	snprintf(w->dir, sizeof w->dir, "/tmp/prs-test-log-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof w->path, "%s/journal-1", w->dir);
	assert_int_equal(prs_log_create(&l, &prs_fs_posix, w->path, PRS_FILE_JOURNAL, &run, 4096, NULL), 0);
	w->ends[0] = l.tail;
	for (unsigned i = 0; i < FRAMES; i++) {
		put_frame(&l, i);
		w->ends[i + 1] = l.tail;
	}
	prs_log_close(&l);
	FILE *f = fopen(w->path, "rb");
	w->bytes = malloc(1 << 16);
	w->n = fread(w->bytes, 1, 1 << 16, f);
	fclose(f);
	assert_int_equal(w->n, w->ends[FRAMES]);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	unlink(w->path);
	rmdir(w->dir);
	free(w->bytes);
	free(w);
	return 0;
}

static void write_file(struct world *w, const uint8_t *bytes, size_t n)
{
	FILE *f = fopen(w->path, "wb");
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

/* Counts facts and checks that they are 0, 1, 2 ... */
static int count_fact(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)offset;
	uint64_t *next = ctx;
	struct prs_fact f;
	size_t at = 0;
	int r;
	while ((r = prs_fact_next(body, n, &at, &f, err)) == 1) {
		assert_int_equal(f.type, PRS_FACT_FAILED);
		assert_int_equal(f.u.failed.unit.id, (*next)++);
	}
	return r;
}

/* Scans; returns the result, *ret_facts, *ret_length. */
static int scan(struct world *w, uint64_t sealed, uint64_t *ret_facts, uint64_t *ret_length, struct prs_err *err)
{
	*ret_facts = *ret_length = 0;
	return prs_log_scan(&prs_fs_posix, w->path, PRS_FILE_JOURNAL, &run, sealed, count_fact, ret_facts, ret_length,
	                    err);
}

static unsigned whole_frames(const struct world *w, uint64_t n)
{
	unsigned i = 0;
	while (i < FRAMES && w->ends[i + 1] <= n)
		i++;
	return i;
}

static void test_cut_at_every_byte(void **state)
{
	struct world *w = *state;
	uint64_t facts, length;
	for (size_t n = 0; n <= w->n; n++) {
		struct prs_err err = { 0 };
		write_file(w, w->bytes, n);
		int r = scan(w, UINT64_MAX, &facts, &length, &err);
		assert_int_equal(r, 0);
		assert_int_equal(facts, whole_frames(w, n) * FACTS_A_FRAME);
		assert_int_equal(length, n < w->ends[0] ? 0 : w->ends[whole_frames(w, n)]);
		r = scan(w, w->n, &facts, &length, &err); /* sealed at its whole length */
		assert_int_equal(r, n == w->n ? 0 : -PRS_ECORRUPT);
	}
}

/* Frame k says that all before it was synced: damage there is refused, except in the last frame, which may be a torn
 * tail. */
static void test_every_byte_flipped(void **state)
{
	struct world *w = *state;
	uint64_t facts, length;
	for (size_t i = 0; i < w->n; i++) {
		struct prs_err err = { 0 };
		w->bytes[i] ^= 0xff;
		write_file(w, w->bytes, w->n);
		w->bytes[i] ^= 0xff;
		int r = scan(w, UINT64_MAX, &facts, &length, &err);
		if (i >= w->ends[FRAMES - 1]) {
			assert_int_equal(r, 0);
			assert_int_equal(length, w->ends[FRAMES - 1]);
		} else {
			assert_int_equal(r, -PRS_ECORRUPT);
			assert_non_null(strstr(err.msg, i < PRS_FILE_HEADER_BYTES ? w->path : "offset"));
		}
	}
}

static void test_zeros_behind(void **state)
{
	struct world *w = *state;
	uint64_t facts, length;
	struct prs_err err = { 0 };
	uint8_t *longer = calloc(1, w->n + 4096);
	memcpy(longer, w->bytes, w->n);
	write_file(w, longer, w->n + 4096);
	assert_int_equal(scan(w, UINT64_MAX, &facts, &length, &err), 0);
	assert_int_equal(length, w->n);
	assert_int_equal(facts, FRAMES * FACTS_A_FRAME);
	assert_int_equal(scan(w, w->n, &facts, &length, &err), 0);
	free(longer);
}

/* The last two frames in each other's place: their own offsets do not match, so neither counts. */
static void test_swapped_frames(void **state)
{
	struct world *w = *state;
	uint64_t facts, length;
	struct prs_err err = { 0 };
	size_t a = w->ends[FRAMES - 2], b = w->ends[FRAMES - 1], n = w->n - b;
	uint8_t *swapped = malloc(w->n);
	memcpy(swapped, w->bytes, w->n);
	assert_int_equal(b - a, n);
	memcpy(swapped + a, w->bytes + b, n);
	memcpy(swapped + b, w->bytes + a, n);
	write_file(w, swapped, w->n);
	assert_int_equal(scan(w, UINT64_MAX, &facts, &length, &err), 0);
	assert_int_equal(length, a);
	assert_int_equal(facts, (FRAMES - 2) * FACTS_A_FRAME);
	free(swapped);
}

static void test_other_run_is_refused(void **state)
{
	struct world *w = *state;
	struct prs_run_id other = { "another run's i" };
	uint64_t length;
	struct prs_err err = { 0 };
	assert_int_equal(prs_log_scan(&prs_fs_posix, w->path, PRS_FILE_JOURNAL, &other, UINT64_MAX, NULL, NULL, &length,
	                              &err),
	                 -PRS_ECORRUPT);
	assert_int_equal(prs_log_scan(&prs_fs_posix, w->path, PRS_FILE_PLAN, &run, UINT64_MAX, NULL, NULL, &length,
	                              &err),
	                 -PRS_ECORRUPT);
}

static void test_created_once(void **state)
{
	struct world *w = *state;
	struct prs_log l;
	assert_int_equal(prs_log_create(&l, &prs_fs_posix, w->path, PRS_FILE_JOURNAL, &run, 0, NULL), -PRS_EEXISTS);
}

/* ---- failures (every n-th call: test_store_faults) --------------------------------------------------------------- */

/* A frame that could not be made has its place in the file already: nothing may be written behind the hole. */
static void test_frame_without_memory_stops_the_file(void **state)
{
	struct world *w = *state;
	struct prs_log l;
	struct prs_buf b;
	struct prs_err err = { 0 };
	unlink(w->path);
	assert_int_equal(prs_log_create(&l, &prs_fs_posix, w->path, PRS_FILE_JOURNAL, &run, 0, NULL), 0);
	prs_buf_init(&b, 64);
	prs_log_begin(&b);
	assert_true(prs_buf_zero(&b, 1000) < 0);
	uint64_t at = prs_log_place(&l, &b);
	assert_int_equal(prs_log_commit(&l, &b, at, &err), -PRS_ELIMIT);
	prs_buf_done(&b);
	prs_buf_init(&b, 4096);
	prs_log_begin(&b);
	at = prs_log_place(&l, &b);
	assert_int_equal(prs_log_commit(&l, &b, at, &err), -PRS_ELIMIT);
	prs_buf_done(&b);
	prs_log_close(&l);
}

static int raw(struct mem_fs *m, struct prs_log *l, uint64_t announced, uint64_t *ret_offset, struct prs_err *err)
{
	struct prs_rows rows = { .unit.id = 7, .lease = 1, .length = announced };
	uint32_t sum;
	mem_fs_put(m, "/passed", "0123456789", 10);
	int fd = m->fs.open(m, "/passed", 0, 0);
	int r = prs_log_raw(l, &rows, fd, ret_offset, &sum, err);
	m->fs.close(m, fd);
	return r;
}

/* What is wrong with a passed descriptor is the fault of the process that passed it, not of our file. */
static void test_bad_descriptors_do_not_stop_the_raw_file(void **state)
{
	(void)state;
	struct mem_fs *m = mem_fs_new();
	struct prs_log l;
	struct prs_err err = { 0 };
	uint64_t first, again;
	assert_int_equal(prs_log_create(&l, &m->fs, "/0.raw", PRS_FILE_RAW, &run, 0, NULL), 0);
	assert_int_equal(raw(m, &l, 11, &first, &err), -PRS_EPROTOCOL); /* fewer bytes than announced */
	static const int of_the_descriptor[] = { ESPIPE, EBADF, EISDIR, EINVAL, ENXIO };
	for (size_t i = 0; i < sizeof of_the_descriptor / sizeof *of_the_descriptor; i++) {
		mem_fs_fail(m, MEM_PREAD, "/passed", 0, of_the_descriptor[i]);
		assert_int_equal(raw(m, &l, 10, &first, &err), -PRS_EPROTOCOL);
	}
	assert_int_equal(l.failed, 0);
	assert_int_equal(raw(m, &l, 10, &first, &err), 0);
	assert_int_equal(raw(m, &l, 3, &again, &err), 0);
	assert_int_equal(first, PRS_FILE_HEADER_BYTES + PRS_FRAME_HEADER_BYTES + PRS_SEG_HEAD_BYTES);
	assert_memory_equal(mem_fs_bytes(m, "/0.raw", NULL) + first, "0123456789", 10);
	assert_memory_equal(mem_fs_bytes(m, "/0.raw", NULL) + again, "012", 3);
	mem_fs_fail(m, MEM_PREAD, "/passed", 0, EIO); /* of the machine */
	assert_int_equal(raw(m, &l, 10, &first, &err), -PRS_EIO);
	assert_int_equal(raw(m, &l, 10, &first, &err), -PRS_EIO); /* our own file: stopped for good */
	prs_log_close(&l);
	assert_int_equal(mem_fs_open_files(m), 0);
	mem_fs_free(m);
}

/* A quota is a full disk too. */
static void test_quota_leaves_room_for_last_words(void **state)
{
	(void)state;
	struct mem_fs *m = mem_fs_new();
	struct prs_log l;
	assert_int_equal(prs_log_create(&l, &m->fs, "/journal-1", PRS_FILE_JOURNAL, &run, 4096, NULL), 0);
	while (l.tail < 1800)
		put_frame(&l, 0);
	mem_fs_fail(m, MEM_FALLOCATE, "/journal-1", 0, EDQUOT);
	while (!l.full)
		put_frame(&l, 0);
	assert_true(l.tail < 4096);
	prs_log_close(&l);
	mem_fs_free(m);
}

/* A file is read in pieces: one that cannot be read is not its end, nor is what lies behind a damaged frame unsynced
 * then. */
static void test_an_error_of_the_disk_is_not_the_end(void **state)
{
	(void)state;
	enum { BIG_FRAMES = 10, BIG_BODY = 1 << 20 };
	struct mem_fs *m = mem_fs_new();
	struct prs_log l;
	uint64_t length;
	assert_int_equal(prs_log_create(&l, &m->fs, "/plan-1", PRS_FILE_PLAN, &run, 0, NULL), 0);
	for (int i = 0; i < BIG_FRAMES; i++) {
		PRS_AUTOBUF b;
		prs_buf_init(&b, PRS_FRAME_MAX_BYTES);
		prs_log_begin(&b);
		prs_buf_zero(&b, BIG_BODY);
		uint64_t at = prs_log_place(&l, &b);
		assert_int_equal(prs_log_commit(&l, &b, at, NULL), 0);
	}
	prs_log_close(&l);
	for (int damaged = 0; damaged < 2; damaged++) {
		unsigned hits = 0;
		mem_fs_bytes(m, "/plan-1", NULL)[100] ^= (uint8_t)damaged;
		for (bool hit = true; hit; hits += hit) {
			mem_fs_fail(m, MEM_PREAD, "/plan-1", hits, EIO);
			int r = prs_log_scan(&m->fs, "/plan-1", PRS_FILE_PLAN, &run, UINT64_MAX, NULL, NULL, &length,
			                     NULL);
			hit = !m->fail_errno;
			int otherwise = damaged ? -PRS_ECORRUPT : 0;
			assert_int_equal(r, hit ? -PRS_EIO : otherwise);
		}
		assert_true(hits >= 3);
		mem_fs_fail(m, MEM_PREAD, NULL, 0, 0);
	}
	mem_fs_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cut_at_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_byte_flipped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zeros_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_swapped_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_run_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_created_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frame_without_memory_stops_the_file, setup, teardown),
		cmocka_unit_test(test_bad_descriptors_do_not_stop_the_raw_file),
		cmocka_unit_test(test_quota_leaves_room_for_last_words),
		cmocka_unit_test(test_an_error_of_the_disk_is_not_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
