/* SPDX-License-Identifier: Apache-2.0
 * sync: two queues behind one lock: what is to be done, taken by the thread, and what is done, taken by the loop when
 * it is woken.
 */
#include "io/sync.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>
#include <signal.h>
#include <stdbool.h>

struct queue {
	struct prs_sync_job *head, **tail;
};

struct prs_sync {
	pthread_t thread;
	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t more, idle;
	struct queue todo, done;
	bool working, ending, left;
	struct prs_wake *wake;
};

static void queue_put(struct queue *q, struct prs_sync_job *job)
{
	job->next = NULL;
	*q->tail = job;
	q->tail = &job->next;
}

static struct prs_sync_job *queue_all(struct queue *q)
{
	struct prs_sync_job *all = q->head;
	q->head = NULL;
	q->tail = &q->head;
	return all;
}

static void *sync_thread(void *arg)
{
	struct prs_sync *s = arg;
	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (!s->todo.head && !s->ending)
			pthread_cond_wait(&s->more, &s->lock);
		struct prs_sync_job *job = s->todo.head;
		if (!job)
			break;
		s->todo.head = job->next;
		if (!job->next)
			s->todo.tail = &s->todo.head;
		s->working = true;
		pthread_mutex_unlock(&s->lock);
		job->work(job);
		pthread_mutex_lock(&s->lock);
		s->working = false;
		if (s->left)
			break;
		queue_put(&s->done, job);
		if (!s->todo.head)
			pthread_cond_signal(&s->idle);
		prs_wake_send(s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void sync_call_done(void *ctx)
{
	struct prs_sync *s = ctx;
	pthread_mutex_lock(&s->lock);
	struct prs_sync_job *all = queue_all(&s->done);
	pthread_mutex_unlock(&s->lock);
	while (all) {
		struct prs_sync_job *job = all;
		all = job->next;
		job->done(job);
	}
}

/* Signals are for the loop's thread. */
static int start_thread(struct prs_sync *s)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int r = pthread_create(&s->thread, NULL, sync_thread, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

struct prs_sync *prs_sync_new(struct prs_loop *l, struct prs_err *err)
{
	struct prs_sync *s = prs_calloc(1, sizeof *s);
	if (!s) {
		prs_fail(err, PRS_ENOMEM, "sync thread");
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	pthread_cond_init(&s->idle, NULL);
	s->todo.tail = &s->todo.head;
	s->done.tail = &s->done.head;
	s->wake = prs_wake_new(l, sync_call_done, s, err);
	int r = s->wake ? start_thread(s) : -1;
	if (r) {
		if (s->wake)
			prs_fail(err, PRS_ESPAWN, "starting the sync thread: %s (ulimit -u?)", strerror(r));
		prs_wake_free(s->wake);
		prs_freep(&s);
	}
	return s;
}

void prs_sync_put(struct prs_sync *s, struct prs_sync_job *job)
{
	pthread_mutex_lock(&s->lock);
	queue_put(&s->todo, job);
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}

void prs_sync_drain(struct prs_sync *s)
{
	for (;;) {
		pthread_mutex_lock(&s->lock);
		while (s->todo.head || s->working)
			pthread_cond_wait(&s->idle, &s->lock);
		bool any = s->done.head != NULL;
		pthread_mutex_unlock(&s->lock);
		if (!any)
			return;
		sync_call_done(s);
	}
}

bool prs_sync_leave(struct prs_sync *s)
{
	pthread_mutex_lock(&s->lock);
	bool left = s->left = s->working;
	pthread_mutex_unlock(&s->lock);
	if (left)
		prs_wake_free(s->wake);
	else
		prs_sync_free(s);
	return left;
}

void prs_sync_free(struct prs_sync *s)
{
	if (!s)
		return;
	prs_sync_drain(s);
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	prs_wake_free(s->wake);
	pthread_cond_destroy(&s->more);
	pthread_cond_destroy(&s->idle);
	pthread_mutex_destroy(&s->lock);
	prs_freep(&s);
}
