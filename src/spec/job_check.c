/* SPDX-License-Identifier: Apache-2.0
 * job_check: what a command line with a script asks for, checked: all mistakes are gathered, a line each, before
 * anything is made. Job files have their own checks (jobfile*.c), with places.
 */
#include "spec/job_check.h"

#include "base/mem.h"
#include "base/path.h"
#include "spec/job_table.h"
#include "spec/jobfile_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { NEAR_LETTERS = 4 }; /* a name with fewer other letters was probably meant */

struct check {
	struct prs_job *j;
	const struct prs_sources *from;
	const struct prs_fs *fs;
	const char *cwd;
	struct prs_buf *report;
	int mistakes;
	bool input_refused;
	bool table_given; /* in place of a script */
};

__attribute__((format(printf, 2, 3))) static void mistake(struct check *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	prs_buf_putf(c->report, "%s\n", text);
	c->mistakes++;
}

/* Absolute, without a slash at the end; the caller frees. */
static char *absolute(const char *cwd, const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		for (path += 2; *path == '/';)
			path++;
	if (!strcmp(path, "."))
		path = "";
	char *s = path[0] == '/' ? prs_strdup(path) : prs_strf("%s/%s", cwd, path);
	for (size_t n = s ? strlen(s) : 0; n > 1 && s[n - 1] == '/'; n--)
		s[n - 1] = 0;
	return s;
}

/* 'f', 'd', 'o' or 0 when there is none */
static char kind_of(struct check *c, const char *path) { return prs_path_kind(c->fs, path); }

char *prs_job_clean_name(const char *text)
{
	char *name = text ? prs_strdup(text) : NULL;
	bool any = false;
	for (char *p = name; p && *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
		if (!plain && (p == name || !strchr("_-.", *p)))
			*p = '_';
		any = any || plain;
	}
	if (!name || any)
		return name;
	prs_freep(&name);
	return prs_strdup("run");
}

int prs_job_name_after(struct prs_job *j, const char *file)
{
	const char *dot = strrchr(file, '.');
	PRS_AUTOFREE char *stem = prs_strf("%.*s", dot && dot != file ? (int)(dot - file) : (int)strlen(file), file);
	prs_freep(&j->name);
	j->name = prs_job_clean_name(j->o.name ? j->o.name : stem);
	return j->name ? 0 : -PRS_ENOMEM;
}

char prs_job_find_entry(const struct prs_fs *fs, const char *code, const char *entry)
{
	PRS_AUTOFREE char *path = prs_path_absolute(code, entry);
	if (path && prs_path_kind(fs, path) == 'f')
		return 'f';
	size_t n = strlen(entry);
	if (strchr(entry, '/') || (n > 3 && !strcmp(entry + n - 3, ".py")))
		return 0;
	PRS_AUTOFREE char *dotted = prs_strdup(entry);
	for (char *p = dotted; p && *p; p++)
		*p = *p == '.' ? '/' : *p;
	PRS_AUTOFREE char *file = dotted ? prs_strf("%s/%s.py", code, dotted) : NULL;
	PRS_AUTOFREE char *package = dotted ? prs_strf("%s/%s/__init__.py", code, dotted) : NULL;
	bool found = (file && prs_path_kind(fs, file) == 'f') || (package && prs_path_kind(fs, package) == 'f');
	return found ? 'm' : 0;
}

const char *prs_job_backslash(const char *path) { return strchr(path, '\\') ? "; folders are parted by / here" : ""; }

struct near {
	const char *word;
	char best[256];
	unsigned least;
};

static int near_file(void *ctx, const char *name, char type)
{
	struct near *n = ctx;
	unsigned far = prs_distance(n->word, name);
	if (type != 'd' && type != 'o' && far < n->least && far < strlen(name) / 2 && strlen(name) < sizeof n->best) {
		n->least = far;
		snprintf(n->best, sizeof n->best, "%s", name);
	}
	return 0;
}

