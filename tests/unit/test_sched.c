/* SPDX-License-Identifier: Apache-2.0
 * test_sched: what is leased to whom, when a try is repeated, when the job is given up: stories of events and effects.
 *
 * Words: @TIME · start · up N PROCS · down N · lost N ID ... (LOST of running ids, then down) · plan COUNT [all] · ask
 * N COUNT · done ID [SUCCEEDED] ·
 *         try ID CODE [SLOT [KIND]] (of the current lease; counted as the error table says; it says KIND, too) ·
 *         old try ID CODE (of a lease that is over) · failed ID ·
 *         misfit ID ITEM · split ID [ITEM] · return ID · old return ID · initok N SLOT ·
 *         initfail N SLOT CODE TEXT · stop · tick [STALLED] · reset ID COUNT · next (no event: when TICK is due).
 * ID: 5, or 5[2+3] for items 2, 3, 4 of it. A mini-batch has 10 items. Facts are folded into the ledger first, as the
 * master does it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "step_text.h"

#include <stdlib.h>

enum { ITEMS = 10, IDS_MAX = 4096 };
#define EPOCH_US UINT64_C(1000000000)

static struct world {
	struct prs_ledger ledger;
	struct prs_sched *sched;
	struct prs_sched_effects out;
	uint64_t now_us;
	uint64_t leases[IDS_MAX], old[IDS_MAX];
	char text[1 << 16];
} w;

static const struct prs_limits defaults = {
	.run_max_try = 3,
	.error_threshold = -1,
	.allowed_failed_count = -1,
	.allowed_failed_percent = 100,
	.progress_timeout_us = 270000000,
	.first_task_timeout_us = 600000000,
	.gap_us = UINT64_MAX,
};

static uint32_t items_of(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
	return ITEMS;
}

static void begin(const struct prs_limits *limits)
{
	prs_ledger_init(&w.ledger, items_of, NULL);
	w.ledger.epoch = 1;
	w.now_us = EPOCH_US;
	memset(w.leases, 0, sizeof w.leases);
	w.sched = prs_sched_new(&w.ledger, limits);
	assert_non_null(w.sched);
}

static int teardown(void **state)
{
	(void)state;
	prs_sched_free(w.sched);
	prs_ledger_done(&w.ledger);
	prs_freep(&w.out.v);
	w.out = (struct prs_sched_effects){ 0 };
	w.sched = NULL;
	return 0;
}

/* ---- the small language ------------------------------------------------------------------------------------------ */

static uint64_t time_of(const char *s)
{
	char *unit;
	uint64_t v = strtoull(s, &unit, 10);
	if (!strcmp(unit, "s"))
		return v * 1000000;
	return !strcmp(unit, "ms") ? v * 1000 : v;
}

static uint16_t code_of(const char *name)
{
	for (unsigned i = 0; prs_error_at(i); i++)
		if (!strcmp(prs_error_at(i)->name, name))
			return prs_error_at(i)->code;
	fail_msg("no such code: %s", name);
	return 0;
}

static void fold(struct prs_fact f)
{
	struct prs_err err = { 0 };
	if (prs_ledger_fold(&w.ledger, &f, &err) < 0)
		fail_msg("%s", err.msg);
}

static void check(void)
{
	uint64_t units[PRS_UNIT_STATES] = { 0 };
	for (uint64_t id = 0; id < w.ledger.next_id; id++)
		units[prs_ledger_state(&w.ledger, id)]++;
	assert_memory_equal(units, w.ledger.counts.units, sizeof units);
}

/* Where the leases of a unit are kept: parts only of low ids. */
static size_t key(const struct prs_unit *u) { return (u->id + 256u * u->item_first) % IDS_MAX; }

/* The effects of the last step as text; leases are remembered. */
static void put_effects(struct text *t)
{
	for (uint32_t i = 0; i < w.out.n; i++) {
		const struct prs_sched_effect *e = &w.out.v[i];
		text_put(t, i ? "; " : "");
		text_sched_effect(t, e);
		if (e->type != PRS_SCHED_LEASE)
			continue;
		w.old[key(&e->unit)] = w.leases[key(&e->unit)];
		w.leases[key(&e->unit)] = e->lease;
	}
}

