/* SPDX-License-Identifier: Apache-2.0
 * console: the live line, the head, a traceback as it happens, the end screen.
 *
 * Texts that come from outside (paths, messages, tracebacks) are shown without control characters: a script must not
 * drive the terminal.
 */
#include "report/console.h"

#include "base/many.h"
#include "base/wrap.h"
#include "report/impl.h"

#include <ctype.h>
#include <stdio.h>

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

void prs_put_duration(struct prs_buf *to, uint64_t us)
{
	uint64_t s = us / 1000000;
	if (s >= 3600) {
		prs_put_count(to, s / 3600);
		prs_buf_putc(to, ':');
	}
	prs_buf_dec(to, s / 60 % 60, s >= 3600 ? 2 : 0);
	prs_buf_putc(to, ':');
	prs_buf_dec(to, s % 60, 2);
}

void prs_put_json(struct prs_buf *to, const char *text) { report_jsons(to, text); }

/* "0.42 s", "12.3 s", "1:02:05" */
static void put_wall(struct prs_buf *to, uint64_t us)
{
	if (us < 10000000)
		prs_buf_putf(to, "%llu.%02llu s", (unsigned long long)(us / 1000000),
		             (unsigned long long)(us / 10000 % 100));
	else if (us < 60000000)
		prs_buf_putf(to, "%llu.%llu s", (unsigned long long)(us / 1000000),
		             (unsigned long long)(us / 100000 % 10));
	else
		prs_put_duration(to, us);
}

/* "41,200/s", "4.1/s", "3.0 items/min", "1.2/h" */
static void put_rate(struct prs_buf *to, double rate, const char *of)
{
	static const struct {
		double seconds;
		const char *name;
	} units[] = { { 1, "/s" }, { 60, "/min" }, { 3600, "/h" } };
	unsigned unit = 0;
	if (!(rate < 1e15))
		rate = 0;
	while (rate * units[unit].seconds < 0.2 && unit < 2)
		unit++;
	if (rate >= 100)
		prs_put_count(to, (uint64_t)(rate + 0.5));
	else
		prs_buf_putf(to, "%.1f", rate * units[unit].seconds);
	if (*of)
		prs_buf_putc(to, ' ');
	prs_buf_puts(to, of);
	prs_buf_puts(to, units[unit].name);
}

/* "1.2 MB" */
static void put_bytes(struct prs_buf *to, uint64_t n)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB" };
	double v = (double)n / 1000;
	unsigned u = 0;
	if (n < 1000) {
		prs_put_many(to, n, "byte");
		return;
	}
	for (; v >= 1000 && u + 1 < sizeof units / sizeof units[0]; u++)
		v /= 1000;
	prs_buf_putf(to, "%.1f %s", v, units[u]);
}

/* ---- colour ------------------------------------------------------------------------------------------------------ */

enum ink { INK_NONE, INK_BOLD, INK_DIM, INK_RED, INK_GREEN, INK_YELLOW };

static void ink(struct prs_buf *to, bool color, enum ink which)
{
	static const char *const codes[] = { "\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m" };
	if (color)
		prs_buf_puts(to, codes[which]);
}

static void put_ink(struct prs_buf *to, bool color, enum ink which, const char *text)
{
	ink(to, color, which);
	prs_buf_puts(to, text);
	ink(to, color, INK_NONE);
}

/* ---- the live line ----------------------------------------------------------------------------------------------- */

/* The parts of the line, in the order in which they are shown. */
enum part {
	PART_BAR,
	PART_PERCENT,
	PART_COUNT,
	PART_WORD,
	PART_FAILED,
	PART_NOTE,
	PART_RATE,
	PART_ELAPSED,
	PART_ETA,
	PART_BUSY,
	PART_HINT,
	PARTS
};

/* What goes first when there is no room. */
static const enum part least[] = { PART_HINT, PART_WORD,    PART_BUSY, PART_ELAPSED, PART_RATE,
	                           PART_BAR,  PART_PERCENT, PART_NOTE, PART_ETA,     PART_FAILED };

