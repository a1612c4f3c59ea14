/* SPDX-License-Identifier: Apache-2.0
 * code: which code this life runs, and that it is still what it was.
 *
 * The run is the code that was copied: `code/`, or, since a resume --new-code in the life E, `code-<E>/`. HEAD has the
 * fingerprint; another one than that of the life before means the code of this very life. So a folder `code-<E>` whose
 * life E has no HEAD (its engine was killed before) is nobody's and goes.
 * work/code, in which the script works, becomes what that folder holds, and loses what only other code holds: all of
 * it can be stopped anywhere, and the next life does it again.
 */
#include "master/impl.h"

#include "base/killpoint.h"
#include "base/many.h"
#include "base/mem.h"
#include "io/tree.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUMS_BYTES_MAX = 64 << 20 };

/* The text of the sums; "": the run has none, or they cannot be read: then a change has no name. */
static const char *read_sums(const struct prs_engine *e, const char *name, struct prs_buf *to)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s.sums", e->c.dir, name);
	return path && prs_read_own_file(e->c.fs, path, to, NULL) == 0 ? prs_buf_str(to) : "";
}

static int check(struct prs_engine *e, const uint8_t print[16], struct prs_err *err)
{
	PRS_AUTOBUF sums;
	prs_buf_init(&sums, SUMS_BYTES_MAX);
	return prs_code_check(e->c.fs, e->c.dir, e->code_name, print, read_sums(e, e->code_name, &sums), err);
}

/* ---- folders of other code --------------------------------------------------------------------------------------- */

struct others {
	const struct prs_engine *e;
	struct prs_list names;
};

static int code_folder(void *ctx, const char *name, char type)
{
	struct others *o = ctx;
	bool numbered = !strncmp(name, "code-", 5) && name[5] && !name[5 + strspn(name + 5, "0123456789")];
	if ((strcmp(name, "code") != 0 && !numbered) || (type != 'd' && type != '?') || !strcmp(name, o->e->code_name))
		return 0;
	return prs_list_add(&o->names, name) < 0 ? -ENOMEM : 0;
}

static int remove_code(const struct prs_engine *e, const char *name, struct prs_err *err)
{
	char at[PATH_MAX] = "";
	PRS_AUTOFREE char *path = prs_strf("%s/%s", e->c.dir, name), *sums = prs_strf("%s/%s.sums", e->c.dir, name);
	int r = path && sums ? prs_tree_remove(path, NULL, at, sizeof at) : -ENOMEM;
	if (r < 0 && r != -ENOENT)
		return prs_fail_errno(err, -r, "removing %s", at[0] ? at : name);
	e->c.fs->unlink(e->c.fs->ctx, sums);
	return 0;
}

/* A folder that nobody will ask for: of a life without a HEAD; of code that made no row, and is not that of the newest
 * HEAD, which a life goes on with. */
static bool is_nobodys(const struct prs_engine *e, uint32_t epoch, uint32_t newest_head, bool head_is_ours)
{
	const struct prs_ledger *l = &e->ledger;
	if (epoch > newest_head)
		return true;
	for (uint32_t i = 0; head_is_ours && i + 1 < l->codes_n && i < PRS_CODES_TOLD_APART - 1; i++)
		if (l->codes[i].epoch == epoch)
			return !l->codes[i].rows && !l->codes[i].units;
	return false;
}

/* What only they have leaves work/code; those that are nobody's go themselves. `head_is_ours`: the code of this life is
 * that of the newest HEAD. */
static int settle_others(struct prs_engine *e, uint32_t newest_head, bool head_is_ours, struct prs_err *err)
{
	struct others o = { .e = e };
	int r = e->c.fs->list(e->c.fs->ctx, e->c.dir, code_folder, &o);
	if (r < 0)
		r = prs_fail_errno(err, -r, "reading %s", e->c.dir);
	for (size_t i = 0; i < o.names.n && !r; i++) {
		const char *name = o.names.v[i];
		r = prs_code_retire(e->c.fs, e->c.dir, name, e->code_name, err);
		uint32_t epoch = name[4] ? (uint32_t)strtoul(name + 5, NULL, 10) : 0;
		if (!r && epoch && is_nobodys(e, epoch, newest_head, head_is_ours))
			r = remove_code(e, name, err);
	}
	prs_list_done(&o.names);
	return r;
}

/* ---- the code of this life --------------------------------------------------------------------------------------- */

