/* SPDX-License-Identifier: Apache-2.0
 * test_golden: run folders of every format so far (tests/golden/), written by tests/golden/make_*.py: this engine reads
 * them to the same result and writes their files again byte for byte.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/list.h"
#include "data/plan.h"
#include "hex.h"
#include "sched/ledger.h"
#include "store/index.h"
#include "store_world.h"

#define PART PRS_SOURCE_ROOT "/tests/golden/part/"

static const struct golden_run {
	const char *folder, *names[16];
} v1 = { PRS_SOURCE_ROOT "/tests/golden/v1/",
	 { "RUN", "journal-1", "journal-2", "journal-3", "plan-1", "plan-3", "seg/1-0-0.seg", "seg/1-0-1.raw",
	   "seg/3-0-0.seg", "output" } },
  v2 = { PRS_SOURCE_ROOT "/tests/golden/v2/",
	 { "RUN", "journal-1", "journal-2", "plan-1", "plan-2", "seg/1-0-0.seg", "seg/2-0-0.seg" } };

static void load_file(struct store_world *w, const char *folder, const char *name)
{
	char from[512], to[64];
	static uint8_t bytes[1 << 16];
	snprintf(from, sizeof from, "%s%s", folder, name);
	snprintf(to, sizeof to, "/run/%s", name);
	FILE *f = fopen(from, "rb");
	assert_non_null(f);
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	mem_fs_put(w->m, to, bytes, n);
}

/* The folder in memory as /run. */
static void load(struct store_world *w, const struct golden_run *g)
{
	world_new(w);
	for (size_t i = 0; g->names[i]; i++)
		load_file(w, g->folder, g->names[i]);
}

/* ---- read -------------------------------------------------------------------------------------------------------- */

struct reading {
	struct store_world w;
	struct prs_plan *plan;
	struct prs_ledger ledger;
	struct prs_index *x;
};

static int on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct reading *r = ctx;
	world_on_plan(&r->w, body, n, err);
	return prs_plan_feed(r->plan, body, n, err);
}

static int on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct reading *r = ctx;
	bool counts = f->type == PRS_FACT_DONE && prs_ledger_state(&r->ledger, f->u.done.unit.id) != PRS_UNIT_DONE;
	world_on_fact(&r->w, f, err);
	int e = prs_ledger_fold(&r->ledger, f, err);
	if (!e && f->type == PRS_FACT_PLANNED)
		e = prs_index_grow(r->x, f->u.planned.next_id, err);
	if (!e && f->type == PRS_FACT_RESET)
		prs_index_reset(r->x, f->u.reset.unit.id, f->u.reset.count);
	return e || !counts ? e : prs_index_done(r->x, &f->u.done, err);
}

static void assert_paths(struct reading *r, uint64_t id, const char *want, size_t n)
{
	PRS_AUTOBUF b;
	struct prs_unit u = { .id = id };
	prs_buf_init(&b, 4096);
	assert_int_equal(prs_plan_paths(r->plan, &u, &b), 0);
	assert_int_equal(b.len, n);
	assert_memory_equal(b.data, want, n);
}
#define PATHS(r, id, text) assert_paths(r, id, text, sizeof text)

static void check_output(struct reading *r)
{
	struct prs_assembled done;
	struct prs_assemble_options o = { .path = "/out/rows",
		                          .run = &r->w.run,
		                          .epoch = 3,
		                          .next_id = r->ledger.next_id };
	uint64_t n, want_n;
	assert_int_equal(prs_index_verify_ranges(r->x, NULL, NULL, NULL), 0);
	assert_int_equal(prs_assemble(r->w.fs, "/run", r->x, &o, NULL, NULL, &done, &r->w.err), 0);
	const uint8_t *got = mem_fs_bytes(r->w.m, "/out/rows", &n),
		      *want = mem_fs_bytes(r->w.m, "/run/output", &want_n);
	assert_int_equal(n, want_n);
	assert_memory_equal(got, want, n);
	assert_int_equal(done.headers_differ, 1);
	assert_int_equal(done.ranges, 4);
}

static void on_problem(void *ctx, const char *sentence)
{
	(void)ctx;
	fail_msg("%s", sentence);
}

