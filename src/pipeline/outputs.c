/* SPDX-License-Identifier: Apache-2.0
 * outputs: what a step writes. Inside the run folder a command finds its places empty. An output with a path of its own
 * is written in a folder beside it, and renamed into place when all is well and on the disk.
 *
 * The file `ended` of a step is written before the first rename: what it names has been said and done, so whoever finds
 * it only renames what is left. Nothing but what this step made is removed, and, with --overwrite, what stood in the
 * place of its output.
 */
#include "pipeline/impl.h"

#include "base/killpoint.h"
#include "base/mem.h"
#include "base/path.h"
#include "io/listing.h"
#include "io/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct prs_fs *fs_of(const struct step *s) { return s->e->c.fs; }

static bool is_file(const struct prs_step_output *o) { return !strcmp(o->type, "uri_file"); }

/* Of a command with a path of its own: a parallel step puts its outputs into their places itself. */
static bool is_aside(const struct step *s, size_t output)
{
	return s->is->outputs[output].path && s->is->kind == PRS_STEP_COMMAND;
}

/* The folder beside the place of an output that its step writes into; NULL for one that is written where it stays. */
static char *staging(const struct step *s, size_t output)
{
	if (!is_aside(s, output))
		return NULL;
	char id[40];
	for (int i = 0; i < 16; i++)
		snprintf(id + 2 * i, 3, "%02x", s->e->c.run.bytes[i]);
	PRS_AUTOFREE char *place = step_output(s->e, s->n, output), *above = place ? prs_path_folder(place) : NULL;
	return above ? prs_strf("%s/.prs-%s-%u-%zu.tmp", above, id, s->n, output) : NULL;
}

char *output_working_path(const struct step *s, size_t output)
{
	PRS_AUTOFREE char *place = step_output(s->e, s->n, output), *beside = staging(s, output);
	if (!place || !is_aside(s, output))
		return place ? prs_strdup(place) : NULL;
	const char *base = strrchr(place, '/');
	return beside ? prs_strf("%s/%s", beside, base ? base + 1 : place) : NULL;
}

static char *ended_path(const struct step *s)
{
	PRS_AUTOFREE char *dir = step_dir(s);
	return dir ? prs_strf("%s/ended", dir) : NULL;
}

static bool is_there(const struct step *s, const char *path)
{
	struct prs_fs_stat st;
	return fs_of(s)->stat(fs_of(s)->ctx, path, &st) == 0;
}

bool outputs_are_ready(const struct step *s)
{
	PRS_AUTOFREE char *path = ended_path(s);
	return path && s->is->outputs_n && is_there(s, path);
}

/* ---- a place that is free ---------------------------------------------------------------------------------------- */

static int outputs_any(void *ctx, const char *name, char type)
{
	(void)ctx;
	(void)name;
	(void)type;
	return 1;
}

/* Nothing is there, or an empty folder. */
static bool is_free(const struct step *s, const char *place)
{
	int r = fs_of(s)->list(fs_of(s)->ctx, place, outputs_any, NULL);
	return r == 0 || (r == -ENOENT && !is_there(s, place));
}

static int check_free(const struct step *s, size_t output, struct prs_err *err)
{
	PRS_AUTOFREE char *place = step_output(s->e, s->n, output);
	if (!place)
		return prs_fail(err, PRS_ENOMEM, "the outputs of a step");
	if (!s->is->outputs[output].path || s->e->overwrite || is_free(s, place))
		return 0;
	return prs_fail(err, PRS_EOUTPUT_EXISTS,
	                "output %s: %s holds something already: --overwrite replaces it, or give another path",
	                s->is->outputs[output].name, place);
}

static int make_folders(const struct step *s, const char *path, struct prs_err *err)
{
	size_t length = 0;
	int r = prs_path_make(fs_of(s), path, 0, 0755, &length);
	return r < 0 ? prs_fail_errno(err, -r, "creating %.*s", (int)length, path) : 0;
}

static int remove_folder(const char *path, struct prs_err *err)
{
	char at[PATH_MAX] = "";
	int r = prs_tree_remove(path, NULL, at, sizeof at);
	return r < 0 && r != -ENOENT ? prs_fail_errno(err, -r, "removing %s", at) : 0;
}

/* The folder of an output, or, of a file, the one that it will lie in. */
static int make_place(const struct step *s, size_t output, struct prs_err *err)
{
	PRS_AUTOFREE char *path = output_working_path(s, output), *beside = staging(s, output);
	PRS_AUTOFREE char *folder = path ? prs_strf("%s/", path) : NULL;
	if (!folder)
		return prs_fail(err, PRS_ENOMEM, "the outputs of a step");
	if (beside && is_there(s, beside) && remove_folder(beside, err) < 0)
		return err->code;
	return make_folders(s, is_file(&s->is->outputs[output]) ? path : folder, err);
}

