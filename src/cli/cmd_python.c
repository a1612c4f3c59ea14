/* SPDX-License-Identifier: Apache-2.0
 * cmd_python: prs python FILE: becomes the interpreter that a job here would have, with the names of the v1 SDK
 * (python/prs_azureml). That talks to this program again, by the path in PRS_PROGRAM.
 */
#include "cli/load.h"

#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -1: no such word. */
static int is_installed(struct cli_args *a)
{
	const char *word = cli_value(a, "--azureml", 0);
	if (!word || !strcmp(word, "prs"))
		return 0;
	return strcmp(word, "installed") == 0 ? 1 : -1;
}

static int add_words(struct prs_list *to, struct cli_args *a, const char *python, const char *folder)
{
	const char *compile = cli_value(a, "--compile", 0);
	int r = prs_list_add(to, python);
	if (!r)
		r = prs_list_add(to, folder);
	if (!r && compile)
		r = prs_list_add(to, "--compile");
	if (!r && compile)
		r = prs_list_add(to, compile);
	if (!r && cli_has(a, "--detach"))
		r = prs_list_add(to, "--detach");
	if (!r && is_installed(a))
		r = prs_list_add(to, "--installed");
	if (!r)
		r = prs_list_add(to, "--");
	if (!r)
		r = prs_list_add(to, a->words.v[0]);
	for (size_t i = 0; i < a->rest.n && !r; i++)
		r = prs_list_add(to, a->rest.v[i]);
	return r;
}

/* Returns only when it could not. */
static int become(struct cli_args *a, const char *python, struct prs_err *err)
{
	char program[PATH_MAX], loader[PATH_MAX];
	struct prs_list words = { 0 };
	if (prs_find_parts(program, loader, err) < 0)
		return err->code;
	/* beside the loader, which is a file */
	PRS_AUTOFREE char *folder = prs_strf("%.*s/prs_azureml", (int)(strrchr(loader, '/') - loader), loader);
	int r = folder ? add_words(&words, a, python, folder) : -PRS_ENOMEM;
	char **argv = r ? NULL : prs_calloc(words.n + 1, sizeof *argv);
	if (argv && setenv("PRS_PROGRAM", program, 1) == 0) {
		memcpy(argv, words.v, words.n * sizeof *argv);
		signal(SIGPIPE, SIG_DFL);
		execv(python, argv);
		r = prs_fail_errno(err, errno, "starting %s", python);
	} else {
		r = prs_fail(err, PRS_ENOMEM, "the words of the command");
	}
	prs_freep(&argv);
	prs_list_done(&words);
	return r;
}

int cmd_python(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct prs_load l;
	if (is_installed(a) < 0) {
		prs_fail(&err, PRS_EINVALID, "--azureml %s: expected installed or prs", cli_value(a, "--azureml", 0));
		return complain(PRS_EXIT_MISTAKE, &err);
	}
	int r = prs_load_init(&l, cli_front(true));
	if (!r)
		r = prs_load_python(&l, cli_option(a, PRS_OPTION_ID_python), &err);
	else
		prs_fail(&err, PRS_ENOMEM, "the interpreter");
	int status;
	if (!r && l.mistakes_n) {
		status = complain_all(l.mistakes_n, &l.mistakes);
	} else {
		if (!r)
			r = become(a, l.job.python, &err);
		status = complain(PRS_EXIT_MISTAKE, &err);
	}
	prs_load_done(&l);
	return status;
}
