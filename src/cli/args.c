/* SPDX-License-Identifier: Apache-2.0
 * args: argv of a command by its row of the table: flags of the command, options of the option table, words, what
 * stands behind --.
 *
 * --flag VALUE, --flag=VALUE, -p VALUE, -pVALUE; '-' and '_' alike. A long flag may be shortened as long as no other
 * one begins so, as in Python's argparse. The last one wins, lists add. Every mistake is a line; parsing goes on behind
 * it.
 */
#include "cli/cli.h"

#include "base/mem.h"
#include "spec/jobfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORD = PRS_OPTION_WORD_MAX, MANY = 6 };

void cli_mistake(struct cli_args *a, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	prs_buf_putf(&a->mistakes, "%s\n", text);
	a->mistakes_n++;
}

void cli_args_done(struct cli_args *a)
{
	for (size_t i = 0; i < a->options_n; i++)
		prs_freep(&a->options[i].value);
	prs_freep(&a->options);
	prs_freep(&a->given);
	prs_list_done(&a->words);
	prs_list_done(&a->rest);
	prs_list_done(&a->typed);
	prs_job_done(&a->again);
	prs_buf_done(&a->mistakes);
}

/* ---- what a flag means ------------------------------------------------------------------------------------------- */

/* One of both, or none. */
struct meaning {
	const struct cli_flag *flag;
	const struct prs_option_row *row;
};

static const struct cli_flag help_flag = { "--help", "-h", NULL, "this help" };

bool cli_names(const char *names, const char *name)
{
	const char *p = names ? names : "";
	for (size_t n; *p; p += n + strspn(p + n, " ")) {
		n = strcspn(p, " ");
		if (strlen(name) == n && !strncmp(p, name, n))
			return true;
	}
	return false;
}

bool cli_takes(const struct cli_command *c, const struct prs_option_row *row)
{
	return cli_names(c->options, "*") || cli_names(c->options, row->name);
}

bool cli_offers(const struct cli_command *c, const struct prs_option_row *row)
{
	bool kept = strcmp(c->name, "resume") != 0 || row->resume != PRS_RESUME_NO ||
	            row == prs_option_at(PRS_OPTION_ID_runs_dir);
	return row->group[0] && cli_takes(c, row) && kept;
}

static bool begins(const char *name, const char *word, bool whole)
{
	size_t i = 0;
	for (; word[i]; i++)
		if ((word[i] == '_' ? '-' : word[i]) != name[i])
			return false;
	return !whole || !name[i];
}

/* Flags of the command that `word` can mean. */
static unsigned match_flags(const struct cli_command *c, const char *word, bool whole, struct meaning *ret, unsigned n)
{
	const struct cli_flag *f = c->flags;
	if (whole && (!strcmp(word, help_flag.letter) || begins(help_flag.name, word, true)))
		ret[n++].flag = &help_flag;
	for (; f && f->name && n < MANY; f++)
		if ((whole && f->letter && !strcmp(word, f->letter)) || begins(f->name, word, whole))
			ret[n++].flag = f;
	return n;
}

/* Everything that `word` can mean: whole names first; only if there is none, beginnings. */
static unsigned meanings(const struct cli_command *c, const char *word, struct meaning ret[MANY])
{
	const struct prs_option_row *rows[MANY];
	memset(ret, 0, MANY * sizeof *ret);
	for (int prefix = 0; prefix < 2; prefix++) {
		if (prefix && (word[0] != '-' || word[1] != '-' || !word[2]))
			break;
		unsigned n = match_flags(c, word, !prefix, ret, 0);
		unsigned m = prs_option_match(word, prefix, rows, MANY);
		for (unsigned i = 0; i < m && i < MANY && n < MANY; i++)
			if (cli_takes(c, rows[i]))
				ret[n++].row = rows[i];
		if (n)
			return n;
	}
	return 0;
}

static const char *name_of(const struct meaning *m) { return m->flag ? m->flag->name : m->row->flag; }

/* ---- sentences --------------------------------------------------------------------------------------------------- */

static void ambiguous(struct cli_args *a, const char *word, const struct meaning *m, unsigned n)
{
	char all[512] = "";
	size_t at = 0;
	for (unsigned i = 0; i < n && at < sizeof all; i++) {
		const char *joint = i + 1 < n ? ", " : " or ";
		at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", i ? joint : "", name_of(&m[i]));
	}
	cli_mistake(a, "%s can mean %s: give more letters of it", word, all);
}

