/* SPDX-License-Identifier: Apache-2.0
 * test_ledger: every fact on every state, the counters, contradictions, memory; the fold is frozen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "step_text.h"

#include <stdlib.h>

enum { ITEMS = 10 };

/* A whole mini-batch. */
#define U(number) (&(struct prs_unit){ .id = (number) })

static struct prs_ledger l;
static struct prs_err err;

/* 10 items each, 3 in every seventh. */
static uint32_t items_of(void *ctx, uint64_t id)
{
	(void)ctx;
	return id % 7 == 6 ? 3 : ITEMS;
}

static int setup(void **state)
{
	(void)state;
	err = (struct prs_err){ 0 };
	return prs_ledger_init(&l, items_of, NULL);
}

static int teardown(void **state)
{
	(void)state;
	prs_mem_fault(0);
	prs_ledger_done(&l);
	return 0;
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static struct prs_fact head(uint32_t epoch)
{
	struct prs_fact f = { .type = PRS_FACT_HEAD };
	f.u.head.epoch = epoch;
	return f;
}

static struct prs_fact planned(uint64_t next_id, bool complete)
{
	struct prs_fact f = { .type = PRS_FACT_PLANNED };
	f.u.planned.next_id = next_id;
	for (uint64_t id = 0; id < next_id && id < 1000; id++)
		f.u.planned.items += items_of(NULL, id);
	f.u.planned.complete = complete;
	return f;
}

static struct prs_fact done(uint64_t id, uint32_t succeeded)
{
	struct prs_fact f = { .type = PRS_FACT_DONE };
	f.u.done = (struct prs_done){ .unit = { .id = id },
		                      .succeeded = succeeded,
		                      .rows = succeeded,
		                      .length = succeeded * 100u };
	return f;
}

static struct prs_fact try_of(uint64_t id, bool counted)
{
	struct prs_fact f = { .type = PRS_FACT_TRY };
	f.u.try_ = (struct prs_try){ .unit = { .id = id }, .counted = counted };
	return f;
}

static struct prs_fact failed(uint64_t id, uint32_t items)
{
	struct prs_fact f = { .type = PRS_FACT_FAILED };
	f.u.failed.unit.id = id;
	f.u.failed.items = items;
	return f;
}

/* The first `running` of the ids ran. */
static struct prs_fact lost(const uint64_t *ids, uint32_t running, uint32_t queued)
{
	static uint8_t raw[16 * 16];
	memset(raw, 0, sizeof raw);
	for (uint32_t i = 0; i < running + queued; i++)
		prs_put64(raw + 16 * i, ids[i]);
	struct prs_fact f = { .type = PRS_FACT_LOST };
	f.u.lost.running_count = running;
	f.u.lost.queued_count = queued;
	f.u.lost.units = raw;
	return f;
}

static struct prs_fact reset(uint64_t id, uint64_t count)
{
	struct prs_fact f = { .type = PRS_FACT_RESET };
	f.u.reset.unit.id = id;
	f.u.reset.count = count;
	return f;
}

static struct prs_fact state_to(enum prs_job_state to, uint16_t code)
{
	struct prs_fact f = { .type = PRS_FACT_STATE };
	f.u.state.to = (uint8_t)to;
	f.u.state.code = code;
	return f;
}

static void fold(struct prs_fact f) { assert_int_equal(prs_ledger_fold(&l, &f, &err), 0); }

static struct prs_fact split(struct prs_unit u, uint32_t parts)
{
	struct prs_fact f = { .type = PRS_FACT_SPLIT };
	f.u.split.unit = u;
	f.u.split.parts = parts;
	return f;
}

/* DONE, TRY and FAILED of a part. */
static struct prs_fact done_part(struct prs_unit u, uint32_t succeeded)
{
	struct prs_fact f = done(u.id, succeeded);
	f.u.done.unit = u;
	return f;
}

static struct prs_fact try_part(struct prs_unit u)
{
	struct prs_fact f = try_of(u.id, true);
	f.u.try_.unit = u;
	return f;
}

static struct prs_fact failed_part(struct prs_unit u)
{
	struct prs_fact f = failed(u.id, u.item_count);
	f.u.failed.unit = u;
	return f;
}

/* ---- invariants -------------------------------------------------------------------------------------------------- */

/* The counters, computed anew from the cells. */
static void check(void)
{
	uint64_t units[PRS_UNIT_STATES] = { 0 }, all = 0;
	for (uint64_t id = 0; id < l.next_id; id++)
		units[prs_ledger_state(&l, id)]++;
	for (int i = 0; i < PRS_UNIT_STATES; i++) {
		assert_int_equal(units[i], l.counts.units[i]);
		all += units[i];
	}
	assert_int_equal(all, l.next_id);
	assert_int_equal(l.counts.items_succeeded + l.counts.items_failed, l.counts.items_final);
}

/* ---- every fact on every state ----------------------------------------------------------------------------------- */

static void to_state(uint64_t id, enum prs_unit_state to)
{
	if (to == PRS_UNIT_DONE)
		fold(done(id, ITEMS));
	else if (to == PRS_UNIT_FAILED)
		fold(failed(id, ITEMS));
	if (to == PRS_UNIT_LEASED || to == PRS_UNIT_REPEAT)
		prs_ledger_move(&l, U(id), PRS_UNIT_LEASED);
	if (to == PRS_UNIT_REPEAT)
		prs_ledger_move(&l, U(id), PRS_UNIT_REPEAT);
}

static void test_matrix(void **context)
{
	(void)context;
	static const uint64_t id1[] = { 1 };
	const struct {
		const char *name;
		struct prs_fact f;
	} facts[] = {
		{ "HEAD", head(2) },
		{ "PLANNED", planned(5, true) },
		{ "DONE", done(1, ITEMS) },
		{ "DONE short", done(1, 4) },
		{ "TRY", try_of(1, true) },
		{ "TRY free", try_of(1, false) },
		{ "FAILED", failed(1, ITEMS) },
		{ "LOST", lost(id1, 1, 0) },
		{ "LOST queued", lost(id1, 0, 1) },
		{ "RESET", reset(1, 1) },
		{ "RESET of 2", reset(1, 2) },
		{ "STATE", state_to(PRS_JOB_RUNNING, 0) },
	};
	static const char want[] = "PLANNED HEAD        : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "PLANNED PLANNED     : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "PLANNED DONE        : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "PLANNED DONE short  : DONE    0+0 items 4+6 rows 4 tries 0\n"
				   "PLANNED TRY         : PLANNED 1+0 items 0+0 rows 0 tries 1\n"
				   "PLANNED TRY free    : PLANNED 0+0 items 0+0 rows 0 tries 1\n"
				   "PLANNED FAILED      : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "PLANNED LOST        : PLANNED 0+1 items 0+0 rows 0 tries 0\n"
				   "PLANNED LOST queued : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "PLANNED RESET       : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "PLANNED RESET of 2  : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "PLANNED STATE       : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "LEASED  HEAD        : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "LEASED  PLANNED     : LEASED  0+0 items 0+0 rows 0 tries 0\n"
				   "LEASED  DONE        : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "LEASED  DONE short  : DONE    0+0 items 4+6 rows 4 tries 0\n"
				   "LEASED  TRY         : LEASED  1+0 items 0+0 rows 0 tries 1\n"
				   "LEASED  TRY free    : LEASED  0+0 items 0+0 rows 0 tries 1\n"
				   "LEASED  FAILED      : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "LEASED  LOST        : LEASED  0+1 items 0+0 rows 0 tries 0\n"
				   "LEASED  LOST queued : LEASED  0+0 items 0+0 rows 0 tries 0\n"
				   "LEASED  RESET       : LEASED  0+0 items 0+0 rows 0 tries 0\n"
				   "LEASED  RESET of 2  : LEASED  0+0 items 0+0 rows 0 tries 0\n"
				   "LEASED  STATE       : LEASED  0+0 items 0+0 rows 0 tries 0\n"
				   "REPEAT  HEAD        : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "REPEAT  PLANNED     : REPEAT  0+0 items 0+0 rows 0 tries 0\n"
				   "REPEAT  DONE        : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "REPEAT  DONE short  : DONE    0+0 items 4+6 rows 4 tries 0\n"
				   "REPEAT  TRY         : REPEAT  1+0 items 0+0 rows 0 tries 1\n"
				   "REPEAT  TRY free    : REPEAT  0+0 items 0+0 rows 0 tries 1\n"
				   "REPEAT  FAILED      : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "REPEAT  LOST        : REPEAT  0+1 items 0+0 rows 0 tries 0\n"
				   "REPEAT  LOST queued : REPEAT  0+0 items 0+0 rows 0 tries 0\n"
				   "REPEAT  RESET       : REPEAT  0+0 items 0+0 rows 0 tries 0\n"
				   "REPEAT  RESET of 2  : REPEAT  0+0 items 0+0 rows 0 tries 0\n"
				   "REPEAT  STATE       : REPEAT  0+0 items 0+0 rows 0 tries 0\n"
				   "DONE    HEAD        : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "DONE    PLANNED     : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "DONE    DONE        : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "DONE    DONE short  : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "DONE    TRY         : DONE    0+0 items 10+0 rows 10 tries 1\n"
				   "DONE    TRY free    : DONE    0+0 items 10+0 rows 10 tries 1\n"
				   "DONE    FAILED      : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "DONE    LOST        : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "DONE    LOST queued : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "DONE    RESET       : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "DONE    RESET of 2  : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "DONE    STATE       : DONE    0+0 items 10+0 rows 10 tries 0\n"
				   "FAILED  HEAD        : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "FAILED  PLANNED     : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "FAILED  DONE        : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "FAILED  DONE short  : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "FAILED  TRY         : FAILED  0+0 items 0+10 rows 0 tries 1\n"
				   "FAILED  TRY free    : FAILED  0+0 items 0+10 rows 0 tries 1\n"
				   "FAILED  FAILED      : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "FAILED  LOST        : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "FAILED  LOST queued : FAILED  0+0 items 0+10 rows 0 tries 0\n"
				   "FAILED  RESET       : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "FAILED  RESET of 2  : PLANNED 0+0 items 0+0 rows 0 tries 0\n"
				   "FAILED  STATE       : FAILED  0+0 items 0+10 rows 0 tries 0\n";
	static char got[1 << 14];
	struct text t = { got, 0, sizeof got };
	for (int from = 0; from <= PRS_UNIT_FAILED; from++)
		for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
			teardown(NULL);
			setup(NULL);
			fold(head(1));
			fold(planned(5, false));
			to_state(1, (enum prs_unit_state)from);
			struct prs_fact f = facts[i].f;
			if (f.type == PRS_FACT_LOST)
				f = lost(id1, f.u.lost.running_count, f.u.lost.queued_count);
			fold(f);
			check();
			text_put(&t, "%-7s %-12s: %-7s %u+%u items %llu+%llu rows %llu tries %llu\n",
			         prs_state_name(PRS_MACHINE_UNIT, from), facts[i].name,
			         prs_state_name(PRS_MACHINE_UNIT, (int)prs_ledger_state(&l, 1)),
			         prs_ledger_tries(&l, U(1)), prs_ledger_downs(&l, U(1)),
			         (unsigned long long)l.counts.items_succeeded,
			         (unsigned long long)l.counts.items_failed, (unsigned long long)l.counts.rows,
			         (unsigned long long)l.counts.tries_failed);
		}
	if (strcmp(got, want))
		fail_msg("got:\n%s", got);
}

