/* SPDX-License-Identifier: Apache-2.0
 * pool: a slot holds the units sent to its process, oldest first. Blame goes to the one that the page names as started,
 * to no other.
 */
#include "pool/pool.h"

#include "base/mem.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { NO_SLOT = 0xffff, EXIT_SOCKET_CLOSED = 107, UNIT_US = 4, SLACK_MAX_US = 2000 };

struct item {
	struct prs_unit unit;
	uint64_t lease;
	uint32_t claim, body_bytes;
	uint64_t leased_us;
	uint16_t try_number, avoid_slot;
	uint64_t sent_us;
	void *body;
};

/* A growable ring. */
struct ring {
	struct item *v;
	uint32_t cap, head, n;
};

struct slot {
	enum prs_worker_state state;
	uint64_t since_us;
	uint32_t incarnation, pid, next_claim;
	struct ring sent;
	uint64_t head_since_us;  /* when the oldest sent unit became the oldest */
	uint64_t start_us;       /* DEAD: when to start again */
	uint64_t answers;        /* RESULT and FAIL so far */
	uint64_t word, shift_us; /* the page's word when last read, and how much its time was shifted by clock gaps */
	uint32_t page_claim;
	/* when the page was read last; when word and claim were not there yet; when they were, for the first time */
	uint64_t looked_us, unseen_us, seen_us;
	uint32_t failures;
	uint32_t inits_failed, starts_failed; /* in a row: after HELLO, before it */
	uint32_t counted;                     /* its part of the pool's inits_failed */
	uint16_t gave_up;                     /* code; no process is started here any more; 0 = it is */
	uint32_t recalling;                   /* a RECALL is out for so many */
	uint32_t judged;                      /* claim whose try was judged, 0 = none: its answer is dropped */
	uint16_t broken;                      /* code of BROKEN */
	bool recall_missed;                   /* the last RECALL came too late: no other one for this head */
	bool init_told, signalled, leaving, retiring;
	bool hungry; /* is in pool.hungry */
	uint64_t busy_us;
};

/* How a pool ends; one may follow on another. */
enum end { DRAINING = 1, ABORTING = 2, FINISHING = 4 };

struct prs_pool {
	struct prs_pool_config c;
	struct slot *slots;
	struct ring queue;
	/* slots with at most half their depth, each once: only these get units, until they are full */
	uint16_t *hungry;
	uint32_t hungry_n;
	uint32_t in_state[PRS_WORKER_STATES]; /* slots per state */
	uint32_t recalling;                   /* over all slots */
	uint32_t depth;                       /* units a slot may have */
	uint32_t bodies;                      /* units whose bodies are here */
	uint64_t body_bytes;
	bool full; /* a unit found no room, and none has left since */
	uint64_t mean_run_us;
	bool measured;
	bool started, down;
	uint8_t ends;                          /* of enum end; 0 = it goes on */
	uint16_t given_up;                     /* slots */
	uint64_t look_us;                      /* the longest time between two looks at the pages */
	uint64_t head_us;                      /* the time that any unit at the head has */
	uint32_t inits_failed;                 /* of slots that are not given up, since the last finished unit */
	uint64_t pause_us;                     /* since when nobody reads, 0 = it is read */
	uint64_t unread_from_us, unread_to_us; /* the last such time, until the pages were looked at */
	uint32_t leases, asked;                /* since the start, modulo 2^32 */
	uint64_t wake_us;
	uint64_t gap_at_us, gap_us; /* clock gap since the last TICK */
	struct prs_pool_effects *out;
	uint64_t now_us;
};

/* ---- effects and rings ------------------------------------------------------------------------------------------- */

/* prs_pool_step() made room before: an event has a bounded number of effects. */
static struct prs_pool_effect *emit(struct prs_pool *p, enum prs_pool_effect_type type, uint16_t slot)
{
	assert(p->out->n < p->out->cap);
	struct prs_pool_effect *e = &p->out->v[p->out->n++];
	memset(e, 0, sizeof *e);
	e->type = type;
	e->slot = slot;
	if (slot != NO_SLOT) {
		e->incarnation = p->slots[slot].incarnation;
		e->pid = p->slots[slot].pid;
	}
	return e;
}

static struct item *ring_at(const struct ring *r, uint32_t i) { return &r->v[(r->head + i) & (r->cap - 1)]; }

