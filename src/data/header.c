/* SPDX-License-Identifier: Apache-2.0
 * header: names are looked up in a sorted array of them, so that a header of many thousand columns costs no more than
 * sorting it.
 */
#include "data/header.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int nomem(struct prs_err *err) { return prs_fail(err, PRS_ENOMEM, "the names of a table"); }

/* ---- encodings --------------------------------------------------------------------------------------------------- */

size_t prs_utf8_mark(const uint8_t *p, size_t n) { return n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3) ? 3 : 0; }

/* The character of a byte from 0x80 on; 0: there is none. 0x80 to 0x9f of windows-1252: the table of the Unicode
 * consortium (MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT). */
static unsigned character(uint8_t byte, enum prs_encoding e)
{
	static const uint16_t windows[32] = { 0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		                              0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
		                              0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		                              0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178 };
	return e == PRS_ENCODING_WINDOWS1252 && byte < 0xa0 ? windows[byte - 0x80] : byte;
}

/* Bytes of the character at p whose UTF-8 form is appended; 0: it is none. */
static unsigned take_character(const uint8_t *p, size_t n, enum prs_encoding e, struct prs_buf *to)
{
	if (!*p)
		return 0;
	if (*p >= 0x80 && e != PRS_ENCODING_UTF8) {
		unsigned c = character(*p, e);
		if (c)
			prs_put_utf8(to, c);
		return c ? 1 : 0;
	}
	unsigned bytes = prs_utf8(p, n, NULL);
	prs_buf_put(to, p, bytes);
	return bytes;
}

int prs_put_as_utf8(struct prs_buf *to, const uint8_t *p, size_t n, enum prs_encoding e)
{
	for (size_t at = 0; at < n;) {
		unsigned bytes = take_character(p + at, n - at, e, to);
		if (!bytes)
			return -PRS_EINVALID;
		at += bytes;
	}
	return 0;
}

/* ---- many names -------------------------------------------------------------------------------------------------- */

struct place {
	const char *name;
	uint32_t at;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->name, ((const struct place *)b)->name);
}

/* The names sorted, the caller frees; NULL when out of memory. Of equal ones it is open which is found. */
static struct place *sorted(const struct prs_names *names)
{
	struct place *v = prs_malloc((names->n + 1) * sizeof *v);
	for (size_t i = 0; v && i < names->n; i++)
		v[i] = (struct place){ names->v[i], (uint32_t)i };
	if (v)
		qsort(v, names->n, sizeof *v, by_name);
	return v;
}

static struct place *find(struct place *v, size_t n, const char *name)
{
	struct place key = { .name = name };
	return bsearch(&key, v, n, sizeof *v, by_name);
}

/* Takes `name`, which may be NULL: out of memory. */
static int add_name(struct prs_names *names, char *name)
{
	if (!name)
		return -PRS_ENOMEM;
	if (names->n == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : 16;
		char **v = prs_realloc(names->v, cap * sizeof *v);
		if (!v) {
			free(name);
			return -PRS_ENOMEM;
		}
		names->v = v;
		names->cap = cap;
	}
	names->v[names->n++] = name;
	return 0;
}

int prs_names_add(struct prs_names *names, const char *name) { return add_name(names, prs_strdup(name)); }

void prs_names_done(struct prs_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	prs_freep(&names->v);
	names->n = names->cap = 0;
}

/* ---- the names of a header --------------------------------------------------------------------------------------- */

bool prs_header_is_there(enum prs_header_mode mode, uint64_t file)
{
	return mode != PRS_HEADER_NONE && (mode != PRS_HEADER_FIRST || file == 0);
}

static int read_names(const struct prs_cells *header, enum prs_encoding e, struct prs_names *to, struct prs_err *err)
{
	PRS_AUTOBUF text;
	prs_buf_init(&text, UINT32_MAX);
	for (size_t i = 0; i < header->n; i++) {
		prs_buf_clear(&text);
		if (prs_put_as_utf8(&text, prs_cells_at(header, i), header->v[i].n, e) < 0)
			return prs_fail(err, PRS_EINVALID, "the name of column %zu is not text in %s", i + 1,
			                prs_encoding_name(e));
		const char *name = prs_buf_str(&text);
		if (text.failed || add_name(to, text.len ? prs_strdup(name) : prs_strf("Unnamed: %zu", i)) < 0)
			return nomem(err);
	}
	return 0;
}

/* Which of several equal names keeps it: those that stand in the file before those made for an empty cell, then the
 * first. `made`: by index. */
