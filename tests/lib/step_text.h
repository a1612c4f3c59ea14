/* SPDX-License-Identifier: Apache-2.0
 * step_text: effects of pool and scheduler as short texts, for tests that compare transcripts.
 */
#ifndef PRS_TESTS_STEP_TEXT_H
#define PRS_TESTS_STEP_TEXT_H

#include "base/err.h"
#include "base/mem.h"
#include "pool/pool.h"
#include "sched/sched.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A growing text that drops what does not fit. */
struct text {
	char *v;
	size_t n, cap;
};

__attribute__((format(printf, 2, 3))) static inline void text_put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(t->v + t->n, t->cap - t->n, fmt, ap);
	va_end(ap);
	t->n = t->n + (size_t)n < t->cap ? t->n + (size_t)n : t->cap - 1;
}

/* "300s", "20ms", "7us" */
static inline void text_time(struct text *t, uint64_t us)
{
	if (us == UINT64_MAX)
		text_put(t, "never");
	else if (us % 1000000 == 0)
		text_put(t, "%llus", (unsigned long long)(us / 1000000));
	else if (us % 1000 == 0)
		text_put(t, "%llums", (unsigned long long)(us / 1000));
	else
		text_put(t, "%lluus", (unsigned long long)us);
}

/* "u5", a part "u5[2+3]" */
static inline void text_unit(struct text *t, const struct prs_unit *u)
{
	text_put(t, "u%llu", (unsigned long long)u->id);
	if (u->item_count)
		text_put(t, "[%u+%u]", u->item_first, u->item_count);
}

static inline const char *text_code(uint16_t code) { return prs_error_row(code)->name; }

static inline void text_pool_effect(struct text *t, const struct prs_pool_effect *e)
{
	static const char *const procs[] = { "started", "ready", "init failed", "exited", "killed" };
	switch (e->type) {
	case PRS_POOL_SPAWN: text_put(t, "spawn %u#%u", e->slot, e->incarnation); break;
	case PRS_POOL_SEND:
		text_put(t, "send %u/%u ", e->slot, e->claim);
		text_unit(t, &e->unit);
		if (e->try_number > 1)
			text_put(t, " try %u", e->try_number);
		break;
	case PRS_POOL_RECALL: text_put(t, "recall %u x%u", e->slot, e->count); break;
	case PRS_POOL_DROP: text_put(t, "drop %u/%u x%u", e->slot, e->claim, e->count); break;
	case PRS_POOL_STOP: text_put(t, "stop %u", e->slot); break;
	case PRS_POOL_SIGNAL:
		if (e->count == SIGTERM || e->count == SIGKILL)
			text_put(t, "%s %u", e->count == SIGTERM ? "term" : "kill", e->slot);
		else
			text_put(t, "signal? %u", e->slot);
		break;
	case PRS_POOL_ACCEPT:
	case PRS_POOL_DROPPED:
		text_put(t, "%s %u/%u ", e->type == PRS_POOL_ACCEPT ? "accept" : "dropped", e->slot, e->claim);
		text_unit(t, &e->unit);
		break;
	case PRS_POOL_TRY:
		text_put(t, "try %u/%u ", e->slot, e->claim);
		text_unit(t, &e->unit);
		text_put(t, " %s", text_code(e->code));
		break;
	case PRS_POOL_RETURN:
		text_put(t, "return ");
		text_unit(t, &e->unit);
		break;
	case PRS_POOL_PROC:
		text_put(t, "proc %u %s%s%s", e->slot, procs[e->proc_event], e->code ? " " : "",
		         e->code ? text_code(e->code) : "");
		break;
	case PRS_POOL_ASK: text_put(t, "ask %u", e->count); break;
	case PRS_POOL_WAKE:
		text_put(t, "wake ");
		text_time(t, e->at_us);
		break;
	case PRS_POOL_GIVEN_UP: text_put(t, "given up %u %s x%u", e->slot, text_code(e->code), e->count); break;
	case PRS_POOL_UNFIT: text_put(t, "unfit %u %s x%u", e->slot, text_code(e->code), e->count); break;
	case PRS_POOL_DOWN: text_put(t, "down"); break;
	}
}

static inline void text_given_up(struct text *t, const struct prs_sched_effect *e, const char *how)
{
	text_put(t, "%s ", how);
	text_unit(t, &e->unit);
	text_put(t, " %s %u items", text_code(e->code), e->items);
}

static inline void text_sched_effect(struct text *t, const struct prs_sched_effect *e)
{
	switch (e->type) {
	case PRS_SCHED_LEASE:
		text_put(t, "lease ");
		text_unit(t, &e->unit);
		text_put(t, " to n%u", e->node);
		if (e->try_number > 1)
			text_put(t, " try %u", e->try_number);
		if (e->avoid_slot != PRS_NO_SLOT)
			text_put(t, " not %u", e->avoid_slot);
		text_put(t, e->alone ? " alone" : "");
		break;
	case PRS_SCHED_FAIL: text_given_up(t, e, "fail"); break;
	case PRS_SCHED_DIVIDE:
		text_given_up(t, e, e->parts.bad_item ? "free" : "halve");
		if (e->parts.bad_item)
			text_put(t, " of %u", e->parts.bad_item);
		break;
	case PRS_SCHED_ABORT: text_put(t, "abort %s: %s", text_code(e->code), e->text); break;
	case PRS_SCHED_ALL_FINAL: text_put(t, "all final"); break;
	}
}

#endif
