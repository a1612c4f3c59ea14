/* SPDX-License-Identifier: Apache-2.0
 * load: front ends ask, this finds out: which front end of spec/ reads it, which Python runs it, which items it takes.
 * Each step adds its mistakes to one list; the next step runs all the same where it can.
 */
#include "run/load.h"

#include "base/many.h"
#include "base/mem.h"
#include "base/path.h"
#include "data/list.h"
#include "io/machine.h"
#include "run/project.h"
#include "run/python.h"
#include "run/start.h"
#include "run/trust.h"
#include "run/venv.h"
#include "spec/defaults.h"
#include "spec/job_check.h"
#include "spec/job_doc.h"
#include "spec/job_table.h"
#include "spec/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MISTAKES_BYTES = 8 << 20, READ_BYTES = 64 << 10 };

int prs_load_init(struct prs_load *l, const struct prs_front *front)
{
	*l = (struct prs_load){ .front = front, .doc = prs_yaml_doc_new() };
	prs_job_init(&l->job);
	prs_buf_init(&l->mistakes, MISTAKES_BYTES);
	prs_buf_init(&l->notes, MISTAKES_BYTES);
	prs_buf_init(&l->document, PRS_JOB_DOC_BYTES_MAX + READ_BYTES);
	return l->doc ? 0 : -PRS_ENOMEM;
}

void prs_load_done(struct prs_load *l)
{
	prs_project_free(l->project);
	prs_workspace_done(&l->workspace);
	prs_yaml_doc_free(l->doc);
	prs_request_done(&l->asked);
	prs_only_failed_free(l->only);
	prs_job_doc_free(l->json_doc);
	prs_job_done(&l->job);
	prs_pipeline_free(l->pipeline);
	prs_list_done(&l->pythons);
	prs_buf_done(&l->mistakes);
	prs_buf_done(&l->notes);
	prs_buf_done(&l->document);
	*l = (struct prs_load){ 0 };
}

void prs_load_mistake(struct prs_load *l, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	prs_buf_puts(&l->mistakes, text);
	prs_buf_putc(&l->mistakes, '\n');
	l->mistakes_n++;
}

/* ---- the interpreter --------------------------------------------------------------------------------------------- */

static void keep_python(struct prs_load *l, const char *path, const char *why)
{
	struct prs_job *j = &l->job;
	prs_freep(&j->python);
	prs_freep(&j->python_why);
	j->python = prs_strdup(path);
	j->python_why = prs_strdup(why);
	if (!j->python || !j->python_why)
		prs_load_mistake(l, "out of memory");
}

/* Is it there, and, where programs may be run, does it work? */
static int look_for(const struct prs_load *l, const char *name, char *to, size_t n, struct prs_err *err)
{
	if (l->executes)
		return prs_python_find(name, NULL, false, to, n, err);
	return prs_python_path(name, true, to, n, err);
}

/* The Python that the job's packages are installed for: the version it asks for, where there is one, else another. */
static int base_python(struct prs_load *l, char *to, size_t n, bool *ret_other, struct prs_err *err)
{
	unsigned major, minor;
	struct prs_err none;
	const char *wanted = l->job.env_python;
	*ret_other = false;
	if (wanted && sscanf(wanted, "%u.%u", &major, &minor) == 2) {
		PRS_AUTOFREE char *name = prs_strf("python%u.%u", major, minor);
		if (name && look_for(l, name, to, n, &none) == 0)
			return 0;
		*ret_other = true;
		prs_buf_putf(&l->notes, "warning: Python %s is not on this machine: python3 of the PATH is used\n",
		             wanted);
	}
	return look_for(l, NULL, to, n, err);
}

