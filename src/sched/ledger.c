/* SPDX-License-Identifier: Apache-2.0
 * ledger: see ledger.h.
 */
#include "sched/ledger.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(n) prs_malloc(n)
#define uthash_free(p, n) free(p)
#include <uthash.h>

#define IDS_MAX (UINT64_C(1) << 40)

/* Of a final id: the items that failed in it and its rows, so that a RESET can take them back. */
struct prs_ledger_cell {
	uint32_t failed_items;
	union {
		uint32_t rows; /* DONE */
		uint32_t code; /* not final: of the last try */
	};
	uint16_t tries;
	uint8_t state;
	uint8_t zero;
};

_Static_assert(sizeof(struct prs_ledger_cell) == 12, "12 bytes an id");

struct prs_down {
	uint64_t id;
	uint32_t count;
	UT_hash_handle hh;
};

int prs_ledger_init(struct prs_ledger *l, prs_items_fn *items_of, void *items_ctx)
{
	*l = (struct prs_ledger){ .items_of = items_of, .items_ctx = items_ctx, .job = PRS_JOB_STARTING };
	return 0;
}

void prs_ledger_done(struct prs_ledger *l)
{
	struct prs_down *d, *next;
	HASH_ITER(hh, l->downs, d, next) {
		HASH_DEL(l->downs, d);
		prs_freep(&d);
	}
	prs_freep(&l->cells);
}

/* The one setter. */
static void set_state(struct prs_ledger *l, uint64_t id, enum prs_unit_state to)
{
	struct prs_ledger_cell *c = &l->cells[id];
	assert(prs_arc_legal(PRS_MACHINE_UNIT, c->state, to));
	l->counts.units[c->state]--;
	l->counts.units[to]++;
	c->state = (uint8_t)to;
}

enum prs_unit_state prs_ledger_state(const struct prs_ledger *l, uint64_t id) { return (enum prs_unit_state)l->cells[id].state; }
uint32_t prs_ledger_tries(const struct prs_ledger *l, uint64_t id) { return l->cells[id].tries; }
uint16_t prs_ledger_code(const struct prs_ledger *l, uint64_t id) { return (uint16_t)l->cells[id].code; }
void prs_ledger_move(struct prs_ledger *l, uint64_t id, enum prs_unit_state to) { set_state(l, id, to); }

static struct prs_down *find_down(const struct prs_ledger *l, uint64_t id)
{
	struct prs_down *d;
	HASH_FIND(hh, l->downs, &id, sizeof id, d);
	return d;
}

uint32_t prs_ledger_downs(const struct prs_ledger *l, uint64_t id)
{
	struct prs_down *d = l->downs ? find_down(l, id) : NULL;
	return d ? d->count : 0;
}

/* ---- folding ---------------------------------------------------------------------------------------------------------- */

static int unknown_id(const struct prs_ledger *l, const char *fact, uint64_t id, struct prs_err *err)
{
	return prs_fail(err, PRS_ECORRUPT, "%s of mini-batch %llu, but only %llu are planned", fact, (unsigned long long)id,
	                (unsigned long long)l->next_id);
}

static int fold_planned(struct prs_ledger *l, const struct prs_fact *f, struct prs_err *err)
{
	uint64_t next = f->u.planned.next_id;
	if (next < l->next_id)
		return prs_fail(err, PRS_ECORRUPT, "PLANNED goes back from %llu to %llu mini-batches", (unsigned long long)l->next_id,
		                (unsigned long long)next);
	if (next > IDS_MAX)
		return prs_fail(err, PRS_ECORRUPT, "PLANNED of %llu mini-batches", (unsigned long long)next);
	if (next > l->cells_cap) {
		uint64_t cap = l->cells_cap ? l->cells_cap : 1024;
		while (cap < next)
			cap *= 2;
		struct prs_ledger_cell *v = prs_realloc(l->cells, cap * sizeof *v);
		if (!v)
			return prs_fail(err, PRS_ENOMEM, "the states of %llu mini-batches", (unsigned long long)next);
		memset(v + l->cells_cap, 0, (cap - l->cells_cap) * sizeof *v);
		l->cells = v;
		l->cells_cap = cap;
	}
	l->counts.units[PRS_UNIT_PLANNED] += next - l->next_id;
	l->next_id = next;
	l->counts.items = f->u.planned.items;
	l->planned_all = l->planned_all || f->u.planned.complete;
	return 0;
}

