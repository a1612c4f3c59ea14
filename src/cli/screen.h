/* SPDX-License-Identifier: Apache-2.0
 * screen: what the engine tells while it runs, written to the terminal (stderr) or as JSON lines (stdout).
 */
#ifndef PRS_CLI_SCREEN_H
#define PRS_CLI_SCREEN_H

#include "base/buf.h"
#include "io/detach.h"
#include "master/engine.h"
#include "run/runs.h"

struct screen {
	bool json, quiet; /* from the command; quiet: the end alone */
	bool terminal;    /* stderr is one */
	struct prs_look look;
	bool keys;           /* the person may ask (io/keys.h) */
	bool asked, hinting; /* a key was pressed for the processes; the live line says which */
	bool drawn, error_shown;
	const char *copied,
		/* tracebacks name files of the snapshot's working copy: shown as the user's own; NULL = as they are */
		*original;
	const char *run_name; /* for commands; may be NULL */
	/* where the script of a job without an output file writes; NULL = there is such a file */
	const char *output_dir;
	uint64_t next_us;          /* not on a terminal: when the next line is due */
	struct prs_buf held;       /* quiet: warnings, for the end */
	struct prs_buf line, last; /* what is live, one line or several; as it stands on the screen */
};

void screen_init(struct screen *s, bool json, bool quiet);
void screen_done(struct screen *s);
/* --detach: says how to follow the run, then leaves the terminal (start.c). */
void screen_leave(struct screen *s, const struct prs_run *run, struct prs_detach *detach);
/* From here on the keys of the terminal are read, when there is one. */
void screen_keys(struct screen *s);
/* The live line goes. */
void screen_clear(struct screen *s);
/* How wide a live line may be. */
unsigned screen_columns(void);
/* Lines that are live, on a terminal: they are rewritten in place. */
void screen_live(struct screen *s, struct prs_buf *text);
/* A finished text, above the live line. */
void screen_put(struct screen *s, struct prs_buf *text);
/* The callbacks of the engine; ctx = struct screen. */
void screen_progress(void *ctx, const struct prs_progress *p);
/* The same with a table of the processes below, all of it rewritten in place: for somebody who only looks. */
void screen_watch(struct screen *s, const struct prs_progress *p, const struct prs_console_process *v, size_t n,
                  const char *waits_for, const char *last_error);
/* The person pressed the key: the engine shall call screen_processes(). */
bool screen_asks(void *ctx);
void screen_processes(void *ctx, const struct prs_console_process *v, size_t n, const char *waits_for,
                      const char *last_error);
void screen_ending(void *ctx);
void screen_error(void *ctx, const char *where, const char *text, size_t n);
void screen_event(void *ctx, const char *line, size_t n);
void screen_warn(void *ctx, const char *sentence);
void screen_say(void *ctx, const char *sentence);
/* The last screen, or the last event. `err` NULL: the job ran. */
void screen_end(struct screen *s, const struct prs_engine_end *end, const char *logs, int status,
                const struct prs_err *err);

#endif
