/* SPDX-License-Identifier: Apache-2.0
 * engine: one pipeline from its run folder to its end: starts steps as flow/ says, journals what becomes of them. A
 * parallel step is a child of this program that runs the ordinary engine in steps/<name>/ (prs _step); a command is
 * bash in a copy of its code.
 */
#ifndef PRS_PIPELINE_ENGINE_H
#define PRS_PIPELINE_ENGINE_H

#include "pipeline/past.h"
#include "report/console.h"
#include "wire/frame.h"

#include <limits.h>

/* What a step is at, for those who look. */
struct prs_pipeline_row {
	const struct prs_step *step;
	enum prs_step_state state;
	bool starting, stopping;      /* its folder is being made; it was told to end */
	uint64_t took_us;             /* of the last time it ran, or runs */
	bool has_progress;            /* of a parallel one that runs: */
	struct prs_progress progress; /* without texts */
	const char *why;              /* it failed; else "" */
	const char *reused;           /* RUN/STEP that it was reused from; else "" */
	const struct prs_step *waits; /* the step that it waits for; NULL = none */
};

/* What an interpreter is: its version, and the names and versions of what is installed. */
struct prs_pipeline_python {
	const char *path;
	uint8_t print[16];
};

struct prs_pipeline_config {
	size_t struct_size;
	const struct prs_fs *fs;
	const struct prs_pipeline *pipeline;
	uint8_t print[16]; /* of pipeline.json */
	const char *dir;   /* run folder, absolute; RUN, pipeline.json and snapshots/ are there */
	struct prs_run_id run;
	const char *run_name;
	const char *program; /* this one, absolute */
	const char *names;   /* folder of the names that Python in commands finds, absolute */
	unsigned cores;      /* the budget; 0: those of the machine */
	bool takeover, retry_failed, overwrite;
	bool events; /* those of parallel steps are wanted */
	/* For the fingerprints of steps: interpreters that are not there are not known; what prs.yml says. */
	const struct prs_pipeline_python *pythons;
	size_t pythons_n;
	const uint8_t *defaults; /* 16 bytes, NULL = none */
	/* < 0: the run of a parallel step has failed items, or was changed while it ran (err says so). On the thread
	 * for files. May be NULL. */
	int (*check_clean)(const struct prs_fs *fs, const char *step_dir, struct prs_err *err);
	/* For the console; may be NULL. */
	void (*opened)(void *ctx, bool resumed, const struct prs_pipeline_row *rows, size_t n);
	void (*changed)(void *ctx, const struct prs_pipeline_row *row);
	void (*progress)(void *ctx, uint64_t elapsed_us, const struct prs_pipeline_row *rows, size_t n);
	/* Said by a parallel step: a traceback, a warning, a sentence. */
	void (*error)(void *ctx, const struct prs_step *s, const char *where, const char *text, size_t n);
	void (*step_said)(void *ctx, const struct prs_step *s, bool warning, const char *sentence);
	void (*event)(void *ctx, const struct prs_step *s, const char *line, size_t n); /* s NULL: of the pipeline */
	void (*warn)(void *ctx, const char *sentence);
	void (*say)(void *ctx, const char *sentence);
	void *ctx;
};

struct prs_pipeline_end {
	enum prs_job_state state;
	uint16_t code;
	char text[512];
	int exit_code; /* enum prs_exit */
	bool was_over; /* it had ended before: nothing was done */
	uint64_t elapsed_us;
	size_t steps, done, failed, skipped, canceled; /* done: reused ones, too */
	size_t reused;
};

/* Runs or resumes the pipeline of a run folder until it ends. < 0: it could not be started (err says why). */
int prs_pipeline_run(const struct prs_pipeline_config *c, struct prs_pipeline_end *ret, struct prs_err *err);

/* Of the words of prs _step, in their order. */
enum { PRS_STEP_WORD_PARENT, PRS_STEP_WORD_DIR, PRS_STEP_WORD_STEP, PRS_STEP_WORD_MODE, PRS_STEP_WORDS };
/* What the process of a step says: a letter and a JSON document, a line each, on this descriptor. */
enum { PRS_STEP_FD = 3 };
enum prs_step_says {
	PRS_STEP_SAYS_PROGRESS = 'P', /* as the answer to status */
	PRS_STEP_SAYS_EVENT = 'E',
	PRS_STEP_SAYS_TRACE = 'T',   /* where, text */
	PRS_STEP_SAYS_WARNING = 'W', /* text */
	PRS_STEP_SAYS_SAY = 'S',     /* text */
	PRS_STEP_SAYS_WHY = 'X'      /* text: why it failed, or stopped */
};
/* The words in PRS_STEP_WORD_MODE: what failed is tried again; events are wanted. */
#define PRS_STEP_MODE_RETRY "retry"
#define PRS_STEP_MODE_EVENTS "events"

#endif