static void fold_try(const struct prs_unit *u, uint16_t code)
{
	struct prs_fact f = { .type = PRS_FACT_TRY };
	f.u.try_ = (struct prs_try){ .unit = *u,
		                     .code = code,
		                     .counted = prs_error_row(code)->action != PRS_ACTION_RESUMABLE };
	fold(f);
}

static void fold_lost(char *const *word, int n, bool progress)
{
	uint8_t raw[16 * 8] = { 0 };
	for (int i = 0; i < n; i++)
		prs_put64(raw + 16 * i, strtoull(word[i], NULL, 10));
	struct prs_fact f = { .type = PRS_FACT_LOST };
	f.u.lost.running_count = (uint32_t)n;
	f.u.lost.units = raw;
	f.u.lost.progress = progress;
	fold(f);
}

static void fold_plan(const char *count, bool all)
{
	struct prs_fact f = { .type = PRS_FACT_PLANNED };
	f.u.planned.next_id = strtoull(count, NULL, 10);
	f.u.planned.items = f.u.planned.next_id * ITEMS;
	f.u.planned.complete = all;
	fold(f);
}

static struct prs_sched_event event_of(char *const *v, int n)
{
	struct prs_sched_event e = { .now_us = w.now_us };
	bool old = !strcmp(v[0], "old");
	v += old;
	n -= old;
	unsigned long long number = 0;
	struct prs_unit unit = { 0 };
	if (n > 1 && sscanf(v[1], "%llu[%u+%u]", &number, &unit.item_first, &unit.item_count) > 0)
		unit.id = number;
	e.node = (uint16_t)number;
	struct prs_fact f = { 0 };
	if (!strcmp(v[0], "start")) {
		e.type = PRS_SCHED_START;
	} else if (!strcmp(v[0], "resume")) { /* all that was planned is in the journal as done */
		e.type = PRS_SCHED_START;
		fold_plan(v[1], true);
		f.type = PRS_FACT_DONE;
		f.u.done.succeeded = ITEMS;
		for (; f.u.done.unit.id < number; f.u.done.unit.id++)
			fold(f);
	} else if (!strcmp(v[0], "up")) {
		e.type = PRS_SCHED_NODE_UP;
		e.procs = (uint16_t)atoi(v[2]);
	} else if (!strcmp(v[0], "down") || !strcmp(v[0], "lost") || !strcmp(v[0], "lost+")) {
		e.type = PRS_SCHED_NODE_DOWN;
		if (v[0][0] == 'l')
			fold_lost(v + 2, n - 2, v[0][4]);
	} else if (!strcmp(v[0], "plan")) {
		e.type = PRS_SCHED_PLANNED;
		fold_plan(v[1], n > 2);
	} else if (!strcmp(v[0], "ask")) {
		e.type = PRS_SCHED_ASK;
		e.count = (uint32_t)atoi(v[2]);
	} else if (!strcmp(v[0], "done")) {
		e.type = PRS_SCHED_DONE;
		f.type = PRS_FACT_DONE;
		f.u.done = (struct prs_done){ .unit = unit, .succeeded = n > 2 ? (uint32_t)atoi(v[2]) : ITEMS };
		fold(f);
	} else if (!strcmp(v[0], "try")) {
		e.type = PRS_SCHED_TRIED;
		e.code = code_of(v[2]);
		e.slot = n > 3 ? (uint16_t)atoi(v[3]) : 0;
		e.kind = prs_text_of(n > 4 ? v[4] : "");
		e.said = e.kind;
		fold_try(&unit, e.code);
	} else if (!strcmp(v[0], "failed")) {
		e.type = PRS_SCHED_FAILED;
		f.type = PRS_FACT_FAILED;
		f.u.failed.unit = unit;
		f.u.failed.items = prs_ledger_items(&w.ledger, &unit);
		fold(f);
	} else if (!strcmp(v[0], "misfit")) {
		e.type = PRS_SCHED_TRIED;
		e.code = PRS_EVALUE_MISFIT;
		e.bad_item = n > 2 ? (uint32_t)atoi(v[2]) : 0;
		fold_try(&unit, e.code);
	} else if (!strcmp(v[0], "split")) {
		struct prs_ledger_parts parts = prs_ledger_parts_of(&unit, prs_ledger_items(&w.ledger, &unit),
		                                                    n > 2 ? (uint32_t)atoi(v[2]) : 0);
		e.type = PRS_SCHED_SPLIT;
		e.count = parts.n;
		e.bad_item = parts.bad_item;
		f.type = PRS_FACT_SPLIT;
		f.u.split.unit = unit;
		f.u.split.parts = parts.n;
		f.u.split.bad_item = parts.bad_item;
		fold(f);
	} else if (!strcmp(v[0], "return")) {
		e.type = PRS_SCHED_RETURNED;
	} else if (!strcmp(v[0], "initok")) {
		e.type = PRS_SCHED_INIT_DONE;
		e.slot = (uint16_t)atoi(v[2]);
	} else if (!strcmp(v[0], "initfail")) {
		e.type = PRS_SCHED_INIT_FAILED;
		e.slot = (uint16_t)atoi(v[2]);
		e.code = code_of(v[3]);
		e.same = n > 4 ? strtoull(v[4], NULL, 36) : 0;
		e.said = prs_text_of(n > 4 ? v[4] : "");
	} else if (!strcmp(v[0], "stop")) {
		e.type = PRS_SCHED_STOP;
	} else if (!strcmp(v[0], "planstops")) {
		e.type = PRS_SCHED_PLAN_STOPS;
		e.code = code_of(v[2]);
		e.said = prs_text_of("a quote");
	} else if (!strcmp(v[0], "tick")) {
		e.type = PRS_SCHED_TICK;
		e.stalled_us = n > 1 ? strtoull(v[1], NULL, 10) * 1000000 : 0; /* seconds */
	} else if (!strcmp(v[0], "reset")) {
		e.type = PRS_SCHED_RESET;
		f.type = PRS_FACT_RESET;
		f.u.reset.unit.id = number;
		f.u.reset.count = strtoull(v[2], NULL, 10);
		fold(f);
	} else {
		fail_msg("no such word: %s", v[0]);
	}
	e.unit = unit;
	e.lease = old ? w.old[key(&unit)] : w.leases[key(&unit)];
	return e;
}