static struct reading *reading_new(const struct golden_run *g)
{
	struct reading *r = calloc(1, sizeof *r);
	char name[64];
	load(&r->w, g);
	r->plan = prs_plan_new();
	assert_int_equal(prs_ledger_init(&r->ledger, prs_plan_items_of, r->plan), 0);
	assert_int_equal(prs_index_new(&r->x, r->w.fs, "/run", 4, NULL), 0);
	assert_int_equal(prs_run_file_read(r->w.fs, "/run", &r->w.run, name, sizeof name, NULL), 0);
	assert_string_equal(name, "golden-20231114-221320-abc");
	return r;
}

static void reading_free(struct reading *r)
{
	prs_index_free(r->x);
	prs_ledger_done(&r->ledger);
	prs_plan_free(r->plan);
	world_free(&r->w);
	free(r);
}

static int recover(struct reading *r, struct prs_recovered *was)
{
	struct prs_recover_sink sink = { r, on_plan, on_fact };
	return prs_store_recover(r->w.fs, "/run", &r->w.run, &sink, was, &r->w.err);
}

static void test_v1_is_read(void **state)
{
	(void)state;
	struct reading *r = reading_new(&v1);
	struct prs_recovered was;
	int e = recover(r, &was);
	if (e)
		fail_msg("%s", r->w.err.msg);
	assert_string_equal(r->w.seen, "plan(216) 1:HEAD 1:NODE 1:PLANNED+3 1:STATE 1:PROC 1:DONE0 1:DONE1 1:TRY2 "
	                               "plan(80) plan(144) 3:HEAD 3:LOST 3:RESET1 3:SET "
	                               "3:PLANNED=5 3:DONE1 3:DONE2 3:DONE3 3:DONE0 3:FAILED4 3:STATE 3:SPLIT 3:STEP "
	                               "3:PUBLISHED 3:STATE");
	assert_int_equal(was.epoch, 3);
	assert_int_equal(was.next_epoch, 4);
	PATHS(r, 0, "/data/in/a\0/data/in/b c");
	PATHS(r, 1, "/data/in/d\xff\0/data/in/e\nf");
	PATHS(r, 2, "/data/in/g\0/data/in/hij");
	PATHS(r, 3, "/data/in/sub \xe4/k\0/data/in/sub \xe4/l");
	PATHS(r, 4, "/data/in/sub \xe4/deep/m");
	const struct prs_ledger_counts *c = &r->ledger.counts;
	assert_int_equal(r->ledger.next_id, 5);
	assert_true(r->ledger.planned_all);
	assert_true(r->ledger.published);
	assert_int_equal(r->ledger.job, PRS_JOB_COMPLETED);
	assert_int_equal(c->units[PRS_UNIT_DONE], 4);
	assert_int_equal(c->units[PRS_UNIT_FAILED], 1);
	assert_int_equal(c->items, 9);
	assert_int_equal(c->items_failed, 1);
	assert_int_equal(c->rows, 8);
	check_output(r);
	assert_int_equal(prs_store_audit(r->w.fs, "/run", &r->w.run, on_problem, NULL, NULL), 0);
	reading_free(r);
}

/* The unit as people read it, and as a worker gets it: what stands before the keys, the keys, the body. */
static void assert_unit(struct reading *r, struct prs_unit u, const char *detail, uint64_t global_row, const char *keys,
                        const char *hex)
{
	PRS_AUTOBUF b;
	struct prs_task t = { .lease = 7 };
	prs_buf_init(&b, 4096);
	assert_int_equal(prs_plan_detail(r->plan, &u, 2, &b), 0);
	assert_string_equal(prs_buf_str(&b), detail);
	prs_buf_clear(&b);
	assert_int_equal(prs_plan_task(r->plan, &u, &t, &b), 0);
	assert_int_equal(t.global_row, global_row);
	assert_int_equal(t.keys_bytes, strlen(keys));
	for (uint32_t i = 0; i < t.keys_bytes; i++)
		assert_int_equal(b.data[i], keys[i] == '|' ? 0 : (uint8_t)keys[i]);
	assert_bytes_hex(b.data + t.keys_bytes, b.len - t.keys_bytes, hex, detail);
	prs_buf_clear(&b);
	assert_int_equal(prs_plan_paths(r->plan, &u, &b), 0);
	assert_int_equal(b.len != 0, t.kind == PRS_TASK_FILES);
}

