/* SPDX-License-Identifier: Apache-2.0
 * engine: one job from its run folder to its end: plans, leases, journals, reports, assembles.
 */
#ifndef PRS_MASTER_ENGINE_H
#define PRS_MASTER_ENGINE_H

#include "base/fs.h"
#include "data/plan.h"
#include "node/node.h"
#include "report/console.h"
#include "report/report.h"
#include "spec/placed.h"

/* A setting that a resume changes: journaled as SET. */
struct prs_setting {
	const struct prs_option_row *row;
	const char *value;
};

/* What was found when the run folder was opened. */
struct prs_engine_opened {
	bool resumed, old_code;              /* old: what runs is not what the script's folder holds now */
	uint64_t done, failed, mini_batches; /* so far */
	uint32_t processes;                  /* of all nodes */
};

/* A node: what it is, and how it is made. All nodes of an engine have different numbers; 0 is the one of this
 * process. */
struct prs_engine_node {
	uint16_t number;
	const char *name, *address; /* host, and what names its log folders */
	uint16_t slots, cores;
	const struct prs_list *gpus;      /* as node.h has it */
	const struct prs_list *variables; /* of its processes */
	const char *scratch, *logs;       /* folders; NULL: the run folder */
	const struct prs_node_ops *ops;
	int (*make)(void *ctx, const struct prs_node_config *c, void **ret, struct prs_err *err);
	void *ctx;
};

struct prs_engine_config {
	size_t struct_size;
	const struct prs_fs *fs;
	struct prs_job *job; /* the settings changed by earlier resumes (SET facts) and by this one are applied to it */
	const struct prs_placed *placed; /* the same job in its run folder */
	const char *dir;                 /* run folder, absolute; RUN, job.json and code/ are there */
	struct prs_run_id run;
	const char *run_name;
	const char *program, *loader;        /* absolute paths */
	const struct prs_list *variables;    /* of the job: a node adds what is of its machine (node/here.h) */
	const struct prs_engine_node *nodes; /* none: node 0, in this process */
	size_t nodes_n;
	bool takeover;
	const struct prs_setting *set;
	size_t set_n;
	bool retry_failed; /* FAILED mini-batches are RESET; a failed job goes on */
	/* A resume is to run the script's folder as it is now: copies it into the folder `name`, which it makes, of the
	 * run folder. NULL: it runs what the run has. */
	int (*new_code)(void *ctx, const char *name, struct prs_err *err);
	/* For the console; may be NULL. */
	void (*opened)(void *ctx, const struct prs_engine_opened *o); /* not when the job is over already */
	void (*progress)(void *ctx, const struct prs_progress *p);
	void (*error)(void *ctx, const char *where, const char *text, size_t n);
	void (*event)(void *ctx, const char *line, size_t n);
	void (*warn)(void *ctx, const char *sentence);
	void (*say)(void *ctx, const char *sentence); /* not a warning */
	/* Asked after each progress: true = processes() shall be called. `last_error` is one line, "" = none. */
	bool (*asks)(void *ctx);
	void (*processes)(void *ctx, const struct prs_console_process *v, size_t n, const char *waits_for,
	                  const char *last_error);
	void (*ending)(void *ctx); /* the last call in which signals are still handled */
	void *ctx;
};

struct prs_engine_end {
	struct prs_result result; /* texts point into the fields below */
	char text[512], output[4096], trace[8192], next_command[512], hint[256], codes[512];
	int exit_code; /* enum prs_exit */
	bool was_over; /* the job had ended before: nothing was done */
};

/* The job's inputs as the lister takes them; they point into the placed job. NULL: no memory. The caller frees. */
struct prs_list_input *prs_engine_inputs(const struct prs_placed *p);
/* Append what every worker process is told (key NUL value NUL ...): SETUP but for what is the slot's own. `dir` is the
 * run folder. */
int prs_engine_setup(const struct prs_placed *p, const char *dir, const char *code_root, const char *run_name,
                     struct prs_buf *to, struct prs_err *err);
/* Why there is no mini-batch, though so many files were found: for people. */
void prs_engine_no_items(const struct prs_placed *p, uint64_t files, char *to, size_t n);
/* Writes the schemas of the plan as <dir>/work/schema/<n>.json; the folder work/ is there. */
int prs_engine_put_schemas(const struct prs_fs *fs, const char *dir, const struct prs_plan *plan, struct prs_err *err);
/* Runs or resumes the job of a run folder until it ends. < 0: it could not be started (err says why). */
int prs_engine_run(const struct prs_engine_config *c, struct prs_engine_end *ret, struct prs_err *err);

#endif
