/* SPDX-License-Identifier: Apache-2.0
 * cmd_list: prs list: all runs of a folder, newest first, with state, counts and age.
 */
#include "cli/cli.h"

#include "base/mem.h"
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

enum { COLUMNS = 5, CELL_BYTES = 320 };
enum column { RUN, STATE, DONE, FAILED, AGE };

struct table {
	char (*cells)[COLUMNS][CELL_BYTES];
	size_t n;
};

static void put_cell(struct table *t, enum column c, struct prs_buf *text)
{
	snprintf(t->cells[t->n][c], CELL_BYTES, "%s", prs_buf_str(text));
	prs_buf_clear(text);
}

static void fill_row(struct table *t, const struct prs_run *run, const struct prs_view *v, uint64_t now)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_put_plain(&b, run->name);
	put_cell(t, RUN, &b);
	prs_view_put_state(&b, v);
	put_cell(t, STATE, &b);
	prs_put_count(&b, c->units[PRS_UNIT_DONE]);
	prs_buf_puts(&b, v->ledger.planned_all ? "/" : "/>=");
	prs_put_count(&b, v->ledger.next_id);
	put_cell(t, DONE, &b);
	prs_put_count(&b, c->units[PRS_UNIT_FAILED]);
	put_cell(t, FAILED, &b);
	if (v->first_us)
		cli_put_age(&b, now, v->first_us);
	put_cell(t, AGE, &b);
	t->n++;
}

static void put_json(struct prs_buf *b, const struct prs_run *run, const struct prs_view *v)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	prs_buf_puts(b, "{\"run\": ");
	prs_put_json(b, run->name);
	prs_buf_puts(b, ", \"dir\": ");
	prs_put_json(b, run->dir);
	prs_buf_putf(b,
	             ", \"state\": \"%s\", \"planned\": %s, \"mini_batches\": %llu, \"done\": %llu, \"failed\": %llu, "
	             "\"started_us\": %llu, \"last_us\": %llu}\n",
	             prs_view_state(v), v->ledger.planned_all ? "true" : "false", (unsigned long long)v->ledger.next_id,
	             (unsigned long long)c->units[PRS_UNIT_DONE], (unsigned long long)c->units[PRS_UNIT_FAILED],
	             (unsigned long long)v->first_us, (unsigned long long)v->last_us);
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
	snprintf(t->cells[t->n][RUN], CELL_BYTES, "%s", name);
	snprintf(t->cells[t->n++][STATE], CELL_BYTES, "unreadable");
}

/* Left-aligned words, right-aligned numbers. */
static void print_table(struct prs_buf *b, const struct table *t)
{
	static const char *const titles[COLUMNS] = { "RUN", "STATE", "DONE", "FAILED", "AGE" };
	size_t width[COLUMNS];
	for (int c = 0; c < COLUMNS; c++) {
		width[c] = strlen(titles[c]);
		for (size_t i = 0; i < t->n; i++)
			width[c] = strlen(t->cells[i][c]) > width[c] ? strlen(t->cells[i][c]) : width[c];
	}
	for (size_t i = 0; i <= t->n; i++) {
		for (int c = 0; c < COLUMNS; c++) {
			const char *text = i ? t->cells[i - 1][c] : titles[c];
			prs_buf_putf(b, c >= DONE ? "%*s%s" : "%-*s%s", (int)width[c], text,
			             c + 1 < COLUMNS ? "  " : "\n");
		}
	}
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
		struct prs_view v = { .plan = NULL };
		PRS_AUTOFREE char *path = prs_strf("%s/%s", runs, all.v[i]);
		if (cli_find_run(a, path, &run, &err) < 0 || prs_view_read(&v, program_fs(), &run, &err) < 0)
			bad_row(&t, cli_json(a) ? &b : NULL, all.v[i], &err);
		else if (cli_json(a))
			put_json(&b, &run, &v);
		else
			fill_row(&t, &run, &v, now);
		prs_view_done(&v);
	}
	if (!r && !cli_json(a) && t.n)
		print_table(&b, &t);
	else if (!r && !cli_json(a))
		prs_buf_putf(&b, "no runs in %s\n", runs);
	prs_freep(&t.cells);
	prs_list_done(&all);
	return r < 0 ? complain(PRS_EXIT_MISTAKE, &err) : cli_print(&b);
}
