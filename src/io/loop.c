/* SPDX-License-Identifier: Apache-2.0
 * loop: each handle of libuv is the first member of a struct of ours that holds the callback; the struct is freed in
 * libuv's close callback, so a callback may free its own handle.
 */
#include "io/loop.h"

#include "base/mem.h"

#include <stddef.h>
#include <time.h>
#include <uv.h>

struct prs_loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	prs_loop_fn *each_turn;
	void *each_turn_ctx;
};

struct prs_watch {
	uv_poll_t uv;
	prs_watch_fn *fn;
	void *ctx;
	int events;
};

struct prs_timer {
	uv_timer_t uv;
	prs_loop_fn *fn;
	void *ctx;
};

struct prs_wake {
	uv_async_t uv;
	prs_loop_fn *fn;
	void *ctx;
};

struct prs_signal {
	uv_signal_t uv;
	prs_signal_fn *fn;
	void *ctx;
};

static int uv_fail(struct prs_err *err, int r, const char *what) { return prs_fail_errno(err, -r, "%s", what); }

/* Every handle is the first member of its struct. */
static void loop_free_handle(uv_handle_t *h)
{
	void *p = h;
	prs_freep(&p);
}

/* ---- loop -------------------------------------------------------------------------------------------------------- */

static void loop_turn(uv_prepare_t *h)
{
	struct prs_loop *l = h->data;
	if (l->each_turn)
		l->each_turn(l->each_turn_ctx);
}

struct prs_loop *prs_loop_new(struct prs_err *err)
{
	struct prs_loop *l = prs_calloc(1, sizeof *l);
	if (!l) {
		prs_fail(err, PRS_ENOMEM, "event loop");
		return NULL;
	}
	int r = uv_loop_init(&l->uv);
	if (r < 0) {
		uv_fail(err, r, "starting the event loop");
		prs_freep(&l);
		return NULL;
	}
	uv_prepare_init(&l->uv, &l->prepare);
	l->prepare.data = l;
	uv_prepare_start(&l->prepare, loop_turn);
	return l;
}

void prs_loop_free(struct prs_loop *l)
{
	if (!l)
		return;
	uv_close((uv_handle_t *)&l->prepare, NULL);
	while (uv_run(&l->uv, UV_RUN_DEFAULT)) /* a stop that came too late ends the first run */
		;
	uv_loop_close(&l->uv);
	prs_freep(&l);
}

void prs_loop_run(struct prs_loop *l) { uv_run(&l->uv, UV_RUN_DEFAULT); }
void prs_loop_stop(struct prs_loop *l) { uv_stop(&l->uv); }

void prs_loop_each_turn(struct prs_loop *l, prs_loop_fn *fn, void *ctx)
{
	l->each_turn = fn;
	l->each_turn_ctx = ctx;
}

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

static void watch_ready(uv_poll_t *h, int status, int events)
{
	struct prs_watch *w = h->data;
	int got = (events & UV_READABLE ? PRS_READABLE : 0) | (events & UV_WRITABLE ? PRS_WRITABLE : 0);
	w->fn(w->ctx, status < 0 ? w->events : got);
}

struct prs_watch *prs_watch_new(struct prs_loop *l, int fd, int events, prs_watch_fn *fn, void *ctx,
                                struct prs_err *err)
{
	struct prs_watch *w = prs_calloc(1, sizeof *w);
	if (!w) {
		prs_fail(err, PRS_ENOMEM, "watching a descriptor");
		return NULL;
	}
	int r = uv_poll_init(&l->uv, &w->uv, fd);
	if (r < 0) {
		uv_fail(err, r, "watching a descriptor");
		prs_freep(&w);
		return NULL;
	}
	w->uv.data = w;
	w->fn = fn;
	w->ctx = ctx;
	prs_watch_set(w, events);
	return w;
}