/* Room for n, more than there is. */
static int ring_grow(struct ring *r, uint32_t n)
{
	uint32_t cap = r->cap ? r->cap : 16;
	while (cap < n)
		cap *= 2;
	struct item *v = prs_malloc(cap * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	for (uint32_t i = 0; i < r->n; i++)
		v[i] = *ring_at(r, i);
	prs_freep(&r->v);
	*r = (struct ring){ v, cap, 0, r->n };
	return 0;
}

static void ring_push_back(struct ring *r, const struct item *it) { *ring_at(r, r->n++) = *it; }

static void ring_push_front(struct ring *r, const struct item *it)
{
	r->head = (r->head - 1) & (r->cap - 1);
	r->v[r->head] = *it;
	r->n++;
}

static struct item ring_remove(struct ring *r, uint32_t at)
{
	struct item it = *ring_at(r, at);
	for (uint32_t i = at; i > 0; i--)
		*ring_at(r, i) = *ring_at(r, i - 1);
	r->head = (r->head + 1) & (r->cap - 1);
	r->n--;
	return it;
}

static struct item ring_pop_back(struct ring *r)
{
	r->n--;
	return *ring_at(r, r->n);
}

/* ---- states ------------------------------------------------------------------------------------------------------ */

/* The one setter. */
static void set_state(struct prs_pool *p, uint16_t i, enum prs_worker_state to)
{
	struct slot *s = &p->slots[i];
	assert(prs_arc_legal(PRS_MACHINE_WORKER, s->state, to));
	p->in_state[s->state]--;
	p->in_state[to]++;
	s->state = to;
	s->since_us = p->now_us;
}

static bool ready(const struct slot *s) { return s->state == PRS_WORKER_IDLE || s->state == PRS_WORKER_BUSY; }
static bool alive(const struct slot *s) { return s->state != PRS_WORKER_NONE && s->state != PRS_WORKER_DEAD; }
static bool coming(const struct slot *s) { return s->state == PRS_WORKER_STARTING || s->state == PRS_WORKER_INIT; }
static bool ending(const struct prs_pool *p) { return p->ends != 0; }

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static uint64_t after(uint64_t from_us, uint64_t add_us)
{
	return add_us > UINT64_MAX - from_us ? UINT64_MAX : from_us + add_us;
}

/* Never later than look_us from now. A wake-up that was asked for lies nearer than that: it was bound by an earlier
 * now. */
static void wake_at(struct prs_pool *p, uint64_t at_us)
{
	if (p->wake_us != UINT64_MAX && at_us >= p->wake_us)
		return;
	uint64_t latest_us = after(p->now_us, p->look_us);
	at_us = at_us < latest_us ? at_us : latest_us;
	if (at_us >= p->wake_us)
		return;
	p->wake_us = at_us;
	emit(p, PRS_POOL_WAKE, NO_SLOT)->at_us = at_us;
}

static void tell_proc(struct prs_pool *p, uint16_t i, enum prs_proc_event event, uint16_t code, uint32_t exit_status)
{
	struct prs_pool_effect *e = emit(p, PRS_POOL_PROC, i);
	e->proc_event = (uint8_t)event;
	e->code = code;
	e->exit = exit_status;
}

static void send_signal(struct prs_pool *p, uint16_t i, int signum)
{
	p->slots[i].signalled = true;
	emit(p, PRS_POOL_SIGNAL, i)->count = (uint32_t)signum;
}

static void terminate(struct prs_pool *p, uint16_t i, bool with_signal)
{
	struct slot *s = &p->slots[i];
	if (s->state == PRS_WORKER_TERM || s->state == PRS_WORKER_KILL || !alive(s))
		return;
	set_state(p, i, PRS_WORKER_TERM);
	if (with_signal)
		send_signal(p, i, SIGTERM);
	wake_at(p, after(p->now_us, p->c.term_grace_us));
}

static void kill_now(struct prs_pool *p, uint16_t i)
{
	struct slot *s = &p->slots[i];
	if (s->state == PRS_WORKER_KILL || !alive(s))
		return;
	set_state(p, i, PRS_WORKER_KILL);
	send_signal(p, i, SIGKILL);
	if (s->init_told)
		wake_at(p, after(p->now_us, p->c.init_timeout_us));
}

static void start(struct prs_pool *p, uint16_t i)
{
	struct slot *s = &p->slots[i];
	set_state(p, i, PRS_WORKER_STARTING);
	s->incarnation++;
	s->pid = 0;
	s->next_claim = 1;
	s->broken = 0;
	s->init_told = s->signalled = s->leaving = s->retiring = s->recall_missed = false;
	s->judged = 0;
	s->answers = s->word = s->shift_us = 0;
	s->page_claim = 0;
	s->looked_us = s->unseen_us = s->seen_us = p->now_us;
	emit(p, PRS_POOL_SPAWN, i);
	wake_at(p, after(p->now_us, p->c.init_timeout_us));
}

/* ---- units ------------------------------------------------------------------------------------------------------- */

/* The node may forget what it kept for the unit. */
static void hand_body(struct prs_pool *p, struct prs_pool_effect *e, const struct item *it)
{
	e->body = it->body;
	p->bodies -= it->body != NULL;
	p->body_bytes -= it->body_bytes;
	p->full = p->full && !it->body;
}

static void give_back(struct prs_pool *p, const struct item *it)
{
	struct prs_pool_effect *e = emit(p, PRS_POOL_RETURN, NO_SLOT);
	hand_body(p, e, it);
	e->unit = it->unit;
	e->lease = it->lease;
	e->try_number = it->try_number;
}

/* A unit that was not started comes back: to the front of the queue, or to the master when the pool ends. */
static void take_back(struct prs_pool *p, const struct item *it)
{
	if (ending(p))
		give_back(p, it);
	else
		ring_push_front(&p->queue, it);
}

static void tell_try(struct prs_pool *p, uint16_t i, const struct item *it, uint16_t code, uint32_t exit_status,
                     uint64_t run_us, uint64_t start_us)
{
	struct prs_pool_effect *e = emit(p, PRS_POOL_TRY, i);
	hand_body(p, e, it);
	e->unit = it->unit;
	e->lease = it->lease;
	e->try_number = it->try_number;
	e->claim = it->claim;
	e->code = code;
	e->exit = exit_status;
	e->run_us = run_us;
	e->start_us = start_us;
}

/* May this slot get the unit? The one that failed its last try only when no other process is there or coming. */
static bool suits(const struct prs_pool *p, uint16_t i, const struct item *it)
{
	if (it->avoid_slot != i)
		return true;
	for (uint16_t k = 0; k < p->c.slots; k++)
		if (k != i && (ready(&p->slots[k]) || coming(&p->slots[k])))
			return false;
	return true;
}

/* Another unit is the oldest one now: it must be started, or judged, by then. */
static void head_changed(struct prs_pool *p, uint16_t i)
{
	struct slot *s = &p->slots[i];
	s->head_since_us = p->now_us;
	s->recall_missed = false;
	if (s->sent.n)
		wake_at(p, after(p->now_us, p->head_us));
}

static void send(struct prs_pool *p, uint16_t i, uint32_t queue_at)
{
	struct slot *s = &p->slots[i];
	struct item it = ring_remove(&p->queue, queue_at);
	it.claim = s->next_claim++;
	it.sent_us = p->now_us;
	ring_push_back(&s->sent, &it);
	if (s->sent.n == 1)
		head_changed(p, i);
	if (s->state == PRS_WORKER_IDLE)
		set_state(p, i, PRS_WORKER_BUSY);
	struct prs_pool_effect *e = emit(p, PRS_POOL_SEND, i);
	e->body = it.body;
	e->unit = it.unit;
	e->lease = it.lease;
	e->claim = it.claim;
	e->try_number = it.try_number;
}

static bool accepts(const struct prs_pool *p, const struct slot *s)
{
	return ready(s) && !s->leaving && !s->retiring && !s->recalling && !ending(p);
}

static void set_recalling(struct prs_pool *p, struct slot *s, uint32_t count)
{
	p->recalling += count - s->recalling;
	s->recalling = count;
}

/* To be called when the slot may have got room. Units are sent in larger groups when it is refilled from the half
 * on. */
static void note_hunger(struct prs_pool *p, uint16_t i)
{
	struct slot *s = &p->slots[i];
	if (s->hungry || !accepts(p, s) || s->sent.n > p->depth / 2)
		return;
	s->hungry = true;
	p->hungry[p->hungry_n++] = i;
}

/* How many units more the slot may get; nothing is queued behind a head that is slow. */
static uint32_t room(const struct prs_pool *p, const struct slot *s)
{
	if (!accepts(p, s))
		return 0;
	uint32_t most = s->sent.n && p->now_us - s->head_since_us >= p->c.recall_after_us ? 1 : p->depth;
	if (p->c.max_units && most > p->c.max_units - s->answers) /* answers < max_units: it would retire */
		most = (uint32_t)(p->c.max_units - s->answers);
	return most > s->sent.n ? most - s->sent.n : 0;
}

/* Room of a hungry slot. 0: it has had enough, and another one has taken its place in the list. */
static uint32_t hungry_room(struct prs_pool *p, uint32_t k)
{
	struct slot *s = &p->slots[p->hungry[k]];
	uint32_t units = room(p, s);
	if (!units) {
		s->hungry = false;
		p->hungry[k] = p->hungry[--p->hungry_n];
	}
	return units;
}

/* The hungry slot with the fewest units that suits; NO_SLOT = none. */
static uint16_t choose(struct prs_pool *p, const struct item *it)
{
	uint16_t best = NO_SLOT;
	for (uint32_t k = 0; k < p->hungry_n;) {
		uint16_t i = p->hungry[k];
		if (!hungry_room(p, k))
			continue;
		k++;
		uint32_t n = p->slots[i].sent.n;
		bool better = best == NO_SLOT || n < p->slots[best].sent.n || (n == p->slots[best].sent.n && i < best);
		if (better && suits(p, i, it))
			best = i;
	}
	return best;
}

/* True when the time is over; else asks to be woken then. */
static bool over(struct prs_pool *p, uint64_t since_us, uint64_t limit_us)
{
	uint64_t at = after(since_us, limit_us);
	if (p->now_us >= at)
		return true;
	wake_at(p, at);
	return false;
}

/* The slot that the unit must avoid, when that one is idle, all others are busy, and it has waited for them for a
 * while. */
static uint16_t give_way(struct prs_pool *p, const struct item *it)
{
	uint16_t i = it->avoid_slot;
	if (i >= p->c.slots || p->slots[i].state != PRS_WORKER_IDLE || !accepts(p, &p->slots[i]))
		return NO_SLOT;
	for (uint16_t k = 0; k < p->c.slots; k++)
		if (coming(&p->slots[k]))
			return NO_SLOT;
	uint64_t since_us = p->slots[i].since_us > it->leased_us ? p->slots[i].since_us : it->leased_us;
	return over(p, since_us, p->c.recall_after_us) ? i : NO_SLOT;
}

static void dispatch(struct prs_pool *p)
{
	for (uint32_t at = 0; at < p->queue.n;) {
		const struct item *it = ring_at(&p->queue, at);
		uint16_t i = choose(p, it);
		if (i == NO_SLOT && it->avoid_slot == NO_SLOT)
			break;
		if (i == NO_SLOT)
			i = give_way(p, it);
		if (i == NO_SLOT)
			at++; /* this one waits for another process; the next may go */
		else
			send(p, i, at);
	}
}

/* How many of `more` units there is memory for, by the mean of what is here; a unit a slot always. */
static uint32_t fitting(const struct prs_pool *p, uint32_t more)
{
	if (p->full)
		return 0;
	if (!p->c.body_bytes_max || !p->body_bytes)
		return more;
	uint64_t room = p->c.body_bytes_max > p->body_bytes ? p->c.body_bytes_max - p->body_bytes : 0;
	if (more * (p->body_bytes + p->bodies) <= room * p->bodies)
		return more;
	uint64_t units = room / (p->body_bytes / p->bodies + 1),
		 always = p->bodies < p->c.slots ? p->c.slots - p->bodies : 0;
	units = units > always ? units : always;
	return units < more ? (uint32_t)units : more;
}

/* What the queue still holds waits for another process (at most one a slot does not count), or there is no room. What
 * is called back comes. */
static void ask(struct prs_pool *p)
{
	uint32_t want = 0, have = (p->queue.n > p->c.slots ? p->queue.n - p->c.slots : 0) + p->recalling;
	for (uint32_t k = 0, units; k < p->hungry_n; want += units, k += units != 0)
		units = hungry_room(p, k);
	uint32_t total = p->leases + (want > have ? fitting(p, want - have) : 0);
	if (total == p->asked)
		return;
	p->asked = total;
	emit(p, PRS_POOL_ASK, NO_SLOT)->count = total;
}

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

static void stop_slot(struct prs_pool *p, uint16_t i)
{
	struct slot *s = &p->slots[i];
	if (coming(s)) {
		terminate(p, i, true);
	} else if (ready(s) && !s->sent.n) {
		set_state(p, i, PRS_WORKER_STOPPING);
		emit(p, PRS_POOL_STOP, i);
		wake_at(p, after(p->now_us, p->c.overhead_timeout_us));
	}
}

static void recall(struct prs_pool *p, uint16_t i, uint32_t count)
{
	struct slot *s = &p->slots[i];
	if (!count || s->recalling || !ready(s))
		return;
	set_recalling(p, s, count);
	emit(p, PRS_POOL_RECALL, i)->count = count;
}

static void return_queue(struct prs_pool *p)
{
	while (p->queue.n) {
		struct item it = ring_remove(&p->queue, 0);
		give_back(p, &it);
	}
}

static void drain(struct prs_pool *p)
{
	return_queue(p);
	for (uint16_t i = 0; i < p->c.slots; i++) {
		stop_slot(p, i);
		recall(p, i, p->slots[i].sent.n);
	}
}

static void abort_all(struct prs_pool *p)
{
	return_queue(p);
	for (uint16_t i = 0; i < p->c.slots; i++)
		terminate(p, i, true);
}

/* The slot that says most about why none is left: one whose processes could not be started. */
static void tell_none_left(struct prs_pool *p)
{
	uint16_t i = 0;
	while (i < p->c.slots && p->slots[i].gave_up != PRS_ESPAWN)
		i++;
	i = i < p->c.slots ? i : 0;
	const struct slot *s = &p->slots[i];
	struct prs_pool_effect *e = emit(p, PRS_POOL_UNFIT, i);
	e->code = s->gave_up;
	e->count = s->gave_up == PRS_ESPAWN ? s->starts_failed : s->inits_failed;
}

/* Nobody is left who could run a unit, or nobody will be. */
static void check_fit(struct prs_pool *p)
{
	bool left = p->given_up < p->c.slots;
	if (ending(p) || !p->started || (left && p->inits_failed < 3u * p->c.slots))
		return;
	if (left) {
		struct prs_pool_effect *e = emit(p, PRS_POOL_UNFIT, NO_SLOT);
		e->code = PRS_EINIT_GIVE_UP;
		e->count = p->inits_failed;
	} else {
		tell_none_left(p);
	}
	p->ends |= ABORTING;
	abort_all(p);
}

static void check_down(struct prs_pool *p)
{
	if (!ending(p) || p->down)
		return;
	bool any = false;
	for (uint16_t i = 0; i < p->c.slots; i++) {
		any = any || alive(&p->slots[i]);
		if (p->slots[i].state == PRS_WORKER_KILL)
			wake_at(p, after(p->slots[i].since_us, p->c.overhead_timeout_us));
	}
	if (any)
		return;
	p->down = true;
	emit(p, PRS_POOL_DOWN, NO_SLOT);
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static void measure(struct prs_pool *p, uint64_t run_us)
{
	p->mean_run_us = p->measured ? (p->mean_run_us * 7 + run_us) / 8 : run_us;
	p->measured = true;
	uint64_t d = p->mean_run_us ? p->c.depth_target_us / p->mean_run_us : p->c.depth_max,
		 least = p->mean_run_us <= p->c.recall_after_us ? 2 : 1;
	d = d < least ? least : d;
	p->depth = d > p->c.depth_max ? p->c.depth_max : (uint32_t)d;
}

static void emptied(struct prs_pool *p, uint16_t i)
{
	if (p->slots[i].sent.n || p->slots[i].state != PRS_WORKER_BUSY)
		return;
	set_state(p, i, PRS_WORKER_IDLE);
	if (ending(p) || p->slots[i].retiring)
		stop_slot(p, i);
}

static void retire(struct prs_pool *p, uint16_t i)
{
	struct slot *s = &p->slots[i];
	if (!ready(s) || s->retiring)
		return;
	s->retiring = true;
	if (s->sent.n)
		recall(p, i, s->sent.n - 1);
	else
		stop_slot(p, i);
}

static void accept_result(struct prs_pool *p, uint16_t i, const struct item *it, uint64_t run_us)
{
	struct prs_pool_effect *a = emit(p, PRS_POOL_ACCEPT, i);
	hand_body(p, a, it);
	for (uint16_t k = 0; k < p->c.slots && p->inits_failed; k++) {
		p->inits_failed -= p->slots[k].counted;
		p->slots[k].counted = 0;
	}
	a->claim = it->claim;
	a->unit = it->unit;
	a->lease = it->lease;
	a->try_number = it->try_number;
	measure(p, run_us);
}

/* RESULT and FAIL answer the oldest unit. A failure while the processes are being killed is our doing. */
static void on_answer(struct prs_pool *p, const struct prs_pool_event *e)
{
	struct slot *s = &p->slots[e->slot];
	bool known = s->sent.n && ring_at(&s->sent, 0)->claim == e->claim;
	s->answers++;
	if (!known || s->judged == e->claim) {
		struct prs_pool_effect *d = emit(p, PRS_POOL_DROPPED, e->slot);
		d->claim = e->claim;
		d->unit = known ? ring_at(&s->sent, 0)->unit : (struct prs_unit){ 0 };
		return;
	}
	struct item it = ring_remove(&s->sent, 0);
	s->busy_us += e->run_us;
	s->failures = 0;
	if (e->type == PRS_POOL_RESULT)
		accept_result(p, e->slot, &it, e->run_us);
	else if (p->ends & ABORTING)
		give_back(p, &it);
	else
		tell_try(p, e->slot, &it, e->code, 0, e->run_us, 0);
	s->leaving = s->leaving ||
	             (e->type == PRS_POOL_FAIL && (e->code == PRS_ERUN_EXIT || e->code == PRS_ESOCKET_CLOSED));
	head_changed(p, e->slot);
	if (p->c.max_units && s->answers >= p->c.max_units)
		s->retiring = true;
	if (!s->sent.n)
		emptied(p, e->slot);
	if (s->leaving)
		terminate(p, e->slot, false);
	note_hunger(p, e->slot);
}

static void on_recalled(struct prs_pool *p, const struct prs_pool_event *e)
{
	struct slot *s = &p->slots[e->slot];
	uint32_t n = e->count < s->sent.n ? e->count : s->sent.n;
	s->recall_missed = e->count < s->recalling;
	set_recalling(p, s, 0);
	if (!n) {
		note_hunger(p, e->slot);
		return;
	}
	struct prs_pool_effect *d = emit(p, PRS_POOL_DROP, e->slot);
	d->count = n;
	for (uint32_t i = 0; i < n; i++) {
		struct item it = ring_pop_back(&s->sent);
		d->claim = it.claim;
		take_back(p, &it);
	}
	note_hunger(p, e->slot);
	emptied(p, e->slot);
	if (ending(p)) /* the recall was for fewer when the end came */
		recall(p, e->slot, s->sent.n);
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

static void give_up(struct prs_pool *p, uint16_t i, uint16_t code, uint32_t failures)
{
	struct slot *s = &p->slots[i];
	s->gave_up = code;
	p->inits_failed -= s->counted;
	s->counted = 0;
	if (++p->given_up == p->c.slots) /* then the pool is unfit, which says more */
		return;
	struct prs_pool_effect *e = emit(p, PRS_POOL_GIVEN_UP, i);
	e->code = code;
	e->count = failures;
}

/* What comes before HELLO is nobody's init(). */
static void count_failure(struct prs_pool *p, uint16_t i, uint16_t code)
{
	struct slot *s = &p->slots[i];
	if (s->gave_up)
		return;
	if (code == PRS_ESPAWN) {
		if (++s->starts_failed >= p->c.start_tries)
			give_up(p, i, PRS_ESPAWN, s->starts_failed);
		return;
	}
	p->inits_failed++;
	s->counted++;
	if (++s->inits_failed >= p->c.init_tries)
		give_up(p, i, PRS_EINIT_GIVE_UP, s->inits_failed);
}

static void init_failed(struct prs_pool *p, uint16_t i, uint16_t code, uint32_t exit_status)
{
	struct slot *s = &p->slots[i];
	s->init_told = true;
	s->failures++;
	tell_proc(p, i, PRS_PROC_INIT_FAILED, code, exit_status);
	count_failure(p, i, code);
}

static uint16_t exit_code_of(const struct slot *s, uint32_t status)
{
	if (s->broken)
		return s->broken;
	if (WIFSIGNALED(status))
		return PRS_ERUN_CRASH;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SOCKET_CLOSED ? PRS_ESOCKET_CLOSED : PRS_ERUN_EXIT;
}

/* Which of the sent units the page names as started; sent.n = none. What is no protocol was written in the first one
 * that has no answer. */
static uint32_t started_at(const struct slot *s, const struct prs_page *page)
{
	if (s->broken == PRS_EPROTOCOL && s->sent.n && ring_at(&s->sent, 0)->claim <= page->claim)
		return 0;
	enum prs_phase ph = prs_page_phase(page->word);
	uint32_t i = ph == PRS_PHASE_LOAD || ph == PRS_PHASE_RUN || ph == PRS_PHASE_WRITE ? 0 : s->sent.n;
	while (i < s->sent.n && ring_at(&s->sent, i)->claim != page->claim)
		i++;
	return i;
}

/* The page was read: for since_of(). */
static void look(struct prs_pool *p, uint16_t i, const struct prs_page *page)
{
	struct slot *s = &p->slots[i];
	if (s->word != page->word || s->page_claim != page->claim) {
		s->shift_us = 0;
		s->unseen_us = s->looked_us;
		s->seen_us = p->now_us;
	}
	s->word = page->word;
	s->page_claim = page->claim;
	s->looked_us = p->now_us;
}

/* When the phase in the page began. That is what the process says, whose clock the script may have changed; so it
 * counts only when it lies behind from_us, behind the last look that did not show this phase, and not behind the first
 * one that did. Else the phase counts from that one. */
static uint64_t since_of(const struct slot *s, uint64_t from_us)
{
	uint64_t said_us = prs_page_since(s->word), since_us = said_us + s->shift_us;
	bool possible = said_us >= from_us && said_us >= s->unseen_us && since_us <= s->seen_us;
	return possible ? since_us : s->seen_us;
}

/* What was sent to a dead process: the started one is charged unless we killed it, the rest comes back free, lowest
 * first.
 * True when a unit was charged, now or by a judgement. */
static bool settle(struct prs_pool *p, const struct prs_pool_event *e)
{
	struct slot *s = &p->slots[e->slot];
	bool ours = (p->ends & ABORTING) || (s->signalled && !s->broken), charged = s->judged;
	uint32_t started = s->judged || ours ? s->sent.n : started_at(s, e->pages);
	while (s->sent.n) {
		bool blamed = s->sent.n - 1 == started;
		struct item it = ring_pop_back(&s->sent);
		if (it.claim == s->judged)
			continue;
		if (!blamed) {
			take_back(p, &it);
			continue;
		}
		uint64_t since_us = since_of(s, it.sent_us);
		tell_try(p, e->slot, &it, e->code ? e->code : exit_code_of(s, e->exit), e->exit, p->now_us - since_us,
		         since_us - s->shift_us);
		charged = true;
	}
	return charged;
}

static uint64_t doubled(uint64_t first_us, uint32_t failures)
{
	return first_us << (failures < 20 ? failures - 1 : 19);
}

static uint64_t backoff(const struct prs_pool *p, const struct slot *s)
{
	if (s->starts_failed)
		return doubled(p->c.start_backoff_us, s->starts_failed);
	uint64_t wait = s->failures ? doubled(p->c.backoff_first_us, s->failures) : 0;
	return wait < p->c.backoff_max_us ? wait : p->c.backoff_max_us;
}

/* An end that no unit was charged for counts as a failure of the process: the next start waits. */
static void on_exited(struct prs_pool *p, const struct prs_pool_event *e)
{
	struct slot *s = &p->slots[e->slot];
	if (!alive(s))
		return;
	look(p, e->slot, e->pages);
	uint16_t of_its_own = s->state == PRS_WORKER_STARTING ? PRS_ESPAWN : PRS_EINIT_EXIT;
	bool was_coming = coming(s), was_ready = ready(s),
	     charged = settle(p, e) || s->leaving || (s->retiring && !s->signalled);
	if (was_coming && !ending(p))
		init_failed(p, e->slot, e->code ? e->code : of_its_own, e->exit);
	else if (!charged && !s->init_told && !ending(p))
		s->failures++;
	tell_proc(p, e->slot, s->signalled ? PRS_PROC_KILLED : PRS_PROC_EXITED,
	          was_ready && !charged ? PRS_EIDLE_EXIT : 0, e->exit);
	set_state(p, e->slot, PRS_WORKER_DEAD);
	set_recalling(p, s, 0);
	s->start_us = after(p->now_us, backoff(p, s));
}

static void revive(struct prs_pool *p)
{
	if (ending(p) || !p->started || !p->in_state[PRS_WORKER_DEAD])
		return;
	for (uint16_t i = 0; i < p->c.slots; i++) {
		struct slot *s = &p->slots[i];
		if (s->state != PRS_WORKER_DEAD || s->gave_up)
			continue;
		if (s->start_us > p->now_us) {
			wake_at(p, s->start_us);
			continue;
		}
		set_state(p, i, PRS_WORKER_NONE);
		start(p, i);
	}
}

/* ---- timers ------------------------------------------------------------------------------------------------------ */

/* The page times are shifted at the next TICK, which is asked for at once. */
static void check_gap(struct prs_pool *p)
{
	if (p->wake_us == UINT64_MAX || p->now_us < p->wake_us || p->now_us - p->wake_us < p->c.gap_us)
		return;
	uint64_t gap_us = p->now_us - p->wake_us;
	p->gap_at_us = p->gap_us ? p->gap_at_us : p->wake_us;
	p->gap_us += gap_us;
	for (uint16_t i = 0; i < p->c.slots; i++) {
		p->slots[i].since_us += gap_us;
		p->slots[i].head_since_us += gap_us;
		p->slots[i].seen_us += gap_us;
	}
	p->wake_us = UINT64_MAX;
	wake_at(p, p->now_us);
}

/* Once a TICK, after look(). */
static void shift(struct prs_pool *p, uint16_t i, const struct prs_page *page)
{
	struct slot *s = &p->slots[i];
	enum prs_phase ph = prs_page_phase(page->word);
	if (prs_page_since(page->word) < p->gap_at_us)
		s->shift_us += p->gap_us;
	uint64_t since_us = prs_page_since(page->word) + s->shift_us;
	if (since_us < p->unread_to_us && (ph == PRS_PHASE_LOAD || ph == PRS_PHASE_WRITE))
		s->shift_us += p->unread_to_us - (since_us > p->unread_from_us ? since_us : p->unread_from_us);
}

/* ---- pauses ------------------------------------------------------------------------------------------------------ */

static void stop_reading(struct prs_pool *p)
{
	if (!p->pause_us)
		p->pause_us = p->now_us;
}

/* The times in the pages are shifted at the next TICK, which is asked for at once. */
static void read_again(struct prs_pool *p)
{
	if (!p->pause_us)
		return;
	uint64_t from_us = p->pause_us;
	p->unread_from_us = p->unread_to_us ? p->unread_from_us : from_us;
	p->unread_to_us = p->now_us;
	p->pause_us = 0;
	for (uint16_t i = 0; i < p->c.slots; i++) {
		struct slot *s = &p->slots[i];
		s->head_since_us += p->now_us - (s->head_since_us > from_us ? s->head_since_us : from_us);
		s->seen_us += p->now_us - (s->seen_us > from_us ? s->seen_us : from_us);
		if (s->state == PRS_WORKER_STOPPING)
			s->since_us += p->now_us - (s->since_us > from_us ? s->since_us : from_us);
	}
	wake_at(p, p->now_us);
}

static void judge(struct prs_pool *p, uint16_t i, uint32_t at, uint16_t code)
{
	struct slot *s = &p->slots[i];
	struct item *it = ring_at(&s->sent, at);
	uint64_t since_us = since_of(s, it->sent_us);
	tell_try(p, i, it, code, 0, p->now_us - since_us, since_us - s->shift_us);
	s->judged = it->claim;
	it->body = NULL; /* it stays among the sent ones, so that its answer is known */
	it->body_bytes = 0;
	terminate(p, i, true);
}

/* The page may be younger than the last TICK. */
static void over_limit(struct prs_pool *p, const struct prs_pool_event *e)
{
	struct slot *s = &p->slots[e->slot];
	if (coming(s)) {
		init_failed(p, e->slot, e->code, 0);
	} else if (ready(s)) {
		look(p, e->slot, e->pages);
		uint32_t at = started_at(s, e->pages);
		if (at < s->sent.n && !s->judged)
			judge(p, e->slot, at, e->code);
	}
	kill_now(p, e->slot);
}

/* It takes no unit: none was started, none is charged. Unless its answers are still on their way. */
static void tick_unstarted(struct prs_pool *p, uint16_t i, const struct prs_page *page)
{
	struct slot *s = &p->slots[i];
	uint64_t since_us = since_of(s, 0);
	if (page->results > s->answers)
		wake_at(p, after(p->now_us, p->c.term_grace_us));
	else if (over(p, since_us > s->head_since_us ? since_us : s->head_since_us, p->c.overhead_timeout_us))
		terminate(p, i, true);
}

static void tick_busy(struct prs_pool *p, uint16_t i, const struct prs_page *page)
{
	struct slot *s = &p->slots[i];
	uint32_t at = started_at(s, page);
	bool running = prs_page_phase(page->word) == PRS_PHASE_RUN;
	if (p->pause_us && !running)
		return;
	uint64_t limit_us = running ? p->c.run_timeout_us : p->c.overhead_timeout_us;
	if (at == s->sent.n)
		tick_unstarted(p, i, page);
	else if (over(p, since_of(s, ring_at(&s->sent, at)->sent_us), limit_us))
		judge(p, i, at, running ? PRS_ERUN_TIMEOUT : PRS_EOVERHEAD_TIMEOUT);
}

/* Not even SIGKILL ends it (it hangs in the kernel): the job's end does not wait for it. */
static void leave_behind(struct prs_pool *p, uint16_t i)
{
	struct slot *s = &p->slots[i];
	while (s->sent.n) {
		struct item it = ring_remove(&s->sent, 0);
		if (it.claim != s->judged)
			give_back(p, &it);
	}
	tell_proc(p, i, PRS_PROC_KILLED, 0, 0);
	set_state(p, i, PRS_WORKER_DEAD);
}

/* A slot whose process never finished its init() and is not to be got rid of has failed again: the init budget ends the
 * job. */
static void tick_unkillable(struct prs_pool *p, uint16_t i)
{
	struct slot *s = &p->slots[i];
	if (ending(p)) {
		if (over(p, s->since_us, p->c.overhead_timeout_us))
			leave_behind(p, i);
	} else if (s->init_told && over(p, s->since_us, p->c.init_timeout_us)) {
		s->since_us = p->now_us;
		init_failed(p, i, PRS_EINIT_TIMEOUT, 0);
		wake_at(p, after(p->now_us, p->c.init_timeout_us));
	}
}

static void tick_slot(struct prs_pool *p, uint16_t i, const struct prs_page *page)
{
	struct slot *s = &p->slots[i];
	switch (s->state) {
	case PRS_WORKER_STARTING:
		if (over(p, s->since_us, p->c.init_timeout_us)) {
			init_failed(p, i, PRS_ESPAWN, PRS_POOL_NOT_ENDED);
			terminate(p, i, true);
		}
		break;
	case PRS_WORKER_INIT:
		if (over(p, s->since_us, p->c.init_timeout_us)) {
			init_failed(p, i, PRS_EINIT_TIMEOUT, 0);
			terminate(p, i, true);
		}
		break;
	case PRS_WORKER_BUSY: tick_busy(p, i, page); break;
	case PRS_WORKER_STOPPING:
		if (!p->pause_us && over(p, s->since_us, p->c.overhead_timeout_us))
			terminate(p, i, true);
		break;
	case PRS_WORKER_TERM:
		if (over(p, s->since_us, p->c.term_grace_us))
			kill_now(p, i);
		break;
	case PRS_WORKER_KILL: tick_unkillable(p, i); break;
	case PRS_WORKER_NONE:
	case PRS_WORKER_IDLE:
	case PRS_WORKER_DEAD:
	case PRS_WORKER_STATES: break;
	}
}

/* The first idle slot from `from` on that may get a unit; c.slots = none. */
static uint16_t next_idle(const struct prs_pool *p, uint16_t from)
{
	while (from < p->c.slots && !(p->slots[from].state == PRS_WORKER_IDLE && accepts(p, &p->slots[from])))
		from++;
	return from;
}

/* May an idle slot, the first of which is `idle`, get one of the units behind the head? */
static bool wanted_by_idle(const struct prs_pool *p, const struct slot *s, uint16_t idle)
{
	for (uint32_t k = 1; k < s->sent.n; k++)
		for (uint16_t i = idle; i < p->c.slots; i = next_idle(p, i + 1))
			if (suits(p, i, ring_at(&s->sent, k)))
				return true;
	return false;
}

/* Units behind a slow one are called back when an idle process may take one of them. */
static void rebalance(struct prs_pool *p)
{
	uint16_t idle = p->in_state[PRS_WORKER_IDLE] ? next_idle(p, 0) : p->c.slots;
	for (uint16_t i = 0; i < p->c.slots && idle < p->c.slots; i++) {
		struct slot *s = &p->slots[i];
		if (s->state != PRS_WORKER_BUSY || s->recalling || s->recall_missed || !wanted_by_idle(p, s, idle))
			continue;
		if (over(p, s->head_since_us, p->c.recall_after_us))
			recall(p, i, s->sent.n - 1);
	}
}

/* ---- the step ---------------------------------------------------------------------------------------------------- */

static void on_lease(struct prs_pool *p, const struct prs_pool_event *e)
{
	struct item it = { .unit = e->unit,
		           .lease = e->lease,
		           .leased_us = p->now_us,
		           .try_number = e->try_number,
		           .avoid_slot = e->avoid_slot,
		           .body = e->body,
		           .body_bytes = e->body_bytes };
	p->leases++;
	p->bodies += it.body != NULL;
	p->body_bytes += it.body_bytes;
	p->full = p->full || !it.body;
	if (ending(p) || !it.body)
		give_back(p, &it);
	else
		ring_push_back(&p->queue, &it);
}

static void on_event(struct prs_pool *p, const struct prs_pool_event *e)
{
	struct slot *s = e->slot < p->c.slots ? &p->slots[e->slot] : NULL;
	switch (e->type) {
	case PRS_POOL_START:
		for (uint16_t i = 0; i < p->c.slots && !p->started && !ending(p); i++)
			start(p, i);
		p->started = true;
		break;
	case PRS_POOL_LEASE: on_lease(p, e); break;
	case PRS_POOL_SPAWNED:
		s->pid = e->pid;
		tell_proc(p, e->slot, PRS_PROC_STARTED, 0, 0);
		break;
	case PRS_POOL_SPAWN_FAILED:
		if (!alive(s) || s->pid)
			break;
		init_failed(p, e->slot, e->code, 0);
		set_state(p, e->slot, PRS_WORKER_DEAD);
		s->start_us = after(p->now_us, backoff(p, s));
		break;
	case PRS_POOL_HELLO:
		if (s->state == PRS_WORKER_STARTING) {
			uint64_t since = s->since_us; /* one limit for start and init() */
			set_state(p, e->slot, PRS_WORKER_INIT);
			s->since_us = since;
			s->starts_failed = 0;
		}
		break;
	case PRS_POOL_READY:
		if (s->state != PRS_WORKER_INIT)
			break;
		set_state(p, e->slot, PRS_WORKER_IDLE);
		s->inits_failed = 0;
		tell_proc(p, e->slot, PRS_PROC_INIT_DONE, 0, 0);
		note_hunger(p, e->slot);
		break;
	case PRS_POOL_INIT_FAILED:
		if (coming(s)) {
			init_failed(p, e->slot, e->code, 0);
			terminate(p, e->slot, false);
		}
		break;
	case PRS_POOL_RESULT:
	case PRS_POOL_FAIL: on_answer(p, e); break;
	case PRS_POOL_RECALLED: on_recalled(p, e); break;
	case PRS_POOL_BROKEN:
		if (coming(s))
			init_failed(p, e->slot, e->code, 0);
		s->broken = e->code;
		kill_now(p, e->slot);
		break;
	case PRS_POOL_OVER_LIMIT: over_limit(p, e); break;
	case PRS_POOL_RETIRE: retire(p, e->slot); break;
	case PRS_POOL_PAUSE: stop_reading(p); break;
	case PRS_POOL_RESUME: read_again(p); break;
	case PRS_POOL_BYE: break;
	case PRS_POOL_EXITED: on_exited(p, e); break;
	case PRS_POOL_TICK:
		p->wake_us = UINT64_MAX;
		for (uint16_t i = 0; i < p->c.slots; i++) {
			look(p, i, &e->pages[i]);
			shift(p, i, &e->pages[i]);
			tick_slot(p, i, &e->pages[i]);
		}
		p->gap_us = p->unread_to_us = 0;
		break;
	case PRS_POOL_DRAIN:
		p->ends |= DRAINING;
		drain(p);
		break;
	case PRS_POOL_ABORT:
		p->ends |= ABORTING;
		abort_all(p);
		break;
	case PRS_POOL_FINISH:
		p->ends |= FINISHING;
		drain(p);
		break;
	}
}

/* Room for everything an event can cause, so that the step itself cannot fail. */
static int make_room(struct prs_pool *p, struct prs_pool_effects *out)
{
	uint32_t units = p->queue.n + (uint32_t)p->c.slots * p->c.depth_max + 1,
		 need = out->n + units * 4 + (uint32_t)p->c.slots * 12 + 16;
	if (need > out->cap) {
		struct prs_pool_effect *v = prs_realloc(out->v, (size_t)need * 2 * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		out->v = v;
		out->cap = need * 2;
	}
	return units <= p->queue.cap ? 0 : ring_grow(&p->queue, units);
}

int prs_pool_step(struct prs_pool *p, const struct prs_pool_event *e, struct prs_pool_effects *out)
{
	int r = make_room(p, out);
	if (r < 0)
		return r;
	p->out = out;
	p->now_us = e->now_us;
	check_gap(p);
	on_event(p, e);
	revive(p);
	dispatch(p);
	rebalance(p);
	ask(p);
	check_fit(p);
	check_down(p);
	return 0;
}

struct prs_pool *prs_pool_new(const struct prs_pool_config *config)
{
	struct prs_pool *p = prs_calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->c = *config;
	p->wake_us = UINT64_MAX;
	p->look_us = least(config->gap_us, config->look_us); /* so that a gap is seen as long as it was */
	p->head_us = least(config->run_timeout_us, config->overhead_timeout_us);
	p->depth = 1;
	p->in_state[PRS_WORKER_NONE] = config->slots;
	p->slots = prs_calloc(config->slots, sizeof *p->slots);
	p->hungry = prs_calloc(config->slots, sizeof *p->hungry);
	bool ok = p->slots && p->hungry;
	for (uint16_t i = 0; i < config->slots && ok; i++)
		ok = ring_grow(&p->slots[i].sent, config->depth_max) == 0;
	if (ok)
		return p;
	prs_pool_free(p);
	return NULL;
}

void prs_pool_free(struct prs_pool *p)
{
	if (!p)
		return;
	for (uint16_t i = 0; i < p->c.slots && p->slots; i++)
		prs_freep(&p->slots[i].sent.v);
	prs_freep(&p->queue.v);
	prs_freep(&p->hungry);
	prs_freep(&p->slots);
	prs_freep(&p);
}

void prs_pool_view(const struct prs_pool *p, uint16_t slot, struct prs_pool_slot_view *ret)
{
	const struct slot *s = &p->slots[slot];
	*ret = (struct prs_pool_slot_view){
		.state = s->state,
		.incarnation = s->incarnation,
		.pid = s->pid,
		.sent = s->sent.n,
		.running = s->state == PRS_WORKER_BUSY,
		.since_us = s->since_us,
		.busy_us = s->busy_us,
		.failures = s->failures,
		.given_up = s->gave_up != 0,
	};
	if (s->sent.n)
		ret->unit = ring_at(&s->sent, 0)->unit;
}

uint32_t prs_pool_queued(const struct prs_pool *p) { return p->queue.n; }
bool prs_pool_busy(const struct prs_pool *p) { return p->in_state[PRS_WORKER_BUSY] > 0; }

/* Every busy slot has more than half of the depth: half of what is behind the first one. What lies around a run() takes
 * UNIT_US at least. */
uint64_t prs_pool_slack_us(const struct prs_pool *p)
{
	if (ending(p) || p->hungry_n || !prs_pool_busy(p) || !p->measured || p->mean_run_us > p->c.depth_target_us)
		return 0;
	uint64_t us = p->depth / 2 * (p->mean_run_us > UNIT_US ? p->mean_run_us : UNIT_US) / 2;
	return us < SLACK_MAX_US ? us : SLACK_MAX_US;
}
