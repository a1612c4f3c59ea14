/* SPDX-License-Identifier: Apache-2.0
 * load: from the command line (a script or a job file, flags, words for the script) to one checked job. All mistakes
 * are told at once.
 */
#include "cli/load.h"
#include "cli/venv.h"

#include "base/mem.h"
#include "data/list.h"
#include "io/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static int fill_request(struct prs_request *q, const struct cli_args *a)
{
	int r = 0;
	for (size_t i = 0; i < a->options_n && !r; i++)
		r = prs_request_ask(q, a->options[i].row, a->options[i].value, a->options[i].where);
	for (size_t i = 0; i < a->rest.n && !r; i++)
		r = prs_list_add(&q->arguments, a->rest.v[i]);
	for (unsigned i = 0; cli_value(a, "--set", i) && !r; i++)
		r = prs_list_add(&q->sets, cli_value(a, "--set", i));
	q->job = cli_value(a, "--job", 0);
	q->inputs_later = !strcmp(a->command->name, "validate");
	return r;
}

/* Processes when nobody said how many: GPUs, else the cores we may use. */
static void default_processes(struct prs_job *j)
{
	enum { MOST = 1024 };
	struct prs_list gpus = { 0 };
	if (j->o.processes != PRS_UNSET)
		return;
	prs_gpus(getenv("CUDA_VISIBLE_DEVICES"), getenv("AZ_BATCHAI_GPU_COUNT_FOUND"), &gpus);
	size_t n = gpus.n ? gpus.n : prs_usable_cores();
	j->o.processes = n < MOST ? (int64_t)n : MOST;
	prs_list_done(&gpus);
}

static void check_loader(struct cli_args *a)
{
	struct prs_err err = { 0 };
	char program[PATH_MAX], loader[PATH_MAX];
	if (cli_find_parts(program, loader, &err) < 0)
		cli_mistake(a, "%s", err.msg);
}

static void keep_python(struct prs_job *j, struct cli_args *a, const char *path, const char *why)
{
	prs_freep(&j->python);
	prs_freep(&j->python_why);
	j->python = prs_strdup(path);
	j->python_why = prs_strdup(why);
	if (!j->python || !j->python_why)
		cli_mistake(a, "out of memory");
}

/* The Python that the job's packages are installed for: the version it asks for, where there is one. */
static int base_python(const struct prs_job *j, char *to, size_t n, struct prs_err *err)
{
	unsigned major, minor;
	struct prs_err none;
	if (j->env_python && sscanf(j->env_python, "%u.%u", &major, &minor) == 2) {
		PRS_AUTOFREE char *name = prs_strf("python%u.%u", major, minor);
		if (name && cli_find_python(name, NULL, to, n, &none) == 0)
			return 0;
		fprintf(stderr, "warning: Python %s is not on this machine: python3 of the PATH is used\n",
		        j->env_python);
	}
	return cli_find_python("python3", NULL, to, n, err);
}

/* An environment of the packages that the job lists. Only prs run makes one; else its interpreter is said, and
 * nothing can be asked of it. */
static void take_packages(struct prs_job *j, const char *entry, struct cli_args *a)
{
	struct prs_err err = { 0 };
	char base[PATH_MAX], path[PATH_MAX];
	bool ready = false, makes = a->command->run == cmd_run && !a->mistakes_n;
	int r = base_python(j, base, sizeof base, &err);
	r = r ? r : venv_find(base, &j->env_pip, path, sizeof path, &ready, &err);
	if (!r && !ready && makes)
		r = venv_make(base, &j->env_pip, cli_quiet(a) || cli_json(a), &err);
	if (!r && (ready || makes))
		r = cli_find_python(path, entry, path, sizeof path, &err);
	if (r < 0) {
		cli_mistake(a, "%s", err.msg);
		return;
	}
	PRS_AUTOFREE char *why = prs_strf("%s for %zu package%s of the job", ready || makes ? "made" : "to be made",
	                                  j->env_pip.n, j->env_pip.n == 1 ? "" : "s");
	keep_python(j, a, path, why ? why : "");
}

/* Who chooses the interpreter: --python; prs.yml by the name of the job's environment, or for all jobs; the job's
 * packages; the PATH. */
