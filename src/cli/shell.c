/* SPDX-License-Identifier: Apache-2.0
 * shell: what shells and man want to know, made of the command and option tables: prs completion bash|zsh, and the man
 * page (prs _man).
 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/* ---- words ------------------------------------------------------------------------------------------------------- */

typedef void word_fn(struct prs_buf *to, const char *word, const char *help);

/* Every long flag of a command; hidden options are left out. */
static void each_flag(const struct cli_command *c, struct prs_buf *to, word_fn *put)
{
	for (const struct cli_flag *f = c->flags; f && f->name; f++)
		put(to, f->name, f->help);
	for (unsigned i = 0; prs_option_at(i); i++)
		if (prs_option_at(i)->group[0] && cli_takes(c, prs_option_at(i)))
			put(to, prs_option_at(i)->flag, prs_option_at(i)->help);
	put(to, "--help", "what the command does");
}

static void put_word(struct prs_buf *to, const char *word, const char *help)
{
	(void)help;
	prs_buf_putf(to, " %s", word);
}

/* 'word:help', quoted for zsh's _describe. */
static void put_described(struct prs_buf *to, const char *word, const char *help)
{
	prs_buf_putf(to, " '%s:", word);
	for (const char *p = help; *p && *p != '\n'; p++) {
		const char *plain = *p == ':' ? "\\:" : "%c";
		prs_buf_putf(to, *p == '\'' ? "'\\''" : plain, *p);
	}
	prs_buf_puts(to, "'");
}

static bool takes_run(const struct cli_command *c) { return strstr(c->arguments, "RUN") != NULL; }

static void put_commands(struct prs_buf *to, bool only_runs, const char *between)
{
	unsigned n = 0;
	for (unsigned i = 0; cli_command_at(i); i++) {
		const struct cli_command *c = cli_command_at(i);
		if (c->group && (!only_runs || takes_run(c)))
			prs_buf_putf(to, "%s%s", n++ ? between : "", c->name);
	}
}

static void put_choices(struct prs_buf *to, const char *choices)
{
	for (const char *p = choices; *p; p++)
		prs_buf_putc(to, *p == '|' ? ' ' : *p);
}

/* ---- bash -------------------------------------------------------------------------------------------------------- */

static void put_bash(struct prs_buf *to)
{
	prs_buf_puts(to, "# bash completion of prs: source it, or put it into /etc/bash_completion.d/\n_prs() {\n"
	                 "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} "
	                 "command=${COMP_WORDS[1]} runs=${PRS_RUNS:-runs}\n"
	                 "\tCOMPREPLY=()\n\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\tCOMPREPLY=($(compgen -W \"");
	put_commands(to, false, " ");
	prs_buf_puts(to, "\" -- \"$word\"))\n\t\treturn\n\tfi\n\tcase $before in\n");
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (row->type != PRS_OPTION_CHOICE || !row->group[0])
			continue;
		prs_buf_putf(to, "\t%s) COMPREPLY=($(compgen -W \"", row->flag);
		put_choices(to, row->unit);
		prs_buf_puts(to, "\" -- \"$word\")); return ;;\n");
	}
	prs_buf_puts(to, "\tesac\n\tif [ \"${word#-}\" != \"$word\" ]; then\n\t\tcase $command in\n");
	for (unsigned i = 0; cli_command_at(i); i++) {
		if (!cli_command_at(i)->group)
			continue;
		prs_buf_putf(to, "\t\t%s) COMPREPLY=($(compgen -W \"", cli_command_at(i)->name);
		each_flag(cli_command_at(i), to, put_word);
		prs_buf_puts(to, "\" -- \"$word\")) ;;\n");
	}
	prs_buf_puts(to, "\t\tesac\n\t\treturn\n\tfi\n\tcase $command in\n\t");
	put_commands(to, true, "|");
	prs_buf_puts(to, ") COMPREPLY=($(compgen -W \"last $(ls \"$runs\" 2>/dev/null)\" -- \"$word\")) ;;\n\thelp) "
	                 "COMPREPLY=($(compgen -W \"");
	put_commands(to, false, " ");
	prs_buf_puts(to, "\" -- \"$word\")) ;;\n\tesac\n}\ncomplete -o default -F _prs prs\n");
}

/* ---- zsh --------------------------------------------------------------------------------------------------------- */

static void put_zsh(struct prs_buf *to)
{
	prs_buf_puts(to, "#compdef prs\n# zsh completion of prs: put it as _prs into a folder of $fpath\n_prs() "
	                 "{\n\tlocal -a words_\n\tlocal runs=${PRS_RUNS:-runs}\n"
	                 "\tif (( CURRENT == 2 )); then\n\t\twords_=(");
	for (unsigned i = 0; cli_command_at(i); i++)
		if (cli_command_at(i)->group)
			put_described(to, cli_command_at(i)->name, cli_command_at(i)->what);
	prs_buf_puts(to, ")\n\t\t_describe command words_\n\t\treturn\n\tfi\n\tif [[ $PREFIX == -* ]]; then\n\t\tcase "
	                 "${words[2]} in\n");
	for (unsigned i = 0; cli_command_at(i); i++) {
		if (!cli_command_at(i)->group)
			continue;
		prs_buf_putf(to, "\t\t%s) words_=(", cli_command_at(i)->name);
		each_flag(cli_command_at(i), to, put_described);
		prs_buf_puts(to, ") ;;\n");
	}
	prs_buf_puts(to, "\t\tesac\n\t\t_describe option words_\n\t\treturn\n\tfi\n\tcase ${words[2]} in\n\t");
	put_commands(to, true, "|");
	prs_buf_puts(to,
	             ") words_=(last $runs/*(N:t)); _describe run words_ ;;\n\tesac\n\t_files\n}\ncompdef _prs prs\n");
}

