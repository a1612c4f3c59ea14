/* SPDX-License-Identifier: Apache-2.0
 * reuse: what the engine of a pipeline must be told to know whether a step is as an earlier one was: each interpreter
 * with what is installed in it, what prs.yml says, and whether the run of an earlier parallel step is clean.
 */
#include "run/reuse.h"

#include "base/mem.h"
#include "io/listen.h"
#include "run/project.h"
#include "run/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { ANSWER_BYTES = 4 << 20 };

/* The current folder has no say. A distribution may be found twice: the first one is imported. */
static char packages_question[] = "import sys\n"
				  "sys.path[:] = [p for p in sys.path if p]\n"
				  "from importlib.metadata import distributions\n"
				  "found = {}\n"
				  "for d in distributions():\n"
				  "    name = d.metadata['Name']\n"
				  "    if name:\n"
				  "        found.setdefault(name.lower().replace('_', '-'), d.version)\n"
				  "sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')\n"
				  "sys.stdout.write('\\nprs\\n' + sys.version + '\\n')\n"
				  "for name in sorted(found):\n"
				  "    sys.stdout.write('%s %s\\n' % (name, found[name]))\n"
				  "sys.stdout.write('end\\n')\n";

static void packages_heard(void *ctx, int fd, const char *bytes, size_t n)
{
	if (fd == 1)
		prs_buf_put(ctx, bytes, n);
}

/* False: it does not say. */
static bool ask_packages(const char *python, uint8_t to[16])
{
	const char *argv[] = { python, "-B", "-c", packages_question, NULL };
	struct prs_err err = { 0 };
	int status = 1;
	XXH128_canonical_t canonical;
	PRS_AUTOBUF out;
	prs_buf_init(&out, ANSWER_BYTES);
	struct prs_listen l = { .argv = (char *const *)(uintptr_t)argv, .heard = packages_heard, .ctx = &out };
	if (prs_listen(&l, &status, &err) < 0 || status || out.failed)
		return false;
	const char *text = prs_buf_str(&out), *from = strstr(text, "\nprs\n"); /* a wrapper may greet */
	size_t n = from ? strlen(from) : 0;
	if (n < 5 || strcmp(from + n - 4, "end\n") != 0)
		return false;
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(from, n));
	memcpy(to, canonical.digest, 16);
	return true;
}

static bool is_asked(const struct prs_reuse_facts *r, const char *python)
{
	for (size_t i = 0; i < r->pythons_n; i++)
		if (!strcmp(r->pythons[i].path, python))
			return true;
	return false;
}

/* Files that nobody else could have written, as for the settings in them. */
static void print_defaults(struct prs_reuse_facts *r, const struct prs_front *f, const char *dir)
{
	struct prs_yaml_doc *d = prs_yaml_doc_new();
	struct prs_project *p = d ? prs_run_project(f->fs, dir, d) : NULL;
	PRS_AUTOFREE char *user = prs_user_file();
	const char *files[] = { p ? prs_project_file(p) : NULL, user };
	XXH128_canonical_t canonical;
	PRS_AUTOBUF all;
	prs_buf_init(&all, 2 * ANSWER_BYTES);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct prs_err err = { 0 };
		PRS_AUTOBUF text;
		prs_buf_init(&text, ANSWER_BYTES);
		if (files[i] && prs_read_file(f->fs, files[i], &text, &err) == 0)
			prs_buf_put(&all, text.data, text.len);
		prs_buf_putc(&all, 0);
	}
	XXH128_canonicalFromHash(&canonical, XXH3_128bits(all.data, all.len));
	memcpy(r->defaults, canonical.digest, 16);
	prs_project_free(p);
	prs_yaml_doc_free(d);
}

int prs_reuse_facts(struct prs_reuse_facts *r, const struct prs_front *f, const struct prs_pipeline *p,
                    struct prs_err *err)
{
	*r = (struct prs_reuse_facts){ .pythons = prs_calloc(p->steps_n + 1, sizeof *r->pythons) };
	if (!r->pythons)
		return prs_fail(err, PRS_ENOMEM, "the interpreters of the steps");
	for (size_t i = 0; i < p->steps_n; i++) {
		const struct prs_step *s = &p->steps[i];
		struct prs_pipeline_python *to = &r->pythons[r->pythons_n];
		if (!s->python || !s->allow_reuse || is_asked(r, s->python))
			continue;
		to->path = s->python;
		r->pythons_n++;
		if (!ask_packages(s->python, to->print))
			to->path = ""; /* it is not asked again, and is not known */
	}
	print_defaults(r, f, p->submit_dir);
	return 0;
}

void prs_reuse_facts_done(struct prs_reuse_facts *r) { prs_freep(&r->pythons); }

/* ---- a run that is clean ----------------------------------------------------------------------------------------- */

struct changes {
	bool any;
	unsigned heads;
	uint8_t code[16];
};

static int changes_plan(void *ctx, const uint8_t *body, size_t n, struct prs_err *err)
{
	(void)ctx;
	(void)body;
	(void)n;
	(void)err;
	return 0;
}

/* prs resume RUN/STEP --set, --new-code: it ran as something else than it was begun as. */
static int changes_fact(void *ctx, const struct prs_fact *f, struct prs_err *err)
{
	struct changes *c = ctx;
	(void)err;
	if (f->type == PRS_FACT_SET)
		c->any = true;
	if (f->type != PRS_FACT_HEAD)
		return 0;
	if (c->heads++ && memcmp(c->code, f->u.head.code_print, sizeof c->code) != 0)
		c->any = true;
	memcpy(c->code, f->u.head.code_print, sizeof c->code);
	return 0;
}

static int check_counts(const struct prs_view *v, struct prs_err *err)
{
	const struct prs_ledger_counts *c = &v->ledger.counts;
	if (v->ledger.job != PRS_JOB_COMPLETED)
		return prs_fail(err, PRS_EINVALID, "it is not completed");
	if (c->items_failed > c->items_missing)
		return prs_fail(err, PRS_EINVALID, "%llu of its items failed",
		                (unsigned long long)(c->items_failed - c->items_missing));
	return 0;
}

int prs_reuse_check_clean(const struct prs_fs *fs, const char *step_dir, struct prs_err *err)
{
	struct prs_run run = { 0 };
	struct prs_view v;
	struct changes c = { 0 };
	struct prs_recovered was;
	struct prs_recover_sink sink = { &c, changes_plan, changes_fact };
	if (prs_run_find(fs, "", step_dir, &run, err) < 0)
		return err->code;
	int r = prs_view_read(&v, fs, &run, err);
	if (!r)
		r = check_counts(&v, err);
	prs_view_done(&v);
	if (!r)
		r = prs_store_recover(fs, run.dir, &run.id, &sink, &was, err);
	if (!r && c.any)
		r = prs_fail(err, PRS_EINVALID, "its settings or its code were changed while it ran");
	return r;
}
