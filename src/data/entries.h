/* SPDX-License-Identifier: Apache-2.0
 * entries: many names in one blob, each closed by a NUL, with the offset of each: 4 bytes and the name itself a piece.
 */
#ifndef PRS_DATA_ENTRIES_H
#define PRS_DATA_ENTRIES_H

#include "base/buf.h"

struct prs_entries {
	struct prs_buf text;
	uint32_t *at;
	size_t n, cap;
};

#define PRS_ENTRIES_BYTES_MAX ((size_t)1 << 31)

void prs_entries_init(struct prs_entries *v);
void prs_entries_done(struct prs_entries *v);
/* None are left; the memory stays unless it is large. */
void prs_entries_clear(struct prs_entries *v);
/* -PRS_ENOMEM; -PRS_ELIMIT: together they would be longer than PRS_ENTRIES_BYTES_MAX. */
int prs_entries_add(struct prs_entries *v, const char *name, size_t n);
/* By their bytes. */
void prs_entries_sort(struct prs_entries *v);
const char *prs_entries_at(const struct prs_entries *v, size_t i);

#endif
