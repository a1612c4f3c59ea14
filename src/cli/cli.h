/* SPDX-License-Identifier: Apache-2.0
 * cli: the subcommands, what they share, and the table they are declared in (commands.c).
 *
 * A command gets its words parsed (args.c) by its row of the table; help, completion, the man page and docs come from
 * the same row. It returns the exit status (base/exits.def).
 */
#ifndef PRS_CLI_CLI_H
#define PRS_CLI_CLI_H

#include "base/exits.h"
#include "run/folder.h"
#include "run/start.h"
#include "run/view.h"
#include "spec/yaml.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>

/* ---- commands ---------------------------------------------------------------------------------------------------- */

/* A flag of one command; what the option table declares is not repeated here. */
struct cli_flag {
	const char *name, *letter; /* "--takeover", "-f" or NULL */
	const char *value;         /* "KEY=VALUE"; NULL = a switch. May be given several times */
	const char *help;
};

struct cli_args;

struct cli_command {
	const char *name;
	int (*run)(struct cli_args *a);
	const char *group;     /* of the overview; NULL = hidden */
	const char *arguments; /* "SCRIPT --input PATH ... [options] [-- ARGUMENTS]" */
	const char *what;      /* one line */
	const char *more;      /* paragraphs, NULL = none */
	const char *options;   /* names of the option table, blank-separated; "*" = all */
	const char *first;     /* those that matter most, for the help; NULL = none */
	/* what its words are, blank-separated, the last one for all that follow: RUN, FILE, DIR, COMMAND, OPTION,
	 * ERROR, "a|b", "-" = nothing that could be completed; NULL = it takes none */
	const char *words;
	const struct cli_flag *flags; /* closed by a row without a name; NULL = none */
	unsigned words_min, words_max;
	bool rest;            /* words behind -- */
	bool program;         /* its first word is a program: all that follows is for that */
	bool dashes;          /* an unknown --flag is a word */
	const char *examples; /* "command\n  what it does\n" ... */
	const char *exits;    /* lines "0  ..." */
};

const struct cli_command *cli_command_at(unsigned i); /* NULL behind the last */
const struct cli_command *cli_command_find(const char *name);
/* The nearest name, NULL when none is near. */
const char *cli_command_nearest(const char *name);

/* ---- arguments --------------------------------------------------------------------------------------------------- */

struct cli_given {
	const struct cli_flag *flag;
	const char *value; /* NULL for a switch */
};

/* An option as the user gave it, in order: for front ends where the command line is not the only word. */
struct cli_option {
	const struct prs_option_row *row;
	char *value;
	const char *where; /* "--run-max-try" */
};

struct cli_args {
	const struct cli_command *command;
	struct prs_list words, rest;
	struct cli_option *options;
	size_t options_n;
	struct cli_given *given;
	size_t given_n;
	struct prs_list typed; /* every word, as a run can be begun with them again */
	struct prs_job again;  /* the job whose words were taken in front (cli_again); else empty */
	bool help, after_unknown;
	bool input_refused;      /* a mistake is about an --input */
	struct prs_buf mistakes; /* a line each */
	unsigned mistakes_n;
};

/* argv[0] is the command's name. All mistakes are gathered; < 0 only when out of memory. */
int cli_parse(struct cli_args *a, const struct cli_command *command, int argc, char **argv, struct prs_err *err);
void cli_args_done(struct cli_args *a);
/* As if it had been given last. < 0: no memory. */
int cli_add_option(struct cli_args *a, const struct prs_option_row *row, const char *value);
int cli_add_given(struct cli_args *a, const struct cli_given *g);
/* --only-failed WORD without a job: the words which that run was begun with go in front of those of `a`. */
int cli_again(struct cli_args *a, const char *word, struct prs_err *err);
__attribute__((format(printf, 2, 3))) void cli_mistake(struct cli_args *a, const char *fmt, ...);
/* How often a flag was given. */
unsigned cli_has(const struct cli_args *a, const char *name);
/* The i-th value of a flag, NULL when there is none. */
const char *cli_value(const struct cli_args *a, const char *name, unsigned i);
/* The last value of an option of the table, NULL when it was not given. */
const char *cli_option(const struct cli_args *a, enum prs_option_id id);
/* What `defaults:` of the current folder gives, for what a command asks before it has a job. NULL = nothing. */
const char *cli_default(enum prs_option_id id);
bool cli_json(const struct cli_args *a);
bool cli_quiet(const struct cli_args *a);
/* Does the command take this option of the table? */
bool cli_takes(const struct cli_command *c, const struct prs_option_row *row);
/* Is `name` one of blank-separated names? NULL holds none. */
bool cli_names(const char *names, const char *name);
/* Is it offered by help and completion? Not what a resume would refuse. */
bool cli_offers(const struct cli_command *c, const struct prs_option_row *row);

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* Wrapped to `columns`. */
/* 80, or as wide as the terminal is when that is less. */
unsigned cli_help_columns(void);
void cli_help_overview(struct prs_buf *to, unsigned columns);
void cli_help_command(struct prs_buf *to, const struct cli_command *c, unsigned columns);
/* One option as `prs options NAME` shows it. */
void cli_help_option(struct prs_buf *to, const struct prs_option_row *row, unsigned columns);
/* docs/options.md, docs/errors.md, docs/commands.md */
void cli_options_markdown(struct prs_buf *to);
void cli_errors_markdown(struct prs_buf *to);

