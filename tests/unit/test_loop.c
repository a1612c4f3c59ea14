/* SPDX-License-Identifier: Apache-2.0
 * test_loop: timers, descriptors, wake-ups from threads, signals, the end of a turn; handles that free themselves; no
 * memory.
 */
#include "base/mem.h"
#include "io/loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	struct prs_loop *loop;
	struct prs_timer *timers[3];
	struct prs_watch *watch;
	struct prs_wake *wake;
	struct prs_signal *signal;
	int pipe[2];
	char order[64];
	uint64_t due_us;
	unsigned count, turns;
};

static int setup(void **state)
{
	static struct world w;
	w = (struct world){ .pipe = { -1, -1 } };
	*state = &w;
	w.loop = prs_loop_new(NULL);
	return w.loop && pipe2(w.pipe, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 3; i++)
		prs_timer_free(w->timers[i]);
	prs_watch_free(w->watch);
	prs_wake_free(w->wake);
	prs_signal_free(w->signal);
	prs_loop_free(w->loop);
	close(w->pipe[0]);
	close(w->pipe[1]);
	return 0;
}

static void note(struct world *w, char c)
{
	size_t n = strlen(w->order);
	if (n + 1 < sizeof w->order)
		w->order[n] = c;
}

static void on_first(void *ctx) { note(ctx, '1'); }

static void on_second(void *ctx)
{
	struct world *w = ctx;
	assert_true(prs_clock_us() >= w->due_us); /* never early */
	note(w, '2');
	prs_timer_free(w->timers[1]); /* its own */
	w->timers[1] = NULL;
}

static void on_last(void *ctx)
{
	struct world *w = ctx;
	note(w, '3');
	prs_loop_stop(w->loop);
}

static void test_timers_fire_in_order_and_never_early(void **state)
{
	struct world *w = *state;
	prs_loop_fn *const fns[] = { on_first, on_second, on_last };
	uint64_t now = prs_clock_us();
	for (int i = 0; i < 3; i++)
		assert_non_null(w->timers[i] = prs_timer_new(w->loop, fns[i], w, NULL));
	prs_timer_at(w->timers[2], now + 30000);
	prs_timer_at(w->timers[1], w->due_us = now + 20500);
	prs_timer_at(w->timers[0], 0); /* long ago: at once */
	prs_loop_run(w->loop);
	assert_string_equal(w->order, "123");
}

static void on_again(void *ctx)
{
	struct world *w = ctx;
	assert_true(prs_clock_us() >= w->due_us);
	w->turns++;
	uint64_t until = (prs_clock_us() / 1000 + 1) * 1000 + 25 * w->turns; /* anywhere within a millisecond */
	while (prs_clock_us() < until)
		;
	if (w->turns == 39)
		prs_loop_stop(w->loop);
	else
		prs_timer_at(w->timers[0], w->due_us = prs_clock_us() + 3000);
}

static void leave_it(void *ctx, int events)
{
	(void)ctx;
	assert_int_equal(events, PRS_READABLE);
}

static void test_a_loop_without_rest_is_never_early(void **state)
{
	struct world *w = *state;
	assert_non_null(w->watch = prs_watch_new(w->loop, w->pipe[0], PRS_READABLE, leave_it, w, NULL));
	assert_int_equal(write(w->pipe[1], "a", 1), 1); /* stays: each turn ends at once */
	assert_non_null(w->timers[0] = prs_timer_new(w->loop, on_again, w, NULL));
	prs_timer_at(w->timers[0], 0);
	prs_loop_run(w->loop);
	assert_int_equal(w->turns, 39);
}

static void test_a_timer_is_moved_and_turned_off(void **state)
{
	struct world *w = *state;
	assert_non_null(w->timers[0] = prs_timer_new(w->loop, on_first, w, NULL));
	assert_non_null(w->timers[2] = prs_timer_new(w->loop, on_last, w, NULL));
	prs_timer_at(w->timers[0], prs_clock_us());
	prs_timer_at(w->timers[0], UINT64_MAX);
	prs_timer_at(w->timers[2], prs_clock_us() + 3600000000u);
	prs_timer_at(w->timers[2], prs_clock_us() + 1000);
	prs_loop_run(w->loop);
	assert_string_equal(w->order, "3");
}

