/* SPDX-License-Identifier: Apache-2.0
 * test_index: where the bytes of each id are: growing, resetting, ranges outside their files, live against rebuilt.
 */
#include "store/index.h"

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

#include <cmocka.h>

enum { IDS = 20000 };
#define LEASE(epoch, n) ((uint64_t)(epoch) << 40 | (n))

struct world {
	struct mem_fs *m;
	struct prs_index *x;
	char said[4096];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	w->m = mem_fs_new();
	w->m->fs.mkdir(w->m, "/run", 0755);
	w->m->fs.mkdir(w->m, "/run/seg", 0755);
	assert_int_equal(prs_index_new(&w->x, &w->m->fs, "/run", 1, NULL), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	prs_index_free(w->x);
	assert_false(mem_fs_has(w->m, "/run/index-1"));
	assert_int_equal(mem_fs_open_files(w->m), 0);
	mem_fs_free(w->m);
	free(w);
	return 0;
}

static struct prs_done done(uint64_t id, uint32_t epoch, uint32_t segment, bool raw, uint64_t offset, uint64_t length)
{
	return (struct prs_done){ .unit.id = id,
		                  .lease = LEASE(epoch, id),
		                  .segment = segment,
		                  .flags = raw ? PRS_DONE_RAW : 0,
		                  .offset = offset,
		                  .length = length,
		                  .checksum = (uint32_t)(id * 17) };
}

static void put(struct world *w, struct prs_done d) { assert_int_equal(prs_index_done(w->x, &d, NULL), 0); }

/* Growing keeps what is there; the new slots are empty; the file's blocks are there before they are touched. */
static void test_grow(void **state)
{
	struct world *w = *state;
	for (uint64_t id = 0; id < IDS; id++) {
		assert_int_equal(prs_index_grow(w->x, id + 1, NULL), 0);
		assert_int_equal(w->x->slots[id].flags, 0);
		put(w, done(id, 1, (uint32_t)(id % 3), false, id * 10, id % 5));
	}
	for (uint64_t id = 0; id < IDS; id++) {
		const struct prs_index_slot *s = &w->x->slots[id];
		assert_int_equal(s->flags, id % 5 ? PRS_SLOT_USED : PRS_SLOT_USED | PRS_SLOT_EMPTY);
		assert_int_equal(s->offset, id * 10);
		assert_int_equal(s->length, id % 5);
		assert_int_equal(s->checksum, (uint32_t)(id * 17));
		if (id % 5)
			assert_int_equal(w->x->files[s->file].segment, id % 3);
	}
	assert_int_equal(w->x->next_id, IDS);
	assert_int_equal(w->x->files_n, 3);
	assert_int_equal(w->m->calls[MEM_FALLOCATE], w->m->calls[MEM_FTRUNCATE]);
	assert_int_equal(prs_index_grow(w->x, 5, NULL), 0); /* never smaller */
	assert_int_equal(w->x->next_id, IDS);
}

/* A mapped page without a block on a full disk would be a SIGBUS: the growing must fail instead, and leave the index as
 * it was. */
static void test_grow_on_a_full_disk(void **state)
{
	struct world *w = *state;
	static const enum mem_op ops[] = { MEM_FTRUNCATE, MEM_FALLOCATE, MEM_MMAP };
	assert_int_equal(prs_index_grow(w->x, 10, NULL), 0);
	put(w, done(9, 1, 0, false, 77, 5));
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		mem_fs_fail(w->m, ops[i], "index-1", 0, ENOSPC);
		assert_int_equal(prs_index_grow(w->x, IDS, NULL), -PRS_ENOSPACE);
		assert_int_equal(w->x->next_id, 10);
		assert_int_equal(w->x->slots[9].offset, 77);
	}
	assert_int_equal(prs_index_grow(w->x, IDS, NULL), 0);
	assert_int_equal(w->x->slots[9].offset, 77);
}

static void test_more_ids_than_there_can_be(void **state)
{
	struct world *w = *state;
	static const uint64_t many[] = { PRS_IDS_MAX + 1, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1, UINT64_MAX };
	for (size_t i = 0; i < sizeof many / sizeof *many; i++)
		assert_int_equal(prs_index_grow(w->x, many[i], NULL), -PRS_ELIMIT);
	assert_int_equal(w->x->next_id, 0);
}

