/* SPDX-License-Identifier: Apache-2.0
 * shell: what shells and man want to know, made of the command and option tables: prs completion bash|zsh, and the man
 * page (prs _man).
 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

/* ---- words ------------------------------------------------------------------------------------------------------- */

typedef void word_fn(struct prs_buf *to, const char *word, const char *help);

/* Every long flag of a command; hidden options, and what it would refuse, are left out. */
static void each_flag(const struct cli_command *c, struct prs_buf *to, word_fn *put)
{
	for (const struct cli_flag *f = c->flags; f && f->name; f++)
		put(to, f->name, f->help);
	for (unsigned i = 0; prs_option_at(i); i++)
		if (cli_offers(c, prs_option_at(i)))
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

static void put_choices(struct prs_buf *to, const char *choices, size_t n)
{
	for (size_t i = 0; i < n; i++)
		prs_buf_putc(to, choices[i] == '|' ? ' ' : choices[i]);
}

static void put_commands(struct prs_buf *to)
{
	for (unsigned i = 0; cli_command_at(i); i++)
		if (cli_command_at(i)->group)
			prs_buf_putf(to, " %s", cli_command_at(i)->name);
}

/* What stands where a word or a value is expected: the function of the shell that completes it, and its words. */
static void put_kind(struct prs_buf *to, const char *kind, size_t n)
{
	static const struct {
		const char *part, *call;
	} kinds[] = { { "RUN", "_prs_runs" },
		      { "FILE", "_prs_files" },
		      { "PATH", "_prs_files" },
		      { "DIR", "_prs_dirs" } };
	PRS_AUTOBUF word;
	prs_buf_init(&word, 4096);
	prs_buf_put(&word, kind, n);
	const char *text = prs_buf_str(&word);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strstr(text, kinds[i].part)) {
			prs_buf_puts(to, kinds[i].call);
			return;
		}
	prs_buf_puts(to, "_prs_words");
	if (!strcmp(text, "COMMAND"))
		put_commands(to);
	for (unsigned i = 0; !strcmp(text, "OPTION") && prs_option_at(i); i++)
		if (prs_option_at(i)->group[0])
			prs_buf_putf(to, " %s", prs_option_at(i)->name);
	for (unsigned i = 0; !strcmp(text, "ERROR") && prs_error_at(i); i++)
		prs_buf_putf(to, " %s", prs_error_at(i)->name);
	if (strchr(text, '|')) {
		prs_buf_putc(to, ' ');
		put_choices(to, text, n);
	}
}

/* "RUN", "journal|plan|segment RUN": a line of `case` for each place, the last one for all that follow. */
static void put_places(struct prs_buf *to, const struct cli_command *c)
{
	unsigned place = 0;
	for (const char *p = c->words ? c->words : ""; *p;) {
		size_t n = strcspn(p, " ");
		bool last = !p[n];
		place++;
		if (!last || place >= c->words_max)
			prs_buf_putf(to, "\t%s:%u) ", c->name, place);
		else
			prs_buf_putf(to, "\t%s:*) ", c->name);
		put_kind(to, p, n);
		prs_buf_puts(to, " ;;\n");
		p += n + !last;
	}
}

/* 'run --output-action') kind='_prs_words append_row summary_only' ;; */
static void put_value(struct prs_buf *to, const char *kind)
{
	prs_buf_puts(to, ") kind='");
	put_kind(to, kind, strlen(kind));
	prs_buf_puts(to, "' ;;\n");
}

/* For each flag with a value, in each spelling. */
static void put_values(struct prs_buf *to, const struct cli_command *c)
{
	char name[PRS_OPTION_WORD_MAX];
	for (const struct cli_flag *f = c->flags; f && f->name; f++) {
		if (!f->value)
			continue;
		prs_buf_putf(to, "\t'%s %s'", c->name, f->name);
		if (f->letter)
			prs_buf_putf(to, "|'%s %s'", c->name, f->letter);
		put_value(to, f->value);
	}
	for (unsigned i = 0; prs_option_at(i); i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (row->type == PRS_OPTION_BOOL || !cli_offers(c, row))
			continue;
		for (unsigned k = 0; prs_option_spelling(row, k, name); k++)
			prs_buf_putf(to, "%s'%s %s'", k ? "|" : "\t", c->name, name);
		put_value(to, row->unit);
	}
}

/* What both shells share. _prs_value COMMAND FLAG: is there a value behind that flag? `kind`: what completes it. */
static void put_value_function(struct prs_buf *to)
{
	prs_buf_puts(to, "_prs_value() {\n\tcase \"$1 $2\" in\n");
	for (unsigned i = 0; cli_command_at(i); i++)
		if (cli_command_at(i)->group)
			put_values(to, cli_command_at(i));
	prs_buf_puts(to, "\t*) return 1 ;;\n\tesac\n}\n");
}

