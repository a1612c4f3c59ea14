/* SPDX-License-Identifier: Apache-2.0
 * help: the help of every command and option, docs/options.md and docs/errors.md, all from the tables.
 */
#include "cli/cli.h"

#include "base/wrap.h"

#include <stdio.h>
#include <string.h>

enum { MOST_COLUMNS = 80, TEXT_INDENT = 6, NAME_COLUMNS = 12, HELP_BYTES = 1 << 20 };

/* ---- paragraphs -------------------------------------------------------------------------------------------------- */

/* Each line indented; it is wrapped at the end, with all others. */
static void put_text(struct prs_buf *to, const char *text, unsigned indent)
{
	for (bool more = true; more;) {
		size_t n = strcspn(text, "\n");
		prs_buf_putf(to, "%*s%.*s\n", (int)indent, "", (int)n, text);
		more = text[n] != 0;
		text += n + more;
	}
}

/* "a\nb\n" -> each line indented */
static void put_lines(struct prs_buf *to, const char *lines)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");
		prs_buf_putf(to, "  %.*s\n", (int)n, lines);
		lines += n + (lines[n] == '\n');
	}
}

unsigned cli_help_columns(void)
{
	unsigned columns = cli_columns(1);
	return columns && columns < MOST_COLUMNS ? columns : MOST_COLUMNS;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* The value as help shows it: "N" for numbers, else what the table says. */
static const char *value_word(const struct prs_option_row *row)
{
	switch (row->type) {
	case PRS_OPTION_BOOL: return "";
	case PRS_OPTION_INT:
	case PRS_OPTION_COUNT:
	case PRS_OPTION_NUM: return "N";
	case PRS_OPTION_SECONDS: return "SECONDS";
	case PRS_OPTION_TEXT:
	case PRS_OPTION_CHOICE:
	case PRS_OPTION_LIST:
	case PRS_OPTION_SIZE: break;
	}
	return row->unit;
}

static void put_spellings(struct prs_buf *to, const struct prs_option_row *row, bool letters, const char *first,
                          const char *between)
{
	char name[PRS_OPTION_WORD_MAX];
	unsigned n = 0;
	for (unsigned i = 1; prs_option_spelling(row, i, name); i++)
		if ((name[1] != '-') == letters)
			prs_buf_putf(to, "%s%s", n++ ? between : first, name);
}

/* "seconds; default 60" */
static void put_remarks(struct prs_buf *to, const struct prs_option_row *row)
{
	bool number = row->type == PRS_OPTION_INT || row->type == PRS_OPTION_COUNT || row->type == PRS_OPTION_NUM;
	unsigned n = 0;
	if (number && row->unit[0] && !strstr(row->help, row->unit))
		prs_buf_putf(to, "%s%s", n++ ? "; " : " (", row->unit);
	if (row->type == PRS_OPTION_LIST && !strstr(row->help, "several times"))
		prs_buf_putf(to, "%smay be given several times", n++ ? "; " : " (");
	if (row->def[0] && row->type != PRS_OPTION_BOOL)
		prs_buf_putf(to, "%sdefault %s", n++ ? "; " : " (", row->def);
	if (n)
		prs_buf_putc(to, ')');
	put_spellings(to, row, false, "; also ", " ");
}

static void put_option(struct prs_buf *to, const struct prs_option_row *row)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, 1 << 16);
	prs_buf_puts(to, "  ");
	put_spellings(to, row, true, "", ", ");
	bool letter = to->len > 0 && to->data[to->len - 1] != ' ';
	prs_buf_putf(to, "%s%s", letter ? ", " : "", row->flag);
	if (value_word(row)[0])
		prs_buf_putf(to, " %s", value_word(row));
	prs_buf_putc(to, '\n');
	prs_buf_puts(&text, row->help);
	put_remarks(&text, row);
	put_text(to, prs_buf_str(&text), TEXT_INDENT);
}

static bool is_first(const struct cli_command *c, const struct prs_option_row *row)
{
	return cli_names(c->first, row->name);
}

static void put_first(struct prs_buf *to, const struct cli_command *c)
{
	if (c->first)
		prs_buf_puts(to, "\nThe options that matter most\n");
	for (unsigned i = 0; prs_option_at(i); i++)
		if (is_first(c, prs_option_at(i)))
			put_option(to, prs_option_at(i));
}

