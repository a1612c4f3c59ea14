/* SPDX-License-Identifier: Apache-2.0
 * fuzz_run: frames with any bodies and right checksums, in a run folder: recovery, ledger, index, output, audit and
 * logs agree, or refuse.
 *
 * Input: pieces (length u16, bytes); the first byte of a piece says what it is:
 *   0 a frame of the journal · 1 of the plan · 2 of the segment · 3 bytes of the raw file · 4 the next epoch
 */
#include <stdarg.h>

#include "data/plan.h"
#include "fuzz.h"
#include "report/report.h"
#include "sched/ledger.h"
#include "store_world.h"

enum { IDS_MAX = 20000, EPOCHS_MAX = 6 };

struct view {
	struct store_world *w;
	struct prs_plan *plan;
	struct prs_ledger ledger;
	struct prs_index *x;
};

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_segment(struct store_world *w, const uint8_t *p, size_t n)
{
	char path[64];
	prs_path_segment(path, sizeof path, "/run", w->epoch, 0, 0, false);
	if (!w->has_segment)
		w->has_segment = prs_log_create(&w->segment, w->fs, path, PRS_FILE_SEGMENT, &w->run, 0, NULL) == 0;
	if (w->has_segment)
		world_frame(&w->segment, p, n, NULL);
}

static void put_plan(struct store_world *w, const uint8_t *p, size_t n)
{
	char path[64];
	world_path(path, "plan", w->epoch);
	if (!w->has_plan)
		w->has_plan = prs_log_create(&w->plan, w->fs, path, PRS_FILE_PLAN, &w->run, 0, NULL) == 0;
	if (w->has_plan)
		world_frame(&w->plan, p, n, NULL);
}

static bool put_piece(struct store_world *w, const uint8_t *p, size_t n)
{
	char path[64];
	if (!n)
		return true;
	switch (p[0] % 5) {
	case 0: world_frame(&w->journal, p + 1, n - 1, NULL); break;
	case 1: put_plan(w, p + 1, n - 1); break;
	case 2: put_segment(w, p + 1, n - 1); break;
	case 3:
		prs_path_segment(path, sizeof path, "/run", w->epoch, 0, 1, true);
		mem_fs_put(w->m, path, p + 1, n - 1);
		break;
	case 4: return w->epoch < EPOCHS_MAX && world_next_epoch(w) == 0;
	}
	return true;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct view *v = ctx;
	return prs_plan_feed(v->plan, body, n, err);
}

static int on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct view *v = ctx;
	if (f->type == PRS_FACT_PLANNED &&
	    (f->u.planned.next_id > prs_plan_next_id(v->plan) || f->u.planned.next_id > IDS_MAX))
		return prs_fail(err, PRS_ECORRUPT, "more mini-batches than the plan has");
	bool known = f->type == PRS_FACT_DONE && f->u.done.unit.id < v->ledger.next_id;
	enum prs_unit_state before = known ? prs_ledger_state(&v->ledger, f->u.done.unit.id) : PRS_UNIT_PLANNED;
	int r = prs_ledger_fold(&v->ledger, f, err);
	if (!r && f->type == PRS_FACT_PLANNED)
		r = prs_index_grow(v->x, f->u.planned.next_id, err);
	if (!r && known && before != PRS_UNIT_DONE && before != PRS_UNIT_FAILED)
		r = prs_index_done(v->x, &f->u.done, err);
	if (!r && f->type == PRS_FACT_RESET)
		prs_index_reset(v->x, f->u.reset.unit.id, f->u.reset.count);
	return r;
}

static int read_run(struct store_world *w, struct view *v, uint32_t index, struct prs_recovered *was)
{
	struct prs_recover_sink sink = { v, on_plan, on_fact };
	*v = (struct view){ .w = w, .plan = prs_plan_new() };
	MUST(v->plan && prs_ledger_init(&v->ledger, prs_plan_items_of, v->plan) == 0);
	MUST(prs_index_new(&v->x, w->fs, "/run", index, NULL) == 0);
	return prs_store_recover(w->fs, "/run", &w->run, &sink, was, &w->err);
}

static void view_done(struct view *v)
{
	prs_index_free(v->x);
	prs_ledger_done(&v->ledger);
	prs_plan_free(v->plan);
}

static void on_problem(void *ctx, const char *sentence) { *(unsigned *)ctx += sentence[0] != 0; }