static int restore(struct prs_engine *e, struct prs_err *err)
{
	struct prs_code_restored back;
	char text[512];
	int r = prs_code_restore(e->c.fs, e->c.dir, e->code_name, &back, err);
	unsigned n = back.missing + back.changed;
	if (r < 0 || !n || e->code_is_new || !e->c.warn)
		return r;
	snprintf(text, sizeof text, "work/code: %s %s, %s again what %s/ holds (%s%s)", prs_many(n, "file").text,
	         back.changed ? "changed since the run began" : "missing", n == 1 ? "it is" : "they are", e->code_name,
	         back.first, n == 1 ? "" : ", ...");
	e->c.warn(e->c.ctx, text);
	return 0;
}

static int write_sums(const struct prs_engine *e, const char *name, uint8_t print[16], struct prs_err *err)
{
	PRS_AUTOFREE char *path = prs_strf("%s/%s.sums", e->c.dir, name);
	PRS_AUTOBUF sums;
	prs_buf_init(&sums, SUMS_BYTES_MAX);
	if (!path)
		return prs_fail(err, PRS_ENOMEM, "the new code");
	if (prs_code_sums(e->c.fs, e->c.dir, name, print, &sums, err) < 0)
		return err->code;
	return prs_write_file(e->c.fs, path, sums.data, sums.len, 0644, err);
}

/* The new code in a folder of this life; not when it is the code that ran before. */
static int take_new(struct prs_engine *e, struct prs_err *err)
{
	char name[PRS_CODE_NAME_BYTES];
	uint8_t print[16];
	prs_code_name(name, e->epoch);
	if (e->c.new_code(e->c.ctx, name, err) < 0 || write_sums(e, name, print, err) < 0)
		return err->code;
	PRS_KILL_POINT("code.new.taken");
	if (!memcmp(print, e->code_print, sizeof print)) {
		if (e->c.say)
			e->c.say(e->c.ctx, "--new-code: the script's folder holds what the run has already");
		return remove_code(e, name, err);
	}
	snprintf(e->code_name, sizeof e->code_name, "%s", name);
	memcpy(e->code_print, print, sizeof print);
	e->code_is_new = true;
	return settle_others(e, e->epoch, false, err);
}

/* The script was mended, and the run does not know: that is meant so, and said. */
static void tell_changed(struct prs_engine *e)
{
	static const char advice[] = "prs resume --new-code takes the new one";
	char text[PRS_CODE_TOLD_BYTES];
	const struct prs_job *j = e->c.job;
	struct prs_fs_stat st;
	bool changed = prs_code_tell_changed(e->c.fs, e->c.dir, e->code_name, j->code_dir, &j->includes, advice, text);
	e->code_is_old = changed || e->c.fs->stat(e->c.fs->ctx, j->code_dir, &st) < 0;
	if (changed && e->c.warn)
		e->c.warn(e->c.ctx, text);
}

int code_open(struct prs_engine *e, uint32_t newest_head, struct prs_err *err)
{
	const struct prs_ledger_code *last = e->ledger.codes_n ? &e->ledger.codes[e->ledger.codes_n - 1] : NULL;
	if (e->c.new_code && !e->resumed)
		return prs_fail(err, PRS_EINVALID, "--new-code: nothing of this run has run yet: start a new run");
	memcpy(e->code_print, last ? last->print : e->c.placed->code_print, sizeof e->code_print);
	prs_code_name(e->code_name, last ? last->epoch : 0);
	int r = check(e, e->code_print, err);
	if (!r)
		r = settle_others(e, newest_head, true, err);
	if (!r && e->c.new_code)
		r = take_new(e, err);
	else if (!r && e->resumed)
		tell_changed(e);
	return r < 0 ? r : restore(e, err);
}

/* "120 rows of code/, 80 rows of code-3/"; a code without a row is not named. "": there is one code. */
void code_rows(const struct prs_ledger *l, char *to, size_t n)
{
	size_t at = 0;
	char name[PRS_CODE_NAME_BYTES];
	to[0] = 0;
	for (uint32_t i = 0; l->codes_n > 1 && i < l->codes_n && at < n; i++) {
		const struct prs_ledger_code *c = &l->codes[i];
		if (!c->rows)
			continue;
		prs_code_name(name, c->epoch);
		at += (size_t)snprintf(to + at, n - at, "%s%s of %s/", at ? ", " : "", prs_many(c->rows, "row").text,
		                       name);
	}
}
