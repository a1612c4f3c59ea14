/* SPDX-License-Identifier: Apache-2.0
 * screen: on a terminal one live line that is rewritten in place (only when it changed); otherwise a line every 10 s.
 * stdout stays empty but for --json.
 */
#include "cli/screen.h"

#include "base/wrap.h"
#include "cli/cli.h"
#include "io/keys.h"
#include "report/console.h"
#include "report/trace.h"
#include "wire/states.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_EVERY_US UINT64_C(10000000)
enum {
	LINE_BYTES = 64 << 10,
	TEXT_BYTES = 1 << 20,
	PROCESSES_SHOWN = 32,
	SPARE = 3 /* columns: the terminal shows ^C behind the line */
};

void screen_init(struct screen *s, bool json, bool quiet)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	bool dumb = term && !strcmp(term, "dumb");
	*s = (struct screen){ .json = json, .quiet = quiet, .terminal = isatty(2) && !dumb, .next_us = LINE_EVERY_US };
	s->look = (struct prs_look){ .color = s->terminal && !(no_color && no_color[0]),
		                     .utf8 = s->terminal && cli_shows_utf8() };
	prs_buf_init(&s->held, TEXT_BYTES);
	prs_buf_init(&s->line, LINE_BYTES);
	prs_buf_init(&s->last, LINE_BYTES);
}

void screen_keys(struct screen *s)
{
	s->keys = s->terminal && !s->json && !s->quiet && prs_keys_open();
	s->hinting = s->keys;
}

void screen_ending(void *ctx)
{
	struct screen *s = ctx;
	if (s->keys)
		prs_keys_close();
	s->keys = false;
}

void screen_done(struct screen *s)
{
	screen_ending(s);
	prs_buf_done(&s->held);
	prs_buf_done(&s->line);
	prs_buf_done(&s->last);
}

/* Rows that what is live takes now: a terminal that became narrower has wrapped it. */
static unsigned rows(struct screen *s)
{
	unsigned wide = cli_columns(2), all = 0;
	for (const char *line = prs_buf_str(&s->last); *line;) {
		size_t n = strcspn(line, "\n");
		unsigned shown = prs_columns(line, n);
		all += wide && shown > wide ? (shown + wide - 1) / wide : 1;
		line += n + (line[n] == '\n');
	}
	return all;
}

static void go_to_line(struct screen *s)
{
	fputc('\r', stderr);
	for (unsigned i = rows(s); i > 1; i--)
		fputs("\033[A", stderr);
}

void screen_clear(struct screen *s)
{
	if (s->drawn) {
		go_to_line(s);
		fputs(rows(s) > 1 ? "\033[J" : "\033[K", stderr);
	}
	s->drawn = false;
	prs_buf_clear(&s->last);
}

void screen_put(struct screen *s, struct prs_buf *text)
{
	PRS_AUTOBUF wrapped;
	prs_buf_init(&wrapped, 2 * TEXT_BYTES);
	prs_put_wrapped(&wrapped, prs_buf_str(text), cli_columns(2));
	screen_clear(s);
	fputs(prs_buf_str(wrapped.failed ? text : &wrapped), stderr);
	fflush(stderr);
}

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

static void draw(struct screen *s)
{
	bool same = s->drawn && s->line.len == s->last.len && !memcmp(s->line.data, s->last.data, s->line.len);
	if (same)
		return;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 2 * LINE_BYTES);
	bool several = s->drawn && rows(s) > 1;
	if (s->drawn)
		go_to_line(s);
	for (const char *line = prs_buf_str(&s->line); *line;) {
		size_t n = strcspn(line, "\n");
		prs_buf_put(&b, line, n);
		prs_buf_puts(&b, line[n] ? "\033[K\n" : "\033[K");
		line += n + (line[n] == '\n');
	}
	fprintf(stderr, "%s%s", prs_buf_str(&b), several ? "\033[J" : "");
	fflush(stderr);
	s->drawn = true;
	prs_buf_clear(&s->last);
	prs_buf_put(&s->last, s->line.data, s->line.len);
}

/* p or the space bar; any other key is for nobody. */
static void read_keys(struct screen *s)
{
	char pressed[64] = "";
	if (!s->keys)
		return;
	prs_keys_read(pressed, sizeof pressed);
	if (prs_keys_stopped())
		s->drawn = false;
	s->asked = s->asked || strpbrk(pressed, "pP ");
	s->hinting = s->hinting && !s->asked;
}

bool screen_asks(void *ctx)
{
	struct screen *s = ctx;
	return s->asked;
}

/* At most so many; of others it is said how many they are. */
static void put_processes(const struct screen *s, struct prs_buf *to, const struct prs_console_process *v, size_t n,
                          size_t most, unsigned columns)
{
	size_t shown = n > most ? most : n;
	prs_console_processes(to, v, shown, columns, s->look.utf8);
	if (n > shown)
		prs_buf_putf(to, "  ... and %zu more: prs why %s\n", n - shown, s->run_name ? s->run_name : "");
}

