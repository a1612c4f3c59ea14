/* SPDX-License-Identifier: Apache-2.0
 * report_world: a run folder with a journal in it, file functions that fail when told to, and a small story in two
 * epochs.
 * For test_report.c and test_report_faults.c.
 */
#ifndef REPORT_WORLD_H
#define REPORT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/option.h"
#include "report/report.h"
#include "wire/states.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report_story.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* each test uses some of these */

/* ---- files that can fail ----------------------------------------------------------------------------------------- */

static struct {
	long countdown; /* the n-th pwrite fails with ENOSPC; 0 = never */
	long repeat;    /* and so many more */
	size_t most;    /* bytes of one pwrite; 0 = no limit */
	unsigned long writes, bytes;
	int open_files, open_most;
} fault;

static int neg(int rc) { return rc < 0 ? -errno : rc; }
static int fs_open(void *ctx, const char *path, int flags, uint32_t mode)
{
	(void)ctx;
	int fd = neg(open(path, flags, (mode_t)mode));
	fault.open_files += fd >= 0;
	if (fault.open_files > fault.open_most)
		fault.open_most = fault.open_files;
	return fd;
}
static int fs_close(void *ctx, int fd)
{
	(void)ctx;
	fault.open_files--;
	return neg(close(fd));
}
static ssize_t fs_pread(void *ctx, int fd, void *to, size_t n, uint64_t offset)
{
	(void)ctx;
	ssize_t got = pread(fd, to, n, (off_t)offset);
	return got < 0 ? -errno : got;
}
static ssize_t fs_pwrite(void *ctx, int fd, const void *from, size_t n, uint64_t offset)
{
	(void)ctx;
	if (fault.countdown > 0 && --fault.countdown == 0) {
		if (fault.repeat-- > 0)
			fault.countdown = 1;
		return -ENOSPC;
	}
	fault.writes++;
	fault.bytes += n;
	ssize_t put = pwrite(fd, from, fault.most && n > fault.most ? fault.most : n, (off_t)offset);
	return put < 0 ? -errno : put;
}
static int fs_ftruncate(void *ctx, int fd, uint64_t size)
{
	(void)ctx;
	return neg(ftruncate(fd, (off_t)size));
}
static int fill_stat(int rc, const struct stat *st, struct prs_fs_stat *ret)
{
	if (rc == 0)
		*ret = (struct prs_fs_stat){ .size = (uint64_t)st->st_size, .mode = st->st_mode };
	return neg(rc);
}
static int fs_fstat(void *ctx, int fd, struct prs_fs_stat *ret)
{
	(void)ctx;
	struct stat st;
	return fill_stat(fstat(fd, &st), &st, ret);
}
static int fs_stat(void *ctx, const char *path, struct prs_fs_stat *ret)
{
	(void)ctx;
	struct stat st;
	return fill_stat(stat(path, &st), &st, ret);
}
static int fs_rename(void *ctx, const char *from, const char *to)
{
	(void)ctx;
	return neg(rename(from, to));
}
static int fs_unlink(void *ctx, const char *path)
{
	(void)ctx;
	return neg(unlink(path));
}
static int fs_mkdir(void *ctx, const char *path, uint32_t mode)
{
	(void)ctx;
	return neg(mkdir(path, (mode_t)mode));
}
static int fs_list(void *ctx, const char *path, prs_fs_entry_fn *each, void *each_ctx)
{
	(void)ctx;
	DIR *d = opendir(path);
	int rc = d ? 0 : -errno;
	for (struct dirent *e; d && rc == 0 && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = each(each_ctx, e->d_name, '?');
	if (d)
		closedir(d);
	return rc;
}

static const struct prs_fs fs = { .open = fs_open,
	                          .close = fs_close,
	                          .pread = fs_pread,
	                          .pwrite = fs_pwrite,
	                          .ftruncate = fs_ftruncate,
	                          .fstat = fs_fstat,
	                          .stat = fs_stat,
	                          .rename = fs_rename,
	                          .unlink = fs_unlink,
	                          .mkdir = fs_mkdir,
	                          .list = fs_list };

/* ---- a run folder ------------------------------------------------------------------------------------------------ */

static const struct prs_run_id run_id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };

struct world {
	char dir[64];
	struct prs_buf journal[4]; /* per epoch: bytes */
	uint64_t frames[4][64];    /* ends of frames */
	size_t frames_n[4];
};

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		char full[4096];
		snprintf(full, sizeof full, "%s/%s", path, e->d_name);
		if (unlink(full) < 0)
			remove_tree(full);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static void put_file(const char *dir, const char *name, const void *p, size_t n)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static struct prs_buf get_file(const char *dir, const char *name)
{
	char path[4096];
	struct prs_buf b;
	prs_buf_init(&b, 64 << 20);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "rb");
	for (size_t n = 1; f && n > 0;) {
		n = fread(prs_buf_reserve(&b, 65536), 1, 65536, f);
		b.len += n;
	}
	if (f)
		fclose(f);
	prs_buf_str(&b);
	return b;
}

static void world_init(struct world *w)
{
	*w = (struct world){ .dir = "/tmp/prs-test-report-XXXXXX" };
	assert_non_null(mkdtemp(w->dir));
	memset(&fault, 0, sizeof fault);
}

static void world_done(struct world *w)
{
	for (int i = 0; i < 4; i++)
		prs_buf_done(&w->journal[i]);
	remove_tree(w->dir);
	assert_int_equal(fault.open_files, 0);
}

/* Put facts as one frame behind journal-<epoch>. */
static void append(struct world *w, uint32_t epoch, const struct prs_fact *facts, size_t n)
{
	struct prs_buf *j = &w->journal[epoch];
	if (!j->data) {
		prs_buf_init(j, 256 << 20);
		uint8_t *head = prs_buf_reserve(j, PRS_FILE_HEADER_BYTES);
		prs_file_header_put(head, PRS_FILE_JOURNAL, PRS_FORMAT_MINOR, &run_id);
		j->len = PRS_FILE_HEADER_BYTES;
	}
	PRS_AUTOBUF body;
	prs_buf_init(&body, PRS_FRAME_MAX_BYTES);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(prs_fact_put(&body, &facts[i]), 0);
	struct prs_frame f = { .offset = j->len,
		               .durable = j->len,
		               .body_bytes = (uint32_t)body.len,
		               .body_sum = prs_checksum(body.data, body.len) };
	prs_frame_put(prs_buf_reserve(j, PRS_FRAME_HEADER_BYTES), &f);
	j->len += PRS_FRAME_HEADER_BYTES;
	prs_buf_put(j, body.data, body.len);
	w->frames[epoch][w->frames_n[epoch]++] = j->len;
}

static void save(struct world *w, uint32_t epoch)
{
	char name[32];
	snprintf(name, sizeof name, "journal-%u", epoch);
	put_file(w->dir, name, w->journal[epoch].data, w->journal[epoch].len);
}

/* ---- the story --------------------------------------------------------------------------------------------------- */

#define T(seconds, us) (UINT64_C(1767323045000000) + (seconds)*UINT64_C(1000000) + (us)) /* 2026-01-02 03:04:05 UTC */
#define TEXT(s)                    \
	{                          \
		(s), sizeof(s) - 1 \
	}

static const char *const names[8][2] = { { "/in/0.txt", "/in/1.txt" },
	                                 { "/in/2.txt", "/in/3.txt" },
	                                 { "/in/a\nb", "/in/\xff\xfe \"q\", c" },
	                                 { "/in/6.txt", "/in/\xc3\xa9.txt" },
	                                 { "/in/8.txt", NULL },
	                                 { "/in/9", "/in/10" },
	                                 { "/in/11", "/in/12" },
	                                 { "/in/13", "/in/14" } };

static uint32_t items_of(void *ctx, uint64_t id)
{
	(void)ctx;
	return names[id % 8][1] ? 2 : 1;
}

static int detail(void *ctx, const struct prs_unit *u, unsigned max, struct prs_buf *to)
{
	(void)ctx;
	(void)max;
	prs_buf_puts(to, names[u->id % 8][0] + 4);
	if (names[u->id % 8][1]) {
		prs_buf_puts(to, ", ");
		prs_buf_puts(to, names[u->id % 8][1] + 4);
	}
	return 0;
}

static int paths(void *ctx, const struct prs_unit *u, struct prs_buf *to)
{
	(void)ctx;
	for (int i = 0; i < 2 && names[u->id % 8][i]; i++)
		prs_buf_put(to, names[u->id % 8][i], strlen(names[u->id % 8][i]) + 1);
	return 0;
}