int cmd_completion(struct cli_args *a)
{
	PRS_AUTOBUF b;
	struct prs_err err;
	const char *shell = a->words.v[0];
	prs_buf_init(&b, 1 << 20);
	if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0) {
		prs_fail(&err, PRS_EINVALID, "expected bash or zsh, found \"%.100s\"", shell);
		return complain(PRS_EXIT_MISTAKE, &err);
	}
	if (!strcmp(shell, "bash"))
		put_bash(&b);
	else
		put_zsh(&b);
	return cli_print(&b);
}

/* ---- man page (man(7)) ------------------------------------------------------------------------------------------- */

/* A line may not begin with . or ', and - and \ are written as such. */
static void put_roff(struct prs_buf *to, const char *text)
{
	bool begins = true;
	for (const char *p = text; *p; p++) {
		if (begins && (*p == '.' || *p == '\''))
			prs_buf_puts(to, "\\&");
		const char *plain = *p == '\\' ? "\\e" : "%c";
		prs_buf_putf(to, *p == '-' ? "\\-" : plain, *p);
		begins = *p == '\n';
	}
}

static void put_item(struct prs_buf *to, const char *name, const char *value, const char *text)
{
	prs_buf_puts(to, ".TP\n.B ");
	put_roff(to, name);
	if (value && value[0]) {
		prs_buf_puts(to, " \\fI");
		put_roff(to, value);
		prs_buf_puts(to, "\\fR");
	}
	prs_buf_putc(to, '\n');
	put_roff(to, text);
	prs_buf_putc(to, '\n');
}

static void put_man_command(struct prs_buf *to, const struct cli_command *c)
{
	prs_buf_puts(to, ".SS prs ");
	put_roff(to, c->name);
	prs_buf_putc(to, ' ');
	put_roff(to, c->arguments);
	prs_buf_putc(to, '\n');
	put_roff(to, c->what);
	prs_buf_puts(to, ".\n");
	if (c->more) {
		prs_buf_puts(to, ".PP\n");
		put_roff(to, c->more);
		prs_buf_putc(to, '\n');
	}
	for (const struct cli_flag *f = c->flags; f && f->name; f++)
		put_item(to, f->name, f->value, f->help);
	prs_buf_puts(to, ".PP\nExamples:\n.PP\n.nf\n");
	put_roff(to, c->examples);
	prs_buf_puts(to, ".fi\n.PP\nExit status:\n.PP\n.nf\n");
	put_roff(to, c->exits);
	prs_buf_puts(to, ".fi\n");
}

int cmd_man(struct cli_args *a)
{
	PRS_AUTOBUF b;
	const char *group = "";
	(void)a;
	prs_buf_init(&b, 4 << 20);
	prs_buf_puts(&b, ".TH PRS 1 \"\" \"prs " PRS_VERSION
	                 "\" \"User Commands\"\n.SH NAME\nprs \\- parallel run steps\n.SH SYNOPSIS\n.B prs\n.I "
	                 "COMMAND\n[\\fIarguments\\fR]\n"
	                 ".SH DESCRIPTION\nRuns an entry script with run(mini_batch) over many files, in several "
	                 "processes, with retries, timeouts and an error budget.\n"
	                 "Rows stand in the output in input order, each exactly once, also when the job was stopped "
	                 "and resumed in between.\n.SH COMMANDS\n");
	for (unsigned i = 0; cli_command_at(i); i++)
		if (cli_command_at(i)->group)
			put_man_command(&b, cli_command_at(i));
	prs_buf_puts(&b,
	             ".SH OPTIONS\nOf prs run; the same names are keys of job files and of prs resume \\-\\-set.\n");
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (!row->group[0])
			continue;
		if (strcmp(group, row->group) != 0)
			prs_buf_putf(&b, ".SS %s\n", group = row->group);
		put_item(&b, row->flag, row->type == PRS_OPTION_BOOL ? "" : row->unit, row->help);
		if (row->def[0] && row->type != PRS_OPTION_BOOL)
			prs_buf_putf(&b, "Default: %s.\n", row->def);
	}
	prs_buf_puts(&b, ".SH ENVIRONMENT\n.TP\n.B PRS_RUNS\nthe folder of run folders, instead of ./runs\n.TP\n.B "
	                 "NO_COLOR\nno colors\n.SH FILES\n.TP\n.B runs/<id>/\na run: "
	                 "copy of the script's folder, journal, rows, logs, outputs\n");
	return cli_print(&b);
}
