/* SPDX-License-Identifier: Apache-2.0
 * ledger: a cell for each mini-batch in one array, and small hashes for what few of them have: parts, lost nodes.
 */
#include "sched/ledger.h"

#include "base/many.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(n) prs_malloc(n)
#define uthash_free(p, n) free(p)
#include <uthash.h>

#define IDS_MAX (UINT64_C(1) << 40)

/* Of a final unit: the items that failed in it and its rows, so that a RESET can take them back. */
struct prs_ledger_cell {
	uint32_t failed_items;
	union {
		uint32_t rows; /* final */
		uint32_t code; /* not final: of the last try */
	};
	uint16_t tries;
	uint8_t state;
	uint8_t ran; /* of DONE: which of the codes, the last one for what has no number of its own */
};

_Static_assert(sizeof(struct prs_ledger_cell) == 12, "12 bytes an id");

struct prs_down {
	struct prs_unit unit;
	uint32_t count, for_nothing;
	UT_hash_handle hh;
};

_Static_assert(sizeof(struct prs_unit) == 16, "a key without holes");

struct part {
	uint32_t item_first, item_count;
	struct prs_ledger_cell cell;
};

/* A mini-batch that is SPLIT: its parts, in order, without gaps. Those that were split again are gone. */
struct prs_split {
	uint64_t id;
	struct part *parts;
	uint32_t n, cap, open;
	UT_hash_handle hh;
};

int prs_ledger_init(struct prs_ledger *l, prs_items_fn *items_of, void *items_ctx)
{
	*l = (struct prs_ledger){ .items_of = items_of, .items_ctx = items_ctx, .job = PRS_JOB_STARTING };
	return 0;
}

static void drop_down(struct prs_ledger *l, struct prs_down *d)
{
	HASH_DEL(l->downs, d);
	prs_freep(&d);
}

static void drop_split(struct prs_ledger *l, struct prs_split *x)
{
	HASH_DEL(l->splits, x);
	prs_freep(&x->parts);
	prs_freep(&x);
}

void prs_ledger_done(struct prs_ledger *l)
{
	struct prs_down *d, *next;
	struct prs_split *x, *after;
	HASH_ITER (hh, l->downs, d, next)
		drop_down(l, d);
	HASH_ITER (hh, l->splits, x, after)
		drop_split(l, x);
	prs_freep(&l->cells);
	prs_freep(&l->codes);
}

/* ---- units ------------------------------------------------------------------------------------------------------- */

static struct prs_split *find_split(const struct prs_ledger *l, uint64_t id)
{
	struct prs_split *x = NULL;
	if (l->splits)
		HASH_FIND(hh, l->splits, &id, sizeof id, x);
	return x;
}