static double share_final(const struct prs_progress *p)
{
	if (p->items_final >= p->items)
		return p->items ? 1 : 0;
	return (double)p->items_final / (double)p->items;
}

static void put_ascii_bar(struct prs_buf *to, double share, unsigned cells)
{
	unsigned full = (unsigned)(share * cells);
	for (unsigned i = 0; i < cells; i++)
		prs_buf_putc(to, i < full ? '#' : '.');
}

/* The cell where it ends is filled in eighths. */
static void put_smooth_bar(struct prs_buf *to, double share, unsigned cells)
{
	static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };
	unsigned filled = (unsigned)(share * cells * 8);
	for (unsigned i = 0; i < cells; i++) {
		unsigned from_here = filled > i * 8 ? filled - i * 8 : 0;
		prs_buf_puts(to, eighths[from_here < 8 ? from_here : 8]);
	}
}

static void put_bar(struct prs_buf *to, const struct prs_progress *p, unsigned cells, bool smooth)
{
	prs_buf_putc(to, '[');
	if (smooth)
		put_smooth_bar(to, share_final(p), cells);
	else
		put_ascii_bar(to, share_final(p), cells);
	prs_buf_putc(to, ']');
}

/* Below that it is none. */
static bool rate_known(const struct prs_progress *p)
{
	return p->estimate.rate * 3600 >= 0.05 && p->estimate.rate < 1e15;
}

static bool shown(const struct prs_progress *p, enum part part)
{
	switch (part) {
	case PART_PERCENT: return p->planned_all && p->items > 0;
	case PART_FAILED: return p->failed > 0 || p->items_failed > 0;
	case PART_NOTE: return p->note && *p->note;
	case PART_RATE: return rate_known(p);
	case PART_ETA: return p->estimate.left_known;
	case PART_BUSY: return p->processes > 0;
	case PART_HINT: return p->hint && *p->hint;
	case PART_BAR:
	case PART_COUNT:
	case PART_WORD:
	case PART_ELAPSED:
	case PARTS: break;
	}
	return true;
}

static void put_count_of(struct prs_buf *to, const struct prs_progress *p)
{
	prs_put_count(to, p->items_final);
	prs_buf_puts(to, p->planned_all ? "/" : "/>=");
	prs_put_count(to, p->items);
}

static void put_eta(struct prs_buf *to, const struct prs_progress *p)
{
	prs_buf_puts(to, p->planned_all ? "ETA " : "ETA >=");
	prs_put_duration(to, p->estimate.left_us);
}

static void put_failed(struct prs_buf *to, const struct prs_progress *p)
{
	prs_buf_puts(to, "failed ");
	prs_put_count(to, p->items_failed);
}

static void put_busy(struct prs_buf *to, const struct prs_progress *p)
{
	prs_buf_putf(to, "busy %u/%u", p->busy, p->processes);
	if (p->starting > 0)
		prs_buf_putf(to, " (%u starting)", p->starting);
}

static void put_part(struct prs_buf *to, const struct prs_progress *p, enum part part, unsigned cells, bool smooth)
{
	switch (part) {
	case PART_BAR: put_bar(to, p, cells, smooth); break;
	case PART_PERCENT: prs_buf_putf(to, "%3u%%", (unsigned)(share_final(p) * 100)); break;
	case PART_COUNT: put_count_of(to, p); break;
	case PART_WORD: prs_buf_puts(to, p->items == 1 ? "item" : "items"); break;
	case PART_FAILED: put_failed(to, p); break;
	case PART_NOTE: prs_buf_puts(to, p->note); break;
	case PART_RATE: put_rate(to, p->estimate.rate, ""); break;
	case PART_ELAPSED: prs_put_duration(to, p->elapsed_us); break;
	case PART_ETA: put_eta(to, p); break;
	case PART_BUSY: put_busy(to, p); break;
	case PART_HINT: prs_buf_puts(to, p->hint); break;
	case PARTS: break;
	}
}

