/* SPDX-License-Identifier: Apache-2.0
 * warnings: what a person should know of an input that can be read all the same: a sentence for each kind.
 *
 * The kind is the format: the first sentence of a kind is kept, later ones are not. Who lists takes them
 * (prs_lister_warning in list.h) and shows them.
 */
#ifndef PRS_DATA_WARNINGS_H
#define PRS_DATA_WARNINGS_H

#include "base/option.h"

struct prs_warnings {
	struct prs_list kinds, sentences;
	size_t taken;
};

/* A sentence without a full stop, as all warnings; w = NULL: nobody listens. Without memory it is lost. */
void prs_warn_input(struct prs_warnings *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next sentence that was not taken yet, NULL = none; it lives as long as `w`. */
const char *prs_warnings_take(struct prs_warnings *w);
void prs_warnings_done(struct prs_warnings *w);

#endif
