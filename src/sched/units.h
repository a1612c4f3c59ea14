/* SPDX-License-Identifier: Apache-2.0
 * units: what the scheduler remembers of single units: a map (unit -> its lease, what its next lease must avoid) and a
 * heap of units, lowest first. Only units that are leased or came back are in them, never the whole plan.
 *
 * Memory: room is made first (units_map_room, units_heap_room); putting in then cannot fail.
 */
#ifndef PRS_SCHED_UNITS_H
#define PRS_SCHED_UNITS_H

#include "wire/facts.h"

#include <stdbool.h>

/* A unit that is leased, or of which something is to be remembered for its next lease. */
struct unit {
	struct prs_unit unit;
	uint64_t lease; /* 0 = not leased */
	uint16_t node;
	uint16_t avoid_node, avoid_slot; /* of the process that failed the last try */
	bool used, paused;
};

/* Open addressing; cap is a power of two, at most half of it is used. */
struct units_map {
	struct unit *v;
	uint32_t n, cap;
};

/* NULL: it is not in the map. Pointers into the map hold until something is put in or dropped. */
struct unit *units_map_find(const struct units_map *m, const struct prs_unit *u);
/* Put in when it is not there yet, with nothing to avoid. */
struct unit *units_map_need(struct units_map *m, const struct prs_unit *u);
void units_map_drop(struct units_map *m, struct unit *u);
int units_map_room(struct units_map *m, uint64_t more);
void units_map_done(struct units_map *m);

struct units_heap {
	struct prs_unit *v; /* v[0] is the lowest */
	uint32_t n, cap;
};

void units_heap_push(struct units_heap *h, const struct prs_unit *u);
void units_heap_pop(struct units_heap *h);
int units_heap_room(struct units_heap *h, uint64_t more);
void units_heap_done(struct units_heap *h);

/* Room for `need` entries of `size` bytes in the array at *(void **)pp. */
int units_grow(void *pp, uint32_t *cap, uint64_t need, size_t size);

#endif