static void on_readable(void *ctx, int events)
{
	struct world *w = ctx;
	char c;
	assert_int_equal(events, PRS_READABLE);
	assert_int_equal(read(w->pipe[0], &c, 1), 1);
	note(w, c);
	if (c == 'p') {
		prs_watch_set(w->watch, 0);
		if (w->timers[0]) /* only now: on a busy machine 20 ms may pass before the first byte is read */
			prs_timer_at(w->timers[0], prs_clock_us() + 20000);
	}
	if (c != 'e')
		return;
	prs_watch_free(w->watch); /* its own */
	w->watch = NULL;
	prs_loop_stop(w->loop);
}

/* A callback that took long: a timer that it sets counts from now, not from when the turn began. */
static void on_long(void *ctx)
{
	struct world *w = ctx;
	for (uint64_t end = prs_clock_us() + 60000; prs_clock_us() < end;)
		;
	prs_timer_at(w->timers[1], w->due_us = prs_clock_us() + 20000);
	prs_timer_at(w->timers[2], w->due_us + 1000);
}

static void test_a_timer_set_late_in_a_turn(void **state)
{
	struct world *w = *state;
	prs_loop_fn *const fns[] = { on_long, on_second, on_last };
	for (int i = 0; i < 3; i++)
		assert_non_null(w->timers[i] = prs_timer_new(w->loop, fns[i], w, NULL));
	prs_timer_at(w->timers[0], 0);
	assert_non_null(w->watch = prs_watch_new(w->loop, w->pipe[0], PRS_READABLE, on_readable, w,
	                                         NULL)); /* the next turn comes at once */
	assert_int_equal(write(w->pipe[1], "a", 1), 1);
	prs_loop_run(w->loop);
	assert_string_equal(w->order, "a23");
}

static void on_unpause(void *ctx)
{
	struct world *w = ctx;
	note(w, '|');
	prs_watch_set(w->watch, PRS_READABLE);
}

static void test_a_watch_is_paused_and_goes_on(void **state)
{
	struct world *w = *state;
	assert_non_null(w->watch = prs_watch_new(w->loop, w->pipe[0], PRS_READABLE, on_readable, w, NULL));
	assert_non_null(w->timers[0] = prs_timer_new(w->loop, on_unpause, w, NULL));
	assert_int_equal(write(w->pipe[1], "apbe", 4), 4);
	prs_loop_run(w->loop);
	assert_string_equal(w->order, "ap|be");
}

static void on_hangup(void *ctx, int events)
{
	struct world *w = ctx;
	char c;
	assert_true(events & PRS_READABLE); /* the end of the stream is read, not hidden */
	assert_int_equal(read(w->pipe[0], &c, 1), 0);
	prs_loop_stop(w->loop);
}

static void test_the_end_of_a_pipe_wakes_its_watch(void **state)
{
	struct world *w = *state;
	assert_non_null(w->watch = prs_watch_new(w->loop, w->pipe[0], PRS_READABLE, on_hangup, w, NULL));
	close(w->pipe[1]);
	prs_loop_run(w->loop);
	w->pipe[1] = dup(w->pipe[0]);
}

enum { THREADS = 4, SENDS = 1000 };

static void on_wake(void *ctx)
{
	struct world *w = ctx;
	if (__atomic_load_n(&w->count, __ATOMIC_ACQUIRE) == THREADS * SENDS)
		prs_loop_stop(w->loop);
}

static void *send_wakes(void *arg)
{
	struct world *w = arg;
	for (int i = 0; i < SENDS; i++) {
		__atomic_add_fetch(&w->count, 1, __ATOMIC_RELEASE);
		prs_wake_send(w->wake);
	}
	return NULL;
}

static void test_the_last_wake_of_many_threads_is_never_lost(void **state)
{
	struct world *w = *state;
	pthread_t threads[THREADS];
	assert_non_null(w->wake = prs_wake_new(w->loop, on_wake, w, NULL));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_wakes, w), 0);
	prs_loop_run(w->loop);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(w->count, THREADS * SENDS);
}