static enum ink ink_of(enum part part)
{
	switch ((int)part) {
	case PART_FAILED: return INK_RED;
	case PART_NOTE: return INK_YELLOW;
	case PART_BAR: return INK_GREEN;
	case PART_HINT: return INK_DIM;
	default: return INK_NONE;
	}
}

static void put_parts(struct prs_buf *to, const struct prs_progress *p, unsigned parts, unsigned cells,
                      const struct prs_look *look)
{
	bool first = true;
	for (unsigned part = 0; part < PARTS; part++) {
		if (!(parts & 1u << part))
			continue;
		if (!first)
			prs_buf_puts(to, part == PART_WORD || part == PART_PERCENT ? " " : "  ");
		first = false;
		bool inked = look->color && ink_of((enum part)part) != INK_NONE;
		ink(to, inked, ink_of((enum part)part));
		put_part(to, p, (enum part)part, cells, look->utf8);
		ink(to, inked, INK_NONE);
	}
}

void prs_console_progress(struct prs_buf *to, const struct prs_progress *p, unsigned columns,
                          const struct prs_look *look)
{
	static const struct prs_look ascii = { false, false };
	unsigned parts = 0, next = 0;
	for (unsigned part = 0; part < PARTS; part++)
		parts |= shown(p, (enum part)part) ? 1u << part : 0;
	PRS_AUTOBUF plain;
	prs_buf_init(&plain, 4096);
	for (;;) {
		/* the bar takes what room there is: 10 to 30 cells */
		prs_buf_clear(&plain);
		put_parts(&plain, p, parts, 10, &ascii);
		if (columns == 0 || plain.len <= columns || next == sizeof least / sizeof least[0])
			break;
		parts &= ~(1u << least[next++]);
	}
	unsigned spare = columns > plain.len ? columns - (unsigned)plain.len : 0;
	unsigned cells = columns == 0 || spare > 20 ? 30 : 10 + spare;
	if (columns > 0 && plain.len > columns) { /* not even the count fits: its beginning */
		prs_buf_put(to, plain.data, columns);
		return;
	}
	put_parts(to, p, parts, cells, look);
}

/* ---- the processes ----------------------------------------------------------------------------------------------- */

/* "0.3 s", "12 s", "1:02:05" */
void prs_put_since(struct prs_buf *b, uint64_t us)
{
	if (us < 10000000)
		prs_buf_putf(b, "%.1f s", (double)us / 1e6);
	else if (us < 100000000)
		prs_buf_putf(b, "%.0f s", (double)us / 1e6);
	else
		prs_put_duration(b, us);
}

/* The table of processes: as it is, and where there is no room for that. */
enum { PROCESSES_COLUMNS = 64 };

static void put_wide(struct prs_buf *to, const char *name, const char *state, const char *phase, const char *since,
                     const char *mini_batch, const char *queued)
{
	prs_buf_putf(to, "  %-12s%-10s%-10s%10s%12s%8s", name, state, phase, since, mini_batch, queued);
}

/* 37 columns, what a terminal of 40 has for a live table: a process that is in a phase works. */
static void put_narrow(struct prs_buf *to, const char *name, const char *phase, const char *since,
                       const char *mini_batch, const char *queued)
{
	prs_buf_putf(to, "%-10s %s%*s %5s %5s", name, phase, 14 - (int)strlen(phase), since, mini_batch, queued);
}