/* ---- counters ---------------------------------------------------------------------------------------------------- */

static void test_counters(void **context)
{
	(void)context;
	fold(head(1));
	fold(planned(14, true));
	assert_true(l.planned_all);
	assert_int_equal(l.counts.items, 12 * ITEMS + 2 * 3);
	fold(done(0, ITEMS));
	fold(done(1, 0));  /* empty: a gap of 10 */
	fold(done(2, 4));  /* short */
	fold(done(3, 25)); /* long: accepted, nothing failed */
	fold(failed(4, ITEMS));
	fold(failed(6, 3));
	fold(done(13, 3));
	check();
	assert_int_equal(l.counts.units[PRS_UNIT_DONE], 5);
	assert_int_equal(l.counts.units[PRS_UNIT_FAILED], 2);
	assert_int_equal(l.counts.items_succeeded, 10 + 0 + 4 + 10 + 3);
	assert_int_equal(l.counts.items_failed, 10 + 6 + 10 + 3);
	assert_int_equal(l.counts.items_missing, 10 + 6);
	assert_int_equal(l.counts.rows, 10 + 0 + 4 + 25 + 3);
	assert_int_equal(l.counts.done_this_epoch, 5);
	assert_int_equal(l.counts.items_this_epoch, 27);
	fold(head(2));
	assert_int_equal(l.counts.done_this_epoch, 0);
	assert_int_equal(l.counts.items_this_epoch, 0);
	assert_int_equal(l.epoch, 2);
	fold(done(5, ITEMS));
	assert_int_equal(l.counts.done_this_epoch, 1);
}

