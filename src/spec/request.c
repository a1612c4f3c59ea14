/* SPDX-License-Identifier: Apache-2.0
 * request: words of a front end, kept in their order with the place where each was given.
 */
#include "spec/request.h"

#include "base/mem.h"

#include <string.h>

int prs_request_ask(struct prs_request *q, const struct prs_option_row *row, const char *value, const char *where)
{
	struct prs_asked *v = prs_realloc(q->asked, (q->asked_n + 1) * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	q->asked = v;
	v[q->asked_n] = (struct prs_asked){ row, prs_strdup(value), where ? prs_strdup(where) : NULL, false };
	struct prs_asked *a = &v[q->asked_n++];
	return a->value && (a->where || !where) ? 0 : -PRS_ENOMEM;
}

int prs_request_default(struct prs_request *q, const struct prs_option_row *row, const char *value, const char *where)
{
	int r = prs_request_ask(q, row, value, where);
	if (q->asked_n)
		q->asked[q->asked_n - 1].is_default = true;
	return r;
}

int prs_request_put_in_front(struct prs_request *q, struct prs_request *front)
{
	struct prs_asked *v = prs_realloc(front->asked, (front->asked_n + q->asked_n + 1) * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	front->asked = v;
	for (size_t i = 0; i < q->arguments.n; i++)
		if (prs_list_add(&front->arguments, q->arguments.v[i]) < 0)
			return -PRS_ENOMEM;
	if (q->asked_n)
		memcpy(v + front->asked_n, q->asked, q->asked_n * sizeof *v);
	prs_freep(&q->asked);
	prs_list_done(&q->arguments);
	q->asked = v;
	q->asked_n += front->asked_n;
	q->arguments = front->arguments;
	*front = (struct prs_request){ 0 };
	return 0;
}

size_t prs_request_defaults(const struct prs_request *q, enum prs_option_id id)
{
	size_t n = 0;
	for (size_t i = 0; i < q->asked_n; i++)
		n += q->asked[i].row == prs_option_at(id) && q->asked[i].is_default;
	return n;
}

static const char *last_of(const struct prs_request *q, enum prs_option_id id, bool defaults_too)
{
	for (size_t i = q->asked_n; i > 0; i--)
		if (q->asked[i - 1].row == prs_option_at(id) && (defaults_too || !q->asked[i - 1].is_default))
			return q->asked[i - 1].value;
	return NULL;
}

const char *prs_request_value(const struct prs_request *q, enum prs_option_id id) { return last_of(q, id, true); }
const char *prs_request_asked(const struct prs_request *q, enum prs_option_id id) { return last_of(q, id, false); }

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
