/* SPDX-License-Identifier: Apache-2.0
 * venv: virtual environments that are made once for the packages of a job and kept:
 * ~/.cache/prs/environments/<fingerprint>.
 */
#ifndef PRS_CLI_VENV_H
#define PRS_CLI_VENV_H

#include "base/err.h"
#include "base/option.h"

/* Fingerprint of the interpreter and the lines for pip: the same ones give the same environment. Its interpreter
 * into `to`; *ret_ready: it is made already. */
int venv_find(const char *base, const struct prs_list *pip, char *to, size_t n, bool *ret_ready, struct prs_err *err);
/* Makes it, with uv where there is one, else with venv and pip; they talk to stderr, or (quiet) to a file that a
 * failure names. Waits while another prs makes the same one. */
int venv_make(const char *base, const struct prs_list *pip, bool quiet, struct prs_err *err);

#endif
