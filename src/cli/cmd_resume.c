/* SPDX-License-Identifier: Apache-2.0
 * cmd_resume: prs resume RUN: the job of the run folder, with the settings that may change.
 */
#include "cli/pipelines.h"

#include "base/mem.h"
#include "run/python.h"
#include "run/view.h"
#include "spec/job_check.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SETTINGS_MAX = 64 };

struct settings {
	struct prs_setting v[SETTINGS_MAX];
	size_t n;
	struct prs_options scratch; /* every value is tried here first */
};

/* What belongs to the run, and what is about the screen of one command. */
static void refuse(struct cli_args *a, const struct prs_option_row *row, const char *where)
{
	if (row == prs_option_at(PRS_OPTION_ID_code)) {
		cli_mistake(a,
		            "%s cannot change in a run that exists; --new-code takes the folder that the run was begun "
		            "with as it is now",
		            where);
		return;
	}
	if (row->resume == PRS_RESUME_SCREEN)
		cli_mistake(a, "%s is not kept in a run: give %s itself", where, row->flag);
	else
		cli_mistake(a,
		            "%s cannot change in a run that exists: start a new run. What can: timeouts, tries, "
		            "thresholds, processes",
		            where);
}

static void add(struct settings *s, struct cli_args *a, const struct prs_option_row *row, const char *value,
                const char *where)
{
	struct prs_err err = { 0 };
	if (row->resume != PRS_RESUME_YES)
		refuse(a, row, where);
	else if (prs_option_set(&s->scratch, row, value, where, &err) < 0)
		cli_mistake(a, "%s", err.msg);
	else if (s->n < SETTINGS_MAX)
		s->v[s->n++] = (struct prs_setting){ row, value };
	else
		cli_mistake(a, "more than %d settings", SETTINGS_MAX);
}

/* KEY=VALUE; KEY is any spelling of an option. */
static void add_set(struct settings *s, struct cli_args *a, const char *text)
{
	const char *equals = strchr(text, '=');
	char key[PRS_OPTION_WORD_MAX], where[PRS_OPTION_WORD_MAX + 8];
	snprintf(key, sizeof key, "%.*s", (int)(equals ? equals - text : 0), text);
	snprintf(where, sizeof where, "--set %s", key);
	const struct prs_option_row *row = equals ? prs_option_find(key, true) : NULL;
	const char *near = equals && !row ? prs_option_nearest(key) : NULL;
	if (!equals)
		cli_mistake(a, "--set %s: expected KEY=VALUE, such as --set run_max_try=5", text);
	else if (!row)
		cli_mistake(a, "--set: no setting %s%s%s%s", key, near ? "; did you mean " : ": prs options shows all",
		            near ? near + 2 : "", near ? "?" : "");
	else
		add(s, a, row, equals + 1, where);
}

static void gather(struct settings *s, struct cli_args *a)
{
	const char *text;
	for (unsigned i = 0; (text = cli_value(a, "--set", i)); i++)
		add_set(s, a, text);
	for (size_t i = 0; i < a->options_n; i++) {
		const struct cli_option *o = &a->options[i];
		bool ours = o->row == prs_option_at(PRS_OPTION_ID_runs_dir) || o->row->resume == PRS_RESUME_SCREEN;
		if (!ours)
			add(s, a, o->row, o->value, o->where);
	}
}

/* A virtual environment that was removed meanwhile: said now, not as a failure of init() that ends the job. */
static bool lacks_python(const struct prs_job *j, const struct prs_run *run, bool retry_failed)
{
	struct prs_err err = { 0 };
	struct prs_view v;
	if (!j->python || access(j->python, X_OK) == 0)
		return false;
	int r = prs_view_read(&v, program_fs(), run, &err);
	enum prs_job_state job = v.ledger.job;
	prs_view_done(&v);
	return !r && job != PRS_JOB_COMPLETED && job != PRS_JOB_CANCELED && (job != PRS_JOB_FAILED || retry_failed);
}

/* --new-code: is the script still where it was, and is it Python? Asked before the run folder is touched. */
static int check_new_code(const struct prs_job *j, struct prs_err *err)
{
	char kind = prs_job_find_entry(program_fs(), j->code_dir, j->entry);
	if (!kind)
		return prs_fail(err, PRS_ENOTFOUND, "--new-code: %s is not in %s any more", j->entry, j->code_dir);
	PRS_AUTOFREE char *script = prs_strf("%s/%s", j->code_dir, j->entry);
	if (!script)
		return prs_fail(err, PRS_ENOMEM, "the script");
	return kind == 'f' ? prs_python_ask(j->python, j->python, script, false, err) : 0;
}

static int resume(struct cli_args *a, const struct settings *set)
{
	struct prs_err err = { 0 };
	struct prs_job j;
	struct prs_placed placed = { .job = &j };
	struct prs_run run;
	if (cli_find_any(a, a->words.n ? a->words.v[0] : NULL, &run, &err) < 0)
		return complain(prs_exit_of(err.code, true), &err);
	if (prs_run_check_owner(&run, cli_has(a, "--trust"), &err) < 0)
		return complain(PRS_EXIT_MISTAKE, &err);
	if (run.kind == PRS_RUN_PIPELINE)
		return cli_pipeline_resume(a, &run);
	prs_job_init(&j);
	int status;
	if (prs_run_read_job(program_fs(), &j, &placed, run.dir, &err) < 0) {
		prs_wrap(&err, "%s", run.dir);
		status = complain(PRS_EXIT_BROKEN, &err);
	} else if (prs_job_check_types(&set->scratch.output_types, &err) < 0) {
		status = complain(PRS_EXIT_MISTAKE, &err);
	} else if (lacks_python(&j, &run, cli_has(a, "--retry-failed"))) {
		prs_fail(&err, PRS_ENOTFOUND, "the interpreter of %s is gone: %s. Put it back, then resume", run.name,
		         j.python);
		status = complain(PRS_EXIT_RESUMABLE, &err);
	} else if (cli_has(a, "--new-code") && check_new_code(&j, &err) < 0) {
		status = complain(PRS_EXIT_MISTAKE, &err);
	} else {
		struct cli_start s = { .job = &j,
			               .placed = &placed,
			               .run = &run,
			               .takeover = cli_has(a, "--takeover"),
			               .retry_failed = cli_has(a, "--retry-failed"),
			               .new_code = cli_has(a, "--new-code"),
			               .json = cli_json(a),
			               .quiet = cli_quiet(a),
			               .detach = cli_has(a, "--detach"),
			               .set = set->v,
			               .set_n = set->n };
		status = cli_start(&s);
	}
	prs_placed_done(&placed);
	prs_job_done(&j);
	return status;
}

int cmd_resume(struct cli_args *a)
{
	struct prs_err err = { 0 };
	struct settings set = { .n = 0 };
	int r = prs_options_init(&set.scratch, &err);
	if (!r)
		gather(&set, a);
	int status;
	if (r < 0)
		status = complain(PRS_EXIT_RESUMABLE, &err);
	else if (a->mistakes_n)
		status = complain_all(a->mistakes_n, &a->mistakes);
	else
		status = resume(a, &set);
	prs_options_done(&set.scratch);
	return status;
}
