/* SPDX-License-Identifier: Apache-2.0
 * jobfile_path: paths as texts.
 */
#include "spec/jobfile_impl.h"

#include <string.h>

char *prs_path_absolute(const char *base, const char *path)
{
	char *joined = path[0] == '/' ? prs_strdup(path) : prs_strf("%s/%s", base, path);
	if (!joined)
		return NULL;
	char *to = joined; /* the result grows over the text it comes from */
	for (const char *p = joined; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && !strncmp(p, "..", 2)) {
			while (to > joined && *--to != '/')
				;
		} else if (n && !(n == 1 && *p == '.')) {
			*to++ = '/';
			memmove(to, p, n);
			to += n;
		}
		p += n;
		p += strspn(p, "/");
	}
	if (to == joined)
		*to++ = '/';
	*to = 0;
	return joined;
}

bool prs_path_is_pattern(const char *path) { return path[strcspn(path, "*?[")] != 0; }

char *prs_path_pattern_root(const char *pattern)
{
	size_t n = strcspn(pattern, "*?[");
	while (n > 1 && pattern[n - 1] != '/')
		n--;
	return prs_strf("%.*s", (int)(n > 1 ? n - 1 : 1), pattern);
}
