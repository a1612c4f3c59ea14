/* SPDX-License-Identifier: Apache-2.0
 * start: from a run folder to a running engine: program and loader paths, the workers' environment, the screens.
 */
#include "cli/cli.h"
#include "cli/environment.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct screen {
	bool terminal, json, quiet, color, drawn, error_shown;
	uint64_t next_us;
};

int complain(int status, const struct prs_err *err)
{
	fprintf(stderr, "prs: %s\n", err->msg);
	return status;
}

/* ---- screens ---------------------------------------------------------------------------------------------------------- */

static unsigned columns(void)
{
	struct winsize w;
	return ioctl(2, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

static void clear_line(struct screen *s)
{
	if (s->drawn)
		fputs("\r\033[K", stderr);
	s->drawn = false;
}

static void on_progress(void *ctx, const struct prs_progress *p)
{
	struct screen *s = ctx;
	if (s->json || s->quiet || (!s->terminal && p->elapsed_us < s->next_us))
		return;
	s->next_us = p->elapsed_us + 10000000;
	if (!s->terminal && p->elapsed_us < 10000000)
		return;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 64 << 10);
	prs_console_progress(&b, p, s->terminal ? columns() - 1 : 0, s->color);
	if (s->terminal) {
		fprintf(stderr, "\r\033[K%s", prs_buf_str(&b));
		s->drawn = true;
	} else {
		fprintf(stderr, "%s\n", prs_buf_str(&b));
	}
	fflush(stderr);
}

static void on_error(void *ctx, const char *where, const char *text, size_t n)
{
	struct screen *s = ctx;
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	prs_console_error(&b, where, text, n, s->color);
	clear_line(s);
	fputs(prs_buf_str(&b), stderr);
	s->error_shown = true;
}

static void on_event(void *ctx, const char *line, size_t n)
{
	struct screen *s = ctx;
	if (s->json)
		printf("%.*s\n", (int)n, line);
}

static void on_warn(void *ctx, const char *sentence)
{
	clear_line(ctx);
	fprintf(stderr, "warning: %s\n", sentence);
}

/* ---- paths ------------------------------------------------------------------------------------------------------------ */

/* The loader lies beside an installed program (../share/prs/python), or in the source tree of a built one. */
static int find_loader(const char *program, char *to, size_t n, struct prs_err *err)
{
	static const char *const places[] = { "../share/prs/python", "../python", "../../python", "../../../python", "../../main/python" };
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", program);
	const char *folder = dirname(copy);
	char tried[PATH_MAX + 64];
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		snprintf(tried, sizeof tried, "%s/%s/prs_worker.py", folder, places[i]);
		if (access(tried, R_OK) == 0 && realpath(tried, copy)) {
			snprintf(to, n, "%s", copy);
			return 0;
		}
		snprintf(copy, sizeof copy, "%s", program);
		folder = dirname(copy);
	}
#ifdef PRS_SOURCE_PYTHON
	if (access(PRS_SOURCE_PYTHON "/prs_worker.py", R_OK) == 0) {
		snprintf(to, n, "%s", PRS_SOURCE_PYTHON "/prs_worker.py");
		return 0;
	}
#endif
	return prs_fail(err, PRS_ENOTFOUND, "the loader (prs_worker.py) is not beside the program %s: install prs again", program);
}

int start_engine(const struct prs_job *job, const char *dir, const struct prs_run_id *run, const char *name, bool takeover)
{
	struct prs_err err = { 0 };
	char program[PATH_MAX] = "", loader[PATH_MAX + 64];
	struct prs_list env = { 0 }, gpus = { 0 };
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	if (n <= 0 || find_loader(program, loader, sizeof loader, &err) < 0)
		return complain(2, &err);
	struct screen s = { .terminal = isatty(2) && !job->o.json, .json = job->o.json, .quiet = job->o.quiet,
		            .color = isatty(2) && !getenv("NO_COLOR") };
	if (make_environment(job, dir, name, &env, &gpus) < 0)
		return 4;
	struct prs_engine_config c = { .struct_size = sizeof c, .fs = program_fs(), .job = job, .dir = dir, .run = *run, .run_name = name,
		                       .program = program, .loader = loader, .environment = &env, .gpus = &gpus, .takeover = takeover,
		                       .progress = on_progress, .error = on_error, .event = on_event, .warn = on_warn, .ctx = &s };
	static struct prs_engine_end end;
	if (!s.json && !s.quiet)
		fprintf(stderr, "run %s\n", name);
	int r = prs_engine_run(&c, &end, &err);
	clear_line(&s);
	prs_list_done(&env);
	prs_list_done(&gpus);
	if (r < 0)
		return complain(err.code == -PRS_ECORRUPT || err.code == -PRS_EVERSION ? 3 : err.code == -PRS_EBUSY ? 2 : 4, &err);
	if (!s.json) {
		char logs[PATH_MAX];
		snprintf(logs, sizeof logs, "%s/logs", dir);
		PRS_AUTOBUF b;
		prs_buf_init(&b, 1 << 20);
		if (s.error_shown)
			end.result.trace = NULL;
		prs_console_end(&b, &end.result, logs, s.color);
		fputs(prs_buf_str(&b), stderr);
	}
	fflush(stdout);
	return end.exit_code;
}
