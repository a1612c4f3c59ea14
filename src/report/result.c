/* SPDX-License-Identifier: Apache-2.0
 * result: job_result.txt: how the job ended, for people and for grep.
 */
#include "report/impl.h"

#include "report/console.h"

#include "base/mem.h"

#include <stdio.h>

static void field(struct prs_buf *b, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	size_t n = strlen(name);
	prs_buf_put(b, name, n);
	prs_buf_putc(b, ':');
	for (size_t i = n; i < 19; i++)
		prs_buf_putc(b, ' ');
	report_plain(b, text, strlen(text), 8000);
	prs_buf_putc(b, '\n');
}

static void count(struct prs_buf *b, const char *name, uint64_t v)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, 64);
	prs_buf_dec(&text, v, 0);
	field(b, name, prs_buf_str(&text));
}

static const char *result_word(int state)
{
	switch (state) {
	case PRS_JOB_COMPLETED: return "Completed";
	case PRS_JOB_FAILED: return "Failed";
	case PRS_JOB_INTERRUPTED: return "Interrupted";
	case PRS_JOB_CANCELED: return "Canceled";
	default: return prs_state_name(PRS_MACHINE_JOB, state);
	}
}

static void put_totals(struct prs_buf *b, const struct prs_result *res)
{
	PRS_AUTOBUF wall;
	prs_buf_init(&wall, 64);
	prs_put_duration(&wall, res->wall_us);
	count(b, "mini-batches", res->mini_batches);
	count(b, "done", res->done);
	count(b, "failed", res->failed);
	count(b, "items", res->items);
	count(b, "items succeeded", res->items_succeeded);
	count(b, "items failed", res->items_failed);
	count(b, "rows", res->rows);
	count(b, "output bytes", res->output_bytes);
	field(b, "wall time", prs_buf_str(&wall));
	if (res->busy >= 0) {
		PRS_AUTOBUF busy;
		prs_buf_init(&busy, 64);
		prs_buf_putf(&busy, "%.0f%%", res->busy * 100);
		field(b, "busy", prs_buf_str(&busy));
	}
}

/* The file is shown on terminals: a message of a script must not move the cursor. */
static void put_trace(struct prs_buf *b, const char *trace, size_t n)
{
	for (size_t at = 0; at < n; at++) { /* at: the first byte of a line, then its end */
		const char *end = memchr(trace + at, '\n', n - at);
		size_t line = end ? (size_t)(end - trace) - at : n - at;
		prs_put_plain_bytes(b, trace + at, line);
		prs_buf_putc(b, '\n');
		at += line;
	}
}

static void put_result(struct prs_report *r, struct prs_buf *b, const struct prs_result *res)
{
	char time[TEXT_ISO + 1] = "";
	text_iso(&r->day, time, r->now_us);
	field(b, "result", result_word(res->state));
	field(b, "run", res->run_name);
	field(b, "ended", time);
	if (res->code)
		field(b, "error", prs_error_row(res->code)->name);
	const char *cause = res->code ? prs_error_row(res->code)->sentence : NULL;
	field(b, "cause", res->text ? res->text : cause);
	put_totals(b, res);
	field(b, "code", res->codes);
	field(b, "output", res->output);
	if (r->errors > 0)
		field(b, "errors", "logs/" PRS_NAME_ERRORS);
	if (res->failed > 0 || res->items_failed > 0)
		field(b, "failed items", "failed_items.jsonl");
	field(b, "hint", res->hint);
	field(b, "next", res->next_command);
	if (res->trace && *res->trace) {
		prs_buf_puts(b, "\nThe first traceback of the entry script:\n\n");
		put_trace(b, res->trace, strlen(res->trace));
	}
}

static const char name[] = "logs/" PRS_NAME_RESULT;

bool prs_report_is_told(const struct prs_fs *fs, const char *dir)
{
	char path[PATH_MAX];
	struct prs_fs_stat st;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return fs->stat(fs->ctx, path, &st) == 0;
}

void report_result_remove(struct prs_report *r)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", r->dir, name);
	r->fs->unlink(r->fs->ctx, path);
}

int report_result_write(struct prs_report *r, const struct prs_result *res, struct prs_err *err)
{
	PRS_AUTOFREE struct report_whole *w = prs_malloc(sizeof *w);
	if (!w)
		return prs_fail(err, PRS_ENOMEM, "out of memory");
	report_whole_begin(r, w, name);
	put_result(r, &w->buf, res);
	return report_whole_end(r, w, err);
}