static void test_first_commit_wins(void **context)
{
	(void)context;
	fold(planned(3, true));
	fold(done(1, 4));
	struct prs_ledger_counts was = l.counts;
	fold(done(1, ITEMS));
	fold(failed(1, ITEMS));
	assert_memory_equal(&was, &l.counts, sizeof was);
	fold(failed(2, ITEMS));
	was = l.counts;
	fold(done(2, ITEMS));
	fold(failed(2, ITEMS));
	assert_memory_equal(&was, &l.counts, sizeof was);
}

/* Too few rows and no error: of mini-batches that are DONE, whole or in parts; not of one that failed in a part. */
static void test_missing(void **context)
{
	(void)context;
	static const struct prs_unit low[] = { { 0, 0, 5 }, { 1, 0, 5 } }, high[] = { { 0, 5, 5 }, { 1, 5, 5 } };
	fold(planned(3, true));
	for (unsigned i = 0; i < 2; i++)
		fold(split(*U(i), 2));
	fold(done_part(low[0], 3));
	assert_int_equal(l.counts.items_missing, 0); /* it may fail yet */
	fold(done_part(high[0], 5));
	assert_int_equal(l.counts.items_missing, 2);
	fold(done_part(low[1], 1));
	fold(failed_part(high[1]));
	assert_int_equal(l.counts.items_missing, 2);
	assert_int_equal(l.counts.items_failed, 2 + 4 + 5);
	fold(done(2, 9));
	assert_int_equal(l.counts.items_missing, 3);
	fold(reset(0, 2));
	assert_int_equal(l.counts.items_missing, 1);
	check();
}

/* A RESET takes back exactly what the id had brought, and its tries. */
static void test_reset(void **context)
{
	(void)context;
	static const uint64_t ids[] = { 1, 2, 3, 4 };
	fold(planned(6, true));
	struct prs_ledger_counts was = l.counts;
	fold(lost(ids, 4, 0));
	fold(done(1, ITEMS));
	fold(done(2, 3));
	fold(done(3, 99));
	fold(try_of(4, true));
	fold(try_of(4, true));
	fold(failed(4, ITEMS));
	prs_ledger_move(&l, U(5), PRS_UNIT_LEASED);
	struct prs_fact published = { .type = PRS_FACT_PUBLISHED };
	fold(published);
	assert_true(l.published);
	fold(reset(0, 6));
	check();
	assert_false(l.published);
	assert_int_equal(prs_ledger_state(&l, 5), PRS_UNIT_LEASED); /* not final: left alone */
	prs_ledger_move(&l, U(5), PRS_UNIT_PLANNED);
	was.tries_failed = 2; /* history */
	was.done_this_epoch = 3;
	was.items_this_epoch = 23;
	was.row_bytes = l.counts.row_bytes;
	assert_memory_equal(&was, &l.counts, sizeof was);
	for (uint64_t id = 0; id < 6; id++) {
		assert_int_equal(prs_ledger_tries(&l, U(id)), 0);
		assert_int_equal(prs_ledger_downs(&l, U(id)), 0);
	}
	fold(done(4, ITEMS)); /* it can be done now */
	assert_int_equal(prs_ledger_state(&l, 4), PRS_UNIT_DONE);
}

static void test_lost(void **context)
{
	(void)context;
	static const uint64_t ids[] = { 0, 2, 3 }, again[] = { 2, 2 };
	fold(planned(5, true));
	fold(lost(ids, 2, 1));
	fold(lost(ids, 1, 2));
	fold(lost(again, 2, 0));
	assert_int_equal(prs_ledger_downs(&l, U(0)), 2);
	assert_int_equal(prs_ledger_downs(&l, U(1)), 0);
	assert_int_equal(prs_ledger_downs(&l, U(2)), 3);
	assert_int_equal(prs_ledger_downs(&l, U(3)), 0); /* only queued */
	check();
}