static void put_process(struct prs_buf *to, const struct prs_console_process *p, bool narrow)
{
	char state[32] = "", queued[16];
	PRS_AUTOBUF since, mini_batch;
	prs_buf_init(&since, 64);
	prs_buf_init(&mini_batch, 64);
	snprintf(queued, sizeof queued, "%u", p->queued);
	prs_put_since(&since, p->since_us);
	for (size_t i = 0; p->state[i] && i + 1 < sizeof state; i++)
		state[i] = (char)tolower((unsigned char)p->state[i]);
	if (p->works)
		prs_buf_dec(&mini_batch, p->mini_batch, 0);
	if (narrow)
		put_narrow(to, p->name, p->phase && p->phase[0] ? p->phase : state, prs_buf_str(&since),
		           prs_buf_str(&mini_batch), queued);
	else
		put_wide(to, p->name, state, p->phase ? p->phase : "", prs_buf_str(&since), prs_buf_str(&mini_batch),
		         queued);
	if (p->tries > 1)
		prs_buf_putf(to, "  try %u", p->tries);
	if (p->failures)
		prs_buf_putf(to, "  failed %s in a row", prs_many(p->failures, "time").text);
}

void prs_console_processes(struct prs_buf *to, const struct prs_console_process *v, size_t n, unsigned columns,
                           bool utf8)
{
	bool narrow = columns && columns < PROCESSES_COLUMNS;
	PRS_AUTOBUF line;
	prs_buf_init(&line, 4096);
	for (size_t i = 0; i <= n && n; i++) {
		prs_buf_clear(&line);
		if (i > 0)
			put_process(&line, &v[i - 1], narrow);
		else if (narrow)
			put_narrow(&line, "PROCESS", "PHASE", "SINCE", "BATCH", "QUEUE");
		else
			put_wide(&line, "PROCESS", "STATE", "PHASE", "SINCE", "MINI-BATCH", "QUEUED");
		prs_put_cut(to, prs_buf_str(&line), columns ? columns : (unsigned)line.len, PRS_CUT_END, utf8);
		prs_buf_putc(to, '\n');
	}
}

/* ---- head and end ------------------------------------------------------------------------------------------------ */

enum { LABEL_COLUMNS = 14, TRACE_LINES = 24 };

static void label(struct prs_buf *to, bool color, const char *name)
{
	prs_buf_puts(to, "  ");
	put_ink(to, color, INK_DIM, name);
	for (size_t n = strlen(name); n < LABEL_COLUMNS; n++)
		prs_buf_putc(to, ' ');
}

static void clean(struct prs_buf *to, const char *s) { report_plain(to, s, strlen(s), 4096); }

static void field(struct prs_buf *to, bool color, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	label(to, color, name);
	clean(to, text);
	prs_buf_putc(to, '\n');
}

static void put_title(struct prs_buf *to, const char *name, bool color)
{
	ink(to, color, INK_BOLD);
	clean(to, name ? name : "run");
	ink(to, color, INK_NONE);
}

/* "name in runs" when the folder is runs/name, else "name in folder" */
static void put_place(struct prs_buf *to, const struct prs_console_head *h)
{
	size_t n = strlen(h->run_dir), name = h->run_name ? strlen(h->run_name) : 0;
	if (name > 0 && n > name + 1 && h->run_dir[n - name - 1] == '/' &&
	    strcmp(h->run_dir + n - name, h->run_name) == 0)
		n -= name + 1;
	prs_buf_puts(to, " in ");
	report_plain(to, h->run_dir, n, 4096);
}

static void put_resumed(struct prs_buf *to, const struct prs_console_head *h)
{
	prs_buf_puts(to, ", goes on: ");
	if (h->resumed_total > 0) {
		prs_put_count(to, h->resumed_done);
		prs_buf_puts(to, " of ");
	}
	prs_put_many(to, h->resumed_total > 0 ? h->resumed_total : h->resumed_done, "mini-batch");
	prs_buf_puts(to, " done");
}