/* The end of _prs, where word, before, command and place are known: a value, a flag, or a word by its place. */
static void put_cases(struct prs_buf *to, word_fn *put, const char *flags_call)
{
	prs_buf_puts(to, "\tif _prs_value \"$command\" \"$before\"; then\n\t\teval \"$kind\"\n\t\treturn\n\tfi\n"
	                 "\tif [ \"${word#-}\" != \"$word\" ]; then\n\t\tcase $command in\n");
	for (unsigned i = 0; cli_command_at(i); i++) {
		if (!cli_command_at(i)->group)
			continue;
		prs_buf_putf(to, "\t\t%s) %s", cli_command_at(i)->name, flags_call);
		each_flag(cli_command_at(i), to, put);
		prs_buf_puts(to, " ;;\n");
	}
	prs_buf_puts(to, "\t\tesac\n\t\treturn\n\tfi\n\tcase $command:$place in\n");
	for (unsigned i = 0; cli_command_at(i); i++)
		if (cli_command_at(i)->group)
			put_places(to, cli_command_at(i));
	prs_buf_puts(to, "\tesac\n}\n");
}

/* ---- bash -------------------------------------------------------------------------------------------------------- */

/* `--flag=value` is three words for bash. */
static const char bash_begin[] =
	"_prs_words() { COMPREPLY=($(compgen -W \"$*\" -- \"$word\")); }\n"
	"_prs_runs() { _prs_words last $(ls \"${PRS_RUNS:-runs}\" 2>/dev/null); }\n"
	"_prs_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); }\n"
	"_prs_dirs() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); }\n"
	"_prs() {\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
	"\tlocal place=1 kind i\n"
	"\tCOMPREPLY=()\n"
	"\tif [ \"$word\" = = ]; then word=; elif [ \"$before\" = = ]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t-*)\n"
	"\t\t\t_prs_value \"$command\" \"${COMP_WORDS[i]}\" && i=$((i + 1))\n"
	"\t\t\t[ \"${COMP_WORDS[i]}\" != = ] || i=$((i + 1)) ;;\n"
	"\t\t*) place=$((place + 1)) ;;\n"
	"\t\tesac\n"
	"\tdone\n";

static void put_bash(struct prs_buf *to)
{
	prs_buf_puts(to, "# bash completion of prs: source it, or put it into /etc/bash_completion.d/\n");
	put_value_function(to);
	prs_buf_puts(to, bash_begin);
	prs_buf_puts(to, "\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\t_prs_words");
	put_commands(to);
	prs_buf_puts(to, "\n\t\treturn\n\tfi\n");
	put_cases(to, put_word, "_prs_words");
	prs_buf_puts(to, "complete -F _prs prs\n");
}

/* ---- zsh --------------------------------------------------------------------------------------------------------- */

static const char zsh_begin[] = "_prs_words() { compadd -- \"$@\" }\n"
				"_prs_described() { local -a words_; words_=(\"$@\"); _describe word words_ }\n"
				"_prs_runs() { local runs=${PRS_RUNS:-runs}; compadd -- last $runs/*(N:t) }\n"
				"_prs_files() { _files }\n"
				"_prs_dirs() { _files -/ }\n"
				"_prs() {\n"
				"\tlocal word=$words[CURRENT] before=$words[CURRENT-1] command=$words[2]\n"
				"\tlocal place=1 kind i\n"
				"\tfor ((i = 3; i < CURRENT; i++)); do\n"
				"\t\tcase $words[i] in\n"
				"\t\t-*) _prs_value \"$command\" \"$words[i]\" && i=$((i + 1)) ;;\n"
				"\t\t*) place=$((place + 1)) ;;\n"
				"\t\tesac\n"
				"\tdone\n";

static void put_zsh(struct prs_buf *to)
{
	prs_buf_puts(to, "#compdef prs\n# zsh completion of prs: put it as _prs into a folder of $fpath\n");
	put_value_function(to);
	prs_buf_puts(to, zsh_begin);
	prs_buf_puts(to, "\tif (( CURRENT == 2 )); then\n\t\t_prs_described");
	for (unsigned i = 0; cli_command_at(i); i++)
		if (cli_command_at(i)->group)
			put_described(to, cli_command_at(i)->name, cli_command_at(i)->what);
	prs_buf_puts(to, "\n\t\treturn\n\tfi\n");
	put_cases(to, put_described, "_prs_described");
	prs_buf_puts(to, "compdef _prs prs\n");
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