/* Options that have the word in their name: --timeout -> --run-invocation-timeout, ... */
static size_t alike(const struct cli_command *c, const char *word, char *to, size_t bytes)
{
	size_t at = 0, n = strlen(word);
	unsigned found = 0;
	to[0] = 0;
	for (unsigned i = 0; n > 4 && prs_option_at(i) && found < MANY; i++) {
		const struct prs_option_row *row = prs_option_at(i);
		if (row->group[0] && cli_takes(c, row) && strstr(row->name, word + 2) && at < bytes)
			at += (size_t)snprintf(to + at, bytes - at, "%s%s", found++ ? ", " : "", row->flag);
	}
	return at;
}

static const char *nearest_flag(const struct cli_command *c, const char *word)
{
	const char *best = NULL;
	unsigned least = 4;
	for (const struct cli_flag *f = c->flags; f && f->name; f++) {
		unsigned far = prs_distance(word, f->name);
		if (far < least && far < strlen(f->name) / 2) {
			least = far;
			best = f->name;
		}
	}
	const char *option = c->options ? prs_option_nearest(word) : NULL;
	const struct prs_option_row *row = option ? prs_option_find(option, false) : NULL;
	return row && cli_takes(c, row) && prs_distance(word, option) < least ? option : best;
}

/* What people type who come from other tools, and what it is here. */
static const char *foreign(const struct cli_command *c, const char *word)
{
	static const char *const answers[][2] = {
		{ "-n", "the number of processes is -p N; what a job would do is shown by prs plan" },
		{ "--dry-run", "prs plan shows what a job would do" },
		{ "--retries", "--run-max-try N is the number of tries in all: 2 retries are --run-max-try 3" },
		{ "--max-retries", "--run-max-try N is the number of tries in all: 2 retries are --run-max-try 3" },
		{ "--jobs", "the number of processes is --processes N" },
		{ "--num-workers", "the number of processes is --processes N" },
		{ "--parallel", "the number of processes is --processes N" },
		{ "--batch-size", "it is --mini-batch-size N" },
		{ "--timeout", "--run-invocation-timeout SECONDS is the limit of one call of run()" },
		{ "--verbose", "a run says all it knows in its logs: prs logs" },
		{ "--force", "--overwrite replaces an output file" },
		{ "--resume", "prs resume RUN goes on with a run" },
	};
	for (size_t i = 0; i < sizeof answers / sizeof *answers && cli_names(c->options, "*"); i++)
		if (begins(answers[i][0], word, true))
			return answers[i][1];
	return NULL;
}

static void unknown(struct cli_args *a, const char *word)
{
	char letter[3] = { '-', word[1], 0 };
	const char *answer = foreign(a->command, word[1] == '-' ? word : letter);
	if (answer) {
		cli_mistake(a, "no option %s: %s", word, answer);
		a->after_unknown = true;
		return;
	}
	char like[512];
	const struct cli_command *c = a->command;
	const char *near = nearest_flag(c, word);
	const char *rest = c->rest ? ". Arguments of the script go behind --" : "";
	if (near)
		cli_mistake(a, "unknown option %s; did you mean %s?", word, near);
	else if (alike(c, word, like, sizeof like))
		cli_mistake(a, "unknown option %s; there are %s%s", word, like, rest);
	else
		cli_mistake(a, "unknown option %s: see prs help %s%s", word, c->name, rest);
	a->after_unknown = true;
}

static void needs_value(struct cli_args *a, const struct meaning *m)
{
	const char *what = m->flag ? m->flag->value : m->row->unit;
	cli_mistake(a, "%s needs a value%s%s%s", name_of(m), what[0] ? " (" : "", what, what[0] ? ")" : "");
}

/* ---- taking ------------------------------------------------------------------------------------------------------ */

static bool takes_value(const struct meaning *m)
{
	return m->flag ? m->flag->value != NULL : m->row->type != PRS_OPTION_BOOL;
}

