/* SPDX-License-Identifier: Apache-2.0
 * job: the second of the three lives of a job: checked and canonical, whatever it was written as. Paths are absolute,
 * but nothing in it depends on a run folder: where that is needed a text has a late part (spec/jobfile_impl.h), a path
 * is NULL, and placed.h fills it in.
 */
#ifndef PRS_SPEC_JOB_H
#define PRS_SPEC_JOB_H

#include "base/err.h"
#include "base/fs.h"
#include "base/option.h"
#include "spec/request.h"

/* What is split: a folder or file; or patterns, files and folders (`parts`) below `path`; or the files that a list
 * names. */
struct prs_job_table;

struct prs_job_input {
	char *name; /* "input_0" or as given; also the value of --input_fds_<i> */
	char *path; /* absolute: the folder or file; with parts the folder above them all; of a list the list itself */
	char *type; /* "uri_folder", "uri_file", "mltable" */
	struct prs_list parts; /* absolute, in order; `*`, `**`, `?`, `[]` where no such file exists */
	bool is_list;
	char *base; /* of a list: the folder that its relative lines start from */
	/* NULL, or a list (0 bytes between absolute paths) of the items that are taken, whatever else lies there */
	char *only;
	char *partition_format;      /* base/partition.h; NULL = none */
	struct prs_job_table *table; /* job_table.h: its items are rows; NULL = files */
	char *asset;                 /* "azureml:mnist:2": what `path` was when it was asked; NULL = a path was given */
	char *mltable; /* absolute: the folder whose file MLTable says what is read and how; NULL = none */
};

/* A folder or file that the script writes; uri_file, else a folder. */
struct prs_job_output {
	char *name, *type;
	char *path; /* absolute, may hold late parts; NULL = outputs/<name> of the run folder */
};

/* The variable of an input begins so. */
#define PRS_INPUT_VARIABLE "AZURE_ML_INPUT_"

struct prs_job_pair {
	char *name, *value; /* value: absolute path for models and side inputs */
	char *asset;        /* of these: "azureml:net:2"; NULL */
};

struct prs_job {
	struct prs_options o;
	char *from[PRS_OPTIONS]; /* where each value comes from: "--run-max-try", "job.yml:12:5"; NULL = the default */
	bool is_default[PRS_OPTIONS];  /* it is one of `defaults:`: whatever the job says takes its place */
	bool is_argument[PRS_OPTIONS]; /* it is a flag of the original in program_arguments: keys are stronger */
	char *submit_dir;              /* absolute: where the command was given */
	struct prs_list command;       /* its words behind "prs run"; empty: it cannot be given again */
	char *code_dir;                /* absolute: the folder that is snapshotted */
	char *entry;                   /* entry script, relative to code_dir, or a dotted module */
	struct prs_list includes; /* absolute: files and folders that are copied into the code folder, at its top */
	struct prs_job_input *inputs;
	size_t inputs_n;
	struct prs_job_pair *models, *side_inputs, *variables;
	size_t models_n, side_inputs_n, variables_n;
	struct prs_job_output *outputs; /* of a job file */
	size_t outputs_n;
	char *rows_name; /* of the append_row file in an output that is a folder; NULL = the original's default */
	int append_to;   /* the output that holds the append_row file, -1 = none of them */
	struct prs_list program_args; /* of a job file, in front of the user's; may hold late parts */
	struct prs_list user_args;
	struct prs_list system_args; /* flags of the original that a job file gives and that are shown to the script */
	struct prs_list data_paths;  /* further data that is no part of the code */
	char *output_file;           /* absolute; NULL for summary_only or when it lies in the run folder */
	char *output_dir; /* absolute: the folder of output_file, or summary_only's own; NULL = of the run folder */
	char *name;       /* of the run, without stamp */
	/* of a job file: the name of its environment ("azureml:x:1"), its Python ("3.10") and what pip is to install */
	char *env_name;
	char *env_python;
	struct prs_list env_pip;
	char *python; /* absolute path of the resolved interpreter, and why */
	char *python_why;
	/* NULL, or the run folder whose failed items are the input; its name, and how many they are */
	char *only_failed;
	char *only_failed_name;
	uint64_t only_failed_items;
	struct prs_list warnings; /* sentences to show once */
	bool writes_later;        /* of the request */
};

void prs_job_init(struct prs_job *j);
void prs_job_done(struct prs_job *j);
/* An option that only asks for what the job has as a member of its own: inputs, outputs, models, name ... */
bool prs_job_is_word(const struct prs_option_row *row);
/* What was asked, as options of the job: built-in values, then each word in its order, `defaults:` first, then the
 * arguments. */
int prs_job_begin(struct prs_job *j, const struct prs_request *q, struct prs_err *err);

/* After all front ends: o.partition_keys one by one ("a,b" and '["a","b"]' come as one), o.partition_format to the
 * inputs that have none. < 0: err says what is wrong with the keys. */
int prs_job_split_keys(struct prs_job *j, struct prs_err *err);
/* output_types: COLUMN=TYPE each. */
int prs_job_check_types(const struct prs_list *types, struct prs_err *err);
/* The keys and the format of one input fit each other; nothing to check without keys. */
int prs_job_check_partition(const struct prs_job *j, const struct prs_job_input *in, struct prs_err *err);
/* ["a","b"]; the caller frees. */
char *prs_job_keys_json(const struct prs_job *j);
/* Every front end sets options here: prs_option_set() on j->o, and where the value came from is kept. */
int prs_job_set(struct prs_job *j, const struct prs_option_row *row, const char *value, const char *where,
                struct prs_err *err);

/* A script with flags, begun already: check everything that can be checked without running and fill the derived
 * fields: all mistakes at once, a line each, into `report`. Returns the number of mistakes. */
struct prs_sources;
int prs_job_check(struct prs_job *j, const struct prs_sources *from, struct prs_buf *report);

/* Does the job itself give the option, not only `defaults:`? */
bool prs_job_says(const struct prs_job *j, enum prs_option_id id);
/* Does the job set this environment variable? */
bool prs_job_sets(const struct prs_job *j, const char *variable);
/* A run's name is part of a path and of commands: letters, digits, "_", "-" and "."; it begins with a letter or
 * digit. Other characters become "_"; a text without a letter or digit is "run". NULL: no memory. The caller frees. */
char *prs_job_clean_name(const char *text);
/* The text of --input as an input: folder, file, pattern, @list. in->name is set already. */
int prs_job_input_resolve(struct prs_job_input *in, const struct prs_fs *fs, const char *cwd, const char *text,
                          struct prs_err *err);
/* The name of the append_row file where only its folder is given: parallel_run_step.txt, or as its format says. */
const char *prs_job_rows_name(const struct prs_job *j);
/* The folder that an output is written to, as far as it is known before the run folder is. NULL: it lies in the run
 * folder, or no memory. The caller frees. */
char *prs_job_output_folder(const struct prs_job_output *o);
/* One more file or folder that is copied into the code folder; err: it is not there, or something there has its
 * name. */
int prs_job_include(struct prs_job *j, const struct prs_fs *fs, const char *path, struct prs_err *err);
/* The job as a parallel job of its own (v2 YAML) that reads back to the same job. PRS_EINVALID: a path or word that
 * YAML cannot hold. */
int prs_job_to_yaml(const struct prs_job *j, struct prs_buf *to, struct prs_err *err);

#endif
