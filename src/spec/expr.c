/* SPDX-License-Identifier: Apache-2.0
 * expr: reads ${{name}} and $[[optional]] in a text from left to right; what they stand for is the caller's business.
 */
#include "spec/expr.h"

#include <string.h>

static bool begins(const char *p, const char *with) { return !strncmp(p, with, strlen(with)); }

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

static int reference(struct prs_expr_scan *s, struct prs_expr *ret, struct prs_err *err)
{
	const char *p = s->text + s->at + 3, *stop = strstr(p, "}}"), *inner = strstr(p, "${{");
	if (!stop || (inner && inner < stop))
		return prs_fail(err, PRS_EINVALID, "${{ is not closed: expected }}");
	s->at = (size_t)(stop - s->text) + 2;
	while (p < stop && blank(*p))
		p++;
	while (p < stop && blank(stop[-1]))
		stop--;
	if (p == stop)
		return prs_fail(err, PRS_EINVALID, "${{ }} is empty: name something, as in ${{inputs.data}}");
	*ret = (struct prs_expr){ PRS_EXPR_REF, ret->at, p, (size_t)(stop - p) };
	return 1;
}

static int group(struct prs_expr_scan *s, struct prs_expr *ret, struct prs_err *err)
{
	bool opens = s->text[s->at] == '$';
	if (opens && s->in_group)
		return prs_fail(err, PRS_EINVALID, "$[[ inside $[[ ]]: optional groups cannot be nested");
	if (opens && !strstr(s->text + s->at, "]]"))
		return prs_fail(err, PRS_EINVALID, "$[[ is not closed: expected ]]");
	s->in_group = opens;
	s->at += opens ? 3 : 2;
	ret->kind = opens ? PRS_EXPR_BEGIN : PRS_EXPR_END;
	return 1;
}

int prs_expr_next(struct prs_expr_scan *s, struct prs_expr *ret, struct prs_err *err)
{
	const char *start = s->text + s->at, *p = start;
	*ret = (struct prs_expr){ PRS_EXPR_TEXT, s->at, start, 0 };
	for (; *p; p++) {
		bool special = begins(p, "${{") || begins(p, "$[[") || (s->in_group && begins(p, "]]"));
		if (special && p == start)
			return p[0] == '$' && p[1] == '{' ? reference(s, ret, err) : group(s, ret, err);
		if (special)
			break;
	}
	ret->n = (size_t)(p - start);
	s->at += ret->n;
	return ret->n > 0;
}

bool prs_expr_any(const char *text) { return strstr(text, "${{") || strstr(text, "$[["); }

bool prs_expr_single(const char *text, struct prs_expr *ret)
{
	struct prs_expr_scan s = { .text = text };
	struct prs_expr rest;
	while (blank(s.text[0]))
		s.text++;
	if (prs_expr_next(&s, ret, NULL) != 1 || ret->kind != PRS_EXPR_REF)
		return false;
	while (blank(s.text[s.at]))
		s.at++;
	return prs_expr_next(&s, &rest, NULL) == 0;
}

bool prs_expr_name(const struct prs_expr *e, const char *prefix, const char **ret, size_t *ret_n)
{
	size_t n = strlen(prefix);
	if (e->n <= n || strncmp(e->p, prefix, n) != 0)
		return false;
	*ret = e->p + n;
	*ret_n = e->n - n;
	return true;
}
