/* SPDX-License-Identifier: Apache-2.0
 * advice: what a person is told to do when a job has ended, by what went wrong.
 *
 * The next command can be pasted. It never widens a limit of failures: what fails is looked at (prs replay), or run
 * again when it is mended (prs run --only-failed, prs resume --new-code); only a limit of time is raised, and the
 * number is said.
 */
#include "master/impl.h"

#include "base/exits.h"
#include "base/many.h"
#include "spec/job_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Errors that a longer limit may mend, and whether fewer items may do so too. */
static const struct timeout {
	uint16_t code;
	bool of_items;
	enum prs_option_id option;
} timeouts[] = {
	{ PRS_ERUN_TIMEOUT, true, PRS_OPTION_ID_run_invocation_timeout_us },
	{ PRS_EOVERHEAD_TIMEOUT, true, PRS_OPTION_ID_task_overhead_timeout_us },
	{ PRS_EINIT_TIMEOUT, false, PRS_OPTION_ID_init_timeout_us },
};

static const struct timeout *timeout_of(const struct prs_error_kind *k)
{
	for (size_t i = 0; k && i < sizeof timeouts / sizeof *timeouts; i++)
		if (timeouts[i].code == k->code)
			return &timeouts[i];
	return NULL;
}

static double seconds(const struct prs_engine *e, enum prs_option_id option)
{
	PRS_AUTOBUF now;
	prs_buf_init(&now, 64);
	prs_option_get(&e->c.job->o, prs_option_at(option), 0, &now);
	return strtod(prs_buf_str(&now), NULL);
}

/* "--init-timeout 600": twice as much as now, as far as that may be. */
static void put_twice(const struct prs_engine *e, enum prs_option_id option, char *to, size_t n)
{
	const struct prs_option_row *row = prs_option_at(option);
	double twice = 2 * seconds(e, option);
	snprintf(to, n, "%s %g", row->flag, twice < row->max ? twice : row->max);
}

/* ---- a timeout --------------------------------------------------------------------------------------------------- */

/* What makes mini-batches half as large. */
static void put_half(const struct prs_engine *e, const struct prs_error_kind *k, char *to, size_t n)
{
	const struct prs_options *o = &e->c.job->o;
	unsigned long long half = k->items / 2;
	if (!prs_job_is_table(e->c.job))
		snprintf(to, n, "--mini-batch-size %llu", half);
	else if (o->mini_batch_rows != PRS_UNSET)
		snprintf(to, n, "--mini-batch-rows %llu", half);
	else
		snprintf(to, n, "--mini-batch-size %llu", (unsigned long long)(o->mini_batch_size + 1) / 2);
}

static void advise_of_timeout(const struct prs_engine *e, const struct timeout *t, struct prs_error_kind *k)
{
	char option[80], half[80];
	size_t at = strlen(k->message);
	put_half(e, k, half, sizeof half);
	put_twice(e, t->option, option, sizeof option);
	if (!t->of_items || k->items < 2 || e->c.job->o.partition_keys.n)
		snprintf(k->message + at, sizeof k->message - at, " (%g s): %s", seconds(e, t->option), option);
	else
		snprintf(k->message + at, sizeof k->message - at, " (%g s) with %s: %s, or %s", seconds(e, t->option),
		         prs_many(k->items, "item").text, option, half);
}

/* ---- the next command -------------------------------------------------------------------------------------------- */

static bool is_exception(uint16_t code)
{
	return code == PRS_ERUN_EXCEPTION || code == PRS_EUSER_RETURN_TYPE || code == PRS_EROW_FORMAT;
}

/* There is something to show for it, so that the rest alone is worth a run. */
static bool has_rest(const struct prs_engine *e)
{
	return e->state == PRS_JOB_COMPLETED && e->ledger.counts.items_succeeded && e->c.job->command.n;
}

static void next_of_limit(const struct prs_engine *e, const struct prs_limit_row *row, char *to, size_t n)
{
	struct prs_limits l;
	prs_limits_init(&l, &e->c.job->o);
	snprintf(to, n, "prs resume %s --retry-failed --set %s=%.0f", e->c.run_name, row->name,
	         2 * prs_limit_value(&l, row->limit));
}

static void next_of_timeout(const struct prs_engine *e, const struct timeout *t, char *to, size_t n)
{
	char option[80];
	put_twice(e, t->option, option, sizeof option);
	if (e->state == PRS_JOB_FAILED)
		snprintf(to, n, "prs resume %s --retry-failed %s", e->c.run_name, option);
	else if (e->c.job->command.n)
		snprintf(to, n, "prs run --only-failed %s %s", e->c.run_name, option);
}

