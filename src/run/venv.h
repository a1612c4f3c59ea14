/* SPDX-License-Identifier: Apache-2.0
 * venv: virtual environments that are made once for the packages of a job and kept:
 * ~/.cache/prs/environments/<fingerprint>.
 */
#ifndef PRS_RUN_VENV_H
#define PRS_RUN_VENV_H

#include "base/err.h"
#include "base/option.h"
#include "run/front.h"

/* Fingerprint of the interpreter and the lines for pip: the same ones give the same environment. Its interpreter
 * into `to`; *ret_ready: it is made already. */
int prs_venv_find(const char *base, const struct prs_list *pip, char *to, size_t n, bool *ret_ready,
                  struct prs_err *err);
/* Makes it, with uv where there is one, else with venv and pip; what they say is said to the front end and kept in
 * a log, which a failure names when nobody listens. Waits while another prs makes the same one. */
int prs_venv_make(const struct prs_front *front, const char *base, const struct prs_list *pip, struct prs_err *err);

#endif
