/* SPDX-License-Identifier: Apache-2.0
 * test_files: names inside a run folder, small files that appear whole, the RUN file.
 */
#include "io/fs_posix.h"
#include "mem_fs.h"
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct prs_run_id run = { { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac,
	                                 0xad, 0xae, 0xaf } };
#define RUN_HEX "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static void test_names(void **state)
{
	(void)state;
	char p[64];
	prs_path_journal(p, sizeof p, "/r", 7);
	assert_string_equal(p, "/r/journal-7");
	prs_path_plan(p, sizeof p, "/r", 8);
	assert_string_equal(p, "/r/plan-8");
	prs_path_index(p, sizeof p, "/r", 9);
	assert_string_equal(p, "/r/index-9");
	prs_path_segment(p, sizeof p, "/r", 3, 65535, 12, false);
	assert_string_equal(p, "/r/seg/3-65535-12.seg");
	prs_path_segment(p, sizeof p, "/r", 3, 0, 12, true);
	assert_string_equal(p, "/r/seg/3-0-12.raw");
}

static struct mem_fs *world(void)
{
	struct mem_fs *m = mem_fs_new();
	m->fs.mkdir(m, "/r", 0755);
	return m;
}

static void test_write_file(void **state)
{
	(void)state;
	static const enum mem_op ops[] = { MEM_OPEN, MEM_PWRITE, MEM_FDATASYNC, MEM_RENAME };
	struct mem_fs *m = world();
	uint64_t n;
	assert_int_equal(prs_write_file(&m->fs, "/r/f", "old", 3, 0644, NULL), 0);
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		mem_fs_fail(m, ops[i], "/r/f", 0, ENOSPC);
		assert_int_equal(prs_write_file(&m->fs, "/r/f", "newer", 5, 0644, NULL), -PRS_ENOSPACE);
		assert_memory_equal(mem_fs_bytes(m, "/r/f", &n), "old", 3);
		assert_int_equal(n, 3);
		assert_false(mem_fs_has(m, "/r/f.tmp"));
	}
	mem_fs_fail(m, MEM_SYNC_DIR, "/r", 0, EIO);
	assert_int_equal(prs_write_file(&m->fs, "/r/f", "newer", 5, 0644, NULL), -PRS_EIO);
	assert_int_equal(prs_write_file(&m->fs, "/r/f", "newest", 6, 0644, NULL), 0);
	assert_memory_equal(mem_fs_bytes(m, "/r/f", &n), "newest", 6);
	assert_int_equal(mem_fs_open_files(m), 0);
	mem_fs_free(m);
}

/* job.json may hold secrets: a file that a killed writer left must not lend its mode. */
static void test_mode_of_a_file(void **state)
{
	(void)state;
	char dir[] = "/tmp/prs-test-files-XXXXXX", path[64], tmp[80];
	struct stat st;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/job.json", dir);
	snprintf(tmp, sizeof tmp, "%s.tmp", path);
	FILE *f = fopen(tmp, "wb");
	fputs("left over and longer", f);
	fclose(f);
	assert_int_equal(chmod(tmp, 0666), 0);
	assert_int_equal(prs_write_file(&prs_fs_posix, path, "secret", 6, 0600, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 6);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

static void test_read_file(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 100, 65535, 65536, 65537, 200000 };
	struct mem_fs *m = world();
	uint8_t *bytes = malloc(200000);
	for (size_t i = 0; i < 200000; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		mem_fs_put(m, "/r/f", bytes, sizes[i]);
		for (size_t max = sizes[i] ? sizes[i] - 1 : 0; max <= sizes[i] + 1; max++) {
			PRS_AUTOBUF b;
			struct prs_err err = { 0 };
			prs_buf_init(&b, max);
			int r = prs_read_file(&m->fs, "/r/f", &b, &err);
			assert_int_equal(r, max < sizes[i] ? -PRS_ELIMIT : 0);
			if (!r) {
				assert_int_equal(b.len, sizes[i]);
				if (b.len)
					assert_memory_equal(b.data, bytes, b.len);
			}
		}
	}
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	assert_int_equal(prs_read_file(&m->fs, "/r/none", &b, NULL), -PRS_ENOTFOUND);
	mem_fs_fail(m, MEM_PREAD, "/r/f", 1, EIO);
	assert_int_equal(prs_read_file(&m->fs, "/r/f", &b, NULL), -PRS_EIO);
	assert_int_equal(mem_fs_open_files(m), 0);
	free(bytes);
	mem_fs_free(m);
}

static void test_run_file(void **state)
{
	(void)state;
	struct mem_fs *m = world();
	struct prs_run_id back;
	char name[64];
	uint64_t n;
	static const char want[] = "prs-run 1\nkind run\nid " RUN_HEX " digits-20261124-101500-abc\nengine 0.1.0\n";
	assert_int_equal(prs_run_file_write(&m->fs, "/r", &run, "digits-20261124-101500-abc", "0.1.0", NULL), 0);
	assert_memory_equal(mem_fs_bytes(m, "/r/RUN", &n), want, sizeof want - 1);
	assert_int_equal(n, sizeof want - 1);
	assert_int_equal(prs_run_file_read(&m->fs, "/r", &back, name, sizeof name, NULL), 0);
	assert_memory_equal(&back, &run, sizeof run);
	assert_string_equal(name, "digits-20261124-101500-abc");
	mem_fs_free(m);
}

static void test_run_files_that_are_none(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int want;
		const char *said;
	} rows[] = {
		{ "prs-run 1\nkind run\nid " RUN_HEX " x\n", 0, NULL },
		{ "prs-run 1\nnew line\nid " RUN_HEX " x\nmore later\n", 0, NULL },
		{ "", -PRS_ECORRUPT, "first line" },
		{ "prs-run\n", -PRS_ECORRUPT, "first line" },
		{ "hello", -PRS_ECORRUPT, "first line" },
		{ "prs-run 1\nkind run\n", -PRS_ECORRUPT, "no line" },
		{ "prs-run 1\nid " RUN_HEX "\n", -PRS_ECORRUPT, "no line" },
		{ "prs-run 1\nid " RUN_HEX " \n", -PRS_ECORRUPT, "no line" },
		{ "prs-run 1\nid " RUN_HEX "-name\n", -PRS_ECORRUPT, "no line" },
		{ "prs-run 1\nid " RUN_HEX " x", -PRS_ECORRUPT, "no line" },
		{ "prs-run 1\nid a0a1a2a3a4a5a6a7a8a9aaabacadaeag x\n", -PRS_ECORRUPT, "hex" },
		{ "prs-run 1\nid A0A1A2A3A4A5A6A7A8A9AAABACADAEAF x\n", -PRS_ECORRUPT, "hex" },
		{ "prs-run 1\nkind pipeline\nid " RUN_HEX " x\nengine 9.8.7\n", -PRS_EVERSION,
		  "kind \"pipeline\"; prs " PRS_VERSION " knows kind \"run\". It was written by prs 9.8.7" },
		{ "prs-run 1\nkind runs\nid " RUN_HEX " x\n", -PRS_EVERSION, "kind \"runs\"" },
		{ "prs-run 1\nkind \nid " RUN_HEX " x\n", -PRS_EVERSION, "kind \"\"" },
		{ "prs-run 2\nwhatever\nengine 9.8.7\n", -PRS_EVERSION, "prs 9.8.7" },
		{ "prs-run 2\n", -PRS_EVERSION, PRS_VERSION },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mem_fs *m = world();
		struct prs_err err = { 0 };
		struct prs_run_id back;
		char name[64];
		mem_fs_put(m, "/r/RUN", rows[i].text, strlen(rows[i].text));
		int r = prs_run_file_read(&m->fs, "/r", &back, name, sizeof name, &err);
		if (r != rows[i].want || (rows[i].said && !strstr(err.msg, rows[i].said)))
			fail_msg("row %zu: %d, %s", i, r, err.msg);
		mem_fs_free(m);
	}
}