/* "score.py on ./images, ./more; 2 processes of /usr/bin/python3 (from prs.yml)" */
static void put_plan(struct prs_buf *to, const struct prs_console_head *h)
{
	prs_buf_puts(to, "  ");
	clean(to, h->script ? h->script : "");
	for (size_t i = 0; i < h->inputs_n; i++) {
		prs_buf_puts(to, i == 0 ? " on " : ", ");
		clean(to, h->inputs[i]);
	}
	if (h->only_failed) {
		prs_buf_puts(to, ", only the ");
		prs_put_many(to, h->only_failed_items, "item");
		prs_buf_puts(to, " that failed in ");
		clean(to, h->only_failed);
	}
	prs_buf_puts(to, "; ");
	prs_put_many(to, h->processes, "process");
	if (!h->python || !*h->python)
		return;
	prs_buf_puts(to, " of ");
	clean(to, h->python);
	if (!h->python_why || !*h->python_why)
		return;
	prs_buf_puts(to, " (");
	clean(to, h->python_why);
	prs_buf_putc(to, ')');
}

void prs_console_start(struct prs_buf *to, const struct prs_console_head *h, bool color)
{
	put_title(to, h->run_name, color);
	if (h->run_dir && *h->run_dir)
		put_place(to, h);
	if (h->resumed)
		put_resumed(to, h);
	prs_buf_putc(to, '\n');
	put_plan(to, h);
	prs_buf_putc(to, '\n');
	for (size_t i = 0; i < h->warnings_n; i++) {
		put_ink(to, color, INK_YELLOW, "  warning: ");
		clean(to, h->warnings[i]);
		prs_buf_putc(to, '\n');
	}
}

/* One line, indented; returns where the next one begins. */
static size_t put_trace_line(struct prs_buf *to, const char *trace, size_t at, size_t n)
{
	const char *end = memchr(trace + at, '\n', n - at);
	prs_buf_puts(to, "    ");
	report_plain(to, trace + at, report_first_line(trace + at, n - at), 1000);
	prs_buf_putc(to, '\n');
	return end ? (size_t)(end - trace) + 1 : n;
}

/* A traceback, indented; of a long one the first line and the last ones (they say what happened). */
static void put_trace(struct prs_buf *to, const char *trace, size_t n)
{
	while (n > 0 && (trace[n - 1] == '\n' || trace[n - 1] == ' '))
		n--;
	size_t lines = n > 0;
	for (size_t i = 0; i < n; i++)
		lines += trace[i] == '\n';
	size_t at = 0, skip = lines > TRACE_LINES ? lines - TRACE_LINES : 0;
	for (size_t i = 0; at < n; i++) {
		if (skip == 0 || i == 0 || i > skip) {
			at = put_trace_line(to, trace, at, n);
			continue;
		}
		if (i == 1) {
			prs_buf_puts(to, "    ... ");
			prs_put_many(to, skip, "line");
			prs_buf_putc(to, '\n');
		}
		at = (size_t)((const char *)memchr(trace + at, '\n', n - at) - trace) + 1;
	}
}

void prs_console_error(struct prs_buf *to, const char *where, const char *trace, size_t n, bool color)
{
	put_ink(to, color, INK_RED, "The script failed");
	if (where && *where) {
		prs_buf_puts(to, ": ");
		clean(to, where);
	}
	prs_buf_putc(to, '\n');
	size_t first = report_first_line(trace, n); /* of the file: it says where, as we just did */
	if (where && first > 0 && first < n && !strncmp(where, trace, first) && trace[first] == '\n') {
		trace += first + 1;
		n -= first + 1;
	}
	put_trace(to, trace, n);
}

/* A script that returns nothing at all (`return []` with summary_only) is measured in mini-batches. */
static void put_rate_of(struct prs_buf *to, const struct prs_result *r)
{
	if (r->items_succeeded > 0)
		put_rate(to, (double)r->items_now * 1e6 / (double)r->wall_us, "items");
	else
		put_rate(to, (double)r->done_now * 1e6 / (double)r->wall_us, "mini-batches");
}

/* "12.3 s, 412 items/s, busy 97%": of this engine's life */
static void put_speed(struct prs_buf *to, const struct prs_result *r)
{
	put_wall(to, r->wall_us);
	if (r->done_now > 0 && r->wall_us > 0) {
		prs_buf_puts(to, ", ");
		put_rate_of(to, r);
	}
	if (r->busy >= 0)
		prs_buf_putf(to, ", busy %.0f%%", r->busy * 100);
}

