/* SPDX-License-Identifier: Apache-2.0
 * glob: two walks over names, one of the pattern and one of the path; a `**` is a place to come back to.
 */
#include "data/glob.h"

#include <fnmatch.h>
#include <string.h>

enum { NAME_BYTES = 1024 };

/* The first name of a path into `to`; returns what stands behind it, NULL when there is none. */
static const char *first_name(const char *path, char to[NAME_BYTES])
{
	path += strspn(path, "/");
	size_t n = strcspn(path, "/");
	if (!n || n >= NAME_BYTES)
		return NULL;
	memcpy(to, path, n);
	to[n] = 0;
	return path + n;
}

/* `open`: the path may go on below its last name. A `**` is tried at most once per name of the path: the last one takes
 * what is left over. */
static bool match(const char *pattern, const char *path, bool open)
{
	const char *back_pattern = NULL, *back_path = NULL;
	for (;;) {
		char p[NAME_BYTES], name[NAME_BYTES];
		const char *rest_pattern = first_name(pattern, p), *rest_path = first_name(path, name);
		if (rest_pattern && !strcmp(p, "**")) {
			if (open)
				return true;
			back_pattern = pattern = rest_pattern;
			back_path = path;
			continue;
		}
		if (!rest_path && (open ? rest_pattern != NULL : !rest_pattern))
			return true;
		if (rest_path && rest_pattern && fnmatch(p, name, 0) == 0) {
			pattern = rest_pattern;
			path = rest_path;
			continue;
		}
		if (!back_path || !(back_path = first_name(back_path, name)))
			return false;
		pattern = back_pattern;
		path = back_path;
	}
}

bool prs_glob_match(const char *pattern, const char *path) { return match(pattern, path, false); }

bool prs_glob_enter(const char *pattern, const char *folder) { return match(pattern, folder, true); }
