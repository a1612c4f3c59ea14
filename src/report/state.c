/* SPDX-License-Identifier: Apache-2.0
 * state: the facts folded into what the next line needs: counters, the state of each mini-batch, units with failed
 * tries, processes.
 *
 * Memory: one byte a mini-batch, 40 bytes a unit with a failed try and no result, 16 bytes a mini-batch that is short
 * by 63 items or more.
 * The first DONE or FAILED of a mini-batch counts; only RESET takes it back. A split one counts when its last part is
 * final; its items count at once.
 */
#include "report/impl.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>

enum { MISSING_MANY = 63 };

static void broken(struct prs_report *r) { r->broken = -PRS_ENOMEM; }

/* ---- hashes ------------------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t v)
{
	v ^= v >> 32;
	v *= UINT64_C(0x9e3779b97f4a7c15);
	return v ^ v >> 29;
}

static uint64_t unit_hash(const struct prs_unit *u)
{
	return mix(u->id ^ mix((uint64_t)u->item_first << 32 | u->item_count));
}

static bool unit_same(const struct prs_unit *a, const struct prs_unit *b)
{
	return a->id == b->id && a->item_first == b->item_first && a->item_count == b->item_count;
}

struct report_unit *report_unit_find(struct prs_report *r, const struct prs_unit *u)
{
	if (r->units_n == 0)
		return NULL;
	size_t mask = r->units_cap - 1;
	for (size_t i = unit_hash(u) & mask; r->units[i].used; i = (i + 1) & mask)
		if (unit_same(&r->units[i].unit, u))
			return &r->units[i];
	return NULL;
}

static struct report_unit *unit_slot(struct report_unit *units, size_t cap, const struct prs_unit *u)
{
	size_t i = unit_hash(u) & (cap - 1);
	while (units[i].used)
		i = (i + 1) & (cap - 1);
	units[i] = (struct report_unit){ .unit = *u, .used = 1 };
	return &units[i];
}

static struct report_unit *unit_add(struct prs_report *r, const struct prs_unit *u)
{
	struct report_unit *found = report_unit_find(r, u);
	if (found)
		return found;
	if ((r->units_n + 1) * 4 > r->units_cap * 3) {
		size_t cap = r->units_cap ? r->units_cap * 2 : 64;
		struct report_unit *grown = prs_calloc(cap, sizeof *grown);
		if (!grown) {
			broken(r);
			return NULL;
		}
		for (size_t i = 0; i < r->units_cap; i++)
			if (r->units[i].used)
				*unit_slot(grown, cap, &r->units[i].unit) = r->units[i];
		prs_freep(&r->units);
		r->units = grown;
		r->units_cap = cap;
	}
	r->units_n++;
	return unit_slot(r->units, r->units_cap, u);
}

/* Take an entry out and close the gap (linear probing, backward shift). */
static void unit_drop(struct prs_report *r, struct report_unit *gone)
{
	size_t mask = r->units_cap - 1, hole = (size_t)(gone - r->units);
	for (size_t i = (hole + 1) & mask; r->units[i].used; i = (i + 1) & mask) {
		size_t home = unit_hash(&r->units[i].unit) & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		r->units[hole] = r->units[i];
		hole = i;
	}
	r->units[hole].used = 0;
	r->units_n--;
}

static struct report_gap *gap_find(struct report_gap *gaps, size_t cap, uint64_t id)
{
	if (cap == 0)
		return NULL;
	size_t i = mix(id) & (cap - 1);
	while (gaps[i].id_plus_1 != 0 && gaps[i].id_plus_1 != id + 1)
		i = (i + 1) & (cap - 1);
	return &gaps[i];
}