/* To DONE and FAILED from wherever a fact finds the unit: a folded journal has no leases. */
static void make_final(struct prs_ledger *l, uint64_t id, enum prs_unit_state to)
{
	enum prs_unit_state now = prs_ledger_state(l, id);
	if (now == PRS_UNIT_PLANNED || (now == PRS_UNIT_WAITING && to == PRS_UNIT_DONE))
		set_state(l, id, PRS_UNIT_LEASED);
	set_state(l, id, to);
}

static bool is_final(const struct prs_ledger *l, uint64_t id)
{
	return l->cells[id].state == PRS_UNIT_DONE || l->cells[id].state == PRS_UNIT_FAILED;
}

static void fold_done(struct prs_ledger *l, const struct prs_done *d)
{
	struct prs_ledger_cell *c = &l->cells[d->unit.id];
	if (is_final(l, d->unit.id))
		return; /* the first commit wins, final is final */
	make_final(l, d->unit.id, PRS_UNIT_DONE);
	uint32_t items = l->items_of(l->items_ctx, d->unit.id);
	uint32_t good = d->succeeded < items ? d->succeeded : items;
	c->failed_items = items - good;
	l->counts.items_succeeded += good;
	l->counts.items_failed += items - good;
	l->counts.items_final += items;
	c->rows = d->rows;
	l->counts.rows += d->rows;
	l->counts.row_bytes += d->length;
	l->counts.done_this_epoch++;
}

static void fold_failed(struct prs_ledger *l, const struct prs_fact *f)
{
	uint64_t id = f->u.failed.unit.id;
	if (is_final(l, id))
		return;
	make_final(l, id, PRS_UNIT_FAILED);
	l->cells[id].rows = 0;
	l->cells[id].failed_items = f->u.failed.items;
	l->counts.items_failed += f->u.failed.items;
	l->counts.items_final += f->u.failed.items;
}

static void fold_try(struct prs_ledger *l, const struct prs_try *t)
{
	struct prs_ledger_cell *c = &l->cells[t->unit.id];
	l->counts.tries_failed++;
	if (is_final(l, t->unit.id))
		return;
	c->code = t->code;
	if (t->counted && c->tries < UINT16_MAX)
		c->tries++;
}

/* The entry of an id, made when it is not there; NULL when out of memory. */
static struct prs_down *need_down(struct prs_ledger *l, uint64_t id)
{
	struct prs_down *d = find_down(l, id);
	if (d)
		return d;
	d = prs_calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->id = id;
	HASH_ADD(hh, l->downs, id, sizeof id, d);
	if (!d->hh.tbl)
		prs_freep(&d);
	return d;
}

static int fold_lost(struct prs_ledger *l, const struct prs_fact *f, struct prs_err *err)
{
	uint32_t running = f->u.lost.running_count;
	for (uint32_t i = 0; i < running + f->u.lost.queued_count; i++)
		if (prs_lost_unit(f, i).id >= l->next_id)
			return unknown_id(l, "LOST", prs_lost_unit(f, i).id, err);
	for (uint32_t i = 0; i < running; i++)
		if (!need_down(l, prs_lost_unit(f, i).id))
			return prs_fail(err, PRS_ENOMEM, "lost mini-batches");
	for (uint32_t i = 0; i < running; i++)
		if (!is_final(l, prs_lost_unit(f, i).id))
			find_down(l, prs_lost_unit(f, i).id)->count++;
	return 0;
}

static void reset_one(struct prs_ledger *l, uint64_t id)
{
	struct prs_ledger_cell *c = &l->cells[id];
	if (!is_final(l, id))
		return;
	uint32_t items = l->items_of(l->items_ctx, id);
	if (c->state == PRS_UNIT_DONE)
		l->counts.items_succeeded -= items - c->failed_items;
	l->counts.items_failed -= c->failed_items;
	l->counts.items_final -= c->state == PRS_UNIT_DONE ? items : c->failed_items;
	l->counts.rows -= c->rows;
	c->failed_items = c->code = 0;
	c->tries = 0;
	set_state(l, id, PRS_UNIT_PLANNED);
	struct prs_down *d = find_down(l, id);
	if (d) {
		HASH_DEL(l->downs, d);
		prs_freep(&d);
	}
}

