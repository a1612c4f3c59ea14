/* SPDX-License-Identifier: Apache-2.0
 * states_md: docs/states.md from the table of legal arcs (src/wire/states.def). Header only: for the program and for
 * the test of drift.
 */
#ifndef PRS_TOOLS_STATES_MD_H
#define PRS_TOOLS_STATES_MD_H

#include "base/buf.h"
#include "wire/states.h"

static const struct {
	const char *title, *text;
	int first;
} states_doc[] = {
	[PRS_MACHINE_UNIT] = { "Mini-batch",
	                       "A unit is a mini-batch or, after a split, a part of one. DONE and FAILED are final but "
	                       "for a RESET. LEASED and REPEAT are not journaled: a resume "
	                       "finds PLANNED, DONE, FAILED.",
	                       PRS_UNIT_PLANNED },
	[PRS_MACHINE_WORKER] = { "Worker process", "A slot of a node and the process in it.", PRS_WORKER_NONE },
	[PRS_MACHINE_JOB] = { "Job", "Every move is a STATE record of the journal.", PRS_JOB_STARTING },
	[PRS_MACHINE_STEP] = { "Step",
	                       "Of a pipeline. WAITING and READY are not journaled but for a reset. A step that was "
	                       "RUNNING when its engine ended begins again.",
	                       PRS_STEP_WAITING },
};

static inline void states_machine(struct prs_buf *b, enum prs_machine m)
{
	prs_buf_putf(b, "\n## %s\n\n%s\n\n```mermaid\nstateDiagram-v2\n    [*] --> %s\n", states_doc[m].title,
	             states_doc[m].text, prs_state_name(m, states_doc[m].first));
	const struct prs_arc *a;
	for (unsigned i = 0; (a = prs_arc_at(i)); i++)
		if (a->machine == m)
			prs_buf_putf(b, "    %s --> %s: %s\n", prs_state_name(m, a->from), prs_state_name(m, a->to),
			             a->event);
	prs_buf_puts(b, "```\n\n| from | to | event | |\n|---|---|---|---|\n");
	for (unsigned i = 0; (a = prs_arc_at(i)); i++)
		if (a->machine == m)
			prs_buf_putf(b, "| %s | %s | %s | %s |\n", prs_state_name(m, a->from), prs_state_name(m, a->to),
			             a->event, a->note);
}

static inline void states_markdown(struct prs_buf *b)
{
	prs_buf_puts(b, "# State machines\n\nMade from the table of legal arcs, `src/wire/states.def`, by `./dev "
	                "docs`. Every other move stops the engine: it would be a "
	                "mistake of ours.\n");
	for (int m = PRS_MACHINE_UNIT; m < PRS_MACHINES; m++)
		states_machine(b, (enum prs_machine)m);
}

#endif
