/* SPDX-License-Identifier: Apache-2.0
 * job_table: inputs of a job whose items are rows: what is known of their files, and the rules of mini-batches of rows.
 */
#ifndef PRS_SPEC_JOB_TABLE_H
#define PRS_SPEC_JOB_TABLE_H

#include "base/table.h"
#include "spec/job.h"
#include "spec/yaml.h"

#include <jansson.h>

struct prs_job_table {
	struct prs_table_input in; /* its texts and lists are these: */
	char *path_column, *steps;
	struct prs_list named, text_columns, text_types; /* text_types: made of the steps when the job is bound */
	/* Of the steps those that an interpreter must read, and where they stand. */
	struct prs_list filters;
	struct prs_mark *filters_at;
};

/* For json_dumps(): 0.1 stays 0.1. */
#define PRS_JOB_STEPS_JSON (JSON_COMPACT | JSON_REAL_PRECISION(15))

/* Delimited by commas, UTF-8, all files with the same header. NULL: no memory. */
struct prs_job_table *prs_job_table_new(void);
void prs_job_table_free(struct prs_job_table *t);

/* -PRS_ENOMEM. */
int prs_job_table_add_filter(struct prs_job_table *t, const char *text, struct prs_mark at);

/* A column that a transformation names; of a filter "": prs_job_table_filter_columns() says them. -PRS_ENOMEM. */
int prs_job_table_name(struct prs_job_table *t, const char *step, const char *column, const char *where);
/* Of the next filter, in their order: a JSON list of names. -PRS_ENOMEM. */
int prs_job_table_filter_columns(struct prs_job_table *t, const char *names);

/* Are the items of the job rows? */
bool prs_job_is_table(const struct prs_job *j);

/* What the items of a job are. A file that is only looked at may have no input yet: then an option may say it. */
enum prs_job_items { PRS_ITEMS_UNKNOWN, PRS_ITEMS_FILES, PRS_ITEMS_ROWS };
enum prs_job_items prs_job_items(const struct prs_job *j);

/* A mistake, about an option or, where that is PRS_OPTIONS, an input. */
typedef void prs_job_say_fn(void *ctx, enum prs_option_id option, const struct prs_job_input *in, const char *text);
/* After a front end has all inputs and options, before prs_job_split_keys(): which inputs are tables, of which kind are
 * their files by their endings, what makes the mini-batches. -PRS_ENOMEM. */
int prs_job_check_tables(struct prs_job *j, const struct prs_fs *fs, prs_job_say_fn *say, void *ctx);
/* The options that are about tables, and the texts, into what the lister is given. */
void prs_job_bind_tables(struct prs_job *j);

/* As in job.json. NULL: no memory. */
json_t *prs_job_table_to(const struct prs_job_table *t);
/* NULL: no memory, or damaged. */
struct prs_job_table *prs_job_table_from(const json_t *v);
/* What the workers are told of input i (docs/design/worker-environment.md); the caller frees, NULL: no memory. */
char *prs_job_table_tell(const struct prs_job *j, size_t i);

#endif