/* Those that an error is about. */
static uint64_t failed_items(const struct prs_result *r) { return r->items_failed - r->items_missing; }

static void put_counts(struct prs_buf *to, const struct prs_result *r, bool color)
{
	label(to, color, "mini-batches");
	prs_put_count(to, r->done);
	prs_buf_puts(to, " of ");
	prs_put_count(to, r->mini_batches);
	prs_buf_puts(to, " done");
	if (r->failed > 0) {
		prs_buf_puts(to, ", ");
		prs_put_count(to, r->failed);
		prs_buf_puts(to, " failed");
	}
	prs_buf_putc(to, '\n');
	label(to, color, "items");
	prs_put_count(to, r->items_succeeded);
	prs_buf_puts(to, " of ");
	prs_put_count(to, r->items);
	prs_buf_puts(to, " succeeded");
	if (failed_items(r) > 0) {
		prs_buf_puts(to, ", ");
		prs_put_count(to, failed_items(r));
		prs_buf_puts(to, " failed");
	}
	prs_buf_putc(to, '\n');
	label(to, color, "time");
	put_speed(to, r);
	prs_buf_putc(to, '\n');
}

/* Not of every run: rows of a script that was mended meanwhile stand beside those of before. */
static void put_codes(struct prs_buf *to, const struct prs_result *r, bool color)
{
	if (!r->codes)
		return;
	label(to, color, "code");
	clean(to, r->codes);
	prs_buf_putc(to, '\n');
}

static void put_output(struct prs_buf *to, const struct prs_result *r, bool color)
{
	if (!r->output || !*r->output)
		return;
	label(to, color, "output");
	clean(to, r->output);
	if (r->rows > 0 || r->output_bytes > 0) {
		prs_buf_puts(to, " (");
		prs_put_many(to, r->rows, "row");
		prs_buf_puts(to, ", ");
		put_bytes(to, r->output_bytes);
		prs_buf_putc(to, ')');
	}
	prs_buf_putc(to, '\n');
}

/* "2 x RUN_EXCEPTION: ValueError: ..."; ", such as" when they are not all the same. */
static void put_kinds(struct prs_buf *to, const struct prs_result *r, bool color)
{
	for (uint32_t i = 0; i < r->kinds_n; i++) {
		label(to, color, i ? "" : "errors");
		prs_put_count(to, r->kinds[i].count);
		prs_buf_putf(to, " x %s%s", prs_error_row(r->kinds[i].code)->name,
		             r->kinds[i].varied ? REPORT_SUCH_AS : ": ");
		clean(to, r->kinds[i].message);
		prs_buf_putc(to, '\n');
	}
	if (r->kinds_more) {
		label(to, color, "");
		prs_put_many(to, r->kinds_more, "other kind");
		prs_buf_puts(to, ": logs/" PRS_NAME_ERRORS "\n");
	}
}

/* Allowed, and nothing failed: a script may filter. */
static void put_missing(struct prs_buf *to, const struct prs_result *r, bool color)
{
	if (!r->items_missing)
		return;
	label(to, color, "without a row");
	prs_put_many(to, r->items_missing, "item");
	prs_buf_puts(to, ": run() returned fewer results than it got items (failed_items.jsonl)\n");
}

/* Where the failed items are named, and the logs. */
static void put_places(struct prs_buf *to, const struct prs_result *r, const char *logs_dir, bool color)
{
	if (r->run_dir && failed_items(r) > 0) {
		label(to, color, "failed items");
		clean(to, r->run_dir);
		prs_buf_puts(to, "/failed_items.jsonl\n");
	}
	field(to, color, "logs", logs_dir);
}

