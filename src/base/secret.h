/* SPDX-License-Identifier: Apache-2.0
 * secret: which names are those of secrets, and texts with their values masked, for screens. What is stored is not
 * masked: job.json is its owner's alone.
 */
#ifndef PRS_BASE_SECRET_H
#define PRS_BASE_SECRET_H

#include "base/buf.h"
#include "base/option.h"

#include <stdbool.h>

/* One of the words of the name is password, token and the like, or it ends in "access key", "account key", "api
 * key"; or it is one of `more` (may be NULL), whatever the case and with - for _. Words are split at what is no
 * letter or digit, and where the case changes. */
bool prs_is_secret(const char *name, size_t n, const struct prs_list *more);
/* Append the text with the values masked that stand behind such a name: NAME=VALUE, NAME: VALUE, --NAME VALUE, and
 * the password of a URL. wide: as many stars as the value has bytes, so that columns stay. */
void prs_put_masked(struct prs_buf *to, const char *text, size_t n, const struct prs_list *more, bool wide);
/* Append word i of a command's words: masked when it is the value of a secret flag. */
void prs_put_masked_word(struct prs_buf *to, const struct prs_list *words, size_t i, const struct prs_list *more);

#endif
