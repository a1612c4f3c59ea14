/* SPDX-License-Identifier: Apache-2.0
 * cmd_clean: prs clean: removes run folders that nobody needs any more. Never one that is running; one that can be
 * resumed only with --interrupted, one that
 * holds the only copy of an output only with --outputs.
 */
#include "cli/view.h"

#include "base/mem.h"
#include "io/loop.h"
#include "report/console.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 32, MANY = 1024 };
#define DEFAULT_AGE "7d"

struct clean {
	uint64_t older_us;
	bool outputs, interrupted, dry;
	bool named; /* given by name: whatever their age */
	unsigned removed, failed;
	uint64_t bytes;
};

/* "7d", "12h", "30m", "90s", "2w" */
static int parse_age(const char *text, uint64_t *ret_us, struct prs_err *err)
{
	static const struct {
		char unit;
		double seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	double v = strtod(text, &end);
	for (size_t i = 0; i < sizeof units / sizeof *units && end != text; i++) {
		if (*end != units[i].unit || end[1] || !(v >= 0) || v > 1e6)
			continue;
		*ret_us = (uint64_t)(v * units[i].seconds * 1e6);
		return 0;
	}
	return prs_fail(err, PRS_EINVALID, "--older: expected an age such as 7d, 12h or 30m, found \"%s\"", text);
}

/* ---- removing ---------------------------------------------------------------------------------------------------- */

static uint64_t counted;

static int count_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)path;
	(void)f;
	if (flag == FTW_F)
		counted += (uint64_t)st->st_blocks * 512;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

/* By another name first: what is half removed is no run that anybody could resume. */
static int remove_run(const char *dir)
{
	PRS_AUTOFREE char *kept = prs_strf("%s.prs-removed", dir);
	if (!kept)
		return -ENOMEM;
	if (rename(dir, kept) < 0)
		return -errno;
	return nftw(kept, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS) < 0 ? -errno : 0;
}

/* ---- which ones -------------------------------------------------------------------------------------------------- */

/* Why it stays; NULL = it goes. */
static const char *reason(const struct clean *c, const struct cli_view *v, const struct cli_run *run, uint64_t now)
{
	const char *state = cli_view_state(v);
	size_t n = strlen(run->dir);
	if (!strcmp(state, "running"))
		return "it is running";
	if (!strcmp(state, "interrupted") && !c->interrupted)
		return c->named ? "it can be resumed (--interrupted removes such a run too)" : "";
	if (!c->named && now < v->last_us + c->older_us)
		return "";
	if (!c->outputs && v->output[0] && !strncmp(v->output, run->dir, n) && v->output[n] == '/' &&
	    access(v->output, F_OK) == 0)
		return "its output is in it (--outputs removes that too)";
	return NULL;
}

static void one(struct clean *c, const struct cli_run *run)
{
	struct prs_err err = { 0 };
	struct cli_view v;
	int r = cli_view_read(&v, run, &err);
	const char *stays = r ? err.msg : reason(c, &v, run, prs_wall_us());
	if (stays && (stays[0] || c->named))
		printf("%s stays: %s\n", run->name, stays[0] ? stays : "it is not old enough");
	c->failed += r < 0 || (c->named && stays);
	cli_view_done(&v);
	if (stays)
		return;
	counted = 0;
	nftw(run->dir, count_one, DEPTH, FTW_PHYS);
	r = c->dry ? 0 : remove_run(run->dir);
	if (r < 0) {
		printf("%s stays: %s\n", run->name, strerror(-r));
		c->failed++;
		return;
	}
	printf("%s %s\n", run->name, c->dry ? "would be removed" : "removed");
	c->removed++;
	c->bytes += counted;
}

static int clean_all(struct clean *c, const struct cli_args *a, struct prs_err *err)
{
	struct prs_list all = { 0 };
	int r = cli_list_runs(cli_runs_dir(a), &all, err);
	for (size_t i = 0; i < all.n && !r; i++) {
		struct prs_err bad = { 0 };
		struct cli_run run;
		PRS_AUTOFREE char *path = prs_strf("%s/%s", cli_runs_dir(a), all.v[i]);
		if (cli_find_run(a, path, &run, &bad) == 0)
			one(c, &run);
		else
			printf("%s stays: %s\n", all.v[i], bad.msg);
	}
	prs_list_done(&all);
	return r;
}

int cmd_clean(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct clean c = { .outputs = cli_has(a, "--outputs"),
		           .interrupted = cli_has(a, "--interrupted"),
		           .dry = cli_has(a, "--dry-run"),
		           .named = a->words.n > 0 };
	const char *older = cli_value(a, "--older", 0);
	int r = parse_age(older ? older : DEFAULT_AGE, &c.older_us, &err);
	if (!r && older && c.named)
		r = prs_fail(&err, PRS_EINVALID, "either --older, or the names of runs");
	for (size_t i = 0; i < a->words.n && !r; i++) {
		struct cli_run run;
		r = cli_find_run(a, a->words.v[i], &run, &err);
		if (!r)
			one(&c, &run);
	}
	if (!r && !c.named)
		r = clean_all(&c, a, &err);
	if (r < 0)
		return complain(2, &err);
	printf("%u run%s %s, %llu MB\n", c.removed, c.removed == 1 ? "" : "s", c.dry ? "would go" : "removed",
	       (unsigned long long)((c.bytes + 500000) / 1000000));
	return c.failed ? 1 : 0;
}