/* Lives in which others were finished count for running alone, not for the end. */
static void test_lost_with_progress(void **context)
{
	(void)context;
	static const uint64_t ids[] = { 1, 2 };
	struct prs_fact f = lost(ids, 2, 0);
	fold(planned(5, true));
	fold(f);
	f.u.lost.progress = 1;
	fold(f);
	fold(done(2, ITEMS));
	fold(f);
	assert_int_equal(prs_ledger_downs(&l, U(1)), 3);
	assert_int_equal(prs_ledger_downs_for_nothing(&l, U(1)), 1);
	assert_int_equal(prs_ledger_downs(&l, U(2)), 2); /* it was done the last time */
	assert_int_equal(prs_ledger_downs_for_nothing(&l, U(0)), 0);
	check();
	fold(reset(0, 5));
	assert_int_equal(prs_ledger_downs(&l, U(2)), 0); /* only what was final is reset */
	assert_int_equal(prs_ledger_downs(&l, U(1)), 3);
	check();
}

static void test_job_state(void **context)
{
	(void)context;
	assert_int_equal(l.job, PRS_JOB_STARTING);
	fold(state_to(PRS_JOB_ABORTING, PRS_EERROR_THRESHOLD));
	assert_int_equal(l.job, PRS_JOB_ABORTING);
	assert_int_equal(l.job_code, PRS_EERROR_THRESHOLD);
}

/* A journal may hold more than 65535 tries of an id (RESUMABLE is not counted, but a limit is). */
static void test_tries_do_not_wrap(void **context)
{
	(void)context;
	fold(planned(1, true));
	for (int i = 0; i < UINT16_MAX + 5; i++)
		fold(try_of(0, true));
	assert_int_equal(prs_ledger_tries(&l, U(0)), UINT16_MAX);
	assert_int_equal(l.counts.tries_failed, UINT16_MAX + 5);
}

/* ---- contradictions ---------------------------------------------------------------------------------------------- */

static void test_contradictions(void **context)
{
	(void)context;
	static const uint64_t good_and_bad[] = { 1, 5 }, queued[] = { 1, 77 };
	const struct {
		struct prs_fact f;
		const char *says;
	} cases[] = {
		{ done(5, 1), "DONE of mini-batch 5, but only 5 are planned" },
		{ done(UINT64_MAX - 1, 1), "DONE of mini-batch 18446744073709551614" },
		{ done(UINT64_MAX, 1), "DONE of mini-batch 18446744073709551615" },
		{ try_of(5, true), "TRY of mini-batch 5" },
		{ failed(9, 1), "FAILED of mini-batch 9" },
		{ lost(good_and_bad, 2, 0), "LOST of mini-batch 5" },
		{ reset(5, 1), "RESET of mini-batch 5" },
		{ reset(3, 3), "RESET of mini-batch 3" },
		{ reset(0, UINT64_MAX), "RESET of mini-batch 0" },
		{ planned(4, true), "PLANNED goes back from 5 to 4" },
		{ planned(UINT64_MAX, true), "PLANNED of 18,446,744,073,709,551,615" },
		{ planned((UINT64_C(1) << 40) + 1, true), "PLANNED of 1,099,511,627,777" },
		{ state_to(PRS_JOB_STATES, 0), "STATE names job state 9" },
		{ lost(queued, 1, 1), "LOST of mini-batch 77" },
		{ split((struct prs_unit){ 5, 0, 0 }, 2), "SPLIT of mini-batch 5" },
		{ split((struct prs_unit){ 1, 0, 0 }, 1), "SPLIT of mini-batch 1 with 10 items into 1" },
		{ split((struct prs_unit){ 1, 0, 0 }, 11), "SPLIT of mini-batch 1 with 10 items into 11" },
		{ done_part((struct prs_unit){ 1, 5, 6 }, 1), "DONE of items 5+6 of mini-batch 1, which has 10" },
		{ failed_part((struct prs_unit){ 1, 10, 1 }), "FAILED of items 10+1 of mini-batch 1" },
		{ try_part((struct prs_unit){ 1, UINT32_MAX, UINT32_MAX }), "TRY of items 4294967295+4294967295" },
	};
	fold(planned(5, false));
	fold(done(2, ITEMS));
	struct prs_ledger_counts was = l.counts;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prs_fact f = cases[i].f;
		if (f.type == PRS_FACT_LOST) /* the raw units are shared */
			f = lost(f.u.lost.queued_count ? queued : good_and_bad, f.u.lost.running_count,
			         f.u.lost.queued_count);
		err.msg[0] = 0;
		assert_int_equal(prs_ledger_fold(&l, &f, &err), -PRS_ECORRUPT);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("expected \"%s\", got \"%s\"", cases[i].says, err.msg);
		assert_memory_equal(&was, &l.counts, sizeof was);
		assert_int_equal(l.next_id, 5);
		assert_false(l.planned_all);
		assert_int_equal(prs_ledger_downs(&l, U(1)), 0);
		check();
	}
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static void put_part(void *ctx, const struct prs_unit *u)
{
	text_unit(ctx, u);
	text_put(ctx, " %s; ", prs_state_name(PRS_MACHINE_UNIT, (int)prs_ledger_unit(&l, u)));
}

/* The mini-batch, its open parts, the items, as text. */
static const char *look(uint64_t id)
{
	static char text[512];
	struct text t = { text, 0, sizeof text };
	check();
	text_put(&t, "%s; ", prs_state_name(PRS_MACHINE_UNIT, (int)prs_ledger_state(&l, id)));
	prs_ledger_each_part(&l, put_part, &t);
	text_put(&t, "%llu+%llu of %llu, %llu rows", (unsigned long long)l.counts.items_succeeded,
	         (unsigned long long)l.counts.items_failed, (unsigned long long)l.counts.items_final,
	         (unsigned long long)l.counts.rows);
	return text;
}