static const char group_body_hex[] = "0200000001000000"
				     "3200000000000000034"
				     "01e18240a06000300000001000000000000000000000032000000000000000000000000000000"
				     "00000000000000000200000000000000"
				     "3c00000000000000044"
				     "01e18240a06000300000001000000140000000000000028000000000000000100000000000000"
				     "03000000000000000300000000000000"
				     "2f646174612f6c696e65732f782e6a736f6e6c002f646174612f6c696e65732f792e6a736f6e6c00";

/* Each kind of mini-batch that tables have, and how the second life saw the first. */
static void test_v2_is_read(void **state)
{
	(void)state;
	struct reading *r = reading_new(&v2);
	struct prs_recovered was;
	static const uint32_t items[] = { 3, 200, 9, 130, 1000, 24, 5, 4, 2, 1, 1 };
	if (recover(r, &was))
		fail_msg("%s", r->w.err.msg);
	assert_int_equal(was.epoch, 2);
	assert_true(prs_plan_complete(r->plan));
	assert_int_equal(r->ledger.next_id, 11);
	for (uint64_t id = 0; id < 11; id++)
		assert_int_equal(prs_plan_items_of(r->plan, id), items[id]);
	assert_int_equal(prs_plan_schemas(r->plan), 5);
	assert_string_equal(prs_plan_schema(r->plan, 1), "{\"columns\":[\"x\",\"n\"]}");
	const struct prs_ledger_counts *c = &r->ledger.counts;
	assert_int_equal(c->items, 1379);
	assert_int_equal(c->items_succeeded, 103);
	assert_int_equal(c->items_failed, 1100);
	assert_int_equal(c->units[PRS_UNIT_DONE], 1);
	assert_int_equal(c->units[PRS_UNIT_FAILED], 2);
	/* files, skip; size, mtime, schema, ranges; offset, bytes, row, global row, rows; path */
#define A_CSV                  \
	"bc020000000000000040" \
	"1e18240a06000000000001000000"
	assert_unit(r, (struct prs_unit){ 1, 150, 2 }, "a.csv rows 154-155", 153, "",
	            "0100000096000000" A_CSV "680000000000000028010000000000000300000000000000"
	            "0300000000000000c8000000000000002f646174612f73616c65732f612e63737600");
	assert_unit(r, (struct prs_unit){ 2, 0, 0 }, "a.csv rows 204-212", 203, "",
	            "0100000000000000" A_CSV "90010000000000002c01000000000000cb00000000000000"
	            "cb0000000000000009000000000000002f646174612f73616c65732f612e63737600");
	assert_unit(r, (struct prs_unit){ 3, 129, 1 }, "b \xff.csv.gz row 130", 341, "",
	            "01000000810000000000000000000000000000000000000001000000010000000400000000000000f401000000000000"
	            "0000000000000000d400000000000000820000000000000073706f6f6c2d322d302f6461"
	            "74612f73616c65732f6220ff2e6373762e677a00");
	assert_unit(r, (struct prs_unit){ 5, 0, 0 }, "p.parquet rows 1001-1024", 1000, "",
	            "01000000000000002823000000000000024"
	            "01e18240a06000200000001000000"
	            "00000000000000000000000000000000e803000000000000e8030000000000001800000000000000"
	            "2f646174612f6c616b652f702e7061727175657400");
	assert_unit(r, (struct prs_unit){ 6, 1, 3 }, "x.jsonl row 2, y.jsonl rows 2-3", 1,
	            "store|snorth|day|d2020-02-29T00:00:00|", group_body_hex);
	assert_unit(r, (struct prs_unit){ 8, 0, 0 }, "i=9223372036854775807, f=inf, b=false, n=\xff (2 rows)", 0,
	            "i|i9223372036854775807|f|finf|b|bfalse|n|s\xff|",
	            "0100000000000000000000000000000000000000000000000400000002000000"
	            "53000000000000001400000000000000000000000000000000000000000000000100000000000000"
	            "c8000000000000001400000000000000000000000000000005000000000000000100000000000000"
	            "73706f6f6c2d322d3300");
	assert_unit(r, (struct prs_unit){ 7, 3, 1 }, "i=-7, f=1e-05, b=true, n=null (1 row)", 4,
	            "i|i-7|f|f1e-05|b|btrue|n|n|",
	            "0100000003000000000000000000000000000000000000000400000001000000"
	            "03000000000000005000000000000000000000000000000001000000000000000400000000000000"
	            "73706f6f6c2d322d3300");
	assert_unit(r, (struct prs_unit){ 10, 0, 0 }, "2.png", 0, "k|i2|", "2f646174612f6d616e792f322e706e6700");
	assert_int_equal(prs_store_audit(r->w.fs, "/run", &r->w.run, on_problem, NULL, NULL), 0);
	reading_free(r);
}

