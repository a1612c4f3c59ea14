/* SPDX-License-Identifier: Apache-2.0
 * expr: the pieces of a text with ${{ references }} and $[[ optional groups ]]. Pure.
 */
#ifndef PRS_SPEC_EXPR_H
#define PRS_SPEC_EXPR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum prs_expr_kind { PRS_EXPR_TEXT, PRS_EXPR_REF, PRS_EXPR_BEGIN, PRS_EXPR_END };

struct prs_expr {
	enum prs_expr_kind kind;
	size_t at;     /* where the piece begins in the text */
	const char *p; /* TEXT: the text; REF: what stands between the braces, without blanks around it */
	size_t n;
};

struct prs_expr_scan {
	const char *text;
	size_t at;
	bool in_group;
};

/* The next piece: 1, 0 at the end, < 0 when a brace or bracket is not closed, a group is nested or a reference is
 * empty (ret->at = where). */
int prs_expr_next(struct prs_expr_scan *s, struct prs_expr *ret, struct prs_err *err);
bool prs_expr_any(const char *text); /* does it hold a reference? */
/* The text is one reference and nothing else: its inside into ret. */
bool prs_expr_single(const char *text, struct prs_expr *ret);
/* "inputs.x" with prefix "inputs." gives "x" (n bytes at *ret), which may hold dots; false when it does not begin
 * so. */
bool prs_expr_name(const struct prs_expr *e, const char *prefix, const char **ret, size_t *ret_n);

#endif