static void test_done_that_was_never_planned(void **state)
{
	struct world *w = *state;
	struct prs_done d = done(10, 1, 0, false, 0, 5);
	assert_int_equal(prs_index_done(w->x, &d, NULL), -PRS_ECORRUPT);
	assert_int_equal(prs_index_grow(w->x, 10, NULL), 0);
	assert_int_equal(prs_index_done(w->x, &d, NULL), -PRS_ECORRUPT);
	d.unit.id = UINT64_MAX;
	assert_int_equal(prs_index_done(w->x, &d, NULL), -PRS_ECORRUPT);
}

static void test_flags_of_a_slot(void **state)
{
	struct world *w = *state;
	struct prs_done d = done(0, 7, 3, true, 100, 50);
	d.node = 2;
	d.head_len = 8;
	assert_int_equal(prs_index_grow(w->x, 2, NULL), 0);
	put(w, d);
	assert_int_equal(w->x->slots[0].flags, PRS_SLOT_USED | PRS_SLOT_HEADER);
	assert_int_equal(w->x->slots[0].head_len, 8);
	const struct prs_index_file *f = &w->x->files[w->x->slots[0].file];
	assert_int_equal(f->epoch, 7);
	assert_int_equal(f->segment, 3);
	assert_int_equal(f->node, 2);
	assert_true(f->raw);
	d.flags = 0; /* the segment file of the same number is another file */
	d.unit.id = 1;
	put(w, d);
	assert_int_not_equal(w->x->slots[1].file, w->x->slots[0].file);
}

static void test_reset(void **state)
{
	struct world *w = *state;
	static const struct {
		uint64_t first, count;
	} rows[] = {
		{ 3, 1 }, { 5, 2 }, { 9, 1 }, { 9, 100 }, { 8, UINT64_MAX }, { 100, 5 }, { UINT64_MAX, UINT64_MAX },
		{ 0, 0 }
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(prs_index_grow(w->x, 10, NULL), 0);
		for (uint64_t id = 0; id < 10; id++)
			put(w, done(id, 1, 0, false, 0, 5));
		prs_index_reset(w->x, rows[i].first, rows[i].count);
		for (uint64_t id = 0; id < 10; id++) {
			bool inside = id >= rows[i].first && id - rows[i].first < rows[i].count;
			assert_int_equal(w->x->slots[id].flags, inside ? 0 : PRS_SLOT_USED);
		}
	}
}

/* ---- parts of split mini-batches --------------------------------------------------------------------------------- */

static struct prs_done part(uint64_t id, uint32_t first, uint32_t count, uint64_t offset)
{
	struct prs_done d = done(id, 1, 0, false, offset, 5);
	d.unit.item_first = first;
	d.unit.item_count = count;
	return d;
}

static void assert_parts(struct world *w, const char *want)
{
	char got[256] = "";
	prs_index_sort_parts(w->x);
	for (uint64_t i = 0; i < w->x->parts_n; i++) {
		const struct prs_unit *u = &w->x->parts[i].unit;
		size_t n = strlen(got);
		snprintf(got + n, sizeof got - n, "%d[%u+%u] ", (int)u->id, u->item_first, u->item_count);
		assert_int_equal(w->x->parts[i].slot.offset, u->id * 100 + u->item_first);
	}
	assert_string_equal(got, want);
}

static void test_parts(void **state)
{
	struct world *w = *state;
	assert_int_equal(prs_index_grow(w->x, 10, NULL), 0);
	static const uint32_t order[][3] = { { 7, 4, 1 }, { 2, 5, 5 }, { 7, 0, 4 },
		                             { 2, 0, 2 }, { 2, 2, 3 }, { 9, 0, 1 } };
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		put(w, part(order[i][0], order[i][1], order[i][2], order[i][0] * 100 + order[i][1]));
	assert_int_equal(w->x->slots[2].flags, 0); /* the mini-batch itself has none */
	assert_parts(w, "2[0+2] 2[2+3] 2[5+5] 7[0+4] 7[4+1] 9[0+1] ");
	prs_index_reset(w->x, 3, 5);
	assert_parts(w, "2[0+2] 2[2+3] 2[5+5] 9[0+1] ");
	prs_index_reset(w->x, 8, UINT64_MAX);
	assert_parts(w, "2[0+2] 2[2+3] 2[5+5] ");
	for (uint32_t i = 0; i < 1000; i++)
		put(w, part(3, i, 1, 300 + i));
	assert_int_equal(w->x->parts_n, 1003);
	prs_index_reset(w->x, 0, 4);
	assert_parts(w, "");
}

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

static void say(void *ctx, uint64_t id, const char *why)
{
	struct world *w = ctx;
	size_t n = strlen(w->said);
	snprintf(w->said + n, sizeof w->said - n, "%llu: %s\n", (unsigned long long)id, why);
}