static void on_signal(void *ctx, int signum)
{
	struct world *w = ctx;
	assert_int_equal(signum, SIGUSR1);
	if (++w->count == 2)
		prs_loop_stop(w->loop);
	else
		raise(SIGUSR1);
}

static void test_signals_come_in_the_loop(void **state)
{
	struct world *w = *state;
	assert_non_null(w->signal = prs_signal_new(w->loop, SIGUSR1, on_signal, w, NULL));
	raise(SIGUSR1);
	assert_int_equal(w->count, 0); /* not in the handler */
	prs_loop_run(w->loop);
	assert_int_equal(w->count, 2);
}

static void on_turn(void *ctx)
{
	struct world *w = ctx;
	w->turns++;
	note(w, 't');
	if (strstr(w->order, "1t"))
		prs_loop_stop(w->loop);
}

static void test_each_turn_ends_with_the_hook(void **state)
{
	struct world *w = *state;
	prs_loop_each_turn(w->loop, on_turn, w);
	assert_non_null(w->timers[0] = prs_timer_new(w->loop, on_first, w, NULL));
	assert_non_null(w->timers[2] = prs_timer_new(w->loop, on_last, w, NULL));
	prs_timer_at(w->timers[0], prs_clock_us() + 1000);
	prs_timer_at(w->timers[2], prs_clock_us() + 10000000); /* the end, should the hook not come */
	prs_loop_run(w->loop);
	assert_non_null(strstr(w->order, "1t")); /* what "1" gathered is sent before the loop waits again */
	assert_true(w->turns >= 2);
	prs_loop_each_turn(w->loop, NULL, NULL);
}

/* A stop before the run ends that run at once and no other. */
static void test_a_stop_before_the_run(void **state)
{
	struct world *w = *state;
	assert_non_null(w->timers[2] = prs_timer_new(w->loop, on_last, w, NULL));
	prs_timer_at(w->timers[2], prs_clock_us());
	prs_loop_stop(w->loop);
	prs_loop_run(w->loop);
	assert_string_equal(w->order, "");
	while (!w->order[0])
		prs_loop_run(w->loop);
	assert_string_equal(w->order, "3");
}

static void test_a_closed_descriptor_is_refused(void **state)
{
	struct world *w = *state;
	struct prs_err err = { 0 };
	assert_null(prs_watch_new(w->loop, 9999, PRS_READABLE, on_readable, w, &err));
	assert_true(err.code < 0 && err.msg[0]);
}

#ifdef PRS_KILL_POINTS
static void *make_one(struct world *w, int what, struct prs_err *err)
{
	switch (what) {
	case 0: return prs_loop_new(err);
	case 1: return prs_timer_new(w->loop, on_first, w, err);
	case 2: return prs_watch_new(w->loop, w->pipe[0], PRS_READABLE, on_readable, w, err);
	case 3: return prs_wake_new(w->loop, on_wake, w, err);
	default: return prs_signal_new(w->loop, SIGUSR1, on_signal, w, err);
	}
}

static void test_no_memory(void **state)
{
	struct world *w = *state;
	for (int what = 0; what < 5; what++) {
		struct prs_err err = { 0 };
		prs_mem_fault(1);
		void *p = make_one(w, what, &err);
		prs_mem_fault(0);
		assert_null(p);
		assert_int_equal(err.code, -PRS_ENOMEM);
	}
}
#endif

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_timers_fire_in_order_and_never_early),
		T(test_a_timer_set_late_in_a_turn),
		T(test_a_loop_without_rest_is_never_early),
		T(test_a_timer_is_moved_and_turned_off),
		T(test_a_watch_is_paused_and_goes_on),
		T(test_the_end_of_a_pipe_wakes_its_watch),
		T(test_the_last_wake_of_many_threads_is_never_lost),
		T(test_signals_come_in_the_loop),
		T(test_each_turn_ends_with_the_hook),
		T(test_a_stop_before_the_run),
		T(test_a_closed_descriptor_is_refused),
#ifdef PRS_KILL_POINTS
		T(test_no_memory),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