/* A plan file of other content than the one that END summed up (its frames are whole). */
static void test_another_plan_is_refused(void **state)
{
	(void)state;
	struct reading *r = reading_new(&v1);
	struct prs_recovered was;
	struct prs_frame f;
	uint8_t *p = mem_fs_bytes(r->w.m, "/run/plan-1", NULL) + PRS_FILE_HEADER_BYTES;
	assert_int_equal(prs_frame_get(p, PRS_FRAME_HEADER_BYTES, PRS_FILE_HEADER_BYTES, &f), 1);
	uint8_t *name = memmem(p, f.body_bytes, "hij", 3);
	assert_non_null(name);
	name[0] = 'H';
	f.body_sum = prs_checksum(p + PRS_FRAME_HEADER_BYTES, f.body_bytes);
	prs_frame_put(p, &f);
	assert_int_equal(recover(r, &was), -PRS_ECORRUPT);
	assert_non_null(strstr(r->w.err.msg, "/run/plan-3"));
	assert_non_null(strstr(r->w.err.msg, "summed up"));
	reading_free(r);
}

/* ---- write again ------------------------------------------------------------------------------------------------- */

struct copy {
	struct store_world *w;
	struct prs_log log;
	uint16_t minor; /* that the records of a plan ask for */
};

/* Decode the records of a body and encode them; only what this engine passes over is taken as it is. */
static void again(struct copy *c, const uint8_t *body, size_t n, struct prs_buf *to)
{
	enum prs_file_kind kind = c->log.kind;
	struct prs_record rec;
	size_t at = 0;
	while (prs_record_next(body, n, &at, &rec, NULL) == 1) {
		size_t begin = rec.at, one = rec.at;
		struct prs_fact f;
		struct prs_plan_record p;
		struct prs_rows r;
		uint64_t place;
		if (rec.type == 200)
			prs_buf_put(to, body + begin, at - begin);
		else if (kind == PRS_FILE_JOURNAL)
			assert_true(prs_fact_next(body, n, &one, &f, NULL) == 1 && prs_fact_put(to, &f) == 0);
		else if (kind == PRS_FILE_PLAN) {
			assert_true(prs_plan_next(body, n, &one, &p, NULL) == 1 && prs_plan_put(to, &p) == 0);
			c->minor = prs_plan_minor(&p) > c->minor ? prs_plan_minor(&p) : c->minor;
		} else
			assert_true(prs_rows_next(body, n, &one, &r, NULL) == 1 && prs_rows_put(to, &r, &place) == 0);
	}
}

static void copy_raw(struct copy *c, const uint8_t *body, size_t n)
{
	struct prs_rows r;
	size_t at = 0;
	uint64_t offset;
	uint32_t sum;
	assert_int_equal(prs_rows_next(body, n, &at, &r, NULL), 1);
	mem_fs_put(c->w->m, "/passed", r.bytes, r.length);
	int fd = c->w->fs->open(c->w->m, "/passed", 0, 0);
	assert_int_equal(prs_log_raw(&c->log, &r, fd, &offset, &sum, NULL), 0);
	assert_int_equal(sum, prs_checksum(r.bytes, r.length));
	c->w->fs->close(c->w->m, fd);
}

static int copy_frame(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)err;
	struct copy *c = ctx;
	if (c->log.kind == PRS_FILE_RAW) {
		copy_raw(c, body, n);
		return 0;
	}
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	prs_log_begin(&b);
	again(c, body, n, &b);
	uint64_t at = prs_log_place(&c->log, &b);
	assert_int_equal(at, offset);
	assert_int_equal(prs_log_commit(&c->log, &b, at, NULL), 0);
	return 0;
}