/* One bad part: the mini-batch is told, once. */
static void test_verify_parts(void **state)
{
	struct world *w = *state;
	int fd = w->m->fs.open(w->m, "/run/seg/1-0-0.seg", O_RDWR | O_CREAT, 0644);
	assert_int_equal(w->m->fs.pwrite(w->m, fd, "0123456789", 10, 0), 10);
	w->m->fs.close(w->m, fd);
	assert_int_equal(prs_index_grow(w->x, 10, NULL), 0);
	put(w, part(4, 3, 2, 6));
	put(w, part(4, 0, 1, 0));
	put(w, part(4, 1, 2, 900));
	put(w, part(5, 0, 2, 5));
	put(w, part(5, 2, 2, 0));
	assert_int_equal(prs_index_verify_ranges(w->x, say, w, NULL), 1);
	assert_string_equal(w->said, "4: its rows lie behind the end of their segment file\n");
}

static void test_verify_ranges(void **state)
{
	struct world *w = *state;
#define BEHIND "its rows lie behind the end of their segment file"
#define MISSING "its segment file is missing"
	static const struct {
		uint32_t segment;
		bool raw;
		uint64_t offset, length;
		const char *why;
	} rows[] = {
		{ 0, false, 0, 100, NULL },
		{ 0, false, 99, 1, NULL },
		{ 0, false, 100, 1, BEHIND },
		{ 0, false, 0, 101, BEHIND },
		{ 0, false, 101, 0, NULL }, /* without bytes it lies nowhere */
		{ 0, false, UINT64_MAX, 1, BEHIND },
		{ 0, false, 1, UINT64_MAX, BEHIND },
		{ 1, false, 0, 1, BEHIND },
		{ 2, false, 0, 1, MISSING },
		{ 2, true, 49, 1, NULL },
		{ 2, true, 50, 1, BEHIND },
		{ 3, true, 0, 1, MISSING },
	};
	enum { N = sizeof rows / sizeof *rows };
	char want[4096] = "";
	int64_t bad = 0;
	mem_fs_put(w->m, "/run/seg/1-0-0.seg", "x", 1);
	mem_fs_resize(w->m, "/run/seg/1-0-0.seg", 100);
	mem_fs_put(w->m, "/run/seg/1-0-1.seg", "", 0);
	mem_fs_put(w->m, "/run/seg/1-0-2.raw", "x", 1);
	mem_fs_resize(w->m, "/run/seg/1-0-2.raw", 50);
	assert_int_equal(prs_index_grow(w->x, N + 1, NULL), 0); /* the last one is not done */
	for (uint64_t id = 0; id < N; id++) {
		put(w, done(id, 1, rows[id].segment, rows[id].raw, rows[id].offset, rows[id].length));
		bad += rows[id].why != NULL;
		if (rows[id].why)
			snprintf(want + strlen(want), sizeof want - strlen(want), "%llu: %s\n", (unsigned long long)id,
			         rows[id].why);
	}
	assert_int_equal(prs_index_verify_ranges(w->x, say, w, NULL), bad);
	assert_string_equal(w->said, want);
	mem_fs_fail(w->m, MEM_STAT, "1-0-0.seg", 0, EIO); /* what cannot be looked at is not bad */
	assert_int_equal(prs_index_verify_ranges(w->x, say, w, NULL), -PRS_EIO);
}

/* A run that was resumed a thousand times has a thousand segment files: they are not all opened at once. */
static void test_many_files(void **state)
{
	struct world *w = *state;
	assert_int_equal(prs_index_grow(w->x, 1000, NULL), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		char path[64];
		prs_path_segment(path, sizeof path, "/run", i + 1, 0, 0, false);
		mem_fs_put(w->m, path, "x", 1);
		put(w, done(i, i + 1, 0, false, 0, 1));
	}
	assert_int_equal(prs_index_verify_ranges(w->x, say, w, NULL), 0);
	assert_int_equal(w->m->calls[MEM_OPEN], 1); /* the index itself */
}

/* ---- live against rebuilt ---------------------------------------------------------------------------------------- */

