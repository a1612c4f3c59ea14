/* SPDX-License-Identifier: Apache-2.0
 * plan_folds: does the engine take the records that a lister made, and are their sums right? Header only.
 */
#ifndef PRS_TESTS_PLAN_FOLDS_H
#define PRS_TESTS_PLAN_FOLDS_H

#include "data/plan.h"

/* `complete`: END is there. */
static inline void plan_folds(const struct prs_buf *body, bool complete)
{
	struct prs_err err = { 0 };
	struct prs_plan *p = prs_plan_new();
	if (prs_plan_feed(p, body->data, body->len, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(prs_plan_complete(p), complete);
	prs_plan_free(p);
}

#endif
