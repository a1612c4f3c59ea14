/* SPDX-License-Identifier: Apache-2.0
 * fuzz_cursor: logs/.cursor with any lines and a right checksum, before a small journal: logs are written on, or again;
 * nothing but logs is touched.
 */
#include <stdarg.h>

#include "fuzz.h"
#include "report/report.h"
#include "store_world.h"

static uint32_t items_of(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
	return 1;
}
static int detail(void *ctx, const struct prs_unit *u, unsigned max, struct prs_buf *to)
{
	(void)ctx;
	(void)u;
	(void)max;
	return prs_buf_puts(to, "file");
}
static int paths(void *ctx, const struct prs_unit *u, struct prs_buf *to)
{
	(void)ctx;
	(void)u;
	return prs_buf_put(to, "/in/file", 9);
}

static void put_journal(struct store_world *w)
{
	struct prs_fact f = world_planned(1, 0, 3, true);
	MUST(world_fact(w, &f) == 0);
	f = world_of_id(PRS_FACT_TRY, 1);
	MUST(world_fact(w, &f) == 0);
	MUST(world_rows(w, 0, "row\n", 0, &f) == 0 && world_fact(w, &f) == 0);
	f = world_of_id(PRS_FACT_FAILED, 2);
	MUST(world_fact(w, &f) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const folders[] = { "/run/logs",          "/run/logs/user",
		                               "/run/logs/sys",      "/run/logs/sys/job_report",
		                               "/run/logs/sys/node", "/run/logs/sys/node/127.0.0.1" };
	struct store_world w;
	struct prs_report *r;
	bool more = true;
	PRS_AUTOBUF cursor;
	prs_buf_init(&cursor, 1 << 24);
	world_new(&w);
	MUST(world_epoch_after(&w, 1, 0, 0, 0) == 0);
	put_journal(&w);
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		w.fs->mkdir(w.m, folders[i], 0755);
	mem_fs_put(w.m, "/run/logs/job_progress_overview.txt", "some lines\n", 11);
	prs_buf_put(&cursor, data, n < (1 << 19) ? n : 1 << 19);
	prs_buf_putf(&cursor, "sum %08x\n", (unsigned)prs_checksum(cursor.data, cursor.len));
	mem_fs_put(w.m, "/run/logs/.cursor", cursor.data, cursor.len);
	mem_fs_put(w.m, "/run/logs/../y", "not a log\n", 10);
	unsigned open_files = mem_fs_open_files(w.m);
	struct prs_report_config c = { .struct_size = sizeof c,
		                       .dir = "/run",
		                       .run = w.run,
		                       .run_name = "fuzz",
		                       .level = 2,
		                       .processes = 2,
		                       .append_row = true,
		                       .items_of = items_of,
		                       .detail = detail,
		                       .paths = paths };
	if (prs_report_new(&r, w.fs, &c, &w.err) == 0) {
		while (more && prs_report_catch_up(r, 1, w.journal.durable, 0, &more, &w.err) == 0)
			;
		prs_report_flush(r, &w.err);
		prs_report_free(r);
	}
	uint64_t left;
	MUST(mem_fs_open_files(w.m) == open_files);
	MUST(mem_fs_bytes(w.m, "/run/logs/../y", &left) && left == 10);
	world_free(&w);
	return 0;
}
