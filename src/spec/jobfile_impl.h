/* SPDX-License-Identifier: Apache-2.0
 * jobfile_impl: what the files of the job file reader share.
 */
#ifndef PRS_SPEC_JOBFILE_IMPL_H
#define PRS_SPEC_JOBFILE_IMPL_H

#include "base/path.h"
#include "spec/expr.h"
#include "spec/jobfile.h"
#include "spec/late.h"
#include "spec/pipeline.h"
#include "spec/yaml_impl.h"

enum jf_place {
	JF_PIPELINE,
	JF_SETTINGS,
	JF_COMMAND,
	JF_LIMITS,
	JF_JOB,
	JF_TASK,
	JF_RETRY,
	JF_RESOURCES,
	JF_INPUT,
	JF_OUTPUT,
	JF_ENVIRONMENT,
	JF_V1FILE,
	JF_V1,
	JF_BATCH,
	JF_BATCH_SETTINGS,
	JF_CODE,
	JF_MODEL,
	JF_MLTABLE,
	JF_MLTABLE_PATH,
	JF_TABLE_DELIMITED,
	JF_TABLE_JSONL,
	JF_TABLE_PARQUET,
	JF_TABLE_CONVERT,
	JF_TABLE_DATETIME,
	JF_TABLE_BOOLEAN,
	JF_TABLE_SAMPLE,
	JF_PROJECT,
	JF_SERVICE
};

/* Inputs of such a name are further data of a job that was printed (jobfile_print.c): no script asks for them. */
#define JF_NAMELESS "prs."

struct jf_input {
	const char *name, *type; /* type NULL = not said */
	struct prs_mark at;
	const struct prs_yaml *node;  /* what gave the value; NULL = the declaration alone */
	const char *literal;          /* a value that is no data */
	const char *path;             /* data: absolute, or as mapped; @PATH = a list of files */
	const struct prs_yaml *paths; /* several */
	const struct prs_yaml *partition_format, *mode;
	bool data, optional, unset, bad; /* bad: a mistake was found already */
	bool split;                      /* input_data */
	bool plain;                      /* declared as mltable, and --input gives a folder without one */
};

struct jf_output {
	const char *name, *type;
	struct prs_mark at;
	const char *path; /* absolute, may hold late parts; NULL = in the run folder */
	bool bad;
	/* of a pipeline: the job in it, and its output, that is bound to this one */
	bool is_made;
	size_t maker;
	const char *maker_output;
};

#define JF_NO_NODE ((size_t)-1)

struct jf_flow; /* jobfile_pipeline.c: the jobs of a pipeline */

struct jf_asset {
	const char *path, *asset;
	const struct jf_asset *next;
};

struct jobfile {
	struct prs_job *j;
	struct prs_yaml_doc *d;
	const struct prs_request *q;
	const struct prs_fs *fs;
	const struct prs_project *project;   /* may be NULL */
	struct prs_options scratch;          /* checks values that something stronger replaces */
	struct prs_mark set_at[PRS_OPTIONS]; /* where the file sets it; line 0 and source 0 = not */
	bool set[PRS_OPTIONS];
	const struct prs_yaml *pipeline, *job, *component;
	struct jf_input *parent_inputs, *inputs;
	size_t parent_inputs_n, inputs_n;
	struct jf_output *parent_outputs, *outputs;
	size_t parent_outputs_n, outputs_n;
	struct prs_mark append_at, whole; /* whole: the file itself */
	const char *default_datastore;
	const struct prs_yaml *rows_name; /* prs: {append_row_file_name: ...} of v2 */
	const char *v1_environment_dir;   /* environment_dir_path, and what is saved there */
	const struct prs_yaml *v1_environment;
	bool v1_environment_looked;
	const struct prs_yaml *v1_both; /* v1: mini_batch_size beside partition_keys: said already */
	bool pf_enabled;                /* --amlbi_pf_enabled True */
	const struct prs_yaml *size;    /* mini_batch_size with a unit */
	struct jf_flow *flow;           /* NULL = one job, by itself */
	const struct jf_asset *assets;  /* where paths came from */
	size_t node;                    /* with flow: which of its jobs this is; JF_NO_NODE: the file itself */
	const struct prs_yaml *users;   /* of the inputs and outputs of the pipeline; NULL = the job */
};