static struct prs_fact head(uint32_t epoch, uint32_t previous, uint64_t sealed, uint64_t time_us)
{
	return (struct prs_fact){ .type = PRS_FACT_HEAD,
		                  .time_us = time_us,
		                  .u.head = { .epoch = epoch,
		                              .previous = previous,
		                              .sealed_journal = sealed,
		                              .engine = TEXT("0.1"),
		                              .host = TEXT("box"),
		                              .pid = 100 + epoch,
		                              .boot = TEXT("b") } };
}

static struct prs_fact state(uint64_t time_us, int from, int to, uint16_t code, const char *text)
{
	return (struct prs_fact){ .type = PRS_FACT_STATE,
		                  .time_us = time_us,
		                  .u.state = { .from = (uint8_t)from,
		                               .to = (uint8_t)to,
		                               .code = code,
		                               .text = { text, (uint16_t)strlen(text) } } };
}

static struct prs_fact node_up(uint64_t time_us)
{
	return (struct prs_fact){
		.type = PRS_FACT_NODE,
		.time_us = time_us,
		.u.node = { .up = 1, .procs = 2, .cores = 4, .name = TEXT("box"), .address = TEXT("127.0.0.1") }
	};
}

static struct prs_fact proc(uint64_t time_us, uint16_t slot, uint32_t incarnation, uint32_t pid, int event,
                            uint16_t code)
{
	return (struct prs_fact){ .type = PRS_FACT_PROC,
		                  .time_us = time_us,
		                  .u.proc = {
					  .slot = slot,
					  .incarnation = incarnation,
					  .pid = pid,
					  .event = (uint8_t)event,
					  .code = code,
				  } };
}

static struct prs_fact planned(uint64_t time_us, uint64_t next_id, uint64_t items, bool complete)
{
	return (struct prs_fact){
		.type = PRS_FACT_PLANNED,
		.time_us = time_us,
		.u.planned = { .plan_epoch = 1, .next_id = next_id, .items = items, .complete = complete }
	};
}

static struct prs_fact done(uint64_t id, uint16_t try_number, uint16_t slot, uint32_t incarnation, uint32_t succeeded,
                            uint64_t start_us)
{
	return (struct prs_fact){ .type = PRS_FACT_DONE,
		                  .u.done = { .unit = { .id = id },
		                              .try_number = try_number,
		                              .slot = slot,
		                              .incarnation = incarnation,
		                              .succeeded = succeeded,
		                              .rows = succeeded,
		                              .start_us = start_us,
		                              .run_us = 900,
		                              .elapsed_us = 1500,
		                              .cpu_us = 1000 + id } };
}

static struct prs_fact failed_try(uint64_t id, uint16_t try_number, uint16_t slot, uint32_t incarnation,
                                  uint64_t start_us, uint16_t code, const char *message, uint32_t trace_bytes)
{
	return (struct prs_fact){ .type = PRS_FACT_TRY,
		                  .u.try_ = { .unit = { .id = id },
		                              .try_number = try_number,
		                              .slot = slot,
		                              .incarnation = incarnation,
		                              .start_us = start_us,
		                              .run_us = 2000,
		                              .elapsed_us = 2500,
		                              .cpu_us = 1800,
		                              .code = code,
		                              .fault = PRS_FAULT_SCRIPT,
		                              .counted = 1,
		                              .trace_offset = 0,
		                              .trace_bytes = trace_bytes,
		                              .message = { message, (uint16_t)strlen(message) } } };
}

