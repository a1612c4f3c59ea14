/* SPDX-License-Identifier: Apache-2.0
 * glob: patterns over whole paths: `*`, `?`, `[]` inside a name, `**` for any number of folders. Names that begin with
 * a dot match as others do. Pure.
 */
#ifndef PRS_DATA_GLOB_H
#define PRS_DATA_GLOB_H

#include <stdbool.h>

bool prs_glob_match(const char *pattern, const char *path);
/* Could something inside this folder match? */
bool prs_glob_enter(const char *pattern, const char *folder);

#endif