static void test_a_pipeline_file(void **state)
{
	(void)state;
	struct mem_fs *m = world();
	struct prs_err err = { 0 };
	struct prs_run_id back;
	enum prs_run_kind kind;
	char name[64];
	uint64_t n;
	static const char want[] = "prs-run 1\nkind pipeline\nid " RUN_HEX " p-1\nengine 0.1.0\n";
	static const char other[] = "prs-run 1\nkind tree\nid " RUN_HEX " x\n";
	assert_int_equal(prs_run_file_write_as(&m->fs, "/r", PRS_RUN_PIPELINE, &run, "p-1", "0.1.0", NULL), 0);
	assert_memory_equal(mem_fs_bytes(m, "/r/RUN", &n), want, sizeof want - 1);
	assert_int_equal(prs_run_file_read_any(&m->fs, "/r", &kind, &back, name, sizeof name, NULL), 0);
	assert_int_equal(kind, PRS_RUN_PIPELINE);
	assert_string_equal(name, "p-1");
	assert_int_equal(prs_run_file_write(&m->fs, "/r", &run, "r-1", "0.1.0", NULL), 0);
	assert_int_equal(prs_run_file_read_any(&m->fs, "/r", &kind, &back, name, sizeof name, NULL), 0);
	assert_int_equal(kind, PRS_RUN_JOB);
	mem_fs_put(m, "/r/RUN", other, strlen(other));
	assert_int_equal(prs_run_file_read_any(&m->fs, "/r", &kind, &back, name, sizeof name, &err), -PRS_EVERSION);
	assert_non_null(strstr(err.msg, "knows kinds \"run\" and \"pipeline\""));
	mem_fs_free(m);
}

/* What an engine makes in a run folder, and names that look like it. */
static void test_names_of_a_run(void **state)
{
	(void)state;
	static const char *const ours[] = { "RUN",         "RUN.tmp",      "code.sums",    "job.json",
		                            "code",        "input-0.list", "only-12.list", "journal-1",
		                            "journal-400", "plan-7",       "index-3",      "index-3.tmp",
		                            "seg",         "work",         "logs",         "outputs",
		                            "lock",        "ctl",          "job.json.tmp", "failed_items.jsonl",
		                            "code-3",      "code-12.sums", "spool-1-0",    ".prs-room.tmp",
		                            "steps",       "snapshots",    "pipeline.json" };
	static const char *const others[] = {
		"",         "R",       "RUN2",      "run",        "rows.txt",   "input-.list", "input-1", "1.list",
		"journal-", "journal", "journal-x", "journal-1a", "journal--1", "lock~",       ".tmp",    "notes.tmp",
		"code-",    "code-x",  "code-3.su", "spool-1",    "spool-1-",   "spool"
	};
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (!prs_run_has_name(ours[i]))
			fail_msg("%s", ours[i]);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (prs_run_has_name(others[i]))
			fail_msg("%s", others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_of_a_run),
		cmocka_unit_test(test_write_file),
		cmocka_unit_test(test_mode_of_a_file),
		cmocka_unit_test(test_read_file),
		cmocka_unit_test(test_run_file),
		cmocka_unit_test(test_run_files_that_are_none),
		cmocka_unit_test(test_a_pipeline_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
