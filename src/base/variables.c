/* SPDX-License-Identifier: Apache-2.0
 * variables: there are a few dozen of them, so a search is a walk over all.
 */
#include "base/variables.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

static char **find(const struct prs_list *l, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < l->n; i++)
		if (!strncmp(l->v[i], name, n) && l->v[i][n] == '=')
			return &l->v[i];
	return NULL;
}

const char *prs_variable(const struct prs_list *l, const char *name)
{
	char **at = find(l, name);
	return at ? *at + strlen(name) + 1 : NULL;
}

int prs_variable_set(struct prs_list *l, const char *name, const char *value)
{
	PRS_AUTOFREE char *text = prs_strf("%s=%s", name, value);
	char **at = find(l, name);
	if (!text)
		return -PRS_ENOMEM;
	if (!at)
		return prs_list_add(l, text);
	char *old = *at;
	*at = text;
	text = old;
	return 0;
}

int prs_variable_default(struct prs_list *l, const char *name, const char *value)
{
	return find(l, name) ? 0 : prs_variable_set(l, name, value);
}
