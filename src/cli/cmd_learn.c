/* SPDX-License-Identifier: Apache-2.0
 * cmd_learn: prs help, version, options, errors: what the tables say.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int cmd_help(struct cli_args *a)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	const struct cli_command *c = a->words.n ? cli_command_find(a->words.v[0]) : NULL;
	if (a->words.n && !c) {
		struct prs_err err;
		const char *near = cli_command_nearest(a->words.v[0]);
		prs_fail(&err, PRS_ENOTFOUND, "no command %s%s%s%s", a->words.v[0],
		         near ? "; did you mean " : ": prs help shows all", near ? near : "", near ? "?" : "");
		return complain(PRS_EXIT_MISTAKE, &err);
	}
	if (c)
		cli_help_command(&b, c, cli_help_columns());
	else
		cli_help_overview(&b, cli_help_columns());
	return cli_print(&b);
}

static bool for_people(const struct cli_args *a) { return !cli_json(a) && !cli_has(a, "--markdown"); }

int cmd_version(struct cli_args *a)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	prs_buf_puts(&b, cli_json(a) ? "{\"program\": \"prs\", \"version\": \"" PRS_VERSION "\"}\n"
	                             : "prs " PRS_VERSION "\n");
	return cli_print(&b);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static void list_options(struct prs_buf *b)
{
	const char *group = "";
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (!row->group[0])
			continue;
		if (strcmp(group, row->group) != 0)
			prs_buf_putf(b, "%s%s\n", group[0] ? "\n" : "", row->group);
		group = row->group;
		prs_buf_putf(b, "  %-32s%s%s\n", row->flag, row->def[0] ? "default " : "", row->def);
	}
	prs_buf_puts(b, "\nprs options NAME says more.\n");
}

static json_t *spellings(const struct prs_option_row *row)
{
	char word[PRS_OPTION_WORD_MAX];
	json_t *a = json_array();
	for (unsigned i = 1; prs_option_spelling(row, i, word); i++)
		json_array_append_new(a, json_string(word));
	return a;
}

static json_t *choices(const struct prs_option_row *row)
{
	json_t *a = json_array();
	for (const char *p = row->type == PRS_OPTION_CHOICE ? row->unit : ""; *p; p += *p == '|') {
		size_t n = strcspn(p, "|");
		json_array_append_new(a, json_stringn(p, n));
		p += n;
	}
	return a;
}

static json_t *text_or_null(const char *s) { return s[0] ? json_string(s) : json_null(); }

static json_t *option_json(const struct prs_option_row *row)
{
	static const char *const types[] = { "int",    "number", "seconds", "bool", "text",
		                             "choice", "list",   "count",   "size" };
	static const char *const resume[] = { "no", "yes", "screen" };
	bool ranged = row->type == PRS_OPTION_INT || row->type == PRS_OPTION_NUM || row->type == PRS_OPTION_SECONDS ||
	              row->type == PRS_OPTION_COUNT || row->type == PRS_OPTION_SIZE;
	json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "name", row->name,
	                      "flag", row->flag, "aliases", spellings(row), "v1", text_or_null(row->v1), "v2",
	                      text_or_null(row->v2), "type", types[row->type], "min",
	                      ranged ? json_real(row->min) : json_null(), "max",
	                      ranged ? json_real(row->max) : json_null(), "choices", choices(row), "default",
	                      text_or_null(row->def), "group", row->group, "help", row->help, "resume",
	                      resume[row->resume]);
	if (row->type != PRS_OPTION_CHOICE && row->unit[0])
		json_object_set_new(o, "unit", json_string(row->unit));
	return o;
}

/* Every option of a job, for front ends that are no person; what is not shown to people is not told to them. */
static void put_options_json(struct prs_buf *b, const struct prs_option_row *only)
{
	json_t *all = json_array();
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (row->group[0] && (!only || only == row))
			json_array_append_new(all, option_json(row));
	}
	json_t *root = json_pack("{s:s, s:o}", "version", PRS_VERSION, "options", all);
	cli_put_json(b, root, JSON_INDENT(2));
	json_decref(root);
}

