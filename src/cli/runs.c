/* SPDX-License-Identifier: Apache-2.0
 * runs: finds run folders.
 */
#include "cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_run(const char *dir, uint64_t *ret_time_ns)
{
	char path[PATH_MAX + 8];
	struct stat st;
	snprintf(path, sizeof path, "%s/RUN", dir);
	if (stat(path, &st) < 0)
		return false;
	*ret_time_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
	return true;
}

int find_run(const char *word, char *to, size_t n, struct prs_err *err)
{
	const char *env = getenv("PRS_RUNS"), *runs = env && env[0] ? env : "runs";
	char path[PATH_MAX], best[PATH_MAX] = "", real[PATH_MAX];
	uint64_t when, newest = 0;
	unsigned found = 0;
	bool last = !strcmp(word, "last");
	if (!last && is_run(word, &when) && realpath(word, real)) {
		snprintf(to, n, "%s", real);
		return 0;
	}
	DIR *d = opendir(runs);
	struct dirent *e;
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof path, "%.2000s/%s", runs, e->d_name);
		if (!is_run(path, &when) || (!last && strncmp(e->d_name, word, strlen(word)) != 0))
			continue;
		found++;
		bool exact = !strcmp(e->d_name, word);
		if (exact || !best[0] || when > newest || (when == newest && strcmp(path, best) > 0)) {
			snprintf(best, sizeof best, "%s", path);
			newest = when;
		}
		if (exact) {
			found = 1;
			break;
		}
	}
	if (d)
		closedir(d);
	if (!found)
		return prs_fail(err, PRS_ENOTFOUND, "no run %s in %s (an id, the beginning of one, a path, or last)", word, runs);
	if (!last && found > 1)
		return prs_fail(err, PRS_EINVALID, "%u runs in %s begin with %s: give more of the id", found, runs, word);
	if (!realpath(best, real))
		return prs_fail_errno(err, errno, "%s", best);
	snprintf(to, n, "%s", real);
	return 0;
}