static void end_completed(struct prs_buf *to, const struct prs_result *r, const char *logs_dir, bool color)
{
	bool all = failed_items(r) == 0;
	put_ink(to, color, all ? INK_GREEN : INK_YELLOW, all ? "Completed" : "Completed, with failures");
	prs_buf_puts(to, ": ");
	prs_put_many(to, r->done, "mini-batch");
	prs_buf_puts(to, ", ");
	prs_put_many(to, r->items_succeeded, "item");
	if (r->items_now < r->items_succeeded) { /* the time is that of this life alone */
		prs_buf_puts(to, ", ");
		prs_put_count(to, r->items_now);
		prs_buf_puts(to, " of them");
	}
	prs_buf_puts(to, " in ");
	put_speed(to, r);
	prs_buf_putc(to, '\n');
	if (!all) {
		label(to, color, "failed");
		prs_put_many(to, r->failed, "mini-batch");
		prs_buf_puts(to, ", ");
		prs_put_many(to, failed_items(r), "item");
		prs_buf_putc(to, '\n');
		put_kinds(to, r, color);
	}
	put_missing(to, r, color);
	put_codes(to, r, color);
	put_output(to, r, color);
	put_places(to, r, logs_dir, color);
	field(to, color, "hint", r->hint);
	field(to, color, "next", r->next_command);
}

static void end_interrupted(struct prs_buf *to, const struct prs_result *r, const char *logs_dir, bool color)
{
	bool gone = r->code == PRS_ENOTFOUND && !r->next_command; /* the run folder itself */
	put_ink(to, color, INK_YELLOW, "Interrupted");
	prs_buf_puts(to, ": ");
	prs_put_count(to, r->done);
	prs_buf_puts(to, " of ");
	prs_put_many(to, r->mini_batches, "mini-batch");
	prs_buf_puts(to, gone ? " were done\n" : " done, nothing is lost\n");
	if (r->text && *r->text && r->code != PRS_EINTERRUPTED)
		field(to, color, "cause", r->text);
	field(to, color, "logs", gone ? NULL : logs_dir);
	field(to, color, "hint", r->hint);
	field(to, color, "next", r->next_command);
}

void prs_put_cause(struct prs_buf *to, const struct prs_result *r)
{
	const char *cause = r->code ? prs_error_row(r->code)->sentence : "";
	if (r->text && *r->text)
		cause = r->text;
	if (r->code == PRS_ENO_RESULT_TO_APPEND && r->kinds_n && r->failed && r->failed == r->mini_batches) {
		prs_buf_puts(to, "every mini-batch failed: ");
		cause = r->kinds[0].message;
	}
	clean(to, cause);
}

static void end_failed(struct prs_buf *to, const struct prs_result *r, const char *logs_dir, bool color)
{
	if (r->trace && *r->trace)
		prs_console_error(to, NULL, r->trace, strlen(r->trace), color);
	put_ink(to, color, INK_RED, r->state == PRS_JOB_CANCELED ? "Canceled" : "Failed");
	PRS_AUTOBUF cause;
	prs_buf_init(&cause, 64 << 10);
	prs_put_cause(&cause, r);
	if (cause.len) {
		prs_buf_puts(to, ": ");
		prs_buf_put(to, cause.data, cause.len);
	}
	prs_buf_putc(to, '\n');
	put_counts(to, r, color);
	put_kinds(to, r, color);
	put_missing(to, r, color);
	put_places(to, r, logs_dir, color);
	field(to, color, "hint", r->hint);
	field(to, color, "next", r->next_command);
}

void prs_console_end(struct prs_buf *to, const struct prs_result *r, const char *logs_dir, bool color)
{
	if (r->state == PRS_JOB_COMPLETED)
		end_completed(to, r, logs_dir, color);
	else if (r->state == PRS_JOB_INTERRUPTED)
		end_interrupted(to, r, logs_dir, color);
	else
		end_failed(to, r, logs_dir, color);
}

void prs_put_iso(struct prs_buf *to, uint64_t wall_us)
{
	struct text_day day = { 0 };
	char iso[TEXT_ISO];
	text_iso(&day, iso, wall_us);
	prs_buf_put(to, iso, sizeof iso);
}
