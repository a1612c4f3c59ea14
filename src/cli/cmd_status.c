/* SPDX-License-Identifier: Apache-2.0
 * cmd_status: prs status RUN [--json], prs check RUN: read-only, also while the engine runs.
 */
#include "cli/cli.h"

#include "data/plan.h"
#include "io/fs_posix.h"
#include "io/lock.h"
#include "sched/ledger.h"
#include "store/store.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct view {
	struct prs_plan *plan;
	struct prs_ledger ledger;
	char cause[512];
};

static int on_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct view *v = ctx;
	return prs_plan_feed(v->plan, body, n, err);
}

static int on_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct view *v = ctx;
	if (f->type == PRS_FACT_STATE)
		snprintf(v->cause, sizeof v->cause, "%.*s", (int)f->u.state.text.n, f->u.state.text.p);
	return prs_ledger_fold(&v->ledger, f, err);
}

/* Does an engine hold the lock? */
static bool is_running(const char *dir)
{
	char path[PATH_MAX + 8];
	snprintf(path, sizeof path, "%s/lock", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool held = prs_lock_held(fd);
	close(fd);
	return held;
}

/* What a person calls it: a job that runs without an engine is interrupted. */
static const char *state_name(const struct view *v, bool running)
{
	enum prs_job_state s = v->ledger.job;
	if (s == PRS_JOB_COMPLETED)
		return "completed";
	if (s == PRS_JOB_FAILED)
		return "failed";
	if (s == PRS_JOB_CANCELED)
		return "canceled";
	return running ? "running" : "interrupted";
}

static void print_status(const struct view *v, const char *dir, const char *name, bool json)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	const char *state = state_name(v, is_running(dir));
	const char *more = v->ledger.planned_all ? "" : ">= ";
	if (json) {
		printf("{\"run\": \"%s\", \"state\": \"%s\", \"planned\": %s, \"mini_batches\": %llu, \"done\": %llu, \"failed\": %llu, \"items\": %llu, "
		       "\"items_succeeded\": %llu, \"items_failed\": %llu, \"rows\": %llu}\n", name, state, v->ledger.planned_all ? "true" : "false",
		       (unsigned long long)v->ledger.next_id, (unsigned long long)c->units[PRS_UNIT_DONE], (unsigned long long)c->units[PRS_UNIT_FAILED],
		       (unsigned long long)c->items, (unsigned long long)c->items_succeeded, (unsigned long long)c->items_failed,
		       (unsigned long long)c->rows);
		return;
	}
	printf("%s: %s\n", name, state);
	printf("  mini-batches  %llu of %s%llu done, %llu failed\n", (unsigned long long)c->units[PRS_UNIT_DONE], more,
	       (unsigned long long)v->ledger.next_id, (unsigned long long)c->units[PRS_UNIT_FAILED]);
	printf("  items         %llu of %s%llu succeeded, %llu failed\n", (unsigned long long)c->items_succeeded, more, (unsigned long long)c->items,
	       (unsigned long long)c->items_failed);
	if (v->cause[0])
		printf("  cause         %s\n", v->cause);
	printf("  logs          %s/logs\n", dir);
	if (!strcmp(state, "interrupted"))
		printf("Go on with: prs resume %s\n", name);
}

/* argv: NAME [RUN] [--json when `json` is given]; the run folder into dir. */
static int parse(int argc, char **argv, bool *json, char *dir, size_t n, struct prs_err *err)
{
	const char *word = "last";
	for (int i = 1; i < argc; i++) {
		if (json && !strcmp(argv[i], "--json"))
			*json = true;
		else if (argv[i][0] == '-' && argv[i][1])
			return prs_fail(err, PRS_EINVALID, "unknown option %s of prs %s", argv[i], argv[0]);
		else
			word = argv[i];
	}
	return find_run(word, dir, n, err);
}

int cmd_status(int argc, char **argv)
{
	struct prs_err err = { 0 };
	struct prs_run_id run;
	struct prs_recovered was;
	char dir[PATH_MAX], name[256];
	bool json = false;
	if (parse(argc, argv, &json, dir, sizeof dir, &err) < 0 || prs_run_file_read(&prs_fs_posix, dir, &run, name, sizeof name, &err) < 0)
		return complain(2, &err);
	struct view v = { .plan = prs_plan_new() };
	struct prs_recover_sink sink = { &v, on_plan, on_fact };
	prs_ledger_init(&v.ledger, prs_plan_items_of, v.plan);
	int r = v.plan ? prs_store_recover(&prs_fs_posix, dir, &run, &sink, &was, &err) : prs_fail(&err, PRS_ENOMEM, "status");
	if (!r)
		print_status(&v, dir, name, json);
	prs_ledger_done(&v.ledger);
	prs_plan_free(v.plan);
	return r < 0 ? complain(3, &err) : 0;
}

static void print_problem(void *ctx, const char *sentence)
{
	(void)ctx;
	printf("%s\n", sentence);
}

int cmd_check(int argc, char **argv)
{
	struct prs_err err = { 0 };
	struct prs_run_id run;
	char dir[PATH_MAX], name[256];
	if (parse(argc, argv, NULL, dir, sizeof dir, &err) < 0 || prs_run_file_read(&prs_fs_posix, dir, &run, name, sizeof name, &err) < 0)
		return complain(2, &err);
	int64_t problems = prs_store_audit(&prs_fs_posix, dir, &run, print_problem, NULL, &err);
	if (problems < 0)
		return complain(3, &err);
	printf("%s: %lld problem%s\n", name, (long long)problems, problems == 1 ? "" : "s");
	return problems ? 1 : 0;
}
