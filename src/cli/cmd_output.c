/* SPDX-License-Identifier: Apache-2.0
 * cmd_output: prs output RUN: where the output is; --partial: a file of the rows that there are so far.
 */
#include "cli/cli.h"
#include "base/many.h"
#include "base/mem.h"
#include "base/path.h"
#include "io/loop.h"
#include "report/console.h"
#include "run/view.h"
#include "store/store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files of our own (index, temporary output) beside the engine's: their number is above any epoch's and says whose. */
#define FIRST_OWN UINT32_C(4000000000)
#define OWN_EPOCH (FIRST_OWN + (uint32_t)getpid() % 100000000)
#define STALE_US (UINT64_C(600) * 1000000)

struct partial {
	struct prs_view view;
	struct prs_index *index;
	enum prs_output_format format;
	bool has_headers;
	uint64_t bad; /* damaged ones: left out */
	char first_bad[256];
};

static int output_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct partial *p = ctx;
	struct prs_ledger *l = &p->view.ledger;
	bool known = f->type == PRS_FACT_DONE && f->u.done.unit.id < l->next_id;
	enum prs_unit_state before = known ? prs_ledger_state(l, f->u.done.unit.id) : PRS_UNIT_PLANNED;
	int r = prs_ledger_fold(l, f, err);
	if (!r && f->type == PRS_FACT_PLANNED)
		r = prs_index_grow(p->index, f->u.planned.next_id, err);
	if (!r && known && before != PRS_UNIT_DONE && before != PRS_UNIT_FAILED) {
		r = prs_index_done(p->index, &f->u.done, err);
		p->has_headers = p->has_headers || f->u.done.head_len;
	}
	if (!r && f->type == PRS_FACT_RESET)
		prs_index_reset(p->index, f->u.reset.unit.id, f->u.reset.count);
	return r;
}

static int output_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	struct partial *p = ctx;
	return prs_plan_feed(p->view.plan, body, n, err);
}

static void output_bad(void *ctx, uint64_t id, const char *why)
{
	struct partial *p = ctx;
	if (!p->bad++)
		snprintf(p->first_bad, sizeof p->first_bad, "mini-batch %llu: %s", (unsigned long long)id, why);
}

static int write_rows(struct partial *p, const struct prs_run *run, const char *path, bool overwrite,
                      struct prs_assembled *ret, struct prs_err *err)
{
	struct prs_recovered was;
	struct prs_recover_sink sink = { p, output_plan, output_fact };
	int r = prs_store_recover(program_fs(), run->dir, &run->id, &sink, &was, err);
	if (!r && p->view.ledger.counts.rows == 0)
		return prs_fail(err, PRS_ENOTFOUND, "%s has no rows yet", run->name);
	struct prs_assemble_options o = { .path = path,
		                          .run = &run->id,
		                          .overwrite = overwrite,
		                          .epoch = OWN_EPOCH,
		                          .next_id = p->view.ledger.next_id,
		                          .format = p->format,
		                          .partial = true };
	if (!r)
		r = prs_assemble(program_fs(), run->dir, p->index, &o, output_bad, p, ret, err);
	return r == -PRS_EOUTPUT_EXISTS || r == -PRS_EEXISTS
	               ? prs_fail(err, PRS_EOUTPUT_EXISTS,
	                          "%s exists: name another file, or replace it with --overwrite", path)
	               : r;
}

struct leftover {
	const char *folder;
	char prefix[40]; /* ".prs-<run>-" */
};

/* A temporary file of a prs output that was killed: its process is gone, and nobody has written to it for a while. */
static int output_leftover(void *ctx, const char *name, char type)
{
	const struct leftover *l = ctx;
	size_t n = strlen(l->prefix);
	unsigned number;
	char end[8] = "";
	struct prs_fs_stat st;
	(void)type;
	if (strncmp(name, l->prefix, n) != 0 || sscanf(name + n, "%u.%7s", &number, end) != 2 ||
	    strcmp(end, "tmp") != 0 || number < FIRST_OWN || kill((pid_t)(number - FIRST_OWN), 0) == 0 ||
	    errno != ESRCH)
		return 0;
	PRS_AUTOFREE char *path = prs_strf("%s/%s", l->folder, name);
	if (path && program_fs()->stat(program_fs()->ctx, path, &st) == 0 && st.mtime_us + STALE_US < prs_wall_us())
		program_fs()->unlink(program_fs()->ctx, path);
	return 0;
}

static void remove_leftovers(const struct prs_run *run, const char *path)
{
	PRS_AUTOFREE char *folder = prs_path_folder(path);
	struct leftover l = { .folder = folder, .prefix = ".prs-" };
	for (int i = 0; i < 16; i++)
		snprintf(l.prefix + 5 + 2 * i, 3, "%02x", run->id.bytes[i]);
	strcat(l.prefix, "-");
	if (folder)
		program_fs()->list(program_fs()->ctx, folder, output_leftover, &l);
}

