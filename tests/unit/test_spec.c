/* SPDX-License-Identifier: Apache-2.0
 * test_spec: what is copied into a run and what is not, ignore rules, fingerprints, job.json there and back, checks,
 * sys.argv.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fault_fs.h"
#include "io/fs_posix.h"
#include "spec/ignore.h"
#include "spec/job_check.h"
#include "spec/placed.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATHS = 4096 };

static char dir[PATHS];
static struct prs_job job;
static struct prs_placed placed;
static struct prs_err err;

/* ---- a private folder -------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, sizeof dir, "%s/prs-spec-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	prs_job_init(&job);
	return prs_options_init(&job.o, &err);
}

static int teardown(void **state)
{
	(void)state;
	prs_placed_done(&placed);
	prs_job_done(&job);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in(const char *name)
{
	static char path[4][PATHS + 512];
	static int turn;
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
}

/* Makes the folders on the way too. */
static void put(const char *name, const char *text)
{
	char path[PATHS + 512];
	snprintf(path, sizeof path, "%s", in(name));
	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0755);
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int listed(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	extern struct prs_buf tree;
	(void)st;
	(void)f;
	if (flag == FTW_F)
		prs_buf_putf(&tree, "%s ", path + strlen(dir) + strlen("/run/code/"));
	return 0;
}

struct prs_buf tree;

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The files of run/code, sorted, each with a blank behind. */
static const char *copied(void)
{
	static char all[PATHS];
	char *words[256];
	size_t n = 0, at = 0;
	prs_buf_init(&tree, 1 << 20);
	nftw(in("run/code"), listed, 16, FTW_PHYS);
	for (char *w = strtok((char *)(uintptr_t)prs_buf_str(&tree), " "); w && n < 256; w = strtok(NULL, " "))
		words[n++] = w;
	qsort(words, n, sizeof *words, by_text);
	all[0] = 0;
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(all + at, sizeof all - at, "%s ", words[i]);
	prs_buf_done(&tree);
	return all;
}

/* The job as it is now, in the run folder. */
static void place(void)
{
	prs_placed_done(&placed);
	if (prs_place(&placed, &job, &prs_fs_posix, in("run"), "run", &err) < 0)
		fail_msg("%s", err.msg);
}

static int snapshot(void)
{
	mkdir(in("run"), 0755);
	mkdir(in("run/code"), 0755);
	prs_freep(&job.code_dir);
	job.code_dir = prs_strdup(in("src"));
	place();
	return prs_snapshot(&placed, &prs_fs_posix, in("run/code"), NULL, &err);
}

static void add_input(const char *name)
{
	job.inputs = prs_realloc(job.inputs, (job.inputs_n + 1) * sizeof *job.inputs);
	job.inputs[job.inputs_n++] = (struct prs_job_input){ .name = prs_strdup("x"), .path = prs_strdup(in(name)) };
}

/* ---- what is copied ---------------------------------------------------------------------------------------------- */

