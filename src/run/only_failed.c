/* SPDX-License-Identifier: Apache-2.0
 * only_failed: --only-failed RUN: the items that failed in a run as the input of a job.
 *
 * They are read from the run's journal and plan (what failed_items.jsonl is made from), so that every name survives
 * and each item keeps the input it belongs to. The paths of an input go to an unnamed file, 0 bytes between them
 * (data/list_file.h), in the order of the run.
 */
#include "run/only_failed.h"

#include "base/many.h"
#include "base/mem.h"
#include "data/list.h"
#include "data/rows_list.h"
#include "report/console.h"
#include "run/folder.h"
#include "run/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMED = 3 };

struct prs_only_failed {
	struct prs_run run;
	struct prs_job was;
	struct prs_placed was_placed;
	struct prs_view view;
	uint64_t items, gone, nameless; /* nameless: of mini-batches that returned less than they got */
	struct prs_buf lost;            /* the first names of what is gone */
};

bool prs_only_failed_none(const struct prs_only_failed *o, struct prs_buf *to)
{
	if (!o->items)
		prs_buf_putf(to, "%s has no failed items%s: there is nothing to run\n", o->run.name,
		             o->nameless ? " that are known by name" : "");
	return !o->items;
}

void prs_only_failed_free(struct prs_only_failed *o)
{
	if (!o)
		return;
	prs_placed_done(&o->was_placed);
	prs_job_done(&o->was);
	prs_view_done(&o->view);
	prs_buf_done(&o->lost);
	prs_freep(&o);
}

static int read_run(struct prs_only_failed *o, const struct prs_fs *fs, const char *runs, const char *word,
                    struct prs_err *err)
{
	prs_job_init(&o->was);
	o->was_placed.job = &o->was;
	prs_buf_init(&o->lost, 64 << 10);
	if (prs_run_find(fs, runs, word, &o->run, err) < 0 ||
	    prs_run_read_job(fs, &o->was, &o->was_placed, o->run.dir, err) < 0 ||
	    prs_view_read(&o->view, fs, &o->run, err) < 0)
		return err->code;
	if (o->view.running)
		return prs_fail(err, PRS_EBUSY, "%s still runs: what fails in it is known at its end", o->run.name);
	if (!strcmp(prs_view_state(&o->view), "unknown"))
		return prs_fail(err, PRS_EBUSY, "%s: running or not: unknown, so what fails in it is not known",
		                o->run.name);
	prs_view_failed(&o->view);
	uint64_t failed = o->view.ledger.counts.items_failed;
	for (size_t i = 0; i < o->view.failed_n; i++)
		o->items += prs_ledger_items(&o->view.ledger, &o->view.failed[i].unit);
	o->nameless = failed > o->items ? failed - o->items : 0;
	return 0;
}

struct prs_only_failed *prs_only_failed_read(const struct prs_fs *fs, const char *runs, const char *word,
                                             struct prs_err *err)
{
	struct prs_only_failed *o = prs_calloc(1, sizeof *o);
	if (o && read_run(o, fs, runs, word, err) == 0)
		return o;
	if (!o)
		prs_fail(err, PRS_ENOMEM, "--only-failed");
	prs_wrap(err, "--only-failed");
	prs_only_failed_free(o);
	return NULL;
}

int prs_only_failed_inputs(const struct prs_only_failed *o, struct prs_request *q, struct prs_err *err)
{
	const struct prs_option_row *row = prs_option_at(PRS_OPTION_ID_input);
	for (size_t i = 0; i < o->was.inputs_n; i++) {
		const struct prs_job_input *in = &o->was.inputs[i];
		PRS_AUTOFREE char *text = prs_strf("%s=%s%s", in->name, in->is_list ? "@" : "", in->path);
		if (!text || prs_request_ask(q, row, text, "--only-failed") < 0)
			return prs_fail(err, PRS_ENOMEM, "the inputs");
	}
	return 0;
}

/* ---- which items ------------------------------------------------------------------------------------------------- */

/* The input of the job that takes the items of the run's k-th: the one of that name, else with as many inputs the
 * one in that place. */
static size_t input_for(const struct prs_only_failed *o, const struct prs_job *j, size_t k)
{
	for (size_t i = 0; i < j->inputs_n; i++)
		if (!strcmp(j->inputs[i].name, o->was.inputs[k].name))
			return i;
	return j->inputs_n == o->was.inputs_n ? k : j->inputs_n;
}