static void test_parts(void **context)
{
	(void)context;
	const struct prs_unit whole = { 1, 0, 0 }, low = { 1, 0, 5 }, high = { 1, 5, 5 }, third = { 1, 0, 2 },
			      fourth = { 1, 2, 3 };
	fold(planned(3, true));
	fold(try_of(1, true));
	fold(split(whole, 2));
	assert_string_equal(look(1), "SPLIT; u1[0+5] PLANNED; u1[5+5] PLANNED; 0+0 of 0, 0 rows");
	prs_ledger_move(&l, &low, PRS_UNIT_LEASED);
	fold(try_part(low));
	prs_ledger_move(&l, &low, PRS_UNIT_REPEAT);
	assert_int_equal(prs_ledger_tries(&l, &low), 1);
	assert_int_equal(prs_ledger_tries(&l, &high), 0);
	assert_int_equal(prs_ledger_tries(&l, &whole), 1);
	assert_int_equal(prs_ledger_items(&l, &low), 5);
	fold(split(low, 2));
	assert_string_equal(look(1), "SPLIT; u1[0+2] PLANNED; u1[2+3] PLANNED; u1[5+5] PLANNED; 0+0 of 0, 0 rows");
	assert_false(prs_ledger_open(&l, &low));
	assert_false(prs_ledger_open(&l, &whole));
	assert_true(prs_ledger_open(&l, &third));
	fold(done_part(high, 5));
	fold(done_part(fourth, 1)); /* short */
	assert_string_equal(look(1), "SPLIT; u1[0+2] PLANNED; 6+2 of 8, 6 rows");
	fold(failed_part(third));
	assert_string_equal(look(1), "FAILED; 6+4 of 10, 6 rows");
	assert_int_equal(l.counts.splits, 1);
	assert_int_equal(l.counts.split_items, 10);
	assert_int_equal(l.counts.part_runs, 3);
	assert_int_equal(l.counts.units[PRS_UNIT_FAILED], 1);
	fold(reset(1, 1));
	assert_string_equal(look(1), "PLANNED; 0+0 of 0, 0 rows");
	assert_int_equal(prs_ledger_tries(&l, &whole), 0);
	fold(done(1, 10));
	assert_string_equal(look(1), "DONE; 10+0 of 10, 10 rows");
}

/* No item was bad after all. */
static void test_parts_all_done(void **context)
{
	(void)context;
	fold(planned(3, true));
	fold(split(*U(1), 3));
	assert_string_equal(look(1), "SPLIT; u1[0+3] PLANNED; u1[3+3] PLANNED; u1[6+4] PLANNED; 0+0 of 0, 0 rows");
	fold(done_part((struct prs_unit){ 1, 6, 4 }, 9));
	fold(done_part((struct prs_unit){ 1, 0, 3 }, 3));
	assert_int_equal(l.counts.done_this_epoch, 0);
	fold(done_part((struct prs_unit){ 1, 3, 3 }, 3));
	assert_string_equal(look(1), "DONE; 10+0 of 10, 15 rows");
	assert_int_equal(l.counts.done_this_epoch, 1);
}

/* What comes for a unit that was retired, or is final, or was never cut so, changes nothing. */
static void test_parts_late_facts(void **context)
{
	(void)context;
	const struct prs_unit low = { 1, 0, 5 }, high = { 1, 5, 5 }, odd = { 1, 1, 4 };
	fold(planned(3, true));
	fold(split(*U(1), 2));
	fold(split(low, 2));
	fold(done_part(high, 5));
	struct prs_ledger_counts was = l.counts;
	const struct prs_fact late[] = { done(1, 10),       failed(1, 10),    split(*U(1), 2),   split(*U(1), 5),
		                         done_part(low, 5), failed_part(low), split(low, 2),     done_part(high, 1),
		                         failed_part(high), split(high, 2),   done_part(odd, 4), failed_part(odd),
		                         split(odd, 2) };
	for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
		fold(late[i]);
		assert_string_equal(look(1), "SPLIT; u1[0+2] PLANNED; u1[2+3] PLANNED; 5+0 of 5, 5 rows");
	}
	was.row_bytes = l.counts.row_bytes;
	was.part_runs = l.counts.part_runs;
	assert_memory_equal(&was, &l.counts, sizeof was);
	fold(try_part(low));
	fold(try_part(odd));
	assert_int_equal(prs_ledger_tries(&l, &low), 0);
	fold(done_part((struct prs_unit){ 1, 0, 2 }, 2));
	fold(done_part((struct prs_unit){ 1, 2, 3 }, 3));
	assert_string_equal(look(1), "DONE; 10+0 of 10, 10 rows");
	for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
		fold(late[i]);
		assert_string_equal(look(1), "DONE; 10+0 of 10, 10 rows");
	}
}

