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
#include "report/console.h"
#include "run/folder.h"
#include "run/only_tables.h"
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
	uint64_t items;          /* that are taken */
	uint64_t gone, nameless; /* nameless: of mini-batches that returned less than they got */
	uint64_t in_part;        /* partitions of which only a part failed */
	struct prs_buf lost;     /* the first names of what is gone */
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

/* The unit is of another mini-batch than the one before it: of a partition all is taken at once. */
static bool is_first_of_id(const struct prs_only_failed *o, size_t k)
{
	return !k || o->view.failed[k - 1].unit.id != o->view.failed[k].unit.id;
}

/* Of partitions all items are taken. */
static void count_items(struct prs_only_failed *o)
{
	uint64_t all = o->view.ledger.counts.items_failed, failed = 0;
	for (size_t i = 0; i < o->view.failed_n; i++) {
		struct prs_unit u = o->view.failed[i].unit;
		uint64_t items = prs_ledger_items(&o->view.ledger, &u), of_id = prs_plan_items_of(o->view.plan, u.id);
		bool first = is_first_of_id(o, i), keyed = o->was.o.partition_keys.n;
		failed += items;
		o->items += keyed ? first * of_id : items;
		o->in_part += keyed && first && items < of_id;
	}
	o->nameless = all > failed ? all - failed : 0;
}

static int refuse_pipeline(const struct prs_run *run, struct prs_err *err)
{
	if (run->kind != PRS_RUN_PIPELINE)
		return 0;
	return prs_fail(err, PRS_EINVALID, "%s is a pipeline: give one of its steps, %s/STEP", run->name, run->name);
}