void screen_processes(void *ctx, const struct prs_console_process *v, size_t n, const char *waits_for,
                      const char *last_error)
{
	struct screen *s = ctx;
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	s->asked = false;
	prs_buf_putf(&b, "waits for %s\n", waits_for);
	put_processes(s, &b, v, n, PROCESSES_SHOWN, cli_columns(2));
	if (last_error[0]) {
		prs_buf_puts(&b, "last error: ");
		prs_put_plain(&b, last_error);
		prs_buf_putc(&b, '\n');
	}
	screen_put(s, &b);
}

unsigned screen_columns(void)
{
	unsigned wide = cli_columns(2);
	return wide > SPARE ? wide - SPARE : 1;
}

void screen_live(struct screen *s, struct prs_buf *text)
{
	if (prs_keys_in_background()) { /* the lines under the cursor are somebody else's */
		s->drawn = false;
		return;
	}
	while (text->len && text->data[text->len - 1] == '\n')
		text->len--;
	prs_buf_clear(&s->line);
	prs_buf_put(&s->line, text->data, text->len);
	draw(s);
}

static void put_cut_line(struct screen *s, const char *label, const char *text)
{
	PRS_AUTOBUF line;
	prs_buf_init(&line, LINE_BYTES);
	prs_buf_puts(&line, label);
	prs_put_plain(&line, text);
	prs_buf_putc(&s->line, '\n');
	prs_put_cut(&s->line, prs_buf_str(&line), screen_columns(), PRS_CUT_END, s->look.utf8);
}

void screen_watch(struct screen *s, const struct prs_progress *p, const struct prs_console_process *v, size_t n,
                  const char *waits_for, const char *last_error)
{
	/* beside them: progress, what it waits for, the head, an error, how many are not shown, the cursor's row */
	enum { OTHER_ROWS = 6 };
	unsigned high = cli_rows(2);
	PRS_AUTOBUF table;
	prs_buf_init(&table, LINE_BYTES);
	prs_buf_clear(&s->line);
	prs_console_progress(&s->line, p, screen_columns(), &s->look);
	put_cut_line(s, "waits for ", waits_for);
	put_processes(s, &table, v, n, high > OTHER_ROWS ? high - OTHER_ROWS : 1, screen_columns());
	if (table.len > 0) {
		prs_buf_putc(&s->line, '\n');
		prs_buf_put(&s->line, table.data, table.len - 1);
	}
	if (last_error[0])
		put_cut_line(s, "last error: ", last_error);
	draw(s);
}

void screen_progress(void *ctx, const struct prs_progress *p)
{
	struct screen *s = ctx;
	if (s->json)
		fflush(stdout);
	if (s->json || s->quiet || (!s->terminal && p->elapsed_us < s->next_us))
		return;
	if (s->terminal && prs_keys_in_background()) { /* the line under the cursor is somebody else's */
		s->drawn = false;
		return;
	}
	read_keys(s);
	prs_buf_clear(&s->line);
	struct prs_progress shown = *p;
	shown.hint = s->hinting ? "p: processes" : NULL;
	prs_console_progress(&s->line, &shown, s->terminal ? screen_columns() : 0, &s->look);
	if (s->terminal) {
		draw(s);
		return;
	}
	s->next_us = p->elapsed_us + LINE_EVERY_US;
	prs_buf_putc(&s->line, '\n');
	screen_put(s, &s->line);
}

/* A traceback with the user's own paths. */
static void put_trace(const struct screen *s, struct prs_buf *to, const char *text, size_t n)
{
	char here[PATH_MAX];
	const struct prs_trace_folders f = { .code = s->copied,
		                             .original = s->original,
		                             .here = getcwd(here, sizeof here) };
	prs_put_trace(to, text, n, &f);
}

void screen_error(void *ctx, const char *where, const char *text, size_t n)
{
	struct screen *s = ctx;
	PRS_AUTOBUF b, trace;
	prs_buf_init(&b, TEXT_BYTES);
	prs_buf_init(&trace, TEXT_BYTES);
	if (s->json || s->quiet)
		return; /* an event says it, or the end */
	put_trace(s, &trace, text, n);
	prs_console_error(&b, where, (const char *)trace.data, trace.len, s->look.color);
	unsigned long long id;
	if (s->run_name && where && sscanf(where, "mini-batch %llu,", &id) == 1)
		prs_buf_putf(&b, "    prs replay %s %llu --pdb runs it again, in the debugger\n", s->run_name, id);
	screen_put(s, &b);
	s->error_shown = true;
}

