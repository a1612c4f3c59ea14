/* SPDX-License-Identifier: Apache-2.0
 * warnings: formats and sentences, side by side.
 */
#include "data/warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE_BYTES = 6000 }; /* a path and what is said of it */

static bool is_said(const struct prs_warnings *w, const char *format)
{
	for (size_t i = 0; i < w->kinds.n; i++)
		if (!strcmp(w->kinds.v[i], format))
			return true;
	return false;
}

void prs_warn_input(struct prs_warnings *w, const char *format, ...)
{
	char text[SENTENCE_BYTES];
	va_list args;
	if (!w || is_said(w, format))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (prs_list_add(&w->sentences, text) == 0)
		prs_list_add(&w->kinds, format); /* without memory it may be said twice */
}

const char *prs_warnings_take(struct prs_warnings *w)
{
	return w->taken < w->sentences.n ? w->sentences.v[w->taken++] : NULL;
}

void prs_warnings_done(struct prs_warnings *w)
{
	prs_list_done(&w->kinds);
	prs_list_done(&w->sentences);
	w->taken = 0;
}
