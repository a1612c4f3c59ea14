/* SPDX-License-Identifier: Apache-2.0
 * ignore: the rules of an ignore file (.amlignore, .gitignore): the later rule wins, "!" takes back, "/" at the end
 * means folders, a "/" elsewhere means from the top, "**" any number of folders.
 */
#ifndef PRS_SPEC_IGNORE_H
#define PRS_SPEC_IGNORE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct prs_ignore {
	struct prs_ignore_rule *v;
	size_t n;
};

int prs_ignore_parse(struct prs_ignore *g, const char *text, struct prs_err *err);
void prs_ignore_done(struct prs_ignore *g);
/* Is this path (relative to the file's folder) left out? What is below a folder that is left out is not asked for. */
bool prs_ignored(const struct prs_ignore *g, const char *path, bool folder);
/* Does a rule with "!" name it? */
bool prs_ignore_keeps(const struct prs_ignore *g, const char *path, bool folder);

#endif
