/* SPDX-License-Identifier: Apache-2.0
 * limits: the table read in three ways: filled from the options, found by code, told as a number.
 */
#include "sched/limits.h"

static const struct prs_limit_row rows[] = {
#define PRS_LIMIT(field, KIND, option, name, code, what) \
	{ PRS_LIMIT_##field, PRS_LIMIT_##KIND, PRS_OPTION_ID_##option, PRS_E##code, (name), (what) },
#include "sched/limits.def"
#undef PRS_LIMIT
};

const struct prs_limit_row *prs_limit_at(unsigned i) { return i < PRS_LIMITS ? &rows[i] : NULL; }

const struct prs_limit_row *prs_limit_of(int code)
{
	int positive = code < 0 ? -code : code;
	for (unsigned i = 0; i < PRS_LIMITS; i++)
		if ((int)rows[i].code == positive)
			return &rows[i];
	return NULL;
}

void prs_limits_init(struct prs_limits *l, const struct prs_options *o)
{
	*l = (struct prs_limits){ .run_max_try = (uint32_t)o->run_max_try,
		                  .bisect = o->on_failure == PRS_ON_FAILURE_BISECT,
		                  .fail_fast = o->fail_fast,
		                  .gap_us = UINT64_MAX };
#define PRS_LIMIT(field, KIND, option, name, code, what) l->field = o->option;
#include "sched/limits.def"
#undef PRS_LIMIT
	if (o->progress_update_timeout_us == PRS_UNSET_US)
		l->progress_timeout_us = l->run_max_try * (o->run_invocation_timeout_us + o->task_overhead_timeout_us);
}

static double value_COUNT(int64_t v) { return (double)v; }
static double value_PERCENT(double v) { return v; }
static double value_CLOCK(uint64_t us) { return (double)us / 1e6; }

double prs_limit_value(const struct prs_limits *l, enum prs_limit limit)
{
	switch (limit) {
#define PRS_LIMIT(field, KIND, option, name, code, what) \
	case PRS_LIMIT_##field:                          \
		return value_##KIND(l->field);
#include "sched/limits.def"
#undef PRS_LIMIT
	case PRS_LIMITS: break;
	}
	return -1;
}
