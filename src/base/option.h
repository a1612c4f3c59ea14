/* SPDX-License-Identifier: Apache-2.0
 * option: the option table as data, and struct prs_options made from it.
 *
 * Every front end (command line, job file, prs.yml, JSON document, --set of a resume) goes through prs_option_set():
 * one place for types, ranges and errors.
 */
#ifndef PRS_BASE_OPTION_H
#define PRS_BASE_OPTION_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRS_UNSET INT64_MIN
#define PRS_UNSET_US UINT64_MAX
enum { PRS_OPTION_WORD_MAX = 128 };

/* Texts in order; owned. */
struct prs_list {
	char **v;
	size_t n;
};

enum prs_option_type {
	PRS_OPTION_INT,
	PRS_OPTION_NUM,
	PRS_OPTION_SECONDS,
	PRS_OPTION_BOOL,
	PRS_OPTION_TEXT,
	PRS_OPTION_CHOICE,
	PRS_OPTION_LIST,
	PRS_OPTION_COUNT,
	PRS_OPTION_SIZE
};

#define PRS_CTYPE_INT int64_t
#define PRS_CTYPE_COUNT int64_t
#define PRS_CTYPE_SIZE int64_t
#define PRS_CTYPE_NUM double
#define PRS_CTYPE_SECONDS uint64_t
#define PRS_CTYPE_BOOL bool
#define PRS_CTYPE_TEXT char *
#define PRS_CTYPE_CHOICE int
#define PRS_CTYPE_LIST struct prs_list

struct prs_options {
#define PRS_OPTION(field, TYPE, flag, aliases, v1, v2, min, max, def, group, resume, unit, help) PRS_CTYPE_##TYPE field;
#include "base/options.def"
#undef PRS_OPTION
};

enum prs_option_id {
#define PRS_OPTION(field, TYPE, flag, aliases, v1, v2, min, max, def, group, resume, unit, help) PRS_OPTION_ID_##field,
#include "base/options.def"
#undef PRS_OPTION
	PRS_OPTIONS
};

enum { PRS_OUTPUT_APPEND_ROW = 0, PRS_OUTPUT_SUMMARY_ONLY = 1 };
enum prs_output_format {
	PRS_OUTPUT_TEXT = 0,
	PRS_OUTPUT_CSV = 1,
	PRS_OUTPUT_TSV = 2,
	PRS_OUTPUT_JSONL = 3,
	PRS_OUTPUT_PARQUET = 4
};
/* "text", "csv" ...: as the option has them, and as files end. */
const char *prs_output_format_name(int format);
enum { PRS_ON_FAILURE_FAIL = 0, PRS_ON_FAILURE_BISECT = 1 };
enum { PRS_LOG_WARNING = 0, PRS_LOG_INFO = 1, PRS_LOG_DEBUG = 2 };
enum { PRS_THREADS_AUTO = 0, PRS_THREADS_KEEP = 1 };
enum { PRS_PROFILE_OFF = 0, PRS_PROFILE_C = 1, PRS_PROFILE_PYTHON = 2 };
/* What of the folder of the code is copied into the run; too much of it is refused. */
enum prs_code_copy { PRS_CODE_FOLDER = 0, PRS_CODE_WITHOUT_DATA = 1, PRS_CODE_SCRIPT = 2 };
enum { PRS_ENGINE_ARGS_SHOW = 0, PRS_ENGINE_ARGS_HIDE = 1 };
enum { PRS_INPUT_FORMAT_FILE = 0, PRS_INPUT_FORMAT_TABULAR = 1 };
enum { PRS_FILE_FORMAT_FILE = 0, PRS_FILE_FORMAT_JSONL = 1 };
enum { PRS_RUN_MODE_BULK = 0, PRS_RUN_MODE_COMPONENT = 1 };

/* May `prs resume` change it? SCREEN: it is about the screen of this command only and no part of the job. */
enum prs_option_resume { PRS_RESUME_NO, PRS_RESUME_YES, PRS_RESUME_SCREEN };

struct prs_option_row {
	const char *name; /* the flag without dashes, '-' between words */
	enum prs_option_type type;
	const char *flag, *aliases, *v1, *v2;
	double min, max; /* SECONDS: (min, max] when min is 0 */
	const char *def, *group, *unit, *help;
	enum prs_option_resume resume;
	size_t offset; /* in struct prs_options */
};

const struct prs_option_row *prs_option_at(unsigned id); /* NULL behind the last */
/* The options that a word can mean: by flag, alias or bare name, '-' and '_' alike. A whole name gives that one;
 * else, when `prefix`, every option with a long flag that begins so (as Python's argparse does; not the hidden
 * ones). Returns how many; the first `max` (>= 1) into `ret`. */
unsigned prs_option_match(const char *word, bool prefix, const struct prs_option_row **ret, unsigned max);
/* The one option that a word means, NULL when there is none or more than one. */
const struct prs_option_row *prs_option_find(const char *word, bool prefix);
/* The i-th spelling: the flag, then the aliases; NULL behind the last. The text lies in `to` (PRS_OPTION_WORD_MAX
 * bytes). */
const char *prs_option_spelling(const struct prs_option_row *row, unsigned i, char *to);
/* The nearest spelling among flags and aliases, NULL when nothing is near. */
const char *prs_option_nearest(const char *word);

/* Is its value a path, or NAME=PATH? */
bool prs_option_is_path(const struct prs_option_row *row);
/* A list that is added to, whoever gave the first of it: variables (the later one of a name wins) and secrets. Another
 * list is replaced by a stronger one. */
bool prs_option_adds_up(const struct prs_option_row *row);

int prs_options_init(struct prs_options *o, struct prs_err *err); /* defaults */
void prs_options_done(struct prs_options *o);
/* Set from text; `where` ("--run-max-try", "job.yml:12:5") begins the error, which names what was expected and what was
 * found. LIST adds. */
int prs_option_set(struct prs_options *o, const struct prs_option_row *row, const char *value, const char *where,
                   struct prs_err *err);
/* The value as text that prs_option_set() reads back to the same value; LIST: entry i. Returns false when unset (or no
 * such entry). */
bool prs_option_get(const struct prs_options *o, const struct prs_option_row *row, size_t i, struct prs_buf *to);

int prs_list_add(struct prs_list *l, const char *text);
void prs_list_done(struct prs_list *l);

/* Edit distance with transpositions; for did-you-mean. */
unsigned prs_distance(const char *a, const char *b);

#endif