static void epoch_one(struct world *w)
{
	struct prs_fact h = head(1, 0, 0, T(0, 0));
	append(w, 1, &h, 1);
	struct prs_fact start[] = { node_up(T(0, 1000)),
		                    proc(T(0, 2000), 0, 1, 4000, PRS_PROC_STARTED, 0),
		                    proc(T(0, 3000), 1, 1, 4001, PRS_PROC_STARTED, 0),
		                    planned(T(0, 4000), 3, 6, false),
		                    state(T(0, 5000), PRS_JOB_STARTING, PRS_JOB_RUNNING, 0, ""),
		                    proc(T(0, 50000), 0, 1, 4000, PRS_PROC_INIT_DONE, 0),
		                    proc(T(0, 51000), 1, 1, 4001, PRS_PROC_INIT_FAILED, PRS_EINIT_EXCEPTION),
		                    proc(T(0, 52000), 1, 1, 4001, PRS_PROC_EXITED, PRS_EINIT_EXCEPTION) };
	start[6].u.proc.text = (struct prs_text)TEXT("RuntimeError: no model\nmore");
	start[6].u.proc.trace_bytes = 30;
	start[7].u.proc.exit = 3 << 8;
	append(w, 1, start, sizeof start / sizeof start[0]);
	struct prs_fact some[] = { done(0, 1, 0, 1, 2, T(0, 60000)),
		                   failed_try(1, 1, 0, 1, T(0, 62000), PRS_ERUN_EXCEPTION,
		                              "ValueError: bad value 17 in '/in/2.txt'", 40) };
	append(w, 1, some, 2);
	struct prs_fact more[] = { proc(T(1, 0), 1, 2, 4002, PRS_PROC_STARTED, 0),
		                   proc(T(1, 50000), 1, 2, 4002, PRS_PROC_INIT_DONE, 0),
		                   done(1, 2, 1, 2, 1, T(1, 60000)),
		                   planned(T(2, 345678), 5, 9, true),
		                   failed_try(2, 1, 1, 2, T(3, 0), PRS_ERUN_TIMEOUT, "run() took longer than 1 s", 0),
		                   proc(T(3, 3000), 1, 2, 4002, PRS_PROC_KILLED, PRS_ERUN_TIMEOUT) };
	more[5].u.proc.exit = 9;
	append(w, 1, more, sizeof more / sizeof more[0]);
	struct prs_fact late[] = { failed_try(2, 2, 0, 1, T(22, 0), PRS_ERUN_EXCEPTION,
		                              "ValueError: bad value 18 in '/in/a\nb'\nsecond", 40) };
	append(w, 1, late, 1);
}

static void epoch_two(struct world *w)
{
	static uint8_t units[32];
	units[0] = 2;
	units[16] = 3;
	struct prs_fact h = head(2, 1, w->frames[1][w->frames_n[1] - 1], T(1000, 0));
	append(w, 2, &h, 1);
	struct prs_fact start[] = {
		{ .type = PRS_FACT_LOST,
		  .time_us = T(1000, 10),
		  .u.lost = { .running_count = 1, .queued_count = 1, .units = units } },
		{ .type = PRS_FACT_SET,
		  .time_us = T(1000, 20),
		  .u.set = { .key = TEXT("run-max-try"), .old = TEXT("3"), .new_ = TEXT("\"4\"") } },
		node_up(T(1000, 1000)),
		proc(T(1000, 2000), 0, 3, 5000, PRS_PROC_STARTED, 0),
		proc(T(1000, 2500), 0, 3, 5000, PRS_PROC_INIT_DONE, 0),
		state(T(1000, 3000), PRS_JOB_STARTING, PRS_JOB_RUNNING, 0, ""),
		failed_try(2, 3, 0, 3, T(1000, 4000), PRS_ERUN_EXCEPTION,
		           "ValueError: bad value 19 in '/in/\xff \"q\"'", 40),
		{ .type = PRS_FACT_FAILED,
		  .time_us = T(1000, 7000),
		  .u.failed = { .unit = { .id = 2 }, .items = 2, .code = PRS_ERUN_EXCEPTION } },
	};
	start[6].u.try_.trace_offset = 40;
	append(w, 2, start, sizeof start / sizeof start[0]);
	struct prs_fact rest[] = { done(3, 1, 0, 3, 5, T(1011, 0)), done(4, 1, 0, 3, 1, T(1012, 0)) };
	append(w, 2, rest, 2);
	struct prs_fact end[] = {
		state(T(1013, 0), PRS_JOB_RUNNING, PRS_JOB_ASSEMBLING, 0, ""),
		{ .type = PRS_FACT_PUBLISHED,
		  .time_us = T(1013, 500000),
		  .u.published = { .name = TEXT("/out/p.txt"), .bytes = 77, .rows = 9, .print = { 0xab } } },
		state(T(1013, 600000), PRS_JOB_ASSEMBLING, PRS_JOB_COMPLETED, 0, ""),
		proc(T(1013, 700000), 0, 3, 5000, PRS_PROC_EXITED, 0)
	};
	append(w, 2, end, sizeof end / sizeof end[0]);
}

static void tell(struct world *w)
{
	static const char trace[] = "Traceback (most recent call last):\n  F\n";
	epoch_one(w);
	epoch_two(w);
	save(w, 1);
	char path[4096];
	const char *const folders[] = { "logs", "logs/user", "logs/user/error", "logs/user/error/127.0.0.1" };
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", w->dir, folders[i]);
		mkdir(path, 0777);
	}
	put_file(w->dir, "logs/user/error/127.0.0.1/process000.txt", trace, sizeof trace - 1);
	put_file(w->dir, "logs/user/error/127.0.0.1/process001.txt", trace, sizeof trace - 1);
}

