/* SPDX-License-Identifier: Apache-2.0
 * fs: the file functions of the program: the real ones. In test builds PRS_FAULT="function:n:ERRNO[:repeat|:every]"
 * makes the n-th call of a function (tests/lib/fault_fs.h; "malloc": of an allocation, "any": of any file function)
 * fail, once, from then on, or each n-th; "function@text:n:..." counts only calls on files whose path holds the text,
 * "malloc@bytes:n:..." only allocations of so many bytes and more.
 * PRS_FAULT_REPORT=FILE: at the end the number of calls of each function is written there, how many calls PRS_FAULT
 * chose from, what fired, and what was left open.
 */
#include "cli/cli.h"

#include "io/fs_posix.h"

#ifdef PRS_KILL_POINTS
#include "base/mem.h"
#include "fault_fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fault_fs faulty;

static void report(void)
{
	FILE *f = fopen(getenv("PRS_FAULT_REPORT"), "w");
	if (!f)
		return;
	for (int i = 0; i < FAULT_KINDS; i++)
		fprintf(f, "%s %ld\n", fault_call_name((enum fault_call)i), faulty.calls[i]);
	fprintf(f, "malloc %ld\nseen %ld\nfired %ld\nopen_files %ld\nmapped %ld\n", prs_mem_count(), faulty.seen,
	        faulty.fired, faulty.open_files, faulty.mapped);
	fclose(f);
}

static void arm(const char *text)
{
	char function[32], error[32];
	long n;
	bool repeat = strstr(text, ":repeat");
	if (sscanf(text, "%31[^:@]@%63[^:]:%ld:%31[A-Z]", function, faulty.only, &n, error) != 4 &&
	    sscanf(text, "%31[^:]:%ld:%31[A-Z]", function, &n, error) != 3)
		return;
	faulty.every = strstr(text, ":every");
	if (!strcmp(function, "malloc")) {
		prs_mem_fault_size(strtoul(faulty.only, NULL, 10));
		(repeat ? prs_mem_fault_from : prs_mem_fault)(n);
		return;
	}
	fault_fs_arm(&faulty, fault_call_by_name(function), n, !strcmp(error, "ENOSPC") ? ENOSPC : EIO, repeat);
}

const struct prs_fs *program_fs(void)
{
	const char *fault = getenv("PRS_FAULT");
	if (faulty.real || (!fault && !getenv("PRS_FAULT_REPORT")))
		return faulty.real ? &faulty.fs : &prs_fs_posix;
	fault_fs_init(&faulty, &prs_fs_posix);
	if (getenv("PRS_FAULT_REPORT"))
		atexit(report);
	if (fault)
		arm(fault);
	return &faulty.fs;
}
#else
const struct prs_fs *program_fs(void) { return &prs_fs_posix; }
#endif
