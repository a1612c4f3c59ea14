/* SPDX-License-Identifier: Apache-2.0
 * again: prs run --only-failed RUN without a job: the words that began that run, and those that are typed now behind
 * them. Where its rows went is not said again: a file with rows stands there.
 */
#include "cli/load.h"

#include "base/mem.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PLACES = 1000 };

/* What was about one command, or names what is named anew. */
static bool is_dropped(const struct cli_option *o)
{
	return o->row == prs_option_at(PRS_OPTION_ID_output) || o->row->resume == PRS_RESUME_SCREEN;
}

static bool is_dropped_flag(const struct cli_given *g)
{
	return !strcmp(g->flag->name, "--only-failed") || !strcmp(g->flag->name, "--detach");
}

/* ---- where its rows go ------------------------------------------------------------------------------------------- */

/* The rows of the run in their own file or folder; NULL: in the run folder, or it has none. */
static const char *its_output(const struct prs_job *was, const struct prs_run *run)
{
	size_t n = strlen(run->dir);
	const char *path = was->append_to >= 0 ? was->outputs[was->append_to].path : was->output_file;
	bool inside = path && !strncmp(path, run->dir, n) && path[n] == '/';
	return inside ? NULL : path;
}

/* Bytes of a path in front of its ".txt". */
static size_t stem_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
	return dot && dot != name ? (size_t)(dot - path) : strlen(path);
}

/* Of "rows-2.txt" those of "rows", where there is a rows.txt. */
static size_t first_stem_of(const char *path)
{
	size_t stem = stem_of(path), n = stem;
	while (n > 0 && path[n - 1] >= '0' && path[n - 1] <= '9')
		n--;
	if (n == stem || n < 2 || path[n - 1] != '-')
		return stem;
	PRS_AUTOFREE char *first = prs_strf("%.*s%s", (int)(n - 1), path, path + stem);
	return first && access(first, F_OK) == 0 ? n - 1 : stem;
}

/* The first of rows-2.txt, rows-3.txt, ... that is free. */
static char *beside(const char *path)
{
	size_t stem = first_stem_of(path);
	const char *end = path + stem_of(path);
	for (unsigned i = 2; i < PLACES; i++) {
		char *free_one = prs_strf("%.*s-%u%s", (int)stem, path, i, end);
		if (!free_one || access(free_one, F_OK) < 0)
			return free_one;
		prs_freep(&free_one);
	}
	return NULL;
}

static int add_output(struct cli_args *a, const struct prs_job *was, const struct prs_run *run)
{
	const char *path = its_output(was, run);
	if (!path || cli_option(a, PRS_OPTION_ID_output) || was->o.overwrite)
		return 0;
	PRS_AUTOFREE char *next = beside(path);
	return next ? cli_add_option(a, prs_option_at(PRS_OPTION_ID_output), next) : -PRS_ENOMEM;
}

/* ---- its words --------------------------------------------------------------------------------------------------- */

/* The options and flags of `was` go in front of those of `a`. */
static int prepend(struct cli_args *a, const struct cli_args *was)
{
	struct cli_args own = *a;
	a->options = NULL;
	a->given = NULL;
	a->options_n = a->given_n = 0;
	int r = 0;
	for (size_t i = 0; i < was->options_n && !r; i++)
		r = is_dropped(&was->options[i]) ? 0 : cli_add_option(a, was->options[i].row, was->options[i].value);
	for (size_t i = 0; i < own.options_n && !r; i++)
		r = cli_add_option(a, own.options[i].row, own.options[i].value);
	for (size_t i = 0; i < was->given_n && !r; i++)
		r = is_dropped_flag(&was->given[i]) ? 0 : cli_add_given(a, &was->given[i]);
	for (size_t i = 0; i < own.given_n && !r; i++)
		r = cli_add_given(a, &own.given[i]);
	for (size_t i = 0; i < was->words.n && !r; i++)
		r = prs_list_add(&a->words, was->words.v[i]);
	for (size_t i = 0; i < was->rest.n && !own.rest.n && !r; i++)
		r = prs_list_add(&a->rest, was->rest.v[i]);
	for (size_t i = 0; i < own.options_n; i++)
		prs_freep(&own.options[i].value);
	prs_freep(&own.options);
	prs_freep(&own.given);
	return r;
}

