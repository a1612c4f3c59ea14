/* SPDX-License-Identifier: Apache-2.0
 * pace: how many items a second a job gets through, and how long it will take: one estimate for the console, prs status
 * and the overview log. Pure: it is told what was seen when, and asked.
 *
 * Work comes back a mini-batch at a time, often minutes apart and from all processes at once. So:
 * - the rate is measured from one return of work to another, never up to now: a silence is no slowness until it is
 *   longer than all that is at work would explain;
 * - over the last 30 s, or the last 8 mini-batches of each process where those took longer, or from the first work on;
 * - in the first round (less came back than is at work) all that is at work is taken to come back now;
 * - at the end, when each mini-batch that is left is at work, they take as long as others did, from that time on.
 */
#ifndef PRS_REPORT_PACE_H
#define PRS_REPORT_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A job at one time; µs of any clock that goes on. */
struct prs_pace_seen {
	uint64_t now_us;
	bool works;                  /* a process is ready, and there is work */
	uint64_t items, items_final; /* listed so far; of these succeeded or failed for good */
	uint64_t mini_batches;       /* that `items` are in */
	uint32_t processes;
};

enum { PRS_PACE_MARKS = 64 };

struct prs_pace_mark {
	uint64_t began_us, us, items; /* work that came back from began_us to us; `items` are final since */
};

struct prs_pace {
	struct prs_pace_seen seen;                  /* the last one */
	struct prs_pace_mark marks[PRS_PACE_MARKS]; /* the first: where the work began; far ones are thinned out */
	size_t marks_n;
	uint64_t last_us, tail_us; /* work came back; since when all that is left is at work, 0 = it is not */
	bool works;
};

struct prs_estimate {
	double rate;      /* items/s; 0 = not known */
	bool left_known;  /* else: nothing came back yet, nothing is left, or the rest takes longer than it should */
	uint64_t left_us; /* until the last item is final */
};

/* A life of the engine begins, with so many items final. */
void prs_pace_begin(struct prs_pace *p, uint64_t now_us, uint64_t items_final);
void prs_pace_see(struct prs_pace *p, const struct prs_pace_seen *seen);
struct prs_estimate prs_pace_estimate(const struct prs_pace *p, uint64_t now_us);

#endif
