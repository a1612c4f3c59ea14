/* SPDX-License-Identifier: Apache-2.0
 * cmd_list: prs list: all runs of a folder, newest first, with state, items, how long it took, input and age.
 */
#include "cli/pipelines.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/wrap.h"
#include "io/loop.h"
#include "report/console.h"
#include "run/view.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void cli_put_time(struct prs_buf *to, uint64_t wall_us)
{
	char text[32] = "";
	time_t s = (time_t)(wall_us / 1000000);
	struct tm tm;
	if (localtime_r(&s, &tm))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	prs_buf_puts(to, wall_us ? text : "never");
}

void cli_put_age(struct prs_buf *to, uint64_t now_us, uint64_t then_us)
{
	static const struct {
		uint64_t seconds;
		const char *unit;
	} steps[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	uint64_t age = now_us > then_us ? (now_us - then_us) / 1000000 : 0;
	size_t i = 0;
	while (i < 3 && age < 2 * steps[i].seconds)
		i++;
	prs_buf_putf(to, "%llu %s", (unsigned long long)(age / steps[i].seconds), steps[i].unit);
}

enum column { RUN, STATE, ITEMS, TIME, INPUT, AGE, COLUMNS };
enum { CELL_BYTES = 4200, INPUT_LEAST = 8, GAP = 2 };

/* How a column is shown; where a table has no room, inputs are cut, then the age goes: the name has the date. */
static const struct {
	const char *title;
	bool right;
} shapes[COLUMNS] = { [RUN] = { "RUN", false },  [STATE] = { "STATE", false }, [ITEMS] = { "ITEMS", true },
	              [TIME] = { "TIME", true }, [INPUT] = { "INPUT", false }, [AGE] = { "AGE", true } };

struct table {
	char (*cells)[COLUMNS][CELL_BYTES];
	size_t n;
};

static void put_cell(struct table *t, enum column c, struct prs_buf *text)
{
	snprintf(t->cells[t->n][c], CELL_BYTES, "%s", prs_buf_str(text));
	prs_buf_clear(text);
}

/* "completed, 10 items failed": of every state, as there is no column of its own for it. */
static void put_state(struct prs_buf *b, const struct prs_view *v)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	prs_view_put_state(b, v);
	if (v->ledger.job == PRS_JOB_COMPLETED || c->items_failed <= c->items_missing)
		return;
	prs_buf_puts(b, ", ");
	prs_put_many(b, c->items_failed - c->items_missing, "item");
	prs_buf_puts(b, " failed");
}

/* The first input of the job as a person writes it; "+2": there are others. Nothing where its job cannot be read. */
static void put_input(struct prs_buf *b, const struct prs_run *run)
{
	char shown[PATH_MAX];
	struct prs_err err;
	struct prs_job j;
	struct prs_placed placed = { .job = &j };
	prs_job_init(&j);
	if (prs_run_read_job(program_fs(), &j, &placed, run->dir, &err) == 0 && j.inputs_n > 0) {
		prs_put_plain(b, cli_short_path(j.inputs[0].path, shown, sizeof shown));
		if (j.inputs_n > 1)
			prs_buf_putf(b, " +%zu", j.inputs_n - 1);
	}
	prs_placed_done(&placed);
	prs_job_done(&j);
}

static void fill_row(struct table *t, const struct prs_run *run, const struct prs_view *v, uint64_t now)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 16384);
	prs_put_plain(&b, run->name);
	put_cell(t, RUN, &b);
	put_state(&b, v);
	put_cell(t, STATE, &b);
	prs_put_count(&b, c->items_succeeded);
	prs_buf_puts(&b, v->ledger.planned_all ? "/" : "/>=");
	prs_put_count(&b, c->items);
	put_cell(t, ITEMS, &b);
	prs_put_duration(&b, prs_view_duration_us(v, now));
	put_cell(t, TIME, &b);
	put_input(&b, run);
	put_cell(t, INPUT, &b);
	if (v->first_us)
		cli_put_age(&b, now, v->first_us);
	put_cell(t, AGE, &b);
	t->n++;
}