/* A RESET in the middle takes everything back, parts and losses too. */
static void test_parts_reset(void **context)
{
	(void)context;
	fold(planned(3, true));
	fold(done(0, 7));
	struct prs_ledger_counts was = l.counts;
	fold(split(*U(1), 2));
	fold(done_part((struct prs_unit){ 1, 0, 5 }, 4));
	fold(split((struct prs_unit){ 1, 5, 5 }, 2));
	fold(failed_part((struct prs_unit){ 1, 5, 2 }));
	uint8_t raw[16];
	const struct prs_unit last = { 1, 7, 3 };
	prs_put64(raw, 1);
	prs_put32(raw + 8, 7);
	prs_put32(raw + 12, 3);
	struct prs_fact f = { .type = PRS_FACT_LOST };
	f.u.lost.running_count = 1;
	f.u.lost.units = raw;
	fold(f);
	assert_int_equal(prs_ledger_downs(&l, &last), 1);
	assert_int_equal(prs_ledger_downs(&l, U(1)), 0);
	fold(reset(1, 1));
	assert_int_equal(prs_ledger_downs(&l, &last), 0);
	was.splits = 1;
	was.split_items = 10;
	was.part_runs = 1;
	was.items_this_epoch = 11;
	was.row_bytes = l.counts.row_bytes;
	assert_memory_equal(&was, &l.counts, sizeof was);
	assert_string_equal(look(1), "PLANNED; 7+3 of 10, 7 rows");
}

static void test_parts_forget_and_equal(void **context)
{
	(void)context;
	const struct prs_unit low = { 1, 0, 5 }, high = { 1, 5, 5 };
	struct prs_ledger other;
	prs_ledger_init(&other, items_of, NULL);
	const struct prs_fact facts[] = { planned(3, true),
		                          split(*U(1), 2),
		                          try_part(low),
		                          split(low, 2),
		                          done_part((struct prs_unit){ 1, 0, 2 }, 1),
		                          failed_part((struct prs_unit){ 1, 2, 3 }),
		                          done_part(high, 5) };
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		fold(facts[i]);
		assert_false(prs_ledger_equal(&l, &other, &err));
		assert_int_equal(prs_ledger_fold(&other, &facts[i], NULL), 0);
		assert_true(prs_ledger_equal(&l, &other, &err));
		if (i == 1) {
			prs_ledger_move(&l, &low, PRS_UNIT_LEASED);
			prs_ledger_move(&l, &high, PRS_UNIT_LEASED);
			prs_ledger_move(&l, &high, PRS_UNIT_REPEAT);
			assert_false(prs_ledger_equal(&l, &other, &err));
			prs_ledger_forget_leases(&l);
			assert_true(prs_ledger_equal(&l, &other, &err));
		}
	}
	prs_ledger_done(&other);
}

/* However a unit is cut, the parts are the unit. */
static void test_parts_cover(void **context)
{
	(void)context;
	for (uint32_t items = 2; items < 40; items++)
		for (uint32_t parts = 2; parts <= items; parts++) {
			uint32_t next = 7;
			for (uint32_t k = 0; k < parts; k++) {
				struct prs_unit part = prs_ledger_part(&(struct prs_unit){ 3, 7, items }, items,
				                                       (struct prs_ledger_parts){ parts, 0 }, k);
				assert_int_equal(part.id, 3);
				assert_int_equal(part.item_first, next);
				assert_true(part.item_count >= items / parts && part.item_count <= items / parts + 1);
				next += part.item_count;
			}
			assert_int_equal(next, 7 + items);
		}
}

/* Around an item: what lies before it, it, what lies behind. */
static void test_parts_around(void **context)
{
	(void)context;
	static const struct {
		uint32_t items, bad_item, n;
		struct prs_unit parts[3];
	} rows[] = {
		{ 9, 8, 2, { { 3, 7, 1 }, { 3, 8, 8 } } },
		{ 9, 12, 3, { { 3, 7, 4 }, { 3, 11, 1 }, { 3, 12, 4 } } },
		{ 9, 16, 2, { { 3, 7, 8 }, { 3, 15, 1 } } },
		{ 2, 8, 2, { { 3, 7, 1 }, { 3, 8, 1 } } },
		/* none of the unit's: two halves */
		{ 9, 7, 2, { { 3, 7, 4 }, { 3, 11, 5 } } },
		{ 9, 17, 2, { { 3, 7, 4 }, { 3, 11, 5 } } },
		{ 9, 1, 2, { { 3, 7, 4 }, { 3, 11, 5 } } },
		{ 9, UINT32_MAX, 2, { { 3, 7, 4 }, { 3, 11, 5 } } },
		{ 9, 0, 2, { { 3, 7, 4 }, { 3, 11, 5 } } },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct prs_unit u = { 3, 7, rows[i].items };
		struct prs_ledger_parts parts = prs_ledger_parts_of(&u, u.item_count, rows[i].bad_item);
		assert_int_equal(parts.n, rows[i].n);
		for (uint32_t k = 0; k < parts.n; k++) {
			struct prs_unit part = prs_ledger_part(&u, u.item_count, parts, k);
			assert_memory_equal(&part, &rows[i].parts[k], sizeof part);
		}
	}
}

/* A row that does not fit is found in a mini-batch, and another one in what lies behind it. */
static void test_split_around(void **context)
{
	(void)context;
	struct prs_fact f = split((struct prs_unit){ 1, 0, 0 }, 3);
	fold(planned(2, true));
	f.u.split.bad_item = 4;
	fold(f);
	assert_string_equal(look(1), "SPLIT; u1[0+3] PLANNED; u1[3+1] PLANNED; u1[4+6] PLANNED; 0+0 of 0, 0 rows");
	f = split((struct prs_unit){ 1, 4, 6 }, 2);
	f.u.split.bad_item = 5;
	fold(f);
	assert_string_equal(look(1), "SPLIT; u1[0+3] PLANNED; u1[3+1] PLANNED; u1[4+1] PLANNED; u1[5+5] PLANNED; "
	                             "0+0 of 0, 0 rows");
	f.u.split.unit = (struct prs_unit){ 1, 5, 5 };
	assert_int_equal(prs_ledger_fold(&l, &f, &err), -PRS_ECORRUPT); /* it is none of these */
	f.u.split.bad_item = 8;
	assert_int_equal(prs_ledger_fold(&l, &f, &err), -PRS_ECORRUPT); /* that makes three */
	assert_string_equal(err.msg, "SPLIT of mini-batch 1 with 5 items into 2, around item 8");
}