static void check_python(struct prs_job *j, const struct load *l, struct cli_args *a)
{
	struct prs_err err = { 0 };
	char path[PATH_MAX];
	PRS_AUTOFREE char *entry = l->is_jobfile && j->entry && j->code_dir ? prs_strf("%s/%s", j->code_dir, j->entry)
	                                                                    : NULL;
	PRS_AUTOFREE char *mapped = j->env_name ? prs_project_python(l->project, j->env_name) : NULL,
			  *project = prs_project_python(l->project, NULL);
	const char *given = j->o.python ? j->o.python : mapped ? mapped : project;
	const char *why = j->o.python ? "--python"
	                  : mapped    ? "environments of prs.yml"
	                  : project   ? "python of prs.yml"
	                              : "PATH";
	const char *script = entry ? entry : l->is_jobfile ? "" : l->script;
	if (!given && j->env_pip.n) {
		take_packages(j, script, a);
		return;
	}
	if (cli_find_python(given ? given : "python3", script, path, sizeof path, &err) < 0)
		cli_mistake(a, "%s%s%s", given && err.code != -PRS_EINVALID ? why : "",
		            given && err.code != -PRS_EINVALID ? ": " : "", err.msg);
	else
		keep_python(j, a, path, why);
}

/* Can a file be made in this folder? Asking (access) is not enough: quotas, read-only mounts, network file systems. */
static int try_folder(const char *folder)
{
	PRS_AUTOFREE char *path = prs_strf("%s/.prs-%d.tmp", folder, (int)getpid());
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return errno ? errno : ENOMEM;
	close(fd);
	return unlink(path) < 0 ? errno : 0;
}

static void check_output_folder(const struct prs_job *j, struct cli_args *a)
{
	struct stat st;
	const char *folder = j->output_dir;
	int e = folder && stat(folder, &st) == 0 && S_ISDIR(st.st_mode) ? try_folder(folder) : 0;
	if (e)
		cli_mistake(a, "--output: no file can be made in %s: %s", folder, strerror(e));
}

/* --mini-batch-size 1MB is 1,048,576 files, as in the original, and hardly what was meant. */
static void warn_of_bytes(struct prs_job *j, struct cli_args *a)
{
	char text[160];
	for (size_t i = 0; i < a->options_n; i++) {
		const char *value = a->options[i].value;
		if (strcmp(a->options[i].row->flag, "--mini-batch-size") != 0 || !value[0] ||
		    value[strspn(value, "0123456789")] == 0)
			continue;
		snprintf(text, sizeof text,
		         "--mini-batch-size %.40s is %lld files: sizes are for tables, and the input is files", value,
		         (long long)j->o.mini_batch_size);
		if (prs_list_add(&j->warnings, text) < 0)
			cli_mistake(a, "out of memory");
	}
}

static void check_script(struct prs_job *j, struct load *l, struct cli_args *a)
{
	if (cli_has(a, "--set") || cli_has(a, "--job"))
		cli_mistake(a, "--set and --job belong to job files (.yml): a script has flags for everything");
	PRS_AUTOBUF report;
	prs_buf_init(&report, 1 << 20);
	a->mistakes_n += (unsigned)prs_job_check(j, &l->asked, program_fs(), &report);
	warn_of_bytes(j, a);
	prs_buf_puts(&a->mistakes, prs_buf_str(&report));
	check_output_folder(j, a);
}

/* ---- a job file -------------------------------------------------------------------------------------------------- */

/* prs.yml beside the job file or above, and the user's own. */
static struct prs_project *find_project(struct load *l)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"), *slash = strrchr(l->script, '/');
	PRS_AUTOFREE char *user = config && config[0] ? prs_strf("%s/prs/prs.yml", config)
	                          : home              ? prs_strf("%s/.config/prs/prs.yml", home)
	                                              : NULL;
	PRS_AUTOFREE char *dir = !slash                ? prs_strdup(l->cwd)
	                         : l->script[0] == '/' ? prs_strdup(l->script)
	                                               : prs_strf("%s/%s", l->cwd, l->script);
	if (dir && slash)
		*strrchr(dir, '/') = 0;
	return dir ? prs_project_find(program_fs(), dir[0] ? dir : "/", user, l->doc) : NULL;
}