static int by_right(const void *a, const void *b, void *made)
{
	const struct place *x = a, *y = b;
	const bool *is_made = made;
	int r = strcmp(x->name, y->name);
	if (r)
		return r;
	if (is_made[x->at] != is_made[y->at])
		return is_made[x->at] ? 1 : -1;
	return x->at < y->at ? -1 : 1;
}

/* name.1, or the next number that no column of the header has */
static char *numbered(const char *name, unsigned long *number, struct place *all, size_t n)
{
	for (;; ++*number) {
		char *text = prs_strf("%s.%lu", name, *number);
		if (!text || !find(all, n, text))
			return text;
		free(text);
	}
}

/* Behind the first of each name the others get a number. A made name is one that no other column has or will get, so
 * one pass is enough. v[] still points at the texts that are replaced: they are freed when nobody looks at them. */
static int number_equal(struct prs_names *names, struct place *v)
{
	const char *name = NULL;
	unsigned long number = 0;
	for (size_t i = 0; i < names->n; i++) {
		if (!name || strcmp(name, v[i].name)) {
			name = v[i].name;
			number = 1;
			continue;
		}
		char *text = numbered(name, &number, v, names->n);
		if (!text)
			return -PRS_ENOMEM;
		names->v[v[i].at] = text;
		number++;
	}
	return 0;
}

static int make_unique(struct prs_names *names, bool *made)
{
	PRS_AUTOFREE struct place *v = sorted(names);
	if (!v)
		return -PRS_ENOMEM;
	qsort_r(v, names->n, sizeof *v, by_right, made);
	int r = number_equal(names, v);
	for (size_t i = 0; i < names->n; i++)
		if (names->v[v[i].at] != v[i].name)
			free((char *)v[i].name);
	return r;
}

int prs_names_of(const struct prs_cells *header, enum prs_encoding e, struct prs_names *ret, struct prs_err *err)
{
	*ret = (struct prs_names){ .n = 0 };
	PRS_AUTOFREE bool *made = prs_calloc(header->n + 1, sizeof *made);
	if (!made)
		return nomem(err);
	for (size_t i = 0; i < header->n; i++)
		made[i] = header->v[i].n == 0;
	int r = read_names(header, e, ret, err);
	if (!r && make_unique(ret, made) < 0)
		r = nomem(err);
	if (r)
		prs_names_done(ret);
	return r;
}

int prs_names_numbered(size_t n, struct prs_names *ret, struct prs_err *err)
{
	*ret = (struct prs_names){ .n = 0 };
	for (size_t i = 0; i < n; i++) {
		if (add_name(ret, prs_strf("Column%zu", i + 1)) == 0)
			continue;
		prs_names_done(ret);
		return nomem(err);
	}
	return 0;
}

/* ---- other files ------------------------------------------------------------------------------------------------- */

int prs_names_place(const struct prs_names *all, const struct prs_names *file, uint32_t *fields, struct prs_err *err)
{
	PRS_AUTOFREE struct place *v = sorted(file);
	if (!v)
		return nomem(err);
	for (size_t i = 0; i < all->n; i++) {
		const struct place *at = find(v, file->n, all->v[i]);
		fields[i] = at ? at->at : PRS_NO_FIELD;
	}
	return 0;
}

/* The first name of `names` that `others` does not have; NULL: none. */
static const char *missing_in(const struct prs_names *names, struct place *others, size_t n)
{
	for (size_t i = 0; i < names->n; i++)
		if (!find(others, n, names->v[i]))
			return names->v[i];
	return NULL;
}

static int other_names(const char *has, const char *name, const char *has_not, struct prs_err *err)
{
	return prs_fail(err, PRS_EINVALID,
	                "%s has a column \"%s\" and %s has none: all_files_different_headers takes the columns of all",
	                has, name, has_not);
}

int prs_names_match(const struct prs_names *first, const char *first_file, const struct prs_names *file,
                    const char *file_name, uint32_t *fields, struct prs_err *err)
{
	PRS_AUTOFREE struct place *a = sorted(first);
	PRS_AUTOFREE struct place *b = sorted(file);
	if (!a || !b)
		return nomem(err);
	const char *missing = missing_in(first, b, file->n), *extra = missing_in(file, a, first->n);
	if (missing)
		return other_names(first_file, missing, file_name, err);
	if (extra)
		return other_names(file_name, extra, first_file, err);
	return prs_names_place(first, file, fields, err);
}

int prs_names_unite(struct prs_names *all, const struct prs_names *file, struct prs_err *err)
{
	size_t had = all->n;
	PRS_AUTOFREE struct place *v = sorted(all);
	if (!v)
		return nomem(err);
	for (size_t i = 0; i < file->n; i++)
		if (!find(v, had, file->v[i]) && prs_names_add(all, file->v[i]) < 0)
			return nomem(err);
	return 0;
}