/* The same facts folded as they come and, after a restart, from the journal: the same slots and files. */
static void test_rebuilt_equals_live(void **state)
{
	struct world *w = *state;
	struct prs_index *again;
	unsigned dice = 1;
	assert_int_equal(prs_index_new(&again, &w->m->fs, "/run", 2, NULL), 0);
	for (int step = 0; step < 5000; step++) {
		dice = dice * 1103515245u + 12345u;
		unsigned r = dice >> 8;
		uint64_t id = r % 300;
		if (id >= w->x->next_id)
			assert_int_equal(prs_index_grow(w->x, id + 1, NULL), 0);
		if (r % 7 == 0) {
			prs_index_reset(w->x, id, 1 + r % 3);
		} else {
			struct prs_done d = done(id, 1 + (uint32_t)(step / 500), r % 4, r % 5 == 0, r % 1000,
			                         r % 3 ? r % 77 : 0);
			put(w, d);
		}
	}
	dice = 1;
	assert_int_equal(prs_index_grow(again, 300, NULL), 0); /* a plan is known before the facts */
	for (int step = 0; step < 5000; step++) {
		dice = dice * 1103515245u + 12345u;
		unsigned r = dice >> 8;
		uint64_t id = r % 300;
		struct prs_done d = done(id, 1 + (uint32_t)(step / 500), r % 4, r % 5 == 0, r % 1000,
		                         r % 3 ? r % 77 : 0);
		if (r % 7 == 0)
			prs_index_reset(again, id, 1 + r % 3);
		else
			assert_int_equal(prs_index_done(again, &d, NULL), 0);
	}
	assert_int_equal(w->x->next_id, again->next_id);
	assert_memory_equal(w->x->slots, again->slots, 300 * sizeof *again->slots);
	assert_int_equal(w->x->files_n, again->files_n);
	for (uint32_t i = 0; i < again->files_n; i++) {
		assert_int_equal(w->x->files[i].epoch, again->files[i].epoch);
		assert_int_equal(w->x->files[i].segment, again->files[i].segment);
		assert_int_equal(w->x->files[i].raw, again->files[i].raw);
	}
	prs_index_free(again);
}

/* An old file of the same name is not read: the index is always made from the journal. */
static void test_an_old_index_is_not_trusted(void **state)
{
	struct world *w = *state;
	struct prs_index *x;
	uint8_t junk[32 * 4096];
	memset(junk, 0xff, sizeof junk);
	mem_fs_put(w->m, "/run/index-9", junk, sizeof junk);
	assert_int_equal(prs_index_new(&x, &w->m->fs, "/run", 9, NULL), 0);
	assert_int_equal(prs_index_grow(x, 100, NULL), 0);
	for (uint64_t id = 0; id < 100; id++)
		assert_int_equal(x->slots[id].flags, 0);
	prs_index_free(x);
}

/* Two engines that start at once take the same number; only one of them gets the journal. The other must not touch this
 * one's slots. */
static void test_two_engines_of_one_epoch(void **state)
{
	struct world *w = *state;
	struct prs_index *other;
	assert_int_equal(prs_index_grow(w->x, 100, NULL), 0);
	put(w, done(42, 1, 0, false, 77, 5));
	assert_int_equal(prs_index_new(&other, &w->m->fs, "/run", 1, NULL), 0);
	assert_int_equal(prs_index_grow(other, 100, NULL), 0);
	assert_int_equal(w->x->slots[42].offset, 77);
	assert_int_equal(other->slots[42].flags, 0);
	prs_index_free(other);
	assert_int_equal(prs_index_grow(w->x, IDS, NULL), 0);
	assert_int_equal(w->x->slots[42].offset, 77);
}

/* It makes its file between our two calls: nobody else's fault, and no reason to give up. */
static void test_two_engines_at_the_same_moment(void **state)
{
	struct world *w = *state;
	struct prs_index *x;
	mem_fs_fail(w->m, MEM_OPEN, "index-1", 0, EEXIST);
	assert_int_equal(prs_index_new(&x, &w->m->fs, "/run", 1, NULL), 0);
	prs_index_free(x);
}

/* It has no name: a killed engine leaves nothing behind. */
static void test_no_name(void **state)
{
	struct world *w = *state;
	assert_int_equal(prs_index_grow(w->x, 100, NULL), 0);
	assert_false(mem_fs_has(w->m, "/run/index-1"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_grow),
		T(test_grow_on_a_full_disk),
		T(test_more_ids_than_there_can_be),
		T(test_done_that_was_never_planned),
		T(test_flags_of_a_slot),
		T(test_reset),
		T(test_parts),
		T(test_verify_parts),
		T(test_verify_ranges),
		T(test_many_files),
		T(test_rebuilt_equals_live),
		T(test_an_old_index_is_not_trusted),
		T(test_two_engines_of_one_epoch),
		T(test_two_engines_at_the_same_moment),
		T(test_no_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
