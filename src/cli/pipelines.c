/* SPDX-License-Identifier: Apache-2.0
 * pipelines: a pipeline runs: the live table of its steps, what they say, the end.
 */
#include "cli/pipelines.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/wrap.h"
#include "cli/screen.h"
#include "io/fs_posix.h"
#include "io/loop.h"
#include "report/console.h"
#include "run/pipeline.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 1 << 20, TAIL_BYTES = 2048, STATE_COLUMNS = 9, TIME_COLUMNS = 8 };

struct show {
	struct screen screen; /* first */
	const struct cli_pipeline_start *s;
	struct prs_detach *detach; /* NULL = this terminal stays */
	unsigned name_columns;
	size_t done; /* when this life began */
};

/* ---- a line of the table ----------------------------------------------------------------------------------------- */

static void pad_to(struct prs_buf *to, size_t from, unsigned columns)
{
	unsigned is = prs_columns((const char *)to->data + from, to->len - from);
	if (is < columns)
		prs_buf_putf(to, "%*s", (int)(columns - is), "");
}

static void put_state(struct prs_buf *to, const struct pipeline_line *l)
{
	size_t from = to->len;
	if (l->starting || l->stopping)
		prs_buf_puts(to, l->starting ? "starting" : "stopping");
	else
		for (const char *c = l->state; *c; c++)
			prs_buf_putc(to, (char)tolower((unsigned char)*c));
	pad_to(to, from, STATE_COLUMNS);
}

static void put_rest(struct prs_buf *to, const struct pipeline_line *l, unsigned columns, bool utf8)
{
	struct prs_look look = { .utf8 = utf8 };
	size_t from = to->len;
	if (l->took_us)
		prs_put_since(to, l->took_us);
	if (l->progress) {
		pad_to(to, from, TIME_COLUMNS);
		prs_buf_puts(to, "  ");
		prs_console_progress(to, l->progress, columns, &look);
	} else if (l->reused && l->reused[0]) {
		prs_buf_puts(to, "from ");
		prs_put_plain(to, l->reused);
	} else if (l->why[0]) {
		pad_to(to, from, TIME_COLUMNS);
		prs_buf_puts(to, "  ");
		prs_put_plain(to, l->why);
	} else if (l->waits_for[0]) {
		prs_buf_puts(to, "for ");
		prs_put_plain(to, l->waits_for);
	}
}

void cli_pipeline_put_line(struct prs_buf *to, const struct pipeline_line *l, unsigned name_columns, unsigned columns,
                           bool utf8)
{
	PRS_AUTOBUF line;
	prs_buf_init(&line, 64 << 10);
	prs_buf_puts(&line, "  ");
	prs_put_plain(&line, l->name);
	pad_to(&line, 0, 2 + name_columns);
	prs_buf_puts(&line, "  ");
	put_state(&line, l);
	prs_buf_puts(&line, "  ");
	unsigned used = prs_columns((const char *)line.data, line.len) + TIME_COLUMNS + 2;
	put_rest(&line, l, columns > used ? columns - used : 0, utf8);
	while (line.len && line.data[line.len - 1] == ' ')
		line.len--;
	if (columns)
		prs_put_cut(to, prs_buf_str(&line), columns, PRS_CUT_END, utf8);
	else
		prs_buf_puts(to, prs_buf_str(&line));
	prs_buf_putc(to, '\n');
}

static void to_line(const struct prs_pipeline_row *row, struct pipeline_line *l)
{
	*l = (struct pipeline_line){ .name = row->step->name,
		                     .kind = row->step->kind == PRS_STEP_PARALLEL ? "parallel" : "command",
		                     .state = prs_state_name(PRS_MACHINE_STEP, (int)row->state),
		                     .starting = row->starting,
		                     .stopping = row->stopping,
		                     .took_us = row->took_us,
		                     .why = row->why,
		                     .reused = row->reused,
		                     .waits_for = row->waits ? row->waits->name : "",
		                     .progress = row->has_progress ? &row->progress : NULL };
}

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

static size_t count(const struct prs_pipeline_row *rows, size_t n, enum prs_step_state a, enum prs_step_state b)
{
	size_t found = 0;
	for (size_t i = 0; i < n; i++)
		found += rows[i].state == a || rows[i].state == b;
	return found;
}