static void gap_set(struct prs_report *r, uint64_t id, uint32_t missing)
{
	if ((r->gaps_n + 1) * 4 > r->gaps_cap * 3) {
		size_t cap = r->gaps_cap ? r->gaps_cap * 2 : 64;
		struct report_gap *grown = prs_calloc(cap, sizeof *grown);
		if (!grown) {
			broken(r);
			return;
		}
		for (size_t i = 0; i < r->gaps_cap; i++)
			if (r->gaps[i].id_plus_1)
				*gap_find(grown, cap, r->gaps[i].id_plus_1 - 1) = r->gaps[i];
		prs_freep(&r->gaps);
		r->gaps = grown;
		r->gaps_cap = cap;
	}
	struct report_gap *g = gap_find(r->gaps, r->gaps_cap, id);
	r->gaps_n += g->id_plus_1 == 0;
	*g = (struct report_gap){ .id_plus_1 = id + 1, .missing = missing };
}

/* ---- mini-batches ------------------------------------------------------------------------------------------------ */

uint8_t report_id_state(const struct prs_report *r, uint64_t id)
{
	return id < r->ids_cap ? r->ids[id] & 3 : REPORT_ID_NONE;
}

uint32_t report_id_missing(const struct prs_report *r, uint64_t id)
{
	uint32_t missing = id < r->ids_cap ? r->ids[id] >> 2 : 0;
	if (missing != MISSING_MANY)
		return missing;
	const struct report_gap *g = gap_find(r->gaps, r->gaps_cap, id);
	return g ? g->missing : 0;
}

static bool ids_grow(struct prs_report *r, uint64_t id)
{
	if (id < r->ids_cap)
		return true;
	uint64_t cap = r->ids_cap ? r->ids_cap : 1024;
	while (cap <= id && cap < UINT64_C(1) << 40)
		cap *= 2;
	uint8_t *grown = cap > id ? prs_realloc(r->ids, (size_t)cap) : NULL;
	if (!grown) {
		broken(r);
		return false;
	}
	memset(grown + r->ids_cap, 0, (size_t)(cap - r->ids_cap));
	r->ids = grown;
	r->ids_cap = cap;
	return true;
}

static void id_set(struct prs_report *r, uint64_t id, uint8_t state, uint32_t missing)
{
	uint32_t low = missing < MISSING_MANY ? missing : MISSING_MANY;
	if (low == MISSING_MANY)
		gap_set(r, id, missing);
	r->ids[id] = (uint8_t)(state | low << 2);
}

uint32_t report_items(struct prs_report *r, const struct prs_unit *u)
{
	if (u->item_count)
		return u->item_count;
	return r->c.items_of ? r->c.items_of(r->c.plan, u->id) : 0;
}

/* ---- split mini-batches ------------------------------------------------------------------------------------------ */

static struct report_split *split_find(struct prs_report *r, uint64_t id)
{
	for (size_t i = r->splits_n; i-- > 0;)
		if (r->splits[i].id == id)
			return &r->splits[i];
	return NULL;
}

static void fold_split(struct prs_report *r, const struct prs_unit *u)
{
	struct report_unit *tried = report_unit_find(r, u);
	if (tried && !tried->final)
		unit_drop(r, tried);
	if (u->item_count || !ids_grow(r, u->id) || report_id_state(r, u->id) != REPORT_ID_NONE || split_find(r, u->id))
		return;
	if (r->splits_n == r->splits_cap) {
		size_t cap = r->splits_cap ? r->splits_cap * 2 : 16;
		struct report_split *grown = prs_realloc(r->splits, cap * sizeof *grown);
		if (!grown) {
			broken(r);
			return;
		}
		r->splits = grown;
		r->splits_cap = cap;
	}
	r->splits[r->splits_n++] = (struct report_split){ .id = u->id, .left = report_items(r, u) };
}

