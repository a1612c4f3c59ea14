/* SPDX-License-Identifier: Apache-2.0
 * request: words of a front end, kept in their order with the place where each was given.
 */
#include "spec/request.h"

#include "base/mem.h"

int prs_request_ask(struct prs_request *q, const struct prs_option_row *row, const char *value, const char *where)
{
	struct prs_asked *v = prs_realloc(q->asked, (q->asked_n + 1) * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	q->asked = v;
	v[q->asked_n] = (struct prs_asked){ row, prs_strdup(value), where ? prs_strdup(where) : NULL };
	struct prs_asked *a = &v[q->asked_n++];
	return a->value && (a->where || !where) ? 0 : -PRS_ENOMEM;
}

const char *prs_request_value(const struct prs_request *q, enum prs_option_id id)
{
	for (size_t i = q->asked_n; i > 0; i--)
		if (q->asked[i - 1].row == prs_option_at(id))
			return q->asked[i - 1].value;
	return NULL;
}

void prs_request_done(struct prs_request *q)
{
	for (size_t i = 0; i < q->asked_n; i++) {
		prs_freep(&q->asked[i].value);
		prs_freep(&q->asked[i].where);
	}
	prs_freep(&q->asked);
	prs_list_done(&q->arguments);
	prs_list_done(&q->sets);
	*q = (struct prs_request){ 0 };
}
