/* SPDX-License-Identifier: Apache-2.0
 * probe: does this machine, and does a folder's file system, keep what the engine builds on? For prs doctor.
 */
#ifndef PRS_IO_PROBE_H
#define PRS_IO_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum prs_probe_level { PRS_PROBE_OK, PRS_PROBE_NOTE, PRS_PROBE_WRONG };

/* A finding: what was looked at, what was found, how to mend it ("" when all is well). */
struct prs_probe {
	enum prs_probe_level level;
	char what[48];
	char found[256];
	char mend[256];
};

typedef void prs_probe_fn(void *ctx, const struct prs_probe *p);

/* The kernel's functions, /proc, limits, memory, cgroups. */
void prs_probe_machine(prs_probe_fn *each, void *ctx);
/* Everything a run folder needs, tried in a new folder inside `dir`, which is removed again. */
void prs_probe_folder(const char *dir, prs_probe_fn *each, void *ctx);

#endif
