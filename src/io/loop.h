/* SPDX-License-Identifier: Apache-2.0
 * loop: the event loop: descriptors, timers, signals, wake-ups from other threads. Hides libuv from everything above
 * io/.
 *
 * One thread. Callbacks may free their own handle; the memory dies in libuv's close callback.
 * Failure: creation returns NULL and sets err; after that nothing fails.
 */
#ifndef PRS_IO_LOOP_H
#define PRS_IO_LOOP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct prs_loop;
struct prs_watch;
struct prs_timer;
struct prs_wake;
struct prs_signal;

typedef void prs_loop_fn(void *ctx);
enum { PRS_READABLE = 1, PRS_WRITABLE = 2 };
typedef void prs_watch_fn(void *ctx, int events);

struct prs_loop *prs_loop_new(struct prs_err *err);
/* Every handle must have been freed before. */
void prs_loop_free(struct prs_loop *l);
/* Runs until prs_loop_stop(). */
void prs_loop_run(struct prs_loop *l);
void prs_loop_stop(struct prs_loop *l);
/* `fn` is called once after the callbacks of each turn, before the loop waits: the place to send what was gathered. One
 * only. */
void prs_loop_each_turn(struct prs_loop *l, prs_loop_fn *fn, void *ctx);

/* Watch a descriptor (not owned). */
struct prs_watch *prs_watch_new(struct prs_loop *l, int fd, int events, prs_watch_fn *fn, void *ctx,
                                struct prs_err *err);
void prs_watch_set(struct prs_watch *w, int events); /* 0 = pause */
void prs_watch_free(struct prs_watch *w);

/* A timer at an absolute monotonic time; UINT64_MAX = off. Resolution 1 ms, never early. */
struct prs_timer *prs_timer_new(struct prs_loop *l, prs_loop_fn *fn, void *ctx, struct prs_err *err);
void prs_timer_at(struct prs_timer *t, uint64_t at_us);
void prs_timer_free(struct prs_timer *t);

/* prs_wake_send() may be called from any thread; `fn` runs in the loop, once or more often after it. */
struct prs_wake *prs_wake_new(struct prs_loop *l, prs_loop_fn *fn, void *ctx, struct prs_err *err);
void prs_wake_send(struct prs_wake *w);
void prs_wake_free(struct prs_wake *w);

/* `fn` runs in the loop when the signal arrived. */
typedef void prs_signal_fn(void *ctx, int signal);
struct prs_signal *prs_signal_new(struct prs_loop *l, int signal, prs_signal_fn *fn, void *ctx, struct prs_err *err);
void prs_signal_free(struct prs_signal *s);

/* Sleep, a little longer than that: what happens meanwhile is handled at once afterwards. For moments in which nothing
 * is urgent. */
void prs_pause_us(uint64_t us);
/* From one time to another; 0 when that is no later one: a wall clock may be set back. */
static inline uint64_t prs_since_us(uint64_t from_us, uint64_t to_us) { return to_us > from_us ? to_us - from_us : 0; }
uint64_t prs_clock_us(void); /* CLOCK_MONOTONIC */
uint64_t prs_wall_us(void);  /* since 1970 */

#endif
