/* SPDX-License-Identifier: Apache-2.0
 * states: the enums and legal arcs of unit, worker, job and step. The setters live with the owners (sched, pool,
 * master, flow) and all ask prs_arc_legal(): an illegal move is a broken invariant.
 */
#ifndef PRS_WIRE_STATES_H
#define PRS_WIRE_STATES_H

#include <stdbool.h>

enum prs_machine { PRS_MACHINE_UNIT, PRS_MACHINE_WORKER, PRS_MACHINE_JOB, PRS_MACHINE_STEP, PRS_MACHINES };

enum prs_unit_state {
	PRS_UNIT_PLANNED,
	PRS_UNIT_LEASED,
	PRS_UNIT_REPEAT,
	PRS_UNIT_DONE,
	PRS_UNIT_FAILED,
	PRS_UNIT_SPLIT,
	PRS_UNIT_STATES
};
enum prs_worker_state {
	PRS_WORKER_NONE,
	PRS_WORKER_STARTING,
	PRS_WORKER_INIT,
	PRS_WORKER_IDLE,
	PRS_WORKER_BUSY,
	PRS_WORKER_STOPPING,
	PRS_WORKER_TERM,
	PRS_WORKER_KILL,
	PRS_WORKER_DEAD,
	PRS_WORKER_STATES
};
enum prs_job_state {
	PRS_JOB_STARTING,
	PRS_JOB_RUNNING,
	PRS_JOB_ASSEMBLING,
	PRS_JOB_COMPLETED,
	PRS_JOB_ABORTING,
	PRS_JOB_FAILED,
	PRS_JOB_DRAINING,
	PRS_JOB_INTERRUPTED,
	PRS_JOB_CANCELED,
	PRS_JOB_STATES
};
enum prs_step_state {
	PRS_STEP_WAITING,
	PRS_STEP_READY,
	PRS_STEP_RUNNING,
	PRS_STEP_DONE,
	PRS_STEP_REUSED,
	PRS_STEP_FAILED,
	PRS_STEP_SKIPPED,
	PRS_STEP_CANCELED,
	PRS_STEP_STATES
};

struct prs_arc {
	enum prs_machine machine;
	int from, to;
	const char *event, *note;
};

bool prs_arc_legal(enum prs_machine m, int from, int to);
/* The i-th arc of all machines, NULL behind the last. */
const struct prs_arc *prs_arc_at(unsigned i);
/* "PLANNED", "BUSY", ...; "?" for a number that is none */
const char *prs_state_name(enum prs_machine m, int state);

#endif