static void on_bad(void *ctx, uint64_t id, const char *why)
{
	struct view *v = ctx;
	MUST(id < v->ledger.next_id && why[0]);
	prs_index_reset(v->x, id, 1);
}

static void check_counts(const struct prs_ledger *l)
{
	uint64_t n = 0;
	for (int i = 0; i < PRS_UNIT_STATES; i++)
		n += l->counts.units[i];
	MUST(n == l->next_id);
}

static void assemble(struct store_world *w, struct view *v)
{
	struct prs_assemble_options o = { .path = "/out/rows",
		                          .run = &w->run,
		                          .epoch = 1000,
		                          .next_id = v->ledger.next_id };
	struct prs_assembled a;
	uint64_t n;
	MUST(prs_index_verify_ranges(v->x, on_bad, v, NULL) >= 0);
	for (int again = 0; again < 2; again++) {
		int r = prs_assemble(w->fs, "/run", v->x, &o, on_bad, v, &a, &w->err);
		MUST(r == 0 || (again == 0 && r == -PRS_ECORRUPT && a.bad && !mem_fs_has(w->m, "/out/rows")));
		if (r == 0)
			break;
	}
	MUST(mem_fs_bytes(w->m, "/out/rows", &n) && n == a.bytes);
}

/* ---- logs -------------------------------------------------------------------------------------------------------- */

static uint32_t items_of(void *ctx, uint64_t id) { return prs_plan_items_of(ctx, id); }
static int detail(void *ctx, const struct prs_unit *u, unsigned max, struct prs_buf *to)
{
	return prs_plan_detail(ctx, u, max, to);
}
static int paths(void *ctx, const struct prs_unit *u, struct prs_buf *to) { return prs_plan_paths(ctx, u, to); }

static void write_logs(struct store_world *w, const struct view *v, const struct prs_recovered *was)
{
	static const char *const folders[] = { "/run/logs",          "/run/logs/user",
		                               "/run/logs/sys",      "/run/logs/sys/job_report",
		                               "/run/logs/sys/node", "/run/logs/sys/node/127.0.0.1" };
	struct prs_report_config c = { .struct_size = sizeof c,
		                       .dir = "/run",
		                       .run = w->run,
		                       .run_name = "fuzz",
		                       .level = 2,
		                       .processes = 2,
		                       .append_row = true,
		                       .items_of = items_of,
		                       .detail = detail,
		                       .paths = paths,
		                       .plan = v->plan };
	struct prs_report *r;
	struct prs_result res = { .state = v->ledger.job, .run_name = "fuzz", .run_dir = "/run" };
	bool more = true;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		w->fs->mkdir(w->m, folders[i], 0755);
	if (prs_report_new(&r, w->fs, &c, &w->err) < 0)
		return;
	while (more && prs_report_catch_up(r, was->epoch, was->journal_bytes, 3, &more, &w->err) == 0)
		;
	prs_report_tick(r, W_TIME + 20000000, &w->err);
	prs_report_flush(r, &w->err);
	prs_report_finish(r, &res, &w->err);
	prs_report_free(r);
}

static void look(struct store_world *w)
{
	struct view v, again;
	struct prs_recovered was, was_again;
	unsigned problems = 0;
	int r = read_run(w, &v, 1000, &was);
	check_counts(&v.ledger);
	if (r == 0) {
		MUST(read_run(w, &again, 1001, &was_again) == 0);
		MUST(prs_ledger_equal(&v.ledger, &again.ledger, &w->err));
		MUST(was.journal_bytes == was_again.journal_bytes && was.plan_bytes == was_again.plan_bytes);
		view_done(&again);
		MUST(prs_store_audit(w->fs, "/run", &w->run, on_problem, &problems, &w->err) == (int64_t)problems);
		write_logs(w, &v, &was);
		assemble(w, &v);
	} else {
		MUST(w->err.msg[0] && r == w->err.code);
	}
	view_done(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct store_world w;
	struct fuzz_pieces in = { data, n };
	const uint8_t *p;
	world_new(&w);
	MUST(world_epoch_after(&w, 1, 0, 0, 0) == 0);
	bool goes_on = true;
	for (size_t k; goes_on && fuzz_piece(&in, &p, &k);) {
		uint8_t *exact = fuzz_copy(p, k);
		goes_on = put_piece(&w, exact, k);
		free(exact);
	}
	world_close_epoch(&w);
	look(&w);
	MUST(mem_fs_open_files(w.m) == 0);
	mem_fs_free(w.m);
	return 0;
}