/* The script, read by the PATH's python3 alone: what the job's own interpreter would say is not known. */
static void read_script_apart(struct prs_load *l, const char *script)
{
	struct prs_err err = { 0 };
	char path[PATH_MAX];
	if (prs_python_find(NULL, script, true, path, sizeof path, &err) == 0)
		return;
	if (err.code == -PRS_EINVALID)
		prs_buf_putf(&l->notes,
		             "warning: %s\n    (as python3 of the PATH reads it; the job's own Python is not asked)\n",
		             err.msg);
	else
		prs_buf_putf(&l->notes, "note: the syntax of %s is not checked: %s\n", script, err.msg);
}

/* The interpreter of an environment with the packages; it is made when the front end says so, else only named. */
static int packages_python(struct prs_load *l, const char *entry, char *path, size_t n, bool *ret_there,
                           struct prs_err *err)
{
	char base[PATH_MAX];
	const struct prs_list *pip = &l->job.env_pip;
	bool other, makes = l->makes_environment && !l->mistakes_n;
	if (base_python(l, base, sizeof base, &other, err) < 0 || prs_venv_find(base, pip, path, n, ret_there, err) < 0)
		return err->code;
	if (!*ret_there && makes && prs_venv_make(l->front, base, pip, err) < 0) {
		if (other)
			prs_wrap(err, "Python %s, which the job asks for, is not on this machine, and %s is another",
			         l->job.env_python, base);
		return err->code;
	}
	*ret_there = *ret_there || makes;
	if (*ret_there && l->executes)
		return prs_python_ask(path, path, entry, false, err);
	read_script_apart(l, entry);
	return 0;
}

static void take_packages(struct prs_load *l, const char *entry)
{
	struct prs_err err = { 0 };
	char path[PATH_MAX];
	bool there = false;
	size_t n = l->job.env_pip.n;
	if (packages_python(l, entry, path, sizeof path, &there, &err) < 0) {
		prs_load_mistake(l, "%s", err.msg);
		return;
	}
	PRS_AUTOFREE char *why = prs_strf("%s for %s of the job", there ? "made" : "to be made",
	                                  prs_many(n, "package").text);
	keep_python(l, path, why ? why : "");
}

/* Who chooses the interpreter: --python; prs.yml by the name of the job's environment, or for all jobs. NULL: nobody
 * does. */
static const char *chosen_python(const struct prs_load *l, const char *mapped, const char *project,
                                 const char **ret_why)
{
	const char *from = l->job.from[PRS_OPTION_ID_python];
	const struct {
		const char *name, *why;
	} rows[] = { { l->job.o.python, from ? from : "--python" },
		     { mapped, "environments of prs.yml" },
		     { project, "python of prs.yml" } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		*ret_why = rows[i].why;
		if (rows[i].name)
			return rows[i].name;
	}
	return NULL;
}

/* When nobody does and the job names no packages: .venv here, the environment that holds this prs; NULL: the PATH. The
 * caller frees both. */
static char *python_at_hand(struct prs_load *l, char **ret_why)
{
	struct prs_err err;
	char program[PATH_MAX], loader[PATH_MAX];
	char *found = prs_project_venv(l->front->fs, l->cwd, prs_trust_us(), l->doc);
	if (found) {
		size_t n = strlen(l->cwd), folder = strlen(found) - strlen("/.venv/bin/python");
		bool here = folder == n && !strncmp(found, l->cwd, n);
		*ret_why = here ? prs_strdup("./.venv") : prs_strf("%.*s/.venv", (int)folder, found);
		return found;
	}
	if (prs_find_parts(program, loader, &err) == 0)
		found = prs_python_home(program);
	*ret_why = prs_strdup(found ? "the environment of prs" : "PATH");
	return found;
}

/* The script that the interpreter shall read once; "" when it is not known. */
static char *script_path(const struct prs_load *l)
{
	if (!l->is_jobfile && !l->json_doc)
		return prs_strdup(l->asked.file);
	return l->job.entry && l->job.code_dir ? prs_strf("%s/%s", l->job.code_dir, l->job.entry) : prs_strdup("");
}

