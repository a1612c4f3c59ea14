/* SPDX-License-Identifier: Apache-2.0
 * test_pool: what a node does with its workers, told as stories: a line is an event and the effects that it must have.
 *
 * Events: @TIME · start · lease ID [try N] [not SLOT] [body BYTES] (0: the node had no room for it) · spawned S ·
 *          nospawn S · hello S · ready S · initfail S · result S CLAIM [US] ·
 *          fail S CLAIM CODE · recalled S N · broken S · bye S · exit S STATUS|sigN · page S PHASE CLAIM TIME [RESULTS]
 *          (no event) · tick ·
 *          drain · abort · finish · over S (memory limit) · retire S · pause · resume. `up S` = spawned, hello, ready;
 *          effects of these are not compared.
 * Times: 5s, 20ms, 7us, from the start of the story.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "step_text.h"

#include <stdlib.h>

enum { SLOTS_MAX = 4 };
/* Stories count from 0; the pool's clock does not. */
#define EPOCH_US UINT64_C(1000000000)

static struct world {
	struct prs_pool *pool;
	struct prs_pool_config c;
	struct prs_page pages[SLOTS_MAX];
	uint64_t now_us;
	struct prs_pool_effects out;
	char text[1 << 16];
} w;

static const struct prs_pool_config defaults = {
	.slots = 2,
	.run_timeout_us = 60000000,
	.overhead_timeout_us = 30000000,
	.init_timeout_us = 300000000,
	.term_grace_us = 2000000,
	.backoff_first_us = 100000,
	.backoff_max_us = 10000000,
	.start_backoff_us = 1000000,
	.start_tries = 5,
	.init_tries = 3,
	.depth_target_us = 2000,
	.depth_max = 32,
	.recall_after_us = 20000,
	.gap_us = UINT64_MAX,
	.look_us = UINT64_MAX,
};

static void begin(const struct prs_pool_config *c)
{
	w.c = *c;
	w.now_us = EPOCH_US;
	memset(w.pages, 0, sizeof w.pages);
	w.pool = prs_pool_new(c);
	assert_non_null(w.pool);
}

static void end(void)
{
	prs_pool_free(w.pool);
	prs_freep(&w.out.v);
	w.out = (struct prs_pool_effects){ 0 };
	w.pool = NULL;
}