/* ---- running it -------------------------------------------------------------------------------------------------- */

struct heard {
	struct prs_buf lines;
};

static void hear(void *ctx, const char *line, size_t n)
{
	struct heard *h = ctx;
	prs_buf_put(&h->lines, line, n);
	prs_buf_putc(&h->lines, '\n');
}

static struct prs_report *start(struct world *w, int level, struct heard *heard)
{
	struct prs_err err = { 0 };
	struct prs_report *r = NULL;
	struct prs_report_config c = { .struct_size = sizeof c,
		                       .dir = w->dir,
		                       .run = run_id,
		                       .run_name = "story",
		                       .level = level,
		                       .processes = 2,
		                       .append_row = true,
		                       .items_of = items_of,
		                       .detail = detail,
		                       .paths = paths,
		                       .event = heard ? hear : NULL,
		                       .event_ctx = heard };
	int rc = prs_report_new(&r, &fs, &c, &err);
	if (rc)
		fail_msg("%s", err.msg);
	return r;
}

static void catch_up(struct prs_report *r, struct world *w, uint32_t epoch, uint64_t budget)
{
	struct prs_err err = { 0 };
	bool more = true;
	while (more)
		if (prs_report_catch_up(r, epoch, w->journal[epoch].len, budget, &more, &err))
			fail_msg("%s", err.msg);
}

static const struct prs_result result = { .state = PRS_JOB_COMPLETED,
	                                  .run_name = "story",
	                                  .run_dir = "runs/story",
	                                  .output = "/out/p.txt",
	                                  .mini_batches = 5,
	                                  .done = 4,
	                                  .failed = 1,
	                                  .items = 9,
	                                  .items_succeeded = 6,
	                                  .items_failed = 3,
	                                  .rows = 9,
	                                  .output_bytes = 77,
	                                  .wall_us = 13600000,
	                                  .done_now = 2,
	                                  .busy = 0.5 };

static void finish(struct prs_report *r)
{
	struct prs_err err = { 0 };
	if (prs_report_finish(r, &result, &err))
		fail_msg("%s", err.msg);
}

static const char *const outputs[] = { "logs/job_progress_overview.txt",
	                               "logs/sys/master_role.txt",
	                               "logs/sys/node/127.0.0.1/process000.txt",
	                               "logs/sys/node/127.0.0.1/process001.txt",
	                               "logs/sys/job_report/processed_mini-batches.csv",
	                               "logs/events.jsonl",
	                               "logs/user/error.txt",
	                               "failed_items.jsonl",
	                               "logs/job_result.txt",
	                               "logs/sys/job_report/process_summary.csv",
	                               "logs/sys/job_report/node_summary.csv" };
enum { OUTPUTS = sizeof outputs / sizeof outputs[0] };

/* What a file must hold. */
static struct prs_buf expected(const char *file)
{
	struct prs_buf b;
	prs_buf_init(&b, 1 << 20);
	for (size_t i = 0; i < sizeof story / sizeof story[0]; i++)
		if (strcmp(story[i].file, file) == 0) {
			prs_buf_puts(&b, story[i].line);
			prs_buf_putc(&b, '\n');
		}
	prs_buf_str(&b);
	return b;
}

static void check_outputs(struct world *w, const char *when)
{
	for (size_t i = 0; i < OUTPUTS; i++) {
		struct prs_buf got = get_file(w->dir, outputs[i]);
		struct prs_buf want = expected(outputs[i]);
		size_t at = 0;
		while (at < got.len && at < want.len && got.data[at] == want.data[at])
			at++;
		if (got.len != want.len || at != got.len)
			fail_msg("%s: %s, byte %zu: there is ...%.80s, should be ...%.80s", when, outputs[i], at,
			         (char *)got.data + at, (char *)want.data + at);
		prs_buf_done(&got);
		prs_buf_done(&want);
	}
}

/* Both epochs in one go, no kill. */
static void play(struct world *w, uint64_t budget)
{
	struct prs_report *r = start(w, PRS_LOG_INFO, NULL);
	catch_up(r, w, 1, budget);
	assert_int_equal(prs_report_flush(r, NULL), 0);
	prs_report_free(r);
	save(w, 2);
	r = start(w, PRS_LOG_INFO, NULL);
	catch_up(r, w, 2, budget);
	finish(r);
	prs_report_free(r);
}

#endif
