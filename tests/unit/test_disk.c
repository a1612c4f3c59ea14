/* SPDX-License-Identifier: Apache-2.0
 * test_disk: who is to blame when a try fails: the disks that the job needs are asked, on a file system in memory.
 */
#include "node/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault_fs.h"
#include "mem_fs.h"

#include <errno.h>
#include <string.h>

enum { MIB = 1 << 20, SEC = 1000000 };

static const char run_is_full[] = "the disk of the run folder is full",
		  output_is_full[] = "the disk of the output is full",
		  some_disk[] = "a disk was full, and the script does not say which";

static struct world {
	struct mem_fs *mem;
	struct fault_fs f;
	struct disks disks;
} w;

/* Each folder is a disk of its own: 11 /run, 12 /out; /run/outputs is in the run folder. */
static int stat_of(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	(void)ctx;
	*ret = (struct prs_fs_stat){ .dev = strncmp(path, "/out", 4) ? 11 : 12 };
	return strcmp(path, "/gone") ? 0 : -ENOENT;
}

static void begin(const char *output, uint64_t space)
{
	w.mem = mem_fs_new();
	assert_non_null(w.mem);
	w.mem->fs.mkdir(w.mem->fs.ctx, "/run", 0755);
	w.mem->fs.mkdir(w.mem->fs.ctx, "/out", 0755);
	w.mem->space = space;
	fault_fs_init(&w.f, &w.mem->fs);
	w.f.fs.stat = stat_of;
	disks_init(&w.disks, &w.f.fs, "/run", output);
}

static int end(void **state)
{
	(void)state;
	assert_int_equal(w.f.open_files, 0);
	assert_false(mem_fs_has(w.mem, "/run/.prs-room.tmp") || mem_fs_has(w.mem, "/out/.prs-room.tmp"));
	mem_fs_free(w.mem);
	return 0;
}

static const char *ask(uint32_t errnum, bool named, uint64_t device, uint64_t now_us)
{
	struct prs_full_disk said = { errnum, named, device };
	return disks_full(&w.disks, &said, now_us);
}

/* Nothing said: the probe alone decides. */
static const char *probe(uint64_t now_us) { return ask(0, false, 0, now_us); }

static void is(const char *got, const char *want)
{
	if (!want)
		assert_null(got);
	else
		assert_string_equal(got ? got : "none", want);
}

static void test_what_the_exception_says(void **state)
{
	(void)state;
	begin("/out", 1000 * MIB);
	is(ask(ENOSPC, true, 11, SEC), run_is_full);
	is(ask(EDQUOT, true, 11, SEC), run_is_full);
	is(ask(ENOSPC, true, 12, SEC), output_is_full);
	is(ask(ENOSPC, true, 13, SEC), NULL); /* the script's own affair */
	assert_int_equal(w.f.calls[FAULT_PWRITE], 0);
	is(ask(ENOSPC, false, 0, SEC), some_disk);
	w.mem->space = MIB / 2;
	is(ask(ENOSPC, false, 0, SEC), run_is_full);
}

static void test_output_on_the_same_disk(void **state)
{
	(void)state;
	begin("/run/outputs", 1000 * MIB);
	assert_int_equal(w.disks.n, 1);
	is(ask(ENOSPC, true, 12, SEC), NULL);
}

static void test_no_output(void **state)
{
	(void)state;
	begin(NULL, 1000 * MIB);
	assert_int_equal(w.disks.n, 1);
	disks_init(&w.disks, &w.f.fs, "/run", "/gone");
	assert_int_equal(w.disks.n, 1);
	is(probe(SEC), NULL);
}

static void test_probe(void **state)
{
	(void)state;
	begin(NULL, MIB);
	is(probe(SEC), NULL);
	w.mem->space = MIB - 1;
	is(probe(SEC), run_is_full);
	w.mem->space = 0;
	is(probe(SEC), run_is_full);
	w.mem->space = MIB;
	is(probe(SEC), NULL);
}

static void test_probe_of_the_output(void **state)
{
	(void)state;
	begin("/out", 1000 * MIB);
	strcpy(w.f.only, "/out/");
	fault_fs_arm(&w.f, FAULT_PWRITE, 3, EDQUOT, false);
	is(probe(SEC), output_is_full);
	is(probe(SEC), NULL);
}

/* Only what says that there is no room is believed; a disk that is broken otherwise is no full one. */
static void test_faults(void **state)
{
	static const struct {
		enum fault_call call;
		int errnum;
		const char *want;
	} rows[] = {
		{ FAULT_OPEN, ENOSPC, run_is_full },   { FAULT_OPEN, EDQUOT, run_is_full },
		{ FAULT_OPEN, EMFILE, NULL },          { FAULT_PWRITE, ENOSPC, run_is_full },
		{ FAULT_PWRITE, EDQUOT, run_is_full }, { FAULT_PWRITE, EIO, NULL },
		{ FAULT_UNLINK, EIO, NULL },           { FAULT_FREE_BYTES, EIO, NULL },
	};
	(void)state;
	begin(NULL, 10 * MIB);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fault_fs_arm(&w.f, rows[i].call, 1, rows[i].errnum, false);
		is(probe(SEC), rows[i].want);
		assert_int_equal(w.f.fired, 1);
		is(probe(SEC), NULL);
	}
}

static void test_short_writes(void **state)
{
	(void)state;
	begin(NULL, 10 * MIB);
	w.f.max_bytes = 1000;
	is(probe(SEC), NULL);
	assert_true(w.f.calls[FAULT_PWRITE] >= MIB / 1000);
	w.mem->space = MIB - 1;
	is(probe(SEC), run_is_full);
}

/* While much is left, once a second; when it gets scarce, each time. */
static void test_how_often(void **state)
{
	(void)state;
	begin(NULL, 1000 * MIB);
	is(probe(SEC), NULL);
	long once = w.f.calls[FAULT_PWRITE];
	assert_true(once > 0);
	is(probe(SEC + 1), NULL);
	is(probe(2 * SEC - 1), NULL);
	assert_int_equal(w.f.calls[FAULT_PWRITE], once);
	is(probe(2 * SEC), NULL);
	assert_int_equal(w.f.calls[FAULT_PWRITE], 2 * once);
	w.mem->space = 63 * MIB;
	is(probe(2 * SEC + 1), NULL);
	assert_int_equal(w.f.calls[FAULT_PWRITE], 3 * once);
	w.mem->space = 0;
	is(probe(2 * SEC + 2), run_is_full);
	w.mem->space = 1000 * MIB;
	is(probe(2 * SEC + 3), NULL);
	assert_int_equal(w.f.calls[FAULT_PWRITE], 4 * once + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, end)
		T(test_what_the_exception_says),
		T(test_output_on_the_same_disk),
		T(test_no_output),
		T(test_probe),
		T(test_probe_of_the_output),
		T(test_faults),
		T(test_short_writes),
		T(test_how_often),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