/* jobfile_keys.c */
/* Every key of the map is in the table (or an option's) and has its shape; `what` names the map in messages.
 * `prefix`: of the options' v2 keys. */
void jf_check_keys(struct jobfile *m, const struct prs_yaml *map, enum jf_place place, const char *what);
/* The same for a component: a key that is like none of ours is not used, since the original takes any. */
void jf_check_component_keys(struct jobfile *m, const struct prs_yaml *map, enum jf_place place, const char *what);
void jf_check_keys_of(struct prs_yaml_doc *d, const struct prs_yaml *map, enum jf_place place, const char *what);
/* Was a key found that is probably this one, or this one in a wrong place? Then it is not missed again. */
bool jf_misspelt(struct jobfile *m, const char *name);
/* The value of a dotted key: the job's, else its component's; keys without a value are as if absent. */
const struct prs_yaml *jf_get(const struct jobfile *m, const char *path);
const struct prs_yaml *jf_value(const struct prs_yaml *map, const char *path);
/* Mistakes are findings at the node. */
void jf_set_option(struct jobfile *m, const struct prs_option_row *row, const struct prs_yaml *node, const char *key);
/* weak: what is set already stays; silent: false instead of a finding. */
bool jf_set_text(struct jobfile *m, const struct prs_option_row *row, const char *text, struct prs_mark at,
                 const char *key, bool weak, bool silent);
/* Unless it is set; after all that can set it. */
void jf_set_default(struct jobfile *m, const char *option, const char *text);
/* All options that have a key in the v2 column, from the job and its component. */
void jf_set_options_v2(struct jobfile *m);
void jf_set_options_v1(struct jobfile *m, const struct prs_yaml *config);
/* mini_batch_size: 0 beside partition keys: so the SDK writes a size that nobody gave. */
bool jf_is_no_size(const struct prs_yaml *keys, const struct prs_yaml *size);
/* The block `prs:`: options of this engine by their own names. */
void jf_set_options_own(struct jobfile *m, const struct prs_yaml *block);
/* A warning when YAML reads a plain scalar as something else than it looks. */
void jf_trap(struct jobfile *m, const struct prs_yaml *node);
/* "; did you mean x?" or "": the nearest of `names`. */
const char *jf_nearest(struct prs_yaml_doc *d, const char *word, const char *const *names, size_t n);

/* jobfile_literals.c */
/* Is a word for a type one of data (uri_folder, ...), of a literal (string, ...)? NULL is neither. */
bool jf_is_data(const char *type);
bool jf_is_literal(const char *type);
/* The type that a declaration or a value names; NULL when it names none, or after a mistake. */
const char *jf_input_type(struct jobfile *m, const struct prs_yaml *map);
/* The text of a literal as its type says; mistakes are findings. */
void jf_check_literal(struct jobfile *m, struct jf_input *in, const struct prs_yaml *declared, struct prs_mark at);
/* An enumeration: one of the |-separated words. */
bool jf_choice(struct jobfile *m, const struct prs_yaml *node, const char *key, const char *words);

