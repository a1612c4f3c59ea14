/* SPDX-License-Identifier: Apache-2.0
 * late: one table says which references are late parts, and what they are called there.
 */
#include "spec/late.h"

#include "base/mem.h"
#include "spec/expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *late, *reference;
	bool more; /* a name follows */
} words[] = {
	{ "name", "name", false },
	{ "outputs", "prs.outputs", false },
	{ "outputs.", "outputs.", true },
};
enum { WORDS = sizeof words / sizeof *words };

static const char jobs[] = "jobs.", parent_jobs[] = "parent.jobs.";

static bool is(const char *s, size_t n, const char *word, bool more)
{
	size_t k = strlen(word);
	return (more ? n > k : n == k) && !strncmp(s, word, k);
}

/* "jobs.3.clean" */
static bool split_job(const char *s, size_t n, size_t *ret_job, const char **ret_output)
{
	char *end;
	size_t k = strlen(jobs);
	if (!is(s, n, jobs, true) || s[k] < '0' || s[k] > '9')
		return false;
	*ret_job = strtoul(s + k, &end, 10);
	*ret_output = end + 1;
	return *end == '.' && *ret_output < s + n;
}

bool prs_late_is_job(const char *text, size_t *ret_job, const char **ret_output, size_t *ret_n)
{
	const char *close = text[0] == JF_LATE_OPEN ? strchr(text, JF_LATE_CLOSE) : NULL;
	if (!close || close[1] || !split_job(text + 1, (size_t)(close - text) - 1, ret_job, ret_output))
		return false;
	*ret_n = (size_t)(close - *ret_output);
	return true;
}

static bool put_job(struct prs_buf *to, const char *s, size_t n, const struct prs_late_names *names)
{
	size_t job;
	const char *output, *step;
	char name[256];
	if (!names || !split_job(s, n, &job, &output))
		return false;
	snprintf(name, sizeof name, "%.*s", (int)(s + n - output), output);
	if (!names->find(names->ctx, job, name, &step, &output))
		return false;
	prs_buf_putf(to, "${{%s%s.outputs.%s}}", parent_jobs, step, output);
	return true;
}

static bool put_reference(struct prs_buf *to, const char *s, size_t n, const struct prs_late_names *names)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (!is(s, n, words[i].late, words[i].more))
			continue;
		size_t k = strlen(words[i].late);
		prs_buf_putf(to, "${{%s%.*s}}", words[i].reference, (int)(n - k), s + k);
		return true;
	}
	return put_job(to, s, n, names);
}

bool prs_late_to_references(struct prs_buf *to, const char *s, const struct prs_late_names *names)
{
	bool good = true;
	while (*s) {
		const char *stop = *s == JF_LATE_OPEN ? strchr(s, JF_LATE_CLOSE) : NULL;
		if (stop && put_reference(to, s + 1, (size_t)(stop - s) - 1, names)) {
			s = stop + 1;
			continue;
		}
		good = good && *s != JF_LATE_OPEN && *s != JF_LATE_CLOSE;
		if (!strncmp(s, "${{", 3) || !strncmp(s, "$[[", 3))
			prs_buf_puts(to, "${{prs.dollar}}");
		else
			prs_buf_putc(to, *s);
		s++;
	}
	return good;
}

char *prs_late_renumbered(const char *s, prs_late_number_fn *find, void *ctx)
{
	PRS_AUTOBUF b;
	prs_buf_init(&b, 1 << 20);
	while (*s) {
		const char *stop = *s == JF_LATE_OPEN ? strchr(s, JF_LATE_CLOSE) : NULL, *output;
		char name[256];
		size_t job;
		if (!stop || !split_job(s + 1, (size_t)(stop - s) - 1, &job, &output)) {
			prs_buf_putc(&b, *s++);
			continue;
		}
		snprintf(name, sizeof name, "%.*s", (int)(stop - output), output);
		if (find(ctx, job, name, &job, &output))
			prs_buf_putf(&b, "%c%s%zu.%s%c", JF_LATE_OPEN, jobs, job, output, JF_LATE_CLOSE);
		else
			prs_buf_put(&b, s, (size_t)(stop - s) + 1);
		s = stop + 1;
	}
	const char *text = prs_buf_str(&b);
	return b.failed ? NULL : prs_strdup(text);
}

/* ---- the other way ----------------------------------------------------------------------------------------------- */

static bool put_late(struct prs_buf *to, const struct prs_expr *e, prs_late_find_fn *find, void *ctx)
{
	const char *name, *output;
	size_t n, job;
	for (size_t i = 0; i < WORDS; i++) {
		if (!is(e->p, e->n, words[i].reference, words[i].more))
			continue;
		size_t k = strlen(words[i].reference);
		prs_buf_putf(to, "%c%s%.*s%c", JF_LATE_OPEN, words[i].late, (int)(e->n - k), e->p + k, JF_LATE_CLOSE);
		return true;
	}
	if (!prs_expr_name(e, parent_jobs, &name, &n) || !find(ctx, name, n, &job, &output))
		return false;
	prs_buf_putf(to, "%c%s%zu.%.*s%c", JF_LATE_OPEN, jobs, job, (int)(name + n - output), output, JF_LATE_CLOSE);
	return true;
}

int prs_late_from_references(struct prs_buf *to, const char *text, prs_late_find_fn *find, void *ctx,
                             struct prs_err *err)
{
	struct prs_expr_scan s = { .text = text };
	struct prs_expr e;
	int r;
	while ((r = prs_expr_next(&s, &e, err)) == 1) {
		if (e.kind == PRS_EXPR_BEGIN)
			return prs_fail(err, PRS_EINVALID, "$[[ ]] belongs into a command: write ${{prs.dollar}}[[");
		if (e.kind != PRS_EXPR_REF)
			prs_buf_put(to, e.p, e.n);
		else if (is(e.p, e.n, "prs.dollar", false))
			prs_buf_putc(to, '$');
		else if (!put_late(to, &e, find, ctx))
			return prs_fail(err, PRS_EINVALID,
			                "${{%.*s}} is not known: expected outputs.NAME, parent.jobs.STEP.outputs.NAME, "
			                "name, prs.outputs or prs.dollar",
			                (int)(e.n < 200 ? e.n : 200), e.p);
	}
	return r;
}