static void assert_written_again(struct store_world *w, const char *path, enum prs_file_kind kind)
{
	struct copy c = { .w = w, .minor = PRS_FORMAT_MINOR };
	uint64_t length, n, copied;
	uint16_t minor = prs_get16(mem_fs_bytes(w->m, path, &n) + 24);
	assert_int_equal(prs_log_create_as(&c.log, w->fs, "/out/copy", kind, minor, &w->run, 0, NULL), 0);
	assert_int_equal(prs_log_scan(w->fs, path, kind, &w->run, UINT64_MAX, copy_frame, &c, &length, &w->err), 0);
	const uint8_t *want = mem_fs_bytes(w->m, path, &n), *got = mem_fs_bytes(w->m, "/out/copy", &copied);
	assert_int_equal(length, n);
	assert_int_equal(copied, n);
	assert_int_equal(c.minor, minor);
	for (uint64_t k = 0; k < n; k++)
		if (got[k] != want[k])
			fail_msg("%s: byte %llu is %02x, not %02x", path, (unsigned long long)k, got[k], want[k]);
	prs_log_close(&c.log);
	w->fs->unlink(w->m, "/out/copy");
}

static void assert_file_written_again(struct store_world *w, const char *name)
{
	static const struct {
		const char *begins, *ends;
		enum prs_file_kind kind;
	} kinds[] = { { "journal-", "", PRS_FILE_JOURNAL },
		      { "plan-", "", PRS_FILE_PLAN },
		      { "seg/", ".seg", PRS_FILE_SEGMENT },
		      { "seg/", ".raw", PRS_FILE_RAW } };
	char path[64];
	snprintf(path, sizeof path, "/run/%s", name);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strncmp(name, kinds[i].begins, strlen(kinds[i].begins)) &&
		    !strcmp(name + strlen(name) - strlen(kinds[i].ends), kinds[i].ends)) {
			assert_written_again(w, path, kinds[i].kind);
			return;
		}
}

static void assert_run_written_again(const struct golden_run *g)
{
	struct store_world w;
	char name[64];
	load(&w, g);
	assert_int_equal(prs_run_file_read(w.fs, "/run", &w.run, name, sizeof name, NULL), 0);
	for (size_t i = 0; g->names[i]; i++)
		assert_file_written_again(&w, g->names[i]);
	assert_int_equal(prs_run_file_write(w.fs, "/out", &w.run, name, "0.1.0", NULL), 0);
	uint64_t n, copied;
	const uint8_t *want = mem_fs_bytes(w.m, "/run/RUN", &n), *got = mem_fs_bytes(w.m, "/out/RUN", &copied);
	assert_int_equal(copied, n);
	assert_memory_equal(got, want, n);
	world_free(&w);
}

static void test_runs_are_written_again(void **state)
{
	(void)state;
	assert_run_written_again(&v1);
	assert_run_written_again(&v2);
}

/* ---- a folder in parts ------------------------------------------------------------------------------------------- */

struct part_reading {
	struct prs_plan *plan;
	struct prs_lister *lister;
};

static int on_part_body(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct part_reading *r = ctx;
	(void)offset;
	int k = prs_plan_feed(r->plan, body, n, err);
	return k < 0 ? k : prs_list_feed(r->lister, body, n, err);
}

static void assert_part_paths(const struct prs_plan *p, uint64_t id, const char *want)
{
	PRS_AUTOBUF b;
	struct prs_unit u = { .id = id };
	prs_buf_init(&b, 4096);
	assert_int_equal(prs_plan_paths(p, &u, &b), 0);
	for (size_t i = 0; i < b.len; i++)
		b.data[i] = b.data[i] ? b.data[i] : ' ';
	assert_string_equal(prs_buf_str(&b), want);
}