static int fold_reset(struct prs_ledger *l, const struct prs_fact *f, struct prs_err *err)
{
	uint64_t first = f->u.reset.unit.id, count = f->u.reset.count;
	if (first >= l->next_id || count > l->next_id - first)
		return unknown_id(l, "RESET", first, err);
	for (uint64_t id = first; id < first + count; id++)
		reset_one(l, id);
	l->published = false;
	return 0;
}

/* The unit of a fact about one unit; NULL = it is about none. */
static const struct prs_unit *unit_of(const struct prs_fact *f)
{
	if (f->type == PRS_FACT_DONE)
		return &f->u.done.unit;
	if (f->type == PRS_FACT_TRY)
		return &f->u.try_.unit;
	return f->type == PRS_FACT_FAILED ? &f->u.failed.unit : NULL;
}

int prs_ledger_fold(struct prs_ledger *l, const struct prs_fact *f, struct prs_err *err)
{
	const struct prs_unit *u = unit_of(f);
	if (u && u->id >= l->next_id)
		return unknown_id(l, prs_fact_name(f->type), u->id, err);
	switch (f->type) {
	case PRS_FACT_HEAD:
		l->epoch = f->u.head.epoch;
		l->counts.done_this_epoch = 0;
		prs_ledger_forget_leases(l);
		return 0;
	case PRS_FACT_PLANNED: return fold_planned(l, f, err);
	case PRS_FACT_DONE: fold_done(l, &f->u.done); return 0;
	case PRS_FACT_TRY: fold_try(l, &f->u.try_); return 0;
	case PRS_FACT_FAILED: fold_failed(l, f); return 0;
	case PRS_FACT_LOST: return fold_lost(l, f, err);
	case PRS_FACT_RESET: return fold_reset(l, f, err);
	case PRS_FACT_STATE:
		if (f->u.state.to >= PRS_JOB_STATES)
			return prs_fail(err, PRS_ECORRUPT, "STATE names job state %u", f->u.state.to);
		l->job = (enum prs_job_state)f->u.state.to;
		l->job_code = f->u.state.code;
		return 0;
	case PRS_FACT_PUBLISHED: l->published = true; return 0;
	case PRS_FACT_NODE:
	case PRS_FACT_SET:
	case PRS_FACT_SPLIT:
	case PRS_FACT_PROC:
	case PRS_FACT_STEP:
		return 0;
	}
	return 0;
}

void prs_ledger_forget_leases(struct prs_ledger *l)
{
	if (!l->counts.units[PRS_UNIT_LEASED] && !l->counts.units[PRS_UNIT_WAITING])
		return;
	for (uint64_t id = 0; id < l->next_id; id++) {
		if (l->cells[id].state == PRS_UNIT_WAITING)
			set_state(l, id, PRS_UNIT_LEASED);
		if (l->cells[id].state == PRS_UNIT_LEASED)
			set_state(l, id, PRS_UNIT_PLANNED);
	}
}

bool prs_ledger_equal(const struct prs_ledger *a, const struct prs_ledger *b, struct prs_err *err)
{
	if (a->next_id != b->next_id) {
		prs_fail(err, PRS_EINVALID, "%llu against %llu mini-batches", (unsigned long long)a->next_id, (unsigned long long)b->next_id);
		return false;
	}
	for (uint64_t id = 0; id < a->next_id; id++) {
		const struct prs_ledger_cell *x = &a->cells[id], *y = &b->cells[id];
		if (x->state != y->state || x->tries != y->tries || x->failed_items != y->failed_items || x->rows != y->rows ||
		     prs_ledger_downs(a, id) != prs_ledger_downs(b, id)) {
			prs_fail(err, PRS_EINVALID, "mini-batch %llu: %s, %u tries against %s, %u tries", (unsigned long long)id,
			         prs_state_name(PRS_MACHINE_UNIT, x->state), x->tries, prs_state_name(PRS_MACHINE_UNIT, y->state), y->tries);
			return false;
		}
	}
	if (memcmp(&a->counts, &b->counts, sizeof a->counts) != 0) {
		prs_fail(err, PRS_EINVALID, "the counters differ");
		return false;
	}
	return true;
}