static const char *perform(const char *line)
{
	char copy[256], *v[10] = { NULL }, *save = NULL;
	int n = 0, at = 0;
	struct text t = { w.text, 0, sizeof w.text };
	snprintf(copy, sizeof copy, "%s", line);
	for (char *p = strtok_r(copy, " ", &save); p && n < 10; p = strtok_r(NULL, " ", &save))
		v[n++] = p;
	w.text[0] = 0;
	if (v[0] && v[0][0] == '@') {
		w.now_us = EPOCH_US + time_of(v[0] + 1);
		at = 1;
	}
	if (at < n && !strcmp(v[at], "next")) {
		uint64_t next = prs_sched_next_us(w.sched);
		text_time(&t, next == UINT64_MAX ? next : next - EPOCH_US);
	} else if (at < n) {
		struct prs_sched_event e = event_of(v + at, n - at);
		w.out.n = 0;
		assert_int_equal(prs_sched_step(w.sched, &e, &w.out), 0);
		put_effects(&t);
		check();
	}
	return w.text;
}

/* A line: event, then "->" and its effects (none: the effects are not compared). */
static void tell(const char *const *story)
{
	int wrong = 0;
	for (; *story; story++) {
		char line[1024];
		snprintf(line, sizeof line, "%s", *story);
		char *arrow = strstr(line, "->");
		const char *want = arrow ? arrow + 2 + (arrow[2] == ' ') : NULL;
		if (arrow)
			*arrow = 0;
		const char *got = perform(line);
		if (want && strcmp(got, want)) {
			print_error("%s\n   got: %s\n", *story, got);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* A story under the default limits, with those that are given changed. */
#define LIMITED(name, limits, ...)                                        \
	static void name(void **state)                                    \
	{                                                                 \
		(void)state;                                              \
		static const char *const story[] = { __VA_ARGS__, NULL }; \
		struct prs_limits l = defaults;                           \
		limits;                                                   \
		begin(&l);                                                \
		tell(story);                                              \
	}
#define STORY(name, ...) LIMITED(name, (void)0, __VA_ARGS__)

#include "sched_stories.h"

/* ---- thresholds, each at its boundary ---------------------------------------------------------------------------- */

/* `failed` mini-batches fail of `all`, `gaps` items are missing in done ones: does the job abort, and of what? */
static void test_thresholds(void **state)
{
	(void)state;
	static const struct {
		int64_t error_threshold, count;
		double percent;
		int all, failed, gaps;
		bool planned_all;
		uint16_t code;
	} cases[] = {
		{ -1, -1, 100, 10, 10, 0, true, 0 },
		{ -1, -1, -1, 10, 10, 0, true, 0 },
		{ 0, -1, 100, 10, 0, 0, true, 0 },
		{ 0, -1, 100, 10, 0, 1, true, PRS_EERROR_THRESHOLD },
		{ 0, -1, 100, 10, 1, 0, true, PRS_EERROR_THRESHOLD },
		{ 10, -1, 100, 10, 1, 0, true, 0 },
		{ 10, -1, 100, 10, 1, 1, true, PRS_EERROR_THRESHOLD },
		{ 10, -1, 100, 10, 1, 1, false, PRS_EERROR_THRESHOLD },
		{ 9, -1, 100, 10, 1, 0, true, PRS_EERROR_THRESHOLD },
		{ 5, -1, 100, 10, 0, 5, true, 0 },
		{ 4, -1, 100, 10, 0, 5, true, PRS_EERROR_THRESHOLD },
		{ 2147483647, -1, 100, 10, 10, 0, true, 0 },
		{ -1, 0, 100, 10, 0, 50, true, 0 },
		{ -1, 0, 100, 10, 1, 0, true, PRS_EALLOWED_FAILED_COUNT },
		{ -1, 1, 100, 10, 1, 0, true, 0 },
		{ -1, 1, 100, 10, 2, 0, true, PRS_EALLOWED_FAILED_COUNT },
		{ -1, 1, 100, 10, 2, 0, false, PRS_EALLOWED_FAILED_COUNT },
		{ -1, -1, 0, 10, 0, 50, true, 0 },
		{ -1, -1, 0, 10, 1, 0, true, PRS_EALLOWED_FAILED_PERCENT },
		{ -1, -1, 10, 10, 1, 0, true, 0 },
		{ -1, -1, 10, 10, 2, 0, true, PRS_EALLOWED_FAILED_PERCENT },
		{ -1, -1, 9.99, 10, 1, 0, true, PRS_EALLOWED_FAILED_PERCENT },
		{ -1, -1, 33.3, 30, 9, 0, true, 0 },
		{ -1, -1, 33.3, 30, 10, 0, true, PRS_EALLOWED_FAILED_PERCENT }, /* 33.33 % */
		{ -1, -1, 0, 10, 9, 0, false, 0 }, /* of the final total: not judged before it is known */
		{ -1, -1, 100, 10, 10, 0, true, 0 },
		{ 19, 1, 10, 10, 2, 0, true, PRS_EERROR_THRESHOLD }, /* all three: items are named first */
		{ 20, 1, 10, 10, 2, 0, true, PRS_EALLOWED_FAILED_COUNT },
		{ 20, 2, 10, 10, 2, 0, true, PRS_EALLOWED_FAILED_PERCENT },
		{ 20, 2, 20, 10, 2, 0, true, 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct prs_limits l = defaults;
		l.error_threshold = cases[i].error_threshold;
		l.allowed_failed_count = cases[i].count;
		l.allowed_failed_percent = cases[i].percent;
		begin(&l);
		char line[64];
		uint16_t code = 0;
		int aborts = 0, gaps = cases[i].gaps;
		snprintf(line, sizeof line, "plan %d%s", cases[i].all, cases[i].planned_all ? " all" : "");
		perform(line);
		for (int id = 0; id < cases[i].all; id++) {
			int gap = gaps > ITEMS ? ITEMS : gaps;
			gaps -= id < cases[i].failed ? 0 : gap;
			snprintf(line, sizeof line, id < cases[i].failed ? "failed %d" : "done %d %d", id, ITEMS - gap);
			perform(line);
			for (uint32_t k = 0; k < w.out.n; k++)
				if (w.out.v[k].type == PRS_SCHED_ABORT) {
					code = w.out.v[k].code;
					aborts++;
				}
		}
		if (code != cases[i].code || aborts > 1)
			fail_msg("case %zu: %s, %d times", i, code ? text_code(code) : "no abort", aborts);
		teardown(NULL);
	}
}

/* Judged once planning is complete: the last PLANNED fact may be what breaks the limit. */
static void test_percent_waits_for_the_total(void **state)
{
	(void)state;
	struct prs_limits l = defaults;
	l.allowed_failed_percent = 10;
	begin(&l);
	static const char *const story[] = { "plan 4", "failed 0 -> ", "plan 9 -> ",
		                             "plan 9 all -> abort ALLOWED_FAILED_PERCENT: 1 of 9 mini-batches failed; "
		                             "allowed_failed_percent allows 10 %",
		                             NULL };
	tell(story);
}

/* The table: filled from the options, found by code; what it suggests is a value of its option that is no limit any
 * more. */
static void test_limits_table(void **state)
{
	(void)state;
	struct prs_options o = { 0 };
	struct prs_limits l;
	struct prs_err err;
	assert_int_equal(prs_options_init(&o, &err), 0);
	prs_limits_init(&l, &o);
	assert_int_equal(l.run_max_try, 3);
	assert_int_equal(l.error_threshold, -1);
	assert_int_equal(l.first_task_timeout_us, 600000000);
	assert_int_equal(l.progress_timeout_us, 270000000); /* not given: run_max_try x (run + overhead timeout) */
	o.run_max_try = 5;
	o.run_invocation_timeout_us = 500000;
	prs_limits_init(&l, &o);
	assert_int_equal(l.progress_timeout_us, 5 * 30500000);
	o.progress_update_timeout_us = 7000000;
	prs_limits_init(&l, &o);
	assert_int_equal(l.progress_timeout_us, 7000000);
	for (unsigned i = 0; i < PRS_LIMITS; i++) {
		const struct prs_limit_row *row = prs_limit_at(i);
		const struct prs_option_row *option = prs_option_at(row->option);
		assert_int_equal(row->limit, i);
		assert_ptr_equal(prs_limit_of(-(int)row->code), row);
		assert_ptr_equal(prs_option_find(row->name, false), option);
		assert_int_equal(option->resume, PRS_RESUME_YES);
		assert_int_equal(prs_option_set(&o, option, "12", "test", &err), 0);
		prs_limits_init(&l, &o);
		assert_true(prs_limit_value(&l, row->limit) == 12);
	}
	assert_null(prs_limit_at(PRS_LIMITS));
	assert_null(prs_limit_of(PRS_EINIT_GIVE_UP));
	prs_options_done(&o);
}

/* prs resume --set run_max_try, or a running change: what counts is the limit when the try fails. */
static void test_limits_change(void **state)
{
	(void)state;
	static const char *const before[] = { "up 0 2", "plan 2 all", "ask 0 2", "try 0 RUN_EXCEPTION -> ", NULL };
	static const char *const after[] = {
		"try 1 RUN_EXCEPTION -> fail u1 RUN_EXCEPTION 10 items; fail u0 RUN_EXCEPTION 10 items", NULL
	};
	struct prs_limits l = defaults;
	begin(&l);
	tell(before);
	l.run_max_try = 1;
	prs_sched_set_limits(w.sched, &l);
	tell(after);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

struct snapshot {
	enum prs_unit_state states[64];
	uint64_t next_us;
};

static struct snapshot look(void)
{
	struct snapshot s = { .next_us = prs_sched_next_us(w.sched) };
	for (uint64_t id = 0; id < w.ledger.next_id; id++)
		s.states[id] = prs_ledger_state(&w.ledger, id);
	return s;
}

/* The n-th allocation of the line's step fails; the line is repeated: as if nothing had been. False when it has
 * fewer. */
static bool fail_nth(const char *const *lines, const char *const *upto, long n)
{
	char want[1 << 12], got[1 << 12], copy[256], *v[10] = { NULL }, *save = NULL;
	int words = 0;
	begin(&defaults);
	for (const char *const *line = lines; line <= upto; line++)
		snprintf(want, sizeof want, "%s", perform(*line));
	teardown(NULL);
	begin(&defaults);
	for (const char *const *line = lines; line < upto; line++)
		perform(*line);
	prs_freep(&w.out.v);
	w.out = (struct prs_sched_effects){ 0 };
	snprintf(copy, sizeof copy, "%s", *upto);
	for (char *p = strtok_r(copy, " ", &save); p && words < 10; p = strtok_r(NULL, " ", &save))
		v[words++] = p;
	struct prs_sched_event e = event_of(v, words);
	struct snapshot was = look();
	prs_mem_fault(n);
	int r = prs_sched_step(w.sched, &e, &w.out);
	prs_mem_fault(0);
	if (r) {
		assert_int_equal(r, -PRS_ENOMEM);
		assert_int_equal(w.out.n, 0);
		struct snapshot now = look();
		assert_memory_equal(&was, &now, sizeof was);
		assert_int_equal(prs_sched_step(w.sched, &e, &w.out), 0);
		struct text t = { got, 0, sizeof got };
		got[0] = 0;
		put_effects(&t);
		assert_string_equal(got, want);
	}
	teardown(NULL);
	return r != 0;
}

static void test_no_memory(void **state)
{
	(void)state;
	static const char *const lines[] = { "start",         "up 0 2",   "up 1 2",    "plan 60 all",
		                             "initok 0 0",    "ask 0 40", "ask 1 10",  "try 3 RUN_EXCEPTION 0",
		                             "try 4 NOSPACE", "return 5", "lost 1 41", "up 1 2",
		                             "ask 1 50",      "stop",     NULL };
	int failures = 0;
	for (const char *const *upto = lines; *upto; upto++)
		for (long n = 1; fail_nth(lines, upto, n); n++)
			failures++;
	assert_true(failures > 15);
	prs_mem_fault(1);
	assert_null(prs_sched_new(&w.ledger, &defaults));
	prs_mem_fault(0);
}

/* ---- the map of units -------------------------------------------------------------------------------------------- */

/* 3,000 units that fail, come back and go in a scrambled order: none is lost, none is leased twice. */
static void test_many(void **state)
{
	(void)state;
	enum { MANY = 3000 };
	uint32_t dice = 1;
	static uint16_t tries[MANY];
	static bool out[MANY];
	uint64_t final = 0;
	memset(tries, 0, sizeof tries);
	begin(&defaults);
	perform("up 0 64");
	perform("plan 3000 all");
	perform("ask 0 500");
	while (final < MANY) {
		for (uint32_t i = 0; i < w.out.n; i++) {
			const struct prs_sched_effect *e = &w.out.v[i];
			if (e->type == PRS_SCHED_LEASE) {
				assert_false(out[e->unit.id]);
				assert_int_equal(e->try_number, tries[e->unit.id] + 1);
				out[e->unit.id] = true;
			}
		}
		dice = dice * 1664525 + 1013904223;
		uint64_t id = dice % MANY;
		while (!out[id])
			id = (id + 1) % MANY;
		out[id] = false;
		char line[64];
		bool fails = (dice >> 8) % 4 == 0;
		tries[id] = (uint16_t)(tries[id] + fails);
		snprintf(line, sizeof line, !fails ? "done %llu" : "try %llu RUN_EXCEPTION 1", (unsigned long long)id);
		perform(line);
		if (w.out.n && w.out.v[0].type == PRS_SCHED_FAIL) {
			assert_int_equal(tries[id], 3);
			snprintf(line, sizeof line, "failed %llu", (unsigned long long)id);
			perform(line);
			final++;
		}
		final += !fails;
		struct prs_sched_effects kept = w.out; /* what was leased just now, and what the next ask gives */
		for (uint32_t i = 0; i < kept.n; i++)
			if (kept.v[i].type == PRS_SCHED_LEASE) {
				assert_false(out[kept.v[i].unit.id]);
				out[kept.v[i].unit.id] = true;
			}
		static uint32_t asked = 500;
		snprintf(line, sizeof line, "ask 0 %u", ++asked);
		if (final < MANY)
			perform(line);
	}
	assert_int_equal(w.ledger.counts.units[PRS_UNIT_DONE] + w.ledger.counts.units[PRS_UNIT_FAILED], MANY);
}

/* Another engine finds the parts that are left in the ledger. */
static void test_bisect_resumed(void **state)
{
	(void)state;
	struct prs_limits l = defaults;
	l.bisect = true;
	l.run_max_try = 1;
	static const char *const before[] = { "up 0 2",      "plan 2 all",
		                              "ask 0 1",     "try 0 RUN_CRASH 1 -> halve u0 RUN_CRASH 10 items",
		                              "split 0",     "ask 0 3",
		                              "done 0[0+5]", "try 0[5+5] RUN_CRASH -> halve u0[5+5] RUN_CRASH 5 items",
		                              NULL };
	static const char *const after[] = {
		"start -> halve u0[5+5] RUN_CRASH 5 items", /* its one try was journaled, the SPLIT was not */
		"up 0 2", "split 0[5+5] -> ", "ask 0 3 -> lease u0[5+2] to n0; lease u0[7+3] to n0; lease u1 to n0",
		NULL
	};
	begin(&l);
	tell(before);
	prs_ledger_forget_leases(&w.ledger);
	prs_sched_free(w.sched);
	w.sched = prs_sched_new(&w.ledger, &l);
	tell(after);
	prs_mem_fault(2);
	assert_null(prs_sched_new(&w.ledger, &l));
	prs_mem_fault(0);
}

static void test_waits_for(void **state)
{
	(void)state;
	char text[128];
	begin(&defaults);
	prs_sched_waits_for(w.sched, text, sizeof text);
	assert_string_equal(text, "the first mini-batch: the input is being listed");
	perform("plan 5 all");
	prs_sched_waits_for(w.sched, text, sizeof text);
	assert_string_equal(text, "the first init()");
	perform("up 0 2");
	perform("ask 0 2"); /* by a process whose init() is not durable yet */
	prs_sched_waits_for(w.sched, text, sizeof text);
	assert_string_equal(text, "mini-batches: 2 given to a process, 3 planned");
	perform("initok 0 0");
	prs_sched_waits_for(w.sched, text, sizeof text);
	assert_string_equal(text, "mini-batches: 2 given to a process, 3 planned");
	struct prs_limits l = defaults;
	l.bisect = true;
	l.run_max_try = 1;
	static const char *const parts[] = {
		"up 0 1",  "plan 1 all", "ask 0 1", "initok 0 0", "try 0 RUN_CRASH 1 -> halve u0 RUN_CRASH 10 items",
		"split 0", NULL
	};
	teardown(NULL);
	begin(&l);
	tell(parts);
	prs_sched_waits_for(w.sched, text, sizeof text);
	assert_string_equal(text, "mini-batches: 1 tried in parts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, teardown)
		SCHED_STORIES,        T(test_thresholds),     T(test_percent_waits_for_the_total),
		T(test_limits_table), T(test_limits_change),  T(test_no_memory),
		T(test_many),         T(test_bisect_resumed), T(test_waits_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