static int partial(const struct prs_run *run, enum prs_output_format format, const char *path, bool overwrite,
                   struct prs_err *err)
{
	struct partial p = { .view = { .plan = prs_plan_new() }, .format = format };
	struct prs_assembled made = { 0 };
	const struct prs_ledger_counts *c = &p.view.ledger.counts;
	int r = p.view.plan ? prs_ledger_init(&p.view.ledger, prs_plan_items_of, p.view.plan)
	                    : prs_fail(err, PRS_ENOMEM, "plan");
	if (!r)
		r = prs_index_new(&p.index, program_fs(), run->dir, OWN_EPOCH, err);
	remove_leftovers(run, path);
	if (!r)
		r = write_rows(&p, run, path, overwrite, &made, err);
	if (!r)
		cli_print_path(path);
	if (!r && p.bad)
		cli_tell(stderr,
		         "warning: the rows of %s are damaged and left out (%s); prs resume runs them "
		         "again\n",
		         prs_many(p.bad, "mini-batch").text, p.first_bad);
	if (!r)
		cli_tell(stderr, "%s of %s; %llu of them not done%s\n", prs_many(c->rows, "row").text,
		         prs_many(p.view.ledger.next_id, "mini-batch").text,
		         (unsigned long long)(p.view.ledger.next_id - c->units[PRS_UNIT_DONE]),
		         p.view.ledger.planned_all ? "" : ", and the input is still being listed");
	prs_index_free(p.index);
	prs_view_done(&p.view);
	return r;
}

static void print_outputs(const struct prs_run *run)
{
	char path[PATH_MAX + 16];
	snprintf(path, sizeof path, "%s/outputs", run->dir);
	cli_print_path(path);
}

static int whole(const struct prs_run *run, struct prs_err *err)
{
	struct prs_view v;
	int r = prs_view_read(&v, program_fs(), run, err);
	if (!r && v.ledger.job == PRS_JOB_COMPLETED && v.output[0])
		cli_print_path(v.output);
	else if (!r && v.ledger.job == PRS_JOB_COMPLETED)
		print_outputs(run); /* summary_only: the script's own */
	else if (!r)
		r = prs_fail(err, PRS_EINVALID,
		             "%s is %s: it has no output%s. prs output %s --partial writes the rows that there are",
		             run->name, prs_view_state(&v), v.running ? " yet" : "", run->name);
	prs_view_done(&v);
	return r;
}

/* What another user has in the place of outputs/ may lead anywhere. */
static int check_place(const struct prs_run *run, bool given, struct prs_err *err)
{
	if (given || prs_run_check_owner(run, false, err) == 0)
		return 0;
	return prs_fail(err, PRS_EPERMISSION, "%.300s belongs to another user: name a file of your own with --output",
	                run->dir);
}

/* How the rows of the run are written. */
static int read_format(const struct prs_run *run, enum prs_output_format *ret, struct prs_err *err)
{
	struct prs_job job;
	struct prs_placed placed;
	prs_job_init(&job);
	int r = prs_run_read_job(program_fs(), &job, &placed, run->dir, err);
	*ret = r ? PRS_OUTPUT_TEXT : (enum prs_output_format)job.o.output_format;
	prs_placed_done(&placed);
	prs_job_done(&job);
	return r;
}

/* Where a partial output lies that was given no name. The caller frees. */
static char *partial_path(const struct prs_run *run, enum prs_output_format format)
{
	bool text = format == PRS_OUTPUT_TEXT;
	return prs_strf("%s/outputs/partial.%s", run->dir, text ? "txt" : prs_output_format_name(format));
}

int cmd_output(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	enum prs_output_format format = PRS_OUTPUT_TEXT;
	const char *given = cli_option(a, PRS_OPTION_ID_output);
	int r = cli_find_run(a, a->words.n ? a->words.v[0] : NULL, &run, &err);
	if (!r && cli_has(a, "--partial"))
		r = read_format(&run, &format, &err);
	PRS_AUTOFREE char *path = given ? prs_strdup(given) : partial_path(&run, format);
	if (!r && !path)
		r = prs_fail(&err, PRS_ENOMEM, "output");
	if (!r && cli_has(a, "--partial"))
		r = check_place(&run, given != NULL, &err);
	if (!r && cli_has(a, "--partial"))
		r = partial(&run, format, path, !given || cli_option(a, PRS_OPTION_ID_overwrite), &err);
	else if (!r && given)
		r = prs_fail(&err, PRS_EINVALID, "--output belongs to --partial");
	else if (!r)
		r = whole(&run, &err);
	fflush(stdout);
	return r < 0 ? complain(prs_exit_of(err.code, true), &err) : 0;
}