void prs_watch_set(struct prs_watch *w, int events)
{
	if (events == w->events)
		return;
	w->events = events;
	if (!events)
		uv_poll_stop(&w->uv);
	else
		uv_poll_start(&w->uv,
		              (events & PRS_READABLE ? UV_READABLE : 0) | (events & PRS_WRITABLE ? UV_WRITABLE : 0),
		              watch_ready);
}

void prs_watch_free(struct prs_watch *w)
{
	if (!w)
		return;
	uv_poll_stop(&w->uv);
	uv_close((uv_handle_t *)&w->uv, loop_free_handle);
}

/* ---- timers ------------------------------------------------------------------------------------------------------ */

static void timer_due(uv_timer_t *h)
{
	struct prs_timer *t = h->data;
	t->fn(t->ctx);
}

struct prs_timer *prs_timer_new(struct prs_loop *l, prs_loop_fn *fn, void *ctx, struct prs_err *err)
{
	struct prs_timer *t = prs_calloc(1, sizeof *t);
	if (!t) {
		prs_fail(err, PRS_ENOMEM, "timer");
		return NULL;
	}
	uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	t->fn = fn;
	t->ctx = ctx;
	return t;
}

void prs_timer_at(struct prs_timer *t, uint64_t at_us)
{
	if (at_us == UINT64_MAX) {
		uv_timer_stop(&t->uv);
		return;
	}
	uv_update_time(t->uv.loop); /* libuv counts from its cached time, in whole milliseconds of the same clock */
	uint64_t now_ms = uv_now(t->uv.loop), due_ms = at_us / 1000 + (at_us % 1000 != 0);
	uv_timer_start(&t->uv, timer_due, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

void prs_timer_free(struct prs_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, loop_free_handle);
}

/* ---- wake-ups and signals ---------------------------------------------------------------------------------------- */

static void wake_sent(uv_async_t *h)
{
	struct prs_wake *w = h->data;
	w->fn(w->ctx);
}

struct prs_wake *prs_wake_new(struct prs_loop *l, prs_loop_fn *fn, void *ctx, struct prs_err *err)
{
	struct prs_wake *w = prs_calloc(1, sizeof *w);
	if (!w) {
		prs_fail(err, PRS_ENOMEM, "wake-up");
		return NULL;
	}
	int r = uv_async_init(&l->uv, &w->uv, wake_sent);
	if (r < 0) {
		uv_fail(err, r, "wake-up");
		prs_freep(&w);
		return NULL;
	}
	w->uv.data = w;
	w->fn = fn;
	w->ctx = ctx;
	return w;
}

void prs_wake_send(struct prs_wake *w) { uv_async_send(&w->uv); }

void prs_wake_free(struct prs_wake *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, loop_free_handle);
}

static void signal_came(uv_signal_t *h, int signum)
{
	struct prs_signal *s = h->data;
	s->fn(s->ctx, signum);
}

struct prs_signal *prs_signal_new(struct prs_loop *l, int signum, prs_signal_fn *fn, void *ctx, struct prs_err *err)
{
	struct prs_signal *s = prs_calloc(1, sizeof *s);
	if (!s) {
		prs_fail(err, PRS_ENOMEM, "signal");
		return NULL;
	}
	uv_signal_init(&l->uv, &s->uv);
	s->uv.data = s;
	s->fn = fn;
	s->ctx = ctx;
	int r = uv_signal_start(&s->uv, signal_came, signum);
	if (r < 0) {
		uv_fail(err, r, "waiting for signals");
		prs_signal_free(s);
		return NULL;
	}
	return s;
}

void prs_signal_free(struct prs_signal *s)
{
	if (s)
		uv_close((uv_handle_t *)&s->uv, loop_free_handle);
}

/* ---- clocks ------------------------------------------------------------------------------------------------------ */

static uint64_t clock_us(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void prs_pause_us(uint64_t us)
{
	struct timespec t = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };
	nanosleep(&t, NULL);
}

uint64_t prs_clock_us(void) { return clock_us(CLOCK_MONOTONIC); }
uint64_t prs_wall_us(void) { return clock_us(CLOCK_REALTIME); }