static void note_gone(struct prs_only_failed *o, const char *path)
{
	if (o->gone++ >= NAMED)
		return;
	prs_buf_puts(&o->lost, o->gone > 1 ? ", " : "");
	prs_put_plain(&o->lost, path);
}

/* What is taken of an input: paths, or rows. */
struct taking {
	struct prs_buf *to;
	size_t last;
};

/* 1: the unit is rows of a text file. */
static int take_rows(struct prs_only_failed *o, const struct prs_unit *u, struct taking *t)
{
	struct stat st;
	struct prs_rows_at rows;
	PRS_AUTOBUF path;
	prs_buf_init(&path, PATH_MAX);
	int r = prs_plan_slice(o->view.plan, u, &rows, &path);
	if (r != 1)
		return r;
	if (lstat(rows.path, &st) < 0)
		note_gone(o, rows.path);
	prs_rows_list_put(t->to, &t->last, &rows);
	return 1;
}

/* The items of a unit behind those of its input. A link that leads nowhere is an item, as when the input was listed. */
static int take(struct prs_only_failed *o, const struct prs_unit *u, struct taking *t, struct prs_err *err)
{
	struct stat st;
	struct prs_buf *to = t->to;
	size_t from = to->len;
	int r = take_rows(o, u, t);
	if (r == 1 && !to->failed)
		return 0;
	if (r == 0)
		r = prs_plan_paths(o->view.plan, u, to);
	if (to->failed)
		r = to->failed;
	if (r < 0)
		return prs_fail(err, (enum prs_code) - r, "the items of mini-batch %llu of %s",
		                (unsigned long long)u->id, o->run.name);
	for (const char *p = (const char *)to->data + from, *end = (const char *)to->data + to->len; p < end;
	     p += strlen(p) + 1)
		if (lstat(p, &st) < 0)
			note_gone(o, p);
	return 0;
}