static int no_option(const char *word)
{
	const struct prs_option_row *many[4];
	struct prs_err err;
	const char *near = prs_option_nearest(word);
	unsigned n = prs_option_match(word, true, many, 4);
	if (n > 1)
		prs_fail(&err, PRS_EINVALID, "%s can mean %s, %s%s", word, many[0]->flag, many[1]->flag,
		         n > 2 ? " or another" : "");
	else
		prs_fail(&err, PRS_ENOTFOUND, "no option %s%s%s%s", word,
		         near ? "; did you mean " : ": prs options shows all", near ? near : "", near ? "?" : "");
	return complain(PRS_EXIT_MISTAKE, &err);
}

int cmd_options(struct cli_args *a)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	const struct prs_option_row *row = a->words.n ? prs_option_find(a->words.v[0], true) : NULL;
	if (a->words.n && !row)
		return no_option(a->words.v[0]);
	if (cli_has(a, "--markdown"))
		cli_options_markdown(&b);
	else if (cli_json(a))
		put_options_json(&b, row);
	else if (row)
		cli_help_option(&b, row, cli_help_columns());
	else
		list_options(&b);
	return for_people(a) ? cli_show(&b) : cli_print(&b);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static const struct prs_error_row *find_error(const char *word)
{
	char *end;
	long code = strtol(word, &end, 10);
	for (unsigned i = 0; prs_error_at(i); i++) {
		const struct prs_error_row *row = prs_error_at(i);
		if ((!*end && end != word && row->code == code) || !strcasecmp(row->name, word))
			return row;
	}
	return NULL;
}

static const char *nearest_error(const char *word)
{
	const char *best = NULL;
	unsigned least = 4;
	char upper[PRS_OPTION_WORD_MAX] = "";
	for (size_t i = 0; word[i] && i + 1 < sizeof upper; i++)
		upper[i] = (char)toupper((unsigned char)word[i]);
	for (unsigned i = 0; prs_error_at(i); i++) { /* MISFIT is in VALUE_MISFIT */
		bool part = strlen(upper) > least && strstr(prs_error_at(i)->name, upper);
		unsigned far = part ? 1 : prs_distance(upper, prs_error_at(i)->name);
		if (far < least) {
			least = far;
			best = prs_error_at(i)->name;
		}
	}
	return best;
}

static void put_error(struct prs_buf *b, const struct prs_error_row *row)
{
	static const char *const actions[] = {
		[PRS_ACTION_FAIL] = "fails, without another try",
		[PRS_ACTION_HERE] = "tries again",
		[PRS_ACTION_ELSEWHERE] = "tries again, on another process where there is one",
		[PRS_ACTION_RESUMABLE] = "stops in a way that prs resume can go on from",
		[PRS_ACTION_END_JOB] = "ends the job at once"
	};
	prs_buf_putf(b, "%s (%u): %s\n  fault       %s\n  the engine  %s\n", row->name, row->code, row->sentence,
	             prs_fault_name(row->fault), actions[row->action]);
	const char *title = "  what to do  ";
	for (const char *at = row->advice; *at; title = "              ") {
		size_t n = strcspn(at, "\n");
		prs_buf_putf(b, "%s%.*s\n", title, (int)n, at);
		at += at[n] ? n + 1 : n;
	}
}

static void list_errors(struct prs_buf *b)
{
	size_t longest = 0;
	for (unsigned i = 0; prs_error_at(i); i++)
		longest = strlen(prs_error_at(i)->name) > longest ? strlen(prs_error_at(i)->name) : longest;
	for (unsigned i = 0; prs_error_at(i); i++)
		prs_buf_putf(b, "%4u  %-*s  %s\n", prs_error_at(i)->code, (int)longest, prs_error_at(i)->name,
		             prs_error_at(i)->sentence);
}

int cmd_errors(struct cli_args *a)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	const struct prs_error_row *row = a->words.n ? find_error(a->words.v[0]) : NULL;
	if (a->words.n && !row) {
		struct prs_err err;
		const char *near = nearest_error(a->words.v[0]);
		prs_fail(&err, PRS_ENOTFOUND, "no error %s%s%s%s", a->words.v[0],
		         near ? "; did you mean " : ": prs errors shows all", near ? near : "", near ? "?" : "");
		return complain(PRS_EXIT_MISTAKE, &err);
	}
	if (cli_has(a, "--markdown"))
		cli_errors_markdown(&b);
	else if (row)
		put_error(&b, row);
	else
		list_errors(&b);
	return for_people(a) ? cli_show(&b) : cli_print(&b);
}