static void put_sum(struct prs_buf *to, uint64_t elapsed_us, const struct prs_pipeline_row *rows, size_t n)
{
	size_t failed = count(rows, n, PRS_STEP_FAILED, PRS_STEP_FAILED);
	prs_put_since(to, elapsed_us);
	prs_buf_putf(to, ": %zu of %s done", count(rows, n, PRS_STEP_DONE, PRS_STEP_REUSED), prs_many(n, "step").text);
	if (failed)
		prs_buf_putf(to, ", %zu failed", failed);
	prs_buf_putf(to, ", %zu running\n", count(rows, n, PRS_STEP_RUNNING, PRS_STEP_RUNNING));
}

static bool is_live(const struct prs_pipeline_row *r) { return r->state == PRS_STEP_RUNNING || r->starting; }

/* All steps where the terminal has the room, else those that run. */
static void put_table(const struct show *s, struct prs_buf *to, const struct prs_pipeline_row *rows, size_t n)
{
	enum { OTHER_ROWS = 4 };
	unsigned high = cli_rows(2), columns = screen_columns();
	size_t room = high > OTHER_ROWS + 1 ? high - OTHER_ROWS : 1, shown = 0;
	for (size_t i = 0; i < n && shown < room; i++) {
		struct pipeline_line l;
		if (n > room && !is_live(&rows[i]))
			continue;
		to_line(&rows[i], &l);
		cli_pipeline_put_line(to, &l, s->name_columns, columns, s->screen.look.utf8);
		shown++;
	}
}

static void show_progress(void *ctx, uint64_t elapsed_us, const struct prs_pipeline_row *rows, size_t n)
{
	struct show *s = ctx;
	if (s->screen.json)
		fflush(stdout);
	if (s->screen.json || s->s->quiet || !s->screen.terminal)
		return;
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	put_sum(&b, elapsed_us, rows, n);
	put_table(s, &b, rows, n);
	screen_live(&s->screen, &b);
}

static void show_opened(void *ctx, bool resumed, const struct prs_pipeline_row *rows, size_t n)
{
	struct show *s = ctx;
	char dir[PATH_MAX];
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	for (size_t i = 0; i < n; i++) {
		unsigned wide = prs_columns(rows[i].step->name, strlen(rows[i].step->name));
		s->name_columns = wide > s->name_columns ? wide : s->name_columns;
	}
	s->name_columns = s->name_columns > 30 ? 30 : s->name_columns;
	s->done = count(rows, n, PRS_STEP_DONE, PRS_STEP_REUSED);
	if (s->screen.json) {
		prs_buf_puts(&b, "{\"type\":\"pipeline_started\",\"run\":");
		prs_put_json(&b, s->s->run->name);
		prs_buf_puts(&b, ",\"dir\":");
		prs_put_json(&b, s->s->run->dir);
		prs_buf_putf(&b, ",\"resumed\":%s,\"steps\":%zu,\"done\":%zu}\n", resumed ? "true" : "false", n,
		             s->done);
		fputs(prs_buf_str(&b), stdout);
	}
	prs_buf_clear(&b);
	prs_put_plain(&b, cli_short_path(s->s->run->dir, dir, sizeof dir));
	prs_buf_putf(&b, ": %s", prs_many(n, "step").text);
	if (resumed)
		prs_buf_putf(&b, ", goes on: %zu done", s->done);
	prs_buf_putc(&b, '\n');
	if (!s->screen.json && !s->s->quiet)
		screen_put(&s->screen, &b);
	if (s->detach)
		screen_leave(&s->screen, s->s->run, s->detach);
}