/* An unnamed file of this process; its descriptor stays open. The path is the caller's. */
static char *unnamed_file(const struct prs_buf *b, struct prs_err *err)
{
	int fd = memfd_create("only-failed", MFD_CLOEXEC);
	size_t at = 0;
	while (fd >= 0 && at < b->len) {
		ssize_t n = write(fd, b->data + at, b->len - at);
		if (n < 0 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	char *path = fd >= 0 && at == b->len ? prs_strf("/proc/self/fd/%d", fd) : NULL;
	if (!path)
		prs_fail_errno(err, errno, "the list of what failed");
	return path;
}

/* The job's i-th input becomes the failed items that are its own. */
static int cut_input(struct prs_only_failed *o, struct prs_job *j, size_t i, struct prs_err *err)
{
	PRS_AUTOBUF paths;
	prs_buf_init(&paths, PRS_LIST_FILE_BYTES_MAX);
	struct taking t = { &paths, SIZE_MAX };
	for (size_t k = 0; k < o->view.failed_n; k++) {
		const struct prs_unit *u = &o->view.failed[k].unit;
		uint16_t input = prs_plan_input_of(o->view.plan, u->id);
		if (input < o->was.inputs_n && input_for(o, j, input) == i && take(o, u, &t, err) < 0)
			return err->code;
	}
	j->inputs[i].only = unnamed_file(&paths, err);
	return j->inputs[i].only ? 0 : err->code;
}

static bool has_failed(const struct prs_only_failed *o, size_t input)
{
	for (size_t k = 0; k < o->view.failed_n; k++)
		if (prs_plan_input_of(o->view.plan, o->view.failed[k].unit.id) == input)
			return true;
	return false;
}

/* Rows are taken one by one where they lie in a row in their file. */
static const char *not_taken(enum prs_input_kind was, bool is_table)
{
	switch (was) {
	case PRS_INPUT_FILES:
	case PRS_INPUT_GROUPS: return is_table ? "its items were files, and are rows now" : NULL;
	case PRS_INPUT_DELIMITED:
	case PRS_INPUT_LINES: return is_table ? NULL : "its items were rows, and are files now: --input-format tabular";
	case PRS_INPUT_PARQUET: return "rows of Parquet files cannot be taken one by one yet: run the job on all of it";
	case PRS_INPUT_SPOOL: break;
	}
	return "rows that are grouped by keys cannot be taken one by one yet: run the job on all of it";
}

static unsigned check_kinds(const struct prs_only_failed *o, const struct prs_job *j, struct prs_buf *mistakes)
{
	unsigned n = 0;
	for (size_t k = 0; k < o->was.inputs_n; k++) {
		size_t i = input_for(o, j, k);
		if (i == j->inputs_n || !has_failed(o, k))
			continue;
		enum prs_input_kind kind = prs_plan_input_kind(o->view.plan, (uint16_t)k);
		bool is_table = j->inputs[i].table;
		const char *why = not_taken(is_table && j->o.partition_keys.n ? PRS_INPUT_SPOOL : kind, is_table);
		if (!why)
			continue;
		prs_buf_putf(mistakes, "--only-failed: the input %s of %s: %s\n", o->was.inputs[k].name, o->run.name,
		             why);
		n++;
	}
	return n;
}

static unsigned check_inputs(const struct prs_only_failed *o, const struct prs_job *j, struct prs_buf *mistakes)
{
	unsigned n = 0;
	for (size_t k = 0; k < o->was.inputs_n; k++) {
		if (input_for(o, j, k) < j->inputs_n || !has_failed(o, k))
			continue;
		prs_buf_putf(mistakes,
		             "--only-failed: items of the input %s of %s failed, but this job has no input of that "
		             "name\n",
		             o->was.inputs[k].name, o->run.name);
		n++;
	}
	return n + check_kinds(o, j, mistakes);
}

static int remember(const struct prs_only_failed *o, struct prs_job *j, struct prs_err *err)
{
	j->only_failed = prs_strdup(o->run.dir);
	j->only_failed_name = prs_strdup(o->run.name);
	j->only_failed_items = o->items;
	return j->only_failed && j->only_failed_name ? 0 : prs_fail(err, PRS_ENOMEM, "the job");
}

static int cut_inputs(struct prs_only_failed *o, struct prs_job *j, struct prs_err *err)
{
	if (remember(o, j, err) < 0)
		return err->code;
	for (size_t i = 0; i < j->inputs_n; i++)
		if (cut_input(o, j, i, err) < 0)
			return err->code;
	return 0;
}

unsigned prs_only_failed_choose(struct prs_only_failed *o, struct prs_job *j, struct prs_buf *mistakes)
{
	struct prs_err err = { 0 };
	unsigned n = check_inputs(o, j, mistakes);
	if (!n && cut_inputs(o, j, &err) < 0) {
		prs_buf_putf(mistakes, "--only-failed: %s\n", err.msg);
		n++;
	}
	if (!o->gone)
		return n;
	prs_buf_putf(mistakes, "--only-failed: %llu of the %s that failed in %s %s not there any more: %s%s\n",
	             (unsigned long long)o->gone, prs_many(o->items, "item").text, o->run.name,
	             o->gone == 1 ? "is" : "are", prs_buf_str(&o->lost), o->gone > NAMED ? ", ..." : "");
	return n + 1;
}

/* ---- what a person must know ------------------------------------------------------------------------------------- */

void prs_only_failed_notes(const struct prs_only_failed *o, struct prs_buf *to)
{
	const struct prs_ledger_counts *c = &o->view.ledger.counts;
	const char *state = prs_view_state(&o->view), *name = o->run.name;
	uint64_t final = c->units[PRS_UNIT_DONE] + c->units[PRS_UNIT_FAILED];
	if (o->nameless)
		prs_buf_putf(to,
		             "warning: %s of %s had no row because run() returned too few: which ones is not "
		             "known, they are not taken\n",
		             prs_many(o->nameless, "item").text, name);
	if (final < o->view.ledger.next_id || !o->view.ledger.planned_all)
		prs_buf_putf(to,
		             "warning: %s is %s and did not get to the end of its input; what did not run there is not "
		             "taken (prs resume %s%s goes on with it)\n",
		             name, state, name, strcmp(state, "interrupted") ? " --retry-failed" : "");
}

int prs_only_failed_check_output(const struct prs_only_failed *o, const struct prs_placed *p, struct prs_err *err)
{
	struct stat mine, its;
	if (!p->output_file || !o->was.output_file || stat(p->output_file, &mine) < 0 ||
	    stat(o->was.output_file, &its) < 0)
		return 0;
	if (mine.st_dev != its.st_dev || mine.st_ino != its.st_ino)
		return 0;
	return prs_fail(err, PRS_EEXISTS,
	                "%s is the output of %s, with the rows of all that did not fail: give this run another output",
	                p->output_file, o->run.name);
}