/* "score.py -i in --run-max-try 1", then what is typed now, then -- and the script's own: what a run that is begun
 * with it is begun with. */
static int join_typed(struct cli_args *a, const struct prs_list *was)
{
	struct prs_list own = a->typed;
	size_t was_n = 0, own_n = 0;
	a->typed = (struct prs_list){ 0 };
	while (was_n < was->n && strcmp(was->v[was_n], "--") != 0)
		was_n++;
	while (own_n < own.n && strcmp(own.v[own_n], "--") != 0)
		own_n++;
	int r = 0;
	for (size_t i = 0; i < was_n && !r; i++)
		r = prs_list_add(&a->typed, was->v[i]);
	for (size_t i = 0; i < own_n && !r; i++)
		r = prs_list_add(&a->typed, own.v[i]);
	for (size_t i = own_n; i < own.n && !r; i++)
		r = prs_list_add(&a->typed, own.v[i]);
	for (size_t i = was_n; i < was->n && own_n == own.n && !r; i++)
		r = prs_list_add(&a->typed, was->v[i]);
	prs_list_done(&own);
	return r;
}

static int take_words(struct cli_args *a, const struct prs_job *was, const struct prs_run *run, struct prs_err *err)
{
	const struct prs_list *words = &was->command;
	struct cli_args then;
	PRS_AUTOFREE char **argv = prs_calloc(words->n + 2, sizeof *argv);
	if (!argv)
		return prs_fail(err, PRS_ENOMEM, "--only-failed");
	argv[0] = (char *)(uintptr_t) "run";
	for (size_t i = 0; i < words->n; i++)
		argv[i + 1] = words->v[i];
	int r = cli_parse(&then, cli_command_find("run"), (int)words->n + 1, argv, err);
	if (!r && then.mistakes_n)
		r = prs_fail(err, PRS_EINVALID, "--only-failed: %s was begun with words that mean nothing now: %s",
		             run->name, prs_buf_str(&then.mistakes));
	else if (!r && (prepend(a, &then) < 0 || add_output(a, was, run) < 0 || join_typed(a, words) < 0))
		r = prs_fail(err, PRS_ENOMEM, "--only-failed");
	cli_args_done(&then);
	return r;
}

/* Relative names among its words begin there. */
static int check_folder(const struct prs_job *was, const struct prs_run *run, struct prs_err *err)
{
	char here[PATH_MAX];
	if (!was->command.n)
		return prs_fail(err, PRS_EINVALID,
		                "--only-failed: how %s was begun is not known: name the job, too, as in prs run JOB "
		                "--only-failed %s",
		                run->name, run->name);
	if (getcwd(here, sizeof here) && !strcmp(here, was->submit_dir))
		return 0;
	return prs_fail(err, PRS_EINVALID,
	                "--only-failed: %s was begun in %s: go there (cd), or name the job, too, as in prs run JOB "
	                "--only-failed %s",
	                run->name, was->submit_dir, run->name);
}

int cli_again(struct cli_args *a, const char *word, struct prs_err *err)
{
	struct prs_run run;
	struct prs_placed placed = { .job = &a->again };
	if (cli_find_run(a, word, &run, err) < 0)
		return prs_wrap(err, "--only-failed");
	if (prs_run_check_owner(&run, cli_has(a, "--trust"), err) < 0)
		return prs_wrap(err, "--only-failed");
	int r = prs_run_read_job(program_fs(), &a->again, &placed, run.dir, err);
	if (!r && check_folder(&a->again, &run, err) == 0)
		take_words(a, &a->again, &run, err);
	prs_placed_done(&placed);
	return err->code;
}
