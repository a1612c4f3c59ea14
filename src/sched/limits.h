/* SPDX-License-Identifier: Apache-2.0
 * limits: what ends the job, as a struct and as rows of the table (limits.def).
 */
#ifndef PRS_SCHED_LIMITS_H
#define PRS_SCHED_LIMITS_H

#include "base/option.h"

#define PRS_LIMIT_TYPE_COUNT int64_t
#define PRS_LIMIT_TYPE_PERCENT double
#define PRS_LIMIT_TYPE_CLOCK uint64_t

struct prs_limits {
	uint32_t run_max_try; /* >= 1 */
	/* on_failure: split a mini-batch that is out of tries, instead of failing it (docs/design/bisect.md) */
	bool bisect;
	bool fail_fast;
	/* events so far apart: the machine stood, all clocks are set forward by as much; UINT64_MAX = never */
	uint64_t gap_us;
#define PRS_LIMIT(field, KIND, option, name, code, what) PRS_LIMIT_TYPE_##KIND field;
#include "sched/limits.def"
#undef PRS_LIMIT
};

enum prs_limit {
#define PRS_LIMIT(field, KIND, option, name, code, what) PRS_LIMIT_##field,
#include "sched/limits.def"
#undef PRS_LIMIT
	PRS_LIMITS
};
enum prs_limit_kind { PRS_LIMIT_COUNT, PRS_LIMIT_PERCENT, PRS_LIMIT_CLOCK };

struct prs_limit_row {
	enum prs_limit limit;
	enum prs_limit_kind kind;
	enum prs_option_id option;
	enum prs_code code; /* of the job that ends at it */
	const char *name, *what;
};

const struct prs_limit_row *prs_limit_at(unsigned i); /* NULL behind the last */
/* The row of a code, NULL when it is not that of a limit. */
const struct prs_limit_row *prs_limit_of(int code);
/* As the options say; gap_us: never. progress_update_timeout unset: run_max_try x (run + overhead timeout). */
void prs_limits_init(struct prs_limits *l, const struct prs_options *o);
/* A limit for people: seconds of a clock; < 0 = off. */
double prs_limit_value(const struct prs_limits *l, enum prs_limit limit);

#endif
