/* SPDX-License-Identifier: Apache-2.0
 * cmd_step: prs _step PARENT PIPELINE STEP MODE: the process of a parallel step. It runs an ordinary engine, and says
 * on descriptor 3 how it gets on (pipeline/engine.h). When the engine of the pipeline dies it stops as if it were asked
 * to: its run can be resumed.
 */
#include "cli/cli.h"

#include "report/console.h"
#include "run/pipeline.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { LINE_BYTES = 512 << 10 };
#define EVERY_US UINT64_C(200000)

struct told {
	bool events;
	uint64_t next_us;
};

/* A whole line, or none: nobody listens any more. */
static void say(char what, struct prs_buf *json)
{
	PRS_AUTOBUF line;
	prs_buf_init(&line, LINE_BYTES + 16);
	prs_buf_putf(&line, "%c%s\n", what, prs_buf_str(json));
	for (size_t at = 0; !line.failed && !json->failed && at < line.len;) {
		ssize_t n = write(PRS_STEP_FD, line.data + at, line.len - at);
		if (n <= 0)
			return;
		at += (size_t)n;
	}
}

static void say_text(char what, const char *where, const char *text)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, LINE_BYTES);
	prs_buf_puts(&b, "{\"where\":");
	prs_put_json(&b, where);
	prs_buf_puts(&b, ",\"text\":");
	prs_put_json(&b, text);
	prs_buf_putc(&b, '}');
	say(what, &b);
}

static void step_progress(void *ctx, const struct prs_progress *p)
{
	struct told *t = ctx;
	PRS_AUTOBUF b;
	prs_buf_init(&b, LINE_BYTES);
	if (p->elapsed_us < t->next_us)
		return;
	t->next_us = p->elapsed_us + EVERY_US;
	prs_buf_putf(&b, "{\"planned\":%s,\"items_per_s\":%.6g,\"left_us\":", p->planned_all ? "true" : "false",
	             p->estimate.rate);
	if (p->estimate.left_known)
		prs_buf_dec(&b, p->estimate.left_us, 0);
	else
		prs_buf_puts(&b, "null");
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = { { "elapsed_us", p->elapsed_us },
		        { "mini_batches", p->mini_batches },
		        { "done", p->done },
		        { "failed", p->failed },
		        { "items", p->items },
		        { "items_final", p->items_final },
		        { "items_failed", p->items_failed },
		        { "busy", p->busy },
		        { "processes", p->processes },
		        { "starting", p->starting } };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		prs_buf_putf(&b, ",\"%s\":%llu", numbers[i].key, (unsigned long long)numbers[i].value);
	prs_buf_putc(&b, '}');
	say(PRS_STEP_SAYS_PROGRESS, &b);
}

static void step_error(void *ctx, const char *where, const char *text, size_t n)
{
	(void)ctx;
	PRS_AUTOBUF b;
	prs_buf_init(&b, LINE_BYTES);
	prs_buf_put(&b, text, n);
	say_text(PRS_STEP_SAYS_TRACE, where ? where : "", prs_buf_str(&b));
}

static void step_event(void *ctx, const char *line, size_t n)
{
	const struct told *t = ctx;
	PRS_AUTOBUF b;
	prs_buf_init(&b, LINE_BYTES);
	prs_buf_put(&b, line, n);
	if (t->events)
		say(PRS_STEP_SAYS_EVENT, &b);
}

static void step_warn(void *ctx, const char *sentence)
{
	(void)ctx;
	say_text(PRS_STEP_SAYS_WARNING, "", sentence);
}

static void step_say(void *ctx, const char *sentence)
{
	(void)ctx;
	say_text(PRS_STEP_SAYS_SAY, "", sentence);
}

int cmd_step(struct cli_args *a)
{
	static struct prs_engine_end end; /* large */
	struct prs_err err = { 0 };
	char *const *words = a->words.v;
	const char *mode = words[PRS_STEP_WORD_MODE];
	struct told told = { .events = strstr(mode, PRS_STEP_MODE_EVENTS) != NULL };
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != atoi(words[PRS_STEP_WORD_PARENT])) /* it died before we asked to be told */
		return PRS_EXIT_RESUMABLE;
	struct prs_engine_config c = { .progress = step_progress,
		                       .error = step_error,
		                       .event = step_event,
		                       .warn = step_warn,
		                       .say = step_say,
		                       .ctx = &told };
	int r = prs_pipeline_step(cli_front(true), words[PRS_STEP_WORD_DIR], words[PRS_STEP_WORD_STEP],
	                          strstr(mode, PRS_STEP_MODE_RETRY) != NULL, &c, &end, &err);
	const char *why = r < 0 ? err.msg : end.text;
	if (why[0])
		say_text(PRS_STEP_SAYS_WHY, "", why);
	return r < 0 ? prs_exit_of(err.code, false) : end.exit_code;
}
