/* SPDX-License-Identifier: Apache-2.0
 * pace: marks of when work came back; the rate between two of them; the time that is left, by that rate.
 */
#include "report/pace.h"

#define BURST_US UINT64_C(250000)    /* what comes back so close together is one mark */
#define WINDOW_US UINT64_C(30000000) /* the rate is of this time at least ... */
#define LEFT_MAX_US (1000 * 3600e6)  /* above it is no estimate */
#define LEFT_MIN_US 1000             /* below it the rest should be back */
enum { WINDOW_ROUNDS = 8 };          /* ... and of so many mini-batches a process */

void prs_pace_begin(struct prs_pace *p, uint64_t now_us, uint64_t items_final)
{
	*p = (struct prs_pace){ .last_us = now_us, .marks_n = 1 };
	p->marks[0] = (struct prs_pace_mark){ now_us, now_us, items_final };
	p->seen = (struct prs_pace_seen){ .now_us = now_us, .items_final = items_final };
}

/* ---- what was seen ----------------------------------------------------------------------------------------------- */

static uint64_t left(const struct prs_pace *p)
{
	return p->seen.items > p->seen.items_final ? p->seen.items - p->seen.items_final : 0;
}

/* Items that are at work when there is enough of them. */
static double at_once(const struct prs_pace *p)
{
	const struct prs_pace_seen *s = &p->seen;
	uint64_t n = s->processes < s->mini_batches ? s->processes : s->mini_batches;
	return n ? (double)n * (double)s->items / (double)s->mini_batches : 0;
}

/* Every second mark goes: the older, the rarer. */
static void thin(struct prs_pace *p)
{
	size_t n = 0;
	for (size_t i = 0; i < p->marks_n; i += 2)
		p->marks[n++] = p->marks[i];
	p->marks_n = n;
}

static void mark(struct prs_pace *p, uint64_t now_us, uint64_t items)
{
	struct prs_pace_mark *last = &p->marks[p->marks_n - 1];
	p->last_us = now_us;
	if (p->marks_n > 1 && now_us - last->began_us < BURST_US) {
		last->us = now_us;
		last->items = items;
		return;
	}
	if (p->marks_n == PRS_PACE_MARKS)
		thin(p);
	p->marks[p->marks_n++] = (struct prs_pace_mark){ now_us, now_us, items };
}

void prs_pace_see(struct prs_pace *p, const struct prs_pace_seen *seen)
{
	struct prs_pace_seen before = p->seen, now = *seen;
	if (now.now_us < before.now_us) /* a clock that was set back */
		now.now_us = before.now_us;
	if (now.items_final < before.items_final) /* what failed is to run again */
		prs_pace_begin(p, now.now_us, now.items_final);
	bool more = now.items_final > p->seen.items_final;
	if ((now.works || more) && !p->works) {
		uint64_t us = more ? before.now_us : now.now_us;
		p->works = true;
		p->marks[0].us = p->marks[0].began_us = p->last_us = us;
	}
	p->seen = now;
	if (more)
		mark(p, now.now_us, now.items_final);
	if ((double)left(p) > at_once(p))
		p->tail_us = 0;
	else if (!p->tail_us && p->works)
		p->tail_us = p->last_us;
}

/* ---- the estimate ------------------------------------------------------------------------------------------------ */

/* Where the time begins that the rate is of. */
static const struct prs_pace_mark *window(const struct prs_pace *p)
{
	double enough = WINDOW_ROUNDS * at_once(p);
	for (size_t i = p->marks_n; i-- > 0;) {
		const struct prs_pace_mark *m = &p->marks[i];
		if ((double)(p->seen.items_final - m->items) >= enough && p->last_us - m->us >= WINDOW_US)
			return m;
	}
	return &p->marks[0];
}

/* Items/µs; 0 = nothing came back. */
static double rate(const struct prs_pace *p, uint64_t now_us)
{
	const struct prs_pace_mark *from = window(p);
	double n = (double)(p->seen.items_final - from->items), all = at_once(p), rest = (double)left(p);
	double first_round = n < all ? all : n, came_us = (double)(p->last_us - from->us);
	if (n <= 0)
		return 0;
	double measured = first_round / (came_us < 1 ? 1 : came_us);
	/* had all that is at work come back just now */
	double most = (n + (rest < all ? rest : all)) / (double)(now_us - from->us + 1);
	return most < measured ? most : measured;
}

/* µs until the end; below 0: it should have come. */
static double time_left(const struct prs_pace *p, uint64_t now_us, double rate)
{
	double one_us = at_once(p) / rate; /* how long a mini-batch takes */
	if (p->tail_us)
		return (double)p->tail_us + one_us - (double)now_us;
	double silent_us = (double)(now_us - p->last_us);
	return (double)left(p) / rate - (silent_us < one_us ? silent_us : one_us);
}

struct prs_estimate prs_pace_estimate(const struct prs_pace *p, uint64_t now_us)
{
	struct prs_estimate e = { .rate = 0 };
	if (now_us < p->last_us)
		now_us = p->last_us;
	double r = rate(p, now_us);
	if (r <= 0)
		return e;
	e.rate = r * 1e6;
	double us = left(p) ? time_left(p, now_us, r) : 0;
	e.left_known = us >= LEFT_MIN_US && us < LEFT_MAX_US;
	e.left_us = e.left_known ? (uint64_t)us : 0;
	return e;
}
