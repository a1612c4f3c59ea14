/* SPDX-License-Identifier: Apache-2.0
 * states: the table is searched from its beginning: it is short, and it is asked once a move.
 */
#include "wire/states.h"

#include <stddef.h>

#define PRS_ARC(m, from, to, event, note) { PRS_MACHINE_##m, PRS_##m##_##from, PRS_##m##_##to, (event), (note) },
static const struct prs_arc arcs[] = {
#include "wire/states.def"
};

static const char *const names[PRS_MACHINES][16] = {
#define PRS_STATE(m, name) [PRS_MACHINE_##m][PRS_##m##_##name] = #name,
#include "wire/states.def"
};

bool prs_arc_legal(enum prs_machine m, int from, int to)
{
	for (size_t i = 0; i < sizeof arcs / sizeof *arcs; i++)
		if (arcs[i].machine == m && arcs[i].from == from && arcs[i].to == to)
			return true;
	return false;
}

const struct prs_arc *prs_arc_at(unsigned i) { return i < sizeof arcs / sizeof *arcs ? &arcs[i] : NULL; }

const char *prs_state_name(enum prs_machine m, int state)
{
	if (state < 0 || state >= 16 || m >= PRS_MACHINES || !names[m][state])
		return "?";
	return names[m][state];
}
