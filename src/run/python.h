/* SPDX-License-Identifier: Apache-2.0
 * python: the interpreter of the workers.
 */
#ifndef PRS_RUN_PYTHON_H
#define PRS_RUN_PYTHON_H

#include "base/err.h"

#include <stddef.h>

/* The interpreter behind a name, a path or the folder of a virtual environment: absolute, a Python that is new enough,
 * which can read the entry script (NULL = not asked). The sentence names what was looked for and what was found. */
int prs_python_find(const char *name, const char *script, char *to, size_t n, struct prs_err *err);

#endif
