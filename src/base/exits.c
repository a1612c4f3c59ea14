/* SPDX-License-Identifier: Apache-2.0
 * exits: the table, and its two questions: which status belongs to an error, what to type after a status.
 */
#include "base/exits.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct prs_exit_row rows[] = {
#define PRS_EXIT(status, name, meaning, next) { (status), (meaning), (next) },
#include "base/exits.def"
#undef PRS_EXIT
};

static const struct {
	int code, engine, reader;
} of_errors[] = {
#define PRS_EXIT_OF(code, engine, reader) { PRS_E##code, PRS_EXIT_##engine, PRS_EXIT_##reader },
#include "base/exits.def"
#undef PRS_EXIT_OF
};

const struct prs_exit_row *prs_exit_at(unsigned i) { return i < sizeof rows / sizeof *rows ? &rows[i] : NULL; }

int prs_exit_of(int code, bool reads)
{
	for (size_t i = 0; i < sizeof of_errors / sizeof *of_errors; i++)
		if (of_errors[i].code == abs(code))
			return reads ? of_errors[i].reader : of_errors[i].engine;
	return reads ? PRS_EXIT_MISTAKE : PRS_EXIT_RESUMABLE;
}

bool prs_exit_mends_script(int code)
{
	static const int codes[] = { PRS_EFAIL_FAST,     PRS_EINIT_GIVE_UP,    PRS_EINIT_EXCEPTION, PRS_EINIT_EXIT,
		                     PRS_EIMPORT_FAILED, PRS_ENO_RUN_FUNCTION, PRS_EAZURE_NAME };
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == abs(code))
			return true;
	return false;
}

void prs_exit_next(char *to, size_t n, int status, const char *run)
{
	to[0] = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *at = strstr(rows[i].next, "RUN");
		if (rows[i].status == status && at)
			snprintf(to, n, "%.*s%s%s", (int)(at - rows[i].next), rows[i].next, run, at + strlen("RUN"));
	}
}