/* Of the steps of a pipeline many have the same interpreter, and it takes its time to answer. */
static int find_python(struct prs_load *l, const char *given, const char *script, char *path, size_t n,
                       struct prs_err *err)
{
	PRS_AUTOFREE char *question = prs_strf("%s\n%s", given ? given : "", script ? script : "");
	if (!question)
		return prs_fail(err, PRS_ENOMEM, "the interpreter");
	for (size_t i = 0; i + 1 < l->pythons.n; i += 2)
		if (!strcmp(l->pythons.v[i], question)) {
			snprintf(path, n, "%s", l->pythons.v[i + 1]);
			return 0;
		}
	int r = prs_python_find(given, script, !l->executes, path, n, err);
	if (!r && (prs_list_add(&l->pythons, question) < 0 || prs_list_add(&l->pythons, path) < 0))
		r = prs_fail(err, PRS_ENOMEM, "the interpreter");
	return r;
}

static void check_python(struct prs_load *l)
{
	struct prs_err err = { 0 };
	char path[PATH_MAX];
	const char *why;
	PRS_AUTOFREE char *script = script_path(l);
	PRS_AUTOFREE char *mapped = l->job.env_name ? prs_project_python(l->project, l->job.env_name) : NULL,
			  *project = prs_project_python(l->project, NULL);
	const char *given = chosen_python(l, mapped, project, &why);
	if (!given && l->job.env_pip.n) {
		take_packages(l, script);
		return;
	}
	PRS_AUTOFREE char *at_hand_why = NULL;
	PRS_AUTOFREE char *at_hand = given ? NULL : python_at_hand(l, &at_hand_why);
	if (!given) {
		given = at_hand;
		why = at_hand_why ? at_hand_why : "";
	}
	bool by_flag = given && l->job.o.python && !strncmp(why, "--", 2);
	bool asked = l->executes || !given || by_flag;
	int r;
	if (asked)
		r = find_python(l, given, script, path, sizeof path, &err);
	else
		r = prs_python_path(given, false, path, sizeof path, &err);
	if (!r)
		keep_python(l, path, why);
	else if (given && err.code != -PRS_EINVALID)
		prs_load_mistake(l, "%s: %s", why, err.msg);
	else
		prs_load_mistake(l, "%s", err.msg);
	if (!r && !asked)
		read_script_apart(l, script);
}

/* Read by the PATH's python3 alone, as whatever is not to be run here; an entry that is a dotted module is not looked
 * at. */
static void look_for_run(struct prs_load *l)
{
	struct prs_err none = { 0 };
	char path[PATH_MAX];
	PRS_AUTOFREE char *script = script_path(l);
	struct stat st;
	bool there = script && stat(script, &st) == 0 && S_ISREG(st.st_mode);
	if (!there || prs_python_path(NULL, true, path, sizeof path, &none) < 0 || prs_python_binds_run(path, script))
		return;
	prs_buf_putf(&l->notes,
	             "warning: %s binds no run at its top level, by def, import or assignment: define "
	             "run(mini_batch), or every process fails when it starts\n",
	             script);
}

/* Does run() get frames? amlbi_file_format: jsonl makes lists. */
static bool makes_frames(const struct prs_job *j)
{
	return prs_job_is_table(j) && j->o.file_format != PRS_FILE_FORMAT_JSONL;
}

/* The job may say itself where its packages are. */
static bool says_path(const struct prs_job *j)
{
#ifdef PRS_KILL_POINTS
	if (getenv("PRS_STUB")) /* which stands in for Python (cli/cmd_worker.c) */
		return true;
#endif
	for (size_t i = 0; i < j->variables_n; i++)
		if (!strcmp(j->variables[i].name, "PYTHONPATH"))
			return true;
	return false;
}

