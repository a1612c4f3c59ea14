/* SPDX-License-Identifier: Apache-2.0
 * test_sync: the thread works jobs off in order and tells the loop in order; jobs that make jobs; draining; a log
 * committed by the thread while the loop fills the next frame and reads how far it is durable. Also run under
 * ThreadSanitizer (./dev tsan).
 */
#include "base/mem.h"
#include "io/fs_posix.h"
#include "io/sync.h"
#include "store/log.h"
#include "wire/facts.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { JOBS = 500 };

struct world {
	struct prs_loop *loop;
	struct prs_sync *sync;
	pthread_t loop_thread;
	unsigned worked, told, goal;
};

struct job {
	struct prs_sync_job job;
	struct world *w;
	unsigned number, repeat;
};

static int setup(void **state)
{
	static struct world w;
	w = (struct world){ .loop_thread = pthread_self() };
	*state = &w;
	w.loop = prs_loop_new(NULL);
	w.sync = w.loop ? prs_sync_new(w.loop, NULL) : NULL;
	return w.sync ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;
	prs_sync_free(w->sync);
	prs_loop_free(w->loop);
	return 0;
}

static void work(struct prs_sync_job *job)
{
	struct job *j = (struct job *)job;
	assert_false(pthread_equal(pthread_self(), j->w->loop_thread));
	assert_int_equal(j->w->worked++, j->number);
}

static void done(struct prs_sync_job *job)
{
	struct job *j = (struct job *)job;
	assert_true(pthread_equal(pthread_self(), j->w->loop_thread));
	assert_int_equal(j->w->told++, j->number);
	if (j->repeat) { /* the same job again, from inside its done */
		j->repeat--;
		j->number = JOBS;
		prs_sync_put(j->w->sync, job);
	}
	if (j->w->told == j->w->goal)
		prs_loop_stop(j->w->loop);
}

static void put_all(struct world *w, struct job *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		jobs[i] = (struct job){ .job = { .work = work, .done = done }, .w = w, .number = i };
		prs_sync_put(w->sync, &jobs[i].job);
	}
}

static void test_in_order(void **state)
{
	struct world *w = *state;
	static struct job jobs[JOBS];
	w->goal = JOBS;
	put_all(w, jobs, JOBS);
	prs_loop_run(w->loop);
	assert_int_equal(w->worked, JOBS);
	assert_int_equal(w->told, JOBS);
}

static void test_drain_without_the_loop_follows_jobs_that_make_jobs(void **state)
{
	struct world *w = *state;
	static struct job jobs[JOBS];
	put_all(w, jobs, JOBS - 1);
	jobs[JOBS - 1] = (struct job){ .job = { .work = work, .done = done }, .w = w, .number = JOBS - 1, .repeat = 1 };
	prs_sync_put(w->sync, &jobs[JOBS - 1].job);
	prs_sync_drain(w->sync);
	assert_int_equal(w->worked, JOBS + 1);
	assert_int_equal(w->told, JOBS + 1);
	prs_sync_drain(w->sync); /* nothing to do */
}

static void test_free_drains(void **state)
{
	struct world *w = *state;
	static struct job jobs[JOBS];
	put_all(w, jobs, JOBS);
	prs_sync_free(w->sync);
	w->sync = NULL;
	assert_int_equal(w->told, JOBS);
}

/* ---- as the engine uses it: one frame is synced while the next is filled ----------------------------------------- */

enum { FRAMES = 200 };

struct group {
	struct prs_sync_job job;
	struct writer *writer;
	struct prs_buf frame;
	uint64_t offset;
	struct prs_err err;
};

struct writer {
	struct world *w;
	struct prs_log log;
	struct group groups[2];
	unsigned filling, frames;
	uint64_t seen;
};

static void write_group(struct prs_sync_job *job)
{
	struct group *g = (struct group *)job;
	prs_log_commit(&g->writer->log, &g->frame, g->offset, &g->err);
}

static void next_group(struct writer *v);

static void group_done(struct prs_sync_job *job)
{
	struct group *g = (struct group *)job;
	struct writer *v = g->writer;
	uint64_t durable = __atomic_load_n(&v->log.durable, __ATOMIC_ACQUIRE);
	assert_int_equal(g->err.code, 0);
	assert_true(durable > v->seen && durable >= g->offset + g->frame.len);
	v->seen = durable;
	if (v->frames < FRAMES)
		next_group(v);
	else
		prs_loop_stop(v->w->loop);
}

static void next_group(struct writer *v)
{
	struct group *g = &v->groups[v->filling ^= 1];
	g->writer = v;
	g->job = (struct prs_sync_job){ .work = write_group, .done = group_done };
	prs_log_begin(&g->frame);
	for (unsigned i = 0; i < 1 + v->frames % 7; i++) {
		struct prs_fact f = { .type = PRS_FACT_FAILED, .time_us = v->frames };
		f.u.failed.unit.id = v->frames;
		prs_fact_put(&g->frame, &f);
	}
	g->offset = prs_log_place(&v->log, &g->frame);
	v->frames++;
	prs_sync_put(v->w->sync, &g->job);
}

static void on_watch(void *ctx) /* the report tails the journal meanwhile */
{
	struct writer *v = ctx;
	assert_true(__atomic_load_n(&v->log.durable, __ATOMIC_ACQUIRE) >= v->seen);
	assert_false(__atomic_load_n(&v->log.full, __ATOMIC_ACQUIRE));
}

static void test_a_log_that_is_filled_and_synced_at_once(void **state)
{
	static struct writer v;
	const struct prs_run_id run = { "sync-test" };
	char dir[] = "/tmp/prs-sync-XXXXXX", path[64];
	uint64_t length = 0;
	v = (struct writer){ .w = *state };
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/journal-1", dir);
	assert_int_equal(prs_log_create(&v.log, &prs_fs_posix, path, PRS_FILE_JOURNAL, &run, 1 << 16, NULL), 0);
	for (int i = 0; i < 2; i++)
		prs_buf_init(&v.groups[i].frame, PRS_FRAME_MAX_BYTES);
	prs_loop_each_turn(v.w->loop, on_watch, &v);
	next_group(&v);
	prs_loop_run(v.w->loop);
	prs_loop_each_turn(v.w->loop, NULL, NULL);
	assert_int_equal(prs_log_scan(&prs_fs_posix, path, PRS_FILE_JOURNAL, &run, v.seen, NULL, NULL, &length, NULL),
	                 0);
	assert_int_equal(length, v.log.tail);
	prs_log_close(&v.log);
	for (int i = 0; i < 2; i++)
		prs_buf_done(&v.groups[i].frame);
	unlink(path);
	rmdir(dir);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_in_order),
		T(test_drain_without_the_loop_follows_jobs_that_make_jobs),
		T(test_free_drains),
		T(test_a_log_that_is_filled_and_synced_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