/* jobfile_inputs.c */
void jf_parent_inputs(struct jobfile *m);
void jf_inputs(struct jobfile *m);
void jf_input_data(struct jobfile *m);
bool jf_refers(const struct prs_yaml *node, const char *prefix, const char *name);
/* Inputs that are not split: is there what they name? Data is no part of the code. */
void jf_side_data(struct jobfile *m);
struct jf_input *jf_find_input(struct jf_input *v, size_t count, const char *name, size_t n);
/* Adds an input of the job: what `path` (absolute, a folder, file, pattern or MLTable) means. */
void jf_add_input(struct jobfile *m, const char *name, const char *type, const char *path, struct prs_mark at);
/* Mistakes of --input: NAME=PATH where NAME is no input, PATH without a name. */
void jf_flag_inputs(struct jobfile *m);
/* The place of a finding that is about a flag. */
struct prs_mark jf_flag_mark(struct jobfile *m, const char *text);
/* A name that can stand in ${{inputs.NAME}} and in a file name; else a mistake. */
bool jf_check_name(struct jobfile *m, const struct prs_yaml *key, const char *what);
/* How an input without a value is found. */
enum prs_severity jf_no_input(const struct jobfile *m);

/* jobfile_outputs.c */
void jf_outputs(struct jobfile *m);
void jf_parent_outputs(struct jobfile *m);
/* --output NAME=PATH where NAME is no output. */
void jf_flag_outputs(struct jobfile *m);
/* Into the job. */
void jf_keep_outputs(struct jobfile *m);
/* The type that a declaration names; NULL when it names none, or after a mistake. */
const char *jf_output_type(struct jobfile *m, const struct prs_yaml *map);
/* --output PATH without a name; NULL = there is none. */
const char *jf_bare_output_flag(struct jobfile *m);
void jf_append_row_to(struct jobfile *m);
struct jf_output *jf_find_output(struct jf_output *v, size_t count, const char *name, size_t n);

/* jobfile_args.c */
enum jf_ref { JF_REF_BAD, JF_REF_UNSET, JF_REF_TEXT, JF_REF_ATOM };
/* The value of a reference. ATOM: a path, never split into words. */
enum jf_ref jf_reference(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node,
                         const char *output_name, const char **ret);
/* A scalar with its references replaced; NULL after a mistake, which a late part is. */
const char *jf_expand(struct jobfile *m, const struct prs_yaml *node);
/* The same for a text that prs_place() fills in: it may hold late parts. `output_name`: of ${{output_name}}, or
 * NULL. */
const char *jf_expand_late(struct jobfile *m, const struct prs_yaml *node, const char *output_name);
/* A late part where it cannot wait for the run folder is a mistake; `what` names the value. True: there is none. */
bool jf_is_known(struct jobfile *m, const char *text, struct prs_mark at, const char *what);
/* References in the words behind "--". */
void jf_user_arguments(struct jobfile *m);
/* Would the word be taken for a flag of the original? */
bool jf_is_system_flag(const char *word);
void jf_arguments(struct jobfile *m, const struct prs_yaml *node);

/* jobfile_mltable.c */
/* One more folder, file or pattern of an input; jf_end_parts() when that was the last. */
void jf_add_part(struct jobfile *m, struct prs_job_input *in, const struct prs_yaml *node, const char *what);
void jf_end_parts(struct jobfile *m, struct prs_job_input *in);
/* The deepest folder that holds all of them; NULL: none, or no memory. The caller frees. */
char *jf_common_root(const struct prs_fs *fs, const struct prs_list *parts);
void jf_set_format(struct jobfile *m, struct prs_job_input *in, const struct prs_yaml *format);
void jf_mltable(struct jobfile *m, struct prs_job_input *in, const char *folder, struct prs_mark at);

/* jobfile_table.c */
/* The transformations of an MLTable. */
void jf_transformations(struct jobfile *m, struct prs_job_input *in, const struct prs_yaml *list);

/* jobfile_v1_batch.c */
void jf_read_v1(struct jobfile *m, const struct prs_yaml *root);
void jf_read_batch(struct jobfile *m, const struct prs_yaml *root);
/* The name of the append_row file; `by_default` where none is given: the service writes an empty one into what it
 * saves. A folder in it is a mistake. */
const char *jf_rows_name(struct jobfile *m, const struct prs_yaml *node, const char *key, const char *by_default);

