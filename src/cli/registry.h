/* SPDX-License-Identifier: Apache-2.0
 * registry: what the commands of the workspace share.
 */
#ifndef PRS_CLI_REGISTRY_H
#define PRS_CLI_REGISTRY_H

#include "cli/cli.h"
#include "run/workspace.h"

#define WORKSPACE_FLAG                                                                   \
	{                                                                                \
		"--workspace", NULL, "NAME|PATH",                                        \
			"the workspace: its name, or with a slash its folder (default: " \
			"$PRS_WORKSPACE, or the one found from here)"                    \
	}

/* A command of a command: `prs dataset show NAME`. */
struct cli_registry;
struct cli_verb {
	const char *name;
	int (*run)(struct cli_registry *c); /* an exit status; err is set when that is none of 0 */
	unsigned words_min, words_max;      /* behind it */
	const char *usage;                  /* "NAME [flags]" */
	const char *flags;                  /* blank-separated; --workspace goes with all */
};

struct cli_registry {
	struct cli_args *a;
	enum prs_asset asset; /* of dataset, model, ... */
	const char *word;     /* the first behind the verb, "" when there is none */
	struct prs_workspace w;
	struct prs_yaml_doc *doc; /* findings about prs.yml */
	struct prs_project *project;
	struct prs_list secrets; /* known values */
	char cwd[PATH_MAX];
	struct prs_err err;
};

/* Finds the verb (closed by a row without a name), checks its words and flags, opens the workspace, runs it. */
int cli_registry_run(struct cli_args *a, enum prs_asset asset, const struct cli_verb *verbs);
/* The last value of a flag; NULL. */
const char *cli_last(const struct cli_args *a, const char *flag);
/* All the values of a flag. */
int cli_all(const struct cli_args *a, const char *flag, struct prs_list *to);
/* The object of --from-json, {} without it; NULL: err. */
json_t *cli_from_json(struct cli_registry *c);
/* KEY=VALUE of each `flag` into the object `member` of `to`. */
int cli_put_pairs(struct cli_registry *c, const char *flag, json_t *to, const char *member);
/* What is relative starts here; references and what is absolute stay. NULL: no memory. The caller frees. */
char *cli_registry_path(const struct cli_registry *c, const char *text);
/* As --json prints it: known secrets masked. Takes the object; an exit status. */
int cli_registry_json(struct cli_registry *c, json_t *object);
/* For people: known secrets masked. */
int cli_registry_show(struct cli_registry *c, struct prs_buf *text);
/* Rows of `columns` cells each, aligned; the last cell of a row is not padded. */
void cli_put_rows(struct prs_buf *to, const struct prs_list *cells, size_t columns);
int cli_no_memory(struct cli_registry *c);

#endif
