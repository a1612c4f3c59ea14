/* SPDX-License-Identifier: Apache-2.0
 * placed: the third of the three lives of a job: in its run folder. What the job left open is filled in, lists of
 * files are those that the run keeps, and job.json (docs/formats.md) says it all.
 */
#ifndef PRS_SPEC_PLACED_H
#define PRS_SPEC_PLACED_H

#include "spec/job.h"

struct prs_placed_input {
	char *path, *only; /* as the input has them, until a list of files is the copy that the run keeps */
};

struct prs_placed {
	const struct prs_job *job; /* the caller's */
	struct prs_placed_input *inputs;
	char **outputs;                         /* the path of each output of the job */
	struct prs_list arguments, system_args; /* of the job file, then the user's; flags of the original */
	struct prs_job_pair *variables;         /* as many as the job has */
	char *output_file; /* absolute; NULL for summary_only or when it lies in outputs/ of the run folder */
	char *output_dir;  /* absolute, always a folder */
	uint8_t job_print[16], code_print[16];
	unsigned runs_left_out; /* of the snapshot: run folders that do not lie beside that of this run */
};

/* `dir`: the run folder; it need not exist. `p` is filled, and done either way. */
int prs_place(struct prs_placed *p, const struct prs_job *j, const struct prs_fs *fs, const char *dir,
              const char *run_name, struct prs_err *err);
/* The same for a trial: every output lies below `dir`, none where the job wants it. */
int prs_place_apart(struct prs_placed *p, const struct prs_job *j, const struct prs_fs *fs, const char *dir,
                    const char *run_name, struct prs_err *err);
void prs_placed_done(struct prs_placed *p);
/* Makes the folders of the outputs, and those above them. */
int prs_placed_make_outputs(const struct prs_placed *p, const struct prs_fs *fs, struct prs_err *err);

/* job.json: canonical, with where each value came from. Fills job_print. */
int prs_placed_to_json(struct prs_placed *p, struct prs_buf *to, struct prs_err *err);
/* The job and where it lies, from job.json of a run folder. */
int prs_placed_from_json(struct prs_placed *p, struct prs_job *j, const char *text, size_t n, struct prs_err *err);

/* Copy the script's folder to `to`, a folder of the run folder, and fingerprint it into code_print. Left out:
 * inputs, outputs, run folders, version control, caches, virtual environments, what .amlignore (else .gitignore)
 * names; of a script (PRS_CODE_WITHOUT_DATA) also folders beside it with more than 1,000 files or 100 MB and no .py
 * file. PRS_ELIMIT above 2,000 files or 300 MB. `ear`, which may be NULL, hears before the copy begins what is left out
 * as data, and of a copy of 5 MB and more. */
struct prs_snapshot_ear {
	void (*say)(void *ctx, const char *line);
	void *ctx;
};
int prs_snapshot(struct prs_placed *p, const struct prs_fs *fs, const char *to, const struct prs_snapshot_ear *ear,
                 struct prs_err *err);
/* A copy of a snapshot: all of it. */
int prs_snapshot_copy(const struct prs_fs *fs, const char *from, const char *to, struct prs_err *err);

/* sys.argv[1:] of the workers: engine flags (unless engine_args hide) in the order of the original, the arguments,
 * --input_fds_<i>. */
int prs_placed_argv(const struct prs_placed *p, struct prs_list *ret, struct prs_err *err);

#endif