static int teardown(void **state)
{
	(void)state;
	end();
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

static const struct {
	const char *word;
	enum prs_pool_event_type type;
} verbs[] = {
	{ "start", PRS_POOL_START },          { "lease", PRS_POOL_LEASE },   { "spawned", PRS_POOL_SPAWNED },
	{ "nospawn", PRS_POOL_SPAWN_FAILED }, { "hello", PRS_POOL_HELLO },   { "ready", PRS_POOL_READY },
	{ "initfail", PRS_POOL_INIT_FAILED }, { "result", PRS_POOL_RESULT }, { "fail", PRS_POOL_FAIL },
	{ "recalled", PRS_POOL_RECALLED },    { "broken", PRS_POOL_BROKEN }, { "bye", PRS_POOL_BYE },
	{ "exit", PRS_POOL_EXITED },          { "tick", PRS_POOL_TICK },     { "drain", PRS_POOL_DRAIN },
	{ "abort", PRS_POOL_ABORT },          { "finish", PRS_POOL_FINISH }, { "over", PRS_POOL_OVER_LIMIT },
	{ "retire", PRS_POOL_RETIRE },        { "pause", PRS_POOL_PAUSE },   { "resume", PRS_POOL_RESUME },
};

static uint16_t code_of(const char *name)
{
	for (unsigned i = 0; prs_error_at(i); i++)
		if (!strcmp(prs_error_at(i)->name, name))
			return prs_error_at(i)->code;
	fail_msg("no such code: %s", name);
	return 0;
}

static enum prs_phase phase_of(const char *name)
{
	static const char *const names[] = { "start", "init", "idle", "load", "run", "write", "shutdown" };
	for (int i = 0; i < 7; i++)
		if (!strcmp(names[i], name))
			return (enum prs_phase)i;
	fail_msg("no such phase: %s", name);
	return 0;
}

static void set_page(char *const *word, int n)
{
	struct prs_page *p = &w.pages[atoi(word[1])];
	p->word = prs_page_word(phase_of(word[2]), EPOCH_US + time_of(word[4]));
	p->claim = (uint32_t)atoi(word[3]);
	p->results = n > 5 ? (uint64_t)atoi(word[5]) : p->results;
}

static struct prs_pool_event event_of(char *const *word, int n)
{
	struct prs_pool_event e = { .now_us = w.now_us, .avoid_slot = 0xffff, .try_number = 1, .pages = w.pages };
	unsigned i = 0;
	while (i < sizeof verbs / sizeof *verbs && strcmp(verbs[i].word, word[0]))
		i++;
	assert_true(i < sizeof verbs / sizeof *verbs);
	e.type = verbs[i].type;
	if (e.type == PRS_POOL_LEASE) {
		e.unit.id = strtoull(word[1], NULL, 10);
		e.lease = 1000 + e.unit.id;
		e.body = &w;
		e.body_bytes = 1;
		for (int k = 2; k + 1 < n; k += 2) {
			unsigned value = (unsigned)atoi(word[k + 1]);
			if (!strcmp(word[k], "body"))
				e.body_bytes = value;
			else
				*(!strcmp(word[k], "try") ? &e.try_number : &e.avoid_slot) = (uint16_t)value;
		}
		if (!e.body_bytes)
			e.body = NULL;
		return e;
	}
	e.slot = n > 1 ? (uint16_t)atoi(word[1]) : 0;
	e.claim = e.count = n > 2 ? (uint32_t)atoi(word[2]) : 0;
	e.pid = 100u + e.slot;
	e.code = PRS_EPROTOCOL;
	if (e.type == PRS_POOL_INIT_FAILED)
		e.code = PRS_EINIT_EXCEPTION;
	if (e.type == PRS_POOL_SPAWN_FAILED)
		e.code = PRS_ESPAWN;
	if (e.type == PRS_POOL_RESULT)
		e.run_us = n > 3 ? strtoull(word[3], NULL, 10) : 50000;
	if (e.type == PRS_POOL_FAIL)
		e.code = code_of(word[3]);
	if (e.type == PRS_POOL_OVER_LIMIT) {
		e.code = PRS_EMEMORY_LIMIT;
		e.pages = &w.pages[e.slot];
	}
	if (e.type == PRS_POOL_EXITED) {
		e.code = n > 3 ? code_of(word[3]) : 0;
		e.exit = !strncmp(word[2], "sig", 3) ? (uint32_t)atoi(word[2] + 3) : (uint32_t)atoi(word[2]) << 8;
		e.pages = &w.pages[e.slot];
	}
	return e;
}

/* WAKE times are told as the story counts them. */
static void put_effects(struct text *t)
{
	for (uint32_t i = 0; i < w.out.n; i++) {
		struct prs_pool_effect e = w.out.v[i];
		e.at_us = e.type == PRS_POOL_WAKE ? e.at_us - EPOCH_US : e.at_us;
		text_put(t, i ? "; " : "");
		text_pool_effect(t, &e);
	}
}

struct words {
	char copy[256];
	char *v[8];
	int n;
};

static void split(const char *line, struct words *to)
{
	char *save = NULL;
	*to = (struct words){ .n = 0 };
	snprintf(to->copy, sizeof to->copy, "%s", line);
	for (char *p = strtok_r(to->copy, " ", &save); p && to->n < 8; p = strtok_r(NULL, " ", &save))
		to->v[to->n++] = p;
	assert_true(to->n > 0);
}

static void step(char *const *word, int n)
{
	struct prs_pool_event e = event_of(word, n);
	assert_int_equal(prs_pool_step(w.pool, &e, &w.out), 0);
}

/* Do one line; the effects as text. */
static const char *perform(const char *line)
{
	struct words words;
	struct text t = { w.text, 0, sizeof w.text };
	split(line, &words);
	char **v = words.v;
	int n = words.n;
	w.out.n = 0;
	w.text[0] = 0;
	if (v[0][0] == '@') {
		w.now_us = EPOCH_US + time_of(v[0] + 1);
		v++;
		n--;
	}
	if (n && !strcmp(v[0], "page")) {
		set_page(v, n);
	} else if (n && !strcmp(v[0], "up")) {
		static const char *const steps[] = { "spawned", "hello", "ready" };
		for (int i = 0; i < 3; i++)
			step((char *[]){ (char *)(uintptr_t)steps[i], v[1] }, 2);
	} else if (n) {
		step(v, n);
		put_effects(&t);
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

static void tell_with(uint16_t slots, uint64_t gap_us, uint64_t look_us, const char *const *story)
{
	struct prs_pool_config c = defaults;
	c.slots = slots;
	c.gap_us = gap_us;
	c.look_us = look_us;
	begin(&c);
	tell(story);
}

/* Two processes; one process; one process while the machine may stand; one process whose page is read each 500 ms. */
#define STORY_OF(name, slots, gap_us, look_us, ...)                       \
	static void name(void **state)                                    \
	{                                                                 \
		(void)state;                                              \
		static const char *const story[] = { __VA_ARGS__, NULL }; \
		tell_with(slots, gap_us, look_us, story);                 \
	}
#define STORY(name, ...) STORY_OF(name, 2, UINT64_MAX, UINT64_MAX, __VA_ARGS__)
#define SOLO(name, ...) STORY_OF(name, 1, UINT64_MAX, UINT64_MAX, __VA_ARGS__)
#define SERVES_TWO(name, ...)                                             \
	static void name(void **state)                                    \
	{                                                                 \
		(void)state;                                              \
		static const char *const story[] = { __VA_ARGS__, NULL }; \
		struct prs_pool_config c = defaults;                      \
		c.slots = 1;                                              \
		c.max_units = 2;                                          \
		begin(&c);                                                \
		tell(story);                                              \
	}
#define GAP(name, ...) STORY_OF(name, 1, 2000000, UINT64_MAX, __VA_ARGS__)
#define CLOCK(name, ...) STORY_OF(name, 1, UINT64_MAX, 500000, __VA_ARGS__)

#include "pool_stories.h"

/* ---- every event in every state ---------------------------------------------------------------------------------- */

/* Slot 0 brought into each state; slot 1 stays out of the way (its process never says hello). */
static const struct {
	enum prs_worker_state state;
	const char *lines[12];
} ways[] = {
	{ PRS_WORKER_NONE, { NULL } },
	{ PRS_WORKER_STARTING, { "start", NULL } },
	{ PRS_WORKER_INIT, { "start", "spawned 0", "hello 0", NULL } },
	{ PRS_WORKER_IDLE, { "start", "up 0", NULL } },
	{ PRS_WORKER_BUSY, { "start", "up 0", "lease 7", "page 0 run 1 0s", NULL } },
	{ PRS_WORKER_STOPPING, { "start", "up 0", "finish", NULL } },
	{ PRS_WORKER_TERM, { "start", "up 0", "lease 7", "page 0 run 1 0s", "abort", NULL } },
	{ PRS_WORKER_KILL, { "start", "up 0", "lease 7", "page 0 run 1 0s", "broken 0", NULL } },
	{ PRS_WORKER_DEAD, { "start", "spawned 0", "exit 0 1", NULL } },
};

static void matrix_cell(struct text *t, unsigned way, const char *event)
{
	struct prs_pool_slot_view v;
	begin(&defaults);
	for (const char *const *line = ways[way].lines; *line; line++)
		perform(*line);
	prs_pool_view(w.pool, 0, &v);
	assert_int_equal(v.state, ways[way].state);
	char line[64];
	snprintf(line, sizeof line, "@10ms %s", event);
	const char *effects = perform(line);
	prs_pool_view(w.pool, 0, &v);
	text_put(t, "%-8s %-14s %-8s %s\n", prs_state_name(PRS_MACHINE_WORKER, (int)ways[way].state), event,
	         prs_state_name(PRS_MACHINE_WORKER, (int)v.state), effects);
	end();
}

static void test_matrix(void **state)
{
	(void)state;
	static const char *const events[] = { "start",        "lease 8",     "spawned 0",
		                              "nospawn 0",    "hello 0",     "ready 0",
		                              "initfail 0",   "result 0 1",  "fail 0 1 RUN_EXCEPTION",
		                              "recalled 0 1", "broken 0",    "bye 0",
		                              "exit 0 0",     "exit 0 sig9", "tick",
		                              "drain",        "abort",       "finish" };
	static char got[1 << 16];
	int wrong = 0;
	for (unsigned way = 0; way < sizeof ways / sizeof *ways; way++) {
		struct text t = { got, 0, sizeof got };
		for (unsigned i = 0; i < sizeof events / sizeof *events; i++) {
			/* these come only from a live process that was asked to do so */
			bool alive = ways[way].state != PRS_WORKER_NONE && ways[way].state != PRS_WORKER_DEAD;
			if (alive || !strcmp(events[i], "start") || !strncmp(events[i], "lease", 5) ||
			    !strcmp(events[i], "tick") || !strcmp(events[i], "drain") || !strcmp(events[i], "abort") ||
			    !strcmp(events[i], "finish"))
				matrix_cell(&t, way, events[i]);
		}
		if (strcmp(got, matrix[way])) {
			print_error("expected:\n%sgot:\n%s", matrix[way], got);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void replay(const char *const *lines, const char *const *upto)
{
	begin(&defaults);
	while (lines < upto)
		perform(*lines++);
	prs_freep(&w.out.v); /* so that the effects need memory again */
	w.out = (struct prs_pool_effects){ 0 };
}

/* The n-th allocation of the event fails: false when it has fewer. */
static bool fail_nth(const char *const *lines, const char *const *upto, long n)
{
	char want[4096], got[4096];
	struct prs_pool_slot_view was, now;
	struct words words;
	replay(lines, upto);
	snprintf(want, sizeof want, "%s", perform(*upto));
	end();
	replay(lines, upto);
	split(*upto, &words);
	struct prs_pool_event e = event_of(words.v, words.n);
	prs_pool_view(w.pool, 0, &was);
	prs_mem_fault(n);
	int r = prs_pool_step(w.pool, &e, &w.out);
	prs_mem_fault(0);
	if (r) {
		assert_int_equal(r, -PRS_ENOMEM);
		assert_int_equal(w.out.n, 0);
		prs_pool_view(w.pool, 0, &now);
		assert_memory_equal(&was, &now, sizeof was);
		struct text t = { got, 0, sizeof got };
		assert_int_equal(prs_pool_step(w.pool, &e, &w.out), 0);
		put_effects(&t);
		assert_string_equal(got, want);
	}
	end();
	return r != 0;
}

/* Each allocation of each event of a story fails once: the pool is as before, and the event works when it is
 * repeated. */
static void test_no_memory(void **state)
{
	(void)state;
	static const char *const lines[] = { "start",
		                             "up 0",
		                             "up 1",
		                             "lease 1",
		                             "lease 2",
		                             "page 0 run 1 0s",
		                             "result 0 1 10",
		                             "lease 3",
		                             "lease 4",
		                             "lease 5",
		                             "lease 6",
		                             "lease 7",
		                             "lease 8",
		                             "fail 0 2 RUN_EXCEPTION",
		                             "lease 9",
		                             "recalled 0 2",
		                             "exit 1 sig9",
		                             "drain",
		                             "abort",
		                             "exit 0 sig15",
		                             NULL };
	int failures = 0;
	for (const char *const *upto = lines; *upto; upto++)
		for (long n = 1; strncmp(*upto, "up", 2) && strncmp(*upto, "page", 4) && fail_nth(lines, upto, n); n++)
			failures++;
	assert_true(failures >= 3);
	for (long n = 1; n <= 3 + defaults.slots; n++) {
		prs_mem_fault(n);
		assert_null(prs_pool_new(&defaults));
		prs_mem_fault(0);
	}
}

/* When a try began and how long it took, in what the pool tells of it. */
static void check_times(const char *const *lines, uint64_t start_us, uint64_t run_us)
{
	struct prs_pool_config c = defaults;
	c.slots = 1;
	begin(&c);
	while (*lines)
		perform(*lines++);
	const struct prs_pool_effect *e = NULL;
	for (uint32_t i = 0; i < w.out.n; i++)
		e = w.out.v[i].type == PRS_POOL_TRY ? &w.out.v[i] : e;
	assert_non_null(e);
	assert_int_equal(e->start_us, EPOCH_US + start_us);
	assert_int_equal(e->run_us, run_us);
	end();
}
#define TIMES(start_us, run_us, ...) check_times((const char *const[]){ __VA_ARGS__, NULL }, start_us, run_us)

static void test_times_of_a_try(void **state)
{
	(void)state;
	TIMES(2000000, 60000000, "start", "up 0", "@1s lease 1", "page 0 run 1 2s", "@3s tick", "@62s tick");
	TIMES(3000000, 60000000, "start", "up 0", "@1s lease 1", "page 0 run 1 999999us", "@3s tick", "@63s tick");
	TIMES(3000000, 60000000, "start", "up 0", "@1s lease 1", "page 0 run 1 3000001us", "@3s tick", "@63s tick");
	TIMES(2000000, 3000000, "start", "up 0", "@1s lease 1", "page 0 run 1 2s", "@5s exit 0 sig11");
	TIMES(5000000, 0, "start", "up 0", "@1s lease 1", "page 0 run 1 9s", "@5s exit 0 sig11");
	TIMES(3000000, 2000000, "start", "up 0", "@1s lease 1", "page 0 run 1 9s", "@3s tick", "@5s exit 0 sig11");
	TIMES(5000000, 0, "start", "up 0", "@1s lease 1", "page 0 run 1 0s", "@5s over 0");
}

static void test_slack(void **state)
{
	(void)state;
	static const char *const lines[] = { "start", "up 0", "up 1", "lease 1", "result 0 1 100", NULL };
	replay(lines, lines + 5);
	assert_int_equal(prs_pool_slack_us(w.pool), 0); /* 20 deep, and nothing there */
	assert_false(prs_pool_busy(w.pool));
	char line[64];
	for (int i = 2; i <= 41; i++) {
		assert_int_equal(prs_pool_slack_us(w.pool), 0);
		snprintf(line, sizeof line, "lease %d", i);
		perform(line);
	}
	assert_true(prs_pool_busy(w.pool));
	assert_int_equal(prs_pool_slack_us(w.pool), 500); /* half of 10 x 100 us */
	for (int i = 2; i <= 10; i++) {
		snprintf(line, sizeof line, "result 0 %d 10", i);
		perform(line);
	}
	assert_int_equal(prs_pool_slack_us(w.pool), 0); /* slot 0 has 11 of 32 now */
	for (int i = 42; i <= 62; i++) {
		snprintf(line, sizeof line, "lease %d", i);
		perform(line);
	}
	assert_true(prs_pool_slack_us(w.pool) > 0);
	perform("finish");
	assert_int_equal(prs_pool_slack_us(w.pool), 0);
	end();
}

static void test_slack_is_short(void **state)
{
	(void)state;
	struct prs_pool_config c = defaults;
	c.slots = 1;
	c.depth_target_us = 1000000;
	begin(&c);
	perform("start");
	perform("up 0");
	perform("lease 1");
	perform("result 0 1 15000");
	char line[64];
	for (int i = 2; i <= 33; i++) {
		snprintf(line, sizeof line, "lease %d", i);
		perform(line);
	}
	assert_int_equal(prs_pool_slack_us(w.pool), 2000); /* 32 runs of 15 ms lie there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, teardown)
		POOL_STORIES,  T(test_matrix),         T(test_no_memory),
		T(test_slack), T(test_slack_is_short), T(test_times_of_a_try),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
