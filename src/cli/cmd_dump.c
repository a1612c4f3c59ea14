/* SPDX-License-Identifier: Apache-2.0
 * cmd_dump: prs dump journal|plan|segment RUN [--json]: every record as a line.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "base/wrap.h"
#include "report/dump.h"
#include "store/store.h"
#include "wire/plan.h"
#include "wire/seg.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dump {
	bool json;
	enum prs_file_kind kind;
	unsigned columns; /* of the terminal, 0 = it is none */
	struct prs_buf line, shown;
	struct seal *seals; /* of the journals that count, oldest first */
	size_t seals_n, seals_cap;
};

struct seal {
	uint32_t epoch;
	uint64_t journal, plan; /* bytes that count */
};

static int next_record(struct dump *d, const uint8_t *body, size_t n, size_t *at, struct prs_err *err)
{
	struct prs_fact fact;
	struct prs_plan_record plan;
	struct prs_rows rows;
	int r;
	if (d->kind == PRS_FILE_JOURNAL) {
		r = prs_fact_next(body, n, at, &fact, err);
		return r == 1 && prs_report_dump_fact(&fact, &d->line, d->json) < 0 ? -PRS_ENOMEM : r;
	}
	if (d->kind == PRS_FILE_PLAN) {
		r = prs_plan_next(body, n, at, &plan, err);
		return r == 1 && prs_report_dump_plan(&plan, &d->line, d->json) < 0 ? -PRS_ENOMEM : r;
	}
	r = prs_rows_next(body, n, at, &rows, err);
	return r == 1 && prs_report_dump_rows(&rows, &d->line, d->json) < 0 ? -PRS_ENOMEM : r;
}

static int dump_body(void *ctx, uint64_t offset, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)offset;
	struct dump *d = ctx;
	size_t at = 0;
	int r;
	while (prs_buf_clear(&d->line), (r = next_record(d, body, n, &at, err)) == 1) {
		const char *text = prs_buf_str(&d->line);
		size_t len = strlen(text);
		prs_buf_clear(&d->shown);
		prs_put_wrapped(&d->shown, text, d->columns);
		printf("%s%s", prs_buf_str(&d->shown), len && text[len - 1] == '\n' ? "" : "\n");
	}
	return r;
}

static int dump_link(void *ctx, uint32_t epoch, uint64_t journal_bytes, uint64_t plan_bytes)
{
	struct dump *d = ctx;
	if (d->seals_n == d->seals_cap) {
		size_t cap = d->seals_cap ? d->seals_cap * 2 : 8;
		struct seal *v = prs_realloc(d->seals, cap * sizeof *v);
		if (!v)
			return -PRS_ENOMEM;
		d->seals = v;
		d->seals_cap = cap;
	}
	d->seals[d->seals_n++] = (struct seal){ epoch, journal_bytes, plan_bytes };
	return 0;
}

/* How many bytes of the file of an epoch count. What an engine wrote that was passed over, or after it was taken over,
 * is nobody's and may be cut off anywhere (store/trim.c). */
static uint64_t bytes_that_count(const struct dump *d, uint32_t epoch)
{
	for (size_t i = 0; i < d->seals_n; i++)
		if (d->seals[i].epoch == epoch)
			return d->kind == PRS_FILE_JOURNAL ? d->seals[i].journal : d->seals[i].plan;
	return d->seals_n && epoch < d->seals[d->seals_n - 1].epoch ? 0 : UINT64_MAX;
}

static int dump_file(struct dump *d, const char *path, const char *name, uint64_t bytes, const struct prs_run_id *run,
                     struct prs_err *err)
{
	uint64_t length;
	if (!d->json)
		cli_tell(stdout, "# %s%s\n", name, bytes ? "" : ": does not count, another engine went on without it");
	return bytes ? prs_log_scan(program_fs(), path, d->kind, run, bytes, dump_body, d, &length, err) : 0;
}

static int dump_each_name(void *ctx, const char *name, char type)
{
	(void)type;
	return prs_list_add(ctx, name);
}

/* journal-2 before journal-10 */
static int dump_by_number(const void *a, const void *b) { return strverscmp(*(char *const *)a, *(char *const *)b); }

/* The files of a kind below `dir`, by prefix or suffix of their names. */
static int dump_files(struct dump *d, const char *dir, const char *prefix, const char *suffix,
                      const struct prs_run_id *run, struct prs_err *err)
{
	struct prs_list names = { 0 };
	char path[2 * PATH_MAX];
	int r = program_fs()->list(program_fs()->ctx, dir, dump_each_name, &names);
	if (r < 0)
		r = prs_fail_errno(err, -r, "reading %s", dir);
	if (r >= 0 && names.n)
		qsort(names.v, names.n, sizeof *names.v, dump_by_number);
	for (size_t i = 0; i < names.n && r >= 0; i++) {
		size_t n = strlen(names.v[i]), m = strlen(suffix);
		if (strncmp(names.v[i], prefix, strlen(prefix)) != 0 || n < m ||
		    strcmp(names.v[i] + n - m, suffix) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, names.v[i]);
		uint32_t epoch = (uint32_t)strtoul(names.v[i] + strlen(prefix), NULL, 10);
		uint64_t bytes = d->kind == PRS_FILE_SEGMENT ? UINT64_MAX : bytes_that_count(d, epoch);
		r = dump_file(d, path, names.v[i], bytes, run, err);
	}
	prs_list_done(&names);
	return r;
}

int cmd_dump(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	struct dump d = { .json = cli_json(a), .columns = cli_json(a) ? 0 : cli_columns(1) };
	char seg[PATH_MAX + 8];
	const char *what = a->words.v[0];
	bool journal = !strcmp(what, "journal"), plan = !strcmp(what, "plan"), segment = !strcmp(what, "segment");
	if (!journal && !plan && !segment) {
		prs_fail(&err, PRS_EINVALID, "prs dump journal|plan|segment [RUN]: found \"%s\"", what);
		return complain(PRS_EXIT_MISTAKE, &err);
	}
	if (cli_find_any(a, a->words.n > 1 ? a->words.v[1] : NULL, &run, &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	prs_buf_init(&d.line, (size_t)1 << 30);
	prs_buf_init(&d.shown, (size_t)1 << 30);
	int r;
	if (segment) {
		d.kind = PRS_FILE_SEGMENT;
		snprintf(seg, sizeof seg, "%s/seg", run.dir);
		r = dump_files(&d, seg, "", ".seg", &run.id, &err);
	} else {
		d.kind = journal ? PRS_FILE_JOURNAL : PRS_FILE_PLAN;
		/* of a damaged run each file is shown as far as it goes */
		if (prs_store_chain(program_fs(), run.dir, &run.id, dump_link, &d, NULL) < 0)
			d.seals_n = 0;
		r = dump_files(&d, run.dir, journal ? "journal-" : "plan-", "", &run.id, &err);
	}
	prs_freep(&d.seals);
	prs_buf_done(&d.line);
	prs_buf_done(&d.shown);
	fflush(stdout);
	return r < 0 ? complain(PRS_EXIT_BROKEN, &err) : 0;
}