/* What tables and the output need of the user's packages. */
static void check_packages(struct prs_load *l)
{
	struct prs_err err = { 0 };
	const struct prs_options *o = &l->job.o;
	bool parquet = o->output_format == PRS_OUTPUT_PARQUET && o->output_action == PRS_OUTPUT_APPEND_ROW;
	for (size_t i = 0; i < l->job.inputs_n; i++)
		parquet |= l->job.inputs[i].table && l->job.inputs[i].table->in.format == PRS_TABLE_PARQUET;
	if (!l->executes || !l->job.python || l->mistakes_n || says_path(&l->job))
		return;
	if (makes_frames(&l->job) && prs_python_has_pandas(l->job.python, l->job.code_dir, &err) < 0)
		prs_load_mistake(l, "%s", err.msg);
	else if (parquet && prs_python_has_pyarrow(l->job.python, &err) < 0)
		prs_load_mistake(l, "%s", err.msg);
}

static void check_loader(struct prs_load *l)
{
	struct prs_err err = { 0 };
	char program[PATH_MAX], loader[PATH_MAX];
	if (prs_find_parts(program, loader, &err) < 0)
		prs_load_mistake(l, "%s", err.msg);
}

/* ---- filters of tables ------------------------------------------------------------------------------------------- */

/* A line of prs_python_filters(), of a filter that is right. */
static void name_columns(struct prs_load *l, struct prs_job_table *t, const char *line, size_t n)
{
	PRS_AUTOFREE char *names = prs_strf("%.*s", (int)n - 1, line + 1);
	if (!names || prs_job_table_filter_columns(t, names) < 0)
		prs_load_mistake(l, "out of memory");
}

/* A line of prs_python_filters(), at the filter. */
static void tell_filter(struct prs_load *l, struct prs_mark at, const char *line, size_t n)
{
	char *sentence;
	unsigned column = (unsigned)strtoul(line, &sentence, 10);
	if (!n)
		return;
	prs_yaml_find(l->doc, PRS_MISTAKE, prs_yaml_within(l->doc, at, column), "filter:%.*s",
	              (int)(n - (size_t)(sentence - line)), sentence);
}

static void check_filters_of(struct prs_load *l, struct prs_job_table *t)
{
	struct prs_err err = { 0 };
	char program[PATH_MAX], loader[PATH_MAX], python[PATH_MAX];
	PRS_AUTOBUF told;
	prs_buf_init(&told, MISTAKES_BYTES);
	if (prs_find_parts(program, loader, &err) < 0 || prs_python_path(NULL, true, python, sizeof python, &err) < 0)
		return; /* told elsewhere */
	PRS_AUTOFREE char *folder = prs_path_folder(loader);
	if (!folder || prs_python_filters(python, folder, &t->filters, &told) < 0)
		return;
	const char *line = prs_buf_str(&told);
	for (size_t i = 0; i < t->filters.n && *line; i++) {
		size_t n = strcspn(line, "\n");
		if (n && line[0] == '=')
			name_columns(l, t, line, n);
		else
			tell_filter(l, t->filters_at[i], line, n);
		line += n + (line[n] != 0);
	}
}

/* By the PATH's python3 alone, as scripts that are not to be run here; the workers look at them again. */
static void check_filters(struct prs_load *l)
{
	for (size_t i = 0; i < l->job.inputs_n; i++)
		if (l->job.inputs[i].table && l->job.inputs[i].table->filters.n)
			check_filters_of(l, l->job.inputs[i].table);
}

static void check_settings(struct prs_load *l)
{
	struct prs_err err = { 0 };
	if (prs_settings_check(&l->job, l->front->fs, &err) < 0)
		prs_load_mistake(l, "%s", err.msg);
}

/* ---- a script ---------------------------------------------------------------------------------------------------- */

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

/* The path, or the nearest folder above it that is there. */
static void check_folder(struct prs_load *l, const char *what, const char *path)
{
	struct stat st;
	PRS_AUTOFREE char *folder = prs_strdup(path);
	while (folder && stat(folder, &st) < 0 && errno == ENOENT && strcmp(folder, "/") != 0) {
		char *above = prs_path_folder(folder);
		prs_freep(&folder);
		folder = above;
	}
	int e = folder && stat(folder, &st) == 0 && S_ISDIR(st.st_mode) ? try_folder(folder) : 0;
	if (e)
		prs_load_mistake(l, "%s: no file can be made in %s: %s", what, folder, strerror(e));
}