/* ---- resume ------------------------------------------------------------------------------------------------------ */

static void test_forget_leases(void **context)
{
	(void)context;
	fold(planned(4, true));
	prs_ledger_move(&l, U(0), PRS_UNIT_LEASED);
	prs_ledger_move(&l, U(1), PRS_UNIT_LEASED);
	prs_ledger_move(&l, U(1), PRS_UNIT_REPEAT);
	fold(done(2, ITEMS));
	prs_ledger_forget_leases(&l);
	check();
	for (uint64_t id = 0; id < 4; id++)
		assert_int_equal(prs_ledger_state(&l, id), id == 2 ? PRS_UNIT_DONE : PRS_UNIT_PLANNED);
}

static void test_equal(void **context)
{
	(void)context;
	struct prs_ledger other;
	static const uint64_t ids[] = { 1 };
	prs_ledger_init(&other, items_of, NULL);
	struct prs_fact f = planned(3, true);
	fold(f);
	assert_false(prs_ledger_equal(&l, &other, &err));
	assert_non_null(strstr(err.msg, "3 mini-batches against 0"));
	prs_ledger_fold(&other, &f, NULL);
	assert_true(prs_ledger_equal(&l, &other, &err));
	const struct prs_fact try0 = try_of(0, true), try1 = try_of(1, true);
	fold(try0);
	assert_int_equal(prs_ledger_fold(&other, &try1, NULL), 0);
	assert_false(prs_ledger_equal(&l, &other, &err)); /* as many tries, but of another unit */
	fold(try1);
	assert_int_equal(prs_ledger_fold(&other, &try0, NULL), 0);
	assert_true(prs_ledger_equal(&l, &other, &err));
	const struct prs_fact steps[] = { try_of(1, true), lost(ids, 1, 0), done(1, 4), failed(2, ITEMS) };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		f = steps[i];
		if (f.type == PRS_FACT_LOST)
			f = lost(ids, 1, 0);
		fold(f);
		assert_false(prs_ledger_equal(&l, &other, &err));
		assert_int_equal(prs_ledger_fold(&other, &f, NULL), 0);
		assert_true(prs_ledger_equal(&l, &other, &err));
	}
	prs_ledger_done(&other);
}