/* The part that begins at the item, or where it would be. */
static uint32_t part_at(const struct prs_split *x, uint32_t item_first)
{
	uint32_t low = 0, high = x->n;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (x->parts[middle].item_first < item_first)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL for a part that was retired or never was. */
static struct prs_ledger_cell *cell_of(const struct prs_ledger *l, const struct prs_unit *u)
{
	if (!u->item_count)
		return &l->cells[u->id];
	struct prs_split *x = find_split(l, u->id);
	uint32_t k = x ? part_at(x, u->item_first) : 0;
	return x && k < x->n && x->parts[k].item_first == u->item_first && x->parts[k].item_count == u->item_count
	               ? &x->parts[k].cell
	               : NULL;
}

/* The one setter. Parts are no mini-batches in the counts. */
static void set_state(struct prs_ledger *l, struct prs_ledger_cell *c, bool part, enum prs_unit_state to)
{
	assert(prs_arc_legal(PRS_MACHINE_UNIT, c->state, (int)to));
	l->counts.units[c->state] -= !part;
	l->counts.units[to] += !part;
	c->state = (uint8_t)to;
}

enum prs_unit_state prs_ledger_state(const struct prs_ledger *l, uint64_t id)
{
	return (enum prs_unit_state)l->cells[id].state;
}

enum prs_unit_state prs_ledger_unit(const struct prs_ledger *l, const struct prs_unit *u)
{
	const struct prs_ledger_cell *c = cell_of(l, u);
	return c ? (enum prs_unit_state)c->state : PRS_UNIT_SPLIT;
}

uint32_t prs_ledger_tries(const struct prs_ledger *l, const struct prs_unit *u)
{
	const struct prs_ledger_cell *c = cell_of(l, u);
	return c ? c->tries : 0;
}

uint16_t prs_ledger_code(const struct prs_ledger *l, const struct prs_unit *u)
{
	const struct prs_ledger_cell *c = cell_of(l, u);
	return c ? (uint16_t)c->code : 0;
}

uint32_t prs_ledger_items(const struct prs_ledger *l, const struct prs_unit *u)
{
	return u->item_count ? u->item_count : l->items_of(l->items_ctx, u->id);
}

void prs_ledger_move(struct prs_ledger *l, const struct prs_unit *u, enum prs_unit_state to)
{
	set_state(l, cell_of(l, u), u->item_count, to);
}

static bool is_final(const struct prs_ledger_cell *c)
{
	return c->state == PRS_UNIT_DONE || c->state == PRS_UNIT_FAILED;
}

bool prs_ledger_open(const struct prs_ledger *l, const struct prs_unit *u)
{
	const struct prs_ledger_cell *c = u->id < l->next_id ? cell_of(l, u) : NULL;
	return c && !is_final(c) && c->state != PRS_UNIT_SPLIT;
}

struct prs_ledger_parts prs_ledger_parts_of(const struct prs_unit *u, uint32_t items, uint32_t bad_item)
{
	uint32_t at = bad_item - 1 - u->item_first;
	if (!bad_item || at >= items)
		return (struct prs_ledger_parts){ 2, 0 };
	return (struct prs_ledger_parts){ 1 + (at > 0) + (at + 1 < items), bad_item };
}

struct prs_unit prs_ledger_part(const struct prs_unit *u, uint32_t items, struct prs_ledger_parts parts, uint32_t k)
{
	uint32_t from = (uint32_t)((uint64_t)items * k / parts.n), to = (uint32_t)((uint64_t)items * (k + 1) / parts.n);
	if (parts.bad_item) {
		uint32_t at = parts.bad_item - 1 - u->item_first;
		uint32_t bounds[] = { 0, at, at + 1, items };
		k += !at;
		from = bounds[k];
		to = bounds[k + 1];
	}
	return (struct prs_unit){ u->id, u->item_first + from, to - from };
}

void prs_ledger_each_part(const struct prs_ledger *l, void (*each)(void *ctx, const struct prs_unit *u), void *ctx)
{
	for (struct prs_split *x = l->splits; x; x = x->hh.next)
		for (uint32_t i = 0; i < x->n; i++)
			if (!is_final(&x->parts[i].cell))
				each(ctx, &(struct prs_unit){ x->id, x->parts[i].item_first, x->parts[i].item_count });
}

static struct prs_down *find_down(const struct prs_ledger *l, const struct prs_unit *u)
{
	struct prs_down *d = NULL;
	if (l->downs)
		HASH_FIND(hh, l->downs, u, sizeof *u, d);
	return d;
}

uint32_t prs_ledger_downs(const struct prs_ledger *l, const struct prs_unit *u)
{
	struct prs_down *d = find_down(l, u);
	return d ? d->count : 0;
}

uint32_t prs_ledger_downs_for_nothing(const struct prs_ledger *l, const struct prs_unit *u)
{
	struct prs_down *d = find_down(l, u);
	return d ? d->for_nothing : 0;
}

void prs_ledger_each_down(const struct prs_ledger *l, void (*each)(void *ctx, const struct prs_unit *u), void *ctx)
{
	for (struct prs_down *d = l->downs; d; d = d->hh.next)
		if (d->count && prs_ledger_open(l, &d->unit))
			each(ctx, &d->unit);
}

/* ---- folding ----------------------------------------------------------------------------------------------------- */

static int unknown_id(const struct prs_ledger *l, const char *fact, uint64_t id, struct prs_err *err)
{
	return prs_fail(err, PRS_ECORRUPT, "%s of mini-batch %llu, but only %llu are planned", fact,
	                (unsigned long long)id, (unsigned long long)l->next_id);
}

static int fold_planned(struct prs_ledger *l, const struct prs_fact *f, struct prs_err *err)
{
	uint64_t next = f->u.planned.next_id;
	if (next < l->next_id)
		return prs_fail(err, PRS_ECORRUPT, "PLANNED goes back from %llu to %s",
		                (unsigned long long)l->next_id, prs_many(next, "mini-batch").text);
	if (next > IDS_MAX)
		return prs_fail(err, PRS_ECORRUPT, "PLANNED of %s", prs_many(next, "mini-batch").text);
	if (next > l->cells_cap) {
		uint64_t cap = l->cells_cap ? l->cells_cap : 1024;
		while (cap < next)
			cap += cap / 4;
		struct prs_ledger_cell *v = prs_realloc(l->cells, cap * sizeof *v);
		if (!v)
			return prs_fail(err, PRS_ENOMEM, "the states of %s", prs_many(next, "mini-batch").text);
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

/* To a later state from wherever a fact finds the unit: a folded journal has no leases. */
static void advance(struct prs_ledger *l, struct prs_ledger_cell *c, bool part, enum prs_unit_state to)
{
	if (c->state == PRS_UNIT_PLANNED || (c->state == PRS_UNIT_REPEAT && to == PRS_UNIT_DONE))
		set_state(l, c, part, PRS_UNIT_LEASED);
	set_state(l, c, part, to);
}

/* Items of a mini-batch (not of a part) that have no row though nothing failed. */
static uint32_t missing(const struct prs_ledger_cell *c) { return c->state == PRS_UNIT_DONE ? c->failed_items : 0; }

/* The code of a lease. */
static uint8_t code_of(const struct prs_ledger *l, uint64_t lease)
{
	uint32_t i = l->codes_n < PRS_CODES_TOLD_APART ? l->codes_n : PRS_CODES_TOLD_APART;
	while (i > 1 && l->codes[i - 1].epoch > lease >> 40)
		i--;
	return (uint8_t)(i ? i - 1 : 0);
}

/* A mini-batch is final, or (sign -1) is that no more. One that failed in parts has rows of the good ones. */
static void count_code(struct prs_ledger *l, const struct prs_ledger_cell *c, int sign)
{
	if (!is_final(c) || c->ran >= l->codes_n)
		return;
	l->codes[c->ran].rows += (uint64_t)((int64_t)c->rows * sign);
	l->codes[c->ran].units += (uint64_t)(int64_t)(c->state == PRS_UNIT_DONE ? sign : 0);
}

/* The last part of a mini-batch is final: what the parts brought is the mini-batch's now. */
static void close_split(struct prs_ledger *l, struct prs_split *x)
{
	struct prs_ledger_cell *c = &l->cells[x->id];
	bool failed = false;
	c->rows = 0;
	for (uint32_t i = 0; i < x->n; i++) {
		failed = failed || x->parts[i].cell.state == PRS_UNIT_FAILED;
		c->failed_items += x->parts[i].cell.failed_items;
		c->rows += x->parts[i].cell.rows;
	}
	set_state(l, c, false, failed ? PRS_UNIT_FAILED : PRS_UNIT_DONE);
	c->ran = code_of(l, (uint64_t)l->epoch << 40);
	count_code(l, c, 1);
	l->counts.done_this_epoch += !failed;
	l->counts.items_missing += missing(c);
	drop_split(l, x);
}

/* The unit is final: `good` of its items succeeded. */
static void settle(struct prs_ledger *l, const struct prs_unit *u, enum prs_unit_state to, uint32_t good, uint32_t rows)
{
	struct prs_ledger_cell *c = cell_of(l, u);
	uint32_t items = prs_ledger_items(l, u);
	good = good < items ? good : items;
	advance(l, c, u->item_count, to);
	c->failed_items = items - good;
	c->rows = rows;
	l->counts.items_succeeded += good;
	l->counts.items_this_epoch += good;
	l->counts.items_failed += items - good;
	l->counts.items_final += items;
	l->counts.rows += rows;
	if (!u->item_count) {
		l->counts.done_this_epoch += to == PRS_UNIT_DONE;
		l->counts.items_missing += missing(c);
		return;
	}
	struct prs_split *x = find_split(l, u->id);
	if (!--x->open)
		close_split(l, x);
}

/* The first commit wins, final is final, what was retired stays so. */
static void fold_done(struct prs_ledger *l, const struct prs_done *d)
{
	if (!prs_ledger_open(l, &d->unit))
		return;
	l->counts.row_bytes += d->length;
	l->counts.part_runs += d->unit.item_count != 0;
	uint64_t id = d->unit.id;
	settle(l, &d->unit, PRS_UNIT_DONE, d->succeeded, d->rows);
	if (d->unit.item_count)
		return;
	l->cells[id].ran = code_of(l, d->lease);
	count_code(l, &l->cells[id], 1);
}

static void fold_failed(struct prs_ledger *l, const struct prs_fact *f)
{
	if (prs_ledger_open(l, &f->u.failed.unit))
		settle(l, &f->u.failed.unit, PRS_UNIT_FAILED, 0, 0);
}

static void fold_try(struct prs_ledger *l, const struct prs_try *t)
{
	l->counts.tries_failed++;
	l->counts.part_runs += t->unit.item_count && t->counted;
	if (!prs_ledger_open(l, &t->unit))
		return;
	struct prs_ledger_cell *c = cell_of(l, &t->unit);
	c->code = t->code;
	if (t->counted && c->tries < UINT16_MAX)
		c->tries++;
}

/* ---- splitting --------------------------------------------------------------------------------------------------- */

static struct prs_split *need_split(struct prs_ledger *l, uint64_t id)
{
	struct prs_split *x = find_split(l, id);
	if (x)
		return x;
	x = prs_calloc(1, sizeof *x);
	if (!x)
		return NULL;
	x->id = id;
	HASH_ADD(hh, l->splits, id, sizeof id, x);
	if (!x->hh.tbl)
		prs_freep(&x);
	return x;
}

static int parts_room(struct prs_split *x, uint32_t more)
{
	uint32_t cap = x->cap ? x->cap : 8;
	while (cap < x->n + more)
		cap *= 2;
	struct part *v = cap > x->cap ? prs_realloc(x->parts, cap * sizeof *v) : x->parts;
	if (!v)
		return -PRS_ENOMEM;
	x->parts = v;
	x->cap = cap;
	return 0;
}

/* The unit makes room for its parts. */
static void put_parts(struct prs_split *x, const struct prs_unit *u, uint32_t items, struct prs_ledger_parts parts)
{
	uint32_t at = part_at(x, u->item_first), retired = u->item_count != 0;
	memmove(x->parts + at + parts.n, x->parts + at + retired, (x->n - at - retired) * sizeof *x->parts);
	for (uint32_t k = 0; k < parts.n; k++) {
		struct prs_unit part = prs_ledger_part(u, items, parts, k);
		x->parts[at + k] = (struct part){ part.item_first, part.item_count, { 0 } };
	}
	x->n += parts.n - retired;
	x->open += parts.n - retired;
}

static int fold_split(struct prs_ledger *l, const struct prs_fact *f, struct prs_err *err)
{
	const struct prs_unit *u = &f->u.split.unit;
	struct prs_ledger_parts parts = { f->u.split.parts, f->u.split.bad_item };
	uint32_t items = prs_ledger_items(l, u);
	if (!prs_ledger_open(l, u))
		return 0;
	struct prs_ledger_parts around = prs_ledger_parts_of(u, items, parts.bad_item);
	if (parts.n < 2 || parts.n > items ||
	    (parts.bad_item && (parts.bad_item != around.bad_item || parts.n != around.n)))
		return prs_fail(err, PRS_ECORRUPT, "SPLIT of mini-batch %llu with %s into %u, around item %u",
		                (unsigned long long)u->id, prs_many(items, "item").text, parts.n, parts.bad_item);
	struct prs_split *x = need_split(l, u->id);
	if (!x || parts_room(x, parts.n) < 0) {
		if (x && !x->n)
			drop_split(l, x);
		return prs_fail(err, PRS_ENOMEM, "parts of mini-batch %llu", (unsigned long long)u->id);
	}
	if (!u->item_count) {
		advance(l, cell_of(l, u), false, PRS_UNIT_SPLIT);
		l->counts.splits++;
		l->counts.split_items += items;
	}
	put_parts(x, u, items, parts);
	return 0;
}

/* ---- losses and resets ------------------------------------------------------------------------------------------- */

/* The entry of a unit, made when it is not there; NULL when out of memory. */
static struct prs_down *need_down(struct prs_ledger *l, const struct prs_unit *u)
{
	struct prs_down *d = find_down(l, u);
	if (d)
		return d;
	d = prs_calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->unit = *u;
	HASH_ADD(hh, l->downs, unit, sizeof d->unit, d);
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
	for (uint32_t i = 0; i < running; i++) {
		struct prs_unit u = prs_lost_unit(f, i);
		if (!need_down(l, &u))
			return prs_fail(err, PRS_ENOMEM, "lost mini-batches");
	}
	for (uint32_t i = 0; i < running; i++) {
		struct prs_unit u = prs_lost_unit(f, i);
		struct prs_down *d = find_down(l, &u);
		d->count += prs_ledger_open(l, &u);
		d->for_nothing += prs_ledger_open(l, &u) && !f->u.lost.progress;
	}
	return 0;
}

static void take_back(struct prs_ledger *l, const struct prs_ledger_cell *c, uint32_t items)
{
	l->counts.items_succeeded -= items - c->failed_items;
	l->counts.items_failed -= c->failed_items;
	l->counts.items_final -= items;
	l->counts.rows -= c->rows;
}

static void reset_one(struct prs_ledger *l, uint64_t id)
{
	struct prs_ledger_cell *c = &l->cells[id];
	struct prs_split *x = find_split(l, id);
	if (!is_final(c) && !x)
		return;
	l->counts.items_missing -= missing(c);
	for (uint32_t i = 0; x && i < x->n; i++)
		if (is_final(&x->parts[i].cell))
			take_back(l, &x->parts[i].cell, x->parts[i].item_count);
	if (x)
		drop_split(l, x);
	else
		take_back(l, c, l->items_of(l->items_ctx, id));
	count_code(l, c, -1);
	set_state(l, c, false, PRS_UNIT_PLANNED);
	*c = (struct prs_ledger_cell){ .state = c->state };
	struct prs_down *d, *next;
	HASH_ITER (hh, l->downs, d, next)
		if (d->unit.id == id)
			drop_down(l, d);
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
	if (f->type == PRS_FACT_SPLIT)
		return &f->u.split.unit;
	return f->type == PRS_FACT_FAILED ? &f->u.failed.unit : NULL;
}

/* Are the items of the unit some of the mini-batch's? */
static bool fits(const struct prs_ledger *l, const struct prs_unit *u)
{
	uint32_t items = u->item_count ? l->items_of(l->items_ctx, u->id) : 0;
	return !u->item_count || (u->item_first < items && u->item_count <= items - u->item_first);
}

/* Another fingerprint than that of the life before: resume --new-code. */
static int fold_head(struct prs_ledger *l, const struct prs_fact *f, struct prs_err *err)
{
	const uint8_t *print = f->u.head.code_print;
	if (!l->codes_n || memcmp(l->codes[l->codes_n - 1].print, print, sizeof l->codes->print) != 0) {
		struct prs_ledger_code *v = prs_realloc(l->codes, (l->codes_n + 1) * sizeof *v);
		if (!v)
			return prs_fail(err, PRS_ENOMEM, "the codes of a run");
		l->codes = v;
		v[l->codes_n] = (struct prs_ledger_code){ .epoch = l->codes_n ? f->u.head.epoch : 0 };
		memcpy(v[l->codes_n++].print, print, sizeof v->print);
	}
	l->epoch = f->u.head.epoch;
	l->counts.done_this_epoch = 0;
	l->counts.items_this_epoch = 0;
	prs_ledger_forget_leases(l);
	return 0;
}

int prs_ledger_fold(struct prs_ledger *l, const struct prs_fact *f, struct prs_err *err)
{
	const struct prs_unit *u = unit_of(f);
	if (u && u->id >= l->next_id)
		return unknown_id(l, prs_fact_name(f->type), u->id, err);
	if (u && !fits(l, u))
		return prs_fail(err, PRS_ECORRUPT, "%s of items %u+%u of mini-batch %llu, which has %u",
		                prs_fact_name(f->type), u->item_first, u->item_count, (unsigned long long)u->id,
		                l->items_of(l->items_ctx, u->id));
	switch ((int)f->type) {
	case PRS_FACT_HEAD: return fold_head(l, f, err);
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
	case PRS_FACT_SPLIT: return fold_split(l, f, err);
	default: return 0; /* of interest to people only */
	}
}

static void forget(struct prs_ledger *l, struct prs_ledger_cell *c, bool part)
{
	if (c->state == PRS_UNIT_REPEAT)
		set_state(l, c, part, PRS_UNIT_LEASED);
	if (c->state == PRS_UNIT_LEASED)
		set_state(l, c, part, PRS_UNIT_PLANNED);
}

void prs_ledger_forget_leases(struct prs_ledger *l)
{
	for (struct prs_split *x = l->splits; x; x = x->hh.next)
		for (uint32_t i = 0; i < x->n; i++)
			forget(l, &x->parts[i].cell, true);
	if (!l->counts.units[PRS_UNIT_LEASED] && !l->counts.units[PRS_UNIT_REPEAT])
		return;
	for (uint64_t id = 0; id < l->next_id; id++)
		forget(l, &l->cells[id], false);
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

static bool same_cell(const struct prs_ledger_cell *x, const struct prs_ledger_cell *y)
{
	return x->state == y->state && x->tries == y->tries && x->failed_items == y->failed_items && x->rows == y->rows;
}

static bool same_parts(const struct prs_split *x, const struct prs_split *y)
{
	bool same = !x == !y && (!x || (x->n == y->n && x->open == y->open));
	for (uint32_t i = 0; same && x && i < x->n; i++)
		same = x->parts[i].item_first == y->parts[i].item_first &&
		       x->parts[i].item_count == y->parts[i].item_count &&
		       same_cell(&x->parts[i].cell, &y->parts[i].cell);
	return same;
}

static uint64_t lost_in_all(const struct prs_ledger *l)
{
	uint64_t n = 0;
	for (struct prs_down *d = l->downs; d; d = d->hh.next)
		n += d->count + d->for_nothing;
	return n;
}

bool prs_ledger_equal(const struct prs_ledger *a, const struct prs_ledger *b, struct prs_err *err)
{
	if (a->next_id != b->next_id) {
		prs_fail(err, PRS_EINVALID, "%s against %llu", prs_many(a->next_id, "mini-batch").text,
		         (unsigned long long)b->next_id);
		return false;
	}
	for (uint64_t id = 0; id < a->next_id; id++) {
		const struct prs_ledger_cell *x = &a->cells[id], *y = &b->cells[id];
		if (same_cell(x, y) && same_parts(find_split(a, id), find_split(b, id)))
			continue;
		prs_fail(err, PRS_EINVALID, "mini-batch %llu: %s, try %u against %s, try %u, or its parts",
		         (unsigned long long)id, prs_state_name(PRS_MACHINE_UNIT, x->state), x->tries,
		         prs_state_name(PRS_MACHINE_UNIT, y->state), y->tries);
		return false;
	}
	for (struct prs_down *d = a->downs; d; d = d->hh.next)
		if (d->count != prs_ledger_downs(b, &d->unit) ||
		    d->for_nothing != prs_ledger_downs_for_nothing(b, &d->unit)) {
			prs_fail(err, PRS_EINVALID, "mini-batch %llu took a node down %s",
			         (unsigned long long)d->unit.id, prs_many(d->count, "time").text);
			return false;
		}
	if (memcmp(&a->counts, &b->counts, sizeof a->counts) != 0 || lost_in_all(a) != lost_in_all(b)) {
		prs_fail(err, PRS_EINVALID, "the counters differ");
		return false;
	}
	return true;
}