static void check_output_folders(struct prs_load *l)
{
	const struct prs_job *j = &l->job;
	if (j->output_dir)
		check_folder(l, "--output", j->output_dir);
	for (size_t i = 0; i < j->outputs_n; i++) {
		const struct prs_job_output *o = &j->outputs[i];
		PRS_AUTOFREE char *what = prs_strf("output %s", o->name ? o->name : "");
		PRS_AUTOFREE char *folder = o->path ? prs_job_output_folder(o) : NULL;
		if (what && folder)
			check_folder(l, what, folder);
	}
}

/* --mini-batch-size 1MB is 1,048,576 files, as in the original, and hardly what was meant. */
static void warn_of_bytes(struct prs_load *l)
{
	char text[256];
	const char *value = prs_request_value(&l->asked, PRS_OPTION_ID_mini_batch_size);
	if (!value || value[strspn(value, "0123456789")] == 0 || prs_job_items(&l->job) != PRS_ITEMS_FILES)
		return;
	snprintf(text, sizeof text, "--mini-batch-size %.40s is %s: sizes are for tables, and the input is files",
	         value, prs_many((uint64_t)l->job.o.mini_batch_size, "file").text);
	if (prs_list_add(&l->job.warnings, text) < 0)
		prs_load_mistake(l, "out of memory");
}

static void check_script(struct prs_load *l)
{
	if (l->asked.sets.n || l->asked.job)
		prs_load_mistake(l, "--set and --job belong to job files (.yml): a script has flags for everything");
	struct prs_sources from = { &l->asked, l->front->fs, l->project, l->doc };
	l->mistakes_n += (unsigned)prs_job_check(&l->job, &from, &l->mistakes);
	warn_of_bytes(l);
}

/* ---- a job file -------------------------------------------------------------------------------------------------- */

/* The folder of the job file or script, absolute. The caller frees. */
static char *file_folder(const struct prs_load *l)
{
	const char *file = l->asked.file, *slash = file ? strrchr(file, '/') : NULL;
	if (!slash)
		return prs_strdup(l->cwd);
	if (slash == file)
		return prs_strdup("/");
	if (file[0] == '/')
		return prs_strf("%.*s", (int)(slash - file), file);
	return prs_strf("%s/%.*s", l->cwd, (int)(slash - file), file);
}

/* What was passed over in the workspace. */
static void say_notes(struct prs_load *l)
{
	prs_buf_puts(&l->notes, prs_buf_str(&l->workspace.notes));
	prs_buf_clear(&l->workspace.notes);
}

static int find_name(void *ctx, const char *reference, enum prs_want want, struct prs_resolved *ret,
                     struct prs_err *err)
{
	struct prs_load *l = ctx;
	int r = prs_registry_resolve(&l->workspace, reference, want, ret, err);
	say_notes(l);
	return r;
}

/* One that does not count is a warning: the job may name nothing of it. */
static void lend_workspace(struct prs_load *l, const char *dir)
{
	struct prs_err err = { 0 };
	if (prs_run_workspace(&l->workspace, l->front->fs, dir, NULL, l->project, &err) < 0) {
		prs_buf_putf(&l->notes, "%s\n", err.msg);
		return;
	}
	say_notes(l);
	l->names = (struct prs_lent){ l, find_name };
	prs_project_lend(l->project, &l->names);
}

/* prs.yml beside the job file or above, and the user's own; what they give for all jobs stands in front of what is
 * asked. */
static int find_project(struct prs_load *l, struct prs_err *err)
{
	PRS_AUTOFREE char *dir = file_folder(l);
	l->project = dir ? prs_run_project(l->front->fs, dir, l->doc) : NULL;
	if (l->project)
		lend_workspace(l, dir);
	enum prs_job_kind kind = l->is_jobfile ? PRS_JOB_FILE : PRS_JOB_SCRIPT;
	if (l->json)
		kind = PRS_JOB_DOC;
	if (!l->project || prs_defaults_ask(l->project, l->doc, kind, &l->asked) < 0)
		return prs_fail(err, PRS_ENOMEM, "prs.yml");
	return 0;
}