static void put_json(struct prs_buf *b, const struct prs_run *run, const struct prs_view *v, uint64_t now)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	PRS_AUTOBUF input;
	prs_buf_init(&input, 16384);
	put_input(&input, run);
	prs_buf_puts(b, "{\"run\": ");
	prs_put_json(b, run->name);
	prs_buf_puts(b, ", \"dir\": ");
	prs_put_json(b, run->dir);
	prs_buf_putf(b, ", \"state\": \"%s\", \"planned\": %s", prs_view_state(v),
	             v->ledger.planned_all ? "true" : "false");
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = { { "mini_batches", v->ledger.next_id },
		        { "done", c->units[PRS_UNIT_DONE] },
		        { "failed", c->units[PRS_UNIT_FAILED] },
		        { "items", c->items },
		        { "items_succeeded", c->items_succeeded },
		        { "items_failed", c->items_failed },
		        { "started_us", v->first_us },
		        { "last_us", v->last_us },
		        { "wall_us", prs_view_duration_us(v, now) } };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		prs_buf_putf(b, ", \"%s\": %llu", numbers[i].key, (unsigned long long)numbers[i].value);
	prs_buf_puts(b, ", \"input\": ");
	prs_put_json(b, prs_buf_str(&input));
	prs_buf_puts(b, "}\n");
}

/* Of a pipeline steps are counted. */
static void fill_pipeline(struct table *t, const struct prs_run *run, const struct prs_pipeline_view *v, uint64_t now)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 16384);
	prs_put_plain(&b, run->name);
	put_cell(t, RUN, &b);
	prs_buf_puts(&b, prs_pipeline_view_state(v));
	put_cell(t, STATE, &b);
	if (v->pipeline)
		prs_buf_putf(&b, "%zu/%s", cli_pipeline_done(v), prs_many(v->pipeline->steps_n, "step").text);
	put_cell(t, ITEMS, &b);
	prs_put_duration(&b, prs_pipeline_view_duration_us(v, now));
	put_cell(t, TIME, &b);
	prs_buf_puts(&b, "pipeline");
	put_cell(t, INPUT, &b);
	if (v->past.first_us)
		cli_put_age(&b, now, v->past.first_us);
	put_cell(t, AGE, &b);
	t->n++;
}

static void put_pipeline_json(struct prs_buf *b, const struct prs_run *run, const struct prs_pipeline_view *v,
                              uint64_t now)
{
	prs_buf_puts(b, "{\"run\": ");
	prs_put_json(b, run->name);
	prs_buf_puts(b, ", \"kind\": \"pipeline\", \"dir\": ");
	prs_put_json(b, run->dir);
	prs_buf_putf(b,
	             ", \"state\": \"%s\", \"steps\": %zu, \"steps_done\": %zu, \"steps_failed\": %zu, "
	             "\"started_us\": %llu, \"last_us\": %llu, \"wall_us\": %llu}\n",
	             prs_pipeline_view_state(v), v->pipeline ? v->pipeline->steps_n : 0,
	             v->pipeline ? cli_pipeline_done(v) : 0,
	             v->pipeline ? prs_pipeline_past_count(&v->past, PRS_STEP_FAILED) : 0,
	             (unsigned long long)v->past.first_us, (unsigned long long)v->past.last_us,
	             (unsigned long long)prs_pipeline_view_duration_us(v, now));
}