/* The file functions that everything goes through. */
const struct prs_fs *program_fs(void);
/* What run/ is lent: those, and stderr for what it says; quiet: nobody listens. */
const struct prs_front *cli_front(bool quiet);
/* A path as a person in this folder writes it: "out.txt", "~/data"; `to` or the path itself. */
const char *cli_short_path(const char *path, char *to, size_t n);
/* From here on mistakes are a JSON document on stdout. */
void cli_tell_in_json(void);
/* {"file": .., "line": .., "column": .., "text": ..}: an array of them: lines that begin with their place or have none,
 * and the findings of a document (may be NULL). */
void cli_put_findings(struct prs_buf *to, const char *lines, struct prs_yaml_doc *doc, enum prs_severity severity);
/* "prs: sentence" on stderr; returns `status`. */
int complain(int status, const struct prs_err *err);
/* "prs: N mistakes" and the lines on stderr; returns 2. */
int complain_all(unsigned n, struct prs_buf *lines);
/* The same with the mistakes of a job file, whose lines are shown. */
int complain_of_job(unsigned n, struct prs_buf *lines, struct prs_yaml_doc *doc);
/* The text of a buffer to stdout; 0, or 3 when that fails (a closed pipe is no failure). Raw: with our own colours.
 * print: for programs, as it is; show: for people, wrapped to the width of a terminal. */
int cli_print(struct prs_buf *b);
int cli_print_raw(struct prs_buf *b);
int cli_show(struct prs_buf *b);
int cli_show_raw(struct prs_buf *b);
/* How wide the terminal is; 0 = it is none. */
unsigned cli_columns(int fd);
unsigned cli_rows(int fd);
/* Does a terminal here show more than ASCII? */
bool cli_shows_utf8(void);
/* Lines to stdout or stderr; what is not plain text in them is escaped, but for line feeds and tabs; wrapped to the
 * width of a terminal. */
void cli_tell(FILE *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A JSON value and a line feed; sets to->failed without memory. */
void cli_put_json(struct prs_buf *to, const json_t *value, size_t flags);
/* A path and a line feed to stdout: as it is for programs, escaped for a terminal. */
void cli_print_path(const char *path);

/* ---- runs -------------------------------------------------------------------------------------------------------- */

/* Of a command without a job: --runs-dir, $PRS_RUNS, `defaults:`, ./runs */
const char *cli_runs_dir(const struct cli_args *a);
/* An id, a unique beginning of one, a path, or "last" (also word NULL); a pipeline is refused. */
int cli_find_run(const struct cli_args *a, const char *word, struct prs_run *ret, struct prs_err *err);
/* What is asked for is of a run's mini-batches or rows. */
int cli_refuse_pipeline(const struct cli_args *a, const struct prs_run *run, struct prs_err *err);
/* The same; it may be a pipeline. */
int cli_find_any(const struct cli_args *a, const char *word, struct prs_run *ret, struct prs_err *err);
/* "2025-01-31 12:00:00" (local); "5 min", "3 d" */
void cli_put_time(struct prs_buf *to, uint64_t wall_us);
void cli_put_age(struct prs_buf *to, uint64_t now_us, uint64_t then_us);
/* The cause of a job that failed, for people; "" = not known. */
void cli_put_cause(struct prs_buf *to, const struct prs_view *v);
/* The way on of a job that failed because of `cause`. `new_code`: the script was mended, as the user says. */
void cli_put_retry(struct prs_buf *to, const char *run_name, uint16_t cause, bool new_code);
/* Shows how a running engine gets on until it ends (or nobody listens): a live line, or JSON lines. Exit status. */
int cli_watch(const struct prs_run *run, bool json);

/* ---- commands ---------------------------------------------------------------------------------------------------- */

int cmd_test(struct cli_args *a);
int cmd_replay(struct cli_args *a);
int cmd_run(struct cli_args *a);
int cmd_validate(struct cli_args *a);
int cmd_plan(struct cli_args *a);
int cmd_resume(struct cli_args *a);
int cmd_status(struct cli_args *a);
int cmd_list(struct cli_args *a);
int cmd_cancel(struct cli_args *a);
int cmd_why(struct cli_args *a);
int cmd_init(struct cli_args *a);
int cmd_logs(struct cli_args *a);
int cmd_output(struct cli_args *a);
int cmd_python(struct cli_args *a);
int cmd_clean(struct cli_args *a);
int cmd_check(struct cli_args *a);
int cmd_dump(struct cli_args *a);
int cmd_doctor(struct cli_args *a);
int cmd_options(struct cli_args *a);
int cmd_errors(struct cli_args *a);
int cmd_completion(struct cli_args *a);
int cmd_man(struct cli_args *a);
int cmd_help(struct cli_args *a);
int cmd_version(struct cli_args *a);
int cmd_step(struct cli_args *a);
int cmd_workspace(struct cli_args *a);
int cmd_datastore(struct cli_args *a);
int cmd_dataset(struct cli_args *a);
int cmd_model(struct cli_args *a);
int cmd_environment(struct cli_args *a);
int cmd_component(struct cli_args *a);
/* prs _worker: readies the process, then becomes the user's Python. */
int cmd_worker(int argc, char **argv);

/* ---- running ----------------------------------------------------------------------------------------------------- */

struct cli_start {
	struct prs_job *job;
	const struct prs_placed *placed;
	const struct prs_run *run;
	bool takeover, retry_failed, json, quiet;
	bool new_code;                 /* of a resume: the script's folder as it is now */
	bool detach;                   /* return when the engine works, which then goes on without this terminal */
	const struct prs_setting *set; /* changed by a resume */
	size_t set_n;
};
/* Runs the engine on a run folder whose job is known; prints the screens. */
int cli_start(const struct cli_start *s);

#endif