int prs_load_python(struct prs_load *l, const char *asked, struct prs_err *err)
{
	l->executes = true;
	l->is_jobfile = true; /* no script that is to be read */
	if (!getcwd(l->cwd, sizeof l->cwd))
		return prs_fail_errno(err, errno, "the current folder");
	l->project = prs_run_project(l->front->fs, l->cwd, l->doc);
	l->job.o.python = asked ? prs_strdup(asked) : NULL;
	if (!l->project || (asked && !l->job.o.python))
		return prs_fail(err, PRS_ENOMEM, "the interpreter");
	check_python(l);
	return 0;
}

/* The folder of run folders: what the job or the command says, $PRS_RUNS, a default, ./runs. */
static const char *runs_folder(const struct prs_load *l, const char *said)
{
	const char *variable = getenv("PRS_RUNS"), *value = prs_request_value(&l->asked, PRS_OPTION_ID_runs_dir);
	if (said)
		return said;
	if (variable && variable[0])
		return variable;
	return value ? value : "runs";
}

static void check_jobfile(struct prs_load *l)
{
	struct prs_err err = { 0 };
	if (l->job.o.code)
		prs_load_mistake(
			l,
			"--code belongs to scripts: a job file has a key for it (code or source_directory), see --set");
	if (prs_jobfile_read(&l->job, &l->asked, l->front->fs, l->project, l->doc,
	                     l->takes_pipelines ? &l->pipeline : NULL, &err) < 0)
		prs_load_mistake(l, "%s", err.msg);
}

/* The files that a list names are there. */
static void check_lists(struct prs_load *l)
{
	for (size_t i = 0; i < l->job.inputs_n; i++) {
		struct prs_err err = { 0 };
		const struct prs_job_input *in = &l->job.inputs[i];
		if (in->is_list && in->path && prs_list_file_check(l->front->fs, in->path, in->base, &err) < 0)
			prs_load_mistake(l, "input %s: %s", in->name, err.msg);
	}
}

/* ---- a JSON document --------------------------------------------------------------------------------------------- */

/* A job file that is such a document, as programs write it: JSON is YAML, too. */
static void take_document(struct prs_load *l)
{
	struct prs_err none = { 0 }; /* said where it is read as what its name says */
	struct stat st;
	if (l->json || !l->is_jobfile || stat(l->asked.file, &st) < 0 || !S_ISREG(st.st_mode) ||
	    prs_read_file(l->front->fs, l->asked.file, &l->document, &none) < 0)
		return;
	const char *text = prs_buf_str(&l->document);
	if (text[strspn(text, " \t\r\n")] != '{' ||
	    (!strstr(text, "\"pipeline_format\"") && !strstr(text, "\"job_format\"")))
		return;
	l->json = text;
	l->json_bytes = l->document.len;
	l->is_jobfile = false;
}

/* What it asks for, before anything is checked. */
static int read_json(struct prs_load *l, struct prs_err *err)
{
	l->json_doc = prs_job_doc_read(l->json, l->json_bytes, &l->mistakes);
	if (!l->json_doc)
		return prs_fail(err, PRS_ENOMEM, "the job");
	if (prs_job_doc_is_pipeline(l->json_doc))
		return 0;
	if (prs_job_doc_ask(l->json_doc, &l->asked, err) < 0)
		return err->code;
	if (!l->only_failed)
		l->only_failed = prs_job_doc_only_failed(l->json_doc);
	return 0;
}