int outputs_make(const struct step *s, struct prs_err *err)
{
	PRS_AUTOFREE char *dir = step_dir(s), *inside = dir ? prs_strf("%s/outputs", dir) : NULL;
	PRS_AUTOFREE char *ended = ended_path(s);
	if (!inside || !ended)
		return prs_fail(err, PRS_ENOMEM, "the outputs of a step");
	fs_of(s)->unlink(fs_of(s)->ctx, ended);
	if (is_there(s, inside) && remove_folder(inside, err) < 0)
		return err->code;
	int r = fs_of(s)->mkdir(fs_of(s)->ctx, inside, 0755);
	if (r < 0)
		return prs_fail_errno(err, -r, "creating %s", inside);
	for (size_t i = 0; i < s->is->outputs_n; i++)
		if (check_free(s, i, err) < 0 || make_place(s, i, err) < 0)
			return err->code;
	return 0;
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

/* On the disk, and their fingerprint. */
static int list_all(struct step *s, struct prs_err *err)
{
	struct prs_listing *l = prs_listing_new(fs_of(s), PRS_LISTING_SYNCS);
	int r = l ? 0 : prs_fail(err, PRS_ENOMEM, "the outputs of a step");
	for (size_t i = 0; i < s->is->outputs_n && !r; i++) {
		PRS_AUTOFREE char *path = output_working_path(s, i);
		r = path ? prs_listing_add(l, s->is->outputs[i].name, path, err)
		         : prs_fail(err, PRS_ENOMEM, "the outputs of a step");
		if (r < 0)
			prs_wrap(err, "output %s", s->is->outputs[i].name);
	}
	if (!r)
		prs_listing_print(l, s->result);
	prs_listing_free(l);
	return r;
}

/* ---- into place -------------------------------------------------------------------------------------------------- */

static int write_ended(const struct step *s, struct prs_err *err)
{
	char text[64] = "result ";
	for (int i = 0; i < 16; i++)
		snprintf(text + 7 + 2 * i, 3, "%02x", s->result[i]);
	snprintf(text + 39, 2, "\n");
	PRS_AUTOFREE char *path = ended_path(s);
	return path ? prs_write_file(fs_of(s), path, text, strlen(text), 0644, err)
	            : prs_fail(err, PRS_ENOMEM, "the outputs of a step");
}

static int read_ended(struct step *s, struct prs_err *err)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 4096);
	PRS_AUTOFREE char *path = ended_path(s);
	if (!path || prs_read_own_file(fs_of(s), path, &b, err) < 0)
		return path ? err->code : prs_fail(err, PRS_ENOMEM, "the outputs of a step");
	const char *text = prs_buf_str(&b);
	for (int i = 0; i < 16; i++) {
		unsigned byte;
		if (strncmp(text, "result ", 7) != 0 || sscanf(text + 7 + 2 * i, "%2x", &byte) != 1)
			return prs_fail(err, PRS_ECORRUPT, "%s: expected \"result <32 hex digits>\"", path);
		s->result[i] = (uint8_t)byte;
	}
	return 0;
}

/* With --overwrite: what stands there goes where it will be removed. */
static int make_way(const struct step *s, const char *place, const char *beside, struct prs_err *err)
{
	PRS_AUTOFREE char *old = prs_strf("%s/.old", beside);
	if (!old)
		return prs_fail(err, PRS_ENOMEM, "the outputs of a step");
	if (is_free(s, place))
		return 0;
	int r = fs_of(s)->rename(fs_of(s)->ctx, place, old);
	return r < 0 ? prs_fail_errno(err, -r, "moving %s away", place) : 0;
}

static int put_into_place(const struct step *s, size_t output, struct prs_err *err)
{
	const struct prs_fs *fs = fs_of(s);
	PRS_AUTOFREE char *beside = staging(s, output);
	if (!beside || !is_there(s, beside))
		return 0;
	PRS_AUTOFREE char *from = output_working_path(s, output), *place = step_output(s->e, s->n, output);
	PRS_AUTOFREE char *above = place ? prs_path_folder(place) : NULL;
	if (!from || !above)
		return prs_fail(err, PRS_ENOMEM, "the outputs of a step");
	if (is_there(s, from)) {
		if (make_way(s, place, beside, err) < 0)
			return err->code;
		int r = fs->rename(fs->ctx, from, place);
		if (!r)
			r = fs->sync_dir(fs->ctx, above);
		if (r < 0)
			return prs_fail_errno(err, -r, "output %s: moving it to %s", s->is->outputs[output].name,
			                      place);
	}
	PRS_KILL_POINT("pipeline.outputs.renamed");
	return remove_folder(beside, err);
}

bool outputs_have_places(const struct step *s)
{
	for (size_t i = 0; i < s->is->outputs_n; i++)
		if (is_aside(s, i))
			return true;
	return false;
}

int outputs_discard(const struct step *s, struct prs_err *err)
{
	int r = 0;
	for (size_t i = 0; i < s->is->outputs_n && !r; i++) {
		PRS_AUTOFREE char *beside = staging(s, i);
		r = beside && is_there(s, beside) ? remove_folder(beside, err) : 0;
	}
	return r;
}

static int get_ready(struct step *s, struct prs_err *err)
{
	if (list_all(s, err) < 0)
		return err->code;
	PRS_KILL_POINT("pipeline.outputs.synced");
	for (size_t i = 0; i < s->is->outputs_n; i++)
		if (s->is->kind == PRS_STEP_COMMAND && check_free(s, i, err) < 0)
			return err->code;
	return outputs_have_places(s) ? write_ended(s, err) : 0;
}

int outputs_settle(struct step *s, struct prs_err *err)
{
	int r = s->published ? read_ended(s, err) : get_ready(s, err);
	if (r < 0 || !outputs_have_places(s))
		return r;
	PRS_KILL_POINT("pipeline.outputs.ready");
	for (size_t i = 0; i < s->is->outputs_n && !r; i++)
		r = put_into_place(s, i, err);
	return r;
}