/* The end of what a command said. */
static size_t read_tail(const struct show *s, const struct prs_step *step, char to[TAIL_BYTES + 1])
{
	struct prs_fs_stat st;
	PRS_AUTOFREE char *path = prs_strf("%s/steps/%s/logs/user/std_log.txt", s->s->run->dir, step->folder);
	int fd = path ? prs_open_own(path, O_RDONLY, 0) : -1;
	if (fd < 0)
		return 0;
	const struct prs_fs *fs = program_fs();
	uint64_t from = fs->fstat(fs->ctx, fd, &st) == 0 && st.size > TAIL_BYTES ? st.size - TAIL_BYTES : 0;
	ssize_t n = pread(fd, to, TAIL_BYTES, (off_t)from);
	close(fd);
	to[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

static void put_failed(struct show *s, struct prs_buf *to, const struct prs_pipeline_row *row)
{
	char tail[TAIL_BYTES + 1];
	size_t n = row->step->kind == PRS_STEP_COMMAND ? read_tail(s, row->step, tail) : 0;
	prs_buf_puts(to, "Step ");
	prs_put_plain(to, row->step->name);
	prs_buf_puts(to, " failed: ");
	prs_put_plain(to, row->why);
	prs_buf_putc(to, '\n');
	for (const char *line = tail; n && *line;) {
		size_t length = strcspn(line, "\n");
		prs_buf_puts(to, "    ");
		prs_put_plain_bytes(to, line, length);
		prs_buf_putc(to, '\n');
		line += length + (line[length] == '\n');
	}
}

/* Not on a terminal every end is a line; there it is in the table. */
static void show_changed(void *ctx, const struct prs_pipeline_row *row)
{
	struct show *s = ctx;
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	if (s->screen.json || s->s->quiet)
		return;
	if (row->state == PRS_STEP_FAILED) {
		put_failed(s, &b, row);
	} else if (!s->screen.terminal && row->state != PRS_STEP_WAITING) {
		struct pipeline_line l;
		to_line(row, &l);
		cli_pipeline_put_line(&b, &l, s->name_columns, 0, false);
	}
	if (b.len)
		screen_put(&s->screen, &b);
}

static void show_error(void *ctx, const struct prs_step *step, const char *where, const char *text, size_t n)
{
	struct show *s = ctx;
	char run_name[600];
	PRS_AUTOFREE char *copied = prs_strf("%s/steps/%s/work/code", s->s->run->dir, step->folder);
	snprintf(run_name, sizeof run_name, "%s/%s", s->s->run->name, step->folder);
	s->screen.run_name = run_name;
	s->screen.copied = copied;
	s->screen.original = step->code_dir;
	screen_error(&s->screen, where, text, n);
	s->screen.run_name = s->s->run->name;
	s->screen.copied = s->screen.original = NULL;
}

static void show_said(void *ctx, const struct prs_step *step, bool warning, const char *sentence)
{
	struct show *s = ctx;
	PRS_AUTOFREE char *text = prs_strf("%s: %s", step->name, sentence);
	if (text && warning)
		screen_warn(&s->screen, text);
	else if (text)
		screen_say(&s->screen, text);
}

/* Of a step: its name goes in front. */
static void show_event(void *ctx, const struct prs_step *step, const char *line, size_t n)
{
	struct show *s = ctx;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 2 * TEXT_BYTES);
	if (!s->screen.json || !n)
		return;
	if (!step) {
		screen_event(&s->screen, line, n);
		return;
	}
	prs_buf_puts(&b, "{\"step\":");
	prs_put_json(&b, step->name);
	prs_buf_putc(&b, ',');
	prs_buf_put(&b, line + 1, n - 1);
	screen_event(&s->screen, (const char *)b.data, b.len);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static const char *result_word(enum prs_job_state s)
{
	static const char *const words[PRS_JOB_STATES] = { [PRS_JOB_COMPLETED] = "completed",
		                                           [PRS_JOB_FAILED] = "failed",
		                                           [PRS_JOB_CANCELED] = "canceled" };
	return words[s] ? words[s] : "interrupted";
}

static void end_json(const struct show *s, const struct prs_pipeline_end *end, int status, const struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	prs_buf_putf(&b, "{\"type\":\"end\",\"result\":\"%s\",\"exit\":%d,\"run\":",
	             err ? "error" : result_word(end->state), status);
	prs_put_json(&b, s->s->run->name);
	prs_buf_puts(&b, ",\"dir\":");
	prs_put_json(&b, s->s->run->dir);
	if (!err)
		prs_buf_putf(&b,
		             ",\"steps\":%zu,\"steps_done\":%zu,\"steps_reused\":%zu,\"steps_failed\":%zu,"
		             "\"steps_skipped\":%zu,\"steps_canceled\":%zu,\"wall_us\":%llu",
		             end->steps, end->done, end->reused, end->failed, end->skipped, end->canceled,
		             (unsigned long long)end->elapsed_us);
	uint16_t code = err ? (uint16_t)-err->code : end->code;
	const char *text = err ? err->msg : end->text;
	if (code)
		prs_buf_putf(&b, ",\"error\":\"%s\"", prs_error_row(code)->name);
	if (text[0]) {
		prs_buf_puts(&b, ",\"cause\":");
		prs_put_json(&b, text);
	}
	printf("%s}\n", prs_buf_str(&b));
	fflush(stdout);
}

static void put_field(struct prs_buf *to, const char *label, const char *text)
{
	prs_buf_putf(to, "  %-14s", label);
	prs_put_plain(to, text);
	prs_buf_putc(to, '\n');
}

static void put_counts(struct prs_buf *to, const struct prs_pipeline_end *end)
{
	const struct {
		size_t n;
		const char *word;
	} parts[] = { { end->done, "done" },
		      { end->failed, "failed" },
		      { end->skipped, "skipped" },
		      { end->canceled, "canceled" },
		      { end->steps - end->done - end->failed - end->skipped - end->canceled, "to do" } };
	const char *between = "";
	prs_buf_puts(to, "  steps         ");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (!parts[i].n)
			continue;
		prs_buf_putf(to, "%s%zu %s", between, parts[i].n, parts[i].word);
		between = ", ";
		if (i == 0 && end->reused)
			prs_buf_putf(to, " (%zu reused from earlier runs)", end->reused);
	}
	prs_buf_putc(to, '\n');
}

/* What has a place of its own. */
static void put_outputs(const struct show *s, struct prs_buf *to)
{
	char shown[PATH_MAX];
	for (size_t i = 0; i < s->s->pipeline->steps_n; i++) {
		const struct prs_step *step = &s->s->pipeline->steps[i];
		PRS_AUTOFREE char *dir = prs_strf("%s/steps/%s", s->s->run->dir, step->folder);
		for (size_t k = 0; dir && k < step->outputs_n; k++) {
			PRS_AUTOFREE char *path = step->outputs[k].path ? prs_step_output_path(&step->outputs[k], dir,
			                                                                       s->s->run->name)
			                                                : NULL;
			if (path)
				put_field(to, "output", cli_short_path(path, shown, sizeof shown));
		}
	}
}

static void put_next(const struct show *s, struct prs_buf *to, const struct prs_pipeline_end *end)
{
	char next[600] = "";
	if (end->state == PRS_JOB_FAILED)
		snprintf(next, sizeof next, "prs resume %s --retry-failed", s->s->run->name);
	else
		prs_exit_next(next, sizeof next, end->exit_code, s->s->run->name);
	if (next[0])
		put_field(to, "next", next);
}

static void end_text(struct show *s, const struct prs_pipeline_end *end)
{
	char dir[PATH_MAX];
	PRS_AUTOBUF b;
	prs_buf_init(&b, TEXT_BYTES);
	const char *word = result_word(end->state);
	screen_clear(&s->screen);
	prs_buf_put(&b, s->screen.held.data, s->screen.held.len);
	prs_buf_putf(&b, "%c%s: %s in ", toupper((unsigned char)word[0]), word + 1, prs_many(end->steps, "step").text);
	prs_put_since(&b, end->elapsed_us);
	prs_buf_putc(&b, '\n');
	if (end->state != PRS_JOB_COMPLETED && end->text[0])
		put_field(&b, "cause", end->text);
	put_counts(&b, end);
	if (end->state == PRS_JOB_COMPLETED)
		put_outputs(s, &b);
	put_field(&b, "steps in", cli_short_path(s->s->run->dir, dir, sizeof dir));
	put_next(s, &b, end);
	screen_put(&s->screen, &b);
}

static void was_over(const struct show *s, const struct prs_pipeline_end *end)
{
	const char *name = s->s->run->name;
	if (end->state == PRS_JOB_COMPLETED)
		cli_tell(stderr, "%s is completed: there is nothing to resume\n", name);
	else if (end->state == PRS_JOB_CANCELED)
		cli_tell(stderr, "%s was canceled: start a new run\n", name);
	else
		cli_tell(stderr, "%s failed: %s\nRun its failed steps again: prs resume %s --retry-failed\n", name,
		         end->text, name);
}

static int end_of(struct show *s, const struct prs_pipeline_end *end, const struct prs_err *err)
{
	int status = err ? prs_exit_of(err->code, false) : end->exit_code;
	if (s->screen.json)
		end_json(s, end, status, err);
	else if (err)
		complain(status, err);
	else if (end->was_over)
		was_over(s, end);
	else
		end_text(s, end);
	return status;
}

static int run_engine(const struct cli_pipeline_start *s, struct prs_detach *detach)
{
	struct prs_err err = { 0 };
	struct prs_pipeline_end end;
	struct show show = { .s = s, .detach = detach };
	screen_init(&show.screen, s->json, s->quiet);
	if (detach) {
		show.screen.terminal = false;
		show.screen.look = (struct prs_look){ .color = false };
	}
	show.screen.run_name = s->run->name;
	struct prs_pipeline_config c = { .pipeline = s->pipeline,
		                         .takeover = s->takeover,
		                         .retry_failed = s->retry_failed,
		                         .overwrite = s->overwrite,
		                         .events = s->json,
		                         .opened = show_opened,
		                         .changed = show_changed,
		                         .progress = show_progress,
		                         .error = show_error,
		                         .step_said = show_said,
		                         .event = show_event,
		                         .warn = screen_warn,
		                         .say = screen_say,
		                         .ctx = &show };
	int r = prs_pipeline_start(cli_front(s->quiet), s->run, &c, &end, &err);
	int status = end_of(&show, &end, r < 0 ? &err : NULL);
	screen_done(&show.screen);
	return status;
}

int cli_pipeline_start(const struct cli_pipeline_start *s)
{
	struct prs_err err = { 0 };
	struct prs_detach d;
	if (!s->detach)
		return run_engine(s, NULL);
	fflush(NULL);
	int r = prs_detach_begin(&d, &err);
	if (r < 0)
		return complain(PRS_EXIT_RESUMABLE, &err);
	return r ? prs_detach_wait(&d) : run_engine(s, &d);
}

/* ---- run, resume ------------------------------------------------------------------------------------------------- */

/* --no-reuse, --only, --from */
static int choose_steps(struct cli_args *a, struct prs_pipeline *p, struct prs_err *err)
{
	const char *only = cli_value(a, "--only", 0), *from = cli_value(a, "--from", 0);
	bool none = cli_has(a, "--no-reuse");
	if ((only && from) || (none && (only || from)))
		return prs_fail(err, PRS_EINVALID, "expected one of --only, --from and --no-reuse");
	p->force_rerun = p->force_rerun || none;
	return only || from ? prs_pipeline_only(p, only ? only : from, from != NULL, err) : 0;
}

int cli_pipeline_run(struct cli_args *a, struct prs_pipeline *p, const char *runs)
{
	struct prs_err err = { 0 };
	struct prs_run run;
	if (choose_steps(a, p, &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	if (prs_pipeline_make(cli_front(cli_quiet(a) || cli_json(a)), p, runs, &run, &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	struct cli_pipeline_start s = { .pipeline = p,
		                        .run = &run,
		                        .overwrite = cli_option(a, PRS_OPTION_ID_overwrite) != NULL,
		                        .json = cli_json(a),
		                        .quiet = cli_quiet(a),
		                        .detach = cli_has(a, "--detach") };
	return cli_pipeline_start(&s);
}

/* What a resume of a run can change is of a job, and a pipeline has several. */
static void refuse_settings(struct cli_args *a, const struct prs_run *run)
{
	if (cli_has(a, "--new-code"))
		cli_mistake(a, "--new-code is for a run: a pipeline keeps the code that it was begun with");
	if (cli_has(a, "--set"))
		cli_mistake(a, "--set changes a run: give a step, prs resume %s/STEP --set ...", run->name);
	for (size_t i = 0; i < a->options_n; i++) {
		const struct prs_option_row *row = a->options[i].row;
		bool ours = row == prs_option_at(PRS_OPTION_ID_runs_dir) ||
		            row == prs_option_at(PRS_OPTION_ID_overwrite) || row->resume == PRS_RESUME_SCREEN;
		if (!ours)
			cli_mistake(a, "%s changes a run: give a step, prs resume %s/STEP %s ...", a->options[i].where,
			            run->name, a->options[i].where);
	}
}

int cli_pipeline_resume(struct cli_args *a, const struct prs_run *run)
{
	struct prs_err err = { 0 };
	refuse_settings(a, run);
	if (a->mistakes_n)
		return complain_all(a->mistakes_n, &a->mistakes);
	if (run->step[0]) {
		prs_fail(&err, PRS_EINVALID,
		         "%s/%s has no run of its own to go on with: prs resume %s goes on with the pipeline",
		         run->name, run->step, run->name);
		return complain(PRS_EXIT_MISTAKE, &err);
	}
	struct prs_pipeline *p = prs_pipeline_read(program_fs(), run->dir, &err);
	if (!p)
		return complain(PRS_EXIT_BROKEN, &err);
	struct cli_pipeline_start s = { .pipeline = p,
		                        .run = run,
		                        .takeover = cli_has(a, "--takeover"),
		                        .retry_failed = cli_has(a, "--retry-failed"),
		                        .overwrite = cli_option(a, PRS_OPTION_ID_overwrite) != NULL,
		                        .json = cli_json(a),
		                        .quiet = cli_quiet(a),
		                        .detach = cli_has(a, "--detach") };
	int status = cli_pipeline_start(&s);
	prs_pipeline_free(p);
	return status;
}