static void check_json(struct prs_load *l)
{
	struct prs_err err = { 0 };
	if (l->asked.sets.n || l->asked.job)
		prs_load_mistake(l,
		                 "--set and --job belong to job files (.yml): a JSON document says everything itself");
	struct prs_sources from = { &l->asked, l->front->fs, l->project, l->doc };
	if (!prs_job_doc_is_pipeline(l->json_doc)) {
		if (prs_job_doc_check(l->json_doc, &l->job, &from, &err) < 0)
			prs_load_mistake(l, "%s", err.msg);
	} else if (!l->takes_pipelines) {
		prs_load_mistake(l, "the document is a pipeline: expected a job (job_format)");
	} else if (prs_pipeline_doc_check(l->json_doc, &from, &l->pipeline, &err) < 0) {
		prs_load_mistake(l, "%s", err.msg);
	}
	l->mistakes_n += prs_job_doc_mistakes(l->json_doc);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* Another run gives the items; without an input of its own a script also has its inputs from there. */
static int read_only_failed(struct prs_load *l, struct prs_err *err)
{
	l->only = prs_only_failed_read(l->front->fs, l->runs, l->only_failed, err);
	if (!l->only)
		return err->code;
	if (l->json_doc || !l->asked.file || l->is_jobfile || prs_request_asked(&l->asked, PRS_OPTION_ID_input))
		return 0;
	return prs_only_failed_inputs(l->only, &l->asked, err);
}

/* A script that is a link has its neighbours where the link leads to, as with Python: the script is that file.
 * Where the job names the folder of the code, only when the file lies in there too. */
static void follow_script(struct prs_load *l)
{
	struct prs_job *j = &l->job;
	PRS_AUTOFREE char *path = j->entry && j->code_dir ? prs_strf("%s/%s", j->code_dir, j->entry) : NULL;
	char real[PATH_MAX], root[PATH_MAX];
	struct stat st;
	if (!path || lstat(path, &st) < 0 || !S_ISLNK(st.st_mode) || !realpath(path, real) ||
	    !realpath(j->code_dir, root))
		return;
	size_t n = strlen(root);
	bool inside = !strncmp(real, root, n) && real[n] == '/';
	bool named = j->o.code && strcmp(j->o.code, "none") != 0;
	if (!inside && (l->is_jobfile || l->json_doc || named))
		return;
	char *entry = prs_strdup(inside ? real + n + 1 : strrchr(real, '/') + 1);
	char *code = inside ? prs_strdup(j->code_dir) : prs_path_folder(real);
	if (!entry || !code) {
		prs_load_mistake(l, "out of memory");
		prs_freep(&entry);
		prs_freep(&code);
		return;
	}
	prs_freep(&j->entry);
	prs_freep(&j->code_dir);
	j->entry = entry;
	j->code_dir = code;
}

static void look_at_job(struct prs_load *l, const struct prs_job *like);

/* What was said is said once, though several steps have it. */
static void keep_new(struct prs_buf *lines, size_t before, unsigned *count)
{
	const char *all = prs_buf_str(lines), *added = all + before;
	PRS_AUTOFREE char *earlier = prs_strf("%.*s", (int)before, all);
	if (!added[0] || !earlier || !strstr(earlier, added))
		return;
	for (const char *p = added; count && *p; p++)
		*count -= *p == '\n';
	lines->len = before;
}

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

/* Do two jobs run the same script with the same interpreter, whichever that is? */
static bool is_alike(const struct prs_job *a, const struct prs_job *b)
{
	bool same = same_text(a->entry, b->entry) && (!a->entry || same_text(a->code_dir, b->code_dir)) &&
	            same_text(a->o.python, b->o.python) && same_text(a->env_name, b->env_name) &&
	            same_text(a->env_python, b->env_python) && a->env_pip.n == b->env_pip.n;
	for (size_t i = 0; same && i < a->env_pip.n; i++)
		same = !strcmp(a->env_pip.v[i], b->env_pip.v[i]);
	return same;
}

/* An earlier step like this one: what was found out for it starts no interpreter again. */
static const struct prs_job *earlier_like(const struct prs_pipeline *p, size_t step)
{
	for (size_t i = 0; i < step; i++)
		if (is_alike(p->steps[i].checked, p->steps[step].checked))
			return p->steps[i].checked;
	return NULL;
}

/* A step as if it were the job. */
static void look_at_step(struct prs_load *l, size_t step)
{
	struct prs_step *s = &l->pipeline->steps[step];
	struct prs_job whole = l->job;
	size_t mistakes = l->mistakes.len, notes = l->notes.len;
	unsigned found = prs_yaml_count(l->doc, PRS_MISTAKE);
	l->job = *s->checked;
	follow_script(l);
	*s->checked = l->job;
	look_at_job(l, earlier_like(l->pipeline, step));
	l->mistakes_n -= found; /* of the steps before */
	keep_new(&l->mistakes, mistakes, &l->mistakes_n);
	keep_new(&l->notes, notes, NULL);
	*s->checked = l->job;
	l->job = whole;
	for (size_t i = 0; i < s->checked->warnings.n; i++)
		if (prs_list_add(&l->job.warnings, s->checked->warnings.v[i]) < 0)
			prs_load_mistake(l, "out of memory");
}

static void look_at_steps(struct prs_load *l)
{
	struct prs_err err = { 0 };
	l->mistakes_n += prs_yaml_count(l->doc, PRS_MISTAKE);
	bool good = !l->mistakes_n;
	for (size_t i = 0; i < l->pipeline->steps_n && good; i++)
		look_at_step(l, i);
	check_loader(l);
	if (!l->mistakes_n && prs_pipeline_seal(l->pipeline, &err) < 0)
		prs_load_mistake(l, "%s", err.msg);
}

static void check_job(struct prs_load *l)
{
	if (l->json_doc)
		check_json(l);
	else if (l->is_jobfile)
		check_jobfile(l);
	else
		check_script(l);
	if (l->pipeline) {
		look_at_steps(l);
		return;
	}
	follow_script(l);
	look_at_job(l, NULL);
	check_loader(l);
}

/* What a job needs of this machine; `like`: one whose script and interpreter are the same, NULL = none. */
static void look_at_job(struct prs_load *l, const struct prs_job *like)
{
	check_filters(l);
	check_settings(l);
	if (!l->mistakes_n && !prs_yaml_count(l->doc, PRS_MISTAKE))
		check_output_folders(l);
	l->mistakes_n += prs_yaml_count(l->doc, PRS_MISTAKE);
	if (!like)
		check_python(l);
	else if (like->python)
		keep_python(l, like->python, like->python_why);
	check_packages(l);
	if (l->looks_for_run && l->job.entry && !like && !l->mistakes_n)
		look_for_run(l);
}

int prs_load_job(struct prs_load *l, struct prs_err *err)
{
	struct prs_job *j = &l->job;
	l->is_jobfile = l->asked.file && prs_is_jobfile(l->asked.file);
	l->asked.cwd = l->cwd;
	if (!getcwd(l->cwd, sizeof l->cwd))
		return prs_fail_errno(err, errno, "the current folder");
	take_document(l);
	if ((l->json && read_json(l, err) < 0) || find_project(l, err) < 0)
		return err->code;
	l->runs = runs_folder(l, prs_request_asked(&l->asked, PRS_OPTION_ID_runs_dir));
	if (l->only_failed && read_only_failed(l, err) < 0)
		return err->code;
	if (prs_job_begin(j, &l->asked, err) < 0)
		return err->code;
	if (l->asked.file || l->json_doc)
		check_job(l);
	l->runs = runs_folder(l, prs_job_says(j, PRS_OPTION_ID_runs_dir) ? j->o.runs_dir : NULL);
	if (l->pipeline && l->only)
		prs_load_mistake(l, "--only-failed takes one job: prs resume --retry-failed runs the failed steps of a "
		                    "pipeline again");
	else if (!l->mistakes_n && l->only)
		l->mistakes_n += prs_only_failed_choose(l->only, j, &l->mistakes);
	else if (!l->mistakes_n)
		check_lists(l);
	if (l->only)
		prs_only_failed_notes(l->only, &l->notes);
	return 0;
}
