/* SPDX-License-Identifier: Apache-2.0
 * pipeline: steps, what they need, their jobs: one checked description, whatever it was written as
 * (docs/design/pipelines.md). Front ends fill it (jobfile_pipeline, pipeline_doc); the run folder keeps it as
 * pipeline.json; a step's job is filled in when it starts, since only then it is known where its inputs lie.
 *
 * Texts of a step (its command, arguments, variables, paths of outputs) may hold references: ${{inputs.X}} (of a
 * command), ${{outputs.X}}, ${{parent.jobs.STEP.outputs.X}}, ${{name}} (of the run), ${{prs.outputs}} (the folder of
 * its outputs) and ${{prs.dollar}} (a $ that begins none).
 */
#ifndef PRS_SPEC_PIPELINE_H
#define PRS_SPEC_PIPELINE_H

#include "base/buf.h"
#include "spec/job.h"

enum { PRS_PIPELINE_FORMAT = 1, PRS_PIPELINE_STEPS_MAX = 10000, PRS_PIPELINE_BYTES_MAX = 64 << 20 };

enum prs_step_kind { PRS_STEP_PARALLEL, PRS_STEP_COMMAND };

struct prs_step_output {
	char *name, *type; /* uri_file is a file, all others a folder */
	char *path;        /* absolute, may hold ${{name}}; NULL = outputs/<name> of the step's folder */
};

/* Of a command: one of path, literal, the output of a step; none of them: an optional one without a value. */
struct prs_step_input {
	char *name, *type;
	char *path;    /* absolute */
	char *literal; /* as it stands in the command */
	bool of_step;
	size_t step, output; /* of_step: their numbers */
};

struct prs_step {
	char *name;   /* any text; of a nested pipeline OUTER.INNER */
	char *folder; /* below steps/: the name, percent-encoded */
	enum prs_step_kind kind;
	size_t *needs; /* numbers of steps, ascending, each once: whose outputs it reads, and those of `after` */
	size_t *after; /* as given */
	size_t needs_n, after_n;
	unsigned cores; /* what it counts in the budget; 0 = all that the machine has */
	bool allow_reuse, force_rerun;
	bool only_reuse;                 /* it is taken from an earlier run, or the pipeline ends (--only, --from) */
	struct prs_step_output *outputs; /* of both kinds */
	size_t outputs_n;
	char *code_dir;           /* absolute; NULL = none (a command alone) */
	struct prs_list includes; /* absolute: copied to the top of the code */
	char *python;             /* absolute path of the interpreter, and why it is this one */
	char *python_why;
	int64_t snapshot; /* which of snapshots/ the code is in; -1 = not copied yet, or none */

	char *command; /* of a command: for bash -c, with references and $[[optional groups]] */
	struct prs_step_input *inputs;
	size_t inputs_n;
	struct prs_job_pair *variables;
	size_t variables_n;
	double timeout_s; /* 0 = none */

	/* of a parallel step: its job document (docs/job-json.md), where an input may have "step" and "output" in place
	 * of "path" */
	char *job;

	/* Of a description that was just read, NULL of one from pipeline.json: the step as a checked job, of both
	 * kinds, with what a snapshot leaves out (inputs, outputs); and where it stands, for messages. */
	struct prs_job *checked;
	char *file; /* NULL = nowhere */
	uint32_t line, column;
};

struct prs_pipeline {
	char *name;       /* as that of a run, without stamp */
	char *submit_dir; /* absolute */
	bool continue_on_step_failure, force_rerun;
	struct prs_step *steps; /* in the order in which ready ones start */
	size_t steps_n;
	struct prs_list command; /* its words behind "prs run"; empty: it cannot be given again */
};

void prs_pipeline_free(struct prs_pipeline *p); /* NULL is nothing */
/* After the checked jobs were changed (their interpreters are found): what they say goes into the steps. Before that a
 * step of a job has no document. */
int prs_pipeline_seal(struct prs_pipeline *p, struct prs_err *err);
/* Of a sealed one: only this step is left, or (`from`) this and all that need it; what they need is only_reuse. */
int prs_pipeline_only(struct prs_pipeline *p, const char *step, bool from, struct prs_err *err);
/* A step by its name; -1 = there is none. */
int64_t prs_pipeline_find(const struct prs_pipeline *p, const char *name);
/* A name as the name of a folder: bytes outside A-Za-z0-9._- and a leading dot as %XX. The caller frees. */
char *prs_step_folder(const char *name);

/* pipeline.json: the same description, the same bytes. */
int prs_pipeline_to_json(const struct prs_pipeline *p, struct prs_buf *to, struct prs_err *err);
/* What prs_pipeline_to_json() wrote; nothing is looked up on disk. PRS_ECORRUPT, PRS_EVERSION (a newer format). NULL:
 * err. */
struct prs_pipeline *prs_pipeline_from_json(const char *text, size_t n, struct prs_err *err);

/* ---- filling in: what stands for the references of one step ------------------------------------------------------ */

struct prs_step_fill {
	/* The absolute path of an output, of an earlier step or of this one. Owned by the callee, good until the next
	 * call. */
	const char *(*output)(void *ctx, size_t step, size_t output);
	void *ctx;
	const char *run_name;    /* ${{name}} */
	const char *outputs_dir; /* ${{prs.outputs}}, ${{outputs.default}}: outputs/ of the step's folder */
	const char *code_dir;    /* where the code lies now; NULL = as described */
	/* Of a command: what stands for the path of an input; NULL = the path. Owned likewise. */
	const char *(*input)(void *ctx, const char *path);
};

/* Where this run puts an output, `dir` being the step's folder: its path with ${{name}} filled in, else
 * <dir>/outputs/<name>. The caller frees; NULL: no memory. */
char *prs_step_output_path(const struct prs_step_output *o, const char *dir, const char *run_name);

/* A parallel step as a job document for run --job-json: no step, no reference left in it. Its own outputs without a
 * path stay so: they lie in its run folder. */
int prs_step_fill_job(const struct prs_pipeline *p, size_t step, const struct prs_step_fill *f, struct prs_buf *to,
                      struct prs_err *err);

struct prs_step_command {
	char *text; /* for bash -c */
	struct prs_job_pair *variables;
	size_t variables_n;
};
/* A command step. A path with other characters than A-Za-z0-9_./:@%+=,- is put in single quotes; PRS_EINVALID where it
 * stands inside quotes. Literals go in as they are. */
int prs_step_fill_command(const struct prs_pipeline *p, size_t step, const struct prs_step_fill *f,
                          struct prs_step_command *ret, struct prs_err *err);
void prs_step_command_done(struct prs_step_command *c);

#endif