/* jobfile_env.c */
void jf_environment(struct jobfile *m, const struct prs_yaml *node);
void jf_environment_v1(struct jobfile *m, const struct prs_yaml *config);
/* environmentVariables of the environment of a v1 file; NULL = none. */
const struct prs_yaml *jf_environment_v1_variables(struct jobfile *m, const struct prs_yaml *config);

/* jobfile_pipeline.c */
/* All jobs of the file, as m->flow says; the pipeline into *ret. */
void jf_read_flow(struct jobfile *m, const struct prs_yaml *root, struct prs_pipeline **ret);
/* The file of a component; NULL after a mistake. */
const struct prs_yaml *jf_read_component(struct jobfile *m, const char *path, struct prs_mark at);
/* parent.jobs.NAME.outputs.X: as a late part. */
enum jf_ref jf_job_reference(struct jobfile *m, const struct prs_expr *e, const struct prs_yaml *node,
                             const char **ret);
/* The type of an output of a job, by its late part. */
const char *jf_job_output_type(const struct jobfile *m, const char *late);
/* An output of a job in a pipeline is bound to one of the pipeline's. */
void jf_bind_maker(struct jobfile *m, struct jf_output *of_pipeline, const char *output, struct prs_mark at);

/* jobfile_command.c */
/* The job is a command; what it says goes into the step, too. */
void jf_read_command(struct jobfile *m, const char *what, struct prs_step *s);

/* jobfile.c */
/* The component is read; both are checked. */
void jf_read_parallel(struct jobfile *m, const char *what);
/* flow.dag.yaml, or a run of one. */
bool jf_is_prompt_flow(const struct prs_yaml *file);
/* Where the outputs of the job lie: the folder can be made, the append_row file is not there yet. */
void jf_check_outputs(struct jobfile *m);
/* What holds for a whole job. */
void jf_finish(struct jobfile *m);
/* The component that a job names; NULL after a mistake. */
const struct prs_yaml *jf_component_file(struct jobfile *m, const struct prs_yaml *node);
const char *jf_type_text(const struct prs_yaml *map);
/* The text with %s, as long as the document lives. */
const char *jf_quoted(struct jobfile *m, const char *fmt, const char *name);
void jf_includes(struct jobfile *m, const struct prs_yaml *list);
struct prs_yaml *jf_read_file(struct jobfile *m, const char *path, struct prs_mark at, const char *what);
void jf_code(struct jobfile *m, const struct prs_yaml *code, const struct prs_yaml *entry, const char *entry_key);
int jf_read_bytes(const struct prs_fs *fs, const char *path,
                  struct prs_buf *to); /* 0 or -errno; a little more than YAML_BYTES_MAX at most */
/* Those of the job over the `weaker` ones of its environment (may be NULL); flags over both. */
void jf_environment_variables(struct jobfile *m, const struct prs_yaml *weaker, const struct prs_yaml *map);
void jf_name(struct jobfile *m, const struct prs_yaml *name, const struct prs_yaml *display_name);
void jf_instance_count(struct jobfile *m, const struct prs_yaml *node, const char *key);

/* jobfile_path.c */
char jf_kind_of(const struct jobfile *m, const char *path);
/* What a reference stands for; NULL after a mistake. */
const char *jf_local(struct jobfile *m, const char *text, struct prs_mark at, const char *what);
/* "azureml:mnist:2": the asset that a path came from; NULL = none. The caller frees. */
char *jf_asset_of(struct jobfile *m, const char *path);
/* A path as written in the file, relative to `dir`; references through prs.yml. NULL after a mistake. */
const char *jf_path(struct jobfile *m, const char *text, const char *dir, struct prs_mark at, const char *what);
/* "file:./x", "azureml:./x" (as the SDK prints local paths) -> "./x" */
const char *jf_without_scheme(const char *text);
/* What to write into prs.yml, as it is to be written; the caller frees. */
char *jf_entry_for(const char *text);
/* The text as long as the document lives; frees its argument. */
const char *jf_kept(struct jobfile *m, char *text);

#endif