static void put_options(struct prs_buf *to, const struct cli_command *c)
{
	const char *group = "";
	bool few = c->options && strcmp(c->options, "*") != 0;
	if (c->first && c->run != cmd_run) { /* it takes the words of a run */
		prs_buf_puts(to, "\nAnd all other options of prs run: prs help run\n");
		return;
	}
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (!cli_offers(c, row) || is_first(c, row))
			continue;
		const char *below = c->flags ? group : "Options", *title = few ? below : row->group;
		if (strcmp(group, title) != 0)
			prs_buf_putf(to, "\n%s\n", group = title);
		put_option(to, row);
	}
}

static void put_flags(struct prs_buf *to, const struct cli_command *c)
{
	if (c->flags)
		prs_buf_puts(to, "\nOptions\n");
	for (const struct cli_flag *f = c->flags; f && f->name; f++) {
		prs_buf_putf(to, "  %s%s%s%s%s\n", f->letter ? f->letter : "", f->letter ? ", " : "", f->name,
		             f->value ? " " : "", f->value ? f->value : "");
		put_text(to, f->help, TEXT_INDENT);
	}
}

/* ---- screens ----------------------------------------------------------------------------------------------------- */

static void put_command(struct prs_buf *to, const struct cli_command *c)
{
	prs_buf_putf(to, "prs %s: %s\n\nUsage: prs %s%s%s\n", c->name, c->what, c->name, c->arguments[0] ? " " : "",
	             c->arguments);
	put_first(to, c);
	if (c->more) {
		prs_buf_putc(to, '\n');
		put_text(to, c->more, 0);
	}
	put_flags(to, c);
	put_options(to, c);
	prs_buf_puts(to, "\nExamples\n");
	put_lines(to, c->examples);
	prs_buf_puts(to, "\nExit status\n");
	put_lines(to, c->exits);
}

static void put_overview(struct prs_buf *to)
{
	const char *group = "";
	prs_buf_puts(to, "prs " PRS_VERSION ": a script with run(mini_batch) over many files, in several processes,\n"
	                 "with retries, timeouts and an error budget. A stopped job can be resumed.\n\n"
	                 "Usage: prs COMMAND ...\n");
	for (unsigned i = 0; cli_command_at(i); i++) {
		const struct cli_command *c = cli_command_at(i);
		if (!c->group)
			continue;
		if (strcmp(group, c->group) != 0)
			prs_buf_putf(to, "\n%s\n", group = c->group);
		prs_buf_putf(to, "  %-*s%s\n", NAME_COLUMNS, c->name, c->what);
	}
	prs_buf_puts(to, "\nprs help COMMAND says more. A first job:\n  prs run score.py --input ./images --output "
	                 "scores.txt\n");
}

void cli_help_command(struct prs_buf *to, const struct cli_command *c, unsigned columns)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, HELP_BYTES);
	put_command(&b, c);
	prs_put_wrapped(to, prs_buf_str(&b), columns);
}

void cli_help_overview(struct prs_buf *to, unsigned columns)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, HELP_BYTES);
	put_overview(&b);
	prs_put_wrapped(to, prs_buf_str(&b), columns);
}

static void put_range(struct prs_buf *to, const struct prs_option_row *row)
{
	switch (row->type) {
	case PRS_OPTION_INT:
	case PRS_OPTION_COUNT: prs_buf_putf(to, "whole number, %.0f to %.0f", row->min, row->max); break;
	case PRS_OPTION_SIZE: prs_buf_putf(to, "bytes, or with KB, MB, GB; %.0f to %.0f", row->min, row->max); break;
	case PRS_OPTION_NUM: prs_buf_putf(to, "number, %.0f to %.0f", row->min, row->max); break;
	case PRS_OPTION_SECONDS: prs_buf_putf(to, "above %.0f, up to %.0f", row->min, row->max); break;
	case PRS_OPTION_BOOL: prs_buf_puts(to, "true or false"); break;
	case PRS_OPTION_CHOICE:
	case PRS_OPTION_TEXT: prs_buf_puts(to, row->unit); break;
	case PRS_OPTION_LIST: prs_buf_putf(to, "%s, several times", row->unit); break;
	}
	bool number = row->type == PRS_OPTION_INT || row->type == PRS_OPTION_COUNT || row->type == PRS_OPTION_NUM ||
	              row->type == PRS_OPTION_SECONDS;
	if (number && row->unit[0])
		prs_buf_putf(to, " %s", row->unit);
}

static const char *resume_word(const struct prs_option_row *row)
{
	if (row->resume == PRS_RESUME_YES)
		return "yes";
	return row->resume == PRS_RESUME_NO ? "no: start a new run" : "is not kept";
}