int cli_add_given(struct cli_args *a, const struct cli_given *g)
{
	struct cli_given *v = prs_realloc(a->given, (a->given_n + 1) * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	a->given = v;
	v[a->given_n++] = *g;
	return 0;
}

int cli_add_option(struct cli_args *a, const struct prs_option_row *row, const char *value)
{
	struct cli_option *v = prs_realloc(a->options, (a->options_n + 1) * sizeof *v);
	char *copy = prs_strdup(value);
	if (v)
		a->options = v;
	if (!v || !copy) {
		prs_freep(&copy);
		return -PRS_ENOMEM;
	}
	v[a->options_n++] = (struct cli_option){ row, copy, row->flag };
	return 0;
}

static int take_flag(struct cli_args *a, const struct cli_flag *f, const char *value)
{
	if (f == &help_flag) {
		a->help = true;
		return 0;
	}
	return cli_add_given(a, &(struct cli_given){ f, value });
}

/* "-" for stdin or stdout, as many programs have it: not here. */
static const char *no_stream(const struct prs_option_row *row, const char *value)
{
	const char *path = strchr(value, '=') ? strchr(value, '=') + 1 : value;
	if (strcmp(path, "-") != 0 && strcmp(path, "@-") != 0)
		return NULL;
	if (row == prs_option_at(PRS_OPTION_ID_input))
		return "a list of files is not read from stdin: write it to a file, a path in each line, and say "
		       "--input @FILE (a file whose name is - is ./-)";
	if (row == prs_option_at(PRS_OPTION_ID_output))
		return "the output is a file: its rows are in input order, which is known when all are there. Say "
		       "--output FILE, then cat FILE (a file whose name is - is ./-)";
	return NULL;
}

/* The value is tried on defaults at once, so that its mistake stands with the others. */
static int take_option(struct cli_args *a, const struct prs_option_row *row, const char *value)
{
	struct prs_err err = { 0 };
	struct prs_options scratch;
	int r = prs_options_init(&scratch, &err);
	if (!r)
		r = prs_option_set(&scratch, row, value, row->flag, &err);
	prs_options_done(&scratch);
	if (r == -PRS_ENOMEM)
		return r;
	const char *stream = r ? NULL : no_stream(row, value);
	a->input_refused = a->input_refused || (stream && row == prs_option_at(PRS_OPTION_ID_input));
	if (stream)
		cli_mistake(a, "%s %s: %s", row->flag, value, stream);
	else if (r)
		cli_mistake(a, "%s", err.msg);
	if (stream || r)
		return 0;
	return cli_add_option(a, row, value);
}

static int take(struct cli_args *a, const struct meaning *m, const char *value)
{
	if (!value && takes_value(m)) {
		needs_value(a, m);
		return 0;
	}
	if (value && m->flag && !takes_value(m)) {
		cli_mistake(a, "%s takes no value, found \"%s\"", m->flag->name, value);
		return 0;
	}
	return m->flag ? take_flag(a, m->flag, value) : take_option(a, m->row, value ? value : "true");
}

/* A value may begin with one dash (-1), not with two: those are a forgotten value. */
static const char *next_value(const struct meaning *m, int argc, char **argv, int *i)
{
	if (!takes_value(m) || *i + 1 >= argc || (argv[*i + 1][0] == '-' && argv[*i + 1][1] == '-'))
		return NULL;
	return argv[++*i];
}

static int long_flag(struct cli_args *a, int argc, char **argv, int *i)
{
	struct meaning m[MANY];
	char name[WORD];
	const char *word = argv[*i], *value = strchr(word, '=');
	size_t n = value ? (size_t)(value - word) : strlen(word);
	snprintf(name, sizeof name, "%.*s", (int)n, word);
	unsigned found = n < sizeof name ? meanings(a->command, name, m) : 0;
	if (!found && a->command->dashes)
		return prs_list_add(&a->words, word);
	if (found > 1)
		ambiguous(a, name, m, found);
	else if (!found)
		unknown(a, n < sizeof name ? name : word);
	if (found != 1) {
		a->after_unknown = !value;
		return 0;
	}
	return take(a, &m[0], value ? value + 1 : next_value(&m[0], argc, argv, i));
}

/* -p 2, -p2 */
static int short_flag(struct cli_args *a, int argc, char **argv, int *i)
{
	struct meaning m[MANY];
	const char *word = argv[*i];
	char name[3] = { '-', word[1], 0 };
	if (!meanings(a->command, name, m)) {
		unknown(a, word);
		return 0;
	}
	if (word[2] && !takes_value(&m[0])) {
		cli_mistake(a, "%s takes no value, found \"%s\"", name, word + 2);
		return 0;
	}
	return take(a, &m[0], word[2] ? word + 2 : next_value(&m[0], argc, argv, i));
}

static int take_rest(struct cli_args *a, int argc, char **argv, int i)
{
	if (!a->command->rest && i < argc)
		cli_mistake(a, "prs %s takes nothing behind --", a->command->name);
	for (; i < argc; i++)
		if (prs_list_add(&a->rest, argv[i]) < 0)
			return -PRS_ENOMEM;
	return 0;
}

/* run score.py in/1.txt in/2.txt: what the shell made of a pattern without quotes. The first one stands for the input,
 * so that none is missed. */
static int unexpected_files(struct cli_args *a, size_t first)
{
	const char *word = a->words.v[first], *slash = strrchr(word, '/'), *dot = strrchr(slash ? slash : word, '.');
	size_t others = a->words.n - first - 1;
	bool names = prs_is_jobfile(a->words.v[0]), alone = !names && !cli_option(a, PRS_OPTION_ID_input);
	if (!others)
		cli_mistake(a, "unexpected word %s: an input is given as --input %s%s", word, names ? "NAME=" : "",
		            word);
	else
		cli_mistake(a,
		            "unexpected word %s, and %zu more: inputs go behind --input: a folder, or a pattern in "
		            "quotes that the shell leaves alone: --input '%.*s*%s'",
		            word, others, slash ? (int)(slash - word + 1) : 0, word, dot ? dot : "");
	return alone ? cli_add_option(a, prs_option_at(PRS_OPTION_ID_input), word) : 0;
}

static int check_words(struct cli_args *a)
{
	const struct cli_command *c = a->command;
	const char *more = a->words.n > c->words_max ? a->words.v[c->words_max] : NULL;
	if (more && c->rest && access(more, F_OK) == 0)
		return unexpected_files(a, c->words_max);
	if (more)
		cli_mistake(a, "unexpected word %s%s", more,
		            c->rest ? ": the script's own arguments go behind --" : "");
	else if (a->words.n && cli_has(a, "--job-json"))
		cli_mistake(a, "unexpected word %s: --job-json has the whole job", a->words.v[0]);
	else if (a->words.n < c->words_min && !cli_has(a, "--job-json") && !cli_has(a, "--only-failed"))
		cli_mistake(a, "expected: prs %s %s", c->name, c->arguments);
	return 0;
}

int cli_parse(struct cli_args *a, const struct cli_command *command, int argc, char **argv, struct prs_err *err)
{
	*a = (struct cli_args){ .command = command };
	prs_buf_init(&a->mistakes, 1 << 20);
	prs_job_init(&a->again);
	int r = 0;
	for (int i = 1; i < argc && !r; i++)
		r = prs_list_add(&a->typed, argv[i]);
	for (int i = 1; i < argc && !r; i++) {
		if (!strcmp(argv[i], "--")) {
			r = take_rest(a, argc, argv, i + 1);
			break;
		}
		bool word = argv[i][0] != '-' || !argv[i][1],
		     skip = word && a->after_unknown; /* most likely its value */
		a->after_unknown = false;
		if (word)
			r = skip ? 0 : prs_list_add(&a->words, argv[i]);
		else
			r = argv[i][1] == '-' ? long_flag(a, argc, argv, &i) : short_flag(a, argc, argv, &i);
		if (!r && command->program && a->words.n) {
			r = take_rest(a, argc, argv, i + 1);
			break;
		}
	}
	if (!r && !a->help)
		r = check_words(a);
	return r < 0 ? prs_fail(err, PRS_ENOMEM, "the command line") : 0;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

const char *cli_value(const struct cli_args *a, const char *name, unsigned i)
{
	for (size_t k = 0; k < a->given_n; k++)
		if (!strcmp(a->given[k].flag->name, name) && i-- == 0)
			return a->given[k].value ? a->given[k].value : "";
	return NULL;
}

unsigned cli_has(const struct cli_args *a, const char *name)
{
	unsigned n = 0;
	while (cli_value(a, name, n))
		n++;
	return n;
}

const char *cli_option(const struct cli_args *a, enum prs_option_id id)
{
	for (size_t k = a->options_n; k-- > 0;)
		if (a->options[k].row == prs_option_at(id))
			return a->options[k].value;
	return NULL;
}

static bool is_true(const struct cli_args *a, enum prs_option_id id)
{
	const char *given = cli_option(a, id), *value = given ? given : cli_default(id);
	struct prs_options o;
	bool yes = false;
	if (value && prs_options_init(&o, NULL) == 0) {
		prs_option_set(&o, prs_option_at(id), value, NULL, NULL);
		yes = id == PRS_OPTION_ID_json ? o.json : o.quiet;
		prs_options_done(&o);
	}
	return yes;
}

bool cli_json(const struct cli_args *a) { return is_true(a, PRS_OPTION_ID_json); }
bool cli_quiet(const struct cli_args *a) { return is_true(a, PRS_OPTION_ID_quiet); }