static void test_what_is_left_out(void **state)
{
	(void)state;
	static const char *const files[] = {
		"src/score.py",
		"src/pkg/__init__.py",
		"src/pkg/deep/er/x.py",
		"src/.hidden",
		"src/_private",
		"src/outputs.py",
		"src/env/conf.py",
		"src/runs/notes.py",
		/* not code */
		"src/.git/HEAD",
		"src/__pycache__/a.pyc",
		"src/pkg/__pycache__/b.pyc",
		"src/.ipynb_checkpoints/x",
		"src/.mypy_cache/x",
		"src/node_modules/x",
		"src/.venv/pyvenv.cfg",
		"src/.venv/lib/y.py",
		"src/myenv/pyvenv.cfg",
		"src/myenv/z.py",
		"src/conda/conda-meta/h",
		"src/conda/bin/python",
		"src/runs/a-2025/RUN",
		"src/runs/a-2025/job.json",
		"src/runs/a-2025/code/old.py",
		/* data of the job */
		"src/in/f1",
		"src/in2/f2",
		"src/side/labels",
		"src/out/scores.txt",
		"src/out/helper.py",
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		put(files[i], strstr(files[i], "/RUN") ? "prs-run 1\n" : "x");
	add_input("src/in");
	assert_int_equal(symlink(in("src/in2"), in("link")), 0);
	add_input("link"); /* by another name */
	job.side_inputs = prs_calloc(1, sizeof *job.side_inputs);
	job.side_inputs[job.side_inputs_n++] = (struct prs_job_pair){ prs_strdup("labels"),
		                                                      prs_strdup(in("src/side/labels")) };
	job.output_file = prs_strdup(in("src/out/scores.txt"));
	job.output_dir = prs_strdup(in("src/out"));
	assert_int_equal(snapshot(), 0);
	assert_string_equal(copied(), ".hidden _private env/conf.py out/helper.py outputs.py pkg/__init__.py "
	                              "pkg/deep/er/x.py runs/notes.py score.py ");
}

/* The folder of a summary_only job is its own; a run folder that is being made lies in the script's folder. */
static void test_output_folder_and_own_run(void **state)
{
	(void)state;
	put("src/score.py", "x");
	put("src/out/model.bin", "x");
	put("src/runs/new/work/half.txt", "x");
	mkdir(in("src/runs/new/code"), 0755);
	job.o.output_action = PRS_OUTPUT_SUMMARY_ONLY;
	job.output_dir = prs_strdup(in("src/out"));
	job.code_dir = prs_strdup(in("src"));
	place();
	assert_int_equal(prs_snapshot(&placed, &prs_fs_posix, in("src/runs/new/code"), NULL, &err), 0);
	assert_int_equal(access(in("src/runs/new/code/score.py"), F_OK), 0);
	assert_int_not_equal(access(in("src/runs/new/code/out"), F_OK), 0);
	assert_int_not_equal(access(in("src/runs/new/code/runs/new"), F_OK), 0);
}

/* Run folders are no code, half-made ones too. Those beside this one are expected; others are counted. */
static void test_run_folders_are_no_code(void **state)
{
	(void)state;
	put("src/score.py", "x");
	put("src/run_like/RUN", "go");
	put("src/runs/old/RUN", "prs-run 1\n");
	put("src/runs/old/job.json", "{}");
	put("src/runs/half/RUN", "prs-run 1\n");
	put("src/runs/half/code/score.py", "x");
	put("src/moved/RUN", "prs-run 1\n");
	put("src/moved/code/score.py", "x");
	mkdir(in("src/runs/new"), 0755);
	mkdir(in("src/runs/new/code"), 0755);
	job.code_dir = prs_strdup(in("src"));
	place();
	assert_int_equal(prs_snapshot(&placed, &prs_fs_posix, in("src/runs/new/code"), NULL, &err), 0);
	assert_int_equal(access(in("src/runs/new/code/score.py"), F_OK), 0);
	assert_int_equal(access(in("src/runs/new/code/run_like/RUN"), F_OK), 0);
	assert_int_not_equal(access(in("src/runs/new/code/runs/old"), F_OK), 0);
	assert_int_not_equal(access(in("src/runs/new/code/runs/half"), F_OK), 0);
	assert_int_not_equal(access(in("src/runs/new/code/moved"), F_OK), 0);
	assert_int_equal(placed.runs_left_out, 1);
}

static void test_input_is_the_folder_itself(void **state)
{
	(void)state;
	put("src/score.py", "x");
	put("src/a.txt", "x");
	add_input("src");
	assert_int_equal(snapshot(), 0);
	assert_string_equal(copied(), "a.txt score.py ");
}

static void test_links(void **state)
{
	(void)state;
	put("src/score.py", "x");
	put("src/sub/x.py", "x");
	put("elsewhere/lib.py", "lib");
	assert_int_equal(symlink("..", in("src/sub/loop")), 0);
	assert_int_equal(symlink("../elsewhere", in("src/linked")), 0);
	assert_int_equal(symlink("../elsewhere/lib.py", in("src/lib.py")), 0);
	assert_int_equal(symlink("nowhere", in("src/dangling")), 0);
	assert_int_equal(mkfifo(in("src/fifo"), 0600), 0);
	assert_int_equal(snapshot(), 0);
	assert_string_equal(copied(), "lib.py linked/lib.py score.py sub/x.py ");
}

static void test_ignore_files(void **state)
{
	(void)state;
	put("src/score.py", "x");
	put("src/big.bin", "x");
	put("src/.gitignore", "*.bin\n");
	assert_int_equal(snapshot(), 0);
	assert_string_equal(copied(), ".gitignore score.py ");
	put("src/.amlignore", "# ours\r\nnotes/\n!notes/keep\n*.py[co]\n"); /* then .gitignore does not count */
	put("src/notes/a", "x");
	put("src/x.pyc", "x");
	assert_int_equal(snapshot(), 0);
	assert_string_equal(copied(), ".amlignore .gitignore big.bin score.py ");
}

static void test_ignore_rules(void **state)
{
	(void)state;
	static const struct {
		const char *rules, *path;
		char kind; /* f, d */
		bool ignored;
	} cases[] = {
		{ "", "a", 'f', false },
		{ "a", "a", 'f', true },
		{ "a", "b/a", 'f', true },
		{ "a", "ab", 'f', false },
		{ "/a", "a", 'f', true },
		{ "/a", "b/a", 'f', false },
		{ "a/", "a", 'f', false },
		{ "a/", "a", 'd', true },
		{ "a/", "x/a", 'd', true },
		{ "b/a", "b/a", 'f', true },
		{ "b/a", "c/b/a", 'f', false },
		{ "*.txt", "x.txt", 'f', true },
		{ "*.txt", "d/x.txt", 'f', true },
		{ "d/*.txt", "d/x.txt", 'f', true },
		{ "d/*.txt", "d/e/x.txt", 'f', false },
		{ "**/x", "x", 'f', true },
		{ "**/x", "a/b/x", 'f', true },
		{ "a/**", "a/b", 'f', true },
		{ "a/**", "a/b/c", 'f', true },
		{ "a/**", "a", 'd', false },
		{ "a/**/z", "a/z", 'f', true },
		{ "a/**/z", "a/b/c/z", 'f', true },
		{ "a/**/z", "b/z", 'f', false },
		{ "*.log\n!keep.log", "keep.log", 'f', false },
		{ "!keep.log\n*.log", "keep.log", 'f', true },
		{ "#a", "#a", 'f', false },
		{ "\\#a", "#a", 'f', true },
		{ "\\!a", "!a", 'f', true },
		{ "a  \t", "a", 'f', true },
		{ "a\\ ", "a ", 'f', true },
		{ "a\r\n", "a", 'f', true },
		{ "[ab].c", "b.c", 'f', true },
		{ "[!ab].c", "b.c", 'f', false },
		{ "?.c", "x.c", 'f', true },
		{ "?.c", "xx.c", 'f', false },
		{ "/", "a", 'f', false },
		{ "!", "a", 'f', false },
		{ "\n\n", "a", 'f', false },
		{ "*", ".hidden", 'f', true },
		{ "\xff*", "\xff\xfe", 'f', true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prs_ignore g = { 0 };
		assert_int_equal(prs_ignore_parse(&g, cases[i].rules, &err), 0);
		if (prs_ignored(&g, cases[i].path, cases[i].kind == 'd') != cases[i].ignored)
			fail_msg("rules \"%s\": %s", cases[i].rules, cases[i].path);
		prs_ignore_done(&g);
	}
}

/* ---- too large --------------------------------------------------------------------------------------------------- */

static void grow(const char *name, off_t size)
{
	put(name, "");
	assert_int_equal(truncate(in(name), size), 0);
}

static void test_too_many_bytes(void **state)
{
	(void)state;
	put("src/score.py", "x");
	grow("src/data/weights.bin", (off_t)300 << 20);
	assert_int_equal(snapshot(), -PRS_ELIMIT);
	assert_non_null(strstr(err.msg, "largest: data/weights.bin, 300.0 MB"));
	assert_non_null(strstr(err.msg, "src/.amlignore"));
	assert_string_equal(copied(), ""); /* refused before a byte is copied */
	put("src/.amlignore", "*.bin\n");
	assert_int_equal(snapshot(), 0);
}

static void test_too_many_files(void **state)
{
	(void)state;
	char name[64];
	put("src/score.py", "x");
	put("src/few/a", "x");
	for (int i = 0; i < 1999; i++) {
		snprintf(name, sizeof name, "src/many/d%d/f%d", i % 7, i);
		put(name, "");
	}
	assert_int_equal(snapshot(), -PRS_ELIMIT);
	assert_non_null(strstr(err.msg, "holds 2,001 files"));
	assert_non_null(strstr(err.msg, "most files: many/, 1999"));
	assert_int_equal(unlink(in("src/few/a")), 0);
	assert_int_equal(snapshot(), 0); /* 2,000 are allowed */
}

/* ---- data beside the script -------------------------------------------------------------------------------------- */

static struct prs_buf heard;

static void hear(void *ctx, const char *line)
{
	assert_ptr_equal(ctx, &heard);
	prs_buf_putf(&heard, "%s\n", line);
}

static void no_copy(void) { nftw(in("run/code"), remove_one, 16, FTW_DEPTH | FTW_PHYS); }

/* As of prs run src/score.py. */
static int script_snapshot(void)
{
	struct prs_snapshot_ear ear = { hear, &heard };
	no_copy();
	mkdir(in("run"), 0755);
	mkdir(in("run/code"), 0755);
	prs_freep(&job.code_dir);
	job.code_dir = prs_strdup(in("src"));
	job.o.code_copy = PRS_CODE_WITHOUT_DATA;
	place();
	prs_buf_done(&heard);
	prs_buf_init(&heard, 1 << 16);
	return prs_snapshot(&placed, &prs_fs_posix, in("run/code"), &ear, &err);
}

static void put_many(const char *folder, unsigned n)
{
	char name[128];
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%s/d%u/f%u.jpg", folder, i % 3, i);
		put(name, "");
	}
}

static void assert_heard(const char *want)
{
	assert_string_equal(prs_buf_str(&heard), want);
	prs_buf_done(&heard);
}

static bool is_copied(const char *name)
{
	char path[256];
	snprintf(path, sizeof path, "run/code/%s", name);
	return access(in(path), F_OK) == 0;
}

static void test_data_beside_the_script(void **state)
{
	(void)state;
	put("src/score.py", "x");
	put_many("src/im", 1001);
	grow("src/model/weights.bin", ((off_t)100 << 20) + 1);
	put("src/zz.txt", "x");
	assert_int_equal(script_snapshot(), 0);
	assert_string_equal(copied(), "score.py zz.txt ");
	assert_heard("not copied with the script, because no .py file is in it: im/ (1,001 files), model/ (100.0 MB) "
	             "(a line !NAME/ in .amlignore copies it)\n");
	assert_false(is_copied("im"));
}

/* Exactly 1,000 files; a .py file, however deep; what an ignore file keeps: copied, and nothing is said of it. */
static void test_what_is_no_data(void **state)
{
	(void)state;
	put("src/score.py", "x");
	put_many("src/im", 1000);
	assert_int_equal(script_snapshot(), 0);
	assert_true(is_copied("im/d0/f999.jpg"));
	assert_heard("");
	put("src/im/zz/deep/er/last.py", "x");
	assert_int_equal(script_snapshot(), 0);
	assert_true(is_copied("im/d0/f999.jpg"));
	assert_heard("");
	assert_int_equal(rename(in("src/im/zz/deep/er/last.py"), in("src/im/zz/deep/er/one.jpg")), 0);
	put("src/.amlignore", "!im/\n");
	assert_int_equal(script_snapshot(), 0);
	assert_true(is_copied("im/d0/f999.jpg"));
	assert_heard("");
	assert_int_equal(unlink(in("src/.amlignore")), 0);
	assert_int_equal(script_snapshot(), 0);
	assert_false(is_copied("im"));
	job.o.code_copy = PRS_CODE_FOLDER; /* a job file */
	assert_int_equal(snapshot(), 0);
	assert_true(is_copied("im/d0/f999.jpg"));
}

/* More than anybody would copy: they are all looked at, as the last one may be a .py file; not for a job file. */
static void test_very_many_beside_the_script(void **state)
{
	(void)state;
	put("src/score.py", "x");
	put_many("src/im", 20010);
	put("src/zz/more.py", "x");
	assert_int_equal(script_snapshot(), 0);
	assert_string_equal(copied(), "score.py zz/more.py ");
	assert_heard("not copied with the script, because no .py file is in it: im/ (20,010 files) (a line !NAME/ in "
	             ".amlignore copies it)\n");
	put("src/im/zz/last.py", "x");
	assert_int_equal(script_snapshot(), -PRS_ELIMIT);
	assert_non_null(strstr(err.msg, "holds more than 20,011 files"));
	assert_non_null(strstr(err.msg, " (or --code none: the script alone is copied)"));
	job.o.code_copy = PRS_CODE_FOLDER;
	assert_int_equal(snapshot(), -PRS_ELIMIT);
	assert_non_null(strstr(err.msg, "holds more than 20,001 files"));
	assert_null(strstr(err.msg, "--code none"));
}

/* The line that the message names is the one that mends it. */
static void assert_line_mends(const char *want)
{
	char line[256];
	assert_int_equal(snapshot(), -PRS_ELIMIT);
	const char *at = strstr(err.msg, "leaves the most of it out: ");
	assert_non_null(at);
	snprintf(line, sizeof line, "%s\n", at + strlen("leaves the most of it out: "));
	assert_string_equal(line, want);
	put("src/.amlignore", line);
	assert_int_equal(snapshot(), 0);
	nftw(in("src"), remove_one, 16, FTW_DEPTH | FTW_PHYS);
	no_copy();
}

static void test_the_line_that_mends_it(void **state)
{
	(void)state;
	char name[64];
	put("src/score.py", "x");
	put("src/a/data.bin", "x");
	put_many("src/im", 2000);
	assert_line_mends("/im/\n");
	put("src/score.py", "x");
	put("src/a/x", "x");
	grow("src/b/data.bin", (off_t)301 << 20);
	put("src/c/x", "x");
	assert_line_mends("/b/\n");
	put("src/score.py", "x");
	grow("src/model.bin", (off_t)301 << 20);
	put("src/z/x", "x");
	assert_line_mends("/model.bin\n");
	put("src/score.py", "x");
	put_many("src/im", 900);
	for (int i = 0; i < 2400; i++) {
		snprintf(name, sizeof name, i % 3 ? "src/f%d.jpg" : "src/f%d.txt", i);
		put(name, "");
	}
	assert_line_mends("/*.jpg\n");
}

static void test_the_script_alone(void **state)
{
	(void)state;
	put("src/pkg/score.py", "x");
	put("src/pkg/other.py", "x");
	put("src/helper.py", "x");
	job.entry = prs_strdup("pkg/score.py");
	job.o.code_copy = PRS_CODE_SCRIPT;
	assert_int_equal(snapshot(), 0);
	assert_string_equal(copied(), "pkg/score.py ");
	assert_int_equal(unlink(in("src/pkg/score.py")), 0);
	assert_int_equal(snapshot(), -PRS_ENOTFOUND);
}

static void test_a_large_copy_is_said(void **state)
{
	(void)state;
	char want[PATHS + 256];
	put("src/score.py", "x");
	grow("src/model.bin", ((off_t)5 << 20) - 2);
	assert_int_equal(script_snapshot(), 0);
	assert_heard("");
	grow("src/model.bin", ((off_t)5 << 20) - 1);
	assert_int_equal(script_snapshot(), 0);
	snprintf(want, sizeof want, "copying %s into the run: 2 files, 5.0 MB (.amlignore leaves out what it names)\n",
	         in("src"));
	assert_heard(want);
}

static ssize_t pread_and_grow(void *ctx, int fd, void *to, size_t n, uint64_t at)
{
	static int times; /* an end to it also when the copy has none */
	FILE *f = times++ < 100 ? fopen(in("src/run.log"), "a") : NULL;
	if (f) {
		fputs("more", f);
		fclose(f);
	}
	return prs_fs_posix.pread(ctx, fd, to, n, at);
}

/* A file that somebody writes to meanwhile, perhaps the output of this very command. */
static void test_file_that_grows(void **state)
{
	(void)state;
	struct prs_fs fs = prs_fs_posix;
	struct stat st;
	fs.pread = pread_and_grow;
	put("src/run.log", "text");
	mkdir(in("run"), 0755);
	mkdir(in("run/code"), 0755);
	job.code_dir = prs_strdup(in("src"));
	place();
	assert_int_equal(prs_snapshot(&placed, &fs, in("run/code"), NULL, &err), 0);
	assert_int_equal(stat(in("run/code/run.log"), &st), 0);
	assert_int_equal(st.st_size, 4);
}

/* ---- fingerprints ------------------------------------------------------------------------------------------------ */

static void print_now(uint8_t to[16])
{
	assert_int_equal(snapshot(), 0);
	memcpy(to, placed.code_print, 16);
}

static void test_code_fingerprint(void **state)
{
	(void)state;
	uint8_t first[16], next[16];
	put("src/a.py", "one");
	put("src/b/c.py", "two");
	print_now(first);
	print_now(next);
	assert_memory_equal(first, next, 16);
	assert_int_equal(prs_snapshot_copy(&prs_fs_posix, in("run/code"), in("run"), &err), 0);
	put("src/a.py", "onE");
	print_now(next);
	assert_memory_not_equal(first, next, 16);
	put("src/a.py", "one");
	assert_int_equal(chmod(in("src/a.py"), 0755), 0);
	print_now(next);
	assert_memory_not_equal(first, next, 16);
	assert_int_equal(chmod(in("src/a.py"), 0644), 0);
	assert_int_equal(rename(in("src/a.py"), in("src/d.py")), 0);
	print_now(next);
	assert_memory_not_equal(first, next, 16);
	assert_int_equal(rename(in("src/d.py"), in("src/a.py")), 0);
	print_now(next);
	assert_memory_equal(first, next, 16);
	put("src/a.py", "onetwo"); /* bytes that move from one file to its neighbour */
	put("src/b/c.py", "");
	print_now(next);
	assert_memory_not_equal(first, next, 16);
}

/* Two files, and one whose bytes are what stands between them when they are read one after the other. */
static void test_fingerprint_has_the_sizes(void **state)
{
	(void)state;
	uint8_t two[16], one[16];
	put("src/a", "one");
	put("src/b", "two");
	print_now(two);
	assert_int_equal(unlink(in("src/b")), 0);
	FILE *f = fopen(in("src/a"), "w");
	fwrite("oneb\0\0\0\0\0\0\0\0\0\0two", 1, 17, f);
	fclose(f);
	print_now(one);
	assert_memory_not_equal(one, two, 16);
}

static void test_copy_is_exact(void **state)
{
	(void)state;
	char big[600000];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = 0;
	put("src/score.py", big);
	put("src/run.sh", "#!/bin/sh\n");
	assert_int_equal(chmod(in("src/run.sh"), 0755), 0);
	struct fault_fs f;
	fault_fs_init(&f, &prs_fs_posix);
	f.max_bytes = 1000; /* short reads and writes */
	mkdir(in("run"), 0755);
	mkdir(in("run/code"), 0755);
	job.code_dir = prs_strdup(in("src"));
	place();
	assert_int_equal(prs_snapshot(&placed, &f.fs, in("run/code"), NULL, &err), 0);
	struct stat st;
	assert_int_equal(stat(in("run/code/score.py"), &st), 0);
	assert_int_equal(st.st_size, sizeof big - 1);
	assert_int_equal(stat(in("run/code/run.sh"), &st), 0);
	assert_true(st.st_mode & 0100);
}

static void test_every_failing_call(void **state)
{
	(void)state;
	put("src/score.py", "x");
	put("src/pkg/x.py", "x");
	put("src/.gitignore", "*.bin\n");
	job.code_dir = prs_strdup(in("src"));
	mkdir(in("run"), 0755);
	struct fault_fs f;
	for (long n = 1;; n++) {
		mkdir(in("run/code"), 0755);
		fault_fs_init(&f, &prs_fs_posix);
		fault_fs_arm(&f, FAULT_ANY, n, EIO, false);
		place();
		int r = prs_snapshot(&placed, &f.fs, in("run/code"), NULL, &err);
		assert_int_equal(f.open_files, 0);
		if (!f.fired) {
			assert_int_equal(r, 0);
			break;
		}
		if (r < 0)
			assert_int_equal(err.code, r);
		else
			assert_string_equal(copied(), ".gitignore pkg/x.py score.py ");
		nftw(in("run/code"), remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	for (long n = 1;; n++) {
		prs_placed_done(&placed);
		prs_mem_fault(n);
		int r = prs_place(&placed, &job, &prs_fs_posix, in("run"), "run", &err);
		if (!r)
			r = prs_snapshot(&placed, &prs_fs_posix, in("run/code"), NULL, &err);
		prs_mem_fault(0);
		if (r == 0)
			break;
		assert_int_equal(r, -PRS_ENOMEM);
	}
}

/* ---- job.json ---------------------------------------------------------------------------------------------------- */

static struct prs_job_pair *pairs(const char *name, const char *value)
{
	struct prs_job_pair *p = prs_calloc(1, sizeof *p);
	*p = (struct prs_job_pair){ prs_strdup(name), prs_strdup(value) };
	return p;
}

static void set(const char *name, const char *value, const char *where)
{
	if (prs_job_set(&job, prs_option_find(name, false), value, where, &err) != 0)
		fail_msg("%s", err.msg);
}

static void fill_job(void)
{
	static const char *const odd[] = { "plain", "with blank",        "new\nline", "\xff\xfe bytes",
		                           "größe", "{\"hex\": \"41\"}", "" };
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		assert_int_equal(prs_list_add(&job.user_args, odd[i]), 0);
	set("mini-batch-size", "7", "--mini-batch-size");
	set("run-invocation-timeout", "0.3", "job.yml:12:5");
	set("allowed-failed-percent", "33.333", "--set allowed_failed_percent");
	set("output-action", "summary_only", "-x");
	set("json", "true", "--json");
	set("overwrite", "true", "--overwrite");
	set("input", "a=\xff", "--input");
	set("input", "b", "--input");
	job.name = prs_strdup("score");
	job.entry = prs_strdup("score.py");
	job.code_dir = prs_strdup("/c\xff");
	job.submit_dir = prs_strdup("/s");
	job.output_dir = prs_strdup("/o");
	job.python = prs_strdup("/usr/bin/python3");
	job.python_why = prs_strdup("PATH");
	job.inputs = prs_calloc(1, sizeof *job.inputs);
	job.inputs[job.inputs_n++] = (struct prs_job_input){ .name = prs_strdup("a"), .path = prs_strdup("/in\n\x80") };
	job.models = pairs("m", "/m\xff");
	job.side_inputs = pairs("s", "/s");
	job.variables = pairs("E", "v\xff=");
	job.models_n = job.side_inputs_n = job.variables_n = 1;
	place();
	for (int i = 0; i < 16; i++)
		placed.code_print[i] = (uint8_t)(i * 17);
}

static void test_job_json_there_and_back(void **state)
{
	(void)state;
	PRS_AUTOBUF first;
	PRS_AUTOBUF next;
	prs_buf_init(&first, 1 << 20);
	prs_buf_init(&next, 1 << 20);
	fill_job();
	job.o.code_copy = PRS_CODE_SCRIPT;
	assert_int_equal(prs_placed_to_json(&placed, &first, &err), 0);
	struct prs_job again;
	struct prs_placed there;
	prs_job_init(&again);
	assert_int_equal(prs_placed_from_json(&there, &again, (const char *)first.data, first.len, &err), 0);
	assert_int_equal(again.o.code_copy, PRS_CODE_SCRIPT);
	assert_int_equal(again.o.mini_batch_size, 7);
	assert_int_equal(again.o.run_invocation_timeout_us, 300000);
	assert_int_equal(again.o.output_action, PRS_OUTPUT_SUMMARY_ONLY);
	assert_false(again.o.json); /* about one command's screen */
	assert_true(again.o.overwrite);
	assert_string_equal(again.from[PRS_OPTION_ID_run_invocation_timeout_us], "job.yml:12:5");
	assert_null(again.from[PRS_OPTION_ID_run_max_try]);
	assert_int_equal(again.user_args.n, 7);
	for (size_t i = 0; i < 7; i++)
		assert_string_equal(again.user_args.v[i], job.user_args.v[i]);
	assert_string_equal(again.inputs[0].path, "/in\n\x80");
	assert_string_equal(again.models[0].value, "/m\xff");
	assert_string_equal(again.code_dir, "/c\xff");
	assert_null(again.output_file);
	assert_memory_equal(there.code_print, placed.code_print, 16);
	assert_memory_equal(there.job_print, placed.job_print, 16);
	assert_int_equal(prs_placed_to_json(&there, &next, &err), 0);
	assert_int_equal(first.len, next.len);
	assert_memory_equal(first.data, next.data, first.len);
	prs_placed_done(&there);
	prs_job_done(&again);
}

/* What has a member of its own is not said again as an option; older engines did, and their run folders are read. */
static void test_job_json_of_an_older_engine(void **state)
{
	(void)state;
	PRS_AUTOBUF text;
	prs_buf_init(&text, 1 << 20);
	fill_job();
	assert_int_equal(prs_placed_to_json(&placed, &text, &err), 0);
	const char *json = prs_buf_str(&text), *options = strstr(json, "\"options\": {");
	assert_non_null(options);
	static const char *const words[] = { "\"input\"",      "\"output\"", "\"model\"",
		                             "\"side-input\"", "\"env\"",    "\"name\": {" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		assert_null(strstr(options, words[i]));
	PRS_AUTOFREE char
		*old = prs_strf("%.*s\"options\": {\"input\": {\"value\": [\"in\", \"more\"], \"from\": \"-i\"},%s",
	                        (int)(options - json), json, options + strlen("\"options\": {"));
	struct prs_job again;
	struct prs_placed there;
	prs_job_init(&again);
	assert_int_equal(prs_placed_from_json(&there, &again, old, strlen(old), &err), 0);
	assert_int_equal(again.o.input.n, 2);
	assert_string_equal(there.inputs[0].path, "/in\n\x80");
	assert_string_equal(there.output_dir, "/o");
	assert_string_equal(there.arguments.v[0], "plain");
	prs_placed_done(&there);
	prs_job_done(&again);
}

/* A job.json that is cut anywhere, or has a byte changed, is refused or read: never a crash, never half a job. */
static void test_job_json_damaged(void **state)
{
	(void)state;
	PRS_AUTOBUF text;
	prs_buf_init(&text, 1 << 20);
	fill_job();
	assert_int_equal(prs_placed_to_json(&placed, &text, &err), 0);
	for (size_t n = 0; n + 2 < text.len; n++) {
		struct prs_job again;
		struct prs_placed there;
		prs_job_init(&again);
		assert_int_not_equal(prs_placed_from_json(&there, &again, (const char *)text.data, n, &err), 0);
		prs_placed_done(&there);
		prs_job_done(&again);
	}
	for (size_t i = 0; i < text.len; i++) {
		struct prs_job again;
		struct prs_placed there;
		uint8_t was = text.data[i];
		text.data[i] ^= (uint8_t)(1 + i % 255);
		prs_job_init(&again);
		if (prs_placed_from_json(&there, &again, (const char *)text.data, text.len, &err) == 0)
			assert_memory_not_equal(there.job_print, placed.job_print, 16);
		text.data[i] = was;
		prs_placed_done(&there);
		prs_job_done(&again);
	}
}

static void test_job_json_of_others(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
		int code;
	} cases[] = {
		{ "", "job.json:", PRS_ECORRUPT },
		{ "{}", "no \"format\"", PRS_ECORRUPT },
		{ "[1]", "no \"format\"", PRS_ECORRUPT },
		{ "{\"format\": 2, \"engine\": \"9.1.0\"}", "format 2, written by engine 9.1.0", PRS_EVERSION },
		{ "{\"format\": 1}", "no \"code_print\"", PRS_ECORRUPT },
		{ "{\"format\": 1, \"code_print\": \"00112233445566778899aabbccddeeff\", \"options\": {\"warp\": "
		  "{\"value\": [\"9\"]}}}",
		  "unknown option warp", PRS_EVERSION },
		{ "{\"format\": 1, \"code_print\": \"00112233445566778899aabbccddeeff\", \"options\": "
		  "{\"run-max-try\": {\"value\": [\"0\"]}}}",
		  "run-max-try: expected a whole number from 1", PRS_EINVALID },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prs_job again;
		struct prs_placed there;
		prs_job_init(&again);
		assert_int_equal(prs_placed_from_json(&there, &again, cases[i].text, strlen(cases[i].text), &err),
		                 -cases[i].code);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("%s: %s", cases[i].text, err.msg);
		prs_placed_done(&there);
		prs_job_done(&again);
	}
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static const char *check(const char *script)
{
	static struct prs_buf report;
	prs_buf_done(&report);
	prs_buf_init(&report, 1 << 20);
	struct prs_request q = { .cwd = dir, .file = script };
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	struct prs_sources from = { &q, &prs_fs_posix, NULL, d };
	int n = prs_job_check(&job, &from, &report);
	prs_yaml_doc_free(d);
	int lines = 0;
	for (size_t i = 0; i < report.len; i++)
		lines += report.data[i] == '\n';
	assert_int_equal(n, lines);
	return prs_buf_str(&report);
}

static void expect(const char *text, const char *sentence)
{
	if (!text || !strstr(text, sentence))
		fail_msg("expected \"%s\" in:\n%s", sentence, text ? text : "");
}

static void test_all_mistakes(void **state)
{
	(void)state;
	put("file.txt", "x");
	mkdir(in("empty"), 0755);
	set("input", "nowhere", "-i");
	set("input", "a=nowhere2", "-i");
	set("input", "a=file.txt", "-i");
	set("model", "x", "--model");
	set("model", "m=gone", "--model");
	set("side-input", "=gone", "--side-input");
	set("env", "NOVALUE", "--env");
	set("output", "file.txt/such/out.txt", "-o");
	const char *text = check("score.py");
	expect(text, "score.py: no such entry script (looked for ");
	expect(text, "--input nowhere: no such folder or file\n");
	expect(text, "--input nowhere2: no such folder or file\n");
	expect(text, "the name a is used twice\n");
	expect(text, "--model x: expected NAME=PATH\n");
	expect(text, "--model m=gone: no such file or folder: ");
	expect(text, "--side-input =gone: expected NAME=PATH\n");
	expect(text, "--env NOVALUE: expected NAME=VALUE\n");
	expect(text, "/file.txt is no folder: expected a folder, or a path where none is yet\n");
}

static void test_checks_one_by_one(void **state)
{
	(void)state;
	static const struct {
		const char *script, *input, *output, *action, *says; /* NULL says: all is well */
	} cases[] = {
		{ "score.py", "in", NULL, NULL, NULL },
		{ "./score.py", "./in/", "out.txt", NULL, NULL },
		{ "score.py", "in/f", NULL, NULL, NULL },
		{ "score.py", NULL, NULL, NULL, "no input: give the folder or file to process with --input PATH\n" },
		{ "in", "in", NULL, NULL, "in is a folder: name the entry script in it\n" },
		{ "score.py", "azureml:mnist:1", NULL, NULL,
		  "--input azureml:mnist:1: that is a reference, not a path" },
		{ "score.py", "https://x/y", NULL, NULL, "--input https://x/y: that is a reference, not a path" },
		{ "score.py", "empty", NULL, NULL, "--input empty: there is no file in it\n" },
		{ "score.py", "in", "score.py", NULL, "exists: name another file, or replace it with --overwrite\n" },
		{ "score.py", "in", "pipe", NULL,
		  "/pipe is a device, a pipe or a socket: expected an ordinary file\n" },
		{ "score.py", "in", "in/out.txt", NULL, "lies inside the input" },
		{ "score.py", "in", "new/", NULL, NULL },
		{ "score.py", "in", "new/deep/rows.txt", NULL, NULL },
		{ "score.py", "in", "score.py/rows.txt", NULL, "/score.py is no folder: expected a folder, or a path" },
		{ "score.py", "in", "score.py/deep/", NULL, "/score.py is no folder: expected a folder, or a path" },
		{ "score.py", "in", "new/deep", "summary_only", NULL },
		{ "score.py", "in", "score.py/deep", "summary_only", "/score.py is no folder: expected a folder" },
		{ "score.py", "in", "empty", NULL, NULL },
		{ "score.py", "in", "empty/", NULL, NULL },
		{ "score.py", "in", "score.py", "summary_only",
		  "with summary_only this is a folder, but it is a file\n" },
		{ "score.py", "in", "empty", "summary_only", NULL },
	};
	put("score.py", "x");
	put("in/f", "x");
	put("empty/deep/er/.keep", "x");
	assert_int_equal(mkfifo(in("pipe"), 0600), 0);
	assert_int_equal(unlink(in("empty/deep/er/.keep")), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		prs_job_done(&job);
		prs_job_init(&job);
		prs_options_init(&job.o, &err);
		if (cases[i].input)
			set("input", cases[i].input, "-i");
		if (cases[i].output)
			set("output", cases[i].output, "-o");
		if (cases[i].action)
			set("output-action", cases[i].action, "--output-action");
		const char *text = check(cases[i].script);
		if (cases[i].says ? !strstr(text, cases[i].says) : *text)
			fail_msg("case %zu: %s", i, text);
	}
}

static void test_names_of_inputs(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t name; /* 0: the whole is a path */
	} cases[] = { { "data=x", 4 }, { "llm.model=x", 9 }, { "a-b_1=x=y", 5 }, { "x", 0 },
		      { "=x", 0 },     { ".a=x", 0 },        { "a.=x", 0 },      { "a..b=x", 0 },
		      { "..=x", 0 },   { "./a=x", 0 },       { "in/year=1", 0 }, { "a b=x", 0 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t n;
		const char *path = prs_job_split_name(cases[i].text, &n);
		if (n != cases[i].name || path != cases[i].text + n + (n > 0))
			fail_msg("%s: %zu", cases[i].text, n);
	}
}

static void test_names_of_runs(void **state)
{
	(void)state;
	static const struct {
		const char *given, *name;
	} cases[] = { { "score", "score" },     { "My job/../x", "My_job_.._x" },
		      { "-rf", "_rf" },         { ".hidden", "_hidden" },
		      { "日本", "run" },        { "a b", "a_b" },
		      { "x.y-z_1", "x.y-z_1" }, { "../..", "run" },
		      { "a;$(b)`", "a___b__" } };
	put("score.py", "x");
	put("in/f", "x");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		prs_job_done(&job);
		prs_job_init(&job);
		prs_options_init(&job.o, &err);
		set("input", "in", "-i");
		set("name", cases[i].given, "--name");
		assert_string_equal(check("score.py"), "");
		assert_string_equal(job.name, cases[i].name);
	}
}

/* An empty input is looked for only as long as it is cheap: a deep or wide tree counts as not empty. */
static void test_empty_input(void **state)
{
	(void)state;
	char path[2048] = "wide";
	put("score.py", "x");
	mkdir(in("a"), 0755);
	mkdir(in("b"), 0755);
	put("b/sub/f", "x");
	set("input", "a", "-i");
	set("input", "b", "-i");
	assert_string_equal(check("score.py"), ""); /* one of them has a file */
	for (int i = 0; i < 40; i++) {
		mkdir(in(path), 0755);
		strcat(path, "/d");
	}
	prs_job_done(&job);
	prs_job_init(&job);
	prs_options_init(&job.o, &err);
	set("input", "wide", "-i");
	assert_string_equal(check("score.py"), "");
}

/* A name that no file will ever have is found before the work, not at its end. */
static void test_outputs_that_can_never_be(void **state)
{
	(void)state;
	char longest[300];
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = 0;
	put("score.py", "x");
	put("in/f", "x");
	mkdir(in("out"), 0755);
	assert_int_equal(symlink(in("nowhere/rows.txt"), in("lost")), 0);
	assert_int_equal(symlink("real.txt", in("good")), 0);
	put("real.txt", "x");
	const struct {
		const char *output, *action, *says;
	} cases[] = {
		{ "lost", "append_row",
		  "lost is a link to a file that is not there: name that file, or remove the link\n" },
		{ "lost", "summary_only", "lost is a link to a file that is not there" },
		{ longest, "append_row", "...: the name of the file is too long\n" },
		{ longest, "summary_only", "...: the name of the file is too long\n" },
		{ "good", "append_row", "good exists: name another file" },
		{ "new.txt", "append_row", "" },
		{ "out", "summary_only", "" },
		{ "out/new", "summary_only", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		prs_job_done(&job);
		prs_job_init(&job);
		assert_int_equal(prs_options_init(&job.o, &err), 0);
		set("input", "in", "-i");
		set("output", cases[i].output, "-o");
		set("output-action", cases[i].action, "");
		const char *text = check("score.py");
		if (cases[i].says[0] ? !strstr(text, cases[i].says) : text[0] != 0)
			fail_msg("%.40s: %s", cases[i].output, text);
	}
}

static void test_argv(void **state)
{
	(void)state;
	PRS_AUTOBUF all;
	prs_buf_init(&all, 1 << 16);
	put("score.py", "x");
	put("in/f", "x");
	put("labels", "x");
	set("input", "images=in", "-i");
	set("input", "in/f", "-i");
	set("side-input", "labels=labels", "--side-input");
	set("output", "empty.txt", "-o");
	set("processes", "2", "-p");
	set("run-invocation-timeout", "1.5", "");
	assert_string_equal(check("score.py"), "");
	assert_int_equal(prs_list_add(&job.user_args, "--mine"), 0);
	place();
	struct prs_list argv = { 0 };
	assert_int_equal(prs_placed_argv(&placed, &argv, &err), 0);
	for (size_t i = 2; i < argv.n; i++)
		prs_buf_putf(&all, "%s ", argv.v[i]);
	char want[2 * PATHS];
	snprintf(want, sizeof want,
	         "--scoring_module_name score.py --mini_batch_size 10 --error_threshold -1 --output_action append_row "
	         "--logging_level INFO "
	         "--run_invocation_timeout 1.5 --run_max_try 3 --create_snapshot_at_runtime True "
	         "--append_row_file_name empty.txt --output %.3000s "
	         "--process_count_per_node 2 --allowed_failed_count -1 --allowed_failed_percent 100 --labels "
	         "%.3000s/labels --mine --input_fds_0 images --input_fds_1 input_1 ",
	         dir, dir);
	assert_string_equal(argv.v[0], "--client_sdk_version");
	assert_string_equal(prs_buf_str(&all), want);
	prs_list_done(&argv);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_what_is_left_out),
		T(test_output_folder_and_own_run),
		T(test_run_folders_are_no_code),
		T(test_input_is_the_folder_itself),
		T(test_links),
		T(test_ignore_files),
		T(test_ignore_rules),
		T(test_too_many_bytes),
		T(test_too_many_files),
		T(test_data_beside_the_script),
		T(test_what_is_no_data),
		T(test_very_many_beside_the_script),
		T(test_the_line_that_mends_it),
		T(test_the_script_alone),
		T(test_a_large_copy_is_said),
		T(test_file_that_grows),
		T(test_code_fingerprint),
		T(test_fingerprint_has_the_sizes),
		T(test_copy_is_exact),
		T(test_every_failing_call),
		T(test_job_json_there_and_back),
		T(test_job_json_of_an_older_engine),
		T(test_job_json_damaged),
		T(test_job_json_of_others),
		T(test_all_mistakes),
		T(test_checks_one_by_one),
		T(test_names_of_inputs),
		T(test_names_of_runs),
		T(test_outputs_that_can_never_be),
		T(test_empty_input),
		T(test_argv),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
