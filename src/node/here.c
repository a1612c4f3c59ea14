/* SPDX-License-Identifier: Apache-2.0
 * here: what a batch system has put into CUDA_VISIBLE_DEVICES is divided among the processes; what the job sets there
 * is the user's word for each of them.
 */
#include "node/here.h"

#include "base/err.h"
#include "base/variables.h"
#include "io/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES_MAX = 1024 };

static int find_gpus(struct prs_here *h, const struct prs_here_ask *ask)
{
	if (ask->gpus_are_set)
		return 0;
	return prs_gpus(prs_variable(ask->variables, "CUDA_VISIBLE_DEVICES"),
	                prs_variable(ask->variables, "AZ_BATCHAI_GPU_COUNT_FOUND"), &h->gpus);
}

uint16_t prs_here_processes(int64_t asked)
{
	struct prs_list gpus = { 0 };
	if (asked != PRS_UNSET)
		return (uint16_t)asked;
	prs_gpus(getenv("CUDA_VISIBLE_DEVICES"), getenv("AZ_BATCHAI_GPU_COUNT_FOUND"), &gpus);
	size_t n = gpus.n ? gpus.n : prs_usable_cores();
	prs_list_done(&gpus);
	return (uint16_t)(n < PROCESSES_MAX ? n : PROCESSES_MAX);
}

static int set_threads(struct prs_here *h)
{
	static const char *const names[] = { "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS" };
	char text[16];
	unsigned each = h->cores / h->slots;
	int r = 0;
	snprintf(text, sizeof text, "%u", each ? each : 1);
	for (size_t i = 0; i < sizeof names / sizeof *names && !r; i++)
		r = prs_variable_default(&h->variables, names[i], text);
	return r;
}

/* What the platform of the original says of a node. */
static int set_platform(struct prs_here *h, const struct prs_here_ask *ask)
{
	char rank[16], context[192], gpus[16];
	snprintf(rank, sizeof rank, "%u", ask->number);
	snprintf(context, sizeof context, "{\"cluster_name\": \"local\", \"node_id\": {\"Literal\": \"%.64s\"}}",
	         ask->address);
	snprintf(gpus, sizeof gpus, "%zu", h->gpus.n);
	const char *const rows[][2] = {
		{ "AZUREML_CR_NODE_RANK", rank },
		{ "AZUREML_CR_COMPUTE_CONTEXT", context },
		{ "AZ_BATCHAI_WORKER_IP", ask->address },
		{ "AZ_BATCHAI_GPU_COUNT_FOUND", gpus },
		{ "AZ_BATCH_IS_CURRENT_NODE_MASTER", ask->number ? "false" : "true" },
	};
	int r = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows && !r; i++)
		r = prs_variable_default(&h->variables, rows[i][0], rows[i][1]);
	return r;
}

int prs_here(struct prs_here *ret, const struct prs_here_ask *ask)
{
	*ret = (struct prs_here){ .cores = (uint16_t)prs_usable_cores() };
	gethostname(ret->name, sizeof ret->name - 1);
	int r = find_gpus(ret, ask);
	ret->slots = prs_here_processes(ask->processes);
	for (size_t i = 0; i < ask->variables->n && !r; i++)
		r = prs_list_add(&ret->variables, ask->variables->v[i]);
	if (!r)
		r = set_platform(ret, ask);
	if (!r && ask->threads)
		r = set_threads(ret);
	return r < 0 ? -PRS_ENOMEM : 0;
}

void prs_here_done(struct prs_here *h)
{
	prs_list_done(&h->gpus);
	prs_list_done(&h->variables);
}