static void check_jobfile(struct prs_job *j, struct load *l, struct cli_args *a)
{
	struct prs_err err = { 0 };
	if (j->o.code)
		cli_mistake(a, "--code belongs to scripts: a job file has a key for it (code or source_directory), see "
		               "--set");
	if (prs_jobfile_read(j, &l->asked, program_fs(), l->project, l->doc, &err) < 0)
		cli_mistake(a, "%s", err.msg);
}

/* The files that a list names are there. */
static void check_lists(const struct prs_job *j, struct cli_args *a)
{
	for (size_t i = 0; i < j->inputs_n; i++) {
		struct prs_err err = { 0 };
		if (j->inputs[i].is_list && j->inputs[i].path &&
		    prs_list_file_check(program_fs(), j->inputs[i].path, j->inputs[i].base, &err) < 0)
			cli_mistake(a, "input %s: %s", j->inputs[i].name, err.msg);
	}
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

int load_job(struct prs_job *j, struct load *l, struct cli_args *a)
{
	struct prs_err err = { 0 };
	prs_job_init(j);
	*l = (struct load){ .doc = prs_yaml_doc_new(), .script = a->words.n ? a->words.v[0] : NULL };
	l->asked.file = l->script;
	l->asked.cwd = l->cwd;
	if (!l->doc || fill_request(&l->asked, a) < 0) {
		prs_fail(&err, PRS_ENOMEM, "the job");
		return complain(2, &err);
	}
	l->only = cli_has(a, "--only-failed") ? only_failed_read(a, &err) : NULL;
	if (cli_has(a, "--only-failed") && !l->only)
		return complain(2, &err);
	bool its_inputs = l->only && l->script && !prs_is_jobfile(l->script) &&
	                  !prs_request_value(&l->asked, PRS_OPTION_ID_input);
	if (its_inputs && only_failed_inputs(l->only, &l->asked, &err) < 0)
		return complain(2, &err);
	if (prs_job_begin(j, &l->asked, &err) < 0)
		return complain(2, &err);
	if (!getcwd(l->cwd, sizeof l->cwd)) {
		cli_mistake(a, "the current folder: %s", strerror(errno));
	} else if (l->script) {
		PRS_AUTOBUF report;
		prs_buf_init(&report, 4 << 20);
		l->is_jobfile = prs_is_jobfile(l->script);
		l->project = find_project(l);
		if (l->is_jobfile)
			check_jobfile(j, l, a);
		else
			check_script(j, l, a);
		prs_yaml_print(l->doc, PRS_MISTAKE, &report);
		a->mistakes_n += prs_yaml_count(l->doc, PRS_MISTAKE);
		prs_buf_puts(&a->mistakes, prs_buf_str(&report));
		check_python(j, l, a);
		check_loader(a);
	}
	default_processes(j);
	if (!a->mistakes_n && l->only)
		only_failed_choose(l->only, j, a);
	else if (!a->mistakes_n)
		check_lists(j, a);
	if (a->mistakes_n && l->is_jobfile) { /* a mistake has several lines, and begins with its place */
		fprintf(stderr, "prs: %u mistake%s\n%s", a->mistakes_n, a->mistakes_n > 1 ? "s" : "",
		        prs_buf_str(&a->mistakes));
		return 2;
	}
	return a->mistakes_n ? complain_all(a->mistakes_n, &a->mistakes) : 0;
}

void load_warnings(struct load *l, bool short_form)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4 << 20);
	prs_yaml_print(l->doc, PRS_WARNING, &b);
	fputs(prs_buf_str(&b), stderr);
	prs_buf_clear(&b);
	if (short_form)
		prs_yaml_print_ignored(l->doc, &b);
	else
		prs_yaml_print(l->doc, PRS_IGNORED, &b);
	if (l->only)
		only_failed_notes(l->only);
	if (b.len && short_form)
		fprintf(stderr, "not used here: %s (prs validate %s says why)\n", prs_buf_str(&b), l->script);
	else
		fputs(prs_buf_str(&b), stderr);
}

bool load_is_empty(const struct load *l) { return l->only && only_failed_none(l->only); }

void load_done(struct load *l)
{
	prs_project_free(l->project);
	prs_yaml_doc_free(l->doc);
	prs_request_done(&l->asked);
	only_failed_free(l->only);
	*l = (struct load){ 0 };
}