/* The fold is frozen: this journal, as bytes of the first format, gives these numbers under every engine. */
static void test_frozen(void **context)
{
	(void)context;
	static const uint64_t ran[] = { 4, 5 };
	const struct prs_fact journal[] = { head(1),
		                            planned(4, false),
		                            done(0, ITEMS),
		                            try_of(1, true),
		                            planned(9, true),
		                            try_of(1, true),
		                            done(1, 7),
		                            try_of(2, true),
		                            try_of(2, true),
		                            try_of(2, true),
		                            failed(2, ITEMS),
		                            try_of(3, false),
		                            done(3, ITEMS),
		                            done(3, 2),
		                            lost(ran, 2, 0),
		                            head(2),
		                            done(4, 12),
		                            failed(5, ITEMS),
		                            done(5, ITEMS),
		                            reset(2, 1),
		                            done(6, 3),
		                            done(2, 9),
		                            state_to(PRS_JOB_DRAINING, PRS_EINTERRUPTED),
		                            split(*U(7), 2),
		                            try_part((struct prs_unit){ 7, 0, 5 }),
		                            split((struct prs_unit){ 7, 0, 5 }, 2),
		                            done_part((struct prs_unit){ 7, 5, 5 }, 5),
		                            done_part((struct prs_unit){ 7, 0, 2 }, 2),
		                            failed_part((struct prs_unit){ 7, 2, 3 }),
		                            done(7, 10) };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	for (size_t i = 0; i < sizeof journal / sizeof *journal; i++) {
		struct prs_fact f = journal[i];
		if (f.type == PRS_FACT_LOST)
			f = lost(ran, 2, 0);
		assert_int_equal(prs_fact_put(&b, &f), 0);
	}
	struct prs_fact f;
	size_t at = 0;
	while (prs_fact_next(b.data, b.len, &at, &f, &err) == 1)
		fold(f);
	check();
	static const char want[] = "DONE 0; DONE 2; DONE 0; DONE 0; DONE 0; FAILED 0; DONE 0; FAILED 0; PLANNED 0; "
				   "succeeded 56 failed 17 final 73 rows 58 tries 7 this epoch 3";
	char got[512];
	struct text t = { got, 0, sizeof got };
	for (uint64_t id = 0; id < l.next_id; id++)
		text_put(&t, "%s %u; ", prs_state_name(PRS_MACHINE_UNIT, (int)prs_ledger_state(&l, id)),
		         prs_ledger_tries(&l, U(id)));
	const struct prs_ledger_counts *c = &l.counts;
	text_put(&t, "succeeded %llu failed %llu final %llu rows %llu tries %llu this epoch %llu",
	         (unsigned long long)c->items_succeeded, (unsigned long long)c->items_failed,
	         (unsigned long long)c->items_final, (unsigned long long)c->rows, (unsigned long long)c->tries_failed,
	         (unsigned long long)c->done_this_epoch);
	assert_string_equal(got, want);
	assert_int_equal(l.job, PRS_JOB_DRAINING);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void test_no_memory(void **context)
{
	(void)context;
	static const uint64_t ids[] = { 1, 2, 3 };
	struct prs_fact plan = planned(5, true), more = planned(100000, true);
	prs_mem_fault(1);
	assert_int_equal(prs_ledger_fold(&l, &plan, &err), -PRS_ENOMEM);
	assert_int_equal(l.next_id, 0);
	assert_false(l.planned_all);
	prs_mem_fault(0);
	fold(plan);
	fold(done(0, ITEMS));
	prs_mem_fault(1);
	assert_int_equal(prs_ledger_fold(&l, &more, &err), -PRS_ENOMEM);
	prs_mem_fault(0);
	check();
	int failures = 0;
	for (long n = 1;; n++) { /* the entries, the hash itself, its buckets */
		prs_mem_fault(n);
		struct prs_fact f = lost(ids, 3, 0);
		int r = prs_ledger_fold(&l, &f, &err);
		prs_mem_fault(0);
		if (!r)
			break;
		failures++;
		assert_int_equal(r, -PRS_ENOMEM);
		for (uint64_t id = 0; id < 5; id++)
			assert_int_equal(prs_ledger_downs(&l, U(id)), 0);
	}
	assert_int_equal(failures, 4); /* what one attempt made stays for the next */
	for (uint64_t id = 1; id < 4; id++)
		assert_int_equal(prs_ledger_downs(&l, U(id)), 1);
	check();
	failures = 0;
	for (long n = 1;; n++) {
		struct prs_fact f = split(*U(2), 10);
		prs_mem_fault(n);
		int r = prs_ledger_fold(&l, &f, &err);
		prs_mem_fault(0);
		if (!r)
			break;
		failures++;
		assert_int_equal(prs_ledger_state(&l, 2), PRS_UNIT_PLANNED);
		assert_int_equal(l.counts.splits, 0);
	}
	assert_int_equal(failures, 4);
	assert_int_equal(prs_ledger_state(&l, 2), PRS_UNIT_SPLIT);
	check();
}

/* ---- codes ------------------------------------------------------------------------------------------------------- */

static struct prs_fact head_of(uint32_t epoch, uint8_t print)
{
	struct prs_fact f = head(epoch);
	memset(f.u.head.code_print, print, sizeof f.u.head.code_print);
	return f;
}

static struct prs_fact done_in(uint64_t id, uint32_t rows, uint64_t epoch)
{
	struct prs_fact f = done(id, rows);
	f.u.done.lease = epoch << 40 | 5;
	return f;
}

static void assert_code(uint32_t i, uint32_t epoch, uint64_t rows, uint64_t units)
{
	assert_true(i < l.codes_n);
	assert_int_equal(l.codes[i].epoch, epoch);
	assert_int_equal(l.codes[i].rows, rows);
	assert_int_equal(l.codes[i].units, units);
}

/* A life with another fingerprint than the one before begins a code, an old one too; rows belong to that of the life
 * in their lease, whenever they are told. */
static void test_codes(void **state)
{
	(void)state;
	fold(head_of(1, 'a'));
	fold(planned(9, true));
	fold(done_in(0, 10, 1));
	fold(head_of(2, 'a'));
	fold(done_in(1, 9, 2));
	assert_int_equal(l.codes_n, 1);
	fold(head_of(5, 'b'));
	fold(done_in(2, 8, 5));
	fold(done_in(3, 7, 2)); /* a result of the life before */
	fold(head_of(6, 'b'));
	fold(done_in(4, 0, 6));
	fold(head_of(7, 'a'));
	fold(done_in(5, 6, 7));
	assert_int_equal(l.codes_n, 3);
	assert_code(0, 0, 26, 3);
	assert_code(1, 5, 8, 2);
	assert_code(2, 7, 6, 1);
	fold(reset(2, 2));
	assert_code(0, 0, 19, 2);
	assert_code(1, 5, 0, 1);
	fold(done_in(3, 4, 7));
	fold(failed(2, 10));
	fold(reset(2, 1));
	assert_code(1, 5, 0, 1);
	assert_code(2, 7, 10, 2);
}

/* What was split counts with its last part, and is taken back whole. */
static void test_codes_of_parts(void **state)
{
	(void)state;
	struct prs_fact split = { .type = PRS_FACT_SPLIT }, part = done_in(0, 5, 1), bad = failed(0, 5);
	split.u.split.parts = 2;
	part.u.done.unit.item_count = 5;
	bad.u.failed.unit.item_first = bad.u.failed.unit.item_count = 5;
	fold(head_of(1, 'a'));
	fold(planned(2, true));
	fold(split);
	fold(part);
	assert_code(0, 0, 0, 0);
	fold(head_of(2, 'b'));
	fold(bad);
	assert_code(0, 0, 0, 0);
	assert_code(1, 2, 5, 0);
	fold(reset(0, 1));
	assert_code(1, 2, 0, 0);
}

/* Room ahead for a quarter of the ids, however they come. */
static void test_memory(void **context)
{
	(void)context;
	static const uint64_t ids[] = { 1, 1024, 1025, 5000, 5001, 100001, 131073 };
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		fold(planned(ids[i], false));
		assert_in_range(l.cells_cap, ids[i], ids[i] < 1024 ? 1024 : ids[i] + ids[i] / 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_codes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_codes_of_parts, setup, teardown),
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_matrix),
		T(test_counters),
		T(test_first_commit_wins),
		T(test_missing),
		T(test_reset),
		T(test_lost),
		T(test_lost_with_progress),
		T(test_job_state),
		T(test_tries_do_not_wrap),
		T(test_contradictions),
		T(test_forget_leases),
		T(test_equal),
		T(test_frozen),
		T(test_parts),
		T(test_parts_all_done),
		T(test_parts_late_facts),
		T(test_parts_reset),
		T(test_parts_forget_and_equal),
		T(test_parts_cover),
		T(test_parts_around),
		T(test_split_around),
		T(test_no_memory),
		T(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