static void put_one_option(struct prs_buf *to, const struct prs_option_row *row)
{
	PRS_AUTOBUF names;
	prs_buf_init(&names, 4096);
	put_spellings(&names, row, true, ", ", ", ");
	put_spellings(&names, row, false, ", ", ", ");
	prs_buf_putf(to, "%s%s\n", row->flag, prs_buf_str(&names));
	put_text(to, row->help, 2);
	prs_buf_puts(to, "  value       ");
	put_range(to, row);
	prs_buf_putf(to, "\n  default     %s\n", row->def[0] ? row->def : "none");
	if (row->v1[0])
		prs_buf_putf(to, "  v1 key      %s\n", row->v1);
	if (row->v2[0])
		prs_buf_putf(to, "  v2 key      %s\n", row->v2);
	prs_buf_putf(to, "  at resume   %s\n", resume_word(row));
}

void cli_help_option(struct prs_buf *to, const struct prs_option_row *row, unsigned columns)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, HELP_BYTES);
	put_one_option(&b, row);
	prs_put_wrapped(to, prs_buf_str(&b), columns);
}

/* ---- docs -------------------------------------------------------------------------------------------------------- */

/* A cell of a table: '|' would end it. */
static void put_cell(struct prs_buf *to, const char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			prs_buf_puts(to, "<br>");
		else
			prs_buf_putf(to, *text == '|' ? "\\|" : "%c", *text);
}

void cli_options_markdown(struct prs_buf *to)
{
	const char *group = "";
	prs_buf_puts(to, "# Options\n\nMade from the option table by `prs options --markdown`. In names `-` and `_` "
	                 "are the same; `--flag VALUE` may be\nwritten `--flag=VALUE`, and a long name may be "
	                 "shortened as long as no other option begins so. Of an option that is given several\n"
	                 "times the last one wins, and a list gets longer. The last column says whether "
	                 "`prs resume` may change it.\n");
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (!row->group[0])
			continue;
		if (strcmp(group, row->group) != 0)
			prs_buf_putf(to,
			             "\n## %s\n\n| option | value | default | meaning | v1 key | v2 key | resume "
			             "|\n|---|---|---|---|---|---|---|\n",
			             group = row->group);
		PRS_AUTOBUF range;
		prs_buf_init(&range, 4096);
		put_range(&range, row);
		prs_buf_putf(to, "| `%s`", row->flag);
		put_spellings(to, row, true, " `", "` `");
		prs_buf_puts(to, row->aliases[0] && row->aliases[1] != '-' ? "`" : "");
		put_spellings(to, row, false, " `", "` `");
		prs_buf_puts(to, strstr(row->aliases, "--") ? "` | " : " | ");
		put_cell(to, prs_buf_str(&range));
		prs_buf_putf(to, " | %s | ", row->def);
		put_cell(to, row->help);
		prs_buf_putf(to, " | %s | %s | %s |\n", row->v1, row->v2, row->resume == PRS_RESUME_YES ? "yes" : "no");
	}
}

static const char *action_text(unsigned action)
{
	static const char *const texts[] = { [PRS_ACTION_FAIL] = "fails",
		                             [PRS_ACTION_HERE] = "tries again",
		                             [PRS_ACTION_ELSEWHERE] = "tries again, on another process",
		                             [PRS_ACTION_RESUMABLE] = "stops, can be resumed",
		                             [PRS_ACTION_END_JOB] = "ends the job" };
	return action < sizeof texts / sizeof *texts ? texts[action] : "";
}

static const char *range_title(uint16_t code)
{
	static const char *const titles[] = { "The engine's own functions", "The engine's own functions",
		                              "A try of a mini-batch", "A process" };
	unsigned fifty = code / 50;
	return fifty < sizeof titles / sizeof *titles ? titles[fifty] : "The job";
}

void cli_errors_markdown(struct prs_buf *to)
{
	const char *title = "";
	prs_buf_puts(to, "# Errors\n\nMade from the error table by `prs errors --markdown`. Codes are final. "
	                 "\"Fault\": where to look first: the user's job or options, the entry\n"
	                 "script, the node, the store (disk, files), the system (the engine or the machine).\n");
	for (unsigned i = 0; prs_error_at(i); i++) {
		const struct prs_error_row *row = prs_error_at(i);
		if (strcmp(title, range_title(row->code)) != 0)
			prs_buf_putf(to,
			             "\n## %s\n\n| code | name | fault | the engine | meaning | what to do "
			             "|\n|---|---|---|---|---|---|\n",
			             title = range_title(row->code));
		prs_buf_putf(to, "| %u | %s | %s | %s | ", row->code, row->name, prs_fault_name(row->fault),
		             action_text(row->action));
		put_cell(to, row->sentence);
		prs_buf_puts(to, " | ");
		put_cell(to, row->advice);
		prs_buf_puts(to, " |\n");
	}
}
