/* SPDX-License-Identifier: Apache-2.0
 * ignore: rules as .gitignore has them, asked from the last one back: the last that fits decides.
 */
#include "spec/ignore.h"

#include "base/mem.h"

#include <fnmatch.h>
#include <string.h>

struct prs_ignore_rule {
	char *pattern; /* without "!", "/" in front and "/" behind */
	bool negate, folder_only, rooted;
};

void prs_ignore_done(struct prs_ignore *g)
{
	for (size_t i = 0; i < g->n; i++)
		prs_freep(&g->v[i].pattern);
	prs_freep(&g->v);
	g->n = 0;
}

/* Blanks at the end do not count, unless the last one is escaped. */
static size_t trimmed(const char *line, size_t n)
{
	while (n && (line[n - 1] == '\r' ||
	             ((line[n - 1] == ' ' || line[n - 1] == '\t') && !(n > 1 && line[n - 2] == '\\'))))
		n--;
	return n;
}

static int add(struct prs_ignore *g, const char *line, size_t n)
{
	struct prs_ignore_rule r = { .negate = line[0] == '!' };
	line += r.negate;
	n = trimmed(line, n - r.negate);
	r.folder_only = n && line[n - 1] == '/';
	n -= r.folder_only;
	r.rooted = memchr(line, '/', n) != NULL;
	size_t skip = n && line[0] == '/';
	if (n == skip)
		return 0;
	struct prs_ignore_rule *v = prs_realloc(g->v, (g->n + 1) * sizeof *v);
	if (!v)
		return -PRS_ENOMEM;
	g->v = v;
	r.pattern = prs_strf("%.*s", (int)(n - skip), line + skip);
	if (!r.pattern)
		return -PRS_ENOMEM;
	v[g->n++] = r;
	return 0;
}

int prs_ignore_parse(struct prs_ignore *g, const char *text, struct prs_err *err)
{
	for (size_t n; *text; text += n + (text[n] != 0)) {
		n = strcspn(text, "\n");
		if (n && text[0] != '#' && add(g, text, n) < 0)
			return prs_fail(err, PRS_ENOMEM, "the ignore file");
	}
	return 0;
}

/* The first folder or name of a path against that of a pattern. */
static bool part_matches(const char *pattern, size_t n, const char *path, size_t m)
{
	enum { PART = 512 };
	char p[PART], s[PART];
	if (n >= PART || m >= PART)
		return false;
	memcpy(p, pattern, n);
	memcpy(s, path, m);
	p[n] = s[m] = 0;
	return fnmatch(p, s, 0) == 0;
}

static bool path_matches(const char *pattern, const char *path)
{
	for (;;) {
		size_t n = strcspn(pattern, "/"), m = strcspn(path, "/");
		if (n == 2 && !strncmp(pattern, "**", 2)) {
			if (!pattern[n])
				return *path;
			for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
				if (path_matches(pattern + 3, at))
					return true;
			return false;
		}
		if (!part_matches(pattern, n, path, m))
			return false;
		if (!pattern[n] || !path[m])
			return !pattern[n] && !path[m];
		pattern += n + 1;
		path += m + 1;
	}
}

/* The rule that decides, NULL = none. */
static const struct prs_ignore_rule *last_fit(const struct prs_ignore *g, const char *path, bool folder)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	for (size_t i = g->n; i-- > 0;) {
		const struct prs_ignore_rule *r = &g->v[i];
		if ((!r->folder_only || folder) &&
		    (r->rooted ? path_matches(r->pattern, path) : fnmatch(r->pattern, name, 0) == 0))
			return r;
	}
	return NULL;
}

bool prs_ignored(const struct prs_ignore *g, const char *path, bool folder)
{
	const struct prs_ignore_rule *r = last_fit(g, path, folder);
	return r && !r->negate;
}

bool prs_ignore_keeps(const struct prs_ignore *g, const char *path, bool folder)
{
	const struct prs_ignore_rule *r = last_fit(g, path, folder);
	return r && r->negate;
}