static int read_run(struct prs_only_failed *o, const struct prs_fs *fs, const char *runs, const char *word,
                    struct prs_err *err)
{
	prs_job_init(&o->was);
	o->was_placed.job = &o->was;
	prs_buf_init(&o->lost, 64 << 10);
	if (prs_run_find(fs, runs, word, &o->run, err) < 0 || refuse_pipeline(&o->run, err) < 0 ||
	    prs_run_read_job(fs, &o->was, &o->was_placed, o->run.dir, err) < 0 ||
	    prs_view_read(&o->view, fs, &o->run, err) < 0)
		return err->code;
	if (o->view.running)
		return prs_fail(err, PRS_EBUSY, "%s still runs: what fails in it is known at its end", o->run.name);
	if (!strcmp(prs_view_state(&o->view), "unknown"))
		return prs_fail(err, PRS_EBUSY, "%s: running or not: unknown, so what fails in it is not known",
		                o->run.name);
	prs_view_failed(&o->view);
	prs_plan_spools(o->view.plan, fs, o->run.dir);
	count_items(o);
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

/* Some stand there more than once. */
static void note_all_gone(struct prs_only_failed *o, const struct prs_buf *paths)
{
	struct stat st;
	const char *last = "", *p = (const char *)paths->data;
	for (size_t n = 0; n < paths->len; last = p + n, n += strlen(p + n) + 1)
		if (strcmp(last, p + n) != 0 && lstat(p + n, &st) < 0)
			note_gone(o, p + n);
}

/* The items of a unit behind those of its input. A link that leads nowhere is an item, as when the input was listed. */
static int take(struct prs_only_failed *o, size_t k, struct prs_only_rows *t, struct prs_err *err)
{
	struct prs_unit u = o->view.failed[k].unit, whole = { .id = u.id };
	bool first = is_first_of_id(o, k), keyed = o->was.o.partition_keys.n;
	size_t from = t->to->len;
	int r = prs_only_rows_take(t, &u, first);
	if (r == 0 && (first || !keyed))
		r = prs_plan_paths(o->view.plan, keyed ? &whole : &u, t->to);
	if (r == 0 && t->is_files)
		r = prs_buf_put(t->paths, t->to->data + from, t->to->len - from);
	if (r < 0)
		return prs_fail(err, (enum prs_code) - r, "the items of mini-batch %llu of %s",
		                (unsigned long long)u.id, o->run.name);
	note_all_gone(o, t->paths);
	prs_buf_clear(t->paths);
	if (t->no_origins)
		return prs_fail(err, PRS_ENOTFOUND,
		                "the spool of %s cannot be read, which says where the rows of its partitions come "
		                "from: run the job on all of its input",
		                o->run.name);
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

/* The types of its columns, as the first input of the run had them that it takes rows of. */
static int put_types(struct prs_only_failed *o, struct prs_job *j, size_t i, struct prs_only_rows *t,
                     struct prs_err *err)
{
	size_t k = 0;
	while (k < o->was.inputs_n && input_for(o, j, k) != i)
		k++;
	if (k < o->was.inputs_n && j->inputs[i].table && prs_only_rows_types(t, &o->was, k, j, i) < 0)
		return prs_fail(err, PRS_ENOMEM, "the types of the columns");
	return 0;
}

/* The job's i-th input becomes the failed items that are its own. */
static int cut_input(struct prs_only_failed *o, struct prs_job *j, size_t i, struct prs_err *err)
{
	PRS_AUTOBUF list;
	PRS_AUTOBUF paths;
	prs_buf_init(&list, PRS_LIST_FILE_BYTES_MAX);
	prs_buf_init(&paths, SIZE_MAX / 2);
	struct prs_only_rows t = { o->view.plan, &list, SIZE_MAX, &paths, .is_files = !j->inputs[i].table };
	for (size_t k = 0; k < o->view.failed_n; k++) {
		uint16_t input = prs_plan_input_of(o->view.plan, o->view.failed[k].unit.id);
		if (input < o->was.inputs_n && input_for(o, j, input) == i && take(o, k, &t, err) < 0)
			return err->code;
	}
	if (put_types(o, j, i, &t, err) < 0)
		return err->code;
	j->inputs[i].only = unnamed_file(&list, err);
	return j->inputs[i].only ? 0 : err->code;
}

static bool has_failed(const struct prs_only_failed *o, size_t input)
{
	for (size_t k = 0; k < o->view.failed_n; k++)
		if (prs_plan_input_of(o->view.plan, o->view.failed[k].unit.id) == input)
			return true;
	return false;
}

static void put_keys(const struct prs_list *keys, struct prs_buf *to)
{
	for (size_t i = 0; i < keys->n; i++) {
		prs_buf_puts(to, i ? "," : "");
		prs_put_plain(to, keys->v[i]);
	}
}

static bool same_keys(const struct prs_list *a, const struct prs_list *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; i < a->n && same; i++)
		same = !strcmp(a->v[i], b->v[i]);
	return same;
}

/* Rows are taken as they were: one by one, or by their partitions. */
static void put_other_keys(const struct prs_list *was, const struct prs_list *now, struct prs_buf *to)
{
	prs_buf_puts(to, was->n ? "its rows were partitions by " : "its rows were no partitions, and are now, by ");
	put_keys(was->n ? was : now, to);
	if (was->n && !now->n)
		prs_buf_puts(to, ", and are none now");
	if (was->n && now->n) {
		prs_buf_puts(to, ", and are now by ");
		put_keys(now, to);
	}
	if (!was->n) {
		prs_buf_puts(to, ": without partition keys they are taken one by one");
		return;
	}
	prs_buf_puts(to, ": --partition-keys ");
	put_keys(was, to);
	prs_buf_puts(to, " takes what failed, or run the job on all of its input");
}

/* Why the items of an input cannot be taken; nothing: they can. */
static void put_not_taken(const struct prs_only_failed *o, const struct prs_job *j, enum prs_input_kind was,
                          bool is_table, struct prs_buf *to)
{
	bool was_files = was == PRS_INPUT_FILES || was == PRS_INPUT_GROUPS;
	if (was_files && is_table)
		prs_buf_puts(to, "its items were files, and are rows now");
	else if (!was_files && !is_table)
		prs_buf_puts(to, "its items were rows, and are files now: --input-format tabular");
	else if (is_table && !same_keys(&o->was.o.partition_keys, &j->o.partition_keys))
		put_other_keys(&o->was.o.partition_keys, &j->o.partition_keys, to);
}

static unsigned check_kinds(const struct prs_only_failed *o, const struct prs_job *j, struct prs_buf *mistakes)
{
	unsigned n = 0;
	for (size_t k = 0; k < o->was.inputs_n; k++) {
		size_t i = input_for(o, j, k);
		if (i == j->inputs_n || !has_failed(o, k))
			continue;
		enum prs_input_kind kind = prs_plan_input_kind(o->view.plan, (uint16_t)k);
		PRS_AUTOBUF why;
		prs_buf_init(&why, 64 << 10);
		put_not_taken(o, j, kind, j->inputs[i].table, &why);
		if (!why.len)
			continue;
		prs_buf_putf(mistakes, "--only-failed: the input %s of %s: %s\n", o->was.inputs[k].name, o->run.name,
		             prs_buf_str(&why));
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
	if (o->in_part)
		prs_buf_putf(to,
		             "warning: %s of %s failed in part and run%s again as a whole: rows of %s are in the "
		             "output of that run, too\n",
		             prs_many(o->in_part, "partition").text, name, o->in_part == 1 ? "s" : "",
		             o->in_part == 1 ? "it" : "them");
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