char *prs_job_near_entry(const struct prs_fs *fs, const char *code, const char *entry)
{
	PRS_AUTOFREE char *slashes = prs_strdup(entry), *folder = NULL;
	for (char *p = slashes; p && *p; p++)
		*p = *p == '\\' ? '/' : *p;
	PRS_AUTOFREE char *path = slashes ? prs_path_absolute(code, slashes) : NULL;
	folder = path ? prs_path_folder(path) : NULL;
	if (!folder)
		return NULL;
	if (strcmp(slashes, entry) != 0 && prs_path_kind(fs, path) == 'f')
		return prs_strf("; folders are parted by / here: %s", slashes);
	struct near n = { .word = strrchr(path, '/') + 1, .least = NEAR_LETTERS };
	if (!fs->list || fs->list(fs->ctx, folder, near_file, &n) < 0 || !n.best[0])
		return prs_strdup(prs_job_backslash(entry));
	const char *slash = strrchr(slashes, '/');
	return prs_strf("; did you mean %.*s%s?", slash ? (int)(slash - slashes) + 1 : 0, slashes, n.best);
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

int prs_job_include(struct prs_job *j, const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	const char *name = last_name(path);
	char kind = prs_path_kind(fs, path);
	PRS_AUTOFREE char *there = j->code_dir ? prs_strf("%s/%s", j->code_dir, name) : NULL;
	if (kind != 'f' && kind != 'd')
		return prs_fail(err, PRS_ENOTFOUND, "no such file or folder: %s%s", path, prs_job_backslash(path));
	if (there && prs_path_kind(fs, there))
		return prs_fail(err, PRS_EEXISTS, "%s: the code folder %s has something of this name", path,
		                j->code_dir);
	for (size_t i = 0; i < j->includes.n; i++)
		if (!strcmp(last_name(j->includes.v[i]), name))
			return prs_fail(err, PRS_EEXISTS, "%s: %s has the same name", path, j->includes.v[i]);
	return prs_list_add(&j->includes, path) < 0 ? prs_fail(err, PRS_ENOMEM, "%s", path) : 0;
}

/* With --code: the script as a path below that folder. */
static void place_script(struct check *c, const char *path)
{
	struct prs_job *j = c->j;
	PRS_AUTOFREE char *script = prs_path_absolute("/", path);
	j->code_dir = prs_path_absolute(c->cwd, j->o.code);
	size_t n = j->code_dir ? strlen(j->code_dir) : 0;
	bool inside = script && n && !strncmp(script, j->code_dir, n) && (n == 1 || script[n] == '/');
	if (inside)
		j->entry = prs_strdup(script + n + (n > 1));
	else if (script && n && kind_of(c, j->code_dir) != 'd')
		mistake(c, "--code %s: no such folder", j->o.code);
	else if (script && n)
		mistake(c, "--code %s: the script %s does not lie in it", j->o.code, script);
}

static void no_script(struct check *c, const char *script, const char *path)
{
	PRS_AUTOFREE char *near = prs_job_near_entry(c->fs, c->cwd, script);
	mistake(c, "%s: no such entry script (looked for %s)%s", script, path, near ? near : "");
}

/* --code none; ./none is a folder. */
static bool says_none(const struct prs_job *j) { return j->o.code && !strcmp(j->o.code, "none"); }

static void check_script(struct check *c, const char *script)
{
	struct prs_job *j = c->j;
	struct prs_fs_stat st;
	PRS_AUTOFREE char *path = absolute(c->cwd, script);
	char kind = path ? kind_of(c, path) : 0;
	c->table_given = kind == 'd' && prs_job_has_mltable(c->fs, path);
	if (c->table_given)
		mistake(c, "%s is an MLTable, which is an input: name the entry script, too, as in score.py --input %s",
		        script, script);
	else if (kind == 'd')
		mistake(c, "%s is a folder: name the entry script in it", script);
	else if (!kind && path && c->fs->stat(c->fs->ctx, path, &st) == -EACCES)
		mistake(c, "%s: no permission to reach the entry script %s", script, path);
	else if (kind != 'f')
		no_script(c, script, path ? path : "");
	char *slash = path ? strrchr(path, '/') : NULL;
	if (!slash)
		return;
	if (j->o.code && !says_none(j)) {
		place_script(c, path);
	} else {
		j->entry = prs_strdup(slash + 1);
		j->code_dir = slash == path ? prs_strdup("/") : prs_strf("%.*s", (int)(slash - path), path);
	}
	prs_job_name_after(j, slash + 1);
}

static void set(struct check *c, enum prs_option_id id, const char *value, const char *where)
{
	struct prs_err err = { 0 };
	if (prs_job_set(c->j, prs_option_at(id), value, where, &err) < 0)
		mistake(c, "%s", err.msg);
}

/* What a script has and a job file has not, which has what the original has: a typo does not cost thousands of tries,
 * and data may lie beside it. */
static void check_ways_of_a_script(struct check *c)
{
	static const struct {
		enum prs_option_id id;
		const char *value;
	} ways[] = { { PRS_OPTION_ID_fail_fast, "true" }, { PRS_OPTION_ID_code_copy, "without_data" } };
	if (says_none(c->j))
		set(c, PRS_OPTION_ID_code_copy, "script", "--code none");
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		if (!c->j->from[ways[i].id])
			set(c, ways[i].id, ways[i].value, "a script");
}

bool prs_job_is_name(const char *s, size_t n)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	bool part = false; /* something stands behind the last dot */
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.' ? !part : !s[i] || !strchr(chars, s[i]))
			return false;
		part = s[i] != '.';
	}
	return part && n < 256;
}