/* The plans of three lives, of which two ended in the middle of a folder. */
static void test_a_folder_in_parts(void **state)
{
	(void)state;
	static const char *const plans[] = { "plan-1", "plan-2", "plan-3" };
	struct store_world w;
	struct prs_list_input in = { .name = "input_0", .path = "/data/in", .size = { PRS_SIZE_ITEMS, 2 } };
	world_new(&w);
	for (size_t i = 0; i < sizeof w.run.bytes; i++)
		w.run.bytes[i] = (uint8_t)(0xa0 + i);
	struct part_reading r = { prs_plan_new(), prs_lister_new(w.fs, &in, 1) };
	for (size_t i = 0; i < 3; i++) {
		char path[64];
		uint64_t length;
		load_file(&w, PART, plans[i]);
		snprintf(path, sizeof path, "/run/%s", plans[i]);
		assert_int_equal(prs_plan_complete(r.plan), false);
		if (prs_log_scan(w.fs, path, PRS_FILE_PLAN, &w.run, UINT64_MAX, on_part_body, &r, &length, &w.err))
			fail_msg("%s: %s", path, w.err.msg);
		assert_written_again(&w, path, PRS_FILE_PLAN);
	}
	assert_true(prs_plan_complete(r.plan));
	assert_int_equal(prs_plan_next_id(r.plan), 4);
	assert_part_paths(r.plan, 0, "/data/in/large/a /data/in/large/b\xff ");
	assert_part_paths(r.plan, 1, "/data/in/large/c /data/in/large/d ");
	assert_part_paths(r.plan, 2, "/data/in/large/p/x /data/in/small/y ");
	assert_part_paths(r.plan, 3, "/data/in/small/z ");
	prs_plan_free(r.plan);
	prs_lister_free(r.lister);
	world_free(&w);
}

/* ---- keys in paths ----------------------------------------------------------------------------------------------- */

static void put_rows(struct store_world *w, const char *folder, const char *name, unsigned rows, uint64_t mtime_us)
{
	char path[96], text[32] = "x\n";
	snprintf(path, sizeof path, "/data/in/%s", folder);
	w->fs->mkdir(w->m, path, 0755);
	snprintf(path, sizeof path, "/data/in/%s/%s", folder, name);
	for (unsigned i = 0; i < rows; i++)
		strcat(text, "7\n");
	mem_fs_put(w->m, path, text, strlen(text));
	mem_fs_touch(w->m, path, mtime_us);
}

static int on_group_body(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)offset;
	(void)err;
	return prs_buf_put(ctx, body, n);
}

/* A lister that begins anew says what stands there, byte for byte. */
static void test_groups_of_paths(void **state)
{
	(void)state;
	struct store_world w;
	PRS_AUTOBUF want, got;
	uint64_t length;
	prs_buf_init(&want, 1 << 20);
	prs_buf_init(&got, 1 << 20);
	world_new(&w);
	for (size_t i = 0; i < sizeof w.run.bytes; i++)
		w.run.bytes[i] = (uint8_t)(0xa0 + i);
	load_file(&w, PRS_SOURCE_ROOT "/tests/golden/groups/", "plan-1");
	if (prs_log_scan(w.fs, "/run/plan-1", PRS_FILE_PLAN, &w.run, UINT64_MAX, on_group_body, &want, &length, &w.err))
		fail_msg("%s", w.err.msg);
	w.fs->mkdir(w.m, "/data", 0755);
	w.fs->mkdir(w.m, "/data/in", 0755);
	put_rows(&w, "s=%61", "a.csv", 1, 1);
	put_rows(&w, "s=10", "a.csv", 2, 2);
	put_rows(&w, "s=9", "a.csv", 1, 3);
	put_rows(&w, "s=9", "b.csv", 3, 3);
	put_rows(&w, "s=__HIVE_DEFAULT_PARTITION__", "a.csv", 1, 4);
	struct prs_list keys = { 0 };
	assert_int_equal(prs_list_add(&keys, "s"), 0);
	struct prs_table_input table = { .delimiter = ',' };
	struct prs_list_input in = { .name = "in", .path = "/data/in", .keys = &keys, .table = &table };
	struct prs_lister *l = prs_lister_new(w.fs, &in, 1);
	int r = 1;
	while (r == 1)
		r = prs_list_next(l, &got, &w.err);
	assert_int_equal(r, 0);
	assert_int_equal(prs_lister_minor(l), PRS_FORMAT_MINOR_TABLES);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	prs_lister_free(l);
	prs_list_done(&keys);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v1_is_read),        cmocka_unit_test(test_another_plan_is_refused),
		cmocka_unit_test(test_v2_is_read),        cmocka_unit_test(test_runs_are_written_again),
		cmocka_unit_test(test_a_folder_in_parts), cmocka_unit_test(test_groups_of_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