/* One that cannot be read is a row too. */
static void bad_row(struct table *t, struct prs_buf *json, const char *name, const struct prs_err *err)
{
	if (json) {
		prs_buf_puts(json, "{\"run\": ");
		prs_put_json(json, name);
		prs_buf_puts(json, ", \"state\": \"unreadable\", \"cause\": ");
		prs_put_json(json, err->msg);
		prs_buf_puts(json, "}\n");
		return;
	}
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_put_plain(&b, name);
	put_cell(t, RUN, &b);
	snprintf(t->cells[t->n++][STATE], CELL_BYTES, "unreadable");
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static unsigned cell_columns(const char *text) { return prs_columns(text, strlen(text)); }

static void measure(const struct table *t, unsigned width[COLUMNS])
{
	for (int c = 0; c < COLUMNS; c++) {
		width[c] = cell_columns(shapes[c].title);
		for (size_t i = 0; i < t->n; i++) {
			unsigned w = cell_columns(t->cells[i][c]);
			width[c] = w > width[c] ? w : width[c];
		}
	}
}

static unsigned all_columns(const unsigned width[COLUMNS])
{
	unsigned all = width[0];
	for (int c = 1; c < COLUMNS; c++)
		all += width[c] ? GAP + width[c] : 0;
	return all;
}

/* Makes the table as narrow as that; false: it cannot be. A width of 0: the column is not shown. */
static bool fit(unsigned width[COLUMNS], unsigned columns)
{
	unsigned all = all_columns(width);
	if (all > columns && width[INPUT] > INPUT_LEAST) {
		unsigned over = all - columns, spare = width[INPUT] - INPUT_LEAST;
		width[INPUT] -= over < spare ? over : spare;
	}
	if (all_columns(width) > columns)
		width[AGE] = 0;
	return all_columns(width) <= columns;
}

static void put_aligned(struct prs_buf *b, const char *text, enum column c, unsigned width)
{
	PRS_AUTOBUF cut;
	prs_buf_init(&cut, CELL_BYTES);
	prs_put_cut(&cut, text, width, PRS_CUT_FRONT, cli_shows_utf8());
	int blanks = (int)(width - cell_columns(prs_buf_str(&cut)));
	prs_buf_putf(b, "%s%*s%s", c ? "  " : "", shapes[c].right ? blanks : 0, "", prs_buf_str(&cut));
	if (!shapes[c].right)
		prs_buf_putf(b, "%*s", blanks, "");
}

static void put_table(struct prs_buf *b, const struct table *t, const unsigned width[COLUMNS])
{
	for (size_t i = 0; i <= t->n; i++) {
		for (int c = 0; c < COLUMNS; c++)
			if (width[c])
				put_aligned(b, i ? t->cells[i - 1][c] : shapes[c].title, (enum column)c, width[c]);
		while (b->len && b->data[b->len - 1] == ' ')
			b->len--;
		prs_buf_putc(b, '\n');
	}
}

/* Each run on lines of its own: its name, then all that is known. */
static void put_records(struct prs_buf *b, const struct table *t)
{
	static const struct {
		enum column column;
		const char *before, *after;
	} parts[] = { { STATE, "", "" },
		      { ITEMS, "; ", " items" },
		      { TIME, " in ", "" },
		      { INPUT, "; ", "" },
		      { AGE, "; ", " ago" } };
	for (size_t i = 0; i < t->n; i++) {
		prs_buf_putf(b, "%s\n  ", t->cells[i][RUN]);
		for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
			const char *text = t->cells[i][parts[p].column];
			if (text[0])
				prs_buf_putf(b, "%s%s%s", parts[p].before, text, parts[p].after);
		}
		prs_buf_putc(b, '\n');
	}
}

static void print_table(struct prs_buf *b, const struct table *t)
{
	unsigned width[COLUMNS], columns = cli_columns(1);
	measure(t, width);
	if (!columns || fit(width, columns))
		put_table(b, t, width);
	else
		put_records(b, t);
}

static void add_pipeline(struct table *t, struct prs_buf *json, const char *name, const struct prs_run *run,
                         uint64_t now)
{
	struct prs_err err = { 0 };
	struct prs_pipeline_view v;
	int r = prs_pipeline_view_read(&v, program_fs(), run, &err);
	if (r < 0 && !v.half_made)
		bad_row(t, json, name, &err);
	else if (json)
		put_pipeline_json(json, run, &v, now);
	else
		fill_pipeline(t, run, &v, now);
	prs_pipeline_view_done(&v);
}

static void add_run(struct table *t, struct prs_buf *json, const char *name, const struct prs_run *run, uint64_t now)
{
	struct prs_err err = { 0 };
	struct prs_view v = { .plan = NULL };
	if (prs_view_read(&v, program_fs(), run, &err) < 0)
		bad_row(t, json, name, &err);
	else if (json)
		put_json(json, run, &v, now);
	else
		fill_row(t, run, &v, now);
	prs_view_done(&v);
}

int cmd_list(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_list all = { 0 };
	PRS_AUTOBUF b;
	prs_buf_init(&b, 64 << 20);
	const char *runs = cli_runs_dir(a);
	int r = prs_runs_list(runs, &all, &err);
	struct table t = { prs_calloc(all.n + 1, sizeof *t.cells), 0 };
	uint64_t now = prs_wall_us();
	for (size_t i = 0; i < all.n && !r && t.cells; i++) {
		struct prs_run run;
		struct prs_buf *json = cli_json(a) ? &b : NULL;
		PRS_AUTOFREE char *path = prs_strf("%s/%s", runs, all.v[i]);
		if (cli_find_any(a, path, &run, &err) < 0)
			bad_row(&t, json, all.v[i], &err);
		else if (run.kind == PRS_RUN_PIPELINE)
			add_pipeline(&t, json, all.v[i], &run, now);
		else
			add_run(&t, json, all.v[i], &run, now);
	}
	if (!r && !cli_json(a) && t.n)
		print_table(&b, &t);
	else if (!r && !cli_json(a))
		prs_buf_putf(&b, "there are no runs in the folder %s\n", runs);
	prs_freep(&t.cells);
	prs_list_done(&all);
	if (r < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	return cli_json(a) ? cli_print(&b) : cli_show(&b);
}
