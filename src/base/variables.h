/* SPDX-License-Identifier: Apache-2.0
 * variables: environment variables as a list of NAME=VALUE, each name once.
 */
#ifndef PRS_BASE_VARIABLES_H
#define PRS_BASE_VARIABLES_H

#include "base/option.h"

/* Its value; NULL = not set. */
const char *prs_variable(const struct prs_list *l, const char *name);
/* -PRS_ENOMEM leaves the list as it was. */
int prs_variable_set(struct prs_list *l, const char *name, const char *value);
/* The same where it is not set. */
int prs_variable_default(struct prs_list *l, const char *name, const char *value);

#endif
