/* SPDX-License-Identifier: Apache-2.0
 * here: what the machine of a node gives to a job: how many processes, which GPUs, and what its processes find of the
 * machine in their environment. The job says what it wants, and nothing of it when nobody said anything; so the same
 * job fits other machines, too.
 */
#ifndef PRS_NODE_HERE_H
#define PRS_NODE_HERE_H

#include "base/option.h"

struct prs_here_ask {
	int64_t processes; /* PRS_UNSET: as many as there are GPUs, else cores that we may use */
	bool threads;      /* cores / processes threads for each, where the environment says nothing */
	bool gpus_are_set; /* CUDA_VISIBLE_DEVICES is the job's own word for every process */
	uint16_t number;   /* of the node */
	const char *address;
	const struct prs_list *variables; /* of the job: NAME=VALUE */
};

struct prs_here {
	uint16_t slots, cores;
	struct prs_list gpus;      /* values of CUDA_VISIBLE_DEVICES, for the slots in turn; empty: it is left alone */
	struct prs_list variables; /* the job's, then what it did not set of this machine */
	char name[128];            /* of the machine */
};

/* How many processes a node of this machine has; `asked`: as above. */
uint16_t prs_here_processes(int64_t asked);
/* -PRS_ENOMEM. To be done in any case. */
int prs_here(struct prs_here *ret, const struct prs_here_ask *ask);
void prs_here_done(struct prs_here *h);

#endif
