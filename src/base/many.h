/* SPDX-License-Identifier: Apache-2.0
 * many: counts in sentences, by one rule: "1 item", "2 items", "1,234 mini-batches", "3 tries".
 */
#ifndef PRS_BASE_MANY_H
#define PRS_BASE_MANY_H

#include "base/buf.h"

enum { PRS_MANY_BYTES = 96 };

struct prs_many {
	char text[PRS_MANY_BYTES];
};

/* `noun` in the singular, its last word is what there are several of; a long one is cut. The text lives to the end of
 * the expression it is asked in: snprintf(to, n, "%s", prs_many(k, "run").text). */
struct prs_many prs_many(uint64_t n, const char *noun);
void prs_put_many(struct prs_buf *to, uint64_t n, const char *noun);
/* 1234567 -> "1,234,567" */
void prs_put_count(struct prs_buf *to, uint64_t v);

#endif
