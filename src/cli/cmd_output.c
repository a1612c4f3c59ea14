/* SPDX-License-Identifier: Apache-2.0
 * cmd_output: prs output RUN: where the output is; --partial: a file of the rows that there are so far; --format: of
 * all rows of a run whose rows are tables, as another kind of file.
 */
#include "cli/pipelines.h"
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

/* What is asked for. */
struct wanted {
	enum prs_output_format rows, format; /* of the run, of the file */
	char *path;
	bool partial, overwrite;
	bool guessed;          /* job.json cannot be read: `rows` is text */
	struct prs_list types; /* output_types: of the job, then of the command */
};

struct partial {
	struct prs_view view;
	struct prs_index *index;
	const struct wanted *wanted;
	const struct prs_table_sink *sink;
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

/* How many mini-batches are neither done nor failed. */
static uint64_t left_to_do(const struct prs_ledger *l)
{
	return l->next_id - l->counts.units[PRS_UNIT_DONE] - l->counts.units[PRS_UNIT_FAILED];
}

static int check_rows(const struct partial *p, const struct prs_run *run, struct prs_err *err)
{
	const struct prs_ledger *l = &p->view.ledger;
	if (l->counts.rows == 0)
		return prs_fail(err, PRS_ENOTFOUND, "%s has no rows yet", run->name);
	if (p->wanted->guessed && p->has_headers)
		return prs_fail(err, PRS_EPERMISSION,
		                "what the columns of %s are is in its job.json, which only its "
		                "owner can read",
		                run->name);
	if (p->wanted->partial || (l->planned_all && !left_to_do(l)))
		return 0;
	return prs_fail(err, PRS_EINVALID,
	                "%s of %s %s not done yet: resume it first, or add --partial for the rows that there are",
	                prs_many(left_to_do(l), "mini-batch").text, run->name, left_to_do(l) == 1 ? "is" : "are");
}

static int write_rows(struct partial *p, const struct prs_run *run, struct prs_assembled *ret, struct prs_err *err)
{
	struct prs_recovered was;
	struct prs_recover_sink sink = { p, output_plan, output_fact };
	const struct wanted *w = p->wanted;
	int r = prs_store_recover(program_fs(), run->dir, &run->id, &sink, &was, err);
	if (!r)
		r = check_rows(p, run, err);
	struct prs_assemble_options o = { .path = w->path,
		                          .run = &run->id,
		                          .overwrite = w->overwrite,
		                          .epoch = OWN_EPOCH,
		                          .next_id = p->view.ledger.next_id,
		                          .format = w->format,
		                          .sink = p->sink,
		                          .rows = p->view.ledger.counts.rows,
		                          .partial = true };
	if (!r)
		r = prs_assemble(program_fs(), run->dir, p->index, &o, output_bad, p, ret, err);
	return r == -PRS_EOUTPUT_EXISTS || r == -PRS_EEXISTS
	               ? prs_fail(err, PRS_EOUTPUT_EXISTS,
	                          "%s exists: name another file, or replace it with --overwrite", w->path)
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

static void tell_rows(const struct partial *p)
{
	const struct prs_ledger_counts *c = &p->view.ledger.counts;
	cli_print_path(p->wanted->path);
	if (p->bad)
		cli_tell(stderr,
		         "warning: the rows of %s are damaged and left out (%s); prs resume runs them "
		         "again\n",
		         prs_many(p->bad, "mini-batch").text, p->first_bad);
	cli_tell(stderr, "%s of %s; %llu of them not done%s\n", prs_many(c->rows, "row").text,
	         prs_many(p->view.ledger.next_id, "mini-batch").text,
	         (unsigned long long)(p->view.ledger.next_id - c->units[PRS_UNIT_DONE]),
	         p->view.ledger.planned_all ? "" : ", and the input is not listed to its end");
}

static int write_file(const struct prs_run *run, const struct wanted *w, const struct prs_table_sink *sink,
                      struct prs_err *err)
{
	struct partial p = { .view = { .plan = prs_plan_new() }, .wanted = w, .sink = sink };
	struct prs_assembled made = { 0 };
	int r = p.view.plan ? prs_ledger_init(&p.view.ledger, prs_plan_items_of, p.view.plan)
	                    : prs_fail(err, PRS_ENOMEM, "plan");
	if (!r)
		r = prs_index_new(&p.index, program_fs(), run->dir, OWN_EPOCH, err);
	remove_leftovers(run, w->path);
	if (!r)
		r = write_rows(&p, run, &made, err);
	if (!r)
		tell_rows(&p);
	prs_index_free(p.index);
	prs_view_done(&p.view);
	return r;
}

/* Tables are written by a process of the job's Python. */
static int write_tables(const struct prs_run *run, const struct prs_placed *placed, const struct wanted *w,
                        struct prs_err *err)
{
	struct prs_front front = { .fs = program_fs() };
	struct prs_table_writer writer;
	if (prs_run_check_owner(run, false, err) < 0) /* its interpreter is run */
		return err->code;
	int r = prs_run_begin_writer(&front, run, placed, w->format, &w->types, &writer, err);
	if (!r)
		r = write_file(run, w, &writer.sink, err);
	prs_table_writer_end(&writer);
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

/* --format */
static int take_format(const struct cli_args *a, struct wanted *w, const struct prs_run *run, struct prs_err *err)
{
	const char *word = cli_value(a, "--format", 0);
	int f = PRS_OUTPUT_CSV;
	w->format = w->rows;
	if (!word)
		return 0;
	while (f <= PRS_OUTPUT_PARQUET && strcmp(prs_output_format_name(f), word) != 0)
		f++;
	if (f > PRS_OUTPUT_PARQUET)
		return prs_fail(err, PRS_EINVALID, "--format: expected csv, tsv, jsonl or parquet, found \"%.100s\"",
		                word);
	w->format = (enum prs_output_format)f;
	if (w->rows == PRS_OUTPUT_PARQUET || w->rows == w->format)
		return 0;
	return prs_fail(err, PRS_EINVALID,
	                "--format %s: the rows of %s are kept as %s, and only those of parquet can be written as "
	                "something else: start a new run with --output-format %s",
	                word, run->name, prs_output_format_name((int)w->rows), word);
}

static int take_types(const struct cli_args *a, struct wanted *w, const struct prs_job *j, struct prs_err *err)
{
	int r = 0;
	for (size_t i = 0; i < j->o.output_types.n && !r; i++)
		r = prs_list_add(&w->types, j->o.output_types.v[i]);
	for (size_t i = 0; i < a->options_n && !r; i++)
		if (a->options[i].row == prs_option_at(PRS_OPTION_ID_output_types))
			r = prs_list_add(&w->types, a->options[i].value);
	return r < 0 ? prs_fail(err, PRS_ENOMEM, "output") : prs_job_check_types(&w->types, err);
}

/* Where a file lies that was given no name. The caller frees. */
static char *default_path(const struct prs_run *run, const struct wanted *w)
{
	const char *ending = w->format == PRS_OUTPUT_TEXT ? "txt" : prs_output_format_name((int)w->format);
	return prs_strf("%s/outputs/%s.%s", run->dir, w->partial ? "partial" : "parallel_run_step", ending);
}

static int write_output(const struct cli_args *a, const struct prs_run *run, struct prs_err *err)
{
	struct prs_job job;
	struct prs_placed placed;
	const char *given = cli_option(a, PRS_OPTION_ID_output);
	struct wanted w = { .partial = cli_has(a, "--partial"),
		            .overwrite = !given || cli_option(a, PRS_OPTION_ID_overwrite) };
	if (check_place(run, given != NULL, err) < 0)
		return err->code;
	prs_job_init(&job);
	int r = prs_run_read_job(program_fs(), &job, &placed, run->dir, err);
	w.guessed = r == -PRS_EPERMISSION; /* lines of text need nothing of it */
	r = w.guessed ? 0 : r;
	w.rows = (enum prs_output_format)job.o.output_format;
	if (!r)
		r = take_format(a, &w, run, err);
	if (!r)
		r = take_types(a, &w, &job, err);
	w.path = given ? prs_strdup(given) : default_path(run, &w);
	if (!r && !w.path)
		r = prs_fail(err, PRS_ENOMEM, "output");
	if (!r)
		r = w.rows == PRS_OUTPUT_PARQUET ? write_tables(run, &placed, &w, err) : write_file(run, &w, NULL, err);
	prs_list_done(&w.types);
	prs_freep(&w.path);
	prs_placed_done(&placed);
	prs_job_done(&job);
	return r;
}

int cmd_output(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	const char *given = cli_option(a, PRS_OPTION_ID_output);
	bool rows = cli_has(a, "--partial") || cli_value(a, "--format", 0) || given;
	int r = cli_find_any(a, a->words.n ? a->words.v[0] : NULL, &run, &err);
	if (!r && run.kind == PRS_RUN_PIPELINE && !rows)
		return cli_pipeline_output(&run);
	if (!r && run.kind == PRS_RUN_PIPELINE)
		r = cli_refuse_pipeline(a, &run, &err);
	if (!r && (cli_has(a, "--partial") || cli_value(a, "--format", 0)))
		r = write_output(a, &run, &err);
	else if (!r && given)
		r = prs_fail(&err, PRS_EINVALID, "--output belongs to --partial and --format");
	else if (!r)
		r = whole(&run, &err);
	fflush(stdout);
	return r < 0 ? complain(prs_exit_of(err.code, true), &err) : 0;
}
