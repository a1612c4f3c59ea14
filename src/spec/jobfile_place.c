/* SPDX-License-Identifier: Apache-2.0
 * jobfile_place: what a job file leaves open until the run folder is known: ${{name}}, ${{outputs.x}}, where outputs
 * lie; and inputs as texts.
 */
#include "spec/jobfile_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *folder_above(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == path ? prs_strdup("/") : prs_strf("%.*s", (int)(slash - path), path);
}

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
		in->base = folder_above(in->path);
		if (!in->base)
			return prs_fail(err, PRS_ENOMEM, "%s", text);
		return kind == 'f' ? 0 : prs_fail(err, PRS_ENOTFOUND, "no such list of files");
	}
	if (kind == 'f' || kind == 'd')
		return 0;
	if (!kind && is_reference(text))
		return prs_fail(err, PRS_ENOTFOUND,
		                "that is a reference, not a path: give the folder where the data lies on this machine "
		                "(prs.yml maps the references of job files)");
	if (kind || !prs_path_is_pattern(in->path))
		return prs_fail(err, PRS_ENOTFOUND, kind ? "neither a folder nor a file" : "no such folder or file");
	char *root = prs_path_pattern_root(in->path);
	if (!root || prs_list_add(&in->parts, in->path) < 0) {
		prs_freep(&root);
		return prs_fail(err, PRS_ENOMEM, "%s", text);
	}
	prs_freep(&in->path);
	in->path = root;
	return prs_path_kind(fs, root) == 'd' ? 0 : prs_fail(err, PRS_ENOTFOUND, "no such folder for this pattern");
}

/* ---- late parts -------------------------------------------------------------------------------------------------- */

struct place {
	struct prs_job *j;
	const char *dir, *run_name;
};

static void put_late(const struct place *p, const char *word, size_t n, struct prs_buf *to)
{
	if (n == 4 && !strncmp(word, "name", n))
		prs_buf_puts(to, p->run_name);
	else if (n == 7 && !strncmp(word, "outputs", n))
		prs_buf_putf(to, "%s/outputs", p->dir);
	for (size_t i = 0; n > 8 && i < p->j->outputs_n; i++)
		if (strlen(p->j->outputs[i].name) == n - 8 && !strncmp(p->j->outputs[i].name, word + 8, n - 8))
			prs_buf_puts(to, p->j->outputs[i].path);
}

/* A text with its late parts filled in; the caller frees. */
static char *filled(const struct place *p, const char *text)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	while (*text) {
		const char *stop = *text == JF_LATE_OPEN ? strchr(text, JF_LATE_CLOSE) : NULL;
		if (stop) {
			put_late(p, text + 1, (size_t)(stop - text) - 1, &b);
			text = stop + 1;
		} else {
			prs_buf_putc(&b, *text++);
		}
	}
	return b.failed ? NULL : prs_strdup(prs_buf_str(&b));
}

static bool is_file(const struct prs_job_output *o) { return !strcmp(o->type, "uri_file"); }

static int place_outputs(const struct place *p)
{
	for (size_t i = 0; i < p->j->outputs_n; i++) {
		struct prs_job_output *o = &p->j->outputs[i];
		char *path = o->path ? filled(p, o->path) : prs_strf("%s/outputs/%s", p->dir, o->name);
		prs_freep(&o->path);
		o->path = path;
		if (!path)
			return -PRS_ENOMEM;
	}
	return 0;
}

/* The append_row file, and the folder that the script knows as its output. */
static int place_append(const struct place *p, const struct prs_fs *fs)
{
	struct prs_job *j = p->j;
	struct prs_job_output *o = j->append_to >= 0 ? &j->outputs[j->append_to] : NULL;
	size_t folders = 0, last = 0;
	if (o && j->o.output_action == PRS_OUTPUT_APPEND_ROW) {
		bool in_it = !is_file(o) || prs_path_kind(fs, o->path) == 'd';
		j->output_file = in_it ? prs_strf("%s/parallel_run_step.txt", o->path) : prs_strdup(o->path);
		j->output_dir = j->output_file ? folder_above(j->output_file) : NULL;
		return j->output_dir ? 0 : -PRS_ENOMEM;
	}
	for (size_t i = 0; i < j->outputs_n; i++) {
		last = is_file(&j->outputs[i]) ? last : i;
		folders += !is_file(&j->outputs[i]);
	}
	if (!j->output_dir)
		j->output_dir = folders == 1 ? prs_strdup(j->outputs[last].path) : prs_strf("%s/outputs", p->dir);
	return j->output_dir ? 0 : -PRS_ENOMEM;
}

static int place_arguments(const struct place *p)
{
	struct prs_list all = { 0 }, *user = &p->j->user_args;
	int r = 0;
	for (size_t i = 0; i < p->j->program_args.n && !r; i++) {
		PRS_AUTOFREE char *word = filled(p, p->j->program_args.v[i]);
		r = word ? prs_list_add(&all, word) : -PRS_ENOMEM;
	}
	for (size_t i = 0; i < user->n && !r; i++)
		r = prs_list_add(&all, user->v[i]);
	prs_list_done(r ? &all : user);
	if (!r)
		*user = all;
	return r;
}

int prs_job_place(struct prs_job *j, const struct prs_fs *fs, const char *dir, const char *run_name,
                  struct prs_err *err)
{
	struct place p = { j, dir, run_name };
	int r = place_outputs(&p);
	if (!r && (!j->output_file || j->append_to >= 0))
		r = place_append(&p, fs);
	if (!r)
		r = place_arguments(&p);
	return r < 0 ? prs_fail(err, PRS_ENOMEM, "the outputs of the job") : 0;
}

/* mkdir -p */
static int make_folder(const struct prs_fs *fs, const char *path, struct prs_err *err)
{
	char kind = prs_path_kind(fs, path);
	if (kind)
		return kind == 'd' ? 0 : prs_fail(err, PRS_EEXISTS, "%s is a file: expected a folder", path);
	PRS_AUTOFREE char *above = folder_above(path);
	int r = above ? make_folder(fs, above, err) : prs_fail(err, PRS_ENOMEM, "%s", path);
	if (r < 0)
		return r;
	r = fs->mkdir(fs->ctx, path, 0755);
	return r < 0 && r != -EEXIST ? prs_fail_errno(err, -r, "creating the folder %s", path) : 0;
}

int prs_job_make_outputs(const struct prs_job *j, const struct prs_fs *fs, struct prs_err *err)
{
	int r = 0;
	for (size_t i = 0; i < j->outputs_n && !r; i++) {
		const struct prs_job_output *o = &j->outputs[i];
		PRS_AUTOFREE char *above = folder_above(o->path);
		bool is_folder = !is_file(o) || prs_path_kind(fs, o->path) == 'd';
		r = above ? make_folder(fs, is_folder ? o->path : above, err)
		          : prs_fail(err, PRS_ENOMEM, "%s", o->path);
	}
	return r;
}