void screen_event(void *ctx, const char *line, size_t n)
{
	struct screen *s = ctx;
	if (!s->json)
		return;
	fwrite(line, 1, n, stdout);
	fputc('\n', stdout);
}

void screen_warn(void *ctx, const char *sentence)
{
	struct screen *s = ctx;
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	prs_buf_putf(&b, "warning: %s\n", sentence);
	if (s->quiet && !s->json)
		prs_buf_puts(&s->held, prs_buf_str(&b));
	else
		screen_put(s, &b);
}

void screen_say(void *ctx, const char *sentence)
{
	struct screen *s = ctx;
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	prs_buf_putf(&b, "%s\n", sentence);
	if (!s->json && !s->quiet)
		screen_put(s, &b);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void member(struct prs_buf *b, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	prs_buf_putf(b, ",\"%s\":", key);
	prs_put_json(b, text);
}

static void number(struct prs_buf *b, const char *key, uint64_t v)
{
	prs_buf_putf(b, ",\"%s\":%llu", key, (unsigned long long)v);
}

static const char *result_word(int state)
{
	switch (state) {
	case PRS_JOB_COMPLETED: return "completed";
	case PRS_JOB_FAILED: return "failed";
	case PRS_JOB_CANCELED: return "canceled";
	default: return "interrupted";
	}
}

static void put_result(struct prs_buf *b, const struct prs_result *r)
{
	member(b, "run", r->run_name);
	member(b, "dir", r->run_dir);
	number(b, "mini_batches", r->mini_batches);
	number(b, "done", r->done);
	number(b, "failed", r->failed);
	number(b, "items", r->items);
	number(b, "items_succeeded", r->items_succeeded);
	number(b, "items_failed", r->items_failed);
	number(b, "items_missing", r->items_missing);
	number(b, "rows", r->rows);
	number(b, "wall_us", r->wall_us);
	if (r->busy >= 0)
		prs_buf_putf(b, ",\"busy\":%.3f", r->busy);
	member(b, "code", r->codes);
	member(b, "output", r->output);
	if (r->output)
		number(b, "output_bytes", r->output_bytes);
	member(b, "error", r->code ? prs_error_row(r->code)->name : NULL);
	member(b, "cause", r->text);
	member(b, "hint", r->hint);
	member(b, "next", r->next_command);
}

/* {"type":"end","result":"completed","exit":0, ...} */
static void end_event(const struct prs_engine_end *end, int status, const struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	prs_buf_putf(&b, "{\"type\":\"end\",\"result\":\"%s\",\"exit\":%d",
	             err ? "error" : result_word(end->result.state), status);
	if (err) {
		member(&b, "error", prs_error_row(err->code)->name);
		member(&b, "cause", err->msg);
	} else {
		put_result(&b, &end->result);
	}
	if (b.failed)
		printf("{\"type\":\"end\",\"exit\":%d}\n", status);
	else
		printf("%s}\n", prs_buf_str(&b));
	fflush(stdout);
}

/* Without memory. */
static void end_plain(const struct prs_engine_end *end, const struct prs_err *err)
{
	cli_tell(stderr, "prs: %s\n", err ? err->msg : end->text);
	if (!err && end->next_command[0])
		cli_tell(stderr, "Go on with: %s\n", end->next_command);
}

static bool has_entries(const char *dir)
{
	DIR *d = opendir(dir);
	bool any = false;
	for (struct dirent *e; d && !any && (e = readdir(d)) != NULL;)
		any = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d)
		closedir(d);
	return any;
}

void screen_end(struct screen *s, const struct prs_engine_end *end, const char *logs, int status,
                const struct prs_err *err)
{
	PRS_AUTOBUF b, trace;
	char output[PATH_MAX], dir[PATH_MAX];
	prs_buf_init(&trace, TEXT_BYTES);
	prs_buf_init(&b, TEXT_BYTES);
	screen_clear(s);
	if (s->json) {
		end_event(end, status, err);
		return;
	}
	prs_buf_put(&b, s->held.data, s->held.len);
	if (err) {
		prs_buf_putf(&b, "prs: %s\n", err->msg);
	} else {
		struct prs_result r = end->result;
		if (r.trace)
			put_trace(s, &trace, r.trace, strlen(r.trace));
		r.trace = s->error_shown || !r.trace ? NULL : prs_buf_str(&trace);
		if (s->output_dir && r.state == PRS_JOB_COMPLETED && has_entries(s->output_dir)) {
			r.output = s->output_dir;
			r.rows = 0;
		}
		r.output = r.output ? cli_short_path(r.output, output, sizeof output) : NULL;
		r.run_dir = cli_short_path(r.run_dir, dir, sizeof dir);
		prs_console_end(&b, &r, logs, s->look.color);
	}
	if (b.failed || trace.failed)
		end_plain(end, err);
	else
		screen_put(s, &b);
}