/* Nothing went wrong in the script: what is done has rows, and no errors to look at. */
static void next_of_rows(const struct prs_engine *e, char *to, size_t n)
{
	if (e->ledger.counts.items_succeeded && e->c.job->o.output_action == PRS_OUTPUT_APPEND_ROW)
		snprintf(to, n, "prs output %s --partial", e->c.run_name);
	else
		to[0] = 0;
}

static void next_of_failures(struct prs_engine *e, char *to, size_t n)
{
	const struct prs_result *r = &e->end->result;
	const struct prs_error_kind *k = r->kinds_n ? &r->kinds[0] : NULL;
	const struct prs_limit_row *limit = prs_limit_of((int)e->cause);
	const struct timeout *t = timeout_of(k);
	const char *name = e->c.run_name;
	if (k && k->code == PRS_ETRANSFORM_FAILED) /* another try of the same table fails alike */
		to[0] = 0;
	else if (prs_exit_mends_script((int)e->cause) && !t)
		snprintf(to, n, "prs resume %s --retry-failed --new-code", name);
	else if (limit && limit->kind == PRS_LIMIT_CLOCK)
		next_of_limit(e, limit, to, n);
	else if (t)
		next_of_timeout(e, t, to, n);
	else if (has_rest(e))
		snprintf(to, n, "prs run --only-failed %s%s", name, r->hint ? " --on-failure bisect" : "");
	else if (k && k->of_mini_batch)
		snprintf(to, n, "prs replay %s %llu%s", name, (unsigned long long)k->mini_batch,
		         is_exception(k->code) ? " --pdb" : "");
	else if (!k)
		next_of_rows(e, to, n);
}

/* ---- good items beside bad ones ---------------------------------------------------------------------------------- */

static bool may_be_a_row(uint16_t code) { return code != PRS_EINPUT_MOVED && code != PRS_ETRANSFORM_FAILED; }

/* A bad item took the others of its mini-batch with it. When all failed it is the script, and halving costs much. */
static void hint_of_bisect(struct prs_engine *e)
{
	const struct prs_result *r = &e->end->result;
	const struct prs_options *o = &e->c.job->o;
	uint64_t items = r->items_failed - r->items_missing;
	bool possible = o->on_failure == PRS_ON_FAILURE_FAIL && !o->partition_keys.n;
	if (!possible || !r->items_succeeded || items <= r->failed || timeout_of(r->kinds_n ? &r->kinds[0] : NULL))
		return;
	if (r->kinds_n && !may_be_a_row(r->kinds[0].code))
		return;
	snprintf(e->end->hint, sizeof e->end->hint, "%s failed, for perhaps %s: --on-failure bisect",
	         prs_many(items, "item").text, prs_many(r->failed, "bad one").text);
	e->end->result.hint = e->end->hint;
}

/* No mini-batch ran that prs replay could show. */
static void hint_of_init(struct prs_engine *e)
{
	if (!prs_exit_mends_script((int)e->cause) || e->cause == PRS_EFAIL_FAST)
		return;
	snprintf(e->end->hint, sizeof e->end->hint,
	         "prs test, with the words of this run, runs init() in the terminal; the next command takes the mended "
	         "script");
	e->end->result.hint = e->end->hint;
}

void advice_put(struct prs_engine *e)
{
	struct prs_result *r = &e->end->result;
	char *next = e->end->next_command;
	size_t n = sizeof e->end->next_command;
	bool failed = e->ledger.counts.units[PRS_UNIT_FAILED] > 0;
	for (uint32_t i = 0; i < r->kinds_n; i++)
		if (timeout_of(&r->kinds[i]))
			advise_of_timeout(e, timeout_of(&r->kinds[i]), &r->kinds[i]);
	if (failed)
		hint_of_bisect(e);
	if (e->state == PRS_JOB_FAILED)
		hint_of_init(e);
	if (e->state != PRS_JOB_COMPLETED || failed)
		prs_exit_next(next, n, e->end->exit_code, e->c.run_name);
	if (e->state == PRS_JOB_FAILED || (e->state == PRS_JOB_COMPLETED && failed))
		next_of_failures(e, next, n);
	if (e->state == PRS_JOB_FAILED && !r->kinds_n && !e->ledger.next_id) /* the cause says all: nothing ran */
		next[0] = 0;
	if ((int)e->cause == PRS_EOUTPUT_TYPES) /* resumed as it is it ends so again */
		snprintf(next, n, "prs output %s --format jsonl", e->c.run_name);
	r->next_command = next[0] ? next : NULL;
}