const char *prs_job_split_name(const char *text, size_t *ret_name)
{
	size_t n = strcspn(text, "=");
	*ret_name = text[n] && prs_job_is_name(text, n) ? n : 0;
	return *ret_name ? text + n + 1 : text;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

/* "azureml:data:1", "https://..." */
static bool is_reference(const char *text) { return !strncmp(text, "azureml:", 8) || strstr(text, "://") != NULL; }

int prs_job_input_resolve(struct prs_job_input *in, const struct prs_fs *fs, const char *cwd, const char *text,
                          struct prs_err *err)
{
	in->is_list = text[0] == '@' && text[1];
	in->path = prs_path_absolute(cwd, text + in->is_list);
	char kind = in->path ? prs_path_kind(fs, in->path) : 0;
	if (!in->path)
		return prs_fail(err, PRS_ENOMEM, "%s", text);
	if (in->is_list) {
		in->base = prs_path_folder(in->path);
		if (!in->base)
			return prs_fail(err, PRS_ENOMEM, "%s", text);
		return kind == 'f' ? 0 : prs_fail(err, PRS_ENOTFOUND, "no such list of files");
	}
	if (kind == 'f' && !strcmp(strrchr(in->path, '/') + 1, "MLTable"))
		return prs_fail(err, PRS_EINVALID, "that file says what a table is: give its folder");
	if (kind == 'f' || kind == 'd')
		return 0;
	if (!kind && is_reference(text))
		return prs_fail(err, PRS_ENOTFOUND,
		                "that is a reference, not a path: give the folder where the data lies on this machine "
		                "(prs.yml maps the references of job files)");
	if (kind)
		return prs_fail(err, PRS_ENOTFOUND, "neither a folder nor a file");
	if (!prs_path_is_pattern(in->path))
		return prs_fail(err, PRS_ENOTFOUND, "no such folder or file%s", prs_job_backslash(text));
	char *root = prs_path_pattern_root(in->path);
	if (!root || prs_list_add(&in->parts, in->path) < 0) {
		prs_freep(&root);
		return prs_fail(err, PRS_ENOMEM, "%s", text);
	}
	prs_freep(&in->path);
	in->path = root;
	return prs_path_kind(fs, root) == 'd' ? 0 : prs_fail(err, PRS_ENOTFOUND, "no such folder for this pattern");
}

enum { LOOK_DEPTH = 32, LOOK_FOLDERS = 10000 };

struct look {
	const struct prs_fs *fs;
	struct prs_list folders; /* found in this folder, to be looked into */
	const char *path;
	bool found;
};

static int job_look_at(void *ctx, const char *name, char type)
{
	struct look *l = ctx;
	PRS_AUTOFREE char *path = prs_strf("%s/%s", l->path, name);
	char kind = type == 'f' || type == 'd' || !path ? type : prs_path_kind(l->fs, path);
	if (kind == 'd')
		return prs_list_add(&l->folders, path ? path : "") < 0;
	l->found = kind != 'o';
	return l->found;
}

/* Is there a file below the folder? Looks no further than the first one; true when it would take long to know. Run
 * folders are no input (data/walk.h), but a pattern may say the way to one. */
static bool has_file(const struct prs_fs *fs, const char *path, bool runs_too, int depth, int *budget)
{
	struct look l = { .fs = fs, .path = path };
	bool found = depth <= 0 || --*budget <= 0 || fs->list(fs->ctx, path, job_look_at, &l) < 0 || l.found;
	for (size_t i = 0; i < l.folders.n && !found; i++)
		found = (runs_too || !prs_path_is_run(fs, l.folders.v[i])) &&
		        has_file(fs, l.folders.v[i], runs_too, depth - 1, budget);
	prs_list_done(&l.folders);
	return found;
}

bool prs_job_is_empty(const struct prs_job *j, const struct prs_fs *fs)
{
	int budget = LOOK_FOLDERS;
	for (size_t i = 0; i < j->inputs_n; i++)
		if (!j->inputs[i].path || j->inputs[i].path[0] == JF_LATE_OPEN ||
		    prs_path_kind(fs, j->inputs[i].path) != 'd' ||
		    has_file(fs, j->inputs[i].path, j->inputs[i].parts.n, LOOK_DEPTH, &budget))
			return false;
	return j->inputs_n > 0;
}

char *prs_job_local(const struct prs_sources *from, const char *cwd, const char *text, enum prs_want want, char **asset,
                    struct prs_err *err)
{
	struct prs_resolved found;
	if (!prs_is_reference(text) || prs_path_kind(from->fs, text))
		return prs_path_absolute(cwd, text);
	if (prs_project_resolve(from->project, text, want, &found, err) < 0) {
		prs_resolved_done(&found);
		return NULL;
	}
	char *path = found.path;
	found.path = NULL;
	prs_freep(asset);
	*asset = found.asset;
	found.asset = NULL;
	prs_resolved_done(&found);
	return path;
}

int prs_job_input_find(struct prs_job_input *in, const struct prs_sources *from, const char *cwd, const char *text,
                       struct prs_err *err)
{
	struct prs_err why = { 0 };
	PRS_AUTOFREE char *path = prs_is_reference(text)
	                                  ? prs_job_local(from, cwd, text, PRS_WANT_DATA, &in->asset, &why)
	                                  : NULL;
	const char *near = strstr(why.msg, "; did you mean ");
	if (why.code && (near || why.code != -PRS_ENOTFOUND))
		return prs_fail(err, PRS_ENOTFOUND, "%s", why.msg);
	return prs_job_input_resolve(in, from->fs, cwd, path ? path : text, err);
}

static void check_inputs(struct check *c)
{
	struct prs_job *j = c->j;
	if (!j->o.input.n && !c->input_refused && !c->table_given)
		mistake(c, "no input: give the folder or file to process with --input PATH");
	j->inputs = prs_calloc(j->o.input.n + 1, sizeof *j->inputs);
	for (size_t i = 0; j->inputs && i < j->o.input.n; i++) {
		size_t n;
		const char *path = prs_job_split_name(j->o.input.v[i], &n);
		struct prs_job_input *in = &j->inputs[j->inputs_n++];
		in->name = n ? prs_strf("%.*s", (int)n, j->o.input.v[i]) : prs_strf("input_%zu", i);
		in->type = prs_strdup("uri_folder");
		struct prs_err err = { 0 };
		if (prs_job_input_find(in, c->from, c->cwd, path, &err) < 0)
			mistake(c, "--input %s: %s", path, err.msg);
		else if (!in->is_list && !in->parts.n && prs_job_has_mltable(c->fs, in->path) &&
		         prs_job_read_mltable(j, in, c->from) < 0)
			mistake(c, "out of memory");
		for (size_t k = 0; k + 1 < j->inputs_n && in->name; k++)
			if (j->inputs[k].name && !strcmp(j->inputs[k].name, in->name))
				mistake(c, "--input %s: the name %s is used twice", j->o.input.v[i], in->name);
	}
	if (!prs_yaml_count(c->from->doc, PRS_MISTAKE) && prs_job_is_empty(j, c->fs))
		mistake(c, "--input %s: there is no file in it%s", j->o.input.v[0],
		        j->inputs_n > 1 ? ", nor in the other inputs" : "");
}

static void check_pairs(struct check *c, const char *flag, const struct prs_list *from, struct prs_job_pair **ret,
                        size_t *ret_n, bool paths)
{
	*ret = prs_calloc(from->n + 1, sizeof **ret);
	for (size_t i = 0; *ret && i < from->n; i++) {
		const char *equals = strchr(from->v[i], '=');
		if (!equals || equals == from->v[i]) {
			mistake(c, "%s %s: expected %s", flag, from->v[i], paths ? "NAME=PATH" : "NAME=VALUE");
			continue;
		}
		struct prs_job_pair *p = &(*ret)[(*ret_n)++];
		p->name = prs_strf("%.*s", (int)(equals - from->v[i]), from->v[i]);
		struct prs_err err = { 0 };
		p->value = paths ? prs_job_local(c->from, c->cwd, equals + 1, PRS_WANT_MODEL, &p->asset, &err)
		                 : prs_strdup(equals + 1);
		if (err.code)
			mistake(c, "%s %s: %s", flag, from->v[i], err.msg);
		if (paths && p->value && !kind_of(c, p->value))
			mistake(c, "%s %s: no such file or folder: %s", flag, from->v[i], p->value);
	}
}

/* ---- the output -------------------------------------------------------------------------------------------------- */

/* A path that does not exist can be one that never will. */
static int check_name(const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	struct prs_fs_stat st;
	int r = fs->stat(fs->ctx, path, &st);
	if (r == -ENAMETOOLONG)
		return prs_fail(err, PRS_EINVALID, "%.60s...: the name of the file is too long", path);
	if (r != -ENOENT && r != -ENOTDIR)
		return r < 0 ? prs_fail_errno(err, -r, "%s", path) : 0;
	int fd = fs->open(fs->ctx, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd >= 0)
		fs->close(fs->ctx, fd);
	if (fd == -ELOOP)
		return prs_fail(err, PRS_EINVALID,
		                "%s is a link to a file that is not there: name that file, or remove the link", path);
	return 0;
}

int prs_job_check_folder(const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	char kind = prs_path_kind(fs, path);
	if (kind == 'd')
		return 0;
	if (kind)
		return prs_fail(err, PRS_EEXISTS, "%s is no folder: expected a folder, or a path where none is yet",
		                path);
	if (check_name(fs, path, err) < 0)
		return err->code;
	PRS_AUTOFREE char *above = prs_path_folder(path);
	if (!above)
		return prs_fail(err, PRS_ENOMEM, "%s", path);
	return strcmp(above, path) ? prs_job_check_folder(fs, above, err) : 0;
}

char *prs_job_output_folder(const struct prs_job_output *o)
{
	const char *late = o->path ? strchr(o->path, JF_LATE_OPEN) : NULL;
	if (!o->path || late == o->path)
		return NULL;
	PRS_AUTOFREE char *known = late ? prs_strf("%.*s", (int)(late - o->path), o->path) : NULL;
	bool folder = !late && strcmp(o->type, "uri_file") != 0;
	return folder ? prs_strdup(o->path) : prs_path_folder(late && known ? known : o->path);
}

/* A file that is to be made: can the folder be made that it lies in? */
static int check_folder_of(const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	PRS_AUTOFREE char *folder = prs_path_folder(path);
	return folder ? prs_job_check_folder(fs, folder, err) : prs_fail(err, PRS_ENOMEM, "%s", path);
}

/* Only prs run makes the file, and looks again. */
static int rows_are_there(struct prs_job *j, const char *path, struct prs_err *err)
{
	if (!j->writes_later)
		return prs_fail(err, PRS_EEXISTS, "%s exists: name another file, or replace it with --overwrite", path);
	PRS_AUTOFREE char *text =
		prs_strf("%s exists, and prs run replaces no file: name another one, or give --overwrite", path);
	if (!text || prs_list_add(&j->warnings, text) < 0)
		return prs_fail(err, PRS_ENOMEM, "%s", path);
	return 0;
}

int prs_job_check_rows(struct prs_job *j, const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	char kind = prs_path_kind(fs, path);
	if (kind == 'o') /* a rename would take its place: /dev/null would be gone */
		return prs_fail(err, PRS_EINVALID, "%s is a device, a pipe or a socket: expected an ordinary file",
		                path);
	if (kind && !j->o.overwrite && rows_are_there(j, path, err) < 0)
		return err->code;
	if (!kind && (check_name(fs, path, err) < 0 || check_folder_of(fs, path, err) < 0))
		return err->code;
	for (size_t i = 0; i < j->inputs_n; i++) {
		const char *in = j->inputs[i].path;
		size_t n = in ? strlen(in) : 0;
		if (n && !j->inputs[i].is_list && !strncmp(path, in, n) && path[n] == '/')
			return prs_fail(err, PRS_EINVALID,
			                "%s lies inside the input %s: it would become part of the input", path, in);
	}
	return 0;
}

/* The format that an ending names; -1: none. */
static int format_of(const char *ending)
{
	if (!strcasecmp(ending, "ndjson"))
		return PRS_OUTPUT_JSONL;
	for (int f = PRS_OUTPUT_CSV; f <= PRS_OUTPUT_PARQUET; f++)
		if (!strcasecmp(ending, prs_output_format_name(f)))
			return f;
	return -1;
}

/* Other programs would take the file for what it is not. */
static void warn_of_ending(struct check *c, const char *ending, int named)
{
	static const char *const others[] = { "gz", "zst", "json", "xls", "xlsx", "feather", "arrow", "orc", "pq" };
	const struct prs_job *j = c->j;
	int f = j->o.output_format;
	bool other = false;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		other = other || !strcasecmp(ending, others[i]);
	if (!other && (named < 0 || named == f || f == PRS_OUTPUT_TEXT))
		return;
	PRS_AUTOFREE char *text = prs_strf("--output: a file .%s is asked for, and it will be %s: .csv, .tsv, .jsonl "
	                                   "and .parquet are the endings of what can be written",
	                                   ending, f == PRS_OUTPUT_TEXT ? "text" : prs_output_format_name(f));
	if (!text || prs_list_add(&c->j->warnings, text) < 0)
		mistake(c, "out of memory");
}

/* The ending of the file says what it is, unless something else does. */
static void take_ending(struct check *c, const char *path)
{
	struct prs_job *j = c->j;
	struct prs_err err = { 0 };
	const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
	if (!dot || (slash && dot < slash))
		return;
	int named = format_of(dot + 1);
	const struct prs_option_row *row = prs_option_at(PRS_OPTION_ID_output_format);
	if (named >= 0 && !prs_job_says(j, PRS_OPTION_ID_output_format) &&
	    prs_job_set(j, row, prs_output_format_name(named), "--output", &err) < 0)
		mistake(c, "%s", err.msg);
	warn_of_ending(c, dot + 1, named);
}

static void check_output(struct check *c)
{
	struct prs_job *j = c->j;
	struct prs_err err = { 0 };
	const char *given = j->o.output.n ? j->o.output.v[j->o.output.n - 1] : NULL;
	if (!given)
		return;
	PRS_AUTOFREE char *path = absolute(c->cwd, given);
	if (!path)
		return;
	char kind = kind_of(c, path);
	if (j->o.output_action == PRS_OUTPUT_SUMMARY_ONLY) {
		if (kind && kind != 'd')
			mistake(c, "--output %s: with summary_only this is a folder, but it is a file", given);
		else if (prs_job_check_folder(c->fs, path, &err) < 0)
			mistake(c, "--output %s", err.msg);
		j->output_dir = prs_strdup(path);
		return;
	}
	bool folder = kind == 'd' || given[strlen(given) - 1] == '/';
	if (!folder)
		take_ending(c, path);
	j->output_file = folder ? prs_strf("%s/%s", path, prs_job_rows_name(j)) : prs_strdup(path);
	j->output_dir = j->output_file ? prs_path_folder(j->output_file) : NULL;
	if (!j->output_dir)
		return;
	if (prs_job_check_rows(j, c->fs, j->output_file, &err) < 0)
		mistake(c, "--output %s", err.msg);
}

static bool pairs_whole(const struct prs_job_pair *v, size_t n, const struct prs_list *from)
{
	bool whole = v && n == from->n;
	for (size_t i = 0; whole && i < n; i++)
		whole = v[i].name && v[i].value;
	return whole;
}

/* Was there memory for everything? Asked once, at the end. */
static bool is_whole(const struct prs_job *j)
{
	bool whole = j->submit_dir && j->entry && j->code_dir && j->name && j->inputs && j->inputs_n == j->o.input.n;
	for (size_t i = 0; whole && i < j->inputs_n; i++)
		whole = j->inputs[i].name && j->inputs[i].path && j->inputs[i].type;
	return whole && (!j->o.output.n || j->output_dir) && pairs_whole(j->models, j->models_n, &j->o.model) &&
	       pairs_whole(j->side_inputs, j->side_inputs_n, &j->o.side_input) &&
	       pairs_whole(j->variables, j->variables_n, &j->o.environment_variable);
}

static void say_of_tables(void *ctx, enum prs_option_id option, const struct prs_job_input *in, const char *text)
{
	(void)option;
	(void)in;
	mistake(ctx, "%s", text);
}

static void check_keys(struct check *c)
{
	struct prs_job *j = c->j;
	struct prs_err err = { 0 };
	if (prs_job_says(j, PRS_OPTION_ID_partition_keys) && prs_job_says(j, PRS_OPTION_ID_mini_batch_size))
		mistake(c, "--partition-keys and --mini-batch-size exclude each other: keep one");
	int r = prs_job_split_keys(j, &err);
	for (size_t i = 0; i < j->inputs_n && r == 0; i++)
		r = prs_job_check_partition(j, &j->inputs[i], &err);
	if (r < 0)
		mistake(c, "%s", err.msg);
}

static const char bisect_asks[] = "on_failure bisect: the items of a failing mini-batch run again in smaller ones, so "
				  "what run() returns for an item must depend on that item alone";

static const char bisect_parts[] = "on_failure bisect with partition keys: run() is also given parts of a failing "
				   "partition, with its partition_key_value; what it makes of a part is in the output";

int prs_job_warn(struct prs_job *j)
{
	bool none = j->o.output_action == PRS_OUTPUT_SUMMARY_ONLY && prs_job_says(j, PRS_OPTION_ID_output_format);
	if (none && prs_list_add(&j->warnings, "output_format is not used: with summary_only the rows that run() "
	                                       "returns are counted, not written") < 0)
		return -PRS_ENOMEM;
	if (j->o.on_failure != PRS_ON_FAILURE_BISECT)
		return 0;
	return prs_list_add(&j->warnings, j->o.partition_keys.n ? bisect_parts : bisect_asks);
}

int prs_job_check(struct prs_job *j, const struct prs_sources *from, struct prs_buf *report)
{
	const struct prs_request *q = from->asked;
	struct check c = { j, from, from->fs, q->cwd, report, 0, q->input_refused, false };
	j->submit_dir = prs_strdup(q->cwd);
	check_script(&c, q->file);
	check_ways_of_a_script(&c);
	check_inputs(&c);
	check_pairs(&c, "--model", &j->o.model, &j->models, &j->models_n, true);
	check_pairs(&c, "--side-input", &j->o.side_input, &j->side_inputs, &j->side_inputs_n, true);
	check_pairs(&c, "--env", &j->o.environment_variable, &j->variables, &j->variables_n, false);
	check_output(&c);
	if (prs_job_check_tables(j, c.fs, say_of_tables, &c) < 0)
		mistake(&c, "out of memory");
	check_keys(&c);
	if (prs_job_warn(j) < 0)
		mistake(&c, "out of memory");
	if (!c.mistakes && !prs_yaml_count(from->doc, PRS_MISTAKE) && !is_whole(j))
		mistake(&c, "out of memory");
	return c.mistakes;
}