/* So many items of a part are final. */
static void fold_part(struct prs_report *r, const struct prs_unit *u, uint32_t missing, bool failed)
{
	struct report_split *s = split_find(r, u->id);
	if (!s || u->item_count > s->left)
		return;
	s->left -= u->item_count;
	s->succeeded += u->item_count - missing;
	s->not_succeeded += missing;
	s->failed = s->failed || failed;
	r->items_succeeded += u->item_count - missing;
	r->items_failed += missing;
	if (s->left)
		return;
	id_set(r, u->id, s->failed ? REPORT_ID_FAILED : REPORT_ID_DONE, s->not_succeeded);
	r->done += !s->failed;
	r->failed += s->failed;
	*s = r->splits[--r->splits_n];
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static bool fold_done(struct prs_report *r, const struct prs_done *d)
{
	if (!ids_grow(r, d->unit.id))
		return false;
	struct report_proc *p = report_proc(r, d->node, d->slot);
	uint32_t items = report_items(r, &d->unit);
	uint32_t missing = d->succeeded < items ? items - d->succeeded : 0;
	if (p) {
		p->total.done++;
		p->total.items += items;
		p->total.succeeded += items - missing;
		p->total.missing += missing;
		p->total.elapsed_us += d->elapsed_us;
		p->total.cpu_us += d->cpu_us;
		p->total.run_us += d->run_us;
	}
	struct report_unit *u = report_unit_find(r, &d->unit);
	if (u && !u->final)
		unit_drop(r, u);
	if (d->unit.item_count != 0) {
		fold_part(r, &d->unit, missing, false);
		return true;
	}
	if ((r->ids[d->unit.id] & 3) != REPORT_ID_NONE)
		return false;
	id_set(r, d->unit.id, REPORT_ID_DONE, missing);
	r->done++;
	r->items_succeeded += items - missing;
	r->items_failed += missing;
	return true;
}

static void fold_try(struct prs_report *r, const struct prs_try *t)
{
	struct report_proc *p = report_proc(r, t->node, t->slot);
	if (p) {
		p->total.failed_tries++;
		p->total.elapsed_us += t->elapsed_us;
		p->total.cpu_us += t->cpu_us;
		p->total.run_us += t->run_us;
	}
	if (t->unit.item_count == 0 && report_id_state(r, t->unit.id) != REPORT_ID_NONE)
		return;
	struct report_unit *u = unit_add(r, &t->unit);
	if (!u)
		return;
	u->epoch = r->reader.pos.epoch;
	u->record = r->reader.record;
	u->tries += t->counted != 0;
	u->code = t->code;
}

static bool fold_failed(struct prs_report *r, const struct prs_unit *unit, uint32_t items, uint16_t code)
{
	if (!ids_grow(r, unit->id) || (unit->item_count == 0 && (r->ids[unit->id] & 3) != REPORT_ID_NONE))
		return false;
	struct report_unit *u = unit_add(r, unit);
	if (!u)
		return false;
	u->final = 1;
	u->code = code;
	if (unit->item_count != 0) {
		fold_part(r, unit, unit->item_count, true);
		return true;
	}
	id_set(r, unit->id, REPORT_ID_FAILED, items);
	r->failed++;
	r->items_failed += items;
	return true;
}

static void reset_id(struct prs_report *r, uint64_t id)
{
	struct prs_unit unit = { .id = id };
	uint8_t state = report_id_state(r, id);
	uint32_t items = report_items(r, &unit), missing = report_id_missing(r, id);
	struct report_split *s = split_find(r, id);
	if (state != REPORT_ID_NONE) {
		r->done -= state == REPORT_ID_DONE;
		r->failed -= state == REPORT_ID_FAILED;
		r->items_succeeded -= items - missing;
		r->items_failed -= missing;
	}
	if (s) {
		r->items_succeeded -= s->succeeded;
		r->items_failed -= s->not_succeeded;
		*s = r->splits[--r->splits_n];
	}
	if (id < r->ids_cap)
		r->ids[id] = 0;
	struct report_unit *u = report_unit_find(r, &unit);
	if (u)
		unit_drop(r, u);
}

/* Parts begin anew as whole mini-batches. */
static void drop_parts(struct prs_report *r, uint64_t first, uint64_t end)
{
	for (size_t i = 0; i < r->units_cap;) {
		const struct report_unit *u = &r->units[i];
		if (u->used && u->unit.item_count && u->unit.id >= first && u->unit.id < end)
			unit_drop(r, &r->units[i]); /* another one may lie here now */
		else
			i++;
	}
}

static void fold_reset(struct prs_report *r, const struct prs_unit *unit, uint64_t count)
{
	uint64_t end = count > r->mini_batches - (unit->id < r->mini_batches ? unit->id : r->mini_batches)
	                       ? r->mini_batches
	                       : unit->id + count;
	for (uint64_t id = unit->id; id < end; id++)
		reset_id(r, id);
	drop_parts(r, unit->id, end);
}

/* ---- nodes and processes ----------------------------------------------------------------------------------------- */

struct report_node *report_node(struct prs_report *r, uint16_t node)
{
	if (node < r->nodes_n)
		return &r->nodes[node];
	struct report_node *grown = prs_realloc(r->nodes, (node + 1u) * sizeof *grown);
	if (!grown) {
		broken(r);
		return NULL;
	}
	for (size_t i = r->nodes_n; i <= node; i++) {
		grown[i] = (struct report_node){ .folder_n = 0 };
		grown[i].folder_n = (size_t)snprintf(grown[i].folder, sizeof grown[i].folder,
		                                     i == 0 ? "127.0.0.1" : "node%zu", i);
	}
	r->nodes = grown;
	r->nodes_n = node + 1u;
	return &r->nodes[node];
}

static void proc_init(struct report_proc *p, size_t slot)
{
	*p = (struct report_proc){ .name_n = 0 };
	p->name_n = prs_process_name(p->name, (unsigned)slot);
}

struct report_proc *report_proc(struct prs_report *r, uint16_t node, uint16_t slot)
{
	struct report_node *n = node < r->nodes_n ? &r->nodes[node] : report_node(r, node);
	if (!n)
		return NULL;
	if (slot < n->procs_n) {
		n->procs[slot].used = true;
		return &n->procs[slot];
	}
	struct report_proc *grown = prs_realloc(n->procs, (slot + 1u) * sizeof *grown);
	if (!grown) {
		broken(r);
		return NULL;
	}
	for (size_t i = n->procs_n; i <= slot; i++)
		proc_init(&grown[i], i);
	n->procs = grown;
	n->procs_n = slot + 1u;
	grown[slot].used = true;
	return &grown[slot];
}

uint32_t report_pid(const struct report_proc *p, uint32_t incarnation)
{
	bool before = p->incarnation[0] != incarnation && p->incarnation[1] == incarnation;
	return p->pid[before];
}

void report_trace_file(struct prs_report *r, uint16_t node, uint16_t slot, char *to, size_t n)
{
	struct report_node *at = report_node(r, node);
	char process[PRS_PROCESS_NAME_BYTES];
	prs_process_name(process, slot);
	prs_log_name(to, n, PRS_NAME_TRACES, at ? at->folder : "127.0.0.1", process);
}

/* A text as a file name that needs no quotes anywhere: letters, digits and . _ - : only, no dot in front. */
static void as_name(char *to, size_t n, struct prs_text t)
{
	size_t len = t.n < n ? t.n : n - 1;
	for (size_t i = 0; i < len; i++)
		to[i] = isalnum((unsigned char)t.p[i]) || (t.p[i] && strchr("._-:", t.p[i])) ? t.p[i] : '_';
	to[len] = 0;
	if (to[0] == '.')
		to[0] = '_';
}

static void fold_node(struct prs_report *r, const struct prs_fact *f)
{
	struct report_node *n = report_node(r, f->u.node.node);
	if (!n || !f->u.node.up)
		return;
	char folder[sizeof n->folder];
	as_name(folder, sizeof folder, f->u.node.address.n ? f->u.node.address : f->u.node.name);
	as_name(n->name, sizeof n->name, f->u.node.name);
	for (size_t i = 0; i < r->nodes_n; i++)
		if (&r->nodes[i] != n && r->nodes[i].known && strcmp(r->nodes[i].folder, folder) == 0)
			snprintf(folder, sizeof folder, "%s", n->name);
	if (folder[0] && strcmp(folder, n->folder) != 0) {
		n->folder_n = strlen(folder);
		memcpy(n->folder, folder, n->folder_n + 1);
		for (size_t i = 0; i < n->procs_n; i++)
			n->procs[i].log = NULL;
	}
	n->known = true;
}

static void fold_proc(struct prs_report *r, const struct prs_fact *f)
{
	struct report_proc *p = report_proc(r, f->u.proc.node, f->u.proc.slot);
	if (!p)
		return;
	if (f->u.proc.event == PRS_PROC_STARTED) {
		p->incarnation[1] = p->incarnation[0];
		p->pid[1] = p->pid[0];
		p->incarnation[0] = f->u.proc.incarnation;
		p->pid[0] = f->u.proc.pid;
		p->total.starts++;
	}
	r->ready = r->ready || f->u.proc.event == PRS_PROC_INIT_DONE;
	p->total.init_failures += f->u.proc.event == PRS_PROC_INIT_FAILED && f->u.proc.code != PRS_ESPAWN;
}

/* ---- fold -------------------------------------------------------------------------------------------------------- */

static void fold_head(struct prs_report *r, const struct prs_fact *f)
{
	if (r->head_us != 0 && r->now_us > r->head_us)
		r->before_us += r->now_us - r->head_us;
	r->head_us = r->now_us = f->time_us;
	r->ready = false;
	prs_pace_begin(&r->pace, f->time_us, r->items_succeeded + r->items_failed);
	r->head_epoch = f->u.head.epoch;
	r->engine_pid = f->u.head.pid;
	r->next_tick_us = f->time_us + REPORT_TICK_US;
	r->job = PRS_JOB_STARTING;
	r->has_first = false;
}

static bool fold(struct prs_report *r, const struct prs_fact *f)
{
	if (f->type != PRS_FACT_HEAD && f->time_us > r->now_us)
		r->now_us = f->time_us;
	switch ((int)f->type) {
	case PRS_FACT_HEAD: fold_head(r, f); break;
	case PRS_FACT_NODE: fold_node(r, f); break;
	case PRS_FACT_PLANNED:
		r->mini_batches = f->u.planned.next_id;
		r->items = f->u.planned.items;
		r->planned_all = f->u.planned.complete != 0;
		break;
	case PRS_FACT_DONE: return fold_done(r, &f->u.done);
	case PRS_FACT_TRY: fold_try(r, &f->u.try_); break;
	case PRS_FACT_FAILED: return fold_failed(r, &f->u.failed.unit, f->u.failed.items, f->u.failed.code);
	case PRS_FACT_RESET: fold_reset(r, &f->u.reset.unit, f->u.reset.count); break;
	case PRS_FACT_STATE: r->job = (enum prs_job_state)f->u.state.to; break;
	case PRS_FACT_PROC: fold_proc(r, f); break;
	case PRS_FACT_SPLIT: fold_split(r, &f->u.split.unit); break;
	default: break;
	}
	return true;
}

static void see_pace(struct prs_report *r, uint64_t now_us)
{
	prs_pace_see(&r->pace, &(struct prs_pace_seen){ .now_us = now_us,
	                                                .works = r->ready && r->mini_batches > 0,
	                                                .items = r->items,
	                                                .items_final = r->items_succeeded + r->items_failed,
	                                                .mini_batches = r->mini_batches,
	                                                .processes = r->c.processes });
}

bool report_state_fold(struct prs_report *r, const struct prs_fact *f)
{
	bool counts = fold(r, f);
	if (f->type != PRS_FACT_HEAD)
		see_pace(r, f->time_us);
	return counts;
}

void report_state_free(struct prs_report *r)
{
	for (size_t i = 0; i < r->nodes_n; i++)
		prs_freep(&r->nodes[i].procs);
	prs_freep(&r->nodes);
	prs_freep(&r->ids);
	prs_freep(&r->units);
	prs_freep(&r->gaps);
	prs_freep(&r->splits);
	r->splits_n = r->splits_cap = 0;
	r->nodes_n = r->units_n = r->units_cap = r->gaps_n = r->gaps_cap = 0;
	r->ids_cap = 0;
}
